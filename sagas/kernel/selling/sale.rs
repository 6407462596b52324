//! What every sale remembers.

use super::events::Selling;
use crate::kernel::act::Act;
use crate::kernel::answer::{Enrolment, Request, Subscription, ZohoCustomer};
use crate::kernel::effect::{Claim, ClaimKind};
use crate::kernel::ids::Installation;
use crate::kernel::offer::Offer;
use crate::kernel::quote::Quote;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What a quote rests on is read anew when it is older: prices and dates may have changed.
pub(crate) const QUOTE_AGE: TimeDelta = TimeDelta::hours(24);

/// How it began. `T` are the settings that it runs under: they come with the press and hold for its whole life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intake<T> {
    pub(crate) organization: String,
    pub(crate) installation: Installation,
    pub(crate) record: String,
    pub(crate) act: Act,
    pub(crate) pressed_at: DateTime<Utc>,
    pub(crate) terms: T,
    /// By another program: no act stands on the record.
    pub(crate) ordered: bool,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) request: Option<Request>,
    pub(crate) enrolment: Option<Enrolment>,
    /// Its links were read since others could have changed them.
    pub(crate) enrolled: bool,
    /// Titles of what is missing of the person.
    pub(crate) person: Option<Vec<String>>,
    pub(crate) offer: Option<Offer>,
    pub(crate) zoho_customer: Option<ZohoCustomer>,
    pub(crate) subscriptions: Option<Vec<Subscription>>,
    /// Inactive customers at Zoho that carry our id, oldest first.
    pub(crate) retired: Option<Vec<ZohoCustomer>>,
    /// Another saga keeps the customer's product: a trial gives way.
    pub(crate) product_kept: bool,
}

/// A link that is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) number: u32,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) remind_at: Option<DateTime<Utc>>,
    pub(crate) opened: bool,
}

/// What the sale made of the customer at Zoho.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MadeCustomer {
    /// Zoho customer id.
    pub(crate) id: Option<String>,
    /// It is linked with ours.
    pub(crate) linked: bool,
}

/// A sale in the making, in a flow's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sale<T> {
    pub(crate) intake: Option<Intake<T>>,
    /// The act that is being done: a pressed `Quote` waits for a `Start`.
    pub(crate) act: Option<Act>,
    /// The newest press (UTC).
    pub(crate) pressed_at: Option<DateTime<Utc>>,
    /// Why the last act was not carried out.
    pub(crate) act_declined: Option<String>,
    /// An act on the record has no answer yet.
    pub(crate) unanswered: bool,
    pub(crate) facts: Facts,
    pub(crate) quote: Option<Quote>,
    /// The day on which the quote was made (books zone).
    pub(crate) quoted_on: Option<NaiveDate>,
    pub(crate) link: Option<Link>,
    /// Links issued so far.
    pub(crate) links: u32,
    pub(crate) made: MadeCustomer,
    /// Claims that are held.
    pub(crate) claims: Vec<Claim>,
    /// Nothing is done before (UTC).
    pub(crate) sleep_until: Option<DateTime<Utc>>,
    /// Looks in a row that did not show what is awaited.
    pub(crate) looks: u32,
    /// How often all was read anew: tells repeated steps apart.
    pub(crate) rounds: u32,
    /// Claims asked for so far.
    pub(crate) claimed: u32,
}

impl<T> Default for Sale<T> {
    fn default() -> Self {
        Self {
            intake: None,
            act: None,
            pressed_at: None,
            act_declined: None,
            unanswered: false,
            facts: Facts::default(),
            quote: None,
            quoted_on: None,
            link: None,
            links: 0,
            made: MadeCustomer::default(),
            claims: Vec::new(),
            sleep_until: None,
            looks: 0,
            rounds: 0,
            claimed: 0,
        }
    }
}

impl<T> Sale<T> {
    /// The first press.
    pub(crate) fn begin(&mut self, intake: Intake<T>) {
        self.act = Some(intake.act);
        self.pressed_at = Some(intake.pressed_at);
        self.unanswered = true;
        self.intake = Some(intake);
        self.prepare();
    }

    /// All that can change is read anew.
    pub(crate) fn prepare(&mut self) {
        self.read_anew();
        self.quote = None;
        self.looks = 0;
        self.sleep_until = None;
    }

    /// The same, and what was quoted stands.
    pub(crate) fn read_anew(&mut self) {
        self.rounds += 1;
        let Facts { request, enrolment, person, .. } = std::mem::take(&mut self.facts);
        self.facts = Facts { request, enrolment, person, ..Facts::default() };
    }

    /// Prices only: the customer's own state was read before.
    pub(crate) fn read_offer_anew(&mut self) {
        self.rounds += 1;
        self.facts.offer = None;
        self.quote = None;
    }

    /// What was read is too old to be sold by.
    pub(crate) fn is_old(&self, now: DateTime<Utc>) -> bool {
        self.facts.offer.as_ref().is_some_and(|offer| now - offer.read_at > QUOTE_AGE)
    }

