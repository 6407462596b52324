//! Our own tables beside the log, in memory: claims, holds, card counters, single-use inputs, links, the ledger. What the
//! desk answers comes from here. What is booked is judged by the kernel's own rules, and nothing else is.

use crate::braintree::rejected;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use iso_currency::Currency;
use sagas::desk_ticket::DeskTicket;
use sagas::kernel::answer::{Answer, CardUses, CollectionOwner, CustomerSurvey, Enrolment, SubscriptionSurvey, Survey};
use sagas::kernel::books::{self, Sums};
use sagas::kernel::cards::network_caps;
use sagas::kernel::effect::{AttioRecord, Claim, ClaimKind, Desk, SubscriptionKey};
use sagas::kernel::ids::SagaId;
use sagas::kernel::invariant::{Broken, Invariant};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Decline, DeclineKind, Outcome, RejectionKind};
use sagas::kernel::posting::{Journal, Rule, journal};
use sagas::kernel::saga::{Facts, Mark, Saga, held_subscription};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(crate) const fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

/// One customer of ours.
#[derive(Debug, Clone, Default)]
pub(crate) struct Customer {
    pub(crate) company: String,
    pub(crate) zoho: Option<String>,
    pub(crate) braintree: Option<String>,
    pub(crate) one_off_consent: bool,
}

/// A subscription of ours.
#[derive(Debug, Clone)]
pub(crate) struct Owned {
    pub(crate) zoho: Option<String>,
    pub(crate) attio: Option<String>,
    pub(crate) owner: Option<CollectionOwner>,
    pub(crate) owner_from: Option<NaiveDate>,
}

/// Who holds a claim.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    pub(crate) saga: SagaId,
    step: String,
    confirmed: bool,
    at: DateTime<Utc>,
}

struct Charge {
    card: String,
    at: DateTime<Utc>,
    given_back: bool,
}

/// A sealed card of the checkout page.
pub(crate) struct Sealed {
    pub(crate) card: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) erased: bool,
}

#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) claims: BTreeMap<Claim, Holder>,
    pub(crate) holds: BTreeSet<(String, &'static str)>,
    charges: BTreeMap<String, Charge>,
    pub(crate) inputs: BTreeMap<Uuid, Sealed>,
    pub(crate) customers: BTreeMap<String, Customer>,
    pub(crate) subscriptions: BTreeMap<String, Owned>,
    pub(crate) by_saga: BTreeMap<SagaId, Sums>,
    pub(crate) by_invoice: BTreeMap<String, Sums>,
    pub(crate) by_transaction: BTreeMap<String, Sums>,
    by_customer: BTreeMap<String, Sums>,
    /// Transactions that were captured beside another one: they are given back.
    duplicates: BTreeSet<String>,
    /// Transactions of which something was given back while a bank had taken them back already. A give-back that the invoice's
    /// stream has admitted is not told of a dispute that is opened after that, and Braintree does not refuse it: that the
    /// books then show more than was captured as gone is the truth.
    pub(crate) lost_twice: BTreeSet<String>,
    told: BTreeSet<String>,
    /// What charges a customer's card, or waits to, as the engine knows it now.
    pub(crate) card_uses: BTreeMap<String, CardUses>,
    /// Sales are switched off until.
    pub(crate) switched_off_until: Option<DateTime<Utc>>,
}

impl Tables {
    /// What rides in an append with an event of that name. An error is a broken law.
    pub(crate) fn append(&mut self, saga: SagaId, event: Uuid, name: &str, facts: &Facts) -> Result<(), String> {
        for (group, posting) in facts.postings.iter().enumerate() {
            let Some(journal) = journal(event, group, posting) else { continue };
            self.post(saga, name, &journal).map_err(|broken| format!("{} {broken}", journal.rule.as_str()))?;
        }
        facts.marks.iter().try_for_each(|mark| self.mark(saga, mark))
    }

