//! A device's own sample rate, and the rate of the stream it is attached to.

use crate::codec::SampleRate;
use crate::resample::Resampler;

/// Brings samples from one rate to another; the filter is made when the rates change, which a codec change does.
#[derive(Debug, Clone, Default)]
pub(crate) struct RateChange {
    between: Option<(SampleRate, SampleRate, Resampler)>,
}

impl RateChange {
    /// Appends the samples at the rate `to`: of every 10 ms taken, 10 ms.
    pub(crate) fn process(&mut self, from: SampleRate, to: SampleRate, samples: &[i16], out: &mut Vec<i16>) {
        if from == to {
            out.extend_from_slice(samples);
            return;
        }
        let same = self.between.as_ref().is_some_and(|(one, other, _)| (*one, *other) == (from, to));
        if !same {
            self.between = None;
        }
        let (_, _, resampler) = self.between.get_or_insert_with(|| (from, to, Resampler::new(from, to)));
        resampler.process(samples, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_milliseconds_stay_ten_milliseconds_between_any_rates() {
        let mut change = RateChange::default();
        for from in SampleRate::ALL {
            for to in SampleRate::ALL {
                for _ in 0..5 {
                    let mut out = Vec::new();
                    change.process(from, to, &vec![100; from.samples_in(10)], &mut out);
                    assert_eq!(out.len(), to.samples_in(10), "{from} to {to}");
                }
            }
        }
    }
}
