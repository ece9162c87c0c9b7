//! What a client feels while others abuse the server: slow, oversized and too many connections.

use super::Options;
use super::contender::{BONGSU, Contender, NULL, Running};
use super::load::{Figure, Load};
use super::page::{Report, Table, time};
use super::process;
use crate::measure::clock::sleep;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the client sends that is measured: a calm load, so that what it waits for are the others.
const CALM: &str = "send --rate 500 --connections 8";
/// Connections that a slow flood keeps open.
const SLOW: usize = 500;
/// A slow connection sends one byte in this time.
const DRIP: Duration = Duration::from_millis(500);
/// Connections that are idle while others are opened and closed.
const IDLE: usize = 1_000;
/// Threads that open and close connections, or send too much.
const EAGER: usize = 2;
const OVERSIZED_BYTES: usize = 9 << 20;
/// How much longer than beside the null server others may wait.
const MAX_RATIO: f64 = 1.5;

/// A way to be a nuisance.
struct Flood {
    title: &'static str,
    start: fn(&Attack),
}

static FLOODS: [Flood; 5] = [
    Flood { title: "nobody else", start: |_| {} },
    Flood { title: "500 connections whose heads come byte by byte", start: |attack| attack.drip(SLOW_HEAD) },
    Flood { title: "500 connections whose bodies come byte by byte", start: |attack| attack.drip(SLOW_BODY) },
    Flood { title: "bodies of 9 MiB, over 2 connections", start: |attack| attack.eagerly(send_too_much) },
    Flood {
        title: "1,000 idle connections, and 2 threads that open and close more",
        start: |attack| {
            attack.hold();
            attack.eagerly(come_and_go);
        },
    },
];

