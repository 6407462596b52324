//! Invoice payment: collects one Zoho invoice, renewal or one-off, from the customer's vaulted card.
//!
//! Started by Zoho's message, by the poll or by an operator; one stream per invoice for ever, opened again by later
//! signals. It promises: an invoice is charged only after all tests passed on fresh facts; never twice for one debt;
//! what was captured is recorded in Zoho, or stands where a person sees it. It never gives money back: that is a
//! linked flow, which asks here first; while it is at work nothing else happens to that money.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `read_invoice` | Zoho's invoice as it stands | – |
//! | `find_subscription` | for an invoice that names none | – |
//! | `survey` | our own links, owner, holds, sums, switches | – |
//! | `read_client` | the client in Attio: same ids as ours | – |
//! | `read_subscription` | Zoho's subscription: nobody else collects | – |
//! | `read_method` | the default card at Braintree | – |
//! | `claim` | the invoice is ours to charge | let go in the append that ends the attempt |
//! | `count_card` | one charge of the card in its network's windows | given back or spent likewise |
//! | `charge` (pivot) | the sale | – |
//! | `record_payment` | the payment in Zoho | – |
//! | `project` | the state in Attio | – |
//! | `look_settlement` | until the money is settled | – |
//!
//! After a decline the rules of `dunning.rs` decide; each further attempt begins with all tests again.

mod answers;
mod books;
mod check;
mod dunning;
mod evolve;
mod give_back;
mod projection;
mod rest;
pub mod schedule;
mod state;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use give_back::{Ending, Source, Standing, standing};
pub use state::State;
pub use words::{Captured, Choice, Command, Event, News};

use crate::kernel::effect::{Attio, Braintree, Desk, Effect, Zoho};
use crate::kernel::park::ParkCode;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, End, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, MONEY_RECORDED, StepSpec, Undo};
use check::{Need, Verdict};
use chrono::{DateTime, Utc};
use state::{RESUMED, Rest, Stage};
use turn::Turn;
use words::{Closing, Scope, Wait};

/// The flow.
pub struct InvoicePayment;

const READS: Undo = Undo::None("changes nothing");

impl Saga for InvoicePayment {
    const NAME: &'static str = "invoice_payment";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Collects one Zoho invoice from the customer's card and records it";
    const PRIORITY: Priority = Priority::Batch;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 3 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec { name: "read_invoice", class: Class::Read, undo: READS, records: &[] },
        StepSpec { name: "find_subscription", class: Class::Read, undo: READS, records: &[] },
        StepSpec { name: "survey", class: Class::Read, undo: READS, records: &[] },
        StepSpec { name: "read_client", class: Class::Read, undo: READS, records: &[] },
        StepSpec { name: "read_subscription", class: Class::Read, undo: READS, records: &[] },
        StepSpec { name: "read_method", class: Class::Read, undo: READS, records: &[] },
        StepSpec {
            name: "claim",
            class: Class::Compensatable,
            undo: Undo::None("the event that ends the attempt lets it go in its own append"),
            records: &[],
        },
        StepSpec {
            name: "count_card",
            class: Class::Compensatable,
            undo: Undo::None("the event that ends the attempt spends it or gives it back in its own append"),
            records: &[],
        },
        StepSpec {
            name: "charge",
            class: Class::Pivot,
            undo: Undo::None("after it there is only forward; a give-back is a flow of its own"),
            records: MONEY_RECORDED,
        },
        StepSpec {
            name: "record_payment",
            class: Class::Retriable,
            undo: Undo::None("stands after the pivot"),
            records: &[],
        },
        StepSpec { name: "tell", class: Class::Retriable, undo: Undo::None("stands after the pivot"), records: &[] },
        StepSpec { name: "project", class: Class::Projection, undo: Undo::None("shows what is"), records: &[] },
        StepSpec { name: "look_settlement", class: Class::Read, undo: READS, records: &[] },
    ];

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        let mut turn = Turn::new(state, at);
        match input {
            Input::Command(command) => told(&mut turn, command)?,
            Input::Answered(answered) => turn.answered(&answered),
            Input::Superseded { step } => turn.superseded(step),
            Input::Due => turn.due(),
            // Nothing of this flow is ever undone.
            Input::Unwound { .. } => {}
            Input::Resumed => resumed(&mut turn),
        }
        if turn.out.is_empty() {
            return Ok(Vec::new());
        }
        Ok(turn.conclude())
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn pending(state: &State) -> Pending {
        match state.stage {
            Stage::Checking => checking(state),
            Stage::Claiming | Stage::CountingCard | Stage::Charging => charging(state),
            Stage::Recording => recording(state),
            Stage::Resting => Some(resting(state)),
        }
        .unwrap_or_else(|| asleep(state, DateTime::UNIX_EPOCH))
    }

    fn undo(_: &State, _: &str) -> Option<Effect> {
        None
    }

    fn facts(state: &State, event: &Event) -> Facts {
        books::facts(state, event)
    }

    fn summary(state: &State) -> Summary {
        let figures = state.booked.figures.map(|f| f.total);
        let invoice = state.facts.invoice.as_ref();
        Summary {
            state: word(state).to_owned(),
            title: state.title().to_owned(),
            customer: state.party.customer.clone(),
            amount: invoice.map(|i| i.total).or(figures),
        }
    }
}

