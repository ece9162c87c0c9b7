//! The forms of names and keys, as tables.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{AccessKeyId, AccountId, FormError, SecretKey, UserName};

#[test]
fn account_ids_have_twelve_digits() {
    assert_eq!(AccountId::new("012345678901").unwrap().as_str(), "012345678901");
    for id in ["", "12345678901", "1234567890123", "12345678901a", "١٢٣٤٥٦", "12345678901 ", "-12345678901"]
    {
        assert_eq!(AccountId::new(id), Err(FormError::AccountId), "{id}");
    }
}

#[test]
fn user_names_have_iam_s_characters() {
    let longest = "x".repeat(64);
    for name in ["a", "A_b+c=d,e.f@g-9", "root", &longest] {
        assert_eq!(UserName::new(name).unwrap().as_str(), name);
    }
    let too_long = "x".repeat(65);
    for name in ["", " ", "a b", "a/b", "a:b", "a*", "é", "a\n", &too_long] {
        assert_eq!(UserName::new(name), Err(FormError::UserName), "{name}");
    }
}

#[test]
fn access_key_ids_have_iam_s_form() {
    let longest = "A".repeat(128);
    for id in ["AKIAIOSFODNN7EXAMPLE", "abcdefghijklmno_", &longest] {
        assert_eq!(AccessKeyId::new(id).unwrap().as_str(), id);
    }
    let too_long = "A".repeat(129);
    for id in
        ["", "AKIDEXAMPLE", "AKIAIOSFODNN7EX/", "AKIAIOSFODNN7EX-MPLE", "AKIAIOSFODNN7EX MPLE", &too_long]
    {
        assert_eq!(AccessKeyId::new(id), Err(FormError::AccessKeyId), "{id}");
    }
}

#[test]
fn access_key_ids_say_their_random_bytes() {
    for (random, id) in [
        ([0; 10], "AKIAAAAAAAAAAAAAAAAA"),
        ([0xff; 10], "AKIA7777777777777777"),
        // The example of RFC 4648, as far as it goes.
        (*b"foobarfoob", "AKIAMZXW6YTBOJTG633C"),
    ] {
        assert_eq!(AccessKeyId::generate(random).as_str(), id);
    }
}

#[test]
fn secrets_say_their_random_bytes() {
    assert_eq!(SecretKey::generate([0; 30]).reveal(), "A".repeat(40));
    assert_eq!(SecretKey::generate([0xff; 30]).reveal(), "/".repeat(40));
}

#[test]
fn secrets_may_be_brought_along_and_are_never_shown() {
    let secret = SecretKey::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").unwrap();
    assert_eq!(format!("{secret:?}"), "SecretKey(…)");
    assert_eq!(secret, secret.clone());
    assert_ne!(secret, SecretKey::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEX").unwrap());
    assert_ne!(secret, SecretKey::new("wJalrXUtnFEMI").unwrap());
    let too_long = "x".repeat(129);
    for text in ["", "a b", "a\n", "é", &too_long] {
        let error = SecretKey::new(text).unwrap_err();
        assert_eq!(error, FormError::SecretKey);
        assert!(text.is_empty() || !error.to_string().contains("é"));
    }
}

#[test]
fn a_secret_is_prefixed_whole() {
    let secret = SecretKey::new("secret").unwrap();
    assert_eq!(secret.with_prefix(b"AWS4", <[u8]>::to_vec), b"AWS4secret");
}

proptest! {
    #[test]
    fn what_is_generated_has_its_form(id: [u8; 10], key in proptest::collection::vec(any::<u8>(), 30)) {
        let id = AccessKeyId::generate(id);
        prop_assert_eq!(AccessKeyId::new(id.as_str()), Ok(id.clone()));
        prop_assert_eq!(id.as_str().len(), 20);
        let secret = SecretKey::generate(key.try_into().unwrap());
        prop_assert_eq!(secret.reveal().len(), 40);
        prop_assert_eq!(SecretKey::new(secret.reveal()).unwrap(), secret);
    }

    #[test]
    fn different_bytes_give_different_ids(a: [u8; 10], b: [u8; 10]) {
        prop_assert_eq!(a == b, AccessKeyId::generate(a) == AccessKeyId::generate(b));
    }
}
