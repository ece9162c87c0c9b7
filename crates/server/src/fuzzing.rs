//! What the fuzz targets call: private readers of untrusted bytes, each with what must hold whatever the bytes are.

use crate::access::Caller;
use crate::config::Settings;
use crate::entropy::Entropy;
use crate::identity::Identity;
use crate::keys::{Blob, EncryptionContext, KmsKey, OpeningKey, SealingKey};
use crate::message::{Stored, StoredAttribute, StoredMessage};
use crate::receipt::Sealer;
use crate::{message_attributes, policy, queue_url};
use bongsu_engine::QueueName;
use bongsu_wire::{Operation, decode_json};
use std::sync::OnceLock;

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
    let base = |host| queue_url::BaseUrl::new(None, false, host, "127.0.0.1:9324");
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
    assert_eq!(plain(&message.encode()).as_ref(), Some(&message));
    assert_eq!(sealed_and_opened(&message).as_ref(), Some(&message));
    let shown = message.wire_attributes(|_| true);
    assert_eq!(shown.keys().collect::<Vec<_>>(), sent.keys().collect::<Vec<_>>());
    assert_eq!(
        bongsu_wire::md5::message_attributes(&shown),
        bongsu_wire::md5::message_attributes(&sent),
        "a receiver's SDK would see another MD5 than the sender's"
    );
}

fn plain(bytes: &[u8]) -> Option<StoredMessage> {
    match Stored::read(bytes).ok()? {
        Stored::Plain(message) => Some(message),
        Stored::Sealed(_) => None,
    }
}

/// Keys that no fuzzer knows.
fn keys() -> &'static (KmsKey, SealingKey) {
    static KEYS: OnceLock<(KmsKey, SealingKey)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let entropy = Entropy::new();
        let kms = KmsKey::ephemeral(&entropy);
        #[expect(clippy::expect_used, reason = "32 bytes can be sealed")]
        let sealing = SealingKey::make(&kms, &entropy, 0).expect("a data key");
        (kms, sealing)
    })
}

fn sealed_and_opened(message: &StoredMessage) -> Option<StoredMessage> {
    let (_, key) = keys();
    let bytes = message.seal(key).ok()?;
    let Ok(Stored::Sealed(sealed)) = Stored::read(&bytes) else { return None };
    assert_eq!(sealed.envelope, key.envelope());
    sealed.open(&key.opening()).ok()
}

/// Bytes that the journal gave for a message.
pub fn stored_message(bytes: &[u8]) {
    let (kms, key) = keys();
    if let Some(message) = plain(bytes) {
        assert_eq!(plain(&message.encode()), Some(message));
    }
    // The checksum keeps nearly everything out: what is behind it meets the bytes too.
    if let Ok((message, _)) = postcard::take_from_bytes::<StoredMessage>(bytes) {
        assert_eq!(plain(&message.encode()).as_ref(), Some(&message));
        assert_eq!(sealed_and_opened(&message), Some(message));
    }
    if let Some(Stored::Sealed(sealed)) = fitting(bytes).as_deref().and_then(|bytes| Stored::read(bytes).ok())
    {
        assert!(sealed.open(&key.opening()).is_err(), "opened what nobody sealed");
    }
    assert!(OpeningKey::unwrap(kms, bytes).is_err(), "unwrapped what nobody wrapped");
}

/// The bytes as a sealed message whose checksum is right.
fn fitting(bytes: &[u8]) -> Option<Vec<u8>> {
    let (version, checksum_bytes) = (2, 4);
    let mut made = [[version].as_slice(), &[0; 4], bytes].concat();
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&[version]), made.get(1 + checksum_bytes..)?);
    made.get_mut(1..=checksum_bytes)?.copy_from_slice(&checksum.to_le_bytes());
    Some(made)
}

/// Ciphertexts of callers.
pub fn ciphertext(bytes: &[u8]) {
    let (kms, _) = keys();
    if let Some(blob) = Blob::read(bytes) {
        assert!(blob.open(kms, &EncryptionContext::new()).is_err(), "opened what nobody sealed");
    }
}

/// A configuration file's text.
pub fn configuration(text: &str) {
    let _ = Settings::read(text);
}
