//! How subscriptions end: who orders it, what Zoho's book says then, what our own tables show of it.

use crate::braintree::{not_found, rejected};
use crate::people::{ORGANIZATION, installation, item};
use crate::tables::eur;
use crate::world::{Event, World};
use crate::zoho::{Bill, Zoho};
use chrono::{DateTime, Days, TimeDelta, Utc};
use sagas::cancellation::{Cancellation, Choice, Command, GiveBack, News, Of, OpenInvoices, Order, Press, Wish};
use sagas::kernel::answer::{
    Answer, BilledInvoice, BookedCapture, EndingSurvey, KeptProduct, Subscription, SubscriptionTerms,
};
use sagas::kernel::effect::{ClaimKind, OnInvoice, OnSubscription};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use sagas::kernel::saga::Saga;

/// Steps of an ending that is taken back.
const TAKEN_BACK: &[&str] = &["reactivate", "keep_recurring"];

impl Zoho {
    pub(crate) fn on_subscription(&mut self, call: &OnSubscription, now: DateTime<Utc>) -> Outcome {
        let id = match call {
            OnSubscription::ReadTerms { subscription }
            | OnSubscription::ListInvoices { subscription }
            | OnSubscription::Cancel { subscription, .. }
            | OnSubscription::Reactivate { subscription, .. } => subscription,
            OnSubscription::Change(order) => return self.change(order, now),
            other => panic!("no flow makes this call yet: {other:?}"),
        };
        let Some((known, _)) = self.subscriptions.iter_mut().find(|(s, _)| s.id == *id) else { return not_found() };
        end_of_term(known, now);
        let is_over = known.status == "cancelled";
        match call {
            OnSubscription::Cancel { at_end: true, .. } if !is_over => "non_renewing".clone_into(&mut known.status),
            OnSubscription::Cancel { at_end: false, .. } => "cancelled".clone_into(&mut known.status),
            OnSubscription::Reactivate { .. } if known.status == "non_renewing" => {
                "live".clone_into(&mut known.status);
            }
            OnSubscription::Reactivate { .. } if is_over => return rejected(RejectionKind::State, "102002"),
            OnSubscription::ListInvoices { .. } => {
                let of_it = self.bills.iter().filter(|b| b.subscription.as_ref() == Some(id));
                let invoices = of_it.map(|bill| BilledInvoice {
                    id: bill.id.clone(),
                    number: format!("INV-{}", bill.id),
                    status: if bill.void { "void" } else { "sent" }.to_owned(),
                    total: eur(bill.total),
                    balance: eur(self.balance(bill)),
                });
                return Outcome::Done { answer: Answer::BilledInvoices { invoices: invoices.collect() } };
            }
            _ => {}
        }
        self.terms_of(id, now)
    }

    pub(crate) fn terms_of(&self, id: &str, now: DateTime<Utc>) -> Outcome {
        let Some(known) = self.subscription(id) else { return not_found() };
        Outcome::Done { answer: Answer::Terms(Box::new(self.terms(known, now))) }
    }

    fn terms(&self, known: &Subscription, now: DateTime<Utc>) -> SubscriptionTerms {
        let of_it = |bill: &&Bill| bill.subscription.as_ref() == Some(&known.id) && bill.visible_at <= now;
        let newest = self.bills.iter().rfind(of_it);
        let (sold, scheduled, changed_at) = self.sells(&known.id);
        SubscriptionTerms {
            id: known.id.clone(),
            customer: known.customer.clone(),
            status: known.status.clone(),
            auto_collect: known.auto_collect,
            has_card: true,
            sold,
            scheduled,
            name: None,
            term_starts_on: known.next_billing_on.and_then(|day| day.checked_sub_days(Days::new(30))),
            term_ends_on: known.next_billing_on.and_then(|day| day.pred_opt()),
            next_billing_on: known.next_billing_on,
            newest_invoice: newest.map(|bill| bill.id.clone()),
            changed_at: Some(changed_at),
        }
    }

