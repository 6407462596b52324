//! What a sign-up remembers, folded from its events. Nothing is decided here, and no event is refused.

use super::words::{Concern, Event, Origin, Terms, Unsorted};
use crate::kernel::answer::ClientRead;
use crate::kernel::effect::{AttioRecord, Claim, PressedAct};
use crate::kernel::ids::SagaId;
use crate::kernel::retry::PutOff;
use crate::kernel::tags::Lifecycle;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What a sign-up remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) intake: Option<Intake>,
    pub(super) stage: Stage,
    /// Calls that were answered: tells repeated steps apart.
    pub(super) answered: u32,
    pub(super) client: Option<AttioRecord>,
    pub(super) customer: Option<String>,
    /// The customer is linked with the platform's user, or needs no such link.
    pub(super) linked: bool,
    pub(super) read: Option<ClientRead>,
    /// A person decides who this is.
    pub(super) split: Option<String>,
    /// Held by this saga.
    pub(super) claim: Option<Claim>,
    pub(super) had_trial: bool,
    pub(super) ends_at: Option<DateTime<Utc>>,
    /// When the CRM team is told that it ends; absent: told, or too late for it.
    pub(super) notice_at: Option<DateTime<Utc>>,
    pub(super) sale: Option<Sale>,
    pub(super) crm: InCrm,
    pub(super) face: Face,
    /// Not written yet, the first first.
    pub(super) notes: Vec<Note>,
    pub(super) put_off: PutOffs,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intake {
    pub(super) origin: Origin,
    pub(super) product: String,
    pub(super) terms: Terms,
}

/// Where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    /// Who signs up is found out, and the product kept.
    Joining,
    Trial,
    Over {
        ending: Ending,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    Converted,
    Expired,
    Refused,
}

/// The product is being sold by another saga.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sale {
    pub(super) by: SagaId,
    pub(super) look_at: DateTime<Utc>,
    pub(super) looks: u32,
    pub(super) due: bool,
    /// It came to nothing: the product is free.
    pub(super) free: bool,
}

/// What stands in Zoho CRM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InCrm {
    pub(super) account_looked: bool,
    pub(super) account: Option<String>,
    pub(super) contact: Option<String>,
    pub(super) linked: bool,
    /// Tagged as active; absent: not read for what is to be written.
    pub(super) active: Option<bool>,
    pub(super) tagged: Option<Lifecycle>,
    pub(super) complied: bool,
}

/// What the person's record shows, by versions of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face {
    pub(super) version: u32,
    pub(super) shown: u32,
    pub(super) as_of: Option<DateTime<Utc>>,
    pub(super) answers: Option<PressedAct>,
    pub(super) refusal: String,
}

/// A note on the person's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) cause: String,
    pub(super) title: String,
    pub(super) text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PutOffs {
    pub(super) crm: PutOff,
    pub(super) attio: PutOff,
}

impl PutOffs {
    pub(super) const fn of(&mut self, concern: Concern) -> &mut PutOff {
        match concern {
            Concern::Crm => &mut self.crm,
            Concern::Attio => &mut self.attio,
        }
    }
}

impl State {
    /// The platform's user, where the platform said so.
    pub(super) fn user(&self) -> Option<&str> {
        match &self.intake.as_ref()?.origin {
            Origin::Platform { user, .. } => Some(user),
            Origin::Press { .. } => None,
        }
    }

