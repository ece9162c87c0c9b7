//! Queue policies as text: what a policy must look like to be stored, and how AddPermission and RemovePermission
//! edit it. What a policy allows is decided in [`crate::access`].

use crate::errors::{invalid_parameter, invalid_value};
use crate::policy_json::write_object;
use bongsu_engine::QueueName;
use bongsu_policy::{Document, Kind, Limits};
use bongsu_wire::{ErrorKind, ServiceError};
use serde_json::{Map, Value, json};

/// The engine has the same bound.
const MAX_BYTES: usize = 8_192;
const MAX_STATEMENTS: usize = 20;
const MAX_PRINCIPALS: usize = 50;
const MAX_CONDITIONS: usize = 10;
const MAX_ACTIONS: usize = 7;
const MAX_LABEL_CHARS: usize = 80;

/// What one account can let another do.
const GRANTABLE: [&str; 9] = [
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
];
/// What only the owner can do, whatever a policy says.
pub(crate) const OWNER_ONLY: [&str; 12] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "CreateQueue",
    "DeleteQueue",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "RemovePermission",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];

const POLICY_MEMBERS: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT_MEMBERS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Checks a policy that a user sets; an empty one stands for none.
///
/// # Errors
/// `InvalidAttributeValue` for what is no policy or too long, `OverLimit` for one beyond SQS's quotas.
pub(crate) fn check(text: &str) -> Result<(), ServiceError> {
    if text.is_empty() {
        return Ok(());
    }
    // Before it is read: what is read takes many times the memory of its text, which may be as long as a request.
    if text.len() > MAX_BYTES {
        return Err(invalid_policy());
    }
    let statements = statements_of(text).ok_or_else(invalid_policy)?;
    if statements.is_empty() || !statements.iter().all(is_statement) {
        return Err(invalid_policy());
    }
    check_quota(statements.len(), MAX_STATEMENTS, "statements")?;
    check_quota(statements.iter().map(principals).sum(), MAX_PRINCIPALS, "principals")?;
    check_quota(statements.iter().map(conditions).sum(), MAX_CONDITIONS, "conditions")?;
    // The real service says no more than that it is invalid; `bongsu policy check` says what is wrong where.
    match Document::parse(text, Kind::Resource, &Limits::QUEUE) {
        Ok(_) => Ok(()),
        Err(error) => {
            // It may repeat what the caller wrote, line ends and all.
            tracing::debug!(reason = ?error.to_string(), "a policy was refused");
            Err(invalid_policy())
        }
    }
}

fn check_quota(found: usize, allowed: usize, what: &str) -> Result<(), ServiceError> {
    if found <= allowed {
        return Ok(());
    }
    let message = format!("{found} {what} were found in the submitted policy, max allowed is {allowed}");
    Err(ServiceError::new(ErrorKind::OverLimit, message))
}

fn invalid_policy() -> ServiceError {
    ServiceError::new(ErrorKind::InvalidAttributeValue, "Invalid value for the parameter Policy.")
}

/// The statements of a text that has the outer form of a policy.
fn statements_of(text: &str) -> Option<Vec<Value>> {
    let Ok(Value::Object(policy)) = serde_json::from_str::<Value>(text) else { return None };
    let known_members = policy.keys().all(|name| POLICY_MEMBERS.contains(&name.as_str()));
    let known_version = match policy.get("Version") {
        None => true,
        Some(version) => matches!(version.as_str(), Some("2008-10-17" | "2012-10-17")),
    };
    let id_is_text = policy.get("Id").is_none_or(Value::is_string);
    (known_members && known_version && id_is_text).then(|| statement_list(&policy))?
}

/// One statement may stand without a list.
fn statement_list(policy: &Map<String, Value>) -> Option<Vec<Value>> {
    match policy.get("Statement")? {
        Value::Array(statements) => Some(statements.clone()),
        statement @ Value::Object(_) => Some(vec![statement.clone()]),
        _ => None,
    }
}

