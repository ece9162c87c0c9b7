//! Making a damaged store sound, with the partition's own means as far as they go.
//!
//! The files are mended first (`bongsu_journal::Survey::mend`), so that the journal opens. Then a partition is started on it as a
//! server would start one, and asked to give up the messages that are lost, to copy those elsewhere that lie in damaged
//! segments, and to make a checkpoint. After that nothing needs the damaged segments, and they are deleted.

use super::check::Checked;
use super::rescue::Rescue;
use super::{Progress, Verify};
use crate::driver::Clocks;
use crate::partition::{Output, Partition, PartitionOptions, StartError, StepSizes, Token};
use bongsu_engine::{BodyRef, Relocation};
use bongsu_journal::{
    AppendError, Disk, Entry, FaultKind, FileJournal, FileOptions, Journal, JournalError, OpenError, Pin,
    Position, Reader, Survey, Visitor,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Messages that are given up in one entry.
const DISCARDED_PER_ENTRY: usize = 10_000;

/// Why a repair came to nothing, or not to its end. A store that was repaired partly can be checked and repaired again.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// There is no way to keep anything useful.
    #[error("it can't be repaired: {0}")]
    Hopeless(String),
    /// The journal can't be read or mended.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The store can't be started after mending its files.
    #[error(transparent)]
    Start(#[from] StartError),
    /// What is to replace damaged parts can't be written.
    #[error("the repair can't be written: {0}")]
    Append(#[from] AppendError),
    /// A damaged segment can't be removed, or the journal not be closed.
    #[error(transparent)]
    Disk(#[from] JournalError),
    /// Something still lies in damaged segments.
    #[error("some damaged segments are still needed; check the store again")]
    Unfinished,
}

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Living messages that were given up.
    pub discarded: u64,
    /// Messages that were copied out of damaged segments.
    pub copied: u64,
    /// Damaged segments that were removed.
    pub removed_segments: u64,
}

/// How a repair goes about it.
pub struct Repair<'a> {
    /// The disk, on which the store is locked.
    pub disk: Arc<dyn Disk>,
    /// The store.
    pub dir: &'a Path,
    /// Where all files are kept that are changed or removed.
    pub keep_dir: &'a Path,
    /// Random; becomes the store's secret where that is lost.
    pub new_secret: [u8; 32],
    /// How the journal is kept, as when it is served.
    pub journal: FileOptions,
    /// How much is written at a time.
    pub steps: StepSizes,
    /// See [`super::check`].
    pub verify: Verify<'a>,
}

/// Makes a store sound that [`super::check`] found damaged, in the way that it proposes. The store must be locked since.
///
/// # Errors
/// See [`RepairError`].
pub fn repair(
    how: &Repair<'_>,
    checked: Checked,
    progress: &mut dyn Progress,
) -> Result<Repaired, RepairError> {
    let rescue = match checked.rescue {
        None => return Ok(Repaired::default()),
        Some(Err(why)) => return Err(RepairError::Hopeless(why)),
        Some(Ok(rescue)) => rescue,
    };
    progress.begin("mending", 0);
    checked.survey.mend(&*how.disk, rescue.cut, how.keep_dir)?;
    let left = Survey::read(how.disk.clone(), how.dir, &mut Understood)?;
    let damaged = damaged_parts(&left);
    let nothing_left = damaged.is_empty() && rescue.contents.lost_messages == 0 && !rescue.falls_back;
    if nothing_left { Ok(Repaired::default()) } else { evacuate(how, &rescue, &left, damaged) }
}

/// Finds entries whose content makes no sense, as the check did.
struct Understood;

impl Visitor for Understood {
    fn entry(&mut self, entry: &Entry) -> Result<(), String> {
        super::tally::Tally::default().count(&entry.payload)
    }
}

/// The segments that have something wrong inside.
fn damaged_parts(survey: &Survey) -> Vec<(PathBuf, u64, u64)> {
    let wrong = |file: &Path| {
        let inside = [FaultKind::Entries, FaultKind::Content];
        survey.faults.iter().any(|fault| fault.file == file && inside.contains(&fault.kind))
    };
    let damaged = survey.segments.iter().filter(|segment| wrong(&segment.file));
    damaged.map(|segment| (segment.file.clone(), segment.base.0, segment.end.0)).collect()
}

fn evacuate(
    how: &Repair<'_>,
    rescue: &Rescue,
    survey: &Survey,
    damaged: Vec<(PathBuf, u64, u64)>,
) -> Result<Repaired, RepairError> {
    for (file, ..) in &damaged {
        survey.keep(&*how.disk, file, how.keep_dir)?;
    }
    let mut journal = FileJournal::open(how.disk.clone(), how.dir, how.journal.clone())?;
    let options = PartitionOptions {
        cooldowns: true,
        // Checkpoints are made when they are asked for.
        checkpoint_bytes: u64::MAX,
        steps: how.steps,
        seed: u128::from_le_bytes(std::array::from_fn(|at| how.new_secret[at])),
        new_secret: how.new_secret,
    };
    let clocks = Clocks::start();
    let start = rescue.start.map_or(0, |start| start.0);
    let partition = Partition::open_from(&mut journal, &options, clocks.read(), start)?;
    let mut work = Work {
        partition,
        reader: journal.reader(),
        journal: Box::new(journal),
        clocks,
        verify: how.verify,
        damaged: damaged.iter().map(|(_, base, _)| *base).collect(),
        done: Repaired::default(),
    };
    work.run()?;
    for (queue, sequences) in &rescue.contents.lost_sequences {
        let sequences: Vec<u64> = sequences.iter().copied().collect();
        for some in sequences.chunks(DISCARDED_PER_ENTRY) {
            let some: BTreeSet<u64> = some.iter().copied().collect();
            let count = work.partition.discard(work.clocks.read(), *queue, &some);
            work.done.discarded += count as u64;
            work.run()?;
        }
    }
    let parts: Vec<(u64, u64)> = damaged.iter().map(|(_, base, end)| (*base, *end)).collect();
    work.partition.evacuate(&parts);
    work.run()?;
    work.partition.want_whole_checkpoint();
    work.run()?;
    let is_left = |base: &u64| work.journal.segments().iter().any(|segment| segment.base.0 == *base);
    let unfinished = work.damaged.iter().any(is_left);
    work.journal.close()?;
    if unfinished { Err(RepairError::Unfinished) } else { Ok(work.done) }
}

/// Nobody waits for an answer.
struct Nobody;

impl Token for Nobody {
    fn is_abandoned(&self) -> bool {
        true
    }
}

/// A partition with its journal, driven step by step.
struct Work<'a> {
    partition: Partition<Nobody>,
    journal: Box<dyn Journal>,
    reader: Arc<dyn Reader>,
    clocks: Clocks,
    verify: Verify<'a>,
    damaged: BTreeSet<u64>,
    done: Repaired,
}

