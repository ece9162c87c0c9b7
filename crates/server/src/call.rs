//! What an operation has at hand: the node and what else the server has once, and what one request brings along.

use crate::access::{Access, Caller};
use crate::audit::{Audit, Event};
use crate::entropy::Entropy;
use crate::errors::{About, from_call, internal_failure};
use crate::facts::{self, FactsMemory};
use crate::http::Connection;
use crate::keys::Keys;
use crate::queue_url::{self, BaseUrl};
use crate::receipt::Sealer;
use crate::traces::Tracer;
use crate::watch::{Watch, Watching};
use bongsu_engine::{Command, Description, QueueName, Reply, StringMap};
use bongsu_node::Node;
use bongsu_policy::Decision;
use bongsu_wire::ServiceError;
use hyper::HeaderMap;
use hyper::header::USER_AGENT;
use std::sync::{Arc, Mutex, PoisonError};

/// What the server has once.
pub(crate) struct Edge {
    pub(crate) node: Node,
    pub(crate) entropy: Entropy,
    pub(crate) sealer: Sealer,
    pub(crate) access: Access,
    pub(crate) keys: Arc<Keys>,
    pub(crate) facts: FactsMemory,
    pub(crate) audit: Audit,
    pub(crate) watch: Watch,
    /// Makes traces, where a collector wants them.
    pub(crate) tracer: Option<Tracer>,
}

/// One request on its way through the server.
pub(crate) struct Call<'a> {
    pub(crate) edge: &'a Edge,
    /// Who makes it, in which account and region.
    pub(crate) caller: &'a Caller,
    /// Its headers.
    pub(crate) headers: &'a HeaderMap,
    /// What queue URLs in the answer begin with.
    pub(crate) base_url: BaseUrl<'a>,
    /// The header `X-Amzn-Trace-Id`.
    pub(crate) trace_header: Option<String>,
    /// Tells when the client has gone away.
    pub(crate) connection: Client<'a>,
    /// Why it was allowed or refused.
    pub(crate) decided: Decided,
    /// The tags that it sets and removes, where it is about no queue.
    pub(crate) tags: Mutex<Tags>,
    /// What is counted of it.
    pub(crate) watching: Watching,
}

/// The other end of a request.
#[derive(Clone, Copy)]
pub(crate) enum Client<'a> {
    /// Somebody who came over the API's own listener.
    Remote(&'a Connection),
    /// Somebody in this process, who drops the request when nobody waits for its answer any more.
    Inside {
        /// Whether the connection that it came from is encrypted.
        is_secure: bool,
    },
}

impl Client<'_> {
    /// Whether what it sends is encrypted on its way.
    pub(crate) fn is_secure(self) -> bool {
        match self {
            Self::Remote(connection) => connection.is_secure(),
            Self::Inside { is_secure } => is_secure,
        }
    }

    /// Waits until it goes away.
    pub(crate) async fn departure(self) {
        match self {
            Self::Remote(connection) => connection.departure().await,
            Self::Inside { .. } => std::future::pending().await,
        }
    }

    /// Whether it has gone away already.
    pub(crate) fn has_departed(self) -> bool {
        match self {
            Self::Remote(connection) => connection.has_departed(),
            Self::Inside { .. } => false,
        }
    }
}

/// Tags of a request to a service beside SQS, for the conditions of policies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tags {
    /// Those that it sets.
    pub(crate) set: StringMap,
    /// The keys of those that it removes.
    pub(crate) removed: Vec<String>,
}

/// Which statement of which policy decided about a request, in words, for the audit log.
#[derive(Debug)]
pub(crate) struct Decided {
    /// Whether it matters also where a request is allowed.
    pub(crate) always: bool,
    words: Mutex<Option<String>>,
    /// What the request turned out to be about.
    about: Mutex<Option<String>>,
}

impl Decided {
    pub(crate) fn new(always: bool) -> Self {
        Self { always, words: Mutex::default(), about: Mutex::default() }
    }

    /// Notes a decision.
    pub(crate) fn note(&self, decision: &Decision<'_>) {
        if self.always || !decision.is_allowed() {
            *self.words.lock().unwrap_or_else(PoisonError::into_inner) = Some(decision.to_string());
        }
    }

    /// Notes in words why a request is allowed that no policy was asked about.
    pub(crate) fn say(&self, words: &str) {
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = Some(words.to_owned());
    }

