//! Plan changes: CRM users and customers who ask for another plan, look at what it costs and agree or do not; staff who
//! change it at Zoho by hand; what Zoho prorates and raises, and the end of a term for which a change waits.

use crate::braintree::{not_found, rejected};
use crate::dice::Dice;
use crate::people::{Deed, ORGANIZATION, installation, item};
use crate::tables::{Holder, eur};
use crate::world::{Event, World, began};
use crate::zoho::{MONTH, Zoho};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sagas::kernel::answer::{CollectionOwner, Sold};
use sagas::kernel::effect::{Braintree, Claim, ClaimKind, OnSubscription, PressedAct, TermsOrder, Zoho as Call};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::{End, Saga};
use sagas::plan_change::{Ask, Basis, Command, Consent, Of, PlanChange, Press, Terms, Wanted};
use std::collections::{BTreeMap, BTreeSet};

/// What people do about plans.
#[derive(Debug, Clone)]
pub(crate) enum PlanDeed {
    /// Somebody asks for another plan.
    Asks,
    /// A customer looks at what it would cost.
    Looks { saga: SagaId, visits: u32 },
    /// Staff change it at Zoho by hand.
    ByHand,
    /// The term of a subscription ends, of which somebody asked for another plan.
    TermEnds { subscription: String },
}

/// A customer looks so often.
const VISITS: u32 = 20;
/// Days of a term.
const TERM: i64 = 30;

/// What a subscription sells beside what Zoho's list shows.
#[derive(Debug, Clone)]
pub(crate) struct Selling {
    quantity: u32,
    scheduled: Option<Sold>,
    /// How often it was changed.
    changes: u32,
}

/// How what Zoho makes of a change differs from the estimate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Prorates {
    #[default]
    AsExpected,
    Less,
    Above,
    /// The charge stays unbilled.
    NoInvoice,
    /// Credits of the customer cover it.
    Credited,
}

const WAYS: [Prorates; 4] = [Prorates::Less, Prorates::Credited, Prorates::Above, Prorates::NoInvoice];

pub(crate) struct Changes {
    /// Its choices are its own, so that the other stories stay the same.
    dice: Dice,
    asked: u32,
    /// The change that was asked for last on a record.
    running: BTreeMap<String, SagaId>,
    /// Who had Zoho change something, and the invoices that Zoho raised for it.
    pub(crate) made: BTreeMap<SagaId, Vec<String>>,
    /// The invoice for which a hold or a sale of a change is taken, by our reference: the one that its saga claims.
    charged: BTreeMap<String, String>,
    /// Subscriptions whose terms end here.
    clocked: BTreeSet<String>,
}

impl Changes {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed, 41),
            asked: 0,
            running: BTreeMap::new(),
            made: BTreeMap::new(),
            charged: BTreeMap::new(),
            clocked: BTreeSet::new(),
        }
    }
}

impl Zoho {
    /// Net price of a plan.
    pub(crate) fn price_of(&self, plan: &str) -> i64 {
        match plan {
            "max" => self.price * 5 / 2,
            "mini" => self.price / 2,
            _ => self.price,
        }
    }

    fn selling_of(&self, id: &str) -> Selling {
        self.selling.get(id).cloned().unwrap_or(Selling { quantity: 1, scheduled: None, changes: 0 })
    }

    /// What is sold now, what waits for the end of the term, and when it was changed last.
    pub(crate) fn sells(&self, id: &str) -> (Sold, Option<Sold>, String) {
        let selling = self.selling_of(id);
        let known = self.subscription(id);
        let sold = Sold {
            plan: known.and_then(|known| known.plan.clone()).unwrap_or_default(),
            quantity: selling.quantity,
            addons: Vec::new(),
            coupon: None,
            amount: known.and_then(|known| known.amount),
        };
        (sold, selling.scheduled, format!("t{}", selling.changes))
    }