    fn post(&mut self, saga: SagaId, name: &str, journal: &Journal) -> Result<(), Broken> {
        let lines = books::lines_of(journal);
        books::journal(&lines)?;
        let (rule, dimensions) = (journal.rule, &journal.dimensions);
        if rule == Rule::Capture && name == "PaymentCaptured" {
            let before = dimensions.invoice.as_ref().and_then(|invoice| self.by_invoice.get(invoice));
            books::before_a_charge(before.map_or(0, Sums::unapplied))?;
        }
        if let Some(transaction) = &dimensions.transaction {
            if name == "DuplicateCaptured" {
                self.duplicates.insert(transaction.clone());
            }
            if rule == Rule::Apply && self.duplicates.contains(transaction) {
                return Err(Broken::new(Invariant::I43, format!("{transaction} is applied, and came late")));
            }
        }
        self.by_saga.entry(saga).or_default().post(rule, &lines);
        let of = [
            (&mut self.by_invoice, &dimensions.invoice),
            (&mut self.by_transaction, &dimensions.transaction),
            (&mut self.by_customer, &dimensions.customer),
        ];
        for (sums, key) in of {
            if let Some(key) = key {
                sums.entry(key.clone()).or_default().post(rule, &lines);
            }
        }
        Ok(())
    }

