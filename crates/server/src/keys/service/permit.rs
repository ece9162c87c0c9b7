//! Whether the caller may: the one place where each action on keys asks.

use super::input::required;
use crate::access::Resource;
use crate::beside::Refused;
use crate::call::Call;
use crate::keys::kms::{Change, KeyContent, KmsKey, Unusable, check_usable};
use crate::keys::names::Reference;
use bongsu_wire::ErrorKind;
use hyper::StatusCode;
use std::sync::Arc;

/// From where a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// From other accounts too, where its policy allows it.
    Shared,
    /// From its own account alone, and only if it is a caller's (KMS's guide: "Cross-account use: No").
    Own,
}

/// Refuses an action on a resource that the caller may not do. Every action comes through here.
///
/// # Errors
/// `AccessDeniedException`.
pub(super) fn authorize(call: &Call<'_>, action: &str, resource: &Resource<'_>) -> Result<(), Refused> {
    call.decided.note_about(resource.arn);
    let allowed = call.authorize(&format!("kms:{action}"), resource);
    allowed.map_err(|error| {
        let is_denial = error.kind == ErrorKind::AccessDenied;
        let refused = Refused::from(error);
        // KMS answers 400 where SQS answers 403.
        if is_denial { Refused { status: StatusCode::BAD_REQUEST, ..refused } } else { refused }
    })
}

/// An action that is about no key.
///
/// # Errors
/// `AccessDeniedException`.
pub(super) fn on_account(call: &Call<'_>, action: &str) -> Result<(), Refused> {
    authorize(call, action, &Resource::plain("*", &call.caller.account))
}

/// What a request names; not yet whether there is such a key.
///
/// # Errors
/// `ValidationException`, `NotFoundException`.
pub(super) fn reference(call: &Call<'_>, key_id: Option<&str>) -> Result<Reference, Refused> {
    let text = required(key_id, "keyId")?;
    let found = Reference::read(text, &call.caller.account, &call.caller.region);
    found.ok_or_else(|| Unusable::NoName(text.to_owned()).into())
}

/// The key that a request names, which the caller may do this with. It may be in any state.
///
/// # Errors
/// `NotFoundException`, `AccessDeniedException`.
pub(super) fn on_key(
    call: &Call<'_>,
    action: &str,
    key_id: Option<&str>,
    reach: Reach,
) -> Result<Arc<KmsKey>, Refused> {
    let key = call.edge.keys.find(&reference(call, key_id)?)?;
    allow(call, action, &key, reach)?;
    Ok(key)
}

/// Refuses an action on a key that was found already.
///
/// # Errors
/// `AccessDeniedException`.
pub(super) fn allow(call: &Call<'_>, action: &str, key: &KmsKey, reach: Reach) -> Result<(), Refused> {
    let arn = key.name.arn();
    authorize(call, action, &key.as_resource(&arn))?;
    let is_own = key.name.account == call.caller.account;
    if reach == Reach::Own && !is_own {
        let message = format!("The key {arn} belongs to another account.");
        return Err(Refused::new("AccessDeniedException", message));
    }
    Ok(())
}

/// Refuses to change or use SQS's own keys.
///
/// # Errors
/// `AccessDeniedException`.
pub(super) fn not_managed(key: &KmsKey) -> Result<(), Refused> {
    if !key.is_managed() {
        return Ok(());
    }
    let message = format!("{} is managed by SQS, and nobody else can change or use it.", key.name.arn());
    Err(Refused::new("AccessDeniedException", message))
}

/// A key to seal or open with: in order, and a caller's.
///
/// # Errors
/// Also `DisabledException`, `KMSInvalidStateException`.
pub(super) fn usable(call: &Call<'_>, action: &str, key_id: Option<&str>) -> Result<Arc<KmsKey>, Refused> {
    let key = on_key(call, action, key_id, Reach::Shared)?;
    not_managed(&key)?;
    check_usable(&key)?;
    Ok(key)
}

/// Changes a key that the caller may change.
///
/// # Errors
/// As [`on_key`], and what `edit` refuses.
pub(super) async fn change<T>(
    call: &Call<'_>,
    action: &str,
    key_id: Option<&str>,
    edit: impl FnOnce(&KmsKey, &mut KeyContent) -> Result<T, Refused>,
) -> Result<(Arc<KmsKey>, T), Refused> {
    let keys = &call.edge.keys;
    let changing = keys.lock().await;
    let key = on_key(call, action, key_id, Reach::Own)?;
    not_managed(&key)?;
    let mut content = key.content.clone();
    let result = edit(&key, &mut content)?;
    if content != key.content {
        keys.make(changing, vec![Change::Key(Arc::clone(&key), content)]).await?;
    }
    Ok((key, result))
}
