//! The table of decisions: policies, a request, and what is decided in the words of the audit log, with the statement
//! behind it. Both evaluators take every row.

use crate::asking::{Ask, Policies, verdict, whole};

/// Identity policies, the queue's policy (or none), requests as [`Ask::read`] takes them, and the decision on each.
type Row = (&'static [&'static str], &'static str, &'static [(&'static str, &'static str)]);

const BY_P1: &str = "allowed by statement 1 of the identity policy \"p1\"";
const BY_QUEUE: &str = "allowed by statement 1 of the queue's policy";
const BY_BOTH: &str =
    "allowed by statement 1 of the identity policy \"p1\" and statement 1 of the queue's policy";
const BY_ROOT: &str = "allowed to the root of the account that owns it";
const DENIED_BY_P1: &str = "denied by statement 1 of the identity policy \"p1\"";
const DENIED_BY_QUEUE: &str = "denied by statement 1 of the queue's policy";
const NOTHING: &str = "denied: no policy allows it";
const NO_IDENTITY: &str = "denied: no identity policy allows it";
const NO_RESOURCE: &str = "denied: the queue's policy does not allow it";
const OWNERS_ONLY: &str = "denied: only the account that owns it may do this";

const ALLOW_ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const DENY_ALL: &str = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
const SEND: &str = r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}"#;
const TO_ALL: &str = r#"{"Effect":"Allow","Principal":"*","Action":"sqs:*"}"#;
const TO_NONE: &str = r#"{"Effect":"Deny","Principal":"*","Action":"sqs:*"}"#;

/// Who may do what within an account.
const SAME_ACCOUNT: &[Row] = &[
    (&[], "", &[("alice SendMessage orders", NOTHING), ("root SendMessage orders", BY_ROOT)]),
    (
        &[ALLOW_ALL],
        "",
        &[("alice SendMessage orders", BY_P1), ("alice DeleteQueue orders only-owner", BY_P1)],
    ),
    (&[SEND], "", &[("alice SendMessage orders", BY_P1), ("alice ReceiveMessage orders", NOTHING)]),
    (
        &[SEND, r#"{"Sid":"read","Effect":"Allow","Action":"sqs:Receive*","Resource":"*"}"#],
        "",
        &[(
            "alice ReceiveMessage orders",
            "allowed by statement 1 (Sid \"read\") of the identity policy \"p2\"",
        )],
    ),
    (
        &[ALLOW_ALL, DENY_ALL],
        "",
        &[("alice SendMessage orders", "denied by statement 1 of the identity policy \"p2\"")],
    ),
    (&[DENY_ALL], TO_ALL, &[("alice SendMessage orders", DENIED_BY_P1)]),
    (&[ALLOW_ALL], TO_NONE, &[("alice SendMessage orders", DENIED_BY_QUEUE)]),
    // An Allow for the user itself, or for everyone, is enough.
    (&[], TO_ALL, &[("alice SendMessage orders", BY_QUEUE), ("alice sns:Publish orders", NOTHING)]),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/alice"},"Action":"sqs:*"}"#,
        &[("alice SendMessage orders", BY_QUEUE), ("carol SendMessage orders", NOTHING)],
    ),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":"AIDAALICE"},"Action":"sqs:*"}"#,
        &[("alice SendMessage orders", BY_QUEUE), ("carol SendMessage orders", NOTHING)],
    ),
    // An Allow for the account leaves the decision to identity policies.
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sqs:*"}"#,
        &[("alice SendMessage orders", NO_IDENTITY), ("root SendMessage orders", BY_ROOT)],
    ),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sqs:*"}"#,
        &[("alice SendMessage orders", NO_IDENTITY), ("anonymous SendMessage orders", NO_RESOURCE)],
    ),
    (
        &[SEND],
        r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sqs:*"}"#,
        &[("alice SendMessage orders", BY_P1), ("alice ReceiveMessage orders", NO_IDENTITY)],
    ),
    // A Deny for the account reaches everybody in it.
    (
        &[ALLOW_ALL],
        r#"{"Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"sqs:*"}"#,
        &[("alice SendMessage orders", DENIED_BY_QUEUE), ("root SendMessage orders", DENIED_BY_QUEUE)],
    ),
    (
        &[ALLOW_ALL],
        r#"{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111111111111:user/alice"},"Action":"sqs:*"}"#,
        &[("alice SendMessage orders", DENIED_BY_QUEUE), ("carol SendMessage orders", BY_P1)],
    ),
    // Statements about other queues say nothing about this one.
    (
        &[],
        r#"{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"arn:aws:sqs:us-east-1:111111111111:orders"}"#,
        &[("alice SendMessage orders", BY_QUEUE), ("alice SendMessage other", NOTHING)],
    ),
    (
        &[],
        r#"{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage"},
           {"Sid":"x","Effect":"Allow","Principal":"*","Action":"sqs:ReceiveMessage"}"#,
        &[("alice ReceiveMessage orders", "allowed by statement 2 (Sid \"x\") of the queue's policy")],
    ),
    // The identity policy's Allow is named where both sides allow.
    (&[ALLOW_ALL], TO_ALL, &[("alice SendMessage orders", BY_P1)]),
    // The first of several.
    (&[ALLOW_ALL, ALLOW_ALL], "", &[("alice SendMessage orders", BY_P1)]),
];

