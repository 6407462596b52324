//! Who acts on the world besides us: CRM users who press, customers who pay, go away or pay elsewhere, staff who edit the
//! vendors' books by hand, operators who see to what is parked.

use crate::changes::PlanDeed;
use crate::disputes::BankDeed;
use crate::engine::Item;
use crate::tables::Sealed;
use crate::world::{Event, World};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::act_refusal::{self, ActRefusal};
use sagas::cancellation::Cancellation;
use sagas::catalog_sync::Asked;
use sagas::dispute::Dispute;
use sagas::invoice_payment::{self, Choice, News};
use sagas::kernel::effect::PracticeScript;
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::payment_method_update::{self, PaymentMethodUpdate};
use sagas::plan_change::PlanChange;
use sagas::refund::Refund;
use sagas::rehearsal::{self, Rehearsal};
use sagas::subscription_activation::{self, Act, Consent, PageStage, Paying, SubscriptionActivation, Terms};
use serde::Serialize;
use uuid::Uuid;

/// What somebody does.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Zoho raises an invoice; without a subscription it is a one-off.
    Raise { customer: String, subscription: Option<String> },
    /// A CRM user presses an act on a subscription record.
    Press { record: String },
    /// A customer looks at the checkout page.
    Visit { saga: SagaId, visits: u32 },
    /// A CRM user sends a customer the link for another card.
    PressCard { record: String },
    /// A customer looks at the page for another card.
    VisitCard { saga: SagaId, visits: u32 },
    /// Somebody signs up, at the platform or by a CRM user's press.
    SignUp { company: String, platform: bool },
    /// An operator practises.
    Rehearse,
    /// Somebody edits a vendor's book by hand.
    Staff,
    /// The catalogue's prices rise.
    PriceRise,
    /// Somebody changes what is sold, or what Attio says of it.
    Catalog,
    /// The catalog's own read of a day.
    CatalogDay,
    /// Somebody ends a subscription, or takes that back.
    EndSubscription,
    /// An activation is called off while its payment is taken, or was taken.
    CancelLate { saga: SagaId },
    /// Somebody of ours calls something off, pauses it or wants it now.
    CallOff,
    /// A customer looks at the page that leads to Zoho's.
    VisitNative { saga: SagaId, visits: u32 },
    /// Zoho raises the invoice of a term that begins.
    Renews { subscription: String },
    /// Zoho's gateway tries a charge again.
    CollectsAtZoho { subscription: String, bill: String, tries: u32 },
    /// People hand a subscription over that Zoho collects.
    HandsOver { subscription: String },
    /// Braintree charges what is due by itself.
    Recurs { series: String },
    /// Braintree tells of a subscription of which nobody knows.
    Stranger,
    /// Somebody does something about a plan.
    Plan(PlanDeed),
    /// A bank or finance does something about a payment.
    Bank(BankDeed),
    /// Finance gives some of a payment back.
    GiveBack,
    /// An operator sees to what is parked.
    Operator,
}

/// A customer comes to the page so often.
const VISITS: u32 = 20;

pub(crate) const ORGANIZATION: &str = "60012";

/// Kinds of the messages that call an activation off: a press in Attio, an operator's order.
pub(crate) const CANCEL_NOW: &str = "attio.cancel_now";
pub(crate) const CANCEL: &str = "operator.cancel";

pub(crate) fn installation() -> Installation {
    Installation::new("demo1").expect("valid")
}

/// A flow's own command as a message.
pub(crate) fn item<S: Saga>(kind: &'static str, command: &impl Serialize) -> Item {
    let command = serde_json::to_value(command).expect("a command can be written");
    Item { kind, command: Some(command), flow: S::NAME.to_owned() }
}

fn detected(invoice: &str, source: &str) -> Item {
    item::<invoice_payment::InvoicePayment>(
        "zoho.invoice",
        &invoice_payment::Command::Detected {
            organization: ORGANIZATION.to_owned(),
            installation: installation(),
            invoice: invoice.to_owned(),
            subscription: None,
            source: source.to_owned(),
            news: News::Changed,
            card_link: None,
        },
    )
}

