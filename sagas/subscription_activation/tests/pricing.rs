//! The pricer: worked examples, and what holds for every price.

use super::world::{day, eur, instant, offer, request, terms};
use crate::kernel::answer::Request;
use crate::kernel::money::Money;
use crate::kernel::offer::{AddonOffer, Bracket, CouponOffer, Discount, Offer, Scheme, Tax, TermUnit};
use crate::subscription_activation::Quote;
use crate::subscription_activation::pricer::{Dates, NoQuote, quote};
use proptest::prelude::*;

fn dates(today: &str) -> Dates {
    Dates { today: day(today), expires_at: instant("2026-11-09T09:00:00Z") }
}

fn priced(request: &Request, offer: &Offer) -> Quote {
    quote(request, offer, &terms(), dates("2026-11-02")).expect("a quote")
}

fn addon(scheme: Scheme, brackets: &[(u32, Option<u32>, i64)]) -> AddonOffer {
    AddonOffer {
        code: "seats".to_owned(),
        name: "Seats".to_owned(),
        active: true,
        fits_plan: true,
        recurring: true,
        scheme,
        brackets: brackets
            .iter()
            .map(|(from, to, price)| Bracket { from: *from, to: *to, price: eur(*price) })
            .collect(),
        tax: Tax::Rate { ppm: 190_000 },
    }
}

fn coupon(discount: Discount, on_addons: bool, invoices: Option<u32>) -> CouponOffer {
    CouponOffer { code: "SALE".to_owned(), active: true, fits_plan: true, on_addons, invoices, discount }
}

#[test]
fn quantity_setup_fee_add_ons_and_tax_add_up_line_by_line() {
    let mut o = offer();
    o.plan.setup_fee = eur(2_500);
    o.addons = vec![addon(Scheme::Unit, &[(1, None, 333)])];
    let q = priced(&Request { quantity: Some(3), ..request() }, &o);
    let taxes: Vec<_> = q.lines.iter().map(|l| l.tax.map(|t| t.minor)).collect();
    assert_eq!(taxes, [Some(5_700), Some(475), Some(63)]);
    assert_eq!((q.due_today, q.tax_today, q.ceiling), (eur(39_071), Some(eur(6_238)), eur(39_071)));
    assert_eq!(q.renewal, eur(36_096), "the setup fee comes once");
}

#[test]
fn every_scheme_prices_the_first_unit_by_its_bracket() {
    for (scheme, brackets, net) in [
        (Scheme::Unit, vec![(1, None, 500)], 500),
        (Scheme::Volume, vec![(0, Some(10), 400), (11, None, 300)], 400),
        (Scheme::Tier, vec![(1, Some(5), 450), (6, None, 300)], 450),
        (Scheme::Package, vec![(1, Some(10), 2_000), (11, None, 3_000)], 2_000),
    ] {
        let mut o = offer();
        o.addons = vec![addon(scheme, &brackets)];
        assert_eq!(priced(&request(), &o).lines[1].net, eur(net), "{scheme:?}");
    }
    let mut none = offer();
    none.addons = vec![addon(Scheme::Volume, &[(10, None, 400)])];
    assert!(matches!(quote(&request(), &none, &terms(), dates("2026-11-02")), Err(NoQuote::Refused { .. })));
}

#[test]
fn a_coupon_lowers_the_net_and_lasts_as_long_as_it_says() {
    let mut o = offer();
    o.addons = vec![addon(Scheme::Unit, &[(1, None, 5_000)])];
    o.coupon = Some(coupon(Discount::Share { ppm: 100_000 }, false, Some(1)));
    let once = priced(&request(), &o);
    assert_eq!((once.lines[0].net, once.lines[1].net), (eur(9_000), eur(5_000)));
    assert_eq!(once.renewal, eur(17_850));
    o.coupon = Some(coupon(Discount::Share { ppm: 100_000 }, true, None));
    let always = priced(&request(), &o);
    assert_eq!((always.due_today, always.renewal), (eur(16_065), eur(16_065)));
    o.coupon = Some(coupon(Discount::Flat { amount: eur(1_000) }, true, Some(1)));
    let flat = priced(&request(), &o);
    assert_eq!((flat.lines[0].net, flat.lines[1].net), (eur(9_334), eur(4_666)));
    o.coupon = Some(coupon(Discount::Flat { amount: eur(99_999) }, false, Some(1)));
    assert_eq!(priced(&request(), &o).lines[0].net, eur(0), "a coupon never pays out");
}

#[test]
fn an_unknown_tax_is_bounded_by_the_highest_one() {
    let mut o = offer();
    o.plan.tax = Tax::Unknown;
    let q = priced(&request(), &o);
    assert_eq!((q.due_today, q.tax_today, q.tax_known, q.ceiling), (eur(10_000), None, false, eur(12_701)));
}

