//! What an operation has at hand: the node and what else the server has once, and what one request brings along.

use crate::entropy::Entropy;
use crate::errors::{About, from_call, internal_failure};
use crate::http::Connection;
use crate::identity::Identity;
use crate::queue_url::{self, BaseUrl};
use crate::receipt::Sealer;
use bongsu_engine::{Command, Description, QueueName, Reply};
use bongsu_node::Node;
use bongsu_wire::ServiceError;

/// What the server has once.
pub(crate) struct Edge {
    pub(crate) node: Node,
    pub(crate) entropy: Entropy,
    pub(crate) sealer: Sealer,
}

/// One request on its way through the server.
pub(crate) struct Call<'a> {
    pub(crate) edge: &'a Edge,
    /// In which account and region it is made.
    pub(crate) caller: Identity,
    /// What queue URLs in the answer begin with.
    pub(crate) base_url: BaseUrl<'a>,
    /// The header `X-Amzn-Trace-Id`.
    pub(crate) trace_header: Option<String>,
    /// Tells when the client has gone away.
    pub(crate) connection: &'a Connection,
}

impl Call<'_> {
    /// The queue that a QueueUrl names.
    ///
    /// # Errors
    /// `QueueDoesNotExist` for what is no QueueUrl at all, as with the real service.
    pub(crate) fn queue(&self, queue_url: &str) -> Result<QueueName, ServiceError> {
        queue_url::read(queue_url, &self.caller).ok_or_else(ServiceError::queue_does_not_exist)
    }

    /// The QueueUrl of a queue, with the address that this client uses.
    pub(crate) fn queue_url(&self, name: &QueueName) -> String {
        self.base_url.queue(name)
    }

    /// Asks the node.
    ///
    /// # Errors
    /// Whatever the engine refuses, in the client's words.
    pub(crate) async fn ask(&self, command: Command, about: About<'_>) -> Result<Reply, ServiceError> {
        self.edge.node.call(command).await.map_err(|error| from_call(error, about))
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
    tracing::error!(?reply, "the engine's reply doesn't belong to the command");
    internal_failure()
}
