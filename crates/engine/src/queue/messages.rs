//! Where a queue's messages stand: waiting, delayed, in flight, come back.
//!
//! A message that nobody received is a row in its lane's packed runs (or, delayed, in runs by due time). Once it was
//! received it is tracked on its own until it is removed. Everything here follows from records and from the time
//! handed in; going forward in one step or in many gives the same state.

use super::lane::{Fresh, Key, Lane, Work};
use crate::command::Moved;
use crate::names::BodyRef;
use crate::runs::Runs;
use serde::{Deserialize, Serialize};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Delayed messages become visible together with those due within the same slice, at its end.
const DUE_SLICE_MS: u64 = 50;
/// How many not yet due FIFO groups a receive looks past.
const FIFO_LOOK_AHEAD: usize = 1_000;
const DELAY_BUCKET_MS: u64 = 100;

pub(crate) type LaneId = u32;

/// A message that is followed on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tracked {
    pub(crate) lane: LaneId,
    pub(crate) body: BodyRef,
    pub(crate) enqueued_ms: u64,
    pub(crate) receive_count: u32,
    pub(crate) in_flight: bool,
    /// Of the last receive; 0 where there was none.
    pub(crate) nonce: u64,
    pub(crate) received_ms: u64,
    pub(crate) visible_at_ms: u64,
    pub(crate) first_received_wall_ms: u64,
    /// The receive attempt that it went out with; 0: none.
    pub(crate) attempt: u64,
    pub(crate) moved: Option<Arc<Moved>>,
}

/// What is told of a message that was handed out.
#[derive(Clone, Debug)]
pub(crate) struct Handed {
    pub(crate) body: BodyRef,
    pub(crate) nonce: u64,
    pub(crate) receive_count: u32,
    pub(crate) first_received_wall_ms: u64,
    pub(crate) moved: Option<Arc<Moved>>,
}

/// The message that would be handed out next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) sequence: u64,
    pub(crate) lane: LaneId,
    pub(crate) enqueued_ms: u64,
    pub(crate) receive_count: u32,
}

/// A receive of one message, as it is applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    pub(crate) nonce: u64,
    pub(crate) at_ms: u64,
    pub(crate) visible_at_ms: u64,
    pub(crate) wall_ms: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Messages {
    fifo: bool,
    pub(super) lanes: Vec<Option<Lane>>,
    free_lanes: Vec<LaneId>,
    pub(super) tracked: BTreeMap<u64, Tracked>,
    /// By the end of the due slice: sequence, position, length, enqueued, due, lane.
    pub(super) delayed: BTreeMap<u64, Runs<6>>,
    /// FIFO: how many were sent in each slice of the last minutes, to count those that the queue's delay holds back.
    recent: VecDeque<(u64, u64)>,
    work: Work,
    in_flight: u64,
    waiting_delayed: u64,
    visible: u64,
    #[serde(skip)]
    by_group: BTreeMap<Arc<str>, LaneId>,
    /// The lane of what has no group.
    #[serde(skip)]
    ungrouped: Option<LaneId>,
    #[serde(skip)]
    calm: BTreeSet<(u64, u64, LaneId)>,
    #[serde(skip)]
    busy: BTreeSet<(u32, u64, LaneId)>,
    #[serde(skip)]
    deadlines: BTreeSet<(u64, u64)>,
}

impl Messages {
    pub(crate) fn new(fifo: bool) -> Self {
        Self { fifo, ..Self::default() }
    }

    /// A copy without what [`Messages::rebuild`] makes.
    pub(super) fn frozen(&self) -> Self {
        Self {
            fifo: self.fifo,
            lanes: self.lanes.clone(),
            free_lanes: self.free_lanes.clone(),
            tracked: self.tracked.clone(),
            delayed: self.delayed.clone(),
            recent: self.recent.clone(),
            work: self.work.clone(),
            in_flight: self.in_flight,
            waiting_delayed: self.waiting_delayed,
            visible: self.visible,
            ..Self::default()
        }
    }

