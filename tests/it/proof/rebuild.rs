//! Projections built again from the log.

use crate::cli::{program, told};
use crate::outside::Outside;
use attio_billing::demo::Wish;
use attio_billing::engine::registry::Registry;
use attio_billing::proof::rebuild::{Difference, page, rowless};
use sqlx::AssertSqlSafe;

async fn rebuilt(out: &Outside, mend: bool) -> Vec<Difference> {
    let registry = Registry::all().unwrap();
    let mut differences = rowless(out.stage.pool(), &registry, mend).await.unwrap();
    let mut after = None;
    loop {
        let page = page(out.stage.pool(), &registry, after, mend).await.unwrap();
        differences.extend(page.differences);
        after = page.next;
        if after.is_none() {
            return differences;
        }
    }
}

async fn content(out: &Outside) -> Vec<String> {
    let question = "select s::text from saga s union all select r::text from reference r union all
                    select h::text from hold h order by 1";
    sqlx::query_scalar(question).fetch_all(out.stage.pool()).await.unwrap()
}

#[tokio::test]
async fn what_was_dropped_or_changed_is_built_again_to_the_same_content() {
    let mut out = Outside::start().await;
    for n in 0..3 {
        out.stage.new_customer(&Wish::new(format!("Ada {n}"), 4_900)).await.unwrap();
    }
    out.stage.rest().await.unwrap();
    out.stage.stop_service().await;
    assert_eq!(rebuilt(&out, false).await, []);
    let before = content(&out).await;
    for harm in [
        "update saga set status = 'running', due_at = null, title = 'x'",
        "delete from reference",
        "delete from saga",
        "insert into hold (invoice, reason, since, event)
         select invoice, 'captured_not_recorded', now(), event from journal where invoice is not null limit 1",
    ] {
        sqlx::raw_sql(AssertSqlSafe(harm.to_owned())).execute(out.stage.pool()).await.unwrap();
        let found = rebuilt(&out, false).await;
        assert!(!found.is_empty() && found.iter().all(|difference| !difference.mended), "{harm}: {found:?}");
        assert_ne!(content(&out).await, before, "{harm}: only checked");
        let mended = rebuilt(&out, true).await;
        assert!(mended.iter().all(|difference| difference.mended), "{harm}: {mended:?}");
        assert_eq!(content(&out).await, before, "{harm}");
    }
    sqlx::raw_sql("update saga set title = 'x'").execute(out.stage.pool()).await.unwrap();
    let on = async |args: &[&str]| told(program(args).env("DATABASE_URL", out.database_url()).output().await.unwrap());
    let (code, _, errors) = on(&["projections", "rebuild", "--check"]).await;
    assert!(code == 5 && errors.contains("3 differed, 0 written anew"), "{errors}");
    let (code, said, errors) = on(&["projections", "rebuild"]).await;
    assert!(code == 0 && said.contains("3 written anew"), "{said}{errors}");
    assert_eq!(content(&out).await, before);
    out.end().await;
}
