//! A journal as it was found, which can only be read.

use std::sync::Arc;

use super::FileOptions;
use super::format::LAYOUT;
use super::reader::FileReader;
use super::recent::Recent;
use super::segment_file::End;
use super::shared::{Segment, Shared};
use super::survey::Survey;
use crate::{
    AppendError, Appended, Journal, JournalError, Layout, Limits, Position, Reader, SegmentInfo, Stamp,
};

/// A journal that a [`Survey`] found, up to its end or to an earlier one. Nothing can be appended or deleted.
pub struct ReadOnlyJournal {
    shared: Arc<Shared>,
    end: End,
}

impl ReadOnlyJournal {
    pub(super) fn new(survey: &Survey, end: End) -> ReadOnlyJournal {
        let max_open_files = FileOptions::default().max_open_files;
        let (disk, dir, recent) = (Arc::clone(&survey.disk), survey.dir.clone(), Recent::new(0));
        let shared = Shared::new(disk, dir, survey.id, max_open_files, recent);
        let before = survey.segments.iter().filter(|segment| segment.base.0 < end.position);
        let first = survey.segments.first().filter(|first| first.base.0 >= end.position);
        for found in before.chain(first) {
            let header = &found.header;
            let segment = Segment::new(header.base, header.epoch, header.chain, found.file.clone());
            segment.publish(found.end.0.min(end.position).max(header.base));
            segment.seal();
            shared.insert(Arc::new(segment));
        }
        ReadOnlyJournal { shared: Arc::new(shared), end }
    }
}

const REFUSAL: &str = "it was opened only to be read";

impl Journal for ReadOnlyJournal {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn limits(&self) -> Limits {
        let FileOptions { max_payload_bytes, segment_bytes, .. } = FileOptions::default();
        Limits { max_payload_bytes, segment_bytes }
    }

    fn epoch(&self) -> u64 {
        self.shared.read().values().next_back().map_or(0, |segment| segment.epoch)
    }

    fn tail(&self) -> Position {
        Position(self.end.position)
    }

    fn last_stamp(&self) -> Option<Stamp> {
        self.end.stamp
    }

    fn room_bytes(&mut self) -> u64 {
        0
    }

    fn append(&mut self, _: Position, _: Stamp, _: &[u8]) -> Result<Appended, AppendError> {
        Err(AppendError::Unavailable(REFUSAL.to_owned()))
    }

    fn roll(&mut self, _: u64, _: u64) -> Result<Option<SegmentInfo>, AppendError> {
        Err(AppendError::Unavailable(REFUSAL.to_owned()))
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(FileReader { shared: Arc::clone(&self.shared) })
    }

    fn segments(&self) -> Vec<SegmentInfo> {
        self.shared.read().values().map(|segment| segment.info()).collect()
    }

    fn delete_segment(&mut self, _: Position) -> Result<(), JournalError> {
        Err(JournalError::Ended(REFUSAL.to_owned()))
    }

    fn close(self: Box<Self>) -> Result<(), JournalError> {
        Ok(())
    }
}
