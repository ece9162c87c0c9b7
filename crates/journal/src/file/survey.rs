//! Reading all that is in a journal's directory without changing it, and on past damage.
//!
//! Opening a journal stops at the first thing that is wrong. A survey notes it and goes on at the next whole entry, so that
//! it can be told how much is damaged, and what could be done about it (`mend.rs`). It judges as opening does: what opening
//! accepts is sound here, what it refuses is a fault.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{
    Chain, FORMAT_VERSION, LogId, SEGMENT_HEADER_BYTES, SegmentHeader, parse_format_text, segment_base,
    segment_name,
};
use super::io_error;
use super::read_only::ReadOnlyJournal;
use super::recover::{FORMAT_NAME, read_format_text};
use super::segment_file::{End, FoundSegment, read_seal};
use super::walk::{Walk, walk_segment};
use crate::{Disk, Entry, JournalError, OpenError, Position, Stamp};

/// Who is shown what a survey reads.
pub trait Visitor {
    /// A whole entry. The error says what is wrong with what is in it, which the journal can't know.
    ///
    /// # Errors
    /// In the words of [`Fault::why`].
    fn entry(&mut self, entry: &Entry) -> Result<(), String>;

    /// So many bytes of files are going to be read.
    fn begin(&mut self, total_bytes: u64) {
        let _ = total_bytes;
    }

    /// So many more of them were.
    fn advance(&mut self, bytes: u64) {
        let _ = bytes;
    }
}

/// A part of the address space in which no entry can be read, or only ones that don't belong there.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Where it begins: where an entry should begin.
    pub from: Position,
    /// Where the next whole entry begins, or the segment ends. May be `from`: then two whole entries don't fit together.
    pub to: Position,
}

/// What kind of thing is wrong.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The file that says what the directory is.
    Format,
    /// The header of a segment.
    Header,
    /// The seal of a segment; its entries are whole.
    Seal,
    /// Entries of a segment.
    Entries,
    /// Entries are whole, but not what is in one.
    Content,
    /// Two segments don't fit together.
    Order,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// In which file.
    pub file: PathBuf,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// What of the log is affected, if any.
    pub stretch: Option<Stretch>,
    /// What is wrong there.
    pub why: String,
}

/// One segment, as it was found.
#[derive(Clone, Debug)]
pub struct SurveyedSegment {
    /// Its file.
    pub file: PathBuf,
    /// The length of the file in bytes, with what is only allocated.
    pub file_bytes: u64,
    /// Where its first entry lies.
    pub base: Position,
    /// Where its last one ends.
    pub end: Position,
    /// The opening of the journal that made it.
    pub epoch: u64,
    /// Whether it has its seal.
    pub sealed: bool,
    /// How many whole entries it has.
    pub entries: u64,
    /// Where entries can't be read.
    pub damaged: Vec<Stretch>,
    /// What its header says, or should say.
    pub(super) header: SegmentHeader,
    /// Whether header or seal are to be made anew.
    pub(super) to_mend: bool,
    /// The chain's value and the last stamp at `end`; no chain where the end is damaged.
    pub(super) chain_at_end: Option<Chain>,
    pub(super) stamp_at_end: Option<Stamp>,
}

/// What is in a journal's directory.
pub struct Survey {
    /// The version of the format.
    pub format_version: u32,
    /// All segments in order of position.
    pub segments: Vec<SurveyedSegment>,
    /// What is wrong, in order of position.
    pub faults: Vec<Fault>,
    /// Where the log ends.
    pub tail: Position,
    /// The stamp of the last entry.
    pub last_stamp: Option<Stamp>,
    /// The file and offset of what is left of an entry that was being written when the journal ended. That is no fault.
    pub torn: Option<(PathBuf, u64)>,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) id: LogId,
}

impl std::fmt::Debug for Survey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Survey");
        shown.field("segments", &self.segments).field("faults", &self.faults).field("tail", &self.tail);
        shown.finish_non_exhaustive()
    }
}

