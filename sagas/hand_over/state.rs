//! What a hand-over remembers, and how it changes with each event. Pure folding: nothing is decided here, and no event is
//! refused.

use super::face::{self, Face};
use super::words::{Event, Evidence, OpenInvoices};
use crate::kernel::answer::{
    BilledInvoice, CollectionOwner, CustomerSurvey, Recurring, SubscriptionSurvey, SubscriptionTerms,
};
use crate::kernel::effect::{Claim, ClaimKind};
use crate::kernel::hand_over::Wish;
use crate::kernel::ids::SagaId;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::{NoLetter, Owed};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Where a hand-over stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) wish: Option<Wish>,
    pub(super) stage: Stage,
    /// We collect instead of the wanted one.
    pub(super) redirected: bool,
    pub(super) survey: Option<SubscriptionSurvey>,
    pub(super) terms: Option<SubscriptionTerms>,
    pub(super) customer: Option<CustomerSurvey>,
    /// The vaulted card that would be charged.
    pub(super) token: Option<String>,
    /// Which of Braintree's ids for the subscription is looked at, from 1.
    pub(super) recurring_n: u32,
    /// What runs at Braintree for the subscription.
    pub(super) recurring: Option<Recurring>,
    /// An id that is free at Braintree.
    pub(super) free_id: Option<String>,
    /// The subscription is another saga's since.
    pub(super) busy_since: Option<DateTime<Utc>>,
    /// The new side is not ready since.
    pub(super) unready_since: Option<DateTime<Utc>>,
    /// Waits of one kind in a row.
    pub(super) waits: u32,
    pub(super) fenced_at: Option<DateTime<Utc>>,
    /// The fence stood once, whatever became of it.
    #[serde(default)]
    pub(super) was_fenced: bool,
    /// The switch was answered, or nothing had to be switched: nothing is undone any more.
    pub(super) off: bool,
    /// How often it was read to be on after the switch.
    pub(super) still_on: u32,
    /// The vendor refused to switch it off.
    pub(super) switch_refused: bool,
    pub(super) evidence: Option<Evidence>,
    pub(super) drained: bool,
    pub(super) invoices: Vec<BilledInvoice>,
    pub(super) choice: Option<OpenInvoices>,
    /// Zoho invoice ids that were voided.
    pub(super) voided: Vec<String>,
    /// Nothing of the old period is to be decided any more.
    pub(super) closed: bool,
    /// Braintree subscription id that was made for the new period.
    pub(super) made: Option<String>,
    /// Day of the first term that the new one collects (books zone).
    pub(super) period: Option<NaiveDate>,
    pub(super) on: bool,
    pub(super) recorded: bool,
    /// Zoho invoice ids whose streams know.
    pub(super) told: Vec<String>,
    /// All that was done is being undone, for this reason.
    pub(super) undoing: Option<String>,
    /// Why it was stopped.
    #[serde(default)]
    pub(super) stopped: String,
    /// Steps concluded: tells repeated ones apart.
    pub(super) calls: u32,
    pub(super) refusal: String,
    pub(super) people: Owed<Face, NoLetter>,
}

/// The step or the wait that is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    Approving {
        until: DateTime<Utc>,
    },
    Surveying,
    Claiming,
    Reading,
    Customer,
    Carding,
    Recurring,
    /// All is read.
    Judging,
    Waiting {
        why: Wait,
        until: DateTime<Utc>,
    },
    Fencing,
    SwitchingOff,
    ReadingBack,
    Draining,
    Listing,
    Settling,
    SwitchingOn,
    Recording,
    Telling,
    Held {
        code: ParkCode,
        detail: String,
    },
    Over {
        ending: Ending,
    },
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wait {
    Busy,
    NewSide,
    Renewal,
    Drain,
}

/// How it came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    Denied,
    Refused,
    Undone,
}

impl State {
    pub(super) fn saga(&self) -> Option<SagaId> {
        self.wish.as_ref().map(Wish::saga)
    }

    pub(super) fn zoho_subscription(&self) -> &str {
        self.wish.as_ref().map_or("", |wish| wish.subscription.as_str())
    }

    pub(super) fn subscription(&self) -> Option<&String> {
        self.survey.as_ref()?.subscription.as_ref()
    }

