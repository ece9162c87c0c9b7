//! Why a text is no policy that can be stored.

use std::fmt::Display;
use thiserror::Error;

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The text is longer than allowed.
    #[error("the policy has {found_bytes} bytes, max allowed is {allowed_bytes}")]
    TooLong {
        /// The text's length.
        found_bytes: usize,
        /// [`Limits::bytes`](crate::Limits::bytes).
        allowed_bytes: usize,
    },
    /// More of something than allowed; the text is SQS's own.
    #[error("{found} {what} were found in the submitted policy, max allowed is {allowed}")]
    TooMany {
        /// `statements`, `principals` or `conditions`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        allowed: usize,
    },
    /// No policy: not JSON, or something in it has no meaning.
    #[error("{}{}{reason}", path, if path.is_empty() { "" } else { ": " })]
    Invalid {
        /// Where, as in `Statement[2].Condition.IpAddress.aws:SourceIp`, counted from 0; empty for the whole text.
        path: String,
        /// What is wrong there.
        reason: String,
    },
}

/// A [`PolicyError::Invalid`] on its way out: each level that it passes adds its name in front.
#[derive(Debug)]
pub(crate) struct Fault {
    /// From the inside to the outside.
    path: Vec<String>,
    reason: String,
}

impl Fault {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { path: Vec::new(), reason: reason.into() }
    }

    /// The fault is in this member.
    pub(crate) fn within(mut self, member: impl Display) -> Self {
        self.path.push(member.to_string());
        self
    }

    /// The fault is in this item of a list.
    pub(crate) fn at(self, index: usize) -> Self {
        self.within(format_args!("[{index}]"))
    }
}

impl From<Fault> for PolicyError {
    fn from(fault: Fault) -> Self {
        let mut path = String::new();
        for segment in fault.path.iter().rev() {
            if !path.is_empty() && !segment.starts_with('[') {
                path.push('.');
            }
            path.push_str(segment);
        }
        Self::Invalid { path, reason: fault.reason }
    }
}
