//! What a subscription's ending remembers, and how it changes with each event. Pure folding: nothing is decided here, and
//! no event is refused.

use super::face::{self, Face};
use super::give_back::GiveBacks;
use super::recurring::AtBraintree;
use super::words::{Choice, Event, News, Of, OpenInvoices, Order, RecurringEnd, Wish};
use crate::kernel::answer::{
    BilledInvoice, CollectionOwner, EndingSurvey, KeptProduct, SubscriptionSurvey, SubscriptionTerms,
};
use crate::kernel::effect::{Claim, ClaimKind, PressedAct, Standing};
use crate::kernel::ids::SagaId;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::{NoLetter, Owed, Told};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What the cancellation rests on is read again when it is older.
const FRESH: TimeDelta = TimeDelta::seconds(60);

/// Where a subscription's ending stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) of: Option<Of>,
    pub(super) stage: Stage,
    /// What is to be carried out; none: what others did is adopted.
    pub(super) wish: Option<Wish>,
    /// Who wanted it last, and why.
    pub(super) order: Option<Order>,
    pub(super) choice: Choice,
    /// Who proposed to write off, until a second person agrees.
    pub(super) proposer: Option<String>,
    pub(super) survey: Option<SubscriptionSurvey>,
    pub(super) fenced_at: Option<DateTime<Utc>>,
    /// The subscription is another saga's since.
    pub(super) busy_since: Option<DateTime<Utc>>,
    /// Waits of one kind in a row.
    pub(super) waits: u32,
    pub(super) terms: Option<SubscriptionTerms>,
    pub(super) read_at: Option<DateTime<Utc>>,
    /// Charges are finished, or were given up.
    pub(super) drained: bool,
    /// Zoho invoice ids whose charges were not finished when it was gone on without them.
    pub(super) charging: Vec<String>,
    pub(super) product: Option<KeptProduct>,
    /// What was done at Braintree for this order.
    #[serde(default, skip_serializing_if = "AtBraintree::is_untouched")]
    pub(super) at_braintree: AtBraintree,
    pub(super) cancelled: Option<Cancelled>,
    /// It ends with its term: when that is looked at (UTC).
    pub(super) scheduled: Option<DateTime<Utc>>,
    pub(super) invoices: Vec<BilledInvoice>,
    /// Zoho invoice ids that were voided or written off.
    pub(super) settled: Vec<String>,
    /// Zoho invoice ids whose streams know.
    pub(super) told: Vec<String>,
    pub(super) proposed: bool,
    pub(super) give_backs: GiveBacks,
    /// Steps concluded: tells repeated ones apart.
    pub(super) calls: u32,
    pub(super) record: Option<String>,
    /// Why it ends, for people.
    pub(super) reason: String,
    pub(super) standing: Option<Standing>,
    pub(super) refusal: String,
    /// The press that waits for its answer.
    pub(super) unanswered: Option<PressedAct>,
    /// The last press that was heard (UTC).
    pub(super) pressed_at: Option<DateTime<Utc>>,
    pub(super) people: Owed<Face, NoLetter>,
}

/// The subscription has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cancelled {
    pub(super) at: DateTime<Utc>,
    pub(super) effective: NaiveDate,
}

/// The step or the wait that is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    Surveying,
    Fencing,
    Busy {
        until: DateTime<Utc>,
    },
    Reading,
    Draining,
    DrainWait {
        until: DateTime<Utc>,
    },
    /// Braintree collects: what shall become of it there.
    AtBraintree {
        end: RecurringEnd,
    },
    Cancelling,
    Reactivating,
    Scheduled {
        until: DateTime<Utc>,
    },
    Listing,
    Settling,
    LateWait {
        until: DateTime<Utc>,
    },
    Watching,
    Held {
        code: ParkCode,
        detail: String,
    },
    Over {
        ending: Ending,
    },
}

