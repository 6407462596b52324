//! What the mirror of a subscription remembers, and how it changes with each event. Pure folding: nothing is decided here,
//! and no event is refused.

use super::face::{self, Face};
use super::words::{Begun, Charge, Ending, Event, Intent, Shown};
use crate::kernel::answer::{BilledInvoice, CollectionOwner};
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::recurring;
use crate::kernel::telling::{NoLetter, Owed};
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where the mirror stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Its id at Braintree.
    pub(super) recurring: Option<String>,
    /// None: nobody here has begun it.
    pub(super) begun: Option<Begun>,
    pub(super) stage: Stage,
    pub(super) look: Look,
    /// Something is said to have changed since the look began.
    pub(super) again: bool,
    /// A flow of ours ends it at Braintree.
    pub(super) ending_intended: bool,
    /// The flow that ends subscriptions was told of an end that nobody here wanted.
    pub(super) end_ordered: bool,
    pub(super) shown: Option<Shown>,
    /// Charges that are not recorded yet, oldest first.
    pub(super) charges: Vec<Standing>,
    /// Of the transactions that Braintree shows, those that were dealt with.
    pub(super) known: Vec<String>,
    /// Of those, the ones that are recorded, with their invoices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) recorded: Vec<(String, String)>,
    /// From that day on (books zone) an invoice without a charge is missing one.
    pub(super) check_on: Option<NaiveDate>,
    pub(super) past_due: Option<PastDue>,
    /// A charge and its invoice differed.
    pub(super) price_differs: bool,
    pub(super) card_link: Option<Value>,
    /// Cards that were asked for.
    pub(super) card_requests: u32,
    pub(super) people: Owed<Face, NoLetter>,
    /// Calls concluded: tells repeated steps apart.
    pub(super) calls: u32,
}

/// The stages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    /// All is read, and what follows from it is done.
    Looking,
    Resting {
        until: DateTime<Utc>,
    },
    Held {
        code: ParkCode,
        detail: String,
    },
    Over {
        ending: Ending,
    },
}

/// What was read in this look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Look {
    pub(super) surveyed: Option<Surveyed>,
    pub(super) read: bool,
    /// The day after a bill date.
    pub(super) check: bool,
    /// Zoho's invoices that owe something.
    pub(super) open: Option<Vec<BilledInvoice>>,
    /// Zoho's price, where it was asked for.
    pub(super) price: Asked<Money>,
    /// Its method, where it was asked for.
    pub(super) card: Asked<(String, String)>,
}

/// What is asked only where it is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked<T> {
    #[default]
    NotYet,
    /// There is none, or nobody says.
    Nothing,
    Answer(T),
}

impl<T> From<Option<T>> for Asked<T> {
    fn from(answer: Option<T>) -> Self {
        answer.map_or(Self::Nothing, Self::Answer)
    }
}

/// What our own tables say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Surveyed {
    pub(super) owner: Option<CollectionOwner>,
    pub(super) busy: bool,
}

/// A charge that is not recorded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) charge: Charge,
    /// Seen first (UTC).
    pub(super) since: DateTime<Utc>,
    /// Zoho invoice id, once it is matched.
    pub(super) invoice: Option<String>,
    /// The invoice's own stream knows.
    pub(super) handed: bool,
}

/// A charge failed, and what followed from that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PastDue {
    pub(super) owed: Option<Money>,
    pub(super) since: DateTime<Utc>,
    /// Zoho's invoice: id, number, what it owes.
    pub(super) invoice: Option<(String, String, Money)>,
    /// The customer was asked for another card.
    pub(super) asked: bool,
}

impl State {
    pub(super) fn zoho_subscription(&self) -> Option<&str> {
        self.begun.as_ref().map(|begun| begun.zoho_subscription.as_str())
    }

