//! What a payload type can stand for.

use std::fmt;

use crate::codec::Codec;
use crate::sdp::{Encoding, Media};

/// The clock of comfort noise, which has the static payload type 13 (RFC 3389 §4).
const COMFORT_NOISE_CLOCK_RATE: u32 = 8_000;
const COMFORT_NOISE_PAYLOAD_TYPE: u8 = 13;

/// Names a media format that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MediaFormat {
    /// Audio.
    Audio(Codec),
    /// Comfort noise at 8 kHz (RFC 3389).
    ComfortNoise,
    /// Telephone events (RFC 4733).
    TelephoneEvent {
        /// The timestamp units per second, in Hz.
        clock_rate: u32,
    },
}

impl MediaFormat {
    /// Returns the payload type that needs no `rtpmap` (RFC 3551 table 4).
    pub fn static_payload_type(self) -> Option<u8> {
        match self {
            Self::Audio(codec) => codec.static_payload_type(),
            Self::ComfortNoise => Some(COMFORT_NOISE_PAYLOAD_TYPE),
            Self::TelephoneEvent { .. } => None,
        }
    }

    /// Returns the format with this static payload type.
    pub fn from_static_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            COMFORT_NOISE_PAYLOAD_TYPE => Some(Self::ComfortNoise),
            number => Codec::from_static_payload_type(number).map(Self::Audio),
        }
    }

    /// Returns the format that an `rtpmap` names; mono only.
    pub fn from_encoding(encoding: Encoding<'_>) -> Option<Self> {
        let Encoding { name, clock_rate, channels: 1 } = encoding else { return None };
        if name.eq_ignore_ascii_case("telephone-event") {
            return Some(Self::TelephoneEvent { clock_rate });
        }
        if name.eq_ignore_ascii_case("CN") {
            return (clock_rate == COMFORT_NOISE_CLOCK_RATE).then_some(Self::ComfortNoise);
        }
        Codec::from_rtpmap(name, clock_rate).map(Self::Audio)
    }

    /// The name that an `rtpmap` gives the format.
    pub(super) fn encoding_name(self) -> &'static str {
        match self {
            Self::Audio(codec) => codec.name(),
            Self::ComfortNoise => "CN",
            Self::TelephoneEvent { .. } => "telephone-event",
        }
    }

    /// The clock rate that an `rtpmap` gives the format, in Hz.
    pub(super) fn clock_rate(self) -> u32 {
        match self {
            Self::Audio(codec) => codec.clock_rate(),
            Self::ComfortNoise => COMFORT_NOISE_CLOCK_RATE,
            Self::TelephoneEvent { clock_rate } => clock_rate,
        }
    }
}

impl fmt::Display for MediaFormat {
    /// Writes the encoding of an `rtpmap`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.encoding_name(), self.clock_rate())
    }
}

/// What the `rtpmap` lines of an m-line bind; the first that names a number counts.
pub(super) struct Bindings([Binding; 128]);

/// What a payload type is bound to.
#[derive(Clone, Copy)]
enum Binding {
    Nothing,
    /// A format that we do not know.
    Foreign,
    Known(MediaFormat),
}

impl Bindings {
    pub(super) fn none() -> Self {
        Self([Binding::Nothing; 128])
    }

    /// Takes the value of an `a=rtpmap`.
    pub(super) fn bind(&mut self, value: &str) {
        if let Some((number, encoding)) = Encoding::bound(value)
            && let place @ Binding::Nothing = &mut self.0[usize::from(number)]
        {
            *place = MediaFormat::from_encoding(encoding).map_or(Binding::Foreign, Binding::Known);
        }
    }

    /// Returns the payload types of an m-line in its order, each with the format it stands for: as bound here, else by its
    /// static number. A number that is static stands for nothing else.
    pub(super) fn formats(&self, media: &Media<'_>) -> Vec<(u8, Option<MediaFormat>)> {
        let format = |number: u8| {
            let known = MediaFormat::from_static_payload_type(number);
            match self.0[usize::from(number)] {
                Binding::Nothing => known,
                Binding::Foreign => None,
                Binding::Known(format) => Some(format).filter(|_| known.is_none_or(|known| known == format)),
            }
        };
        media.payload_types().map(|number| (number, format(number))).collect()
    }
}
