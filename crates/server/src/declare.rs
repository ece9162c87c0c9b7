//! Declared queues: makes them so, once at start. What the file says wins over what the queue had; queues and
//! attributes that the file doesn't mention stay as they are.

use crate::config::{DeclaredQueue, Settings};
use crate::errors::{About, from_call};
use crate::policy;
use bongsu_engine::{Command, Description, EngineError, QueueName, Reply, StringMap};
use bongsu_node::{CallError, Node};
use bongsu_wire::ServiceError;

/// A declared queue that can't be made so.
#[derive(Debug, thiserror::Error)]
#[error("can't declare the queue {name}: {reason}")]
pub struct DeclareError {
    /// Its name.
    pub name: String,
    /// In the words that CreateQueue or SetQueueAttributes would use.
    pub reason: String,
}

/// What can name another queue, and so has to wait until all are there.
const REFERENCES: [&str; 2] = ["RedrivePolicy", "RedriveAllowPolicy"];

/// Makes all of them so.
///
/// # Errors
/// [`DeclareError`] for the first that can't be.
pub(crate) async fn declare(node: &Node, settings: &Settings) -> Result<(), DeclareError> {
    for queue in &settings.queues {
        let result = create(node, &name_of(queue, settings), queue).await;
        result.map_err(|error| explain(queue, error))?;
    }
    for queue in &settings.queues {
        let result = adjust(node, name_of(queue, settings), queue).await;
        result.map_err(|error| explain(queue, error))?;
    }
    Ok(())
}

fn name_of(queue: &DeclaredQueue, settings: &Settings) -> QueueName {
    let account = queue.account.as_ref().unwrap_or(&settings.account);
    let region = queue.region.as_ref().unwrap_or(&settings.region);
    QueueName::new(account.as_str(), region, &queue.name)
}

fn explain(queue: &DeclaredQueue, error: ServiceError) -> DeclareError {
    DeclareError { name: queue.name.clone(), reason: error.message }
}

async fn create(node: &Node, name: &QueueName, queue: &DeclaredQueue) -> Result<(), ServiceError> {
    if let Some(text) = queue.attributes.get("Policy") {
        policy::check(text)?;
    }
    let mut attributes = queue.attributes.clone();
    attributes.retain(|name, _| !REFERENCES.contains(&name.as_str()));
    let command = Command::CreateQueue { name: name.clone(), attributes, tags: queue.tags.clone() };
    match node.call(command).await {
        // There with other attributes: they are adjusted next.
        Ok(_) | Err(CallError::Engine(EngineError::QueueNameExists(_))) => Ok(()),
        Err(error) => Err(from_call(error, About { queue_name: &queue.name, ..About::default() })),
    }
}

async fn adjust(node: &Node, name: QueueName, queue: &DeclaredQueue) -> Result<(), ServiceError> {
    let about = About { queue_name: &queue.name, ..About::default() };
    let order = async |command| node.call(command).await.map_err(|error| from_call(error, about));
    let Reply::Description(found) = order(Command::Describe(name.clone())).await? else {
        return Err(crate::errors::internal_failure());
    };
    let attributes = differing(queue, &found);
    if !attributes.is_empty() {
        order(Command::SetAttributes { name: name.clone(), attributes }).await?;
    }
    let tags = missing(&queue.tags, &found.tags);
    if !tags.is_empty() {
        order(Command::TagQueue { name, tags }).await?;
    }
    Ok(())
}

/// FifoQueue goes with the name and can't be set again.
fn differing(queue: &DeclaredQueue, found: &Description) -> StringMap {
    let mut attributes = missing(&queue.attributes, &found.attributes);
    attributes.remove("FifoQueue");
    attributes
}

fn missing(wanted: &StringMap, found: &StringMap) -> StringMap {
    let differing = wanted.iter().filter(|(name, value)| found.get(*name) != Some(value));
    differing.map(|(name, value)| (name.clone(), value.clone())).collect()
}
