//! Finding the tone in a recording of a peer's.

use std::f64::consts::TAU;

const LOWEST_HZ: u16 = 200;
const HIGHEST_HZ: u16 = 2_000;
const STEP_HZ: u16 = 5;
/// The share of the energy that one frequency must have to be the tone: of two equal ones each has half, one alone in PCMU
/// has 0.99.
const DOMINANCE: f64 = 0.8;
/// Root mean square below which it is silence.
const AUDIBLE: f64 = 100.0;

/// The dominant frequency of samples, `rate` a second; `None` for silence, for noise and for two tones at once.
pub fn dominant(samples: &[i16], rate: u32) -> Option<u16> {
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    if energy <= AUDIBLE.powi(2) * samples.len() as f64 {
        return None;
    }
    let every = (LOWEST_HZ..=HIGHEST_HZ).step_by(usize::from(STEP_HZ));
    let found = every.map(|hz| (hz, power(samples, rate, hz)));
    let (hz, power) = found.max_by(|one, other| one.1.total_cmp(&other.1))?;
    // A sine of amplitude A over n samples has energy n A²/2 and power (n A/2)².
    (power * 2.0 / (samples.len() as f64 * energy) >= DOMINANCE).then_some(hz)
}

/// Whether two tones are the same as far as a tenth of a second can tell.
pub fn same(one: Option<u16>, other: Option<u16>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one.abs_diff(other) <= 2 * STEP_HZ,
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// What is heard one after the other in samples, `rate` a second: a tone or nothing, and for how many tenths of a second.
/// A tenth in which one gives way to another counts as neither.
pub fn heard(samples: &[i16], rate: u32) -> Vec<(Option<u16>, usize)> {
    let mut heard: Vec<(Option<u16>, usize)> = Vec::new();
    for tenth in samples.chunks_exact(rate as usize / 10) {
        let now = dominant(tenth, rate);
        match heard.last_mut() {
            Some((last, tenths)) if same(*last, now) => *tenths += 1,
            _ => heard.push((now, 1)),
        }
    }
    heard
}

/// The tones that are heard one after the other, without what is between them.
pub fn tones(heard: &[(Option<u16>, usize)]) -> Vec<u16> {
    let mut tones: Vec<u16> = heard.iter().filter_map(|(tone, _)| *tone).collect();
    tones.dedup_by(|one, other| same(Some(*one), Some(*other)));
    tones
}

/// Goertzel: the squared magnitude of one frequency.
fn power(samples: &[i16], rate: u32, hz: u16) -> f64 {
    let coefficient = 2.0 * (TAU * f64::from(hz) / f64::from(rate)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for &sample in samples {
        (last, before) = (f64::from(sample) + coefficient * last - before, last);
    }
    last * last + before * before - coefficient * last * before
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 8_000;

    fn sine(hz: u16, peak: f64) -> Vec<i16> {
        let sample = |n: u32| (peak * (TAU * f64::from(hz) * f64::from(n) / f64::from(RATE)).sin()) as i16;
        (0..RATE / 5).map(sample).collect()
    }

    #[test]
    fn a_sine_is_found_and_silence_is_none() {
        assert!(same(dominant(&sine(600, 8_000.0), RATE), Some(600)));
        assert_eq!(dominant(&sine(600, 20.0), RATE), None);
        assert_eq!(dominant(&[], RATE), None);
    }

    #[test]
    fn two_tones_of_one_strength_are_none() {
        let both: Vec<i16> =
            sine(600, 8_000.0).iter().zip(sine(800, 8_000.0)).map(|(one, other)| one + other).collect();
        assert_eq!(dominant(&both, RATE), None);
    }
    #[test]
    fn tones_are_heard_one_after_the_other_and_silence_between_them() {
        let mut samples = sine(600, 8_000.0);
        samples.extend(vec![0; RATE as usize / 10]);
        samples.extend(sine(800, 8_000.0));
        let heard = heard(&samples, RATE);
        assert_eq!(heard.iter().map(|(_, tenths)| *tenths).collect::<Vec<_>>(), [2, 1, 2]);
        assert_eq!(heard[1].0, None);
        assert!(matches!(tones(&heard)[..], [595..=605, 795..=805]), "{heard:?}");
    }
}
