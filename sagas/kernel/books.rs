//! Sums of the ledger and what they may be: the one place that says which sum never goes below zero and which is zero in
//! the end. The walks and the simulation hand in what they post, the service hands in the rows of a live database; both
//! are judged here. Reads nothing by itself.

use super::invariant::{Broken, Invariant};
use super::payout::Position;
use super::posting::{Journal, Rule, Side, account};
use super::saga::End;
use std::collections::BTreeMap;

/// What the journals of one subject (a transaction, an invoice, a customer, a saga) add up to in one currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// Debits less credits, in minor units.
    lines: BTreeMap<(Rule, u16), i64>,
    journals: BTreeMap<Rule, i64>,
    /// By the rule that is reversed and its lines (account, debits less credits): originals less reversals.
    standing: BTreeMap<(Rule, Vec<(u16, i64)>), i64>,
}

/// Debits less credits of a line, in minor units.
pub const fn signed(side: Side, minor: i64) -> i64 {
    match side {
        Side::Debit => minor,
        Side::Credit => -minor,
    }
}

/// A journal's lines as (account, debits less credits).
pub fn lines_of(journal: &Journal) -> Vec<(u16, i64)> {
    journal.lines.iter().map(|line| (line.account, signed(line.side, line.amount.minor))).collect()
}

/// A journal by itself.
///
/// # Errors
/// It has fewer than two lines, an empty one, or its sides differ.
pub fn journal(lines: &[(u16, i64)]) -> Result<(), Broken> {
    let off: i64 = lines.iter().map(|(_, minor)| minor).sum();
    let what = if lines.len() < 2 {
        format!("it has {} line(s), and two are the least", lines.len())
    } else if lines.iter().any(|(_, minor)| *minor == 0) {
        "it has a line of nothing".to_owned()
    } else if off != 0 {
        format!("its debits and credits differ by {off}")
    } else {
        return Ok(());
    };
    Err(Broken::new(Invariant::I01, what))
}

impl Sums {
    /// Adds a journal.
    pub fn post(&mut self, rule: Rule, lines: &[(u16, i64)]) {
        *self.journals.entry(rule).or_default() += 1;
        for (account, minor) in lines {
            *self.lines.entry((rule, *account)).or_default() += minor;
        }
        let (original, sign) = match rule.reverses() {
            Some(original) => (original, -1),
            None if rule.is_reversible() => (rule, 1),
            None => return,
        };
        let mut lines: Vec<_> = lines.iter().map(|(account, minor)| (*account, minor * sign)).collect();
        lines.sort_unstable();
        *self.standing.entry((original, lines)).or_default() += sign;
    }

    /// Debits less credits of an account.
    pub fn account(&self, account: u16) -> i64 {
        self.lines.iter().filter(|((_, of), _)| *of == account).map(|(_, minor)| minor).sum()
    }

    /// Debits less credits of every account that was moved.
    pub fn accounts(&self) -> BTreeMap<u16, i64> {
        let mut accounts = BTreeMap::new();
        for ((_, account), minor) in &self.lines {
            *accounts.entry(*account).or_default() += minor;
        }
        accounts
    }

    /// Debits less credits of an account by these rules.
    fn by(&self, rules: &[Rule], account: u16) -> i64 {
        rules.iter().filter_map(|rule| self.lines.get(&(*rule, account))).sum()
    }

    fn times(&self, rule: Rule) -> i64 {
        self.journals.get(&rule).copied().unwrap_or_default()
    }

    /// Captured for it and neither applied, reversed nor given back: what stands in 2100, in minor units.
    pub fn unapplied(&self) -> i64 {
        -self.account(account::UNAPPLIED_CASH)
    }

    /// Applied to receivables less taken off again, in minor units.
    pub fn applied(&self) -> i64 {
        -self.by(&[Rule::Apply, Rule::Unapply], account::RECEIVABLES)
    }
}

