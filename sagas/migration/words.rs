//! The words of the flow: a line of the old system's list, what the flow can be told, and what its events speak of. Nothing
//! is decided here, and no word carries personal data.

use crate::kernel::answer::{
    BilledInvoice, Client, CollectionOwner, CustomerSurvey, InvoicePayment, Method, Subscription, SubscriptionSurvey,
    ZohoCustomer,
};
use crate::kernel::effect::{AttioRecord, Claim};
use crate::kernel::hand_over::{Approval, Ended, OpenInvoices, Wish};
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::money::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// A line of the old system's list, without who it is: that is kept apart, under our customer id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSubscription {
    /// What the old system calls it: one line, one saga, for ever.
    pub id: String,
    /// Our customer id, unless its customer in Zoho has one already.
    pub customer: String,
    /// An e-mail address is kept for this customer.
    pub has_email: bool,
    /// Zoho Billing customer id.
    pub zoho_customer: Option<String>,
    /// Zoho subscription id.
    pub zoho_subscription: Option<String>,
    /// Braintree customer id.
    pub braintree_customer: Option<String>,
    /// Token of the vaulted card that the old system charges.
    pub token: Option<String>,
    /// Braintree subscription id, where Braintree's own recurring billing charges it.
    pub braintree_subscription: Option<String>,
    /// Braintree subscriptions that other lines of the same customer name.
    pub others: Vec<String>,
    /// The client's record in Attio.
    pub client: Option<AttioRecord>,
    /// Record id of the object `subscriptions` in Attio.
    pub attio_subscription: Option<String>,
    /// Plan code in Zoho that is expected.
    pub plan: Option<String>,
    /// The last day that is paid for (books zone).
    pub paid_until: Option<NaiveDate>,
    /// Charges of the card that failed in the last 30 days.
    pub failed: FailedCharges,
}

/// How often a card was charged in vain in the last 30 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum FailedCharges {
    /// So often.
    Times {
        /// How many.
        times: u32,
    },
    /// Nobody knows: one charge less than the card's network allows is reckoned.
    Unknown,
}

/// Why a line is not linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Stable word.
    pub code: String,
    /// What was found.
    pub what: String,
    /// What to do.
    pub cure: String,
}

/// By what a line was matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    Ids,
    Email,
}

/// A vaulted card, as far as people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardFound {
    /// The vault's token.
    pub token: String,
    /// Brand as Braintree writes it.
    pub brand: String,
    /// Last four digits.
    pub last_four: String,
    /// Braintree's unique number identifier.
    pub number: String,
}

/// What a line is, here and at the vendors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Our customer id.
    pub customer: String,
    /// Our subscription id.
    pub subscription: String,
    /// Zoho Billing customer id.
    pub zoho_customer: String,
    /// Zoho subscription id.
    pub zoho_subscription: String,
    /// Plan code.
    pub plan: Option<String>,
    /// Product id: the plan family.
    pub product: String,
    /// Price of one term.
    pub amount: Option<Money>,
    /// Day of the next invoice (books zone).
    pub next_billing_on: Option<NaiveDate>,
    /// Braintree customer id.
    pub braintree_customer: Option<String>,
    /// A card that could be charged; absent: the customer has to give one before we collect.
    pub card: Option<CardFound>,
    /// Who is proved to collect; absent: nobody is.
    pub owner: Option<CollectionOwner>,
    /// The client's record in Attio.
    pub client: Option<AttioRecord>,
    pub by: MatchedBy,
}

/// How a subscription is to be handed over, or back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutOver {
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our references.
    pub installation: Installation,
    /// Who shall collect; on the way back the old collector does, whatever stands here.
    pub to: CollectionOwner,
    /// The new one collects no term that begins before that day (books zone); absent: from the next term on.
    pub from_period: Option<NaiveDate>,
    /// Which text of the new way the customer agreed to.
    pub consent: Option<String>,
    /// The signed statement that the old way is off, where nothing else proves it: its name, and where it is kept.
    pub statement: Option<String>,
    /// Braintree plan id, where Braintree shall collect.
    pub braintree_plan: Option<String>,
    /// What becomes of invoices that turn out to be open in between; absent: it is asked.
    pub open_invoices: Option<OpenInvoices>,
    /// The cohort with which it was ordered.
    pub cohort: Option<String>,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// Who has to agree before anything is switched.
    pub approval: Approval,
}

/// Which way a hand-over leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    There,
    /// To who collected before.
    Back,
}

