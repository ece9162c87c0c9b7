//! The table of conditions: what a statement asks, what the request has, whether they meet. Alice asks; every row is
//! tried in an Allow and in a Deny, and by both evaluators.

use crate::asking::{Ask, Policies, verdict, whole};
use crate::naive::Verdict;

/// Operator, key and values as JSON; keys of the request; whether the condition holds.
type Row = (&'static str, &'static str, bool);

const TEXTS: &[Row] = &[
    (r#""StringEquals":{"k":"a"}"#, "k=a", true),
    (r#""StringEquals":{"k":"a"}"#, "k=A", false),
    (r#""StringEquals":{"k":"a"}"#, "", false),
    (r#""StringEquals":{"K":"a"}"#, "k=a", true),
    (r#""StringEquals":{"k":["a","b"]}"#, "k=b", true),
    (r#""StringEquals":{"k":["a","b"]}"#, "k=c", false),
    (r#""StringEquals":{"k":[]}"#, "k=c", false),
    (r#""StringEquals":{"k":"a*"}"#, "k=ab", false),
    (r#""StringEquals":{"k":"a*"}"#, "k=a*", true),
    (r#""StringEquals":{"k":""}"#, "k=", true),
    (r#""StringEquals":{"k":true}"#, "k=true", true),
    (r#""StringEquals":{"k":12}"#, "k=12", true),
    (r#""StringEquals":{"k":"a","l":"b"}"#, "k=a l=b", true),
    (r#""StringEquals":{"k":"a","l":"b"}"#, "k=a l=c", false),
    (r#""StringEquals":{"k":"a"},"StringLike":{"l":"b*"}"#, "k=a l=bc", true),
    (r#""StringEquals":{"k":"a"},"StringLike":{"l":"b*"}"#, "l=bc", false),
    (r#""StringEquals":{}"#, "", true),
    (r#""stringequals":{"k":"a"}"#, "k=a", true),
    (r#""StringNotEquals":{"k":"a"}"#, "k=b", true),
    (r#""StringNotEquals":{"k":"a"}"#, "k=a", false),
    (r#""StringNotEquals":{"k":"a"}"#, "", true),
    (r#""StringNotEquals":{"k":["a","b"]}"#, "k=b", false),
    (r#""StringNotEquals":{"k":["a","b"]}"#, "k=c", true),
    (r#""StringNotEquals":{"k":[]}"#, "k=c", true),
    (r#""StringEqualsIgnoreCase":{"k":"JoHn"}"#, "k=john", true),
    (r#""StringEqualsIgnoreCase":{"k":"ÄRGER"}"#, "k=ärger", true),
    (r#""StringEqualsIgnoreCase":{"k":"john*"}"#, "k=johns", false),
    (r#""StringEqualsIgnoreCase":{"k":"${aws:username}!"}"#, "k=ALICE!", true),
    (r#""StringNotEqualsIgnoreCase":{"k":"JoHn"}"#, "k=john", false),
    (r#""StringNotEqualsIgnoreCase":{"k":"JoHn"}"#, "k=jane", true),
    (r#""StringLike":{"k":"a?c*"}"#, "k=abcd", true),
    (r#""StringLike":{"k":"a?c*"}"#, "k=ac", false),
    (r#""StringLike":{"k":["x*","*d"]}"#, "k=abcd", true),
    (r#""StringLike":{"k":"A*"}"#, "k=abc", false),
    (r#""StringLike":{"k":"*"}"#, "", false),
    (r#""StringNotLike":{"k":"a*"}"#, "k=abc", false),
    (r#""StringNotLike":{"k":"a*"}"#, "k=b", true),
    (r#""StringNotLike":{"k":"a*"}"#, "", true),
    (r#""StringLike":{"aws:UserAgent":"Boto3/*"}"#, "aws:UserAgent=Boto3/1.34_md/Botocore", true),
    (r#""StringLike":{"aws:Referer":"https://example.com/*"}"#, "aws:Referer=https://example.com/a", true),
    (
        r#""StringEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]}"#,
        "aws:RequestedRegion=eu-west-1",
        true,
    ),
];

const NUMBERS: &[Row] = &[
    (r#""NumericEquals":{"size":"10"}"#, "size=10", true),
    (r#""NumericEquals":{"size":10}"#, "size=10.0", true),
    (r#""NumericEquals":{"size":"10"}"#, "size=11", false),
    (r#""NumericEquals":{"size":["10","11"]}"#, "size=11", true),
    (r#""NumericEquals":{"size":"10"}"#, "size=ten", false),
    (r#""NumericNotEquals":{"size":"10"}"#, "size=11", true),
    (r#""NumericNotEquals":{"size":["10","11"]}"#, "size=11", false),
    (r#""NumericNotEquals":{"size":"10"}"#, "", true),
    (r#""NumericLessThan":{"size":"10"}"#, "size=9.99", true),
    (r#""NumericLessThan":{"size":"10"}"#, "size=10", false),
    (r#""NumericLessThanEquals":{"size":"10"}"#, "size=10", true),
    (r#""NumericLessThanEquals":{"size":"10"}"#, "", false),
    (r#""NumericGreaterThan":{"size":"-1"}"#, "size=0", true),
    (r#""NumericGreaterThan":{"size":"10"}"#, "size=10", false),
    (r#""NumericGreaterThanEquals":{"size":"10"}"#, "size=10", true),
    (r#""NumericGreaterThanEquals":{"size":"9"}"#, "size=10", true),
];

const DATES: &[Row] = &[
    (
        r#""DateLessThan":{"aws:CurrentTime":"2009-06-30T12:00Z"}"#,
        "aws:CurrentTime=2009-06-30T11:59:59Z",
        true,
    ),
    (
        r#""DateLessThan":{"aws:CurrentTime":"2009-06-30T12:00Z"}"#,
        "aws:CurrentTime=2009-06-30T12:00:00Z",
        false,
    ),
    (
        r#""DateLessThan":{"aws:CurrentTime":"2009-06-30T14:00+02:00"}"#,
        "aws:CurrentTime=2009-06-30T11:59:59Z",
        true,
    ),
    (
        r#""DateLessThanEquals":{"aws:CurrentTime":"2009-06-30T12:00Z"}"#,
        "aws:CurrentTime=2009-06-30T12:00:00Z",
        true,
    ),
    (r#""DateGreaterThan":{"aws:CurrentTime":"2009-06-30"}"#, "aws:CurrentTime=2009-06-30T11:59:59Z", true),
    (r#""DateGreaterThan":{"aws:CurrentTime":"2009-07"}"#, "aws:CurrentTime=2009-06-30T11:59:59Z", false),
    (r#""DateGreaterThan":{"aws:CurrentTime":"2009"}"#, "aws:CurrentTime=2009-06-30T11:59:59Z", true),
    (
        r#""DateGreaterThanEquals":{"aws:CurrentTime":"1246363199"}"#,
        "aws:CurrentTime=2009-06-30T11:59:59Z",
        true,
    ),
    (
        r#""DateGreaterThanEquals":{"aws:CurrentTime":1246363200}"#,
        "aws:CurrentTime=2009-06-30T11:59:59Z",
        false,
    ),
    (
        r#""DateEquals":{"aws:CurrentTime":"2009-06-30T11:59:59Z"}"#,
        "aws:CurrentTime=2009-06-30T11:59:59Z",
        true,
    ),
    (
        r#""DateNotEquals":{"aws:CurrentTime":"2009-06-30T11:59:59Z"}"#,
        "aws:CurrentTime=2009-06-30T11:59:59Z",
        false,
    ),
    (r#""DateNotEquals":{"aws:CurrentTime":"2009-06-30T11:59:59Z"}"#, "", true),
    (r#""DateLessThan":{"aws:EpochTime":"2009-06-30T12:00Z"}"#, "aws:EpochTime=1246363199", true),
    (r#""DateLessThan":{"aws:EpochTime":"1246363200"}"#, "aws:EpochTime=1246363200", false),
    (r#""NumericLessThan":{"aws:EpochTime":"1246363200"}"#, "aws:EpochTime=1246363199", true),
    (r#""DateLessThan":{"aws:CurrentTime":"2009-06-30T12:00Z"}"#, "", false),
    (r#""StringLike":{"aws:CurrentTime":"2009-06-*"}"#, "aws:CurrentTime=2009-06-30T11:59:59Z", true),
];

const BOOLEANS_AND_BYTES: &[Row] = &[
    (r#""Bool":{"aws:SecureTransport":"true"}"#, "aws:SecureTransport=true", true),
    (r#""Bool":{"aws:SecureTransport":true}"#, "aws:SecureTransport=false", false),
    (r#""Bool":{"aws:SecureTransport":"FALSE"}"#, "aws:SecureTransport=false", true),
    (r#""Bool":{"aws:SecureTransport":["true","false"]}"#, "aws:SecureTransport=false", true),
    (r#""Bool":{"aws:MultiFactorAuthPresent":"true"}"#, "", false),
    (r#""Bool":{"aws:MultiFactorAuthPresent":"false"}"#, "", false),
    (r#""BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}"#, "", true),
    (r#""StringEquals":{"aws:SecureTransport":"true"}"#, "aws:SecureTransport=true", true),
    (r#""BinaryEquals":{"k":"QmluYXJ5"}"#, "k=QmluYXJ5", true),
    (r#""BinaryEquals":{"k":"QmluYXJ5"}"#, "k=QmluYXJ6", false),
    (r#""BinaryEquals":{"k":"QmluYXJ5"}"#, "k=%", false),
];

const ADDRESSES: &[Row] = &[
    (r#""IpAddress":{"aws:SourceIp":"10.52.176.0/24"}"#, "aws:SourceIp=10.52.176.200", true),
    (r#""IpAddress":{"aws:SourceIp":"10.52.176.0/24"}"#, "aws:SourceIp=10.52.177.1", false),
    (r#""IpAddress":{"aws:SourceIp":"10.52.176.0/24"}"#, "", false),
    (r#""IpAddress":{"aws:SourceIp":"10.52.176.0/24"}"#, "aws:SourceIp=::ffff:10.52.176.3", true),
    (r#""IpAddress":{"aws:SourceIp":"10.52.176.3"}"#, "aws:SourceIp=10.52.176.3", true),
    (
        r#""IpAddress":{"aws:SourceIp":["192.168.0.0/16","2001:db8::/32"]}"#,
        "aws:SourceIp=2001:db8:1::9",
        true,
    ),
    (r#""IpAddress":{"aws:SourceIp":["192.168.0.0/16","2001:db8::/32"]}"#, "aws:SourceIp=2001:db9::9", false),
    (r#""IpAddress":{"aws:SourceIp":"0.0.0.0/0"}"#, "aws:SourceIp=2001:db9::9", false),
    (r#""IpAddress":{"aws:SourceIp":"::ffff:10.0.0.0/104"}"#, "aws:SourceIp=10.9.8.7", true),
    (r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, "aws:SourceIp=nonsense", false),
    (r#""NotIpAddress":{"aws:SourceIp":"10.52.176.0/24"}"#, "aws:SourceIp=10.52.176.200", false),
    (r#""NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","11.0.0.0/8"]}"#, "aws:SourceIp=11.1.1.1", false),
    (r#""NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","11.0.0.0/8"]}"#, "aws:SourceIp=12.1.1.1", true),
    (r#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, "", true),
    (r#""StringLike":{"aws:SourceIp":"10.52.*"}"#, "aws:SourceIp=10.52.176.3", true),
];

const ARNS: &[Row] = &[
    (
        r#""ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:1:t"}"#,
        "aws:SourceArn=arn:aws:sns:us-east-1:1:t",
        true,
    ),
    (
        r#""ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:1:t"}"#,
        "aws:SourceArn=arn:aws:sns:us-east-1:1:T",
        false,
    ),
    (
        r#""ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:1:t*"}"#,
        "aws:SourceArn=arn:aws:sns:eu-west-1:1:topic",
        true,
    ),
    (r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:t?"}"#, "aws:SourceArn=arn:aws:sns:eu-west-1:1:t1", true),
    // A wildcard stays within its part.
    (r#""ArnLike":{"aws:SourceArn":"arn:*:*:*:*:t"}"#, "aws:SourceArn=arn:aws:sns:eu-west-1:1:a:t", false),
    (r#""ArnLike":{"aws:SourceArn":"arn:aws:s*:*:t:x"}"#, "aws:SourceArn=arn:aws:sns:eu:1:t", false),
    (
        r#""ArnLike":{"aws:SourceArn":"arn:aws:lambda:*:1:function:*"}"#,
        "aws:SourceArn=arn:aws:lambda:eu:1:function:f:2",
        true,
    ),
    (r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"}"#, "aws:SourceArn=arn:aws:s3:::bucket", true),
    (r#""ArnLike":{"aws:SourceArn":"*"}"#, "aws:SourceArn=arn:aws:s3:::bucket", true),
    (r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::b"}"#, "aws:SourceArn=bucket", false),
    (
        r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:*:${aws:PrincipalAccount}:*"}"#,
        "aws:SourceArn=arn:aws:sns:eu:111111111111:t",
        true,
    ),
    (
        r#""ArnLike":{"aws:SourceArn":"arn:aws:sns:*:${aws:PrincipalAccount}:*"}"#,
        "aws:SourceArn=arn:aws:sns:eu:2:t",
        false,
    ),
    (r#""ArnEquals":{"k":"${aws:PrincipalArn}"}"#, "k=arn:aws:iam::111111111111:user/alice", true),
    (r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:user/a*"}"#, "", true),
    (r#""ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:user/alice"}"#, "", false),
    (r#""ArnNotLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}"#, "aws:SourceArn=arn:aws:sqs:eu:1:q", true),
    (r#""ArnNotLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}"#, "", true),
];

const EXISTENCE: &[Row] = &[
    (r#""Null":{"k":"true"}"#, "", true),
    (r#""Null":{"k":"true"}"#, "k=a", false),
    (r#""Null":{"k":"false"}"#, "k=a", true),
    (r#""Null":{"k":false}"#, "", false),
    (r#""Null":{"k":["true","false"]}"#, "", true),
    (r#""Null":{"aws:username":"false"}"#, "", true),
    (r#""StringEqualsIfExists":{"k":"a"}"#, "", true),
    (r#""StringEqualsIfExists":{"k":"a"}"#, "k=b", false),
    (r#""StringNotEqualsIfExists":{"k":"a"}"#, "k=a", false),
    (r#""IpAddressIfExists":{"aws:SourceIp":"10.0.0.0/8"}"#, "", true),
    (r#""NumericLessThanIfExists":{"size":"1"}"#, "size=2", false),
    (r#""ArnLikeIfExists":{"aws:SourceArn":"arn:aws:sns:*:*:*"}"#, "", true),
];

const SEVERAL: &[Row] = &[
    (r#""ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}"#, "aws:TagKeys=c aws:TagKeys=b", true),
    (r#""ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}"#, "aws:TagKeys=c aws:TagKeys=d", false),
    (r#""ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}"#, "", false),
    (r#""ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}"#, "aws:TagKeys=a aws:TagKeys=d", true),
    (r#""ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}"#, "aws:TagKeys=a aws:TagKeys=b", false),
    (r#""ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}"#, "", false),
    (r#""ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":"a"}"#, "", true),
    (r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#, "aws:TagKeys=a aws:TagKeys=b", true),
    (r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#, "aws:TagKeys=a aws:TagKeys=c", false),
    (r#""ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}"#, "", true),
    (r#""ForAllValues:StringNotEquals":{"aws:TagKeys":["a","b"]}"#, "aws:TagKeys=c aws:TagKeys=d", true),
    (r#""ForAllValues:StringNotEquals":{"aws:TagKeys":["a","b"]}"#, "aws:TagKeys=a aws:TagKeys=d", false),
    (r#""forallvalues:StringLike":{"aws:TagKeys":"a*"}"#, "aws:TagKeys=ab aws:TagKeys=ac", true),
    (r#""ForAllValues:StringLike":{"aws:TagKeys":"a*"},"Null":{"aws:TagKeys":"false"}"#, "", false),
    (r#""StringEquals":{"aws:TagKeys":"b"}"#, "aws:TagKeys=a aws:TagKeys=b", true),
    (r#""StringNotEquals":{"aws:TagKeys":"b"}"#, "aws:TagKeys=a aws:TagKeys=b", false),
];

/// Keys that the caller has, and variables.
const CALLER: &[Row] = &[
    (r#""StringEquals":{"aws:username":"alice"}"#, "", true),
    (r#""StringEquals":{"aws:userid":"AIDAALICE"}"#, "", true),
    (r#""StringEquals":{"aws:PrincipalType":"User"}"#, "", true),
    (r#""StringEquals":{"aws:PrincipalAccount":"111111111111"}"#, "", true),
    (r#""Bool":{"aws:PrincipalIsAWSService":"false"}"#, "", true),
    (r#""StringEquals":{"aws:PrincipalTag/Team":"orders"}"#, "", true),
    (r#""StringEquals":{"aws:principaltag/TEAM":"orders"}"#, "", true),
    (r#""StringEquals":{"aws:PrincipalTag/other":"orders"}"#, "", false),
    // What the request says of the caller counts for nothing.
    (r#""StringEquals":{"aws:username":"bob"}"#, "aws:username=bob", false),
    (r#""StringEquals":{"aws:PrincipalTag/other":"x"}"#, "aws:PrincipalTag/other=x", false),
    (r#""StringEquals":{"k":"${aws:username}"}"#, "k=alice", true),
    (r#""StringEquals":{"k":"a-${aws:username}-${aws:PrincipalTag/team}"}"#, "k=a-alice-orders", true),
    (r#""StringEquals":{"k":"${l}"}"#, "k=x l=x", true),
    (r#""StringEquals":{"k":"${l}"}"#, "k=x", false),
    (r#""StringEquals":{"k":["${l}","x"]}"#, "k=x", true),
    (r#""StringEquals":{"k":"${l, 'x'}"}"#, "k=x", true),
    (r#""StringEquals":{"k":"${l, 'x'}"}"#, "k=x l=y", false),
    (r#""StringEquals":{"k":"${l}"}"#, "k=x l=x l=y", false),
    // A negated operator does not hold by a variable without a value.
    (r#""StringNotEquals":{"k":"${l}"}"#, "k=x", false),
    (r#""StringNotEquals":{"k":"${l}"}"#, "k=x l=y", true),
    (r#""StringNotEquals":{"k":"${l}"}"#, "", true),
    (r#""StringNotLike":{"k":["${l}","y*"]}"#, "k=x", false),
    (r#""ArnNotLike":{"k":"arn:aws:sns:::${l}"}"#, "k=arn:aws:sns:::x", false),
    // Found by the second evaluator: so it is for a text that is no ARN.
    (r#""ArnNotLike":{"k":"arn:aws:sns:::${l}"}"#, "k=nonsense", false),
    (r#""StringLike":{"k":"${aws:PrincipalTag/stars}"}"#, "k=ab", false),
    (r#""StringLike":{"k":"${aws:PrincipalTag/stars}"}"#, "k=a*", true),
    (r#""StringLike":{"k":"a${*}*"}"#, "k=a*b", true),
    (r#""StringLike":{"k":"a${*}*"}"#, "k=ab", false),
    (r#""StringEquals":{"k":"${?}${$}${*}"}"#, "k=?$*", true),
];

#[test]
fn table() {
    let mut cases = 0;
    for rows in [TEXTS, NUMBERS, DATES, BOOLEANS_AND_BYTES, ADDRESSES, ARNS, EXISTENCE, SEVERAL, CALLER] {
        for (condition, keys, holds) in rows {
            let statement = |effect: &str, sid: &str| {
                format!(
                    r#"{{"Sid":"{sid}","Effect":"{effect}","Action":"*","Resource":"*","Condition":{{{condition}}}}}"#
                )
            };
            let ask = Ask::read(&format!("alice SendMessage orders {keys}"));
            let allow = Policies::new(&[whole(&statement("Allow", "a"))], None);
            let expected = if *holds { Verdict::Allowed } else { Verdict::NotAllowed };
            assert_eq!(verdict(allow.decide(&ask)), expected, "{condition} with {keys}");
            assert_eq!(allow.decide_naively(&ask), expected, "the second one: {condition} with {keys}");

            let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
            let deny = Policies::new(&[whole(&format!("{all},{}", statement("Deny", "d")))], None);
            let expected = if *holds { Verdict::Forbidden } else { Verdict::Allowed };
            assert_eq!(verdict(deny.decide(&ask)), expected, "Deny if {condition} with {keys}");
            assert_eq!(
                deny.decide_naively(&ask),
                expected,
                "the second one: Deny if {condition} with {keys}"
            );
            cases += 1;
        }
    }
    assert!(cases >= 150, "{cases} cases");
}

/// In the older version, what looks like a variable is text; so it is for ARNs.
#[test]
fn variables_of_the_older_version() {
    for (condition, keys, holds) in [
        (r#""StringEquals":{"k":"${aws:username}"}"#, "k=alice", false),
        (r#""StringEquals":{"k":"${aws:username}"}"#, "k=${aws:username}", true),
        (r#""StringLike":{"k":"${*}"}"#, "k=${anything}", true),
        (r#""ArnLike":{"k":"arn:aws:sns:::${l}"}"#, "k=arn:aws:sns:::x l=x", false),
    ] {
        let text = format!(
            r#"{{"Version":"2008-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{{condition}}}}}}}"#
        );
        let policies = Policies::new(&[text], None);
        let ask = Ask::read(&format!("alice SendMessage orders {keys}"));
        assert_eq!(policies.decide(&ask).is_allowed(), holds, "{condition} with {keys}");
        assert_eq!(policies.decide_naively(&ask) == Verdict::Allowed, holds, "{condition} with {keys}");
    }
}