impl World {
    pub(crate) fn deed(&mut self, deed: Deed) {
        let now = self.clock.now();
        match deed {
            Deed::Raise { customer, subscription } => {
                let total = self.dice.of(&[1_500, 5_000, 10_000]);
                let due = TimeDelta::days(self.dice.of(&[0, 0, 2]));
                let bill = self.zoho.bill(&customer, subscription.as_deref(), total, due, now);
                self.pays_half(&bill, total / 2);
                self.raised_beside(&customer, subscription.as_deref());
            }
            Deed::Press { record } => self.press(&record),
            Deed::Visit { saga, visits } => self.visit(saga, visits),
            Deed::PressCard { record } => self.press_card(&record),
            Deed::VisitCard { saga, visits } => self.visit_card(saga, visits),
            Deed::SignUp { company, platform } => self.sign_up(&company, platform),
            Deed::Rehearse => self.rehearse(),
            Deed::Staff => self.edit_by_hand(),
            Deed::PriceRise => {
                if self.mishaps.strikes(1_000, now, || "the price rises".to_owned()) {
                    // The price rises for everybody, and a second rise is for people to look at.
                    self.price_rises();
                }
            }
            Deed::Catalog => self.change_catalog(),
            Deed::CatalogDay => self.ask_for_catalog(Asked::Daily),
            Deed::EndSubscription => self.ends_something(),
            Deed::GiveBack => self.gives_back(),
            Deed::Plan(deed) => self.plan_deed(deed),
            Deed::Bank(deed) => self.bank_deed(deed),
            Deed::VisitNative { saga, visits } => self.visit_native(saga, visits),
            Deed::Renews { subscription } => self.renews(&subscription),
            Deed::CollectsAtZoho { subscription, bill, tries } => self.collects_at_zoho(&subscription, &bill, tries),
            Deed::HandsOver { subscription } => self.hands_over(&subscription),
            Deed::Recurs { series } => self.recurs(&series),
            Deed::Stranger => self.hears_of_stranger(),
            Deed::CancelLate { saga } => self.cancel_late(saga),
            Deed::CallOff => self.call_off(),
            Deed::Operator => {
                self.see_to_parked();
                self.agrees_to_give_backs();
                if now < self.healed_at + TimeDelta::days(25) {
                    // A write-off takes two of them.
                    let asks = [
                        (Cancellation::NAME, "write_off_invoice"),
                        (Dispute::NAME, ""),
                        (PlanChange::NAME, "tell_invoice"),
                    ];
                    let soon = asks.iter().any(|(flow, step)| self.mishaps.seeks(flow, &[*step]));
                    let soon = soon && now < self.healed_at;
                    let hours = if soon { 1 } else { 20 };
                    let wait = self.millis(hours * 3_600_000, (hours + 10) * 3_600_000);
                    self.clock.after(wait, Event::Deed(Deed::Operator));
                }
            }
        }
    }

    /// A message on its way: it can be lost, doubled or late; a poll brings what was lost.
    pub(crate) fn message(&mut self, saga: SagaId, item: &Item, poll: TimeDelta, polled: Option<Item>) {
        let (now, rate) = (self.clock.now(), self.mishaps.weather.messages);
        let soon = |world: &mut Self, longest| {
            let wait = world.millis(50, longest);
            world.clock.after(wait, Event::Comes(saga, Box::new(item.clone())));
        };
        let lost = self.mishaps.strikes(rate / 3, now, || "a message is lost".to_owned());
        if !lost && self.mishaps.strikes(rate / 3, now, || "a message comes twice".to_owned()) {
            soon(self, 5_000);
            soon(self, 600_000);
        } else if !lost {
            let late = self.mishaps.strikes(rate / 3, now, || "a message is late".to_owned());
            soon(self, if late { 7_200_000 } else { 3_000 });
        }
        if let Some(item) = polled {
            self.clock.after(poll, Event::Comes(saga, Box::new(item)));
        }
    }

    /// What changed at Zoho is told by a message, and by the poll.
    pub(crate) fn spread_news(&mut self) {
        for invoice in std::mem::take(&mut self.zoho.changed) {
            let saga = SagaId::of_invoice(ORGANIZATION, &invoice);
            let poll = TimeDelta::minutes(self.dice.between(300, 420));
            self.message(saga, &detected(&invoice, "webhook"), poll, Some(detected(&invoice, "poll")));
        }
    }