const SLOW_HEAD: &str = "POST / HTTP/1.1\r\nHost: localhost\r\n";
const SLOW_BODY: &str = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
                         X-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: 1048576\r\n\r\n{";

/// A flood under way. Dropping it ends it.
struct Attack {
    address: String,
    over: Arc<AtomicBool>,
    /// Connections that were opened.
    opened: Arc<AtomicU64>,
    threads: std::cell::RefCell<Vec<JoinHandle<()>>>,
    core: Option<usize>,
}

impl Attack {
    fn start(flood: &Flood, running: &Running, core: Option<usize>) -> Self {
        let attack = Self {
            address: running.address.clone(),
            over: Arc::default(),
            opened: Arc::default(),
            threads: Default::default(),
            core,
        };
        (flood.start)(&attack);
        attack
    }

    fn spawn(&self, work: impl FnOnce(&str, &AtomicBool, &AtomicU64) + Send + 'static) {
        let (address, over, opened) =
            (self.address.clone(), Arc::clone(&self.over), Arc::clone(&self.opened));
        let core = self.core;
        let thread = std::thread::spawn(move || {
            if let Some(core) = core {
                process::stay_on(core);
            }
            work(&address, &over, &opened);
        });
        self.threads.borrow_mut().push(thread);
    }

    /// Keeps connections open that send a byte now and then, and opens new ones for those that were closed.
    fn drip(&self, begin: &'static str) {
        self.spawn(move |address, over, opened| {
            let mut streams: Vec<Option<TcpStream>> = (0..SLOW).map(|_| None).collect();
            while !over.load(Ordering::Relaxed) {
                for stream in &mut streams {
                    let alive = stream.as_mut().is_some_and(|stream| stream.write_all(b"x").is_ok());
                    if !alive {
                        *stream = open(address, opened, begin.as_bytes());
                    }
                }
                sleep(DRIP);
            }
        });
    }

    /// Keeps connections open that send nothing.
    fn hold(&self) {
        self.spawn(|address, over, opened| {
            let streams: Vec<_> = (0..IDLE).map(|_| open(address, opened, b"")).collect();
            while !over.load(Ordering::Relaxed) {
                sleep(DRIP);
            }
            drop(streams);
        });
    }

    /// Does something again and again, on several threads.
    fn eagerly(&self, work: fn(&str, &AtomicU64)) {
        for _ in 0..EAGER {
            self.spawn(move |address, over, opened| {
                while !over.load(Ordering::Relaxed) {
                    work(address, opened);
                }
            });
        }
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.borrow_mut().drain(..) {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

fn open(address: &str, opened: &AtomicU64, begin: &[u8]) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).ok()?;
    opened.fetch_add(1, Ordering::Relaxed);
    stream.write_all(begin).ok()?;
    Some(stream)
}

/// One body that is longer than any may be; as much of it as is taken.
fn send_too_much(address: &str, opened: &AtomicU64) {
    let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {OVERSIZED_BYTES}\r\n\r\n");
    let Some(mut stream) = open(address, opened, head.as_bytes()) else { return sleep(DRIP) };
    let piece = vec![b'x'; 64 << 10];
    for _ in 0..OVERSIZED_BYTES / piece.len() {
        if stream.write_all(&piece).is_err() {
            return;
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(DRIP));
    let _ = stream.read(&mut [0; 512]);
}

/// A connection that says nothing. Not as fast as can be: that would measure the kernel.
fn come_and_go(address: &str, opened: &AtomicU64) {
    drop(open(address, opened, b""));
    sleep(Duration::from_millis(1));
}

/// The section.
pub(super) fn run(options: &Options) -> Result<Report, String> {
    let mut report = Report::new("Beside those who mean no good");
    let mut found: Vec<[Vec<Figure>; 2]> = FLOODS.iter().map(|_| Default::default()).collect();
    for round in 0..options.rounds {
        eprintln!("   round {} of {}", round + 1, options.rounds);
        for (flood, found) in FLOODS.iter().zip(&mut found) {
            let mut turns = [(&NULL, 0), (&BONGSU, 1)];
            if round % 2 == 1 {
                turns.reverse();
            }
            for (contender, column) in turns {
                found[column].push(measure(contender, flood, options, &mut report)?);
            }
        }
    }
    show(&mut report, &found);
    Ok(report)
}

fn measure(
    contender: &Contender,
    flood: &Flood,
    options: &Options,
    report: &mut Report,
) -> Result<Figure, String> {
    let mut running = Running::start(contender, options, 0)?;
    let load = Load::new(format!("{CALM} --duration {} --warmup 1", options.seconds), "SendMessage");
    let attack = Attack::start(flood, &running, options.cores.load);
    let figure = load.run(&mut running, options);
    let opened = attack.opened.load(Ordering::Relaxed);
    drop(attack);
    if opened > 0 {
        eprintln!("   {}: {opened} connections opened ({})", flood.title, contender.title);
    }
    report.command(load.shown(running.speaks));
    figure
}

fn show(report: &mut Report, found: &[[Vec<Figure>; 2]]) {
    let head = ["500 sends a second beside", "p50: null", "Bongsu", "p99: null", "Bongsu", "ratio of p99"];
    let mut table = Table::new(&head);
    for (flood, [null, bongsu]) in FLOODS.iter().zip(found) {
        // Of the medians: a single round's p99 is a matter of a few requests.
        let (null, bongsu) = (Figure::median(null), Figure::median(bongsu));
        let ratio = bongsu.p99_us / null.p99_us;
        table.row(vec![
            flood.title.to_owned(),
            time(null.p50_us),
            time(bongsu.p50_us),
            time(null.p99_us),
            time(bongsu.p99_us),
            format!("{ratio:.2}"),
        ]);
        let wanted = format!("≤ {MAX_RATIO} times the null server's");
        let what = format!("p99 beside: {}", flood.title);
        report.target(what, &wanted, format!("{ratio:.2}"), ratio <= MAX_RATIO);
    }
    report.table(&table);
    report.note("Those who flood run on the load's core, beside the client that is measured.");
}

#[cfg(test)]
mod tests {
    use super::{DRIP, FLOODS, open};
    use std::sync::atomic::AtomicU64;

    #[test]
    fn what_can_not_be_opened_is_not_counted() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let opened = AtomicU64::new(0);
        assert!(open(&address, &opened, b"x").is_some());
        drop(listener);
        assert!(open(&address, &opened, b"x").is_none());
        assert_eq!(opened.into_inner(), 1);
    }

    #[test]
    fn the_first_row_is_what_others_are_held_against() {
        assert_eq!(FLOODS[0].title, "nobody else");
        assert!(DRIP.as_secs() < 10, "slow, and not silent");
    }
}
