//! What people decide about findings: alone or with a second person, as the table of roles says; on record with the reason.

use super::findings::{Finding, act_on};
use crate::access::{Act, Actor, Cell, Denied};
use crate::store::approvals::{self, Second};
use crate::store::error::StoreError;
use chrono::{DateTime, Utc};
use sagas::kernel::reconciliation::life::Standing;
use sqlx::PgPool;

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Set aside while both sides say what they say now.
    Ignore,
    /// Seen to by hand: open again if a run sees it.
    Settle,
    /// Open again.
    Reopen,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 3] = [Self::Ignore, Self::Settle, Self::Reopen];

    /// The word on record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Settle => "settle",
            Self::Reopen => "reopen",
        }
    }

    /// The decision of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == word)
    }

    /// How a finding may stand before, and how it stands afterwards.
    const fn moves(self) -> (&'static [Standing], Standing) {
        match self {
            Self::Ignore => (&[Standing::Open], Standing::Ignored),
            Self::Settle => (&[Standing::Open, Standing::Ignored], Standing::Settled),
            Self::Reopen => (&[Standing::Ignored, Standing::Settled], Standing::Open),
        }
    }
}

/// One person alone sets no more money aside than this, in minor units.
pub const ALONE_MINOR: i64 = 10_000;

/// What is of severity 1, or of much money, is not set aside by one person alone.
fn needs_second(finding: &Finding, decision: Decision) -> bool {
    let much = finding.amount.is_some_and(|amount| amount.minor > ALONE_MINOR);
    decision != Decision::Reopen && (finding.severity == 1 || much)
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// It stands so.
    Done,
    /// It waits for a second person.
    Asked {
        /// Who asked.
        by: String,
    },
}

/// Why a decision was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Undecided {
    /// It does not stand so.
    #[error("the finding is {0}: that cannot be decided about it now")]
    Stands(&'static str),
    /// The role may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is of somebody else's queue.
    #[error("the finding is in the queue of {owner}: the role {role} sees to its own")]
    NotTheirs {
        /// Whose it is.
        owner: String,
        /// Who asked.
        role: &'static str,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a decision, or keeps that one person wants it until another says the same within a day.
///
/// # Errors
/// The role may not, the finding does not stand so, or the database cannot be reached.
pub async fn decide(
    pool: &PgPool,
    finding: &Finding,
    decision: Decision,
    reason: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Decided, Undecided> {
    let second = needs_second(finding, decision);
    let mut by = actor.principal();
    let mut tx = pool.begin().await.map_err(StoreError::from)?;
    if second && !approvals::policy(pool).await?.is_empty() {
        let what = format!("{} finding {} ({})", decision.as_str(), finding.id, finding.code);
        match approvals::second(&mut tx, &what, Act::ForceFinding, actor).await? {
            Second::Agreed { first } => by = format!("{first}, {by}"),
            Second::Asked { by } => {
                tx.commit().await.map_err(StoreError::from)?;
                return Ok(Decided::Asked { by });
            }
            Second::Denied(denied) => return Err(denied.into()),
        }
    } else {
        let cell = actor.may(if second { Act::ForceFinding } else { Act::SettleFinding })?;
        if cell == Cell::OwnQueue && actor.role.as_str() != finding.owner {
            return Err(Undecided::NotTheirs { owner: finding.owner.clone(), role: actor.role.as_str() });
        }
    }
    if !act_on(&mut tx, finding.id, decision.moves(), (decision.as_str(), &by, reason), now).await? {
        return Err(Undecided::Stands(finding.state.as_str()));
    }
    tx.commit().await.map_err(StoreError::from)?;
    Ok(Decided::Done)
}
