//! What was found, for people.

use super::time::Utc;
use bongsu_journal::BackedUp;
use bongsu_server::store::{Checked, Contents, ENTRY_VERSION, MESSAGE_VERSION, Repaired, Rescue, Tally};
use indicatif::HumanBytes;
use std::fmt::Write as _;
use std::path::Path;

/// Faults that are told one by one.
const MAX_FAULTS: usize = 20;

/// What a check found.
pub(super) fn checked(dir: &Path, checked: &Checked) -> String {
    let mut text = String::new();
    let verdict = if checked.is_sound() { "sound" } else { "DAMAGED" };
    line(&mut text, format_args!("{}: {verdict}", dir.display()));
    log(&mut text, checked);
    match &checked.contents {
        Ok(found) => contents(&mut text, found),
        Err(why) => line(&mut text, format_args!("  a server would refuse to start: {why}")),
    }
    if !checked.survey.faults.is_empty() {
        line(&mut text, format_args!("\ndamage:"));
    }
    for fault in checked.survey.faults.iter().take(MAX_FAULTS) {
        let file = fault.file.file_name().unwrap_or_default().display();
        line(&mut text, format_args!("  {file} at byte {}: {}", fault.offset, fault.why));
    }
    if let Some(more) = checked.survey.faults.len().checked_sub(MAX_FAULTS).filter(|more| *more > 0) {
        line(&mut text, format_args!("  and {more} more"));
    }
    match &checked.rescue {
        None => {}
        Some(Ok(found)) => rescue(&mut text, found),
        Some(Err(why)) => {
            line(&mut text, format_args!("\nit can't be repaired: {why}"));
            let advice = "No checkpoint can be read any more, and segments without which nothing can be rebuilt were deleted \
                          long ago. Restore a backup.";
            line(&mut text, format_args!("{advice}"));
        }
    }
    text
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String can't fail.
    let _ = writeln!(text, "{what}");
}

fn log(text: &mut String, checked: &Checked) {
    let survey = &checked.survey;
    let bytes: u64 = survey.segments.iter().map(|segment| segment.file_bytes).sum();
    let entries: u64 = survey.segments.iter().map(|segment| segment.entries).sum();
    line(
        text,
        format_args!(
            "  formats: journal {}, entry {ENTRY_VERSION}, message {MESSAGE_VERSION}",
            survey.format_version
        ),
    );
    line(text, format_args!("  {} segments, {} on disk", survey.segments.len(), HumanBytes(bytes)));
    let first = survey.segments.first().map_or(0, |segment| segment.base.0);
    let last = survey.last_stamp.map_or_else(
        || "nothing was ever written".to_owned(),
        |stamp| format!("the last one of {}", Utc::from_ms(stamp.time_ms)),
    );
    line(text, format_args!("  log from {first} to {}: {entries} entries, {last}", survey.tail));
    if let Some((file, offset)) = &survey.torn {
        let file = file.file_name().unwrap_or_default().display();
        line(
            text,
            format_args!(
                "  (an entry was being written at byte {offset} of {file}; nobody was told that it was)"
            ),
        );
    }
}

fn contents(text: &mut String, found: &Contents) {
    match found.checkpoint {
        Some(checkpoint) => line(
            text,
            format_args!(
                "  checkpoint at {} ({}), replay from {}",
                checkpoint.position,
                HumanBytes(checkpoint.bytes),
                checkpoint.replay_from
            ),
        ),
        None => line(text, format_args!("  no checkpoint yet, replay from the beginning")),
    }
    let live = HumanBytes(found.live_bytes());
    line(text, format_args!("  {} queues, {} messages, {live} live", found.queues.len(), found.messages));
    if found.documents.documents > 0 {
        let (documents, bytes) = (found.documents.documents, HumanBytes(found.documents.bytes));
        line(text, format_args!("  {documents} documents of {bytes}"));
    }
    lost(text, found);
    if found.queues.is_empty() {
        return;
    }
    let names: Vec<String> = found
        .queues
        .iter()
        .map(|queue| format!("{}/{}/{}", queue.name.account, queue.name.region, queue.name.name))
        .collect();
    let width = names.iter().map(String::len).max().unwrap_or(0).max(5);
    line(
        text,
        format_args!(
            "\n  {:width$}  {:8}  {:>10}  {:>10}  {:>10}",
            "queue", "type", "visible", "in flight", "delayed"
        ),
    );
    for (queue, name) in found.queues.iter().zip(&names) {
        let kind = if queue.fifo { "fifo" } else { "standard" };
        let (visible, in_flight, delayed) = (queue.visible, queue.in_flight, queue.delayed);
        line(text, format_args!("  {name:width$}  {kind:8}  {visible:>10}  {in_flight:>10}  {delayed:>10}"));
    }
}