#[test]
fn nothing_is_due_today_in_a_trial_or_before_the_start() {
    let mut o = offer();
    o.plan.trial_days = 14;
    let trial = priced(&request(), &o);
    assert_eq!((trial.due_today, trial.ceiling, trial.renews_on), (eur(0), eur(0), day("2026-11-16")));
    let none = priced(&Request { trial_days: Some(0), ..request() }, &o);
    assert_eq!((none.due_today, none.trial_ends_on), (eur(11_900), None), "the record's trial counts");
    let later = priced(&Request { starts_on: Some(day("2026-12-01")), ..request() }, &o);
    assert_eq!(
        (later.due_today, later.renews_on, later.starts_on),
        (eur(0), day("2026-12-15"), Some(day("2026-12-01")))
    );
    let past = priced(&Request { starts_on: Some(day("2026-10-01")), trial_days: Some(0), ..request() }, &o);
    assert_eq!((past.starts_on, past.due_today), (None, eur(11_900)));
}

#[test]
fn a_term_that_ends_in_a_shorter_month_ends_on_its_last_day() {
    let renews = |today: &str, interval, unit| {
        let mut o = offer();
        (o.plan.interval, o.plan.unit) = (interval, unit);
        quote(&request(), &o, &terms(), dates(today)).expect("a quote").renews_on
    };
    assert_eq!(renews("2027-01-31", 1, TermUnit::Months), day("2027-02-28"));
    assert_eq!(renews("2028-02-29", 1, TermUnit::Years), day("2029-02-28"));
    assert_eq!(renews("2026-11-02", 2, TermUnit::Weeks), day("2026-11-16"));
    assert_eq!(renews("2026-11-02", 10, TermUnit::Days), day("2026-11-12"));
}

#[test]
fn a_price_beyond_an_amount_is_refused_not_wrapped() {
    let mut o = offer();
    o.plan.price = eur(i64::MAX / 2);
    let r = Request { quantity: Some(u32::MAX), ..request() };
    assert!(matches!(quote(&r, &o, &terms(), dates("2026-11-02")), Err(NoQuote::Refused { .. })));
}

#[test]
fn the_hash_covers_every_field_and_nothing_else() {
    let q = priced(&request(), &offer());
    assert_eq!(q.hash.len(), 64);
    assert_eq!(q.hash, priced(&request(), &offer()).hash);
    for change in [
        (|q: &mut Quote| q.renewal = eur(1)) as fn(&mut Quote),
        |q| q.lines[0].text.push('x'),
        |q| q.tax_known = false,
        |q| q.consent_version.push('x'),
        |q| q.starts_on = Some(q.renews_on),
    ] {
        let mut other = q.clone();
        change(&mut other);
        assert_ne!(other.sealed().hash, q.hash);
    }
}

proptest! {
    #[test]
    fn no_quote_is_negative_mixed_or_over_its_ceiling(
        price in 0..1_000_000_i64, setup in 0..100_000_i64, quantity in 1..500_u32, addons in prop::collection::vec(0..50_000_i64, 0..3),
        rate in prop::option::of(0..300_000_u32), highest in 1..300_000_u32, trial in 0..30_u32,
        off in prop::option::of((any::<bool>(), 0..2_000_000_u32, any::<bool>(), prop::option::of(0..3_u32))),
    ) {
        let mut o = offer();
        let tax = rate.map_or(Tax::Unknown, |ppm| Tax::Rate { ppm });
        (o.plan.price, o.plan.setup_fee, o.plan.tax, o.plan.trial_days) = (eur(price), eur(setup), tax, trial);
        o.addons = addons.iter().map(|p| AddonOffer { tax, ..addon(Scheme::Unit, &[(1, None, *p)]) }).collect();
        o.coupon = off.map(|(flat, size, on_addons, invoices)| {
            let discount = if flat {
                Discount::Flat { amount: eur(i64::from(size)) }
            } else {
                Discount::Share { ppm: size.min(1_000_000) }
            };
            coupon(discount, on_addons, invoices)
        });
        let mut t = terms();
        t.highest_tax_ppm = highest;
        let q = quote(&Request { quantity: Some(quantity), ..request() }, &o, &t, dates("2026-11-02")).expect("a quote");
        prop_assert!(q.due_today.minor <= q.ceiling.minor);
        prop_assert!(q.tax_known == rate.is_some());
        let nets: Vec<Money> = q.lines.iter().map(|l| l.net).collect();
        let all = nets.iter().chain([&q.due_today, &q.ceiling, &q.renewal]).chain(q.lines.iter().filter_map(|l| l.tax.as_ref()));
        for money in all {
            prop_assert!(money.minor >= 0 && money.currency == q.ceiling.currency);
        }
        if trial > 0 {
            prop_assert!(!q.is_due_today());
        } else {
            let sum: i64 = q.lines.iter().map(|l| l.net.minor + l.tax.map_or(0, |t| t.minor)).sum();
            prop_assert_eq!(q.due_today.minor, sum);
        }
    }
}
