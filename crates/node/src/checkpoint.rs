//! Checkpoints: each entity's snapshot, written in parts between normal commits, and a manifest that says where they lie.
//!
//! A round freezes one entity after the other, has it encoded elsewhere, and writes the bytes a part at a time. When all
//! are durable it writes the manifest. The mark of every later entry names the manifest, so that start-up finds it. Entities
//! that did not change keep the snapshot that they have.

use crate::batch::{Batch, Kind};
use bongsu_engine::{BodyRef, EntityId, ReplayError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Bytes in the log with their checksum (reads by position don't check whole entries).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) at: BodyRef,
    crc: u32,
}

impl Part {
    pub(crate) fn check<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], ReplayError> {
        let whole = bytes.len() == self.at.len as usize && crc32c::crc32c(bytes) == self.crc;
        whole
            .then_some(bytes)
            .ok_or_else(|| ReplayError::Malformed(format!("checkpoint damaged at {}", self.at.position)))
    }
}

/// An entity's snapshot: as of which position, and where its bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Records of the entity before this position are in the snapshot.
    pub(crate) as_of: u64,
    pub(crate) parts: Vec<Part>,
}

/// All snapshots of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The entry from which replay starts.
    pub(crate) replay_from: u64,
    pub(crate) entities: BTreeMap<EntityId, Snapshot>,
}

impl Manifest {
    pub(crate) fn bodies(&self) -> impl Iterator<Item = BodyRef> + '_ {
        self.entities.values().flat_map(|snapshot| snapshot.parts.iter().map(|part| part.at))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bodies().map(|body| u64::from(body.len)).sum()
    }
}

/// A round under way.
#[derive(Debug)]
pub(crate) struct Round {
    manifest: Manifest,
    left: VecDeque<EntityId>,
    writing: Option<Writing>,
    /// The manifest's own parts, once everything else is written.
    head: Option<Vec<Part>>,
    /// Bytes that this round wrote and that live if it completes.
    written: Vec<BodyRef>,
}

#[derive(Debug)]
struct Writing {
    /// `None`: the manifest itself.
    entity: Option<EntityId>,
    as_of: u64,
    bytes: Vec<u8>,
    at: usize,
    parts: Vec<Part>,
}

/// What a round needs next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Freeze this entity and call [`Round::frozen`], then [`Round::encoded`] when its bytes are there.
    Freeze(EntityId),
    /// Wait for the bytes of what was frozen.
    Wait,
    /// Call [`Round::write`] with the open batch.
    Write,
}

impl Round {
    /// Begins a round that replay will start from; `kept` are snapshots that stay good.
    pub(crate) fn begin(
        replay_from: u64,
        kept: BTreeMap<EntityId, Snapshot>,
        left: VecDeque<EntityId>,
    ) -> Self {
        let manifest = Manifest { replay_from, entities: kept };
        Self { manifest, left, writing: None, head: None, written: Vec::new() }
    }

    pub(crate) fn next(&mut self, frozen: bool) -> Next {
        match &self.writing {
            Some(_) => Next::Write,
            None if frozen => Next::Wait,
            None => match self.left.pop_front() {
                Some(entity) => Next::Freeze(entity),
                None => Next::Write,
            },
        }
    }

    /// The bytes of an entity that was frozen when the next item would have lain at `as_of`.
    pub(crate) fn encoded(&mut self, entity: EntityId, as_of: u64, bytes: Vec<u8>) {
        self.writing = Some(Writing { entity: Some(entity), as_of, bytes, at: 0, parts: Vec::new() });
    }

    /// About how many bytes [`Round::write`] would write.
    pub(crate) fn next_bytes(&self, part_bytes: usize) -> usize {
        let left = self.writing.as_ref().map_or(0, |writing| writing.bytes.len() - writing.at);
        left.min(part_bytes)
    }

    /// How much of it is written.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.written.iter().map(|body| u64::from(body.len)).sum()
    }

    /// Writes the next part, of at most `part_bytes`. `true`: this batch holds the manifest, and with it durable the
    /// round is complete.
    pub(crate) fn write(&mut self, batch: &mut Batch, part_bytes: usize) -> bool {
        if let Some(parts) = self.head.take() {
            let body = batch.push(Kind::Manifest, |_| (), &encode(&parts));
            self.written.push(body);
            return true;
        }
        let writing = self.writing.get_or_insert_with(|| Writing {
            entity: None,
            as_of: 0,
            bytes: encode(&self.manifest),
            at: 0,
            parts: Vec::new(),
        });
        let end = writing.bytes.len().min(writing.at + part_bytes);
        let bytes = &writing.bytes[writing.at..end];
        let part = Part { at: batch.push(Kind::Part, |_| (), bytes), crc: crc32c::crc32c(bytes) };
        writing.parts.push(part);
        self.written.push(part.at);
        writing.at = end;
        if end == writing.bytes.len()
            && let Some(done) = self.writing.take()
        {
            match done.entity {
                Some(entity) => {
                    _ = self
                        .manifest
                        .entities
                        .insert(entity, Snapshot { as_of: done.as_of, parts: done.parts });
                }
                None => self.head = Some(done.parts),
            }
        }
        false
    }

    /// The round's outcome: its manifest, and all bytes that it wrote.
    pub(crate) fn complete(self) -> (Manifest, Vec<BodyRef>) {
        (self.manifest, self.written)
    }
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // A Vec takes all there is, and every field has a known length: there is nothing to fail.
    postcard::to_stdvec(value).unwrap_or_else(|error| unreachable!("a manifest can't be encoded: {error}"))
}

/// Reads the parts of a manifest out of the item that names them.
pub(crate) fn manifest_parts(carried: &[u8]) -> Result<Vec<Part>, ReplayError> {
    postcard::from_bytes(carried).map_err(|error| ReplayError::Malformed(error.to_string()))
}

/// Reads a manifest.
pub(crate) fn manifest(bytes: &[u8]) -> Result<Manifest, ReplayError> {
    postcard::from_bytes(bytes).map_err(|error| ReplayError::Malformed(error.to_string()))
}
