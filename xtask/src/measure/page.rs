//! Pages of figures in `docs/`, of which one section at a time is measured again.

use crate::measure::host::machine;
use crate::paths;
use std::fmt::Write as _;
use std::process::Command;

/// Puts a section into a page of `docs/` in place of what it was; the page begins with `head` and the machine.
///
/// # Errors
/// The page can't be written.
pub(crate) fn replace(file: &str, head: &str, names: &[&str], section: (&str, &str)) -> Result<(), String> {
    let path = paths::root().join("docs").join(file);
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    let head = format!("{head}\n{}\n", machine());
    let page = replaced(&old, &head, names, section);
    std::fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))
}

/// The page with one section new and the others as they were, and with what people wrote at its end.
fn replaced(old: &str, head: &str, names: &[&str], (section, text): (&str, &str)) -> String {
    let mut page = head.to_owned();
    for name in names.iter().chain(&["notes"]) {
        let kept = if *name == section { Some(text) } else { between(old, name) };
        if let Some(kept) = kept {
            _ = write!(page, "\n{}\n{}\n{}\n", begin(name), kept.trim(), end(name));
        }
    }
    page
}

fn between<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    Some(page.split_once(&begin(name))?.1.split_once(&end(name))?.0)
}

fn begin(name: &str) -> String {
    format!("<!-- {name}: begin -->")
}

fn end(name: &str) -> String {
    format!("<!-- {name}: end -->")
}

/// Today, as in `2026-01-31`.
pub(crate) fn day() -> String {
    said("date", &["-u", "+%F"])
}

/// The commit that is checked out, and whether files differ from it.
pub(crate) fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short", "HEAD"]);
    let changed = !said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    if changed { format!("{commit} with changes") } else { commit }
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(paths::root()).output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn sections_that_were_not_measured_and_notes_stay() {
        let names = ["a", "b"];
        let first = replaced("", "# Old\n", &names, ("b", "## B\nold\n"));
        let first = format!("{first}\n<!-- notes: begin -->\nby hand\n<!-- notes: end -->\n");
        let second = replaced(&first, "# New\n", &names, ("a", "## A\n"));
        let third = replaced(&second, "# New\n", &names, ("b", "## B\nnew\n"));
        assert!(second.starts_with("# New\n") && second.contains("## B\nold") && second.contains("by hand"));
        assert!(second.find("## A") < second.find("## B"));
        assert!(third.contains("## A") && third.contains("## B\nnew") && third.contains("by hand"));
        assert!(!third.contains("old"));
    }
}
