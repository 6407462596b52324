//! Client tokens, and the client API behind them: the configuration that the browser asks for, and the call that turns a
//! test card into a nonce. It stands in for the hosted fields' own script, which only talks to the gateway's hosts.
//! Authenticates no cardholder: that is `three_d_secure`.

use super::call::{Ask, Call};
use super::cards::{self, Card};
use super::codes::{self, Code};
use super::fields;
use super::reply::{Errors, Reply};
use super::state::{Fingerprint, letters};
use super::xml::{Fields, Xml, stamp};
use super::{methods, settlement};
use crate::World;
use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

const LIFE: TimeDelta = TimeDelta::hours(24);

/// `POST /client_token`.
pub(super) async fn create(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("client_token", &fields::CLIENT_TOKEN) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let mut errors = Errors::default();
    let customer = ask.text("customer_id");
    if customer.as_ref().is_some_and(|id| !state.customers.contains_key(id)) {
        errors.add(&["client_token"], "customer_id", codes::TOKEN_CUSTOMER_UNKNOWN);
    }
    let own = &world.credentials.braintree;
    let account = methods::account_of(&own.merchant_accounts, ask.text("merchant_account_id"));
    if account.is_none() {
        errors.add(&["client_token"], "merchant_account_id", codes::TOKEN_MERCHANT_ACCOUNT);
    }
    for (option, code) in without_customer(&ask.below("options")).into_iter().filter(|_| customer.is_none()) {
        errors.add(&["client_token", "options"], option, code);
    }
    let version = ask.text("version").unwrap_or_else(|| "2".to_owned());
    if !["1", "2", "3"].contains(&version.as_str()) {
        errors.add(&["client_token"], "version", codes::TOKEN_VERSION);
    }
    if !errors.none() {
        return Reply::Invalid(errors, call.params());
    }
    let fingerprint = fingerprint(&own.merchant_id, &ask, now);
    let account = account.map_or("", |a| &a.id);
    let right = Fingerprint { expires_at: now + LIFE, merchant_account: account.to_owned() };
    state.fingerprints.insert(fingerprint.clone(), right);
    let mut content = content(&world, &fingerprint, &version, account, now);
    if version != "3" {
        content["threeDSecureEnabled"] = json!(state.settings.three_d_secure);
    }
    let text = content.to_string();
    let value = if version == "1" { text } else { STANDARD.encode(text) };
    Reply::Made("client-token", Xml::Node(Fields::new().text("value", value)))
}

/// The options that need a customer.
fn without_customer(options: &Ask) -> Vec<(&'static str, Code)> {
    [
        ("make_default", codes::MAKE_DEFAULT_WITHOUT_CUSTOMER),
        ("verify_card", codes::VERIFY_CARD_WITHOUT_CUSTOMER),
        ("fail_on_duplicate_payment_method", codes::DUPLICATES_WITHOUT_CUSTOMER),
    ]
    .into_iter()
    .filter(|(name, _)| options.flag(name))
    .collect()
}

/// The shape of a signed token. Nobody but this sandbox reads it, and it looks the whole text up, so the last part is a
/// random one.
fn fingerprint(merchant: &str, ask: &Ask, now: DateTime<Utc>) -> String {
    let mut claims = json!({
        "exp": (now + LIFE).timestamp(),
        "jti": uuid::Uuid::new_v4(),
        "sub": merchant,
        "iss": "sandbox",
        "merchant": {"public_id": merchant, "verify_card_by_default": false},
        "rights": ["manage_vault"],
        "options": ask.below("options").0,
    });
    if let Some(customer) = ask.text("customer_id") {
        claims["options"] = json!({"customer_id": customer});
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&json!({"typ": "JWT", "alg": "ES256"})), part(&claims), letters(86))
}

fn content(world: &World, fingerprint: &str, version: &str, account: &str, now: DateTime<Utc>) -> Value {
    let merchant = &world.credentials.braintree.merchant_id;
    let base = format!("{}/merchants/{merchant}", world.base_url());
    let mut value = json!({
        "version": version.parse::<u8>().unwrap_or(2),
        "authorizationFingerprint": fingerprint,
        "configUrl": format!("{base}/client_api/v1/configuration"),
    });
    if version != "3" {
        for (name, more) in [
            ("clientApiUrl", json!(format!("{base}/client_api"))),
            ("environment", json!("sandbox")),
            ("merchantId", json!(merchant)),
            ("merchantAccountId", json!(account)),
            ("challenges", json!([])),
            ("assetsUrl", json!(world.base_url())),
            ("authUrl", json!(world.base_url())),
            ("graphQL", json!({"url": format!("{}/graphql", world.base_url()), "date": stamp(now)[..10]})),
            ("paypalEnabled", json!(false)),
            ("venmo", json!("off")),
        ] {
            value[name] = more;
        }
    }
    value
}

