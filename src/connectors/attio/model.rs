//! What billing needs in an Attio workspace: objects, attributes, options and statuses. Data only; titles are matched
//! exactly by Attio, so a title here is the word that the flows write.

/// One object.
pub(super) struct Object {
    pub(super) slug: &'static str,
    /// Singular and plural, where it is ours to make; absent: every workspace has it.
    pub(super) nouns: Option<(&'static str, &'static str)>,
    pub(super) attributes: &'static [Attribute],
}

/// One attribute.
pub(super) struct Attribute {
    pub(super) slug: &'static str,
    pub(super) title: &'static str,
    pub(super) kind: Kind,
    /// Only possible on objects of our own, not on people and companies.
    pub(super) unique: bool,
}

/// An attribute's type.
pub(super) enum Kind {
    Text,
    Number,
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
    Attribute { slug, title, kind, unique: false }
}

const fn unique(slug: &'static str, title: &'static str) -> Attribute {
    Attribute { slug, title, kind: Kind::Text, unique: true }
}

const BILLING_SUMMARY: Kind = Kind::Select(&["No subscription", "Active", "Past due", "Churned"]);

/// All of it, in an order in which references find their target.
pub(super) const MODEL: &[Object] = &[
    Object {
        slug: "companies",
        nouns: None,
        attributes: &[
            attribute("zoho_customer_id", "Zoho customer id", Kind::Text),
            attribute("braintree_customer_id", "Braintree customer id", Kind::Text),
            attribute("billing_summary", "Billing summary", BILLING_SUMMARY),
            attribute("synced_at", "Synced at", Kind::Timestamp),
        ],
    },
    Object {
        slug: "people",
        nouns: None,
        attributes: &[
            attribute("zoho_customer_id", "Zoho customer id", Kind::Text),
            attribute("braintree_customer_id", "Braintree customer id", Kind::Text),
            attribute("billing_summary", "Billing summary", BILLING_SUMMARY),
            attribute("synced_at", "Synced at", Kind::Timestamp),
        ],
    },
    Object {
        slug: "service_plans",
        nouns: Some(("Service plan", "Service plans")),
        attributes: &[
            unique("external_id", "External id"),
            attribute("name", "Name", Kind::Text),
            attribute("kind", "Kind", Kind::Select(&["plan", "addon"])),
            attribute("code", "Code", Kind::Text),
            attribute("price", "Price", Kind::Amount),
            attribute("price_text", "Exact price", Kind::Text),
            attribute("offering_status", "Offering status", Kind::Status(&["Available", "Retired"])),
            attribute("synced_at", "Synced at", Kind::Timestamp),
            attribute("sync_action", "Action", Kind::Select(&["none", "Sync catalog now"])),
        ],
    },
    Object {
        slug: "subscriptions",
        nouns: Some(("Subscription", "Subscriptions")),
        attributes: &[
            unique("external_id", "External id"),
            attribute("name", "Name", Kind::Text),
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
            attribute("owner", "Owner", Kind::Actor),
            attribute(
                "sync_action",
                "Action",
                Kind::Select(&[
                    "none",
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
                ]),
            ),
            attribute(
                "subscription_status",
                "Subscription status",
                Kind::Status(&[
                    "Draft",
                    "Awaiting payment method",
                    "Activating",
                    "Active",
                    "Past due",
                    "Cancelled",
                    "Failed",
                ]),
            ),
            attribute(
                "payment_status",
                "Payment status",
                Kind::Status(&["None", "Pending", "Paid", "Failed", "Refunded"]),
            ),
            unique("zoho_subscription_id", "Zoho subscription id"),
            attribute("braintree_customer_id", "Braintree customer id", Kind::Text),
            attribute("next_billing_at", "Next billing", Kind::Date),
            attribute("amount", "Amount", Kind::Amount),
            attribute("last_error", "Last error", Kind::Text),
            attribute("action_needed", "Action needed", Kind::Text),
            attribute("saga_id", "Saga id", Kind::Text),
            attribute("sync_version", "Sync version", Kind::Number),
            attribute("synced_at", "Synced at", Kind::Timestamp),
        ],
    },
    Object {
        slug: "billing_transactions",
        nouns: Some(("Billing transaction", "Billing transactions")),
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
