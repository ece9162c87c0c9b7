//! Looking: counters must equal the sum of states, a look at all messages must find each one where it must be.

use super::message::{Content, Number};
use super::place::{Place, States};
use super::time::Span;
use super::{Auditor, Life, Verdict, broken};
use bongsu_engine::{Description, PeekState, Peeked, QueueName};

/// At least so many, at most so many.
#[derive(Clone, Copy, Debug, Default)]
struct Bounds {
    least: u64,
    most: u64,
}

impl Bounds {
    fn count(&mut self, may: bool, surely: bool) {
        self.most += u64::from(may);
        self.least += u64::from(may && surely);
    }

    fn plus(self, other: Self) -> Self {
        Self { least: self.least + other.least, most: self.most + other.most }
    }

    fn hold(self, count: u64) -> bool {
        (self.least..=self.most).contains(&count)
    }
}

impl Auditor {
    pub(crate) fn counted(&mut self, now: Span, name: &QueueName, found: &Description) -> Verdict {
        let Some(life) = self.life(name) else { return Ok(()) };
        let queue = &self.queues[life.0];
        let fifo_delay_ms = queue.fifo_delay_ms();
        let (mut visible, mut in_flight, mut delayed) =
            (Bounds::default(), Bounds::default(), Bounds::default());
        let mut all = Bounds::default();
        for number in &queue.messages {
            let message = &self.messages[*number];
            let states = message
                .places_in(life)
                .map(|place| place.states(now, fifo_delay_ms))
                .fold(States::default(), States::or);
            let here = message.is_surely_in(life) && !self.may_have_expired(message);
            visible.count(states.visible, here && states.is_one());
            in_flight.count(states.in_flight, here && states.is_one());
            delayed.count(states.delayed, here && states.is_one());
            all.count(true, here);
        }
        let estimated = queue.is_fifo() && queue.had_delay;
        let fits = if estimated {
            visible.plus(delayed).hold(found.visible + found.delayed)
        } else {
            visible.hold(found.visible) && delayed.hold(found.delayed)
        };
        if fits
            && in_flight.hold(found.in_flight)
            && all.hold(found.visible + found.in_flight + found.delayed)
        {
            return Ok(());
        }
        broken(format!(
            "{} counts {} visible, {} in flight, {} delayed at {now:?}; known are {visible:?}, {in_flight:?}, {delayed:?}, \
             in all {all:?}",
            name.name, found.visible, found.in_flight, found.delayed
        ))
    }

    /// A look at messages; `all`: at every one that is there.
    pub(crate) fn peeked(
        &mut self,
        now: Span,
        name: &QueueName,
        seen: &[Peeked],
        contents: &[Content],
        all: bool,
    ) -> Verdict {
        let Some(life) = self.life(name) else { return Ok(()) };
        let mut numbers = Vec::new();
        for (peeked, content) in seen.iter().zip(contents) {
            let Some(number) = self.identify(life, peeked.sequence, *content)? else { continue };
            self.see(now, life, number, peeked)?;
            numbers.push(number);
        }
        if all {
            self.check_all_seen(life, &numbers)?;
            self.check_survivors(life, &numbers)?;
        }
        Ok(())
    }

    fn see(&mut self, now: Span, life: Life, number: Number, peeked: &Peeked) -> Verdict {
        let fifo_delay_ms = self.queues[life.0].fifo_delay_ms();
        let moved = peeked.moved.as_deref();
        let source = moved.and_then(|moved| moved.dead_letter_source.as_ref());
        let renamed = moved.is_some_and(|moved| moved.message_id.is_some());
        let fits = |place: &Place| {
            let states = place.states(now, fifo_delay_ms);
            let in_state = match peeked.state {
                PeekState::Visible => states.visible,
                PeekState::InFlight => states.in_flight,
                PeekState::Delayed => states.delayed,
            };
            let as_known = place.sequence.is_none_or(|sequence| sequence == peeked.sequence)
                && place.receive_count == peeked.receive_count
                && place.first_received_wall_ms.is_none_or(|ms| ms == peeked.first_received_wall_ms)
                && (source == place.source.as_deref() && renamed == place.renamed)
                && in_state;
            place.life == life && (place.anyhow || as_known)
        };
        if !self.messages[number].places.iter().any(fits) {
            return Err(self.explain(number, &format!("was seen in {:?} as {peeked:?}", self.name(life))));
        }
        let message = self.message(number);
        message.places.retain(fits);
        message.may_be_gone = false;
        for place in &mut message.places {
            if place.anyhow {
                place.start_over(now, peeked);
            }
            place.sequence = Some(peeked.sequence);
            if peeked.receive_count > 0 {
                place.first_received_wall_ms = Some(peeked.first_received_wall_ms);
            }
            let hidden = &mut place.hidden_until;
            match peeked.state {
                PeekState::InFlight => hidden.from = hidden.from.max(now.from + 1),
                PeekState::Visible => hidden.to = hidden.to.min(now.to),
                PeekState::Delayed => {}
            }
        }
        let queue = &mut self.queues[life.0];
        queue.last_sequence = queue.last_sequence.max(peeked.sequence);
        Ok(())
    }

    fn check_all_seen(&mut self, life: Life, seen: &[Number]) -> Verdict {
        let numbers: Vec<Number> = self.queues[life.0].messages.iter().copied().collect();
        for number in numbers.into_iter().filter(|number| !seen.contains(number)) {
            self.check_expiry(number);
            self.message(number).places.retain(|place| place.life != life);
            self.queues[life.0].messages.remove(&number);
            let name = self.name(life).to_owned();
            self.check_somewhere(number, &format!("is not in {name} any more, and nothing took it out"))?;
        }
        Ok(())
    }

    // --- Lists -----------------------------------------------------------------------------------------------------

    /// Queues by name: each must be there that is certain to be, and no other.
    pub(crate) fn listed(
        &self,
        expected: &[&QueueName],
        names: &[QueueName],
        more: bool,
        limit: usize,
    ) -> Verdict {
        let cut: Vec<&QueueName> = expected.iter().copied().take(limit).collect();
        if names.iter().collect::<Vec<_>>() == cut && more == (expected.len() > limit) {
            return Ok(());
        }
        broken(format!("a list has {names:?} (more: {more}), not {expected:?}"))
    }

    pub(crate) fn queues_listed(
        &self,
        (region, prefix, after): (&str, &str, Option<&str>),
        limit: usize,
        names: &[QueueName],
        more: bool,
    ) -> Verdict {
        let fits = |name: &QueueName| {
            name.region == region
                && name.name.starts_with(prefix)
                && after.is_none_or(|after| name.name.as_str() > after)
        };
        let known = self.names.iter().filter(|(name, known)| known.life.is_some() && fits(name));
        let expected: Vec<&QueueName> = known.map(|(name, _)| name).collect();
        self.listed(&expected, names, more, limit)
    }

    pub(crate) fn sources_listed(
        &self,
        target: &QueueName,
        after: Option<&str>,
        limit: usize,
        names: &[QueueName],
        more: bool,
    ) -> Verdict {
        let names_it = |life: &Life| {
            let redrive = &self.queues[life.0].now().redrive;
            redrive.as_ref().is_some_and(|(named, _)| named == target)
        };
        let known = self.names.iter().filter(|(name, known)| {
            known.life.as_ref().is_some_and(names_it) && after.is_none_or(|after| name.name.as_str() > after)
        });
        let expected: Vec<&QueueName> = known.map(|(name, _)| name).collect();
        self.listed(&expected, names, more, limit)
    }
}
