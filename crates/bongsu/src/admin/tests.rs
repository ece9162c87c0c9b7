#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::exit_code;
use crate::arguments::Arguments;
use clap::Parser as _;

#[test]
fn what_all_commands_have_can_stand_anywhere() {
    for arguments in [
        ["bongsu", "user", "--endpoint", "http://h:1", "list"],
        ["bongsu", "user", "list", "--endpoint", "http://h:1"],
        ["bongsu", "key", "create", "--account", "111111111111"],
        ["bongsu", "key", "--account", "111111111111", "list"],
    ] {
        assert!(Arguments::try_parse_from(arguments).is_ok(), "{arguments:?}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (arguments, reason) in [
        (vec!["user", "tag", "alice"], "KEY=VALUE"),
        (vec!["user", "create", "alice", "--tag", "x"], "KEY=VALUE"),
        (vec!["key", "create", "--replace"], "--root"),
        (vec!["policy", "test", "--action", "a"], "--resource"),
        (
            vec!["policy", "test", "--action", "a", "--resource", "*", "--anonymous", "--user", "u"],
            "--anonymous",
        ),
    ] {
        let error = Arguments::try_parse_from(["bongsu"].iter().chain(&arguments)).unwrap_err().to_string();
        assert!(error.contains(reason), "{arguments:?}: {error}");
    }
}

#[test]
fn a_denial_is_told_from_success() {
    let code = |outcome| format!("{:?}", exit_code(outcome));
    assert_ne!(code(Ok(true)), code(Ok(false)));
}
