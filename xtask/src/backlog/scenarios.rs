//! What is measured. Each function is a section of the page.

use super::Options;
use super::disk::drop_page_cache;
use super::server::{Observer, Server};
use super::table::Section;
use crate::measure::clock::{now, sleep};
use crate::measure::text::{grouped, median, mib};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const SEGMENT_BYTES: u64 = 64 << 20;
/// What a message of 1 KiB may take up on the disk at the most, while it is filled and cleaned up after.
const DISK_BYTES_EACH: u64 = 2_600;
/// What a message of 1 KiB is when it is stored, as `bongsu check` says: what lives of it, for the limit on disk use while messages go.
const LIVE_BYTES_EACH: u64 = 1_086;
const ROUNDS: usize = 5;
const DRAINS_A_ROUND: u64 = 20;
/// What the shallow queue holds, and what is taken from the deep one, each time.
const SHALLOW: u64 = 1_000;
const GIB: u64 = 1 << 30;

/// Ten million in one queue.
pub(super) fn deep(options: &Options) -> Result<Section, String> {
    let messages = options.scaled(options.messages);
    let mut server = Server::start(&options.folder, messages * DISK_BYTES_EACH / 2 + GIB)?;
    let mut section = Section::new(format!("{} pending in one queue", grouped(messages)));
    section.row("resident, empty", mib(server.resident_bytes()?));
    let filled = server.bench(&format!("fill --queue deep --messages {messages} --connections 32"))?;
    section.row("filled at", per_second(&filled, "SendMessageBatch"));
    let resident_bytes = server.resident_bytes()?;
    memory(&mut section, &server, "full", Some(300))?;
    section.row("memory a message", format!("{:.1} bytes", resident_bytes as f64 / messages as f64));
    let full_disk_bytes = server.disk_bytes();
    section.row(
        "disk",
        format!("{} ({:.0} bytes a message)", mib(full_disk_bytes), full_disk_bytes as f64 / messages as f64),
    );
    let ratio = beside_shallow(options, &mut section, &mut server, "--queue deep", "--queue shallow")?;
    section.limited("ratio", format!("{ratio:.2}"), "≥ 0.8", ratio >= 0.8);
    let expected = messages - taken(options);
    restart(&mut section, &mut server, Some(10.0))?;
    cold_restart(&mut section, &mut server, Some(10.0), "--queue deep")?;
    if server.counts("deep")?.iter().sum::<u64>() != expected {
        return Err(format!("{:?} after restarts, not {expected}", server.counts("deep")?));
    }
    memory(&mut section, &server, "after the restart", Some(300))?;
    // What the first answer took is in flight.
    let left = server.counts("deep")?[0];
    let begun = now();
    let (drained, worst) = watched(&server.observer(), "deep", || {
        server
            .start_bench(&format!("receive-delete --queue deep --messages {left} --connections 32"))?
            .result()
    })?;
    server.commands.push(format!("receive-delete --queue deep --messages {left} --connections 32"));
    section.row("the rest drained at", per_second(&drained, "DeleteMessage(Batch)"));
    let found = format!("{} after {:.0} s", mib(worst.excess_bytes), (worst.at - begun).as_secs_f64());
    let limit = "≤ 2 segments = 128 MiB";
    let kept = worst.excess_bytes <= 2 * SEGMENT_BYTES;
    section.limited("while draining, most disk beyond twice what lives", found, limit, kept);
    settle(&server);
    section.limited(
        "disk, drained",
        mib(server.disk_bytes()),
        "≤ 2 × 0 + 2 segments = 128 MiB",
        server.disk_bytes() <= 2 * SEGMENT_BYTES,
    );
    memory(&mut section, &server, "drained", None)?;
    finish(section, &server)
}

