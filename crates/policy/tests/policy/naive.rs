//! A second evaluator: policies as JSON values, interpreted from scratch for each request, by the letter of the rules
//! and with no thought of speed. It shares no code with the crate.

use crate::asking::{Ask, Caller, tags};
use base64::Engine as _;
use serde_json::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Allowed,
    Forbidden,
    NotAllowed,
}

pub(crate) fn judge(ask: &Ask, identity: &[Value], resource: Option<&Value>) -> Verdict {
    let mine: Vec<(&Value, bool)> = identity.iter().flat_map(statements).collect();
    let theirs: Vec<(&Value, bool)> = resource.into_iter().flat_map(statements).collect();
    let on = |effect: &str, list: &[(&Value, bool)]| -> Vec<Value> {
        let applies = |s: &&(&Value, bool)| s.0["Effect"] == effect && is_about(s.0, s.1, ask);
        list.iter().filter(applies).map(|s| s.0.clone()).collect()
    };
    let owner = account_of(&ask.caller) == Some(ask.owner.as_str());
    let is_root = matches!(ask.caller, Caller::Root(_));
    let action = ask.action.to_lowercase();
    let unlocks =
        owner && is_root && ["sqs:getqueueattributes", "sqs:setqueueattributes"].contains(&&*action);
    let denied_by_resource = on("Deny", &theirs).iter().any(|s| denies_principal(s, &ask.caller));
    if !on("Deny", &mine).is_empty() || (denied_by_resource && !unlocks) {
        return Verdict::Forbidden;
    }
    if !owner && !ask.cross_account {
        return Verdict::NotAllowed;
    }
    let by_identity = !on("Allow", &mine).is_empty();
    let to_caller = on("Allow", &theirs).iter().any(|s| grants_to_caller(s, &ask.caller));
    let to_account = on("Allow", &theirs).iter().any(|s| grants_to_account(s, &ask.caller));
    let allowed = match (&ask.caller, owner) {
        (Caller::Anonymous | Caller::Service(_), _) => to_caller,
        (Caller::Root(_), true) => true,
        (Caller::Root(_), false) => to_caller || to_account,
        (Caller::User { .. }, true) => by_identity || to_caller,
        (Caller::User { .. }, false) => by_identity && (to_caller || to_account),
    };
    if allowed { Verdict::Allowed } else { Verdict::NotAllowed }
}

/// Each statement, and whether its policy has variables.
fn statements(policy: &Value) -> Vec<(&Value, bool)> {
    let variables = policy["Version"] == "2012-10-17";
    list(&policy["Statement"]).into_iter().map(|statement| (statement, variables)).collect()
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |items| items.iter().collect())
}

fn account_of(caller: &Caller) -> Option<&'static str> {
    match caller {
        Caller::Root(account) | Caller::User { account, .. } => Some(account),
        _ => None,
    }
}

// Principals.

/// Kind and name of each principal listed; everyone is `("*", "*")`.
fn listed(principal: &Value) -> Vec<(String, String)> {
    let Some(kinds) = principal.as_object() else { return vec![("*".into(), "*".into())] };
    let mut all = Vec::new();
    for (kind, names) in kinds {
        for name in list(names) {
            let name = name.as_str().unwrap();
            if name == "*" {
                all.push(("*".into(), "*".into()));
            } else {
                all.push((kind.to_lowercase(), name.to_owned()));
            }
        }
    }
    all
}

fn is_listed_as_account(names: &[(String, String)], caller: &Caller) -> bool {
    let Some(account) = account_of(caller) else { return false };
    names.iter().any(|(kind, name)| {
        kind == "aws"
            && (name == account || (name.ends_with(&format!("::{account}:root")) && name.starts_with("arn:")))
    })
}

fn is_listed_as_itself(names: &[(String, String)], caller: &Caller) -> bool {
    names.iter().any(|(kind, name)| match (kind.as_str(), caller) {
        ("*", _) => true,
        ("aws", Caller::User { arn, id, .. }) => name == arn || name == id,
        ("service", Caller::Service(service)) => name == service,
        _ => false,
    })
}