/// The root of the owning account.
const ROOT: &[Row] = &[
    (
        &[],
        TO_NONE,
        &[
            ("root SendMessage orders", DENIED_BY_QUEUE),
            ("root DeleteQueue orders only-owner", DENIED_BY_QUEUE),
            ("root SetQueueAttributes orders only-owner", BY_ROOT),
            ("root GetQueueAttributes orders", BY_ROOT),
            ("root sqs:getqueueattributes orders", BY_ROOT),
            ("root2 GetQueueAttributes orders", DENIED_BY_QUEUE),
            ("alice SetQueueAttributes orders only-owner", DENIED_BY_QUEUE),
        ],
    ),
    (
        &[DENY_ALL],
        "",
        &[("root SendMessage orders", DENIED_BY_P1), ("root SetQueueAttributes orders", DENIED_BY_P1)],
    ),
    (&[], TO_ALL, &[("root SendMessage orders", BY_ROOT), ("root CreateQueue orders only-owner", BY_ROOT)]),
];

/// Callers of other accounts.
const CROSS_ACCOUNT: &[Row] = &[
    (&[ALLOW_ALL], "", &[("bob SendMessage orders", NO_RESOURCE)]),
    (&[], "", &[("bob SendMessage orders", NOTHING), ("root2 SendMessage orders", NO_RESOURCE)]),
    (&[], TO_ALL, &[("bob SendMessage orders", NO_IDENTITY), ("root2 SendMessage orders", BY_QUEUE)]),
    (&[SEND], TO_ALL, &[("bob SendMessage orders", BY_BOTH), ("bob ReceiveMessage orders", NO_IDENTITY)]),
    (
        &[SEND],
        r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sqs:SendMessage"}"#,
        &[
            ("bob SendMessage orders", BY_BOTH),
            ("bob ReceiveMessage orders", NOTHING),
            ("root2 SendMessage orders", BY_QUEUE),
            ("root2 ReceiveMessage orders", NO_RESOURCE),
            ("anonymous SendMessage orders", NO_RESOURCE),
        ],
    ),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:user/team/bob"},"Action":"sqs:SendMessage"}"#,
        &[("bob SendMessage orders", NO_IDENTITY), ("root2 SendMessage orders", NO_RESOURCE)],
    ),
    (
        &[SEND],
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:user/team/bob"},"Action":"sqs:SendMessage"}"#,
        &[("bob SendMessage orders", BY_BOTH)],
    ),
    // The path is part of the name.
    (
        &[SEND],
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:user/bob"},"Action":"sqs:SendMessage"}"#,
        &[("bob SendMessage orders", NO_RESOURCE)],
    ),
    (
        &[ALLOW_ALL],
        r#"{"Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"sqs:*"}"#,
        &[("bob SendMessage orders", NO_RESOURCE)],
    ),
    (
        &[ALLOW_ALL, DENY_ALL],
        TO_ALL,
        &[("bob SendMessage orders", "denied by statement 1 of the identity policy \"p2\"")],
    ),
    // What only the owner does stays with the owner, and an explicit Deny is still named first.
    (
        &[ALLOW_ALL],
        TO_ALL,
        &[
            ("bob SetQueueAttributes orders only-owner", OWNERS_ONLY),
            ("root2 AddPermission orders only-owner", OWNERS_ONLY),
            ("anonymous DeleteQueue orders only-owner", OWNERS_ONLY),
            ("sns TagQueue orders only-owner", OWNERS_ONLY),
            ("alice TagQueue orders only-owner", BY_P1),
        ],
    ),
    (&[ALLOW_ALL], TO_NONE, &[("bob CreateQueue orders only-owner", DENIED_BY_QUEUE)]),
];

