//! What an activation remembers.

use super::collector::AtBraintree;
use super::face::Face;
use super::words::{Advice, After, Capture, Consent, Hold, LetterKind, Nothing, Paying, Terms, Then};
use crate::kernel::answer::{Invoice, Method, Subscription};
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::selling::Sale;
use crate::kernel::telling::Owed;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Where an activation stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) sale: Sale<Terms>,
    pub(super) stage: Stage,
    /// On file at Braintree; absent: not read.
    pub(super) cards: Option<Vec<Method>>,
    pub(super) declines: u32,
    pub(super) locked_until: Option<DateTime<Utc>>,
    pub(super) advice: Option<Advice>,
    pub(super) submission: Option<Submission>,
    pub(super) submissions: u32,
    pub(super) made: Made,
    pub(super) hold: Option<Hold>,
    /// The last transaction that held something, standing or not.
    pub(super) last_hold: Option<String>,
    /// Holds that were given up as never made, and may still show up.
    pub(super) watches: Vec<Watch>,
    /// Holds that did, and are being released.
    pub(super) late: Vec<Hold>,
    pub(super) invoice: FirstInvoice,
    pub(super) capture: Option<Capture>,
    pub(super) record: Option<Record>,
    /// What was captured was taken back before it was recorded.
    #[serde(default)]
    pub(super) reversed: bool,
    pub(super) nothing: Option<Nothing>,
    /// Where Braintree collects by itself: what was made there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) recurring: Option<AtBraintree>,
    /// The day on which it became active (books zone).
    pub(super) active_on: Option<NaiveDate>,
    /// A submit was refused: what is owed is sold anew.
    pub(super) sell_anew: bool,
    /// Zoho's total, where a quote was below it.
    pub(super) total: Option<Money>,
    pub(super) undoing: Option<Undoing>,
    /// What is done before anything else.
    pub(super) errands: Vec<Errand>,
    pub(super) counts: Counts,
    pub(super) letter_trouble: bool,
    pub(super) people: Owed<Face, LetterKind>,
}

/// The stages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    /// Request, customer, offer: what a quote rests on.
    Preparing,
    /// The price is shown; a `Start` is awaited.
    Quoted,
    /// The link is out; the customer is awaited.
    LinkOut,
    /// From the submission to the capture, or to the subscription where nothing is due.
    Paying,
    /// The invoice's stream is to take the capture over.
    HandingOver,
    /// The invoice's stream records.
    AwaitingRecord {
        until: DateTime<Utc>,
    },
    /// A person must look.
    Held {
        code: ParkCode,
        detail: String,
        then: After,
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
    Active,
    Refused,
    Expired,
    Cancelled,
    Failed,
    /// The record asks for something else by now.
    Outdated,
}

/// What the customer sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Submission {
    pub(super) number: u32,
    pub(super) consent: Consent,
    pub(super) with: Paying,
    pub(super) token: String,
    /// A stored card as read now, or the new one once it is vaulted.
    pub(super) method: Option<Method>,
    pub(super) counted: bool,
    /// The count was spent or given back.
    pub(super) settled: bool,
    /// The order id of its hold.
    pub(super) order_id: String,
}

/// A hold that was given up as never made: looked for by its order id for as long as an unknown outcome is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) order_id: String,
    /// The token under which it would have vaulted a new card.
    pub(super) vaults: Option<String>,
    /// Given up (UTC).
    pub(super) since: DateTime<Utc>,
    /// The next look (UTC).
    pub(super) next_look: DateTime<Utc>,
    /// Its time has come.
    pub(super) due: bool,
}

/// What this activation made, and must undo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) braintree_customer: Option<String>,
    pub(super) braintree_linked: bool,
    /// The token of a card that was vaulted here.
    pub(super) card: Option<String>,
    pub(super) subscription: Option<Subscription>,
    pub(super) confirmed: bool,
    pub(super) adopted: bool,
    /// The claim on the customer was let go since it was made: others may use it.
    #[serde(default)]
    pub(super) shared: bool,
    /// Others do, at Braintree; absent: not asked.
    #[serde(default)]
    pub(super) braintree_used: Option<bool>,
    /// The same at Zoho.
    #[serde(default)]
    pub(super) zoho_used: Option<bool>,
}

/// The first invoice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FirstInvoice {
    /// As found first.
    pub(super) first: Option<Invoice>,
    /// It is claimed, and compared with the ceiling.
    pub(super) bound: bool,
    /// As read just before the capture.
    pub(super) fresh: Option<Invoice>,
}

/// The recorded payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) invoice: String,
    pub(super) number: String,
    pub(super) payment: String,
    pub(super) next_billing_on: Option<NaiveDate>,
}

/// Why all is undone, and what comes then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Undoing {
    pub(super) reason: String,
    pub(super) cure: String,
    pub(super) then: Then,
}

/// A correction that is done before the flow goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "errand", rename_all = "snake_case")]
pub(super) enum Errand {
    /// A hold is released.
    Void { transaction: String },
    /// A card that was vaulted here goes again.
    ForgetCard { token: String },
    /// A newer subscription of the same reference is undone.
    UndoTwin { subscription: String },
}

/// How often something was done in this saga.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Holds and sales: order ids never repeat.
    pub(super) orders: u32,
    /// Subscriptions that were made and undone.
    pub(super) undone: u32,
    pub(super) lists: u32,
    /// Looks for holds that may still show up.
    pub(super) late_looks: u32,
    pub(super) invoice_reads: u32,
    pub(super) captures: u32,
    pub(super) errands: u32,
}

impl State {
    /// This saga's id.
    pub(super) fn saga(&self) -> Option<SagaId> {
        self.sale.intake.as_ref().map(|i| super::SubscriptionActivation::id(&i.record, i.pressed_at))
    }

    /// The customer's Braintree id, linked or just made.
    pub(super) fn braintree_customer(&self) -> Option<&str> {
        let linked = self.sale.facts.enrolment.as_ref().and_then(|e| e.braintree_customer.as_deref());
        linked.or(self.made.braintree_customer.as_deref())
    }

    /// Our id of the subscription.
    pub(super) fn subscription(&self) -> Option<String> {
        Some(self.saga()?.subscription())
    }

    /// Brand and last four digits of the card that pays.
    pub(super) fn card(&self) -> Option<(String, String)> {
        let method = self.submission.as_ref().and_then(|s| s.method.as_ref())?;
        Some((method.brand.clone(), method.last_four.clone()))
    }
}
