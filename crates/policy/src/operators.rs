//! Condition operators: reading them with what they expect, and testing a request's values.
//!
//! After IAM's reference, "Condition operators" and "Multivalued context keys": expected values are alternatives, for a
//! negated operator none may match; a key that the request does not have fails a condition, holds for a negated one, for
//! `…IfExists` and for `ForAllValues:`.

use crate::context::{Facts, Key, Value};
use crate::error::Fault;
use crate::json::Json;
use crate::template::{Case, Syntax, Template};
use crate::values::{self, Network};
use base64::Engine as _;
use std::cmp::Ordering;
use std::net::IpAddr;

/// One key under one operator.
#[derive(Debug)]
pub(crate) struct Condition {
    key: Key,
    quantifier: Quantifier,
    if_exists: bool,
    negated: bool,
    expected: Expected,
}

/// What is asked of a key that has several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    /// Any of them, for a negated operator all.
    None,
    ForAnyValue,
    ForAllValues,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextRule {
    Equal,
    EqualIgnoringCase,
    Like,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Text(TextRule),
    Number(Relation),
    Date(Relation),
    Bool,
    Binary,
    Address,
    Arn,
    Null,
}

/// The values in the policy, ready to compare.
#[derive(Debug)]
enum Expected {
    Texts(TextRule, Box<[Template]>),
    Numbers(Relation, Box<[f64]>),
    InstantsMs(Relation, Box<[i64]>),
    Bools(Box<[bool]>),
    Bytes(Box<[Vec<u8>]>),
    Networks(Box<[Network]>),
    Arns(Box<[ArnPattern]>),
    /// Whether the key is to be absent.
    Absent(Box<[bool]>),
}

#[derive(Debug)]
enum ArnPattern {
    /// `*`.
    Anything,
    /// Part by part: a wildcard stays within its part.
    Parts(Box<[Template; 6]>),
    /// The ARN, or more than one part of it, comes from a variable.
    Whole(Template),
}

/// Names, bases, and whether the operator negates.
const OPERATORS: [(&str, Base, bool); 27] = [
    ("StringEquals", Base::Text(TextRule::Equal), false),
    ("StringNotEquals", Base::Text(TextRule::Equal), true),
    ("StringEqualsIgnoreCase", Base::Text(TextRule::EqualIgnoringCase), false),
    ("StringNotEqualsIgnoreCase", Base::Text(TextRule::EqualIgnoringCase), true),
    ("StringLike", Base::Text(TextRule::Like), false),
    ("StringNotLike", Base::Text(TextRule::Like), true),
    ("NumericEquals", Base::Number(Relation::Equal), false),
    ("NumericNotEquals", Base::Number(Relation::Equal), true),
    ("NumericLessThan", Base::Number(Relation::Less), false),
    ("NumericLessThanEquals", Base::Number(Relation::LessOrEqual), false),
    ("NumericGreaterThan", Base::Number(Relation::Greater), false),
    ("NumericGreaterThanEquals", Base::Number(Relation::GreaterOrEqual), false),
    ("DateEquals", Base::Date(Relation::Equal), false),
    ("DateNotEquals", Base::Date(Relation::Equal), true),
    ("DateLessThan", Base::Date(Relation::Less), false),
    ("DateLessThanEquals", Base::Date(Relation::LessOrEqual), false),
    ("DateGreaterThan", Base::Date(Relation::Greater), false),
    ("DateGreaterThanEquals", Base::Date(Relation::GreaterOrEqual), false),
    ("Bool", Base::Bool, false),
    ("BinaryEquals", Base::Binary, false),
    ("IpAddress", Base::Address, false),
    ("NotIpAddress", Base::Address, true),
    ("ArnEquals", Base::Arn, false),
    ("ArnLike", Base::Arn, false),
    ("ArnNotEquals", Base::Arn, true),
    ("ArnNotLike", Base::Arn, true),
    ("Null", Base::Null, false),
];

/// Reads a Condition element: operators to keys to values.
pub(crate) fn parse(json: Json<'_>, variables: bool) -> Result<Box<[Condition]>, Fault> {
    let mut conditions = Vec::new();
    for (name, keys) in json.members()? {
        let operator = Operator::parse(&name).map_err(|fault| fault.within(&name))?;
        for (key, value) in keys.members().map_err(|fault| fault.within(&name))? {
            let condition = operator.condition(&key, value, variables);
            conditions.push(condition.map_err(|fault| fault.within(&key).within(&name))?);
        }
    }
    Ok(conditions.into())
}

#[derive(Clone, Copy, Debug)]
struct Operator {
    quantifier: Quantifier,
    if_exists: bool,
    base: Base,
    negated: bool,
}

