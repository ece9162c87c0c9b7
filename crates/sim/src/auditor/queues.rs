//! What the auditor knows of queues: which life a name has, its attributes, and what each did to the messages in it.

use super::message::Number;
use super::time::Span;
use super::{Auditor, Life, Verdict, broken};
use bongsu_engine::{Command, Description, EngineError, QueueId, QueueName, StringMap, TaskStatus, TaskView};
use std::collections::BTreeSet;
use std::rc::Rc;

/// SQS's wait between purges, and before a deleted queue's name is free.
const COOLDOWN_MS: u64 = 60_000;

/// What attributes mean, as far as the auditor cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) visibility_ms: u64,
    pub(crate) delay_ms: u64,
    pub(crate) retention_ms: u64,
    pub(crate) max_bytes: u64,
    pub(crate) redrive: Option<(QueueName, u32)>,
    pub(crate) by_content: bool,
    pub(crate) per_group: bool,
}

impl Settings {
    fn read(attributes: &StringMap) -> Self {
        let number = |name: &str, default: u64| {
            attributes.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
        };
        let is = |name: &str, value: &str| attributes.get(name).is_some_and(|found| found == value);
        Self {
            visibility_ms: number("VisibilityTimeout", 30) * 1_000,
            delay_ms: number("DelaySeconds", 0) * 1_000,
            retention_ms: number("MessageRetentionPeriod", 345_600) * 1_000,
            max_bytes: number("MaximumMessageSize", 1_048_576),
            redrive: attributes.get("RedrivePolicy").and_then(|text| redrive(text)),
            by_content: is("ContentBasedDeduplication", "true"),
            per_group: is("DeduplicationScope", "messageGroup"),
        }
    }
}

/// Reads a redrive policy in the one form that the workload writes.
fn redrive(text: &str) -> Option<(QueueName, u32)> {
    let arn = text.split('"').find(|part| part.starts_with("arn:"))?;
    let count = text.trim_end_matches('}').rsplit(':').next()?;
    Some((QueueName::from_arn(arn)?, count.parse().ok()?))
}

/// Lays changes over attributes: an empty value takes a removable one away.
fn merge(base: &StringMap, changes: &StringMap) -> StringMap {
    let mut merged = base.clone();
    for (name, value) in changes {
        let removable = ["Policy", "RedrivePolicy", "RedriveAllowPolicy"].contains(&name.as_str());
        if value.is_empty() && removable {
            merged.remove(name);
        } else {
            merged.insert(name.clone(), value.clone());
        }
    }
    merged
}

/// One life of a queue.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) name: Rc<QueueName>,
    /// Said by the first answer that has it.
    pub(crate) id: Option<QueueId>,
    pub(crate) attributes: StringMap,
    pub(crate) tags: StringMap,
    /// What the attributes may mean: more than one only while a change is unsure.
    pub(crate) settings: Vec<Settings>,
    pub(crate) shortest_retention_ms: u64,
    /// A FIFO queue had a delay at some time: its counts of delayed messages are estimates since.
    pub(crate) had_delay: bool,
    /// Messages that may be here.
    pub(crate) messages: BTreeSet<Number>,
    pub(crate) last_sequence: u64,
    pub(crate) sends: Vec<super::sends::Past>,
    pub(crate) attempts: Vec<super::receives::Attempt>,
    pub(crate) purged: Option<Span>,
    pub(crate) may_be_purged: Option<Span>,
    /// Move tasks that may be running, by where they move to: more than one only where a start is unsure.
    pub(crate) moving: Vec<Option<QueueName>>,
    /// Sends of which nobody knows what became of them, in the order in which they were called.
    pub(crate) unsure_sends: Vec<Number>,
}

impl Queue {
    fn new(name: QueueName, attributes: StringMap, tags: StringMap) -> Self {
        let settings = Settings::read(&attributes);
        Self {
            name: Rc::new(name),
            id: None,
            attributes,
            tags,
            shortest_retention_ms: settings.retention_ms,
            had_delay: settings.delay_ms > 0,
            settings: vec![settings],
            messages: BTreeSet::new(),
            last_sequence: 0,
            sends: Vec::new(),
            attempts: Vec::new(),
            purged: None,
            may_be_purged: None,
            moving: Vec::new(),
            unsure_sends: Vec::new(),
        }
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.name.is_fifo()
    }

