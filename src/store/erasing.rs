//! A person who is erased: what is kept of them, what stands in the way, the erasure itself, and the proof that nothing is
//! left. Events and journals name nobody and are never touched; the ids by which a person is linked to vendors stay, so that
//! what comes late is known as theirs.

use super::entry::{Chain, Entry};
use super::error::{StoreError, retrying, unsigned};
use super::links::{LinkKind, links_of};
use super::log::amount;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt as _;
use sagas::kernel::answer::{InFlight, Kept, PersonSurvey};
use sagas::kernel::effect::AttioRecord;
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::Money;
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Deliveries that are looked through at once.
const PAGE: i64 = 200;
/// What is shorter names nobody: it stands in any body.
const NAMES: usize = 5;
/// So many words of a late delivery are asked for.
const WORDS: usize = 2_000;

/// Links that lead to a person, and to nothing that is bought.
const OF_PEOPLE: [LinkKind; 8] = [
    LinkKind::AttioCompany,
    LinkKind::AttioPerson,
    LinkKind::ZohoCustomer,
    LinkKind::ZohoContact,
    LinkKind::ZohoAccount,
    LinkKind::DeskContact,
    LinkKind::BraintreeCustomer,
    LinkKind::PlatformUser,
];

/// Ledger accounts: what is owed to us, and what we owe: money that is not applied, credit, refunds on their way.
const RECEIVABLE: [i32; 1] = [1200];
const HELD: [i32; 3] = [2100, 2110, 2120];

/// How an erasure went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erased {
    /// So much went.
    Done(Kept),
    /// A saga of the person is under way: nothing went.
    Busy(Vec<InFlight>),
}

/// What is known of a person by ids.
#[derive(Debug, Default)]
struct Known {
    links: Vec<(LinkKind, String)>,
    /// Subscription ids of ours.
    subscriptions: Vec<String>,
    /// Their ids at vendors.
    theirs: Vec<String>,
}

impl Known {
    /// Every id by which a saga refers to the person.
    fn ids(&self, customer: &str) -> Vec<String> {
        let linked = self.links.iter().map(|(_, theirs)| theirs);
        let own = std::iter::once(customer.to_owned());
        own.chain(linked.chain(&self.subscriptions).chain(&self.theirs).cloned()).collect()
    }

    fn linked(&self, wanted: LinkKind) -> Option<String> {
        self.links.iter().find(|(kind, _)| *kind == wanted).map(|(_, theirs)| theirs.clone())
    }
}

/// Surveys a person for the saga that erases them.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn survey(pool: &PgPool, customer: &str, asking: SagaId) -> Result<PersonSurvey, StoreError> {
    let known = known(pool, customer).await?;
    let record = |kind, object: &str| known.linked(kind).map(|id| AttioRecord { object: object.to_owned(), id });
    let attio_client = record(LinkKind::AttioCompany, "companies").or_else(|| record(LinkKind::AttioPerson, "people"));
    let booked = sqlx::query_scalar!("select max(effective) from journal where customer = $1", customer);
    Ok(PersonSurvey {
        zoho_customer: known.linked(LinkKind::ZohoCustomer),
        braintree_customer: known.linked(LinkKind::BraintreeCustomer),
        attio_client,
        in_flight: in_flight(&mut *pool.acquire().await?, &known.ids(customer), customer, asking).await?,
        owed: balances(pool, customer, &RECEIVABLE).await?,
        held: balances(pool, customer, &HELD).await?,
        last_booked_on: booked.fetch_one(pool).await?,
        kept: kept(pool, customer, &known).await?,
        subscriptions: known.subscriptions,
    })
}

async fn known(pool: &PgPool, customer: &str) -> Result<Known, StoreError> {
    let links = links_of(pool, customer).await?;
    let sold = sqlx::query!(
        "select distinct r.kind, r.value from saga s
         join event e on e.shard = s.shard and e.saga = s.id join reference r on r.event = e.id
         where s.customer = $1 and r.kind in ('subscription', 'zoho_subscription')",
        customer
    );
    let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    for row in sold.fetch_all(pool).await? {
        if row.kind == "subscription" {
            ours.insert(row.value)
        } else {
            theirs.insert(row.value)
        };
    }
    let theirs_of_ours = sqlx::query_scalar!(
        "select ours from link where kind = 'zoho_subscription' and theirs = any($1)",
        &theirs.iter().cloned().collect::<Vec<_>>()
    );
    ours.extend(theirs_of_ours.fetch_all(pool).await?);
    for ours in &ours {
        theirs.extend(links_of(pool, ours).await?.into_iter().map(|(_, theirs)| theirs));
    }
    Ok(Known { links, subscriptions: ours.into_iter().collect(), theirs: theirs.into_iter().collect() })
}