    /// Makes anew what follows from the rest, after loading a snapshot.
    pub(crate) fn rebuild(&mut self) {
        for id in 0..self.lanes.len() {
            if let Some(lane) = &self.lanes[id] {
                match lane.group.clone() {
                    Some(group) => _ = self.by_group.insert(group, id as LaneId),
                    None => self.ungrouped = Some(id as LaneId),
                }
                self.refresh(id as LaneId);
            }
        }
        let in_flight = self.tracked.iter().filter(|(_, message)| message.in_flight);
        self.deadlines = in_flight.map(|(sequence, message)| (message.visible_at_ms, *sequence)).collect();
    }

    // --- Numbers ---------------------------------------------------------------------------------------------------

    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// (visible, delayed); on FIFO queues the queue's delay decides.
    pub(crate) fn visible_and_delayed(&self, now_ms: u64, fifo_delay_ms: u64) -> (u64, u64) {
        if !self.fifo || fifo_delay_ms == 0 {
            return (self.visible, self.waiting_delayed);
        }
        let held_back = self.recent.iter().filter(|(sent_ms, _)| sent_ms + fifo_delay_ms > now_ms);
        let delayed = held_back.map(|(_, count)| count).sum::<u64>().min(self.visible);
        (self.visible - delayed, delayed)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.visible == 0 && self.in_flight == 0 && self.waiting_delayed == 0
    }

    pub(crate) fn tracked(&self, sequence: u64) -> Option<&Tracked> {
        self.tracked.get(&sequence)
    }

    pub(crate) fn tracked_mut(&mut self, sequence: u64) -> Option<&mut Tracked> {
        self.tracked.get_mut(&sequence)
    }

    pub(crate) fn group_of(&self, lane: LaneId) -> Option<Arc<str>> {
        self.lane(lane)?.group.clone()
    }

    /// The next time at which something becomes visible by itself.
    pub(crate) fn next_change_ms(&self, now_ms: u64, fifo_delay_ms: u64) -> Option<u64> {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let due = self.delayed.keys().next().copied();
        let held_back = |(_, _, lane): &(u64, u64, LaneId)| {
            let row = self.lane(*lane)?.fresh.front()?;
            Some((row[3] + fifo_delay_ms).max(now_ms + 1))
        };
        let groups = self.calm.iter().take(if self.fifo && fifo_delay_ms > 0 { FIFO_LOOK_AHEAD } else { 0 });
        let fifo_due = groups.filter_map(held_back).min();
        [deadline, due, fifo_due].into_iter().flatten().min()
    }

    // --- Coming in -------------------------------------------------------------------------------------------------

    pub(crate) fn admit(
        &mut self,
        group: Option<&str>,
        sequence: u64,
        body: BodyRef,
        enqueued_ms: u64,
        due_ms: u64,
    ) {
        let id = self.lane_for(group);
        let row: Fresh = [sequence, body.position, u64::from(body.len), enqueued_ms];
        let delayed = due_ms > enqueued_ms && !self.fifo;
        let Some(lane) = self.lane_mut(id) else { return };
        if lane.is_empty() {
            lane.free_since_ms = enqueued_ms;
        }
        lane.last_sent_ms = lane.last_sent_ms.max(enqueued_ms);
        if delayed {
            lane.delayed += 1;
            self.waiting_delayed += 1;
            let slice = due_ms.div_ceil(DUE_SLICE_MS) * DUE_SLICE_MS;
            let [a, b, c, d] = row;
            self.delayed.entry(slice).or_default().push_back([a, b, c, d, due_ms, u64::from(id)]);
            return;
        }
        lane.fresh.push_back(row);
        self.visible += 1;
        if self.fifo {
            self.count_recent(enqueued_ms);
        }
        self.refresh(id);
    }

