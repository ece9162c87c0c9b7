//! Answers and errors as JSON, written straight into the body's bytes.

use std::collections::BTreeMap;

use base64::Engine;

use super::decode::BASE64;
use super::plain::SPECIALS;
use crate::error::ServiceError;
use crate::operations::Output;
use crate::scan::plain_length;
use crate::shapes::{ListName, MapName};
use crate::sink::Sink;

/// Encodes an answer, for the content type `application/x-amz-json-1.0`. Actions whose answer has no shape have
/// an empty body, as recorded from AWS; those whose answer has a shape with nothing in it have `{}`.
pub fn encode_json(output: &Output) -> Vec<u8> {
    if output.has_no_shape() {
        return Vec::new();
    }
    let mut sink = JsonSink::with_capacity(output.size_estimate());
    sink.object(|sink| output.write(sink));
    sink.into_bytes()
}

/// Encodes a refusal: the body, and the value of the header `x-amzn-query-error`, without which SDK callers
/// lose the legacy code.
pub fn error_json(error: &ServiceError) -> (Vec<u8>, String) {
    let mut sink = JsonSink::default();
    sink.object(|sink| {
        sink.string("__type", &error.kind.qualified_json_type());
        sink.string("message", &error.message);
    });
    let header = format!("{};{}", error.kind.code(), error.kind.fault_name());
    (sink.into_bytes(), header)
}

/// Writes JSON objects member by member.
#[derive(Default)]
pub(crate) struct JsonSink {
    bytes: Vec<u8>,
    /// Whether the object or array that is open has something in it, so that a comma comes first.
    needs_comma: bool,
}

impl JsonSink {
    /// A sink that has this many bytes to fill before it grows.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), needs_comma: false }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// An object, in the place where a value is due.
    fn object(&mut self, write_members: impl FnOnce(&mut Self)) {
        self.enclosed(b'{', b'}', write_members);
    }

    /// A member that is an object.
    fn object_member(&mut self, name: &str, write_members: impl FnOnce(&mut Self)) {
        self.key(name);
        self.object(write_members);
    }

    /// Text that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.bytes.extend_from_slice(json.as_bytes());
    }

    fn array_member(&mut self, name: &'static str, write_elements: impl FnOnce(&mut Self)) {
        self.name(name);
        self.enclosed(b'[', b']', write_elements);
    }

    /// An object or array with these brackets.
    pub(crate) fn enclosed(&mut self, open: u8, close: u8, write_inside: impl FnOnce(&mut Self)) {
        self.bytes.push(open);
        self.needs_comma = false;
        write_inside(self);
        self.bytes.push(close);
        self.needs_comma = true;
    }

    /// Separates this element of an array, or this member of an object, from the one before it.
    pub(crate) fn next(&mut self) {
        if self.needs_comma {
            self.bytes.push(b',');
        }
        self.needs_comma = true;
    }

    /// An entry's key; its value follows.
    pub(crate) fn key(&mut self, key: &str) {
        self.next();
        self.text(key);
        self.bytes.push(b':');
    }

    /// A member's name, which has nothing to escape; its value follows.
    fn name(&mut self, name: &'static str) {
        self.next();
        self.bytes.push(b'"');
        self.raw(name);
        self.bytes.extend_from_slice(b"\":");
    }

    /// A string, in the place where a value is due.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes.push(b'"');
        let mut rest = text.as_bytes();
        loop {
            let (plain, special) = rest.split_at(plain_length(rest, SPECIALS));
            self.bytes.extend_from_slice(plain);
            let Some((&byte, after)) = special.split_first() else { break };
            self.escaped(byte);
            rest = after;
        }
        self.bytes.push(b'"');
    }

    /// A character that must not stand in a string as it is.
    fn escaped(&mut self, byte: u8) {
        let letter = match byte {
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0C => b'f',
            b'\r' => b'r',
            0x00..0x20 => {
                // Two digits, of which the first is 0 or 1.
                let second = b"0123456789abcdef"[usize::from(byte & 0x0F)];
                self.bytes.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), second]);
                return;
            }
            itself => itself,
        };
        self.bytes.extend_from_slice(&[b'\\', letter]);
    }
}

impl Sink for JsonSink {
    fn string(&mut self, name: &'static str, value: &str) {
        self.name(name);
        self.text(value);
    }

    fn integer(&mut self, name: &'static str, value: i64) {
        self.name(name);
        self.raw(&value.to_string());
    }

    fn boolean(&mut self, name: &'static str, value: bool) {
        self.name(name);
        self.raw(if value { "true" } else { "false" });
    }

    fn blob(&mut self, name: &'static str, value: &[u8]) {
        self.name(name);
        self.text(&BASE64.encode(value));
    }

    fn strings(&mut self, name: &ListName, values: &[String]) {
        self.array_member(name.json, |sink| {
            for value in values {
                sink.next();
                sink.text(value);
            }
        });
    }

    fn string_map(&mut self, name: &MapName, values: &BTreeMap<String, String>) {
        self.object_member(name.json, |sink| {
            for (key, value) in values {
                sink.key(key);
                sink.text(value);
            }
        });
    }

    fn structures<T>(&mut self, name: &ListName, values: &[T], write: impl Fn(&T, &mut Self)) {
        self.array_member(name.json, |sink| {
            for value in values {
                sink.next();
                sink.object(|sink| write(value, sink));
            }
        });
    }

    fn structure_map<T>(
        &mut self,
        name: &MapName,
        values: &BTreeMap<String, T>,
        write: impl Fn(&T, &mut Self),
    ) {
        self.object_member(name.json, |sink| {
            for (key, value) in values {
                sink.object_member(key, |sink| write(value, sink));
            }
        });
    }
}

#[cfg(test)]
mod tests;