/// Sagas of the person that have not ended, but for the one that asks, oldest first. Not those that are erasures of
/// theirs: there is one stream of them, and it asks.
async fn in_flight(
    connection: &mut PgConnection,
    ids: &[String],
    customer: &str,
    asking: SagaId,
) -> Result<Vec<InFlight>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id!", kind as "kind!", state as "state!", started_at as "started_at!" from (
               select id, kind, state, started_at from saga where customer = $1 and ended is null
               union
               select s.id, s.kind, s.state, s.started_at
               from reference r join saga s on s.id = r.saga and s.shard = r.shard
               where r.value = any($2) and s.ended is null
                 and r.kind in ('customer', 'subscription', 'zoho_customer', 'zoho_subscription', 'braintree_customer')
           ) theirs where id <> $3 order by started_at, id"#,
        customer,
        ids,
        asking.0
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows.map(|row| InFlight { saga: SagaId(row.id), flow: row.kind, state: row.state }).collect())
}

/// What the person's journals leave on these accounts, by currency; nothing where they are even.
async fn balances(pool: &PgPool, customer: &str, accounts: &[i32]) -> Result<Vec<Money>, StoreError> {
    let rows = sqlx::query!(
        r#"select l.currency, abs(sum(case l.side when 'debit' then l.amount_minor else -l.amount_minor end))::bigint
               as minor
           from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
           where j.customer = $1 and l.account = any($2) group by l.currency
           having sum(case l.side when 'debit' then l.amount_minor else -l.amount_minor end) <> 0
           order by l.currency"#,
        customer,
        accounts
    );
    let mut all = Vec::new();
    for row in rows.fetch_all(pool).await? {
        all.extend(amount(row.minor, Some(&row.currency))?);
    }
    Ok(all)
}

async fn kept(pool: &PgPool, customer: &str, known: &Known) -> Result<Kept, StoreError> {
    let rows = sqlx::query!(
        r#"select
               (select count(*) from person where customer = $1 and data is not null)
               + (select count(*) from profile_copy where customer = $1)
               + (select count(*) from profile_displaced where customer = $1) as "people!",
               (select count(*) from consent_evidence where customer = $1 and data is not null) as "consents!",
               (select count(*) from mail where customer = $1 and reply is not null) as "mails!",
               (select count(*) from secret_input i where exists (
                   select 1 from saga s join event e on e.shard = s.shard and e.saga = s.id
                   where s.customer = $1 and position(i.id::text in e.payload) > 0)) as "inputs!""#,
        customer
    );
    let rows = rows.fetch_one(pool).await?;
    let mut deliveries = 0;
    let needles = needles(pool, customer, known).await?;
    let mut after = None;
    while let Some((page, last)) = bodies(pool, after).await? {
        deliveries += page.iter().filter(|(_, body)| names(body, &needles)).count() as u64;
        after = Some(last);
    }
    Ok(Kept {
        people: unsigned("a count", rows.people)?,
        consents: unsigned("a count", rows.consents)?,
        deliveries,
        inputs: unsigned("a count", rows.inputs)?,
        mails: unsigned("a count", rows.mails)?,
    })
}

/// Words that only a body about the person has: ids, and the address as long as it is known.
async fn needles(pool: &PgPool, customer: &str, known: &Known) -> Result<Vec<String>, StoreError> {
    let person = sqlx::query_scalar!("select data from person where customer = $1", customer);
    let data = person.fetch_optional(pool).await?.flatten();
    let data: Option<serde_json::Value> = data.as_deref().and_then(|data| serde_json::from_str(data).ok());
    let email = data.and_then(|data| Some(data.get("email")?.as_str()?.trim().to_lowercase()));
    let all = known.ids(customer).into_iter().chain(email).map(|word| word.to_lowercase());
    Ok(all.filter(|word| word.len() >= NAMES).collect())
}

/// Raw bodies that a router has seen, from one on, with the last of them; none: there are no more.
type Bodies = (Vec<(Uuid, Vec<u8>)>, Uuid);

async fn bodies(pool: &PgPool, after: Option<Uuid>) -> Result<Option<Bodies>, StoreError> {
    let rows = sqlx::query!(
        "select id, body from inbox where id > $1 and body <> '' and state <> 'received' order by id limit $2",
        after.unwrap_or(Uuid::nil()),
        PAGE
    );
    let page: Vec<_> = rows.fetch_all(pool).await?.into_iter().map(|row| (row.id, row.body)).collect();
    Ok(page.last().map(|(last, _)| *last).map(|last| (page, last)))
}

