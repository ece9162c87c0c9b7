//! Who comes in: requests of other sites' pages don't, nor do visitors who have to sign in and did not.

use crate::refusal::Refused;
use crate::router::App;
use crate::sessions::Token;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bongsu_server::desk::{Badge, Origin, Scope, Visit};
use hyper::header::{COOKIE, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::Instant;

/// The session's cookie.
const COOKIE_NAME: &str = "bongsu_console";
/// The same where the connection is encrypted: browsers let no other host and nothing unencrypted set it.
const SECURE_COOKIE_NAME: &str = "__Host-bongsu_console";
/// A header that a page of another site can't send without asking first, which nobody answers.
const OWN_HEADER: &str = "x-bongsu-console";

/// The other side of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: IpAddr,
    /// Whether the connection is encrypted.
    pub(crate) is_secure: bool,
}

/// Refuses requests that come from a page that is not the console's own.
pub(crate) async fn only_own_pages(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let foreign =
        |message: &str| Refused::new(StatusCode::FORBIDDEN, "AccessDenied", message).into_response();
    if !app.desk.is_authenticating() && app.desk.is_foreign(authority, headers) {
        return foreign(
            "Authentication is off, and this request comes from a web page of another origin, or by a name that is not this server's own.",
        );
    }
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return foreign("This request comes from a web page of another origin.");
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && headers.get(OWN_HEADER).is_none_or(|value| value != "1") {
        return foreign("Requests that change something need the header x-bongsu-console: 1.");
    }
    next.run(request).await
}

/// Where a request comes from.
///
/// # Errors
/// When it did not come through the listener.
pub(crate) fn origin(parts: &Parts) -> Result<Origin<'_>, Refused> {
    let lost = || Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", "A request of nobody.");
    let Peer { address, is_secure } = *parts.extensions.get::<Peer>().ok_or_else(lost)?;
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    Ok(Origin { address, is_secure, authority, headers: &parts.headers })
}

/// Somebody who may come in.
pub(crate) struct Visitor {
    /// As the server knows him.
    pub(crate) visit: Visit,
}

impl Visitor {
    /// Finds out who makes a request. Doesn't count against what he may take.
    ///
    /// # Errors
    /// `SignInRequired`; what is wrong with account or region.
    pub(crate) fn of(app: &App, parts: &Parts) -> Result<Self, Refused> {
        Self::find(app, parts, |token, address| app.sessions.badge(Instant::now(), token, address))
    }

    /// The same for a request that is still being answered, which keeps no session from growing idle.
    ///
    /// # Errors
    /// As [`Visitor::of`].
    pub(crate) fn again(app: &App, parts: &Parts) -> Result<Self, Refused> {
        Self::find(app, parts, |token, address| app.sessions.look(Instant::now(), token, address))
    }

    fn find(
        app: &App,
        parts: &Parts,
        badge: impl Fn(&Token, IpAddr) -> Option<Badge>,
    ) -> Result<Self, Refused> {
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        // A stream of events can't be asked for with headers.
        let parameter = |name: &str| crate::api::parameter(parts.uri.query(), name);
        let region = text("x-bongsu-region").map(str::to_owned).or_else(|| parameter("region"));
        let account = text("x-bongsu-account").map(str::to_owned).or_else(|| parameter("account"));
        let scope = Scope { account: account.as_deref(), region: region.as_deref() };
        let origin = origin(parts)?;
        if !app.desk.is_authenticating() {
            return Ok(Self { visit: app.desk.visit(None, &origin, &scope)? });
        }
        let token = token(&parts.headers, origin.is_secure);
        let badge = token.as_ref().and_then(|token| badge(token, origin.address));
        let (Some(token), Some(badge)) = (token, badge) else { return Err(Refused::sign_in_required()) };
        let visit = app.desk.visit(Some(&badge), &origin, &scope).map_err(|refusal| {
            if refusal.code == bongsu_server::desk::SIGN_IN_REQUIRED {
                // The key that he signed in with can't be used any more, or was changed since.
                app.sessions.end(&token);
            }
            Refused(refusal)
        })?;
        Ok(Self { visit })
    }
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let visitor = Self::of(app, parts)?;
        app.desk.take_request(&visitor.visit)?;
        Ok(visitor)
    }
}

/// The token that a browser shows.
pub(crate) fn token(headers: &HeaderMap, is_secure: bool) -> Option<Token> {
    let wanted = cookie_name(is_secure);
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, text) = pairs.find(|(name, _)| *name == wanted)?;
    let mut token = [0; 32];
    if text.len() != 2 * token.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in token.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(token)
}

/// The header that has a browser keep a token, or, without one, forget it.
pub(crate) fn set_cookie(token: Option<&Token>, is_secure: bool) -> String {
    let mut text = format!("{}=", cookie_name(is_secure));
    for byte in token.into_iter().flatten() {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    text.push_str("; HttpOnly; SameSite=Strict; Path=/");
    if token.is_none() {
        text.push_str("; Max-Age=0");
    }
    if is_secure {
        text.push_str("; Secure");
    }
    text
}

fn cookie_name(is_secure: bool) -> &'static str {
    if is_secure { SECURE_COOKIE_NAME } else { COOKIE_NAME }
}

#[cfg(test)]
mod tests {
    use super::{set_cookie, token};
    use hyper::header::{COOKIE, HeaderMap, HeaderValue};

    fn read(cookies: &[&str]) -> Option<[u8; 32]> {
        read_as(cookies, false)
    }

    fn read_as(cookies: &[&str], is_secure: bool) -> Option<[u8; 32]> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        token(&headers, is_secure)
    }

    #[test]
    fn a_cookie_comes_back_as_it_was_set() {
        let made: [u8; 32] = std::array::from_fn(|index| index as u8 * 8);
        let set = set_cookie(Some(&made), true);
        assert!(set.ends_with("; HttpOnly; SameSite=Strict; Path=/; Secure"), "{set}");
        let secure = set.split(';').next().unwrap();
        assert!(secure.starts_with("__Host-bongsu_console="), "{set}");
        assert_eq!((read_as(&[secure], true), read(&[secure])), (Some(made), None));
        let set = set_cookie(Some(&made), false);
        let pair = set.split(';').next().unwrap();
        assert_eq!((read(&[pair]), read_as(&[pair], true)), (Some(made), None));
        assert_eq!(read(&[&format!("theme=dark; {pair}; a=b")]), Some(made));
        assert_eq!(read(&["theme=dark", pair]), Some(made), "HTTP/2 sends them apart");
    }

    #[test]
    fn whatever_else_is_no_token() {
        assert_eq!(read(&[]), None);
        for text in ["", "0", &"0".repeat(63), &"0".repeat(65), &"+".repeat(64), &"g".repeat(64)] {
            assert_eq!(read(&[&format!("bongsu_console={text}")]), None, "{text}");
        }
        assert_eq!(read(&[&format!("bongsu_consolex={}", "0".repeat(64))]), None);
    }

    #[test]
    fn signing_out_has_the_browser_forget() {
        assert_eq!(set_cookie(None, false), "bongsu_console=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    }
}
