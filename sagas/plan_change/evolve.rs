//! How a plan change changes with each event. Pure folding: nothing is decided here, and no event is refused.

use super::events::Event;
use super::face;
use super::state::{Acceptance, Advice, Ending, Stage, State, Undoing, Watch};
use super::words::{After, Demand, Hold, LetterKind};
use crate::kernel::effect::{Claim, ClaimKind};
use crate::kernel::telling::Told;
use chrono::{DateTime, TimeDelta, Utc};

impl State {
    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_asked(event);
        self.apply_read(event);
        self.apply_accepted(event);
        self.apply_hold(event);
        self.apply_change(event);
        self.apply_money(event);
        self.apply_end(event);
        self.apply_people(event);
        self.calls += u32::from(!leaves_calls_alone(event));
        if let Some(at) = time(event)
            && let Some(face) = face::face(self, at)
        {
            let anew = matches!(event, Event::ActRepeated { .. });
            if anew || self.people.face().is_none_or(|known| !face::same(known, &face)) {
                self.people.show(face);
            }
        }
    }

    fn apply_asked(&mut self, event: &Event) {
        match event {
            Event::PlanChangeRequested { of, ask, terms, at } => {
                self.of = Some(of.clone());
                self.wanted.clone_from(&ask.wanted);
                self.ask = Some((**ask).clone());
                self.terms = Some((**terms).clone());
                self.asked_at = Some(*at);
                if let Some(press) = &ask.press {
                    self.heard(&press.act);
                }
                self.stage = Stage::Surveying;
            }
            Event::ActRepeated { press, .. } => {
                self.heard(&press.act);
                if matches!(self.stage, Stage::Previewed { .. }) {
                    self.prepare();
                }
            }
            Event::ChangeNoticed { of, .. } => {
                self.of = Some(of.clone());
                self.adopting = true;
                self.sleep_until = None;
                self.stage = Stage::Surveying;
            }
            Event::AdoptionPutOff { again_at } => {
                self.looks += 1;
                self.stage = Stage::Surveying;
                self.sleep_until = Some(*again_at);
            }
            _ => {}
        }
    }

    fn heard(&mut self, act: &crate::kernel::effect::PressedAct) {
        self.pressed_at = Some(act.pressed_at);
        self.unanswered = Some(act.clone());
    }

    /// All that can change is read anew.
    fn prepare(&mut self) {
        self.stage = Stage::Surveying;
        self.offer = None;
        self.preview = None;
        self.acceptance = None;
        if self.ask.as_ref().is_some_and(|ask| ask.wanted.is_none()) {
            self.wanted = None;
        }
    }

    fn apply_read(&mut self, event: &Event) {
        match event {
            Event::SubscriptionSurveyed { survey } => {
                self.survey = Some((**survey).clone());
                self.stage = if self.adopting || self.wanted.is_some() { Stage::Reading } else { Stage::Asking };
            }
            Event::WantedRead { wanted, owner } => {
                self.wanted = Some((**wanted).clone());
                self.owner.clone_from(owner);
                self.stage = Stage::Reading;
            }
            Event::TermsRead { terms } => {
                self.is = Some((**terms).clone());
                self.stage = if self.customer.is_some() { Stage::Offering } else { Stage::Paying };
            }
            Event::CustomerSurveyed { survey } => {
                self.customer = Some((**survey).clone());
                self.stage = Stage::Offering;
            }
            Event::OfferRead { offer } => {
                self.offer = Some((**offer).clone());
                self.stage = Stage::Pricing;
            }
            Event::PlanChangePreviewed { preview, .. } => {
                self.preview = Some((**preview).clone());
                self.await_acceptance();
            }
            Event::PreviewOutdated { released, .. } => {
                self.let_go(released);
                self.prepare();
            }
            Event::WaitOver => self.sleep_until = None,
            _ => {}
        }
    }

    /// As long after the first request as the settings say.
    fn await_acceptance(&mut self) {
        let days = self.terms.as_ref().map_or(0, |terms| i64::from(terms.patience_days));
        let until = self.asked_at.unwrap_or_default() + TimeDelta::days(days);
        self.stage = Stage::Previewed { until };
    }

    fn apply_accepted(&mut self, event: &Event) {
        match event {
            Event::ConsentGiven { number, consent, basis, .. } => {
                self.acceptances = *number;
                self.acceptance = Some(Acceptance { number: *number, consent: consent.clone(), basis: basis.clone() });
                self.advice = None;
                self.next_order();
                self.stage = Stage::Fencing;
            }
            Event::ClaimTaken { claim } => {
                self.looks = 0;
                self.stage = match claim.kind {
                    ClaimKind::ZohoInvoice if self.sell_anew => self.counting(Stage::Weighing),
                    ClaimKind::ZohoInvoice => Stage::Weighing,
                    _ => Stage::Checking,
                };
                self.claims.push(claim.clone());
            }
            Event::ClaimBusy { again_at, .. } => self.sleep_until = Some(*again_at),
            Event::SubscriptionChecked { terms } => {
                self.is = Some((**terms).clone());
                self.stage = Stage::Listing;
            }
            Event::InvoicesListed { invoices } => {
                self.raised.clone_from(invoices);
                let is_due = self.preview.as_ref().is_some_and(super::preview::Preview::is_due_now);
                self.stage = if is_due { Stage::Carding } else { Stage::Changing };
            }
            Event::CardRead { method } => {
                self.method = Some((**method).clone());
                self.stage = self.counting(Stage::Holding);
            }
            Event::CardCounted { .. } => {
                self.counted = true;
                self.stage = if self.sell_anew { Stage::Weighing } else { Stage::Holding };
            }
            _ => {}
        }
    }

    /// The card's network counts its charges, where Braintree says which card it is.
    fn counting(&self, otherwise: Stage) -> Stage {
        let known = self.method.as_ref().is_some_and(|method| !method.card.is_empty());
        if known { Stage::Counting } else { otherwise }
    }

    /// A new order id: one per hold and per sale, for ever.
    fn next_order(&mut self) {
        self.orders += 1;
        self.counted = false;
        let (Some(of), Some(saga)) = (&self.of, self.saga()) else { return };
        self.order_id = of.installation.plan_change_order(saga, self.orders);
    }

    fn apply_hold(&mut self, event: &Event) {
        match event {
            Event::PaymentAuthorised { hold, extra, .. } => {
                self.counted = false;
                self.last_hold = Some(hold.transaction.clone());
                self.voids.extend(extra.iter().cloned());
                self.hold = Some((**hold).clone());
                self.stage = Stage::Changing;
            }
            Event::AuthorisationUnclear { transaction, .. } => self.last_hold = Some(transaction.clone()),
            Event::AuthorisationDeclined { needs_authentication, released, .. } => {
                self.declined(released);
                self.advice = Some(if *needs_authentication { Advice::Authenticate } else { Advice::AnotherCard });
            }
            Event::AuthorisationInsufficient { released, .. } => {
                self.release_hold();
                self.declined(released);
            }
            Event::CardRefused { released, .. } => self.declined(released),
            Event::AuthorisationAbandoned { order_id, released, next_look, at } => {
                self.counted = false;
                self.let_go(released);
                let order_id = order_id.clone();
                self.watches.push(Watch { order_id, since: *at, next_look: *next_look, due: false });
                self.advice = Some(Advice::NotConfirmed);
                self.acceptance = None;
                self.await_acceptance();
            }
            Event::AuthorisationReleased { transaction, .. } => {
                self.voided(transaction);
                self.hold.take_if(|hold| hold.transaction == *transaction);
                self.late.retain(|hold| hold.transaction != *transaction);
            }
            Event::StrayReleased { transaction } => self.voided(transaction),
            Event::LateHoldLookDue { order_id } => {
                self.watches.iter_mut().filter(|w| w.order_id == *order_id).for_each(|w| w.due = true);
            }
            Event::LateHoldUnseen { order_id, next_look } => match next_look {
                Some(next) => {
                    let looked = self.watches.iter_mut().filter(|w| w.order_id == *order_id);
                    looked.for_each(|w| (w.next_look, w.due) = (*next, false));
                }
                None => self.watches.retain(|w| w.order_id != *order_id),
            },
            Event::LateHoldFound { hold } => {
                self.watches.retain(|w| w.order_id != hold.order_id);
                self.voids.push(hold.transaction.clone());
                self.late.push((**hold).clone());
            }
            _ => {}
        }
    }

    fn declined(&mut self, released: &[Claim]) {
        self.counted = false;
        self.declines += 1;
        self.advice = Some(Advice::AnotherCard);
        self.acceptance = None;
        self.let_go(released);
        self.await_acceptance();
    }

    fn release_hold(&mut self) {
        let standing = self.hold.as_ref().map(|hold: &Hold| hold.transaction.clone());
        if let Some(transaction) = standing.filter(|t| !self.voids.contains(t)) {
            self.voids.push(transaction);
        }
    }

    /// What is owed can only be sold from here on.
    fn give_hold_up(&mut self) {
        if self.hold.is_some() {
            self.release_hold();
            self.sell_anew = true;
            self.next_order();
        }
    }

    fn voided(&mut self, transaction: &str) {
        self.voids.retain(|t| t != transaction);
    }

    fn let_go(&mut self, released: &[Claim]) {
        self.claims.retain(|claim| !released.contains(claim));
    }

    fn apply_change(&mut self, event: &Event) {
        match event {
            Event::SubscriptionChanged { terms, .. } => {
                self.is = Some((**terms).clone());
                self.changed = true;
                self.looks = 0;
                self.stage = Stage::Looking;
            }
            Event::ChangeScheduled { terms, released, look_at, .. } => {
                self.is = Some((**terms).clone());
                self.changed = true;
                self.let_go(released);
                self.stage = Stage::Scheduled { until: *look_at };
            }
            Event::ScheduledChangeWithdrawn { terms, released, .. } => {
                self.is = Some((**terms).clone());
                self.changed = true;
                self.let_go(released);
                self.over(Ending::Withdrawn, "", "");
            }
            Event::ChangeDue => self.stage = Stage::Effecting,
            Event::ChangeStillWaits { look_at } => self.stage = Stage::Scheduled { until: *look_at },
            Event::ScheduledChangeTookEffect { terms, .. } => {
                self.is = Some((**terms).clone());
                self.over(Ending::Changed, "", "");
            }
            Event::ScheduledChangeDropped { terms, .. } => {
                self.is = Some((**terms).clone());
                self.over(Ending::Dropped, "", "");
            }
            Event::StaffChangeAdopted { terms, .. } => {
                self.looks = 0;
                self.is = Some((**terms).clone());
                self.over(Ending::Adopted, "", "");
            }
            Event::ChangeMirrored { .. } => self.over(Ending::Mirrored, "", ""),
            _ => {}
        }
    }

    fn apply_money(&mut self, event: &Event) {
        match event {
            Event::InvoiceMissing { again_at } => {
                self.looks += 1;
                self.fresh = None;
                self.sleep_until = Some(*again_at);
            }
            Event::InvoiceFound { invoice } => {
                self.looks = 0;
                self.invoice = Some(invoice.clone());
                self.stage = Stage::Claiming;
            }
            Event::InvoiceBound { invoice, .. } => {
                self.fresh = Some((**invoice).clone());
                self.stage = Stage::Capturing;
            }
            Event::InvoiceOutdated => {
                self.fresh = None;
                self.stage = Stage::Weighing;
            }
            Event::NothingToCollect { .. } => {
                self.release_hold();
                self.stage = Stage::Finishing;
            }
            Event::OverCeiling { demand, released, .. } => {
                self.release_hold();
                self.let_go(released);
                self.stage = Stage::Demanding { until: demand.until };
                self.demand = Some((**demand).clone());
            }
            Event::DemandAccepted { .. } | Event::DemandSettled { .. } => self.stage = Stage::Telling,
            Event::CaptureRefused { .. } => {
                self.give_hold_up();
                self.fresh = None;
                self.stage = self.counting(Stage::Weighing);
            }
            Event::LeftToCollection { released, .. } => {
                self.release_hold();
                self.let_go(released);
                self.stage = Stage::Telling;
            }
            Event::InvoiceStreamTold | Event::PaymentRecorded { .. } => self.stage = Stage::Finishing,
            Event::PaymentCaptured { capture, .. } => {
                self.counted = false;
                self.capture = Some((**capture).clone());
                self.hold = None;
                self.stage = Stage::HandingOver;
            }
            Event::CaptureHandedOver { await_until } => {
                self.claims.retain(|claim| claim.kind != ClaimKind::ZohoInvoice);
                self.stage = Stage::AwaitingRecord { until: *await_until };
            }
            Event::RecordAwaited { until } => self.stage = Stage::AwaitingRecord { until: *until },
            Event::CaptureReversed { .. } => {
                self.reversed = true;
                self.stage = Stage::Finishing;
            }
            _ => {}
        }
    }

    fn over(&mut self, ending: Ending, reason: &str, cure: &str) {
        self.stage = Stage::Over { ending, reason: reason.to_owned(), cure: cure.to_owned() };
        self.sleep_until = None;
        self.undoing = None;
    }

    fn apply_end(&mut self, event: &Event) {
        match event {
            Event::PlanChanged { released, .. } => {
                self.let_go(released);
                self.over(Ending::Changed, "", "");
            }
            Event::PlanChangeRefused { reason, cure, released, .. } => {
                self.let_go(released);
                self.over(Ending::Refused, reason, cure);
            }
            Event::PreviewLapsed { .. } => {
                self.over(Ending::Lapsed, "nobody agreed in time", "press `Change plan` again");
            }
            Event::CancellationOrdered { reason, .. } => self.undo_all(reason, "", Ending::Cancelled),
            Event::PlanChangeFailed { reason, cure, .. } => self.undo_all(reason, cure, Ending::Failed),
            Event::PlanChangeUndone { released, .. } => {
                self.let_go(released);
                self.counted = false;
                if let Some(Undoing { reason, cure, ending }) = self.undoing.take() {
                    self.over(ending, &reason, &cure);
                }
            }
            Event::PlanChangeHeld { code, detail, then, .. } => {
                self.give_hold_up();
                self.stage = Stage::Held { code: *code, detail: detail.clone(), then: *then };
            }
            Event::PlanChangeResumed { .. } => {
                let Stage::Held { then, .. } = self.stage else { return };
                self.looks = 0;
                match then {
                    After::Preview => self.prepare(),
                    After::Recheck => self.stage = Stage::Rechecking,
                    After::Look => {
                        self.seen_to = true;
                        self.stage = Stage::Looking;
                        self.is = None;
                    }
                    After::Settle => self.stage = Stage::Settling,
                    After::HandOver => self.stage = Stage::HandingOver,
                    After::Undo => {}
                }
            }
            _ => {}
        }
    }

    fn undo_all(&mut self, reason: &str, cure: &str, ending: Ending) {
        self.undoing = Some(Undoing { reason: reason.to_owned(), cure: cure.to_owned(), ending });
        self.sleep_until = None;
    }

    fn apply_people(&mut self, event: &Event) {
        if let Event::Told(told) = event {
            self.people.apply(told);
            if let Told::CustomerStateShown { version } = told
                && self.people.is_newest(*version)
            {
                // An act that was pressed since has made a newer version.
                self.unanswered = None;
            }
            return;
        }
        match event {
            Event::AuthorisationDeclined { .. }
            | Event::AuthorisationInsufficient { .. }
            | Event::CardRefused { .. } => {
                self.people.owe_task("declined", "The card was not accepted for the change of plan: help the customer");
            }
            Event::OverCeiling { demand, .. } => {
                let Demand { balance, ceiling, .. } = &**demand;
                let text = format!(
                    "Zoho asks for {balance} for the change of plan, and {ceiling} was accepted: ask the customer"
                );
                self.people.owe_task("over_ceiling", text);
            }
            Event::PlanChangeHeld { detail, .. } => {
                self.people.owe_task("held", format!("An operator must look: {detail}"));
            }
            Event::PlanChangeResumed { .. } => self.people.drop_task("held"),
            // Of money that was taken back there is no receipt.
            Event::PlanChanged { .. } if self.capture.is_some() && !self.reversed => {
                self.people.owe_letter(LetterKind::Receipt);
            }
            _ => {}
        }
    }
}

