//! What our own tables say of a customer's card: who charges it now, and which invoices wait for money. Nothing is decided
//! or reserved here.

use super::error::StoreError;
use super::links::{LinkKind, links_of};
use super::log::amount;
use sagas::kernel::answer::{CardUses, Owing};
use sagas::kernel::ids::SagaId;
use sqlx::PgPool;

/// Whose card, and by which words of the flows its uses are known.
#[derive(Debug, Clone, Copy)]
pub struct Uses<'a> {
    /// Our customer id.
    pub customer: &'a str,
    /// The flow that collects invoices.
    pub flow: &'a str,
    /// In which of its states an invoice waits for money of the customer.
    pub owing: &'a [String],
    /// At which steps a card may be charged.
    pub charging: &'a [String],
    /// Subscription ids of ours whose Zoho ids are wanted.
    pub subscriptions: &'a [String],
}

/// Surveys them for the saga that asks. What changes between the reads is caught by whoever charges, not here.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn survey_card_uses(pool: &PgPool, uses: Uses<'_>, asking: SagaId) -> Result<CardUses, StoreError> {
    let charging = sqlx::query_scalar!(
        "select id from saga where customer = $1 and step = any($2) and id <> $3 and ended is null order by id limit 1",
        uses.customer,
        uses.charging,
        asking.0
    );
    let charging = charging.fetch_optional(pool).await?.map(SagaId);
    let mut zoho_subscriptions = Vec::new();
    for ours in uses.subscriptions {
        let links = links_of(pool, ours).await?;
        zoho_subscriptions
            .extend(links.into_iter().filter(|(kind, _)| *kind == LinkKind::ZohoSubscription).map(|l| l.1));
    }
    Ok(CardUses { owing: owing(pool, uses).await?, charging, zoho_subscriptions })
}

/// Invoices of that flow that wait, with what our ledger holds as owed, oldest first.
async fn owing(pool: &PgPool, uses: Uses<'_>) -> Result<Vec<Owing>, StoreError> {
    let rows = sqlx::query!(
        r#"select s.id, s.title, b.currency, (sum(b.minor))::bigint as owed
           from saga s
           join lateral (
               select l.currency, case l.side when 'debit' then l.amount_minor else -l.amount_minor end as minor
               from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
               where l.account = 1200 and j.invoice in (
                   select r.value from event e join reference r on r.event = e.id
                   where e.shard = s.shard and e.saga = s.id and r.kind = 'zoho_invoice')
           ) b on true
           where s.customer = $1 and s.kind = $2 and s.state = any($3)
           group by s.id, s.title, s.started_at, b.currency having sum(b.minor) > 0
           order by s.started_at, s.id"#,
        uses.customer,
        uses.flow,
        uses.owing
    );
    let mut owing = Vec::new();
    for row in rows.fetch_all(pool).await? {
        if let Some(owed) = amount(row.owed, Some(&row.currency))? {
            owing.push(Owing { saga: SagaId(row.id), number: row.title, owed });
        }
    }
    Ok(owing)
}
