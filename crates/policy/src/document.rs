//! A whole policy: its text, its limits, its statements.

use crate::error::{Fault, PolicyError};
use crate::json::Json;
use crate::principal::Principals;
use crate::statement::Statement;
use std::collections::BTreeSet;

/// What a policy is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A user: its statements name no principal, and must name resources.
    Identity,
    /// A resource, such as a queue: its statements name principals, and may leave the resource out.
    Resource,
}

/// How large a policy may be. Exceeding one is a [`PolicyError::TooMany`] or [`PolicyError::TooLong`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text.
    pub bytes: usize,
    /// Statements.
    pub statements: usize,
    /// Principals in all statements, `*` being one.
    pub principals: usize,
    /// Condition keys under operators, in all statements.
    pub conditions: usize,
}

impl Limits {
    /// A queue's policy (SQS quotas: "Policy").
    pub const QUEUE: Self = Self { bytes: 8192, statements: 20, principals: 50, conditions: 10 };
    /// A managed policy (IAM quotas: 6144 characters; IAM leaves white space out of its count, this does not).
    pub const IDENTITY: Self =
        Self { bytes: 6144, statements: usize::MAX, principals: usize::MAX, conditions: usize::MAX };
}

/// A policy that was read: everything that does not depend on a request is worked out.
#[derive(Debug)]
pub struct Document {
    id: Option<Box<str>>,
    statements: Box<[Statement]>,
}

impl Document {
    /// Reads a policy. A text without Version is of 2008-10-17, in which variables are plain text.
    ///
    /// # Errors
    /// What is wrong and where. The text's length is checked first, numbers of statements, principals and conditions
    /// last, when each of them was found well-formed.
    pub fn parse(text: &str, kind: Kind, limits: &Limits) -> Result<Self, PolicyError> {
        if text.len() > limits.bytes {
            return Err(PolicyError::TooLong { found_bytes: text.len(), allowed_bytes: limits.bytes });
        }
        let document = Self::read(text, kind)?;
        let principals = document.statements.iter().filter_map(|statement| statement.principals.as_ref());
        let principals = principals.map(Principals::count).sum();
        let conditions = document.statements.iter().map(|statement| statement.conditions.len()).sum();
        check("statements", document.statements.len(), limits.statements)?;
        check("principals", principals, limits.principals)?;
        check("conditions", conditions, limits.conditions)?;
        Ok(document)
    }

    /// The policy's Id.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// How many statements it has; at least one.
    #[must_use]
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.statements
    }

    fn read(text: &str, kind: Kind) -> Result<Self, Fault> {
        let (mut id, mut variables, mut statements) = (None, false, None);
        for (name, value) in Json::parse(text)?.members()? {
            match name.as_ref() {
                "Version" => variables = has_variables(value).map_err(|fault| fault.within("Version"))?,
                "Id" => id = Some(value.text().map_err(|fault| fault.within("Id"))?.into()),
                "Statement" => statements = Some(value),
                _ => return Err(Fault::new("not an element of a policy").within(name)),
            }
        }
        let statements = statements.ok_or_else(|| Fault::new("has no Statement"))?;
        Ok(Self { id, statements: read_statements(statements, kind, variables)? })
    }
}

/// Whether the policy's version has variables.
fn has_variables(version: Json<'_>) -> Result<bool, Fault> {
    match version.text()?.as_ref() {
        "2008-10-17" => Ok(false),
        "2012-10-17" => Ok(true),
        _ => Err(Fault::new("neither 2008-10-17 nor 2012-10-17")),
    }
}

/// One statement may stand without a list.
fn read_statements(json: Json<'_>, kind: Kind, variables: bool) -> Result<Box<[Statement]>, Fault> {
    let mut statements: Vec<Statement> = Vec::new();
    let mut sids = BTreeSet::new();
    for (index, item) in json.items().into_iter().enumerate() {
        let here = format!("Statement[{index}]");
        let statement = Statement::parse(item, kind, variables).map_err(|fault| fault.within(&here))?;
        if let Some(sid) = &statement.sid
            && !sids.insert(sid.clone())
        {
            return Err(Fault::new(format!("another statement has {sid:?} too")).within("Sid").within(here));
        }
        statements.push(statement);
    }
    if statements.is_empty() {
        return Err(Fault::new("an empty list").within("Statement"));
    }
    Ok(statements.into())
}

fn check(what: &'static str, found: usize, allowed: usize) -> Result<(), PolicyError> {
    if found <= allowed { Ok(()) } else { Err(PolicyError::TooMany { what, found, allowed }) }
}

#[cfg(test)]
mod tests;
