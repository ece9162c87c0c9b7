#![allow(clippy::unwrap_used)]
use super::*;

fn parse(text: &str, kind: Kind) -> Result<Document, PolicyError> {
    Document::parse(text, kind, &Limits::QUEUE)
}

fn resource(statement: &str) -> String {
    format!("{{\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"sqs:SendMessage\",{statement}}}]}}")
}

fn error(text: &str, kind: Kind) -> String {
    parse(text, kind).expect_err(text).to_string()
}

#[test]
fn what_a_queue_takes() {
    for statement in [
        r#""Principal":"*""#,
        r#""Principal":{"AWS":"*"}"#,
        r#""Principal":{"AWS":["111111111111","arn:aws:iam::111111111111:root","arn:aws:iam::1:user/a/b"]}"#,
        r#""Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/r/s"}"#,
        r#""Principal":{"AWS":"arn:aws-cn:iam::111111111111:role/r"}"#,
        r#""Principal":{"AWS":"AIDACKCEVSQ6C2EXAMPLE"}"#,
        r#""Principal":{"aws":"111111111111"}"#,
        r#""Principal":{"Service":"sns.amazonaws.com","Federated":"cognito","CanonicalUser":"ab"}"#,
        r#""NotPrincipal":{"AWS":["1","2"]}"#,
        r#""Principal":"*","Sid":"Queue1_Send-1","Resource":"arn:aws:sqs:us-east-1:1:q""#,
        r#""Principal":"*","Condition":{}"#,
        r#""Principal":"*","Condition":{"StringEquals":{}}"#,
        r#""Principal":"*","Condition":{"StringEquals":{"a":[]}}"#,
        r#""Principal":"*","Condition":{"bool":{"aws:SecureTransport":false}}"#,
        r#""Principal":"*","Condition":{"NumericLessThan":{"k":[1,"2",3.5]}}"#,
        r#""Principal":"*","Condition":{"ForAnyValue:StringLikeIfExists":{"k":"*"}}"#,
    ] {
        assert!(parse(&resource(statement), Kind::Resource).is_ok(), "{statement}");
    }
    let whole = r#"{"Version":"2012-10-17","Id":"x","Statement":
        {"Effect":"Deny","NotPrincipal":"*","NotAction":"*","NotResource":"*"}}"#;
    let document = parse(whole, Kind::Resource).unwrap();
    assert_eq!((document.id(), document.statement_count()), (Some("x"), 1));
}

