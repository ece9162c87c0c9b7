//! Torn tails are cut off; damage is refused, with the name of the file and the place in it.

use std::path::{Path, PathBuf};

use bongsu_journal::testing::SimDisk;
use bongsu_journal::{Journal, JournalError, Layout, OpenError};

use crate::common::{all, append, collect, dir, numbers, open, segment_files};

const HEADER_BYTES: usize = 4096;

/// A file of a segment, and where in it the frames lie: offset and length without padding.
struct Segment {
    path: PathBuf,
    bytes: Vec<u8>,
    frames: Vec<(usize, usize)>,
}

impl Segment {
    fn with(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        bytes
    }
}

/// The segments of a journal that nobody has open.
fn segments(disk: &SimDisk, layout: Layout) -> Vec<Segment> {
    let copy = SimDisk::new();
    for (path, bytes) in disk.files() {
        copy.put_file(&path, &bytes);
    }
    let entries = all(&open(&copy).unwrap());
    let mut found = Vec::new();
    let files = segment_files(disk);
    for (index, path) in files.iter().enumerate() {
        let base_of =
            |path: &Path| u64::from_str_radix(path.file_stem().unwrap().to_str().unwrap(), 16).unwrap();
        let base = base_of(path);
        let end = files.get(index + 1).map_or(u64::MAX, |path| base_of(path));
        let inside = entries.iter().filter(|(position, _)| (base..end).contains(&position.0));
        let frame = |position: u64, len: usize| {
            ((position - base) as usize + HEADER_BYTES, layout.header_bytes() as usize + len)
        };
        let frames = inside.map(|(position, (_, bytes))| frame(position.0, bytes.len())).collect();
        found.push(Segment { path: path.clone(), bytes: disk.files()[path].clone(), frames });
    }
    found
}

/// A journal with a few segments, of which the last has some entries, and that was closed or not.
fn example(closed: bool) -> (SimDisk, Vec<Segment>) {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    let layout = journal.layout();
    for number in WHOLE {
        append(&mut journal, number);
    }
    if closed {
        Box::new(journal).close().unwrap();
    } else {
        drop(journal);
    }
    let segments = segments(&disk, layout);
    assert!(segments.len() >= 3);
    assert!(segments.last().unwrap().frames.len() >= 2);
    (disk, segments)
}

