//! What the stream does next, or waits for, read off its state; and the word for where it stands. Decides nothing anew.

use super::check::{Need, Verdict};
use super::state::{Rest, Stage, State};
use super::words::{Closing, Wait};
use super::{books, check};
use crate::kernel::effect::{Attio, Braintree, Desk, Effect, Zoho};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{End, Pending};
use chrono::{DateTime, Utc};

/// The next call, or what it waits for.
pub(super) fn of(state: &State) -> Pending {
    match state.stage {
        Stage::Checking => checking(state),
        Stage::Claiming | Stage::CountingCard | Stage::Charging => charging(state),
        Stage::Recording => recording(state),
        Stage::Resting => Some(resting(state)),
    }
    .unwrap_or_else(|| asleep(state, DateTime::UNIX_EPOCH))
}

fn checking(state: &State) -> Option<Pending> {
    let Verdict::Need(need) = check::judge(state) else { return None };
    let intake = state.intake.as_ref()?;
    let read = |step, effect| Some(Pending::perform(step, state.round, effect));
    let invoice = intake.invoice.clone();
    let known = state.facts.invoice.as_ref();
    match need {
        Need::Invoice => read("read_invoice", Effect::Zoho(Zoho::ReadInvoice { invoice })),
        Need::SubscriptionOfInvoice => {
            let customer = known?.customer.clone();
            read("find_subscription", Effect::Zoho(Zoho::FindSubscriptionOfInvoice { invoice, customer }))
        }
        Need::Survey => {
            let customer = known?.customer.clone();
            let subscription = state.subscription_id().map(str::to_owned);
            read("survey", Effect::Desk(Desk::SurveyInvoice { invoice, customer, subscription }))
        }
        Need::Client => {
            let record = state.facts.survey.as_ref().and_then(|s| s.attio_client.clone());
            let zoho_customer = known?.customer.clone();
            read("read_client", Effect::Attio(Attio::FindClient { zoho_customer, record }))
        }
        Need::Subscription => {
            let subscription = state.subscription_id()?.to_owned();
            read("read_subscription", Effect::Zoho(Zoho::ReadSubscription { subscription }))
        }
        Need::Method => {
            let customer = state.facts.survey.as_ref()?.braintree_customer.clone()?;
            read("read_method", Effect::Braintree(Braintree::ReadCustomer { customer }))
        }
    }
}

fn charging(state: &State) -> Option<Pending> {
    let attempt = state.attempt.as_ref()?;
    let n = state.charges;
    Some(match state.stage {
        Stage::Claiming => {
            let claims = books::claims_of(state, attempt);
            let claim = match state.subscription_id() {
                // Who ends the subscription sets a fence and then waits for open charges: of the two acts one sees the other.
                Some(subscription) => Desk::ClaimUnfenced { claims, fences: vec![books::fence(subscription)] },
                None => Desk::Claim { claims },
            };
            Pending::perform("claim", n, Effect::Desk(claim))
        }
        Stage::CountingCard => {
            let count = Desk::CountCard {
                card: attempt.method.card.clone(),
                brand: attempt.method.brand.clone(),
                order_id: attempt.order_id.clone(),
            };
            Pending::perform("count_card", n, Effect::Desk(count))
        }
        Stage::Charging | Stage::Checking | Stage::Recording | Stage::Resting => {
            let sale = Braintree::Sell {
                order_id: attempt.order_id.clone(),
                customer: attempt.customer.clone(),
                token: attempt.method.token.clone(),
                amount: attempt.amount,
                recurring: attempt.recurring,
                details: None,
            };
            Pending::perform("charge", n, Effect::Braintree(sale)).fresh(Some(attempt.fresh_until))
        }
    })
}

fn recording(state: &State) -> Option<Pending> {
    let recording = state.recording.as_ref()?;
    let capture = state.capture(&recording.transaction)?;
    let payment = Zoho::RecordPayment {
        customer: state.facts.invoice.as_ref()?.customer.clone(),
        invoice: state.intake.as_ref()?.invoice.clone(),
        amount: recording.amount,
        reference: recording.transaction.clone(),
        date: capture.effective,
        since: capture.captured_at,
    };
    Some(Pending::perform("record_payment", state.records, Effect::Zoho(payment)))
}

/// At rest: an activation hears that its capture is recorded, a settlement that is due is looked up, Attio shows the state;
/// then it waits.
fn resting(state: &State) -> Pending {
    if let Some(message) = state.owed_word() {
        return Pending::perform(
            "tell",
            1,
            Effect::Desk(Desk::Tell { message: Box::new(message), claims: Vec::new() }),
        );
    }
    if let Some(message) = state.owed_answer() {
        let tell = Desk::Tell { message: Box::new(message), claims: Vec::new() };
        return Pending::perform("answer_card", state.round, Effect::Desk(tell));
    }
    if let Some(message) = state.owed_reply() {
        let tell = Desk::Tell { message: Box::new(message), claims: Vec::new() };
        return Pending::perform("tell", state.give_backs.next_telling(), Effect::Desk(tell));
    }
    if let Some((n, message)) = state.owed_proposal() {
        let tell = Desk::Tell { message: Box::new(message), claims: Vec::new() };
        return Pending::perform("propose", u32::try_from(n).unwrap_or(u32::MAX), Effect::Desk(tell));
    }
    if let Some(transaction) = &state.looking {
        let look = Braintree::ReadTransaction { transaction: transaction.clone() };
        return Pending::perform("look_settlement", state.looks, Effect::Braintree(look));
    }
    let beside = waiting(state);
    telling(state).map_or_else(|| beside.clone(), |telling| telling.giving_way_to(&beside))
}

