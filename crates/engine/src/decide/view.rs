//! Looking, without touching.

use super::Decision;
use crate::command::{PeekState, Peeked, Reply};
use crate::error::EngineError;
use crate::names::QueueName;
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

    pub(super) fn peek(&mut self, name: &QueueName, limit: usize) -> Result<Reply, EngineError> {
        let now_ms = self.at.now_ms;
        let queue = self.queue(name)?;
        let (fifo, delay_ms) = (queue.is_fifo(), queue.fifo_delay_ms());
        let seen = queue.messages.peek(limit).into_iter().map(
            |(sequence, body, tracked, row_delayed, enqueued_ms)| {
                let held_back = fifo && tracked.is_none() && enqueued_ms + delay_ms > now_ms;
                Peeked {
                    sequence,
                    body,
                    receive_count: tracked.map_or(0, |message| message.receive_count),
                    first_received_wall_ms: tracked.map_or(0, |message| message.first_received_wall_ms),
                    state: match tracked {
                        Some(message) if message.in_flight => PeekState::InFlight,
                        _ if row_delayed || held_back => PeekState::Delayed,
                        _ => PeekState::Visible,
                    },
                    moved: tracked.and_then(|message| message.moved.clone()),
                }
            },
        );
        Ok(Reply::Peeked(seen.collect()))
    }
}

fn page<'a>(mut names: impl Iterator<Item = &'a QueueName>, limit: usize) -> Reply {
    let page = names.by_ref().take(limit).cloned().collect();
    Reply::Names { names: page, more: names.next().is_some() }
}
