//! What one flush inserts, column by column: one statement per table, however many sagas.

use super::head::Head;
use super::marks::Marks;
use crate::store::append::{Append, AppendError, NewEvent, SagaRow};
use crate::store::chain::{Header, link};
use crate::store::error::{StoreError, signed, storable};
use crate::store::items::NewItem;
use chrono::{DateTime, NaiveDate, Utc};
use sagas::kernel::money::Money;
use sagas::kernel::posting::{Journal, Side};
use sagas::kernel::saga::Mark;
use sqlx::PgConnection;
use uuid::Uuid;

/// Takes U+0000 out of every text but the payloads.
pub(super) fn make_storable(append: &mut Append) {
    let clean = |text: &mut String| {
        if text.contains('\0') {
            *text = storable(text);
        }
    };
    let row = &mut append.row;
    [&mut append.kind, &mut row.state, &mut row.title].into_iter().for_each(clean);
    [&mut row.customer, &mut row.waiting_for, &mut row.step].into_iter().flatten().for_each(clean);
    row.parked.iter_mut().for_each(|(_, detail, _)| clean(detail));
    append.items.iter_mut().filter_map(|item| item.refused.as_mut()).for_each(clean);
    for event in &mut append.events {
        clean(&mut event.name);
        clean(&mut event.principal);
        event.references.iter_mut().for_each(|(kind, value)| {
            clean(kind);
            clean(value);
        });
        for journal in &mut event.journals {
            let d = &mut journal.dimensions;
            [
                &mut d.customer,
                &mut d.subscription,
                &mut d.invoice,
                &mut d.transaction,
                &mut d.zoho_payment,
                &mut d.channel,
            ]
            .into_iter()
            .flatten()
            .for_each(clean);
        }
        event.marks.iter_mut().for_each(|mark| match mark {
            Mark::Confirm(claim) | Mark::Release(claim) => clean(&mut claim.key),
            Mark::Hold { invoice, .. } | Mark::LiftHold { invoice, .. } => clean(invoice),
            Mark::SpendCard { order_id } | Mark::GiveBackCard { order_id } => clean(order_id),
            Mark::ForgetValues { customer, mark } => {
                clean(customer);
                clean(mark);
            }
            Mark::EraseInput { .. } => {}
        });
    }
}

/// An amount in two columns.
fn columns(amount: Option<Money>) -> (Option<i64>, Option<String>) {
    (amount.map(|m| m.minor), amount.map(|m| m.currency.code().to_owned()))
}

/// All rows of one flush.
#[derive(Debug, Default)]
pub(super) struct Rows {
    sagas: Sagas,
    events: Events,
    references: References,
    journals: Journals,
    lines: Lines,
    marks: Marks,
    /// What events tell other sagas, each at most once: of one that is told again nothing is written.
    pub(super) tells: Vec<NewItem>,
}

impl Rows {
    /// Adds an append: numbers and chains its events at the end of the head, which moves on.
    pub(super) fn push(&mut self, index: usize, append: &Append, shard: u16, head: &mut Head) {
        let mut seq = append.expected;
        for event in &append.events {
            head.pos += 1;
            seq += 1;
            let header = Header {
                shard,
                pos: head.pos,
                saga: append.saga.0,
                seq,
                id: event.id,
                name: &event.name,
                principal: &event.principal,
                at: event.at,
                amount: event.amount.map(|m| (m.minor, m.currency.code())),
            };
            let hash = link(&head.hash, &header, &event.payload);
            self.events.push(&header, &event.payload, &head.hash, &hash);
            head.hash = hash;
            self.push_beside(index, append, shard, event);
        }
        head.streams.insert(append.saga, seq);
        self.sagas.push(append, shard, seq);
        self.marks.push_items(index, append);
        self.tells.extend(append.tells.iter().cloned());
    }

    /// What is derived of a saga whose whole history is this append: its row and its references.
    pub(super) fn derived(append: &Append, shard: u16) -> Self {
        let mut rows = Self::default();
        for event in &append.events {
            for (kind, value) in &event.references {
                rows.references.push(&storable(kind), &storable(value), event.id, shard, append.saga.0);
            }
        }
        rows.sagas.push(append, shard, append.events.len() as u64);
        rows
    }

    fn push_beside(&mut self, index: usize, append: &Append, shard: u16, event: &NewEvent) {
        for (kind, value) in &event.references {
            self.references.push(kind, value, event.id, shard, append.saga.0);
        }
        for journal in &event.journals {
            self.journals.push(shard, journal);
            self.lines.push(shard, journal);
        }
        for mark in &event.marks {
            self.marks.push(index, append.saga.0, event, mark);
        }
    }

    /// Writes all. What comes back was refused for a reason of its own: then the transaction must not be committed.
    pub(super) async fn insert(self, tx: &mut PgConnection) -> Result<Vec<(usize, AppendError)>, StoreError> {
        self.sagas.insert(tx).await?;
        self.events.insert(tx).await?;
        self.references.insert(tx).await?;
        self.journals.insert(tx).await?;
        self.lines.insert(tx).await?;
        self.marks.write(tx).await
    }
}

