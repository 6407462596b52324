//! A database that was set back: nothing is sent before somebody has looked, nothing is charged twice, and every sale that
//! the log lost comes back into it.

use crate::cli::{program, told};
use crate::postgres::{TestDatabase, database};
use crate::staging::at_noon;
use attio_billing::demo::Setback;
use attio_billing::store::recovery::{self, NotNow, Swept};
use attio_billing::store::scratch::Scratch;
use attio_billing::store::verify::verify_trusting;
use attio_billing::store::{evidence, ledger, people, query};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use tempfile::TempDir;

/// A world whose database is set back.
struct Restored {
    world: Setback,
    sink: TempDir,
    database: TestDatabase,
}

impl Restored {
    async fn new(customers: usize) -> Self {
        let database = database().await;
        let sink = tempfile::tempdir().unwrap();
        let scratch = Scratch::of(database.url()).unwrap();
        let world = Setback::begin(at_noon(&database), scratch, sink.path(), customers).await.unwrap();
        Self { world, sink, database }
    }

    async fn ready(&self) -> Value {
        let url = format!("http://{}/readyz", self.stage.service().private);
        let mut said = Value::Null;
        let ready = self.stage.until("the service to be ready", async || {
            said = reqwest::get(&url).await?.json().await?;
            Ok(said["status"] == "ready")
        });
        ready.await.unwrap();
        said
    }

    async fn recover(&self, args: &[&str]) -> (i32, String, String) {
        let args: Vec<&str> = ["recover"].iter().chain(args).copied().collect();
        let url = self.database.url().expose_secret();
        told(program(&args).env("DATABASE_URL", url).output().await.unwrap())
    }

    /// Waits for the end of the sweep.
    async fn swept(&self) -> Swept {
        let pool = self.stage.pool();
        let swept = async || Ok(recovery::hold(pool).await?.is_some_and(|hold| hold.swept.is_some()));
        self.stage.until("the sweep", swept).await.unwrap();
        recovery::hold(pool).await.unwrap().unwrap().swept.unwrap()
    }

    async fn end(self) {
        self.world.end().await;
    }
}

impl Deref for Restored {
    type Target = Setback;

    fn deref(&self) -> &Setback {
        &self.world
    }
}

impl DerefMut for Restored {
    fn deref_mut(&mut self) -> &mut Setback {
        &mut self.world
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restore_to_the_middle_nothing_is_charged_twice_and_every_gap_is_adopted() {
    let mut world = Restored::new(20).await;
    world.charge(4).await.unwrap();
    world.back_up().await.unwrap();
    world.charge(5).await.unwrap();
    let charged = world.sales().await.unwrap();
    assert_eq!(charged.len(), 200);
    world.restore().await.unwrap();

    // Held: what comes in is kept, and nothing goes out.
    let ready = world.ready().await;
    assert!(ready["recovery_hold"]["cause"].is_string(), "{ready}");
    world.stage.renew(&world.customers[0], 7_700).await.unwrap();
    let stored = world.stage.until("the delivery to be stored", async || {
        let stored: i64 = sqlx::query_scalar(
            "select count(*) from saga where kind = 'invoice_payment' and state = 'Planned' or step is not null",
        )
        .fetch_one(world.stage.pool())
        .await?;
        Ok(stored > 0)
    });
    stored.await.unwrap();
    let (code, _, errors) = world.recover(&["release", "--reason", "in a hurry"]).await;
    assert_eq!(code, 4, "{errors}");
    assert_eq!(world.sales().await.unwrap(), charged, "nothing is charged while it is held");

    let (code, out, errors) = world.recover(&["--reason", "the disk of db1 failed", "--json"]).await;
    assert_eq!(code, 0, "{errors}");
    let said: Value = serde_json::from_str(&out).unwrap();
    assert!(!said["hold"]["breaks"].as_array().unwrap().is_empty(), "{out}");
    let shown = world.swept().await;
    assert_eq!((shown.adopted, shown.unexplained), (100, 0), "{shown:?}");
    let (code, _, errors) = world.recover(&["release", "--reason", "the books are complete"]).await;
    assert_eq!(code, 0, "{errors}");

    // The one that was raised meanwhile is charged now, and no other.
    let after = world.stage.until("the new invoice to be charged", async || Ok(world.sales().await?.len() == 201));
    after.await.unwrap();
    world.paid(201).await.unwrap();
    world.made().await.unwrap();
    let pool = world.stage.pool();
    let sales = world.sales().await.unwrap();
    assert!(sales.values().all(|n| *n == 1), "{sales:?}");
    assert!(charged.keys().all(|order| sales.contains_key(order)));
    let compared = world.stage.compare().await.unwrap();
    for pair in &compared.pairs {
        assert!(pair.differences.is_empty(), "{}: {:?}", pair.name, pair.differences);
    }
    assert!(query::forgotten(pool, 10).await.unwrap().is_empty());
    let mut sums = BTreeMap::<String, i64>::new();
    for balance in ledger::trial_balance(pool, None).await.unwrap() {
        *sums.entry(balance.debit.currency.code().to_owned()).or_default() +=
            balance.debit.minor - balance.credit.minor;
    }
    assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");

    // The break is in the chain of checkpoints, and it is the only one.
    let report = verify_trusting(pool, &[], &world.published().unwrap(), |_| {}).await.unwrap();
    assert_eq!(report.first_break, None);
    assert!(!report.declared.is_empty());
    assert!(report.declared.iter().all(|lost| lost.by.starts_with("shell:") && lost.reason.contains("db1")));
    Box::pin(world.end()).await;
}

#[tokio::test]
async fn a_restored_log_whose_break_nobody_declared_is_broken_to_whoever_has_the_published_lines() {
    let mut world = Restored::new(1).await;
    world.back_up().await.unwrap();
    world.charge(3).await.unwrap();
    world.restore().await.unwrap();
    let found = verify_trusting(world.stage.pool(), &[], &world.published().unwrap(), |_| {})
        .await
        .unwrap()
        .first_break
        .unwrap();
    assert!(found.what.contains("events were cut off"), "{found}");
    Box::pin(world.end()).await;
}

#[tokio::test]
async fn a_hold_that_was_asked_for_is_released_by_a_person_alone() {
    let mut world = Restored::new(1).await;
    let pool = world.stage.pool().clone();
    let nothing = recovery::declare(&pool, "ada", "why not").await.unwrap_err();
    assert_eq!(nothing, NotNow::NoHold);
    let (code, _, errors) = world.recover(&["--reason", "nothing happened"]).await;
    assert!(code == 4 && errors.contains("nothing is on hold"), "{errors}");
    recovery::enter(&pool, "asked for", None).await.unwrap();
    assert!(!recovery::enter(&pool, "asked for again", None).await.unwrap());
    // A restart changes nothing of it.
    world.stage.stop_service().await;
    world.stage.start_service().await.unwrap();
    assert_eq!(world.ready().await["recovery_hold"]["cause"], "asked for");
    let (code, _, errors) = world.recover(&["--reason", " "]).await;
    assert!(code == 2 && errors.contains("empty"), "{errors}");
    let (code, out, errors) = world.recover(&["--reason", "a rehearsal"]).await;
    assert_eq!(code, 0, "{errors}");
    assert!(out.contains("0 shard(s) lost events"), "{out}");
    let (code, _, errors) = world.recover(&["release", "--reason", "rehearsed", "--with-differences"]).await;
    assert_eq!(code, 0, "{errors}");
    assert_eq!(world.ready().await["recovery_hold"], Value::Null);
    let (code, out, _) = world.recover(&["--json"]).await;
    assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()), (0, json!({"hold": null})));
    Box::pin(world.end()).await;
}

