//! Zoho's products held against what this connector assumes of them. Reads alone, but for the one request by which Accounts
//! gives an access token.

mod billing;
mod crm;
mod desk;

use super::line::Answered;
use super::{Zoho, sentence};
use crate::connectors::drift::{Point, Progress, READ_LIMIT, Survey, System, Walked};
use crate::connectors::http::Reply;
use chrono::{DateTime, Utc};
use reqwest::Url;
use serde_json::Value;
use tokio::time::Instant;

/// An address that nobody has: to be searched for.
const NOBODY: &str = "nobody@drift.invalid";

impl Zoho {
    /// Walks through what is read of Accounts, Billing, CRM and, where it is used, Desk.
    pub async fn drift(&self, now: DateTime<Utc>, progress: Progress<'_>) -> Walked {
        let mut survey = Survey::new(System::ZohoAccounts, progress);
        if self.token(&mut survey).await {
            survey.enter(System::ZohoBilling);
            billing::walk(&self.billing, &mut survey, now).await;
            survey.enter(System::ZohoCrm);
            crm::walk(&self.crm, &mut survey, now).await;
            if let Some(desk) = &self.desk {
                survey.enter(System::ZohoDesk);
                desk::walk(desk, &mut survey, now).await;
            }
        }
        survey.done()
    }

    /// Whether there is a token to go on with.
    async fn token(&self, survey: &mut Survey<'_>) -> bool {
        survey.asks("access token");
        let granted = match self.billing.granted(soon()).await {
            Ok(granted) => granted,
            Err(outcome) => {
                survey.unasked("access token", sentence(*outcome));
                return false;
            }
        };
        survey.same("access token", "the refresh token brings one");
        let Some(granted) = granted else { return true };
        let unit = if granted.in_milliseconds { "milliseconds, and seconds beside them" } else { "seconds" };
        survey.settle(Point::TokenLife, unit);
        let said = granted.api_domain.as_deref().and_then(|text| Url::parse(text).ok());
        let host = said.as_ref().and_then(Url::host_str);
        let found = format!("Accounts names {}", host.unwrap_or("no API host"));
        let cure = "set ZOHO_API_URL to the host that Accounts names: a token works only in its own data centre";
        survey.holds("data centre", host.is_some() && host == self.billing.host(), found, cure);
        match &granted.scopes {
            None => survey.settle(Point::GrantedScopes, "no answer tells them"),
            Some(scopes) => {
                survey.settle(Point::GrantedScopes, "they are in the answer");
                let missing = missing_scopes(scopes);
                let found = if missing.is_empty() {
                    "all that are needed".to_owned()
                } else {
                    format!("without {}", missing.join(", "))
                };
                survey.holds(
                    "scopes",
                    missing.is_empty(),
                    found,
                    "`attio-billing zoho login` makes a token with all of them",
                );
            }
        }
        true
    }
}

/// Scopes of ours that a grant lacks. One for all of a product covers each of its modules.
fn missing_scopes(granted: &str) -> Vec<&'static str> {
    let granted: Vec<String> = granted.split([' ', ',']).map(str::to_lowercase).collect();
    let covers = |scope: &str| {
        let scope = scope.to_lowercase();
        let (product, rest) = scope.split_once('.').unwrap_or((&scope, ""));
        let module = rest.split('.').next().unwrap_or_default();
        let whole = [format!("{product}.fullaccess.all"), format!("{product}.{module}.all"), scope.clone()];
        granted.iter().any(|one| whole.contains(one))
    };
    super::grant::SCOPES.into_iter().filter(|scope| !covers(scope)).collect()
}

fn soon() -> Instant {
    Instant::now() + READ_LIMIT
}

/// What a read brought.
enum Seen {
    Body(Reply, Value),
    /// A good answer without a body: nothing is there.
    Nothing,
    /// Status and the product's own code.
    Refused(Reply, String),
}

/// Sorts an answer; one that cannot be had, or is none of the product's, is noted. `code` reads the code of a refusal.
fn seen(
    survey: &mut Survey<'_>,
    check: &str,
    answered: Answered<Reply>,
    code: fn(&Value) -> Option<String>,
) -> Option<Seen> {
    let reply = match answered {
        Ok(reply) => reply,
        Err(outcome) => {
            survey.unasked(check, sentence(*outcome));
            return None;
        }
    };
    let status = reply.status;
    if reply.body.is_empty() && status.is_success() {
        return Some(Seen::Nothing);
    }
    let body = serde_json::from_slice::<Value>(&reply.body).ok();
    let code = body.as_ref().and_then(code);
    match (body, code) {
        _ if status.is_server_error() || status.as_u16() == 429 => {
            survey.unasked(check, format!("Zoho answered {status}"));
            None
        }
        (Some(_), Some(code)) => Some(Seen::Refused(reply, code)),
        (Some(body), None) if status.is_success() => Some(Seen::Body(reply, body)),
        (Some(_), None) => Some(Seen::Refused(reply, String::new())),
        (None, _) => {
            survey.differs(check, format!("the answer ({status}) is no JSON"), "compare address and data centre");
            None
        }
    }
}

/// The body of a good answer, or none where Zoho has nothing to show; a refusal is noted.
fn body(
    survey: &mut Survey<'_>,
    check: &str,
    answered: Answered<Reply>,
    code: fn(&Value) -> Option<String>,
) -> Option<(Option<Reply>, Value)> {
    match seen(survey, check, answered, code)? {
        Seen::Body(reply, body) => Some((Some(reply), body)),
        Seen::Nothing => Some((None, Value::Null)),
        Seen::Refused(reply, code) => {
            let cure = "compare the scopes of the refresh token, the rights of its user and the ids in the settings";
            survey.differs(check, refusal(&reply, &code), cure);
            None
        }
    }
}

fn refusal(reply: &Reply, code: &str) -> String {
    format!("refused: {}, code {code}", reply.status)
}

/// The rows under a key; none where there is no list.
fn rows(body: &Value, key: &str) -> Vec<Value> {
    body[key].as_array().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::missing_scopes;

    #[test]
    fn a_wider_scope_covers_a_narrower_one() {
        let all = "ZohoSubscriptions.fullaccess.all ZohoCRM.modules.ALL ZohoCRM.settings.ALL ZohoCRM.coql.READ \
                   ZohoCRM.notifications.ALL ZohoCRM.users.ALL Desk.fullaccess.all";
        assert!(missing_scopes(all).is_empty(), "{:?}", missing_scopes(all));
        let less = all.replace("Desk.fullaccess.all", "Desk.tickets.ALL").replace(' ', ",");
        assert_eq!(missing_scopes(&less), ["Desk.contacts.ALL", "Desk.search.READ", "Desk.basic.READ"]);
    }
}