fn grants_to_caller(statement: &Value, caller: &Caller) -> bool {
    if let Some(excepted) = statement.get("NotPrincipal") {
        let names = listed(excepted);
        return !is_listed_as_itself(&names, caller) && !is_listed_as_account(&names, caller);
    }
    is_listed_as_itself(&listed(&statement["Principal"]), caller)
}

fn grants_to_account(statement: &Value, caller: &Caller) -> bool {
    statement.get("Principal").is_some_and(|principal| is_listed_as_account(&listed(principal), caller))
}

fn denies_principal(statement: &Value, caller: &Caller) -> bool {
    let Some(excepted) = statement.get("NotPrincipal") else {
        let names = listed(&statement["Principal"]);
        return is_listed_as_itself(&names, caller) || is_listed_as_account(&names, caller);
    };
    let names = listed(excepted);
    let everyone = names.iter().any(|(kind, _)| kind == "*");
    let itself = is_listed_as_itself(&names, caller);
    let account = is_listed_as_account(&names, caller);
    let excepted = match caller {
        Caller::User { .. } => everyone || (itself && account),
        Caller::Root(_) => everyone || account,
        Caller::Anonymous => everyone,
        Caller::Service(_) => itself,
    };
    !excepted
}

// Statements, but for principals.

fn is_about(statement: &Value, variables: bool, ask: &Ask) -> bool {
    let action_fits = |pattern: &str| {
        fits(&tokens(&pattern.to_lowercase(), true, false, ask).unwrap(), &ask.action.to_lowercase())
    };
    let action = match (statement.get("Action"), statement.get("NotAction")) {
        (Some(yes), _) => strings(yes).iter().any(|pattern| action_fits(pattern)),
        (_, Some(no)) => !strings(no).iter().any(|pattern| action_fits(pattern)),
        _ => false,
    };
    let resource_fits =
        |pattern: &String| tokens(pattern, true, variables, ask).map(|tokens| fits(&tokens, &ask.resource));
    let resource = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(yes), _) => strings(yes).iter().any(|pattern| resource_fits(pattern) == Some(true)),
        (_, Some(no)) => strings(no).iter().all(|pattern| resource_fits(pattern) == Some(false)),
        _ => true,
    };
    let nothing = Map::new();
    let condition = statement.get("Condition").map_or(&nothing, |condition| condition.as_object().unwrap());
    let mut each = condition.iter().flat_map(|(operator, keys)| {
        keys.as_object().unwrap().iter().map(move |(key, wanted)| (operator, key, wanted))
    });
    action
        && resource
        && each.all(|(operator, key, wanted)| meets(operator, key, &strings(wanted), variables, ask))
}

fn strings(value: &Value) -> Vec<String> {
    list(value).iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
}

// Patterns.

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    /// A character, and whether it stands in the policy itself rather than in a variable's value.
    Char(char, bool),
    Any,
    Some,
}

/// Nothing where a variable has no value.
fn tokens(text: &str, wildcards: bool, variables: bool, ask: &Ask) -> Option<Vec<Token>> {
    let mut result = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        if variables && chars[at] == '$' && chars.get(at + 1) == Some(&'{') {
            let end = at + chars[at..].iter().position(|c| *c == '}').unwrap();
            let inner: String = chars[at + 2..end].iter().collect();
            let value = match inner.as_str() {
                "*" | "?" | "$" => inner.clone(),
                _ => value_of_variable(&inner, ask)?,
            };
            result.extend(value.chars().map(|c| Token::Char(c, false)));
            at = end + 1;
            continue;
        }
        result.push(match chars[at] {
            '*' if wildcards => Token::Some,
            '?' if wildcards => Token::Any,
            c => Token::Char(c, true),
        });
        at += 1;
    }
    Some(result)
}

fn value_of_variable(inner: &str, ask: &Ask) -> Option<String> {
    let (name, default) = match inner.find(',') {
        Some(comma) => (&inner[..comma], Some(inner[comma + 1..].trim().trim_matches('\'').to_owned())),
        None => (inner, None),
    };
    let found = look_up(name.trim(), ask);
    if found.len() == 1 { Some(found[0].clone()) } else { default }
}

