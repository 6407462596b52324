//! What billing needs in an Attio workspace: objects, attributes, options and statuses. Data only; titles are matched
//! exactly by Attio, so a title here is the word that the flows write.

/// One object.
pub(super) struct Object {
    pub(super) slug: &'static str,
    /// Singular and plural, where it is ours to make; absent: every workspace has it.
    pub(super) nouns: Option<(&'static str, &'static str)>,
    /// What does not work where the workspace has no such object; money moves all the same.
    pub(super) without: &'static str,
    pub(super) attributes: &'static [Attribute],
}

/// One attribute.
pub(super) struct Attribute {
    pub(super) slug: &'static str,
    pub(super) title: &'static str,
    pub(super) kind: Kind,
    /// Only possible on objects of our own, not on people and companies.
    pub(super) unique: bool,
    /// Holds several values: only a select or a reference may.
    pub(super) multiple: bool,
}

impl Attribute {
    const fn several(self) -> Self {
        Self { multiple: true, ..self }
    }
}

/// An attribute's type.
pub(super) enum Kind {
    Text,
    Number,
    Checkbox,
    Date,
    Timestamp,
    /// An amount: of type currency, or number where Attio does not know the currency.
    Amount,
    /// A workspace member.
    Actor,
    Select(&'static [&'static str]),
    Status(&'static [&'static str]),
    Reference {
        to: &'static str,
        /// Title and slug of the attribute on the other side, where there is one.
        back: Option<(&'static str, &'static str)>,
    },
}

const fn attribute(slug: &'static str, title: &'static str, kind: Kind) -> Attribute {
    Attribute { slug, title, kind, unique: false, multiple: false }
}

const fn unique(slug: &'static str, title: &'static str) -> Attribute {
    Attribute { slug, title, kind: Kind::Text, unique: true, multiple: false }
}

const BILLING_SUMMARY: Kind = Kind::Select(&["No subscription", "Active", "Past due", "Churned"]);
const LIFECYCLE: Kind = Kind::Select(&["Trial", "Active", "Churned"]);
const COMPLIANCE: Kind = Kind::Select(&["GDPR", "CCPA"]);

/// The title under which an act rests.
pub const NO_ACT: &str = "none";

/// What a CRM user can ask for on a subscription, after where it rests.
const ACTS: &[&str] = &[
    NO_ACT,
    "Quote",
    "Start",
    "Change plan",
    "Cancel now",
    "Cancel at term end",
    "Reactivate",
    "Resend link",
    "Send card link",
    "Send portal link",
    "Request refund",
    "Open ticket",
    "Retry",
];

/// The title of the act on records of the catalog.
pub(super) const CATALOG_ACT: &str = "Sync catalog now";

/// The title of the act on people.
pub(super) const START_TRIAL: &str = "Start trial";

/// The titles of all acts that can be pressed on subscriptions.
pub const PRESSABLE: &[&str] = ACTS.split_at(1).1;

const SUBSCRIPTION_STATUS: Kind = Kind::Status(&[
    "Draft",
    "Awaiting payment method",
    "Activating",
    "Trial",
    "Active",
    "Past due",
    "Ending",
    "Cancelled",
    "Failed",
]);

