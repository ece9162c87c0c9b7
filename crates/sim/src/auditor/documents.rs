//! What the auditor knows of documents: all states that they may be in. An answer leaves those that it fits; a change of which
//! nobody knows what became adds those that it would have made.

use super::{Auditor, Verdict, broken};
use bongsu_engine::{Document, DocumentChange, EngineError, Expected};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

type Key = (String, String);
/// Version and body.
type Kept = (u64, Arc<[u8]>);

/// Documents as they may be.
#[derive(Clone, Default, PartialEq, Eq)]
struct State {
    /// How many changes there were.
    version: u64,
    all: BTreeMap<Key, Kept>,
}

/// Why a change must be refused.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// For what it says.
    Form,
    /// For what is there.
    Conflict(Key),
}

/// All that documents may be.
#[derive(Debug)]
pub(crate) struct Documents {
    states: Vec<State>,
}

impl Default for Documents {
    fn default() -> Self {
        Self { states: vec![State::default()] }
    }
}

fn key(change: &DocumentChange) -> Key {
    (change.collection.clone(), change.name.clone())
}

/// Whether the changes alone are in order.
fn is_well_formed(changes: &[DocumentChange]) -> bool {
    let mut seen = BTreeSet::new();
    changes.iter().all(|change| {
        let named = !change.collection.is_empty()
            && change.collection.chars().all(|char| matches!(char, 'a'..='z' | '0'..='9' | '-'));
        named && change.body.as_ref().is_none_or(|body| body.len() <= 65_536) && seen.insert(key(change))
    })
}

impl State {
    /// The state after these changes, and their versions.
    fn changed(&self, changes: &[DocumentChange]) -> Result<(Self, Vec<u64>), Refusal> {
        if !is_well_formed(changes) {
            return Err(Refusal::Form);
        }
        let (mut next, mut versions) = (self.clone(), Vec::new());
        for change in changes {
            let key = key(change);
            let present = self.all.get(&key).map(|(version, _)| *version);
            let fits = match change.expected {
                Expected::Any => true,
                Expected::Absent => present.is_none(),
                Expected::Version(version) => present == Some(version),
            };
            if !fits {
                return Err(Refusal::Conflict(key));
            }
            next.version += 1;
            versions.push(next.version);
            match &change.body {
                Some(body) => _ = next.all.insert(key, (next.version, body.clone())),
                None => _ = next.all.remove(&key),
            }
        }
        Ok((next, versions))
    }

    /// Whether a page shows just what there is.
    fn shows(
        &self,
        (collection, after): (Option<&str>, Option<&Key>),
        limit: usize,
        page: &[Arc<Document>],
        more: bool,
    ) -> bool {
        let wanted = |key: &Key| {
            collection.is_none_or(|collection| key.0 == collection) && after.is_none_or(|after| key > after)
        };
        let all: Vec<_> = self.all.iter().filter(|(key, _)| wanted(key)).collect();
        let same = |(key, (version, body)): (&Key, &Kept), document: &Document| {
            (key.0.as_str(), key.1.as_str()) == document.key()
                && *version == document.version
                && *body == document.body
        };
        page.len() == all.len().min(limit)
            && more == (all.len() > limit)
            && all.into_iter().zip(page).all(|(kept, document)| same(kept, document))
    }
}

/// Without the bytes of documents.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}:", self.version)?;
        self.all.iter().try_for_each(|((collection, name), (version, body))| {
            write!(f, " {collection}/{name} of {version} ({} bytes)", body.len())
        })
    }
}

impl Auditor {
    /// Keeps the states that an answer leaves.
    fn documents_are(&mut self, what: &str, fits: impl Fn(State) -> Option<State>) -> Verdict {
        let left: Vec<State> = self.documents.states.iter().cloned().filter_map(fits).collect();
        if left.is_empty() {
            return broken(format!("documents {what}, but they were {:?}", self.documents.states));
        }
        self.documents.states = left;
        Ok(())
    }

    pub(super) fn documents_changed(&mut self, changes: &[DocumentChange], versions: &[u64]) -> Verdict {
        self.documents_are(&format!("were changed as {versions:?}"), |state| {
            let (next, expected) = state.changed(changes).ok()?;
            (expected == versions).then_some(next)
        })
    }

    pub(super) fn documents_refused(&mut self, changes: &[DocumentChange], error: &EngineError) -> Verdict {
        let refusal = match error {
            EngineError::DocumentConflict { collection, name } => {
                Refusal::Conflict((collection.clone(), name.clone()))
            }
            EngineError::InvalidDocument(_) | EngineError::DocumentLimit(_) => Refusal::Form,
            other => return broken(format!("a change of documents was refused: {other}")),
        };
        self.documents_are(&format!("are said not to change, as: {error}"), |state| {
            (state.changed(changes).err().as_ref() == Some(&refusal)).then_some(state)
        })
    }

    pub(super) fn documents_listed(
        &mut self,
        which: (Option<&str>, Option<&Key>),
        limit: usize,
        page: &[Arc<Document>],
        (more, version): (bool, u64),
    ) -> Verdict {
        let seen: Vec<_> = page.iter().map(|found| (found.key(), found.version, found.body.len())).collect();
        let what = format!("of {which:?} are listed at version {version} (more: {more}) as {seen:?}");
        self.documents_are(&what, |state| {
            (state.version == version && state.shows(which, limit, page, more)).then_some(state)
        })
    }

    /// What only removes is not to be refused for want of space.
    pub(super) fn documents_refused_for_space(&self, changes: &[DocumentChange]) -> Verdict {
        match changes.iter().any(|change| change.body.is_some()) {
            true => Ok(()),
            false => broken("a removal of documents was refused because the disk is full".to_owned()),
        }
    }

    /// Nobody knows whether this was done.
    pub(super) fn unsure_documents(&mut self, changes: &[DocumentChange]) {
        let states = &mut self.documents.states;
        for at in 0..states.len() {
            if let Ok((next, _)) = states[at].changed(changes)
                && !states.contains(&next)
            {
                states.push(next);
            }
        }
    }

    /// Bytes that documents may take.
    pub(crate) fn document_bytes(&self) -> u64 {
        let bytes = |state: &State| -> usize {
            state.all.iter().map(|(key, (_, body))| key.0.len() + key.1.len() + body.len()).sum()
        };
        self.documents.states.iter().map(bytes).max().unwrap_or(0) as u64
    }
}