    /// Lets claims go.
    pub(crate) fn let_go(&mut self, released: &[Claim]) {
        self.claims.retain(|claim| !released.contains(claim));
    }

    /// The sale after an event. Where the flow stands then, is the flow's.
    pub(crate) fn apply(&mut self, event: &Selling) {
        let facts = &mut self.facts;
        match event {
            Selling::ActPressed { pressed_at, .. } => {
                self.pressed_at = Some(*pressed_at);
                self.unanswered = true;
                self.act_declined = None;
            }
            Selling::ActDeclined { act, reason, .. } => {
                self.act_declined = Some(format!("`{}` was not carried out: {reason}", act.title()));
            }
            Selling::RequestRead { request } => facts.request = Some((**request).clone()),
            Selling::PressOutdated => {}
            Selling::CustomerEnrolled { enrolment } => {
                let old = facts.enrolment.replace((**enrolment).clone());
                if old.is_some_and(|old| old.zoho_customer != enrolment.zoho_customer) {
                    (facts.zoho_customer, facts.subscriptions) = (None, None);
                }
                facts.enrolled = true;
            }
            Selling::PersonChecked { missing, .. } => facts.person = Some(missing.clone()),
            Selling::ClaimsTaken { claims } => {
                self.claimed += 1;
                self.looks = 0;
                self.claims.extend(claims.iter().cloned());
                // What others made of the customer meanwhile is read under the claim.
                if self.customer_claim().is_some_and(|claim| claims.contains(&claim)) {
                    (self.facts.enrolled, self.facts.retired) = (false, None);
                }
            }
            Selling::ClaimBusy { again_at, .. } => {
                self.claimed += 1;
                self.sleep_until = Some(*again_at);
            }
            Selling::ProductKept => {
                self.claimed += 1;
                facts.product_kept = true;
            }
            Selling::OfferRead { offer } => facts.offer = Some((**offer).clone()),
            Selling::ZohoCustomerRead { customer } => facts.zoho_customer = Some((**customer).clone()),
            Selling::SubscriptionsRead { subscriptions } => facts.subscriptions = Some(subscriptions.clone()),
            Selling::QuoteMade { quote, made_on, .. } => {
                self.quote = Some((**quote).clone());
                self.quoted_on = Some(*made_on);
            }
            Selling::LinkIssued { number, expires_at, remind_at, .. } => {
                self.links = *number;
                let remind_at = (remind_at < expires_at).then_some(*remind_at);
                self.link = Some(Link { number: *number, expires_at: *expires_at, remind_at, opened: false });
            }
            Selling::LinkOpened { .. } => self.link.iter_mut().for_each(|link| link.opened = true),
            Selling::ReminderDue { .. } => self.link.iter_mut().for_each(|link| link.remind_at = None),
            Selling::RetiredCustomersFound { customers } => facts.retired = Some(customers.clone()),
            Selling::RetiredCustomerGone { customer } => {
                facts.retired.iter_mut().for_each(|all| all.retain(|c| c.id != *customer));
            }
            Selling::ZohoCustomerRevived { customer } | Selling::ZohoCustomerMade { customer } => {
                self.made.id = Some(customer.clone());
            }
            Selling::ZohoCustomerLinked => self.made.linked = true,
            Selling::ProductReleased { claim } => self.claims.retain(|held| held != claim),
            Selling::WaitOver => self.sleep_until = None,
        }
    }

    /// Our customer id.
    pub(crate) fn customer(&self) -> Option<&str> {
        self.facts.enrolment.as_ref().map(|e| e.customer.as_str())
    }

    /// The customer's Zoho id, linked or just made.
    pub(crate) fn zoho_customer(&self) -> Option<&str> {
        let linked = self.facts.enrolment.as_ref().and_then(|e| e.zoho_customer.as_deref());
        linked.or(self.made.id.as_deref())
    }

    /// What is bought, for people.
    pub(crate) fn title(&self) -> String {
        let asked = self.facts.request.as_ref().and_then(|r| r.plan.clone());
        self.facts.offer.as_ref().map(|o| o.plan.name.clone()).or(asked).unwrap_or_default()
    }

    /// The customer may be asked to buy: more than a price was wanted.
    pub(crate) const fn goes_on(&self) -> bool {
        !matches!(self.act, None | Some(Act::Quote))
    }

    /// The press was on the record of a subscription that something else has made.
    pub(crate) fn is_subscription_already(&self) -> bool {
        let request = self.facts.request.as_ref();
        request.is_some_and(|r| r.external_id.is_some() || r.zoho_subscription.is_some())
    }

    /// The claims of that kind that are held.
    pub(crate) fn held(&self, kind: ClaimKind) -> Vec<Claim> {
        self.claims.iter().filter(|claim| claim.kind == kind).cloned().collect()
    }
}