    /// What must hold of the books after an append with that saga in it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let named = |kind: &str, key: &str, broken: Vec<Broken>| {
            broken.into_iter().next().map_or(Ok(()), |broken| Err(format!("{kind} {key}: {broken}")))
        };
        for (customer, sums) in &self.by_customer {
            named("customer", customer, books::of_customer(sums))?;
        }
        for (transaction, sums) in &self.by_transaction {
            let mut broken = books::of_transaction(sums);
            broken.retain(|broken| broken.invariant != Invariant::I24 || !self.lost_twice.contains(transaction));
            named("transaction", transaction, broken)?;
        }
        for (invoice, sums) in &self.by_invoice {
            let on_hold = self.holds.iter().any(|(held, _)| held == invoice);
            named("invoice", invoice, books::of_invoice(sums, on_hold))?;
        }
        Ok(())
    }

    fn mark(&mut self, saga: SagaId, mark: &Mark) -> Result<(), String> {
        match mark {
            Mark::Confirm(claim) => match self.claims.get_mut(claim).filter(|h| h.saga == saga) {
                Some(holder) => holder.confirmed = true,
                None => return Err(format!("{saga} relies on {claim:?}, which it does not hold")),
            },
            Mark::Release(claim) => self.release(saga, claim),
            Mark::Hold { invoice, reason } => {
                self.holds.insert((invoice.clone(), reason));
            }
            Mark::LiftHold { invoice, reason } => {
                self.holds.remove(&(invoice.clone(), *reason));
            }
            // Nobody in the simulation says what a customer is called.
            Mark::SpendCard { .. } | Mark::ForgetValues { .. } => {}
            Mark::GiveBackCard { order_id } => {
                if let Some(charge) = self.charges.get_mut(order_id) {
                    charge.given_back = true;
                }
            }
            Mark::EraseInput { input } => {
                if let Some(sealed) = self.inputs.get_mut(input) {
                    sealed.erased = true;
                }
            }
        }
        Ok(())
    }

    fn release(&mut self, saga: SagaId, claim: &Claim) {
        if self.claims.get(claim).is_some_and(|h| h.saga == saga) {
            self.claims.remove(claim);
        }
    }

    /// Reservations whose saga went on without them.
    pub(crate) fn sweep(&mut self, now: DateTime<Utc>, open_step: impl Fn(SagaId) -> Option<String>) {
        let stays = |holder: &Holder| {
            holder.confirmed
                || now - holder.at < TimeDelta::minutes(10)
                || open_step(holder.saga).as_ref() == Some(&holder.step)
        };
        self.claims.retain(|_, holder| stays(holder));
    }

    /// Our customer with that id at Zoho.
    pub(crate) fn customer_of(&self, zoho: &str) -> Option<(&String, &Customer)> {
        self.customers.iter().find(|(_, c)| c.zoho.as_deref() == Some(zoho))
    }

    /// Does what is asked of our own store. What is told is handed to the caller, who delivers it.
    pub(crate) fn desk(&mut self, saga: SagaId, step: &str, call: &Desk, now: DateTime<Utc>) -> Outcome {
        Outcome::Done {
            answer: match call {
                Desk::SurveyInvoice { invoice, customer, subscription } => {
                    Answer::Survey(Box::new(self.survey(saga, invoice, customer, subscription.as_deref(), now)))
                }
                Desk::SurveySubscription { by } => {
                    Answer::SubscriptionSurvey(Box::new(self.survey_subscription(saga, by)))
                }
                Desk::SurveyCustomer { zoho_customer } => {
                    Answer::CustomerSurvey(Box::new(self.survey_customer(zoho_customer)))
                }
                // Who owes and who charges is known to the engine alone: `World` lays it beside the call.
                Desk::SurveyCardUses { customer, .. } => {
                    Answer::CardUses(Box::new(self.card_uses.get(customer).cloned().unwrap_or_default()))
                }
                Desk::Claim { claims } => match self.claim(saga, step, claims, now) {
                    None => Answer::Nothing,
                    Some(decline) => return Outcome::Declined { decline },
                },
                Desk::ClaimUnfenced { claims, fences } => {
                    let fenced = fences.iter().any(|fence| self.claims.get(fence).is_some_and(|h| h.saga != saga));
                    match if fenced { Some(busy()) } else { self.claim(saga, step, claims, now) } {
                        None => Answer::Nothing,
                        Some(decline) => return Outcome::Declined { decline },
                    }
                }
                Desk::WeighGiveBack { amount } => Answer::Weighed { alone: amount.minor <= 5_000 },
                Desk::CountOldCharges { .. } => {
                    panic!("nobody of this world comes from another system")
                }
                Desk::SurveyPerson { .. }
                | Desk::ErasePerson { .. }
                | Desk::VerifyErased { .. }
                | Desk::SurveyPayout { .. }
                | Desk::CompareProfile { .. } => {
                    panic!("nobody of this world asks to be erased")
                }
                Desk::Link { .. }
                | Desk::Unlink { .. }
                | Desk::SurveyClaim { .. }
                | Desk::TakeOver { .. }
                | Desk::SurveyEnding { .. } => panic!("the world answers this"),
                Desk::CountCard { card, brand, order_id } => self.count(card, brand, order_id, now),
                Desk::Enrol { client } => self.enrol(client),
                Desk::LinkCustomer { customer, zoho_customer, braintree_customer } => {
                    let links = self.customers.entry(customer.clone()).or_default();
                    let other = |has: &Option<String>, wanted: &Option<String>| matches!((has, wanted), (Some(has), Some(wanted)) if has != wanted);
                    if other(&links.zoho, zoho_customer) || other(&links.braintree, braintree_customer) {
                        return rejected(RejectionKind::State, "linked_otherwise");
                    }
                    links.zoho = links.zoho.take().or_else(|| zoho_customer.clone());
                    links.braintree = links.braintree.take().or_else(|| braintree_customer.clone());
                    Answer::Nothing
                }
                Desk::UnlinkCustomer { customer, zoho_customer, braintree_customer } => {
                    let links = self.customers.entry(customer.clone()).or_default();
                    links.zoho.take_if(|id| Some(&*id) == zoho_customer.as_ref());
                    links.braintree.take_if(|id| Some(&*id) == braintree_customer.as_ref());
                    Answer::Nothing
                }
                Desk::AdoptSubscription { subscription, zoho_subscription, attio_record, owner } => {
                    let owned = Owned {
                        zoho: Some(zoho_subscription.clone()),
                        attio: Some(attio_record.clone()),
                        owner: Some(*owner),
                        owner_from: None,
                    };
                    self.subscriptions.insert(subscription.clone(), owned);
                    Answer::Nothing
                }
                Desk::SetOwner { subscription, from, owner, valid_from } => {
                    let Some(owned) = self.subscriptions.get_mut(subscription) else {
                        return rejected(RejectionKind::NotFound, "no_subscription");
                    };
                    if owned.owner != *from && owned.owner != *owner {
                        return rejected(RejectionKind::State, "other_owner");
                    }
                    (owned.owner, owned.owner_from) = (*owner, *valid_from);
                    Answer::Nothing
                }
                Desk::DisownSubscription { subscription, .. } => {
                    self.subscriptions.remove(subscription);
                    Answer::Nothing
                }
                Desk::TellAll { .. } => Answer::Nothing,
                // Nobody has set anything.
                // Of tickets it is said that there is no Desk: of that flow the simulation plays no more.
                Desk::ReadSettings { of } if of == DeskTicket::NAME => {
                    Answer::Settings { settings: json!({"enabled": false}) }
                }
                Desk::ReadSettings { .. } => Answer::Settings { settings: Value::Null },
                Desk::Tell { message, claims } => {
                    for claim in claims {
                        if let Some(holder) = self.claims.get_mut(claim).filter(|h| h.saga == saga) {
                            holder.saga = message.to;
                        }
                    }
                    Answer::Nothing
                }
            },
        }
    }

    /// True the first time that this is told.
    pub(crate) fn tell_once(&mut self, key: &str) -> bool {
        self.told.insert(key.to_owned())
    }

    /// A claim of one saga is another's from now on.
    pub(crate) fn hand_over(&mut self, claim: &Claim, from: SagaId, to: SagaId) {
        if let Some(holder) = self.claims.get_mut(claim).filter(|holder| holder.saga == from) {
            holder.saga = to;
        }
    }

    fn claim(&mut self, saga: SagaId, step: &str, claims: &[Claim], now: DateTime<Utc>) -> Option<Decline> {
        if claims.iter().any(|claim| self.claims.get(claim).is_some_and(|h| h.saga != saga)) {
            return Some(busy());
        }
        for claim in claims {
            let holder = Holder { saga, step: step.to_owned(), confirmed: false, at: now };
            self.claims.entry(claim.clone()).or_insert(holder);
        }
        None
    }

    fn count(&mut self, card: &str, brand: &str, order_id: &str, now: DateTime<Utc>) -> Answer {
        if self.charges.get(order_id).is_some_and(|c| !c.given_back) {
            return Answer::Nothing;
        }
        let mut until = None;
        for cap in network_caps(brand) {
            let mut counted: Vec<_> = self
                .charges
                .values()
                .filter(|c| c.card == card && !c.given_back && c.at > now - cap.window)
                .map(|c| c.at)
                .collect();
            counted.sort();
            let most = usize::try_from(cap.charges).expect("small");
            if counted.len() >= most {
                until = until.max(Some(counted[counted.len() - most] + cap.window));
            }
        }
        if let Some(until) = until {
            return Answer::CardCapUntil { until };
        }
        self.charges.insert(order_id.to_owned(), Charge { card: card.to_owned(), at: now, given_back: false });
        Answer::Nothing
    }

    fn enrol(&mut self, client: &AttioRecord) -> Answer {
        let known = self.customers.iter().find(|(_, c)| c.company == client.id).map(|(id, _)| id.clone());
        let customer = known.unwrap_or_else(|| format!("of-{}", client.id));
        let links = self.customers.entry(customer.clone()).or_default();
        links.company.clone_from(&client.id);
        Answer::Enrolled(Box::new(Enrolment {
            desk_contact: None,
            customer,
            zoho_customer: links.zoho.clone(),
            braintree_customer: links.braintree.clone(),
        }))
    }

    fn survey_subscription(&self, saga: SagaId, by: &SubscriptionKey) -> SubscriptionSurvey {
        let found = self.subscriptions.iter().find(|(_, owned)| match by {
            SubscriptionKey::Attio { record } => owned.attio.as_ref() == Some(record),
            SubscriptionKey::Zoho { subscription } => owned.zoho.as_ref() == Some(subscription),
        });
        let Some((ours, owned)) = found else { return SubscriptionSurvey::default() };
        let claim = owned.zoho.clone().map(|key| Claim { kind: ClaimKind::ZohoSubscription, key });
        let holder = claim.and_then(|claim| self.claims.get(&claim)).filter(|holder| holder.saga != saga);
        SubscriptionSurvey {
            subscription: Some(ours.clone()),
            zoho_subscription: owned.zoho.clone(),
            attio_record: owned.attio.clone(),
            owner: owned.owner,
            owner_from: owned.owner_from,
            claimed_by: holder.map(|holder| holder.saga),
            customer: None,
        }
    }

    fn survey_customer(&self, zoho_customer: &str) -> CustomerSurvey {
        let Some((ours, links)) = self.customer_of(zoho_customer) else { return CustomerSurvey::default() };
        CustomerSurvey {
            customer: Some(ours.clone()),
            braintree_customer: links.braintree.clone(),
            attio_client: Some(AttioRecord { object: "companies".to_owned(), id: links.company.clone() }),
        }
    }

    fn survey(
        &self,
        saga: SagaId,
        invoice: &str,
        customer: &str,
        subscription: Option<&str>,
        now: DateTime<Utc>,
    ) -> Survey {
        let ours = self.customer_of(customer);
        let owned =
            self.subscriptions.iter().find(|(_, s)| subscription.is_some() && s.zoho.as_deref() == subscription);
        let elsewhere = [
            (ClaimKind::ZohoCustomer, Some(customer)),
            (ClaimKind::ZohoSubscription, subscription),
            (ClaimKind::ZohoInvoice, Some(invoice)),
        ];
        let claimed = |(kind, key): &(ClaimKind, Option<&str>)| {
            let claim = Claim { kind: *kind, key: (*key)?.to_owned() };
            self.claims.get(&claim).filter(|h| h.saga != saga).map(|_| *kind)
        };
        let booked = self.by_invoice.contains_key(invoice);
        let applied = self.by_invoice.get(invoice).map_or(0, Sums::applied);
        Survey {
            customer: ours.map(|(id, _)| id.clone()),
            ambiguous: false,
            braintree_customer: ours.and_then(|(_, c)| c.braintree.clone()),
            attio_client: ours.map(|(_, c)| AttioRecord { object: "companies".to_owned(), id: c.company.clone() }),
            subscription: owned.map(|(id, _)| id.clone()),
            attio_subscription: owned.and_then(|(_, s)| s.attio.clone()),
            owner: owned.and_then(|(_, s)| s.owner),
            owner_from: owned.and_then(|(_, s)| s.owner_from),
            one_off_consent: ours.is_some_and(|(_, c)| c.one_off_consent),
            claimed_elsewhere: elsewhere.iter().filter_map(claimed).collect(),
            holds: self.holds_on(invoice),
            subscription_holds: subscription.map(|id| self.holds_on(&held_subscription(id))).unwrap_or_default(),
            applied: booked.then(|| eur(applied)),
            unapplied: booked.then(|| eur(-sum_of(&self.by_invoice, invoice, 2100))),
            owes_elsewhere: false,
            sale_switched_off: self.switched_off_until.is_some_and(|until| until > now),
        }
    }
}

impl Tables {
    fn holds_on(&self, held: &str) -> Vec<String> {
        self.holds.iter().filter(|(on, _)| on == held).map(|(_, reason)| (*reason).to_owned()).collect()
    }
}

pub(crate) fn busy() -> Decline {
    Decline {
        kind: DeclineKind::Busy,
        code: "claimed".to_owned(),
        text: "held by another saga".to_owned(),
        response_type: None,
        advice_code: None,
        advice_text: None,
        network_code: None,
        network_text: None,
        transaction: None,
        brand: None,
    }
}

/// Debits less credits of an account under a key.
pub(crate) fn sum_of<K: Ord + ?Sized, Q: Ord + std::borrow::Borrow<K>>(
    sums: &BTreeMap<Q, Sums>,
    key: &K,
    account: u16,
) -> i64 {
    sums.get(key).map_or(0, |sums| sums.account(account))
}
