//! How Bongsu grows: with its backlog, its queues, its consumers, and the size of messages; and what it costs to be there.

use super::Options;
use super::contender::{BONGSU, Running, binary};
use super::load::{Figure, Load};
use super::page::{Report, Table, time, whole};
use super::process::pinned;
use crate::measure::clock::{now, sleep};
use crate::measure::text::{median, mib};
use std::process::{Command, Stdio};
use std::time::Duration;

const REST: Duration = Duration::from_secs(1);
const MIB: f64 = 1_048_576.0;

/// The section.
pub(super) fn run(options: &Options) -> Result<Report, String> {
    let mut report = Report::new("How Bongsu grows");
    presence(&mut report, options)?;
    backlog(&mut report, options)?;
    queues(&mut report, options)?;
    consumers(&mut report, options)?;
    sizes(&mut report, options)?;
    report.note(
        "The start, idle memory and what pending messages add are medians of the rounds; each other figure is of one run. Restarts \
         follow a SIGKILL and end with the first answer.",
    );
    Ok(report)
}

fn run_load(
    load: &Load,
    running: &mut Running,
    options: &Options,
    report: &mut Report,
) -> Result<Figure, String> {
    report.command(load.shown(running.speaks));
    load.run(running, options)
}

/// What it costs to be there.
fn presence(report: &mut Report, options: &Options) -> Result<(), String> {
    let (mut start_up_ms, mut idle_mib, mut added_mib) = (Vec::new(), Vec::new(), Vec::new());
    let fill = Load::new("fill --messages 100000 --connections 16", "SendMessageBatch");
    for _ in 0..options.rounds {
        let mut running = Running::start(&BONGSU, options, 0)?;
        start_up_ms.push(running.start_up.as_secs_f64() * 1e3);
        sleep(REST);
        let idle_bytes = running.process.resident_bytes();
        idle_mib.push(idle_bytes as f64 / MIB);
        run_load(&fill, &mut running, options, report)?;
        sleep(REST);
        added_mib.push(running.process.resident_bytes().saturating_sub(idle_bytes) as f64 / MIB);
    }
    for (what, found, most, unit) in [
        ("start to first answer", start_up_ms, 50.0, "ms"),
        ("idle memory", idle_mib, 15.0, "MiB"),
        ("100,000 × 1 KiB pending add", added_mib, 10.0, "MiB"),
    ] {
        let found = median(found);
        report.target(what, &format!("≤ {most} {unit}"), format!("{found:.1} {unit}"), found <= most);
    }
    Ok(())
}

/// Sending and receiving at once leaves a backlog as it is.
fn mixed(arguments: &str, options: &Options) -> Load {
    let seconds = options.seconds;
    Load::new(
        format!("mixed {arguments}--connections 16 --duration {seconds} --warmup 0.5"),
        "DeleteMessage(Batch)",
    )
}

fn backlog(report: &mut Report, options: &Options) -> Result<(), String> {
    let mut table =
        Table::new(&["pending", "sent, received and deleted/s", "p99 of deletes", "memory", "restart"]);
    let counts = [1_000_u64, 10_000, 100_000, 1_000_000, 10_000_000];
    let counts = if options.full { &counts[..] } else { &counts[..4] };
    for count in counts {
        let mut running = Running::start(&BONGSU, options, 0)?;
        let fill = Load::new(format!("fill --messages {count} --connections 16"), "SendMessageBatch");
        run_load(&fill, &mut running, options, report)?;
        sleep(REST);
        let resident_bytes = running.process.resident_bytes();
        let figure = run_load(&mixed("", options), &mut running, options, report)?;
        let restart = running.restart(options)?;
        table.row(vec![
            whole(*count as f64),
            whole(figure.messages_per_s),
            time(figure.p99_us),
            mib(resident_bytes),
            time(restart.as_secs_f64() * 1e6),
        ]);
    }
    report.table(&table);
    Ok(())
}

