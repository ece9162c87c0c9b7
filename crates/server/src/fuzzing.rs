//! What the fuzz targets call: private readers of untrusted bytes, each with what must hold whatever the bytes are.

use crate::access::Caller;
use crate::config::Settings;
use crate::identity::Identity;
use crate::message::{StoredAttribute, StoredMessage};
use crate::receipt::Sealer;
use crate::{message_attributes, policy, queue_url};
use bongsu_engine::QueueName;
use bongsu_wire::{Operation, decode_json};

/// A receipt handle opens only if it is one of ours, and then it is the very text that sealing gives.
pub fn receipt_handle(text: &str) {
    let sealer = Sealer::new(&[7; 32]);
    if let Some(receipt) = sealer.open(text) {
        assert_eq!(sealer.seal(&receipt), text, "two texts for one receipt");
    }
}

/// Queue URLs and what HTTP requests name instead of them.
pub fn queue_url(text: &str) {
    let caller = caller(text);
    let base = |host| queue_url::BaseUrl::new(None, host, "127.0.0.1:9324");
    if let Some(name) = queue_url::read(text, &caller)
        && name.is_valid()
    {
        let written = base(None).queue(&name);
        let read = queue_url::read(&written, &caller);
        let read = read.map(|read| (read.account, read.name));
        assert_eq!(read, Some((name.account, name.name)), "{written}");
    }
    let url = base(Some(text)).queue(&QueueName::new("000000000000", "us-east-1", "q"));
    assert!(!url.contains(['\r', '\n']), "a header in a queue URL: {url:?}");
    let _ = queue_url::is_queue_path(text);
}

fn caller(authorization: &str) -> Caller {
    #[expect(clippy::expect_used, reason = "twelve digits are an account")]
    let account = crate::config::Account::new("000000000000").expect("an account");
    let Identity { account, region } = Identity::read(Some(authorization), None, &account, "us-east-1");
    Caller::unchecked(&account, &region)
}

/// Policies: what was accepted stays acceptable when a permission is removed.
pub fn queue_policy(text: &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let _ = policy::check_label(first);
    if policy::check(rest).is_ok() && !rest.is_empty() {
        let removed = policy::remove(Some(rest), first);
        if let Ok(Some(left)) = removed {
            assert!(policy::check(&left).is_ok(), "removing {first:?} from {rest:?} left {left:?}");
        }
    }
}

/// Messages on their way in: what passes the checks is stored, and comes back as it was.
pub fn sent_message(body: &[u8]) {
    let Ok(Operation::SendMessage(request)) = decode_json("AmazonSQS.SendMessage", body) else { return };
    let _ = message_attributes::trace_header(&request.message_system_attributes);
    let accepted = message_attributes::check(&request.message_attributes).is_ok()
        && message_attributes::check_body(&request.message_body).is_ok();
    if !accepted {
        return;
    }
    let _ = message_attributes::size_bytes(&request.message_attributes);
    let sent = request.message_attributes.clone();
    let attributes = request
        .message_attributes
        .into_iter()
        .map(|(name, value)| StoredAttribute::from_wire(name, value))
        .collect();
    let message = StoredMessage {
        message_id: [1; 16],
        sent_wall_ms: 1,
        sender_id: String::new(),
        body: request.message_body,
        body_md5: [2; 16],
        attributes,
        trace_header: None,
        group: request.message_group_id,
        deduplication_id: request.message_deduplication_id,
    };
    let read = StoredMessage::decode(&message.encode());
    assert_eq!(read.as_ref(), Ok(&message));
    let shown = message.wire_attributes(|_| true);
    assert_eq!(shown.keys().collect::<Vec<_>>(), sent.keys().collect::<Vec<_>>());
    assert_eq!(
        bongsu_wire::md5::message_attributes(&shown),
        bongsu_wire::md5::message_attributes(&sent),
        "a receiver's SDK would see another MD5 than the sender's"
    );
}

/// Bytes that the journal gave for a message.
pub fn stored_message(bytes: &[u8]) {
    if let Ok(message) = StoredMessage::decode(bytes) {
        assert_eq!(StoredMessage::decode(&message.encode()), Ok(message));
    }
    // The checksum keeps nearly everything out: what is behind it meets the bytes too.
    if let Ok((message, _)) = postcard::take_from_bytes::<StoredMessage>(bytes) {
        assert_eq!(StoredMessage::decode(&message.encode()), Ok(message));
    }
}

/// A configuration file's text.
pub fn configuration(text: &str) {
    let _ = Settings::read(text);
}
