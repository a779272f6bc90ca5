//! Where a signal repeats itself.

use std::ops::RangeInclusive;

/// Returns the normalised correlation of two signals of one length, -1 to 1, over every `stride`th sample; zero if one
/// of them is silent.
pub(super) fn likeness(one: &[i16], other: &[i16], stride: usize) -> f32 {
    let (mut product, mut one_energy, mut other_energy) = (0i64, 0i64, 0i64);
    for (&left, &right) in one.iter().zip(other).step_by(stride) {
        let (left, right) = (i64::from(left), i64::from(right));
        product += left * right;
        one_energy += left * left;
        other_energy += right * right;
    }
    let energy = (one_energy as f64 * other_energy as f64).sqrt();
    if energy > 0.0 { (product as f64 / energy) as f32 } else { 0.0 }
}

/// How thoroughly a lag is searched at first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    /// Lags are tried in steps of this.
    pub(super) step: usize,
    /// Samples are compared in steps of this.
    pub(super) stride: usize,
}

/// Returns the lag with the best score and that score: first as the search says, then each lag around the best of them
/// over all samples. `score` gets a lag and a stride.
pub(super) fn best_lag(
    lags: RangeInclusive<usize>,
    Search { step, stride }: Search,
    score: impl Fn(usize, usize) -> f32,
) -> (usize, f32) {
    let best = |lags: RangeInclusive<usize>, step: usize, stride: usize| {
        let first = (*lags.start(), f32::MIN);
        lags.step_by(step).fold(first, |best, lag| {
            let score = score(lag, stride);
            if score > best.1 { (lag, score) } else { best }
        })
    };
    let (coarse, _) = best(lags.clone(), step, stride);
    let low = coarse.saturating_sub(step).max(*lags.start());
    let high = (coarse + step).min(*lags.end());
    best(low..=high, 1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_found_at_any_stride() {
        let signal: Vec<i16> = (0..400)
            .map(|n| (f64::from(n) * std::f64::consts::TAU / 57.0).sin().mul_add(9_000.0, 0.5) as i16)
            .collect();
        for (step, stride) in [(1, 1), (1, 2), (2, 4)] {
            let (lag, score) = best_lag(40..=120, Search { step, stride }, |lag, stride| {
                likeness(&signal[200..400], &signal[200 - lag..400 - lag], stride)
            });
            assert!(lag == 57 || lag == 114, "lag {lag}");
            assert!(score > 0.999);
        }
        assert!(likeness(&[0; 8], &[1; 8], 1).abs() < f32::EPSILON);
        assert!(likeness(&[i16::MIN; 500], &[i16::MIN; 500], 1) > 0.999);
    }
}
