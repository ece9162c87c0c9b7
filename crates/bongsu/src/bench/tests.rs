//! The generator against the null server, and how options are read.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::arguments::{LoadArguments, Scenario};
use super::{check, json_escaped, measure, null};
use crate::bench::load::Role;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    scenario: Scenario,
}

fn scenario(line: &[&str]) -> Result<Scenario, String> {
    let line = Line::try_parse_from(["bench"].iter().chain(line)).map_err(|error| error.to_string())?;
    Ok(line.scenario)
}

pub(super) fn load_arguments(options: &[&str]) -> LoadArguments {
    match scenario(&[&["send"], options].concat()).unwrap() {
        Scenario::Send(arguments) => *arguments,
        _ => unreachable!("send was asked for"),
    }
}

#[test]
fn mistakes_are_refused_with_a_reason() {
    for (option, value, reason) in [
        ("--rate", "0", "must not be 0"),
        ("--rate", "NaN", "a number"),
        ("--duration", "-1", "a number"),
        ("--batch", "11", "1..=10"),
        ("--message-bytes", "0", "1..=1048576"),
        ("--attribute", "DelaySeconds", "NAME=VALUE"),
        ("--connections", "0", "1.."),
    ] {
        let error = scenario(&["send", &format!("{option}={value}")]).unwrap_err();
        assert!(error.contains(reason), "{option} {value}: {error}");
    }
    let batched = [Role::Send { batched: true }];
    let both = [Role::ReceiveAndDelete, Role::Send { batched: false }];
    assert!(check("fill", &batched, &load_arguments(&[])).is_err());
    assert!(check("mixed", &both, &load_arguments(&["--connections", "1"])).is_err());
    assert!(check("end-to-end", &both, &load_arguments(&["--message-bytes", "31"])).is_err());
    assert!(check("send", &batched, &load_arguments(&["--fifo", "--max-delay-seconds", "1"])).is_err());
    assert!(check("send", &batched, &load_arguments(&["--fifo"])).is_ok());
}

#[test]
fn text_is_escaped_for_json() {
    assert_eq!(json_escaped("a\"b\\c\n"), r#"a\"b\\c\n"#);
}

/// A null server in this process, on a free port; it ends with the process.
fn null_server(options: &[&str]) -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let Scenario::Null(arguments) = scenario(&[&["null", "--listen", &listen], options].concat()).unwrap()
    else {
        unreachable!("null was asked for")
    };
    std::thread::spawn(move || null::run(&arguments));
    while std::net::TcpStream::connect(&listen).is_err() {
        std::thread::yield_now();
    }
    format!("http://{listen}")
}

#[test]
fn a_number_of_messages_is_sent_exactly() {
    let endpoint = null_server(&["--no-sync"]);
    for (batched, options) in [
        (false, vec!["--messages", "505", "--connections", "3", "--threads", "2"]),
        (true, vec!["--messages", "505", "--connections", "3", "--threads", "2", "--groups", "7"]),
        (true, vec!["--messages", "505", "--fifo", "--queues", "5", "--no-sign"]),
    ] {
        let arguments = load_arguments(&[&["--endpoint", &endpoint], &options[..]].concat());
        let report = measure("fill", vec![Role::Send { batched }], &arguments).unwrap();
        let json = report.json();
        let name = if batched { "SendMessageBatch" } else { "SendMessage" };
        assert_eq!(json["operations"][name]["messages"], 505, "{json}");
        let requests = if batched { 51 } else { 505 };
        assert_eq!(json["operations"][name]["requests"], requests, "{json}");
        assert_eq!((&json["failures"], &json["hung"]), (&0.into(), &false.into()));
    }
}

#[test]
fn an_open_loop_keeps_its_rate() {
    let endpoint = null_server(&["--no-sync"]);
    let options = ["--rate", "400", "--duration", "1", "--warmup", "0.2", "--endpoint", &endpoint];
    let report = measure("send", vec![Role::Send { batched: false }], &load_arguments(&options)).unwrap();
    let sent = report.json()["operations"]["SendMessage"]["messages"].as_u64().unwrap();
    assert!((380..=400).contains(&sent), "{sent}");
    assert!(report.outcome.missed <= 20, "{}", report.outcome.missed);
}

/// One connection, 20 requests a second asked for, and a server that takes 100 ms for each: a loop that waited for
/// answers before it looked at the clock would see 100 ms. Who comes at that rate waits longer and longer.
#[test]
fn waiting_for_a_connection_counts_as_latency() {
    let endpoint = null_server(&["--no-sync", "--sync-delay-ms", "100"]);
    let options =
        ["--rate", "20", "--duration", "2", "--warmup", "0", "--connections", "1", "--endpoint", &endpoint];
    let report = measure("send", vec![Role::Send { batched: false }], &load_arguments(&options)).unwrap();
    let json = report.json();
    let max_us = json["operations"]["SendMessage"]["latency_us"]["max"].as_f64().unwrap();
    assert!(max_us > 700_000.0, "{json}");
    assert!(report.outcome.missed >= 15, "{json}");
}

#[test]
fn what_the_service_refuses_is_counted_by_code() {
    let endpoint = null_server(&["--no-sync"]);
    let options = ["--duration", "0.3", "--warmup", "0", "--connections", "2", "--endpoint", &endpoint];
    let report = measure("hold", vec![Role::ReceiveAndHold], &load_arguments(&options)).unwrap();
    let tally = &report.outcome.tally;
    assert!(tally.errors["InvalidAction"] > 2 && tally.rows.is_empty(), "{tally:?}");
}

#[test]
fn an_endpoint_where_nobody_listens_is_an_error() {
    let arguments = load_arguments(&["--endpoint", "http://127.0.0.1:1", "--messages", "1"]);
    let error = measure("send", vec![Role::Send { batched: false }], &arguments).unwrap_err();
    assert!(error.to_string().contains("does not answer"), "{error}");
}
