//! `link`: ids of one customer at every vendor, and who collects.

use super::actor::{acting, may_with_second};
use super::database::{Database, DatabaseArgs};
use super::{Exit, print};
use crate::access::Act;
use crate::store::customers::{CustomerLinks, link_customer};
use crate::store::{approvals, settings};
use sagas::kernel::answer::CollectionOwner;
use sqlx::PgPool;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  attio-billing link --customer acme --zoho-customer 982…01 --braintree-customer c-acme \\
    --attio-company 5f2a… --subscription s-acme --zoho-subscription 982…07 --owner orchestrator")]
pub(super) struct Args {
    /// Our customer id
    #[arg(long)]
    customer: String,
    /// Zoho Billing customer id
    #[arg(long)]
    zoho_customer: Option<String>,
    /// Zoho CRM contact id
    #[arg(long)]
    zoho_contact: Option<String>,
    /// Zoho CRM account id
    #[arg(long)]
    zoho_account: Option<String>,
    /// Zoho Desk contact id
    #[arg(long)]
    desk_contact: Option<String>,
    /// Braintree customer id
    #[arg(long)]
    braintree_customer: Option<String>,
    /// Attio record id of the company
    #[arg(long)]
    attio_company: Option<String>,
    /// Attio record id of the person
    #[arg(long)]
    attio_person: Option<String>,
    /// The platform's user id
    #[arg(long)]
    platform_user: Option<String>,
    /// Our subscription id
    #[arg(long, requires_all = ["zoho_subscription", "owner"])]
    subscription: Option<String>,
    /// Zoho subscription id
    #[arg(long, requires = "subscription")]
    zoho_subscription: Option<String>,
    /// Attio record id of the subscription
    #[arg(long, requires = "subscription")]
    attio_subscription: Option<String>,
    /// The platform's subscription id
    #[arg(long, requires = "subscription")]
    platform_subscription: Option<String>,
    /// Who collects the subscription's money; where approvals are required, finance asks and a second person gives the
    /// same command
    #[arg(long, value_enum, requires = "subscription")]
    owner: Option<Owner>,
    /// The customer recorded consent to charges outside a subscription
    #[arg(long)]
    one_off_consent: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Owner {
    /// We charge the vaulted card
    Orchestrator,
    /// Braintree's own recurring billing
    BraintreeRecurring,
    /// Zoho's own gateway
    ZohoNative,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let links = CustomerLinks {
        customer: args.customer,
        zoho_customer: args.zoho_customer,
        zoho_contact: args.zoho_contact,
        zoho_account: args.zoho_account,
        desk_contact: args.desk_contact,
        braintree_customer: args.braintree_customer,
        attio_company: args.attio_company,
        attio_person: args.attio_person,
        platform_user: args.platform_user,
        subscription: args.subscription,
        zoho_subscription: args.zoho_subscription,
        attio_subscription: args.attio_subscription,
        platform_subscription: args.platform_subscription,
        owner: args.owner.map(|owner| match owner {
            Owner::Orchestrator => CollectionOwner::Orchestrator,
            Owner::BraintreeRecurring => CollectionOwner::BraintreeRecurring,
            Owner::ZohoNative => CollectionOwner::ZohoNative,
        }),
        one_off_consent: args.one_off_consent.then_some(true),
    };
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let Some(by) = who(&pool, &links).await? else { return Ok(()) };
    link_customer(&pool, &links, &by).await.map_err(|e| {
        Exit::refused(e.to_string()).hint("an id at a vendor belongs to one customer of ours; nothing was changed")
    })?;
    print(&format!("customer {} is linked", links.customer));
    eprintln!(
        "\nhint: sagas parked as CUSTOMER_UNLINKED go on with `attio-billing saga resume <id> --reason \"linked\"`"
    );
    Ok(())
}

/// Who links. Who collects is said by two people where approvals are required; none: it waits for the second one.
async fn who(pool: &PgPool, links: &CustomerLinks) -> Result<Option<String>, Exit> {
    if let (Some(subscription), Some(owner)) = (&links.subscription, links.owner)
        && settings::collection_owner(pool, subscription).await? != Some(owner)
        && !approvals::policy(pool).await?.is_empty()
    {
        let what = format!("let {owner:?} collect subscription {subscription} of customer {}", links.customer);
        return may_with_second(pool, Act::ChangeOwner, &what).await;
    }
    Ok(Some(acting(pool).await?.principal()))
}
