//! What the page for another card says: which one is on file, what is owed and charged to the new one at once. Every
//! sentence and amount is made here; the templates only place them.

use super::page::{About, Form, Notice, Page, Words};
use super::{Advice, CardChange, CardOffer, Stage, View};

impl Page {
    pub(super) fn card_form<'a>(&'a self, words: &Words, view: &'a View, offer: &'a CardOffer) -> Form<'a> {
        let company = self.company();
        let owed = offer.owed.map(|owed| words.locale.money(owed));
        let (button, consent) = match &owed {
            Some(owed) => (
                words.fill("card_button_owed", &[("amount", owed)]),
                words.fill("card_consent_owed", &[("company", company), ("amount", owed)]),
            ),
            None => (words.say("card_button"), words.fill("card_consent", &[("company", company)])),
        };
        Form {
            heading: words.say("card_form"),
            quote_hash: &offer.hash,
            consent_version: &offer.consent_version,
            consent,
            button,
            ..self.blank_form(words, view)
        }
    }
}

impl Words {
    pub(super) fn about_card(&self, view: &View, offer: &CardOffer) -> About {
        let on_file = offer.on_file.as_ref().map_or_else(|| self.say("card_none"), |card| self.card(card));
        let owed = offer.owed.map(|owed| (self.say("card_owed"), self.locale.money(owed)));
        let charged = if owed.is_some() { "card_owed_charged" } else { "card_not_charged" };
        let until = self.locale.date(offer.expires_at.date_naive());
        About {
            customer: self.fill("order_for", &[("customer", &view.customer)]),
            lines: [Some((self.say("card_now"), on_file)), owed].into_iter().flatten().collect(),
            sentences: vec![
                self.say(charged),
                self.say("card_stays"),
                self.fill("card_valid_until", &[("date", &until)]),
            ],
        }
    }

    pub(super) fn card_notice(&self, stage: &Stage) -> Option<Notice> {
        let notice = match stage {
            Stage::Quoted => return None,
            Stage::Preparing => self.plain("busy", "card_preparing_heading", "card_preparing_body"),
            Stage::Replaced => self.plain("plain", "card_replaced_heading", "card_replaced_body"),
            Stage::Declined { advice: Advice::AnotherCard } => {
                self.plain("bad", "card_declined_heading", "card_declined_another")
            }
            Stage::Declined { advice: Advice::EnterAgain } => {
                self.plain("bad", "card_declined_heading", "card_declined_again")
            }
            Stage::NeedsAuthentication => self.plain("plain", "authentication_heading", "card_authentication_body"),
            Stage::Confirming => self.plain("busy", "card_confirming_heading", "card_confirming_body"),
            Stage::LockedUntil { at } => Notice {
                body: self.fill("locked_body", &[("time", &at.format("%H:%M UTC").to_string())]),
                at: Some(at.to_rfc3339()),
                ..self.plain("bad", "locked_heading", "locked_body")
            },
            Stage::Changed(change) => self.changed(change),
            Stage::Expired => self.plain("plain", "expired_heading", "expired_body"),
            Stage::Revoked => self.plain("plain", "revoked_heading", "revoked_body"),
            Stage::Cancelled => self.plain("plain", "card_cancelled_heading", "card_cancelled_body"),
            // Given on the page of who collects, who tells the card.
            Stage::Active => self.plain("good", "card_changed_heading", "card_changed_body"),
            // No order is paid on this page.
            Stage::Failed | Stage::Paid(_) | Stage::Started => Notice {
                cure: Some(self.say("failed_cure")),
                ..self.plain("bad", "card_failed_heading", "card_failed_body")
            },
        };
        Some(notice)
    }

    fn changed(&self, change: &CardChange) -> Notice {
        let body = if change.owed.is_some() { "card_changed_owed" } else { "card_changed_body" };
        let before = change.before.as_ref().map(|card| ("card_before", self.card(card)));
        let owed = change.owed.map(|owed| ("card_owed", self.locale.money(owed)));
        let facts = [Some(("card_new", self.card(&change.card))), before, owed].into_iter().flatten();
        Notice {
            facts: facts.map(|(key, value)| (self.say(key), value)).collect(),
            ..self.plain("good", "card_changed_heading", body)
        }
    }
}
