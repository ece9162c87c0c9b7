//! Opening: finding the end of the log, telling a torn tail from damage, and making what was found certain.
//!
//! Every append was synced before the next one was written, and a segment was sealed before the next one was made.
//! So at most the last entry can be torn, and everything before it was durable. The last entry itself may have been
//! read from the page cache of a process that died before its sync: it is rewritten into a new segment, which is
//! durable before anything is shown. Each step leaves a directory that the same procedure understands:
//!
//! 1. New segment under a temporary name: it is removed by the next opening, and everything is as before.
//! 2. New segment under its own name, which is its base: the older segment counts only up to that base, whatever
//!    its file holds behind it. With the same base it has taken the place of the older file.
//! 3. The older segment cut and sealed at that base. A crash within this step is found by the missing seal of the
//!    last segment but one; the step is then done again, before anything else.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::format::{
    Chain, FrameHeader, LAYOUT, LogId, SEAL_BYTES, SEGMENT_HEADER_BYTES, format_text, parse_format_text,
    segment_base,
};
use super::segment_file::{End, FoundSegment, header_after, install, put_text, seal};
use super::shared::Segment;
use super::spare::{Progress, SPARE_NAME, Sizes, Spare, Zeros, allocate, is_full};
use super::window::{Found, Link, Window};
use super::{FileOptions, io_error};
use crate::{Disk, JournalError, OpenError, Position, Stamp};

pub(super) const FORMAT_NAME: &str = "FORMAT";
pub(super) const NEW_NAME: &str = "new.tmp";
const TEMPORARY_NAMES: [&str; 3] = [SPARE_NAME, NEW_NAME, "FORMAT.tmp"];

/// The largest file that is taken for a `FORMAT` file.
const MAX_FORMAT_BYTES: u64 = 4096;

/// An opened log: all that the journal needs to go on.
pub(super) struct Recovered {
    pub(super) id: LogId,
    pub(super) epoch: u64,
    /// In order of position, without the active one.
    pub(super) sealed: Vec<Segment>,
    pub(super) active: Segment,
    pub(super) file: Spare,
    pub(super) tail: Position,
    pub(super) chain: Chain,
    pub(super) last_stamp: Option<Stamp>,
}

/// Opens the log in `dir`, which is locked.
pub(super) fn recover(disk: &dyn Disk, dir: &Path, options: &FileOptions) -> Result<Recovered, OpenError> {
    let (id, found) = find_segments(disk, dir)?;
    let Some((last, older)) = found.split_last() else {
        return create(disk, dir, id, options);
    };
    // A process that died may have given the last segment its name and not have synced it. Before an older segment is cut
    // for its sake, the name must be certain.
    disk.sync_dir(dir).map_err(|e| io_error("syncing", dir, e))?;
    // The last segment is judged first: nothing is changed when the journal is refused.
    let scanned = scan(disk, last, None)?;
    let mut sealed = Vec::with_capacity(found.len());
    for (index, (segment, next)) in older.iter().zip(&found[1..]).enumerate() {
        let next_is_last = index + 1 == older.len();
        let end = check_older(disk, segment, next, next_is_last)?;
        sealed.push(known_segment(segment, end));
    }
    if let Some((offset, why)) = scanned.torn {
        let file = last.path.display();
        tracing::warn!(%file, offset, why, "cut off the end of an entry that was being written when the journal ended");
    }
    let epoch = last.header.epoch + 1;
    #[cfg(feature = "planted")]
    let epoch = epoch - u64::from(crate::planted::is(crate::planted::Fault::RepeatEpoch));
    let certain = scanned.is_sealed;
    #[cfg(feature = "planted")]
    let certain = certain || crate::planted::is(crate::planted::Fault::TrustPageCache);
    let start = if certain { scanned.end } else { scanned.before_last };
    let rewritten = scanned.last.as_ref().filter(|_| !certain);
    let frame_bytes = rewritten.map_or(0, |(header, _)| LAYOUT.frame_bytes(header.payload_len));
    let file =
        allocate_first(disk, dir, options.opening_sizes(frame_bytes), || give_back(disk, last, &scanned))?;
    let header = header_after(id, start, epoch);
    let frame = rewritten.map(|(header, payload)| (header, payload.as_ref()));
    let path = install(disk, dir, (NEW_NAME, file.file.as_ref()), &header, frame)?;
    if start.position != last.header.base {
        // Also where a seal is there already: a process that died may not have come to cutting the file or syncing it.
        seal(last.file(disk)?.as_ref(), &last.path, last.place(), start)?;
        sealed.push(known_segment(last, start.position));
    }
    let active = Segment::new(start.position, epoch, start.chain, path);
    active.publish(scanned.end.position);
    let tail = Position(scanned.end.position);
    Ok(Recovered {
        id,
        epoch,
        sealed,
        active,
        file,
        tail,
        chain: scanned.end.chain,
        last_stamp: scanned.end.stamp,
    })
}