#[tokio::test]
async fn whoever_was_erased_since_the_backup_is_erased_again_before_the_hold_can_be_released() {
    let mut world = Restored::new(1).await;
    let pool = world.stage.pool().clone();
    for customer in ["cus_gone", "cus_stays"] {
        people::put(&pool, customer, &json!({"email": "ada@example.org"})).await.unwrap();
        evidence::keep(&pool, customer, "203.0.113.7, Firefox").await.unwrap();
    }
    let held = async || people::held(world.stage.pool()).await.unwrap();
    let before = held().await;
    assert!(before.contains(&"cus_gone".to_owned()) && before.contains(&"cus_stays".to_owned()), "{before:?}");
    let secret = world.stage.config().secret_key.expose_secret().to_owned();
    let (url, folder) = (world.database.url().expose_secret().to_owned(), world.sink.path().to_owned());
    let command = async |args: &[&str]| {
        let mut command = program(args);
        command.env("DATABASE_URL", &url).env("SECRET_KEY", &secret).env("CHECKPOINT_SINK", &folder);
        told(command.output().await.unwrap())
    };
    world.back_up().await.unwrap();

    let (code, out, errors) = command(&["privacy", "erase", "cus_gone", "--preview"]).await;
    assert!(code == 0 && out.contains("would go") && out.contains("erasures."), "{out}{errors}");
    assert_eq!(people::held(&pool).await.unwrap().len(), before.len(), "a preview changes nothing");
    let (code, _, errors) = command(&["privacy", "erase", "cus_gone"]).await;
    assert!(code == 0 && errors.contains("at Attio, Zoho and Braintree"), "{errors}");
    let (code, _, errors) = command(&["privacy", "erase", "cus_gone"]).await;
    assert!(code == 3 && errors.contains("nothing personal is held"), "{errors}");
    let list = folder.join(format!("erasures.{}.jsonl", world.stage.prefix()));
    let listed = std::fs::read_to_string(&list).unwrap();
    assert!(listed.lines().count() == 1 && !listed.contains("cus_gone"), "it names nobody: {listed}");

    world.restore().await.unwrap();
    let after: Vec<String> = before.iter().filter(|customer| *customer != "cus_gone").cloned().collect();
    assert_eq!(people::held(&pool).await.unwrap(), after, "before any page shows a person");
    let hold = recovery::hold(&pool).await.unwrap().unwrap();
    assert_eq!(hold.erased, Some(1));

    // Where the service cannot read the list, a person brings it.
    let (code, _, errors) = command(&["recover", "--reason", "the disk of db1 failed"]).await;
    assert_eq!(code, 0, "{errors}");
    world.swept().await;
    sqlx::query("update recovery set erased_at = null").execute(&pool).await.unwrap();
    let (code, _, errors) = command(&["recover", "release", "--reason", "done"]).await;
    assert!(code == 4 && errors.contains("erasures of before were not applied again"), "{errors}");
    let damaged = folder.join("damaged.jsonl");
    std::fs::write(&damaged, format!("{listed}{{\n")).unwrap();
    let (code, _, errors) = command(&["recover", "erasures", "--list", damaged.to_str().unwrap()]).await;
    assert!(code == 1 && errors.contains("no erasures of this installation: 2"), "{errors}");
    let (code, out, errors) = command(&["recover", "erasures", "--list", list.to_str().unwrap()]).await;
    assert!(code == 0 && out.contains("0 customer(s)"), "{out}{errors}");
    let (code, _, errors) = command(&["recover", "release", "--reason", "done"]).await;
    assert_eq!(code, 0, "{errors}");
    Box::pin(world.end()).await;
}
