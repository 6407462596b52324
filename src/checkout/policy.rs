//! What a browser may do on the page: the headers of every answer of the checkout. No inline script or style, no script
//! but ours and the vendor's, no frame but the vendor's.

use crate::brand::Brand;
use crate::config::Scripts;

/// Headers of the page, without its content policy.
pub const HEADERS: [(&str, &str); 5] = [
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    ("permissions-policy", "payment=(self), camera=(), geolocation=(), microphone=()"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// The hosts of Braintree's client library, from the section on content security policies of its reference (braintree-web):
/// scripts and frames of the fields, the client API, the analytics that it posts to. The sandbox's hosts beside those of
/// production, because the client token says which one is meant. Left out is what only PayPal's buttons, the fraud tools
/// and 3-D Secure load, and `'unsafe-inline'` for styles, which hosted fields do without.
const REAL: Hosts = Hosts {
    script: "https://js.braintreegateway.com https://assets.braintreegateway.com",
    frame: "https://assets.braintreegateway.com",
    connect: "https://api.braintreegateway.com https://client-analytics.braintreegateway.com \
              https://payments.braintree-api.com https://api.sandbox.braintreegateway.com \
              https://client-analytics.sandbox.braintreegateway.com https://payments.sandbox.braintree-api.com",
    image: "https://assets.braintreegateway.com",
};

struct Hosts {
    script: &'static str,
    frame: &'static str,
    connect: &'static str,
    image: &'static str,
}

/// The `Content-Security-Policy` of the page.
pub fn content_security(scripts: &Scripts, brand: &Brand) -> String {
    let origin = scripts.files.first().map(|script| script.url.origin().ascii_serialization()).unwrap_or_default();
    let simulated = Hosts { script: "", frame: "", connect: "", image: "" };
    let (hosts, origin) = if scripts.real { (REAL, "") } else { (simulated, origin.as_str()) };
    let logo = brand.logo.as_ref().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let allow = |fixed: &'static str, more: [&str; 2]| {
        let given = std::iter::once(fixed).chain(more).flat_map(str::split_whitespace);
        given.collect::<Vec<_>>().join(" ")
    };
    [
        "default-src 'none'".to_owned(),
        format!("script-src {}", allow("'self'", [hosts.script, origin])),
        format!("frame-src {}", allow("", [hosts.frame, origin])),
        format!("connect-src {}", allow("'self'", [hosts.connect, origin])),
        "style-src 'self'".to_owned(),
        format!("img-src {}", allow("'self'", [hosts.image, &logo])),
        "form-action 'self'".to_owned(),
        "base-uri 'none'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
    ]
    .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brand::Locale;
    use crate::config::Script;

    fn policy(script: &str, real: bool) -> String {
        let url = script.parse().expect("a URL");
        let scripts = Scripts { files: vec![Script { url, integrity: None }], real };
        let brand = Brand {
            name: "Acme".to_owned(),
            support_email: "help@acme.test".to_owned(),
            colour: "#123456".parse().expect("a colour"),
            logo: Some("https://cdn.acme.test/logo.svg".parse().expect("a URL")),
            locale: Locale::En,
        };
        content_security(&scripts, &brand)
    }

    #[test]
    fn the_simulated_vendor_is_allowed_by_its_origin_alone() {
        assert_eq!(
            policy("http://127.0.0.1:4000/braintree-web/client.js", false),
            "default-src 'none'; script-src 'self' http://127.0.0.1:4000; frame-src http://127.0.0.1:4000; \
             connect-src 'self' http://127.0.0.1:4000; style-src 'self'; img-src 'self' https://cdn.acme.test; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
    }

    #[test]
    fn the_real_vendor_is_allowed_by_its_published_hosts() {
        let policy = policy("https://js.braintreegateway.com/web/3.144.0/js/client.min.js", true);
        for part in [
            "script-src 'self' https://js.braintreegateway.com https://assets.braintreegateway.com;",
            "frame-src https://assets.braintreegateway.com;",
            "connect-src 'self' https://api.braintreegateway.com https://client-analytics.braintreegateway.com",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    }
}
