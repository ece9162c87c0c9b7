use super::XmlSink;
use proptest::collection::vec;
use proptest::prelude::*;

fn written(text: &str) -> String {
    let mut sink = XmlSink::default();
    sink.text(text);
    String::from_utf8(sink.bytes).unwrap()
}

/// The same, character by character.
fn expected(text: &str) -> String {
    let one = |character: char| match character {
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '&' => "&amp;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\r' => "&#13;".to_owned(),
        '\t' | '\n' => character.to_string(),
        '\0'..'\u{20}' | '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}'.to_string(),
        _ => character.to_string(),
    };
    text.chars().map(one).collect()
}

#[test]
fn every_character_is_written_as_xml_needs_it() {
    for character in '\0'..='\u{1_0100}' {
        for text in [format!("{character}"), format!("{}{character}x", "long enough ".repeat(9))] {
            assert_eq!(written(&text), expected(&text), "{character:?}");
        }
    }
}

proptest! {
    #[test]
    fn texts_are_written_as_xml_needs_them(
        stretches in vec(("[ -~]{0,80}", prop_oneof![any::<char>(), prop::sample::select(vec!['"', '<', '\t', '\r', '\u{1F}', '\u{FF01}', '\u{FFFE}'])]), 0..8),
    ) {
        let text: String = stretches.into_iter().map(|(plain, character)| format!("{plain}{character}")).collect();
        prop_assert_eq!(written(&text), expected(&text));
    }
}