impl Survey {
    /// Reads all of the journal in `dir`. Nothing is changed; whoever needs it to stay as it is has locked it.
    ///
    /// # Errors
    /// [`OpenError::Format`] when there is no journal or one of a later version, otherwise what the disk said. Damage is no
    /// error.
    pub fn read(disk: Arc<dyn Disk>, dir: &Path, visitor: &mut dyn Visitor) -> Result<Survey, OpenError> {
        let names = disk.list(dir).map_err(|e| io_error("listing", dir, e))?;
        let mut bases: Vec<u64> = names.iter().filter_map(|name| segment_base(name)).collect();
        bases.sort_unstable();
        let (id, fault) = find_id(disk.as_ref(), dir, &names, &bases)?;
        let mut found = Vec::with_capacity(bases.len());
        for base in bases {
            found.push(FoundSegment::open_damaged(disk.as_ref(), dir, base, id)?);
        }
        let mut survey = Survey {
            format_version: FORMAT_VERSION,
            segments: Vec::with_capacity(found.len()),
            faults: fault.into_iter().collect(),
            tail: Position::FIRST,
            last_stamp: None,
            torn: None,
            disk,
            dir: dir.to_path_buf(),
            id,
        };
        visitor.begin(found.iter().map(|(segment, _)| segment.len_bytes).sum());
        for index in 0..found.len() {
            let (segment, header_fault) = &found[index];
            let next = found.get(index + 1).map(|(next, fault)| (&next.header, fault.is_none()));
            let next_is_last = index + 2 == found.len();
            survey.add(segment, header_fault.as_deref(), next, next_is_last, visitor)?;
        }
        // What is still to be made: `FORMAT` comes last.
        if survey.faults.len() == 1 && survey.is_being_made() {
            survey.faults.clear();
        }
        Ok(survey)
    }

    /// Whether the process ended that was making this journal.
    fn is_being_made(&self) -> bool {
        let untouched = |segment: &SurveyedSegment| {
            segment.base == Position::FIRST && segment.header.epoch == 1 && segment.entries == 0
        };
        self.faults[0].kind == FaultKind::Format && self.segments.len() == 1 && untouched(&self.segments[0])
    }

    fn add(
        &mut self,
        found: &FoundSegment,
        header_fault: Option<&str>,
        next: Option<(&SegmentHeader, bool)>,
        next_is_last: bool,
        visitor: &mut dyn Visitor,
    ) -> Result<(), OpenError> {
        let mut header = found.header;
        let before = self.segments.last();
        let joined = before.filter(|before| before.end.0 == header.base);
        let mut chain_at_base = Some(header.chain);
        if header_fault.is_some() {
            chain_at_base = match joined {
                Some(before) => before.chain_at_end,
                None => (header.base == Position::FIRST.0).then(|| self.id.first_chain()),
            };
            header.last_stamp = before.and_then(|before| before.stamp_at_end);
            header.chain = chain_at_base.unwrap_or_default();
        }
        let stop = next.map(|(next, _)| next.base);
        let stamp_at_base = header.last_stamp;
        let start = (chain_at_base, stamp_at_base);
        let walk = walk_segment(self.disk.as_ref(), found, start, stop, visitor)?;
        if header_fault.is_some() {
            // The one that opening would have written: what it says bounds what frames may say.
            header.epoch = walk.epoch.max(before.map_or(1, |before| before.header.epoch));
        }
        if let Some(why) = header_fault {
            self.fault(FaultKind::Header, found, 0, None, why);
        } else if let Some(before) = before {
            self.check_order(before.end, before.chain_at_end, before.header.epoch, found);
        }
        let sealed = walk.sealed;
        let mut to_mend = header_fault.is_some();
        to_mend |= self.check_seal(found, &walk, next, next_is_last);
        for (stretch, offset, why) in &walk.damaged {
            self.fault(FaultKind::Entries, found, *offset, Some(*stretch), why);
        }
        for (stretch, offset, why) in &walk.content {
            self.fault(FaultKind::Content, found, *offset, Some(*stretch), why);
        }
        if next.is_none() {
            self.torn = walk.torn.map(|offset| (found.path.to_path_buf(), offset));
        }
        self.tail = Position(walk.end.position);
        self.last_stamp = walk.end.stamp;
        self.segments.push(SurveyedSegment {
            file: found.path.to_path_buf(),
            file_bytes: found.len_bytes,
            base: Position(header.base),
            end: self.tail,
            epoch: header.epoch,
            sealed,
            entries: walk.entries,
            damaged: walk.damaged.iter().map(|(stretch, ..)| *stretch).collect(),
            header,
            to_mend,
            chain_at_end: walk.chain_is_known.then_some(walk.end.chain),
            stamp_at_end: walk.end.stamp,
        });
        Ok(())
    }

