//! A recording, played.

use super::Play;
use crate::codec::SampleRate;
use crate::wav::Wav;

/// Plays a recording in a loop, or once and then silence.
#[derive(Debug, Clone)]
pub(crate) struct WavPlayer {
    wav: Wav,
    position: usize,
    ended: bool,
}

impl WavPlayer {
    pub(crate) fn new(wav: Wav) -> Self {
        Self { wav, position: 0, ended: false }
    }

    pub(crate) fn rate(&self) -> SampleRate {
        self.wav.rate()
    }

    pub(crate) fn pull(&mut self, count: usize, out: &mut Vec<i16>) -> Play {
        let samples = self.wav.samples();
        let mut missing = count;
        while missing > 0 && !self.ended {
            let rest = &samples[self.position..];
            let taken = rest.len().min(missing);
            out.extend_from_slice(&rest[..taken]);
            missing -= taken;
            self.position += taken;
            if self.position == samples.len() {
                self.position = 0;
                if !self.wav.repeats() || samples.is_empty() {
                    self.ended = true;
                    out.extend(std::iter::repeat_n(0, missing));
                    return Play::Ended;
                }
            }
        }
        out.extend(std::iter::repeat_n(0, missing));
        Play::Goes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(player: &mut WavPlayer, count: usize) -> (Vec<i16>, Play) {
        let mut out = Vec::new();
        let play = player.pull(count, &mut out);
        (out, play)
    }

    #[test]
    fn a_recording_loops() {
        let mut player = WavPlayer::new(Wav::new(vec![1, 2, 3], SampleRate::Hz8000));
        assert_eq!(pull(&mut player, 4), (vec![1, 2, 3, 1], Play::Goes));
        assert_eq!(pull(&mut player, 8), (vec![2, 3, 1, 2, 3, 1, 2, 3], Play::Goes));
    }

    #[test]
    fn a_recording_played_once_tells_its_end_once_and_is_silent_then() {
        let mut player = WavPlayer::new(Wav::new(vec![1, 2, 3], SampleRate::Hz8000).once());
        assert_eq!(pull(&mut player, 2), (vec![1, 2], Play::Goes));
        assert_eq!(pull(&mut player, 2), (vec![3, 0], Play::Ended));
        assert_eq!(pull(&mut player, 2), (vec![0, 0], Play::Goes));
        let mut exact = WavPlayer::new(Wav::new(vec![1, 2], SampleRate::Hz8000).once());
        assert_eq!(pull(&mut exact, 2), (vec![1, 2], Play::Ended));
        let mut empty = WavPlayer::new(Wav::new(vec![], SampleRate::Hz8000));
        assert_eq!(pull(&mut empty, 2), (vec![0, 0], Play::Ended));
        assert_eq!(pull(&mut empty, 1), (vec![0], Play::Goes));
    }
}
