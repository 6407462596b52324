//! Zoho Accounts: one access token per refresh token, shared by all nodes and refreshed by one caller at a time. Success is
//! the presence of `access_token`, for errors arrive with HTTP 200 too. Never rotates, stores or shows the refresh token.
//!
//! Zoho allows ten refreshes in ten minutes per refresh token and blocks it for longer when asked for more: who may ask is
//! for whoever keeps the token to say, since restarts and other nodes draw on the same allowance.

use super::Config;
use crate::clock::Clock;
use crate::connectors::http::{Failure, Http, Reply, Request};
use crate::port::{Refreshed, SharedToken, TokenStore, Turn, WINDOW, Wait};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use sagas::kernel::outcome::{NotSent, Outcome, Rejection, RejectionKind};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};
use uuid::Uuid;

/// How often in a row an error that Zoho does not document is taken for a passing one.
const STRANGE_ERRORS: u32 = 3;
/// Zoho's documented life of an access token (seconds), where an answer does not say.
const USUAL_LIFE: i64 = 3600;
/// `expires_in` above a day is the older form of the answer, in milliseconds.
const LONGEST_LIFE: i64 = 86_400;
/// Between two looks for the token that another node fetches.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Locally a token is taken for good until so long before its end.
const MARGIN: TimeDelta = TimeDelta::seconds(120);

/// The token that a call goes out with.
#[derive(Clone)]
pub(super) struct Token {
    /// The whole `Authorization` header.
    pub(super) header: HeaderValue,
    /// Which refresh it came from.
    pub(super) generation: u64,
}

/// Gets the access token.
pub(super) struct Tokens {
    http: Http,
    clock: Arc<dyn Clock>,
    store: Arc<dyn TokenStore>,
    url: Url,
    client_id: String,
    client_secret: SecretString,
    refresh_token: SecretString,
    credential: String,
    state: Mutex<State>,
}

/// What this node knows. The lock is held while a token is fetched: so one call fetches for all of the node.
#[derive(Default)]
struct State {
    current: Option<(Token, DateTime<Utc>)>,
    granted: Option<Granted>,
    strange_errors: u32,
}

/// What the last refresh told beside the token.
#[derive(Clone)]
pub(super) struct Granted {
    /// The API host of the data centre.
    pub(super) api_domain: Option<String>,
    /// Between spaces or commas; not every answer names them.
    pub(super) scopes: Option<String>,
    /// The token's life came in milliseconds, as in the older form of the answer.
    pub(super) in_milliseconds: bool,
}

impl State {
    fn usable(&self, now: DateTime<Utc>) -> Option<Token> {
        self.current.as_ref().filter(|(_, expires)| *expires - MARGIN > now).map(|(token, _)| token.clone())
    }

    fn take(&mut self, shared: &SharedToken) -> Result<Token, Box<Outcome>> {
        let Ok(mut header) = HeaderValue::from_str(&format!("Zoho-oauthtoken {}", shared.secret.expose_secret()))
        else {
            return Err(not_sent(NotSent::Outage, "Zoho Accounts answered a token that no header can hold", None));
        };
        header.set_sensitive(true);
        let token = Token { header, generation: shared.generation };
        self.current = Some((token.clone(), shared.expires_at));
        Ok(token)
    }
}

/// An answer of Zoho Accounts.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) access_token: Option<String>,
    pub(super) refresh_token: Option<String>,
    pub(super) api_domain: Option<String>,
    scope: Option<String>,
    expires_in_sec: Option<Box<RawValue>>,
    expires_in: Option<Box<RawValue>>,
    pub(super) error: Option<String>,
    pub(super) status: Option<String>,
}

impl Answer {
    fn life(&self) -> TimeDelta {
        let raw = self.expires_in_sec.as_ref().or(self.expires_in.as_ref());
        let seconds = raw.and_then(|raw| raw.get().trim_matches('"').parse().ok()).unwrap_or(USUAL_LIFE);
        TimeDelta::seconds(if seconds > LONGEST_LIFE { seconds / 1000 } else { seconds })
    }
}

/// Where a data centre's tokens are asked for.
pub(super) fn token_url(accounts: &Url) -> Url {
    let mut url = accounts.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["oauth", "v2", "token"]);
    }
    url
}

