#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Access, KeySource, Said, Surroundings, is_loopback};
use std::io;
use std::path::Path;

type Variables<'v> = &'v [(&'v str, &'v str)];

fn files(path: &Path) -> io::Result<String> {
    let text = match path.to_str().unwrap() {
        "/home/me/.aws/config" => {
            "[default]\nregion = eu-west-1\n[profile dev]\nregion = eu-north-1\nservices = mine\n\
             endpoint_url = http://all:1\nca_bundle = /roots.pem\n[services mine]\nsqs =\n  endpoint_url = http://sqs:2\n\
             [profile plain]\nendpoint_url = http://all:3\naws_access_key_id = C\naws_secret_access_key = c\n\
             [profile role]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = dev\n\
             [profile half]\naws_access_key_id = H\n"
        }
        "/home/me/.aws/credentials" => {
            "[default]\naws_access_key_id = D\naws_secret_access_key = d\n\
             [dev]\naws_access_key_id = E\naws_secret_access_key = e\naws_session_token = t\n"
        }
        "/home/me/other" => "[profile elsewhere]\nregion = mars-1\n",
        "/locked" => return Err(io::ErrorKind::PermissionDenied.into()),
        _ => return Err(io::ErrorKind::NotFound.into()),
    };
    Ok(text.to_owned())
}

fn found(said: &Said, variables: &[(&str, &str)]) -> Result<[String; 4], String> {
    let mut all = vec![("HOME", "/home/me")];
    all.extend(variables);
    let access =
        Access::find(said, &Surroundings::pretended(&all, files)).map_err(|error| error.to_string())?;
    let keys = access.credentials().map_or("none".to_owned(), |keys| {
        format!(
            "{}:{}:{}",
            keys.access_key_id,
            keys.secret_access_key,
            keys.session_token.unwrap_or_default()
        )
    });
    let ca = access.tls.ca.map_or(String::new(), |path| path.display().to_string());
    Ok([access.url, access.region, keys, ca])
}

fn profile(name: &str) -> Said {
    Said { profile: Some(name.to_owned()), ..Said::default() }
}

#[test]
fn what_is_said_nearer_wins() {
    let local = "http://127.0.0.1:9324";
    let nothing = Said::default();
    let keys = [("AWS_ACCESS_KEY_ID", "X"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_SESSION_TOKEN", "y")];
    let cases: [(&Said, Variables<'_>, [&str; 4]); 11] = [
        (&nothing, &[], [local, "eu-west-1", "D:d:", ""]),
        (&nothing, &keys, [local, "eu-west-1", "X:x:y", ""]),
        (&nothing, &[("AWS_REGION", "a"), ("AWS_DEFAULT_REGION", "b")], [local, "a", "D:d:", ""]),
        (&nothing, &[("AWS_DEFAULT_REGION", "b"), ("AWS_REGION", "")], [local, "b", "D:d:", ""]),
        (&nothing, &[("AWS_PROFILE", "dev")], ["http://sqs:2", "eu-north-1", "E:e:t", "/roots.pem"]),
        (
            &nothing,
            &[("AWS_PROFILE", "dev"), ("AWS_ENDPOINT_URL", "http://e"), ("AWS_CA_BUNDLE", "/b")],
            ["http://e", "eu-north-1", "E:e:t", "/b"],
        ),
        (
            &nothing,
            &[("AWS_ENDPOINT_URL_SQS", "http://s"), ("AWS_ENDPOINT_URL", "http://e")],
            ["http://s", "eu-west-1", "D:d:", ""],
        ),
        (
            &nothing,
            &[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"), ("AWS_ENDPOINT_URL", "http://e")],
            [local, "eu-west-1", "D:d:", ""],
        ),
        // Named on the command line, a profile wins over keys in the environment.
        (&profile("dev"), &keys, ["http://sqs:2", "eu-north-1", "E:e:t", "/roots.pem"]),
        (&profile("plain"), &[], ["http://all:3", "us-east-1", "C:c:", ""]),
        (
            &profile("elsewhere"),
            &[("AWS_CONFIG_FILE", "~/other"), ("AWS_SHARED_CREDENTIALS_FILE", "/none")],
            [local, "mars-1", "none", ""],
        ),
    ];
    for (said, variables, expected) in cases {
        assert_eq!(found(said, variables).unwrap(), expected, "{said:?} {variables:?}");
    }
    let said = Said {
        endpoint: Some("http://flag".into()),
        region: Some("r".into()),
        ca_bundle: Some("/f".into()),
        ..profile("dev")
    };
    assert_eq!(found(&said, &[("AWS_REGION", "a")]).unwrap(), ["http://flag", "r", "E:e:t", "/f"]);
}

#[test]
fn the_origin_of_a_queue_url_is_the_last_resort() {
    let said = Said { fallback_endpoint: Some("http://q:1".into()), ..Said::default() };
    assert_eq!(found(&said, &[]).unwrap()[0], "http://q:1");
    assert_eq!(found(&said, &[("AWS_ENDPOINT_URL", "http://e")]).unwrap()[0], "http://e");
}

#[test]
fn what_can_not_be_used_is_named() {
    let cases: [(&Said, Variables<'_>, &str); 6] = [
        (&profile("nobody"), &[], "default, dev, half, plain, role"),
        (&Said::default(), &[("AWS_PROFILE", "nobody")], "no profile nobody"),
        (&profile("role"), &[], "role_arn"),
        (&profile("half"), &[], "without its secret"),
        (&Said::default(), &[("AWS_ACCESS_KEY_ID", "X")], "AWS_SECRET_ACCESS_KEY is not"),
        (&Said::default(), &[("AWS_CONFIG_FILE", "/locked")], "/locked"),
    ];
    for (said, variables, reason) in cases {
        let error = found(said, variables).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn only_this_machine_gets_a_placeholder() {
    let around = Surroundings::pretended(&[], files);
    let access = Access::find(&Said::default(), &around).unwrap();
    assert_eq!(access.source, KeySource::None);
    assert!(access.credentials().is_none());
    for (host, expected) in [
        ("127.0.0.1:9324", true),
        ("localhost", true),
        ("sqs.us-east-1.localhost:4566", true),
        ("[::1]:1", true),
        ("10.0.0.1", false),
        ("queue.example.com:9324", false),
    ] {
        assert_eq!(is_loopback(host), expected, "{host}");
        assert_eq!(access.credentials_or_placeholder(host).is_some(), expected, "{host}");
    }
}
