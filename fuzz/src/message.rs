//! Messages on their way in, stored messages, and what callers bring back sealed.

/// One run of the target.
pub fn run(data: &[u8]) {
    bongsu_server::fuzzing::sent_message(data);
    bongsu_server::fuzzing::stored_message(data);
    bongsu_server::fuzzing::ciphertext(data);
}
