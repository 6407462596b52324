//! A small world for the flow: a captured and settled sale, a dispute of it at Braintree, the stream of its invoice that
//! answers, and the books of all of them.

use crate::dispute::{Command, Dispute, Fate, Of, Payment, Piece, Sale};
use crate::kernel::answer::{Answer, CardUses, Dispute as Shown, DisputeStatus, Evidence, Owing};
use crate::kernel::effect::{Attio, Braintree, Desk, Effect, EvidencePiece, Message, Projection, TaskNote};
use crate::kernel::flow::Open;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::outcome::{DeclineKind, Outcome};
use crate::kernel::saga::{At, Input, Saga};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples;
pub(super) use crate::kernel::tests::samples::{day, eur, instant, rejected, unknown};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// What the sale took, and what is disputed.
pub(super) const TOTAL: i64 = 10_000;

pub(super) struct World {
    bench: Bench<Dispute>,
    pub(super) dispute: Shown,
    /// The payment is known here.
    pub(super) sale: Option<Sale>,
    /// What the stream says, unless it says nothing.
    pub(super) payment: Option<Payment>,
    /// Invoices of the customer that are held.
    pub(super) held: Vec<SagaId>,
    pub(super) uploads: u32,
    pub(super) shown: Vec<Projection>,
    pub(super) tasks: Vec<TaskNote>,
    pub(super) messages: Vec<Message>,
    pub(super) sent: Vec<EvidencePiece>,
}

stands_on_its_bench!(World, Dispute);

impl Played for World {
    type Flow = Dispute;

    fn answer(&mut self, open: &Open) -> Outcome {
        Outcome::Done { answer: self.done(&open.effect) }
    }

    fn must_hold(&self) {
        assert!(self.balance(1130) >= 0, "more came back than was held: {:?}", self.accounts);
        if self.saga.flow.ended.is_some() {
            assert!(self.claims.is_empty(), "it ended and holds {:?}", self.claims);
            assert!(self.holds.is_empty(), "it ended and {:?} stands", self.holds);
            assert_eq!(self.balance(1130), 0, "it ended, and money is held");
        }
    }
}