const WHOLE: [u64; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Opens the journal with the file changed to `bytes`, and puts the original back.
fn open_changed(example: &SimDisk, path: &Path, bytes: &[u8]) -> Result<Vec<u64>, OpenError> {
    let disk = SimDisk::new();
    for (path, bytes) in example.files() {
        disk.put_file(&path, &bytes);
    }
    disk.put_file(path, bytes);
    let before = disk.files();
    let opened = open(&disk);
    match opened {
        Ok(mut journal) => {
            let seen = numbers(&journal);
            append(&mut journal, 99);
            drop(journal);
            // The verdict stays the same when the journal goes on.
            let again = numbers(&open(&disk).unwrap());
            assert_eq!(again[..again.len() - 1], seen);
            Ok(seen)
        }
        Err(e) => {
            assert_eq!(disk.files(), before, "a journal that is refused is left as it is");
            Err(e)
        }
    }
}

fn is_damaged_at(result: Result<Vec<u64>, OpenError>, path: &Path, place: usize) {
    match result {
        Err(OpenError::Damaged { file, offset, why }) => {
            assert_eq!((file.as_path(), offset), (path, place as u64), "{why}");
        }
        other => panic!("{} at byte {place}: {other:?}", path.display()),
    }
}

#[test]
fn a_torn_tail_is_cut_off_at_every_byte() {
    let (disk, segments) = example(false);
    let last = segments.last().unwrap();
    let (offset, len) = *last.frames.last().unwrap();
    for kept in 0..len {
        let torn_place = offset + kept;
        // What was not written is zero, or garbage, or not even part of the file.
        let zero = last.with(|bytes| bytes[torn_place..offset + len].fill(0));
        let garbage = last.with(|bytes| bytes[torn_place..offset + len].fill(0xee));
        let short = last.with(|bytes| bytes.truncate(torn_place));
        for bytes in [zero, garbage, short] {
            assert_eq!(open_changed(&disk, &last.path, &bytes).unwrap(), WHOLE[..15], "{kept}");
        }
    }
    assert_eq!(open_changed(&disk, &last.path, &last.bytes).unwrap(), WHOLE);
}

/// Sectors may come to the disk in any order.
#[test]
fn a_torn_tail_without_its_beginning_is_cut_off() {
    let (disk, segments) = example(false);
    let last = segments.last().unwrap();
    let (offset, len) = *last.frames.last().unwrap();
    for lost in 1..len {
        let bytes = last.with(|bytes| bytes[offset..offset + lost].fill(0));
        assert_eq!(open_changed(&disk, &last.path, &bytes).unwrap(), WHOLE[..15], "{lost}");
    }
}

#[test]
fn a_flipped_bit_before_the_last_entry_is_damage() {
    let (disk, segments) = example(false);
    let last = segments.last().unwrap();
    let (_, before) = last.frames.split_last().unwrap();
    for (offset, len) in before {
        for place in *offset..offset + len {
            let bytes = last.with(|bytes| bytes[place] ^= 1 << (place % 8));
            is_damaged_at(open_changed(&disk, &last.path, &bytes), &last.path, *offset);
        }
    }
}

#[test]
fn a_flipped_bit_in_the_last_entry_looks_torn_after_a_crash() {
    let (disk, segments) = example(false);
    let last = segments.last().unwrap();
    let (offset, len) = *last.frames.last().unwrap();
    for place in offset..offset + len {
        let bytes = last.with(|bytes| bytes[place] ^= 1 << (place % 8));
        assert_eq!(open_changed(&disk, &last.path, &bytes).unwrap(), WHOLE[..15], "{place}");
    }
}

#[test]
fn a_flipped_bit_in_the_last_entry_is_damage_after_closing() {
    let (disk, segments) = example(true);
    let last = segments.last().unwrap();
    for (offset, len) in &last.frames {
        for place in *offset..offset + len {
            let bytes = last.with(|bytes| bytes[place] ^= 1 << (place % 8));
            is_damaged_at(open_changed(&disk, &last.path, &bytes), &last.path, *offset);
        }
    }
}

#[test]
fn a_flipped_bit_in_the_header_of_a_segment_is_damage() {
    let (disk, segments) = example(false);
    for segment in &segments {
        for place in (0..128).chain([200, 1000, HEADER_BYTES - 1]) {
            let bytes = segment.with(|bytes| bytes[place] ^= 1 << (place % 8));
            is_damaged_at(open_changed(&disk, &segment.path, &bytes), &segment.path, 0);
        }
    }
}

#[test]
fn a_flipped_bit_in_a_seal_loses_nothing() {
    let (disk, segments) = example(true);
    let last = segments.len() - 1;
    for (index, segment) in segments.iter().enumerate() {
        let len = segment.bytes.len();
        for place in len - 96..len {
            let bytes = segment.with(|bytes| bytes[place] ^= 1 << (place % 8));
            let opened = open_changed(&disk, &segment.path, &bytes);
            if index + 1 < last {
                is_damaged_at(opened, &segment.path, len);
            } else {
                // A crash may have left the last two segments without a seal, so all entries are read.
                assert_eq!(opened.unwrap(), WHOLE);
            }
        }
    }
}

#[test]
fn a_shorter_or_longer_old_segment_is_damage() {
    let (disk, segments) = example(true);
    let first = &segments[0];
    let lens = [0, 1, 4095, 4096, 4100, first.bytes.len() - 96, first.bytes.len() - 1, first.bytes.len() + 8];
    for len in lens {
        let bytes = first.with(|bytes| bytes.resize(len, 0));
        let opened = open_changed(&disk, &first.path, &bytes);
        assert!(matches!(opened, Err(OpenError::Damaged { .. })), "{len}: {opened:?}");
    }
}

/// The last segment but one lost entries that the last one counts on.
#[test]
fn entries_missing_before_the_last_segment_are_damage() {
    let (disk, segments) = example(true);
    let segment = &segments[segments.len() - 2];
    let (offset, _) = *segment.frames.last().unwrap();
    let bytes = segment.with(|bytes| bytes[offset..].fill(0));
    is_damaged_at(open_changed(&disk, &segment.path, &bytes), &segment.path, offset);
}

#[test]
fn damage_in_an_old_segment_shows_when_it_is_read() {
    let (disk, segments) = example(true);
    let segment = &segments[1];
    let (offset, len) = segment.frames[1];
    for place in offset..offset + len {
        disk.put_file(&segment.path, &segment.with(|bytes| bytes[place] ^= 0x10));
        let journal = open(&disk).unwrap();
        let info = journal.segments()[1];
        let mut items = journal.reader().entries(info.base, info.end);
        assert!(items.next().unwrap().is_ok());
        match items.next().unwrap() {
            Err(JournalError::Damaged { file, offset: found, .. }) => {
                assert_eq!((file, found), (segment.path.clone(), offset as u64));
            }
            other => panic!("{other:?}"),
        }
        assert!(items.next().is_none());
    }
}

/// Two entries of equal size in each other's place have right checksums, but the wrong position.
#[test]
fn entries_in_the_wrong_place_are_damage() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    let layout = journal.layout();
    for number in [2, 10, 18, 26] {
        append(&mut journal, number);
    }
    drop(journal);
    let segments = segments(&disk, layout);
    let only = &segments[0];
    let frames: Vec<usize> = only.frames.iter().map(|(offset, _)| *offset).collect();
    let swapped = only.with(|bytes| {
        let (one, other) = bytes.split_at_mut(frames[2]);
        one[frames[1]..frames[1] + 96].swap_with_slice(&mut other[..96]);
    });
    is_damaged_at(open_changed(&disk, &only.path, &swapped), &only.path, frames[1]);
}

