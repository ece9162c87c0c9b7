//! Sealing and opening for callers.

use super::input::blob;
use super::permit::{Reach, allow, not_managed, on_account, reference, usable};
use super::{constraint, validation};
use crate::beside::Refused;
use crate::call::Call;
use crate::keys::KmsKey;
use crate::keys::blob::{Blob, EncryptionContext, seal};
use crate::keys::kms::check_usable;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use zeroize::Zeroizing;

/// As much as KMS takes at once.
const MAX_PLAINTEXT_BYTES: usize = 4096;
const MAX_CIPHERTEXT_BYTES: usize = 6144;
const MAX_RANDOM_BYTES: usize = 1024;
const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Encrypt {
    key_id: Option<String>,
    plaintext: Option<String>,
    encryption_context: Option<EncryptionContext>,
    encryption_algorithm: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Decrypt {
    ciphertext_blob: Option<String>,
    key_id: Option<String>,
    encryption_context: Option<EncryptionContext>,
    encryption_algorithm: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReEncrypt {
    ciphertext_blob: Option<String>,
    source_key_id: Option<String>,
    source_encryption_context: Option<EncryptionContext>,
    source_encryption_algorithm: Option<String>,
    destination_key_id: Option<String>,
    destination_encryption_context: Option<EncryptionContext>,
    destination_encryption_algorithm: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GenerateDataKey {
    key_id: Option<String>,
    key_spec: Option<String>,
    number_of_bytes: Option<i64>,
    encryption_context: Option<EncryptionContext>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GenerateRandom {
    number_of_bytes: Option<i64>,
}

fn check_algorithm(algorithm: Option<&str>) -> Result<(), Refused> {
    match algorithm.filter(|algorithm| *algorithm != ALGORITHM) {
        None => Ok(()),
        Some(other) => Err(Refused::new(
            "InvalidKeyUsageException",
            format!("Algorithm {other} is not compatible with key spec {ALGORITHM}."),
        )),
    }
}

fn seal_for(
    call: &Call<'_>,
    key: &KmsKey,
    context: Option<&EncryptionContext>,
    plaintext: &[u8],
) -> Result<String, Refused> {
    let none = EncryptionContext::new();
    let sealed = seal(key, context.unwrap_or(&none), plaintext, &call.edge.entropy);
    sealed.map(|bytes| STANDARD.encode(bytes)).map_err(|error| {
        tracing::error!(%error, "can't seal for a caller");
        Refused::new("KMSInternalException", "")
    })
}

/// Opens a ciphertext for a caller who may do `action` with its key. Says which key that is.
fn open_for(
    call: &Call<'_>,
    action: &str,
    (ciphertext, key_id): (Option<&str>, Option<&str>),
    context: Option<&EncryptionContext>,
) -> Result<(Arc<KmsKey>, Zeroizing<Vec<u8>>), Refused> {
    let bytes = blob(ciphertext, "ciphertextBlob", MAX_CIPHERTEXT_BYTES)?;
    let invalid = || Refused::new("InvalidCiphertextException", "");
    let found = Blob::read(&bytes).ok_or_else(invalid)?;
    let key = call.edge.keys.by_id(found.kms).ok_or_else(invalid)?;
    if let Some(text) = key_id {
        let named = call.edge.keys.find(&reference(call, Some(text))?)?;
        if named.name != key.name {
            return Err(Refused::new(
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this operation.",
            ));
        }
    }
    allow(call, action, &key, Reach::Shared)?;
    not_managed(&key)?;
    check_usable(&key)?;
    let none = EncryptionContext::new();
    let plaintext = found.open(&key, context.unwrap_or(&none)).map_err(|_| invalid())?;
    Ok((key, plaintext))
}

pub(super) fn encrypt(call: &Call<'_>, request: &Encrypt) -> Result<Value, Refused> {
    check_algorithm(request.encryption_algorithm.as_deref())?;
    let plaintext = blob(request.plaintext.as_deref(), "plaintext", MAX_PLAINTEXT_BYTES)?;
    let key = usable(call, "Encrypt", request.key_id.as_deref())?;
    let sealed = seal_for(call, &key, request.encryption_context.as_ref(), &plaintext)?;
    Ok(json!({ "CiphertextBlob": sealed, "KeyId": key.name.arn(), "EncryptionAlgorithm": ALGORITHM }))
}

pub(super) fn decrypt(call: &Call<'_>, request: &Decrypt) -> Result<Value, Refused> {
    check_algorithm(request.encryption_algorithm.as_deref())?;
    let asked = (request.ciphertext_blob.as_deref(), request.key_id.as_deref());
    let (key, plaintext) = open_for(call, "Decrypt", asked, request.encryption_context.as_ref())?;
    Ok(json!({
        "Plaintext": STANDARD.encode(&*plaintext),
        "KeyId": key.name.arn(),
        "EncryptionAlgorithm": ALGORITHM,
    }))
}

pub(super) fn re_encrypt(call: &Call<'_>, request: &ReEncrypt) -> Result<Value, Refused> {
    check_algorithm(request.source_encryption_algorithm.as_deref())?;
    check_algorithm(request.destination_encryption_algorithm.as_deref())?;
    let asked = (request.ciphertext_blob.as_deref(), request.source_key_id.as_deref());
    let context = request.source_encryption_context.as_ref();
    let (source, plaintext) = open_for(call, "ReEncryptFrom", asked, context)?;
    let key = usable(call, "ReEncryptTo", request.destination_key_id.as_deref())?;
    let context = request.destination_encryption_context.as_ref();
    let sealed = seal_for(call, &key, context, &plaintext)?;
    Ok(json!({
        "CiphertextBlob": sealed,
        "SourceKeyId": source.name.arn(),
        "KeyId": key.name.arn(),
        "SourceEncryptionAlgorithm": ALGORITHM,
        "DestinationEncryptionAlgorithm": ALGORITHM,
    }))
}

pub(super) fn data_key(call: &Call<'_>, request: &GenerateDataKey, action: &str) -> Result<Value, Refused> {
    let bytes = match (request.key_spec.as_deref(), request.number_of_bytes) {
        (Some("AES_256"), None) => 32,
        (Some("AES_128"), None) => 16,
        (Some(other), None) => {
            return Err(constraint(other, "keySpec", "satisfy enum value set: [AES_256, AES_128]"));
        }
        (None, Some(asked)) => number_of_bytes(asked)?,
        (None, None) | (Some(_), Some(_)) => {
            return Err(validation("Please specify either number of bytes or key spec."));
        }
    };
    let key = usable(call, action, request.key_id.as_deref())?;
    let plaintext = random_bytes(call, bytes);
    let sealed = seal_for(call, &key, request.encryption_context.as_ref(), &plaintext)?;
    let mut answer = json!({ "CiphertextBlob": sealed, "KeyId": key.name.arn() });
    if action == "GenerateDataKey" {
        answer["Plaintext"] = json!(STANDARD.encode(&*plaintext));
    }
    Ok(answer)
}

pub(super) fn random(call: &Call<'_>, request: &GenerateRandom) -> Result<Value, Refused> {
    on_account(call, "GenerateRandom")?;
    let asked = super::input::required(request.number_of_bytes.as_ref(), "numberOfBytes")?;
    Ok(json!({ "Plaintext": STANDARD.encode(&*random_bytes(call, number_of_bytes(*asked)?)) }))
}

fn number_of_bytes(asked: i64) -> Result<usize, Refused> {
    let refuse = |bound: &str| Err(constraint(&asked.to_string(), "numberOfBytes", bound));
    match usize::try_from(asked) {
        Ok(bytes) if bytes > MAX_RANDOM_BYTES => refuse("have value less than or equal to 1024"),
        Ok(bytes) if bytes > 0 => Ok(bytes),
        _ => refuse("have value greater than or equal to 1"),
    }
}

fn random_bytes(call: &Call<'_>, bytes: usize) -> Zeroizing<Vec<u8>> {
    let drawn = Zeroizing::new(call.edge.entropy.bytes::<MAX_RANDOM_BYTES>());
    Zeroizing::new(drawn[..bytes].to_vec())
}
