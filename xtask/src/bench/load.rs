//! One measurement: a load on a running contender, and what it cost.

use super::Options;
use super::contender::{Running, Speaks, binary};
use super::process::{peers, pinned};
use crate::measure::text::median;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What one measurement found, or the medians of several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Figure {
    pub(super) messages: f64,
    pub(super) messages_per_s: f64,
    /// CPU time of the server's whole process tree.
    pub(super) cpu_us_per_message: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    /// 0 where the driver does not say.
    pub(super) p999_us: f64,
    /// The share of its core that the load generator used.
    pub(super) load_share: f64,
}

impl Figure {
    /// The median of each field.
    pub(super) fn median(all: &[Figure]) -> Figure {
        let of = |field: fn(&Figure) -> f64| median(all.iter().map(field).collect());
        Figure {
            messages: of(|figure| figure.messages),
            messages_per_s: of(|figure| figure.messages_per_s),
            cpu_us_per_message: of(|figure| figure.cpu_us_per_message),
            p50_us: of(|figure| figure.p50_us),
            p99_us: of(|figure| figure.p99_us),
            p999_us: of(|figure| figure.p999_us),
            load_share: of(|figure| figure.load_share),
        }
    }

    /// Messages that a second of the server's CPU time is good for.
    pub(super) fn messages_per_cpu_s(&self) -> f64 {
        if self.cpu_us_per_message > 0.0 { 1e6 / self.cpu_us_per_message } else { 0.0 }
    }
}

/// The median of the rounds' ratios, so that a round in which the machine was slow counts as any other.
pub(super) fn ratio(of: &[Figure], to: &[Figure], field: fn(&Figure) -> f64) -> Option<f64> {
    let ratios = of.iter().zip(to).map(|(of, to)| field(of) / field(to));
    let ratios: Vec<f64> = ratios.collect();
    (!ratios.is_empty()).then(|| median(ratios))
}

/// What to do to a contender.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Load {
    /// For `bongsu bench`, the scenario first; or for the driver.
    pub(super) arguments: String,
    /// The row of `bongsu bench`'s result that counts.
    pub(super) operation: &'static str,
}

impl Load {
    pub(super) fn new(arguments: impl Into<String>, operation: &'static str) -> Self {
        Self { arguments: arguments.into(), operation }
    }

    /// As it would be typed.
    pub(super) fn shown(&self, speaks: Speaks) -> String {
        match speaks {
            Speaks::Sqs => format!("bongsu bench {}", self.arguments),
            Speaks::Other(protocol) => format!("driver -protocol {protocol} {}", self.arguments),
        }
    }

    /// Runs it on the core for the load.
    pub(super) fn run(&self, running: &mut Running, options: &Options) -> Result<Figure, String> {
        let before_s = running.cpu_s();
        let result = self.result(running, options)?;
        running.process.check()?;
        let cpu_s = running.cpu_s() - before_s;
        let mut figure = match running.speaks {
            Speaks::Sqs => from_bench(&result, self.operation),
            Speaks::Other(_) => from_driver(&result),
        }
        .ok_or_else(|| format!("{}: no figures in {result}", self.shown(running.speaks)))?;
        // Of a single process the generator knows what it used after the warm-up.
        let cpu_s = match result["server"]["cpu_s"].as_f64() {
            Some(measured_s) if running.is_single() => measured_s,
            _ => cpu_s,
        };
        figure.cpu_us_per_message = cpu_s * 1e6 / figure.messages.max(1.0);
        Ok(figure)
    }

