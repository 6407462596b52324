//! 2.26-p3: the books open once, with what ties and with nothing else.

use crate::books_opening::{BooksOpening, Command, Difference, Event, Item, Kind, Proposal, Total};
use crate::kernel::answer::{Answer, CustomerSurvey, Invoice, InvoicePayment, Transaction, TransactionStatus};
use crate::kernel::effect::{Braintree, Desk, Effect, Message, Zoho};
use crate::kernel::flow::Open;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::money::Money;
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::saga::{At, End, Input, Saga as _};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{self, day, eur, instant, rejected};
use chrono::TimeDelta;
use iso_currency::Currency;

struct World {
    bench: Bench<BooksOpening>,
    proposal: Proposal,
    invoices: Vec<Invoice>,
    sales: Vec<Transaction>,
    /// A Zoho customer is linked here.
    linked: bool,
    told: Vec<Message>,
}

stands_on_its_bench!(World, BooksOpening);

fn item(line: u64, kind: Kind, id: &str, minor: i64) -> Item {
    Item { line, kind, id: id.to_owned(), amount: eur(minor) }
}

const fn total(kind: Kind, amount: Money) -> Total {
    Total { kind, amount }
}

fn sale(id: &str, status: TransactionStatus, minor: i64) -> Transaction {
    let now = instant("2026-10-30T09:00:00Z");
    Transaction { status, ..samples::transaction(id, "old", eur(minor), now) }
}

impl World {
    /// Two invoices that owe, a customer with credit, and money at every place where it can stand.
    fn new() -> Self {
        let now = instant("2026-11-02T09:00:00Z");
        let mut owing = Invoice { id: "71".to_owned(), balance: eur(6_000), ..samples::invoice(10_000, now) };
        owing.payments.push(InvoicePayment {
            id: "zp1".to_owned(),
            reference: "old".to_owned(),
            mode: "check".to_owned(),
            amount: eur(4_000),
        });
        let (date, due_date) = (day("2026-10-20"), day("2026-10-20"));
        let owing = Invoice { date, due_date, ..owing };
        let whole = Invoice { id: "72".to_owned(), date, due_date, ..samples::invoice(2_500, now) };
        let proposal = Proposal {
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            open_at: instant("2026-11-01T00:00:00Z"),
            items: vec![
                item(2, Kind::Receivable, "71", 6_000),
                item(3, Kind::Receivable, "72", 2_500),
                item(4, Kind::Credit, "zc1", 1_500),
                item(5, Kind::Submitted, "t1", 4_900),
                item(6, Kind::Settled, "t2", 900),
                item(7, Kind::Unapplied, "t2", 200),
                item(8, Kind::InTransit, "payout-7", 300),
                item(9, Kind::Disputed, "dp1", 700),
                item(10, Kind::RefundOwed, "rf1", 100),
            ],
            totals: vec![
                total(Kind::Receivable, eur(8_500)),
                total(Kind::Credit, eur(1_500)),
                total(Kind::Submitted, eur(4_900)),
                total(Kind::Settled, eur(900)),
                total(Kind::Unapplied, eur(200)),
                total(Kind::InTransit, eur(300)),
                total(Kind::Disputed, eur(700)),
                total(Kind::RefundOwed, eur(100)),
            ],
            reason: "go-live".to_owned(),
            by: "token:fay".to_owned(),
            alone: false,
        };
        Self {
            bench: Bench::new(BooksOpening::id("60012"), now),
            proposal,
            invoices: vec![owing, whole],
            sales: vec![sale("t1", TransactionStatus::Settling, 4_900), sale("t2", TransactionStatus::Settled, 900)],
            linked: true,
            told: Vec::new(),
        }
    }

    fn proposed(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::new();
        change(&mut world);
        world.propose();
        world
    }

    fn propose(&mut self) {
        let proposal = Box::new(self.proposal.clone());
        self.tell(Command::Propose { proposal });
    }

