//! Tests of the bytes on the disk: that they are those of `docs/journal-format.md`, and what can't be told from outside.

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use super::format::{
    Chain, FRAME_HEADER_BYTES, FrameHeader, FrameKind, HeaderFault, LAYOUT, LogId, NewFrame, SegmentHeader,
    format_text, parse_format_text, segment_base, segment_name,
};
use super::{FileJournal, FileOptions};
use crate::testing::{Loss, SimDisk};
use crate::{Disk, Journal, OpenError, Position, Stamp};

const ID: LogId = LogId(*b"0123456789abcdef");

const OPTIONS: FileOptions = FileOptions {
    segment_bytes: 64 << 10,
    max_payload_bytes: 4 << 10,
    max_open_files: 4,
    recent_bytes: 8 << 10,
    allocate_in_background: false,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn frame(payload: &[u8]) -> NewFrame<'_> {
    NewFrame {
        position: Position(0x1122_3344_5566_7788),
        epoch: 0x0102_0304,
        stamp: Stamp { time_ms: 0x1111_2222_3333_4444, mark: 0x5555_6666_7777_8888 },
        durable: Position(0x0a0b_0c0d_0e0f_1011),
        payload,
        payload_len: u32::try_from(payload.len()).unwrap(),
    }
}

/// The bytes of version 1, for good: a change here is a new version of the format. Checksums and chain were computed by
/// another program from the description of the format.
#[test]
fn a_frame_has_these_bytes() {
    let header = FrameHeader::entry(ID, &frame(b"beacon"), &ID.first_chain());
    let bytes = header.encode(ID);
    let parts = [
        "42474652",                         // magic
        "6d696e77",                         // checksum of what follows
        "06000000",                         // length of the payload
        "2abc6bac",                         // checksum of the payload
        "8877665544332211",                 // position
        "0403020100000000",                 // epoch
        "4444333322221111",                 // time
        "8888777766665555",                 // mark
        "11100f0e0d0c0b0a",                 // durable mark
        "0000000000000000",                 // flags, reserved
        "2189c7cc573d6b25fc940797c082af68", // chain
        "00000000000000000000000000000000", // reserved
    ];
    assert_eq!(hex(&bytes), parts.concat());
    assert_eq!(FrameHeader::decode(ID, &bytes), Some(header));
}

#[test]
fn a_segment_header_has_these_bytes() {
    let header = SegmentHeader {
        id: ID,
        base: 0x1000,
        epoch: 3,
        durable: 0x1000,
        last_stamp: Some(Stamp { time_ms: 0x11, mark: 0x22 }),
        chain: *b"fedcba9876543210",
    };
    let block = header.encode();
    let parts = [
        "424f4e4753555347",                 // magic
        "01000000",                         // version
        "9c615115",                         // checksum
        "30313233343536373839616263646566", // id
        "0010000000000000",                 // base
        "0300000000000000",                 // epoch
        "0010000000000000",                 // durable mark
        "0100000000000000",                 // flags
        "1100000000000000",                 // time
        "2200000000000000",                 // mark
        "66656463626139383736353433323130", // chain
    ];
    assert_eq!(hex(&block[..96]), parts.concat());
    assert_eq!(block.len(), 4096);
    assert!(block[96..].iter().all(|byte| *byte == 0));
    assert_eq!(SegmentHeader::decode(&block), Ok(header));
}

#[test]
fn a_header_without_a_stamp_has_none() {
    let header =
        SegmentHeader { id: ID, base: 8, epoch: 1, durable: 8, last_stamp: None, chain: ID.first_chain() };
    assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header));
    assert!(matches!(SegmentHeader::decode(&[0; 4096]), Err(HeaderFault::Damaged(_))));
}

#[test]
fn names_of_segments_are_read_back() {
    assert_eq!(segment_name(0x1000), "0000000000001000.segment");
    for base in [0, 1, 0x1000, u64::MAX] {
        assert_eq!(segment_base(&segment_name(base)), Some(base));
    }
    for name in ["1000.segment", "000000000000100A.segment", "+000000000001000.segment", "x", ".segment"] {
        assert_eq!(segment_base(name), None, "{name}");
    }
}