    /// The settings; while a change is unsure, those from before it.
    pub(crate) fn now(&self) -> &Settings {
        &self.settings[0]
    }

    /// A FIFO queue's delay, which applies to what lies in it.
    pub(crate) fn fifo_delay_ms(&self) -> Option<u64> {
        self.is_fifo().then(|| self.settings.iter().map(|one| one.delay_ms).max().unwrap_or(0))
    }

    /// The same, where it matters that it may be over early.
    pub(crate) fn least_fifo_delay_ms(&self) -> Option<u64> {
        self.is_fifo().then(|| self.settings.iter().map(|one| one.delay_ms).min().unwrap_or(0))
    }

    fn set(&mut self, attributes: StringMap) {
        self.attributes = attributes;
        self.settings = vec![Settings::read(&self.attributes)];
        self.note_settings();
    }

    fn may_be_set(&mut self, attributes: &StringMap) {
        self.settings.push(Settings::read(attributes));
        self.note_settings();
    }

    fn note_settings(&mut self) {
        for settings in &self.settings {
            self.shortest_retention_ms = self.shortest_retention_ms.min(settings.retention_ms);
            self.had_delay |= settings.delay_ms > 0;
        }
    }
}

/// What is known of a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Name {
    pub(crate) life: Option<Life>,
    /// A queue that may have been made.
    pub(crate) provisional: Option<Life>,
    released: Option<Span>,
    may_be_released: Option<Span>,
    /// Management of which nobody knows whether it happened.
    unsure: Vec<Command>,
}

impl Auditor {
    fn add_life(&mut self, name: &QueueName, attributes: &StringMap, tags: &StringMap) -> Life {
        let attributes = merge(&StringMap::new(), attributes);
        self.queues.push(Queue::new(name.clone(), attributes, tags.clone()));
        Life(self.queues.len() - 1)
    }

    /// The queue that has this name for certain.
    pub(crate) fn life(&self, name: &QueueName) -> Option<Life> {
        self.names.get(name)?.life
    }

    /// All queues that may have this name.
    pub(crate) fn lives(&self, name: &QueueName) -> Vec<Life> {
        let known = self.names.get(name);
        known.into_iter().flat_map(|known| [known.life, known.provisional]).flatten().collect()
    }

    fn end_life(&mut self, life: Life, fate: &'static str) {
        let gone = std::mem::take(&mut self.queues[life.0].messages);
        for number in gone {
            self.message(number).end(fate, |place| place.life == life);
        }
    }

    // --- Answers ---------------------------------------------------------------------------------------------------

    pub(crate) fn created(
        &mut self,
        now: Span,
        (name, attributes, tags): (&QueueName, &StringMap, &StringMap),
        result: Result<(), &EngineError>,
    ) -> Verdict {
        let known = self.names.entry(name.clone()).or_default();
        let within = |released: Option<Span>, sure: bool| {
            released.is_some_and(|released| {
                let over = released.plus(COOLDOWN_MS);
                if sure { !over.may_be_over(now) } else { over.may_lie_ahead(now) }
            })
        };
        match result {
            Ok(()) if known.life.is_some() => Ok(()),
            Ok(()) if within(known.released, true) => {
                broken(format!("{} was made within a minute", name.name))
            }
            Ok(()) => {
                let life = self.add_life(name, attributes, tags);
                self.names.entry(name.clone()).or_default().life = Some(life);
                Ok(())
            }
            Err(EngineError::QueueDeletedRecently)
                if known.life.is_some()
                    || !(within(known.released, false) || within(known.may_be_released, false)) =>
            {
                broken(format!("{} is said to be deleted recently", name.name))
            }
            Err(EngineError::QueueNameExists(_)) if known.life.is_none() => {
                broken(format!("{} is said to exist, but it was deleted", name.name))
            }
            Err(_) => Ok(()),
        }
    }

    pub(crate) fn queue_deleted(&mut self, now: Span, name: &QueueName) {
        let known = self.names.entry(name.clone()).or_default();
        known.released = Some(now);
        if let Some(life) = known.life.take() {
            self.end_life(life, "its queue was deleted");
        }
    }