    /// Sells something else, at once with what Zoho prorates, or when the term ends.
    pub(crate) fn change(&mut self, order: &TermsOrder, now: DateTime<Utc>) -> Outcome {
        let Some(known) = self.subscription(&order.subscription).cloned() else { return not_found() };
        if known.status != "live" {
            return rejected(RejectionKind::State, "102001");
        }
        let (present, ..) = self.sells(&order.subscription);
        let mut selling = self.selling_of(&order.subscription);
        let amount = self.price_of(&order.plan) * i64::from(order.quantity);
        let wanted = Sold {
            plan: order.plan.clone(),
            quantity: order.quantity,
            addons: Vec::new(),
            coupon: None,
            amount: Some(eur(amount)),
        };
        selling.changes += 1;
        let same = is_sold(&present, &wanted);
        selling.scheduled = (order.at_end && !same).then(|| wanted.clone());
        if !order.at_end && !same {
            selling.quantity = order.quantity;
            let before = known.amount.map_or(0, |amount| amount.minor);
            let due = known.next_billing_on.map_or(0, |next| prorated(amount, before, next, now.date_naive()));
            self.sells_now(&order.subscription, &wanted);
            self.raises(&known.customer, &order.subscription, due, now);
        }
        self.selling.insert(order.subscription.clone(), selling);
        self.terms_of(&order.subscription, now)
    }

    fn sells_now(&mut self, id: &str, sold: &Sold) {
        for (known, _) in self.subscriptions.iter_mut().filter(|(known, _)| known.id == id) {
            (known.plan, known.amount) = (Some(sold.plan.clone()), sold.amount);
        }
    }

    /// The invoice of a change.
    fn raises(&mut self, customer: &str, id: &str, due: i64, now: DateTime<Utc>) {
        let total = match self.prorates {
            Prorates::AsExpected | Prorates::Credited => due,
            Prorates::Less => due - 200,
            Prorates::Above => due + 1_000,
            Prorates::NoInvoice => 0,
        };
        if due <= 0 || total <= 0 {
            return;
        }
        let credits = if self.prorates == Prorates::Credited { total } else { 0 };
        let bill = self.bill(customer, Some(id), total, TimeDelta::zero(), now);
        let visible_at = now + self.invoice_lag;
        self.edit(&bill, now, |bill| (bill.visible_at, bill.credits) = (visible_at, credits));
    }

    pub(crate) fn look_change(&self, order: &TermsOrder, now: DateTime<Utc>) -> Look {
        let found = |outcome| Look::Found { outcome: Box::new(outcome), extra: Vec::new() };
        let (sold, scheduled, changed_at) = self.sells(&order.subscription);
        let is = |sold: &Sold| sold.plan == order.plan && sold.quantity == order.quantity;
        let is_so = match &scheduled {
            Some(waiting) => order.at_end && is(waiting),
            None => is(&sold),
        };
        match &order.seen {
            _ if is_so => found(self.terms_of(&order.subscription, now)),
            Some(seen) if *seen != changed_at => found(rejected(RejectionKind::Changed, "changed_meanwhile")),
            _ => Look::Absent { watermark: false, key_proven: false },
        }
    }

    /// A term begins with what has waited for it.
    fn takes_effect(&mut self, id: &str) {
        let Some(selling) = self.selling.get_mut(id) else { return };
        let Some(sold) = selling.scheduled.take() else { return };
        selling.quantity = sold.quantity;
        self.sells_now(id, &sold);
    }

    fn drops(&mut self, id: &str) {
        if let Some(selling) = self.selling.get_mut(id) {
            selling.scheduled = None;
        }
    }
}

fn is_sold(one: &Sold, other: &Sold) -> bool {
    (&one.plan, one.quantity) == (&other.plan, other.quantity)
}

/// The rest of the term at the new price, less the same at the old one; each line is rounded by itself.
fn prorated(new: i64, old: i64, next: NaiveDate, today: NaiveDate) -> i64 {
    let left = (next - today).num_days().clamp(0, TERM);
    let rest = |minor: i64| (minor * left * 2 + TERM).div_euclid(TERM * 2);
    rest(new) - rest(old)
}

fn of(subscription: &str) -> Of {
    Of { organization: ORGANIZATION.to_owned(), installation: installation(), subscription: subscription.to_owned() }
}

fn terms() -> Terms {
    Terms {
        highest_tax_ppm: 270_000,
        currencies: vec!["EUR".to_owned()],
        consent_version: "1".to_owned(),
        preview_minutes: 15,
        patience_days: 7,
        declines_at_most: 3,
        hold_hours: 24,
    }
}