    /// Of these, invoices that no charge is for yet. One whose charge was recorded and that owes again, because people
    /// took the record away, is asked about by its own stream: the next term's charge is not for it.
    pub(super) fn uncharged_invoices<'a>(
        &'a self,
        open: &'a [BilledInvoice],
    ) -> impl Iterator<Item = &'a BilledInvoice> + 'a {
        let was_charged = |id: &str| self.recorded.iter().any(|(_, invoice)| invoice == id);
        self.unmatched_invoices(open).filter(move |invoice| !was_charged(&invoice.id))
    }

    /// Of these, invoices that no charge is waiting to be recorded on.
    pub(super) fn unmatched_invoices<'a>(
        &'a self,
        open: &'a [BilledInvoice],
    ) -> impl Iterator<Item = &'a BilledInvoice> + 'a {
        let first = self.begun.as_ref().and_then(|begun| begun.invoice.as_deref());
        let is_taken = move |id: &str| {
            first == Some(id) || self.charges.iter().any(|charge| charge.invoice.as_deref() == Some(id))
        };
        open.iter().filter(move |invoice| !is_taken(&invoice.id))
    }

    /// The oldest charge for which no invoice was found yet.
    pub(super) fn unmatched(&self) -> Option<&Standing> {
        self.charges.iter().find(|charge| charge.invoice.is_none())
    }

    fn looks(&mut self) {
        self.stage = Stage::Looking;
        self.look = Look::default();
        self.again = false;
    }

    fn charge_mut(&mut self, transaction: &str) -> Option<&mut Standing> {
        self.charges.iter_mut().find(|standing| standing.charge.transaction == transaction)
    }

    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_told(event);
        self.apply_read(event);
        self.apply_charge(event);
        self.apply_rest(event);
        match event {
            // Others write on the record, too: as long as it is past due each look says so again.
            Event::SubscriptionRead { at, .. } if self.past_due.is_some() => {
                if let Some(face) = face::face(self, *at) {
                    self.people.show(face);
                }
            }
            event => {
                if let Some(at) = time(event) {
                    self.show(at);
                }
            }
        }
    }

    /// What people see changes with the state, and only then is written.
    fn show(&mut self, at: DateTime<Utc>) {
        let Some(face) = face::face(self, at) else { return };
        let is_news = match self.people.face() {
            Some(old) => !old.same(&face),
            // As long as all goes well the record is others' to write.
            None => self.past_due.is_some(),
        };
        if is_news {
            self.people.show(face);
        }
    }

    fn apply_told(&mut self, event: &Event) {
        match event {
            Event::CollectionBegun { begun, look_at, .. } => {
                self.recurring = Some(begun.recurring.clone());
                self.known.extend(begun.charged.clone());
                self.check_on = begun.next_charge_on.and_then(day_after);
                self.begun = Some((**begun).clone());
                self.stage = Stage::Resting { until: *look_at };
            }
            Event::StrangerHeard { recurring, look_at, .. } => {
                self.recurring = Some(recurring.clone());
                self.stage = Stage::Resting { until: *look_at };
            }
            Event::ChangeHeard { .. } => match self.stage {
                Stage::Looking => self.again = true,
                _ => self.looks(),
            },
            Event::LookDue { .. } | Event::CollectionResumed { .. } => self.looks(),
            Event::LettersSet { card_link } => self.card_link = Some(card_link.clone()),
            Event::EndIntended { intent, .. } => self.ending_intended = *intent == Intent::Ends,
            Event::Told(told) => {
                // No letter of this flow is told so.
                let _none = self.people.apply(told);
            }
            _ => {}
        }
    }

    fn apply_read(&mut self, event: &Event) {
        match event {
            Event::OwnerSurveyed { owner, busy } => {
                self.calls += 1;
                self.look.surveyed = Some(Surveyed { owner: *owner, busy: *busy });
            }
            Event::SubscriptionRead { shown, transactions, check, .. } => {
                self.calls += 1;
                self.look.read = true;
                self.look.check = *check;
                self.known.retain(|id| transactions.contains(id));
                self.recorded.retain(|(id, _)| transactions.contains(id));
                if self.check_on.is_none() {
                    self.check_on = shown.next_charge_on.and_then(day_after);
                }
                self.shown = Some((**shown).clone());
            }
            Event::SubscriptionGone { .. } => {
                self.calls += 1;
                self.look.read = true;
                self.shown = None;
            }
            Event::InvoicesListed { open, .. } => {
                self.calls += 1;
                self.look.open = Some(open.clone());
                if self.look.check {
                    self.check_on = self.shown.as_ref().and_then(|shown| shown.next_charge_on).and_then(day_after);
                }
            }
            Event::CardRead { card } => {
                self.calls += 1;
                self.look.card = card.clone().into();
            }
            Event::PriceRead { price } => {
                self.calls += 1;
                self.look.price = (*price).into();
                let is_right = |price: &Money| self.shown.as_ref().is_some_and(|shown| shown.price == *price);
                self.price_differs = price.as_ref().is_some_and(|price| !is_right(price));
            }
            Event::PriceCorrected { to, .. } => {
                self.calls += 1;
                self.price_differs = false;
                if let Some(shown) = &mut self.shown {
                    shown.price = *to;
                }
            }
            Event::PriceKept { .. } => {
                self.calls += 1;
                self.price_differs = false;
                self.people.owe_task("price", face::PRICE_KEPT);
            }
            _ => {}
        }
    }

    fn apply_charge(&mut self, event: &Event) {
        match event {
            Event::ChargeCaptured { charge, at } => {
                self.known.push(charge.transaction.clone());
                let charge = (**charge).clone();
                self.charges.push(Standing { charge, since: *at, invoice: None, handed: false });
            }
            Event::ChargeFailed { transaction, .. } => self.known.push(transaction.clone()),
            Event::ChargeReversed { transaction, .. } | Event::ChargeTakenBack { transaction, .. } => {
                self.charges.retain(|standing| standing.charge.transaction != *transaction);
                self.recorded.retain(|(id, _)| id != transaction);
            }
            Event::ChargeRecorded { transaction, invoice, .. } => {
                self.charges.retain(|standing| standing.charge.transaction != *transaction);
                self.recorded.push((transaction.clone(), invoice.clone()));
            }
            Event::ChargeMatched { transaction, invoice, owed, .. } => {
                if let Some(standing) = self.charge_mut(transaction) {
                    standing.invoice = Some(invoice.clone());
                    self.price_differs |=
                        self.charges.iter().any(|s| s.charge.transaction == *transaction && s.charge.amount != *owed);
                }
            }
            Event::ChargeHandedOver { transaction } => {
                self.calls += 1;
                if let Some(standing) = self.charge_mut(transaction) {
                    standing.handed = true;
                }
            }
            Event::WentPastDue { owed, at } => {
                self.past_due = Some(PastDue { owed: *owed, since: *at, invoice: None, asked: false });
            }
            Event::CaughtUp { .. } => self.past_due = None,
            Event::DebtFound { invoice, number, owed, .. } => {
                if let Some(past_due) = &mut self.past_due {
                    past_due.invoice = Some((invoice.clone(), number.clone(), *owed));
                }
            }
            Event::CardAsked => {
                self.calls += 1;
                self.card_requests += 1;
                if let Some(past_due) = &mut self.past_due {
                    past_due.asked = true;
                }
            }
            _ => {}
        }
    }

    fn apply_rest(&mut self, event: &Event) {
        match event {
            Event::EndOrdered { .. } => {
                self.calls += 1;
                self.end_ordered = true;
            }
            Event::LookPlanned { until } => self.stage = Stage::Resting { until: *until },
            Event::CollectionHeld { code, detail, .. } => {
                self.stage = Stage::Held { code: *code, detail: detail.clone() };
                self.people.owe_task(code.as_str(), format!("An operator must look: {detail}"));
            }
            Event::CollectionEnded { ending, .. } => self.stage = Stage::Over { ending: *ending },
            _ => {}
        }
    }

    /// This saga's id.
    pub(super) fn saga(&self) -> Option<crate::kernel::ids::SagaId> {
        self.recurring.as_deref().map(recurring::stream)
    }
}

fn day_after(day: NaiveDate) -> Option<NaiveDate> {
    day.checked_add_days(Days::new(1))
}

/// When what people see something of became true (UTC).
const fn time(event: &Event) -> Option<DateTime<Utc>> {
    match event {
        Event::WentPastDue { at, .. }
        | Event::CaughtUp { at, .. }
        | Event::CollectionHeld { at, .. }
        | Event::CollectionResumed { at }
        | Event::CollectionEnded { at, .. } => Some(*at),
        _ => None,
    }
}
