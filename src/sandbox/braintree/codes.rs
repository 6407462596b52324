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
    ADDRESS_BLANK = 81801 "Addresses must have at least one field filled in.";
    ADDRESS_POSTAL_CODE = 81813 "Postal code can only contain letters, numbers, spaces, and hyphens.";
    SUBSCRIPTION_CANCELED = 81901 "Cannot edit a canceled subscription.";
    SUBSCRIPTION_ID_TAKEN = 81902 "ID has already been taken.";
    PRICE_REQUIRED = 81903 "Price cannot be blank.";
    PRICE_FORMAT = 81904 "Price is an invalid format.";
    ALREADY_CANCELED = 81905 "Subscription has already been canceled.";
    SUBSCRIPTION_ID_FORMAT = 81906 "ID is invalid (use only letters, numbers, '-', and '_').";
    TRIAL_DURATION_FORMAT = 81907 "Trial Duration is invalid.";
    TRIAL_DURATION_REQUIRED = 81908 "Trial Duration is required.";
    TRIAL_UNIT = 81909 "Trial Duration Unit is invalid.";
    SUBSCRIPTION_EXPIRED = 81910 "Cannot edit an expired subscription.";
    PRICE_TOO_LARGE = 81923 "Price is too large.";
    SUMMARY_DATE_REQUIRED = 82301 "Settlement Date is required.";
    SUMMARY_DATE_INVALID = 82302 "Settlement Date is invalid.";
    SUMMARY_CUSTOM_FIELD = 82303 "Group by custom field is not a valid custom field.";
    DOCUMENT_KIND = 84901 "Document kind is invalid.";
    DOCUMENT_TOO_LARGE = 84902 "File is too large.";
    DOCUMENT_TYPE = 84903 "File type is invalid.";
    DOCUMENT_EMPTY = 84906 "File cannot be empty.";
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
    SUBSCRIPTION_NOT_PAST_DUE = 91531 "Subscription status must be Past Due in order to retry.";
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
    BILLING_ADDRESS_INVALID = 91702 "Billing address ID is invalid.";
    CARD_CUSTOMER_REQUIRED = 91704 "Customer ID is required.";
    CARD_CUSTOMER_INVALID = 91705 "Customer ID is invalid.";
    TOKEN_FORMAT = 91718 "Credit card token is invalid.";
    TOKEN_TAKEN = 91719 "Credit card token is taken.";
    TOKEN_TOO_LONG = 91720 "Credit card token is too long.";
    VERIFICATION_ACCOUNT = 91728 "Verification merchant account ID is invalid.";
    CARD_NONCE_CONSUMED = 91731 "Cannot use a payment_method_nonce more than once.";
    CARD_NONCE_UNKNOWN = 91732 "Unknown or expired payment_method_nonce.";
    ADDRESS_COUNTRY = 91814 "Country code (alpha2) is not an accepted country.";
    TOO_MANY_ADDRESSES = 91818 "Customer has already reached the maximum of 50 addresses.";
    SUBSCRIPTION_ACCOUNT = 91901 "Merchant Account ID is invalid.";
    SUBSCRIPTION_TOKEN = 91903 "Payment method token is invalid.";
    PLAN_INVALID = 91904 "Plan ID is invalid.";
    TOKEN_OF_OTHER_CUSTOMER = 91905 "Payment method token is not associated with this customer.";
    CYCLES_NUMERIC = 91906 "Number of Billing Cycles must be numeric.";
    CYCLES_POSITIVE = 91907 "Number of Billing Cycles must be greater than zero.";
    CYCLES_INCONSISTENT = 91908 "Number of Billing Cycles cannot be given for a subscription that never expires.";
    CYCLES_TOO_SMALL = 91909 "Number of Billing Cycles is less than the current billing cycle.";
    LINE_TWICE = 91911 "Cannot add an add-on or discount twice.";
    CYCLES_REQUIRED = 91912 "Number of Billing Cycles cannot be blank.";
    BILLING_DAY_NUMERIC = 91913 "Billing Day of Month must be numeric.";
    BILLING_DAY_INVALID = 91914 "Billing Day of Month must be between 1 and 28, or 31.";
    FIRST_DATE_INVALID = 91915 "First Billing Date is invalid.";
    FIRST_DATE_PAST = 91916 "First Billing Date cannot be in the past.";
    START_INCONSISTENT = 91917 "Only one of start immediately, billing day of month and first billing date can be given.";
    PRICE_WHILE_PAST_DUE = 91920 "Cannot edit price changing fields on a past due subscription.";
    FREQUENCY_FIXED = 91922 "Plan's billing frequency cannot be updated.";
    PLAN_CURRENCY = 91923 "Currency ISO code of plan and merchant account must match.";
    SUBSCRIPTION_NONCE = 91925 "Payment method nonce is invalid.";
    SUBSCRIPTION_NONCE_UNVAULTED = 91927 "Payment method nonce is not of a stored payment method.";
    LINE_QUANTITY = 92001 "Quantity is invalid.";
    LINE_AMOUNT = 92002 "Amount is invalid.";
    LINE_CYCLES = 92005 "Number of billing cycles is invalid.";
    LINE_QUANTITY_POSITIVE = 92010 "Quantity must be greater than zero.";
    LINE_EXISTING_INVALID = 92011 "Existing ID is invalid.";
    LINE_EXISTING_REQUIRED = 92012 "Existing ID is required.";
    LINE_INHERITED_INVALID = 92013 "Inherited From ID is invalid.";
    LINE_INHERITED_REQUIRED = 92014 "Inherited From ID is required.";
    LINE_UPDATED_AND_REMOVED = 92015 "Cannot update and remove the same add-on or discount.";
    LINE_REMOVE_ABSENT = 92016 "ID to remove is not present on the subscription.";
    LINE_CYCLES_INCONSISTENT = 92018 "Number of billing cycles cannot be given for what never expires.";
    LINE_CYCLES_POSITIVE = 92019 "Number of billing cycles must be greater than zero.";
    LINE_EXISTING_KIND = 92020 "Existing ID is of the other kind.";
    LINE_REMOVE_KIND = 92021 "ID to remove is of the other kind.";
    LINES_WHILE_PAST_DUE = 92022 "Cannot edit add-ons or discounts on a past due subscription.";
    LINE_AMOUNT_TOO_LARGE = 92023 "Amount is too large.";
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
    EVIDENCE_NOT_OPEN = 95701 "Evidence can only be attached to disputes that are in an Open state.";
    EVIDENCE_STAYS = 95702 "Evidence can only be removed from disputes that are in an Open state.";
    EVIDENCE_DOCUMENT = 95703 "A document with kind other than Evidence Document cannot be added to the dispute.";
    CANNOT_ACCEPT = 95704 "Disputes can only be accepted when they are in an Open state.";
    CANNOT_FINALIZE = 95705 "Disputes can only be finalized when they are in an Open state.";
    EVIDENCE_CATEGORY = 95706 "The category is not valid.";
    EVIDENCE_TOO_LONG = 95708 "The evidence content is too long.";
    EVIDENCE_TEXT_ONLY = 95711 "Only text evidence can be given for this category.";
    EVIDENCE_DOCUMENT_ONLY = 95712 "Only document evidence can be given for this category.";
    EVIDENCE_REQUIRED = 95726 "Valid evidence must be provided to finalize the dispute.";
    PARTIAL_NOT_ALLOWED = 915_103 "Cannot submit for partial settlement.";
    CANNOT_UPDATE_DETAILS = 915_129 "Cannot update transaction details that are not submitted for settlement.";
    SOURCE_INVALID = 915_133 "Transaction source is invalid.";
    TOO_MANY_LINE_ITEMS = 915_157 "Too many line items.";
    KEY_TOO_LONG = 915_230 "API request key is too long.";
    KEY_NOT_ALLOWED = 915_231 "API request key is not allowed for this merchant.";
    KEY_OTHER_REQUEST = 915_232 "API request key can be reused only with the same request.";
    KEY_IN_FLIGHT = 915_233 "The original request with this API request key is still being processed.";
    KEY_OF_FAILED_REQUEST = 915_234 "API request key was used with a failed request.";
    KEY_SERVER_ERROR = 915_235 "A server error occurred for this API request key.";
}

impl Code {
    /// The attribute that a refusal on order stands at: those of at-most-once keys have their own, others the object's.
    pub(super) fn place(self) -> &'static str {
        let of_keys =
            [KEY_TOO_LONG, KEY_NOT_ALLOWED, KEY_OTHER_REQUEST, KEY_IN_FLIGHT, KEY_OF_FAILED_REQUEST, KEY_SERVER_ERROR];
        if of_keys.contains(&self) { "api_request_key" } else { "base" }
    }
}

/// The code of this number, where it is known here.
pub(super) fn by_number(number: &str) -> Option<Code> {
    let number: u32 = number.parse().ok()?;
    ALL.iter().copied().find(|code| code.0 == number)
}
