//! `demo`: the whole product in one process, told as it happens.

use super::database::Database;
use super::{Exit, print, print_json};
use crate::config::TraceSettings;
use crate::demo::{Customer, Newcomer, SignUp, Stage, StageOptions, Wish};
use crate::store::append::Status;
use crate::store::query::{self, SagaLine};
use anyhow::Context;
use chrono::NaiveDate;
use comfy_table::{Cell, CellAlignment, Table, presets};
use owo_colors::{OwoColorize, Stream};
use sagas::kernel::money::{self, Money};
use secrecy::SecretString;
use serde_json::json;
use std::time::Instant;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing demo           then look around; Ctrl-C ends it
  attio-billing demo --exit    exit code 0 only if there are no differences")]
pub(super) struct Args {
    /// Ends after the comparison instead of serving on
    #[arg(long)]
    exit: bool,
    /// Prints one JSON line with addresses and credentials instead of the account
    #[arg(long, conflicts_with = "exit")]
    json: bool,
    /// How many customers renew
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(6..=500))]
    customers: u32,
    /// Public listener of the service
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// Private listener of the service
    #[arg(long, default_value = "127.0.0.1:0")]
    private_listen: String,
    /// Listener of the sandbox
    #[arg(long, default_value = "127.0.0.1:0")]
    sandbox_listen: String,
    /// Postgres URL of an empty database; unset: a fresh one in the private Postgres
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<SecretString>,
    #[command(flatten)]
    traces: TraceSettings,
}

impl Args {
    pub(super) const fn traces(&self) -> &TraceSettings {
        &self.traces
    }
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    args.traces.check().map_err(Exit::config)?;
    let began = Instant::now();
    let given = args.database_url.is_some();
    let told = Told { quiet: args.json };
    told.line("Starting Postgres, three simulated vendors and the service in this process …");
    let database = Database::open(args.database_url.clone()).await?;
    let url = match (&database.server, given) {
        // Each show plays on an empty database of its own.
        (Some(server), false) => server.create_database(&format!("demo_{}", std::process::id())).await?,
        _ => database.url.clone(),
    };
    let options = StageOptions {
        listen: [args.listen.clone(), args.private_listen.clone()],
        sandbox_listen: args.sandbox_listen.clone(),
        ..StageOptions::new(url)
    };
    let stage = Stage::start(&options).await?;
    let show = Show { stage: &stage, told: &told };
    show.play(args.customers).await?;
    let comparison = stage.compare().await?;
    let differences = comparison.differences();
    if args.json {
        print_json(&stage.describe())?;
    } else {
        show.tally().await?;
        print(&comparison.table());
        let verdict = format!("{differences} differences");
        let verdict = if differences == 0 {
            verdict.if_supports_color(Stream::Stdout, |t| t.green()).to_string()
        } else {
            verdict.if_supports_color(Stream::Stdout, |t| t.red()).to_string()
        };
        print(&format!("{verdict}, after {:.1} s\n", began.elapsed().as_secs_f32()));
    }
    if !args.exit {
        show.what_next().await?;
        super::serve::stopped().await;
    }
    stage.end().await;
    if let Some(server) = database.server {
        server.stop().await?;
    }
    if differences > 0 { Err(Exit::found(format!("{differences} differences between the systems"))) } else { Ok(()) }
}

/// Who talks.
struct Told {
    quiet: bool,
}

impl Told {
    fn line(&self, text: &str) {
        if !self.quiet {
            print(text);
        }
    }

    fn scene(&self, number: u32, title: &str, why: &str) {
        let title = format!("\n{number}. {title}");
        self.line(&title.if_supports_color(Stream::Stdout, |t| t.bold()).to_string());
        self.line(&format!("   {}", why.if_supports_color(Stream::Stdout, |t| t.dimmed())));
    }

    fn done(&self, text: &str) {
        self.line(&format!("   {} {text}", "✓".if_supports_color(Stream::Stdout, |t| t.green())));
    }
}

struct Show<'a> {
    stage: &'a Stage,
    told: &'a Told,
}

