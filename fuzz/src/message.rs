//! Messages on their way in, and stored messages.

/// One run of the target.
pub fn run(data: &[u8]) {
    bongsu_server::fuzzing::sent_message(data);
    bongsu_server::fuzzing::stored_message(data);
}
