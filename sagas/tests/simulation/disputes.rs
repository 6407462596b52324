//! Disputes: banks that take payments back, decide, or are given nothing in time; what Braintree's book shows of it and tells;
//! finance that hands evidence in, gives up, or forgets to reply, and says in the end what becomes of the subscription.

use crate::braintree::{Braintree, Sale, not_found, rejected};
use crate::dice::Dice;
use crate::engine::Item;
use crate::people::{Deed, ORGANIZATION, installation, item};
use crate::tables::{Sealed, eur, sum_of};
use crate::world::{Event, World, began};
use chrono::{Days, TimeDelta};
use sagas::dispute::{Command, Dispute, Fate, Of, Piece, Sale as Disputed};
use sagas::kernel::answer::{Answer, Dispute as Case, DisputeStatus as Status, Evidence, TransactionStatus};
use sagas::kernel::effect::{Braintree as Call, DocumentForm, EvidencePiece};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What banks and finance do about a payment.
#[derive(Debug, Clone)]
pub(crate) enum BankDeed {
    /// A customer's bank takes a payment back, or asks about it.
    Opens,
    /// It decides, or the time to reply is over.
    Decides { dispute: String },
    /// Somebody of finance looks at it.
    Replies { saga: SagaId, looks: u32 },
}

/// Finance looks so often.
const LOOKS: u32 = 12;
/// Asks about a payment; no money moves.
const RETRIEVAL: &str = "retrieval";

pub(crate) struct Bank {
    /// Its choices are its own, so that the other stories stay the same.
    dice: Dice,
    /// Disputes to which a person has ordered a reply.
    ordered: BTreeSet<SagaId>,
    sealed: u128,
}

impl Bank {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed, 43), ordered: BTreeSet::new(), sealed: 0 }
    }
}

fn done(answer: Answer) -> Outcome {
    Outcome::Done { answer }
}

fn shows(case: &Case) -> Outcome {
    done(Answer::Dispute(Box::new(case.clone())))
}

const fn replied(status: &Status) -> bool {
    matches!(status, Status::Disputed | Status::UnderReview | Status::Won | Status::Lost)
}

impl Braintree {
    fn case(&self, id: &str) -> Option<&Case> {
        self.disputes.iter().find(|case| case.id == id)
    }

    pub(crate) fn on_dispute(&mut self, call: &Call) -> Outcome {
        let id = match call {
            Call::UploadDocument { .. } => {
                self.documents += 1;
                return done(Answer::Document { document: format!("doc{}", self.documents) });
            }
            Call::ReadDispute { dispute }
            | Call::AcceptDispute { dispute }
            | Call::AddEvidence { dispute, .. }
            | Call::FinalizeDispute { dispute } => dispute,
            other => panic!("no flow of this world asks for {other:?}"),
        };
        let Some(case) = self.disputes.iter_mut().find(|case| case.id == *id) else { return not_found() };
        let open = case.status == Status::Open;
        match call {
            Call::AcceptDispute { .. } if open => case.status = Status::Accepted,
            Call::FinalizeDispute { .. } if open => case.status = Status::Disputed,
            Call::AddEvidence { piece, .. } if open => case.evidence.push(Evidence {
                id: format!("{id}-ev{}", case.evidence.len() + 1),
                is_file: matches!(piece, EvidencePiece::File { .. }),
                category: None,
                sent_on: None,
            }),
            Call::ReadDispute { .. } => {}
            // The connector reads it after a no: what is so already is done.
            Call::AcceptDispute { .. } if case.status == Status::Accepted => {}
            Call::FinalizeDispute { .. } if replied(&case.status) => {}
            _ => return rejected(RejectionKind::State, "95701"),
        }
        shows(case)
    }