/// Nobody, and services.
const WITHOUT_ACCOUNT: &[Row] = &[
    (&[], "", &[("anonymous SendMessage orders", NO_RESOURCE), ("sns SendMessage orders", NO_RESOURCE)]),
    (&[], TO_ALL, &[("anonymous SendMessage orders", BY_QUEUE), ("sns SendMessage orders", BY_QUEUE)]),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sqs:SendMessage"}"#,
        &[("anonymous SendMessage orders", BY_QUEUE), ("anonymous ReceiveMessage orders", NO_RESOURCE)],
    ),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":["222222222222","*"]},"Action":"sqs:SendMessage"}"#,
        &[("anonymous SendMessage orders", BY_QUEUE)],
    ),
    (&[ALLOW_ALL], "", &[("anonymous SendMessage orders", NO_RESOURCE)]),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage",
            "Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:111111111111:news"}}}"#,
        &[
            ("sns SendMessage orders aws:SourceArn=arn:aws:sns:us-east-1:111111111111:news", BY_QUEUE),
            ("sns SendMessage orders aws:SourceArn=arn:aws:sns:us-east-1:111111111111:olds", NO_RESOURCE),
            ("sns SendMessage orders", NO_RESOURCE),
            (
                "anonymous SendMessage orders aws:SourceArn=arn:aws:sns:us-east-1:111111111111:news",
                NO_RESOURCE,
            ),
        ],
    ),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"Service":["events.amazonaws.com","s3.amazonaws.com"]},"Action":"sqs:*"}"#,
        &[("sns SendMessage orders", NO_RESOURCE)],
    ),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"Federated":"sns.amazonaws.com","CanonicalUser":"anonymous"},"Action":"sqs:*"}"#,
        &[("sns SendMessage orders", NO_RESOURCE), ("anonymous SendMessage orders", NO_RESOURCE)],
    ),
    (
        &[],
        r#"{"Effect":"Allow","Principal":"*","Action":"sqs:*"},
           {"Effect":"Deny","Principal":"*","Action":"sqs:*","Condition":{"Null":{"aws:PrincipalArn":"true"}}}"#,
        &[
            ("anonymous SendMessage orders", "denied by statement 2 of the queue's policy"),
            ("alice SendMessage orders", BY_QUEUE),
        ],
    ),
];