    pub(crate) fn arrive(&mut self, group: Option<&str>, sequence: u64, mut message: Tracked) {
        let arrived_ms = message.enqueued_ms;
        let id = self.lane_for(group);
        message.lane = id;
        self.tracked.insert(sequence, message);
        if let Some(lane) = self.lane_mut(id) {
            if lane.is_empty() {
                lane.free_since_ms = arrived_ms;
            }
            lane.returned.insert(sequence);
        }
        self.visible += 1;
        self.refresh(id);
    }

    // --- Time ------------------------------------------------------------------------------------------------------

    /// Brings back what timed out and releases what is due by `now_ms`.
    pub(crate) fn advance(&mut self, now_ms: u64) {
        while let Some((_, sequence)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now_ms) {
            self.come_back(sequence);
        }
        while let Some(slice) = self.delayed.first_entry().filter(|slice| *slice.key() <= now_ms) {
            let mut rows: Vec<[u64; 6]> = slice.remove().iter().collect();
            rows.sort_by_key(|row| (row[4], row[0]));
            rows.into_iter().for_each(|row| self.release(row));
        }
        while self.recent.front().is_some_and(|(sent_ms, _)| sent_ms + 900_000 + DELAY_BUCKET_MS <= now_ms) {
            self.recent.pop_front();
        }
    }

    fn release(&mut self, [sequence, position, len, enqueued_ms, _, lane]: [u64; 6]) {
        let id = lane as LaneId;
        if let Some(lane) = self.lane_mut(id) {
            lane.delayed -= 1;
            lane.fresh.push_back([sequence, position, len, enqueued_ms]);
            self.waiting_delayed -= 1;
            self.visible += 1;
            self.refresh(id);
        }
    }

    /// A message in flight is visible again (its timeout is over).
    fn come_back(&mut self, sequence: u64) {
        let Some(message) = self.tracked.get_mut(&sequence).filter(|message| message.in_flight) else {
            return;
        };
        message.in_flight = false;
        let (id, at_ms, spent_ms) =
            (message.lane, message.visible_at_ms, message.visible_at_ms.saturating_sub(message.received_ms));
        self.deadlines.remove(&(at_ms, sequence));
        self.end_flight(id, sequence, at_ms, spent_ms);
        if let Some(lane) = self.lane_mut(id) {
            lane.returned.insert(sequence);
        }
        self.visible += 1;
        self.refresh(id);
    }

    fn end_flight(&mut self, id: LaneId, sequence: u64, at_ms: u64, spent_ms: u64) {
        self.in_flight -= 1;
        self.work.add(at_ms, spent_ms);
        if let Some(lane) = self.lane_mut(id) {
            lane.in_flight -= 1;
            lane.held.remove(&sequence);
            lane.work.add(at_ms, spent_ms);
            // A moment later than what was sent in the same millisecond: it had its turn.
            lane.free_since_ms = lane.free_since_ms.max(at_ms + 1);
        }
    }

    // --- Going out -------------------------------------------------------------------------------------------------

    /// The message to hand out next: on FIFO queues the head of the oldest free group, else of the tenant whose turn it is.
    pub(crate) fn candidate(&self, now_ms: u64, fifo_delay_ms: u64) -> Option<Candidate> {
        if self.fifo {
            let groups = self.calm.iter().take(FIFO_LOOK_AHEAD);
            return groups.filter_map(|(.., lane)| self.head_of(*lane)).find(|head| {
                head.enqueued_ms + fifo_delay_ms <= now_ms || head.receive_count > 0 || self.is_tracked(head)
            });
        }
        self.head_of(self.fair_choice(now_ms)?)
    }

    /// The next of the same FIFO group within one receive, as long as it lies before `barrier`.
    pub(crate) fn next_in_group(
        &self,
        lane: LaneId,
        barrier: u64,
        now_ms: u64,
        delay_ms: u64,
    ) -> Option<Candidate> {
        let head = self.head_of(lane)?;
        let due = head.enqueued_ms + delay_ms <= now_ms || self.is_tracked(&head);
        (due && head.sequence < barrier).then_some(head)
    }

