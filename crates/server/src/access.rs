//! Who calls, and what he may do.
//!
//! With authentication on, a request's signature says whose key made it (`bongsu_auth`), the realm whose key that is, and the
//! policies of the caller and of the queue what it may do (`bongsu_policy`). With authentication off everybody may do
//! everything, in the account that the access key id names.

mod caller;
mod conditions;
mod needs;
mod pages;
pub(crate) mod realm;
mod refusal;
pub(crate) mod shares;

pub(crate) use caller::{Caller, Who};
pub(crate) use needs::{Need, is_shareable};
pub(crate) use pages::is_foreign;
pub(crate) use shares::Shares;

use crate::call::Call;
use crate::clock;
use crate::config::Account;
use crate::facts::{Facts, Policy};
use crate::http::Connection;
use crate::identity::Identity;
use bongsu_auth::signature::{Refusal, Request, Rules, Verifier};
use bongsu_engine::{QueueName, StringMap};
use bongsu_policy::{Decision, Denial, Document, Missing, evaluate};
use bongsu_wire::{ErrorKind, Operation, ServiceError};
use conditions::Conditions;
use hyper::http::request::Parts;
use realm::{AccessKey, Realms};
use std::cell::RefCell;
use std::sync::Arc;

/// What credentials can be made for: the queue's service, and those that stand beside it on the same endpoint.
const SERVICES: [&str; 4] = ["sqs", "kms", "iam", "bongsu"];
/// Derived keys that are remembered: one for each access key, day, region and service.
const SIGNING_KEYS: usize = 4096;

thread_local! {
    /// Room for the canonical form of a request.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Who may come in. One for the whole server.
pub(crate) struct Access {
    /// The account of those who name none.
    pub(crate) default_account: Account,
    /// The region of those who name none.
    pub(crate) default_region: String,
    /// Users and keys; kept also while authentication is off.
    pub(crate) realms: Realms,
    /// What each caller has taken of what it may take.
    pub(crate) shares: Shares,
    /// The address that clients know the server by, if it was given one.
    pub(crate) public_url: Option<String>,
    /// `None`: authentication is off.
    pub(crate) verifier: Option<Verifier>,
}

/// Checks the signatures of requests for this server's services.
pub(crate) fn verifier() -> Verifier {
    let services = SERVICES.map(str::to_owned).to_vec();
    Verifier::new(Rules { services, region: None }, SIGNING_KEYS)
}

/// Refuses a signature that was made for another service than these. Where nobody is asked, any will do.
///
/// # Errors
/// `SignatureDoesNotMatch`.
pub(crate) fn check_service(caller: &Caller, services: &[&str]) -> Result<(), ServiceError> {
    match caller.service {
        Some(service) if !services.contains(&service) => {
            let wanted = services.first().copied().unwrap_or_default();
            let reason = format!("Credential should be scoped to correct service: '{wanted}'.");
            Err(Refusal::WrongScope(vec![reason]).into())
        }
        _ => Ok(()),
    }
}

/// A key that was found; lets the verifier see its secret.
struct Found(Arc<AccessKey>);

impl AsRef<bongsu_auth::secrets::SecretKey> for Found {
    fn as_ref(&self) -> &bongsu_auth::secrets::SecretKey {
        AccessKey::as_ref(&self.0)
    }
}

impl Access {
    /// Finds out who makes a request.
    ///
    /// # Errors
    /// What AWS says of a signature that is not as it should be.
    pub(crate) fn identify(
        &self,
        parts: &Parts,
        body: &[u8],
        connection: &Connection,
    ) -> Result<Caller, ServiceError> {
        let address = connection.peer();
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        let Some(verifier) = &self.verifier else {
            if pages::is_foreign(&parts.method, authority, &parts.headers, self.public_url.as_deref()) {
                let reason =
                    "Authentication is off, and this request comes from a web page of another origin.";
                return Err(ServiceError::new(ErrorKind::AccessDenied, reason));
            }
            let Identity { account, region } =
                Identity::of(parts, &self.default_account, &self.default_region);
            return Ok(Caller { account, region, who: Who::Unchecked, address, key: None, service: None });
        };
        let request = Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query(),
            authority,
            headers: &parts.headers,
            body,
        };
        let realm = self.realms.current();
        let find = |id: &str| realm.usable_key(id).map(Found);
        let now_s = i64::try_from(clock::wall_ms() / 1000).unwrap_or(i64::MAX);
        let found =
            SCRATCH.with_borrow_mut(|scratch| verifier.authenticate(&request, now_s, scratch, find))?;
        let Some((claim, Found(key))) = found else {
            let (account, region) = (self.default_account.as_str().to_owned(), self.default_region.clone());
            return Ok(Caller { account, region, who: Who::Anonymous, address, key: None, service: None });
        };
        let who = match &key.user {
            None => Who::Root,
            // A key goes with its user.
            Some(name) => Who::User(Arc::clone(realm.user(&key.account, name).ok_or(Refusal::UnknownKey)?)),
        };
        let (account, region) = (key.account.clone(), claim.region.into_owned());
        let service = SERVICES.into_iter().find(|service| *service == claim.service);
        Ok(Caller { account, region, who, address, key: Some(key), service })
    }

    /// A caller as it is now: its key and its policies may have changed since it was let in.
    ///
    /// # Errors
    /// As for a key that nobody knows.
    fn as_of_now(&self, caller: &Caller) -> Result<Caller, ServiceError> {
        let mut caller = caller.clone();
        let Some(key) = &caller.key else { return Ok(caller) };
        let realm = self.realms.current();
        let key = realm.usable_key(&key.id).ok_or(Refusal::UnknownKey)?;
        if let Some(name) = &key.user {
            let user = realm.user(&key.account, name).ok_or(Refusal::UnknownKey)?;
            caller.who = Who::User(Arc::clone(user));
        }
        caller.key = Some(key);
        Ok(caller)
    }

    /// Whether callers are asked who they are.
    pub(crate) fn is_on(&self) -> bool {
        self.verifier.is_some()
    }
}

