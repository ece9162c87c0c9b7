//! Asking the service, and finding queues.

use crate::client::access::Surroundings;
use crate::client::{CallError, Caller, Request, Service, Target};
use crate::error::ToolError;
use crate::show::Screen;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many names are read to find those that are like one; more than that is not worth a hint.
const LOOKED_AT_FOR_A_HINT: usize = 1000;
/// From here on two names are alike.
const ALIKE: f64 = 0.84;
/// One has the other inside.
const INSIDE: f64 = 0.85;
/// They differ in nothing that matters.
const SAME: f64 = 2.0;

/// A service that is asked, and how answers are shown.
pub(crate) struct Session {
    pub(crate) caller: Caller,
    pub(crate) screen: Screen,
    pub(crate) as_json: bool,
}

/// A queue that is there, or that somebody says is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) url: String,
}

/// How a queue is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named<'a> {
    Name(&'a str),
    Url(&'a str),
    Arn { region: &'a str, account: &'a str, name: &'a str },
}

impl<'a> Named<'a> {
    fn read(text: &'a str) -> Result<Self, ToolError> {
        if text.contains("://") {
            return Ok(Self::Url(text));
        }
        let Some(rest) = text.strip_prefix("arn:") else { return Ok(Self::Name(text)) };
        match rest.split(':').collect::<Vec<_>>()[..] {
            [_, "sqs", region, account, name] => Ok(Self::Arn { region, account, name }),
            _ => Err(ToolError::Usage(format!("{text} is no queue's ARN"))),
        }
    }
}

impl Queue {
    /// The queue that a URL names by its last segment.
    pub(crate) fn at(url: &str) -> Self {
        let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or(url);
        Self { name: name.to_owned(), url: url.to_owned() }
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }
}

impl Session {
    /// A session with the server that is meant; queues' URLs say which if nothing else does, their ARNs the region.
    ///
    /// # Errors
    /// [`CallError::Usage`].
    pub(crate) fn open(mut target: Target, queues: &[String]) -> Result<Self, ToolError> {
        let mut url = None;
        for queue in queues {
            match Named::read(queue)? {
                Named::Arn { region, .. } => {
                    if target.region.as_deref().is_some_and(|said| said != region) {
                        let said = target.region.unwrap_or_default();
                        let reason = format!("{queue} is in another region than {said}");
                        return Err(ToolError::Usage(reason));
                    }
                    target.region = Some(region.to_owned());
                }
                Named::Url(found) => url = url.or(Some(found)),
                Named::Name(_) => {}
            }
        }
        let access = target.access(&Surroundings::of_process(), url)?;
        let caller = Caller::new(access, Service::Sqs)?;
        Ok(Self { caller, screen: Screen::output(), as_json: target.json })
    }

    /// Has the service do something.
    ///
    /// # Errors
    /// [`ToolError::Call`].
    pub(crate) fn call(&mut self, action: &'static str, input: Value) -> Result<Value, ToolError> {
        Ok(self.caller.call(action, input)?)
    }

    /// Has the service do something with a queue.
    ///
    /// # Errors
    /// [`ToolError`].
    pub(crate) fn call_on(
        &mut self,
        queue: &Queue,
        action: &'static str,
        mut input: Value,
    ) -> Result<Value, ToolError> {
        input["QueueUrl"] = json!(queue.url);
        match self.caller.call(action, input) {
            Err(error) if is_unknown_queue(&error) => Err(self.no_queue(&queue.name)),
            answer => Ok(answer?),
        }
    }

    /// Finds a queue. One that is named by its URL is taken to be there.
    ///
    /// # Errors
    /// [`ToolError::NoQueue`], with names like it.
    pub(crate) fn queue(&mut self, text: &str) -> Result<Queue, ToolError> {
        let input = match Named::read(text)? {
            Named::Url(url) => return Ok(Queue::at(url)),
            Named::Name(name) => json!({ "QueueName": name }),
            Named::Arn { account, name, .. } => {
                json!({ "QueueName": name, "QueueOwnerAWSAccountId": account })
            }
        };
        match self.caller.call("GetQueueUrl", input) {
            Ok(answer) => Ok(Queue::at(text_of(&answer, "QueueUrl"))),
            Err(error) if is_unknown_queue(&error) => Err(self.no_queue(text)),
            Err(error) => Err(error.into()),
        }
    }

    /// A queue's attributes, as the service has them.
    ///
    /// # Errors
    /// [`ToolError`].
    pub(crate) fn attributes(
        &mut self,
        queue: &Queue,
        names: &[&str],
    ) -> Result<BTreeMap<String, String>, ToolError> {
        let answer = self.call_on(queue, "GetQueueAttributes", json!({ "AttributeNames": names }))?;
        Ok(texts(&answer["Attributes"]))
    }

    /// A queue's ARN.
    ///
    /// # Errors
    /// [`ToolError`].
    pub(crate) fn arn(&mut self, queue: &Queue) -> Result<String, ToolError> {
        let mut attributes = self.attributes(queue, &["QueueArn"])?;
        let missing = || ToolError::Partly(format!("the server does not tell the ARN of {}", queue.name));
        attributes.remove("QueueArn").ok_or_else(missing)
    }

    /// All queues whose names begin so, in the order of the service.
    ///
    /// # Errors
    /// [`ToolError`].
    pub(crate) fn queues(&mut self, prefix: Option<&str>) -> Result<Vec<Queue>, ToolError> {
        let (mut queues, mut token) = (Vec::new(), Value::Null);
        loop {
            let input = json!({ "QueueNamePrefix": prefix, "MaxResults": 1000, "NextToken": token });
            let mut page = self.call("ListQueues", input)?;
            queues.extend(items(&page["QueueUrls"]).filter_map(Value::as_str).map(Queue::at));
            token = page["NextToken"].take();
            if token.is_null() {
                return Ok(queues);
            }
        }
    }

    /// The attributes of many queues, each `None` where the queue is gone meanwhile or may not be looked at.
    ///
    /// # Errors
    /// Nobody answers.
    pub(crate) fn attributes_of(
        &mut self,
        queues: &[Queue],
        names: &[&str],
    ) -> Result<Vec<Option<BTreeMap<String, String>>>, ToolError> {
        let ask = |queue: &Queue| {
            let input = json!({ "QueueUrl": queue.url, "AttributeNames": names });
            Request::new("GetQueueAttributes", input)
        };
        let answers = self.caller.ask_all(queues.iter().map(ask).collect())?;
        Ok(answers.into_iter().map(|answer| Some(texts(&answer.ok()?["Attributes"]))).collect())
    }

    /// What to say of a queue that is not there.
    pub(crate) fn no_queue(&mut self, name: &str) -> ToolError {
        let (endpoint, region) = (self.caller.url().to_owned(), self.caller.region().to_owned());
        let input = json!({ "MaxResults": LOOKED_AT_FOR_A_HINT });
        // Who may not list queues gets no hint.
        let listed = self.caller.call("ListQueues", input).unwrap_or_default();
        let names: Vec<_> = items(&listed["QueueUrls"]).filter_map(Value::as_str).map(Queue::at).collect();
        let wanted = Named::read(name).map_or(name, |named| match named {
            Named::Arn { name, .. } | Named::Name(name) => name,
            Named::Url(url) => url.rsplit('/').next().unwrap_or(url),
        });
        let alike = alike(wanted, names.iter().map(|queue| queue.name.as_str()));
        let hint = match (&alike[..], names.len()) {
            ([], 0) => "; there is none at all".to_owned(),
            ([], _) => String::new(),
            (alike, _) => format!("\nDid you mean {}?", alike.join(" or ")),
        };
        ToolError::NoQueue { name: name.to_owned(), endpoint, region, hint }
    }
}

/// Up to three names like one, the best first.
fn alike<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let stem = |name: &str| name.strip_suffix(".fifo").unwrap_or(name).to_lowercase();
    let wanted = stem(wanted);
    let score = |name: &str| match stem(name) {
        name if name == wanted => SAME,
        name => {
            let is_inside =
                name.len() > 2 && wanted.len() > 2 && (name.contains(&wanted) || wanted.contains(&name));
            strsim::jaro_winkler(&name, &wanted).max(if is_inside { INSIDE } else { 0.0 })
        }
    };
    let mut scored: Vec<_> =
        names.map(|name| (score(name), name)).filter(|(score, _)| *score > ALIKE).collect();
    scored.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
    // But for the suffix or the case it is the very name.
    if scored.first().is_some_and(|(score, _)| *score >= SAME) {
        scored.retain(|(score, _)| *score >= SAME);
    }
    scored.into_iter().map(|(_, name)| name).take(3).collect()
}

/// Whether a refusal says that there is no such queue: in JSON's words, or in those of older services.
pub(crate) fn is_unknown_queue(error: &CallError) -> bool {
    error.code().is_some_and(|code| code == "QueueDoesNotExist" || code.ends_with("NonExistentQueue"))
}

/// A member's text; empty where there is none.
pub(crate) fn text_of<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// The items of a list.
pub(crate) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The members of an object that are texts.
pub(crate) fn texts(object: &Value) -> BTreeMap<String, String> {
    let members = object.as_object().into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Named, Queue, alike};

    #[test]
    fn queues_are_named_in_three_ways() {
        assert_eq!(Named::read("jobs").unwrap(), Named::Name("jobs"));
        assert_eq!(Named::read("http://h/0/jobs").unwrap(), Named::Url("http://h/0/jobs"));
        assert_eq!(
            Named::read("arn:aws:sqs:eu-west-1:123456789012:jobs").unwrap(),
            Named::Arn { region: "eu-west-1", account: "123456789012", name: "jobs" }
        );
        for wrong in ["arn:aws:sns:r:1:topic", "arn:aws:sqs:r:1", "arn:"] {
            assert!(Named::read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Queue::at("http://h/0/jobs.fifo/").name, "jobs.fifo");
    }

    #[test]
    fn names_like_one_are_found() {
        let names = ["orders.fifo", "orders-dead", "order", "mails", "payments"];
        let like = |wanted| alike(wanted, names.into_iter());
        assert_eq!(like("orders"), ["orders.fifo"]);
        assert_eq!(like("order-dead"), ["orders-dead", "order", "orders.fifo"]);
        assert_eq!(like("payment"), ["payments"]);
        assert_eq!(like("mial"), ["mails"]);
        assert!(like("zebra").is_empty());
    }
}
