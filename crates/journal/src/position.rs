//! Where things lie: positions, the layout that computes them, and the limits of a journal.

use std::fmt;

/// A byte address in the one continuous logical address space of a journal.
///
/// Positions only grow, and name the same bytes for as long as these exist: neither rolling to a new segment nor
/// recovery moves them.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Before everything: no entry ever lies here.
    pub const ZERO: Position = Position(0);

    /// Where the first entry of a new journal lies.
    pub const FIRST: Position = Position(4096);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How entries fill the address space: a frame header of fixed size, the payload, and padding.
///
/// There are no jumps: the next entry begins where the padding of this one ends, also when it goes to a new segment.
/// So a caller can compute where a byte of a payload will lie before the entry is appended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    header_bytes: u64,
    align_bytes: u64,
}

impl Layout {
    /// A layout with frame headers of `header_bytes`, and entries that begin at multiples of `align_bytes`.
    ///
    /// # Panics
    /// When `align_bytes` is not a power of two or doesn't divide `header_bytes`; both are constants of an implementation.
    #[must_use]
    pub const fn new(header_bytes: u64, align_bytes: u64) -> Layout {
        assert!(align_bytes.is_power_of_two() && header_bytes.is_multiple_of(align_bytes));
        Layout { header_bytes, align_bytes }
    }

    /// Where the entry after the one at `entry`, with a payload of `payload_len` bytes, begins.
    #[must_use]
    pub const fn next(self, entry: Position, payload_len: u32) -> Position {
        Position(entry.0 + self.frame_bytes(payload_len))
    }

    /// Where byte `offset` of the payload of the entry at `entry` lies.
    #[must_use]
    pub const fn within(self, entry: Position, offset: u32) -> Position {
        Position(entry.0 + self.header_bytes + offset as u64)
    }

    /// How many bytes of the address space an entry with a payload of `payload_len` bytes takes.
    #[must_use]
    pub const fn frame_bytes(self, payload_len: u32) -> u64 {
        (self.header_bytes + payload_len as u64).next_multiple_of(self.align_bytes)
    }

    /// The size of a frame header in bytes: the overhead of an entry, padding aside.
    #[must_use]
    pub const fn header_bytes(self) -> u64 {
        self.header_bytes
    }
}

/// What a journal can hold.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest payload that one entry may have, in bytes.
    pub max_payload_bytes: u32,
    /// The size that segments normally have, in bytes.
    pub segment_bytes: u64,
}

/// Two words of the caller that each entry carries; opaque to the journal.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The engine's time when the entry was made, in milliseconds.
    pub time_ms: u64,
    /// A word of the caller's, such as where its last checkpoint lies.
    pub mark: u64,
}
