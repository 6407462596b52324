//! What the notices of a subscription remember.

use super::Notices;
use super::rules::{is_same, next_sold};
use super::words::{Card, Event, Item, Notice, Of, Rest, Terms};
use crate::kernel::answer::{Sold, SubscriptionSurvey, SubscriptionTerms};
use crate::kernel::effect::AttioRecord;
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use crate::kernel::retry::PutOff;
use crate::kernel::telling::Owed;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What the record says after a letter that came back.
const BOUNCED: &str = "A letter was refused by the customer's mail server: correct the address";

/// Where the notices of a subscription stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) of: Option<Of>,
    pub(super) settings: Option<Terms>,
    pub(super) stage: Stage,
    pub(super) facts: Facts,
    /// Something is said to have changed since the look began.
    pub(super) again: bool,
    /// What was told, or is not told any more: of this charge and the one before.
    pub(super) told: Vec<(Notice, NaiveDate)>,
    /// What is missing of a charge whose day has come.
    pub(super) missed: Vec<Item>,
    /// What of that charge is not taken yet; absent: all of it is, or it was not asked.
    pub(super) untaken: Option<Money>,
    /// Nothing is charged before (UTC).
    pub(super) hold_until: Option<DateTime<Utc>>,
    /// Letters sent, or refused for good.
    pub(super) letters: u32,
    pub(super) letter_put_off: PutOff,
    pub(super) cancel: Cancel,
    /// The CRM team: what somebody must do, on the record (empty: nothing), and tasks.
    pub(super) people: Owed<String, Notice>,
    /// Calls concluded: tells repeated steps apart.
    pub(super) calls: u32,
}

/// The stages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    Surveying,
    Reading,
    /// What has become of a charge whose day has come.
    Listing,
    Customer,
    Card,
    /// All is read: what follows is decided in the same turn.
    Deciding,
    /// The address is read before a letter.
    Person {
        item: Item,
    },
    Letter {
        item: Item,
    },
    Resting {
        until: DateTime<Utc>,
    },
    Over {
        why: Rest,
    },
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) survey: Option<SubscriptionSurvey>,
    pub(super) terms: Option<SubscriptionTerms>,
    /// Our customer id.
    pub(super) customer: Option<String>,
    pub(super) braintree_customer: Option<String>,
    pub(super) client: Option<AttioRecord>,
    pub(super) card: Option<Card>,
    /// What the customer knows the price of.
    pub(super) agreed: Option<Sold>,
    pub(super) price: Option<PriceChange>,
}

/// A price of which the customer does not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PriceChange {
    pub(super) from: Money,
    pub(super) to: Money,
}

/// Whether the customer wants it to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cancel {
    #[default]
    No,
    Asked,
    Ordered,
}

impl State {
    /// This saga's id.
    pub(super) fn saga(&self) -> Option<SagaId> {
        self.of.as_ref().map(|of| Notices::id(&of.organization, &of.subscription))
    }

    pub(super) fn record(&self) -> Option<&str> {
        self.facts.survey.as_ref()?.attio_record.as_deref()
    }

    pub(super) fn is_told(&self, item: Item) -> bool {
        self.told.contains(&(item.notice, item.charge_on))
    }

    /// What a notice says will be charged.
    pub(super) fn amount(&self, item: Item) -> Option<Money> {
        let missed = self.untaken.filter(|_| self.missed.contains(&item));
        missed.or_else(|| super::rules::amount(self.facts.terms.as_ref()?))
    }

    fn look(&mut self) {
        self.stage = Stage::Surveying;
        self.again = false;
    }

    /// It was told, or need not be told any more.
    fn settled(&mut self, item: Item) {
        self.missed.retain(|missed| *missed != item);
        self.told.push((item.notice, item.charge_on));
        if item.notice == Notice::PriceChanges {
            self.facts.price = None;
            self.facts.agreed = self.facts.terms.as_ref().map(|terms| next_sold(terms).clone());
        }
        self.letter_put_off = PutOff::default();
        self.stage = Stage::Deciding;
    }