    pub(crate) fn attributes_set(&mut self, name: &QueueName, changes: &StringMap) {
        if let Some(life) = self.life(name) {
            let queue = &mut self.queues[life.0];
            queue.set(merge(&queue.attributes, changes));
        }
    }

    pub(crate) fn tags_set(&mut self, name: &QueueName, command: &Command) {
        let Some(life) = self.life(name) else { return };
        let tags = &mut self.queues[life.0].tags;
        match command {
            Command::TagQueue { tags: more, .. } => tags.extend(more.clone()),
            Command::UntagQueue { keys, .. } => tags.retain(|key, _| !keys.contains(key)),
            _ => {}
        }
    }

    pub(crate) fn purged(
        &mut self,
        now: Span,
        name: &QueueName,
        result: Result<(), &EngineError>,
    ) -> Verdict {
        let Some(life) = self.life(name) else { return Ok(()) };
        let queue = &mut self.queues[life.0];
        let last = queue.purged.map(|last| last.plus(COOLDOWN_MS));
        let maybe = queue.may_be_purged.map(|last| last.plus(COOLDOWN_MS));
        match result {
            Ok(()) if last.is_some_and(|last| !last.may_be_over(now)) => {
                broken(format!("{} was purged twice within a minute", name.name))
            }
            Ok(()) => {
                queue.purged = Some(now);
                queue.sends.clear();
                queue.attempts.clear();
                self.end_life(life, "its queue was purged");
                Ok(())
            }
            Err(EngineError::PurgeQueueInProgress(_))
                if ![last, maybe].into_iter().flatten().any(|last| last.may_lie_ahead(now)) =>
            {
                broken(format!("{} is said to be purged recently", name.name))
            }
            Err(_) => Ok(()),
        }
    }

    pub(crate) fn task_started(&mut self, source: &QueueName, destination: &Option<QueueName>) {
        if let Some(life) = self.life(source) {
            self.queues[life.0].moving = vec![destination.clone()];
        }
    }

    pub(crate) fn unsure_task(&mut self, source: &QueueName, destination: &Option<QueueName>) {
        for life in self.lives(source) {
            self.queues[life.0].moving.push(destination.clone());
        }
    }

    pub(crate) fn tasks_listed(&mut self, source: &QueueName, tasks: &[TaskView]) -> Verdict {
        let Some(life) = self.life(source) else { return Ok(()) };
        let active = tasks
            .iter()
            .filter(|task| matches!(task.status, TaskStatus::Running | TaskStatus::Cancelling))
            .count();
        if active > 0 && self.queues[life.0].moving.is_empty() {
            return broken(format!("a move task runs on {} that nobody started", source.name));
        }
        if active > 1 {
            return broken(format!("{active} move tasks run on {}", source.name));
        }
        if active == 0 {
            self.queues[life.0].moving.clear();
        }
        Ok(())
    }

    // --- What is unsure --------------------------------------------------------------------------------------------

    /// Management that may have happened.
    pub(crate) fn unsure_management(&mut self, now: Span, name: &QueueName, command: &Command) {
        let known = self.names.entry(name.clone()).or_default();
        let deleted = known.unsure.iter().any(|one| matches!(one, Command::DeleteQueue(_)));
        let (life, provisional) = (known.life, known.provisional);
        known.unsure.push(command.clone());
        match command {
            Command::CreateQueue { attributes, tags, .. } if life.is_none() || deleted => {
                let made = provisional.unwrap_or_else(|| self.add_life(name, attributes, tags));
                self.queues[made.0].may_be_set(&merge(&StringMap::new(), attributes));
                self.names.entry(name.clone()).or_default().provisional = Some(made);
            }
            Command::DeleteQueue(_) => {
                known.may_be_released = Some(now);
                for life in self.lives(name) {
                    self.all_may_be_gone(life, "its queue may have been deleted");
                }
            }
            Command::SetAttributes { attributes, .. } => {
                for life in self.lives(name) {
                    let queue = &mut self.queues[life.0];
                    let bases: Vec<StringMap> = vec![queue.attributes.clone()];
                    bases.iter().for_each(|base| queue.may_be_set(&merge(base, attributes)));
                }
            }
            _ => {}
        }
    }

    pub(crate) fn all_may_be_gone(&mut self, life: Life, fate: &'static str) {
        let numbers: Vec<Number> = self.queues[life.0].messages.iter().copied().collect();
        for number in numbers {
            let message = self.message(number);
            message.may_be_gone = true;
            message.fate = fate;
        }
    }

