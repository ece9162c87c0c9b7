use super::{MAX_DEPTH, parse};
use crate::json::decode::{MAX_VALUES, parse_thoroughly};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

/// Whether the quick way reads it; if so, it must have read what the thorough way reads.
fn is_read(body: &[u8]) -> bool {
    let Some(members) = parse(body) else { return false };
    assert_eq!(Ok(members), parse_thoroughly(body), "{}", String::from_utf8_lossy(body));
    true
}

fn golden_requests() -> Vec<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let folders = |path: &std::path::Path| -> Vec<_> {
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let cases = folders(&root).into_iter().flat_map(|action| folders(&action));
    let requests: Vec<_> = cases.filter_map(|case| std::fs::read(case.join("request.json")).ok()).collect();
    assert!(requests.len() > 30);
    requests
}

#[test]
fn what_callers_send_is_read() {
    for body in golden_requests() {
        assert!(is_read(&body), "{}", String::from_utf8_lossy(&body));
    }
    for body in [
        "{}",
        " \n\t\r{ \"a\" : [ ] , \"b\" : { } , \"c\" : [ 1 , 2 ] } \n",
        r#"{"a":null,"b":true,"c":false,"d":0,"e":123456789012345,"a":1}"#,
        r#"{"a":"\"\\\/\b\f\n\r\t\u0041\u00e9\uFFFF\u0000\ud83d\ude00 and more","\u0061":"é"}"#,
        r#"{"a":{"a":{"a":[[{"a":"deep enough"}]]}}}"#,
    ] {
        assert!(is_read(body.as_bytes()), "{body}");
    }
}

#[test]
fn what_is_odd_or_wrong_is_left_to_the_thorough_way() {
    let values = |count: usize| format!("{{\"a\":[{}1]}}", "1,".repeat(count - 4));
    assert!(is_read(values(MAX_VALUES).as_bytes()));
    let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(is_read(deep(MAX_DEPTH).as_bytes()));
    let bodies =
        [values(MAX_VALUES + 1), deep(MAX_DEPTH + 1), "[".repeat(100_000), "{\"a\":".repeat(100_000)];
    let texts = [
        "",
        " ",
        "[]",
        "null",
        "1",
        "\"a\"",
        "{",
        "}",
        "{}{}",
        "{} x",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1 2]}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":00}",
        "{\"a\":1.5}",
        "{\"a\":1.0}",
        "{\"a\":1e1}",
        "{\"a\":-1}",
        "{\"a\":-0}",
        "{\"a\":1x}",
        "{\"a\":1234567890123456}",
        "{\"a\":99999999999999999999}",
        "{\"a\":nul}",
        "{\"a\":nulll}",
        "{\"a\":True}",
        "{\"a\":\"b\nc\"}",
        "{\"a\":\"b}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\",
        "{\"a\":\"\\u12",
        r#"{"a":"\u12g4"}"#,
        r#"{"a":"\u+123"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\ud800x"}"#,
        r#"{"a":"\ud800\ud800"}"#,
        r#"{"a":"\udc00"}"#,
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "\u{FEFF}{}",
        "{\u{A0}}",
        "{\u{B}}",
        "{1:1}",
        "{\"a\":1]",
        "{\"a\":[1}}",
    ];
    for body in bodies.iter().map(String::as_str).chain(texts) {
        assert!(!is_read(body.as_bytes()), "{body:.40}");
    }
    assert!(!is_read(b"{\"a\":\"\xff\"}"));
}

/// Any JSON, with texts and numbers of all kinds.
fn json() -> impl Strategy<Value = Value> {
    let text = || prop_oneof![any::<String>(), "[ -~]{0,60}", "(\\\\|\"|\n|é|a){0,9}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..100_u32).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let inner = leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((text(), inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    vec(("[a-zA-Z]{1,9}", inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// Requests, and any JSON, with a few bytes replaced or put in, and maybe the end missing.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let whole = prop_oneof![
        prop::sample::select(golden_requests()),
        json().prop_map(|value| value.to_string().into_bytes()),
        json().prop_map(|value| serde_json::to_vec_pretty(&value).unwrap()),
    ];
    let byte = prop::sample::select(b"{}[]\":,.-+0189eEu\\/bfnrtDdc \n\t\x0B\x7F\xEF\xff\x00".to_vec());
    let damage = vec((any::<prop::sample::Index>(), byte, any::<bool>()), 0..4);
    (whole, damage, any::<prop::sample::Index>()).prop_map(|(mut body, damage, end)| {
        for (place, byte, replaces) in damage {
            let at = place.index(body.len());
            if replaces { body[at] = byte } else { body.insert(at, byte) }
        }
        body.truncate(end.index(body.len() * 4));
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_read_is_what_the_thorough_way_reads(body in damaged()) {
        is_read(&body);
    }

    #[test]
    fn escapes_are_read_as_the_thorough_way_reads_them(
        text in r#"(\\["\\/bfnrtux]|\\u[0-9a-fA-F]{4}|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|[ -~é]){0,12}"#,
    ) {
        is_read(format!("{{\"a\":\"{text}\"}}").as_bytes());
    }

    #[test]
    fn requests_without_odd_numbers_are_read(texts in vec((any::<String>(), any::<String>(), any::<u32>()), 0..9)) {
        let entries: Vec<_> = texts.iter()
            .map(|(id, body, seconds)| serde_json::json!({"Id": id, "MessageBody": body, "DelaySeconds": seconds}))
            .collect();
        let body = serde_json::json!({"QueueUrl": "q", "Entries": entries}).to_string();
        prop_assert!(is_read(body.as_bytes()));
    }
}
