//! Wiring only: configuration to store, connectors, engine, intake and listeners.

use crate::checkout::Page;
use crate::clock::Clock;
use crate::config::{Config, LEASE_MARGIN, RENEWALS};
use crate::connectors::Connectors;
use crate::engine::hooks::NoHooks;
use crate::engine::{self, Budgets, Engine};
use crate::http;
use crate::intake::{Acts, Intake, NoticeSweep, PayoutSweep, Poller, Router, Sweeper, Trusted};
use crate::keys::Keys;
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::proof::erasures::Erasures;
use crate::proof::sink::Sink;
use crate::proof::{self, Proof};
use crate::reception::Reception;
use crate::reconcile::Reconciler;
use crate::store::schema::{SHARDS, Stamp};
use crate::store::shards::Lease;
use crate::store::vendor_tokens::VendorTokens;
use crate::store::{Store, approvals, tokens};
use crate::watch::Watch;
use anyhow::Context;
use axum::Router as Routes;
use sagas::crm_lifecycle::CrmLifecycle;
use sagas::desk_ticket::{DeskTicket, Rules};
use sagas::kernel::saga::Saga;
use sagas::profile_change::{self, ProfileChange};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A running service.
pub struct Service {
    /// Where webhooks arrive.
    pub public: SocketAddr,
    /// The base URL under which vendors reach it.
    pub public_url: String,
    /// Where the API is.
    pub private: SocketAddr,
    /// Everything stored.
    pub store: Store,
    /// The engine.
    pub engine: Arc<Engine>,
    proof: Arc<Proof>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// How long a stop waits for calls in flight.
const PATIENCE: Duration = Duration::from_secs(18);

impl Service {
    /// Starts a service on a migrated database.
    ///
    /// # Errors
    /// The database, a listener or a client cannot be had.
    pub async fn start(config: Config, database_url: &str, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let public = TcpListener::bind(config.public_listen)
            .await
            .with_context(|| format!("cannot listen on {} (PUBLIC_LISTEN)", config.public_listen))?;
        let private = TcpListener::bind(config.private_listen)
            .await
            .with_context(|| format!("cannot listen on {} (PRIVATE_LISTEN)", config.private_listen))?;
        let store = Store::open(database_url, &stamp(&config), &config.node, lease(&config)).await?;
        let budgets = Budgets::new(store.clone(), Arc::clone(&clock), &config.budgets);
        let meter: Arc<Budgets> = Arc::clone(&budgets);
        let addresses = (public.local_addr()?, private.local_addr()?);
        let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{}", addresses.0));
        let keys = Keys::new(&config.secret_key, &public_url);
        let tokens_of_vendors = Arc::new(VendorTokens::new(store.pool.clone(), keys.secrets().clone()));
        let connectors = Connectors::new(&config.vendors, Arc::clone(&clock), Some(meter), tokens_of_vendors)
            .map_err(anyhow::Error::msg)?;
        let connectors = Arc::new(connectors);
        let signers = proof::signers(&config.proof, &keys).map_err(anyhow::Error::msg)?;
        let sink = config.proof.sink.as_ref().map(|sink| Sink::new(sink, config.installation.as_str())).transpose();
        let sink = sink.map_err(anyhow::Error::msg)?;
        let erasures = Erasures::new(config.proof.sink.as_ref(), config.installation.as_str(), keys.clone());
        let erasures = erasures.map_err(anyhow::Error::msg)?;
        proof::guard(&store.pool, sink.as_ref(), &erasures, config.hold).await?;
        let mailer = Mailer::new(&config.mail, &config.brand, Arc::clone(&clock), config.call_limit)
            .map_err(anyhow::Error::msg)?;
        let mailer = Arc::new(mailer);
        let metrics = Metrics::default();
        let settings = engine::Settings {
            node: config.node.clone(),
            books_zone: config.books_zone,
            call_limit: config.call_limit,
            renewal: config.lease / RENEWALS,
            mailer: Some(Arc::clone(&mailer)),
            erasures: Some(Arc::new(erasures.clone())),
            metrics: metrics.clone(),
            two_persons: config.two_persons.clone(),
            auto_refunds: config.auto_refunds.clone(),
            flows: BTreeMap::from([
                (
                    ProfileChange::NAME.to_owned(),
                    serde_json::to_value(profile_change::Rules { crm: config.crm.rules.enabled })?,
                ),
                (CrmLifecycle::NAME.to_owned(), serde_json::to_value(&config.crm.rules)?),
                (
                    DeskTicket::NAME.to_owned(),
                    serde_json::to_value(Rules { enabled: config.vendors.zoho.desk.is_some() })?,
                ),
            ]),
            budgets: Some(budgets),
            ..engine::Settings::new(keys.clone())
        };
        approvals::set_policy(&store.pool, &config.two_persons).await?;
        tokens::bootstrap(&store.pool, &config.admin_token).await?;
        if !config.environment.is_show() {
            tell_of_bootstrap(&store).await?;
        }
        let vendors: Arc<Connectors> = Arc::clone(&connectors);
        let page = Arc::new(Page::new(config.brand.clone(), &config.checkout.scripts).map_err(anyhow::Error::msg)?);
        let secrets = keys.secrets().clone();
        let engine = Engine::start(store.clone(), vendors, Arc::clone(&clock), Arc::new(NoHooks), settings)
            .map_err(anyhow::Error::msg)?;
        let engine = Arc::new(engine);
        let intake = Arc::new(Intake::new(store.clone(), Trusted::from(&config.vendors), Arc::clone(&clock)));
        let desk = Reception::new(
            store.clone(),
            Arc::clone(&engine),
            Arc::clone(&connectors),
            keys,
            Arc::clone(&clock),
            config.call_limit,
        );
        let client_ip_header = config.checkout.client_ip_header.clone();
        let card = http::Checkout {
            desk: Arc::new(desk.for_cards()),
            page: Arc::clone(&page),
            client_ip_header: client_ip_header.clone(),
        };
        let cancel = http::CancelPage { desk: Arc::new(desk.for_cancelling()), page: Arc::clone(&page) };
        let checkout = http::Checkout { desk: Arc::new(desk), page, client_ip_header };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let acts = Arc::new(Acts::new(&config, store.clone(), connectors.clone(), Arc::clone(&clock)));
        let router = Router::new(
            &config,
            store.clone(),
            Arc::clone(&intake),
            Arc::clone(&engine),
            connectors.clone(),
            Arc::clone(&clock),
            Arc::clone(&acts),
        );
        tasks.spawn(router.run(stop.clone()));
        let (to_sweep, swept_by) = (store.clone(), connectors.clone());
        let sweeper = Sweeper::new(&config, to_sweep, Arc::clone(&engine), swept_by, Arc::clone(&clock));
        tasks.spawn(sweeper.run(stop.clone()));
        let (to_compare, compared_with) = (store.clone(), connectors.clone());
        let compared_by = Arc::clone(&engine);
        let reconciler = Reconciler::new(&config, to_compare, compared_by, compared_with, Arc::clone(&clock));
        tasks.spawn(reconciler.run(stop.clone()));
        if let Some(every) = config.poll {
            let poller = Poller::new(
                &config,
                store.clone(),
                Arc::clone(&engine),
                connectors,
                Arc::clone(&clock),
                every,
                Arc::clone(&acts),
            );
            tasks.spawn(poller.run(stop.clone()));
            let notices = NoticeSweep::new(&config, store.clone(), Arc::clone(&engine), Arc::clone(&clock));
            tasks.spawn(notices.run(every, stop.clone()));
            let payouts = PayoutSweep::new(&config, store.clone(), Arc::clone(&engine), Arc::clone(&clock));
            tasks.spawn(payouts.run(every, stop.clone()));
            tasks.spawn(Arc::clone(acts.catalog()).run(Arc::clone(&engine), every, stop.clone()));
        }
        let has_sink = sink.is_some();
        let proven = Arc::clone(&engine);
        let proof = Proof::new(store.clone(), proven, signers, sink, erasures, config.installation.as_str());
        let proof = Arc::new(proof);
        tasks.spawn(Arc::clone(&proof).run(stop.clone()));
        tasks.spawn(Arc::clone(&proof).verify_daily(stop.clone()));
        let installation = config.installation.as_str();
        let watch = Watch::new(store.clone(), Arc::clone(&clock), config.watch, Some(&mailer), has_sink, installation);
        tasks.spawn(watch.map_err(anyhow::Error::msg)?.run(stop.clone()));
        let (engine_of_app, clock_of_app) = (Arc::clone(&engine), Arc::clone(&clock));
        let app =
            http::App { store: store.clone(), engine: engine_of_app, acts, metrics, clock: clock_of_app, secrets };
        tasks.spawn(listen(public, http::public(app.clone(), intake, checkout, card, cancel), stop.clone()));
        tasks.spawn(listen(private, http::private(app), stop.clone()));
        Ok(Self { public: addresses.0, private: addresses.1, public_url, store, engine, proof, stop, tasks })
    }

