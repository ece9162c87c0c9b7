//! `bongsu queue browse`: looking at messages without receiving them.

use super::message::{Detail, shown};
use super::session::{Queue, Session, items, text_of};
use crate::client::CallError;
use crate::client::date::unix_time;
use crate::error::ToolError;
use crate::show::{Ink, Screen};
use clap::Args;
use serde_json::{Map, Value, json};

/// The page where Bongsu and LocalStack show messages.
const PAGE: &str = "/_aws/sqs/messages";
/// What services without that page say of a GET that names no action.
const NO_PAGE: [&str; 4] = ["UnknownOperationException", "InvalidAction", "MissingAction", "NotFound"];

/// Look at messages without touching them: nothing is hidden, nothing counted
#[derive(Args, Clone, Debug)]
pub(super) struct Browse {
    /// Name, URL or ARN
    #[arg(value_name = "QUEUE")]
    pub(super) queue: String,
    /// So many messages at most
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max: u64,
    /// Those too that somebody has received and not deleted
    #[arg(long)]
    in_flight: bool,
    /// Those too that are held back
    #[arg(long)]
    delayed: bool,
    /// Both
    #[arg(long, short)]
    all: bool,
    /// Only messages with this text in body, attributes or group
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Bodies only, as they are, one a line
    #[arg(long, conflicts_with_all = ["target-json", "full"])]
    raw: bool,
    /// Long bodies whole
    #[arg(long)]
    full: bool,
}

impl Browse {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        let queue = session.queue(&self.queue)?;
        let all = self.look(session, &queue)?;
        let found: Vec<_> = all.iter().filter(|message| self.is_wanted(message)).collect();
        let cut = found.len().min(usize::try_from(self.max).unwrap_or(usize::MAX));
        if session.as_json {
            return session.screen.json(&json!({ "Messages": found[..cut] }));
        }
        let detail = match (self.raw, self.full) {
            (true, _) => Detail::Raw,
            (false, true) => Detail::Full,
            (false, false) => Detail::Usual,
        };
        let now_ms = unix_time().as_millis() as u64;
        for message in &found[..cut] {
            let state = state(session.screen, message);
            session.screen.print(&shown(session.screen, message, &state, detail, now_ms))?;
        }
        if found.is_empty() {
            Screen::errors().note("no such message");
        } else if cut < found.len() {
            Screen::errors().note(&format!(
                "{} of {} messages that were looked at (-n shows more)",
                cut,
                all.len()
            ));
        }
        Ok(())
    }

    fn look(&self, session: &mut Session, queue: &Queue) -> Result<Vec<Value>, ToolError> {
        let mut parameters = vec![("QueueUrl", queue.url.as_str())];
        for (name, is_on) in
            [("ShowDelayed", self.delayed || self.all), ("ShowInvisible", self.in_flight || self.all)]
        {
            parameters.extend(is_on.then_some((name, "true")));
        }
        match session.caller.get(PAGE, &parameters) {
            Ok(page) => {
                let found = &page["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"];
                Ok(one_or_many(found).map(in_usual_form).collect())
            }
            Err(error) if super::session::is_unknown_queue(&error) => Err(session.no_queue(&queue.name)),
            Err(CallError::Stranger { .. }) => Err(no_page(session)),
            Err(error) if NO_PAGE.iter().any(|code| error.code() == Some(code)) => Err(no_page(session)),
            Err(error) => Err(error.into()),
        }
    }

    fn is_wanted(&self, message: &Value) -> bool {
        let Some(text) = &self.search else { return true };
        let mut texts = vec![text_of(message, "Body"), text_of(message, "MessageId")];
        texts.push(text_of(&message["Attributes"], "MessageGroupId"));
        for (name, value) in message["MessageAttributes"].as_object().into_iter().flatten() {
            texts.extend([name.as_str(), text_of(value, "StringValue")]);
        }
        texts.iter().any(|found| found.contains(text.as_str()))
    }
}

fn no_page(session: &Session) -> ToolError {
    ToolError::Partly(format!(
        "{} can't show messages without receiving them; `bongsu queue receive` would hide them from others for a while",
        session.caller.url()
    ))
}

/// In the page's JSON one is itself, and several are a list.
fn one_or_many(value: &Value) -> impl Iterator<Item = &Value> {
    let one = (!value.is_null() && !value.is_array()).then_some(value);
    items(value).chain(one)
}

/// A message as ReceiveMessage has it: the page's JSON follows XML, and has lists of names and values.
fn in_usual_form(message: &Value) -> Value {
    let named = |list: &Value| -> Map<String, Value> {
        let name = |item: &Value| text_of(item, "Name").to_owned();
        one_or_many(list).map(|item| (name(item), item["Value"].clone())).collect()
    };
    let mut usual = json!({
        "MessageId": message["MessageId"],
        "MD5OfBody": message["MD5OfBody"],
        "Body": message["Body"],
        "Attributes": named(&message["Attribute"]),
    });
    let attributes = named(&message["MessageAttribute"]);
    if !attributes.is_empty() {
        usual["MD5OfMessageAttributes"] = message["MD5OfMessageAttributes"].clone();
        usual["MessageAttributes"] = Value::Object(attributes);
    }
    usual
}

fn state(screen: Screen, message: &Value) -> String {
    let is = |name: &str, otherwise: bool| match text_of(&message["Attributes"], name) {
        "" => otherwise,
        value => value == "true",
    };
    // LocalStack says it only where others than visible messages are asked for.
    match (is("IsVisible", true), is("IsDelayed", false)) {
        (true, _) => screen.paint(Ink::Good, "visible  "),
        (false, true) => screen.paint(Ink::Moving, "delayed  "),
        (false, false) => screen.paint(Ink::Moving, "in flight"),
    }
}

#[cfg(test)]
mod tests {
    use super::in_usual_form;
    use serde_json::json;

    #[test]
    fn the_page_is_read_in_both_of_its_forms() {
        let one = json!({ "MessageId": "1", "Body": "b", "MD5OfBody": "m", "Attribute": { "Name": "SenderId", "Value": "0" } });
        assert_eq!(
            in_usual_form(&one),
            json!({ "MessageId": "1", "Body": "b", "MD5OfBody": "m", "Attributes": { "SenderId": "0" } })
        );
        let value = json!({ "DataType": "String", "StringValue": "v" });
        let many = json!({
            "MessageId": "1", "Body": "b", "MD5OfBody": "m", "MD5OfMessageAttributes": "a",
            "Attribute": [{ "Name": "SenderId", "Value": "0" }, { "Name": "IsVisible", "Value": "true" }],
            "MessageAttribute": { "Name": "n", "Value": value },
        });
        let usual = in_usual_form(&many);
        assert_eq!(usual["Attributes"], json!({ "SenderId": "0", "IsVisible": "true" }));
        assert_eq!(usual["MessageAttributes"], json!({ "n": value }));
    }
}
