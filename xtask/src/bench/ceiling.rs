//! Bongsu beside the null server: how much of what HTTP and the disk allow is left.

use super::Options;
use super::contender::{BONGSU, Contender, NULL, Running};
use super::load::{self, Figure, Load};
use super::page::{Report, Table, time, whole};

/// Messages a second that are sent where latency is measured: far below what any of the two can do.
const CALM_RATE: u64 = 500;
/// Messages for each second of a measurement that are there to be received: more than can be.
const RECEIVABLE_PER_S: f64 = 100_000.0;

/// A row of the table.
struct Row {
    title: &'static str,
    /// `bongsu bench`'s arguments and operation, for the null server, which can only be sent to.
    null: Option<(&'static str, &'static str)>,
    bongsu: Option<(&'static str, &'static str)>,
    sync_delay_ms: u64,
    /// The least ratio.
    target: Option<f64>,
}

const fn both(
    title: &'static str,
    load: (&'static str, &'static str),
    delay_ms: u64,
    target: Option<f64>,
) -> Row {
    Row { title, null: Some(load), bongsu: Some(load), sync_delay_ms: delay_ms, target }
}

const SEND_64: (&str, &str) = ("send --connections 64", "SendMessage");
const SEND_1000: (&str, &str) = ("send --connections 1000", "SendMessage");
const BATCH_16: (&str, &str) = ("send-batch --connections 16", "SendMessageBatch");

/// Positions in the table that other rows are compared with.
const SINGLES: usize = 2;
const BATCHES: usize = 3;
const RECEIVING: usize = 4;
const FIFO_SINGLES: usize = 5;
const FIFO_BATCHES: usize = 6;

static ROWS: [Row; 11] = [
    both("SendMessage, 1 connection", ("send --connections 1", "SendMessage"), 0, None),
    both("SendMessage, 16 connections", ("send --connections 16", "SendMessage"), 0, None),
    both("SendMessage, 64 connections", SEND_64, 0, Some(0.8)),
    both("SendMessageBatch of 10, 16 connections", BATCH_16, 0, Some(0.8)),
    Row {
        title: "receive (10) and delete, 16 connections",
        null: None,
        bongsu: Some(("receive-delete --connections 16", "DeleteMessage(Batch)")),
        sync_delay_ms: 0,
        target: None,
    },
    Row {
        title: "FIFO, 1,000 groups: SendMessage, 64 connections",
        null: None,
        bongsu: Some(("send --queue bench.fifo --groups 1000 --connections 64", "SendMessage")),
        sync_delay_ms: 0,
        target: None,
    },
    Row {
        title: "FIFO, 1,000 groups: SendMessageBatch of 10, 16 connections",
        null: None,
        bongsu: Some(("send-batch --queue bench.fifo --groups 1000 --connections 16", "SendMessageBatch")),
        sync_delay_ms: 0,
        target: None,
    },
    both("each sync 1 ms longer: SendMessage, 64 connections", SEND_64, 1, None),
    both("each sync 1 ms longer: SendMessage, 1,000 connections", SEND_1000, 1, None),
    both("each sync 5 ms longer: SendMessage, 64 connections", SEND_64, 5, None),
    both("each sync 5 ms longer: SendMessage, 1,000 connections", SEND_1000, 5, Some(0.8)),
];

/// What the rounds found of a row.
#[derive(Default)]
struct Found {
    null: Vec<Figure>,
    bongsu: Vec<Figure>,
}

/// The section.
pub(super) fn run(options: &Options) -> Result<Report, String> {
    let mut report = Report::new("Bongsu beside the null server");
    let mut found: Vec<Found> = ROWS.iter().map(|_| Found::default()).collect();
    let mut calm = Calm::default();
    for round in 0..options.rounds {
        eprintln!("   round {} of {}", round + 1, options.rounds);
        for (row, found) in ROWS.iter().zip(&mut found) {
            measure_row(row, found, round, options, &mut report)?;
        }
        calm.measure(options, &mut report)?;
    }
    throughput(&mut report, &found);
    calm.show(&mut report);
    Ok(report)
}

/// Both, one right after the other; who comes first changes from round to round.
fn measure_row(
    row: &Row,
    found: &mut Found,
    round: usize,
    options: &Options,
    report: &mut Report,
) -> Result<(), String> {
    let mut turns = [(&NULL, row.null, &mut found.null), (&BONGSU, row.bongsu, &mut found.bongsu)];
    if round % 2 == 1 {
        turns.reverse();
    }
    for (contender, load, figures) in turns {
        if let Some((arguments, operation)) = load {
            figures.push(measure(contender, arguments, operation, row.sync_delay_ms, options, report)?);
        }
    }
    Ok(())
}

/// One measurement on a server of its own.
fn measure(
    contender: &Contender,
    arguments: &str,
    operation: &'static str,
    sync_delay_ms: u64,
    options: &Options,
    report: &mut Report,
) -> Result<Figure, String> {
    let mut running = Running::start(contender, options, sync_delay_ms)?;
    let seconds = options.seconds;
    let load = if operation == "DeleteMessage(Batch)" {
        let fill = (seconds * RECEIVABLE_PER_S) as u64;
        let fill = Load::new(format!("fill --messages {fill} --connections 16"), "SendMessageBatch");
        let filled = fill.run(&mut running, options)?.messages;
        report.command(fill.shown(running.speaks));
        Load::new(format!("{arguments} --messages {filled} --duration {seconds} --warmup 0"), operation)
    } else {
        // A thousand connections take a while to open.
        Load::new(format!("{arguments} --duration {seconds} --warmup 1"), operation)
    };
    let figure = load.run(&mut running, options)?;
    report.command(load.shown(running.speaks));
    Ok(figure)
}

