//! Settings of the checkout page: the vendor's scripts that it loads, and how its caller is known.

use super::VENDOR_HOSTS;
use clap::Args;
use url::Url;

/// Where Braintree serves its scripts for browsers.
const SCRIPT_HOST: &str = "js.braintreegateway.com";
/// The release of braintree-web that the page was written against.
const SCRIPTS: &str = "https://js.braintreegateway.com/web/3.144.0/js";

/// The checkout's settings as they come, unchecked.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckoutSettings {
    /// Folder of Braintree's browser scripts; unset: Braintree's own, or those of a simulated Braintree
    #[arg(long = "braintree-web-url", env = "BRAINTREE_WEB_URL")]
    pub scripts_url: Option<Url>,
    /// Subresource integrity of those scripts: `client=sha384-…,hosted-fields=sha384-…,three-d-secure=sha384-…`
    #[arg(long = "braintree-web-integrity", env = "BRAINTREE_WEB_INTEGRITY", value_delimiter = ',')]
    pub integrity: Vec<String>,
    /// Header in which our own proxy names the caller, e.g. `X-Real-IP`; unset: the connection's address counts
    #[arg(long = "client-ip-header", env = "CLIENT_IP_HEADER")]
    pub client_ip_header: Option<String>,
}

/// The checkout's part of the checked configuration.
#[derive(Debug, Clone)]
pub struct CheckoutConfig {
    pub scripts: Scripts,
    /// Lower case; the last address in it is believed.
    pub client_ip_header: Option<String>,
}

/// The vendor's scripts on the page.
#[derive(Debug, Clone)]
pub struct Scripts {
    /// On every page with a form, in the order of loading.
    pub files: Vec<Script>,
    /// 3-D Secure: only where a bank asked for it.
    pub authentication: Script,
    /// Whether they are Braintree's own, which talk to Braintree's hosts; else they come from a simulated Braintree.
    pub real: bool,
}

/// One script.
#[derive(Debug, Clone)]
pub struct Script {
    pub url: Url,
    /// Subresource integrity, `sha384-…`.
    pub integrity: Option<String>,
}

impl CheckoutSettings {
    pub(super) fn check(
        self,
        production: bool,
        braintree: Option<&Url>,
        faults: &mut Vec<String>,
    ) -> Option<CheckoutConfig> {
        let scripts = scripts(self.scripts_url, &self.integrity, production, braintree?, faults);
        let client_ip_header = self.client_ip_header.filter(|name| !name.is_empty()).map(|n| n.to_ascii_lowercase());
        Some(CheckoutConfig { scripts: scripts?, client_ip_header })
    }
}

fn scripts(
    given: Option<Url>,
    integrity: &[String],
    production: bool,
    braintree: &Url,
    faults: &mut Vec<String>,
) -> Option<Scripts> {
    let known =
        |url: &Url| url.host_str().is_some_and(|h| VENDOR_HOSTS.contains(&h) || h.ends_with(".braintreegateway.com"));
    let folder = match given {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None if known(braintree) => SCRIPTS.to_owned(),
        None => format!("{}/braintree-web", braintree.as_str().trim_end_matches('/')),
    };
    let real = folder.starts_with(&format!("https://{SCRIPT_HOST}/"));
    if production && !real {
        faults.push(format!("BRAINTREE_WEB_URL ({folder}) is not at https://{SCRIPT_HOST}: it would see the cards"));
    }
    let ending = if real { ".min.js" } else { ".js" };
    let names = ["client", "hosted-fields", "three-d-secure"];
    for pair in integrity.iter().filter(|pair| !pair.is_empty()) {
        let good = pair.split_once('=').is_some_and(|(name, hash)| names.contains(&name) && is_hash(hash));
        if !good {
            faults.push(format!(
                "BRAINTREE_WEB_INTEGRITY: `{pair}` is not `script=sha384-…`, with one of {} as script",
                names.join(", ")
            ));
        }
    }
    let script = |name: &str| {
        let integrity = integrity.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned));
        let url = format!("{folder}/{name}{ending}").parse();
        url.map(|url| Script { url, integrity })
    };
    let [client, fields, authentication] = names.map(script);
    let scripts = (|| {
        Ok::<_, url::ParseError>(Scripts { files: vec![client?, fields?], authentication: authentication?, real })
    })();
    scripts.map_err(|e| faults.push(format!("BRAINTREE_WEB_URL ({folder}): {e}"))).ok()
}

fn is_hash(text: &str) -> bool {
    ["sha256-", "sha384-", "sha512-"].iter().any(|kind| text.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: CheckoutSettings, production: bool, braintree: &str) -> Result<CheckoutConfig, String> {
        let mut faults = Vec::new();
        let braintree = braintree.parse().expect("a URL");
        let config = settings.check(production, Some(&braintree), &mut faults);
        config.filter(|_| faults.is_empty()).ok_or_else(|| faults.join("\n"))
    }

    #[test]
    fn the_scripts_are_those_of_the_braintree_that_is_configured() {
        let urls = |config: CheckoutConfig| config.scripts.files.iter().map(|s| s.url.to_string()).collect::<Vec<_>>();
        let real = check(CheckoutSettings::default(), false, "https://api.sandbox.braintreegateway.com").expect("real");
        assert!(real.scripts.real);
        assert_eq!(real.scripts.authentication.url.as_str(), format!("{SCRIPTS}/three-d-secure.min.js"));
        assert_eq!(urls(real), [format!("{SCRIPTS}/client.min.js"), format!("{SCRIPTS}/hosted-fields.min.js")]);
        let simulated = check(CheckoutSettings::default(), false, "http://127.0.0.1:4000/").expect("simulated");
        assert!(!simulated.scripts.real);
        assert_eq!(urls(simulated)[0], "http://127.0.0.1:4000/braintree-web/client.js");
    }

    #[test]
    fn production_loads_no_script_from_elsewhere_and_a_hash_is_kept() {
        let settings = |url: &str, integrity: &str| CheckoutSettings {
            scripts_url: Some(url.parse().expect("a URL")),
            integrity: vec![integrity.to_owned()],
            client_ip_header: None,
        };
        let real = "https://api.braintreegateway.com";
        let refused = check(settings("https://js.braintreegateway.com.evil.test/x", ""), true, real);
        assert!(refused.expect_err("elsewhere").contains("BRAINTREE_WEB_URL"));
        let config = check(settings(SCRIPTS, "client=sha384-abc"), true, real).expect("a config");
        assert_eq!(config.scripts.files[0].integrity.as_deref(), Some("sha384-abc"));
        assert_eq!(config.scripts.files[1].integrity, None);
        assert!(check(settings(SCRIPTS, "clients=sha384-abc"), true, real).is_err());
    }
}