impl Show<'_> {
    async fn play(&self, customers: u32) -> anyhow::Result<()> {
        let customers = self.renewals(customers).await.context("scene 1, renewals")?;
        self.declines(&customers).await.context("scene 2, declines")?;
        self.time_out(&customers[2]).await.context("scene 3, a time-out")?;
        self.outage(&customers[3]).await.context("scene 4, an outage")?;
        self.webhooks(&customers[4], &customers[5]).await.context("scene 5, webhooks")?;
        self.parked().await.context("scene 6, a parked saga")?;
        self.sign_ups().await.context("scene 7, new customers")?;
        self.undone().await.context("scene 8, an activation that is undone")?;
        self.settle().await.context("scene 9, settlement")
    }

    async fn renewals(&self, count: u32) -> anyhow::Result<Vec<Customer>> {
        self.told.scene(
            1,
            "Renewals",
            "Zoho raises an invoice; its signed webhook starts a saga: charge the card, record the payment, show it in Attio.",
        );
        let mut customers = Vec::new();
        for (number, name) in (0..count).zip(names()) {
            let price = 1_900 + i64::from(number % 7) * 1_000;
            customers.push(self.stage.new_customer(&Wish::new(name, price)).await?);
        }
        self.stage.rest().await?;
        let first = self.stage.saga_of(&customers[0].first_invoice);
        self.told.done(&format!("{count} invoices raised, charged, recorded in Zoho and shown in Attio"));
        self.timeline(first).await?;
        Ok(customers)
    }

    async fn declines(&self, customers: &[Customer]) -> anyhow::Result<()> {
        self.told.scene(
            2,
            "Two cards are declined; one recovers",
            "Soft declines are tried again on day 3, 7 and 14; a hard one waits for a new card. Attio says so at once.",
        );
        let (soft, hard) = (&customers[0], &customers[1]);
        self.behave(soft, Some("2001")).await?;
        self.behave(hard, Some("2004")).await?;
        let again = self.stage.saga_of(&self.stage.renew(soft, 4_900).await?);
        let waits = self.stage.saga_of(&self.stage.renew(hard, 2_900).await?);
        self.stage.rest().await?;
        self.told.done(&format!("{}: insufficient funds, {}", soft.name, self.state(again).await?));
        self.told.done(&format!("{}: expired card, {}", hard.name, self.state(waits).await?));
        self.behave(soft, None).await?;
        let day = self.until_due(again).await?;
        let paid = self.stage.until_saga(again, "paid", |s| s.state == "AwaitSettlement").await?;
        self.told.done(&format!("on {day} {} has paid: {}", soft.name, paid.state));
        Ok(())
    }

    async fn time_out(&self, customer: &Customer) -> anyhow::Result<()> {
        self.told.scene(
            3,
            "A charge goes through, but its answer is lost",
            "The outcome is unknown, so nothing is sent again: the sale is looked up by our order id.",
        );
        self.fault(
            &json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "timeout_after", "times": 1}),
        )
        .await?;
        let saga = self.stage.saga_of(&self.stage.renew(customer, 3_900).await?);
        self.stage.until_saga(saga, "resolving", |s| s.status == Status::Resolving).await?;
        self.told.done("no answer came: the saga is `resolving`, and the customer is not charged again");
        self.advance("PT61S").await?;
        self.stage.until_saga(saga, "paid", |s| s.state == "AwaitSettlement").await?;
        self.told.done("a minute later the look-up found one sale: recorded, shown, charged once");
        Ok(())
    }

    async fn outage(&self, customer: &Customer) -> anyhow::Result<()> {
        self.told.scene(
            4,
            "Zoho goes down between the charge and its record",
            "The money is taken; the record follows when Zoho is back, and the customer is never dunned.",
        );
        self.fault(&json!({"vendor": "zoho", "operation": "payment.create", "kind": "status", "status": 503})).await?;
        let saga = self.stage.saga_of(&self.stage.renew(customer, 5_900).await?);
        self.stage.until_saga(saga, "resolving", |s| s.status == Status::Resolving).await?;
        self.told.done("charged; Zoho answers 503, so whether it recorded the payment is unknown");
        self.stage.sandbox.clear_faults().await?;
        self.advance("PT2M").await?;
        self.advance("PT10M").await?;
        self.stage.until_saga(saga, "paid", |s| s.state == "AwaitSettlement").await?;
        self.told.done("Zoho is back: two clean looks proved that there was no record, then it was made");
        Ok(())
    }

    async fn webhooks(&self, one: &Customer, other: &Customer) -> anyhow::Result<()> {
        self.told.scene(
            5,
            "Webhooks come twice and in the wrong order",
            "A webhook only says that something happened; the saga reads what is true now.",
        );
        self.stage.sandbox.webhooks(&json!({"vendor": "zoho", "duplicate_next": 2})).await?;
        self.stage.renew(one, 2_100).await?;
        self.stage.rest().await?;
        self.stage.sandbox.webhooks(&json!({"vendor": "zoho", "reorder_next": 2})).await?;
        self.stage.renew(other, 2_200).await?;
        self.stage.renew(one, 2_300).await?;
        self.stage.rest().await?;
        self.told.done("delivered twice, charged once; delivered last first, all paid");
        Ok(())
    }

    async fn parked(&self) -> anyhow::Result<()> {
        self.told.scene(
            6,
            "An invoice of somebody whom we do not know",
            "Nobody is charged on a guess: the saga parks with a reason, a person links the customer and resumes it.",
        );
        let stranger = self.stage.new_customer(&Wish::new("Unlinked Industries", 7_900).unlinked()).await?;
        let saga = self.stage.saga_of(&stranger.first_invoice);
        let parked = self.stage.until_saga(saga, "parked", |s| s.status == Status::NeedsPerson).await?;
        self.told.done(&format!(
            "parked as {}: {}",
            parked.parked.as_ref().map_or("", |(code, _, _)| code),
            parked.parked.as_ref().map_or("", |(_, detail, _)| detail),
        ));
        self.stage.link(&stranger).await?;
        self.stage.resume(saga, "the customer is linked now").await?;
        self.stage.until_saga(saga, "paid", |s| s.state == "AwaitSettlement").await?;
        self.told.done("linked, resumed over the API, charged, recorded");
        Ok(())
    }

    async fn sign_ups(&self) -> anyhow::Result<()> {
        self.told.scene(
            7,
            "New customers start in Attio and pay at the checkout",
            "A CRM user presses `Start`; the customer sees the price, then pays: one hold, the subscription, one capture.",
        );
        let first =
            self.invited(&SignUp::new("Kestrel Foods", "team-monthly").with("coupon_code", "WELCOME10")).await?;
        self.told.done("pressed in Attio: quoted, and a link is on the record and in the customer's mail");
        let shown = self.stage.pay(&first.1, "fake-valid-nonce").await?;
        self.told.done(&format!("Kestrel Foods pays: the page says `{}`", shown.stage));
        self.active(&first.0).await?;
        let saga = self.activation(&first.0).await?;
        self.timeline(saga.id).await?;

        let trial = self.invited(&SignUp::new("Lapwing Labs", "starter-monthly")).await?;
        self.stage.pay(&trial.1, "fake-valid-visa-nonce").await?;
        self.active(&trial.0).await?;
        self.told.done("Lapwing Labs starts a trial: the card is verified and kept, nothing is charged");

        let slow = self.invited(&SignUp::new("Merlin Travel", "business-monthly")).await?;
        self.fault(
            &json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "timeout_after", "times": 1}),
        )
        .await?;
        self.stage.pay(&slow.1, "fake-valid-mastercard-nonce").await?;
        self.advance("PT61S").await?;
        self.active(&slow.0).await?;
        self.told.done("Merlin Travel's hold went unanswered: looked up, found, and held once");
        Ok(())
    }

    async fn undone(&self) -> anyhow::Result<()> {
        self.told.scene(
            8,
            "Zoho goes down in the middle of an activation",
            "What cannot be finished within a day is undone in reverse: nothing was charged, and nothing is left behind.",
        );
        let (newcomer, url) = self.invited(&SignUp::new("Nuthatch Media", "team-monthly")).await?;
        self.fault(&json!({"vendor": "zoho", "operation": "subscription.create", "kind": "rate_limit"})).await?;
        let shown = self.stage.pay(&url, "fake-valid-amex-nonce").await?;
        self.told.done(&format!("the card is held and Zoho takes no subscription: the page says `{}`", shown.stage));
        self.stage.sandbox.advance("PT25H").await?;
        let saga = self.activation(&newcomer).await?.id;
        let released = |line: &SagaLine| matches!(line.status, Status::Waiting | Status::Ended);
        self.stage.until_saga(saga, "undone", released).await?;
        self.stage.sandbox.clear_faults().await?;
        self.stage.rest().await?;
        self.told.done("a day later the hold is released, and the customer has a new quote and a new link by mail");
        Ok(())
    }

    /// A newcomer on whose record `Start` was pressed, and the link.
    async fn invited(&self, sign_up: &SignUp) -> anyhow::Result<(Newcomer, String)> {
        let newcomer = self.stage.newcomer(sign_up).await?;
        self.stage.press(&newcomer.record, "Start").await?;
        let url = self.stage.checkout_url(&newcomer.record).await?;
        Ok((newcomer, url))
    }

    async fn active(&self, newcomer: &Newcomer) -> anyhow::Result<()> {
        self.stage
            .until(&format!("{} to be active in Attio", newcomer.name), async || {
                Ok(self.stage.subscription_record(&newcomer.record).await?["subscription_status"] == "Active")
            })
            .await
    }

    async fn activation(&self, newcomer: &Newcomer) -> anyhow::Result<SagaLine> {
        let filter = query::SagaFilter {
            kind: Some("subscription_activation".to_owned()),
            reference: Some(newcomer.record.clone()),
            ..query::SagaFilter::default()
        };
        let found = query::sagas(self.stage.pool(), &filter, None, 1).await?;
        found.into_iter().next().with_context(|| format!("no activation of {}", newcomer.name))
    }

    async fn settle(&self) -> anyhow::Result<()> {
        self.told.scene(
            9,
            "Settlement",
            "Braintree announces no card settlement; each sale is looked at until it is final.",
        );
        for _ in 0..3 {
            self.advance("P1D").await?;
        }
        let ended = self.count(|s| s.status == Status::Ended).await?;
        self.told.done(&format!("three days later {ended} flows are complete, every journal posted"));
        Ok(())
    }

    /// Moves everybody's clock and lets the world come to rest.
    async fn advance(&self, by: &str) -> anyhow::Result<()> {
        self.stage.sandbox.advance(by).await?;
        self.stage.rest().await
    }

    /// Moves everybody's clock to when a saga is due, and a little further; answers the day. At which hour a card is tried again
    /// is the schedule's affair: a whole number of days may end before it.
    async fn until_due(&self, saga: sagas::kernel::ids::SagaId) -> anyhow::Result<NaiveDate> {
        let line = self.stage.saga(saga).await?.context("the saga is on record")?;
        let due = line.due_at.context("the saga waits for a time")?;
        let left = (due - self.stage.sandbox.now().await?).num_seconds().max(0) + 2;
        self.advance(&format!("PT{left}S")).await?;
        Ok(due.date_naive())
    }

    async fn fault(&self, fault: &serde_json::Value) -> anyhow::Result<()> {
        Ok(self.stage.sandbox.order_faults(fault).await?)
    }

    async fn behave(&self, customer: &Customer, decline: Option<&str>) -> anyhow::Result<()> {
        let act = json!({"vendor": "braintree", "act": "set_card_behaviour", "token": customer.token, "decline_code": decline});
        self.stage.sandbox.staff(&act).await?;
        Ok(())
    }

    async fn state(&self, saga: sagas::kernel::ids::SagaId) -> anyhow::Result<String> {
        let line = self.stage.saga(saga).await?.context("the saga is on record")?;
        let next = line.due_at.map_or_else(String::new, |t| format!(", next try {}", t.format("%Y-%m-%d")));
        Ok(format!("{}{next}", line.state))
    }

    async fn count(&self, fits: impl Fn(&SagaLine) -> bool) -> anyhow::Result<usize> {
        Ok(self.stage.all_sagas().await?.iter().filter(|s| fits(s)).count())
    }

    /// The business events of one saga: what a finance person reads.
    async fn timeline(&self, saga: sagas::kernel::ids::SagaId) -> anyhow::Result<()> {
        let (_, events) =
            query::saga(&self.stage.service().store.pool, saga).await?.context("the saga is on record")?;
        for event in events {
            if !event.name.starts_with("step.") {
                let money = event.amount.map(|m| m.to_string()).unwrap_or_default();
                let line = format!("     {:<24}{money:>12}", event.name);
                self.told.line(&line.if_supports_color(Stream::Stdout, |t| t.dimmed()).to_string());
            }
        }
        Ok(())
    }

    /// What happened, in numbers.
    async fn tally(&self) -> anyhow::Result<()> {
        let all = self.stage.all_sagas().await?;
        let eur = money::currency("EUR")?;
        let mut states = std::collections::BTreeMap::<&str, (u32, i64)>::new();
        for saga in &all {
            let (count, minor) = states.entry(saga.state.as_str()).or_default();
            *count += 1;
            *minor += saga.amount.map_or(0, |m| m.minor);
        }
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["What became of the flows", "flows", "amount"]);
        for (state, (count, minor)) in states {
            table.add_row([
                Cell::new(state),
                Cell::new(count).set_alignment(CellAlignment::Right),
                Cell::new(Money::new(minor, eur)).set_alignment(CellAlignment::Right),
            ]);
        }
        print(&format!("\n{table}\n"));
        Ok(())
    }

    async fn what_next(&self) -> anyhow::Result<()> {
        let (_, page) = self.invited(&SignUp::new("Your Company", "team-monthly").with("quantity", 3)).await?;
        let what = self.stage.describe();
        let text = |field: &str| what[field].as_str().unwrap_or_default().to_owned();
        self.told.line("The world keeps running; Ctrl-C ends it. In another terminal, try:");
        self.told.line(&format!(
            "\n   export DATABASE_URL='{}' ADMIN_TOKEN={}",
            text("database_url"),
            text("admin_token")
        ));
        for command in [
            "cargo run -- saga list".to_owned(),
            "cargo run -- saga list --json | head -1        # then: cargo run -- saga show <id>".to_owned(),
            "cargo run -- log query --event PaymentCaptured".to_owned(),
            "cargo run -- log verify".to_owned(),
            "cargo run -- saga rehearse --park              # practise resuming".to_owned(),
            format!(
                "curl -H \"Authorization: Bearer $ADMIN_TOKEN\" \"{}/api/v1/transactions?money=true\"",
                text("private_url")
            ),
        ] {
            self.told.line(&format!("   {command}"));
        }
        let control = what["sandbox"]["control_url"].as_str().unwrap_or_default();
        let mailbox = what["sandbox"]["mail"]["mailbox_url"].as_str().unwrap_or_default();
        self.told.line("\n   Open these in a browser:");
        self.told.line(&format!("   {page}   a checkout; pay with 4111 1111 1111 1111, any later month, 123"));
        self.told.line(&format!("   {mailbox}   the mails that customers got"));
        self.told.line(&format!("\n   The simulated vendors and what they can be told to do: {control}"));
        Ok(())
    }
}

/// Names for customers, as many as wanted.
fn names() -> impl Iterator<Item = String> {
    const FIRST: [&str; 10] = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper"];
    const SECOND: [&str; 6] = ["Bakery", "Studio", "Logistics", "Clinic", "Robotics", "Press"];
    (0..).map(|n: usize| {
        let round = n / (FIRST.len() * SECOND.len());
        let suffix = if round == 0 { String::new() } else { format!(" {}", round + 1) };
        format!("{} {}{suffix}", FIRST[n % FIRST.len()], SECOND[(n / FIRST.len()) % SECOND.len()])
    })
}
