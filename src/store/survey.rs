//! What our own tables say about an invoice before it is charged, a subscription, a customer. Nothing is decided or
//! reserved here.

use super::claims::word;
use super::error::StoreError;
use super::ledger::{on_invoice, owes_elsewhere};
use super::links::{LinkKind, find, links_of};
use super::log::amount;
use super::settings::{is_switched_off, one_off_consent, owner_record};
use sagas::kernel::answer::{BookedCapture, CustomerSurvey, EndingSurvey, KeptProduct, SubscriptionSurvey, Survey};
use sagas::kernel::effect::{AttioRecord, ClaimKind, SubscriptionKey};
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::held_subscription;
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
    let links = links_of_ours(pool, ours.as_deref()).await?;
    let our_subscription = match subscription {
        Some(theirs) => find(pool, LinkKind::ZohoSubscription, theirs).await?,
        None => None,
    };
    let attio_subscription =
        linked(&links_of_ours(pool, our_subscription.as_deref()).await?, LinkKind::AttioSubscription);
    let owner = match &our_subscription {
        Some(ours) => owner_record(pool, ours).await?,
        None => None,
    };
    let one_off_consent = match &ours {
        Some(ours) => one_off_consent(pool, ours).await?,
        None => false,
    };
    let money = on_invoice(pool, invoice).await?;
    let owes_elsewhere = match (&ours, money.unapplied) {
        (Some(ours), Some(waits)) if waits.is_positive() => owes_elsewhere(pool, ours, invoice).await?,
        _ => false,
    };
    let subscription_holds = match subscription {
        Some(theirs) => holds(pool, &held_subscription(theirs)).await?,
        None => Vec::new(),
    };
    let mut holds = holds(pool, invoice).await?;
    if let Some(ours) = &ours
        && !holds.iter().any(|reason| reason == DISPUTE)
        && is_disputed(pool, ours).await?
    {
        holds.push(DISPUTE.to_owned());
    }
    Ok(Survey {
        customer: ours,
        // A vendor's customer id is linked to one of ours at most.
        ambiguous: false,
        braintree_customer: linked(&links, LinkKind::BraintreeCustomer),
        attio_client: client(&links),
        subscription: our_subscription,
        attio_subscription,
        owner: owner.map(|record| record.owner),
        owner_from: owner.and_then(|record| record.valid_from),
        one_off_consent,
        claimed_elsewhere: claimed_elsewhere(pool, invoice, customer, subscription, asking).await?,
        holds,
        subscription_holds,
        applied: money.applied,
        unapplied: money.unapplied,
        owes_elsewhere,
        sale_switched_off: is_switched_off(pool, "braintree.sell").await?,
    })
}

/// Surveys a subscription for the saga that asks.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn survey_subscription(
    pool: &PgPool,
    by: &SubscriptionKey,
    asking: SagaId,
) -> Result<SubscriptionSurvey, StoreError> {
    let ours = match by {
        SubscriptionKey::Attio { record } => find(pool, LinkKind::AttioSubscription, record).await?,
        SubscriptionKey::Zoho { subscription } => find(pool, LinkKind::ZohoSubscription, subscription).await?,
    };
    let Some(ours) = ours else { return Ok(SubscriptionSurvey::default()) };
    let links = links_of(pool, &ours).await?;
    let zoho_subscription = linked(&links, LinkKind::ZohoSubscription);
    let claimed_by = match &zoho_subscription {
        Some(theirs) => holder_other_than(pool, ClaimKind::ZohoSubscription, theirs, asking).await?,
        None => None,
    };
    let owner = owner_record(pool, &ours).await?;
    Ok(SubscriptionSurvey {
        owner: owner.map(|record| record.owner),
        owner_from: owner.and_then(|record| record.valid_from),
        zoho_subscription,
        attio_record: linked(&links, LinkKind::AttioSubscription),
        claimed_by,
        customer: customer_of(pool, &ours).await?,
        subscription: Some(ours),
    })
}

/// Whose a subscription of ours is, as a saga that works on it knows.
async fn customer_of(pool: &PgPool, subscription: &str) -> Result<Option<String>, StoreError> {
    let found = sqlx::query_scalar!(
        "select s.customer from reference r join saga s on s.shard = r.shard and s.id = r.saga
         where r.kind = 'subscription' and r.value = $1 and s.customer is not null order by s.customer limit 1",
        subscription
    );
    Ok(found.fetch_optional(pool).await?.flatten())
}

