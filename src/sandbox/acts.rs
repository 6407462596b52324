//! What people can do at the vendors' own consoles: one table. What stands not in it cannot be played; the page, the control
//! API and the documentation show it.

use super::faults::Vendor;

/// One act, as `POST /control/staff` takes it beside `vendor` and `act`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) name: &'static str,
    /// Its fields; those that may be left out stand behind a semicolon.
    pub(super) fields: &'static str,
}

const fn act(name: &'static str, fields: &'static str) -> Act {
    Act { name, fields }
}

const ATTIO: &[Act] = &[
    act("create_record", "object, values; member"),
    act("delete_record", "object, record_id; member"),
    act("merge_records", "object, primary_record_id, secondary_record_id; survivor, member"),
    act("press", "record_id, action; object, member"),
    act("set_object_limit", "limit"),
    act("set_same_value_writes", "renew"),
    act("set_value", "object, record_id, attribute, value; member"),
    act("set_values", "object, record_id, values; member"),
];

const BRAINTREE: &[Act] = &[
    act("cancel_subscription", "id"),
    act("check_webhook", ""),
    act("create_add_on", "id, amount; name, description, number_of_billing_cycles"),
    act("create_discount", "id, amount; name, description, number_of_billing_cycles"),
    act("create_plan", "id, price, billing_frequency; others as in the API"),
    act("decide_dispute", "dispute, status"),
    act("decline_at_settlement", "id"),
    act("define_custom_field", "name"),
    act("delete_customer", "id"),
    act("delete_payment_method", "token"),
    act("expire_authorization", "id"),
    act("fail_disbursement", "id"),
    act("fail_refund", "id"),
    act("hold_funds", "id"),
    act("make_nonce", "; card, expiration"),
    act("open_dispute", "id; kind, reason, amount, reply_by, original, program"),
    act("refund_in_console", "id; amount, order_id"),
    act("register_webhook", "url"),
    act("release_funds", "id"),
    act("retry_disbursement", "id"),
    act("review_transaction", "id, decision; note"),
    act("set_api_request_keys", "on"),
    act("set_authentication_required", "on"),
    act("set_card_behaviour", "token; decline_code"),
    act("set_duplicate_window", "seconds"),
    act("set_final_auth", "on"),
    act("set_hidden_settling", "seconds"),
    act("set_list_declined_refunds", "on"),
    act("set_payout_fee", "minor"),
    act("set_payout_notices", "on"),
    act("set_proration", "on"),
    act("set_retries", "first_after_days; second_after_days, cancel_after"),
    act("set_three_d_secure", "on"),
    act("settle_now", "; id"),
    act("vault_customer", "; customer_id, customer, token, card, expiration"),
    act("void_in_console", "id"),
];

const ZOHO: &[Act] = &[
    act(
        "add_addon",
        "addon_code, price; name, unit_name, product_id, of_plan, tax_id, type, pricing_scheme, price_brackets",
    ),
    act("add_coupon", "coupon_code, percentage or amount; name, type, product_id, of_plan"),
    act("add_item", "name, rate"),
    act("add_plan", "as create_plan"),
    act("add_tax", "name, percentage"),
    act("answer_quote", "estimate_id, answer"),
    act("cancel_subscription", "subscription_id; at_end"),
    act("change_subscription", "subscription_id, plan_code; end_of_term, price, quantity, addons"),
    act("create_customer", "display_name; others as in the API"),
    act("create_invoice", "amount, subscription_id or customer_id; date, payment_terms, pending"),
    act("create_plan", "plan_code, price; name, setup_fee, product_id, of_plan, tax_id, interval, interval_unit"),
    act(
        "create_subscription",
        "customer_id, plan_code; price, setup_fee, quantity, exclude_trial, trial_days, exclude_setup_fee, billing_cycles, addons, coupon_code",
    ),
    act("delete_customer", "customer_id"),
    act("delete_payment", "payment_id"),
    act("delete_plan", "plan_code"),
    act("edit_invoice", "invoice_id, amount"),
    act("edit_plan", "plan_code; name, price, active"),
    act("expire_tokens", ""),
    act("give_credit", "customer_id, amount; reference_number, date"),
    act("link_customer", "customer_id; zcrm_account_id, zcrm_contact_id"),
    act("make_grant_code", "; scope, minutes"),
    act("pause_subscription", "subscription_id"),
    act("pay_by_link", "invoice_id; card_number, expiry_month, expiry_year"),
    act("reactivate_subscription", "subscription_id"),
    act("record_payment", "invoice_id or customer_id; amount, payment_mode, reference_number, date, description"),
    act("resume_subscription", "subscription_id"),
    act("set_auto_apply_credits", "on"),
    act("settings", "; each setting by its name"),
    act("turn_off_auto_collect", "subscription_id"),
    act("turn_on_auto_collect", "subscription_id; card_number, expiry_month, expiry_year"),
    act("use_hosted_page", "hostedpage_id; outcome, card_number, expiry_month, expiry_year"),
    act("void_invoice", "invoice_id"),
    act("write_off_invoice", "invoice_id"),
];

const CRM: &[Act] = &[
    act("add_field", "module, field; type, unique"),
    act("add_tag", "id, tag"),
    act("add_workflow", "module, name, when_tagged or when_changed or when_created; set, webhook"),
    act("convert_lead", "id"),
    act("create_record", "module, values"),
    act("delete_record", "id"),
    act("edit_record", "id, values"),
    act("mark_record", "id; locked, in_blueprint"),
    act("merge_records", "into, from"),
    act("remove_field", "module, field"),
    act("remove_tag", "id, tag"),
    act("set_unique", "module, field; unique"),
    act("settings", "; each setting by its name"),
];

const DESK: &[Act] = &[
    act("add_custom_field", "field"),
    act("create_contact", "values"),
    act("create_ticket", "values"),
    act("delete_contact", "id"),
    act("delete_ticket", "id"),
    act("edit_ticket", "id, values"),
    act("link_contact", "id, crm_contact_id"),
    act("remove_custom_field", "field"),
    act("settings", "; search_lag_seconds, credits, calls_at_once"),
];

/// The acts at a vendor's console, by name. The mail server has none.
pub(super) const fn of(vendor: Vendor) -> &'static [Act] {
    match vendor {
        Vendor::Attio => ATTIO,
        Vendor::Zoho => ZOHO,
        Vendor::ZohoCrm => CRM,
        Vendor::ZohoDesk => DESK,
        Vendor::Braintree => BRAINTREE,
        Vendor::Mail => &[],
    }
}

/// Refuses what is no act of that console.
pub(super) fn check(vendor: Vendor, name: &str) -> Result<(), String> {
    if of(vendor).iter().any(|act| act.name == name) {
        return Ok(());
    }
    let known: Vec<_> = of(vendor).iter().map(|act| act.name).collect();
    Err(format!("`act`: `{name}` is unknown; known are {}", known.join(", ")))
}

/// What a console answers to an act that it does not play: unknown, or in the table alone, which a test finds.
pub(super) fn unplayed(vendor: Vendor, name: &str) -> String {
    check(vendor, name).err().unwrap_or_else(|| format!("`{name}` is not played here"))
}
