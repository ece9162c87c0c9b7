//! How messages are shown.

use super::session::text_of;
use super::show::pretty;
use crate::show::units::roughly;
use crate::show::{Ink, Screen, clean};
use serde_json::Value;

/// How much of a body is shown unless all is asked for.
const SHOWN_CHARS: usize = 2_000;

/// How much of messages is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// The body and nothing else, as it is, one a line.
    Raw,
    /// What usually matters, and as much of the body as one can look at.
    Usual,
    /// All of the body.
    Full,
}

/// A message of a queue as people read it; `about` is what stands before its id.
pub(super) fn shown(screen: Screen, message: &Value, about: &str, detail: Detail, now_ms: u64) -> String {
    let body = text_of(message, "Body");
    if detail == Detail::Raw {
        return format!("{body}\n");
    }
    let attributes = &message["Attributes"];
    let number = |name: &str| text_of(attributes, name).parse::<u64>().ok();
    let mut facts = Vec::new();
    if let Some(sent_ms) = number("SentTimestamp") {
        facts.push(format!("sent {} ago", roughly(now_ms.saturating_sub(sent_ms) / 1000)));
    }
    match number("ApproximateReceiveCount") {
        None | Some(0) => {}
        Some(1) => facts.push("received once".to_owned()),
        Some(count) => facts.push(format!("received {count} times")),
    }
    for (name, label) in [
        ("MessageGroupId", "group"),
        ("MessageDeduplicationId", "deduplication"),
        ("DeadLetterQueueSourceArn", "from"),
    ] {
        match text_of(attributes, name) {
            "" => {}
            arn if label == "from" => facts.push(format!("from {}", arn.rsplit(':').next().unwrap_or(arn))),
            value => facts.push(format!("{label} {value}")),
        }
    }
    let id = screen.paint(Ink::Strong, &clean(text_of(message, "MessageId")));
    let facts = screen.paint(Ink::Faint, &clean(&facts.join(", ")));
    let about = if about.is_empty() { String::new() } else { format!("{about}  ") };
    let mut text = format!("{about}{id}  {facts}\n");
    for (name, value) in message["MessageAttributes"].as_object().into_iter().flatten() {
        let line = format!("  {name} ({}) = {}", text_of(value, "DataType"), value_of(value));
        text.push_str(&format!("{}\n", screen.paint(Ink::Moving, &clean(&line))));
    }
    match text_of(attributes, "NotShown") {
        "" => text.push_str(&indented(&shortened(&pretty(body), detail))),
        why => text.push_str(&format!("  {}\n", screen.paint(Ink::Alarming, &clean(why)))),
    }
    text
}

/// Of binary values the base64 that they travel in.
fn value_of(attribute: &Value) -> &str {
    match text_of(attribute, "StringValue") {
        "" => text_of(attribute, "BinaryValue"),
        value => value,
    }
}

fn shortened(text: &str, detail: Detail) -> String {
    match text.char_indices().nth(SHOWN_CHARS).filter(|_| detail == Detail::Usual) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}\n… {} bytes more (--full)", &text[..end], text.len() - end),
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(|line| format!("  {}", clean(line))).collect();
    format!("{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::{Detail, shown};
    use crate::show::Screen;
    use serde_json::json;

    #[test]
    fn a_message_is_shown_with_what_matters() {
        let message = json!({
            "MessageId": "id", "Body": "{\"a\":1}",
            "Attributes": {
                "SentTimestamp": "1000", "ApproximateReceiveCount": "2", "MessageGroupId": "g",
                "DeadLetterQueueSourceArn": "arn:aws:sqs:r:1:jobs",
            },
            "MessageAttributes": { "n": { "DataType": "Number", "StringValue": "7" } },
        });
        // Tests have no terminal.
        let text = shown(Screen::output(), &message, "visible", Detail::Usual, 11_000);
        let expected = "visible  id  sent 10 s ago, received 2 times, group g, from jobs\n  n (Number) = 7\n  {\n    \"a\": 1\n  }\n";
        assert_eq!(text, expected);
        assert_eq!(shown(Screen::output(), &message, "", Detail::Raw, 0), "{\"a\":1}\n");
    }

    #[test]
    fn a_long_body_is_shortened_unless_all_is_wanted() {
        let message = json!({ "MessageId": "id", "Body": "봉".repeat(3_000) });
        let text = shown(Screen::output(), &message, "", Detail::Usual, 0);
        assert!(text.contains("3000 bytes more") && text.len() < 7_000, "{}", text.len());
        assert!(shown(Screen::output(), &message, "", Detail::Full, 0).len() > 9_000);
    }
}
