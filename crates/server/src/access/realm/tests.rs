use super::{Realm, RealmError, Realms};
use crate::entropy::Entropy;
use bongsu_auth::seal::{MasterKey, SealError};
use bongsu_journal::{MemoryJournal, MemoryOptions};
use bongsu_node::{Node, NodeOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

const ACCOUNT: &str = "111111111111";
const ALLOW: &str = r#"{"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}}"#;

fn node() -> Node {
    let journal = MemoryJournal::new(MemoryOptions::default());
    Node::start(Box::new(journal), NodeOptions::new([1; 32], 2)).unwrap()
}

fn master(byte: u8) -> Arc<MasterKey> {
    Arc::new(MasterKey::new(&Zeroizing::new([byte; 32])))
}

/// What can be seen of a realm.
fn shown(realm: &Realm) -> Vec<String> {
    let users = realm.users.values().map(|user| format!("{} {} {:?}", user.arn, user.id, user.tags));
    let policies = realm.users.values().flat_map(|user| {
        user.policies.iter().map(|(name, (text, _))| format!("{} {name} {text}", user.name))
    });
    let keys = realm.keys.values().map(|key| {
        format!("{} {} {:?} {} {}", key.id, key.account, key.user, key.active, key.secret.reveal())
    });
    let mut all: Vec<String> = users.chain(policies).chain(keys).collect();
    all.sort();
    all
}

#[tokio::test]
async fn what_was_changed_is_there_after_a_restart() {
    let (node, entropy) = (node(), Entropy::new());
    let realms = Realms::open(node.clone(), master(1)).await.unwrap();
    let tags = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
    let alice = realms.create_user(ACCOUNT, "alice", tags, &entropy).await.unwrap();
    assert!(alice.id.starts_with("AIDA") && alice.id.len() == 20, "{}", alice.id);
    realms.create_user(ACCOUNT, "bob", BTreeMap::new(), &entropy).await.unwrap();
    realms.put_policy(ACCOUNT, "alice", "all", ALLOW).await.unwrap();
    realms.put_policy(ACCOUNT, "alice", "more", ALLOW).await.unwrap();
    realms.delete_policy(ACCOUNT, "alice", "more").await.unwrap();
    let key = realms.create_key(ACCOUNT, Some("alice"), &entropy).await.unwrap();
    let off = realms.create_key(ACCOUNT, Some("alice"), &entropy).await.unwrap();
    realms.set_key_active(ACCOUNT, &off.id, false, "", &entropy).await.unwrap();
    let gone = realms.create_key(ACCOUNT, None, &entropy).await.unwrap();
    realms.delete_key(ACCOUNT, &gone.id, "").await.unwrap();
    realms.delete_user(ACCOUNT, "bob").await.unwrap();

    let realm = realms.current();
    let found = realm.usable_key(&key.id).unwrap();
    assert_eq!((found.secret.reveal(), found.user.as_deref()), (key.secret.reveal(), Some("alice")));
    assert!(realm.usable_key(&off.id).is_none() && realm.usable_key(&gone.id).is_none());
    assert!(realm.user(ACCOUNT, "bob").is_none());
    let reopened = Realms::open(node, master(1)).await.unwrap();
    assert_eq!(shown(&reopened.current()), shown(&realm));
}

#[tokio::test]
async fn another_master_key_opens_no_secret() {
    let node = node();
    let realms = Realms::open(node.clone(), master(1)).await.unwrap();
    realms.create_key(ACCOUNT, None, &Entropy::new()).await.unwrap();
    let error = Realms::open(node, master(2)).await.err().unwrap();
    assert!(matches!(error, RealmError::Seal { source: SealError::OtherKey { .. }, .. }), "{error}");
}

#[tokio::test]
async fn a_store_gets_one_root_key_by_itself() {
    let (node, entropy) = (node(), Entropy::new());
    let realms = Realms::open(node.clone(), master(1)).await.unwrap();
    assert!(realms.first_root_key(ACCOUNT, &entropy).await.unwrap().is_some());
    assert!(realms.first_root_key(ACCOUNT, &entropy).await.unwrap().is_none());
    let reopened = Realms::open(node, master(1)).await.unwrap();
    assert!(reopened.first_root_key(ACCOUNT, &entropy).await.unwrap().is_none());
}

#[tokio::test]
async fn mistakes_are_refused_and_change_nothing() {
    let entropy = Entropy::new();
    let realms = Realms::open(node(), master(1)).await.unwrap();
    let none = BTreeMap::new;
    realms.create_user(ACCOUNT, "alice", none(), &entropy).await.unwrap();
    let key = realms.create_key(ACCOUNT, Some("alice"), &entropy).await.unwrap();
    realms.create_key(ACCOUNT, Some("alice"), &entropy).await.unwrap();
    let before = shown(&realms.current());

    let exists = realms.create_user(ACCOUNT, "alice", none(), &entropy).await.err().unwrap();
    assert!(matches!(exists, RealmError::Exists(_)), "{exists}");
    let invalid = realms.create_user(ACCOUNT, "al/ice", none(), &entropy).await.err().unwrap();
    assert!(matches!(invalid, RealmError::Invalid(_)), "{invalid}");
    let limit = realms.create_key(ACCOUNT, Some("alice"), &entropy).await.err().unwrap();
    assert!(matches!(limit, RealmError::Limit(_)), "{limit}");
    let in_use = realms.delete_user(ACCOUNT, "alice").await.err().unwrap();
    assert!(matches!(in_use, RealmError::InUse(_)), "{in_use}");
    for missing in [
        realms.create_key(ACCOUNT, Some("bob"), &entropy).await.err(),
        realms.delete_user("222222222222", "alice").await.err(),
        realms.delete_key("222222222222", &key.id, "").await.err(),
        realms.set_key_active("222222222222", &key.id, false, "", &entropy).await.err(),
        realms.delete_policy(ACCOUNT, "alice", "none").await.err(),
        realms.put_policy(ACCOUNT, "bob", "all", ALLOW).await.err(),
    ] {
        assert!(matches!(missing, Some(RealmError::Missing(_))), "{missing:?}");
    }
    for (name, text) in [("all", "{}"), ("all", "nonsense"), ("", ALLOW), ("a b", ALLOW), ("\u{e9}", ALLOW)] {
        assert!(realms.put_policy(ACCOUNT, "alice", name, text).await.is_err(), "{name} {text}");
    }
    assert_eq!(shown(&realms.current()), before);
}
