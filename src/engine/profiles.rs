//! What is kept beside the log of what customers are called elsewhere: what targets were given, what others wrote there, and
//! the comparison of both with what Attio holds. What leaves here are names of fields.

use super::drive::not_sent;
use crate::port::Person;
use crate::store::links::{LinkKind, links_of};
use crate::store::{StoreError, people, profiles};
use sagas::kernel::accounts::{account_id, company_domain};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Attio, Braintree, Crm, Effect, Zoho};
use sagas::kernel::outcome::{NotSent, Outcome, Rejection, RejectionKind};
use sagas::kernel::profile::{self, Compared, Comparison, Field, Fields, Shown, Target, Values};
use sqlx::PgPool;

/// The comparison that a call makes, if it makes one.
pub(super) fn comparison(effect: &Effect) -> Option<&Comparison> {
    match effect {
        Effect::Zoho(Zoho::ReadProfile(of))
        | Effect::Braintree(Braintree::ReadProfile(of))
        | Effect::Crm(Crm::ReadProfile(of)) => Some(of),
        _ => None,
    }
}

/// Compares what a target shows with what we hold and what it was given last; what others wrote there and is to be written
/// over is kept before the answer is. The answer with the names of the fields.
///
/// # Errors
/// The outcome of the read, which is then simply repeated.
pub(super) async fn read(
    pool: &PgPool,
    comparison: &Comparison,
    ours: Option<&Person>,
    theirs: &Person,
    seen: Option<String>,
) -> Result<Answer, Outcome> {
    let of = &comparison.of;
    let (ours, theirs) = (ours.ok_or_else(gone)?.values(), theirs.values());
    let known = known(pool, &of.customer, of.target).await.map_err(|e| store(&e))?;
    let differences = profile::compare(of.target, &ours, &known, &theirs, comparison.whole);
    if !differences.displaced.is_empty() {
        let kept = only(&theirs, &differences.displaced);
        let word = of.target.word();
        let kept = profiles::displace(pool, &of.customer, &comparison.mark, word, &kept).await;
        kept.map_err(|e| store(&e))?;
    }
    if !differences.even.is_empty() {
        let even = only(&ours, &differences.even);
        profiles::given(pool, &of.customer, of.target.word(), &even).await.map_err(|e| store(&e))?;
    }
    let shown = Shown { found: true, owed: differences.owed, displaced: differences.displaced, seen };
    Ok(Answer::ProfileShown(Box::new(shown)))
}

/// What follows here from a call that was done: what its target was given is kept, and what stands in a note is not any more.
///
/// # Errors
/// Our own store; what was done at the vendor is done.
pub(super) async fn done(pool: &PgPool, effect: &Effect, ours: Option<&Person>) -> Result<(), StoreError> {
    if let (Some((copy, fields)), Some(person)) = (effect.shows(), ours) {
        profiles::given(pool, &copy.customer, copy.target.word(), &only(&person.values(), &fields)).await?;
    }
    if let Effect::Attio(Attio::NoteDisplaced(note)) = effect {
        profiles::forget(&mut *pool.acquire().await?, &note.customer, &note.mark).await?;
    }
    Ok(())
}

/// What is kept under a mark: what others had written elsewhere, by where it stood; what the platform says, by its own word.
///
/// # Errors
/// Our own store.
pub(super) async fn displaced(pool: &PgPool, customer: &str, mark: &str) -> Result<Vec<(String, Values)>, StoreError> {
    let kept = profiles::displaced::<Values>(pool, customer, mark).await?.into_iter();
    let title = |word: &str| Target::ALL.into_iter().find(|target| target.word() == word).map(Target::title);
    Ok(kept.map(|(word, values)| (title(&word).map_or(word, str::to_owned), values)).collect())
}

/// Compares what we hold of a customer with what each target was given last.
///
/// # Errors
/// The outcome: nothing is held of the customer, or our own store does not answer.
pub(super) async fn compare(pool: &PgPool, customer: &str) -> Result<Answer, Outcome> {
    let person = people::get::<Person>(pool, customer).await.map_err(|e| store(&e))?.ok_or_else(gone)?;
    let compared = compared(pool, customer, &person).await.map_err(|e| store(&e))?;
    Ok(Answer::ProfileCompared(Box::new(compared)))
}

async fn compared(pool: &PgPool, customer: &str, person: &Person) -> Result<Compared, StoreError> {
    let links = links_of(pool, customer).await?;
    let linked = |wanted| links.iter().find(|(kind, _)| *kind == wanted).map(|(_, theirs)| theirs.clone());
    let account = account_id(company_domain(&person.email).as_deref(), customer);
    let is_account = links_of(pool, &account).await?.iter().any(|(kind, _)| *kind == LinkKind::ZohoAccount);
    let keys = [
        (Target::Billing, linked(LinkKind::ZohoCustomer)),
        (Target::Gateway, linked(LinkKind::BraintreeCustomer)),
        (Target::Contact, Some(customer.to_owned())),
        // One that was made with a sale bears the customer's own id.
        (Target::Account, Some(if is_account { account } else { customer.to_owned() })),
    ];
    let ours = person.values();
    let mut compared = Compared::default();
    for (target, key) in keys.into_iter().filter_map(|(target, key)| Some((target, key?))) {
        let behind = profile::behind(target, &ours, &known(pool, customer, target).await?);
        compared.behind.insert(target, behind);
        compared.keys.insert(target, key);
    }
    let email = person.email.trim();
    if !email.is_empty() && compared.behind.values().any(|fields| fields.contains(&Field::Email)) {
        let others = profiles::others_with::<Person>(pool, customer, email).await?.into_iter();
        let same = |other: &Person| other.email.trim().to_lowercase() == email.to_lowercase();
        compared.address_of = others.into_iter().find(|(_, other)| same(other)).map(|(other, _)| other);
    }
    compared.billed_in = profiles::billed_in(pool, customer).await?;
    Ok(compared)
}

async fn known(pool: &PgPool, customer: &str, target: Target) -> Result<Values, StoreError> {
    let copies = profiles::copies::<Values>(pool, customer).await?.into_iter();
    Ok(copies.into_iter().find(|(word, _)| word == target.word()).map(|(_, values)| values).unwrap_or_default())
}

fn only(values: &Values, fields: &Fields) -> Values {
    values.iter().filter(|(field, _)| fields.contains(*field)).map(|(field, text)| (*field, text.clone())).collect()
}

fn store(error: &StoreError) -> Outcome {
    not_sent(NotSent::Again, format!("our own store: {error}"))
}

fn gone() -> Outcome {
    let message = "what we held of the customer was erased".to_owned();
    Outcome::Rejected {
        rejection: Rejection { kind: RejectionKind::NotFound, code: "person_gone".to_owned(), message },
    }
}
