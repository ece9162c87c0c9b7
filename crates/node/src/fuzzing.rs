//! What the fuzz targets call: private readers of an entry's bytes.

use crate::batch::{Kind, items};
use crate::checkpoint;
use crate::offline::Tally;
use bongsu_engine::Record;

/// The payload of an entry: its items lie one behind the other and within it, and what is a record stays one.
pub fn payload(bytes: &[u8]) {
    let _ = Tally::default().count(bytes);
    let mut end = 1;
    for item in items(bytes) {
        let Ok(item) = item else { break };
        assert_eq!(item.offset as usize, end, "items overlap");
        end = item.carried_offset as usize + item.carried.len();
        assert!(end <= bytes.len(), "an item reaches beyond its entry");
        if item.kind == Kind::Record
            && let Ok(record) = Record::decode(item.head)
        {
            let mut again = Vec::new();
            record.encode(&mut again);
            assert_eq!(Record::decode(&again), Ok(record));
        }
    }
}

/// The parts of a manifest, and a manifest.
pub fn manifest(bytes: &[u8]) {
    let _ = checkpoint::manifest_parts(bytes);
    let _ = checkpoint::manifest(bytes);
}
