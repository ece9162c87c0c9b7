//! The server that is governed, and which of its accounts.

use super::AdminError;
use bongsu_tools::client::{self, Caller, Service};
use clap::Args;
use serde_json::Value;

// clap shows global arguments to the levels above too, where plain `bongsu` has an --account of another type: hence the id.
/// Which server is meant, who asks, and whose account it is about.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// Another account than that of the access key; for the root of the server's default account
    #[arg(id = "admin-account", long = "account", global = true, value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    #[command(flatten)]
    pub(super) server: client::Target,
}

impl Target {
    /// A client for it.
    ///
    /// # Errors
    /// The endpoint is no URL, or its host is unknown.
    pub(super) fn client(&self) -> Result<Client, AdminError> {
        Ok(Client { caller: self.server.caller(Service::Bongsu)?, account: self.account.clone() })
    }
}

/// Asks a server.
pub(super) struct Client {
    caller: Caller,
    account: Option<String>,
}

impl Client {
    /// Has the server do something.
    ///
    /// # Errors
    /// [`AdminError`].
    pub(super) fn call(&mut self, action: &'static str, mut input: Value) -> Result<Value, AdminError> {
        if let (Some(account), Some(members)) = (&self.account, input.as_object_mut()) {
            members.insert("Account".to_owned(), Value::from(account.as_str()));
        }
        Ok(self.caller.call(action, input)?)
    }
}
