//! A customer's links and settings as one act: all ids at the vendors, who collects, what the customer consented to.

use super::links::{LinkError, LinkKind, link};
use super::settings::{set_collection_owner, set_one_off_consent};
use sagas::kernel::answer::CollectionOwner;
use sqlx::PgPool;

/// What a customer of ours is called elsewhere; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerLinks {
    /// Our customer id.
    pub customer: String,
    /// Zoho Billing customer id.
    pub zoho_customer: Option<String>,
    /// Zoho CRM contact id.
    pub zoho_contact: Option<String>,
    /// Zoho CRM account id.
    pub zoho_account: Option<String>,
    /// Zoho Desk contact id.
    pub desk_contact: Option<String>,
    /// Braintree customer id.
    pub braintree_customer: Option<String>,
    /// Attio record id of the company.
    pub attio_company: Option<String>,
    /// Attio record id of the person.
    pub attio_person: Option<String>,
    /// The platform's user id.
    pub platform_user: Option<String>,
    /// Our subscription id.
    pub subscription: Option<String>,
    /// Zoho subscription id.
    pub zoho_subscription: Option<String>,
    /// Attio record id of the subscription.
    pub attio_subscription: Option<String>,
    /// The platform's subscription id.
    pub platform_subscription: Option<String>,
    /// Who collects the subscription's money.
    pub owner: Option<CollectionOwner>,
    /// Whether the customer consents to charges outside a subscription.
    pub one_off_consent: Option<bool>,
}

/// Links the customer, then its subscription, then says who collects: an owner record never exists before the links that
/// make it safe. Repeat-safe.
///
/// # Errors
/// An id belongs to another of ours, or ours has another id of that kind.
pub async fn link_customer(pool: &PgPool, links: &CustomerLinks, by: &str) -> Result<(), LinkError> {
    let set = |pairs: &[(LinkKind, &Option<String>)]| -> Vec<(LinkKind, String)> {
        pairs.iter().filter_map(|(kind, id)| Some((*kind, (*id).clone()?))).collect()
    };
    let of_customer = set(&[
        (LinkKind::ZohoCustomer, &links.zoho_customer),
        (LinkKind::ZohoContact, &links.zoho_contact),
        (LinkKind::ZohoAccount, &links.zoho_account),
        (LinkKind::DeskContact, &links.desk_contact),
        (LinkKind::BraintreeCustomer, &links.braintree_customer),
        (LinkKind::AttioCompany, &links.attio_company),
        (LinkKind::AttioPerson, &links.attio_person),
        (LinkKind::PlatformUser, &links.platform_user),
    ]);
    let of_subscription = set(&[
        (LinkKind::ZohoSubscription, &links.zoho_subscription),
        (LinkKind::AttioSubscription, &links.attio_subscription),
        (LinkKind::PlatformSubscription, &links.platform_subscription),
    ]);
    link_all(pool, &links.customer, &of_customer).await?;
    if let Some(consent) = links.one_off_consent {
        set_one_off_consent(pool, &links.customer, consent, by).await?;
    }
    if let Some(subscription) = &links.subscription {
        link_all(pool, subscription, &of_subscription).await?;
        if let Some(owner) = links.owner {
            set_collection_owner(pool, subscription, Some(owner), by).await?;
        }
    }
    Ok(())
}

async fn link_all(pool: &PgPool, ours: &str, set: &[(LinkKind, String)]) -> Result<(), LinkError> {
    let set: Vec<_> = set.iter().map(|(kind, theirs)| (*kind, theirs.as_str())).collect();
    link(pool, ours, &set).await.map(drop)
}
