//! A key's life: made, enabled and disabled, deleted in the end.

use super::constraint;
use super::describe::metadata;
use super::input::{OfKey, Tag, add_tags, note, required};
use super::permit::{change, on_account};
use super::policies::check_policy;
use crate::beside::Refused;
use crate::call::Call;
use crate::clock;
use crate::keys::KmsKey;
use crate::keys::kms::{Change, DAY_MS, KeyContent, KeyState, Manager, Unusable, check_usable};
use serde::Deserialize;
use serde_json::{Value, json};

const MAX_DESCRIPTION: usize = 8192;
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    policy: Option<String>,
    description: Option<String>,
    key_usage: Option<String>,
    key_spec: Option<String>,
    customer_master_key_spec: Option<String>,
    origin: Option<String>,
    multi_region: Option<bool>,
    tags: Option<Vec<Tag>>,
}

pub(super) async fn create(call: &Call<'_>, request: Create) -> Result<Value, Refused> {
    call.note_tags(|noted| note(&mut noted.set, request.tags.as_deref().unwrap_or_default()));
    on_account(call, "CreateKey")?;
    if request.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        on_account(call, "TagResource")?;
    }
    let only = |value: &Option<String>, offered: &str| {
        let other = value.as_deref().filter(|value| *value != offered);
        other.map_or(Ok(()), |other| Err(unsupported(&format!("{other} is not offered: only {offered}."))))
    };
    only(&request.key_usage, "ENCRYPT_DECRYPT")?;
    only(&request.key_spec, SYMMETRIC)?;
    only(&request.customer_master_key_spec, SYMMETRIC)?;
    only(&request.origin, "AWS_KMS")?;
    if request.multi_region == Some(true) {
        return Err(unsupported("Keys of several regions are not offered."));
    }
    let (keys, now_ms) = (&call.edge.keys, clock::wall_ms());
    let mut content = KeyContent::new(Manager::Customer, now_ms);
    content.description = check_description(request.description.unwrap_or_default())?;
    if let Some(policy) = request.policy {
        check_policy(&policy)?;
        content.policy = Some(policy);
    }
    add_tags(&mut content.tags, request.tags.unwrap_or_default())?;
    let name = keys.new_name(&call.caller.account, &call.caller.region);
    keys.rotate(&name, &mut content, now_ms, false)?;
    call.decided.note_about(name.arn());
    let changing = keys.lock().await;
    let id = name.id;
    keys.make(changing, vec![Change::NewKey(name, content)]).await?;
    let key = keys.by_id(id).ok_or_else(|| Refused::new("KMSInternalException", "The key is gone."))?;
    Ok(json!({ "KeyMetadata": metadata(&key) }))
}

fn unsupported(message: &str) -> Refused {
    Refused::new("UnsupportedOperationException", message)
}

fn check_description(text: String) -> Result<String, Refused> {
    if text.chars().count() > MAX_DESCRIPTION {
        return Err(constraint(&text, "description", "have length less than or equal to 8192"));
    }
    Ok(text)
}

pub(super) async fn enable(call: &Call<'_>, request: OfKey) -> Result<Value, Refused> {
    set_state(call, "EnableKey", request.key_id, KeyState::Enabled).await
}

pub(super) async fn disable(call: &Call<'_>, request: OfKey) -> Result<Value, Refused> {
    set_state(call, "DisableKey", request.key_id, KeyState::Disabled).await
}

async fn set_state(
    call: &Call<'_>,
    action: &str,
    key_id: Option<String>,
    state: KeyState,
) -> Result<Value, Refused> {
    change(call, action, key_id.as_deref(), |key, content| {
        if let KeyState::PendingDeletion { .. } = content.state {
            return Err(Unusable::PendingDeletion(key.name.arn()).into());
        }
        content.state = state;
        Ok(())
    })
    .await?;
    Ok(json!({}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScheduleDeletion {
    key_id: Option<String>,
    pending_window_in_days: Option<i64>,
}

pub(super) async fn schedule_deletion(call: &Call<'_>, request: ScheduleDeletion) -> Result<Value, Refused> {
    let days = request.pending_window_in_days.unwrap_or(30);
    let bound = match days {
        ..7 => Some("have value greater than or equal to 7"),
        31.. => Some("have value less than or equal to 30"),
        _ => None,
    };
    if let Some(bound) = bound {
        return Err(constraint(&days.to_string(), "pendingWindowInDays", bound));
    }
    let due_ms = clock::wall_ms() + days.unsigned_abs() * DAY_MS;
    let edit = |key: &KmsKey, content: &mut KeyContent| {
        if let KeyState::PendingDeletion { .. } = content.state {
            return Err(Refused::from(Unusable::PendingDeletion(key.name.arn())));
        }
        content.state = KeyState::PendingDeletion { due_ms };
        Ok(())
    };
    let (key, ()) = change(call, "ScheduleKeyDeletion", request.key_id.as_deref(), edit).await?;
    Ok(json!({
        "KeyId": key.name.arn(),
        "DeletionDate": super::describe::date(due_ms),
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": days,
    }))
}

pub(super) async fn cancel_deletion(call: &Call<'_>, request: OfKey) -> Result<Value, Refused> {
    let edit = |key: &KmsKey, content: &mut KeyContent| {
        let KeyState::PendingDeletion { .. } = content.state else {
            let message = format!("{} is not pending deletion.", key.name.arn());
            return Err(Refused::new("KMSInvalidStateException", message));
        };
        // As with AWS: whoever wants to use it again enables it.
        content.state = KeyState::Disabled;
        Ok(())
    };
    let (key, ()) = change(call, "CancelKeyDeletion", request.key_id.as_deref(), edit).await?;
    Ok(json!({ "KeyId": key.name.arn() }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateDescription {
    key_id: Option<String>,
    description: Option<String>,
}

pub(super) async fn describe_anew(call: &Call<'_>, request: UpdateDescription) -> Result<Value, Refused> {
    let text = check_description(required(request.description.as_ref(), "description")?.clone())?;
    change(call, "UpdateKeyDescription", request.key_id.as_deref(), |key, content| {
        if let KeyState::PendingDeletion { .. } = content.state {
            check_usable(key)?;
        }
        content.description = text;
        Ok(())
    })
    .await?;
    Ok(json!({}))
}
