//! Which account a request is about, and whether the caller may govern it.

use super::refusal::{access_denied, validation};
use crate::access::{Resource, Who};
use crate::beside::Refused;
use crate::call::Call;
use bongsu_auth::secrets::{AccountId, UserName};

/// The account that a request is about.
pub(super) struct Scope {
    pub(super) account: String,
    /// Whether it was named, rather than being the caller's anyway.
    pub(super) is_named: bool,
    is_others: bool,
}

/// Whether the caller governs the server as a whole: the root of its default account does, and with authentication off everybody.
pub(super) fn is_operator(call: &Call<'_>) -> bool {
    match call.caller.who {
        Who::Unchecked => true,
        Who::Root => call.caller.account == call.edge.access.default_account.as_str(),
        Who::User(_) | Who::Anonymous => false,
    }
}

impl Scope {
    /// The account that is named, or the caller's own.
    ///
    /// # Errors
    /// `AccessDeniedException` where it is somebody else's and the caller is not the one who governs the server.
    pub(super) fn of(call: &Call<'_>, named: Option<&str>) -> Result<Self, Refused> {
        let own = &call.caller.account;
        let Some(named) = named else {
            return Ok(Self { account: own.clone(), is_named: false, is_others: false });
        };
        let account = AccountId::new(named).map_err(|error| validation(error.to_string()))?;
        let is_others = account.as_str() != own;
        if is_others && !is_operator(call) {
            call.decided.note_about(format!("account {named}"));
            call.decided.say("denied: the account is somebody else's");
            let default = call.edge.access.default_account.as_str();
            return Err(access_denied(format!(
                "Only the root of the account {default} can govern other accounts than its own"
            )));
        }
        Ok(Self { account: named.to_owned(), is_named: true, is_others })
    }

    /// The account's root, as policies name it.
    pub(super) fn root_arn(&self) -> String {
        format!("arn:aws:iam::{}:root", self.account)
    }

    /// A user, as policies name it.
    ///
    /// # Errors
    /// `ValidationError` for what can't be a name.
    pub(super) fn user_arn(&self, name: &str) -> Result<String, Refused> {
        let name = UserName::new(name).map_err(|error| validation(error.to_string()))?;
        Ok(format!("arn:aws:iam::{}:user/{}", self.account, name.as_str()))
    }

    /// Refuses what the caller may not do.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    pub(super) fn permit(&self, call: &Call<'_>, action: &str, arn: &str) -> Result<(), Refused> {
        call.decided.note_about(arn);
        if self.is_others {
            call.decided.say("allowed to whoever governs the server");
            return Ok(());
        }
        let realm = call.edge.access.realms.current();
        let user = arn.rsplit_once(":user/").and_then(|(_, name)| realm.user(&self.account, name));
        let plain = Resource::plain(arn, &self.account);
        let tags = user.map_or(plain.tags, |user| &user.tags);
        Ok(call.authorize(action, &Resource { tags, ..plain })?)
    }
}
