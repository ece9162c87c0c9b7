//! The arrow check: which crate may know which other one, and whether ARCHITECTURE.md says so.
//!
//! Dependencies of every kind count, tests and build scripts too: a test that reaches around the architecture is the first
//! step of the code that does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// All arrows that are allowed, by short name (`bongsu-wire` is `wire`). A crate that is not here is refused.
const ALLOWED: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("auth", &["wire"]),
    ("policy", &[]),
    ("engine", &[]),
    ("journal", &[]),
    ("node", &["engine", "journal"]),
    ("history", &[]),
    ("server", &["wire", "auth", "policy", "engine", "node", "history"]),
    ("tools", &[]),
    ("console", &["server"]),
    ("bongsu", &["server", "console", "tools", "wire", "auth", "journal", "engine"]),
    ("sim", &["engine", "journal", "node"]),
    ("benches", &["wire", "engine", "journal", "node", "server"]),
    ("fuzz", &["auth", "engine", "journal", "node", "policy", "server", "wire"]),
    ("xtask", &[]),
];

/// The workspace's crates, each with the other crates of the workspace that it depends on.
pub(crate) type Crates = BTreeMap<String, BTreeSet<String>>;

/// Reads the output of `cargo metadata --no-deps`.
pub(crate) fn crates(metadata: &str) -> Result<Crates, String> {
    let metadata: Value =
        serde_json::from_str(metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata: no packages")?;
    let name_of =
        |value: &Value| value["name"].as_str().map(str::to_owned).ok_or("cargo metadata: a nameless package");
    let names = packages.iter().map(name_of).collect::<Result<BTreeSet<_>, _>>()?;
    let mut crates = Crates::new();
    for package in packages {
        let dependencies = package["dependencies"].as_array().ok_or("cargo metadata: no dependencies")?;
        let internal = dependencies.iter().filter_map(|dependency| dependency["name"].as_str());
        let internal = internal.filter(|name| names.contains(*name)).map(short).collect();
        crates.insert(short(&name_of(package)?), internal);
    }
    Ok(crates)
}

/// What is wrong with the arrows, one line each; nothing when all is well.
pub(crate) fn findings(crates: &Crates, page: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let drawn = drawn_arrows(page);
    for (name, dependencies) in crates {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
            findings.push(format!("{name}: a new crate needs its arrows in xtask/src/arrows.rs"));
            continue;
        };
        if !is_named(name, page) {
            findings.push(format!("{name}: not named in ARCHITECTURE.md"));
        }
        for dependency in dependencies {
            if !allowed.contains(&dependency.as_str()) {
                findings.push(format!("{name} → {dependency}: forbidden"));
            }
            if !drawn.contains(&(name.clone(), dependency.clone())) {
                findings.push(format!("{name} → {dependency}: not drawn in ARCHITECTURE.md"));
            }
        }
    }
    for (from, to) in &drawn {
        if !crates.get(from).is_some_and(|dependencies| dependencies.contains(to)) {
            findings
                .push(format!("{from} → {to}: drawn in ARCHITECTURE.md, but there is no such dependency"));
        }
    }
    findings
}

fn short(package: &str) -> String {
    package.strip_prefix("bongsu-").unwrap_or(package).to_owned()
}

/// A crate counts as named where it stands as code, alone or as its folder.
fn is_named(name: &str, page: &str) -> bool {
    page.contains(&format!("`{name}`"))
        || page.contains(&format!("crates/{name}"))
        || page.contains(&format!("`{name}/`"))
}

/// The arrows of the page's mermaid blocks: `a --> b`, also as a chain and with `&` between several.
fn drawn_arrows(page: &str) -> BTreeSet<(String, String)> {
    let mut arrows = BTreeSet::new();
    let mut inside = false;
    for line in page.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = line == "```mermaid";
        } else if inside {
            let nodes: Vec<Vec<String>> = line.split("-->").map(nodes).collect();
            for pair in nodes.windows(2) {
                for from in &pair[0] {
                    arrows.extend(pair[1].iter().map(|to| (from.clone(), to.clone())));
                }
            }
        }
    }
    arrows
}

