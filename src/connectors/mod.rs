//! The vendors' clients: each turns an effect into calls and the vendor's answer into one of the five outcomes. They
//! decide nothing about the business, keep no state that a restart would miss, and never repeat a write by themselves.
//!
//! Architecture invariant: a connector knows no saga, no database and no other vendor.

pub mod attio;
pub mod braintree;
pub mod http;
#[cfg(test)]
pub(crate) mod peer;
mod template;
pub mod zoho;

use crate::clock::Clock;
use crate::config::{AttioConfig, Vendors};
use crate::port::{Call, Meter, Perform, Report};
use async_trait::async_trait;
use sagas::kernel::effect::Effect;
use sagas::kernel::money;
use sagas::kernel::outcome::{Look, Outcome, Rejection, RejectionKind};
use std::sync::Arc;

/// All vendors.
pub struct Connectors {
    pub braintree: braintree::Braintree,
    pub zoho: zoho::Zoho,
    pub attio: attio::Attio,
}

/// A client of Attio alone. Nothing is called yet.
///
/// # Errors
/// It cannot be made from what is configured.
pub fn attio_client(config: &AttioConfig) -> Result<attio::Attio, String> {
    attio_over(config, http::Http::new().map_err(|e| format!("the HTTP client cannot be made: {e}"))?)
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
    /// Clients for these vendors, whose requests the meter grants, if there is one. Nothing is called yet.
    ///
    /// # Errors
    /// A client cannot be made from what is configured.
    pub fn new(vendors: &Vendors, clock: Arc<dyn Clock>, meter: Option<Arc<dyn Meter>>) -> Result<Self, String> {
        let http = http::Http::new().map_err(|e| format!("the HTTP client cannot be made: {e}"))?;
        let http = match meter {
            Some(meter) => http.metered(meter),
            None => http,
        };
        let (b, z) = (&vendors.braintree, &vendors.zoho);
        let merchant_accounts = b
            .merchant_accounts
            .iter()
            .filter_map(|(code, account)| Some((money::currency(code).ok()?, account.clone())))
            .collect();
        let braintree = braintree::Config {
            base_url: b.base_url.clone(),
            merchant_id: b.merchant_id.clone(),
            public_key: b.public_key.clone().into(),
            private_key: b.private_key.clone(),
            merchant_accounts,
            keys: braintree::AtMostOnceKeys::Learned,
        };
        let zoho = zoho::Config {
            accounts_url: z.accounts_url.clone(),
            api_url: z.api_url.clone(),
            organization_id: z.organization_id.clone(),
            client_id: z.client_id.clone(),
            client_secret: z.client_secret.clone(),
            refresh_token: z.refresh_token.clone(),
            currency: z.currency,
            tax_rates: z.tax_rates.clone(),
        };
        Ok(Self {
            braintree: braintree::Braintree::new(braintree, http.clone()),
            zoho: zoho::Zoho::new(&zoho, http.clone(), clock)?,
            attio: attio_over(&vendors.attio, http)?,
        })
    }
}

#[async_trait]
impl Perform for Connectors {
    async fn perform(&self, call: &Call) -> Report {
        match &call.effect {
            Effect::Braintree(effect) => self.braintree.perform(call, effect).await,
            Effect::Zoho(effect) => self.zoho.perform(call, effect).await,
            Effect::Attio(effect) => self.attio.perform(call, effect).await,
            Effect::Desk(_) | Effect::Mail(_) | Effect::Practice(_) => misrouted(&call.effect).into(),
        }
    }

    async fn look(&self, call: &Call) -> Look {
        match &call.effect {
            Effect::Braintree(effect) => self.braintree.look(call, effect).await,
            Effect::Zoho(effect) => self.zoho.look(call, effect).await,
            Effect::Attio(effect) => self.attio.look(call, effect).await,
            Effect::Desk(_) | Effect::Mail(_) | Effect::Practice(_) => {
                Look::Found { outcome: Box::new(misrouted(&call.effect)), extra: Vec::new() }
            }
        }
    }

    async fn confirm(&self, call: &Call, id: &str) -> Look {
        match &call.effect {
            Effect::Braintree(effect) => self.braintree.confirm(call, effect, id).await,
            Effect::Zoho(_) | Effect::Attio(_) | Effect::Desk(_) | Effect::Mail(_) | Effect::Practice(_) => {
                self.look(call).await
            }
        }
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
