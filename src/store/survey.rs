//! What our own tables say about an invoice before it is charged. Nothing is decided or reserved here.

use super::claims::word;
use super::error::StoreError;
use super::ledger::on_invoice;
use super::links::{LinkKind, find, links_of};
use super::settings::{collection_owner, is_switched_off, one_off_consent};
use sagas::kernel::answer::Survey;
use sagas::kernel::effect::{AttioRecord, ClaimKind};
use sagas::kernel::ids::SagaId;
use sqlx::PgPool;

/// Surveys an invoice for the saga that asks. `customer` and `subscription` are Zoho's ids on it. What changes between
/// the reads is caught by the claims and by the sale's own pre-read, not here.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn survey_invoice(
    pool: &PgPool,
    invoice: &str,
    customer: &str,
    subscription: Option<&str>,
    asking: SagaId,
) -> Result<Survey, StoreError> {
    let ours = find(pool, LinkKind::ZohoCustomer, customer).await?;
    let links = match &ours {
        Some(ours) => links_of(pool, ours).await?,
        None => Vec::new(),
    };
    let linked = |wanted| links.iter().find(|(kind, _)| *kind == wanted).map(|(_, theirs)| theirs.clone());
    let record = |kind, object: &str| linked(kind).map(|id| AttioRecord { object: object.to_owned(), id });
    let our_subscription = match subscription {
        Some(theirs) => find(pool, LinkKind::ZohoSubscription, theirs).await?,
        None => None,
    };
    let attio_subscription = match &our_subscription {
        Some(ours) => links_of(pool, ours).await?.into_iter().find(|(kind, _)| *kind == LinkKind::AttioSubscription),
        None => None,
    };
    let owner = match &our_subscription {
        Some(ours) => collection_owner(pool, ours).await?,
        None => None,
    };
    let one_off_consent = match &ours {
        Some(ours) => one_off_consent(pool, ours).await?,
        None => false,
    };
    let money = on_invoice(pool, invoice).await?;
    Ok(Survey {
        customer: ours,
        // A vendor's customer id is linked to one of ours at most.
        ambiguous: false,
        braintree_customer: linked(LinkKind::BraintreeCustomer),
        attio_client: record(LinkKind::AttioCompany, "companies").or_else(|| record(LinkKind::AttioPerson, "people")),
        subscription: our_subscription,
        attio_subscription: attio_subscription.map(|(_, record)| record),
        owner,
        one_off_consent,
        claimed_elsewhere: claimed_elsewhere(pool, invoice, customer, subscription, asking).await?,
        holds: holds(pool, invoice).await?,
        applied: money.applied,
        unapplied: money.unapplied,
        sale_switched_off: is_switched_off(pool, "braintree.sell").await?,
    })
}

/// Kinds of claims on the invoice, its customer or its subscription that other sagas hold.
async fn claimed_elsewhere(
    pool: &PgPool,
    invoice: &str,
    customer: &str,
    subscription: Option<&str>,
    asking: SagaId,
) -> Result<Vec<ClaimKind>, StoreError> {
    let concerned = [
        (ClaimKind::ZohoCustomer, Some(customer)),
        (ClaimKind::ZohoSubscription, subscription),
        (ClaimKind::ZohoInvoice, Some(invoice)),
    ];
    let mut elsewhere = Vec::new();
    for (kind, key) in concerned {
        let Some(key) = key else { continue };
        let other = sqlx::query_scalar!(
            "select saga from claim where kind = $1 and key = $2 and saga <> $3",
            word(kind),
            key,
            asking.0
        );
        if other.fetch_optional(pool).await?.is_some() {
            elsewhere.push(kind);
        }
    }
    Ok(elsewhere)
}

/// Reasons for which collection of an invoice is on hold.
///
/// # Errors
/// The database cannot be reached.
pub async fn holds(pool: &PgPool, invoice: &str) -> Result<Vec<String>, StoreError> {
    let reasons = sqlx::query_scalar!("select reason from hold where invoice = $1 order by reason", invoice);
    Ok(reasons.fetch_all(pool).await?)
}
