//! ElasticMQ's configuration, and the file in which it keeps its queues.

use super::hocon::{self, Around, HoconError, Node, Object, Value, find};
use super::plan::{DeadLettersTo, Plan, Planned};

/// Sections about the server rather than about its queues, and what there is of them here.
const SECTIONS: [(&str, Option<&str>); 9] = [
    (
        "node-address",
        Some("the address in queue URLs: `public-url` sets it, by itself it is the one that clients use"),
    ),
    ("rest-sqs", Some("where to listen: `listen`")),
    ("rest-stats", Some("statistics are in the console and at /metrics")),
    ("generate-node-address", None),
    ("queues-storage", Some("queues are always kept")),
    ("messages-storage", Some("messages are always kept, and not in a database")),
    ("persisted-queues-storage", None),
    ("storage", None),
    ("akka", None),
];

/// Reads it.
///
/// # Errors
/// It is no HOCON.
pub(super) fn read(file: &str, text: &str, around: &Around<'_>) -> Result<Plan, HoconError> {
    let read = hocon::read(file, text, around)?;
    let mut plan = Plan::default();
    for passed_over in read.passed_over {
        // Everybody's configuration begins so, to say what is so anyway.
        if !passed_over.reason.contains("classpath(\"application.conf\")") {
            plan.lose(&passed_over.place, passed_over.reason);
        }
    }
    for (name, node) in &read.root {
        match (name.as_str(), &node.value) {
            ("queues", Value::Object(queues)) => {
                for (name, queue) in queues {
                    read_queue(name, queue, &mut plan);
                }
            }
            ("queues", _) => plan.lose(&node.place, "queues is no object"),
            ("aws", Value::Object(aws)) => read_aws(aws, &mut plan),
            (section, _) => about_section(section, node, &read.root, &mut plan),
        }
    }
    Ok(plan)
}

fn about_section(section: &str, node: &Node, root: &Object, plan: &mut Plan) {
    if find(root, &["rest-sqs", "sqs-limits"]).is_some_and(|limits| is_text(limits, "relaxed"))
        && section == "rest-sqs"
    {
        plan.lose(&node.place, "sqs-limits = relaxed: limits are those of AWS");
    }
    match SECTIONS.iter().find(|(known, _)| *known == section) {
        Some((_, None)) => {}
        Some((_, Some(instead))) => {
            plan.tell(&node.place, format!("{section} is not about queues; {instead}"))
        }
        None => plan.lose(&node.place, format!("{section} is nothing known")),
    }
}

fn is_text(node: &Node, text: &str) -> bool {
    matches!(&node.value, Value::Text(found) if found.eq_ignore_ascii_case(text))
}

fn read_aws(aws: &Object, plan: &mut Plan) {
    for (name, node) in aws {
        let Value::Text(text) = &node.value else { continue };
        match name.as_str() {
            "region" => plan.region = Some(text.clone()),
            "accountId" => {
                if text.len() == 12 && text.chars().all(|digit| digit.is_ascii_digit()) {
                    plan.account = Some(text.clone());
                } else {
                    plan.lose(&node.place, format!("accountId {text}: an account has twelve digits"));
                }
            }
            other => plan.lose(&node.place, format!("aws.{other} is nothing known")),
        }
    }
}

fn read_queue(name: &str, node: &Node, plan: &mut Plan) {
    let Value::Object(members) = &node.value else {
        plan.lose(&node.place, format!("the queue {name} is no object"));
        return;
    };
    let is_fifo = find(members, &["fifo"]).is_some_and(|fifo| is_text(fifo, "true"));
    // As ElasticMQ does.
    let name = if is_fifo && !name.ends_with(".fifo") { format!("{name}.fifo") } else { name.to_owned() };
    if !is_fifo && name.ends_with(".fifo") {
        plan.lose(&node.place, format!("{name} ends in .fifo without fifo = true; it becomes a FIFO queue"));
    }
    let mut queue = Planned::new(&name, node.place.clone());
    for (member, value) in members {
        read_member(&mut queue, member, value, plan);
    }
    plan.add(queue);
}

