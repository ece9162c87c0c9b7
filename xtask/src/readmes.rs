//! The check of translations: README.ko.md says in Korean what README.md says. What can be compared is compared: headings by
//! level and order, code blocks and code within lines, where links lead, rows of tables.

use std::collections::BTreeMap;

/// The page, and its translation, from the root of the repository.
pub(crate) const PAGES: (&str, &str) = ("README.md", "README.ko.md");

/// What two pages have to have in common, in the order of the page.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outline {
    /// Sections, by the heading they stand under; the first is what stands before any.
    sections: Vec<Section>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Section {
    title: String,
    level: usize,
    /// Whole, with the words of the fence.
    blocks: Vec<String>,
    /// Rows of tables, by how many cells they have.
    rows: Vec<usize>,
    /// Code within lines, and where links lead: with how often each is there, as the order of words differs between languages.
    code: BTreeMap<String, usize>,
    links: BTreeMap<String, usize>,
}

/// What is wrong, one line each; nothing when all is well.
pub(crate) fn findings(page: &str, translation: &str) -> Vec<String> {
    let (page, translation) = (outline(page), outline(translation));
    let mut findings = Vec::new();
    for (original, translated) in page.sections.iter().zip(&translation.sections) {
        compare(original, translated, &mut findings);
    }
    let (expected, found) = (page.sections.len(), translation.sections.len());
    if expected != found {
        findings.push(format!("{expected} sections became {found}"));
    }
    findings
}

fn compare(original: &Section, translated: &Section, findings: &mut Vec<String>) {
    let place = format!("“{}” (“{}”)", original.title, translated.title);
    if original.level != translated.level {
        findings.push(format!("{place}: level {} became {}", original.level, translated.level));
    }
    if original.blocks.len() != translated.blocks.len() {
        let (expected, found) = (original.blocks.len(), translated.blocks.len());
        findings.push(format!("{place}: {expected} code blocks became {found}"));
    }
    for (expected, found) in original.blocks.iter().zip(&translated.blocks) {
        let differing = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
        if let Some((expected, found)) = differing {
            findings.push(format!("{place}: in a code block, “{expected}” became “{found}”"));
        } else if expected != found {
            findings.push(format!("{place}: a code block has lines more or less"));
        }
    }
    if original.rows != translated.rows {
        findings.push(format!("{place}: tables differ: {:?} became {:?}", original.rows, translated.rows));
    }
    for (kind, expected, found) in
        [("code", &original.code, &translated.code), ("a link to", &original.links, &translated.links)]
    {
        let texts: std::collections::BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
        for text in texts {
            let (expected, found) =
                (expected.get(text).copied().unwrap_or(0), found.get(text).copied().unwrap_or(0));
            if expected != found {
                findings.push(format!("{place}: {kind} {text}: {expected} times became {found} times"));
            }
        }
    }
}

fn outline(page: &str) -> Outline {
    let mut outline = Outline { sections: vec![Section::default()] };
    let mut block: Option<Vec<&str>> = None;
    for line in page.lines() {
        let is_fence = line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        if is_fence && block.is_none() {
            block = Some(vec![line]);
            continue;
        }
        if block.is_none() && level > 0 && heading.starts_with(' ') {
            outline.sections.push(Section { title: heading.trim().to_owned(), level, ..Section::default() });
        }
        let Some(section) = outline.sections.last_mut() else { continue };
        match &mut block {
            Some(lines) => {
                lines.push(line);
                if is_fence {
                    section.blocks.push(lines.join("\n"));
                    block = None;
                }
            }
            None => read_line(line, section),
        }
    }
    outline
}

fn read_line(line: &str, section: &mut Section) {
    if line.starts_with('|') {
        section.rows.push(line.matches('|').count());
    }
    // The pieces between backticks, every other one of them code.
    let pieces: Vec<&str> = line.split('`').collect();
    for code in pieces.iter().skip(1).step_by(2) {
        *section.code.entry((*code).to_owned()).or_default() += 1;
    }
    for link in line.split("](").skip(1) {
        if let Some((target, _)) = link.split_once(')') {
            *section.links.entry(within_pages(target)).or_default() += 1;
        }
    }
}

/// A heading's own anchor is in the language of its page, so within a page only that there is one can be compared. Each of the two pages may link to the other.
fn within_pages(target: &str) -> String {
    match target {
        _ if target.starts_with('#') => "#…".to_owned(),
        _ if target == PAGES.0 || target == PAGES.1 => "the other language".to_owned(),
        _ => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
        # Name\nSee [it](docs/x.md) with `--flag`.\n\n## Start\n```sh\n# no heading\nrun it\n```\n\
        | a | b |\n|---|---|\n| `c` | words |\n\n[below](#test)\n## Test\n[Korean](README.ko.md)\n";

    fn found(translation: &str) -> String {
        findings(PAGE, translation).join("\n")
    }

    #[test]
    fn a_translation_differs_in_words_only() {
        let translation = "\
            # 이름\n`--flag`로 [이것](docs/x.md)을.\n\n## 시작\n```sh\n# no heading\nrun it\n```\n\
            | 가 | 나 |\n|---|---|\n| `c` | 말 |\n\n[아래](#시험)\n## 시험\n[영어](README.md)\n";
        assert_eq!(found(translation), "");
    }

    #[test]
    fn what_differs_otherwise_is_told() {
        for (from, to, expected) in [
            ("## Start", "### Start", "level 2 became 3"),
            ("## Test\n", "", "4 sections became 3"),
            ("run it", "run", "“run it” became “run”"),
            ("run it\n", "run it\nagain\n", "“```” became “again”"),
            ("```sh\n# no heading\nrun it\n```\n", "", "1 code blocks became 0"),
            ("| `c` | words |\n", "", "tables differ"),
            ("| `c` | words |", "| `c` | words | more |", "tables differ"),
            ("`--flag`", "--flag", "code --flag: 1 times became 0"),
            ("`c`", "`c` `c`", "code c: 1 times became 2"),
            ("docs/x.md", "docs/y.md", "a link to docs/y.md: 0 times became 1"),
            ("[below](#test)", "below", "a link to #…: 1 times became 0"),
        ] {
            assert!(PAGE.contains(from));
            let found = found(&PAGE.replacen(from, to, 1));
            assert!(found.contains(expected), "{from:?} → {to:?}: {found:?}, not {expected:?}");
        }
        assert_eq!(found(PAGE), "");
    }

    #[test]
    fn the_pages_of_this_repository_agree() {
        let read = |name| std::fs::read_to_string(crate::paths::root().join(name)).unwrap();
        assert_eq!(super::findings(&read(PAGES.0), &read(PAGES.1)), [] as [String; 0]);
    }
}
