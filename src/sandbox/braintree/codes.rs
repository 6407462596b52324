//! The gateway's validation error codes and its texts. Clients should match on the code; the texts are for people.

/// A validation error code, named as the official SDKs name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code(pub(super) u32, pub(super) &'static str);

macro_rules! codes {
    ($($name:ident = $code:literal $text:literal;)*) => {
        $(pub(super) const $name: Code = Code($code, $text);)*
        const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    AMOUNT_NEGATIVE = 81501 "Amount cannot be negative.";
    AMOUNT_REQUIRED = 81502 "Amount is required.";
    AMOUNT_FORMAT = 81503 "Amount is an invalid format.";
    AMOUNT_TOO_LARGE = 81528 "Amount is too large.";
    AMOUNT_NOT_POSITIVE = 81531 "Amount must be greater than zero.";
    TAX_NEGATIVE = 81534 "Tax amount cannot be negative.";
    TAX_FORMAT = 81535 "Tax amount is an invalid format.";
    TAX_TOO_LARGE = 81536 "Tax amount is too large.";
    EMAIL_FORMAT = 81604 "Email is an invalid format.";
    EXPIRATION_REQUIRED = 81709 "Expiration date is required.";
    EXPIRATION_INVALID = 81710 "Expiration date is invalid.";
    EXPIRATION_MONTH = 81712 "Expiration month is invalid.";
    EXPIRATION_YEAR = 81713 "Expiration year is invalid.";
    NUMBER_REQUIRED = 81714 "Credit card number is required.";
    NUMBER_INVALID = 81715 "Credit card number is invalid.";
    NUMBER_LENGTH = 81716 "Credit card number must be 12-19 digits.";
    NUMBER_NOT_TEST = 81717 "Credit card number is not an accepted test number.";
    CARD_DUPLICATE = 81724 "Duplicate card exists in the vault.";
    CARD_DUPLICATE_FOR_CUSTOMER = 81763 "Duplicate card exists in the vault for the customer.";
    ORDER_ID_TOO_LONG = 91501 "Order ID is too long.";
    CANNOT_VOID = 91504 "Transaction can only be voided if status is authorized, submitted_for_settlement, or - for PayPal - settlement_pending.";
    CANNOT_REFUND_CREDIT = 91505 "Cannot refund credit.";
    CANNOT_REFUND_UNSETTLED = 91506 "Cannot refund transaction unless it is settled.";
    CANNOT_SUBMIT = 91507 "Cannot submit for settlement unless status is authorized.";
    METHOD_REQUIRED = 91508 "Cannot determine payment method.";
    TRANSACTION_CUSTOMER_INVALID = 91510 "Customer ID is invalid.";
    CUSTOMER_WITHOUT_CARD = 91511 "Customer does not have any credit cards.";
    ALREADY_REFUNDED = 91512 "Transaction has already been completely refunded.";
    MERCHANT_ACCOUNT_INVALID = 91513 "Merchant account ID is invalid.";
    METHOD_CONFLICT = 91515 "Cannot provide more than one payment method.";
    METHOD_OF_OTHER_CUSTOMER = 91516 "Payment method does not belong to customer.";
    TRANSACTION_TOKEN_INVALID = 91518 "Payment method token is invalid.";
    REFUND_TOO_LARGE = 91521 "Refund amount is too large.";
    SETTLEMENT_TOO_LARGE = 91522 "Settlement amount is too large.";
    TYPE_INVALID = 91523 "Transaction type is invalid.";
    TYPE_REQUIRED = 91524 "Transaction type is required.";
    TRANSACTION_CUSTOM_FIELD = 91526 "Custom field is invalid";
    SUBSCRIPTION_INVALID = 91528 "Subscription ID is invalid.";
    PURCHASE_ORDER_TOO_LONG = 91537 "Purchase order number is too long.";
    TRANSACTION_NONCE_CONSUMED = 91564 "Cannot use a payment_method_nonce more than once.";
    TRANSACTION_NONCE_UNKNOWN = 91565 "Unknown or expired payment_method_nonce.";
    CANNOT_SIMULATE_SETTLEMENT = 91575 "Cannot simulate settlement on a transaction that is not in the right state.";
    AUTHENTICATED_OTHER_ACCOUNT = 91584 "Merchant account must match the 3D Secure merchant account.";
    AUTHENTICATED_OTHER_AMOUNT = 91585 "Amount must match the amount of the 3D Secure authentication.";
    CUSTOMER_CUSTOM_FIELD = 91602 "Custom field is invalid";
    CUSTOMER_ID_TAKEN = 91609 "Customer ID has already been taken.";
    CUSTOMER_ID_FORMAT = 91610 "Customer ID is invalid (use only letters, numbers, '-', and '_').";
    CUSTOMER_ID_RESERVED = 91611 "Customer ID is not an allowed ID.";
    CUSTOMER_ID_TOO_LONG = 91612 "Customer ID is too long.";
    CARD_CUSTOMER_REQUIRED = 91704 "Customer ID is required.";
    CARD_CUSTOMER_INVALID = 91705 "Customer ID is invalid.";
    TOKEN_FORMAT = 91718 "Credit card token is invalid.";
    TOKEN_TAKEN = 91719 "Credit card token is taken.";
    TOKEN_TOO_LONG = 91720 "Credit card token is too long.";
    VERIFICATION_ACCOUNT = 91728 "Verification merchant account ID is invalid.";
    CARD_NONCE_CONSUMED = 91731 "Cannot use a payment_method_nonce more than once.";
    CARD_NONCE_UNKNOWN = 91732 "Unknown or expired payment_method_nonce.";
    DESCRIPTOR_NAME = 92201 "Dynamic descriptor name format is invalid.";
    MAKE_DEFAULT_WITHOUT_CUSTOMER = 92801 "Cannot specify make_default without a customer_id.";
    VERIFY_CARD_WITHOUT_CUSTOMER = 92802 "Cannot specify verify_card without a customer_id.";
    DUPLICATES_WITHOUT_CUSTOMER = 92803 "Cannot specify fail_on_duplicate_payment_method without a customer_id.";
    TOKEN_CUSTOMER_UNKNOWN = 92804 "Customer specified by customer_id does not exist.";
    TOKEN_VERSION = 92806 "Version is unsupported.";
    TOKEN_MERCHANT_ACCOUNT = 92807 "Merchant account specified by merchant_account_id does not exist.";
    NONCE_REQUIRED = 93103 "Nonce is required.";
    METHOD_CUSTOMER_REQUIRED = 93104 "Customer ID is required.";
    METHOD_CUSTOMER_INVALID = 93105 "Customer ID is invalid.";
    NONCE_CONSUMED = 93107 "Cannot use a payment_method_nonce more than once.";
    NONCE_UNKNOWN = 93108 "Unknown or expired payment_method_nonce.";
    VERIFICATION_AMOUNT_FORMAT = 93534 "Verification amount is an invalid format.";
    FINAL_AUTH_AMOUNT = 95601 "Settlement amount must equal the authorized amount of a final authorization.";
    PARTIAL_NOT_ALLOWED = 915_103 "Cannot submit for partial settlement.";
    CANNOT_UPDATE_DETAILS = 915_129 "Cannot update transaction details that are not submitted for settlement.";
    SOURCE_INVALID = 915_133 "Transaction source is invalid.";
    TOO_MANY_LINE_ITEMS = 915_157 "Too many line items.";
    KEY_TOO_LONG = 915_230 "API request key is too long.";
    KEY_NOT_ALLOWED = 915_231 "API request key is not allowed for this merchant.";
    KEY_OTHER_REQUEST = 915_232 "API request key can be reused only with the same request.";
    KEY_OF_FAILED_REQUEST = 915_234 "API request key was used with a failed request.";
}

/// The code of this number, where it is known here.
pub(super) fn by_number(number: &str) -> Option<Code> {
    let number: u32 = number.parse().ok()?;
    ALL.iter().copied().find(|code| code.0 == number)
}
