//! What a request says about its signature, before anything of it is believed.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, DATE};
use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;

use super::refusal::{HeaderGaps, Refusal};
use super::{Request, Rules, Timestamp};

/// The algorithm, as headers and query strings name it.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// When a request was signed; `Date` says it where this is not there.
static X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
static X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
/// What every credential ends with.
const TERMINATOR: &str = "aws4_request";
/// How far a request's date may be from the server's, either way.
const SKEW_S: i64 = 15 * 60;
/// A presigned request is good for a week at most.
const MAX_EXPIRY_S: i64 = 7 * 24 * 3600;
/// The longest region that is believed to be one; AWS's own are around 14.
const MAX_REGION_CHARS: usize = 64;

/// A signature and what it claims, read from the `Authorization` header or from a presigned query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<'a> {
    /// Whose secret it was signed with.
    pub access_key_id: Cow<'a, str>,
    /// The scope's day: `20150830`.
    pub date: Cow<'a, str>,
    /// The scope's region, such as `us-east-1`.
    pub region: Cow<'a, str>,
    /// The scope's service, such as `sqs`.
    pub service: Cow<'a, str>,
    /// The scope's end, which should be `aws4_request`.
    pub terminator: Cow<'a, str>,
    /// Lower-case names of headers, sorted, with semicolons between them.
    pub signed_headers: Cow<'a, str>,
    /// The signature: 64 hexadecimal digits if it is one.
    pub signature: Cow<'a, str>,
    /// When the request was signed.
    pub time: Timestamp,
    /// Where the signature stood.
    pub placement: Placement,
    /// Whether the request carries a session token.
    pub has_session_token: bool,
}

/// Where a signature stands in its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// In the `Authorization` header.
    Header,
    /// In the query of a presigned request, with the seconds that it stays good for, where it names them.
    Query {
        /// 1..=604800; without it the request is good as long as one that is signed by a header.
        expires_s: Option<i64>,
    },
}