/// A log in which every segment is mostly dead: what lives must be copied.
pub(super) fn cleaner(options: &Options) -> Result<Section, String> {
    let messages = options.scaled(2_000_000);
    let seconds = options.scaled(60);
    let mut server = Server::start(&options.folder, messages * DISK_BYTES_EACH + GIB)?;
    let mut section = Section::new(format!(
        "The cleaner: {} over ten queues, of which nine are drained",
        grouped(messages)
    ));
    server.bench(&format!("fill --queue mixed --queues 10 --messages {messages} --connections 32"))?;
    let full_disk_bytes = server.disk_bytes();
    section.row("disk, full", mib(full_disk_bytes));
    let stored_bytes = server.live_bytes()?;
    if stored_bytes < messages * LIVE_BYTES_EACH {
        return Err(format!(
            "{messages} messages live in {stored_bytes} bytes: {LIVE_BYTES_EACH} each is too many"
        ));
    }
    let probe = format!("send --queue probe --rate 1000 --connections 16 --duration {seconds}");
    let alone = server.bench(&probe)?;
    section.row("1,000 sends a second alone: p50 / p99 / p99.9 / max", latencies(&alone, "SendMessage"));
    let staying = server.counts("mixed-9")?[0];
    // Nine tenths of each segment die, at a rate that leaves the machine some rest.
    let drained_messages = messages - staying;
    let drain_rate = drained_messages / seconds;
    let drain = format!(
        "receive-delete --queue mixed --queues 9 --messages {drained_messages} --rate {drain_rate} --connections 16"
    );
    server.commands.push(drain.clone());
    let drain = server.start_bench(&drain)?;
    let beside = server.bench(&probe)?;
    drain.result()?;
    section.row(
        "the same while the nine are drained and their space is cleaned",
        latencies(&beside, "SendMessage"),
    );
    settle(&server);
    let (live_bytes, disk_bytes) = (server.live_bytes()?, server.disk_bytes());
    let limit_bytes = 2 * live_bytes + 2 * SEGMENT_BYTES;
    let limit = format!("≤ 2 × {} + 2 segments = {}", mib(live_bytes), mib(limit_bytes));
    section.limited("disk, when the cleaner rests", mib(disk_bytes), &limit, disk_bytes <= limit_bytes);
    restart(&mut section, &mut server, Some(10.0))?;
    let left: [u64; 2] =
        [server.counts_of("mixed", 9)?, server.counts("mixed-9")?].map(|counts| counts.iter().sum());
    if left != [0, staying] {
        return Err(format!("{left:?} left, not [0, {staying}]"));
    }
    finish(section, &server)
}

/// A million over a hundred thousand FIFO groups.
pub(super) fn groups(options: &Options) -> Result<Section, String> {
    let (messages, groups) = (options.scaled(1_000_000), options.scaled(100_000));
    let mut server = Server::start(&options.folder, messages * DISK_BYTES_EACH + GIB)?;
    let mut section = Section::new(format!("{} over {} FIFO groups", grouped(messages), grouped(groups)));
    let fill = format!("fill --queue deep.fifo --groups {groups} --messages {messages} --connections 32");
    let filled = server.bench(&fill)?;
    section.row("filled at", per_second(&filled, "SendMessageBatch"));
    memory(&mut section, &server, "full, with five minutes of deduplication ids", None)?;
    let ratio = beside_shallow(
        options,
        &mut section,
        &mut server,
        "--queue deep.fifo",
        "--queue shallow.fifo --groups 1000",
    )?;
    section.row("ratio", format!("{ratio:.2}"));
    restart(&mut section, &mut server, None)?;
    cold_restart(&mut section, &mut server, None, "--queue deep.fifo")?;
    memory(&mut section, &server, "after the restart", None)?;
    finish(section, &server)
}

