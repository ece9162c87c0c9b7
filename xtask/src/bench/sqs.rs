//! Bongsu beside others with the SQS contract.

use super::Options;
use super::contender::{BONGSU, Contender, Running};
use super::emulators::{ELASTICMQ, GOAWS, LOCALSTACK, MOTO};
use super::load::{self, Figure, Load};
use super::page::{Report, Table, time, whole};
use super::sessions::{self, Connections, Session};
use crate::measure::clock::sleep;
use crate::measure::text::mib;
use std::time::Duration;

/// How long memory gets to come to rest.
const REST: Duration = Duration::from_secs(2);
const PENDING: u64 = 100_000;
/// Who is slow has fewer messages pending.
const FILL_SECONDS: u64 = 30;

/// The section.
pub(super) fn run(options: &Options) -> Result<Report, String> {
    let mut report = Report::new("Bongsu beside others with the SQS contract");
    let peers = [&ELASTICMQ, &GOAWS, &MOTO, &LOCALSTACK];
    let mut contenders = vec![&BONGSU];
    contenders.extend(peers.into_iter().filter(|peer| options.wants(peer)));
    let connections = Connections { singles: 64, tens: 16 };
    let sessions = sessions::run(&contenders, connections, options, &mut report);
    rates(&mut report, &sessions);
    memory(&mut report, &sessions, options);
    targets(&mut report, &sessions);
    Ok(report)
}

fn rates(report: &mut Report, sessions: &[Session]) {
    let head = [
        "",
        "version",
        "an answer promises",
        "SendMessage/s",
        "a CPU second",
        "batched sends/s",
        "a CPU second",
        "received and deleted/s",
    ];
    let mut table = Table::new(&head);
    for session in sessions {
        let [single, batch, received] =
            [&session.singles, &session.batches, &session.receiving].map(|all| Figure::median(all));
        table.row(vec![
            session.contender.title.to_owned(),
            session.version.clone(),
            session.contender.durability.to_owned(),
            whole(single.messages_per_s),
            whole(single.messages_per_cpu_s()),
            whole(batch.messages_per_s),
            whole(batch.messages_per_cpu_s()),
            whole(received.messages_per_s),
        ]);
    }
    report.table(&table);
    report.note("Single sends over 64 connections; batches of ten and receiving ten at a time over 16.");
}

fn memory(report: &mut Report, sessions: &[Session], options: &Options) {
    let pending = format!("{} × 1 KiB pending add", whole(PENDING as f64));
    let mut table = Table::new(&["", "start to first answer", "idle memory", &pending]);
    for session in sessions {
        let cells = match memory_of(session.contender, options, report) {
            Ok([idle, pending]) => [idle, pending],
            Err(error) => [error, "–".to_owned()],
        };
        let start_up = time(session.start_up_ms() * 1e3);
        let [idle, pending] = cells;
        table.row(vec![session.contender.title.to_owned(), start_up, idle, pending]);
    }
    report.table(&table);
    report.note(format!(
        "Memory is what the whole process tree has in RAM, measured once, {} s after the first answer and after the messages. \
         Who did not take all of them within {FILL_SECONDS} s has fewer pending, as said.",
        REST.as_secs()
    ));
}

fn memory_of(contender: &Contender, options: &Options, report: &mut Report) -> Result<[String; 2], String> {
    let mut running = Running::start(contender, options, 0)?;
    sleep(REST);
    let idle_bytes = running.process.resident_bytes();
    let arguments =
        format!("fill --messages {PENDING} --connections 16 --duration {FILL_SECONDS} --warmup 0");
    let fill = Load::new(arguments, "SendMessageBatch");
    let filled = fill.run(&mut running, options)?.messages;
    report.command(fill.shown(running.speaks));
    sleep(REST);
    let added_bytes = running.process.resident_bytes().saturating_sub(idle_bytes);
    let fewer = if filled < PENDING as f64 { format!(" ({} pending)", whole(filled)) } else { String::new() };
    Ok([mib(idle_bytes), format!("{}{fewer}", mib(added_bytes))])
}

fn targets(report: &mut Report, sessions: &[Session]) {
    let of = |contender: &Contender| sessions.iter().find(|session| session.contender.name == contender.name);
    let Some(bongsu) = of(&BONGSU) else { return };
    for (peer, least) in [(&ELASTICMQ, 10.0), (&LOCALSTACK, 50.0)] {
        let Some(peer) = of(peer) else { continue };
        if let Some(ratio) = load::ratio(&bongsu.singles, &peer.singles, Figure::messages_per_cpu_s) {
            report.ratio(format!("SendMessage a CPU second, times {}'s", peer.contender.title), least, ratio);
        }
    }
}
