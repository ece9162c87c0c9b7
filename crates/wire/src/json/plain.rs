//! The quick way through a request's JSON, which all but odd requests can go.
//!
//! It reads what [`super::decode`] reads, into the same values, or gives up: on anything that is not valid and
//! on what is valid but rare (fractions, negative numbers, deep nesting). Then the thorough way starts over and
//! decides. So there is no error here, and nothing that is refused here is thereby refused.

use std::borrow::Cow;

use super::decode::{MAX_VALUES, Members, Value};
use crate::scan::plain_length;

/// What ends a stretch of a string that stands for itself, besides control characters.
pub(super) const SPECIALS: [u8; 2] = [b'"', b'\\'];

/// How deep lists and objects may be in each other: more than any action needs, less than the thorough way
/// allows.
const MAX_DEPTH: usize = 16;

/// How much room a string with escapes gets beyond its first stretch, so that most need not grow.
const ROOM_BYTES: usize = 512;

/// How many digits a number may have so that there is no doubt about its range.
const MAX_DIGITS: usize = 15;

/// The members of the one object that the body is; `None` leaves it to the thorough way.
pub(super) fn parse(body: &[u8]) -> Option<Members<'_>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader { text, at: 0, values_left: MAX_VALUES };
    let Value::Object(members) = reader.value(0)? else { return None };
    reader.skip_space();
    (reader.at == text.len()).then_some(members)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Keys count too, as they do on the thorough way.
    values_left: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes the next byte that is not white space.
    fn token(&mut self) -> Option<u8> {
        self.skip_space();
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn count(&mut self) -> Option<()> {
        self.values_left = self.values_left.checked_sub(1)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.count()?;
        match self.token()? {
            b'"' => self.string().map(Value::String),
            b'{' => self.object(depth).map(Value::Object),
            b'[' => self.list(depth).map(Value::List),
            digit @ b'0'..=b'9' => self.number(digit),
            b'n' => self.word("ull", Value::Null),
            b't' => self.word("rue", Value::Bool(true)),
            b'f' => self.word("alse", Value::Bool(false)),
            _ => None,
        }
    }

    fn object(&mut self, depth: usize) -> Option<Members<'a>> {
        let mut members = Vec::new();
        let mut next = self.token()?;
        if next == b'}' {
            return Some(members);
        }
        loop {
            if next != b'"' {
                return None;
            }
            self.count()?;
            let key = self.string()?;
            if self.token()? != b':' {
                return None;
            }
            members.push((key, self.value(depth + 1)?));
            match self.token()? {
                b',' => next = self.token()?,
                b'}' => return Some(members),
                _ => return None,
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Vec<Value<'a>>> {
        let mut values = Vec::new();
        self.skip_space();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(values);
        }
        loop {
            values.push(self.value(depth + 1)?);
            match self.token()? {
                b',' => {}
                b']' => return Some(values),
                _ => return None,
            }
        }
    }

    /// A whole number whose first digit was taken.
    fn number(&mut self, first: u8) -> Option<Value<'a>> {
        let mut number = i64::from(first - b'0');
        let mut digits = 1;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            digits += 1;
            if number == 0 || digits > MAX_DIGITS {
                return None;
            }
            number = number * 10 + i64::from(digit - b'0');
            self.at += 1;
        }
        // A point or an exponent would be taken for what follows the value, which it can't be.
        Some(Value::Number(Some(number)))
    }

    fn word(&mut self, rest: &str, value: Value<'a>) -> Option<Value<'a>> {
        self.text.get(self.at..)?.starts_with(rest).then(|| {
            self.at += rest.len();
            value
        })
    }

    /// A string whose first quote was taken.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let plain = self.stretch()?;
        if self.peek()? == b'"' {
            self.at += 1;
            return Some(Cow::Borrowed(plain));
        }
        let left = self.text.len() - self.at;
        let mut text = String::with_capacity(plain.len() + left.min(ROOM_BYTES));
        text.push_str(plain);
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => text.push(self.escape()?),
                _ => return None,
            }
            text.push_str(self.stretch()?);
        }
        self.at += 1;
        Some(Cow::Owned(text))
    }

    /// What stands for itself, up to a quote, an escape or what must not be in a string.
    fn stretch(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let plain = rest.get(..plain_length(rest.as_bytes(), SPECIALS))?;
        self.at += plain.len();
        Some(plain)
    }

    /// The character that an escape stands for.
    fn escape(&mut self) -> Option<char> {
        let letter = *self.text.as_bytes().get(self.at + 1)?;
        self.at += 2;
        Some(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return None,
        })
    }

    /// The character that four hexadecimal digits stand for, or two times four if it is beyond 16 bits.
    fn unicode(&mut self) -> Option<char> {
        let unit = self.four_digits()?;
        if !(0xD800..0xDC00).contains(&unit) {
            return char::from_u32(unit);
        }
        if !self.text.get(self.at..)?.starts_with("\\u") {
            return None;
        }
        self.at += 2;
        let low = self.four_digits()?;
        (0xDC00..0xE000)
            .contains(&low)
            .then(|| char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)))?
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at..)?.first_chunk::<4>()?;
        self.at += digits.len();
        digits.iter().try_fold(0, |number, &digit| Some(number * 16 + char::from(digit).to_digit(16)?))
    }
}

#[cfg(test)]
mod tests;
