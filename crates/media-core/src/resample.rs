//! Changing the sample rate: a polyphase FIR filter for each ratio of two [`SampleRate`]s.

mod filter;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::codec::SampleRate;
use filter::{Filter, LANES};

/// Input samples that are taken at a time: bounds the buffer. 10 ms at the highest rate.
const BLOCK: usize = 480;

/// Turns a stream of samples at one rate into the same sound at another.
///
/// Every 10 ms in give 10 ms out, and what comes out does not depend on where the input was cut. The pass band ends at
/// 0.437 of the lower rate (3.5 kHz of 8 kHz, 7 kHz of 16 kHz); beyond half of the lower rate, aliases and images are
/// 79 dB down or more. Between equal rates samples are copied.
///
/// [`Self::new`] computes the filter, at most 480 coefficients between multiples of 8 kHz but up to 36,000 where 44.1 kHz is
/// involved, which takes some milliseconds; after that nothing is allocated, if the output has room.
#[derive(Debug, Clone)]
pub struct Resampler {
    from: SampleRate,
    /// `None` where the rates are equal.
    filter: Option<Filter>,
    /// Input that the next output needs, oldest first, and after it what a block adds.
    input: Vec<f32>,
    /// Where in `input` the window of the next output begins; it may lie behind the end.
    start: usize,
    /// Which of the filter's phases makes the next output.
    phase: usize,
}

impl Resampler {
    /// Returns a converter at its beginning: before the first sample was silence.
    pub fn new(from: SampleRate, to: SampleRate) -> Self {
        let filter = (from != to).then(|| Filter::new(from, to));
        let room = filter.as_ref().map_or(0, |filter| filter.taps - 1 + BLOCK);
        let mut resampler = Self { from, filter, input: Vec::with_capacity(room), start: 0, phase: 0 };
        resampler.reset();
        resampler
    }

    /// Forgets the samples of before, as when another stream begins.
    pub fn reset(&mut self) {
        self.input.clear();
        self.input.resize(self.filter.as_ref().map_or(0, |filter| filter.taps - 1), 0.0);
        self.start = 0;
        self.phase = 0;
    }

    /// Returns how much later a sound comes out than it went in.
    pub fn delay(&self) -> Duration {
        let samples = self.filter.as_ref().map_or(0, |filter| filter.taps / 2);
        Duration::from_secs(samples as u64) / self.from.hz()
    }

    /// Takes samples and appends as many as have become due.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        let Some(filter) = &self.filter else {
            out.extend_from_slice(samples);
            return;
        };
        for block in samples.chunks(BLOCK) {
            self.input.extend(block.iter().map(|&sample| f32::from(sample)));
            while let Some(window) = self.input.get(self.start..self.start + filter.taps) {
                out.push(to_sample(dot(window, filter.phase(self.phase))));
                let next = self.phase + filter.down;
                self.start += next / filter.up;
                self.phase = next % filter.up;
            }
            let used = self.start.min(self.input.len());
            self.input.drain(..used);
            self.start -= used;
        }
    }
}

/// The sum of products, in lanes so that the compiler can use vector instructions.
fn dot(window: &[f32], coefficients: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let (window, _) = window.as_chunks::<LANES>();
    let (coefficients, _) = coefficients.as_chunks::<LANES>();
    for (window, coefficients) in window.iter().zip(coefficients) {
        for ((sum, sample), coefficient) in sums.iter_mut().zip(window).zip(coefficients) {
            *sum += sample * coefficient;
        }
    }
    sums.iter().sum()
}

/// Rounds to the nearest sample, without the call that `round` is on processors without the instruction.
fn to_sample(value: f32) -> i16 {
    ((value.clamp(-32_768.0, 32_767.0) + 32_768.5) as i32 - 32_768) as i16
}