    /// The first message in flight of a FIFO group: what comes later must wait.
    pub(crate) fn barrier(&self, lane: LaneId) -> u64 {
        self.lane(lane).and_then(|lane| lane.held.first().copied()).unwrap_or(u64::MAX)
    }

    /// A visible message with a sequence lower than `below`, the oldest of those looked at; move tasks go by it.
    pub(crate) fn oldest(&self, below: u64) -> Option<Candidate> {
        let calm = self.calm.iter().find(|(_, head, _)| *head < below).map(|(_, head, lane)| (*head, *lane));
        let busy = self.busy.iter().map(|(_, head, lane)| (*head, *lane)).min();
        let (head, lane) = [calm, busy].into_iter().flatten().min()?;
        self.head_of(lane).filter(|_| head < below)
    }

    fn is_tracked(&self, head: &Candidate) -> bool {
        self.tracked.contains_key(&head.sequence)
    }

    fn head_of(&self, id: LaneId) -> Option<Candidate> {
        let lane = self.lane(id)?;
        let fresh = lane.fresh.front().filter(|row| lane.returned.first().is_none_or(|back| row[0] < *back));
        if let Some(row) = fresh {
            return Some(Candidate { sequence: row[0], lane: id, enqueued_ms: row[3], receive_count: 0 });
        }
        let sequence = *lane.returned.first()?;
        let message = self.tracked.get(&sequence)?;
        let (enqueued_ms, receive_count) = (message.enqueued_ms, message.receive_count);
        Some(Candidate { sequence, lane: id, enqueued_ms, receive_count })
    }

    /// Quiet tenants first, the one with the oldest head; among noisy ones that with the fewest in flight.
    fn fair_choice(&self, now_ms: u64) -> Option<LaneId> {
        if self.calm.len() + self.busy.len() == 1 {
            return self.calm.first().map(|(.., lane)| *lane).or(self.busy.first().map(|(.., lane)| *lane));
        }
        let noisy = |lane: LaneId| {
            self.lane(lane).is_some_and(|lane| lane.is_noisy(self.in_flight, &self.work, now_ms))
        };
        // A share above a tenth can be held by nine tenants at most, so these walks are short.
        let calm = self.calm.iter().find(|(.., lane)| !noisy(*lane)).map(|(_, head, lane)| (*head, *lane));
        let busy = self.busy.first().filter(|(.., lane)| !noisy(*lane)).map(|(_, head, lane)| (*head, *lane));
        let quiet = [calm, busy].into_iter().flatten().min();
        let fewest = || {
            let calm = self
                .calm
                .iter()
                .take(10)
                .filter_map(|(_, head, lane)| Some((self.lane(*lane)?.in_flight, *head, *lane)));
            calm.chain(self.busy.first().copied()).min().map(|(.., lane)| lane)
        };
        quiet.map(|(_, lane)| lane).or_else(fewest)
    }

    /// Hands a message out; says where it lies. `None` where there is no such message.
    pub(crate) fn pick(&mut self, sequence: u64, id: LaneId, pick: Pick) -> Option<Handed> {
        let front = self.lane(id).and_then(|lane| lane.fresh.front()).filter(|row| row[0] == sequence);
        // Most messages are received once and in order.
        if let Some(row) = front.copied()
            && let Entry::Vacant(place) = self.tracked.entry(sequence)
        {
            let message = Tracked::fresh(id, &row).taken(pick);
            let handed = message.handed();
            place.insert(message);
            self.lane_mut(id)?.fresh.pop_front();
            self.hide(sequence, id, pick.visible_at_ms);
            return Some(handed);
        }
        self.pick_any(sequence, id, pick)
    }