    /// A CRM user presses an act: mostly one that fits, now and then one that calls off what runs, or one that nothing
    /// here carries out.
    fn press(&mut self, record: &str) {
        let live = |saga: &&SagaId| self.sagas.get(saga).is_some_and(|slot| slot.live.flow().ended.is_none());
        let running = self.running.get(record).filter(live).copied();
        let Some(company) = self.crm.records.get(record).map(|asked| asked.company.clone()) else { return };
        if self.native.contains(&company) {
            return self.press_native(record, &company);
        }
        let unserved = self.mishaps.seeks(ActRefusal::NAME, &[""]);
        if self.dice.chance(if unserved { 600 } else { 80 }) {
            return self.press_unserved(record, &company, running.is_none());
        }
        let act = match running {
            Some(_) => self.dice.of(&[Act::Start, Act::ResendLink, Act::ResendLink, Act::CancelNow]),
            None => self.dice.of(&[Act::Start, Act::Start, Act::Start, Act::Retry, Act::Quote]),
        };
        // Another program orders it: no act stands on the record.
        let ordered = running.is_none() && act == Act::Start && self.dice.chance(200);
        let now = self.clock.now();
        let saga = running.unwrap_or_else(|| SubscriptionActivation::id(record, now));
        self.running.insert(record.to_owned(), saga);
        self.laws.belongs.insert(saga, company);
        self.sends_press(saga, record, act, ordered);
        if act == Act::Quote {
            let wait = self.millis(600_000, 36_000_000);
            self.clock.after(wait, Event::Deed(Deed::Press { record: record.to_owned() }));
        }
        if running.is_none() {
            let wait = self.millis(60_000, 12 * 3_600_000);
            self.clock.after(wait, Event::Deed(Deed::Visit { saga, visits: 0 }));
        }
    }

    fn sends_press(&mut self, saga: SagaId, record: &str, act: Act, ordered: bool) {
        let now = self.clock.now();
        if !ordered {
            self.crm.press(record, act.title(), now);
        }
        let company = self.crm.records.get(record).map(|asked| asked.company.clone()).unwrap_or_default();
        let collected_by = self.collector_of(&company);
        let pressed = subscription_activation::Command::Pressed {
            organization: ORGANIZATION.to_owned(),
            installation: installation(),
            record: record.to_owned(),
            act,
            pressed_at: now,
            terms: Box::new(Terms { collected_by, ..terms() }),
            ordered,
        };
        let kind = if act == Act::CancelNow { CANCEL_NOW } else { "attio.act" };
        let pressed = item::<SubscriptionActivation>(kind, &pressed);
        self.message(saga, &pressed.clone(), TimeDelta::minutes(15), Some(pressed));
    }

    /// `Cancel now` is carried out only where something runs.
    fn press_unserved(&mut self, record: &str, company: &str, idle: bool) {
        let now = self.clock.now();
        let act = if idle { self.dice.of(&["Change plan", Act::CancelNow.title()]) } else { "Request refund" };
        self.crm.press(record, act, now);
        let pressed = act_refusal::Command::Pressed {
            record: record.to_owned(),
            act: act.to_owned(),
            pressed_at: now,
            sentence: format!("`{act}` was not carried out: choose another act."),
        };
        let saga = ActRefusal::id(record, now);
        self.laws.belongs.insert(saga, company.to_owned());
        let pressed = item::<ActRefusal>("attio.unserved", &pressed);
        self.message(saga, &pressed.clone(), TimeDelta::minutes(15), Some(pressed));
    }

    fn visit(&mut self, saga: SagaId, visits: u32) {
        let now = self.clock.now();
        let page = self.sagas.get(&saga).and_then(|slot| slot.live.page(now));
        let again = match page.map(|page| (page.link, page.stage)) {
            None | Some((_, PageStage::Preparing | PageStage::Confirming | PageStage::LockedUntil { .. })) => true,
            Some((link, PageStage::Quoted { quote, cards, .. } | PageStage::NeedsAuthentication { quote, cards })) => {
                if self.dice.chance(850) {
                    let stored = cards.first().filter(|_| self.dice.chance(300)).map(|card| card.token.clone());
                    self.submits(saga, link, &quote.hash, quote.ceiling.minor, stored.as_deref());
                }
                true
            }
            Some(_) => false,
        };
        if again && visits < VISITS {
            let wait = self.millis(120_000, 8 * 3_600_000);
            self.clock.after(wait, Event::Deed(Deed::Visit { saga, visits: visits + 1 }));
        }
    }

