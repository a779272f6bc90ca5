//! A sine.

use std::f64::consts::TAU;

/// The peak of a generated tone: a quarter of full scale (-12 dBFS), loud but far from clipping.
const PEAK: f64 = 8_192.0;

/// The samples between two places of a second where the wave is computed afresh, so that its samples are the same however
/// they are pulled, but for rounding where a pull begins between two such places.
const PIECE: u32 = 80;

/// Generates a sine of a whole number of hertz.
#[derive(Debug, Clone)]
pub(crate) struct Tone {
    hz: u16,
    rate: u32,
    /// The next sample's number in its second.
    position: u32,
}

impl Tone {
    pub(crate) fn new(hz: u16) -> Self {
        Self { hz, rate: 8_000, position: 0 }
    }

    pub(crate) fn pull(&mut self, rate: u32, count: usize, out: &mut Vec<i16>) {
        if rate != self.rate {
            // The same place of the second, so that the wave goes on.
            let position = u64::from(self.position) * u64::from(rate) / u64::from(self.rate);
            (self.rate, self.position) = (rate, position as u32);
        }
        let step = f64::from(self.hz) * TAU / f64::from(rate);
        let (turn_sine, turn_cosine) = step.sin_cos();
        out.reserve(count);
        let mut left = count;
        while left > 0 {
            // A whole number of hertz repeats every second, so the phase never loses precision. From there on the wave is
            // turned sample by sample, which loses some 1e-13 in a piece.
            let (mut sine, mut cosine) = (f64::from(self.position) * step).sin_cos();
            let piece = left.min((PIECE - self.position % PIECE).min(rate - self.position) as usize);
            for _ in 0..piece {
                out.push((sine * PEAK).round_ties_even() as i16);
                (sine, cosine) =
                    (sine * turn_cosine + cosine * turn_sine, cosine * turn_cosine - sine * turn_sine);
            }
            self.position = (self.position + piece as u32) % rate;
            left -= piece;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(tone: &mut Tone, rate: u32, count: usize) -> Vec<i16> {
        let mut out = Vec::new();
        tone.pull(rate, count, &mut out);
        out
    }

    #[test]
    fn a_tone_goes_on_seamlessly_from_frame_to_frame() {
        let whole = pull(&mut Tone::new(440), 8_000, 16_160);
        let mut frames = Tone::new(440);
        let joined: Vec<i16> = (0..101).flat_map(|_| pull(&mut frames, 8_000, 160)).collect();
        assert_eq!(whole, joined);
        assert_eq!(whole[..160], whole[8_000..8_160]);
    }

    #[test]
    fn a_tone_goes_on_at_another_rate() {
        let mut tone = Tone::new(100);
        pull(&mut tone, 8_000, 4_020);
        let wide = pull(&mut tone, 16_000, 320);
        let whole = pull(&mut Tone::new(100), 16_000, 8_360);
        assert_eq!(wide, whole[8_040..]);
    }
}