/// Something came from outside.
fn told(turn: &mut Turn<'_>, command: &Command) -> Result<(), Refusal> {
    if matches!(command, Command::AdoptCapture { .. }) {
        adopt(turn, command);
        return Ok(());
    }
    if matches!(command, Command::FoundByRecovery { .. }) {
        found_by_recovery(turn, command);
        return Ok(());
    }
    if let Command::Detected { organization, installation, invoice, subscription, source, .. } = command
        && turn.state.intake.is_none()
    {
        turn.push(Event::InvoiceDetected {
            organization: organization.clone(),
            installation: installation.clone(),
            invoice: invoice.clone(),
            subscription: subscription.clone(),
            source: source.clone(),
        });
        turn.check(Scope::All);
        return Ok(());
    }
    if turn.state.intake.is_none() {
        return Err(Refusal::new("not_detected", "this invoice was never detected here; name it first"));
    }
    let heard = |signal: &str, subscription: &Option<String>| Event::SignalHeard {
        signal: signal.to_owned(),
        subscription: subscription.clone(),
    };
    match command {
        // Heard above.
        Command::AdoptCapture { .. } | Command::FoundByRecovery { .. } => {}
        Command::Detected { subscription, source, news, .. } => {
            if tells_something(&turn.state, subscription.as_deref(), news) {
                turn.push(heard(source, subscription));
            }
        }
        Command::GiveBackAsked { transaction, saga, amount, source } => {
            turn.give_back_asked(transaction, *saga, *amount, *source);
        }
        Command::GiveBackEnded { transaction, saga, ending } => turn.give_back_ended(transaction, *saga, *ending),
        Command::MethodChanged { consent, customer_present } => {
            turn.push(Event::MethodChanged { consent: *consent, customer_present: *customer_present });
        }
        Command::HoldReleased { reason } => turn.push(heard(&format!("hold released: {reason}"), &None)),
        Command::ChargeNow { reason } => {
            not_charging(&turn.state, "charge it now")?;
            turn.push(Event::ChargeOrdered { reason: reason.clone() });
        }
        Command::Pause { until, reason } => {
            not_charging(&turn.state, "pause it")?;
            turn.push(Event::CollectionPaused { until: *until, reason: reason.clone() });
        }
        Command::StopCollecting { reason } => {
            at_rest(&turn.state, "stop collecting")?;
            no_open_money(&turn.state, "stop collecting")?;
            turn.push(Event::CollectionStopped { reason: reason.clone(), at: turn.at.now });
        }
        Command::Decide { choice, reason } => {
            decidable(&turn.state, *choice)?;
            turn.push(Event::DecisionTaken { choice: *choice, reason: reason.clone(), at: turn.at.now });
            if *choice == Choice::ChargeAgain {
                look_at_open_money(turn);
            }
        }
    }
    Ok(())
}

