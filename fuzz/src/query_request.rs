//! Requests in AWS Query: path, query string and form, each on a line of its own.

/// One run of the target.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let path = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let query = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let form = parts.next().unwrap_or_default();
    if let Ok(operation) = bongsu_wire::decode_query(&path, &query, form) {
        let _ = operation.queue_url();
    }
}
