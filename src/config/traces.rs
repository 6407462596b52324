//! Where traces go, by the names that OpenTelemetry gives these settings everywhere.

use super::Faults;
use clap::{Args, ValueEnum};
use url::Url;

/// Settings of traces, unchecked.
#[derive(Debug, Clone, Default, Args)]
pub struct TraceSettings {
    /// OpenTelemetry collector that takes traces by OTLP over HTTP, e.g. `http://localhost:4318`; unset: no traces
    #[arg(long = "otel-exporter-otlp-endpoint", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub endpoint: Option<String>,
    /// Name of this service in traces
    #[arg(long = "otel-service-name", env = "OTEL_SERVICE_NAME", default_value = "attio-billing")]
    pub service: String,
    /// Which traces are kept: always_on, always_off or traceidratio, also with parentbased_ before it
    #[arg(
        long = "otel-traces-sampler",
        env = "OTEL_TRACES_SAMPLER",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub sampler: Sampler,
    /// Part of the traces that a sampler by ratio keeps, from 0 to 1
    #[arg(long = "otel-traces-sampler-arg", env = "OTEL_TRACES_SAMPLER_ARG", default_value = "1")]
    pub sampler_arg: f64,
}

/// Which traces are kept, in OpenTelemetry's words. The parent is that of a request to the API which names one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Sampler {
    /// All
    AlwaysOn,
    /// None
    AlwaysOff,
    /// A part of them
    Traceidratio,
    /// As the parent says; without one all
    #[default]
    ParentbasedAlwaysOn,
    /// As the parent says; without one none
    ParentbasedAlwaysOff,
    /// As the parent says; without one a part of them
    ParentbasedTraceidratio,
}

/// Where traces go.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceConfig {
    /// Where they are posted to.
    pub address: Url,
    /// The service's name.
    pub service: String,
    /// A parent decides for what hangs under it.
    pub parent_decides: bool,
    /// Part of the traces that is kept, from 0 to 1.
    pub part: f64,
}

impl TraceSettings {
    /// Checks them; `None`: nobody wants traces.
    ///
    /// # Errors
    /// Every fault, each with its cure.
    pub fn check(&self) -> Result<Option<TraceConfig>, Faults> {
        let Some(endpoint) = self.endpoint.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let mut faults = Vec::new();
        let address = Url::parse(&format!("{}/v1/traces", endpoint.trim_end_matches('/'))).ok();
        let address = address.filter(|url| matches!(url.scheme(), "http" | "https"));
        if address.is_none() {
            faults.push(
                "OTEL_EXPORTER_OTLP_ENDPOINT: expected an http or https URL, e.g. http://localhost:4318".to_owned(),
            );
        }
        if !(0.0..=1.0).contains(&self.sampler_arg) {
            faults.push("OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1".to_owned());
        }
        let (parent_decides, part) = match self.sampler {
            Sampler::AlwaysOn => (false, 1.0),
            Sampler::AlwaysOff => (false, 0.0),
            Sampler::Traceidratio => (false, self.sampler_arg),
            Sampler::ParentbasedAlwaysOn => (true, 1.0),
            Sampler::ParentbasedAlwaysOff => (true, 0.0),
            Sampler::ParentbasedTraceidratio => (true, self.sampler_arg),
        };
        match address {
            Some(address) if faults.is_empty() => {
                Ok(Some(TraceConfig { address, service: self.service.clone(), parent_decides, part }))
            }
            _ => Err(Faults(faults)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_below_the_endpoint_and_an_empty_one_wants_none() {
        let of = |endpoint: &str| {
            TraceSettings { endpoint: Some(endpoint.to_owned()), sampler_arg: 1.0, ..TraceSettings::default() }.check()
        };
        assert_eq!(of(" "), Ok(None));
        for endpoint in ["http://localhost:4318", "http://localhost:4318/"] {
            assert_eq!(of(endpoint).unwrap().unwrap().address.as_str(), "http://localhost:4318/v1/traces");
        }
        assert_eq!(of("https://o.test/otlp").unwrap().unwrap().address.as_str(), "https://o.test/otlp/v1/traces");
        for wrong in ["localhost:4318", "grpc://localhost:4317", "collector"] {
            assert!(of(wrong).unwrap_err().to_string().contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{wrong}");
        }
    }

    #[test]
    fn a_ratio_beyond_all_is_a_fault() {
        let settings =
            TraceSettings { endpoint: Some("http://c.test".to_owned()), sampler_arg: 25.0, ..Default::default() };
        assert!(settings.check().unwrap_err().to_string().contains("OTEL_TRACES_SAMPLER_ARG"));
    }
}
