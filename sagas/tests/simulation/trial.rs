//! Who signs up, what Zoho CRM keeps of them, and what our tables say of a product that is tried and then sold.

use crate::dice::Dice;
use crate::engine::Item;
use crate::people::{Deed, installation, item};
use crate::tables::busy;
use crate::world::{Event, World};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::answer::{Answer, ClaimHolder, ClientRead};
use sagas::kernel::effect::{Attio, AttioRecord, Claim, Desk, Effect, IdLink, PressedAct};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Outcome;
use sagas::kernel::saga::Saga;
use sagas::kernel::tags::LeadSource;
use sagas::sign_up::{Command, Origin, START_TRIAL, SignUp, Terms};

/// What is there of those who sign up.
#[derive(Default)]
pub(crate) struct Newcomers {
    links: Vec<IdLink>,
}

fn record(object: &str, id: &str) -> AttioRecord {
    AttioRecord { object: object.to_owned(), id: id.to_owned() }
}

/// What Attio says of a person: their record is named like their company.
pub(crate) fn attio(call: &Attio) -> Option<Answer> {
    Some(match call {
        Attio::MakePerson { customer, .. } => {
            Answer::PersonFound { record: record("people", customer.trim_start_matches("of-")) }
        }
        Attio::ReadClient { customer, .. } => Answer::ClientRead(Box::new(ClientRead {
            missing: Vec::new(),
            country: Some("DE".to_owned()),
            lead_source: None,
            account: format!("account-{customer}"),
            company: None,
        })),
        Attio::ShowClient(_) | Attio::SetCompliance { .. } | Attio::AddNote(_) => Answer::Nothing,
        _ => return None,
    })
}

impl World {
    /// Some who buy have tried before; some only try.
    pub(crate) fn some_try(&mut self, seed: u64) {
        let mut dice = Dice::new(seed, 9);
        let sought = self.mishaps.seeks(SignUp::NAME, &[""])
            || self.mishaps.seeks("subscription_activation", &["take_over"])
            || self.mishaps.seeks("zoho_native", &["take_over"]);
        let minutes = (self.healed_at - self.clock.now()).num_minutes();
        for company in ["company0", "trier"] {
            if dice.chance(if sought { 1_000 } else { 250 }) {
                let platform = dice.chance(if self.mishaps.seeks(SignUp::NAME, &["unlink"]) { 1_000 } else { 500 });
                // Mostly before they press.
                let at = self.clock.now() + TimeDelta::minutes(dice.between(0, minutes / 4));
                self.clock.at(at, Event::Deed(Deed::SignUp { company: company.to_owned(), platform }));
            }
        }
    }

    pub(crate) fn sign_up(&mut self, company: &str, platform: bool) {
        let now = self.clock.now();
        let (saga, origin) = if platform {
            let origin = Origin::Platform {
                user: company.to_owned(),
                customer: format!("of-{company}"),
                lead_source: LeadSource::typed("website"),
            };
            (SignUp::of_user(company), origin)
        } else {
            let press = PressedAct { act: START_TRIAL.to_owned(), pressed_at: now };
            let record = record("people", company);
            (SignUp::of_record(&record), Origin::Press { record, press })
        };
        self.laws.belongs.insert(saga, company.to_owned());
        // Whoever is unlinked is so after the end, which has to come while things go wrong.
        let short = self.mishaps.seeks(SignUp::NAME, &["unlink"]);
        let lasts = if short { TimeDelta::hours(8) } else { TimeDelta::days(14) };
        let terms = Terms { installation: installation(), notice_days: 3, sources: LeadSource::agreed() };
        let command = Command::SignedUp {
            origin,
            product: "family-pro".to_owned(),
            ends_at: now + lasts,
            terms: Box::new(terms),
        };
        let told = item::<SignUp>("test.signed_up", &command);
        self.message(saga, &told.clone(), TimeDelta::minutes(15), Some(told));
    }

    /// Calls of a sign-up, and of who sells what is tried; none: it is another call.
    pub(crate) fn newcomer(
        &mut self,
        saga: SagaId,
        step: &str,
        effect: &Effect,
        now: DateTime<Utc>,
    ) -> Option<Outcome> {
        let answer = match effect {
            Effect::Attio(call) => attio(call)?,
            Effect::Desk(Desk::Link { links }) => {
                let fresh =
                    links.iter().filter(|link| !self.newcomers.links.contains(link)).cloned().collect::<Vec<_>>();
                self.newcomers.links.extend(fresh);
                Answer::Nothing
            }
            Effect::Desk(Desk::Unlink { links }) => {
                self.newcomers.links.retain(|link| !links.contains(link));
                Answer::Nothing
            }
            Effect::Desk(Desk::SurveyClaim { claim }) => Answer::ClaimHeldBy { holder: self.holder(claim) },
            Effect::Desk(Desk::TakeOver { claims, flow, command, .. }) => {
                for claim in claims {
                    let Some(holder) = self.holder(claim).filter(|h| h.flow == *flow && h.ended.is_none()) else {
                        continue;
                    };
                    self.tables.hand_over(claim, holder.saga, saga);
                    let told = Item { kind: "told", command: Some(command.clone()), flow: flow.clone() };
                    let wait = self.millis(1, 2_000);
                    self.clock.after(wait, Event::Comes(holder.saga, Box::new(told)));
                }
                match self.tables.desk(saga, step, &Desk::Claim { claims: claims.clone() }, now) {
                    Outcome::Done { answer } => answer,
                    _ => return Some(Outcome::Declined { decline: busy() }),
                }
            }
            _ => return None,
        };
        Some(Outcome::Done { answer })
    }

    fn holder(&self, claim: &Claim) -> Option<ClaimHolder> {
        let saga = self.tables.claims.get(claim)?.saga;
        let live = &self.sagas.get(&saga)?.live;
        let collected_by = self.tables.subscriptions.get(&saga.subscription()).and_then(|owned| owned.owner);
        Some(ClaimHolder { saga, flow: live.flow_name().to_owned(), ended: live.flow().ended, collected_by })
    }

    /// Whoever is not on trial any more is not tagged so, unless a sale has seen to it.
    pub(crate) fn trials_left(&self) -> Option<String> {
        self.sagas.iter().find_map(|(saga, slot)| {
            let live = &slot.live;
            let summary = live.summary();
            if live.flow_name() != SignUp::NAME || live.flow().parked.is_some() || summary.state != "Expired" {
                return None;
            }
            let tags = self.deals.contacts.get(&summary.customer?)?;
            // Something else may have been sold to them.
            tags.contains("lifecycle-trial").then(|| format!("sign_up {saga} is expired, and tagged {tags:?}"))
        })
    }
}
