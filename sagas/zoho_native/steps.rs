//! What is wanted now: the first thing that is missing, for a quote, a page, a link, a mirror. Computed from the state.

use super::letters;
use super::opening::opening;
use super::state::{Ending, Life, Stage, State};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::effect::{
    Attio, Claim, ClaimKind, Desk, Effect, Mail, Message, OnPage, OnSubscription, SubscriptionFace, SubscriptionKey,
    Zoho,
};
use crate::kernel::ids::SagaId;
use crate::kernel::saga::{End, Pending};
use crate::kernel::telling::Due;
use chrono::DateTime;
use serde_json::json;

/// The flow that mirrors invoices, and the one that ends subscriptions. Named, not imported: what they are told is their own
/// command in words.
const INVOICES: &str = "invoice_payment";
const ENDINGS: &str = "cancellation";

pub(super) fn pending(state: &State) -> Pending {
    let beside = beside(state);
    match told(state).filter(|_| rests(state)) {
        Some(telling) => telling.giving_way_to(&beside),
        None => beside,
    }
}

/// What is wanted beside telling people.
fn beside(state: &State) -> Pending {
    if let Some(until) = state.sale.sleep_until {
        return until_alarm(state, Pending::Sleep { why: "looked at again", until });
    }
    let pending = match &state.stage {
        Stage::New => Pending::Ended(End::GivenUp),
        Stage::Preparing => preparation(state).unwrap_or_else(|| soon(state)),
        Stage::Quoted => match &state.sale.quote {
            Some(quote) => Pending::Await { signal: "`Start` in Attio", until: quote.expires_at },
            None => soon(state),
        },
        Stage::LinkOut => match &state.sale.link {
            Some(link) => {
                let until = link.remind_at.map_or(link.expires_at, |at| at.min(link.expires_at));
                Pending::Await { signal: "the customer", until }
            }
            None => soon(state),
        },
        Stage::Opening => opening(state).unwrap_or_else(|| soon(state)),
        Stage::PageOut => page(state).unwrap_or_else(|| soon(state)),
        Stage::Confirming => purchase(state).unwrap_or_else(|| soon(state)),
        Stage::Linking => link(state).unwrap_or_else(|| soon(state)),
        Stage::Running => mirror(state).unwrap_or_else(|| at_rest(state)),
        Stage::Held { code, detail, .. } => Pending::Park { code: *code, detail: detail.clone() },
        Stage::Over { ending, .. } => Pending::Ended(end(*ending)),
    };
    until_alarm(state, pending)
}

const fn end(ending: Ending) -> End {
    match ending {
        Ending::Ended | Ending::HandedOver => End::Completed,
        Ending::Outdated => End::Mirrored,
        Ending::Refused | Ending::Expired | Ending::Cancelled => End::GivenUp,
    }
}

/// What rests, rests until people are told what was refused.
fn until_alarm(state: &State, pending: Pending) -> Pending {
    let Some(next) = state.people.next_try().filter(|_| rests(state)) else { return pending };
    match pending {
        Pending::Await { signal, until } => Pending::Await { signal, until: until.min(next) },
        Pending::Sleep { why, until } => Pending::Sleep { why, until: until.min(next) },
        Pending::Ended(_) => Pending::Sleep { why: "what is still to be told", until: next },
        other => other,
    }
}

/// Nothing is missing and nothing is awaited: the next decision finds what follows. Met in no history of this release.
fn soon(state: &State) -> Pending {
    Pending::Sleep { why: "the next decision", until: state.sale.pressed_at.unwrap_or(DateTime::UNIX_EPOCH) }
}

/// Nobody waits for the next call: there is time to tell people.
pub(super) fn rests(state: &State) -> bool {
    match state.stage {
        Stage::Quoted | Stage::LinkOut | Stage::Held { .. } | Stage::Over { .. } => true,
        Stage::PageOut => state.page.as_ref().is_none_or(|page| !page.due),
        Stage::Running => state.sale.sleep_until.is_some() || mirror(state).is_none(),
        Stage::New | Stage::Preparing | Stage::Opening | Stage::Confirming | Stage::Linking => false,
    }
}

