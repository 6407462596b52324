//! What no document of a vendor settles, or what documents disagree on: one table. A walk over reads answers some of it;
//! for the rest it stands here what would.

use serde::Serialize;

/// A system that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    Braintree,
    ZohoAccounts,
    ZohoBilling,
    ZohoCrm,
    ZohoDesk,
    Attio,
}

impl System {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Braintree => "Braintree",
            Self::ZohoAccounts => "Zoho Accounts",
            Self::ZohoBilling => "Zoho Billing",
            Self::ZohoCrm => "Zoho CRM",
            Self::ZohoDesk => "Zoho Desk",
            Self::Attio => "Attio",
        }
    }
}

macro_rules! points {
    ($($point:ident, $system:ident, $question:literal, $otherwise:literal;)*) => {
        /// An open point.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Point {
            $(#[doc = $question] $point,)*
        }

        impl Point {
            /// All of them, by system.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// Of which system.
            pub const fn system(self) -> System {
                match self { $(Self::$point => System::$system,)* }
            }

            /// What is not known.
            pub const fn question(self) -> &'static str {
                match self { $(Self::$point => $question,)* }
            }

            /// What settles it where the walk did not.
            pub const fn otherwise(self) -> &'static str {
                match self { $(Self::$point => $otherwise,)* }
            }
        }
    };
}

