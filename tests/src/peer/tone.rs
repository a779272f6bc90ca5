//! Finding the tone in a recording of a peer's.

use std::f64::consts::TAU;

/// Samples a second, of everything that peers play and record.
pub const RATE: u32 = 8_000;

const LOWEST_HZ: u16 = 200;
const HIGHEST_HZ: u16 = 2_000;
const STEP_HZ: u16 = 5;
/// The share of the energy that one frequency must have to be the tone: of two equal ones each has half, one alone in PCMU
/// has 0.99.
const DOMINANCE: f64 = 0.8;
/// Root mean square below which it is silence.
const AUDIBLE: f64 = 100.0;

/// The dominant frequency; `None` for silence, for noise and for two tones at once.
pub fn dominant(samples: &[i16]) -> Option<u16> {
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    if energy <= AUDIBLE.powi(2) * samples.len() as f64 {
        return None;
    }
    let found = (LOWEST_HZ..=HIGHEST_HZ).step_by(usize::from(STEP_HZ)).map(|hz| (hz, power(samples, hz)));
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

/// Goertzel: the squared magnitude of one frequency.
fn power(samples: &[i16], hz: u16) -> f64 {
    let coefficient = 2.0 * (TAU * f64::from(hz) / f64::from(RATE)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for &sample in samples {
        (last, before) = (f64::from(sample) + coefficient * last - before, last);
    }
    last * last + before * before - coefficient * last * before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: u16, peak: f64) -> Vec<i16> {
        let sample = |n: u32| (peak * (TAU * f64::from(hz) * f64::from(n) / f64::from(RATE)).sin()) as i16;
        (0..RATE / 5).map(sample).collect()
    }

    #[test]
    fn a_sine_is_found_and_silence_is_none() {
        assert!(same(dominant(&sine(600, 8_000.0)), Some(600)));
        assert_eq!(dominant(&sine(600, 20.0)), None);
        assert_eq!(dominant(&[]), None);
    }

    #[test]
    fn two_tones_of_one_strength_are_none() {
        let both: Vec<i16> =
            sine(600, 8_000.0).iter().zip(sine(800, 8_000.0)).map(|(one, other)| one + other).collect();
        assert_eq!(dominant(&both), None);
    }
}
