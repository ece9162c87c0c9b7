//! What was measured, as text.

use crate::measure::host::load_average;
use crate::measure::page;
use std::fmt::Write as _;

/// A scenario's result.
#[derive(Debug)]
pub(super) struct Section {
    title: String,
    rows: Vec<Row>,
    notes: Vec<String>,
    commands: Vec<String>,
}

#[derive(Debug)]
struct Row {
    what: String,
    found: String,
    limit: Option<Limit>,
}

#[derive(Debug)]
struct Limit {
    text: String,
    kept: bool,
}

impl Section {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), rows: Vec::new(), notes: Vec::new(), commands: Vec::new() }
    }

    pub(super) fn row(&mut self, what: impl Into<String>, found: impl Into<String>) {
        let row = Row { what: what.into(), found: found.into(), limit: None };
        eprintln!("   {}: {}", row.what, row.found);
        self.rows.push(row);
    }

    /// A figure with a limit.
    pub(super) fn limited(&mut self, what: &str, found: impl Into<String>, limit: &str, kept: bool) {
        self.row(what, found);
        if let Some(row) = self.rows.last_mut() {
            row.limit = Some(Limit { text: limit.to_owned(), kept });
        }
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    pub(super) fn commands(&mut self, commands: &[String]) {
        self.commands.extend_from_slice(commands);
    }

    pub(super) fn keeps_limits(&self) -> bool {
        self.rows.iter().all(|row| row.limit.as_ref().is_none_or(|limit| limit.kept))
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n| | measured | limit |\n|---|---|---|\n", self.title);
        for Row { what, found, limit } in &self.rows {
            let limit = limit.as_ref().map_or(String::new(), |limit| {
                format!("{}{}", limit.text, if limit.kept { "" } else { " — **missed**" })
            });
            // Writing to a String does not fail.
            _ = writeln!(text, "| {what} | {found} | {limit} |");
        }
        for note in &self.notes {
            _ = write!(text, "\n{note}\n");
        }
        if !self.commands.is_empty() {
            text.push_str("\n```sh\n");
            self.commands.iter().for_each(|command| _ = writeln!(text, "bongsu bench {command}"));
            text.push_str("```\n");
        }
        text
    }
}

/// Puts a scenario's section into the page in place of what it was.
pub(super) fn write(names: &[&str], scenario: &str, text: &str) -> Result<(), String> {
    let text = text.trim();
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (day, commit, load) = (page::day(), page::commit(), load_average());
    let text =
        format!("{title}\n\nMeasured on {day} at commit {commit}; load average at the end: {load}.\n{rest}");
    page::replace("backlogs.md", HEAD, names, (scenario, &text))
}

const HEAD: &str = "\
# Backlogs: what deep queues cost

Written by `cargo xtask backlog`, which starts the release binary with a data directory of its own for each section and loads
it with `bongsu bench` over HTTP, every answer after an fdatasync. Message bodies have 1 KiB. Figures are only ever measured.
Rates are messages a second, received *and* deleted, unless something else is said; load and server share the machine's cores.
A *restart* is from the start of the process, after a SIGKILL, to the line that says it serves; *cold* means that the page cache
was emptied before.
";

#[cfg(test)]
mod tests {
    use super::Section;
    use crate::measure::text::mib;

    #[test]
    fn a_missed_limit_is_seen() {
        let mut section = Section::new("Deep");
        section.row("resident", mib(20 << 20));
        section.limited("restart", "9 s", "≤ 10 s", true);
        assert!(section.keeps_limits());
        section.limited("ratio", "0.7", "≥ 0.8", false);
        section.commands(&["fill".to_owned()]);
        assert!(!section.keeps_limits());
        let text = section.markdown();
        for part in
            ["| resident | 20 MiB |  |", "| ratio | 0.7 | ≥ 0.8 — **missed** |", "bongsu bench fill\n"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