    fn read(&mut self, terms: &SubscriptionTerms) {
        let next = next_sold(terms);
        let agreed = self.facts.agreed.as_ref();
        // Something else is sold: the customer chose it, and saw its price.
        if agreed.is_none_or(|agreed| !is_same(agreed, next)) {
            self.facts.agreed = Some(next.clone());
        }
        self.facts.price = None;
        let before = self.facts.terms.as_ref().and_then(|terms| terms.next_billing_on);
        self.told.retain(|(_, day)| Some(*day) == before || Some(*day) == terms.next_billing_on);
        self.facts.terms = Some(terms.clone());
        self.stage = Stage::Customer;
    }

    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::NoticesBegun { of, terms, .. } => {
                self.of = Some(of.clone());
                self.settings = Some((**terms).clone());
                self.look();
            }
            Event::SettingsChanged { terms, .. } => {
                self.settings = Some((**terms).clone());
                self.look();
            }
            Event::ChangeHeard { .. } => match self.stage {
                Stage::New | Stage::Resting { .. } | Stage::Over { .. } => self.look(),
                _ => self.again = true,
            },
            Event::LookDue { .. } => self.look(),
            Event::HoldEnded { .. } => self.hold_until = None,
            Event::NoticesRested { why, .. } => {
                self.stage = Stage::Over { why: *why };
                self.hold_until = None;
            }
            Event::CancellationAsked { .. } => self.cancel = Cancel::Asked,
            Event::Told(told) => {
                // No letter of this flow is told so.
                let _none = self.people.apply(told);
            }
            _ => self.apply_answers(event),
        }
    }

    /// What a call has concluded, and what was decided on it.
    fn apply_answers(&mut self, event: &Event) {
        self.calls += 1;
        match event {
            Event::SubscriptionSurveyed { survey } => {
                self.facts.survey = Some((**survey).clone());
                self.stage = Stage::Reading;
            }
            Event::TermsRead { terms, .. } => self.read(terms),
            Event::PriceChangeSeen { from, to, .. } => {
                self.facts.price = Some(PriceChange { from: *from, to: *to });
            }
            Event::NoticesMissed { items, .. } => {
                self.missed.clone_from(items);
                self.untaken = None;
                self.stage = Stage::Listing;
            }
            Event::InvoicesListed { untaken, .. } => {
                self.untaken = *untaken;
                self.stage = Stage::Customer;
            }
            Event::CustomerSurveyed { customer, braintree_customer, client } => {
                self.facts.customer.clone_from(customer);
                self.facts.braintree_customer.clone_from(braintree_customer);
                self.facts.client.clone_from(client);
                self.stage = if braintree_customer.is_some() { Stage::Card } else { Stage::Deciding };
            }
            Event::CardRead { card } => {
                self.facts.card.clone_from(card);
                self.stage = Stage::Deciding;
            }
            Event::LookPlanned { until, .. } => self.stage = Stage::Resting { until: *until },
            Event::PersonRead => {
                if let Stage::Person { item } = self.stage {
                    self.stage = Stage::Letter { item };
                }
            }
            _ => self.apply_telling(event),
        }
    }

    fn apply_telling(&mut self, event: &Event) {
        match event {
            Event::NoticeDue { item, hold_until, .. } => {
                self.hold_until = hold_until.or(self.hold_until);
                let of_card = matches!(item.notice, Notice::CardExpires | Notice::CardExpiresSoon);
                let known = self.facts.client.is_some() && self.facts.customer.is_some();
                self.stage =
                    if of_card || !known { Stage::Letter { item: *item } } else { Stage::Person { item: *item } };
            }
            Event::NoticeSent { item, hold_until, .. } => {
                self.hold_until = hold_until.or(self.hold_until);
                self.letters += 1;
                if self.people.face().is_some_and(|asked| !asked.is_empty()) {
                    self.people.show(String::new());
                }
                self.settled(*item);
            }
            Event::NoticeBounced { item, .. } => {
                self.letters += 1;
                self.people.show(BOUNCED.to_owned());
                let word = item.notice.as_str();
                self.owe_task(*item, &format!("A letter ({word}) about the charge on {} came back: correct the customer's address, and tell the customer yourself", item.charge_on));
                self.settled(*item);
            }
            Event::NoticePutOff { again_at, .. } => {
                self.letter_put_off.refused(*again_at);
                self.stage = Stage::Resting { until: *again_at };
            }
            Event::NoticePassedOver { item, .. } => {
                let word = item.notice.as_str();
                self.owe_task(*item, &format!("Money was taken on {} without the letter ({word}) that comes before it: tell the customer yourself", item.charge_on));
                self.settled(*item);
            }
            Event::CancellationOrdered => self.cancel = Cancel::Ordered,
            _ => {}
        }
    }

    fn owe_task(&mut self, item: Item, text: &str) {
        let cause = format!("{}.{}", item.notice.as_str(), item.charge_on);
        self.people.owe_task(&cause, text);
    }
}
