//! The house: one store on one machine, with its clients, its faults and its auditor, as a loop over simulated time.

use crate::auditor::{Auditor, Verdict};
use crate::faults::{self, Crash, Rot, Strike};
use crate::history::History;
use crate::journal::Trick;
use crate::message::{self, Content};
use crate::process::{Client, Event, Process, Told, Work};
use crate::random::Dice;
use crate::workload::{self, Workload};
use bongsu_engine::{BodyRef, Command, QueueId, Relocation, Reply};
use bongsu_journal::testing::{SimDisk, Step};
use bongsu_journal::{AppendError, Journal, Position};
use bongsu_node::{CallError, Output, Reading};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;

const EIO: i32 = 5;
/// Where the wall clock begins.
const WALL_START_MS: u64 = 1_700_000_000_000;
/// A seed that takes more events than this does not come to an end.
const MOST_EVENTS: u64 = 2_000_000;
/// The header of a segment's file, which is no part of the log.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 4_096;
/// The least that a seed is made of.
const LEAST_COMMANDS: u64 = 2_000;
const LEAST_CRASHES: u64 = 5;

/// What a seed is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Character {
    pub(crate) segment_bytes: u64,
    pub(crate) checkpoint_bytes: u64,
    pub(crate) slice_bytes: usize,
    pub(crate) secret: [u8; 32],
    /// How long the disk takes, ms at most.
    disk_ms: u64,
    /// How long clients wait between calls, ms at most.
    gap_ms: u64,
    /// Whether batches stay open for a moment.
    gathers: bool,
}

pub(crate) struct House {
    pub(crate) dice: Dice,
    pub(crate) history: History,
    pub(crate) character: Character,
    /// The monotonic clock.
    pub(crate) now_ms: u64,
    wall_offset_ms: i64,
    pub(crate) disk: SimDisk,
    pub(crate) dir: PathBuf,
    pub(crate) process: Option<Process>,
    pub(crate) processes: u64,
    events: BTreeMap<(u64, u64), Event>,
    event_count: u64,
    pub(crate) workload: Workload,
    pub(crate) auditor: Auditor,
    pub(crate) agenda: VecDeque<(u64, Strike)>,
    pub(crate) crash: Crash,
    pub(crate) rots: Vec<Rot>,
    pub(crate) full: bool,
    slow: bool,
    /// The last entry that is known to be durable.
    last_entry: Position,
    commands: u64,
    pub(crate) crashes: u64,
    last_call: u64,
    pub(crate) calls: BTreeMap<u64, Rc<Command>>,
    /// A look at everything, after a start, before clients go on.
    pub(crate) script: VecDeque<Command>,
    pub(crate) scripted: BTreeSet<u64>,
    /// No clients any more but the one that ends the seed.
    pub(crate) quiet: bool,
    awaited: Option<u64>,
    answer: Option<Result<Reply, CallError>>,
    /// What the answer's messages were.
    pub(crate) answer_contents: Vec<Content>,
}

