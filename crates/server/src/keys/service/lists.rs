//! Lists of keys and aliases, in pages.

use super::describe::date;
use super::input::limit;
use super::permit::{Reach, on_account, on_key};
use crate::beside::Refused;
use crate::call::Call;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListKeys {
    limit: Option<i64>,
    marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListAliases {
    key_id: Option<String>,
    limit: Option<i64>,
    marker: Option<String>,
}

pub(super) fn keys(call: &Call<'_>, request: &ListKeys) -> Result<Value, Refused> {
    on_account(call, "ListKeys")?;
    let limit = limit(request.limit, 100, 1000)?;
    let all = call.edge.keys.keys_of(&call.caller.account, &call.caller.region);
    let entries = all.iter().map(|key| {
        let id = key.name.id.to_string();
        (id.clone(), json!({ "KeyId": id, "KeyArn": key.name.arn() }))
    });
    page("Keys", entries.collect(), request.marker.as_deref(), limit)
}

pub(super) fn aliases(call: &Call<'_>, request: &ListAliases) -> Result<Value, Refused> {
    on_account(call, "ListAliases")?;
    let limit = limit(request.limit, 50, 100)?;
    let key = match &request.key_id {
        Some(_) => Some(on_key(call, "ListAliases", request.key_id.as_deref(), Reach::Own)?),
        None => None,
    };
    let all = call.edge.keys.aliases_of(&call.caller.account, &call.caller.region).into_iter();
    let own = all.filter(|(_, alias)| key.as_ref().is_none_or(|key| key.name.id == alias.content.key));
    let entries = own.map(|(name, alias)| {
        let shown = json!({
            "AliasName": name.alias,
            "AliasArn": name.arn(),
            "TargetKeyId": alias.content.key.to_string(),
            "CreationDate": date(alias.content.created_ms),
            "LastUpdatedDate": date(alias.content.updated_ms),
        });
        (name.alias, shown)
    });
    page("Aliases", entries.collect(), request.marker.as_deref(), limit)
}

/// Entries after the marker, which is the name of the last one before.
fn page(
    member: &str,
    entries: Vec<(String, Value)>,
    marker: Option<&str>,
    limit: usize,
) -> Result<Value, Refused> {
    // Names come from here: whatever else is sent is no marker. One that went meanwhile still says where to go on.
    if marker.is_some_and(|marker| marker.is_empty() || marker.len() > 1024) {
        return Err(Refused::new("InvalidMarkerException", "The marker is none that was given out."));
    }
    let after = |(name, _): &(String, Value)| marker.is_none_or(|marker| name.as_str() > marker);
    let mut rest = entries.into_iter().filter(after).peekable();
    let shown: Vec<_> = rest.by_ref().take(limit).collect();
    let last = shown.last().map(|(name, _)| name.clone());
    let truncated = rest.peek().is_some();
    let shown: Vec<_> = shown.into_iter().map(|(_, entry)| entry).collect();
    let mut answer = json!({ member: shown, "Truncated": truncated });
    if truncated {
        answer["NextMarker"] = json!(last);
    }
    Ok(answer)
}
