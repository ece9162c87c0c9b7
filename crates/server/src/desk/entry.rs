//! Who stands at the desk.

use super::{Desk, Refusal, SIGN_IN_REQUIRED};
use crate::access::realm::AccessKey;
use crate::access::{Caller, Who, is_foreign};
use crate::clock;
use crate::config::Account;
use crate::errors::throttled;
use crate::identity::is_region;
use bongsu_wire::ErrorKind;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::Method;
use hyper::header::{HOST, HeaderMap, REFERER, USER_AGENT};
use sha2::Sha256;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What is compared with where there is no such key: as long as AWS's secrets.
const NOBODYS_SECRET: &str = "0000000000000000000000000000000000000000";
/// Headers that policies ask for, and the audit log.
const KEPT_HEADERS: [hyper::header::HeaderName; 2] = [USER_AGENT, REFERER];

/// Where a request to the console comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The client's address.
    pub address: IpAddr,
    /// Whether the connection is encrypted.
    pub is_secure: bool,
    /// The URI's, which stands for Host in HTTP/2.
    pub authority: Option<&'a str>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
}

/// Which account and region a visitor wants to look at; `None`: his own, or the server's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// Only with authentication off.
    pub account: Option<&'a str>,
    /// Any.
    pub region: Option<&'a str>,
}

/// With which access key somebody signed in. Says nothing of what that key may do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    key_id: String,
    /// The key's as it was then: once it was changed, disabled too, the badge is void, whatever becomes of the key later.
    version: u64,
}

impl Badge {
    /// For tests of what keeps badges: such a key need not exist.
    #[doc(hidden)]
    pub fn of(key_id: &str) -> Self {
        Self { key_id: key_id.to_owned(), version: 0 }
    }

    /// The access key's id.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

/// Somebody at the desk, for one request.
#[derive(Clone, Debug)]
pub struct Visit {
    pub(super) caller: Caller,
    pub(super) headers: HeaderMap,
    pub(super) is_secure: bool,
    /// The API's host and port, as this visitor reaches it.
    pub(super) host: String,
}

impl Visit {
    /// The account that he looks at; twelve digits.
    pub fn account(&self) -> &str {
        &self.caller.account
    }

    /// The region that he looks at.
    pub fn region(&self) -> &str {
        &self.caller.region
    }

    /// The id of the access key that he came with; `None` where nobody was asked.
    pub fn key_id(&self) -> Option<&str> {
        self.caller.key.as_ref().map(|key| key.id.as_str())
    }

    /// Name and ARN; `None` where nobody was asked.
    pub fn user(&self) -> Option<(String, String)> {
        let name = match &self.caller.who {
            Who::Unchecked | Who::Anonymous => return None,
            Who::Root => "root".to_owned(),
            Who::User(user) => user.name.clone(),
        };
        Some((name, self.caller.arn()))
    }
}

impl Desk {
    /// Whether a request comes from a page that is none of this server's, or by a name that could be made to point here. Asked where
    /// authentication is off: then whoever gets through may do everything.
    pub fn is_foreign(&self, authority: Option<&str>, headers: &HeaderMap) -> bool {
        // The console is for browsers: what holds for their GETs holds for all.
        is_foreign(&Method::GET, authority, headers, self.dispatcher.public_url.as_deref())
    }

    /// Lets in who shows both halves of an access key, and notes it in the audit log.
    ///
    /// # Errors
    /// `AccessDenied`, after the same time and in the same words whatever is wrong.
    pub fn sign_in(&self, origin: &Origin<'_>, key_id: &str, secret: &str) -> Result<Badge, Refusal> {
        let badge = self.recognise(origin, key_id, secret)?;
        let visit = self.visit(Some(&badge), origin, &Scope::default())?;
        self.note_sign_in(origin, key_id, Some(&visit));
        Ok(badge)
    }

