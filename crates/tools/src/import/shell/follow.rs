//! Goes through a script as a shell would, without running anything.

use super::Outside;
use super::aws::{self, Aws};
use super::parse::{Assignment, Piece, Script, Statement, What, Word};
use crate::import::plan::{Place, Plan};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Functions that call each other.
const MAX_DEPTH: usize = 20;
/// Commands altogether: loops within loops.
const MAX_STEPS: usize = 20_000;
/// One text, and all words of a command: variables that double each other.
const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// Reads what a script would make.
pub(super) fn follow(file: &str, script: &Script, outside: &Outside<'_>) -> Plan {
    let mut shell = Shell {
        file: Rc::from(file),
        outside,
        plan: Plan::default(),
        variables: BTreeMap::new(),
        lists: BTreeSet::new(),
        arguments: Vec::new(),
        functions: BTreeMap::new(),
        depth: 0,
        steps: 0,
        is_stopped: false,
    };
    shell.run(script);
    shell.plan
}

/// A text that a word comes to, or why that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) text: String,
    /// What has no value here.
    pub(super) unknown: Option<String>,
}

pub(super) struct Shell<'a> {
    file: Rc<str>,
    pub(super) outside: &'a Outside<'a>,
    pub(super) plan: Plan,
    variables: BTreeMap<String, Vec<Field>>,
    /// Those of them that are lists, though they may have one item.
    lists: BTreeSet<String>,
    arguments: Vec<Field>,
    functions: BTreeMap<String, Script>,
    depth: usize,
    steps: usize,
    is_stopped: bool,
}

