//! `zoho`: from a grant code, as Zoho's API console makes it, to the settings that the service needs.

use super::{Exit, print};
use crate::config::{DATA_CENTRES, DataCentre};
use crate::connectors::http::Http;
use crate::connectors::zoho::grant::{Grant, Refused, SCOPES, SelfClient};
use secrecy::{ExposeSecret, SecretString};
use std::io::{BufRead, IsTerminal};
use std::time::Duration;
use url::Url;

/// How long Zoho may take.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Exchange a grant code of Zoho's API console for the refresh token, and print the settings
    Login(LoginArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing zoho login --data-centre eu --scopes
  ZOHO_CLIENT_ID=1000.ABC ZOHO_CLIENT_SECRET=… attio-billing zoho login --data-centre eu >> .env")]
pub(super) struct LoginArgs {
    /// The data centre in which you sign in to Zoho
    #[arg(long, value_parser = names())]
    data_centre: String,
    /// Prints the scopes to paste into Zoho's API console, and exchanges nothing
    #[arg(long)]
    scopes: bool,
    /// Id of the client of the type `Self Client`
    #[arg(long, env = "ZOHO_CLIENT_ID", required_unless_present = "scopes")]
    client_id: Option<String>,
    /// Its secret
    #[arg(long, env = "ZOHO_CLIENT_SECRET", hide_env_values = true, required_unless_present = "scopes")]
    client_secret: Option<SecretString>,
    /// Zoho Accounts somewhere else than in the data centre: the sandbox
    #[arg(long)]
    accounts_url: Option<Url>,
}

fn names() -> clap::builder::PossibleValuesParser {
    DATA_CENTRES.map(|of| of.name).into()
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Login(args) => login(args).await,
    }
}

async fn login(args: LoginArgs) -> Result<(), Exit> {
    if args.scopes {
        print(&SCOPES.join(","));
        return Ok(());
    }
    let centre = DATA_CENTRES.iter().find(|of| of.name == args.data_centre);
    let centre = centre.ok_or_else(|| Exit::usage(format!("Zoho has no data centre `{}`", args.data_centre)))?;
    let (Some(id), Some(secret)) = (args.client_id, args.client_secret) else {
        return Err(Exit::usage("ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET are not both set"));
    };
    let accounts_url = args.accounts_url.unwrap_or_else(|| centre.accounts_url());
    let code = code(centre)?;
    let client = SelfClient { accounts_url, id, secret };
    let http = Http::new().map_err(|e| Exit::failure(e.into()))?;
    let grant = client.exchange(&http, &code, LIMIT).await.map_err(refused)?;
    let is_here = grant.api_domain.as_deref().is_none_or(|said| is_host(said, centre.api));
    print(&settings(&client, &grant, centre));
    eprintln!("\nhint: store the refresh token now: it opens Zoho until it is revoked, and is shown only once");
    if is_here {
        return Ok(());
    }
    Err(Exit::found(format!(
        "Zoho names another API host than that of the data centre `{}`: ZOHO_API_URL above is what Zoho named",
        centre.name
    ))
    .hint("`attio-billing doctor` shows whether it answers"))
}

/// From stdin, so that it stands in no list of processes and no history.
fn code(centre: &DataCentre) -> Result<SecretString, Exit> {
    if std::io::stdin().is_terminal() {
        eprintln!(
            "1. Open the API console of the data centre `{}` and choose your client of the type `Self Client`.\n\
             2. Under `Generate Code` paste these scopes, choose ten minutes, and press `Create`:\n\n{}\n\n\
             3. Paste the code here and press enter:",
            centre.name,
            SCOPES.join(",")
        );
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let code = line.trim();
    if code.is_empty() {
        return Err(Exit::usage("no grant code came on stdin")
            .hint("`attio-billing zoho login --scopes` prints what Zoho's API console asks for"));
    }
    Ok(code.to_owned().into())
}

fn refused(why: Refused) -> Exit {
    Exit::failure(why.into())
}

fn is_host(url: &str, host: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.host_str() == Some(host))
}

/// As lines of an environment file.
fn settings(client: &SelfClient, grant: &Grant, centre: &DataCentre) -> String {
    let api = grant.api_domain.clone().unwrap_or_else(|| centre.api_url().to_string());
    // Desk is an option, and wants its own ids beside its address: named, but not set.
    let desk = format!("# ZOHO_DESK_URL={}", centre.desk_url().as_str().trim_end_matches('/'));
    let lines = [
        ("ZOHO_ACCOUNTS_URL", client.accounts_url.as_str()),
        ("ZOHO_API_URL", api.as_str()),
        ("ZOHO_CLIENT_ID", &client.id),
        ("ZOHO_CLIENT_SECRET", client.secret.expose_secret()),
        ("ZOHO_REFRESH_TOKEN", grant.refresh_token.expose_secret()),
    ]
    .map(|(name, value)| format!("{name}={}", value.trim_end_matches('/')));
    format!("{}\n{desk}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_are_the_settings_of_the_service() {
        let eu = DATA_CENTRES.iter().find(|of| of.name == "eu").expect("a data centre");
        let client = SelfClient { accounts_url: eu.accounts_url(), id: "1000.ID".to_owned(), secret: "shh".into() };
        let grant = Grant { refresh_token: "1000.c.d".into(), api_domain: Some("https://www.zohoapis.eu".to_owned()) };
        assert_eq!(
            settings(&client, &grant, eu),
            "ZOHO_ACCOUNTS_URL=https://accounts.zoho.eu\nZOHO_API_URL=https://www.zohoapis.eu\n\
             ZOHO_CLIENT_ID=1000.ID\nZOHO_CLIENT_SECRET=shh\n\
             ZOHO_REFRESH_TOKEN=1000.c.d\n# ZOHO_DESK_URL=https://desk.zoho.eu"
        );
        assert!(is_host("https://www.zohoapis.eu/", eu.api));
        assert!(!is_host("https://www.zohoapis.com", eu.api));
    }
}
