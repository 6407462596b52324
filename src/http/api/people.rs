//! Changes of customers, as the platform and operators order them: the record in Attio is carried on, or all is compared.

use super::sagas::{Answered, idempotency_key, offered, settled};
use crate::access::Actor;
use crate::http::{App, Problem};
use crate::intake::{ProfileError, ProfileOrder};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use sagas::kernel::countries::laws_of;
use sagas::kernel::profile::{Field, Values};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

const TEXT_AT_MOST: usize = 200;
/// Of a telephone number, by E.164: with its country.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// What changes. A field that is left out stays; none can be emptied here.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PersonBody {
    /// Of the person, or of the company's contact
    #[serde(deserialize_with = "said")]
    #[schema(nullable = false)]
    first_name: Option<String>,
    /// Of the person, or of the company's contact
    #[serde(deserialize_with = "said")]
    #[schema(nullable = false)]
    last_name: Option<String>,
    /// Name of a customer that is a company
    #[serde(deserialize_with = "said")]
    #[schema(nullable = false)]
    company: Option<String>,
    /// Of the person, or of the company's contact
    #[serde(deserialize_with = "said")]
    #[schema(nullable = false)]
    email: Option<String>,
    /// With its country, as in `+49 30 123456`
    #[serde(deserialize_with = "said")]
    #[schema(nullable = false)]
    phone: Option<String>,
    /// First line of the address
    #[serde(deserialize_with = "said")]
    #[schema(nullable = false)]
    street: Option<String>,
    #[serde(deserialize_with = "said")]
    #[schema(nullable = false)]
    city: Option<String>,
    #[serde(deserialize_with = "said")]
    #[schema(nullable = false)]
    postal_code: Option<String>,
    #[serde(deserialize_with = "said")]
    #[schema(nullable = false)]
    state: Option<String>,
    /// ISO 3166 code
    #[serde(deserialize_with = "said")]
    #[schema(nullable = false)]
    country: Option<String>,
    /// ISO 4217 code; refused where documents exist in another one
    currency: Option<String>,
}

/// `null` would be taken for "empty it" by who sends it, and for "leave it" here: it is refused.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Changes a customer in Attio, and carries that on to Zoho and Braintree
///
/// What is named is written onto the record in Attio, which is then read; where nothing is, it is read all the same. Where a
/// currency is named, that alone is looked at, and the record says why it stays. The same `Idempotency-Key` is the same order.
#[utoipa::path(patch, path = "/people/{id}",
    params(("id" = String, Path, description = "Our customer id, as lists of sagas show it"),
        ("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    request_body = PersonBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn change(
    State(app): State<App>,
    Path(customer): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<PersonBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| Problem::field("body", e.body_text()).hint("send `{}`"))?;
    let is_code = |code: &String| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    if body.currency.as_ref().is_some_and(|code| !is_code(code)) {
        return Err(Problem::field("currency", "expected the three letters of ISO 4217, as in `EUR`"));
    }
    let order = match (&body.currency, checked(&body)?) {
        (Some(currency), values) if values.is_empty() => ProfileOrder::Currency(currency.clone()),
        (Some(_), _) => return Err(Problem::field("currency", "is asked for by itself: send it alone")),
        (None, values) if values.is_empty() => ProfileOrder::CarryOn,
        (None, values) => ProfileOrder::Write(values),
    };
    ordered(&app, &customer, order, &actor, &headers).await
}

/// Compares what Zoho and Braintree show of a customer with Attio and puts right what others changed there
///
/// What is written over stands in a note on the record in Attio. The same `Idempotency-Key` is the same order.
#[utoipa::path(post, path = "/people/{id}/checks",
    params(("id" = String, Path, description = "Our customer id, as lists of sagas show it"),
        ("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn check(
    State(app): State<App>,
    Path(customer): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
) -> Answered {
    ordered(&app, &customer, ProfileOrder::Check, &actor, &headers).await
}

/// What can be written.
fn checked(body: &PersonBody) -> Result<Values, Problem> {
    let named = [
        (Field::FirstName, "first_name", &body.first_name),
        (Field::LastName, "last_name", &body.last_name),
        (Field::Company, "company", &body.company),
        (Field::Email, "email", &body.email),
        (Field::Phone, "phone", &body.phone),
        (Field::Street, "street", &body.street),
        (Field::City, "city", &body.city),
        (Field::PostalCode, "postal_code", &body.postal_code),
        (Field::State, "state", &body.state),
        (Field::Country, "country", &body.country),
    ];
    let mut values = Values::new();
    for (field, name, text) in named.into_iter().filter_map(|(field, name, text)| Some((field, name, text.as_ref()?))) {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > TEXT_AT_MOST || text.chars().any(char::is_control) {
            let expected = format!("expected 1 to {TEXT_AT_MOST} characters in one line; nothing can be emptied here");
            return Err(Problem::field(name, expected));
        }
        let text = match field {
            Field::Email if !is_address(text) => {
                return Err(Problem::field(name, "expected an e-mail address, as in `ada@company.example`"));
            }
            Field::Phone if !is_number(text) => {
                return Err(Problem::field(name, "expected a number with its country, as in `+49 30 123456`"));
            }
            Field::Country => {
                let code = text.to_ascii_uppercase();
                if laws_of(&code).is_none() {
                    return Err(Problem::field(name, "expected the two letters of ISO 3166, as in `DE`"));
                }
                code
            }
            _ => text.to_owned(),
        };
        values.insert(field, text);
    }
    Ok(values)
}

fn is_address(text: &str) -> bool {
    let is_host = |host: &str| host.split('.').count() > 1 && host.split('.').all(|label| !label.is_empty());
    let plain = |c: char| !c.is_whitespace() && c != '@';
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && name.chars().all(plain) && host.chars().all(plain) && is_host(host)
    })
}

fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|rest| {
        let digits = rest.chars().filter(char::is_ascii_digit).count();
        DIGITS.contains(&digits) && rest.chars().all(|c| c.is_ascii_digit() || " -()./".contains(c))
    })
}

async fn ordered(app: &App, customer: &str, order: ProfileOrder, actor: &Actor, headers: &HeaderMap) -> Answered {
    let key = idempotency_key(headers)?.ok_or_else(|| {
        Problem::field("idempotency-key", "is missing: without it a repeated order could not be told from a new one")
            .hint("send an id of your own as `Idempotency-Key`")
    })?;
    let offered = app.acts.profiles().order(customer, order, (&actor.principal(), &key)).await;
    let (saga, item) = offered.map_err(refused)?;
    settled(app, saga, item).await
}

fn refused(error: ProfileError) -> Problem {
    match error {
        ProfileError::Unlinked(_) => Problem::new(StatusCode::NOT_FOUND, "unknown_customer", error.to_string())
            .hint("GET /api/v1/sagas shows our customer ids; `attio-billing link` links one with its record"),
        ProfileError::NotHeld(_) => Problem::new(StatusCode::CONFLICT, "not_held", error.to_string())
            .hint("send `{}` first: it has the record read"),
        ProfileError::Offer(error) => offered(&error),
    }
}
