//! From text to a tree in which substitutions still stand.

use super::{Around, HoconError};
use crate::import::plan::Place;
use std::rc::Rc;

/// Objects and lists within each other, and files that include each other.
const MAX_DEPTH: usize = 60;
const MAX_INCLUDES: usize = 50;

/// A value with substitutions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Raw {
    pub(super) place: Place,
    pub(super) value: RawValue,
    /// What stood at the same key before: it counts if this one comes to nothing.
    pub(super) before: Option<Box<Raw>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum RawValue {
    Null,
    Text(String),
    List(Vec<Raw>),
    Object(Vec<(String, Raw)>),
    /// Pieces that stand beside each other.
    Joined(Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Reference {
        path: Vec<String>,
        is_optional: bool,
    },
    /// What stood at the same key before.
    Before,
    Value(Raw),
}

pub(super) type RawObject = Vec<(String, Raw)>;

/// Reads a file, and those that it includes.
pub(super) fn parse(
    file: &Rc<str>,
    text: &str,
    around: &Around<'_>,
) -> Result<(RawObject, Vec<HoconError>), HoconError> {
    let mut outside = Outside { around, includes: 0, passed_over: Vec::new() };
    let root = parse_file(file, text, &mut outside)?;
    Ok((root, outside.passed_over))
}

/// What all files of a configuration share.
struct Outside<'a> {
    around: &'a Around<'a>,
    includes: usize,
    passed_over: Vec<HoconError>,
}

fn parse_file(file: &Rc<str>, text: &str, outside: &mut Outside<'_>) -> Result<RawObject, HoconError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser { file, rest: text.chars().collect(), at: 0, line: 1, depth: 0, outside };
    parser.skip_blank();
    let mut root = RawObject::new();
    let is_braced = parser.take('{');
    parser.members(&mut root, is_braced)?;
    parser.skip_blank();
    match parser.peek() {
        None => Ok(root),
        Some(found) => Err(parser.wrong(&format!("{found:?} stands behind the end"))),
    }
}

struct Parser<'p, 'a> {
    file: &'p Rc<str>,
    rest: Vec<char>,
    at: usize,
    line: u32,
    depth: usize,
    outside: &'p mut Outside<'a>,
}

/// Characters that end a text without quotes.
fn is_special(character: char) -> bool {
    matches!(character, '$' | '"' | '{' | '}' | '[' | ']' | ':' | '=' | ',' | '#')
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || character == '\u{feff}'
}

