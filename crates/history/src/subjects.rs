//! Who has which columns, and the file that says so.
//!
//! The file is small and replaced as a whole, and it alone is synced, when it changed: values in a column that are
//! not their subject's would be worse than none. For the same reason a column that became free is given to nobody else
//! before the file says that it is free.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::{HistoryError, MAX_SERIES_OF_A_SUBJECT, MAX_SUBJECT_BYTES};

const MAGIC: [u8; 8] = *b"BONGSUHS";
const VERSION: u32 = 1;

/// A subject that was not seen for so many ticks (an hour) makes room for another where there is none left.
const FORGOTTEN_AFTER_TICKS: u64 = 360;

/// One series of one subject.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) series: u8,
    /// Its place in a row, over all groups.
    pub(crate) index: u32,
    /// The first tick that is its own; what is older was somebody else's.
    pub(crate) since: u32,
}

#[derive(Debug, Default)]
struct Subject {
    columns: Vec<Column>,
    /// When it was last seen, counted in ticks that passed while this process ran.
    seen: u64,
}

#[derive(Debug)]
pub(crate) struct Subjects {
    all: BTreeMap<String, Subject>,
    free: BTreeSet<u32>,
    /// Free, but the file may still say otherwise.
    parked: Vec<u32>,
    /// No column from here on was ever used.
    next: u32,
    max_subjects: usize,
    max_columns: u32,
    /// Whether the file is behind.
    changed: bool,
    /// Counts ticks that passed while this process ran; a clock's jumps don't count.
    age: u64,
    /// At this age there was nobody to make room.
    all_seen_at: Option<u64>,
}

