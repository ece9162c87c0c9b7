//! Texts of a policy with wildcards (`*`, `?`) and variables (`${aws:username}`), split when the policy is read.
//!
//! Matching goes through text and pattern once and on a mismatch back to the last `*` only: earlier ones never need
//! another look, so the work is at most the product of both lengths, whatever the pattern.

use crate::context::{Facts, Key};
use crate::error::Fault;
use std::borrow::Cow;

/// What has a meaning in a template, besides being text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    pub(crate) wildcards: bool,
    /// Only in policies of Version 2012-10-17.
    pub(crate) variables: bool,
}

/// Which letters are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Matters,
    /// The template is in lower case already; only ASCII letters fold.
    AsciiLower,
}

#[derive(Debug)]
enum Part {
    Text(Box<str>),
    One,
    Many,
    Variable { key: Key, default: Option<Box<str>> },
}

/// A compiled text.
#[derive(Debug)]
pub(crate) struct Template {
    parts: Box<[Part]>,
    has_variables: bool,
}

/// A part once its variables are known.
#[derive(Clone, Copy)]
enum Piece<'p> {
    Text(&'p str),
    One,
    Many,
}

impl Template {
    pub(crate) fn compile(text: &str, syntax: Syntax) -> Result<Self, Fault> {
        let mut builder = Builder::default();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if let Some(inner) = rest.strip_prefix("${").filter(|_| syntax.variables) {
                let (name, after) = inner
                    .split_once('}')
                    .ok_or_else(|| Fault::new("a variable without its closing brace"))?;
                builder.variable(name)?;
                rest = after;
                continue;
            }
            rest = &rest[next.len_utf8()..];
            match next {
                '*' if syntax.wildcards => builder.wildcard(Part::Many),
                '?' if syntax.wildcards => builder.wildcard(Part::One),
                other => builder.text.push(other),
            }
        }
        Ok(builder.finish())
    }

    /// A template of an action: wildcards, and all in lower case.
    pub(crate) fn action(text: &str) -> Result<Self, Fault> {
        Self::compile(&text.to_ascii_lowercase(), Syntax { wildcards: true, variables: false })
    }

    pub(crate) fn has_variables(&self) -> bool {
        self.has_variables
    }

    /// Whether it stands for this text; nothing where a variable has no value.
    pub(crate) fn matches(&self, text: &str, case: Case, facts: &Facts<'_>) -> Option<bool> {
        if !self.has_variables {
            return Some(self.matches_plainly(text, case));
        }
        let texts: Vec<Option<Cow<'_, str>>> =
            self.parts.iter().map(|part| part.resolve(facts)).collect::<Option<_>>()?;
        // What comes from the request is text: a wildcard in it is none.
        let piece = |index: usize| match (&self.parts[index], &texts[index]) {
            (Part::Many, _) => Piece::Many,
            (Part::One, _) => Piece::One,
            (_, text) => Piece::Text(text.as_deref().unwrap_or_default()),
        };
        Some(glob(self.parts.len(), piece, text, case))
    }

    /// For templates without variables.
    pub(crate) fn matches_plainly(&self, text: &str, case: Case) -> bool {
        let piece = |index: usize| match &self.parts[index] {
            Part::Text(text) => Piece::Text(text),
            Part::One => Piece::One,
            Part::Many => Piece::Many,
            Part::Variable { .. } => Piece::Text(""),
        };
        glob(self.parts.len(), piece, text, case)
    }

    /// The text of a template without wildcards; nothing where a variable has no value.
    pub(crate) fn text(&self, facts: &Facts<'_>) -> Option<Cow<'_, str>> {
        if let [Part::Text(text)] = &*self.parts {
            return Some(Cow::Borrowed(text));
        }
        let mut whole = String::new();
        for part in &self.parts {
            whole.push_str(&part.resolve(facts)?.unwrap_or_default());
        }
        Some(Cow::Owned(whole))
    }
}

impl Part {
    /// The text of a part that has one; nothing at all where a variable has no value.
    fn resolve(&self, facts: &Facts<'_>) -> Option<Option<Cow<'_, str>>> {
        match self {
            Self::Text(text) => Some(Some(Cow::Borrowed(text))),
            Self::One | Self::Many => Some(None),
            Self::Variable { key, default } => match (facts.variable(key), default) {
                (Some(value), _) => Some(Some(Cow::Owned(value))),
                (None, Some(default)) => Some(Some(Cow::Borrowed(default))),
                (None, None) => None,
            },
        }
    }
}

#[derive(Default)]
struct Builder {
    parts: Vec<Part>,
    text: String,
}

impl Builder {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text).into()));
        }
    }

    fn wildcard(&mut self, part: Part) {
        self.flush();
        // Two stars in a row say what one says.
        if !(matches!(part, Part::Many) && matches!(self.parts.last(), Some(Part::Many))) {
            self.parts.push(part);
        }
    }

    /// What stands between `${` and `}`.
    fn variable(&mut self, inner: &str) -> Result<(), Fault> {
        if let "*" | "?" | "$" = inner {
            self.text.push_str(inner);
            return Ok(());
        }
        let (name, default) = match inner.split_once(',') {
            None => (inner.trim(), None),
            Some((name, default)) => {
                let quoted = default.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                let default =
                    quoted.ok_or_else(|| Fault::new("a variable's default belongs in single quotes"))?;
                (name.trim(), Some(default.into()))
            }
        };
        if name.is_empty() || name.contains(['$', '{', '\'']) {
            return Err(Fault::new(format!("${{{inner}}} is no variable")));
        }
        self.flush();
        self.parts.push(Part::Variable { key: Key::new(name), default });
        Ok(())
    }

    fn finish(mut self) -> Template {
        self.flush();
        let has_variables = self.parts.iter().any(|part| matches!(part, Part::Variable { .. }));
        Template { parts: self.parts.into(), has_variables }
    }
}

/// Whether pieces cover the text from its beginning to its end.
fn glob<'p>(count: usize, piece: impl Fn(usize) -> Piece<'p>, text: &str, case: Case) -> bool {
    let (mut index, mut rest) = (0, text);
    // The piece after the last `*`, and the text that is left where it was tried last.
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let advanced = match (index < count).then(|| piece(index)) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Piece::Many) if index + 1 == count => return true,
            Some(Piece::Many) => {
                retry = Some((index + 1, rest));
                Some(rest)
            }
            Some(Piece::One) => without_first(rest),
            Some(Piece::Text(literal)) => without_prefix(rest, literal, case),
        };
        if let Some(after) = advanced {
            (index, rest) = (index + 1, after);
            continue;
        }
        let Some((after_star, tried)) = retry else { return false };
        let Some(next) = without_first(tried) else { return false };
        retry = Some((after_star, next));
        (index, rest) = (after_star, next);
    }
}

fn without_first(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    chars.next().map(|_| chars.as_str())
}

fn without_prefix<'t>(text: &'t str, literal: &str, case: Case) -> Option<&'t str> {
    match case {
        Case::Matters => text.strip_prefix(literal),
        Case::AsciiLower => {
            let (head, tail) = text.split_at_checked(literal.len())?;
            head.eq_ignore_ascii_case(literal).then_some(tail)
        }
    }
}

#[cfg(test)]
mod tests;