/// What must hold of one Braintree transaction.
pub fn of_transaction(sums: &Sums) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut breaks = |invariant, what| broken.push(Broken::new(invariant, what));
    let captures = sums.times(Rule::Capture);
    let is_sale = SALE.iter().any(|rule| sums.times(*rule) != 0);
    if is_sale && captures != 1 {
        breaks(Invariant::I10, format!("it has {captures} CAPTURE journals, and money of it was moved"));
    }
    let captured = -sums.by(&[Rule::Capture, Rule::CaptureReversed], account::UNAPPLIED_CASH);
    let (applied, unapplied) = (sums.applied(), sums.unapplied());
    let moved = sums.by(&[Rule::Capture, Rule::CaptureReversed, Rule::Apply, Rule::Unapply], account::UNAPPLIED_CASH);
    let given_back = sums.account(account::UNAPPLIED_CASH) - moved;
    if captured != applied + unapplied + given_back {
        let parts = format!("{applied} applied, {unapplied} unapplied and {given_back} given back");
        breaks(Invariant::I11, format!("{captured} captured and not reversed, and {parts}"));
    } else if applied < 0 || unapplied < 0 {
        breaks(Invariant::I11, format!("{captured} captured, {applied} applied, {unapplied} unapplied"));
    }
    // A give-back takes a part of an application off; what is taken off too much is negative above.
    let recorded = sums.times(Rule::Apply) - sums.times(Rule::Unapply);
    if recorded > 1 {
        breaks(Invariant::I12, format!("{recorded} applications of it stand, and one is the most"));
    }
    let gross = sums.by(&[Rule::Capture], account::PROCESSOR_SUBMITTED);
    if is_sale {
        broken.extend(of_place(sums, gross));
    }
    broken.extend(of_payouts(sums));
    broken.extend(of_give_backs(sums, gross));
    broken.extend(of_reversals(sums, &[Rule::Capture, Rule::Settle, Rule::Auth]));
    broken.extend(of_reversals(sums, &GIVE_BACKS));
    broken
}

/// Where the money of a sale over `gross` stands: in one place at the processor, or on its way to the bank.
fn of_place(sums: &Sums, gross: i64) -> Option<Broken> {
    let submitted = sums.by(&SALE, account::PROCESSOR_SUBMITTED);
    let settled = sums.by(&SALE, account::PROCESSOR_SETTLED) + sums.by(&PAID_OUT, account::PROCESSOR_SETTLED);
    let held = sums.by(&PAID_OUT, account::FUNDS_HELD);
    let in_transit = sums.by(&PAID_OUT, account::IN_TRANSIT);
    // Declined late: what is taken off again is netted in a later payout.
    let places = [
        (0, 0, 0, 0),
        (gross, 0, 0, 0),
        (0, gross, 0, 0),
        (0, 0, gross, 0),
        (0, 0, 0, gross),
        (0, -gross, 0, 0),
        (0, -gross, gross, 0),
        (0, -gross, 0, gross),
    ];
    (!places.contains(&(submitted, settled, held, in_transit))).then(|| {
        let what = format!(
            "{submitted} is submitted (1110), {settled} settled (1120), {held} held (1140) and {in_transit} paid out (1020), \
             and {gross} was captured"
        );
        Broken::new(Invariant::I20, what)
    })
}

/// What of a transaction was paid out: once, and of its refunds no more than settled.
fn of_payouts(sums: &Sums) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (forth, back) in [(Rule::Disburse, Rule::DisbursementReturned), (Rule::FundsHeld, Rule::FundsReleased)] {
        let standing = sums.times(forth) - sums.times(back);
        if !(0..=1).contains(&standing) {
            let what = format!("{} of it stands {standing} times, and once is the most", forth.as_str());
            broken.push(Broken::new(Invariant::I20, what));
        }
    }
    let netted = sums.by(&[Rule::RefundDisbursed, Rule::RefundReturned], account::PROCESSOR_SETTLED);
    let settled = -sums.by(&[Rule::RefundSettled], account::PROCESSOR_SETTLED);
    if netted < 0 || netted > settled {
        let what = format!("{netted} of its refunds is netted in payouts, and {settled} was settled");
        broken.push(Broken::new(Invariant::I20, what));
    }
    broken
}

/// The rules that settle a transaction, refunds and disputes of it apart.
pub const SETTLING: [Rule; 5] =
    [Rule::Settle, Rule::SettleReversed, Rule::OpeningSettled, Rule::OrphanIn, Rule::OrphanOut];
/// The rules that take its money out of 1120 to the bank, keep it back, and return it.
pub const PAID_OUT: [Rule; 4] = [Rule::Disburse, Rule::DisbursementReturned, Rule::FundsHeld, Rule::FundsReleased];
/// The rules that settle its refunds and net them in payouts.
pub const REFUNDING: [Rule; 4] =
    [Rule::RefundSettled, Rule::RefundSettledReversed, Rule::RefundDisbursed, Rule::RefundReturned];

