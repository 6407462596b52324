//! What an erasure remembers, and how it changes with each event. Pure folding: nothing is decided here, and no event is
//! refused.

use super::places::Place;
use super::words::{Event, Of, Reason, Request, Rest};
use crate::kernel::answer::{ErasedHere, PersonSurvey, Trace};
use crate::kernel::effect::CrmModule;
use crate::kernel::ids::SagaId;
use crate::kernel::park::ParkCode;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Where an erasure stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) of: Option<Of>,
    pub(super) stage: Stage,
    pub(super) request: Option<Request>,
    pub(super) due_on: Option<NaiveDate>,
    /// When it is told next that the time is nearly up; none: no more.
    pub(super) warn_at: Option<DateTime<Utc>>,
    pub(super) warned: bool,
    pub(super) survey: Option<PersonSurvey>,
    /// The person's record in Attio.
    pub(super) attio: Sought,
    /// The contact in Desk.
    pub(super) desk: Sought,
    /// Zoho subscription ids that run; none: not listed since the last look.
    pub(super) running: Option<Vec<String>>,
    pub(super) previews: u32,
    pub(super) reasons: Vec<Reason>,
    pub(super) confirmed_by: Option<String>,
    pub(super) hold: Option<LegalHold>,
    /// Ends that were ordered.
    pub(super) ends: Vec<EndOrder>,
    /// Waits of one kind in a row.
    pub(super) waits: u32,
    pub(super) erased: Option<ErasedHere>,
    pub(super) erased_at: Option<DateTime<Utc>>,
    pub(super) places: Vec<Asked>,
    /// How often something was found here after it was erased.
    pub(super) lefts: u32,
    pub(super) certificates: u32,
    /// Steps concluded: tells repeated ones apart.
    pub(super) calls: u32,
}

/// A named case that forbids it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LegalHold {
    pub(super) case: String,
    pub(super) until: Option<NaiveDate>,
}

/// A subscription whose end was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EndOrder {
    pub(super) subscription: String,
    pub(super) times: u32,
    /// Ordered since it was listed last.
    pub(super) fresh: bool,
}

/// One place at a vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) place: Place,
    pub(super) done: bool,
    /// As it was read back.
    pub(super) shown: Option<Trace>,
    pub(super) rest: Option<Rest>,
    /// How often it was kept, or still there.
    pub(super) tries: u32,
}

/// The step or the wait that is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    /// Our own tables, then the vendors by whom the person is found.
    Looking,
    Asking,
    Deferred {
        until: DateTime<Utc>,
    },
    Ending,
    Erasing,
    /// Erased here: the vendors are asked and read back, one place after the other, then all is verified.
    After,
    /// A vendor shows the person still.
    Again {
        until: DateTime<Utc>,
    },
    Resting {
        until: DateTime<Utc>,
    },
    Held {
        code: ParkCode,
        detail: String,
    },
    Over {
        ending: Ending,
    },
}

/// How it came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    Erased,
    Refused,
    Withdrawn,
}

/// What is known of something that is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sought {
    #[default]
    NotYet,
    NotThere,
    /// The vendor's id of it.
    Found(String),
}

impl Sought {
    fn by(answer: Option<&String>) -> Self {
        answer.map_or(Self::NotThere, |id| Self::Found(id.clone()))
    }

    fn found(&self) -> Option<String> {
        if let Self::Found(id) = self { Some(id.clone()) } else { None }
    }
}

/// What is looked for next before anything is decided.
#[derive(Debug, Clone, Copy)]
pub(super) enum Look {
    Tables,
    Attio,
    Desk,
    Subscriptions,
}

impl State {
    /// The newest preview's number: it is what a second person confirms.
    pub const fn preview(&self) -> u32 {
        self.previews
    }

    /// The one stream of the person.
    pub(super) fn saga(&self) -> Option<SagaId> {
        let of = self.of.as_ref()?;
        Some(super::Erasure::id(of.installation.as_str(), &of.customer))
    }

    /// Ends the neutral names that are left at vendors: unique, and of nothing that is the person's.
    pub(super) fn mark(&self) -> String {
        self.saga().map(|saga| saga.0.simple().to_string()).unwrap_or_default()
    }

    pub(super) const fn erased_here(&self) -> bool {
        self.erased.is_some()
    }

    /// Nothing is being carried out: a new request may begin.
    pub(super) const fn rests(&self) -> bool {
        matches!(self.stage, Stage::New | Stage::Over { .. })
    }

