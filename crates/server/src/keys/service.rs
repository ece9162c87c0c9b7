//! Key management, as AWS KMS has it: `X-Amz-Target: TrentService.ACTION`, JSON 1.1. One file a subject; `permit` is the one
//! place where all of them ask whether the caller may.
//!
//! Symmetric keys whose material is made here are what there is: no keys for signing, no imported material, no grants, no
//! copies in other regions.

mod aliases;
mod ciphertexts;
mod describe;
mod input;
mod lifecycle;
mod lists;
mod permit;
mod policies;
mod rotation;
mod tags;

use super::kms::{KeysError, Unusable};
use crate::beside::Refused;
use crate::call::Call;
use crate::documents::DocumentError;
use bongsu_engine::EngineError;
use bongsu_node::CallError;
use bongsu_wire::ServiceError;
use serde_json::Value;
use std::borrow::Cow;

/// Does what a request asks for.
///
/// # Errors
/// [`Refused`].
pub(crate) async fn run(call: &Call<'_>, action: &str, body: &[u8]) -> Result<Value, Refused> {
    match action {
        "CreateKey" => lifecycle::create(call, input::read(body)?).await,
        "EnableKey" => lifecycle::enable(call, input::read(body)?).await,
        "DisableKey" => lifecycle::disable(call, input::read(body)?).await,
        "ScheduleKeyDeletion" => lifecycle::schedule_deletion(call, input::read(body)?).await,
        "CancelKeyDeletion" => lifecycle::cancel_deletion(call, input::read(body)?).await,
        "UpdateKeyDescription" => lifecycle::describe_anew(call, input::read(body)?).await,
        "DescribeKey" => describe::describe(call, &input::read(body)?),
        "ListKeys" => lists::keys(call, &input::read(body)?),
        "CreateAlias" => aliases::create(call, input::read(body)?).await,
        "UpdateAlias" => aliases::update(call, input::read(body)?).await,
        "DeleteAlias" => aliases::delete(call, input::read(body)?).await,
        "ListAliases" => lists::aliases(call, &input::read(body)?),
        "Encrypt" => ciphertexts::encrypt(call, &input::read(body)?),
        "Decrypt" => ciphertexts::decrypt(call, &input::read(body)?),
        "ReEncrypt" => ciphertexts::re_encrypt(call, &input::read(body)?),
        "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
            ciphertexts::data_key(call, &input::read(body)?, action)
        }
        "GenerateRandom" => ciphertexts::random(call, &input::read(body)?),
        "EnableKeyRotation" => rotation::enable(call, input::read(body)?).await,
        "DisableKeyRotation" => rotation::disable(call, input::read(body)?).await,
        "GetKeyRotationStatus" => rotation::status(call, &input::read(body)?),
        "RotateKeyOnDemand" => rotation::on_demand(call, input::read(body)?).await,
        "PutKeyPolicy" => policies::put(call, input::read(body)?).await,
        "GetKeyPolicy" => policies::get(call, &input::read(body)?),
        "ListKeyPolicies" => policies::list(call, &input::read(body)?),
        "TagResource" => tags::add(call, input::read(body)?).await,
        "UntagResource" => tags::remove(call, input::read(body)?).await,
        "ListResourceTags" => tags::list(call, &input::read(body)?),
        _ => Err(Refused::unknown_operation()),
    }
}

impl From<Unusable> for Refused {
    fn from(unusable: Unusable) -> Self {
        let code = match &unusable {
            Unusable::NoKey(_) | Unusable::NoAlias(_) | Unusable::NoName(_) => "NotFoundException",
            Unusable::Disabled(_) => "DisabledException",
            Unusable::PendingDeletion(_) => "KMSInvalidStateException",
        };
        Self::new(code, unusable.to_string())
    }
}

impl From<KeysError> for Refused {
    fn from(error: KeysError) -> Self {
        match error {
            // A key, with its policy, tags and backing keys, is as large as it can get; or the store has no room for another.
            KeysError::Document(DocumentError::Call(CallError::Engine(EngineError::DocumentLimit(
                reason,
            )))) => Self::new("LimitExceededException", format!("The store takes no more: {reason}.")),
            KeysError::Document(DocumentError::Call(CallError::Engine(EngineError::InvalidDocument(_)))) => {
                validation("The name is too long.")
            }
            other => {
                let error = ServiceError::from(other);
                Self { code: Cow::Borrowed("KMSInternalException"), ..Self::from(error) }
            }
        }
    }
}

/// What a parameter may not be, in words of our own.
fn validation(message: impl Into<String>) -> Refused {
    Refused::new("ValidationException", message)
}

/// What a parameter may not be, in AWS's.
fn constraint(value: &str, parameter: &str, constraint: &str) -> Refused {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy constraint: Member must {constraint}"
    ))
}
