//! Requests as the tests write them, and asking both evaluators.

use crate::naive;
use bongsu_policy::{
    Context, Decision, Denial, Document, Kind, Limits, Principal, Request, Value, Values, evaluate,
};
use std::collections::BTreeMap;

/// A request that owns what it is made of.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) caller: Caller,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) owner: String,
    pub(crate) cross_account: bool,
    /// Keys in lower case.
    pub(crate) context: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Caller {
    Anonymous,
    Root(&'static str),
    User { account: &'static str, name: &'static str, arn: &'static str, id: &'static str },
    Service(&'static str),
}

pub(crate) const ALICE: Caller = Caller::User {
    account: "111111111111",
    name: "alice",
    arn: "arn:aws:iam::111111111111:user/alice",
    id: "AIDAALICE",
};
pub(crate) const CAROL: Caller = Caller::User {
    account: "111111111111",
    name: "carol",
    arn: "arn:aws:iam::111111111111:user/carol",
    id: "AIDACAROL",
};
pub(crate) const BOB: Caller = Caller::User {
    account: "222222222222",
    name: "bob",
    arn: "arn:aws:iam::222222222222:user/team/bob",
    id: "AIDABOB",
};

/// Alice and Bob have tags, Carol has none.
pub(crate) fn tags(caller: &Caller) -> BTreeMap<String, String> {
    let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    if *caller == ALICE {
        BTreeMap::from([tag("Team", "orders"), tag("stars", "a*")])
    } else if *caller == BOB {
        BTreeMap::from([tag("Team", "billing")])
    } else {
        BTreeMap::new()
    }
}

pub(crate) fn queue(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:111111111111:{name}")
}

impl Ask {
    /// `alice SendMessage orders aws:SourceIp=10.0.0.1`: caller, action, queue, keys. An underscore stands for a space
    /// in a value; `only-owner` says that the action can't be granted to other accounts.
    pub(crate) fn read(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let caller = match words.next().unwrap() {
            "anonymous" => Caller::Anonymous,
            "root" => Caller::Root("111111111111"),
            "root2" => Caller::Root("222222222222"),
            "alice" => ALICE,
            "carol" => CAROL,
            "bob" => BOB,
            "sns" => Caller::Service("sns.amazonaws.com"),
            other => panic!("{other}: nobody"),
        };
        let action = words.next().unwrap();
        let action = if action.contains(':') { action.to_owned() } else { format!("sqs:{action}") };
        let resource = words.next().unwrap();
        let resource =
            if resource == "*" || resource.contains(':') { resource.to_owned() } else { queue(resource) };
        let mut ask = Self {
            caller,
            action,
            resource,
            owner: "111111111111".to_owned(),
            cross_account: true,
            context: BTreeMap::new(),
        };
        for word in words {
            match word.split_once('=') {
                None => ask.cross_account = word != "only-owner",
                Some((key, value)) => {
                    ask.context.entry(key.to_lowercase()).or_default().push(value.replace('_', " "));
                }
            }
        }
        ask
    }
}

/// The same context with values of their kinds: what a server hands over.
struct Typed<'a>(&'a BTreeMap<String, Vec<String>>);

impl Context for Typed<'_> {
    fn values(&self, key: &str) -> Values<'_> {
        let typed = |text: &'_ String| -> Value<'_> {
            let text = text.as_str();
            match key {
                "aws:sourceip" => match text.parse::<std::net::IpAddr>() {
                    // An address that is written otherwise than its kind is, is another text.
                    Ok(address) if address.to_canonical().to_string() == text => Value::Address(address),
                    _ => Value::Text(text.to_owned().into()),
                },
                "aws:securetransport" if text == "true" || text == "false" => Value::Bool(text == "true"),
                "aws:epochtime" | "size" => text
                    .parse()
                    .ok()
                    .filter(|number: &i64| number.to_string() == text)
                    .map_or_else(|| Value::Text(text.to_owned().into()), Value::Integer),
                // The one instant that is written in full where a kind is needed.
                "aws:currenttime" if text == "2009-06-30T11:59:59Z" => {
                    Value::Instant { unix_ms: 1_246_363_199_000 }
                }
                _ => Value::Text(text.to_owned().into()),
            }
        };
        match self.0.get(key).map(Vec::as_slice) {
            None | Some([]) => Values::Absent,
            Some([one]) => Values::One(typed(one)),
            Some(several) => Values::Several(several.iter().map(typed).collect()),
        }
    }
}

/// What a policy's text is, whole or as statements of Version 2012-10-17.
pub(crate) fn whole(text: &str) -> String {
    if text.trim_start().starts_with("{\"Version\"") || text.trim_start().starts_with("{\"Statement\"") {
        text.to_owned()
    } else {
        format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{text}]}}")
    }
}

pub(crate) fn parse(text: &str, kind: Kind) -> Document {
    let limits = Limits { bytes: usize::MAX, statements: 1000, principals: 1000, conditions: 1000 };
    Document::parse(text, kind, &limits).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A policy on either side of the decision, read.
pub(crate) struct Policies {
    identity: Vec<(String, Document)>,
    resource: Option<Document>,
    texts: (Vec<String>, Option<String>),
}

impl Policies {
    /// Identity policies are called `p1`, `p2`, …
    pub(crate) fn new(identity: &[String], resource: Option<&str>) -> Self {
        let named =
            |(index, text): (usize, &String)| (format!("p{}", index + 1), parse(text, Kind::Identity));
        Self {
            identity: identity.iter().enumerate().map(named).collect(),
            resource: resource.map(|text| parse(text, Kind::Resource)),
            texts: (identity.to_vec(), resource.map(str::to_owned)),
        }
    }

    /// Decides with text and with typed values, which must not differ.
    pub(crate) fn decide(&self, ask: &Ask) -> Decision<'_> {
        let by_text = self.decide_in(ask, &ask.context);
        assert_eq!(by_text, self.decide_in(ask, &Typed(&ask.context)), "{ask:?} with typed values");
        by_text
    }

    fn decide_in(&self, ask: &Ask, context: &dyn Context) -> Decision<'_> {
        let tags = tags(&ask.caller);
        let principal = match &ask.caller {
            Caller::Anonymous => Principal::Anonymous,
            Caller::Root(account) => Principal::Root { account },
            Caller::User { account, name, arn, id } => {
                Principal::User { account, name, arn, id, tags: &tags }
            }
            Caller::Service(name) => Principal::Service { name },
        };
        let request = Request {
            action: &ask.action,
            resource: &ask.resource,
            resource_account: &ask.owner,
            principal,
            cross_account: ask.cross_account,
            context,
        };
        let identity = self.identity.iter().map(|(name, document)| (name.as_str(), document));
        evaluate(&request, identity, self.resource.as_ref())
    }

    /// What the second evaluator says.
    pub(crate) fn decide_naively(&self, ask: &Ask) -> naive::Verdict {
        let value = |text: &String| serde_json::from_str(text).unwrap();
        let identity: Vec<serde_json::Value> = self.texts.0.iter().map(value).collect();
        naive::judge(ask, &identity, self.texts.1.as_ref().map(value).as_ref())
    }
}

pub(crate) fn verdict(decision: Decision<'_>) -> naive::Verdict {
    match decision {
        Decision::Allowed { .. } => naive::Verdict::Allowed,
        Decision::Denied(Denial::Explicit { .. }) => naive::Verdict::Forbidden,
        Decision::Denied(Denial::Implicit(_)) => naive::Verdict::NotAllowed,
    }
}
