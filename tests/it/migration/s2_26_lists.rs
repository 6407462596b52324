//! 2.26: a list is looked up, corrected, linked and taken back.

use super::{Play, saga};
use attio_billing::store::people;
use sagas::kernel::answer::CollectionOwner;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_a_dry_run_matches_by_ids_then_by_address_lists_conflicts_and_writes_nothing() {
    let play = Play::new().await;
    let (ids, address) = (play.old("By Ids").await, play.old("By Address").await);
    play.out.stage.rest().await.unwrap();
    let (written, sales) = (records(&play).await, play.sales().await);
    let list = play.list(
        "old.csv",
        &format!(
            "subscription_id,customer_id,email,zoho_customer_id,zoho_subscription_id,braintree_customer_id\n\
             old-1,c1,,{},{},{}\n\
             old-2,c2,byaddress@example.org,,,\n\
             old-3,c3,nobody@example.org,,,\n\
             old-4,c4,,,999999999,\n",
            ids.zoho_customer, ids.zoho_subscription, ids.braintree_customer
        ),
    );
    let (job, states) = play.check(&list, &[]).await;
    assert_eq!(states, json!({"Matched": 2, "Conflict": 2}));
    assert_eq!((records(&play).await, play.sales().await), (written, sales), "a dry run");
    assert_eq!(play.linked(&ids).await, None);

    let (code, shown, errors) = play.run(&["import", "list", &job, "--json"]).await;
    assert_eq!(code, 0, "{errors}");
    let rows: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows[0]["found"]["zoho_subscription"], ids.zoho_subscription.as_str());
    assert_eq!((&rows[0]["found"]["by"], &rows[1]["found"]["by"]), (&json!("ids"), &json!("email")));
    assert_eq!(rows[1]["found"]["zoho_customer"], address.zoho_customer.as_str());
    assert_eq!(rows[1]["found"]["braintree_customer"], address.braintree_customer.as_str());
    assert_eq!(rows[1]["found"]["client"]["id"], address.attio_company.as_str());
    assert_eq!(rows[2]["todo"][0]["what"], "no customer in Zoho has this e-mail address");
    let (code, shown, _) = play.run(&["import", "list", &job, "--conflicts", "--csv"]).await;
    assert!(code == 0 && shown.lines().count() == 3, "{shown}");
    assert!(shown.contains("Zoho has no subscription 999999999"), "{shown}");
    let (code, shown, _) = play.run(&["import", "list", &job]).await;
    assert!(code == 0 && shown.contains("old-1") && shown.contains("Visa"), "{shown}");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_the_same_list_again_is_the_same_result_and_a_cured_conflict_is_found_out_when_asked() {
    let play = Play::new().await;
    let customer = play.old("Twice").await;
    let list = play.list(
        "old.csv",
        &format!(
            "subscription_id,customer_id,zoho_subscription_id,plan_code\nold-1,c1,{},another\n",
            customer.zoho_subscription
        ),
    );
    let (job, states) = play.check(&list, &[]).await;
    assert_eq!(states, json!({"Conflict": 1}));
    let events = events(&play, "old-1").await;
    assert_eq!(play.check(&list, &[]).await, (job.clone(), states));
    assert_eq!(self::events(&play, "old-1").await, events, "nothing is looked up twice");
    // The list is corrected: it is another list about the same line.
    let list = play.list(
        "new.csv",
        &format!("subscription_id,customer_id,zoho_subscription_id\nold-1,c1,{}\n", customer.zoho_subscription),
    );
    let (other, states) = play.check(&list, &[]).await;
    assert_ne!(other, job);
    assert_eq!(states, json!({"MatchedNoCard": 1}));
    let cancel = json!({"vendor": "zoho", "act": "cancel_subscription", "subscription_id": customer.zoho_subscription});
    play.staff(&cancel).await;
    let (_, states) = play.check(&list, &["--again"]).await;
    assert_eq!(states, json!({"Conflict": 1}));
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_list_with_a_fault_is_refused_whole_and_each_fault_is_named() {
    let play = Play::new().await;
    let list = play.list("old.csv", "subscription_id,customer_id,paid_until\nold-1,c1,soon\nold-1,c1,\n");
    let (code, shown, errors) = play.run(&["import", "check", list.to_str().unwrap()]).await;
    assert_eq!((code, shown.as_str()), (2, ""));
    assert!(errors.contains("line 2, paid_until: `soon`: expected a day like 2026-11-30"), "{errors}");
    assert!(errors.contains("line 3, subscription_id: `old-1` stands in line 2 already"), "{errors}");
    assert!(play.out.stage.saga(saga("old-1")).await.unwrap().is_none());
    let good = play.list("good.csv", "subscription_id,customer_id\nold-1,c1\n");
    let (code, _, errors) = play.run_as("", &["import", "check", good.to_str().unwrap()]).await;
    assert!(code == 4 && errors.contains("may not upload files"), "{errors}");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_what_is_matched_is_linked_without_a_charge_and_taken_back() {
    let play = Play::new().await;
    let (zoho, nobody, conflict) = (play.old("Zoho Pays").await, play.old("Nobody").await, play.old("No Plan").await);
    play.collected_by_zoho(&zoho).await;
    play.out.stage.rest().await.unwrap();
    let sales = play.sales().await;
    let list = play.list(
        "old.csv",
        &format!(
            "subscription_id,customer_id,email,first_name,last_name,zoho_subscription_id,braintree_customer_id,plan_code,failed_charges\n\
             old-1,c1,zoe@example.org,Zoe,Pays,{},{},,unknown\n\
             old-2,c2,,,,{},,,\n\
             old-3,c3,,,,{},,none-such,\n",
            zoho.zoho_subscription, zoho.braintree_customer, nobody.zoho_subscription, conflict.zoho_subscription
        ),
    );
    let (job, states) = play.check(&list, &[]).await;
    assert_eq!(states, json!({"Matched": 1, "MatchedNoCard": 1, "Conflict": 1}));
    let (code, _, errors) = play.run(&["import", "link", &job, "--wait"]).await;
    assert_eq!(code, 0, "{errors}");
    assert!(errors.contains("1 Conflict, 2 Linked"), "{errors}");
    let (ours, owner) = play.linked(&zoho).await.unwrap();
    assert_eq!(owner, Some(CollectionOwner::ZohoNative));
    assert_eq!(play.linked(&nobody).await.unwrap().1, None);
    assert_eq!(play.linked(&conflict).await, None);
    assert_eq!(play.sales().await, sales, "nobody is charged by it");

    // What the old system charged in vain counts in the windows of the card.
    let line = play.out.stage.saga(saga("old-1")).await.unwrap().unwrap();
    let customer = line.customer.unwrap();
    let person: Option<attio_billing::port::Person> = people::get(play.out.stage.pool(), &customer).await.unwrap();
    assert_eq!(person.map(|person| person.first_name).as_deref(), Some("Zoe"));
    let counted = sqlx::query_scalar::<_, i64>("select count(*) from card_charge where saga = $1 and state = 'spent'");
    let counted = counted.bind(saga("old-1").0).fetch_one(play.out.stage.pool()).await.unwrap();
    assert_eq!(counted, 14, "one less than Visa allows");

    // An invoice of it is shown and never charged.
    let invoice = play.out.stage.renew(&nobody, 4_900).await.unwrap();
    play.out.stage.rest().await.unwrap();
    let stream = play.out.stage.saga(play.out.stage.saga_of(&invoice)).await.unwrap().unwrap();
    assert_eq!(stream.ended.as_deref(), Some("mirrored"), "{stream:#?}");
    assert_eq!(play.sales().await, sales);

    let (code, _, errors) =
        play.run(&["import", "unlink", &job, "--only", "old-1", "--reason", "too soon", "--wait"]).await;
    assert_eq!(code, 0, "{errors}");
    assert_eq!((play.state("old-1").await.as_str(), play.linked(&zoho).await), ("Unlinked", None));
    let owner = attio_billing::store::settings::collection_owner(play.out.stage.pool(), &ours).await.unwrap();
    assert_eq!(owner, None);
    let (code, _, errors) = play.run(&["import", "unlink", &job, "--only", "old-9", "--reason", "none"]).await;
    assert!(code == 3 && errors.contains("no line `old-9`"), "{errors}");
    play.end().await;
}

/// How many records each vendor has.
async fn records(play: &Play) -> Value {
    let books = play.books().await;
    let count = |all: &Value| all.as_array().map_or(0, Vec::len);
    let attio = &books["attio"]["records"];
    json!({
        "customers": count(&books["zoho"]["customers"]), "subscriptions": count(&books["zoho"]["subscriptions"]),
        "companies": count(&attio["companies"]), "people": count(&attio["people"]),
        "records": count(&attio["subscriptions"]), "payers": count(&books["braintree"]["customers"]),
    })
}

async fn events(play: &Play, old: &str) -> u64 {
    play.out.stage.saga(saga(old)).await.unwrap().unwrap().sequence
}
