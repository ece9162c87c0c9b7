//! What happens without an answer that would say so: dead letters move, move tasks move, retention ends.

use super::message::Number;
use super::place::{Message, Nonce, Place};
use super::time::Span;
use super::{Auditor, Life};
use bongsu_engine::QueueName;
use std::rc::Rc;

/// A dead-letter queue may have one too, and a task may bring back what then falls out again.
const LONGEST_CHAIN: usize = 4;

impl Auditor {
    /// Adds, for each message, where it may have gone by itself until now.
    pub(crate) fn follow_silent_moves(&mut self) {
        let now = Span::at(self.now_ms);
        for _ in 0..LONGEST_CHAIN {
            let mut found = Vec::new();
            for at in 0..self.queues.len() {
                let queue = &self.queues[at];
                let redrives = queue.settings.iter().any(|settings| settings.redrive.is_some());
                if (redrives || !queue.moving.is_empty()) && !queue.messages.is_empty() {
                    self.moves_out_of(Life(at), now, &mut found);
                }
            }
            let mut news = false;
            for (number, place) in found {
                self.queues[place.life.0].messages.insert(number);
                news |= self.message(number).may_be_at(place);
            }
            if !news {
                return;
            }
        }
    }

    fn moves_out_of(&self, life: Life, now: Span, found: &mut Vec<(Number, Place)>) {
        let queue = &self.queues[life.0];
        let fifo_delay_ms = queue.least_fifo_delay_ms();
        for number in &queue.messages {
            for place in self.messages[*number].places_in(life) {
                // A task looks past the delay of a FIFO queue.
                let visible = place.may_be_visible(now, fifo_delay_ms);
                if visible || queue.is_fifo() && place.hidden_until.may_be_over(now) {
                    for destination in &queue.moving {
                        self.task_moves(*number, place, destination.as_ref(), found);
                    }
                }
                if !visible {
                    continue;
                }
                for settings in &queue.settings {
                    if let Some((target, most)) = &settings.redrive
                        && (place.anyhow || place.receive_count >= *most)
                    {
                        self.dead_letter(*number, place, target, found);
                    }
                }
            }
        }
    }

    fn dead_letter(
        &self,
        number: Number,
        place: &Place,
        target: &QueueName,
        found: &mut Vec<(Number, Place)>,
    ) {
        let from = &self.queues[place.life.0];
        // A FIFO queue's messages get a new age.
        let enqueued = match from.is_fifo() {
            true => since(place),
            false => place.enqueued,
        };
        for to in self.lives(target) {
            let fits = to != place.life && self.queues[to.0].is_fifo() == from.is_fifo();
            if fits && !self.is_known(number, to, Some(&from.name), place.receive_count, enqueued) {
                let moved = Place { source: Some(from.name.clone()), ..place.moved(to, enqueued) };
                found.push((number, moved));
            }
        }
    }

    fn task_moves(
        &self,
        number: Number,
        place: &Place,
        destination: Option<&QueueName>,
        found: &mut Vec<(Number, Place)>,
    ) {
        let Some(target) = destination.or(place.source.as_deref()) else { return };
        let enqueued = since(place);
        for to in self.lives(target) {
            if to != place.life && !self.is_known(number, to, None, 0, enqueued) {
                let moved = Place {
                    source: None,
                    renamed: true,
                    receive_count: 0,
                    first_received_wall_ms: None,
                    ..place.moved(to, enqueued)
                };
                found.push((number, moved));
            }
        }
    }

    /// Whether it is known that the message may have come there so, within that time.
    fn is_known(
        &self,
        number: Number,
        to: Life,
        source: Option<&Rc<QueueName>>,
        receive_count: u32,
        enqueued: Span,
    ) -> bool {
        self.messages[number].places_in(to).any(|place| {
            let so = place.sequence.is_none()
                && place.nonce == Nonce::Never
                && place.receive_count == receive_count
                && place.source.as_ref() == source
                && place.enqueued.join(enqueued) == place.enqueued;
            place.anyhow || so
        })
    }

    /// Whether retention may have ended this message by now.
    pub(crate) fn may_have_expired(&self, message: &Message) -> bool {
        message.places.iter().any(|place| {
            let retention_ms = self.queues[place.life.0].shortest_retention_ms;
            self.clock.may_have_expired(place.enqueued.from + retention_ms, self.now_ms)
        })
    }

    /// Notes it, if so.
    pub(crate) fn check_expiry(&mut self, number: Number) {
        if self.may_have_expired(&self.messages[number]) {
            let message = self.message(number);
            message.may_be_gone = true;
            message.fate = "may have expired";
        }
    }
}

/// A message that moves by itself can have done so at any time since it came back.
fn since(place: &Place) -> Span {
    Span { from: place.hidden_until.from.max(place.enqueued.from), to: u64::MAX }
}