    /// [`Messages::pick`] of a message that was received before, or lies behind others.
    fn pick_any(&mut self, sequence: u64, id: LaneId, pick: Pick) -> Option<Handed> {
        self.settle(sequence, pick.at_ms);
        let message = match self.tracked.get(&sequence) {
            Some(message) if message.in_flight => return None,
            Some(message) => message.clone(),
            None => Tracked::fresh(id, &self.lane_mut(id)?.fresh.remove(sequence)?),
        };
        let message = message.taken(pick);
        let handed = message.handed();
        self.tracked.insert(sequence, message);
        self.hide(sequence, id, pick.visible_at_ms);
        Some(handed)
    }

    /// A visible message, which is tracked by now, is in flight.
    fn hide(&mut self, sequence: u64, id: LaneId, visible_at_ms: u64) {
        self.visible -= 1;
        self.deadlines.insert((visible_at_ms, sequence));
        self.start_flight(id, sequence);
    }

    /// In replay a message may not have been advanced to where it stood when the record was made; now it is.
    fn settle(&mut self, sequence: u64, at_ms: u64) {
        let over = |message: &Tracked| message.in_flight && message.visible_at_ms <= at_ms;
        if self.tracked.get(&sequence).is_some_and(over) {
            self.come_back(sequence);
        }
    }

    /// A received message is to come back at another time; one that is visible again is hidden anew.
    pub(crate) fn set_deadline(&mut self, sequence: u64, at_ms: u64, visible_at_ms: u64) -> bool {
        self.settle(sequence, at_ms);
        let Some(message) = self.tracked.get_mut(&sequence) else { return false };
        let id = message.lane;
        self.deadlines.remove(&(message.visible_at_ms, sequence));
        self.deadlines.insert((visible_at_ms, sequence));
        message.visible_at_ms = visible_at_ms;
        if !std::mem::replace(&mut message.in_flight, true) {
            self.visible -= 1;
            self.start_flight(id, sequence);
        }
        true
    }

    fn start_flight(&mut self, id: LaneId, sequence: u64) {
        self.in_flight += 1;
        let fifo = self.fifo;
        if let Some(lane) = self.lane_mut(id) {
            lane.returned.remove(&sequence);
            lane.in_flight += 1;
            if fifo {
                lane.held.insert(sequence);
            }
        }
        self.refresh(id);
    }

    /// Takes a message out; says what it was.
    pub(crate) fn remove(&mut self, sequence: u64, id: LaneId, at_ms: u64) -> Option<Tracked> {
        let held = |message: &Tracked| message.in_flight && message.visible_at_ms > at_ms;
        let message = match self.tracked.entry(sequence) {
            Entry::Occupied(place) if held(place.get()) => {
                let message = place.remove();
                self.deadlines.remove(&(message.visible_at_ms, sequence));
                self.end_flight(id, sequence, at_ms, at_ms.saturating_sub(message.received_ms));
                message
            }
            Entry::Occupied(_) => {
                self.settle(sequence, at_ms);
                if let Some(lane) = self.lane_mut(id) {
                    lane.returned.remove(&sequence);
                }
                self.visible -= 1;
                self.tracked.remove(&sequence)?
            }
            Entry::Vacant(_) => match self.lane_mut(id)?.fresh.remove(sequence) {
                Some(row) => {
                    self.visible -= 1;
                    self.forget_recent(row[3]);
                    Tracked::fresh(id, &row)
                }
                None => self.remove_delayed(sequence)?,
            },
        };
        self.refresh(id);
        Some(message)
    }

    /// One of those that a FIFO queue's delay may still hold back is gone.
    fn forget_recent(&mut self, enqueued_ms: u64) {
        let slice_ms = enqueued_ms.div_ceil(DELAY_BUCKET_MS) * DELAY_BUCKET_MS;
        if let Ok(at) = self.recent.binary_search_by_key(&slice_ms, |(sent_ms, _)| *sent_ms)
            && let Some((_, count)) = self.recent.get_mut(at)
        {
            *count = count.saturating_sub(1);
        }
    }

