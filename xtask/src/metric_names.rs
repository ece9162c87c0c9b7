//! The check of metrics: dashboard and alerts ask for those that there are, by the table in docs/monitoring.md.
//!
//! That the table is true is a test of the server's own.

use std::collections::{BTreeMap, BTreeSet};

/// The files with queries, from the root of the repository.
pub(crate) const QUERIES: [&str; 3] =
    ["deploy/grafana-dashboard.json", "deploy/alerts.yml", "deploy/alerts.test.yml"];
/// The page with the table.
pub(crate) const PAGE: &str = "docs/monitoring.md";

const PREFIXES: [&str; 3] = ["bongsu_", "sqs_", "process_"];
/// What a histogram shows in place of its own name.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// The metrics of the table: each with whether it is a histogram. A row is "| `name` | type | …".
pub(crate) fn table(page: &str) -> BTreeMap<String, bool> {
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        let kind = cells.next()?;
        let is_metric = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        is_metric.then(|| (name.to_owned(), kind == "histogram"))
    });
    rows.collect()
}

/// All words in a text that begin as a metric does.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| PREFIXES.iter().any(|prefix| word.starts_with(prefix))).collect()
}

/// What is wrong, one line each: names in a file of queries that the table doesn't have.
pub(crate) fn findings(file: &str, queries: &str, table: &BTreeMap<String, bool>) -> Vec<String> {
    let used = named(queries);
    if used.is_empty() {
        return vec![format!("{file}: names no metric at all")];
    }
    let exists = |name: &str| match table.get(name) {
        // Only its parts are there to be asked for.
        Some(is_histogram) => !is_histogram,
        None => PARTS
            .iter()
            .filter_map(|part| name.strip_suffix(part))
            .any(|histogram| table.get(histogram) == Some(&true)),
    };
    let unknown = used.into_iter().filter(|name| !exists(name));
    unknown.map(|name| format!("{file}: {name} is no metric of {PAGE}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
        text about `bongsu_elsewhere`\n\
        | metric | type | labels |\n|---|---|---|\n\
        | `sqs_depth` | gauge | queue |\n\
        | `bongsu_seconds` | histogram | action |\n\
        | `--flag` | gauge | |\n";

    #[test]
    fn the_table_is_read_by_its_rows() {
        let expected = [("bongsu_seconds".to_owned(), true), ("sqs_depth".to_owned(), false)];
        assert_eq!(table(TABLE), expected.into());
    }

    #[test]
    fn queries_may_ask_for_what_is_in_the_table() {
        let table = table(TABLE);
        let good = r#"{"expr": "sum(rate(bongsu_seconds_bucket{a=\"b\"}[5m])) + sqs_depth"}"#;
        assert_eq!(findings("d", good, &table), [] as [String; 0]);
        for bad in ["sqs_depths", "bongsu_seconds", "sqs_depth_sum", "bongsu_elsewhere", "process_x"] {
            let found = findings("d", &format!("max({bad}) > 0"), &table);
            assert_eq!(found, [format!("d: {bad} is no metric of docs/monitoring.md")]);
        }
        assert_eq!(findings("d", "up == 0", &table).len(), 1);
    }

    #[test]
    fn the_files_of_this_repository_agree() {
        let read = |name: &str| std::fs::read_to_string(crate::paths::root().join(name)).unwrap();
        let table = table(&read(PAGE));
        assert!(table.len() > 20, "{table:?}");
        for file in QUERIES {
            assert_eq!(findings(file, &read(file), &table), [] as [String; 0]);
        }
    }
}
