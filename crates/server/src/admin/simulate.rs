//! What would be decided about a request that nobody makes.

use super::refusal::validation;
use super::scope::{Scope, is_operator};
use super::user::existing;
use crate::access::realm::User;
use crate::access::{Resource, is_shareable};
use crate::beside::Refused;
use crate::call::Call;
use crate::clock;
use crate::errors::invalid_parameter;
use crate::facts::{Facts, Policy};
use bongsu_engine::QueueName;
use bongsu_policy::{
    Decision, Denial, Document, Grant, Kind, Limits, Missing, PolicyRef, Principal, Request, StatementRef,
    evaluate,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who asks for what, under which circumstances.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SimulatePolicy {
    /// Of whoever asks; the caller's own without it.
    account: Option<String>,
    /// Which user asks; without it (and without a policy) the account's root.
    user_name: Option<String>,
    /// Nobody in particular asks.
    #[serde(default)]
    anonymous: bool,
    /// Such as `sqs:SendMessage`.
    action: String,
    /// A queue's ARN, or `*`.
    resource: String,
    /// Taken for the user's policies, in place of what it has; the user needn't exist then.
    policy_document: Option<String>,
    /// Taken for the queue's policy, in place of what it has; the queue needn't exist then.
    queue_policy: Option<String>,
    /// Condition keys, such as `aws:SourceIp`.
    #[serde(default)]
    context: BTreeMap<String, OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Whoever asks.
enum Asker {
    Anonymous,
    Root,
    User(Arc<User>),
    /// Somebody whom only the request knows.
    Imagined {
        name: String,
        arn: String,
    },
}

/// The name of a policy that is given with the request.
const GIVEN: &str = "given";

pub(super) async fn simulate(call: &Call<'_>, request: SimulatePolicy) -> Result<Value, Refused> {
    let scope = Scope::of(call, request.account.as_deref())?;
    let given_policy = match &request.policy_document {
        Some(text) => Some(parse(text, Kind::Identity, &Limits::IDENTITY)?),
        None => None,
    };
    let asker = asker(call, &scope, &request)?;
    let resource_account = resource_account(&request.resource, &scope.account)?;
    let given = match &request.queue_policy {
        Some(text) => Some(parse(text, Kind::Resource, &Limits::QUEUE)?),
        None => None,
    };
    let facts = facts(call, &request.resource, given.is_some()).await?;
    let stored = facts.as_deref().map(|facts| &facts.policy);
    let queue_policy = match (&given, stored) {
        (Some(given), _) => Some(given),
        (None, Some(Policy::Document(document))) => Some(document),
        _ => None,
    };
    let principal = asker.principal(&scope.account);
    let context = context(&request, facts.as_deref(), &resource_account);
    let asked = Request {
        action: &request.action,
        resource: &request.resource,
        resource_account: &resource_account,
        principal,
        cross_account: is_shareable(&request.action),
        context: &context,
    };
    let owner = matches!(principal, Principal::Root { account } if account == resource_account);
    let own = given_policy.iter().map(|document| (GIVEN, document)).chain(asker.policies());
    let decision = match (stored, &given) {
        (Some(Policy::Unreadable), None) if !owner => {
            Decision::Denied(Denial::Implicit(Missing::ResourceAllow))
        }
        _ => evaluate(&asked, own, queue_policy),
    };
    Ok(shown(&decision, is_missing(&request, facts.as_deref())))
}

fn asker(call: &Call<'_>, scope: &Scope, request: &SimulatePolicy) -> Result<Asker, Refused> {
    let is_given = request.policy_document.is_some();
    if request.anonymous && (request.user_name.is_some() || is_given) {
        return Err(validation("nobody in particular is no user and has no policies"));
    }
    let imagined = |name: &str| Asker::Imagined {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::{}:user/{name}", scope.account),
    };
    let Some(name) = &request.user_name else {
        scope.permit(call, "iam:SimulateCustomPolicy", "*")?;
        return Ok(match (request.anonymous, is_given) {
            (true, _) => Asker::Anonymous,
            (false, true) => imagined("somebody"),
            (false, false) => Asker::Root,
        });
    };
    scope.permit(call, "iam:SimulatePrincipalPolicy", &scope.user_arn(name)?)?;
    match existing(call, scope, name) {
        // What is given stands in place of the user's policies.
        Ok(user) if !is_given => Ok(Asker::User(user)),
        Ok(user) => Ok(Asker::User(Arc::new(user.without_policies()))),
        Err(_) if is_given => Ok(imagined(name)),
        Err(refused) => Err(refused),
    }
}

impl Asker {
    fn principal<'a>(&'a self, account: &'a str) -> Principal<'a> {
        const NO_TAGS: &BTreeMap<String, String> = &BTreeMap::new();
        match self {
            Self::Anonymous => Principal::Anonymous,
            Self::Root => Principal::Root { account },
            Self::User(user) => {
                Principal::User { account, name: &user.name, arn: &user.arn, id: &user.id, tags: &user.tags }
            }
            Self::Imagined { name, arn } => {
                Principal::User { account, name, arn, id: "AIDAAAAAAAAAAAAAAAAA", tags: NO_TAGS }
            }
        }
    }

    /// What it is allowed by itself.
    fn policies(&self) -> impl Iterator<Item = (&str, &Document)> {
        let user = if let Self::User(user) = self { Some(user) } else { None };
        user.into_iter()
            .flat_map(|user| &user.policies)
            .map(|(name, (_, document))| (name.as_str(), document))
    }
}

fn parse(text: &str, kind: Kind, limits: &Limits) -> Result<Document, Refused> {
    Document::parse(text, kind, limits)
        .map_err(|error| Refused::new("MalformedPolicyDocument", error.to_string()))
}

/// The account that an ARN says; that of whoever asks for actions on nothing.
fn resource_account(resource: &str, own: &str) -> Result<String, Refused> {
    if resource == "*" {
        return Ok(own.to_owned());
    }
    let mut parts = resource.splitn(6, ':');
    let account = (parts.next() == Some("arn")).then(|| parts.nth(3)).flatten();
    match account {
        Some(account) if !account.is_empty() && parts.next().is_some() => Ok(account.to_owned()),
        _ => Err(validation("Resource is an ARN, such as arn:aws:sqs:us-east-1:000000000000:jobs, or *")),
    }
}

/// What is known of the queue. Whoever could not see its policy should not find it out by asking what would be decided.
async fn facts(call: &Call<'_>, resource: &str, is_given: bool) -> Result<Option<Arc<Facts>>, Refused> {
    if is_given || !resource.starts_with("arn:aws:sqs:") {
        return Ok(None);
    }
    let name = QueueName::from_arn(resource);
    let name = name.ok_or_else(|| invalid_parameter(format!("{resource} is no queue's ARN")))?;
    let facts = call.edge.facts.of(&call.edge.node, &name).await?;
    if !is_operator(call) {
        let policy = match facts.as_deref().map(|facts| &facts.policy) {
            Some(Policy::Document(document)) => Some(document),
            _ => None,
        };
        let plain = Resource::plain(resource, &name.account);
        let tags = facts.as_deref().map_or(plain.tags, |facts| &facts.tags);
        call.authorize("sqs:GetQueueAttributes", &Resource { policy, tags, ..plain })?;
    }
    Ok(facts)
}

fn is_missing(request: &SimulatePolicy, facts: Option<&Facts>) -> bool {
    request.queue_policy.is_none() && request.resource.starts_with("arn:aws:sqs:") && facts.is_none()
}

/// The condition keys: those of the request, and what can be known besides.
fn context(
    request: &SimulatePolicy,
    facts: Option<&Facts>,
    resource_account: &str,
) -> BTreeMap<String, Vec<String>> {
    let mut context = BTreeMap::from([("aws:resourceaccount".to_owned(), vec![resource_account.to_owned()])]);
    let tags = facts.map(|facts| &facts.tags).into_iter().flatten();
    context.extend(
        tags.map(|(key, value)| (format!("aws:resourcetag/{}", key.to_lowercase()), vec![value.clone()])),
    );
    for (key, value) in &request.context {
        let values = match value {
            OneOrMany::One(value) => vec![value.clone()],
            OneOrMany::Many(values) => values.clone(),
        };
        context.insert(key.to_lowercase(), values);
    }
    // Both say the same: where one is given, the other would contradict it.
    let (current, epoch) = ("aws:currenttime", "aws:epochtime");
    if !context.contains_key(current) && !context.contains_key(epoch) {
        let now_s = clock::wall_ms() / 1000;
        context.insert(current.to_owned(), vec![clock::rfc3339(now_s)]);
        context.insert(epoch.to_owned(), vec![now_s.to_string()]);
    }
    context
}

fn shown(decision: &Decision<'_>, is_missing: bool) -> Value {
    let (word, statements) = match decision {
        Decision::Allowed { by } => ("allowed", statements(by)),
        Decision::Denied(Denial::Explicit { by }) => ("explicitDeny", vec![statement(by)]),
        Decision::Denied(Denial::Implicit(_)) => ("implicitDeny", Vec::new()),
    };
    let mut answer = json!({
        "Allowed": decision.is_allowed(),
        "Decision": word,
        "Reason": decision.to_string(),
        "Statements": statements,
    });
    if is_missing {
        answer["Note"] = json!("there is no such queue: decided as for one without a policy");
    }
    answer
}

fn statements(grant: &Grant<'_>) -> Vec<Value> {
    match grant {
        Grant::OwnerRoot => Vec::new(),
        Grant::Statement(by) => vec![statement(by)],
        Grant::Both { identity, resource } => vec![statement(identity), statement(resource)],
    }
}

/// Counted from 1, as in the words.
fn statement(by: &StatementRef<'_>) -> Value {
    let policy = match by.policy {
        PolicyRef::Identity(name) => json!({ "Kind": "identity", "Name": name }),
        PolicyRef::Resource => json!({ "Kind": "queue" }),
    };
    json!({ "Policy": policy, "Statement": by.index + 1, "Sid": by.sid })
}
