//! What is wanted now: the first thing that is missing, for a link and for a switched card. Computed from the state.

use super::answers::fences;
use super::letters;
use super::native;
use super::state::{Stage, State};
use crate::kernel::effect::{
    Attio, Braintree, CardFace, Claim, ClaimKind, Desk, Effect, Mail, Message, RecurringChange, SubscriptionKey, Zoho,
};
use crate::kernel::saga::{End, Pending};
use crate::kernel::telling::Due;
use chrono::{DateTime, SecondsFormat, TimeDelta};

/// The flow that collects invoices, and in which of its states one waits for money of the customer: named, not imported.
const COLLECTS: &str = "invoice_payment";
const OWING: [&str; 5] = ["Dunning", "NeedsMethod", "NeedsAuthentication", "CardCap", "Unpaid"];
/// Steps at which flows charge a card on file.
const CHARGING: [&str; 2] = ["charge", "authorise"];
/// The default is never switched on an older look at what is under way.
const FRESH: TimeDelta = TimeDelta::seconds(60);
/// So long after the consent the customer counts as present at a charge.
const PRESENT: TimeDelta = TimeDelta::hours(1);

pub(super) fn pending(state: &State) -> Pending {
    if let Some(reason) = &state.undoing {
        return move_back(state).map_or_else(|| Pending::Unwind { reason: reason.clone() }, Pending::from);
    }
    let beside = beside(state);
    match told(state).filter(|_| rests(state)) {
        Some(telling) => telling.giving_way_to(&beside),
        None => beside,
    }
}

/// What is wanted beside telling people.
fn beside(state: &State) -> Pending {
    if let Some(until) = state.sleep_until {
        return Pending::Sleep { why: "looked at again", until };
    }
    let pending = match &state.stage {
        Stage::New => Pending::Ended(End::GivenUp),
        Stage::Preparing => preparation(state).unwrap_or_else(|| soon(state)),
        Stage::LinkOut if state.is_native() => native::pending(state).unwrap_or_else(|| soon(state)),
        Stage::LinkOut => match (&state.facts.uses_at, &state.link) {
            (None, _) => survey(state).unwrap_or_else(|| soon(state)),
            (Some(_), Some(link)) => Pending::Await { signal: "the customer's card", until: link.expires_at },
            (Some(_), None) => soon(state),
        },
        Stage::Updating => update(state).unwrap_or_else(|| soon(state)),
        Stage::Held { code, detail } => Pending::Park { code: *code, detail: detail.clone() },
        Stage::Retrying => match state.asked {
            Some((_, until)) => Pending::Await { signal: "the invoice that is charged", until },
            None => retry(state).unwrap_or_else(|| soon(state)),
        },
        Stage::Retiring { until } if !state.retirement.due => {
            Pending::Sleep { why: "the old card is kept", until: *until }
        }
        Stage::Retiring { .. } => retire(state).unwrap_or_else(|| soon(state)),
        Stage::Over { ending, .. } => Pending::Ended(super::end(*ending)),
    };
    until_alarm(state, pending)
}

/// What rests, rests until people are told what was refused.
fn until_alarm(state: &State, pending: Pending) -> Pending {
    let Some(next) = state.people.next_try() else { return pending };
    match pending {
        Pending::Await { signal, until } => Pending::Await { signal, until: until.min(next) },
        Pending::Sleep { why, until } => Pending::Sleep { why, until: until.min(next) },
        Pending::Ended(_) => Pending::Sleep { why: "what is still to be told", until: next },
        other => other,
    }
}

/// Nothing is missing and nothing is awaited: the next decision finds what follows. Met in no history of this release.
fn soon(state: &State) -> Pending {
    Pending::Sleep { why: "the next decision", until: state.asked_at.unwrap_or(DateTime::UNIX_EPOCH) }
}

