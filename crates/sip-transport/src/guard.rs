//! Marks our own branches and tags, so that what comes back finds its owner without a string map.
//!
//! A [`Token`] is an identifier and a keyed 64-bit check over it, both in lower-case hexadecimal. Nobody who does not
//! hold the key can make one up (RFC 3261 §19.3 asks for at least 32 random bits in a tag; the check has 64), and a
//! token that was not made by this process is recognised as foreign.

use std::{fmt, hash::Hasher};

use siphasher::sip::SipHasher24;

use crate::step::Random;

/// What a token is used for; tokens of one purpose are not valid for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The branch parameter of our Via.
    Branch,
    /// Our tag in From or To.
    Tag,
}

/// The key of our tokens, drawn once per engine.
#[derive(Clone)]
pub struct Guard {
    key: [u64; 2],
}

impl Guard {
    /// Draws a key.
    pub fn new(random: &mut dyn Random) -> Self {
        Self { key: [random.next_u64(), random.next_u64()] }
    }

    /// The token for an identifier.
    pub fn token(&self, purpose: Purpose, id: u64) -> Token {
        let mut text = [0; Token::LENGTH];
        hex(id, &mut text[..16]);
        hex(self.check(purpose, id), &mut text[16..]);
        Token(text)
    }

    /// The identifier in a token of ours; `None` for a foreign text.
    pub fn read(&self, purpose: Purpose, text: &str) -> Option<u64> {
        let (id, check) = text.as_bytes().split_at_checked(16)?;
        let (id, check) = (unhex(id)?, unhex(check)?);
        (self.check(purpose, id) == check).then_some(id)
    }

    /// A keyed 128-bit digest of foreign identifiers, to be used as a table key.
    ///
    /// Parts are delimited by their length, so that `("ab", "c")` and `("a", "bc")` differ.
    pub fn digest(&self, parts: &[&[u8]]) -> u128 {
        let mut hasher = siphasher::sip128::SipHasher24::new_with_keys(self.key[0], self.key[1]);
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        siphasher::sip128::Hasher128::finish128(&hasher).as_u128()
    }

    /// A keyed 64-bit digest of numbers, always as many for one use, to be used as a table key where equality is checked
    /// besides.
    pub fn number_of(&self, numbers: &[u64]) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.key[0], self.key[1]);
        for number in numbers {
            hasher.write_u64(*number);
        }
        hasher.finish()
    }

    fn check(&self, purpose: Purpose, id: u64) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.key[0], self.key[1]);
        hasher.write_u8(purpose as u8);
        hasher.write_u64(id);
        hasher.finish()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard(..)")
    }
}

/// A text of ours: 16 hexadecimal digits of identifier, 16 of check.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; Token::LENGTH]);

impl Token {
    /// Length of a token in characters.
    pub const LENGTH: usize = 32;

    /// A text of the same form that says nothing: 32 random digits.
    pub fn random(random: &mut dyn Random) -> Self {
        let mut text = [0; Self::LENGTH];
        hex(random.next_u64(), &mut text[..16]);
        hex(random.next_u64(), &mut text[16..]);
        Self(text)
    }

    /// The token as text.
    ///
    /// # Panics
    ///
    /// Never: a token holds hexadecimal digits only.
    pub fn as_str(&self) -> &str {
        // invariant: `hex` writes ASCII only.
        std::str::from_utf8(&self.0).expect("invariant: hexadecimal digits")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn hex(mut number: u64, text: &mut [u8]) {
    for digit in text.iter_mut().rev() {
        *digit = HEX[(number & 15) as usize];
        number >>= 4;
    }
}

fn unhex(text: &[u8]) -> Option<u64> {
    let text: &[u8; 16] = text.try_into().ok()?;
    let (mut number, mut seen) = (0, 0);
    for byte in text {
        let digit = DIGITS[usize::from(*byte)];
        seen |= digit;
        number = number << 4 | u64::from(digit & 15);
    }
    (seen < NO_DIGIT).then_some(number)
}

/// Marks what is no digit.
const NO_DIGIT: u8 = 16;

/// The value of each hexadecimal digit in lower case.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < NO_DIGIT {
        digits[HEX[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter(u64);
    impl Random for Counter {
        fn next_u64(&mut self) -> u64 {
            self.0 += 1;
            self.0
        }
    }

    #[test]
    fn a_token_is_read_back_by_its_maker_for_its_purpose_only() {
        let guard = Guard::new(&mut Counter(1));
        let other = Guard::new(&mut Counter(9));
        let token = guard.token(Purpose::Tag, 77);
        assert_eq!(guard.read(Purpose::Tag, token.as_str()), Some(77));
        assert_eq!(guard.read(Purpose::Branch, token.as_str()), None);
        assert_eq!(other.read(Purpose::Tag, token.as_str()), None);
        assert_eq!(guard.read(Purpose::Tag, &token.as_str().to_uppercase()), None);
        assert_eq!(guard.read(Purpose::Tag, "äöü"), None);
    }

    #[test]
    fn a_digest_knows_where_its_parts_end() {
        let guard = Guard::new(&mut Counter(1));
        assert_ne!(guard.digest(&[b"ab", b"c"]), guard.digest(&[b"a", b"bc"]));
        assert_eq!(guard.digest(&[b"ab", b"c"]), guard.digest(&[b"ab", b"c"]));
    }
}