    /// The same request delivered again. One that was withdrawn or refused is wanted anew.
    pub(super) fn heard(&self, request: &Request) -> bool {
        let gone = matches!(self.stage, Stage::New | Stage::Over { ending: Ending::Refused | Ending::Withdrawn });
        !gone && self.request.as_ref() == Some(request)
    }

    pub(super) fn next_look(&self) -> Option<Look> {
        let (of, Some(survey)) = (self.of.as_ref()?, &self.survey) else { return Some(Look::Tables) };
        if self.attio == Sought::NotYet && survey.attio_client.is_some() {
            return Some(Look::Attio);
        }
        // The contact is found by the address alone, which only we still know.
        if self.desk == Sought::NotYet && of.helpdesk && survey.kept.people > 0 {
            return Some(Look::Desk);
        }
        (self.running.is_none() && survey.zoho_customer.is_some()).then_some(Look::Subscriptions)
    }

    /// The next subscription whose end is to be ordered.
    pub(super) fn next_end(&self) -> Option<&str> {
        let ordered = |id: &&String| self.ends.iter().any(|end| end.fresh && end.subscription == **id);
        self.running.iter().flatten().find(|id| !ordered(id)).map(String::as_str)
    }

    pub(super) fn next_place(&self) -> Option<&Asked> {
        self.places.iter().find(|asked| !asked.done)
    }

    pub(super) fn next_unread(&self) -> Option<&Asked> {
        self.places.iter().find(|asked| asked.shown.is_none())
    }

    /// When the first of what vendors keep may go.
    pub(super) fn rest_until(&self) -> Option<DateTime<Utc>> {
        self.places.iter().filter_map(|asked| asked.rest.as_ref()?.until).min()
    }

    pub(super) fn tries_at(&self, place: &Place) -> u32 {
        self.places.iter().find(|asked| asked.place == *place).map_or(0, |asked| asked.tries)
    }

    /// All places in which the person can be, by what was found before it was erased here.
    fn found_places(&self) -> Vec<Asked> {
        let (Some(of), Some(survey)) = (&self.of, &self.survey) else { return Vec::new() };
        let mut places = Vec::new();
        places.extend(self.attio.found().map(|person| Place::Attio { person }));
        if of.crm {
            let crm = |module, key: &String| Place::Crm { module, key: key.clone() };
            places.extend(survey.subscriptions.iter().map(|ours| crm(CrmModule::Deals, ours)));
            places.extend([CrmModule::Contacts, CrmModule::Accounts].map(|module| crm(module, &of.customer)));
        }
        places.extend(self.desk.found().map(|contact| Place::Desk { contact }));
        places.extend(survey.zoho_customer.clone().map(|customer| Place::ZohoBilling { customer }));
        places.extend(survey.braintree_customer.clone().map(|customer| Place::Braintree { customer }));
        let asked = |place| Asked { place, done: false, shown: None, rest: None, tries: 0 };
        places.into_iter().map(asked).collect()
    }

    fn at(&mut self, place: &Place) -> Option<&mut Asked> {
        self.places.iter_mut().find(|asked| asked.place == *place)
    }

