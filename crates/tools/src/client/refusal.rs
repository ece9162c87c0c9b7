//! Why a service could not be asked, or said no, and what to do about it.

use super::access::{KeySource, is_loopback};
use super::tls::is_tls_error;
use std::io;

/// Why there is no answer to go on with; what the user reads.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Something is wrong with the options, the environment, or the profile.
    #[error("{0}")]
    Usage(String),
    /// Nobody answers.
    #[error("no server answers at {endpoint}: {reason}\n{}", unreachable(endpoint, reason))]
    Unreachable {
        /// Where.
        endpoint: String,
        /// Why.
        reason: io::Error,
    },
    /// The service said no.
    #[error("{code}: {message}{}", hint(code, *source_of_keys))]
    Refused {
        /// The type of its error, such as `QueueDoesNotExist`.
        code: String,
        /// In the service's words.
        message: String,
        /// Whose request it was.
        source_of_keys: KeySource,
    },
    /// Whatever answers is no such service.
    #[error("{endpoint} answers, but not as {service} does (HTTP status {status})")]
    Stranger {
        /// Where.
        endpoint: String,
        /// Which service was expected.
        service: &'static str,
        /// What it said.
        status: u16,
    },
    /// Threads, sockets.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl CallError {
    /// The code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether the service did nothing yet, and may do it if it is asked again a little later.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        let codes = ["RequestThrottled", "ThrottlingException", "Throttling", "ServiceUnavailable"];
        self.code().is_some_and(|code| codes.contains(&code))
    }
}

/// What to do where nobody answers.
fn unreachable(endpoint: &str, reason: &io::Error) -> String {
    if is_tls_error(reason) {
        return "The two don't agree on TLS: the root of the server's certificate is given with --ca-bundle or AWS_CA_BUNDLE, a \
                certificate for a server that asks for one with --client-cert and --client-key."
            .to_owned();
    }
    if reason.kind() == io::ErrorKind::TimedOut {
        return "It accepted the connection, or the network swallowed it; it may be overloaded.".to_owned();
    }
    let listen = endpoint.strip_prefix("http://").map(|rest| rest.split('/').next().unwrap_or(rest));
    let start = match listen {
        Some("127.0.0.1:9324" | "localhost:9324") => " (`bongsu serve`)".to_owned(),
        Some(address) if is_loopback(address) => format!(" (`bongsu serve --listen {address}`)"),
        _ => String::new(),
    };
    format!("Is it running{start}? Another address is given with --endpoint or AWS_ENDPOINT_URL.")
}

/// What a code means here, on a line of its own; nothing for codes whose messages say it all.
fn hint(code: &str, source: KeySource) -> &'static str {
    match code {
        "MissingAuthenticationTokenException" | "MissingAuthenticationToken" => NO_KEYS,
        "UnrecognizedClientException" | "InvalidClientTokenId" if source == KeySource::None => NO_KEYS,
        "UnrecognizedClientException" | "InvalidClientTokenId" => {
            "\nThe server has no such access key, or it is switched off: see AWS_ACCESS_KEY_ID, or the profile."
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" => {
            "\nAWS_SECRET_ACCESS_KEY (or the profile's) does not belong to the access key id, or this machine's clock and the \
             server's differ."
        }
        "AccessDeniedException" | "AccessDenied" => {
            "\nThe access key belongs to somebody who may not do this: use the root's, or give its user a policy."
        }
        "ExpiredTokenException" | "ExpiredToken" => "\nThe session token is too old: fetch new credentials.",
        "UnknownOperationException" | "InvalidAction" => "\nThe server is no Bongsu, or an older one.",
        "RequestThrottled" | "ThrottlingException" => {
            "\nThe server limits how much one caller asks; wait a little."
        }
        _ => "",
    }
}

const NO_KEYS: &str = "\nThe server wants to know who asks, and no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a \
     profile of ~/.aws with --profile. The root's key was shown when the server first started with authentication on; `bongsu key \
     create --root` makes another one.";

#[cfg(test)]
mod tests {
    use super::CallError;
    use crate::client::access::KeySource;
    use std::io;

    #[test]
    fn a_refusal_says_what_to_do() {
        let refused = |code: &str, source_of_keys| {
            CallError::Refused { code: code.to_owned(), message: "no".to_owned(), source_of_keys }.to_string()
        };
        assert!(
            refused("MissingAuthenticationTokenException", KeySource::None).contains("AWS_ACCESS_KEY_ID")
        );
        assert!(refused("UnrecognizedClientException", KeySource::None).contains("--profile"));
        assert!(refused("UnrecognizedClientException", KeySource::Profile).contains("switched off"));
        assert!(refused("InvalidSignatureException", KeySource::Environment).contains("clock"));
        assert_eq!(refused("NoSuchEntity", KeySource::Environment), "NoSuchEntity: no");
    }

    #[test]
    fn an_address_without_a_server_says_how_to_start_one() {
        let unreachable = |endpoint: &str| {
            let reason = io::Error::from(io::ErrorKind::ConnectionRefused);
            CallError::Unreachable { endpoint: endpoint.to_owned(), reason }.to_string()
        };
        assert!(unreachable("http://127.0.0.1:9324").contains("`bongsu serve`"));
        assert!(unreachable("https://queues.example.com").contains("Is it running?"));
        assert!(unreachable("http://127.0.0.1:7/x").contains("`bongsu serve --listen 127.0.0.1:7`"));
    }
}
