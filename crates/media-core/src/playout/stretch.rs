//! Changing the length of audio by one pitch period, with a cross-fade where it repeats itself best.

use super::likeness::{Search, best_lag, likeness};
use super::queue::SampleQueue;

/// The length of the cross-fade.
const OVERLAP_MILLIS: usize = 5;
/// The longest period.
const LONGEST_MILLIS: usize = 15;
/// The first search tries lags and samples of this rate.
const COARSE_RATE: usize = 8_000;
/// Signals below this amplitude (-50 dBFS) are quiet: nobody hears what becomes of them.
const QUIET: u64 = 100;
/// A period as alike as this is left out or repeated without a trace.
const ALIKE: f32 = 0.8;

/// Shortens and lengthens at one sample rate.
#[derive(Debug, Clone)]
pub(super) struct Stretch {
    overlap: usize,
    longest: usize,
    search: Search,
    /// The piece that is inserted.
    scratch: Vec<i16>,
}

/// Tells how much a stretch needs to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It must not be heard.
    Good,
    /// Only where it is quiet.
    Quiet,
    /// Whatever it sounds like.
    Any,
}

impl Stretch {
    pub(super) fn new(rate: u32) -> Self {
        let rate = (rate as usize).max(1_000);
        let stride = (rate / COARSE_RATE).max(1);
        Self {
            overlap: rate * OVERLAP_MILLIS / 1_000,
            longest: rate * LONGEST_MILLIS / 1_000,
            search: Search { step: stride, stride },
            scratch: Vec::new(),
        }
    }

    /// Returns how many samples have to be queued for a change.
    pub(super) fn span(&self) -> usize {
        self.overlap + self.longest
    }

    /// Leaves out one period at the front of the queue and returns its length; `None` if nothing fits.
    pub(super) fn shorten(&self, queue: &mut SampleQueue, fit: Fit) -> Option<usize> {
        let front = queue.front_mut();
        if front.len() < self.span() {
            return None;
        }
        let overlap = self.overlap;
        let (lag, alike) = best_lag(overlap..=self.longest, self.search, |lag, stride| {
            likeness(&front[..overlap], &front[lag..lag + overlap], stride)
        });
        if !fits(fit, alike, &front[..lag + overlap]) {
            return None;
        }
        for index in 0..overlap {
            front[lag + index] = self.mixed(front[index], front[lag + index], index);
        }
        queue.drop_front(lag);
        Some(lag)
    }

    /// Repeats one period between what was heard and the front of the queue and returns its length; `None` if nothing
    /// fits.
    pub(super) fn lengthen(&mut self, history: &[i16], queue: &mut SampleQueue, fit: Fit) -> Option<usize> {
        let overlap = self.overlap;
        let front = queue.front();
        if front.len() < overlap || history.len() < self.longest {
            return None;
        }
        let end = history.len();
        // The last `lag` samples that were heard are heard again, and the front goes on behind them.
        let (lag, alike) = best_lag(overlap..=self.longest, self.search, |lag, stride| {
            likeness(&front[..overlap], &history[end - lag..end - lag + overlap], stride)
        });
        if !fits(fit, alike, &front[..overlap]) {
            return None;
        }
        let again = &history[end - lag..];
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.extend((0..overlap).map(|index| self.mixed(front[index], again[index], index)));
        scratch.extend_from_slice(&again[overlap..]);
        queue.insert_front(&scratch);
        self.scratch = scratch;
        Some(lag)
    }

    pub(super) fn bytes(&self) -> usize {
        self.scratch.capacity() * size_of::<i16>()
    }

    fn mixed(&self, from: i16, to: i16, index: usize) -> i16 {
        let weight = (index + 1) as f32 / (self.overlap + 1) as f32;
        (f32::from(from) * (1.0 - weight) + f32::from(to) * weight).round() as i16
    }
}

fn fits(fit: Fit, alike: f32, samples: &[i16]) -> bool {
    let energy: u64 = samples.iter().map(|&sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
    let quiet = energy <= QUIET.pow(2) * samples.len() as u64;
    match fit {
        Fit::Any => true,
        Fit::Quiet => quiet,
        Fit::Good => quiet || alike >= ALIKE,
    }
}