    pub(crate) fn look_dispute(&self, call: &Call) -> Look {
        let absent = Look::Absent { watermark: true, key_proven: false };
        let found = |outcome| Look::Found { outcome: Box::new(outcome), extra: Vec::new() };
        let (Call::AcceptDispute { dispute } | Call::AddEvidence { dispute, .. } | Call::FinalizeDispute { dispute }) =
            call
        else {
            return absent;
        };
        let Some(case) = self.case(dispute) else { return found(not_found()) };
        let is_so = match call {
            Call::AcceptDispute { .. } => case.status == Status::Accepted,
            Call::FinalizeDispute { .. } => replied(&case.status),
            Call::AddEvidence { piece, besides, .. } => {
                let is_file = matches!(piece, EvidencePiece::File { .. });
                case.evidence.iter().any(|known| known.is_file == is_file && !besides.contains(&known.id))
            }
            _ => false,
        };
        match (is_so, &case.status) {
            (true, _) => found(shows(case)),
            (false, Status::Open) => absent,
            (false, _) => found(rejected(RejectionKind::State, "95701")),
        }
    }

    /// What banks hold of a sale, and what they have kept for good, in minor units.
    fn disputed(&self, sale: &str) -> (i64, i64) {
        let of_it = self.disputes.iter().filter(|case| case.transaction.as_deref() == Some(sale));
        of_it.filter(|case| case.kind != RETRIEVAL).fold((0, 0), |(held, kept), case| match case.status {
            Status::Open | Status::Disputed | Status::UnderReview => (held + case.disputed.minor, kept),
            Status::Won => (held, kept + case.disputed.minor - case.won.map_or(case.disputed.minor, |won| won.minor)),
            _ => (held, kept + case.disputed.minor),
        })
    }
}

fn of(dispute: &str) -> Of {
    Of { organization: ORGANIZATION.to_owned(), installation: installation(), dispute: dispute.to_owned() }
}

impl World {
    /// A bank takes a payment back now and then, and more often where this run seeks what follows from it.
    pub(crate) fn some_disputes(&mut self) {
        let sought = self.mishaps.seeks(Dispute::NAME, &[""]);
        if !sought && !self.bank.dice.chance(60) {
            return;
        }
        let minutes = (self.healed_at - began()).num_minutes() * 5 / 4;
        for _ in 0..if sought { 10 } else { 3 } {
            let at = began() + TimeDelta::minutes(self.bank.dice.between(minutes / 8, minutes));
            self.clock.at(at, Event::Deed(Deed::Bank(BankDeed::Opens)));
        }
    }

    pub(crate) fn bank_deed(&mut self, deed: BankDeed) {
        match deed {
            BankDeed::Opens => self.opens_dispute(),
            BankDeed::Decides { dispute } => self.decides_dispute(&dispute),
            BankDeed::Replies { saga, looks } => self.replies_to_dispute(saga, looks),
        }
    }

    fn opens_dispute(&mut self) {
        let now = self.clock.now();
        let fits = |sale: &&Sale| {
            let (held, kept) = self.braintree.disputed(&sale.id);
            sale.status == TransactionStatus::Settled && held + kept + self.braintree.refunded(&sale.id) == 0
        };
        let all: Vec<_> = self.braintree.sales.iter().filter(fits).cloned().collect();
        if all.is_empty() {
            return;
        }
        let sought = self.mishaps.seeks(Dispute::NAME, &[""]);
        let dice = &mut self.bank.dice;
        let sale = dice.of(&all);
        let amount = if dice.chance(200) { sale.amount.minor / 2 } else { sale.amount.minor };
        let case = Case {
            id: format!("dp{}", self.braintree.disputes.len() + 1),
            status: Status::Open,
            kind: dice.of(&["chargeback", "chargeback", "chargeback", "pre_arbitration", RETRIEVAL]).to_owned(),
            reason: "fraud".to_owned(),
            reason_code: None,
            case_number: None,
            disputed: eur(amount),
            won: None,
            transaction: Some(sale.id.clone()),
            order_id: Some(sale.order_id.clone()),
            original: None,
            program: dice.chance(80).then(|| "visa_rdr".to_owned()),
            received_on: Some(now.date_naive()),
            reply_by: now.date_naive().checked_add_days(Days::new(dice.below(9) + 1)),
            evidence: Vec::new(),
        };
        // Some are decided long before the last day, whatever anybody does.
        let hours = if dice.chance(if sought { 700 } else { 300 }) { dice.between(1, 30) } else { 24 * 11 };
        self.clock.after(TimeDelta::hours(hours), decides(&case.id));
        let saga = Dispute::id(&case.id);
        let company = sale.customer.trim_start_matches("c-of-").to_owned();
        // What is held for it is people's business.
        self.touched.insert(company.clone());
        self.laws.belongs.insert(saga, company);
        let id = case.id.clone();
        self.braintree.disputes.push(case);
        self.tells_of_dispute(&id, "braintree.dispute_opened");
        let wait = TimeDelta::minutes(self.bank.dice.between(10, if sought { 600 } else { 6_000 }));
        self.clock.after(wait, Event::Deed(Deed::Bank(BankDeed::Replies { saga, looks: 0 })));
    }

