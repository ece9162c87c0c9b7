//! What one connection does, request after request.

use super::clock::{Timer, now, pause};
use super::load::{Load, Role, Wiring};
use super::request::{Renderer, STAMP_BYTES};
use super::scan;
use super::tally::{Operation, Tally};
use bongsu_tools::client::http::Connection;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A service that refused is left alone for a moment.
const REST: Duration = Duration::from_millis(10);
/// How long receivers go on after the last sender has ended.
const MAX_AFTER_SENDERS: Duration = Duration::from_secs(5);

/// Runs the connection with this number until there is nothing left to do.
///
/// # Errors
/// Nobody listens at the start, or there are no timers. Later errors are counted.
pub(super) async fn run(
    load: Arc<Load>,
    wiring: Wiring,
    index: u64,
    tally: Arc<Mutex<Tally>>,
) -> io::Result<()> {
    let timer = if load.schedule.is_some() { Some(Timer::new()?) } else { None };
    let renderer = Renderer::new(&wiring.to);
    let queue = index as usize % load.queues.len();
    let connection = Connection::new(wiring.address);
    let mut worker = Worker { tally, connection, renderer, timer, queue, handles: Vec::new(), load };
    worker.connection.open().await?;
    match worker.load.role(index) {
        Role::Send { batched } => worker.send_all(batched).await,
        Role::ReceiveAndDelete => worker.receive_all(true).await,
        Role::ReceiveAndHold => worker.receive_all(false).await,
    }
    Ok(())
}

struct Worker {
    load: Arc<Load>,
    tally: Arc<Mutex<Tally>>,
    connection: Connection,
    renderer: Renderer,
    timer: Option<Timer>,
    /// The queue whose turn it is.
    queue: usize,
    handles: Vec<Vec<u8>>,
}

impl Worker {
    /// Nobody else locks it while this thread works: connections of a thread take turns.
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_queue(&mut self) -> usize {
        let queue = self.queue;
        self.queue = (queue + 1) % self.load.queues.len();
        queue
    }

    /// When the next request is to begin, having waited for it; `None`: never, time is over.
    async fn turn(&mut self) -> Option<Instant> {
        let (load, timer) = (&self.load, &self.timer);
        let intended = match &load.schedule {
            Some(schedule) => schedule.next(),
            None => now(),
        };
        if load.end.is_some_and(|end| intended >= end || now() >= end)
            || load.shared.given_up.load(Ordering::Relaxed)
        {
            return None;
        }
        if let Some(timer) = timer
            && let Err(error) = timer.until(intended).await
        {
            self.fail(error.to_string(), 1);
            return None;
        }
        Some(intended)
    }

