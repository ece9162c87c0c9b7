//! The text of a configuration file.

/// One run of the target.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    bongsu_server::fuzzing::configuration(text);
}
