//! Damaged, truncated and foreign files.

use super::*;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// A history with an hour of ones, and the hours before to make coarser steps.
fn filled(dir: &Path) -> u64 {
    let mut history = open(dir);
    for tick in 0..1000 {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, 1.0)]).unwrap();
        history.record(START_MS + tick * TICK_MS, "r", &[(0, 2.0)]).unwrap();
        if tick % 6 == 0 {
            history.flush().unwrap();
        }
    }
    history.flush().unwrap();
    START_MS + 999 * TICK_MS
}

fn values(history: &History, now: u64) -> Vec<f32> {
    let ranges = [HOUR_MS - TICK_MS, DAY_MS / 2, 5 * DAY_MS, 80 * DAY_MS];
    ranges.iter().flat_map(|ago| known(history, "q", now - ago, now)).map(|(_, value)| value).collect()
}

#[test]
fn a_damaged_block_costs_one_value_of_a_series() {
    let dir = tempfile::tempdir().unwrap();
    let now = filled(dir.path());
    let path = dir.path().join("history.points");
    let all = values(&open(dir.path()), now).len();
    let pristine = fs::read(&path).unwrap();
    let mut costs = [0; 2];
    for at in (4096..pristine.len()).step_by(1999) {
        let mut bytes = pristine.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let left = values(&open(dir.path()), now);
        assert!(left.iter().all(|&value| value == 1.0), "byte {at}: {left:?}");
        assert!(all - left.len() <= 1, "byte {at}: {} of {all} left", left.len());
        costs[all - left.len()] += 1;
    }
    assert!(costs.iter().all(|&count| count > 10), "{costs:?}");
}

#[test]
fn a_truncated_file_costs_what_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let now = filled(dir.path());
    let path = dir.path().join("history.points");
    let pristine = fs::read(&path).unwrap();
    let mut before = 0;
    for length in (4096..=pristine.len()).step_by(5_003).chain([pristine.len()]) {
        fs::write(&path, &pristine[..length]).unwrap();
        let mut history = open(dir.path());
        let left = values(&history, now);
        assert!(left.iter().all(|&value| value == 1.0), "{length}: {left:?}");
        assert!(left.len() >= before, "{length}");
        before = left.len();
        // And it goes on.
        history.record(now + HOUR_MS, "q", &[(0, 1.0)]).unwrap();
        history.record(now + HOUR_MS + TICK_MS, "q", &[(0, 1.0)]).unwrap();
        history.flush().unwrap();
        assert!(!known(&open(dir.path()), "q", now + HOUR_MS, now + HOUR_MS + TICK_MS).is_empty());
    }
    assert!(before > 400, "{before}");
}

#[test]
fn a_row_that_was_written_half_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let now = filled(dir.path());
    let path = dir.path().join("history.points");
    let before = fs::read(&path).unwrap();
    let all = values(&open(dir.path()), now);
    // The same hour again, an hour later, of which the disk gets every other sector.
    let mut history = open(dir.path());
    for tick in 1000..1360 {
        history.record(START_MS + tick * TICK_MS, "q", &[(0, 3.0)]).unwrap();
        if tick % 6 == 0 {
            history.flush().unwrap();
        }
    }
    history.flush().unwrap();
    drop(history);
    let mut after = fs::read(&path).unwrap();
    for start in (0..before.len()).step_by(1024) {
        let end = (start + 512).min(before.len());
        after[start..end].copy_from_slice(&before[start..end]);
    }
    fs::write(&path, &after).unwrap();
    let history = open(dir.path());
    let later = now + HOUR_MS;
    let left: Vec<f32> = known(&history, "q", later - 59 * MINUTE_MS, later).iter().map(|p| p.1).collect();
    assert!(!left.is_empty() && left.len() < 300, "{}", left.len());
    assert!(left.iter().all(|&value| value == 3.0), "{left:?}");
    assert!(values(&history, later).len() < all.len());
}

#[test]
fn what_can_not_be_understood_is_put_aside_and_a_new_history_begun() {
    type Damage = (&'static str, &'static dyn Fn(&Path));
    let damages: [Damage; 7] = [
        ("another magic", &|dir| overwrite(&dir.join("history.points"), 0, b"NOTBONGS")),
        ("another version", &|dir| overwrite(&dir.join("history.points"), 8, &[2])),
        ("a torn head", &|dir| fs::write(dir.join("history.points"), b"BONG").unwrap()),
        ("subjects damaged", &|dir| overwrite(&dir.join("history.subjects"), 30, &[0xff])),
        ("subjects cut", &|dir| {
            let file = File::options().write(true).open(dir.join("history.subjects")).unwrap();
            file.set_len(20).unwrap();
        }),
        ("no subjects", &|dir| fs::remove_file(dir.join("history.subjects")).unwrap()),
        ("subjects of another", &|dir| {
            let other = tempfile::tempdir().unwrap();
            drop(History::open(other.path(), START_MS + 1, &Options::default()).unwrap());
            fs::copy(other.path().join("history.subjects"), dir.join("history.subjects")).unwrap();
        }),
    ];
    for (name, damage) in damages {
        let dir = tempfile::tempdir().unwrap();
        let now = filled(dir.path());
        damage(dir.path());
        let damaged = fs::read(dir.path().join("history.points")).unwrap();
        let mut history = History::open(dir.path(), now, &Options::default()).unwrap();
        assert_eq!(history.subjects().count(), 0, "{name}");
        assert_eq!(values(&history, now), [], "{name}");
        assert_eq!(fs::read(dir.path().join("history.points.aside")).unwrap(), damaged, "{name}");
        history.record(now, "q", &[(0, 7.0)]).unwrap();
        history.record(now + TICK_MS, "q", &[(0, 7.0)]).unwrap();
        history.flush().unwrap();
        drop(history);
        assert_eq!(known(&open(dir.path()), "q", now, now + TICK_MS), [(now, 7.0)], "{name}");
    }
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    File::options().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}

#[test]
fn what_can_not_be_written_is_said_and_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let mut history = open(dir.path());
    history.record(START_MS, "q", &[(0, 1.0)]).unwrap();
    history.record(START_MS + TICK_MS, "q", &[(0, 2.0)]).unwrap();
    // A directory where the new file of subjects would be written.
    let obstacle = dir.path().join("history.new");
    fs::create_dir(&obstacle).unwrap();
    let error = history.flush().unwrap_err().to_string();
    assert!(error.contains("history.new"), "{error}");
    history.record(START_MS + 2 * TICK_MS, "q", &[(0, 3.0)]).unwrap();
    fs::remove_dir(&obstacle).unwrap();
    history.flush().unwrap();
    drop(history);
    let expected = [(START_MS, 1.0), (START_MS + TICK_MS, 2.0)];
    assert_eq!(known(&open(dir.path()), "q", START_MS, START_MS + HOUR_MS), expected);
}

#[test]
fn what_can_not_be_opened_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, b"").unwrap();
    assert!(History::open(&path, START_MS, &Options::default()).is_err());
}
