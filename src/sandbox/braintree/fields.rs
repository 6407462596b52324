//! Which request fields the gateway lets through, per resource. Anything else is answered 403, as the gateway does.
//! The lists are those of the official SDKs for the resources that are simulated.

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A set of allowed names; a name may have an own set below it.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    names: BTreeMap<String, Option<Allowed>>,
    anything: bool,
}

const ADDRESS: &str = "company country_code_alpha2 country_code_alpha3 country_code_numeric country_name \
    extended_address first_name international_phone{country_code national_number} last_name locality phone_number \
    postal_code region shipping_method street_address options{update_existing}";
const PASS_THRU: &str = "authentication_response cavv cavv_algorithm directory_response ds_transaction_id eci_flag \
    network three_d_secure_version xid";
const CARD_OPTIONS: &str = "account_information_inquiry fail_on_duplicate_payment_method \
    fail_on_duplicate_payment_method_for_customer make_default skip_advanced_fraud_checking update_existing_token \
    verification_account_type verification_add_ons verification_amount verification_merchant_account_id verify_card";
const RISK: &str = "customer_browser customer_device_id customer_ip customer_location_zip customer_tenure";
const LINE_ITEM: &str = "commodity_code description discount_amount image_url item_type kind name product_code \
    quantity tax_amount total_amount unit_amount unit_of_measure unit_tax_amount upc_code upc_type url";

static CARD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "billing_address_id billing_address{{{ADDRESS}}} cardholder_name cvv expiration_date expiration_month \
         expiration_year number payment_method_nonce token options{{{CARD_OPTIONS}}} \
         three_d_secure_pass_thru{{{PASS_THRU}}} "
    )
});

/// `customer` of create and update.
pub(super) static CUSTOMER: LazyLock<Allowed> = LazyLock::new(|| {
    Allowed::parse(&format!(
        "company email fax first_name id international_phone{{country_code national_number}} last_name phone website \
         device_data payment_method_nonce risk_data{{{RISK}}} credit_card{{{}}} custom_fields{{*}} \
         tax_identifiers{{country_code identifier}} three_d_secure_pass_thru{{{PASS_THRU}}} \
         default_payment_method_token options{{paypal{{*}}}}",
        *CARD
    ))
});

/// `payment_method` of create and update.
pub(super) static PAYMENT_METHOD: LazyLock<Allowed> =
    LazyLock::new(|| Allowed::parse(&format!("{} customer_id device_data", *CARD)));

/// `credit_card` of create and update.
pub(super) static CREDIT_CARD: LazyLock<Allowed> =
    LazyLock::new(|| Allowed::parse(&format!("{} customer_id device_data", *CARD)));

/// `transaction` of sale and credit.
pub(super) static TRANSACTION: LazyLock<Allowed> = LazyLock::new(|| {
    Allowed::parse(&format!(
        "accept_partial_authorization amount api_request_key billing{{{ADDRESS}}} billing_address_id channel \
         credit_card{{cardholder_name cvv expiration_date expiration_month expiration_year number token}} \
         customer{{id company email fax first_name international_phone{{country_code national_number}} last_name phone \
         website}} customer_id custom_fields{{*}} descriptor{{name phone url}} device_data discount_amount \
         exchange_rate_quote_id external_vault{{status previous_network_transaction_id \
         previous_mastercard_transaction_link_id}} foreign_retailer industry{{*}} installments{{count}} \
         line_items{{{LINE_ITEM}}} merchant_account_id options{{add_billing_address_to_payment_method \
         credit_card{{account_type process_debit_as_credit}} paypal{{*}} processing_overrides{{*}} \
         skip_advanced_fraud_checking skip_avs skip_cvv store_in_vault store_in_vault_on_success \
         store_shipping_address_in_vault submit_for_settlement three_d_secure{{required}} venmo{{profile_id}}}} order_id \
         payment_method_nonce payment_method_token processing_merchant_category_code product_sku \
         purchase_order_number recurring risk_data{{{RISK}}} sca_exemption shipping{{{ADDRESS}}} shipping_address_id \
         shipping_amount shipping_tax_amount ships_from_postal_code subscription_id surcharge_amount tax_amount \
         tax_exempt three_d_secure_authentication_id three_d_secure_pass_thru{{{PASS_THRU}}} transaction_source type"
    ))
});

/// `transaction` of submit for settlement and of partial settlement.
pub(super) static SUBMIT: LazyLock<Allowed> = LazyLock::new(|| {
    Allowed::parse(&format!(
        "amount api_request_key descriptor{{name phone url}} discount_amount final_capture industry{{*}} \
         line_items{{{LINE_ITEM}}} order_id purchase_order_number shipping{{{ADDRESS}}} shipping_address_id \
         shipping_amount shipping_tax_amount ships_from_postal_code tax_amount tax_exempt"
    ))
});

/// `transaction` of refund.
pub(super) static REFUND: LazyLock<Allowed> =
    LazyLock::new(|| Allowed::parse("amount api_request_key merchant_account_id order_id surcharge_amount"));

/// `transaction` of void and reverse.
pub(super) static KEY_ONLY: LazyLock<Allowed> = LazyLock::new(|| Allowed::parse("api_request_key"));

