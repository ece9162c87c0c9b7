//! One request stopped all service: its record was larger than an entry of the journal, which refused it, and a refused entry
//! is a failed partition. So: whatever a command says, and however full the open batch is, no entry outgrows the journal.

use super::*;
use bongsu_engine::{Act, DocumentChange, Expected, TaskId, Which};

const MAX_PAYLOAD_BYTES: u32 = 4 << 20;
/// The longest texts that the engine takes, or that reach it through the server: tags of 128 and 256 characters.
const TEXT_BYTES: usize = 8_192;
const TAG_KEY_BYTES: usize = 4 * 128;
const TAG_VALUE_BYTES: usize = 4 * 256;
const TAGS: usize = 50;

fn house() -> House {
    let journal =
        MemoryJournal::new(MemoryOptions { segment_bytes: 16 << 20, max_payload_bytes: MAX_PAYLOAD_BYTES });
    let mut house = House::over(journal, options(u64::MAX), 1_000_000);
    house.settle();
    for name in ["dead", "work", "gone"] {
        let (name, attributes) = (named(name), StringMap::new());
        house.ask(Command::CreateQueue { name, attributes, tags: StringMap::new() }).unwrap();
    }
    house.ask(Command::SetAttributes { name: queue(), attributes: attributes() }).unwrap();
    house.ask(Command::TagQueue { name: queue(), tags: tags(0) }).unwrap();
    house
}

fn named(name: &str) -> QueueName {
    QueueName::new("000000000000", "us-east-1", name)
}

fn longest_name(number: u64) -> QueueName {
    QueueName::new("000000000000", "r".repeat(64), format!("{number:080}"))
}

fn padded(text: String) -> String {
    let padding = " ".repeat(TEXT_BYTES - text.len());
    text + &padding
}

fn attributes() -> StringMap {
    let redrive = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1000}}"#, named("dead").arn());
    let allow = r#"{"redrivePermission":"allowAll"}"#.to_owned();
    let key = "k".repeat(2_048);
    [("Policy", "{}".to_owned()), ("RedrivePolicy", redrive), ("RedriveAllowPolicy", allow)]
        .map(|(name, text)| (name.to_owned(), padded(text)))
        .into_iter()
        .chain([("KmsMasterKeyId".to_owned(), key)])
        .collect()
}

/// Attributes for a queue of another region, which has no dead-letter queue there.
fn attributes_without_redrive() -> StringMap {
    let mut attributes = attributes();
    attributes.remove("RedrivePolicy");
    attributes
}

fn tags(from: usize) -> StringMap {
    let tag = |number: usize| (format!("{number:0TAG_KEY_BYTES$}"), "v".repeat(TAG_VALUE_BYTES));
    (from..from + TAGS).map(tag).collect()
}

fn batch(bytes: usize) -> Command {
    let group = Some("g".repeat(128));
    let messages =
        (0..10).map(|number| Outgoing { group: group.clone(), ..outgoing(number, bytes / 10 + 2_000) });
    Command::Send { name: queue(), messages: messages.collect() }
}

fn documents(count: usize, bytes: usize) -> Command {
    let change = |number: usize| DocumentChange {
        collection: "c".repeat(100),
        name: format!("{number:0100}"),
        expected: Expected::Any,
        body: Some(vec![7; bytes].into()),
    };
    Command::ChangeDocuments { changes: (0..count).map(change).collect() }
}

/// Every command, with the largest values that there are; for new queues a number that is not used yet.
fn commands(house: &mut House, number: u64) -> Vec<Command> {
    let receipts: Vec<Receipt> = house.receive_now().into_iter().map(|(_, receipt)| receipt).collect();
    let changes = receipts.iter().map(|receipt| (*receipt, 43_200_000)).collect();
    let Reply::Description(described) = house.ask(Command::Describe(queue())).unwrap() else { panic!() };
    let (expected_version, source) = (described.policy_version, named("dead"));
    let name = queue();
    vec![
        Command::CreateQueue {
            name: longest_name(number),
            attributes: attributes_without_redrive(),
            tags: tags(0),
        },
        Command::SetAttributes { name: name.clone(), attributes: attributes() },
        Command::SetPolicy { name: name.clone(), expected_version, policy: Some(padded("{}".into())) },
        Command::TagQueue { name: name.clone(), tags: tags(0) },
        Command::UntagQueue { name: name.clone(), keys: vec![tags(0).into_keys().next().unwrap()] },
        Command::PurgeQueue(named("gone")),
        Command::DeleteQueue(longest_name(number)),
        batch(1 << 20),
        receive(0),
        Command::Delete { name: name.clone(), receipts: receipts.clone() },
        Command::ChangeVisibility { name: name.clone(), changes },
        Command::StartMoveTask { source: source.clone(), destination: Some(queue()), max_per_second: None },
        Command::CancelMoveTask(TaskId { source: described.id, number: 1, nonce: 1 }),
        Command::Describe(name.clone()),
        Command::ListQueues {
            account: "000000000000".into(),
            region: "us-east-1".into(),
            prefix: String::new(),
            after: None,
            limit: 1_000,
        },
        Command::ListSources { name: source.clone(), after: None, limit: 1_000 },
        Command::ListMoveTasks { source, limit: 10 },
        Command::Peek { name: name.clone(), which: Which::first(10) },
        Command::Survey { after: None, limit: 10 },
        Command::Operate { name, messages: vec![(QueueId(1), 1); 100], act: Act::Move { to: None } },
        documents(20, 65_000),
        documents(100, 20_000),
        Command::ListDocuments { collection: None, after: None, limit: 1_000 },
    ]
}

