//! What is heard, given back.

use std::collections::VecDeque;

use crate::codec::SampleRate;

/// The most an echo holds back. What is older is dropped, so that an echo never lags further behind.
const MAX_ECHO_MS: u32 = 400;

/// Gives back what it is given, as soon as there is enough for a frame.
#[derive(Debug, Clone, Default)]
pub(crate) struct Echo {
    rate: Option<SampleRate>,
    held: VecDeque<i16>,
}

impl Echo {
    pub(crate) fn pull(&mut self, rate: SampleRate, count: usize, out: &mut Vec<i16>) {
        self.change_rate(rate);
        if self.held.len() >= count {
            out.extend(self.held.drain(..count));
        } else {
            out.extend(std::iter::repeat_n(0, count));
        }
    }

    pub(crate) fn hear(&mut self, rate: SampleRate, samples: &[i16]) {
        self.change_rate(rate);
        self.held.extend(samples);
        let excess = self.held.len().saturating_sub(rate.samples_in(MAX_ECHO_MS));
        self.held.drain(..excess);
    }

    /// The codec changed: what is left of the old one is a fraction of a second.
    fn change_rate(&mut self, rate: SampleRate) {
        if self.rate != Some(rate) {
            self.held.clear();
            self.rate = Some(rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(echo: &mut Echo, rate: SampleRate, count: usize) -> Vec<i16> {
        let mut out = Vec::new();
        echo.pull(rate, count, &mut out);
        out
    }

    #[test]
    fn an_echo_keeps_the_newest_400_ms() {
        let mut echo = Echo::default();
        assert_eq!(pull(&mut echo, SampleRate::Hz8000, 2), [0, 0]);
        echo.hear(SampleRate::Hz8000, &[1; 3_200]);
        echo.hear(SampleRate::Hz8000, &[2]);
        let back = pull(&mut echo, SampleRate::Hz8000, 3_200);
        assert_eq!((back[0], back[3_198], back[3_199]), (1, 1, 2));
        echo.hear(SampleRate::Hz8000, &[7; 10]);
        assert_eq!(pull(&mut echo, SampleRate::Hz16000, 2), [0, 0]);
        echo.hear(SampleRate::Hz16000, &[3; 6_401]);
        assert_eq!(echo.held.len(), 6_400);
    }
}