/// Where the money of a transaction stands, as a payout asks it of the ledger.
pub fn position(transaction: &str, sums: &Sums) -> Position {
    Position {
        transaction: transaction.to_owned(),
        is_known: true,
        settled: sums.by(&SETTLING, account::PROCESSOR_SETTLED) + sums.by(&PAID_OUT, account::PROCESSOR_SETTLED),
        refunds: -sums.by(&REFUNDING, account::PROCESSOR_SETTLED),
        held: sums.by(&PAID_OUT, account::FUNDS_HELD),
        in_transit: sums.by(&PAID_OUT, account::IN_TRANSIT),
        ..Position::default()
    }
}

/// Journals of a give-back that another one takes back.
const GIVE_BACKS: [Rule; 5] =
    [Rule::CreditNote, Rule::RefundFromCredit, Rule::RefundFromUnapplied, Rule::RefundSent, Rule::RefundSettled];

/// What was given back of a sale over `gross`, in minor units.
fn of_give_backs(sums: &Sums, gross: i64) -> Vec<Broken> {
    let mut broken = Vec::new();
    let sent = sums.by(&[Rule::RefundSent, Rule::RefundReversed], account::REFUNDS_PAYABLE);
    let outside = sums.by(&[Rule::RefundPaidOutside], account::REFUNDS_PAYABLE);
    let lost = sums.by(&[Rule::DisputeLost], account::CHARGEBACK_LOSS);
    if sent < 0 || sent + outside + lost > gross {
        let what = format!("{sent} is refunded, {outside} paid back outside and {lost} lost, of {gross} captured");
        broken.push(Broken::new(Invariant::I24, what));
    }
    let voided = sums.by(&[Rule::CaptureReversed], account::UNAPPLIED_CASH);
    if voided > 0 && sent > 0 {
        let what = format!("{voided} is reversed and {sent} refunded, of {gross} captured");
        broken.push(Broken::new(Invariant::I25, what));
    }
    let settled = -sums.by(&[Rule::RefundSettled, Rule::RefundSettledReversed], account::PROCESSOR_SETTLED);
    if settled < 0 || settled > sent {
        let what = format!("{settled} of its refunds is settled (1120), and {sent} was sent");
        broken.push(Broken::new(Invariant::I20, what));
    }
    let disputed = sums.account(account::DISPUTE_HELD);
    if disputed < 0 {
        let what = format!("{disputed} of it is held for disputes (1130): more came back or was lost than was held");
        broken.push(Broken::new(Invariant::I23, what));
    }
    let payable = -sums.account(account::REFUNDS_PAYABLE);
    if payable < 0 {
        broken.push(Broken::new(Invariant::I14, format!("refunds payable (2120) of it stand at {payable}")));
    }
    broken
}

/// The rules that move a sale's money to, at and from the processor.
const SALE: [Rule; 6] =
    [Rule::Capture, Rule::Apply, Rule::Unapply, Rule::CaptureReversed, Rule::Settle, Rule::SettleReversed];

/// What must hold of one Zoho invoice after an append. `on_hold`: its collection is.
pub fn of_invoice(sums: &Sums, on_hold: bool) -> Vec<Broken> {
    let mut broken = Vec::new();
    let issued = [Rule::OpeningReceivable, Rule::InvoiceIssued, Rule::InvoiceIssuedReversed, Rule::InvoiceVoided];
    let total = sums.by(&issued, account::RECEIVABLES);
    let credits = -sums.by(&[Rule::CreditApplied], account::RECEIVABLES);
    let applied = sums.applied();
    if applied > total - credits && applied > 0 {
        let what = format!("{applied} is applied, of a total of {total} less {credits} of credits");
        broken.push(Broken::new(Invariant::I13, what));
    }
    // What was given back of what is not applied, or not any more, is captured no longer.
    let taken = [Rule::Capture, Rule::CaptureReversed, Rule::RefundFromUnapplied, Rule::RefundFromUnappliedReversed];
    let captured = -sums.by(&taken, account::UNAPPLIED_CASH);
    if captured > total.max(0) && !on_hold {
        let what = format!("{captured} is captured for a total of {total}, and it is not on hold");
        broken.push(Broken::new(Invariant::I17, what));
    }
    // An authorisation is older than its invoice: what is of a transaction is judged there.
    // What is reversed of an invoice of the opening position was booked before there were books.
    if sums.times(Rule::OpeningReceivable) == 0 {
        broken.extend(of_reversals(sums, &[Rule::InvoiceIssued, Rule::ExternalPayment]));
    }
    broken
}