fn names(body: &[u8], needles: &[String]) -> bool {
    let text = readable(body).to_lowercase();
    needles.iter().any(|needle| text.contains(needle))
}

/// A body's text; a form whose payload is Base64 is opened.
fn readable(body: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    for (_, payload) in url::form_urlencoded::parse(body).filter(|(name, _)| name == "bt_payload") {
        let payload: String = payload.chars().filter(|c| !c.is_whitespace()).collect();
        if let Ok(opened) = STANDARD.decode(payload) {
            text.push_str(&String::from_utf8_lossy(&opened));
        }
    }
    text
}

/// Erases what is kept here of a person, unless a saga of theirs is under way. The person's row goes last and stays empty: a
/// crash in between is made good by asking again, and from then on nothing is kept of them any more.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn erase(pool: &PgPool, customer: &str, asking: Option<SagaId>) -> Result<Erased, StoreError> {
    let known = known(pool, customer).await?;
    let ids = known.ids(customer);
    if let Some(asking) = asking {
        let busy = in_flight(&mut *pool.acquire().await?, &ids, customer, asking).await?;
        if !busy.is_empty() {
            return Ok(Erased::Busy(busy));
        }
    }
    let deliveries = erase_bodies(pool, &needles(pool, customer, &known).await?).await?;
    retrying(|| async {
        let mut tx = pool.begin().await?;
        // Two erasures of one person, and an erasure and a read that brings the person back, are one after the other.
        sqlx::query!(
            "insert into person (customer, data, changed_at) values ($1, null, now())
             on conflict (customer) do update set changed_at = person.changed_at",
            customer
        )
        .execute(&mut *tx)
        .await?;
        if let Some(asking) = asking {
            let busy = in_flight(&mut tx, &ids, customer, asking).await?;
            if !busy.is_empty() {
                return Ok(Erased::Busy(busy));
            }
        }
        let consents =
            sqlx::query!("update consent_evidence set data = null where customer = $1 and data is not null", customer);
        let consents = consents.execute(&mut *tx).await?.rows_affected();
        let mails = sqlx::query!("update mail set reply = null where customer = $1 and reply is not null", customer);
        let mails = mails.execute(&mut *tx).await?.rows_affected();
        let inputs = sqlx::query!(
            "delete from secret_input i where exists (
                 select 1 from saga s join event e on e.shard = s.shard and e.saga = s.id
                 where s.customer = $1 and position(i.id::text in e.payload) > 0)",
            customer
        );
        let inputs = inputs.execute(&mut *tx).await?.rows_affected();
        let people = sqlx::query!(
            "update person set data = null, changed_at = now() where customer = $1 and data is not null",
            customer
        );
        let mut people = people.execute(&mut *tx).await?.rows_affected();
        let copies = sqlx::query!("delete from profile_copy where customer = $1", customer);
        people += copies.execute(&mut *tx).await?.rows_affected();
        let displaced = sqlx::query!("delete from profile_displaced where customer = $1", customer);
        people += displaced.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(Erased::Done(Kept { people, consents, deliveries, inputs, mails }))
    })
    .await
}

async fn erase_bodies(pool: &PgPool, needles: &[String]) -> Result<u64, StoreError> {
    let (mut erased, mut after) = (0, None);
    while let Some((page, last)) = bodies(pool, after).await? {
        let theirs: Vec<Uuid> = page.iter().filter(|(_, body)| names(body, needles)).map(|(id, _)| *id).collect();
        if !theirs.is_empty() {
            let gone = sqlx::query!("update inbox set body = '', headers = '{}' where id = any($1)", &theirs);
            erased += gone.execute(pool).await?.rows_affected();
        }
        after = Some(last);
    }
    Ok(erased)
}

/// What is kept of a person now.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn left(pool: &PgPool, customer: &str) -> Result<Kept, StoreError> {
    kept(pool, customer, &known(pool, customer).await?).await
}

