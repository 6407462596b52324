//! The hash chain of a shard, written down so that anyone with an export can verify it without this program.
//!
//! ```text
//! hash(0) = 32 zero bytes
//! hash(n) = SHA-256( hash(n-1) || header(n) || payload(n) )
//! header  = the fields below, in this order, each as `<length in bytes, decimal>:<bytes>,`
//! ```
//!
//! 1. the word `attio-billing/event/1`
//! 2. shard, decimal
//! 3. position in the shard from 1, decimal
//! 4. saga id, hyphenated lower case
//! 5. sequence in the saga from 1, decimal
//! 6. event id, hyphenated lower case
//! 7. event name
//! 8. principal
//! 9. time, UTC, `2026-11-21T09:30:00.123456Z`, always six decimals
//! 10. amount in minor units, decimal; empty where there is none
//! 11. ISO 4217 code; empty where there is no amount
//!
//! The payload is the stored JSON text, byte for byte: never parsed and written again.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A link of the chain.
pub type Hash = [u8; 32];

/// What precedes a shard's first event.
pub const GENESIS: Hash = [0; 32];

/// What is hashed beside the payload.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// The shard.
    pub shard: u16,
    /// Position in it, from 1.
    pub pos: u64,
    /// The saga.
    pub saga: Uuid,
    /// Sequence in it, from 1.
    pub seq: u64,
    /// The event's id.
    pub id: Uuid,
    /// Its name.
    pub name: &'a str,
    /// Who caused it.
    pub principal: &'a str,
    /// When (UTC); beyond microseconds it is cut off, as the database does.
    pub at: DateTime<Utc>,
    /// Minor units and ISO 4217 code.
    pub amount: Option<(i64, &'a str)>,
}

/// The next link.
pub fn link(previous: &Hash, header: &Header<'_>, payload: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    for field in [
        "attio-billing/event/1",
        &header.shard.to_string(),
        &header.pos.to_string(),
        &header.saga.hyphenated().to_string(),
        &header.seq.to_string(),
        &header.id.hyphenated().to_string(),
        header.name,
        header.principal,
        &header.at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        &header.amount.map(|(minor, _)| minor.to_string()).unwrap_or_default(),
        header.amount.map_or("", |(_, currency)| currency),
    ] {
        hasher.update(field.len().to_string());
        hasher.update(":");
        hasher.update(field);
        hasher.update(",");
    }
    hasher.update(payload);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header<'static> {
        Header {
            shard: 3,
            pos: 7,
            saga: Uuid::from_u128(1),
            seq: 2,
            id: Uuid::from_u128(2),
            name: "PaymentCaptured",
            principal: "engine",
            at: DateTime::from_timestamp_micros(1_795_253_400_123_456).expect("a time"),
            amount: Some((4900, "EUR")),
        }
    }

    /// The bytes spelled out by hand: whoever changes the form breaks every published checkpoint.
    #[test]
    fn the_canonical_form_is_fixed_for_ever() {
        let text = "21:attio-billing/event/1,1:3,1:7,36:00000000-0000-0000-0000-000000000001,1:2,\
                    36:00000000-0000-0000-0000-000000000002,15:PaymentCaptured,6:engine,\
                    27:2026-11-21T09:30:00.123456Z,4:4900,3:EUR,{\"x\":1}";
        let mut bytes = GENESIS.to_vec();
        bytes.extend_from_slice(text.as_bytes());
        let expected: Hash = Sha256::digest(&bytes).into();
        assert_eq!(link(&GENESIS, &header(), "{\"x\":1}"), expected);
    }

    #[test]
    fn each_field_is_bound_to_its_place() {
        let whole = link(&GENESIS, &header(), "{}");
        let shifted = Header { name: "PaymentCapturede", principal: "ngine", ..header() };
        let unpaid = Header { amount: None, ..header() };
        let moved = Header { pos: 8, ..header() };
        for other in [shifted, unpaid, moved] {
            assert_ne!(whole, link(&GENESIS, &other, "{}"));
        }
        assert_ne!(whole, link(&whole, &header(), "{}"));
    }
}
