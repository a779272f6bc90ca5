//! Time and randomness as plain values: what a reducer step is given instead of a clock.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// Tells a moment in microseconds since an arbitrary start chosen by the caller (real or virtual).
///
/// Additions saturate; a difference of two ticks is zero when the right one is later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// Returns the time that passed since `earlier`, zero when `earlier` is later than `self`.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Tick {
    type Output = Self;

    fn add(self, after: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(after.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Tick {
    fn add_assign(&mut self, after: Duration) {
        *self = *self + after;
    }
}

impl Sub<Duration> for Tick {
    type Output = Self;

    fn sub(self, before: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(before.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Tick {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Holds what one reducer step may know of the outside world.
pub struct Cx<'a> {
    /// The moment of this step; it never goes back between two steps.
    pub now: Tick,
    /// The same moment on the wall clock, since 1970, for the NTP stamps of sender reports.
    pub unix: Duration,
    /// The random source: SSRC, first sequence number and timestamp, RTCP intervals.
    pub random: &'a mut dyn FnMut() -> u64,
}

impl fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("now", &self.now).field("unix", &self.unix).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_never_go_below_zero() {
        assert_eq!(Tick(5) - Tick(9), Duration::ZERO);
        assert_eq!(Tick(5) - Duration::from_secs(1), Tick(0));
        assert_eq!(Tick(u64::MAX) + Duration::from_secs(1), Tick(u64::MAX));
        assert_eq!(Tick(1_500_000).to_string(), "1.500000");
    }
}