/// Two million received and not deleted: first in flight, then back.
pub(super) fn received(options: &Options) -> Result<Section, String> {
    const QUEUES: u64 = 17;
    let messages = options.scaled(2_000_000).min(QUEUES * 119_000);
    let hidden_s = 300;
    let mut server = Server::start(&options.folder, messages * DISK_BYTES_EACH + GIB)?;
    let mut section =
        Section::new(format!("{} received once and not deleted, over {QUEUES} queues", grouped(messages)));
    server.bench(&format!("fill --queue deep --queues {QUEUES} --messages {messages} --connections 34"))?;
    memory(&mut section, &server, "before", None)?;
    let begun = now();
    let hold = format!(
        "hold --queue deep --queues {QUEUES} --messages {messages} --connections 34 --wait-seconds 0 \
         --visibility-timeout-seconds {hidden_s}"
    );
    let held = server.bench(&hold)?;
    section.row("received at", per_second(&held, "ReceiveMessage"));
    let in_flight = server.counts_of("deep", QUEUES)?[1];
    if in_flight != messages {
        return Err(format!("{in_flight} in flight, not {messages}"));
    }
    memory(&mut section, &server, "all in flight", None)?;
    restart(&mut section, &mut server, None)?;
    memory(&mut section, &server, "all in flight, after the restart", None)?;
    let in_flight = server.counts_of("deep", QUEUES)?[1];
    section.row("still in flight then", grouped(in_flight));
    let back =
        begun + Duration::from_secs(hidden_s) + Duration::from_secs_f64(number(&held, "elapsed_s") + 5.0);
    sleep(back.saturating_duration_since(now()));
    let counts = server.counts_of("deep", QUEUES)?;
    if counts != [messages, 0, 0] {
        return Err(format!("{counts:?} when all should be back"));
    }
    memory(&mut section, &server, "all back", None)?;
    let ratio = beside_shallow(options, &mut section, &mut server, "--queue deep-0", "--queue shallow")?;
    section.row("ratio", format!("{ratio:.2}"));
    restart(&mut section, &mut server, None)?;
    cold_restart(&mut section, &mut server, None, "--queue deep-1")?;
    memory(&mut section, &server, "all back, after the restart", None)?;
    finish(section, &server)
}

/// Two million that wait for their time.
pub(super) fn delayed(options: &Options) -> Result<Section, String> {
    let messages = options.scaled(2_000_000);
    let mut server = Server::start(&options.folder, messages * DISK_BYTES_EACH + GIB)?;
    let mut section = Section::new(format!("{} with random delays of up to 15 minutes", grouped(messages)));
    let begun = now();
    let fill = format!("fill --queue deep --messages {messages} --max-delay-seconds 900 --connections 32");
    let filled = server.bench(&fill)?;
    section.row("filled at", per_second(&filled, "SendMessageBatch"));
    let counts = server.counts("deep")?;
    section.row("still delayed then", grouped(counts[2]));
    memory(&mut section, &server, "then", None)?;
    restart(&mut section, &mut server, None)?;
    memory(&mut section, &server, "after the restart", None)?;
    let ratio = beside_shallow(options, &mut section, &mut server, "--queue deep", "--queue shallow")?;
    section.row("ratio, received as they become due", format!("{ratio:.2}"));
    let left = messages - taken(options);
    let due = begun + Duration::from_secs(905) + Duration::from_secs_f64(number(&filled, "elapsed_s"));
    sleep(due.saturating_duration_since(now()));
    let counts = server.counts("deep")?;
    if counts.iter().sum::<u64>() != left || counts[2] != 0 {
        return Err(format!("{counts:?} when all of {left} should be due"));
    }
    memory(&mut section, &server, "all due", None)?;
    cold_restart(&mut section, &mut server, None, "--queue deep")?;
    finish(section, &server)
}