// Point, system, what is not known, what settles it where reads do not.
points! {
    SearchStatus, Braintree, "HTTP status of a search", "one search";
    SummaryStatus, Braintree, "HTTP status of the settlement batch summary", "one summary";
    SearchSlice, Braintree, "ids in one slice of a search", "one search";
    BraintreeLimits, Braintree, "headers that tell rate limits", "one answer";
    HoldEnd, Braintree, "whether a hold tells when it expires", "an open authorisation among the newest transactions";
    SearchLag, Braintree, "how late a new transaction is found by a search", "a sale in the vendor's test environment, searched every second";
    SearchCap, Braintree, "how many ids a search names at most", "a search over more than 50,000 transactions";
    AtMostOnceKeys, Braintree, "whether the merchant has at-most-once keys", "a void sent twice with one key: the second answers the same transaction";
    RefundWhileSettling, Braintree, "whether a refund is taken while the sale settles", "a refund in the vendor's test environment during settlement";
    FinalHolds, Braintree, "which merchant accounts give final authorisations", "a submit for less than was held, and the account's contract";
    OwnTokenWithNonce, Braintree, "whether a sale with a nonce takes a token of our choosing", "one hold in the vendor's test environment";
    AbsentSource, Braintree, "whether an absent transaction source means that the customer is present, for stored cards too", "the processor's reports on two such sales";
    NonceLife, Braintree, "how long a nonce lives", "a nonce used after three hours";
    ReservedCustomerIds, Braintree, "reserved customer ids", "creating customers `all` and `new` in the test environment";
    DescriptorFields, Braintree, "limits of a descriptor's phone and address", "a sale with long ones in the test environment";
    SubscriptionIdLength, Braintree, "how long a subscription's id may be", "subscriptions with long ids in the test environment";
    BillingDays, Braintree, "whether the billing day may be above 28", "a subscription with day 31 in the test environment";
    WebhookRepeats, Braintree, "whether a repeated webhook has the same body and signature", "an endpoint that refuses the first delivery";
    WebhookChallenge, Braintree, "whether a new webhook's address is challenged", "a webhook made in the control panel";
    DeclinedRefundListed, Braintree, "whether a refused refund is among the sale's refunds", "a refund refused in the test environment";
    RetryOrderId, Braintree, "whether a retry charge of a subscription keeps an order id", "such a charge in the test environment";
    TestSettlement, Braintree, "which test calls the public test environment honours", "each of them there";
    RetryLimits, Braintree, "the card networks' limits of repeated attempts", "the networks' rule books, by way of the acquirer";

    GrantedScopes, ZohoAccounts, "whether a refreshed token tells its scopes", "a refresh of the token";
    TokenLife, ZohoAccounts, "unit of a token's life", "a refresh of the token";
    ThrottleText, ZohoAccounts, "the answer to too many refreshes", "eleven refreshes in ten minutes";
    BillingLimits, ZohoBilling, "headers that tell rate limits and the day's quota", "one answer";
    PaymentList, ZohoBilling, "whether payments can be listed", "`GET /payments`";
    CustomerByMail, ZohoBilling, "whether customers are filtered by e-mail address", "`GET /customers?email=`, where there are customers";
    ReferenceFilter, ZohoBilling, "whether `reference_contains` finds a subscription", "a subscription with a reference";
    InvoiceSubscription, ZohoBilling, "whether an invoice names its subscription", "an invoice";
    InvoiceTax, ZohoBilling, "whether an invoice tells its tax", "an invoice";
    EventsList, ZohoBilling, "whether the log of events can be read", "`GET /events`";
    ReferenceDelay, ZohoBilling, "how late a new subscription is found by its reference", "a subscription made and looked up every second";
    OfflineRefunds, ZohoBilling, "whether a credit note takes a refund made elsewhere, and with which reference", "a refund of a credit note of a test customer";
    PaymentCorrection, ZohoBilling, "whether a payment made elsewhere can be lowered or deleted", "both on a payment of a test customer";
    BusinessCodes, ZohoBilling, "codes of business refusals", "one refused call of each kind";
    UniqueHeaders, ZohoBilling, "whether upsert headers are honoured", "a customer made twice with the header";
    AddonReplacement, ZohoBilling, "whether a change replaces or merges add-ons; rounding of proration", "a change of a test subscription";
    EstimateTax, ZohoBilling, "whether a quote's tax equals the later invoice's", "a quote and its invoice for a test customer";
    Reminders, ZohoBilling, "dunning, reminders and pay links of the organisation", "a look at its settings: no call reads them";
    AutoCollectOff, ZohoBilling, "what switching collection off stops", "a test subscription with a card";
    CancelledInvoice, ZohoBilling, "what an immediate cancellation does to an open invoice", "such a cancellation of a test subscription";
    BillingWebhooks, ZohoBilling, "repeats, time-out, content type and event id of webhooks", "a webhook to an endpoint that refuses, and its history at Zoho";

    TagCount, ZohoCrm, "how many tags a record may have", "eleven tags on a test record";
    TagLength, ZohoCrm, "length of a tag's name", "a name of 26 characters";
    UnknownExternalId, ZohoCrm, "the answer to an unknown external id", "a read by one, where the field is there";
    CrmLimits, ZohoCrm, "headers that tell limits and credits", "one answer";
    SearchScope, ZohoCrm, "whether the search needs a scope of its own", "one search";
    CoqlRows, ZohoCrm, "rows of one COQL answer", "a query with a limit above 200";
    PageTokens, ZohoCrm, "whether a list gives page tokens", "a list of more than one page";
    CrmSearchLag, ZohoCrm, "how late a new record is found by the search", "a record made and searched every second";
    AllFailedStatus, ZohoCrm, "HTTP status where all records of a write fail", "such a write on test records";
    ChannelExpiry, ZohoCrm, "the longest life of a notification channel", "a channel made for a week";
    NotifyBody, ZohoCrm, "the body of a notification", "a channel and a change of a test record";
    DeskFieldSearch, ZohoDesk, "how tickets are searched by a field of our own", "one search";
    DeskLimits, ZohoDesk, "headers that tell limits", "one answer";
    DeskRefusals, ZohoDesk, "bodies of 429 and of a scope refusal", "too many calls at once in a test organisation";

    AttioLimits, Attio, "headers that tell rate limits", "one answer";
    QueryRows, Attio, "most rows of a query", "a query with a limit above 500";
    InstantDigits, Attio, "digits of an instant", "a record";
    PressIdentity, Attio, "whether a value tells since when it is", "a subscription record with an action";
    EmptyUnique, Attio, "whether several records may lack a unique attribute", "two subscriptions made in Attio";
    SameValueEvents, Attio, "whether writing the same value makes an event", "such a write, with a webhook";
    ParallelUpserts, Attio, "whether two upserts at once make two records", "two at once for a new external id";
    ReferenceCreates, Attio, "whether a reference by e-mail address makes a person", "such a write to a test record";
    DefaultStatuses, Attio, "which statuses a new status attribute has", "`setup` in a new workspace";
    WorkflowActor, Attio, "the actor of a workflow's change", "a workflow that changes a test record";
    WebhookTimeout, Attio, "how long a webhook waits for an answer", "an endpoint that answers late";
    SecretAfterRotation, Attio, "whether a webhook's secret can be changed without making it anew", "Attio's settings page or support";
    RefusedKey, Attio, "bodies of 401 and 403", "a call with a revoked key, and one out of scope";
    LimitsPerToken, Attio, "whether rate limits are of a token or of the workspace", "two tokens at their limit at once";
}

/// The point that headers of limits settle.
pub(super) const fn limits_of(system: System) -> Option<Point> {
    match system {
        System::Braintree => Some(Point::BraintreeLimits),
        System::ZohoBilling => Some(Point::BillingLimits),
        System::ZohoCrm => Some(Point::CrmLimits),
        System::ZohoDesk => Some(Point::DeskLimits),
        System::Attio => Some(Point::AttioLimits),
        System::ZohoAccounts => None,
    }
}