impl Parser<'_, '_> {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, wanted)| self.rest.get(self.at + index) == Some(&wanted))
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        self.line += u32::from(character == '\n');
        Some(character)
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        if is_there {
            self.next();
        }
        is_there
    }

    fn take_text(&mut self, wanted: &str) -> bool {
        let is_there = self.starts_with(wanted);
        if is_there {
            wanted.chars().for_each(|_| {
                self.next();
            });
        }
        is_there
    }

    fn place(&self) -> Place {
        Place::new(self.file, self.line)
    }

    fn wrong(&self, reason: &str) -> HoconError {
        HoconError { place: self.place(), reason: reason.to_owned() }
    }

    /// Blanks on this line.
    fn skip_spaces(&mut self) -> String {
        let mut skipped = String::new();
        while let Some(character) = self.peek().filter(|c| *c != '\n' && is_blank(*c)) {
            skipped.push(character);
            self.next();
        }
        skipped
    }

    fn skip_comment(&mut self) -> bool {
        let is_comment = self.peek() == Some('#') || self.starts_with("//");
        while is_comment && self.peek().is_some_and(|character| character != '\n') {
            self.next();
        }
        is_comment
    }

    /// Blanks, lines and comments.
    fn skip_blank(&mut self) {
        loop {
            if self.peek().is_some_and(is_blank) {
                self.next();
            } else if !self.skip_comment() {
                return;
            }
        }
    }

    /// What separates members: lines, commas, comments.
    fn skip_separators(&mut self) {
        loop {
            self.skip_blank();
            if !self.take(',') {
                return;
            }
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, HoconError>) -> Result<T, HoconError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.wrong("objects and lists are nested too deeply"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Members up to the end, or to the brace.
    fn members(&mut self, object: &mut RawObject, is_braced: bool) -> Result<(), HoconError> {
        loop {
            self.skip_separators();
            match self.peek() {
                None if is_braced => return Err(self.wrong("an object is not closed: } is missing")),
                None => return Ok(()),
                Some('}') if is_braced => {
                    self.next();
                    return Ok(());
                }
                Some(_) if self.is_include() => self.include(object)?,
                Some(_) => self.member(object)?,
            }
        }
    }

    fn member(&mut self, object: &mut RawObject) -> Result<(), HoconError> {
        let place = self.place();
        let path = self.path(&[':', '=', '{', '+'])?;
        self.skip_blank();
        let mut value = if self.peek() == Some('{') {
            self.value(place.clone())?
        } else if self.take_text("+=") {
            let added = self.value(place.clone())?;
            let list = Raw { place: place.clone(), value: RawValue::List(vec![added]), before: None };
            let joined = RawValue::Joined(vec![Piece::Before, Piece::Value(list)]);
            Raw { place: place.clone(), value: joined, before: None }
        } else if self.take('=') || self.take(':') {
            self.value(place.clone())?
        } else {
            return Err(self.wrong(&format!("a value is missing for {}", path.join("."))));
        };
        // `a.b = 1` is `a { b = 1 }`.
        let Some((first, rest)) = path.split_first() else { return Err(self.wrong("a name is missing")) };
        for name in rest.iter().rev() {
            value = Raw {
                place: place.clone(),
                value: RawValue::Object(vec![(name.clone(), value)]),
                before: None,
            };
        }
        set(object, first, value);
        Ok(())
    }

    /// A path of names; one in quotes is one name, whatever it has inside.
    fn path(&mut self, ends: &[char]) -> Result<Vec<String>, HoconError> {
        let (mut path, mut name, mut is_quoted) = (Vec::new(), String::new(), false);
        loop {
            match self.peek() {
                Some('"') => {
                    name.push_str(&self.quoted()?);
                    is_quoted = true;
                }
                Some('.') => {
                    self.next();
                    path.push(self.name(&mut name, &mut is_quoted)?);
                }
                Some(end) if ends.contains(&end) || end == '\n' || end == '}' => break,
                None => break,
                Some(character) if is_special(character) => {
                    return Err(self.wrong(&format!("{character:?} in a name has to be in quotes")));
                }
                Some(character) => {
                    name.push(character);
                    self.next();
                }
            }
        }
        path.push(self.name(&mut name, &mut is_quoted)?);
        Ok(path)
    }

    fn name(&self, name: &mut String, is_quoted: &mut bool) -> Result<String, HoconError> {
        let (taken, was_quoted) = (std::mem::take(name), std::mem::take(is_quoted));
        let taken = taken.trim().to_owned();
        if taken.is_empty() && !was_quoted { Err(self.wrong("a name is missing")) } else { Ok(taken) }
    }

    /// All that stands beside each other on the line.
    fn value(&mut self, place: Place) -> Result<Raw, HoconError> {
        self.skip_blank();
        let (mut pieces, mut space) = (Vec::new(), String::new());
        loop {
            let piece = match self.peek() {
                None | Some('\n' | ',' | '}' | ']') => break,
                Some('#') => break,
                Some('/') if self.starts_with("//") => break,
                Some('{') => Piece::Value(self.object()?),
                Some('[') => Piece::Value(self.list()?),
                Some('"') => Piece::Text(self.quoted()?),
                Some('$') => self.reference()?,
                Some(character @ (':' | '=')) => {
                    return Err(self.wrong(&format!("{character:?} in a text has to be in quotes")));
                }
                Some(_) => {
                    let place = self.place();
                    match self.unquoted() {
                        text if text == "null" => {
                            Piece::Value(Raw { place, value: RawValue::Null, before: None })
                        }
                        text => Piece::Text(text),
                    }
                }
            };
            if !space.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut space)));
            }
            pieces.push(piece);
            space = self.skip_spaces();
        }
        if pieces.is_empty() {
            return Err(self.wrong("a value is missing"));
        }
        Ok(Raw { place, value: joined(pieces), before: None })
    }

    fn object(&mut self) -> Result<Raw, HoconError> {
        let place = self.place();
        self.next();
        self.deeper(|parser| {
            let mut members = RawObject::new();
            parser.members(&mut members, true)?;
            Ok(Raw { place, value: RawValue::Object(members), before: None })
        })
    }

    fn list(&mut self) -> Result<Raw, HoconError> {
        let place = self.place();
        self.next();
        self.deeper(|parser| {
            let mut items = Vec::new();
            loop {
                parser.skip_separators();
                match parser.peek() {
                    None => return Err(parser.wrong("a list is not closed: ] is missing")),
                    Some(']') => {
                        parser.next();
                        return Ok(Raw { place, value: RawValue::List(items), before: None });
                    }
                    Some('}') => return Err(parser.wrong("a list is not closed: ] is missing")),
                    Some(_) => {
                        let place = parser.place();
                        items.push(parser.value(place)?);
                    }
                }
            }
        })
    }

    /// Up to what ends it; blanks before that end are not part of it.
    fn unquoted(&mut self) -> String {
        let mut text = String::new();
        while let Some(character) = self.peek() {
            if is_special(character) || is_blank(character) || self.starts_with("//") {
                break;
            }
            text.push(character);
            self.next();
        }
        text
    }

    fn quoted(&mut self) -> Result<String, HoconError> {
        let started = self.place();
        let unclosed = || HoconError { place: started.clone(), reason: "a quote is not closed".to_owned() };
        if self.take_text("\"\"\"") {
            return self.triple_quoted().ok_or_else(unclosed);
        }
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None | Some('\n') => return Err(unclosed()),
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escaped()?),
                Some(character) => text.push(character),
            }
        }
    }

    /// Nothing is escaped in it; quotes right before its end belong to it.
    fn triple_quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            if self.starts_with("\"\"\"") && !self.starts_with("\"\"\"\"") {
                self.take_text("\"\"\"");
                return Some(text);
            }
            text.push(self.next()?);
        }
    }

    fn escaped(&mut self) -> Result<char, HoconError> {
        Ok(match self.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('u') => {
                let digits: String = (0..4).filter_map(|_| self.next()).collect();
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
                // Halves of a pair mean nothing alone, and names of queues have none.
                code.and_then(char::from_u32).ok_or_else(|| self.wrong("\\u is followed by four digits"))?
            }
            _ => return Err(self.wrong("no such escape")),
        })
    }

    fn reference(&mut self) -> Result<Piece, HoconError> {
        if !self.take_text("${") {
            return Err(self.wrong("'$' in a text has to be in quotes"));
        }
        let is_optional = self.take('?');
        let path = self.path(&['}'])?;
        if !self.take('}') {
            return Err(self.wrong("a substitution is not closed: } is missing"));
        }
        Ok(Piece::Reference { path, is_optional })
    }

    fn is_include(&self) -> bool {
        const WORD: &str = "include";
        let behind = self.rest.get(self.at + WORD.len()).copied();
        self.starts_with(WORD) && behind.is_some_and(is_blank) && {
            let rest = self.rest.iter().skip(self.at + WORD.len());
            let next = rest.copied().find(|character| !is_blank(*character));
            !matches!(next, Some('=' | ':' | '{' | '+'))
        }
    }

    /// `include "file"`, `include file("file")`, `include required(…)`; what stands elsewhere is passed over, and said.
    fn include(&mut self, object: &mut RawObject) -> Result<(), HoconError> {
        let place = self.place();
        self.take_text("include");
        self.skip_spaces();
        let mut form = String::new();
        while self.peek().is_some_and(|character| character != '"' && character != '\n') {
            form.extend(self.next());
        }
        if self.peek() != Some('"') {
            return Err(self.wrong("include is followed by a file's name in quotes"));
        }
        let name = self.quoted()?;
        while self.take(')') {}
        let is_required = form.contains("required(");
        let is_file = form.is_empty() || form.contains("file(") || form == "required(";
        let found = if is_file { (self.outside.around.read)(&name) } else { None };
        let Some(text) = found else {
            let reason = match (is_file, is_required) {
                (true, true) => {
                    return Err(HoconError { place, reason: format!("there is no file {name}") });
                }
                (true, false) => format!("there is no file {name} to include"),
                (false, _) => format!("include {form}\"{name}\") means nothing outside of a Java program"),
            };
            self.outside.passed_over.push(HoconError { place, reason });
            return Ok(());
        };
        self.outside.includes += 1;
        if self.outside.includes > MAX_INCLUDES {
            return Err(HoconError { place, reason: "files include each other".to_owned() });
        }
        let included = parse_file(&Rc::from(name.as_str()), &text, self.outside)?;
        for (name, value) in included {
            set(object, &name, value);
        }
        Ok(())
    }
}

/// One piece is what it is; several are worked out once substitutions are.
fn joined(mut pieces: Vec<Piece>) -> RawValue {
    if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
        let texts = pieces.into_iter().map(|piece| match piece {
            Piece::Text(text) => text,
            _ => String::new(),
        });
        return RawValue::Text(texts.collect());
    }
    match (pieces.len(), pieces.pop()) {
        (1, Some(Piece::Value(raw))) => raw.value,
        (_, last) => {
            pieces.extend(last);
            RawValue::Joined(pieces)
        }
    }
}

/// Objects at the same key become one; of other values the last counts, if it comes to anything.
pub(super) fn set(object: &mut RawObject, name: &str, value: Raw) {
    let Some((_, old)) = object.iter_mut().find(|(known, _)| known == name) else {
        object.push((name.to_owned(), value));
        return;
    };
    match (&mut old.value, value) {
        (RawValue::Object(members), Raw { value: RawValue::Object(added), .. }) => {
            for (name, value) in added {
                set(members, &name, value);
            }
        }
        (_, mut value) => {
            if matches!(value.value, RawValue::Joined(_) | RawValue::Object(_)) {
                value.before = Some(Box::new(old.clone()));
            }
            *old = value;
        }
    }
}