impl Tokens {
    pub(super) fn new(config: &Config, http: Http, clock: Arc<dyn Clock>, store: Arc<dyn TokenStore>) -> Self {
        let url = token_url(&config.accounts_url);
        // What tells this credential from others, and opens nothing.
        let named = [url.as_str(), &config.client_id, config.refresh_token.expose_secret()].join("\n");
        let digest = hex::encode(Sha256::digest(named.as_bytes()));
        Self {
            http,
            clock,
            store,
            credential: format!("zoho:{}", &digest[..32]),
            url,
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            refresh_token: config.refresh_token.clone(),
            state: Mutex::default(),
        }
    }

    /// A usable token: the cached one, or a fresh one.
    pub(super) async fn get(&self, deadline: Instant) -> Result<Token, Box<Outcome>> {
        self.other_than(None, deadline).await
    }

    /// What the last refresh told, if this node made one.
    pub(super) async fn granted(&self) -> Option<Granted> {
        self.state.lock().await.granted.clone()
    }

    /// A token of another refresh than the one that Zoho has just refused. If somebody refreshed meanwhile, that one.
    pub(super) async fn other_than(&self, refused: Option<u64>, deadline: Instant) -> Result<Token, Box<Outcome>> {
        let late = || not_sent(NotSent::Again, "a token refresh elsewhere took all of this call's time", None);
        let Ok(mut state) = timeout_at(deadline, self.state.lock()).await else { return Err(late()) };
        let usable = state.usable(self.clock.now());
        if let Some(token) = usable.filter(|token| refused != Some(token.generation)) {
            return Ok(token);
        }
        loop {
            let now = self.clock.now();
            match self.store.begin(&self.credential, refused, now).await.map_err(|e| ours(&e))? {
                Turn::Token(shared) => return state.take(&shared),
                Turn::Refresh(lease) => return self.refresh(&mut state, lease, deadline).await,
                Turn::Wait { until, wait: Wait::Allowance } => {
                    let seconds = u32::try_from((until - now).num_seconds() + 1).unwrap_or(u32::MAX);
                    let detail = "Zoho's allowance of access tokens is used up";
                    return Err(not_sent(NotSent::Quota, detail, Some(seconds)));
                }
                Turn::Wait { wait: Wait::Elsewhere, .. } if Instant::now() + LOOK_AGAIN >= deadline => {
                    return Err(late());
                }
                Turn::Wait { wait: Wait::Elsewhere, .. } => sleep_until(Instant::now() + LOOK_AGAIN).await,
            }
        }
    }

    async fn refresh(&self, state: &mut State, lease: Uuid, deadline: Instant) -> Result<Token, Box<Outcome>> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let (came, problem) = match self.http.send(self.request(), limit).await {
            Ok(reply) => self.judge(state, &reply),
            Err(failure) => {
                let (came, detail) = match failure {
                    // Zoho did not see it, so it does not count.
                    Failure::NotSent(detail) => (Refreshed::Unasked, detail),
                    Failure::Denied(denied) => (Refreshed::Unasked, denied.detail),
                    Failure::Unknown(detail) => (Refreshed::None, detail),
                };
                (came, Some(not_sent(NotSent::Outage, &format!("Zoho Accounts: {detail}"), None)))
            }
        };
        let shared = self.store.end(&self.credential, lease, came).await.map_err(|e| ours(&e))?;
        match (problem, shared) {
            (None, Some(shared)) => state.take(&shared),
            (Some(outcome), _) => Err(outcome),
            (None, None) => Err(ours("it did not keep the token")),
        }
    }

    /// What came of it, and what is wrong where no token came.
    fn judge(&self, state: &mut State, reply: &Reply) -> (Refreshed, Option<Box<Outcome>>) {
        let now = self.clock.now();
        let Ok(answer) = serde_json::from_slice::<Answer>(&reply.body) else {
            let detail = format!("Zoho Accounts answered {} without usable JSON", reply.status);
            return (Refreshed::None, Some(not_sent(NotSent::Outage, &detail, None)));
        };
        if let Some(secret) = &answer.access_token {
            state.strange_errors = 0;
            state.granted = Some(Granted {
                api_domain: answer.api_domain.clone(),
                scopes: answer.scope.clone(),
                in_milliseconds: answer.expires_in_sec.is_some(),
            });
            let token = Refreshed::Token { secret: secret.clone().into(), expires_at: now + answer.life() };
            return (token, None);
        }
        if is_throttled(reply, &answer) {
            let seconds = u32::try_from(WINDOW.num_seconds()).ok();
            let detail = "Zoho Accounts blocks token refreshes after too many of them";
            return (Refreshed::Blocked(now + WINDOW), Some(not_sent(NotSent::Quota, detail, seconds)));
        }
        (Refreshed::None, Some(refused(state, reply, &answer)))
    }

    /// The secrets go in the form, not in the query, which access logs keep.
    fn request(&self) -> Request {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .append_pair("refresh_token", self.refresh_token.expose_secret())
            .finish();
        Request::new("zoho", "zoho.refresh_token", Method::POST, self.url.clone())
            .uncounted()
            .body("application/x-www-form-urlencoded", form)
    }
}

