//! `saga explain`: why a saga is where it is, and what happens next.

use super::database::{Database, DatabaseArgs};
use super::{Exit, print, print_json};
use crate::clock::{Clock, RealClock};
use crate::engine::explain::{Explanation, explain};
use crate::engine::preview::PreviewError;
use crate::engine::registry::Registry;
use crate::http::api::explain::ExplanationView;
use owo_colors::{OwoColorize, Stream};
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::At;
use uuid::Uuid;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  attio-billing saga explain 8d0c6a0e-5a43-5c8b-9a53-3b3a1f0f9f11")]
pub(super) struct Args {
    /// The saga's id
    id: Uuid,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let id = SagaId(args.id);
    let database = Database::open(args.database.database_url).await?;
    let registry = Registry::all().map_err(|e| Exit::failure(anyhow::Error::msg(e)))?;
    let at = At::utc(RealClock.now());
    let explanation = explain(&database.visit().await?, &registry, id, at).await.map_err(|e| match e {
        PreviewError::Unknown(id) => super::saga::no_such_saga(id),
        PreviewError::Unreadable(why) => Exit::failure(anyhow::anyhow!("saga {id} cannot be read: {why}"))
            .hint("use the release that wrote it, or a newer one"),
        PreviewError::Store(e) => e.into(),
    })?;
    if args.json {
        return print_json(&ExplanationView::from(explanation));
    }
    print(&text(&explanation));
    Ok(())
}

fn text(explanation: &Explanation) -> String {
    let saga = &explanation.saga;
    let bold = |text: &str| text.if_supports_color(Stream::Stdout, |t| t.bold()).to_string();
    let mut lines = vec![format!("{} {} ({})", saga.kind, bold(&saga.title), saga.id)];
    let last =
        explanation.last.as_ref().map(|(name, at)| format!(", {name} at {}", at.format("%Y-%m-%d %H:%M:%S UTC")));
    lines.push(format!("  {} · {}{}", saga.status.as_str(), saga.state, last.unwrap_or_default()));
    lines.push(format!("\n{}", bold("Why it is here")));
    lines.extend(explanation.because.iter().map(|sentence| format!("  {sentence}")));
    lines.push(format!("\n{}", bold("What happens next")));
    let at = explanation.at.map(|at| format!(" Not before {}.", at.format("%Y-%m-%d %H:%M:%S UTC")));
    lines.push(format!("  {}{}", explanation.next, at.unwrap_or_default()));
    if !explanation.holds.is_empty() {
        lines.push(format!("\n{}", bold("What it holds")));
        lines.extend(explanation.holds.iter().map(|held| format!("  {held}")));
    }
    if !explanation.orders.is_empty() {
        lines.push(format!("\n{}", bold("What can be ordered now")));
        lines.push(format!("  {}", explanation.orders.join(", ")));
    }
    lines.join("\n")
}
