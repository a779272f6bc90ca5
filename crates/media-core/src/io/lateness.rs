//! How late packets are sent, after the moment they were due: what is left of the pace on its way to the system.

use std::time::Duration;

/// The upper bounds of the classes, in microseconds; the last class has none.
pub const LATENESS_BOUNDS: [u64; 11] = [50, 100, 200, 300, 500, 700, 1_000, 2_000, 5_000, 10_000, 20_000];

/// Counts sent packets by how late they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lateness {
    /// The packets of each class of [`LATENESS_BOUNDS`], and of the one beyond.
    pub counts: [u64; LATENESS_BOUNDS.len() + 1],
    /// The latest of all.
    pub worst: Duration,
}

impl Lateness {
    pub(super) fn count(&mut self, late: Duration) {
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let class = LATENESS_BOUNDS.partition_point(|bound| *bound < micros);
        self.counts[class] += 1;
        self.worst = self.worst.max(late);
    }

    /// Returns the packets that were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns a bound that so many percent of the packets kept, 0 to 100; `None` without packets.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        let wanted = (self.total() as f64 * percent / 100.0).ceil().max(1.0);
        let mut seen = 0;
        for (class, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen as f64 >= wanted {
                let bound = LATENESS_BOUNDS.get(class).map(|bound| Duration::from_micros(*bound));
                return Some(bound.map_or(self.worst, |bound| bound.min(self.worst)));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_bounds_of_their_classes() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.percentile(99.0), None);
        for _ in 0..98 {
            lateness.count(Duration::from_micros(50));
        }
        lateness.count(Duration::from_micros(51));
        lateness.count(Duration::from_millis(30));
        assert_eq!((lateness.counts[0], lateness.counts[1], lateness.counts[11]), (98, 1, 1));
        assert_eq!(lateness.percentile(98.0), Some(Duration::from_micros(50)));
        assert_eq!(lateness.percentile(99.0), Some(Duration::from_micros(100)));
        assert_eq!(lateness.percentile(100.0), Some(Duration::from_millis(30)));
        assert_eq!((lateness.total(), lateness.worst), (100, Duration::from_millis(30)));
    }
}