/// `GET /client_api/v1/configuration`.
pub(super) async fn configuration(
    Shared(world): Shared<Arc<World>>,
    Path(merchant): Path<String>,
    axum::extract::Query(query): axum::extract::Query<std::collections::BTreeMap<String, String>>,
) -> Response {
    let shown = query.get("authorization_fingerprint").map(String::as_str);
    let Some(visitor) = Visitor::of(&world, &merchant, shown) else { return unauthorized() };
    let has_three_ds = settlement::open(&world, world.clock.now()).settings.three_d_secure;
    let base = format!("{}/merchants/{merchant}", world.base_url());
    let mut value = json!({
        "clientApiUrl": format!("{base}/client_api"),
        "environment": "sandbox",
        "merchantId": merchant,
        "assetsUrl": world.base_url(),
        "merchantAccountId": visitor.merchant_account,
        "challenges": [],
        "creditCards": {"supportedCardTypes": ["American Express", "Discover", "JCB", "MasterCard", "Visa"]},
        "threeDSecureEnabled": has_three_ds,
        "paypalEnabled": false,
    });
    if has_three_ds {
        // The right to use the network's script, which the stand-in does not need.
        value["threeDSecure"] = json!({"cardinalAuthenticationJWT": letters(86)});
    }
    open_to_browsers(StatusCode::OK, value)
}

/// `POST /client_api/v1/payment_methods/credit_cards`: a card of the browser becomes a nonce.
pub(super) async fn tokenize(
    Shared(world): Shared<Arc<World>>,
    Path(merchant): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    if Visitor::of_body(&world, &merchant, &body).is_none() {
        return unauthorized();
    }
    let given = body.get("creditCard").or_else(|| body.get("credit_card")).cloned().unwrap_or_default();
    let card = match cards::given(&Ask(underscored(given))) {
        Ok(card) => card,
        Err(faults) => return open_to_browsers(StatusCode::UNPROCESSABLE_ENTITY, invalid(&faults)),
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let nonce = state.make_nonce(card.clone(), None, now);
    open_to_browsers(StatusCode::ACCEPTED, json!({"creditCards": [shown(&nonce, &card)]}))
}

/// A nonce as the browser sees it.
pub(super) fn shown(nonce: &str, card: &Card) -> Value {
    json!({
        "type": "CreditCard",
        "nonce": nonce,
        "description": format!("ending in {}", &card.last_4[2..]),
        "consumed": false,
        "details": {
            "bin": card.bin, "cardType": card.brand, "lastTwo": card.last_4[2..], "lastFour": card.last_4,
            "expirationMonth": card.month, "expirationYear": card.year, "cardholderName": card.holder,
        },
    })
}

fn invalid(faults: &[(&'static str, Code)]) -> Value {
    let fields: Vec<_> = faults
        .iter()
        .map(|(field, code)| json!({"field": field, "code": code.0.to_string(), "message": code.1}))
        .collect();
    json!({
        "error": {"message": "Credit card is invalid"},
        "fieldErrors": [{"field": "creditCard", "fieldErrors": fields}],
    })
}

/// The browser writes names in camel case.
fn underscored(card: Value) -> Value {
    let Value::Object(map) = card else { return Value::Null };
    let name = |name: String| match name.as_str() {
        "expirationMonth" => "expiration_month".to_owned(),
        "expirationYear" => "expiration_year".to_owned(),
        "expirationDate" => "expiration_date".to_owned(),
        "cardholderName" => "cardholder_name".to_owned(),
        _ => name,
    };
    Value::Object(map.into_iter().map(|(k, v)| (name(k), v)).collect())
}

/// A browser that shows a client token.
#[derive(Debug)]
pub(super) struct Visitor {
    /// The merchant account that the token was made for.
    pub(super) merchant_account: String,
}

impl Visitor {
    /// `None` for another merchant, and for a fingerprint that is unknown or too old.
    fn of(world: &World, merchant: &str, fingerprint: Option<&str>) -> Option<Self> {
        let now = world.clock.now();
        let state = settlement::open(world, now);
        let right = state.fingerprints.get(fingerprint?).filter(|right| right.expires_at > now)?;
        (merchant == world.credentials.braintree.merchant_id)
            .then(|| Self { merchant_account: right.merchant_account.clone() })
    }

    /// As [`Visitor::of`], with the fingerprint in the body.
    pub(super) fn of_body(world: &World, merchant: &str, body: &Value) -> Option<Self> {
        let said = body.get("authorizationFingerprint").or_else(|| body.get("authorization_fingerprint"));
        Self::of(world, merchant, said.and_then(Value::as_str))
    }
}

/// 401.
pub(super) fn unauthorized() -> Response {
    open_to_browsers(StatusCode::UNAUTHORIZED, json!({"error": {"message": "Authorization is not valid."}}))
}

/// 422 with a sentence.
pub(super) fn refused(message: &str) -> Response {
    open_to_browsers(StatusCode::UNPROCESSABLE_ENTITY, json!({"error": {"message": message}}))
}

/// The preflight question of a browser.
pub(super) async fn preflight(headers: HeaderMap) -> Response {
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let mut answer = open_to_browsers(StatusCode::OK, Value::Null);
    if let Some(asked) = asked {
        answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    }
    answer
}

pub(super) fn open_to_browsers(status: StatusCode, body: Value) -> Response {
    let headers =
        [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"), (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS")];
    (status, headers, Json(body)).into_response()
}
