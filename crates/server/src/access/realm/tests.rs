use super::{Realm, RealmError, Realms};
use crate::entropy::Entropy;
use bongsu_auth::seal::{MasterKey, SealError};
use bongsu_node::{Node, NodeOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

const ACCOUNT: &str = "111111111111";
const ALLOW: &str = r#"{"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}}"#;

fn node() -> Node {
    Node::in_memory(NodeOptions::new([1; 32], 2)).unwrap()
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

#[tokio::test]
async fn the_last_active_root_key_of_the_account_that_governs_stays() {
    let (node, entropy) = (node(), Entropy::new());
    let realms = Realms::open(node.clone(), master(1)).await.unwrap();
    let first = realms.create_key(ACCOUNT, None, &entropy).await.unwrap();
    let second = realms.create_key(ACCOUNT, None, &entropy).await.unwrap();
    realms.set_key_active(ACCOUNT, &second.id, false, ACCOUNT, &entropy).await.unwrap();
    let in_use = |result| matches!(result, Err(RealmError::InUse(_)));
    assert!(in_use(realms.delete_key(ACCOUNT, &first.id, ACCOUNT).await));
    assert!(in_use(realms.set_key_active(ACCOUNT, &first.id, false, ACCOUNT, &entropy).await));
    // One that is off opens nothing anyway.
    realms.set_key_active(ACCOUNT, &second.id, true, ACCOUNT, &entropy).await.unwrap();
    realms.delete_key(ACCOUNT, &first.id, ACCOUNT).await.unwrap();
    assert!(in_use(realms.delete_key(ACCOUNT, &second.id, ACCOUNT).await));
    // Keys of users and of other accounts come and go.
    realms.create_user(ACCOUNT, "alice", BTreeMap::new(), &entropy).await.unwrap();
    for (account, user) in [(ACCOUNT, Some("alice")), ("222222222222", None)] {
        let key = realms.create_key(account, user, &entropy).await.unwrap();
        realms.delete_key(account, &key.id, ACCOUNT).await.unwrap();
    }
    node.shutdown().unwrap();
}

#[tokio::test]
async fn tags_are_added_replaced_and_taken() {
    let (node, entropy) = (node(), Entropy::new());
    let realms = Realms::open(node.clone(), master(1)).await.unwrap();
    let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    realms.create_user(ACCOUNT, "alice", tags(&[("a", "1")]), &entropy).await.unwrap();
    realms.tag_user(ACCOUNT, "alice", tags(&[("a", "2"), ("b", "")])).await.unwrap();
    realms.untag_user(ACCOUNT, "alice", &["b".to_owned(), "never".to_owned()]).await.unwrap();
    let found = || realms.current().user(ACCOUNT, "alice").unwrap().tags.clone();
    assert_eq!(found(), tags(&[("a", "2")]));
    for (key, value) in
        [("", "x"), ("aws:x", "x"), ("A", "differs in case only"), ("k", "<"), ("k", &"v".repeat(257))]
    {
        let refused = realms.tag_user(ACCOUNT, "alice", tags(&[(key, value)])).await;
        assert!(matches!(refused, Err(RealmError::Invalid(_))), "{key}={value}");
    }
    let many: BTreeMap<_, _> = (0..50).map(|number| (format!("k{number}"), String::new())).collect();
    assert!(matches!(realms.tag_user(ACCOUNT, "alice", many).await, Err(RealmError::Limit(_))));
    assert_eq!(found(), tags(&[("a", "2")]), "what was refused changed nothing");
    let missing = realms.tag_user(ACCOUNT, "bob", tags(&[("a", "1")])).await;
    assert!(matches!(missing, Err(RealmError::Missing(_))));
    node.shutdown().unwrap();
}

#[tokio::test]
async fn an_accounts_users_are_in_the_order_of_their_names() {
    let (node, entropy) = (node(), Entropy::new());
    let realms = Realms::open(node.clone(), master(1)).await.unwrap();
    for (account, name) in
        [(ACCOUNT, "b"), (ACCOUNT, "a"), ("111111111110", "z"), ("111111111112", "a"), (ACCOUNT, "c")]
    {
        realms.create_user(account, name, BTreeMap::new(), &entropy).await.unwrap();
    }
    let realm = realms.current();
    let names = |marker| realm.users_of(ACCOUNT, marker).map(|user| user.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names(""), ["a", "b", "c"]);
    assert_eq!(names("a"), ["b", "c"]);
    assert_eq!(names("bb"), ["c"]);
    assert_eq!(names("c"), [""; 0]);
    node.shutdown().unwrap();
}
