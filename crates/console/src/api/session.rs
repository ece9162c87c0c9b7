//! Signing in and out, and what a page has to know first.

use crate::api::read_json;
use crate::guard::{Visitor, origin, set_cookie, token};
use crate::refusal::{Answer, Refused, json_answer};
use crate::router::App;
use axum::extract::{Request, State};
use bongsu_server::desk::{SIGN_IN_REQUIRED, Scope, ScopeRow};
use hyper::StatusCode;
use hyper::header::{HOST, HeaderValue, SET_COOKIE};
use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::time::Instant;

/// A key's two halves, with room for the JSON around them.
const MAX_SIGN_IN_BYTES: usize = 4096;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    authentication: bool,
    signed_in: bool,
    account: Option<String>,
    region: String,
    user: Option<User>,
    version: &'static str,
    endpoint: String,
    scopes: Vec<ScopeRow>,
    started_ms: u64,
}

#[derive(Serialize)]
struct User {
    name: String,
    arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignIn {
    access_key_id: String,
    secret_access_key: String,
}

/// `GET /api/session`
pub(crate) async fn show(State(app): State<Arc<App>>, request: Request) -> Answer {
    let (parts, _) = request.into_parts();
    match Visitor::of(&app, &parts) {
        Ok(visitor) => {
            app.desk.take_request(&visitor.visit)?;
            session(&app, &parts, Some(&visitor)).await
        }
        Err(refused) if refused.0.code == SIGN_IN_REQUIRED => session(&app, &parts, None).await,
        Err(refused) => Err(refused),
    }
}

/// `POST /api/session`
pub(crate) async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Answer {
    let (mut parts, body) = request.into_parts();
    if !app.desk.is_authenticating() {
        let message = "Authentication is off on this server: nobody has to sign in.";
        return Err(Refused::invalid(message));
    }
    let origin = origin(&parts)?;
    let (address, is_secure) = (origin.address, origin.is_secure);
    let SignIn { access_key_id, secret_access_key } = read_json(&app, body, MAX_SIGN_IN_BYTES).await?;
    let key_id = access_key_id.trim();
    if !app.sessions.begin_attempt(Instant::now(), address, key_id) {
        return Err(too_many_attempts());
    }
    let badge = app.desk.sign_in(&origin, key_id, secret_access_key.trim())?;
    app.sessions.forgive(address, key_id);
    app.desk.take_request(&app.desk.visit(Some(&badge), &origin, &Scope::default())?)?;
    // A session of before is not carried on under a new name.
    if let Some(before) = token(&parts.headers, is_secure) {
        app.sessions.end(&before);
    }
    let token = app.desk.random();
    app.sessions.begin(Instant::now(), token, badge, address);
    let cookie = set_cookie(Some(&token), is_secure);
    // What a browser would send from now on.
    let shown = cookie.split(';').next().and_then(|pair| HeaderValue::from_str(pair).ok());
    if let Some(shown) = shown {
        parts.headers.insert(hyper::header::COOKIE, shown);
    }
    let visitor = Visitor::of(&app, &parts)?;
    with_cookie(session(&app, &parts, Some(&visitor)).await, &cookie)
}

/// `DELETE /api/session`
pub(crate) async fn sign_out(State(app): State<Arc<App>>, request: Request) -> Answer {
    let (mut parts, _) = request.into_parts();
    let is_secure = origin(&parts)?.is_secure;
    if let Some(token) = token(&parts.headers, is_secure) {
        app.sessions.end(&token);
    }
    parts.headers.remove(hyper::header::COOKIE);
    let cookie = set_cookie(None, is_secure);
    let visitor = Visitor::of(&app, &parts).ok();
    with_cookie(session(&app, &parts, visitor.as_ref()).await, &cookie)
}

/// Somebody guesses.
pub(crate) fn too_many_attempts() -> Refused {
    let message = "Too many failed attempts to sign in from this address. Please wait a minute.";
    Refused::new(StatusCode::TOO_MANY_REQUESTS, "TooManyAttempts", message)
}

fn with_cookie(answer: Answer, cookie: &str) -> Answer {
    let mut answer = answer?;
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(answer)
}

async fn session(app: &App, parts: &Parts, visitor: Option<&Visitor>) -> Answer {
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).or(authority);
    let visit = visitor.map(|visitor| &visitor.visit);
    json_answer(&Session {
        authentication: app.desk.is_authenticating(),
        signed_in: visit.is_some(),
        account: visit.map(|visit| visit.account().to_owned()),
        region: visit.map_or(app.desk.default_region(), |visit| visit.region()).to_owned(),
        user: visit.and_then(|visit| visit.user()).map(|(name, arn)| User { name, arn }),
        version: app.desk.version(),
        endpoint: app.desk.endpoint(host),
        scopes: match visit {
            Some(visit) => app.desk.scopes(visit).await?,
            None => Vec::new(),
        },
        started_ms: app.desk.started_ms(),
    })
}
