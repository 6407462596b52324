//! The Zoho connector against the simulated CRM and Desk, over real HTTP.

use crate::connector_zoho::{ABSENT, OURS, World, call, create_customer, usd};
use attio_billing::connectors::zoho::{Record, Upserted};
use attio_billing::port::{Call, Person};
use chrono::{TimeDelta, Utc};
use sagas::kernel::answer::{Answer, CrmRecord, Ticket};
use sagas::kernel::effect::{Crm, CrmModule, DealOrder, Helpdesk, TicketOrder};
use sagas::kernel::outcome::{Look, NotSent, Outcome, RejectionKind};
use sagas::kernel::tags::{Lifecycle, Tags, Tier};
use sandbox::faults::{Kind, Vendor};
use serde_json::json;
use std::time::Duration;

const ACCOUNT: &str = "acc_0192f6a1c3d84e7fb1d0c7a8e9f05678";
const DEAL: &str = "sub_0192f6a1c3d84e7fb1d0c7a8e9f09abc";

/// A call on behalf of the person that all tests know.
fn by_ada() -> Call {
    call(&create_customer())
}

fn find(module: CrmModule, key: &str) -> Crm {
    Crm::Find { module, key: key.to_owned() }
}

fn account() -> Crm {
    Crm::UpsertAccount { account: ACCOUNT.to_owned(), person: OURS.to_owned(), workflows: false }
}

fn contact() -> Crm {
    Crm::UpsertContact { customer: OURS.to_owned(), account: Some(ACCOUNT.to_owned()), workflows: false }
}

fn deal(stage: &str) -> Crm {
    Crm::UpsertDeal(Box::new(DealOrder {
        subscription: DEAL.to_owned(),
        customer: OURS.to_owned(),
        account: Some(ACCOUNT.to_owned()),
        plan: "Plus".to_owned(),
        pipeline: Some("Standard (Standard)".to_owned()),
        stage: Some(stage.to_owned()),
        amount: usd(13_507),
        closing_on: Utc::now().date_naive(),
        status: "live".to_owned(),
        workflows: false,
    }))
}

fn tags(tier: &str) -> Crm {
    let tiers = Some(vec![Tier::try_from(tier.to_owned()).unwrap()]);
    let tags = Tags { lifecycle: Some(Lifecycle::Active), tiers, ..Tags::default() };
    Crm::SetTags { module: CrmModule::Contacts, key: OURS.to_owned(), tags }
}

fn record(answer: Answer) -> CrmRecord {
    match answer {
        Answer::CrmRecord(record) => *record,
        other => panic!("{other:?}"),
    }
}

fn answered(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Done { answer } => answer,
        other => panic!("{other:?}"),
    }
}

fn refused(outcome: Outcome) -> (RejectionKind, String) {
    match outcome {
        Outcome::Rejected { rejection } => (rejection.kind, rejection.code),
        other => panic!("{other:?}"),
    }
}

/// What a look found, and no extras.
fn found(look: Look) -> Answer {
    match look {
        Look::Found { outcome, extra } if extra.is_empty() => answered(*outcome),
        other => panic!("{other:?}"),
    }
}

fn quota_seconds(outcome: &Outcome) -> u32 {
    match outcome {
        Outcome::NotSent { cause: NotSent::Quota, retry_after_seconds: Some(seconds), .. } => *seconds,
        other => panic!("{other:?}"),
    }
}

impl World {
    async fn crm(&self, effect: &Crm) -> Outcome {
        self.zoho.perform_crm(&by_ada(), effect).await.outcome
    }

    async fn crm_look(&self, effect: &Crm) -> Look {
        self.zoho.look_crm(&by_ada(), effect).await
    }

    async fn desk(&self, effect: &Helpdesk) -> Outcome {
        self.zoho.perform_desk(&by_ada(), effect).await.outcome
    }

    async fn desk_look(&self, effect: &Helpdesk) -> Look {
        self.zoho.look_desk(&by_ada(), effect).await
    }