/// Nobody waits for the next call: there is time to tell people. An act is answered before anything is read.
const fn rests(state: &State) -> bool {
    match state.stage {
        Stage::LinkOut | Stage::Held { .. } | Stage::Retiring { .. } | Stage::Over { .. } => true,
        Stage::Retrying => state.asked.is_some(),
        Stage::Preparing => state.unanswered,
        Stage::New | Stage::Updating => false,
    }
}

/// What people are told: the record first, then the customer, then the CRM team.
fn told(state: &State) -> Option<Pending> {
    state.people.due().find_map(|due| match due {
        Due::Record { face, version, n } => {
            let face = CardFace { version, answers_act: state.unanswered, ..face.clone() };
            let show = Attio::ShowCardPage(Box::new(face));
            Some(Pending::perform("show", n, Effect::Attio(show)))
        }
        // Letters and tasks speak of what is still being read.
        Due::Letter { .. } | Due::Task { .. } if state.stage == Stage::Preparing => None,
        Due::Letter { letter, n } => {
            let letter = letters::letter(state, letter)?;
            Some(Pending::perform("letter", n, Effect::Mail(Mail::Send(Box::new(letter)))))
        }
        Due::Task { task, n } => {
            let task = letters::task(state, task)?;
            Some(Pending::perform("task", n, Effect::Attio(Attio::AddTask(Box::new(task)))))
        }
    })
}

/// The claim on the press of the act.
fn trigger(state: &State) -> Option<Pending> {
    let intake = state.intake.as_ref().filter(|i| i.pressed && state.links == 0)?;
    let SubscriptionKey::Attio { record } = &intake.subscription else { return None };
    let pressed = intake.requested_at.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let claim = Claim { kind: ClaimKind::AttioTrigger, key: format!("{record}/send_card_link/{pressed}") };
    (!state.claims.contains(&claim)).then(|| self::claim(state, vec![claim]))
}

fn claim(state: &State, claims: Vec<Claim>) -> Pending {
    Pending::perform("claim", state.counts.claims + 1, Effect::Desk(Desk::Claim { claims }))
}

/// What a link still needs.
pub(super) fn preparation(state: &State) -> Option<Pending> {
    let intake = state.intake.as_ref()?;
    let facts = &state.facts;
    let read = |step, effect| Some(Pending::perform(step, 1, effect));
    if facts.survey.is_none() {
        let by = intake.subscription.clone();
        return read("survey_subscription", Effect::Desk(Desk::SurveySubscription { by }));
    }
    if let Some(want) = trigger(state) {
        return Some(want);
    }
    let Some(subscription) = &facts.subscription else {
        let subscription = facts.zoho_subscription(&intake.subscription)?;
        return read("read_subscription", Effect::Zoho(Zoho::ReadSubscription { subscription }));
    };
    let Some(customer) = &facts.customer else {
        let zoho_customer = subscription.customer.clone();
        return read("survey_customer", Effect::Desk(Desk::SurveyCustomer { zoho_customer }));
    };
    if let (false, Some(client), Some(ours)) = (facts.person, &customer.attio_client, &customer.customer) {
        let person = Attio::ReadPerson { client: client.clone(), customer: ours.clone() };
        return read("read_person", Effect::Attio(person));
    }
    if state.is_native() {
        return None;
    }
    if facts.cards.is_none() {
        return read_cards(state);
    }
    if facts.uses.is_none() { survey(state) } else { None }
}

fn read_cards(state: &State) -> Option<Pending> {
    let read = Braintree::ReadCustomer { customer: state.braintree_customer()?.to_owned() };
    Some(Pending::perform("read_cards", state.counts.card_reads + 1, Effect::Braintree(read)))
}

fn survey(state: &State) -> Option<Pending> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let survey = Desk::SurveyCardUses {
        customer: state.customer()?.to_owned(),
        flow: COLLECTS.to_owned(),
        owing: words(&OWING),
        charging: words(&CHARGING),
        subscriptions: state.ours_on_old(),
    };
    Some(Pending::perform("survey_uses", state.counts.surveys + 1, Effect::Desk(survey)))
}