    /// Nobody receives, and so deletes, what is delayed; it is removed only where its bytes are lost, or by an operator.
    fn remove_delayed(&mut self, sequence: u64) -> Option<Tracked> {
        let found = self.delayed.iter_mut().find_map(|(slice, runs)| Some((*slice, runs.remove(sequence)?)));
        let (slice, [sequence, position, len, enqueued_ms, _, lane]) = found?;
        if self.delayed.get(&slice).is_some_and(|runs| runs.len() == 0) {
            self.delayed.remove(&slice);
        }
        let id = lane as LaneId;
        self.lane_mut(id)?.delayed -= 1;
        self.waiting_delayed -= 1;
        Some(Tracked::fresh(id, &[sequence, position, len, enqueued_ms]))
    }

    // --- Upkeep ----------------------------------------------------------------------------------------------------

    /// Messages older than `enqueued_before_ms`, of a few lanes and tracked ones from where the last look ended.
    pub(crate) fn expired(&self, before_ms: u64, cursor: &mut (u64, u64), most: usize) -> Vec<(u64, LaneId)> {
        let mut found = Vec::new();
        let lanes = self.lanes.len().max(1);
        for step in 0..lanes.min(256) {
            let id = (cursor.0 as usize + step) % lanes;
            let Some(Some(lane)) = self.lanes.get(id) else { continue };
            let old = lane.fresh.iter().take(most).take_while(|row| row[3] < before_ms);
            found.extend(old.map(|row| (row[0], id as LaneId)));
        }
        cursor.0 = (cursor.0 + lanes.min(256) as u64) % lanes as u64;
        let mut looked = self.tracked.range(cursor.1..).take(1_000);
        cursor.1 = 0;
        for (count, (sequence, message)) in looked.by_ref().enumerate() {
            if message.enqueued_ms < before_ms {
                found.push((*sequence, message.lane));
            }
            if count == 999 {
                cursor.1 = sequence + 1;
            }
        }
        found.truncate(most);
        found
    }

    /// Calls `found(sequence, body)` for each message whose bytes lie in `from..to`.
    pub(crate) fn in_range(&self, from: u64, to: u64, found: &mut impl FnMut(u64, BodyRef)) {
        for lane in self.lanes.iter().flatten() {
            lane.fresh.in_range(from, to, &mut |row| found(row[0], body_of(row[1], row[2])));
        }
        for runs in self.delayed.values() {
            runs.in_range(from, to, &mut |row| found(row[0], body_of(row[1], row[2])));
        }
        for (sequence, message) in &self.tracked {
            if (from..to).contains(&message.body.position) {
                found(*sequence, message.body);
            }
        }
    }

    /// Notes that bytes were copied: `moved` maps (sequence, old position) to the new one.
    pub(crate) fn relocate(&mut self, moved: &BTreeMap<(u64, u64), u64>) {
        let positions = moved.keys().map(|(_, position)| *position);
        let (Some(from), Some(to)) = (positions.clone().min(), positions.max()) else { return };
        let mut new = |sequence: u64, position: u64| moved.get(&(sequence, position)).copied();
        for lane in self.lanes.iter_mut().flatten() {
            lane.fresh.relocate(from, to + 1, &mut new);
        }
        for runs in self.delayed.values_mut() {
            runs.relocate(from, to + 1, &mut new);
        }
        for ((sequence, position), to) in moved {
            if let Some(message) = self.tracked.get_mut(sequence).filter(|m| m.body.position == *position) {
                message.body.position = *to;
            }
        }
    }

    /// Whether this message's bytes still lie there.
    pub(crate) fn lies_at(&self, moved: &mut BTreeSet<(u64, u64)>) {
        let positions: Vec<u64> = moved.iter().map(|(_, position)| *position).collect();
        let (Some(from), Some(to)) = (positions.iter().min(), positions.iter().max()) else { return };
        let mut here = BTreeSet::new();
        self.in_range(*from, to + 1, &mut |sequence, body| _ = here.insert((sequence, body.position)));
        moved.retain(|one| here.contains(one));
    }

