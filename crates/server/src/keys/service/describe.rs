//! What is shown of a key.

use super::input::OfKey;
use super::permit::{Reach, on_key};
use crate::beside::Refused;
use crate::call::Call;
use crate::keys::KmsKey;
use crate::keys::kms::{KeyState, Manager};
use serde_json::{Value, json};

pub(super) fn describe(call: &Call<'_>, request: &OfKey) -> Result<Value, Refused> {
    let key = on_key(call, "DescribeKey", request.key_id.as_deref(), Reach::Shared)?;
    Ok(json!({ "KeyMetadata": metadata(&key) }))
}

/// A time as this protocol has it: seconds with a fraction.
pub(super) fn date(wall_ms: u64) -> f64 {
    wall_ms as f64 / 1000.0
}

/// KeyMetadata.
pub(super) fn metadata(key: &KmsKey) -> Value {
    let (name, content) = (&key.name, &key.content);
    let (state, due_ms) = match content.state {
        KeyState::Enabled => ("Enabled", None),
        KeyState::Disabled => ("Disabled", None),
        KeyState::PendingDeletion { due_ms } => ("PendingDeletion", Some(due_ms)),
    };
    let manager = match content.manager {
        Manager::Aws => "AWS",
        Manager::Customer => "CUSTOMER",
    };
    let mut shown = json!({
        "AWSAccountId": name.account,
        "KeyId": name.id.to_string(),
        "Arn": name.arn(),
        "CreationDate": date(content.created_ms),
        "Enabled": content.state == KeyState::Enabled,
        "Description": content.description,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": state,
        "Origin": "AWS_KMS",
        "KeyManager": manager,
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": false,
    });
    if let Some(due_ms) = due_ms {
        shown["DeletionDate"] = json!(date(due_ms));
    }
    shown
}
