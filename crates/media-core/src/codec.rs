//! The audio codecs a stream can carry: their names and numbers, encoders and decoders.

mod g722;
mod l16;
mod sample_rate;
#[cfg(test)]
mod tests;

use std::fmt;

pub use sample_rate::SampleRate;

use crate::g711;

/// The longest audio in one packet, in milliseconds, that a receiver takes (RFC 3551 §4.2).
pub const MAX_PACKET_MS: u32 = 200;

/// Turns the samples of one stream into payloads: the state of a codec in one direction.
///
/// What is encoded does not depend on where the samples were cut into frames.
pub trait Encoder: fmt::Debug + Send {
    /// Appends the payload of the next samples, at the codec's sample rate.
    fn encode(&mut self, samples: &[i16], payload: &mut Vec<u8>);
}

/// Turns the payloads of one stream into samples: the state of a codec in one direction.
pub trait Decoder: fmt::Debug + Send {
    /// Appends the samples of the next payload, at the codec's sample rate: at most [`MAX_PACKET_MS`] of them. An error
    /// appends nothing and leaves the state as it was. A lost payload is not decoded; the state goes on from the last.
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), DecodeError>;
}

/// Says why a payload was not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// More audio than a packet may carry (RFC 3551 §4.2).
    #[error("the payload is longer than {MAX_PACKET_MS} ms")]
    TooLong,
    /// The payload ends within a sample.
    #[error("the payload ends within a sample")]
    CutSample,
}

/// Names an audio codec of RFC 3551, mono.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// G.711 µ-law, payload type 0 (RFC 3551 §4.5.14).
    Pcmu,
    /// G.711 A-law, payload type 8 (RFC 3551 §4.5.14).
    Pcma,
    /// G.722 at 64 kbit/s, payload type 9: 16,000 samples but 8,000 timestamp units per second (RFC 3551 §4.5.2).
    G722,
    /// Linear 16-bit samples in network byte order (RFC 3551 §4.5.11); a dynamic payload type, but 11 at 44,100 Hz.
    L16(SampleRate),
}

impl Codec {
    /// The RTP timestamp units per second of PCMU, PCMA and G.722.
    pub const CLOCK_RATE: u32 = 8_000;

    /// The codecs that [`crate::LocalMedia::new`] takes, in its order of preference.
    pub const ALL: [Self; 2] = [Self::Pcmu, Self::Pcma];

    /// An order of preference for a user agent that speaks everything here: wideband first, and last L16, which needs
    /// two to four times the bandwidth. L16 above 16 kHz is left out: 20 ms of it fill an Ethernet frame or more.
    pub const PREFERENCE: [Self; 5] =
        [Self::G722, Self::Pcmu, Self::Pcma, Self::L16(SampleRate::Hz16000), Self::L16(SampleRate::Hz8000)];

    /// Returns the encoding name of the `rtpmap` attribute.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::L16(_) => "L16",
        }
    }

    /// Returns the RTP timestamp units per second: the clock rate of the `rtpmap` attribute.
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 => Self::CLOCK_RATE,
            Self::L16(rate) => rate.hz(),
        }
    }

    /// Returns the rate of the samples that are encoded and decoded.
    pub const fn sample_rate(self) -> SampleRate {
        match self {
            Self::Pcmu | Self::Pcma => SampleRate::Hz8000,
            Self::G722 => SampleRate::Hz16000,
            Self::L16(rate) => rate,
        }
    }

    /// Returns the static payload type (RFC 3551 table 4), if there is one for mono.
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
            Self::G722 => Some(9),
            Self::L16(SampleRate::Hz44100) => Some(11),
            Self::L16(_) => None,
        }
    }

    /// Returns the codec with this static payload type.
    pub fn from_static_payload_type(payload_type: u8) -> Option<Self> {
        [Self::Pcmu, Self::Pcma, Self::G722, Self::L16(SampleRate::Hz44100)]
            .into_iter()
            .find(|codec| codec.static_payload_type() == Some(payload_type))
    }

    /// Returns the codec with the name, in any case, and the clock rate of an `rtpmap` attribute.
    pub fn from_rtpmap(name: &str, clock_rate: u32) -> Option<Self> {
        let is_named =
            |codec: &Self| codec.clock_rate() == clock_rate && codec.name().eq_ignore_ascii_case(name);
        let linear = || SampleRate::from_hz(clock_rate).map(Self::L16).filter(is_named);
        [Self::Pcmu, Self::Pcma, Self::G722].into_iter().find(is_named).or_else(linear)
    }

    /// Returns the bytes of the payload that carries so much audio: exact for multiples of 10 ms.
    pub const fn payload_length(self, milliseconds: u32) -> usize {
        match self {
            Self::Pcmu | Self::Pcma => self.sample_rate().samples_in(milliseconds),
            Self::G722 => self.sample_rate().samples_in(milliseconds) / 2,
            Self::L16(rate) => rate.samples_in(milliseconds) * 2,
        }
    }

    /// Returns an encoder for one stream, at its beginning.
    pub fn encoder(self) -> Box<dyn Encoder> {
        match self {
            Self::Pcmu => Box::new(g711::Ulaw),
            Self::Pcma => Box::new(g711::Alaw),
            Self::G722 => Box::new(g722::G722Encoder::default()),
            Self::L16(_) => Box::new(l16::L16Encoder),
        }
    }

    /// Returns a decoder for one stream, at its beginning.
    pub fn decoder(self) -> Box<dyn Decoder> {
        match self {
            Self::Pcmu => Box::new(g711::Ulaw),
            Self::Pcma => Box::new(g711::Alaw),
            Self::G722 => Box::new(g722::G722Decoder::default()),
            Self::L16(rate) => Box::new(l16::L16Decoder::new(rate)),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
