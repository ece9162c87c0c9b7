//! What to do about a refusal.

use crate::client::tls::is_tls_error;

/// What to do where nobody answers.
pub(super) fn unreachable(reason: &std::io::Error) -> &'static str {
    if is_tls_error(reason) {
        return "The two don't agree on TLS: the root of the server's certificate is given with --ca-file or AWS_CA_BUNDLE, a \
                certificate for a server that asks for one with --client-cert and --client-key.";
    }
    "Is it running (`bongsu serve`)? Another address is given with --endpoint or AWS_ENDPOINT_URL."
}

/// What a code means here, on a line of its own; nothing for codes whose messages say it all.
pub(super) fn hint(code: &str) -> &'static str {
    match code {
        "MissingAuthenticationTokenException" | "MissingAuthenticationToken" => {
            "\nThe server wants to know who asks: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. The root's key was shown \
             when the server first started with authentication on; `bongsu key create --root` makes another one."
        }
        "UnrecognizedClientException" | "InvalidClientTokenId" => {
            "\nThe server has no such access key, or it is switched off: see AWS_ACCESS_KEY_ID."
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" => {
            "\nAWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID, or this machine's clock and the server's differ."
        }
        "AccessDeniedException" | "AccessDenied" => {
            "\nThe access key belongs to somebody who may not do this: use the root's, or give its user a policy."
        }
        "UnknownOperationException" | "InvalidAction" => "\nThe server is no Bongsu, or an older one.",
        _ => "",
    }
}
