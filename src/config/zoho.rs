//! Zoho: its data centres, its catalog's currency and taxes, its Desk.

use super::{Checking, required, vendor_url};
use clap::Args;
use iso_currency::Currency;
use sagas::kernel::offer::ppm_of_percent;
use secrecy::SecretString;
use std::collections::BTreeMap;
use url::Url;

/// One of Zoho's data centres. What was made in one is unknown in every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataCentre {
    /// What it is called on a command line.
    pub name: &'static str,
    /// Host of Zoho Accounts.
    pub accounts: &'static str,
    /// Host of the API of Billing and CRM.
    pub api: &'static str,
    /// Host of Desk.
    pub desk: &'static str,
}

const fn centre(name: &'static str, accounts: &'static str, api: &'static str, desk: &'static str) -> DataCentre {
    DataCentre { name, accounts, api, desk }
}

/// All of them. Canada's accounts are on a host of another pattern.
pub const DATA_CENTRES: [DataCentre; 9] = [
    centre("us", "accounts.zoho.com", "www.zohoapis.com", "desk.zoho.com"),
    centre("eu", "accounts.zoho.eu", "www.zohoapis.eu", "desk.zoho.eu"),
    centre("in", "accounts.zoho.in", "www.zohoapis.in", "desk.zoho.in"),
    centre("au", "accounts.zoho.com.au", "www.zohoapis.com.au", "desk.zoho.com.au"),
    centre("jp", "accounts.zoho.jp", "www.zohoapis.jp", "desk.zoho.jp"),
    centre("ca", "accounts.zohocloud.ca", "www.zohoapis.ca", "desk.zohocloud.ca"),
    centre("sa", "accounts.zoho.sa", "www.zohoapis.sa", "desk.zoho.sa"),
    centre("cn", "accounts.zoho.com.cn", "www.zohoapis.com.cn", "desk.zoho.com.cn"),
    centre("uk", "accounts.zoho.uk", "www.zohoapis.uk", "desk.zoho.uk"),
];

impl DataCentre {
    /// Zoho Accounts.
    pub fn accounts_url(&self) -> Url {
        https(self.accounts)
    }

    /// The API of Billing and CRM.
    pub fn api_url(&self) -> Url {
        https(self.api)
    }

    /// Desk.
    pub fn desk_url(&self) -> Url {
        https(self.desk)
    }
}

fn https(host: &str) -> Url {
    Url::parse(&format!("https://{host}")).expect("every host of the table makes an address")
}

/// A host of a production service of Zoho's.
pub(super) fn is_host(host: &str) -> bool {
    DATA_CENTRES.iter().any(|of| [of.accounts, of.api, of.desk].contains(&host))
}

/// Zoho.
#[derive(Debug, Clone)]
pub struct ZohoConfig {
    pub accounts_url: Url,
    pub api_url: Url,
    pub organization_id: String,
    pub client_id: String,
    pub client_secret: SecretString,
    pub refresh_token: SecretString,
    pub webhook_secret: SecretString,
    /// The organization's own currency, in which its catalog is priced.
    pub currency: Currency,
    /// Parts per million by tax id.
    pub tax_rates: BTreeMap<String, u32>,
    /// Absent: tickets are not opened.
    pub desk: Option<DeskConfig>,
}

/// Where Zoho Desk is and who we are there.
#[derive(Debug, Clone, Default, Args)]
pub struct DeskSettings {
    /// Zoho Desk, e.g. <https://desk.zoho.eu>; unset: no tickets are opened
    #[arg(long, env = "ZOHO_DESK_URL")]
    pub zoho_desk_url: Option<Url>,
    /// Zoho Desk's own organization id, which is not Billing's
    #[arg(long, env = "ZOHO_DESK_ORGANIZATION_ID")]
    pub zoho_desk_organization_id: Option<String>,
    /// Id of the department in which tickets are opened
    #[arg(long, env = "ZOHO_DESK_DEPARTMENT_ID")]
    pub zoho_desk_department_id: Option<String>,
}

/// Zoho Desk.
#[derive(Debug, Clone)]
pub struct DeskConfig {
    pub url: Url,
    pub organization_id: String,
    pub department_id: String,
}

impl DeskSettings {
    /// All of it or nothing.
    pub(super) fn check(self, production: bool, faults: &mut Checking) -> Option<DeskConfig> {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (organization_id, department_id) =
            (filled(self.zoho_desk_organization_id), filled(self.zoho_desk_department_id));
        if self.zoho_desk_url.is_none() && organization_id.is_none() && department_id.is_none() {
            return None;
        }
        let url = vendor_url("ZOHO_DESK_URL", self.zoho_desk_url, production, faults);
        let organization_id = required("ZOHO_DESK_ORGANIZATION_ID", organization_id, faults);
        let department_id = required("ZOHO_DESK_DEPARTMENT_ID", department_id, faults);
        Some(DeskConfig { url: url?, organization_id: organization_id?, department_id: department_id? })
    }
}

pub(super) fn currency(code: Option<String>, production: bool, faults: &mut Vec<String>) -> Option<Currency> {
    let Some(code) = code.filter(|code| !code.is_empty()) else {
        if production {
            faults
                .push("ZOHO_CURRENCY is not set: name the currency of your organization in Zoho, e.g. EUR".to_owned());
        }
        return Some(Currency::EUR);
    };
    sagas::kernel::money::currency(&code).map_err(|e| faults.push(format!("ZOHO_CURRENCY: {e}"))).ok()
}

/// Parts per million by tax id.
pub(super) fn tax_rates(pairs: &[String], faults: &mut Vec<String>) -> BTreeMap<String, u32> {
    let mut rates = BTreeMap::new();
    for pair in pairs.iter().filter(|p| !p.is_empty()) {
        match pair.split_once('=').map(|(id, percent)| (id, ppm_of_percent(percent))) {
            Some((id, Some(ppm))) if !id.is_empty() => {
                rates.insert(id.to_owned(), ppm);
            }
            _ => faults.push(format!(
                "ZOHO_TAX_RATES: `{pair}` is not `tax_id=percentage` with at most four decimals, e.g. `903000000065300=19`"
            )),
        }
    }
    rates
}
