//! Where messages meet keys: with which key a queue's messages are sealed, who may use it, and how what was received is opened.
//!
//! A queue's settings say whether its messages are sealed at all, and under which KMS key; a message itself says what it takes to open it.
//! Both are looked at for each request: a key that was disabled stops sends and receives at once.

use super::data::{OpeningKey, SealingKey};
use super::kms::{Keys, KeysError, KmsKey, Unusable, check_usable};
use super::names::{AliasName, Reference};
use crate::access::Who;
use crate::call::Call;
use crate::clock;
use crate::documents::DocumentError;
use crate::errors::{About, from_call, internal_failure};
use crate::message::{Sealed, StoredMessage};
use bongsu_auth::seal::SealError;
use bongsu_engine::attributes::{boolean, default_of};
use bongsu_engine::{QueueName, StringMap};
use bongsu_wire::{ErrorKind, ServiceError};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use uuid::Uuid;

/// How long a data key is used unless the queue says otherwise (KmsDataKeyReusePeriodSeconds' default).
const REUSE_SECONDS: u64 = 300;
/// What a caller needs of a key to send (SQS's guide, "Key management": the second checks the data key).
const TO_SEND: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];
const TO_RECEIVE: [&str; 1] = ["kms:Decrypt"];

/// How a queue's messages are sealed, as its attributes have it.
#[derive(Debug)]
pub(crate) struct QueueSealing {
    mode: Mode,
    reuse_ms: u64,
    /// The data key that the last message was sealed with, and the generation of keys in which that was right.
    last: RwLock<(u64, Weak<SealingKey>)>,
}

#[derive(Debug)]
enum Mode {
    /// Not at all (SqsManagedSseEnabled=false).
    Off,
    /// With the key that SQS has for itself, whatever a caller may do with keys.
    OfSqs(Reference),
    /// With a key that the queue names.
    Named(Reference),
    /// The queue names what can't be a key.
    Misnamed(String),
}

/// With what a message is to be sealed.
#[derive(Clone, Debug)]
pub(crate) enum Sealing {
    /// With nothing.
    Off,
    /// With this data key.
    Key(Arc<SealingKey>),
    /// There is no such queue: the message won't be stored.
    NoQueue,
}

/// Why a message can't be shown.
#[derive(Debug)]
pub(crate) enum Unread {
    /// Its bytes can't be read, or are not what was stored; that is in the log.
    Damaged,
    /// Its key can't be used: what the client reads.
    Key(ServiceError),
}

impl QueueSealing {
    /// From a queue's attributes as they were set.
    pub(crate) fn of(name: &QueueName, attributes: &StringMap) -> Self {
        let get = |attribute: &str| attributes.get(attribute).map(String::as_str);
        let own = || Reference::Alias(AliasName::sqs(&name.account, &name.region));
        let mode = match get("KmsMasterKeyId").filter(|id| !id.is_empty()) {
            Some(text) => match Reference::read(text, &name.account, &name.region) {
                Some(reference) if reference == own() => Mode::OfSqs(reference),
                Some(reference) => Mode::Named(reference),
                None => Mode::Misnamed(text.to_owned()),
            },
            None => {
                let set = get("SqsManagedSseEnabled").map(str::to_owned);
                let is_on = set.or_else(|| default_of("SqsManagedSseEnabled"));
                let is_on = is_on.as_deref().and_then(boolean).unwrap_or(false);
                if is_on { Mode::OfSqs(own()) } else { Mode::Off }
            }
        };
        let reuse_seconds = get("KmsDataKeyReusePeriodSeconds").and_then(|text| text.parse().ok());
        let reuse_ms = reuse_seconds.unwrap_or(REUSE_SECONDS).saturating_mul(1000);
        Self { mode, reuse_ms, last: RwLock::default() }
    }

    /// The last data key, if it may seal another message.
    fn last(&self, generation: u64, now_ms: u64) -> Option<Arc<SealingKey>> {
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner);
        let key = last.1.upgrade().filter(|_| last.0 == generation)?;
        key.is_fresh(now_ms, self.reuse_ms).then_some(key)
    }

    fn set_last(&self, generation: u64, key: &Arc<SealingKey>) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = (generation, Arc::downgrade(key));
    }
}

