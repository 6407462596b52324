//! The parts of a measurement that run as processes of their own: their processor time and memory are theirs, and they can
//! be killed.

use super::ingest;
use super::ours;
use super::stub;
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// Says to a node where its stub is.
const STUB: &str = "ATTIO_BILLING_BENCH_STUB";

/// What a process plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// The vendor.
    Stub,
    /// An engine that works until it is stopped.
    Node,
    /// The public listener with nothing but the webhooks.
    Webhooks,
    /// A handler that inserts one row a request.
    BareWebhooks,
}

impl Part {
    /// Plays it until the process ends. The first line that is printed, through `ready`, is its address.
    ///
    /// # Errors
    /// The database cannot be used, or the port.
    pub async fn play(self, database_url: Option<SecretString>, ready: impl FnOnce(&str)) -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let url = || database_url.context("DATABASE_URL is not set");
        match self {
            Self::Stub => {
                ready(&address);
                stub::serve(listener).await?;
            }
            Self::Node => {
                let stub = std::env::var(STUB).with_context(|| format!("{STUB} is not set"))?;
                ours::work(&url()?, &stub, || ready(&address)).await?;
            }
            Self::Webhooks => {
                let routes = ingest::ours(&url()?).await?;
                ready(&address);
                axum::serve(listener, routes).await?;
            }
            Self::BareWebhooks => {
                let routes = ingest::bare(&url()?).await?;
                ready(&address);
                axum::serve(listener, routes).await?;
            }
        }
        Ok(())
    }

    /// Starts this program once more, to play it; returns when it is ready.
    ///
    /// # Errors
    /// It does not start, or ends at once.
    pub async fn start(self, database_url: Option<&SecretString>, stub: Option<&str>) -> anyhow::Result<Played> {
        let name = clap::ValueEnum::to_possible_value(&self).context("a part without a name")?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "part", name.get_name()]).stdout(Stdio::piped()).kill_on_drop(true);
        if let Some(url) = database_url {
            command.env("DATABASE_URL", url.expose_secret());
        }
        if let Some(stub) = stub {
            command.env(STUB, stub);
        }
        let mut child = command.spawn().context("a part of the measurement does not start")?;
        let out = child.stdout.take().context("a part of the measurement says nothing")?;
        let address =
            BufReader::new(out).lines().next_line().await?.context("a part of the measurement ended at once")?;
        Ok(Played { child, address })
    }
}

/// A part that is being played. It ends with this handle.
#[derive(Debug)]
pub struct Played {
    child: Child,
    /// Where it listens.
    pub address: String,
}

impl Played {
    /// Ends it without a word.
    ///
    /// # Errors
    /// It cannot be killed.
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// It cannot be asked.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = self.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        kill_process(pid.context("it has ended before")?, Signal::TERM)?;
        self.child.wait().await?;
        Ok(())
    }

    /// Its memory in bytes; absent where the system does not say.
    pub(super) fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1_024)
    }
}
