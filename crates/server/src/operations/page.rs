//! Pages of queue names, as ListQueues and ListDeadLetterSourceQueues give them out.
//!
//! Without MaxResults there is one page of at most a thousand and no token. A token carries the last name of its
//! page, sealed in nothing: it grants no more than asking for the next name would.

use crate::errors::invalid_parameter;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bongsu_engine::QueueName;
use bongsu_wire::ServiceError;

const MAX_RESULTS: usize = 1000;
/// Tells our tokens from other base64, and this form from later ones.
const TOKEN_MARK: &str = "bongsu1:";

/// Which page is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// At most so many names.
    pub(super) limit: usize,
    /// Only names after this one.
    pub(super) after: Option<String>,
    gives_token: bool,
}

impl Page {
    /// From the two parameters.
    ///
    /// # Errors
    /// `InvalidParameterValue`.
    pub(super) fn new(max_results: Option<i32>, next_token: Option<&str>) -> Result<Self, ServiceError> {
        let next_token = next_token.filter(|token| !token.is_empty());
        let Some(max_results) = max_results else {
            if next_token.is_some() {
                return Err(invalid_parameter(
                    "MaxResults is a mandatory parameter when you provide a value for NextToken.",
                ));
            }
            return Ok(Self { limit: MAX_RESULTS, after: None, gives_token: false });
        };
        let limit = usize::try_from(max_results).ok().filter(|limit| (1..=MAX_RESULTS).contains(limit));
        let limit = limit.ok_or_else(|| {
            invalid_parameter(
                "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.",
            )
        })?;
        let after = next_token.map(read_token).transpose()?;
        Ok(Self { limit, after, gives_token: true })
    }

    /// The token for the page behind this one.
    pub(super) fn next_token(&self, names: &[QueueName], more: bool) -> Option<String> {
        let last = names.last().filter(|_| more && self.gives_token)?;
        Some(URL_SAFE_NO_PAD.encode(format!("{TOKEN_MARK}{}", last.name)))
    }
}

fn read_token(token: &str) -> Result<String, ServiceError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let name = text.as_deref().and_then(|text| text.strip_prefix(TOKEN_MARK));
    name.map(str::to_owned).ok_or_else(|| invalid_parameter("Invalid or expired next token."))
}

#[cfg(test)]
mod tests {
    use super::Page;
    use bongsu_engine::QueueName;

    fn names(names: &[&str]) -> Vec<QueueName> {
        names.iter().map(|name| QueueName::new("000000000000", "us-east-1", *name)).collect()
    }

    #[test]
    fn without_max_results_there_is_one_page() {
        let page = Page::new(None, None).unwrap();
        assert_eq!((page.limit, page.after.as_deref()), (1000, None));
        assert_eq!(page.next_token(&names(&["a"]), true), None);
    }

    #[test]
    fn a_token_leads_to_the_next_page() {
        let first = Page::new(Some(2), None).unwrap();
        assert_eq!(first.next_token(&names(&["a", "b"]), false), None);
        let token = first.next_token(&names(&["a", "b"]), true).unwrap();
        let second = Page::new(Some(2), Some(&token)).unwrap();
        assert_eq!(second.after.as_deref(), Some("b"));
    }

    #[test]
    fn what_sqs_refuses() {
        let range = "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.";
        let cases = [
            (Some(0), None, range),
            (Some(1001), None, range),
            (Some(-1), None, range),
            (None, Some("t"), "MaxResults is a mandatory parameter when you provide a value for NextToken."),
            (Some(1), Some("foo"), "Invalid or expired next token."),
            (Some(1), Some("Zm9v"), "Invalid or expired next token."),
        ];
        for (max_results, token, message) in cases {
            assert_eq!(Page::new(max_results, token).unwrap_err().message, message);
        }
    }
}