    fn submits(&mut self, saga: SagaId, link: u32, hash: &str, ceiling: i64, stored: Option<&str>) {
        use subscription_activation::Command as C;
        let now = self.clock.now();
        let opened = item::<SubscriptionActivation>("page.opened", &C::Opened { link });
        self.clock.after(TimeDelta::milliseconds(5), Event::Comes(saga, Box::new(opened)));
        let most = self.accepted.entry(saga).or_default();
        *most = ceiling.max(*most);
        // Who asks for more than was accepted has all undone and made again.
        let again = ["undo", "find_zoho_customer", "revive_zoho_customer"];
        let undone = self.mishaps.seeks(SubscriptionActivation::NAME, &again);
        if self.dice.chance(if undone { 700 } else { 40 }) {
            self.clock.after(TimeDelta::seconds(10), Event::Deed(Deed::PriceRise));
        }
        self.other_tab(saga);
        let twice = self.dice.chance(150);
        for press in 0..=i64::from(twice) {
            let with = match stored {
                Some(token) => Paying::Stored { token: token.to_owned(), authenticated: None },
                None => Paying::New { input: self.seal(), authenticated: false },
            };
            let consent = Consent { version: "1".to_owned(), at: now, evidence: None };
            let submitted = C::Submitted { link, quote_hash: hash.to_owned(), consent, with };
            let item = item::<SubscriptionActivation>("page.submitted", &submitted);
            let wait = TimeDelta::seconds(10) + self.millis(0, 3_000) * i32::try_from(press).expect("small");
            self.clock.after(wait, Event::Comes(saga, Box::new(item)));
        }
    }

    /// Who buys two things pays for both in one go.
    fn other_tab(&mut self, saga: SagaId) {
        let company = self.who(saga);
        let theirs = |other: &SagaId| *other != saga && self.who(*other) == company;
        let other = self.running.values().copied().find(theirs);
        if let Some(saga) = other.filter(|_| self.dice.chance(500)) {
            let wait = self.millis(0, 20_000);
            self.clock.after(wait, Event::Deed(Deed::Visit { saga, visits: VISITS }));
        }
    }

    /// A card is typed into the page.
    pub(crate) fn seal(&mut self) -> Uuid {
        let n = self.tables.inputs.len();
        let card = self.plastic(&format!("typed{n}"));
        let input = Uuid::from_u128(0x5ea1 + n as u128);
        self.tables.inputs.insert(input, Sealed { card, at: self.clock.now(), erased: false });
        input
    }

    fn rehearse(&mut self) {
        use PracticeScript as P;
        let rough = self.mishaps.weather.calls > 0;
        let mut script = |all: &[P]| if rough { self.dice.of(all) } else { P::Works };
        let scripts = rehearsal::Scripts {
            reserve: script(&[P::Works, P::DoneUnanswered]),
            unreserve: script(&[P::Works, P::DoneUnanswered]),
            take: script(&[P::Works, P::Declines, P::DoneUnanswered, P::LostUnanswered]),
            note: script(&[P::Works, P::DoneUnanswered]),
        };
        let params = rehearsal::Params {
            name: "walk".to_owned(),
            amount: crate::tables::eur(100),
            scripts,
            park: rough && self.dice.chance(200),
            await_seconds: self.dice.chance(300).then_some(600),
        };
        let saga = SagaId::derived("rehearsal", &["1"]);
        self.laws.belongs.insert(saga, "rehearsal".to_owned());
        let start = item::<Rehearsal>("operator.rehearse", &rehearsal::Command::Start { params });
        self.message(saga, &start.clone(), TimeDelta::minutes(1), Some(start));
        if self.dice.chance(500) {
            let go = item::<Rehearsal>("operator.go_ahead", &rehearsal::Command::GoAhead);
            self.clock.after(TimeDelta::minutes(5), Event::Comes(saga, Box::new(go)));
        }
    }

    fn price_rises(&mut self) {
        self.zoho.price += 1_000;
        let all: Vec<_> = self.laws.belongs.values().cloned().collect();
        self.touched.extend(all);
        self.ask_for_catalog(Asked::Poll);
    }

