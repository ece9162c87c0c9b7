//! The simulation of a few seeds, and that it is one: the same seed must give the same history.

use super::{play, run};

#[test]
fn the_same_seed_gives_the_same_history_byte_for_byte() {
    for seed in [1, 2, 3] {
        let (first, second) = (run(seed, false), run(seed, true));
        assert_eq!(first.broken, None, "seed {seed}");
        assert_eq!(first.hash, second.hash, "seed {seed}: being traced must not matter either");
        assert_eq!((first.faults, first.commands), (second.faults, second.commands), "seed {seed}");
    }
    assert_ne!(run(1, false).hash, run(2, false).hash);
}

#[test]
fn a_seed_is_as_long_and_as_rough_as_promised() {
    for seed in 10..20 {
        let outcome = play(seed, false);
        assert_eq!(outcome.broken, None, "seed {seed}");
        assert!(outcome.commands.values().sum::<u64>() >= 2_000, "seed {seed}");
        let crashes = outcome
            .faults
            .iter()
            .filter(|(name, _)| name.starts_with("power cut") || **name == "process killed");
        assert!(crashes.map(|(_, count)| count).sum::<u64>() >= 5, "seed {seed}: {:?}", outcome.faults);
    }
}