/// How it came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    /// The subscription has ended, and its money is settled.
    Ended,
    /// It goes on.
    GoesOn,
    /// The order was not carried out.
    Refused,
    /// Nothing for us to do.
    Mirrored,
}

impl State {
    /// The one stream of the subscription.
    pub(super) fn saga(&self) -> Option<SagaId> {
        let of = self.of.as_ref()?;
        Some(super::Cancellation::id(&of.organization, &of.subscription))
    }

    pub(super) fn zoho_subscription(&self) -> &str {
        self.of.as_ref().map_or("", |of| of.subscription.as_str())
    }

    /// While it is held no charge of the subscription begins.
    pub(super) fn fence(&self) -> Claim {
        Claim { kind: ClaimKind::ZohoSubscription, key: self.zoho_subscription().to_owned() }
    }

    /// Nothing is being carried out: a new order may begin.
    pub(super) const fn rests(&self) -> bool {
        matches!(self.stage, Stage::New | Stage::Scheduled { .. } | Stage::Over { .. })
    }

    /// Zoho's own gateway took the money: what is owed and what goes back is settled there, and nothing is asked here.
    pub(super) fn money_is_zohos(&self) -> bool {
        self.survey.as_ref().is_some_and(|survey| survey.owner == Some(CollectionOwner::ZohoNative))
    }

    /// A person must choose before it goes on.
    pub(super) fn asks(&self) -> bool {
        self.stage == Stage::Settling && !self.money_is_zohos() && (self.asks_open_invoices() || self.asks_give_back())
    }

    /// Invoices on which something is owed, but for those that are still being charged.
    pub(super) fn open_invoices(&self) -> impl Iterator<Item = &BilledInvoice> {
        let is_open = |i: &&BilledInvoice| i.balance.is_positive() && i.status != "void";
        self.invoices.iter().filter(is_open).filter(|i| !self.charging.contains(&i.id) && !self.settled.contains(&i.id))
    }

    /// The newest invoice on which something was paid, and how much.
    pub(super) fn newest_paid(&self) -> Option<(&BilledInvoice, crate::kernel::money::Money)> {
        let paid = self.invoices.iter().rev().filter(|i| i.status != "void" && !self.settled.contains(&i.id));
        paid.filter_map(|i| Some((i, i.total.minus(i.balance).ok()?))).find(|(_, paid)| paid.is_positive())
    }

    /// What was paid for unused time is asked about only where we cut that time short.
    pub(super) fn asks_give_back(&self) -> bool {
        self.wish == Some(Wish::CancelNow) && self.choice.give_back.is_none() && self.newest_paid().is_some()
    }

    pub(super) fn asks_open_invoices(&self) -> bool {
        self.choice.open_invoices.is_none() && self.open_invoices().next().is_some()
    }

