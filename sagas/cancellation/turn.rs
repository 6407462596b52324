//! From what comes to events: orders and news, answers of vendors, and what follows by itself. All times are set here.

use super::face;
use super::give_back;
use super::state::{Ending, Stage, tells_something};
use super::words::{Choice, Command, Event, GiveBack, OpenInvoices, Order, Proposal, RecurringEnd, Wish};
use crate::kernel::answer::{Answer, EndingSurvey, SubscriptionSurvey, SubscriptionTerms};
use crate::kernel::effect::{Attio, Effect};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{Answered, Refusal};
use chrono::{NaiveDate, NaiveTime, TimeDelta};

/// What another saga holds is asked for again after so long; doubles up to an hour.
const SHORTLY: TimeDelta = TimeDelta::seconds(30);
const AT_MOST: TimeDelta = TimeDelta::hours(1);
/// Charges that are not finished in this time are not waited for; neither is other work on the subscription.
const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// Zoho ends a term in the night after its last day: looked at in the morning, should the message be lost.
const MORNING: TimeDelta = TimeDelta::hours(6);

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, super::Cancellation>;

/// What Zoho's status word means for an ending.
enum Life {
    Runs,
    Ending,
    Over,
    Unknown,
}

fn life(terms: &SubscriptionTerms) -> Life {
    match terms.status.as_str() {
        "live" | "trial" | "future" | "dunning" | "unpaid" | "paused" => Life::Runs,
        "non_renewing" => Life::Ending,
        "cancelled" | "cancelled_from_dunning" | "expired" | "trial_expired" => Life::Over,
        _ => Life::Unknown,
    }
}

