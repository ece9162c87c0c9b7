//! How the server is governed: users, access keys and policies, as actions of a service of its own (`Bongsu.CreateUser`, …).
//!
//! The actions are IAM's, by name, members and error codes, as far as there are any here; further members are `Account`, where
//! a request is about another account than the caller's, and [`simulate`]'s. They are authorised as IAM's are:
//! `iam:CreateUser` on `arn:aws:iam::ACCOUNT:user/NAME`. `query` is the same in IAM's own encoding.

mod key;
pub(crate) mod offline;
mod policy;
pub(crate) mod query;
mod refusal;
mod scope;
mod simulate;
mod user;

use crate::access::Who;
use crate::beside::Refused;
use crate::call::Call;
use bongsu_auth::signature::Refusal;
use bongsu_wire::ServiceError;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Does what a request in JSON asks for.
///
/// # Errors
/// [`Refused`].
pub(crate) async fn run(call: &Call<'_>, action: &str, body: &[u8]) -> Result<Value, Refused> {
    let request = match body.trim_ascii() {
        [] => json!({}),
        body => serde_json::from_slice(body)
            .map_err(|error| Refused::new("SerializationException", error.to_string()))?,
    };
    perform(call, action, request).await
}

/// Does what a request asks for, whatever it was encoded in.
///
/// # Errors
/// [`Refused`].
async fn perform(call: &Call<'_>, action: &str, request: Value) -> Result<Value, Refused> {
    if matches!(call.caller.who, Who::Anonymous) {
        return Err(ServiceError::from(Refusal::MissingToken).into());
    }
    match action {
        "CreateUser" => user::create(call, read(request)?).await,
        "GetUser" => user::get(call, read(request)?),
        "ListUsers" => user::list(call, read(request)?),
        "DeleteUser" => user::delete(call, read(request)?).await,
        "TagUser" => user::tag(call, read(request)?).await,
        "UntagUser" => user::untag(call, read(request)?).await,
        "ListUserTags" => user::tags(call, read(request)?),
        "CreateAccessKey" => key::create(call, read(request)?).await,
        "ListAccessKeys" => key::list(call, read(request)?),
        "UpdateAccessKey" => key::update(call, read(request)?).await,
        "DeleteAccessKey" => key::delete(call, read(request)?).await,
        "PutUserPolicy" => policy::put(call, read(request)?).await,
        "GetUserPolicy" => policy::get(call, read(request)?),
        "ListUserPolicies" => policy::list(call, read(request)?),
        "DeleteUserPolicy" => policy::delete(call, read(request)?).await,
        "SimulatePolicy" => simulate::simulate(call, read(request)?).await,
        _ => Err(Refused::unknown_operation()),
    }
}

/// Reads a request. Members that nobody knows are refused: who sends a permissions boundary must not believe that there is one.
fn read<T: DeserializeOwned>(request: Value) -> Result<T, Refused> {
    serde_json::from_value(request).map_err(|error| refusal::validation(error.to_string()))
}
