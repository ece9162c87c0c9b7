//! Fair queues: tenants of a standard queue, none of whom makes the others wait.

use super::bench::*;

fn send_many(bench: &mut Bench, tenant: &str, count: usize) {
    (0..count).for_each(|_| _ = bench.send_to("q", tenant, tenant));
}

/// A queue in which each of these tenants has so many messages in flight, received in this order.
fn with_in_flight(tenants: &[(&str, usize)]) -> Bench {
    let mut bench = Bench::new();
    bench.create("q", &[("VisibilityTimeout", "43200")]);
    for (tenant, count) in tenants {
        send_many(&mut bench, tenant, *count);
        assert_eq!(bench.texts("q", *count), vec![(*tenant).to_owned(); *count]);
    }
    bench
}

#[test]
fn a_quiet_tenant_goes_before_the_backlog_of_a_noisy_one() {
    let mut bench = with_in_flight(&[("noisy", 30)]);
    send_many(&mut bench, "noisy", 1_000);
    bench.pass(1_000);
    send_many(&mut bench, "quiet", 2);
    assert_eq!(bench.texts("q", 3), ["quiet", "quiet", "noisy"], "and nobody is throttled");
}

#[test]
fn below_30_in_flight_a_tenant_is_not_noisy() {
    let mut bench = with_in_flight(&[("big", 29)]);
    send_many(&mut bench, "big", 1);
    send_many(&mut bench, "small", 1);
    assert_eq!(bench.texts("q", 2), ["big", "small"]);
}

#[test]
fn up_to_a_tenth_of_what_is_in_flight_a_tenant_is_not_noisy() {
    for (others, order) in [(360, ["big", "small"]), (350, ["small", "big"])] {
        let tenants: Vec<(String, usize)> = (0..others / 10).map(|n| (format!("t{n}"), 10)).collect();
        let mut tenants: Vec<(&str, usize)> = tenants.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        tenants.push(("big", 40));
        let mut bench = with_in_flight(&tenants);
        send_many(&mut bench, "big", 1);
        send_many(&mut bench, "small", 1);
        let texts = [bench.texts("q", 1), bench.texts("q", 1)].concat();
        assert_eq!(texts, order, "40 of {}", others + 40);
    }
}

#[test]
fn among_noisy_tenants_the_one_with_the_fewest_in_flight_goes_first() {
    let mut bench = with_in_flight(&[("a", 60), ("b", 35), ("c", 45)]);
    ["a", "b", "c"].iter().for_each(|tenant| send_many(&mut bench, tenant, 20));
    assert_eq!(bench.texts("q", 10), ["b"; 10], "35 up to 45");
    let next = bench.texts("q", 4);
    assert_eq!(next.iter().filter(|text| *text == "b").count(), 2, "then these two in turn: {next:?}");
    assert!(!next.contains(&"a".to_owned()));
}

#[test]
fn quiet_tenants_are_served_oldest_message_first() {
    let mut bench = with_in_flight(&[("noisy", 40)]);
    ["noisy", "x", "y", "x", "z"].iter().for_each(|tenant| send_many(&mut bench, tenant, 1));
    assert_eq!(bench.texts("q", 10), ["x", "y", "x", "z", "noisy"]);
}

#[test]
fn a_tenant_is_quiet_again_after_five_minutes_without_sends() {
    let mut bench = with_in_flight(&[("noisy", 40)]);
    send_many(&mut bench, "noisy", 2);
    bench.pass(300_000);
    send_many(&mut bench, "quiet", 1);
    assert_eq!(bench.texts("q", 1), ["quiet"]);
    bench.pass(1);
    send_many(&mut bench, "quiet", 1);
    assert_eq!(bench.texts("q", 1), ["noisy"], "its message is older");
}

#[test]
fn a_tenant_is_quiet_again_when_its_messages_are_done() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    send_many(&mut bench, "noisy", 40);
    let got = bench.receive("q", 40);
    send_many(&mut bench, "noisy", 1);
    send_many(&mut bench, "quiet", 1);
    bench.delete_all("q", &got);
    assert_eq!(bench.texts("q", 2), ["noisy", "quiet"]);
}

#[test]
fn a_tenant_that_takes_more_than_a_tenth_of_the_processing_time_is_noisy() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    send_many(&mut bench, "slow", 30);
    let got = bench.receive("q", 30);
    bench.pass(10_000);
    bench.delete_all("q", &got);
    send_many(&mut bench, "fast", 30);
    let got = bench.receive("q", 30);
    bench.pass(10);
    bench.delete_all("q", &got);
    send_many(&mut bench, "slow", 2);
    send_many(&mut bench, "fast", 2);
    // A tenant that is drained begins anew, so both are quiet here, whatever they took before.
    assert_eq!(bench.texts("q", 4), ["slow", "slow", "fast", "fast"]);

    let mut bench = Bench::new();
    bench.create("q", &[]);
    send_many(&mut bench, "slow", 32);
    let got = bench.receive("q", 30);
    bench.pass(10_000);
    bench.delete_all("q", &got);
    send_many(&mut bench, "fast", 1);
    assert_eq!(bench.texts("q", 1), ["fast"], "slow has a backlog and took all the time");
    bench.pass(120_000);
    send_many(&mut bench, "fast", 1);
    assert_eq!(bench.texts("q", 1), ["slow"], "that was long ago");
}

/// The contract's page counts them as one tenant; AWS's documents count each as a tenant of its own. Either way they
/// are served.
#[test]
fn messages_without_a_group_are_one_tenant() {
    let mut bench = Bench::new();
    bench.create("q", &[("VisibilityTimeout", "43200")]);
    (0..40).for_each(|_| _ = bench.send("q", "ungrouped"));
    assert_eq!(bench.texts("q", 40).len(), 40);
    (0..5).for_each(|_| _ = bench.send("q", "ungrouped"));
    send_many(&mut bench, "quiet", 1);
    assert_eq!(bench.texts("q", 2), ["quiet", "ungrouped"]);
}

#[test]
fn messages_of_one_tenant_are_handled_in_parallel() {
    let mut bench = Bench::new();
    bench.create("q", &[]);
    send_many(&mut bench, "tenant", 25);
    assert_eq!(bench.texts("q", 10).len(), 10);
    assert_eq!(bench.texts("q", 10).len(), 10);
    assert_eq!(bench.texts("q", 10).len(), 5);
}

#[test]
fn the_quiet_tenant_is_found_among_many_with_a_backlog() {
    let mut bench = with_in_flight(&[("n0", 40), ("n1", 40), ("n2", 40)]);
    for n in 0..3_000 {
        send_many(&mut bench, &format!("n{}", n % 3), 1);
    }
    bench.pass(5);
    send_many(&mut bench, "quiet", 1);
    assert_eq!(bench.texts("q", 1), ["quiet"]);
}