    pub(super) fn from(&self) -> Option<CollectionOwner> {
        self.wish.as_ref().and_then(|wish| wish.from)
    }

    /// Who shall collect.
    pub(super) fn to(&self) -> CollectionOwner {
        match &self.wish {
            Some(wish) if !self.redirected => wish.to,
            _ => CollectionOwner::Orchestrator,
        }
    }

    /// While it is held no charge of the subscription begins, and no other flow changes it.
    pub(super) fn claim(&self) -> Claim {
        Claim { kind: ClaimKind::ZohoSubscription, key: self.zoho_subscription().to_owned() }
    }

    /// A card in Braintree's vault has to be there.
    pub(super) fn needs_vault(&self) -> bool {
        self.to() != CollectionOwner::ZohoNative
    }

    /// What Braintree's recurring billing knows matters: it collects, shall collect, or nobody says who does.
    pub(super) fn needs_recurring(&self) -> bool {
        let braintree = CollectionOwner::BraintreeRecurring;
        self.to() == braintree || self.from().is_none_or(|from| from == braintree)
    }

    /// Which id of Braintree's is looked at.
    pub(super) fn recurring_id(&self) -> Option<String> {
        let foreign = self.foreign_recurring();
        let ours = |n| Some(crate::kernel::ids::recurring(self.subscription()?, n));
        match (self.recurring_n, foreign) {
            (0, Some(foreign)) => Some(foreign.clone()),
            (n, Some(_)) => ours(n),
            (n, None) => ours(n + 1),
        }
    }

    /// The id by which Braintree collects now, where somebody else named it.
    pub(super) fn foreign_recurring(&self) -> Option<&String> {
        let wish = self.wish.as_ref().filter(|wish| wish.from == Some(CollectionOwner::BraintreeRecurring))?;
        wish.recurring.as_ref()
    }

    /// Braintree is on record as the collector, and knows nothing under the one id that it could collect by.
    pub(super) fn collects_by_no_known_id(&self) -> bool {
        let braintree = self.from() == Some(CollectionOwner::BraintreeRecurring);
        braintree && self.fenced_at.is_none() && self.recurring_n == 1 && self.free_id.is_some()
    }

    /// Invoices on which something is owed.
    pub(super) fn open_invoices(&self) -> impl Iterator<Item = &BilledInvoice> {
        let is_open = |i: &&BilledInvoice| i.balance.is_positive() && !["void", "draft"].contains(&i.status.as_str());
        self.invoices.iter().filter(is_open)
    }

    /// A person must decide before it goes on.
    pub(super) fn asks(&self) -> bool {
        self.stage == Stage::Settling && self.choice.is_none() && self.open_invoices().next().is_some()
    }

    /// The invoice that is voided next.
    pub(super) fn to_void(&self) -> Option<&BilledInvoice> {
        let void = self.choice == Some(OpenInvoices::Void);
        self.open_invoices().find(|i| void && !self.voided.contains(&i.id))
    }

    /// The invoice whose stream is told next.
    pub(super) fn to_tell(&self) -> Option<&str> {
        let open = self.open_invoices().map(|i| i.id.as_str());
        open.chain(self.voided.iter().map(String::as_str)).find(|id| !self.told.iter().any(|told| told == id))
    }

    /// From which day on the new one collects: all that is open, where finance decided so.
    pub(super) fn valid_from(&self) -> Option<NaiveDate> {
        self.period.filter(|_| self.choice != Some(OpenInvoices::Collect))
    }