#[derive(Debug, Default)]
struct Sagas {
    shard: Vec<i32>,
    id: Vec<Uuid>,
    kind: Vec<String>,
    version: Vec<i32>,
    seq: Vec<i64>,
    status: Vec<String>,
    state: Vec<String>,
    title: Vec<String>,
    customer: Vec<Option<String>>,
    amount_minor: Vec<Option<i64>>,
    currency: Vec<Option<String>>,
    due_at: Vec<Option<DateTime<Utc>>>,
    waiting_for: Vec<Option<String>>,
    step: Vec<Option<String>>,
    parked_code: Vec<Option<String>>,
    parked_detail: Vec<Option<String>>,
    parked_since: Vec<Option<DateTime<Utc>>>,
    ended: Vec<Option<String>>,
    changed_at: Vec<DateTime<Utc>>,
    priority: Vec<Option<String>>,
}

impl Sagas {
    fn push(&mut self, append: &Append, shard: u16, seq: u64) {
        let row: &SagaRow = &append.row;
        let (minor, currency) = columns(row.amount);
        self.shard.push(i32::from(shard));
        self.id.push(append.saga.0);
        self.kind.push(append.kind.clone());
        self.version.push(i32::try_from(append.version).unwrap_or(i32::MAX));
        self.seq.push(signed(seq));
        self.status.push(row.status.as_str().to_owned());
        self.state.push(row.state.clone());
        self.title.push(row.title.clone());
        self.customer.push(row.customer.clone());
        self.amount_minor.push(minor);
        self.currency.push(currency);
        self.due_at.push(row.due_at);
        self.waiting_for.push(row.waiting_for.clone());
        self.step.push(row.step.clone());
        self.parked_code.push(row.parked.as_ref().map(|(code, ..)| code.as_str().to_owned()));
        self.parked_detail.push(row.parked.as_ref().map(|(_, detail, _)| detail.clone()));
        self.parked_since.push(row.parked.as_ref().map(|(.., since)| *since));
        self.ended.push(row.ended.map(|end| end.as_str().to_owned()));
        self.changed_at.push(row.changed_at);
        self.priority.push(row.priority.map(|priority| priority.word().to_owned()));
    }

    async fn insert(self, tx: &mut PgConnection) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into saga (shard, id, kind, version, seq, status, state, title, customer, amount_minor, currency,
                due_at, waiting_for, step, parked_code, parked_detail, parked_since, ended, changed_at, priority,
                started_at)
             select r.*, r.changed_at from unnest($1::integer[], $2::uuid[], $3::text[], $4::integer[], $5::bigint[],
                $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::timestamptz[],
                $13::text[], $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::text[], $19::timestamptz[],
                $20::text[])
                as r(shard, id, kind, version, seq, status, state, title, customer, amount_minor, currency,
                due_at, waiting_for, step, parked_code, parked_detail, parked_since, ended, changed_at, priority)
             on conflict (shard, id) do update set version = excluded.version, seq = excluded.seq,
                status = excluded.status, state = excluded.state, title = excluded.title,
                customer = excluded.customer, amount_minor = excluded.amount_minor, currency = excluded.currency,
                due_at = excluded.due_at, waiting_for = excluded.waiting_for, step = excluded.step,
                parked_code = excluded.parked_code, parked_detail = excluded.parked_detail,
                parked_since = excluded.parked_since, ended = excluded.ended, changed_at = excluded.changed_at,
                priority = excluded.priority",
            &self.shard,
            &self.id,
            &self.kind,
            &self.version,
            &self.seq,
            &self.status,
            &self.state,
            &self.title,
            &self.customer as &[Option<String>],
            &self.amount_minor as &[Option<i64>],
            &self.currency as &[Option<String>],
            &self.due_at as &[Option<DateTime<Utc>>],
            &self.waiting_for as &[Option<String>],
            &self.step as &[Option<String>],
            &self.parked_code as &[Option<String>],
            &self.parked_detail as &[Option<String>],
            &self.parked_since as &[Option<DateTime<Utc>>],
            &self.ended as &[Option<String>],
            &self.changed_at,
            &self.priority as &[Option<String>]
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Events {
    shard: Vec<i32>,
    pos: Vec<i64>,
    saga: Vec<Uuid>,
    seq: Vec<i64>,
    id: Vec<Uuid>,
    name: Vec<String>,
    payload: Vec<String>,
    principal: Vec<String>,
    at: Vec<DateTime<Utc>>,
    amount_minor: Vec<Option<i64>>,
    currency: Vec<Option<String>>,
    prev_hash: Vec<Vec<u8>>,
    hash: Vec<Vec<u8>>,
}

impl Events {
    fn push(&mut self, header: &Header<'_>, payload: &str, prev_hash: &[u8], hash: &[u8]) {
        self.shard.push(i32::from(header.shard));
        self.pos.push(signed(header.pos));
        self.saga.push(header.saga);
        self.seq.push(signed(header.seq));
        self.id.push(header.id);
        self.name.push(header.name.to_owned());
        self.payload.push(payload.to_owned());
        self.principal.push(header.principal.to_owned());
        self.at.push(header.at);
        self.amount_minor.push(header.amount.map(|(minor, _)| minor));
        self.currency.push(header.amount.map(|(_, code)| code.to_owned()));
        self.prev_hash.push(prev_hash.to_vec());
        self.hash.push(hash.to_vec());
    }

