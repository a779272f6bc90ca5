//! Speech of an application, through a bounded queue.

use std::collections::VecDeque;

use crate::codec::SampleRate;

/// The most speech of an application that waits in a device: what is beyond it is not taken.
pub const MAX_SPEECH_MS: u32 = 1_000;

/// Holds what an application has said and the microphone has not sent yet.
#[derive(Debug, Clone)]
pub(crate) struct Speech {
    rate: SampleRate,
    waiting: VecDeque<i16>,
    limit: usize,
    /// The frames for which there was too little; silence filled them.
    pub(crate) under_runs: u64,
    /// The samples that were not taken because the queue was full.
    pub(crate) refused: u64,
    /// Between two pieces of speech nothing is missing.
    speaking: bool,
}

impl Speech {
    pub(crate) fn new(rate: SampleRate) -> Self {
        let limit = rate.samples_in(MAX_SPEECH_MS);
        Self { rate, waiting: VecDeque::new(), limit, under_runs: 0, refused: 0, speaking: false }
    }

    pub(crate) fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Takes as many of the samples as there is room for, and returns how many that were.
    pub(crate) fn speak(&mut self, samples: &[i16]) -> usize {
        let taken = samples.len().min(self.limit - self.waiting.len());
        self.waiting.extend(&samples[..taken]);
        self.refused += (samples.len() - taken) as u64;
        taken
    }

    /// Drops what waits, as when somebody else begins to talk.
    pub(crate) fn fall_silent(&mut self) {
        self.waiting.clear();
        self.speaking = false;
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn pull(&mut self, count: usize, out: &mut Vec<i16>) {
        let there = count.min(self.waiting.len());
        out.extend(self.waiting.drain(..there));
        out.extend(std::iter::repeat_n(0, count - there));
        if there == count {
            self.speaking = true;
        } else if self.speaking {
            self.under_runs += 1;
            self.speaking = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(speech: &mut Speech, count: usize) -> Vec<i16> {
        let mut out = Vec::new();
        speech.pull(count, &mut out);
        out
    }

    #[test]
    fn speech_is_taken_up_to_the_limit_and_given_in_order() {
        let mut speech = Speech::new(SampleRate::Hz8000);
        assert_eq!(speech.speak(&[1; 7_999]), 7_999);
        assert_eq!(speech.speak(&[2; 2]), 1);
        assert_eq!((speech.waiting(), speech.refused), (8_000, 1));
        assert_eq!(pull(&mut speech, 7_998), vec![1; 7_998]);
        assert_eq!(pull(&mut speech, 2), [1, 2]);
        assert_eq!(speech.under_runs, 0);
    }

    #[test]
    fn each_time_speech_runs_out_is_one_under_run_filled_with_silence() {
        let mut speech = Speech::new(SampleRate::Hz8000);
        assert_eq!(pull(&mut speech, 2), [0, 0]);
        assert_eq!(speech.under_runs, 0);
        speech.speak(&[5; 3]);
        assert_eq!((pull(&mut speech, 2), pull(&mut speech, 2)), (vec![5, 5], vec![5, 0]));
        assert_eq!(pull(&mut speech, 2), [0, 0]);
        assert_eq!(speech.under_runs, 1);
        speech.speak(&[6; 4]);
        assert_eq!(pull(&mut speech, 2), [6, 6]);
        speech.fall_silent();
        assert_eq!((pull(&mut speech, 2), speech.under_runs), (vec![0, 0], 1));
    }
}
