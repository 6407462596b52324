//! What a sale decides: on presses, on what was read for a quote, on its link.

use super::events::Selling;
use super::sale::{Intake, Sale};
use crate::kernel::act::Act;
use crate::kernel::answer::{Answer, Request, ZohoCustomer};
use crate::kernel::effect::{ClaimKind, Desk, Effect, Zoho};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::saga::{Refusal, Saga};
use crate::kernel::sellable;
use crate::kernel::turn::Turn;
use chrono::{DateTime, TimeDelta, Utc};

/// What another saga holds is asked for again.
const BUSY_AGAIN: TimeDelta = TimeDelta::seconds(60);
/// When Zoho is looked at again for what it has not made yet: after 10 s, 1, 5 and 15 min.
const LOOK_AGAIN: [TimeDelta; 4] =
    [TimeDelta::seconds(10), TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::minutes(15)];

/// A flow that sells.
pub(crate) trait Sells: Saga<Event: From<Selling>> + Sized {
    /// The settings that a sale runs under.
    type Terms;

    /// The sale in its state.
    fn sale(state: &Self::State) -> &Sale<Self::Terms>;

    /// The quote's ground is being read.
    fn prepares(state: &Self::State) -> bool;

    /// The link is out, and leads to a quote.
    fn is_link_out(state: &Self::State) -> bool;

    /// It is called off, or failed, and not over yet.
    fn is_ending(state: &Self::State) -> bool;

    /// It is over.
    fn is_over(state: &Self::State) -> bool;

    /// Decides that it is refused: why, and what to do.
    fn refuse(turn: &mut Turn<'_, Self>, reason: String, cure: String);
}

impl<S: Sells> Turn<'_, S> {
    pub(crate) fn sell(&mut self, event: Selling) {
        self.push(event.into());
    }

    fn sale(&self) -> &Sale<S::Terms> {
        S::sale(&self.state)
    }

    /// Refused with the cure.
    pub(crate) fn refuse(&mut self, reason: impl Into<String>, cure: impl Into<String>) {
        S::refuse(self, reason.into(), cure.into());
    }

    /// Pressed again while it runs; whether it is a new press. The running one answers, and goes on where the act lets it.
    pub(crate) fn pressed_again(&mut self, act: Act, pressed_at: DateTime<Utc>) -> Result<bool, Refusal> {
        // The same press delivered again.
        if self.sale().pressed_at.is_some_and(|last| pressed_at <= last) {
            return Ok(false);
        }
        if S::is_over(&self.state) {
            return Err(Refusal::new("over", "this start is over; a new press begins a new one"));
        }
        self.sell(Selling::ActPressed { act, pressed_at, at: self.at.now });
        Ok(true)
    }

    /// It is the newest link.
    pub(crate) fn newest(&self, link: u32) -> Result<(), Refusal> {
        if link == self.sale().links && link > 0 {
            return Ok(());
        }
        Err(Refusal::new("old_link", "this link was replaced by a newer one: open the newest letter"))
    }

    /// The customer opened a link; whether what it leads to has to be quoted anew.
    pub(crate) fn link_opened(&mut self, link: u32) -> Result<bool, Refusal> {
        self.newest(link)?;
        let now = self.at.now;
        let Some(known) = self.sale().link.clone().filter(|_| S::is_link_out(&self.state)) else { return Ok(false) };
        if !known.opened {
            self.sell(Selling::LinkOpened { number: link, at: now });
        }
        // Dates of the quote count from its day.
        Ok(!S::is_ending(&self.state) && known.expires_at > now && self.sale().quoted_on != Some(self.at.date(now)))
    }

    /// A link to the quote, with a reminder after so many days.
    pub(crate) fn issue_link(&mut self, reminder_day: u32) {
        let Sale { quote: Some(quote), links, .. } = self.sale() else { return };
        let (number, expires_at) = (links + 1, quote.expires_at);
        let remind_at = self.at.now + TimeDelta::days(i64::from(reminder_day));
        self.sell(Selling::LinkIssued { number, expires_at, remind_at, at: self.at.now });
    }