/// What must hold of one customer after every append.
pub fn of_customer(sums: &Sums) -> Vec<Broken> {
    let never_negative = [(account::UNAPPLIED_CASH, "unapplied cash"), (account::REFUNDS_PAYABLE, "refunds payable")];
    let below = never_negative.into_iter().map(|(account, name)| (account, name, -sums.account(account)));
    below
        .filter(|(.., credit)| *credit < 0)
        .map(|(account, name, credit)| {
            Broken::new(Invariant::I14, format!("{name} ({account}) stands at {credit}, and is never below 0"))
        })
        .collect()
}

/// What must hold of a saga that has ended.
pub fn of_ended_saga(sums: &Sums, end: End) -> Vec<Broken> {
    let mut broken = Vec::new();
    let held = sums.account(account::AUTHORISATIONS);
    if held != 0 {
        broken.push(Broken::new(Invariant::I27, format!("it ended, and {held} is still authorised (9100)")));
    }
    // What was held when the books were opened is released by the dispute's own saga.
    let disputed = sums.account(account::DISPUTE_HELD) - sums.by(&[Rule::OpeningDisputed], account::DISPUTE_HELD);
    if disputed != 0 {
        broken.push(Broken::new(Invariant::I23, format!("it ended, and {disputed} is still held for it (1130)")));
    }
    let moved: Vec<_> = sums.accounts().into_iter().filter(|(_, minor)| *minor != 0).collect();
    if end == End::Compensated && !moved.is_empty() {
        broken.push(Broken::new(Invariant::I32, format!("it was undone, and money has moved: {moved:?}")));
    }
    broken
}

/// No reversal of these rules without an original of the same lines, and none twice.
fn of_reversals(sums: &Sums, originals: &[Rule]) -> Vec<Broken> {
    let unmatched = sums.standing.iter().filter(|((rule, _), standing)| originals.contains(rule) && **standing < 0);
    unmatched
        .map(|((rule, lines), standing)| {
            let what = format!("{} of {lines:?} is reversed {} time(s) too often", rule.as_str(), -standing);
            Broken::new(Invariant::I06, what)
        })
        .collect()
}