/// Surveys a subscription that is being ended, for the saga that ends it. `ours` and `theirs` are its ids here and at Zoho;
/// captures are those for these invoices.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn survey_ending(
    pool: &PgPool,
    ours: &str,
    theirs: &str,
    invoices: &[String],
    asking: SagaId,
) -> Result<EndingSurvey, StoreError> {
    let charging = sqlx::query_scalar!(
        "select c.key from claim c where c.kind = 'zoho_invoice' and c.saga <> $2
         and exists (select 1 from reference r where r.saga = c.saga and r.kind = 'zoho_subscription' and r.value = $1)
         order by c.key",
        theirs,
        asking.0
    );
    let product = sqlx::query!(
        "select c.saga, c.key from claim c where c.kind = 'account_plan_family'
         and exists (select 1 from reference r where r.saga = c.saga and r.kind = 'subscription' and r.value = $1)
         order by c.key limit 1",
        ours
    );
    let captures = sqlx::query!(
        r#"select j.transaction_id as "transaction!", j.invoice as "invoice!", l.amount_minor, l.currency, e.at
           from journal j
           join journal_line l on l.shard = j.shard and l.journal = j.id and l.side = 'debit'
           join event e on e.id = j.event and e.shard = j.shard
           where j.rule = 'CAPTURE' and j.invoice = any($1) and j.transaction_id is not null
           and not exists (select 1 from journal back where back.rule = 'CAPTURE_REVERSED'
               and back.invoice = j.invoice and back.transaction_id = j.transaction_id)
           order by e.at, j.transaction_id"#,
        invoices
    );
    let captures = captures.fetch_all(pool).await?.into_iter().map(|row| {
        let amount = amount(Some(row.amount_minor), Some(&row.currency))?;
        let amount = amount.ok_or_else(|| StoreError::Unreadable(format!("the capture of {}", row.transaction)))?;
        Ok(BookedCapture { transaction: row.transaction, invoice: row.invoice, amount, at: row.at })
    });
    Ok(EndingSurvey {
        charging: charging.fetch_all(pool).await?,
        captures: captures.collect::<Result<_, StoreError>>()?,
        product: product.fetch_optional(pool).await?.map(|row| KeptProduct {
            saga: SagaId(row.saga),
            key: row.key,
            flow: None,
        }),
    })
}

/// Surveys a customer of Zoho's.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn survey_customer(pool: &PgPool, zoho_customer: &str) -> Result<CustomerSurvey, StoreError> {
    let ours = find(pool, LinkKind::ZohoCustomer, zoho_customer).await?;
    let links = links_of_ours(pool, ours.as_deref()).await?;
    Ok(CustomerSurvey {
        braintree_customer: linked(&links, LinkKind::BraintreeCustomer),
        attio_client: client(&links),
        customer: ours,
    })
}

async fn links_of_ours(pool: &PgPool, ours: Option<&str>) -> Result<Vec<(LinkKind, String)>, StoreError> {
    match ours {
        Some(ours) => links_of(pool, ours).await,
        None => Ok(Vec::new()),
    }
}

fn linked(links: &[(LinkKind, String)], wanted: LinkKind) -> Option<String> {
    links.iter().find(|(kind, _)| *kind == wanted).map(|(_, theirs)| theirs.clone())
}

/// The company where one is linked, else the person.
fn client(links: &[(LinkKind, String)]) -> Option<AttioRecord> {
    let record = |kind, object: &str| linked(links, kind).map(|id| AttioRecord { object: object.to_owned(), id });
    record(LinkKind::AttioCompany, "companies").or_else(|| record(LinkKind::AttioPerson, "people"))
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
        if holder_other_than(pool, kind, key, asking).await?.is_some() {
            elsewhere.push(kind);
        }
    }
    Ok(elsewhere)
}

async fn holder_other_than(
    pool: &PgPool,
    kind: ClaimKind,
    key: &str,
    asking: SagaId,
) -> Result<Option<SagaId>, StoreError> {
    let holder = sqlx::query_scalar!(
        "select saga from claim where kind = $1 and key = $2 and saga <> $3",
        word(kind),
        key,
        asking.0
    );
    Ok(holder.fetch_optional(pool).await?.map(SagaId))
}

/// Reasons for which collection of an invoice is on hold, or of all that a subscription owes.
///
/// # Errors
/// The database cannot be reached.
pub async fn holds(pool: &PgPool, invoice: &str) -> Result<Vec<String>, StoreError> {
    let reasons = sqlx::query_scalar!("select reason from hold where invoice = $1 order by reason", invoice);
    Ok(reasons.fetch_all(pool).await?)
}

/// The reason of a hold that is its customer's as well: a payment of the customer is disputed.
const DISPUTE: &str = "dispute";

/// A payment of that customer of ours is disputed.
async fn is_disputed(pool: &PgPool, customer: &str) -> Result<bool, StoreError> {
    let held = sqlx::query_scalar!(
        r#"select exists (select 1 from hold h join journal j on j.invoice = h.invoice
               where h.reason = $2 and j.customer = $1) as "held!""#,
        customer,
        DISPUTE
    );
    Ok(held.fetch_one(pool).await?)
}