    /// Every message's bytes.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = BodyRef> + '_ {
        let fresh =
            self.lanes.iter().flatten().flat_map(|lane| lane.fresh.iter()).map(|row| body_of(row[1], row[2]));
        let delayed = self.delayed.values().flat_map(Runs::iter).map(|row| body_of(row[1], row[2]));
        fresh.chain(delayed).chain(self.tracked.values().map(|message| message.body))
    }

    /// Takes up to about `most` messages out, wherever they are, to give their bytes back bit by bit.
    pub(crate) fn drain_bodies(&mut self, most: usize, found: &mut impl FnMut(BodyRef)) -> bool {
        let mut left = most;
        while left > 0 {
            if let Some((_, message)) = self.tracked.pop_first() {
                found(message.body);
            } else if let Some(mut slice) = self.delayed.first_entry() {
                match slice.get_mut().pop_front() {
                    Some(row) => found(body_of(row[1], row[2])),
                    None => _ = slice.remove(),
                }
            } else if let Some(lane) = self.lanes.last_mut() {
                match lane.as_mut().and_then(|lane| lane.fresh.pop_front()) {
                    Some(row) => found(body_of(row[1], row[2])),
                    None => _ = self.lanes.pop(),
                }
            } else {
                return false;
            }
            left -= 1;
        }
        true
    }

    /// Those of the messages that are there, each with its lane.
    pub(crate) fn lanes_of(&self, sequences: &BTreeSet<u64>) -> Vec<(u64, LaneId)> {
        let mut found: Vec<(u64, LaneId)> = self
            .tracked
            .iter()
            .filter(|(sequence, _)| sequences.contains(sequence))
            .map(|(sequence, message)| (*sequence, message.lane))
            .collect();
        for (id, lane) in self.lanes.iter().enumerate() {
            let fresh = lane.iter().flat_map(|lane| lane.fresh.iter()).map(|row| row[0]);
            found.extend(fresh.filter(|one| sequences.contains(one)).map(|one| (one, id as LaneId)));
        }
        let delayed = self.delayed.values().flat_map(Runs::iter);
        let delayed = delayed.filter(|row| sequences.contains(&row[0]));
        found.extend(delayed.map(|row| (row[0], row[5] as LaneId)));
        found.sort_unstable();
        found
    }

    /// The message that is next of its lane.
    pub(crate) fn head(&self, message: &Candidate) -> Option<Tracked> {
        let waiting = || {
            let row = self.lane(message.lane)?.fresh.front().filter(|row| row[0] == message.sequence)?;
            Some(Tracked::fresh(message.lane, row))
        };
        self.tracked(message.sequence).cloned().or_else(waiting)
    }

    /// Asserts that the counts equal the sum of the states, and the indexes what they index.
    #[cfg(test)]
    pub(crate) fn verify(&self) {
        let lanes: Vec<&Lane> = self.lanes.iter().flatten().collect();
        assert_eq!(self.visible, lanes.iter().map(|lane| lane.visible() as u64).sum::<u64>());
        assert_eq!(self.in_flight, lanes.iter().map(|lane| u64::from(lane.in_flight)).sum::<u64>());
        assert_eq!(self.in_flight, self.tracked.values().filter(|m| m.in_flight).count() as u64);
        assert_eq!(self.in_flight, self.deadlines.len() as u64);
        assert_eq!(self.waiting_delayed, self.delayed.values().map(|runs| runs.len() as u64).sum::<u64>());
        assert_eq!(self.waiting_delayed, lanes.iter().map(|lane| u64::from(lane.delayed)).sum::<u64>());
        assert_eq!(self.by_group.len() + usize::from(self.ungrouped.is_some()), lanes.len());
        let mut again = self.clone();
        (again.calm, again.busy, again.by_group, again.ungrouped) = Default::default();
        again.lanes.iter_mut().flatten().for_each(|lane| lane.key = None);
        again.rebuild();
        assert_eq!(*self, again);
    }

    // --- Lanes -----------------------------------------------------------------------------------------------------

    fn lane(&self, id: LaneId) -> Option<&Lane> {
        self.lanes.get(id as usize)?.as_ref()
    }

    /// The lanes that have something in them.
    pub(super) fn lanes_in_use(&self) -> impl Iterator<Item = &Lane> {
        self.by_group.values().chain(self.ungrouped.as_ref()).filter_map(|id| self.lane(*id))
    }

    fn lane_mut(&mut self, id: LaneId) -> Option<&mut Lane> {
        self.lanes.get_mut(id as usize)?.as_mut()
    }

    fn lane_for(&mut self, group: Option<&str>) -> LaneId {
        let known = match group {
            Some(group) => self.by_group.get(group).copied(),
            None => self.ungrouped,
        };
        if let Some(id) = known {
            return id;
        }
        let group: Option<Arc<str>> = group.map(Arc::from);
        let lane = Lane { group: group.clone(), ..Lane::default() };
        let id = match self.free_lanes.pop() {
            Some(id) => id,
            None => {
                self.lanes.push(None);
                (self.lanes.len() - 1) as LaneId
            }
        };
        self.lanes[id as usize] = Some(lane);
        match group {
            Some(group) => _ = self.by_group.insert(group, id),
            None => self.ungrouped = Some(id),
        }
        id
    }

    /// Puts a lane where it belongs among those with something to hand out, or gives it up when it is empty.
    fn refresh(&mut self, id: LaneId) {
        let Some(Some(lane)) = self.lanes.get_mut(id as usize) else { return };
        let wanted = lane.wanted_key(self.fifo);
        if wanted != lane.key {
            match std::mem::replace(&mut lane.key, wanted) {
                Some(Key::Calm(turn, head)) => _ = self.calm.remove(&(turn, head, id)),
                Some(Key::Busy(count, head)) => _ = self.busy.remove(&(count, head, id)),
                None => {}
            }
            match wanted {
                Some(Key::Calm(turn, head)) => _ = self.calm.insert((turn, head, id)),
                Some(Key::Busy(count, head)) => _ = self.busy.insert((count, head, id)),
                None => {}
            }
        }
        if lane.is_empty() {
            match &lane.group {
                Some(group) => _ = self.by_group.remove(group),
                None => self.ungrouped = None,
            }
            self.lanes[id as usize] = None;
            self.free_lanes.push(id);
        }
    }

    fn count_recent(&mut self, sent_ms: u64) {
        let bucket = sent_ms.div_ceil(DELAY_BUCKET_MS) * DELAY_BUCKET_MS;
        match self.recent.back_mut() {
            Some((last, count)) if *last == bucket => *count += 1,
            _ => self.recent.push_back((bucket, 1)),
        }
    }
}

