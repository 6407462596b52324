//! Findings: one a code and key, with all that became of it. A run writes what it saw; a person what they decided. What
//! follows from being seen, or not, is the kernel's.

use crate::store::error::{StoreError, storable, unsigned};
use crate::store::log::amount;
use chrono::{DateTime, Utc};
use sagas::kernel::money::Money;
use sagas::kernel::reconciliation::life::{self, Standing};
use sagas::kernel::reconciliation::{Found, Leg};
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What a run saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// In which leg.
    pub leg: Leg,
    /// What.
    pub found: Found,
}

/// What a run looked at whole: what stands open there and was not seen is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Which leg.
    pub leg: Leg,
    /// Only what is dated from then on (UTC).
    pub from: DateTime<Utc>,
    /// And, whatever their date, these keys: both sides were seen to agree.
    pub agreed: Vec<String>,
    /// But not these, which could not be judged.
    pub except: Vec<String>,
}

/// What a run made of findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// How each one stands that it saw, with what changed: (finding, what changed, standing, how often something was tried).
    pub seen: Vec<(Uuid, &'static str, Standing, u32)>,
    /// Those that are over: (finding, code, key).
    pub resolved: Vec<(Uuid, String, String)>,
}

/// A finding as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id.
    pub id: Uuid,
    /// `D05`.
    pub code: String,
    /// By what it is known again.
    pub key: String,
    /// The leg's word.
    pub leg: String,
    /// 1 to 3.
    pub severity: u8,
    /// Who sees to it: `finance`, `operator`.
    pub owner: String,
    /// How it stands.
    pub state: Standing,
    /// Our customer id.
    pub customer: Option<String>,
    /// Zoho subscription id.
    pub subscription: Option<String>,
    /// Zoho invoice id.
    pub invoice: Option<String>,
    /// Braintree transaction id.
    pub transaction: Option<String>,
    /// What the left side says.
    pub left: String,
    /// What the right side says.
    pub right: String,
    /// What happened, in a sentence.
    pub detail: String,
    /// Money at risk.
    pub amount: Option<Money>,
    /// When what it is about happened (UTC).
    pub dated: DateTime<Utc>,
    /// When it was seen first (UTC).
    pub first_seen: DateTime<Utc>,
    /// When it was seen last (UTC).
    pub last_seen: DateTime<Utc>,
    /// How many runs saw it.
    pub occurrences: u64,
    /// How often something was done about it by itself.
    pub tries: u32,
}

/// Which findings to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Standing so.
    pub state: Option<Standing>,
    /// Of this code.
    pub code: Option<String>,
    /// Of this severity, or worse.
    pub severity: Option<u8>,
    /// To be seen to by.
    pub owner: Option<String>,
    /// Of this customer of ours.
    pub customer: Option<String>,
    /// Of this vendor id: invoice, transaction or subscription; or of this key.
    pub reference: Option<String>,
}

struct Row {
    id: Uuid,
    code: String,
    key: String,
    leg: String,
    severity: i16,
    owner: String,
    state: String,
    customer: Option<String>,
    subscription: Option<String>,
    invoice: Option<String>,
    transaction_id: Option<String>,
    left_says: String,
    right_says: String,
    detail: String,
    amount_minor: Option<i64>,
    currency: Option<String>,
    dated: DateTime<Utc>,
    first_seen: DateTime<Utc>,
    last_seen: DateTime<Utc>,
    occurrences: i64,
    tries: i32,
}

fn standing(word: &str) -> Result<Standing, StoreError> {
    Standing::parse(word).ok_or_else(|| StoreError::Unreadable(format!("a finding's state `{word}`")))
}

impl TryFrom<Row> for Finding {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            code: row.code,
            key: row.key,
            leg: row.leg,
            severity: unsigned("a severity", row.severity)?,
            owner: row.owner,
            state: standing(&row.state)?,
            customer: row.customer,
            subscription: row.subscription,
            invoice: row.invoice,
            transaction: row.transaction_id,
            left: row.left_says,
            right: row.right_says,
            detail: row.detail,
            amount: amount(row.amount_minor, row.currency.as_deref())?,
            dated: row.dated,
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            occurrences: unsigned("a count", row.occurrences)?,
            tries: unsigned("a count of tries", row.tries)?,
        })
    }
}

