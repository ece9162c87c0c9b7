//! The proof that the simulation can fail: each fault that is planted must be found within a stated number of seeds.

use crate::play;
use bongsu_engine::planted as engine;
use bongsu_journal::planted as journal;
use bongsu_node::planted as node;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A planted fault, wherever it is.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Engine(engine::Fault),
    Node(node::Fault),
    Journal(journal::Fault),
}

/// All faults, each with the number of seeds within which it must be found.
const FAULTS: [(Fault, u64); 28] = [
    (Fault::Engine(engine::Fault::ForgetRelocation), 20),
    (Fault::Engine(engine::Fault::LoseWindowAtCheckpoint), 20),
    (Fault::Engine(engine::Fault::LoseFlightsAtCheckpoint), 20),
    (Fault::Engine(engine::Fault::IgnoreFifoBarrier), 20),
    (Fault::Engine(engine::Fault::AcceptOldReceipts), 20),
    (Fault::Engine(engine::Fault::ForgetCountInReplay), 20),
    (Fault::Engine(engine::Fault::ExpireInDoubt), 50),
    (Fault::Engine(engine::Fault::ForgetPurgedBytes), 50),
    (Fault::Engine(engine::Fault::RepeatSequence), 20),
    (Fault::Engine(engine::Fault::ResetCountOfDeadLetters), 20),
    (Fault::Engine(engine::Fault::ForgetRemovalInReplay), 20),
    (Fault::Node(node::Fault::AnswerBeforeSync), 20),
    (Fault::Node(node::Fault::LooksDoNotWait), 20),
    (Fault::Node(node::Fault::SkipOneRecord), 50),
    (Fault::Node(node::Fault::RepeatRecords), 20),
    (Fault::Node(node::Fault::DeleteSegmentTooEarly), 50),
    (Fault::Node(node::Fault::KeepOldSnapshots), 20),
    (Fault::Node(node::Fault::ForgetSnapshotBytes), 50),
    (Fault::Node(node::Fault::TakeUnknownForDone), 20),
    (Fault::Journal(journal::Fault::SkipSync), 20),
    (Fault::Journal(journal::Fault::SkipDirectorySync), 20),
    (Fault::Journal(journal::Fault::SkipSealSync), 50),
    (Fault::Journal(journal::Fault::ApplyTornEntry), 50),
    (Fault::Journal(journal::Fault::AcceptStaleWriter), 20),
    (Fault::Journal(journal::Fault::RepeatEpoch), 20),
    (Fault::Journal(journal::Fault::TrustPageCache), 100),
    (Fault::Journal(journal::Fault::CutDamage), 50),
    (Fault::Journal(journal::Fault::TrustSeal), 1_000),
];

/// What came of looking for one.
struct Search {
    found_after: Option<u64>,
    how: String,
}

impl Fault {
    fn name(self) -> String {
        match self {
            Self::Engine(fault) => format!("engine: {fault:?}"),
            Self::Node(fault) => format!("node: {fault:?}"),
            Self::Journal(fault) => format!("journal: {fault:?}"),
        }
    }

    fn plant(self) {
        engine::plant(None);
        node::plant(None);
        journal::plant(None);
        match self {
            Self::Engine(fault) => engine::plant(Some(fault)),
            Self::Node(fault) => node::plant(Some(fault)),
            Self::Journal(fault) => journal::plant(Some(fault)),
        }
    }

    /// Plays seeds until one of them fails. The fault is planted on this thread alone.
    fn search(self, within: u64) -> Search {
        self.plant();
        for seed in 1..=within {
            if let Some(why) = play(seed, false).broken {
                return Search { found_after: Some(seed), how: brief(&why) };
            }
        }
        Search { found_after: None, how: "NOT FOUND".to_owned() }
    }
}

/// Looks for every fault and prints a table; says whether all were found.
pub fn find_all(jobs: usize) -> bool {
    let next = AtomicUsize::new(0);
    let searches: Vec<Mutex<Option<Search>>> = FAULTS.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some((fault, within)) = FAULTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let search = fault.search(*within);
                    if let Some(at) = FAULTS.iter().position(|(other, _)| other.name() == fault.name()) {
                        *searches[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(search);
                    }
                }
            });
        }
    });
    println!("{:<34} {:>6} {:>7}  how it showed", "planted fault", "found", "within");
    let mut all = true;
    for ((fault, within), search) in FAULTS.iter().zip(&searches) {
        let search = search.lock().unwrap_or_else(PoisonError::into_inner);
        let (after, how) = match &*search {
            Some(Search { found_after: Some(seed), how }) => (seed.to_string(), how.as_str()),
            Some(Search { how, .. }) => ("-".to_owned(), how.as_str()),
            None => ("-".to_owned(), "the search ended in a panic"),
        };
        all &= after != "-";
        println!("{:<34} {after:>6} {within:>7}  {how}", fault.name());
    }
    println!("{}", if all { "all were found" } else { "SOME WERE NOT FOUND" });
    all
}

/// The first line of a report, cut to a table's width.
fn brief(why: &str) -> String {
    why.lines().next().unwrap_or_default().chars().take(110).collect()
}
