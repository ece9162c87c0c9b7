//! One statement of a policy, compiled: what it is about, and reading it.

use crate::context::Facts;
use crate::document::Kind;
use crate::error::Fault;
use crate::evaluate::Request;
use crate::json::Json;
use crate::operators::{self, Condition};
use crate::principal::Principals;
use crate::template::{Case, Syntax, Template};
use std::borrow::Cow;

/// What a statement does with what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// A compiled statement.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) effect: Effect,
    /// In resource policies.
    pub(crate) principals: Option<Principals>,
    actions: Either,
    /// Without one, the statement of a resource policy is about the resource that has the policy.
    resources: Option<Either>,
    pub(crate) conditions: Box<[Condition]>,
}

/// A list, or all that it does not have.
#[derive(Debug)]
struct Either {
    negated: bool,
    templates: Box<[Template]>,
}

impl Either {
    /// A variable without a value makes a list not match, and not the contrary where the list is negated.
    fn matches(&self, text: &str, case: Case, facts: &Facts<'_>) -> bool {
        let mut unresolved = false;
        for template in &self.templates {
            match template.matches(text, case, facts) {
                Some(true) => return !self.negated,
                Some(false) => {}
                None => unresolved = true,
            }
        }
        self.negated && !unresolved
    }
}

impl Statement {
    /// Whether action, resource and conditions fit the request; the principal is looked at elsewhere.
    pub(crate) fn fits(&self, request: &Request<'_>, facts: &Facts<'_>) -> bool {
        self.actions.matches(request.action, Case::AsciiLower, facts)
            && self.resources.as_ref().is_none_or(|list| list.matches(request.resource, Case::Matters, facts))
            && self.conditions.iter().all(|condition| condition.holds(facts))
    }

    pub(crate) fn parse(json: Json<'_>, kind: Kind, variables: bool) -> Result<Self, Fault> {
        let mut read = Reading::new(kind, variables);
        for (name, value) in json.members()? {
            read.member(&name, value).map_err(|fault| fault.within(&name))?;
        }
        read.finish()
    }
}

/// A statement whose members are being read.
struct Reading {
    kind: Kind,
    variables: bool,
    sid: Option<Box<str>>,
    effect: Option<Effect>,
    principals: Option<Principals>,
    actions: Option<Either>,
    resources: Option<Either>,
    conditions: Box<[Condition]>,
}

impl Reading {
    fn new(kind: Kind, variables: bool) -> Self {
        let (sid, effect, principals, actions, resources) = (None, None, None, None, None);
        Self { kind, variables, sid, effect, principals, actions, resources, conditions: Box::default() }
    }

    fn member(&mut self, name: &str, value: Json<'_>) -> Result<(), Fault> {
        match name {
            "Sid" => self.sid = read_sid(&value.text()?, self.kind)?,
            "Effect" => {
                self.effect = Some(match value.text()?.as_ref() {
                    "Allow" => Effect::Allow,
                    "Deny" => Effect::Deny,
                    _ => return Err(Fault::new("neither Allow nor Deny")),
                });
            }
            "Principal" | "NotPrincipal" => {
                if self.kind == Kind::Identity {
                    return Err(Fault::new("an identity policy names no principal"));
                }
                set_once(&mut self.principals, Principals::parse(value, name == "NotPrincipal")?)?;
            }
            "Action" | "NotAction" => {
                let templates = read_list(value, read_action)?;
                set_once(&mut self.actions, Either { negated: name == "NotAction", templates })?;
            }
            "Resource" | "NotResource" => {
                let syntax = Syntax { wildcards: true, variables: self.variables };
                let templates = read_list(value, |text| read_resource(text, syntax))?;
                set_once(&mut self.resources, Either { negated: name == "NotResource", templates })?;
            }
            "Condition" => self.conditions = operators::parse(value, self.variables)?,
            _ => return Err(Fault::new("not an element of a statement")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Statement, Fault> {
        let missing = |what: &str| Fault::new(format!("has no {what}"));
        if self.kind == Kind::Resource && self.principals.is_none() {
            return Err(missing("Principal"));
        }
        if self.kind == Kind::Identity && self.resources.is_none() {
            return Err(missing("Resource"));
        }
        Ok(Statement {
            sid: self.sid,
            effect: self.effect.ok_or_else(|| missing("Effect"))?,
            principals: self.principals,
            actions: self.actions.ok_or_else(|| missing("Action"))?,
            resources: self.resources,
            conditions: self.conditions,
        })
    }
}

/// An element and its contrary exclude each other.
fn set_once<T>(place: &mut Option<T>, value: T) -> Result<(), Fault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Fault::new("stands beside its contrary")),
    }
}

/// IAM takes letters and digits; services with policies of their own take more, as SQS's labels show.
fn read_sid(text: &str, kind: Kind) -> Result<Option<Box<str>>, Fault> {
    if kind == Kind::Identity && !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Fault::new("has more than letters and digits"));
    }
    Ok(Some(text).filter(|text| !text.is_empty()).map(Box::from))
}

fn read_list(
    value: Json<'_>,
    read: impl Fn(&str) -> Result<Template, Fault>,
) -> Result<Box<[Template]>, Fault> {
    let is_list = matches!(value, Json::List(_));
    let read_item = |(index, text): (usize, Cow<'_, str>)| {
        read(&text).map_err(|fault| if is_list { fault.at(index) } else { fault })
    };
    value.texts()?.into_iter().enumerate().map(read_item).collect()
}

fn read_action(text: &str) -> Result<Template, Fault> {
    let is_all = !text.is_empty() && text.bytes().all(|b| b == b'*');
    let has_service =
        text.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    if !is_all && !has_service {
        return Err(Fault::new(format!("{text}: not an action with its service, such as sqs:SendMessage")));
    }
    Template::action(text)
}

fn read_resource(text: &str, syntax: Syntax) -> Result<Template, Fault> {
    let is_all = !text.is_empty() && text.bytes().all(|b| b == b'*');
    if !is_all && !text.starts_with("arn:") {
        return Err(Fault::new(format!("{text}: neither an ARN nor \"*\"")));
    }
    Template::compile(text, syntax)
}
