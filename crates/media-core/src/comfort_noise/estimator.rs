//! The level of the noise behind speech.

use super::{ComfortNoise, MAX_LEVEL};
use crate::codec::SampleRate;

/// Power is taken over so many milliseconds at a time: short against the pauses between words, long enough for the
/// power of noise to be nearly the same each time.
const BLOCK_MS: u32 = 50;
/// What the estimate may rise by in a block: 6 dB a second. Speech is followed that slowly, a pause at once.
const RISE: f64 = 1.071_5;
/// The power of the smallest sample. What is quieter is no room but a switched-off microphone, and its end is followed
/// at once.
const DIGITAL_SILENCE: f64 = 1.0;
/// The power of a square wave at full scale: 0 dBov.
const OVERLOAD: f64 = 32_768.0 * 32_768.0;

/// Estimates the level of background noise: the power that a signal falls back to in its pauses.
#[derive(Debug, Clone)]
pub struct NoiseEstimator {
    block: usize,
    count: usize,
    energy: f64,
    /// The power of the background; `None` before the first block.
    estimate: Option<f64>,
}

impl NoiseEstimator {
    /// Returns an estimator for samples of this rate.
    pub fn new(rate: SampleRate) -> Self {
        Self { block: rate.samples_in(BLOCK_MS), count: 0, energy: 0.0, estimate: None }
    }

    /// Takes the next samples of what is sent; where they are cut does not matter.
    pub fn observe(&mut self, samples: &[i16]) {
        for &sample in samples {
            self.energy += f64::from(sample) * f64::from(sample);
            self.count += 1;
            if self.count == self.block {
                self.take(self.energy / self.block as f64);
                (self.count, self.energy) = (0, 0.0);
            }
        }
    }

    /// Returns white noise of the estimated level; the quietest before 50 ms were seen.
    pub fn noise(&self) -> ComfortNoise {
        let below = -10.0 * (self.estimate.unwrap_or(0.0) / OVERLOAD).log10();
        ComfortNoise::white(below.round().clamp(0.0, f64::from(MAX_LEVEL)) as u8)
    }

    fn take(&mut self, power: f64) {
        self.estimate = Some(match self.estimate {
            Some(estimate) if estimate >= DIGITAL_SILENCE => power.min(estimate * RISE),
            Some(_) | None => power,
        });
    }
}
