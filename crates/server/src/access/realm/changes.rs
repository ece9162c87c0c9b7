//! How users and access keys are made, changed and removed. Each change is one command: all of it or nothing.

use super::{
    ACCESS_KEYS, AccessKey, KeyDocument, Realm, RealmError, Realms, USERS, User, UserDocument,
    secret_context, user,
};
use crate::clock;
use crate::documents;
use crate::entropy::Entropy;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bongsu_auth::secrets::{AccessKeyId, SecretKey, UserName};
use bongsu_engine::{DocumentChange, Expected};
use bongsu_policy::{Document, Kind, Limits};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// As with IAM: enough to change from one to the next.
const MAX_KEYS: usize = 2;
const MAX_POLICIES: usize = 10;
const MAX_TAGS: usize = 50;
const MAX_TAG_KEY_CHARS: usize = 128;
const MAX_TAG_VALUE_CHARS: usize = 256;
/// IAM's quota.
const MAX_USERS: usize = 5000;
const MAX_POLICY_NAME_CHARS: usize = 128;
/// What unique ids of users begin with, in IAM.
const USER_ID_PREFIX: &str = "AIDA";

/// An access key that was just made: the only time at which its secret is shown.
#[derive(Debug)]
pub(crate) struct NewKey {
    /// Public half.
    pub(crate) id: String,
    /// Secret half.
    pub(crate) secret: SecretKey,
}

impl Realms {
    /// Makes a user without keys and policies.
    ///
    /// # Errors
    /// [`RealmError::Exists`], [`RealmError::Invalid`].
    pub(crate) async fn create_user(
        &self,
        account: &str,
        name: &str,
        tags: BTreeMap<String, String>,
        entropy: &Entropy,
    ) -> Result<Arc<User>, RealmError> {
        let name = UserName::new(name).map_err(|error| RealmError::Invalid(error.to_string()))?;
        let _changing = self.changing.lock().await;
        let realm = self.current();
        if realm.user(account, name.as_str()).is_some() {
            return Err(RealmError::Exists(format!("user {}", name.as_str())));
        }
        check_tags(&tags)?;
        if realm.users_of(account, "").count() >= MAX_USERS {
            return Err(RealmError::Limit("an account can have 5000 users"));
        }
        // Access key ids and users' ids differ in their first four letters only.
        let id = AccessKeyId::generate(entropy.bytes());
        let id = format!("{USER_ID_PREFIX}{}", &id.as_str()[USER_ID_PREFIX.len()..]);
        let created_s = clock::wall_ms() / 1000;
        let content = UserDocument { id, created_s, tags, policies: BTreeMap::new() };
        self.write_user(&realm, account, name.as_str(), content, Expected::Absent).await
    }

    /// Removes a user.
    ///
    /// # Errors
    /// [`RealmError::InUse`] while it has keys.
    pub(crate) async fn delete_user(&self, account: &str, name: &str) -> Result<(), RealmError> {
        let _changing = self.changing.lock().await;
        let realm = self.current();
        let user = existing(&realm, account, name)?;
        if !realm.keys_of(account, Some(name)).is_empty() {
            return Err(RealmError::InUse(format!(
                "user {name} has access keys, which have to be deleted first"
            )));
        }
        let change = documents::remove(USERS, document_name(account, name), Expected::Version(user.version));
        documents::change(&self.node, vec![change]).await?;
        let mut realm = Realm::clone(&realm);
        realm.users.remove(&(account.to_owned(), name.to_owned()));
        self.replace(realm);
        Ok(())
    }

