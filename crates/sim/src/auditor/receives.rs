//! Receives, and what holders of receipts do: nothing twice at a time, nothing out of order, nothing after its end.

use super::message::{Content, Number};
use super::place::{Nonce, Place};
use super::sends::WINDOW_MS;
use super::time::Span;
use super::{Auditor, Life, Verdict, broken};
use bongsu_engine::{Delivery, EngineError, QueueName, Receipt, Receive};
use std::collections::BTreeMap;
use std::rc::Rc;

/// SQS's bound on the time from a receive to the end of its visibility timeout.
const MAX_TOTAL_VISIBILITY_MS: u64 = 43_200_000;

/// A receive that named an attempt id.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    id: String,
    at: Span,
    /// `None`: nobody got its answer.
    nonce: Option<u64>,
}

/// One delivery, seen together with what its receive asked for.
struct Seen<'a> {
    life: Life,
    now: Span,
    receive: &'a Receive,
    delivery: &'a Delivery,
    number: Number,
    hidden_until: Span,
}

impl Auditor {
    pub(crate) fn received(
        &mut self,
        now: Span,
        receive: &Receive,
        deliveries: &[Delivery],
        contents: &[Content],
    ) -> Verdict {
        let Some(life) = self.life(&receive.name) else { return Ok(()) };
        let timeout_ms = receive.visibility_timeout_ms.unwrap_or(self.queues[life.0].now().visibility_ms);
        let mut numbers = Vec::new();
        let mut again = false;
        for (delivery, content) in deliveries.iter().zip(contents) {
            let Some(number) = self.identify(life, delivery.receipt.sequence, *content)? else { continue };
            self.learn_id(life, delivery)?;
            let hidden_until = now.plus(timeout_ms);
            let seen = Seen { life, now, receive, delivery, number, hidden_until };
            again = self.deliver(&seen, &numbers)?;
            numbers.push(number);
        }
        // A repeated attempt brings what it brought before, whatever is asked for now.
        if deliveries.len() > receive.max_messages && !again {
            return broken(format!(
                "{} messages where {} were asked for",
                deliveries.len(),
                receive.max_messages
            ));
        }
        if let (Some(id), Some(first)) = (&receive.attempt_id, deliveries.first())
            && !again
        {
            let nonce = Some(first.receipt.nonce);
            self.queues[life.0].attempts.retain(|attempt| attempt.id != *id);
            self.queues[life.0].attempts.push(Attempt { id: id.clone(), at: now, nonce });
        }
        if deliveries.len() < receive.max_messages && !again {
            self.check_nothing_missed(now, life, &numbers)?;
        }
        Ok(())
    }

    /// Which message this is, by its bytes.
    pub(crate) fn identify(
        &mut self,
        life: Life,
        sequence: u64,
        content: Content,
    ) -> Result<Option<Number>, String> {
        match content {
            Content::Intact(number, len) => match self.messages.get(number) {
                Some(message) if message.len == len => Ok(Some(number)),
                Some(_) => Err(format!("message {number} came with {len} bytes, not what was sent")),
                None => Err(format!("message {number} was never sent")),
            },
            // The reader was told: that is all that can be asked for, where the medium did rot.
            Content::Damaged(Some(number))
                if self.messages.get(number).is_some_and(|known| known.damaged) =>
            {
                Ok(Some(number))
            }
            Content::Damaged(_) => {
                let queue = &self.queues[life.0].name.name;
                Err(format!("message {sequence} of {queue} came damaged, and nothing has damaged it"))
            }
        }
    }

    fn learn_id(&mut self, life: Life, delivery: &Delivery) -> Verdict {
        let known = self.queues[life.0].id.get_or_insert(delivery.receipt.queue);
        if *known == delivery.receipt.queue {
            return Ok(());
        }
        broken(format!("a receipt of {} says {:?}", self.queues[life.0].name.name, delivery.receipt.queue))
    }

