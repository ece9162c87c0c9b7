//! Ending processes and starting them again.

use crate::auditor::Verdict;
use crate::faults::{self, Crash, Strike};
use crate::house::House;
use crate::journal::TrickyJournal;
use crate::process::{Event, Process};
use crate::workload::documents;
use bongsu_engine::{Command, Which};
use bongsu_journal::testing::Step;
use bongsu_journal::{FileJournal, FileOptions, Journal, JournalError, OpenError};
use bongsu_node::{Partition, PartitionOptions, StartError, StepSizes};
use std::sync::Arc;

const EIO: i32 = 5;
/// The largest entry, and what it keeps free for records.
const MAX_PAYLOAD_BYTES: u32 = 190_000;
const RECORDS_BYTES: usize = 48_000;

/// Why a store did not open.
enum Refusal {
    Full,
    /// It says that bytes are not what was written.
    Damaged(String),
    Other(String),
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Full { .. } => Self::Full,
            OpenError::Damaged { .. } | OpenError::Format { .. } => Self::Damaged(error.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<StartError> for Refusal {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Journal(JournalError::Damaged { .. }) | StartError::Replay { .. } => {
                Self::Damaged(error.to_string())
            }
            other => Self::Other(other.to_string()),
        }
    }
}

impl House {
    /// The process or the machine ends, and starts again after a while.
    pub(crate) fn end_process(&mut self, how: Crash) {
        self.history.fault(faults::name(Strike::Crash { how, after_steps: 0 }));
        self.crashes += 1;
        self.leave();
        match how {
            Crash::Kill => self.disk.kill_process(),
            Crash::PowerCut(loss) => self.disk.lose_power(loss),
        }
        self.trace(format_args!("*** ended: {how:?}"));
        self.start_later();
    }

    fn leave(&mut self) {
        self.auditor.pass(self.reading());
        self.auditor.ended();
        self.workload.process_ended();
        self.process = None;
        self.calls.clear();
        self.script.clear();
        self.scripted.clear();
        self.disk.heal();
    }

    fn start_later(&mut self) {
        let ms = self.dice.pick(&[0, 3, 50, 1_000, 20_000]);
        self.in_ms(ms, Event::Start);
    }

    /// The end of a process that goes down in order.
    pub(crate) fn close(&mut self) -> Verdict {
        let Some(process) = self.process.take() else { return Ok(()) };
        let excused = process.excused;
        let Process { journal, reader, partition, .. } = process;
        drop((reader, partition));
        let result = Box::new(journal).close();
        if self.disk.has_crashed() {
            self.end_process(self.crash);
            return Ok(());
        }
        if let Err(error) = result
            && !excused
        {
            return Err(format!("the journal can't be closed: {error}"));
        }
        self.trace(format_args!("*** stopped in order"));
        self.leave();
        self.start_later();
        Ok(())
    }

    fn options(&self) -> FileOptions {
        FileOptions {
            segment_bytes: self.character.segment_bytes,
            max_payload_bytes: MAX_PAYLOAD_BYTES,
            max_open_files: 2,
            // Little, so that fresh messages too are read from the disk now and then.
            recent_bytes: 2 << 10,
            allocate_in_background: false,
        }
    }

    /// Somebody else tries to open the store while it is served.
    pub(crate) fn open_twice(&mut self) -> Verdict {
        match FileJournal::open(Arc::new(self.disk.clone()), &self.dir, self.options()) {
            Err(OpenError::InUse { .. }) => Ok(()),
            Err(other) => Err(format!("a second opening was refused with: {other}")),
            Ok(_) => Err("the store was opened twice".to_owned()),
        }
    }

