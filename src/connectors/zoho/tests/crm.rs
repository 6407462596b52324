//! Contacts, accounts, deals and tags in CRM.

use super::*;
use crate::port::Person;
use sagas::kernel::answer::CrmRecord;
use sagas::kernel::effect::{Crm, CrmModule, DealOrder};
use sagas::kernel::tags::{Lifecycle, Tags, Tier};

fn ada() -> Person {
    Person {
        first_name: "Ada".to_owned(),
        last_name: "Lovelace".to_owned(),
        company: Some("Engines Ltd".to_owned()),
        email: " Ada@Example.org ".to_owned(),
        city: Some("London".to_owned()),
        ..Person::default()
    }
}

fn contact() -> Crm {
    Crm::UpsertContact { customer: "cust1".to_owned(), account: Some("acc1".to_owned()), workflows: false }
}

fn deal() -> Crm {
    Crm::UpsertDeal(Box::new(DealOrder {
        subscription: "sub1".to_owned(),
        customer: "cust1".to_owned(),
        account: None,
        plan: "Pro".to_owned(),
        pipeline: Some("Standard (Standard)".to_owned()),
        stage: Some("Closed Won".to_owned()),
        amount: eur(60_010),
        closing_on: NaiveDate::from_ymd_opt(2026, 11, 21).expect("a date"),
        status: "active".to_owned(),
        workflows: true,
    }))
}

fn tag() -> Crm {
    let tiers = Some(vec![Tier::try_from("pro".to_owned()).expect("a tier")]);
    let tags = Tags { lifecycle: Some(Lifecycle::Active), tiers, ..Tags::default() };
    Crm::SetTags { module: CrmModule::Contacts, key: "cust1".to_owned(), tags }
}

fn call_crm(effect: &Crm) -> Call {
    let beside = Beside { person: Some(ada()), ..Beside::default() };
    Call { effect: Effect::Crm(effect.clone()), beside, ..call(&read_invoice()) }
}

async fn run(zoho: &Zoho, effect: &Crm) -> Outcome {
    zoho.perform_crm(&call_crm(effect), effect).await.outcome
}

async fn look_up(zoho: &Zoho, effect: &Crm) -> Look {
    zoho.look_crm(&call_crm(effect), effect).await
}

fn crm_lines(peer: &Peer) -> Vec<String> {
    lines(peer).into_iter().map(|line| line.replace("/crm/v8", "")).collect()
}

fn record(answer: Answer) -> CrmRecord {
    match answer {
        Answer::CrmRecord(record) => *record,
        other => panic!("expected a record: {other:?}"),
    }
}

const WRITTEN: &str = r#"{"data":[{"code":"SUCCESS","action":"insert","duplicate_field":null,"details":{"id":"3652",
    "Created_Time":"2026-11-21T10:00:00+05:30","Created_By":{"name":"P B","id":"1"}},"message":"record added","status":"success"}]}"#;