    // --- Describing, which ends the doubt --------------------------------------------------------------------------

    pub(crate) fn described(
        &mut self,
        name: &QueueName,
        result: Result<&Description, &EngineError>,
    ) -> Verdict {
        let known = self.names.entry(name.clone()).or_default();
        let unsure = std::mem::take(&mut known.unsure);
        let (life, provisional) = (known.life, known.provisional.take());
        let may_be_deleted = unsure.iter().any(|one| matches!(one, Command::DeleteQueue(_)));
        let Ok(found) = result else {
            known.life = None;
            if let Some(life) = life {
                if !may_be_deleted {
                    return broken(format!("{} is gone, and nobody deleted it", name.name));
                }
                self.end_life(life, "its queue was deleted");
            }
            self.discard(provisional);
            return Ok(());
        };
        let same = life.filter(|life| self.queues[life.0].id.is_none_or(|id| id == found.id));
        let made = unsure.iter().any(|one| matches!(one, Command::CreateQueue { .. }));
        let settled = match (same, provisional) {
            (Some(life), _) => {
                self.discard(provisional);
                life
            }
            (None, Some(made)) if life.is_none() || may_be_deleted => {
                if let Some(old) = life {
                    self.end_life(old, "its queue was deleted and made anew");
                }
                made
            }
            _ => return broken(format!("{} has become another queue, {:?}", name.name, found.id)),
        };
        self.names.entry(name.clone()).or_default().life = Some(settled);
        if self.queues.iter().enumerate().any(|(at, queue)| at != settled.0 && queue.id == Some(found.id)) {
            return broken(format!("{} has the identity {:?} of another queue", name.name, found.id));
        }
        let first = self.queues[settled.0].id.replace(found.id).is_none();
        self.check_attributes(settled, found, &unsure, first && made)
    }

    fn discard(&mut self, provisional: Option<Life>) {
        let Some(life) = provisional else { return };
        let numbers = std::mem::take(&mut self.queues[life.0].messages);
        for number in numbers {
            self.message(number).places.retain(|place| place.life != life);
        }
    }

    /// Attributes and tags must be what was set, with any of the unsure changes.
    fn check_attributes(
        &mut self,
        life: Life,
        found: &Description,
        unsure: &[Command],
        may_be_other: bool,
    ) -> Verdict {
        let queue = &mut self.queues[life.0];
        let mut attributes = vec![queue.attributes.clone()];
        let mut tags = vec![queue.tags.clone()];
        for command in unsure {
            let (mut more_attributes, mut more_tags) = (Vec::new(), Vec::new());
            match command {
                Command::SetAttributes { attributes: changes, .. } => {
                    more_attributes = attributes.iter().map(|base| merge(base, changes)).collect();
                }
                Command::SetPolicy { policy, .. } => {
                    let text = policy.clone().unwrap_or_default();
                    let changes = StringMap::from([("Policy".to_owned(), text)]);
                    more_attributes = attributes.iter().map(|base| merge(base, &changes)).collect();
                }
                Command::CreateQueue { attributes: made, tags: with, .. } if may_be_other => {
                    more_attributes.push(merge(&StringMap::new(), made));
                    more_tags.push(with.clone());
                }
                Command::TagQueue { tags: more, .. } => {
                    more_tags = tags.clone();
                    more_tags.iter_mut().for_each(|tags| tags.extend(more.clone()));
                }
                Command::UntagQueue { keys, .. } => {
                    more_tags = tags.clone();
                    more_tags.iter_mut().for_each(|tags| tags.retain(|key, _| !keys.contains(key)));
                }
                _ => {}
            }
            attributes.extend(more_attributes);
            tags.extend(more_tags);
        }
        if !attributes.contains(&found.attributes) {
            let (name, known) = (&queue.name.name, &attributes);
            return broken(format!("{name} has the attributes {:?}, not {known:?}", found.attributes));
        }
        if !tags.contains(&found.tags) {
            return broken(format!("{} has the tags {:?}, not {tags:?}", queue.name.name, found.tags));
        }
        queue.set(found.attributes.clone());
        queue.tags = found.tags.clone();
        Ok(())
    }
}
