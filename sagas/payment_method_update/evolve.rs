//! How a card update changes with each event. Pure folding: nothing is decided here, and no event is refused.

use super::events::Event;
use super::face;
use super::state::{Ending, Facts, Intake, Link, Retirement, Stage, State, Submission, Switched};
use super::words::{Advice, LetterKind};
use crate::kernel::effect::{Claim, SubscriptionKey};
use chrono::{DateTime, Utc};

impl State {
    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_begun(event);
        self.apply_read(event);
        self.apply_page(event);
        self.apply_at_zoho(event);
        self.apply_card(event);
        self.apply_move(event);
        self.apply_switched(event);
        self.apply_retirement(event);
        self.apply_told(event);
    }

    fn apply_begun(&mut self, event: &Event) {
        match event {
            Event::CardUpdateRequested { installation, subscription, requested_at, pressed, terms, at } => {
                self.intake = Some(Intake {
                    installation: installation.clone(),
                    subscription: subscription.clone(),
                    requested_at: *requested_at,
                    pressed: *pressed,
                    terms: (**terms).clone(),
                });
                self.asked_at = Some(*requested_at);
                self.stage = Stage::Preparing;
                self.show(*at, *pressed);
            }
            Event::CauseGiven { cause } => self.cause = Some((**cause).clone()),
            Event::CardLinkAskedAgain { requested_at, pressed, at } => {
                self.asked_at = Some(*requested_at);
                if self.stage == Stage::LinkOut {
                    self.stage = Stage::Preparing;
                    self.facts.cards = None;
                    self.facts.uses = None;
                    self.facts.uses_at = None;
                    self.advice = None;
                }
                self.show(*at, *pressed);
            }
            Event::ClaimsTaken { claims } => {
                self.looks = 0;
                self.counts.claims += 1;
                self.claims.extend(claims.iter().cloned());
            }
            Event::ClaimBusy { again_at, .. } => {
                self.looks += 1;
                self.counts.claims += 1;
                self.sleep_until = Some(*again_at);
            }
            Event::LookDue => {
                self.sleep_until = None;
                // What charges the old card may have changed meanwhile.
                self.unread_uses();
            }
            Event::CardUpdateRefused { reason, cure, released, at } => {
                self.over(Ending::Refused, reason, cure, released, *at);
            }
            Event::CancellationOrdered { reason, .. } => {
                self.undoing = Some(reason.clone());
                self.sleep_until = None;
            }
            Event::CardUpdateUndone { released, at } => {
                let reason = self.undoing.take().unwrap_or_default();
                self.over(Ending::Cancelled, &reason, "", released, *at);
            }
            _ => {}
        }
    }

    fn apply_read(&mut self, event: &Event) {
        let facts = &mut self.facts;
        match event {
            Event::SubscriptionSurveyed { survey } => facts.survey = Some((**survey).clone()),
            Event::SubscriptionRead { subscription } => facts.subscription = Some((**subscription).clone()),
            Event::CustomerSurveyed { survey } => facts.customer = Some((**survey).clone()),
            Event::PersonChecked { .. } => facts.person = true,
            Event::CardsRead { methods } => {
                self.counts.card_reads += 1;
                facts.cards = Some(methods.clone());
                if let Some(card) = &self.card {
                    facts.fresh_cards = true;
                    self.old = methods.iter().find(|m| m.default && m.token != card.token).cloned();
                    self.on_old = self.old.is_none().then(Vec::new);
                }
            }
            Event::CardUsesRead { uses, at } => {
                self.counts.surveys += 1;
                facts.uses = Some((**uses).clone());
                facts.uses_at = Some(*at);
            }
            Event::UsesOutdated => {
                self.counts.switches += 1;
                self.unread_uses();
            }
            _ => {}
        }
    }

    /// What charges the old card, and what is under way, is read once more before anything rests on it.
    fn unread_uses(&mut self) {
        if self.stage == Stage::Updating {
            self.facts.uses_at = None;
            self.on_old = self.old.is_none().then(Vec::new);
        }
    }

    fn apply_page(&mut self, event: &Event) {
        match event {
            Event::CardLinkIssued { number, expires_at, at } => {
                self.stage = Stage::LinkOut;
                self.links = *number;
                self.link = Some(Link { number: *number, expires_at: *expires_at, opened: false });
                self.owe_letter(LetterKind::Link);
                self.show(*at, false);
            }
            Event::CardLinkOpened { at, .. } => {
                if let Some(link) = &mut self.link {
                    link.opened = true;
                }
                // What is owed is read anew; until then the page shows what was read before.
                self.facts.uses_at = None;
                self.show(*at, false);
            }
            Event::CardLinkExpired { released, at } => {
                let cure = "press `Send card link` for a new one";
                self.over(Ending::Expired, "the link was not used in time", cure, released, *at);
            }
            Event::ConsentGiven { number, consent, input, authenticated, token, .. } => {
                self.stage = Stage::Updating;
                self.submissions = *number;
                self.advice = None;
                self.locked_until = None;
                self.facts.fresh_cards = false;
                self.facts.uses_at = None;
                self.on_old = None;
                self.submission = Some(Submission {
                    number: *number,
                    consent: consent.clone(),
                    input: *input,
                    authenticated: *authenticated,
                    token: token.clone(),
                });
            }
            _ => {}
        }
    }

    fn apply_card(&mut self, event: &Event) {
        match event {
            Event::CardRefused { advice, at, .. } => self.back_to_the_page(*advice, *at),
            Event::VerificationDeclined { advice, locked_until, at, .. } => {
                self.declines += 1;
                self.locked_until = *locked_until;
                if locked_until.is_some() {
                    self.owe_task("locked", "Help the customer: several cards were declined when they gave a new one");
                }
                self.back_to_the_page(*advice, *at);
            }
            Event::CardVaulted { method, .. } => self.card = Some((**method).clone()),
            Event::OldCardRead { subscriptions, gone } => {
                self.counts.old_reads += 1;
                self.on_old = Some(subscriptions.clone());
                if *gone {
                    self.old = None;
                }
            }
            _ => {}
        }
    }

    fn back_to_the_page(&mut self, advice: Advice, at: DateTime<Utc>) {
        self.stage = Stage::LinkOut;
        self.advice = Some(advice);
        // What is owed is read anew; until then the page shows what was read before.
        self.facts.uses_at = None;
        self.show(at, false);
    }

    fn apply_move(&mut self, event: &Event) {
        match event {
            Event::SubscriptionMoved { subscription } => {
                self.counts.moves += 1;
                self.moving = Some(subscription.clone());
            }
            Event::MoveConfirmed { subscription } => {
                self.counts.moves += 1;
                self.moving = None;
                self.moved.push(subscription.clone());
                // Moving took its time: what is under way is read once more before the switch.
                if self.to_move().is_none() {
                    self.facts.uses_at = None;
                }
            }
            Event::MoveFailed { code, detail, released, .. } => {
                self.counts.moves += 1;
                self.claims.retain(|claim| !released.contains(claim));
                self.moving = None;
                self.stage = Stage::Held { code: *code, detail: detail.clone() };
            }
            Event::CardUpdateResumed { .. } => {
                self.stage = Stage::Updating;
                self.unread_uses();
            }
            Event::SwitchDeferred { released, again_at, .. } => {
                self.looks += 1;
                self.claims.retain(|claim| !released.contains(claim));
                self.sleep_until = Some(*again_at);
            }
            Event::SubscriptionMovedBack { subscription } => {
                self.counts.moves += 1;
                self.moving.take_if(|moving| moving == subscription);
                self.moved.retain(|moved| moved != subscription);
            }
            _ => {}
        }
    }

    fn apply_switched(&mut self, event: &Event) {
        match event {
            Event::DefaultSwitched { before, owing, released, retire_at, at, .. } => {
                self.switched =
                    Some(Switched { before: before.as_deref().cloned(), owed: self.owed(), retire_at: *retire_at });
                self.looks = 0;
                self.claims.retain(|claim| !released.contains(claim));
                self.owing.clone_from(owing);
                self.link = None;
                self.people.drop_letters(|letter| letter == LetterKind::Link);
                self.owe_letter(LetterKind::Changed);
                if owing.is_empty() {
                    self.retried(*at);
                } else {
                    self.stage = Stage::Retrying;
                }
                self.show(*at, false);
            }
            Event::InvoiceRetryAsked { invoice, until } => {
                self.counts.retries += 1;
                self.asked = Some((*invoice, *until));
            }
            Event::InvoiceRetried { invoice, outcome, at, .. } => {
                self.asked = None;
                self.owing.retain(|owing| owing.saga != *invoice);
                if *outcome == Some(super::words::Tried::HardDeclined) {
                    // The others would be declined as well: each waits for its own schedule.
                    self.owing.clear();
                }
                if self.owing.is_empty() {
                    self.retried(*at);
                }
            }
            _ => {}
        }
    }

    /// No open invoice is left to be told: what remains is the old card.
    fn retried(&mut self, at: DateTime<Utc>) {
        let Some(switched) = &self.switched else { return };
        if switched.before.is_some() {
            self.stage = Stage::Retiring { until: switched.retire_at };
        } else {
            self.over(Ending::Changed, "", "", &[], at);
        }
    }

    fn apply_retirement(&mut self, event: &Event) {
        match event {
            Event::OldCardDue => self.retirement.due = true,
            Event::OldCardUnused => {
                self.counts.old_reads += 1;
                self.retirement.unused = true;
            }
            Event::RetirementPutOff { why, again_at } => {
                let put_offs = self.retirement.put_offs + 1;
                self.counts.old_reads += 1;
                self.counts.deletes += 1;
                self.retirement = Retirement { put_offs, ..Retirement::default() };
                self.stage = Stage::Retiring { until: *again_at };
                if put_offs == 1 {
                    self.owe_task("old_card", &format!("A card that was replaced cannot be deleted: {why}"));
                }
            }
            Event::OldCardRetired { at, .. } | Event::OldCardKept { at, .. } => {
                self.over(Ending::Changed, "", "", &[], *at);
            }
            _ => {}
        }
    }

    pub(super) fn over(&mut self, ending: Ending, reason: &str, cure: &str, released: &[Claim], at: DateTime<Utc>) {
        self.stage = Stage::Over { ending, reason: reason.to_owned(), cure: cure.to_owned() };
        self.claims.retain(|claim| !released.contains(claim));
        self.sleep_until = None;
        self.link = None;
        self.people.drop_letters(|letter| letter == LetterKind::Link);
        self.show(at, false);
    }

    fn owe_letter(&mut self, letter: LetterKind) {
        if self.customer().is_some() {
            self.people.owe_letter(letter);
        }
    }

    pub(super) fn owe_task(&mut self, cause: &str, text: &str) {
        if self.record().is_some() {
            self.people.owe_task(cause, text);
        }
    }

    /// What Attio is to show now; a new version where that differs, or where an act awaits its answer.
    pub(super) fn show(&mut self, at: DateTime<Utc>, act: bool) {
        let Some(face) = face::face(self, at) else { return };
        let shows_the_same = self.people.face().is_some_and(|known| face::same(known, &face));
        let says_nothing = self.people.face().is_none() && face::is_empty(&face);
        if act || !(shows_the_same || says_nothing) {
            self.unanswered |= act;
            self.people.show(face);
        }
    }
}

impl Facts {
    /// The same subscription, however it was named.
    pub(super) fn zoho_subscription(&self, key: &SubscriptionKey) -> Option<String> {
        let surveyed = self.survey.as_ref().and_then(|s| s.zoho_subscription.clone());
        surveyed.or_else(|| match key {
            SubscriptionKey::Zoho { subscription } => Some(subscription.clone()),
            SubscriptionKey::Attio { .. } => None,
        })
    }
}