    /// Gives a user tags, in place of those with the same keys.
    ///
    /// # Errors
    /// [`RealmError::Missing`], [`RealmError::Invalid`], [`RealmError::Limit`].
    pub(crate) async fn tag_user(
        &self,
        account: &str,
        name: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<(), RealmError> {
        let _changing = self.changing.lock().await;
        let realm = self.current();
        let user = existing(&realm, account, name)?;
        let mut content = user.content();
        content.tags.extend(tags);
        check_tags(&content.tags)?;
        self.write_user(&realm, account, name, content, Expected::Version(user.version)).await?;
        Ok(())
    }

    /// Takes tags from a user; those that it doesn't have don't matter.
    ///
    /// # Errors
    /// [`RealmError::Missing`].
    pub(crate) async fn untag_user(
        &self,
        account: &str,
        name: &str,
        keys: &[String],
    ) -> Result<(), RealmError> {
        let _changing = self.changing.lock().await;
        let realm = self.current();
        let user = existing(&realm, account, name)?;
        let mut content = user.content();
        content.tags.retain(|key, _| !keys.contains(key));
        self.write_user(&realm, account, name, content, Expected::Version(user.version)).await?;
        Ok(())
    }

    /// Gives a user a policy, or replaces the one of this name.
    ///
    /// # Errors
    /// [`RealmError::Policy`] for a text that is none.
    pub(crate) async fn put_policy(
        &self,
        account: &str,
        name: &str,
        policy_name: &str,
        text: &str,
    ) -> Result<(), RealmError> {
        let in_alphabet = policy_name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
        if !in_alphabet || !(1..=MAX_POLICY_NAME_CHARS).contains(&policy_name.len()) {
            let reason = "a policy's name has 1 to 128 letters, digits and characters out of _+=,.@-";
            return Err(RealmError::Invalid(reason.to_owned()));
        }
        Document::parse(text, Kind::Identity, &Limits::IDENTITY)
            .map_err(|source| RealmError::Policy { name: policy_name.to_owned(), source })?;
        let _changing = self.changing.lock().await;
        let realm = self.current();
        let user = existing(&realm, account, name)?;
        let mut content = user.content();
        content.policies.insert(policy_name.to_owned(), text.to_owned());
        if content.policies.len() > MAX_POLICIES {
            return Err(RealmError::Limit("a user can have 10 policies"));
        }
        self.write_user(&realm, account, name, content, Expected::Version(user.version)).await?;
        Ok(())
    }

    /// Takes a policy from a user.
    ///
    /// # Errors
    /// [`RealmError::Missing`].
    pub(crate) async fn delete_policy(
        &self,
        account: &str,
        name: &str,
        policy_name: &str,
    ) -> Result<(), RealmError> {
        let _changing = self.changing.lock().await;
        let realm = self.current();
        let user = existing(&realm, account, name)?;
        let mut content = user.content();
        if content.policies.remove(policy_name).is_none() {
            return Err(RealmError::Missing(format!("policy {policy_name} of user {name}")));
        }
        self.write_user(&realm, account, name, content, Expected::Version(user.version)).await?;
        Ok(())
    }

    /// Makes an access key for a user, or for the account itself.
    ///
    /// # Errors
    /// [`RealmError::Limit`] where there are two.
    pub(crate) async fn create_key(
        &self,
        account: &str,
        user: Option<&str>,
        entropy: &Entropy,
    ) -> Result<NewKey, RealmError> {
        let _changing = self.changing.lock().await;
        let realm = self.current();
        if let Some(name) = user {
            existing(&realm, account, name)?;
        }
        if realm.keys_of(account, user).len() >= MAX_KEYS {
            return Err(RealmError::Limit("a user can have two access keys"));
        }
        let id = AccessKeyId::generate(entropy.bytes()).as_str().to_owned();
        let secret = SecretKey::generate(entropy.bytes());
        let key = AccessKey {
            id: id.clone(),
            secret: secret.clone(),
            account: account.to_owned(),
            user: user.map(str::to_owned),
            active: true,
            created_s: clock::wall_ms() / 1000,
            version: 0,
        };
        self.write_key(&realm, key, Expected::Absent, entropy).await?;
        Ok(NewKey { id, secret })
    }

    /// Switches a key on or off. The last active one of the root of the account `kept` stays on.
    ///
    /// # Errors
    /// [`RealmError::Missing`], [`RealmError::InUse`].
    pub(crate) async fn set_key_active(
        &self,
        account: &str,
        id: &str,
        active: bool,
        kept: &str,
        entropy: &Entropy,
    ) -> Result<(), RealmError> {
        let _changing = self.changing.lock().await;
        let realm = self.current();
        let key = existing_key(&realm, account, id)?;
        if !active {
            check_is_not_last(&realm, key, kept)?;
        }
        let (version, key) = (key.version, AccessKey { active, ..key.duplicate() });
        self.write_key(&realm, key, Expected::Version(version), entropy).await
    }

    /// Removes a key. The last active one of the root of the account `kept` stays.
    ///
    /// # Errors
    /// [`RealmError::Missing`], [`RealmError::InUse`].
    pub(crate) async fn delete_key(&self, account: &str, id: &str, kept: &str) -> Result<(), RealmError> {
        let _changing = self.changing.lock().await;
        let realm = self.current();
        let key = existing_key(&realm, account, id)?;
        check_is_not_last(&realm, key, kept)?;
        let change = documents::remove(ACCESS_KEYS, id, Expected::Version(key.version));
        documents::change(&self.node, vec![change]).await?;
        let mut realm = Realm::clone(&realm);
        realm.keys.remove(id);
        self.replace(realm);
        Ok(())
    }

    /// A key for the account itself, if it has none: what a new store is governed with.
    ///
    /// # Errors
    /// [`RealmError`].
    pub(crate) async fn first_root_key(
        &self,
        account: &str,
        entropy: &Entropy,
    ) -> Result<Option<NewKey>, RealmError> {
        if !self.current().keys_of(account, None).is_empty() {
            return Ok(None);
        }
        self.create_key(account, None, entropy).await.map(Some)
    }

    async fn write_user(
        &self,
        realm: &Realm,
        account: &str,
        name: &str,
        content: UserDocument,
        expected: Expected,
    ) -> Result<Arc<User>, RealmError> {
        let version =
            self.write(documents::put(USERS, document_name(account, name), expected, &content)).await?;
        let user = Arc::new(user(account, name, content, version)?);
        let mut realm = realm.clone();
        realm.users.insert((account.to_owned(), name.to_owned()), Arc::clone(&user));
        self.replace(realm);
        Ok(user)
    }

    async fn write_key(
        &self,
        realm: &Realm,
        key: AccessKey,
        expected: Expected,
        entropy: &Entropy,
    ) -> Result<(), RealmError> {
        let sealed =
            self.master.seal(&secret_context(&key.id), key.secret.reveal().as_bytes(), entropy.bytes());
        let sealed = sealed.map_err(|source| RealmError::Seal { key: key.id.clone(), source })?;
        let content = KeyDocument {
            account: key.account.clone(),
            user: key.user.clone(),
            secret: STANDARD.encode(sealed),
            active: key.active,
            created_s: key.created_s,
        };
        let version = self.write(documents::put(ACCESS_KEYS, &key.id, expected, &content)).await?;
        let mut realm = realm.clone();
        realm.keys.insert(key.id.clone(), Arc::new(AccessKey { version, ..key }));
        self.replace(realm);
        Ok(())
    }

    async fn write(&self, change: DocumentChange) -> Result<u64, RealmError> {
        let versions = documents::change(&self.node, vec![change]).await?;
        Ok(versions.first().copied().unwrap_or_default())
    }
}

impl AccessKey {
    fn duplicate(&self) -> Self {
        Self {
            id: self.id.clone(),
            secret: self.secret.clone(),
            account: self.account.clone(),
            user: self.user.clone(),
            ..*self
        }
    }
}

fn document_name(account: &str, name: &str) -> String {
    format!("{account}/{name}")
}

fn existing<'r>(realm: &'r Realm, account: &str, name: &str) -> Result<&'r Arc<User>, RealmError> {
    realm.user(account, name).ok_or_else(|| RealmError::Missing(format!("user {name}")))
}

