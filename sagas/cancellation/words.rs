//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here, and no word carries personal data.

use super::give_back::GiveBackOrder;
use crate::kernel::answer::{BilledInvoice, EndingSurvey, SubscriptionSurvey, SubscriptionTerms};
use crate::kernel::effect::PressedAct;
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::{NoLetter, Told};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What a subscription's ending can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Somebody wants it ended, or wants an ending taken back.
    Ordered {
        /// Which subscription.
        of: Of,
        /// What is wanted.
        order: Box<Order>,
    },
    /// Zoho says that a subscription was cancelled, will be, or goes on after all. Not believed: it is read.
    Noticed {
        /// Which subscription.
        of: Of,
        /// What is said.
        news: News,
    },
    /// A person chooses what happens with the money.
    Chosen {
        /// What; what is absent stays open.
        choice: Choice,
        /// Why.
        reason: String,
        /// Who: a principal.
        by: String,
    },
}

/// Which subscription it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our order ids.
    pub installation: Installation,
    /// Zoho subscription id.
    pub subscription: String,
}

/// What somebody orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What shall become of the subscription.
    pub wish: Wish,
    /// What happens with the money, as far as it is chosen.
    pub choice: Choice,
    /// Why, for the record and for people in Attio; empty: nobody said.
    pub reason: String,
    /// Who: a principal.
    pub by: String,
    /// The press that ordered it; absent: it came by the API.
    pub press: Option<Press>,
}

/// A press of an act in Attio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Press {
    /// Record id of the object `subscriptions`.
    pub record: String,
    /// When it was pressed (UTC): the value's `active_from`.
    pub pressed_at: DateTime<Utc>,
}

/// What shall become of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// It ends at once.
    CancelNow,
    /// It ends with the term that is paid for.
    CancelAtEnd,
    /// It goes on: an ending that has not come is taken back.
    Reactivate,
}

impl Wish {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CancelNow, Self::CancelAtEnd, Self::Reactivate];

    /// The act's title in Attio.
    pub const fn title(self) -> &'static str {
        match self {
            Self::CancelNow => "Cancel now",
            Self::CancelAtEnd => "Cancel at term end",
            Self::Reactivate => "Reactivate",
        }
    }

    /// The word in keys and kinds.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CancelNow => "cancel_now",
            Self::CancelAtEnd => "cancel_at_end",
            Self::Reactivate => "reactivate",
        }
    }
}

impl Press {
    /// The act as Attio knows it.
    pub(super) fn act(&self, wish: Wish) -> PressedAct {
        PressedAct { act: wish.title().to_owned(), pressed_at: self.pressed_at }
    }
}

/// When a subscription ends at Braintree, where Braintree collects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecurringEnd {
    /// At once, and for ever.
    Now,
    /// With the cycle that runs.
    WithTerm,
    /// It goes on.
    Never,
}

/// What a person chose; what is absent is still to be chosen, should it matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What happens with invoices that are still owed.
    pub open_invoices: Option<OpenInvoices>,
    /// What happens with what was paid for time that is not used any more.
    pub give_back: Option<GiveBack>,
}

/// What happens with invoices that are still owed when a subscription has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenInvoices {
    /// They are collected all the same.
    Collect,
    /// They are voided.
    Void,
    /// They are written off: a second person agrees.
    WriteOff,
}

/// What happens with what was paid for time that is not used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GiveBack {
    /// It stays paid.
    Nothing,
    /// The unused part goes back.
    Prorated,
    /// All of it goes back.
    Full,
    /// It becomes the customer's credit.
    Credit,
}

/// What Zoho says of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// It has ended.
    Ended,
    /// It will end.
    Scheduled,
    /// It goes on after all.
    GoesOn,
}

/// Money that should go back. It is ordered of the flow that gives back, which asks who has to agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// How much of it.
    pub give_back: GiveBack,
    /// Zoho invoice id of what was paid.
    pub invoice: String,
    /// What was paid on it.
    pub paid: Money,
    /// How much goes back; none: finance has to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Braintree transaction id, where it is one charge that came too late.
    pub transaction: Option<String>,
    /// Zoho invoice ids that a credit offsets before it can be spent.
    pub offsets_first: Vec<String>,
    /// Last day of the term that was paid for (books zone), where Zoho says.
    pub term_ends_on: Option<NaiveDate>,
}

