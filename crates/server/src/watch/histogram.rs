//! Durations and sizes in buckets: fixed memory, a few atomic additions to count, no locks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets an octave. A percentile is off by half a bucket at most: 6 %.
const PER_OCTAVE: usize = 8;
const PER_OCTAVE_BITS: u32 = PER_OCTAVE.trailing_zeros();
/// Durations end here: 2^27 µs, over two minutes. What takes longer counts as just that.
const OCTAVES: usize = 27;
/// How many buckets a histogram of durations has: one for each microsecond below the first whole octave, then eight an octave.
const BUCKETS: usize = (OCTAVES - PER_OCTAVE_BITS as usize + 1) * PER_OCTAVE;

/// The bounds that Prometheus gets to see: 2^7 µs to 2^24 µs. Powers of two, so that a bound is also one of ours and the counts are
/// exact.
pub(super) const SHOWN_OCTAVES: std::ops::RangeInclusive<u32> = 7..=24;

/// Counts durations.
#[derive(Debug)]
pub(super) struct Durations {
    buckets: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

impl Default for Durations {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)), sum_ns: AtomicU64::new(0) }
    }
}

impl Durations {
    /// Counts one.
    pub(super) fn note(&self, duration_ns: u64) {
        if let Some(bucket) = self.buckets.get(bucket_of(duration_ns / 1000)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_ns.fetch_add(duration_ns, Ordering::Relaxed);
    }

    /// Adds what was counted so far to a reading.
    pub(super) fn add_to(&self, reading: &mut Reading) {
        for (sum, bucket) in reading.buckets.iter_mut().zip(&self.buckets) {
            *sum += bucket.load(Ordering::Relaxed);
        }
        reading.sum_ns += self.sum_ns.load(Ordering::Relaxed);
    }
}

/// What a histogram of durations said at some time, or what it counted between two times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    buckets: Box<[u64]>,
    pub(super) sum_ns: u64,
}

impl Default for Reading {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS].into_boxed_slice(), sum_ns: 0 }
    }
}

impl Reading {
    /// How many durations were counted.
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// What was counted since `before`.
    pub(super) fn since(&self, before: &Self) -> Self {
        let pairs = self.buckets.iter().zip(&before.buckets);
        Self {
            buckets: pairs.map(|(now, before)| now.saturating_sub(*before)).collect(),
            sum_ns: self.sum_ns.saturating_sub(before.sum_ns),
        }
    }

    /// How many durations were below 2^octave µs.
    pub(super) fn below_octave(&self, octave: u32) -> u64 {
        self.buckets.iter().take(bucket_of(1 << octave)).sum()
    }

    /// The duration below which this share (0 to 1) of all lies, milliseconds; `None` where nothing was counted. Within a bucket
    /// durations count as evenly spread.
    pub(super) fn percentile_ms(&self, share: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let wanted = share.clamp(0.0, 1.0) * count as f64;
        let mut below = 0.0;
        for (index, in_bucket) in self.buckets.iter().enumerate() {
            let in_bucket = *in_bucket as f64;
            if in_bucket > 0.0 && below + in_bucket >= wanted {
                let (from, to) = (lower_bound_us(index) as f64, lower_bound_us(index + 1) as f64);
                return Some((from + (to - from) * (wanted - below) / in_bucket) / 1000.0);
            }
            below += in_bucket;
        }
        None
    }
}

/// Where a duration counts.
fn bucket_of(us: u64) -> usize {
    if us < PER_OCTAVE as u64 {
        return us as usize;
    }
    let octave = us.ilog2();
    let within = (us >> (octave - PER_OCTAVE_BITS)) as usize % PER_OCTAVE;
    let index = (octave - PER_OCTAVE_BITS + 1) as usize * PER_OCTAVE + within;
    index.min(BUCKETS - 1)
}

/// The shortest duration that counts in a bucket.
fn lower_bound_us(index: usize) -> u64 {
    let (octave, within) = (index / PER_OCTAVE, (index % PER_OCTAVE) as u64);
    match octave {
        0 => within,
        _ => (PER_OCTAVE as u64 + within) << (octave - 1),
    }
}