impl<'a> Claim<'a> {
    /// Reads the signature of a request; `None` where it has none at all, so that it comes from an anonymous caller.
    ///
    /// # Errors
    /// [`Refusal`] of the kind `IncompleteSignature` where parts are missing or can't be read, and
    /// [`Refusal::HostNotSigned`], [`Refusal::SignedTwice`].
    pub fn parse(request: &Request<'a>) -> Result<Option<Self>, Refusal> {
        let query = PresignedQuery::read(request.query.unwrap_or_default());
        let mut authorizations = request.headers.get_all(AUTHORIZATION).iter();
        let claim = match (authorizations.next(), query) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(Refusal::SignedTwice),
            (None, Some(query)) => Self::of_query(query, request.headers)?,
            (Some(header), None) => {
                // Two of them can't both be meant; which one a proxy in between went by, nobody knows.
                if authorizations.next().is_some() {
                    return Err(Refusal::WrongSignature);
                }
                // A header that is no text has no parameters either.
                let header = std::str::from_utf8(header.as_bytes()).unwrap_or_default();
                Self::of_header(header, request.headers)?
            }
        };
        if !claim.is_signed("host") && !claim.is_signed(":authority") {
            return Err(Refusal::HostNotSigned);
        }
        Ok(Some(claim))
    }

    fn of_header(header: &'a str, headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let parameters = HeaderParameters::read(header)?;
        let amz_date = headers.get(&X_AMZ_DATE).map(|value| (value, false));
        let date = amz_date.or_else(|| headers.get(DATE).map(|value| (value, true)));
        let (Some(credential), Some(signature), Some(signed_headers), Some((date, is_http))) =
            (parameters.credential, parameters.signature, parameters.signed_headers, date)
        else {
            return Err(Refusal::HeaderIncomplete(HeaderGaps {
                credential: parameters.credential.is_none(),
                signature: parameters.signature.is_none(),
                signed_headers: parameters.signed_headers.is_none(),
                date: date.is_none(),
                authorization: parameters.shown.to_owned(),
            }));
        };
        let date = String::from_utf8_lossy(date.as_bytes().trim_ascii());
        let time = if is_http { Timestamp::parse_http(&date) } else { Timestamp::parse_basic(&date) };
        let time = time.ok_or_else(|| Refusal::MalformedDate(date.into_owned()))?;
        if parameters.algorithm != ALGORITHM {
            return Err(Refusal::UnsupportedAlgorithm(parameters.algorithm.to_owned()));
        }
        let credential = Credential::split(&Cow::Borrowed(credential))?;
        let has_session_token = headers.contains_key(&X_AMZ_SECURITY_TOKEN);
        Ok(Self::new(credential, signed_headers.into(), signature.into(), time, has_session_token))
    }

    fn of_query(query: PresignedQuery<'a>, headers: &HeaderMap) -> Result<Self, Refusal> {
        let PresignedQuery { algorithm, credential, signature, signed_headers, date, .. } = query;
        let named = [
            ("X-Amz-Algorithm", &algorithm),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Signature", &signature),
            ("X-Amz-SignedHeaders", &signed_headers),
            ("X-Amz-Date", &date),
        ];
        let is_empty = |value: &Option<Cow<'_, str>>| value.as_deref().unwrap_or_default().is_empty();
        let missing = named.into_iter().filter(|(_, value)| is_empty(value)).map(|(name, _)| name).collect();
        let (Some(algorithm), Some(credential), Some(signature), Some(signed_headers), Some(date), []) =
            (algorithm, credential, signature, signed_headers, date, Vec::as_slice(&missing))
        else {
            return Err(Refusal::QueryIncomplete(missing));
        };
        let time = Timestamp::parse_basic(&date).ok_or_else(|| Refusal::MalformedDate(date.into_owned()))?;
        let expires_s = query.expires.as_deref().map(parse_expiry).transpose()?;
        if algorithm != ALGORITHM {
            return Err(Refusal::UnsupportedAlgorithm(algorithm.into_owned()));
        }
        let credential = Credential::split(&credential)?;
        let has_session_token = query.has_session_token || headers.contains_key(&X_AMZ_SECURITY_TOKEN);
        let claim = Self::new(credential, signed_headers, signature, time, has_session_token);
        Ok(Self { placement: Placement::Query { expires_s }, ..claim })
    }

    fn new(
        credential: Credential<'a>,
        signed_headers: Cow<'a, str>,
        signature: Cow<'a, str>,
        time: Timestamp,
        has_session_token: bool,
    ) -> Self {
        let Credential([access_key_id, date, region, service, terminator]) = credential;
        let placement = Placement::Header;
        Self {
            access_key_id,
            date,
            region,
            service,
            terminator,
            signed_headers,
            signature,
            time,
            placement,
            has_session_token,
        }
    }

    /// Whether the signature covers the header of this (lower-case) name.
    pub fn is_signed(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed == name)
    }

    /// Checks that the credential is for this server, these services and the day of the request.
    ///
    /// # Errors
    /// [`Refusal::WrongScope`] with all that is wrong.
    pub fn check_scope(&self, rules: &Rules) -> Result<(), Refusal> {
        let mut wrong = Vec::new();
        let is_own_region = rules.region.as_deref().is_none_or(|region| region == self.region);
        if !is_own_region || !is_region(&self.region) {
            wrong.push("Credential should be scoped to a valid region.".to_owned());
        }
        if !rules.services.iter().any(|service| *service == self.service) {
            let service = rules.services.first().map_or("", String::as_str);
            wrong.push(format!("Credential should be scoped to correct service: '{service}'."));
        }
        if self.terminator != TERMINATOR {
            wrong.push(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{}'.",
                self.terminator
            ));
        }
        if self.date != self.time.day() {
            wrong.push(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}', from '{}'.",
                self.date,
                self.time.day(),
                self.time
            ));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Refusal::WrongScope(wrong)) }
    }

    /// Checks that the request was signed at most 15 minutes before or after `now_epoch_s`, or that it is presigned and
    /// has not expired. Both ends of the window belong to it.
    ///
    /// # Errors
    /// [`Refusal::Expired`], [`Refusal::NotYetCurrent`].
    pub fn check_time(&self, now_epoch_s: i64) -> Result<(), Refusal> {
        let good_for_s = match self.placement {
            Placement::Query { expires_s: Some(expires_s) } => expires_s,
            Placement::Query { expires_s: None } | Placement::Header => SKEW_S,
        };
        let signed = self.time;
        let now_and_limit =
            |limit_s| (Timestamp::from_epoch_s(now_epoch_s), Timestamp::from_epoch_s(limit_s));
        if signed.epoch_s() < now_epoch_s.saturating_sub(good_for_s) {
            let (now, limit) = now_and_limit(now_epoch_s.saturating_sub(good_for_s));
            return Err(Refusal::Expired { signed, limit, now, window_s: good_for_s });
        }
        if signed.epoch_s() > now_epoch_s.saturating_add(SKEW_S) {
            let (now, limit) = now_and_limit(now_epoch_s.saturating_add(SKEW_S));
            return Err(Refusal::NotYetCurrent { signed, limit, now, window_s: SKEW_S });
        }
        Ok(())
    }
}