/// What the switch still needs.
fn update(state: &State) -> Option<Pending> {
    let submission = state.submission.as_ref()?;
    let customer = state.braintree_customer()?.to_owned();
    let Some(card) = &state.card else {
        let vault = Braintree::Vault { customer, token: submission.token.clone(), input: submission.input };
        return Some(Pending::perform("vault", submission.number, Effect::Braintree(vault)));
    };
    if !state.facts.fresh_cards {
        return read_cards(state);
    }
    if let (None, Some(old)) = (&state.on_old, &state.old) {
        let read = Braintree::ReadMethod { token: old.token.clone() };
        return Some(Pending::perform("read_old_card", state.counts.old_reads + 1, Effect::Braintree(read)));
    }
    if let Some(subscription) = state.moving.clone() {
        let read = Braintree::ReadSubscription { subscription };
        return Some(Pending::perform("confirm_move", state.counts.moves + 1, Effect::Braintree(read)));
    }
    if state.facts.uses_at.is_none() {
        return survey(state);
    }
    if let Some(subscription) = state.to_move() {
        let open = fences(state);
        if !open.is_empty() {
            return Some(claim(state, open));
        }
        return Some(Pending::perform(
            "move_subscription",
            state.counts.moves + 1,
            charged_to(subscription, &card.token),
        ));
    }
    let switch = Braintree::SetDefaultMethod { customer, token: card.token.clone() };
    let switch = Pending::perform("switch_default", state.counts.switches + 1, Effect::Braintree(switch));
    Some(switch.fresh(state.facts.uses_at.map(|at| at + FRESH)))
}

fn charged_to(subscription: &str, token: &str) -> Effect {
    let change = RecurringChange::Method { token: token.to_owned() };
    Effect::Braintree(Braintree::UpdateSubscription { subscription: subscription.to_owned(), change })
}

/// Called off: what was moved charges the old card again, before the new one goes.
fn move_back(state: &State) -> Option<Pending> {
    let subscription = state.moving.as_ref().or_else(|| state.moved.last())?;
    let old = state.old.as_ref()?;
    Some(Pending::perform("move_back", state.counts.moves + 1, charged_to(subscription, &old.token)))
}

/// The next open invoice is told. Another flow is named, not imported: what it is told is its own command in words.
fn retry(state: &State) -> Option<Pending> {
    let (saga, invoice) = (state.saga()?, state.owing.first()?.saga);
    let consent = &state.submission.as_ref()?.consent;
    let switched_at =
        state.switched.as_ref()?.retire_at - TimeDelta::days(i64::from(state.intake.as_ref()?.terms.keep_days));
    let command = serde_json::json!({
        "command": "method_changed",
        "consent": true,
        "customer_present": switched_at - consent.at <= PRESENT,
        "reply_to": saga,
    });
    let message = Message {
        to: invoice,
        flow: COLLECTS.to_owned(),
        kind: "card.changed".to_owned(),
        command,
        key: format!("card/{saga}/{invoice}"),
    };
    let tell = Desk::Tell { message: Box::new(message), claims: Vec::new() };
    Some(Pending::perform("retry_invoice", state.counts.retries + 1, Effect::Desk(tell)))
}

/// The end of the old card.
fn retire(state: &State) -> Option<Pending> {
    let token = state.switched.as_ref()?.before.as_ref()?.token.clone();
    if state.retirement.unused {
        let delete = Braintree::DeleteMethod { token };
        return Some(Pending::perform("retire_old_card", state.counts.deletes + 1, Effect::Braintree(delete)));
    }
    let read = Braintree::ReadMethod { token };
    Some(Pending::perform("check_old_card", state.counts.old_reads + 1, Effect::Braintree(read)))
}

/// The effect that undoes a completed step.
pub(super) fn undo(state: &State, step: &str) -> Option<Effect> {
    match step {
        "vault" => Some(Effect::Braintree(Braintree::DeleteMethod { token: state.card.as_ref()?.token.clone() })),
        _ => None,
    }
}
