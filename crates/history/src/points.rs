//! The file of values: a head, then groups of columns, each with its four rings of rows.
//!
//! Rows carry their number, so that what was there before in a ring is known as such, and a checksum over it, its place
//! and its values, so that a torn or damaged row is a gap and nothing else. Nothing is synced: what a crash takes is points.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::HistoryError;
use crate::code;
use crate::rings::{GROUP_BYTES, GROUP_COLUMNS, RINGS, ROW_BYTES};

const MAGIC: [u8; 8] = *b"BONGSUHP";
const VERSION: u32 = 1;
const HEAD_BYTES: u64 = 4096;
/// Magic, version, identity, checksum.
const HEAD_USED: usize = 24;

/// A row that is to be written, over all groups. Columns beyond its end have no value.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) ring: usize,
    pub(crate) number: u32,
    pub(crate) codes: Vec<u16>,
}

#[derive(Debug)]
pub(crate) struct Points {
    file: File,
    path: PathBuf,
    /// Says which file of subjects belongs to it.
    identity: u64,
}

impl Points {
    /// Begins a new file in place of any that is there.
    pub(crate) fn create(path: &Path, identity: u64) -> Result<Self, HistoryError> {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(true).read(true).write(true).open(path);
        let file = file.map_err(HistoryError::io(path))?;
        file.write_all_at(&head(identity), 0).map_err(HistoryError::io(path))?;
        Ok(Self { file, path: path.to_path_buf(), identity })
    }