impl House {
    /// Has the open batch hold as many bytes as this, as well as messages can: an append that is under way keeps it open.
    fn fill(&mut self, bytes: usize) {
        self.call(send(0, 8));
        while self.partition.open.batch.len() + 200 < bytes {
            let left = bytes - self.partition.open.batch.len() - 100;
            let before = self.partition.open.batch.len();
            self.call(send(1, left.min(900_000)));
            if self.partition.open.batch.len() == before {
                // As full as it gets: the message waits for the next.
                return;
            }
        }
    }

    fn check(&mut self, what: &str) {
        self.settle();
        assert_eq!(self.partition.failure(), None, "{what}");
    }
}

#[test]
fn no_command_outgrows_an_entry_however_full_the_open_batch_is() {
    let mut house = house();
    let reserved = StepSizes::default().records_bytes;
    let most = MAX_PAYLOAD_BYTES as usize - reserved;
    let around =
        |middle: usize| [middle.saturating_sub(300), middle.saturating_sub(20), middle, middle + 150];
    let mut fills: Vec<usize> = (0..=most).step_by(600_000).collect();
    // Where the commands' own sizes begin not to fit, and where nothing does.
    for size in [0, 27_000, 110_000, 1 << 20, 1_310_000] {
        fills.extend(around(most - size));
    }
    for (number, fill) in fills.into_iter().enumerate() {
        let count = commands(&mut house, number as u64).len();
        for index in 0..count {
            let command = commands(&mut house, (number * count + index) as u64).swap_remove(index);
            let what = format!("{} at {fill}", format!("{command:?}").split(' ').next().unwrap_or_default());
            house.fill(fill);
            house.call(command);
            house.check(&what);
        }
        house.partition.set_room(u64::MAX);
        house.now_ms += 61_000;
        house.ask(Command::PurgeQueue(queue())).unwrap();
    }
}

#[test]
fn all_commands_at_once_share_entries_and_outgrow_none() {
    let mut house = house();
    for round in 0..3 {
        house.fill(3 << 20);
        for command in commands(&mut house, round).into_iter().cycle().take(200) {
            house.call(command);
        }
        house.check("all");
    }
}

/// The engine's own bound on attributes is not the only one: a store may hold a longer text from before there was any.
#[test]
fn what_can_never_fit_is_refused_and_nobody_else_is() {
    let mut house = house();
    let long = |count: usize| -> StringMap {
        (0..count).map(|number| (format!("{number}"), "v".repeat(100_000))).collect()
    };
    for count in [40, 45] {
        let command = Command::TagQueue { name: named("gone"), tags: long(count) };
        let refused = house.ask(command);
        assert!(matches!(refused, Err(CallError::Engine(EngineError::Throttled(_)))), "{refused:?}");
        let command =
            Command::CreateQueue { name: named("new"), attributes: StringMap::new(), tags: long(count) };
        let refused = house.ask(command);
        assert!(matches!(refused, Err(CallError::Engine(EngineError::Throttled(_)))), "{refused:?}");
    }
    // Three megabytes go well into an entry, but not into the one that holds two already.
    house.fill(2 << 20);
    let tagged = house.call(Command::TagQueue { name: named("gone"), tags: long(30) });
    house.check("a large command beside others");
    assert!(matches!(house.replies[&tagged], Ok(Reply::Done)));
    // What is there already is written again with each change: it counts too.
    let more = tags(50).into_keys().map(|key| (key, "v".repeat(50_000))).take(15).collect::<StringMap>();
    let refused = house.ask(Command::TagQueue { name: named("gone"), tags: more });
    assert!(matches!(refused, Err(CallError::Engine(EngineError::Throttled(_)))), "{refused:?}");
    // One that takes the place of another of the same size does not add to it, so that there is a way back.
    let smaller: StringMap = long(30).into_keys().map(|key| (key, "v".to_owned())).collect();
    house.ask(Command::TagQueue { name: named("gone"), tags: smaller }).unwrap();
    house.ask(send(1, 100)).unwrap();
    house.check("afterwards");
}

/// Each of many move tasks moved its hundred messages in the same step, into the same entry.
#[test]
fn many_move_tasks_take_turns_where_an_entry_has_no_space_for_all() {
    let mut house = house();
    let tasks = 300;
    for number in 0..tasks {
        let dead = named(&format!("dead{number}"));
        let (attributes, tags) = (StringMap::new(), StringMap::new());
        house.ask(Command::CreateQueue { name: dead.clone(), attributes, tags }).unwrap();
        let redrive = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#, dead.arn());
        let name = named(&format!("source{number}"));
        let attributes = StringMap::from([("RedrivePolicy".to_owned(), redrive)]);
        house.ask(Command::CreateQueue { name, attributes, tags: StringMap::new() }).unwrap();
        for _ in 0..10 {
            let group = Some("g".repeat(128));
            let messages =
                (0..10).map(|number| Outgoing { group: group.clone(), ..outgoing(number, 8) }).collect();
            house.call(Command::Send { name: dead.clone(), messages });
        }
        house.settle();
        let destination = Some(queue());
        house.ask(Command::StartMoveTask { source: dead, destination, max_per_second: None }).unwrap();
    }
    house.pass(1_000);
    assert_eq!(house.partition.failure(), None);
    let moved = house.counts().0;
    assert!((1..tasks * 100).contains(&moved), "{moved} messages are as many as an entry holds");
    (0..10).for_each(|_| house.pass(1_000));
    assert_eq!(house.counts().0, tasks * 100, "all had their turn");
}
