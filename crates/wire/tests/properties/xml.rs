//! Reads answers as an XML parser does that knows the specification: line ends are normalised, references
//! resolved.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bongsu_wire::{Message, MessageAttributeValue};
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// An element with the text directly in it.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    pub(crate) text: String,
    children: Vec<Element>,
}

impl Element {
    pub(crate) fn child(&self, name: &str) -> &Element {
        self.optional(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    fn optional(&self, name: &str) -> Option<&Element> {
        self.all(name).next()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    fn text_of(&self, name: &str) -> Option<String> {
        self.optional(name).map(|child| child.text.clone())
    }
}

/// The root element. Panics when this is not well-formed XML 1.0.
pub(crate) fn parse(xml: &[u8]) -> Element {
    let xml = str::from_utf8(xml).unwrap();
    let is_legal =
        |character| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..);
    assert!(xml.chars().all(is_legal), "a character that XML does not have");
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                open.push(Element { name, ..Element::default() });
            }
            Event::Empty(empty) => {
                let name = empty.name().as_ref().to_owned();
                let child = Element { name, ..Element::default() };
                open.last_mut().unwrap().children.push(child);
            }
            Event::End(_) => {
                let closed = open.pop().unwrap();
                open.last_mut().unwrap().children.push(closed);
            }
            Event::Text(text) => open.last_mut().unwrap().text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let text = &mut open.last_mut().unwrap().text;
                match reference.resolve_char_ref().unwrap() {
                    Some(character) => text.push(character),
                    None => text.push_str(resolve_predefined_entity(&reference.xml10_content()).unwrap()),
                }
            }
            Event::Decl(_) => {}
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(open.len(), 1, "an element is not closed");
    let mut roots = open.pop().unwrap().children;
    assert_eq!(roots.len(), 1);
    roots.remove(0)
}

/// The messages in an answer to `ReceiveMessage`.
pub(crate) fn messages(xml: &[u8]) -> Vec<Message> {
    let root = parse(xml);
    assert_eq!(root.name, "ReceiveMessageResponse");
    let read = |message: &Element| Message {
        message_id: message.text_of("MessageId").unwrap(),
        receipt_handle: message.text_of("ReceiptHandle").unwrap(),
        md5_of_body: message.text_of("MD5OfBody").unwrap(),
        body: message.text_of("Body").unwrap(),
        attributes: message
            .all("Attribute")
            .map(|entry| (entry.text_of("Name").unwrap(), entry.text_of("Value").unwrap()))
            .collect(),
        md5_of_message_attributes: message.text_of("MD5OfMessageAttributes"),
        message_attributes: message
            .all("MessageAttribute")
            .map(|entry| (entry.text_of("Name").unwrap(), attribute(entry.child("Value"))))
            .collect(),
    };
    root.child("ReceiveMessageResult").all("Message").map(read).collect()
}

fn attribute(value: &Element) -> MessageAttributeValue {
    MessageAttributeValue {
        data_type: value.text_of("DataType").unwrap(),
        string_value: value.text_of("StringValue"),
        binary_value: value.text_of("BinaryValue").map(|bytes| STANDARD.decode(bytes).unwrap()),
    }
}
