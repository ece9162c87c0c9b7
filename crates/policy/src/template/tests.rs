#![allow(clippy::unwrap_used)]
use super::*;
use crate::context::NoContext;
use crate::evaluate::Principal;
use proptest::prelude::*;

const FULL: Syntax = Syntax { wildcards: true, variables: true };

fn facts() -> Facts<'static> {
    Facts { principal: &Principal::Root { account: "111111111111" }, context: &NoContext }
}

fn matches(pattern: &str, text: &str) -> Option<bool> {
    Template::compile(pattern, FULL).unwrap().matches(text, Case::Matters, &facts())
}

#[test]
fn wildcards() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("**", "abc", true),
        ("?", "", false),
        ("?", "é", true),
        ("??", "é", false),
        ("a*", "a", true),
        ("*a", "ba", true),
        ("*a", "ab", false),
        ("a*b*c", "aXbXbXc", true),
        ("a*b*c", "aXbXbX", false),
        ("*ab", "aab", true),
        ("*?b", "ab", true),
        ("*?b", "b", false),
        ("*aab*aac", "aaabaaac", true),
        ("é*", "éa", true),
    ] {
        assert_eq!(matches(pattern, text), Some(expected), "{pattern} {text}");
    }
}

#[test]
fn variables() {
    for (pattern, text, expected) in [
        ("${aws:userid}", "111111111111", Some(true)),
        ("q-${AWS:UserId}-*", "q-111111111111-x", Some(true)),
        ("${aws:username}", "", None),
        ("${aws:username, 'guest'}", "guest", Some(true)),
        ("${aws:username,''}x", "x", Some(true)),
        ("${aws:userid, 'guest'}", "guest", Some(false)),
        ("${*}", "*", Some(true)),
        ("${*}", "a", Some(false)),
        ("${?}${$}", "?$", Some(true)),
        ("$", "$", Some(true)),
        ("a$*", "a$b", Some(true)),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
    for pattern in ["${", "${a", "${}", "${ }", "${a,b}", "${a,'b}", "${,'b'}", "${${a}}"] {
        assert!(Template::compile(pattern, FULL).is_err(), "{pattern}");
    }
    let plain = Template::compile("${aws:userid}", Syntax { wildcards: true, variables: false }).unwrap();
    assert!(plain.matches_plainly("${aws:userid}", Case::Matters));
}

#[test]
fn a_hard_pattern_takes_no_longer_than_its_size_says() {
    let pattern = Template::compile(&format!("{}b", "a*".repeat(2000)), FULL).unwrap();
    let text = "a".repeat(20_000);
    assert!(!pattern.matches_plainly(&text, Case::Matters));
    let pattern = Template::compile(&format!("*{}b*{}c", "a".repeat(500), "?a".repeat(500)), FULL).unwrap();
    assert!(!pattern.matches_plainly(&text, Case::Matters));
}

/// The rules of wildcards, word for word: exponential, and plain to see.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=text.len()).any(|skipped| naive(rest, &text[skipped..])),
        (['?', rest @ ..], [_, text @ ..]) => naive(rest, text),
        ([p, rest @ ..], [t, text @ ..]) => p == t && naive(rest, text),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_naive_matcher(pattern in "[ab*?é]{0,8}", text in "[abé]{0,10}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(matches(&pattern, &text), Some(naive(&chars(&pattern), &chars(&text))));
        let template = Template::action(&pattern).unwrap();
        let shouted = text.to_ascii_uppercase();
        prop_assert_eq!(template.matches_plainly(&shouted, Case::AsciiLower), naive(&chars(&pattern), &chars(&text)));
    }
}
