//! The audio codecs a stream can carry.

use std::fmt;

use crate::g711;

/// Names an audio codec of RFC 3551: both are 8 kHz, mono, one byte per sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 µ-law, payload type 0 (RFC 3551 §4.5.14).
    Pcmu,
    /// G.711 A-law, payload type 8 (RFC 3551 §4.5.14).
    Pcma,
}

impl Codec {
    /// The samples and RTP timestamp units per second of every codec here.
    pub const CLOCK_RATE: u32 = 8_000;

    /// Every codec, in the order of preference that [`crate::LocalMedia::new`] takes.
    pub const ALL: [Self; 2] = [Self::Pcmu, Self::Pcma];

    /// Returns the encoding name of the `rtpmap` attribute.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// Returns the static payload type (RFC 3551 table 4).
    pub fn static_payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// Returns the codec with this static payload type.
    pub fn from_static_payload_type(payload_type: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.static_payload_type() == payload_type)
    }

    /// Appends one encoded byte per linear 16-bit sample.
    pub fn encode(self, samples: &[i16], out: &mut Vec<u8>) {
        match self {
            Self::Pcmu => out.extend(samples.iter().map(|&sample| g711::ulaw_from_linear(sample))),
            Self::Pcma => out.extend(samples.iter().map(|&sample| g711::alaw_from_linear(sample))),
        }
    }

    /// Appends one linear 16-bit sample per encoded byte.
    pub fn decode(self, payload: &[u8], out: &mut Vec<i16>) {
        match self {
            Self::Pcmu => out.extend(payload.iter().map(|&byte| g711::linear_from_ulaw(byte))),
            Self::Pcma => out.extend(payload.iter().map(|&byte| g711::linear_from_alaw(byte))),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
