//! What goes wrong in a seed, and when.

use crate::random::Dice;
use bongsu_journal::testing::{Loss, SimDisk};
use std::path::PathBuf;

/// Something that goes wrong, or is done to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// The process or the machine ends, now or at one of the next steps of the disk.
    Crash {
        how: Crash,
        after_steps: u64,
    },
    /// The process ends in order.
    Stop,
    /// The next write, or the next sync, fails.
    FailWrite,
    FailSync,
    FailSyncDir,
    /// An append's outcome is lost.
    UnknownAndDone,
    UnknownAndNotDone,
    /// Somebody else writes to the log.
    SomebodyElse,
    /// Somebody else tries to open it.
    SecondOpening,
    FullDisk {
        spare_bytes: u64,
        for_ms: u64,
    },
    SlowDisk {
        for_ms: u64,
    },
    /// A bit of what is durable flips.
    Rot,
    /// The wall clock is set.
    ClockJump {
        by_ms: i64,
    },
    /// From now on reads find nothing in memory.
    ColdCache,
}

/// How a crash ends things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// What was written is visible, though perhaps not durable.
    Kill,
    /// What was not synced is lost, in part or as a whole.
    PowerCut(Loss),
}

pub(crate) fn crash(dice: &mut Dice) -> Crash {
    match dice.below(10) {
        0..3 => Crash::Kill,
        3..8 => Crash::PowerCut(Loss::Some { seed: dice.next() }),
        8 => Crash::PowerCut(Loss::Everything),
        _ => Crash::PowerCut(Loss::Nothing),
    }
}

/// When what strikes, by the number of the command before which it does. At least five are crashes.
pub(crate) fn agenda(dice: &mut Dice, commands: u64, segment_bytes: u64) -> Vec<(u64, Strike)> {
    let mut strikes = Vec::new();
    for _ in 0..dice.between(5, 8) {
        let after_steps = if dice.permille(800) { dice.between(1, 14) } else { 0 };
        strikes.push(Strike::Crash { how: crash(dice), after_steps });
    }
    for _ in 0..dice.between(6, 14) {
        strikes.push(other(dice, segment_bytes));
    }
    let mut agenda: Vec<(u64, Strike)> =
        strikes.into_iter().map(|strike| (dice.between(20, commands), strike)).collect();
    agenda.sort_by_key(|(at, _)| *at);
    agenda
}

fn other(dice: &mut Dice, segment_bytes: u64) -> Strike {
    let minutes = |minutes: u64| (minutes * 60_000).cast_signed();
    match dice.below(17) {
        0 | 1 => Strike::Stop,
        2 => Strike::FailWrite,
        3 => Strike::FailSync,
        4 => Strike::FailSyncDir,
        5 => Strike::UnknownAndDone,
        6 => Strike::UnknownAndNotDone,
        7 => Strike::SomebodyElse,
        8 => Strike::SecondOpening,
        9 | 10 => {
            let spare_bytes = dice.below(segment_bytes * 2);
            Strike::FullDisk { spare_bytes, for_ms: dice.between(500, 30_000) }
        }
        11 => Strike::SlowDisk { for_ms: dice.between(500, 20_000) },
        12 | 13 => Strike::Rot,
        14 => Strike::ClockJump { by_ms: minutes(dice.between(120, 300)) },
        15 => Strike::ClockJump { by_ms: -minutes(dice.pick(&[1, 10, 200])) },
        _ => {
            if dice.permille(500) {
                Strike::ColdCache
            } else {
                Strike::ClockJump { by_ms: minutes(dice.pick(&[1, 5, 20])) }
            }
        }
    }
}

/// What a strike is called in the counts.
pub(crate) fn name(strike: Strike) -> &'static str {
    match strike {
        Strike::Crash { how: Crash::Kill, .. } => "process killed",
        Strike::Crash { how: Crash::PowerCut(Loss::Some { .. }), .. } => {
            "power cut, unsynced writes torn and mixed"
        }
        Strike::Crash { how: Crash::PowerCut(Loss::Everything), .. } => "power cut, all unsynced writes lost",
        Strike::Crash { how: Crash::PowerCut(Loss::Nothing), .. } => "power cut, nothing lost",
        Strike::Stop => "stopped in order",
        Strike::FailWrite => "write failed (EIO)",
        Strike::FailSync => "sync failed (EIO)",
        Strike::FailSyncDir => "directory sync failed (EIO)",
        Strike::UnknownAndDone => "append unknown, and done",
        Strike::UnknownAndNotDone => "append unknown, and not done",
        Strike::SomebodyElse => "writer fenced",
        Strike::SecondOpening => "second opening refused",
        Strike::FullDisk { .. } => "disk full, space came back",
        Strike::SlowDisk { .. } => "disk slow",
        Strike::Rot => "bit rotted",
        Strike::ClockJump { by_ms: 0.. } => "wall clock jumped forth",
        Strike::ClockJump { .. } => "wall clock jumped back",
        Strike::ColdCache => "page cache cold",
    }
}

/// A bit that rotted.
#[derive(Clone, Debug)]
pub(crate) struct Rot {
    path: PathBuf,
    offset: u64,
    mask: u8,
    rotten: u8,
    /// Which byte of the log it is, where it is one.
    pub(crate) position: Option<u64>,
    /// It is as it was, or its file is gone.
    pub(crate) healed: bool,
}

impl Rot {
    /// Lets a bit of a durable file rot, before the position `before`: the last entry itself looks like a torn one then,
    /// as the format's page says.
    pub(crate) fn strike(dice: &mut Dice, disk: &SimDisk, header_bytes: u64, before: u64) -> Option<Self> {
        let lengths = disk.lengths();
        let files: Vec<_> = lengths
            .into_iter()
            .filter(|(path, len)| *len > 0 && base_of(path).is_some() || path.ends_with("FORMAT"))
            .collect();
        if files.is_empty() {
            return None;
        }
        let (path, len) = files[dice.index(files.len())].clone();
        let position = |offset: u64| Some(base_of(&path)? + offset.checked_sub(header_bytes)?);
        let end = base_of(&path).map_or(len, |base| len.min(before.saturating_sub(base) + header_bytes));
        // The header is small beside the rest, and as precious.
        let offset = match dice.permille(50) {
            true => dice.below(end.min(100)),
            false => dice.below(end),
        };
        let mask = 1 << dice.below(8);
        let rotten = disk.byte(&path, offset)? ^ mask;
        let position = position(offset);
        disk.decay(&path, offset, mask).then_some(Self {
            path,
            offset,
            mask,
            rotten,
            position,
            healed: false,
        })
    }

    /// Puts the bit right where it still is wrong: somebody restored the file.
    pub(crate) fn heal(&mut self, disk: &SimDisk) {
        if !self.healed && disk.byte(&self.path, self.offset) == Some(self.rotten) {
            disk.decay(&self.path, self.offset, self.mask);
        }
        self.healed = true;
    }
}

/// The position of a segment's first entry, as its name says.
fn base_of(path: &std::path::Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    u64::from_str_radix(name.strip_suffix(".segment")?, 16).ok()
}
