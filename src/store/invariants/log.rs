//! Events, sagas and what stands beside them, of a snapshot.

use super::{Snapshot as Instant, Take, Wrong, hand_on};
use crate::store::checks::{Snapshot, sagas_within};
use crate::store::error::StoreError;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A counted charge of a card.
#[derive(Debug, Clone)]
pub struct Charge {
    /// The card's fingerprint.
    pub card: String,
    /// Braintree's word.
    pub brand: String,
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// Under which order id.
    pub order_id: String,
    /// By which saga.
    pub saga: Uuid,
}

impl Instant {
    /// The next sagas after that id with their events; where only later ones are wanted, those that changed since.
    ///
    /// # Errors
    /// The database cannot be reached, or holds what cannot be read.
    pub async fn sagas_after(&mut self, after: Option<Uuid>, limit: i64) -> Result<Vec<Snapshot>, StoreError> {
        sagas_within(&mut self.tx, after, &[], limit, self.since).await
    }

    /// Who holds these claims: (kind, key) of those that somebody other than this saga holds, and who.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn held_by_others(
        &mut self,
        kinds: &[String],
        keys: &[String],
        saga: Uuid,
    ) -> Result<Vec<(String, String, Uuid)>, StoreError> {
        let rows = sqlx::query!(
            "select c.kind, c.key, c.saga from claim c join unnest($1::text[], $2::text[]) as w(kind, key)
                 on c.kind = w.kind and c.key = w.key
             where c.saga <> $3 order by c.kind, c.key",
            kinds,
            keys,
            saga
        );
        Ok(rows.fetch_all(&mut *self.tx).await?.into_iter().map(|row| (row.kind, row.key, row.saga)).collect())
    }

    /// Every counted charge that was not given back, by card and time.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn charges(&mut self, take: impl FnMut(Charge) + Send) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Charge,
            "select card, brand, at, order_id, saga from card_charge where state <> 'given_back' order by card, at, order_id"
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }

    /// I39: positions of a shard and sequences of a saga that do not follow on the one before, and sagas whose row says
    /// another length.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn gaps(&mut self, take: Take<'_>) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Wrong,
            r#"select format('position %s of shard %s follows on %s', p.pos, p.shard, p.before) as "what!",
                   null as subject, p.saga as "saga?", p.id as "event?", null::uuid as journal
               from (select shard, pos, saga, id, coalesce(lag(pos) over (partition by shard order by pos), 0) as before
                     from event) p
               where p.pos <> p.before + 1
               union all
               select format('event %s of its saga follows on %s', q.seq, q.before), null, q.saga, q.id, null
               from (select shard, saga, seq, id,
                         coalesce(lag(seq) over (partition by shard, saga order by seq), 0) as before from event) q
               where q.seq <> q.before + 1
               union all
               select format('it has %s events, and its row says %s', coalesce(e.n, 0), coalesce(s.seq::text, 'nothing')),
                   null, coalesce(s.id, e.saga), null, null
               from saga s full join (select shard, saga, count(*) as n from event group by shard, saga) e
                   on e.shard = s.shard and e.saga = s.id
               where s.seq is distinct from coalesce(e.n, 0)"#
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }

    /// I44: sagas that nothing will ever wake.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn forgotten(&mut self, take: Take<'_>) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Wrong,
            r#"select format('%s %s is not ended, not due and not parked: nothing will wake it', kind, state) as "what!",
                   null as subject, id as "saga?", null::uuid as event, null::uuid as journal
               from saga where due_at is null and parked_code is null and ended is null"#
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }

    /// I52: orders that one person both asked for and agreed to, and decisions without a name.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn approved_alone(&mut self, take: Take<'_>) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Wrong,
            r#"select case when a.decided_by is null or trim(a.decided_by) = ''
                       then format('the request to %s was decided by nobody', a.verb)
                       when trim(a.reason) = '' then format('the request to %s has no reason', a.verb)
                       else format('%s was asked for and approved by %s', a.verb, a.asked_by) end as "what!",
                   format('request %s', a.id) as subject, a.saga as "saga?", null::uuid as event, null::uuid as journal
               from approval a
               where (a.state <> 'open' and (a.decided_by is null or trim(a.decided_by) = ''))
                  or (a.state = 'approved' and a.decided_by = a.asked_by) or trim(a.reason) = ''"#
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }

    /// I55: events that hold a field which only a card form has, a nonce of the vendor's form, or a card number written
    /// in groups; ids of ours can look like one within, and are left out. The text itself is not told.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn card_data(&mut self, take: Take<'_>) -> Result<(), StoreError> {
        let rows = sqlx::query_as!(
            Wrong,
            r#"select format('position %s of shard %s: its text holds what looks like card data or a secret', pos, shard)
                       as "what!",
                   name as "subject?", saga as "saga?", id as "event?", null::uuid as journal
               from event
               where payload ~* '"(cvv|cvc|card_number|payment_method_nonce|nonce|client_token|access_token|refresh_token)" *: *"[^"]'
                  or payload ~ 'tokencc_[a-z0-9]{4}'
                  or (payload ~ '[^0-9]([0-9]{4}[ -]){3}[0-9]{4}[^0-9]'
                      and regexp_replace(payload, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '', 'g')
                          ~ '[^0-9]([0-9]{4}[ -]){3}[0-9]{4}[^0-9]')
                  or payload ~ '"[^"]*(Bearer |Zoho-oauthtoken )[A-Za-z0-9._-]{16}'"#
        );
        hand_on(rows.fetch(&mut *self.tx), take).await
    }
}
