//! JSON that keeps to an order of members that people expect, and comes from a configuration file too.

use serde_json::{Map, Value};

/// A TOML value as JSON; dates become their text.
pub(crate) fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(boolean) => Value::from(boolean),
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(items) => Value::from(items.into_iter().map(from_toml).collect::<Vec<_>>()),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(name, value)| (name, from_toml(value))).collect())
        }
    }
}

/// Writes an object with these members first, in this order, and the rest by name.
pub(crate) fn write_object(
    map: &Map<String, Value>,
    first: &[&str],
    write_value: impl Fn(&str, &Value) -> String,
) -> String {
    let leading = first.iter().filter_map(|name| map.get_key_value(*name));
    let rest = map.iter().filter(|(name, _)| !first.contains(&name.as_str()));
    let members: Vec<String> = leading
        .chain(rest)
        .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), write_value(name, value)))
        .collect();
    format!("{{{}}}", members.join(","))
}
