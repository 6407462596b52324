//! `migrate`: the schema of this release.

use super::database::{Database, DatabaseArgs};
use super::{Exit, print};
use crate::store::open::migrate_url;
use secrecy::ExposeSecret;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  DATABASE_URL=postgres://… attio-billing migrate")]
pub(super) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    migrate_url(database.url.expose_secret()).await?;
    print("the schema is that of this release");
    Ok(())
}
