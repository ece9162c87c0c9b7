#![allow(clippy::unwrap_used)]

use super::{CheckContent, Sources, UnlockError, steps, unlock};
use crate::access::realm::Realms;
use crate::documents;
use crate::entropy::Entropy;
use crate::keys::kms::{Change, KeyContent, Keys, Manager};
use crate::keys::master::MasterKeySource;
use bongsu_auth::seal::MasterKey;
use bongsu_engine::{Command, DocumentChange, Expected, Reply};
use bongsu_node::{Node, NodeOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

const ACCOUNT: &str = "000000000000";

fn node() -> Node {
    Node::in_memory(NodeOptions::new([1; 32], 2)).unwrap()
}

fn text(byte: &str) -> MasterKeySource {
    MasterKeySource::Text(Zeroizing::new(byte.repeat(32)))
}

fn only(master: MasterKeySource) -> Sources {
    Sources { master, previous: None }
}

fn file(directory: &Path, byte: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = directory.join(byte);
    std::fs::write(&path, byte.repeat(32)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// All documents, as a sign that nothing was changed.
async fn version(node: &Node) -> u64 {
    match node.call(Command::ListDocuments { collection: None, after: None, limit: 1 }).await.unwrap() {
        Reply::Documents { version, .. } => version,
        other => panic!("{other:?}"),
    }
}

async fn fill(node: &Node, master: MasterKey, keys: usize) {
    let master = Arc::new(master);
    let realms = Realms::open(node.clone(), Arc::clone(&master)).await.unwrap();
    realms.create_key(ACCOUNT, None, &Entropy::new()).await.unwrap();
    let kms = Keys::open(node.clone(), master).await.unwrap();
    let mut changes = Vec::new();
    for _ in 0..keys {
        let (name, mut content) = (kms.new_name(ACCOUNT, "us-east-1"), KeyContent::new(Manager::Customer, 1));
        kms.rotate(&name, &mut content, 1, false).unwrap();
        changes.push(Change::NewKey(name, content));
    }
    while !changes.is_empty() {
        let rest = changes.split_off(changes.len().min(90));
        kms.make(kms.lock().await, changes).await.unwrap();
        changes = rest;
    }
}

/// Whether everything that is sealed opens with the key.
async fn opens(node: &Node, master: MasterKey) -> bool {
    let master = Arc::new(master);
    Realms::open(node.clone(), Arc::clone(&master)).await.is_ok()
        && Keys::open(node.clone(), master).await.is_ok()
}

#[tokio::test]
async fn a_store_opens_with_its_own_key_only() {
    let node = node();
    let first = unlock(&node, &only(text("01"))).await.unwrap();
    let before = version(&node).await;
    assert_eq!(unlock(&node, &only(text("01"))).await.unwrap().id(), first.id());
    let error = unlock(&node, &only(text("02"))).await.unwrap_err();
    let other = MasterKey::from_text(&"02".repeat(32)).unwrap().id();
    let UnlockError::OtherKey { needs, has } = &error else { panic!("{error}") };
    assert_eq!((needs, has), (&first.id().to_string(), &other.to_string()));
    assert!(error.to_string().contains("Nothing was changed"), "{error}");
    assert_eq!(version(&node).await, before);
}

#[tokio::test]
async fn a_lost_key_is_not_replaced_by_a_new_one() {
    let (node, directory) = (node(), tempfile::tempdir().unwrap());
    let path = directory.path().join("master.key");
    let first = unlock(&node, &only(MasterKeySource::OwnFile(path.clone()))).await.unwrap();
    fill(&node, first, 1).await;
    let before = version(&node).await;
    let kept = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = unlock(&node, &only(MasterKeySource::OwnFile(path.clone()))).await.unwrap_err();
    assert!(matches!(error, UnlockError::Lost { .. }), "{error}");
    assert!(!path.exists() && version(&node).await == before, "nothing was changed");
    std::fs::write(&path, kept).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let again = unlock(&node, &only(MasterKeySource::OwnFile(path))).await.unwrap();
    assert!(opens(&node, again).await);
}

#[tokio::test]
async fn a_new_key_takes_the_place_of_the_previous_one() {
    let (node, directory) = (node(), tempfile::tempdir().unwrap());
    let first = unlock(&node, &only(text("01"))).await.unwrap();
    fill(&node, first, 3).await;
    let before = version(&node).await;
    let sources = Sources { master: text("02"), previous: Some(file(directory.path(), "01")) };
    let second = unlock(&node, &sources).await.unwrap();
    assert!(opens(&node, second).await);
    assert_eq!(version(&node).await, before + 5, "one access key, three KMS keys and the check");
    assert!(matches!(unlock(&node, &only(text("01"))).await, Err(UnlockError::OtherKey { .. })));
    // Once more with the same sources, as when somebody leaves the flag in place.
    assert!(opens(&node, unlock(&node, &sources).await.unwrap()).await);
    assert_eq!(version(&node).await, before + 5);
    let wrong = Sources { master: text("03"), previous: Some(file(directory.path(), "04")) };
    assert!(matches!(unlock(&node, &wrong).await, Err(UnlockError::OtherPrevious { .. })));
    assert!(opens(&node, unlock(&node, &only(text("02"))).await.unwrap()).await);
}

#[tokio::test]
async fn the_own_file_is_made_anew_where_the_previous_key_is_given() {
    let (node, directory) = (node(), tempfile::tempdir().unwrap());
    let own = directory.path().join("master.key");
    let first = unlock(&node, &only(MasterKeySource::OwnFile(own.clone()))).await.unwrap();
    let first_id = first.id();
    fill(&node, first, 1).await;
    let previous = directory.path().join("previous.key");
    std::fs::rename(&own, &previous).unwrap();
    let wrong = Sources {
        master: MasterKeySource::OwnFile(own.clone()),
        previous: Some(file(directory.path(), "09")),
    };
    assert!(matches!(unlock(&node, &wrong).await, Err(UnlockError::Lost { .. })));
    assert!(!own.exists());
    let sources = Sources { master: MasterKeySource::OwnFile(own.clone()), previous: Some(previous) };
    let second = unlock(&node, &sources).await.unwrap();
    assert_ne!(second.id(), first_id);
    assert!(opens(&node, second).await);
    assert!(opens(&node, unlock(&node, &only(MasterKeySource::OwnFile(own))).await.unwrap()).await);
}

/// More than one change takes: broken off anywhere, the two keys together finish it.
#[tokio::test]
async fn a_replacement_that_was_broken_off_is_finished() {
    let (node, directory) = (node(), tempfile::tempdir().unwrap());
    let first = unlock(&node, &only(text("01"))).await.unwrap();
    fill(&node, first, 230).await;
    let (from, to) = (file(directory.path(), "01"), file(directory.path(), "02"));
    // As it is after the first of its steps: both keys are named, and one key is sealed anew.
    let entropy = Entropy::new();
    let keys = ["01", "02"].map(|byte| MasterKey::from_text(&byte.repeat(32)).unwrap());
    let found = documents::all(&node, super::COLLECTION).await.unwrap();
    let mut content: CheckContent = documents::read(&found[0]).unwrap();
    content.next = Some(super::Mark::of(&keys[1], &entropy).unwrap());
    let stored = documents::all(&node, crate::keys::kms::KEYS).await.unwrap();
    let one = crate::keys::kms::resealed(&stored[0], (&keys[0], &keys[1]), &entropy).unwrap().unwrap();
    documents::change(&node, vec![super::put(Expected::Any, &content), one]).await.unwrap();

    for sources in [only(text("01")), only(text("02"))] {
        assert!(matches!(unlock(&node, &sources).await, Err(UnlockError::Unfinished { .. })));
    }
    let third = Sources { master: text("03"), previous: Some(from.clone()) };
    assert!(matches!(unlock(&node, &third).await, Err(UnlockError::Unfinished { .. })));
    let turned = Sources { master: MasterKeySource::File(from.clone()), previous: Some(to.clone()) };
    assert!(matches!(unlock(&node, &turned).await, Err(UnlockError::Unfinished { .. })));
    let both = Sources { master: MasterKeySource::File(to), previous: Some(from) };
    let done = unlock(&node, &both).await.unwrap();
    assert!(opens(&node, done).await);
    assert!(unlock(&node, &only(text("02"))).await.is_ok());
    assert!(matches!(unlock(&node, &only(text("01"))).await, Err(UnlockError::OtherKey { .. })));
}

#[tokio::test]
async fn many_keys_are_sealed_anew_in_steps() {
    let (node, directory) = (node(), tempfile::tempdir().unwrap());
    let first = unlock(&node, &only(text("01"))).await.unwrap();
    fill(&node, first, 230).await;
    let before = version(&node).await;
    let sources = Sources { master: text("02"), previous: Some(file(directory.path(), "01")) };
    assert!(opens(&node, unlock(&node, &sources).await.unwrap()).await);
    assert_eq!(version(&node).await, before + 1 + 231 + 1, "the check is written before and after");
}

#[test]
fn a_step_takes_what_one_change_can() {
    let change = |bytes: usize| DocumentChange {
        collection: "c".to_owned(),
        name: "n".to_owned(),
        expected: Expected::Any,
        body: Some(vec![0; bytes].into()),
    };
    let sizes = |changes: Vec<DocumentChange>| steps(changes).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(sizes(Vec::new()), Vec::<usize>::new());
    assert_eq!(sizes((0..200).map(|_| change(1)).collect()), [99, 99, 2]);
    assert_eq!(sizes((0..33).map(|_| change(65_536)).collect()), [31, 2]);
}

/// As where the disk was full when the store got its key: the check is missing, but something is sealed.
#[tokio::test]
async fn without_a_check_what_is_sealed_decides() {
    let (node, directory) = (node(), tempfile::tempdir().unwrap());
    fill(&node, MasterKey::from_text(&"01".repeat(32)).unwrap(), 2).await;
    let before = version(&node).await;
    let own = directory.path().join("master.key");
    for source in [text("02"), MasterKeySource::OwnFile(own.clone())] {
        assert!(unlock(&node, &only(source)).await.is_err());
    }
    assert!(!own.exists() && version(&node).await == before, "nothing was changed");
    assert!(opens(&node, unlock(&node, &only(text("01"))).await.unwrap()).await);
    assert!(matches!(unlock(&node, &only(text("02"))).await, Err(UnlockError::OtherKey { .. })));
}