/// The id of the journal and its segments in order of position; none in a new directory.
fn find_segments(disk: &dyn Disk, dir: &Path) -> Result<(LogId, Vec<FoundSegment>), OpenError> {
    let names = disk.list(dir).map_err(|e| io_error("listing", dir, e))?;
    let mut bases: Vec<u64> = names.iter().filter_map(|name| segment_base(name)).collect();
    bases.sort_unstable();
    let mut found = Vec::with_capacity(bases.len());
    for base in bases {
        found.push(FoundSegment::open(disk, dir, base)?);
    }
    let format = dir.join(FORMAT_NAME);
    let missing = |why: &str| OpenError::Damaged { file: format.clone(), offset: 0, why: why.to_owned() };
    let id = if names.iter().any(|name| name == FORMAT_NAME) {
        if found.is_empty() {
            return Err(missing("the file is there, but no segment"));
        }
        read_format(disk, &format)?
    } else {
        match found.as_slice() {
            [] => LogId(disk.random_id().map_err(|e| io_error("drawing an id for", dir, e))?),
            // The journal was being made when the process ended: the file comes last.
            [only] if is_untouched(disk, only)? => {
                put_text(disk, dir, FORMAT_NAME, &format_text(only.header.id))?;
                only.header.id
            }
            _ => return Err(missing("the file is missing")),
        }
    };
    if let Some(foreign) = found.iter().find(|segment| segment.header.id != id) {
        return Err(foreign.damaged(16, "the segment belongs to another journal"));
    }
    Ok((id, found))
}

pub(super) fn read_format(disk: &dyn Disk, path: &Path) -> Result<LogId, OpenError> {
    parse_format_text(&read_format_text(disk, path)?)
        .map_err(|why| OpenError::Format { file: path.to_path_buf(), why })
}