fn read_member(queue: &mut Planned, member: &str, node: &Node, plan: &mut Plan) {
    let place = &node.place;
    let attribute = match member {
        "defaultVisibilityTimeout" => "VisibilityTimeout",
        "delay" => "DelaySeconds",
        "receiveMessageWait" => "ReceiveMessageWaitTimeSeconds",
        "contentBasedDeduplication" => {
            match (&node.value, queue.is_fifo()) {
                (Value::Text(text), true) => {
                    queue.attributes.insert("ContentBasedDeduplication".to_owned(), text.to_lowercase());
                }
                (Value::Text(text), false) if text == "true" => {
                    plan.lose(place, format!("{}: only FIFO queues deduplicate", queue.name));
                }
                _ => {}
            }
            return;
        }
        "deadLettersQueue" => return read_dead_letters(queue, node, plan),
        "tags" => return read_tags(queue, node, plan),
        "fifo" if !is_text(node, "true") && !is_text(node, "false") => {
            return plan.lose(place, format!("{}: fifo is true or false", queue.name));
        }
        // Read before; and what ElasticMQ's own file has besides.
        "fifo" | "created" | "lastModified" => return,
        "copyTo" | "moveTo" => {
            let what = if member == "copyTo" { "copied" } else { "moved" };
            let to = text_of(node).unwrap_or_default();
            let reason = format!("{}: {member} = {to}: messages are not {what} to other queues", queue.name);
            return plan.lose(place, reason);
        }
        other => return plan.lose(place, format!("{}: {other} is nothing known", queue.name)),
    };
    match text_of(node).map(seconds) {
        Some(Ok((seconds, is_rounded))) => {
            if is_rounded {
                plan.tell(place, format!("{}: {member} is rounded down to {seconds} s", queue.name));
            }
            queue.attributes.insert(attribute.to_owned(), seconds.to_string());
        }
        Some(Err(reason)) => plan.lose(place, format!("{}: {member}: {reason}", queue.name)),
        None => plan.lose(place, format!("{}: {member} is no time", queue.name)),
    }
}

