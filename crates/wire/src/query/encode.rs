//! Answers and errors as XML, written straight into the body's bytes.
//!
//! Elements are written by hand, because what matters here is the text between them: a carriage return must
//! be `&#13;` or every parser turns it into a line feed (and the body's MD5 no longer fits), and characters
//! that XML has no way to write must not get out.

use std::collections::BTreeMap;

use base64::Engine;

use crate::error::ServiceError;
use crate::json::BASE64;
use crate::operations::Output;
use crate::scan::plain_length;
use crate::shapes::{ListName, MapName};
use crate::sink::Sink;

const START: &str = "<?xml version=\"1.0\"?>";
/// What begins a character that may need another form, besides control characters: U+FFFE and U+FFFF begin with
/// 0xEF, as no character's later bytes do.
const SPECIALS: [u8; 5] = [b'<', b'>', b'&', b'"', 0xEF];
const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

/// Encodes an answer, for the content type `text/xml`. Actions whose answer has no members have no result
/// element.
pub fn encode_xml(output: &Output, request_id: &str) -> Vec<u8> {
    let action = output.name();
    let mut sink = XmlSink { bytes: Vec::with_capacity(output.size_estimate()) };
    sink.raw(START);
    sink.raw(&format!("<{action}Response xmlns=\"{NAMESPACE}\">"));
    if output.has_result() {
        sink.element(&format!("{action}Result"), |sink| output.write(sink));
    }
    sink.element("ResponseMetadata", |sink| sink.string("RequestId", request_id));
    sink.raw(&format!("</{action}Response>"));
    sink.bytes
}

/// Encodes a refusal, in Query's wording and with the legacy code.
pub fn error_xml(error: &ServiceError, request_id: &str) -> Vec<u8> {
    let mut sink = XmlSink::default();
    sink.raw(START);
    sink.raw(&format!("<ErrorResponse xmlns=\"{NAMESPACE}\">"));
    sink.element("Error", |sink| {
        sink.string("Type", error.kind.fault_name());
        sink.string("Code", error.kind.code());
        sink.string("Message", error.query_message());
        sink.raw("<Detail/>");
    });
    sink.string("RequestId", request_id);
    sink.raw("</ErrorResponse>");
    sink.bytes
}

/// Writes XML elements: members as elements, lists and maps by repeating an element.
#[derive(Default)]
struct XmlSink {
    bytes: Vec<u8>,
}

impl XmlSink {
    fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn element(&mut self, name: &str, write_inside: impl FnOnce(&mut Self)) {
        self.raw("<");
        self.raw(name);
        self.raw(">");
        write_inside(self);
        self.raw("</");
        self.raw(name);
        self.raw(">");
    }

    /// Text between elements. Characters that XML 1.0 does not have become U+FFFD: an answer that no parser
    /// reads would be worse, and the only texts that may have them are ones that echo what a caller sent.
    fn text(&mut self, text: &str) {
        let (mut written, mut at) = (0, 0);
        loop {
            let rest = &text[at..];
            let rest = &rest[plain_length(rest.as_bytes(), SPECIALS)..];
            let Some(character) = rest.chars().next() else { break };
            at = text.len() - rest.len();
            let end = at + character.len_utf8();
            let replacement = match character {
                '<' => "&lt;",
                '>' => "&gt;",
                '&' => "&amp;",
                '"' => "&quot;",
                '\r' => "&#13;",
                '\t' | '\n' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => {
                    at = end;
                    continue;
                }
                _ => "\u{FFFD}",
            };
            self.raw(&text[written..at]);
            self.raw(replacement);
            (written, at) = (end, end);
        }
        self.raw(&text[written..]);
    }
}

impl Sink for XmlSink {
    fn string(&mut self, name: &'static str, value: &str) {
        self.element(name, |sink| sink.text(value));
    }

    fn integer(&mut self, name: &'static str, value: i64) {
        self.element(name, |sink| sink.raw(&value.to_string()));
    }

    fn boolean(&mut self, name: &'static str, value: bool) {
        self.element(name, |sink| sink.raw(if value { "true" } else { "false" }));
    }

    fn blob(&mut self, name: &'static str, value: &[u8]) {
        self.element(name, |sink| sink.raw(&BASE64.encode(value)));
    }

    fn strings(&mut self, name: &ListName, values: &[String]) {
        for value in values {
            self.string(name.query, value);
        }
    }

    fn string_map(&mut self, name: &MapName, values: &BTreeMap<String, String>) {
        for (key, value) in values {
            self.element(name.query, |sink| {
                sink.string(name.query_key, key);
                sink.string("Value", value);
            });
        }
    }

    fn structures<T>(&mut self, name: &ListName, values: &[T], write: impl Fn(&T, &mut Self)) {
        for value in values {
            self.element(name.query, |sink| write(value, sink));
        }
    }

    fn structure_map<T>(
        &mut self,
        name: &MapName,
        values: &BTreeMap<String, T>,
        write: impl Fn(&T, &mut Self),
    ) {
        for (key, value) in values {
            self.element(name.query, |sink| {
                sink.string(name.query_key, key);
                sink.element("Value", |sink| write(value, sink));
            });
        }
    }
}

#[cfg(test)]
mod tests;
