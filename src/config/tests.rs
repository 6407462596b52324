use super::*;
use clap::Parser;
use sagas::kernel::money::{self, Money};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

fn parse(args: &[&str]) -> Result<Config, Faults> {
    Line::parse_from(std::iter::once("serve").chain(args.iter().copied())).settings.check()
}

#[test]
fn every_missing_setting_is_named_at_once() {
    let faults = parse(&[]).expect_err("nothing is set").0.join("\n");
    for name in
        ["ADMIN_TOKEN", "BRAINTREE_BASE_URL", "ZOHO_REFRESH_TOKEN", "ATTIO_API_KEY", "BRAINTREE_MERCHANT_ACCOUNTS"]
    {
        assert!(faults.contains(name), "{name} is missing from:\n{faults}");
    }
}

#[test]
fn an_empty_secret_is_no_secret_and_a_short_one_is_named() {
    let faults = parse(&["--zoho-webhook-secret", "", "--attio-webhook-secret", "short"]).expect_err("faults").0;
    assert!(faults.contains(&"ZOHO_WEBHOOK_SECRET is not set".to_owned()), "{faults:?}");
    assert!(faults.iter().any(|f| f.starts_with("ATTIO_WEBHOOK_SECRET is shorter")), "{faults:?}");
}

#[test]
fn only_the_vendors_own_hosts_are_theirs() {
    let is_theirs = |url: &str| is_vendor_host(&url.parse().expect("a URL"));
    for good in ["https://api.braintreegateway.com", "https://accounts.zoho.eu/", "https://www.zohoapis.com.au"] {
        assert!(is_theirs(good), "{good}");
    }
    for bad in [
        "http://api.attio.com",
        "https://api.sandbox.braintreegateway.com",
        "https://accounts.zoho.eu.evil.test",
        "https://www.zohoapis.com.evil.test",
        "https://10.0.0.1",
    ] {
        assert!(!is_theirs(bad), "{bad}");
    }
}

#[test]
fn production_refuses_loopback_vendors_and_the_embedded_database() {
    let faults = parse(&["--environment", "production", "--attio-base-url", "http://127.0.0.1:9/"])
        .expect_err("faults")
        .0
        .join("\n");
    assert!(
        faults.contains("DATABASE_URL is not set") && faults.contains("ATTIO_BASE_URL (http://127.0.0.1:9/)"),
        "{faults}"
    );
}

#[test]
fn a_brand_and_a_sender_are_made_up_in_shows_alone() {
    let outreach = |args: &[&str]| {
        Line::parse_from(["serve", "--mail-smtp-url", "smtp://u:p@127.0.0.1:25"].iter().chain(args).copied())
            .settings
            .outreach
    };
    let (brand, mail) = outreach(&[]).check_alone(Environment::Demo).expect("a show needs no brand");
    assert_eq!((brand.name.as_str(), mail.tls_required), ("Acme Cloud", false));
    let faults = outreach(&[]).check_alone(Environment::Production).expect_err("no brand").0;
    assert_eq!(faults, ["BRAND_NAME is not set", "BRAND_SUPPORT_EMAIL is not set", "MAIL_FROM is not set"]);
}

#[test]
fn a_mail_setting_that_is_wrong_is_named_without_the_password() {
    let wrong = [
        ["--brand-color", "blue"],
        ["--brand-support-email", "nobody"],
        ["--brand-logo-url", "http://acme.example/logo.png"],
        ["--mail-from", "Billing\r\nBcc: x@y.example"],
        ["--mail-smtp-url", "https://user:hushhush@mail.example.com"],
    ];
    let faults = parse(wrong.as_flattened()).expect_err("faults").0;
    for name in ["BRAND_COLOR", "BRAND_SUPPORT_EMAIL", "BRAND_LOGO_URL", "MAIL_FROM", "MAIL_SMTP_URL"] {
        assert!(faults.iter().any(|f| f.starts_with(name)), "{name}: {faults:?}");
    }
    assert!(!faults.join(" ").contains("hushhush"), "{faults:?}");
}

