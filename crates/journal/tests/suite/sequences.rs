//! Random lives of a journal against a list of what must be in it.

use std::collections::BTreeMap;

use bongsu_journal::testing::{Loss, SimDisk};
use bongsu_journal::{FileJournal, Journal, MemoryJournal, MemoryOptions, Position, SegmentInfo, Stamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::common::{all, open};

#[derive(Clone, Debug)]
enum Act {
    Append { len: usize, fill: u8 },
    AppendElsewhere { off_by: u64 },
    Delete { nth: usize },
    Roll { needed_bytes: u64 },
    Close,
    Drop,
    LosePower { seed: u64 },
    Read { from: usize, to: usize },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        12 => (0..=512_usize, any::<u8>()).prop_map(|(len, fill)| Act::Append { len, fill }),
        1 => (1..1_000_u64).prop_map(|off_by| Act::AppendElsewhere { off_by }),
        2 => (0..6_usize).prop_map(|nth| Act::Delete { nth }),
        1 => (0..6_000_u64).prop_map(|needed_bytes| Act::Roll { needed_bytes }),
        1 => Just(Act::Close),
        1 => Just(Act::Drop),
        1 => any::<u64>().prop_map(|seed| Act::LosePower { seed }),
        2 => (0..60_usize, 0..60_usize).prop_map(|(from, to)| Act::Read { from, to }),
    ];
    vec(act, 0..80)
}

type Model = BTreeMap<Position, (Stamp, Vec<u8>)>;

/// Does what concerns every journal.
fn act_on(journal: &mut dyn Journal, model: &mut Model, count: &mut u64, act: &Act) {
    match *act {
        Act::Append { len, fill } => {
            *count += 1;
            let stamp = Stamp { time_ms: *count, mark: u64::MAX - *count };
            let tail = journal.tail();
            let bytes = vec![fill; len];
            let appended = journal.append(tail, stamp, &bytes).unwrap();
            assert_eq!(appended.next, journal.tail());
            model.insert(tail, (stamp, bytes));
        }
        Act::AppendElsewhere { off_by } => {
            let elsewhere = Position(journal.tail().0.wrapping_sub(off_by));
            journal.append(elsewhere, Stamp::default(), b"x").unwrap_err();
        }
        Act::Delete { nth } => {
            let segments = journal.segments();
            if let Some(segment) = segments.get(nth).filter(|segment| segment.sealed) {
                journal.delete_segment(segment.base).unwrap();
                model.retain(|position, _| !(segment.base..segment.end).contains(position));
            }
        }
        Act::Roll { needed_bytes } => {
            let tail = journal.tail();
            let last = journal.segments().last().copied();
            let rolled = journal.roll(needed_bytes, 100).unwrap();
            assert_eq!(journal.tail(), tail);
            assert!(rolled.is_none() || rolled == last.map(|last| SegmentInfo { sealed: true, ..last }));
        }
        Act::Read { from, to } => read(journal, model, from, to),
        Act::Close | Act::Drop | Act::LosePower { .. } => {}
    }
}

/// Reads between two entries of the model, up to the first hole.
fn read(journal: &dyn Journal, model: &Model, from: usize, to: usize) {
    let starts: Vec<Position> = model.keys().copied().collect();
    let (Some(from), Some(to)) = (starts.get(from), starts.get(to)) else { return };
    if from > to {
        return;
    }
    let mut expected = model.range(*from..*to);
    for entry in journal.reader().entries(*from, *to) {
        let Ok(entry) = entry else {
            let next = expected.next().map_or(*to, |(position, _)| *position);
            assert!(journal.reader().pin(next).is_some(), "only a hole may end the range");
            return;
        };
        let (position, (stamp, bytes)) = expected.next().unwrap();
        assert_eq!((entry.position, entry.stamp), (*position, *stamp));
        assert_eq!(entry.payload, bytes);
    }
    assert!(expected.next().is_none());
}

fn restart(disk: &SimDisk, journal: FileJournal, act: &Act) -> FileJournal {
    match *act {
        Act::Close => Box::new(journal).close().unwrap(),
        Act::Drop => drop(journal),
        Act::LosePower { seed } => disk.lose_power(Loss::Some { seed }),
        _ => return journal,
    }
    open(disk).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_file_journal_holds_what_it_was_given(acts in acts()) {
        let disk = SimDisk::new();
        let mut journal = open(&disk).unwrap();
        let mut model = Model::new();
        let mut count = 0;
        for act in &acts {
            act_on(&mut journal, &mut model, &mut count, act);
            let tail = journal.tail();
            journal = restart(&disk, journal, act);
            prop_assert_eq!(journal.tail(), tail);
            let last = (count > 0).then(|| Stamp { time_ms: count, mark: u64::MAX - count });
            prop_assert_eq!(journal.last_stamp(), last);
        }
        prop_assert_eq!(all(&journal), model);
    }

    #[test]
    fn the_memory_journal_holds_what_it_was_given(acts in acts()) {
        let options = MemoryOptions { segment_bytes: 2 << 10, max_payload_bytes: 512 };
        let mut journal = MemoryJournal::new(options);
        let mut model = Model::new();
        let mut count = 0;
        for act in &acts {
            act_on(&mut journal, &mut model, &mut count, act);
        }
        prop_assert_eq!(all(&journal), model);
    }
}
