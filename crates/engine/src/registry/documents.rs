//! Documents in order, in runs that a frozen copy shares until they change: to freeze a hundred thousand documents is to
//! copy some hundred pointers, and a change copies those of one run.

use super::{Document, DocumentsSize};
use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// A run that grows beyond this becomes two,
const MOST: usize = 512;
/// and one that shrinks below this joins its neighbour, if both together are no more than
const LEAST: usize = 128;
/// this: then neither the next insertion splits it again, nor the next removal joins it.
const JOINED: usize = 384;

type Run = Vec<Arc<Document>>;

/// No run is empty; documents ascend by their keys within and across runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Documents {
    runs: Vec<Arc<Run>>,
    size: DocumentsSize,
}

impl Documents {
    pub(super) fn size(&self) -> DocumentsSize {
        self.size
    }

    /// Run and place of a document: where it is, or where it would have to be.
    fn find(&self, key: (&str, &str)) -> Result<(usize, usize), (usize, usize)> {
        let ends_before = |run: &Arc<Run>| run.last().is_none_or(|last| last.key() < key);
        let at = self.runs.partition_point(ends_before);
        let Some(run) = self.runs.get(at) else { return Err((at, 0)) };
        match run.binary_search_by(|document| document.key().cmp(&key)) {
            Ok(place) => Ok((at, place)),
            Err(place) => Err((at, place)),
        }
    }

    pub(super) fn get(&self, key: (&str, &str)) -> Option<&Document> {
        let (run, place) = self.find(key).ok()?;
        self.runs.get(run)?.get(place).map(|document| &**document)
    }

    /// Documents whose keys are greater than `key`.
    pub(super) fn after(&self, key: (&str, &str)) -> impl Iterator<Item = &Arc<Document>> {
        let (run, place) = self.find(key).map_or_else(|at| at, |(run, place)| (run, place + 1));
        self.runs.iter().skip(run).flat_map(|run| run.iter()).skip(place)
    }

    /// Puts a document in, in place of the one of its name.
    pub(super) fn put(&mut self, document: Document) {
        self.count(&document);
        let document = Arc::new(document);
        match self.find(document.key()) {
            Ok((run, place)) => {
                let slot = Arc::make_mut(&mut self.runs[run]).get_mut(place);
                let before = slot.map(|slot| std::mem::replace(slot, document));
                before.into_iter().for_each(|before| self.discount(&before));
            }
            Err((run, place)) => self.insert(run, place, document),
        }
    }

    fn insert(&mut self, run: usize, place: usize, document: Arc<Document>) {
        // What comes after everything goes to the end of the last run.
        let (at, place) = match self.runs.last() {
            None => return self.runs.push(Arc::new(vec![document])),
            Some(last) if run == self.runs.len() => (run - 1, last.len()),
            Some(_) => (run, place),
        };
        let run = Arc::make_mut(&mut self.runs[at]);
        run.insert(place, document);
        if run.len() > MOST {
            let upper = run.split_off(run.len() / 2);
            self.runs.insert(at + 1, Arc::new(upper));
        }
    }

    pub(super) fn remove(&mut self, key: (&str, &str)) {
        let Ok((at, place)) = self.find(key) else { return };
        let run = Arc::make_mut(&mut self.runs[at]);
        let gone = run.remove(place);
        let left = run.len();
        self.discount(&gone);
        if left == 0 {
            self.runs.remove(at);
        } else if left < LEAST {
            // With the one before it, or the first with the one after it.
            self.join(at.saturating_sub(1));
        }
    }

    /// Makes one of a run and the next, if they are small enough together.
    fn join(&mut self, at: usize) {
        let lengths = self.runs.get(at..at + 2).map(|two| two.iter().map(|run| run.len()).sum::<usize>());
        if lengths.is_some_and(|both| both <= JOINED) {
            let upper = self.runs.remove(at + 1);
            Arc::make_mut(&mut self.runs[at]).extend(upper.iter().cloned());
        }
    }

    /// Puts a document at the end; `false` if it does not belong there.
    fn push(&mut self, document: Document) -> bool {
        let last = self.runs.last().and_then(|run| run.last());
        if last.is_some_and(|last| last.key() >= document.key()) {
            return false;
        }
        self.count(&document);
        match self.runs.last_mut().filter(|run| run.len() < MOST / 2) {
            Some(run) => Arc::make_mut(run).push(Arc::new(document)),
            None => self.runs.push(Arc::new(vec![Arc::new(document)])),
        }
        true
    }