#[test]
fn a_segment_of_another_journal_is_refused() {
    let (disk, segments) = example(false);
    // Ids are drawn in order, so a second journal on the same disk has another one.
    let elsewhere = PathBuf::from("/elsewhere");
    let other = bongsu_journal::FileJournal::open(
        std::sync::Arc::new(disk.clone()),
        &elsewhere,
        crate::common::SMALL,
    );
    drop(other.unwrap());
    let foreign = disk.files()[&elsewhere.join("0000000000001000.segment")].clone();
    let path = &segments[0].path;
    is_damaged_at(open_changed(&disk, path, &foreign), path, 16);
    // Under the name of a later segment it lies in the wrong place as well.
    let path = &segments[1].path;
    is_damaged_at(open_changed(&disk, path, &foreign), path, 0);
}

#[test]
fn a_later_format_is_refused_as_such() {
    let (disk, segments) = example(false);
    let last = segments.last().unwrap();
    let newer = last.with(|bytes| {
        bytes[8] = 2;
        let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..HEADER_BYTES]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    });
    let opened = open_changed(&disk, &last.path, &newer);
    assert!(matches!(&opened, Err(OpenError::Format { file, .. }) if *file == last.path), "{opened:?}");

    let format = dir().join("FORMAT");
    let text = String::from_utf8(disk.files()[&format].clone()).unwrap();
    for text in [text.replace("version 1", "version 2"), text.replace("id ", "in "), String::new()] {
        let opened = open_changed(&disk, &format, text.as_bytes());
        assert!(matches!(&opened, Err(OpenError::Format { file, .. }) if *file == format), "{opened:?}");
    }
}

#[test]
fn files_that_are_gone_are_noticed() {
    let (disk, segments) = example(false);
    let format = dir().join("FORMAT");
    let text = disk.files()[&format].clone();
    disk.take_file(&format);
    assert!(matches!(open(&disk), Err(OpenError::Damaged { file, .. }) if file == format));
    disk.put_file(&format, &text);
    for segment in &segments {
        disk.take_file(&segment.path);
    }
    assert!(matches!(open(&disk), Err(OpenError::Damaged { file, .. }) if file == format));
}

#[test]
fn files_of_others_are_let_be() {
    let (disk, _) = example(false);
    for name in ["notes.txt", "x.segment", "1000.segment", "000000000000100Z.segment"] {
        disk.put_file(&dir().join(name), b"not ours");
    }
    let journal = open(&disk).unwrap();
    assert_eq!(numbers(&journal), WHOLE);
    assert!(disk.files().contains_key(&dir().join("1000.segment")));
}

#[test]
fn the_refusal_names_file_and_place() {
    let (disk, segments) = example(true);
    let first = &segments[0];
    disk.put_file(&first.path, &first.bytes[..4200]);
    let text = open(&disk).map(|_| ()).unwrap_err().to_string();
    assert!(text.starts_with("/journal/0000000000001000.segment is damaged at byte 4200: "), "{text}");
}

#[test]
fn collecting_stops_at_the_first_error() {
    let (disk, _) = example(true);
    let journal = open(&disk).unwrap();
    disk.fail(bongsu_journal::testing::Step::Read, 1, rustix::io::Errno::IO.raw_os_error());
    let range = journal.reader().entries(journal.segments()[0].base, journal.tail());
    assert!(matches!(collect(range), Err(JournalError::Io { .. })));
}