impl World {
    /// Somebody asks for another plan now and then, and more often where this run seeks what follows from it.
    pub(crate) fn some_plan_changes(&mut self) {
        let sought = self.mishaps.seeks(PlanChange::NAME, &[""]);
        if !sought && !self.changes.dice.chance(80) {
            return;
        }
        // Terms that end while things go wrong.
        let ends_soon = self.changes.dice.chance(500);
        let held: Vec<_> = self.tables.subscriptions.values().filter_map(|owned| owned.zoho.clone()).collect();
        for id in held.iter().filter(|_| ends_soon) {
            let day = (began() + TimeDelta::days(self.changes.dice.between(2, 6))).date_naive();
            for (known, _) in self.zoho.subscriptions.iter_mut().filter(|(known, _)| known.id == *id) {
                known.next_billing_on = Some(day);
            }
        }
        // Who cannot pay changes nothing.
        let good = self.changes.dice.chance(if sought { 800 } else { 0 });
        for plastic in self.braintree.plastic.values_mut().filter(|_| good) {
            (plastic.broke_until, plastic.stolen) = (None, false);
        }
        let minutes = (self.healed_at - began()).num_minutes();
        for _ in 0..if sought { 8 } else { 3 } {
            let at = began() + TimeDelta::minutes(self.changes.dice.between(0, minutes));
            self.clock.at(at, Event::Deed(Deed::Plan(PlanDeed::Asks)));
        }
        if self.mishaps.weather.staff {
            let at = began() + TimeDelta::minutes(self.changes.dice.between(0, minutes));
            self.clock.at(at, Event::Deed(Deed::Plan(PlanDeed::ByHand)));
        }
    }

    pub(crate) fn plan_deed(&mut self, deed: PlanDeed) {
        match deed {
            PlanDeed::Asks => self.asks_for_plan(),
            PlanDeed::Looks { saga, visits } => self.looks_at_plan(saga, visits),
            PlanDeed::ByHand => self.plan_by_hand(),
            PlanDeed::TermEnds { subscription } => self.term_ends(&subscription),
        }
    }

    /// One of the subscriptions that are ours: its id at Zoho, its record.
    fn some_subscription(&mut self) -> Option<(String, Option<String>)> {
        let ours = |owned: &crate::tables::Owned| Some((owned.zoho.clone()?, owned.attio.clone(), owned.owner));
        let mut all: Vec<_> = self.tables.subscriptions.values().filter_map(ours).collect();
        // Mostly one that can be changed.
        let fits = |(id, _, owner): &(String, Option<String>, Option<CollectionOwner>)| {
            let lives = self.zoho.subscription(id).is_some_and(|known| known.status == "live" && !known.auto_collect);
            lives && *owner == Some(CollectionOwner::Orchestrator)
        };
        let fit: Vec<_> = all.iter().filter(|one| fits(one)).cloned().collect();
        if !fit.is_empty() && self.changes.dice.chance(850) {
            all = fit;
        }
        if all.is_empty() {
            return None;
        }
        let (id, record, owner) = self.changes.dice.of(&all);
        if owner == Some(CollectionOwner::Orchestrator) {
            self.clocks_term(&id);
        }
        Some((id, record))
    }

    /// Somebody asks what another plan would cost, at the record or by another program.
    fn asks_for_plan(&mut self) {
        let now = self.clock.now();
        let Some((subscription, record)) = self.some_subscription() else { return };
        let customer = self.zoho.subscription(&subscription).map(|known| known.customer.clone()).unwrap_or_default();
        let company = self.company_of(&customer).unwrap_or_default();
        let pressed = self.mishaps.seeks(PlanChange::NAME, &["read_request"]);
        let present = self.zoho.selling_of(&subscription).quantity;
        let dice = &mut self.changes.dice;
        let dearer = dice.chance(600);
        let wanted = Wanted {
            plan: if dearer { "max" } else { dice.of(&["max", "mini", "basic"]) }.to_owned(),
            quantity: if dearer { present + 1 } else { dice.of(&[1, 1, 1, 2]) },
            addons: Vec::new(),
            coupon: None,
        };
        let at_end = dice.of(&[None, None, None, None, Some(true), Some(false)]);
        let record = record.filter(|_| dice.chance(if pressed { 900 } else { 400 }));
        let act = dice.of(&["Change plan", "Change plan", "Quote"]);
        self.changes.asked += 1;
        let (saga, ask) = if let Some(record) = record {
            if let Some(asked) = self.crm.records.get_mut(&record) {
                asked.plan.clone_from(&wanted.plan);
                asked.quantity = Some(wanted.quantity);
            }
            self.crm.press(&record, act, now);
            let act = PressedAct { act: act.to_owned(), pressed_at: now };
            let key = format!("{record}/{}", self.changes.asked);
            let press = Some(Press { record: record.clone(), act });
            let ask = Ask { key, wanted: None, at_end: None, by: "attio:member1".to_owned(), press };
            (self.press_goes_to(&record, &subscription, &ask.key), ask)
        } else {
            let key = format!("api/{}", self.changes.asked);
            let ask = Ask { key, wanted: Some(wanted), at_end, by: "token:shop".to_owned(), press: None };
            (PlanChange::id(ORGANIZATION, &subscription, &ask.key), ask)
        };
        self.laws.belongs.insert(saga, company);
        let command = Command::Requested { of: of(&subscription), ask: Box::new(ask), terms: Box::new(terms()) };
        let requested = item::<PlanChange>("attio.change_plan", &command);
        self.message(saga, &requested.clone(), TimeDelta::minutes(15), Some(requested));
        let wait = TimeDelta::seconds(self.changes.dice.between(10, 3_600));
        self.clock.after(wait, Event::Deed(Deed::Plan(PlanDeed::Looks { saga, visits: 0 })));
    }