/// Hashes every event of the person's flows again, each with its neighbours in its shard's chain. How many there are, and
/// what is wrong with the first that is not what it was.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn verify_flows(pool: &PgPool, customer: &str, shards: u16) -> Result<(u64, Option<String>), StoreError> {
    let mut rows = sqlx::query!(
        r#"select e.shard, e.pos, e.saga, e.seq, e.id, e.name, e.payload, e.principal, e.at, e.amount_minor, e.currency,
               e.prev_hash, e.hash, b.hash as "before?", n.prev_hash as "after?"
           from saga s join event e on e.shard = s.shard and e.saga = s.id
           left join event b on b.shard = e.shard and b.pos = e.pos - 1
           left join event n on n.shard = e.shard and n.pos = e.pos + 1
           where s.customer = $1 order by e.shard, e.pos"#,
        customer
    )
    .fetch(pool);
    let mut events = 0;
    while let Some(row) = rows.try_next().await? {
        let shard = u16::try_from(row.shard).map_err(|_| StoreError::Unreadable(format!("shard {}", row.shard)))?;
        let entry = Entry {
            shard,
            pos: unsigned("a position", row.pos)?,
            saga: row.saga,
            seq: unsigned("a sequence", row.seq)?,
            id: row.id,
            name: row.name,
            payload: row.payload,
            principal: row.principal,
            at: row.at,
            amount_minor: row.amount_minor,
            currency: row.currency,
            prev_hash: hex::encode(&row.prev_hash),
            hash: hex::encode(&row.hash),
        };
        let mut chain = Chain::new(shard, shards);
        if let Some(before) = row.before {
            chain.hash = before.try_into().map_err(|_| StoreError::Unreadable("a hash".to_owned()))?;
            chain.pos = entry.pos - 1;
        }
        let unlinked = row.after.is_some_and(|after| after != row.hash).then_some("the next event is not linked to it");
        if let Some(what) = chain.follow(&entry).or_else(|| unlinked.map(str::to_owned)) {
            return Ok((events, Some(format!("shard {shard}, position {}: {what}", entry.pos))));
        }
        events += 1;
    }
    Ok((events, None))
}

/// A late delivery is about somebody who was erased: it names an id under which one of them is linked.
///
/// # Errors
/// The database cannot be reached.
pub async fn is_of_erased(pool: &PgPool, body: &[u8]) -> Result<bool, StoreError> {
    let any = sqlx::query_scalar!(r#"select exists (select 1 from person where data is null) as "any!""#);
    if !any.fetch_one(pool).await? {
        return Ok(false);
    }
    let text = readable(body);
    let part = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let words: BTreeSet<&str> =
        text.split(part).filter(|word| (NAMES..=64).contains(&word.len())).take(WORDS).collect();
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let erased = sqlx::query_scalar!(
        r#"select exists (
               select 1 from link l join person p on p.customer = l.ours and p.data is null
               where l.kind = any($2) and l.theirs = any($1)) as "is!""#,
        &words,
        &OF_PEOPLE.map(|kind| kind.as_str().to_owned())
    );
    Ok(erased.fetch_one(pool).await?)
}

/// Erasures that are not done though their time is nearly up, or over.
///
/// # Errors
/// The database cannot be reached.
pub async fn late(pool: &PgPool) -> Result<u64, StoreError> {
    let late = sqlx::query_scalar!(
        r#"select count(*) as "late!" from saga where kind = 'erasure' and ended is null and state like '%Urgently'"#
    );
    unsigned("a count", late.fetch_one(pool).await?)
}

/// Every customer of whom anything can be kept: those with a row, with evidence, or linked to a vendor.
///
/// # Errors
/// The database cannot be reached.
pub async fn customers(pool: &PgPool) -> Result<Vec<String>, StoreError> {
    let all = sqlx::query_scalar!(
        r#"select customer as "customer!" from person
           union select customer from consent_evidence
           union select ours from link where kind = any($1)"#,
        &OF_PEOPLE.map(|kind| kind.as_str().to_owned())
    );
    Ok(all.fetch_all(pool).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_names_somebody_by_an_id_or_an_address_in_whatever_form_it_came() {
        let needles = ["982000000567114".to_owned(), "ada@example.org".to_owned()];
        let xml = STANDARD.encode("<customer><email>Ada@Example.org</email></customer>");
        let form = format!(
            "bt_signature=x&bt_payload={}",
            url::form_urlencoded::byte_serialize(xml.as_bytes()).collect::<String>()
        );
        for body in [r#"{"customer_id":"982000000567114"}"#, r#"{"email":"ADA@example.org"}"#, form.as_str()] {
            assert!(names(body.as_bytes(), &needles), "{body}");
        }
        for body in ["", "{}", "bt_payload=%%%", r#"{"customer_id":"98200000056711"}"#] {
            assert!(!names(body.as_bytes(), &needles), "{body}");
        }
    }
}
