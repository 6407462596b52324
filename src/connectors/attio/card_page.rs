//! The page on which a customer gives another card, on the subscription's record: its address, the answer to the act, and
//! that the client has a card on file. Writes nothing that the collection of invoices says there, and no mark of its own: a
//! mark would make an older state of theirs, which is still to be shown, look overtaken.

use super::NO_ACT;
use super::api::{Answered, Session, rejected};
use super::face::{is_answered, time};
use super::projection::SUBSCRIPTIONS;
use super::records::{changed, get, is_not_found, patch};
use super::wire::{Record, Value, Values};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{AttioRecord, CardFace};
use sagas::kernel::outcome::RejectionKind;
use secrecy::SecretString;

const SHOW: &str = "attio.show_card_page";

/// What is shown, with the address that its link has.
pub(super) struct ShownCard<'a> {
    face: &'a CardFace,
    link: Option<SecretString>,
}

impl<'a> ShownCard<'a> {
    /// Refuses a face that names a link where its address is not at hand: the record would lose it.
    pub(super) fn new(face: &'a CardFace, link: Option<&SecretString>) -> Answered<Self> {
        let named = face.page.as_ref().and_then(|page| page.link);
        if named.is_some() && link.is_none() {
            let message = "the address of the card page is not beside the call".to_owned();
            return Err(rejected(RejectionKind::Invalid, "no_link", message));
        }
        Ok(Self { face, link: named.and(link).cloned() })
    }

    /// Writes what differs: the subscription's record first, then the client's.
    pub(super) async fn write(&self, session: &mut Session<'_>) -> Answered<Answer> {
        let open = self.open(&get(session, SHOW, &self.record()).await?);
        if !open.is_empty() {
            patch(session, SHOW, SUBSCRIPTIONS, &self.face.record, &open).await?;
        }
        if let Some(client) = &self.face.on_file {
            let open = changed(&get(session, SHOW, client).await?, &on_file());
            if !open.is_empty() {
                patch(session, SHOW, &client.object, &client.id, &open).await?;
            }
        }
        Ok(self.answer())
    }

    /// The answer as if the write had been answered, if nothing is left to be written.
    pub(super) async fn stands(&self, session: &mut Session<'_>) -> Answered<Option<Answer>> {
        match get(session, SHOW, &self.record()).await {
            Ok(record) if self.open(&record).is_empty() => {}
            Ok(_) => return Ok(None),
            Err(outcome) if is_not_found(&outcome) => return Ok(None),
            Err(outcome) => return Err(outcome),
        }
        if let Some(client) = &self.face.on_file {
            match get(session, SHOW, client).await {
                Ok(record) if changed(&record, &on_file()).is_empty() => {}
                Ok(_) => return Ok(None),
                Err(outcome) if is_not_found(&outcome) => return Ok(None),
                Err(outcome) => return Err(outcome),
            }
        }
        Ok(Some(self.answer()))
    }

    fn record(&self) -> AttioRecord {
        AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: self.face.record.clone() }
    }

    fn answer(&self) -> Answer {
        Answer::Projected { transaction_record: None, subscription_record: Some(self.face.record.clone()) }
    }

    fn open(&self, record: &Record) -> Values {
        let mut values = Values::new();
        if let Some(page) = &self.face.page {
            values.insert("checkout_status", Value::Option(page.status.clone()));
            values.insert("checkout_url", self.link.clone().map_or(Value::Nothing, Value::Secret));
            values.insert("checkout_expires_at", time(page.expires_at));
        }
        if let Some(refusal) = &self.face.refusal {
            values.insert("last_error", Value::text(refusal));
        }
        let mut open = changed(record, &values);
        if self.face.answers_act && is_answered(record, self.face.as_of) {
            open.insert("sync_action", Value::Option(NO_ACT.to_owned()));
        }
        open
    }
}

fn on_file() -> Values {
    Values::from([("payment_method_on_file", Value::Flag(true))])
}