    /// The invoice that is to be settled next: its id, and what is done at Zoho; none: its stream is told.
    pub(super) fn next_invoice(&self) -> Option<(&str, Option<OpenInvoices>)> {
        let chosen = self.choice.open_invoices.filter(|_| !self.money_is_zohos())?;
        if let Some(untold) = self.settled.iter().find(|id| !self.told.contains(id)) {
            return Some((untold, None));
        }
        let open = self.open_invoices().find(|i| !self.told.contains(&i.id))?;
        Some((&open.id, (chosen != OpenInvoices::Collect).then_some(chosen)))
    }

    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_told(event);
        self.apply_recurring(event);
        self.apply_road(event);
        self.apply_money(event);
        self.apply_people(event);
        if let Some(at) = time(event)
            && let Some(face) = face::face(self, at)
        {
            let anew = matches!(event, Event::ActRepeated { .. } | Event::ActDeclined { .. });
            if anew || self.people.face().is_none_or(|old| !old.same(&face)) {
                self.people.show(face);
            }
        }
    }

    fn apply_told(&mut self, event: &Event) {
        match event {
            Event::CancellationOrdered { of, order, .. } | Event::ReactivationOrdered { of, order, .. } => {
                self.of = Some(of.clone());
                self.begin(Some(order.wish));
                self.choice = Choice { open_invoices: None, ..order.choice };
                self.choice.open_invoices = order.choice.open_invoices.filter(|c| *c != OpenInvoices::WriteOff);
                self.proposer = (order.choice.open_invoices == Some(OpenInvoices::WriteOff)).then(|| order.by.clone());
                self.refusal.clear();
                if let Some(press) = &order.press {
                    self.record = Some(press.record.clone());
                    self.heard(press.act(order.wish));
                }
                self.reason = face::reason(Some(order));
                self.order = Some((**order).clone());
            }
            Event::EndingNoticed { of, .. } => {
                self.of = Some(of.clone());
                if self.rests() {
                    if self.scheduled.is_none() {
                        self.reason = face::reason(None);
                    }
                    self.begin(None);
                } else {
                    self.stage = Stage::Surveying;
                }
            }
            Event::EndDue { .. } => self.begin(None),
            Event::ActRepeated { act, record, .. } => {
                self.record = Some(record.clone());
                self.refusal.clear();
                self.heard(act.clone());
            }
            Event::ActDeclined { act, record, sentence, .. } => {
                self.record = Some(record.clone());
                self.refusal.clone_from(sentence);
                self.heard(act.clone());
            }
            Event::ChoiceMade { choice, .. } => {
                let asked = self.asks();
                self.choice.open_invoices = choice.open_invoices.or(self.choice.open_invoices);
                self.choice.give_back = choice.give_back.or(self.choice.give_back);
                self.proposer = self.proposer.take().filter(|_| choice.open_invoices.is_none());
                // What was listed may be of another day.
                if asked {
                    self.stage = Stage::Listing;
                }
            }
            Event::WriteOffProposed { by, .. } => self.proposer = Some(by.clone()),
            _ => {}
        }
    }

    fn heard(&mut self, act: PressedAct) {
        self.pressed_at = Some(act.pressed_at);
        self.unanswered = Some(act);
    }

    fn begin(&mut self, wish: Option<Wish>) {
        self.wish = wish;
        self.stage = Stage::Surveying;
        self.drained = false;
        self.busy_since = None;
        self.waits = 0;
        self.charging.clear();
        self.at_braintree = AtBraintree::default();
    }

    fn apply_road(&mut self, event: &Event) {
        match event {
            Event::SubscriptionSurveyed { survey } => {
                self.concluded(Stage::Fencing);
                self.record = survey.attio_record.clone().or(self.record.take());
                self.survey = Some((**survey).clone());
            }
            Event::FenceBusy { again_at, at, .. } => {
                self.concluded(Stage::Busy { until: *again_at });
                self.busy_since.get_or_insert(*at);
                self.waits += 1;
            }
            Event::SubscriptionFenced { at } => {
                self.concluded(Stage::Reading);
                self.fenced_at = Some(*at);
                self.waits = 0;
            }
            Event::TermsRead { terms, at } => {
                self.concluded(self.after_read());
                self.terms = Some((**terms).clone());
                self.read_at = Some(*at);
            }
            Event::RecurringWanted { end, .. } => self.stage = Stage::AtBraintree { end: *end },
            // Whether it can go on is known: Zoho comes next.
            Event::RecurringRead { .. } if self.stage == (Stage::AtBraintree { end: RecurringEnd::Never }) => {
                self.concluded(Stage::Reading);
            }
            Event::RecurringRead { .. } => self.calls += 1,
            Event::RecurringEnded { .. } | Event::RecurringGoesOn { .. } => self.concluded(Stage::Reading),
            Event::DrainAwaited { again_at, .. } => {
                self.concluded(Stage::DrainWait { until: *again_at });
                self.waits += 1;
            }
            Event::ChargesDrained { survey, at } => self.drain(survey, *at),
            Event::DrainGivenUp { survey, at } => {
                self.drain(survey, *at);
                self.charging.clone_from(&survey.charging);
            }
            Event::WaitOver => {
                self.stage = match self.stage {
                    Stage::DrainWait { .. } => Stage::Draining,
                    Stage::LateWait { .. } => Stage::Watching,
                    _ => Stage::Surveying,
                };
            }
            Event::CancellationHeld { code, detail, .. } => {
                self.concluded(Stage::Held { code: *code, detail: detail.clone() });
            }
            Event::CancellationResumed { .. } => self.stage = Stage::Surveying,
            Event::OrderRefused { sentence, .. } => {
                self.refusal.clone_from(sentence);
                self.back_to_rest(Ending::Refused);
            }
            Event::EndingMirrored { .. } => self.back_to_rest(Ending::Mirrored),
            _ => {}
        }
    }

    fn concluded(&mut self, stage: Stage) {
        self.calls += 1;
        self.stage = stage;
    }

    /// As before: an end of the term that was awaited still is.
    fn back_to_rest(&mut self, ending: Ending) {
        self.concluded(self.scheduled.map_or(Stage::Over { ending }, |until| Stage::Scheduled { until }));
        self.unfenced();
    }

    fn unfenced(&mut self) {
        self.fenced_at = None;
        self.wish = None;
    }

    /// The call that is wanted, where what was read does not stand against it.
    const fn after_read(&self) -> Stage {
        match (self.wish, self.cancelled, self.drained) {
            (_, Some(_), true) => Stage::Listing,
            (_, Some(_), false) | (Some(Wish::CancelNow), None, false) => Stage::Draining,
            (Some(Wish::CancelNow), None, true) | (Some(Wish::CancelAtEnd), None, _) => Stage::Cancelling,
            (Some(Wish::Reactivate), None, _) => Stage::Reactivating,
            (None, None, _) => Stage::Reading,
        }
    }

    fn drain(&mut self, survey: &EndingSurvey, at: DateTime<Utc>) {
        self.drained = true;
        self.product.clone_from(&survey.product);
        self.waits = 0;
        let is_fresh = self.read_at.is_some_and(|read_at| at - read_at <= FRESH);
        self.concluded(match self.cancelled {
            Some(_) => Stage::Listing,
            None if is_fresh => Stage::Cancelling,
            None => Stage::Reading,
        });
    }

    fn apply_money(&mut self, event: &Event) {
        match event {
            Event::SubscriptionCancelled { effective, at, .. } => {
                let stage = if self.drained { Stage::Listing } else { Stage::Draining };
                self.concluded(stage);
                self.scheduled = None;
                self.cancelled = Some(Cancelled { at: *at, effective: *effective });
                self.standing = Some(face::cancelled(*effective, &self.reason));
            }
            Event::CancellationScheduled { ends_on, look_at, .. } => {
                self.concluded(Stage::Scheduled { until: *look_at });
                self.scheduled = Some(*look_at);
                self.standing = Some(face::ending(*ends_on, &self.reason));
                self.unfenced();
            }
            Event::SubscriptionReactivated { next_billing_on, .. } => {
                self.concluded(Stage::Over { ending: Ending::GoesOn });
                self.scheduled = None;
                self.standing = Some(face::active(*next_billing_on));
                self.unfenced();
            }
            Event::InvoicesListed { invoices, .. } => {
                self.invoices.clone_from(invoices);
                self.concluded(Stage::Settling);
            }
            Event::OpenInvoiceVoided { invoice } | Event::OpenInvoiceWrittenOff { invoice } => {
                self.calls += 1;
                self.settled.push(invoice.clone());
            }
            Event::InvoiceStreamTold { invoice } => {
                self.calls += 1;
                self.told.push(invoice.clone());
            }
            Event::LateChargesAwaited { again_at, .. } => {
                self.concluded(Stage::LateWait { until: *again_at });
                self.waits += 1;
            }
            Event::LateChargesFinished { survey, .. } => {
                self.charging.retain(|id| survey.charging.contains(id));
                self.concluded(Stage::Listing);
            }
            Event::GiveBackProposed { proposal, .. } => {
                self.proposed |= proposal.transaction.is_none();
                if !self.give_backs.take(proposal) {
                    self.people.owe_task("give_back", face::proposal(proposal));
                }
            }
            Event::PaymentsFound { orders, rest } => {
                self.calls += 1;
                let sought = self.give_backs.sought.take();
                if let (Some(sought), Some(rest)) = (sought, rest) {
                    self.people.owe_task("give_back", face::paid_otherwise(*rest, &sought.invoice));
                }
                self.give_backs.due.extend(orders.iter().cloned());
            }
            Event::GiveBackOrdered { order } => {
                self.calls += 1;
                self.give_backs.given += 1;
                self.give_backs.due.retain(|due| due != order);
            }
            Event::ProductReleased => {
                self.calls += 1;
                self.product = None;
            }
            Event::SubscriptionEnded { .. } => {
                self.stage = Stage::Over { ending: Ending::Ended };
                self.unfenced();
            }
            _ => {}
        }
    }

    fn apply_people(&mut self, event: &Event) {
        let Event::Told(told) = event else { return };
        self.people.apply(told);
        match told {
            // An act that was pressed since has made a newer version.
            Told::CustomerStateShown { version } if self.people.is_newest(*version) => self.unanswered = None,
            _ => {}
        }
    }
}