    /// Says whether the delivery repeats an earlier one.
    fn deliver(&mut self, seen: &Seen<'_>, before: &[Number]) -> Result<bool, String> {
        let Seen { life, now, delivery, number, .. } = *seen;
        self.check_expiry(number);
        let fifo_delay_ms = self.queues[life.0].fifo_delay_ms();
        let fits = |place: &&Place| {
            place.life == life
                && place.sequence.is_none_or(|sequence| sequence == delivery.receipt.sequence)
                && agrees_with(place, delivery)
        };
        let message = &self.messages[number];
        let anew = message
            .places
            .iter()
            .filter(fits)
            .find(|place| {
                place.anyhow
                    || place.receive_count + 1 == delivery.receive_count
                        && place.may_be_visible(now, fifo_delay_ms)
                        && !self.should_have_moved(place)
            })
            .cloned();
        let again = seen.receive.attempt_id.as_ref().and_then(|id| {
            let same = |place: &&Place| {
                place.receive_count == delivery.receive_count
                    && (place.may_be_handed_out_as(delivery.receipt.nonce) || place.was_lost_under(id))
                    && place.hidden_until.may_lie_ahead(now)
            };
            message.places.iter().filter(fits).find(same).cloned()
        });
        let is_again = again.is_some();
        let Some(place) = again.or(anew) else {
            return Err(self.explain(number, &format!("was handed out: {delivery:?} at {now:?}")));
        };
        if !is_again && !self.nonces.insert((delivery.receipt.nonce, delivery.receipt.sequence, life.0)) {
            return Err(self.explain(number, "was handed out under a receipt that was used before"));
        }
        self.check_order(life, number, delivery.receipt.sequence, before)?;
        let received = if is_again { place.received } else { now };
        self.message(number).is_at(Place {
            sequence: Some(delivery.receipt.sequence),
            receive_count: delivery.receive_count,
            nonce: Nonce::Known(delivery.receipt.nonce),
            received,
            hidden_until: seen.hidden_until,
            touched: true,
            first_received_wall_ms: Some(delivery.first_received_wall_ms),
            anyhow: false,
            ..place
        });
        Ok(is_again)
    }

    /// Whether the message ought to lie in a dead-letter queue instead of being handed out here.
    fn should_have_moved(&self, place: &Place) -> bool {
        let queue = &self.queues[place.life.0];
        let [settings] = queue.settings.as_slice() else { return false };
        if place.anyhow {
            return false;
        }
        let Some((target, most)) = &settings.redrive else { return false };
        let takes = self.life(target).is_some_and(|target| target != place.life);
        takes && target.is_fifo() == queue.is_fifo() && place.receive_count >= *most
    }

    /// On a FIFO queue whatever is left of the group before this message holds it up.
    fn check_order(&mut self, life: Life, number: Number, sequence: u64, before: &[Number]) -> Verdict {
        if !self.queues[life.0].is_fifo() {
            return Ok(());
        }
        let group = &self.messages[number].group;
        for other in &self.queues[life.0].messages {
            let message = &self.messages[*other];
            let earlier = |place: &Place| place.sequence.is_some_and(|of_other| of_other < sequence);
            if *other != number
                && message.group == *group
                && message.is_surely_in(life)
                && !before.contains(other)
                && message.places.iter().all(earlier)
                && !self.may_have_expired(message)
            {
                let what = format!("was handed out before {other}, which is earlier in its group");
                return Err(self.explain(number, &what));
            }
        }
        Ok(())
    }

