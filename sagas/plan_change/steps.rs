//! What is wanted now. Computed from the state.

use super::face;
use super::state::{Ending, Stage, State};
use super::words::{Basis, Effective};
use crate::kernel::effect::{
    Attio, Braintree, Claim, Desk, Effect, Mail, Message, OnSubscription, PayWith, PlanFace, Presence, SubscriptionKey,
    TermsOrder, Zoho,
};
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use crate::kernel::saga::{End, Pending};
use crate::kernel::telling::Due;
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

/// A capture is never sent on an older read of the invoice.
const FRESH: TimeDelta = TimeDelta::seconds(60);
/// The flow that records an invoice's money. Named, not imported: what it is told is its own command in words.
const INVOICES: &str = "invoice_payment";

pub(super) fn pending(state: &State) -> Pending {
    if let Some(transaction) = state.voids.first() {
        let void = Braintree::Void { transaction: transaction.clone() };
        return perform(state, "release_hold", Effect::Braintree(void));
    }
    if let Some(undoing) = &state.undoing {
        return Pending::Unwind { reason: undoing.reason.clone() };
    }
    if state.rests()
        && let Some(want) = late_look(state).or_else(|| Some(told(state)?.giving_way_to(&beside(state))))
    {
        return want;
    }
    beside(state)
}

/// What is wanted beside telling people.
fn beside(state: &State) -> Pending {
    if let Some(until) = state.sleep_until {
        return Pending::Sleep { why: "looked at again", until };
    }
    until_alarm(state, work(state).unwrap_or_else(|| at_rest(state)))
}

fn perform(state: &State, step: &'static str, effect: Effect) -> Pending {
    Pending::perform(step, state.calls + 1, effect)
}

/// What rests, rests until a hold that may still show up is looked for, or people are told what was refused.
fn until_alarm(state: &State, pending: Pending) -> Pending {
    let looks = state.watches.iter().map(|watch| watch.next_look);
    let Some(next) = looks.chain(state.people.next_try()).min() else { return pending };
    match pending {
        Pending::Await { signal, until } => Pending::Await { signal, until: until.min(next) },
        Pending::Ended(_) => Pending::Sleep { why: "what is still to be looked for or told", until: next },
        other => other,
    }
}

fn late_look(state: &State) -> Option<Pending> {
    let watch = state.watches.iter().find(|watch| watch.due)?;
    let find = Braintree::FindTransactions { order_id: watch.order_id.clone() };
    Some(perform(state, "find_late_hold", Effect::Braintree(find)))
}

/// What people are told: the record first, then the customer, then the record's owner.
fn told(state: &State) -> Option<Pending> {
    state.people.due().find_map(|due| match due {
        Due::Record { face, version, n } => {
            let face = PlanFace { sync_version: version, answers: state.unanswered.clone(), ..face.clone() };
            Some(Pending::perform("show", n, Effect::Attio(Attio::ShowPlan(Box::new(face)))))
        }
        Due::Letter { letter, n } => {
            let letter = face::letter(state, letter)?;
            Some(Pending::perform("letter", n, Effect::Mail(Mail::Send(Box::new(letter)))))
        }
        Due::Task { task, n } => {
            let note = task.note(state.saga()?, state.record()?, state.owner.clone());
            Some(Pending::perform("task", n, Effect::Attio(Attio::AddTask(Box::new(note)))))
        }
    })
}

