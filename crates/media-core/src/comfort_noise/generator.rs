//! Noise as it was described.

use super::{ComfortNoise, MAX_ORDER, ZERO_INDEX, coefficient};
use crate::codec::SampleRate;

/// A change of the level is nine tenths done after so many milliseconds.
const SMOOTHING_MS: u32 = 100;
/// A square wave at full scale: 0 dBov.
const OVERLOAD: f64 = 32_768.0;

/// Makes noise of a level and colour that follow the last description, without steps.
///
/// The seed decides the noise: the same seed and descriptions give the same samples.
#[derive(Debug, Clone)]
pub struct NoiseGenerator {
    state: u32,
    /// The share of the way to the target that a sample's gain goes.
    approach: f64,
    /// The root mean square of the output, and what it goes to; `None` before the first description.
    gain: Option<f64>,
    target: f64,
    /// The colour as it was described, and its reflection coefficients.
    indices: [u8; MAX_ORDER],
    reflection: [f64; MAX_ORDER],
    order: usize,
    /// What makes the power of the coloured noise one.
    excitation: f64,
    /// The lattice's delayed backward values.
    backward: [f64; MAX_ORDER],
}

impl NoiseGenerator {
    /// Returns a generator that is silent until noise is described.
    pub fn new(rate: SampleRate, seed: u32) -> Self {
        Self {
            // The generator of random bits has one state that it never leaves.
            state: seed.max(1),
            approach: 1.0 - 0.1_f64.powf(1.0 / rate.samples_in(SMOOTHING_MS) as f64),
            gain: None,
            target: 0.0,
            indices: [ZERO_INDEX; MAX_ORDER],
            reflection: [0.0; MAX_ORDER],
            order: 0,
            excitation: 1.0,
            backward: [0.0; MAX_ORDER],
        }
    }

    /// Takes a description. The first one is in force at once, because it is of the noise that was heard behind the
    /// speech; later ones are approached.
    pub fn describe(&mut self, noise: &ComfortNoise) {
        self.target = OVERLOAD * 10.0_f64.powf(-f64::from(noise.level()) / 20.0);
        self.gain.get_or_insert(self.target);
        if noise.indices == self.indices {
            return;
        }
        self.indices = noise.indices;
        self.order = noise.order;
        self.reflection = noise.indices.map(coefficient);
        self.excitation = self.reflection.iter().map(|value| 1.0 - value * value).product::<f64>().sqrt();
        // Another filter could make a shout of what is left in this one.
        self.backward = [0.0; MAX_ORDER];
    }

    /// Appends so many samples.
    pub fn generate(&mut self, count: usize, samples: &mut Vec<i16>) {
        samples.extend((0..count).map(|_| self.sample()));
    }

    fn sample(&mut self) -> i16 {
        let white = self.white() * self.excitation;
        let coloured = self.colour(white);
        let Some(gain) = &mut self.gain else { return 0 };
        *gain += (self.target - *gain) * self.approach;
        // A conversion of numbers limits to 16 bits.
        (coloured * *gain).round() as i16
    }

    /// White noise of power one, evenly distributed (xorshift, Marsaglia 2003).
    fn white(&mut self) -> f64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        let even = f64::from(self.state) / f64::from(u32::MAX) * 2.0 - 1.0;
        even * 3.0_f64.sqrt()
    }

    /// The all-pole lattice of the reflection coefficients: 1/A(z), where the first coefficient of A is the first
    /// reflection coefficient.
    fn colour(&mut self, excitation: f64) -> f64 {
        let mut forward = excitation;
        for stage in (0..self.order).rev() {
            let (reflection, backward) = (self.reflection[stage], self.backward[stage]);
            forward -= reflection * backward;
            if let Some(next) = self.backward.get_mut(stage + 1) {
                *next = backward + reflection * forward;
            }
        }
        self.backward[0] = forward;
        forward
    }
}