/// What an activation captured for this invoice is recorded by this stream, whether it knew of the invoice or not.
fn adopt(turn: &mut Turn<'_>, command: &Command) {
    let Command::AdoptCapture {
        organization,
        installation,
        invoice,
        subscription,
        transaction,
        order_id,
        amount,
        captured_at,
        effective,
        reply_to,
    } = command
    else {
        return;
    };
    if turn.state.intake.is_none() {
        turn.push(Event::InvoiceDetected {
            organization: organization.clone(),
            installation: installation.clone(),
            invoice: invoice.clone(),
            subscription: Some(subscription.clone()),
            source: "activation".to_owned(),
        });
    }
    if turn.state.capture(transaction).is_some() {
        return;
    }
    let captured = Box::new(Captured {
        transaction: transaction.clone(),
        order_id: order_id.clone(),
        amount: *amount,
        made_at: *captured_at,
        effective: *effective,
        trouble: None,
    });
    turn.push(Event::CaptureAdopted { captured, reply_to: *reply_to, at: turn.at.now });
    // A step that is under way ends first: its end looks at everything again.
    if matches!(turn.state.stage, Stage::Resting | Stage::Checking) {
        turn.check(Scope::All);
    }
}

/// A sale of ours that the log lost: taken into the books, and everything about the invoice is read again.
fn found_by_recovery(turn: &mut Turn<'_>, command: &Command) {
    let Command::FoundByRecovery { organization, installation, invoice, captured } = command else {
        return;
    };
    // Under way: its own look before the send finds it.
    if turn.state.attempt.as_ref().is_some_and(|attempt| attempt.order_id == captured.order_id)
        || turn.state.capture(&captured.transaction).is_some()
    {
        return;
    }
    if turn.state.intake.is_none() {
        turn.push(Event::InvoiceDetected {
            organization: organization.clone(),
            installation: installation.clone(),
            invoice: invoice.clone(),
            subscription: None,
            source: "recovery".to_owned(),
        });
    }
    turn.push(Event::CaptureFoundByRecovery { captured: captured.clone(), at: turn.at.now });
    if matches!(turn.state.stage, Stage::Resting | Stage::Checking) {
        turn.check(Scope::All);
    }
}

/// Whether a message about a known invoice can mean that a fresh read shows anything new. Zoho tells of one renewal in
/// several messages and echoes our own record: to read the invoice for each would cost a multiple of the calls.
fn tells_something(state: &State, subscription: Option<&str>, news: &News) -> bool {
    let intake = state.intake.as_ref();
    if subscription.is_some_and(|named| intake.and_then(|i| i.subscription.as_deref()) != Some(named))
        && state.subscription_id() != subscription
    {
        return true;
    }
    match news {
        News::Changed => true,
        // A draft that is opened, and a void one that is opened again, are told as raised too.
        News::Raised => !state.facts.invoice.as_ref().is_some_and(|i| !books::is_void(i) && !books::is_unfinished(i)),
        News::Recorded { payment } => !state.captures.iter().any(|c| c.payment.as_ref() == Some(payment)),
    }
}

fn refused(state: &State, code: &str, what: &str, why: &str) -> Refusal {
    Refusal::new(code, format!("cannot {what} invoice {}: {why} (state: {})", state.title(), word(state)))
}

fn not_charging(state: &State, what: &str) -> Result<(), Refusal> {
    match state.stage {
        Stage::Resting | Stage::Checking => Ok(()),
        Stage::Claiming | Stage::CountingCard | Stage::Charging | Stage::Recording => {
            Err(refused(state, "charge_under_way", what, "a charge is under way; come back when it has an outcome"))
        }
    }
}

fn at_rest(state: &State, what: &str) -> Result<(), Refusal> {
    if state.stage == Stage::Resting {
        return Ok(());
    }
    Err(refused(state, "wrong_state", what, "it is being worked on; come back in a moment"))
}

fn no_open_money(state: &State, what: &str) -> Result<(), Refusal> {
    if state.unapplied() == 0 && state.unread.is_empty() {
        return Ok(());
    }
    Err(refused(
        state,
        "money_unapplied",
        what,
        "captured money is applied to nothing; record it or give it back first",
    ))
}

