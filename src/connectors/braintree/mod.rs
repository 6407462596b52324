//! Braintree: the card gateway.
