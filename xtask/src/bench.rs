//! `cargo xtask bench`: how fast Bongsu is beside what is possible and beside others, and how it grows. Writes
//! `docs/performance.md`.
//!
//! Every contender is measured in each of several rounds, so that whatever else the machine does falls on all of them;
//! what counts is the median. Servers have one core and the load generator another. Each section of the page is kept
//! until it is measured again.

mod brokers;
mod ceiling;
mod contender;
mod emulators;
mod flood;
mod growth;
mod install;
mod load;
mod others;
mod page;
mod process;
mod protection;
mod sessions;
mod sqs;

use crate::measure::host;
use crate::paths;
use contender::Contender;
use page::Report;
use process::Cores;
use std::path::PathBuf;
use std::time::Duration;

/// What it takes, for the usage text.
pub(crate) const USAGE: &str = "\
  bench [--section NAME,…] [--only NAME,…] [--rounds 5] [--seconds 4] [--full] [--dir DIR] [--no-build] [--print]
                            measure beside the ceiling and peers; writes docs/performance.md unless --print is given
                            sections: ceiling protection flood sqs others growth; --only names peers; --full: with ten million messages";

/// How long to look at what else runs, before and after a section, and how much of the cores it may use.
const LOOKING: Duration = Duration::from_secs(2);
const QUIET_SHARE: f64 = 0.1;

/// What `cargo xtask bench` was asked for.
#[derive(Debug)]
struct Options {
    sections: Vec<&'static Section>,
    /// Names of peers; empty: all.
    only: Vec<String>,
    rounds: usize,
    /// How long each measurement goes on.
    seconds: f64,
    /// With the growth that takes long.
    full: bool,
    /// Where data directories are made.
    folder: PathBuf,
    builds: bool,
    writes: bool,
    cores: Cores,
}

/// A part of the page.
struct Section {
    name: &'static str,
    run: fn(&Options) -> Result<Report, String>,
}

impl std::fmt::Debug for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// In the order of the page.
static SECTIONS: [Section; 6] = [
    Section { name: "ceiling", run: ceiling::run },
    Section { name: "protection", run: protection::run },
    Section { name: "flood", run: flood::run },
    Section { name: "sqs", run: sqs::run },
    Section { name: "others", run: others::run },
    Section { name: "growth", run: growth::run },
];

/// All that can be named after `--only`.
static PEERS: [&Contender; 9] = [
    &emulators::ELASTICMQ,
    &emulators::GOAWS,
    &emulators::MOTO,
    &emulators::LOCALSTACK,
    &brokers::REDIS,
    &brokers::POSTGRES,
    &brokers::BEANSTALKD,
    &brokers::RABBITMQ,
    &brokers::NATS,
];

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            sections: Vec::new(),
            only: Vec::new(),
            rounds: 5,
            seconds: 4.0,
            full: false,
            folder: std::env::temp_dir(),
            builds: true,
            writes: true,
            cores: Cores::find(),
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--full" => options.full = true,
                "--no-build" => options.builds = false,
                "--print" => options.writes = false,
                _ => {
                    let value =
                        rest.next().ok_or_else(|| format!("{argument}: no such option, or no value"))?;
                    options.set(argument, value)?;
                }
            }
        }
        if options.sections.is_empty() {
            options.sections.extend(&SECTIONS);
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "--section" => {
                for wanted in value.split(',') {
                    let found = SECTIONS.iter().find(|section| section.name == wanted);
                    self.sections.push(found.ok_or_else(|| format!("no section is called {wanted}"))?);
                }
            }
            "--only" => {
                for wanted in value.split(',') {
                    if !PEERS.iter().any(|peer| peer.name == wanted) {
                        return Err(format!("no peer is called {wanted}"));
                    }
                    self.only.push(wanted.to_owned());
                }
            }
            "--rounds" => {
                let rounds = value.parse().ok().filter(|rounds| (1..=99).contains(rounds));
                self.rounds = rounds.ok_or("--rounds is a number from 1 to 99")?;
            }
            "--seconds" => {
                let seconds = value.parse().ok().filter(|seconds| (0.2..=600.0).contains(seconds));
                self.seconds = seconds.ok_or("--seconds is a number from 0.2 to 600")?;
            }
            "--dir" => self.folder = value.into(),
            _ => return Err(format!("no option is called {name}")),
        }
        Ok(())
    }

    /// Whether a peer is to be measured.
    fn wants(&self, peer: &Contender) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == peer.name)
    }
}

/// Measures the sections that are named, or all; says whether every target was met, which only a quiet machine can show.
pub(crate) fn run(arguments: &[String]) -> Result<bool, String> {
    let options = Options::parse(arguments)?;
    if options.builds {
        let built = paths::cargo(&["build", "--release", "--package", "bongsu"]).status();
        if !built.map_err(|error| error.to_string())?.success() {
            return Err("the server can't be built".to_owned());
        }
    }
    contender::keep_binary()?;
    let mut met = true;
    for section in &options.sections {
        println!("── {} …", section.name);
        let conditions = page::conditions(&options);
        let before = Moment::look(&options)?;
        let report = match (section.run)(&options) {
            Ok(report) => report,
            Err(error) => {
                eprintln!("xtask: {}: {error}", section.name);
                met = false;
                continue;
            }
        };
        let after = Moment::look(&options)?;
        let is_quiet = before.is_quiet && after.is_quiet;
        let conditions = format!("{conditions} At the start {}; at the end {}.", before.text, after.text);
        let text = report.markdown(&conditions, is_quiet);
        print!("\n{text}\n");
        met &= is_quiet && report.meets_targets();
        if options.writes {
            page::write(section.name, &text)?;
        }
    }
    Ok(met)
}

/// How busy the machine and its disk are with other things.
struct Moment {
    text: String,
    is_quiet: bool,
}

impl Moment {
    fn look(options: &Options) -> Result<Self, String> {
        let busy = host::busy_share(LOOKING);
        let sync = page::time(host::sync_us(&options.folder)?);
        let load = host::load_average();
        let text = format!(
            "other processes used {:.0} % of all cores, a sync of 4 KiB took {sync}, and the load average was {load}",
            busy * 100.0
        );
        Ok(Self { text, is_quiet: busy <= QUIET_SHARE })
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use super::emulators::{ELASTICMQ, MOTO};

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn everything_is_measured_unless_something_is_named() {
        let options = parse("").unwrap();
        assert_eq!(format!("{:?}", options.sections), "[ceiling, protection, flood, sqs, others, growth]");
        assert!(options.wants(&MOTO) && options.builds && options.writes && !options.full);
        let options = parse("--only elasticmq,redis --section sqs --rounds 7 --seconds 0.5 --print").unwrap();
        assert_eq!(format!("{:?}", options.sections), "[sqs]");
        assert!(options.wants(&ELASTICMQ) && !options.wants(&MOTO) && !options.writes);
        assert_eq!((options.rounds, options.seconds), (7, 0.5));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, named) in [
            ("--section roof", "roof"),
            ("--only kafka", "kafka"),
            ("--rounds 0", "--rounds"),
            ("--seconds many", "--seconds"),
            ("--rounds", "--rounds"),
            ("--fast 3", "--fast"),
        ] {
            assert!(parse(line).unwrap_err().contains(named), "{line}");
        }
    }
}
