//! Zoho Accounts: grants, refresh tokens and access tokens.
//!
//! Its errors come under HTTP 200; only too many refreshes have another status and another form.

use super::errors::{accounts_error, accounts_throttle};
use super::reply::{Object, json};
use crate::sandbox::World;
use crate::sandbox::faults::Vendor;
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;

/// Access tokens that one refresh token may be given in [`WINDOW`].
const TOKENS_PER_WINDOW: usize = 10;
const WINDOW: TimeDelta = TimeDelta::minutes(10);
/// Access tokens of one refresh token that live at the same time; one more ends the oldest.
const LIVE_TOKENS: usize = 15;
/// Refresh tokens of one client; one more ends the oldest.
const REFRESH_TOKENS: usize = 20;
/// An access token lives so many seconds.
const TOKEN_SECONDS: i64 = 3600;
/// A grant code lives so many minutes.
const CODE_MINUTES: i64 = 3;

/// All grants of the simulated client.
#[derive(Default)]
pub(super) struct Accounts {
    grants: HashMap<String, Grant>,
    /// Refresh tokens made from grant codes, oldest first.
    made: VecDeque<String>,
    codes: HashMap<String, DateTime<Utc>>,
    revoked: HashSet<String>,
}

#[derive(Default)]
struct Grant {
    issued: VecDeque<DateTime<Utc>>,
    live: VecDeque<Access>,
}

struct Access {
    token: String,
    expires: DateTime<Utc>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("refresh_tokens", &self.made.len()).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Whether this access token is good now.
    pub(super) fn accepts(&self, token: &str, now: DateTime<Utc>) -> bool {
        self.grants.values().flat_map(|grant| &grant.live).any(|access| access.token == token && access.expires > now)
    }

    /// Ends all access tokens at once.
    pub(super) fn expire_all(&mut self) {
        for grant in self.grants.values_mut() {
            grant.live.clear();
        }
    }

    /// A grant code, as an admin makes one in the API console.
    pub(super) fn make_code(&mut self, now: DateTime<Utc>) -> String {
        let code = secret();
        self.codes.insert(code.clone(), now + TimeDelta::minutes(CODE_MINUTES));
        code
    }

    /// Gives a new access token, unless ten were given in ten minutes and limits hold.
    fn issue(&mut self, refresh_token: &str, now: DateTime<Utc>, hold: bool) -> Option<String> {
        let grant = self.grants.entry(refresh_token.to_owned()).or_default();
        grant.issued.retain(|at| *at <= now && now - *at < WINDOW);
        if hold && grant.issued.len() >= TOKENS_PER_WINDOW {
            return None;
        }
        grant.issued.push_back(now);
        grant.live.retain(|access| access.expires > now);
        if grant.live.len() >= LIVE_TOKENS {
            grant.live.pop_front();
        }
        let token = secret();
        grant.live.push_back(Access { token: token.clone(), expires: now + TimeDelta::seconds(TOKEN_SECONDS) });
        Some(token)
    }

    /// Swaps a grant code, once, for a refresh token.
    fn redeem(&mut self, code: &str, now: DateTime<Utc>) -> Option<String> {
        self.codes.remove(code).filter(|expires| *expires > now)?;
        let token = secret();
        self.made.push_back(token.clone());
        if self.made.len() > REFRESH_TOKENS
            && let Some(oldest) = self.made.pop_front()
        {
            self.revoke(&oldest);
        }
        Some(token)
    }

    fn knows(&self, refresh_token: &str, first: &str) -> bool {
        let made = refresh_token == first || self.made.iter().any(|token| token == refresh_token);
        made && !self.revoked.contains(refresh_token)
    }

    /// Ends a refresh token and all access tokens made with it.
    fn revoke(&mut self, refresh_token: &str) {
        self.grants.remove(refresh_token);
        self.revoked.insert(refresh_token.to_owned());
    }
}

/// A token in Zoho's form.
fn secret() -> String {
    format!("1000.{:032x}.{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

/// Parameters of the query and of the form, the form's first: Zoho takes both.
async fn parameters(request: Request) -> HashMap<String, String> {
    let query = request.uri().query().unwrap_or("").to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 16).await.unwrap_or_default();
    let read = |bytes: &[u8]| url::form_urlencoded::parse(bytes).into_owned().collect::<Vec<_>>();
    read(query.as_bytes()).into_iter().chain(read(&body)).collect()
}

/// `POST /oauth/v2/token`: code exchange and refresh.
pub(super) async fn token(Shared(world): Shared<Arc<World>>, headers: HeaderMap, request: Request) -> Response {
    let given = parameters(request).await;
    let get = |name: &str| given.get(name).map_or("", String::as_str);
    let own = &world.credentials.zoho;
    if get("client_id") != own.client_id {
        return accounts_error("invalid_client");
    }
    if get("client_secret") != own.client_secret {
        return accounts_error("invalid_client_secret");
    }
    let now = world.clock.now();
    let mut state = world.zoho.lock().expect("zoho lock");
    let milliseconds = state.settings.expires_in_ms;
    let accounts = &mut state.accounts;
    let (refresh_token, fresh) = match get("grant_type") {
        "refresh_token" => {
            let known = accounts.knows(get("refresh_token"), &own.refresh_token);
            (known.then(|| get("refresh_token").to_owned()), false)
        }
        "authorization_code" => (accounts.redeem(get("code"), now), true),
        _ => return accounts_error("invalid_request"),
    };
    let Some(refresh_token) = refresh_token else { return accounts_error("invalid_code") };
    let Some(access_token) = accounts.issue(&refresh_token, now, world.limits_hold(Vendor::Zoho)) else {
        return accounts_throttle();
    };
    let mut body = Object::new().with("access_token", access_token);
    if fresh {
        body = body.with("refresh_token", refresh_token);
    }
    body = body.with("scope", "ZohoSubscriptions.fullaccess.all").with("api_domain", own_base(&headers));
    body = body.with("token_type", "Bearer");
    body = if milliseconds {
        body.with("expires_in_sec", TOKEN_SECONDS).with("expires_in", TOKEN_SECONDS * 1000)
    } else {
        body.with("expires_in", TOKEN_SECONDS)
    };
    json(StatusCode::OK, &body)
}

/// `POST /oauth/v2/token/revoke`.
pub(super) async fn revoke(Shared(world): Shared<Arc<World>>, request: Request) -> Response {
    let given = parameters(request).await;
    let token = given.get("token").map_or("", String::as_str);
    let accounts = &mut world.zoho.lock().expect("zoho lock").accounts;
    if !accounts.knows(token, &world.credentials.zoho.refresh_token) {
        return accounts_error("invalid_code");
    }
    accounts.revoke(token);
    json(StatusCode::OK, &Object::new().with("status", "success")).into_response()
}

/// The address under which the caller reached us: Zoho's API lives there too.
fn own_base(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}")
}
