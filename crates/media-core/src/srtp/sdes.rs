//! The values of `a=crypto` (RFC 4568): which suite, which keys.
//!
//! ```
//! use media_core::srtp::{KeyMaterial, Suite, sdes::Crypto};
//!
//! let offered = Crypto::parse("1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4")?;
//! assert_eq!((offered.tag, offered.suite), (1, Suite::AesCm128HmacSha1_80));
//! assert!(offered.is_usable());
//!
//! // The answer takes the tag and the suite, and has a key of its own: 30 bytes of the caller's random source.
//! let material = KeyMaterial::new(offered.suite, &[7; 30])?;
//! let answer = Crypto::new(offered.tag, material);
//! assert_eq!(answer.print(), "1 AES_CM_128_HMAC_SHA1_80 inline:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod parse;
mod print;
#[cfg(test)]
mod tests;

use super::{KeyLengthError, KeyMaterial, MasterKey, Suite};

/// The most `a=crypto` lines of one media description that are looked at: each of the six suites with each session
/// parameter makes fewer, and an offer of thousands costs no more (TM-109).
pub const MAX_CRYPTO_LINES: usize = 32;

/// The most master keys in one line: one in force, one to come, and some to spare.
pub const MAX_KEYS: usize = 8;

/// Tells why an `a=crypto` value cannot be used. The line counts as absent; the description is still good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdesError {
    /// The value has not the form of RFC 4568 §9, or breaks a rule of §6.1.
    #[error("a malformed a=crypto value")]
    Malformed,
    /// The suite is not one of [`Suite::ALL`].
    #[error("an unknown crypto suite")]
    UnknownSuite,
    /// The key method is not `inline`.
    #[error("an unknown key method")]
    UnknownKeyMethod,
    /// A session parameter is unknown and mandatory, or is `FEC_KEY`, for which there is no stream (RFC 4568 §6.3).
    #[error("a session parameter that is not understood")]
    UnknownParameter,
    /// Key and salt have not the length of the suite (RFC 4568 §6.1).
    #[error(transparent)]
    KeyLength(#[from] KeyLengthError),
    /// There are more than [`MAX_KEYS`] keys.
    #[error("more than {MAX_KEYS} keys")]
    TooManyKeys,
}

/// Holds the value of one `a=crypto` line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Crypto {
    /// What the answer refers to: at most nine digits.
    pub tag: u32,
    /// The suite; that of each key.
    pub suite: Suite,
    /// The keys that the line's author sends with, in order: at least one, at most [`MAX_KEYS`].
    pub keys: Vec<MasterKey>,
    /// The session parameters.
    pub params: SessionParams,
}

impl Crypto {
    /// Returns a line with one key and no parameter.
    pub fn new(tag: u32, material: KeyMaterial) -> Self {
        Self {
            tag,
            suite: material.suite(),
            keys: vec![MasterKey::new(material)],
            params: SessionParams::default(),
        }
    }

    /// Returns true when a context of this crate can obey the line: packets are authenticated (there is no falling
    /// back from that, TM-105), and session keys are derived once. Whether payloads may be in clear is for the
    /// caller's policy to say.
    pub fn is_usable(&self) -> bool {
        !self.params.unauthenticated_srtp && self.params.kdr.is_none()
    }

    /// Returns the lines of one media description that are well formed, in order.
    ///
    /// Of `values` only the first [`MAX_CRYPTO_LINES`] are read. A line that cannot be used counts as absent, and so
    /// does one with the tag of an earlier one.
    pub fn parse_lines<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let mut lines: Vec<Self> = Vec::new();
        for value in values.into_iter().take(MAX_CRYPTO_LINES) {
            if let Ok(line) = Self::parse(value)
                && lines.iter().all(|earlier| earlier.tag != line.tag)
            {
                lines.push(line);
            }
        }
        lines
    }
}

/// Holds the session parameters of a line (RFC 4568 §6.3).
///
/// `UNENCRYPTED_SRTP`, `UNENCRYPTED_SRTCP` and `UNAUTHENTICATED_SRTP` are negotiated: an answer has them as the chosen
/// line of the offer has. The others are declared by each side for what it sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionParams {
    /// The binary logarithm of the packets after which session keys are derived anew, 1 to 24; `None` for never.
    pub kdr: Option<u8>,
    /// RTP payloads are in clear.
    pub unencrypted_srtp: bool,
    /// RTCP is in clear.
    pub unencrypted_srtcp: bool,
    /// RTP is not authenticated.
    pub unauthenticated_srtp: bool,
    /// Whether error correction or encryption comes first.
    pub fec_order: Option<FecOrder>,
    /// The size of replay window that the sender proposes, in packets, at least 64.
    pub window_size: Option<u32>,
}

/// Tells in which order a sender applies error correction and encryption (RFC 4568 §6.3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FecOrder {
    /// `FEC_SRTP`: error correction, then encryption; the default.
    FecSrtp,
    /// `SRTP_FEC`: encryption, then error correction.
    SrtpFec,
}
