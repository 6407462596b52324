//! Desk calls that make and cut links: our customer for a client in Attio, ids at the vendors, who collects. Each is the
//! same however often it is asked.

use crate::store::StoreError;
use crate::store::links::{self, LinkError, LinkKind};
use crate::store::settings::{OwnerRecord, change_owner, set_collection_owner};
use chrono::NaiveDate;
use sagas::kernel::answer::{Answer, CollectionOwner, Enrolment};
use sagas::kernel::effect::{AttioRecord, IdKind, IdLink};
use sagas::kernel::ids::derive;
use sagas::kernel::outcome::{NotSent, Outcome, Rejection, RejectionKind};
use sqlx::PgPool;

/// Who makes an owner record, for the record.
const BY: &str = "saga";

/// Finds or makes our customer for a client.
pub(super) async fn enrol(pool: &PgPool, client: &AttioRecord) -> Result<Answer, Outcome> {
    let kind = match client.object.as_str() {
        "companies" => LinkKind::AttioCompany,
        "people" => LinkKind::AttioPerson,
        other => {
            return Err(rejected("no_client", &format!("`{other}` holds no clients: expected companies or people")));
        }
    };
    // The same client gives the same id, whoever asks at once.
    let made = || derive("customer", &[&client.object, &client.id]).simple().to_string();
    let customer = links::find(pool, kind, &client.id).await.map_err(|e| store(&e))?.unwrap_or_else(made);
    links::link(pool, &customer, &[(kind, &client.id)]).await.map_err(refused)?;
    let held = links::links_of(pool, &customer).await.map_err(|e| store(&e))?;
    let id_of = |wanted| held.iter().find(|(kind, _)| *kind == wanted).map(|(_, id)| id.clone());
    Ok(Answer::Enrolled(Box::new(Enrolment {
        zoho_customer: id_of(LinkKind::ZohoCustomer),
        braintree_customer: id_of(LinkKind::BraintreeCustomer),
        desk_contact: id_of(LinkKind::DeskContact),
        customer,
    })))
}

/// Links our customer with its ids at the vendors.
pub(super) async fn link_customer(
    pool: &PgPool,
    customer: &str,
    zoho: Option<&str>,
    braintree: Option<&str>,
) -> Result<Answer, Outcome> {
    let set: Vec<_> = customer_ids(zoho, braintree).collect();
    links::link(pool, customer, &set).await.map_err(refused)?;
    Ok(Answer::Nothing)
}

/// Links ids of ours with ids elsewhere: those of one of ours all or none.
pub(super) async fn link(pool: &PgPool, ids: &[IdLink]) -> Result<Answer, Outcome> {
    let mut left = ids;
    while let Some(first) = left.first() {
        let (same, others) = left.split_at(left.iter().take_while(|id| id.ours == first.ours).count());
        let set: Vec<_> = same.iter().map(|id| (kind_of(id.kind), id.theirs.as_str())).collect();
        links::link(pool, &first.ours, &set).await.map_err(refused)?;
        left = others;
    }
    Ok(Answer::Nothing)
}

/// Cuts exactly these links.
pub(super) async fn unlink(pool: &PgPool, ids: &[IdLink]) -> Result<Answer, Outcome> {
    for id in ids {
        links::unlink(pool, &id.ours, kind_of(id.kind), &id.theirs).await.map_err(|e| store(&e))?;
    }
    Ok(Answer::Nothing)
}

const fn kind_of(kind: IdKind) -> LinkKind {
    match kind {
        IdKind::PlatformUser => LinkKind::PlatformUser,
        IdKind::AttioPerson => LinkKind::AttioPerson,
        IdKind::ZohoContact => LinkKind::ZohoContact,
        IdKind::ZohoAccount => LinkKind::ZohoAccount,
        IdKind::DeskContact => LinkKind::DeskContact,
        IdKind::ZohoCustomer => LinkKind::ZohoCustomer,
        IdKind::BraintreeCustomer => LinkKind::BraintreeCustomer,
        IdKind::AttioCompany => LinkKind::AttioCompany,
        IdKind::ZohoSubscription => LinkKind::ZohoSubscription,
        IdKind::AttioSubscription => LinkKind::AttioSubscription,
    }
}

/// Cuts exactly these links.
pub(super) async fn unlink_customer(
    pool: &PgPool,
    customer: &str,
    zoho: Option<&str>,
    braintree: Option<&str>,
) -> Result<Answer, Outcome> {
    for (kind, id) in customer_ids(zoho, braintree) {
        links::unlink(pool, customer, kind, id).await.map_err(|e| store(&e))?;
    }
    Ok(Answer::Nothing)
}

fn customer_ids<'a>(zoho: Option<&'a str>, braintree: Option<&'a str>) -> impl Iterator<Item = (LinkKind, &'a str)> {
    let zoho = zoho.map(|id| (LinkKind::ZohoCustomer, id));
    zoho.into_iter().chain(braintree.map(|id| (LinkKind::BraintreeCustomer, id)))
}

/// Links the subscription, then says who collects: no owner record exists before the links that make it safe.
pub(super) async fn adopt(
    pool: &PgPool,
    subscription: &str,
    zoho: &str,
    attio: &str,
    owner: CollectionOwner,
) -> Result<Answer, Outcome> {
    let set = [(LinkKind::ZohoSubscription, zoho), (LinkKind::AttioSubscription, attio)];
    links::link(pool, subscription, &set).await.map_err(refused)?;
    set_collection_owner(pool, subscription, Some(owner), BY).await.map_err(|e| store(&e))?;
    Ok(Answer::Nothing)
}

/// Nobody collects it, then the links are cut.
pub(super) async fn disown(pool: &PgPool, subscription: &str, zoho: &str, attio: &str) -> Result<Answer, Outcome> {
    set_collection_owner(pool, subscription, None, BY).await.map_err(|e| store(&e))?;
    for (kind, id) in [(LinkKind::ZohoSubscription, zoho), (LinkKind::AttioSubscription, attio)] {
        links::unlink(pool, subscription, kind, id).await.map_err(|e| store(&e))?;
    }
    Ok(Answer::Nothing)
}

/// Another one is on record from now on, or nobody; refused where the record is not the one that was expected.
pub(super) async fn set_owner(
    pool: &PgPool,
    subscription: &str,
    from: Option<CollectionOwner>,
    owner: Option<CollectionOwner>,
    valid_from: Option<NaiveDate>,
) -> Result<Answer, Outcome> {
    let to = owner.map(|owner| OwnerRecord { owner, valid_from });
    if change_owner(pool, subscription, from, to, BY).await.map_err(|e| store(&e))? {
        Ok(Answer::Nothing)
    } else {
        Err(rejected("other_owner", "somebody else is on record as the collector of the subscription"))
    }
}

fn refused(error: LinkError) -> Outcome {
    match error {
        LinkError::Store(error) => store(&error),
        LinkError::Taken { .. } | LinkError::HasAnother { .. } => rejected("linked_otherwise", &error.to_string()),
    }
}

fn store(error: &StoreError) -> Outcome {
    let detail = format!("our own store: {error}");
    Outcome::NotSent { cause: NotSent::Again, detail, retry_after_seconds: None }
}

fn rejected(code: &str, message: &str) -> Outcome {
    let rejection = Rejection { kind: RejectionKind::State, code: code.to_owned(), message: message.to_owned() };
    Outcome::Rejected { rejection }
}
