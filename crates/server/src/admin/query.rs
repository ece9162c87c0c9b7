//! IAM's own encoding of the same actions: forms in, XML out, so that `aws iam create-user` and IAM clients work.

use crate::beside::Refused;
use crate::call::Call;
use hyper::StatusCode;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The only version that IAM ever had.
const VERSION: &str = "2010-05-08";
const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
/// No action has members within members within members.
const MAX_DEPTH: usize = 6;

/// The action that a form asks IAM for; `None` where it asks somebody else.
pub(crate) fn action(query: &str, form: &[u8]) -> Option<String> {
    let (mut action, mut is_iam) = (None, false);
    for (name, value) in parameters(query, form) {
        match name.as_ref() {
            "Action" => action = Some(value.into_owned()),
            "Version" => is_iam = value == VERSION,
            _ => {}
        }
    }
    action.filter(|_| is_iam)
}

fn parameters<'a>(query: &'a str, form: &'a [u8]) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
    form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(form))
}

/// Does what a form asks for.
///
/// # Errors
/// [`Refused`].
pub(crate) async fn run(call: &Call<'_>, action: &str, query: &str, form: &[u8]) -> Result<Value, Refused> {
    super::perform(call, action, read(query, form)?).await
}

/// A form as the JSON that it would be.
fn read(query: &str, form: &[u8]) -> Result<Value, Refused> {
    let mut request = Value::Object(Map::new());
    for (name, value) in parameters(query, form) {
        if matches!(name.as_ref(), "Action" | "Version") || name.starts_with("X-Amz-") {
            continue;
        }
        put(&mut request, &name, value.into_owned())?;
    }
    Ok(with_lists(request))
}

/// Puts a value where its name says: `Tags.member.1.Key` is the member `Key` of the first of the list `Tags`.
fn put(request: &mut Value, name: &str, value: String) -> Result<(), Refused> {
    let invalid = || super::refusal::validation(format!("the parameter {name} has no place"));
    let segments: Vec<&str> = name.split('.').collect();
    if segments.len() > MAX_DEPTH || segments.iter().any(|segment| segment.is_empty()) {
        return Err(invalid());
    }
    let mut at = request;
    for segment in segments {
        let Value::Object(members) = at else { return Err(invalid()) };
        at = members.entry(segment).or_insert_with(|| Value::Object(Map::new()));
    }
    match at {
        Value::Object(members) if members.is_empty() => *at = Value::String(value),
        _ => return Err(invalid()),
    }
    Ok(())
}

/// Members that have nothing but numbered ones, under the name `member`, are lists.
fn with_lists(value: Value) -> Value {
    let Value::Object(mut members) = value else { return value };
    if members.len() == 1
        && let Some(Value::Object(numbered)) = members.get_mut("member")
        && numbered.keys().all(|name| name.parse::<u16>().is_ok())
    {
        let mut items: Vec<(u16, Value)> = std::mem::take(numbered)
            .into_iter()
            .filter_map(|(number, item)| Some((number.parse().ok()?, with_lists(item))))
            .collect();
        items.sort_by_key(|(number, _)| *number);
        return Value::Array(items.into_iter().map(|(_, item)| item).collect());
    }
    Value::Object(members.into_iter().map(|(name, member)| (name, with_lists(member))).collect())
}

/// The answer as IAM shows it.
pub(crate) fn answer(action: &str, result: &Result<Value, Refused>, request_id: &str) -> String {
    let mut xml = String::new();
    match result {
        Ok(output) => {
            // Only the names of actions that there are come here.
            xml.push_str(&format!("<{action}Response xmlns=\"{NAMESPACE}\">"));
            element(&mut xml, &format!("{action}Result"), output);
            xml.push_str(&format!(
                "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
            ));
            xml.push_str(&format!("</{action}Response>"));
        }
        Err(refused) => {
            let fault = if refused.status.is_server_error() { "Receiver" } else { "Sender" };
            xml.push_str(&format!("<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{fault}</Type><Code>"));
            escape(&mut xml, code(refused));
            xml.push_str("</Code><Message>");
            escape(&mut xml, &refused.message);
            xml.push_str(&format!("</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"));
        }
    }
    xml
}