/// `transaction` of update details.
pub(super) static DETAILS: LazyLock<Allowed> =
    LazyLock::new(|| Allowed::parse("amount descriptor{name phone url} order_id"));

/// `client_token`.
pub(super) static CLIENT_TOKEN: LazyLock<Allowed> = LazyLock::new(|| {
    Allowed::parse(
        "address_id customer_id domains merchant_account_id payment_method_id proxy_merchant_id version \
         options{fail_on_duplicate_payment_method fail_on_duplicate_payment_method_for_customer make_default verify_card}",
    )
});

/// `verification` of create.
pub(super) static VERIFICATION: LazyLock<Allowed> = LazyLock::new(|| {
    Allowed::parse(&format!(
        "credit_card{{{}}} external_vault{{status previous_network_transaction_id}} intended_transaction_source \
         payment_method_nonce options{{account_information_inquiry account_type amount merchant_account_id}} \
         risk_data{{{RISK}}} three_d_secure_authentication_id three_d_secure_pass_thru{{{PASS_THRU}}}",
        *CARD
    ))
});

/// `address` of create and update.
pub(super) static ADDRESS_ONLY: LazyLock<Allowed> = LazyLock::new(|| Allowed::parse(ADDRESS));

const LINES: &str = "add{amount inherited_from_id never_expires number_of_billing_cycles quantity} remove \
    update{amount existing_id never_expires number_of_billing_cycles quantity}";

/// `plan` of create and update.
pub(super) static PLAN: LazyLock<Allowed> = LazyLock::new(|| {
    Allowed::parse(&format!(
        "billing_day_of_month billing_frequency currency_iso_code description id merchant_id name \
         number_of_billing_cycles price trial_duration trial_duration_unit trial_period add_ons{{{LINES}}} \
         discounts{{{LINES}}}"
    ))
});

/// `subscription` of create.
pub(super) static SUBSCRIPTION_CREATE: LazyLock<Allowed> = LazyLock::new(|| {
    Allowed::parse(&format!(
        "billing_day_of_month first_billing_date id merchant_account_id never_expires number_of_billing_cycles \
         payment_method_nonce payment_method_token plan_id price trial_duration trial_duration_unit trial_period \
         descriptor{{name phone url}} options{{do_not_inherit_add_ons_or_discounts start_immediately \
         paypal{{description}}}} add_ons{{{LINES}}} discounts{{{LINES}}}"
    ))
});

/// `subscription` of update.
pub(super) static SUBSCRIPTION_UPDATE: LazyLock<Allowed> = LazyLock::new(|| {
    Allowed::parse(&format!(
        "id merchant_account_id never_expires number_of_billing_cycles payment_method_nonce payment_method_token \
         plan_id price descriptor{{name phone url}} options{{prorate_charges replace_all_add_ons_and_discounts \
         revert_subscription_on_proration_failure paypal{{description}}}} add_ons{{{LINES}}} discounts{{{LINES}}}"
    ))
});

/// `evidence` of a dispute.
pub(super) static EVIDENCE: LazyLock<Allowed> =
    LazyLock::new(|| Allowed::parse("category comments document_upload_id sequence_number"));

impl Allowed {
    /// Reads `a b{c d{*}}`: names by spaces, sets below a name in braces, `*` for any name.
    fn parse(text: &str) -> Self {
        let spaced = text.replace('{', " { ").replace('}', " } ");
        Self::read(&mut spaced.split_whitespace())
    }

    fn read<'a>(words: &mut impl Iterator<Item = &'a str>) -> Self {
        let mut set = Self::default();
        let mut last = "";
        while let Some(word) = words.next() {
            match word {
                "}" => break,
                "{" => {
                    set.names.insert(last.to_owned(), Some(Self::read(words)));
                }
                "*" => set.anything = true,
                name => {
                    set.names.insert(name.to_owned(), None);
                    last = name;
                }
            }
        }
        set
    }

    /// Whether every field of `value` is on the list, at every depth. Items of arrays are judged one by one.
    pub(super) fn lets_through(&self, value: &Value) -> bool {
        match value {
            Value::Object(map) => {
                self.anything
                    || map.iter().all(|(name, below)| match self.names.get(name) {
                        Some(Some(set)) => set.lets_through(below),
                        Some(None) => true,
                        None => false,
                    })
            }
            Value::Array(items) => items.iter().all(|item| self.lets_through(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn known_fields_pass_and_unknown_ones_do_not_at_any_depth() {
        let good = json!({"amount": "1", "options": {"three_d_secure": {"required": true}}, "custom_fields": {"x": "y"},
            "line_items": [{"name": "a"}]});
        assert!(TRANSACTION.lets_through(&good));
        for bad in [
            json!({"amonut": "1"}),
            json!({"options": {"submit": true}}),
            json!({"line_items": [{"nmae": "a"}]}),
            json!({"customer": {"customer_id": "1"}}),
        ] {
            assert!(!TRANSACTION.lets_through(&bad), "{bad}");
        }
        assert!(PAYMENT_METHOD.lets_through(&json!({"options": {"verify_card": true, "make_default": true}})));
    }
}