    /// Braintree's message, and the daily search.
    fn tells_of_dispute(&mut self, id: &str, source: &str) {
        let Some(case) = self.braintree.case(id).cloned() else { return };
        let saga = Dispute::id(id);
        let transaction = case.transaction.unwrap_or_default();
        let invoice = self.braintree.sale(&transaction).cloned().and_then(|sale| self.invoice_for(&sale));
        let sale = invoice.map(|invoice| {
            let stream = SagaId::of_invoice(ORGANIZATION, &invoice);
            Disputed { transaction, invoice, stream }
        });
        let noticed = |source: &str| {
            let (of, sale, source) = (of(id), sale.clone(), source.to_owned());
            item::<Dispute>(
                "braintree.dispute",
                &Command::Noticed { of, sale, seen: Some(case.status.clone()), source },
            )
        };
        let poll = TimeDelta::minutes(self.bank.dice.between(300, 1_440));
        self.message(saga, &noticed(source), poll, Some(noticed("poll")));
    }

    /// The bank's word, or the end of the time to reply.
    fn decides_dispute(&mut self, id: &str) {
        let dice = &mut self.bank.dice;
        let Some(case) = self.braintree.disputes.iter_mut().find(|case| case.id == id) else { return };
        case.status = match case.status {
            Status::Open if case.program.is_some() => Status::AutoAccepted,
            Status::Open => dice.of(&[Status::Expired, Status::Expired, Status::Lost, Status::Won]),
            Status::Disputed if dice.chance(200) => Status::UnderReview,
            Status::Disputed | Status::UnderReview => dice.of(&[Status::Won, Status::Won, Status::Lost]),
            _ => return,
        };
        if case.status == Status::Won && case.kind != RETRIEVAL {
            let part = dice.chance(200);
            case.won = Some(if part { eur(case.disputed.minor / 2) } else { case.disputed });
        }
        let (undecided, word) = match case.status {
            Status::UnderReview => (true, "braintree.dispute_under_review"),
            Status::Won => (false, "braintree.dispute_won"),
            Status::Expired => (false, "braintree.dispute_expired"),
            _ => (false, "braintree.dispute_lost"),
        };
        if undecided {
            let hours = dice.between(1, 72);
            self.clock.after(TimeDelta::hours(hours), decides(id));
        }
        self.tells_of_dispute(id, word);
    }

    /// Somebody of finance hands evidence in, gives up, or thinks it over.
    fn replies_to_dispute(&mut self, saga: SagaId, looks: u32) {
        let gives_up = self.bank.dice.chance(300);
        let command = match self.bank.dice.below(10) {
            0..=2 => None,
            _ if gives_up => Some(Command::Accept { by: "token:ada".to_owned(), reason: "our fault".to_owned() }),
            _ => Some(Command::Submit {
                pieces: self.some_evidence(),
                by: "token:ada".to_owned(),
                reason: "we delivered".to_owned(),
            }),
        };
        if let Some(command) = command {
            self.bank.ordered.insert(saga);
            let order = item::<Dispute>("operator.dispute", &command);
            self.clock.after(TimeDelta::milliseconds(5), Event::Comes(saga, Box::new(order)));
        }
        let goes_on = self.sagas.get(&saga).is_none_or(|slot| slot.live.flow().ended.is_none());
        if goes_on && looks < LOOKS {
            let hours = self.bank.dice.between(1, 30);
            let again = BankDeed::Replies { saga, looks: looks + 1 };
            self.clock.after(TimeDelta::hours(hours), Event::Deed(Deed::Bank(again)));
        }
    }

