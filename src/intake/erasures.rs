//! How a person's erasure is asked for and agreed to, as items for its one stream. Decides nothing: whether it may go on is
//! the stream's.

use super::acts::Acts;
use super::operator::Order;
use crate::engine::items::Body;
use crate::store::items::NewItem;
use crate::store::query::SagaLine;
use chrono::NaiveDate;
use sagas::erasure::{Command, Erasure, Identity, Law, Means, Of, Request};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;

/// Documents are kept for so many days where nobody says otherwise: ten years.
pub const DOCUMENTS_KEPT_DAYS: u32 = 3_653;

/// What an admin asks for.
#[derive(Debug, Clone)]
pub struct ErasureOrder {
    /// Our customer id.
    pub customer: String,
    /// Under which law.
    pub law: Law,
    /// When the person asked (books zone).
    pub received_on: NaiveDate,
    /// How the identity was checked; by whoever orders it.
    pub means: Means,
    /// Days for which tax law wants documents kept.
    pub documents_kept_days: u32,
    /// Another person must confirm.
    pub second_person: bool,
    /// Who has agreed before it was ordered: a principal.
    pub agreed_by: Option<String>,
    /// Who, why, and the key under which it has one effect.
    pub by: Order,
}

/// What is said of an erasure that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// The preview of that number was looked at, and is agreed to.
    Confirm(u32),
    /// It is not to be done after all.
    Withdraw,
    /// A named case forbids it, until that day or until it is lifted.
    Hold(String, Option<NaiveDate>),
    /// The named case is over.
    Lift,
}

impl Acts {
    /// The item that asks for an erasure in this installation.
    pub fn erasure(&self, order: ErasureOrder) -> NewItem {
        let here = Here {
            organization: self.organization.clone(),
            installation: self.installation.clone(),
            helpdesk: self.helpdesk,
        };
        here.erasure(order)
    }
}

/// Where somebody is erased.
#[derive(Debug, Clone)]
pub struct Here {
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our order ids.
    pub installation: Installation,
    /// Zoho Desk is in use.
    pub helpdesk: bool,
}

impl Here {
    /// The item that asks for an erasure. The same key is the same order.
    pub fn erasure(self, order: ErasureOrder) -> NewItem {
        let by = order.by;
        let Self { organization, installation, helpdesk } = self;
        let of = Of { organization, installation, customer: order.customer, helpdesk, crm: true };
        let saga = Erasure::id(of.installation.as_str(), &of.customer);
        let request = Request {
            law: order.law,
            received_on: order.received_on,
            identity: Identity { by_means: order.means, checked_by: by.by.clone() },
            documents_kept_days: order.documents_kept_days,
            second_person: order.second_person,
            agreed_by: order.agreed_by,
            reason: by.reason,
            by: by.by.clone(),
        };
        let requested = item(saga, "operator.erase", &by.by, &Command::Requested { of, request: Box::new(request) });
        NewItem { idempotency_key: by.key.map(|key| format!("erasure:{saga}:{key}")), ..requested }
    }
}

/// The item by which an erasure hears a person's word.
///
/// # Errors
/// The saga is of another flow.
pub fn said(saga: &SagaLine, word: Word, by: Order) -> Result<NewItem, String> {
    if saga.kind != Erasure::NAME {
        return Err(format!("saga {} is a {}, and no {} (state: {})", saga.id, saga.kind, Erasure::NAME, saga.state));
    }
    let Order { by, reason, key } = by;
    let principal = by.clone();
    let (kind, command) = match word {
        Word::Confirm(preview) => ("operator.confirm_erasure", Command::Confirmed { preview, by, reason }),
        Word::Withdraw => ("operator.withdraw_erasure", Command::Withdrawn { by, reason }),
        Word::Hold(case, until) => ("operator.hold_erasure", Command::HoldPlaced { case, until, by }),
        Word::Lift => ("operator.lift_erasure_hold", Command::HoldLifted { by, reason }),
    };
    let said = item(saga.id, kind, &principal, &command);
    Ok(NewItem { idempotency_key: key.map(|key| format!("operator:{}:{key}", saga.id)), ..said })
}

fn item(saga: SagaId, kind: &str, principal: &str, command: &Command) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    NewItem {
        saga,
        saga_kind: Erasure::NAME.to_owned(),
        kind: kind.to_owned(),
        principal: principal.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: None,
    }
}