    fn once(&self, vendor: Vendor, operation: &str, kind: Kind) {
        self.sandbox.once(vendor, operation, kind);
    }

    /// The account, and the contact in it.
    async fn client(&self) {
        answered(self.crm(&account()).await);
        answered(self.crm(&contact()).await);
    }
}

#[tokio::test]
async fn a_company_a_customer_and_a_sale_are_made_once_under_our_ids() {
    let world = World::start().await;
    assert_eq!(record(answered(world.crm(&find(CrmModule::Contacts, OURS)).await)).id, None);
    let all = [
        (account(), CrmModule::Accounts, ACCOUNT),
        (contact(), CrmModule::Contacts, OURS),
        (deal("Qualification"), CrmModule::Deals, DEAL),
    ];
    for (effect, module, key) in &all {
        assert_eq!(world.crm_look(effect).await, ABSENT, "{effect:?}");
        let id = record(answered(world.crm(effect).await)).id;
        assert!(id.is_some());
        assert_eq!(record(found(world.crm_look(effect).await)).id, id);
        assert_eq!(record(answered(world.crm(effect).await)).id, id, "once more changes nothing");
        assert_eq!(record(answered(world.crm(&find(*module, key)).await)).id, id);
    }
    assert_eq!(world.crm_look(&deal("Closed Won")).await, ABSENT, "another stage is not reached");
    answered(world.crm(&deal("Closed Won")).await);
    let sale = record(answered(world.crm(&find(CrmModule::Deals, DEAL)).await));
    assert_eq!(sale.stage.as_deref(), Some("Closed Won"));
    let books = world.sandbox.crm_books();
    for module in ["accounts", "contacts", "deals"] {
        assert_eq!(books[module].as_array().map(Vec::len), Some(1), "{books}");
    }
    assert_eq!(books["deals"][0]["Contact_Name"], books["contacts"][0]["id"], "{books}");
}

#[tokio::test]
async fn our_tags_are_written_and_a_foreign_one_stays() {
    let world = World::start().await;
    assert_eq!(refused(world.crm(&tags("plus")).await).0, RejectionKind::NotFound);
    world.client().await;
    let id = record(answered(world.crm(&find(CrmModule::Contacts, OURS)).await)).id.unwrap();
    world.sandbox.crm_staff(&json!({ "act": "add_tag", "id": id, "tag": "VIP" }));
    world.once(Vendor::ZohoCrm, "record.add_tags", Kind::ResetAfter);
    assert_eq!(world.crm_look(&tags("plus")).await, ABSENT);
    assert_eq!(world.crm(&tags("plus")).await.word(), "unknown");
    let wanted = ["VIP", "lifecycle-active", "plan-plus"];
    assert_eq!(record(found(world.crm_look(&tags("plus")).await)).tags, wanted);
    assert_eq!(record(answered(world.crm(&tags("pro")).await)).tags, ["VIP", "lifecycle-active", "plan-pro"]);
    let mut shown = record(answered(world.crm(&find(CrmModule::Contacts, OURS)).await)).tags;
    shown.sort();
    assert_eq!(shown, ["VIP", "lifecycle-active", "plan-pro"]);
}

#[tokio::test]
async fn a_record_whose_answer_was_lost_is_found_by_our_id() {
    let world = World::start().await;
    world.once(Vendor::ZohoCrm, "record.upsert", Kind::ResetAfter);
    assert_eq!(world.crm(&account()).await.word(), "unknown");
    let id = record(found(world.crm_look(&account()).await)).id;
    assert_eq!(record(answered(world.crm(&account()).await)).id, id);
    world.once(Vendor::ZohoCrm, "record.upsert", Kind::TimeoutAfter);
    let mut short = by_ada();
    short.time_limit = Duration::from_millis(400);
    assert_eq!(world.zoho.perform_crm(&short, &contact()).await.outcome.word(), "unknown");
    found(world.crm_look(&contact()).await);
    for kind in [Kind::Empty, Kind::LateIndex { seconds: 60 }] {
        world.once(Vendor::ZohoCrm, "record.get", kind);
        assert_eq!(world.crm_look(&contact()).await, ABSENT);
    }
    world.once(Vendor::ZohoCrm, "record.get", Kind::Doubled);
    found(world.crm_look(&contact()).await);
}

