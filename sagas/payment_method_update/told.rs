//! What comes from outside: requests for a link, the customer at the page, people who call it off, invoices that were told.

use super::events::Event;
use super::page;
use super::state::Stage;
use super::turn::Turn;
use super::words::{Command, Consent, Tried};
use crate::kernel::ids::SagaId;
use crate::kernel::saga::Refusal;
use chrono::{DateTime, Utc};
use uuid::Uuid;

impl Turn<'_> {
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Requested { installation, subscription, requested_at, pressed, terms } => {
                if self.state.intake.is_some() {
                    return self.asked_again(*requested_at, *pressed);
                }
                self.push(Event::CardUpdateRequested {
                    installation: installation.clone(),
                    subscription: subscription.clone(),
                    requested_at: *requested_at,
                    pressed: *pressed,
                    terms: terms.clone(),
                    at: self.at.now,
                });
                Ok(())
            }
            Command::Wanted { installation, subscription, requested_at, terms, cause } => {
                // Wanted for the same cause once more.
                if self.state.intake.is_some() {
                    return Ok(());
                }
                self.push(Event::CardUpdateRequested {
                    installation: installation.clone(),
                    subscription: subscription.clone(),
                    requested_at: *requested_at,
                    pressed: false,
                    terms: terms.clone(),
                    at: self.at.now,
                });
                self.push(Event::CauseGiven { cause: cause.clone() });
                Ok(())
            }
            Command::Opened { link } => self.opened(*link),
            Command::PageAsked { link } => {
                self.newest(*link)?;
                self.page_asked()
            }
            // An older link leads back here, too: what is looked at is the newest page.
            Command::Returned { .. } => {
                self.look_at_page();
                Ok(())
            }
            Command::Submitted { link, offer_hash, consent, input, authenticated } => {
                self.submitted(*link, offer_hash, consent, *input, *authenticated)
            }
            Command::CancelOrdered { reason } => self.cancelled(reason),
            Command::InvoiceTried { invoice, outcome } => {
                // One that answers later than it was waited for has no further effect.
                if self.state.asked.is_some_and(|(asked, _)| asked == *invoice) {
                    self.retried(*invoice, Some(*outcome));
                }
                Ok(())
            }
        }
    }

    /// Asked for again while it runs: a new link, and the old one opens nothing any more.
    fn asked_again(&mut self, requested_at: DateTime<Utc>, pressed: bool) -> Result<(), Refusal> {
        // The same request delivered again.
        if self.state.asked_at.is_some_and(|last| requested_at <= last) {
            return Ok(());
        }
        let over = self.state.undoing.is_some() || self.state.switched.is_some();
        if over || matches!(self.state.stage, Stage::Over { .. }) {
            return Err(Refusal::new("over", "this card update is over; a new request begins a new one"));
        }
        self.push(Event::CardLinkAskedAgain { requested_at, pressed, at: self.at.now });
        Ok(())
    }

    fn newest(&self, link: u32) -> Result<(), Refusal> {
        if link == self.state.links && link > 0 {
            return Ok(());
        }
        Err(Refusal::new("old_link", "this link was replaced by a newer one: open the newest letter"))
    }

    fn opened(&mut self, link: u32) -> Result<(), Refusal> {
        self.newest(link)?;
        let shown = self.state.link.as_ref().filter(|_| self.state.stage == Stage::LinkOut);
        if shown.is_some_and(|known| !known.opened) {
            self.push(Event::CardLinkOpened { number: link, at: self.at.now });
        }
        Ok(())
    }

    fn submitted(
        &mut self,
        link: u32,
        hash: &str,
        consent: &Consent,
        input: Uuid,
        authenticated: bool,
    ) -> Result<(), Refusal> {
        self.newest(link)?;
        let now = self.at.now;
        let under_way = self.state.undoing.is_none() && self.state.stage == Stage::Updating;
        if under_way || self.state.switched.is_some() {
            // The first submission counts: its state is what the page shows, and this card is never used.
            self.push(Event::SubmissionSetAside { input, at: now });
            return Ok(());
        }
        if self.state.undoing.is_some() || matches!(self.state.stage, Stage::Over { .. } | Stage::Held { .. }) {
            return Err(Refusal::new("over", "no card can be given here now: see what the page says"));
        }
        let stale = || Refusal::new("stale_offer", "what is shown has changed: look at it and accept it");
        let (Stage::LinkOut, Some(known)) = (&self.state.stage, &self.state.link) else { return Err(stale()) };
        if known.expires_at <= now {
            return Err(Refusal::new("expired", "this link is not good any more: ask for a new one"));
        }
        if let Some(until) = self.state.locked_until.filter(|until| *until > now) {
            let minutes = (until - now).num_minutes() + 1;
            return Err(Refusal::new(
                "locked",
                format!("too many cards were declined: try again in {minutes} minutes"),
            ));
        }
        let Some(offer) = page::offer(&self.state) else { return Err(stale()) };
        if consent.version != offer.consent_version {
            return Err(Refusal::new("no_consent", "the consent to this text is missing: read it and accept it"));
        }
        if hash != offer.hash {
            return Err(stale());
        }
        let number = self.state.submissions + 1;
        let Some(token) = self.state.token(number) else { return Err(stale()) };
        self.push(Event::ConsentGiven {
            number,
            offer_hash: offer.hash,
            consent: consent.clone(),
            input,
            authenticated,
            token,
            at: now,
        });
        Ok(())
    }

    pub(super) fn cancelled(&mut self, reason: &str) -> Result<(), Refusal> {
        let state = &self.state;
        if state.intake.is_none() {
            return Err(Refusal::new("not_requested", "nothing was requested here"));
        }
        if state.switched.is_some() {
            return Err(Refusal::new(
                "switched",
                "the new card is charged already: have the customer give another one",
            ));
        }
        if matches!(state.stage, Stage::Over { .. }) {
            return Err(Refusal::new("over", "this card update is over"));
        }
        if state.undoing.is_none() {
            self.push(Event::CancellationOrdered { reason: reason.to_owned(), at: self.at.now });
        }
        Ok(())
    }

    /// The invoice that was told has answered, or was waited for long enough.
    pub(super) fn retried(&mut self, invoice: SagaId, outcome: Option<Tried>) {
        let known = self.state.owing.iter().find(|owing| owing.saga == invoice);
        let number = known.map(|owing| owing.number.clone()).unwrap_or_default();
        self.push(Event::InvoiceRetried { invoice, number, outcome, at: self.at.now });
    }
}