    fn result(&self, running: &Running, options: &Options) -> Result<Value, String> {
        let words = self.arguments.split_whitespace();
        let mut command;
        match running.speaks {
            Speaks::Sqs => {
                command = Command::new(binary());
                command.arg("bench").args(words).args(["--json", "--endpoint"]);
                command.arg(format!("http://{}", running.address));
                command.args(["--pid", &running.process.id().to_string()]);
                if let Some(credentials) = &running.credentials {
                    command.env("AWS_ACCESS_KEY_ID", &credentials.access_key_id);
                    command.env("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key);
                }
            }
            Speaks::Other(protocol) => {
                command = Command::new(driver_binary());
                command.args(["-protocol", protocol, "-address", &running.address]).args(words);
                // Its garbage collector should not use more threads than there are cores for it.
                command.env("GOMAXPROCS", "1");
            }
        }
        let shown = self.shown(running.speaks);
        let output = pinned(&command, options.cores.load)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .map_err(|error| format!("{shown}: {error}"))?;
        let result = serde_json::from_slice(&output.stdout);
        match result {
            Ok(result) if output.status.success() => Ok(result),
            _ => {
                Err(format!("{shown}: {} {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
            }
        }
    }
}

/// From `bongsu bench --json`. `None` where more than one request in a hundred failed: that is no measurement.
fn from_bench(result: &Value, operation: &str) -> Option<Figure> {
    let row = &result["operations"][operation];
    let messages = row["messages"].as_f64()?;
    if result["failures"].as_f64()? * 100.0 > messages {
        return None;
    }
    let latency = |quantile: &str| row["latency_us"][quantile].as_f64();
    Some(Figure {
        messages,
        messages_per_s: row["messages_per_s"].as_f64()?,
        cpu_us_per_message: 0.0,
        p50_us: latency("p50")?,
        p99_us: latency("p99")?,
        p999_us: latency("p99.9")?,
        load_share: share(result["generator"]["cpu_s"].as_f64()?, result["elapsed_s"].as_f64()?),
    })
}

fn from_driver(result: &Value) -> Option<Figure> {
    let number = |name: &str| result[name].as_f64();
    Some(Figure {
        messages: number("messages")?,
        messages_per_s: number("messages_per_s")?,
        cpu_us_per_message: 0.0,
        p50_us: number("p50_us")?,
        p99_us: number("p99_us")?,
        p999_us: 0.0,
        load_share: share(number("generator_cpu_s")?, number("elapsed_s")?),
    })
}

fn share(cpu_s: f64, elapsed_s: f64) -> f64 {
    if elapsed_s > 0.0 { cpu_s / elapsed_s } else { 0.0 }
}

/// The driver for protocols that are not SQS.
pub(super) fn driver_binary() -> PathBuf {
    peers().join("driver")
}

#[cfg(test)]
mod tests {
    use super::{Figure, from_bench, from_driver, ratio};
    use serde_json::json;

    fn bench(failures: u64) -> serde_json::Value {
        let latency = json!({ "p50": 200.0, "p99": 900.0, "p99.9": 1_500.0 });
        let row = json!({ "messages": 1_000, "messages_per_s": 500.0, "latency_us": latency });
        json!({ "operations": { "SendMessage": row }, "failures": failures, "elapsed_s": 2.0,
                "generator": { "cpu_s": 0.5 } })
    }

    #[test]
    fn the_row_of_an_operation_is_read() {
        let figure = from_bench(&bench(0), "SendMessage").unwrap();
        assert_eq!((figure.messages, figure.messages_per_s, figure.p999_us), (1_000.0, 500.0, 1_500.0));
        assert_eq!(figure.load_share, 0.25);
        assert_eq!(from_bench(&bench(0), "ReceiveMessage"), None);
    }

    #[test]
    fn a_load_that_was_mostly_refused_is_no_measurement() {
        assert!(from_bench(&bench(10), "SendMessage").is_some());
        assert_eq!(from_bench(&bench(11), "SendMessage"), None);
    }

    #[test]
    fn the_driver_says_the_same_in_its_own_words() {
        let result = json!({ "messages": 10, "elapsed_s": 4.0, "messages_per_s": 2.5, "p50_us": 1.0, "p99_us": 2.0,
                             "generator_cpu_s": 1.0 });
        let figure = from_driver(&result).unwrap();
        assert_eq!((figure.messages_per_s, figure.p99_us, figure.load_share), (2.5, 2.0, 0.25));
        assert_eq!(from_driver(&json!({})), None);
    }

    #[test]
    fn medians_are_taken_field_by_field() {
        let of = |messages_per_s, p99_us| Figure { messages_per_s, p99_us, ..Figure::default() };
        let median = Figure::median(&[of(1.0, 9.0), of(3.0, 7.0), of(2.0, 8.0)]);
        assert_eq!(median, of(2.0, 8.0));
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let rates = |rates: &[f64]| -> Vec<Figure> {
            rates.iter().map(|rate| Figure { messages_per_s: *rate, ..Figure::default() }).collect()
        };
        // The machine was slow in the second round, for both.
        let (of, to) = (rates(&[80.0, 9.0, 85.0]), rates(&[100.0, 10.0, 100.0]));
        assert_eq!(ratio(&of, &to, |figure| figure.messages_per_s), Some(0.85));
        assert_eq!(ratio(&[], &to, |figure| figure.messages_per_s), None);
    }

    #[test]
    fn cpu_seconds_are_turned_round() {
        let figure = Figure { cpu_us_per_message: 20.0, ..Figure::default() };
        assert_eq!((figure.messages_per_cpu_s(), Figure::default().messages_per_cpu_s()), (50_000.0, 0.0));
    }
}