    /// The same for programs that show both halves each time: only a failure is noted.
    ///
    /// # Errors
    /// As [`Desk::sign_in`].
    pub fn recognise(&self, origin: &Origin<'_>, key_id: &str, secret: &str) -> Result<Badge, Refusal> {
        let holder = self.holder(key_id);
        let stored = holder.as_ref().map_or(NOBODYS_SECRET, |(key, _)| AccessKey::as_ref(key).reveal());
        // Whoever measures how long a comparison takes learns about these, which nobody can predict.
        let blind: [u8; 32] = self.random();
        let is_right = mac(&blind, stored) == mac(&blind, secret);
        let Some((key, _)) = holder.filter(|_| is_right) else {
            self.note_sign_in(origin, key_id, None);
            let message =
                "There is no such access key, it is not active, or its secret is another.".to_owned();
            return Err(Refusal { status: 403, code: Cow::Borrowed("AccessDenied"), message });
        };
        Ok(Badge { key_id: key.id.clone(), version: key.version })
    }

    /// Finds out who makes a request, as things are now. With authentication on only a badge of somebody who signed in will do.
    ///
    /// # Errors
    /// [`SIGN_IN_REQUIRED`]; `InvalidParameterValue` for what is no account or region; `AccessDenied` for somebody else's account.
    pub fn visit(
        &self,
        badge: Option<&Badge>,
        origin: &Origin<'_>,
        scope: &Scope<'_>,
    ) -> Result<Visit, Refusal> {
        let access = &self.dispatcher.edge.access;
        let region = scope.region.unwrap_or(&access.default_region);
        if !is_region(region) {
            return Err(invalid("The region is none."));
        }
        let (account, who, key) = match self.is_authenticating() {
            false => {
                let account = scope.account.map(Account::new).transpose().map_err(invalid)?;
                let account = account.as_ref().unwrap_or(&access.default_account).as_str().to_owned();
                (account, Who::Unchecked, None)
            }
            true => {
                let badge = badge.ok_or_else(sign_in_required)?;
                let holder = self.holder(&badge.key_id).filter(|(key, _)| key.version == badge.version);
                let (key, who) = holder.ok_or_else(sign_in_required)?;
                (key.account.clone(), who, Some(key))
            }
        };
        if scope.account.is_some_and(|asked| asked != account) {
            let message = "Only the own account can be looked at.".to_owned();
            return Err(Refusal { status: 403, code: Cow::Borrowed("AccessDenied"), message });
        }
        let region = region.to_owned();
        let caller = Caller { account, region, who, address: origin.address, key, service: None };
        let kept = KEPT_HEADERS.into_iter().filter_map(|name| {
            let value = origin.headers.get(&name)?.clone();
            Some((name, value))
        });
        let host = origin.headers.get(HOST).and_then(|host| host.to_str().ok()).or(origin.authority);
        Ok(Visit { caller, headers: kept.collect(), is_secure: origin.is_secure, host: self.host(host) })
    }

    /// Whose a key is, and the key, if they may come in.
    fn holder(&self, key_id: &str) -> Option<(Arc<AccessKey>, Who)> {
        let realm = self.dispatcher.edge.access.realms.current();
        let key = realm.usable_key(key_id)?;
        let who = match &key.user {
            None => Who::Root,
            Some(name) => Who::User(Arc::clone(realm.user(&key.account, name)?)),
        };
        Some((key, who))
    }

    /// Takes a request from a visitor's share.
    ///
    /// # Errors
    /// `RequestThrottled` where none is left.
    pub fn take_request(&self, visit: &Visit) -> Result<(), Refusal> {
        let shares = &self.dispatcher.edge.access.shares;
        match shares.take_request(&visit.caller, || Duration::from_millis(clock::wall_ms())) {
            true => Ok(()),
            false => Err(throttled().into()),
        }
    }
}

fn mac(key: &[u8; 32], text: &str) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn invalid(message: &str) -> Refusal {
    let kind = ErrorKind::InvalidParameterValue;
    Refusal {
        status: kind.status(),
        code: Cow::Borrowed("InvalidParameterValue"),
        message: message.to_owned(),
    }
}

fn sign_in_required() -> Refusal {
    let message = "Please sign in.".to_owned();
    Refusal { status: 401, code: Cow::Borrowed(SIGN_IN_REQUIRED), message }
}
