//! Plays seeds on all cores and says what came of them; `cargo xtask simulate` builds and runs it.

use bongsu_sim::{Counts, Outcome};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const USAGE: &str = "\
Usage: simulate [--seeds N] [--seed S] [--trace] [--jobs J] [--planted]
  --seeds N   play N seeds (default 100), from S on
  --seed S    the first seed (default 1); alone: only this one
  --trace     print everything that happens in each seed
  --jobs J    threads (default: one a core)
  --planted   find each planted fault (needs the feature of that name)
";

struct Arguments {
    first: u64,
    seeds: u64,
    trace: bool,
    jobs: usize,
    planted: bool,
}

fn arguments() -> Result<Arguments, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found = Arguments { first: 1, seeds: 0, trace: false, jobs: cores, planted: false };
    let mut words = std::env::args().skip(1);
    let mut only = false;
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64, String> {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.replace('_', "").parse().map_err(|_| format!("{value} is no number"))
        };
        match word.as_str() {
            "--seeds" => found.seeds = number()?,
            "--seed" => (found.first, only) = (number()?, true),
            "--jobs" => found.jobs = number()?.max(1) as usize,
            "--trace" => found.trace = true,
            "--planted" => found.planted = true,
            _ => return Err(format!("unknown argument {word}")),
        }
    }
    if found.seeds == 0 {
        found.seeds = if only { 1 } else { 100 };
    }
    Ok(found)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(why) => {
            eprint!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if arguments.planted {
        return planted(arguments.jobs);
    }
    if play_all(&arguments) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(feature = "planted")]
fn planted(jobs: usize) -> ExitCode {
    std::panic::set_hook(Box::new(|_| ()));
    if bongsu_sim::planted::find_all(jobs) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(feature = "planted"))]
fn planted(_jobs: usize) -> ExitCode {
    eprintln!("planted faults are compiled in with --features planted only");
    ExitCode::from(2)
}

/// Sums over seeds.
#[derive(Default)]
struct Sums {
    faults: Counts,
    commands: Counts,
    replies: Counts,
    hash: u64,
}

impl Sums {
    fn add(&mut self, outcome: &Outcome) {
        let pairs = [
            (&mut self.faults, &outcome.faults),
            (&mut self.commands, &outcome.commands),
            (&mut self.replies, &outcome.replies),
        ];
        for (sum, counts) in pairs {
            counts.iter().for_each(|(name, count)| *sum.entry(name).or_default() += count);
        }
        // Order must not matter: seeds end as they come.
        self.hash = self.hash.wrapping_add(outcome.hash);
    }
}

fn play_all(arguments: &Arguments) -> bool {
    let started = now();
    let next = AtomicU64::new(arguments.first);
    let end = arguments.first + arguments.seeds;
    let stop = AtomicBool::new(false);
    let sums = Mutex::new(Sums::default());
    let failures = Mutex::new(BTreeMap::new());
    let jobs = if arguments.trace { 1 } else { arguments.jobs };
    if !arguments.trace {
        std::panic::set_hook(Box::new(|_| ()));
    }
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let outcome = bongsu_sim::play(seed, arguments.trace);
                    outcome.trace.iter().for_each(|line| println!("{line}"));
                    if let Some(why) = &outcome.broken {
                        stop.store(true, Ordering::Relaxed);
                        lock(&failures).insert(seed, why.clone());
                    }
                    lock(&sums).add(&outcome);
                }
            });
        }
    });
    let sums = lock(&sums);
    print_counts("fault", &sums.faults);
    print_counts("command", &sums.commands);
    print_counts("answer", &sums.replies);
    let took_s = started.elapsed().as_secs_f64();
    let played = next.load(Ordering::Relaxed).min(end) - arguments.first;
    let commands: u64 = sums.commands.values().sum();
    println!(
        "{played} seeds, {commands} commands in {took_s:.1} s ({:.1} seeds/s on {jobs} threads), hash {:016x}",
        played as f64 / took_s,
        sums.hash
    );
    let failures = lock(&failures);
    match failures.first_key_value() {
        None => true,
        Some((seed, why)) => {
            report(*seed, why, arguments.trace);
            false
        }
    }
}

/// Tells of the first seed that failed, and replays it with the end of its trace.
fn report(seed: u64, why: &str, traced: bool) {
    const SHOWN_LINES: usize = 120;
    if !traced {
        let outcome = bongsu_sim::play(seed, true);
        let hidden = outcome.trace.len().saturating_sub(SHOWN_LINES);
        println!(
            "\n({hidden} lines of seed {seed} before these: cargo xtask simulate --seed {seed} --trace)"
        );
        outcome.trace.iter().skip(hidden).for_each(|line| println!("{line}"));
        if outcome.broken.as_deref() != Some(why) {
            println!("\nreplayed, the seed ended otherwise: {:?}", outcome.broken);
        }
    }
    println!("\nFAILED seed {seed}: {why}");
}

fn print_counts(title: &str, counts: &Counts) {
    println!("{title:<45} {:>12}", "times");
    counts.iter().for_each(|(name, count)| println!("  {name:<43} {count:>12}"));
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how long the simulation takes; nothing simulated sees it"
)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