impl Call<'_> {
    /// With what messages to a queue are sealed now.
    ///
    /// # Errors
    /// The KMS errors of SQS.
    pub(crate) async fn sealing(&self, name: &QueueName) -> Result<Sealing, ServiceError> {
        let Some(facts) = self.edge.facts.of(&self.edge.node, name).await? else {
            return Ok(Sealing::NoQueue);
        };
        self.watching.is_about(&facts.counters);
        let (queue, keys) = (&facts.sealing, &self.edge.keys);
        let reference = match &queue.mode {
            Mode::Off => return Ok(Sealing::Off),
            Mode::Misnamed(text) => return Err(Unusable::NoName(text.clone()).into()),
            Mode::OfSqs(reference) => reference,
            Mode::Named(reference) => {
                self.may_use(reference, &name.account, &TO_SEND)?;
                reference
            }
        };
        let (now_ms, generation) = (clock::wall_ms(), keys.generation());
        if let Some(key) = queue.last(generation, now_ms) {
            return Ok(Sealing::Key(key));
        }
        if matches!(queue.mode, Mode::OfSqs(_)) {
            Box::pin(keys.of_sqs(&name.account, &name.region)).await?;
        }
        let key = keys.sealing_key(reference, queue.reuse_ms, now_ms)?.map_err(|error| failed(&error))?;
        queue.set_last(generation, &key);
        Ok(Sealing::Key(key))
    }

    /// Refuses to receive from a queue whose key can't be used: nothing is handed out that could not be shown.
    ///
    /// # Errors
    /// The KMS errors of SQS.
    pub(crate) async fn check_receivable(&self, name: &QueueName) -> Result<(), ServiceError> {
        let Some(facts) = self.edge.facts.of(&self.edge.node, name).await? else { return Ok(()) };
        self.watching.is_about(&facts.counters);
        match &facts.sealing.mode {
            Mode::Off | Mode::OfSqs(_) => Ok(()),
            Mode::Misnamed(text) => Err(Unusable::NoName(text.clone()).into()),
            Mode::Named(reference) => {
                self.may_use(reference, &name.account, &TO_RECEIVE)?;
                check_usable(&*self.edge.keys.find(reference)?).map_err(ServiceError::from)
            }
        }
    }

    /// Refuses callers who may not use the key that a queue of `account` names. Nobody asks where authentication is off.
    fn may_use(&self, reference: &Reference, account: &str, actions: &[&str]) -> Result<(), ServiceError> {
        if matches!(self.caller.who, Who::Unchecked) {
            return Ok(());
        }
        let key = self.edge.keys.find(reference)?;
        if key.is_managed() && key.name.account != account {
            // It has no policy that could let others use it.
            let reason = format!("The key {} is for queues of its own account.", key.name.arn());
            return Err(ServiceError::new(ErrorKind::KmsAccessDenied, reason));
        }
        self.may_use_key(&key, actions)
    }

    fn may_use_key(&self, key: &KmsKey, actions: &[&str]) -> Result<(), ServiceError> {
        if key.is_managed() {
            return Ok(());
        }
        let arn = key.name.arn();
        for action in actions {
            let allowed = self.authorize(action, &key.as_resource(&arn));
            allowed.map_err(|error| ServiceError::new(ErrorKind::KmsAccessDenied, error.message))?;
        }
        Ok(())
    }

    /// What opens the messages of a request.
    pub(crate) fn opener<'a>(&'a self, name: &'a QueueName) -> Opener<'a> {
        let is_asked = !matches!(self.caller.who, Who::Unchecked);
        Opener {
            call: is_asked.then_some(self),
            keys: &self.edge.keys,
            name,
            known: Vec::new(),
            allowed: Vec::new(),
        }
    }
}

/// Opens messages, for one caller.
pub(crate) struct Opener<'a> {
    /// Where the caller has to be allowed to.
    call: Option<&'a Call<'a>>,
    keys: &'a Keys,
    name: &'a QueueName,
    /// Keys that were needed so far: mostly one for all.
    known: Vec<Arc<OpeningKey>>,
    /// KMS keys that the caller may use.
    allowed: Vec<Uuid>,
}

