//! What the database erases of a person: rows, bodies in every form, inputs; what it leaves, and what stands in the way.

use crate::store_support::{Bench, append, event, noon, saga};
use attio_billing::store::append::Append;
use attio_billing::store::erasing::{self, Erased};
use attio_billing::store::inbox::{self, Deliveries, NewDelivery, Routed, Stored};
use attio_billing::store::links::{LinkKind, link};
use attio_billing::store::together::Batch;
use attio_billing::store::{evidence, people};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sagas::kernel::answer::Kept;
use serde_json::json;
use uuid::Uuid;

const ADA: &str = "cus_ada";
const ZOHO: &str = "982000000567114";

/// A person with a row, a consent, links, and a flow that names an input.
async fn ada(bench: &Bench) {
    let pool = &bench.pool;
    assert!(people::put(pool, ADA, &json!({"email": "Ada@Example.org", "last_name": "Lovelace"})).await.unwrap());
    evidence::keep(pool, ADA, r#"{"ip":"203.0.113.9"}"#).await.unwrap();
    link(pool, ADA, &[(LinkKind::ZohoCustomer, ZOHO), (LinkKind::BraintreeCustomer, "c-cus_ada")]).await.unwrap();
}

/// A delivery that was routed, with that body.
async fn delivery(bench: &Bench, key: &str, vendor: &'static str, body: &[u8]) -> Uuid {
    let new = NewDelivery {
        vendor,
        key: key.to_owned(),
        headers: r#"{"x":"y"}"#.to_owned(),
        body: body.to_vec(),
        received_at: noon(),
    };
    let [Stored::New(id)] = Deliveries.write(&bench.pool, &[new]).await.unwrap()[..] else { panic!("not new") };
    inbox::route(&bench.pool, 64, id, &Routed::Ignored("tested".to_owned())).await.unwrap();
    id
}

async fn body(bench: &Bench, id: Uuid) -> Vec<u8> {
    sqlx::query_scalar("select body from inbox where id = $1").bind(id).fetch_one(&bench.pool).await.unwrap()
}

fn of_ada(change: Append) -> Append {
    let mut change = change;
    change.row.customer = Some(ADA.to_owned());
    change
}

#[tokio::test]
async fn rows_bodies_and_inputs_of_a_person_go_and_those_of_others_stay() {
    let bench = Bench::new().await;
    ada(&bench).await;
    people::put(&bench.pool, "cus_bob", &json!({"email": "bob@example.org"})).await.unwrap();
    let xml = STANDARD.encode("<customer><email>ada@example.org</email></customer>");
    let form: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("bt_payload", &format!("{xml}\n")).finish();
    let hers = [
        delivery(&bench, "1", "zoho", format!(r#"{{"customer_id":"{ZOHO}"}}"#).as_bytes()).await,
        delivery(&bench, "2", "zoho", br#"{"email":"ADA@example.org"}"#).await,
        delivery(&bench, "3", "braintree", form.as_bytes()).await,
    ];
    let his = delivery(&bench, "4", "zoho", br#"{"email":"bob@example.org"}"#).await;
    // A flow of hers, over by now, whose input was never used.
    let (_, log) = bench.node("n").await;
    let input = Uuid::now_v7();
    let mut named = event(saga(1), 1);
    named.payload = format!(r#"{{"input":"{input}"}}"#);
    let mut over = of_ada(append(saga(1), 0, vec![named]));
    over.row.ended = Some(sagas::kernel::saga::End::Completed);
    log.append(over).await.unwrap();
    for id in [input, Uuid::now_v7()] {
        let sealed = "insert into secret_input (id, class, sealed, created_at) values ($1, 'nonce', '', now())";
        sqlx::query(sealed).bind(id).execute(&bench.pool).await.unwrap();
    }

    let survey = erasing::survey(&bench.pool, ADA, saga(9)).await.unwrap();
    let kept = Kept { people: 1, consents: 1, deliveries: 3, inputs: 1, mails: 0 };
    assert_eq!((survey.kept, survey.zoho_customer.as_deref()), (kept, Some(ZOHO)));
    assert_eq!(erasing::erase(&bench.pool, ADA, Some(saga(9))).await.unwrap(), Erased::Done(kept));
    assert!(erasing::left(&bench.pool, ADA).await.unwrap().is_nothing());
    for id in hers {
        assert!(body(&bench, id).await.is_empty());
    }
    assert!(!body(&bench, his).await.is_empty());
    assert_eq!(bench.count("select count(*) from secret_input").await, 1);
    assert_eq!(people::held(&bench.pool).await.unwrap(), ["cus_bob"]);
    assert_eq!(bench.count("select count(*) from inbox where headers = '{}'").await, 3);
    // The log is what it was, and says so.
    assert_eq!(erasing::verify_flows(&bench.pool, ADA, 64).await.unwrap(), (1, None));
    bench.execute("update event set payload = '{}'").await;
    let (_, broken) = erasing::verify_flows(&bench.pool, ADA, 64).await.unwrap();
    assert!(broken.unwrap().contains("position 1: `hash` is"), "a changed event is found");
}

#[tokio::test]
async fn e2_nothing_goes_while_a_flow_of_the_person_is_under_way() {
    let bench = Bench::new().await;
    ada(&bench).await;
    let (_, log) = bench.node("n").await;
    log.append(of_ada(append(saga(1), 0, vec![event(saga(1), 1)]))).await.unwrap();
    // Found by what it refers to, though its row names no customer.
    let mut refers = event(saga(2), 1);
    refers.references = vec![("zoho_customer".to_owned(), ZOHO.to_owned())];
    log.append(append(saga(2), 0, vec![refers])).await.unwrap();
    let Erased::Busy(flows) = erasing::erase(&bench.pool, ADA, Some(saga(9))).await.unwrap() else { panic!("busy") };
    let mut busy: Vec<_> = flows.into_iter().map(|flow| flow.saga).collect();
    busy.sort();
    let mut both = [saga(1), saga(2)];
    both.sort();
    assert_eq!(busy, both);
    assert_eq!(erasing::left(&bench.pool, ADA).await.unwrap().people, 1);
    // It does not stand in its own way.
    let mine = erasing::survey(&bench.pool, ADA, saga(1)).await.unwrap();
    assert_eq!(mine.in_flight.len(), 1);
}

#[tokio::test]
async fn e3_what_comes_late_is_known_by_the_ids_that_stay() {
    let bench = Bench::new().await;
    ada(&bench).await;
    let late = format!(r#"{{"data":{{"customer":{{"customer_id":"{ZOHO}","email":"ada@example.org"}}}}}}"#);
    assert!(!erasing::is_of_erased(&bench.pool, late.as_bytes()).await.unwrap(), "not erased yet");
    erasing::erase(&bench.pool, ADA, None).await.unwrap();
    assert!(erasing::is_of_erased(&bench.pool, late.as_bytes()).await.unwrap());
    let xml = STANDARD.encode("<subscription><customer-id>c-cus_ada</customer-id></subscription>");
    let form: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("bt_payload", &xml).finish();
    assert!(erasing::is_of_erased(&bench.pool, form.as_bytes()).await.unwrap());
    assert!(!erasing::is_of_erased(&bench.pool, br#"{"customer_id":"982000000567115"}"#).await.unwrap());
    // A read that brings them back keeps nothing.
    assert!(!people::put(&bench.pool, ADA, &json!({"email": "ada@example.org"})).await.unwrap());
    assert!(erasing::left(&bench.pool, ADA).await.unwrap().is_nothing());
}