impl Operator {
    /// Names are read without regard to case.
    fn parse(name: &str) -> Result<Self, Fault> {
        let (quantifier, rest) = match name.split_once(':') {
            None => (Quantifier::None, name),
            Some((word, rest)) if word.eq_ignore_ascii_case("ForAnyValue") => (Quantifier::ForAnyValue, rest),
            Some((word, rest)) if word.eq_ignore_ascii_case("ForAllValues") => {
                (Quantifier::ForAllValues, rest)
            }
            Some(_) => return Err(Fault::new("not a condition operator")),
        };
        const SUFFIX: &str = "IfExists";
        let suffixed = rest.len().checked_sub(SUFFIX.len()).and_then(|at| rest.split_at_checked(at));
        let (base, if_exists) = match suffixed {
            Some((base, suffix)) if suffix.eq_ignore_ascii_case(SUFFIX) => (base, true),
            _ => (rest, false),
        };
        let known = OPERATORS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(base));
        let &(_, base, negated) = known.ok_or_else(|| Fault::new("not a condition operator"))?;
        if base == Base::Null && (if_exists || quantifier != Quantifier::None) {
            return Err(Fault::new("Null stands alone"));
        }
        Ok(Self { quantifier, if_exists, base, negated })
    }

    fn condition(self, key: &str, value: Json<'_>, variables: bool) -> Result<Condition, Fault> {
        if key.is_empty() {
            return Err(Fault::new("an empty key"));
        }
        let is_list = matches!(value, Json::List(_));
        let mut texts = Vec::new();
        for (index, item) in value.items().into_iter().enumerate() {
            let text = scalar(item).map_err(|fault| if is_list { fault.at(index) } else { fault })?;
            texts.push(text);
        }
        let expected = self
            .base
            .expect(&texts, variables)
            .map_err(|(index, fault)| if is_list { fault.at(index) } else { fault })?;
        let Self { quantifier, if_exists, negated, .. } = self;
        Ok(Condition { key: Key::new(key), quantifier, if_exists, negated, expected })
    }
}

/// A text of a condition, and whether it stood there as a JSON number.
struct Scalar {
    text: String,
    is_number: bool,
}

/// JSON's numbers and booleans stand for their texts.
fn scalar(json: Json<'_>) -> Result<Scalar, Fault> {
    let (text, is_number) = match json {
        Json::Text(text) => (text.into_owned(), false),
        Json::Number(number) => (number, true),
        Json::Bool(value) => (value.to_string(), false),
        Json::Null | Json::List(_) | Json::Object(_) => {
            return Err(Fault::new("not a text, number or boolean"));
        }
    };
    Ok(Scalar { text, is_number })
}

impl Base {
    fn expect(self, values: &[Scalar], variables: bool) -> Result<Expected, (usize, Fault)> {
        fn each<T>(
            values: &[Scalar],
            read: impl Fn(&Scalar) -> Result<T, Fault>,
        ) -> Result<Box<[T]>, (usize, Fault)> {
            let read = |(index, value)| read(value).map_err(|fault| (index, fault));
            values.iter().enumerate().map(read).collect()
        }
        let or = |what: &'static str| move || Fault::new(format!("not {what}"));
        Ok(match self {
            Self::Text(rule) => {
                let syntax = Syntax { wildcards: rule == TextRule::Like, variables };
                Expected::Texts(rule, each(values, |value| Template::compile(&value.text, syntax))?)
            }
            Self::Number(relation) => Expected::Numbers(
                relation,
                each(values, |value| values::number(&value.text).ok_or_else(or("a number")))?,
            ),
            Self::Date(relation) => Expected::InstantsMs(
                relation,
                each(values, |value| {
                    instant_ms(value).ok_or_else(or("a date of ISO 8601 or seconds since 1970"))
                })?,
            ),
            Self::Bool => Expected::Bools(each(values, |value| {
                values::boolean(&value.text).ok_or_else(or("true or false"))
            })?),
            Self::Binary => Expected::Bytes(each(values, |value| {
                base64::prelude::BASE64_STANDARD.decode(&value.text).map_err(|_| or("base64")())
            })?),
            Self::Address => Expected::Networks(each(values, |value| {
                Network::parse(&value.text).ok_or_else(or("an address range"))
            })?),
            Self::Arn => Expected::Arns(each(values, |value| ArnPattern::compile(&value.text, variables))?),
            Self::Null => Expected::Absent(each(values, |value| {
                values::boolean(&value.text).ok_or_else(or("true or false"))
            })?),
        })
    }
}

/// Four digits are a year in a text, and seconds as a JSON number.
fn instant_ms(value: &Scalar) -> Option<i64> {
    if value.is_number {
        return value.text.parse::<i64>().ok()?.checked_mul(1000);
    }
    values::instant_ms(&value.text)
}