/// All of it, the objects in the order in which they are made: where the workspace's plan allows few, the first ones count
/// most. References find their target, for all objects are made before the first attribute.
pub(super) const MODEL: &[Object] = &[
    Object {
        slug: "companies",
        nouns: None,
        without: "companies can be no customers, and show no billing state",
        attributes: &[
            attribute("lead_source", "Lead source", Kind::Text),
            attribute("country", "Billing country", Kind::Text),
            attribute("zoho_customer_id", "Zoho customer id", Kind::Text),
            attribute("zoho_account_id", "Zoho account id", Kind::Text),
            attribute("braintree_customer_id", "Braintree customer id", Kind::Text),
            attribute("compliance", "Compliance", COMPLIANCE).several(),
            attribute("lifecycle", "Lifecycle", LIFECYCLE),
            attribute("billing_summary", "Billing summary", BILLING_SUMMARY),
            attribute("payment_method_on_file", "Payment method on file", Kind::Checkbox),
            attribute("synced_at", "Synced at", Kind::Timestamp),
            attribute("last_error", "Last error", Kind::Text),
        ],
    },
    Object {
        slug: "people",
        nouns: None,
        without: "people can be no customers, and show no billing state",
        attributes: &[
            attribute("lead_source", "Lead source", Kind::Text),
            attribute("country", "Billing country", Kind::Text),
            attribute("zoho_customer_id", "Zoho customer id", Kind::Text),
            attribute("zoho_contact_id", "Zoho contact id", Kind::Text),
            attribute("braintree_customer_id", "Braintree customer id", Kind::Text),
            attribute("compliance", "Compliance", COMPLIANCE).several(),
            attribute("lifecycle", "Lifecycle", LIFECYCLE),
            attribute("billing_summary", "Billing summary", BILLING_SUMMARY),
            attribute("payment_method_on_file", "Payment method on file", Kind::Checkbox),
            attribute("synced_at", "Synced at", Kind::Timestamp),
            attribute("sync_action", "Action", Kind::Select(&[NO_ACT, START_TRIAL])),
            attribute("trial_ends_on", "Trial ends on", Kind::Date),
            attribute("last_error", "Last error", Kind::Text),
        ],
    },
    Object {
        slug: "subscriptions",
        nouns: Some(("Subscription", "Subscriptions")),
        without: "no act can be asked for in Attio, and no subscription shows its state",
        attributes: &[
            unique("external_id", "External id"),
            attribute("name", "Name", Kind::Text),
            // What people fill in.
            attribute(
                "customer_company",
                "Company",
                Kind::Reference { to: "companies", back: Some(("Subscriptions", "subscriptions")) },
            ),
            attribute(
                "customer_person",
                "Person",
                Kind::Reference { to: "people", back: Some(("Subscriptions", "subscriptions")) },
            ),
            attribute("plan", "Plan", Kind::Reference { to: "service_plans", back: None }),
            attribute("addons", "Add-ons", Kind::Reference { to: "service_plans", back: None }).several(),
            attribute("quantity", "Quantity", Kind::Number),
            attribute("coupon_code", "Coupon code", Kind::Text),
            attribute("starts_on", "Starts on", Kind::Date),
            attribute("trial_days", "Trial days", Kind::Number),
            attribute("owner", "Owner", Kind::Actor),
            attribute("sync_action", "Action", Kind::Select(ACTS)),
            // What billing answers.
            attribute("quote_text", "Quote", Kind::Text),
            attribute("quote_expires_at", "Quote expires", Kind::Timestamp),
            attribute("checkout_url", "Checkout link", Kind::Text),
            attribute(
                "checkout_status",
                "Checkout status",
                Kind::Select(&["None", "Link ready", "Opened", "Completed", "Expired"]),
            ),
            attribute("checkout_expires_at", "Checkout link expires", Kind::Timestamp),
            attribute("subscription_status", "Subscription status", SUBSCRIPTION_STATUS),
            attribute(
                "payment_status",
                "Payment status",
                Kind::Status(&["None", "Pending", "Paid", "Failed", "Refunded"]),
            ),
            attribute("next_billing_at", "Next billing", Kind::Date),
            attribute("ends_on", "Ends on", Kind::Date),
            attribute("ending_reason", "Why it ends", Kind::Text),
            attribute("amount", "Amount", Kind::Amount),
            attribute("amount_text", "Exact amount", Kind::Text),
            attribute(
                "collection_owner",
                "Collected by",
                Kind::Select(&["none", "orchestrator", "braintree_recurring", "zoho_native"]),
            ),
            attribute("action_needed", "Action needed", Kind::Text),
            attribute("last_error", "Last error", Kind::Text),
            unique("zoho_subscription_id", "Zoho subscription id"),
            attribute("braintree_customer_id", "Braintree customer id", Kind::Text),
            attribute("desk_ticket_id", "Desk ticket id", Kind::Text),
            attribute("desk_ticket_number", "Desk ticket", Kind::Text),
            attribute("saga_id", "Saga id", Kind::Text),
            attribute("sync_version", "Sync version", Kind::Number),
            attribute("synced_at", "Synced at", Kind::Timestamp),
        ],
    },
    Object {
        slug: "service_plans",
        nouns: Some(("Service plan", "Service plans")),
        without: "the catalog is not in Attio, and no plan or add-on can be chosen: acts that need one are refused",
        attributes: &[
            unique("external_id", "External id"),
            attribute("name", "Name", Kind::Text),
            attribute("kind", "Kind", Kind::Select(&["plan", "addon", "coupon"])),
            attribute("code", "Code", Kind::Text),
            attribute("description", "Description", Kind::Text),
            attribute("price", "Price", Kind::Amount),
            attribute("price_text", "Exact price", Kind::Text),
            attribute("billing_interval", "Billing interval", Kind::Text),
            attribute("offering_status", "Offering status", Kind::Status(&["Available", "Retired"])),
            attribute("zoho_item_id", "Zoho item id", Kind::Text),
            attribute("synced_at", "Synced at", Kind::Timestamp),
            attribute("sync_action", "Action", Kind::Select(&[NO_ACT, CATALOG_ACT])),
        ],
    },
    Object {
        slug: "billing_transactions",
        nouns: Some(("Billing transaction", "Billing transactions")),
        without: "payments are not listed in Attio; they stand in the transaction log alone",
        attributes: &[
            unique("external_id", "External id"),
            attribute("subscription", "Subscription", Kind::Reference { to: "subscriptions", back: None }),
            attribute("customer_company", "Company", Kind::Reference { to: "companies", back: None }),
            attribute("customer_person", "Person", Kind::Reference { to: "people", back: None }),
            attribute("kind", "Kind", Kind::Select(&["invoice", "payment", "refund", "chargeback"])),
            attribute("transaction_status", "Status", Kind::Status(&["Open", "Paid", "Failed", "Refunded", "Void"])),
            attribute("amount", "Amount", Kind::Amount),
            attribute("amount_text", "Exact amount", Kind::Text),
            attribute("zoho_invoice_id", "Zoho invoice id", Kind::Text),
            attribute("zoho_payment_id", "Zoho payment id", Kind::Text),
            attribute("braintree_transaction_id", "Braintree transaction id", Kind::Text),
            attribute("occurred_at", "Occurred at", Kind::Timestamp),
            attribute("failure_reason", "Failure reason", Kind::Text),
            attribute("saga_id", "Saga id", Kind::Text),
            attribute("sync_version", "Sync version", Kind::Number),
            attribute("synced_at", "Synced at", Kind::Timestamp),
        ],
    },
];

/// Currencies that an Attio attribute can have; others are kept as plain numbers beside the exact text.
const CURRENCIES: &[&str] = &[
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "FJD", "GBP",
    "GHS", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "MXN", "MYR", "NGN", "NZD", "OMR", "PEN",
    "PHP", "PLN", "QAR", "RWF", "SAR", "SEK", "SGD", "THB", "TRY", "USD", "UYU", "XPF", "ZAR",
];

/// Whether an attribute can have that currency.
pub(super) fn knows_currency(code: &str) -> bool {
    CURRENCIES.contains(&code)
}

/// What people call an attribute.
pub(super) fn title(object: &str, slug: &'static str) -> &'static str {
    let attributes = MODEL.iter().filter(|o| o.slug == object).flat_map(|o| o.attributes);
    attributes.into_iter().find(|attribute| attribute.slug == slug).map_or(slug, |attribute| attribute.title)
}