/// The next call, where one is wanted.
fn work(state: &State) -> Option<Pending> {
    let want = |step, effect| Some(perform(state, step, effect));
    let subscription = || state.subscription().to_owned();
    let terms = |step| {
        let read = OnSubscription::ReadTerms { subscription: subscription() };
        want(step, Effect::Zoho(Zoho::Subscription(read)))
    };
    match &state.stage {
        Stage::Surveying => {
            let by = SubscriptionKey::Zoho { subscription: subscription() };
            want("survey", Effect::Desk(Desk::SurveySubscription { by }))
        }
        Stage::Asking => {
            let record = state.record()?.to_owned();
            want("read_request", Effect::Attio(Attio::ReadRequest { record }))
        }
        Stage::Reading | Stage::Checking | Stage::Looking | Stage::Effecting | Stage::Rechecking => terms("read_terms"),
        Stage::Paying => {
            let zoho_customer = state.is.as_ref()?.customer.clone();
            want("survey_customer", Effect::Desk(Desk::SurveyCustomer { zoho_customer }))
        }
        Stage::Offering => {
            let wanted = state.wanted.as_ref()?;
            let (plan, addons, coupon) = (wanted.plan.clone(), wanted.addons.clone(), wanted.coupon.clone());
            want("read_offer", Effect::Zoho(Zoho::ReadOffer { plan, addons, coupon }))
        }
        Stage::Fencing => want("claim", claim(state.fence())),
        Stage::Listing => {
            let list = OnSubscription::ListInvoices { subscription: subscription() };
            want("list_invoices", Effect::Zoho(Zoho::Subscription(list)))
        }
        Stage::Carding => {
            let read = Braintree::ReadCustomer { customer: payer(state)? };
            want("read_cards", Effect::Braintree(read))
        }
        Stage::Counting => {
            let method = state.method.as_ref()?;
            let count = Desk::CountCard {
                card: method.card.clone(),
                brand: method.brand.clone(),
                order_id: state.order_id.clone(),
            };
            want("count_card", Effect::Desk(count))
        }
        Stage::Holding => authorise(state),
        Stage::Changing => change(state),
        Stage::Claiming => want("claim", claim(state.invoice_claim()?)),
        Stage::Weighing | Stage::Settling => {
            let read = Zoho::ReadInvoice { invoice: state.invoice.clone()? };
            want("read_invoice", Effect::Zoho(read))
        }
        Stage::Capturing => capture(state),
        Stage::HandingOver => hand_over(state),
        Stage::Telling => tell_invoice(state),
        _ => None,
    }
}

fn claim(claim: Claim) -> Effect {
    Effect::Desk(Desk::Claim { claims: vec![claim] })
}

/// Braintree customer id.
fn payer(state: &State) -> Option<String> {
    state.customer.as_ref()?.braintree_customer.clone()
}

/// Agreed to in a contract: nobody is there.
fn by_contract(state: &State) -> bool {
    state.acceptance.as_ref().is_some_and(|accepted| matches!(accepted.basis, Basis::Contract { .. }))
}

fn authorise(state: &State) -> Option<Pending> {
    let authorise = Braintree::Authorise {
        order_id: state.order_id.clone(),
        customer: payer(state)?,
        with: PayWith::Stored { token: state.method.as_ref()?.token.clone(), authenticated: None },
        amount: state.preview.as_ref()?.ceiling,
        presence: if by_contract(state) { Presence::Absent } else { Presence::Present },
    };
    Some(perform(state, "authorise", Effect::Braintree(authorise)))
}

fn change(state: &State) -> Option<Pending> {
    let preview = state.preview.as_ref()?;
    let order = TermsOrder {
        subscription: state.subscription().to_owned(),
        plan: preview.wanted.plan.clone(),
        quantity: preview.wanted.quantity,
        addons: preview.wanted.addon_orders(),
        coupon: preview.wanted.coupon.clone(),
        at_end: preview.effective == Effective::TermEnd,
        seen: state.is.as_ref()?.changed_at.clone(),
    };
    let call = Effect::Zoho(Zoho::Subscription(OnSubscription::Change(Box::new(order))));
    Some(perform(state, "change", call).fresh(state.hold.as_ref().map(|hold| hold.use_until)))
}

