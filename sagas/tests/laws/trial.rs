//! Sign-ups and trials on a walk: what they are told, and what Zoho CRM, Attio and our tables answer.

use crate::activation;
use crate::dice::Dice;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::answer::{Answer, ClaimHolder, ClientRead, CollectionOwner};
use sagas::kernel::effect::{Attio, AttioRecord, Desk, Effect};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::End;
use sagas::kernel::tags::LeadSource;
use sagas::sign_up::{Command, Origin, Terms};

pub(crate) fn start() -> Command {
    let origin = Origin::Platform { user: "user-1".to_owned(), customer: "cust1".to_owned(), lead_source: None };
    let installation = Installation::new("demo1").expect("valid");
    let terms = Terms { installation, notice_days: 3, sources: LeadSource::agreed() };
    let ends_at = activation::began() + TimeDelta::days(14);
    Command::SignedUp { origin, product: "prod1".to_owned(), ends_at, terms: Box::new(terms) }
}

pub(crate) fn command(dice: &mut Dice, now: DateTime<Utc>) -> Command {
    match dice.roll(4) {
        0 => Command::ProductTaken { by: SagaId::derived("test", &["activation"]) },
        1 | 2 => Command::TrialMoved {
            ends_at: now + TimeDelta::days(dice.of(&[-1, 2, 20])),
            reason: "walk".to_owned(),
            by: "law".to_owned(),
            approved: dice.rarely(),
        },
        _ => start(),
    }
}

pub(crate) fn answer(effect: &Effect, dice: &mut Dice) -> Option<Answer> {
    Some(match effect {
        Effect::Attio(Attio::MakePerson { .. }) => Answer::PersonFound { record: record("people", "person1") },
        Effect::Attio(Attio::ReadClient { .. }) => Answer::ClientRead(Box::new(ClientRead {
            missing: if dice.rarely() { vec!["E-mail".to_owned()] } else { Vec::new() },
            country: dice.of(&[Some("DE"), Some("XX"), None]).map(str::to_owned),
            lead_source: dice.of(&[Some("website"), Some("billboard"), None]).and_then(LeadSource::typed),
            account: "acct1".to_owned(),
            company: dice.of(&[None, Some(record("companies", "company1"))]),
        })),
        Effect::Desk(Desk::SurveyClaim { .. }) => {
            let ended = dice.of(&[None, Some(End::Completed), Some(End::Compensated)]);
            let flow = "subscription_activation".to_owned();
            let collected_by = dice.of(&[None, Some(CollectionOwner::Orchestrator), Some(CollectionOwner::ZohoNative)]);
            let holder = ClaimHolder { saga: SagaId::derived("test", &["activation"]), flow, ended, collected_by };
            Answer::ClaimHeldBy { holder: dice.of(&[None, Some(holder)]) }
        }
        _ => return None,
    })
}

fn record(object: &str, id: &str) -> AttioRecord {
    AttioRecord { object: object.to_owned(), id: id.to_owned() }
}