/// An invoice is about to be charged, or was: `unapplied` of it stood in 2100 before.
///
/// # Errors
/// Captured money of it waited to be applied.
pub fn before_a_charge(unapplied: i64) -> Result<(), Broken> {
    if unapplied == 0 {
        return Ok(());
    }
    Err(Broken::new(Invariant::I37, format!("it was charged while {unapplied} captured for it was not applied")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(journals: &[(Rule, &[(u16, i64)])]) -> Sums {
        let mut sums = Sums::default();
        for (rule, lines) in journals {
            sums.post(*rule, lines);
        }
        sums
    }

    fn numbers(broken: &[Broken]) -> Vec<&'static str> {
        broken.iter().map(|one| one.invariant.number()).collect()
    }

    const CAPTURE: (Rule, &[(u16, i64)]) = (Rule::Capture, &[(1110, 1_000), (2100, -1_000)]);
    const APPLY: (Rule, &[(u16, i64)]) = (Rule::Apply, &[(2100, 1_000), (1200, -1_000)]);
    const SETTLE: (Rule, &[(u16, i64)]) = (Rule::Settle, &[(1120, 1_000), (1110, -1_000)]);
    const REVERSED: (Rule, &[(u16, i64)]) = (Rule::CaptureReversed, &[(2100, 1_000), (1110, -1_000)]);
    const ISSUED: (Rule, &[(u16, i64)]) = (Rule::InvoiceIssued, &[(1200, 1_000), (4000, -1_000)]);

    #[test]
    fn a_payment_that_is_captured_applied_and_settled_breaks_nothing() {
        for upto in 1..=3 {
            let paid = sums(&[CAPTURE, APPLY, SETTLE][..upto]);
            assert_eq!(of_transaction(&paid), [], "after {upto} journals");
            assert_eq!(of_customer(&paid), []);
        }
        assert_eq!(of_transaction(&sums(&[CAPTURE, REVERSED])), []);
        assert_eq!(of_invoice(&sums(&[ISSUED, CAPTURE, APPLY]), false), []);
    }

    #[test]
    fn a_transaction_that_is_captured_twice_applied_twice_or_in_two_places_is_named() {
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, CAPTURE]))), ["I10"]);
        assert_eq!(numbers(&of_transaction(&sums(&[APPLY]))), ["I10", "I11"]);
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, APPLY, APPLY]))), ["I11", "I12"]);
        let half: (Rule, &[(u16, i64)]) = (Rule::Settle, &[(1120, 400), (1110, -400)]);
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, half]))), ["I20"]);
    }

    const DISBURSED: (Rule, &[(u16, i64)]) = (Rule::Disburse, &[(1020, 1_000), (1120, -1_000)]);
    const RETURNED: (Rule, &[(u16, i64)]) = (Rule::DisbursementReturned, &[(1120, 1_000), (1020, -1_000)]);
    const HELD: (Rule, &[(u16, i64)]) = (Rule::FundsHeld, &[(1140, 1_000), (1120, -1_000)]);
    const RELEASED: (Rule, &[(u16, i64)]) = (Rule::FundsReleased, &[(1120, 1_000), (1140, -1_000)]);

    #[test]
    fn a_sale_that_is_held_released_paid_out_and_returned_stands_in_one_place() {
        let all = [CAPTURE, APPLY, SETTLE, HELD, RELEASED, DISBURSED, RETURNED, DISBURSED];
        let stands = [(1_000, 0, 0), (0, 1_000, 0), (1_000, 0, 0), (0, 0, 1_000), (1_000, 0, 0), (0, 0, 1_000)];
        for (upto, (settled, held, in_transit)) in (3..=all.len()).zip(stands) {
            let sums = sums(&all[..upto]);
            assert_eq!(of_transaction(&sums), [], "after {upto} journals");
            let at = position("t", &sums);
            assert_eq!((at.settled, at.held, at.in_transit, at.refunds), (settled, held, in_transit, 0));
        }
    }

    #[test]
    fn a_sale_that_is_paid_out_twice_or_before_it_settled_is_named() {
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, APPLY, SETTLE, DISBURSED, DISBURSED]))), ["I20", "I20"]);
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, APPLY, DISBURSED]))), ["I20"]);
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, APPLY, SETTLE, RELEASED]))), ["I20", "I20"]);
    }

    #[test]
    fn a_refund_is_netted_once_and_not_before_it_settled() {
        let settled: (Rule, &[(u16, i64)]) = (Rule::RefundSettled, &[(1110, 400), (1120, -400)]);
        let netted: (Rule, &[(u16, i64)]) = (Rule::RefundDisbursed, &[(1120, 400), (1020, -400)]);
        let refunded = [CAPTURE, APPLY, SETTLE, DISBURSED, NOTED, APPROVED, SENT, settled];
        let with = |more: &[(Rule, &'static [(u16, i64)])]| sums(&[&refunded[..], more].concat());
        assert_eq!(position("t", &with(&[])).refunds, 400);
        assert_eq!(of_transaction(&with(&[netted])), []);
        assert_eq!(position("t", &with(&[netted])).refunds, 0);
        assert_eq!(numbers(&of_transaction(&with(&[netted, netted]))), ["I20"]);
    }

    #[test]
    fn a_reversal_without_its_original_or_of_another_amount_is_named() {
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, REVERSED, REVERSED]))), ["I11", "I20", "I06"]);
        let other: (Rule, &[(u16, i64)]) = (Rule::InvoiceVoided, &[(1200, -900), (4000, 900)]);
        assert_eq!(numbers(&of_invoice(&sums(&[ISSUED, other]), false)), ["I06"]);
    }

    const APPROVED: (Rule, &[(u16, i64)]) = (Rule::RefundFromCredit, &[(2110, 400), (2120, -400)]);
    const NOTED: (Rule, &[(u16, i64)]) = (Rule::CreditNote, &[(4000, 400), (2110, -400)]);
    const SENT: (Rule, &[(u16, i64)]) = (Rule::RefundSent, &[(2120, 400), (1110, -400)]);

    #[test]
    fn a_refund_that_is_approved_sent_and_settled_breaks_nothing() {
        let settled: (Rule, &[(u16, i64)]) = (Rule::RefundSettled, &[(1110, 400), (1120, -400)]);
        let all = [CAPTURE, APPLY, SETTLE, NOTED, APPROVED, SENT, settled];
        for upto in 3..=all.len() {
            assert_eq!(of_transaction(&sums(&all[..upto])), [], "after {upto} journals");
        }
    }

    #[test]
    fn more_given_back_than_was_captured_or_voided_besides_is_named() {
        let beyond: (Rule, &[(u16, i64)]) = (Rule::RefundSent, &[(2120, 1_001), (1110, -1_001)]);
        let owed: (Rule, &[(u16, i64)]) = (Rule::RefundFromCredit, &[(2110, 1_001), (2120, -1_001)]);
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, APPLY, SETTLE, owed, beyond]))), ["I24"]);
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, NOTED, APPROVED, SENT, REVERSED]))), ["I25"]);
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, SENT]))), ["I14"]);
        let late: (Rule, &[(u16, i64)]) = (Rule::RefundSettled, &[(1110, 400), (1120, -400)]);
        assert_eq!(numbers(&of_transaction(&sums(&[CAPTURE, NOTED, APPROVED, late]))), ["I20"]);
    }

    #[test]
    fn an_invoice_of_the_opening_position_is_paid_lowered_and_voided_without_an_original_of_ours() {
        let opened: (Rule, &[(u16, i64)]) = (Rule::OpeningReceivable, &[(1200, 1_000), (3900, -1_000)]);
        assert_eq!(of_invoice(&sums(&[opened, CAPTURE, APPLY]), false), []);
        let back: (Rule, &[(u16, i64)]) = (Rule::ExternalPaymentReversed, &[(1200, 400), (1150, -400)]);
        let voided: (Rule, &[(u16, i64)]) = (Rule::InvoiceVoided, &[(1200, -1_400), (4000, 1_400)]);
        assert_eq!(of_invoice(&sums(&[opened, back, voided]), false), []);
        assert_eq!(numbers(&of_invoice(&sums(&[back, voided]), false)), ["I06", "I06"]);
        let held: (Rule, &[(u16, i64)]) = (Rule::OpeningDisputed, &[(1130, 500), (3900, -500)]);
        assert_eq!(of_ended_saga(&sums(&[held]), End::Completed), []);
    }

    #[test]
    fn an_invoice_takes_no_more_than_its_total() {
        let beyond: (Rule, &[(u16, i64)]) = (Rule::Apply, &[(2100, 1_001), (1200, -1_001)]);
        assert_eq!(numbers(&of_invoice(&sums(&[ISSUED, beyond]), false)), ["I13"]);
        assert_eq!(numbers(&of_invoice(&sums(&[ISSUED, CAPTURE, CAPTURE]), false)), ["I17"]);
        assert_eq!(of_invoice(&sums(&[ISSUED, CAPTURE, CAPTURE]), true), [], "known, and on hold");
    }

    #[test]
    fn what_was_given_back_of_an_invoice_and_charged_anew_is_not_captured_twice() {
        let undone: (Rule, &[(u16, i64)]) = (Rule::Unapply, &[(1200, 400), (2100, -400)]);
        let approved: (Rule, &[(u16, i64)]) = (Rule::RefundFromUnapplied, &[(2100, 400), (2120, -400)]);
        let anew: (Rule, &[(u16, i64)]) = (Rule::Capture, &[(1110, 400), (2100, -400)]);
        assert_eq!(of_invoice(&sums(&[ISSUED, CAPTURE, APPLY, undone, approved, anew]), false), []);
        assert_eq!(numbers(&of_invoice(&sums(&[ISSUED, CAPTURE, APPLY, undone, anew]), false)), ["I17"]);
    }

    #[test]
    fn what_ended_holds_nothing_and_what_was_undone_moved_nothing() {
        let auth: (Rule, &[(u16, i64)]) = (Rule::Auth, &[(9100, 1_000), (9190, -1_000)]);
        let released: (Rule, &[(u16, i64)]) = (Rule::AuthReleased, &[(9190, 1_000), (9100, -1_000)]);
        assert_eq!(numbers(&of_ended_saga(&sums(&[auth]), End::Completed)), ["I27"]);
        assert_eq!(of_ended_saga(&sums(&[auth, released]), End::Compensated), []);
        assert_eq!(numbers(&of_ended_saga(&sums(&[CAPTURE]), End::Compensated)), ["I32"]);
        assert_eq!(of_ended_saga(&sums(&[CAPTURE]), End::Completed), []);
    }

    #[test]
    fn a_journal_of_one_line_an_empty_line_or_two_sides_that_differ_is_named() {
        assert!(journal(&[(1200, 5), (4000, -5)]).is_ok());
        for lines in [&[(1200, 5)][..], &[(1200, 5), (4000, -5), (2200, 0)], &[(1200, 5), (4000, -4)]] {
            assert_eq!(journal(lines).unwrap_err().invariant, Invariant::I01);
        }
    }
}
