//! Our customer and subscription ids and the vendors': one ours to one theirs, per kind. A link is made once; who makes
//! it releases the items that wait for it, in the same transaction.

use super::error::{Retry, StoreError, retrying, storable};
use sqlx::{PgConnection, PgPool};

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// A customer's company record in Attio.
    AttioCompany,
    /// A customer's person record in Attio.
    AttioPerson,
    /// A subscription's record in Attio.
    AttioSubscription,
    /// A customer in Zoho Billing.
    ZohoCustomer,
    /// A subscription in Zoho Billing.
    ZohoSubscription,
    /// A customer's contact in Zoho CRM.
    ZohoContact,
    /// A customer's account in Zoho CRM.
    ZohoAccount,
    /// A customer's contact in Zoho Desk.
    DeskContact,
    /// A customer in Braintree.
    BraintreeCustomer,
    /// A customer's user on the platform.
    PlatformUser,
    /// A subscription on the platform.
    PlatformSubscription,
}

impl LinkKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::AttioCompany,
        Self::AttioPerson,
        Self::AttioSubscription,
        Self::ZohoCustomer,
        Self::ZohoSubscription,
        Self::ZohoContact,
        Self::ZohoAccount,
        Self::DeskContact,
        Self::BraintreeCustomer,
        Self::PlatformUser,
        Self::PlatformSubscription,
    ];

    /// The word in the table and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AttioCompany => "attio_company",
            Self::AttioPerson => "attio_person",
            Self::AttioSubscription => "attio_subscription",
            Self::ZohoCustomer => "zoho_customer",
            Self::ZohoSubscription => "zoho_subscription",
            Self::ZohoContact => "zoho_contact",
            Self::ZohoAccount => "zoho_account",
            Self::DeskContact => "desk_contact",
            Self::BraintreeCustomer => "braintree_customer",
            Self::PlatformUser => "platform_user",
            Self::PlatformSubscription => "platform_subscription",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The key on which an item waits for the link with that vendor id.
    pub fn key(self, theirs: &str) -> String {
        format!("{}:{}", self.as_str(), storable(theirs))
    }
}

/// Why a link was not made. None of the set was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The vendor's id belongs to another of ours.
    #[error("{} `{theirs}` is linked to `{ours}` already: one vendor id belongs to one of ours", kind.as_str())]
    Taken {
        /// Which kind.
        kind: LinkKind,
        /// The vendor's id.
        theirs: String,
        /// Who has it.
        ours: String,
    },
    /// Ours has another id of that kind.
    #[error("`{ours}` is linked to {} `{theirs}` already: unlink it first", kind.as_str())]
    HasAnother {
        /// Which kind.
        kind: LinkKind,
        /// Our id.
        ours: String,
        /// What it is linked to.
        theirs: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for LinkError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Retry for LinkError {
    fn again(&self) -> bool {
        matches!(self, Self::Store(error) if error.again())
    }
}

/// Links one of ours to vendor ids: all or none. What is linked so already stays. Returns how many waiting items were
/// released.
///
/// # Errors
/// A vendor id belongs to another, ours has another id, or the database cannot be reached.
pub async fn link(pool: &PgPool, ours: &str, set: &[(LinkKind, &str)]) -> Result<u64, LinkError> {
    let mut sorted = set.to_vec();
    sorted.sort_unstable();
    retrying(|| async {
        let mut tx = pool.begin().await?;
        for (kind, theirs) in &sorted {
            link_one(&mut tx, ours, *kind, theirs).await?;
        }
        let keys: Vec<String> = sorted.iter().map(|(kind, theirs)| kind.key(theirs)).collect();
        let released =
            sqlx::query!("update item set state = 'ready' where state = 'waiting' and waiting_key = any($1)", &keys)
                .execute(&mut *tx)
                .await?
                .rows_affected();
        tx.commit().await?;
        Ok(released)
    })
    .await
}

async fn link_one(tx: &mut PgConnection, ours: &str, kind: LinkKind, theirs: &str) -> Result<(), LinkError> {
    let theirs = storable(theirs);
    // Either unique key may stand in the way; which one is asked afterwards.
    let made = sqlx::query!(
        "insert into link (kind, ours, theirs, created_at) values ($1, $2, $3, now()) on conflict do nothing",
        kind.as_str(),
        ours,
        theirs
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if made == 1 {
        return Ok(());
    }
    let there = sqlx::query!(
        "select ours, theirs from link where kind = $1 and (ours = $2 or theirs = $3)",
        kind.as_str(),
        ours,
        theirs
    )
    .fetch_all(&mut *tx)
    .await?;
    for row in there {
        if row.ours != ours {
            return Err(LinkError::Taken { kind, theirs, ours: row.ours });
        }
        if row.theirs != theirs {
            return Err(LinkError::HasAnother { kind, ours: row.ours, theirs: row.theirs });
        }
    }
    Ok(())
}

/// Cuts a link. False: there was none such.
///
/// # Errors
/// The database cannot be reached.
pub async fn unlink(pool: &PgPool, ours: &str, kind: LinkKind, theirs: &str) -> Result<bool, StoreError> {
    let cut =
        sqlx::query!("delete from link where kind = $1 and ours = $2 and theirs = $3", kind.as_str(), ours, theirs);
    Ok(cut.execute(pool).await?.rows_affected() == 1)
}

/// Which of ours has a vendor's id.
///
/// # Errors
/// The database cannot be reached.
pub async fn find(pool: &PgPool, kind: LinkKind, theirs: &str) -> Result<Option<String>, StoreError> {
    let ours =
        sqlx::query_scalar!("select ours from link where kind = $1 and theirs = $2", kind.as_str(), storable(theirs));
    Ok(ours.fetch_optional(pool).await?)
}

/// All vendor ids of one of ours.
///
/// # Errors
/// The database cannot be reached, or holds a kind that this release does not know.
pub async fn links_of(pool: &PgPool, ours: &str) -> Result<Vec<(LinkKind, String)>, StoreError> {
    let rows = sqlx::query!("select kind, theirs from link where ours = $1 order by kind", ours);
    rows.fetch_all(pool)
        .await?
        .into_iter()
        .map(|row| {
            let kind = LinkKind::parse(&row.kind)
                .ok_or_else(|| StoreError::Unreadable(format!("link kind `{}`", row.kind)))?;
            Ok((kind, row.theirs))
        })
        .collect()
}

/// Zoho subscriptions of ours, by their ids, that nobody was told of under this prefix of an item's key: the prefix and the
/// id make the key.
///
/// # Errors
/// The database cannot be reached.
pub async fn untold_subscriptions(pool: &PgPool, prefix: &str, at_most: u16) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query_scalar!(
        "select l.theirs from link l where l.kind = 'zoho_subscription'
         and not exists (select 1 from item i where i.idempotency_key = $1 || l.theirs)
         order by l.theirs limit $2",
        prefix,
        i64::from(at_most)
    );
    Ok(rows.fetch_all(pool).await?)
}
