//! What a device's microphone gives: silence, a tone, a recording, an echo of what is heard, or an application's speech.

mod application;
mod echo;
mod tone;
mod wav;

use crate::wav::Wav;

pub(crate) use application::Speech;
use echo::Echo;
use tone::Tone;
use wav::WavPlayer;

pub use application::MAX_SPEECH_MS;

/// Names what a device sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Packets of silence.
    Silence,
    /// A sine of this frequency.
    Tone {
        /// The frequency in hertz; useful below half the codec's sample rate.
        hz: u16,
    },
    /// A recording, in a loop or once ([`Wav::once`]); after its end silence.
    Wav(Wav),
    /// What the stream receives, 20 ms to 400 ms later.
    Echo,
    /// What the application says by [`crate::Streams::speak`]; it hears by [`crate::Streams::listen`].
    Application {
        /// The samples per second on the application's side, both ways: 8,000 to 48,000.
        rate: u32,
    },
}

/// Tells whether a source has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Play {
    Goes,
    /// These were its last samples, which is said once; silence follows.
    Ended,
}

/// Plays a [`Source`] sample by sample, at the rate that is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Player {
    Silence,
    Tone(Tone),
    Wav(WavPlayer),
    Echo(Echo),
    Application(Speech),
}

impl Player {
    pub(crate) fn new(source: Source) -> Self {
        match source {
            Source::Silence => Self::Silence,
            Source::Tone { hz } => Self::Tone(Tone::new(hz)),
            Source::Wav(wav) => Self::Wav(WavPlayer::new(wav)),
            Source::Echo => Self::Echo(Echo::default()),
            Source::Application { rate } => Self::Application(Speech::new(rate)),
        }
    }

    /// Appends the next `count` samples at `rate` a second.
    pub(crate) fn pull(&mut self, rate: u32, count: usize, out: &mut Vec<i16>) -> Play {
        match self {
            Self::Silence => out.extend(std::iter::repeat_n(0, count)),
            Self::Tone(tone) => tone.pull(rate, count, out),
            Self::Wav(wav) => return wav.pull(count, out),
            Self::Echo(echo) => echo.pull(rate, count, out),
            Self::Application(speech) => speech.pull(count, out),
        }
        Play::Goes
    }

    /// Gives an echo what was heard; other sources do not listen.
    pub(crate) fn hear(&mut self, rate: u32, samples: &[i16]) {
        match self {
            Self::Echo(echo) => echo.hear(rate, samples),
            Self::Silence | Self::Tone(_) | Self::Wav(_) | Self::Application(_) => {}
        }
    }

    /// Forgets what an echo holds back: it belongs to the stream the device has left.
    pub(crate) fn detach(&mut self) {
        match self {
            Self::Echo(echo) => *echo = Echo::default(),
            Self::Silence | Self::Tone(_) | Self::Wav(_) | Self::Application(_) => {}
        }
    }
}
