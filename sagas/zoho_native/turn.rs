//! A decision in the making, and what follows by itself: the quote once its ground is read, the link once somebody wants to
//! sell, the page once the price stands, the end once nothing is missing.

use super::ZohoNative;
use super::events::Event;
use super::opening::opening;
use super::state::{Ending, Life, OpenPage, Stage, State};
use super::steps;
use super::words::{After, Terms};
use crate::kernel::answer::SubscriptionTerms;
use crate::kernel::effect::ClaimKind;
use crate::kernel::park::ParkCode;
use crate::kernel::pricing::{NoQuote, Rules};
use crate::kernel::quote::{self, Dates, Quote};
use crate::kernel::selling::{Sale, Selling, Sells};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// When a page from which nobody came back is looked at, after it was made. Whoever comes back is looked for at once.
const PAGE_LOOKS: [TimeDelta; 3] = [TimeDelta::minutes(3), TimeDelta::minutes(10), TimeDelta::minutes(30)];
/// What is bought in a page's last moment is seen so long after it.
const LAST_LOOK: TimeDelta = TimeDelta::minutes(2);
/// Zoho bills in the night: looked at in the morning, should its message be lost.
const MORNING: TimeDelta = TimeDelta::hours(6);
/// A subscription of a long term, too, is looked at within so many days.
const AT_MOST: TimeDelta = TimeDelta::days(30);

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, ZohoNative>;

/// When a page is looked at next.
pub(super) fn next_page_look(page: &OpenPage, now: DateTime<Utc>) -> DateTime<Utc> {
    let last = page.expires_at + LAST_LOOK;
    let looks = PAGE_LOOKS.iter().map(|after| page.made_at + *after);
    looks.filter(|at| *at > now).min().map_or(last, |at| at.min(last))
}

/// Nothing can be bought on it any more.
pub(super) fn is_past(page: &OpenPage, now: DateTime<Utc>) -> bool {
    page.expires_at + LAST_LOOK <= now
}