    /// A receive that came back with less than was asked for has left nothing that could be had.
    fn check_nothing_missed(&mut self, now: Span, life: Life, got: &[Number]) -> Verdict {
        if self.draining {
            return Ok(());
        }
        let numbers: Vec<Number> = self.queues[life.0].messages.iter().copied().collect();
        let fifo_delay_ms = self.queues[life.0].fifo_delay_ms();
        let mut heads: BTreeMap<Option<String>, Option<(u64, Number)>> = BTreeMap::new();
        for number in numbers {
            let message = &self.messages[number];
            if got.contains(&number) {
                heads.insert(message.group.clone(), None);
                continue;
            }
            let sure = message.is_surely_in(life) && !self.may_have_expired(message);
            let ready = sure && message.places.iter().all(|place| place.is_visible(now, fifo_delay_ms));
            let dead = message.places.iter().any(|place| self.may_be_dead(place));
            let sequence = message.places.iter().filter_map(|place| place.sequence).min();
            if fifo_delay_ms.is_none() {
                if ready && !dead {
                    return Err(self.explain(number, &format!("was not found by a receive at {now:?}")));
                }
                if ready && dead && self.all_should_have_moved(message, life) {
                    // The search went on to its end, so this one was cleared away.
                    self.message(number).end("moved to a dead-letter queue", |place| place.life == life);
                    let message = self.message(number);
                    message.may_be_gone = message.places.is_empty();
                }
                continue;
            }
            // Of a FIFO group only the first can be had, and only where it is certain which one is first.
            let known = sequence.filter(|_| sure && message.places.len() == 1);
            let head = heads.entry(message.group.clone()).or_insert(Some((u64::MAX, 0)));
            *head = match (known, *head) {
                (Some(sequence), Some(first)) if sequence < first.0 => {
                    Some((sequence, if ready && !dead { number } else { 0 }))
                }
                (Some(_), first) => first,
                (None, _) => None,
            };
        }
        match heads.values().flatten().find(|(_, number)| *number != 0) {
            Some((_, number)) => {
                Err(self.explain(*number, &format!("was not found by a receive at {now:?}")))
            }
            None => Ok(()),
        }
    }

    fn all_should_have_moved(&self, message: &super::place::Message, life: Life) -> bool {
        message.places_in(life).all(|place| self.should_have_moved(place))
    }

    /// Whether the message may have been received too often to be handed out again.
    pub(crate) fn may_be_dead(&self, place: &Place) -> bool {
        let queue = &self.queues[place.life.0];
        place.anyhow
            || queue.settings.iter().any(|settings| {
                settings.redrive.as_ref().is_some_and(|(target, most)| {
                    place.receive_count >= *most && !self.lives(target).is_empty()
                })
            })
    }

    // --- Attempts --------------------------------------------------------------------------------------------------

    /// A receive said that its attempt can't be repeated: then there must have been one.
    pub(crate) fn attempt_refused(&self, now: Span, receive: &Receive) -> Verdict {
        let Some(life) = self.life(&receive.name) else { return Ok(()) };
        let known = |attempt: &Attempt| {
            Some(&attempt.id) == receive.attempt_id.as_ref() && attempt.at.plus(WINDOW_MS).may_lie_ahead(now)
        };
        if self.queues[life.0].attempts.iter().any(known) {
            return Ok(());
        }
        broken(format!("{} refuses an attempt id that nobody used", receive.name.name))
    }

    /// A receive of which nobody knows what it got.
    pub(crate) fn unsure_receive(&mut self, now: Span, receive: &Receive) {
        for life in self.lives(&receive.name) {
            if let Some(id) = &receive.attempt_id {
                let attempt = Attempt { id: id.clone(), at: now, nonce: None };
                self.queues[life.0].attempts.push(attempt);
            }
            let queue = &self.queues[life.0];
            let fifo_delay_ms = queue.least_fifo_delay_ms();
            let timeouts = queue.settings.iter().map(|one| one.visibility_ms);
            let timeouts: Vec<u64> = receive.visibility_timeout_ms.map_or(timeouts.collect(), |ms| vec![ms]);
            let (least, most) = timeouts.iter().fold((u64::MAX, 0), |(a, b), ms| (a.min(*ms), b.max(*ms)));
            let hidden_until = Span { from: now.from + least, to: now.to + most };
            let repeated: Vec<u64> = queue
                .attempts
                .iter()
                .filter(|attempt| Some(&attempt.id) == receive.attempt_id.as_ref())
                .filter_map(|attempt| attempt.nonce)
                .collect();
            let numbers: Vec<Number> = queue.messages.iter().copied().collect();
            let attempt = receive.attempt_id.as_deref().map(Rc::from);
            for number in numbers {
                let here: Vec<Place> = self.messages[number].places_in(life).cloned().collect();
                for place in here {
                    let message = self.message(number);
                    let lost = attempt.as_ref().is_some_and(|id| place.was_lost_under(id));
                    if lost || repeated.iter().any(|nonce| place.may_be_handed_out_as(*nonce)) {
                        message.may_be_at(Place { hidden_until, ..place.clone() });
                    }
                    if place.may_be_visible(now, fifo_delay_ms) {
                        message.may_be_at(Place {
                            receive_count: place.receive_count + 1,
                            nonce: Nonce::Lost(attempt.clone()),
                            received: now,
                            hidden_until,
                            touched: true,
                            ..place
                        });
                    }
                }
            }
        }
    }