fn throughput(report: &mut Report, found: &[Found]) {
    let head = [
        "",
        "null server",
        "Bongsu",
        "ratio",
        "CPU a message: null",
        "Bongsu",
        "p99: null",
        "Bongsu",
        "generator's core busy: null",
        "Bongsu",
    ];
    let mut table = Table::new(&head);
    for (row, found) in ROWS.iter().zip(found) {
        let cells = |figures: &[Figure]| {
            if figures.is_empty() {
                return ["–", "–", "–", "–"].map(str::to_owned);
            }
            let figure = Figure::median(figures);
            [
                format!("{}/s", whole(figure.messages_per_s)),
                time(figure.cpu_us_per_message),
                time(figure.p99_us),
                format!("{:.0} %", figure.load_share * 100.0),
            ]
        };
        let [null, null_cpu, null_p99, null_load] = cells(&found.null);
        let [rate, cpu, p99, load] = cells(&found.bongsu);
        let ratio = ratio(&found.bongsu, &found.null);
        let shown = ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        let title = row.title.to_owned();
        table.row(vec![title, null, rate, shown, null_cpu, cpu, null_p99, p99, null_load, load]);
        if let (Some(least), Some(ratio)) = (row.target, ratio) {
            report.ratio(format!("{}, of the null server", row.title), least, ratio);
        }
    }
    report.table(&table);
    report.note(
        "Rates are messages a second; latencies are those of requests. Where the generator's core has time left, it is the server \
         that limits the rate.",
    );
    for (what, least, of, to) in [
        ("receive and delete, of the null server's batched sends", 0.45, RECEIVING, &found[BATCHES].null),
        ("FIFO SendMessage, of standard", 0.8, FIFO_SINGLES, &found[SINGLES].bongsu),
        ("FIFO SendMessageBatch, of standard", 0.8, FIFO_BATCHES, &found[BATCHES].bongsu),
    ] {
        if let Some(ratio) = ratio(&found[of].bongsu, to) {
            report.ratio(what, least, ratio);
        }
    }
}

fn ratio(of: &[Figure], to: &[Figure]) -> Option<f64> {
    load::ratio(of, to, |figure| figure.messages_per_s)
}

/// Latencies where there is little to do.
#[derive(Default)]
struct Calm {
    null: Vec<Figure>,
    bongsu: Vec<Figure>,
    end_to_end: Vec<Figure>,
}

impl Calm {
    fn measure(&mut self, options: &Options, report: &mut Report) -> Result<(), String> {
        let send = format!("send --rate {CALM_RATE} --connections 16");
        let through = format!("end-to-end --rate {CALM_RATE} --connections 16");
        self.null.push(measure(&NULL, &send, "SendMessage", 0, options, report)?);
        self.bongsu.push(measure(&BONGSU, &send, "SendMessage", 0, options, report)?);
        self.end_to_end.push(measure(&BONGSU, &through, "end to end", 0, options, report)?);
        Ok(())
    }

    fn show(&self, report: &mut Report) {
        let title = format!("Latency at {CALM_RATE} messages a second (open loop)");
        let mut table = Table::new(&[&title, "p50", "p99", "p99.9"]);
        let mut p99_us = [0.0; 3];
        let rows = [
            ("null server: SendMessage", &self.null),
            ("Bongsu: SendMessage", &self.bongsu),
            ("Bongsu: from the send's begin to the message's arrival", &self.end_to_end),
        ];
        for ((what, figures), p99_us) in rows.into_iter().zip(&mut p99_us) {
            let figure = Figure::median(figures);
            *p99_us = figure.p99_us;
            table.row(vec![what.to_owned(), time(figure.p50_us), time(figure.p99_us), time(figure.p999_us)]);
        }
        report.table(&table);
        let [null_us, _, end_to_end_us] = p99_us;
        let found = format!("{}, null server {}", time(end_to_end_us), time(null_us));
        if null_us <= 1_000.0 {
            let wanted = "≤ 2 ms where the null server's is ≤ 1 ms";
            report.target("end to end p99", wanted, found, end_to_end_us <= 2_000.0);
        } else {
            report.note(format!("No target for latency can be told on a machine this busy: {found}."));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCHES, FIFO_BATCHES, FIFO_SINGLES, RECEIVING, ROWS, SINGLES};

    #[test]
    fn rows_that_others_are_compared_with_are_where_they_are_looked_for() {
        assert_eq!(ROWS[SINGLES].title, "SendMessage, 64 connections");
        assert!(ROWS[BATCHES].title.starts_with("SendMessageBatch of 10"));
        assert!(ROWS[RECEIVING].title.starts_with("receive"));
        assert!(ROWS[FIFO_SINGLES].title.contains("1,000 groups: SendMessage,"));
        assert!(ROWS[FIFO_BATCHES].title.contains("1,000 groups: SendMessageBatch"));
    }
}