impl ArnPattern {
    fn compile(text: &str, variables: bool) -> Result<Self, Fault> {
        if !text.is_empty() && text.bytes().all(|b| b == b'*') {
            return Ok(Self::Anything);
        }
        let syntax = Syntax { wildcards: true, variables };
        if let Some(parts) = split_parts(text, variables) {
            let parts = parts.map(|part| Template::compile(part, syntax));
            let [a, b, c, d, e, f] = parts;
            return Ok(Self::Parts(Box::new([a?, b?, c?, d?, e?, f?])));
        }
        let whole = Template::compile(text, syntax)?;
        if !whole.has_variables() {
            return Err(Fault::new("not an ARN"));
        }
        Ok(Self::Whole(whole))
    }

    fn matches(&self, text: &str, facts: &Facts<'_>) -> Option<bool> {
        match self {
            Self::Anything => Some(true),
            Self::Whole(template) => template.matches(text, Case::Matters, facts),
            Self::Parts(templates) => {
                // Also for a text that is no ARN: whether a variable has a value must not depend on it.
                let parts = values::arn_parts(text);
                let mut all = parts.is_some();
                for (template, part) in templates.iter().zip(parts.unwrap_or_default()) {
                    all &= template.matches(part, Case::Matters, facts)?;
                }
                Some(all)
            }
        }
    }
}

/// Splits a pattern at the colons outside of variables.
fn split_parts(text: &str, variables: bool) -> Option<[&str; 6]> {
    let mut parts = [""; 6];
    let (mut found, mut start, mut inside) = (0, 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if variables && text[..at].ends_with('$') => inside = true,
            b'}' => inside = false,
            b':' if !inside && found < 5 => {
                parts[found] = &text[start..at];
                (found, start) = (found + 1, at + 1);
            }
            _ => {}
        }
    }
    parts[found] = &text[start..];
    (found == 5).then_some(parts)
}

impl Condition {
    /// Whether the request meets the condition.
    pub(crate) fn holds(&self, facts: &Facts<'_>) -> bool {
        let values = facts.values(&self.key);
        let values = values.as_slice();
        if let Expected::Absent(wanted) = &self.expected {
            return wanted.contains(&values.is_empty());
        }
        let passes = |value: &Value<'_>| self.passes(value, facts);
        match self.quantifier {
            Quantifier::ForAllValues => values.iter().all(passes),
            _ if values.is_empty() => self.if_exists || (self.negated && self.quantifier == Quantifier::None),
            Quantifier::None if self.negated => values.iter().all(passes),
            Quantifier::None | Quantifier::ForAnyValue => values.iter().any(passes),
        }
    }

    /// Tests one value. Where a variable of the policy has no value, its alternative does not match, and a negated
    /// operator fails: AWS says that such a statement has no effect.
    fn passes(&self, value: &Value<'_>, facts: &Facts<'_>) -> bool {
        match self.expected.matches(value, facts) {
            Some(matches) => matches != self.negated,
            None => false,
        }
    }
}

impl Expected {
    /// Whether a value is among the expected ones; nothing where that depends on a variable without a value.
    fn matches(&self, value: &Value<'_>, facts: &Facts<'_>) -> Option<bool> {
        let found = match self {
            Self::Texts(rule, templates) => {
                let text = value.text();
                return any(templates, |template| rule.matches(template, &text, facts));
            }
            Self::Arns(patterns) => {
                let text = value.text();
                return any(patterns, |pattern| pattern.matches(&text, facts));
            }
            Self::Numbers(relation, numbers) => value.number().is_some_and(|value| {
                numbers.iter().any(|number| value.partial_cmp(number).is_some_and(|o| relation.holds(o)))
            }),
            Self::InstantsMs(relation, instants) => value
                .instant_ms()
                .is_some_and(|value| instants.iter().any(|instant| relation.holds(value.cmp(instant)))),
            Self::Bools(expected) => value.boolean().is_some_and(|value| expected.contains(&value)),
            Self::Bytes(expected) => {
                value.bytes().is_some_and(|value| expected.iter().any(|bytes| **bytes == *value))
            }
            Self::Networks(networks) => value
                .address()
                .is_some_and(|value: IpAddr| networks.iter().any(|network| network.contains(value))),
            // Answered before any value is looked at.
            Self::Absent(_) => false,
        };
        Some(found)
    }
}

/// Whether one of the alternatives matches; nothing where none does and one has no value.
fn any<T>(alternatives: &[T], test: impl Fn(&T) -> Option<bool>) -> Option<bool> {
    let mut unresolved = false;
    for alternative in alternatives {
        match test(alternative) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => unresolved = true,
        }
    }
    (!unresolved).then_some(false)
}

impl TextRule {
    fn matches(self, template: &Template, text: &str, facts: &Facts<'_>) -> Option<bool> {
        if self != Self::EqualIgnoringCase {
            return template.matches(text, Case::Matters, facts);
        }
        let expected = template.text(facts)?;
        let folded = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
        Some(expected.eq_ignore_ascii_case(text) || folded(&expected) == folded(text))
    }
}

impl Relation {
    /// Whether the request's value, which compares so with the policy's, is in this relation to it.
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}
