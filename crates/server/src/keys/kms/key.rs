//! A KMS key: what the store has of it, and what that is while the server runs.

use super::KeysError;
use crate::access::Resource;
use crate::documents;
use crate::entropy::Entropy;
use crate::keys::names::{AliasName, KeyName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bongsu_auth::seal::{KEY_BYTES, MasterKey, NONCE_BYTES, SealError};
use bongsu_engine::{Document as Stored, DocumentChange, Expected};
use bongsu_policy::{Document, Kind, Limits, PolicyError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(crate) const KEYS: &str = "kms-keys";
pub(crate) const ALIASES: &str = "kms-aliases";
/// How large a key's policy may be (KMS quotas: 32 KiB); what else KMS bounds follows from that.
const POLICY_LIMITS: Limits =
    Limits { bytes: 32_768, statements: usize::MAX, principals: usize::MAX, conditions: usize::MAX };

/// A key, as the store keeps it under `ACCOUNT/REGION/ID`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyContent {
    pub(crate) created_ms: u64,
    pub(crate) manager: Manager,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    pub(crate) state: KeyState,
    /// When it is rotated without anybody asking; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rotation: Option<Rotation>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// `None`: the one that keys have by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    /// Oldest first, at least one; the last seals, all open.
    pub(crate) backing: Vec<BackingContent>,
}

/// Whose a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Manager {
    /// This server's, made for SQS.
    Aws,
    /// A caller's.
    Customer,
}

/// What can be done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyState {
    /// Everything.
    Enabled,
    /// Nothing until it is enabled.
    Disabled,
    /// Nothing, and it is deleted then.
    PendingDeletion {
        /// When, wall ms.
        due_ms: u64,
    },
}

/// Rotation at intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rotation {
    pub(crate) period_days: u32,
    /// When next, wall ms.
    pub(crate) next_ms: u64,
}

/// A backing key, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackingContent {
    /// Counts from 1.
    pub(crate) number: u32,
    pub(crate) created_ms: u64,
    /// Whether somebody asked for it, rather than the time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) on_demand: bool,
    /// 32 bytes in an envelope of the store's master key, in base64.
    pub(crate) sealed: String,
}

/// An alias, as the store keeps it under `ACCOUNT/REGION/alias/NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AliasContent {
    /// The key's id; it is of the same account and region.
    #[serde(with = "id_text")]
    pub(crate) key: Uuid,
    pub(crate) created_ms: u64,
    pub(crate) updated_ms: u64,
}

/// A key, ready to be used.
#[derive(Clone, Debug)]
pub(crate) struct KmsKey {
    pub(crate) name: KeyName,
    pub(crate) content: KeyContent,
    /// As [`KeyContent::backing`].
    backing: Vec<(u32, Arc<MasterKey>)>,
    policy: Arc<Document>,
    /// Of its document; 0 before there is one.
    pub(super) version: u64,
}

/// An alias, with the version of its document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alias {
    pub(crate) content: AliasContent,
    pub(super) version: u64,
}

/// What binds a backing key to its key: it opens nowhere else.
fn backing_context(name: &KeyName, number: u32) -> Vec<u8> {
    format!("backing key {number} of {}", name.arn()).into_bytes()
}

/// The policy of keys that were made without one: the account's own policies decide.
pub(crate) fn default_policy(account: &str) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}

/// Reads a key's policy.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read_policy(text: &str) -> Result<Document, PolicyError> {
    Document::parse(text, Kind::Resource, &POLICY_LIMITS)
}

/// Stands for a policy that can't be read.
const DENIES_ALL: &str =
    r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}}"#;

