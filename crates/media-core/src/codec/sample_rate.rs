//! The rates at which linear samples come and go.

use std::fmt;

/// Samples per second of mono audio: the rates of the codecs, of WAV files and of application streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SampleRate {
    /// 8,000 Hz: G.711.
    Hz8000,
    /// 16,000 Hz: G.722.
    Hz16000,
    /// 24,000 Hz: what speech services stream.
    Hz24000,
    /// 32,000 Hz.
    Hz32000,
    /// 44,100 Hz: most recordings.
    Hz44100,
    /// 48,000 Hz: Opus and sound cards.
    Hz48000,
}

impl SampleRate {
    /// Every rate, from the lowest.
    pub const ALL: [Self; 6] =
        [Self::Hz8000, Self::Hz16000, Self::Hz24000, Self::Hz32000, Self::Hz44100, Self::Hz48000];

    /// Returns the samples per second.
    pub const fn hz(self) -> u32 {
        match self {
            Self::Hz8000 => 8_000,
            Self::Hz16000 => 16_000,
            Self::Hz24000 => 24_000,
            Self::Hz32000 => 32_000,
            Self::Hz44100 => 44_100,
            Self::Hz48000 => 48_000,
        }
    }

    /// Returns the rate with so many samples per second.
    pub fn from_hz(hz: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|rate| rate.hz() == hz)
    }

    /// Returns the whole samples in a time: exact for every rate where `milliseconds` is a multiple of 10.
    pub const fn samples_in(self, milliseconds: u32) -> usize {
        (self.hz() as u64 * milliseconds as u64 / 1_000) as usize
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz", self.hz())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_is_found_by_its_number() {
        for rate in SampleRate::ALL {
            assert_eq!(SampleRate::from_hz(rate.hz()), Some(rate));
            assert_eq!(rate.samples_in(10) * 100, rate.hz() as usize);
        }
        assert_eq!(SampleRate::from_hz(11_025), None);
        assert_eq!(SampleRate::Hz44100.samples_in(1), 44);
    }
}