impl Subjects {
    pub(crate) fn new(max_subjects: usize, max_columns: u32) -> Self {
        Self {
            all: BTreeMap::new(),
            free: BTreeSet::new(),
            parked: Vec::new(),
            next: 0,
            max_subjects,
            max_columns,
            changed: false,
            age: 0,
            all_seen_at: None,
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    pub(crate) fn columns(&self, subject: &str) -> &[Column] {
        self.all.get(subject).map_or(&[], |subject| &subject.columns)
    }

    pub(crate) fn all_columns(&self) -> impl Iterator<Item = Column> {
        self.all.values().flat_map(|subject| subject.columns.iter().copied())
    }

    pub(crate) fn column(&self, subject: &str, series: u8) -> Option<Column> {
        self.columns(subject).iter().find(|column| column.series == series).copied()
    }

    /// How many columns a row has.
    pub(crate) fn width(&self) -> usize {
        self.next as usize
    }

    pub(crate) fn a_tick_passed(&mut self) {
        self.age += 1;
    }

    /// Sees to it that a subject has a column for each of the series; says whether it does. A subject without room is left
    /// out as a whole, one that is known keeps what it has.
    pub(crate) fn admit(
        &mut self,
        subject: &str,
        series: impl Iterator<Item = u8>,
        tick: u32,
    ) -> Result<Admission, HistoryError> {
        if let Some(known) = self.all.get_mut(subject) {
            known.seen = self.age;
        }
        let mut missing: Vec<u8> = series.filter(|&series| self.column(subject, series).is_none()).collect();
        if missing.is_empty() {
            return Ok(Admission::default());
        }
        missing.sort_unstable();
        missing.dedup();
        if subject.len() > MAX_SUBJECT_BYTES {
            return Err(HistoryError::SubjectTooLong { bytes: subject.len() });
        }
        if self.columns(subject).len() + missing.len() > MAX_SERIES_OF_A_SUBJECT {
            return Err(HistoryError::TooManySeries);
        }
        let is_new = !self.all.contains_key(subject);
        let mut freed = Vec::new();
        if is_new && self.all.len() >= self.max_subjects || self.room() < missing.len() {
            freed = self.make_room();
        }
        if is_new && self.all.len() >= self.max_subjects || self.room() < missing.len() {
            return Ok(Admission { is_left_out: true, freed });
        }
        let columns: Vec<Column> = missing
            .into_iter()
            .filter_map(|series| self.take_column().map(|index| Column { series, index, since: tick }))
            .collect();
        let known = self.all.entry(subject.to_owned()).or_default();
        known.columns.extend(columns);
        known.seen = self.age;
        self.changed = true;
        Ok(Admission { is_left_out: false, freed })
    }

    /// Removes a subject; its columns, of which the values so far have to go.
    pub(crate) fn remove(&mut self, subject: &str) -> Vec<Column> {
        let Some(removed) = self.all.remove(subject) else { return Vec::new() };
        self.parked.extend(removed.columns.iter().map(|column| column.index));
        self.changed = true;
        removed.columns
    }

    /// The clock was wrong, and it is now `tick`: nobody's columns can be younger.
    pub(crate) fn rewind(&mut self, tick: u32) {
        for column in self.all.values_mut().flat_map(|subject| &mut subject.columns) {
            self.changed |= column.since > tick;
            column.since = column.since.min(tick);
        }
    }

    /// Columns that can be had.
    fn room(&self) -> usize {
        self.free.len() + (self.max_columns - self.next) as usize
    }

    fn take_column(&mut self) -> Option<u32> {
        if let Some(free) = self.free.pop_first() {
            return Some(free);
        }
        let column = (self.next < self.max_columns).then_some(self.next)?;
        self.next += 1;
        Some(column)
    }

    /// Removes the subject that was not seen for the longest, if that is long enough.
    fn make_room(&mut self) -> Vec<Column> {
        // Whoever is left out asks again each time; one look per tick at all subjects is enough.
        if self.all_seen_at == Some(self.age) {
            return Vec::new();
        }
        let oldest = self.all.iter().min_by_key(|(_, subject)| subject.seen);
        match oldest {
            Some((name, subject)) if self.age - subject.seen > FORGOTTEN_AFTER_TICKS => {
                let name = name.clone();
                self.remove(&name)
            }
            _ => {
                self.all_seen_at = Some(self.age);
                Vec::new()
            }
        }
    }

    /// Begins a file that names nobody.
    pub(crate) fn begin(&mut self, path: &Path, identity: u64) -> Result<(), HistoryError> {
        *self = Self::new(self.max_subjects, self.max_columns);
        replace(path, &self.to_bytes(identity)?)
    }

    /// Writes the file if it is behind.
    pub(crate) fn write(&mut self, path: &Path, identity: u64) -> Result<(), HistoryError> {
        if self.changed {
            replace(path, &self.to_bytes(identity)?)?;
            self.changed = false;
            self.free.extend(self.parked.drain(..));
        }
        Ok(())
    }

    /// Reads the file, if there is one that belongs to `identity` and can be understood. What is more than the bounds is left out.
    pub(crate) fn read(&mut self, path: &Path, identity: u64) -> Result<bool, HistoryError> {
        let bytes = match fs::read(path) {
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(false),
            result => result.map_err(HistoryError::io(path))?,
        };
        let Some(subjects) = from_bytes(&bytes, identity) else { return Ok(false) };
        let mut used = BTreeSet::new();
        for (name, columns) in subjects {
            let fits = columns.iter().all(|column| column.index < self.max_columns);
            if !fits || self.all.len() >= self.max_subjects {
                self.changed = true;
                continue;
            }
            used.extend(columns.iter().map(|column| column.index));
            self.all.insert(name, Subject { columns, seen: 0 });
        }
        self.next = used.last().map_or(0, |last| last + 1);
        self.free = (0..self.next).filter(|column| !used.contains(column)).collect();
        if self.changed {
            // Columns of who was left out look free, but the file says otherwise.
            self.parked = std::mem::take(&mut self.free).into_iter().collect();
        }
        Ok(true)
    }

    fn to_bytes(&self, identity: u64) -> Result<Vec<u8>, HistoryError> {
        let mut bytes = Vec::new();
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(identity.to_le_bytes());
        bytes.extend((self.all.len() as u32).to_le_bytes());
        for (name, subject) in &self.all {
            let length = u8::try_from(name.len());
            bytes.push(length.map_err(|_| HistoryError::SubjectTooLong { bytes: name.len() })?);
            bytes.extend(name.as_bytes());
            bytes.push(u8::try_from(subject.columns.len()).map_err(|_| HistoryError::TooManySeries)?);
            for column in &subject.columns {
                bytes.push(column.series);
                bytes.extend(column.index.to_le_bytes());
                bytes.extend(column.since.to_le_bytes());
            }
        }
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        Ok(bytes)
    }
}

/// What came of [`Subjects::admit`].
#[derive(Debug, Default)]
pub(crate) struct Admission {
    /// Whether some series have no column, for want of room.
    pub(crate) is_left_out: bool,
    /// Columns of whoever had to go, of which the values so far have to go too.
    pub(crate) freed: Vec<Column>,
}

/// Writes a file beside the old one, and puts it in its place once it is safe.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), HistoryError> {
    let beside = path.with_extension("new");
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(HistoryError::io(&beside))?;
    fs::rename(&beside, path).map_err(HistoryError::io(path))?;
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(HistoryError::io(dir))
}

fn from_bytes(bytes: &[u8], identity: u64) -> Option<Vec<(String, Vec<Column>)>> {
    let (content, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(content) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let mut rest = content;
    let is_ours = take::<8>(&mut rest)? == MAGIC
        && u32::from_le_bytes(take(&mut rest)?) == VERSION
        && u64::from_le_bytes(take(&mut rest)?) == identity;
    if !is_ours {
        return None;
    }
    let count = u32::from_le_bytes(take(&mut rest)?);
    let mut used = BTreeSet::new();
    let mut subjects = Vec::new();
    for _ in 0..count {
        let [length] = take(&mut rest)?;
        let (name, after) = rest.split_at_checked(usize::from(length))?;
        rest = after;
        let name = String::from_utf8(name.to_vec()).ok()?;
        let [length] = take(&mut rest)?;
        let mut columns = Vec::with_capacity(usize::from(length));
        for _ in 0..length {
            let [series] = take(&mut rest)?;
            let (index, since) = (u32::from_le_bytes(take(&mut rest)?), u32::from_le_bytes(take(&mut rest)?));
            // Two owners of one column would see each other's values.
            if !used.insert(index) {
                return None;
            }
            columns.push(Column { series, index, since });
        }
        subjects.push((name, columns));
    }
    rest.is_empty().then_some(subjects)
}

fn take<const LENGTH: usize>(rest: &mut &[u8]) -> Option<[u8; LENGTH]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}
