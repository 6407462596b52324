//! A vendor's address as a trace may show it: the path without ids, never a query. Knows the words of all vendors' paths and
//! none of their meanings.

use reqwest::Url;
use std::fmt;

/// What is none of these may be somebody's id, and is not shown.
const WORDS: &[&str] = &[
    "accept",
    "addons",
    "advanced_search",
    "advanced_search_ids",
    "any",
    "attributes",
    "billing",
    "cancel",
    "client_token",
    "coupons",
    "customers",
    "disputes",
    "document_uploads",
    "events",
    "evidence",
    "finalize",
    "invoices",
    "markasactive",
    "markasinactive",
    "merchants",
    "nonces",
    "notes",
    "oauth",
    "objects",
    "options",
    "payment_methods",
    "payments",
    "plans",
    "query",
    "records",
    "refund",
    "self",
    "settlement_batch_summary",
    "statuses",
    "submit_for_settlement",
    "subscriptions",
    "tasks",
    "token",
    "transactions",
    "v1",
    "v2",
    "void",
    "webhooks",
];

/// Shows each word, and `{}` for all else.
pub(super) struct Template<'a>(pub(super) &'a Url);

impl fmt::Display for Template<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.path_segments().into_iter().flatten().try_for_each(|segment| {
            f.write_str("/")?;
            f.write_str(if WORDS.contains(&segment) { segment } else { "{}" })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_without_ids_and_query() {
        for (url, shown) in [
            ("https://v.test/merchants/acme/transactions/k3v9p2ab/void", "/merchants/{}/transactions/{}/void"),
            ("https://v.test/v2/objects/people/records/query?email=ada", "/v2/objects/{}/records/query"),
            ("https://v.test/billing/v1/invoices/982000000567114", "/billing/v1/invoices/{}"),
        ] {
            assert_eq!(Template(&Url::parse(url).expect("a url")).to_string(), shown);
        }
    }

    #[test]
    fn the_words_are_in_order_and_said_once() {
        assert!(WORDS.is_sorted_by(|one, next| one < next));
    }
}