/// As many FIFO sends as go, for as long as deduplication remembers.
pub(super) fn fifo(options: &Options) -> Result<Section, String> {
    let seconds = options.scaled(options.fifo_seconds);
    let mut server = Server::start(&options.folder, seconds * 130_000 * 1_400 + GIB)?;
    let mut section = Section::new(format!("{seconds} s of FIFO sends at full rate"));
    let send = format!("send-batch --queue fifo.fifo --groups 1000 --duration {seconds} --connections 16");
    let sent = server.bench_refused(&send, "RequestThrottled")?;
    section.row("sent at", per_second(&sent, "SendMessageBatch"));
    section.row("batches of ten: p50 / p99 / p99.9 / max", latencies(&sent, "SendMessageBatch"));
    let messages = server.counts("fifo.fifo")?[0];
    section.row("messages", grouped(messages));
    let throttled = sent["errors"]["RequestThrottled"].as_u64().unwrap_or_default();
    section.row("sends refused with RequestThrottled", grouped(throttled));
    section.note(
        "A queue remembers at most 8,000,000 deduplication ids of the last five minutes; beyond that it refuses, which SDKs try \
         again, rather than forget one.",
    );
    memory(&mut section, &server, "at the end", None)?;
    section.row("peak", mib(server.peak_bytes()?));
    section.row("disk", mib(server.disk_bytes()));
    restart(&mut section, &mut server, None)?;
    memory(&mut section, &server, "after the restart", None)?;
    finish(section, &server)
}

/// Ten thousand queues.
pub(super) fn queues(options: &Options) -> Result<Section, String> {
    let queues = options.scaled(10_000);
    let mut server = Server::start(&options.folder, GIB)?;
    let mut section = Section::new(format!("{} queues with ten messages each", grouped(queues)));
    let empty_bytes = server.resident_bytes()?;
    let begun = now();
    let filled = server
        .bench(&format!("fill --queue q --queues {queues} --messages {} --connections 16", queues * 10))?;
    let created_s = begun.elapsed().as_secs_f64() - number(&filled, "elapsed_s");
    section.row("queues made", format!("{:.0}/s", queues as f64 / created_s));
    section.row("filled at", per_second(&filled, "SendMessageBatch"));
    memory(&mut section, &server, "then", None)?;
    let each = (server.resident_bytes()?.saturating_sub(empty_bytes)) as f64 / queues as f64;
    section.row("memory a queue", format!("{each:.0} bytes"));
    let ratio = beside_shallow(options, &mut section, &mut server, "--queue a", "--queue b")?;
    section.note(format!(
        "Beside so many queues the two compared are both shallow, so that their ratio ({ratio:.2}) shows how far such ratios can be trusted."
    ));
    restart(&mut section, &mut server, None)?;
    cold_restart(&mut section, &mut server, None, "--queue q-0")?;
    memory(&mut section, &server, "after the restart", None)?;
    finish(section, &server)
}

/// One who sends millions, and one who sends ten.
pub(super) fn tenants(options: &Options) -> Result<Section, String> {
    let messages = options.scaled(options.messages / 2);
    let mut server = Server::start(&options.folder, messages * DISK_BYTES_EACH / 2 + GIB)?;
    let mut section = Section::new(format!("A quiet tenant behind {} of a noisy one", grouped(messages)));
    let noisy =
        format!("fill --queue fair --groups 1 --group-prefix noisy --messages {messages} --connections 32");
    server.bench(&noisy)?;
    memory(&mut section, &server, "full", None)?;
    server.bench("hold --queue fair --messages 1000 --connections 8 --visibility-timeout-seconds 43200")?;
    server.bench("fill --queue fair --groups 1 --group-prefix quiet --messages 10 --connections 1")?;
    let (mut quiet, mut receives, mut slowest) = (0, 0, Duration::ZERO);
    let begun = now();
    while quiet < 10 && receives < 1_000 {
        let request = json!({
            "QueueUrl": server.url("fair"),
            "MaxNumberOfMessages": 1,
            "VisibilityTimeout": 43_200,
            "MessageSystemAttributeNames": ["MessageGroupId"],
        });
        let asked = now();
        let answer = server.call("ReceiveMessage", &request)?;
        slowest = slowest.max(asked.elapsed());
        receives += 1;
        let group = answer["Messages"][0]["Attributes"]["MessageGroupId"].as_str().unwrap_or_default();
        quiet += u64::from(group.starts_with("quiet"));
    }
    if quiet < 10 {
        return Err(format!("{quiet} of the quiet tenant's 10 messages in {receives} receives"));
    }
    section.row(
        "receives until the quiet tenant's 10 messages were all there",
        format!(
            "{receives} (one message each) in {:.1} ms, the slowest {:.1} ms",
            ms(begun.elapsed()),
            ms(slowest)
        ),
    );
    let ratio =
        beside_shallow(options, &mut section, &mut server, "--queue fair", "--queue shallow --groups 1")?;
    section.row("ratio", format!("{ratio:.2}"));
    restart(&mut section, &mut server, None)?;
    finish(section, &server)
}

