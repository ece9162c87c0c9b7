#![allow(clippy::unwrap_used)]

use super::{Alias, Change, DAY_MS, KeyContent, KeyState, Keys, KeysError, Manager, Rotation, Unusable};
use crate::entropy::Entropy;
use crate::keys::names::{AliasName, KeyName, Reference};
use bongsu_auth::seal::{KEY_BYTES, MasterKey, SealError};
use bongsu_node::{Node, NodeOptions};
use std::sync::Arc;
use zeroize::Zeroizing;

const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

fn master(byte: u8) -> Arc<MasterKey> {
    Arc::new(MasterKey::new(&Zeroizing::new([byte; KEY_BYTES])))
}

fn node() -> Node {
    Node::in_memory(NodeOptions::new([1; 32], 2)).unwrap()
}

async fn keys(node: &Node) -> Arc<Keys> {
    Keys::open(node.clone(), master(7)).await.unwrap()
}

async fn new_key(keys: &Arc<Keys>) -> Reference {
    let (name, mut content) = (keys.new_name(ACCOUNT, REGION), KeyContent::new(Manager::Customer, 1));
    keys.rotate(&name, &mut content, 1, false).unwrap();
    keys.make(keys.lock().await, vec![Change::NewKey(name.clone(), content)]).await.unwrap();
    Reference::Key(name)
}

async fn edit(keys: &Arc<Keys>, reference: &Reference, edit: impl FnOnce(&KeyName, &mut KeyContent)) {
    let key = keys.find(reference).unwrap();
    let mut content = key.content.clone();
    edit(&key.name, &mut content);
    keys.make(keys.lock().await, vec![Change::Key(key, content)]).await.unwrap();
}

async fn set_state(keys: &Arc<Keys>, reference: &Reference, state: KeyState) {
    edit(keys, reference, |_, content| content.state = state).await;
}

fn envelope(keys: &Keys, reference: &Reference) -> Vec<u8> {
    keys.sealing_key(reference, 300_000, 1000).unwrap().unwrap().envelope().to_vec()
}

fn opens(keys: &Keys, envelope: &[u8]) -> Result<(), Unusable> {
    keys.opening_key(envelope, ACCOUNT, REGION).map(|opened| drop(opened.unwrap()))
}

#[tokio::test]
async fn keys_and_aliases_are_there_again_after_a_restart() {
    let node = node();
    let first = keys(&node).await;
    let reference = new_key(&first).await;
    let made = first.of_sqs(ACCOUNT, REGION).await.unwrap();
    assert!(made.is_managed());
    assert_eq!(first.of_sqs(ACCOUNT, REGION).await.unwrap().name, made.name, "made once");
    assert_ne!(first.of_sqs(ACCOUNT, "eu-west-1").await.unwrap().name, made.name);
    let (own, sqs) = (envelope(&first, &reference), Reference::Alias(AliasName::sqs(ACCOUNT, REGION)));
    let of_sqs = envelope(&first, &sqs);
    let second = keys(&node).await;
    assert_eq!(second.keys_of(ACCOUNT, REGION).len(), 2);
    assert_eq!(second.aliases_of(ACCOUNT, REGION).len(), 1);
    assert_eq!((opens(&second, &own), opens(&second, &of_sqs)), (Ok(()), Ok(())));
    assert_eq!(second.find(&sqs).unwrap().name, made.name);
}

#[tokio::test]
async fn many_who_need_the_default_key_at_once_get_the_same() {
    let keys = keys(&node()).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let keys = Arc::clone(&keys);
            tokio::spawn(async move { keys.of_sqs(ACCOUNT, REGION).await.unwrap().name.clone() })
        })
        .collect();
    let mut names = Vec::new();
    for task in tasks {
        names.push(task.await.unwrap());
    }
    names.dedup();
    assert_eq!(names.len(), 1);
}

#[tokio::test]
async fn another_master_key_opens_nothing() {
    let node = node();
    new_key(&keys(&node).await).await;
    let Err(KeysError::Seal { source: SealError::OtherKey { .. }, .. }) = Keys::open(node, master(8)).await
    else {
        panic!("opened with another master key");
    };
}

#[tokio::test]
async fn what_was_remembered_of_a_key_goes_at_once_when_it_is_disabled() {
    let keys = keys(&node()).await;
    let (reference, other) = (new_key(&keys).await, new_key(&keys).await);
    let (sealed, of_other) = (envelope(&keys, &reference), envelope(&keys, &other));
    let arn = reference.to_string();
    for (state, expected) in [
        (KeyState::Disabled, Unusable::Disabled(arn.clone())),
        (KeyState::PendingDeletion { due_ms: u64::MAX }, Unusable::PendingDeletion(arn)),
    ] {
        assert_eq!(opens(&keys, &sealed), Ok(()));
        set_state(&keys, &reference, state).await;
        assert_eq!(opens(&keys, &sealed), Err(expected.clone()));
        assert_eq!(keys.sealing_key(&reference, 1, 1).err(), Some(expected));
        assert_eq!(opens(&keys, &of_other), Ok(()));
        set_state(&keys, &reference, KeyState::Enabled).await;
    }
    assert_eq!(opens(&keys, &sealed), Ok(()), "and comes back when it is enabled");
}