    /// The change that answers a further press on a record, or a new one.
    fn press_goes_to(&mut self, record: &str, subscription: &str, key: &str) -> SagaId {
        let takes = |saga: &&SagaId| {
            let slot = self.sagas.get(saga);
            slot.is_none_or(|s| s.live.flow().ended.is_none() && PlanChange::takes_presses(&s.live.summary().state))
        };
        let running = self.changes.running.get(record).filter(takes).copied();
        let saga = running.unwrap_or_else(|| PlanChange::id(ORGANIZATION, subscription, key));
        self.changes.running.insert(record.to_owned(), saga);
        saga
    }

    /// The customer looks at what it costs, and mostly agrees.
    fn looks_at_plan(&mut self, saga: SagaId, visits: u32) {
        let Some(view) = self.sagas.get(&saga).and_then(|slot| slot.live.plan()) else { return };
        let called_off = self.mishaps.seeks(PlanChange::NAME, &["undo"]);
        let dice = &mut self.changes.dice;
        let (agrees, calls_off) = (dice.chance(800), dice.chance(if called_off { 500 } else { 60 }));
        let preview = view.preview.filter(|_| view.acceptable);
        match (preview, view.demand) {
            (Some(preview), _) if agrees => {
                let most = self.accepted.entry(saga).or_default();
                *most = preview.ceiling.minor.max(*most);
                self.agrees_to_plan(saga, &preview.hash);
                if calls_off {
                    self.calls_plan_off(saga);
                }
            }
            (None, Some(demand)) if agrees => self.agrees_to_plan(saga, &demand.hash),
            (None, Some(_)) | (Some(_), _) if calls_off => self.calls_plan_off(saga),
            _ => {}
        }
        let goes_on = self.sagas.get(&saga).is_some_and(|slot| slot.live.flow().ended.is_none());
        if goes_on && visits < VISITS {
            let longest = self.changes.dice.of(&[1_200, 8 * 3_600]);
            let wait = TimeDelta::seconds(self.changes.dice.between(60, longest));
            self.clock.after(wait, Event::Deed(Deed::Plan(PlanDeed::Looks { saga, visits: visits + 1 })));
        }
    }

    fn agrees_to_plan(&mut self, saga: SagaId, hash: &str) {
        let consent = Consent { version: "1".to_owned(), at: self.clock.now(), evidence: None };
        let dice = &mut self.changes.dice;
        let contract = dice.chance(200).then(|| Basis::Contract { reference: "MSA 7".to_owned() });
        let basis = contract.unwrap_or(Basis::Customer);
        let twice = dice.chance(150);
        let accepted = Command::Accepted { hash: hash.to_owned(), consent, basis, by: "token:shop".to_owned() };
        let accepted = item::<PlanChange>("api.accept_plan", &accepted);
        for press in 0..=i64::from(twice) {
            let wait = TimeDelta::milliseconds(5 + press * self.changes.dice.between(0, 3_000));
            self.clock.after(wait, Event::Comes(saga, Box::new(accepted.clone())));
        }
    }

    fn calls_plan_off(&mut self, saga: SagaId) {
        let cancel = Command::CancelOrdered { reason: "not wanted any more".to_owned() };
        let message = item::<PlanChange>("operator.call_off", &cancel);
        let longest = self.changes.dice.of(&[1_000, 5_000, 60_000]);
        let wait = TimeDelta::milliseconds(self.changes.dice.between(1, longest));
        self.clock.after(wait, Event::Comes(saga, Box::new(message)));
    }

