//! `token …`: who may use the private API. A token's text is printed once, when it is made.

use super::actor::{may, may_approve};
use super::database::{Database, DatabaseArgs};
use super::saga::{said, short};
use super::{Exit, print, print_json};
use crate::access::{Act, Addresses, Holder, Role};
use crate::http::api::tokens::TokenView;
use crate::store::approvals;
use crate::store::tokens::{self, NewToken, TokenError};
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use comfy_table::{ContentArrangement, Table, presets};
use secrecy::ExposeSecret;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a token and print it, once
    ///
    /// Where approvals are required it waits for another admin, who must be a person, if there is one.
    ///
    /// Examples:
    ///   attio-billing token create --name ada --role operator --days 90 --reason "joins operations"
    ///   attio-billing token create --name shop --program --role platform --days 365 --address 10.0.0.0/8 --reason "sign-ups"
    #[command(verbatim_doc_comment)]
    Create(Create),
    /// List every token there ever was, the youngest first
    ///
    /// Example:
    ///   attio-billing token list
    #[command(verbatim_doc_comment)]
    List(List),
    /// Agree to a token that another admin made
    ///
    /// Example:
    ///   attio-billing token approve 0199…
    #[command(verbatim_doc_comment)]
    Approve(Approve),
    /// Take a token back: from now on it opens nothing, on any node
    ///
    /// Example:
    ///   attio-billing token revoke 0199… --reason "left the company"
    #[command(verbatim_doc_comment)]
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// Who will hold it: orders are on record as `token:<name>`
    #[arg(long)]
    name: String,
    /// What it is for: one role, or `platform` (sign-ups and links, nothing else)
    #[arg(long, value_parser = role())]
    role: Role,
    /// A program holds it, not a person
    #[arg(long)]
    program: bool,
    /// For how many days, 1 to 365
    #[arg(long)]
    days: u16,
    /// An address or range from which it may be used; may be given often; unset: from anywhere
    #[arg(long)]
    address: Vec<String>,
    /// Why; goes on record
    #[arg(long)]
    reason: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    /// The token's id
    id: Uuid,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// The token's id
    id: Uuid,
    /// Why; goes on record
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn role() -> impl clap::builder::TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str))
        .map(|word| Role::parse(&word).expect("the parser lets only words of roles through"))
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Create(args) => create(args).await,
        Command::List(args) => list(args).await,
        Command::Approve(args) => approve(args).await,
        Command::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: Create) -> Result<(), Exit> {
    let reason = said(args.reason)?;
    let addresses = Addresses::parse(&args.address).map_err(|e| Exit::usage(format!("--address: {e}")))?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let actor = may(&pool, Act::ManageTokens).await?;
    let new = NewToken {
        name: args.name,
        holder: if args.program { Holder::Program } else { Holder::Person },
        role: args.role,
        addresses,
        days: args.days,
        reason,
        by: actor.principal(),
    };
    let two_persons = !approvals::policy(&pool).await?.is_empty();
    let (id, secret) = tokens::create(&pool, &new, two_persons).await.map_err(not_done)?;
    let token = tokens::find(&pool, id).await.map_err(not_done)?;
    let (waits, expires) = (token.state == "waiting", token.expires_at.date_naive());
    if args.json {
        let mut shown = serde_json::to_value(TokenView::from(token))?;
        shown["token"] = secret.expose_secret().into();
        return print_json(&shown);
    }
    print(secret.expose_secret());
    eprintln!("token {id} until {expires}; it is shown this once");
    if waits {
        eprintln!(
            "it opens nothing until another admin agrees\n\nhint: they run `attio-billing token approve {id}` within a day"
        );
    }
    Ok(())
}

async fn list(args: List) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    may(&pool, Act::ReadTokens).await?;
    let all = tokens::list(&pool).await?;
    if args.json {
        return all.into_iter().map(TokenView::from).try_for_each(|token| print_json(&token));
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["token", "name", "holder", "role", "state", "made by", "until", "last used"]);
    for token in &all {
        table.add_row([
            token.id.to_string(),
            token.name.clone(),
            token.holder.as_str().to_owned(),
            token.role.to_string(),
            token.state.clone(),
            token.created_by.clone(),
            token.expires_at.date_naive().to_string(),
            token.last_used_at.map_or_else(|| "never".to_owned(), short),
        ]);
    }
    print(&table.to_string());
    if tokens::bootstrap_stands(&pool).await? == (true, true) {
        eprintln!(
            "\nhint: ADMIN_TOKEN still opens the API beside other admins' tokens: revoke `{}`",
            tokens::BOOTSTRAP
        );
    }
    Ok(())
}

async fn approve(args: Approve) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let actor = may_approve(&pool, Act::ManageTokens).await?;
    let token = tokens::approve(&pool, args.id, &actor.principal()).await.map_err(not_done)?;
    print(&format!("approved: {} opens what the role {} may", token.name, token.role));
    Ok(())
}

async fn revoke(args: Revoke) -> Result<(), Exit> {
    let reason = said(args.reason)?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let actor = may(&pool, Act::ManageTokens).await?;
    let token = tokens::revoke(&pool, args.id, &actor.principal(), &reason).await.map_err(not_done)?;
    print(&format!("revoked: this token of {} opens nothing any more", token.name));
    Ok(())
}

fn not_done(error: TokenError) -> Exit {
    let hint = "run `attio-billing token list`";
    match error {
        TokenError::Name(_) => Exit::usage(format!("--name: {error}")),
        TokenError::Days(_) => Exit::usage(format!("--days: {error}")),
        TokenError::OtherHolder(_)
        | TokenError::Oneself(_)
        | TokenError::SamePerson { .. }
        | TokenError::State { .. } => Exit::refused(error.to_string()).hint(hint),
        TokenError::Unknown(_) => Exit::not_found(error.to_string()).hint(hint),
        TokenError::Store(e) => e.into(),
    }
}
