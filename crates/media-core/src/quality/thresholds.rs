//! Thresholds with hysteresis: when a leg counts as degraded, and when as recovered (TM-083).

use super::Measured;

/// Holds the two values of one metric: it degrades at the one and recovers beyond the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// The value, this one included, at which the metric is bad.
    pub degraded: f64,
    /// The value, this one not included, beyond which it is good again.
    pub recovered: f64,
}

/// Holds the thresholds of every metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QualityThresholds {
    /// The share lost or discarded, in percent.
    pub loss_percent: Threshold,
    /// The interarrival jitter in milliseconds.
    pub jitter_ms: Threshold,
    /// The round trip in milliseconds.
    pub round_trip_ms: Threshold,
    /// The mean opinion score; here the bad values are the low ones.
    pub mos: Threshold,
    /// The good intervals in a row after which a metric has recovered; 0 counts as 1.
    pub recovery_intervals: u8,
}

impl Default for QualityThresholds {
    /// Loss 3 % and 1.5 %, jitter 50 and 30 ms, round trip 400 and 300 ms (ITU-T G.114 wants 150 ms one way and plans
    /// for 400 at most), MOS 3.1 and 3.6 (R 60 and 70: "nearly all" and "many users dissatisfied", G.109), two intervals.
    fn default() -> Self {
        Self {
            loss_percent: Threshold { degraded: 3.0, recovered: 1.5 },
            jitter_ms: Threshold { degraded: 50.0, recovered: 30.0 },
            round_trip_ms: Threshold { degraded: 400.0, recovered: 300.0 },
            mos: Threshold { degraded: 3.1, recovered: 3.6 },
            recovery_intervals: 2,
        }
    }
}

/// Names what is compared with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// Packets lost or discarded.
    Loss,
    /// The interarrival jitter.
    Jitter,
    /// The round trip.
    RoundTrip,
    /// The mean opinion score.
    Mos,
}

impl Metric {
    const ALL: [Self; 4] = [Self::Loss, Self::Jitter, Self::RoundTrip, Self::Mos];
}

/// Tells that a metric has crossed its threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QualityChange {
    /// It was good and is bad.
    Degraded {
        /// The metric.
        metric: Metric,
        /// Its value, in the unit of its threshold.
        value: f64,
    },
    /// It was bad and has been good for long enough.
    Recovered {
        /// The metric.
        metric: Metric,
        /// Its value, in the unit of its threshold.
        value: f64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Bad, and good for so many intervals in a row since.
    Bad(u8),
}

enum Zone {
    Bad,
    Between,
    Good,
}

/// Watches one direction of one leg.
#[derive(Debug, Clone)]
pub struct QualityWatch {
    thresholds: QualityThresholds,
    states: [State; 4],
}

impl QualityWatch {
    /// Starts with every metric good.
    pub fn new(thresholds: QualityThresholds) -> Self {
        Self { thresholds, states: [State::Good; 4] }
    }

    /// Returns true while any metric is bad.
    pub fn is_degraded(&self) -> bool {
        self.states.iter().any(|state| *state != State::Good)
    }

    /// Takes an interval and pushes at most one change per metric. What was not measured changes nothing and counts as no
    /// good interval either, so a hold does not heal a leg.
    pub fn interval(&mut self, measured: &Measured, out: &mut Vec<QualityChange>) {
        let limits = self.thresholds;
        for (metric, state) in Metric::ALL.into_iter().zip(&mut self.states) {
            let (value, threshold, sign) = match metric {
                Metric::Loss => (measured.loss_percent(), limits.loss_percent, 1.0),
                Metric::Jitter => (measured.jitter.map(milliseconds), limits.jitter_ms, 1.0),
                Metric::RoundTrip => (measured.round_trip.map(milliseconds), limits.round_trip_ms, 1.0),
                // Low scores are the bad ones.
                Metric::Mos => (measured.mos, limits.mos, -1.0),
            };
            let Some(value) = value else { continue };
            let zone = if value * sign >= threshold.degraded * sign {
                Zone::Bad
            } else if value * sign < threshold.recovered * sign {
                Zone::Good
            } else {
                Zone::Between
            };
            *state = match (*state, zone) {
                (State::Good, Zone::Bad) => {
                    out.push(QualityChange::Degraded { metric, value });
                    State::Bad(0)
                }
                (State::Good, Zone::Between | Zone::Good) => State::Good,
                (State::Bad(_), Zone::Bad | Zone::Between) => State::Bad(0),
                (State::Bad(good), Zone::Good) if good + 1 < limits.recovery_intervals => {
                    State::Bad(good + 1)
                }
                (State::Bad(_), Zone::Good) => {
                    out.push(QualityChange::Recovered { metric, value });
                    State::Good
                }
            };
        }
    }
}

