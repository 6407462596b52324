//! What comes from outside: presses in Attio, the customer at the page, people who call it off, the invoice's stream.

use super::events::Event;
use super::state::Stage;
use super::turn::Turn;
use super::words::{Act, Command, Consent, Paying};
use crate::kernel::effect::ClaimKind;
use crate::kernel::ids::derive;
use crate::kernel::saga::Refusal;
use crate::kernel::selling::Selling;
use chrono::{DateTime, Utc};

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
                self.push(Event::ActivationRequested {
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
            Command::Submitted { link, quote_hash, consent, with } => self.submitted(*link, quote_hash, consent, with),
            Command::CancelOrdered { reason } => self.cancelled(reason),
            Command::InvoiceRecorded { invoice, number, payment, next_billing_on } => {
                if self.state.capture.is_none() {
                    return Err(Refusal::new("nothing_captured", "nothing was captured here that could be recorded"));
                }
                if self.state.record.is_none() {
                    self.push(Event::PaymentRecorded {
                        invoice: invoice.clone(),
                        number: number.clone(),
                        payment: payment.clone(),
                        next_billing_on: *next_billing_on,
                        at: self.at.now,
                    });
                }
                Ok(())
            }
            Command::SubscriptionEnded { product } => {
                let kept =
                    self.state.sale.claims.iter().find(|c| c.kind == ClaimKind::AccountPlanFamily && c.key == *product);
                if let Some(claim) = kept.filter(|_| self.state.is_sold()).cloned() {
                    self.sell(Selling::ProductReleased { claim });
                }
                Ok(())
            }
            Command::CaptureReversed { transaction } => {
                let ours = self.state.capture.as_ref().is_some_and(|c| c.transaction == *transaction);
                if !ours {
                    return Err(Refusal::new("nothing_captured", "that transaction was not captured here"));
                }
                if self.state.record.is_none() && !self.state.reversed {
                    self.push(Event::CaptureReversed { transaction: transaction.clone(), at: self.at.now });
                }
                Ok(())
            }
            Command::Repriced { offerings, at } => {
                self.repriced(offerings, *at);
                Ok(())
            }
        }
    }

    /// Pressed again while it runs.
    fn pressed(&mut self, act: Act, pressed_at: DateTime<Utc>) -> Result<(), Refusal> {
        let new = self.pressed_again(act, pressed_at)?;
        if new
            && act == Act::CancelNow
            && let Err(refusal) = self.cancelled("called off in Attio")
        {
            self.sell(Selling::ActDeclined { act, reason: refusal.message, at: self.at.now });
        }
        Ok(())
    }

    fn opened(&mut self, link: u32) -> Result<(), Refusal> {
        if self.link_opened(link)? {
            self.push(Event::QuoteOutdated { input: None, at: self.at.now });
        }
        Ok(())
    }

    fn submitted(&mut self, link: u32, hash: &str, consent: &Consent, with: &Paying) -> Result<(), Refusal> {
        self.newest(link)?;
        let now = self.at.now;
        let paid = self.state.capture.is_some() || self.state.nothing.is_some();
        let under_way = self.state.undoing.is_none()
            && matches!(self.state.stage, Stage::Paying | Stage::HandingOver | Stage::AwaitingRecord { .. });
        if under_way || paid {
            // The first submission counts: its state is what the page shows, and this card is never used.
            self.push(Event::SubmissionSetAside { input: with.input(), at: now });
            return Ok(());
        }
        if self.state.undoing.is_some() || matches!(self.state.stage, Stage::Over { .. } | Stage::Held { .. }) {
            return Err(Refusal::new("over", "nothing can be paid here now: see what the page says"));
        }
        let stale = || Refusal::new("stale_quote", "the quote has changed: look at the new one and accept it");
        let (Some(known), Some(quote)) = (&self.state.sale.link, &self.state.sale.quote) else { return Err(stale()) };
        if self.state.stage != Stage::LinkOut {
            return Err(stale());
        }
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
        if consent.version != quote.consent_version {
            return Err(Refusal::new("no_consent", "the consent to this text is missing: read it and accept it"));
        }
        if hash != quote.hash {
            return Err(stale());
        }
        if self.state.sale.facts.offer.is_none() || self.state.sale.is_old(now) {
            self.push(Event::QuoteOutdated { input: with.input(), at: now });
            return Ok(());
        }
        self.consent(hash, consent, with);
        Ok(())
    }

    /// A price changed after it was quoted. What was accepted is kept to: the customer pays no more than the ceiling.
    fn repriced(&mut self, offerings: &[String], at: DateTime<Utc>) {
        let open = matches!(self.state.stage, Stage::Quoted | Stage::LinkOut) && self.state.undoing.is_none();
        let Some(offer) = self.state.sale.facts.offer.as_ref().filter(|offer| open && offer.read_at < at) else {
            return;
        };
        let plan = std::iter::once(("plan", &offer.plan.code));
        let addons = offer.addons.iter().map(|addon| ("addon", &addon.code));
        let coupon = offer.coupon.iter().map(|coupon| ("coupon", &coupon.code));
        let mut quoted = plan.chain(addons).chain(coupon).map(|(kind, code)| format!("{kind}:{code}"));
        if quoted.any(|name| offerings.contains(&name)) {
            self.push(Event::QuoteOutdated { input: None, at: self.at.now });
        }
    }

    fn consent(&mut self, hash: &str, consent: &Consent, with: &Paying) {
        let Some(saga) = self.state.saga() else { return };
        let number = self.state.submissions + 1;
        let token = match with {
            Paying::Stored { token, .. } => token.clone(),
            // Of our choosing: a repeated call vaults one card.
            Paying::New { .. } => {
                let method = derive("method", &[&saga.0.simple().to_string(), &number.to_string()]);
                format!("m-{}", method.simple())
            }
        };
        self.push(Event::ConsentGiven {
            number,
            quote_hash: hash.to_owned(),
            consent: consent.clone(),
            with: with.clone(),
            token,
            at: self.at.now,
        });
    }

    fn cancelled(&mut self, reason: &str) -> Result<(), Refusal> {
        let state = &self.state;
        if state.sale.intake.is_none() {
            return Err(Refusal::new("not_requested", "nothing was requested here"));
        }
        let capturing = state.invoice.fresh.is_some() && state.stage == Stage::Paying;
        if state.capture.is_some() || capturing {
            return Err(Refusal::new(
                "captured",
                "the payment is being taken or was taken: cancel the subscription instead, with a proposal to refund",
            ));
        }
        let begun = !state.by_braintree()
            && state.made.subscription.is_some()
            && state.sale.quote.as_ref().is_some_and(|q| !q.is_due_today());
        if state.nothing.is_some() || begun {
            return Err(Refusal::new("active", "the subscription is made: cancel the subscription instead"));
        }
        if matches!(state.stage, Stage::Over { .. }) {
            return Err(Refusal::new("over", "this activation is over"));
        }
        if state.undoing.is_none() {
            self.push(Event::CancellationOrdered { reason: reason.to_owned(), at: self.at.now });
        }
        Ok(())
    }
}