    fn count(&mut self, document: &Document) {
        self.size.documents += 1;
        self.size.bytes += document.size_bytes();
    }

    fn discount(&mut self, document: &Document) {
        self.size.documents -= 1;
        self.size.bytes -= document.size_bytes();
    }
}

/// As one sequence: how it is cut into runs is nobody's affair.
impl Serialize for Documents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.size.documents))?;
        for document in self.runs.iter().flat_map(|run| run.iter()) {
            sequence.serialize_element(&**document)?;
        }
        sequence.end()
    }
}

impl<'de> Deserialize<'de> for Documents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Documents;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("documents in order")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Documents, A::Error> {
                let mut documents = Documents::default();
                while let Some(document) = sequence.next_element()? {
                    if !documents.push(document) {
                        return Err(A::Error::custom("documents out of order"));
                    }
                }
                Ok(documents)
            }
        }
        deserializer.deserialize_seq(Reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn document(number: u32, version: u64) -> Document {
        let collection = if number.is_multiple_of(3) { "keys" } else { "users" };
        let body = number.to_le_bytes()[..(number % 4) as usize].into();
        Document { collection: collection.to_owned(), name: format!("{number:05}"), version, body }
    }

    fn verify(documents: &Documents, expected: &BTreeMap<(String, String), Document>) {
        assert!(documents.after(("", "")).map(|document| &**document).eq(expected.values()));
        let lengths: Vec<usize> = documents.runs.iter().map(|run| run.len()).collect();
        assert!(lengths.iter().all(|len| (1..=MOST).contains(len)), "{lengths:?}");
        let bytes = expected.values().map(Document::size_bytes).sum();
        assert_eq!(documents.size(), DocumentsSize { documents: expected.len(), bytes });
    }

    /// Numbers up to `below`, in no order, each once if `below` is no multiple of 7919.
    fn scattered(below: u32) -> impl Iterator<Item = u32> {
        (0..below).map(move |number| number * 7_919 % below)
    }

    #[test]
    fn runs_split_and_join_and_are_in_order_all_the_time() {
        let (mut documents, mut expected) = (Documents::default(), BTreeMap::new());
        let key = |document: &Document| (document.collection.clone(), document.name.clone());
        for number in scattered(5_000) {
            for version in [1, 2].into_iter().take(1 + (number % 2) as usize) {
                documents.put(document(number, version));
                expected.insert(key(&document(number, version)), document(number, version));
            }
        }
        verify(&documents, &expected);
        assert!(documents.runs.len() > 5_000 / MOST);
        for (count, number) in scattered(5_000).enumerate() {
            let gone = document(number, 0);
            assert_eq!(documents.get(gone.key()), expected.get(&key(&gone)));
            documents.remove(gone.key());
            documents.remove(gone.key());
            assert_eq!(documents.get(gone.key()), None);
            expected.remove(&key(&gone));
            if count % 97 == 0 {
                verify(&documents, &expected);
                let few = documents.runs.len() <= 1 + 2 * expected.len() / LEAST;
                assert!(few, "{} runs for {}", documents.runs.len(), expected.len());
            }
        }
        assert!(documents.runs.is_empty());
    }

    #[test]
    fn a_copy_stays_as_it_was_and_shares_what_did_not_change() {
        let mut documents = Documents::default();
        (0..3_000).for_each(|number| documents.put(document(number, 1)));
        let copy = documents.clone();
        let encoded = postcard::to_stdvec(&copy).unwrap();
        documents.put(document(5, 2));
        let shared = documents.runs.iter().zip(&copy.runs).filter(|(one, two)| Arc::ptr_eq(one, two)).count();
        assert_eq!(shared, copy.runs.len() - 1);
        scattered(3_000).for_each(|number| documents.remove(document(number, 0).key()));
        assert_eq!(documents.size(), DocumentsSize::default());
        assert_eq!(postcard::to_stdvec(&copy).unwrap(), encoded);
    }

    #[test]
    fn what_is_after_a_name_begins_there() {
        let mut documents = Documents::default();
        (0..2_000).filter(|number| number % 2 == 0).for_each(|number| documents.put(document(number, 1)));
        for number in 0..2_000 {
            let start = document(number, 0);
            let next = documents.after(start.key()).next().map(|document| document.key());
            let all = documents.after(("", ""));
            assert_eq!(next, all.map(|document| document.key()).find(|key| *key > start.key()), "{number}");
        }
    }
}
