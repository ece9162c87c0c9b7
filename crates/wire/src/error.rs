//! The one table of everything the API can refuse with: its names in both encodings, its status, and whose
//! fault it is.

#[cfg(test)]
mod tests;

use std::fmt;

/// Why a call was refused: the kind decides names and status, the message is what the caller reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// The row of the error table.
    pub kind: ErrorKind,
    /// The text for the caller. For [`ErrorKind::QueueDoesNotExist`] it is the JSON wording;
    /// [`Self::query_message`] gives the other one.
    pub message: String,
}

impl ServiceError {
    /// A refusal of this kind with this message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// `QueueDoesNotExist` in AWS's words (which differ by encoding).
    pub fn queue_does_not_exist() -> Self {
        Self::new(ErrorKind::QueueDoesNotExist, QUEUE_DOES_NOT_EXIST)
    }

    /// `MissingParameter`, naming the parameter that is absent.
    pub fn missing_parameter(name: &str) -> Self {
        Self::new(ErrorKind::MissingParameter, format!("The request must contain the parameter {name}."))
    }

    /// The message in the Query encoding. AWS words one error differently there: a queue that does not exist.
    pub fn query_message(&self) -> &str {
        if self.kind == ErrorKind::QueueDoesNotExist && self.message == QUEUE_DOES_NOT_EXIST {
            return QUEUE_DOES_NOT_EXIST_QUERY;
        }
        &self.message
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.code(), self.message)
    }
}

impl std::error::Error for ServiceError {}

const QUEUE_DOES_NOT_EXIST: &str = "The specified queue does not exist.";
const QUEUE_DOES_NOT_EXIST_QUERY: &str = "The specified queue does not exist for this wsdl version.";

/// Whether the caller or the service is to blame; the callers' SDKs decide by it whether a retry makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Sender,
    Receiver,
}

/// Where a JSON `__type` belongs: errors of the SQS model, or of the framework that AWS's services share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Namespace {
    Sqs,
    Framework,
}

/// One row of the table.
struct Row {
    code: &'static str,
    json_type: &'static str,
    namespace: Namespace,
    status: u16,
    fault: Fault,
}

