//! The table: what each role may do. Data only; who asks it is in `actor`, what a person reads of it in `page`.

use super::roles::Role;
use sagas::kernel::verb::Verb;

/// So many sagas at most one person may order something of at once; above it a second person is needed.
pub const ALONE: usize = 20;

/// What kind of data something touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Flows: sagas, the log, deliveries without their bodies. Nothing personal.
    Flow,
    /// Money: the ledger, reports.
    Money,
    /// People, raw bodies.
    Personal,
    /// Settings, people's roles, tokens, keys; never their values.
    Settings,
    /// Proof.
    Proof,
}

/// What a role may do of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Yes.
    Yes,
    /// Refused.
    No,
    /// With what is personal left out; shown with a reason.
    Masked,
    /// Of one customer at a time.
    OneCustomer,
    /// May ask others for it.
    Request,
    /// With a second person.
    Second,
    /// Alone up to the limit, with a second person above it.
    Limit,
    /// Alone over [`ALONE`] sagas, with a second person above it.
    Few,
    /// Is that second person.
    Approves,
    /// Is that second person above [`ALONE`] sagas.
    ApprovesMany,
    /// What stands in the role's own queue.
    OwnQueue,
}

/// Something that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    ReadFlows,
    ReadMoney,
    ReadPersonal,
    ReadBodies,
    Export,
    SendLink,
    EndSubscription,
    ChangePlan,
    AcceptForCustomer,
    ChooseMoney,
    Steer,
    Repair,
    Bulk,
    ReplayInbox,
    Refund,
    Dispute,
    WriteOff,
    SettleFinding,
    ForceFinding,
    Reconcile,
    Upload,
    OpenBooks,
    ClosePeriod,
    ChangeOwner,
    SwitchOff,
    SwitchOn,
    ReadSettings,
    TightenSettings,
    LoosenSettings,
    ReadTokens,
    ManageTokens,
    Recover,
    ReleaseRecovery,
    RotateKey,
    ExportPerson,
    ErasePerson,
    Verify,
}

/// Where something can be done in this release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Over the API, and mostly on the command line.
    Api,
    /// On the command line alone.
    Line,
    /// Nowhere yet: the row says who will be let in.
    Later,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What is done.
    pub act: Act,
    /// In words that continue "may".
    pub what: &'static str,
    /// The kinds of data.
    pub classes: &'static [Class],
    /// Viewer, support, finance, finance_approver, operator, admin, auditor, and the scope platform.
    pub cells: [Cell; 8],
    /// Where.
    pub reach: Reach,
}

impl Row {
    /// What a role may do of it.
    pub const fn cell(&self, role: Role) -> Cell {
        self.cells[role as usize]
    }
}

impl Cell {
    /// Whether a request gets past the door with it. What is masked or asked for has nothing behind the door yet; what is
    /// limited, or of the role's own queue, is looked at again there.
    pub const fn opens(self) -> bool {
        match self {
            Self::Yes | Self::OneCustomer | Self::Second | Self::Few | Self::Limit | Self::OwnQueue => true,
            Self::No | Self::Masked | Self::Request | Self::Approves | Self::ApprovesMany => false,
        }
    }
}

impl Act {
    /// Its row.
    ///
    /// # Panics
    /// Never: a test looks for each act in the table.
    pub fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.act == self).expect("every act has a row")
    }

    /// What an operator's verb is.
    pub const fn of_verb(verb: &Verb) -> Self {
        match verb {
            Verb::Resume | Verb::Retry | Verb::Pause | Verb::MoveDue { .. } => Self::Steer,
            Verb::Skip { .. } | Verb::DeclareDone { .. } | Verb::DeclareNotDone | Verb::Compensate | Verb::Abandon => {
                Self::Repair
            }
        }
    }
}

use Cell::{Approves, ApprovesMany, Few, Limit, Masked, No, OneCustomer, OwnQueue, Request, Second, Yes};
use Class::{Flow, Money, Personal, Proof, Settings};
use Reach::{Api, Later, Line};

const fn row(act: Act, what: &'static str, classes: &'static [Class], reach: Reach, cells: [Cell; 8]) -> Row {
    Row { act, what, classes, cells, reach }
}

