//! What a page is given, against a scripted peer.

use super::*;
use sagas::kernel::effect::{PayWith, Presence};
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(5);

fn body(request: &str) -> &str {
    request.split_once("?>").map_or("", |(_, body)| body)
}

#[tokio::test]
async fn a_client_token_is_asked_for_the_merchant_account_of_the_currency() {
    let peer = Peer::start([Play::reply(201, XML, "<client-token><value>ZXlK</value></client-token>")]).await;
    let connector = connector(&peer, AtMostOnceKeys::Off);
    let token = connector.client_token(Currency::EUR, LIMIT).await.expect("a token");
    assert_eq!(token.expose_secret(), "ZXlK");
    let none = connector.client_token(Currency::USD, LIMIT).await.expect_err("no account");
    assert!(none.contains("USD"), "{none}");
    let seen = peer.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].starts_with("POST /merchants/acme/client_token HTTP/1.1\r\n"), "{}", seen[0]);
    let inner = "<version type=\"integer\">2</version><merchant_account_id>acme_eur</merchant_account_id>";
    assert_eq!(body(&seen[0]), format!("<client_token>{inner}</client_token>"));
}

#[tokio::test]
async fn a_client_token_or_a_nonce_that_is_not_given_is_a_sentence() {
    let validation = fixture!("sale_validation").replace("91518", "92804");
    for (play, part) in [
        (Play::reply(422, XML, &validation), "92804"),
        (Play::reply(401, XML, ""), "http_401"),
        (Play::reply(503, XML, ""), "503"),
        (Play::reply(201, XML, "<html/>"), "has none"),
        (Play::Reset, "outcome unknown"),
    ] {
        let peer = Peer::start([play.clone(), play]).await;
        let connector = connector(&peer, AtMostOnceKeys::Off);
        let sentence = connector.client_token(Currency::EUR, LIMIT).await.expect_err("no token");
        assert!(sentence.contains(part), "{sentence}");
        let sentence = connector.card_nonce("m-7f3c", LIMIT).await.expect_err("no nonce");
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[tokio::test]
async fn a_nonce_of_a_card_on_file_comes_with_the_first_digits_and_is_in_no_debug_text() {
    let made = "<payment-method-nonce><type>CreditCard</type><nonce>n-1</nonce><default type=\"boolean\">true</default>\
                <details><bin>401288</bin><last-four>1881</last-four></details></payment-method-nonce>";
    let peer = Peer::start([Play::reply(201, XML, made)]).await;
    let given = connector(&peer, AtMostOnceKeys::Off).card_nonce("m-7f3c", LIMIT).await.expect("a nonce");
    assert_eq!((given.nonce.expose_secret(), given.bin.as_deref()), ("n-1", Some("401288")));
    assert!(!format!("{given:?}").contains("n-1"));
    let seen = peer.seen();
    assert!(seen[0].starts_with("POST /merchants/acme/payment_methods/m-7f3c/nonces HTTP/1.1\r\n"), "{}", seen[0]);
    let refused = connector(&peer, AtMostOnceKeys::Off).card_nonce("../customers", LIMIT).await;
    assert!(refused.is_err() && peer.seen().len() == 1, "what is no token gets into no path");
}

fn held(with: PayWith) -> Act {
    let amount = Money::new(5900, Currency::EUR);
    Act::Authorise {
        order_id: "demo1.act.5f.1".to_owned(),
        customer: "c-42".to_owned(),
        with,
        amount,
        presence: Presence::First,
    }
}

async fn sent(with: PayWith, reply: Play) -> (Outcome, String) {
    let peer = Peer::start([reply]).await;
    let effect = held(with);
    let beside = Beside { input: Some("authenticated_nonce".into()), ..Beside::default() };
    let call = Call { beside, ..call(effect.clone()) };
    let report = connector(&peer, AtMostOnceKeys::Off).perform(&call, &effect).await;
    (report.outcome, peer.seen().remove(0))
}

fn authenticated() -> String {
    let info = "<three-d-secure-info><status>authenticate_successful</status><enrolled>Y</enrolled>\
                <liability-shifted type=\"boolean\">true</liability-shifted>\
                <liability-shift-possible type=\"boolean\">true</liability-shift-possible></three-d-secure-info>";
    fixture!("hold").replace("</transaction>", &format!("{info}</transaction>"))
}

#[tokio::test]
async fn an_authenticated_new_card_is_vaulted_as_ever_and_3_d_secure_is_required() {
    let with = PayWith::New { token: "m-9a".to_owned(), input: Uuid::nil(), authenticated: true };
    let (outcome, request) = sent(with, Play::reply(201, XML, &authenticated())).await;
    assert!(
        body(&request).ends_with(
            "<credit_card><token>m-9a</token></credit_card><merchant_account_id>acme_eur</merchant_account_id>\
             <transaction_source>recurring_first</transaction_source>\
             <options><submit_for_settlement type=\"boolean\">false</submit_for_settlement>\
             <store_in_vault_on_success type=\"boolean\">true</store_in_vault_on_success>\
             <three_d_secure><required type=\"boolean\">true</required></three_d_secure></options></transaction>"
        ),
        "{request}"
    );
    let Outcome::Done { answer: Answer::Transaction(hold) } = outcome else { panic!("{outcome:?}") };
    let told = hold.authentication.expect("told");
    assert_eq!((told.status.as_str(), told.liability_shifted), ("authenticate_successful", true));
}

#[tokio::test]
async fn an_authenticated_card_on_file_is_charged_by_its_nonce_alone_and_stored_once() {
    let with = PayWith::Stored { token: "m-7f3c".to_owned(), authenticated: Some(Uuid::nil()) };
    let (_, request) = sent(with, Play::reply(201, XML, &authenticated())).await;
    assert_eq!(
        body(&request),
        "<transaction><type>sale</type><amount>59.00</amount><order_id>demo1.act.5f.1</order_id>\
         <payment_method_nonce>authenticated_nonce</payment_method_nonce>\
         <merchant_account_id>acme_eur</merchant_account_id><transaction_source>recurring_first</transaction_source>\
         <options><submit_for_settlement type=\"boolean\">false</submit_for_settlement>\
         <three_d_secure><required type=\"boolean\">true</required></three_d_secure></options></transaction>"
    );
}

#[tokio::test]
async fn a_hold_that_the_gateway_refuses_for_want_of_3_d_secure_is_declined_under_that_word() {
    let rejected = fixture!("hold").replacen("authorized", "gateway_rejected", 1).replace(
        "<gateway-rejection-reason nil=\"true\"/>",
        "<gateway-rejection-reason>three_d_secure</gateway-rejection-reason>",
    );
    let rejected = rejected.split_once("?>").expect("a declaration").1;
    let refusal = format!("<api-error-response><errors/><message>no</message>{rejected}</api-error-response>");
    let with = PayWith::Stored { token: "m-7f3c".to_owned(), authenticated: Some(Uuid::nil()) };
    let (outcome, _) = sent(with, Play::reply(422, XML, &refusal)).await;
    let Outcome::Declined { decline } = outcome else { panic!("{outcome:?}") };
    assert_eq!((decline.kind, decline.code.as_str()), (DeclineKind::Gateway, "three_d_secure"));
}
