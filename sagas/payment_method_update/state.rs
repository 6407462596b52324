//! What a card update remembers.

use super::PaymentMethodUpdate;
use super::native::AtZoho;
use super::words::{Advice, Consent, LetterKind, Terms};
use crate::kernel::answer::{CardUses, CustomerSurvey, Method, Owing, Subscription, SubscriptionSurvey};
use crate::kernel::effect::{CardCause, CardFace, Claim, SubscriptionKey};
use crate::kernel::ids::{Installation, SagaId, derive};
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::Owed;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a card update stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) intake: Option<Intake>,
    pub(super) stage: Stage,
    /// Why another flow wants the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<CardCause>,
    /// The newest request (UTC).
    pub(super) asked_at: Option<DateTime<Utc>>,
    /// An act on the record has no answer yet.
    pub(super) unanswered: bool,
    pub(super) facts: Facts,
    pub(super) link: Option<Link>,
    /// Links issued so far.
    pub(super) links: u32,
    /// Where Zoho's own gateway collects.
    #[serde(default, skip_serializing_if = "AtZoho::is_unused")]
    pub(super) at_zoho: AtZoho,
    pub(super) declines: u32,
    pub(super) locked_until: Option<DateTime<Utc>>,
    pub(super) advice: Option<Advice>,
    pub(super) submission: Option<Submission>,
    pub(super) submissions: u32,
    /// The new card, once it is vaulted.
    pub(super) card: Option<Method>,
    /// The one that was the default before.
    pub(super) old: Option<Method>,
    /// What charges the old card by itself; absent: not read yet.
    pub(super) on_old: Option<Vec<String>>,
    /// Told to charge the new card, not read back yet.
    pub(super) moving: Option<String>,
    /// Braintree subscriptions that charge the new card since.
    pub(super) moved: Vec<String>,
    /// The default is switched.
    pub(super) switched: Option<Switched>,
    /// Open invoices that are still to be told, oldest first.
    pub(super) owing: Vec<Owing>,
    /// The one that was told and has not answered, until when (UTC).
    pub(super) asked: Option<(SagaId, DateTime<Utc>)>,
    pub(super) retirement: Retirement,
    /// Called off, for this reason.
    pub(super) undoing: Option<String>,
    /// Nothing is done before (UTC).
    pub(super) sleep_until: Option<DateTime<Utc>>,
    /// Looks in a row that found something in the way.
    pub(super) looks: u32,
    pub(super) claims: Vec<Claim>,
    pub(super) counts: Counts,
    pub(super) people: Owed<CardFace, LetterKind>,
}

/// How it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intake {
    pub(super) installation: Installation,
    pub(super) subscription: SubscriptionKey,
    pub(super) requested_at: DateTime<Utc>,
    pub(super) pressed: bool,
    pub(super) terms: Terms,
}

/// The stages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    /// Whose card it is, and which is on file.
    Preparing,
    /// The link is out; the customer is awaited.
    LinkOut,
    /// From the submission to the switched default.
    Updating,
    /// A person must look.
    Held {
        code: ParkCode,
        detail: String,
    },
    /// Open invoices are told, one after the other.
    Retrying,
    /// The old card waits for its end (UTC).
    Retiring {
        until: DateTime<Utc>,
    },
    Over {
        ending: Ending,
        reason: String,
        cure: String,
    },
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    Changed,
    Refused,
    Expired,
    Cancelled,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) survey: Option<SubscriptionSurvey>,
    pub(super) subscription: Option<Subscription>,
    pub(super) customer: Option<CustomerSurvey>,
    /// The person was read, or cannot be.
    pub(super) person: bool,
    pub(super) cards: Option<Vec<Method>>,
    /// The cards were read since the new one was vaulted.
    pub(super) fresh_cards: bool,
    pub(super) uses: Option<CardUses>,
    /// When (UTC); absent: they are to be read anew, and nothing rests on them till then but what the page shows.
    pub(super) uses_at: Option<DateTime<Utc>>,
}

