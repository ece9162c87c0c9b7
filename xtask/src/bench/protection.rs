//! What signatures and sealing cost: the same server with each of them and without.

use super::Options;
use super::contender::{BONGSU, Contender, GUARDED, Running};
use super::load::{self, Figure, Load};
use super::page::{Report, Table, time, whole};

/// Messages for each second of a measurement that are there to be received: more than can be.
const RECEIVABLE_PER_S: f64 = 100_000.0;
/// Makes a queue whose messages are stored as they come.
const UNSEALED: &str = "--attribute SqsManagedSseEnabled=false";

/// How a server is protected.
struct Protection {
    title: &'static str,
    contender: &'static Contender,
    /// What queues are made with.
    queue: &'static str,
}

/// In the order of the table; the first is what the others are compared with.
static PROTECTIONS: [Protection; 4] = [
    Protection { title: "neither", contender: &BONGSU, queue: UNSEALED },
    Protection { title: "signatures checked", contender: &GUARDED, queue: UNSEALED },
    Protection { title: "messages sealed (the default on loopback)", contender: &BONGSU, queue: "" },
    Protection { title: "both (the default elsewhere)", contender: &GUARDED, queue: "" },
];
const SIGNED: usize = 1;
const SEALED: usize = 2;

/// A load: title, arguments and operation of `bongsu bench`.
static LOADS: [(&str, &str, &str); 3] = [
    ("SendMessage, 64 connections", "send --connections 64", "SendMessage"),
    ("SendMessageBatch of 10, 16 connections", "send-batch --connections 16", "SendMessageBatch"),
    ("receive (10) and delete, 16 connections", "receive-delete --connections 16", "DeleteMessage(Batch)"),
];

/// The section.
pub(super) fn run(options: &Options) -> Result<Report, String> {
    let mut report = Report::new("What signatures and sealing cost");
    // By load, then by protection.
    let mut found: [[Vec<Figure>; 4]; 3] = Default::default();
    for round in 0..options.rounds {
        eprintln!("   round {} of {}", round + 1, options.rounds);
        for ((_, arguments, operation), found) in LOADS.iter().zip(&mut found) {
            for turn in 0..PROTECTIONS.len() {
                // Nobody is always first.
                let index = (turn + round) % PROTECTIONS.len();
                let figure = measure(&PROTECTIONS[index], arguments, operation, options, &mut report)?;
                found[index].push(figure);
            }
        }
    }
    for ((title, ..), found) in LOADS.iter().zip(&found) {
        report.table(&table(title, found));
    }
    let singles = &found[0];
    let ratio = |of: usize| load::ratio(&singles[of], &singles[0], |figure| figure.messages_per_s);
    for (what, least, of) in [
        ("single sends with signatures checked, of those without", 0.85, SIGNED),
        ("single sends with messages sealed, of those without", 0.9, SEALED),
    ] {
        if let Some(ratio) = ratio(of) {
            report.ratio(what, least, ratio);
        }
    }
    Ok(report)
}

fn measure(
    protection: &Protection,
    arguments: &str,
    operation: &'static str,
    options: &Options,
    report: &mut Report,
) -> Result<Figure, String> {
    let mut running = Running::start(protection.contender, options, 0)?;
    let (seconds, queue) = (options.seconds, protection.queue);
    let load = if operation == "DeleteMessage(Batch)" {
        let fill = (seconds * RECEIVABLE_PER_S) as u64;
        let fill = Load::new(format!("fill {queue} --messages {fill} --connections 16"), "SendMessageBatch");
        let filled = fill.run(&mut running, options)?.messages;
        Load::new(format!("{arguments} --messages {filled} --duration {seconds} --warmup 0"), operation)
    } else {
        Load::new(format!("{arguments} {queue} --duration {seconds} --warmup 1"), operation)
    };
    let figure = load.run(&mut running, options)?;
    report.command(load.shown(running.speaks));
    Ok(figure)
}

fn table(title: &str, found: &[Vec<Figure>; 4]) -> Table {
    let mut table = Table::new(&[title, "messages/s", "ratio", "CPU a message", "p99"]);
    for (protection, figures) in PROTECTIONS.iter().zip(found) {
        let figure = Figure::median(figures);
        let ratio = load::ratio(figures, &found[0], |figure| figure.messages_per_s).unwrap_or_default();
        table.row(vec![
            protection.title.to_owned(),
            whole(figure.messages_per_s),
            format!("{ratio:.2}"),
            time(figure.cpu_us_per_message),
            time(figure.p99_us),
        ]);
    }
    table
}
