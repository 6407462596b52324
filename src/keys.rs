//! What only this installation can make or open: addresses of checkout pages and sealed inputs. All keys come from one
//! secret.

use crate::store::secrets::Secrets;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sagas::kernel::effect::{CheckoutLink, LinkPage};
use sagas::kernel::ids::SagaId;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use uuid::Uuid;

/// The form of the token.
const VERSION: u8 = 1;
/// Version, saga, link number.
const BODY: usize = 1 + 16 + 4;
/// Of the authentication code: 128 bits.
const TAG: usize = 16;

/// The installation's keys, and the address under which customers reach it.
#[derive(Clone)]
pub struct Keys {
    secrets: Secrets,
    links: [u8; 32],
    signing: [u8; 32],
    erasures: [u8; 32],
    public_url: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// A token that this installation did not make, or not in this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no link of ours")]
pub struct Forged;

impl Keys {
    /// Derives all keys from one secret. `public_url`: without a slash at its end.
    pub fn new(secret: &SecretString, public_url: &str) -> Self {
        let derived = |label: &str| mac(secret.expose_secret().as_bytes(), label.as_bytes());
        Self {
            secrets: Secrets::new(&derived("secret inputs")),
            links: derived("checkout links"),
            signing: derived("checkpoint signing"),
            erasures: derived("erasures"),
            public_url: public_url.trim_end_matches('/').to_owned(),
        }
    }

    /// Seals and opens single-use inputs.
    pub const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The seed of the key that signs checkpoints where none is configured: shows and tests.
    pub const fn signing_seed(&self) -> &[u8; 32] {
        &self.signing
    }

    /// How a customer of ours stands on the erasure list: nobody without the secret can tell who it was.
    pub fn erased(&self, customer: &str) -> String {
        hex::encode(mac(&self.erasures, customer.as_bytes()))
    }

    /// The address of a checkout page. Who has it can see the quote and pay: it is in no log and no event.
    pub fn checkout_address(&self, link: CheckoutLink) -> SecretString {
        self.address(LinkPage::Checkout, link)
    }

    /// The address of a page of ours, as secret as that of a checkout page.
    pub fn address(&self, page: LinkPage, link: CheckoutLink) -> SecretString {
        format!("{}/{}/{}", self.public_url, page.path(), self.mint(link)).into()
    }

    /// The token of a link.
    pub fn mint(&self, link: CheckoutLink) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(link.saga.0.as_bytes());
        bytes.extend_from_slice(&link.number.to_be_bytes());
        let tag = mac(&self.links, &bytes);
        bytes.extend_from_slice(&tag[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The link of a token.
    ///
    /// # Errors
    /// It was not made with these keys.
    pub fn read(&self, token: &str) -> Result<CheckoutLink, Forged> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Forged)?;
        let (body, tag) = bytes.split_at_checked(BODY).ok_or(Forged)?;
        let mut expected = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.links).map_err(|_| Forged)?;
        expected.update(body);
        // In constant time.
        if tag.len() != TAG || expected.verify_truncated_left(tag).is_err() {
            return Err(Forged);
        }
        let [VERSION, rest @ ..] = body else { return Err(Forged) };
        let (saga, number) = rest.split_at_checked(16).ok_or(Forged)?;
        let saga = Uuid::from_slice(saga).map_err(|_| Forged)?;
        let number = u32::from_be_bytes(number.try_into().map_err(|_| Forged)?);
        Ok(CheckoutLink { saga: SagaId(saga), number })
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secret: &str) -> Keys {
        Keys::new(&secret.into(), "https://pay.example.org/")
    }

    fn link(number: u32) -> CheckoutLink {
        CheckoutLink { saga: SagaId::derived("test", &["1"]), number }
    }

    #[test]
    fn a_token_opens_its_own_link_and_no_other() {
        let keys = keys("0123456789abcdef0123456789abcdef");
        assert_eq!(keys.read(&keys.mint(link(1))), Ok(link(1)));
        assert_ne!(keys.mint(link(1)), keys.mint(link(2)));
        let address = keys.checkout_address(link(1));
        assert!(address.expose_secret().starts_with("https://pay.example.org/checkout/"));
    }

    #[test]
    fn what_was_not_made_here_is_forged() {
        let ours = keys("0123456789abcdef0123456789abcdef");
        let foreign = keys("another secret of another installation").mint(link(1));
        let mut bytes = URL_SAFE_NO_PAD.decode(ours.mint(link(1))).expect("base64");
        bytes[20] ^= 1;
        let altered = URL_SAFE_NO_PAD.encode(&bytes);
        let whole = ours.mint(link(1));
        for token in ["", "x", "%00", &foreign, &altered, &whole[..whole.len() - 4], &format!("{whole}AAAA")] {
            assert_eq!(ours.read(token), Err(Forged), "{token}");
        }
    }
}
