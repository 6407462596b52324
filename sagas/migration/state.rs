//! What a line of the old system's list remembers, folded from its events. Nothing is decided here, and no event is refused.

pub(super) use super::words::Way;
use super::words::{Conflict, Event, Found, OldSubscription};
use crate::kernel::answer::{
    BilledInvoice, Client, CollectionOwner, CustomerSurvey, InvoicePayment, Method, Subscription, SubscriptionSurvey,
    ZohoCustomer,
};
use crate::kernel::effect::{AttioRecord, Claim};
use crate::kernel::hand_over::Wish;
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::retry::PutOff;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a line remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) old: Option<OldSubscription>,
    pub(super) installation: Option<Installation>,
    pub(super) stage: Stage,
    /// Calls that were answered: tells repeated steps apart.
    pub(super) answered: u32,
    pub(super) facts: Facts,
    pub(super) found: Option<Found>,
    pub(super) checked_at: Option<DateTime<Utc>>,
    pub(super) conflicts: Vec<Conflict>,
    /// Held by this saga.
    pub(super) claims: Vec<Claim>,
    /// Nothing is collected until then: it is paid for.
    pub(super) held_until: Option<DateTime<Utc>>,
    pub(super) busy: PutOff,
    pub(super) shadow: Option<Shadow>,
    /// Finance agreed to what the shadow says.
    pub(super) approved: Option<DateTime<Utc>>,
    /// The newest hand-over that was ordered.
    pub(super) cut: Option<Box<Cut>>,
    /// Hand-overs ever ordered.
    pub(super) cuts: u32,
    /// Somebody else collects since.
    pub(super) watch: Option<Box<Watch>>,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    /// Looked up at the vendors.
    Checking {
        /// It is linked next, unless a conflict shows.
        then_link: bool,
    },
    Matched,
    Conflict,
    Claiming,
    Linking,
    Counting,
    Owning,
    Linked,
    /// Whether the collector is still the one that was recorded.
    Unowning,
    /// Nobody collects it any more; then the ids go.
    Disowning,
    Unlinking,
    Unlinked,
    /// Nobody charges it while nobody is put on record again.
    Reclaiming,
    Resurveying,
    Returning,
    /// The subscription has ended.
    Ended,
}

/// What came of looking for something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "looked", content = "found", rename_all = "snake_case")]
pub(super) enum Looked<T> {
    #[default]
    NotYet,
    Absent,
    Found(T),
}

impl<T> Looked<T> {
    fn of(found: Option<&T>) -> Self
    where
        T: Clone,
    {
        found.map_or(Self::Absent, |found| Self::Found(found.clone()))
    }

    pub(super) const fn is_due(&self) -> bool {
        matches!(self, Self::NotYet)
    }

    pub(super) const fn found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            Self::NotYet | Self::Absent => None,
        }
    }
}

/// What was read for the present check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// By the e-mail address.
    pub(super) zoho_customers: Option<Vec<ZohoCustomer>>,
    pub(super) listed: Option<Vec<Subscription>>,
    pub(super) subscription: Looked<Subscription>,
    pub(super) customer: Looked<ZohoCustomer>,
    pub(super) ours: Option<SubscriptionSurvey>,
    pub(super) our_customer: Option<CustomerSurvey>,
    /// By the e-mail address.
    pub(super) braintree_customers: Option<Vec<String>>,
    pub(super) methods: Looked<Vec<Method>>,
    /// Braintree subscriptions by the card that they charge.
    pub(super) uses: BTreeMap<String, Vec<String>>,
    pub(super) client: Option<Client>,
    pub(super) person: Looked<AttioRecord>,
}

/// What we would charge, beside what is charged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shadow {
    /// Raised before it began; absent: not looked up yet.
    pub(super) before: Option<BTreeSet<String>>,
    pub(super) look_at: Option<DateTime<Utc>>,
    /// The list of invoices is to be read.
    pub(super) due: bool,
    /// Still to be read in this look, the first first.
    pub(super) queue: Vec<BilledInvoice>,
    /// What we would have charged, by invoice; until the old way has.
    pub(super) open: BTreeMap<String, Money>,
    pub(super) agreed: BTreeSet<String>,
    /// Why, by invoice.
    pub(super) differs: BTreeMap<String, String>,
}

/// A hand-over that was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cut {
    pub(super) wish: Wish,
    pub(super) way: Way,
    /// Its answer came.
    pub(super) over: bool,
    /// Our own record is looked at then.
    pub(super) look_at: DateTime<Utc>,
    /// It is looked at now.
    pub(super) due: bool,
}