/// A page that is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) number: u32,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) opened: bool,
}

/// What the customer sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Submission {
    pub(super) number: u32,
    pub(super) consent: Consent,
    pub(super) input: Uuid,
    /// Sent after the customer authenticated at the bank, as the page says.
    pub(super) authenticated: bool,
    /// Of our choosing.
    pub(super) token: String,
}

/// What was switched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Switched {
    pub(super) before: Option<Method>,
    /// What was owed then.
    pub(super) owed: Option<Money>,
    pub(super) retire_at: DateTime<Utc>,
}

/// How far the end of the old card is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Retirement {
    /// Its time has come.
    pub(super) due: bool,
    /// Nothing at Braintree charges it by itself.
    pub(super) unused: bool,
    pub(super) put_offs: u32,
}

/// How often something was done in this saga: tells repeated steps apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) claims: u32,
    pub(super) card_reads: u32,
    pub(super) surveys: u32,
    pub(super) old_reads: u32,
    pub(super) moves: u32,
    pub(super) switches: u32,
    pub(super) retries: u32,
    pub(super) deletes: u32,
}

impl State {
    /// This saga's id.
    pub(super) fn saga(&self) -> Option<SagaId> {
        self.intake.as_ref().map(|i| PaymentMethodUpdate::id(&i.subscription, i.requested_at))
    }

    /// Our customer id.
    pub(super) fn customer(&self) -> Option<&str> {
        self.facts.customer.as_ref()?.customer.as_deref()
    }

    /// The customer's Braintree id.
    pub(super) fn braintree_customer(&self) -> Option<&str> {
        self.facts.customer.as_ref()?.braintree_customer.as_deref()
    }

    /// The subscription's record in Attio.
    pub(super) fn record(&self) -> Option<&str> {
        let surveyed = self.facts.survey.as_ref().and_then(|s| s.attio_record.as_deref());
        surveyed.or_else(|| match &self.intake.as_ref()?.subscription {
            SubscriptionKey::Attio { record } => Some(record),
            SubscriptionKey::Zoho { .. } => None,
        })
    }

    /// The card that is charged until another one is given.
    pub(super) fn on_file(&self) -> Option<&Method> {
        self.facts.cards.iter().flatten().find(|m| m.default)
    }

    /// What waits for money of the customer.
    pub(super) fn owed(&self) -> Option<Money> {
        let owing = &self.facts.uses.as_ref()?.owing;
        let currency = owing.first()?.owed.currency;
        let minor = owing.iter().filter(|o| o.owed.currency == currency).map(|o| o.owed.minor).sum();
        Some(Money::new(minor, currency)).filter(|owed| owed.is_positive())
    }

    /// The new card is the one that was there before, given once more.
    pub(super) fn same_card(&self) -> bool {
        let of = |m: &Option<Method>| m.as_ref().map(|m| m.card.clone()).filter(|number| !number.is_empty());
        let before = self.switched.as_ref().map_or_else(|| of(&self.old), |s| of(&s.before));
        before.is_some() && before == of(&self.card)
    }

    /// The next Braintree subscription that still charges the old card.
    pub(super) fn to_move(&self) -> Option<&String> {
        self.on_old.iter().flatten().find(|id| !self.moved.contains(id))
    }

    /// Our subscription ids among what charges the old card.
    pub(super) fn ours_on_old(&self) -> Vec<String> {
        self.on_old.iter().flatten().filter_map(|id| crate::kernel::ids::of_recurring(id)).map(str::to_owned).collect()
    }

    /// Under which token a card is vaulted: of our choosing, so that a repeated call vaults one card.
    pub(super) fn token(&self, submission: u32) -> Option<String> {
        let saga = self.saga()?.0.simple().to_string();
        Some(format!("m-{}", derive("method", &[&saga, &submission.to_string()]).simple()))
    }

    /// Brand and last four digits.
    pub(super) fn named(card: &Method) -> (String, String) {
        (card.brand.clone(), card.last_four.clone())
    }
}
