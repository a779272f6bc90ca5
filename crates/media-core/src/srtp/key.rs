//! Master keys: secret bytes that are wiped, compared in constant time and never shown.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::Suite;

/// The longest key and salt: AES-256 in counter mode.
pub(super) const MAX_MATERIAL_BYTES: usize = 46;

/// Tells that a key and salt have another length than their suite wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{suite} wants {} bytes of key and salt, not {bytes}", .suite.material_bytes())]
pub struct KeyLengthError {
    /// The suite.
    pub suite: Suite,
    /// The bytes that were given.
    pub bytes: usize,
}

/// Holds a master key and its salt for one suite.
#[derive(Clone)]
pub struct KeyMaterial {
    suite: Suite,
    bytes: [u8; MAX_MATERIAL_BYTES],
}

impl KeyMaterial {
    /// Takes key and salt, concatenated: [`Suite::material_bytes`] of them, from a cryptographic random source.
    pub fn new(suite: Suite, key_and_salt: &[u8]) -> Result<Self, KeyLengthError> {
        let error = KeyLengthError { suite, bytes: key_and_salt.len() };
        if key_and_salt.len() != suite.material_bytes() {
            return Err(error);
        }
        let mut bytes = [0; MAX_MATERIAL_BYTES];
        bytes.get_mut(..key_and_salt.len()).ok_or(error)?.copy_from_slice(key_and_salt);
        Ok(Self { suite, bytes })
    }

    /// Returns the suite that the key is for.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Returns the master key.
    pub fn key(&self) -> &[u8] {
        &self.bytes[..self.suite.key_bytes()]
    }

    /// Returns the master salt.
    pub fn salt(&self) -> &[u8] {
        &self.bytes[self.suite.key_bytes()..self.suite.material_bytes()]
    }

    /// Returns key and salt, concatenated.
    pub fn key_and_salt(&self) -> &[u8] {
        &self.bytes[..self.suite.material_bytes()]
    }
}

impl PartialEq for KeyMaterial {
    fn eq(&self, other: &Self) -> bool {
        self.suite == other.suite && bool::from(self.bytes.ct_eq(&other.bytes))
    }
}

impl Eq for KeyMaterial {}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMaterial").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Drop for KeyMaterial {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// Holds a master key with what `inline:` says about it (RFC 4568 §6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MasterKey {
    /// Key and salt.
    pub material: KeyMaterial,
    /// How many RTP packets, and how many RTCP packets, the key may protect: 1 to [`Suite::MAX_LIFETIME`]; `None` is
    /// the suite's default.
    pub lifetime: Option<u64>,
    /// What names the key in each packet; `None` when packets name none.
    pub mki: Option<Mki>,
}

impl MasterKey {
    /// Returns a key with the suite's lifetime and without an identifier.
    pub fn new(material: KeyMaterial) -> Self {
        Self { material, lifetime: None, mki: None }
    }
}

/// Holds a master key identifier: a number and the bytes it takes in each packet, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mki {
    value: u64,
    bytes: u8,
}

impl Mki {
    /// The most bytes that an identifier may take (RFC 4568 §6.1).
    pub const MAX_BYTES: u8 = 128;

    /// Returns an identifier, when the number fits into its bytes and those are 1 to [`Mki::MAX_BYTES`].
    pub fn new(value: u64, bytes: u8) -> Option<Self> {
        let fits = bytes >= 8 || value >> (u32::from(bytes) * 8) == 0;
        ((1..=Self::MAX_BYTES).contains(&bytes) && fits).then_some(Self { value, bytes })
    }

    /// Returns the number.
    pub fn value(self) -> u64 {
        self.value
    }

    /// Returns how many bytes it takes in a packet.
    pub fn bytes(self) -> usize {
        usize::from(self.bytes)
    }

    /// Returns the bytes it takes in a packet.
    #[cfg(feature = "srtp")]
    pub(in crate::srtp) fn octets(self) -> impl Iterator<Item = u8> {
        (0..u32::from(self.bytes))
            .rev()
            .map(move |place| self.value.checked_shr(place * 8).unwrap_or(0) as u8)
    }
}
