//! Policies: reading and deciding by them, a queue's through AddPermission, and the two JSON attributes of dead-letter
//! queues through the engine.
use bongsu_engine::{BodyRef, Command, Engine, Entropy, Log, Moment, Options, QueueName, Record};
use bongsu_policy::{
    Context, Decision, Denial, Document, Kind, Limits, Principal, Request, Value, Values, evaluate,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// A request that has every key that is asked for, with a value of a kind that the key's length picks.
struct Everything;

impl Context for Everything {
    fn values(&self, key: &str) -> Values<'_> {
        match key.len() % 8 {
            0 => Values::Absent,
            1 => Values::One(Value::Address(IpAddr::V4(Ipv4Addr::new(10, 52, 176, 9)))),
            2 => Values::One(Value::Instant { unix_ms: 1_246_363_199_000 }),
            3 => Values::One(Value::Bool(true)),
            4 => Values::One(Value::Integer(-3)),
            5 => Values::One(Value::Bytes(b"bytes")),
            6 => Values::Several(vec![Value::from("a"), Value::from("")]),
            _ => Values::One(Value::from("arn:aws:sns:us-east-1:000000000000:topic")),
        }
    }
}

/// Reads a text as a policy of either kind and decides by it: what was read must have an answer for everyone, the same
/// one each time, and one that knows who decided.
fn decide(text: &str) {
    let tags = BTreeMap::from([("team".to_owned(), "work".to_owned())]);
    let user = Principal::User {
        account: "000000000000",
        name: "n",
        arn: "arn:aws:iam::000000000000:user/n",
        id: "I",
        tags: &tags,
    };
    let callers = [
        Principal::Anonymous,
        Principal::Root { account: "000000000000" },
        Principal::Root { account: "123456789012" },
        user,
        Principal::Service { name: "sns.amazonaws.com" },
    ];
    let identity = Document::parse(text, Kind::Identity, &Limits::IDENTITY);
    let resource = Document::parse(text, Kind::Resource, &Limits::QUEUE);
    for error in [identity.as_ref().err(), resource.as_ref().err()].into_iter().flatten() {
        assert!(!error.to_string().is_empty());
    }
    for principal in callers {
        let request = Request {
            action: "sqs:SendMessage",
            resource: "arn:aws:sqs:us-east-1:000000000000:work",
            resource_account: "000000000000",
            principal,
            cross_account: true,
            context: &Everything,
        };
        let decide = || evaluate(&request, identity.iter().map(|own| ("own", own)), resource.as_ref().ok());
        let decision = decide();
        assert_eq!(decision, decide());
        if let Decision::Denied(Denial::Explicit { by }) = decision {
            let within = if by.policy == bongsu_policy::PolicyRef::Resource { &resource } else { &identity };
            assert!(by.index < within.as_ref().map_or(0, Document::statement_count), "{decision}");
        }
        let nothing = identity.is_err() && resource.is_err();
        let root = matches!(principal, Principal::Root { account: "000000000000" });
        assert!(!nothing || decision.is_allowed() == root, "{decision}");
    }
}

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
    // The first line may be a label, for AddPermission.
    decide(text.split_once('\n').map_or(text, |(_, policy)| policy));
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