#[expect(clippy::expect_used, reason = "made here, of an account's twelve digits or of nothing")]
fn policy_of(name: &KeyName, text: Option<&str>) -> Document {
    if let Some(text) = text {
        match read_policy(text) {
            Ok(document) => return document,
            // It was checked when it was set. As nobody can know now whom it denies what, it denies all; the account's root can
            // still replace it.
            Err(reason) => {
                let reason = reason.to_string();
                tracing::error!(key = %name.id, ?reason, "a key's policy can't be read: nobody may use the key");
                return read_policy(DENIES_ALL).expect("a policy");
            }
        }
    }
    read_policy(&default_policy(&name.account)).expect("the default policy is one")
}

impl KeyContent {
    /// A key of now, without a backing key yet.
    pub(crate) fn new(manager: Manager, now_ms: u64) -> Self {
        Self {
            created_ms: now_ms,
            manager,
            description: String::new(),
            state: KeyState::Enabled,
            rotation: None,
            tags: BTreeMap::new(),
            policy: None,
            backing: Vec::new(),
        }
    }

    /// Adds a new backing key, which seals from now on.
    ///
    /// # Errors
    /// None in practice.
    pub(crate) fn rotate(
        &mut self,
        name: &KeyName,
        (master, entropy): (&MasterKey, &Entropy),
        now_ms: u64,
        on_demand: bool,
    ) -> Result<(), SealError> {
        let number = self.backing.last().map_or(1, |last| last.number + 1);
        let random = Zeroizing::new(entropy.bytes::<KEY_BYTES>());
        let context = backing_context(name, number);
        let sealed = master.seal(&context, random.as_slice(), entropy.bytes::<NONCE_BYTES>())?;
        let sealed = STANDARD.encode(sealed);
        self.backing.push(BackingContent { number, created_ms: now_ms, on_demand, sealed });
        Ok(())
    }
}

impl KmsKey {
    /// Makes a key usable.
    ///
    /// # Errors
    /// A backing key that this master key did not seal, or that is damaged.
    pub(crate) fn open(
        name: KeyName,
        content: KeyContent,
        master: &MasterKey,
        version: u64,
    ) -> Result<Self, KeysError> {
        let failed = |source| KeysError::Seal { key: name.arn(), source };
        let mut backing = Vec::with_capacity(content.backing.len());
        for one in &content.backing {
            let envelope = STANDARD.decode(&one.sealed).map_err(|_| failed(SealError::Damaged))?;
            let opened = master.open(&backing_context(&name, one.number), &envelope).map_err(failed)?;
            let bytes: [u8; KEY_BYTES] =
                opened.as_slice().try_into().map_err(|_| failed(SealError::Damaged))?;
            backing.push((one.number, Arc::new(MasterKey::new(&Zeroizing::new(bytes)))));
        }
        if backing.is_empty() {
            return Err(failed(SealError::Damaged));
        }
        let policy = Arc::new(policy_of(&name, content.policy.as_deref()));
        Ok(Self { name, content, backing, policy, version })
    }

    /// Reads a key's document.
    ///
    /// # Errors
    /// As [`KmsKey::open`], and for what is no key's document.
    pub(super) fn read(document: &Stored, master: &MasterKey) -> Result<Self, KeysError> {
        let name = KeyName::of_document(&document.name)
            .ok_or_else(|| KeysError::Name { collection: KEYS, name: document.name.clone() })?;
        Self::open(name, documents::read(document)?, master, document.version)
    }

    /// A key that nobody keeps: for tests and measurements.
    #[expect(clippy::expect_used, reason = "it is sealed and opened with the same key")]
    pub(crate) fn ephemeral(entropy: &Entropy) -> Self {
        let id = Uuid::from_bytes(entropy.uuid());
        let name = KeyName { account: "000000000000".to_owned(), region: "us-east-1".to_owned(), id };
        let master = MasterKey::new(&Zeroizing::new(entropy.bytes::<KEY_BYTES>()));
        let mut content = KeyContent::new(Manager::Customer, 0);
        content.rotate(&name, (&master, entropy), 0, false).expect("sealed");
        Self::open(name, content, &master, 0).expect("opened")
    }