/// What people are told: the record first, then the customer, then the record's owner.
fn told(state: &State) -> Option<Pending> {
    state.people.due().find_map(|due| match due {
        Due::Record { face, version, n } => {
            let face = SubscriptionFace { sync_version: version, answers_act: state.sale.unanswered, ..face.clone() };
            Some(Pending::perform("show", n, Effect::Attio(Attio::ShowSubscription(Box::new(face)))))
        }
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

/// What a quote still needs.
pub(super) fn preparation(state: &State) -> Option<Pending> {
    state.sale.preparation(state.saga()?)
}

/// Zoho's page is open: it is read where somebody came back from it, and now and then.
fn page(state: &State) -> Option<Pending> {
    let page = state.page.as_ref()?;
    if !page.due {
        return Some(Pending::Await { signal: "the customer at Zoho's page", until: page.look_at });
    }
    let read = Zoho::Page(OnPage::Read { page: page.id.clone() });
    Some(Pending::perform("read_page", state.counts.page_reads + 1, Effect::Zoho(read)))
}

/// What was bought, by our reference: exactly one.
fn purchase(state: &State) -> Option<Pending> {
    // The page's customer, should the link to it be cut meanwhile.
    let customer = state.paged.clone().or_else(|| state.sale.zoho_customer().map(str::to_owned))?;
    let reference = state.reference();
    let list = Zoho::ListSubscriptions { customer, reference };
    Some(Pending::perform("find_purchase", state.counts.lists + 1, Effect::Zoho(list)))
}

/// The fence on what was bought.
fn fence(state: &State) -> Option<Claim> {
    let key = state.sold.as_ref()?.subscription.id.clone();
    Some(Claim { kind: ClaimKind::ZohoSubscription, key })
}

fn link(state: &State) -> Option<Pending> {
    if let Some(want) = state.sale.claim(fence(state)?) {
        return Some(want);
    }
    let adopt = Desk::AdoptSubscription {
        subscription: state.subscription()?,
        zoho_subscription: state.sold.as_ref()?.subscription.id.clone(),
        attio_record: state.sale.intake.as_ref()?.record.clone(),
        owner: CollectionOwner::ZohoNative,
    };
    Some(Pending::perform("adopt", 1, Effect::Desk(adopt)))
}

/// What is still to be read of the subscription, and whom it concerns.
fn mirror(state: &State) -> Option<Pending> {
    let (intake, mirror) = (state.sale.intake.as_ref()?, state.mirror.as_ref()?);
    let subscription = state.sold.as_ref()?.subscription.id.clone();
    if mirror.look_at.is_none() {
        if !mirror.surveyed {
            let by = SubscriptionKey::Zoho { subscription };
            let survey = Effect::Desk(Desk::SurveySubscription { by });
            return Some(Pending::perform("survey", state.counts.mirrors + 1, survey));
        }
        let read = Zoho::Subscription(OnSubscription::ReadTerms { subscription });
        return Some(Pending::perform("read_terms", state.counts.mirrors, Effect::Zoho(read)));
    }
    let terms = mirror.terms.as_ref()?;
    if let Some(invoice) = terms.newest_invoice.clone().filter(|newest| mirror.told.as_ref() != Some(newest)) {
        let message = Message {
            to: SagaId::of_invoice(&intake.organization, &invoice),
            flow: INVOICES.to_owned(),
            kind: "zoho_native.invoice".to_owned(),
            key: format!("{}:{invoice}:{}", state.saga()?, state.counts.told + 1),
            command: json!({
                "command": "detected", "organization": intake.organization, "installation": intake.installation,
                "invoice": invoice, "subscription": subscription, "source": "zoho_native", "news": { "news": "changed" },
            }),
        };
        return Some(Pending::perform("tell_invoice", state.counts.told + 1, tell(message)));
    }
    if Life::of(&terms.status).is_over() && !mirror.end_told {
        let message = Message {
            to: SagaId::derived(ENDINGS, &[&intake.organization, &subscription]),
            flow: ENDINGS.to_owned(),
            kind: "zoho_native.over".to_owned(),
            key: format!("{}:over", state.saga()?),
            command: json!({
                "command": "noticed", "news": "ended",
                "of": {
                    "organization": intake.organization, "installation": intake.installation,
                    "subscription": subscription,
                },
            }),
        };
        return Some(Pending::perform("tell_end", 1, tell(message)));
    }
    None
}

fn tell(message: Message) -> Effect {
    Effect::Desk(Desk::Tell { message: Box::new(message), claims: Vec::new() })
}

/// Zoho collects: it is looked at when the next term begins.
fn at_rest(state: &State) -> Pending {
    match state.mirror.as_ref().and_then(|mirror| mirror.look_at) {
        Some(until) => Pending::Await { signal: "Zoho's next charge", until },
        None => soon(state),
    }
}
