//! The invariants on a live database: each is broken on purpose, as a bug or somebody with a console would, and named
//! with its rows. What is played elsewhere is verified there.

use crate::cli::{program, told};
use crate::outside::Outside;
use attio_billing::demo::Wish;
use attio_billing::engine::registry::Registry;
use attio_billing::proof::invariants::{How, Report, Wanted, how, verify};
use sagas::kernel::invariant::Invariant;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::BTreeSet;

/// What is put back after each harm.
const TABLES: [&str; 8] = ["event", "saga", "journal", "journal_line", "claim", "hold", "approval", "card_charge"];

/// Verifies all invariants of a database.
pub(crate) async fn all(pool: &PgPool) -> Report {
    let registry = Registry::all().unwrap();
    verify(pool, &registry, &Wanted::default(), &mut |_| {}).await.unwrap()
}

/// Every invariant that can be looked at holds.
pub(crate) async fn hold(pool: &PgPool) {
    let report = all(pool).await;
    let broken: Vec<_> = report.checked.iter().filter(|(_, found)| found.times > 0).collect();
    assert!(report.holds() && report.unread == 0, "{broken:#?}");
}

async fn sql(pool: &PgPool, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(pool)
        .await
        .unwrap_or_else(|e| panic!("{statements}: {e}"));
}

/// A copy of the journal of one rule under another rule and id.
fn copied(rule: &str, as_rule: &str, swapped: bool) -> String {
    let side = if swapped { "case side when 'debit' then 'credit' else 'debit' end" } else { "side" };
    format!(
        "create table original as select * from journal where rule = '{rule}' order by booked_at limit 1;
         create table copied as select shard, gen_random_uuid() as id, event, '{as_rule}'::text as rule, effective,
             booked_at, customer, subscription, invoice, transaction_id, zoho_payment, channel from original;
         insert into journal select * from copied;
         insert into journal_line select l.shard, c.id, l.line, l.account, {side}, l.amount_minor, l.currency
             from journal_line l join original o on o.id = l.journal, copied c;
         drop table original; drop table copied;"
    )
}

/// A refund of a cent more than was captured.
fn refunded() -> String {
    format!(
        "{} update journal_line l set account = case l.account when 2100 then 1110 else 2120 end,
                amount_minor = amount_minor + 1
             from journal j where j.id = l.journal and j.rule = 'REFUND_SENT';",
        copied("CAPTURE", "REFUND_SENT", false)
    )
}

/// Appends the payload of an event of a saga's charge to its stream once more, changed.
fn appended(name: &str, step: &str, from: &str, to: &str) -> String {
    format!(
        "insert into event select e.shard, (select max(pos) + 1 from event p where p.shard = e.shard), e.saga,
             (select max(seq) + 1 from event s where s.saga = e.saga), gen_random_uuid(), e.name,
             replace(e.payload, '{from}', '{to}'), e.principal, e.at, e.amount_minor, e.currency, e.prev_hash, e.hash,
             e.booked_at
         from event e where e.name = '{name}' and e.payload like '%\"step\":\"{step}\"%' order by e.booked_at, e.pos limit 1;
         "
    )
}

/// Two renewals that are paid and recorded; one that is captured and cannot be recorded.
async fn played() -> Outside {
    let mut out = Outside::start().await;
    let customer = out.stage.new_customer(&Wish::new("Ada", 4_900)).await.unwrap();
    let settled = async || {
        let recorded: i64 =
            sqlx::query_scalar("select count(*) from journal where rule = 'APPLY'").fetch_one(out.stage.pool()).await?;
        Ok(recorded == 1)
    };
    out.stage.until("an application", settled).await.unwrap();
    out.stage.rest().await.unwrap();
    let quota = json!({"vendor": "zoho", "operation": "payment.create", "kind": "daily_quota"});
    out.stage.sandbox.order_faults(&quota).await.unwrap();
    let invoice = out.stage.renew(&customer, 2_000).await.unwrap();
    let captured = out.stage.until_saga(out.stage.saga_of(&invoice), "captured", |saga| saga.state == "Charged");
    captured.await.unwrap();
    out.stage.rest().await.unwrap();
    out.stage.stop_service().await;
    out
}