    /// Staff sell something else at Zoho's console.
    fn plan_by_hand(&mut self) {
        let now = self.clock.now();
        let Some((subscription, _)) = self.some_subscription() else { return };
        if !self.mishaps.strikes(1_000, now, || "staff change a plan".to_owned()) {
            return;
        }
        let customer = self.zoho.subscription(&subscription).map(|known| known.customer.clone()).unwrap_or_default();
        let company = self.company_of(&customer);
        self.touched.extend(company);
        let dice = &mut self.changes.dice;
        let order = TermsOrder {
            subscription,
            plan: dice.of(&["max", "mini", "basic"]).to_owned(),
            quantity: 1,
            addons: Vec::new(),
            coupon: None,
            at_end: dice.chance(300),
            seen: None,
        };
        self.zoho.prorates = Prorates::AsExpected;
        self.zoho.change(&order, now);
        self.tells_of_plan(&order.subscription);
    }

    /// Zoho's message that something else is sold.
    fn tells_of_plan(&mut self, subscription: &str) {
        let saga = PlanChange::adoption(ORGANIZATION, subscription);
        let customer = self.zoho.subscription(subscription).map(|known| known.customer.clone()).unwrap_or_default();
        let company = self.company_of(&customer).unwrap_or_default();
        self.laws.belongs.insert(saga, company);
        let noticed = item::<PlanChange>("zoho.subscription_upgraded", &Command::Noticed { of: of(subscription) });
        self.message(saga, &noticed, TimeDelta::zero(), None);
    }

    /// Before a change of ours reaches Zoho: what it will make of it, and whether somebody has agreed to it.
    pub(crate) fn prepares_change(&mut self, saga: SagaId, call: &Call) {
        let Call::Subscription(OnSubscription::Change(_)) = call else { return };
        if !self.accepted.contains_key(&saga) {
            self.breaks(format!("{saga} changes a plan, and nobody has agreed to it"));
        }
        let above = self.mishaps.seeks(PlanChange::NAME, &["release_hold", "tell_invoice", "read_invoice", "task"]);
        let dice = &mut self.changes.dice;
        let differs = dice.chance(if above { 700 } else { 150 });
        let way = if above { Prorates::Above } else { dice.of(&WAYS) };
        self.zoho.prorates = if differs { way } else { Prorates::AsExpected };
        if matches!(self.zoho.prorates, Prorates::Above | Prorates::NoInvoice) {
            let company = self.who(saga);
            self.touched.extend(company);
        }
    }

    /// After it: at most one invoice comes of it, however often it was asked for.
    pub(crate) fn check_change(&mut self, saga: SagaId, call: &Call, known: usize) {
        let Call::Subscription(OnSubscription::Change(order)) = call else { return };
        let new = self.zoho.bills.iter().skip(known).map(|bill| bill.id.clone());
        let raised = self.changes.made.entry(saga).or_default();
        raised.extend(new);
        if raised.len() > 1 {
            let law = format!("{saga} has Zoho raise {raised:?} for one change");
            self.breaks(law);
        }
        self.tells_of_plan(&order.subscription);
    }

    /// Whoever ends with nothing done has changed nothing at Zoho.
    pub(crate) fn changed_in_vain(&self, saga: SagaId, end: End) -> Option<String> {
        let nothing = matches!(end, End::Compensated | End::GivenUp);
        (nothing && self.changes.made.contains_key(&saga))
            .then(|| format!("it ended {}, and Zoho sells something else by it", end.as_str()))
    }

    fn clocks_term(&mut self, id: &str) {
        if self.changes.clocked.insert(id.to_owned()) {
            self.next_end(id);
        }
    }

    fn next_end(&mut self, id: &str) {
        let now = self.clock.now();
        let live = self.zoho.subscription(id).filter(|known| known.status != "cancelled");
        let Some(next) = live.and_then(|known| known.next_billing_on) else { return self.zoho.drops(id) };
        let midnight = next.and_time(chrono::NaiveTime::MIN).and_utc();
        let later = TimeDelta::minutes(self.changes.dice.between(1, 8 * 60));
        let wait = (midnight - now).max(TimeDelta::zero()) + later;
        let ends = PlanDeed::TermEnds { subscription: id.to_owned() };
        self.clock.after(wait, Event::Deed(Deed::Plan(ends)));
    }