    /// Opens what is there; `None` if that is nothing, or nothing that can be understood.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, HistoryError> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(None),
            result => result.map_err(HistoryError::io(path))?,
        };
        let mut found = [0; HEAD_USED];
        let complete = read_up_to(&file, &mut found, 0).map_err(HistoryError::io(path))? == HEAD_USED;
        let [.., a, b, c, d, e, f, g, h, _, _, _, _] = found;
        let identity = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let understood = complete && found == head(identity);
        Ok(understood.then(|| Self { file, path: path.to_path_buf(), identity }))
    }

    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    /// How many groups the file has room for.
    pub(crate) fn groups(&self) -> Result<usize, HistoryError> {
        let bytes = self.file.metadata().map_err(HistoryError::io(&self.path))?.len();
        Ok(usize::try_from(bytes.saturating_sub(HEAD_BYTES).div_ceil(GROUP_BYTES)).unwrap_or(usize::MAX))
    }

    /// Gives back the room of all groups but the first ones.
    pub(crate) fn keep_groups(&self, groups: usize) -> Result<(), HistoryError> {
        if self.groups()? > groups {
            self.file.set_len(place(groups)).map_err(HistoryError::io(&self.path))?;
        }
        Ok(())
    }

    /// Writes rows, for each group those that lie side by side in one go. Rows without a value in a group are left out there.
    pub(crate) fn write(&self, rows: &[Row]) -> Result<(), HistoryError> {
        let columns = rows.iter().map(|row| row.codes.len()).max().unwrap_or(0);
        for group in 0..columns.div_ceil(GROUP_COLUMNS) {
            // From the coarsest on: should it end between them, what is missing in a coarse row is made again from fine ones.
            for ring in (0..RINGS.len()).rev() {
                self.write_group(rows.iter().filter(|row| row.ring == ring), ring, group)?;
            }
        }
        Ok(())
    }

    fn write_group<'a>(
        &self,
        rows: impl Iterator<Item = &'a Row>,
        ring: usize,
        group: usize,
    ) -> Result<(), HistoryError> {
        let (mut first, mut bytes) = (0, Vec::new());
        for row in rows {
            let columns = row.codes.iter().skip(group * GROUP_COLUMNS).take(GROUP_COLUMNS);
            if columns.clone().all(|&code| code == code::NONE) {
                continue;
            }
            let slot = RINGS[ring].slot(row.number);
            let written = u32::try_from(bytes.len() / ROW_BYTES).unwrap_or(u32::MAX);
            if !bytes.is_empty() && slot != first + written {
                self.write_at(&bytes, ring, group, first)?;
                bytes.clear();
            }
            if bytes.is_empty() {
                first = slot;
            }
            self.append_row(&mut bytes, ring, group, row.number, columns.copied());
        }
        if bytes.is_empty() { Ok(()) } else { self.write_at(&bytes, ring, group, first) }
    }

    fn append_row(
        &self,
        bytes: &mut Vec<u8>,
        ring: usize,
        group: usize,
        number: u32,
        codes: impl Iterator<Item = u16>,
    ) {
        let start = bytes.len();
        bytes.resize(start + ROW_BYTES, 0);
        let row = &mut bytes[start..];
        for (place, code) in row[8..].chunks_exact_mut(2).zip(codes) {
            place.copy_from_slice(&code.to_le_bytes());
        }
        let checksum = self.checksum(ring, group, number, &row[8..]);
        row[..4].copy_from_slice(&number.to_le_bytes());
        row[4..8].copy_from_slice(&checksum.to_le_bytes());
    }

    fn write_at(&self, bytes: &[u8], ring: usize, group: usize, slot: u32) -> Result<(), HistoryError> {
        let at = place(group) + RINGS[ring].offset(slot);
        self.file.write_all_at(bytes, at).map_err(HistoryError::io(&self.path))
    }

    /// Calls `found` with each row of a range that is in the file, in the order of time: its number and values.
    pub(crate) fn read(
        &self,
        ring: usize,
        group: usize,
        numbers: Range<u32>,
        mut found: impl FnMut(u32, &[u8]),
    ) -> Result<(), HistoryError> {
        let rows = RINGS[ring].rows;
        let mut next = numbers.start.max(numbers.end.saturating_sub(rows));
        while next < numbers.end {
            let slot = RINGS[ring].slot(next);
            let count = (numbers.end - next).min(rows - slot);
            let bytes = self.read_slots(ring, group, slot, count)?;
            for (number, row) in (next..).zip(bytes.chunks_exact(ROW_BYTES)) {
                if self.number_of(ring, group, row) == Some(number) {
                    found(number, &row[8..]);
                }
            }
            next += count;
        }
        Ok(())
    }

    /// The number of the newest row of a ring, if there is any.
    pub(crate) fn newest(&self, ring: usize, group: usize) -> Result<Option<u32>, HistoryError> {
        let bytes = self.read_slots(ring, group, 0, RINGS[ring].rows)?;
        Ok(bytes.chunks_exact(ROW_BYTES).filter_map(|row| self.number_of(ring, group, row)).max())
    }

    /// Removes all rows that reach beyond the beginning of `tick`.
    pub(crate) fn wipe_from(&self, tick: u32) -> Result<(), HistoryError> {
        for group in 0..self.groups()? {
            for (ring, shape) in RINGS.iter().enumerate() {
                let bytes = self.read_slots(ring, group, 0, shape.rows)?;
                for (slot, row) in (0..).zip(bytes.chunks_exact(ROW_BYTES)) {
                    let number = self.number_of(ring, group, row);
                    if number.is_some_and(|number| shape.end_of(number) > u64::from(tick)) {
                        self.write_at(&[0; ROW_BYTES], ring, group, slot)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What there is of some rows that lie side by side. Less where the file ends.
    fn read_slots(&self, ring: usize, group: usize, slot: u32, count: u32) -> Result<Vec<u8>, HistoryError> {
        let mut bytes = vec![0; count as usize * ROW_BYTES];
        let at = place(group) + RINGS[ring].offset(slot);
        let length = read_up_to(&self.file, &mut bytes, at).map_err(HistoryError::io(&self.path))?;
        bytes.truncate(length);
        Ok(bytes)
    }

    fn number_of(&self, ring: usize, group: usize, row: &[u8]) -> Option<u32> {
        let (head, codes) = row.split_first_chunk::<8>()?;
        let [a, b, c, d, e, f, g, h] = *head;
        let number = u32::from_le_bytes([a, b, c, d]);
        let checksum = u32::from_le_bytes([e, f, g, h]);
        (checksum == self.checksum(ring, group, number, codes)).then_some(number)
    }

    fn checksum(&self, ring: usize, group: usize, number: u32, codes: &[u8]) -> u32 {
        let mut place = [0; 24];
        place[..8].copy_from_slice(&self.identity.to_le_bytes());
        place[8..16].copy_from_slice(&(group as u64).to_le_bytes());
        place[16..20].copy_from_slice(&(ring as u32).to_le_bytes());
        place[20..].copy_from_slice(&number.to_le_bytes());
        crc32c::crc32c_append(crc32c::crc32c(&place), codes)
    }
}

/// The value of a column in a row's values.
pub(crate) fn code_in(codes: &[u8], column: usize) -> u16 {
    match codes.get(2 * column..2 * column + 2) {
        Some(&[low, high]) => u16::from_le_bytes([low, high]),
        _ => code::NONE,
    }
}

fn place(group: usize) -> u64 {
    HEAD_BYTES + group as u64 * GROUP_BYTES
}

fn head(identity: u64) -> [u8; HEAD_USED] {
    let mut head = [0; HEAD_USED];
    head[..8].copy_from_slice(&MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head[12..20].copy_from_slice(&identity.to_le_bytes());
    let checksum = crc32c::crc32c(&head[..20]);
    head[20..].copy_from_slice(&checksum.to_le_bytes());
    head
}

fn read_up_to(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], at + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(reason) if reason.kind() == ErrorKind::Interrupted => {}
            Err(reason) => return Err(reason),
        }
    }
    Ok(done)
}