fn text_of(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn read_dead_letters(queue: &mut Planned, node: &Node, plan: &mut Plan) {
    let Value::Object(members) = &node.value else {
        return plan.lose(&node.place, format!("{}: deadLettersQueue is no object", queue.name));
    };
    let member = |name: &str| find(members, &[name]).and_then(text_of);
    let count = member("maxReceiveCount").map(|count| count.trim().parse::<u64>());
    match (member("name"), count) {
        (Some(name), Some(Ok(max_receives))) => {
            queue.dead_letters = Some(DeadLettersTo { name: name.to_owned(), max_receives });
        }
        _ => plan.lose(
            &node.place,
            format!("{}: deadLettersQueue needs a name and a maxReceiveCount", queue.name),
        ),
    }
    for (name, node) in
        members.iter().filter(|(name, _)| !["name", "maxReceiveCount"].contains(&name.as_str()))
    {
        plan.lose(&node.place, format!("{}: deadLettersQueue.{name} is nothing known", queue.name));
    }
}

fn read_tags(queue: &mut Planned, node: &Node, plan: &mut Plan) {
    let Value::Object(tags) = &node.value else {
        return plan.lose(&node.place, format!("{}: tags is no object", queue.name));
    };
    for (key, value) in tags {
        match text_of(value) {
            Some(text) => {
                queue.tags.insert(key.clone(), text.to_owned());
            }
            None => plan.lose(&value.place, format!("{}: the tag {key} is no text", queue.name)),
        }
    }
}

/// Units of time as HOCON has them, in nanoseconds.
const UNITS: [(&[&str], f64); 7] = [
    (&["ns", "nano", "nanos", "nanosecond", "nanoseconds"], 1.0),
    (&["us", "micro", "micros", "microsecond", "microseconds"], 1e3),
    // A number alone is milliseconds.
    (&["", "ms", "milli", "millis", "millisecond", "milliseconds"], 1e6),
    (&["s", "second", "seconds"], 1e9),
    (&["m", "minute", "minutes"], 60e9),
    (&["h", "hour", "hours"], 3_600e9),
    (&["d", "day", "days"], 86_400e9),
];

/// Whole seconds of a time, and whether something was left over.
fn seconds(text: &str) -> Result<(u64, bool), String> {
    let text = text.trim();
    let split = text.find(|character: char| character.is_alphabetic()).unwrap_or(text.len());
    let wrong = || format!("{text} is no time such as 10 seconds");
    let count: f64 = text[..split].trim().parse().map_err(|_| wrong())?;
    let (_, each) =
        UNITS.iter().find(|(names, _)| names.contains(&text[split..].trim())).ok_or_else(wrong)?;
    let seconds = count * each / 1e9;
    if !(0.0..=1e12).contains(&seconds) {
        return Err(wrong());
    }
    Ok((seconds as u64, seconds.fract() > 0.0))
}

#[cfg(test)]
mod tests {
    use super::{read, seconds};
    use crate::import::hocon::Around;
    use crate::import::plan::Plan;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn plan(text: &str) -> Plan {
        let variables = BTreeMap::from([("DELAY".to_owned(), "7 seconds".to_owned())]);
        let around = Around { read: &|_| None, variables: &variables };
        let mut plan = read("elasticmq.conf", text, &around).unwrap();
        plan.complete();
        plan
    }

    const USUAL: &str = r#"
include classpath("application.conf")

// What is the outside visible address of this ElasticMQ node
node-address { protocol = http, host = localhost, port = 9324, context-path = "" }
rest-sqs { enabled = true, bind-port = 9324, bind-hostname = "0.0.0.0", sqs-limits = strict }
generate-node-address = false

queues {
  orders {
    defaultVisibilityTimeout = 10 seconds
    delay = 5 seconds
    delay = ${?DELAY}
    receiveMessageWait = 0 seconds
    deadLettersQueue { name = "orders-dead", maxReceiveCount = 3 }
    fifo = true
    contentBasedDeduplication = true
    copyTo = "audit"
    tags { team = "fulfil", level : 3 }
  }
  "dotted.name" { defaultVisibilityTimeout = 5500 }
}
aws { region = us-west-2, accountId = 000000000000 }
"#;

    #[test]
    fn a_usual_configuration() {
        let plan = plan(USUAL);
        let [orders, dotted, dead] = &plan.queues[..] else { panic!("{:?}", plan.queues) };
        assert_eq!(orders.name, "orders.fifo");
        assert_eq!(
            json!(orders.whole("arn:aws:sqs:r:1")),
            json!({
                "FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "10",
                "DelaySeconds": "7", "ReceiveMessageWaitTimeSeconds": "0",
                "RedrivePolicy": r#"{"deadLetterTargetArn":"arn:aws:sqs:r:1:orders-dead.fifo","maxReceiveCount":3}"#,
            })
        );
        assert_eq!(json!(orders.tags), json!({ "team": "fulfil", "level": "3" }));
        assert_eq!(
            (dotted.name.as_str(), dotted.attributes["VisibilityTimeout"].as_str()),
            ("dotted.name", "5")
        );
        assert_eq!(dead.name, "orders-dead.fifo");
        assert_eq!(
            (plan.region.as_deref(), plan.account.as_deref()),
            (Some("us-west-2"), Some("000000000000"))
        );
        let lost: Vec<_> = plan.notes.iter().filter(|note| note.is_loss).collect();
        assert_eq!(lost.len(), 1, "{lost:?}");
        assert_eq!((lost[0].place.line(), lost[0].text.contains("copyTo = audit")), (18, true));
    }

    #[test]
    fn the_file_in_which_elasticmq_keeps_its_queues() {
        let text = "queues {\n test {contentBasedDeduplication=false,deadLettersQueue{maxReceiveCount=4,name=dead},\
            defaultVisibilityTimeout=5000,delay=2000,fifo=false,receiveMessageWait=20000,tags{k=v},created=100,lastModified=200}\n\
             dead {}\n}";
        let plan = plan(text);
        assert_eq!(plan.notes, []);
        let queue = &plan.queues[0];
        assert_eq!(
            json!(queue.attributes),
            json!({ "VisibilityTimeout": "5", "DelaySeconds": "2", "ReceiveMessageWaitTimeSeconds": "20" })
        );
        assert_eq!(queue.dead_letters.as_ref().unwrap().max_receives, 4);
    }

    #[test]
    fn what_can_not_be_taken_over_is_named() {
        for (text, lost) in [
            ("queues { a { moveTo = b } }", "moveTo = b"),
            ("queues { a { delay = soon } }", "delay: soon is no time"),
            ("queues { a { delay = [1] } }", "delay is no time"),
            ("queues { a { dealy = 1 s } }", "dealy is nothing known"),
            ("queues { a { deadLettersQueue { name = b } } }", "needs a name and a maxReceiveCount"),
            ("queues { a { deadLettersQueue = b } }", "no object"),
            ("queues { a { tags = b } }", "tags is no object"),
            ("queues { a = 1 }", "a is no object"),
            ("queues = 1", "queues is no object"),
            ("queues { a.fifo { } }", "fifo"),
            ("queues { \"a.fifo\" { } }", "ends in .fifo"),
            ("queues { a { contentBasedDeduplication = true } }", "only FIFO"),
            ("rest-sqs.sqs-limits = relaxed", "relaxed"),
            ("aws.accountId = 12", "twelve digits"),
            ("something { }", "something is nothing known"),
        ] {
            let notes = plan(text).notes;
            assert!(notes.iter().any(|note| note.is_loss && note.text.contains(lost)), "{text}: {notes:?}");
        }
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("10 seconds", (10, false)),
            ("10s", (10, false)),
            ("5000", (5, false)),
            ("1500 ms", (1, true)),
            ("2 minutes", (120, false)),
            ("0.5 h", (1800, false)),
            ("4d", (345_600, false)),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for wrong in ["", "s", "-1 s", "1 fortnight", "1e300 d", "nan s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_configuration_is_too_strange(text in r#"(queues|a|delay|fifo|true|tags|deadLettersQueue|[ ={}\n",.\[\]]|5 s){0,40}"#) {
            let around = Around { read: &|_| None, variables: &BTreeMap::new() };
            let _ = read("f", &text, &around);
        }
    }
}
