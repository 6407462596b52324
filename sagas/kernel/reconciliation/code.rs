//! The findings: code, words, severity, who sees to it, and what to tell whoever does. Data only.

use super::Leg;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a finding is. Numbers that are not here are of legs that come with the finance pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Code {
    D01,
    D02,
    D03,
    D04,
    D05,
    D06,
    D07,
    D08,
    D09,
    D10,
    D11,
    D12,
    D13,
    D14,
    D15,
    D16,
    D17,
    D18,
    D20,
    D21,
    D22,
    D23,
    D24,
    D27,
    D28,
    D29,
    D30,
    D31,
    D38,
    D40,
    D43,
}

/// Who sees to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The role `finance`.
    Finance,
    /// The role `operator`.
    Operator,
}

impl Owner {
    /// The word in tables and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finance => "finance",
            Self::Operator => "operator",
        }
    }
}

/// One row of the list.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Which.
    pub code: Code,
    /// For programs.
    pub word: &'static str,
    /// For people: shown before the code.
    pub words: &'static str,
    /// Which leg finds it.
    pub leg: Leg,
    /// 1 money lost or a customer charged wrongly, 2 books wrong, 3 display wrong.
    pub severity: u8,
    /// Who sees to it.
    pub owner: Owner,
    /// Hours within which it should be seen to.
    pub target_hours: u16,
    /// What it means.
    pub means: &'static str,
    /// What is done by itself.
    pub by_itself: &'static str,
    /// What it costs to wait.
    pub waiting: &'static str,
    /// What to do.
    pub todo: &'static str,
}

use Owner::{Finance, Operator};