#[test]
fn the_format_file_is_read_back() {
    let text = format_text(ID);
    assert_eq!(text, "bongsu journal\nversion 1\nid 30313233343536373839616263646566\n");
    assert_eq!(parse_format_text(&text), Ok(ID));
    for (from, to) in [("bongsu", "other"), ("version 1", "version 10"), ("id 3", "id +"), ("id 30", "id 3")]
    {
        assert!(parse_format_text(&text.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn each_field_is_part_of_the_chain() {
    let previous = ID.first_chain();
    let chain = FrameHeader::entry(ID, &frame(b"x"), &previous).chain;
    let changed = [
        NewFrame { position: Position(8), ..frame(b"x") },
        NewFrame { epoch: 9, ..frame(b"x") },
        NewFrame { stamp: Stamp { time_ms: 1, ..frame(b"x").stamp }, ..frame(b"x") },
        NewFrame { stamp: Stamp { mark: 1, ..frame(b"x").stamp }, ..frame(b"x") },
        NewFrame { durable: Position(8), ..frame(b"x") },
        frame(b"y"),
        frame(b"xx"),
    ];
    for frame in changed {
        assert_ne!(FrameHeader::entry(ID, &frame, &previous).chain, chain);
    }
    assert_ne!(FrameHeader::entry(ID, &frame(b"x"), &[1; 16]).chain, chain);
}

fn open(disk: &SimDisk) -> Result<FileJournal, OpenError> {
    FileJournal::open(Arc::new(disk.clone()), Path::new("/journal"), OPTIONS)
}

/// Puts a frame with a valid checksum at the end of a new journal's log, as `change` wants it: it is given the header and
/// the chain's value before.
fn with_frame(change: impl FnOnce(&mut FrameHeader, &Chain)) -> Result<FileJournal, OpenError> {
    let disk = SimDisk::new();
    let journal = open(&disk).unwrap();
    let (id, path, chain) = (journal.shared.id, Arc::clone(&journal.active.segment.path), journal.chain);
    let frame = NewFrame {
        position: journal.tail(),
        epoch: 1,
        stamp: Stamp::default(),
        durable: journal.tail(),
        payload: b"",
        payload_len: 0,
    };
    let mut header = FrameHeader::entry(id, &frame, &chain);
    drop(journal);
    change(&mut header, &chain);
    let file = disk.open(&path).unwrap();
    file.write_at(4096, &[IoSlice::new(&header.encode(id))]).unwrap();
    open(&disk)
}

#[test]
fn frames_that_no_crash_can_leave_are_damage() {
    assert_eq!(with_frame(|_, _| ()).unwrap().tail(), LAYOUT.next(Position::FIRST, 0));
    let wrong_by_themselves: [fn(&mut FrameHeader); 4] = [
        |header| header.position += 8,
        |header| header.epoch = 2,
        |header| header.durable = header.position + 8,
        |header| header.durable = u64::MAX,
    ];
    for (index, change) in wrong_by_themselves.into_iter().enumerate() {
        let opened = with_frame(|header, chain| {
            change(header);
            header.chain = header.chain_after(chain);
        });
        assert!(matches!(opened, Err(OpenError::Damaged { offset: 4096, .. })), "{index}");
    }
    let wrong_in_the_chain: [fn(&mut FrameHeader); 2] =
        [|header| header.chain[0] ^= 1, |header| header.stamp.mark += 1];
    for (index, change) in wrong_in_the_chain.into_iter().enumerate() {
        let opened = with_frame(|header, _| change(header));
        assert!(matches!(opened, Err(OpenError::Damaged { offset: 4096, .. })), "{index}");
    }
}

#[test]
fn a_frame_of_a_later_version_is_refused_as_such() {
    let opened = with_frame(|header, _| header.kind = FrameKind::Unknown(4));
    assert!(matches!(opened, Err(OpenError::Format { .. })));
}

/// The story: a client sends a body that looks like entries of the log, for a place that it has guessed. The entry is
/// torn by a crash. What the body holds must not be taken for entries, nor for a proof of damage.
#[test]
fn a_body_that_looks_like_entries_is_not_taken_for_them() {
    let disk = SimDisk::new();
    let mut journal = open(&disk).unwrap();
    let first = journal.tail();
    journal.append(first, Stamp::default(), b"first").unwrap();
    let entry = journal.tail();
    let mut body = Vec::new();
    for number in 0..20 {
        let position = Position(LAYOUT.within(entry, 0).0 + number * FRAME_HEADER_BYTES as u64);
        let forged = NewFrame { position, epoch: 1, durable: position, ..frame(b"") };
        body.extend(FrameHeader::entry(ID, &forged, &[0; 16]).encode(ID));
    }
    disk.crash_at(disk.steps() + 2);
    journal.append(entry, Stamp::default(), &body).unwrap_err();
    let mut outcomes = [0; 2];
    disk.kill_process();
    drop(journal);
    let files = disk.files();
    let (path, bytes) =
        files.iter().find(|(path, _)| path.extension().is_some_and(|e| e == "segment")).unwrap();
    // Every choice of sectors that may have come to the disk, its header among them or not.
    let offset = usize::try_from(entry.0).unwrap();
    for sectors in 0..32_usize {
        let torn = SimDisk::new();
        for (path, bytes) in &files {
            torn.put_file(path, bytes);
        }
        let mut changed = bytes.clone();
        for sector in (0..5).filter(|sector| sectors & 1 << sector == 0) {
            let start = (offset + sector * 512) / 512 * 512;
            changed[start.max(offset)..start + 512].fill(0);
        }
        torn.put_file(path, &changed);
        let journal = open(&torn).unwrap();
        let whole = journal.tail() != entry;
        outcomes[usize::from(whole)] += 1;
    }
    assert_eq!(outcomes, [31, 1]);
    disk.lose_power(Loss::Everything);
}