    fn look_again(&mut self) {
        self.stage = Stage::Looking;
        self.survey = None;
        self.running = None;
        for end in &mut self.ends {
            end.fresh = false;
        }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::ErasureRequested { of, request, due_on, warn_at, .. } => {
                let (certificates, calls, hold) = (self.certificates, self.calls, self.hold.clone());
                *self = Self {
                    of: Some(of.clone()),
                    request: Some((**request).clone()),
                    due_on: Some(*due_on),
                    warn_at: Some(*warn_at),
                    stage: Stage::Looking,
                    certificates,
                    calls,
                    hold,
                    ..Self::default()
                };
            }
            Event::PersonSurveyed { survey, .. } => {
                self.calls += 1;
                self.survey = Some((**survey).clone());
            }
            Event::AttioPersonFound { record } => {
                self.calls += 1;
                self.attio = Sought::by(record.as_ref());
            }
            Event::DeskContactFound { contact } => {
                self.calls += 1;
                self.desk = Sought::by(contact.as_ref());
            }
            Event::SubscriptionsListed { running } => {
                self.calls += 1;
                self.running = Some(running.clone());
            }
            Event::ErasureRefused { .. } => self.over(Ending::Refused),
            Event::ErasureWithdrawn { .. } => self.over(Ending::Withdrawn),
            Event::ErasurePreviewed { preview, reasons, .. } => {
                self.previews = *preview;
                self.reasons.clone_from(reasons);
                self.stage = Stage::Asking;
            }
            Event::ErasureConfirmed { by, .. } => {
                self.confirmed_by = Some(by.clone());
                self.waits = 0;
                self.look_again();
            }
            Event::LegalHoldPlaced { case, until, .. } => {
                self.hold = Some(LegalHold { case: case.clone(), until: *until });
            }
            Event::LegalHoldLifted { .. } => {
                self.hold = None;
                if matches!(self.stage, Stage::Deferred { .. }) {
                    self.look_again();
                }
            }
            Event::ErasureDeferred { reasons, again_at, .. } => {
                self.waits += 1;
                if self.stage == Stage::Erasing {
                    self.calls += 1;
                }
                self.reasons.clone_from(reasons);
                self.stage = Stage::Deferred { until: *again_at };
            }
            Event::WaitOver => match self.stage {
                Stage::Again { .. } => self.stage = Stage::After,
                _ if self.erased_here() => self.stage = Stage::Erasing,
                _ => self.look_again(),
            },
            Event::EndingBegun { .. } => self.stage = Stage::Ending,
            Event::SubscriptionEndOrdered { subscription, .. } => {
                self.calls += 1;
                let known = self.ends.iter().position(|end| end.subscription == *subscription);
                let times = known.map_or(0, |at| self.ends.remove(at).times);
                self.ends.push(EndOrder { subscription: subscription.clone(), times: times + 1, fresh: true });
            }
            Event::ErasureBegun { .. } => {
                self.reasons.clear();
                self.stage = Stage::Erasing;
            }
            Event::DeadlineNear { warn_at, .. } => {
                self.warned = true;
                self.warn_at = *warn_at;
            }
            Event::ErasureHeld { code, detail, .. } => {
                self.stage = Stage::Held { code: *code, detail: detail.clone() };
            }
            Event::ErasureResumed { .. } => self.resume(),
            Event::PersonErasedHere { .. }
            | Event::PersonErasedThere { .. }
            | Event::PersonReadBack { .. }
            | Event::PersonStillThere { .. }
            | Event::PersonLeftHere { .. }
            | Event::ErasureVerified { .. }
            | Event::ErasureCertified { .. }
            | Event::RestDue { .. } => self.apply_after(event),
        }
    }

    fn over(&mut self, ending: Ending) {
        self.stage = Stage::Over { ending };
        self.warn_at = None;
        self.reasons.clear();
    }

    /// A person has seen to what was in the way: all is looked at again.
    fn resume(&mut self) {
        if self.erased_here() {
            for asked in &mut self.places {
                asked.tries = 0;
            }
            self.lefts = 0;
            self.stage = Stage::After;
        } else {
            self.ends.clear();
            self.waits = 0;
            self.look_again();
        }
    }

    /// From the pivot on.
    fn apply_after(&mut self, event: &Event) {
        match event {
            Event::PersonErasedHere { erased, at } => {
                self.calls += 1;
                self.waits = 0;
                self.stage = Stage::After;
                if let Some(before) = &mut self.erased {
                    before.erased = before.erased.and(erased.erased);
                } else {
                    self.erased = Some((**erased).clone());
                    self.erased_at = Some(*at);
                    self.places = self.found_places();
                }
            }
            Event::PersonErasedThere { place, rest, .. } => {
                self.calls += 1;
                if let Some(asked) = self.at(place) {
                    asked.done = true;
                    asked.shown = None;
                    asked.tries += u32::from(rest.is_some());
                    asked.rest.clone_from(rest);
                }
            }
            Event::PersonReadBack { place, trace } => {
                self.calls += 1;
                if let Some(asked) = self.at(place) {
                    asked.shown = Some(trace.clone());
                }
            }
            Event::PersonStillThere { place, again_at, .. } => {
                self.calls += 1;
                if let Some(asked) = self.at(place) {
                    asked.done = false;
                    asked.tries += 1;
                }
                self.stage = Stage::Again { until: *again_at };
            }
            Event::PersonLeftHere { .. } => {
                self.calls += 1;
                self.lefts += 1;
                self.stage = Stage::Erasing;
            }
            Event::ErasureVerified { .. } => self.calls += 1,
            Event::ErasureCertified { certificate } => {
                self.certificates = certificate.number;
                self.warn_at = None;
                match self.rest_until() {
                    Some(until) => self.stage = Stage::Resting { until },
                    None => self.over(Ending::Erased),
                }
            }
            Event::RestDue { at } => {
                for asked in &mut self.places {
                    if asked.rest.as_ref().and_then(|rest| rest.until).is_some_and(|until| until <= *at) {
                        asked.done = false;
                    }
                    asked.shown = None;
                }
                self.stage = Stage::After;
            }
            _ => {}
        }
    }
}
