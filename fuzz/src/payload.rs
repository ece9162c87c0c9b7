//! What is in an entry of the journal: items, records, parts of a checkpoint.

/// One run of the target.
pub fn run(data: &[u8]) {
    bongsu_node::fuzzing::payload(data);
    bongsu_node::fuzzing::manifest(data);
}
