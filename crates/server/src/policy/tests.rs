#![allow(clippy::unwrap_used)]

use super::{Grant, add, check, remove};
use bongsu_engine::QueueName;
use bongsu_wire::ErrorKind;

fn queue() -> QueueName {
    QueueName::new("111111111111", "us-east-1", "jobs")
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

fn grant(policy: Option<&str>, label: &str, accounts: &[&str], actions: &[&str]) -> String {
    let (accounts, actions) = (texts(accounts), texts(actions));
    let grant = Grant { label, accounts: &accounts, actions: &actions };
    grant.check().unwrap();
    add(policy, &queue(), &grant).unwrap()
}

#[test]
fn the_first_permission_makes_the_default_policy() {
    assert_eq!(
        grant(None, "cross", &["222222222222"], &["ReceiveMessage"]),
        "{\"Version\":\"2008-10-17\",\"Id\":\"arn:aws:sqs:us-east-1:111111111111:jobs/SQSDefaultPolicy\",\"Statement\":[\
         {\"Sid\":\"cross\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::222222222222:root\"},\
         \"Action\":\"SQS:ReceiveMessage\",\"Resource\":\"arn:aws:sqs:us-east-1:111111111111:jobs\"}]}"
    );
}

#[test]
fn several_accounts_and_actions_are_lists() {
    let policy = grant(None, "cross", &["222222222222", "333333333333"], &["SendMessage", "*"]);
    assert!(policy.contains(
        "\"Principal\":{\"AWS\":[\"arn:aws:iam::222222222222:root\",\"arn:aws:iam::333333333333:root\"]},\
         \"Action\":[\"SQS:SendMessage\",\"SQS:*\"]"
    ));
}

#[test]
fn permissions_come_and_go_one_by_one() {
    let first = grant(None, "a", &["222222222222"], &["SendMessage"]);
    let both = grant(Some(&first), "b", &["222222222222"], &["SendMessage"]);
    let second = remove(Some(&both), "a").unwrap().unwrap();
    assert_eq!(second, first.replace("\"Sid\":\"a\"", "\"Sid\":\"b\""));
    assert_eq!(remove(Some(&second), "b").unwrap(), None);
}

#[test]
fn a_users_own_policy_keeps_what_it_says() {
    let own = "{\"Version\": \"2012-10-17\", \"Statement\": {\"Effect\": \"Deny\", \"Sid\": \"own\", \"Principal\": \"*\", \
               \"Action\": \"sqs:*\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}}";
    assert_eq!(check(own), Ok(()));
    let both = grant(Some(own), "a", &["222222222222"], &["SendMessage"]);
    assert!(both.starts_with(
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"own\",\"Effect\":\"Deny\",\"Principal\":\"*\",\
         \"Action\":\"sqs:*\",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}}},{\"Sid\":\"a\""
    ));
}

#[test]
fn labels_are_unique() {
    let policy = grant(None, "cross", &["222222222222"], &["SendMessage"]);
    let (accounts, actions) = (texts(&["333333333333"]), texts(&["SendMessage"]));
    let again = Grant { label: "cross", accounts: &accounts, actions: &actions };
    let error = add(Some(&policy), &queue(), &again).unwrap_err();
    assert_eq!(error.message, "Value cross for parameter Label is invalid. Reason: Already exists.");
    let error = remove(Some(&policy), "other").unwrap_err();
    assert_eq!(error.message, "Value other for parameter Label is invalid. Reason: can't find label.");
    assert_eq!(remove(None, "other").unwrap_err(), error);
}

#[test]
fn a_policy_has_at_most_twenty_statements() {
    let mut policy = None;
    for index in 0..20 {
        policy = Some(grant(policy.as_deref(), &format!("l{index}"), &["222222222222"], &["SendMessage"]));
    }
    let (accounts, actions) = (texts(&["333333333333"]), texts(&["SendMessage"]));
    let one_more = Grant { label: "more", accounts: &accounts, actions: &actions };
    let error = add(policy.as_deref(), &queue(), &one_more).unwrap_err();
    assert_eq!(error.kind, ErrorKind::OverLimit);
    assert_eq!(error.message, "21 Statements were found, maximum allowed is 20.");
}

/// Sixty accounts were stored, could not be read again, and from then on nobody but the owner's root had access.
#[test]
fn a_permission_that_makes_a_policy_too_large_is_refused() {
    let queue = queue();
    let accounts = |count: u64| -> Vec<String> {
        (0..count).map(|number| format!("{:012}", 222_222_222_222 + number)).collect()
    };
    let actions = texts(&["SendMessage"]);
    let add_accounts = |policy: Option<&str>, count: u64| {
        let accounts = accounts(count);
        let grant = Grant { label: "many", accounts: &accounts, actions: &actions };
        grant.check().unwrap();
        add(policy, &queue, &grant)
    };
    let error = add_accounts(None, 60).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::OverLimit, "60 principals were found in the submitted policy, max allowed is 50")
    );
    let full = add_accounts(None, 50).unwrap();
    assert_eq!(check(&full), Ok(()));
    let (accounts, one_more) = (accounts(1), "another");
    let grant = Grant { label: one_more, accounts: &accounts, actions: &actions };
    assert_eq!(add(Some(&full), &queue, &grant).unwrap_err().kind, ErrorKind::OverLimit);
    let long = statement(&format!("\"Principal\":\"*\",\"Sid\":\"{}\"", "s".repeat(8_000)));
    assert_eq!(check(&long), Ok(()));
    let error = add(Some(&long), &queue, &grant).unwrap_err();
    assert_eq!(error.kind, ErrorKind::OverLimit, "{}", error.message);
}

