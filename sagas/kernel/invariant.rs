//! The invariants of ledger and flows by their numbers: what must hold whatever happens. Each is a sentence; who checks it,
//! and how, is said where it is checked: `books` and `order` beside this file judge, tests and the service hand them what
//! they see.

use std::fmt;

macro_rules! invariants {
    ($($number:ident: $sentence:literal,)*) => {
        /// An invariant, by its number. Numbers are for ever.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Invariant {
            $(#[doc = $sentence] $number,)*
        }

        impl Invariant {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$number,)*];

            /// The number as people write it: `I14`.
            pub const fn number(self) -> &'static str {
                match self {
                    $(Self::$number => stringify!($number),)*
                }
            }

            /// What must hold.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$number => $sentence,)*
                }
            }
        }
    };
}

invariants! {
    I01: "every journal balances in each currency and has two lines or more, none of them zero or negative",
    I02: "all accounts together sum to zero in each currency",
    I03: "no event, journal or line is ever changed or deleted",
    I04: "each journal names one event, and each event has exactly the journals that its rule says",
    I05: "the ledger built again from the events is the ledger that stands there, line by line",
    I06: "a reversal is its original with the sides swapped, and an original is reversed once",
    I07: "an event that is posted twice changes nothing",
    I08: "account 3900 is moved by the opening position alone",
    I10: "every sale that was approved is captured once in the books",
    I11: "of each transaction, what was captured and not reversed is applied, unapplied, or given back from unapplied",
    I12: "each captured payment is recorded in Zoho at most once",
    I13: "no more is applied to an invoice than its total less its credits",
    I14: "unapplied cash and refunds payable of a customer are never below zero",
    I15: "what an invoice owes in the books is its balance in Zoho",
    I16: "receivables by invoice add up to the control account",
    I17: "an invoice is charged by one saga at a time, and more than its total is captured only while it is on hold",
    I18: "an order id leads to one approved transaction",
    I19: "a subscription in Zoho is claimed by one saga at a time",
    I20: "the money of a sale stands in one place at the processor, and wholly",
    I21: "nothing stays submitted for ten days without a finding",
    I22: "each disbursement is the sum of what it consists of",
    I23: "of each dispute, what is held stands in 1130 while it is open, and nothing after",
    I24: "refunds and lost chargebacks of a transaction are no more than what was captured",
    I25: "a transaction is not both voided and refunded in full",
    I26: "nothing is refunded while a dispute is open",
    I27: "a saga that has ended holds no authorisation",
    I28: "every fee has a document, or an open finding",
    I30: "nothing is captured that was not compared with the invoice before",
    I31: "after the pivot nothing is undone: only forward, or a saga of its own that gives money back",
    I32: "a saga that was undone has moved no money in sum",
    I33: "nothing is sent that was not wanted before, and nothing a second time while the first outcome is unknown",
    I34: "a new attempt has a new order id, which is never used again",
    I35: "a card is charged no oftener than its network allows",
    I36: "a card that must never be tried again is not",
    I37: "an invoice with captured money that is not applied is not charged again",
    I38: "a subscription has one collector, and without one it is not charged",
    I39: "the positions of a shard and the events of a saga are numbered without a gap",
    I40: "deliveries in any order, however often, lead to the same end",
    I41: "Attio shows what the flows say",
    I42: "an act of ours that reopens an invoice puts it on hold with its intent",
    I43: "a payment that shows up late is given back and never applied",
    I44: "everything unfinished is due, awaits something until a deadline, or is parked with a reason",
    I50: "nothing is booked with a period that is closed",
    I51: "a closed period adds up to the same again",
    I52: "every act of a person has a name and a reason, and another name where two must agree",
    I53: "the chain of hashes and the checkpoints over it hold",
    I54: "after an erasure all of this still holds, and nothing of the person is left",
    I55: "no card number, no security code, no nonce and no secret stands in what is stored",
    I56: "an exported journal balances, leaves no line unmapped, and is the same bytes again",
}

impl Invariant {
    /// The invariant of that number.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(number: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|one| one.number().eq_ignore_ascii_case(number));
        found.copied().ok_or_else(|| format!("there is no invariant `{number}`; they are named I01 to I56"))
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

/// An invariant does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {what}")]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// What was found, with what was expected; amounts in minor units.
    pub what: String,
}

impl Broken {
    /// It does not hold.
    pub fn new(invariant: Invariant, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}
