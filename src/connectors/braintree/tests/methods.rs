//! Cards on file and a customer's names against a scripted peer.

use super::*;
use crate::port::Person;

fn default() -> Act {
    Act::SetDefaultMethod { customer: "c-42".to_owned(), token: "m-9a".to_owned() }
}

fn verify() -> Act {
    Act::VerifyMethod { token: "m-9a".to_owned() }
}

fn rename() -> Act {
    Act::UpdateCustomer { customer: "c-42".to_owned(), person: "42".to_owned() }
}

fn card() -> &'static str {
    fixture!("payment_method")
}

fn verified(status: &str, created: &str) -> String {
    let verification = format!(
        "<verifications type=\"array\"><verification><id>v1</id><status>{status}</status>\
         <processor-response-code>2000</processor-response-code><processor-response-text>Do Not Honor\
         </processor-response-text><created-at type=\"datetime\">{created}</created-at></verification></verifications>"
    );
    card().replace("<verifications type=\"array\"/>", &verification)
}

#[tokio::test]
async fn a_card_is_read_with_the_live_subscriptions_that_charge_it() {
    let subscriptions = "<subscriptions type=\"array\"><subscription><id>s-1</id><status>Active</status></subscription>\
                         <subscription><id>s-2</id><status>Canceled</status></subscription>\
                         <subscription><id>s-3</id><status>Frozen</status></subscription></subscriptions>";
    let read = Act::ReadMethod { token: "m-9a".to_owned() };
    let shown = card().replace("<subscriptions type=\"array\"/>", subscriptions);
    let (outcome, seen) = asked(read.clone(), "", [ok(&shown)]).await;
    let Outcome::Done { answer: Answer::MethodInUse(method) } = outcome else { panic!("{outcome:?}") };
    assert_eq!((method.customer.as_str(), method.subscriptions.join(" ").as_str()), ("c-42", "s-1 s-3"));
    assert!(seen[0].starts_with("GET /merchants/acme/payment_methods/any/m-9a HTTP/1.1\r\n"), "{}", seen[0]);
    let paypal = "<paypal-account><token>m-9a</token></paypal-account>";
    assert_eq!(rejection(asked(read.clone(), "", [ok(paypal)]).await.0).1, "no_card");
    assert_eq!(rejection(asked(read, "", [Play::reply(404, XML, "")]).await.0).0, RejectionKind::NotFound);
}

#[tokio::test]
async fn a_card_becomes_the_default_of_its_customer() {
    let shown = fixture!("customer").replace("m-7f3c", "m-9a");
    let (outcome, seen) = asked(default(), "", [ok(&shown)]).await;
    assert_eq!(outcome, Outcome::Done { answer: Answer::Nothing });
    assert!(seen[0].starts_with("PUT /merchants/acme/customers/c-42 HTTP/1.1\r\n"), "{}", seen[0]);
    assert_eq!(
        sent(&seen[0]),
        "<customer><default_payment_method_token>m-9a</default_payment_method_token></customer>"
    );
    assert_eq!(asked(default(), "", [ok(fixture!("customer"))]).await.0.word(), "unknown", "not shown as the default");
    assert_eq!(rejection(asked(default(), "", [Play::reply(404, XML, "")]).await.0).0, RejectionKind::NotFound);
    assert_eq!(outcome_of(looked_for(default(), [ok(card())]).await.0).word(), "done");
    let other = card().replace("<default type=\"boolean\">true", "<default type=\"boolean\">false");
    assert_eq!(looked_for(default(), [ok(&other)]).await.0, NOTHING_DONE);
    let foreign = card().replace("c-42", "c-43");
    assert_eq!(rejection(outcome_of(looked_for(default(), [ok(&foreign)]).await.0)).0, RejectionKind::Mismatch);
    assert!(is_unclear(&looked_for(default(), [Play::Reset]).await.0));
}

#[tokio::test]
async fn a_card_on_file_is_verified_and_a_no_keeps_its_code() {
    let (outcome, seen) = asked(verify(), "", [ok(card())]).await;
    assert!(matches!(outcome, Outcome::Done { answer: Answer::Vaulted(_) }), "{outcome:?}");
    assert!(seen[0].starts_with("PUT /merchants/acme/payment_methods/any/m-9a HTTP/1.1\r\n"), "{}", seen[0]);
    assert_eq!(
        sent(&seen[0]),
        "<payment_method><options><verify_card type=\"boolean\">true</verify_card></options></payment_method>"
    );
    let no = Play::reply(422, XML, fixture!("sale_verification_declined"));
    assert_eq!(declined(asked(verify(), "", [no]).await.0).kind, DeclineKind::Verification);
    let (before, since) = ("2026-11-21T09:59:00Z", "2026-11-21T10:00:01Z");
    let look = async |shown: String| looked_for(verify(), [ok(&shown)]).await.0;
    assert_eq!(look(verified("verified", before)).await, NOTHING_DONE, "that was an earlier one");
    assert_eq!(outcome_of(look(verified("verified", since)).await).word(), "done");
    assert_eq!(declined(outcome_of(look(verified("processor_declined", since)).await)).code, "2000");
    assert!(is_unclear(&look(verified("pending", since)).await));
}

#[tokio::test]
async fn a_customer_is_renamed_to_what_we_hold() {
    let person = Person {
        first_name: "Ada".to_owned(),
        last_name: "Redacted".to_owned(),
        email: "redacted@example.org".to_owned(),
        ..Person::default()
    };
    let call = Call { beside: Beside { person: Some(person), ..Beside::default() }, ..call(rename()) };
    let peer = Peer::start([ok(fixture!("customer")), ok(fixture!("customer"))]).await;
    let gateway = connector(&peer, AtMostOnceKeys::Off);
    assert_eq!(gateway.perform(&call, &rename()).await.outcome.word(), "done");
    assert_eq!(
        sent(&peer.seen()[0]),
        "<customer><first_name>Ada</first_name><last_name>Redacted</last_name><company></company>\
         <email>redacted@example.org</email></customer>"
    );
    assert_eq!(outcome_of(gateway.look(&call, &rename()).await).word(), "done");
    let peer = Peer::start([ok(&fixture!("customer").replace("Ada", "Bea"))]).await;
    assert_eq!(connector(&peer, AtMostOnceKeys::Off).look(&call, &rename()).await, NOTHING_DONE);
    assert_eq!(rejection(asked(rename(), "", []).await.0).1, "person_gone");
}
