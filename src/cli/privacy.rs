//! `privacy erase`: a customer's personal data goes from here, and stays gone after a restore.

use super::actor::{may_ask_or_agree, may_with_second};
use super::database::{Database, DatabaseArgs};
use super::{Exit, print};
use crate::access::Act;
use crate::clock::{Clock, RealClock};
use crate::config::ProofSettings;
use crate::keys::Keys;
use crate::proof::erasures::Erasures;
use crate::store::{people, schema};
use secrecy::SecretString;
use sqlx::PgPool;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Erase what is held here of a customer: who it is, and from where they agreed to be charged
    ///
    /// Put on the erasure list first, which lies beside the published checkpoints: a database that is restored from before
    /// erases them again. The log names nobody and stays. Raw deliveries that name them go, too. Vendors are not asked, nothing
    /// is waited for, and no certificate is made: `POST /api/v1/erasures` of the running service does all that.
    /// Where approvals are required a second person gives the same command.
    ///
    /// Example:
    ///   attio-billing privacy erase acme --preview
    #[command(verbatim_doc_comment)]
    Erase(Erase),
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
    }
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
    eprintln!("\nhint: erase them at Attio, Zoho and Braintree too; what is read from there comes back");
    Ok(())
}