    fn approve(&mut self) {
        self.tell(Command::Approve { reason: "seen".to_owned(), by: "token:bob".to_owned() });
    }

    fn refusal(&self, command: &Command) -> String {
        let decided = BooksOpening::decide(&self.saga.business, Input::Command(command), &At::utc(self.now));
        decided.err().map(|refusal| refusal.code).unwrap_or_default()
    }

    /// What does not tie, of the newest proposal.
    fn differences(&self) -> Vec<Difference> {
        let found = self.events().filter_map(|event| match event {
            Event::OpeningDiffers { differences, .. } => Some(differences.clone()),
            _ => None,
        });
        found.last().unwrap_or_default()
    }
}

impl Played for World {
    type Flow = BooksOpening;

    fn answer(&mut self, open: &Open) -> Outcome {
        let gone = || rejected(RejectionKind::NotFound, "1002");
        let answer = match &open.effect {
            Effect::Zoho(Zoho::ReadInvoice { invoice }) => match self.invoices.iter().find(|i| i.id == *invoice) {
                Some(found) => Answer::Invoice(Box::new(found.clone())),
                None => return gone(),
            },
            Effect::Braintree(Braintree::ReadTransaction { transaction }) => {
                match self.sales.iter().find(|sale| sale.id == *transaction) {
                    Some(found) => Answer::Transaction(Box::new(found.clone())),
                    None => return gone(),
                }
            }
            Effect::Desk(Desk::SurveyCustomer { .. }) => Answer::CustomerSurvey(Box::new(CustomerSurvey {
                customer: self.linked.then(|| "cust1".to_owned()),
                ..CustomerSurvey::default()
            })),
            Effect::Desk(Desk::Tell { message, .. }) => {
                self.told.push((**message).clone());
                Answer::Nothing
            }
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn must_hold(&self) {
        let opened = self.count("BooksOpened");
        assert!(opened <= 1, "the books open once");
        assert!(opened == 1 || (self.accounts.is_empty() && self.told.is_empty()), "nothing is posted before");
    }
}

#[test]
fn p3_what_ties_is_agreed_to_by_a_second_person_and_opens_the_books_once() {
    let mut w = World::proposed(|_| {});
    assert_eq!((w.state().as_str(), w.accounts.len(), w.told.len()), ("Tied", 0, 0), "nothing before the second one");
    let same = Command::Approve { reason: "seen".to_owned(), by: "shell:fay".to_owned() };
    assert_eq!(w.refusal(&same), "same_person");
    w.approve();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Open", Some(End::Completed)));
    let held = [(1020, 300), (1110, 4_900), (1120, 900), (1130, 700), (2100, -200), (2110, -1_500), (2120, -100)];
    for (account, minor) in held {
        assert_eq!(w.balance(account), minor, "{account}");
    }
    assert_eq!(w.balance(1200), 0, "a receivable is posted by the invoice's own stream");
    assert_eq!(w.balance(3900), -held.iter().map(|(_, minor)| minor).sum::<i64>());
    let told: Vec<_> = w.told.iter().map(|message| message.to).collect();
    assert_eq!(told, [SagaId::of_invoice("60012", "71"), SagaId::of_invoice("60012", "72")]);
    let with = &w.told[0].command["news"]["with"];
    assert_eq!((with["balance"]["minor"].as_i64(), with["on"].as_str()), (Some(6_000), Some("2026-11-01")));
    w.has_recorded_history("opened");
    let again = Command::Propose { proposal: Box::new(w.proposal.clone()) };
    assert_eq!(w.refusal(&again), "books_open");
}

#[test]
fn p3_where_nobody_else_is_asked_for_it_opens_as_soon_as_it_ties() {
    let w = World::proposed(|w| w.proposal.alone = true);
    assert_eq!((w.state().as_str(), w.told.len()), ("Open", 2));
}

#[test]
fn e2_an_invoice_of_after_the_opening_is_none_of_it_and_the_future_opens_nothing() {
    let w = World::proposed(|w| w.invoices[1].date = day("2026-11-02"));
    assert_eq!((w.state().as_str(), w.differences().len()), ("Differs", 1));
    assert!(w.differences()[0].what.contains("after the books open"), "{:?}", w.differences());
    let mut w = World::new();
    w.proposal.open_at = w.now + TimeDelta::days(1);
    let propose = Command::Propose { proposal: Box::new(w.proposal.clone()) };
    assert_eq!(w.refusal(&propose), "in_the_future");
}

#[test]
fn e3_what_does_not_tie_is_named_line_by_line_and_nothing_is_posted() {
    type Change = fn(&mut World);
    let cases: [(Option<u64>, &str, Change); 10] = [
        (Some(2), "the list says 60.00 EUR, and Zoho 59.99 EUR", |w| w.invoices[0].balance = eur(5_999)),
        (Some(3), "it is `void`", |w| w.invoices[1].status = "void".to_owned()),
        (Some(3), "knows nothing", |w| w.invoices.truncate(1)),
        (Some(4), "not linked", |w| w.linked = false),
        (Some(5), "Settled", |w| w.sales[0].status = TransactionStatus::Settled),
        (Some(6), "the list says 9.00 EUR, and Braintree 8.00 EUR", |w| w.sales[1].amount = eur(800)),
        (Some(7), "the list says 10.00 EUR, and Braintree 9.00 EUR", |w| {
            w.proposal.items[5].amount = eur(1_000);
            w.proposal.totals[4].amount = eur(1_000);
        }),
        (None, "receivable: the lines add up to 85.00 EUR, and finance says 90.00 EUR", |w| {
            w.proposal.totals[0].amount = eur(9_000);
        }),
        (None, "in_transit: the lines add up to 3.00 EUR, and finance gives no total in EUR", |w| {
            w.proposal.totals.remove(5);
        }),
        (None, "credit: the lines add up to 0.00 USD, and finance says 5.00 USD", |w| {
            w.proposal.totals.push(total(Kind::Credit, Money::new(500, Currency::USD)));
        }),
    ];
    for (line, what, change) in cases {
        let mut w = World::proposed(change);
        let differences = w.differences();
        assert_eq!((w.state().as_str(), differences.len()), ("Differs", 1), "{what}: {differences:?}");
        assert_eq!(differences[0].line, line);
        assert!(differences[0].what.contains(what), "{differences:?}: {what}");
        w.approve();
        assert_eq!((w.heard_refused(), w.accounts.len(), w.told.len()), (1, 0, 0), "{what}");
    }
}

#[test]
fn e3_all_that_differs_is_named_at_once_and_a_corrected_list_takes_its_place() {
    let mut w = World::proposed(|w| {
        w.invoices[0].balance = eur(1);
        w.sales.clear();
        w.proposal.totals[7].amount = eur(99);
    });
    let lines: Vec<_> = w.differences().iter().map(|difference| difference.line).collect();
    assert_eq!(lines, [Some(2), Some(5), Some(6), Some(7), None]);
    w.has_recorded_history("differs");
    let right = World::new();
    (w.invoices, w.sales, w.proposal) = (right.invoices, right.sales, right.proposal);
    w.propose();
    w.approve();
    assert_eq!((w.state().as_str(), w.balance(1110)), ("Open", 4_900));
}

#[test]
fn p3_what_is_withdrawn_or_not_agreed_to_in_time_posts_nothing_and_can_be_proposed_again() {
    let mut w = World::proposed(|_| {});
    w.tell(Command::Withdraw { reason: "not yet".to_owned(), by: "token:bob".to_owned() });
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Withdrawn", Some(End::GivenUp)));
    w.has_recorded_history("withdrawn");
    w.propose();
    w.pass(TimeDelta::days(8));
    assert_eq!((w.state().as_str(), w.accounts.len()), ("Withdrawn", 0));
    w.propose();
    w.approve();
    assert_eq!(w.state(), "Open");
}