/// Its text is localised: only its `status` is looked at.
pub(super) fn is_throttled(reply: &Reply, answer: &Answer) -> bool {
    let documented = matches!(
        answer.error.as_deref(),
        Some("invalid_client" | "invalid_client_secret" | "invalid_code" | "invalid_redirect_uri" | "general_error")
    );
    let failed = answer.status.as_deref() == Some("failure") || reply.status.as_u16() == 429;
    failed && !documented && !reply.status.is_server_error()
}

/// An answer without a token.
fn refused(state: &mut State, reply: &Reply, answer: &Answer) -> Box<Outcome> {
    let error = answer.error.as_deref().unwrap_or("no error code");
    match error {
        "invalid_client" | "invalid_client_secret" | "invalid_code" | "invalid_redirect_uri" => {
            return misconfigured(error);
        }
        "general_error" => return not_sent(NotSent::Outage, "Zoho Accounts: general_error", None),
        _ => {}
    }
    if reply.status.is_server_error() {
        return not_sent(NotSent::Outage, &format!("Zoho Accounts answered {}", reply.status), None);
    }
    state.strange_errors += 1;
    if state.strange_errors >= STRANGE_ERRORS {
        return misconfigured(error);
    }
    not_sent(NotSent::Outage, "Zoho Accounts answered an undocumented error", None)
}

fn misconfigured(error: &str) -> Box<Outcome> {
    let code: String = error.chars().filter(|c| c.is_ascii_alphanumeric() || "_ ".contains(*c)).take(40).collect();
    let message = "Zoho Accounts refuses the client id, secret or refresh token: check them, and that the accounts host \
                   is the one of the data centre where they were made";
    Box::new(Outcome::Rejected {
        rejection: Rejection { kind: RejectionKind::Config, code, message: message.to_owned() },
    })
}

fn ours(detail: &str) -> Box<Outcome> {
    not_sent(NotSent::Again, &format!("our own store of vendors' tokens: {detail}"), None)
}

