//! Ed25519: who signs checkpoints, and whether a signature is good. Keeps no key and decides on no trust.

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

/// Signs on behalf of the installation.
pub struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The keys at hand: that which signs, and during a change the one that comes after it.
#[derive(Debug)]
pub struct Signers {
    /// The configured one, or the one that belongs to the installation's secret.
    pub first: Signer,
    /// That which comes after it.
    pub next: Option<Signer>,
}

impl Signers {
    /// The one that is to sign; where none of them is, the first, which the chain will not take.
    pub fn of(&self, wanted: Option<PublicKey>) -> &Signer {
        self.next.iter().find(|next| Some(next.public()) == wanted).unwrap_or(&self.first)
    }

    /// Public halves of all.
    pub fn public(&self) -> impl Iterator<Item = PublicKey> {
        std::iter::once(&self.first).chain(&self.next).map(Signer::public)
    }
}

/// A key with which anybody verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is 64 hexadecimal digits, as `log checkpoints` prints them")]
pub struct NoKey;

impl Signer {
    /// From a seed of 32 bytes, as RFC 8032 has it.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Self { pair, public: PublicKey(public) }
    }

    /// The other half.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// The signature of a text.
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(text).as_ref());
        signature
    }
}

impl PublicKey {
    /// The short name of the key: the first 16 hexadecimal digits of its SHA-256.
    pub fn id(&self) -> String {
        hex::encode(&Sha256::digest(self.0)[..8])
    }

    /// Whether the text was signed with the other half.
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(text, signature).is_ok()
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::str::FromStr for PublicKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let bytes = hex::decode(text.trim()).map_err(|_| NoKey)?;
        Ok(Self(bytes.try_into().map_err(|_| NoKey)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, 7.1, test 2.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let seed: [u8; 32] = hex::decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
            .expect("hex")
            .try_into()
            .expect("32 bytes");
        let signer = Signer::from_seed(&seed);
        assert_eq!(signer.public().to_string(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = signer.sign(&[0x72]);
        assert_eq!(hex::encode(&signature[..8]), "92a009a9f0d4cab8");
        assert!(signer.public().verifies(&[0x72], &signature));
        assert!(!signer.public().verifies(&[0x73], &signature));
        assert!(!Signer::from_seed(&[1; 32]).public().verifies(&[0x72], &signature));
    }
}
