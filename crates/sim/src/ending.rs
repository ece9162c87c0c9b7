//! How a seed ends: everything is healed, space comes down to what lives, the store is started once more, and all
//! queues are drained.

use crate::auditor::Verdict;
use crate::faults::Crash;
use crate::house::House;
use crate::process::Event;
use bongsu_engine::{Command, QueueName, Receive, Reply, StringMap, TaskStatus};
use bongsu_journal::Journal;
use bongsu_node::CallError;

/// Longer than anything can be hidden.
const PATIENCE_MS: u64 = 43_300_000;
/// A queue can be purged, and made anew, only so often.
const COOLDOWN_MS: u64 = 61_000;
/// How often a queue is filled and purged.
const PURGES: usize = 12;
/// By how much segments are larger while the disk is full, and how often it is filled.
const ROOMY: u64 = 10;
const FILLINGS: usize = 2;
/// How long the cleaner has to come down to what lives.
const CLEANING_MS: u64 = 60_000;
/// What snapshots of queues like these may take.
const SNAPSHOT_BYTES: u64 = 100_000;

impl House {
    /// Heals everything, checks the space, starts once more, drains all queues.
    pub(crate) fn end(&mut self) -> Verdict {
        self.quiet = true;
        self.heal();
        self.settle()?;
        self.fill_and_purge()?;
        self.settle()?;
        self.check_space()?;
        self.fill_the_disk_and_drain()?;
        match self.dice.below(3) {
            0 => self.end_process(Crash::Kill),
            1 => self.end_process(Crash::PowerCut(bongsu_journal::testing::Loss::Everything)),
            _ => self.stop(),
        }
        self.settle()?;
        self.drain()
    }

    fn heal(&mut self) {
        self.trace(format_args!("*** everything is healed"));
        self.full = false;
        self.disk.heal();
        self.disk.crash_at(u64::MAX);
        self.disk.set_capacity_bytes(None);
        self.disk.set_cached(true);
        self.heal_rot();
        if let Some(process) = &mut self.process {
            process.journal.trick = None;
        }
        self.in_ms(0, Event::Faster);
    }

    fn stop(&mut self) {
        if let Some(process) = &mut self.process {
            process.stopping = true;
            self.auditor.drains();
            process.partition.drain();
        }
    }

    /// Lets time pass until nothing is under way and the cleaner had its time.
    fn settle(&mut self) -> Verdict {
        let until_ms = self.now_ms + CLEANING_MS;
        loop {
            let busy = self.process.as_ref().is_none_or(|process| process.stopping || process.giving_up)
                || !self.script.is_empty()
                || !self.scripted.is_empty();
            if self.now_ms >= until_ms && !busy {
                return Ok(());
            }
            self.next_event()?;
        }
    }

    /// Fills a queue and empties it, again and again: what is purged must not stay in the log.
    fn fill_and_purge(&mut self) -> Verdict {
        let name = self.workload.scratch_queue();
        let attributes = StringMap::from([("MaximumMessageSize".to_owned(), "1048576".to_owned())]);
        let create = Command::CreateQueue {
            name: name.clone(),
            attributes: attributes.clone(),
            tags: StringMap::new(),
        };
        // It may exist with other attributes, or have been deleted less than a minute ago.
        self.pass_ms(COOLDOWN_MS);
        let _ = self.ask(create)?;
        for command in
            [Command::Describe(name.clone()), Command::SetAttributes { name: name.clone(), attributes }]
        {
            if let Err(error) = self.ask(command)? {
                return Err(format!("{} can't be made ready: {error}", name.name));
            }
        }
        for _ in 0..PURGES {
            let send = self.workload.large_send(&name);
            if let Err(error) = self.ask(send)? {
                return Err(format!("a queue can't be filled: {error}"));
            }
            self.pass_ms(COOLDOWN_MS);
            if let Err(error) = self.ask(Command::PurgeQueue(name.clone()))? {
                return Err(format!("a queue can't be purged: {error}"));
            }
        }
        Ok(())
    }

    /// Lets time pass at one go.
    fn pass_ms(&mut self, ms: u64) {
        self.now_ms += ms;
        self.auditor.pass(self.reading());
    }

    /// The log is kept under twice what lives plus two segments; the active one comes on top.
    fn check_space(&mut self) -> Verdict {
        let Some(process) = &self.process else { return Err("no process".to_owned()) };
        let segments = process.journal.segments();
        let log_bytes: u64 = segments.iter().map(|segment| segment.end.0 - segment.base.0).sum();
        let live_bytes = self.auditor.live_bytes() + self.auditor.document_bytes() + SNAPSHOT_BYTES;
        let limit = 2 * live_bytes + 3 * self.character.segment_bytes;
        if log_bytes > limit {
            let count = segments.len();
            return Err(format!("the log has {log_bytes} bytes in {count} segments, over {limit}"));
        }
        Ok(())
    }

