//! Looking at messages where they stand, without touching them.

use super::lane::Fresh;
use super::messages::{LaneId, Messages, Tracked, body_of};
use crate::command::PeekState;
use crate::names::BodyRef;
use crate::runs::Runs;
use std::collections::BTreeSet;

/// Of how many lanes the oldest message is looked at: enough for nearly all queues, and no pause for the others.
const LANES_LOOKED_AT: usize = 10_000;
/// Of how many messages that were received before, or came from elsewhere.
const TRACKED_LOOKED_AT: usize = 1_000;

/// A message as a look finds it.
pub(crate) struct Seen<'a> {
    pub(crate) sequence: u64,
    pub(crate) body: BodyRef,
    pub(crate) enqueued_ms: u64,
    /// Details of one that was received, or came from another queue.
    pub(crate) tracked: Option<&'a Tracked>,
    /// Whether it lies among the delayed ones.
    pub(crate) is_delayed: bool,
    lane: LaneId,
}

impl Seen<'_> {
    /// As a message that is followed on its own.
    pub(crate) fn to_tracked(&self) -> Tracked {
        let row = [self.sequence, self.body.position, u64::from(self.body.len), self.enqueued_ms];
        self.tracked.cloned().unwrap_or_else(|| Tracked::fresh(self.lane, &row))
    }

    fn fresh(row: &Fresh, lane: LaneId) -> Self {
        let body = body_of(row[1], row[2]);
        Self { sequence: row[0], body, enqueued_ms: row[3], tracked: None, is_delayed: false, lane }
    }

    fn delayed(row: &[u64; 6]) -> Self {
        let fresh = [row[0], row[1], row[2], row[3]];
        Self { is_delayed: true, ..Self::fresh(&fresh, row[5] as LaneId) }
    }
}

impl<'a> Seen<'a> {
    fn tracked((sequence, message): (&u64, &'a Tracked)) -> Self {
        Self {
            sequence: *sequence,
            body: message.body,
            enqueued_ms: message.enqueued_ms,
            tracked: Some(message),
            is_delayed: false,
            lane: message.lane,
        }
    }
}

/// A part of a long list that is put together of several.
struct Page<'a> {
    skip: u64,
    limit: usize,
    seen: Vec<Seen<'a>>,
}

impl<'a> Page<'a> {
    fn is_full(&self) -> bool {
        self.seen.len() >= self.limit
    }

    fn take(&mut self, mut found: impl Iterator<Item = Seen<'a>>) {
        while !self.is_full()
            && let Some(one) = found.next()
        {
            match self.skip {
                0 => self.seen.push(one),
                _ => self.skip -= 1,
            }
        }
    }

    /// As [`Page::take`], of packed runs, which are passed over without being looked into.
    fn take_runs<const N: usize>(&mut self, runs: &Runs<N>, seen: impl Fn(&[u64; N]) -> Seen<'a>) {
        let passed = self.skip.min(runs.len() as u64);
        self.skip -= passed;
        let left = self.limit - self.seen.len();
        self.seen.extend(runs.iter_from(passed as usize).take(left).map(|row| seen(&row)));
    }
}

impl Messages {
    /// Messages in a state, after the first `skip` of them: see [`crate::Which::Page`]. `held_back` tells by the time of sending which ones a FIFO
    /// queue's delay keeps from being received, if it has one.
    pub(crate) fn page(
        &self,
        state: Option<PeekState>,
        skip: u64,
        limit: usize,
        held_back: Option<&dyn Fn(u64) -> bool>,
    ) -> Vec<Seen<'_>> {
        let mut page = Page { skip, limit, seen: Vec::new() };
        let in_state = |message: &Tracked| match state {
            None => true,
            Some(PeekState::InFlight) => message.in_flight,
            Some(PeekState::Visible) => !message.in_flight,
            Some(PeekState::Delayed) => false,
        };
        // So many there are of those that come first. Who wants none of them doesn't have to go through them.
        let tracked = match state {
            None => self.tracked.len() as u64,
            Some(PeekState::InFlight) => self.in_flight(),
            Some(PeekState::Visible) => self.tracked.len() as u64 - self.in_flight(),
            Some(PeekState::Delayed) => 0,
        };
        if page.skip >= tracked {
            page.skip -= tracked;
        } else {
            page.take(self.tracked.iter().filter(|(_, message)| in_state(message)).map(Seen::tracked));
        }
        for (id, lane) in self.lanes.iter().enumerate() {
            if page.is_full() || state == Some(PeekState::InFlight) {
                break;
            }
            let Some(lane) = lane else { continue };
            let seen = |row: &Fresh| Seen::fresh(row, id as LaneId);
            match (state, held_back) {
                (Some(state), Some(held_back)) => {
                    let wanted = state == PeekState::Delayed;
                    page.take(
                        lane.fresh.iter().filter(|row| held_back(row[3]) == wanted).map(|row| seen(&row)),
                    );
                }
                (Some(PeekState::Delayed), None) => break,
                _ => page.take_runs(&lane.fresh, seen),
            }
        }
        if matches!(state, None | Some(PeekState::Delayed)) {
            for runs in self.delayed.values() {
                page.take_runs(runs, Seen::delayed);
            }
        }
        page.seen.sort_by_key(|seen| seen.sequence);
        page.seen
    }

    /// Those of the messages that are there.
    pub(crate) fn find(&self, sequences: &BTreeSet<u64>) -> Vec<Seen<'_>> {
        let mut found: Vec<Seen<'_>> =
            sequences.iter().filter_map(|one| self.tracked.get_key_value(one).map(Seen::tracked)).collect();
        let lanes = self.lanes.iter().enumerate().filter_map(|(id, lane)| Some((id, lane.as_ref()?)));
        let fresh = lanes.flat_map(|(id, lane)| {
            lane.fresh.with_sequences(sequences).map(move |row| Seen::fresh(&row, id as LaneId))
        });
        let delayed = self.delayed.values().flat_map(|runs| runs.with_sequences(sequences));
        let missing = sequences.len() - found.len();
        found.extend(fresh.chain(delayed.map(|row| Seen::delayed(&row))).take(missing));
        found.sort_by_key(|seen| seen.sequence);
        found
    }

    /// When the oldest message was sent, engine time. Of very many lanes only some are looked at.
    pub(crate) fn oldest_enqueued_ms(&self) -> Option<u64> {
        let lanes = self.lanes_in_use().take(LANES_LOOKED_AT);
        let fresh = lanes.filter_map(|lane| lane.fresh.front().map(|row| row[3]));
        // Dead letters keep their age and come in any order.
        let tracked = self.tracked.values().take(TRACKED_LOOKED_AT).map(|message| message.enqueued_ms);
        let delayed = self.delayed.values().next().and_then(|runs| runs.front().map(|row| row[3]));
        fresh.chain(tracked).chain(delayed).min()
    }
}