/// The bounds of sizes: 1 KiB to 1 MiB, which is the longest message.
const SIZE_BOUNDS: usize = 11;
const FIRST_SIZE_BITS: u32 = 10;

/// Counts sizes in bytes.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    /// The last one is for what is longer than all bounds.
    buckets: [AtomicU64; SIZE_BOUNDS + 1],
    sum_bytes: AtomicU64,
}

impl Sizes {
    /// Counts one.
    pub(super) fn note(&self, bytes: u64) {
        // The power of two that it fits in.
        let bits = bytes.saturating_sub(1).checked_ilog2().map_or(0, |bits| bits + 1);
        let index = bits.saturating_sub(FIRST_SIZE_BITS) as usize;
        self.buckets[index.min(SIZE_BOUNDS)].fetch_add(1, Ordering::Relaxed);
        self.sum_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many were counted.
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// All sizes together.
    pub(super) fn sum_bytes(&self) -> u64 {
        self.sum_bytes.load(Ordering::Relaxed)
    }

    /// Upper bounds in bytes, each with how many sizes are not above it; then how many there are at all.
    pub(super) fn cumulative(&self) -> (Vec<(u64, u64)>, u64) {
        let mut count = 0;
        let mut shown = Vec::with_capacity(SIZE_BOUNDS);
        for (index, bucket) in self.buckets.iter().enumerate() {
            count += bucket.load(Ordering::Relaxed);
            if index < SIZE_BOUNDS {
                shown.push((1 << (FIRST_SIZE_BITS as usize + index), count));
            }
        }
        (shown, count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{BUCKETS, Durations, Reading, SHOWN_OCTAVES, Sizes, bucket_of, lower_bound_us};
    use proptest::prelude::*;

    fn reading(durations_us: &[u64]) -> Reading {
        let durations = Durations::default();
        for us in durations_us {
            durations.note(us * 1000);
        }
        let mut reading = Reading::default();
        durations.add_to(&mut reading);
        reading
    }

    #[test]
    fn buckets_follow_each_other_without_gaps() {
        for index in 0..BUCKETS {
            assert_eq!(bucket_of(lower_bound_us(index)), index);
            assert_eq!(bucket_of(lower_bound_us(index + 1) - 1), index);
        }
        assert_eq!(lower_bound_us(BUCKETS), 1 << 27);
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn what_prometheus_sees_is_counted_exactly() {
        for octave in SHOWN_OCTAVES {
            let bound = 1_u64 << octave;
            let reading = reading(&[1, bound - 1, bound, bound + 1]);
            assert_eq!(reading.below_octave(octave), 2, "2^{octave} µs");
        }
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(reading(&[]).percentile_ms(0.5), None);
        assert_eq!(reading(&[5]).count(), 1);
    }

    #[test]
    fn differences_are_what_happened_between() {
        let (before, after) = (reading(&[10, 10]), reading(&[10, 10, 70_000]));
        let since = after.since(&before);
        assert_eq!((since.count(), since.sum_ns), (1, 70_000_000));
        assert!((since.percentile_ms(0.5).unwrap() - 70.0).abs() < 5.0);
    }

    proptest! {
        #[test]
        fn percentiles_are_near_the_true_ones(mut all in prop::collection::vec(1_u64..100_000_000, 1..300), share in 0.01..1.0_f64) {
            let shown_us = reading(&all).percentile_ms(share).unwrap() * 1000.0;
            all.sort_unstable();
            let true_us = all[(share * all.len() as f64).ceil() as usize - 1] as f64;
            // A bucket is an eighth of an octave wide, or a microsecond.
            prop_assert!((shown_us - true_us).abs() <= true_us / 8.0 + 1.0, "{shown_us} for {true_us}");
        }
    }

    #[test]
    fn sizes_count_below_the_bound_that_they_fit_in() {
        let sizes = Sizes::default();
        for bytes in [0, 1, 1024, 1025, 2048, 1 << 20, (1 << 20) + 1, u64::MAX >> 1] {
            sizes.note(bytes);
        }
        let (bounds, count) = sizes.cumulative();
        assert_eq!((count, sizes.count()), (8, 8));
        assert_eq!(bounds[..2], [(1024, 3), (2048, 5)]);
        assert_eq!(*bounds.last().unwrap(), (1 << 20, 6));
    }
}