    async fn send_all(&mut self, batched: bool) {
        let load = self.load.clone();
        let most = if batched { load.batch } else { 1 };
        loop {
            let messages = load.to_send.take(most);
            if messages == 0 {
                break;
            }
            let Some(begin) = self.turn().await else { break };
            let sent = self.send(batched, messages, begin).await;
            load.shared.sent.fetch_add(sent, Ordering::Relaxed);
            load.shared.done.fetch_add(sent, Ordering::Relaxed);
            if sent < messages {
                load.to_send.give_back(messages - sent);
                pause(REST).await;
            }
        }
        load.shared.senders.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sends a batch, or a single message; says how many were accepted.
    async fn send(&mut self, batched: bool, messages: u64, begin: Instant) -> u64 {
        let load = self.load.clone();
        let queue = self.next_queue();
        let first = load.shared.next_number.fetch_add(messages, Ordering::Relaxed);
        let sent_ns = (begin - load.start).as_nanos() as u64;
        let url = (queue, load.queues[queue].as_str());
        let request = self.renderer.send(&load.shape, url, batched, (first, messages), sent_ns);
        let answer = match self.connection.exchange(request).await {
            Ok(answer) if answer.status == 200 => answer,
            Ok(answer) => {
                let code = scan::error_code(answer.status, answer.body);
                return self.fail(code, messages);
            }
            Err(error) => return self.fail(describe(&error), messages),
        };
        let at = now();
        let refused = if batched { scan::count(answer.body, "\"SenderFault\"") } else { 0 };
        let code = (refused > 0).then(|| entry_code(answer.body));
        let accepted = messages.saturating_sub(refused);
        if let Some(code) = code {
            self.fail(code, refused);
        }
        let operation = if batched { Operation::SendBatch } else { Operation::Send };
        if accepted > 0 {
            self.succeed(operation, accepted, begin, at);
        }
        accepted
    }

    async fn receive_all(&mut self, delete: bool) {
        let load = self.load.clone();
        let mut found = now();
        loop {
            let messages = load.to_receive.take(load.batch);
            if messages == 0 || self.is_over(found) {
                load.to_receive.give_back(messages);
                break;
            }
            // Where others send, it is they who keep to the schedule.
            let begin = if load.is_paced_by_senders() { Some(now()) } else { self.turn().await };
            let Some(begin) = begin else {
                load.to_receive.give_back(messages);
                break;
            };
            let received = self.receive(messages, delete, begin).await;
            load.to_receive.give_back(messages - received.unwrap_or(0).min(messages));
            match received {
                Some(0) => {}
                Some(_) => found = now(),
                None => pause(REST).await,
            }
        }
    }

    /// Whether a receiver should end: time is over, senders are done, or nothing comes any more.
    fn is_over(&self, found: Instant) -> bool {
        let (load, now) = (&self.load, now());
        let shared = &load.shared;
        if shared.given_up.load(Ordering::Relaxed) {
            return true;
        }
        let last = load.start + Duration::from_nanos(shared.last_received_ns.load(Ordering::Relaxed));
        let silence = now.saturating_duration_since(found.max(last).max(load.start));
        if !load.is_paced_by_senders() {
            // Without an end in time, an empty queue is the end.
            return load.end.is_none() && silence > load.patience;
        }
        let everything = shared.received.load(Ordering::Relaxed) >= shared.sent.load(Ordering::Relaxed);
        shared.senders.load(Ordering::Relaxed) == 0 && (everything || silence > MAX_AFTER_SENDERS)
    }

    /// Receives, and deletes what came; says how many came. `None`: an error.
    async fn receive(&mut self, messages: u64, delete: bool, begin: Instant) -> Option<u64> {
        let load = self.load.clone();
        let url = load.queues[self.next_queue()].as_str();
        let wait_seconds = load.wait_seconds;
        let request = self.renderer.receive(url, messages, wait_seconds, load.visibility_timeout_seconds);
        let answer = match self.connection.exchange(request).await {
            Ok(answer) if answer.status == 200 => answer,
            Ok(answer) => {
                let code = scan::error_code(answer.status, answer.body);
                self.fail(code, 1);
                return None;
            }
            Err(error) => {
                self.fail(describe(&error), 1);
                return None;
            }
        };
        let at = now();
        let mut received = 0;
        for handle in scan::strings(answer.body, "\"ReceiptHandle\"") {
            if received == self.handles.len() {
                self.handles.push(Vec::new());
            }
            self.handles[received].clear();
            self.handles[received].extend_from_slice(handle);
            received += 1;
        }
        let stamps: Vec<u64> = match load.shape.stamped {
            true => scan::strings(answer.body, "\"Body\"")
                .filter_map(|body| stamp(body, load.shape.run))
                .collect(),
            false => Vec::new(),
        };
        load.shared.answers.fetch_add(1, Ordering::Relaxed);
        if received == 0 {
            if begin >= load.measured_from {
                self.tally().found_nothing();
            }
            return Some(0);
        }
        self.succeed(Operation::Receive, received as u64, begin, at);
        for sent_ns in stamps {
            self.succeed(Operation::EndToEnd, 1, load.start + Duration::from_nanos(sent_ns), at);
        }
        load.shared.received.fetch_add(received as u64, Ordering::Relaxed);
        load.shared.last_received_ns.fetch_max((at - load.start).as_nanos() as u64, Ordering::Relaxed);
        if !load.is_paced_by_senders() {
            load.shared.done.fetch_add(received as u64, Ordering::Relaxed);
        }
        if delete {
            self.delete(url, received).await;
        }
        Some(received as u64)
    }

    async fn delete(&mut self, url: &str, messages: usize) {
        let begin = now();
        let request = self.renderer.delete(url, &self.handles[..messages]);
        let answer = match self.connection.exchange(request).await {
            Ok(answer) if answer.status == 200 => answer,
            Ok(answer) => {
                let code = scan::error_code(answer.status, answer.body);
                self.fail(code, messages as u64);
                return;
            }
            Err(error) => {
                self.fail(describe(&error), messages as u64);
                return;
            }
        };
        let at = now();
        let refused = scan::count(answer.body, "\"SenderFault\"");
        let code = (refused > 0).then(|| entry_code(answer.body));
        if let Some(code) = code {
            self.fail(code, refused);
        }
        self.succeed(Operation::Delete, (messages as u64).saturating_sub(refused), begin, at);
    }

    fn succeed(&self, operation: Operation, messages: u64, begin: Instant, at: Instant) {
        self.load.shared.answers.fetch_add(1, Ordering::Relaxed);
        if begin >= self.load.measured_from {
            self.tally().succeeded(operation, messages, at.saturating_duration_since(begin), at);
        }
    }

    /// Counts an error; 0, as nothing came of the request.
    fn fail(&self, code: String, times: u64) -> u64 {
        self.load.shared.failures.fetch_add(times, Ordering::Relaxed);
        self.tally().failed(code, times);
        0
    }
}

impl Load {
    /// Whether there are senders among the roles, whom receivers follow.
    fn is_paced_by_senders(&self) -> bool {
        self.roles.iter().any(|role| matches!(role, Role::Send { .. }))
    }
}

/// The errors of a broken connection, by kind: the texts differ from system to system.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidData => error.to_string(),
        kind => format!("connection: {kind}"),
    }
}

/// The code of the first entry of a batch that failed.
fn entry_code(body: &[u8]) -> String {
    let code = scan::strings(body, "\"Code\"").next().unwrap_or(b"an entry without a code");
    String::from_utf8_lossy(code).into_owned()
}

/// When a message of this run was sent, in nanoseconds from its start.
fn stamp(body: &[u8], run: u64) -> Option<u64> {
    let text = std::str::from_utf8(body.get(..STAMP_BYTES)?).ok()?;
    let of = u64::from_str_radix(text.get(..16)?, 16).ok()?;
    let sent_ns = u64::from_str_radix(text.get(16..)?, 16).ok()?;
    (of == run).then_some(sent_ns)
}

#[cfg(test)]
mod tests {
    use super::{entry_code, stamp};

    #[test]
    fn stamps_of_other_runs_are_not_ours() {
        assert_eq!(stamp(b"000000000000000a00000000000000ffmmm", 10), Some(255));
        assert_eq!(stamp(b"000000000000000a00000000000000ffmmm", 11), None);
        assert_eq!(stamp(b"000000000000000a", 10), None);
        assert_eq!(stamp(b"mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm", 10), None);
    }

    #[test]
    fn a_failed_entry_names_its_code() {
        let body = br#"{"Failed":[{"Id":"0","SenderFault":false,"Code":"InternalError"}]}"#;
        assert_eq!(entry_code(body), "InternalError");
    }
}