pub(super) fn input(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(super) fn text(n: u128) -> Piece {
    Piece::Text { input: input(n), category: None }
}

/// The last instant for a reply.
pub(super) fn deadline() -> DateTime<Utc> {
    instant("2026-11-21T00:00:00Z")
}

impl World {
    pub(super) fn new() -> Self {
        let now = instant("2026-11-02T09:00:00Z");
        let mut bench = Bench::new(Dispute::id("d1"), now);
        for (account, minor) in [(1120, TOTAL), (4000, -TOTAL)] {
            *bench.accounts.entry(account).or_default() += minor;
        }
        Self {
            bench,
            dispute: Shown {
                id: "d1".to_owned(),
                status: DisputeStatus::Open,
                kind: "chargeback".to_owned(),
                reason: "fraud".to_owned(),
                reason_code: Some("83".to_owned()),
                case_number: Some("CB1".to_owned()),
                disputed: eur(TOTAL),
                won: None,
                transaction: Some("tx1".to_owned()),
                order_id: Some("demo1.inv.77.1".to_owned()),
                original: None,
                program: None,
                received_on: Some(day("2026-11-02")),
                reply_by: Some(day("2026-11-20")),
                evidence: Vec::new(),
            },
            sale: Some(sale()),
            payment: Some(payment()),
            held: Vec::new(),
            uploads: 0,
            shown: Vec::new(),
            tasks: Vec::new(),
            messages: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Noticed, and all that follows at once was done.
    pub(super) fn opened(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::new();
        change(&mut world);
        world.notice(None);
        world
    }

    /// Braintree tells, or the search shows that status.
    pub(super) fn notice(&mut self, seen: Option<DisputeStatus>) {
        let command = Command::Noticed {
            of: Of {
                organization: "60012".to_owned(),
                installation: Installation::new("demo1").expect("valid"),
                dispute: "d1".to_owned(),
            },
            sale: self.sale.clone(),
            seen,
            source: "braintree.dispute_opened".to_owned(),
        };
        self.tell(command);
        self.hear();
    }

    /// The stream's answer comes.
    pub(super) fn hear(&mut self) {
        if self.told("payment_disputed") == 1
            && let Some(payment) = self.payment.take()
        {
            self.tell(Command::Described { payment: Box::new(payment) });
        }
    }

    /// The bank or the gateway moves it, and Braintree tells.
    pub(super) fn becomes(&mut self, status: DisputeStatus) {
        self.dispute.status = status.clone();
        self.notice(Some(status));
    }

    pub(super) fn submit(&mut self, pieces: Vec<Piece>) {
        self.tell(Command::Submit { pieces, by: "token:ada".to_owned(), reason: "we delivered".to_owned() });
    }

    pub(super) fn accept(&mut self) {
        self.tell(Command::Accept { by: "token:ada".to_owned(), reason: "it was our fault".to_owned() });
    }

    pub(super) fn close(&mut self, subscription: Option<Fate>) {
        self.tell(Command::Close { subscription, by: "token:ada".to_owned(), reason: "seen".to_owned() });
    }

    /// The code of the refusal of a command; empty where it is heard.
    pub(super) fn refusal(&self, command: &Command) -> String {
        let at = At::utc(self.now);
        match Dispute::decide(&self.saga.business, Input::Command(command), &at) {
            Ok(_) => String::new(),
            Err(refusal) => refusal.code,
        }
    }

    /// How often another flow heard that command.
    pub(super) fn told(&self, word: &str) -> usize {
        self.messages.iter().filter(|message| message.command["command"] == word).count()
    }

    pub(super) fn day(&self, day: NaiveDate) -> bool {
        self.now.date_naive() == day
    }

    fn done(&mut self, effect: &Effect) -> Answer {
        match effect {
            Effect::Braintree(Braintree::ReadDispute { .. }) => {}
            Effect::Braintree(Braintree::UploadDocument { .. }) => {
                self.uploads += 1;
                return Answer::Document { document: format!("doc{}", self.uploads) };
            }
            Effect::Braintree(Braintree::AddEvidence { piece, besides, .. }) => {
                let ids: Vec<_> = self.dispute.evidence.iter().map(|piece| piece.id.clone()).collect();
                assert_eq!(*besides, ids, "another piece is told apart by what was there before");
                self.sent.push(piece.clone());
                self.dispute.evidence.push(Evidence {
                    id: format!("ev{}", self.sent.len()),
                    is_file: matches!(piece, EvidencePiece::File { .. }),
                    category: None,
                    sent_on: None,
                });
            }
            Effect::Braintree(Braintree::FinalizeDispute { .. }) => self.dispute.status = DisputeStatus::Disputed,
            Effect::Braintree(Braintree::AcceptDispute { .. }) => self.dispute.status = DisputeStatus::Accepted,
            Effect::Desk(Desk::Claim { claims }) => {
                self.claims.extend(claims.iter().cloned());
                return Answer::Nothing;
            }
            Effect::Desk(Desk::Tell { message, .. }) => {
                self.messages.push((**message).clone());
                return Answer::Nothing;
            }
            Effect::Desk(Desk::SurveyCardUses { .. }) => {
                let owing = |saga: &SagaId| Owing { saga: *saga, number: "INV-1".to_owned(), owed: eur(100) };
                let owing = self.held.iter().map(owing).collect();
                return Answer::CardUses(Box::new(CardUses { owing, ..CardUses::default() }));
            }
            Effect::Attio(Attio::Project(projection)) => {
                self.shown.push((**projection).clone());
                return Answer::Projected { transaction_record: Some("t1".to_owned()), subscription_record: None };
            }
            Effect::Attio(Attio::AddTask(task)) => {
                self.tasks.push((**task).clone());
                return Answer::Nothing;
            }
            other => panic!("{} is no call of this flow", other.operation()),
        }
        Answer::Dispute(Box::new(self.dispute.clone()))
    }
}

pub(super) fn sale() -> Sale {
    Sale { transaction: "tx1".to_owned(), invoice: "77".to_owned(), stream: SagaId::of_invoice("60012", "77") }
}

fn payment() -> Payment {
    Payment {
        transaction: "tx1".to_owned(),
        order_id: "demo1.inv.77.1".to_owned(),
        invoice: "77".to_owned(),
        number: "INV-77".to_owned(),
        customer: Some("cust1".to_owned()),
        client: Some(samples::company()),
        subscription: Some("zs1".to_owned()),
        subscription_record: Some("record1".to_owned()),
        payment: Some("zp1".to_owned()),
        captured: eur(TOTAL),
        captured_on: day("2026-10-01"),
        given_back: 0,
        giving_back: false,
    }
}

pub(super) fn busy() -> Outcome {
    Outcome::Declined { decline: samples::decline(DeclineKind::Busy, "claimed") }
}
