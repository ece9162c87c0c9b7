//! What is refused: tampering with anything that is signed, other keys, other scopes, other times.

use super::signer::Signer;
use super::vectors::presigned;
use super::{KEY_ID, NOW_S, Refusal, Rules, Sent, Verifier, authenticate, secret, verifier};
use crate::secrets::SecretKey;

const SIGNED: [&str; 5] = ["content-type", "host", "x-amz-date", "x-amz-target", "x-amzn-query-mode"];

/// A JSON call that has everything a request can have.
fn unsigned() -> Sent {
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", "AmazonSQS.SendMessage"),
        ("x-amzn-query-mode", "true"),
        ("user-agent", "test"),
    ];
    Sent::new(
        "POST",
        "/123456789012/orders?b=2&a=1",
        "127.0.0.1:9324",
        &headers,
        b"{\"MessageBody\":\"hello\"}",
    )
}

fn signed() -> Sent {
    let mut sent = unsigned();
    Signer::new().sign(&mut sent, &SIGNED);
    sent
}

fn replace(sent: &mut Sent, header: &str, from: &str, to: &str) {
    let value = sent.headers[header].to_str().unwrap();
    assert!(value.contains(from), "{value} has no {from}");
    let value = value.replacen(from, to, 1);
    sent.set(header, &value);
}

fn replace_query(sent: &mut Sent, from: &str, to: &str) {
    let query = sent.query.take().unwrap();
    assert!(query.contains(from), "{query} has no {from}");
    sent.query = Some(query.replacen(from, to, 1));
}