    // --- Receipts --------------------------------------------------------------------------------------------------

    pub(crate) fn deleted(
        &mut self,
        now: Span,
        name: &QueueName,
        receipt: &Receipt,
        result: &Result<(), EngineError>,
    ) -> Verdict {
        let Some(life) = self.life(name) else { return Ok(()) };
        if let Some(verdict) = self.check_owner(life, receipt, result.as_ref().err()) {
            return verdict;
        }
        let fifo = self.queues[life.0].is_fifo();
        let Some(number) = self.find(life, receipt.sequence) else { return Ok(()) };
        self.check_expiry(number);
        match result {
            Ok(()) => {
                let message = &self.messages[number];
                let current = |place: &Place| place.may_be_handed_out_as(receipt.nonce);
                let same = |place: &Place| place.sequence == Some(receipt.sequence) && !current(place);
                if fifo && message.is_surely_in(life) && message.places.iter().all(same) {
                    return Err(self.explain(number, "was deleted with a receipt that is not the last one"));
                }
                let mine = |place: &Place| {
                    place.sequence == Some(receipt.sequence)
                        && place.life == life
                        && place.was_handed_out_as(receipt.nonce)
                };
                self.message(number).end("was deleted", mine);
                if self.messages[number].places_in(life).any(|place| place.nonce == Nonce::Any) {
                    self.message(number).may_be_gone = true;
                    self.message(number).fate = "may have been deleted";
                }
                // On a FIFO queue an old receipt would have been refused, had the message been there.
                if fifo {
                    let here = |place: &Place| place.life == life && place.sequence == Some(receipt.sequence);
                    self.message(number).end("was deleted", here);
                }
                Ok(())
            }
            Err(EngineError::ReceiptExpired) if fifo => {
                let in_flight = |place: &Place| {
                    place.life == life
                        && place.was_handed_out_as(receipt.nonce)
                        && !place.hidden_until.may_be_over(now)
                };
                self.message(number).places.retain(|place| !in_flight(place));
                self.check_somewhere(number, "could not be deleted while it was in flight")
            }
            Err(error) => Err(self.explain(number, &format!("could not be deleted: {error}"))),
        }
    }