impl House {
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let mut secret = [0; 32];
        secret.iter_mut().for_each(|byte| *byte = dice.next() as u8);
        let character = Character {
            segment_bytes: dice.pick(&[210_000, 230_000, 300_000]),
            checkpoint_bytes: dice.pick(&[15_000, 40_000, 120_000, 400_000]),
            slice_bytes: dice.pick(&[1_500, 6_000, 40_000]),
            secret,
            disk_ms: dice.pick(&[2, 6, 20]),
            gap_ms: dice.pick(&[2, 8, 8, 30]),
            gathers: dice.permille(500),
        };
        let agenda_commands = LEAST_COMMANDS - 50;
        let agenda = faults::agenda(&mut dice, agenda_commands, character.segment_bytes);
        let workload = Workload::new(dice.fork());
        let crash = faults::crash(&mut dice);
        let mut house = Self {
            dice,
            history: History::new(traced),
            character,
            now_ms: 1_000,
            wall_offset_ms: WALL_START_MS.cast_signed(),
            disk: SimDisk::new(),
            dir: PathBuf::from("/store"),
            process: None,
            processes: 0,
            events: BTreeMap::new(),
            event_count: 0,
            workload,
            auditor: Auditor::default(),
            agenda: agenda.into(),
            crash,
            rots: Vec::new(),
            full: false,
            slow: false,
            last_entry: Position::ZERO,
            commands: 0,
            crashes: 0,
            last_call: 0,
            calls: BTreeMap::new(),
            script: VecDeque::new(),
            scripted: BTreeSet::new(),
            quiet: false,
            awaited: None,
            answer: None,
            answer_contents: Vec::new(),
        };
        house.in_ms(0, Event::Start);
        house
    }

    pub(crate) fn into_history(self) -> History {
        self.history
    }

    /// Lives until the seed has had its commands and crashes, and then through the ending.
    pub(crate) fn live(&mut self) -> Verdict {
        while self.commands < LEAST_COMMANDS || self.crashes < LEAST_CRASHES || !self.agenda.is_empty() {
            self.next_event()?;
        }
        self.end()
    }

    pub(crate) fn reading(&self) -> Reading {
        let wall_ms = (self.now_ms.cast_signed() + self.wall_offset_ms).cast_unsigned();
        Reading { monotonic_ms: self.now_ms, wall_ms }
    }

    /// Lets something happen later.
    pub(crate) fn in_ms(&mut self, ms: u64, event: Event) {
        self.event_count += 1;
        self.events.insert((self.now_ms + ms, self.event_count), event);
    }

    pub(crate) fn trace(&mut self, line: std::fmt::Arguments<'_>) {
        self.history.line(self.now_ms, line);
    }

    /// Goes on to the next event, or to when the partition wants to be woken.
    pub(crate) fn next_event(&mut self) -> Verdict {
        if self.event_count > MOST_EVENTS {
            return Err("nothing comes to an end".to_owned());
        }
        self.event_count += 1;
        let reading = self.reading();
        let wake_ms = self.process.as_mut().map(|process| reading.monotonic_ms + process.wake_in_ms(reading));
        let event_ms = self.events.first_key_value().map(|((at_ms, _), _)| *at_ms);
        let Some(at_ms) = [wake_ms, event_ms].into_iter().flatten().min() else {
            return Err("nothing is going to happen any more".to_owned());
        };
        self.now_ms = self.now_ms.max(at_ms);
        self.auditor.pass(self.reading());
        if event_ms == Some(at_ms)
            && let Some((_, event)) = self.events.pop_first()
        {
            self.happen(event)?;
        }
        self.after_event()
    }

    fn happen(&mut self, event: Event) -> Verdict {
        let current = self.process.as_ref().map(|process| process.number);
        match event {
            Event::Call(number) if current == Some(number) => self.call_some()?,
            Event::Act(number) if current == Some(number) => self.act()?,
            Event::Tell(number, told) if current == Some(number) => self.tell(told)?,
            Event::Encode(number, entity, frozen) if current == Some(number) => {
                if let Some(process) = &mut self.process {
                    process.partition.encoded(entity, frozen.encode());
                }
            }
            Event::Read(number, queue, bodies) if current == Some(number) => self.copy(queue, bodies),
            Event::LateRead(number, pin, body, expected) if current == Some(number) => {
                let bytes = pin.read(Position(body.position), body.len);
                if bytes.as_ref().ok() != Some(&expected) && !self.is_rotten(body) {
                    return Err(format!("what was held at {body:?} reads {bytes:?} later"));
                }
            }
            Event::Abandon(gone) => gone.set(true),
            Event::GiveUp(number) if current == Some(number) => {
                let how = if self.dice.permille(700) { Crash::Kill } else { faults::crash(&mut self.dice) };
                self.end_process(how);
            }
            Event::Start => self.start()?,
            Event::SpaceBack => {
                self.full = false;
                self.disk.set_capacity_bytes(None);
                self.trace(format_args!("the disk has space again"));
            }
            Event::Faster => self.slow = false,
            _ => {}
        }
        Ok(())
    }

    /// What the partition's thread does after each message.
    fn after_event(&mut self) -> Verdict {
        let reading = self.reading();
        let Some(process) = &mut self.process else { return Ok(()) };
        process.step(reading, !self.quiet && self.character.gathers && self.dice.permille(600));
        self.perform(None)?;
        self.look_after_process()
    }

    fn look_after_process(&mut self) -> Verdict {
        let Some(process) = &mut self.process else { return Ok(()) };
        if let Some(reason) = process.partition.failure() {
            if !process.excused {
                return Err(format!("the partition failed for no reason: {reason}"));
            }
            if !process.giving_up {
                process.giving_up = true;
                let number = process.number;
                let ms = self.dice.below(2_000);
                self.in_ms(ms, Event::GiveUp(number));
            }
        } else if process.stopping && process.is_at_rest() {
            return self.close();
        }
        if let Some(process) = &mut self.process
            && !process.acting
            && !process.work.is_empty()
        {
            process.acting = true;
            let number = process.number;
            let ms = self.disk_ms();
            self.in_ms(ms, Event::Act(number));
        }
        Ok(())
    }

    fn disk_ms(&mut self) -> u64 {
        if self.slow { self.dice.between(50, 1_500) } else { self.dice.below(self.character.disk_ms + 1) }
    }

    // --- Clients ---------------------------------------------------------------------------------------------------

    fn call_some(&mut self) -> Verdict {
        let Some(process) = &self.process else { return Ok(()) };
        let number = process.number;
        if process.stopping || self.quiet && self.script.is_empty() {
            return Ok(());
        }
        let some = if self.dice.permille(300) { self.dice.between(2, 6) } else { 1 };
        for _ in 0..some {
            if let Some(command) = self.script.pop_front() {
                let call = self.call(command, None);
                self.scripted.insert(call);
            } else if self.scripted.is_empty() && !self.quiet {
                self.strike_when_due()?;
                if self.process.as_ref().is_none_or(|process| process.number != number || process.stopping) {
                    return Ok(());
                }
                let command = self.workload.command();
                let patience_ms = self.dice.permille(100).then(|| self.dice.below(3_000));
                self.call(command, patience_ms);
            }
        }
        let gap_ms = match self.dice.below(1_000) {
            0..2 if self.script.is_empty() => self.dice.between(20_000, 400_000),
            2..42 => self.dice.between(200, 4_000),
            _ => self.dice.below(self.character.gap_ms + 1),
        };
        self.in_ms(gap_ms, Event::Call(number));
        Ok(())
    }

    /// One client calls; after `patience_ms` it goes away.
    pub(crate) fn call(&mut self, command: Command, patience_ms: Option<u64>) -> u64 {
        self.last_call += 1;
        self.commands += 1;
        let call = self.last_call;
        self.history.command(workload::command_name(&command));
        self.history.line(self.now_ms, format_args!("call {call}: {}", Brief(&command)));
        let kept = Rc::new(workload::without_bytes(&command));
        self.auditor.called(call, kept.clone());
        self.calls.insert(call, kept);
        let gone = Rc::new(Cell::new(false));
        if let Some(ms) = patience_ms
            && matches!(command, Command::Receive(_))
        {
            self.in_ms(ms, Event::Abandon(gone.clone()));
        }
        let reading = self.reading();
        if let Some(process) = &mut self.process {
            process.partition.call(reading, Client { call, gone }, command);
        }
        call
    }

    /// Calls, and lets everything go on until the answer is there.
    pub(crate) fn ask(&mut self, command: Command) -> Result<Result<Reply, CallError>, String> {
        self.answer = None;
        self.awaited = Some(self.last_call + 1);
        let number = self.process.as_ref().map(|process| process.number);
        self.call(command, None);
        self.after_event()?;
        while self.answer.is_none() {
            self.next_event()?;
            if self.process.as_ref().map(|process| process.number) != number {
                return Err("the process ended while nothing was wrong".to_owned());
            }
        }
        self.awaited = None;
        self.answer.take().ok_or_else(|| "no answer".to_owned())
    }

    // --- What the partition wants done -----------------------------------------------------------------------------

    /// Does it; `entry_ms` is the stamp of the entry that just became durable.
    fn perform(&mut self, entry_ms: Option<u64>) -> Verdict {
        let Some(process) = &mut self.process else { return Ok(()) };
        let number = process.number;
        for output in process.partition.take_outputs() {
            match output {
                Output::Reply(client, result) => self.reply(&client, &result, entry_ms)?,
                Output::Append { expected, stamp, payload } => {
                    self.history.number(expected.0);
                    self.history.number(stamp.time_ms);
                    self.history.number(stamp.mark);
                    self.history.bytes(&payload);
                    let len = payload.len();
                    self.trace(format_args!("  append {len} bytes at {expected}, {stamp:?}"));
                    self.queue_work(Work::Append { expected, stamp, payload });
                }
                Output::DeleteSegment(base) => {
                    self.history.number(base.0);
                    self.trace(format_args!("  delete the segment at {base}"));
                    self.queue_work(Work::Delete(base));
                }
                Output::Roll { needed_bytes, kept_bytes } => {
                    self.history.number(needed_bytes);
                    self.trace(format_args!("  begin a segment with {needed_bytes} bytes of room"));
                    self.queue_work(Work::Roll(needed_bytes, kept_bytes));
                }
                Output::Encode(entity, frozen) => {
                    let ms = self.dice.below(40);
                    self.in_ms(ms, Event::Encode(number, entity, frozen));
                }
                Output::Read(queue, bodies) => {
                    let ms = self.dice.below(40);
                    self.in_ms(ms, Event::Read(number, queue, bodies));
                }
            }
        }
        Ok(())
    }

    fn queue_work(&mut self, work: Work) {
        if let Some(process) = &mut self.process {
            process.work.push_back(work);
        }
    }

    fn reply(
        &mut self,
        client: &Client,
        result: &Result<Reply, CallError>,
        entry_ms: Option<u64>,
    ) -> Verdict {
        let call = client.call;
        let Some(command) = self.calls.remove(&call) else {
            return Err(format!("call {call} was answered twice"));
        };
        self.history.reply(workload::reply_name(result));
        self.hash_reply(call, result);
        let bodies: Vec<BodyRef> = match result {
            Ok(Reply::Received(messages)) => messages.iter().map(|message| message.body).collect(),
            Ok(Reply::Peeked(messages)) => messages.iter().map(|message| message.body).collect(),
            _ => Vec::new(),
        };
        let contents = bodies.into_iter().map(|body| self.content(body)).collect::<Result<Vec<_>, _>>()?;
        match result {
            Ok(Reply::Documents { documents, more, version }) => {
                let seen = documents.iter().map(|found| (&found.collection, &found.name, found.version));
                let seen: Vec<_> = seen.collect();
                self.trace(format_args!("  answer {call}: at version {version} {seen:?}, more: {more}"));
            }
            _ => self.trace(format_args!("  answer {call}: {result:?} {contents:?}")),
        }
        self.auditor.answered(call, entry_ms, result, &contents).map_err(|why| {
            format!("{why}\n  call {call}: {}\n  answer: {}", Brief(&command), short(result))
        })?;
        if !client.gone.get() {
            self.workload.learn(&command, result);
        }
        if self.scripted.remove(&call) && self.scripted.is_empty() && self.script.is_empty() {
            self.workload.recount(self.auditor.waiting());
        }
        if self.awaited == Some(call) {
            self.answer = Some(result.clone());
            self.answer_contents = contents;
        }
        Ok(())
    }

    fn hash_reply(&mut self, call: u64, result: &Result<Reply, CallError>) {
        let history = &mut self.history;
        history.number(call);
        history.bytes(workload::reply_name(result).as_bytes());
        match result {
            Ok(Reply::Received(messages)) => {
                for message in messages {
                    history.number(message.receipt.sequence);
                    history.number(message.receipt.nonce);
                    history.number(message.body.position);
                    history.number(u64::from(message.receive_count));
                }
            }
            Ok(Reply::Sent(results)) => {
                results.iter().flatten().for_each(|sent| history.number(sent.sequence));
            }
            Ok(Reply::Description(found)) => {
                let counts = [found.visible, found.in_flight, found.delayed];
                counts.into_iter().for_each(|count| history.number(count));
            }
            Ok(Reply::Peeked(messages)) => {
                messages.iter().for_each(|message| history.number(message.body.position));
            }
            Ok(Reply::DocumentsChanged { versions }) => {
                versions.iter().for_each(|version| history.number(*version));
            }
            Ok(Reply::Documents { documents, version, .. }) => {
                history.number(*version);
                for document in documents {
                    history.number(document.version);
                    history.bytes(&document.body);
                }
            }
            _ => {}
        }
    }

    /// The message in an answer, as a client will read it. Some read it much later.
    fn content(&mut self, body: BodyRef) -> Result<Content, String> {
        let Some(process) = &self.process else { return Err("no process".to_owned()) };
        let number = process.number;
        let Some((pin, bytes)) = process.pin(body) else {
            return Err(format!("a message's bytes at {body:?} are missing from the journal"));
        };
        let content = message::read(&bytes);
        if let Content::Damaged(Some(number)) = content
            && self.is_rotten(body)
        {
            self.history.fault("damaged message noticed by its reader");
            self.auditor.damaged(number);
        }
        if self.dice.permille(30) {
            let ms = self.dice.below(5_000);
            self.in_ms(ms, Event::LateRead(number, pin, body, bytes));
        }
        Ok(content)
    }

    /// Whether the medium has rotted within these bytes, now or at some time.
    fn is_rotten(&self, body: BodyRef) -> bool {
        let inside = body.position..body.position + u64::from(body.len);
        self.rots.iter().filter_map(|rot| rot.position).any(|position| inside.contains(&position))
    }

    // --- The threads beside the partition's ------------------------------------------------------------------------

    fn act(&mut self) -> Verdict {
        let Some(process) = &mut self.process else { return Ok(()) };
        let (number, excused) = (process.number, process.excused);
        let Some(work) = process.work.pop_front() else { return Ok(()) };
        let told = match work {
            Work::Append { expected, stamp, payload } => {
                let replaced = process.journal.trick == Some(Trick::SomebodyElse);
                let result = process.journal.append(expected, stamp, &payload);
                if replaced && result.is_ok() {
                    return Err("a writer wrote on after somebody else had written".to_owned());
                }
                Told::Appended { at: expected, stamp, result }
            }
            Work::Delete(base) => {
                let result = process.journal.delete_segment(base);
                if let Err(error) = result
                    && !excused
                    && !self.disk.has_crashed()
                {
                    return Err(format!("the segment at {base} can't be deleted: {error}"));
                }
                Told::Nothing
            }
            Work::Roll(needed_bytes, kept_bytes) => {
                let result = process.journal.roll(needed_bytes, kept_bytes);
                Told::Rolled { result, room_bytes: process.journal.room_bytes() }
            }
            Work::Room => Told::Room(process.journal.room_bytes()),
        };
        if self.disk.has_crashed() {
            self.trace(format_args!("the crash strikes while the journal works"));
            self.end_process(self.crash);
            return Ok(());
        }
        if let Told::Appended { result: Err(error), .. } = &told {
            let full = matches!(error, AppendError::Full);
            if full && !self.full || !full && !excused {
                return Err(format!("an append failed for no reason: {error}"));
            }
        }
        let ms = self.disk_ms();
        self.in_ms(ms, Event::Tell(number, told));
        Ok(())
    }

    fn tell(&mut self, told: Told) -> Verdict {
        let reading = self.reading();
        let Some(process) = &mut self.process else { return Ok(()) };
        process.acting = false;
        match told {
            Told::Appended { at, stamp, result } => {
                let durable = result.is_ok();
                process.partition.appended(reading, result);
                if durable {
                    self.last_entry = at;
                    self.auditor.entry_durable(stamp.time_ms)?;
                }
                self.perform(durable.then_some(stamp.time_ms))
            }
            Told::Rolled { result, room_bytes } => {
                process.partition.set_room(room_bytes);
                process.partition.rolled(result);
                Ok(())
            }
            Told::Room(bytes) => {
                process.partition.set_room(bytes);
                Ok(())
            }
            Told::Nothing => Ok(()),
        }
    }

    /// Reads messages for the cleaner; sometimes the disk fails for some of them.
    fn copy(&mut self, queue: QueueId, bodies: Vec<(u64, BodyRef)>) {
        let fails = self.dice.permille(20) && !self.quiet;
        let mut found = Vec::new();
        for (sequence, from) in bodies {
            if fails && self.dice.permille(300) {
                self.history.fault("read failed (EIO)");
                continue;
            }
            let Some((_, bytes)) = self.process.as_ref().and_then(|process| process.pin(from)) else {
                continue;
            };
            if let Content::Damaged(Some(number)) = message::read(&bytes)
                && self.is_rotten(from)
            {
                self.auditor.damaged(number);
            }
            found.push(Relocation { sequence, from, bytes: bytes.into() });
        }
        let reading = self.reading();
        if let Some(process) = &mut self.process {
            process.partition.copied(reading, queue, found);
        }
    }

    // --- Faults ----------------------------------------------------------------------------------------------------

    fn strike_when_due(&mut self) -> Verdict {
        if self.agenda.is_empty() && self.commands >= LEAST_COMMANDS && self.crashes < LEAST_CRASHES {
            // Crashes that were ordered for the same steps of the disk came as one.
            let how = faults::crash(&mut self.dice);
            self.agenda.push_back((self.commands, Strike::Crash { how, after_steps: 0 }));
        }
        while let Some((at, strike)) = self.agenda.front().copied() {
            if at > self.commands || self.process.as_ref().is_none_or(|process| process.stopping) {
                return Ok(());
            }
            self.agenda.pop_front();
            self.trace(format_args!("*** {strike:?}"));
            self.strike(strike)?;
        }
        Ok(())
    }

    fn strike(&mut self, strike: Strike) -> Verdict {
        let Some(process) = &mut self.process else { return Ok(()) };
        if !matches!(strike, Strike::Crash { .. } | Strike::Rot) {
            self.history.fault(faults::name(strike));
        }
        let trick = |process: &mut Process, trick: Trick| {
            (process.journal.trick, process.excused) = (Some(trick), true);
        };
        match strike {
            Strike::Crash { how, after_steps: 0 } => self.end_process(how),
            Strike::Crash { how, after_steps } => {
                self.crash = how;
                self.disk.crash_at(self.disk.steps() + after_steps);
            }
            Strike::Stop => {
                process.stopping = true;
                self.auditor.drains();
                process.partition.drain();
            }
            Strike::FailWrite | Strike::FailSync | Strike::FailSyncDir => {
                process.excused = true;
                let step = match strike {
                    Strike::FailWrite => Step::Write,
                    Strike::FailSync => Step::Sync,
                    _ => Step::SyncDir,
                };
                self.disk.fail(step, self.dice.below(3), EIO);
            }
            Strike::UnknownAndDone => trick(process, Trick::UnknownAndDone),
            Strike::UnknownAndNotDone => trick(process, Trick::UnknownAndNotDone),
            Strike::SomebodyElse => trick(process, Trick::SomebodyElse),
            Strike::SecondOpening => return self.open_twice(),
            Strike::FullDisk { spare_bytes, for_ms } => {
                self.full = true;
                self.disk.set_capacity_bytes(Some(self.disk.used_bytes() + spare_bytes));
                self.in_ms(for_ms, Event::SpaceBack);
            }
            Strike::SlowDisk { for_ms } => {
                self.slow = true;
                self.in_ms(for_ms, Event::Faster);
            }
            Strike::Rot => self.rot(),
            Strike::ClockJump { by_ms } => self.jump(by_ms),
            Strike::ColdCache => self.disk.set_cached(false),
        }
        Ok(())
    }

    fn rot(&mut self) {
        let rot = Rot::strike(&mut self.dice, &self.disk, SEGMENT_HEADER_BYTES, self.last_entry.0);
        if let Some(rot) = rot {
            self.history.fault(faults::name(Strike::Rot));
            self.trace(format_args!("rotten: {rot:?}"));
            self.rots.push(rot);
        }
    }

    /// The wall clock is set; everybody looks at it.
    fn jump(&mut self, by_ms: i64) {
        self.wall_offset_ms += by_ms;
        let reading = self.reading();
        self.auditor.pass(reading);
        if let Some(process) = &mut self.process {
            process.partition.now_ms(reading);
        }
    }
}

/// A command in one line, without the bytes of messages.
pub(crate) struct Brief<'a>(pub(crate) &'a Command);

impl std::fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Command::ChangeDocuments { changes } = self.0 {
            return changes.iter().try_for_each(|change| {
                let (collection, name, bytes) =
                    (&change.collection, &change.name, change.body.as_ref().map(|body| body.len()));
                write!(f, "Change {collection}/{name} to {bytes:?} bytes if {:?}; ", change.expected)
            });
        }
        let Command::Send { name, messages } = self.0 else { return write!(f, "{:?}", self.0) };
        write!(f, "Send to {}:", name.name)?;
        for outgoing in messages {
            let number = message::number(&outgoing.message_id);
            let (len, group, id) = (outgoing.size_bytes, &outgoing.group, &outgoing.deduplication_id);
            write!(f, " {number} ({len} bytes, {group:?}, {id:?}, delay {:?})", outgoing.delay_ms)?;
        }
        Ok(())
    }
}

/// An answer, cut to what fits a report.
fn short(result: &Result<Reply, CallError>) -> String {
    let mut text = format!("{result:?}");
    if let Some((end, _)) = text.char_indices().nth(1_500) {
        text.truncate(end);
        text.push('…');
    }
    text
}