/// What happened, for a finance person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    CancellationOrdered {
        of: Of,
        order: Box<Order>,
        at: DateTime<Utc>,
    },
    ReactivationOrdered {
        of: Of,
        order: Box<Order>,
        at: DateTime<Utc>,
    },
    /// Zoho says so.
    EndingNoticed {
        of: Of,
        news: News,
        at: DateTime<Utc>,
    },
    /// The day on which it should have ended is over.
    EndDue {
        at: DateTime<Utc>,
    },
    /// Pressed again while it is carried out: the record shows where it stands.
    ActRepeated {
        act: PressedAct,
        record: String,
        at: DateTime<Utc>,
    },
    /// Pressed while something else is carried out.
    ActDeclined {
        act: PressedAct,
        record: String,
        sentence: String,
        at: DateTime<Utc>,
    },
    SubscriptionSurveyed {
        survey: Box<SubscriptionSurvey>,
    },
    OrderRefused {
        sentence: String,
        at: DateTime<Utc>,
    },
    /// None of ours, or not ours to end: what others did was noted.
    EndingMirrored {
        at: DateTime<Utc>,
    },
    /// Another saga works on the subscription.
    FenceBusy {
        held: String,
        again_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// From here on no charge of it begins.
    SubscriptionFenced {
        at: DateTime<Utc>,
    },
    TermsRead {
        terms: Box<SubscriptionTerms>,
        at: DateTime<Utc>,
    },
    /// Charges are under way, or their outcome is not known yet.
    DrainAwaited {
        charging: Vec<String>,
        again_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    ChargesDrained {
        survey: Box<EndingSurvey>,
        at: DateTime<Utc>,
    },
    /// Not finished in a day: it goes on without them, and they are watched.
    DrainGivenUp {
        survey: Box<EndingSurvey>,
        at: DateTime<Utc>,
    },
    WaitOver,
    /// Braintree collects: this shall become of the subscription there, before or after Zoho.
    RecurringWanted {
        end: RecurringEnd,
        at: DateTime<Utc>,
    },
    RecurringRead {
        /// Number of its present cycle; absent: its first day is to come.
        cycle: Option<u32>,
        /// It has ended there.
        over: bool,
    },
    RecurringEnded {
        end: RecurringEnd,
        at: DateTime<Utc>,
    },
    RecurringGoesOn {
        at: DateTime<Utc>,
    },
    SubscriptionCancelled {
        /// Somebody else did it.
        adopted: bool,
        /// That day in the books zone.
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    CancellationScheduled {
        /// Somebody else did it.
        adopted: bool,
        /// Its last day (books zone), where Zoho says.
        ends_on: Option<NaiveDate>,
        /// When it is looked at again, should Zoho's message be lost (UTC).
        look_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    SubscriptionReactivated {
        /// Somebody else did it, or it was never ending.
        adopted: bool,
        next_billing_on: Option<NaiveDate>,
        at: DateTime<Utc>,
    },
    InvoicesListed {
        invoices: Vec<BilledInvoice>,
        at: DateTime<Utc>,
    },
    ChoiceMade {
        choice: Choice,
        reason: String,
        by: String,
        at: DateTime<Utc>,
    },
    /// A second person has to agree.
    WriteOffProposed {
        reason: String,
        by: String,
        at: DateTime<Utc>,
    },
    OpenInvoiceVoided {
        invoice: String,
    },
    OpenInvoiceWrittenOff {
        invoice: String,
    },
    /// Its own stream knows what was chosen for it.
    InvoiceStreamTold {
        invoice: String,
    },
    /// Charges that were open when the subscription ended are still not finished.
    LateChargesAwaited {
        charging: Vec<String>,
        again_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// Some of them are.
    LateChargesFinished {
        survey: Box<EndingSurvey>,
        at: DateTime<Utc>,
    },
    /// Nothing is given back by this: it is ordered, or finance has to see to it.
    GiveBackProposed {
        proposal: Box<Proposal>,
        at: DateTime<Utc>,
    },
    /// The payments that cover it; the rest was paid otherwise.
    PaymentsFound {
        orders: Vec<GiveBackOrder>,
        rest: Option<Money>,
    },
    /// The flow that gives back has the order.
    GiveBackOrdered {
        order: GiveBackOrder,
    },
    /// The customer may buy the product again.
    ProductReleased,
    SubscriptionEnded {
        at: DateTime<Utc>,
    },
    CancellationHeld {
        code: ParkCode,
        detail: String,
        at: DateTime<Utc>,
    },
    CancellationResumed {
        at: DateTime<Utc>,
    },
    /// What people were told.
    #[serde(untagged)]
    Told(Told<NoLetter>),
}

crate::kernel::saga::event_names!(
    Event: CancellationOrdered, ReactivationOrdered, EndingNoticed, EndDue, ActRepeated, ActDeclined,
    SubscriptionSurveyed, OrderRefused, EndingMirrored, FenceBusy, SubscriptionFenced, TermsRead, DrainAwaited,
    ChargesDrained, DrainGivenUp, WaitOver, RecurringWanted, RecurringRead, RecurringEnded, RecurringGoesOn,
    SubscriptionCancelled, CancellationScheduled, SubscriptionReactivated,
    InvoicesListed, ChoiceMade, WriteOffProposed, OpenInvoiceVoided, OpenInvoiceWrittenOff, InvoiceStreamTold,
    LateChargesAwaited, LateChargesFinished, GiveBackProposed, PaymentsFound, GiveBackOrdered, ProductReleased, SubscriptionEnded, CancellationHeld,
    CancellationResumed;
    Told
);
