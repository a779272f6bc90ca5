//! Crypto suites: what a name in `a=crypto` says about keys and tags.

use std::fmt;

/// Names a cipher with its authentication (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Suite {
    /// AES-128 in counter mode, HMAC-SHA1 with 80 bits: the suite that every SRTP endpoint has.
    AesCm128HmacSha1_80,
    /// AES-128 in counter mode, HMAC-SHA1 with 32 bits for RTP and 80 bits for RTCP.
    AesCm128HmacSha1_32,
    /// AES-256 in counter mode, HMAC-SHA1 with 80 bits.
    Aes256CmHmacSha1_80,
    /// AES-256 in counter mode, HMAC-SHA1 with 32 bits for RTP and 80 bits for RTCP.
    Aes256CmHmacSha1_32,
    /// AES-128 in Galois/counter mode with a tag of 128 bits.
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode with a tag of 128 bits.
    AeadAes256Gcm,
}

impl Suite {
    /// All suites.
    pub const ALL: [Self; 6] = [
        Self::AesCm128HmacSha1_80,
        Self::AesCm128HmacSha1_32,
        Self::Aes256CmHmacSha1_80,
        Self::Aes256CmHmacSha1_32,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
    ];

    /// Returns the registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::Aes256CmHmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Self::Aes256CmHmacSha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// Returns the suite of a registered name, in any case (the strings of an ABNF have none).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    /// Returns the bytes of a master key, and of the cipher's session key.
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 | Self::AeadAes128Gcm => 16,
            Self::Aes256CmHmacSha1_80 | Self::Aes256CmHmacSha1_32 | Self::AeadAes256Gcm => 32,
        }
    }

    /// Returns the bytes of a master salt, and of a session salt.
    pub const fn salt_bytes(self) -> usize {
        if self.is_aead() { 12 } else { 14 }
    }

    /// Returns the bytes of key and salt together: what `inline:` holds.
    pub const fn material_bytes(self) -> usize {
        self.key_bytes() + self.salt_bytes()
    }

    /// Returns the bytes of the tag in an RTP packet.
    pub const fn rtp_tag_bytes(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::Aes256CmHmacSha1_80 => 10,
            Self::AesCm128HmacSha1_32 | Self::Aes256CmHmacSha1_32 => 4,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// Returns the bytes of the tag in an RTCP packet, which is never short (RFC 4568 §6.2.2).
    pub const fn rtcp_tag_bytes(self) -> usize {
        if self.is_aead() { 16 } else { 10 }
    }

    /// Returns true for the suites of RFC 7714, which encrypt and authenticate in one.
    pub const fn is_aead(self) -> bool {
        matches!(self, Self::AeadAes128Gcm | Self::AeadAes256Gcm)
    }

    /// Returns how many RTP packets one master key may protect where its `a=crypto` does not say.
    pub const fn default_lifetime(self) -> u64 {
        match self {
            // RFC 6188 §4, tables 3 and 4.
            Self::Aes256CmHmacSha1_80 | Self::Aes256CmHmacSha1_32 => 1 << 31,
            Self::AesCm128HmacSha1_80
            | Self::AesCm128HmacSha1_32
            | Self::AeadAes128Gcm
            | Self::AeadAes256Gcm => Self::MAX_LIFETIME,
        }
    }

    /// The most RTP packets that one master key may protect (RFC 3711 §9.2): each has an index of 48 bits.
    pub const MAX_LIFETIME: u64 = 1 << 48;

    /// The most RTCP packets that one master key may protect (RFC 3711 §9.2): each has an index of 31 bits.
    pub const MAX_RTCP_LIFETIME: u64 = 1 << 31;
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