    /// Others fill the disk, clients fill the store, and consume what they sent: then it takes messages again, though nobody
    /// else gave space back.
    fn fill_the_disk_and_drain(&mut self) -> Verdict {
        // What the reserve is for takes segments that are large beside their entries, as those of a server are.
        self.character.segment_bytes *= ROOMY;
        self.end_process(Crash::Kill);
        self.settle()?;
        self.pass_ms(COOLDOWN_MS);
        let name = self.workload.scratch_queue();
        self.ask(Command::PurgeQueue(name.clone()))?.map_err(|error| format!("no purge: {error}"))?;
        // So that what is sent can be received at once.
        self.calm(&name)?;
        let others_leave_bytes = self.dice.below(self.character.segment_bytes);
        self.full = true;
        self.disk.set_capacity_bytes(Some(self.disk.used_bytes() + others_leave_bytes));
        self.trace(format_args!("*** others leave {others_leave_bytes} bytes of the disk"));
        for _ in 0..FILLINGS {
            self.send_until_refused(&name)?;
            let removal = self.workload.removal_of_document();
            self.ask(removal)?.map_err(|error| format!("a document can't be removed: {error}"))?;
            self.empty(&name)?;
            self.settle()?;
            let send = self.workload.large_send(&name);
            if let Err(error) = self.ask(send)? {
                let segments = self.process.as_ref().map(|process| process.journal.segments());
                return Err(format!("what was consumed is not given back: {error}, {segments:?}"));
            }
        }
        self.heal();
        self.settle()
    }

    fn send_until_refused(&mut self, name: &QueueName) -> Verdict {
        for _ in 0..1_000 {
            let send = self.workload.large_send(name);
            match self.ask(send)? {
                Ok(_) => {}
                Err(CallError::Unavailable(_)) => return Ok(()),
                Err(error) => return Err(format!("a queue can't be filled: {error}")),
            }
        }
        Err("a full disk takes message after message".to_owned())
    }

    fn drain(&mut self) -> Verdict {
        let names = self.auditor.names();
        for name in &names {
            self.calm(name)?;
        }
        // Nothing expires meanwhile: retention is two weeks now.
        self.pass_ms(PATIENCE_MS);
        for name in &names {
            self.empty(name)?;
        }
        for name in &names {
            match self.ask(Command::Describe(name.clone()))? {
                Ok(Reply::Description(found)) if found.visible + found.in_flight + found.delayed == 0 => {}
                other => return Err(format!("{} is drained, and says {other:?}", name.name)),
            }
        }
        self.auditor.finished()
    }

    /// Ends move tasks, dead-letter moves and expiry, so that messages stay where they are.
    fn calm(&mut self, name: &QueueName) -> Verdict {
        if let Ok(Reply::Tasks(tasks)) =
            self.ask(Command::ListMoveTasks { source: name.clone(), limit: 10 })?
            && let Some(task) = tasks.iter().find(|task| task.status == TaskStatus::Running)
        {
            // It may end by itself meanwhile.
            let _ = self.ask(Command::CancelMoveTask(task.id))?;
        }
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let attributes = StringMap::from([
            set("RedrivePolicy", ""),
            set("MessageRetentionPeriod", "1209600"),
            set("DelaySeconds", "0"),
        ]);
        match self.ask(Command::SetAttributes { name: name.clone(), attributes })? {
            Ok(Reply::Done) => Ok(()),
            other => Err(format!("attributes of {} can't be set: {other:?}", name.name)),
        }
    }

    fn empty(&mut self, name: &QueueName) -> Verdict {
        loop {
            let receive = Receive {
                name: name.clone(),
                max_messages: 10,
                visibility_timeout_ms: Some(600_000),
                wait_ms: Some(0),
                attempt_id: None,
            };
            let deliveries = match self.ask(Command::Receive(receive))? {
                Ok(Reply::Received(deliveries)) => deliveries,
                other => return Err(format!("{} can't be drained: {other:?}", name.name)),
            };
            if deliveries.is_empty() {
                return Ok(());
            }
            let receipts = deliveries.iter().map(|delivery| delivery.receipt).collect();
            match self.ask(Command::Delete { name: name.clone(), receipts })? {
                Ok(Reply::Each(results)) if results.iter().all(Result::is_ok) => {}
                other => return Err(format!("{} can't be drained: {other:?}", name.name)),
            }
        }
    }
}