/// IAM has other names for what all services refuse.
fn code(refused: &Refused) -> &str {
    match refused.code.as_ref() {
        "AccessDeniedException" => "AccessDenied",
        "MissingAuthenticationTokenException" => "MissingAuthenticationToken",
        "UnknownOperationException" => "InvalidAction",
        "InternalFailure" if refused.status == StatusCode::INTERNAL_SERVER_ERROR => "ServiceFailure",
        other => other,
    }
}

fn element(xml: &mut String, name: &str, value: &Value) {
    xml.push_str(&format!("<{name}>"));
    match value {
        Value::Null => {}
        Value::Object(members) => members.iter().for_each(|(name, member)| element(xml, name, member)),
        Value::Array(items) => items.iter().for_each(|item| element(xml, "member", item)),
        // As IAM does, for whatever reason.
        Value::String(text) if name == "PolicyDocument" => xml.push_str(&percent_encoded(text)),
        Value::String(text) => escape(xml, text),
        other => xml.push_str(&other.to_string()),
    }
    xml.push_str(&format!("</{name}>"));
}

fn percent_encoded(text: &str) -> String {
    let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    // A form has it for a space, and for nothing else.
    form.replace('+', "%20")
}

/// Characters that XML does not have at all become U+FFFD.
fn escape(xml: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '"' => xml.push_str("&quot;"),
            '\r' => xml.push_str("&#13;"),
            '\t' | '\n' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => {
                xml.push(character)
            }
            _ => xml.push('\u{FFFD}'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{action, answer, read};
    use crate::beside::Refused;
    use serde_json::json;

    #[test]
    fn members_and_lists_are_told_by_their_names() {
        let form =
            b"Action=CreateUser&Version=2010-05-08&UserName=alice&Tags.member.2.Key=b&Tags.member.1.Key=a\
            &Tags.member.1.Value=1&Tags.member.2.Value=2&TagKeys.member.1=x";
        let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
        let expected = json!({ "UserName": "alice", "Tags": tags, "TagKeys": ["x"] });
        assert_eq!(read("X-Amz-Date=20261121T103000Z", form).unwrap(), expected);
    }

    #[test]
    fn names_that_contradict_each_other_are_refused() {
        for form in ["A=1&A=2", "A=1&A.B=2", "A.B=1&A=2", "A..B=1", "=1", "A.B.C.D.E.F.G=1"] {
            assert_eq!(read("", form.as_bytes()).unwrap_err().code, "ValidationError", "{form}");
        }
    }

    #[test]
    fn only_what_is_for_iam_is_read_here() {
        let iam = b"Action=CreateUser&Version=2010-05-08&UserName=a";
        assert_eq!(action("", iam).as_deref(), Some("CreateUser"));
        assert_eq!(action("Action=ListUsers&Version=2010-05-08", b"").as_deref(), Some("ListUsers"));
        assert_eq!(action("", b"Action=ListQueues&Version=2012-11-05"), None);
        assert_eq!(action("", b"Version=2010-05-08"), None);
    }

    #[test]
    fn answers_are_what_iams_clients_read() {
        let output = json!({ "PolicyDocument": "{\"a\": 1+1}", "IsTruncated": false, "Names": ["<a>", "b"] });
        assert_eq!(
            answer("GetUserPolicy", &Ok(output), "r"),
            "<GetUserPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetUserPolicyResult>\
             <IsTruncated>false</IsTruncated><Names><member>&lt;a&gt;</member><member>b</member></Names>\
             <PolicyDocument>%7B%22a%22%3A%201%2B1%7D</PolicyDocument></GetUserPolicyResult>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetUserPolicyResponse>"
        );
        let refused = Refused::new("AccessDeniedException", "no\u{0}");
        assert_eq!(
            answer("GetUser", &Err(refused), "r"),
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
             <Code>AccessDenied</Code><Message>no\u{FFFD}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        );
    }
}