/// Declares [`ErrorKind`] and its table together, so that no kind can be without its row.
macro_rules! error_table {
    ($($(#[$doc:meta])* $kind:ident: $code:literal, $json_type:literal, $namespace:ident, $status:literal, $fault:ident;)+) => {
        /// Every way in which the API refuses a call. Sources: the API model 2012-11-05, AWS's list of errors
        /// common to all its services, and answers recorded from the real service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorKind { $($(#[$doc])* $kind,)+ }

        impl ErrorKind {
            /// All kinds, in the order of the table.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$kind,)+];

            fn row(self) -> Row {
                match self {
                    $(ErrorKind::$kind => Row {
                        code: $code,
                        json_type: $json_type,
                        namespace: Namespace::$namespace,
                        status: $status,
                        fault: Fault::$fault,
                    },)+
                }
            }
        }
    };
}

// kind: legacy (Query) code, last part of the JSON `__type`, namespace of the `__type`, HTTP status, whose
// fault
error_table! {
    // Queues.
    /// The queue is not there, or not there any more.
    QueueDoesNotExist: "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", Sqs, 400, Sender;
    /// A queue of that name has other attributes.
    QueueNameExists: "QueueAlreadyExists", "QueueNameExists", Sqs, 400, Sender;
    /// The name was deleted less than 60 s ago.
    QueueDeletedRecently: "AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently", Sqs, 400, Sender;
    /// The queue was purged less than 60 s ago.
    PurgeQueueInProgress: "AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress", Sqs, 403, Sender;
    /// There is no such attribute, or not on this type of queue.
    InvalidAttributeName: "InvalidAttributeName", "InvalidAttributeName", Sqs, 400, Sender;
    /// The attribute can't have this value.
    InvalidAttributeValue: "InvalidAttributeValue", "InvalidAttributeValue", Sqs, 400, Sender;
    /// A move task, or an end of it, is not there.
    ResourceNotFound: "ResourceNotFoundException", "ResourceNotFoundException", Sqs, 404, Sender;

    // Batches.
    /// Two entries of a batch have the same id.
    BatchEntryIdsNotDistinct: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinct", Sqs, 400, Sender;
    /// The entries of a batch are too long together.
    BatchRequestTooLong: "AWS.SimpleQueueService.BatchRequestTooLong", "BatchRequestTooLong", Sqs, 400, Sender;
    /// A batch without entries.
    EmptyBatchRequest: "AWS.SimpleQueueService.EmptyBatchRequest", "EmptyBatchRequest", Sqs, 400, Sender;
    /// The id of an entry has other characters than it may, or too many.
    InvalidBatchEntryId: "AWS.SimpleQueueService.InvalidBatchEntryId", "InvalidBatchEntryId", Sqs, 400, Sender;
    /// More than ten entries.
    TooManyEntriesInBatchRequest: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "TooManyEntriesInBatchRequest", Sqs, 400, Sender;

    // Messages.
    /// The body has characters that a message can't have.
    InvalidMessageContents: "InvalidMessageContents", "InvalidMessageContents", Sqs, 400, Sender;
    /// The message is visible: there is nothing to extend.
    MessageNotInflight: "AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight", Sqs, 400, Sender;
    /// Not a receipt handle of this queue.
    ReceiptHandleIsInvalid: "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", Sqs, 404, Sender;
    /// Not a receipt handle at all (older than `ReceiptHandleIsInvalid`, still in the model).
    InvalidIdFormat: "InvalidIdFormat", "InvalidIdFormat", Sqs, 400, Sender;
    /// A limit of the queue is reached, such as messages in flight.
    OverLimit: "OverLimit", "OverLimit", Sqs, 403, Sender;
    /// Too fast; try again later.
    RequestThrottled: "RequestThrottled", "RequestThrottled", Sqs, 403, Sender;

    // Any request.
    /// A parameter has a value that it can't have.
    InvalidParameterValue: "InvalidParameterValue", "InvalidParameterValueException", Framework, 400, Sender;
    /// A required parameter is absent.
    MissingParameter: "MissingParameter", "MissingRequiredParameterException", Framework, 400, Sender;
    /// The action, or this use of it, is not offered.
    UnsupportedOperation: "AWS.SimpleQueueService.UnsupportedOperation", "UnsupportedOperation", Sqs, 400, Sender;
    /// The QueueUrl is not one of this endpoint.
    InvalidAddress: "InvalidAddress", "InvalidAddress", Sqs, 404, Sender;
    /// The request was not sent, or not signed, in a way that is accepted.
    InvalidSecurity: "InvalidSecurity", "InvalidSecurity", Sqs, 403, Sender;

    // Keys.
    /// The caller may not use the key.
    KmsAccessDenied: "KMS.AccessDeniedException", "KmsAccessDenied", Sqs, 400, Sender;
    /// The key is disabled.
    KmsDisabled: "KMS.DisabledException", "KmsDisabled", Sqs, 400, Sender;
    /// The key is not for encrypting.
    KmsInvalidKeyUsage: "KMS.InvalidKeyUsageException", "KmsInvalidKeyUsage", Sqs, 400, Sender;
    /// The key can't be used in the state that it is in.
    KmsInvalidState: "KMS.InvalidStateException", "KmsInvalidState", Sqs, 400, Sender;
    /// There is no such key.
    KmsNotFound: "KMS.NotFoundException", "KmsNotFound", Sqs, 400, Sender;
    /// The account has no access to key management.
    KmsOptInRequired: "KMS.OptInRequired", "KmsOptInRequired", Sqs, 403, Sender;
    /// Too many uses of the key.
    KmsThrottled: "KMS.ThrottlingException", "KmsThrottled", Sqs, 400, Sender;

    // Who is asking.
    /// The caller may not do this.
    AccessDenied: "AccessDenied", "AccessDeniedException", Framework, 403, Sender;
    /// The request has no credentials.
    MissingAuthenticationToken: "MissingAuthenticationToken", "MissingAuthenticationTokenException", Framework, 403, Sender;
    /// The signature has not all its parts.
    IncompleteSignature: "IncompleteSignature", "IncompleteSignatureException", Framework, 400, Sender;
    /// The access key is not known.
    InvalidClientTokenId: "InvalidClientTokenId", "UnrecognizedClientException", Framework, 403, Sender;
    /// The signature is not the one that was calculated, or too old.
    SignatureDoesNotMatch: "SignatureDoesNotMatch", "InvalidSignatureException", Framework, 403, Sender;
    /// The presigned request, or its session token, has expired.
    RequestExpired: "RequestExpired", "RequestExpiredException", Framework, 400, Sender;

    // The encodings.
    /// The `Action` or the target names no action.
    UnknownOperation: "InvalidAction", "UnknownOperationException", Framework, 400, Sender;
    /// Query: no `Action`.
    MissingAction: "MissingAction", "MissingAction", Framework, 400, Sender;
    /// The body can't be read, or a member has the wrong type.
    Serialization: "MalformedInput", "SerializationException", Framework, 400, Sender;
    /// Query: the parameters are not text.
    MalformedQueryString: "MalformedQueryString", "MalformedQueryString", Framework, 404, Sender;
    /// The request's body is longer than any valid one.
    RequestEntityTooLarge: "RequestEntityTooLarge", "RequestEntityTooLarge", Framework, 413, Sender;

    // The service.
    /// Something failed that should not have.
    InternalFailure: "InternalFailure", "InternalFailure", Framework, 500, Receiver;
    /// Not at the moment; try again.
    ServiceUnavailable: "ServiceUnavailable", "ServiceUnavailable", Framework, 503, Receiver;
}

impl ErrorKind {
    /// The legacy code: Query's `<Code>`, and the first half of the header `x-amzn-query-error`.
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// The last part of the JSON encoding's `__type`.
    pub fn json_type(self) -> &'static str {
        self.row().json_type
    }

    /// The whole `__type`, as in `com.amazonaws.sqs#QueueDoesNotExist`.
    pub fn qualified_json_type(self) -> String {
        let Row { namespace, json_type, .. } = self.row();
        let namespace = match namespace {
            Namespace::Sqs => "com.amazonaws.sqs",
            Namespace::Framework => "com.amazon.coral.service",
        };
        format!("{namespace}#{json_type}")
    }

    /// The HTTP status, the same in both encodings.
    pub fn status(self) -> u16 {
        self.row().status
    }

    /// Whether the caller is to blame, so that the same call would be refused again.
    pub fn is_sender_fault(self) -> bool {
        self.row().fault == Fault::Sender
    }

    /// `Sender` or `Receiver`, as both encodings spell it.
    pub(crate) fn fault_name(self) -> &'static str {
        match self.row().fault {
            Fault::Sender => "Sender",
            Fault::Receiver => "Receiver",
        }
    }
}
