//! Customers who give another card: the CRM team sends them the link, and they come to the page or do not.

use crate::people::{Deed, ORGANIZATION, installation, item};
use crate::tables::eur;
use crate::world::{Event, World};
use chrono::TimeDelta;
use sagas::kernel::answer::{CardUses, Owing};
use sagas::kernel::effect::{Desk, SubscriptionKey};
use sagas::kernel::ids::SagaId;
use sagas::payment_method_update::{Command, Consent, PageStage, PaymentMethodUpdate, Terms};

/// A customer comes to the page so often.
const VISITS: u32 = 12;

impl World {
    /// What the tables say of a customer's cards is what the engine's sagas say: laid beside the survey.
    pub(crate) fn lay_card_uses(&mut self, asking: SagaId, desk: &Desk) {
        let Desk::SurveyCardUses { customer, flow, owing, charging, subscriptions } = desk else { return };
        let theirs = |slot: &&crate::engine::Slot| slot.live.summary().customer.as_ref() == Some(customer);
        let mut owes: Vec<_> = self
            .zoho
            .bills
            .iter()
            .filter_map(|bill| {
                let saga = SagaId::of_invoice(ORGANIZATION, &bill.id);
                let slot = self.sagas.get(&saga).filter(theirs)?;
                let waits = slot.live.flow_name() == flow && owing.contains(&slot.live.summary().state);
                let owed = crate::tables::sum_of(&self.tables.by_invoice, &bill.id, 1200);
                (waits && owed > 0).then(|| Owing { saga, number: bill.id.clone(), owed: eur(owed) })
            })
            .collect();
        owes.sort_by_key(|owing| owing.saga);
        let open_step = |slot: &crate::engine::Slot| slot.live.flow().open.as_ref().map(|open| open.step.clone());
        let charges = |slot: &crate::engine::Slot| open_step(slot).is_some_and(|step| charging.contains(&step));
        let other = self.sagas.iter().find(|(id, slot)| **id != asking && theirs(slot) && charges(slot));
        let uses = CardUses {
            owing: owes,
            charging: other.map(|(id, _)| *id),
            zoho_subscriptions: subscriptions
                .iter()
                .filter_map(|ours| self.tables.subscriptions.get(ours)?.zoho.clone())
                .collect(),
        };
        self.tables.card_uses.insert(customer.clone(), uses);
    }

    /// A CRM user sends a customer the link for another card.
    pub(crate) fn press_card(&mut self, record: &str) {
        let now = self.clock.now();
        let Some(company) = self.crm.records.get(record).map(|asked| asked.company.clone()) else { return };
        let subscription = SubscriptionKey::Attio { record: record.to_owned() };
        let takes = |saga: &SagaId| {
            let slot = self.sagas.get(saga);
            slot.is_none_or(|slot| PaymentMethodUpdate::takes_requests(&slot.live.summary().state))
        };
        let running = self.cards_asked.get(record).filter(|saga| takes(saga)).copied();
        let saga = running.unwrap_or_else(|| PaymentMethodUpdate::id(&subscription, now));
        self.cards_asked.insert(record.to_owned(), saga);
        self.laws.belongs.insert(saga, company);
        self.crm.press(record, "Send card link", now);
        let requested = Command::Requested {
            installation: installation(),
            subscription,
            requested_at: now,
            pressed: true,
            terms: Box::new(Terms {
                link_days: 7,
                consent_version: "1".to_owned(),
                declines_before_lock: 3,
                lock_minutes: 60,
                // Long enough for money to settle, short enough for things to go wrong after it.
                keep_days: 1,
            }),
        };
        let requested = item::<PaymentMethodUpdate>("attio.send_card_link", &requested);
        self.message(saga, &requested.clone(), TimeDelta::minutes(15), Some(requested));
        if running.is_none() {
            let wait = self.millis(60_000, 12 * 3_600_000);
            self.clock.after(wait, Event::Deed(Deed::VisitCard { saga, visits: 0 }));
        }
    }

    /// The customer looks at the page, and mostly gives a card.
    pub(crate) fn visit_card(&mut self, saga: SagaId, visits: u32) {
        let now = self.clock.now();
        let page = self.sagas.get(&saga).and_then(|slot| slot.live.card_page(now));
        let again = match page.map(|page| (page.link, page.stage, page.offer)) {
            None | Some((_, PageStage::Preparing | PageStage::Confirming | PageStage::LockedUntil { .. }, _)) => true,
            Some((link, PageStage::Asked { .. } | PageStage::NeedsAuthentication, Some(offer))) => {
                if self.dice.chance(850) {
                    self.gives_card(saga, link, &offer.hash);
                }
                true
            }
            Some(_) => false,
        };
        if again && visits < VISITS {
            let wait = self.millis(120_000, 8 * 3_600_000);
            self.clock.after(wait, Event::Deed(Deed::VisitCard { saga, visits: visits + 1 }));
        }
    }

    fn gives_card(&mut self, saga: SagaId, link: u32, hash: &str) {
        let now = self.clock.now();
        let opened = item::<PaymentMethodUpdate>("card.opened", &Command::Opened { link });
        self.clock.after(TimeDelta::milliseconds(5), Event::Comes(saga, Box::new(opened)));
        let twice = self.dice.chance(150);
        for press in 0..=i64::from(twice) {
            let submitted = Command::Submitted {
                link,
                offer_hash: hash.to_owned(),
                consent: Consent { version: "1".to_owned(), at: now, evidence: None },
                input: self.seal(),
                authenticated: false,
            };
            let item = item::<PaymentMethodUpdate>("card.submitted", &submitted);
            let wait = TimeDelta::seconds(10) + self.millis(0, 3_000) * i32::try_from(press).expect("small");
            self.clock.after(wait, Event::Comes(saga, Box::new(item)));
        }
    }
}