    /// Until the database behind the address turns out to be another one than at the start: then only a new process can
    /// go on, since all that this one remembers is of the other.
    pub async fn lost(&self) {
        while !self.store.node.is_lost() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Stops: no new request, no new call; calls in flight end; shards are handed over.
    pub async fn stop(self) {
        self.stop.cancel();
        let ours = self.proof.is_ours();
        self.engine.stop(PATIENCE).await;
        if ours {
            // What was written last is published before nobody is here to do it.
            match tokio::time::timeout(Duration::from_secs(3), self.proof.checkpoint(true)).await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => tracing::warn!(error = %e, "the last checkpoint was not published"),
                Err(_) => tracing::warn!("the last checkpoint was not published in time"),
            }
        }
        self.tasks.close();
        if tokio::time::timeout(Duration::from_secs(4), self.tasks.wait()).await.is_err() {
            tracing::warn!("a listener did not end in time");
        }
        self.store.pool.close().await;
    }
}

/// Says that everybody who reads the configuration is an admin, as long as that is so.
async fn tell_of_bootstrap(store: &Store) -> anyhow::Result<()> {
    match tokens::bootstrap_stands(&store.pool).await? {
        (true, true) => {
            tracing::warn!("ADMIN_TOKEN still opens the API beside other admins' tokens: revoke `bootstrap`");
        }
        (true, false) => {
            tracing::warn!("ADMIN_TOKEN is the only admin's token: make one for each person, then revoke `bootstrap`");
        }
        (false, _) => {}
    }
    Ok(())
}

/// Whom the database must belong to.
pub fn stamp(config: &Config) -> Stamp {
    Stamp {
        environment: format!("{:?}", config.environment).to_lowercase(),
        prefix: config.installation.as_str().to_owned(),
        braintree_merchant: config.vendors.braintree.merchant_id.clone(),
        zoho_organisation: config.vendors.zoho.organization_id.clone(),
        attio_workspace: config.vendors.attio.base_url.to_string(),
        shards: SHARDS,
    }
}

fn lease(config: &Config) -> Lease {
    Lease { length: config.lease, renewal: config.lease / RENEWALS, margin: LEASE_MARGIN }
}

async fn listen(listener: TcpListener, routes: Routes, stop: CancellationToken) {
    if let Err(e) = axum::serve(listener, routes.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
    {
        tracing::error!(error = %e, "a listener ended");
    }
}
