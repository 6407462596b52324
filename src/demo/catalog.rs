//! What the simulated Zoho of the demo sells: what a person would set up once at its console.

use sandbox::remote::{Remote, RemoteError};
use serde_json::{Value, json};

/// The VAT of the catalog, in parts per million.
pub(super) const VAT_PPM: u32 = 190_000;

/// Sets up an organisation in euros with the plan `plan` (49.00 a month, untaxed), and beside it, of the same product:
/// `team-monthly` (79.00), `starter-monthly` (29.00 after a trial of 14 days) and `business-monthly` (149.00 with a
/// setup fee of 250.00), all with 19 % VAT on top; the add-on `seat` (9.00 a month, the same tax); and the coupons
/// `WELCOME10` (10 %) and `FREE100` (100 %), each for the first invoice.
///
/// Answers the ids of that tax and of the product at Zoho.
///
/// # Errors
/// The sandbox does not take it.
pub async fn provision_zoho(sandbox: &Remote, plan: &str) -> Result<(String, String), RemoteError> {
    let act = async |act: &str, fields: Value| {
        let mut all = json!({"vendor": "zoho", "act": act});
        if let (Some(all), Value::Object(fields)) = (all.as_object_mut(), fields) {
            all.extend(fields);
        }
        sandbox.staff(&all).await
    };
    act("settings", json!({"base_currency": "EUR"})).await?;
    let sold = act("add_plan", json!({"plan_code": plan, "name": "Plus", "price": 4_900})).await?;
    let tax = act("add_tax", json!({"name": "VAT", "percentage": "19"})).await?;
    let tax = &tax["tax_id"];
    for (code, name, price, trial, fee) in [
        ("team-monthly", "Team", 7_900, 0, 0),
        ("starter-monthly", "Starter", 2_900, 14, 0),
        ("business-monthly", "Business", 14_900, 0, 25_000),
    ] {
        let fields = json!({"plan_code": code, "name": name, "price": price, "trial_period": trial, "setup_fee": fee,
            "of_plan": plan, "tax_id": tax});
        act("add_plan", fields).await?;
    }
    let seat = json!({"addon_code": "seat", "name": "Seat", "unit_name": "seat", "price": 900, "of_plan": plan,
        "tax_id": tax});
    act("add_addon", seat).await?;
    for (code, name, percentage) in [("WELCOME10", "Welcome", "10"), ("FREE100", "First invoice free", "100")] {
        let fields = json!({"coupon_code": code, "name": name, "percentage": percentage, "type": "one_time",
            "of_plan": plan});
        act("add_coupon", fields).await?;
    }
    let id = |id: &Value| id.as_str().unwrap_or_default().to_owned();
    Ok((id(tax), id(&sold["product_id"])))
}
