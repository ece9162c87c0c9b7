//! How much of each segment is needed: by messages, by snapshots. Counts only what is durable.

use bongsu_engine::BodyRef;
use bongsu_journal::SegmentInfo;
use std::collections::BTreeMap;

/// The log's segments with the bytes in them that live.
#[derive(Debug, Default)]
pub(crate) struct Space {
    segments: BTreeMap<u64, Segment>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) base: u64,
    pub(crate) end: u64,
    pub(crate) sealed: bool,
    pub(crate) live_bytes: u64,
}

impl Segment {
    pub(crate) fn bytes(&self) -> u64 {
        self.end - self.base
    }
}

impl Space {
    pub(crate) fn new(segments: &[SegmentInfo]) -> Self {
        let mut space = Self::default();
        for info in segments {
            space.insert(info.base.0, info.end.0, info.sealed);
        }
        space
    }

    fn insert(&mut self, base: u64, end: u64, sealed: bool) {
        self.segments.insert(base, Segment { base, end, sealed, live_bytes: 0 });
    }

    /// The log has grown to `end`; `rolled` is the segment that was sealed on the way.
    pub(crate) fn grown(&mut self, end: u64, rolled: Option<SegmentInfo>) {
        if let Some(sealed) = rolled {
            if let Some(segment) = self.segments.get_mut(&sealed.base.0) {
                (segment.end, segment.sealed) = (sealed.end.0, true);
            }
            self.insert(sealed.end.0, end, false);
        }
        if let Some(mut active) = self.segments.last_entry() {
            active.get_mut().end = end;
        }
    }

    fn at(&mut self, position: u64) -> Option<&mut Segment> {
        self.segments.range_mut(..=position).next_back().map(|(_, segment)| segment)
    }

    pub(crate) fn stored(&mut self, body: BodyRef) {
        if let Some(segment) = self.at(body.position) {
            segment.live_bytes += u64::from(body.len);
        }
    }

    pub(crate) fn freed(&mut self, body: BodyRef) {
        if let Some(segment) = self.at(body.position) {
            debug_assert!(segment.live_bytes >= u64::from(body.len), "more freed than stored in {segment:?}");
            segment.live_bytes = segment.live_bytes.saturating_sub(u64::from(body.len));
        }
    }

    /// Whether this position lies in a segment that the cleaner would empty: what lives there should move, snapshots too.
    pub(crate) fn is_sparse(&self, position: u64) -> bool {
        let segment = self.segments.range(..=position).next_back().map(|(_, segment)| segment);
        segment.is_none_or(|segment| segment.live_bytes * 4 <= segment.bytes() * 3)
    }

    /// Takes a segment that nobody needs off the books: it is sealed, lies before `needed_from`, and nothing in it lives.
    pub(crate) fn take_dead(&mut self, needed_from: u64) -> Option<u64> {
        #[cfg(feature = "planted")]
        let needed_from = match crate::planted::is(crate::planted::Fault::DeleteSegmentTooEarly) {
            true => u64::MAX,
            false => needed_from,
        };
        let dead =
            |segment: &&Segment| segment.sealed && segment.end <= needed_from && segment.live_bytes == 0;
        let base = self.segments.values().find(dead)?.base;
        self.segments.remove(&base);
        Some(base)
    }

    /// (all bytes, live bytes)
    pub(crate) fn totals(&self) -> (u64, u64) {
        self.segments
            .values()
            .fold((0, 0), |(all, live), segment| (all + segment.bytes(), live + segment.live_bytes))
    }

    /// The emptiest segment before `needed_from` that is at most three quarters alive.
    pub(crate) fn emptiest(&self, needed_from: u64) -> Option<Segment> {
        let old = self.segments.values().filter(|segment| segment.sealed && segment.end <= needed_from);
        let sparse =
            old.filter(|segment| segment.live_bytes > 0 && segment.live_bytes * 4 <= segment.bytes() * 3);
        // Compares live/bytes without dividing.
        sparse.min_by(|a, b| (a.live_bytes * b.bytes()).cmp(&(b.live_bytes * a.bytes()))).copied()
    }

    /// Whether a sealed segment is at most three quarters alive, so that something can be gained.
    pub(crate) fn has_sparse(&self) -> bool {
        self.segments.values().any(|segment| segment.sealed && segment.live_bytes * 4 <= segment.bytes() * 3)
    }

    /// The segment that entries are appended to.
    pub(crate) fn active(&self) -> Option<Segment> {
        self.segments.values().next_back().filter(|segment| !segment.sealed).copied()
    }

    /// Whether sealed segments lie after `needed_from`, which only a checkpoint can free.
    pub(crate) fn has_sealed_after(&self, needed_from: u64) -> bool {
        self.segments.values().any(|segment| segment.sealed && segment.end > needed_from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bongsu_journal::Position;

    fn info(base: u64, end: u64, sealed: bool) -> SegmentInfo {
        SegmentInfo { base: Position(base), end: Position(end), sealed }
    }

    #[test]
    fn a_segment_is_dead_when_sealed_old_and_empty() {
        let mut space = Space::new(&[info(0, 100, true), info(100, 150, false)]);
        assert!(space.has_sparse());
        space.stored(BodyRef { position: 20, len: 30 });
        space.stored(BodyRef { position: 50, len: 50 });
        assert!(!space.has_sparse(), "the active segment does not count");
        space.freed(BodyRef { position: 50, len: 50 });
        space.stored(BodyRef { position: 100, len: 10 });
        assert_eq!(space.take_dead(100), None);
        space.freed(BodyRef { position: 20, len: 30 });
        assert_eq!(space.take_dead(99), None);
        assert_eq!(space.take_dead(100), Some(0));
        space.grown(260, Some(info(100, 200, true)));
        assert_eq!(space.totals(), (160, 10));
        assert_eq!(space.emptiest(260).unwrap().base, 100);
        assert!(space.has_sealed_after(100) && !space.has_sealed_after(200));
    }
}
