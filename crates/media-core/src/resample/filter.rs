//! The filter: a sinc under a Kaiser window, cut into the phases of the ratio.

use std::f64::consts::PI;

use crate::codec::SampleRate;

/// Products that are summed side by side; the taps of a phase are a multiple of it.
pub(super) const LANES: usize = 8;
/// The filter's length in samples of the lower rate: 5 ms of delay at 8 kHz buy a transition from 0.437 to 0.5 of it.
const LENGTH: usize = 80;
/// The Kaiser window's shape for 80 dB of attenuation.
const BETA: f64 = 7.857;
/// The middle of the transition band, in parts of the lower rate; its half width is 7.95 dB short of 80 dB, by 28.7
/// times the length.
const CUTOFF: f64 = 0.5 - (80.0 - 7.95) / (28.72 * LENGTH as f64);

/// A low-pass filter at the least common multiple of both rates, of which an output needs one phase only.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// The ratio of the rates in lowest terms: `up` outputs for `down` inputs.
    pub(super) up: usize,
    pub(super) down: usize,
    /// The coefficients of one phase.
    pub(super) taps: usize,
    /// Phase after phase, each in the order of time.
    coefficients: Vec<f32>,
}

impl Filter {
    pub(super) fn new(from: SampleRate, to: SampleRate) -> Self {
        let common = greatest_common_divisor(from.hz(), to.hz());
        let (up, down) = ((to.hz() / common) as usize, (from.hz() / common) as usize);
        let taps = (LENGTH * down.max(up)).div_ceil(up).next_multiple_of(LANES);
        // Of `taps * up` places the first one is left out, so that the rest is symmetric around the middle.
        let middle = (taps * up / 2) as f64;
        let cutoff = CUTOFF * f64::from(from.hz().min(to.hz())) / (f64::from(from.hz()) * up as f64);
        let edge = bessel(BETA);
        let response = |place: usize| {
            let offset = place as f64 - middle;
            let inside = 1.0 - (offset / middle).powi(2);
            if place == 0 { 0.0 } else { sinc(2.0 * cutoff * offset) * bessel(BETA * inside.sqrt()) / edge }
        };
        let mut coefficients = Vec::with_capacity(taps * up);
        let mut one = Vec::with_capacity(taps);
        for phase in 0..up {
            one.clear();
            one.extend((0..taps).rev().map(|tap| response(phase + tap * up)));
            // Each phase passes a constant unchanged, so the phases do not ripple against each other.
            let sum: f64 = one.iter().sum();
            coefficients.extend(one.iter().map(|value| (value / sum) as f32));
        }
        Self { up, down, taps, coefficients }
    }

    pub(super) fn phase(&self, phase: usize) -> &[f32] {
        &self.coefficients[phase * self.taps..(phase + 1) * self.taps]
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The modified Bessel function of the first kind and order zero, by its series.
fn bessel(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut step = 1.0;
    while term > sum * 1e-12 {
        term *= quarter / (step * step);
        sum += term;
        step += 1.0;
    }
    sum
}

fn greatest_common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}
