//! The old system's list from outside: the commands of a person, the whole service, the simulated vendors over HTTP. What
//! counts is what our tables and the vendors' books hold afterwards.

mod s2_26_cut_over;
mod s2_26_lists;
mod s2_26_opening;
mod s2_26_shadows;

use crate::cli::{program, told};
use crate::outside::Outside;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::{Customer, StageOptions, Wish};
use attio_billing::store::links::{self, LinkKind};
use attio_billing::store::settings::collection_owner;
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::ids::SagaId;
use sagas::migration::Migration;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A company with an old system, and somebody of its finance.
struct Play {
    out: Outside,
    finance: String,
    folder: TempDir,
}

impl Play {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut StageOptions)) -> Self {
        let out = Outside::with(|options| {
            options.from = Some("2026-06-09T12:00:00Z".parse().unwrap());
            change(options);
        })
        .await;
        let finance = out.token_of("fay", Holder::Person, Role::Finance).await;
        Self { out, finance, folder: TempDir::new().unwrap() }
    }

    async fn end(self) {
        self.out.end().await;
    }

    /// A customer whom the old system charges, unknown here.
    async fn old(&self, name: &str) -> Customer {
        self.out.stage.new_customer(&Wish::new(name, 4_900).unlinked()).await.unwrap()
    }

    async fn staff(&self, act: &Value) -> Value {
        self.out.stage.sandbox.staff(act).await.unwrap()
    }

    async fn collected_by_zoho(&self, customer: &Customer) {
        let auto =
            json!({"vendor": "zoho", "act": "turn_on_auto_collect", "subscription_id": customer.zoho_subscription});
        self.staff(&auto).await;
    }

    /// A list on disk.
    fn list(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    /// A command of finance: exit code, what it prints, what it says.
    async fn run(&self, args: &[&str]) -> (i32, String, String) {
        self.run_as(&self.finance, args).await
    }

    async fn run_as(&self, token: &str, args: &[&str]) -> (i32, String, String) {
        let mut command = program(args);
        command.env("DATABASE_URL", self.out.database_url()).env("ATTIO_BILLING_TOKEN", token);
        told(command.output().await.unwrap())
    }

    /// Looks a list up: its id, and how many lines are in which state.
    async fn check(&self, file: &Path, more: &[&str]) -> (String, Value) {
        let file = file.to_str().unwrap();
        let args = [&["import", "check", file, "--wait", "--json"], more].concat();
        let (code, shown, errors) = self.run(&args).await;
        assert_eq!(code, 0, "{errors}");
        let shown: Value = serde_json::from_str(&shown).unwrap();
        (shown["list"].as_str().unwrap().to_owned(), shown["states"].clone())
    }

    /// A command of finance that is carried out.
    async fn does(&self, args: &[&str]) -> String {
        let (code, shown, errors) = self.run(args).await;
        assert_eq!(code, 0, "{args:?}: {errors}");
        self.out.stage.rest().await.unwrap();
        shown
    }

    async fn until(&self, old: &str, state: &str) {
        self.out.stage.until_saga(saga(old), state, |line| line.state == state).await.unwrap();
        self.out.stage.rest().await.unwrap();
    }

    async fn state(&self, old: &str) -> String {
        self.out.stage.saga(saga(old)).await.unwrap().unwrap().state
    }

    /// Our subscription of a Zoho subscription, with who collects.
    async fn linked(&self, customer: &Customer) -> Option<(String, Option<CollectionOwner>)> {
        let pool = self.out.stage.pool();
        let ours = links::find(pool, LinkKind::ZohoSubscription, &customer.zoho_subscription).await.unwrap()?;
        let owner = collection_owner(pool, &ours).await.unwrap();
        Some((ours, owner))
    }

    async fn books(&self) -> Value {
        self.out.stage.sandbox.books().await.unwrap()
    }

    /// Calls that were made at the vendors by name of the operation, but for reads.
    async fn sales(&self) -> usize {
        self.books().await["braintree"]["transactions"].as_array().unwrap().len()
    }
}

fn saga(old: &str) -> SagaId {
    Migration::id(old)
}
