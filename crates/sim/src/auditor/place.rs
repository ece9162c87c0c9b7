//! Where a message may be. As long as it is not known what became of an operation, a message has several places that
//! it may be in; each observation leaves those that agree with it, and none left means that a promise was broken.

use super::Life;
use super::message::Number;
use super::time::Span;
use bongsu_engine::{PeekState, Peeked, QueueName};
use std::ops::{Index, IndexMut};
use std::rc::Rc;

/// Delayed messages become visible together with those due within the same slice, at its end.
const DUE_SLICE_MS: u64 = 50;
/// Nothing is hidden or delayed for longer.
const MAX_HIDDEN_MS: u64 = 43_200_000;

/// Which receive handed a message out last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Nonce {
    /// None.
    Never,
    /// The one whose receipt says this.
    Known(u64),
    /// One whose answer nobody got, under this attempt id.
    Lost(Option<Rc<str>>),
    /// There is no telling.
    Any,
}

/// One place that a message may be in, and how it would stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) life: Life,
    /// `None`: nobody has said yet.
    pub(crate) sequence: Option<u64>,
    pub(crate) receive_count: u32,
    pub(crate) nonce: Nonce,
    pub(crate) received: Span,
    /// When it comes back after its last receive.
    pub(crate) hidden_until: Span,
    /// On standard queues: when its delay is over.
    pub(crate) due: Span,
    pub(crate) enqueued: Span,
    /// No delay applies: it was received, or came from another queue.
    pub(crate) touched: bool,
    /// Wall time of the first receive, once somebody has seen it.
    pub(crate) first_received_wall_ms: Option<u64>,
    /// The queue that it fell out of.
    pub(crate) source: Option<Rc<QueueName>>,
    /// A move task gave it another message id.
    pub(crate) renamed: bool,
    /// Too much may have happened to it to keep account of: it may stand there in any way.
    pub(crate) anyhow: bool,
}

/// With more places than this a message is only known to be in some queue, until it is seen.
const MOST_PLACES: usize = 24;

/// In what state a message may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct States {
    pub(crate) visible: bool,
    pub(crate) in_flight: bool,
    pub(crate) delayed: bool,
}

impl States {
    /// Whether there is no doubt which one.
    pub(crate) fn is_one(self) -> bool {
        u8::from(self.visible) + u8::from(self.in_flight) + u8::from(self.delayed) == 1
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            visible: self.visible || other.visible,
            in_flight: self.in_flight || other.in_flight,
            delayed: self.delayed || other.delayed,
        }
    }
}

impl Place {
    /// Where a message lies that was sent.
    pub(crate) fn sent(life: Life, sequence: Option<u64>, at: Span, delay_ms: u64) -> Self {
        let slice = |ms: u64| if delay_ms == 0 { 0 } else { ms.div_ceil(DUE_SLICE_MS) * DUE_SLICE_MS };
        Self {
            life,
            sequence,
            receive_count: 0,
            nonce: Nonce::Never,
            received: Span::NEVER,
            hidden_until: Span::NEVER,
            due: Span { from: slice(at.from + delay_ms), to: slice(at.to + delay_ms) },
            enqueued: at,
            touched: false,
            first_received_wall_ms: None,
            source: None,
            renamed: false,
            anyhow: false,
        }
    }

    /// Where this message lies after a move to another queue: its bytes stay, its history there begins.
    pub(crate) fn moved(&self, life: Life, enqueued: Span) -> Self {
        Self {
            life,
            sequence: None,
            nonce: Nonce::Never,
            received: Span::NEVER,
            hidden_until: Span::NEVER,
            due: Span::NEVER,
            enqueued,
            touched: true,
            ..self.clone()
        }
    }

    /// When the message's delay is over; `fifo_delay_ms` is that of a FIFO queue.
    fn due(&self, fifo_delay_ms: Option<u64>) -> Span {
        match fifo_delay_ms {
            _ if self.touched => Span::NEVER,
            Some(delay_ms) => self.enqueued.plus(delay_ms),
            None => self.due,
        }
    }

    pub(crate) fn states(&self, now: Span, fifo_delay_ms: Option<u64>) -> States {
        if self.anyhow {
            return States { visible: true, in_flight: true, delayed: true };
        }
        let due = self.due(fifo_delay_ms);
        let over = self.hidden_until.may_be_over(now) && due.may_be_over(now);
        States {
            visible: over,
            in_flight: self.hidden_until.may_lie_ahead(now),
            delayed: due.may_lie_ahead(now),
        }
    }

    pub(crate) fn may_be_visible(&self, now: Span, fifo_delay_ms: Option<u64>) -> bool {
        self.states(now, fifo_delay_ms).visible
    }

    pub(crate) fn is_visible(&self, now: Span, fifo_delay_ms: Option<u64>) -> bool {
        !self.anyhow && self.hidden_until.is_over(now) && self.due(fifo_delay_ms).is_over(now)
    }