#[test]
fn tax_rates_are_read_without_rounding_and_faults_are_named() {
    let mut faults = Vec::new();
    let pairs = ["90=19", "91=8.875", "92=19%", "=1"].map(str::to_owned);
    let rates = zoho::tax_rates(&pairs, &mut faults);
    assert_eq!(rates, BTreeMap::from([("90".to_owned(), 190_000), ("91".to_owned(), 88_750)]));
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains("`92=19%`"), "{faults:?}");
}

#[test]
fn a_second_person_is_asked_for_outside_of_shows_unless_it_is_said_otherwise() {
    let check = |environment, args: &[&str]| {
        let line = Line::parse_from(std::iter::once("serve").chain(args.iter().copied()));
        let mut faults = Vec::new();
        (line.settings.approvals.check(environment, &mut faults), faults)
    };
    assert!(check(Environment::Demo, &[]).0.is_empty());
    let (verbs, _) = check(Environment::Production, &[]);
    assert!(verbs.contains("declare-not-done") && !verbs.contains("pause") && verbs.len() == 5, "{verbs:?}");
    assert!(check(Environment::Production, &["--approvals", "off"]).0.is_empty());
    let (verbs, faults) = check(Environment::Test, &["--approvals", "required", "--approval-verbs", "resume,forget"]);
    assert!(verbs.contains("resume") && verbs.len() == 2);
    assert!(faults[0].contains("`forget` is no verb"), "{faults:?}");
}

#[test]
fn a_rule_gives_nothing_back_alone_until_somebody_says_how_much() {
    let check = |args: &[&str]| {
        let line = Line::parse_from(std::iter::once("serve").chain(args.iter().copied()));
        let mut faults = Vec::new();
        (line.settings.approvals.auto_refunds(&mut faults), faults)
    };
    let eur = |minor| Money::new(minor, money::currency("EUR").expect("known"));
    assert!(!check(&[]).0.allow(eur(1)));
    let (limits, _) = check(&["--auto-refund-limits", "EUR=50.00"]);
    assert!(limits.allow(eur(5_000)) && !limits.allow(eur(5_001)));
    assert!(!limits.allow(Money::new(1, money::currency("USD").expect("known"))));
    let (_, faults) = check(&["--auto-refund-limits", "50.00"]);
    assert!(faults[0].contains("AUTO_REFUND_LIMITS: `50.00`"), "{faults:?}");
}

#[test]
fn a_call_that_could_outlive_its_lease_is_refused_with_what_to_change() {
    assert_eq!(call_beyond_lease(60, 30), None);
    assert_eq!((call_beyond_lease(60, 43), call_beyond_lease(15, 2)), (None, None));
    let fault = call_beyond_lease(60, 44).expect("a fault");
    assert!(fault.contains("CALL_SECONDS (44)") && fault.contains("LEASE_SECONDS (60)"), "{fault}");
    assert!(fault.contains("to 43 at most") && fault.contains("to 62 at least"), "{fault}");
    assert_eq!(call_beyond_lease(62, 44), None, "what is advised is good");
    let fault = call_beyond_lease(2, 30).expect("a fault");
    assert!(!fault.contains("lower CALL_SECONDS") && fault.contains("to 43 at least"), "{fault}");
    for call in 1..200 {
        let (mut lease, mut least) = (0, None);
        while least.is_none() {
            lease += 1;
            least = call_beyond_lease(lease, call).is_none().then_some(lease);
        }
        let advised = call_beyond_lease(1, call).expect("a fault");
        let advised: u64 = advised
            .rsplit_once("raise LEASE_SECONDS to ")
            .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok())
            .expect("a number");
        assert_eq!(call_beyond_lease(advised, call), None, "{call}");
        assert!(least.is_some_and(|least| advised <= least + 1), "{call}: {advised} and {least:?}");
    }
}