/// It ends no call of the flow's own: a call may be under way beside it, and is still the same one. Neither does an answer that
/// says nothing of what became of it.
const fn leaves_calls_alone(event: &Event) -> bool {
    matches!(
        event,
        Event::PlanChangeRequested { .. }
            | Event::ActRepeated { .. }
            | Event::ChangeNoticed { .. }
            | Event::ConsentGiven { .. }
            | Event::DemandAccepted { .. }
            | Event::CancellationOrdered { .. }
            | Event::PaymentRecorded { .. }
            | Event::CaptureReversed { .. }
            | Event::AuthorisationUnclear { .. }
            | Event::Told(_)
    )
}

/// When what an event says became true (UTC); none: people see nothing of it.
const fn time(event: &Event) -> Option<DateTime<Utc>> {
    match event {
        Event::PlanChangePreviewed { at, .. }
        | Event::PlanChangeRefused { at, .. }
        | Event::ActRepeated { at, .. }
        | Event::AuthorisationDeclined { at, .. }
        | Event::AuthorisationInsufficient { at, .. }
        | Event::CardRefused { at, .. }
        | Event::AuthorisationAbandoned { at, .. }
        | Event::ChangeScheduled { at, .. }
        | Event::ScheduledChangeWithdrawn { at, .. }
        | Event::ScheduledChangeTookEffect { at, .. }
        | Event::ScheduledChangeDropped { at, .. }
        | Event::OverCeiling { at, .. }
        | Event::PaymentCaptured { at, .. }
        | Event::PlanChanged { at, .. }
        | Event::StaffChangeAdopted { at, .. }
        | Event::PreviewLapsed { at }
        | Event::PlanChangeUndone { at, .. }
        | Event::PlanChangeHeld { at, .. }
        | Event::PlanChangeResumed { at } => Some(*at),
        _ => None,
    }
}
