//! Rotation: a key gets new material, and keeps the old to open with.

use super::constraint;
use super::describe::date;
use super::input::OfKey;
use super::permit::{Reach, change, on_key};
use crate::beside::Refused;
use crate::call::Call;
use crate::clock;
use crate::keys::kms::{Rotation, check_usable};
use serde::Deserialize;
use serde_json::{Value, json};

/// So often somebody may ask for a rotation of one key (KMS quotas).
const MAX_ON_DEMAND: usize = 25;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Enable {
    key_id: Option<String>,
    rotation_period_in_days: Option<i64>,
}

pub(super) async fn enable(call: &Call<'_>, request: Enable) -> Result<Value, Refused> {
    let days = request.rotation_period_in_days.unwrap_or(365);
    let bound = match days {
        ..90 => Some("have value greater than or equal to 90"),
        2561.. => Some("have value less than or equal to 2560"),
        _ => None,
    };
    let period_days = match (bound, u32::try_from(days)) {
        (None, Ok(days)) => days,
        (bound, _) => {
            return Err(constraint(&days.to_string(), "rotationPeriodInDays", bound.unwrap_or_default()));
        }
    };
    change(call, "EnableKeyRotation", request.key_id.as_deref(), |key, content| {
        check_usable(key)?;
        let is_same = content.rotation.is_some_and(|rotation| rotation.period_days == period_days);
        if !is_same {
            content.rotation = Some(Rotation::every(period_days, clock::wall_ms()));
        }
        Ok(())
    })
    .await?;
    Ok(json!({}))
}

pub(super) async fn disable(call: &Call<'_>, request: OfKey) -> Result<Value, Refused> {
    change(call, "DisableKeyRotation", request.key_id.as_deref(), |key, content| {
        check_usable(key)?;
        content.rotation = None;
        Ok(())
    })
    .await?;
    Ok(json!({}))
}

pub(super) fn status(call: &Call<'_>, request: &OfKey) -> Result<Value, Refused> {
    let key = on_key(call, "GetKeyRotationStatus", request.key_id.as_deref(), Reach::Shared)?;
    let mut shown = json!({
        "KeyId": key.name.arn(),
        "KeyRotationEnabled": key.content.rotation.is_some(),
    });
    if let Some(rotation) = key.content.rotation {
        shown["RotationPeriodInDays"] = json!(rotation.period_days);
        shown["NextRotationDate"] = json!(date(rotation.next_ms));
    }
    Ok(shown)
}

pub(super) async fn on_demand(call: &Call<'_>, request: OfKey) -> Result<Value, Refused> {
    let (key, ()) = change(call, "RotateKeyOnDemand", request.key_id.as_deref(), |key, content| {
        check_usable(key)?;
        if content.backing.iter().filter(|backing| backing.on_demand).count() >= MAX_ON_DEMAND {
            let message = "The on-demand rotation limit has been reached for the given keyId. No more on-demand rotations can be performed for this key";
            return Err(Refused::new("LimitExceededException", message));
        }
        Ok(call.edge.keys.rotate(&key.name, content, clock::wall_ms(), true)?)
    })
    .await?;
    Ok(json!({ "KeyId": key.name.arn() }))
}