/// What is done to a signed request.
type Tampering = (&'static str, fn(&mut Sent));

const TAMPERINGS: &[Tampering] = &[
    ("method", |sent| sent.method = "GET".to_owned()),
    ("path", |sent| sent.path = "/123456789012/order".to_owned()),
    ("path, a slash at its end", |sent| sent.path.push('/')),
    ("path, another letter's case", |sent| sent.path = "/123456789012/Orders".to_owned()),
    ("query, a value", |sent| replace_query(sent, "a=1", "a=2")),
    ("query, a name", |sent| replace_query(sent, "a=1", "A=1")),
    ("query, a parameter more", |sent| replace_query(sent, "a=1", "a=1&c=3")),
    ("query, a parameter twice", |sent| replace_query(sent, "a=1", "a=1&a=1")),
    ("query, a parameter less", |sent| replace_query(sent, "&a=1", "")),
    ("query, none", |sent| sent.query = None),
    ("query, a signature that is not one", |sent| {
        replace_query(sent, "a=1", "a=1&X-Amz-Date=20150830T123600Z")
    }),
    ("body, a byte", |sent| sent.body[0] ^= 1),
    ("body, a byte more", |sent| sent.body.push(b' ')),
    ("body, a byte less", |sent| sent.body.truncate(sent.body.len() - 1)),
    ("body, none", |sent| sent.body.clear()),
    ("the action", |sent| sent.set("x-amz-target", "AmazonSQS.DeleteQueue")),
    ("the date", |sent| sent.set("x-amz-date", "20150830T123601Z")),
    ("the host", |sent| sent.set("host", "127.0.0.1:9325")),
    ("the host, though the URI has the old one", |sent| {
        sent.set("host", "127.0.0.1:9325");
        sent.authority = Some("127.0.0.1:9324".to_owned());
    }),
    ("a header that acts and is not signed", |sent| sent.add("x-amz-whatever", "1")),
    ("another hash of the body", |sent| {
        sent.add("x-amz-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }),
    ("no hash of the body", |sent| sent.add("x-amz-content-sha256", "UNSIGNED-PAYLOAD")),
    ("a stream", |sent| sent.add("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")),
    ("an empty hash of the body", |sent| sent.add("x-amz-content-sha256", "")),
    ("two Authorization headers", |sent| {
        let value = sent.headers["authorization"].clone();
        sent.headers.append("authorization", value);
    }),
    ("the signature, a digit", |sent| {
        let header = sent.headers["authorization"].to_str().unwrap().to_owned();
        let last = if header.ends_with('0') { "1" } else { "0" };
        sent.set("authorization", &format!("{}{last}", &header[..header.len() - 1]));
    }),
    ("the signature, a digit less", |sent| {
        let header = sent.headers["authorization"].to_str().unwrap().to_owned();
        sent.set("authorization", &header[..header.len() - 1]);
    }),
    ("the signature, a digit more", |sent| replace(sent, "authorization", "Signature=", "Signature=0")),
    ("the signature, no digits", |sent| replace(sent, "authorization", "Signature=", "Signature=zz")),
    ("the region", |sent| replace(sent, "authorization", "us-east-1", "us-east-2")),
    ("the service, to another that is served", |sent| replace(sent, "authorization", "/sqs/", "/service/")),
    ("the signed headers, one less", |sent| replace(sent, "authorization", ";x-amz-target", "")),
    ("the signed headers, one more", |sent| {
        replace(sent, "authorization", "x-amz-date", "user-agent;x-amz-date")
    }),
    ("the signed headers, one twice", |sent| replace(sent, "authorization", "host;", "host;host;")),
    ("the signed headers, in another order", |sent| {
        replace(sent, "authorization", "content-type;host", "host;content-type");
    }),
    ("the signed headers, in upper case", |sent| {
        replace(sent, "authorization", "content-type;", "Content-Type;")
    }),
    ("the signed headers, an empty name", |sent| replace(sent, "authorization", "host;", "host;;")),
];

#[test]
fn tampering_with_any_signed_part_is_refused() {
    assert_eq!(authenticate(&verifier(), &signed(), NOW_S), Ok(KEY_ID.to_owned()));
    for (what, tamper) in TAMPERINGS {
        let mut sent = signed();
        tamper(&mut sent);
        // With the key at hand, and with a key that has to be derived.
        let verifier = verifier();
        assert_eq!(authenticate(&verifier, &sent, NOW_S), Err(Refusal::WrongSignature), "{what}");
        assert_eq!(authenticate(&verifier, &signed(), NOW_S), Ok(KEY_ID.to_owned()));
        assert_eq!(authenticate(&verifier, &sent, NOW_S), Err(Refusal::WrongSignature), "{what}");
    }
}

#[test]
fn each_signed_header_is_protected() {
    for name in SIGNED {
        let mut changed = signed();
        let value = changed.headers[name].to_str().unwrap().to_owned();
        // Another second for the date, another value for the others.
        changed.set(name, &value.replace(['0', 'e', 'A'], "1"));
        assert_ne!(changed.headers[name].to_str().unwrap(), value, "{name}");
        assert!(authenticate(&verifier(), &changed, NOW_S).is_err(), "{name} changed");

        let mut twice = signed();
        twice.add(name, &value);
        assert_eq!(authenticate(&verifier(), &twice, NOW_S), Err(Refusal::WrongSignature), "{name} twice");

        let mut stripped = signed();
        stripped.headers.remove(name);
        let refusal = authenticate(&verifier(), &stripped, NOW_S).unwrap_err();
        if name == "x-amz-date" {
            assert!(matches!(refusal, Refusal::HeaderIncomplete(_)), "{refusal}");
        } else {
            assert_eq!(refusal, Refusal::WrongSignature, "{name} stripped");
        }
    }
}

#[test]
fn what_is_not_signed_may_change() {
    let changes: [Tampering; 8] = [
        ("a header that is not signed", |sent| sent.set("user-agent", "other")),
        ("a header of a proxy", |sent| sent.add("x-forwarded-for", "10.0.0.1")),
        ("a header of a proxy by AWS", |sent| sent.add("x-amz-cf-id", "1")),
        ("white space", |sent| sent.set("content-type", "  application/x-amz-json-1.0 \t")),
        ("white space around the date", |sent| sent.set("x-amz-date", " 20150830T123600Z\t")),
        ("another way to write the path", |sent| sent.path = "//./x/../123456789012//orders".to_owned()),
        ("the order of the query", |sent| sent.query = Some("a=1&&b=%32&".to_owned())),
        ("an authority beside the host", |sent| sent.authority = Some("elsewhere".to_owned())),
    ];
    for (what, change) in changes {
        let mut sent = signed();
        change(&mut sent);
        assert_eq!(authenticate(&verifier(), &sent, NOW_S), Ok(KEY_ID.to_owned()), "{what}");
    }
    let mut hashed = signed();
    hashed.add(
        "x-amz-content-sha256",
        std::str::from_utf8(&{
            let mut hex = Vec::new();
            crate::hash::push_hex(&mut hex, &crate::hash::sha256(&hashed.body));
            hex
        })
        .unwrap(),
    );
    assert_eq!(authenticate(&verifier(), &hashed, NOW_S), Ok(KEY_ID.to_owned()));
}

#[test]
fn a_plus_and_a_space_are_the_same_and_a_signed_plus_stays_one() {
    let sign = |query: &str| {
        let mut sent = unsigned();
        sent.query = Some(query.to_owned());
        Signer::new().sign(&mut sent, &SIGNED);
        sent
    };
    let mut space = sign("a=x%20y");
    space.query = Some("a=x+y".to_owned());
    assert_eq!(authenticate(&verifier(), &space, NOW_S), Ok(KEY_ID.to_owned()));
    let mut plus = sign("a=x%2By");
    plus.query = Some("a=x+y".to_owned());
    assert_eq!(authenticate(&verifier(), &plus, NOW_S), Err(Refusal::WrongSignature));
}

#[test]
fn every_part_of_a_presigned_request_is_protected() {
    let tamperings: [Tampering; 8] = [
        ("the action", |sent| replace_query(sent, "Action=ReceiveMessage", "Action=DeleteQueue")),
        ("the expiry", |sent| replace_query(sent, "Expires=3600", "Expires=604800")),
        ("no expiry", |sent| replace_query(sent, "&X-Amz-Expires=3600", "")),
        ("the date", |sent| replace_query(sent, "20150830T123600Z", "20150830T123601Z")),
        ("a parameter more", |sent| replace_query(sent, "Action", "VisibilityTimeout=0&Action")),
        ("a body", |sent| sent.body.push(b'a')),
        ("the path", |sent| sent.path.push('2')),
        ("the method", |sent| sent.method = "POST".to_owned()),
    ];
    let [get, post] = presigned();
    for (what, tamper) in tamperings {
        let mut sent = get.clone();
        tamper(&mut sent);
        assert_eq!(authenticate(&verifier(), &sent, NOW_S), Err(Refusal::WrongSignature), "{what}");
    }
    let mut action = post;
    action.set("x-amz-target", "AmazonSQS.PurgeQueue");
    assert_eq!(authenticate(&verifier(), &action, NOW_S), Err(Refusal::WrongSignature));
}

#[test]
fn a_request_is_good_for_a_quarter_of_an_hour_either_way() {
    let sent = signed();
    let verifier = verifier();
    for now_s in [NOW_S - 900, NOW_S, NOW_S + 900] {
        assert_eq!(authenticate(&verifier, &sent, now_s), Ok(KEY_ID.to_owned()));
    }
    let message = |now_s| authenticate(&verifier, &sent, now_s).unwrap_err().to_string();
    assert_eq!(
        message(NOW_S + 901),
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)"
    );
    assert_eq!(
        message(NOW_S - 901),
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)"
    );
    for now_s in [i64::MIN, -1, 0, i64::MAX] {
        assert!(authenticate(&verifier, &sent, now_s).is_err(), "{now_s}");
    }
}

#[test]
fn a_presigned_request_is_good_for_what_it_says() {
    let presign = |expires: &str| {
        let mut sent = unsigned();
        Signer::new().presign(&mut sent, &["host", "x-amz-target"], expires);
        sent
    };
    let verifier = verifier();
    let at = |sent: &Sent, now_s| authenticate(&verifier, sent, now_s).map_err(|refusal| refusal.to_string());
    for expires_s in [1, 60, 604_800] {
        let sent = presign(&expires_s.to_string());
        assert_eq!(at(&sent, NOW_S + expires_s), Ok(KEY_ID.to_owned()));
        assert!(at(&sent, NOW_S + expires_s + 1).unwrap_err().starts_with("Signature expired: "));
        assert_eq!(at(&sent, NOW_S - 900), Ok(KEY_ID.to_owned()));
        assert!(at(&sent, NOW_S - 901).unwrap_err().starts_with("Signature not yet current: "));
    }
    assert_eq!(
        at(&presign("90"), NOW_S + 91).unwrap_err(),
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T123731Z - 90 sec.)"
    );
    for (expires, refusal) in [
        ("0", Refusal::ExpiryTooSoon),
        ("604801", Refusal::ExpiryTooLate),
        ("99999999999999999999", Refusal::ExpiryTooLate),
        ("-1", Refusal::ExpiryNoNumber),
        ("+1", Refusal::ExpiryNoNumber),
        ("1.5", Refusal::ExpiryNoNumber),
        ("", Refusal::ExpiryNoNumber),
        ("soon", Refusal::ExpiryNoNumber),
    ] {
        assert_eq!(authenticate(&verifier, &presign(expires), NOW_S), Err(refusal), "{expires}");
    }
    // Without an expiry it is as good as a header.
    let mut endless = unsigned();
    Signer::new().presign(&mut endless, &["host", "x-amz-target"], "");
    let query = endless.query.unwrap();
    let (parameters, _) = query.split_once("&X-Amz-Signature").unwrap();
    endless.query = Some(parameters.replace("&X-Amz-Expires=", ""));
    let signature = {
        // The signer adds its parameters once more; what it signs is the query without them.
        let mut again = endless.clone();
        Signer::new().sign_as_it_is(&mut again, &["host", "x-amz-target"]);
        again.headers["authorization"].to_str().unwrap().rsplit_once('=').unwrap().1.to_owned()
    };
    endless.query = Some(format!("{}&X-Amz-Signature={signature}", endless.query.unwrap()));
    assert_eq!(at(&endless, NOW_S + 900), Ok(KEY_ID.to_owned()));
    assert!(at(&endless, NOW_S + 901).unwrap_err().ends_with("- 15 min.)"));
}

#[test]
fn a_foreign_key_is_refused() {
    let mut unknown = unsigned();
    Signer { key_id: "AKIDOTHER".to_owned(), ..Signer::new() }.sign(&mut unknown, &SIGNED);
    assert_eq!(authenticate(&verifier(), &unknown, NOW_S), Err(Refusal::UnknownKey));

    let mut forged = unsigned();
    Signer { secret: "another secret".to_owned(), ..Signer::new() }.sign(&mut forged, &SIGNED);
    assert_eq!(authenticate(&verifier(), &forged, NOW_S), Err(Refusal::WrongSignature));

    // Somebody's good signature under somebody else's name.
    let mut borrowed = signed();
    replace(&mut borrowed, "authorization", KEY_ID, "AKIDOTHER");
    let secrets = |id: &str| SecretKey::new(if id == KEY_ID { super::SECRET } else { "another-secret" }).ok();
    let found = verifier().authenticate(&borrowed.request(), NOW_S, &mut Vec::new(), secrets);
    assert_eq!(found.unwrap_err(), Refusal::WrongSignature);
}

#[test]
fn a_session_token_is_refused_wherever_it_stands() {
    let mut header = unsigned();
    header.add("x-amz-security-token", "token");
    let mut signed_names = SIGNED.to_vec();
    signed_names.insert(3, "x-amz-security-token");
    Signer::new().sign(&mut header, &signed_names);
    assert_eq!(authenticate(&verifier(), &header, NOW_S), Err(Refusal::UnknownKey));

    let mut query = unsigned();
    query.query = Some("X-Amz-Security-Token=token".to_owned());
    Signer::new().presign(&mut query, &["host", "x-amz-target"], "60");
    assert_eq!(authenticate(&verifier(), &query, NOW_S), Err(Refusal::UnknownKey));

    let mut both = unsigned();
    both.add("x-amz-security-token", "token");
    Signer::new().presign(&mut both, &["host", "x-amz-security-token", "x-amz-target"], "60");
    assert_eq!(authenticate(&verifier(), &both, NOW_S), Err(Refusal::UnknownKey));
}

#[test]
fn a_wrong_scope_is_refused_with_all_that_is_wrong() {
    let refusal = |change: &dyn Fn(&mut Sent), region: Option<&str>| {
        let services = vec!["sqs".to_owned(), "kms".to_owned()];
        let verifier = Verifier::new(Rules { services, region: region.map(str::to_owned) }, 64);
        let mut sent = signed();
        change(&mut sent);
        authenticate(&verifier, &sent, NOW_S).map_err(|refusal| refusal.to_string())
    };
    let scope = |to: &'static str| {
        move |sent: &mut Sent| replace(sent, "authorization", "20150830/us-east-1/sqs/aws4_request", to)
    };
    assert_eq!(refusal(&|_| {}, None), Ok(KEY_ID.to_owned()));
    assert_eq!(refusal(&|_| {}, Some("us-east-1")), Ok(KEY_ID.to_owned()));
    let wrong_region = "Credential should be scoped to a valid region.";
    assert_eq!(refusal(&|_| {}, Some("eu-west-1")), Err(wrong_region.to_owned()));
    for (to, message) in [
        ("20150830//sqs/aws4_request", wrong_region),
        ("20150830/a:b/sqs/aws4_request", wrong_region),
        ("20150830/us-east-1/s3/aws4_request", "Credential should be scoped to correct service: 'sqs'."),
        ("20150830/us-east-1/SQS/aws4_request", "Credential should be scoped to correct service: 'sqs'."),
        (
            "20150830/us-east-1/sqs/aws5_request",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.",
        ),
        (
            "20150829/us-east-1/sqs/aws4_request",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'.",
        ),
        (
            "//s3/",
            "Credential should be scoped to a valid region. Credential should be scoped to correct service: 'sqs'. Credential should be scoped with a valid terminator: 'aws4_request', not ''. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '' != '20150830', from '20150830T123600Z'.",
        ),
    ] {
        assert_eq!(refusal(&scope(to), None), Err(message.to_owned()), "{to}");
    }
}

#[test]
fn a_secret_that_changed_counts_at_once() {
    let (verifier, sent) = (verifier(), signed());
    let with = |secret: SecretKey| {
        let found = verifier.authenticate(&sent.request(), NOW_S, &mut Vec::new(), |_| Some(secret));
        found.map(|found| found.is_some())
    };
    assert_eq!(with(secret()), Ok(true));
    let other = SecretKey::new("another-secret").unwrap();
    assert_eq!(with(other.clone()), Err(Refusal::WrongSignature));
    assert_eq!(with(secret()), Ok(true));
    assert_eq!(with(other), Err(Refusal::WrongSignature));
}
