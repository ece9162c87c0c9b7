//! Users, and their tags.

use super::refusal::{no_such_entity, validation};
use super::scope::Scope;
use crate::access::Who;
use crate::access::realm::User;
use crate::beside::Refused;
use crate::call::Call;
use crate::clock;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// As with IAM.
const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateUser {
    user_name: String,
    account: Option<String>,
    path: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// As IAM shows tags.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    value: String,
}

pub(super) async fn create(call: &Call<'_>, request: CreateUser) -> Result<Value, Refused> {
    if request.path.is_some_and(|path| path != "/") {
        return Err(validation("users have no paths here: leave Path out"));
    }
    let scope = Scope::of(call, request.account.as_deref())?;
    let tags = tags_of(request.tags)?;
    call.note_tags(|noted| noted.set.clone_from(&tags));
    let arn = scope.user_arn(&request.user_name)?;
    scope.permit(call, "iam:CreateUser", &arn)?;
    if !tags.is_empty() {
        scope.permit(call, "iam:TagUser", &arn)?;
    }
    let edge = call.edge;
    let user =
        edge.access.realms.create_user(&scope.account, &request.user_name, tags, &edge.entropy).await?;
    Ok(json!({ "User": shown(&user) }))
}

/// A user that is named; without a name, the caller.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetUser {
    user_name: Option<String>,
    account: Option<String>,
}

pub(super) fn get(call: &Call<'_>, request: GetUser) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    if let Some(name) = &request.user_name {
        scope.permit(call, "iam:GetUser", &scope.user_arn(name)?)?;
        return Ok(json!({ "User": shown(&*existing(call, &scope, name)?) }));
    }
    match &call.caller.who {
        Who::User(user) if !scope.is_named => {
            scope.permit(call, "iam:GetUser", &user.arn)?;
            Ok(json!({ "User": shown(user) }))
        }
        _ => {
            let arn = scope.root_arn();
            scope.permit(call, "iam:GetUser", &arn)?;
            // When an account came to be is known to nobody.
            let created = clock::rfc3339(0);
            Ok(json!({ "User": { "Path": "/", "UserId": scope.account, "Arn": arn, "CreateDate": created } }))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListUsers {
    account: Option<String>,
    /// Where the page before ended.
    marker: Option<String>,
    #[serde(default, deserialize_with = "number")]
    max_items: Option<usize>,
    path_prefix: Option<String>,
}

pub(super) fn list(call: &Call<'_>, request: ListUsers) -> Result<Value, Refused> {
    let limit = request.max_items.unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(validation("MaxItems must be between 1 and 1000"));
    }
    let scope = Scope::of(call, request.account.as_deref())?;
    let prefix = format!("arn:aws:iam::{}:user/", scope.account);
    scope.permit(call, "iam:ListUsers", &prefix)?;
    let realm = call.edge.access.realms.current();
    // All users' path is `/`.
    let none = request.path_prefix.is_some_and(|prefix| prefix != "/");
    let marker = request.marker.as_deref().unwrap_or_default();
    let mut users = realm.users_of(&scope.account, marker).filter(|_| !none);
    let page: Vec<_> = users.by_ref().take(limit).collect();
    let is_truncated = users.next().is_some();
    let mut answer = json!({ "Users": page.iter().map(|user| shown(user)).collect::<Vec<_>>(), "IsTruncated": is_truncated });
    if let Some(last) = page.last().filter(|_| is_truncated) {
        answer["Marker"] = json!(last.name);
    }
    Ok(answer)
}

/// A request about a user, and nothing more.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    user_name: String,
    account: Option<String>,
}

/// Its policies go with it; its keys have to be gone.
pub(super) async fn delete(call: &Call<'_>, request: Named) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    scope.permit(call, "iam:DeleteUser", &scope.user_arn(&request.user_name)?)?;
    call.edge.access.realms.delete_user(&scope.account, &request.user_name).await?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TagUser {
    user_name: String,
    account: Option<String>,
    tags: Vec<Tag>,
}

pub(super) async fn tag(call: &Call<'_>, request: TagUser) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    let tags = tags_of(request.tags)?;
    call.note_tags(|noted| noted.set.clone_from(&tags));
    scope.permit(call, "iam:TagUser", &scope.user_arn(&request.user_name)?)?;
    call.edge.access.realms.tag_user(&scope.account, &request.user_name, tags).await?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UntagUser {
    user_name: String,
    account: Option<String>,
    tag_keys: Vec<String>,
}

pub(super) async fn untag(call: &Call<'_>, request: UntagUser) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    call.note_tags(|noted| noted.removed.clone_from(&request.tag_keys));
    scope.permit(call, "iam:UntagUser", &scope.user_arn(&request.user_name)?)?;
    call.edge.access.realms.untag_user(&scope.account, &request.user_name, &request.tag_keys).await?;
    Ok(json!({}))
}

pub(super) fn tags(call: &Call<'_>, request: Named) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    scope.permit(call, "iam:ListUserTags", &scope.user_arn(&request.user_name)?)?;
    let user = existing(call, &scope, &request.user_name)?;
    Ok(json!({ "Tags": shown_tags(&user.tags), "IsTruncated": false }))
}

/// A user that is there.
///
/// # Errors
/// `NoSuchEntity`.
pub(super) fn existing(call: &Call<'_>, scope: &Scope, name: &str) -> Result<Arc<User>, Refused> {
    let realm = call.edge.access.realms.current();
    let found = realm.user(&scope.account, name).cloned();
    found.ok_or_else(|| no_such_entity(format!("there is no user {name}")))
}

fn shown(user: &User) -> Value {
    let mut shown = json!({
        "Path": "/",
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "CreateDate": clock::rfc3339(user.created_s),
    });
    if !user.tags.is_empty() {
        shown["Tags"] = shown_tags(&user.tags);
    }
    shown
}

fn shown_tags(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

fn tags_of(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, Refused> {
    let count = tags.len();
    let tags: BTreeMap<String, String> = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    if tags.len() < count {
        return Err(validation("a tag is given twice"));
    }
    Ok(tags)
}

/// A number, or its digits: one of IAM's encodings has no other numbers.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Number(usize),
        Text(String),
    }
    match Option::<Number>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Number::Number(number)) => Ok(Some(number)),
        Some(Number::Text(text)) => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}
