//! Answers with any text in them: all three encodings are legal, and say what was put in.
use arbitrary::{Arbitrary, Unstructured};
use bongsu_wire::{
    BatchResultErrorEntry, ErrorKind, GetQueueAttributesResponse, ListQueueTagsResponse, ListQueuesResponse,
    Message, MessageAttributeValue, Output, ReceiveMessageResponse, SendMessageBatchResponse, ServiceError,
    StringMap, encode_json, encode_query_json, encode_xml, error_json, error_query_json, error_xml,
};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::BTreeMap;

#[derive(Debug)]
enum Answer {
    Messages(Vec<Received>),
    Urls(Vec<String>, Option<String>),
    Attributes(StringMap),
    Tags(StringMap),
    Failures(Vec<(String, String, String, bool)>),
    Refusal(u8, String),
}

/// A message attribute: its type, and its value as text or as bytes, in whatever combination.
type Value = (String, Option<String>, Option<Vec<u8>>);

#[derive(Debug)]
struct Received {
    body: String,
    system: StringMap,
    attributes: BTreeMap<String, Value>,
}

// By hand: the macro would have all other macros of the workspace built with features that only it needs.
impl<'a> Arbitrary<'a> for Answer {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match (u64::from(u32::arbitrary(bytes)?) * 6) >> 32 {
            0 => Self::Messages(bytes.arbitrary()?),
            1 => Self::Urls(bytes.arbitrary()?, bytes.arbitrary()?),
            2 => Self::Attributes(bytes.arbitrary()?),
            3 => Self::Tags(bytes.arbitrary()?),
            4 => Self::Failures(bytes.arbitrary()?),
            _ => Self::Refusal(bytes.arbitrary()?, bytes.arbitrary()?),
        })
    }
}

impl<'a> Arbitrary<'a> for Received {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self { body: bytes.arbitrary()?, system: bytes.arbitrary()?, attributes: bytes.arbitrary()? })
    }
}

fn message(received: Received) -> Message {
    let attributes =
        received.attributes.into_iter().map(|(name, (data_type, string_value, binary_value))| {
            (name, MessageAttributeValue { data_type, string_value, binary_value })
        });
    Message {
        message_id: "id".to_owned(),
        receipt_handle: "handle".to_owned(),
        md5_of_body: bongsu_wire::md5::show(&bongsu_wire::md5::body(&received.body)),
        body: received.body,
        attributes: received.system,
        md5_of_message_attributes: None,
        message_attributes: attributes.collect(),
    }
}

fn is_legal(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// The texts of all elements of this name.
fn check_xml(xml: &[u8], element: &str) -> Vec<String> {
    let text = std::str::from_utf8(xml).expect("XML is UTF-8");
    assert!(text.chars().all(is_legal), "a character that XML has not: {text:?}");
    assert!(!text.contains('\r'), "parsers would make a line feed of it: {text:?}");
    let mut reader = Reader::from_str(text);
    let (mut open, mut found, mut here) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}: {text:?}")) {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                here = (name == element).then(String::new);
                open.push(name);
            }
            Event::End(end) => {
                assert_eq!(open.pop().as_deref(), Some(end.name().as_ref()));
                found.extend(here.take());
            }
            Event::Text(part) => {
                if let Some(here) = &mut here {
                    here.push_str(&part);
                }
            }
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref().expect("a character") {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&reference)
                        .expect("a known entity")
                        .to_owned(),
                };
                if let Some(here) = &mut here {
                    here.push_str(&resolved);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?} left open");
    found
}

/// What XML can say of a text.
fn in_xml(text: &str) -> String {
    text.chars().map(|character| if is_legal(character) { character } else { '\u{fffd}' }).collect()
}

fn refusal(kind: u8, message: String) {
    let kinds = [ErrorKind::QueueDoesNotExist, ErrorKind::InvalidParameterValue, ErrorKind::MissingParameter];
    let error = ServiceError::new(kinds[usize::from(kind) % kinds.len()], message);
    let (json, _) = error_json(&error);
    let value: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(value["message"].as_str(), Some(error.message.as_str()));
    let _: serde_json::Value = serde_json::from_slice(&error_query_json(&error, "id")).expect("JSON");
    assert_eq!(check_xml(&error_xml(&error, "id"), "Message"), [in_xml(error.query_message())]);
}

/// One run of the target.
pub fn run(data: &[u8]) {
    let Ok(answer) = Answer::arbitrary(&mut Unstructured::new(data)) else { return };
    let (output, element, expected) =
        match answer {
            Answer::Refusal(kind, message) => return refusal(kind, message),
            Answer::Messages(messages) => {
                let messages: Vec<Message> = messages.into_iter().map(message).collect();
                let bodies = messages.iter().map(|message| message.body.clone()).collect();
                (Output::ReceiveMessage(ReceiveMessageResponse { messages }), "Body", bodies)
            }
            Answer::Urls(queue_urls, next_token) => {
                let urls = queue_urls.clone();
                (Output::ListQueues(ListQueuesResponse { queue_urls, next_token }), "QueueUrl", urls)
            }
            Answer::Attributes(attributes) => {
                let names = attributes.keys().cloned().collect();
                (Output::GetQueueAttributes(GetQueueAttributesResponse { attributes }), "Name", names)
            }
            Answer::Tags(tags) => {
                let names = tags.keys().cloned().collect();
                (Output::ListQueueTags(ListQueueTagsResponse { tags }), "Key", names)
            }
            Answer::Failures(failed) => {
                let ids = failed.iter().map(|(id, ..)| id.clone()).collect();
                let failed = failed.into_iter().map(|(id, code, message, sender_fault)| {
                    BatchResultErrorEntry { id, code, message: Some(message), sender_fault }
                });
                let response = SendMessageBatchResponse { successful: Vec::new(), failed: failed.collect() };
                (Output::SendMessageBatch(response), "Id", ids)
            }
        };
    let expected: Vec<String> = expected;
    let _: serde_json::Value = serde_json::from_slice(&encode_json(&output)).expect("JSON");
    let _: serde_json::Value = serde_json::from_slice(&encode_query_json(&output, "id")).expect("JSON");
    let found = check_xml(&encode_xml(&output, "id"), element);
    assert_eq!(found, expected.iter().map(|text| in_xml(text)).collect::<Vec<_>>());
}
