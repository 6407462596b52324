//! `serve`: the service, until it is told to stop.

use super::database::Database;
use super::{Exit, print, print_json};
use crate::app::Service;
use crate::clock::{Clock, MovableClock, RealClock};
use crate::config::{Environment, Faults, Settings, TraceSettings};
use crate::demo;
use crate::store::open::migrate_url;
use sandbox::remote::Remote;
use secrecy::ExposeSecret;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing serve                                   everything from the environment
  attio-billing serve --sandbox-url http://127.0.0.1:4000    against a running sandbox")]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    traces: TraceSettings,
    /// A running sandbox: vendors, credentials and business time are taken from it
    #[arg(long, env = "SANDBOX_URL")]
    sandbox_url: Option<String>,
    /// Prints one JSON line with addresses and credentials; in sandbox mode only
    #[arg(long, requires = "sandbox_url")]
    json: bool,
}

impl Args {
    pub(super) const fn traces(&self) -> &TraceSettings {
        &self.traces
    }
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    // Telemetry has them since the process began.
    args.traces.check().map_err(Exit::config)?;
    let mut settings = args.settings;
    let mut clock: Arc<dyn Clock> = Arc::new(RealClock);
    let mut sandbox = None;
    if let Some(url) = &args.sandbox_url {
        if settings.environment == Environment::Production {
            return Err(no_show(settings));
        }
        let remote = Remote::new(&format!("{}/control", url.trim_end_matches('/')));
        let description = remote.description().await?;
        demo::adopt(&mut settings, &description).map_err(Exit::usage)?;
        let movable = Arc::new(MovableClock::default());
        movable.set_offset(remote.now().await? - RealClock.now());
        tokio::spawn(follow(remote.clone(), Arc::clone(&movable)));
        clock = movable;
        sandbox = Some((remote, description));
    }
    let mut config = settings.check().map_err(Exit::config)?;
    let production = config.environment == Environment::Production;
    let database = Database::open(config.database_url.clone()).await?;
    if !production {
        migrate_url(database.url.expose_secret()).await?;
    }
    if sandbox.is_some() {
        demo::provision_attio(&mut config.vendors.attio).await?;
    }
    let description = sandbox.as_ref().map(|(_, d)| d.clone());
    let details = demo::Details {
        admin_token: config.admin_token.clone(),
        database_url: database.url.clone(),
        vendors: config.vendors.clone(),
    };
    let environment = config.environment;
    let service = Service::start(config, database.url.expose_secret(), clock).await?;
    if let Some((remote, _)) = &sandbox {
        demo::aim_webhooks(remote, &service.public_url).await?;
    }
    match (args.json, description) {
        (true, Some(sandbox)) => print_json(&demo::describe(&service, &details, &sandbox))?,
        _ => print(&format!(
            "serving ({}): webhooks on http://{}, API on http://{}",
            json!(format!("{environment:?}").to_lowercase()).as_str().unwrap_or_default(),
            service.public,
            service.private
        )),
    }
    let lost = tokio::select! {
        () = stopped() => false,
        () = service.lost() => true,
    };
    eprintln!("stopping: calls in flight end first");
    service.stop().await;
    if lost {
        return Err(Exit::failure(anyhow::anyhow!(
            "the database behind DATABASE_URL is another one than at the start"
        ))
        .hint("start it again: it begins in recovery hold; then see `attio-billing recover --help`"));
    }
    if let Some(server) = database.server {
        server.stop().await?;
    }
    Ok(())
}

/// Production talks to no simulated vendor: that fault, and all others beside it.
fn no_show(settings: Settings) -> Exit {
    let mut faults = settings.check().err().unwrap_or_else(|| Faults(Vec::new()));
    faults.0.insert(0, "SANDBOX_URL is set: production talks to no simulated vendor; unset it".to_owned());
    Exit::config(faults)
}

/// Until SIGTERM or Ctrl-C.
pub(super) async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Keeps business time with the sandbox's clock.
async fn follow(sandbox: Remote, clock: Arc<MovableClock>) {
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if let Ok(now) = sandbox.now().await {
            let offset = now - RealClock.now();
            // The answer's travel time is no move of the clock.
            if (offset - (clock.now() - RealClock.now())).abs() > chrono::TimeDelta::milliseconds(500) {
                clock.set_offset(offset);
            }
        }
    }
}
