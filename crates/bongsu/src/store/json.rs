//! What was found, for programs. Fields are only ever added.

use super::key_file::KeyFile;
use super::time::Utc;
use bongsu_journal::{BackedUp, Fault, FaultKind, Stretch};
use bongsu_server::store::{Checked, Contents, ENTRY_VERSION, LostMessage, MESSAGE_VERSION, Rescue, Tally};
use serde_json::{Value, json};
use std::path::Path;

/// What a check found; `kept` is where a repair has put what it changed.
pub(super) fn checked(dir: &Path, checked: &Checked, kept: Option<&Path>) -> Value {
    let survey = &checked.survey;
    let (contents, refusal) = match &checked.contents {
        Ok(found) => (contents(found), Value::Null),
        Err(why) => (Value::Null, json!(why)),
    };
    let rescue = match &checked.rescue {
        None => Value::Null,
        Some(Ok(found)) => rescue(found),
        Some(Err(why)) => json!({ "possible": false, "why": why }),
    };
    json!({
        "store": dir,
        "sound": checked.is_sound(),
        "formats": { "journal": survey.format_version, "entry": ENTRY_VERSION, "message": MESSAGE_VERSION },
        "log": {
            "segments": survey.segments.len(),
            "bytes": survey.segments.iter().map(|segment| segment.file_bytes).sum::<u64>(),
            "entries": survey.segments.iter().map(|segment| segment.entries).sum::<u64>(),
            "begins": survey.segments.first().map(|segment| segment.base.0),
            "ends": survey.tail.0,
            "lastEntry": survey.last_stamp.map(|stamp| Utc::from_ms(stamp.time_ms).to_string()),
            "unfinishedEntry": survey.torn.as_ref().map(|(file, offset)| json!({ "file": file, "byte": offset })),
        },
        "contents": contents,
        "startRefusedBecause": refusal,
        "damage": survey.faults.iter().map(fault).collect::<Vec<_>>(),
        "repair": rescue,
        "keptIn": kept,
    })
}

/// What a backup or a restore came to.
pub(super) fn copied(copy: &Path, done: &BackedUp, key: KeyFile, found: &Checked) -> Value {
    json!({
        "copy": copy,
        "bytes": done.bytes,
        "ends": done.tail,
        "segments": { "shared": done.linked, "copied": done.copied, "deletedMeanwhile": done.skipped },
        "masterKey": key.word(),
        "check": checked(copy, found, None),
    })
}

fn contents(found: &Contents) -> Value {
    let queues = found.queues.iter().map(|queue| {
        json!({
            "account": queue.name.account,
            "region": queue.name.region,
            "name": queue.name.name,
            "fifo": queue.fifo,
            "visible": queue.visible,
            "inFlight": queue.in_flight,
            "delayed": queue.delayed,
        })
    });
    json!({
        "queues": queues.collect::<Vec<_>>(),
        "messages": found.messages,
        "documents": found.documents.documents,
        "messageBytes": found.message_bytes,
        "liveBytes": found.live_bytes(),
        "checkpoint": found.checkpoint.map(|checkpoint| json!({
            "position": checkpoint.position.0,
            "replayFrom": checkpoint.replay_from.0,
            "bytes": checkpoint.bytes,
        })),
        "unreadableMessages": found.lost_messages,
        "someUnreadableMessages": found.lost.iter().map(lost).collect::<Vec<_>>(),
    })
}

fn lost(message: &LostMessage) -> Value {
    json!({
        "queue": message.queue.arn(),
        "sequence": message.sequence,
        "position": message.position.0,
        "why": message.why,
    })
}

fn fault(fault: &Fault) -> Value {
    let kind = match fault.kind {
        FaultKind::Format => "format",
        FaultKind::Header => "header",
        FaultKind::Seal => "seal",
        FaultKind::Entries => "entries",
        FaultKind::Content => "content",
        FaultKind::Order => "order",
    };
    let stretch = fault.stretch.map(|Stretch { from, to }| json!({ "from": from.0, "to": to.0 }));
    json!({ "kind": kind, "file": fault.file, "byte": fault.offset, "log": stretch, "why": fault.why })
}

fn rescue(found: &Rescue) -> Value {
    json!({
        "possible": true,
        "cutAt": found.cut.map(|cut| cut.0),
        "startsFrom": found.start.map(|start| start.0),
        "fallsBack": found.falls_back,
        "lostBehindCut": tally(&found.behind_cut),
        "unreadableBytesBehindCut": found.unreadable_bytes,
        "contents": contents(&found.contents),
    })
}

fn tally(found: &Tally) -> Value {
    json!({
        "entries": found.entries,
        "sent": found.sent,
        "received": found.received,
        "removed": found.removed,
        "arrived": found.arrived,
        "visibilityChanges": found.visibility_changes,
        "queuesCreated": found.queues_created,
        "queuesDeleted": found.queues_deleted,
        "queuesPurged": found.queues_purged,
        "settings": found.settings,
        "relocated": found.relocated,
        "documents": found.documents,
    })
}
