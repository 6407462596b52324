//! Deliveries: whose they are, and what they are about.

use super::*;

/// The vendor's SDKs, run on these keys, made the signatures below.
fn key() -> KeyPair {
    KeyPair { public_key: "pub".to_owned(), private_key: "priv".into() }
}

const PAYLOAD: &str = "PG5vdGlmaWNhdGlvbi8+\n";
const SIGNED: &str = "pub|88192072e72334c8daa6dd7736d87e9f51dd204b";
const SIGNED_WITHOUT_NEWLINE: &str = "pub|139534bb2e4bd5d11bab0badaa279cfe3854b467";

fn verify(signature: &str, payload: &str) -> Result<Notification, WebhookError> {
    verify_and_parse(&[key()], &Delivery { signature: signature.to_owned(), payload: payload.to_owned() })
}

/// The vectors' payload is genuine and no whole notification.
fn is_genuine(result: &Result<Notification, WebhookError>) -> bool {
    matches!(result, Err(WebhookError::Unreadable(_)))
}

fn signed(xml: &str) -> Delivery {
    let payload = format!("{}\n", STANDARD.encode(xml));
    let signature = hex::encode(signer(&key()).chain_update(&payload).finalize().into_bytes());
    Delivery { signature: format!("pub|{signature}"), payload }
}

#[test]
fn genuine_payloads_are_accepted_with_and_without_their_last_newline() {
    assert!(is_genuine(&verify(SIGNED, PAYLOAD)));
    assert!(is_genuine(&verify(SIGNED, PAYLOAD.trim_end())));
    assert!(is_genuine(&verify(SIGNED_WITHOUT_NEWLINE, PAYLOAD.trim_end())));
    assert!(is_genuine(&verify(&format!("foreign|00ff&no-pair&{SIGNED}"), PAYLOAD)));
}

#[test]
fn altered_payloads_and_foreign_signatures_are_refused() {
    for altered in ["PG5vdGlmaWNhdGlvbi8+\r\n", "PG5vdGlmaWNhdGlvbi8 \n"] {
        assert_eq!(verify(SIGNED, altered), Err(WebhookError::IllegalCharacters));
    }
    let bad = Err(WebhookError::BadSignature("pub".to_owned()));
    assert_eq!(verify(SIGNED, "QG5vdGlmaWNhdGlvbi8+\n"), bad);
    assert_eq!(verify(&SIGNED[..SIGNED.len() - 2], PAYLOAD), bad);
    assert_eq!(verify("pub|nothex", PAYLOAD), bad);
    assert_eq!(verify(SIGNED_WITHOUT_NEWLINE, PAYLOAD), bad);
    let unknown = WebhookError::UnknownKey { offered: "other".to_owned(), configured: "pub".to_owned() };
    assert_eq!(verify("other|88192072e72334c8daa6dd7736d87e9f51dd204b", PAYLOAD), Err(unknown));
    assert!(matches!(verify("", PAYLOAD), Err(WebhookError::UnknownKey { .. })));
}

#[test]
fn while_keys_are_rotated_either_pair_is_good() {
    let new = KeyPair { public_key: "new".to_owned(), private_key: "other".into() };
    let delivery = Delivery { signature: SIGNED.to_owned(), payload: PAYLOAD.to_owned() };
    assert!(is_genuine(&verify_and_parse(&[new, key()], &delivery)));
}

#[test]
fn the_form_is_decoded_once() {
    let body = b"bt_signature=pub%7C88192072e72334c8daa6dd7736d87e9f51dd204b&bt_payload=PG5vdGlmaWNhdGlvbi8%2B%0A";
    let delivery = Delivery::from_form(body).expect("both fields");
    assert_eq!((delivery.signature.as_str(), delivery.payload.as_str()), (SIGNED, PAYLOAD));
    assert_eq!(Delivery::from_form(b"bt_payload=x").err(), Some(WebhookError::MissingField("bt_signature")));
}

#[test]
fn only_a_challenge_of_braintrees_form_is_signed() {
    let answer = answer_challenge(&key(), "20f9f8ed05f77439fe955c977e4c8a53");
    assert_eq!(answer.as_deref(), Ok("pub|5d50acea216b983cf6c6d424dbaa95d601aed729"));
    for bad in ["", "20f9", "20F9F8ED05F77439FE955C977E4C8A53", "PG5vdGlmaWNhdGlvbi8+", &"a".repeat(33)] {
        assert_eq!(answer_challenge(&key(), bad), Err(WebhookError::BadChallenge), "{bad}");
    }
}