impl Opener<'_> {
    /// Opens a message.
    ///
    /// # Errors
    /// [`Unread`].
    pub(crate) fn open(&mut self, sealed: &Sealed<'_>, sequence: u64) -> Result<StoredMessage, Unread> {
        let known = self.known.iter().position(|key| key.is_of(sealed.envelope));
        let index = match known {
            Some(index) => index,
            None => {
                let key = self.key(sealed.envelope, sequence)?;
                self.known.push(key);
                self.known.len() - 1
            }
        };
        sealed.open(&self.known[index]).map_err(|error| {
            tracing::error!(sequence, %error, "a sealed message can't be opened");
            Unread::Damaged
        })
    }

    fn key(&mut self, envelope: &[u8], sequence: u64) -> Result<Arc<OpeningKey>, Unread> {
        let found = self.keys.opening_key(envelope, &self.name.account, &self.name.region);
        let key = found.map_err(|error| Unread::Key(error.into()))?.map_err(|error| {
            tracing::error!(sequence, %error, "the data key of a sealed message can't be opened");
            Unread::Damaged
        })?;
        if let Some(call) = self.call
            && !self.allowed.contains(&key.kms)
        {
            // It was there a moment ago.
            let kms = self.keys.by_id(key.kms).ok_or_else(|| Unread::Key(internal_failure()))?;
            call.may_use_key(&kms, &TO_RECEIVE).map_err(Unread::Key)?;
            self.allowed.push(key.kms);
        }
        Ok(key)
    }
}

impl From<Unusable> for ServiceError {
    fn from(unusable: Unusable) -> Self {
        let kind = match &unusable {
            Unusable::NoKey(_) | Unusable::NoAlias(_) | Unusable::NoName(_) => ErrorKind::KmsNotFound,
            Unusable::Disabled(_) => ErrorKind::KmsDisabled,
            Unusable::PendingDeletion(_) => ErrorKind::KmsInvalidState,
        };
        Self::new(kind, unusable.to_string())
    }
}

impl From<KeysError> for ServiceError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Document(DocumentError::Call(error)) => from_call(error, About::default()),
            other => {
                tracing::error!(error = %other, "can't change keys");
                internal_failure()
            }
        }
    }
}

fn failed(error: &SealError) -> ServiceError {
    tracing::error!(%error, "can't make a data key");
    internal_failure()
}

#[cfg(test)]
mod tests {
    use super::{Mode, QueueSealing};
    use bongsu_engine::{QueueName, StringMap};

    fn sealing(attributes: &[(&str, &str)]) -> (String, u64) {
        let name = QueueName::new("000000000000", "us-east-1", "q");
        let pairs = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sealing = QueueSealing::of(&name, &pairs.collect::<StringMap>());
        let mode = match &sealing.mode {
            Mode::Off => "off".to_owned(),
            Mode::OfSqs(reference) => format!("sqs {reference}"),
            Mode::Named(reference) => reference.to_string(),
            Mode::Misnamed(text) => format!("misnamed {text}"),
        };
        (mode, sealing.reuse_ms)
    }

    #[test]
    fn attributes_say_how_messages_are_sealed() {
        let of_sqs = "sqs arn:aws:kms:us-east-1:000000000000:alias/aws/sqs";
        for (attributes, mode, reuse_ms) in [
            (&[][..], of_sqs, 300_000),
            (&[("SqsManagedSseEnabled", "true")], of_sqs, 300_000),
            (&[("SqsManagedSseEnabled", "false")], "off", 300_000),
            (&[("KmsMasterKeyId", ""), ("SqsManagedSseEnabled", "false")], "off", 300_000),
            (&[("KmsMasterKeyId", "alias/aws/sqs")], of_sqs, 300_000),
            (&[("KmsMasterKeyId", "arn:aws:kms:us-east-1:000000000000:alias/aws/sqs")], of_sqs, 300_000),
            (
                &[("KmsMasterKeyId", "alias/mine"), ("KmsDataKeyReusePeriodSeconds", "60")],
                "arn:aws:kms:us-east-1:000000000000:alias/mine",
                60_000,
            ),
            (
                &[("KmsMasterKeyId", "arn:aws:kms:us-east-1:111111111111:alias/aws/sqs")],
                "arn:aws:kms:us-east-1:111111111111:alias/aws/sqs",
                300_000,
            ),
            (&[("KmsMasterKeyId", "some key")], "misnamed some key", 300_000),
        ] {
            assert_eq!(sealing(attributes), (mode.to_owned(), reuse_ms), "{attributes:?}");
        }
    }
}
