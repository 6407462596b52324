//! A person who is erased at Zoho Billing, CRM and Desk (2.0-e69), against the simulators over real HTTP: overwritten, deleted
//! where the vendor lets go, read back, and looked up where the answer was lost.

use crate::connector_zoho::{ABSENT, OURS, World, call, create_customer};
use attio_billing::port::Call;
use sagas::kernel::answer::{Answer, Trace};
use sagas::kernel::effect::{Crm, CrmModule, Helpdesk, Zoho};
use sagas::kernel::outcome::{Look, Outcome};
use sandbox::faults::{Fault, Kind, Vendor};

const MARK: &str = "0192f6a1c3d84e7fb1d0c7a8e9f05678";

fn by_ada() -> Call {
    call(&create_customer())
}

fn mark() -> String {
    MARK.to_owned()
}

fn trace(outcome: Outcome) -> Trace {
    match outcome {
        Outcome::Done { answer: Answer::Trace(trace) } => *trace,
        other => panic!("{other:?}"),
    }
}

fn found(look: Look) -> Trace {
    match look {
        Look::Found { outcome, extra } if extra.is_empty() => trace(*outcome),
        other => panic!("{other:?}"),
    }
}

/// The next call of that operation is done, and its answer is lost.
fn lose(world: &World, vendor: Vendor, operation: &str) {
    world.sandbox.world.faults.order(Fault {
        vendor,
        operation: operation.to_owned(),
        kind: Kind::ResetAfter,
        skip: 0,
        times: Some(1),
        contains: None,
    });
}

#[tokio::test]
async fn a_billing_customer_without_documents_is_deleted() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    let seek = Zoho::SeekCustomer { customer: customer.clone(), mark: mark() };
    let erase = Zoho::EraseCustomer { customer: customer.clone(), mark: mark() };
    assert!(trace(world.perform(&seek).await).personal);
    assert_eq!(world.look(&erase).await, ABSENT);
    assert_eq!(trace(world.perform(&erase).await), Trace::gone());
    assert_eq!(trace(world.perform(&seek).await), Trace::gone());
    assert_eq!(trace(world.perform(&erase).await), Trace::gone(), "again is done");
    assert_eq!(found(world.look(&erase).await), Trace::gone());
}

#[tokio::test]
async fn a_billing_customer_with_documents_stays_and_names_nobody() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    world.subscription(&customer).await;
    let erase = Zoho::EraseCustomer { customer: customer.clone(), mark: mark() };
    let kept = trace(world.perform(&erase).await);
    assert_eq!((kept.record.as_deref(), kept.personal), (Some(customer.as_str()), false));
    let why = kept.kept_because.expect("it says why");
    assert!(why.contains("associated with transactions"), "{why}");
    let seek = Zoho::SeekCustomer { customer: customer.clone(), mark: mark() };
    assert_eq!(trace(world.perform(&seek).await), Trace::neutral(&customer));
    assert!(!found(world.look(&erase).await).personal);
    let books = sandbox::zoho::books(&world.sandbox.world).to_string();
    assert!(!books.contains("Lovelace") && !books.contains("ada@example.org"), "{books}");
}

#[tokio::test]
async fn a_lost_answer_at_billing_is_looked_up() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    let erase = Zoho::EraseCustomer { customer: customer.clone(), mark: mark() };
    lose(&world, Vendor::Zoho, "customer.update");
    let lost = world.perform(&erase).await;
    assert!(matches!(lost, Outcome::Unknown { .. }), "{lost:?}");
    let shown = found(world.look(&erase).await);
    assert!(!shown.personal && shown.kept_because.is_some(), "neutral is done, and what is left is said: {shown:?}");
    lose(&world, Vendor::Zoho, "customer.delete");
    let lost = world.perform(&erase).await;
    assert!(matches!(lost, Outcome::Unknown { .. }), "{lost:?}");
    assert_eq!(found(world.look(&erase).await), Trace::gone());
}

#[tokio::test]
async fn a_crm_contact_is_overwritten_and_deleted_and_an_account_is_renamed() {
    let world = World::start().await;
    let perform = async |effect: &Crm| world.zoho.perform_crm(&by_ada(), effect).await.outcome;
    let look = async |effect: &Crm| world.zoho.look_crm(&by_ada(), effect).await;
    let account = || OURS.to_owned();
    perform(&Crm::UpsertAccount { account: account(), person: account(), workflows: false }).await;
    perform(&Crm::UpsertContact { customer: account(), account: Some(account()), workflows: false }).await;
    for (module, is_gone) in [(CrmModule::Contacts, true), (CrmModule::Accounts, false)] {
        let seek = Crm::Seek { module, key: account(), mark: mark() };
        let erase = Crm::Erase { module, key: account(), mark: mark() };
        assert!(trace(perform(&seek).await).personal);
        assert_eq!(look(&erase).await, ABSENT);
        let erased = trace(perform(&erase).await);
        assert_eq!((erased.record.is_none(), erased.personal, &erased.kept_because), (is_gone, false, &None));
        assert_eq!(trace(perform(&seek).await), erased);
        assert_eq!(found(look(&erase).await), erased);
        assert_eq!(trace(perform(&erase).await), erased, "again is done");
    }
    let nobody = Crm::Erase { module: CrmModule::Deals, key: "sub_none".to_owned(), mark: mark() };
    assert_eq!(trace(perform(&nobody).await), Trace::gone(), "a record that is not there is not made");
    let books = world.sandbox.crm_books().to_string();
    assert!(!books.contains("Lovelace") && !books.contains("ada@example.org"), "the bin names nobody either: {books}");
}

#[tokio::test]
async fn a_desk_contact_is_overwritten_and_stays() {
    let world = World::start().await;
    let perform = async |effect: &Helpdesk| world.zoho.perform_desk(&by_ada(), effect).await.outcome;
    let look = async |effect: &Helpdesk| world.zoho.look_desk(&by_ada(), effect).await;
    let made = perform(&Helpdesk::CreateContact { customer: OURS.to_owned() }).await;
    let Outcome::Done { answer: Answer::DeskContact { contact: Some(contact), .. } } = made else { panic!("{made:?}") };
    let seek = Helpdesk::SeekContact { contact: contact.clone(), mark: mark() };
    let erase = Helpdesk::EraseContact { contact: contact.clone(), mark: mark() };
    assert!(trace(perform(&seek).await).personal);
    assert_eq!(look(&erase).await, ABSENT);
    lose(&world, Vendor::ZohoDesk, "contact.update");
    let lost = perform(&erase).await;
    assert!(matches!(lost, Outcome::Unknown { .. }), "{lost:?}");
    assert_eq!(found(look(&erase).await), Trace::neutral(&contact));
    assert_eq!(trace(perform(&erase).await), Trace::neutral(&contact));
    assert_eq!(trace(perform(&seek).await), Trace::neutral(&contact));
    let gone = Helpdesk::EraseContact { contact: "1892000000999999".to_owned(), mark: mark() };
    assert_eq!(trace(perform(&gone).await), Trace::gone());
}