    /// The backing key that seals, with its number.
    pub(crate) fn newest(&self) -> (u32, &MasterKey) {
        #[expect(clippy::expect_used, reason = "no key is opened without a backing key")]
        let (number, key) = self.backing.last().expect("a backing key");
        (*number, key)
    }

    /// A backing key by its number.
    pub(crate) fn backing(&self, number: u32) -> Option<&MasterKey> {
        let found = self.backing.iter().find(|(known, _)| *known == number);
        found.map(|(_, key)| key.as_ref())
    }

    /// The key as policies see it, under its ARN.
    pub(crate) fn as_resource<'a>(&'a self, arn: &'a str) -> Resource<'a> {
        let (account, tags) = (&self.name.account, &self.content.tags);
        Resource { arn, account, policy: Some(&self.policy), tags }
    }

    /// The policy's text.
    pub(crate) fn policy_text(&self) -> String {
        self.content.policy.clone().unwrap_or_else(|| default_policy(&self.name.account))
    }

    /// Whether SQS made it for itself.
    pub(crate) fn is_managed(&self) -> bool {
        self.content.manager == Manager::Aws
    }

    pub(super) fn put(&self) -> DocumentChange {
        documents::put(KEYS, self.name.document(), expected(self.version), &self.content)
    }

    pub(super) fn remove(&self) -> DocumentChange {
        documents::remove(KEYS, self.name.document(), expected(self.version))
    }
}

impl Alias {
    /// One that is not in the store yet.
    pub(crate) fn new(key: Uuid, now_ms: u64) -> Self {
        Self { content: AliasContent { key, created_ms: now_ms, updated_ms: now_ms }, version: 0 }
    }

    pub(super) fn read(document: &Stored) -> Result<(AliasName, Self), KeysError> {
        let name = AliasName::of_document(&document.name)
            .ok_or_else(|| KeysError::Name { collection: ALIASES, name: document.name.clone() })?;
        Ok((name, Self { content: documents::read(document)?, version: document.version }))
    }

    pub(super) fn put(&self, name: &AliasName) -> DocumentChange {
        documents::put(ALIASES, name.document(), expected(self.version), &self.content)
    }

    pub(super) fn remove(&self, name: &AliasName) -> DocumentChange {
        documents::remove(ALIASES, name.document(), expected(self.version))
    }
}

fn expected(version: u64) -> Expected {
    if version == 0 { Expected::Absent } else { Expected::Version(version) }
}

/// The same key with its backing keys sealed by another master key; `None` where they are already.
///
/// # Errors
/// A backing key that neither of the two sealed, or that is damaged.
pub(crate) fn resealed(
    document: &Stored,
    (from, to): (&MasterKey, &MasterKey),
    entropy: &Entropy,
) -> Result<Option<DocumentChange>, KeysError> {
    let name = KeyName::of_document(&document.name)
        .ok_or_else(|| KeysError::Name { collection: KEYS, name: document.name.clone() })?;
    let failed = |source| KeysError::Seal { key: name.arn(), source };
    let mut content: KeyContent = documents::read(document)?;
    let mut changed = false;
    for one in &mut content.backing {
        let envelope = STANDARD.decode(&one.sealed).map_err(|_| failed(SealError::Damaged))?;
        if MasterKey::needed_for(&envelope) == Some(to.id()) {
            continue;
        }
        let context = backing_context(&name, one.number);
        let opened = from.open(&context, &envelope).map_err(failed)?;
        let sealed = to.seal(&context, &opened, entropy.bytes::<NONCE_BYTES>()).map_err(failed)?;
        (one.sealed, changed) = (STANDARD.encode(sealed), true);
    }
    let version = Expected::Version(document.version);
    Ok(changed.then(|| documents::put(KEYS, document.name.clone(), version, &content)))
}

mod id_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use uuid::Uuid;

    pub(super) fn serialize<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
        let text = String::deserialize(deserializer)?;
        Uuid::try_parse(&text).map_err(D::Error::custom)
    }
}