/// What breaks an invariant, and words of what is told then.
type Harm = (Invariant, String, &'static str);

/// Journals and lines that are changed, deleted, or posted beside their events.
fn harms_to_journals() -> Vec<Harm> {
    use Invariant as I;
    vec![
        (I::I01, "update journal_line set amount_minor = amount_minor + 1 where line = 1".into(), "differ by"),
        (I::I01, "delete from journal_line where line = 2".into(), "two are the least"),
        (I::I02, "update journal_line set amount_minor = amount_minor + 1 where line = 1".into(), "more than credits"),
        (I::I03, "delete from journal where rule = 'APPLY'".into(), "its journal is not there"),
        (I::I03, "delete from journal_line where line = 1".into(), "are there"),
        (
            I::I03,
            "update journal set booked_at = booked_at + interval '1 s' where rule = 'APPLY'".into(),
            "and its event at",
        ),
        (I::I04, "update journal set event = gen_random_uuid() where rule = 'APPLY'".into(), "not in the log"),
        (I::I04, "delete from journal where rule = 'CAPTURE'".into(), "that journal is not there"),
        (I::I04, copied("CAPTURE", "WRITE_OFF", false), "does not post this WRITE_OFF"),
        (I::I05, "update journal set effective = effective + 1 where rule = 'APPLY'".into(), "effective date"),
        (I::I05, "update journal set customer = 'somebody' where rule = 'APPLY'".into(), "dimensions"),
        (I::I06, copied("CAPTURE", "SETTLE_REVERSED", true), "too often"),
        (I::I07, copied("CAPTURE", "CAPTURE", false), "is there twice"),
        (I::I08, "update journal_line set account = 3900 where account = 4000".into(), "moves account 3900"),
    ]
}

/// Sums that cannot be.
fn harms_to_sums() -> Vec<Harm> {
    use Invariant as I;
    vec![
        (I::I10, copied("CAPTURE", "CAPTURE", false), "2 CAPTURE journals"),
        (I::I11, copied("APPLY", "APPLY", false), "applied"),
        (I::I12, copied("APPLY", "APPLY", false), "one is the most"),
        (I::I13, copied("APPLY", "APPLY", false), "of a total of"),
        (I::I14, copied("APPLY", "APPLY", false), "never below 0"),
        (I::I16, "update journal set invoice = null where rule = 'INVOICE_ISSUED'".into(), "names no invoice"),
        (I::I17, format!("delete from hold; {}", copied("CAPTURE", "CAPTURE", false)), "is not on hold"),
        (I::I17, "update claim set saga = gen_random_uuid() where kind = 'zoho_invoice'".into(), "relies on the claim"),
        (I::I20, copied("CAPTURE", "SETTLE", false), "is submitted (1110)"),
        (
            I::I23,
            format!(
                "{} update journal_line l set account = case l.account when 2100 then 1130 else 5210 end
                     from journal j where j.id = l.journal and j.rule = 'DISPUTE_LOST'",
                copied("CAPTURE", "DISPUTE_LOST", false)
            ),
            "is held for disputes",
        ),
        (I::I24, refunded(), "is refunded"),
        (I::I25, [refunded(), copied("CAPTURE", "CAPTURE_REVERSED", true)].concat(), "is reversed and"),
        (
            I::I27,
            format!(
                "{} update journal_line l set account = case l.account when 1110 then 9100 else 9190 end
                     from journal j where j.id = l.journal and j.rule = 'AUTH';
                 update saga set ended = 'completed' where kind = 'invoice_payment'",
                copied("CAPTURE", "AUTH", false)
            ),
            "still authorised",
        ),
        (I::I32, "update saga set ended = 'compensated' where kind = 'invoice_payment'".into(), "money has moved"),
    ]
}

/// What a saga did, out of order; and what stands beside the log.
fn harms_to_streams() -> Vec<Harm> {
    use Invariant as I;
    let charge = "charge";
    vec![
        (
            I::I18,
            [
                appended("step.requested", charge, "", ""),
                appended("step.answered", charge, "\"id\":\"", "\"id\":\"another-"),
            ]
            .concat(),
            "leads to",
        ),
        (
            I::I31,
            appended("step.requested", charge, "\"undo\":false", "\"undo\":true"),
            "undone after the pivot",
        ),
        (I::I33, appended("step.sending", charge, "", ""), "without having been wanted"),
        (
            I::I34,
            [appended("step.requested", charge, "", ""), appended("step.sending", charge, "", "")].concat(),
            "after its attempt was over",
        ),
        (
            I::I35,
            "insert into card_charge (order_id, card, brand, saga, state, at)
             select 'o-' || n, 'card', 'Visa', gen_random_uuid(), 'spent', now() from generate_series(1, 16) n"
                .into(),
            "15 are the most",
        ),
        (I::I37, copied("CAPTURE", "CAPTURE", false), "was not applied"),
        (I::I39, "update saga set seq = seq + 1".into(), "its row says"),
        (I::I39, "update event set seq = seq + 1 where seq = (select max(seq) from event)".into(), "follows on"),
        (I::I43, "update event set name = 'DuplicateCaptured' where name = 'PaymentCaptured'".into(), "was applied"),
        (
            I::I44,
            "update saga set due_at = null, parked_code = null, ended = null where kind = 'invoice_payment'".into(),
            "nothing will wake it",
        ),
        (
            I::I52,
            "insert into approval (id, saga, saga_kind, seq, verb, reason, asked_by, asked_at, state, decided_by, decided_at)
             select gen_random_uuid(), id, kind, seq, 'skip', 'because', 'ada', now(), 'approved', 'ada', now() from saga"
                .into(),
            "approved by ada",
        ),
        (I::I53, "update event set principal = 'somebody' where pos = 1".into(), "position 1"),
        (
            I::I55,
            "update event set payload = left(payload, -1) || ',\"cvv\":\"123\"}' where name = 'step.started'".into(),
            "looks like card data",
        ),
        (
            I::I55,
            "update event set payload = left(payload, -1) || ',\"note\":\"4111 1111 1111 1111\"}' where name = 'step.started'".into(),
            "looks like card data",
        ),
    ]
}

#[tokio::test]
async fn each_invariant_that_is_broken_is_named_with_its_rows() {
    let out = played().await;
    let pool = out.stage.pool();
    hold(pool).await;
    for table in TABLES {
        sql(pool, &format!("create table kept_{table} as table {table}")).await;
    }
    let mut tried = BTreeSet::new();
    for (invariant, harm, words) in [harms_to_journals(), harms_to_sums(), harms_to_streams()].concat() {
        sql(pool, &harm).await;
        let report = all(pool).await;
        let found = &report.checked[&invariant];
        assert!(found.times > 0, "{invariant} holds after {harm}: {report:#?}");
        let told: Vec<_> = found.findings.iter().filter(|finding| finding.what.contains(words)).collect();
        assert!(!told.is_empty(), "{invariant} after {harm}: {:#?}", found.findings);
        let rows = |f: &&attio_billing::proof::invariants::Finding| {
            f.saga.is_some() || f.event.is_some() || !f.journals.is_empty() || f.subject.is_some()
        };
        assert!(told.iter().all(rows), "{invariant} tells no row: {told:#?}");
        for table in TABLES {
            sql(pool, &format!("truncate {table}; insert into {table} select * from kept_{table}")).await;
        }
        tried.insert(invariant);
    }
    hold(pool).await;
    // That two activations hold one subscription cannot be made here: the claim is looked at as that of an invoice.
    let here = Invariant::ALL.iter().filter(|one| matches!(how(**one), How::Here | How::Chain));
    let untried: Vec<_> = here.filter(|one| !tried.contains(one) && **one != Invariant::I19).collect();
    assert_eq!(untried, Vec::<&Invariant>::new(), "nothing breaks these on purpose");
    out.end().await;
}

#[tokio::test]
async fn the_command_names_what_broke_and_lists_what_it_cannot_see() {
    let out = played().await;
    let on = async |args: &[&str]| told(program(args).env("DATABASE_URL", out.database_url()).output().await.unwrap());
    let (code, said, errors) = on(&["verify"]).await;
    assert_eq!(code, 0, "{said}{errors}");
    for line in ["I14  holds", "I15  elsewhere", "I28  not yet", "events and"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    sql(out.stage.pool(), &copied("APPLY", "APPLY", false)).await;
    let (code, said, errors) = on(&["verify"]).await;
    assert!(code == 5 && said.contains("I14  BROKEN") && errors.contains("I14"), "{said}{errors}");
    assert!(said.contains("journal ") && said.contains("saga ") && said.contains("event "), "{said}");
    let (code, said, _) = on(&["verify", "--json", "--invariant", "i14", "--invariant", "I44"]).await;
    let shown: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &shown["holds"]), (5, &json!(false)));
    let told: Vec<_> =
        shown["checked"].as_array().unwrap().iter().map(|one| (&one["invariant"], &one["holds"])).collect();
    assert_eq!(told, [(&json!("I14"), &json!(false)), (&json!("I44"), &json!(true))]);
    assert!(!shown["checked"][0]["findings"][0]["journals"].as_array().unwrap().is_empty(), "{shown}");
    let (code, said, errors) =
        on(&["verify", "--since", "2999-01-01", "--invariant", "I14", "--invariant", "I53"]).await;
    assert!(code == 0 && said.contains("I53  elsewhere"), "nothing was booked since: {said}{errors}");
    let (code, _, errors) = on(&["verify", "--invariant", "I99"]).await;
    assert!(code == 2 && errors.contains("I01 to I56"), "{errors}");
    out.end().await;
}

/// Beside a service that works: nothing that is under way is taken for broken.
#[tokio::test]
async fn what_is_appended_meanwhile_raises_no_alarm() {
    let out = Outside::start().await;
    let customers = async {
        for n in 0..6 {
            out.stage.new_customer(&Wish::new(format!("Ada {n}"), 4_900)).await.unwrap();
        }
        out.stage.rest().await.unwrap();
    };
    let verifying = async {
        for _ in 0..12 {
            hold(out.stage.pool()).await;
        }
    };
    tokio::join!(customers, verifying);
    hold(out.stage.pool()).await;
    out.end().await;
}
