//! `sandbox`: the simulated vendors, until stopped.

use super::{Exit, print, print_json};
use anyhow::Context;
use sandbox::{World, mailbox, scenario, server};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing sandbox --listen 127.0.0.1:4000
  attio-billing sandbox --listen 127.0.0.1:0 --json    one JSON line with every address and credential")]
pub(super) struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, env = "SANDBOX_LISTEN", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
    /// Where to take mails over SMTP; unset: beside --listen, on a free port where that took one, else on its port + 25
    #[arg(long, env = "SANDBOX_SMTP_LISTEN")]
    smtp_listen: Option<SocketAddr>,
    /// The URL under which callers reach it, where that is another than the listener's
    #[arg(long, env = "SANDBOX_PUBLIC_URL")]
    public_url: Option<String>,
    /// Prints one JSON line with addresses and credentials
    #[arg(long)]
    json: bool,
    /// A world and its faults to begin with, as TOML (docs/SANDBOX.md); a running one gives its own at /control/scenario
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let listener =
        TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {} (--listen)", args.listen))?;
    let world = Arc::new(World::default());
    let base = match args.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", listener.local_addr()?),
    };
    world.reached_at(base.clone());
    let smtp_port = if args.listen.port() == 0 { 0 } else { args.listen.port().saturating_add(25) };
    let smtp_listen = args.smtp_listen.unwrap_or(SocketAddr::new(args.listen.ip(), smtp_port));
    mailbox::open(&world, smtp_listen)
        .await
        .with_context(|| format!("cannot listen on {smtp_listen} for mails (--smtp-listen)"))?;
    if let Some(file) = &args.scenario {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {} (--scenario)", file.display()))?;
        scenario::play(&world, &text).await.map_err(|refused| {
            let at = refused.field.unwrap_or_default();
            anyhow::anyhow!("{}: {at}: {}", file.display(), refused.message)
        })?;
    }
    let description = server::description(&base, &world);
    if args.json {
        print_json(&description)?;
    } else {
        print(&format!(
            "the vendors are at {base}; {base}/control says what they can be told to do, {base}/mailbox shows the mails\n"
        ));
        print(&serde_json::to_string_pretty(&description)?);
    }
    server::serve(listener, world, super::serve::stopped()).await?;
    Ok(())
}