    fn fault(
        &mut self,
        kind: FaultKind,
        found: &FoundSegment,
        offset: u64,
        stretch: Option<Stretch>,
        why: &str,
    ) {
        let file = found.path.to_path_buf();
        self.faults.push(Fault { kind, file, offset, stretch, why: why.to_owned() });
    }

    /// Whether a segment with a sound header fits to where the one before it ends.
    fn check_order(&mut self, end: Position, chain: Option<Chain>, epoch: u64, found: &FoundSegment) {
        let at = Position(found.header.base);
        let stretch = Some(Stretch { from: at, to: at });
        if found.header.epoch < epoch {
            let why = "the segment's epoch is lower than that of the one before";
            self.fault(FaultKind::Order, found, 40, stretch, why);
        } else if end == at && chain.is_some_and(|chain| chain != found.header.chain) {
            let why = "the segment does not follow upon the one before";
            self.fault(FaultKind::Order, found, 80, stretch, why);
        }
    }

    /// Whether an older segment lacks its seal or has it in the wrong place; says whether it is to be made anew.
    fn check_seal(
        &mut self,
        found: &FoundSegment,
        walk: &Walk,
        next: Option<(&SegmentHeader, bool)>,
        next_is_last: bool,
    ) -> bool {
        let Some((next, next_is_sound)) = next else { return false };
        if let Some(seal) = found.seal.as_ref().filter(|seal| seal.position > next.base) {
            let why = format!(
                "the segment ends at position {}, behind where the next one begins ({})",
                seal.position, next.base
            );
            self.fault(FaultKind::Seal, found, found.place().offset(seal.position), None, &why);
            return true;
        }
        if walk.sealed && found.seal.is_some() {
            return false;
        }
        // An opening that was interrupted before it had cut and sealed what was the last segment until then.
        let reached = walk.end.position == next.base;
        let interrupted =
            next_is_last && next_is_sound && reached && walk.chain_is_known && walk.end.chain == next.chain;
        if interrupted && walk.damaged.is_empty() {
            return false;
        }
        let why = "the seal at the end of the segment is missing";
        self.fault(FaultKind::Seal, found, found.len_bytes, None, why);
        true
    }

    /// Whether every segment is still there that was ever written up to `end` (or to the end of the log).
    #[must_use]
    pub fn is_complete(&self, end: Option<Position>) -> bool {
        let starts = self.segments.first().is_some_and(|first| first.base == Position::FIRST);
        let follows = |pair: &[SurveyedSegment]| {
            end.is_some_and(|end| end <= pair[1].base) || pair[0].end == pair[1].base
        };
        starts && self.segments.windows(2).all(follows)
    }

    /// The journal as it was found, up to `end` (or all of it), to be read only. It can be read wherever no damage is.
    ///
    /// # Errors
    /// What the disk said; also when no entry ends at `end`.
    pub fn journal(&self, end: Option<Position>) -> Result<ReadOnlyJournal, OpenError> {
        let tail = end.unwrap_or(self.tail);
        let end = if tail == self.tail {
            End { position: tail.0, chain: Chain::default(), stamp: self.last_stamp }
        } else {
            self.end_at(tail)?
        };
        Ok(ReadOnlyJournal::new(self, end))
    }

    /// What a seal at `position` would say.
    pub(super) fn end_at(&self, position: Position) -> Result<End, OpenError> {
        let segment = self.segments.iter().rev().find(|segment| segment.base <= position);
        let segment = segment.ok_or(JournalError::Missing(position))?;
        let header = &segment.header;
        if segment.base == position {
            return Ok(End { position: position.0, chain: header.chain, stamp: header.last_stamp });
        }
        let found = self.found(segment)?;
        let start = (Some(header.chain), header.last_stamp);
        let walk = walk_segment(self.disk.as_ref(), &found, start, Some(position.0), &mut Nobody)?;
        if walk.end.position != position.0 {
            return Err(JournalError::Missing(position).into());
        }
        Ok(walk.end)
    }

    /// Shows the visitor every whole entry from `from` on, damaged stretches left out.
    ///
    /// # Errors
    /// What the disk said, or what the visitor did.
    pub fn visit_from(&self, from: Position, visitor: &mut dyn Visitor) -> Result<(), OpenError> {
        for (index, segment) in self.segments.iter().enumerate().filter(|(_, segment)| segment.end > from) {
            let found = self.found(segment)?;
            let stop = self.segments.get(index + 1).map(|next| next.base.0);
            let start = (Some(segment.header.chain), segment.header.last_stamp);
            let mut later = From(from, visitor);
            walk_segment(self.disk.as_ref(), &found, start, stop, &mut later)?;
        }
        Ok(())
    }

