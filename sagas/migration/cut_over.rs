//! The cut-over of a line: finance agrees to what its shadow says, the hand-over is ordered, and afterwards the old way is
//! watched until it is known to be off. Refuses to hand over whose shadow differs, and what nobody says is off.

use super::state::{Cut, Stage, Watch, Way};
use super::turn::Turn;
use super::words::{CutOver, Event, Found};
use super::{Migration, steps};
use crate::kernel::answer::{BilledInvoice, CollectionOwner, EndingSurvey, Invoice, SubscriptionSurvey, Transaction};
use crate::kernel::answer::{InvoicePayment, TransactionStatus};
use crate::kernel::effect::Message;
use crate::kernel::hand_over::{Ended, ReplyTo, Wish};
use crate::kernel::saga::{Refusal, Saga};
use chrono::TimeDelta;

/// Who asked for a hand-over looks at the record so often, should its answer be lost.
const LOOKS: TimeDelta = TimeDelta::days(1);
/// Terms that we collect before an old way counts as off that somebody only says is off.
const STATED: u32 = 2;
/// The same, of an old way that was read to be off.
const PROVED: u32 = 1;

impl Turn<'_> {
    /// Finance has seen what the shadow says.
    pub(super) fn approve(&mut self, by: &str, reason: &str) -> Result<(), Refusal> {
        self.no_difference()?;
        let compared = match (self.state.stage, &self.state.shadow) {
            (Stage::Linked, Some(shadow)) => shadow.agreed.len(),
            (Stage::Linked, None) => {
                return Err(Refusal::new("no_shadow", "nothing was compared: shadow it first, with `import shadow`"));
            }
            _ => return Err(Refusal::new("not_linked", "only what is linked and shadowed can be approved")),
        };
        let compared = u32::try_from(compared).unwrap_or(u32::MAX);
        let (by, reason) = (by.to_owned(), reason.to_owned());
        self.push(Event::ShadowApproved { compared, by, reason, at: self.at.now });
        Ok(())
    }

    /// Refused with the cure while the shadow differs: the old way and we would charge different money.
    fn no_difference(&self) -> Result<(), Refusal> {
        let differs = self.state.shadow.as_ref().map(|shadow| &shadow.differs).filter(|differs| !differs.is_empty());
        let Some(differs) = differs else { return Ok(()) };
        let each: Vec<_> = differs.iter().map(|(invoice, why)| format!("invoice {invoice}: {why}")).collect();
        let cure = "find out why, then `attio-billing import explain`";
        Err(Refusal::new("ShadowDiffers", format!("the shadow differs ({}): {cure}", each.join("; "))))
    }

    pub(super) fn cut_over(&mut self, order: &CutOver) -> Result<(), Refusal> {
        if self.state.cut.as_ref().is_some_and(|cut| cut.is_under_way() && cut.wish.to == order.to) {
            // Ordered before, and not over.
            return Ok(());
        }
        if !matches!(self.state.stage, Stage::Linked) || self.state.watch.is_some() {
            let why = "only what is linked, and was not handed over yet, can be cut over";
            return Err(Refusal::new("not_linked", why));
        }
        self.no_difference()?;
        if self.state.approved.is_none() {
            let why = "finance has not approved what its shadow says: `attio-billing import approve`";
            return Err(Refusal::new("not_approved", why));
        }
        let Some(found) = self.state.found.clone() else { return Ok(()) };
        let says = order.statement.as_ref().is_some_and(|statement| !statement.trim().is_empty());
        if found.owner.is_none() && !says {
            let why = "nothing proves that the old way is off: name the signed statement of finance that it is, with `--statement`";
            return Err(Refusal::new("old_way_unproved", why));
        }
        let wish = self.wish(order, &found, found.owner, order.to, "cut-over");
        self.ask(wish, Way::There)
    }

    /// Until we have charged: the old collector again.
    pub(super) fn take_back(&mut self, order: &CutOver) -> Result<(), Refusal> {
        if self.state.cut.as_ref().is_some_and(|cut| cut.is_under_way() && cut.way == Way::Back) {
            return Ok(());
        }
        let (Some(watch), Some(found)) = (self.state.watch.clone(), self.state.found.clone()) else {
            return Err(Refusal::new(
                "not_cut_over",
                "it was not handed over by its line: there is nothing to take back",
            ));
        };
        if self.state.stage != Stage::Linked {
            return Err(Refusal::new("busy", "the line is being worked on: come back when that is done"));
        }
        if !watch.charged.is_empty() {
            let why = "the new way has charged it: what was charged stays; ask for a new hand-over, with `attio-billing hand-over request`";
            return Err(Refusal::new("charged_since", why));
        }
        let Some(old) = found.owner else {
            let (by, reason) = (order.by.clone(), order.reason.clone());
            self.push(Event::ReturnOrdered { by, reason, at: self.at.now });
            return Ok(());
        };
        let wish = self.wish(order, &found, Some(watch.owner), old, "back");
        self.ask(wish, Way::Back)
    }

    fn wish(
        &self,
        order: &CutOver,
        found: &Found,
        from: Option<CollectionOwner>,
        to: CollectionOwner,
        way: &str,
    ) -> Wish {
        let old = self.state.old.as_ref();
        Wish {
            key: format!("import:{}:{way}:{}", old.map_or("", |old| old.id.as_str()), self.state.cuts + 1),
            organization: order.organization.clone(),
            installation: order.installation.clone(),
            subscription: found.zoho_subscription.clone(),
            from,
            to,
            from_period: order.from_period,
            consent: order.consent.clone(),
            proof: order.statement.clone(),
            braintree_plan: order.braintree_plan.clone(),
            recurring: old.and_then(|old| old.braintree_subscription.clone()),
            open_invoices: order.open_invoices,
            cohort: order.cohort.clone(),
            reason: order.reason.clone(),
            by: order.by.clone(),
            approval: order.approval.clone(),
            reply_to: old.map(|old| ReplyTo { flow: Migration::NAME.to_owned(), saga: Migration::id(&old.id) }),
        }
    }

    fn ask(&mut self, wish: Wish, way: Way) -> Result<(), Refusal> {
        if let Some(fault) = wish.fault() {
            return Err(Refusal::new("not_acceptable", fault));
        }
        let look_at = self.at.now + LOOKS;
        self.push(Event::HandOverOrdered { wish: Box::new(wish), way, look_at, at: self.at.now });
        Ok(())
    }

    /// The hand-over has ended. An older one, or one that was heard of already, says nothing new.
    pub(super) fn hand_over_ended(&mut self, hand_over: crate::kernel::ids::SagaId, ended: &Ended) {
        let known = self.state.cut.as_ref().is_some_and(|cut| cut.is_under_way() && cut.wish.saga() == hand_over);
        if !known || self.state.stage != Stage::Linked {
            return;
        }
        match ended {
            Ended::HandedOver { owner, .. } => self.handed_over(*owner),
            Ended::Unchanged { why } => self.push(Event::HandOverFailed { why: why.clone(), at: self.at.now }),
        }
    }

    /// What our own record says, where the answer was lost.
    pub(super) fn looked_at_record(&mut self, survey: &SubscriptionSurvey) {
        let Some(cut) = self.state.cut.clone() else { return };
        match survey.owner {
            Some(owner) if survey.claimed_by.is_none() && Some(owner) != cut.wish.from => self.handed_over(owner),
            _ => self.push(Event::HandOverAwaited { look_at: self.at.now + LOOKS }),
        }
    }

    fn handed_over(&mut self, owner: CollectionOwner) {
        let Some(cut) = self.state.cut.clone() else { return };
        if cut.way == Way::Back {
            return self.push(Event::HandedBack { owner: Some(owner), at: self.at.now });
        }
        // Zoho's own gateway is nobody here to watch: what it takes is mirrored, and no charge of it is ours.
        let terms = match (owner, cut.wish.from) {
            (CollectionOwner::ZohoNative, _) => 0,
            (_, None) => STATED,
            (_, Some(_)) => PROVED,
        };
        self.push(Event::HandedOver { owner, terms, at: self.at.now });
        self.watched();
    }

    /// All that was to be seen is seen.
    fn watched(&mut self) {
        let done = self.state.watch.as_ref().is_some_and(|watch| !watch.done && watch.seen >= watch.terms);
        if done {
            self.push(Event::CutOverDone { at: self.at.now });
        }
    }

    /// Invoices that were paid when it was handed over are the old way's.
    pub(super) fn watch(&mut self, invoices: &[BilledInvoice]) {
        let Some(watch) = &self.state.watch else { return };
        let look_at = self.at.now + LOOKS;
        let is_paid = |invoice: &&BilledInvoice| {
            !invoice.balance.is_positive() && !matches!(invoice.status.as_str(), "draft" | "pending" | "void")
        };
        let paid = invoices.iter().filter(is_paid);
        if watch.before.is_none() {
            let before = paid.map(|invoice| invoice.id.clone()).collect();
            return self.push(Event::WatchFrom { before, look_at });
        }
        let new = paid.filter(|invoice| !watch.is_settled(&invoice.id)).map(|invoice| invoice.id.clone()).collect();
        self.push(Event::PaidInvoicesFound { invoices: new, look_at });
    }

    pub(super) fn watched_invoice(&mut self, invoice: &Invoice) {
        let is_charge = |payment: &&InvoicePayment| !by_hand(&payment.mode);
        let payments: Vec<InvoicePayment> = invoice.payments.iter().filter(is_charge).cloned().collect();
        let (invoice, at) = (invoice.id.clone(), self.at.now);
        if payments.is_empty() {
            return self.push(Event::NothingCharged { invoice, at });
        }
        self.push(Event::PaymentsSeen { invoice, payments });
    }

    /// Whose charges are they? One that stands not in our books is somebody else's.
    pub(super) fn charges_surveyed(&mut self, survey: &EndingSurvey) {
        let Some((invoice, payments)) = self.state.watch.as_ref().and_then(|watch| watch.read.clone()) else { return };
        let ours = |payment: &&InvoicePayment| survey.captures.iter().any(|c| c.transaction == payment.reference);
        let at = self.at.now;
        if let Some(foreign) = payments.iter().find(|payment| !ours(payment)).cloned() {
            let zoho_subscription = self.state.found.as_ref().map(|found| found.zoho_subscription.clone());
            return self.push(Event::OldWayCharged {
                zoho_subscription: zoho_subscription.unwrap_or_default(),
                invoice,
                payment: foreign.id,
                reference: foreign.reference,
                amount: foreign.amount,
                at,
            });
        }
        if let Some(payment) = payments.into_iter().next() {
            self.push(Event::OurChargeSeen { invoice, transaction: payment.reference, amount: payment.amount, at });
        }
    }

    /// A charge of ours counts once it is settled.
    pub(super) fn charge_read(&mut self, transaction: &Transaction) {
        let Some(invoice) = self.state.watch.as_ref().and_then(|watch| watch.charge_to_read()).map(|(i, _)| i.clone())
        else {
            return;
        };
        let at = self.at.now;
        match transaction.status {
            TransactionStatus::Settled => {
                self.push(Event::TermCollected { invoice, transaction: transaction.id.clone(), at });
                self.watched();
            }
            ref status if status.is_reversed() => self.push(Event::NothingCharged { invoice, at }),
            _ => self.push(Event::SettlementAwaited { invoice }),
        }
    }

    /// A person has seen to it that the old way is off: what it took stands in the books as a finding.
    pub(super) fn resumed(&mut self) {
        let foreign = self.state.watch.as_ref().and_then(|watch| watch.foreign.clone());
        if let (Some(foreign), Some(found)) = (foreign, self.state.found.clone()) {
            let zoho_subscription = found.zoho_subscription;
            self.push(Event::OldWayStopped { zoho_subscription, invoice: foreign.invoice, at: self.at.now });
        }
    }

    /// Nobody is charged for it at this instant, and none of its charges is ours: nobody collects it again.
    pub(super) fn return_surveyed(&mut self, survey: &EndingSurvey) {
        if survey.charging.is_empty() {
            return self.push(Event::NothingUnderWay);
        }
        let why = "a charge of it is under way: look what became of it, then ask again".to_owned();
        self.push(Event::ReturnRefused { why, released: steps::return_claims(&self.state) });
    }
}

/// Recorded by a person for money that came otherwise: no charge of a card.
fn by_hand(mode: &str) -> bool {
    matches!(mode, "cash" | "check" | "cheque" | "banktransfer" | "bankremittance" | "transfer")
}

/// The hand-over is told with the event that orders it.
pub(super) fn tells(event: &Event) -> Option<Message> {
    match event {
        Event::HandOverOrdered { wish, .. } => Some(wish.message()),
        _ => None,
    }
}

impl Cut {
    pub(super) const fn is_under_way(&self) -> bool {
        !self.over
    }
}

impl Watch {
    /// Nothing more is to be found out about it.
    pub(super) fn is_settled(&self, invoice: &str) -> bool {
        self.before.as_ref().is_some_and(|before| before.contains(invoice)) || self.known.contains(invoice)
    }

    /// A charge of ours that was not final at the last look, in this one.
    pub(super) fn charge_to_read(&self) -> Option<(&String, &String)> {
        self.charged.iter().find(|(invoice, _)| self.unsettled.contains(*invoice))
    }
}
