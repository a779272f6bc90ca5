//! One sub-band: the adaptive predictor with two poles and six zeros, and the adaptive scale factor.

use super::quantize::Step;
use super::saturate;

/// 2^11 times the powers of two in 32 steps of an octave (SCALEL and SCALEH, table ILB).
const POWERS: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656, 2_714, 2_774,
    2_834, 2_896, 2_960, 3_025, 3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520, 3_597, 3_676, 3_756, 3_838,
    3_922, 4_008,
];
/// The leak of the second pole's coefficient, 127/128 in 15 bits.
const SECOND_POLE_LEAK: i32 = 32_512;
/// The leak of the first pole's coefficient and of the zeros', 255/256 in 15 bits.
const LEAK: i32 = 32_640;
/// The second pole's coefficient stays within three quarters, which keeps the predictor stable.
const SECOND_POLE_LIMIT: i32 = 12_288;
/// The first pole's coefficient stays so far, less the second's, from one.
const FIRST_POLE_LIMIT: i32 = 15_360;

#[derive(Debug)]
pub(super) struct Band {
    /// The linear scale factor (DETL, DETH).
    scale: i32,
    /// Its logarithm (NBL, NBH).
    logarithm: i32,
    /// The signal estimate (SL, SH) and the zeros' part of it (SZL, SZH).
    estimate: i32,
    zeros_estimate: i32,
    /// The reconstructed signal, the newest first (RLT, RH).
    reconstructed: [i32; 2],
    /// The partially reconstructed signal (PLT, PH).
    partial: [i32; 2],
    /// The poles' coefficients (AL, AH).
    poles: [i32; 2],
    /// The quantized differences (DLT, DH) and the zeros' coefficients (BL, BH).
    differences: [i32; 6],
    zeros: [i32; 6],
}

impl Band {
    pub(super) fn new(scale: i32) -> Self {
        Self {
            scale,
            logarithm: 0,
            estimate: 0,
            zeros_estimate: 0,
            reconstructed: [0; 2],
            partial: [0; 2],
            poles: [0; 2],
            differences: [0; 6],
            zeros: [0; 6],
        }
    }

    pub(super) fn scale(&self) -> i32 {
        self.scale
    }

    pub(super) fn estimate(&self) -> i32 {
        self.estimate
    }

    /// Takes the quantized difference of this sample, and makes the scale factor and the estimate of the next one.
    pub(super) fn adapt(&mut self, difference: i32, step: Step) {
        self.rescale(step);
        let reconstructed = saturate(self.estimate + difference);
        let partial = saturate(self.zeros_estimate + difference);
        self.adapt_poles(partial);
        self.adapt_zeros(difference);
        self.partial = [partial, self.partial[0]];
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.predict();
    }

    /// LOGSCL and SCALEL, LOGSCH and SCALEH.
    fn rescale(&mut self, step: Step) {
        let leaked = (self.logarithm * 127) >> 7;
        self.logarithm = (leaked + step.increment).clamp(0, step.limit);
        let power = POWERS[((self.logarithm >> 6) & 31) as usize];
        let shift = step.exponent - (self.logarithm >> 11);
        self.scale = if shift < 0 { power << -shift } else { power >> shift } << 2;
    }

    /// UPPOL2 and UPPOL1.
    fn adapt_poles(&mut self, partial: i32) {
        let like_last = same_sign(partial, self.partial[0]);
        let like_last_but_one = same_sign(partial, self.partial[1]);
        let first = saturate(self.poles[0] << 2);
        let first = if like_last { saturate(-first) } else { first } >> 7;
        let second =
            first + if like_last_but_one { 128 } else { -128 } + ((self.poles[1] * SECOND_POLE_LEAK) >> 15);
        let second = second.clamp(-SECOND_POLE_LIMIT, SECOND_POLE_LIMIT);
        let limit = FIRST_POLE_LIMIT - second;
        let first = ((self.poles[0] * LEAK) >> 15) + if like_last { 192 } else { -192 };
        self.poles = [first.clamp(-limit, limit), second];
    }

    /// UPZERO.
    fn adapt_zeros(&mut self, difference: i32) {
        let step = if difference == 0 { 0 } else { 128 };
        for (zero, &old) in self.zeros.iter_mut().zip(&self.differences) {
            let step = if same_sign(difference, old) { step } else { -step };
            *zero = saturate(step + ((*zero * LEAK) >> 15));
        }
    }

    /// FILTEP, FILTEZ and PREDIC.
    fn predict(&mut self) {
        let pole = |coefficient: i32, sample: i32| (coefficient * saturate(2 * sample)) >> 15;
        let poles =
            saturate(pole(self.poles[0], self.reconstructed[0]) + pole(self.poles[1], self.reconstructed[1]));
        let zeros = self.zeros.iter().zip(&self.differences);
        self.zeros_estimate = saturate(zeros.map(|(&zero, &difference)| pole(zero, difference)).sum());
        self.estimate = saturate(poles + self.zeros_estimate);
    }
}

/// Zero counts as positive.
fn same_sign(one: i32, other: i32) -> bool {
    (one < 0) == (other < 0)
}
