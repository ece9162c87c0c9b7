//! The result, as a table and as JSON.

use super::load::Outcome;
use super::tally::Row;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// The quantiles that are shown; the maximum is shown beside them.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// A finished run.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) scenario: &'static str,
    pub(super) endpoint: String,
    pub(super) connections: u64,
    pub(super) threads: u64,
    pub(super) message_bytes: u64,
    /// Messages a second that an open loop was to begin.
    pub(super) rate: Option<f64>,
    pub(super) outcome: Outcome,
    /// CPU time of this process during the measurement.
    pub(super) generator_cpu: Duration,
    pub(super) server: Option<ServerUse>,
}

/// What the server used during the measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerUse {
    pub(super) cpu: Duration,
    pub(super) resident_bytes: u64,
}

impl Report {
    fn elapsed_s(&self) -> f64 {
        (self.outcome.until.saturating_duration_since(self.outcome.from)).as_secs_f64()
    }

    /// An operation's rates are over the time up to its last success, if that came after the end.
    fn row_elapsed_s(&self, row: &Row) -> f64 {
        let until = row.last.map_or(self.outcome.until, |last| last.max(self.outcome.until));
        until.saturating_duration_since(self.outcome.from).as_secs_f64().max(1e-9)
    }

    /// The table that people read.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let open =
            self.rate.map_or("closed loop".to_owned(), |rate| format!("open loop at {rate} messages/s"));
        // Writing to a String does not fail.
        _ = writeln!(
            text,
            "{} on {}: {} connections, {} threads, {} bytes a message, {open}; {:.2} s",
            self.scenario,
            self.endpoint,
            self.connections,
            self.threads,
            self.message_bytes,
            self.elapsed_s()
        );
        _ = write!(
            text,
            "{:<22} {:>10} {:>10} {:>10} {:>11}",
            "", "requests", "requests/s", "messages", "messages/s"
        );
        QUANTILES.iter().for_each(|(name, _)| _ = write!(text, " {name:>9}"));
        _ = writeln!(text, " {:>9}", "max");
        for (operation, row) in &self.outcome.tally.rows {
            let elapsed_s = self.row_elapsed_s(row);
            _ = write!(
                text,
                "{:<22} {:>10} {:>10.0} {:>10} {:>11.0}",
                operation.name(),
                row.requests,
                row.requests as f64 / elapsed_s,
                row.messages,
                row.messages as f64 / elapsed_s
            );
            for (_, quantile) in QUANTILES {
                _ = write!(text, " {:>9}", millis(row.latency_ns.value_at_quantile(quantile)));
            }
            _ = writeln!(text, " {:>9}", millis(row.latency_ns.max()));
            if row.empty > 0 {
                _ = writeln!(text, "{:<22} {:>10} found nothing", "", row.empty);
            }
        }
        _ = writeln!(text, "{:<22} latencies in ms", "");
        self.table_of_costs(&mut text);
        text
    }

    fn table_of_costs(&self, text: &mut String) {
        let requests = self.requests();
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / requests.max(1) as f64;
        _ = writeln!(
            text,
            "generator: {:.2} s of CPU, {:.1} µs a request",
            self.generator_cpu.as_secs_f64(),
            each(self.generator_cpu)
        );
        if let Some(server) = self.server {
            _ = writeln!(
                text,
                "server:    {:.2} s of CPU, {:.1} µs a request; {:.1} MiB resident",
                server.cpu.as_secs_f64(),
                each(server.cpu),
                server.resident_bytes as f64 / f64::from(1 << 20)
            );
        }
        if self.outcome.missed > 0 {
            _ = writeln!(text, "the rate was not reached: {} requests never began", self.outcome.missed);
        }
        if self.outcome.hung {
            _ = writeln!(text, "given up: no request succeeded for a minute");
        }
        for (code, times) in &self.outcome.tally.errors {
            _ = writeln!(text, "errors:    {times} × {code}");
        }
    }

    fn requests(&self) -> u64 {
        self.outcome
            .tally
            .rows
            .values()
            .filter(|row| row.messages > 0)
            .map(|row| row.requests + row.empty)
            .sum()
    }

    /// The same for programs. Latencies are in microseconds.
    pub(super) fn json(&self) -> Value {
        let tally = &self.outcome.tally;
        let operations: Map<String, Value> = tally
            .rows
            .iter()
            .map(|(operation, row)| (operation.name().to_owned(), self.row_json(row)))
            .collect();
        let server = self.server.map(
            |server| json!({ "cpu_s": server.cpu.as_secs_f64(), "resident_bytes": server.resident_bytes }),
        );
        json!({
            "scenario": self.scenario,
            "endpoint": self.endpoint,
            "connections": self.connections,
            "threads": self.threads,
            "message_bytes": self.message_bytes,
            "rate": self.rate,
            "elapsed_s": self.elapsed_s(),
            "operations": operations,
            "errors": tally.errors,
            "failures": tally.failures(),
            "missed": self.outcome.missed,
            "hung": self.outcome.hung,
            "generator": { "cpu_s": self.generator_cpu.as_secs_f64() },
            "server": server,
        })
    }

    fn row_json(&self, row: &Row) -> Value {
        let elapsed_s = self.row_elapsed_s(row);
        let micros = |ns: u64| ns as f64 / 1e3;
        let mut latency: Map<String, Value> = QUANTILES
            .iter()
            .map(|(name, quantile)| {
                ((*name).to_owned(), json!(micros(row.latency_ns.value_at_quantile(*quantile))))
            })
            .collect();
        latency.insert("max".to_owned(), json!(micros(row.latency_ns.max())));
        latency.insert("mean".to_owned(), json!(row.latency_ns.mean() / 1e3));
        json!({
            "requests": row.requests,
            "requests_per_s": row.requests as f64 / elapsed_s,
            "messages": row.messages,
            "messages_per_s": row.messages as f64 / elapsed_s,
            "empty": row.empty,
            "latency_us": latency,
        })
    }
}