fn refused_record(code: &str, details: &str) -> String {
    format!(r#"{{"data":[{{"code":"{code}","details":{details},"message":"Ada is bad","status":"error"}}]}}"#)
}

#[tokio::test]
async fn a_contact_is_matched_by_our_field_alone_and_no_workflow_runs_unasked() {
    let (zoho, peer) = zoho([json(200, WRITTEN)]).await;
    assert_eq!(record(done(run(&zoho, &contact()).await)).id.as_deref(), Some("3652"));
    assert_eq!(crm_lines(&peer), ["POST /Contacts/upsert"]);
    let seen = &peer.seen()[1];
    assert!(seen.contains("x-external: Contacts.Account_Name.Billing_Account_Id\r\n"), "{seen}");
    assert_eq!(
        body(seen),
        r#"{"data":[{"Platform_User_Id":"cust1","Last_Name":"Lovelace","First_Name":"Ada","Email":"ada@example.org","Mailing_Street":null,"Mailing_City":"London","Mailing_State":null,"Mailing_Zip":null,"Mailing_Country":null,"Account_Name":{"id":"acc1"}}],"duplicate_check_fields":["Platform_User_Id"],"trigger":[]}"#
    );
}

#[tokio::test]
async fn a_deal_names_its_contact_by_our_id_and_its_amount_is_plain_number_text() {
    let (zoho, peer) = zoho([json(200, WRITTEN)]).await;
    run(&zoho, &deal()).await;
    let seen = &peer.seen()[1];
    assert!(seen.contains("x-external: Deals.Contact_Name.Platform_User_Id,Deals.Account_Name.Billing_Account_Id\r\n"));
    assert_eq!(
        body(seen),
        r#"{"data":[{"Billing_Ref":"sub1","Deal_Name":"Engines Ltd – Pro","Amount":600.10,"Closing_Date":"2026-11-21","Billing_Status":"active","Contact_Name":{"id":"cust1"},"Pipeline":"Standard (Standard)","Stage":"Closed Won"}],"duplicate_check_fields":["Billing_Ref"],"trigger":["workflow"]}"#
    );
}

#[tokio::test]
async fn a_record_that_is_refused_is_refused_whatever_the_status_says_and_without_crms_words() {
    for status in [200, 202, 207, 400] {
        let body =
            refused_record("MANDATORY_NOT_FOUND", r#"{"api_name":"Last_Name","json_path":"$.data[0].Last_Name"}"#);
        let (zoho, _peer) = zoho([json(status, &body)]).await;
        let no = rejection(run(&zoho, &contact()).await);
        assert_eq!((no.kind, no.code.as_str()), (RejectionKind::Invalid, "MANDATORY_NOT_FOUND"));
        assert!(no.message.contains("Last_Name") && !no.message.contains("Ada"), "{}", no.message);
    }
    let (blueprint, _peer) = zoho([json(202, &refused_record("RECORD_IN_BLUEPRINT", "{}"))]).await;
    assert_eq!(rejection(run(&blueprint, &deal()).await).kind, RejectionKind::State);
    let (broken, _peer) = zoho([json(202, &refused_record("INTERNAL_ERROR", "{}"))]).await;
    assert!(matches!(run(&broken, &deal()).await, Outcome::Unknown { .. }));
}

#[tokio::test]
async fn a_duplicate_is_adopted_only_where_it_carries_our_id() {
    let duplicate = refused_record("DUPLICATE_DATA", r#"{"api_name":"Email","duplicate_record":{"id":"77"}}"#);
    let shown = |value: &str| json(200, &format!(r#"{{"data":[{{"id":"77","Platform_User_Id":{value}}}]}}"#));
    let (ours, peer) = zoho([json(400, &duplicate), shown("\"cust1\"")]).await;
    assert_eq!(record(done(run(&ours, &contact()).await)).id.as_deref(), Some("77"));
    assert_eq!(crm_lines(&peer)[1], "GET /Contacts/77?fields=Platform_User_Id");
    assert!(!peer.seen()[2].contains("x-external"), "by CRM's own id");
    for (value, code) in [("null", "duplicate_unlinked"), ("\"cust2\"", "duplicate_of_another")] {
        let (zoho, _peer) = zoho([json(400, &duplicate), shown(value)]).await;
        let no = rejection(run(&zoho, &contact()).await);
        assert_eq!((no.kind, no.code.as_str()), (RejectionKind::State, code));
    }
}

#[tokio::test]
async fn a_batch_goes_out_by_the_hundred_and_each_record_has_its_own_result() {
    let result = |n: usize| match n {
        1 => r#"{"code":"INVALID_DATA","details":{"api_name":"Email"},"message":"invalid data","status":"error"}"#
            .to_owned(),
        _ => format!(r#"{{"code":"SUCCESS","details":{{"id":"{n}"}},"message":"record added","status":"success"}}"#),
    };
    let all = |from: usize, to: usize| (from..to).map(result).collect::<Vec<_>>().join(",");
    let first = json(207, &format!(r#"{{"data":[{}]}}"#, all(0, 100)));
    let second = json(200, &format!(r#"{{"data":[{}]}}"#, all(100, 101)));
    let (zoho, peer) = zoho([first, second]).await;
    let records: Vec<_> = (0..102).map(|n| Record::contact(&format!("cust{n}"), None, &ada())).collect();
    let came = zoho.upsert_in_crm(&records, false, LIMIT).await.expect("results");
    assert_eq!((came.len(), crm_lines(&peer).len()), (102, 2));
    assert!(matches!(&came[0], Upserted::Done { id } if id == "0"));
    assert!(matches!(&came[1], Upserted::Not(outcome) if matches!(**outcome, Outcome::Rejected { .. })));
    assert!(matches!(&came[100], Upserted::Done { id } if id == "100"));
    assert!(matches!(&came[101], Upserted::Not(outcome) if matches!(**outcome, Outcome::Unknown { .. })));
}

#[tokio::test]
async fn a_lost_upsert_is_done_only_where_the_record_shows_what_was_written() {
    let shown = |city: &str| {
        json(
            200,
            &format!(
                r#"{{"data":[{{"id":"3652","Last_Name":"Lovelace","First_Name":"Ada","Email":"ada@example.org",
                "Mailing_City":"{city}","Mailing_Street":null,"Account_Name":{{"name":"Engines","id":"9"}}}}]}}"#
            ),
        )
    };
    let (as_written, peer) = zoho([shown("London")]).await;
    let (outcome, _) = found(look_up(&as_written, &contact()).await);
    assert_eq!(record(done(outcome)).id.as_deref(), Some("3652"));
    assert!(crm_lines(&peer)[0].starts_with("GET /Contacts/cust1?fields=Last_Name"), "{:?}", crm_lines(&peer));
    assert!(peer.seen()[1].contains("x-external: Contacts.Platform_User_Id\r\n"));
    let (older, _peer) = zoho([shown("Paris")]).await;
    assert_eq!(look_up(&older, &contact()).await, ABSENT);
    let unknown = r#"{"code":"INVALID_DATA","details":{},"message":"The value of the external field is invalid.","status":"error"}"#;
    let in_a_row = refused_record("INVALID_DATA", "{}");
    for play in [json(400, unknown), json(400, &in_a_row), Play::reply(204, "text/plain", "")] {
        let (zoho, _peer) = zoho([play]).await;
        assert_eq!(look_up(&zoho, &contact()).await, ABSENT);
    }
}

#[tokio::test]
async fn a_lost_deal_is_compared_by_its_exact_amount() {
    let shown = |amount: &str| {
        json(
            200,
            &format!(
                r#"{{"data":[{{"id":"5","Deal_Name":"Engines Ltd – Pro","Amount":{amount},"Closing_Date":"2026-11-21",
                "Billing_Status":"active","Pipeline":"Standard (Standard)","Stage":"Closed Won"}}]}}"#
            ),
        )
    };
    for (amount, is_done) in [("600.1", true), ("600.10", true), ("600.11", false), ("null", false)] {
        let (zoho, _peer) = zoho([shown(amount)]).await;
        assert_eq!(matches!(look_up(&zoho, &deal()).await, Look::Found { .. }), is_done, "{amount}");
    }
}

