//! The policies of users.

use super::refusal::no_such_entity;
use super::scope::Scope;
use super::user::existing;
use crate::beside::Refused;
use crate::call::Call;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PutUserPolicy {
    user_name: String,
    policy_name: String,
    policy_document: String,
    account: Option<String>,
}

pub(super) async fn put(call: &Call<'_>, request: PutUserPolicy) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    let arn = scope.user_arn(&request.user_name)?;
    scope.permit(call, "iam:PutUserPolicy", &arn)?;
    call.decided.note_about(format!("{arn} policy {}", request.policy_name));
    let PutUserPolicy { user_name, policy_name, policy_document, .. } = &request;
    call.edge.access.realms.put_policy(&scope.account, user_name, policy_name, policy_document).await?;
    Ok(json!({}))
}

/// One policy of a user.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct OnePolicy {
    user_name: String,
    policy_name: String,
    account: Option<String>,
}

pub(super) fn get(call: &Call<'_>, request: OnePolicy) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    scope.permit(call, "iam:GetUserPolicy", &scope.user_arn(&request.user_name)?)?;
    let user = existing(call, &scope, &request.user_name)?;
    let OnePolicy { user_name, policy_name, .. } = request;
    let Some((text, _)) = user.policies.get(&policy_name) else {
        return Err(no_such_entity(format!("there is no policy {policy_name} of user {user_name}")));
    };
    Ok(json!({ "UserName": user_name, "PolicyName": policy_name, "PolicyDocument": text }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListUserPolicies {
    user_name: String,
    account: Option<String>,
}

pub(super) fn list(call: &Call<'_>, request: ListUserPolicies) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    scope.permit(call, "iam:ListUserPolicies", &scope.user_arn(&request.user_name)?)?;
    let user = existing(call, &scope, &request.user_name)?;
    let names: Vec<_> = user.policies.keys().collect();
    Ok(json!({ "PolicyNames": names, "IsTruncated": false }))
}

pub(super) async fn delete(call: &Call<'_>, request: OnePolicy) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    let arn = scope.user_arn(&request.user_name)?;
    scope.permit(call, "iam:DeleteUserPolicy", &arn)?;
    call.decided.note_about(format!("{arn} policy {}", request.policy_name));
    let OnePolicy { user_name, policy_name, .. } = &request;
    call.edge.access.realms.delete_policy(&scope.account, user_name, policy_name).await?;
    Ok(json!({}))
}
