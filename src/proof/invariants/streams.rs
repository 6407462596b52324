//! The invariants of each saga's stream: its journals built again from its events, the order of its step events, and
//! that what it relies on is its own.

use super::{Finding, Invariant as I, Progress, Report, Tell, Wanted};
use crate::engine::registry::Registry;
use crate::proof::checks::held;
use crate::store::append::{Append, NewEvent};
use crate::store::checks::Snapshot as Stream;
use crate::store::error::storable;
use crate::store::invariants::{Kept, Snapshot};
use crate::store::saga_store::Unreadable;
use crate::store::{StoreError, claims};
use sagas::kernel::effect::ClaimKind;
use sagas::kernel::park::ParkCode;
use sagas::kernel::posting::{Journal, Side};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Sagas read at once.
const PAGE: i64 = 100;

/// What a stream by itself says something about.
const JUDGED: [I; 10] = [I::I04, I::I05, I::I07, I::I17, I::I18, I::I19, I::I31, I::I33, I::I34, I::I52];

/// Reads every saga, page by page.
pub(super) async fn verify(
    snapshot: &mut Snapshot,
    registry: &Registry,
    wanted: &Wanted,
    report: &mut Report,
    tell: Tell<'_>,
) -> Result<(), StoreError> {
    if !wanted.any(&JUDGED) {
        return Ok(());
    }
    let (mut after, mut sagas) = (None, 0);
    loop {
        tell(Progress { what: "sagas", done: sagas, of: None });
        let page = snapshot.sagas_after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.line.id.0);
        sagas += page.len() as u64;
        let events: Vec<Uuid> = page.iter().flat_map(|stream| &stream.events).map(|event| event.id).collect();
        let mut kept: BTreeMap<Uuid, Vec<Kept>> = BTreeMap::new();
        for journal in snapshot.journals_of(&events).await? {
            kept.entry(journal.event).or_default().push(journal);
        }
        for stream in &page {
            one(snapshot, registry, stream, &mut kept, report).await?;
        }
    }
}

async fn one(
    snapshot: &mut Snapshot,
    registry: &Registry,
    stream: &Stream,
    kept: &mut BTreeMap<Uuid, Vec<Kept>>,
    report: &mut Report,
) -> Result<(), StoreError> {
    let line = &stream.line;
    let read = registry
        .pinned(&line.kind, &stream.events)
        .and_then(|kind| Ok((kind.project(line.id, &stream.events, line.changed_at)?, kind.disorder(&stream.events)?)));
    let about = |event: Option<Uuid>, what: String, journals: Vec<Uuid>| Finding {
        what,
        subject: None,
        saga: Some(line.id.0),
        event,
        journals,
    };
    let (folded, disorder) = match read {
        Ok(read) => read,
        // The release that wrote it verifies it.
        Err(Unreadable::Newer(_)) => {
            report.unread += 1;
            return Ok(());
        }
        // It is known, and waits for a person.
        Err(_) if line.parked.as_ref().is_some_and(|(code, ..)| code == ParkCode::HistoryUnreadable.as_str()) => {
            return Ok(());
        }
        Err(why) => {
            report.add(I::I05, about(None, format!("its events cannot be read: {why}"), Vec::new()));
            return Ok(());
        }
    };
    for event in &folded.events {
        let found = kept.remove(&event.id).unwrap_or_default();
        for (invariant, what, journal) in differences(event, &found) {
            report.add(invariant, about(Some(event.id), what, vec![journal]));
        }
    }
    for (seq, broken) in disorder {
        report.add(broken.invariant, about(Some(line.id.event(seq)), broken.what, Vec::new()));
    }
    relies(snapshot, stream, &folded, report).await
}

