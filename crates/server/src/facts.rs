//! What the edge has to know of a queue before the engine is asked: its policy, how its messages are sealed, its tags.
//!
//! Remembered, as it is needed for each request. All changes of queues go through this server, which forgets a queue before
//! it answers the change: from then on everybody sees what is new.

use crate::errors::{About, from_call, internal_failure};
use crate::keys::QueueSealing;
use crate::watch::Counting;
use crate::watch::counters::{Counters, QueueCounters};
use bongsu_engine::{Command, EngineError, QueueName, Reply, StringMap};
use bongsu_node::{CallError, Node};
use bongsu_policy::{Document, Kind, Limits};
use bongsu_wire::ServiceError;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// So many queues are remembered. Rarely more than a few KiB each; tags and policies at their limits make it a hundred, which the engine holds as well.
const CAPACITY: usize = 20_000;

/// What is known of a queue.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Attributes as they were set.
    pub(crate) attributes: StringMap,
    /// Tags.
    pub(crate) tags: StringMap,
    /// Its policy.
    pub(crate) policy: Policy,
    /// How its messages are sealed.
    pub(crate) sealing: QueueSealing,
    /// What it has seen; the same after a change.
    pub(crate) counters: Arc<QueueCounters>,
}

/// A queue's policy.
#[derive(Debug)]
pub(crate) enum Policy {
    /// It has none.
    None,
    /// This.
    Document(Document),
    /// A text that is no policy, from before policies were read: as nobody can know whom it denies what, nobody but the
    /// owner's root has access.
    Unreadable,
}

impl Policy {
    fn read(name: &QueueName, text: Option<&str>) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Self::None };
        match Document::parse(text, Kind::Resource, &Limits::QUEUE) {
            Ok(document) => Self::Document(document),
            Err(error) => {
                // It may repeat what is in the policy, line ends and all.
                let reason = error.to_string();
                tracing::warn!(queue = %name, ?reason, "a queue's policy can't be read: only the account's root has access");
                Self::Unreadable
            }
        }
    }
}

/// The facts of queues that were asked for.
pub(crate) struct FactsMemory {
    counters: Arc<Counters>,
    known: RwLock<HashMap<QueueName, Arc<Facts>>>,
    /// Counts what was forgotten: what was asked of the engine before may be old.
    forgotten: AtomicU64,
}

impl FactsMemory {
    /// One that knows nothing yet; the counters of queues are among these.
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self { counters, known: RwLock::default(), forgotten: AtomicU64::new(0) }
    }

    /// What is known of a queue; `None` if there is no such queue.
    ///
    /// # Errors
    /// What the node says.
    pub(crate) async fn of(&self, node: &Node, name: &QueueName) -> Result<Option<Arc<Facts>>, ServiceError> {
        match self.get(name) {
            Some(facts) => Ok(Some(facts)),
            // Boxed, as it is rare and every request has room for it.
            None => Box::pin(self.ask(node, name)).await,
        }
    }

    async fn ask(&self, node: &Node, name: &QueueName) -> Result<Option<Arc<Facts>>, ServiceError> {
        let before = self.forgotten.load(Ordering::Acquire);
        let description = match node.call(Command::Describe(name.clone())).await {
            Ok(Reply::Description(description)) => description,
            Ok(_) => return Err(internal_failure()),
            Err(CallError::Engine(EngineError::QueueDoesNotExist(_))) => return Ok(None),
            Err(error) => return Err(from_call(error, About::default())),
        };
        let policy = Policy::read(name, description.attributes.get("Policy").map(String::as_str));
        let (attributes, tags) = (description.attributes, description.tags);
        let sealing = QueueSealing::of(name, &attributes);
        let counters = self.counters.of(name);
        let facts = Arc::new(Facts { attributes, tags, policy, sealing, counters });
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if self.forgotten.load(Ordering::Acquire) == before {
            if known.len() >= CAPACITY {
                // Rare, and each is soon there again.
                known.clear();
            }
            known.insert(name.clone(), Arc::clone(&facts));
        }
        Ok(Some(facts))
    }

    /// The counters of a queue that a request names, without asking whether it is there.
    pub(crate) fn counting(&self, name: &QueueName) -> Counting {
        match self.get(name) {
            Some(facts) => Counting::Known(Arc::clone(&facts.counters)),
            None => Counting::Later(name.clone(), Arc::clone(&self.counters)),
        }
    }

    fn get(&self, name: &QueueName) -> Option<Arc<Facts>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Forgets a queue that is being changed; called once the change is durable, before it is answered.
    pub(crate) fn forget(&self, name: &QueueName) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::Release);
        known.remove(name);
    }
}