fn existing_key<'r>(realm: &'r Realm, account: &str, id: &str) -> Result<&'r Arc<AccessKey>, RealmError> {
    realm.key(account, id).ok_or_else(|| RealmError::Missing(format!("access key {id}")))
}

/// Without that key nobody could govern the server any more.
fn check_is_not_last(realm: &Realm, key: &AccessKey, kept: &str) -> Result<(), RealmError> {
    let is_kept = key.account == kept && key.user.is_none() && key.active;
    let others =
        realm.keys_of(&key.account, None).into_iter().filter(|other| other.active && other.id != key.id);
    if is_kept && others.count() == 0 {
        let reason = "it is the last active access key of the root of the server's default account: make another one first";
        return Err(RealmError::InUse(reason.to_owned()));
    }
    Ok(())
}

/// As in IAM: keys that differ in their letters' case only are one and the same to policies.
fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), RealmError> {
    let invalid = |reason: &str| Err(RealmError::Invalid(reason.to_owned()));
    if tags.len() > MAX_TAGS {
        return Err(RealmError::Limit("a user can have 50 tags"));
    }
    let mut keys = BTreeSet::new();
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > MAX_TAG_KEY_CHARS {
            return invalid("a tag's key has 1 to 128 characters");
        }
        if value.chars().count() > MAX_TAG_VALUE_CHARS {
            return invalid("a tag's value has up to 256 characters");
        }
        let is_char =
            |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '.' | ':' | '/' | '=' | '+' | '-' | '@');
        if !key.chars().chain(value.chars()).all(is_char) {
            return invalid("a tag has letters, digits, spaces and characters out of _.:/=+-@");
        }
        if key.to_lowercase().starts_with("aws:") {
            return invalid("keys of tags that begin with aws: belong to AWS");
        }
        if !keys.insert(key.to_lowercase()) {
            return invalid("two tags have keys that differ in their letters' case only");
        }
    }
    Ok(())
}