fn lost(text: &mut String, found: &Contents) {
    if found.lost_messages == 0 {
        return;
    }
    line(text, format_args!("  {} messages can't be read:", found.lost_messages));
    for message in &found.lost {
        line(
            text,
            format_args!(
                "    {} number {} at {}: {}",
                message.queue, message.sequence, message.position, message.why
            ),
        );
    }
    if let Some(more) = found.lost_messages.checked_sub(found.lost.len() as u64).filter(|more| *more > 0) {
        line(text, format_args!("    and {more} more"));
    }
}

/// What a repair would do.
fn rescue(text: &mut String, found: &Rescue) {
    line(text, format_args!("\na repair (--repair) would"));
    if let Some(cut) = found.cut {
        line(text, format_args!("  cut the log at {cut}. Lost would be {}", tally(&found.behind_cut)));
        if found.unreadable_bytes > 0 {
            line(
                text,
                format_args!("    and what was in {} bytes that can't be read", found.unreadable_bytes),
            );
        }
        if found.behind_cut.removed > 0 {
            line(text, format_args!("    (messages that were deleted there would be back)"));
        }
    }
    if found.falls_back {
        match found.start {
            Some(start) => {
                line(text, format_args!("  rebuild the store from an earlier checkpoint, at {start}"))
            }
            None => {
                line(text, format_args!("  rebuild the store from its first entry, without a checkpoint"))
            }
        }
    }
    if found.contents.lost_messages > 0 {
        line(text, format_args!("  give up {} messages that can't be read", found.contents.lost_messages));
        lost(text, &found.contents);
    }
    line(
        text,
        format_args!("  write anew what is needed of damaged segments, and keep all files that it changes"),
    );
    let left = found.contents.messages - found.contents.lost_messages;
    line(text, format_args!("  and leave {} queues with {left} messages", found.contents.queues.len()));
}

fn tally(found: &Tally) -> String {
    let counts = [
        (found.sent, "messages sent"),
        (found.received, "received"),
        (found.removed, "deleted or expired"),
        (found.arrived, "moved"),
        (found.visibility_changes, "changes of visibility"),
        (found.queues_created, "queues created"),
        (found.queues_deleted, "queues deleted"),
        (found.queues_purged, "queues purged"),
        (found.settings, "changes of settings"),
        (found.documents, "changes of documents"),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if told.is_empty() {
        format!("{} entries without anything that clients did", found.entries)
    } else {
        format!("{} entries: {}", found.entries, told.join(", "))
    }
}

/// What a repair did.
pub(super) fn repaired(done: Repaired, keep_dir: &Path) -> String {
    let mut text = String::new();
    line(
        &mut text,
        format_args!(
            "repaired: {} messages given up, {} copied out of damaged segments, {} segments removed",
            done.discarded, done.copied, done.removed_segments
        ),
    );
    line(&mut text, format_args!("what was changed is kept in {}\n", keep_dir.display()));
    text
}

/// What a backup or a restore came to.
pub(super) fn copied(copy: &Path, done: &BackedUp, what: &str) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("{} {what} {}", HumanBytes(done.bytes), copy.display()));
    let mut told = vec![format!("{} segments copied", done.copied)];
    if done.linked > 0 {
        told.push(format!("{} shared with the store (hard links)", done.linked));
    }
    if done.skipped > 0 {
        told.push(format!("{} were deleted meanwhile and are not needed", done.skipped));
    }
    line(&mut text, format_args!("  {}\n", told.join(", ")));
    text
}
