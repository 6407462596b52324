//! What is for sale.

use super::*;
use sagas::kernel::offer::{Bracket, Discount, Offer, Scheme, Tax, TermUnit};

const PLAN: &str = include_str!("../../../../tests/fixtures/zoho/plan.json");
const ADDON: &str = include_str!("../../../../tests/fixtures/zoho/addon.json");
const COUPON: &str = include_str!("../../../../tests/fixtures/zoho/coupon.json");

fn offer_of(addons: &[&str], coupon: Option<&str>) -> effect::Zoho {
    effect::Zoho::ReadOffer {
        plan: "plus-monthly".to_owned(),
        addons: addons.iter().map(|&code| code.to_owned()).collect(),
        coupon: coupon.map(str::to_owned),
    }
}

async fn read(plan: &str, addon: &str, coupon: &str) -> Outcome {
    let (zoho, _peer) = zoho([json(200, plan), json(200, addon), json(200, coupon)]).await;
    perform(&zoho, &offer_of(&["seat"], Some("WELCOME"))).await
}

async fn offer(plan: &str, addon: &str, coupon: &str) -> Offer {
    match done(read(plan, addon, coupon).await) {
        Answer::Offer(offer) => *offer,
        other => panic!("expected an offer: {other:?}"),
    }
}

const fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

#[tokio::test]
async fn an_offer_is_read_by_one_call_for_each_code() {
    let (zoho, peer) = zoho([json(200, PLAN), json(200, ADDON), json(200, COUPON)]).await;
    let answer = done(perform(&zoho, &offer_of(&["seat"], Some("WELCOME"))).await);
    let Answer::Offer(offer) = answer else { panic!("expected an offer: {answer:?}") };
    assert_eq!(lines(&peer), ["GET /plans/plus-monthly", "GET /addons/seat", "GET /coupons/WELCOME"]);
    let plan = &offer.plan;
    assert_eq!((plan.code.as_str(), plan.product.as_str(), plan.active), ("plus-monthly", "903000000045027", true));
    assert_eq!((plan.price, plan.setup_fee, plan.trial_days), (eur(10_008), eur(2_500), 14));
    assert_eq!((plan.interval, plan.unit, plan.tax), (1, TermUnit::Months, Tax::Rate { ppm: 190_000 }));
    let addon = &offer.addons[0];
    assert!(addon.active && addon.fits_plan && addon.recurring);
    assert_eq!((addon.scheme, addon.tax), (Scheme::Tier, Tax::Unknown), "the rate of that tax is not configured");
    let bracket = |from, to, minor| Bracket { from, to, price: eur(minor) };
    assert_eq!(
        addon.brackets,
        [bracket(1, Some(10), 500), bracket(11, Some(50), 450), bracket(51, None, 400)],
        "from the lowest up"
    );
    let coupon = offer.coupon.as_ref().expect("a coupon");
    assert!(coupon.active && coupon.fits_plan && coupon.on_addons);
    assert_eq!((coupon.invoices, coupon.discount), (Some(2), Discount::Share { ppm: 125_000 }));
}

#[tokio::test]
async fn what_names_no_tax_has_none() {
    for none in ["\"tax_id\": \"\"", "\"other\": 1"] {
        let plan = PLAN.replace("\"tax_id\": \"903000000065300\"", none);
        assert_eq!(offer(&plan, ADDON, COUPON).await.plan.tax, Tax::Rate { ppm: 0 });
    }
}

#[tokio::test]
async fn an_unknown_code_is_named_and_ends_the_reading() {
    for (known, code, message) in [
        (vec![], "unknown_plan", "Zoho has no plan with the code `plus-monthly`"),
        (vec![PLAN], "unknown_addon", "Zoho has no addon with the code `seat`"),
        (vec![PLAN, ADDON], "unknown_coupon", "Zoho has no coupon with the code `WELCOME`"),
    ] {
        let calls = known.len() + 1;
        let (zoho, peer) = zoho(known.into_iter().map(|body| json(200, body)).chain([gone()])).await;
        let refused = rejection(perform(&zoho, &offer_of(&["seat"], Some("WELCOME"))).await);
        assert_eq!((refused.kind, refused.code.as_str()), (RejectionKind::NotFound, code));
        assert_eq!(refused.message, message);
        assert_eq!(lines(&peer).len(), calls);
    }
}

#[tokio::test]
async fn a_code_never_names_another_path() {
    for code in ["", ".", ".."] {
        let (zoho, peer) = zoho([json(200, PLAN)]).await;
        assert_eq!(rejection(perform(&zoho, &offer_of(&[], Some(code))).await).code, "unknown_coupon");
        assert_eq!(lines(&peer).len(), 1, "nothing is asked for `{code}`");
    }
    let (zoho, peer) = zoho([json(200, PLAN), gone()]).await;
    perform(&zoho, &offer_of(&[], Some("../plans/x?y#z"))).await;
    assert_eq!(lines(&peer)[1], "GET /coupons/..%2Fplans%2Fx%3Fy%23z");
}

#[tokio::test]
async fn what_is_retired_or_used_up_is_shown_as_such() {
    let inactive = |body: &str| body.replace("\"status\": \"active\"", "\"status\": \"inactive\"");
    let retired = offer(&inactive(PLAN), &inactive(ADDON), &inactive(COUPON)).await;
    assert!(!retired.plan.active && !retired.addons[0].active && !retired.coupon.expect("a coupon").active);
    for status in ["expired", "maxed_out"] {
        let coupon = COUPON.replace("\"status\": \"active\"", &format!("\"status\": \"{status}\""));
        assert!(!offer(PLAN, ADDON, &coupon).await.coupon.expect("a coupon").active, "{status}");
    }
}

