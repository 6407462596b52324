//! The card of a subscription that Zoho's own gateway collects: it is given on a page of Zoho's, to which our link leads, and
//! what came of it is read there. The card stays with Zoho: nothing of it is read, vaulted or moved here.

use super::events::Event;
use super::state::{Ending, Stage, State};
use super::turn::Turn;
use crate::kernel::answer::{CollectionOwner, HostedPage};
use crate::kernel::effect::{CheckoutLink, Effect, OnPage, PageOrder, Zoho};
use crate::kernel::outcome::{Rejection, RejectionKind};
use crate::kernel::saga::{Pending, Refusal};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A page lives so long, where Zoho does not say until when.
const PAGE_LIFE: TimeDelta = TimeDelta::hours(1);
/// Who does not come back has mostly given the card by then.
const FIRST_LOOK: TimeDelta = TimeDelta::minutes(10);
/// Zoho's clock may be behind ours: so long after its end a page is looked at for the last time.
const LAST_LOOK: TimeDelta = TimeDelta::minutes(1);

/// How far it is at Zoho.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AtZoho {
    /// The customer wants to go there, and no page is open.
    pub(super) wanted: bool,
    /// The newest.
    pub(super) page: Option<OpenPage>,
    /// It is to be looked at now.
    pub(super) look: bool,
    /// The card was changed there.
    pub(super) changed: bool,
    /// Pages asked for, and looks: tell repeated steps apart.
    pub(super) pages: u32,
    pub(super) looks: u32,
}

/// A page of Zoho's of which the end is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenPage {
    pub(super) id: String,
    /// UTC.
    pub(super) expires_at: DateTime<Utc>,
    /// A customer can still be sent there.
    pub(super) usable: bool,
    /// When it is looked at by itself (UTC).
    pub(super) look_at: DateTime<Utc>,
}

impl AtZoho {
    /// Nobody went there: as the state of everybody whose card we keep.
    pub(super) fn is_unused(&self) -> bool {
        *self == Self::default()
    }
}

impl State {
    /// Zoho's own gateway collects the subscription.
    pub(super) fn is_native(&self) -> bool {
        self.facts.survey.as_ref().is_some_and(|survey| survey.owner == Some(CollectionOwner::ZohoNative))
    }

    /// The page to which the customer can be sent now.
    pub(super) fn usable_page(&self, now: DateTime<Utc>) -> Option<&OpenPage> {
        self.at_zoho.page.as_ref().filter(|page| page.usable && page.expires_at > now)
    }

    pub(super) fn apply_at_zoho(&mut self, event: &Event) {
        match event {
            Event::PageAsked { at } => {
                self.at_zoho.wanted = true;
                if let Some(link) = &mut self.link {
                    link.opened = true;
                }
                self.show(*at, false);
            }
            Event::PageMade { page, expires_at, look_at, .. } => {
                self.at_zoho.wanted = false;
                self.at_zoho.pages += 1;
                let (id, expires_at, look_at) = (page.clone(), *expires_at, *look_at);
                self.at_zoho.page = Some(OpenPage { id, expires_at, usable: true, look_at });
            }
            Event::PageLookDue => self.at_zoho.look = true,
            Event::PageRead { usable, look_at, .. } => {
                self.looked();
                if let Some(page) = &mut self.at_zoho.page {
                    page.usable = *usable;
                    page.look_at = *look_at;
                }
            }
            Event::PageOver { .. } => {
                self.looked();
                self.at_zoho.page = None;
            }
            Event::CardChangedAtZoho { released, at, .. } => {
                self.looked();
                self.at_zoho.page = None;
                self.at_zoho.changed = true;
                self.over(Ending::Changed, "", "", released, *at);
            }
            _ => {}
        }
    }

    const fn looked(&mut self) {
        self.at_zoho.look = false;
        self.at_zoho.looks += 1;
    }
}

