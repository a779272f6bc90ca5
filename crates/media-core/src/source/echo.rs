//! What is heard, given back.

use std::collections::VecDeque;

/// The most an echo holds back. What is older is dropped, so that an echo never lags further behind.
const MAX_ECHO_MS: usize = 400;

/// Gives back what it is given, as soon as there is enough for a frame.
#[derive(Debug, Clone, Default)]
pub(crate) struct Echo {
    rate: u32,
    held: VecDeque<i16>,
}

impl Echo {
    pub(crate) fn pull(&mut self, rate: u32, count: usize, out: &mut Vec<i16>) {
        self.change_rate(rate);
        if self.held.len() >= count {
            out.extend(self.held.drain(..count));
        } else {
            out.extend(std::iter::repeat_n(0, count));
        }
    }

    pub(crate) fn hear(&mut self, rate: u32, samples: &[i16]) {
        self.change_rate(rate);
        self.held.extend(samples);
        let excess = self.held.len().saturating_sub(rate as usize / 1_000 * MAX_ECHO_MS);
        self.held.drain(..excess);
    }

    /// The codec changed: what is left of the old one is a fraction of a second.
    fn change_rate(&mut self, rate: u32) {
        if self.rate != rate {
            self.held.clear();
            self.rate = rate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(echo: &mut Echo, rate: u32, count: usize) -> Vec<i16> {
        let mut out = Vec::new();
        echo.pull(rate, count, &mut out);
        out
    }

    #[test]
    fn an_echo_keeps_the_newest_400_ms() {
        let mut echo = Echo::default();
        assert_eq!(pull(&mut echo, 8_000, 2), [0, 0]);
        echo.hear(8_000, &[1; 3_200]);
        echo.hear(8_000, &[2]);
        let back = pull(&mut echo, 8_000, 3_200);
        assert_eq!((back[0], back[3_198], back[3_199]), (1, 1, 2));
        echo.hear(8_000, &[7; 10]);
        assert_eq!(pull(&mut echo, 16_000, 2), [0, 0]);
        echo.hear(16_000, &[3; 6_401]);
        assert_eq!(echo.held.len(), 6_400);
    }
}