#[tokio::test]
async fn an_addon_fits_plans_of_its_product_that_it_names_and_that_bill_as_often() {
    for (from, to, fits) in [
        ("\"product_id\": \"903000000045027\"", "\"product_id\": \"1\"", false),
        ("\"plan_code\": \"plus-monthly\"", "\"plan_code\": \"max\"", false),
        ("\"applicable_to_all_plans\": false", "\"applicable_to_all_plans\": true", true),
        ("\"monthly\"", "\"yearly\"", false),
    ] {
        assert_eq!(offer(PLAN, &ADDON.replace(from, to), COUPON).await.addons[0].fits_plan, fits, "{to}");
    }
    let yearly = PLAN.replace("\"months\"", "\"years\"");
    assert!(!offer(&yearly, ADDON, COUPON).await.addons[0].fits_plan);
    let once = offer(&yearly, &ADDON.replace("\"recurring\"", "\"one_time\""), COUPON).await.addons.remove(0);
    assert!(once.fits_plan && !once.recurring);
}

#[tokio::test]
async fn a_coupon_is_on_addons_only_if_it_covers_each_of_them() {
    for (word, on_addons) in
        [("all_addons", true), ("all_onetime", false), ("none", false), ("select", false), ("all_recurring", true)]
    {
        let coupon = COUPON.replace("\"all_recurring\"", &format!("\"{word}\""));
        assert_eq!(offer(PLAN, ADDON, &coupon).await.coupon.expect("a coupon").on_addons, on_addons, "{word}");
    }
    let selected = COUPON
        .replace("\"all_recurring\"", "\"select\"")
        .replace("\"addons\": []", r#""addons": [{"addon_code": "seat", "name": "Seat"}]"#);
    assert!(offer(PLAN, ADDON, &selected).await.coupon.expect("a coupon").on_addons);
    let foreign = COUPON.replace("\"product_id\": \"903000000045027\"", "\"product_id\": \"1\"");
    let coupon = offer(PLAN, ADDON, &foreign).await.coupon.expect("a coupon");
    assert!(!coupon.fits_plan && !coupon.on_addons);
    let none = COUPON.replace("\"apply_to_plans\": \"select\"", "\"apply_to_plans\": \"none\"");
    assert!(!offer(PLAN, ADDON, &none).await.coupon.expect("a coupon").fits_plan);
}

#[tokio::test]
async fn discounts_are_amounts_or_exact_shares_for_so_many_invoices() {
    let coupon = async |from: &str, to: &str| {
        let coupon = offer(PLAN, ADDON, &COUPON.replace(from, to)).await.coupon.expect("a coupon");
        (coupon.invoices, coupon.discount)
    };
    let share = Discount::Share { ppm: 125_000 };
    assert_eq!(coupon("\"type\": \"duration\"", "\"type\": \"one_time\"").await, (Some(1), share));
    assert_eq!(coupon("\"type\": \"duration\"", "\"type\": \"forever\"").await, (None, share));
    let flat = Discount::Flat { amount: eur(1_250) };
    assert_eq!(coupon("\"percentage\"", "\"flat\"").await, (Some(2), flat));
    let inexact = COUPON.replace("12.5,", "12.50001,");
    assert_eq!(rejection(read(PLAN, ADDON, &inexact).await).kind, RejectionKind::UnknownState);
}

#[tokio::test]
async fn brackets_without_bounds_and_of_packages_are_completed() {
    let brackets = async |json: &str, scheme: &str| {
        let (before, rest) = ADDON.split_once("\"price_brackets\": [").expect("brackets");
        let (_, after) = rest.split_once(']').expect("brackets");
        let addon = format!("{before}\"price_brackets\": {json}{after}").replace("\"tier\"", scheme);
        let addon = offer(PLAN, &addon, COUPON).await.addons.remove(0);
        addon.brackets.iter().map(|b| (b.from, b.to, b.price.minor)).collect::<Vec<_>>()
    };
    assert_eq!(brackets(r#"[{"price": 5}]"#, "\"unit\"").await, [(1, None, 500)]);
    let packages = r#"[{"end_quantity": 20, "price": "90.00"}, {"end_quantity": 10, "price": 50}]"#;
    assert_eq!(brackets(packages, "\"package\"").await, [(1, Some(10), 5_000), (11, Some(20), 9_000)]);
}

#[tokio::test]
async fn words_that_a_price_depends_on_and_that_are_not_known_are_refused() {
    for (body, from, to) in [
        (PLAN, "\"months\"", "\"fortnights\""),
        (ADDON, "\"tier\"", "\"stairs\""),
        (ADDON, "\"recurring\"", "\"metered\""),
        (COUPON, "\"percentage\"", "\"barter\""),
    ] {
        let changed = |of: &str| if of == body { of.replace(from, to) } else { of.to_owned() };
        let refused = rejection(read(&changed(PLAN), &changed(ADDON), &changed(COUPON)).await);
        assert_eq!((refused.kind, refused.code.as_str()), (RejectionKind::UnknownState, "unreadable"), "{to}");
    }
    let refused = rejection(read(&PLAN.replace("100.08", "100.085"), ADDON, COUPON).await);
    assert_eq!(refused.kind, RejectionKind::UnparsableAmount);
}