impl Turn<'_> {
    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        // A quote, its link, a page that is over, an end: each round does one of them.
        for _ in 0..8 {
            let before = self.out.len();
            self.follow();
            if self.out.len() == before {
                break;
            }
        }
        self.out
    }

    fn follow(&mut self) {
        let state = &self.state;
        if state.sale.sleep_until.is_some() {
            return;
        }
        match &state.stage {
            Stage::Preparing if steps::preparation(state).is_none() => self.prepared(),
            Stage::Quoted if state.sale.goes_on() => {
                let Some(terms) = state.sale.intake.as_ref().map(|intake| &intake.terms) else { return };
                self.issue_link(terms.reminder_day);
            }
            Stage::LinkOut if state.closing.is_some() => self.close(),
            Stage::Opening if state.closing.is_some() && opening(state).is_none() => self.close(),
            Stage::Opening if state.closing.is_none() && state.sale.facts.offer.is_some() && !state.price_stands => {
                self.priced();
            }
            Stage::Running => self.after_mirror(),
            _ => {}
        }
    }

    /// Everything is read: the quote. One of today that is still good is kept: it is a promise.
    fn prepared(&mut self) {
        let today = self.at.date(self.at.now);
        let Sale { intake, quote, quoted_on, link, .. } = &self.state.sale;
        let Some(intake) = intake else { return };
        if let Some(kept) = quote.clone().filter(|q| *quoted_on == Some(today) && q.expires_at > self.at.now) {
            return self.quoted(kept, today);
        }
        let days = TimeDelta::days(i64::from(intake.terms.link_days));
        let expires_at = link.as_ref().map_or(self.at.now + days, |l| l.expires_at);
        match self.quote(Dates { today, expires_at }) {
            Some(Ok(quote)) => self.quoted(quote, today),
            Some(Err(no)) => self.no_quote(no),
            None => {}
        }
    }

    fn quoted(&mut self, quote: Quote, made_on: NaiveDate) {
        self.sell(Selling::QuoteMade { quote: Box::new(quote), made_on, at: self.at.now });
    }

    fn quote(&self, dates: Dates) -> Option<Result<Quote, NoQuote>> {
        let Sale { intake: Some(intake), facts, .. } = &self.state.sale else { return None };
        let (request, offer) = (facts.request.as_ref()?, facts.offer.as_ref()?);
        // In which currencies Zoho's gateway collects, Zoho knows.
        let currencies = [offer.plan.price.currency.code().to_owned()];
        let rules = Rules { highest_tax_ppm: intake.terms.highest_tax_ppm, currencies: &currencies };
        Some(quote::quote(request, offer, &rules, &intake.terms.consent_version, dates))
    }

    fn no_quote(&mut self, no: NoQuote) {
        match no {
            NoQuote::Refused { reason, cure } => self.refuse(reason, cure),
            NoQuote::Unsound(detail) => self.hold(ParkCode::NoQuote, detail, After::Quote),
        }
    }

    /// Zoho charges what it asks for now: that has to be what the customer accepted.
    fn priced(&mut self) {
        let Some(accepted) = self.state.sale.quote.clone() else { return };
        let today = self.at.date(self.at.now);
        match self.quote(Dates { today, expires_at: accepted.expires_at }) {
            Some(Ok(quote)) if quote.hash == accepted.hash => self.push(Event::PriceStands),
            Some(Ok(quote)) => {
                let released = self.state.sale.held(ClaimKind::ZohoCustomer);
                self.push(Event::PriceChanged { released });
                self.quoted(quote, today);
            }
            Some(Err(no)) => self.no_quote(no),
            None => {}
        }
    }

    pub(super) fn hold(&mut self, code: ParkCode, detail: impl Into<String>, then: After) {
        self.push(Event::StartHeld { code, detail: detail.into(), then, at: self.at.now });
    }

    /// When the subscription is looked at next.
    pub(super) fn next_mirror_look(&self, terms: &SubscriptionTerms) -> DateTime<Utc> {
        let now = self.at.now;
        let offset = TimeDelta::seconds(i64::from(self.at.books_offset));
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc() - offset;
        let morning = terms.next_billing_on.map(|day| midnight(day) + MORNING);
        let trouble = Life::of(&terms.status) == Life::PastDue;
        let next = morning.filter(|at| *at > now && !trouble).unwrap_or(now + TimeDelta::days(1));
        next.min(now + AT_MOST)
    }

    /// What the subscription's state asks for, once its invoice and its end are told of.
    fn after_mirror(&mut self) {
        let State { sold: Some(sold), mirror: Some(mirror), .. } = &self.state else { return };
        if !sold.twins.is_empty() {
            let (kept, newer) = (&sold.subscription.id, sold.twins.join(", "));
            let detail = format!(
                "the customer bought twice: {kept} is kept; cancel {newer} in Zoho and refund its payment there, then resume"
            );
            return self.hold(ParkCode::TwinSubscription, detail, After::Look);
        }
        let Some(terms) = mirror.terms.as_ref().filter(|_| mirror.look_at.is_some()) else { return };
        let life = Life::of(&terms.status);
        if life.is_over() {
            if mirror.end_told {
                let (status, released) = (terms.status.clone(), self.state.sale.claims.clone());
                self.push(Event::SubscriptionOver { status, released, at: self.at.now });
            }
        } else if !terms.auto_collect && mirror.surveyed {
            let detail = format!(
                "automatic collection of subscription {} was turned off in Zoho, and nobody else collects it: turn it on \
                 again, or hand it over, then resume",
                terms.id
            );
            self.hold(ParkCode::NoCollector, detail, After::Mirror);
        }
    }

    /// A sleep or a deadline has come.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        if self.state.sale.sleep_until.is_some_and(|until| until <= now) {
            return self.sell(Selling::WaitOver);
        }
        if let Some(due) = self.state.people.come_due(now).filter(|_| steps::rests(&self.state)) {
            return self.push(Event::Told(due));
        }
        match &self.state.stage {
            Stage::Quoted => self.expire(),
            Stage::LinkOut => match &self.state.sale.link {
                Some(link) if link.expires_at > now => {
                    let number = link.number;
                    self.sell(Selling::ReminderDue { number });
                }
                _ => self.expire(),
            },
            Stage::PageOut => self.push(Event::PageLookDue),
            Stage::Running => self.push(Event::MirrorDue),
            Stage::New
            | Stage::Preparing
            | Stage::Opening
            | Stage::Confirming
            | Stage::Linking
            | Stage::Held { .. }
            | Stage::Over { .. } => {}
        }
    }

    pub(super) fn expire(&mut self) {
        self.push(Event::LinkExpired { at: self.at.now });
        self.close();
    }

    /// Over, unless a page may still be bought on.
    pub(super) fn close(&mut self) {
        if self.state.stage != Stage::PageOut {
            let released = self.state.sale.claims.clone();
            self.push(Event::StartClosed { released, at: self.at.now });
        }
    }

    /// Nothing was bought on the page, and nothing can be any more.
    pub(super) fn page_over(&mut self, page: String) {
        let (released, now) = (self.state.sale.held(ClaimKind::ZohoCustomer), self.at.now);
        self.push(Event::PageOver { page, released, at: now });
        if self.state.closing.is_none() && self.state.sale.link.as_ref().is_some_and(|link| link.expires_at <= now) {
            self.push(Event::LinkExpired { at: now });
        }
    }

    /// A person lets it go on.
    pub(super) fn resumed(&mut self) {
        if matches!(self.state.stage, Stage::Held { .. }) {
            self.push(Event::StartResumed { at: self.at.now });
        }
    }
}

impl Sells for ZohoNative {
    type Terms = Terms;

    fn sale(state: &State) -> &Sale<Terms> {
        &state.sale
    }

    fn prepares(state: &State) -> bool {
        state.stage == Stage::Preparing
    }

    fn is_link_out(state: &State) -> bool {
        state.stage == Stage::LinkOut
    }

    fn is_ending(state: &State) -> bool {
        state.closing.is_some()
    }

    fn is_over(state: &State) -> bool {
        matches!(state.stage, Stage::Over { .. })
    }

    /// Nothing was bought.
    fn refuse(turn: &mut Turn<'_>, reason: String, cure: String) {
        let released = turn.state.sale.claims.clone();
        turn.push(Event::StartRefused { reason, cure, released, at: turn.at.now });
    }
}

impl State {
    /// How it ends where nothing is bought.
    pub(super) fn ending(&self) -> (Ending, String) {
        self.closing.as_ref().map_or_else(
            || (Ending::Expired, "the link was not used in time".to_owned()),
            |closing| (closing.ending, closing.reason.clone()),
        )
    }
}