fn is_statement(statement: &Value) -> bool {
    let Value::Object(members) = statement else { return false };
    let one_of = |yes: &str, no: &str, test: fn(&Value) -> bool| match (members.get(yes), members.get(no)) {
        (Some(value), None) | (None, Some(value)) => test(value),
        _ => false,
    };
    let resource_fits = match (members.get("Resource"), members.get("NotResource")) {
        (None, None) => true,
        _ => one_of("Resource", "NotResource", is_texts),
    };
    members.keys().all(|name| STATEMENT_MEMBERS.contains(&name.as_str()))
        && members.get("Sid").is_none_or(Value::is_string)
        && matches!(members.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny"))
        && one_of("Principal", "NotPrincipal", is_principal)
        && one_of("Action", "NotAction", is_texts)
        && resource_fits
        && members.get("Condition").is_none_or(is_condition)
}

/// A text or a list of texts.
fn is_texts(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_string),
        _ => false,
    }
}

fn is_principal(value: &Value) -> bool {
    match value {
        Value::String(anyone) => anyone == "*",
        Value::Object(kinds) => !kinds.is_empty() && kinds.values().all(is_texts),
        _ => false,
    }
}

/// Operators to keys to values.
fn is_condition(value: &Value) -> bool {
    let Value::Object(operators) = value else { return false };
    operators.values().all(Value::is_object)
}

fn principals(statement: &Value) -> usize {
    let count = |value: &Value| value.as_array().map_or(1, Vec::len);
    let of = |value: &Value| value.as_object().map_or(1, |kinds| kinds.values().map(count).sum());
    ["Principal", "NotPrincipal"].iter().filter_map(|name| statement.get(*name)).map(of).sum()
}

fn conditions(statement: &Value) -> usize {
    let operators = statement.get("Condition").and_then(Value::as_object);
    operators.map_or(0, |operators| operators.values().filter_map(Value::as_object).map(Map::len).sum())
}

/// What AddPermission grants.
#[derive(Debug)]
pub(crate) struct Grant<'a> {
    /// The statement's Sid.
    pub(crate) label: &'a str,
    /// Accounts of twelve digits.
    pub(crate) accounts: &'a [String],
    /// Actions without the service's prefix.
    pub(crate) actions: &'a [String],
}

impl Grant<'_> {
    /// Checks what the request alone decides, in the real service's order.
    ///
    /// # Errors
    /// `InvalidParameterValue`, and `OverLimit` for more than seven actions.
    pub(crate) fn check(&self) -> Result<(), ServiceError> {
        if self.accounts.is_empty() {
            return Err(unverified(self.accounts));
        }
        if self.actions.len() > MAX_ACTIONS {
            let message =
                format!("{} Actions were found, maximum allowed is {MAX_ACTIONS}.", self.actions.len());
            return Err(ServiceError::new(ErrorKind::OverLimit, message));
        }
        self.actions.iter().try_for_each(|action| check_action(action))?;
        let is_account =
            |account: &String| account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        if !self.accounts.iter().all(is_account) {
            return Err(unverified(self.accounts));
        }
        check_label(self.label)
    }

    fn statement(&self, queue: &QueueName) -> Value {
        let principals = self.accounts.iter().map(|account| format!("arn:aws:iam::{account}:root"));
        let actions = self.actions.iter().map(|action| format!("SQS:{action}"));
        json!({
            "Sid": self.label,
            "Effect": "Allow",
            "Principal": { "AWS": one_or_list(principals.collect()) },
            "Action": one_or_list(actions.collect()),
            "Resource": queue.arn(),
        })
    }
}

fn unverified(accounts: &[String]) -> ServiceError {
    invalid_value(format!("[{}]", accounts.join(", ")), "PrincipalId", "Unable to verify.")
}

fn check_action(action: &str) -> Result<(), ServiceError> {
    if GRANTABLE.contains(&action) {
        return Ok(());
    }
    let reason = if OWNER_ONLY.contains(&action) {
        "Only the queue owner is allowed to invoke this action."
    } else {
        "Please refer to the appropriate WSDL for a list of valid actions."
    };
    Err(invalid_value(format!("SQS:{action}"), "ActionName", reason))
}

