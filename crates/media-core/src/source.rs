//! What a device's microphone gives: silence, a tone, a recording, an echo of what is heard, or an application's speech.

mod application;
mod echo;
mod tone;
mod wav;

use crate::codec::SampleRate;
use crate::rate_change::RateChange;
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
        /// The samples per second on the application's side, both ways.
        rate: SampleRate,
    },
}

/// Tells whether a source has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Play {
    Goes,
    /// These were its last samples, which is said once; silence follows.
    Ended,
}

/// Plays a [`Source`], at the rate that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Player {
    voice: Voice,
    change: RateChange,
    /// Room for samples at the voice's own rate, where it is another than is asked for.
    own: Vec<i16>,
}

#[derive(Debug, Clone)]
enum Voice {
    Silence,
    Tone(Tone),
    Wav(WavPlayer),
    Echo(Echo),
    Application(Speech),
}

impl Player {
    pub(crate) fn new(source: Source) -> Self {
        let voice = match source {
            Source::Silence => Voice::Silence,
            Source::Tone { hz } => Voice::Tone(Tone::new(hz)),
            Source::Wav(wav) => Voice::Wav(WavPlayer::new(wav)),
            Source::Echo => Voice::Echo(Echo::default()),
            Source::Application { rate } => Voice::Application(Speech::new(rate)),
        };
        Self { voice, change: RateChange::default(), own: Vec::new() }
    }

    /// Appends the next milliseconds, a multiple of ten, at a rate.
    pub(crate) fn pull(&mut self, rate: SampleRate, milliseconds: u32, out: &mut Vec<i16>) -> Play {
        let count = rate.samples_in(milliseconds);
        let own_rate = match &self.voice {
            Voice::Silence | Voice::Tone(_) | Voice::Echo(_) => rate,
            Voice::Wav(wav) => wav.rate(),
            Voice::Application(speech) => speech.rate(),
        };
        let mut play = Play::Goes;
        self.own.clear();
        let own = if own_rate == rate { &mut *out } else { &mut self.own };
        match &mut self.voice {
            Voice::Silence => own.extend(std::iter::repeat_n(0, count)),
            Voice::Tone(tone) => tone.pull(rate.hz(), count, own),
            Voice::Echo(echo) => echo.pull(rate, count, own),
            Voice::Wav(wav) => play = wav.pull(own_rate.samples_in(milliseconds), own),
            Voice::Application(speech) => speech.pull(own_rate.samples_in(milliseconds), own),
        }
        if own_rate != rate {
            self.change.process(own_rate, rate, &self.own, out);
        }
        play
    }

    /// Gives an echo what was heard; other sources do not listen.
    pub(crate) fn hear(&mut self, rate: SampleRate, samples: &[i16]) {
        match &mut self.voice {
            Voice::Echo(echo) => echo.hear(rate, samples),
            Voice::Silence | Voice::Tone(_) | Voice::Wav(_) | Voice::Application(_) => {}
        }
    }

    /// Forgets what an echo holds back: it belongs to the stream the device has left.
    pub(crate) fn detach(&mut self) {
        match &mut self.voice {
            Voice::Echo(echo) => *echo = Echo::default(),
            Voice::Silence | Voice::Tone(_) | Voice::Wav(_) | Voice::Application(_) => {}
        }
    }

    /// The application's speech, of a source that is one.
    pub(crate) fn speech(&self) -> Option<&Speech> {
        match &self.voice {
            Voice::Application(speech) => Some(speech),
            Voice::Silence | Voice::Tone(_) | Voice::Wav(_) | Voice::Echo(_) => None,
        }
    }

    pub(crate) fn speech_mut(&mut self) -> Option<&mut Speech> {
        match &mut self.voice {
            Voice::Application(speech) => Some(speech),
            Voice::Silence | Voice::Tone(_) | Voice::Wav(_) | Voice::Echo(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum;

    #[test]
    fn sources_of_another_rate_sound_the_same() {
        let mut samples = Vec::new();
        Player::new(Source::Tone { hz: 600 }).pull(SampleRate::Hz16000, 1_000, &mut samples);
        let wav = Source::Wav(Wav::new(samples.clone(), SampleRate::Hz16000));
        let mut application = Player::new(Source::Application { rate: SampleRate::Hz16000 });
        application.speech_mut().expect("an application's").speak(&samples);
        for mut player in [Player::new(wav), application] {
            let mut out = Vec::new();
            for _ in 0..20 {
                player.pull(SampleRate::Hz8000, 20, &mut out);
            }
            assert_eq!(out.len(), 3_200);
            assert_eq!(spectrum::dominant(&out[1_600..], SampleRate::Hz8000), Some(600));
        }
    }
}