/// What an older version stored can be unreadable; what is left of it must not be stored as if it were a policy.
#[test]
fn what_a_removal_leaves_is_a_policy_or_is_refused() {
    let bad =
        "{\"Statement\":[{\"Sid\":\"a\",\"Effect\":\"Perhaps\"},{\"Sid\":\"b\",\"Effect\":\"Perhaps\"}]}";
    assert_eq!(remove(Some(bad), "a").unwrap_err().kind, ErrorKind::InvalidAttributeValue);
    let mended = bad.replace(
        "\"b\",\"Effect\":\"Perhaps\"",
        "\"b\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\"",
    );
    assert!(remove(Some(&mended), "a").unwrap().is_some());
    assert_eq!(remove(Some(bad), "b").unwrap_err().kind, ErrorKind::InvalidAttributeValue);
}

/// A text of megabytes is refused for its length alone, in the words for any other that is no policy.
#[test]
fn a_text_that_is_too_long_is_no_policy() {
    let padded = |length: usize| {
        let policy = statement("\"Principal\":\"*\"");
        format!("{policy}{}", " ".repeat(length - policy.len()))
    };
    assert_eq!(check(&padded(8_192)), Ok(()));
    // One with too many statements as well: it is not read so far.
    let one = "{\"Effect\":\"Allow\",\"Action\":\"sqs:SendMessage\",\"Principal\":\"*\"}";
    let many = format!("{{\"Statement\":[{}]}}", vec![one; 1_000].join(","));
    for text in [padded(8_193), many] {
        let error = check(&text).unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::InvalidAttributeValue, "Invalid value for the parameter Policy.")
        );
    }
}