    /// An answer to what every sale reads; false: it is none.
    pub(crate) fn has_read(&mut self, step: &str, effect: &Effect, answer: &Answer) -> bool {
        match (step, answer) {
            (_, Answer::Request(request)) => self.request(request),
            (_, Answer::Enrolled(enrolment)) => self.sell(Selling::CustomerEnrolled { enrolment: enrolment.clone() }),
            (_, Answer::PersonRead { missing, country }) => {
                self.sell(Selling::PersonChecked { missing: missing.clone(), country: country.clone() });
                if !missing.is_empty() {
                    let reason = format!("the client's record lacks {}", missing.join(", "));
                    self.refuse(reason, "fill it in on the client's record, then press again");
                }
            }
            (_, Answer::Offer(offer)) => self.sell(Selling::OfferRead { offer: offer.clone() }),
            ("zoho_customer", Answer::ZohoCustomer(customer)) => {
                self.sell(Selling::ZohoCustomerMade { customer: customer.id.clone() });
            }
            (_, Answer::ZohoCustomer(customer)) => self.zoho_customer(customer),
            (_, Answer::ZohoCustomers { customers }) => {
                self.sell(Selling::RetiredCustomersFound { customers: customers.clone() });
            }
            ("revive_zoho_customer", _) => {
                if let Effect::Zoho(Zoho::ReviveCustomer { customer }) = effect {
                    self.sell(Selling::ZohoCustomerRevived { customer: customer.clone() });
                }
            }
            ("link_zoho_customer", _) => self.sell(Selling::ZohoCustomerLinked),
            _ => return false,
        }
        true
    }

    /// What every sale reads is not there, or not acceptable; false: it is something else, or a person's to look at.
    pub(crate) fn has_not_read(&mut self, step: &str, effect: &Effect, rejection: &Rejection) -> bool {
        let gone = rejection.kind == RejectionKind::NotFound;
        match step {
            // The record was deleted: nobody asks any more.
            "read_request" if gone => self.sell(Selling::PressOutdated),
            "read_person" if gone => {
                self.refuse("the client's record does not exist any more", "choose a customer, then press again");
            }
            "read_offer" => {
                let reason = format!("Zoho does not sell this: {}", rejection.message);
                self.refuse(reason, "check `Plan`, `Add-ons` and `Coupon code`, then press again");
            }
            "read_customer" if gone => {
                let reason = "the customer is linked to a Zoho customer that does not exist";
                self.refuse(reason, "ask an operator to correct the link, then press again");
            }
            "revive_zoho_customer" if gone => {
                if let Effect::Zoho(Zoho::ReviveCustomer { customer }) = effect {
                    self.sell(Selling::RetiredCustomerGone { customer: customer.clone() });
                }
            }
            _ => return false,
        }
        true
    }

    fn request(&mut self, request: &Request) {
        let Some(Intake { act, pressed_at, ordered, .. }) = &self.sale().intake else { return };
        let (act, pressed_at, ordered) = (*act, *pressed_at, *ordered);
        self.sell(Selling::RequestRead { request: Box::new(request.clone()) });
        // The stored transition decides, not the message: another act was pressed since, or this one was answered.
        let stands = request.act.as_deref() == Some(act.title()) && request.pressed_at == Some(pressed_at);
        if !stands && !ordered {
            return self.sell(Selling::PressOutdated);
        }
        if act == Act::ResendLink {
            return self.refuse("there is no open checkout whose link could be sent again", "press `Start`");
        }
        if let Some(not) = sellable::request(request) {
            self.refuse(not.reason, not.cure);
        }
    }

    fn zoho_customer(&mut self, customer: &ZohoCustomer) {
        self.sell(Selling::ZohoCustomerRead { customer: Box::new(customer.clone()) });
        let sale = self.sale();
        let plan = sale.facts.offer.as_ref().map(|offer| &offer.plan);
        if let Some(not) = sellable::customer(customer, sale.customer(), plan) {
            self.refuse(not.reason, not.cure);
        }
    }

    /// What came of a claim.
    pub(crate) fn claimed(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Desk(Desk::Claim { claims } | Desk::TakeOver { claims, .. }) = effect else { return };
        let is_product = claims.iter().any(|claim| claim.kind == ClaimKind::AccountPlanFamily);
        let prepares = S::prepares(&self.state);
        match outcome {
            Outcome::Done { .. } => self.sell(Selling::ClaimsTaken { claims: claims.clone() }),
            Outcome::Declined { .. } if is_product && prepares && !self.sale().facts.product_kept => {
                self.sell(Selling::ProductKept);
            }
            Outcome::Declined { decline } if prepares && !S::is_ending(&self.state) => {
                let reason = "something else is being started, or is live, for this customer and product";
                let cure = "press `Change plan` on the record of what is live; finish or cancel what is being started, \
                            then press again";
                self.refuse(format!("{reason} ({})", decline.code), cure);
            }
            Outcome::Declined { decline } => self.busy(decline.code.clone()),
            Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }

    pub(crate) fn busy(&mut self, held: String) {
        self.sell(Selling::ClaimBusy { held, again_at: self.at.now + BUSY_AGAIN });
    }

    /// The next look at something that Zoho is about to make; none when it is a person's turn.
    pub(crate) fn look_again(&self) -> Option<DateTime<Utc>> {
        let at = usize::try_from(self.sale().looks).ok()?;
        LOOK_AGAIN.get(at).map(|wait| self.at.now + *wait)
    }
}