fn decidable(state: &State, choice: Choice) -> Result<(), Refusal> {
    let what = "decide on";
    at_rest(state, what)?;
    let Rest::Held { code, .. } = state.rest else {
        return Err(refused(state, "nothing_to_decide", what, "it is not held"));
    };
    let open = [
        ParkCode::HeldMismatch,
        ParkCode::HeldByDecision,
        ParkCode::SettlementDeclined,
        ParkCode::MoneyDecision,
        ParkCode::RecordBlocked,
    ];
    if !open.contains(&code) {
        return Err(refused(
            state,
            "nothing_to_decide",
            what,
            "what it waits for is no decision; clear the cause, then resume",
        ));
    }
    match choice {
        Choice::Leave => no_open_money(state, "leave"),
        Choice::RecordAgain if !state.captures.iter().any(|c| c.is_live() && c.trouble.is_none()) => {
            Err(refused(state, "nothing_captured", "record again", "nothing that we captured for it stands"))
        }
        Choice::RecordAgain | Choice::ChargeAgain => Ok(()),
    }
}

/// A person lets a held invoice go on: all tests run again, after a look at money that hangs in the air.
fn resumed(turn: &mut Turn<'_>) {
    turn.push(Event::SignalHeard { signal: RESUMED.to_owned(), subscription: None });
    look_at_open_money(turn);
}

/// Money that is applied to nothing, or whose look fell due while the stream was parked: people may have given it back.
fn look_at_open_money(turn: &mut Turn<'_>) {
    let now = turn.at.now;
    let live = || turn.state.captures.iter().filter(|c| c.is_live() && !c.settled);
    // What is applied to nothing comes first: it is what people were asked to decide about.
    let open = live().find(|c| c.unapplied() > 0).or_else(|| live().find(|c| c.next_look.is_none_or(|due| due <= now)));
    if let Some(transaction) = open.map(|c| c.transaction.clone()) {
        turn.push(Event::SettlementLookDue { transaction });
    }
}

fn perform(step: &'static str, n: u32, effect: Effect, fresh_until: Option<DateTime<Utc>>) -> Pending {
    Pending::Perform { step, n, effect: Box::new(effect), fresh_until }
}

fn checking(state: &State) -> Option<Pending> {
    let Verdict::Need(need) = check::judge(state) else { return None };
    let intake = state.intake.as_ref()?;
    let read = |step, effect| Some(perform(step, state.round, effect, None));
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
            perform("claim", n, Effect::Desk(Desk::Claim { claims: books::claims_of(state, attempt) }), None)
        }
        Stage::CountingCard => {
            let count = Desk::CountCard {
                card: attempt.method.card.clone(),
                brand: attempt.method.brand.clone(),
                order_id: attempt.order_id.clone(),
            };
            perform("count_card", n, Effect::Desk(count), None)
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
            perform("charge", n, Effect::Braintree(sale), Some(attempt.fresh_until))
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
    Some(perform("record_payment", state.records, Effect::Zoho(payment), None))
}

/// At rest: an activation hears that its capture is recorded, Attio shows the state, a settlement that is due is looked
/// up; then it waits.
fn resting(state: &State) -> Pending {
    if let Some(message) = state.owed_word() {
        return perform("tell", 1, Effect::Desk(Desk::Tell { message: Box::new(message), claims: Vec::new() }), None);
    }
    if let Some(message) = state.owed_reply() {
        let tell = Desk::Tell { message: Box::new(message), claims: Vec::new() };
        return perform("tell", state.give_backs.next_telling(), Effect::Desk(tell), None);
    }
    if let Some(face) = state.owed_face().filter(|_| state.put_off.until.is_none()) {
        let version = state.face_version;
        let n = u32::try_from(version).unwrap_or(u32::MAX);
        let projection = Attio::Project(Box::new(face.write(version)));
        return perform("project", n, Effect::Attio(projection), None);
    }
    if let Some(transaction) = &state.looking {
        let look = Braintree::ReadTransaction { transaction: transaction.clone() };
        return perform("look_settlement", state.looks, Effect::Braintree(look), None);
    }
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
fn word(state: &State) -> &'static str {
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