fn not_sent(cause: NotSent, detail: &str, retry_after_seconds: Option<u32>) -> Box<Outcome> {
    Box::new(Outcome::NotSent { cause, detail: detail.to_owned(), retry_after_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MovableClock;
    use crate::connectors::peer::{Peer, Play};
    use crate::connectors::zoho::test_config;
    use crate::port::InMemory;
    use std::time::Duration;

    fn granted(token: &str) -> Play {
        let body = format!(r#"{{"access_token":"{token}","expires_in":3600,"api_domain":"x","token_type":"Bearer"}}"#);
        Play::reply(200, "application/json", &body)
    }

    fn tokens(peer: &Peer) -> (Tokens, Arc<MovableClock>) {
        let clock = Arc::new(MovableClock::default());
        (node(peer, &clock, &Arc::new(InMemory::default())), clock)
    }

    fn node(peer: &Peer, clock: &Arc<MovableClock>, store: &Arc<InMemory>) -> Tokens {
        let (clock, store): (Arc<MovableClock>, Arc<InMemory>) = (Arc::clone(clock), Arc::clone(store));
        Tokens::new(&test_config(peer), Http::new().expect("client"), clock, store)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    fn shown(token: &Token) -> &str {
        token.header.to_str().expect("text")
    }

    #[tokio::test]
    async fn many_calls_at_once_share_one_refresh() {
        let peer = Peer::start([granted("1000.a.b")]).await;
        let (tokens, _) = tokens(&peer);
        let all = futures::future::join_all((0..20).map(|_| tokens.get(soon()))).await;
        assert!(all.iter().all(|t| shown(t.as_ref().expect("a token")) == "Zoho-oauthtoken 1000.a.b"));
        let seen = peer.seen();
        assert_eq!(seen.len(), 1);
        assert!(seen[0].starts_with("POST /oauth/v2/token HTTP/1.1\r\n"), "{seen:?}");
        assert!(
            seen[0].ends_with("grant_type=refresh_token&client_id=id&client_secret=s%26s&refresh_token=1000.r.t"),
            "{seen:?}"
        );
    }

    #[tokio::test]
    async fn a_refused_token_is_renewed_once_however_many_calls_it_failed() {
        let peer = Peer::start([granted("1000.a.b"), granted("1000.c.d")]).await;
        let (tokens, _) = tokens(&peer);
        let old = tokens.get(soon()).await.expect("a token").generation;
        let renewed = futures::future::join_all((0..5).map(|_| tokens.other_than(Some(old), soon()))).await;
        assert!(renewed.iter().all(|t| shown(t.as_ref().expect("a token")).ends_with("1000.c.d")));
        assert_eq!(peer.seen().len(), 2);
    }

    #[tokio::test]
    async fn a_token_is_renewed_two_minutes_before_it_ends() {
        let peer = Peer::start([granted("1000.a.b"), granted("1000.c.d")]).await;
        let (tokens, clock) = tokens(&peer);
        tokens.get(soon()).await.expect("a token");
        clock.set_offset(TimeDelta::seconds(3600 - 130));
        assert!(shown(&tokens.get(soon()).await.expect("a token")).ends_with("1000.a.b"));
        clock.set_offset(TimeDelta::seconds(3600 - 110));
        assert!(shown(&tokens.get(soon()).await.expect("a token")).ends_with("1000.c.d"));
    }

    #[test]
    fn lives_in_seconds_and_in_the_older_milliseconds_are_told_apart() {
        let life = |json: &str| serde_json::from_str::<Answer>(json).expect("JSON").life().num_seconds();
        assert_eq!(life(r#"{"expires_in":3600}"#), 3600);
        assert_eq!(life(r#"{"expires_in":3600000}"#), 3600);
        assert_eq!(life(r#"{"expires_in":3600000,"expires_in_sec":1800}"#), 1800);
        assert_eq!(life(r#"{"expires_in":"3000"}"#), 3000);
        assert_eq!(life("{}"), 3600);
    }

    #[tokio::test]
    async fn a_throttled_refresh_is_not_asked_again_before_its_time() {
        let throttled = r#"{"error_description":"请求过多","error":"Access Denied","status":"failure"}"#;
        let peer = Peer::start([Play::reply(400, "application/json", throttled), granted("1000.a.b")]).await;
        let (tokens, clock) = tokens(&peer);
        for _ in 0..2 {
            let outcome = *tokens.get(soon()).await.err().expect("throttled");
            assert!(
                matches!(outcome, Outcome::NotSent { cause: NotSent::Quota, retry_after_seconds: Some(s), .. } if s > 500)
            );
        }
        assert_eq!(peer.seen().len(), 1);
        clock.set_offset(TimeDelta::minutes(11));
        assert!(tokens.get(soon()).await.is_ok());
    }

    #[tokio::test]
    async fn half_of_zohos_allowance_is_never_exceeded() {
        let peer = Peer::start((0..8).map(|n| granted(&format!("1000.{n}")))).await;
        let (tokens, clock) = tokens(&peer);
        let mut refused = None;
        for _ in 0..5 {
            refused = Some(tokens.other_than(refused, soon()).await.expect("a token").generation);
        }
        let outcome = *tokens.other_than(refused, soon()).await.err().expect("used up");
        assert!(matches!(outcome, Outcome::NotSent { cause: NotSent::Quota, retry_after_seconds: Some(_), .. }));
        assert_eq!(peer.seen().len(), 5);
        clock.set_offset(TimeDelta::minutes(10) + TimeDelta::seconds(1));
        assert!(tokens.other_than(refused, soon()).await.is_ok());
    }

    #[tokio::test]
    async fn all_nodes_share_one_token_and_a_restart_asks_for_none() {
        let peer = Peer::start([granted("1000.a.b")]).await;
        let (clock, store) = (Arc::new(MovableClock::default()), Arc::new(InMemory::default()));
        let nodes: Vec<_> = (0..4).map(|_| node(&peer, &clock, &store)).collect();
        let all = futures::future::join_all(nodes.iter().map(|node| node.get(soon()))).await;
        assert!(all.iter().all(|t| shown(t.as_ref().expect("a token")).ends_with("1000.a.b")));
        let restarted = node(&peer, &clock, &store);
        assert!(shown(&restarted.get(soon()).await.expect("a token")).ends_with("1000.a.b"));
        assert_eq!(peer.seen().len(), 1);
    }

    #[tokio::test]
    async fn a_token_that_several_nodes_find_refused_is_renewed_once() {
        let peer = Peer::start([granted("1000.a.b"), granted("1000.c.d")]).await;
        let (clock, store) = (Arc::new(MovableClock::default()), Arc::new(InMemory::default()));
        let nodes: Vec<_> = (0..3).map(|_| node(&peer, &clock, &store)).collect();
        let mut refused = Vec::new();
        for node in &nodes {
            refused.push(node.get(soon()).await.expect("a token").generation);
        }
        let renewed = nodes.iter().zip(&refused).map(|(node, old)| node.other_than(Some(*old), soon()));
        let renewed = futures::future::join_all(renewed).await;
        assert!(renewed.iter().all(|t| shown(t.as_ref().expect("a token")).ends_with("1000.c.d")));
        assert_eq!(peer.seen().len(), 2);
    }

    #[tokio::test]
    async fn a_node_that_dies_over_a_refresh_holds_the_others_up_for_its_lease_alone() {
        let peer = Peer::start([granted("1000.a.b")]).await;
        let (clock, store) = (Arc::new(MovableClock::default()), Arc::new(InMemory::default()));
        let other = node(&peer, &clock, &store);
        let dead = store.begin(&other.credential, None, clock.now()).await.expect("a store");
        assert!(matches!(dead, Turn::Refresh(_)), "{dead:?}");
        let hurried = Instant::now() + Duration::from_millis(50);
        let outcome = *other.get(hurried).await.err().expect("somebody else refreshes");
        assert!(matches!(outcome, Outcome::NotSent { cause: NotSent::Again, .. }), "{outcome:?}");
        clock.set_offset(TimeDelta::seconds(46));
        assert!(other.get(soon()).await.is_ok());
    }

    #[tokio::test]
    async fn restarts_draw_on_one_allowance() {
        let peer =
            Peer::start((0..8).map(|_| Play::reply(200, "application/json", r#"{"error":"general_error"}"#))).await;
        let (clock, store) = (Arc::new(MovableClock::default()), Arc::new(InMemory::default()));
        for _ in 0..7 {
            assert!(node(&peer, &clock, &store).get(soon()).await.is_err());
        }
        assert_eq!(peer.seen().len(), 5);
    }

    #[tokio::test]
    async fn an_unreachable_host_does_not_use_the_allowance_up() {
        let url = Url::parse(&format!("http://127.0.0.1:{}", Peer::closed_port().await)).expect("an address");
        let peer = Peer::start([]).await;
        let config = Config { accounts_url: url, ..test_config(&peer) };
        let tokens = Tokens::new(
            &config,
            Http::new().expect("client"),
            Arc::new(MovableClock::default()),
            Arc::new(InMemory::default()),
        );
        for _ in 0..7 {
            let outcome = *tokens.get(soon()).await.err().expect("nobody listens");
            assert!(matches!(outcome, Outcome::NotSent { cause: NotSent::Outage, .. }), "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn errors_inside_a_200_say_whether_a_person_must_act() {
        for (body, word) in [
            (r#"{"error":"invalid_client"}"#, "rejected"),
            (r#"{"error":"invalid_code"}"#, "rejected"),
            (r#"{"error":"general_error"}"#, "not_sent"),
            ("<html>busy</html>", "not_sent"),
        ] {
            let peer = Peer::start([Play::reply(200, "application/json", body)]).await;
            let outcome = *tokens(&peer).0.get(soon()).await.err().expect("no token");
            assert_eq!(outcome.word(), word, "{body}");
        }
    }

    #[tokio::test]
    async fn an_undocumented_error_is_passing_twice_and_then_a_matter_for_a_person() {
        let peer = Peer::start((0..3).map(|_| Play::reply(200, "application/json", r#"{"error":"odd"}"#))).await;
        let (tokens, _) = tokens(&peer);
        let mut words = Vec::new();
        for _ in 0..3 {
            words.push(tokens.get(soon()).await.err().expect("no token").word());
        }
        assert_eq!(words, ["not_sent", "not_sent", "rejected"]);
    }
}