    /// It can still be undone.
    pub(super) const fn can_be_stopped(&self) -> bool {
        let switching =
            matches!(self.stage, Stage::New | Stage::SwitchingOff | Stage::ReadingBack | Stage::Over { .. });
        !self.off && !switching && self.undoing.is_none()
    }

    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_asked(event);
        self.apply_check(event);
        self.apply_switch(event);
        self.apply_end(event);
        if let Event::Told(told) = event {
            self.people.apply(told);
        }
        if let Some(at) = time(event)
            && let Some(face) = face::face(self, at)
            && self.people.face().is_none_or(|old| !old.same(&face))
        {
            self.people.show(face);
        }
    }

    fn apply_asked(&mut self, event: &Event) {
        match event {
            Event::HandOverRequested { wish, .. } => {
                self.wish = Some((**wish).clone());
                self.choice = wish.open_invoices;
                self.stage = Stage::Surveying;
            }
            Event::ApprovalAwaited { until } => self.stage = Stage::Approving { until: *until },
            Event::ApprovalGiven { .. } => self.stage = Stage::Surveying,
            Event::ApprovalDenied { .. } | Event::ApprovalLapsed { .. } => {
                self.stage = Stage::Over { ending: Ending::Denied };
            }
            Event::OpenInvoicesDecided { choice, .. } => {
                let asked = self.asks();
                self.choice = Some(*choice);
                // What was listed may be of another day.
                if asked {
                    self.stage = Stage::Listing;
                }
            }
            Event::HandOverRedirected { .. } => {
                self.redirected = true;
                self.read_again();
            }
            Event::HandOverResumed { .. } => self.resumed(),
            _ => {}
        }
    }

    fn apply_check(&mut self, event: &Event) {
        match event {
            Event::SubscriptionSurveyed { survey } => {
                self.concluded(Stage::Claiming);
                self.survey = Some((**survey).clone());
            }
            Event::SubscriptionBusy { again_at, at, .. } => {
                self.wait(Wait::Busy, *again_at);
                self.busy_since.get_or_insert(*at);
            }
            Event::SubscriptionClaimed => {
                self.concluded(Stage::Reading);
                self.busy_since = None;
                self.waits = 0;
                self.forget_what_was_read();
            }
            Event::TermsRead { terms, .. } => {
                self.terms = Some((**terms).clone());
                self.concluded(if self.needs_vault() { Stage::Customer } else { self.after_card() });
            }
            Event::CustomerSurveyed { survey } => {
                let known = survey.braintree_customer.is_some();
                self.customer = Some((**survey).clone());
                self.concluded(if known { Stage::Carding } else { self.after_card() });
            }
            Event::CardSought { token } => {
                self.token.clone_from(token);
                self.concluded(self.after_card());
            }
            Event::RecurringRead { id, shown } => {
                self.recurring_n += 1;
                match shown {
                    Some(shown) if shown.status.is_over() => self.concluded(Stage::Recurring),
                    Some(shown) => {
                        self.recurring = Some((**shown).clone());
                        self.concluded(Stage::Judging);
                    }
                    None => {
                        self.free_id = Some(id.clone());
                        self.concluded(Stage::Judging);
                    }
                }
            }
            Event::NewSideAwaited { again_at, at, .. } => {
                self.wait(Wait::NewSide, *again_at);
                self.unready_since.get_or_insert(*at);
            }
            Event::RenewalAwaited { again_at, .. } => self.wait(Wait::Renewal, *again_at),
            Event::WaitOver { .. } => self.wait_over(),
            Event::NewSideReady { period, .. } => {
                self.period = Some(*period);
                self.unready_since = None;
                self.waits = 0;
                self.stage = match (self.fenced_at.is_some(), self.to()) {
                    (false, _) => Stage::Fencing,
                    (true, CollectionOwner::Orchestrator) => Stage::Recording,
                    (true, _) => Stage::SwitchingOn,
                };
            }
            _ => {}
        }
    }

    fn apply_switch(&mut self, event: &Event) {
        match event {
            Event::OwnerFenced { at } => {
                self.concluded(Stage::SwitchingOff);
                self.fenced_at = Some(*at);
                self.was_fenced = true;
            }
            Event::OldCollectorOff { .. } => {
                self.off = true;
                self.concluded(Stage::ReadingBack);
            }
            Event::SwitchOffRefused { .. } => {
                self.switch_refused = true;
                self.concluded(Stage::ReadingBack);
            }
            Event::OldCollectorStillOn { evidence, .. } => {
                self.still_on += 1;
                if let (Evidence::Zoho { auto_collect, changed_at, .. }, Some(terms)) = (&**evidence, &mut self.terms) {
                    terms.auto_collect = *auto_collect;
                    terms.changed_at.clone_from(changed_at);
                }
                self.evidence = Some((**evidence).clone());
                self.concluded(Stage::SwitchingOff);
            }
            Event::OffProved { evidence, .. } => {
                self.off = true;
                self.evidence = Some((**evidence).clone());
                self.concluded(Stage::Draining);
            }
            Event::DrainAwaited { again_at, .. } => self.wait(Wait::Drain, *again_at),
            Event::OldCollectorDrained { .. } => {
                self.drained = true;
                self.waits = 0;
                self.concluded(Stage::Listing);
            }
            Event::InvoicesListed { invoices, .. } => {
                self.invoices.clone_from(invoices);
                self.concluded(Stage::Settling);
            }
            Event::OpenInvoiceVoided { invoice } => {
                self.calls += 1;
                self.voided.push(invoice.clone());
            }
            Event::OldPeriodClosed { .. } => {
                self.closed = true;
                self.read_again();
            }
            Event::NewCollectorOn { braintree_subscription, .. } => {
                self.on = true;
                self.made.clone_from(braintree_subscription);
                self.concluded(Stage::Recording);
            }
            Event::OwnerRecorded { .. } => {
                self.recorded = true;
                self.concluded(Stage::Telling);
            }
            Event::InvoiceStreamTold { invoice } => {
                self.calls += 1;
                self.told.push(invoice.clone());
            }
            _ => {}
        }
    }

    fn apply_end(&mut self, event: &Event) {
        match event {
            Event::HandOverRefused { sentence, .. } => {
                self.refusal.clone_from(sentence);
                self.concluded(Stage::Over { ending: Ending::Refused });
            }
            Event::HandOverStopped { reason, .. } => {
                self.undoing = Some(reason.clone());
                self.stopped.clone_from(reason);
            }
            Event::HandOverUndone { .. } => {
                self.undoing = None;
                self.fenced_at = None;
                self.stage = Stage::Over { ending: Ending::Undone };
            }
            Event::HandOverHeld { code, detail, .. } => {
                self.concluded(Stage::Held { code: *code, detail: detail.clone() });
            }
            _ => {}
        }
    }

    fn concluded(&mut self, stage: Stage) {
        self.calls += 1;
        self.stage = stage;
    }

    fn wait(&mut self, why: Wait, until: DateTime<Utc>) {
        self.waits += 1;
        self.concluded(Stage::Waiting { why, until });
    }

    fn after_card(&self) -> Stage {
        if self.needs_recurring() { Stage::Recurring } else { Stage::Judging }
    }

    fn forget_what_was_read(&mut self) {
        self.recurring_n = 0;
        self.recurring = None;
        self.free_id = None;
        self.token = None;
    }

    fn read_again(&mut self) {
        self.forget_what_was_read();
        self.stage = Stage::Reading;
    }

    fn wait_over(&mut self) {
        match &self.stage {
            Stage::Waiting { why: Wait::Drain, .. } => self.stage = Stage::Draining,
            // A renewal came in between: what it raised is decided on, too.
            Stage::Waiting { why: Wait::Renewal, .. } if self.fenced_at.is_some() => {
                self.closed = false;
                self.stage = Stage::Listing;
            }
            Stage::Waiting { .. } if self.fenced_at.is_some() => self.read_again(),
            _ => self.stage = Stage::Surveying,
        }
    }

    /// Where a person lets it go on: never past what is not proved.
    fn resumed(&mut self) {
        match (self.fenced_at.is_some(), self.closed) {
            (false, _) => self.stage = Stage::Surveying,
            (true, false) if self.drained => self.stage = Stage::Listing,
            (true, false) => {
                self.still_on = 0;
                self.switch_refused = false;
                self.stage = Stage::ReadingBack;
            }
            (true, true) => self.read_again(),
        }
    }
}

/// When what an event says became true (UTC); none: people see nothing of it.
const fn time(event: &Event) -> Option<DateTime<Utc>> {
    match event {
        Event::NewSideAwaited { at, .. }
        | Event::RenewalAwaited { at, .. }
        | Event::WaitOver { at }
        | Event::NewSideReady { at, .. }
        | Event::OwnerFenced { at }
        | Event::OffProved { at, .. }
        | Event::InvoicesListed { at, .. }
        | Event::OpenInvoicesDecided { at, .. }
        | Event::OldPeriodClosed { at }
        | Event::HandOverRedirected { at, .. }
        | Event::OwnerRecorded { at, .. }
        | Event::HandOverRefused { at, .. }
        | Event::HandOverUndone { at }
        | Event::HandOverHeld { at, .. }
        | Event::HandOverResumed { at } => Some(*at),
        _ => None,
    }
}
