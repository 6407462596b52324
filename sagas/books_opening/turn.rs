//! What follows from an input: the lines are compared one by one, then the totals, and only what ties is agreed to and
//! posted. All times are set here.

use super::BooksOpening;
use super::state::Stage;
use super::words::{Command, Difference, Event, Item, Kind, Proposal};
use crate::kernel::answer::{Answer, CustomerSurvey, Invoice, Transaction, TransactionStatus};
use crate::kernel::money::Money;
use crate::kernel::opening::{OpenedWith, PaidBefore};
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::saga::{Answered, Refusal};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// A second person has so long.
const APPROVAL: TimeDelta = TimeDelta::days(7);

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, BooksOpening>;

impl Turn<'_> {
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Propose { proposal } => self.proposed(proposal),
            Command::Approve { reason, by } => self.approved(by, reason),
            Command::Withdraw { reason, by } => {
                if !matches!(self.state.stage, Stage::Approving { .. } | Stage::Differs | Stage::Comparing) {
                    return Err(Refusal::new("nothing_proposed", "no opening position is proposed"));
                }
                let (by, reason) = (by.clone(), reason.clone());
                self.push(Event::OpeningWithdrawn { by, reason, at: self.at.now });
                Ok(())
            }
        }
    }

    fn proposed(&mut self, proposal: &Proposal) -> Result<(), Refusal> {
        if matches!(self.state.stage, Stage::Opening | Stage::Open) {
            let why = "the books are open: what is wrong is corrected by a journal of its own";
            return Err(Refusal::new("books_open", why));
        }
        if proposal.open_at > self.at.now {
            return Err(Refusal::new("in_the_future", "the books open at an instant that has been"));
        }
        if self.state.proposal.as_deref() == Some(proposal) && self.state.stage == Stage::Comparing {
            return Ok(());
        }
        self.push(Event::OpeningProposed { proposal: Box::new(proposal.clone()), at: self.at.now });
        self.conclude();
        Ok(())
    }

    fn approved(&mut self, by: &str, reason: &str) -> Result<(), Refusal> {
        if !matches!(self.state.stage, Stage::Approving { .. }) {
            return Err(Refusal::new("nothing_to_approve", "no opening position that ties waits for agreement"));
        }
        // `token:ada` and `shell:ada` are one person.
        let name = |principal: &str| principal.split_once(':').map_or(principal, |(_, name)| name).to_owned();
        if self.state.proposal.as_ref().is_some_and(|proposal| name(&proposal.by) == name(by)) {
            let why = "who proposed the opening does not agree to it: somebody else has to";
            return Err(Refusal::new("same_person", why));
        }
        self.open(by.to_owned(), reason.to_owned());
        Ok(())
    }

    fn open(&mut self, by: String, reason: String) {
        let Some(open_at) = self.state.proposal.as_ref().map(|proposal| proposal.open_at) else { return };
        let (effective, at) = (self.at.date(open_at), self.at.now);
        self.push(Event::BooksOpened { open_at, effective, by, reason, at });
        self.finish();
    }

    fn finish(&mut self) {
        if self.state.stage == Stage::Opening && self.state.next_to_tell().is_none() {
            self.push(Event::OpeningFinished { at: self.at.now });
        }
    }

    pub(super) fn due(&mut self) {
        if let Stage::Approving { until } = self.state.stage
            && until <= self.at.now
        {
            let reason = "no second person agreed in time".to_owned();
            self.push(Event::OpeningWithdrawn { by: "system".to_owned(), reason, at: self.at.now });
        }
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        if answered.step == "tell_invoice" {
            if let (Outcome::Done { .. }, Some(told)) = (answered.outcome, self.state.next_to_tell()) {
                let invoice = told.invoice.clone();
                self.push(Event::InvoiceStreamTold { invoice });
                self.finish();
            }
            return;
        }
        // Withdrawn meanwhile.
        if self.state.stage != Stage::Comparing {
            return;
        }
        let Some(item) = self.state.next_to_compare().cloned() else { return };
        match answered.outcome {
            Outcome::Done { answer: Answer::Invoice(invoice) } => self.invoice(&item, invoice),
            Outcome::Done { answer: Answer::Transaction(sale) } => self.sale(&item, sale),
            Outcome::Done { answer: Answer::CustomerSurvey(survey) } => self.credit(&item, survey),
            Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => {
                self.differs(&item, "the vendor knows nothing of that id");
            }
            // The machine parks it.
            _ => return,
        }
        self.conclude();
    }

    fn differs(&mut self, item: &Item, what: &str) {
        let what = format!("{} {}: {what}", item.kind.word(), item.id);
        self.push(Event::LineDiffers { difference: Difference { line: Some(item.line), what } });
    }

    fn invoice(&mut self, item: &Item, invoice: &Invoice) {
        let Some(open_at) = self.state.proposal.as_ref().map(|proposal| proposal.open_at) else { return };
        let on = self.at.date(open_at);
        if matches!(invoice.status.as_str(), "void" | "draft" | "pending" | "pending_approval") {
            return self.differs(item, &format!("it is `{}` in Zoho, and owes nothing", invoice.status));
        }
        if invoice.date > on {
            return self.differs(item, &format!("it is of {}, after the books open", invoice.date));
        }
        if invoice.balance != item.amount {
            return self.differs(item, &format!("the list says {}, and Zoho {}", item.amount, invoice.balance));
        }
        let paid = |payment: &crate::kernel::answer::InvoicePayment| PaidBefore {
            payment: payment.id.clone(),
            mode: payment.mode.clone(),
            amount: payment.amount,
        };
        let with = OpenedWith {
            on,
            total: invoice.total,
            tax: invoice.tax,
            balance: invoice.balance,
            credits: invoice.credits,
            written_off: invoice.written_off,
            payments: invoice.payments.iter().map(paid).collect(),
        };
        let subscription = invoice.subscription.clone();
        self.push(Event::LineTied { line: item.line, customer: None, with: Some(Box::new(with)), subscription });
    }

    fn credit(&mut self, item: &Item, survey: &CustomerSurvey) {
        match survey.customer.clone() {
            Some(customer) => self.tied(item, Some(customer)),
            None => self.differs(item, "the customer is not linked here: link them first, with the import"),
        }
    }

    fn sale(&mut self, item: &Item, sale: &Transaction) {
        use TransactionStatus as S;
        let fits = match item.kind {
            Kind::Submitted => matches!(
                sale.status,
                S::SubmittedForSettlement | S::Settling | S::SettlementPending | S::SettlementConfirmed
            ),
            Kind::Settled => sale.status == S::Settled,
            _ => !sale.status.is_reversed(),
        };
        let whole = item.kind != Kind::Unapplied;
        if !fits {
            let what = format!("Braintree shows it as {:?}, which does not stand there", sale.status);
            self.differs(item, &what);
        } else if sale.amount.currency != item.amount.currency
            || (whole && sale.amount.minor != item.amount.minor)
            || item.amount.minor > sale.amount.minor
        {
            self.differs(item, &format!("the list says {}, and Braintree {}", item.amount, sale.amount));
        } else {
            self.tied(item, None);
        }
    }

    fn tied(&mut self, item: &Item, customer: Option<String>) {
        self.push(Event::LineTied { line: item.line, customer, with: None, subscription: None });
    }

    /// All lines are compared: do they add up to what finance says?
    fn conclude(&mut self) {
        if self.state.stage != Stage::Comparing || self.state.next_to_compare().is_some() {
            return;
        }
        let Some(proposal) = self.state.proposal.clone() else { return };
        let at = self.at.now;
        let mut differences = self.state.differences.clone();
        differences.extend(untied(&proposal));
        if !differences.is_empty() {
            return self.push(Event::OpeningDiffers { differences, at });
        }
        self.push(Event::OpeningTied { until: at + APPROVAL, at });
        if proposal.alone {
            self.open(proposal.by.clone(), proposal.reason);
        }
    }
}

