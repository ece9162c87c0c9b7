//! Who calls, as far as a request says it: account and region.
//!
//! Nothing is verified: this is for servers without authentication. As with the real service the region comes from the signature's credential scope; the
//! account comes from an access key id of twelve digits, which is how self-hosted set-ups name accounts. Everything
//! else is the default.

use crate::config::Account;
use bongsu_auth::secrets::AccessKeyId;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;

/// The account and region that a request is made in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Twelve digits.
    pub(crate) account: String,
    /// Such as `us-east-1`; any word.
    pub(crate) region: String,
}

/// The longest region that is taken over from a signature; AWS's own are around 14.
const MAX_REGION_CHARS: usize = 64;

impl Identity {
    /// What a request says, with the defaults for what it does not.
    pub(crate) fn of(parts: &Parts, default_account: &Account, default_region: &str) -> Self {
        let presigned = presigned_credential(parts.uri.query().unwrap_or_default());
        let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        Self::read(authorization, presigned.as_deref(), default_account, default_region)
    }

    /// Reads the `Authorization` header or, where there is none, the `X-Amz-Credential` of a presigned request.
    pub(crate) fn read(
        authorization: Option<&str>,
        presigned_credential: Option<&str>,
        default_account: &Account,
        default_region: &str,
    ) -> Self {
        let credential = authorization.and_then(credential_of_header).or(presigned_credential);
        let scope = credential.map(Scope::read).unwrap_or_default();
        let account = scope.access_key_id.and_then(|id| Account::new(id).ok());
        let region = scope.region.filter(|region| is_region(region));
        Self {
            account: account.as_ref().unwrap_or(default_account).as_str().to_owned(),
            region: region.unwrap_or(default_region).to_owned(),
        }
    }
}

/// The access key id that a request claims to be signed with, true or not; `None` for what can't be one.
pub(crate) fn claimed_access_key_id(parts: &Parts) -> Option<String> {
    let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let presigned = presigned_credential(parts.uri.query().unwrap_or_default());
    let credential = authorization.and_then(credential_of_header).or(presigned.as_deref())?;
    let id = Scope::read(credential).access_key_id?;
    AccessKeyId::new(id).ok().map(|id| id.as_str().to_owned())
}

/// `X-Amz-Credential` among the parameters of a presigned URL.
fn presigned_credential(query: &str) -> Option<String> {
    if query.is_empty() {
        return None;
    }
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    parameters.find(|(name, _)| name == "X-Amz-Credential").map(|(_, value)| value.into_owned())
}

/// A credential: `ACCESS_KEY_ID/DATE/REGION/SERVICE/aws4_request`; the region is not there where the signature is
/// for several.
#[derive(Default)]
struct Scope<'a> {
    access_key_id: Option<&'a str>,
    region: Option<&'a str>,
}

impl<'a> Scope<'a> {
    fn read(credential: &'a str) -> Self {
        // Its head is whatever comes first, the region what stands third from the end: nothing forbids a slash in an
        // access key id.
        let access_key_id = credential.split('/').next();
        let has_region = credential.split('/').count() >= 5;
        let region = if has_region { credential.rsplit('/').nth(2) } else { None };
        Self { access_key_id, region }
    }
}

/// The value of `Credential=` in `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
fn credential_of_header(header: &str) -> Option<&str> {
    let (_, parameters) = header.trim().split_once(' ')?;
    parameters.split(',').find_map(|parameter| parameter.trim().strip_prefix("Credential=")).map(str::trim)
}

/// Regions become part of ARNs and of names in the store: a word without separators.
pub(crate) fn is_region(region: &str) -> bool {
    !region.is_empty()
        && region.len() <= MAX_REGION_CHARS
        && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::{Identity, presigned_credential};
    use crate::config::Account;

    fn read(authorization: Option<&str>, presigned: Option<&str>) -> (String, String) {
        let default = Account::new("000000000000").unwrap();
        let identity = Identity::read(authorization, presigned, &default, "us-east-1");
        (identity.account, identity.region)
    }

    #[test]
    fn the_scope_names_region_and_account() {
        let header = |credential: &str| {
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature=abcd")
        };
        let cases = [
            ("AKIAIOSFODNN7EXAMPLE/20231114/eu-west-2/sqs/aws4_request", "000000000000", "eu-west-2"),
            ("123456789012/20231114/mars-north-1/sqs/aws4_request", "123456789012", "mars-north-1"),
            ("12345678901/20231114/eu-west-2/sqs/aws4_request", "000000000000", "eu-west-2"),
            ("12345678901x/20231114/eu-west-2/sqs/aws4_request", "000000000000", "eu-west-2"),
            ("123456789012/20231114//sqs/aws4_request", "123456789012", "us-east-1"),
            ("123456789012/20231114/a:b/sqs/aws4_request", "123456789012", "us-east-1"),
            ("123456789012/20231114/sqs/aws4_request", "123456789012", "us-east-1"),
            ("a/b/20231114/eu-west-2/sqs/aws4_request", "000000000000", "eu-west-2"),
            ("123456789012", "123456789012", "us-east-1"),
            ("", "000000000000", "us-east-1"),
        ];
        for (credential, account, region) in cases {
            let expected = (account.to_owned(), region.to_owned());
            assert_eq!(read(Some(&header(credential)), None), expected, "{credential}");
            assert_eq!(read(None, Some(credential)), expected, "{credential}");
        }
    }

    #[test]
    fn a_header_without_credential_leaves_the_defaults() {
        let defaults = ("000000000000".to_owned(), "us-east-1".to_owned());
        for header in ["", "Basic dXNlcg==", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 SignedHeaders=host"] {
            assert_eq!(read(Some(header), None), defaults, "{header}");
        }
        assert_eq!(read(None, None), defaults);
    }

    #[test]
    fn spaces_around_the_parameters_do_not_matter() {
        let header = "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=123456789012/20231114/eu-west-2/sqs/aws4_request,Signature=x";
        assert_eq!(read(Some(header), None), ("123456789012".to_owned(), "eu-west-2".to_owned()));
    }

    #[test]
    fn the_credential_of_a_presigned_url() {
        let query =
            "Action=ListQueues&X-Amz-Credential=123456789012%2F20231114%2Feu-west-1%2Fsqs%2Faws4_request";
        assert_eq!(
            presigned_credential(query).as_deref(),
            Some("123456789012/20231114/eu-west-1/sqs/aws4_request")
        );
        assert_eq!(presigned_credential("Action=ListQueues"), None);
    }
}
