//! Who calls.

use super::realm::{AccessKey, User};
use bongsu_policy::Principal;
use std::net::IpAddr;
use std::sync::Arc;

/// Who makes a request, and in which account and region.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Twelve digits.
    pub(crate) account: String,
    /// Such as `us-east-1`; any word.
    pub(crate) region: String,
    /// As whom.
    pub(crate) who: Who,
    /// Where the request comes from.
    pub(crate) address: IpAddr,
    /// The access key that the request was signed with, where that was looked at.
    pub(crate) key: Option<Arc<AccessKey>>,
    /// Which service it was signed for, where that was looked at.
    pub(crate) service: Option<&'static str>,
}

/// As whom a request is made.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// Nobody asked: authentication is off. Whoever it is may do everything.
    Unchecked,
    /// Somebody without credentials.
    Anonymous,
    /// The account itself.
    Root,
    /// One of its users.
    User(Arc<User>),
}

impl Caller {
    /// Somebody whom nobody asked.
    pub(crate) fn unchecked(account: &str, region: &str) -> Self {
        let address = IpAddr::from([127, 0, 0, 1]);
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            who: Who::Unchecked,
            address,
            key: None,
            service: None,
        }
    }

    /// The SenderId of messages: of a user its unique id, of an account its number, of anonymous callers their address, as
    /// with the real service.
    pub(crate) fn sender_id(&self) -> String {
        match &self.who {
            Who::Unchecked | Who::Root => self.account.clone(),
            Who::User(user) => user.id.clone(),
            Who::Anonymous => self.address.to_string(),
        }
    }

    /// The public half of the key that the request was signed with.
    pub(crate) fn access_key_id(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.id.as_str())
    }

    /// As policies see the caller. One who was not asked counts as the account itself.
    pub(crate) fn principal(&self) -> Principal<'_> {
        match &self.who {
            Who::Anonymous => Principal::Anonymous,
            Who::Unchecked | Who::Root => Principal::Root { account: &self.account },
            Who::User(user) => Principal::User {
                account: &user.account,
                name: &user.name,
                arn: &user.arn,
                id: &user.id,
                tags: &user.tags,
            },
        }
    }

    /// The caller's ARN, as refusals and the audit log name it.
    pub(crate) fn arn(&self) -> String {
        match &self.who {
            Who::Anonymous => "anonymous".to_owned(),
            Who::Unchecked | Who::Root => format!("arn:aws:iam::{}:root", self.account),
            Who::User(user) => user.arn.clone(),
        }
    }
}