impl Tracked {
    pub(super) fn fresh(lane: LaneId, row: &Fresh) -> Self {
        Self {
            lane,
            body: body_of(row[1], row[2]),
            enqueued_ms: row[3],
            receive_count: 0,
            in_flight: false,
            nonce: 0,
            received_ms: 0,
            visible_at_ms: 0,
            first_received_wall_ms: 0,
            attempt: 0,
            moved: None,
        }
    }

    /// The same, received once more.
    fn taken(mut self, pick: Pick) -> Self {
        self.in_flight = true;
        self.receive_count = self.receive_count.saturating_add(1);
        self.nonce = pick.nonce;
        self.received_ms = pick.at_ms;
        self.visible_at_ms = pick.visible_at_ms;
        self.attempt = 0;
        if self.first_received_wall_ms == 0 {
            self.first_received_wall_ms = pick.wall_ms;
        }
        self
    }

    /// What its receiver is told.
    pub(crate) fn handed(&self) -> Handed {
        Handed {
            body: self.body,
            nonce: self.nonce,
            receive_count: self.receive_count,
            first_received_wall_ms: self.first_received_wall_ms,
            moved: self.moved.clone(),
        }
    }
}

pub(super) fn body_of(position: u64, len: u64) -> BodyRef {
    BodyRef { position, len: len as u32 }
}
