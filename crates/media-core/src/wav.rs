//! Recordings in memory: WAV files of the usual kinds, mixed down to one channel.

mod parse;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::codec::SampleRate;

pub use parse::parse_wav;

/// The longest recording: ten minutes, which is 19 MB in memory at 16,000 samples a second.
pub const MAX_WAV_SECONDS: usize = 600;

/// Holds a recording: 16-bit samples of one channel. Cloning it is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wav {
    samples: Arc<[i16]>,
    rate: SampleRate,
    repeats: bool,
}

impl Wav {
    /// Creates a recording of samples that is played in a loop.
    pub fn new(samples: impl Into<Arc<[i16]>>, rate: SampleRate) -> Self {
        Self { samples: samples.into(), rate, repeats: true }
    }

    /// Has it played once.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.repeats = false;
        self
    }

    /// Returns the samples.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// Returns the samples per second.
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Returns true when it is played in a loop.
    pub fn repeats(&self) -> bool {
        self.repeats
    }
}

/// Tells why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WavError {
    /// The file cannot be read.
    #[error("the recording cannot be read: {0}")]
    Read(#[source] std::io::Error),
    /// The bytes do not begin as a WAV file does.
    #[error("not a WAV file")]
    NotWav,
    /// There is no audio, or nothing that says what kind of audio it is.
    #[error("the WAV file has no {0} chunk")]
    NoChunk(&'static str),
    /// The samples are of a kind that is not read.
    #[error(
        "only 1 or 2 channels, 8 to 48 kHz (the usual rates), of 8, 16, 24 or 32 bits (or floating point, \
         A-law, µ-law) are read; this is format {format}, {channels} channel(s), {rate} Hz, {bits} bits"
    )]
    Unsupported {
        /// The format tag.
        format: u16,
        /// The number of channels.
        channels: u16,
        /// The samples per second.
        rate: u32,
        /// The bits per sample.
        bits: u16,
    },
    /// The recording has no samples.
    #[error("the recording is empty")]
    Empty,
    /// The recording is longer than [`MAX_WAV_SECONDS`].
    #[error("the recording is longer than {} minutes", MAX_WAV_SECONDS / 60)]
    TooLong,
}