    /// What the customer is tagged with while it stands so.
    pub(super) const fn lifecycle(&self) -> Option<Lifecycle> {
        match &self.stage {
            Stage::Trial => Some(Lifecycle::Trial),
            Stage::Over { ending: Ending::Expired } => Some(Lifecycle::Churned),
            Stage::New | Stage::Joining | Stage::Over { ending: Ending::Converted | Ending::Refused } => None,
        }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        self.answered += u32::from(is_answer(event));
        match event {
            Event::SignedUp { origin, product, ends_at, terms, at } => {
                self.begin(origin, *at);
                let intake = Intake { origin: origin.clone(), product: product.clone(), terms: (**terms).clone() };
                self.intake = Some(intake);
                self.ends(*ends_at, *at);
            }
            Event::SignUpAskedAgain { press, refusal, at } => {
                self.face.answers = Some(press.clone());
                self.face.refusal = refusal.clone().unwrap_or_default();
                self.show(*at);
            }
            Event::SignUpBegunAgain { press, product, ends_at, at } => {
                if let Some(intake) = &mut self.intake {
                    intake.product.clone_from(product);
                }
                self.stage = Stage::Joining;
                self.read = None;
                self.face.answers = Some(press.clone());
                self.face.refusal.clear();
                self.ends(*ends_at, *at);
            }
            Event::PersonFound { record } => self.client = Some(record.clone()),
            Event::CustomerEnrolled { customer } => {
                self.customer = Some(customer.clone());
                self.linked = true;
            }
            Event::ClientRead { client } => self.read = Some((**client).clone()),
            Event::TagsWithheld { unsorted } => self.notes.push(withheld(unsorted)),
            Event::IdentitySplit { detail } => self.split = Some(detail.clone()),
            Event::IdentityResolved => self.split = None,
            _ => {
                self.apply_trial(event);
                self.apply_crm(event);
                self.apply_shown(event);
            }
        }
    }

    fn begin(&mut self, origin: &Origin, at: DateTime<Utc>) {
        self.stage = Stage::Joining;
        match origin {
            Origin::Platform { customer, .. } => self.customer = Some(customer.clone()),
            Origin::Press { record, press } => {
                self.client = Some(record.clone());
                self.face.answers = Some(press.clone());
                self.face.as_of = Some(at);
            }
        }
    }

    /// The trial ends then; people are told in time, where there is any.
    fn ends(&mut self, ends_at: DateTime<Utc>, now: DateTime<Utc>) {
        let days = self.intake.as_ref().map_or(0, |intake| intake.terms.notice_days);
        let notice_at = ends_at - TimeDelta::days(i64::from(days));
        self.ends_at = Some(ends_at);
        self.notice_at = (days > 0 && notice_at > now).then_some(notice_at);
    }

    fn apply_trial(&mut self, event: &Event) {
        match event {
            Event::TrialStarted { claim, ends_at, at } => {
                self.claim = Some(claim.clone());
                self.had_trial = true;
                self.stage = Stage::Trial;
                self.ends(*ends_at, *at);
                self.crm.active = None;
                self.show(*at);
            }
            Event::SignUpRefused { reason, cure, at } => {
                self.face.refusal = format!("No trial was started: {reason}. To go on, {cure}.");
                self.over(Ending::Refused, *at);
            }
            Event::NoticeDue { ends_at } => {
                self.notice_at = None;
                self.notes.push(ending(*ends_at));
            }
            Event::TrialMoved { to, at, .. } => {
                self.ends(*to, *at);
                self.show(*at);
            }
            Event::TrialGranted { ends_at, at, .. } => {
                self.stage = Stage::Joining;
                self.linked &= self.user().is_none();
                self.face.refusal.clear();
                self.ends(*ends_at, *at);
            }
            Event::ProductHandedOver { to, look_at } => {
                self.claim = None;
                self.sale = Some(Sale { by: *to, look_at: *look_at, looks: 0, due: false, free: false });
            }
            Event::LookDue => self.of_sale(|sale| sale.due = true),
            Event::HolderRead { holder, look_at } => self.of_sale(|sale| {
                (sale.due, sale.free, sale.look_at) = (false, holder.is_none(), *look_at);
                sale.looks += 1;
                if let Some(holder) = holder {
                    sale.by = holder.saga;
                }
            }),
            Event::ProductTakenBack { claim } => {
                self.claim = Some(claim.clone());
                self.sale = None;
            }
            Event::ProductNotTakenBack => self.of_sale(|sale| sale.free = false),
            Event::TrialConverted { at, .. } => self.over(Ending::Converted, *at),
            Event::TrialExpired { at, .. } => {
                self.claim = None;
                self.over(Ending::Expired, *at);
            }
            Event::UserUnlinked => self.linked = false,
            _ => {}
        }
    }