fn subject_of(kind: &str, object: &str) -> Subject {
    let xml = format!(
        "<notification><timestamp type=\"datetime\">2026-11-21T10:15:00Z</timestamp><kind>{kind}</kind>\
         <subject>{object}</subject></notification>"
    );
    let notification = verify_and_parse(&[key()], &signed(&xml)).expect("genuine");
    assert_eq!(notification.kind, kind);
    notification.subject
}

#[test]
fn every_kind_of_the_reference_has_its_object() {
    let transaction = |id: &str| Subject::Transaction { id: id.to_owned(), order_id: None };
    let subscription = || Subject::Subscription { id: "s-1".to_owned(), newest_transaction: None };
    let dispute = || Subject::Dispute { id: "d1".to_owned(), transaction: None };
    let method = || Subject::PaymentMethod { token: "m-1".to_owned() };
    let groups: [(&[&str], &str, Subject); 8] = [
        (&["check"], "<check type=\"boolean\">true</check>", Subject::Check),
        (
            &[
                "subscription_charged_successfully",
                "subscription_charged_unsuccessfully",
                "subscription_went_active",
                "subscription_went_past_due",
                "subscription_canceled",
                "subscription_expired",
                "subscription_trial_ended",
                "subscription_billing_skipped",
            ],
            "<subscription><id>s-1</id><transactions type=\"array\"/><add_ons type=\"array\"/></subscription>",
            subscription(),
        ),
        (
            &[
                "transaction_settled",
                "transaction_settlement_declined",
                "transaction_disbursed",
                "transaction_retried",
                "refund_failed",
            ],
            "<transaction><id>t1</id><order-id nil=\"true\"/></transaction>",
            transaction("t1"),
        ),
        (
            &["transaction_reviewed"],
            "<transaction-review><transaction-id>t2</transaction-id></transaction-review>",
            transaction("t2"),
        ),
        (
            &[
                "dispute_opened",
                "dispute_under_review",
                "dispute_disputed",
                "dispute_accepted",
                "dispute_auto_accepted",
                "dispute_expired",
                "dispute_won",
                "dispute_lost",
            ],
            "<dispute><id>d1</id></dispute>",
            dispute(),
        ),
        (&["payment_method_revoked_by_customer"], "<paypal-account><token>m-1</token></paypal-account>", method()),
        (
            &[
                "granted_payment_instrument_update",
                "grantor_updated_granted_payment_method",
                "recipient_updated_granted_payment_method",
            ],
            "<granted-payment-instrument-update><token>m-1</token></granted-payment-instrument-update>",
            method(),
        ),
        (
            &["payment_method_customer_data_updated"],
            "<payment-method-customer-data-updated-metadata><token>m-1</token>\
             </payment-method-customer-data-updated-metadata>",
            method(),
        ),
    ];
    for (kinds, object, expected) in groups {
        for kind in kinds {
            assert_eq!(subject_of(kind, object), expected, "{kind}");
        }
    }
    assert_eq!(
        subject_of("granted_payment_method_revoked", "<venmo-account><token>m-1</token></venmo-account>"),
        method()
    );
    for (kind, object) in [
        ("local_payment_completed", "<local-payment><payment-id>p</payment-id></local-payment>"),
        ("connected_merchant_status_transitioned", "<connected-merchant-status-transitioned/>"),
        ("a_kind_of_tomorrow", "<an-object-of-tomorrow><id>x</id></an-object-of-tomorrow>"),
    ] {
        let name = object[1..].split(['>', '/']).next().expect("a name").to_owned();
        assert_eq!(subject_of(kind, object), Subject::Other(name));
    }
    assert_eq!(subject_of("a_kind_of_tomorrow", ""), Subject::Other(String::new()));
}

