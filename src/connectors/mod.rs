//! The vendors' clients: each turns an effect into calls and the vendor's answer into one of the five outcomes. They
//! decide nothing about the business, keep no state that a restart would miss, and never repeat a write by themselves.
//!
//! Architecture invariant: a connector knows no saga, no database and no other vendor.

pub mod attio;
#[cfg(test)]
mod bad_answers;
pub mod braintree;
pub mod drift;
pub mod http;
#[cfg(test)]
pub(crate) mod peer;
mod template;
pub mod zoho;

use crate::clock::Clock;
use crate::config::{AttioConfig, BraintreeConfig, Vendors, ZohoConfig};
use crate::port::{Call, Meter, Perform, Report, TokenStore};
use async_trait::async_trait;
use sagas::kernel::effect::Effect;
use sagas::kernel::money;
use sagas::kernel::outcome::{Look, NotSent, Outcome, Rejection, RejectionKind};
use std::sync::Arc;

/// All vendors.
pub struct Connectors {
    pub braintree: braintree::Braintree,
    pub zoho: zoho::Zoho,
    pub attio: attio::Attio,
}

/// A client of Braintree alone. Nothing is called yet.
///
/// # Errors
/// It cannot be made on this machine.
pub fn braintree_client(config: &BraintreeConfig) -> Result<braintree::Braintree, String> {
    Ok(braintree_over(config, client()?))
}

/// A client of Zoho alone, whose access tokens are kept there. Nothing is called yet.
///
/// # Errors
/// It cannot be made from what is configured.
pub fn zoho_client(
    config: &ZohoConfig,
    clock: Arc<dyn Clock>,
    tokens: Arc<dyn TokenStore>,
) -> Result<zoho::Zoho, String> {
    zoho_over(config, client()?, clock, tokens)
}

/// A client of Attio alone. Nothing is called yet.
///
/// # Errors
/// It cannot be made from what is configured.
pub fn attio_client(config: &AttioConfig) -> Result<attio::Attio, String> {
    attio_over(config, client()?)
}

fn client() -> Result<http::Http, String> {
    http::Http::new().map_err(|e| format!("the HTTP client cannot be made: {e}"))
}

fn braintree_over(config: &BraintreeConfig, http: http::Http) -> braintree::Braintree {
    let merchant_accounts = config
        .merchant_accounts
        .iter()
        .filter_map(|(code, account)| Some((money::currency(code).ok()?, account.clone())))
        .collect();
    let config = braintree::Config {
        base_url: config.base_url.clone(),
        merchant_id: config.merchant_id.clone(),
        public_key: config.public_key.clone().into(),
        private_key: config.private_key.clone(),
        merchant_accounts,
        keys: braintree::AtMostOnceKeys::Learned,
    };
    braintree::Braintree::new(config, http)
}

fn zoho_over(
    config: &ZohoConfig,
    http: http::Http,
    clock: Arc<dyn Clock>,
    tokens: Arc<dyn TokenStore>,
) -> Result<zoho::Zoho, String> {
    let config = zoho::Config {
        accounts_url: config.accounts_url.clone(),
        api_url: config.api_url.clone(),
        organization_id: config.organization_id.clone(),
        client_id: config.client_id.clone(),
        client_secret: config.client_secret.clone(),
        refresh_token: config.refresh_token.clone(),
        currency: config.currency,
        tax_rates: config.tax_rates.clone(),
        desk: config.desk.clone().map(|desk| zoho::DeskConfig {
            url: desk.url,
            organization_id: desk.organization_id,
            department_id: desk.department_id,
        }),
    };
    zoho::Zoho::new(&config, http, clock, tokens)
}

fn attio_over(config: &AttioConfig, http: http::Http) -> Result<attio::Attio, String> {
    let config = attio::Config {
        base_url: config.base_url.clone(),
        api_key: config.api_key.clone(),
        currency: config.currency,
        task_owner: config.task_owner.clone(),
    };
    attio::Attio::new(&config, http)
}