/// Regions become part of ARNs and of names in the store: a word without separators.
fn is_region(region: &str) -> bool {
    !region.is_empty()
        && region.len() <= MAX_REGION_CHARS
        && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn parse_expiry(text: &str) -> Result<i64, Refusal> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::ExpiryNoNumber);
    }
    // Digits that don't fit are a large number, not none.
    match text.parse().unwrap_or(i64::MAX) {
        0 => Err(Refusal::ExpiryTooSoon),
        expires_s if expires_s > MAX_EXPIRY_S => Err(Refusal::ExpiryTooLate),
        expires_s => Ok(expires_s),
    }
}

/// Access key id, date, region, service, terminator.
struct Credential<'a>([Cow<'a, str>; 5]);

impl<'a> Credential<'a> {
    fn split(text: &Cow<'a, str>) -> Result<Self, Refusal> {
        let malformed = || Refusal::MalformedCredential(text.clone().into_owned());
        // The parts of borrowed text are borrowed from the request, not from this Cow.
        match text {
            Cow::Borrowed(text) => split_in_five(text).map(|parts| Self(parts.map(Cow::Borrowed))),
            Cow::Owned(text) => {
                split_in_five(text).map(|parts| Self(parts.map(|part| Cow::Owned(part.to_owned()))))
            }
        }
        .ok_or_else(malformed)
    }
}

fn split_in_five(text: &str) -> Option<[&str; 5]> {
    let mut parts = text.split('/');
    let five = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    (parts.next().is_none() && !five[0].is_empty()).then_some(five)
}

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
struct HeaderParameters<'a> {
    algorithm: &'a str,
    credential: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
    /// What an error message may repeat of the header.
    shown: &'a str,
}

impl<'a> HeaderParameters<'a> {
    fn read(header: &'a str) -> Result<Self, Refusal> {
        let header = header.trim_ascii();
        let (algorithm, parameters) = header.split_once(' ').unwrap_or((header, ""));
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        if !algorithm.starts_with("AWS4-") {
            return Ok(Self { algorithm, credential, signed_headers, signature, shown: algorithm });
        }
        let pieces = parameters.split(',').flat_map(|piece| piece.split(' ')).map(str::trim_ascii);
        let pieces = pieces.filter(|piece| !piece.is_empty());
        for piece in pieces {
            let Some((name, value)) = piece.split_once('=') else {
                let (piece, authorization) = (piece.to_owned(), header.to_owned());
                return Err(Refusal::NoEqualSign { piece, authorization });
            };
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => continue,
            };
            if !value.is_empty() {
                place.get_or_insert(value);
            }
        }
        Ok(Self { algorithm, credential, signed_headers, signature, shown: header })
    }
}

/// The parameters of a presigned request, decoded.
#[derive(Default)]
struct PresignedQuery<'a> {
    algorithm: Option<Cow<'a, str>>,
    credential: Option<Cow<'a, str>>,
    signature: Option<Cow<'a, str>>,
    signed_headers: Option<Cow<'a, str>>,
    date: Option<Cow<'a, str>>,
    expires: Option<Cow<'a, str>>,
    has_session_token: bool,
}

impl<'a> PresignedQuery<'a> {
    /// `None` where the query has nothing that a presigned request has.
    fn read(query: &'a str) -> Option<Self> {
        if query.is_empty() {
            return None;
        }
        let mut read = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent_decode_str(name).decode_utf8_lossy();
            let place = match name.as_ref() {
                "X-Amz-Algorithm" => &mut read.algorithm,
                "X-Amz-Credential" => &mut read.credential,
                "X-Amz-Signature" => &mut read.signature,
                "X-Amz-SignedHeaders" => &mut read.signed_headers,
                "X-Amz-Date" => &mut read.date,
                "X-Amz-Expires" => &mut read.expires,
                "X-Amz-Security-Token" => {
                    read.has_session_token = true;
                    continue;
                }
                _ => continue,
            };
            place.get_or_insert_with(|| percent_decode_str(value).decode_utf8_lossy());
        }
        let is_presigned = read.algorithm.is_some() || read.credential.is_some() || read.signature.is_some();
        is_presigned.then_some(read)
    }
}