#[tokio::test]
async fn a_rotated_key_opens_what_it_sealed_before() {
    let keys = keys(&node()).await;
    let reference = new_key(&keys).await;
    let before = envelope(&keys, &reference);
    edit(&keys, &reference, |name, content| keys.rotate(name, content, 2, true).unwrap()).await;
    let after = envelope(&keys, &reference);
    assert_eq!((before[16], after[16]), (1, 2), "the newest backing key seals");
    assert_eq!((opens(&keys, &before), opens(&keys, &after)), (Ok(()), Ok(())));
}

#[tokio::test]
async fn keys_are_deleted_and_rotated_when_their_time_has_come() {
    let node = node();
    let keys = keys(&node).await;
    let (going, turning) = (new_key(&keys).await, new_key(&keys).await);
    let sealed = envelope(&keys, &going);
    let Reference::Key(name) = &going else { panic!() };
    let alias =
        AliasName { account: ACCOUNT.to_owned(), region: REGION.to_owned(), alias: "alias/a".to_owned() };
    let change = Change::Alias(alias.clone(), Alias::new(name.id, 1));
    keys.make(keys.lock().await, vec![change]).await.unwrap();
    set_state(&keys, &going, KeyState::PendingDeletion { due_ms: 7 * DAY_MS }).await;
    edit(&keys, &turning, |_, content| content.rotation = Some(Rotation::every(90, 0))).await;

    keys.do_what_is_due(7 * DAY_MS - 1).await;
    assert!(keys.find(&going).is_ok() && keys.alias(&alias).is_some());
    keys.do_what_is_due(7 * DAY_MS).await;
    assert_eq!(keys.find(&going).err(), Some(Unusable::NoKey(name.arn())));
    assert!(keys.alias(&alias).is_none());
    assert_eq!(opens(&keys, &sealed), Err(Unusable::NoKey(name.arn())));

    let numbers = |keys: &Keys| keys.find(&turning).unwrap().content.backing.len();
    assert_eq!(numbers(&keys), 1);
    keys.do_what_is_due(90 * DAY_MS).await;
    keys.do_what_is_due(90 * DAY_MS).await;
    assert_eq!(numbers(&keys), 2);
    assert_eq!(keys.find(&turning).unwrap().content.rotation, Some(Rotation::every(90, 90 * DAY_MS)));
    let again = Keys::open(node, master(7)).await.unwrap();
    assert_eq!((numbers(&again), again.keys_of(ACCOUNT, REGION).len()), (2, 1));
}

/// A change whose caller went away is finished all the same.
#[tokio::test]
async fn a_change_is_finished_also_when_nobody_waits_for_it() {
    let keys = keys(&node()).await;
    let (name, mut content) = (keys.new_name(ACCOUNT, REGION), KeyContent::new(Manager::Customer, 1));
    keys.rotate(&name, &mut content, 1, false).unwrap();
    {
        let changing = keys.lock().await;
        let mut making = Box::pin(keys.make(changing, vec![Change::NewKey(name.clone(), content)]));
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(making.as_mut().poll(cx).is_ready()));
        assert!(!polled.await, "it takes longer than one look");
    }
    // Whoever is next waits until it is done.
    drop(keys.lock().await);
    assert!(keys.find(&Reference::Key(name)).is_ok());
}

#[test]
fn a_key_knows_its_backing_keys_only_under_its_own_name() {
    let (entropy, master) = (Entropy::new(), master(7));
    let name = |region: &str| KeyName {
        account: ACCOUNT.to_owned(),
        region: region.to_owned(),
        id: uuid::Uuid::from_bytes([5; 16]),
    };
    let mut content = KeyContent::new(Manager::Customer, 1);
    content.rotate(&name(REGION), (&master, &entropy), 1, false).unwrap();
    assert!(super::KmsKey::open(name(REGION), content.clone(), &master, 1).is_ok());
    assert!(super::KmsKey::open(name("eu-west-1"), content.clone(), &master, 1).is_err(), "moved");
    content.backing[0].number = 2;
    assert!(super::KmsKey::open(name(REGION), content.clone(), &master, 1).is_err(), "renumbered");
    content.backing.clear();
    assert!(super::KmsKey::open(name(REGION), content, &master, 1).is_err(), "without any");
}

/// Nothing here stores such a text; an older or a later version of the program may have.
#[tokio::test]
async fn a_policy_that_can_not_be_read_opens_nothing() {
    use bongsu_policy::{Decision, Denial, NoContext, Principal, Request, evaluate};
    let (node, root) = (node(), Principal::Root { account: ACCOUNT });
    let keys = keys(&node).await;
    let key = new_key(&keys).await;
    edit(&keys, &key, |_, content| content.policy = Some("nonsense".to_owned())).await;
    let key = keys.find(&key).unwrap();
    let arn = key.name.arn();
    let decide = |action| {
        let (resource_account, cross_account, context) = (ACCOUNT, true, &NoContext);
        let principal = root;
        let request = Request { action, resource: &arn, resource_account, principal, cross_account, context };
        evaluate(&request, [], key.as_resource(&arn).policy)
    };
    assert!(matches!(decide("kms:Decrypt"), Decision::Denied(Denial::Explicit { .. })));
    assert!(decide("kms:PutKeyPolicy").is_allowed(), "it can be mended");
}
