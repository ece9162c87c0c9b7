//! All keys and aliases in memory, and the changes of them.

use super::KeysError;
use super::key::{Alias, KeyContent, KmsKey, Rotation};
use crate::keys::names::{AliasName, KeyName};
use bongsu_auth::seal::MasterKey;
use bongsu_engine::DocumentChange;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// Milliseconds of a day.
pub(crate) const DAY_MS: u64 = 86_400_000;
/// How often keys are rotated unless somebody says otherwise.
const DEFAULT_PERIOD_DAYS: u32 = 365;

impl Rotation {
    /// Once a year from now on.
    pub(crate) fn yearly(now_ms: u64) -> Self {
        Self::every(DEFAULT_PERIOD_DAYS, now_ms)
    }

    /// Every so many days from now on.
    pub(crate) fn every(period_days: u32, now_ms: u64) -> Self {
        Self { period_days, next_ms: now_ms + u64::from(period_days) * DAY_MS }
    }
}

/// A change of one key or alias.
#[derive(Debug)]
pub(crate) enum Change {
    /// A key that is new.
    NewKey(KeyName, KeyContent),
    /// A key's new content.
    Key(Arc<KmsKey>, KeyContent),
    /// A key that goes for ever.
    KeyGone(Arc<KmsKey>),
    /// A new or changed alias.
    Alias(AliasName, Alias),
    /// An alias that goes.
    AliasGone(AliasName, Alias),
}

/// A change whose keys are open.
pub(super) enum Opened {
    Key(KmsKey),
    KeyGone(Arc<KmsKey>),
    Alias(AliasName, Alias),
    AliasGone(AliasName, Alias),
}

impl Change {
    pub(super) fn open(self, master: &MasterKey) -> Result<Opened, KeysError> {
        Ok(match self {
            Self::NewKey(name, content) => Opened::Key(KmsKey::open(name, content, master, 0)?),
            Self::Key(key, content) => {
                Opened::Key(KmsKey::open(key.name.clone(), content, master, key.version)?)
            }
            Self::KeyGone(key) => Opened::KeyGone(key),
            Self::Alias(name, alias) => Opened::Alias(name, alias),
            Self::AliasGone(name, alias) => Opened::AliasGone(name, alias),
        })
    }
}

impl Opened {
    pub(super) fn document(&self) -> DocumentChange {
        match self {
            Self::Key(key) => key.put(),
            Self::KeyGone(key) => key.remove(),
            Self::Alias(name, alias) => alias.put(name),
            Self::AliasGone(name, alias) => alias.remove(name),
        }
    }

    /// The key whose data keys are to be forgotten.
    pub(super) fn key_id(&self) -> Option<Uuid> {
        match self {
            Self::Key(key) => Some(key.name.id),
            Self::KeyGone(key) => Some(key.name.id),
            Self::Alias(..) | Self::AliasGone(..) => None,
        }
    }
}

/// What there is.
#[derive(Debug, Default)]
pub(super) struct State {
    keys: BTreeMap<KeyName, Arc<KmsKey>>,
    by_id: HashMap<Uuid, Arc<KmsKey>>,
    aliases: BTreeMap<AliasName, Alias>,
}

impl State {
    pub(super) fn put_key(&mut self, key: KmsKey) {
        let key = Arc::new(key);
        self.by_id.insert(key.name.id, Arc::clone(&key));
        self.keys.insert(key.name.clone(), key);
    }

    pub(super) fn put_alias(&mut self, name: AliasName, alias: Alias) {
        self.aliases.insert(name, alias);
    }

    pub(super) fn apply(&mut self, change: Opened, version: u64) {
        match change {
            Opened::Key(mut key) => {
                key.version = version;
                self.put_key(key);
            }
            Opened::KeyGone(key) => {
                self.by_id.remove(&key.name.id);
                self.keys.remove(&key.name);
            }
            Opened::Alias(name, alias) => self.put_alias(name, Alias { version, ..alias }),
            Opened::AliasGone(name, _) => {
                self.aliases.remove(&name);
            }
        }
    }

    pub(super) fn key(&self, name: &KeyName) -> Option<&Arc<KmsKey>> {
        self.keys.get(name)
    }

    pub(super) fn by_id(&self, id: Uuid) -> Option<&Arc<KmsKey>> {
        self.by_id.get(&id)
    }

    pub(super) fn alias(&self, name: &AliasName) -> Option<&Alias> {
        self.aliases.get(name)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<KmsKey>> {
        self.keys.values()
    }

    pub(super) fn keys_of(&self, account: &str, region: &str) -> impl Iterator<Item = &Arc<KmsKey>> {
        let first = KeyName { account: account.to_owned(), region: region.to_owned(), id: Uuid::nil() };
        let is_here = move |name: &KeyName| name.account == first.account && name.region == first.region;
        let start = KeyName { account: account.to_owned(), region: region.to_owned(), id: Uuid::nil() };
        self.keys.range(start..).take_while(move |(name, _)| is_here(name)).map(|(_, key)| key)
    }

    pub(super) fn aliases_of(
        &self,
        account: &str,
        region: &str,
    ) -> impl Iterator<Item = (&AliasName, &Alias)> {
        let (account, region) = (account.to_owned(), region.to_owned());
        let start = AliasName { account: account.clone(), region: region.clone(), alias: String::new() };
        let is_here = move |name: &AliasName| name.account == account && name.region == region;
        self.aliases.range(start..).take_while(move |(name, _)| is_here(name))
    }
}
