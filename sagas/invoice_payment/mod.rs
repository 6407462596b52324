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
//! | `answer_card` | a card update hears how the invoice came to rest | – |
//! | `propose` | what this invoice has no use for is to be given back, by a rule | – |
//! | `ask_card` | the flow that takes cards writes the letter of a charge that failed | – |
//! | `project` | the state in Attio | – |
//! | `look_settlement` | until the money is settled | – |
//!
//! After a decline the rules of `dunning.rs` decide; each further attempt begins with all tests again.

mod answers;
mod attempt;
mod books;
mod captured;
mod check;
mod dispute;
mod dunning;
mod evolve;
mod give_back;
mod letters;
mod lifecycle;
mod news;
mod pending;
mod projection;
mod propose;
mod reassign;
mod rest;
mod retry;
pub mod schedule;
mod state;
#[cfg(test)]
mod tests;
mod ticket;
mod turn;
mod words;

pub use crate::kernel::give_back::Source;
pub use dispute::DisputeNews;
pub use give_back::{Ending, Standing, standing};
pub use news::News;
pub use propose::Proposed;
pub use reassign::Forgiven;
pub use state::State;
pub use words::{Captured, Choice, Command, Event};

use crate::kernel::effect::Effect;
use crate::kernel::park::ParkCode;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, MONEY_RECORDED, StepSpec, Undo};
use serde_json::Value;
use state::{RESUMED, Rest, Stage};
use turn::Turn;
use words::Scope;

/// The flow.
pub struct InvoicePayment;

impl Saga for InvoicePayment {
    const NAME: &'static str = "invoice_payment";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Collects one Zoho invoice from the customer's card and records it";
    const PRIORITY: Priority = Priority::Batch;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 3 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("read_invoice"),
        StepSpec::read("find_subscription"),
        StepSpec::read("survey"),
        StepSpec::read("read_client"),
        StepSpec::read("read_subscription"),
        StepSpec::read("read_method"),
        StepSpec::new(
            "claim",
            Class::Compensatable,
            Undo::None("the event that ends the attempt lets it go in its own append"),
        ),
        StepSpec::new(
            "count_card",
            Class::Compensatable,
            Undo::None("the event that ends the attempt spends it or gives it back in its own append"),
        ),
        StepSpec::new(
            "charge",
            Class::Pivot,
            Undo::None("after it there is only forward; a give-back is a flow of its own"),
        )
        .recorded_by(MONEY_RECORDED),
        StepSpec::forward("record_payment"),
        StepSpec::forward("tell"),
        StepSpec::new("answer_card", Class::Retriable, Undo::None("a message is told once")),
        StepSpec::new("propose", Class::Retriable, Undo::None("a message is told once")),
        StepSpec::tells("ask_card"),
        StepSpec::tells("project"),
        StepSpec::read("look_settlement"),
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
        pending::of(state)
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
            state: pending::word(state).to_owned(),
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
    if matches!(command, Command::CollectEnded { .. }) {
        collect_ended(turn, command);
        return Ok(());
    }
    if matches!(command, Command::FoundByRecovery { .. }) {
        found_by_recovery(turn, command);
        return Ok(());
    }
    if let Command::Detected { organization, installation, invoice, subscription, source, news, card_link } = command
        && turn.state.intake.is_none()
    {
        turn.push(Event::InvoiceDetected {
            organization: organization.clone(),
            installation: installation.clone(),
            invoice: invoice.clone(),
            subscription: subscription.clone(),
            source: source.clone(),
        });
        set_letters(turn, card_link.as_ref());
        set_opening(turn, news);
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
        Command::AdoptCapture { .. } | Command::CollectEnded { .. } | Command::FoundByRecovery { .. } => {}
        Command::Detected { subscription, source, news, card_link, .. } => {
            set_letters(turn, card_link.as_ref());
            if set_opening(turn, news) || tells_something(&turn.state, subscription.as_deref(), news) {
                turn.push(heard(source, subscription));
            }
        }
        Command::GiveBackAsked { transaction, saga, amount, source } => {
            turn.give_back_asked(transaction, *saga, *amount, *source);
        }
        Command::GiveBackEnded { transaction, saga, ending, tax } => {
            turn.give_back_ended(transaction, *saga, *ending, *tax);
        }
        Command::Dispute(news) => turn.disputed(news),
        Command::MethodChanged { consent, customer_present, reply_to } => {
            turn.push(Event::MethodChanged { consent: *consent, customer_present: *customer_present });
            if let Some(by) = *reply_to {
                turn.push(Event::RetryAnswerAwaited { by });
            }
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

/// The settings of the page to which letters lead are those of the newest message that brings some.
fn set_letters(turn: &mut Turn<'_>, card_link: Option<&Value>) {
    if let Some(card_link) = card_link.filter(|new| turn.state.letters.card_link.as_ref() != Some(*new)) {
        turn.push(Event::LettersSet { card_link: card_link.clone() });
    }
}

/// What we have captured money for is no matter of before, and what is void owes nothing; true where it opens.
fn set_opening(turn: &mut Turn<'_>, news: &News) -> bool {
    let News::Opened { with } = news else { return false };
    let booked = &turn.state.booked;
    let opens = booked.opening.is_none() && turn.state.captures.is_empty() && !booked.voided;
    if opens {
        turn.push(Event::OpeningHeard { with: with.clone() });
    }
    opens
}

/// What an activation or a plan change captured for this invoice is recorded by this stream, whether it knew of the invoice
/// or not.
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
    let source = match state::captor(order_id) {
        "subscription_activation" => "activation",
        captor => captor,
    };
    if turn.state.intake.is_none() {
        turn.push(Event::InvoiceDetected {
            organization: organization.clone(),
            installation: installation.clone(),
            invoice: invoice.clone(),
            subscription: Some(subscription.clone()),
            source: source.to_owned(),
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

/// A person chose to collect it though its subscription has ended, whether this stream knew of it or not.
fn collect_ended(turn: &mut Turn<'_>, command: &Command) {
    let Command::CollectEnded { organization, installation, invoice, subscription, reason } = command else { return };
    if turn.state.intake.is_none() {
        turn.push(Event::InvoiceDetected {
            organization: organization.clone(),
            installation: installation.clone(),
            invoice: invoice.clone(),
            subscription: Some(subscription.clone()),
            source: "cancellation".to_owned(),
        });
    }
    turn.push(Event::CollectionOfEndedOrdered { reason: reason.clone() });
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
        News::Opened { .. } => false,
        News::Recorded { payment } => !state.captures.iter().any(|c| c.payment.as_ref() == Some(payment)),
    }
}

fn refused(state: &State, code: &str, what: &str, why: &str) -> Refusal {
    Refusal::new(code, format!("cannot {what} invoice {}: {why} (state: {})", state.title(), pending::word(state)))
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
        Choice::RecordAgain if !state.captures.iter().any(|c| c.is_held() && c.trouble.is_none()) => {
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