/// What people are told: the customer, then the record.
fn telling(state: &State) -> Option<Pending> {
    if let Some(message) = state.owed_letter() {
        let tell = Desk::Tell { message: Box::new(message), claims: Vec::new() };
        return Some(Pending::perform("ask_card", state.letters.sent + 1, Effect::Desk(tell)));
    }
    let face = state.owed_face().filter(|_| state.put_off.until.is_none())?;
    let version = state.face_version;
    let n = u32::try_from(version).unwrap_or(u32::MAX);
    let projection = Attio::Project(Box::new(face.write(version)));
    Some(Pending::perform("project", n, Effect::Attio(projection)))
}

/// Until when, and for what.
fn waiting(state: &State) -> Pending {
    match &state.rest {
        Rest::Nothing => Pending::Ended(End::GivenUp),
        Rest::Held { code, detail } => Pending::Park { code: *code, detail: detail.clone() },
        Rest::Waiting { wait: Wait::Method, until } => awaiting(state, "a new card", *until),
        Rest::Waiting { wait: Wait::Authentication, until } => awaiting(state, "the customer's authentication", *until),
        Rest::Waiting { wait: Wait::Draft, until } => awaiting(state, "the invoice to be finished at Zoho", *until),
        Rest::Waiting { until, .. } => asleep(state, *until),
        Rest::Closed { closing } => match (state.next_look(), state.alarm()) {
            (_, None) => Pending::Ended(end(*closing)),
            (Some(_), Some(until)) => Pending::Sleep { why: "settlement", until },
            (None, Some(until)) => Pending::Sleep { why: "Attio to take what it refused", until },
        },
    }
}

fn awaiting(state: &State, signal: &'static str, until: DateTime<Utc>) -> Pending {
    Pending::Await { signal, until: sooner(state, until) }
}

fn asleep(state: &State, until: DateTime<Utc>) -> Pending {
    Pending::Sleep { why: word(state), until: sooner(state, until) }
}

/// A settlement is looked up in time, and a refused face is shown again, whatever else is waited for.
fn sooner(state: &State, until: DateTime<Utc>) -> DateTime<Utc> {
    state.alarm().map_or(until, |at| at.min(until))
}

const fn end(closing: Closing) -> End {
    match closing {
        Closing::Paid | Closing::Zero => End::Completed,
        Closing::PaidElsewhere
        | Closing::Void
        | Closing::Gone
        | Closing::WrittenOff
        | Closing::NoOwner
        | Closing::OtherOwner
        | Closing::NoConsent => End::Mirrored,
        Closing::Exhausted | Closing::Stopped | Closing::Left => End::GivenUp,
    }
}

/// The flow's own word for where it stands.
pub(super) fn word(state: &State) -> &'static str {
    match (state.stage, &state.rest) {
        (Stage::Checking, _) => "Checking",
        (Stage::Claiming | Stage::CountingCard, _) => "Claiming",
        (Stage::Charging, _) => "Charging",
        (Stage::Recording, _) => "Charged",
        (Stage::Resting, Rest::Nothing) => "Nothing",
        (Stage::Resting, Rest::Waiting { wait, .. }) => match wait {
            Wait::Missing | Wait::Link | Wait::Busy => "Deferred",
            Wait::Draft => "Draft",
            Wait::SubscriptionPaused => "SubscriptionPaused",
            Wait::Ended => "SubscriptionEnded",
            Wait::DueDate => "Scheduled",
            Wait::NextAttempt | Wait::NetworkRetry => "Dunning",
            Wait::Paused => "Paused",
            Wait::Method => "NeedsMethod",
            Wait::Authentication => "NeedsAuthentication",
            Wait::CardCap => "CardCap",
            Wait::Notice => "HeldForNotice",
            Wait::Switch => "HeldSwitch",
        },
        (Stage::Resting, Rest::Held { code, .. }) => match code {
            ParkCode::HeldMismatch => "HeldMismatch",
            ParkCode::TwoCollectors => "HeldTwoCollectors",
            ParkCode::HeldByDecision => "HeldByDecision",
            ParkCode::RecordBlocked => "RecordBlocked",
            ParkCode::SettlementDeclined => "SettlementDeclined",
            ParkCode::MoneyDecision => "MoneyDecision",
            _ => "Held",
        },
        (Stage::Resting, Rest::Closed { closing }) => match closing {
            Closing::Paid if state.next_look().is_some() => "AwaitSettlement",
            Closing::Paid => "Settled",
            Closing::PaidElsewhere => "ClosedPaidElsewhere",
            Closing::Void => "ClosedVoid",
            Closing::Gone => "ClosedGone",
            Closing::Zero => "ClosedZero",
            Closing::WrittenOff => "ClosedWrittenOff",
            Closing::NoOwner | Closing::OtherOwner | Closing::NoConsent => "Mirrored",
            Closing::Exhausted => "Unpaid",
            Closing::Stopped => "Stopped",
            Closing::Left => "Left",
        },
    }
}
