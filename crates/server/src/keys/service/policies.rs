//! Keys' policies: each key has one, by the name of `default`.

use super::input::{OfKey, required};
use super::permit::{Reach, change, on_key};
use crate::beside::Refused;
use crate::call::Call;
use crate::keys::kms::read_policy;
use serde::Deserialize;
use serde_json::{Value, json};

const NAME: &str = "default";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    key_id: Option<String>,
    policy_name: Option<String>,
    policy: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    key_id: Option<String>,
    policy_name: Option<String>,
}

/// Refuses what is no policy.
///
/// # Errors
/// `MalformedPolicyDocumentException`.
pub(super) fn check_policy(text: &str) -> Result<(), Refused> {
    let read = read_policy(text).map(drop);
    read.map_err(|error| Refused::new("MalformedPolicyDocumentException", error.to_string()))
}

fn check_name(name: Option<&str>) -> Result<(), Refused> {
    if name.is_none_or(|name| name == NAME) {
        return Ok(());
    }
    Err(Refused::new("NotFoundException", "No such policy exists"))
}

pub(super) async fn put(call: &Call<'_>, request: Put) -> Result<Value, Refused> {
    check_name(request.policy_name.as_deref())?;
    let policy = required(request.policy.as_deref(), "policy")?;
    check_policy(policy)?;
    change(call, "PutKeyPolicy", request.key_id.as_deref(), |_, content| {
        content.policy = Some(policy.to_owned());
        Ok(())
    })
    .await?;
    Ok(json!({}))
}

pub(super) fn get(call: &Call<'_>, request: &Get) -> Result<Value, Refused> {
    let key = on_key(call, "GetKeyPolicy", request.key_id.as_deref(), Reach::Own)?;
    check_name(request.policy_name.as_deref())?;
    Ok(json!({ "Policy": key.policy_text(), "PolicyName": NAME }))
}

pub(super) fn list(call: &Call<'_>, request: &OfKey) -> Result<Value, Refused> {
    on_key(call, "ListKeyPolicies", request.key_id.as_deref(), Reach::Own)?;
    Ok(json!({ "PolicyNames": [NAME], "Truncated": false }))
}