#[tokio::test]
async fn each_record_of_a_batch_is_refused_for_itself() {
    let world = World::start().await;
    let person = |last_name: &str| Person {
        last_name: last_name.to_owned(),
        email: format!("{}@example.org", last_name.len()),
        ..Person::default()
    };
    let too_long = "x".repeat(81);
    let contact = |key: &str, name: &str| Record::contact(key, None, &person(name));
    let records = [contact("cus_1", "Doe"), contact("cus_2", &too_long), contact("cus_3", "Hopper")];
    let all = world.zoho.upsert_in_crm(&records, false, Duration::from_secs(10)).await.unwrap();
    assert!(matches!(&all[0], Upserted::Done { .. }) && matches!(&all[2], Upserted::Done { .. }), "{all:?}");
    let Upserted::Not(outcome) = &all[1] else { panic!("{all:?}") };
    let Outcome::Rejected { rejection } = &**outcome else { panic!("{outcome:?}") };
    assert_eq!((rejection.kind, rejection.code.as_str()), (RejectionKind::Invalid, "INVALID_DATA"));
    assert!(rejection.message.contains("Last_Name") && !rejection.message.contains("xxx"), "{}", rejection.message);
    assert_eq!(
        refused(world.crm(&deal("Qualification")).await).0,
        RejectionKind::Invalid,
        "whose contact is not there"
    );
}

#[tokio::test]
async fn a_stranger_with_the_same_address_is_not_taken_for_our_customer() {
    let world = World::start().await;
    answered(world.crm(&account()).await);
    let unique = json!({ "act": "set_unique", "module": "Contacts", "field": "Email", "unique": "yes" });
    world.sandbox.crm_staff(&unique);
    world.sandbox.crm_record("Contacts", json!({ "Last_Name": "Byron", "Email": "ada@example.org" })).await;
    assert_eq!(refused(world.crm(&contact()).await).0, RejectionKind::State);
    assert_eq!(world.crm_look(&contact()).await, ABSENT);
    assert_eq!(world.sandbox.crm_books()["contacts"].as_array().map(Vec::len), Some(1));
}

fn ticket_of(contact: &str) -> TicketOrder {
    TicketOrder {
        saga: "0192f6a1-c3d8-7e7f-b1d0-c7a8e9f01234".to_owned(),
        contact: contact.to_owned(),
        subject: "A payment needs a person".to_owned(),
        text: "The invoice was paid twice: give one payment back.".to_owned(),
        urgent: true,
        since: Utc::now(),
    }
}

