//! Zoho's own collection: pages on its host on which customers buy, go away or give up, renewals that its gateway charges,
//! charges that fail and end a subscription, and people who hand a subscription over.

use crate::braintree::not_found;
use crate::people::{Deed, ORGANIZATION, installation, item};
use crate::world::{Event, World};
use crate::zoho::{MONTH, Zoho};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::answer::{Answer, CollectionOwner, HostedPage};
use sagas::kernel::effect::{OnPage, PageOrder};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Outcome;
use sagas::kernel::saga::Saga;
use sagas::zoho_native::{Act, Command, Consent, PageStage, Terms, ZohoNative};

/// A customer comes to the page so often.
const VISITS: u32 = 20;
/// Zoho's gateway tries a refused charge so often.
const TRIES: u32 = 3;

/// A page on Zoho's host.
#[derive(Debug, Clone)]
pub(crate) struct OpenPage {
    order: PageOrder,
    shown: HostedPage,
}

impl Zoho {
    pub(crate) fn on_page(&mut self, call: &OnPage, now: DateTime<Utc>) -> Outcome {
        let shown = match call {
            OnPage::Create(order) => {
                let shown = HostedPage {
                    id: self.id("hp"),
                    status: "fresh".to_owned(),
                    expires_at: Some(now + TimeDelta::hours(1)),
                    subscription: None,
                    invoice: None,
                };
                self.pages.push(OpenPage { order: (**order).clone(), shown: shown.clone() });
                shown
            }
            OnPage::Read { page } => match self.pages.iter().find(|known| known.shown.id == *page) {
                Some(known) => known.shown.clone(),
                None => return not_found(),
            },
        };
        Outcome::Done { answer: Answer::HostedPage(Box::new(shown)) }
    }

    /// Nobody has bought on it, and it can still be bought on.
    fn is_open(&self, page: &str, now: DateTime<Utc>) -> bool {
        let open = |known: &OpenPage| {
            known.shown.id == page
                && !matches!(known.shown.status.as_str(), "success" | "cancelled")
                && known.shown.expires_at.is_some_and(|at| at > now)
        };
        self.pages.iter().any(open)
    }

    fn mark_page(&mut self, page: &str, status: &str) {
        for known in self.pages.iter_mut().filter(|known| known.shown.id == page) {
            status.clone_into(&mut known.shown.status);
        }
    }

    /// Somebody buys: the subscription, its first invoice, and the payment by Zoho's own gateway.
    fn buys(&mut self, page: &str, now: DateTime<Utc>) -> Option<String> {
        let at = self.pages.iter().position(|known| known.shown.id == page)?;
        let PageOrder::NewSubscription { customer, reference, sold, .. } = self.pages[at].order.clone() else {
            return None;
        };
        let made = self.subscribe(&customer, &reference, &sold.plan, now);
        self.collects(&made.id);
        let total = made.amount?.minor * i64::from(sold.quantity);
        let bill = self.bill(&customer, Some(&made.id), total, TimeDelta::zero(), now);
        self.takes(&bill, now);
        let shown = &mut self.pages[at].shown;
        "success".clone_into(&mut shown.status);
        (shown.subscription, shown.invoice) = (Some(made.id.clone()), Some(bill));
        Some(made.id)
    }

    /// Zoho's own gateway takes what an invoice owes.
    fn takes(&mut self, bill: &str, now: DateTime<Utc>) {
        let Some(owed) = self.bill_of(bill).map(|bill| self.balance(bill)).filter(|owed| *owed > 0) else { return };
        let reference = format!("zt-{}", self.payments.len());
        self.pay(bill, &reference, "autotransaction", owed, now);
    }

    fn collects(&mut self, id: &str) {
        for (known, _) in self.subscriptions.iter_mut().filter(|(known, _)| known.id == id) {
            known.auto_collect = true;
        }
    }

    pub(crate) fn set_status(&mut self, id: &str, status: &str) {
        for (known, _) in self.subscriptions.iter_mut().filter(|(known, _)| known.id == id) {
            status.clone_into(&mut known.status);
        }
    }

    /// The next term begins, where it does: none, where the subscription is over or ends.
    pub(crate) fn next_term(&mut self, id: &str, term: TimeDelta, now: DateTime<Utc>) -> Option<()> {
        let (known, _) = self.subscriptions.iter_mut().find(|(known, _)| known.id == id)?;
        let due = known.next_billing_on.is_some_and(|day| day <= now.date_naive());
        if known.status == "non_renewing" && due {
            "cancelled".clone_into(&mut known.status);
        }
        if !due || known.status == "cancelled" || known.status == "paused" {
            return None;
        }
        known.next_billing_on = known.next_billing_on.map(|day| day + term);
        Some(())
    }
}

fn terms() -> Terms {
    Terms {
        highest_tax_ppm: 270_000,
        link_days: 7,
        reminder_day: 3,
        consent_version: "1".to_owned(),
        deal_at_link: false,
    }
}

