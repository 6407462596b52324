//! What is laid beside a call and stands in no event: a customer's personal data, a single-use input, the address of a
//! checkout page. And back: personal data that a call read is kept in its own table.

use super::drive::not_sent;
use super::profiles;
use crate::keys::Keys;
use crate::port::{Beside, Person};
use crate::store::people;
use crate::store::secrets::SecretError;
use sagas::kernel::effect::{Attio, Effect};
use sagas::kernel::outcome::{INPUT_GONE, NotSent, Outcome, Rejection, RejectionKind};
use sqlx::PgPool;

/// The class under which a nonce is sealed.
pub const NONCE: &str = "nonce";

/// Gets what the effect names.
///
/// # Errors
/// The outcome of a call that cannot be made: the input is gone, or our own store does not answer.
pub(super) async fn gather(pool: &PgPool, keys: &Keys, effect: &Effect) -> Result<Beside, Outcome> {
    let needs = effect.needs();
    let store = |e: &dyn std::fmt::Display| not_sent(NotSent::Again, format!("our own store: {e}"));
    let person = match needs.person {
        Some(customer) => match people::get::<Person>(pool, customer).await {
            Ok(Some(person)) => Some(person),
            Ok(None) => return Err(rejected("person_gone", "what we held of the customer was erased")),
            Err(e) => return Err(store(&e)),
        },
        None => None,
    };
    let input = match needs.input {
        Some(id) => match keys.secrets().open(pool, id, NONCE).await {
            Ok(input) => Some(input),
            Err(SecretError::Store(e)) => return Err(store(&e)),
            Err(e @ (SecretError::Gone(_) | SecretError::Sealed(_))) => {
                return Err(rejected(INPUT_GONE, &e.to_string()));
            }
        },
        None => None,
    };
    let displaced = match needs.displaced {
        Some((customer, mark)) => profiles::displaced(pool, customer, mark).await.map_err(|e| store(&e))?,
        None => Vec::new(),
    };
    Ok(Beside { person, input, link: needs.link.map(|link| keys.address(needs.page, link)), displaced })
}

/// Like [`gather`] for a look-up, which does without what cannot be had.
pub(super) async fn gather_for_look(pool: &PgPool, keys: &Keys, effect: &Effect) -> Beside {
    let needs = effect.needs();
    let person = match needs.person {
        Some(customer) => people::get::<Person>(pool, customer).await.ok().flatten(),
        None => None,
    };
    let displaced = match needs.displaced {
        Some((customer, mark)) => profiles::displaced(pool, customer, mark).await.unwrap_or_default(),
        None => Vec::new(),
    };
    Beside { person, input: None, link: needs.link.map(|link| keys.address(needs.page, link)), displaced }
}

/// Keeps what was read of a person.
///
/// # Errors
/// The outcome of the read, which is then simply repeated.
pub(super) async fn keep(pool: &PgPool, effect: &Effect, person: &Person) -> Result<(), Outcome> {
    let Effect::Attio(Attio::ReadPerson { customer, .. } | Attio::ReadClient { customer, .. }) = effect else {
        return Ok(());
    };
    match people::put(pool, customer, person).await {
        Ok(true) => Ok(()),
        // Who was erased stays erased, whatever a vendor still shows.
        Ok(false) => Err(rejected("person_gone", "the customer was erased: nothing is kept of them any more")),
        Err(e) => Err(not_sent(NotSent::Again, format!("our own store: {e}"))),
    }
}

fn rejected(code: &str, message: &str) -> Outcome {
    let rejection = Rejection { kind: RejectionKind::NotFound, code: code.to_owned(), message: message.to_owned() };
    Outcome::Rejected { rejection }
}
