//! Traces to a collector, by OTLP over HTTP. A collector that does not take them is nobody's trouble but the reader's: what
//! cannot be sent is dropped, said once, and holds nothing up.

use crate::config::TraceConfig;
use crate::tls;
use crate::trace::{Ids, Share, TARGET};
use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, ShouldSample};
use reqwest::redirect::Policy;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

/// How long a collector may take for one batch.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last batch may take at the end.
const AT_THE_END: Duration = Duration::from_secs(3);

/// Sends what the spans of [`crate::trace`] say.
pub(super) struct Exporter(SdkTracerProvider);

impl Exporter {
    /// An exporter to that collector, whose requests run on this runtime. The rest of what OpenTelemetry's specification
    /// names for an exporter (headers, encoding, time limit, batches) is read from the environment by its library.
    pub(super) fn new(config: &TraceConfig, runtime: Handle) -> Result<Self, String> {
        tls::choose();
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none());
        let here = config.address.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
        let client = if here { client.no_proxy() } else { client };
        let client = client.build().map_err(|e| e.to_string())?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(config.address.as_str())
            .with_http_client(Collector { client, runtime, deaf: Arc::default() })
            .build()
            .map_err(|e| e.to_string())?;
        let share = Share::kept(config.part);
        let sampler: Box<dyn ShouldSample> =
            if config.parent_decides { Sampler::ParentBased(Box::new(share)).into() } else { share.into() };
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(config.service.clone()).with_attribute(version);
        let provider = SdkTracerProvider::builder()
            .with_id_generator(Ids::default())
            .with_sampler(sampler)
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        Ok(Self(provider))
    }

    /// Turns spans into what is sent.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("attio-billing"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            // Nothing here reads the SDK's own current span.
            .with_context_activation(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
    }

    /// Sends what is left.
    pub(super) fn end(self) {
        if self.0.shutdown_with_timeout(AT_THE_END).is_err() {
            tracing::warn!("the last traces were not taken");
        }
    }
}

/// Posts batches.
#[derive(Debug)]
struct Collector {
    client: reqwest::Client,
    runtime: Handle,
    /// The last batch was not taken.
    deaf: Arc<AtomicBool>,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // Batches come from a thread of the SDK, which knows no runtime.
        let (client, deaf) = (self.client.clone(), Arc::clone(&self.deaf));
        self.runtime.spawn(async move { heard(&deaf, post(&client, request).await) }).await?
    }
}

async fn post(client: &reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, reqwest::Error> {
    let answer = client.execute(request.try_into()?).await?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = answer.bytes().await?;
    Ok(response)
}

/// Says it once when batches begin to be lost, and once when they are taken again.
fn heard(deaf: &AtomicBool, answer: Result<Response<Bytes>, reqwest::Error>) -> Result<Response<Bytes>, HttpError> {
    // The address may hold a password.
    let answer = answer.map_err(reqwest::Error::without_url);
    let why = match &answer {
        Ok(response) if response.status().is_success() => None,
        Ok(response) => Some(format!("the answer was {}", response.status())),
        Err(e) => Some(e.to_string()),
    };
    match (why, deaf.load(Ordering::Relaxed)) {
        (Some(why), false) => tracing::warn!(why, "the collector takes no traces; they are lost until it does"),
        (None, true) => tracing::info!("the collector takes traces again"),
        (Some(_), true) | (None, false) => return Ok(answer?),
    }
    deaf.fetch_xor(true, Ordering::Relaxed);
    Ok(answer?)
}
