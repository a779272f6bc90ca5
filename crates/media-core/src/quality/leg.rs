//! The sum of a leg over its life, without the time it was on hold (TM-061, TM-084).

use std::time::Duration;

use super::Measured;
use crate::tick::Tick;

/// Holds what was measured of one direction of a leg from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct LegSummary {
    /// The time in which audio was to come.
    pub talked: Duration,
    /// The time on hold, by either side.
    pub held: Duration,
    /// The packets expected outside holds.
    pub expected: u64,
    /// Those of them that did not come.
    pub lost: u64,
    /// Those of them that came too late or too early to be played.
    pub discarded: u64,
    /// The mean of the jitter, by packets.
    pub mean_jitter: Option<Duration>,
    /// The largest jitter of an interval.
    pub max_jitter: Option<Duration>,
    /// The mean of the round trip, by intervals.
    pub mean_round_trip: Option<Duration>,
    /// The longest round trip.
    pub max_round_trip: Option<Duration>,
    /// The mean of the scores, by packets.
    pub mean_mos: Option<f64>,
    /// The lowest score of an interval.
    pub min_mos: Option<f64>,
}

impl LegSummary {
    /// Returns the share lost or discarded, 0 to 100; `None` when nothing was expected.
    pub fn loss_percent(&self) -> Option<f64> {
        let Self { expected, lost, discarded, .. } = *self;
        Measured { expected, lost, discarded, ..Measured::default() }.loss_percent()
    }
}

/// A mean by weights, and the largest value.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, value: f64, weight: f64) {
        self.sum += value * weight;
        self.weight += weight;
    }

    fn get(self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// Adds up the intervals of one direction of one leg.
///
/// Intervals are cut where a hold begins and ends: take what was counted up to that moment with [`Self::interval`], then
/// call [`Self::hold`] or [`Self::resume`].
#[derive(Debug, Clone)]
pub struct LegMeter {
    sum: LegSummary,
    jitter: Mean,
    round_trip: Mean,
    mos: Mean,
    on_hold: bool,
    since: Tick,
}

impl LegMeter {
    /// Starts a leg that is not on hold.
    pub fn start(now: Tick) -> Self {
        let mean = Mean::default();
        Self {
            sum: LegSummary::default(),
            jitter: mean,
            round_trip: mean,
            mos: mean,
            on_hold: false,
            since: now,
        }
    }

    /// A hold of either side begins; what is measured from here on is left out. A hold on hold changes nothing.
    pub fn hold(&mut self, now: Tick) {
        self.pass(now);
        self.on_hold = true;
    }

    /// Both sides let audio flow again.
    pub fn resume(&mut self, now: Tick) {
        self.pass(now);
        self.on_hold = false;
    }

    fn pass(&mut self, now: Tick) {
        let passed = now.since(self.since);
        if self.on_hold {
            self.sum.held += passed;
        } else {
            self.sum.talked += passed;
        }
        self.since = now;
    }

    /// Adds an interval, unless the leg is on hold or nothing was expected in it.
    pub fn interval(&mut self, measured: &Measured) {
        if self.on_hold || measured.expected == 0 {
            return;
        }
        let packets = measured.expected as f64;
        self.sum.expected = self.sum.expected.saturating_add(measured.expected);
        self.sum.lost = self.sum.lost.saturating_add(measured.lost);
        self.sum.discarded = self.sum.discarded.saturating_add(measured.discarded);
        if let Some(jitter) = measured.jitter {
            self.jitter.add(jitter.as_secs_f64(), packets);
            self.sum.max_jitter = self.sum.max_jitter.max(Some(jitter));
        }
        if let Some(round_trip) = measured.round_trip {
            self.round_trip.add(round_trip.as_secs_f64(), 1.0);
            self.sum.max_round_trip = self.sum.max_round_trip.max(Some(round_trip));
        }
        if let Some(mos) = measured.mos {
            self.mos.add(mos, packets);
            self.sum.min_mos = Some(self.sum.min_mos.map_or(mos, |lowest| lowest.min(mos)));
        }
    }

    /// Returns the sum up to `now`.
    pub fn summary(&self, now: Tick) -> LegSummary {
        let mut meter = self.clone();
        meter.pass(now);
        LegSummary {
            mean_jitter: self.jitter.get().map(Duration::from_secs_f64),
            mean_round_trip: self.round_trip.get().map(Duration::from_secs_f64),
            mean_mos: self.mos.get(),
            ..meter.sum
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick(seconds * 1_000_000)
    }

    fn interval(expected: u64, lost: u64, jitter_ms: u64, mos: f64) -> Measured {
        Measured {
            expected,
            lost,
            discarded: 1,
            jitter: Some(Duration::from_millis(jitter_ms)),
            round_trip: Some(Duration::from_millis(jitter_ms * 10)),
            mos: Some(mos),
        }
    }

    #[test]
    fn the_sum_of_a_leg_leaves_its_holds_out() {
        // covers: TM-084, TM-061
        let mut leg = LegMeter::start(at(100));
        leg.interval(&interval(250, 0, 4, 4.4));
        leg.hold(at(110));
        // Music on hold, badly received, and an interval without packets.
        leg.interval(&interval(3_000, 1_500, 90, 1.2));
        leg.interval(&Measured::default());
        leg.hold(at(120));
        leg.resume(at(170));
        leg.interval(&interval(750, 99, 8, 4.0));
        let sum = leg.summary(at(185));
        assert_eq!((sum.talked, sum.held), (Duration::from_secs(25), Duration::from_mins(1)));
        assert_eq!((sum.expected, sum.lost, sum.discarded), (1_000, 99, 2));
        assert_eq!(sum.loss_percent(), Some(10.1));
        assert_eq!(sum.mean_jitter, Some(Duration::from_millis(7)));
        assert_eq!(sum.max_jitter, Some(Duration::from_millis(8)));
        assert_eq!(sum.mean_round_trip, Some(Duration::from_millis(60)));
        assert_eq!(sum.max_round_trip, Some(Duration::from_millis(80)));
        assert!((sum.mean_mos.expect("measured") - 4.1).abs() < 1e-9);
        assert_eq!(sum.min_mos, Some(4.0));
    }

    #[test]
    fn a_leg_without_packets_has_no_figures() {
        // covers: TM-091
        let mut leg = LegMeter::start(at(0));
        leg.interval(&Measured { round_trip: Some(Duration::from_secs(1)), ..Measured::default() });
        let sum = leg.summary(at(30));
        assert_eq!(sum, LegSummary { talked: Duration::from_secs(30), ..LegSummary::default() });
        assert_eq!(sum.loss_percent(), None);
    }
}
