//! Access keys.

use super::refusal::{access_denied, no_such_entity, validation};
use super::scope::Scope;
use crate::access::Who;
use crate::access::realm::AccessKey;
use crate::beside::Refused;
use crate::call::Call;
use crate::clock;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// A user's; without a name the caller's own, as with IAM, or, where an account is named, that of its root.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Owned {
    user_name: Option<String>,
    account: Option<String>,
}

/// Whose key a request is about: a user's, or (`None`) the root's.
fn owner(call: &Call<'_>, scope: &Scope, named: Option<String>) -> Option<String> {
    match &call.caller.who {
        Who::User(user) if named.is_none() && !scope.is_named => Some(user.name.clone()),
        _ => named,
    }
}

/// Refuses what the caller may not do with somebody's keys. Those of the root are nobody else's business: whoever could make one would be
/// allowed everything.
fn permit(call: &Call<'_>, scope: &Scope, action: &str, owner: Option<&str>) -> Result<(), Refused> {
    let Some(name) = owner else {
        let arn = scope.root_arn();
        if matches!(call.caller.who, Who::User(_)) {
            call.decided.note_about(arn);
            call.decided.say("denied: the access keys of a root are its own business");
            return Err(access_denied("Only the root itself can see and change the access keys of the root"));
        }
        return scope.permit(call, action, &arn);
    };
    scope.permit(call, action, &scope.user_arn(name)?)
}

pub(super) async fn create(call: &Call<'_>, request: Owned) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    let owner = owner(call, &scope, request.user_name);
    permit(call, &scope, "iam:CreateAccessKey", owner.as_deref())?;
    let edge = call.edge;
    let key = edge.access.realms.create_key(&scope.account, owner.as_deref(), &edge.entropy).await?;
    call.decided.note_about(format!("{} of {}", key.id, described(&scope, owner.as_deref())));
    Ok(json!({ "AccessKey": {
        "UserName": owner.unwrap_or_else(|| ROOT.to_owned()),
        "AccessKeyId": key.id,
        "Status": ACTIVE,
        "SecretAccessKey": key.secret.reveal(),
        "CreateDate": clock::rfc3339(clock::wall_ms() / 1000),
    } }))
}

const ACTIVE: &str = "Active";
const INACTIVE: &str = "Inactive";
/// What stands in a user's place.
const ROOT: &str = "root";

pub(super) fn list(call: &Call<'_>, request: Owned) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    let owner = owner(call, &scope, request.user_name);
    permit(call, &scope, "iam:ListAccessKeys", owner.as_deref())?;
    let realm = call.edge.access.realms.current();
    if let Some(name) = &owner
        && realm.user(&scope.account, name).is_none()
    {
        return Err(no_such_entity(format!("there is no user {name}")));
    }
    let keys = realm.keys_of(&scope.account, owner.as_deref());
    let shown = keys.into_iter().map(|key| {
        json!({
            "UserName": key.user.as_deref().unwrap_or(ROOT),
            "AccessKeyId": key.id,
            "Status": if key.active { ACTIVE } else { INACTIVE },
            "CreateDate": clock::rfc3339(key.created_s),
        })
    });
    Ok(json!({ "AccessKeyMetadata": shown.collect::<Vec<_>>(), "IsTruncated": false }))
}

/// One key, whose owner may be named.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct OneKey {
    access_key_id: String,
    user_name: Option<String>,
    account: Option<String>,
}

/// Finds a key that the caller may deal with so. Its owner needn't be named, as ids are unique.
fn find(call: &Call<'_>, action: &str, request: OneKey) -> Result<(Scope, Arc<AccessKey>), Refused> {
    let OneKey { access_key_id: id, user_name, account } = request;
    let scope = Scope::of(call, account.as_deref())?;
    let realm = call.edge.access.realms.current();
    let key = realm.key(&scope.account, &id).cloned();
    let is_named = |key: &&Arc<AccessKey>| user_name.is_none() || key.user == user_name;
    let Some(key) = key.as_ref().filter(is_named).cloned() else {
        // A caller who may not even ask should not learn which keys there are.
        let owner = owner(call, &scope, user_name);
        permit(call, &scope, action, owner.as_deref())?;
        return Err(no_such_entity(format!("there is no access key {id}")));
    };
    permit(call, &scope, action, key.user.as_deref())?;
    call.decided.note_about(format!("{id} of {}", described(&scope, key.user.as_deref())));
    Ok((scope, key))
}

fn described(scope: &Scope, owner: Option<&str>) -> String {
    match owner {
        Some(name) => format!("arn:aws:iam::{}:user/{name}", scope.account),
        None => scope.root_arn(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateAccessKey {
    access_key_id: String,
    status: String,
    user_name: Option<String>,
    account: Option<String>,
}

pub(super) async fn update(call: &Call<'_>, request: UpdateAccessKey) -> Result<Value, Refused> {
    let active = match request.status.as_str() {
        ACTIVE => true,
        INACTIVE => false,
        _ => return Err(validation("Status is Active or Inactive")),
    };
    let UpdateAccessKey { access_key_id, user_name, account, .. } = request;
    let (scope, key) = find(call, "iam:UpdateAccessKey", OneKey { access_key_id, user_name, account })?;
    let edge = call.edge;
    let kept = edge.access.default_account.as_str();
    edge.access.realms.set_key_active(&scope.account, &key.id, active, kept, &edge.entropy).await?;
    if !active {
        forget(call, &key.id);
    }
    Ok(json!({}))
}

pub(super) async fn delete(call: &Call<'_>, request: OneKey) -> Result<Value, Refused> {
    let (scope, key) = find(call, "iam:DeleteAccessKey", request)?;
    let kept = call.edge.access.default_account.as_str();
    call.edge.access.realms.delete_key(&scope.account, &key.id, kept).await?;
    forget(call, &key.id);
    Ok(json!({}))
}

/// No secret outlives its key in memory. (The key alone would do no harm: a request's key is looked up each time.)
fn forget(call: &Call<'_>, id: &str) {
    if let Some(verifier) = &call.edge.access.verifier {
        verifier.signing_keys().forget(id);
    }
}
