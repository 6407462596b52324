//! Where each invariant is looked at: here, elsewhere, or nowhere yet, with the reason.

use sagas::kernel::invariant::Invariant;

/// How an invariant is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// On the snapshot.
    Here,
    /// With the hashes, from the beginning of the log.
    Chain,
    /// The database alone does not say: where it is looked at instead.
    Elsewhere(&'static str),
    /// What it is about does not exist yet.
    NotYet(&'static str),
}

const AT_THE_VENDOR: &str = "it needs the vendor's own figures, and this command asks no vendor";
const NO_PERIODS: &str = "periods are not closed yet";

/// How it is looked at.
pub const fn how(invariant: Invariant) -> How {
    use Invariant as I;
    match invariant {
        I::I53 => How::Chain,
        I::I01
        | I::I02
        | I::I03
        | I::I04
        | I::I05
        | I::I06
        | I::I07
        | I::I08
        | I::I10
        | I::I11
        | I::I12
        | I::I13
        | I::I14
        | I::I16
        | I::I17
        | I::I18
        | I::I19
        | I::I20
        | I::I23
        | I::I24
        | I::I25
        | I::I27
        | I::I31
        | I::I32
        | I::I33
        | I::I34
        | I::I35
        | I::I37
        | I::I39
        | I::I43
        | I::I44
        | I::I52
        | I::I55 => How::Here,
        I::I15 | I::I41 => How::Elsewhere(AT_THE_VENDOR),
        I::I30 => How::Elsewhere(
            "what was compared stands in each flow's own words: refused in the decision, judged by the vendors' books in simulation",
        ),
        I::I36 => How::Elsewhere(
            "the decision stands in the invoice's own words: refused there, walked over in the tests of the schedule",
        ),
        I::I38 => How::Elsewhere(
            "one owner at a time is the key of its table; who it was at an earlier time is in the log of the hand-over, and the charge itself asks",
        ),
        I::I26 => How::Elsewhere(
            "the invoice's own stream lets nothing of a disputed payment go, and stops what was not sent: looked at in its tests",
        ),
        I::I40 => How::Elsewhere("only a simulation can deliver the same twice in another order"),
        I::I42 => How::Elsewhere(
            "which act reopens an invoice stands in each flow's own words: the hold rides in the append of its intent, looked at in the flow's tests",
        ),
        I::I54 => How::Elsewhere(
            "what was erased is not known here any more: the flow `erasure` looks through all tables before it certifies, and all else is verified here",
        ),
        I::I21 => How::NotYet("findings of the reconciliation do not exist yet"),
        I::I22 => How::Elsewhere(
            "what reached the bank stands in the payout's own words: reckoned there, looked at in its tests; leg R4 names each that differs",
        ),
        I::I28 => How::NotYet("fees are not imported from documents yet"),
        I::I50 | I::I51 => How::NotYet(NO_PERIODS),
        I::I56 => How::NotYet("journals are not exported yet"),
    }
}
