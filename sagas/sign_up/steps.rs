//! What is wanted now: the first thing that is missing. Computed from the state.

use super::SignUp;
use super::state::{Ending, Stage, State};
use super::words::{Origin, Unsorted};
use crate::kernel::countries::laws_of;
use crate::kernel::effect::{
    Attio, AttioRecord, Claim, ClaimKind, ClientStanding, Crm, CrmModule, Desk, Effect, IdKind, IdLink, RecordNote,
};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{End, Pending};
use crate::kernel::tags::{Lifecycle, Tags};
use chrono::{DateTime, Utc};

type Want = (&'static str, Effect);

pub(super) fn pending(state: &State) -> Pending {
    if let Some(detail) = &state.split {
        return Pending::Park { code: ParkCode::IdentitySplit, detail: detail.clone() };
    }
    let want = match &state.stage {
        Stage::New => return Pending::Ended(End::GivenUp),
        Stage::Joining => joining(state),
        Stage::Trial => sale(state).or_else(|| told(state)),
        Stage::Over { ending } => unlinking(state, *ending).or_else(|| told(state)),
    };
    if let Some((step, effect)) = want {
        // A vendor that does not answer keeps no trial from its end: then what is due comes first.
        let fresh_until = own_timers(state).into_iter().flatten().min();
        return Pending::perform(step, state.answered + 1, effect).fresh(fresh_until);
    }
    match (&state.stage, timers(state).into_iter().min()) {
        (Stage::Over { ending }, None) => Pending::Ended(end(*ending)),
        (Stage::Over { .. }, Some(until)) => Pending::Sleep { why: "what is still to be told", until },
        (_, Some(until)) => Pending::Await { signal: "a subscription, or the trial's end", until },
        // A sign-up has an end from its first event on.
        (_, None) => Pending::Ended(End::GivenUp),
    }
}

const fn end(ending: Ending) -> End {
    match ending {
        Ending::Converted => End::Completed,
        Ending::Expired | Ending::Refused => End::GivenUp,
    }
}

/// When something falls due by itself.
pub(super) fn timers(state: &State) -> Vec<DateTime<Utc>> {
    let put_off = [(crm(state), state.put_off.crm.until), (attio(state), state.put_off.attio.until)];
    let put_off = put_off.into_iter().filter_map(|(owed, until)| owed.and(until));
    put_off.chain(own_timers(state).into_iter().flatten()).collect()
}

/// The trial's own times.
fn own_timers(state: &State) -> [Option<DateTime<Utc>>; 3] {
    if state.stage != Stage::Trial {
        return [None; 3];
    }
    // While the product is being sold it is the sale that decides what becomes of the trial.
    let ends_at = state.ends_at.filter(|_| state.sale.is_none());
    let look_at = state.sale.as_ref().filter(|sale| !sale.due && !sale.free).map(|sale| sale.look_at);
    [state.notice_at, ends_at, look_at]
}

/// The claim on the customer's product.
pub(super) fn product(state: &State) -> Option<Claim> {
    let key = format!("{}/{}", state.customer.as_ref()?, state.intake.as_ref()?.product);
    Some(Claim { kind: ClaimKind::AccountPlanFamily, key })
}

fn joining(state: &State) -> Option<Want> {
    let origin = &state.intake.as_ref()?.origin;
    let Some(client) = state.client.clone() else {
        let Origin::Platform { customer, lead_source, .. } = origin else { return None };
        let make = Attio::MakePerson { customer: customer.clone(), lead_source: lead_source.clone() };
        return Some(("find_person", Effect::Attio(make)));
    };
    if !state.linked {
        return Some(("enrol", Effect::Desk(enrol(origin, client))));
    }
    let customer = state.customer.clone()?;
    if state.read.is_none() {
        return Some(("read_client", Effect::Attio(Attio::ReadClient { client, customer })));
    }
    Some(("claim", Effect::Desk(Desk::Claim { claims: vec![product(state)?] })))
}

fn enrol(origin: &Origin, client: AttioRecord) -> Desk {
    match origin {
        Origin::Platform { user, customer, .. } => Desk::Link {
            links: vec![link(IdKind::PlatformUser, customer, user), link(IdKind::AttioPerson, customer, &client.id)],
        },
        Origin::Press { .. } => Desk::Enrol { client },
    }
}

fn link(kind: IdKind, ours: &str, theirs: &str) -> IdLink {
    IdLink { kind, ours: ours.to_owned(), theirs: theirs.to_owned() }
}

/// What has become of a sale of the product, and what follows from it.
fn sale(state: &State) -> Option<Want> {
    let sale = state.sale.as_ref()?;
    let claim = product(state)?;
    if sale.free {
        return Some(("claim", Effect::Desk(Desk::Claim { claims: vec![claim] })));
    }
    sale.due.then_some(("look", Effect::Desk(Desk::SurveyClaim { claim })))
}

/// Whose trial is over is no user of ours any more.
fn unlinking(state: &State, ending: Ending) -> Option<Want> {
    let user = state.user().filter(|_| ending == Ending::Expired && state.linked)?;
    let links = vec![link(IdKind::PlatformUser, state.customer.as_ref()?, user)];
    Some(("unlink", Effect::Desk(Desk::Unlink { links })))
}

/// What is written elsewhere, but for what is put off.
fn told(state: &State) -> Option<Want> {
    let crm = crm(state).filter(|_| state.put_off.crm.until.is_none());
    crm.or_else(|| attio(state).filter(|_| state.put_off.attio.until.is_none()))
}

fn crm(state: &State) -> Option<Want> {
    let lifecycle = state.lifecycle()?;
    let (read, customer) = (state.read.as_ref()?, state.customer.clone()?);
    let want = |step, call| Some((step, Effect::Crm(call)));
    let known = &state.crm;
    let Some(contact) = &known.contact else {
        let account = read.account.clone();
        return match &known.account {
            None if !known.account_looked => {
                want("find_account", Crm::Find { module: CrmModule::Accounts, key: account })
            }
            None => want("account", Crm::UpsertAccount { account, person: customer, workflows: false }),
            Some(_) => want("contact", Crm::UpsertContact { customer, account: Some(account), workflows: false }),
        };
    };
    if !known.linked {
        let links = vec![
            link(IdKind::ZohoContact, &customer, contact),
            link(IdKind::ZohoAccount, &read.account, known.account.as_ref()?),
        ];
        return Some(("link", Effect::Desk(Desk::Link { links })));
    }
    if known.tagged == Some(lifecycle) {
        return None;
    }
    let Some(active) = known.active else {
        return want("read_tags", Crm::Find { module: CrmModule::Contacts, key: customer });
    };
    want("tag", Crm::SetTags { module: CrmModule::Contacts, key: customer, tags: tags(state, lifecycle, active)? })
}

/// Our tags: a trial or its end never stands over what is active, and what is not known is left as it is.
fn tags(state: &State, lifecycle: Lifecycle, active: bool) -> Option<Tags> {
    let begins = state.crm.tagged.is_none();
    let (read, sources) = (state.read.as_ref()?, &state.intake.as_ref()?.terms.sources);
    Some(Tags {
        lifecycle: (!active).then_some(lifecycle),
        tiers: None,
        source: read.lead_source.clone().filter(|source| begins && sources.contains(source)),
        compliance: read.country.as_deref().filter(|_| begins).and_then(laws_of),
    })
}

/// What no tag can be made of.
pub(super) fn unsorted(state: &State) -> Vec<Unsorted> {
    let (Some(read), Some(intake)) = (&state.read, &state.intake) else { return Vec::new() };
    let has_source = read.lead_source.as_ref().is_some_and(|source| intake.terms.sources.contains(source));
    let has_country = read.country.as_deref().is_some_and(|country| laws_of(country).is_some());
    let source = (!has_source).then_some(Unsorted::LeadSource);
    source.into_iter().chain((!has_country).then_some(Unsorted::Country)).collect()
}

fn attio(state: &State) -> Option<Want> {
    let client = state.client.clone()?;
    let want = |step, call| Some((step, Effect::Attio(call)));
    if state.face.version > state.face.shown {
        return want("show", Attio::ShowClient(Box::new(standing(state, client)?)));
    }
    let country = state.read.as_ref().and_then(|read| read.country.as_deref());
    if state.stage == Stage::Trial
        && !state.crm.complied
        && let Some(laws) = country.and_then(laws_of)
    {
        let laws = laws.into_iter().map(|law| law.title().to_owned()).collect();
        return want("comply", Attio::SetCompliance { client, laws });
    }
    let note = state.notes.first()?;
    let saga = SignUp::id_of(&state.intake.as_ref()?.origin).0.simple();
    let note = RecordNote {
        record: client,
        title: note.title.clone(),
        text: note.text.clone(),
        marker: format!("[{saga}.{}]", note.cause),
    };
    want("note", Attio::AddNote(Box::new(note)))
}

fn standing(state: &State, record: AttioRecord) -> Option<ClientStanding> {
    let lifecycle = state.lifecycle().map(|lifecycle| match lifecycle {
        Lifecycle::Trial => "Trial",
        Lifecycle::Active => "Active",
        Lifecycle::Churned => "Churned",
    });
    let company = state.read.as_ref().and_then(|read| read.company.clone());
    Some(ClientStanding {
        record,
        answers: state.face.answers.clone(),
        lifecycle: lifecycle.map(str::to_owned),
        trial_ends_on: state.ends_at.filter(|_| lifecycle.is_some()).map(|at| at.date_naive()),
        zoho_contact: state.crm.contact.clone(),
        account: company.zip(state.crm.account.clone().filter(|_| state.crm.contact.is_some())),
        last_error: state.face.refusal.clone(),
        version: state.face.version,
        as_of: state.face.as_of?,
    })
}
