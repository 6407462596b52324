//! `privacy request|confirm|certificate`: a customer is erased here and at the vendors, by the flow that does. `privacy erase`:
//! what is held here goes at once, and stays gone after a restore; nobody else is asked.

use super::actor::{may, may_approve, may_ask_or_agree, may_with_second};
use super::database::{Database, DatabaseArgs};
use super::saga::{find, no_such_saga, refused};
use super::said::Said;
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::clock::{Clock, RealClock};
use crate::config::ProofSettings;
use crate::http::api::erasures::{ErasureLaw, IdentityMeans, newest};
use crate::intake::erasures::{self, DOCUMENTS_KEPT_DAYS, ErasureOrder, Here, Word};
use crate::intake::operator::Order;
use crate::keys::Keys;
use crate::proof::erasures::Erasures;
use crate::store::{people, query, schema};
use chrono::NaiveDate;
use sagas::kernel::ids::{Installation, SagaId};
use secrecy::SecretString;
use sqlx::PgPool;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Erase at once what is held here of a customer: who it is, and from where they agreed to be charged
    ///
    /// Put on the erasure list first, which lies beside the published checkpoints: a database that is restored from before
    /// erases them again. The log names nobody and stays. Raw deliveries that name them go, too. Vendors are not asked, nothing
    /// is waited for, and no certificate is made: `privacy request` has the running service do all that.
    /// Where approvals are required a second person gives the same command.
    ///
    /// Example:
    ///   attio-billing privacy erase acme --preview
    #[command(verbatim_doc_comment)]
    Erase(Erase),
    /// Ask the running service to erase a customer, here and at every vendor
    ///
    /// Nothing goes yet: what would go and what stands in the way is looked up, and waits for another person's `confirm`.
    /// The reason stays on record for ever: a ticket's number, not who it is.
    ///
    /// Example:
    ///   attio-billing privacy request acme --law gdpr --received-on 2026-11-20 --identity signed-in --reason "ticket 12"
    #[command(verbatim_doc_comment)]
    Request(Request),
    /// Confirm the preview of an erasure that somebody else has asked for: it is carried out
    ///
    /// Example:
    ///   attio-billing privacy confirm 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --preview 1 --reason "looked at it"
    #[command(verbatim_doc_comment)]
    Confirm(Confirm),
    /// Print the certificate of an erasure, as JSON; it names nobody
    ///
    /// Example:
    ///   attio-billing privacy certificate 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01
    #[command(verbatim_doc_comment)]
    Certificate(Certificate),
}