/// The text of the file `FORMAT`, whatever it says.
pub(super) fn read_format_text(disk: &dyn Disk, path: &Path) -> Result<String, JournalError> {
    let file = disk.open(path).map_err(|e| io_error("opening", path, e))?;
    let len_bytes = file.len_bytes().map_err(|e| io_error("measuring", path, e))?;
    let mut bytes = vec![0; usize::try_from(len_bytes.min(MAX_FORMAT_BYTES)).unwrap_or(0)];
    file.read_at(0, &mut bytes).map_err(|e| io_error("reading", path, e))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether this is the segment that a new journal begins with, and nothing was ever appended.
fn is_untouched(disk: &dyn Disk, segment: &FoundSegment) -> Result<bool, OpenError> {
    let first = segment.header.base == Position::FIRST.0 && segment.header.epoch == 1;
    Ok(first && scan(disk, segment, None)?.last.is_none())
}

/// Makes a new journal.
fn create(disk: &dyn Disk, dir: &Path, id: LogId, options: &FileOptions) -> Result<Recovered, OpenError> {
    let epoch = 1;
    let start = End { position: Position::FIRST.0, chain: id.first_chain(), stamp: None };
    let file = allocate_first(disk, dir, options.opening_sizes(0), || Ok(false))?;
    let path = install(disk, dir, (NEW_NAME, file.file.as_ref()), &header_after(id, start, epoch), None)?;
    put_text(disk, dir, FORMAT_NAME, &format_text(id))?;
    let active = Segment::new(start.position, epoch, start.chain, path);
    Ok(Recovered {
        id,
        epoch,
        sealed: Vec::new(),
        active,
        file,
        tail: Position::FIRST,
        chain: start.chain,
        last_stamp: None,
    })
}

/// Removes what an earlier opening was making when it ended; also for the space that it takes.
fn remove_temporary(disk: &dyn Disk, dir: &Path) -> Result<(), JournalError> {
    let names = disk.list(dir).map_err(|e| io_error("listing", dir, e))?;
    for name in names.iter().filter(|name| TEMPORARY_NAMES.contains(&name.as_str())) {
        let path = dir.join(name);
        disk.remove(&path).map_err(|e| io_error("removing", &path, e))?;
    }
    Ok(())
}

/// Allocates the segment that opening needs. Without space for it, `give_back` may free some (and tells whether it did).
fn allocate_first(
    disk: &dyn Disk,
    dir: &Path,
    sizes: Sizes,
    give_back: impl FnOnce() -> Result<bool, OpenError>,
) -> Result<Spare, OpenError> {
    remove_temporary(disk, dir)?;
    let path = dir.join(NEW_NAME);
    let mut made = allocate(disk, &path, sizes, Zeros::WriteUnsynced, &Progress::default());
    if matches!(&made, Err(e) if is_full(e)) && give_back()? {
        made = allocate(disk, &path, sizes, Zeros::WriteUnsynced, &Progress::default());
    }
    made.map_err(|e| {
        if is_full(&e) {
            OpenError::Full { dir: dir.to_path_buf(), needed_bytes: sizes.min_bytes }
        } else {
            io_error("allocating", &path, e).into()
        }
    })
}

/// Cuts off what is allocated behind the end of the log. Nothing there counts, so a crash at any moment is no matter.
fn give_back(disk: &dyn Disk, last: &FoundSegment, scanned: &Scanned) -> Result<bool, OpenError> {
    let keep_bytes = last.place().offset(scanned.end.position);
    if scanned.is_sealed || keep_bytes == last.len_bytes {
        return Ok(false);
    }
    let file = last.file(disk)?;
    let cut = || {
        file.truncate(keep_bytes)?;
        file.sync_all()
    };
    cut().map_err(|e| io_error("cutting", &last.path, e))?;
    Ok(true)
}

fn known_segment(found: &FoundSegment, end: u64) -> Segment {
    let header = &found.header;
    let segment = Segment::new(header.base, header.epoch, header.chain, found.path.to_path_buf());
    segment.publish(end);
    segment.seal();
    segment
}

/// Checks that a segment before the last one is complete and fits to the `next` one; returns where it ends.
fn check_older(
    disk: &dyn Disk,
    segment: &FoundSegment,
    next: &FoundSegment,
    next_is_last: bool,
) -> Result<u64, OpenError> {
    if next.header.epoch < segment.header.epoch {
        return Err(next.damaged(40, "the segment's epoch is lower than that of the one before"));
    }
    let next_base = next.header.base;
    match &segment.seal {
        None if next_is_last => finish_cut(disk, segment, next),
        None => Err(segment.damaged(segment.len_bytes, "the seal at the end of the segment is missing")),
        Some(seal) if seal.position > next_base => {
            Err(next.damaged(32, "the segment begins before the one before it ends"))
        }
        Some(seal) if seal.position == next_base && seal.chain != next.header.chain => {
            Err(next.damaged(80, "the segment does not follow upon the one before"))
        }
        Some(found) => {
            #[cfg(feature = "planted")]
            let next_is_last = next_is_last && !crate::planted::is(crate::planted::Fault::TrustSeal);
            if next_is_last {
                // It may be the work of a recovery that was interrupted before it had synced it, or whose sync failed:
                // then the page cache holds what no later sync would write, so it is written again.
                let end = End { position: found.position, chain: found.chain, stamp: Some(found.stamp) };
                seal(segment.file(disk)?.as_ref(), &segment.path, segment.place(), end)?;
            }
            Ok(found.position)
        }
    }
}

/// Ends a recovery that was interrupted after the new segment `next` had been made: cuts and seals `segment` where the
/// new one begins.
fn finish_cut(disk: &dyn Disk, segment: &FoundSegment, next: &FoundSegment) -> Result<u64, OpenError> {
    let base = next.header.base;
    let scanned = scan(disk, segment, Some(base))?;
    if scanned.end.position != base || scanned.end.chain != next.header.chain {
        let offset = segment.place().offset(scanned.end.position);
        let why = format!("entries are missing here, before the segment that begins at position {base}");
        return Err(segment.damaged(offset, why));
    }
    seal(segment.file(disk)?.as_ref(), &segment.path, segment.place(), scanned.end)?;
    Ok(base)
}

/// What the frames of a segment amount to.
struct Scanned {
    end: End,
    /// Where the last entry begins; `end` when there is none.
    before_last: End,
    last: Option<(FrameHeader, Bytes)>,
    is_sealed: bool,
    /// Where in the file the remains of an entry lie, and what is wrong with it.
    torn: Option<(u64, &'static str)>,
}

/// Reads the frames of a segment up to its seal, to `stop`, or to where no frame begins.
fn scan(disk: &dyn Disk, segment: &FoundSegment, stop: Option<u64>) -> Result<Scanned, OpenError> {
    let header = &segment.header;
    let start = End { position: header.base, chain: header.chain, stamp: header.last_stamp };
    let mut scanned = Scanned { end: start, before_last: start, last: None, is_sealed: false, torn: None };
    let place = segment.place();
    let mut window = Window::new(segment.file(disk)?, Arc::clone(&segment.path), segment.len_bytes);
    let mut epoch = 0;
    while stop.is_none_or(|stop| scanned.end.position < stop) {
        let position = scanned.end.position;
        let offset = place.offset(position);
        let link = Link { chain: Some(scanned.end.chain), epoch };
        match place.frame_at(&mut window, position, link)? {
            Found::Entry(header, payload) => {
                let next = LAYOUT.next(Position(position), header.payload_len).0;
                scanned.before_last = scanned.end;
                scanned.end = End { position: next, chain: header.chain, stamp: Some(header.stamp) };
                epoch = header.epoch;
                scanned.last = Some((header, payload));
            }
            Found::Seal => {
                refuse_later_frame(
                    segment,
                    &mut window,
                    offset,
                    offset + SEAL_BYTES,
                    "the segment is sealed",
                )?;
                scanned.is_sealed = true;
                break;
            }
            Found::Nothing { why, resume } => {
                refuse_later_frame(segment, &mut window, offset, resume, why)?;
                scanned.torn = is_touched(&mut window, offset)?.then_some((offset, why));
                break;
            }
            Found::Wrong(why) => return Err(segment.damaged(offset, why)),
            Found::Newer(flags) => {
                let why = format!("the entry at byte {offset} has unknown flags {flags:#x}");
                return Err(OpenError::Format { file: segment.path.to_path_buf(), why });
            }
        }
    }
    // An entry can only have been cut short within what was allocated for it.
    debug_assert!(place.offset(scanned.end.position) >= SEGMENT_HEADER_BYTES);
    Ok(scanned)
}

/// A frame behind the place where the log seems to end was written after what was there had been durable: it is damage.
fn refuse_later_frame(
    segment: &FoundSegment,
    window: &mut Window,
    offset: u64,
    from: u64,
    why: &str,
) -> Result<(), OpenError> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Fault::CutDamage) {
        return Ok(());
    }
    match segment.place().later_frame(window, from)? {
        None => Ok(()),
        Some(later) => {
            let why = format!("{why}, but an entry that was written later follows at byte {later}");
            Err(segment.damaged(offset, why))
        }
    }
}

/// Whether something was written where the log ends.
fn is_touched(window: &mut Window, offset: u64) -> Result<bool, JournalError> {
    let len = SEAL_BYTES.min(window.limit().saturating_sub(offset));
    Ok(window.get(offset, len)?.is_some_and(|bytes| bytes.iter().any(|byte| *byte != 0)))
}
