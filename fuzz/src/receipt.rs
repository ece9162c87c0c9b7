//! Receipt handles.

/// One run of the target.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    bongsu_server::fuzzing::receipt_handle(text);
}
