//! The page: sections that are measured, each kept until it is measured again.

use super::Options;
use crate::measure::page;
use crate::measure::text::grouped;
use std::fmt::Write as _;

/// What a section found.
#[derive(Debug, Default)]
pub(super) struct Report {
    title: String,
    parts: Vec<String>,
    targets: Vec<Target>,
    commands: Vec<String>,
}

#[derive(Debug)]
struct Target {
    what: String,
    wanted: String,
    found: String,
    met: bool,
}

impl Report {
    pub(super) fn new(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }

    pub(super) fn table(&mut self, table: &Table) {
        self.parts.push(table.markdown());
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.parts.push(format!("{}\n", text.into()));
    }

    /// A figure that has to reach something.
    pub(super) fn target(
        &mut self,
        what: impl Into<String>,
        wanted: &str,
        found: impl Into<String>,
        met: bool,
    ) {
        let (what, found) = (what.into(), found.into());
        self.targets.push(Target { what, wanted: wanted.to_owned(), found, met });
    }

    /// A ratio that has to reach something.
    pub(super) fn ratio(&mut self, what: impl Into<String>, least: f64, found: f64) {
        self.target(what, &format!("≥ {least}"), format!("{found:.2}"), found >= least);
    }

    /// How a figure was had; the same command is shown once.
    pub(super) fn command(&mut self, command: impl Into<String>) {
        let command = command.into();
        if !self.commands.contains(&command) {
            self.commands.push(command);
        }
    }

    pub(super) fn meets_targets(&self) -> bool {
        self.targets.iter().all(|target| target.met)
    }

    /// On a machine that was not quiet, figures show neither that a target was met nor that it was missed.
    pub(super) fn markdown(&self, conditions: &str, is_quiet: bool) -> String {
        let mut text = format!("## {}\n\n{conditions}\n", self.title);
        if !is_quiet {
            _ = write!(text, "\n{BUSY}\n");
        }
        // Writing to a String does not fail.
        self.parts.iter().for_each(|part| _ = write!(text, "\n{part}"));
        if !self.targets.is_empty() {
            text.push_str("\n| target | wanted | found | |\n|---|---|---|---|\n");
            for Target { what, wanted, found, met } in &self.targets {
                let met = match (is_quiet, met) {
                    (true, true) => "met",
                    (true, false) => "**missed**",
                    (false, true) => "not shown (would be met)",
                    (false, false) => "not shown (would be missed)",
                };
                _ = writeln!(text, "| {what} | {wanted} | {found} | {met} |");
            }
        }
        if !self.commands.is_empty() {
            text.push_str("\n```sh\n");
            self.commands.iter().for_each(|command| _ = writeln!(text, "{command}"));
            text.push_str("```\n");
        }
        text
    }
}

/// Rows of cells.
#[derive(Debug)]
pub(super) struct Table(Vec<Vec<String>>);

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Self(vec![head.iter().map(|cell| (*cell).to_owned()).collect()])
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        eprintln!("   {}", cells.join(" | "));
        self.0.push(cells);
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        for (index, row) in self.0.iter().enumerate() {
            _ = writeln!(text, "| {} |", row.join(" | "));
            if index == 0 {
                // Figures stand below each other.
                _ = writeln!(text, "|---|{}", "---:|".repeat(row.len() - 1));
            }
        }
        text
    }
}

/// A rate or a count.
pub(super) fn whole(number: f64) -> String {
    grouped(number.round() as u64)
}

/// Microseconds with the digits that count, as they are or in milliseconds.
pub(super) fn time(us: f64) -> String {
    match us {
        us if us < 100.0 => format!("{us:.1} µs"),
        us if us < 1_000.0 => format!("{us:.0} µs"),
        us => format!("{:.2} ms", us / 1e3),
    }
}

/// Under which conditions a section was measured.
pub(super) fn conditions(options: &Options) -> String {
    let (day, commit) = (page::day(), page::commit());
    let commit = if options.builds { commit } else { format!("{commit} (the binary may be older)") };
    let cores = match (options.cores.server, options.cores.load) {
        (Some(server), Some(load)) => format!("servers on core {server}, load on core {load}"),
        _ => "servers and load on the same core".to_owned(),
    };
    let seconds = options.seconds;
    format!(
        "Measured on {day} at commit {commit}; {cores}; medians of {} rounds, {seconds} s a measurement, unless said \
         otherwise.",
        options.rounds
    )
}

/// Puts a section into the page in place of what it was.
pub(super) fn write(section: &str, text: &str) -> Result<(), String> {
    let names = super::SECTIONS.each_ref().map(|section| section.name);
    page::replace("performance.md", HEAD, &names, (section, text))
}

const BUSY: &str = "**The machine was busy with other things, and so was its disk.** These figures show neither that a target is met nor that \
                    it is missed; rates and latencies are not those of the servers alone.";

const HEAD: &str = "\
# Performance: beside the ceiling, beside others, and how it grows

Written by `cargo xtask bench`, section by section, each under the conditions that it names. Figures are only ever measured.
The part at the end is written by hand and kept.

The *null server* (`bongsu bench null`) does what any durable queue with this interface has to do for a request and nothing
else: it parses the HTTP and the JSON, hashes the body, writes and syncs it together with those of everybody who waits, and
answers. No queue is behind it. What it reaches is the ceiling.

Messages have 1 KiB unless said otherwise. Servers have one core and the load generator has another, so that rates are those
of a core. Contenders take turns within each round; a ratio is the median of the rounds' ratios. CPU time is that of a
server's whole process tree, user and system. Signed requests over connections that are kept open, one under way on each.
";

#[cfg(test)]
mod tests {
    use super::{Report, Table, time, whole};

    #[test]
    fn a_missed_target_is_seen() {
        let mut report = Report::new("Ceiling");
        report.ratio("sends", 0.8, 0.8);
        assert!(report.meets_targets());
        report.ratio("batches", 0.8, 0.79);
        report.command("bongsu bench send");
        report.command("bongsu bench send");
        assert!(!report.meets_targets());
        let text = report.markdown("On a quiet machine.", true);
        for part in
            ["| sends | ≥ 0.8 | 0.80 | met |", "| batches | ≥ 0.8 | 0.79 | **missed** |", "On a quiet"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert_eq!(text.matches("bongsu bench send").count(), 1);
    }

    #[test]
    fn a_busy_machine_shows_nothing() {
        let mut report = Report::new("Ceiling");
        report.ratio("sends", 0.8, 0.9);
        report.ratio("batches", 0.8, 0.7);
        let text = report.markdown("Beside a build.", false);
        assert!(
            text.contains("busy with other things")
                && !text.contains("| met |")
                && !text.contains("**missed**")
        );
        assert!(text.contains("| sends | ≥ 0.8 | 0.90 | not shown (would be met) |"), "{text}");
    }

    #[test]
    fn tables_have_a_column_of_names_and_columns_of_figures() {
        let mut table = Table::new(&["", "a", "b"]);
        table.row(vec!["x".to_owned(), whole(1234.5), time(1234.5)]);
        assert_eq!(table.markdown(), "|  | a | b |\n|---|---:|---:|\n| x | 1,235 | 1.23 ms |\n");
        assert_eq!([time(9.96), time(234.4)], ["10.0 µs", "234 µs"]);
    }
}