/// How an event's journals differ from those that it posts.
fn differences(event: &NewEvent, found: &[Kept]) -> Vec<(I, String, Uuid)> {
    let mut differ = Vec::new();
    for wanted in &event.journals {
        let rule = wanted.rule.as_str();
        match found.iter().find(|kept| kept.id == wanted.id) {
            None => {
                let what = format!("{} posts {rule}, and that journal is not there", event.name);
                differ.push((I::I04, what.clone(), wanted.id));
                differ.push((I::I05, what, wanted.id));
            }
            Some(kept) => {
                if let Some(what) = other_content(wanted, kept) {
                    differ.push((I::I05, what, wanted.id));
                }
            }
        }
    }
    for kept in found.iter().filter(|kept| event.journals.iter().all(|wanted| wanted.id != kept.id)) {
        let twin = event.journals.iter().any(|wanted| wanted.rule.as_str() == kept.rule && same_lines(wanted, kept));
        if twin {
            differ.push((I::I07, format!("{} of {} is there twice", kept.rule, event.name), kept.id));
        } else {
            differ.push((I::I04, format!("{} does not post this {}", event.name, kept.rule), kept.id));
        }
        differ.push((I::I05, format!("{} of {} does not come from the events", kept.rule, event.name), kept.id));
    }
    differ
}

/// What of a journal is not as its event says.
fn other_content(wanted: &Journal, kept: &Kept) -> Option<String> {
    let d = &wanted.dimensions;
    let dimensions = [&d.customer, &d.subscription, &d.invoice, &d.transaction, &d.zoho_payment, &d.channel];
    let fields = [
        ("rule", wanted.rule.as_str() == kept.rule),
        ("effective date", wanted.effective == kept.effective),
        ("dimensions", dimensions.into_iter().map(|d| d.as_deref().map(storable)).eq(kept.dimensions.iter().cloned())),
        ("lines", same_lines(wanted, kept)),
    ];
    let differ: Vec<_> = fields.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect();
    (!differ.is_empty()).then(|| format!("{} differs from its event in {}", wanted.rule.as_str(), differ.join(", ")))
}

fn same_lines(wanted: &Journal, kept: &Kept) -> bool {
    let lines = wanted.lines.iter().map(|line| {
        let side = match line.side {
            Side::Debit => "debit",
            Side::Credit => "credit",
        };
        (i32::from(line.account), side, line.amount.minor, line.amount.currency.code())
    });
    lines.eq(kept
        .lines
        .iter()
        .map(|(_, account, side, minor, currency)| (*account, side.as_str(), *minor, currency.as_str())))
}

/// Claims that a saga under way relies on and another one holds.
async fn relies(
    snapshot: &mut Snapshot,
    stream: &Stream,
    folded: &Append,
    report: &mut Report,
) -> Result<(), StoreError> {
    if folded.row.ended.is_some() {
        return Ok(());
    }
    let invariant_of = |kind: ClaimKind| match kind {
        ClaimKind::ZohoInvoice => Some(I::I17),
        ClaimKind::ZohoSubscription => Some(I::I19),
        ClaimKind::AttioTrigger
        | ClaimKind::AccountPlanFamily
        | ClaimKind::ZohoCustomer
        | ClaimKind::BraintreeTransaction
        | ClaimKind::Practice => None,
    };
    let relied: Vec<_> = held(folded, stream).into_iter().filter(|claim| invariant_of(claim.kind).is_some()).collect();
    if relied.is_empty() {
        return Ok(());
    }
    let (kinds, keys): (Vec<String>, Vec<String>) =
        relied.iter().map(|claim| (claims::word(claim.kind).to_owned(), claim.key.clone())).unzip();
    for (kind, key, holder) in snapshot.held_by_others(&kinds, &keys, folded.saga.0).await? {
        let claim = relied.iter().find(|claim| claims::word(claim.kind) == kind && claim.key == key);
        let Some(invariant) = claim.and_then(|claim| invariant_of(claim.kind)) else { continue };
        let what = format!("it relies on the claim {kind} {key}, which saga {holder} holds");
        let (saga, subject) = (Some(folded.saga.0), Some(format!("{kind} {key}")));
        report.add(invariant, Finding { what, subject, saga, event: None, journals: Vec::new() });
    }
    Ok(())
}
