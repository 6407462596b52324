//! What vendors and Attio answer where a test says nothing else: the one ground of every flow's world and of the laws'
//! walks. Knows no flow.

use crate::kernel::answer::{
    Client, CollectionOwner, Enrolment, Invoice, Method, Request, Sold, Subscription, SubscriptionTerms, Survey,
    Transaction, TransactionStatus, ZohoCustomer,
};
use crate::kernel::effect::AttioRecord;
use crate::kernel::money::Money;
use crate::kernel::offer::{Offer, PlanOffer, Tax, TermUnit};
use crate::kernel::outcome::{Decline, DeclineKind, NotSent, Outcome, Rejection, RejectionKind};
use chrono::{DateTime, NaiveDate, Utc};
use iso_currency::Currency;

pub(crate) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

pub(crate) fn rejected(kind: RejectionKind, code: &str) -> Outcome {
    Outcome::Rejected { rejection: Rejection { kind, code: code.to_owned(), message: "refused".to_owned() } }
}

pub(crate) fn decline(kind: DeclineKind, code: &str) -> Decline {
    Decline {
        kind,
        code: code.to_owned(),
        text: "Declined".to_owned(),
        response_type: None,
        advice_code: None,
        advice_text: None,
        network_code: None,
        network_text: None,
        transaction: Some("declined1".to_owned()),
        brand: None,
    }
}

pub(crate) fn unknown() -> Outcome {
    Outcome::Unknown { detail: "time-out".to_owned() }
}

pub(crate) fn not_sent(cause: NotSent) -> Outcome {
    Outcome::NotSent { cause, detail: "not sent".to_owned(), retry_after_seconds: None }
}

pub(crate) fn company() -> AttioRecord {
    AttioRecord { object: "companies".to_owned(), id: "company1".to_owned() }
}

pub(crate) fn client() -> Client {
    Client {
        record: Some(company()),
        ambiguous: false,
        braintree_customer: Some("c-cust1".to_owned()),
        zoho_customer: Some("zc1".to_owned()),
    }
}

/// Our customer, linked nowhere.
pub(crate) fn enrolment() -> Enrolment {
    Enrolment { customer: "cust1".to_owned(), zoho_customer: None, braintree_customer: None, desk_contact: None }
}

/// Ours to collect, with nothing that stands against it.
pub(crate) fn survey() -> Survey {
    Survey {
        customer: Some("cust1".to_owned()),
        ambiguous: false,
        braintree_customer: Some("c-cust1".to_owned()),
        attio_client: Some(company()),
        subscription: Some("sub1".to_owned()),
        attio_subscription: None,
        owner: Some(CollectionOwner::Orchestrator),
        owner_from: None,
        one_off_consent: false,
        claimed_elsewhere: Vec::new(),
        holds: Vec::new(),
        subscription_holds: Vec::new(),
        applied: None,
        unapplied: None,
        owes_elsewhere: false,
        sale_switched_off: false,
    }
}

/// An open invoice that was raised and read now.
pub(crate) fn invoice(total: i64, now: DateTime<Utc>) -> Invoice {
    Invoice {
        id: "77".to_owned(),
        number: "INV-77".to_owned(),
        customer: "zc1".to_owned(),
        subscription: Some("zs1".to_owned()),
        status: "sent".to_owned(),
        total: eur(total),
        balance: eur(total),
        tax: None,
        credits: eur(0),
        written_off: eur(0),
        payments: Vec::new(),
        date: now.date_naive(),
        due_date: now.date_naive(),
        read_at: now,
    }
}

pub(crate) fn zoho_customer() -> ZohoCustomer {
    ZohoCustomer {
        id: "zc1".to_owned(),
        currency: "EUR".to_owned(),
        active: true,
        our_customer: Some("cust1".to_owned()),
        unused_credit: None,
        changed_at: None,
    }
}

/// One that Zoho does not collect for.
pub(crate) fn subscription(id: &str, reference: &str, status: &str) -> Subscription {
    Subscription {
        id: id.to_owned(),
        customer: "zc1".to_owned(),
        status: status.to_owned(),
        auto_collect: false,
        currency: "EUR".to_owned(),
        reference: reference.to_owned(),
        plan: Some("pro-monthly".to_owned()),
        product: Some("prod1".to_owned()),
        amount: None,
        next_billing_on: None,
    }
}

/// What that subscription sells, and how it stands.
pub(crate) fn terms(status: &str) -> SubscriptionTerms {
    SubscriptionTerms {
        id: "zs1".to_owned(),
        customer: "zc1".to_owned(),
        status: status.to_owned(),
        auto_collect: false,
        has_card: false,
        sold: Sold {
            plan: "pro-monthly".to_owned(),
            quantity: 1,
            addons: Vec::new(),
            coupon: None,
            amount: Some(eur(10_000)),
        },
        scheduled: None,
        name: Some("Acme-Pro".to_owned()),
        term_starts_on: Some(day("2024-10-01")),
        term_ends_on: Some(day("2024-10-31")),
        next_billing_on: Some(day("2024-11-01")),
        newest_invoice: Some("77".to_owned()),
        changed_at: Some("t1".to_owned()),
    }
}

pub(crate) fn method(token: &str) -> Method {
    Method {
        token: token.to_owned(),
        default: true,
        brand: "Visa".to_owned(),
        last_four: "1111".to_owned(),
        expired: false,
        card: format!("card-{token}"),
        has_live_subscription: false,
        good_through: None,
    }
}

/// An approved sale of nobody's card.
pub(crate) fn transaction(id: &str, order_id: &str, amount: Money, now: DateTime<Utc>) -> Transaction {
    Transaction {
        id: id.to_owned(),
        status: TransactionStatus::SubmittedForSettlement,
        amount,
        order_id: order_id.to_owned(),
        customer: None,
        token: None,
        created_at: now,
        merchant_account: "eur".to_owned(),
        held: None,
        hold_expires_at: None,
        card: None,
        authentication: None,
    }
}

/// A plain wish for one plan.
pub(crate) fn request() -> Request {
    Request {
        client: Some(company()),
        plan: Some("pro-monthly".to_owned()),
        addons: Vec::new(),
        quantity: None,
        coupon: None,
        starts_on: None,
        trial_days: None,
        owner: Some("member1".to_owned()),
        act: None,
        pressed_at: None,
        external_id: None,
        zoho_subscription: None,
        problems: Vec::new(),
    }
}

/// A monthly plan of 100 euros and 19 % tax.
pub(crate) fn offer(now: DateTime<Utc>) -> Offer {
    Offer {
        plan: PlanOffer {
            code: "pro-monthly".to_owned(),
            name: "Pro".to_owned(),
            product: "prod1".to_owned(),
            active: true,
            price: eur(10_000),
            setup_fee: eur(0),
            interval: 1,
            unit: TermUnit::Months,
            trial_days: 0,
            tax: Tax::Rate { ppm: 190_000 },
        },
        addons: Vec::new(),
        coupon: None,
        read_at: now,
    }
}