impl World {
    /// A CRM user presses an act on a record that Zoho is to collect for.
    pub(crate) fn press_native(&mut self, record: &str, company: &str) {
        let now = self.clock.now();
        let takes = |saga: &&SagaId| {
            let slot = self.sagas.get(saga);
            slot.is_none_or(|s| s.live.flow().ended.is_none() && ZohoNative::takes_presses(&s.live.summary().state))
        };
        let last = self.running.get(record).copied();
        let running = last.as_ref().filter(takes).copied();
        let sold = last.is_some_and(|saga| {
            let state = self.sagas.get(&saga).map(|slot| slot.live.summary().state);
            state.is_some_and(|state| !ZohoNative::takes_presses(&state))
        });
        // Once it is sold a press is about the subscription.
        if sold {
            return;
        }
        let act = match running {
            Some(_) => self.dice.of(&[Act::Start, Act::ResendLink, Act::ResendLink, Act::CancelNow]),
            None => self.dice.of(&[Act::Start, Act::Start, Act::Start, Act::Retry, Act::Quote]),
        };
        let saga = running.unwrap_or_else(|| ZohoNative::id(record, now));
        self.running.insert(record.to_owned(), saga);
        self.laws.belongs.insert(saga, company.to_owned());
        self.crm.press(record, act.title(), now);
        let pressed = Command::Pressed {
            organization: ORGANIZATION.to_owned(),
            installation: installation(),
            record: record.to_owned(),
            act,
            pressed_at: now,
            terms: Box::new(terms()),
            ordered: false,
        };
        let pressed = item::<ZohoNative>("attio.act", &pressed);
        self.message(saga, &pressed.clone(), TimeDelta::minutes(15), Some(pressed));
        if act == Act::Quote {
            let wait = self.millis(600_000, 36_000_000);
            self.clock.after(wait, Event::Deed(Deed::Press { record: record.to_owned() }));
        }
        if running.is_none() {
            let wait = self.millis(60_000, 4 * 3_600_000);
            self.clock.after(wait, Event::Deed(Deed::VisitNative { saga, visits: 0 }));
        }
    }

    /// The customer looks at the page, and goes on to Zoho's.
    pub(crate) fn visit_native(&mut self, saga: SagaId, visits: u32) {
        let now = self.clock.now();
        let page = self.sagas.get(&saga).and_then(|slot| slot.live.native_page(now));
        let mut soon = false;
        let again = match page.map(|page| (page.link, page.stage)) {
            None | Some((_, PageStage::Preparing | PageStage::Confirming)) => true,
            Some((link, PageStage::Quoted { quote })) => {
                if self.dice.chance(850) {
                    let opened = item::<ZohoNative>("page.opened", &Command::Opened { link });
                    self.clock.after(TimeDelta::milliseconds(5), Event::Comes(saga, Box::new(opened)));
                    let consent = Consent { version: "1".to_owned(), at: now, evidence: None };
                    let asked = Command::PageAsked { link, quote_hash: quote.hash, consent };
                    let asked = item::<ZohoNative>("page.asked", &asked);
                    let twice = self.dice.chance(150);
                    for click in 0..=i64::from(twice) {
                        let wait = TimeDelta::seconds(10 + 2 * click);
                        self.clock.after(wait, Event::Comes(saga, Box::new(asked.clone())));
                    }
                    soon = true;
                }
                true
            }
            Some((link, PageStage::AtZoho { page })) => {
                self.at_zoho(saga, link, &page);
                true
            }
            Some(_) => false,
        };
        if again && visits < VISITS {
            let wait = if soon { self.millis(30_000, 3_000_000) } else { self.millis(120_000, 8 * 3_600_000) };
            self.clock.after(wait, Event::Deed(Deed::VisitNative { saga, visits: visits + 1 }));
        }
    }

    /// At Zoho's page: bought, refused, given up, or left alone.
    fn at_zoho(&mut self, saga: SagaId, link: u32, page: &str) {
        let now = self.clock.now();
        if !self.zoho.is_open(page, now) {
            return;
        }
        match self.dice.below(10) {
            0 => self.zoho.mark_page(page, "failed"),
            1 => self.zoho.mark_page(page, "cancelled"),
            2 => self.zoho.mark_page(page, "read"),
            _ => {
                self.zoho.term = self.term();
                let bought = self.zoho.buys(page, now);
                self.zoho.term = MONTH;
                let Some(subscription) = bought else { return };
                self.notices(&subscription, "subscription_created");
                let next = self.zoho.subscription(&subscription).and_then(|s| s.next_billing_on);
                let wait = self.until_day(next.unwrap_or_else(|| now.date_naive()), now);
                self.clock.after(wait, Event::Deed(Deed::Renews { subscription: subscription.clone() }));
                if self.dice.chance(200) {
                    let hours = self.dice.between(1, 48);
                    self.clock.after(TimeDelta::hours(hours), Event::Deed(Deed::HandsOver { subscription }));
                }
            }
        }
        if self.dice.chance(700) {
            let returned = item::<ZohoNative>("page.returned", &Command::Returned { link });
            let wait = self.millis(1_000, 60_000);
            self.clock.after(wait, Event::Comes(saga, Box::new(returned)));
        }
    }