    /// Notes what a request is about, where its shape alone does not show it.
    pub(crate) fn note_about(&self, resource: impl Into<String>) {
        *self.about.lock().unwrap_or_else(PoisonError::into_inner) = Some(resource.into());
    }

    /// What was noted last.
    fn about(&self) -> Option<String> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last decision.
    fn words(&self) -> Option<String> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Call<'_> {
    /// The queue that a QueueUrl names.
    ///
    /// # Errors
    /// `QueueDoesNotExist` for what is no QueueUrl at all, as with the real service.
    pub(crate) fn queue(&self, queue_url: &str) -> Result<QueueName, ServiceError> {
        queue_url::read(queue_url, self.caller).ok_or_else(ServiceError::queue_does_not_exist)
    }

    /// The tags noted so far.
    pub(crate) fn tags(&self) -> Tags {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes tags, before the request is authorised.
    pub(crate) fn note_tags(&self, note: impl FnOnce(&mut Tags)) {
        note(&mut self.tags.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The QueueUrl of a queue, with the address that this client uses.
    pub(crate) fn queue_url(&self, name: &QueueName) -> String {
        self.base_url.queue(name)
    }

    /// Whether the audit log could have a line of this request.
    pub(crate) fn is_watched(&self) -> bool {
        self.edge.access.is_on() || self.decided.always
    }

    /// What the client calls itself.
    pub(crate) fn user_agent(&self) -> &[u8] {
        self.headers.get(USER_AGENT).map_or(&[], |value| value.as_bytes())
    }

    /// Leaves a line in the audit log.
    pub(crate) fn audit(
        &self,
        request_id: &str,
        action: &str,
        resource: Option<&str>,
        refused: Option<&str>,
    ) {
        let (decided, about) = (self.decided.words(), self.decided.about());
        self.edge.audit.record(&Event {
            request_id,
            address: self.caller.address,
            caller: Some(self.caller),
            claimed_key: None,
            action,
            resource: about.as_deref().or(resource),
            refused,
            decided: decided.as_deref(),
            user_agent: self.headers.get("user-agent").and_then(|value| value.to_str().ok()),
        });
    }

    /// Asks the node.
    ///
    /// # Errors
    /// Whatever the engine refuses, in the client's words.
    pub(crate) async fn ask(&self, command: Command, about: About<'_>) -> Result<Reply, ServiceError> {
        let changed = facts::changed_by(&command).cloned();
        let answer = self.edge.node.call(command).await;
        if let Some(name) = changed {
            // Also where it failed: who knows how far it came.
            self.edge.facts.forget(&name);
        }
        answer.map_err(|error| from_call(error, about))
    }

    /// Asks the node for something that answers with success alone.
    ///
    /// # Errors
    /// As [`Call::ask`].
    pub(crate) async fn order(&self, command: Command, about: About<'_>) -> Result<(), ServiceError> {
        match self.ask(command, about).await? {
            Reply::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Everything about one queue.
    ///
    /// # Errors
    /// `QueueDoesNotExist`.
    pub(crate) async fn describe(&self, name: QueueName) -> Result<Description, ServiceError> {
        match self.ask(Command::Describe(name), About::default()).await? {
            Reply::Description(description) => Ok(*description),
            other => Err(unexpected(&other)),
        }
    }
}

/// The engine answered a command with another command's reply.
pub(crate) fn unexpected(reply: &Reply) -> ServiceError {
    tracing::error!(reply = kind(reply), "the engine's reply doesn't belong to the command");
    internal_failure()
}

/// A reply's kind: what is in it (policies, names) is not for the log.
fn kind(reply: &Reply) -> &'static str {
    match reply {
        Reply::Done => "Done",
        Reply::Sent(_) => "Sent",
        Reply::Received(_) => "Received",
        Reply::Each(_) => "Each",
        Reply::Description(_) => "Description",
        Reply::Names { .. } => "Names",
        Reply::TaskStarted(_) => "TaskStarted",
        Reply::TaskCancelled { .. } => "TaskCancelled",
        Reply::Tasks(_) => "Tasks",
        Reply::Peeked(_) => "Peeked",
        Reply::Surveyed { .. } => "Surveyed",
        Reply::DocumentsChanged { .. } => "DocumentsChanged",
        Reply::Documents { .. } => "Documents",
    }
}

#[cfg(test)]
mod tests;