fn capture(state: &State) -> Option<Pending> {
    let invoice = state.fresh.as_ref()?;
    let until = invoice.read_at + FRESH;
    let (call, until) = if let Some(hold) = &state.hold {
        let minor = invoice.balance.minor.min(hold.amount.minor);
        let amount = Money::new(minor, invoice.balance.currency);
        (Braintree::Submit { transaction: hold.transaction.clone(), amount }, hold.use_until.min(until))
    } else {
        let sell = Braintree::Sell {
            order_id: state.order_id.clone(),
            customer: payer(state)?,
            token: state.method.as_ref()?.token.clone(),
            amount: invoice.balance,
            recurring: by_contract(state),
            details: None,
        };
        (sell, until)
    };
    Some(perform(state, "capture", Effect::Braintree(call)).fresh(Some(until)))
}

/// The invoice's stream is told, and has the claims that are handed over from then on.
fn tell(state: &State, kind: &str, key: String, more: Value, claims: Vec<Claim>) -> Option<Effect> {
    let (of, invoice) = (state.of.as_ref()?, state.invoice.as_ref()?);
    let mut command = json!({
        "organization": of.organization, "installation": of.installation, "invoice": invoice,
        "subscription": of.subscription,
    });
    if let (Value::Object(command), Value::Object(more)) = (&mut command, more) {
        command.extend(more);
    }
    let message = Message {
        to: SagaId::of_invoice(&of.organization, invoice),
        flow: INVOICES.to_owned(),
        kind: kind.to_owned(),
        command,
        key,
    };
    Some(Effect::Desk(Desk::Tell { message: Box::new(message), claims }))
}

fn hand_over(state: &State) -> Option<Pending> {
    let capture = state.capture.as_ref()?;
    let more = json!({
        "command": "adopt_capture", "transaction": capture.transaction, "order_id": capture.order_id,
        "amount": capture.amount, "captured_at": capture.captured_at, "effective": capture.effective,
        "reply_to": state.saga()?,
    });
    let key = format!("captured/{}", capture.transaction);
    let tell = tell(state, "plan_change.captured", key, more, vec![state.invoice_claim()?])?;
    Some(perform(state, "hand_over", tell))
}

/// The invoice is collected like any other, or read again.
fn tell_invoice(state: &State) -> Option<Pending> {
    let more = json!({"command": "detected", "source": "plan_change", "news": {"news": "changed"}});
    let key = format!("{}:left", state.saga()?);
    let tell = tell(state, "plan_change.left", key, more, Vec::new())?;
    Some(perform(state, "tell_invoice", tell))
}

fn at_rest(state: &State) -> Pending {
    match &state.stage {
        Stage::New => Pending::Ended(End::GivenUp),
        Stage::Previewed { until } => Pending::Await { signal: "the customer's acceptance", until: *until },
        Stage::AwaitingRecord { until } => Pending::Await { signal: "the invoice to be recorded", until: *until },
        Stage::Demanding { until } => {
            Pending::Await { signal: "the customer's acceptance of the higher sum", until: *until }
        }
        Stage::Scheduled { until } => Pending::Await { signal: "the end of the term", until: *until },
        Stage::Held { code, detail, .. } => Pending::Park { code: *code, detail: detail.clone() },
        Stage::Over { ending, .. } => Pending::Ended(end(*ending)),
        // Each of the others wants a call, or is followed at once; met in no history of this release.
        _ => Pending::Sleep { why: "the next decision", until: state.asked_at.unwrap_or(DateTime::UNIX_EPOCH) },
    }
}

const fn end(ending: Ending) -> End {
    match ending {
        Ending::Changed | Ending::Withdrawn => End::Completed,
        Ending::Adopted | Ending::Mirrored | Ending::Dropped => End::Mirrored,
        Ending::Refused | Ending::Lapsed => End::GivenUp,
        Ending::Failed | Ending::Cancelled => End::Compensated,
    }
}

/// The effect that undoes a completed step.
pub(super) fn undo(state: &State, step: &str) -> Option<Effect> {
    match step {
        // Voided before or expired: the same again changes nothing, and the answer says that nothing is held.
        "authorise" => Some(Effect::Braintree(Braintree::Void { transaction: state.last_hold.clone()? })),
        _ => None,
    }
}
