//! What a browser may do on the page: the headers of every answer of the checkout. No inline script or style, no script
//! but ours and the vendor's, no frame but the vendor's. A page on which a bank wants 3-D Secure allows more, and it alone.

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
/// production, because the client token says which one is meant. Left out is what only PayPal's buttons and the fraud tools
/// load, and `'unsafe-inline'` for styles, which hosted fields do without.
const REAL: Hosts = Hosts {
    script: "https://js.braintreegateway.com https://assets.braintreegateway.com",
    frame: "https://assets.braintreegateway.com",
    connect: "https://api.braintreegateway.com https://client-analytics.braintreegateway.com \
              https://payments.braintree-api.com https://api.sandbox.braintreegateway.com \
              https://client-analytics.sandbox.braintreegateway.com https://payments.sandbox.braintree-api.com",
    image: "https://assets.braintreegateway.com",
};

/// What 3-D Secure adds. Braintree's script loads Cardinal's from that company's hosts, which have changed before within
/// these two domains, and Cardinal's writes its window's style into the page. The bank's own page then comes as a frame,
/// by a form, from whatever host the bank has: there is no list of banks' hosts, and a bank that is not on one could not
/// be answered. So any frame over TLS is allowed here. A frame cannot reach into ours; scripts stay limited.
const AUTHENTICATION: Authentication = Authentication {
    cardinal: "https://songbird.cardinalcommerce.com https://songbirdstag.cardinalcommerce.com \
               https://*.cardinaltrusted.com",
    connect: "https://*.cardinalcommerce.com https://*.cardinaltrusted.com",
    banks: "https:",
    style: "'unsafe-inline'",
};

/// Nothing is added.
const PLAIN: Authentication = Authentication { cardinal: "", connect: "", banks: "", style: "" };

struct Authentication {
    cardinal: &'static str,
    connect: &'static str,
    banks: &'static str,
    style: &'static str,
}

struct Hosts {
    script: &'static str,
    frame: &'static str,
    connect: &'static str,
    image: &'static str,
}

/// The `Content-Security-Policy` of the page; with `authentication`, of one on which a bank wants 3-D Secure.
pub fn content_security(scripts: &Scripts, brand: &Brand, authentication: bool) -> String {
    let origin = scripts.files.first().map(|script| script.url.origin().ascii_serialization()).unwrap_or_default();
    let simulated = Hosts { script: "", frame: "", connect: "", image: "" };
    let (hosts, origin) = if scripts.real { (REAL, "") } else { (simulated, origin.as_str()) };
    let more = if scripts.real && authentication { AUTHENTICATION } else { PLAIN };
    let logo = brand.logo.as_ref().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let allow = |given: &[&str]| given.iter().copied().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    [
        "default-src 'none'".to_owned(),
        format!("script-src {}", allow(&["'self'", hosts.script, origin, more.cardinal])),
        format!("frame-src {}", allow(&[hosts.frame, origin, more.banks])),
        format!("connect-src {}", allow(&["'self'", hosts.connect, origin, more.connect])),
        format!("style-src {}", allow(&["'self'", more.style])),
        format!("img-src {}", allow(&["'self'", hosts.image, &logo])),
        format!("form-action {}", allow(&["'self'", more.banks])),
        "base-uri 'none'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
    ]
    .join("; ")
}

/// The same for a page whose form leads to the page of who collects: browsers hold the address to which a form's answer
/// sends them against `form-action`, too, and which host serves that page is the collector's to say. Simulated vendors are
/// reached without TLS.
pub fn leading_away(scripts: &Scripts, brand: &Brand) -> String {
    let hosts = if scripts.real { "https:" } else { "https: http:" };
    let away = format!("form-action 'self' {hosts}");
    content_security(scripts, brand, false).replace("form-action 'self'", &away)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brand::Locale;
    use crate::config::Script;

    fn policy(script: &str, real: bool, authentication: bool) -> String {
        let script = Script { url: script.parse().expect("a URL"), integrity: None };
        let scripts = Scripts { files: vec![script.clone()], authentication: script, real };
        let brand = Brand {
            name: "Acme".to_owned(),
            support_email: "help@acme.test".to_owned(),
            colour: "#123456".parse().expect("a colour"),
            logo: Some("https://cdn.acme.test/logo.svg".parse().expect("a URL")),
            locale: Locale::En,
        };
        content_security(&scripts, &brand, authentication)
    }

    const REAL_SCRIPT: &str = "https://js.braintreegateway.com/web/3.144.0/js/client.min.js";

    #[test]
    fn the_simulated_vendor_is_allowed_by_its_origin_alone() {
        for authentication in [false, true] {
            assert_eq!(
                policy("http://127.0.0.1:4000/braintree-web/client.js", false, authentication),
                "default-src 'none'; script-src 'self' http://127.0.0.1:4000; frame-src http://127.0.0.1:4000; \
                 connect-src 'self' http://127.0.0.1:4000; style-src 'self'; img-src 'self' https://cdn.acme.test; \
                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            );
        }
    }

    #[test]
    fn the_real_vendor_is_allowed_by_its_published_hosts() {
        let policy = policy(REAL_SCRIPT, true, false);
        for part in [
            "script-src 'self' https://js.braintreegateway.com https://assets.braintreegateway.com;",
            "frame-src https://assets.braintreegateway.com;",
            "connect-src 'self' https://api.braintreegateway.com https://client-analytics.braintreegateway.com",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("https:;"), "{policy}");
    }

    #[test]
    fn where_a_bank_wants_3_d_secure_its_frame_may_come_from_any_host_and_a_script_may_not() {
        let policy = policy(REAL_SCRIPT, true, true);
        for part in ["frame-src https://assets.braintreegateway.com https:;", "form-action 'self' https:;"] {
            assert!(policy.contains(part), "{policy}");
        }
        let scripts = policy.split("; ").find(|part| part.starts_with("script-src")).expect("scripts");
        assert!(scripts.contains("https://songbird.cardinalcommerce.com"), "{scripts}");
        assert!(!scripts.contains("unsafe") && !scripts.split(' ').any(|host| host == "https:"), "{scripts}");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    }
}