    /// A process starts; while it does, the next thing may go wrong.
    pub(crate) fn start(&mut self) -> Verdict {
        if self.process.is_some() {
            return Ok(());
        }
        let mut excused = false;
        if !self.quiet && self.crashes > 0 {
            match self.dice.below(100) {
                0..12 => {
                    self.crash = faults::crash(&mut self.dice);
                    self.disk.crash_at(self.disk.steps() + self.dice.between(1, 12));
                }
                12..17 => {
                    excused = true;
                    let step = self.dice.pick(&[Step::Read, Step::Write, Step::Sync, Step::SyncDir]);
                    self.disk.fail(step, self.dice.below(6), EIO);
                    self.history.fault("a step of the opening failed (EIO)");
                }
                _ => {}
            }
        }
        let opened = self.open();
        if self.disk.has_crashed() {
            drop(opened);
            self.history.fault("crashed while opening");
            self.end_process(self.crash);
            return Ok(());
        }
        self.disk.heal();
        match opened {
            Ok(process) => self.serve(process),
            Err(refusal) => self.refused(refusal, excused),
        }
    }

    fn open(&mut self) -> Result<Process, Refusal> {
        let inner = FileJournal::open(Arc::new(self.disk.clone()), &self.dir, self.options())?;
        let mut journal = TrickyJournal::new(inner);
        let options = PartitionOptions {
            cooldowns: true,
            checkpoint_bytes: self.character.checkpoint_bytes,
            steps: StepSizes { records_bytes: RECORDS_BYTES, slice_bytes: self.character.slice_bytes },
            seed: u128::from(self.dice.next()) << 64 | u128::from(self.dice.next()),
            new_secret: self.character.secret,
        };
        let partition = Partition::open(&mut journal, &options, self.reading())?;
        self.processes += 1;
        Ok(Process::new(self.processes, partition, journal))
    }

    fn serve(&mut self, process: Process) -> Verdict {
        let number = process.number;
        if process.partition.secret() != self.character.secret {
            return Err("the store has another secret".to_owned());
        }
        let (epoch, stamp) = (process.journal.epoch(), process.journal.last_stamp());
        self.process = Some(process);
        self.trace(format_args!("*** started as process {number}, epoch {epoch}, last entry {stamp:?}"));
        self.auditor.opened(self.reading(), epoch, stamp.map(|stamp| stamp.time_ms))?;
        if number > 1 {
            self.look_at_everything();
        }
        self.in_ms(0, Event::Call(number));
        Ok(())
    }

    /// Asks for all that can be seen, so that what was under way at the end is settled.
    fn look_at_everything(&mut self) {
        self.script.push_back(documents::all());
        let names = self.workload.names().to_vec();
        self.script.extend(names.iter().cloned().map(Command::Describe));
        for name in names {
            self.script.push_back(Command::Peek { name: name.clone(), which: Which::first(100_000) });
            self.script.push_back(Command::ListMoveTasks { source: name, limit: 10 });
        }
    }

    fn refused(&mut self, refusal: Refusal, excused: bool) -> Verdict {
        self.disk.kill_process();
        match refusal {
            Refusal::Full if self.full => {
                self.history.fault("opening found no space");
                self.in_ms(1_000, Event::Start);
            }
            Refusal::Damaged(why) if self.rots.iter().any(|rot| !rot.healed) => {
                self.history.fault("damage noticed at the opening");
                self.trace(format_args!("refused: {why}"));
                self.heal_rot();
                self.in_ms(10, Event::Start);
            }
            Refusal::Other(why) if excused => {
                self.trace(format_args!("refused: {why}"));
                self.in_ms(10, Event::Start);
            }
            Refusal::Full => return Err("the store says that the disk is full, and it is not".to_owned()),
            Refusal::Damaged(why) | Refusal::Other(why) => {
                return Err(format!("the store can't be opened: {why}"));
            }
        }
        Ok(())
    }

    /// Somebody restores what rotted.
    pub(crate) fn heal_rot(&mut self) {
        // The last first: two may have struck the same byte.
        for rot in self.rots.iter_mut().rev() {
            rot.heal(&self.disk);
        }
    }
}