/// The list.
#[rustfmt::skip]
pub const ROWS: [Row; 31] = [
    Row { code: Code::D01, word: "CHARGE_UNKNOWN_TO_US", words: "Charge we did not ask for", leg: Leg::R1, severity: 1, owner: Finance, target_hours: 4,
        means: "Braintree shows an approved sale that our log knows neither as a charge nor as an open request.",
        by_itself: "Nothing: the source is named (console or another program, Braintree's own recurring billing, or an order id of ours).",
        waiting: "A customer may be charged without owing anything. The longer it waits, the likelier it becomes a dispute, and once settled it can only be refunded, not voided.",
        todo: "Ask whoever works in Braintree's console. A sale that nobody can explain is voided there before it settles, else refunded. With an order id of ours: tell the operators at once." },
    Row { code: Code::D02, word: "INTENT_WITHOUT_CHARGE", words: "Asked, no charge found", leg: Leg::R1, severity: 2, owner: Operator, target_hours: 1,
        means: "We asked for a charge, or booked one, and Braintree does not show it.",
        by_itself: "The flow itself looks the charge up until its absence is proven; nothing is closed here.",
        waiting: "The invoice is not charged again while the outcome is unknown: it stays unpaid.",
        todo: "Run `saga explain` on the invoice's saga. If it waits for a person, its park code says what to do." },
    Row { code: Code::D03, word: "CHARGE_AMOUNT_DIFFERS", words: "Charged amount differs", leg: Leg::R1, severity: 1, owner: Finance, target_hours: 4,
        means: "Our books hold another amount of the transaction than what stands at Braintree; after a void or a declined settlement nothing stands there.",
        by_itself: "Nothing.",
        waiting: "Receivables are wrong by the difference, and what follows (mails, dunning) follows our amount.",
        todo: "Compare the transaction at Braintree with the saga's timeline. A void or decline that our poll has not seen yet is booked by it; anything else goes to the operators." },
    Row { code: Code::D04, word: "CHARGE_CURRENCY_DIFFERS", words: "Charged currency differs", leg: Leg::R1, severity: 1, owner: Finance, target_hours: 4,
        means: "The sale stands in another currency than our books.",
        by_itself: "Nothing.",
        waiting: "The customer paid another sum than agreed; every further renewal repeats it.",
        todo: "Stop collection of the customer's invoices, correct the merchant accounts of the configuration, refund the difference." },
    Row { code: Code::D05, word: "CAPTURED_NOT_RECORDED", words: "Charged, not recorded in Zoho", leg: Leg::R2, severity: 1, owner: Finance, target_hours: 1,
        means: "Braintree took the money, and Zoho's invoice shows no payment with that transaction's id, or a smaller one.",
        by_itself: "The invoice's flow is told to look again: it looks for its record, and makes it if there is none. At most three times.",
        waiting: "The invoice looks unpaid in Zoho: the customer may be reminded of what they paid. They are not charged twice: the invoice is on hold.",
        todo: "After three tries: look whether the saga is parked (`saga explain`), and why Zoho refuses the record." },
    Row { code: Code::D06, word: "RECORDED_NOT_CAPTURED", words: "Recorded in Zoho, not charged", leg: Leg::R2, severity: 1, owner: Finance, target_hours: 4,
        means: "Zoho shows a payment under a Braintree transaction that took no money, or took less.",
        by_itself: "The invoice's flow is told to look again.",
        waiting: "The invoice counts as paid and is not collected: the money never comes.",
        todo: "Look the transaction up at Braintree. If it was voided or declined, delete the payment in Zoho, or let the saga do so." },
    Row { code: Code::D07, word: "DUPLICATE_CHARGE", words: "Charged twice for one invoice", leg: Leg::R2, severity: 1, owner: Finance, target_hours: 1,
        means: "Two sales stand for one invoice, together more than its total, and this one is applied to nothing.",
        by_itself: "Nothing here: giving money back is a flow of its own, with an approval.",
        waiting: "A customer paid twice. Until settlement the second can be voided without cost; afterwards a refund takes days, and a dispute costs a fee.",
        todo: "Give back the sale that is applied to nothing." },
    Row { code: Code::D08, word: "DUPLICATE_PAYMENT", words: "Paid elsewhere and by us", leg: Leg::R2, severity: 1, owner: Finance, target_hours: 4,
        means: "The invoice was paid by other means as well: our sale is applied to nothing.",
        by_itself: "Nothing here: giving money back is a flow of its own, with an approval.",
        waiting: "A customer paid twice, and it stands as unapplied cash (2100).",
        todo: "Ask the customer: give our sale back, or keep it as credit." },
    Row { code: Code::D09, word: "DUPLICATE_RECORD", words: "One charge recorded twice", leg: Leg::R2, severity: 2, owner: Finance, target_hours: 24,
        means: "Zoho shows several payments under one transaction id, together more than was charged.",
        by_itself: "Nothing.",
        waiting: "Zoho's receivables are too low, or the customer has credit that nobody paid in: it pays the next invoice.",
        todo: "Delete the payment that is not applied to the invoice, then let the saga look again." },
    Row { code: Code::D10, word: "APPLIED_TO_WRONG_INVOICE", words: "Applied to the wrong invoice", leg: Leg::R2, severity: 2, owner: Finance, target_hours: 24,
        means: "The payment is recorded on another invoice than the one that was charged.",
        by_itself: "Nothing.",
        waiting: "One invoice looks unpaid and is dunned, another looks paid and is not collected.",
        todo: "Move the payment in Zoho to the invoice that the left side names." },
    Row { code: Code::D11, word: "INVOICE_BALANCE_DIFFERS", words: "Invoice balance differs", leg: Leg::R3, severity: 2, owner: Finance, target_hours: 24,
        means: "Total or balance of an invoice are not the same in Zoho and in our ledger.",
        by_itself: "The invoice's flow reads Zoho again, and books what others changed: edits, payments, credits.",
        waiting: "The ageing list is wrong; a charge follows Zoho's balance, read anew, so nobody is overcharged.",
        todo: "If it stays after a look: somebody moved a payment of ours in Zoho. The saga's timeline says what it saw." },
    Row { code: Code::D12, word: "INVOICE_MISSING_IN_L", words: "Invoice unknown to us", leg: Leg::R3, severity: 2, owner: Operator, target_hours: 1,
        means: "Zoho has an invoice of which our log has never heard, or which it has not booked.",
        by_itself: "It is imported and mirrored. It is charged only where it belongs to a subscription that we collect.",
        waiting: "Revenue is collected late, or not at all.",
        todo: "If it stays: link its customer and subscription (`link`), or see why the saga waits." },
    Row { code: Code::D13, word: "INVOICE_VANISHED", words: "Invoice deleted in Zoho", leg: Leg::R3, severity: 2, owner: Finance, target_hours: 24,
        means: "Our ledger has an invoice that Zoho's whole list does not contain.",
        by_itself: "The invoice's flow looks for it, and stops its collection when it is gone.",
        waiting: "Receivables contain an invoice that does not exist; tax is reported for it.",
        todo: "Ask who deleted it: an invoice is voided, never deleted. Raise it again if the customer owes it." },
    Row { code: Code::D14, word: "TAX_SUM_DIFFERS", words: "Tax differs", leg: Leg::R3, severity: 2, owner: Finance, target_hours: 720,
        means: "The tax of an invoice is not the same in Zoho and in our ledger (2200).",
        by_itself: "Nothing.",
        waiting: "Until the close nothing; then the tax report would be wrong.",
        todo: "Compare the invoice's tax lines before the period is closed." },
    Row { code: Code::D15, word: "SETTLEMENT_LATE", words: "Settlement late", leg: Leg::Ageing, severity: 3, owner: Operator, target_hours: 120,
        means: "A sale was submitted more than four days ago and has not settled. After ten days it is severity 2.",
        by_itself: "The poll asks on, whatever its age.",
        waiting: "The money is on its way and may still be declined.",
        todo: "After ten days ask Braintree's support, with the transaction's id." },
    Row { code: Code::D16, word: "SETTLEMENT_DECLINED", words: "Settlement declined", leg: Leg::Flows, severity: 1, owner: Finance, target_hours: 4,
        means: "A sale that was approved was declined when it was to be settled: the money never came.",
        by_itself: "The sale is taken back in the books, the invoice is held, and its flow waits for finance.",
        waiting: "The customer uses what they have not paid for, and Zoho may still show the invoice as paid.",
        todo: "Look why the bank declined; then decide in the invoice's saga: charge again, or leave." },
    Row { code: Code::D17, word: "DISBURSEMENT_VARIANCE", words: "Payout differs from its items", leg: Leg::R4, severity: 1, owner: Finance, target_hours: 48,
        means: "What reached the bank is not what its sales and refunds come to, or some of them were paid out in another currency.",
        by_itself: "The difference is booked to suspense (1900) as FEE_UNEXPLAINED; no fee is guessed.",
        waiting: "Fees, a dispute's debit or a mistake of the processor's stand there together, and nobody knows which.",
        todo: "Compare the day's fee statement and the disputes in Braintree's Control Panel with the payout. What is explained is set aside here, with the reason." },
    Row { code: Code::D18, word: "DISBURSEMENT_MISSING", words: "Payout notice never came", leg: Leg::R4, severity: 2, owner: Operator, target_hours: 24,
        means: "Braintree paid something out and did not tell, though it has told of payouts of this account before.",
        by_itself: "The payout is booked as Braintree's search shows it; what was paid cannot be compared.",
        waiting: "A fee that was taken off it is seen at the bank alone.",
        todo: "Look whether webhooks of the kind `disbursement` are still ordered, and arrive. A notice cannot be fetched: compare the bank's line by hand." },
    Row { code: Code::D20, word: "FUNDS_HELD", words: "Funds held", leg: Leg::R4, severity: 1, owner: Finance, target_hours: 24,
        means: "Braintree keeps money of settled sales, or the bank sent a payout back.",
        by_itself: "It is booked where it is (FUNDS_HELD, DISBURSEMENT_RETURNED), and looked at each day until it is paid out.",
        waiting: "The money is not at the bank, and a bank account that takes nothing stops all further payouts.",
        todo: "Returned: correct the bank account at Braintree. Held: ask Braintree why, and until when." },
    Row { code: Code::D21, word: "REFUND_UNKNOWN_TO_US", words: "Refund made elsewhere", leg: Leg::R9, severity: 1, owner: Finance, target_hours: 4,
        means: "Braintree shows a refund that our log does not know: somebody made it in the console.",
        by_itself: "Of a sale in our books a refund is opened that books it, as forgiven; then it waits for finance to say what it was for. One with an order id of ours is left to the saga that asked.",
        waiting: "Our books show the sale as money that we have; a second refund could be given.",
        todo: "Ask who made it and why, then `refund decide`: forgive, reopen, or recorded. Of a sale that is not ours (D01): see to the sale first." },
    Row { code: Code::D22, word: "REFUND_NOT_RECORDED", words: "Refund not in Zoho", leg: Leg::Flows, severity: 2, owner: Finance, target_hours: 1,
        means: "Money was given back, and Zoho refuses the credit note, its refund or the lowered payment.",
        by_itself: "The refund's flow looked for its record and tried; it waits for a person.",
        waiting: "Zoho's receivables are wrong by the refund. Where the note was used on an invoice instead (severity 1), the customer was paid twice.",
        todo: "See what Zoho says (`saga explain`), mend it there, then `saga resume`." },
    Row { code: Code::D23, word: "REFUND_FAILED_AFTER_SUCCESS", words: "Refund failed after success", leg: Leg::Flows, severity: 1, owner: Finance, target_hours: 4,
        means: "Braintree accepted a refund, and the bank declined it later.",
        by_itself: "It is owed again in the books (2120), and its flow waits for finance.",
        waiting: "The customer was told of money that does not come.",
        todo: "`refund decide`: try again, pay by bank transfer (`paid-outside`), or withdraw." },
    Row { code: Code::D24, word: "OVER_REFUND", words: "Refunded more than charged", leg: Leg::R9, severity: 1, owner: Finance, target_hours: 1,
        means: "The refunds of a sale are together more than the sale.",
        by_itself: "Nothing.",
        waiting: "Money is lost that cannot be taken back by itself.",
        todo: "Stop refunds of that sale; ask the customer, and Braintree's support." },
    Row { code: Code::D27, word: "UNAPPLIED_CASH_AGED", words: "Money held unapplied", leg: Leg::Ageing, severity: 2, owner: Finance, target_hours: 72,
        means: "Captured money has stood on unapplied cash (2100) for more than three days.",
        by_itself: "Nothing.",
        waiting: "It is the customer's money. Held without a reason it becomes a complaint.",
        todo: "Apply it to an invoice, or give it back." },
    Row { code: Code::D28, word: "PAID_BUT_DUNNED", words: "Paid but dunned", leg: Leg::R3, severity: 1, owner: Operator, target_hours: 1,
        means: "Zoho shows the invoice as paid, and its flow still tries to collect it.",
        by_itself: "The invoice's flow is told to look again: it sees the payment, and stops.",
        waiting: "A customer who has paid is reminded, or asked for another card.",
        todo: "If it stays after a look: stop collection of the invoice. Say sorry to the customer who was written to." },
    Row { code: Code::D29, word: "SUBSCRIPTION_STATE_DIFFERS", words: "Subscription differs", leg: Leg::R7, severity: 2, owner: Operator, target_hours: 1,
        means: "A linked subscription is not at Zoho, or Zoho does not collect where it should.",
        by_itself: "Nothing.",
        waiting: "Nobody bills, or nobody collects.",
        todo: "Look the subscription up in Zoho; link the right one, or set who collects." },
    Row { code: Code::D30, word: "TWO_COLLECTORS", words: "Two collectors", leg: Leg::R7, severity: 1, owner: Operator, target_hours: 1,
        means: "Zoho collects a subscription by itself that another is to collect.",
        by_itself: "No charge of ours: a flow that reads such a subscription charges nothing.",
        waiting: "The next renewal may be charged by Zoho's gateway, unseen by us; or nobody charges it.",
        todo: "Turn automatic collection off in Zoho, or give the subscription to `zoho_native`." },
    Row { code: Code::D31, word: "ACTIVE_WITHOUT_INVOICE", words: "Active, no invoice after the bill date", leg: Leg::R7, severity: 2, owner: Finance, target_hours: 24,
        means: "A live subscription's bill date passed two days ago, and Zoho raised nothing.",
        by_itself: "Nothing.",
        waiting: "Revenue leaks, a term at a time.",
        todo: "Look in Zoho why the renewal stands still (unpaid invoice, plan retired, drafts to be approved)." },
    Row { code: Code::D38, word: "LEDGER_REBUILD_DIFFERS", words: "Ledger does not rebuild", leg: Leg::R13, severity: 1, owner: Operator, target_hours: 1,
        means: "The ledger is not what the log says: an invariant of the books is broken.",
        by_itself: "It stands in the alerts as well.",
        waiting: "No figure can be relied on until it is known why.",
        todo: "Run `attio-billing verify`; change nothing before the cause is known." },
    Row { code: Code::D40, word: "STALE_SOURCE", words: "Source not read in time", leg: Leg::Ageing, severity: 2, owner: Operator, target_hours: 2,
        means: "No run has read this source whole for more than a day.",
        by_itself: "Each run tries again.",
        waiting: "What is missing there is not found.",
        todo: "See what the last run could not read (`reconcile report`): budget, credentials, or the vendor." },
    Row { code: Code::D43, word: "TWIN_SUBSCRIPTION", words: "Two live subscriptions for one order", leg: Leg::R7, severity: 1, owner: Operator, target_hours: 1,
        means: "Two live subscriptions in Zoho carry the same reference of ours.",
        by_itself: "Nothing.",
        waiting: "The customer is billed twice a term.",
        todo: "Stop collection of the newer; cancel the one that was never charged, never one that was." },
];

impl Code {
    /// Its row.
    ///
    /// # Panics
    /// Never: a test looks for each code in the list.
    pub fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.code == self).expect("every code has a row")
    }

    /// The code: `D05`.
    pub fn as_str(self) -> String {
        format!("{self:?}")
    }

    /// The code of that text.
    pub fn parse(text: &str) -> Option<Self> {
        ROWS.iter().map(|row| row.code).find(|code| code.as_str().eq_ignore_ascii_case(text))
    }

    /// Its usual severity.
    pub fn severity(self) -> u8 {
        self.row().severity
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {self:?}", self.row().words)
    }
}
