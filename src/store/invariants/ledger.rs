//! Journals and lines of a snapshot.

use super::{Snapshot, Take, Wrong, hand_on};
use crate::store::error::StoreError;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// What journals are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A Braintree transaction.
    Transaction,
    /// A Zoho invoice.
    Invoice,
    /// A customer of ours.
    Customer,
    /// The saga whose event it was.
    Saga,
}

impl Subject {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Invoice => "invoice",
            Self::Customer => "customer",
            Self::Saga => "saga",
        }
    }
}

/// One line with what it belongs to.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The subject's id.
    pub key: String,
    /// ISO 4217.
    pub currency: String,
    /// When it was written (UTC): one instant is one append.
    pub booked_at: DateTime<Utc>,
    /// The saga whose event it was.
    pub saga: Uuid,
    /// How that saga ended; none: it has not.
    pub ended: Option<String>,
    /// Its event.
    pub event: Uuid,
    /// The event's name.
    pub event_name: String,
    /// Its journal.
    pub journal: Uuid,
    /// The journal's rule.
    pub rule: String,
    /// The account's number.
    pub account: i32,
    /// Debits less credits, in minor units.
    pub minor: i64,
    /// Collection of the journal's invoice is on hold now.
    pub on_hold: bool,
}

/// A journal as it stands there, for comparison with its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its event.
    pub event: Uuid,
    /// Its id.
    pub id: Uuid,
    /// Its rule.
    pub rule: String,
    /// The vendor's date in the books zone.
    pub effective: NaiveDate,
    /// Customer, subscription, invoice, transaction, Zoho payment, channel.
    pub dimensions: [Option<String>; 6],
    /// In order.
    pub lines: Vec<KeptLine>,
}

/// (number, account, side, minor units, currency).
pub type KeptLine = (i32, i32, String, i64, String);

