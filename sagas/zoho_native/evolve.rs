//! How it changes with each event. Pure folding: nothing is decided here, and no event is refused.

use super::events::Event;
use super::face;
use super::state::{Closing, Ending, Life, Mirror, OpenPage, Sold, Stage, State};
use super::turn::next_page_look;
use super::words::{Act, After, LetterKind};
use crate::kernel::selling::{Intake, Selling};
use chrono::{DateTime, Utc};

impl State {
    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_press(event);
        self.apply_selling(event);
        self.apply_accepted(event);
        self.apply_page(event);
        self.apply_purchase(event);
        self.apply_mirror(event);
        self.apply_end(event);
        self.apply_told(event);
        if let Some(at) = time(event) {
            // A press is answered by what is shown: that is written again, as of now, even where it is the same.
            self.show(at, matches!(event, Event::Selling(Selling::ActPressed { .. })));
        }
    }

    /// What people see changes with the state, and only then is written, or where somebody asks for it.
    pub(super) fn show(&mut self, at: DateTime<Utc>, anew: bool) {
        let Some(face) = face::face(self, at) else { return };
        if anew || self.people.face().is_none_or(|old| !face::same(old, &face)) {
            self.people.show(face);
        }
    }

    fn apply_press(&mut self, event: &Event) {
        let Event::StartRequested { organization, installation, record, act, pressed_at, terms, ordered, .. } = event
        else {
            return;
        };
        self.sale.begin(Intake {
            organization: organization.clone(),
            installation: installation.clone(),
            record: record.clone(),
            act: *act,
            pressed_at: *pressed_at,
            terms: (**terms).clone(),
            ordered: *ordered,
        });
        self.stage = Stage::Preparing;
    }

    /// Pressed again while it runs.
    fn pressed(&mut self, act: Act, at: DateTime<Utc>) {
        self.people.hurry();
        match (act, &self.stage) {
            (Act::Start | Act::Retry, Stage::Quoted | Stage::Preparing) => {
                self.sale.act = Some(act);
                if self.sale.is_old(at) {
                    self.prepare();
                }
                self.stage = Stage::Preparing;
            }
            (Act::ResendLink, Stage::LinkOut) => {
                self.sale.link = None;
                self.read_offer_anew();
            }
            _ => {}
        }
    }

    /// All that can change is read anew.
    fn prepare(&mut self) {
        self.stage = Stage::Preparing;
        self.price_stands = false;
        self.sale.prepare();
    }

    /// Prices only: the customer's own state was read before.
    fn read_offer_anew(&mut self) {
        self.stage = Stage::Preparing;
        self.sale.read_offer_anew();
        self.consent = None;
    }

    fn apply_selling(&mut self, event: &Event) {
        let Event::Selling(event) = event else { return };
        self.sale.apply(event);
        match event {
            Selling::ActPressed { act, at, .. } => self.pressed(*act, *at),
            Selling::PressOutdated => self.over(Ending::Outdated, "", ""),
            Selling::QuoteMade { .. } => {
                self.consent = None;
                let again = self.sale.goes_on() && self.sale.link.is_some();
                self.stage = if again { Stage::LinkOut } else { Stage::Quoted };
            }
            Selling::LinkIssued { .. } => {
                self.stage = Stage::LinkOut;
                self.people.owe_letter(LetterKind::Link);
            }
            Selling::ReminderDue { .. } => self.people.owe_letter(LetterKind::Reminder),
            _ => {}
        }
    }

    fn apply_accepted(&mut self, event: &Event) {
        match event {
            Event::QuoteOutdated { .. } => self.read_offer_anew(),
            Event::ConsentGiven { consent, .. } => {
                self.consent = Some(consent.clone());
                self.stage = Stage::Opening;
                self.price_stands = false;
                self.sale.read_anew();
            }
            Event::PriceStands => self.price_stands = true,
            Event::PriceChanged { released } => self.sale.let_go(released),
            _ => {}
        }
    }

    fn apply_page(&mut self, event: &Event) {
        match event {
            Event::PageMade { page, expires_at, at } => {
                self.counts.pages += 1;
                self.stage = Stage::PageOut;
                let (id, made_at, expires_at) = (page.clone(), *at, *expires_at);
                let mut page = OpenPage { id, made_at, expires_at, usable: true, look_at: made_at, due: false };
                page.look_at = next_page_look(&page, made_at);
                self.page = Some(page);
                self.paged = self.sale.zoho_customer().map(str::to_owned);
                // Who buys needs no link any more.
                self.people.drop_letters(|_| true);
            }
            Event::PageLookDue => {
                if let Some(page) = &mut self.page {
                    page.due = true;
                }
            }
            Event::PageRead { status, look_at, .. } => {
                self.counts.page_reads += 1;
                if let Some(page) = &mut self.page {
                    page.due = false;
                    page.look_at = *look_at;
                    page.usable &= status != "failed";
                }
            }
            Event::PageOver { released, .. } => {
                self.counts.page_reads += 1;
                self.sale.let_go(released);
                self.page = None;
                self.stage = Stage::LinkOut;
            }
            _ => {}
        }
    }

    fn apply_purchase(&mut self, event: &Event) {
        match event {
            Event::PurchaseSeen { .. } => {
                self.counts.page_reads += u32::from(self.page.as_ref().is_some_and(|page| page.due));
                self.page = None;
                self.stage = Stage::Confirming;
                self.sale.looks = 0;
                self.sale.sleep_until = None;
            }
            Event::PurchaseUnseen { again_at } => {
                self.counts.lists += 1;
                self.sale.looks += 1;
                self.sale.sleep_until = Some(*again_at);
            }
            Event::PurchaseFound { subscription, twins, .. } => {
                self.counts.lists += 1;
                self.sale.looks = 0;
                self.closing = None;
                let linked_on = self.sold.as_ref().and_then(|sold| sold.linked_on);
                self.sold = Some(Sold { subscription: (**subscription).clone(), twins: twins.clone(), linked_on });
                self.stage = if linked_on.is_some() { Stage::Running } else { Stage::Linking };
            }
            Event::SubscriptionLinked { released, on, .. } => {
                self.sale.let_go(released);
                if let Some(sold) = &mut self.sold {
                    sold.linked_on = Some(*on);
                }
                self.mirror = Some(Mirror::default());
                self.stage = Stage::Running;
                let title = self.sale.title();
                self.people.owe_task("active", format!("{title} is active; Zoho collects it"));
            }
            _ => {}
        }
    }

    fn apply_mirror(&mut self, event: &Event) {
        if matches!(event, Event::MirrorDue) {
            self.stage = Stage::Running;
            self.people.drop_task("held");
        }
        let Some(mirror) = &mut self.mirror else { return };
        match event {
            Event::MirrorDue => (mirror.look_at, mirror.surveyed) = (None, false),
            Event::OwnerSurveyed { busy, .. } => {
                self.counts.mirrors += 1;
                mirror.surveyed = !busy;
            }
            Event::SubscriptionMirrored { terms, look_at, .. } => {
                mirror.terms = Some((**terms).clone());
                mirror.look_at = Some(*look_at);
            }
            Event::PaymentFailed { invoice, .. } => mirror.past_due = Some(invoice.clone()),
            Event::PaymentRecovered { .. } => {
                mirror.past_due = None;
                // Its stream reads it once more, should the message of its payment be lost.
                mirror.told = None;
            }
            Event::InvoiceTold { invoice } => {
                self.counts.told += 1;
                mirror.told = Some(invoice.clone());
            }
            Event::EndTold => mirror.end_told = true,
            _ => {}
        }
    }

    pub(super) fn over(&mut self, ending: Ending, reason: &str, cure: &str) {
        self.stage = Stage::Over { ending, reason: reason.to_owned(), cure: cure.to_owned() };
        self.sale.sleep_until = None;
        self.closing = None;
        self.people.drop_letters(|_| true);
    }

    fn apply_end(&mut self, event: &Event) {
        match event {
            Event::StartRefused { reason, cure, released, .. } => {
                self.sale.let_go(released);
                self.over(Ending::Refused, reason, cure);
            }
            Event::CancellationOrdered { reason, .. } => {
                self.closing = Some(Closing { ending: Ending::Cancelled, reason: reason.clone() });
            }
            Event::LinkExpired { .. } => {
                let reason = "the link was not used in time".to_owned();
                self.closing = Some(Closing { ending: Ending::Expired, reason });
            }
            Event::StartClosed { released, .. } => {
                self.sale.let_go(released);
                if !matches!(self.stage, Stage::Over { .. }) {
                    let (ending, reason) = self.ending();
                    self.over(ending, &reason, "press `Start` for a new one");
                }
            }
            Event::StartHeld { code, detail, then, .. } => {
                self.stage = Stage::Held { code: *code, detail: detail.clone(), then: *then };
                // A list that showed nothing was the last one of its ladder.
                self.counts.lists += u32::from(*then == After::Look && !self.is_linked());
                self.people.owe_task("held", format!("An operator must look: {detail}"));
            }
            Event::StartResumed { .. } => self.resumed(),
            Event::SubscriptionOver { released, .. } => {
                self.sale.let_go(released);
                self.over(Ending::Ended, "", "");
            }
            Event::HandedOver { .. } => self.over(Ending::HandedOver, "", ""),
            _ => {}
        }
    }

    fn resumed(&mut self) {
        let Stage::Held { then, .. } = self.stage else { return };
        self.sale.looks = 0;
        self.people.drop_task("held");
        match then {
            After::Quote => self.prepare(),
            After::Look => self.stage = Stage::Confirming,
            After::Mirror => {
                self.stage = Stage::Running;
                if let Some(mirror) = &mut self.mirror {
                    (mirror.look_at, mirror.surveyed) = (None, false);
                }
            }
        }
    }

    /// How the subscription stands at Zoho.
    pub(super) fn life(&self) -> Option<Life> {
        self.status().map(Life::of)
    }
}

/// When it happened, for the events that people see something of.
const fn time(event: &Event) -> Option<DateTime<Utc>> {
    match event {
        Event::Selling(event) => event.seen_at(),
        Event::ConsentGiven { at, .. }
        | Event::PageOver { at, .. }
        | Event::PurchaseSeen { at, .. }
        | Event::SubscriptionLinked { at, .. }
        | Event::SubscriptionMirrored { at, .. }
        | Event::StartHeld { at, .. }
        | Event::StartResumed { at }
        | Event::StartRefused { at, .. }
        | Event::CancellationOrdered { at, .. }
        | Event::StartClosed { at, .. }
        | Event::SubscriptionOver { at, .. } => Some(*at),
        _ => None,
    }
}
