//! What is wanted now. Computed from the state.

use super::CrmLifecycle;
use super::state::{Stage, State};
use crate::kernel::effect::{Attio, Crm, CrmModule, DealOrder, Desk, Effect, OnSubscription, Zoho};
use crate::kernel::lifecycle;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{End, Pending, Saga};
use crate::kernel::telling::Due;

pub(super) fn pending(state: &State) -> Pending {
    if let Stage::Held { detail } = &state.stage {
        return Pending::Park { code: ParkCode::IdentitySplit, detail: detail.clone() };
    }
    let writing = if state.put_off.until.is_none() { work(state) } else { None };
    if let Some((step, effect)) = writing.or_else(|| task(state)) {
        return Pending::perform(step, state.calls + 1, effect);
    }
    match (state.put_off.until.into_iter().chain(state.people.next_try()).min(), at_rest(state)) {
        (Some(until), Pending::Await { signal, until: other }) => Pending::Await { signal, until: until.min(other) },
        (Some(until), _) => Pending::Sleep { why: "CRM or Attio refuses what it is told for now", until },
        (None, rest) => rest,
    }
}

/// The next call, where one is wanted.
fn work(state: &State) -> Option<(&'static str, Effect)> {
    let customer = || state.customer.clone();
    match &state.stage {
        Stage::Settings => {
            Some(("read_settings", Effect::Desk(Desk::ReadSettings { of: CrmLifecycle::NAME.to_owned() })))
        }
        Stage::TrialOver { subscription } => {
            let subscription = state.subscriptions.get(subscription)?.zoho_id.clone()?;
            Some(("read_trial", Effect::Zoho(Zoho::Subscription(OnSubscription::ReadTerms { subscription }))))
        }
        Stage::Contact => {
            Some(("read_contact", Effect::Crm(Crm::Find { module: CrmModule::Contacts, key: customer()? })))
        }
        Stage::Account => {
            let workflows = state.rules.as_ref()?.workflows.accounts;
            Some(("account", Effect::Crm(Crm::UpsertAccount { account: customer()?, person: customer()?, workflows })))
        }
        Stage::NewContact => {
            let workflows = state.rules.as_ref()?.workflows.contacts;
            let contact = Crm::UpsertContact { customer: customer()?, account: customer(), workflows };
            Some(("contact", Effect::Crm(contact)))
        }
        Stage::Records => deal(state).or_else(|| tags(state)),
        Stage::New | Stage::Rests | Stage::Off | Stage::Held { .. } | Stage::Nobody => None,
    }
}

/// A deal is read before it is written: people may have moved or deleted it.
fn deal(state: &State) -> Option<(&'static str, Effect)> {
    let (id, of, face) = state.next_deal()?;
    if of.deal.read_in != state.writings {
        return Some(("read_deal", Effect::Crm(Crm::Find { module: CrmModule::Deals, key: id.clone() })));
    }
    let rules = state.rules.as_ref()?;
    let order = DealOrder {
        subscription: id.clone(),
        customer: state.customer.clone()?,
        account: state.customer.clone(),
        pipeline: rules.pipeline.clone().filter(|_| of.deal.id.is_none()),
        stage: of.owed_stage(rules),
        plan: face.plan,
        amount: face.amount,
        closing_on: face.closing_on,
        status: face.status,
        workflows: rules.workflows.deals,
    };
    Some(("deal", Effect::Crm(Crm::UpsertDeal(Box::new(order)))))
}

fn tags(state: &State) -> Option<(&'static str, Effect)> {
    let tags = state.owed_tags()?;
    Some(("tags", Effect::Crm(Crm::SetTags { module: CrmModule::Contacts, key: state.customer.clone()?, tags })))
}

fn task(state: &State) -> Option<(&'static str, Effect)> {
    let saga = lifecycle::stream(state.customer.as_ref()?);
    state.people.due().find_map(|due| match due {
        Due::Task { task, .. } => {
            let note = task.note(saga, state.record.as_ref()?, None);
            Some(("task", Effect::Attio(Attio::AddTask(Box::new(note)))))
        }
        Due::Record { .. } | Due::Letter { .. } => None,
    })
}

fn at_rest(state: &State) -> Pending {
    match (&state.stage, state.next_trial()) {
        (Stage::New, _) => Pending::Ended(End::GivenUp),
        (Stage::Off | Stage::Nobody, _) => Pending::Ended(End::Mirrored),
        (Stage::Rests, Some((_, until))) => Pending::Await { signal: "the end of the trial", until },
        // What is put off is written before a trial is looked at.
        _ => Pending::Ended(End::Completed),
    }
}