    pub(crate) fn visibility_changed(
        &mut self,
        now: Span,
        name: &QueueName,
        (receipt, timeout_ms): (&Receipt, u64),
        result: &Result<(), EngineError>,
    ) -> Verdict {
        let Some(life) = self.life(name) else { return Ok(()) };
        if let Some(verdict) = self.check_owner(life, receipt, result.as_ref().err()) {
            return verdict;
        }
        let fifo = self.queues[life.0].is_fifo();
        let Some(number) = self.find(life, receipt.sequence) else {
            let gone = matches!(result, Err(EngineError::MessageNotAvailable));
            return if gone {
                Ok(())
            } else {
                broken(format!("{receipt:?} is of no message, but: {result:?}"))
            };
        };
        // What one command hides for no time at all is still in flight for the rest of that command.
        let in_flight =
            |place: &Place| place.may_be_handed_out_as(receipt.nonce) && place.hidden_until.to >= now.from;
        let of_receipt = |place: &Place| place.life == life && place.sequence == Some(receipt.sequence);
        let usable = |place: &Place| of_receipt(place) && place.touched && (!fifo || in_flight(place));
        self.check_expiry(number);
        let surely_usable = |place: &Place| {
            place.nonce != Nonce::Any && usable(place) && (!fifo || !place.hidden_until.may_be_over(now))
        };
        let message = self.message(number);
        match result {
            Ok(()) => {
                message.places.retain(usable);
                message.may_be_gone = false;
                for place in &mut message.places {
                    place.hidden_until = now.plus(timeout_ms);
                }
            }
            Err(EngineError::MessageNotAvailable) => message.places.retain(|place| !surely_usable(place)),
            Err(EngineError::VisibilityBeyondLimit) => {
                let beyond = |place: &Place| {
                    of_receipt(place) && now.to + timeout_ms > place.received.from + MAX_TOTAL_VISIBILITY_MS
                };
                message.places.retain(beyond);
                message.may_be_gone = false;
            }
            Err(error) => return Err(self.explain(number, &format!("could not be hidden: {error}"))),
        }
        self.check_somewhere(number, &format!("is known otherwise than a visibility change says: {result:?}"))
    }

    /// A receipt of another queue, or of another life of this one, is refused.
    fn check_owner(&self, life: Life, receipt: &Receipt, error: Option<&EngineError>) -> Option<Verdict> {
        let refused = matches!(error, Some(EngineError::ReceiptOfOtherQueue));
        let own = self.queues[life.0].id.map(|id| id == receipt.queue);
        match own {
            Some(own) if own == refused => {
                Some(broken(format!("{receipt:?} at {}: {error:?}", self.queues[life.0].name.name)))
            }
            _ if refused => Some(Ok(())),
            _ => None,
        }
    }

    /// The message that may have this sequence number in this queue.
    pub(crate) fn find(&self, life: Life, sequence: u64) -> Option<Number> {
        let here = |number: &&Number| {
            self.messages[**number].places_in(life).any(|place| place.sequence == Some(sequence))
        };
        self.queues[life.0].messages.iter().find(here).copied()
    }

    pub(crate) fn unsure_delete(&mut self, name: &QueueName, receipts: &[Receipt]) {
        for life in self.lives(name) {
            let numbers: Vec<Number> = self.queues[life.0].messages.iter().copied().collect();
            for number in numbers {
                let message = self.message(number);
                if message.places_in(life).any(|place| place.anyhow) {
                    message.may_be_gone = true;
                }
            }
            for receipt in receipts {
                let Some(number) = self.find(life, receipt.sequence) else { continue };
                let message = self.message(number);
                if message.places_in(life).any(|place| place.may_be_handed_out_as(receipt.nonce)) {
                    message.may_be_gone = true;
                    message.fate = "may have been deleted";
                }
            }
        }
    }

    pub(crate) fn unsure_visibility(&mut self, now: Span, name: &QueueName, changes: &[(Receipt, u64)]) {
        for life in self.lives(name) {
            for (receipt, timeout_ms) in changes {
                let Some(number) = self.find(life, receipt.sequence) else { continue };
                let here: Vec<Place> = self.messages[number].places_in(life).cloned().collect();
                for place in here.into_iter().filter(|place| place.touched) {
                    let hidden_until = now.plus(*timeout_ms);
                    self.message(number).may_be_at(Place { hidden_until, ..place });
                }
            }
        }
    }
}

/// Whether what a delivery says of the message's past is what is known of this place.
fn agrees_with(place: &Place, delivery: &Delivery) -> bool {
    let moved = delivery.moved.as_deref();
    let source = moved.and_then(|moved| moved.dead_letter_source.as_ref());
    let first = place.first_received_wall_ms;
    let as_known = source == place.source.as_deref()
        && moved.is_some_and(|moved| moved.message_id.is_some()) == place.renamed
        && first.is_none_or(|first_ms| first_ms == delivery.first_received_wall_ms);
    place.anyhow || as_known
}
