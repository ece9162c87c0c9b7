#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Around, Object, Value, find, read};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

fn around_with<T>(variables: &[(&str, &str)], run: impl FnOnce(&Around<'_>) -> T) -> T {
    let variables: BTreeMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let files = |name: &str| match name {
        "other.conf" => Some("a = 2, b { c = included }".to_owned()),
        "itself.conf" => Some("include \"itself.conf\"".to_owned()),
        _ => None,
    };
    run(&Around { read: &files, variables: &variables })
}

fn json_of(object: &Object) -> Json {
    let value = |value: &Value| match value {
        Value::Null => Json::Null,
        Value::Text(text) => json!(text),
        Value::List(items) => items
            .iter()
            .map(|item| match &item.value {
                Value::Object(object) => json_of(object),
                Value::Text(text) => json!(text),
                other => json!(format!("{other:?}")),
            })
            .collect(),
        Value::Object(object) => json_of(object),
    };
    object.iter().map(|(name, node)| (name.clone(), value(&node.value))).collect()
}

fn parsed(text: &str) -> Result<Json, String> {
    around_with(&[("HOME", "/home/me"), ("PORT", "7")], |around| {
        read("x.conf", text, around).map(|read| json_of(&read.root)).map_err(|error| error.to_string())
    })
}

#[test]
fn texts_objects_and_lists() {
    for (text, expected) in [
        ("", json!({})),
        ("{ a : 1, }", json!({ "a": "1" })),
        ("a = 10 seconds # later\nb = x // y\nc = null", json!({ "a": "10 seconds", "b": "x", "c": null })),
        ("a.b.c = 1\na.b.d = 2\na { e = 3 }", json!({ "a": { "b": { "c": "1", "d": "2" }, "e": "3" } })),
        (r#""a.b" = "x # \"y\" \u0041\n""#, json!({ "a.b": "x # \"y\" A\n" })),
        ("a = \"\"\"1 \"2\" \\n\"\"\"\"", json!({ "a": "1 \"2\" \\n\"" })),
        ("a = [1, 2\n 3,]\na += 4", json!({ "a": ["1", "2", "3", "4"] })),
        ("a { b = 1 }\na = 2", json!({ "a": "2" })),
        ("a = 2\na { b = 1 }", json!({ "a": { "b": "1" } })),
        ("a\n{\n b = 1 }", json!({ "a": { "b": "1" } })),
        ("my queue { b = 1 }", json!({ "my queue": { "b": "1" } })),
        ("a = http\"://h:1/\"path", json!({ "a": "http://h:1/path" })),
        ("a=1\r\nb=2\r\n", json!({ "a": "1", "b": "2" })),
        ("a = yes / no", json!({ "a": "yes / no" })),
        ("includes = 1\ninclude = 2", json!({ "includes": "1", "include": "2" })),
    ] {
        assert_eq!(parsed(text), Ok(expected), "{text}");
    }
}

#[test]
fn substitutions_mean_values_of_the_file_and_then_of_the_environment() {
    for (text, expected) in [
        ("a = ${HOME}/q", json!({ "a": "/home/me/q" })),
        ("a = ${b.c} s\nb { c = 5 }", json!({ "a": "5 s", "b": { "c": "5" } })),
        ("a = 1\na = ${?PORT}", json!({ "a": "7" })),
        ("a = 1\na = ${?NONE}", json!({ "a": "1" })),
        ("a = ${?NONE}", json!({})),
        ("a = ${?NONE}x", json!({ "a": "x" })),
        (
            "base { x = 1, y = 1 }\na = ${base} { y = 2 }",
            json!({ "base": { "x": "1", "y": "1" }, "a": { "x": "1", "y": "2" } }),
        ),
        (
            "a = ${base}\na { y = 2 }\nbase { x = 1 }",
            json!({ "a": { "x": "1", "y": "2" }, "base": { "x": "1" } }),
        ),
        ("a = [1]\na = ${a} [2]", json!({ "a": ["1", "2"] })),
        ("a = x\na = ${a}y\na = ${a}z", json!({ "a": "xyz" })),
        ("x { a = [1] }\nx { a += 2 }", json!({ "x": { "a": ["1", "2"] } })),
        ("a = \"null\"", json!({ "a": "null" })),
        ("HOME = here\na = ${HOME}", json!({ "HOME": "here", "a": "here" })),
    ] {
        assert_eq!(parsed(text), Ok(expected), "{text}");
    }
}

#[test]
fn files_are_included() {
    assert_eq!(
        parsed("a = 1\ninclude \"other.conf\"\nb.d = 3"),
        Ok(json!({ "a": "2", "b": { "c": "included", "d": "3" } }))
    );
    assert_eq!(parsed("x { include required(file(\"other.conf\")) }").unwrap()["x"]["a"], "2");
    let passed_over = |text: &str| {
        let read = around_with(&[], |around| read("x.conf", text, around)).unwrap();
        read.passed_over.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")
    };
    assert_eq!(
        passed_over("\ninclude classpath(\"application.conf\")\na = 1"),
        "x.conf:2: include classpath(\"application.conf\") means nothing outside of a Java program"
    );
    assert_eq!(passed_over("include \"none.conf\""), "x.conf:1: there is no file none.conf to include");
}

#[test]
fn mistakes_are_named_by_line() {
    for (text, reason) in [
        ("a = 1\nb = {", "x.conf:2: an object is not closed"),
        ("a = [1", "x.conf:1: a list is not closed"),
        ("\n\na = \"x", "x.conf:3: a quote is not closed"),
        ("a = \"\"\"x", "a quote is not closed"),
        ("a =\n", "a value is missing"),
        ("a", "a value is missing for a"),
        ("a = b:c", "':' in a text has to be in quotes"),
        ("a = $x", "has to be in quotes"),
        ("a = ${x", "not closed"),
        ("\na = ${NONE}", "x.conf:2: there is no NONE"),
        ("a = ${b}\nb = ${a}", "substitutions mean each other"),
        ("{ a = 1 } }", "behind the end"),
        ("a = { } x", "can't be one value"),
        ("= 1", "a name is missing"),
        ("a..b = 1", "a name is missing"),
        ("a = \"\\x\"", "no such escape"),
        ("include nothing", "include is followed by"),
        ("include required(\"none.conf\")", "there is no file none.conf"),
        ("include \"itself.conf\"", "include each other"),
    ] {
        let error = parsed(text).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
    let deep = "a = ".to_owned() + &"[".repeat(10_000);
    assert!(parsed(&deep).unwrap_err().contains("nested too deeply"));
    let bomb: String = (1..40).map(|n| format!("a{n} = [${{a{}}}, ${{a{}}}]\n", n - 1, n - 1)).collect();
    assert!(parsed(&format!("a0 = [x]\n{bomb}")).unwrap_err().contains("too much"));
}

#[test]
fn values_know_where_they_stand() {
    let root = around_with(&[], |around| read("x.conf", "queues {\n  a { }\n\n  b.delay = 5 s\n}", around))
        .unwrap()
        .root;
    let line = |path: &[&str]| find(&root, path).unwrap().place.to_string();
    assert_eq!(line(&["queues", "a"]), "x.conf:2");
    assert_eq!(line(&["queues", "b", "delay"]), "x.conf:4");
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in r#"([a-c\.=:{}\[\],\n "$?#/+\\]|\$\{a\}|include|"""){0,60}"#) {
        let _ = parsed(&text);
    }

    #[test]
    fn json_is_hocon(
        names in prop::collection::btree_map("[a-z]{1,5}", "[ -~가]{0,12}", 0..6),
        list in prop::collection::vec("[ -~]{0,8}", 0..4),
    ) {
        let mut document = json!(names);
        document["A"] = json!(list);
        prop_assert_eq!(parsed(&document.to_string()), Ok(document.clone()));
        prop_assert_eq!(parsed(&format!("{document:#}")), Ok(document));
    }
}