impl Shell<'_> {
    pub(super) fn place(&self, line: u32) -> Place {
        Place::new(&self.file, line)
    }

    /// What the last of the commands says, if it is one that is known.
    fn run(&mut self, script: &Script) -> Option<Field> {
        let mut output = None;
        for statement in script {
            self.steps += 1;
            if self.steps > MAX_STEPS && !self.is_stopped {
                self.is_stopped = true;
                self.plan.lose(
                    &self.place(statement.line),
                    "the script goes on for too long; the rest is not read",
                );
            }
            if self.is_stopped {
                return output;
            }
            output = self.step(statement).or(output);
        }
        output
    }

    fn step(&mut self, statement: &Statement) -> Option<Field> {
        match &statement.what {
            What::Command { assignments, words } => self.command(statement.line, assignments, words),
            What::Function { name, body } => {
                self.functions.insert(name.clone(), body.clone());
                None
            }
            What::For { name, items, body } => {
                let mut output = None;
                for item in self.fields(items) {
                    self.variables.insert(name.clone(), vec![item]);
                    output = self.run(body).or(output);
                }
                output
            }
            What::If { branches } => self.choose(branches),
            What::Opaque { kind, body } => {
                if mentions_queues(body) {
                    let text =
                        format!("`{kind}` depends on what only a shell can know; what is inside is not read");
                    self.plan.lose(&self.place(statement.line), text);
                }
                None
            }
        }
    }

    /// Where a condition can't be decided, all branches are read: making what is not needed does less harm than leaving it out.
    fn choose(&mut self, branches: &[(Script, Script)]) -> Option<Field> {
        let mut output = None;
        for (condition, body) in branches {
            let holds = if condition.is_empty() { Some(true) } else { self.holds(condition) };
            if holds != Some(false) {
                self.run(condition);
                output = self.run(body).or(output);
            }
            if holds == Some(true) {
                break;
            }
        }
        output
    }

    /// Of tests that compare texts.
    fn holds(&mut self, condition: &Script) -> Option<bool> {
        let [Statement { what: What::Command { words, .. }, .. }] = &condition[..] else { return None };
        let fields = self.fields(words);
        if fields.iter().any(|field| field.unknown.is_some()) {
            return None;
        }
        let texts: Vec<_> = fields.iter().map(|field| field.text.as_str()).collect();
        match &texts[..] {
            ["true"] => Some(true),
            ["false"] => Some(false),
            ["[", rest @ .., "]"] | ["[[", rest @ .., "]]"] | ["test", rest @ ..] => match rest {
                [left, "=" | "==", right] => Some(left == right),
                [left, "!=", right] => Some(left != right),
                ["-z", text] => Some(text.is_empty()),
                ["-n", text] => Some(!text.is_empty()),
                _ => None,
            },
            _ => None,
        }
    }

    fn command(&mut self, line: u32, assignments: &[Assignment], words: &[Word]) -> Option<Field> {
        for Assignment { name, value, is_list } in assignments {
            let value = match &value[..] {
                [one] if !is_list => vec![self.text(one)],
                many => self.fields(many),
            };
            if *is_list {
                self.lists.insert(name.trim_end_matches('+').to_owned());
            }
            self.assign(name, value);
        }
        let first = words.first().map(|word| self.text(word))?;
        if ["export", "local", "declare", "readonly", "typeset"].contains(&first.text.as_str()) {
            for word in &words[1..] {
                if let Some((name, value)) = super::parse::assignment(word) {
                    let value = self.text(&value);
                    self.assign(&name, vec![value]);
                }
            }
            return None;
        }
        let fields = self.fields(words);
        if let Some(body) = fields.first().and_then(|name| self.functions.get(&name.text)).cloned() {
            return self.call(line, &body, fields);
        }
        if ["exit", "return"].contains(&first.text.as_str()) {
            return None;
        }
        if first.text == "echo" {
            return fields.get(1).cloned();
        }
        let Aws { service, action, options } = aws::read(&fields)?;
        aws::act(self, line, &service, &action, &options)
    }

    /// Sets a variable; `name+` adds to what it has: items to a list, text to a text.
    fn assign(&mut self, name: &str, value: Vec<Field>) {
        let Some(bare) = name.strip_suffix('+') else {
            self.variables.insert(name.to_owned(), value);
            return;
        };
        let known = self.variables.entry(bare.to_owned()).or_default();
        match (&mut known[..], &value[..]) {
            ([text], [more]) if !self.lists.contains(bare) => append(text, more.clone()),
            _ => known.extend(value),
        }
    }

    fn call(&mut self, line: u32, body: &Script, fields: Vec<Field>) -> Option<Field> {
        if self.depth >= MAX_DEPTH {
            self.plan.lose(&self.place(line), "functions call each other too deeply; this call is not read");
            return None;
        }
        self.depth += 1;
        let arguments = std::mem::replace(&mut self.arguments, fields.into_iter().skip(1).collect());
        let output = self.run(body);
        self.arguments = arguments;
        self.depth -= 1;
        output
    }

    /// A word as one text.
    fn text(&mut self, word: &Word) -> Field {
        let mut whole = Field { text: String::new(), unknown: None };
        for piece in word {
            for (index, field) in self.piece(piece).into_iter().enumerate() {
                whole.text.push_str(if index > 0 { " " } else { "" });
                append(&mut whole, field);
            }
        }
        whole
    }

    /// Words as the texts that a command gets: what is not in quotes is taken apart at blanks.
    fn fields(&mut self, words: &[Word]) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        let mut bytes = 0;
        for word in words {
            let mut current: Option<Field> = None;
            for piece in word {
                let found = self.piece(piece);
                let is_split = matches!(
                    piece,
                    Piece::Variable { is_quoted: false, .. } | Piece::Output { is_quoted: false, .. }
                );
                let is_list = matches!(piece, Piece::Variable { is_all: true, .. });
                for (index, field) in found.into_iter().enumerate() {
                    // Each item of a list is a word of its own.
                    if is_list && index > 0 {
                        fields.extend(current.take());
                    }
                    if is_split && field.unknown.is_none() {
                        self.split(&mut fields, &mut current, &field.text);
                    } else {
                        append(current.get_or_insert(Field { text: String::new(), unknown: None }), field);
                    }
                }
            }
            fields.extend(current);
            bytes = fields.iter().map(|field| field.text.len()).sum::<usize>().max(bytes);
            if bytes > MAX_TEXT_BYTES {
                self.is_stopped = true;
                return Vec::new();
            }
        }
        fields
    }

    fn split(&self, fields: &mut Vec<Field>, current: &mut Option<Field>, text: &str) {
        let known = |text: &str| Field { text: text.to_owned(), unknown: None };
        if text.starts_with(char::is_whitespace) {
            fields.extend(current.take());
        }
        for (index, part) in text.split_whitespace().enumerate() {
            if index > 0 {
                fields.extend(current.take());
            }
            append(current.get_or_insert(known("")), known(part));
        }
        if text.ends_with(char::is_whitespace) {
            fields.extend(current.take());
        }
    }

    fn piece(&mut self, piece: &Piece) -> Vec<Field> {
        let known = |text: &str| Field { text: text.to_owned(), unknown: None };
        let unknown = |what: String| Field { text: String::new(), unknown: Some(what) };
        match piece {
            Piece::Text { text, .. } => vec![known(text)],
            Piece::Unknown(text) => vec![unknown(text.clone())],
            Piece::Output { script, .. } => {
                let output = self.run(script);
                vec![output.unwrap_or_else(|| unknown("$(…)".to_owned()))]
            }
            Piece::Variable { name, default, is_all, .. } => {
                let value = self.variable(name, *is_all);
                match (value, default) {
                    (Some(value), _)
                        if value.iter().any(|field| !field.text.is_empty() || field.unknown.is_some()) =>
                    {
                        value
                    }
                    (_, Some(default)) => vec![self.text(default)],
                    (Some(value), None) => value,
                    // An argument that was not given is empty.
                    (None, None) if name.chars().all(|c| c.is_ascii_digit()) => vec![known("")],
                    (None, None) => vec![unknown(format!("${name}"))],
                }
            }
        }
    }

    fn variable(&self, name: &str, is_all: bool) -> Option<Vec<Field>> {
        if name == "@" || name == "*" {
            return Some(self.arguments.clone());
        }
        if let Ok(number) = name.parse::<usize>() {
            let index = number.checked_sub(1)?;
            return self.arguments.get(index).map(|field| vec![field.clone()]);
        }
        if let Some(value) = self.variables.get(name) {
            return Some(if is_all { value.clone() } else { value.iter().take(1).cloned().collect() });
        }
        let outside = self.outside.variables.get(name)?;
        Some(vec![Field { text: outside.clone(), unknown: None }])
    }
}

fn append(whole: &mut Field, field: Field) {
    if whole.text.len() + field.text.len() > MAX_TEXT_BYTES {
        whole.unknown = Some("a text that grows without end".to_owned());
        return;
    }
    whole.text.push_str(&field.text);
    whole.unknown = whole.unknown.take().or(field.unknown);
}

/// Whether anything inside is about queues.
fn mentions_queues(script: &Script) -> bool {
    script.iter().any(|statement| match &statement.what {
        What::Command { words, .. } => words.iter().flatten().any(|piece| match piece {
            Piece::Text { text, .. } => text == "sqs",
            Piece::Output { script, .. } => mentions_queues(script),
            _ => false,
        }),
        What::For { body, .. } | What::Function { body, .. } | What::Opaque { body, .. } => {
            mentions_queues(body)
        }
        What::If { branches } => {
            branches.iter().any(|(condition, body)| mentions_queues(condition) || mentions_queues(body))
        }
    })
}