#[test]
fn a_payout_says_what_no_call_reads_again() {
    let object = "<disbursement><id>p1</id><transaction-ids type=\"array\"><item>t1</item><item>t2</item>\
                  </transaction-ids><success type=\"boolean\">false</success><retry type=\"boolean\">true</retry>\
                  <merchant-account><id>acme_eur</id><currency-iso-code>EUR</currency-iso-code></merchant-account>\
                  <amount>98.00</amount><disbursement-date type=\"date\">2026-11-23</disbursement-date>\
                  <exception-message>bank_rejected</exception-message>\
                  <follow-up-action>update_funding_information</follow-up-action></disbursement>";
    let Subject::Disbursement { id, payout } = subject_of("disbursement_exception", object) else { panic!("a payout") };
    assert_eq!((id.as_str(), payout.transactions.len()), ("p1", 2));
    assert_eq!(payout.amount, Some(Money::new(9800, iso_currency::Currency::EUR)));
    assert_eq!((payout.success, payout.is_retry), (false, true));
    assert_eq!(payout.exception.as_deref(), Some("bank_rejected"));
    let bare = "<disbursement><id>p1</id></disbursement>";
    let Subject::Disbursement { payout, .. } = subject_of("disbursement", bare) else { panic!("a payout") };
    assert_eq!(*payout, Payout::default());
}

#[test]
fn the_address_of_a_report_of_new_cards_shows_nowhere() {
    let object = "<account-updater-daily-report><report-date type=\"date\">2026-11-21</report-date>\
                  <report-url>https://reports.test/secret</report-url></account-updater-daily-report>";
    let subject = subject_of("account_updater_daily_report", object);
    assert!(!format!("{subject:?}").contains("secret"), "{subject:?}");
    let Subject::AccountUpdates { day, url } = subject else { panic!("a report") };
    assert_eq!((day, url.expect("an address").0.as_str()), ("2026-11-21".parse().ok(), "https://reports.test/secret"));
}

#[test]
fn a_dispute_names_itself_and_its_transaction() {
    let xml = include_str!("../../../../tests/fixtures/braintree/notification_dispute_opened.xml");
    let notification = verify_and_parse(&[key()], &signed(xml)).expect("genuine");
    assert_eq!(notification.kind, "dispute_opened");
    assert_eq!(notification.timestamp.to_rfc3339(), "2026-11-21T10:15:00+00:00");
    let dispute = Subject::Dispute { id: "dp7c2k9m".to_owned(), transaction: Some("k3v9p2ab".to_owned()) };
    assert_eq!(notification.subject, dispute);
}

#[test]
fn a_subscription_names_its_newest_transaction_if_it_has_one() {
    let xml = include_str!("../../../../tests/fixtures/braintree/notification_subscription_charged.xml");
    let notification = verify_and_parse(&[key()], &signed(xml)).expect("genuine");
    let newest_transaction = Some("n8w1x2yz".to_owned());
    assert_eq!(notification.subject, Subject::Subscription { id: "s-0042".to_owned(), newest_transaction });
}

#[test]
fn one_notification_has_one_delivery_key_however_its_base64_is_wrapped() {
    let xml = include_str!("../../../../tests/fixtures/braintree/notification_dispute_opened.xml");
    let one_line = signed(xml);
    let mut payload = String::new();
    for (at, character) in one_line.payload.trim_end().chars().enumerate() {
        if at > 0 && at % 76 == 0 {
            payload.push('\n');
        }
        payload.push(character);
    }
    payload.push('\n');
    let signature = hex::encode(signer(&key()).chain_update(&payload).finalize().into_bytes());
    let wrapped = Delivery { signature: format!("pub|{signature}"), payload };
    let parse = |delivery| verify_and_parse(&[key()], delivery).expect("genuine").delivery_key;
    assert_eq!(parse(&one_line), parse(&wrapped));
    assert_ne!(parse(&one_line), parse(&signed(&xml.replace("10:15:00", "10:15:01"))));
}

#[test]
fn what_is_not_known_is_kept_by_name() {
    let about = |inner: &str| {
        let xml = format!(
            "\n  <notification><timestamp type='dateTime'>2026-11-21T10:15:00Z</timestamp><kind>new_kind</kind>\
             {inner}</notification>"
        );
        let notification = verify_and_parse(&[key()], &signed(&xml)).expect("genuine");
        assert_eq!(notification.kind, "new_kind");
        notification.subject
    };
    assert_eq!(about("<subject><check type='boolean'>true</check></subject>"), Subject::Check);
    let review = "<subject><transaction-review><transaction-id>t1</transaction-id></transaction-review></subject>";
    assert_eq!(about(review), Subject::Transaction { id: "t1".to_owned(), order_id: None });
    assert_eq!(about("<subject><new_thing/></subject>"), Subject::Other("new-thing".to_owned()));
    assert_eq!(about("<subject><dispute><id nil='true'/></dispute></subject>"), Subject::Other("dispute".to_owned()));
    assert_eq!(about(""), Subject::Other(String::new()));
}