/// What is charged since somebody else collects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) owner: CollectionOwner,
    /// So many terms have to be collected and settled.
    pub(super) terms: u32,
    /// So many are.
    pub(super) seen: u32,
    pub(super) done: bool,
    /// Paid when it began; absent: not looked up yet.
    pub(super) before: Option<BTreeSet<String>>,
    pub(super) look_at: Option<DateTime<Utc>>,
    pub(super) due: bool,
    /// Zoho invoice ids still to be read in this look, the first first.
    pub(super) queue: Vec<String>,
    /// The charges on the invoice that was read, until it is known whose they are.
    pub(super) read: Option<(String, Vec<InvoicePayment>)>,
    /// Nothing more is to be found out about these.
    pub(super) known: BTreeSet<String>,
    /// Our charges, by invoice.
    pub(super) charged: BTreeMap<String, String>,
    /// Invoices whose charge is to be read in this look.
    pub(super) unsettled: BTreeSet<String>,
    /// A charge of somebody else that no person has seen to.
    pub(super) foreign: Option<Foreign>,
}

/// A charge of somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Foreign {
    pub(super) invoice: String,
    pub(super) reference: String,
    pub(super) amount: Money,
}

impl State {
    /// A card is known that could be charged, or none is needed to link it.
    pub(super) fn needs_card(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.card.is_none())
    }

    pub(super) fn apply(&mut self, event: &Event) {
        self.answered += u32::from(is_answer(event));
        match event {
            Event::CheckAsked { old, installation, .. } => {
                self.old = Some((**old).clone());
                self.installation = Some(installation.clone());
                self.check(false);
            }
            Event::LinkAsked { .. } => {
                // What was read a while ago proves nothing of who collects now.
                self.check(true);
            }
            Event::LineMatched { found, at } => {
                let then_link = self.stage == Stage::Checking { then_link: true };
                self.found = Some((**found).clone());
                self.checked_at = Some(*at);
                self.conflicts.clear();
                self.facts = Facts::default();
                self.busy = PutOff::default();
                self.stage = if then_link { Stage::Claiming } else { Stage::Matched };
            }
            Event::ConflictsFound { conflicts, at } => self.conflicting(conflicts.clone(), *at),
            Event::ProductClaimed { claims } => {
                self.claims.clone_from(claims);
                self.stage = Stage::Linking;
            }
            Event::ClaimBusy { again_at } => self.busy.refused(*again_at),
            Event::ClaimDue => self.busy.until = None,
            Event::IdsLinked => self.stage = Stage::Counting,
            Event::OldChargesCounted { .. } => self.stage = Stage::Owning,
            Event::SubscriptionLinked { held_until, released, .. } => {
                self.let_go(released);
                self.held_until = *held_until;
                self.stage = Stage::Linked;
            }
            Event::LinkRefused { conflict, released, at } => {
                self.let_go(released);
                self.conflicting(vec![conflict.clone()], *at);
            }
            Event::PaidTermOver { .. } => self.held_until = None,
            Event::UnlinkAsked { .. } => {
                self.shadow = None;
                self.stage = Stage::Unowning;
            }
            Event::CollectorUnchanged => self.stage = Stage::Disowning,
            Event::UnlinkRefused { .. } => self.stage = Stage::Linked,
            Event::OwnerCleared => self.stage = Stage::Unlinking,
            Event::SubscriptionUnlinked { released, .. } => {
                self.let_go(released);
                self.held_until = None;
                self.stage = Stage::Unlinked;
            }
            Event::ProductReleased { claim } => {
                self.let_go(std::slice::from_ref(claim));
                self.shadow = None;
                self.held_until = None;
                self.stage = Stage::Ended;
            }
            Event::ZohoCustomersFound { .. }
            | Event::SubscriptionsListed { .. }
            | Event::SubscriptionRead { .. }
            | Event::CustomerRead { .. }
            | Event::SubscriptionSurveyed { .. }
            | Event::CustomerSurveyed { .. }
            | Event::BraintreeCustomersFound { .. }
            | Event::CardsRead { .. }
            | Event::CardUsesRead { .. }
            | Event::ClientRead { .. }
            | Event::PersonLooked { .. } => self.facts.apply(event),
            Event::ShadowApproved { at, .. } => self.approved = Some(*at),
            Event::HandOverOrdered { wish, way, look_at, .. } => {
                self.cuts += 1;
                let (wish, way, look_at) = ((**wish).clone(), *way, *look_at);
                self.cut = Some(Box::new(Cut { wish, way, over: false, look_at, due: false }));
            }
            Event::HandOverLookDue => self.look_at_record(true, None),
            Event::HandOverAwaited { look_at } => self.look_at_record(false, Some(*look_at)),
            Event::HandOverFailed { .. } => self.cut_is_over(),
            Event::HandedOver { owner, terms, .. } => {
                self.cut_is_over();
                self.shadow = None;
                self.watch = Some(Box::new(Watch::new(*owner, *terms)));
            }
            Event::HandedBack { .. } => {
                self.cut_is_over();
                self.back();
            }
            Event::ReturnOrdered { .. } => self.stage = Stage::Reclaiming,
            Event::ReturnClaimed { claims } => {
                self.claims.extend(claims.iter().cloned());
                self.busy = PutOff::default();
                self.stage = Stage::Resurveying;
            }
            Event::NothingUnderWay => self.stage = Stage::Returning,
            Event::ReturnRefused { released, .. } => {
                self.let_go(released);
                self.stage = Stage::Linked;
            }
            Event::ReturnedToOldWay { released, .. } => {
                self.let_go(released);
                self.back();
            }
            Event::ShadowBegun { .. } => self.shadow = Some(Shadow { due: true, ..Shadow::default() }),
            Event::ShadowEnded { .. } => self.shadow = None,
            _ => {
                // What was agreed to is not what it says any more.
                if matches!(event, Event::ShadowDiffers { .. }) {
                    self.approved = None;
                }
                if let Some(shadow) = &mut self.shadow {
                    shadow.apply(event);
                }
                if let Some(watch) = &mut self.watch {
                    watch.apply(event);
                }
            }
        }
    }

    fn look_at_record(&mut self, due: bool, look_at: Option<DateTime<Utc>>) {
        if let Some(cut) = &mut self.cut {
            cut.due = due;
            cut.look_at = look_at.unwrap_or(cut.look_at);
        }
    }

    fn cut_is_over(&mut self) {
        if let Some(cut) = &mut self.cut {
            (cut.over, cut.due) = (true, false);
        }
    }

    /// It is collected as before, and has to be approved anew.
    fn back(&mut self) {
        self.watch = None;
        self.approved = None;
        self.stage = Stage::Linked;
    }

    fn check(&mut self, then_link: bool) {
        self.facts = Facts::default();
        self.conflicts.clear();
        self.stage = Stage::Checking { then_link };
    }

    fn conflicting(&mut self, conflicts: Vec<Conflict>, at: DateTime<Utc>) {
        self.conflicts = conflicts;
        self.checked_at = Some(at);
        self.facts = Facts::default();
        self.found = None;
        self.stage = Stage::Conflict;
    }

    fn let_go(&mut self, released: &[Claim]) {
        self.claims.retain(|claim| !released.contains(claim));
    }
}

