//! The text of a token: made once, shown once, and kept by nobody but its holder. What is kept is its hash.

use rand::RngExt;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// How every token that is made here begins, so that a scanner of repositories and logs finds one that got lost:
/// `ab_[0-9a-f]{64}`.
pub const PREFIX: &str = "ab_";
/// Random bytes of a token.
const BYTES: usize = 32;
/// Longer than this is no token, neither ours nor an `ADMIN_TOKEN`.
const LONGEST: usize = 256;

/// What is kept of a token. The text has 256 bits of chance, so one round of SHA-256 is enough: there is nothing to guess.
pub type Hash = [u8; 32];

/// A new token.
pub fn new_secret() -> SecretString {
    let bytes: [u8; BYTES] = rand::rng().random();
    SecretString::from(format!("{PREFIX}{}", hex::encode(bytes)))
}

/// What is kept of a token's text.
pub fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

/// Whether a text can be a token at all. An `ADMIN_TOKEN` has any form; what begins as ours does must be whole.
pub fn is_well_formed(text: &str) -> bool {
    let visible = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    visible && text.strip_prefix(PREFIX).is_none_or(|rest| rest.len() == 2 * BYTES && rest.bytes().all(digit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_token_is_recognised_by_its_form_and_never_made_twice() {
        let (one, other) = (new_secret(), new_secret());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert!(is_well_formed(one.expose_secret()) && one.expose_secret().starts_with("ab_"));
        assert!(!format!("{one:?}").contains("ab_"));
        let long = "x".repeat(257);
        for text in ["", "ab_", "ab_123", "with space", "ab_ZZ", &one.expose_secret()[..66], long.as_str()] {
            assert!(!is_well_formed(text), "{text}");
        }
        assert!(is_well_formed("sandbox-only-0123456789abcdef0123"));
    }
}
