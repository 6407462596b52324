//! A walk's world for the erasure.

use crate::activation;
use crate::dice::Dice;
use crate::samples::{self, day};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::erasure::{Command, Identity, Law, Means, Of, Request, State};
use sagas::kernel::answer::{Answer, ErasedHere, ErasureProof, InFlight, Kept, PersonSurvey, Trace};
use sagas::kernel::effect::{Attio, AttioRecord, Braintree, Crm, Desk, Effect, Helpdesk, Zoho};
use sagas::kernel::ids::{Installation, SagaId};

pub(crate) fn start() -> Command {
    requested(Law::Gdpr, true)
}

fn requested(law: Law, second_person: bool) -> Command {
    Command::Requested {
        of: Of {
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            customer: "cust1".to_owned(),
            helpdesk: true,
            crm: true,
        },
        request: Box::new(Request {
            law,
            received_on: activation::began().date_naive(),
            identity: Identity { by_means: Means::Document, checked_by: "token:ada".to_owned() },
            documents_kept_days: 100,
            second_person,
            agreed_by: None,
            reason: "walk".to_owned(),
            by: "token:ada".to_owned(),
        }),
    }
}

pub(crate) fn command(state: &State, dice: &mut Dice, now: DateTime<Utc>) -> Command {
    let by = dice.of(&["token:ada", "token:bob", "token:bob"]).to_owned();
    let reason = "walk".to_owned();
    match dice.roll(24) {
        0 => Command::Withdrawn { by, reason },
        1 => {
            let until = dice.of(&[None, Some(now.date_naive() + TimeDelta::days(3))]);
            Command::HoldPlaced { case: "case 12".to_owned(), until, by }
        }
        2..5 => Command::HoldLifted { by, reason },
        5..8 => requested(dice.of(&Law::ALL), dice.roll(2) == 0),
        _ => Command::Confirmed { preview: state.preview() + u32::from(dice.rarely()), by, reason },
    }
}

/// A call that erasures alone make.
pub(crate) fn is(effect: &Effect) -> bool {
    match effect {
        Effect::Desk(call) => {
            matches!(call, Desk::SurveyPerson { .. } | Desk::ErasePerson { .. } | Desk::VerifyErased { .. })
        }
        Effect::Attio(call) => matches!(call, Attio::SeekPerson { .. } | Attio::ErasePerson { .. }),
        Effect::Zoho(call) => matches!(call, Zoho::SeekCustomer { .. } | Zoho::EraseCustomer { .. }),
        Effect::Braintree(call) => matches!(call, Braintree::SeekCustomer { .. } | Braintree::EraseCustomer { .. }),
        Effect::Crm(call) => matches!(call, Crm::Seek { .. } | Crm::Erase { .. }),
        Effect::Helpdesk(call) => {
            matches!(call, Helpdesk::FindContact { .. } | Helpdesk::SeekContact { .. } | Helpdesk::EraseContact { .. })
        }
        Effect::Mail(_) | Effect::Practice(_) => false,
    }
}

pub(crate) fn answer(effect: &Effect, dice: &mut Dice) -> Answer {
    let sometimes = |yes: bool, id: &str| yes.then(|| id.to_owned());
    match effect {
        Effect::Desk(Desk::SurveyPerson { .. }) => Answer::PersonSurvey(Box::new(survey(dice))),
        Effect::Desk(Desk::ErasePerson { .. }) => Answer::ErasedHere(Box::new(ErasedHere {
            erased: kept(dice),
            listed_as: sometimes(dice.roll(4) > 0, "5f"),
        })),
        Effect::Desk(_) => Answer::ErasureProof(Box::new(ErasureProof {
            left: if dice.rarely() { kept(dice) } else { Kept::default() },
            events: dice.roll(100),
            broken: if dice.rarely() { Some("event 7".to_owned()) } else { None },
        })),
        Effect::Helpdesk(Helpdesk::FindContact { .. }) => {
            Answer::DeskContact { contact: sometimes(dice.roll(3) > 0, "dc1"), others: u32::from(dice.rarely()) }
        }
        _ => {
            let record = sometimes(dice.roll(3) > 0, "person1");
            let seeks = effect.operation().contains(".seek");
            let refuses = !seeks && record.is_some() && dice.roll(4) == 0;
            Answer::Trace(Box::new(Trace {
                personal: record.is_some() && seeks && dice.rarely(),
                kept_because: sometimes(refuses, "it has documents"),
                record,
            }))
        }
    }
}

fn kept(dice: &mut Dice) -> Kept {
    Kept { people: dice.roll(2), deliveries: dice.roll(9), ..Kept::default() }
}

fn survey(dice: &mut Dice) -> PersonSurvey {
    let object = dice.of(&["people", "companies"]).to_owned();
    let flow = dice.of(&["refund", "cancellation"]);
    let saga = InFlight { saga: SagaId::derived("walk", &[flow]), flow: flow.to_owned(), state: "Walks".to_owned() };
    let rarely = |yes: bool| if yes { vec![samples::eur(100)] } else { Vec::new() };
    if dice.rarely() {
        return PersonSurvey::default();
    }
    PersonSurvey {
        zoho_customer: (dice.roll(4) > 0).then(|| "zc1".to_owned()),
        braintree_customer: Some("c-cust1".to_owned()),
        attio_client: (dice.roll(4) > 0).then(|| AttioRecord { object, id: "client1".to_owned() }),
        subscriptions: vec!["sub1".to_owned()],
        in_flight: if dice.roll(4) == 0 { vec![saga] } else { Vec::new() },
        owed: rarely(dice.rarely()),
        held: rarely(dice.rarely()),
        last_booked_on: Some(day("2024-10-01")),
        kept: kept(dice),
    }
}
