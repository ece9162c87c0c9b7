//! The resolutions, and where in the file of values a row of one of them lies.

/// The finest step, in milliseconds. All others are multiples of it, and all begin at multiples of themselves since 1970.
pub(crate) const TICK_MS: u64 = 10_000;

/// One of the resolutions that are kept.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// What one value stands for, in milliseconds.
    pub step_ms: u64,
    /// How far back values are kept, in milliseconds.
    pub kept_ms: u64,
}

/// All resolutions, the finest first.
pub const RESOLUTIONS: [Resolution; RINGS.len()] = {
    let mut all = [Resolution { step_ms: 0, kept_ms: 0 }; RINGS.len()];
    let mut ring = 0;
    while ring < RINGS.len() {
        let step_ms = RINGS[ring].ticks as u64 * TICK_MS;
        all[ring] = Resolution { step_ms, kept_ms: step_ms * RINGS[ring].rows as u64 };
        ring += 1;
    }
    all
};

/// A ring of rows, each with one value for every column (a column is one series of one subject).
pub(crate) struct Ring {
    /// How many of the finest steps a row stands for.
    pub(crate) ticks: u32,
    pub(crate) rows: u32,
    /// The ring of which it is made; always an earlier one, whose steps divide its own.
    pub(crate) made_of: Option<usize>,
    /// How many rows of a group of columns lie before this ring's first.
    rows_before: u32,
}

pub(crate) const FINEST: usize = 0;

pub(crate) const RINGS: [Ring; 4] = [
    Ring { ticks: 1, rows: 360, made_of: None, rows_before: 0 },
    Ring { ticks: 12, rows: 720, made_of: Some(0), rows_before: 360 },
    Ring { ticks: 90, rows: 672, made_of: Some(0), rows_before: 1080 },
    Ring { ticks: 1080, rows: 720, made_of: Some(2), rows_before: 1752 },
];

const ROWS_OF_A_GROUP: u32 = RINGS[3].rows_before + RINGS[3].rows;

const _: () = {
    let mut ring = 1;
    while ring < RINGS.len() {
        assert!(RINGS[ring].rows_before == RINGS[ring - 1].rows_before + RINGS[ring - 1].rows);
        if let Some(source) = RINGS[ring].made_of {
            assert!(source < ring && RINGS[ring].ticks.is_multiple_of(RINGS[source].ticks));
            // Steps that were under way when the process ended are made again from their source.
            assert!(RINGS[ring].ticks / RINGS[source].ticks < RINGS[source].rows);
        }
        ring += 1;
    }
};

/// How many columns lie together: a question about one of them reads its group.
pub(crate) const GROUP_COLUMNS: usize = 144;
/// A row of a group in the file: its number, a checksum, its values.
pub(crate) const ROW_BYTES: usize = 8 + 2 * GROUP_COLUMNS;
/// What a group takes in the file.
pub(crate) const GROUP_BYTES: u64 = ROWS_OF_A_GROUP as u64 * ROW_BYTES as u64;

impl Ring {
    /// The number of the row that `tick` belongs to.
    pub(crate) fn row_of(&self, tick: u32) -> u32 {
        tick / self.ticks
    }

    /// The first tick after a row.
    pub(crate) fn end_of(&self, row: u32) -> u64 {
        (u64::from(row) + 1) * u64::from(self.ticks)
    }

    pub(crate) fn step_ms(&self) -> u64 {
        u64::from(self.ticks) * TICK_MS
    }

    /// Where in the ring a row lies.
    pub(crate) fn slot(&self, row: u32) -> u32 {
        row % self.rows
    }

    /// Where in its group's part of the file a slot lies.
    pub(crate) fn offset(&self, slot: u32) -> u64 {
        u64::from(self.rows_before + slot) * ROW_BYTES as u64
    }
}

/// The tick that a time falls into. The year 3331 is the last one.
pub(crate) fn tick_of(now_ms: u64) -> u32 {
    u32::try_from(now_ms / TICK_MS).unwrap_or(u32::MAX)
}
