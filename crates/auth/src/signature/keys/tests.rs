//! The memory of signing keys: bounded, and of no use with another secret.
#![allow(clippy::unwrap_used)]

use super::{SHARDS, SigningKeys, derive};
use crate::secrets::SecretKey;
use crate::signature::{Claim, Placement, Timestamp};

fn claim(access_key_id: &str, region: &str) -> Claim<'static> {
    Claim {
        access_key_id: access_key_id.to_owned().into(),
        date: "20150830".into(),
        region: region.to_owned().into(),
        service: "sqs".into(),
        terminator: "aws4_request".into(),
        signed_headers: "host".into(),
        signature: "".into(),
        time: Timestamp::from_epoch_s(0),
        placement: Placement::Header,
        has_session_token: false,
    }
}

fn add(keys: &SigningKeys, claim: &Claim<'_>, secret: &SecretKey) {
    keys.add(claim, secret, derive(claim, secret));
}

#[test]
fn a_key_is_remembered_for_its_scope_and_its_secret() {
    let (keys, secret) = (SigningKeys::new(64), SecretKey::new("secret").unwrap());
    let own = claim("AKID", "us-east-1");
    assert!(keys.is_empty() && keys.get(&own, &secret).is_none());
    add(&keys, &own, &secret);
    let remembered = keys.get(&own, &secret).unwrap();
    assert_eq!(remembered.sign(b"text"), derive(&own, &secret).sign(b"text"));
    let others = [
        claim("AKIE", "us-east-1"),
        claim("AKID", "us-east-2"),
        Claim { date: "20150831".into(), ..own.clone() },
        Claim { service: "kms".into(), ..own.clone() },
        // The fields are told apart, not only their text in a row.
        Claim { access_key_id: "AKID2".into(), date: "0150830".into(), ..own.clone() },
    ];
    for other in others {
        assert!(keys.get(&other, &secret).is_none(), "{other:?}");
    }
}

#[test]
fn another_secret_replaces_a_key() {
    let keys = SigningKeys::new(64);
    let (old, new) = (SecretKey::new("old").unwrap(), SecretKey::new("new").unwrap());
    let own = claim("AKID", "us-east-1");
    add(&keys, &own, &old);
    assert!(keys.get(&own, &new).is_none());
    add(&keys, &own, &new);
    assert!(keys.get(&own, &old).is_none());
    assert!(keys.get(&own, &new).is_some());
    assert_eq!(keys.len(), 1);
}

#[test]
fn the_oldest_make_room() {
    let (keys, secret) = (SigningKeys::new(2 * SHARDS), SecretKey::new("secret").unwrap());
    // All of one access key are in one part, which has room for two.
    let claims = ["a", "b", "c"].map(|region| claim("AKID", region));
    claims.iter().for_each(|claim| add(&keys, claim, &secret));
    let remembered = claims.each_ref().map(|claim| keys.get(claim, &secret).is_some());
    assert_eq!(remembered, [false, true, true]);
    for number in 0..10_000 {
        add(&keys, &claim(&format!("AKID{number}"), "us-east-1"), &secret);
    }
    assert!(keys.len() <= 2 * SHARDS, "{}", keys.len());
}

#[test]
fn a_memory_of_no_capacity_still_remembers_the_last() {
    let (keys, secret) = (SigningKeys::new(0), SecretKey::new("secret").unwrap());
    for region in ["a", "b"] {
        add(&keys, &claim("AKID", region), &secret);
        assert!(keys.get(&claim("AKID", region), &secret).is_some());
    }
    assert_eq!(keys.len(), 1);
}

#[test]
fn a_deleted_access_key_is_forgotten() {
    let (keys, secret) = (SigningKeys::new(64), SecretKey::new("secret").unwrap());
    for id in ["AKID", "AKIE"] {
        add(&keys, &claim(id, "a"), &secret);
        add(&keys, &claim(id, "b"), &secret);
    }
    keys.forget("AKID");
    assert!(keys.get(&claim("AKID", "a"), &secret).is_none());
    assert!(keys.get(&claim("AKIE", "b"), &secret).is_some());
    assert_eq!(keys.len(), 2);
}

#[test]
fn threads_read_and_add_at_once() {
    let (keys, secret) = (SigningKeys::new(64), SecretKey::new("secret").unwrap());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (keys, secret) = (&keys, &secret);
            scope.spawn(move || {
                for number in 0..500 {
                    let own = claim(&format!("AKID{}", (number * 7 + thread) % 100), "a");
                    match keys.get(&own, secret) {
                        Some(key) => assert_eq!(key.sign(b"x"), derive(&own, secret).sign(b"x")),
                        None => add(keys, &own, secret),
                    }
                }
            });
        }
    });
    assert!(keys.len() <= 64);
}

#[test]
fn no_output_shows_a_key_or_a_secret() {
    let (keys, secret) = (SigningKeys::new(64), SecretKey::new("visible").unwrap());
    add(&keys, &claim("AKID", "a"), &secret);
    let output = format!("{keys:?}");
    assert!(output.contains("AKID") && !output.contains("visible"), "{output}");
}
