//! What people and programs read: colours where there is a terminal, tables, units, questions.

pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod units;

use crate::error::ToolError;
use serde_json::Value;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// Standard output, or standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    is_error: bool,
    is_terminal: bool,
    is_colored: bool,
}

/// What a piece of text is; its colour goes by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// What the eye looks for.
    Strong,
    /// What can be overlooked.
    Faint,
    /// All is well.
    Good,
    /// Look here.
    Alarming,
    /// On its way.
    Moving,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Alarming => "31",
            Self::Moving => "33",
        }
    }
}

impl Screen {
    /// Standard output.
    pub(crate) fn output() -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self { is_error: false, is_terminal, is_colored: is_terminal && wants_colors() }
    }

    /// Standard error.
    pub(crate) fn errors() -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self { is_error: true, is_terminal, is_colored: is_terminal && wants_colors() }
    }

    pub(crate) fn is_terminal(self) -> bool {
        self.is_terminal
    }

    /// Text in its colour, where colours show.
    pub(crate) fn paint(self, ink: Ink, text: &str) -> String {
        if self.is_colored { format!("\x1b[{}m{text}\x1b[0m", ink.code()) } else { text.to_owned() }
    }

    /// Writes, and sees it through, so that what was shown is shown.
    ///
    /// # Errors
    /// [`ToolError::Closed`] where nobody reads on.
    pub(crate) fn print(self, text: &str) -> Result<(), ToolError> {
        let written = if self.is_error {
            io::stderr().write_all(text.as_bytes())
        } else {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        };
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => ToolError::Closed,
            _ => ToolError::System(error),
        })
    }

    /// A document for programs.
    pub(crate) fn json(self, value: &Value) -> Result<(), ToolError> {
        self.print(&format!("{value:#}\n"))
    }

    /// A line of a stream for programs.
    pub(crate) fn json_line(self, value: &Value) -> Result<(), ToolError> {
        self.print(&format!("{value}\n"))
    }

    /// Says what is wrong.
    pub(crate) fn complain(self, text: &str) {
        // There is nobody left to tell that telling failed.
        let _ = self.print(&format!("{} {}\n", self.paint(Ink::Alarming, "error:"), clean(text)));
    }

    /// Says something beside the result.
    pub(crate) fn note(self, text: &str) {
        let _ = self.print(&format!("{}\n", self.paint(Ink::Faint, &clean(text))));
    }
}

/// <https://no-color.org>, and terminals that can do nothing.
fn wants_colors() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Text of others without what would steer the terminal.
pub(crate) fn clean(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' | '\t' => character,
        // Besides control characters, those that turn the direction of what follows.
        _ if character.is_control()
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
        {
            char::REPLACEMENT_CHARACTER
        }
        _ => character,
    };
    text.chars().map(shown).collect()
}

/// Whether the user says yes. Where there is nobody to ask, `--yes` has to be given.
///
/// # Errors
/// [`ToolError::Usage`] without a terminal, [`ToolError::Declined`].
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), ToolError> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(ToolError::Usage("there is nobody to ask whether this is meant: add --yes".to_owned()));
    }
    let screen = Screen::errors();
    screen.print(&format!("{} [y/N] ", screen.paint(Ink::Strong, &clean(question))))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(ToolError::Declined),
    }
}

#[cfg(test)]
mod tests {
    use super::{Ink, Screen, clean};

    #[test]
    fn colours_show_on_terminals_only() {
        let screen = Screen { is_error: false, is_terminal: true, is_colored: true };
        assert_eq!(screen.paint(Ink::Good, "x"), "\x1b[32mx\x1b[0m");
        assert_eq!(Screen { is_colored: false, ..screen }.paint(Ink::Good, "x"), "x");
    }

    #[test]
    fn bodies_do_not_steer_the_terminal() {
        assert_eq!(clean("a\x1b[31mb\r\n\t봉수\u{202e}"), "a\u{fffd}[31mb\u{fffd}\n\t봉수\u{fffd}");
    }
}