impl Snapshot {
    /// Every line by subject, currency and time.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn lines_by(&mut self, subject: Subject, take: impl FnMut(Posted) + Send) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Posted,
            r#"with named as (
                   select j.shard, j.id, j.event, j.rule, j.booked_at, j.invoice, e.saga, e.pos, e.name,
                       case $1 when 'transaction' then j.transaction_id when 'invoice' then j.invoice
                           when 'customer' then j.customer else e.saga::text end as key
                   from journal j join event e on e.shard = j.shard and e.id = j.event)
               select n.key as "key!", l.currency, n.booked_at, n.saga, s.ended as "ended?", n.event,
                   n.name as event_name, n.id as journal, n.rule, l.account,
                   (case l.side when 'debit' then l.amount_minor else -l.amount_minor end) as "minor!",
                   exists (select 1 from hold h where h.invoice = n.invoice) as "on_hold!"
               from named n
               join journal_line l on l.shard = n.shard and l.journal = n.id
               left join saga s on s.shard = n.shard and s.id = n.saga
               where n.key is not null
               and ($2::timestamptz is null or n.key in (select r.key from named r where r.booked_at >= $2))
               order by n.key, l.currency, n.booked_at, n.shard, n.pos, n.id, l.line"#,
            subject.as_str(),
            self.since
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }

    /// The journals of these events.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn journals_of(&mut self, events: &[Uuid]) -> Result<Vec<Kept>, StoreError> {
        let rows = sqlx::query!(
            r#"select j.event, j.id, j.rule, j.effective, j.customer, j.subscription, j.invoice, j.transaction_id,
                   j.zoho_payment, j.channel, l.line as "line?", l.account as "account?", l.side as "side?",
                   l.amount_minor as "minor?", l.currency as "currency?"
               from journal j left join journal_line l on l.shard = j.shard and l.journal = j.id
               where j.event = any($1) order by j.event, j.id, l.line"#,
            events
        );
        let mut kept: Vec<Kept> = Vec::new();
        for row in rows.fetch_all(&mut *self.tx).await? {
            if kept.last().is_none_or(|last| last.id != row.id || last.event != row.event) {
                let dimensions =
                    [row.customer, row.subscription, row.invoice, row.transaction_id, row.zoho_payment, row.channel];
                let (effective, lines) = (row.effective, Vec::new());
                kept.push(Kept { event: row.event, id: row.id, rule: row.rule, effective, dimensions, lines });
            }
            let line = (row.line, row.account, row.side, row.minor, row.currency);
            if let ((Some(line), Some(account), Some(side), Some(minor), Some(currency)), Some(last)) =
                (line, kept.last_mut())
            {
                last.lines.push((line, account, side, minor, currency));
            }
        }
        Ok(kept)
    }

    /// I01: journals that do not balance, have too few lines, or empty ones.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn unbalanced(&mut self, take: Take<'_>) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Wrong,
            r#"select case when coalesce(sum(c.lines), 0) < 2
                       then format('%s has %s line(s), and two are the least', j.rule, coalesce(sum(c.lines), 0))
                       when min(c.least) <= 0 then format('%s has a line that is zero or negative', j.rule)
                       else format('the debits and credits of %s differ by %s', j.rule,
                           string_agg(c.off::text || ' ' || c.currency, ', ') filter (where c.off <> 0)) end as "what!",
                   null as subject, min(e.saga::text)::uuid as saga, j.event as "event?", j.id as "journal?"
               from journal j
               left join event e on e.shard = j.shard and e.id = j.event
               left join (select shard, journal, currency, count(*) as lines, min(amount_minor) as least,
                              sum(case side when 'debit' then amount_minor else -amount_minor end) as off
                          from journal_line group by shard, journal, currency) c
                   on c.shard = j.shard and c.journal = j.id
               where $1::timestamptz is null or j.booked_at >= $1
               group by j.shard, j.id, j.event, j.rule
               having coalesce(sum(c.lines), 0) < 2 or min(c.least) <= 0 or bool_or(c.off <> 0)"#,
            self.since
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }

    /// I02: currencies in which all accounts together are not zero.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn trial_balance_off(&mut self, take: Take<'_>) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Wrong,
            r#"select format('debits are %s %s more than credits', o.off, o.currency) as "what!",
                   o.currency as "subject?", null::uuid as saga, null::uuid as event, null::uuid as journal
               from (select currency, sum(case side when 'debit' then amount_minor else -amount_minor end) as off
                     from journal_line group by currency) o
               where o.off <> 0"#
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }

    /// I03: lines without their journal, journals with a line missing, journals that were written at another instant
    /// than their event.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn altered(&mut self, take: Take<'_>) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Wrong,
            r#"select 'its journal is not there'::text as "what!", format('line %s', l.line) as subject,
                   null::uuid as saga, null::uuid as event, l.journal as "journal?"
               from journal_line l
               where not exists (select 1 from journal j where j.shard = l.shard and j.id = l.journal)
               union all
               select format('lines up to %s are numbered, and %s are there', max(l.line), count(*)), null, null,
                   null, l.journal
               from journal_line l group by l.shard, l.journal having max(l.line) <> count(*) or min(l.line) <> 1
               union all
               select format('it was written at %s, and its event at %s', j.booked_at, e.booked_at), null, e.saga,
                   e.id, j.id
               from journal j join event e on e.shard = j.shard and e.id = j.event
               where e.booked_at <> j.booked_at and ($1::timestamptz is null or j.booked_at >= $1)"#,
            self.since
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }

    /// I04: journals whose event is not in the log.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn without_event(&mut self, take: Take<'_>) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Wrong,
            r#"select format('%s names an event that is not in the log', j.rule) as "what!", null as subject,
                   null::uuid as saga, j.event as "event?", j.id as "journal?"
               from journal j
               where not exists (select 1 from event e where e.shard = j.shard and e.id = j.event)
               and ($1::timestamptz is null or j.booked_at >= $1)"#,
            self.since
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }

    /// I08: lines on the opening position's account that no opening wrote.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn opening_moved(&mut self, take: Take<'_>) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Wrong,
            r#"select format('%s moves account 3900', coalesce(j.rule, 'a line without journal')) as "what!",
                   format('line %s', l.line) as subject, e.saga as "saga?", j.event as "event?", l.journal as "journal?"
               from journal_line l
               left join journal j on j.shard = l.shard and j.id = l.journal
               left join event e on e.shard = j.shard and e.id = j.event
               where l.account = 3900 and coalesce(j.rule not like 'OPENING\_%', true)
               and ($1::timestamptz is null or j.booked_at >= $1)"#,
            self.since
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }

    /// I16: lines on receivables that belong to no invoice: the sum by invoice lacks them.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn receivables_of_no_invoice(&mut self, take: Take<'_>) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Wrong,
            r#"select format('%s moves receivables (1200) by %s %s and names no invoice', j.rule, l.amount_minor,
                       l.currency) as "what!",
                   format('line %s', l.line) as subject, e.saga as "saga?", j.event as "event?", j.id as "journal?"
               from journal_line l
               join journal j on j.shard = l.shard and j.id = l.journal
               left join event e on e.shard = j.shard and e.id = j.event
               where l.account = 1200 and j.invoice is null and ($1::timestamptz is null or j.booked_at >= $1)"#,
            self.since
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }
}
