//! Counted figures beside stored ones.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// By how much a count may differ from the stored one, in percent. Hash seeds and where the allocator finds space move
/// counts by less than one.
const TOLERANCE_PERCENT: u64 = 10;

/// Case → instructions of one run.
pub(crate) type Counts = BTreeMap<String, u64>;

/// What `instructions.json` holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Stored {
    /// As `std::env::consts::ARCH`.
    pub(crate) architecture: String,
    /// Such as `rustc 1.95.0`.
    pub(crate) compiler: String,
    pub(crate) counts: Counts,
}

impl Stored {
    pub(crate) fn from_json(text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("instructions.json: {error}"))?;
        let string = |name: &str| {
            let text = value[name].as_str().map(str::to_owned);
            text.ok_or_else(|| format!("instructions.json has no {name}"))
        };
        let counts = value["instructions"].as_object().ok_or("instructions.json has no instructions")?;
        let count = |(name, count): (&String, &Value)| {
            let count = count.as_u64().filter(|count| *count > 0);
            count.map(|count| (name.clone(), count)).ok_or_else(|| format!("instructions.json: {name}"))
        };
        Ok(Self {
            architecture: string("architecture")?,
            compiler: string("compiler")?,
            counts: counts.iter().map(count).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn to_json(&self) -> String {
        let counts: Map<String, Value> =
            self.counts.iter().map(|(name, count)| (name.clone(), (*count).into())).collect();
        let value =
            json!({"architecture": self.architecture, "compiler": self.compiler, "instructions": counts});
        format!("{value:#}\n")
    }
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// A table, and the result's most important lines marked with `==`.
    pub(crate) lines: Vec<String>,
    /// Says what is wrong.
    pub(crate) result: Result<(), String>,
}

/// Compares. More instructions than stored are a failure, and so is a case without a figure or a figure without a case;
/// fewer are worth storing.
pub(crate) fn compare(stored: &Counts, counted: &Counts) -> Comparison {
    let mut lines = vec![format!("{:<32} {:>10} {:>10} {:>9}", "case", "stored", "counted", "")];
    let (mut more, mut fewer, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for (name, now) in counted {
        let Some(before) = stored.get(name) else {
            lines.push(format!("{name:<32} {:>10} {now:>10} {:>9}", "–", "new"));
            unknown.push(name.as_str());
            continue;
        };
        lines.push(format!("{name:<32} {before:>10} {now:>10} {:>9}", change(*before, *now)));
        let summary = || format!("{name} ({before} → {now}, {})", change(*before, *now));
        if *now * 100 > *before * (100 + TOLERANCE_PERCENT) {
            more.push(summary());
        } else if *now * 100 < *before * (100 - TOLERANCE_PERCENT) {
            fewer.push(summary());
        }
    }
    for name in stored.keys().filter(|name| !counted.contains_key(*name)) {
        lines.push(format!("{name:<32} {:>10} {:>10} {:>9}", stored[name], "–", "gone"));
        unknown.push(name);
    }
    lines.push(format!("== {} cases compared", counted.len()));
    if !fewer.is_empty() {
        let fewer = fewer.join(", ");
        lines.push(format!("== fewer instructions, which `cargo xtask instructions --bless` keeps: {fewer}"));
    }
    let result = if !more.is_empty() {
        Err(format!("over {TOLERANCE_PERCENT} % more instructions: {}", more.join(", ")))
    } else if !unknown.is_empty() {
        let names = unknown.join(", ");
        Err(format!("cases and stored figures differ, `cargo xtask instructions --bless` mends it: {names}"))
    } else {
        Ok(())
    };
    Comparison { lines, result }
}

/// In percent, with a sign and one decimal.
fn change(before: u64, now: u64) -> String {
    format!("{:+.1} %", (now as f64 / before as f64 - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::{Counts, Stored, compare};

    fn counts(pairs: &[(&str, u64)]) -> Counts {
        pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn a_tenth_more_is_let_through_and_anything_beyond_fails() {
        let stored = counts(&[("a", 1_000), ("b", 1_000)]);
        assert!(compare(&stored, &counts(&[("a", 1_100), ("b", 900)])).result.is_ok());
        let error = compare(&stored, &counts(&[("a", 1_101), ("b", 10)])).result.unwrap_err();
        assert!(error.contains("a (1000 → 1101, +10.1 %)"), "{error}");
        assert!(!error.contains("b ("), "{error}");
    }

    #[test]
    fn far_fewer_are_no_failure_but_are_to_be_stored() {
        let comparison = compare(&counts(&[("a", 1_000)]), &counts(&[("a", 899)]));
        assert!(comparison.result.is_ok());
        let line = comparison.lines.iter().find(|line| line.contains("--bless")).unwrap();
        assert!(line.starts_with("== ") && line.contains("a (1000 → 899, -10.1 %)"), "{line}");
        let comparison = compare(&counts(&[("a", 1_000)]), &counts(&[("a", 900)]));
        assert!(!comparison.lines.iter().any(|line| line.contains("--bless")));
    }

    #[test]
    fn a_case_without_a_figure_and_a_figure_without_a_case_fail() {
        let error = compare(&counts(&[("a", 1)]), &counts(&[("a", 1), ("new", 1)])).result.unwrap_err();
        assert!(error.contains("--bless") && error.ends_with(": new"), "{error}");
        let error = compare(&counts(&[("a", 1), ("gone", 1)]), &counts(&[("a", 1)])).result.unwrap_err();
        assert!(error.ends_with(": gone"), "{error}");
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let stored = Stored {
            architecture: "x86_64".to_owned(),
            compiler: "rustc 1.95.0".to_owned(),
            counts: counts(&[("engine/send", 1_234), ("md5", 5)]),
        };
        assert_eq!(Stored::from_json(&stored.to_json()), Ok(stored));
        assert!(Stored::from_json(r#"{"architecture": "x", "compiler": "y"}"#).is_err());
        assert!(
            Stored::from_json(r#"{"architecture": "x", "compiler": "y", "instructions": {"a": 0}}"#).is_err()
        );
    }
}
