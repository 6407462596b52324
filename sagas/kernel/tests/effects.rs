//! Calls on Braintree as the log keeps them, and what contradicts them.

use crate::kernel::answer::{Answer, Refund, TransactionStatus};
use crate::kernel::effect::{
    Braintree, DocumentForm, Effect, EvidencePiece, FirstTerm, FirstTermKind, RecurringChange, RecurringOrder,
    SaleDetails, SaleLine,
};
use crate::kernel::money::Money;
use crate::kernel::step::{Absence, ExactlyOnce, Resend};
use chrono::{DateTime, NaiveDate};
use iso_currency::Currency::EUR;
use uuid::Uuid;

fn refund() -> Effect {
    Effect::Braintree(Braintree::Refund {
        order_id: "demo1.rf.5f.1".to_owned(),
        transaction: "k3v9p2ab".to_owned(),
        amount: Money::new(2_000, EUR),
    })
}

fn given() -> Refund {
    Refund {
        id: "r7f2k9xz".to_owned(),
        transaction: "k3v9p2ab".to_owned(),
        order_id: "demo1.rf.5f.1".to_owned(),
        amount: Money::new(2_000, EUR),
        status: TransactionStatus::SubmittedForSettlement,
        created_at: DateTime::UNIX_EPOCH,
        soft_decline: None,
    }
}

fn id() -> String {
    "x1".to_owned()
}

fn all() -> Vec<Braintree> {
    let line = SaleLine {
        name: "Pro".to_owned(),
        code: "pro".to_owned(),
        quantity: "1".to_owned(),
        unit: None,
        unit_amount: Money::new(100, EUR),
        total: Money::new(100, EUR),
        tax: None,
        discount: None,
    };
    let details = SaleDetails {
        invoice_number: "INV-1".to_owned(),
        tax: None,
        shipping: None,
        discount: None,
        lines: vec![line],
    };
    let term = FirstTerm { kind: FirstTermKind::AddOn, modification: "first".to_owned(), amount: Money::new(100, EUR) };
    let order = RecurringOrder {
        subscription: id(),
        customer: id(),
        token: id(),
        plan: id(),
        price: Money::new(100, EUR),
        first_charge_on: "2026-12-01".parse().ok(),
        first_term: Some(term),
    };
    let changes = [
        RecurringChange::Method { token: id() },
        RecurringChange::Plan { plan: id(), price: Money::new(100, EUR) },
        RecurringChange::EndAfter { cycles: 3 },
        RecurringChange::NeverEnds,
    ];
    let text = EvidencePiece::Text { input: Uuid::nil(), category: None, sequence: Some(1) };
    let file = EvidencePiece::File { document: id(), category: Some("GENERAL".to_owned()) };
    let mut all = vec![
        Braintree::Sell {
            order_id: id(),
            customer: id(),
            token: id(),
            amount: Money::new(100, EUR),
            recurring: true,
            details: Some(Box::new(details)),
        },
        Braintree::ReadMethod { token: id() },
        Braintree::SetDefaultMethod { customer: id(), token: id() },
        Braintree::VerifyMethod { token: id() },
        Braintree::UpdateCustomer { customer: id(), person: id() },
        Braintree::CreateSubscription(Box::new(order)),
        Braintree::ReadSubscription { subscription: id() },
        Braintree::CancelSubscription { subscription: id() },
        Braintree::ReadDispute { dispute: id() },
        Braintree::AcceptDispute { dispute: id() },
        Braintree::UploadDocument { dispute: id(), input: Uuid::nil(), form: DocumentForm::Pdf },
        Braintree::AddEvidence { dispute: id(), piece: text, besides: vec![id()] },
        Braintree::AddEvidence { dispute: id(), piece: file, besides: Vec::new() },
        Braintree::RemoveEvidence { dispute: id(), evidence: id() },
        Braintree::FinalizeDispute { dispute: id() },
        Braintree::ReadPayoutList { merchant_account: id(), day: NaiveDate::default() },
        Braintree::ReadPayout { merchant_account: id(), day: NaiveDate::default(), transactions: vec![id()] },
    ];
    all.extend(changes.map(|change| Braintree::UpdateSubscription { subscription: id(), change }));
    all
}

#[test]
fn every_call_comes_back_from_the_log_as_it_went_in() {
    for call in all() {
        let effect = Effect::Braintree(call);
        let text = serde_json::to_string(&effect).expect("JSON");
        assert_eq!(serde_json::from_str::<Effect>(&text).expect(&text), effect);
        let reads = effect.operation().starts_with("braintree.read_");
        assert_eq!(effect.moves_money(), !reads, "{text}");
    }
}

#[test]
fn a_sale_of_before_says_nothing_of_what_it_is_for() {
    let sale = r#"{"system":"braintree","call":"sell","order_id":"o","customer":"c","token":"t",
        "amount":{"minor":100,"currency":"EUR"},"recurring":true}"#;
    let Ok(Effect::Braintree(Braintree::Sell { details, .. })) = serde_json::from_str(sale) else { panic!("a sale") };
    assert_eq!(details, None);
}

#[test]
fn a_refund_moves_money_and_is_never_sent_again_unproven() {
    assert!(refund().moves_money());
    let once = ExactlyOnce::Searchable { row: "2.0-e36", absence: Absence::Watermark, resend: Resend::Same };
    assert_eq!(refund().exactly_once(), once);
    assert!(refund().exactly_once().needs_sending_mark());
}

#[test]
fn a_refund_of_another_sale_sum_or_reference_contradicts() {
    let shown = |refund: Refund| Answer::Refund(Box::new(refund));
    let contradicts = |refund_shown: Refund| refund().contradicts("r7f2k9xz", &shown(refund_shown));
    assert_eq!(contradicts(given()), None);
    for (other, says) in [
        (Refund { id: "r2".to_owned(), ..given() }, "r2 instead of r7f2k9xz"),
        (Refund { order_id: "by-hand".to_owned(), ..given() }, "order id by-hand"),
        (Refund { transaction: "t2".to_owned(), ..given() }, "a refund of t2"),
        (Refund { amount: Money::new(1, EUR), ..given() }, "0.01 EUR"),
    ] {
        let why = contradicts(other).expect("it is another one");
        assert!(why.starts_with(says), "{why}");
    }
    let asked = refund().as_asked("r7f2k9xz", DateTime::UNIX_EPOCH).expect("an answer");
    assert_eq!(asked, shown(given()));
}

#[test]
fn what_cannot_be_undone_is_asked_for_again_by_a_person_alone() {
    for call in [Braintree::AcceptDispute { dispute: id() }, Braintree::FinalizeDispute { dispute: id() }] {
        let ExactlyOnce::Searchable { resend, .. } = Effect::Braintree(call).exactly_once() else { panic!("a set") };
        assert_eq!(resend, Resend::Never);
    }
}

#[test]
fn every_operation_is_listed_once_and_names_its_vendor() {
    let listed = Effect::operations();
    let mut once = listed.clone();
    once.dedup();
    assert_eq!(listed, once);
    for call in all() {
        let effect = Effect::Braintree(call);
        assert!(listed.contains(&effect.operation()), "{}", effect.operation());
        assert_eq!(effect.operation().split_once('.').map(|(vendor, _)| vendor), Some(effect.vendor()));
    }
    for name in ["attio.project", "mail.send", "practice.take", "zoho.set_coupon", "zoho_crm.find", "zoho_desk.comment"]
    {
        assert!(listed.contains(&name), "{name} in {listed:?}");
    }
}