#[derive(Debug, clap::Args)]
pub(super) struct Request {
    /// Our customer id
    customer: String,
    /// Under which law: it sets the clock
    #[arg(long, value_enum)]
    law: ErasureLaw,
    /// When the person asked, e.g. 2026-11-20
    #[arg(long)]
    received_on: NaiveDate,
    /// By what it was made sure that it is the person
    #[arg(long, value_enum)]
    identity: IdentityMeans,
    /// Days for which tax law wants documents kept
    #[arg(long, default_value_t = DOCUMENTS_KEPT_DAYS)]
    documents_kept_days: u32,
    /// The same key twice is the same order; unset: a new one
    #[arg(long)]
    key: Option<String>,
    /// Zoho Desk, where it is in use
    #[arg(long, env = "ZOHO_DESK_URL")]
    zoho_desk_url: Option<String>,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub(super) struct Confirm {
    /// Saga id
    id: Uuid,
    /// The number of the preview that was looked at
    #[arg(long)]
    preview: u32,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub(super) struct Certificate {
    /// Saga id
    id: Uuid,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Erase {
    /// Our customer id
    customer: String,
    /// Only say what would be done
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    list: ListArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// What opens the erasure list.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    proof: ProofSettings,
    /// The service's SECRET_KEY: customers stand on the list under hashes that are keyed with it
    #[arg(long, env = "SECRET_KEY", hide_env_values = true)]
    secret_key: SecretString,
}

impl ListArgs {
    /// The erasure list of the installation whose database this is.
    pub(super) async fn open(self, pool: &PgPool) -> Result<Erasures, Exit> {
        let config = self.proof.check_alone().map_err(|faults| Exit::usage(faults.0.join("; ")))?;
        let stamp = schema::stamp_of(pool).await?;
        let stamp =
            stamp.ok_or_else(|| Exit::refused("this database has no installation yet: start the service once"))?;
        let keys = Keys::new(&self.secret_key, "");
        Erasures::new(config.sink.as_ref(), &stamp.prefix, keys).map_err(Exit::usage)
    }
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Erase(args) => erase(args).await,
        Command::Request(args) => request(args).await,
        Command::Confirm(args) => confirm(args).await,
        Command::Certificate(args) => certificate(args).await,
    }
}

async fn request(args: Request) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let actor = may(&saying.pool, Act::ErasePerson).await?;
    let stamp = schema::stamp_of(&saying.pool).await?;
    let stamp = stamp.ok_or_else(|| Exit::refused("this database has no installation yet: start the service once"))?;
    let here = Here {
        organization: stamp.zoho_organisation,
        installation: Installation::new(&stamp.prefix).map_err(Exit::refused)?,
        helpdesk: args.zoho_desk_url.is_some(),
    };
    let key = args.key.unwrap_or_else(|| Uuid::now_v7().to_string());
    let item = here.erasure(ErasureOrder {
        customer: args.customer,
        law: args.law.into(),
        received_on: args.received_on,
        means: args.identity.into(),
        documents_kept_days: args.documents_kept_days,
        second_person: true,
        agreed_by: None,
        by: Order { by: actor.principal(), reason: saying.reason.clone(), key: Some(key) },
    });
    saying.tell(&item, "asked for; somebody else has to confirm the preview").await
}

async fn confirm(args: Confirm) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let saga = find(&saying.pool, SagaId(args.id)).await?;
    let actor = may_approve(&saying.pool, Act::ErasePerson).await?;
    let by = Order { by: actor.principal(), reason: saying.reason.clone(), key: None };
    let item = erasures::said(&saga, Word::Confirm(args.preview), by).map_err(|why| refused(why, saga.id))?;
    saying.tell(&item, "confirmed").await
}

async fn certificate(args: Certificate) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    may(&pool, Act::ErasePerson).await?;
    let id = SagaId(args.id);
    let (_, events) = query::saga(&pool, id).await?.ok_or_else(|| no_such_saga(id))?;
    let newest = newest(events).ok_or_else(|| {
        Exit::not_found("nothing is certified: the erasure is not done, or it is no erasure")
            .hint(format!("run `attio-billing saga show {id}`"))
    })?;
    print_json(&newest)
}

async fn erase(args: Erase) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    may_ask_or_agree(&pool, Act::ErasePerson).await?;
    let erasures = args.list.open(&pool).await?;
    let customer = args.customer;
    if !people::held(&pool).await?.contains(&customer) {
        return Err(Exit::not_found(format!("nothing personal is held of a customer `{customer}`")));
    }
    if args.preview {
        let listed = erasures.name().unwrap_or("no list: CHECKPOINT_SINK is not set");
        print(&format!(
            "customer {customer}: the person's data and the evidence of consents would go; listed in {listed}"
        ));
        return Ok(());
    }
    let Some(by) = may_with_second(&pool, Act::ErasePerson, &format!("erase customer {customer}")).await? else {
        return Ok(());
    };
    erasures.erase(&pool, &customer, &by, RealClock.now()).await.map_err(Exit::failure)?;
    print(&format!("customer {customer} is erased here"));
    if erasures.name().is_none() {
        eprintln!(
            "\nhint: no list is kept outside, since CHECKPOINT_SINK is not set: a restored backup still has them"
        );
    }
    eprintln!(
        "\nhint: erase them at Attio, Zoho and Braintree too: `privacy request` has the running service do all of it"
    );
    Ok(())
}