    fn edit_by_hand(&mut self) {
        let now = self.clock.now();
        let what = self.dice.below(14);
        if !self.mishaps.strikes(1_000, now, || format!("staff edit {what}")) || self.zoho.bills.is_empty() {
            return;
        }
        let bill = self.dice.of(&self.zoho.bills);
        let company = self.company_of(&bill.customer);
        self.touched.extend(company);
        let id = bill.id.as_str();
        let balance = self.zoho.balance(&bill);
        self.trace.say(now, || format!("  staff edit {what} at invoice {id}"));
        match what {
            0 | 1 => {
                let of_it = |s: &&crate::braintree::Sale| self.invoice_of(&s.order_id).as_deref() == Some(id);
                let sale = self.braintree.sales.iter().rfind(of_it).map(|s| s.id.clone());
                if let Some(sale) = sale {
                    self.braintree.void(&sale);
                }
            }
            2 | 3 if balance > 0 => {
                self.zoho.pay(id, "cheque 7", "check", balance, now);
            }
            4 if balance > 0 => {
                self.zoho.pay(id, "cheque 8", "check", balance / 2, now);
            }
            5 => {
                if let Some(at) = self.zoho.payments.iter().position(|p| p.invoice == id) {
                    self.zoho.delete_payment(at, now);
                }
            }
            6 => self.zoho.edit(id, now, |bill| bill.void = true),
            7 => self.zoho.edit(id, now, |bill| bill.total += 500),
            8 if balance > 1_000 => self.zoho.edit(id, now, |bill| bill.total -= 500),
            9 if balance > 500 => self.zoho.edit(id, now, |bill| bill.credits += 500),
            10 if balance > 0 => self.zoho.edit(id, now, |bill| bill.written_off += balance),
            11 | 12 => {
                let subscription = self
                    .zoho
                    .subscriptions
                    .iter_mut()
                    .find(|(s, _)| Some(&s.id) == bill.subscription.as_ref() && s.status != "cancelled");
                if let Some((subscription, _)) = subscription {
                    let status = self.dice.of(&["cancelled", "paused", "live"]);
                    if status == "live" {
                        subscription.auto_collect = true;
                    } else {
                        status.clone_into(&mut subscription.status);
                        let ended = subscription.id.clone();
                        if status == "cancelled" {
                            self.ends_by_hand(&ended);
                        }
                    }
                }
            }
            _ => {
                self.price_rises();
            }
        }
    }

    /// Whoever calls an activation off between its capture and its end meets the law that nothing is undone after the
    /// pivot: it is refused, and nothing else changes.
    pub(crate) fn aim_cancellation(&mut self, saga: SagaId) {
        if self.dice.chance(250) {
            let longest = self.dice.of(&[1_000, 60_000, 7_200_000]);
            let wait = self.millis(1, longest);
            self.clock.after(wait, Event::Deed(Deed::CancelLate { saga }));
        }
    }

    fn cancel_late(&mut self, saga: SagaId) {
        let record = self.running.iter().find(|(_, running)| **running == saga).map(|(record, _)| record.clone());
        match record.filter(|_| self.dice.chance(500)) {
            Some(record) => self.sends_press(saga, &record, Act::CancelNow, false),
            None => self.orders_cancellation(saga, TimeDelta::milliseconds(1)),
        }
    }

    fn orders_cancellation(&mut self, saga: SagaId, wait: TimeDelta) {
        let cancel = subscription_activation::Command::CancelOrdered { reason: "called off".to_owned() };
        let message = item::<SubscriptionActivation>(CANCEL, &cancel);
        self.clock.after(wait, Event::Comes(saga, Box::new(message)));
    }

    fn call_off(&mut self) {
        let now = self.clock.now();
        if self.sagas.is_empty() || !self.mishaps.strikes(1_000, now, || "something is called off".to_owned()) {
            return;
        }
        let all: Vec<_> = self.sagas.keys().copied().collect();
        let saga = self.dice.of(&all);
        let company = self.who(saga);
        self.touched.extend(company);
        let reason = "called off".to_owned();
        let flow = self.sagas.get(&saga).map_or("", |slot| slot.live.flow_name());
        // Both take the same words.
        if [SubscriptionActivation::NAME, PlanChange::NAME].contains(&flow) {
            return self.orders_cancellation(saga, TimeDelta::seconds(1));
        }
        if flow == PaymentMethodUpdate::NAME {
            let cancel = payment_method_update::Command::CancelOrdered { reason };
            let message = item::<PaymentMethodUpdate>(CANCEL, &cancel);
            return self.clock.after(TimeDelta::seconds(1), Event::Comes(saga, Box::new(message)));
        }
        let message = if flow == invoice_payment::InvoicePayment::NAME {
            use invoice_payment::Command as C;
            let command = match self.dice.below(4) {
                0 => C::ChargeNow { reason },
                1 => C::Pause { until: now + TimeDelta::days(2), reason },
                2 => C::MethodChanged { consent: true, customer_present: true, reply_to: None },
                _ => C::StopCollecting { reason },
            };
            item::<invoice_payment::InvoicePayment>("operator.order", &command)
        } else {
            return;
        };
        self.clock.after(TimeDelta::seconds(1), Event::Comes(saga, Box::new(message)));
    }