/// Writes what a run saw, and closes what it did not see any more where it looked at all.
pub(super) async fn record(
    tx: &mut PgConnection,
    run: Uuid,
    seen: &[Seen],
    scopes: &[Scope],
    now: DateTime<Utc>,
) -> Result<Changes, StoreError> {
    let mut changes = Changes::default();
    let mut keys = BTreeSet::new();
    for Seen { leg, found } in seen {
        let code = found.code.as_str();
        // One finding a code and key, even if a leg says it twice.
        if !keys.insert((code.clone(), found.key.clone())) {
            continue;
        }
        let before = sqlx::query!(
            "select id, state, left_says, right_says, tries from finding where code = $1 and key = $2 for update",
            code,
            storable(&found.key)
        );
        let before = before.fetch_optional(&mut *tx).await?;
        let known = match &before {
            None => None,
            Some(row) => {
                let same = format!("{} | {}", row.left_says, row.right_says) == storable(&found.values());
                Some((standing(&row.state)?, same))
            }
        };
        let (change, state) = life::seen(known);
        let id = before.as_ref().map_or_else(Uuid::now_v7, |row| row.id);
        let row = found.code.row();
        sqlx::query!(
            "insert into finding (id, code, key, leg, severity, owner, state, customer, subscription, invoice,
                 transaction_id, left_says, right_says, detail, amount_minor, currency, dated, first_seen, last_seen,
                 occurrences, last_run, tries)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, 1, $19, 0)
             on conflict (code, key) do update set severity = $5, state = $7, customer = $8, subscription = $9,
                 invoice = $10, transaction_id = $11, left_says = $12, right_says = $13, detail = $14, amount_minor = $15,
                 currency = $16, last_seen = $18, occurrences = finding.occurrences + 1, last_run = $19",
            id,
            code,
            storable(&found.key),
            leg.as_str(),
            i16::from(found.severity),
            row.owner.as_str(),
            state.as_str(),
            found.about.customer.as_deref().map(storable),
            found.about.subscription.as_deref().map(storable),
            found.about.invoice.as_deref().map(storable),
            found.about.transaction.as_deref().map(storable),
            storable(&found.left),
            storable(&found.right),
            storable(&found.detail),
            found.at_risk.map(|amount| amount.minor),
            found.at_risk.map(|amount| amount.currency.code()),
            found.dated,
            now,
            run
        )
        .execute(&mut *tx)
        .await?;
        if change != life::Change::SeenAgain {
            say(tx, id, change.as_str(), "reconciliation", &found.detail, Some(run), now).await?;
        }
        let tries = before.map_or(0, |row| row.tries);
        changes.seen.push((id, change.as_str(), state, unsigned("a count of tries", tries)?));
    }
    for scope in scopes {
        let standing_there = sqlx::query!(
            "select id, code, key, state from finding
             where leg = $1 and (dated >= $2 or key = any($5)) and last_run <> $3 and state in ('open', 'ignored')
                 and not key = any($4) order by code, key",
            scope.leg.as_str(),
            scope.from,
            run,
            &scope.except,
            &scope.agreed
        );
        for row in standing_there.fetch_all(&mut *tx).await? {
            let Some(state) = life::unseen(standing(&row.state)?) else { continue };
            sqlx::query!("update finding set state = $2 where id = $1", row.id, state.as_str())
                .execute(&mut *tx)
                .await?;
            say(tx, row.id, "resolved", "reconciliation", "resolved_by_data: both sides agree", Some(run), now).await?;
            changes.resolved.push((row.id, row.code, row.key));
        }
    }
    Ok(changes)
}

