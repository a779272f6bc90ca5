//! Call quality: what one interval measured, thresholds with hysteresis, sums per leg, silence.
//!
//! Every value is pure: it is told what was counted and when, and answers with plain values. What was not measured is
//! `None`, never zero (TM-091).

mod bursts;
mod fates;
mod leg;
mod silence;
mod thresholds;

use std::time::Duration;

pub use bursts::{BurstMeter, Bursts, GMIN};
pub use fates::Fates;
pub use leg::{LegMeter, LegSummary};
pub use silence::{Silence, SilenceChange, SilenceWatch};
pub use thresholds::{Metric, QualityChange, QualityThresholds, QualityWatch, Threshold};

/// Holds what one interval measured of one direction of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// The packets expected by sequence numbers.
    pub expected: u64,
    /// Those of them that did not come.
    pub lost: u64,
    /// Those of them that came too late or too early to be played.
    pub discarded: u64,
    /// The interarrival jitter.
    pub jitter: Option<Duration>,
    /// The round trip.
    pub round_trip: Option<Duration>,
    /// The mean opinion score.
    pub mos: Option<f64>,
}

impl Measured {
    /// Returns the share lost or discarded, 0 to 100; `None` when nothing was expected.
    pub fn loss_percent(&self) -> Option<f64> {
        let missing = self.lost.saturating_add(self.discarded).min(self.expected);
        (self.expected > 0).then(|| missing as f64 * 100.0 / self.expected as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_expected_is_no_loss_figure() {
        // covers: TM-091
        assert_eq!(Measured::default().loss_percent(), None);
        let half = Measured { expected: 200, lost: 60, discarded: 40, ..Measured::default() };
        assert_eq!(half.loss_percent(), Some(50.0));
        let more_than_all = Measured { expected: 10, lost: 8, discarded: 8, ..Measured::default() };
        assert_eq!(more_than_all.loss_percent(), Some(100.0));
    }
}
