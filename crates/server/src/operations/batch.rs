//! What all batches have in common: how many entries, and what their ids may be.

use bongsu_wire::{ErrorKind, ServiceError};
use std::collections::BTreeSet;

/// Most entries of a batch.
pub(super) const MAX_ENTRIES: usize = 10;
const MAX_ID_CHARS: usize = 80;

/// Checks a batch as a whole, in the real service's order. `entry` is the shape's name, which the text repeats.
///
/// # Errors
/// One of the four errors of batches.
pub(super) fn check<'a>(
    entry: &str,
    ids: impl ExactSizeIterator<Item = &'a str> + Clone,
) -> Result<(), ServiceError> {
    if ids.len() == 0 {
        return Err(ServiceError::new(
            ErrorKind::EmptyBatchRequest,
            format!("There should be at least one {entry} in the request."),
        ));
    }
    if ids.len() > MAX_ENTRIES {
        return Err(ServiceError::new(
            ErrorKind::TooManyEntriesInBatchRequest,
            format!("Maximum number of entries per request are {MAX_ENTRIES}. You have sent {}.", ids.len()),
        ));
    }
    if !ids.clone().all(is_id) {
        return Err(ServiceError::new(
            ErrorKind::InvalidBatchEntryId,
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 \
             letters long.",
        ));
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(ServiceError::new(ErrorKind::BatchEntryIdsNotDistinct, format!("Id {id} repeated.")));
        }
    }
    Ok(())
}

fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_ID_CHARS
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::check;
    use bongsu_wire::ErrorKind;

    fn refusal(ids: &[&str]) -> (ErrorKind, String) {
        let error = check("SendMessageBatchRequestEntry", ids.iter().copied()).unwrap_err();
        (error.kind, error.message)
    }

    #[test]
    fn ids_that_sqs_takes() {
        let long = "l".repeat(80);
        for ids in [
            vec!["1"],
            vec!["a-B_9", "a"],
            vec![long.as_str(), "2", "3", "4", "5", "6", "7", "8", "9", "10"],
            vec!["6f1e2d3c-0b5a-4f5e-8d7c-9b8a7f6e5d4c"],
        ] {
            assert_eq!(check("SendMessageBatchRequestEntry", ids.into_iter()), Ok(()));
        }
    }

    #[test]
    fn batches_that_sqs_refuses() {
        assert_eq!(
            refusal(&[]),
            (
                ErrorKind::EmptyBatchRequest,
                "There should be at least one SendMessageBatchRequestEntry in the request.".to_owned()
            )
        );
        let twenty: Vec<String> = (0..20).map(|id| id.to_string()).collect();
        let twenty: Vec<&str> = twenty.iter().map(String::as_str).collect();
        assert_eq!(
            refusal(&twenty),
            (
                ErrorKind::TooManyEntriesInBatchRequest,
                "Maximum number of entries per request are 10. You have sent 20.".to_owned()
            )
        );
        assert_eq!(
            refusal(&["a", "b", "a"]),
            (ErrorKind::BatchEntryIdsNotDistinct, "Id a repeated.".to_owned())
        );
        for id in ["", " ", "a b", "invalid:id", "caf\u{e9}", &"l".repeat(81)] {
            assert_eq!(refusal(&["a", id]).0, ErrorKind::InvalidBatchEntryId, "{id}");
        }
    }

    #[test]
    fn too_many_is_said_before_anything_about_ids() {
        assert_eq!(refusal(&["a"; 11]).0, ErrorKind::TooManyEntriesInBatchRequest);
    }
}
