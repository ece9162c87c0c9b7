//! How the server is governed: users, access keys and policies, as actions of a service of its own.

use crate::beside::Refused;
use crate::call::Call;
use serde_json::Value;

/// Does what a request asks for.
///
/// # Errors
/// [`Refused`].
pub(crate) async fn run(_call: &Call<'_>, _action: &str, _body: &[u8]) -> Result<Value, Refused> {
    Err(Refused::unknown_operation())
}
