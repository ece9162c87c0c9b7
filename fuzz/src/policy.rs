//! Queue policies, and the two JSON attributes of dead-letter queues through the engine.
use bongsu_engine::{BodyRef, Command, Engine, Entropy, Log, Moment, Options, QueueName, Record};

/// Takes records down without keeping them.
struct Nowhere;

impl Log for Nowhere {
    fn write(&mut self, _: &Record, body: &[u8]) -> BodyRef {
        BodyRef { position: 1, len: u32::try_from(body.len()).unwrap_or(u32::MAX) }
    }
}

/// One run of the target.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    bongsu_server::fuzzing::queue_policy(text);
    let at = Moment { now_ms: 1_000, wall_ms: 1_000, expire: true };
    let mut engine = Engine::new(Options::default());
    let named = |name: &str| QueueName::new("000000000000", "us-east-1", name);
    let mut decide = |command| engine.decide(at, Entropy(1), command, &mut Nowhere);
    for name in ["dead", "work"] {
        let command = Command::CreateQueue {
            name: named(name),
            attributes: Default::default(),
            tags: Default::default(),
        };
        decide(command).expect("a new queue");
    }
    for attribute in ["RedrivePolicy", "RedriveAllowPolicy", "Policy"] {
        let attributes = [(attribute.to_owned(), text.to_owned())].into();
        let set = decide(Command::SetAttributes { name: named("work"), attributes });
        let described = decide(Command::Describe(named("work"))).expect("it is there");
        let bongsu_engine::Reply::Description(found) = described else { panic!("a description") };
        // An empty text takes the attribute away.
        if set.is_ok() && !text.is_empty() {
            assert!(found.attributes.contains_key(attribute), "{attribute} was taken and is not there");
        }
    }
}
