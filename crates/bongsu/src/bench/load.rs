//! Running a load: threads, each with its share of the connections, and somebody who watches.

use super::arguments::LoadArguments;
use super::clock::now;
use super::pace::{Quota, Schedule};
use super::request::{Addressing, MessageShape};
use super::tally::Tally;
use super::work;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often the progress is shown.
const LOOK: Duration = Duration::from_millis(250);
/// When no request has succeeded for so long, none will.
const MAX_SILENCE: Duration = Duration::from_secs(60);

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Send { batched: bool },
    ReceiveAndDelete,
    ReceiveAndHold,
}

/// What is to be done: all that the connections share.
#[derive(Debug)]
pub(super) struct Load {
    /// The roles, dealt to the connections in turn.
    pub(super) roles: Vec<Role>,
    pub(super) shape: MessageShape,
    /// The queues' URLs, as they stand in JSON.
    pub(super) queues: Vec<String>,
    pub(super) batch: u64,
    pub(super) wait_seconds: u64,
    pub(super) visibility_timeout_seconds: Option<u64>,
    pub(super) patience: Duration,
    pub(super) to_send: Quota,
    pub(super) to_receive: Quota,
    pub(super) schedule: Option<Schedule>,
    /// When the run began; stamps count from here.
    pub(super) start: Instant,
    /// What begins before is not counted.
    pub(super) measured_from: Instant,
    /// Nothing begins after.
    pub(super) end: Option<Instant>,
    pub(super) shared: Shared,
}

/// What changes while the load runs.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Messages are numbered in the order in which they are rendered.
    pub(super) next_number: AtomicU64,
    /// Requests that succeeded, with or without messages; tells a service that hangs, or only refuses, from a slow one.
    pub(super) answers: AtomicU64,
    /// Messages sent, or where nobody sends, received.
    pub(super) done: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) senders: AtomicU64,
    pub(super) failures: AtomicU64,
    /// Nanoseconds from the start to the last message that was received.
    pub(super) last_received_ns: AtomicU64,
    /// Everybody is to give up.
    pub(super) given_up: AtomicBool,
}

/// How a load went.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    /// From when it was measured.
    pub(super) from: Instant,
    pub(super) until: Instant,
    /// Requests that an open loop should have begun and could not.
    pub(super) missed: u64,
    /// The service stopped answering, or only refused.
    pub(super) hung: bool,
}

/// Over which connections.
#[derive(Clone)]
pub(super) struct Wiring {
    pub(super) to: Addressing,
    pub(super) address: SocketAddr,
    pub(super) connections: u64,
    pub(super) threads: u64,
    pub(super) cpus: Vec<usize>,
}

impl Wiring {
    pub(super) fn new(arguments: &LoadArguments, to: Addressing, address: SocketAddr) -> Self {
        let LoadArguments { connections, threads, cpus, .. } = arguments.clone();
        Self { to, address, connections, threads: threads.min(connections), cpus }
    }
}

/// Runs the load to its end. `measuring` is called when the warm-up is over.
///
/// # Errors
/// A thread or its runtime can't be made, or the connections can't be opened.
pub(super) fn run(
    load: Load,
    wiring: &Wiring,
    goal: Goal,
    measuring: &mut dyn FnMut(),
) -> io::Result<Outcome> {
    let load = Arc::new(load);
    let senders = (0..wiring.connections).filter(|index| matches!(load.role(*index), Role::Send { .. }));
    load.shared.senders.store(senders.count() as u64, Ordering::Relaxed);
    let (stop, stopped) = watch::channel(false);
    let (finished, ends) = channel();
    let mut threads = Vec::new();
    for thread in 0..wiring.threads {
        let (load, wiring, stopped, finished) =
            (load.clone(), wiring.clone(), stopped.clone(), finished.clone());
        let work = move || {
            let tally = run_thread(&load, &wiring, thread, stopped);
            // The watcher may have given up already.
            _ = finished.send(());
            tally
        };
        threads.push(std::thread::Builder::new().name(format!("bench-{thread}")).spawn(work)?);
    }
    drop(finished);
    let hung = !look_on(&load, &ends, goal, measuring);
    if hung {
        load.shared.given_up.store(true, Ordering::Relaxed);
        _ = stop.send(true);
    }
    let tally = join(threads)?;
    let now = now();
    let until = load.end.map_or(now, |end| end.min(now));
    let missed = load.schedule.as_ref().map_or(0, |schedule| schedule.missed(until));
    // Where everything ended early (nothing left, or a number of messages) the time up to the last message counts.
    let last = tally.rows.values().filter_map(|row| row.last).max();
    let until = if load.end.is_some_and(|end| end <= now) { until } else { last.unwrap_or(until) };
    Ok(Outcome { tally, from: load.measured_from, until, missed, hung })
}

