//! Aliases: names for keys that can be given to other keys.

use super::constraint;
use super::input::required;
use super::permit::{Reach, allow, authorize, reference};
use crate::access::Resource;
use crate::beside::Refused;
use crate::call::Call;
use crate::clock;
use crate::keys::KmsKey;
use crate::keys::kms::{Alias, Change, KeyState, Unusable};
use crate::keys::names::{ALIAS_PREFIX, AliasName, Reference};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// So many aliases one key has at most (KMS quotas: 50), which also lets them go together with it in one change.
const MAX_OF_KEY: usize = 50;
const MAX_BYTES: usize = 256;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    alias_name: Option<String>,
    target_key_id: Option<String>,
}

impl Named {
    fn name(&self, call: &Call<'_>) -> Result<AliasName, Refused> {
        let alias = required(self.alias_name.as_deref(), "aliasName")?;
        let is_legal = |b: u8| b.is_ascii_alphanumeric() || b"/_-".contains(&b);
        let Some(rest) = alias.strip_prefix(ALIAS_PREFIX).filter(|rest| !rest.is_empty()) else {
            return Err(super::validation(
                "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
            ));
        };
        if !rest.bytes().all(is_legal) {
            return Err(constraint(
                alias,
                "aliasName",
                "satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
            ));
        }
        if alias.len() > MAX_BYTES {
            return Err(constraint(alias, "aliasName", "have length less than or equal to 256"));
        }
        if rest.starts_with("aws/") {
            return Err(Refused::new("NotAuthorizedException", ""));
        }
        let (account, region) = (call.caller.account.clone(), call.caller.region.clone());
        Ok(AliasName { account, region, alias: alias.to_owned() })
    }

    /// The key that an alias is to name: a key's id or ARN, in the same account and region.
    fn target(&self, call: &Call<'_>, action: &str, name: &AliasName) -> Result<Arc<KmsKey>, Refused> {
        required(self.target_key_id.as_deref(), "targetKeyId")?;
        let reference = reference(call, self.target_key_id.as_deref())?;
        if let Reference::Alias(_) = reference {
            return Err(super::validation("Aliases must refer to keys. Not aliases"));
        }
        let key = call.edge.keys.find(&reference)?;
        allow(call, action, &key, Reach::Own)?;
        super::permit::not_managed(&key)?;
        if key.name.region != name.region {
            return Err(Unusable::NoKey(key.name.arn()).into());
        }
        if let KeyState::PendingDeletion { .. } = key.content.state {
            return Err(Unusable::PendingDeletion(key.name.arn()).into());
        }
        Ok(key)
    }
}

fn allow_alias(call: &Call<'_>, action: &str, name: &AliasName) -> Result<(), Refused> {
    authorize(call, action, &Resource::plain(&name.arn(), &name.account))
}

fn check_room(call: &Call<'_>, key: &KmsKey) -> Result<(), Refused> {
    let all = call.edge.keys.aliases_of(&key.name.account, &key.name.region);
    let of_key = all.iter().filter(|(_, alias)| alias.content.key == key.name.id).count();
    if of_key < MAX_OF_KEY {
        return Ok(());
    }
    Err(Refused::new("LimitExceededException", "A key has at most 50 aliases."))
}

pub(super) async fn create(call: &Call<'_>, request: Named) -> Result<Value, Refused> {
    let name = request.name(call)?;
    allow_alias(call, "CreateAlias", &name)?;
    let keys = &call.edge.keys;
    let changing = keys.lock().await;
    let key = request.target(call, "CreateAlias", &name)?;
    if keys.alias(&name).is_some() {
        let message = format!("An alias with the name {} already exists", name.arn());
        return Err(Refused::new("AlreadyExistsException", message));
    }
    check_room(call, &key)?;
    let alias = Alias::new(key.name.id, clock::wall_ms());
    keys.make(changing, vec![Change::Alias(name, alias)]).await?;
    Ok(json!({}))
}

pub(super) async fn update(call: &Call<'_>, request: Named) -> Result<Value, Refused> {
    let name = request.name(call)?;
    allow_alias(call, "UpdateAlias", &name)?;
    let keys = &call.edge.keys;
    let changing = keys.lock().await;
    let Some(mut alias) = keys.alias(&name) else { return Err(Unusable::NoAlias(name.arn()).into()) };
    if let Some(left) = keys.by_id(alias.content.key) {
        allow(call, "UpdateAlias", &left, Reach::Own)?;
    }
    let key = request.target(call, "UpdateAlias", &name)?;
    if alias.content.key != key.name.id {
        check_room(call, &key)?;
    }
    (alias.content.key, alias.content.updated_ms) = (key.name.id, clock::wall_ms());
    keys.make(changing, vec![Change::Alias(name, alias)]).await?;
    Ok(json!({}))
}

pub(super) async fn delete(call: &Call<'_>, request: Named) -> Result<Value, Refused> {
    let name = request.name(call)?;
    allow_alias(call, "DeleteAlias", &name)?;
    let keys = &call.edge.keys;
    let changing = keys.lock().await;
    let Some(alias) = keys.alias(&name) else { return Err(Unusable::NoAlias(name.arn()).into()) };
    if let Some(key) = keys.by_id(alias.content.key) {
        allow(call, "DeleteAlias", &key, Reach::Own)?;
    }
    keys.make(changing, vec![Change::AliasGone(name, alias)]).await?;
    Ok(json!({}))
}