fn queues(report: &mut Report, options: &Options) -> Result<(), String> {
    let mut table =
        Table::new(&["queues", "sent, received and deleted/s", "p99 of deletes", "memory", "restart"]);
    for count in [1_u64, 10, 100, 1_000, 10_000] {
        let mut running = Running::start(&BONGSU, options, 0)?;
        let messages = (count * 10).max(10_000);
        let fill = format!("fill --queues {count} --messages {messages} --connections 16");
        run_load(&Load::new(fill, "SendMessageBatch"), &mut running, options, report)?;
        sleep(REST);
        let resident_bytes = running.process.resident_bytes();
        let load = mixed(&format!("--queues {count} "), options);
        let figure = run_load(&load, &mut running, options, report)?;
        let restart = running.restart(options)?;
        table.row(vec![
            whole(count as f64),
            whole(figure.messages_per_s),
            time(figure.p99_us),
            mib(resident_bytes),
            time(restart.as_secs_f64() * 1e6),
        ]);
    }
    report.table(&table);
    report.note("With ten messages pending in each queue, and 10,000 in all where that is more.");
    Ok(())
}

/// Long polls that find nothing.
fn consumers(report: &mut Report, options: &Options) -> Result<(), String> {
    // Long enough for each poll to end and to begin again.
    let window = Duration::from_secs(21);
    let mut table = Table::new(&["idle long polls", "CPU, of a core", "memory"]);
    for count in [1_u64, 10, 100, 1_000] {
        let running = Running::start(&BONGSU, options, 0)?;
        let arguments = format!("hold --wait-seconds 20 --connections {count} --duration 60 --warmup 0");
        let mut command = Command::new(binary());
        command.arg("bench").args(arguments.split_whitespace());
        command.args(["--json", "--endpoint", &format!("http://{}", running.address)]);
        let mut polls = pinned(&command, options.cores.load)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        report.command(format!("bongsu bench {arguments}"));
        sleep(REST * 2);
        let (begun, before_s) = (now(), running.cpu_s());
        sleep(window);
        let share = (running.cpu_s() - before_s) / begun.elapsed().as_secs_f64();
        let resident_bytes = running.process.resident_bytes();
        let ended = polls.try_wait().map_err(|error| error.to_string())?;
        let _ = polls.kill();
        let _ = polls.wait();
        if ended.is_some() {
            return Err(format!("bongsu bench {arguments} ended early"));
        }
        let shown = format!("{:.2} %", share * 100.0);
        if count == 1_000 {
            report.target("1,000 idle long polls", "< 1 % of a core", shown.clone(), share < 0.01);
        }
        table.row(vec![whole(count as f64), shown, mib(resident_bytes)]);
    }
    report.table(&table);
    report.note(format!("Over {} s, in which each poll of 20 s ends and begins again.", window.as_secs()));
    Ok(())
}

fn sizes(report: &mut Report, options: &Options) -> Result<(), String> {
    let mut table = Table::new(&[
        "message size",
        "sent/s",
        "MiB/s",
        "CPU a message",
        "p99",
        "received and deleted/s",
        "MiB/s",
    ]);
    let seconds = options.seconds;
    for (bytes, name) in [
        (100_u64, "100 B"),
        (1 << 10, "1 KiB"),
        (10 << 10, "10 KiB"),
        (100 << 10, "100 KiB"),
        (1 << 20, "1 MiB"),
    ] {
        let mut running = Running::start(&BONGSU, options, 0)?;
        let send = format!("send --message-bytes {bytes} --connections 16 --duration {seconds} --warmup 0");
        let sent = run_load(&Load::new(send, "SendMessage"), &mut running, options, report)?;
        let messages = (sent.messages * 0.95) as u64;
        let receive =
            format!("receive-delete --messages {messages} --connections 16 --duration {seconds} --warmup 0");
        let receive = Load::new(receive, "DeleteMessage(Batch)");
        let received = run_load(&receive, &mut running, options, report)?;
        let mib_per_s = |figure: &Figure| format!("{:.1}", figure.messages_per_s * bytes as f64 / MIB);
        table.row(vec![
            name.to_owned(),
            whole(sent.messages_per_s),
            mib_per_s(&sent),
            time(sent.cpu_us_per_message),
            time(sent.p99_us),
            whole(received.messages_per_s),
            mib_per_s(&received),
        ]);
    }
    report.table(&table);
    report.note("Over 16 connections; received ten at a time.");
    Ok(())
}