/// What the flow can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// A line is to be looked up at every vendor; what is linked already is left as it is.
    Check {
        /// Which list it stands in.
        job: String,
        old: Box<OldSubscription>,
        /// Prefix of our references.
        installation: Installation,
    },
    /// What was matched is to be linked.
    Link {
        /// Who said so.
        by: String,
    },
    /// A link is taken back.
    Unlink { reason: String, by: String },
    /// What we would charge is to be compared with what is charged, or no longer.
    Shadow { on: bool, by: String },
    /// A difference is explained: it stands no more.
    Explain {
        /// Zoho invoice id.
        invoice: String,
        reason: String,
        by: String,
    },
    /// Finance agrees to what the shadow says.
    Approve { reason: String, by: String },
    /// Somebody else shall collect it.
    CutOver { order: Box<CutOver> },
    /// Who collected before shall collect it again.
    TakeBack { order: Box<CutOver> },
    /// A hand-over has ended.
    HandOverEnded {
        /// Its saga.
        hand_over: SagaId,
        ended: Ended,
    },
    /// The subscription has ended: its product is free.
    SubscriptionEnded {
        /// Key of the claim.
        product: String,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    CheckAsked {
        job: String,
        old: Box<OldSubscription>,
        installation: Installation,
        at: DateTime<Utc>,
    },
    /// By the e-mail address.
    ZohoCustomersFound {
        customers: Vec<ZohoCustomer>,
    },
    SubscriptionsListed {
        subscriptions: Vec<Subscription>,
    },
    /// Absent: Zoho has none such.
    SubscriptionRead {
        subscription: Option<Box<Subscription>>,
    },
    /// Absent: Zoho has none such.
    CustomerRead {
        customer: Option<Box<ZohoCustomer>>,
    },
    SubscriptionSurveyed {
        survey: Box<SubscriptionSurvey>,
    },
    CustomerSurveyed {
        survey: Box<CustomerSurvey>,
    },
    /// By the e-mail address.
    BraintreeCustomersFound {
        customers: Vec<String>,
    },
    /// Absent: Braintree has no such customer.
    CardsRead {
        methods: Option<Vec<Method>>,
    },
    /// Braintree subscriptions that charge a card.
    CardUsesRead {
        token: String,
        subscriptions: Vec<String>,
    },
    ClientRead {
        client: Box<Client>,
    },
    /// By the e-mail address.
    PersonLooked {
        record: Option<AttioRecord>,
    },
    LineMatched {
        found: Box<Found>,
        at: DateTime<Utc>,
    },
    ConflictsFound {
        conflicts: Vec<Conflict>,
        at: DateTime<Utc>,
    },
    LinkAsked {
        by: String,
        at: DateTime<Utc>,
    },
    ProductClaimed {
        claims: Vec<Claim>,
    },
    /// Another saga works on the customer or keeps the product.
    ClaimBusy {
        again_at: DateTime<Utc>,
    },
    /// The time to try again has come.
    ClaimDue,
    IdsLinked,
    /// Failed charges of the old system, in the card's windows.
    OldChargesCounted {
        order_ids: Vec<String>,
    },
    SubscriptionLinked {
        found: Box<Found>,
        /// Nothing is collected for what is paid for already: until this day begins (books zone).
        held_until: Option<DateTime<Utc>>,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// An id belongs to another of ours.
    LinkRefused {
        conflict: Conflict,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    PaidTermOver {
        zoho_subscription: String,
    },
    UnlinkAsked {
        reason: String,
        by: String,
        at: DateTime<Utc>,
    },
    /// It is collected as it was when it was linked.
    CollectorUnchanged,
    /// Who collects was changed since: another way leads back.
    UnlinkRefused {
        why: String,
    },
    OwnerCleared,
    SubscriptionUnlinked {
        zoho_subscription: String,
        was_held: bool,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    ShadowBegun {
        by: String,
        at: DateTime<Utc>,
    },
    /// What had been raised before counts for nothing.
    ShadowFrom {
        before: Vec<String>,
        look_at: DateTime<Utc>,
    },
    ShadowDue,
    /// Those that are to be compared; none: nothing new.
    InvoicesFound {
        invoices: Vec<BilledInvoice>,
        look_at: DateTime<Utc>,
    },
    /// We would have charged this, and did not.
    WouldCharge {
        invoice: String,
        number: String,
        amount: Money,
        at: DateTime<Utc>,
    },
    /// The old way has not charged yet, and is not late.
    OldWayAwaited {
        invoice: String,
    },
    /// The old way took what we would have.
    ShadowAgrees {
        invoice: String,
        took: Money,
        at: DateTime<Utc>,
    },
    ShadowDiffers {
        invoice: String,
        number: String,
        would: Money,
        took: Money,
        why: String,
        at: DateTime<Utc>,
    },
    DifferenceExplained {
        invoice: String,
        reason: String,
        by: String,
        at: DateTime<Utc>,
    },
    ShadowEnded {
        by: String,
        at: DateTime<Utc>,
    },
    ProductReleased {
        claim: Claim,
    },
    ShadowApproved {
        /// Invoices on which both agreed.
        compared: u32,
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    HandOverOrdered {
        wish: Box<Wish>,
        way: Way,
        /// Our own record is looked at then, should no answer come.
        look_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    HandOverLookDue,
    HandOverAwaited {
        look_at: DateTime<Utc>,
    },
    /// Who collected before collects still.
    HandOverFailed {
        why: String,
        at: DateTime<Utc>,
    },
    /// From here on the old way is watched.
    HandedOver {
        owner: CollectionOwner,
        /// So many terms have to be collected and settled before it is done.
        terms: u32,
        at: DateTime<Utc>,
    },
    /// What was paid before is not looked at.
    WatchFrom {
        before: Vec<String>,
        look_at: DateTime<Utc>,
    },
    WatchDue,
    PaidInvoicesFound {
        invoices: Vec<String>,
        look_at: DateTime<Utc>,
    },
    /// No card was charged for it, or no money of it is left.
    NothingCharged {
        invoice: String,
        at: DateTime<Utc>,
    },
    /// Charges that Zoho shows on it, whoever made them.
    PaymentsSeen {
        invoice: String,
        payments: Vec<InvoicePayment>,
    },
    OurChargeSeen {
        invoice: String,
        transaction: String,
        amount: Money,
        at: DateTime<Utc>,
    },
    SettlementAwaited {
        invoice: String,
    },
    /// A term was collected by the new way, and is settled.
    TermCollected {
        invoice: String,
        transaction: String,
        at: DateTime<Utc>,
    },
    /// A charge that stands not in our books: the subscription is on hold until a person has seen to it.
    OldWayCharged {
        zoho_subscription: String,
        invoice: String,
        /// Zoho payment id.
        payment: String,
        /// As Zoho shows it.
        reference: String,
        amount: Money,
        at: DateTime<Utc>,
    },
    OldWayStopped {
        zoho_subscription: String,
        invoice: String,
        at: DateTime<Utc>,
    },
    CutOverDone {
        at: DateTime<Utc>,
    },
    /// Nobody shall be on record again: the old way is no collector that we know.
    ReturnOrdered {
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    ReturnClaimed {
        claims: Vec<Claim>,
    },
    NothingUnderWay,
    ReturnRefused {
        why: String,
        released: Vec<Claim>,
    },
    /// Who collected before collects again; absent: nobody on record.
    HandedBack {
        owner: Option<CollectionOwner>,
        at: DateTime<Utc>,
    },
    /// Nobody is on record any more, and the subscription is let go.
    ReturnedToOldWay {
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
}

crate::kernel::saga::event_names!(
    Event: CheckAsked, ZohoCustomersFound, SubscriptionsListed, SubscriptionRead, CustomerRead, SubscriptionSurveyed,
    CustomerSurveyed, BraintreeCustomersFound, CardsRead, CardUsesRead, ClientRead, PersonLooked, LineMatched,
    ConflictsFound, LinkAsked, ProductClaimed, ClaimBusy, ClaimDue, IdsLinked, OldChargesCounted, SubscriptionLinked,
    LinkRefused, PaidTermOver, UnlinkAsked, CollectorUnchanged, UnlinkRefused, OwnerCleared, SubscriptionUnlinked, ShadowBegun, ShadowFrom, ShadowDue,
    InvoicesFound, WouldCharge, OldWayAwaited, ShadowAgrees, ShadowDiffers, DifferenceExplained, ShadowEnded,
    ProductReleased, ShadowApproved, HandOverOrdered, HandOverLookDue, HandOverAwaited, HandOverFailed, HandedOver,
    WatchFrom, WatchDue, PaidInvoicesFound, NothingCharged, PaymentsSeen, OurChargeSeen, SettlementAwaited,
    TermCollected, OldWayCharged, OldWayStopped, CutOverDone, ReturnOrdered, ReturnClaimed, NothingUnderWay,
    ReturnRefused, HandedBack, ReturnedToOldWay
);