/// The tags that an operation sets, and the keys of those that it removes.
fn tags_of(operation: &Operation) -> (Option<&StringMap>, &[String]) {
    match operation {
        Operation::CreateQueue(request) => (Some(&request.tags), &[]),
        Operation::TagQueue(request) => (Some(&request.tags), &[]),
        Operation::UntagQueue(request) => (None, &request.tag_keys),
        _ => (None, &[]),
    }
}

impl Call<'_> {
    /// Refuses an operation that the caller may not do.
    ///
    /// # Errors
    /// `AccessDenied`; `MissingAuthenticationToken` for anonymous callers where no queue could let them in.
    pub(crate) async fn permit(&self, operation: &Operation) -> Result<(), ServiceError> {
        match self.caller.who {
            Who::Unchecked => Ok(()),
            _ => Box::pin(self.permit_all(operation)).await,
        }
    }

    async fn permit_all(&self, operation: &Operation) -> Result<(), ServiceError> {
        let (request_tags, removed_tags) = tags_of(operation);
        for need in needs::of(operation, self.caller) {
            self.permit_need(self.caller, &need, request_tags, removed_tags).await?;
        }
        Ok(())
    }

    /// Refuses messages to a caller who waited for them and may not have them any more.
    ///
    /// # Errors
    /// As [`Call::permit`], and as for a key that nobody knows.
    pub(crate) async fn permit_still_to_receive(&self, queue: &QueueName) -> Result<(), ServiceError> {
        if matches!(self.caller.who, Who::Unchecked) {
            return Ok(());
        }
        let caller = self.edge.access.as_of_now(self.caller)?;
        let need = Need { action: "sqs:ReceiveMessage", queue: Some(queue.clone()), cross_account: true };
        self.permit_need(&caller, &need, None, &[]).await
    }

    async fn permit_need(
        &self,
        caller: &Caller,
        need: &Need,
        request_tags: Option<&StringMap>,
        removed_tags: &[String],
    ) -> Result<(), ServiceError> {
        let facts = match &need.queue {
            Some(name) => self.edge.facts.of(&self.edge.node, name).await?,
            None => None,
        };
        let own = (&caller.account, &caller.region);
        let (account, region) = need.queue.as_ref().map_or(own, |queue| (&queue.account, &queue.region));
        let conditions = Conditions {
            caller,
            headers: self.headers,
            is_secure: self.connection.is_secure(),
            resource_account: account,
            resource_tags: facts.as_deref().map(|facts| &facts.tags),
            region,
            request_tags,
            removed_tags,
        };
        self.decide(need, facts.as_deref(), &conditions)
    }

    fn decide(
        &self,
        need: &Need,
        facts: Option<&Facts>,
        conditions: &Conditions<'_>,
    ) -> Result<(), ServiceError> {
        let arn = need.queue.as_ref().map(QueueName::arn);
        let request = bongsu_policy::Request {
            action: need.action,
            resource: arn.as_deref().unwrap_or("*"),
            resource_account: conditions.resource_account,
            principal: conditions.caller.principal(),
            cross_account: need.cross_account,
            context: conditions,
        };
        let caller = conditions.caller;
        let owner = matches!(caller.who, Who::Root) && caller.account == conditions.resource_account;
        let decision = match facts.map(|facts| &facts.policy) {
            Some(Policy::Unreadable) if !owner => Decision::Denied(Denial::Implicit(Missing::ResourceAllow)),
            Some(Policy::Document(policy)) => evaluate_for(caller, &request, Some(policy)),
            _ => evaluate_for(caller, &request, None),
        };
        self.conclude(caller, need.action, arn.as_deref(), decision)
    }

    /// Refuses what the caller may not do with something that is no queue: its policies decide.
    ///
    /// # Errors
    /// As [`Call::permit`].
    pub(crate) fn authorize(&self, action: &str, resource: &Resource<'_>) -> Result<(), ServiceError> {
        if matches!(self.caller.who, Who::Unchecked) {
            return Ok(());
        }
        let tags = self.tags();
        let conditions = Conditions {
            caller: self.caller,
            headers: self.headers,
            is_secure: self.connection.is_secure(),
            resource_account: resource.account,
            resource_tags: Some(resource.tags),
            region: &self.caller.region,
            request_tags: Some(&tags.set),
            removed_tags: &tags.removed,
        };
        let request = bongsu_policy::Request {
            action,
            resource: resource.arn,
            resource_account: resource.account,
            principal: self.caller.principal(),
            cross_account: resource.policy.is_some(),
            context: &conditions,
        };
        let decision = evaluate_for(self.caller, &request, resource.policy);
        self.conclude(self.caller, action, Some(resource.arn), decision)
    }

    fn conclude(
        &self,
        caller: &Caller,
        action: &str,
        arn: Option<&str>,
        decision: Decision<'_>,
    ) -> Result<(), ServiceError> {
        let Decision::Denied(denial) = decision else {
            self.decided.note(&decision);
            return Ok(());
        };
        self.decided.note(&decision);
        Err(refusal::denied(caller, action, arn, denial))
    }
}

/// Something that is no queue, as policies see it.
pub(crate) struct Resource<'a> {
    pub(crate) arn: &'a str,
    /// Whose it is.
    pub(crate) account: &'a str,
    /// Its own policy; with one it can be shared with other accounts.
    pub(crate) policy: Option<&'a Document>,
    pub(crate) tags: &'a StringMap,
}

impl<'a> Resource<'a> {
    /// What has neither a policy nor tags.
    pub(crate) fn plain(arn: &'a str, account: &'a str) -> Self {
        static NO_TAGS: StringMap = StringMap::new();
        Self { arn, account, policy: None, tags: &NO_TAGS }
    }
}

/// Decides a request by the caller's own policies and the resource's.
fn evaluate_for<'p>(
    caller: &'p Caller,
    request: &bongsu_policy::Request<'_>,
    resource_policy: Option<&'p Document>,
) -> Decision<'p> {
    let own = match &caller.who {
        Who::User(user) => Some(&user.policies),
        _ => None,
    };
    let own = own.into_iter().flatten().map(|(name, (_, document))| (name.as_str(), document));
    evaluate(request, own, resource_policy)
}
