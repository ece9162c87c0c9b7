//! What can be done on a store that nobody serves.

use crate::access::realm::{RealmError, Realms};
use crate::config::Account;
use crate::entropy::Entropy;
use crate::server::RootKey;
use bongsu_auth::seal::MasterKey;
use bongsu_node::Node;
use bongsu_policy::{Document, Kind, Limits};
use std::sync::Arc;

/// Makes an access key for an account's root, for who has lost it. `replacing`: those that it has are removed first.
///
/// # Errors
/// [`RealmError`], such as two keys that are there already, or another master key than the store's.
pub async fn new_root_key(
    node: &Node,
    master: MasterKey,
    account: &Account,
    replacing: bool,
) -> Result<RootKey, RealmError> {
    let realms = Realms::open(node.clone(), Arc::new(master)).await?;
    let account = account.as_str();
    if replacing {
        for key in realms.current().keys_of(account, None) {
            // No account has to keep one: the next is made below.
            realms.delete_key(account, &key.id, "").await?;
        }
    }
    let key = realms.create_key(account, None, &Entropy::new()).await?;
    Ok(RootKey { id: key.id, secret: key.secret })
}

/// Whose a policy is to be; they differ in what they have to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyOf {
    /// A user: it says what that user may do.
    User,
    /// A queue: it says who may do what with it.
    Queue,
}

/// Whether a text is a policy that would be accepted; how many statements it has.
///
/// # Errors
/// In words, what is wrong where.
pub fn check_policy(text: &str, of: PolicyOf) -> Result<usize, String> {
    let (kind, limits) = match of {
        PolicyOf::User => (Kind::Identity, Limits::IDENTITY),
        PolicyOf::Queue => (Kind::Resource, Limits::QUEUE),
    };
    let document = Document::parse(text, kind, &limits).map_err(|error| error.to_string())?;
    Ok(document.statement_count())
}
