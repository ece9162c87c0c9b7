use std::collections::BTreeSet;

use super::{ErrorKind, ServiceError};

/// Codes and statuses as the Query model of botocore 1.31.80 declares them; 400 and the Sender where it is
/// silent.
const QUERY_MODEL: &[(ErrorKind, &str, u16)] = &[
    (ErrorKind::BatchEntryIdsNotDistinct, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400),
    (ErrorKind::BatchRequestTooLong, "AWS.SimpleQueueService.BatchRequestTooLong", 400),
    (ErrorKind::EmptyBatchRequest, "AWS.SimpleQueueService.EmptyBatchRequest", 400),
    (ErrorKind::InvalidBatchEntryId, "AWS.SimpleQueueService.InvalidBatchEntryId", 400),
    (ErrorKind::MessageNotInflight, "AWS.SimpleQueueService.MessageNotInflight", 400),
    (ErrorKind::OverLimit, "OverLimit", 403),
    (ErrorKind::PurgeQueueInProgress, "AWS.SimpleQueueService.PurgeQueueInProgress", 403),
    (ErrorKind::QueueDeletedRecently, "AWS.SimpleQueueService.QueueDeletedRecently", 400),
    (ErrorKind::QueueDoesNotExist, "AWS.SimpleQueueService.NonExistentQueue", 400),
    (ErrorKind::QueueNameExists, "QueueAlreadyExists", 400),
    (ErrorKind::ResourceNotFound, "ResourceNotFoundException", 404),
    (ErrorKind::TooManyEntriesInBatchRequest, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400),
    (ErrorKind::UnsupportedOperation, "AWS.SimpleQueueService.UnsupportedOperation", 400),
    (ErrorKind::InvalidAttributeName, "InvalidAttributeName", 400),
    (ErrorKind::InvalidIdFormat, "InvalidIdFormat", 400),
    (ErrorKind::InvalidMessageContents, "InvalidMessageContents", 400),
];

/// What the Query model is silent about: codes and statuses that the JSON model declares for callers of
/// Query, and recorded answers.
const BEYOND_THE_QUERY_MODEL: &[(ErrorKind, &str, &str, u16)] = &[
    (ErrorKind::RequestThrottled, "RequestThrottled", "RequestThrottled", 403),
    (ErrorKind::InvalidSecurity, "InvalidSecurity", "InvalidSecurity", 403),
    (ErrorKind::InvalidAddress, "InvalidAddress", "InvalidAddress", 404),
    (ErrorKind::ReceiptHandleIsInvalid, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404),
    (ErrorKind::InvalidAttributeValue, "InvalidAttributeValue", "InvalidAttributeValue", 400),
    (ErrorKind::KmsAccessDenied, "KMS.AccessDeniedException", "KmsAccessDenied", 400),
    (ErrorKind::KmsDisabled, "KMS.DisabledException", "KmsDisabled", 400),
    (ErrorKind::KmsInvalidKeyUsage, "KMS.InvalidKeyUsageException", "KmsInvalidKeyUsage", 400),
    (ErrorKind::KmsInvalidState, "KMS.InvalidStateException", "KmsInvalidState", 400),
    (ErrorKind::KmsNotFound, "KMS.NotFoundException", "KmsNotFound", 400),
    (ErrorKind::KmsOptInRequired, "KMS.OptInRequired", "KmsOptInRequired", 403),
    (ErrorKind::KmsThrottled, "KMS.ThrottlingException", "KmsThrottled", 400),
    (ErrorKind::InvalidParameterValue, "InvalidParameterValue", "InvalidParameterValueException", 400),
    (ErrorKind::MissingParameter, "MissingParameter", "MissingRequiredParameterException", 400),
    (ErrorKind::Serialization, "MalformedInput", "SerializationException", 400),
    (ErrorKind::UnknownOperation, "InvalidAction", "UnknownOperationException", 400),
    (ErrorKind::AccessDenied, "AccessDenied", "AccessDeniedException", 403),
    (ErrorKind::InvalidClientTokenId, "InvalidClientTokenId", "UnrecognizedClientException", 403),
    (ErrorKind::SignatureDoesNotMatch, "SignatureDoesNotMatch", "InvalidSignatureException", 403),
];

/// The errors of the JSON model of botocore 1.44: all of them, by their shapes' names.
const JSON_MODEL: &[&str] = &[
    "BatchEntryIdsNotDistinct",
    "BatchRequestTooLong",
    "EmptyBatchRequest",
    "InvalidAddress",
    "InvalidAttributeName",
    "InvalidAttributeValue",
    "InvalidBatchEntryId",
    "InvalidIdFormat",
    "InvalidMessageContents",
    "InvalidSecurity",
    "KmsAccessDenied",
    "KmsDisabled",
    "KmsInvalidKeyUsage",
    "KmsInvalidState",
    "KmsNotFound",
    "KmsOptInRequired",
    "KmsThrottled",
    "MessageNotInflight",
    "OverLimit",
    "PurgeQueueInProgress",
    "QueueDeletedRecently",
    "QueueDoesNotExist",
    "QueueNameExists",
    "ReceiptHandleIsInvalid",
    "RequestThrottled",
    "ResourceNotFoundException",
    "TooManyEntriesInBatchRequest",
    "UnsupportedOperation",
];

#[test]
fn the_table_agrees_with_the_query_model() {
    for &(kind, code, status) in QUERY_MODEL {
        assert_eq!((kind.code(), kind.status(), kind.is_sender_fault()), (code, status, true), "{kind:?}");
    }
}

#[test]
fn the_table_agrees_with_the_contract_where_the_query_model_is_silent() {
    for &(kind, code, json_type, status) in BEYOND_THE_QUERY_MODEL {
        assert_eq!((kind.code(), kind.json_type(), kind.status()), (code, json_type, status), "{kind:?}");
    }
}

#[test]
fn the_table_has_the_errors_of_the_json_model_and_no_others_in_its_namespace() {
    let in_namespace: BTreeSet<_> = ErrorKind::ALL
        .iter()
        .filter(|kind| kind.qualified_json_type().starts_with("com.amazonaws.sqs#"))
        .map(|kind| kind.json_type())
        .collect();
    assert_eq!(in_namespace, JSON_MODEL.iter().copied().collect());
}

#[test]
fn names_are_distinct_and_the_fault_fits_the_status() {
    let codes: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
    let types: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.json_type()).collect();
    assert_eq!((codes.len(), types.len()), (ErrorKind::ALL.len(), ErrorKind::ALL.len()));
    for kind in ErrorKind::ALL {
        assert_eq!(kind.is_sender_fault(), kind.status() < 500, "{kind:?}");
    }
}

#[test]
fn only_the_known_wording_of_a_missing_queue_differs_in_query() {
    let usual = ServiceError::queue_does_not_exist();
    assert_eq!(usual.query_message(), "The specified queue does not exist for this wsdl version.");
    let own_words = ServiceError::new(ErrorKind::QueueDoesNotExist, "No.");
    assert_eq!(own_words.query_message(), "No.");
}
