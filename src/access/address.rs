//! From where a token may be used: addresses and ranges of them.

use std::fmt;
use std::net::IpAddr;

/// A list of addresses; empty: from anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(Vec<Range>);

/// All addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: IpAddr,
    bits: u32,
}

/// What is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an address nor a range of them: expected e.g. 10.1.2.3, 10.0.0.0/8 or fd00::/8")]
pub struct AddressError(String);

impl Addresses {
    /// Reads addresses and ranges.
    ///
    /// # Errors
    /// One is neither.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, AddressError> {
        let read = |word: &S| Range::parse(word.as_ref()).ok_or_else(|| AddressError(word.as_ref().to_owned()));
        words.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// As they are kept.
    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Whether there is no list.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a caller at that address is let in. Where no address is known, only without a list.
    pub fn let_in(&self, from: Option<IpAddr>) -> bool {
        self.is_empty() || from.is_some_and(|from| self.0.iter().any(|range| range.contains(from.to_canonical())))
    }
}

impl Range {
    fn parse(word: &str) -> Option<Self> {
        let (first, bits) = match word.trim().split_once('/') {
            Some((first, bits)) => (first.parse::<IpAddr>().ok()?, Some(bits.parse().ok()?)),
            None => (word.trim().parse::<IpAddr>().ok()?, None),
        };
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { first, bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        let (one, other, most) = match (self.first, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        // A shift by all 128 bits is none that a processor makes: then every address fits.
        (one ^ other).checked_shr(most - self.bits).is_none_or(|different| different == 0)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = if self.first.is_ipv4() { 32 } else { 128 };
        if self.bits == most { write!(f, "{}", self.first) } else { write!(f, "{}/{}", self.first, self.bits) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_let_in_by_the_bits_of_its_range() {
        let list = Addresses::parse(&["10.1.0.0/16", "192.0.2.7", "fd00::/8"]).unwrap();
        let at = |text: &str| list.let_in(Some(text.parse().unwrap()));
        for inside in ["10.1.255.255", "192.0.2.7", "fdff::1", "::ffff:10.1.2.3"] {
            assert!(at(inside), "{inside}");
        }
        for outside in ["10.2.0.0", "192.0.2.8", "fe80::1", "::1"] {
            assert!(!at(outside), "{outside}");
        }
        assert!(!list.let_in(None) && Addresses::default().let_in(None));
        assert_eq!(list.words(), ["10.1.0.0/16", "192.0.2.7", "fd00::/8"]);
        let all = Addresses::parse(&["::/0", "0.0.0.0/0"]).unwrap();
        assert!(all.let_in(Some("2001:db8::1".parse().unwrap())) && all.let_in(Some("8.8.8.8".parse().unwrap())));
        for wrong in ["10.0.0.0/33", "ten", "", "10.0.0/8", "1.2.3.4/x"] {
            assert!(Addresses::parse(&[wrong]).is_err(), "{wrong}");
        }
    }
}