/// Checks the label of AddPermission and RemovePermission.
///
/// # Errors
/// `InvalidParameterValue`.
pub(crate) fn check_label(label: &str) -> Result<(), ServiceError> {
    if label.is_empty() {
        return Err(ServiceError::missing_parameter("Label"));
    }
    let in_alphabet = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if in_alphabet && label.len() <= MAX_LABEL_CHARS {
        return Ok(());
    }
    let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
    Err(invalid_value(label, "Label", reason))
}

fn one_or_list(mut texts: Vec<String>) -> Value {
    if texts.len() == 1 { Value::from(texts.swap_remove(0)) } else { Value::from(texts) }
}

/// The policy with a statement more.
///
/// # Errors
/// `InvalidParameterValue` where a statement has the label already, `OverLimit` where there are twenty statements, or the
/// policy would be beyond another quota.
pub(crate) fn add(
    policy: Option<&str>,
    queue: &QueueName,
    grant: &Grant<'_>,
) -> Result<String, ServiceError> {
    let mut document = match policy {
        Some(text) => parse(text)?,
        None => {
            let mut empty = Map::new();
            empty.insert("Version".to_owned(), Value::from("2008-10-17"));
            empty.insert("Id".to_owned(), Value::from(format!("{}/SQSDefaultPolicy", queue.arn())));
            empty
        }
    };
    let mut statements = statement_list(&document).unwrap_or_default();
    if statements.iter().any(|statement| has_label(statement, grant.label)) {
        return Err(invalid_value(grant.label, "Label", "Already exists."));
    }
    statements.push(grant.statement(queue));
    if statements.len() > MAX_STATEMENTS {
        let message =
            format!("{} Statements were found, maximum allowed is {MAX_STATEMENTS}.", statements.len());
        return Err(ServiceError::new(ErrorKind::OverLimit, message));
    }
    document.insert("Statement".to_owned(), Value::from(statements));
    checked(write(&document))
}

/// What an edit made of a policy, if it can be stored: one that can't be read any more would keep out everybody.
fn checked(text: String) -> Result<String, ServiceError> {
    if text.len() > MAX_BYTES {
        let message =
            format!("The policy would be {} bytes long, maximum allowed is {MAX_BYTES}.", text.len());
        return Err(ServiceError::new(ErrorKind::OverLimit, message));
    }
    check(&text).map(|()| text)
}

/// The policy without the statements of this label; `None` where no statement is left.
///
/// # Errors
/// `InvalidParameterValue` where no statement has the label; as [`check`] says of what is left, if that is no policy.
pub(crate) fn remove(policy: Option<&str>, label: &str) -> Result<Option<String>, ServiceError> {
    let mut document = policy.map(parse).transpose()?.unwrap_or_default();
    let mut statements = statement_list(&document).unwrap_or_default();
    let before = statements.len();
    statements.retain(|statement| !has_label(statement, label));
    if statements.len() == before {
        return Err(invalid_value(label, "Label", "can't find label."));
    }
    if statements.is_empty() {
        return Ok(None);
    }
    document.insert("Statement".to_owned(), Value::from(statements));
    checked(write(&document)).map(Some)
}

fn has_label(statement: &Value, label: &str) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(label)
}

/// A stored policy was checked when it was set.
fn parse(text: &str) -> Result<Map<String, Value>, ServiceError> {
    serde_json::from_str(text).map_err(|_| invalid_parameter("The queue's policy is not a JSON object."))
}

/// With the members in the order in which SQS writes them.
fn write(document: &Map<String, Value>) -> String {
    write_object(document, &POLICY_MEMBERS, |name, value| match value {
        Value::Array(statements) if name == "Statement" => {
            let statements: Vec<String> = statements.iter().map(write_statement).collect();
            format!("[{}]", statements.join(","))
        }
        other => other.to_string(),
    })
}

fn write_statement(statement: &Value) -> String {
    match statement {
        Value::Object(members) => write_object(members, &STATEMENT_MEMBERS, |_, value| value.to_string()),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
