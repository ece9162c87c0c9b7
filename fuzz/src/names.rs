//! ARNs and queue URLs.
use bongsu_engine::QueueName;

/// One run of the target.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(name) = QueueName::from_arn(text) {
        assert_eq!(QueueName::from_arn(&name.arn()), Some(name));
    }
    bongsu_server::fuzzing::queue_url(text);
}