    async fn insert(self, tx: &mut PgConnection) -> Result<(), StoreError> {
        if self.id.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into event (shard, pos, saga, seq, id, name, payload, principal, at, amount_minor, currency,
                prev_hash, hash, booked_at)
             select r.*, now() from unnest($1::integer[], $2::bigint[], $3::uuid[], $4::bigint[], $5::uuid[],
                $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::bigint[], $11::text[], $12::bytea[],
                $13::bytea[]) as r",
            &self.shard,
            &self.pos,
            &self.saga,
            &self.seq,
            &self.id,
            &self.name,
            &self.payload,
            &self.principal,
            &self.at,
            &self.amount_minor as &[Option<i64>],
            &self.currency as &[Option<String>],
            &self.prev_hash,
            &self.hash
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct References {
    kind: Vec<String>,
    value: Vec<String>,
    event: Vec<Uuid>,
    shard: Vec<i32>,
    saga: Vec<Uuid>,
}

impl References {
    fn push(&mut self, kind: &str, value: &str, event: Uuid, shard: u16, saga: Uuid) {
        self.kind.push(kind.to_owned());
        self.value.push(value.to_owned());
        self.event.push(event);
        self.shard.push(i32::from(shard));
        self.saga.push(saga);
    }

    async fn insert(self, tx: &mut PgConnection) -> Result<(), StoreError> {
        if self.event.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into reference (kind, value, event, shard, saga)
             select * from unnest($1::text[], $2::text[], $3::uuid[], $4::integer[], $5::uuid[])
             on conflict (kind, value, event) do nothing",
            &self.kind,
            &self.value,
            &self.event,
            &self.shard,
            &self.saga
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Journals {
    shard: Vec<i32>,
    id: Vec<Uuid>,
    event: Vec<Uuid>,
    rule: Vec<String>,
    effective: Vec<NaiveDate>,
    customer: Vec<Option<String>>,
    subscription: Vec<Option<String>>,
    invoice: Vec<Option<String>>,
    transaction: Vec<Option<String>>,
    zoho_payment: Vec<Option<String>>,
    channel: Vec<Option<String>>,
}

impl Journals {
    fn push(&mut self, shard: u16, journal: &Journal) {
        let d = &journal.dimensions;
        self.shard.push(i32::from(shard));
        self.id.push(journal.id);
        self.event.push(journal.event);
        self.rule.push(journal.rule.as_str().to_owned());
        self.effective.push(journal.effective);
        self.customer.push(d.customer.clone());
        self.subscription.push(d.subscription.clone());
        self.invoice.push(d.invoice.clone());
        self.transaction.push(d.transaction.clone());
        self.zoho_payment.push(d.zoho_payment.clone());
        self.channel.push(d.channel.clone());
    }

    async fn insert(self, tx: &mut PgConnection) -> Result<(), StoreError> {
        if self.id.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into journal (shard, id, event, rule, effective, customer, subscription, invoice, transaction_id,
                zoho_payment, channel, booked_at)
             select r.*, now() from unnest($1::integer[], $2::uuid[], $3::uuid[], $4::text[], $5::date[], $6::text[],
                $7::text[], $8::text[], $9::text[], $10::text[], $11::text[]) as r",
            &self.shard,
            &self.id,
            &self.event,
            &self.rule,
            &self.effective,
            &self.customer as &[Option<String>],
            &self.subscription as &[Option<String>],
            &self.invoice as &[Option<String>],
            &self.transaction as &[Option<String>],
            &self.zoho_payment as &[Option<String>],
            &self.channel as &[Option<String>]
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Lines {
    shard: Vec<i32>,
    journal: Vec<Uuid>,
    line: Vec<i32>,
    account: Vec<i32>,
    side: Vec<String>,
    amount_minor: Vec<i64>,
    currency: Vec<String>,
}

impl Lines {
    fn push(&mut self, shard: u16, journal: &Journal) {
        for (number, line) in (1..).zip(&journal.lines) {
            self.shard.push(i32::from(shard));
            self.journal.push(journal.id);
            self.line.push(number);
            self.account.push(i32::from(line.account));
            let side = match line.side {
                Side::Debit => "debit",
                Side::Credit => "credit",
            };
            self.side.push(side.to_owned());
            self.amount_minor.push(line.amount.minor);
            self.currency.push(line.amount.currency.code().to_owned());
        }
    }

    async fn insert(self, tx: &mut PgConnection) -> Result<(), StoreError> {
        if self.journal.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into journal_line (shard, journal, line, account, side, amount_minor, currency)
             select * from unnest($1::integer[], $2::uuid[], $3::integer[], $4::integer[], $5::text[], $6::bigint[],
                $7::text[])",
            &self.shard,
            &self.journal,
            &self.line,
            &self.account,
            &self.side,
            &self.amount_minor,
            &self.currency
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}
