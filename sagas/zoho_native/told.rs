//! What comes from outside: presses in Attio, the customer at the link, people who call it off, what Zoho says.

use super::events::Event;
use super::state::{Life, Stage};
use super::turn::Turn;
use super::words::{Act, After, Command, Consent};
use crate::kernel::effect::ClaimKind;
use crate::kernel::saga::Refusal;
use crate::kernel::selling::Selling;
use chrono::{DateTime, Utc};

/// What Zoho says that changes nothing of how a subscription stands: the first word after it was bought, and a payment.
const OF_NO_NEWS: [&str; 3] = ["subscription_created", "subscription_activation", "payment_thankyou"];

impl Turn<'_> {
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Pressed { organization, installation, record, act, pressed_at, terms, ordered } => {
                if self.state.sale.intake.is_some() {
                    return self.pressed(*act, *pressed_at);
                }
                if *act == Act::CancelNow {
                    return Err(Refusal::new("not_requested", "nothing was requested here that could be called off"));
                }
                self.push(Event::StartRequested {
                    organization: organization.clone(),
                    installation: installation.clone(),
                    record: record.clone(),
                    act: *act,
                    pressed_at: *pressed_at,
                    terms: terms.clone(),
                    ordered: *ordered,
                    at: self.at.now,
                });
                Ok(())
            }
            Command::Opened { link } => self.opened(*link),
            Command::PageAsked { link, quote_hash, consent } => self.page_asked(*link, quote_hash, consent),
            Command::Returned { link } => {
                self.newest(*link)?;
                let out = self.state.stage == Stage::PageOut && self.state.page.as_ref().is_some_and(|p| !p.due);
                if out {
                    self.push(Event::PageLookDue);
                }
                Ok(())
            }
            Command::Noticed { kind, subscription } => {
                self.noticed(kind, subscription);
                Ok(())
            }
            Command::SubscriptionEnded { product } => {
                let mut kept = self.state.sale.held(ClaimKind::AccountPlanFamily);
                kept.retain(|claim| claim.key == *product && self.state.is_linked());
                if let Some(claim) = kept.pop() {
                    self.sell(Selling::ProductReleased { claim });
                }
                self.look();
                Ok(())
            }
            Command::CancelOrdered { reason } => self.cancelled(reason),
        }
    }

    /// Pressed again while it runs.
    fn pressed(&mut self, act: Act, pressed_at: DateTime<Utc>) -> Result<(), Refusal> {
        if !self.pressed_again(act, pressed_at)? {
            return Ok(());
        }
        let declined = match (act, &self.state.stage) {
            (Act::CancelNow, _) => self.cancelled("called off in Attio").err().map(|refusal| refusal.message),
            (Act::ResendLink, Stage::PageOut) => {
                Some("the customer is at Zoho's page: the link that they have leads there".to_owned())
            }
            _ => None,
        };
        if let Some(reason) = declined {
            self.sell(Selling::ActDeclined { act, reason, at: self.at.now });
        }
        Ok(())
    }

    fn opened(&mut self, link: u32) -> Result<(), Refusal> {
        if self.link_opened(link)? {
            self.push(Event::QuoteOutdated { at: self.at.now });
        }
        Ok(())
    }

    /// The customer wants to buy: the page that is open is shown again, else one is made.
    fn page_asked(&mut self, link: u32, hash: &str, consent: &Consent) -> Result<(), Refusal> {
        self.newest(link)?;
        let now = self.at.now;
        let over = || Refusal::new("over", "nothing can be bought here now: see what the page says");
        if self.state.closing.is_some() {
            return Err(over());
        }
        match &self.state.stage {
            Stage::PageOut if self.state.usable_page(now).is_some() => return Ok(()),
            // It is being read, or Zoho does not show it: whether it was bought on is known before another one opens.
            Stage::PageOut if self.state.reads_page() => return Ok(()),
            Stage::LinkOut | Stage::PageOut => {}
            Stage::Opening | Stage::Confirming | Stage::Linking | Stage::Running => return Ok(()),
            Stage::New | Stage::Preparing | Stage::Quoted => {
                return Err(Refusal::new("stale_quote", "the quote has changed: look at the new one and accept it"));
            }
            Stage::Held { .. } | Stage::Over { .. } => return Err(over()),
        }
        let (Some(known), Some(quote)) = (&self.state.sale.link, &self.state.sale.quote) else { return Err(over()) };
        if known.expires_at <= now {
            return Err(Refusal::new("expired", "this link is not good any more: ask for a new one"));
        }
        if consent.version != quote.consent_version {
            return Err(Refusal::new("no_consent", "the consent to this text is missing: read it and accept it"));
        }
        if hash != quote.hash {
            return Err(Refusal::new("stale_quote", "the quote has changed: look at the new one and accept it"));
        }
        self.push(Event::ConsentGiven { quote_hash: hash.to_owned(), consent: consent.clone(), at: now });
        Ok(())
    }

    /// Zoho says something of a subscription with our reference, or of ours.
    fn noticed(&mut self, kind: &str, subscription: &str) {
        let known = self.state.sold.as_ref().is_some_and(|sold| sold.subscription.id == subscription);
        if known {
            let trouble = self.state.status().map(Life::of) == Some(Life::PastDue);
            if trouble || !OF_NO_NEWS.contains(&kind) {
                self.look();
            }
            return;
        }
        let bought = self.state.counts.pages > 0
            && match &self.state.stage {
                Stage::LinkOut | Stage::Opening | Stage::PageOut | Stage::Running | Stage::Over { .. } => true,
                Stage::New
                | Stage::Preparing
                | Stage::Quoted
                | Stage::Confirming
                | Stage::Linking
                | Stage::Held { .. } => false,
            };
        let ended = self.state.is_linked() && matches!(self.state.stage, Stage::Over { .. });
        if bought && !ended {
            self.push(Event::PurchaseSeen { source: kind.to_owned(), at: self.at.now });
        }
    }

    /// The subscription is read again, also where a person was to look: it may have mended.
    fn look(&mut self) {
        let looks = match &self.state.stage {
            Stage::Running => self.state.mirror.as_ref().is_some_and(|mirror| mirror.look_at.is_some()),
            Stage::Held { then: After::Mirror, .. } => true,
            _ => false,
        };
        if looks {
            self.push(Event::MirrorDue);
        }
    }

    fn cancelled(&mut self, reason: &str) -> Result<(), Refusal> {
        let state = &self.state;
        if state.sale.intake.is_none() {
            return Err(Refusal::new("not_requested", "nothing was requested here"));
        }
        match &state.stage {
            Stage::Confirming | Stage::Linking | Stage::Running | Stage::Held { then: After::Mirror, .. } => {
                let why = "it is bought, or being looked for: cancel the subscription instead";
                return Err(Refusal::new("sold", why));
            }
            Stage::Held { then: After::Look, .. } if state.is_linked() => {
                return Err(Refusal::new("sold", "it is bought: cancel the subscription instead"));
            }
            Stage::Over { .. } => return Err(Refusal::new("over", "this start is over")),
            _ => {}
        }
        if state.closing.is_none() {
            self.push(Event::CancellationOrdered { reason: reason.to_owned(), at: self.at.now });
            // What may still be bought on a page is waited for, and what is being made at Zoho is finished first.
            if !matches!(self.state.stage, Stage::PageOut | Stage::Opening) {
                self.close();
            }
        }
        Ok(())
    }
}