    fn see_to_parked(&mut self) {
        let parked: Vec<_> =
            self.sagas.iter().filter_map(|(id, slot)| Some((*id, slot.live.flow().parked.as_ref()?.code))).collect();
        for (saga, code) in parked {
            if self.dice.chance(200) {
                continue;
            }
            let choice = self.dice.of(&[Choice::ChargeAgain, Choice::RecordAgain, Choice::Leave]);
            let decides = matches!(
                code,
                ParkCode::HeldMismatch
                    | ParkCode::HeldByDecision
                    | ParkCode::SettlementDeclined
                    | ParkCode::MoneyDecision
                    | ParkCode::RecordBlocked
            );
            if code == ParkCode::MoneyDecision && self.dice.chance(500) {
                self.give_back(saga);
            }
            let flow = self.sagas.get(&saga).map_or("", |slot| slot.live.flow_name()).to_owned();
            if flow == PlanChange::NAME {
                self.sees_to_plan(saga, code);
            }
            let message = if decides && flow == invoice_payment::InvoicePayment::NAME && self.dice.chance(700) {
                let decide = invoice_payment::Command::Decide { choice, reason: "seen to".to_owned() };
                item::<invoice_payment::InvoicePayment>("operator.decide", &decide)
            } else if let Some(decided) = (flow == Refund::NAME).then(|| self.decides_on_refund(code)).flatten() {
                decided
            } else if let Some(closed) = (flow == Dispute::NAME).then(|| self.closes_dispute(code)).flatten() {
                closed
            } else if flow == Cancellation::NAME && code == ParkCode::MoneyDecision && self.dice.chance(700) {
                item::<Cancellation>("operator.choose", &self.chooses())
            } else {
                Item { kind: "operator.resume", command: None, flow }
            };
            let wait = self.millis(1, 60_000);
            self.clock.after(wait, Event::Comes(saga, Box::new(message)));
        }
    }

    /// What hangs in the air is voided at Braintree, as the park asks.
    fn give_back(&mut self, saga: SagaId) {
        let Some(bill) = self.bill_of_saga(saga) else { return };
        let sales: Vec<_> = self.braintree.sales.iter().map(|s| (s.id.clone(), s.order_id.clone())).collect();
        for (sale, order_id) in sales {
            let unrecorded = !self.zoho.payments.iter().any(|p| p.reference == sale);
            if unrecorded && self.invoice_of(&order_id).as_deref() == Some(bill.as_str()) {
                self.braintree.void(&sale);
            }
        }
    }

    /// The invoice of an invoice's stream.
    pub(crate) fn bill_of_saga(&self, saga: SagaId) -> Option<String> {
        let bills = self.zoho.bills.iter().map(|b| &b.id);
        bills.into_iter().find(|id| SagaId::of_invoice(ORGANIZATION, id) == saga).cloned()
    }

    pub(crate) fn company_of(&self, zoho_customer: &str) -> Option<String> {
        self.zoho.ours(zoho_customer).map(|ours| ours.trim_start_matches("of-").to_owned())
    }

    /// Whose saga it is.
    pub(crate) fn who(&self, saga: SagaId) -> Option<String> {
        self.laws.belongs.get(&saga).cloned().or_else(|| {
            let bill = self.bill_of_saga(saga)?;
            self.company_of(&self.zoho.bill_of(&bill)?.customer)
        })
    }
}

fn terms() -> Terms {
    Terms {
        highest_tax_ppm: 270_000,
        link_days: 7,
        reminder_day: 3,
        consent_version: "1".to_owned(),
        declines_before_lock: 3,
        lock_minutes: 60,
        hold_hours: 24,
        currencies: vec!["EUR".to_owned()],
        deal_at_link: false,
        collected_by: sagas::kernel::answer::CollectionOwner::Orchestrator,
    }
}

/// An instant far behind everything that a run waits for (UTC).
pub(crate) fn the_end(healed_at: DateTime<Utc>) -> DateTime<Utc> {
    healed_at + TimeDelta::days(75)
}
