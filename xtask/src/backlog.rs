//! `cargo xtask backlog`: how deep queues cost. Fills a real server on a real disk with `bongsu bench`, and measures memory,
//! restarts, rates beside those of a shallow queue, and disk use. Writes `docs/backlogs.md`.
//!
//! Each scenario has a server and a data directory of its own, which it removes, and a section of the page, so that scenarios
//! can be measured one at a time.

mod disk;
mod scenarios;
mod server;
mod table;

use crate::paths;
use std::path::PathBuf;
use table::Section;

/// What `cargo xtask backlog` was asked for.
#[derive(Debug, PartialEq)]
struct Options {
    scenarios: Vec<&'static Scenario>,
    /// All numbers of messages and times are multiplied by this. The page is only written at 1.
    scale: f64,
    /// Messages of the deep queue, before scaling.
    messages: u64,
    /// How long FIFO sends go on, before scaling.
    fifo_seconds: u64,
    /// Where data directories are made.
    folder: PathBuf,
}

/// A scenario by its name on the command line.
struct Scenario {
    name: &'static str,
    run: fn(&Options) -> Result<Section, String>,
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Scenario {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// In the order of the page.
static SCENARIOS: [Scenario; 8] = [
    Scenario { name: "deep", run: scenarios::deep },
    Scenario { name: "cleaner", run: scenarios::cleaner },
    Scenario { name: "groups", run: scenarios::groups },
    Scenario { name: "received", run: scenarios::received },
    Scenario { name: "delayed", run: scenarios::delayed },
    Scenario { name: "fifo", run: scenarios::fifo },
    Scenario { name: "queues", run: scenarios::queues },
    Scenario { name: "tenants", run: scenarios::tenants },
];

/// What it takes, for the usage text.
pub(crate) const USAGE: &str = "\
  backlog [SCENARIO…] [--messages 10000000] [--fifo-seconds 300] [--scale 1.0] [--dir DIR]
                            measure deep queues; writes docs/backlogs.md when the scale is 1";

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            scenarios: Vec::new(),
            scale: 1.0,
            messages: 10_000_000,
            fifo_seconds: 300,
            folder: std::env::temp_dir(),
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if !argument.starts_with("--") {
                let found = SCENARIOS.iter().find(|scenario| scenario.name == argument);
                options.scenarios.push(found.ok_or_else(|| format!("no scenario is called {argument}"))?);
                continue;
            }
            let value = rest.next().ok_or_else(|| format!("{argument} needs a value"))?;
            let wrong = |_| format!("{argument} {value}: a number is wanted");
            match argument.as_str() {
                "--messages" => options.messages = value.parse().map_err(wrong)?,
                "--fifo-seconds" => options.fifo_seconds = value.parse().map_err(wrong)?,
                "--scale" => {
                    let scale: Option<f64> = value.parse().ok().filter(|scale| *scale > 0.0 && *scale <= 1.0);
                    options.scale = scale.ok_or("--scale is a number above 0, at most 1")?;
                }
                "--dir" => options.folder = value.into(),
                _ => return Err(format!("no option is called {argument}")),
            }
        }
        if options.scenarios.is_empty() {
            options.scenarios.extend(&SCENARIOS);
        }
        Ok(options)
    }

    /// A number of messages (or seconds) at the scale asked for, and a multiple of ten.
    fn scaled(&self, count: u64) -> u64 {
        ((count as f64 * self.scale / 10.0).round() as u64 * 10).max(10)
    }
}

/// Runs the scenarios that are named, or all; says whether every limit was kept.
pub(crate) fn run(arguments: &[String]) -> Result<bool, String> {
    let options = Options::parse(arguments)?;
    let built = paths::cargo(&["build", "--release", "--package", "bongsu"]).status();
    if !built.map_err(|error| error.to_string())?.success() {
        return Err("the server can't be built".to_owned());
    }
    let mut kept = true;
    for scenario in &options.scenarios {
        println!("── {} …", scenario.name);
        let section = match (scenario.run)(&options) {
            Ok(section) => section,
            Err(error) => {
                eprintln!("xtask: {}: {error}", scenario.name);
                kept = false;
                continue;
            }
        };
        let text = section.markdown();
        print!("\n{text}\n");
        kept &= section.keeps_limits();
        if options.scale == 1.0 {
            table::write(&SCENARIOS.each_ref().map(|scenario| scenario.name), scenario.name, &text)?;
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn scenarios_and_options_are_read_in_any_order() {
        let options = parse("--messages 500 deep --scale 0.5 fifo").unwrap();
        assert_eq!(format!("{:?}", options.scenarios), "[deep, fifo]");
        assert_eq!((options.messages, options.scaled(500), options.scaled(1)), (500, 250, 10));
        assert_eq!(parse("").unwrap().scenarios.len(), 8);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, named) in [
            ("shallow", "shallow"),
            ("--scale 2", "--scale"),
            ("--messages many", "many"),
            ("--messages", "--messages"),
            ("--depth 3", "--depth"),
        ] {
            assert!(parse(line).unwrap_err().contains(named), "{line}");
        }
    }
}