fn join(threads: Vec<JoinHandle<io::Result<Tally>>>) -> io::Result<Tally> {
    let mut all = Tally::default();
    for thread in threads {
        let tally = thread.join().map_err(|_| io::Error::other("a thread panicked"))??;
        all.add(&tally);
    }
    Ok(all)
}

impl Load {
    pub(super) fn role(&self, connection: u64) -> Role {
        self.roles[connection as usize % self.roles.len()]
    }
}

fn run_thread(
    load: &Arc<Load>,
    wiring: &Wiring,
    thread: u64,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<Tally> {
    if let Some(cpu) = wiring.cpus.get(thread as usize % wiring.cpus.len().max(1)) {
        let mut set = CpuSet::new();
        set.set(*cpu);
        sched_setaffinity(None, &set)?;
    }
    let tally = Arc::new(Mutex::new(Tally::default()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let mut connections = tokio::task::JoinSet::new();
        for index in (thread..wiring.connections).step_by(wiring.threads as usize) {
            connections.spawn(work::run(load.clone(), wiring.clone(), index, tally.clone()));
        }
        tokio::select! {
            results = connections.join_all() => results.into_iter().collect::<io::Result<()>>(),
            // The other end only goes after this thread has.
            _ = stopped.wait_for(|stop| *stop) => Ok(()),
        }
    });
    drop(runtime);
    result?;
    Ok(std::mem::take(&mut *tally.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// What the progress is measured against.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    Messages(u64),
    Seconds(f64),
}

/// Shows the progress until all threads have ended. `false`: the service hangs.
fn look_on(load: &Load, ends: &Receiver<()>, goal: Goal, measuring: &mut dyn FnMut()) -> bool {
    while let wait = load.measured_from.saturating_duration_since(now())
        && !wait.is_zero()
    {
        if ends.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
            return true;
        }
    }
    measuring();
    let bar = progress_bar(goal);
    let (mut answers, mut last_answer) = (0, now());
    let mut shown = (now(), 0);
    loop {
        match ends.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Disconnected) => break,
            Ok(()) => continue,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let (at, found) = (now(), load.shared.answers.load(Ordering::Relaxed));
        if found != answers {
            (answers, last_answer) = (found, at);
        } else if at - last_answer > MAX_SILENCE {
            bar.finish_and_clear();
            return false;
        }
        let done = load.shared.done.load(Ordering::Relaxed);
        let rate = (done - shown.1) as f64 / (at - shown.0).as_secs_f64();
        shown = (at, done);
        bar.set_position(match goal {
            Goal::Messages(_) => done,
            Goal::Seconds(_) => (at - load.start).as_millis() as u64,
        });
        let failures = load.shared.failures.load(Ordering::Relaxed);
        let failures = if failures > 0 { format!(", {failures} errors") } else { String::new() };
        bar.set_message(format!("{done} messages, {rate:.0}/s{failures}"));
    }
    bar.finish_and_clear();
    true
}

/// On a terminal only; elsewhere nothing is shown.
fn progress_bar(goal: Goal) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let length = match goal {
        Goal::Messages(messages) => messages,
        Goal::Seconds(seconds) => (seconds * 1e3) as u64,
    };
    let style = ProgressStyle::with_template("[{elapsed}] {bar:30} {percent}% {msg}");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