impl Facts {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::ZohoCustomersFound { customers } => self.zoho_customers = Some(customers.clone()),
            Event::SubscriptionsListed { subscriptions } => self.listed = Some(subscriptions.clone()),
            Event::SubscriptionRead { subscription } => {
                self.subscription = Looked::of(subscription.as_deref());
            }
            Event::CustomerRead { customer } => self.customer = Looked::of(customer.as_deref()),
            Event::SubscriptionSurveyed { survey } => self.ours = Some((**survey).clone()),
            Event::CustomerSurveyed { survey } => self.our_customer = Some((**survey).clone()),
            Event::BraintreeCustomersFound { customers } => self.braintree_customers = Some(customers.clone()),
            Event::CardsRead { methods } => self.methods = Looked::of(methods.as_ref()),
            Event::CardUsesRead { token, subscriptions } => {
                self.uses.insert(token.clone(), subscriptions.clone());
            }
            Event::ClientRead { client } => self.client = Some((**client).clone()),
            Event::PersonLooked { record } => self.person = Looked::of(record.as_ref()),
            _ => {}
        }
    }
}

impl Shadow {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::ShadowFrom { before, look_at } => {
                self.before = Some(before.iter().cloned().collect());
                self.rest_until(*look_at);
            }
            Event::ShadowDue => self.due = true,
            Event::InvoicesFound { invoices, look_at } => {
                self.queue.clone_from(invoices);
                self.rest_until(*look_at);
            }
            Event::WouldCharge { invoice, amount, .. } => {
                self.open.insert(invoice.clone(), *amount);
            }
            Event::OldWayAwaited { invoice } => self.looked(invoice),
            Event::ShadowAgrees { invoice, .. } => {
                self.looked(invoice);
                self.open.remove(invoice);
                self.agreed.insert(invoice.clone());
            }
            Event::ShadowDiffers { invoice, why, .. } => {
                self.looked(invoice);
                self.open.remove(invoice);
                self.differs.insert(invoice.clone(), why.clone());
            }
            Event::DifferenceExplained { invoice, .. } => {
                self.differs.remove(invoice);
                self.agreed.insert(invoice.clone());
            }
            _ => {}
        }
    }

    fn rest_until(&mut self, look_at: DateTime<Utc>) {
        self.due = false;
        self.look_at = Some(look_at);
    }

    fn looked(&mut self, invoice: &str) {
        self.queue.retain(|queued| queued.id != invoice);
    }

    /// Nothing more is to be found out about it.
    pub(super) fn is_settled(&self, invoice: &str) -> bool {
        self.before.as_ref().is_some_and(|before| before.contains(invoice))
            || self.agreed.contains(invoice)
            || self.differs.contains_key(invoice)
    }
}