impl Turn<'_> {
    /// Something came from outside.
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Ordered { of, order } => {
                if self.known_press(order) {
                    return Ok(());
                }
                if matches!(self.state.stage, Stage::Over { ending: Ending::Ended }) {
                    return self.decline(order, "the subscription has ended already: start a new one");
                }
                if !self.state.rests() {
                    return self.ordered_meanwhile(order);
                }
                let (of, order, at) = (of.clone(), order.clone(), self.at.now);
                self.push(match order.wish {
                    Wish::CancelNow | Wish::CancelAtEnd => Event::CancellationOrdered { of, order, at },
                    Wish::Reactivate => Event::ReactivationOrdered { of, order, at },
                });
                Ok(())
            }
            Command::Noticed { of, news } => {
                if tells_something(&self.state, *news) {
                    self.push(Event::EndingNoticed { of: of.clone(), news: *news, at: self.at.now });
                }
                Ok(())
            }
            Command::Chosen { choice, reason, by } => self.chosen(*choice, reason, by),
        }
    }

    /// The same press delivered again.
    fn known_press(&self, order: &Order) -> bool {
        let pressed = order.press.as_ref().map(|press| press.pressed_at);
        pressed.is_some() && pressed <= self.state.pressed_at
    }

    /// Wanted while something is carried out: the same is answered with where it stands.
    fn ordered_meanwhile(&mut self, order: &Order) -> Result<(), Refusal> {
        let why = "a cancellation or a reactivation of the subscription is being carried out; wait until it is over";
        if self.state.wish != Some(order.wish) {
            return self.decline(order, why);
        }
        if let Some(press) = &order.press {
            let (act, record) = (press.act(order.wish), press.record.clone());
            self.push(Event::ActRepeated { act, record, at: self.at.now });
        }
        Ok(())
    }

    /// Not now: a press is answered on its record.
    fn decline(&mut self, order: &Order, why: &str) -> Result<(), Refusal> {
        let Some(press) = &order.press else { return Err(Refusal::new("not_now", why)) };
        let (act, record) = (press.act(order.wish), press.record.clone());
        let sentence = face::refused(order.wish, why);
        self.push(Event::ActDeclined { act, record, sentence, at: self.at.now });
        Ok(())
    }

    fn chosen(&mut self, choice: Choice, reason: &str, by: &str) -> Result<(), Refusal> {
        let state = &self.state;
        if state.rests() && !matches!(state.stage, Stage::Scheduled { .. }) {
            return Err(Refusal::new("nothing_to_choose", "no cancellation is being carried out here"));
        }
        if choice == Choice::default() {
            return Err(Refusal::new("nothing_chosen", "name what happens with open invoices, or what is given back"));
        }
        let taken = |before: bool, now: bool| before && now;
        if taken(state.choice.open_invoices.is_some(), choice.open_invoices.is_some())
            || taken(state.choice.give_back.is_some(), choice.give_back.is_some())
        {
            return Err(Refusal::new("chosen_already", "this was chosen before, and is being carried out"));
        }
        let (reason, by, at) = (reason.to_owned(), by.to_owned(), self.at.now);
        if choice.open_invoices == Some(OpenInvoices::WriteOff) {
            match &state.proposer {
                Some(proposer) if *proposer == by => {
                    return Err(Refusal::new(
                        "second_person",
                        "a write-off needs two persons: somebody else has to choose it, too",
                    ));
                }
                Some(_) => {}
                None => {
                    let rest = Choice { open_invoices: None, ..choice };
                    if rest != Choice::default() {
                        self.push(Event::ChoiceMade { choice: rest, reason: reason.clone(), by: by.clone(), at });
                    }
                    self.push(Event::WriteOffProposed { reason, by, at });
                    return Ok(());
                }
            }
        }
        self.push(Event::ChoiceMade { choice, reason, by, at });
        Ok(())
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        match (answered.step, answered.outcome) {
            ("show" | "task", outcome) => self.people_told(answered.effect, outcome),
            ("read_recurring" | "end_recurring" | "keep_recurring", outcome) => {
                if let Stage::AtBraintree { end } = self.state.stage {
                    self.recurring_answered(answered.step, end, outcome);
                }
            }
            (step, Outcome::Done { answer }) => self.done(step, answer),
            ("claim", Outcome::Declined { decline }) => self.busy(&decline.text),
            ("read_terms", Outcome::Rejected { rejection }) if rejection.kind == RejectionKind::NotFound => {
                self.refuse("Zoho does not know the subscription (any more)");
            }
            ("cancel" | "reactivate", Outcome::Rejected { rejection }) => self.not_done(answered.step, rejection),
            ("void_invoice" | "write_off_invoice", Outcome::Rejected { rejection }) if is_business(rejection) => {
                let Rejection { code, message, .. } = rejection;
                let invoice = self.state.next_invoice().map_or("", |(id, _)| id);
                let detail = format!(
                    "Zoho refuses what was chosen for invoice {invoice} ({code} {message}): settle it in Zoho by hand, then resume"
                );
                self.hold(ParkCode::MoneyDecision, detail);
            }
            // The flow names no branch: the machine parks it.
            (
                _,
                Outcome::Declined { .. } | Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. },
            ) => {}
        }
    }

    fn done(&mut self, step: &str, answer: &Answer) {
        let at = self.at.now;
        let next = || self.state.next_invoice().map(|(id, _)| id.to_owned());
        match (step, answer) {
            ("survey", Answer::SubscriptionSurvey(survey)) => self.surveyed(survey),
            ("claim", _) => self.push(Event::SubscriptionFenced { at }),
            ("read_terms", Answer::Terms(terms)) => {
                self.push(Event::TermsRead { terms: terms.clone(), at });
                self.judge(terms);
            }
            ("survey_charges", Answer::EndingSurvey(survey)) if self.state.stage == Stage::Draining => {
                self.drained(survey);
            }
            ("survey_charges", Answer::EndingSurvey(survey)) => self.late(survey),
            ("cancel", Answer::Terms(terms)) if self.state.wish == Some(Wish::CancelAtEnd) => match life(terms) {
                Life::Over => self.cancelled(false),
                Life::Runs | Life::Ending | Life::Unknown => self.scheduled(terms, false),
            },
            ("cancel", _) => self.cancelled(false),
            ("reactivate", Answer::Terms(terms)) => self.goes_on(terms, false),
            ("list_invoices", Answer::BilledInvoices { invoices }) => {
                self.push(Event::InvoicesListed { invoices: invoices.clone(), at });
            }
            ("void_invoice", _) => {
                if let Some(invoice) = next() {
                    self.push(Event::OpenInvoiceVoided { invoice });
                }
            }
            ("write_off_invoice", _) => {
                if let Some(invoice) = next() {
                    self.push(Event::OpenInvoiceWrittenOff { invoice });
                }
            }
            ("tell_invoice", _) => {
                if let Some(invoice) = next() {
                    self.push(Event::InvoiceStreamTold { invoice });
                }
            }
            ("find_payments", Answer::EndingSurvey(survey)) => {
                if let Some(sought) = &self.state.give_backs.sought {
                    let (orders, rest) = give_back::cover(sought.amount, &survey.captures);
                    self.push(Event::PaymentsFound { orders, rest });
                }
            }
            ("order_give_back", _) => {
                if let Some(order) = self.state.give_backs.due.first().cloned() {
                    self.push(Event::GiveBackOrdered { order });
                }
            }
            ("release_product", _) => self.push(Event::ProductReleased),
            _ => {}
        }
    }

    /// Whose is it?
    fn surveyed(&mut self, survey: &SubscriptionSurvey) {
        self.push(Event::SubscriptionSurveyed { survey: Box::new(survey.clone()) });
        let why = match (&survey.subscription, survey.owner) {
            (Some(_), Some(_)) => return,
            (None, _) => "it is no subscription of ours: cancel it in Zoho",
            (Some(_), None) => "nobody is on record as its collector: cancel it in Zoho, or import it first",
        };
        self.refuse(why);
    }

    /// An order is refused on the record; what others did is mirrored.
    pub(super) fn refuse(&mut self, why: &str) {
        let at = self.at.now;
        match self.state.wish {
            Some(wish) => self.push(Event::OrderRefused { sentence: face::refused(wish, why), at }),
            None => self.push(Event::EndingMirrored { at }),
        }
    }

    fn busy(&mut self, held: &str) {
        let now = self.at.now;
        let patient = self.state.busy_since.is_none_or(|since| now - since < PATIENCE);
        if !patient && self.state.wish.is_some() {
            return self.refuse("other work on the subscription was not finished in a day; press it again later");
        }
        let again_at = now + self.wait();
        self.push(Event::FenceBusy { held: held.to_owned(), again_at, at: now });
    }

    fn wait(&self) -> TimeDelta {
        (SHORTLY * 2_i32.pow(self.state.waits.min(10))).min(AT_MOST)
    }

    /// What Zoho shows, against what is wanted.
    fn judge(&mut self, terms: &SubscriptionTerms) {
        match (self.state.wish, life(terms)) {
            (_, Life::Unknown) => {
                let detail = format!("Zoho calls the subscription `{}`, which is not known here", terms.status);
                self.hold(ParkCode::UnknownVendorState, detail);
            }
            (Some(Wish::Reactivate), Life::Over) => {
                self.refuse("the subscription has ended already: start a new one");
            }
            // Cancelled by somebody else, by the end of its term, or by a call of ours whose answer was lost.
            (_, Life::Over) if self.braintree_first(RecurringEnd::Now) => {}
            (_, Life::Over) => {
                if self.state.cancelled.is_none() {
                    self.cancelled(true);
                }
            }
            (Some(Wish::CancelAtEnd) | None, Life::Ending) => {
                if !self.braintree_first(RecurringEnd::WithTerm) {
                    self.scheduled(terms, true);
                }
            }
            (Some(Wish::Reactivate), Life::Runs) => self.goes_on(terms, true),
            (None, Life::Runs) if self.state.scheduled.is_some() => self.goes_on(terms, true),
            (None, Life::Runs) => self.push(Event::EndingMirrored { at: self.at.now }),
            (Some(Wish::CancelNow), Life::Runs | Life::Ending) => {
                self.braintree_first(RecurringEnd::Now);
            }
            (Some(Wish::CancelAtEnd), Life::Runs) => {
                self.braintree_first(RecurringEnd::WithTerm);
            }
            (Some(Wish::Reactivate), Life::Ending) => {
                self.look_at_braintree_first();
            }
        }
    }

    fn cancelled(&mut self, adopted: bool) {
        let (effective, at) = (self.at.date(self.at.now), self.at.now);
        self.push(Event::SubscriptionCancelled { adopted, effective, at });
    }

    fn scheduled(&mut self, terms: &SubscriptionTerms, adopted: bool) {
        let at = self.at.now;
        let ends_on = terms.term_ends_on.or(terms.next_billing_on);
        let offset = TimeDelta::seconds(i64::from(self.at.books_offset));
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc() - offset;
        let morning = ends_on.and_then(|day| day.succ_opt()).map(|day| midnight(day) + MORNING);
        let look_at = morning.filter(|morning| *morning > at).unwrap_or(at + TimeDelta::days(1));
        self.push(Event::CancellationScheduled { adopted, ends_on, look_at, at });
    }

    /// Zoho goes on; where Braintree collects, it goes on there after that.
    fn goes_on(&mut self, terms: &SubscriptionTerms, adopted: bool) {
        if self.braintree_first(RecurringEnd::Never) {
            return;
        }
        let (next_billing_on, at) = (terms.next_billing_on, self.at.now);
        self.push(Event::SubscriptionReactivated { adopted, next_billing_on, at });
    }

    fn not_done(&mut self, step: &str, rejection: &Rejection) {
        let Rejection { kind, code, message } = rejection;
        match kind {
            RejectionKind::Changed => {
                let detail = format!("{message}: compare it in Zoho, then resume; all is read again");
                self.hold(ParkCode::ChangedMeanwhile, detail);
            }
            RejectionKind::NotFound | RejectionKind::Invalid | RejectionKind::State if step == "reactivate" => {
                self.refuse("Zoho does not take the cancellation back: let it end and start a new one");
            }
            RejectionKind::NotFound | RejectionKind::Invalid | RejectionKind::State => {
                let detail = format!(
                    "Zoho refuses to cancel ({code} {message}); no charge of it begins meanwhile: cancel it in Zoho by hand, or resume to try again"
                );
                self.hold(ParkCode::CancelRefused, detail);
            }
            _ => {}
        }
    }

    pub(super) fn hold(&mut self, code: ParkCode, detail: String) {
        self.push(Event::CancellationHeld { code, detail, at: self.at.now });
    }

    fn drained(&mut self, survey: &EndingSurvey) {
        let (now, survey) = (self.at.now, Box::new(survey.clone()));
        if survey.charging.is_empty() {
            return self.push(Event::ChargesDrained { survey, at: now });
        }
        let deadline = self.state.fenced_at.unwrap_or(now) + PATIENCE;
        if deadline <= now {
            return self.push(Event::DrainGivenUp { survey, at: now });
        }
        let again_at = (now + self.wait()).min(deadline);
        self.push(Event::DrainAwaited { charging: survey.charging, again_at, at: now });
    }

    /// Charges that were open when the subscription ended: what they took should go back.
    fn late(&mut self, survey: &EndingSurvey) {
        let at = self.at.now;
        if self.state.charging.iter().all(|id| survey.charging.contains(id)) {
            return self.await_late_charges();
        }
        let since = self.state.cancelled.map_or(at, |c| c.at);
        let finished = |invoice: &String| self.state.charging.contains(invoice) && !survey.charging.contains(invoice);
        let late: Vec<_> = survey.captures.iter().filter(|c| c.at >= since && finished(&c.invoice)).cloned().collect();
        self.push(Event::LateChargesFinished { survey: Box::new(survey.clone()), at });
        for capture in late {
            let proposal = Box::new(Proposal {
                give_back: GiveBack::Full,
                invoice: capture.invoice,
                paid: capture.amount,
                amount: Some(capture.amount),
                transaction: Some(capture.transaction),
                offsets_first: Vec::new(),
                term_ends_on: None,
            });
            self.push(Event::GiveBackProposed { proposal, at });
        }
    }

    fn await_late_charges(&mut self) {
        let (at, charging) = (self.at.now, self.state.charging.clone());
        let wait = (AT_MOST * 2_i32.pow(self.state.waits.min(10))).min(TimeDelta::days(1));
        self.push(Event::LateChargesAwaited { charging, again_at: at + wait, at });
    }

    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        // A proposal, a release, an end: each round does one of them.
        for _ in 0..8 {
            let before = self.out.len();
            self.follow();
            if self.out.len() == before {
                break;
            }
        }
        self.out
    }

    fn follow(&mut self) {
        if self.state.stage != Stage::Settling || self.state.asks() || self.state.next_invoice().is_some() {
            return;
        }
        if let Some(proposal) = self.proposal() {
            return self.push(Event::GiveBackProposed { proposal: Box::new(proposal), at: self.at.now });
        }
        if !self.state.give_backs.is_done() {
            return;
        }
        if !self.state.charging.is_empty() {
            return self.await_late_charges();
        }
        if self.state.product.is_none() {
            self.push(Event::SubscriptionEnded { at: self.at.now });
        }
    }

    /// What was chosen for what was paid, once it is settled what is still owed.
    fn proposal(&self) -> Option<Proposal> {
        if self.state.money_is_zohos() {
            return None;
        }
        let give_back = self.state.choice.give_back.filter(|g| *g != GiveBack::Nothing && !self.state.proposed)?;
        let (invoice, paid) = self.state.newest_paid()?;
        let open = || self.state.open_invoices().map(|i| i.id.clone()).collect();
        let terms = self.state.terms.as_ref();
        let ended_on = self.state.cancelled.map_or_else(|| self.at.date(self.at.now), |cancelled| cancelled.effective);
        let amount = give_back::amount(give_back, paid, &invoice.id, terms, ended_on);
        // The term was used to its end.
        if amount.is_some_and(|amount| amount.minor == 0) {
            return None;
        }
        Some(Proposal {
            give_back,
            invoice: invoice.id.clone(),
            paid,
            amount,
            transaction: None,
            offsets_first: if give_back == GiveBack::Credit { open() } else { Vec::new() },
            term_ends_on: terms.and_then(|terms| terms.term_ends_on),
        })
    }

    /// A sleep or a deadline has come.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        if let Some(due) = self.state.people.come_due(now) {
            return self.push(Event::Told(due));
        }
        match self.state.stage {
            Stage::Busy { until } | Stage::DrainWait { until } | Stage::LateWait { until } if until <= now => {
                self.push(Event::WaitOver);
            }
            Stage::Scheduled { until } if until <= now => self.push(Event::EndDue { at: now }),
            _ => {}
        }
    }

    /// A person lets it go on: everything is read again.
    pub(super) fn resumed(&mut self) {
        if matches!(self.state.stage, Stage::Held { .. }) || self.state.asks() {
            self.push(Event::CancellationResumed { at: self.at.now });
        }
    }

    fn people_told(&mut self, effect: &Effect, outcome: &Outcome) {
        let (people, now) = (&self.state.people, self.at.now);
        let told = match effect {
            Effect::Attio(Attio::ShowEnding(face)) => people.shown(face.sync_version, outcome, now),
            _ => people.task_told(outcome, now),
        };
        self.push(Event::Told(told));
    }
}

/// Zoho refused because of the invoice, not because of us.
const fn is_business(rejection: &Rejection) -> bool {
    matches!(rejection.kind, RejectionKind::NotFound | RejectionKind::Invalid | RejectionKind::State)
}