fn ticket(answer: Answer) -> Ticket {
    match answer {
        Answer::Ticket(ticket) => *ticket,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_desk_contact_is_made_once_and_found_by_its_address() {
    let world = World::start().await;
    let find = Helpdesk::FindContact { customer: OURS.to_owned() };
    let create = Helpdesk::CreateContact { customer: OURS.to_owned() };
    assert_eq!(answered(world.desk(&find).await), Answer::DeskContact { contact: None, others: 0 });
    assert_eq!(world.desk_look(&create).await, ABSENT);
    world.once(Vendor::ZohoDesk, "contact.create", Kind::ResetAfter);
    assert_eq!(world.desk(&create).await.word(), "unknown");
    assert_eq!(world.desk_look(&create).await, ABSENT, "the index lags");
    world.advance(TimeDelta::seconds(30));
    let made = found(world.desk_look(&create).await);
    assert!(matches!(&made, Answer::DeskContact { contact: Some(_), .. }), "{made:?}");
    assert_eq!(answered(world.desk(&find).await), made);
    world.once(Vendor::ZohoDesk, "contact.search", Kind::Doubled);
    assert_eq!(found(world.desk_look(&create).await), made, "the oldest");
}

#[tokio::test]
async fn a_ticket_is_opened_commented_and_closed_though_each_answer_is_lost() {
    let world = World::start().await;
    let create = Helpdesk::CreateContact { customer: OURS.to_owned() };
    let made = answered(world.desk(&create).await);
    let Answer::DeskContact { contact: Some(contact), .. } = made else { panic!("{made:?}") };
    let open = Helpdesk::OpenTicket(Box::new(ticket_of(&contact)));
    assert_eq!(world.desk_look(&open).await, ABSENT);
    world.once(Vendor::ZohoDesk, "ticket.create", Kind::ResetAfter);
    assert_eq!(world.desk(&open).await.word(), "unknown");
    let opened = ticket(found(world.desk_look(&open).await));
    assert_eq!((opened.status.as_str(), opened.number.is_empty()), ("Open", false));
    world.advance(TimeDelta::seconds(30));
    assert_eq!(ticket(found(world.desk_look(&open).await)), opened, "found twice is still one");
    world.once(Vendor::ZohoDesk, "contact.tickets", Kind::Empty);
    assert_eq!(ticket(found(world.desk_look(&open).await)), opened, "by our field alone");
    let read = Helpdesk::ReadTicket { ticket: opened.id.clone() };
    assert_eq!(ticket(answered(world.desk(&read).await)), opened);

    let (id, text) = (opened.id.clone(), "Given back.".to_owned());
    let comment = Helpdesk::Comment { ticket: id, text, marker: "demo1.note.1".to_owned() };
    assert_eq!(world.desk_look(&comment).await, ABSENT);
    world.once(Vendor::ZohoDesk, "comment.create", Kind::ResetAfter);
    assert_eq!(world.desk(&comment).await.word(), "unknown");
    assert_eq!(found(world.desk_look(&comment).await), Answer::Nothing);

    let close = Helpdesk::CloseTicket { ticket: opened.id };
    assert_eq!(world.desk_look(&close).await, ABSENT);
    world.once(Vendor::ZohoDesk, "ticket.update", Kind::ResetAfter);
    assert_eq!(world.desk(&close).await.word(), "unknown");
    assert_eq!(found(world.desk_look(&close).await), Answer::Nothing);
    assert_eq!(answered(world.desk(&close).await), Answer::Nothing, "once more changes nothing");
    world.advance(TimeDelta::seconds(30));
    world.once(Vendor::ZohoDesk, "ticket.search", Kind::Doubled);
    let Look::Found { extra, .. } = world.desk_look(&open).await else { panic!("found") };
    assert_eq!(extra.len(), 1, "a true twin is one to be taken back");
}

#[tokio::test]
async fn limits_of_crm_and_desk_are_told_apart_by_how_long_they_last() {
    let world = World::start().await;
    let read = find(CrmModule::Contacts, OURS);
    world.once(Vendor::ZohoCrm, "record.get", Kind::RateLimit);
    assert!(quota_seconds(&world.crm(&read).await) < 60);
    world.once(Vendor::ZohoCrm, "record.get", Kind::DailyQuota);
    assert!(quota_seconds(&world.crm(&read).await) >= 60);
    let ticket = Helpdesk::FindContact { customer: OURS.to_owned() };
    world.sandbox.desk_staff(&json!({ "act": "settings", "calls_at_once": 0 }));
    assert!(quota_seconds(&world.desk(&ticket).await) < 60);
    world.sandbox.desk_staff(&json!({ "act": "settings", "calls_at_once": 10, "credits": 0 }));
    assert!(quota_seconds(&world.desk(&ticket).await) >= 60);
    world.once(Vendor::ZohoCrm, "record.get", Kind::Status { status: 500 });
    assert_eq!(world.crm(&read).await.word(), "not_sent", "a read is made again");
    world.once(Vendor::ZohoCrm, "record.upsert", Kind::Status { status: 500 });
    assert_eq!(world.crm(&account()).await.word(), "unknown", "a write is looked up");
}