    /// Who sold a subscription on Zoho's page.
    fn sold_by(&self, subscription: &str) -> Option<SagaId> {
        let reference = self.zoho.subscription(subscription)?.reference.clone();
        let of_it = |(id, slot): &(&SagaId, &crate::engine::Slot)| {
            slot.live.flow_name() == ZohoNative::NAME && reference.contains(&id.0.simple().to_string())
        };
        self.sagas.iter().find(of_it).map(|(id, _)| *id)
    }

    /// Zoho's message; should it be lost, the subscription is looked at by itself.
    fn notices(&mut self, subscription: &str, kind: &str) {
        let Some(saga) = self.sold_by(subscription) else { return };
        let noticed = Command::Noticed { kind: kind.to_owned(), subscription: subscription.to_owned() };
        let noticed = item::<ZohoNative>("zoho.subscription", &noticed);
        self.message(saga, &noticed, TimeDelta::zero(), None);
    }

    /// A term of what Zoho collects begins.
    pub(crate) fn renews_at_zoho(&mut self, id: &str) {
        let (now, term) = (self.clock.now(), self.zoho_term(id));
        if self.zoho.next_term(id, term, now).is_none() {
            return self.notices(id, "subscription_cancelled");
        }
        let Some(bill) = self.bills_term(id) else { return };
        self.collects_at_zoho(id, &bill, 0);
    }

    /// Zoho's gateway charges, where it may.
    pub(crate) fn collects_at_zoho(&mut self, id: &str, bill: &str, tries: u32) {
        let now = self.clock.now();
        let collects = self.zoho.subscription(id).is_some_and(|s| s.auto_collect && s.status != "cancelled");
        let open = self.zoho.bill_of(bill).is_some_and(|bill| self.zoho.balance(bill) > 0);
        if !collects || !open {
            return;
        }
        if !self.dice.chance(if tries == 0 { 250 } else { 500 }) {
            self.zoho.takes(bill, now);
            self.zoho.set_status(id, "live");
            return self.notices(id, "subscription_renewed");
        }
        if tries >= TRIES {
            self.zoho.set_status(id, "cancelled_from_dunning");
            return self.notices(id, "subscription_cancelled");
        }
        let word = self.dice.of(&["dunning", "unpaid"]);
        self.zoho.set_status(id, word);
        self.notices(id, "payment_declined");
        let wait = self.millis(6 * 3_600_000, 20 * 3_600_000);
        let again = Deed::CollectsAtZoho { subscription: id.to_owned(), bill: bill.to_owned(), tries: tries + 1 };
        self.clock.after(wait, Event::Deed(again));
    }

    /// People hand the collection of a subscription over: Zoho charges it no more.
    pub(crate) fn hands_over(&mut self, id: &str) {
        let lives = self.zoho.subscription(id).is_some_and(|s| s.status == "live");
        let from = self.zoho.subscription(id).and_then(|known| known.next_billing_on);
        let owned = self.tables.subscriptions.values_mut().find(|owned| owned.zoho.as_deref() == Some(id));
        let Some(owned) = owned.filter(|owned| lives && owned.owner == Some(CollectionOwner::ZohoNative)) else {
            return;
        };
        // The term that runs was the old collector's.
        (owned.owner, owned.owner_from) = (Some(CollectionOwner::Orchestrator), from);
        for (known, _) in self.zoho.subscriptions.iter_mut().filter(|(known, _)| known.id == id) {
            known.auto_collect = false;
        }
    }

    /// What was bought on Zoho's page is on our record, exactly once.
    pub(crate) fn bought_unknown(&self) -> Option<String> {
        self.zoho.subscriptions.iter().find_map(|(subscription, _)| {
            let saga = self.sold_by(&subscription.id)?;
            let slot = self.sagas.get(&saga).filter(|slot| slot.live.flow().parked.is_none())?;
            let on_record =
                self.tables.subscriptions.values().filter(|owned| owned.zoho.as_ref() == Some(&subscription.id));
            let times = on_record.count();
            let state = slot.live.summary().state;
            let id = &subscription.id;
            (times != 1)
                .then(|| format!("{id} was bought at Zoho, its start is {state}, and it is on record {times} times"))
        })
    }

    /// Whether what a page sold is collected by Zoho: no card of Braintree's is needed.
    pub(crate) fn is_native(&self, subscription: &str) -> bool {
        self.sold_by(subscription).is_some()
    }
}
