//! The processor's answers: texts of the response codes, which of them may be tried again, and the sandbox's magic
//! amounts. Changes no transaction.

use super::money;
use super::transaction::{Processor, Transaction};

/// What the processor says to an authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved,
    /// Approved for less than was asked (minor units).
    Partly(i64),
    /// A response code of 2000 and up.
    Declined(String),
    /// No answer from the processor's network (3000).
    Failed,
    /// Stopped by the gateway for this reason.
    Rejected(String),
}

/// Decline texts from the gateway's published table of processor responses.
const DECLINES: &[(&str, &str)] = &[
    ("2000", "Do Not Honor"),
    ("2001", "Insufficient Funds"),
    ("2002", "Limit Exceeded"),
    ("2003", "Cardholder's Activity Limit Exceeded"),
    ("2004", "Expired Card"),
    ("2005", "Invalid Credit Card Number"),
    ("2006", "Invalid Expiration Date"),
    ("2007", "No Account"),
    ("2008", "Card Account Length Error"),
    ("2009", "No Such Issuer"),
    ("2010", "Card Issuer Declined CVV"),
    ("2011", "Voice Authorization Required"),
    ("2012", "Processor Declined - Possible Lost Card"),
    ("2013", "Processor Declined - Possible Stolen Card"),
    ("2014", "Processor Declined - Fraud Suspected"),
    ("2015", "Transaction Not Allowed"),
    ("2016", "Duplicate Transaction"),
    ("2017", "Cardholder Stopped Billing"),
    ("2018", "Cardholder Stopped All Billing"),
    ("2019", "Invalid Transaction"),
    ("2020", "Violation"),
    ("2021", "Security Violation"),
    ("2022", "Declined - Updated Cardholder Available"),
    ("2024", "Card Type Not Enabled"),
    ("2038", "Processor Declined"),
    ("2043", "Error - Do Not Retry, Call Issuer"),
    ("2044", "Declined - Call Issuer"),
    ("2046", "Declined"),
    ("2047", "Call Issuer. Pick Up Card"),
    ("2048", "Invalid Amount"),
    ("2053", "Card reported as lost or stolen"),
    ("2057", "Issuer or Cardholder has put a restriction on the card"),
    ("2059", "Address Verification Failed"),
    ("2060", "Address Verification and Card Security Code Failed"),
    ("2092", "Card is inactive"),
    ("2099", "Cardholder Authentication Required"),
    ("2107", "Card Not Activated"),
    ("2108", "Closed Card"),
];

/// Declines up to 2108 that may be tried again later; all of 2109 and up may.
const SOFT: &[&str] = &[
    "2000", "2001", "2002", "2003", "2016", "2025", "2026", "2034", "2035", "2038", "2040", "2042", "2046", "2048",
    "2057", "2062", "2078", "2080", "2092", "2099", "2101", "2102", "2103", "2104", "2105", "2106",
];

/// The text of a response code.
pub(super) fn text(code: &str) -> &'static str {
    match code {
        "1000" => "Approved",
        "1002" => "Processed",
        "1004" => "Approved for Partial Amount",
        "1005" => "Auth Declined but Settlement Captured",
        "3000" => "Processor Network Unavailable - Try Again",
        code => DECLINES.iter().find(|(known, _)| *known == code).map_or("Processor Declined", |(_, text)| text),
    }
}

/// Whether a declined attempt may be made again with the same data.
pub(super) fn is_soft(code: &str) -> bool {
    SOFT.contains(&code) || code > "2108"
}

/// The sandbox's answer by amount (minor units of `currency`), from the published table of test amounts.
pub(super) fn by_amount(amount: i64, currency: &str, partial_is_welcome: bool) -> Verdict {
    let exactly = |whole: i64| amount == whole * 10_i64.pow(money::decimals(currency));
    match money::whole(amount, currency) {
        1004 if partial_is_welcome && exactly(1004) => Verdict::Partly(1000 * 10_i64.pow(money::decimals(currency))),
        whole @ 2000..=2999 => Verdict::Declined(whole.to_string()),
        3000 => Verdict::Failed,
        5001 if exactly(5001) => Verdict::Rejected("application_incomplete".to_owned()),
        _ => Verdict::Approved,
    }
}

/// What the error answer says of a transaction that was declined, rejected or failed.
pub(super) fn refusal(transaction: &Transaction) -> String {
    match &transaction.rejection {
        Some(reason) => format!("Gateway Rejected: {reason}"),
        None => transaction.processor.text.clone(),
    }
}

impl Verdict {
    /// The processor's fields of the transaction.
    pub(super) fn processor(&self, authorization: String) -> Processor {
        let approved = |code: &str| Processor {
            code: code.to_owned(),
            text: text(code).to_owned(),
            kind: Some("approved"),
            authorization: Some(authorization),
            ..Processor::default()
        };
        match self {
            Self::Approved => approved("1000"),
            Self::Partly(_) => approved("1004"),
            Self::Declined(code) => Processor {
                code: code.clone(),
                text: text(code).to_owned(),
                kind: Some(if is_soft(code) { "soft_declined" } else { "hard_declined" }),
                additional: Some(format!("{code} : {}", text(code))),
                ..Processor::default()
            },
            Self::Failed => Processor {
                code: "3000".to_owned(),
                text: text("3000").to_owned(),
                kind: Some("soft_declined"),
                ..Processor::default()
            },
            Self::Rejected(_) => Processor::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_amounts_go_by_whole_units_of_any_currency() {
        assert_eq!(by_amount(200_199, "USD", false), Verdict::Declined("2001".to_owned()));
        assert_eq!(by_amount(2001, "JPY", false), Verdict::Declined("2001".to_owned()));
        assert_eq!(by_amount(300_099, "EUR", false), Verdict::Failed);
        assert_eq!(by_amount(500_100, "EUR", false), Verdict::Rejected("application_incomplete".to_owned()));
        assert_eq!(by_amount(100_400, "EUR", true), Verdict::Partly(100_000));
        for approved in [1, 199_999, 300_100, 500_101, 900_000, 100_400] {
            assert_eq!(by_amount(approved, "EUR", false), Verdict::Approved, "{approved}");
        }
    }

    #[test]
    fn soft_and_hard_declines_are_told_apart() {
        assert!(["2000", "2046", "2109", "2999"].iter().all(|code| is_soft(code)));
        assert!(["2004", "2015", "2108", "2012"].iter().all(|code| !is_soft(code)));
    }
}