    pub(crate) fn look_subscription(&self, call: &OnSubscription, now: DateTime<Utc>) -> Look {
        if let OnSubscription::Change(order) = call {
            return self.look_change(order, now);
        }
        let absent = Look::Absent { watermark: false, key_proven: false };
        let Some(known) = self.subscription(match call {
            OnSubscription::Cancel { subscription, .. } | OnSubscription::Reactivate { subscription, .. } => {
                subscription
            }
            _ => return absent,
        }) else {
            return absent;
        };
        let is_so = match call {
            OnSubscription::Cancel { at_end, .. } => {
                known.status == "cancelled" || (*at_end && known.status == "non_renewing")
            }
            _ => known.status == "live",
        };
        let answer = Answer::Terms(Box::new(self.terms(known, now)));
        if is_so { Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() } } else { absent }
    }

    pub(crate) fn on_invoice(&mut self, call: &OnInvoice, now: DateTime<Utc>) -> Outcome {
        let id = call.invoice();
        let Some(bill) = self.bill_of(id) else { return not_found() };
        let balance = self.balance(bill);
        if self.payments.iter().any(|p| p.invoice == *id) && matches!(call, OnInvoice::Void { .. }) {
            return rejected(RejectionKind::State, "paid_invoice");
        }
        match call {
            OnInvoice::ReadLines { invoice } => return self.lines(invoice, now),
            OnInvoice::ApplyCredit { invoice, note, amount } => {
                return self.apply_credit(invoice, note, amount.minor, now);
            }
            OnInvoice::Void { .. } => self.edit(id, now, |bill| bill.void = true),
            OnInvoice::WriteOff { .. } => self.edit(id, now, |bill| bill.written_off += balance),
            OnInvoice::CancelWriteOff { .. } => panic!("no flow makes this call yet: {call:?}"),
        }
        Outcome::Done { answer: Answer::Nothing }
    }

    pub(crate) fn look_invoice(&self, call: &OnInvoice) -> Look {
        let is_so = self.bill_of(call.invoice()).is_some_and(|bill| match call {
            OnInvoice::Void { .. } => bill.void,
            OnInvoice::WriteOff { .. } => bill.written_off > 0,
            OnInvoice::ApplyCredit { invoice, note, amount } => self.is_applied(invoice, note, amount.minor),
            OnInvoice::ReadLines { .. } | OnInvoice::CancelWriteOff { .. } => false,
        });
        if !is_so {
            return Look::Absent { watermark: false, key_proven: false };
        }
        Look::Found { outcome: Box::new(Outcome::Done { answer: Answer::Nothing }), extra: Vec::new() }
    }
}

/// A term that was not to be renewed is over.
fn end_of_term(subscription: &mut Subscription, now: DateTime<Utc>) {
    let over = subscription.next_billing_on.is_some_and(|day| day <= now.date_naive());
    if over && subscription.status == "non_renewing" {
        "cancelled".clone_into(&mut subscription.status);
    }
}

impl World {
    /// What our own tables say of a subscription that is being ended.
    pub(crate) fn survey_ending(&self, saga: SagaId, ours: &str, subscription: &str, asked: &[String]) -> Answer {
        let bills = self.zoho.bills.iter().filter(|b| b.subscription.as_deref() == Some(subscription));
        let held = |kind, key: &str| self.tables.claims.iter().find(|(c, _)| c.kind == kind && c.key == key);
        let charging = bills
            .map(|bill| bill.id.clone())
            .filter(|id| held(ClaimKind::ZohoInvoice, id).is_some_and(|(_, holder)| holder.saga != saga))
            .collect();
        let captured = |sale: &crate::braintree::Sale| {
            let invoice = self.invoice_for(sale).filter(|invoice| asked.contains(invoice))?;
            let (transaction, at) = (sale.id.clone(), self.clock.now());
            sale.is_captured().then_some(BookedCapture { transaction, invoice, amount: sale.amount, at })
        };
        let captures = self.braintree.sales.iter().filter_map(captured).collect();
        let product = self.tables.claims.iter().find_map(|(claim, holder)| {
            let keeps = claim.kind == ClaimKind::AccountPlanFamily && holder.saga.subscription() == ours;
            let flow = self.sagas.get(&holder.saga).map(|slot| slot.live.flow_name().to_owned());
            keeps.then(|| KeptProduct { saga: holder.saga, key: claim.key.clone(), flow })
        });
        Answer::EndingSurvey(Box::new(EndingSurvey { charging, captures, product }))
    }

    /// Somebody ends a subscription, takes that back, or ends it by hand.
    pub(crate) fn ends_something(&mut self) {
        let now = self.clock.now();
        if self.zoho.subscriptions.is_empty() || now >= self.healed_at + TimeDelta::days(20) {
            return;
        }
        let (subscription, _) = self.dice.of(&self.zoho.subscriptions);
        let company = self.company_of(&subscription.customer).unwrap_or_default();
        // Its invoices are people's business from now on.
        self.touched.insert(company);
        if self.dice.chance(100) {
            return self.ends_by_hand(&subscription.id);
        }
        let owned = self.tables.subscriptions.values().find(|o| o.zoho.as_ref() == Some(&subscription.id));
        let record = owned.and_then(|owned| owned.attio.clone());
        let wish = match self.sought_wish(&subscription.status) {
            Some(wish) => wish,
            None => self.dice.of(&[Wish::CancelNow, Wish::CancelNow, Wish::CancelAtEnd, Wish::Reactivate]),
        };
        self.owes_at_the_end(&subscription, now);
        let sought = self.sought_choice().is_some();
        let press = record.filter(|_| !sought && self.dice.chance(500)).map(|record| {
            self.crm.press(&record, wish.title(), now);
            Press { record, pressed_at: now }
        });
        let choice = if press.is_some() { Choice::default() } else { self.some_choice() };
        let order = Order { wish, choice, reason: "moved away".to_owned(), by: "token:ada".to_owned(), press };
        let command = Command::Ordered { of: of(&subscription.id), order: Box::new(order) };
        self.tells_ending(&subscription.id, &command);
        let takes_back = wish == Wish::CancelAtEnd && self.mishaps.seeks(Cancellation::NAME, TAKEN_BACK);
        let wait = self.millis(600_000, if takes_back { 3_600_000 } else { 48 * 3_600_000 });
        self.clock.after(wait, Event::Deed(crate::people::Deed::EndSubscription));
    }

