//! Requests in AWS JSON: the action's name, a line feed, the body.

/// One run of the target.
pub fn run(data: &[u8]) {
    let split = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (action, body) = data.split_at(split);
    let target = format!("AmazonSQS.{}", String::from_utf8_lossy(action));
    if let Ok(operation) = bongsu_wire::decode_json(&target, body) {
        assert_eq!(operation.name().as_bytes(), action);
        let _ = operation.queue_url();
    }
}
