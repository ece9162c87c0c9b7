//! Bongsu's own configuration: its `[[queues]]`, read and written.

use super::plan::{DeadLettersTo, Place, Plan, Planned};
use crate::queue::attributes::DeadLetters;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::rc::Rc;
use toml::Spanned;

/// Of the file only what is about queues.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    queues: Vec<Spanned<Queue>>,
    region: Option<String>,
    account: Option<String>,
}

#[derive(Deserialize)]
struct Queue {
    name: String,
    account: Option<String>,
    region: Option<String>,
    #[serde(default)]
    attributes: toml::Table,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Reads it.
///
/// # Errors
/// It is no TOML, or its queues are none; in words, with the line.
pub(super) fn read(file: &str, text: &str) -> Result<Plan, String> {
    let parsed: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        format!("{file}:{line}: {}", error.message())
    })?;
    let mut plan = Plan { region: parsed.region, account: parsed.account, ..Plan::default() };
    let name: Rc<str> = Rc::from(file);
    for spanned in parsed.queues {
        let place = Place::new(&name, line_at(text, spanned.span().start));
        let declared = spanned.into_inner();
        let mut queue = Planned::new(&declared.name, place.clone());
        for (name, value) in declared.attributes {
            queue.attributes.insert(name, attribute_text(value));
        }
        take_redrive_policy(&mut queue, &mut plan);
        queue.tags = declared.tags;
        for (what, said) in [("account", declared.account), ("region", declared.region)] {
            if let Some(said) = said {
                plan.lose(
                    &place,
                    format!("{}: {what} = {said}: it is made where the others are", queue.name),
                );
            }
        }
        plan.add(queue);
    }
    Ok(plan)
}

fn line_at(text: &str, byte: usize) -> u32 {
    let before = text.as_bytes().iter().take(byte);
    before.filter(|byte| **byte == b'\n').count() as u32 + 1
}

/// A redrive policy names a queue by an ARN of where the file was meant for; what counts is its name.
pub(super) fn take_redrive_policy(queue: &mut Planned, plan: &mut Plan) {
    let Some(policy) = queue.attributes.get("RedrivePolicy") else { return };
    match DeadLetters::of(&queue.attributes) {
        Some(dead) => {
            let (name, max_receives) = (dead.name().to_owned(), dead.max_receives);
            queue.dead_letters = Some(DeadLettersTo { name, max_receives });
        }
        None if policy.is_empty() => queue.dead_letters = None,
        None => plan.lose(&queue.place, format!("{}: RedrivePolicy {policy} is none", queue.name)),
    }
    queue.attributes.remove("RedrivePolicy");
}

/// Attributes are texts to SQS; numbers, booleans and (for the policies) tables are welcome in the file.
fn attribute_text(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        toml::Value::Table(_) | toml::Value::Array(_) => {
            serde_json::to_value(value).unwrap_or_default().to_string()
        }
        other => other.to_string(),
    }
}

/// Writes a plan as a configuration. The ARNs in it are of the region and the account that queues will have there.
pub(super) fn write(plan: &Plan, region: &str, account: &str) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = String::new();
    for (name, value) in [("region", &plan.region), ("account", &plan.account)] {
        if let Some(value) = value {
            text.push_str(&format!("{name} = {}\n", quoted(value)));
        }
    }
    for queue in &plan.queues {
        text.push_str(&format!("\n[[queues]]\nname = {}\n", quoted(&queue.name)));
        let attributes = queue.whole(&format!("arn:aws:sqs:{region}:{account}"));
        for (name, members) in [("attributes", &attributes), ("tags", &queue.tags)] {
            if !members.is_empty() {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| format!("{} = {}", key(name), quoted(value)))
                    .collect();
                text.push_str(&format!("{name} = {{ {} }}\n", members.join(", ")));
            }
        }
    }
    text.trim_start().to_owned()
}

/// A key without quotes where it can be.
fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { name.to_owned() } else { toml::Value::String(name.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::import::plan::{DeadLettersTo, Place, Plan, Planned};
    use proptest::prelude::*;
    use std::rc::Rc;

    #[test]
    fn queues_as_the_server_reads_them() {
        let text = "listen = 'x'\nregion = 'eu-west-1'\n\n[[queues]]\nname = 'jobs.fifo'\nattributes = { VisibilityTimeout = 60, \
            ContentBasedDeduplication = true, RedrivePolicy = { deadLetterTargetArn = 'arn:aws:sqs:r:1:dead.fifo', maxReceiveCount = 3 } }\n\
            tags = { team = 'a' }\n[[queues]]\nname = 'plain'\nregion = 'x'\n";
        let plan = read("b.toml", text).unwrap();
        let queue = &plan.queues[0];
        assert_eq!(queue.dead_letters, Some(DeadLettersTo { name: "dead.fifo".into(), max_receives: 3 }));
        assert_eq!(
            serde_json::json!(queue.attributes).to_string(),
            r#"{"ContentBasedDeduplication":"true","FifoQueue":"true","VisibilityTimeout":"60"}"#
        );
        assert_eq!((queue.place.line(), plan.region.as_deref()), (4, Some("eu-west-1")));
        assert_eq!(plan.notes.len(), 1);
        assert!(plan.notes[0].is_loss && plan.notes[0].place.line() == 8);
    }

    #[test]
    fn mistakes_are_named_by_line() {
        assert!(read("b.toml", "a = 1\nb = ").unwrap_err().starts_with("b.toml:2: "));
        assert!(read("b.toml", "\n[[queues]]\nattributes = {}").unwrap_err().contains("name"));
    }

    fn queue() -> impl Strategy<Value = Planned> {
        let text = "[ -~가\n]{0,12}";
        let dead = prop::option::of(("[a-z]{1,5}", 1..1000u64));
        let tags = prop::collection::btree_map("[a-z .\"]{1,5}", text, 0..3);
        let attributes = prop::collection::btree_map("[A-Z][a-z]{3,9}", text, 0..3);
        ("[a-z]{1,8}(\\.fifo)?", attributes, tags, dead).prop_map(|(name, attributes, tags, dead)| {
            let mut queue = Planned::new(&name, Place::new(&Rc::from("f"), 1));
            queue.attributes.extend(attributes);
            queue.tags = tags;
            queue.dead_letters = dead.map(|(name, max_receives)| DeadLettersTo { name, max_receives });
            queue
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(queues in prop::collection::vec(queue(), 0..4)) {
            let mut plan = Plan { region: Some("r".into()), ..Plan::default() };
            queues.into_iter().for_each(|queue| plan.add(queue));
            plan.notes.clear();
            let text = write(&plan, "r", "000000000000");
            let mut again = read("f", &text).unwrap();
            for queue in again.queues.iter_mut().chain(&mut plan.queues) {
                queue.place = Place::new(&Rc::from("f"), 1);
            }
            prop_assert_eq!(again, plan, "{}", text);
        }

        #[test]
        fn no_text_is_too_strange(text in "([a-c=\\[\\]{}\"'\n ]|queues|name){0,40}") {
            let _ = read("f", &text);
        }
    }
}
