//! Golden pairs: what is on the wire, in both encodings, for every action.
//!
//! `golden/<action>/<case>/` may hold
//! - `request.json` and `request.form` (one encoded parameter a line), as botocore 1.44 and 1.31.80 write
//!   them for the same call, and `decoded.txt`, the request that both must become;
//! - `response.json`, `response.xml` and `response.query.json`, what the answer in `outputs.rs` must be
//!   written as.
//!
//! `golden/errors/<case>/` holds the same for refusals, with the header in `query_error.txt`.
//!
//! `BLESS=1 cargo test` writes the files that are made from code (never the requests). Read the difference
//! before you commit it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't read its files has failed"
)]

mod outputs;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bongsu_wire::{
    decode_json, decode_query, encode_json, encode_query_json, encode_xml, error_json, error_query_json,
    error_xml,
};

const REQUEST_ID: &str = "5a6f1c1e-7f0b-5d2c-9a55-3f1f0d1c2b3a";

const ACTIONS: usize = 23;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// `SendMessage` for `send_message`.
fn action_of(folder: &str) -> String {
    let capitalised = folder.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    capitalised.collect()
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// The folders `golden/<action>/<case>`, with the action's name.
fn cases() -> Vec<(String, PathBuf)> {
    let mut cases = Vec::new();
    for action in folders(&golden()).iter().filter(|path| !path.ends_with("errors")) {
        let name = action_of(action.file_name().unwrap().to_str().unwrap());
        cases.extend(folders(action).into_iter().map(|case| (name.clone(), case)));
    }
    cases
}

/// Compares with the file, or writes it when asked to.
fn assert_file(path: &Path, actual: &[u8]) {
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (expected, actual) = (String::from_utf8(expected).unwrap(), str::from_utf8(actual).unwrap());
    assert_eq!(expected, actual, "{}", path.display());
}

#[test]
fn both_encodings_of_a_request_become_the_same_operation() {
    let mut actions = BTreeSet::new();
    for (action, case) in cases().into_iter().filter(|(_, case)| case.join("request.json").exists()) {
        let json = fs::read(case.join("request.json")).unwrap();
        let form = fs::read_to_string(case.join("request.form")).unwrap();
        let from_json = decode_json(&format!("AmazonSQS.{action}"), &json).unwrap();
        let form = form.trim_end().replace('\n', "&");
        let from_form = decode_query("/", "", form.as_bytes()).unwrap();
        let from_url = decode_query("/", &form, b"").unwrap();
        assert_eq!(from_json, from_form, "{}", case.display());
        assert_eq!(from_json, from_url, "{}", case.display());
        assert_eq!(from_json.name(), action);
        assert_file(&case.join("decoded.txt"), format!("{from_json:#?}\n").as_bytes());
        actions.insert(action);
    }
    assert_eq!(actions.len(), ACTIONS, "{actions:?}");
}

#[test]
fn answers_are_written_as_recorded() {
    let mut actions = BTreeSet::new();
    for (path, output) in outputs::outputs() {
        let case = golden().join(path);
        assert_file(&case.join("response.json"), &encode_json(&output));
        assert_file(&case.join("response.xml"), &encode_xml(&output, REQUEST_ID));
        assert_file(&case.join("response.query.json"), &encode_query_json(&output, REQUEST_ID));
        assert_eq!(action_of(path.split('/').next().unwrap()), output.name());
        actions.insert(output.name());
    }
    assert_eq!(actions.len(), ACTIONS, "{actions:?}");
}

#[test]
fn refusals_are_written_as_recorded() {
    for (name, error) in outputs::errors() {
        let case = golden().join("errors").join(name);
        let (body, header) = error_json(&error);
        assert_file(&case.join("response.json"), &body);
        assert_file(&case.join("query_error.txt"), format!("{header}\n").as_bytes());
        assert_file(&case.join("response.xml"), &error_xml(&error, REQUEST_ID));
        assert_file(&case.join("response.query.json"), &error_query_json(&error, REQUEST_ID));
    }
}

#[test]
fn every_golden_file_is_used() {
    let answers: BTreeSet<_> = outputs::outputs().into_iter().map(|(path, _)| golden().join(path)).collect();
    for (_, case) in cases() {
        let has_answer = case.join("response.json").exists();
        assert_eq!(has_answer, answers.contains(&case), "{}", case.display());
        assert!(has_answer || case.join("request.json").exists(), "{} is empty", case.display());
    }
    let errors = outputs::errors().len();
    assert_eq!(folders(&golden().join("errors")).len(), errors);
}