#[test]
fn errors_say_where_and_what() {
    for (statement, expected) in [
        (r#""Sid":"x""#, "Statement[0]: has no Principal"),
        (r#""Principal":"me""#, "Statement[0].Principal: neither \"*\" nor an object"),
        (r#""Principal":{}"#, "Statement[0].Principal: names nobody"),
        (r#""Principal":{"AWS":[]}"#, "Statement[0].Principal.AWS: an empty list"),
        (r#""Principal":{"AWS":["1",2]}"#, "Statement[0].Principal.AWS[1]: not a text"),
        (r#""Principal":{"Foo":"x"}"#, "Statement[0].Principal.Foo: not a kind of principal"),
        (
            r#""Principal":{"AWS":"arn:aws:iam::1:user/*"}"#,
            "Statement[0].Principal.AWS: arn:aws:iam::1:user/*: a principal has no wildcards in it",
        ),
        (
            r#""Principal":{"AWS":"arn:aws:iam::1:group/g"}"#,
            "Statement[0].Principal.AWS: arn:aws:iam::1:group/g: not an account, nor the ARN of an account, user or role",
        ),
        (r#""Principal":{"Service":"*"}"#, "Statement[0].Principal.Service: *: not a service"),
        (r#""Principal":"*","NotPrincipal":"*""#, "Statement[0].NotPrincipal: stands beside its contrary"),
        (r#""Principal":"*","NotAction":"*""#, "Statement[0].NotAction: stands beside its contrary"),
        (r#""Principal":"*","Foo":1"#, "Statement[0].Foo: not an element of a statement"),
        (r#""Principal":"*","Effect":"Deny""#, "Statement[0].Effect: is there twice"),
        (r#""Principal":"*","Resource":["*","q"]"#, "Statement[0].Resource[1]: q: neither an ARN nor \"*\""),
        (r#""Principal":"*","Condition":"x""#, "Statement[0].Condition: not an object"),
        (
            r#""Principal":"*","Condition":{"Like":{}}"#,
            "Statement[0].Condition.Like: not a condition operator",
        ),
        (
            r#""Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/40"}}"#,
            "Statement[0].Condition.IpAddress.aws:SourceIp: not an address range",
        ),
        (
            r#""Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["::1","x"]}}"#,
            "Statement[0].Condition.IpAddress.aws:SourceIp[1]: not an address range",
        ),
        (
            r#""Principal":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"soon"}}"#,
            "Statement[0].Condition.DateLessThan.aws:CurrentTime: not a date of ISO 8601 or seconds since 1970",
        ),
        (
            r#""Principal":"*","Condition":{"Bool":{"k":"yes"}}"#,
            "Statement[0].Condition.Bool.k: not true or false",
        ),
        (
            r#""Principal":"*","Condition":{"NumericEquals":{"k":"one"}}"#,
            "Statement[0].Condition.NumericEquals.k: not a number",
        ),
        (
            r#""Principal":"*","Condition":{"BinaryEquals":{"k":"%"}}"#,
            "Statement[0].Condition.BinaryEquals.k: not base64",
        ),
        (
            r#""Principal":"*","Condition":{"ArnLike":{"k":"arn:aws:x"}}"#,
            "Statement[0].Condition.ArnLike.k: not an ARN",
        ),
        (
            r#""Principal":"*","Condition":{"NullIfExists":{"k":"true"}}"#,
            "Statement[0].Condition.NullIfExists: Null stands alone",
        ),
        (
            r#""Principal":"*","Condition":{"StringEquals":{"k":{}}}"#,
            "Statement[0].Condition.StringEquals.k: not a text, number or boolean",
        ),
        (
            r#""Principal":"*","Condition":{"Bool":{"k":"true","k":"false"}}"#,
            "Statement[0].Condition.Bool.k: is there twice",
        ),
    ] {
        assert_eq!(error(&resource(statement), Kind::Resource), expected, "{statement}");
    }
}

#[test]
fn errors_of_the_whole() {
    let good = r#"{"Effect":"Allow","Principal":"*","Action":"*","Sid":"s"}"#;
    for (text, expected) in [
        ("{}".to_owned(), "has no Statement"),
        ("[]".to_owned(), "not an object"),
        (r#"{"Statement":[]}"#.to_owned(), "Statement: an empty list"),
        (r#"{"Statement":[1]}"#.to_owned(), "Statement[0]: not an object"),
        (r#"{"Statement":[{}]}"#.to_owned(), "Statement[0]: has no Principal"),
        (
            format!(r#"{{"Version":"2020-01-01","Statement":{good}}}"#),
            "Version: neither 2008-10-17 nor 2012-10-17",
        ),
        (format!(r#"{{"Version":1,"Statement":{good}}}"#), "Version: not a text"),
        (format!(r#"{{"Id":1,"Statement":{good}}}"#), "Id: not a text"),
        (format!(r#"{{"Other":1,"Statement":{good}}}"#), "Other: not an element of a policy"),
        (format!(r#"{{"Statement":{good},"Statement":{good}}}"#), "Statement: is there twice"),
        (format!(r#"{{"Statement":[{good},{good}]}}"#), "Statement[1].Sid: another statement has \"s\" too"),
        (
            good.replace("\"*\",\"Sid", "\"SendMessage\",\"Sid").replace('{', "{\"Statement\":{") + "}",
            "Statement[0].Action: SendMessage: not an action with its service, such as sqs:SendMessage",
        ),
        (r#"{"Statement":{"Effect":"Perhaps"}}"#.to_owned(), "Statement[0].Effect: neither Allow nor Deny"),
    ] {
        assert_eq!(error(&text, Kind::Resource), expected, "{text}");
    }
    assert!(error("x", Kind::Resource).starts_with("not JSON: "));
    assert!(error(&"[".repeat(5000), Kind::Resource).starts_with("not JSON: "));
}

#[test]
fn a_users_policy_names_resources_and_no_principal() {
    let with = |rest: &str| format!(r#"{{"Statement":{{"Effect":"Allow","Action":"sqs:*",{rest}}}}}"#);
    assert!(parse(&with(r#""Resource":"*""#), Kind::Identity).is_ok());
    for (rest, expected) in [
        (
            r#""Resource":"*","Principal":"*""#,
            "Statement[0].Principal: an identity policy names no principal",
        ),
        (r#""Sid":"s""#, "Statement[0]: has no Resource"),
        (r#""Resource":"*","Sid":"a_b""#, "Statement[0].Sid: has more than letters and digits"),
    ] {
        assert_eq!(error(&with(rest), Kind::Identity), expected, "{rest}");
    }
}

#[test]
fn variables_are_looked_at_only_where_they_are_some() {
    let with = |version: &str| {
        format!(
            r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:::${{"}}}}"#
        )
    };
    assert!(parse(&with("2008-10-17"), Kind::Identity).is_ok());
    let found = error(&with("2012-10-17"), Kind::Identity);
    assert_eq!(found, "Statement[0].Resource: a variable without its closing brace");
}

#[test]
fn limits() {
    let one = r#"{"Effect":"Allow","Action":"sqs:SendMessage","Principal":"*"}"#;
    let many = format!("{{\"Statement\":[{}]}}", [one; 22].join(","));
    let expected = PolicyError::TooMany { what: "statements", found: 22, allowed: 20 };
    assert_eq!(parse(&many, Kind::Resource).unwrap_err(), expected);
    assert_eq!(expected.to_string(), "22 statements were found in the submitted policy, max allowed is 20");
    let accounts = vec!["\"222222222222\""; 51].join(",");
    let text = resource(&format!("\"Principal\":{{\"AWS\":[{accounts}]}}"));
    let expected = PolicyError::TooMany { what: "principals", found: 51, allowed: 50 };
    assert_eq!(parse(&text, Kind::Resource).unwrap_err(), expected);
    let keys: Vec<String> = (0..11).map(|index| format!("\"k{index}\":\"v\"")).collect();
    let text =
        resource(&format!("\"Principal\":\"*\",\"Condition\":{{\"StringEquals\":{{{}}}}}", keys.join(",")));
    let expected = PolicyError::TooMany { what: "conditions", found: 11, allowed: 10 };
    assert_eq!(parse(&text, Kind::Resource).unwrap_err(), expected);
    let text = " ".repeat(8193);
    let expected = PolicyError::TooLong { found_bytes: 8193, allowed_bytes: 8192 };
    assert_eq!(parse(&text, Kind::Resource).unwrap_err(), expected);
}
