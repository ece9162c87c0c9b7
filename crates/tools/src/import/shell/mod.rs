//! Shell scripts that make queues with the AWS CLI, as people put them beside LocalStack.
//!
//! Nothing is run. `parse` reads what such scripts are made of: commands, variables, functions, loops over words, conditions that
//! compare texts. `follow` goes through that as a shell would, with `aws` in place of the AWS CLI, and says what it could not follow.

mod aws;
mod follow;
mod parse;
mod shorthand;
#[cfg(test)]
mod tests;

use super::plan::Plan;
use std::collections::BTreeMap;

/// What is outside of a script.
pub(super) struct Outside<'a> {
    /// The text of a file that an option names as `file://…`.
    pub(super) read: &'a dyn Fn(&str) -> Option<String>,
    /// Variables that the script does not set itself.
    pub(super) variables: &'a BTreeMap<String, String>,
}

/// Reads a script.
///
/// # Errors
/// A quote or a bracket is not closed: in words, with the line.
pub(super) fn read(file: &str, text: &str, outside: &Outside<'_>) -> Result<Plan, String> {
    let script = parse::parse(text).map_err(|(line, reason)| format!("{file}:{line}: {reason}"))?;
    Ok(follow::follow(file, &script, outside))
}
