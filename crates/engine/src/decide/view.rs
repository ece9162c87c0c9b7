//! Looking, without touching.

use super::Decision;
use crate::command::{PeekState, Peeked, Reply, Which};
use crate::error::EngineError;
use crate::names::QueueName;
use std::collections::BTreeSet;
use std::ops::Bound;

impl Decision<'_> {
    pub(super) fn describe(&mut self, name: &QueueName) -> Result<Reply, EngineError> {
        let now_ms = self.at.now_ms;
        Ok(Reply::Description(Box::new(self.queue(name)?.describe(now_ms))))
    }

    pub(super) fn list_queues(
        &self,
        account: &str,
        region: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Reply, EngineError> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(QueueName::new(account, region, after)),
            _ => Bound::Included(QueueName::new(account, region, prefix)),
        };
        let in_reach = |name: &&QueueName| {
            name.account == account && name.region == region && name.name.starts_with(prefix)
        };
        let found =
            self.engine.names.range((start, Bound::Unbounded)).map(|(name, _)| name).take_while(in_reach);
        Ok(page(found, limit))
    }

    pub(super) fn list_sources(
        &mut self,
        name: &QueueName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Reply, EngineError> {
        self.queue(name)?;
        let sources = self.engine.sources.get(name).into_iter().flatten();
        Ok(page(sources.filter(|source| after.is_none_or(|after| source.name.as_str() > after)), limit))
    }

    pub(super) fn list_moves(&mut self, source: &QueueName, limit: usize) -> Result<Reply, EngineError> {
        let queue = self.queue(source).map_err(|_| EngineError::MoveSourceDoesNotExist)?;
        Ok(Reply::Tasks(queue.tasks.view(queue.id, source, limit)))
    }

    pub(super) fn peek(&mut self, name: &QueueName, which: &Which) -> Result<Reply, EngineError> {
        let now_ms = self.at.now_ms;
        let queue = self.queue(name)?;
        let hold = if queue.is_fifo() { queue.fifo_delay_ms() } else { 0 };
        let held_back = |enqueued_ms: u64| enqueued_ms + hold > now_ms;
        let seen = match which {
            Which::Page { state, skip, limit } => {
                let held_back = (hold > 0).then_some(&held_back as &dyn Fn(u64) -> bool);
                queue.messages.page(*state, *skip, *limit, held_back)
            }
            Which::Of(life, sequences) if *life == queue.id => {
                queue.messages.find(&sequences.iter().copied().collect())
            }
            Which::Of(..) => Vec::new(),
        };
        let id = queue.id;
        let peeked = seen.into_iter().map(|seen| Peeked {
            queue: id,
            sequence: seen.sequence,
            body: seen.body,
            receive_count: seen.tracked.map_or(0, |message| message.receive_count),
            first_received_wall_ms: seen.tracked.map_or(0, |message| message.first_received_wall_ms),
            state: match seen.tracked {
                Some(message) if message.in_flight => PeekState::InFlight,
                Some(_) => PeekState::Visible,
                None if seen.is_delayed || held_back(seen.enqueued_ms) => PeekState::Delayed,
                None => PeekState::Visible,
            },
            moved: seen.tracked.and_then(|message| message.moved.clone()),
        });
        Ok(Reply::Peeked(peeked.collect()))
    }

    pub(super) fn survey(&mut self, after: Option<&QueueName>, limit: usize) -> Reply {
        let now_ms = self.at.now_ms;
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.engine.names.range((start, Bound::Unbounded));
        let mut queues = Vec::new();
        for (name, id) in rest.by_ref().take(limit) {
            let sources = self.engine.sources.get(name).map_or(0, BTreeSet::len);
            if let Some(queue) = self.engine.queues.get_mut(id) {
                queue.advance(now_ms);
                queues.push(queue.survey(now_ms, sources));
            }
        }
        Reply::Surveyed { queues, more: rest.next().is_some() }
    }
}

fn page<'a>(mut names: impl Iterator<Item = &'a QueueName>, limit: usize) -> Reply {
    let page = names.by_ref().take(limit).cloned().collect();
    Reply::Names { names: page, more: names.next().is_some() }
}
