//! How long packets may wait, and the clocks of what is played.

use std::time::Duration;

/// The longest piece of a stream that is held, and the longest delay of its playout (SEC-46).
pub const MAX_DELAY: Duration = Duration::from_secs(1);

/// Tells how long packets wait before they are heard. Delays are counted from the arrival of the fastest packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlayoutSettings {
    /// The delay of the first packet, as long as the jitter is not known.
    pub start: Duration,
    /// The smallest delay that the adaptation chooses.
    pub minimum: Duration,
    /// The largest delay that the adaptation chooses; what comes later is late. At most [`MAX_DELAY`].
    pub maximum: Duration,
    /// How long one pull lasts. A packet that begins inside a pull must be there when the pull begins, so the delay is
    /// that much longer than the jitter.
    pub frame: Duration,
}

impl Default for PlayoutSettings {
    /// 40 ms at the start, 20 to 400 ms later, pulls of 20 ms.
    fn default() -> Self {
        Self {
            start: Duration::from_millis(40),
            minimum: Duration::from_millis(20),
            maximum: Duration::from_millis(400),
            frame: Duration::from_millis(20),
        }
    }
}

impl PlayoutSettings {
    /// Returns settings with a delay that does not follow the jitter, for pulls of 20 ms.
    pub fn fixed(delay: Duration) -> Self {
        Self { start: delay, minimum: delay, maximum: delay, ..Self::default() }
    }

    /// Puts each delay inside the one above it.
    pub(super) fn bounded(self) -> Self {
        let maximum = self.maximum.min(MAX_DELAY);
        Self {
            start: self.start.min(maximum),
            minimum: self.minimum.min(maximum),
            maximum,
            frame: self.frame.min(MAX_DELAY),
        }
    }
}

/// Names the clocks of a payload type, in hertz. They differ for G.722, whose RTP clock is 8000 (RFC 3551 §4.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The rate of its RTP timestamps.
    pub clock_rate: u32,
    /// The rate of its decoded samples.
    pub sample_rate: u32,
}

impl Format {
    /// G.711 and everything else with 8000 Hz on both sides.
    pub const NARROWBAND: Self = Self { clock_rate: 8_000, sample_rate: 8_000 };

    /// A rate of zero is taken as 8000 Hz: it would stop the time.
    pub(super) fn sane(self) -> Self {
        let or_8000 = |rate| if rate == 0 { 8_000 } else { rate };
        Self { clock_rate: or_8000(self.clock_rate), sample_rate: or_8000(self.sample_rate) }
    }

    pub(super) fn units_of_samples(self, samples: usize) -> u64 {
        samples as u64 * u64::from(self.clock_rate) / u64::from(self.sample_rate)
    }

    /// Rounds up, so that what is waited for is there afterwards.
    pub(super) fn samples_of_units(self, units: u32) -> usize {
        (u64::from(units) * u64::from(self.sample_rate)).div_ceil(u64::from(self.clock_rate)) as usize
    }

    pub(super) fn time_of_samples(self, samples: usize) -> Duration {
        Duration::from_micros(samples as u64 * 1_000_000 / u64::from(self.sample_rate))
    }

    /// Microseconds of so many timestamp units.
    pub(super) fn micros_of_units(self, units: i64) -> i64 {
        (i128::from(units) * 1_000_000 / i128::from(self.clock_rate)) as i64
    }

    /// Rounds up to the next timestamp unit.
    pub(super) fn units_of_micros(self, micros: i64) -> u32 {
        let micros = micros.clamp(0, MAX_DELAY.as_micros() as i64 * 2) as u64;
        let units = (u128::from(micros) * u128::from(self.clock_rate)).div_ceil(1_000_000);
        u32::try_from(units).unwrap_or(u32::MAX)
    }
}
