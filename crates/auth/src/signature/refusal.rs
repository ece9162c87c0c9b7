//! Why a request is not let in, in AWS's words.

use std::fmt;

use bongsu_wire::{ErrorKind, ServiceError};

use super::Timestamp;

/// Why a signature was not accepted. `Display` is the message that the caller reads; [`Refusal::kind`] gives code and status.
///
/// The texts are those that AWS's services answer, as far as they are known; where they aren't, the variant says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No signature at all, where one is needed. [`super::Claim::parse`] gives `None` for such a request; the server
    /// makes this of it when no policy could let an anonymous caller in.
    #[error("Request is missing Authentication Token")]
    MissingToken,
    /// The `Authorization` header lacks parameters, or there is no date.
    #[error("{0}")]
    HeaderIncomplete(HeaderGaps),
    /// A presigned request lacks parameters: their names.
    #[error("{}Re-examine the query-string parameters.", Sentences(.0))]
    QueryIncomplete(Vec<&'static str>),
    /// A piece of the `Authorization` header is no `key=value`.
    #[error(
        "'{piece}' not a valid key=value pair (missing equal-sign) in Authorization header: '{authorization}'."
    )]
    NoEqualSign {
        /// The piece.
        piece: String,
        /// All of the header.
        authorization: String,
    },
    /// A signature by another algorithm; AWS knows a second one, which no self-hosted set-up has the keys for.
    #[error("Unsupported AWS 'algorithm': '{0}' (only AWS4-HMAC-SHA256 for now). ")]
    UnsupportedAlgorithm(String),
    /// The request is signed twice.
    #[error("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")]
    SignedTwice,
    /// The request's date can't be read.
    #[error("Date must be in ISO-8601 'basic format'. Got '{0}'. See http://en.wikipedia.org/wiki/ISO_8601")]
    MalformedDate(String),
    /// `X-Amz-Expires` is not a number (the text is the one that S3 gives).
    #[error("X-Amz-Expires should be a number")]
    ExpiryNoNumber,
    /// `X-Amz-Expires` is zero (the text is ours).
    #[error("X-Amz-Expires must be at least 1 second")]
    ExpiryTooSoon,
    /// `X-Amz-Expires` is over a week (the text is the one that S3 gives).
    #[error(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
    )]
    ExpiryTooLate,
    /// The credential is not `keyid/date/region/service/aws4_request`.
    #[error(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{0}'"
    )]
    MalformedCredential(String),
    /// The signature does not cover the host.
    #[error("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")]
    HostNotSigned,
    /// The credential is for something else: a sentence for each thing that is wrong.
    #[error("{}", .0.join(" "))]
    WrongScope(Vec<String>),
    /// The request is older than it may be.
    #[error("Signature expired: {signed} is now earlier than {limit} ({now} - {}.)", Window(*.window_s))]
    Expired {
        /// When the request says that it was signed.
        signed: Timestamp,
        /// The earliest time that would do.
        limit: Timestamp,
        /// The server's time.
        now: Timestamp,
        /// Seconds between both.
        window_s: i64,
    },
    /// The request is from the future.
    #[error("Signature not yet current: {signed} is still later than {limit} ({now} + {}.)", Window(*.window_s))]
    NotYetCurrent {
        /// When the request says that it was signed.
        signed: Timestamp,
        /// The latest time that would do.
        limit: Timestamp,
        /// The server's time.
        now: Timestamp,
        /// Seconds between both.
        window_s: i64,
    },
    /// Nobody has this access key, or the request carries a session token, which is never given out here.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The signature is not the request's: another secret, or another request. AWS's newer services leave out what the
    /// canonical string should have been, and so does this: it would tell a stranger how a proxy rewrites requests.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    WrongSignature,
}

impl Refusal {
    /// The row of the error table: code, JSON type and status.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingToken => ErrorKind::MissingAuthenticationToken,
            Self::HeaderIncomplete(_)
            | Self::QueryIncomplete(_)
            | Self::NoEqualSign { .. }
            | Self::UnsupportedAlgorithm(_)
            | Self::MalformedDate(_)
            | Self::ExpiryNoNumber
            | Self::ExpiryTooSoon
            | Self::ExpiryTooLate
            | Self::MalformedCredential(_) => ErrorKind::IncompleteSignature,
            Self::UnknownKey => ErrorKind::InvalidClientTokenId,
            Self::SignedTwice
            | Self::HostNotSigned
            | Self::WrongScope(_)
            | Self::Expired { .. }
            | Self::NotYetCurrent { .. }
            | Self::WrongSignature => ErrorKind::SignatureDoesNotMatch,
        }
    }
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.kind(), refusal.to_string())
    }
}

/// What an `Authorization` header lacks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderGaps {
    /// No `Credential`.
    pub credential: bool,
    /// No `Signature`.
    pub signature: bool,
    /// No `SignedHeaders`.
    pub signed_headers: bool,
    /// Neither `X-Amz-Date` nor `Date` among the request's headers.
    pub date: bool,
    /// The header, or its first word alone where that is not AWS's: what follows `Basic` or `Bearer` is a secret that
    /// has no place in an answer or in a log.
    pub authorization: String,
}

impl fmt::Display for HeaderGaps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (is_missing, name) in [
            (self.credential, "Credential"),
            (self.signature, "Signature"),
            (self.signed_headers, "SignedHeaders"),
        ] {
            if is_missing {
                write!(formatter, "Authorization header requires '{name}' parameter. ")?;
            }
        }
        if self.date {
            formatter.write_str(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
            )?;
        }
        write!(formatter, "Authorization={}", self.authorization)
    }
}

/// One sentence a missing parameter.
struct Sentences<'a>(&'a [&'static str]);

impl fmt::Display for Sentences<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|name| write!(formatter, "AWS query-string parameters must include '{name}'. "))
    }
}

/// `15 min`; `90 sec` where minutes don't say it, which happens to presigned requests only (their wording is ours).
struct Window(i64);

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % 60 == 0 {
            write!(formatter, "{} min", self.0 / 60)
        } else {
            write!(formatter, "{} sec", self.0)
        }
    }
}