async fn say(
    tx: &mut PgConnection,
    finding: Uuid,
    act: &str,
    by: &str,
    reason: &str,
    run: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into finding_act (id, finding, at, act, by, reason, run) values ($1, $2, $3, $4, $5, $6, $7)",
        Uuid::now_v7(),
        finding,
        now,
        act,
        storable(by),
        storable(reason),
        run
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Something was done about a finding by itself.
///
/// # Errors
/// The database cannot be reached.
pub async fn tried(pool: &PgPool, finding: Uuid, what: &str, run: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::query!("update finding set tries = tries + 1 where id = $1", finding).execute(&mut *tx).await?;
    say(&mut tx, finding, "tried", "reconciliation", what, Some(run), now).await?;
    Ok(tx.commit().await?)
}

/// A person decides how a finding stands; the act and its reason are kept. False: it does not stand as they saw it.
pub(super) async fn act_on(
    tx: &mut PgConnection,
    finding: Uuid,
    (from, to): (&[Standing], Standing),
    (act, by, reason): (&str, &str, &str),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let from: Vec<String> = from.iter().map(|standing| standing.as_str().to_owned()).collect();
    let changed =
        sqlx::query!("update finding set state = $3 where id = $1 and state = any($2)", finding, &from, to.as_str());
    if changed.execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(false);
    }
    say(tx, finding, act, by, reason, None, now).await?;
    Ok(true)
}

/// One finding.
///
/// # Errors
/// The database cannot be reached.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<Finding>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select id, code, key, leg, severity, owner, state, customer, subscription, invoice, transaction_id, left_says,
             right_says, detail, amount_minor, currency, dated, first_seen, last_seen, occurrences, tries
         from finding where id = $1",
        id
    );
    row.fetch_optional(pool).await?.map(Finding::try_from).transpose()
}

/// Findings: money at risk first, then by severity and age.
///
/// # Errors
/// The database cannot be reached.
pub async fn findings(pool: &PgPool, filter: &FindingFilter, limit: u16) -> Result<Vec<Finding>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "select id, code, key, leg, severity, owner, state, customer, subscription, invoice, transaction_id, left_says,
             right_says, detail, amount_minor, currency, dated, first_seen, last_seen, occurrences, tries
         from finding
         where ($1::text is null or state = $1) and ($2::text is null or code = $2)
             and ($3::smallint is null or severity <= $3) and ($4::text is null or owner = $4)
             and ($5::text is null or customer = $5)
             and ($6::text is null or $6 in (key, invoice, transaction_id, subscription))
         order by severity, amount_minor desc nulls last, first_seen, id limit $7",
        filter.state.map(Standing::as_str),
        filter.code,
        filter.severity.map(i16::from),
        filter.owner,
        filter.customer,
        filter.reference,
        i64::from(limit)
    );
    rows.fetch_all(pool).await?.into_iter().map(Finding::try_from).collect()
}

/// Ids that findings of these legs stand under, set aside or not: what is looked at again whatever its age.
///
/// # Errors
/// The database cannot be reached.
pub async fn standing_ids(pool: &PgPool, legs: &[Leg]) -> Result<Vec<String>, StoreError> {
    let legs: Vec<String> = legs.iter().map(|leg| leg.as_str().to_owned()).collect();
    let ids = sqlx::query_scalar!(
        r#"select key as "id!" from finding where leg = any($1) and state in ('open', 'ignored')
           union select transaction_id from finding
               where leg = any($1) and state in ('open', 'ignored') and transaction_id is not null"#,
        &legs
    );
    Ok(ids.fetch_all(pool).await?)
}

/// What became of a finding: (when, what, by whom, why), oldest first.
///
/// # Errors
/// The database cannot be reached.
pub async fn acts_of(pool: &PgPool, finding: Uuid) -> Result<Vec<(DateTime<Utc>, String, String, String)>, StoreError> {
    let rows = sqlx::query!("select at, act, by, reason from finding_act where finding = $1 order by at, id", finding);
    Ok(rows.fetch_all(pool).await?.into_iter().map(|row| (row.at, row.act, row.by, row.reason)).collect())
}