fn finish(mut section: Section, server: &Server) -> Result<Section, String> {
    section.commands(&server.commands);
    Ok(section)
}

fn number(result: &Value, name: &str) -> f64 {
    result[name].as_f64().unwrap_or_default()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn per_second(result: &Value, operation: &str) -> String {
    let rate = number(&result["operations"][operation], "messages_per_s");
    format!("{}/s", grouped(rate as u64))
}

fn latencies(result: &Value, operation: &str) -> String {
    let latency = &result["operations"][operation]["latency_us"];
    let shown = ["p50", "p99", "p99.9", "max"].map(|name| format!("{:.2}", number(latency, name) / 1e3));
    format!("{} ms", shown.join(" / "))
}

fn memory(section: &mut Section, server: &Server, when: &str, limit_mib: Option<u64>) -> Result<(), String> {
    let bytes = server.resident_bytes()?;
    let what = format!("resident, {when}");
    match limit_mib {
        Some(limit) => section.limited(&what, mib(bytes), &format!("≤ {limit} MiB"), bytes <= limit << 20),
        None => section.row(what, mib(bytes)),
    }
    Ok(())
}

fn restart(section: &mut Section, server: &mut Server, limit_s: Option<f64>) -> Result<(), String> {
    server.kill();
    let took_s = server.restart()?.as_secs_f64();
    timed(section, "restart", took_s, limit_s);
    Ok(())
}

fn cold_restart(
    section: &mut Section,
    server: &mut Server,
    limit_s: Option<f64>,
    queue: &str,
) -> Result<(), String> {
    server.kill();
    if !drop_page_cache() {
        section.row("restart, cold", "not measured: the page cache can't be emptied here");
        return Ok(());
    }
    let took_s = server.restart()?.as_secs_f64();
    timed(section, "restart, cold", took_s, limit_s);
    let first = server.bench(&format!("hold {queue} --messages 10 --connections 1"))?;
    let max_ms = number(&first["operations"]["ReceiveMessage"]["latency_us"], "max") / 1e3;
    section.row("the first ten received after it", format!("{max_ms:.1} ms"));
    Ok(())
}

fn timed(section: &mut Section, what: &str, took_s: f64, limit_s: Option<f64>) {
    let found = format!("{took_s:.2} s");
    match limit_s {
        Some(limit) => section.limited(what, found, &format!("≤ {limit} s"), took_s <= limit),
        None => section.row(what, found),
    }
}

/// Drains the same number of messages from the deep queue and from one that holds no more than that, in turns; says by
/// what the deep one is slower (the median of the rounds' ratios).
fn beside_shallow(
    options: &Options,
    section: &mut Section,
    server: &mut Server,
    deep: &str,
    shallow: &str,
) -> Result<f64, String> {
    let drain = |server: &mut Server, queue: &str| {
        let result = server.bench(&format!("receive-delete {queue} --messages {SHALLOW} --connections 8"))?;
        Ok::<_, String>(number(&result, "elapsed_s"))
    };
    let fill = |server: &mut Server, queue: &str| {
        server.bench(&format!("fill {queue} --messages {SHALLOW} --connections 8")).map(|_| ())
    };
    let (mut ratios, mut rates) = (Vec::new(), [Vec::new(), Vec::new()]);
    // In the section on many queues both are shallow.
    let both_shallow = deep == "--queue a";
    let drains = drains_a_round(options);
    for _ in 0..ROUNDS {
        let mut elapsed_s = [0.0; 2];
        for _ in 0..drains {
            if both_shallow {
                fill(server, deep)?;
            }
            fill(server, shallow)?;
            elapsed_s[1] += drain(server, shallow)?;
            elapsed_s[0] += drain(server, deep)?;
        }
        ratios.push(elapsed_s[1] / elapsed_s[0]);
        let messages = (drains * SHALLOW) as f64;
        rates.iter_mut().zip(elapsed_s).for_each(|(rates, elapsed_s)| rates.push(messages / elapsed_s));
    }
    let [deep_rate, shallow_rate] = rates.map(median);
    let found = format!("{}/s", grouped(deep_rate as u64));
    section.row(format!("received and deleted ({ROUNDS} rounds of {drains} × {SHALLOW}, median)"), found);
    section.row(
        format!("the same from a queue of {} beside it", grouped(SHALLOW)),
        format!("{}/s", grouped(shallow_rate as u64)),
    );
    Ok(median(ratios))
}

fn drains_a_round(options: &Options) -> u64 {
    ((DRAINS_A_ROUND as f64 * options.scale) as u64).max(1)
}

/// What [`beside_shallow`] takes from the deep queue.
fn taken(options: &Options) -> u64 {
    ROUNDS as u64 * drains_a_round(options) * SHALLOW
}

/// The moment at which the disk held most beyond twice what lived.
struct Worst {
    excess_bytes: u64,
    at: Instant,
}

/// Runs a load and looks at the disk meanwhile.
fn watched(
    observer: &Observer,
    queue: &str,
    work: impl FnOnce() -> Result<Value, String>,
) -> Result<(Value, Worst), String> {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut worst = Worst { excess_bytes: 0, at: now() };
            while !ended.load(Ordering::Relaxed) {
                // In this order: what is deleted between the two looks counts for the server, not against it.
                let disk_bytes = observer.disk_bytes();
                let live_bytes = observer.messages(queue)? * LIVE_BYTES_EACH;
                let excess_bytes = disk_bytes.saturating_sub(2 * live_bytes);
                if excess_bytes > worst.excess_bytes {
                    worst = Worst { excess_bytes, at: now() };
                }
                sleep(Duration::from_millis(500));
            }
            Ok::<_, String>(worst)
        });
        let result = work();
        ended.store(true, Ordering::Relaxed);
        let worst = watch.join().map_err(|_| "the watcher panicked".to_owned())??;
        Ok((result?, worst))
    })
}

/// Waits until the disk's use has stayed the same for a while.
fn settle(server: &Server) {
    let (mut last, mut same) = (server.disk_bytes(), 0);
    for _ in 0..120 {
        sleep(Duration::from_secs(1));
        let bytes = server.disk_bytes();
        same = if bytes == last { same + 1 } else { 0 };
        last = bytes;
        if same == 10 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{latencies, per_second};
    use serde_json::json;

    #[test]
    fn results_are_shown_in_the_units_of_the_page() {
        let latency = json!({ "p50": 400.0, "p99": 2_500.0, "p99.9": 3_000.0, "max": 10_000.0 });
        let result =
            json!({ "operations": { "SendMessage": { "messages_per_s": 51_234.9, "latency_us": latency } } });
        assert_eq!(per_second(&result, "SendMessage"), "51,234/s");
        assert_eq!(latencies(&result, "SendMessage"), "0.40 / 2.50 / 3.00 / 10.00 ms");
    }
}