    pub(super) fn found(&self, segment: &SurveyedSegment) -> Result<FoundSegment, OpenError> {
        let opened = FoundSegment::open_damaged(self.disk.as_ref(), &self.dir, segment.base.0, self.id);
        let (mut found, _) = opened?;
        found.header = segment.header;
        Ok(found)
    }
}

/// A visitor that looks at nothing.
pub(super) struct Nobody;

impl Visitor for Nobody {
    fn entry(&mut self, _: &Entry) -> Result<(), String> {
        Ok(())
    }
}

struct From<'a>(Position, &'a mut dyn Visitor);

impl Visitor for From<'_> {
    fn entry(&mut self, entry: &Entry) -> Result<(), String> {
        if entry.position < self.0 { Ok(()) } else { self.1.entry(entry) }
    }
}

/// The id of the journal, and what is wrong with the file that should say it.
fn find_id(
    disk: &dyn Disk,
    dir: &Path,
    names: &[String],
    bases: &[u64],
) -> Result<(LogId, Option<Fault>), OpenError> {
    let path = dir.join(FORMAT_NAME);
    let nothing = |why: &str| OpenError::Format { file: dir.to_path_buf(), why: why.to_owned() };
    let why = if names.iter().any(|name| name == FORMAT_NAME) {
        let text = read_format_text(disk, &path)?;
        if bases.is_empty() {
            return Err(nothing("it says that a journal is here, but there is no segment"));
        }
        match parse_format_text(&text) {
            Ok(id) => return Ok((id, None)),
            Err(why) if is_later_version(&text) => return Err(OpenError::Format { file: path, why }),
            Err(why) => why,
        }
    } else if bases.is_empty() {
        return Err(nothing("there is no journal in it"));
    } else {
        "the file is missing".to_owned()
    };
    for base in bases {
        match FoundSegment::open(disk, dir, *base) {
            Ok(segment) => {
                let fault = Fault { kind: FaultKind::Format, file: path, offset: 0, stretch: None, why };
                return Ok((segment.header.id, Some(fault)));
            }
            Err(OpenError::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Err(nothing("neither the file FORMAT nor the header of a segment can be read"))
}

/// Whether the text is whole but for a higher version than is known: then this is no damage.
fn is_later_version(text: &str) -> bool {
    let mut lines = text.lines();
    let known = lines.next().is_some_and(|line| line.starts_with("bongsu journal"));
    let version = lines.next().and_then(|line| line.strip_prefix("version ")?.parse::<u32>().ok());
    known && version.is_some_and(|version| version > FORMAT_VERSION)
}

impl FoundSegment {
    /// As [`FoundSegment::open`], but with what can be told of it where the header is damaged, and what is wrong with it.
    pub(super) fn open_damaged(
        disk: &dyn Disk,
        dir: &Path,
        base: u64,
        id: LogId,
    ) -> Result<(FoundSegment, Option<String>), OpenError> {
        let why = match FoundSegment::open(disk, dir, base) {
            Ok(segment) if segment.header.id == id => return Ok((segment, None)),
            Ok(_) => "the segment belongs to another journal".to_owned(),
            Err(OpenError::Damaged { why, .. }) => why,
            Err(OpenError::Io { what, source }) if source.kind() != std::io::ErrorKind::NotFound => {
                format!("{what}: {source}")
            }
            Err(other) => return Err(other),
        };
        let path: Arc<Path> = Arc::from(dir.join(segment_name(base)));
        let file = disk.open(&path).map_err(|e| io_error("opening", &path, e))?;
        let len_bytes = file.len_bytes().map_err(|e| io_error("measuring", &path, e))?;
        let header = SegmentHeader {
            id,
            base,
            // Whatever the frames say.
            epoch: u64::MAX,
            durable: base,
            last_stamp: None,
            chain: Chain::default(),
        };
        let seal = read_seal(file.as_ref(), len_bytes, &header).ok().flatten();
        let segment = FoundSegment { path, len_bytes: len_bytes.max(SEGMENT_HEADER_BYTES), header, seal };
        Ok((segment, Some(why)))
    }
}
