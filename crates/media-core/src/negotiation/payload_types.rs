//! The payload types a session has bound: a number keeps its meaning for the session's life (TR-212).

use super::format::MediaFormat;

/// The number most user agents take for telephone-event at 8 kHz; any free dynamic one would do.
const USUAL_TELEPHONE_EVENT: u8 = 101;
/// The numbers we take ourselves (RFC 3551 §3).
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;

#[derive(Debug, Clone, Copy)]
struct Bound {
    number: u8,
    /// `None` for a format of the peer that we do not know.
    format: Option<MediaFormat>,
    /// We named it ourselves, so the peer may send it.
    told: bool,
}

/// Remembers what every payload type means that a description of this session bound: 128 at most.
#[derive(Debug, Clone, Default)]
pub(super) struct PayloadTypes {
    bound: Vec<Bound>,
}

impl PayloadTypes {
    /// Remembers the numbers of an m-line of the peer; the first meaning of a number stays.
    pub(super) fn learn(&mut self, formats: &[(u8, Option<MediaFormat>)]) {
        for &(number, format) in formats {
            if self.find(number).is_none() {
                self.bound.push(Bound { number, format, told: false });
            }
        }
    }

    /// Returns the number to offer a format with: its static one, the one it has, or a free one; `None` when all
    /// dynamic numbers are bound to something else.
    pub(super) fn offer(&mut self, format: MediaFormat) -> Option<u8> {
        let known = self.bound.iter().find(|bound| bound.format == Some(format)).map(|bound| bound.number);
        let number = format.static_payload_type().or(known).or_else(|| self.free(format))?;
        self.tell(number, format);
        Some(number)
    }

    /// Returns the number to answer a format with that was offered with `number`: the same (RFC 3264 §6.1), unless it
    /// has meant something else in this session and another is free.
    pub(super) fn answer(&mut self, number: u8, format: MediaFormat) -> u8 {
        let other = self.find(number).is_some_and(|bound| bound.format != Some(format));
        let free = if other { self.offer(format) } else { None };
        free.unwrap_or_else(|| {
            self.tell(number, format);
            number
        })
    }

    /// Returns what the peer may send: each number that we named.
    pub(super) fn told(&self) -> Vec<(u8, MediaFormat)> {
        self.bound
            .iter()
            .filter(|bound| bound.told)
            .filter_map(|bound| Some((bound.number, bound.format?)))
            .collect()
    }

    fn tell(&mut self, number: u8, format: MediaFormat) {
        match self.find(number) {
            Some(bound) => *bound = Bound { number, format: Some(format), told: true },
            None => self.bound.push(Bound { number, format: Some(format), told: true }),
        }
    }

    fn free(&mut self, format: MediaFormat) -> Option<u8> {
        let usual =
            (format == MediaFormat::TelephoneEvent { clock_rate: 8_000 }).then_some(USUAL_TELEPHONE_EVENT);
        usual.into_iter().chain(DYNAMIC).find(|&number| self.find(number).is_none())
    }

    fn find(&mut self, number: u8) -> Option<&mut Bound> {
        self.bound.iter_mut().find(|bound| bound.number == number)
    }
}
