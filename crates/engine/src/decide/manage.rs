//! Queues themselves: making and ending them, attributes, tags, purge.

use super::{COOLDOWN_MS, Decision};
use crate::attributes::{self, RedriveAllow, Settings};
use crate::command::{Reply, StringMap};
use crate::error::{AttributeError, EngineError};
use crate::names::{QueueId, QueueName};
use crate::record::Record;

const MAX_TAGS: usize = 50;

impl Decision<'_> {
    pub(super) fn create(
        &mut self,
        name: QueueName,
        attributes: StringMap,
        tags: StringMap,
    ) -> Result<Reply, EngineError> {
        if !name.is_valid() {
            return Err(EngineError::InvalidQueueName);
        }
        check_type(&name, &attributes)?;
        attributes::check(&attributes, name.is_fifo())?;
        if tags.len() > MAX_TAGS {
            return Err(EngineError::TooManyTags);
        }
        if let Some(queue) = self.engine.queue(&name) {
            return match attributes::first_difference(&queue.attributes, &attributes) {
                Some(attribute) => Err(EngineError::QueueNameExists(attribute.to_owned())),
                None if !tags.is_empty() && tags != queue.tags => {
                    Err(EngineError::QueueNameExists("tags".to_owned()))
                }
                None => Ok(Reply::Done),
            };
        }
        if self.engine.options.cooldowns
            && let Some(released_ms) = self.engine.directory.released.get(&name)
            && released_ms + COOLDOWN_MS > self.at.now_ms
        {
            return Err(EngineError::QueueDeletedRecently);
        }
        let asked = attributes.clone();
        let attributes = attributes::merge(StringMap::new(), attributes);
        attributes::check_together(&asked, &attributes)?;
        self.check_redrive(&name, &attributes)?;
        let queue = QueueId(self.engine.directory.last_queue_id + 1);
        let (created_wall_ms, key) = (self.at.wall_ms, self.nonce());
        self.emit(&Record::QueueCreated { queue, name, attributes, tags, created_wall_ms, key }, &[]);
        Ok(Reply::Done)
    }

    pub(super) fn delete_queue(&mut self, name: &QueueName) -> Result<Reply, EngineError> {
        let queue = self.queue(name)?.id;
        self.emit(&Record::QueueDeleted { queue }, &[]);
        self.emit(&Record::NameReleased { name: name.clone(), at_ms: self.at.now_ms }, &[]);
        Ok(Reply::Done)
    }

    pub(super) fn set_attributes(
        &mut self,
        name: &QueueName,
        changes: StringMap,
    ) -> Result<Reply, EngineError> {
        let queue = self.queue(name)?;
        let (id, before) = (queue.id, queue.attributes.clone());
        check_no_type_change(name, &changes)?;
        attributes::check(&changes, name.is_fifo())?;
        let asked = changes.clone();
        let attributes = attributes::merge(before, changes);
        attributes::check_together(&asked, &attributes)?;
        if asked.contains_key("RedrivePolicy") {
            self.check_redrive(name, &attributes)?;
        }
        self.emit(&Record::AttributesSet { queue: id, attributes, modified_wall_ms: self.at.wall_ms }, &[]);
        Ok(Reply::Done)
    }

    pub(super) fn set_policy(
        &mut self,
        name: &QueueName,
        expected: u64,
        policy: Option<String>,
    ) -> Result<Reply, EngineError> {
        let queue = self.queue(name)?;
        if queue.policy_version != expected {
            return Err(EngineError::PolicyConflict);
        }
        let changes = StringMap::from([("Policy".to_owned(), policy.unwrap_or_default())]);
        attributes::check(&changes, name.is_fifo())?;
        let (id, attributes) = (queue.id, attributes::merge(queue.attributes.clone(), changes));
        self.emit(&Record::AttributesSet { queue: id, attributes, modified_wall_ms: self.at.wall_ms }, &[]);
        Ok(Reply::Done)
    }

    pub(super) fn tag(&mut self, name: &QueueName, tags: StringMap) -> Result<Reply, EngineError> {
        let queue = self.queue(name)?;
        let (id, mut all) = (queue.id, queue.tags.clone());
        all.extend(tags);
        if all.len() > MAX_TAGS {
            return Err(EngineError::TooManyTags);
        }
        self.emit(&Record::TagsSet { queue: id, tags: all }, &[]);
        Ok(Reply::Done)
    }

    pub(super) fn untag(&mut self, name: &QueueName, keys: &[String]) -> Result<Reply, EngineError> {
        let queue = self.queue(name)?;
        let (id, mut left) = (queue.id, queue.tags.clone());
        left.retain(|key, _| !keys.contains(key));
        if left != queue.tags {
            self.emit(&Record::TagsSet { queue: id, tags: left }, &[]);
        }
        Ok(Reply::Done)
    }

    pub(super) fn purge(&mut self, name: &QueueName) -> Result<Reply, EngineError> {
        let (cooldowns, now_ms) = (self.engine.options.cooldowns, self.at.now_ms);
        let queue = self.queue(name)?;
        let recently = queue.purged_at_ms.is_some_and(|purged_ms| purged_ms + COOLDOWN_MS > now_ms);
        if cooldowns && recently {
            return Err(EngineError::PurgeQueueInProgress(name.name.clone()));
        }
        let queue = queue.id;
        self.emit(&Record::Purged { queue, at_ms: now_ms }, &[]);
        Ok(Reply::Done)
    }

    /// A redrive policy must name a queue that exists, is of the same type, and allows it.
    fn check_redrive(&self, name: &QueueName, attributes: &StringMap) -> Result<(), EngineError> {
        let settings = Settings::read(attributes);
        let Some(redrive) = settings.redrive else { return Ok(()) };
        let value = attributes.get("RedrivePolicy").cloned().unwrap_or_default();
        let wrong =
            |reason: &str| AttributeError::RedrivePolicy { value: value.clone(), reason: reason.to_owned() };
        if redrive.target.is_fifo() != name.is_fifo() {
            return Err(wrong("Dead-letter queue must be same type of queue as the source..").into());
        }
        if redrive.target.account != name.account || redrive.target.region != name.region {
            return Err(wrong("Invalid value for deadLetterTargetArn.").into());
        }
        let allow = match self.engine.queue(&redrive.target) {
            Some(target) => target.settings().redrive_allow.clone(),
            None if redrive.target == *name => RedriveAllow::All,
            None => return Err(AttributeError::DeadLetterQueueDoesNotExist { value }.into()),
        };
        if !allow.allows(name) {
            return Err(wrong(
                "The dead-letter queue does not allow this queue to use it (see its RedriveAllowPolicy).",
            )
            .into());
        }
        Ok(())
    }
}

/// FifoQueue and the name must say the same at creation; the suffix decides.
fn check_type(name: &QueueName, attributes: &StringMap) -> Result<(), AttributeError> {
    let asked = attributes.get("FifoQueue").map(|value| attributes::boolean(value));
    match (name.is_fifo(), asked) {
        (true, Some(Some(true))) | (false, None) => Ok(()),
        (_, Some(Some(false))) => Err(AttributeError::Unknown("FifoQueue".into())),
        (_, Some(None)) => Err(AttributeError::InvalidValue {
            name: "FifoQueue".into(),
            value: attributes.get("FifoQueue").cloned().unwrap_or_default(),
        }),
        _ => Err(AttributeError::TypeAndNameDisagree),
    }
}

fn check_no_type_change(name: &QueueName, changes: &StringMap) -> Result<(), AttributeError> {
    let Some(value) = changes.get("FifoQueue") else { return Ok(()) };
    match (name.is_fifo(), attributes::boolean(value)) {
        (true, Some(true)) => Ok(()),
        (false, _) => Err(AttributeError::Unknown("FifoQueue".into())),
        (true, _) => Err(AttributeError::TypeChange),
    }
}