#[test]
fn grants_that_sqs_refuses() {
    let eight = ["SendMessage"; 8];
    let long = "l".repeat(81);
    let cases: [(&str, &[&str], &[&str], &str); 8] = [
        ("l", &["222222222222"], &eight, "8 Actions were found, maximum allowed is 7."),
        (
            "l",
            &["222222222222"],
            &["CreateQueue"],
            "Value SQS:CreateQueue for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke \
             this action.",
        ),
        (
            "l",
            &["222222222222"],
            &["SendMessageBatch"],
            "Value SQS:SendMessageBatch for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL \
             for a list of valid actions.",
        ),
        (
            "l",
            &["*"],
            &["SendMessage"],
            "Value [*] for parameter PrincipalId is invalid. Reason: Unable to verify.",
        ),
        (
            "l",
            &[],
            &["SendMessage"],
            "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify.",
        ),
        ("", &["222222222222"], &["SendMessage"], "The request must contain the parameter Label."),
        (
            "a b",
            &["222222222222"],
            &["SendMessage"],
            "Value a b for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or \
             underscores. 1 to 80 in length",
        ),
        (&long, &["222222222222"], &["SendMessage"], ""),
    ];
    for (label, accounts, actions, message) in cases {
        let (accounts, actions) = (texts(accounts), texts(actions));
        let error = Grant { label, accounts: &accounts, actions: &actions }.check().unwrap_err();
        if !message.is_empty() {
            assert_eq!(error.message, message);
        }
    }
}

fn statement(rest: &str) -> String {
    format!("{{\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"sqs:SendMessage\",{rest}}}]}}")
}

#[test]
fn policies_that_users_have() {
    let topic = "\"Principal\":{\"Service\":\"sns.amazonaws.com\"},\"Resource\":\"arn:aws:sqs:us-east-1:1:q\",\
                 \"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":\"arn:aws:sns:us-east-1:1:t\"}}";
    for policy in [
        String::new(),
        statement("\"Principal\":\"*\""),
        statement("\"Principal\":{\"AWS\":\"*\"}"),
        statement("\"NotPrincipal\":{\"AWS\":[\"1\",\"2\"]}"),
        statement(topic),
    ] {
        assert_eq!(check(&policy), Ok(()), "{policy}");
    }
}

#[test]
fn texts_that_are_no_policy() {
    for policy in [
        "x",
        "[]",
        "{}",
        "{\"Statement\":[]}",
        "{\"Statement\":[1]}",
        "{\"Statement\":[{}]}",
        "{\"Version\":\"2020-01-01\",\"Statement\":[]}",
        &statement("\"Principal\":\"*\",\"Foo\":1"),
        &statement("\"Principal\":\"me\""),
        &statement("\"Principal\":{\"AWS\":1}"),
        &statement("\"Principal\":\"*\",\"NotPrincipal\":\"*\""),
        &statement("\"Sid\":\"without principal\""),
        &statement("\"Principal\":\"*\",\"Condition\":\"x\""),
        &statement("\"Principal\":\"*\"").replace("Allow", "Perhaps"),
    ] {
        let error = check(policy).unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::InvalidAttributeValue, "Invalid value for the parameter Policy."),
            "{policy}"
        );
    }
}

#[test]
fn policies_beyond_the_quotas() {
    let one = "{\"Effect\":\"Allow\",\"Action\":\"sqs:SendMessage\",\"Principal\":\"*\"}";
    let many = format!("{{\"Statement\":[{}]}}", [one; 22].join(","));
    let error = check(&many).unwrap_err();
    assert_eq!(error.message, "22 statements were found in the submitted policy, max allowed is 20");
    let accounts = vec!["\"222222222222\""; 51].join(",");
    let error = check(&statement(&format!("\"Principal\":{{\"AWS\":[{accounts}]}}"))).unwrap_err();
    assert_eq!(error.message, "51 principals were found in the submitted policy, max allowed is 50");
    let keys: Vec<String> = (0..11).map(|index| format!("\"k{index}\":\"v\"")).collect();
    let condition = format!("\"Principal\":\"*\",\"Condition\":{{\"StringEquals\":{{{}}}}}", keys.join(","));
    let error = check(&statement(&condition)).unwrap_err();
    assert_eq!(error.message, "11 conditions were found in the submitted policy, max allowed is 10");
}