impl Connectors {
    /// Clients for these vendors, whose requests the meter grants, if there is one, and whose access tokens are kept there.
    /// Nothing is called yet.
    ///
    /// # Errors
    /// A client cannot be made from what is configured.
    pub fn new(
        vendors: &Vendors,
        clock: Arc<dyn Clock>,
        meter: Option<Arc<dyn Meter>>,
        tokens: Arc<dyn TokenStore>,
    ) -> Result<Self, String> {
        let http = client()?;
        let http = match meter {
            Some(meter) => http.metered(meter),
            None => http,
        };
        Ok(Self {
            braintree: braintree_over(&vendors.braintree, http.clone()),
            zoho: zoho_over(&vendors.zoho, http.clone(), clock, tokens)?,
            attio: attio_over(&vendors.attio, http)?,
        })
    }
}

#[async_trait]
impl Perform for Connectors {
    async fn perform(&self, call: &Call) -> Report {
        let report = match &call.effect {
            Effect::Braintree(effect) => self.braintree.perform(call, effect).await,
            Effect::Zoho(effect) => self.zoho.perform(call, effect).await,
            Effect::Crm(effect) => self.zoho.perform_crm(call, effect).await,
            Effect::Helpdesk(effect) => self.zoho.perform_desk(call, effect).await,
            Effect::Attio(effect) => self.attio.perform(call, effect).await,
            Effect::Desk(_) | Effect::Mail(_) | Effect::Practice(_) => misrouted(&call.effect).into(),
        };
        tell(call, &report);
        report
    }

    async fn look(&self, call: &Call) -> Look {
        match &call.effect {
            Effect::Braintree(effect) => self.braintree.look(call, effect).await,
            Effect::Zoho(effect) => self.zoho.look(call, effect).await,
            Effect::Crm(effect) => self.zoho.look_crm(call, effect).await,
            Effect::Helpdesk(effect) => self.zoho.look_desk(call, effect).await,
            Effect::Attio(effect) => self.attio.look(call, effect).await,
            Effect::Desk(_) | Effect::Mail(_) | Effect::Practice(_) => {
                Look::Found { outcome: Box::new(misrouted(&call.effect)), extra: Vec::new() }
            }
        }
    }

    async fn confirm(&self, call: &Call, id: &str) -> Look {
        match &call.effect {
            Effect::Braintree(effect) => self.braintree.confirm(call, effect, id).await,
            Effect::Zoho(_)
            | Effect::Crm(_)
            | Effect::Helpdesk(_)
            | Effect::Attio(_)
            | Effect::Desk(_)
            | Effect::Mail(_)
            | Effect::Practice(_) => self.look(call).await,
        }
    }
}

/// One line about an answer that a person may have to act on; a business no is none of these, and is in the log of its flow.
fn tell(call: &Call, report: &Report) {
    let (vendor, operation) = (call.effect.vendor(), call.effect.operation());
    let request_id = report.request_id.as_deref();
    match &report.outcome {
        Outcome::Unknown { detail } => tracing::warn!(
            vendor,
            operation,
            request_id,
            detail,
            "a write has no usable answer: it is looked up, and not sent again before that; if this goes on, ask the \
             vendor's support with the request id"
        ),
        Outcome::NotSent { cause: NotSent::Again, detail, .. } => tracing::warn!(
            vendor,
            operation,
            request_id,
            detail,
            "no usable answer: the call is made again; if this goes on, compare the vendor's status page and the base URL"
        ),
        Outcome::Rejected { rejection } => match rejection.kind {
            RejectionKind::Config => tracing::error!(
                vendor,
                operation,
                request_id,
                code = rejection.code,
                detail = rejection.message,
                "the vendor refuses us: its calls wait until address, keys and rights are right"
            ),
            RejectionKind::Mismatch
            | RejectionKind::UnknownState
            | RejectionKind::UnparsableAmount
            | RejectionKind::KeyMisuse
            | RejectionKind::OrderIdReused => tracing::warn!(
                vendor,
                operation,
                request_id,
                code = rejection.code,
                detail = rejection.message,
                "the answer is not as agreed: compare the object at the vendor, then decide on the saga"
            ),
            RejectionKind::NotFound | RejectionKind::Invalid | RejectionKind::State | RejectionKind::Changed => {}
        },
        Outcome::Done { .. } | Outcome::Declined { .. } | Outcome::NotSent { .. } => {}
    }
}

fn misrouted(effect: &Effect) -> Outcome {
    Outcome::Rejected {
        rejection: Rejection {
            kind: RejectionKind::Invalid,
            code: "no_vendor".to_owned(),
            message: format!("{} is no call on a vendor", effect.operation()),
        },
    }
}