/// What is wanted while the link is out.
pub(super) fn pending(state: &State) -> Option<Pending> {
    let link = state.link.as_ref()?;
    let at_zoho = &state.at_zoho;
    if at_zoho.wanted {
        let order = PageOrder::UpdateCard {
            subscription: state.facts.subscription.as_ref()?.id.clone(),
            back_to: CheckoutLink { saga: state.saga()?, number: link.number },
        };
        let create = Zoho::Page(OnPage::Create(Box::new(order)));
        return Some(Pending::perform("create_page", at_zoho.pages + 1, Effect::Zoho(create)));
    }
    let Some(page) = &at_zoho.page else {
        return Some(Pending::Await { signal: "the customer", until: link.expires_at });
    };
    if at_zoho.look {
        let read = Zoho::Page(OnPage::Read { page: page.id.clone() });
        return Some(Pending::perform("read_page", at_zoho.looks + 1, Effect::Zoho(read)));
    }
    Some(Pending::Await { signal: "the customer's card at Zoho", until: page.look_at })
}

impl Turn<'_> {
    /// The customer clicked: a page that is open is used again, else one is made.
    pub(super) fn page_asked(&mut self) -> Result<(), Refusal> {
        let now = self.at.now;
        let Some(link) = self.state.link.as_ref().filter(|_| self.state.is_native()) else {
            return Err(Refusal::new("not_at_zoho", "no card can be given at Zoho here now: see what the page says"));
        };
        if self.state.stage != Stage::LinkOut || self.state.undoing.is_some() {
            return Err(Refusal::new("over", "no card can be given here now: see what the page says"));
        }
        if link.expires_at <= now {
            return Err(Refusal::new("expired", "this link is not good any more: ask for a new one"));
        }
        if !self.state.at_zoho.wanted && self.state.usable_page(now).is_none() {
            self.push(Event::PageAsked { at: now });
        }
        Ok(())
    }

    /// The customer came back, or the time to look has come.
    pub(super) fn look_at_page(&mut self) {
        let at_zoho = &self.state.at_zoho;
        if self.state.stage == Stage::LinkOut && at_zoho.page.is_some() && !at_zoho.look {
            self.push(Event::PageLookDue);
        }
    }

    /// A time has come: perhaps that of the page.
    pub(super) fn page_due(&mut self) {
        if self.state.at_zoho.page.as_ref().is_some_and(|page| page.look_at <= self.at.now) {
            self.look_at_page();
        }
    }

    pub(super) fn page_made(&mut self, page: &HostedPage) {
        let now = self.at.now;
        let expires_at = page.expires_at.unwrap_or(now + PAGE_LIFE);
        let look_at = (now + FIRST_LOOK).min(expires_at + LAST_LOOK);
        self.push(Event::PageMade { page: page.id.clone(), expires_at, look_at, at: now });
    }

    pub(super) fn page_read(&mut self, shown: &HostedPage) {
        let at = self.at.now;
        let Some(page) = self.state.at_zoho.page.clone().filter(|page| page.id == shown.id) else { return };
        match shown.status.as_str() {
            "success" => {
                let released = self.state.claims.clone();
                self.push(Event::CardChangedAtZoho { page: page.id, released, at });
            }
            "cancelled" | "force_cancelled" => self.push(Event::PageOver { page: page.id, at }),
            // No status says that it has expired.
            _ if page.expires_at + LAST_LOOK <= at => self.push(Event::PageOver { page: page.id, at }),
            // One that failed may be tried once more by who still has it open; whoever clicks again gets another.
            status => {
                let (usable, status) = (matches!(status, "fresh" | "read"), status.to_owned());
                let look_at = page.expires_at + LAST_LOOK;
                self.push(Event::PageRead { page: page.id, status, usable, look_at, at });
            }
        }
    }

    /// Zoho makes no page, or knows it no more.
    pub(super) fn page_refused(&mut self, step: &str, rejection: &Rejection) {
        match (step, &self.state.at_zoho.page) {
            ("create_page", _) => {
                let reason = format!("Zoho opens no page for another card: {} ({})", rejection.message, rejection.code);
                self.refuse(reason, "see how the subscription stands in Zoho, then send a new link");
            }
            (_, Some(page)) if rejection.kind == RejectionKind::NotFound => {
                let page = page.id.clone();
                self.push(Event::PageOver { page, at: self.at.now });
            }
            _ => {}
        }
    }
}