/// Totals that the lines do not add up to, by kind and currency.
fn untied(proposal: &Proposal) -> Vec<Difference> {
    let mut sums: BTreeMap<(Kind, &str), (Option<Money>, i128)> = BTreeMap::new();
    for total in &proposal.totals {
        sums.entry((total.kind, total.amount.currency.code())).or_default().0 = Some(total.amount);
    }
    for item in &proposal.items {
        sums.entry((item.kind, item.amount.currency.code())).or_default().1 += i128::from(item.amount.minor);
    }
    let currency = |code: &str| proposal.items.iter().map(|i| i.amount.currency).find(|c| c.code() == code);
    let untied = sums.into_iter().filter_map(|((kind, code), (said, sum))| {
        let word = kind.word();
        let what = match (said, i64::try_from(sum)) {
            (Some(said), Ok(sum)) if said.minor == sum => return None,
            (Some(said), Ok(sum)) => {
                let (sum, off) = (Money::new(sum, said.currency), Money::new(said.minor - sum, said.currency));
                format!("{word}: the lines add up to {sum}, and finance says {said}: {off} is not accounted for")
            }
            (None, Ok(sum)) => {
                let sum = currency(code).map_or_else(|| sum.to_string(), |c| Money::new(sum, c).to_string());
                format!("{word}: the lines add up to {sum}, and finance gives no total in {code}")
            }
            (_, Err(_)) => format!("{word}: the lines in {code} add up to more than an amount can be"),
        };
        Some(Difference { line: None, what })
    });
    untied.collect()
}

impl Kind {
    /// Its word in lists.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Receivable => "receivable",
            Self::Credit => "credit",
            Self::Unapplied => "unapplied",
            Self::Submitted => "submitted",
            Self::Settled => "settled",
            Self::InTransit => "in_transit",
            Self::Disputed => "disputed",
            Self::RefundOwed => "refund_owed",
        }
    }

    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Receivable,
        Self::Credit,
        Self::Unapplied,
        Self::Submitted,
        Self::Settled,
        Self::InTransit,
        Self::Disputed,
        Self::RefundOwed,
    ];
}