    /// All that is known now is what was seen.
    pub(crate) fn start_over(&mut self, now: Span, seen: &Peeked) {
        let moved = seen.moved.as_deref();
        let hidden = Span { from: 0, to: now.to + MAX_HIDDEN_MS };
        // A moment that is over can come again: engine time goes on from the last entry after a restart.
        let over = Span { from: 0, to: now.to };
        *self = Self {
            life: self.life,
            sequence: Some(seen.sequence),
            receive_count: seen.receive_count,
            nonce: Nonce::Any,
            received: Span { from: 0, to: now.to },
            hidden_until: if seen.state == PeekState::InFlight { hidden } else { over },
            due: if seen.state == PeekState::Delayed { hidden } else { over },
            enqueued: Span { from: self.enqueued.from, to: now.to },
            touched: seen.receive_count > 0 || seen.moved.is_some(),
            first_received_wall_ms: None,
            source: moved.and_then(|moved| moved.dead_letter_source.clone()).map(Rc::new),
            renamed: moved.is_some_and(|moved| moved.message_id.is_some()),
            anyhow: false,
        };
    }

    pub(crate) fn was_handed_out_as(&self, nonce: u64) -> bool {
        self.nonce == Nonce::Known(nonce)
    }

    pub(crate) fn may_be_handed_out_as(&self, nonce: u64) -> bool {
        self.nonce == Nonce::Any || self.was_handed_out_as(nonce)
    }

    pub(crate) fn was_lost_under(&self, attempt: &str) -> bool {
        matches!(&self.nonce, Nonce::Lost(Some(lost)) if **lost == *attempt)
    }

    /// The same but for when: then one place with wider spans says as much.
    fn is_like(&self, other: &Self) -> bool {
        if self.anyhow {
            return self.life == other.life;
        }
        self.life == other.life
            && self.sequence == other.sequence
            && self.receive_count == other.receive_count
            && self.nonce == other.nonce
            && self.touched == other.touched
            && self.source == other.source
            && self.renamed == other.renamed
            && self.first_received_wall_ms == other.first_received_wall_ms
    }
}

/// What the auditor knows of one message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) group: Option<String>,
    pub(crate) len: usize,
    pub(crate) places: Vec<Place>,
    /// It may as well be nowhere: never taken in, or gone since.
    pub(crate) may_be_gone: bool,
    /// Why it has no place, for the report.
    pub(crate) fate: &'static str,
    /// Its bytes rotted, or were copied while they were rotten.
    pub(crate) damaged: bool,
}

impl Message {
    pub(crate) fn new(group: Option<String>, len: usize) -> Self {
        Self { group, len, places: Vec::new(), may_be_gone: true, fate: "was never sent", damaged: false }
    }

    /// One more place that it may be in; says whether that is news.
    pub(crate) fn may_be_at(&mut self, place: Place) -> bool {
        match self.places.iter_mut().find(|known| known.is_like(&place)) {
            Some(known) => {
                known.received = known.received.join(place.received);
                known.hidden_until = known.hidden_until.join(place.hidden_until);
                known.due = known.due.join(place.due);
                known.enqueued = known.enqueued.join(place.enqueued);
                false
            }
            None => {
                self.places.push(place);
                if self.places.len() > MOST_PLACES {
                    self.lose_track();
                }
                true
            }
        }
    }

    fn lose_track(&mut self) {
        self.places.sort_by_key(|place| (place.life, place.enqueued.from));
        self.places.dedup_by_key(|place| place.life);
        for place in &mut self.places {
            (place.anyhow, place.sequence) = (true, None);
        }
    }

    /// It is here and nowhere else.
    pub(crate) fn is_at(&mut self, place: Place) {
        self.places.clear();
        self.places.push(place);
        self.may_be_gone = false;
    }

    /// Something ended it wherever `ended` says.
    pub(crate) fn end(&mut self, fate: &'static str, ended: impl Fn(&Place) -> bool) {
        let before = self.places.len();
        self.places.retain(|place| !ended(place));
        if self.places.len() < before {
            self.fate = fate;
            self.may_be_gone = true;
        }
    }

    pub(crate) fn places_in(&self, life: Life) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(move |place| place.life == life)
    }

    /// Whether it is in this queue and nowhere else, for all that is known (expiry aside).
    pub(crate) fn is_surely_in(&self, life: Life) -> bool {
        !self.may_be_gone && !self.places.is_empty() && self.places.iter().all(|place| place.life == life)
    }
}

/// All messages, by their numbers, which count from 1.
#[derive(Debug, Default)]
pub(crate) struct Messages(Vec<Message>);

impl Messages {
    pub(crate) fn insert(&mut self, number: Number, message: Message) {
        let at = number as usize;
        if self.0.len() <= at {
            self.0.resize_with(at + 1, || Message::new(None, 0));
        }
        self.0[at] = message;
    }

    /// The message, if it was ever sent.
    pub(crate) fn get(&self, number: Number) -> Option<&Message> {
        self.0.get(usize::try_from(number).ok()?).filter(|message| message.len > 0)
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = Number> + use<> {
        0..self.0.len() as u64
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.0.iter()
    }
}

impl Index<Number> for Messages {
    type Output = Message;

    fn index(&self, number: Number) -> &Message {
        &self.0[number as usize]
    }
}

impl IndexMut<Number> for Messages {
    fn index_mut(&mut self, number: Number) -> &mut Message {
        &mut self.0[number as usize]
    }
}
