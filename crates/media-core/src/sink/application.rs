//! What an application hears, through a bounded queue.

use std::collections::VecDeque;

use crate::codec::SampleRate;
use crate::rate_change::RateChange;

/// The most audio that waits in a device for its application; the oldest beyond it is dropped, so that an application
/// that was busy goes on with what is said now.
pub const MAX_HEARD_MS: u32 = 1_000;

/// Holds what was heard and the application has not taken yet.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    rate: SampleRate,
    change: RateChange,
    /// Room for samples at the application's rate.
    own: Vec<i16>,
    waiting: VecDeque<i16>,
    limit: usize,
    /// The samples that were dropped.
    pub(crate) dropped: u64,
}

impl Listening {
    pub(crate) fn new(rate: SampleRate) -> Self {
        let (waiting, own) = (VecDeque::new(), Vec::new());
        Self {
            rate,
            change: RateChange::default(),
            own,
            waiting,
            limit: rate.samples_in(MAX_HEARD_MS),
            dropped: 0,
        }
    }

    pub(crate) fn hear(&mut self, rate: SampleRate, samples: &[i16]) {
        self.own.clear();
        self.change.process(rate, self.rate, samples, &mut self.own);
        self.waiting.extend(&self.own);
        let excess = self.waiting.len().saturating_sub(self.limit);
        self.waiting.drain(..excess);
        self.dropped += excess as u64;
    }

    /// Appends what waits, and returns how much that was.
    pub(crate) fn take(&mut self, out: &mut Vec<i16>) -> usize {
        let count = self.waiting.len();
        out.extend(self.waiting.drain(..));
        count
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_dropped_beyond_a_second() {
        let mut listening = Listening::new(SampleRate::Hz8000);
        listening.hear(SampleRate::Hz8000, &[1; 8_000]);
        assert_eq!((listening.waiting(), listening.dropped), (8_000, 0));
        listening.hear(SampleRate::Hz8000, &[2]);
        let mut heard = Vec::new();
        assert_eq!(listening.take(&mut heard), 8_000);
        assert_eq!((heard[0], heard[7_999], listening.dropped), (1, 2, 1));
        assert_eq!(listening.take(&mut heard), 0);
    }
}