fn milliseconds(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn loss(permille: u64) -> Measured {
        Measured { expected: 1_000, lost: permille, ..Measured::default() }
    }

    fn changes(watch: &mut QualityWatch, measured: Measured) -> Vec<QualityChange> {
        let mut out = Vec::new();
        watch.interval(&measured, &mut out);
        out
    }

    #[test]
    fn three_percent_degrades_and_two_intervals_below_one_and_a_half_recover() {
        // covers: TM-083
        let mut watch = QualityWatch::new(QualityThresholds::default());
        assert_eq!(changes(&mut watch, loss(29)), []);
        let degraded = QualityChange::Degraded { metric: Metric::Loss, value: 3.0 };
        assert_eq!(changes(&mut watch, loss(30)), [degraded]);
        assert!(watch.is_degraded());
        assert_eq!(changes(&mut watch, loss(80)), [], "said once");
        // One good interval, one between, one good, one exactly at the limit: no two in a row.
        for permille in [14, 20, 14, 15] {
            assert_eq!(changes(&mut watch, loss(permille)), []);
        }
        assert_eq!(changes(&mut watch, loss(14)), []);
        let recovered = QualityChange::Recovered { metric: Metric::Loss, value: 0.0 };
        assert_eq!(changes(&mut watch, loss(0)), [recovered]);
        assert!(!watch.is_degraded());
    }

    #[test]
    fn an_interval_without_packets_neither_degrades_nor_recovers() {
        // covers: TM-091
        let mut watch = QualityWatch::new(QualityThresholds::default());
        changes(&mut watch, loss(100));
        assert_eq!(changes(&mut watch, loss(0)), []);
        for _ in 0..10 {
            assert_eq!(changes(&mut watch, Measured::default()), []);
        }
        assert!(watch.is_degraded());
        assert_eq!(changes(&mut watch, loss(0)).len(), 1, "the good interval before the pause counts");
    }

    #[test]
    fn each_metric_has_a_threshold_of_its_own() {
        let mut watch = QualityWatch::new(QualityThresholds::default());
        let ms = Duration::from_millis;
        let bad = Measured {
            jitter: Some(ms(50)),
            round_trip: Some(ms(400)),
            mos: Some(3.1),
            ..Measured::default()
        };
        let metrics: Vec<_> = changes(&mut watch, bad)
            .into_iter()
            .map(|change| match change {
                QualityChange::Degraded { metric, .. } => metric,
                QualityChange::Recovered { .. } => panic!("nothing recovers"),
            })
            .collect();
        assert_eq!(metrics, [Metric::Jitter, Metric::RoundTrip, Metric::Mos]);
        let good = Measured {
            jitter: Some(ms(29)),
            round_trip: Some(ms(300)),
            mos: Some(3.7),
            ..Measured::default()
        };
        assert_eq!(changes(&mut watch, good), []);
        // The round trip stays at its limit; the others recover.
        assert_eq!(changes(&mut watch, good).len(), 2);
        assert!(watch.is_degraded());
    }

    #[test]
    fn no_interval_for_recovery_counts_as_one() {
        let mut watch = QualityWatch::new(QualityThresholds { recovery_intervals: 0, ..Default::default() });
        changes(&mut watch, loss(100));
        assert_eq!(changes(&mut watch, loss(0)).len(), 1);
    }
}