/// NotPrincipal, NotAction, NotResource.
const CONTRARIES: &[Row] = &[
    (
        &[ALLOW_ALL],
        r#"{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::111111111111:user/alice","111111111111"]},"Action":"*"}"#,
        &[
            ("alice SendMessage orders", BY_P1),
            ("carol SendMessage orders", DENIED_BY_QUEUE),
            ("bob SendMessage orders", DENIED_BY_QUEUE),
            ("root SendMessage orders", BY_ROOT),
            ("anonymous SendMessage orders", DENIED_BY_QUEUE),
        ],
    ),
    // Without its account, a user is not excepted.
    (
        &[ALLOW_ALL],
        r#"{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111111111111:user/alice"},"Action":"*"}"#,
        &[("alice SendMessage orders", DENIED_BY_QUEUE)],
    ),
    (
        &[ALLOW_ALL],
        r#"{"Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},"Action":"*"}"#,
        &[("alice SendMessage orders", DENIED_BY_QUEUE), ("root SendMessage orders", BY_ROOT)],
    ),
    (
        &[ALLOW_ALL],
        r#"{"Effect":"Deny","NotPrincipal":"*","Action":"*"}"#,
        &[("alice SendMessage orders", BY_P1)],
    ),
    (
        &[],
        r#"{"Effect":"Deny","NotPrincipal":{"Service":"sns.amazonaws.com"},"Action":"*"}"#,
        &[("sns SendMessage orders", NO_RESOURCE), ("root SendMessage orders", DENIED_BY_QUEUE)],
    ),
    (
        &[],
        r#"{"Effect":"Allow","NotPrincipal":{"AWS":"222222222222"},"Action":"sqs:SendMessage"}"#,
        &[
            ("alice SendMessage orders", BY_QUEUE),
            ("anonymous SendMessage orders", BY_QUEUE),
            ("root2 SendMessage orders", NO_RESOURCE),
            ("bob SendMessage orders", NOTHING),
        ],
    ),
    (
        &[r#"{"Effect":"Allow","NotAction":["sqs:Delete*","sqs:PurgeQueue"],"Resource":"*"}"#],
        "",
        &[
            ("alice SendMessage orders", BY_P1),
            ("alice DeleteQueue orders", NOTHING),
            ("alice purgequeue orders", NOTHING),
            ("alice kms:Decrypt orders", BY_P1),
        ],
    ),
    (
        &[
            r#"{"Effect":"Allow","Action":"sqs:*","NotResource":["arn:aws:sqs:*:*:secret-*","arn:aws:sqs:eu-*"]}"#,
        ],
        "",
        &[
            ("alice SendMessage orders", BY_P1),
            ("alice SendMessage secret-orders", NOTHING),
            ("alice SendMessage arn:aws:sqs:eu-west-1:111111111111:orders", NOTHING),
        ],
    ),
    // A variable without a value: neither the list nor its contrary.
    (
        &[r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:sqs:*:*:${aws:PrincipalTag/team}"}"#],
        "",
        &[
            ("alice SendMessage other", BY_P1),
            ("alice SendMessage orders", NOTHING),
            ("carol SendMessage other", NOTHING),
        ],
    ),
];

/// Wildcards, case, variables in Action and Resource.
const PATTERNS: &[Row] = &[
    (
        &[r#"{"Effect":"Allow","Action":"SQS:sendmessage","Resource":"*"}"#],
        "",
        &[("alice sqs:SendMessage orders", BY_P1), ("alice SQS:SENDMESSAGE orders", BY_P1)],
    ),
    (
        &[r#"{"Effect":"Allow","Action":["sqs:Get*","sqs:?endMessage","s*:List*"],"Resource":"*"}"#],
        "",
        &[
            ("alice GetQueueUrl orders", BY_P1),
            ("alice SendMessage orders", BY_P1),
            ("alice endMessage orders", NOTHING),
            ("alice ListQueues *", BY_P1),
            ("alice sns:ListTopics *", BY_P1),
            ("alice kms:ListKeys *", NOTHING),
        ],
    ),
    (
        &[r#"{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:us-east-1:111111111111:orders"}"#],
        "",
        &[
            ("alice SendMessage orders", BY_P1),
            ("alice SendMessage Orders", NOTHING),
            ("alice SendMessage orders2", NOTHING),
            ("alice ListQueues *", NOTHING),
            ("alice SendMessage arn:aws:sqs:eu-west-1:111111111111:orders", NOTHING),
        ],
    ),
    (
        &[
            r#"{"Effect":"Allow","Action":"*","Resource":["arn:aws:sqs:*:111111111111:?rders","arn:aws:sqs:*:*:x*z"]}"#,
        ],
        "",
        &[
            ("alice SendMessage orders", BY_P1),
            ("alice SendMessage rders", NOTHING),
            ("alice SendMessage xz", BY_P1),
            ("alice SendMessage xyz", BY_P1),
            ("alice SendMessage xyzx", NOTHING),
        ],
    ),
    (
        &[
            r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:*:${aws:PrincipalAccount}:${aws:username}-*"}"#,
        ],
        "",
        &[
            ("alice SendMessage alice-in", BY_P1),
            ("alice SendMessage carol-in", NOTHING),
            ("carol SendMessage carol-in", BY_P1),
            ("carol SendMessage Carol-in", NOTHING),
        ],
    ),
    (
        &[
            r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:*:*:${aws:PrincipalTag/TEAM, 'common'}"}"#,
        ],
        "",
        &[
            ("alice SendMessage orders", BY_P1),
            ("alice SendMessage common", NOTHING),
            ("carol SendMessage common", BY_P1),
        ],
    ),
    // What comes out of a variable is text.
    (
        &[r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:*:*:${aws:PrincipalTag/stars}"}"#],
        "",
        &[
            ("alice SendMessage a*", BY_P1),
            ("alice SendMessage ab", NOTHING),
            ("carol SendMessage a", NOTHING),
        ],
    ),
    (
        &[r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:*:*:${*}${?}${$}"}"#],
        "",
        &[("alice SendMessage *?$", BY_P1), ("alice SendMessage abc", NOTHING)],
    ),
    // In the older version, variables are text, and wildcards in them are wildcards.
    (
        &[
            r#"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:*:*:${aws:username}"}}"#,
        ],
        "",
        &[("alice SendMessage alice", NOTHING), ("alice SendMessage arn:aws:sqs:::${aws:username}", BY_P1)],
    ),
    (
        &[r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:*:*:${*}"}]}"#],
        "",
        &[("alice SendMessage *", NOTHING), ("alice SendMessage ${x}", BY_P1)],
    ),
];

/// What SQS's and IAM's guides show, with this file's accounts and queues.
const DOCUMENTED: &[Row] = &[
    // One permission to one account; two permissions; all to two accounts.
    (
        &[ALLOW_ALL],
        r#"{"Sid":"Send","Effect":"Allow","Principal":{"AWS":["222222222222"]},"Action":"sqs:SendMessage",
            "Resource":"arn:aws:sqs:us-east-1:111111111111:orders"}"#,
        &[
            (
                "bob SendMessage orders",
                "allowed by statement 1 of the identity policy \"p1\" and statement 1 (Sid \"Send\") of the queue's policy",
            ),
            ("bob ReceiveMessage orders", NO_RESOURCE),
        ],
    ),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":["sqs:SendMessage","sqs:ReceiveMessage"],
            "Resource":"arn:aws:sqs:*:111111111111:orders"}"#,
        &[("root2 ReceiveMessage orders", BY_QUEUE), ("root2 DeleteMessage orders", NO_RESOURCE)],
    ),
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":["222222222222","333333333333"]},"Action":"sqs:*",
            "Resource":"arn:aws:sqs:us-east-1:111111111111:orders"}"#,
        &[("root2 DeleteMessage orders", BY_QUEUE), ("root2 DeleteQueue orders only-owner", OWNERS_ONLY)],
    ),
    // Anyone may receive, in a window of time.
    (
        &[],
        r#"{"Effect":"Allow","Principal":"*","Action":"sqs:ReceiveMessage","Resource":"*","Condition":{
            "DateGreaterThan":{"aws:CurrentTime":"2009-01-31T12:00Z"},
            "DateLessThan":{"aws:CurrentTime":"2009-01-31T15:00Z"}}}"#,
        &[
            ("anonymous ReceiveMessage orders aws:CurrentTime=2009-01-31T13:30:00Z", BY_QUEUE),
            ("anonymous ReceiveMessage orders aws:CurrentTime=2009-01-31T12:00:00Z", NO_RESOURCE),
            ("anonymous ReceiveMessage orders aws:CurrentTime=2009-01-31T15:00:01Z", NO_RESOURCE),
            ("anonymous SendMessage orders aws:CurrentTime=2009-01-31T13:30:00Z", NO_RESOURCE),
        ],
    ),
    // Everything to everyone from a range of addresses.
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sqs:*","Resource":"*",
            "Condition":{"IpAddress":{"aws:SourceIp":"192.168.143.0/24"}}}"#,
        &[
            ("anonymous SendMessage orders aws:SourceIp=192.168.143.7", BY_QUEUE),
            ("anonymous SendMessage orders aws:SourceIp=192.168.144.7", NO_RESOURCE),
        ],
    ),
    // A range but for one address of it, and a Deny for another range.
    (
        &[],
        r#"{"Effect":"Allow","Principal":"*","Action":"sqs:*","Condition":{
            "IpAddress":{"aws:SourceIp":"192.168.143.0/24"},"NotIpAddress":{"aws:SourceIp":"192.168.143.188/32"}}},
           {"Effect":"Deny","Principal":"*","Action":"sqs:*","Condition":{"IpAddress":{"aws:SourceIp":"10.1.2.0/24"}}}"#,
        &[
            ("anonymous SendMessage orders aws:SourceIp=192.168.143.187", BY_QUEUE),
            ("anonymous SendMessage orders aws:SourceIp=192.168.143.188", NO_RESOURCE),
            (
                "anonymous SendMessage orders aws:SourceIp=10.1.2.3",
                "denied by statement 2 of the queue's policy",
            ),
        ],
    ),
    // An account, a range and a last day.
    (
        &[],
        r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":["sqs:SendMessage","sqs:ReceiveMessage"],
            "Condition":{"IpAddress":{"AWS:SourceIp":"10.52.176.0/24"},
            "DateLessThan":{"AWS:CurrentTime":"2009-06-30T12:00Z"}}}"#,
        &[
            (
                "root2 SendMessage orders aws:SourceIp=10.52.176.9 aws:CurrentTime=2009-06-30T11:59:59Z",
                BY_QUEUE,
            ),
            (
                "root2 SendMessage orders aws:SourceIp=10.52.176.9 aws:CurrentTime=2009-06-30T12:00:00Z",
                NO_RESOURCE,
            ),
            (
                "root2 SendMessage orders aws:SourceIp=10.52.177.9 aws:CurrentTime=2009-06-30T11:59:59Z",
                NO_RESOURCE,
            ),
            ("root2 SendMessage orders aws:CurrentTime=2009-06-30T11:59:59Z", NO_RESOURCE),
        ],
    ),
    // Nobody of an account, and then only over TLS.
    (
        &[ALLOW_ALL],
        r#"{"Effect":"Deny","Principal":"*","Action":"sqs:*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#,
        &[
            ("alice SendMessage orders aws:SecureTransport=false", DENIED_BY_QUEUE),
            ("alice SendMessage orders aws:SecureTransport=true", BY_P1),
        ],
    ),
    // A user's own tagged queues (attribute-based access).
    (
        &[r#"{"Effect":"Allow","Action":"sqs:*","Resource":"*",
             "Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}}"#],
        "",
        &[
            ("alice SendMessage q aws:ResourceTag/team=orders", BY_P1),
            ("alice SendMessage q aws:ResourceTag/team=billing", NOTHING),
            ("carol SendMessage q aws:ResourceTag/team=orders", NOTHING),
            ("alice SendMessage q", NOTHING),
        ],
    ),
    // An allowance in one policy, narrowed by a Deny in another.
    (
        &[
            ALLOW_ALL,
            r#"{"Sid":"NotFromOutside","Effect":"Deny","Action":"*","Resource":"*",
                "Condition":{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","203.0.113.0/24"]}}}"#,
        ],
        "",
        &[
            ("alice SendMessage orders aws:SourceIp=203.0.113.9", BY_P1),
            (
                "alice SendMessage orders aws:SourceIp=198.51.100.1",
                "denied by statement 1 (Sid \"NotFromOutside\") of the identity policy \"p2\"",
            ),
            (
                "alice SendMessage orders",
                "denied by statement 1 (Sid \"NotFromOutside\") of the identity policy \"p2\"",
            ),
        ],
    ),
];

#[test]
fn table() {
    let mut cases = 0;
    for rows in [SAME_ACCOUNT, ROOT, CROSS_ACCOUNT, WITHOUT_ACCOUNT, CONTRARIES, PATTERNS, DOCUMENTED] {
        for (identity, resource, requests) in rows {
            let identity: Vec<String> = identity.iter().map(|text| whole(text)).collect();
            let resource = (!resource.is_empty()).then(|| whole(resource));
            let policies = Policies::new(&identity, resource.as_deref());
            for (request, expected) in *requests {
                let ask = Ask::read(request);
                let decision = policies.decide(&ask);
                assert_eq!(decision.to_string(), *expected, "{request}\n{identity:?}\n{resource:?}");
                assert_eq!(policies.decide_naively(&ask), verdict(decision), "the second one: {request}");
                cases += 1;
            }
        }
    }
    assert!(cases >= 120, "{cases} cases");
}