/// A table of which prefix of the pattern fits which prefix of the text.
fn fits(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut table = vec![vec![false; text.len() + 1]; pattern.len() + 1];
    table[0][0] = true;
    for p in 1..=pattern.len() {
        for t in 0..=text.len() {
            table[p][t] = match pattern[p - 1] {
                Token::Some => table[p - 1][t] || (t > 0 && table[p][t - 1]),
                Token::Any => t > 0 && table[p - 1][t - 1],
                Token::Char(c, _) => t > 0 && text[t - 1] == c && table[p - 1][t - 1],
            };
        }
    }
    table[pattern.len()][text.len()]
}

// Condition keys.

fn look_up(key: &str, ask: &Ask) -> Vec<String> {
    let key = key.to_lowercase();
    let is = |name: &str| key == format!("aws:{name}");
    let one = |text: &str| vec![text.to_owned()];
    if let Some(tag) = key.strip_prefix("aws:principaltag/") {
        let tags = tags(&ask.caller);
        return tags.iter().filter(|(name, _)| name.to_lowercase() == tag).map(|(_, v)| v.clone()).collect();
    }
    match &ask.caller {
        Caller::User { name, .. } if is("username") => one(name),
        Caller::User { id, .. } if is("userid") => one(id),
        Caller::User { arn, .. } if is("principalarn") => one(arn),
        Caller::User { .. } if is("principaltype") => one("User"),
        Caller::Root(account) if is("userid") => one(account),
        Caller::Root(account) if is("principalarn") => one(&format!("arn:aws:iam::{account}:root")),
        Caller::Root(_) if is("principaltype") => one("Account"),
        Caller::Root(account) | Caller::User { account, .. } if is("principalaccount") => one(account),
        Caller::Root(_) | Caller::User { .. } if is("principalisawsservice") => one("false"),
        Caller::Anonymous if is("principaltype") => one("Anonymous"),
        Caller::Anonymous if is("userid") || is("principalaccount") => one("anonymous"),
        Caller::Service(_) if is("principalisawsservice") => one("true"),
        Caller::Service(name) if is("principalservicename") => one(name),
        _ => ask.context.get(&key).cloned().unwrap_or_default(),
    }
}

// Conditions.

fn meets(operator: &str, key: &str, wanted: &[String], variables: bool, ask: &Ask) -> bool {
    let has = look_up(key, ask);
    let mut operator = operator.to_lowercase();
    if operator == "null" {
        return wanted.iter().any(|text| text.to_lowercase() == has.is_empty().to_string());
    }
    let mut quantifier = String::new();
    if let Some((word, rest)) = operator.clone().split_once(':') {
        (quantifier, operator) = (word.to_owned(), rest.to_owned());
    }
    let if_exists = operator.ends_with("ifexists");
    let operator = operator.trim_end_matches("ifexists");
    let negative = operator.contains("not");
    let positive = operator.replace("not", "");
    // A value passes where it is, or for a negative operator is not, among the wanted.
    let passes = |value: &String| {
        let results: Vec<Option<bool>> =
            wanted.iter().map(|wanted| compares(&positive, value, wanted, variables, ask)).collect();
        if negative {
            results.iter().all(|result| *result == Some(false))
        } else {
            results.contains(&Some(true))
        }
    };
    match (quantifier.as_str(), has.is_empty()) {
        ("forallvalues", _) => has.iter().all(passes),
        ("foranyvalue", true) => if_exists,
        ("foranyvalue", false) => has.iter().any(passes),
        (_, true) => if_exists || negative,
        (_, false) if negative => has.iter().all(passes),
        (_, false) => has.iter().any(passes),
    }
}