/// The table. Columns: viewer, support, finance, finance_approver, operator, admin, auditor, platform.
#[rustfmt::skip]
pub const ROWS: [Row; 37] = [
    row(Act::ReadFlows, "read flows and health", &[Flow], Api,
        [Yes, Yes, Yes, Yes, Yes, Yes, Yes, No]),
    row(Act::ReadMoney, "read money", &[Money], Api,
        [Yes, OneCustomer, Yes, Yes, Yes, Yes, Yes, No]),
    row(Act::ReadPersonal, "read personal data", &[Personal], Later,
        [No, Yes, Yes, Yes, Masked, Masked, Masked, No]),
    row(Act::ReadBodies, "read raw bodies", &[Personal], Later,
        [No, No, No, No, Masked, Masked, Masked, No]),
    row(Act::Export, "export", &[Money], Api,
        [No, No, Yes, Yes, No, No, Yes, No]),
    row(Act::SendLink, "start a sign-up, send a checkout, portal or card link", &[Flow], Api,
        [No, Yes, Yes, No, Yes, No, No, Yes]),
    row(Act::EndSubscription, "cancel a subscription, take a cancellation back", &[Flow], Api,
        [No, Yes, Yes, No, Yes, No, No, Yes]),
    row(Act::ChangePlan, "change the plan of a subscription, by contract also for the customer", &[Flow], Api,
        [No, Yes, Yes, No, Yes, No, No, Yes]),
    row(Act::AcceptForCustomer, "say that the customer accepts what a page of the platform has shown", &[Flow], Api,
        [No, No, No, No, No, No, No, Yes]),
    row(Act::ChooseMoney, "choose what becomes of the money of a cancelled subscription", &[Money], Api,
        [No, No, Yes, Yes, No, No, No, No]),
    row(Act::Steer, "resume, retry, pause, move a due time, charge again, stop attempts, rehearse, sync the catalog", &[Flow], Api,
        [No, No, No, No, Yes, Yes, No, No]),
    row(Act::Repair, "skip, compensate, abandon, declare an outcome", &[Flow, Money], Api,
        [No, No, No, Approves, Second, Second, No, No]),
    row(Act::Bulk, "order something of many sagas", &[Flow], Api,
        [No, No, No, ApprovesMany, Few, Few, No, No]),
    row(Act::ReplayInbox, "replay the inbox", &[Flow], Later,
        [No, No, No, ApprovesMany, Few, Few, No, No]),
    row(Act::Refund, "refund, void, credit, release a collection hold", &[Money], Api,
        [No, Request, Limit, Approves, No, No, No, No]),
    row(Act::Dispute, "reply to a dispute, give one up, close one", &[Money], Api,
        [No, No, Yes, Yes, No, No, No, No]),
    row(Act::WriteOff, "write off", &[Money], Later,
        [No, Request, Second, Approves, No, No, No, No]),
    row(Act::SettleFinding, "apply, link or ignore a finding", &[Money], Api,
        [No, OwnQueue, Limit, Approves, OwnQueue, No, No, No]),
    row(Act::ForceFinding, "ignore a finding of severity 1, force a match", &[Money], Api,
        [No, No, Second, Approves, No, No, No, No]),
    row(Act::Reconcile, "run a reconciliation", &[Money], Api,
        [No, No, Yes, Yes, Yes, No, No, No]),
    row(Act::Upload, "upload files, export the journal, close softly", &[Money], Line,
        [No, No, Yes, Yes, No, No, No, No]),
    row(Act::OpenBooks, "sign the opening position off", &[Money], Line,
        [No, No, Second, Approves, No, No, No, No]),
    row(Act::ClosePeriod, "close a period for good, reopen one", &[Money], Later,
        [No, No, Second, Approves, No, No, No, No]),
    row(Act::ChangeOwner, "change who collects", &[Money], Api,
        [No, No, Second, Approves, Request, No, No, No]),
    row(Act::SwitchOff, "switch an operation off", &[Flow], Line,
        [No, No, Yes, Yes, Yes, Yes, No, No]),
    row(Act::SwitchOn, "switch an operation on again", &[Flow], Line,
        [No, No, No, Second, Second, Second, No, No]),
    row(Act::ReadSettings, "read settings", &[Settings], Later,
        [No, No, No, No, No, Yes, Yes, No]),
    row(Act::TightenSettings, "tighten a setting", &[Settings], Later,
        [No, No, Request, No, No, Yes, No, No]),
    row(Act::LoosenSettings, "loosen a setting", &[Settings], Later,
        [No, No, Request, Approves, No, Second, No, No]),
    row(Act::ReadTokens, "see who holds tokens", &[Settings], Api,
        [No, No, No, No, No, Yes, Yes, No]),
    row(Act::ManageTokens, "give and take back tokens", &[Settings], Api,
        [No, No, No, No, No, Second, No, No]),
    row(Act::Recover, "recover after a restore", &[Flow], Line,
        [No, No, No, No, Yes, Yes, No, No]),
    row(Act::ReleaseRecovery, "release a recovery with differences", &[Flow, Money], Line,
        [No, No, No, Approves, No, Second, No, No]),
    row(Act::RotateKey, "take a new signing key into use", &[Settings, Proof], Line,
        [No, No, No, No, No, Second, No, No]),
    row(Act::ExportPerson, "export what is held of a person", &[Personal], Later,
        [No, Request, No, No, No, Yes, No, No]),
    row(Act::ErasePerson, "erase a person", &[Personal], Api,
        [No, Request, No, No, No, Second, No, No]),
    row(Act::Verify, "verify the books and the log, make an audit pack", &[Proof], Later,
        [No, No, Yes, Yes, Yes, Yes, Yes, No]),
];
