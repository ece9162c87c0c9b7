#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::QueueArguments;
use clap::Parser;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    queue: QueueArguments,
}

fn parse(line: &str) -> Result<Vec<String>, String> {
    let line = Line::try_parse_from(["bongsu"].into_iter().chain(line.split(' ')));
    line.map(|line| line.queue.command.queues()).map_err(|error| error.to_string())
}

#[test]
fn the_command_line_is_consistent() {
    use clap::CommandFactory as _;
    Line::command().debug_assert();
}

#[test]
fn commands_name_their_queues() {
    for (line, queues) in [
        ("list", &[][..]),
        ("list pre --json", &[]),
        ("--endpoint http://h create q --fifo", &["q"]),
        ("show a b --profile p", &["a", "b"]),
        ("send q hello --attribute a:Number=1 --delay 5s", &["q"]),
        ("send q --file f --each-line", &["q"]),
        ("receive q -n 3 --follow --delete", &["q"]),
        ("browse q --all --search x", &["q"]),
        ("purge a b --yes", &["a", "b"]),
        ("delete a -y", &["a"]),
        ("redrive dead --rate 50 --to other", &["dead"]),
        ("watch", &[]),
        ("watch a --every 2s", &["a"]),
    ] {
        assert_eq!(parse(line).unwrap(), queues, "{line}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (line, reason) in [
        ("send q", "BODY"),
        ("send q body --file f", "--file"),
        ("send q - --each-line --deduplication-id d", "--deduplication-id"),
        ("receive q -n 0", "0"),
        ("receive q --raw --json", "--json"),
        ("purge", "QUEUE"),
        ("redrive q --cancel --detach", "--detach"),
        ("redrive q --rate 0", "0"),
    ] {
        let error = parse(line).unwrap_err();
        assert!(error.contains(reason), "{line}: {error}");
    }
}