/// When what an event says became true (UTC); none: people see nothing of it.
const fn time(event: &Event) -> Option<DateTime<Utc>> {
    match event {
        Event::CancellationOrdered { at, .. }
        | Event::ReactivationOrdered { at, .. }
        | Event::ActRepeated { at, .. }
        | Event::ActDeclined { at, .. }
        | Event::OrderRefused { at, .. }
        | Event::FenceBusy { at, .. }
        | Event::SubscriptionFenced { at }
        | Event::DrainAwaited { at, .. }
        | Event::DrainGivenUp { at, .. }
        | Event::SubscriptionCancelled { at, .. }
        | Event::CancellationScheduled { at, .. }
        | Event::SubscriptionReactivated { at, .. }
        | Event::InvoicesListed { at, .. }
        | Event::ChoiceMade { at, .. }
        | Event::WriteOffProposed { at, .. }
        | Event::LateChargesAwaited { at, .. }
        | Event::LateChargesFinished { at, .. }
        | Event::SubscriptionEnded { at }
        | Event::CancellationHeld { at, .. }
        | Event::CancellationResumed { at } => Some(*at),
        Event::EndingNoticed { .. }
        | Event::EndDue { .. }
        | Event::SubscriptionSurveyed { .. }
        | Event::EndingMirrored { .. }
        | Event::TermsRead { .. }
        | Event::ChargesDrained { .. }
        | Event::WaitOver
        | Event::RecurringWanted { .. }
        | Event::RecurringRead { .. }
        | Event::RecurringEnded { .. }
        | Event::RecurringGoesOn { .. }
        | Event::OpenInvoiceVoided { .. }
        | Event::OpenInvoiceWrittenOff { .. }
        | Event::InvoiceStreamTold { .. }
        | Event::GiveBackProposed { .. }
        | Event::PaymentsFound { .. }
        | Event::GiveBackOrdered { .. }
        | Event::ProductReleased
        | Event::Told(_) => None,
    }
}

/// What a message of Zoho's can change of what is known: the echo of our own act changes nothing.
pub(super) fn tells_something(state: &State, news: News) -> bool {
    match (&state.stage, news) {
        (Stage::Scheduled { .. }, News::Scheduled)
        | (Stage::Over { ending: Ending::Ended }, _)
        | (Stage::Over { ending: Ending::GoesOn }, News::GoesOn) => false,
        (Stage::New | Stage::Held { .. } | Stage::Scheduled { .. } | Stage::Over { .. }, _) => true,
        // Under way: what it rests on is read before the pivot.
        _ => false,
    }
}
