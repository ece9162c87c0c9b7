//! Messages whose bytes are lost go from wherever they are, and the rest stays as it was.

use super::bench::*;
use crate::*;
use std::collections::BTreeSet;

fn discard(bench: &mut Bench, queue: &str, texts: &[&str]) -> usize {
    let id = bench.engine.queue_id(&named(queue)).unwrap();
    let all = bench.read_for_relocation(0, u64::MAX).into_iter();
    let lost = |one: &Relocation| texts.iter().any(|text| one.bytes == text.as_bytes());
    let sequences: BTreeSet<u64> =
        all.filter(|(owner, one)| *owner == id && lost(one)).map(|(_, one)| one.sequence).collect();
    let moment = bench.moment();
    bench.engine.discard(moment, id, &sequences, &mut bench.log)
}

#[test]
fn messages_of_every_state_can_be_discarded() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    for text in ["held", "back", "fresh 1", "fresh 2", "fresh 3"] {
        bench.send("q", text);
    }
    for (number, text) in [(11, "late 1"), (12, "late 2"), (13, "late 3")] {
        let delay_ms = Some(60_000);
        bench.try_send("q", Outgoing { delay_ms, ..outgoing(number, text) }).unwrap();
    }
    let held = bench.receive_one("q");
    let back = bench.receive_one("q");
    bench.change("q", &back, 0).unwrap();
    assert_eq!(bench.counts("q"), (4, 1, 3));

    assert_eq!(discard(&mut bench, "q", &["fresh 2", "late 2"]), 2);
    assert_eq!(bench.counts("q"), (3, 1, 2));
    assert_eq!(discard(&mut bench, "q", &["held", "back", "late 1", "late 3"]), 4);
    assert_eq!(bench.counts("q"), (2, 0, 0));
    assert_eq!(discard(&mut bench, "q", &["held", "never was"]), 0);

    bench.delete("q", &held).unwrap();
    bench.pass(120_000);
    assert_eq!(bench.texts("q", 10), ["fresh 1", "fresh 3"]);
}

#[test]
fn a_fifo_group_goes_on_behind_a_discarded_message() {
    let mut bench = Bench::new();
    bench.create("q.fifo", &[]);
    for text in ["one", "two", "three"] {
        bench.send_to("q.fifo", "group", text);
    }
    assert_eq!(bench.texts("q.fifo", 1), ["one"]);
    assert_eq!(bench.texts("q.fifo", 1), Vec::<String>::new());
    assert_eq!(discard(&mut bench, "q.fifo", &["one", "two"]), 2);
    assert_eq!(bench.texts("q.fifo", 1), ["three"]);
}

#[test]
fn only_the_named_queue_loses_messages() {
    let mut bench = Bench::new();
    bench.create("a", &[]);
    bench.create("b", &[]);
    bench.send("a", "same");
    bench.send("b", "same");
    assert_eq!(discard(&mut bench, "a", &["same"]), 1);
    assert_eq!((bench.counts("a"), bench.counts("b")), ((0, 0, 0), (1, 0, 0)));
    let described = bench.engine.describe_all(bench.now_ms);
    let shown: Vec<_> = described.iter().map(|queue| (queue.name.name.as_str(), queue.visible)).collect();
    assert_eq!(shown, [("a", 0), ("b", 1)]);
}
