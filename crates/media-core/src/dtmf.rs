//! DTMF: digits as telephone events (RFC 4733) and as tones in the audio (ITU-T Q.23, Q.24).
//!
//! Digits are often secrets (a PIN, a card number): no `Debug` here shows one (SEC-45).

mod detect;
mod events;
mod queue;
mod receive;
mod send;
mod tones;

use std::fmt;

pub use detect::{DtmfDetector, UnsuitedSampleRate};
pub use events::EventSet;
pub use queue::{DigitError, MAX_DURATION, MAX_QUEUED, MIN_DURATION, MIN_PAUSE};
pub use receive::{DigitReceiver, MAX_DIGITS_PER_SECOND, MAX_EVENTS_PER_PACKET};
pub use send::{DigitSender, EventPacket, Slot};
pub use tones::{DualTone, ToneSender};

/// The characters of events 0 to 16 (RFC 4733 §3.2 and §7.2); `!` is the flash, which RFC 4733 only keeps reserved.
const DIGITS: [char; 17] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D', '!'];
/// The low group of frequencies in hertz, one per row of the keypad (Q.23).
const LOW_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
/// The high group of frequencies in hertz, one per column of the keypad (Q.23).
const HIGH_HZ: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// The events of the keypad by row and column.
const KEYPAD: [[u8; 4]; 4] = [[1, 2, 3, 12], [4, 5, 6, 13], [7, 8, 9, 14], [10, 0, 11, 15]];
/// The level of a full-scale sine in dBm0 (ITU-T G.711: 3.17 for µ-law, 0.03 less for A-law).
const FULL_SCALE_DBM0: f64 = 3.17;

/// Names a DTMF digit or the flash by its event code, 0 to 16 (RFC 4733 table 3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Event(u8);

impl Event {
    /// The hook flash, event 16.
    pub const FLASH: Self = Self(16);
    /// The digit `1`.
    pub const ONE: Self = Self(1);
    /// The digit `2`.
    pub const TWO: Self = Self(2);

    /// Returns the event with this code; `None` above 16.
    pub fn from_code(code: u8) -> Option<Self> {
        (usize::from(code) < DIGITS.len()).then_some(Self(code))
    }

    /// Returns the event of `0` to `9`, `*`, `#`, `A` to `D` (either case) or `!` for the flash.
    pub fn from_char(digit: char) -> Option<Self> {
        let digit = digit.to_ascii_uppercase();
        DIGITS.iter().position(|&known| known == digit).map(|code| Self(code as u8))
    }

    /// Returns the event code.
    pub fn code(self) -> u8 {
        self.0
    }

    /// Returns the digit's character, upper case; `!` for the flash.
    pub fn to_char(self) -> char {
        DIGITS[usize::from(self.0)]
    }

    /// Returns the two frequencies in hertz, the low one first; `None` for the flash, which has no tone.
    pub fn frequencies(self) -> Option<(f64, f64)> {
        KEYPAD.iter().zip(LOW_HZ).find_map(|(row, low)| {
            row.iter().position(|&code| code == self.0).map(|column| (low, HIGH_HZ[column]))
        })
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Event(_)")
    }
}

/// Holds a digit that has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digit {
    /// The digit: `0` to `9`, `*`, `#`, `A` to `D`, `!` for the flash.
    pub digit: char,
    /// How long it lasted.
    pub duration_ms: u32,
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digit").field("duration_ms", &self.duration_ms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_their_codes_characters_and_tones() {
        for (code, digit) in DIGITS.into_iter().enumerate() {
            let event = Event::from_code(code as u8).expect("a code below 17");
            assert_eq!(
                (event.to_char(), Event::from_char(digit), event.code()),
                (digit, Some(event), code as u8)
            );
        }
        assert_eq!(Event::from_code(17), None);
        assert_eq!(Event::from_char('a'), Event::from_char('A'));
        assert_eq!(Event::from_char('E'), None);
        let tones = |digit| Event::from_char(digit).and_then(Event::frequencies);
        assert_eq!(tones('1'), Some((697.0, 1_209.0)));
        assert_eq!(tones('0'), Some((941.0, 1_336.0)));
        assert_eq!(tones('D'), Some((941.0, 1_633.0)));
        assert_eq!(tones('!'), None);
    }

    #[test]
    fn no_debug_output_shows_a_digit() {
        // covers: SEC-45
        let event = Event::from_char('7').expect("a digit");
        let mut sender = DigitSender::new(8_000);
        sender.push(event, MIN_DURATION).expect("room");
        let mut packets = Vec::new();
        sender.frame(0, 160, &mut packets);
        sender.push(event, MIN_DURATION).expect("room");
        let mut receiver = DigitReceiver::default();
        receiver.receive(777_777, &[7, 0x0A, 0, 80], crate::tick::Tick(0), &mut Vec::new());
        let mut tones = ToneSender::new(8_000);
        tones.push(event, MIN_DURATION).expect("room");
        let digit = Digit { digit: '7', duration_ms: 80 };
        for shown in [
            format!("{event:?}"),
            format!("{digit:?}"),
            format!("{sender:?}"),
            format!("{packets:?}"),
            format!("{receiver:?}"),
            format!("{tones:?}"),
        ] {
            assert!(!shown.contains('7'), "{shown}");
        }
    }
}
