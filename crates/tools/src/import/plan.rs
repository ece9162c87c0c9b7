//! What is to be made, whatever it was read from.

use super::super::queue::attributes::{Attributes, redrive_policy};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    file: Rc<str>,
    line: u32,
}

impl Place {
    /// Lines are counted from 1.
    pub(crate) fn new(file: &Rc<str>, line: u32) -> Self {
        Self { file: file.clone(), line }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file, self.line)
    }
}

/// A queue to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// Without the redrive policy, which names another queue.
    pub(crate) attributes: Attributes,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) dead_letters: Option<DeadLettersTo>,
}

/// Where a planned queue's dead letters go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeadLettersTo {
    /// The queue's name; its ARN depends on where all this is made.
    pub(crate) name: String,
    pub(crate) max_receives: u64,
}

impl Planned {
    pub(crate) fn new(name: &str, place: Place) -> Self {
        let mut attributes = Attributes::new();
        if name.ends_with(".fifo") {
            attributes.insert("FifoQueue".to_owned(), "true".to_owned());
        }
        Self { name: name.to_owned(), place, attributes, tags: BTreeMap::new(), dead_letters: None }
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }

    /// All attributes, with the redrive policy as it is where queues' ARNs begin so (`arn:aws:sqs:REGION:ACCOUNT`).
    pub(crate) fn whole(&self, arn_prefix: &str) -> Attributes {
        let mut attributes = self.attributes.clone();
        if let Some(dead) = &self.dead_letters {
            let arn = format!("{arn_prefix}:{}", dead.name);
            attributes.insert("RedrivePolicy".to_owned(), redrive_policy(&arn, dead.max_receives));
        }
        attributes
    }
}

/// Something to say about what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) place: Place,
    /// Whether something is lost by it; otherwise it is only good to know.
    pub(crate) is_loss: bool,
    pub(crate) text: String,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// In the order of the files.
    pub(crate) queues: Vec<Planned>,
    pub(crate) notes: Vec<Note>,
    /// The region and the account that the file has for its queues.
    pub(crate) region: Option<String>,
    pub(crate) account: Option<String>,
}

impl Plan {
    /// Something that is not taken over.
    pub(crate) fn lose(&mut self, place: &Place, text: impl Into<String>) {
        self.notes.push(Note { place: place.clone(), is_loss: true, text: text.into() });
    }

    /// Something good to know.
    pub(crate) fn tell(&mut self, place: &Place, text: impl Into<String>) {
        self.notes.push(Note { place: place.clone(), is_loss: false, text: text.into() });
    }

    pub(crate) fn find(&mut self, name: &str) -> Option<&mut Planned> {
        self.queues.iter_mut().find(|queue| queue.name == name)
    }

    /// Adds a queue; of two with the same name the later one counts.
    pub(crate) fn add(&mut self, queue: Planned) {
        let place = queue.place.clone();
        match self.queues.iter_mut().find(|known| known.name == queue.name) {
            None => self.queues.push(queue),
            Some(known) if *known == (Planned { place: known.place.clone(), ..queue.clone() }) => {}
            Some(known) => {
                let text = format!("{} was there before ({}); this counts", queue.name, known.place);
                *known = queue;
                self.tell(&place, text);
            }
        }
    }

    /// All of another plan.
    pub(crate) fn extend(&mut self, other: Self) {
        other.queues.into_iter().for_each(|queue| self.add(queue));
        self.notes.extend(other.notes);
        self.region = self.region.take().or(other.region);
        self.account = self.account.take().or(other.account);
    }

    /// Gives each dead-letter queue the name that it has in the plan, and plans those that nobody declares.
    pub(crate) fn complete(&mut self) {
        let mut missing: Vec<Planned> = Vec::new();
        let names: Vec<_> = self.queues.iter().map(|queue| queue.name.clone()).collect();
        for queue in &mut self.queues {
            let is_fifo = queue.is_fifo();
            let Some(dead) = &mut queue.dead_letters else { continue };
            if is_fifo && !dead.name.ends_with(".fifo") {
                dead.name.push_str(".fifo");
            }
            if !names.contains(&dead.name) && !missing.iter().any(|known| known.name == dead.name) {
                missing.push(Planned::new(&dead.name, queue.place.clone()));
            }
        }
        for queue in missing {
            let text = format!("{} takes dead letters and is not declared; it is planned too", queue.name);
            self.tell(&queue.place.clone(), text);
            self.queues.push(queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DeadLettersTo, Place, Plan, Planned};
    use std::rc::Rc;

    fn place(line: u32) -> Place {
        Place::new(&Rc::from("f"), line)
    }

    #[test]
    fn dead_letter_queues_that_nobody_declares_are_planned() {
        let mut plan = Plan::default();
        for (line, name, dead) in [(1, "a", "d"), (2, "b.fifo", "e"), (3, "c", "d")] {
            let mut queue = Planned::new(name, place(line));
            queue.dead_letters = Some(DeadLettersTo { name: dead.to_owned(), max_receives: 3 });
            plan.add(queue);
        }
        plan.complete();
        let names: Vec<_> = plan.queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!(names, ["a", "b.fifo", "c", "d", "e.fifo"]);
        assert_eq!(plan.notes.len(), 2);
        let whole = plan.queues[1].whole("arn:aws:sqs:r:1");
        assert_eq!(
            whole["RedrivePolicy"],
            r#"{"deadLetterTargetArn":"arn:aws:sqs:r:1:e.fifo","maxReceiveCount":3}"#
        );
        assert_eq!(plan.queues[4].attributes["FifoQueue"], "true");
    }

    #[test]
    fn of_two_queues_of_a_name_the_later_counts() {
        let mut plan = Plan::default();
        plan.add(Planned::new("a", place(1)));
        plan.add(Planned::new("a", place(2)));
        assert!(plan.notes.is_empty(), "the two are the same");
        let mut other = Planned::new("a", place(3));
        other.attributes.insert("DelaySeconds".into(), "1".into());
        plan.add(other.clone());
        assert_eq!((plan.queues, plan.notes.len()), (vec![other], 1));
    }
}