    fn of_sale(&mut self, change: impl FnOnce(&mut Sale)) {
        if let Some(sale) = &mut self.sale {
            change(sale);
        }
    }

    fn over(&mut self, ending: Ending, at: DateTime<Utc>) {
        self.stage = Stage::Over { ending };
        self.sale = None;
        self.notice_at = None;
        self.crm.active = None;
        self.show(at);
    }

    fn apply_crm(&mut self, event: &Event) {
        let crm = &mut self.crm;
        match event {
            Event::AccountLooked { account } => {
                crm.account_looked = true;
                crm.account.clone_from(account);
            }
            Event::AccountMade { account } => crm.account = Some(account.clone()),
            Event::InCrm { contact, at, .. } => {
                crm.contact = Some(contact.clone());
                self.show(*at);
            }
            Event::CrmLinked => crm.linked = true,
            Event::TagsRead { active } => crm.active = Some(*active),
            Event::Tagged { lifecycle } => crm.tagged = Some(*lifecycle),
            _ => return,
        }
        // It takes what we write: the next refusal is a new one.
        self.put_off.crm = PutOff::default();
    }

    fn apply_shown(&mut self, event: &Event) {
        match event {
            Event::RecordShown { version } | Event::RecordNotShown { version, .. } => {
                self.face.shown = *version;
                if *version == self.face.version {
                    self.face.answers = None;
                }
            }
            Event::ComplianceShown | Event::ComplianceNotShown { .. } => self.crm.complied = true,
            Event::NoteAdded { cause } | Event::NoteNotAdded { cause, .. } => {
                self.notes.retain(|note| note.cause != *cause);
            }
            Event::PutOff { concern, again_at, .. } => return self.put_off.of(*concern).refused(*again_at),
            Event::PutOffDue { concern } => {
                self.put_off.of(*concern).until = None;
                return;
            }
            _ => return,
        }
        self.put_off.attio = PutOff::default();
    }

    fn show(&mut self, at: DateTime<Utc>) {
        self.face.version += 1;
        self.face.as_of = Some(at);
    }
}

/// It ends a call.
const fn is_answer(event: &Event) -> bool {
    !matches!(
        event,
        Event::SignedUp { .. }
            | Event::SignUpAskedAgain { .. }
            | Event::SignUpBegunAgain { .. }
            | Event::TagsWithheld { .. }
            | Event::PutOffDue { .. }
            | Event::NoticeDue { .. }
            | Event::TrialMoved { .. }
            | Event::TrialGranted { .. }
            | Event::ProductHandedOver { .. }
            | Event::LookDue
    )
}

fn withheld(unsorted: &[Unsorted]) -> Note {
    let named = unsorted.iter().map(|one| match one {
        Unsorted::LeadSource => "the lead source",
        Unsorted::Country => "the country",
    });
    let named = named.collect::<Vec<_>>().join(" and ");
    Note {
        cause: "unsorted".to_owned(),
        title: format!("No tag in Zoho CRM for {named} (D41)"),
        text: format!(
            "{named} of this person is empty or not one that is agreed, and nothing is guessed. Correct it here, and set \
             the tag in Zoho CRM."
        ),
    }
}

fn ending(ends_at: DateTime<Utc>) -> Note {
    let day = ends_at.date_naive();
    Note {
        cause: format!("ending.{day}"),
        title: format!("Trial ends on {day}"),
        text: "Press `Start` on a subscription record of this person to send them the page on which to pay.".to_owned(),
    }
}
