//! The payload numbers a session has bound: a number keeps its meaning for the session's life (TR-212).

use std::collections::BTreeMap;

use crate::codec::Codec;
use crate::sdp::MediaDescription;

/// The encoding of DTMF events at the audio's clock rate (RFC 4733 §2.1).
pub(super) const TELEPHONE_EVENT: &str = "telephone-event/8000";
/// The number most user agents take for telephone-event; any free dynamic one would do.
const USUAL_TELEPHONE_EVENT: u8 = 101;
/// The dynamic numbers (RFC 3551 §3). This range also bounds the map.
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;

/// Remembers the encoding of every dynamic payload number that a description in force has bound.
#[derive(Debug, Clone, Default)]
pub(super) struct PayloadTypes {
    bound: BTreeMap<u8, String>,
}

impl PayloadTypes {
    /// Remembers the numbers an m-line binds; the first meaning of a number stays.
    pub(super) fn learn(&mut self, media: &MediaDescription) {
        for number in media.payload_types().filter(|number| DYNAMIC.contains(number)) {
            if let Some(encoding) = media.rtpmap(number) {
                self.bound.entry(number).or_insert_with(|| encoding.to_ascii_lowercase());
            }
        }
    }

    /// Returns the number to offer telephone-event with: the one it has, else a free one; `None` when the peer has
    /// bound all dynamic numbers to something else.
    pub(super) fn telephone_event(&mut self) -> Option<u8> {
        let known = self.bound.iter().find(|(_, encoding)| is_telephone_event(encoding));
        if let Some((number, _)) = known {
            return Some(*number);
        }
        let number = std::iter::once(USUAL_TELEPHONE_EVENT)
            .chain(DYNAMIC)
            .find(|number| !self.bound.contains_key(number))?;
        self.bound.insert(number, TELEPHONE_EVENT.to_owned());
        Some(number)
    }
}

/// Returns the codec a payload number stands for in an m-line: by its `rtpmap`, else by its static number.
pub(super) fn codec_of(media: &MediaDescription, number: u8) -> Option<Codec> {
    let Some(encoding) = media.rtpmap(number) else {
        return Codec::from_static_payload_type(number);
    };
    let mut parts = encoding.split('/');
    let name = parts.next()?;
    let rate = parts.next()?.parse::<u32>().ok()?;
    let mono = parts.next().is_none_or(|channels| channels == "1");
    Codec::ALL
        .into_iter()
        .find(|codec| codec.name().eq_ignore_ascii_case(name) && rate == Codec::CLOCK_RATE && mono)
}

/// Returns true for the encoding of telephone-event at 8 kHz, with or without a channel count.
pub(super) fn is_telephone_event(encoding: &str) -> bool {
    let encoding = encoding.strip_suffix("/1").unwrap_or(encoding);
    encoding.eq_ignore_ascii_case(TELEPHONE_EVENT)
}