impl Work<'_> {
    /// Does what the partition asks for until it asks for nothing more.
    fn run(&mut self) -> Result<(), RepairError> {
        loop {
            self.partition.flush(self.clocks.read());
            let outputs = self.partition.take_outputs();
            if outputs.is_empty() {
                return Ok(());
            }
            for output in outputs {
                self.perform(output)?;
            }
        }
    }

    fn perform(&mut self, output: Output<Nobody>) -> Result<(), RepairError> {
        match output {
            Output::Reply(Nobody, _) => {}
            Output::Append { expected, stamp, payload } => {
                let appended = self.journal.append(expected, stamp, &payload)?;
                self.partition.appended(self.clocks.read(), Ok(appended));
            }
            Output::DeleteSegment(base) => {
                self.journal.delete_segment(base)?;
                self.done.removed_segments += u64::from(self.damaged.contains(&base.0));
            }
            Output::Roll { needed_bytes, kept_bytes } => {
                let result = self.journal.roll(needed_bytes, kept_bytes);
                self.partition.set_room(self.journal.room_bytes());
                self.partition.rolled(result);
            }
            Output::Encode(entity, frozen) => self.partition.encoded(entity, frozen.encode()),
            Output::Read(queue, bodies) => {
                let found: Vec<Relocation> =
                    bodies.into_iter().filter_map(|(sequence, from)| self.read(sequence, from)).collect();
                self.done.copied += found.len() as u64;
                self.partition.copied(self.clocks.read(), queue, found);
            }
        }
        Ok(())
    }

    /// Only what is whole is copied: a copy would pass for sound.
    fn read(&self, sequence: u64, from: BodyRef) -> Option<Relocation> {
        let pin: Pin = self.reader.pin(Position(from.position))?;
        let bytes = pin.read(Position(from.position), from.len).ok()?;
        (self.verify)(&bytes).ok()?;
        Some(Relocation { sequence, from, bytes: bytes.into() })
    }
}