    fn some_evidence(&mut self) -> Vec<Piece> {
        let now = self.clock.now();
        let mut sealed = || {
            self.bank.sealed += 1;
            let input = Uuid::from_u128(0xd15b_0000 + self.bank.sealed);
            self.tables.inputs.insert(input, Sealed { card: "evidence".to_owned(), at: now, erased: false });
            input
        };
        let text = Piece::Text { input: sealed(), category: None };
        let document = Piece::Document { input: sealed(), form: DocumentForm::Pdf, category: None };
        self.bank.dice.of(&[vec![text.clone()], vec![document.clone()], vec![text, document]])
    }

    /// What a person says of a dispute that asks; none: it is resumed.
    pub(crate) fn closes_dispute(&mut self, code: ParkCode) -> Option<Item> {
        if code != ParkCode::MoneyDecision {
            return None;
        }
        let fate = self.bank.dice.of(&[Fate::Keep, Fate::Keep, Fate::Cancel]);
        let (by, reason) = ("token:bob".to_owned(), "seen".to_owned());
        Some(item::<Dispute>("operator.close", &Command::Close { subscription: Some(fate), by, reason }))
    }

    /// A give-back reaches Braintree for what a bank has taken back before.
    pub(crate) fn loses_twice(&mut self, call: &Call) {
        let Call::Refund { transaction, .. } = call else { return };
        let (held, kept) = self.braintree.disputed(transaction);
        if held + kept > 0 {
            self.tables.lost_twice.insert(transaction.clone());
        }
    }

    /// A reply goes out by a person's order alone, and nothing goes back of what the bank holds already.
    pub(crate) fn dispute_breaks(&self, saga: SagaId, call: &Call) -> Option<String> {
        match call {
            Call::AcceptDispute { dispute } | Call::FinalizeDispute { dispute } => {
                let ordered = self.bank.ordered.contains(&saga);
                (!ordered).then(|| format!("{dispute} is replied to, and nobody has ordered it"))
            }
            Call::Refund { transaction, .. } => {
                let held = sum_of(&self.tables.by_transaction, transaction, 1130);
                (held > 0).then(|| format!("{transaction} is given back, and the bank holds {held} of it"))
            }
            _ => None,
        }
    }

    /// What banks hold and have kept is what the ledger says.
    pub(crate) fn disputes_differ(&self) -> Option<String> {
        self.braintree.disputes.iter().find_map(|case| {
            let saga = Dispute::id(&case.id);
            let Some(slot) = self.sagas.get(&saga) else { return Some(format!("nobody knows of dispute {}", case.id)) };
            let transaction = case.transaction.as_deref()?;
            let known = sum_of(&self.tables.by_transaction, transaction, 1110)
                + sum_of(&self.tables.by_transaction, transaction, 1120)
                + sum_of(&self.tables.by_transaction, transaction, 1130)
                + sum_of(&self.tables.by_transaction, transaction, 5210);
            if slot.live.flow().parked.is_some() || known == 0 {
                return None;
            }
            let booked = [1130, 5210].map(|account| sum_of(&self.tables.by_transaction, transaction, account));
            let (held, kept) = self.braintree.disputed(transaction);
            let state = slot.live.summary().state;
            (booked != [held, kept]).then(|| {
                format!(
                    "dispute {} is {state}, {booked:?} is booked as held and lost, the bank has {held} and {kept}",
                    case.id
                )
            })
        })
    }
}

fn decides(dispute: &str) -> Event {
    Event::Deed(Deed::Bank(BankDeed::Decides { dispute: dispute.to_owned() }))
}