/// The identifiers in one place of an arrow, without labels: `|tests| a[Label] & b` is `a` and `b`.
fn nodes(text: &str) -> Vec<String> {
    let text = text.trim().trim_end_matches(';');
    let text = match text.strip_prefix('|').and_then(|rest| rest.split_once('|')) {
        Some((_, after_label)) => after_label,
        None => text,
    };
    let identifier = |node: &str| {
        let node = node.trim();
        let end = node.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(node.len());
        short(&node[..end])
    };
    text.split('&').map(identifier).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{"packages": [
        {"name": "bongsu-node", "dependencies": [
            {"name": "bongsu-engine", "kind": null}, {"name": "bongsu-journal", "kind": "dev"}, {"name": "tokio", "kind": null}]},
        {"name": "bongsu-engine", "dependencies": [{"name": "serde", "kind": null}]},
        {"name": "bongsu-journal", "dependencies": []},
        {"name": "xtask", "dependencies": []}]}"#;

    const PAGE: &str = "\
`node` drives `engine` and `crates/journal`; `xtask` checks.
```mermaid
graph TD
  node --> engine & journal
```
Elsewhere engine --> node is only prose.
";

    fn sample() -> Crates {
        crates(METADATA).unwrap()
    }

    fn with_arrow(from: &str, to: &str) -> Crates {
        let mut crates = sample();
        crates.get_mut(from).unwrap().insert(to.to_owned());
        crates
    }

    #[test]
    fn metadata_gives_internal_arrows_of_every_kind() {
        let node: Vec<_> = sample()["node"].iter().cloned().collect();
        assert_eq!(node, ["engine", "journal"]);
        assert!(sample()["engine"].is_empty());
    }

    #[test]
    fn a_page_that_agrees_has_no_findings() {
        assert_eq!(findings(&sample(), PAGE), Vec::<String>::new());
    }

    #[test]
    fn a_forbidden_arrow_is_found_even_when_it_is_drawn() {
        let page = format!("{PAGE}```mermaid\nengine --> journal\n```\n");
        assert_eq!(findings(&with_arrow("engine", "journal"), &page), ["engine → journal: forbidden"]);
    }

    #[test]
    fn xtask_may_know_nothing() {
        let found = findings(&with_arrow("xtask", "engine"), PAGE);
        assert!(found.contains(&"xtask → engine: forbidden".to_owned()), "{found:?}");
    }

    #[test]
    fn an_arrow_that_is_not_drawn_is_found() {
        let page = PAGE.replace(" & journal", "");
        assert_eq!(findings(&sample(), &page), ["node → journal: not drawn in ARCHITECTURE.md"]);
    }

    #[test]
    fn an_arrow_that_is_only_drawn_is_found() {
        let mut crates = sample();
        crates.get_mut("node").unwrap().remove("journal");
        assert_eq!(
            findings(&crates, PAGE),
            ["node → journal: drawn in ARCHITECTURE.md, but there is no such dependency"]
        );
    }

    #[test]
    fn a_crate_that_the_page_does_not_name_is_found() {
        let page = PAGE.replace("`engine`", "the engine");
        assert_eq!(findings(&sample(), &page), ["engine: not named in ARCHITECTURE.md"]);
    }

    #[test]
    fn an_unknown_crate_is_found() {
        let mut crates = sample();
        crates.insert("extra".to_owned(), BTreeSet::new());
        assert_eq!(findings(&crates, PAGE), ["extra: a new crate needs its arrows in xtask/src/arrows.rs"]);
    }

    #[test]
    fn mermaid_is_read_with_chains_labels_and_lists() {
        let page = "```mermaid\nflowchart LR\n  bongsu[the binary] --> server --> |types| wire;\n  a & b --> c\n```\n";
        let drawn: Vec<String> =
            drawn_arrows(page).into_iter().map(|(from, to)| format!("{from}>{to}")).collect();
        assert_eq!(drawn, ["a>c", "b>c", "bongsu>server", "server>wire"]);
    }
}
