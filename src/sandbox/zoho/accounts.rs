//! Zoho Accounts: grants, refresh tokens, access tokens and their scopes.
//!
//! Its errors come under HTTP 200; only too many refreshes have another status and another form.

use super::errors::{accounts_error, accounts_throttle};
use super::reply::{Object, json};
use crate::World;
use crate::faults::Vendor;
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

/// What the refresh token of the sandbox's credentials may do, and what a grant code gives that names no scopes.
const SCOPES: &str = "ZohoSubscriptions.fullaccess.all,ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.coql.READ,\
                      ZohoCRM.notifications.ALL,ZohoCRM.users.READ,ZohoCRM.org.READ,ZohoSearch.securesearch.READ,\
                      Desk.tickets.ALL,Desk.contacts.ALL,Desk.search.READ,Desk.basic.READ";

/// All grants of the simulated client.
#[derive(Clone, Default)]
pub(super) struct Accounts {
    grants: HashMap<String, Grant>,
    /// Refresh tokens made from grant codes, with their scopes, oldest first.
    made: VecDeque<(String, String)>,
    codes: HashMap<String, Code>,
    revoked: HashSet<String>,
}

#[derive(Clone)]
struct Code {
    expires: DateTime<Utc>,
    scopes: String,
}

#[derive(Clone, Default)]
struct Grant {
    issued: VecDeque<DateTime<Utc>>,
    live: VecDeque<AccessToken>,
}

#[derive(Clone)]
struct AccessToken {
    token: String,
    expires: DateTime<Utc>,
    scopes: String,
}

/// What an access token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Granted,
    /// The token is good, but not for this.
    OutOfScope,
    /// The token is unknown, expired or revoked.
    Unknown,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("refresh_tokens", &self.made.len()).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Whether this access token is good now for what needs this scope, such as `ZohoSubscriptions.plans.READ`.
    pub(super) fn access(&self, token: &str, scope: &str, now: DateTime<Utc>) -> Access {
        let mut live = self.grants.values().flat_map(|grant| &grant.live);
        match live.find(|access| access.token == token && access.expires > now) {
            None => Access::Unknown,
            Some(access) if access.scopes.split(',').any(|granted| covers(granted, scope)) => Access::Granted,
            Some(_) => Access::OutOfScope,
        }
    }

    /// Whether this access token is good now, whatever it may be used for.
    pub(super) fn accepts(&self, token: &str, now: DateTime<Utc>) -> bool {
        self.grants.values().flat_map(|grant| &grant.live).any(|access| access.token == token && access.expires > now)
    }

    /// Ends all access tokens at once.
    pub(super) fn expire_all(&mut self) {
        for grant in self.grants.values_mut() {
            grant.live.clear();
        }
    }

    /// A grant code, as an admin makes one for a self client in the API console: with the scopes (comma separated) and
    /// the minutes that the admin chose.
    pub(super) fn make_code(&mut self, scopes: Option<&str>, minutes: Option<i64>, now: DateTime<Utc>) -> String {
        let code = secret();
        let expires = now + TimeDelta::minutes(minutes.unwrap_or(CODE_MINUTES));
        self.codes.insert(code.clone(), Code { expires, scopes: scopes.unwrap_or(SCOPES).to_owned() });
        code
    }

    /// Gives a new access token, unless ten were given in ten minutes and limits hold.
    fn issue(&mut self, refresh_token: &str, now: DateTime<Utc>, hold: bool) -> Option<AccessToken> {
        let scopes = self.scopes(refresh_token).to_owned();
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
        let access = AccessToken { token: secret(), expires: now + TimeDelta::seconds(TOKEN_SECONDS), scopes };
        grant.live.push_back(access.clone());
        Some(access)
    }

    /// Swaps a grant code, once, for a refresh token.
    fn redeem(&mut self, code: &str, now: DateTime<Utc>) -> Option<String> {
        let code = self.codes.remove(code).filter(|code| code.expires > now)?;
        let token = secret();
        self.made.push_back((token.clone(), code.scopes));
        if self.made.len() > REFRESH_TOKENS
            && let Some((oldest, _)) = self.made.pop_front()
        {
            self.revoke(&oldest);
        }
        Some(token)
    }

    fn knows(&self, refresh_token: &str, first: &str) -> bool {
        let made = refresh_token == first || self.made.iter().any(|(token, _)| token == refresh_token);
        made && !self.revoked.contains(refresh_token)
    }

    /// What a refresh token was granted.
    fn scopes(&self, refresh_token: &str) -> &str {
        self.made.iter().find(|(token, _)| token == refresh_token).map_or(SCOPES, |(_, scopes)| scopes)
    }

    /// Ends a refresh token and all access tokens made with it.
    fn revoke(&mut self, refresh_token: &str) {
        self.grants.remove(refresh_token);
        self.revoked.insert(refresh_token.to_owned());
    }
}

/// Whether a granted scope covers a wanted one: the same, all of its module, or all of its product.
fn covers(granted: &str, wanted: &str) -> bool {
    let (granted, wanted) = (granted.trim().to_ascii_lowercase(), wanted.to_ascii_lowercase());
    let whole = granted.strip_suffix("fullaccess.all").or(granted.strip_suffix("all"));
    granted == wanted || whole.is_some_and(|whole| whole.ends_with('.') && wanted.starts_with(whole))
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
    let Some(access) = accounts.issue(&refresh_token, now, world.limits_hold(Vendor::Zoho)) else {
        return accounts_throttle();
    };
    let mut body = Object::new().with("access_token", access.token);
    if fresh {
        body = body.with("refresh_token", refresh_token);
    }
    body = body.with("scope", access.scopes.replace(',', " ")).with("api_domain", own_base(&headers));
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