impl Watch {
    const fn new(owner: CollectionOwner, terms: u32) -> Self {
        Self {
            owner,
            terms,
            seen: 0,
            done: false,
            before: None,
            look_at: None,
            due: true,
            queue: Vec::new(),
            read: None,
            known: BTreeSet::new(),
            charged: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            foreign: None,
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::WatchFrom { before, look_at } => {
                self.before = Some(before.iter().cloned().collect());
                self.rest_until(*look_at);
            }
            Event::WatchDue => self.due = true,
            Event::PaidInvoicesFound { invoices, look_at } => {
                self.queue = invoices.iter().filter(|id| !self.charged.contains_key(*id)).cloned().collect();
                self.unsettled = self.charged.keys().filter(|id| !self.known.contains(*id)).cloned().collect();
                self.rest_until(*look_at);
            }
            Event::PaymentsSeen { invoice, payments } => self.read = Some((invoice.clone(), payments.clone())),
            Event::OurChargeSeen { invoice, transaction, .. } => {
                self.looked(invoice);
                self.charged.insert(invoice.clone(), transaction.clone());
                self.unsettled.insert(invoice.clone());
            }
            Event::SettlementAwaited { invoice } => {
                self.unsettled.remove(invoice);
            }
            Event::NothingCharged { invoice, .. } => self.is_known(invoice),
            Event::TermCollected { invoice, .. } => {
                self.is_known(invoice);
                self.seen += 1;
            }
            Event::OldWayCharged { invoice, reference, amount, .. } => {
                self.is_known(invoice);
                let (invoice, reference) = (invoice.clone(), reference.clone());
                self.foreign = Some(Foreign { invoice, reference, amount: *amount });
            }
            Event::OldWayStopped { .. } => self.foreign = None,
            Event::CutOverDone { .. } => self.done = true,
            _ => {}
        }
    }

    fn rest_until(&mut self, look_at: DateTime<Utc>) {
        self.due = false;
        self.look_at = Some(look_at);
    }

    fn looked(&mut self, invoice: &str) {
        self.queue.retain(|queued| queued != invoice);
        self.read = None;
    }

    fn is_known(&mut self, invoice: &str) {
        self.looked(invoice);
        self.unsettled.remove(invoice);
        self.known.insert(invoice.to_owned());
    }
}

const fn is_answer(event: &Event) -> bool {
    matches!(
        event,
        Event::ZohoCustomersFound { .. }
            | Event::SubscriptionsListed { .. }
            | Event::SubscriptionRead { .. }
            | Event::CustomerRead { .. }
            | Event::SubscriptionSurveyed { .. }
            | Event::CustomerSurveyed { .. }
            | Event::BraintreeCustomersFound { .. }
            | Event::CardsRead { .. }
            | Event::CardUsesRead { .. }
            | Event::ClientRead { .. }
            | Event::PersonLooked { .. }
            | Event::ProductClaimed { .. }
            | Event::ClaimBusy { .. }
            | Event::IdsLinked
            | Event::OldChargesCounted { .. }
            | Event::SubscriptionLinked { .. }
            | Event::LinkRefused { .. }
            | Event::CollectorUnchanged
            | Event::UnlinkRefused { .. }
            | Event::OwnerCleared
            | Event::SubscriptionUnlinked { .. }
            | Event::ShadowFrom { .. }
            | Event::InvoicesFound { .. }
            | Event::OldWayAwaited { .. }
            | Event::ShadowAgrees { .. }
            | Event::ShadowDiffers { .. }
            | Event::HandOverAwaited { .. }
            | Event::HandedOver { .. }
            | Event::HandedBack { .. }
            | Event::WatchFrom { .. }
            | Event::PaidInvoicesFound { .. }
            | Event::NothingCharged { .. }
            | Event::PaymentsSeen { .. }
            | Event::OurChargeSeen { .. }
            | Event::SettlementAwaited { .. }
            | Event::TermCollected { .. }
            | Event::OldWayCharged { .. }
            | Event::ReturnClaimed { .. }
            | Event::NothingUnderWay
            | Event::ReturnRefused { .. }
            | Event::ReturnedToOldWay { .. }
    )
}