fn tagged(tags: &str) -> Play {
    json(200, &format!(r#"{{"data":[{{"id":"3652","Tag":{tags}}}]}}"#))
}

const OLD_TAGS: &str = r#"[{"name":"VIP","id":"1","color_code":null},{"name":"lifecycle-trial","id":"2"},{"name":"source-website","id":"3"}]"#;
const NEW_TAGS: &str = r#"[{"name":"plan-pro"},{"name":"VIP"},{"name":"lifecycle-active"},{"name":"source-website"}]"#;

#[tokio::test]
async fn tags_are_written_as_a_full_set_with_others_kept() {
    let written = format!(
        r#"{{"data":[{{"code":"SUCCESS","details":{{"id":"3652","tags":{NEW_TAGS}}},"message":"tags updated successfully","status":"success"}}],"wf_scheduler":false,"success_count":"1","locked_count":"0"}}"#
    );
    let (zoho, peer) = zoho([tagged(OLD_TAGS), json(200, &written)]).await;
    let record = record(done(run(&zoho, &tag()).await));
    assert_eq!(record.tags, ["VIP", "lifecycle-active", "plan-pro", "source-website"]);
    assert_eq!(
        crm_lines(&peer),
        ["GET /Contacts/cust1?fields=Tag", "POST /Contacts/3652/actions/add_tags?over_write=true"]
    );
    assert_eq!(
        body(&peer.seen()[2]),
        r#"{"tags":[{"name":"VIP"},{"name":"lifecycle-active"},{"name":"plan-pro"},{"name":"source-website"}]}"#
    );
}

#[tokio::test]
async fn tags_that_are_so_are_not_written_and_a_lost_write_is_told_by_them() {
    let (so, peer) = zoho([tagged(NEW_TAGS), tagged(NEW_TAGS), tagged(OLD_TAGS)]).await;
    assert!(matches!(run(&so, &tag()).await, Outcome::Done { .. }));
    assert_eq!(crm_lines(&peer).len(), 1);
    assert!(matches!(look_up(&so, &tag()).await, Look::Found { .. }));
    assert_eq!(look_up(&so, &tag()).await, ABSENT);
    let (gone, _peer) = zoho([Play::reply(204, "text/plain", "")]).await;
    assert_eq!(rejection(run(&gone, &tag()).await).kind, RejectionKind::NotFound);
}

#[tokio::test]
async fn a_set_of_none_takes_the_last_tags_off() {
    let off = Crm::SetTags {
        module: CrmModule::Contacts,
        key: "cust1".to_owned(),
        tags: Tags { tiers: Some(Vec::new()), ..Tags::default() },
    };
    let removed = r#"{"data":[{"code":"SUCCESS","details":{"id":"3652","tags":[]},"status":"success"}]}"#;
    let (zoho, peer) = zoho([tagged(r#"[{"name":"plan-pro"}]"#), json(200, removed)]).await;
    assert!(matches!(run(&zoho, &off).await, Outcome::Done { .. }));
    assert_eq!(crm_lines(&peer)[1], "POST /Contacts/3652/actions/remove_tags");
    assert_eq!(body(&peer.seen()[2]), r#"{"tags":[{"name":"plan-pro"}]}"#);
}

#[tokio::test]
async fn a_record_is_found_with_its_tags_and_stage() {
    let find = Crm::Find { module: CrmModule::Deals, key: "sub1".to_owned() };
    let row = r#"{"data":[{"id":"5","Stage":"Closed Won","Tag":[{"name":"VIP"}]}]}"#;
    let (zoho, _peer) = zoho([json(200, row), Play::reply(204, "text/plain", "")]).await;
    let found =
        CrmRecord { id: Some("5".to_owned()), tags: vec!["VIP".to_owned()], stage: Some("Closed Won".to_owned()) };
    assert_eq!(record(done(run(&zoho, &find).await)), found);
    assert_eq!(record(done(run(&zoho, &find).await)).id, None);
}

#[tokio::test]
async fn crms_own_limits_and_refusals_are_told_apart() {
    let top = |code: &str| format!(r#"{{"code":"{code}","details":{{}},"message":"no","status":"error"}}"#);
    for (status, code, least) in [(429, "TOO_MANY_REQUESTS", 5), (400, "LIMIT_EXCEEDED", 3_600)] {
        let (zoho, _peer) = zoho([json(status, &top(code))]).await;
        let outcome = run(&zoho, &contact()).await;
        assert!(
            matches!(outcome, Outcome::NotSent { cause: NotSent::Quota, retry_after_seconds: Some(s), .. } if s >= least),
            "{code}: {outcome:?}"
        );
    }
    for (status, code) in [(401, "OAUTH_SCOPE_MISMATCH"), (403, "NO_PERMISSION"), (400, "INVALID_MODULE")] {
        let (zoho, _peer) = zoho([json(status, &top(code))]).await;
        assert_eq!(rejection(run(&zoho, &contact()).await).kind, RejectionKind::Config, "{code}");
    }
    for play in [json(500, &top("INTERNAL_ERROR")), json(502, "<html>bad gateway</html>"), Play::cut(200, "{\"da")] {
        let (zoho, _peer) = zoho([play]).await;
        assert!(matches!(run(&zoho, &contact()).await, Outcome::Unknown { .. }));
    }
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_in_either_of_crms_words() {
    for code in ["INVALID_TOKEN", "AUTHENTICATION_FAILURE"] {
        let refused = format!(r#"{{"code":"{code}","details":{{}},"message":"no","status":"error"}}"#);
        let (zoho, peer) = zoho([json(401, &refused), token("t2"), json(200, WRITTEN)]).await;
        assert!(matches!(run(&zoho, &contact()).await, Outcome::Done { .. }), "{code}");
        assert!(peer.seen()[3].contains("Zoho-oauthtoken t2"));
    }
}
