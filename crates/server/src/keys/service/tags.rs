//! Keys' tags.

use super::input::{OfKey, Tag, add_tags, note};
use super::permit::{Reach, change, on_key};
use crate::beside::Refused;
use crate::call::Call;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Add {
    key_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Remove {
    key_id: Option<String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

pub(super) async fn add(call: &Call<'_>, request: Add) -> Result<Value, Refused> {
    let more = request.tags;
    call.note_tags(|noted| note(&mut noted.set, &more));
    change(call, "TagResource", request.key_id.as_deref(), |_, content| add_tags(&mut content.tags, more))
        .await?;
    Ok(json!({}))
}

pub(super) async fn remove(call: &Call<'_>, request: Remove) -> Result<Value, Refused> {
    let gone = request.tag_keys;
    call.note_tags(|noted| noted.removed.clone_from(&gone));
    change(call, "UntagResource", request.key_id.as_deref(), |_, content| {
        content.tags.retain(|key, _| !gone.contains(key));
        Ok(())
    })
    .await?;
    Ok(json!({}))
}

pub(super) fn list(call: &Call<'_>, request: &OfKey) -> Result<Value, Refused> {
    let key = on_key(call, "ListResourceTags", request.key_id.as_deref(), Reach::Own)?;
    let tags = key.content.tags.iter();
    let tags: Vec<_> = tags.map(|(key, value)| json!({ "TagKey": key, "TagValue": value })).collect();
    Ok(json!({ "Tags": tags, "Truncated": false }))
}
