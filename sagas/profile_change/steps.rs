//! What is wanted now. Computed from the state. People are told before more is carried on.

use super::ProfileChange;
use super::state::{Stage, State};
use crate::kernel::effect::{
    Attio, Braintree, ClientOrder, Crm, Desk, DisplacedNote, Effect, IdKind, IdLink, ProfileFace, Zoho,
};
use crate::kernel::profile::{Comparison, Copy, Correction, Field, Shown, Target};
use crate::kernel::saga::{End, Pending, Saga};
use crate::kernel::telling::Due;
use chrono::TimeDelta;

/// A target that is not reached for so long is tried later, and the others go on.
pub(super) const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// A target that is written more often in a day is stopped.
pub(super) const WRITES_A_DAY: usize = 3;

pub(super) fn pending(state: &State) -> Pending {
    told(state).or_else(|| shown(state)).or_else(|| work(state)).unwrap_or_else(|| at_rest(state))
}

/// What the record and colleagues are told.
fn told(state: &State) -> Option<Pending> {
    let client = state.client.as_ref()?;
    let saga = ProfileChange::id(state.customer.as_ref()?);
    state.people.due().find_map(|due| match due {
        Due::Record { face, version, n } => {
            let face =
                ProfileFace { client: client.clone(), last_error: face.last_error.clone(), version, as_of: face.as_of };
            Some(Pending::perform("show", n, Effect::Attio(Attio::ShowProfile(Box::new(face)))))
        }
        Due::Task { task, n } => {
            let note = Box::new(task.note(saga, &client.id, None));
            let object = client.object.clone();
            Some(Pending::perform("task", n, Effect::Attio(Attio::AddRecordTask { object, task: note })))
        }
        Due::Letter { .. } => None,
    })
}

/// What else Attio is to show of what was carried on.
fn shown(state: &State) -> Option<Pending> {
    if state.attio.until.is_some() {
        return None;
    }
    let client = state.client.clone()?;
    if let Some(laws) = &state.comply {
        let laws = laws.iter().map(|law| law.title().to_owned()).collect();
        return Some(perform(state, "comply", Effect::Attio(Attio::SetCompliance { client, laws })));
    }
    let (mark, customer) = (state.note.clone()?, state.customer.clone()?);
    let note = DisplacedNote { client, customer, mark };
    Some(perform(state, "note", Effect::Attio(Attio::NoteDisplaced(Box::new(note)))))
}

fn perform(state: &State, step: &'static str, effect: Effect) -> Pending {
    Pending::perform(step, state.calls + 1, effect)
}

/// The next call.
fn work(state: &State) -> Option<Pending> {
    let customer = state.customer.clone()?;
    if state.currency.is_some() && (state.stage.is_idle() || state.stage == Stage::Settling) {
        return Some(perform(state, "weigh_currency", Effect::Desk(Desk::CompareProfile { customer })));
    }
    if let Some(patch) = state.patches.first().filter(|_| state.stage.is_idle() || state.stage == Stage::Settling) {
        let client = state.client.clone()?;
        let (fields, mark) = (patch.fields.clone(), patch.mark.clone());
        let order = ClientOrder { client, customer, fields, mark };
        return Some(perform(state, "write_client", Effect::Attio(Attio::WriteProfile(Box::new(order)))));
    }
    let effect = match &state.stage {
        Stage::Settings => {
            return Some(perform(
                state,
                "read_settings",
                Effect::Desk(Desk::ReadSettings { of: ProfileChange::NAME.to_owned() }),
            ));
        }
        Stage::Client => {
            let client = state.client.clone()?;
            ("read", Effect::Attio(Attio::ReadPerson { client, customer }))
        }
        Stage::Tables => ("compare", Effect::Desk(Desk::CompareProfile { customer })),
        Stage::Targets => return target(state),
        Stage::Unlink => ("unlink", Effect::Desk(Desk::Unlink { links: vec![link(state, false)?] })),
        Stage::Link => ("link", Effect::Desk(Desk::Link { links: vec![link(state, true)?] })),
        Stage::New | Stage::Settling | Stage::Rests | Stage::Held { .. } | Stage::Nobody => return None,
    };
    Some(perform(state, effect.0, effect.1))
}

fn link(state: &State, survivor: bool) -> Option<IdLink> {
    let (from, into) = state.merged.as_ref()?;
    let record = if survivor { into } else { from };
    let kind = if record.object == "companies" { IdKind::AttioCompany } else { IdKind::AttioPerson };
    Some(IdLink { kind, ours: state.customer.clone()?, theirs: record.id.clone() })
}

fn target(state: &State) -> Option<Pending> {
    let (target, shown) = state.round.next()?;
    let customer = state.customer.clone()?;
    let fresh = state.round.since.map(|since| since + PATIENCE);
    let of = Copy { customer: customer.clone(), target, key: state.round.compared.keys.get(&target)?.clone() };
    let Some(shown) = shown else {
        let comparison = Box::new(Comparison { of, mark: state.mark(), whole: state.round.whole });
        let (step, effect) = match target {
            Target::Billing => ("read_billing", Effect::Zoho(Zoho::ReadProfile(comparison))),
            Target::Gateway => ("read_gateway", Effect::Braintree(Braintree::ReadProfile(comparison))),
            Target::Contact => ("read_contact", Effect::Crm(Crm::ReadProfile(comparison))),
            Target::Account => ("read_account", Effect::Crm(Crm::ReadProfile(comparison))),
        };
        return Some(perform(state, step, effect).fresh(fresh));
    };
    if needs_address(state, shown) {
        let effect = Effect::Zoho(Zoho::FindCustomers { customer });
        return Some(perform(state, "find_address", effect).fresh(fresh));
    }
    let correction = Box::new(Correction { to: of, fields: state.round.owed(shown), seen: shown.seen.clone() });
    let (step, effect) = match target {
        Target::Billing => ("write_billing", Effect::Zoho(Zoho::WriteProfile(correction))),
        Target::Gateway => ("write_gateway", Effect::Braintree(Braintree::WriteProfile(correction))),
        Target::Contact => ("write_contact", Effect::Crm(Crm::WriteProfile(correction))),
        Target::Account => ("write_account", Effect::Crm(Crm::WriteProfile(correction))),
    };
    Some(perform(state, step, effect).fresh(fresh))
}

/// A new e-mail address is sought among all customers before it is written anywhere.
fn needs_address(state: &State, shown: &Shown) -> bool {
    let billed = state.round.compared.keys.contains_key(&Target::Billing);
    billed && !state.round.address_known && state.round.owed(shown).contains(&Field::Email)
}

fn at_rest(state: &State) -> Pending {
    if let Stage::Held { code, detail } = &state.stage {
        return Pending::Park { code: *code, detail: detail.clone() };
    }
    if let (Stage::Settling, Some(until)) = (&state.stage, state.owed) {
        return Pending::Sleep { why: "more changes may follow", until };
    }
    let attio = state.attio.until.filter(|_| state.comply.is_some() || state.note.is_some());
    let waits = [state.put_off.until, attio, state.people.next_try()];
    if let Some(until) = waits.into_iter().flatten().min() {
        return Pending::Sleep { why: "a vendor refuses what it is told for now", until };
    }
    Pending::Ended(match state.stage {
        Stage::New => End::GivenUp,
        Stage::Nobody => End::Mirrored,
        _ => End::Completed,
    })
}