/// Which queue a command changes in a way that facts show.
pub(crate) fn changed_by(command: &Command) -> Option<&QueueName> {
    match command {
        Command::CreateQueue { name, .. }
        | Command::DeleteQueue(name)
        | Command::SetAttributes { name, .. }
        | Command::SetPolicy { name, .. }
        | Command::TagQueue { name, .. }
        | Command::UntagQueue { name, .. } => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{FactsMemory, Policy, changed_by};
    use crate::logged::logged;
    use crate::watch::Clock;
    use crate::watch::counters::Counters;
    use bongsu_engine::{Command, QueueName, StringMap};
    use bongsu_node::{Node, NodeOptions};
    use std::sync::Arc;

    fn node() -> Node {
        Node::in_memory(NodeOptions::new([1; 32], 2)).unwrap()
    }

    fn memory() -> FactsMemory {
        FactsMemory::new(Arc::new(Counters::new(Clock::start())))
    }

    fn name() -> QueueName {
        QueueName::new("000000000000", "us-east-1", "q")
    }

    async fn set_policy(node: &Node, memory: &FactsMemory, text: &str) {
        let attributes = StringMap::from([("Policy".to_owned(), text.to_owned())]);
        let command = Command::SetAttributes { name: name(), attributes };
        let changed = changed_by(&command).cloned().unwrap();
        node.call(command).await.unwrap();
        memory.forget(&changed);
    }

    #[tokio::test]
    async fn a_change_is_seen_at_once() {
        let (node, memory) = (node(), memory());
        assert!(memory.of(&node, &name()).await.unwrap().is_none());
        let (attributes, tags) = (StringMap::new(), StringMap::new());
        node.call(Command::CreateQueue { name: name(), attributes, tags }).await.unwrap();
        let first = memory.of(&node, &name()).await.unwrap().unwrap();
        assert!(matches!(first.policy, Policy::None));
        assert!(Arc::ptr_eq(&first, &memory.of(&node, &name()).await.unwrap().unwrap()), "remembered");
        let text = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:*"}}"#;
        set_policy(&node, &memory, text).await;
        let facts = memory.of(&node, &name()).await.unwrap().unwrap();
        assert!(matches!(facts.policy, Policy::Document(_)));
        assert!(
            Arc::ptr_eq(&first.counters, &facts.counters),
            "a change of the queue is none of what it has seen"
        );
        set_policy(&node, &memory, "").await;
        assert!(matches!(memory.of(&node, &name()).await.unwrap().unwrap().policy, Policy::None));
        node.call(Command::DeleteQueue(name())).await.unwrap();
        memory.forget(&name());
        assert!(memory.of(&node, &name()).await.unwrap().is_none());
    }

    /// Stores from before policies were read may hold such a text.
    #[tokio::test]
    async fn a_text_that_is_no_policy_is_no_open_door() {
        let (node, memory) = (node(), memory());
        let attributes = StringMap::from([("Policy".to_owned(), "{\"Statement\": 1}".to_owned())]);
        node.call(Command::CreateQueue { name: name(), attributes, tags: StringMap::new() }).await.unwrap();
        assert!(matches!(memory.of(&node, &name()).await.unwrap().unwrap().policy, Policy::Unreadable));
    }

    /// The names of operators are the caller's: one with a line end in it wrote a line of its own into the log.
    #[test]
    fn a_policy_that_can_not_be_read_forges_no_line_of_the_log() {
        let text = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:*",
            "Condition": {"Odd\nERROR forged": {"aws:Referer": "x"}}}}"#;
        let written = logged(|| {
            assert!(matches!(Policy::read(&name(), Some(text)), Policy::Unreadable));
            assert!(crate::policy::check(text).is_err());
        });
        assert_eq!(written.lines().count(), 2, "{written}");
        assert!(written.contains(r"Odd\nERROR forged"), "{written}");
    }

    /// Whatever was asked before a change may be old when it arrives after it.
    #[tokio::test]
    async fn what_was_asked_before_a_change_is_not_remembered() {
        let (node, memory) = (node(), memory());
        let (attributes, tags) = (StringMap::new(), StringMap::new());
        node.call(Command::CreateQueue { name: name(), attributes, tags }).await.unwrap();
        let asked = name();
        let mut asking = Box::pin(memory.of(&node, &asked));
        // Polled once, it has asked, and has no answer yet or has it already; in both cases the change comes before it ends.
        let polled =
            std::future::poll_fn(|cx| std::task::Poll::Ready(asking.as_mut().poll(cx).is_ready())).await;
        memory.forget(&name());
        if !polled {
            asking.await.unwrap();
        }
        assert!(memory.get(&name()).is_none());
    }
}