    /// A term ends: what has waited for it is sold from now on, at an invoice of its own.
    fn term_ends(&mut self, id: &str) {
        let now = self.clock.now();
        let owned = self.tables.subscriptions.values().find(|owned| owned.zoho.as_deref() == Some(id));
        let ours = owned.is_some_and(|owned| owned.owner == Some(CollectionOwner::Orchestrator));
        let due = self.zoho.subscription(id).and_then(|known| known.next_billing_on);
        if !ours || due.is_none_or(|due| due > self.last_due()) {
            return;
        }
        if due.is_some_and(|due| due > now.date_naive()) {
            return self.next_end(id);
        }
        if self.zoho.next_term(id, MONTH, now).is_some() {
            self.zoho.takes_effect(id);
            self.bills_term(id);
            return self.next_end(id);
        }
        let paused = self.zoho.subscription(id).is_some_and(|known| known.status == "paused");
        if paused {
            let again = PlanDeed::TermEnds { subscription: id.to_owned() };
            self.clock.after(TimeDelta::days(1), Event::Deed(Deed::Plan(again)));
        } else {
            self.zoho.drops(id);
        }
    }

    /// What people do at Zoho before they let a change go on.
    pub(crate) fn sees_to_plan(&mut self, saga: SagaId, code: ParkCode) {
        let now = self.clock.now();
        let raised = self.changes.made.get(&saga).and_then(|raised| raised.last().cloned());
        let settles = code == ParkCode::MoneyDecision && self.changes.dice.chance(600);
        let Some(bill) = raised.filter(|_| settles) else { return };
        if self.zoho.payments.iter().any(|payment| payment.invoice == bill) {
            return;
        }
        if self.changes.dice.chance(500) {
            self.zoho.edit(&bill, now, |bill| bill.void = true);
        } else {
            self.zoho.edit(&bill, now, |bill| bill.credits = bill.total - bill.written_off);
        }
    }

    /// Before a change takes money: for the invoice that it claims, which is the one that Zoho raised for it.
    pub(crate) fn binds_change(&mut self, saga: SagaId, call: &Braintree) {
        let order_id = match call {
            Braintree::Submit { transaction, .. } => self.braintree.sale(transaction).map(|sale| sale.order_id.clone()),
            Braintree::Sell { order_id, .. } => Some(order_id.clone()),
            _ => None,
        };
        let Some(order_id) = order_id.filter(|order_id| order_id.contains(".chg.")) else { return };
        let claims = |(claim, holder): &(&Claim, &Holder)| claim.kind == ClaimKind::ZohoInvoice && holder.saga == saga;
        let Some(invoice) = self.tables.claims.iter().find(claims).map(|(claim, _)| claim.key.clone()) else {
            return self.breaks(format!("{order_id} takes money, and its change has claimed no invoice"));
        };
        let raised = self.changes.made.get(&saga).into_iter().flatten().next();
        if let Some(raised) = raised.filter(|raised| **raised != invoice && !self.hides(raised, &invoice)) {
            let law = format!("{order_id} takes money for invoice {invoice}, and the change raised {raised}");
            return self.breaks(law);
        }
        self.changes.charged.insert(order_id, invoice);
    }

    /// Somebody raises an invoice while a change of its subscription runs: which one the change raised is people's business.
    pub(crate) fn raised_beside(&mut self, customer: &str, subscription: Option<&str>) {
        let Some(key) = subscription.map(str::to_owned) else { return };
        let claim = Claim { kind: ClaimKind::ZohoSubscription, key };
        let changes = |holder: &Holder| {
            let slot = self.sagas.get(&holder.saga);
            slot.is_some_and(|slot| slot.live.flow_name() == PlanChange::NAME)
        };
        if self.tables.claims.get(&claim).is_some_and(changes) {
            let company = self.company_of(customer);
            self.touched.extend(company);
        }
    }

    /// Of two invoices that a subscription has got Zoho does not say which one a change raised: the flow takes the newest one
    /// that was not there before, which can be one that somebody else raised between its list of invoices and its look, while
    /// its own is not shown yet. Between the two lie minutes, or the hours of an outage. Money is taken only up to what was accepted all the same, and the other one is collected by its own stream.
    fn hides(&self, raised: &str, other: &str) -> bool {
        let bill = |id: &str| self.zoho.bill_of(id);
        let (Some(raised), Some(other)) = (bill(raised), bill(other)) else { return false };
        let moments = TimeDelta::minutes(16);
        raised.subscription == other.subscription && other.visible_at < raised.visible_at + moments
    }

    /// Of what money is taken for a change: the invoice that it claimed.
    pub(crate) fn invoice_of_change(&self, order_id: &str) -> Option<String> {
        self.changes.charged.get(order_id).cloned()
    }
}