/// Milliseconds with three significant digits or so.
fn millis(ns: u64) -> String {
    let ms = ns as f64 / 1e6;
    let decimals = if ms < 10.0 { 3 } else { 1 };
    format!("{ms:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::{Report, ServerUse, millis};
    use crate::bench::clock::now;
    use crate::bench::load::Outcome;
    use crate::bench::tally::{Operation, Tally};
    use std::time::Duration;

    fn report() -> Report {
        let from = now();
        let mut tally = Tally::default();
        for _ in 0..1_000 {
            tally.succeeded(
                Operation::SendBatch,
                10,
                Duration::from_millis(2),
                from + Duration::from_secs(1),
            );
        }
        tally.failed("OverLimit".into(), 3);
        let until = from + Duration::from_secs(2);
        Report {
            scenario: "send-batch",
            endpoint: "http://127.0.0.1:9324".into(),
            connections: 16,
            threads: 1,
            message_bytes: 1024,
            rate: Some(5_000.0),
            outcome: Outcome { tally, from, until, missed: 7, hung: false },
            generator_cpu: Duration::from_millis(10),
            server: Some(ServerUse { cpu: Duration::from_millis(20), resident_bytes: 3 << 20 }),
        }
    }

    #[test]
    fn the_table_says_what_was_measured() {
        let table = report().table();
        for part in [
            "open loop at 5000 messages/s",
            "SendMessageBatch             1000        500      10000        5000     2.00",
            "generator: 0.01 s of CPU, 10.0 µs a request",
            "server:    0.02 s of CPU, 20.0 µs a request; 3.0 MiB resident",
            "7 requests never began",
            "3 × OverLimit",
        ] {
            assert!(table.contains(part), "{part} in\n{table}");
        }
        assert!(!table.contains("given up"));
    }

    #[test]
    fn the_json_has_the_same_figures() {
        let json = report().json();
        let row = &json["operations"]["SendMessageBatch"];
        assert_eq!((row["messages"].as_u64(), row["messages_per_s"].as_f64()), (Some(10_000), Some(5_000.0)));
        let p99_us = row["latency_us"]["p99"].as_f64().unwrap();
        assert!((p99_us - 2_000.0).abs() < 2.0, "{p99_us}");
        assert_eq!((&json["failures"], &json["missed"]), (&3.into(), &7.into()));
        assert_eq!(json["server"]["resident_bytes"], 3 << 20);
    }

    #[test]
    fn latencies_have_digits_where_they_count() {
        assert_eq!([millis(123_456), millis(9_999_000), millis(123_456_789)], ["0.123", "9.999", "123.5"]);
    }
}
