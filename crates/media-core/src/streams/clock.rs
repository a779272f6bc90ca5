//! The media clock: which timestamp a moment has.

use crate::tick::Tick;

/// Turns moments into timestamps of one stream. It runs on through holds (RFC 3550 §5.1, TM-006).
#[derive(Debug, Clone, Copy)]
pub(super) struct MediaClock {
    anchor: Tick,
    value: u32,
    rate: u32,
}

impl MediaClock {
    /// Starts with the timestamp `value` at `anchor`, with so many units a second.
    pub(super) fn new(anchor: Tick, value: u32, rate: u32) -> Self {
        Self { anchor, value, rate }
    }

    /// Returns the timestamp at a moment.
    pub(super) fn at(&self, moment: Tick) -> u32 {
        if moment >= self.anchor {
            self.value.wrapping_add(self.units(moment.0 - self.anchor.0))
        } else {
            self.value.wrapping_sub(self.units(self.anchor.0 - moment.0))
        }
    }

    /// Returns the timestamp at a moment on a clock of another rate: that of events whose clock is not the audio's.
    pub(super) fn at_rate(&self, moment: Tick, rate: u32) -> u32 {
        if rate == self.rate { self.at(moment) } else { Self { rate, ..*self }.at(moment) }
    }

    /// Goes on from a moment with another timestamp.
    pub(super) fn set(&mut self, moment: Tick, value: u32) {
        (self.anchor, self.value) = (moment, value);
    }

    /// Goes on from a moment in other units, without a jump.
    pub(super) fn set_rate(&mut self, moment: Tick, rate: u32) {
        if rate != self.rate {
            *self = Self::new(moment, self.at(moment), rate);
        }
    }

    fn units(&self, micros: u64) -> u32 {
        (u128::from(micros) * u128::from(self.rate) / 1_000_000) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_wraps_and_runs_for_days() {
        // covers: TM-062
        let clock = MediaClock::new(Tick(1_000), u32::MAX - 79, 8_000);
        assert_eq!(clock.at(Tick(1_000 + 20_000)), 80);
        assert_eq!(clock.at(Tick(0)), u32::MAX - 79 - 8);
        let days = 30 * 86_400 * 8_000u64;
        assert_eq!(clock.at(Tick(1_000 + days * 125)), (u64::from(u32::MAX - 79) + days) as u32);
    }

    #[test]
    fn another_rate_goes_on_where_the_first_was() {
        let mut clock = MediaClock::new(Tick(0), 100, 8_000);
        clock.set_rate(Tick(20_000), 16_000);
        assert_eq!((clock.at(Tick(20_000)), clock.at(Tick(40_000))), (260, 580));
        clock.set(Tick(40_000), 7);
        assert_eq!(clock.at(Tick(60_000)), 327);
    }
}
