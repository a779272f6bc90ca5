//! What a device's microphone gives: silence, a tone, a recording, or an echo of what is heard.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::codec::Codec;

/// The peak of a generated tone: a quarter of full scale (-12 dBFS), loud but far from clipping.
const TONE_PEAK: f64 = 8_192.0;
/// The most samples an echo holds back: 400 ms. What is older is dropped, so that an echo never lags further behind.
const MAX_ECHO_SAMPLES: usize = 3_200;

/// Names what a device sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Packets of silence.
    Silence,
    /// A sine of this frequency.
    Tone {
        /// The frequency in hertz; useful below 4,000.
        hz: u16,
    },
    /// Linear samples, 8 kHz mono, in a loop.
    Wav(Arc<[i16]>),
    /// What the stream receives, 20 ms to 400 ms later.
    Echo,
}

/// Plays a [`Source`] sample by sample.
#[derive(Debug, Clone)]
pub(crate) struct Player {
    source: Source,
    /// The next sample's number: of the tone's second, or of the recording.
    position: usize,
    echo: VecDeque<i16>,
}

impl Player {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, position: 0, echo: VecDeque::new() }
    }

    /// Appends the next `count` samples.
    pub(crate) fn pull(&mut self, count: usize, out: &mut Vec<i16>) {
        match &self.source {
            Source::Silence => out.extend(std::iter::repeat_n(0, count)),
            Source::Tone { hz } => {
                let rate = Codec::CLOCK_RATE as usize;
                let step = f64::from(*hz) * std::f64::consts::TAU / f64::from(Codec::CLOCK_RATE);
                out.extend((0..count).map(|offset| {
                    // A whole number of hertz repeats every second, so the phase never loses precision.
                    let phase = ((self.position + offset) % rate) as f64 * step;
                    (phase.sin() * TONE_PEAK).round() as i16
                }));
                self.position = (self.position + count) % rate;
            }
            Source::Wav(samples) if samples.is_empty() => out.extend(std::iter::repeat_n(0, count)),
            Source::Wav(samples) => {
                out.extend((0..count).map(|offset| samples[(self.position + offset) % samples.len()]));
                self.position = (self.position + count) % samples.len();
            }
            Source::Echo => {
                if self.echo.len() >= count {
                    out.extend(self.echo.drain(..count));
                } else {
                    out.extend(std::iter::repeat_n(0, count));
                }
            }
        }
    }

    /// Gives an echo what was heard; other sources do not listen.
    pub(crate) fn hear(&mut self, samples: &[i16]) {
        if self.source == Source::Echo {
            self.echo.extend(samples);
            let excess = self.echo.len().saturating_sub(MAX_ECHO_SAMPLES);
            self.echo.drain(..excess);
        }
    }

    /// Forgets what an echo holds back: it belongs to the stream the device has left.
    pub(crate) fn detach(&mut self) {
        self.echo.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(player: &mut Player, count: usize) -> Vec<i16> {
        let mut out = Vec::new();
        player.pull(count, &mut out);
        out
    }

    #[test]
    fn a_tone_goes_on_seamlessly_from_frame_to_frame() {
        let mut whole = Player::new(Source::Tone { hz: 440 });
        let mut frames = Player::new(Source::Tone { hz: 440 });
        let whole = pull(&mut whole, 16_160);
        let joined: Vec<i16> = (0..101).flat_map(|_| pull(&mut frames, 160)).collect();
        assert_eq!(whole, joined);
        assert_eq!(whole[..160], whole[8_000..8_160]);
    }

    #[test]
    fn a_recording_loops_and_an_empty_one_is_silence() {
        let mut player = Player::new(Source::Wav(Arc::from([1, 2, 3])));
        assert_eq!(pull(&mut player, 4), [1, 2, 3, 1]);
        assert_eq!(pull(&mut player, 4), [2, 3, 1, 2]);
        assert_eq!(pull(&mut Player::new(Source::Wav(Arc::from([]))), 2), [0, 0]);
    }

    #[test]
    fn an_echo_keeps_the_newest_400_ms() {
        let mut player = Player::new(Source::Echo);
        assert_eq!(pull(&mut player, 2), [0, 0]);
        player.hear(&vec![1; MAX_ECHO_SAMPLES]);
        player.hear(&[2]);
        let back = pull(&mut player, MAX_ECHO_SAMPLES);
        assert_eq!((back[0], back[MAX_ECHO_SAMPLES - 2], back[MAX_ECHO_SAMPLES - 1]), (1, 1, 2));
        player.hear(&[7; 10]);
        player.detach();
        assert_eq!(pull(&mut player, 2), [0, 0]);
    }
}
