//! The standing checks of a running service: each fault is found, told, kept in mind, and seen mended.

use crate::outside::Outside;
use attio_billing::demo::Wish;
use attio_billing::proof::checks::{daily, run};
use attio_billing::store::checks::{Check, State, states};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::time::Duration;

const SOON: Duration = Duration::from_mins(2);

/// Runs the checks and says how one of them stands; all others must pass, but for those named.
async fn checked(out: &Outside, check: Check, but: &[Check]) -> State {
    run(out.stage.pool(), out.stage.service().engine.registry()).await.unwrap();
    // The service's own first verification may still be under way.
    daily(out.stage.pool(), out.stage.service().engine.registry()).await.unwrap();
    let mut states = states(out.stage.pool()).await.unwrap();
    for other in states.iter().filter(|state| state.check != check && !but.contains(&state.check)) {
        assert!(other.passed(SOON), "{other:?}");
    }
    states.remove(states.iter().position(|state| state.check == check).unwrap())
}

async fn change(out: &Outside, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(out.stage.pool()).await.unwrap();
}

#[tokio::test]
async fn every_fault_is_found_kept_in_mind_and_seen_mended() {
    let out = Outside::start().await;
    let customer = out.stage.new_customer(&Wish::new("Ada", 4_900)).await.unwrap();
    out.stage.rest().await.unwrap();
    // What the sale's at-most-once key cost is over: the invoice waits for its settlement.
    out.stage
        .until("a capture", async || {
            let captured: i64 = sqlx::query_scalar("select count(*) from event where name = 'PaymentCaptured'")
                .fetch_one(out.stage.pool())
                .await?;
            Ok(captured == 1)
        })
        .await
        .unwrap();
    out.stage.rest().await.unwrap();
    for check in Check::ALL {
        assert!(checked(&out, check, &[]).await.passed(SOON));
    }

    change(&out, "create table before as select * from saga where kind = 'invoice_payment'").await;
    change(&out, "update saga set due_at = null where kind = 'invoice_payment'").await;
    let found = checked(&out, Check::Waits, &[Check::Projections]).await;
    assert!(found.faults >= 1, "{found:?}");
    let found = checked(&out, Check::Projections, &[Check::Waits]).await;
    assert!(found.example.unwrap().detail.contains("due_at"), "the row is not what the events say");
    let ready: Value = out.http.get(out.private("/readyz")).send().await.unwrap().json().await.unwrap();
    let told: Vec<_> =
        ready["standing_checks"].as_array().unwrap().iter().map(|c| c["state"].as_str().unwrap()).collect();
    assert_eq!(told, ["failed", "failed", "passed", "passed", "passed"], "{ready}");
    change(&out, "update saga s set due_at = b.due_at from before b where b.id = s.id").await;
    assert!(checked(&out, Check::Projections, &[]).await.passed(SOON));

    // Captured and not recorded: the invoice stays claimed.
    let quota = json!({"vendor": "zoho", "operation": "payment.create", "kind": "daily_quota"});
    out.stage.sandbox.order_faults(&quota).await.unwrap();
    let invoice = out.stage.renew(&customer, 2_000).await.unwrap();
    let captured = out.stage.until_saga(out.stage.saga_of(&invoice), "captured", |saga| saga.state == "Charged");
    captured.await.unwrap();
    out.stage.rest().await.unwrap();
    change(&out, "create table claims as select * from claim; delete from claim").await;
    let found = checked(&out, Check::Projections, &[]).await;
    assert!(found.example.unwrap().detail.contains("which nobody holds"));
    change(&out, "insert into claim select * from claims").await;
    assert!(checked(&out, Check::Projections, &[]).await.passed(SOON));

    change(
        &out,
        "insert into claim (kind, key, saga, step, state, reserved_at)
         values ('zoho_invoice', 'lost', gen_random_uuid(), '', 'confirmed', now() - interval '1 hour')",
    )
    .await;
    let found = checked(&out, Check::Claims, &[]).await;
    assert_eq!(found.example.unwrap().subject, "zoho_invoice lost");
    change(&out, "delete from claim where key = 'lost'").await;
    assert!(checked(&out, Check::Claims, &[]).await.passed(SOON));

    change(&out, "update journal_line set amount_minor = amount_minor + 1 where line = 1").await;
    let found = checked(&out, Check::Journals, &[]).await;
    assert!(found.faults >= 1 && found.example.unwrap().detail.contains("differ"));
    change(&out, "update journal_line set amount_minor = amount_minor - 1 where line = 1").await;
    change(&out, "update journal set event = gen_random_uuid() where rule = 'CAPTURE'").await;
    let found = checked(&out, Check::Journals, &[]).await;
    assert!(found.example.unwrap().detail.contains("is not in the log"));
    out.end().await;
}

#[tokio::test]
async fn a_running_service_checks_itself_and_shows_it() {
    let out = Outside::start().await;
    let told = out.stage.until("the checks to be shown", async || {
        let ready: Value = out.http.get(out.private("/readyz")).send().await?.json().await?;
        Ok(ready["standing_checks"].as_array().is_some_and(|all| all.iter().all(|check| check["state"] == "passed")))
    });
    told.await.unwrap();
    let text = out.http.get(out.private("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("attio_billing_standing_faults{check=\"journals\"} 0"), "{text}");
    out.end().await;
}