/// Whether a value is what is wanted; nothing where that has a variable without a value.
fn compares(operator: &str, value: &str, wanted: &str, variables: bool, ask: &Ask) -> Option<bool> {
    let ordering = |relation: &str, order: Option<std::cmp::Ordering>| {
        order.is_some_and(|order| match relation {
            "equals" => order.is_eq(),
            "lessthan" => order.is_lt(),
            "lessthanequals" => order.is_le(),
            "greaterthan" => order.is_gt(),
            "greaterthanequals" => order.is_ge(),
            other => panic!("{other}"),
        })
    };
    Some(match operator {
        "stringequals" => fits(&tokens(wanted, false, variables, ask)?, value),
        "stringlike" => fits(&tokens(wanted, true, variables, ask)?, value),
        "stringequalsignorecase" => {
            let lower = |tokens: Vec<Token>| -> String {
                tokens.iter().map(|t| if let Token::Char(c, _) = t { *c } else { '?' }).collect()
            };
            lower(tokens(wanted, false, variables, ask)?).to_lowercase() == value.to_lowercase()
        }
        "arnequals" | "arnlike" => arn_compares(&tokens(wanted, true, variables, ask)?, value),
        "bool" => value.to_lowercase() == wanted.to_lowercase(),
        "binaryequals" => {
            let bytes = |text: &str| base64::prelude::BASE64_STANDARD.decode(text).ok();
            bytes(value).is_some() && bytes(value) == bytes(wanted)
        }
        "ipaddress" => bits(value).is_some_and(|value| value.starts_with(&prefix_bits(wanted))),
        other => match other.strip_prefix("numeric") {
            Some(relation) => {
                let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
                ordering(relation, number(value).zip(number(wanted)).and_then(|(a, b)| a.partial_cmp(&b)))
            }
            None => {
                let relation = other.strip_prefix("date").unwrap();
                ordering(relation, seconds(value).zip(seconds(wanted)).and_then(|(a, b)| a.partial_cmp(&b)))
            }
        },
    })
}

fn arn_compares(pattern: &[Token], value: &str) -> bool {
    if !pattern.is_empty() && pattern.iter().all(|token| *token == Token::Some) {
        return true;
    }
    let colon = Token::Char(':', true);
    let parts: Vec<&[Token]> = pattern.splitn(6, |token| *token == colon).collect();
    if parts.len() < 6 {
        // The ARN is in a variable.
        return fits(pattern, value);
    }
    let values: Vec<&str> = value.splitn(6, ':').collect();
    values.len() == 6 && parts.iter().zip(values).all(|(part, value)| fits(part, value))
}

/// Family and address as a text of bits.
fn bits(address: &str) -> Option<String> {
    let bytes = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:08b}")).collect::<String>();
    if let Ok(v4) = address.parse::<std::net::Ipv4Addr>() {
        return Some(format!("4:{}", bytes(&v4.octets())));
    }
    let all = bytes(&address.parse::<std::net::Ipv6Addr>().ok()?.octets());
    match all.strip_prefix(&format!("{}{}", "0".repeat(80), "1".repeat(16))) {
        Some(v4) => Some(format!("4:{v4}")),
        None => Some(format!("6:{all}")),
    }
}

fn prefix_bits(range: &str) -> String {
    let (address, length) =
        range.split_once('/').map_or((range, None), |(a, n)| (a, n.parse::<usize>().ok()));
    let all = bits(address).unwrap();
    let full = all.len() - 2;
    // A range of mapped addresses counts its prefix in 128 bits.
    let length =
        length.map_or(full, |length| if address.contains(':') && full == 32 { length - 96 } else { length });
    all[..2 + length].to_owned()
}

/// Seconds since 1970, counted day by day.
fn seconds(text: &str) -> Option<f64> {
    if text.len() != 4 && text.parse::<i64>().is_ok() {
        return text.parse().ok();
    }
    let (date, time) = text.split_once('T').map_or((text, "00:00Z"), |(date, time)| (date, time));
    let date: Vec<i64> = date.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (year, month, day) = (date[0], *date.get(1).unwrap_or(&1), *date.get(2).unwrap_or(&1));
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut days = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum::<i64>();
    for earlier in 1..month {
        days += match earlier {
            2 => 28 + i64::from(leap(year)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
    }
    days += day - 1;
    let (clock, offset) = match time.strip_suffix('Z') {
        Some(clock) => (clock, 0.0),
        None => {
            let at = time.rfind(['+', '-'])?;
            let (hours, minutes) = time[at + 1..].split_once(':')?;
            let size = hours.parse::<f64>().ok()? * 3600.0 + minutes.parse::<f64>().ok()? * 60.0;
            (&time[..at], if time[at..].starts_with('+') { size } else { -size })
        }
    };
    let clock: Vec<f64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let in_day = clock[0] * 3600.0 + clock.get(1)? * 60.0 + clock.get(2).unwrap_or(&0.0);
    Some(days as f64 * 86_400.0 + in_day - offset)
}
