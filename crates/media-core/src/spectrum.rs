//! Finding the dominant tone in a piece of audio with Goertzel filters.

use std::f64::consts::TAU;
use std::ops::{Add, Mul, Sub};

use crate::codec::SampleRate;

/// The lowest frequency searched.
const LOWEST_HZ: u16 = 200;
/// The highest frequency searched.
const HIGHEST_HZ: u16 = 2_000;
/// The first search's step: half the width a 20 ms block can tell apart.
const COARSE_HZ: u16 = 25;
/// The number of frequencies of the first search.
const BINS: usize = ((HIGHEST_HZ - LOWEST_HZ) / COARSE_HZ + 1) as usize;
/// The frequencies that are looked for side by side: as many as keep their filters in registers.
const LANES: usize = 16;
/// The share of a window's power that one frequency must have to be called its tone.
const DOMINANCE: f64 = 0.5;

/// The length of a block.
const BLOCK_MS: u32 = 20;

/// Returns the dominant frequency of a window of 20 ms blocks; `None` for noise and silence.
pub(crate) fn dominant(window: &[i16], rate: SampleRate) -> Option<u16> {
    // Summing the powers of short blocks keeps the first search's frequencies wide enough to touch each other.
    let mut coarse = [0.0_f32; BINS];
    for (first, totals) in (0..BINS).step_by(LANES).zip(coarse.chunks_mut(LANES)) {
        let hz = std::array::from_fn(|lane| bin_hz(first + lane));
        let coefficients = coefficients::<LANES>(rate, hz).map(|coefficient| coefficient as f32);
        for block in window.chunks(rate.samples_in(BLOCK_MS)) {
            for (total, power) in totals.iter_mut().zip(powers(block, coefficients)) {
                *total += power;
            }
        }
    }
    let best = (0..BINS).max_by(|&one, &other| coarse[one].total_cmp(&coarse[other]))?;
    let (near, _) = strongest::<11>(window, rate, bin_hz(best), 5)?;
    let (hz, _) = strongest::<9>(window, rate, near, 1)?;
    is_dominant(window, rate, hz).then_some(hz)
}

/// Returns true when one frequency has most of a window's power.
pub(crate) fn is_dominant(window: &[i16], rate: SampleRate, hz: u16) -> bool {
    let energy: f64 = window.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    // A sine of amplitude A over n samples has energy n·A²/2 and power (n·A/2)².
    energy > 0.0 && power(window, rate, hz) * 2.0 / (window.len() as f64 * energy) >= DOMINANCE
}

/// The strongest of `N` frequencies around one, and its power.
fn strongest<const N: usize>(window: &[i16], rate: SampleRate, centre: u16, step: u16) -> Option<(u16, f64)> {
    let lowest = centre - step * (N / 2) as u16;
    let hz: [u16; N] = std::array::from_fn(|place| lowest + step * place as u16);
    let found = hz.into_iter().zip(powers(window, coefficients(rate, hz)));
    found.max_by(|one, other| one.1.total_cmp(&other.1))
}

fn bin_hz(bin: usize) -> u16 {
    LOWEST_HZ + bin as u16 * COARSE_HZ
}

/// Goertzel: the squared magnitude of one frequency.
pub(crate) fn power(samples: &[i16], rate: SampleRate, hz: u16) -> f64 {
    let [power] = powers(samples, coefficients(rate, [hz]));
    power
}

fn coefficients<const N: usize>(rate: SampleRate, hz: [u16; N]) -> [f64; N] {
    hz.map(|hz| 2.0 * (TAU * f64::from(hz) / f64::from(rate.hz())).cos())
}

/// The same for some frequencies, of which the first search needs no more than single precision. Each step of a filter waits
/// for the one before it, so several go side by side in the time of one.
fn powers<T, const N: usize>(samples: &[i16], coefficients: [T; N]) -> [T; N]
where
    T: Copy + From<i16> + Add<Output = T> + Sub<Output = T> + Mul<Output = T>,
{
    let (mut last, mut before) = ([T::from(0); N], [T::from(0); N]);
    for &sample in samples {
        let sample = T::from(sample);
        for lane in 0..N {
            let next = coefficients[lane] * last[lane] + (sample - before[lane]);
            before[lane] = last[lane];
            last[lane] = next;
        }
    }
    std::array::from_fn(|lane| {
        last[lane] * last[lane] + before[lane] * before[lane] - coefficients[lane] * last[lane] * before[lane]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Player, Source};

    #[test]
    fn a_sine_is_found_to_the_hertz() {
        for hz in [200, 350, 440, 441, 523, 1_000, 1_313, 2_000] {
            for rate in SampleRate::ALL {
                let mut samples = Vec::new();
                Player::new(Source::Tone { hz }).pull(rate, 200, &mut samples);
                assert_eq!(dominant(&samples, rate), Some(hz));
            }
        }
    }

    #[test]
    fn noise_and_silence_have_no_tone() {
        let mut state = 1u32;
        let noise: Vec<i16> = (0..1_600)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as i16
            })
            .collect();
        assert_eq!(dominant(&noise, SampleRate::Hz8000), None);
        assert_eq!(dominant(&[0; 1_600], SampleRate::Hz8000), None);
    }
}