    /// Staff cancel it at the console; Zoho tells of it.
    pub(crate) fn ends_by_hand(&mut self, subscription: &str) {
        for (known, _) in &mut self.zoho.subscriptions {
            if known.id == subscription {
                "cancelled".clone_into(&mut known.status);
            }
        }
        self.tells_ending(subscription, &Command::Noticed { of: of(subscription), news: News::Ended });
    }

    fn tells_ending(&mut self, subscription: &str, command: &Command) {
        let saga = Cancellation::id(ORGANIZATION, subscription);
        let customer = self.zoho.subscription(subscription).map(|s| s.customer.clone());
        let company = customer.and_then(|customer| self.company_of(&customer)).unwrap_or_default();
        self.laws.belongs.insert(saga, company);
        let message = item::<Cancellation>("ending", command);
        self.message(saga, &message.clone(), TimeDelta::minutes(15), Some(message));
    }

    /// What leads to taking an ending back: it is ordered first.
    fn sought_wish(&self, status: &str) -> Option<Wish> {
        let takes_back = self.mishaps.seeks(Cancellation::NAME, TAKEN_BACK);
        let ends = takes_back || self.mishaps.seeks(Cancellation::NAME, &["read_recurring"]);
        match status {
            "non_renewing" if takes_back => Some(Wish::Reactivate),
            "live" if ends => Some(Wish::CancelAtEnd),
            _ => self.sought_choice().map(|_| Wish::CancelNow),
        }
    }

    /// The choice that leads to the step that this run seeks out.
    fn sought_choice(&self) -> Option<Choice> {
        use {GiveBack as G, OpenInvoices as O};
        let seeks = |step| self.mishaps.seeks(Cancellation::NAME, &[step]);
        let open = [("write_off_invoice", O::WriteOff), ("void_invoice", O::Void), ("tell_invoice", O::Collect)];
        let open = open.iter().find(|(step, _)| seeks(*step)).map(|(_, choice)| *choice);
        let back = ["find_payments", "order_give_back"].into_iter().find(|step| seeks(*step)).map(|_| G::Full);
        let choice =
            Choice { open_invoices: open.or(back.map(|_| O::Void)), give_back: back.or(open.map(|_| G::Nothing)) };
        (open.is_some() || back.is_some()).then_some(choice)
    }

    /// An invoice that nobody has paid yet, where this run seeks out what becomes of it.
    fn owes_at_the_end(&mut self, subscription: &Subscription, now: DateTime<Utc>) {
        let steps = ["write_off_invoice", "void_invoice", "tell_invoice"];
        if self.mishaps.seeks(Cancellation::NAME, &steps) && subscription.status == "live" {
            let due = TimeDelta::days(2);
            self.zoho.bill(&subscription.customer, Some(&subscription.id), 5_000, due, now);
        }
    }

    fn some_choice(&mut self) -> Choice {
        use {GiveBack as G, OpenInvoices as O};
        if let Some(choice) = self.sought_choice() {
            return choice;
        }
        Choice {
            open_invoices: self.dice.of(&[None, Some(O::Collect), Some(O::Void), Some(O::WriteOff)]),
            give_back: self.dice.of(&[
                None,
                Some(G::Nothing),
                Some(G::Prorated),
                Some(G::Full),
                Some(G::Full),
                Some(G::Credit),
            ]),
        }
    }

    /// What an operator chooses who sees to a cancellation that asks.
    pub(crate) fn chooses(&mut self) -> Command {
        let choice = self.some_choice();
        let by = self.dice.of(&["token:bob", "token:eve"]).to_owned();
        Command::Chosen { choice, reason: "seen to".to_owned(), by }
    }
}

fn of(subscription: &str) -> Of {
    Of { organization: ORGANIZATION.to_owned(), installation: installation(), subscription: subscription.to_owned() }
}
