//! The one exchange of a grant code for a refresh token, when an installation is set up. A code is good once and for a few
//! minutes. Keeps nothing and shows no secret in an error.

use super::auth::{Answer, is_throttled, token_url};
use crate::connectors::http::{Failure, Http, Request};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;

/// What the program does at Zoho, as Zoho's API console wants it: separated by commas.
pub const SCOPES: [&str; 10] = [
    "ZohoSubscriptions.fullaccess.all",
    "ZohoCRM.modules.ALL",
    "ZohoCRM.settings.ALL",
    "ZohoCRM.coql.READ",
    "ZohoCRM.notifications.ALL",
    "ZohoCRM.users.READ",
    "Desk.tickets.ALL",
    "Desk.contacts.ALL",
    "Desk.search.READ",
    "Desk.basic.READ",
];

/// The self client, where it was made.
#[derive(Debug)]
pub struct SelfClient {
    /// Zoho Accounts of the data centre.
    pub accounts_url: Url,
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
}

/// What a grant code brought.
#[derive(Debug)]
pub struct Grant {
    /// Does not end by itself; who has it has what the scopes allow.
    pub refresh_token: SecretString,
    /// The API host of the data centre, as Zoho says it.
    pub api_domain: Option<String>,
}

/// Why a grant code brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "Zoho does not know the grant code: it was used already, is older than the minutes chosen for it, or was made for \
         another client or in another data centre; make a new one and paste it at once"
    )]
    Code,
    #[error(
        "Zoho does not know the client id in this data centre: copy it from the API console, and choose the data centre in \
         which you sign in there"
    )]
    Client,
    #[error("Zoho refuses the client secret: copy it again from the API console, and check the data centre")]
    Secret,
    #[error("the client is bound to a redirect address: make a client of the type `Self Client` in the API console")]
    RedirectAddress,
    #[error(
        "Zoho granted access, but no refresh token: revoke the client's access in your Zoho account under Connected Apps, \
         then make a new code"
    )]
    NoRefreshToken,
    #[error("Zoho blocks requests for tokens after too many of them: wait half an hour, then make a new code")]
    Throttled,
    #[error("Zoho Accounts was not reached, and the code was not used: {0}")]
    NotReached(String),
    #[error("Zoho Accounts gave no usable answer, and the code may be used up: make a new one ({0})")]
    NoAnswer(String),
    #[error("Zoho Accounts refuses with the undocumented error `{0}`")]
    Other(String),
}

impl SelfClient {
    /// Exchanges the code.
    ///
    /// # Errors
    /// It brought no refresh token: why, and what to do.
    pub async fn exchange(&self, http: &Http, code: &SecretString, time_limit: Duration) -> Result<Grant, Refused> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("client_id", &self.id)
            .append_pair("client_secret", self.secret.expose_secret())
            .append_pair("code", code.expose_secret().trim())
            .finish();
        let request = Request::new("zoho", "zoho.exchange_code", Method::POST, token_url(&self.accounts_url))
            .uncounted()
            .body("application/x-www-form-urlencoded", form);
        let reply = http.send(request, time_limit).await.map_err(|failure| match failure {
            Failure::NotSent(detail) => Refused::NotReached(detail),
            Failure::Denied(denied) => Refused::NotReached(denied.detail),
            Failure::Unknown(detail) => Refused::NoAnswer(detail),
        })?;
        let answer: Answer = serde_json::from_slice(&reply.body)
            .map_err(|_| Refused::NoAnswer(format!("HTTP {} without JSON", reply.status.as_u16())))?;
        // Errors arrive with HTTP 200 too: only a token is success.
        if answer.access_token.is_some() {
            let refresh_token = answer.refresh_token.ok_or(Refused::NoRefreshToken)?;
            return Ok(Grant { refresh_token: refresh_token.into(), api_domain: answer.api_domain });
        }
        Err(match answer.error.as_deref() {
            Some("invalid_code") => Refused::Code,
            Some("invalid_client") => Refused::Client,
            Some("invalid_client_secret") => Refused::Secret,
            Some("invalid_redirect_uri") => Refused::RedirectAddress,
            _ if is_throttled(&reply, &answer) => Refused::Throttled,
            Some("general_error") | None => Refused::NoAnswer(format!("HTTP {}", reply.status.as_u16())),
            Some(other) => Refused::Other(
                other.chars().filter(|c| c.is_ascii_alphanumeric() || "_ ".contains(*c)).take(40).collect(),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::peer::{Peer, Play};

    async fn exchange(play: Play) -> (Result<Grant, Refused>, Peer) {
        let peer = Peer::start([play]).await;
        let client = SelfClient { accounts_url: peer.url("/"), id: "1000.ID".to_owned(), secret: "s&s".into() };
        let http = Http::new().expect("client");
        (client.exchange(&http, &" 1000.code ".into(), Duration::from_secs(5)).await, peer)
    }

    #[tokio::test]
    async fn a_code_brings_a_refresh_token_and_the_api_host() {
        let body = r#"{"access_token":"1000.aa.bb","refresh_token":"1000.cc.dd","scope":"ZohoCRM.modules.ALL",
            "api_domain":"https://www.zohoapis.eu","token_type":"Bearer","expires_in":3600}"#;
        let (grant, peer) = exchange(Play::reply(200, "application/json", body)).await;
        let grant = grant.expect("a grant");
        assert_eq!(grant.refresh_token.expose_secret(), "1000.cc.dd");
        assert_eq!(grant.api_domain.as_deref(), Some("https://www.zohoapis.eu"));
        assert!(!format!("{grant:?}").contains("1000.cc.dd"));
        let seen = &peer.seen()[0];
        assert!(seen.starts_with("POST /oauth/v2/token HTTP/1.1\r\n"), "{seen}");
        assert!(
            seen.ends_with("grant_type=authorization_code&client_id=1000.ID&client_secret=s%26s&code=1000.code"),
            "{seen}"
        );
    }

    #[tokio::test]
    async fn every_refusal_is_told_apart_even_inside_a_200() {
        for (status, body, refused) in [
            (200, r#"{"error":"invalid_code"}"#, Refused::Code),
            (200, r#"{"error":"invalid_client"}"#, Refused::Client),
            (200, r#"{"error":"invalid_client_secret"}"#, Refused::Secret),
            (200, r#"{"error":"invalid_redirect_uri"}"#, Refused::RedirectAddress),
            (200, r#"{"access_token":"1000.aa.bb","expires_in":3600}"#, Refused::NoRefreshToken),
            (400, r#"{"error_description":"请求过多","error":"Access Denied","status":"failure"}"#, Refused::Throttled),
            (200, r#"{"error":"general_error"}"#, Refused::NoAnswer("HTTP 200".to_owned())),
            (502, "<html>", Refused::NoAnswer("HTTP 502 without JSON".to_owned())),
            (200, r#"{"error":"odd <b>"}"#, Refused::Other("odd b".to_owned())),
        ] {
            let (grant, _peer) = exchange(Play::reply(status, "application/json", body)).await;
            assert_eq!(grant.expect_err(body), refused);
        }
    }
}
