//! How fast the table empties, and so how long a refused client is asked to wait (RFC 6357, RFC 3261 §21.5.4).

use std::time::Duration;

use sip_transport::{Random, Tick};

/// Seconds that are looked back: long enough to see a few of the transactions that stay for 5 s end, short enough to forget
/// a burst before most of those that were refused in it come back.
const SECONDS: usize = 8;

/// The shortest wait. Whoever comes back sooner costs as much as a request that is served.
pub(crate) const SHORTEST_WAIT: Duration = Duration::from_secs(2);

/// The longest wait: after 64*T1 by default, whatever was completed before has ended.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(32);

/// Waits are drawn from a quarter less to a quarter more, so that those refused together do not come back together.
const JITTER: u32 = 4;

/// Counts what ended and what was refused in each of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    /// The second that is being counted.
    second: u64,
    ended: [u32; SECONDS],
    refused: [u32; SECONDS],
}

impl Drain {
    /// A transaction has ended.
    pub(crate) fn ended(&mut self, now: Tick) {
        let slot = self.turn(now);
        self.ended[slot] = self.ended[slot].saturating_add(1);
    }

    /// A request is refused while so many more transactions than its kind may meet are there. Tells for how many seconds:
    /// until those have ended, and as many as were refused before it and will come back.
    pub(crate) fn refused(&mut self, now: Tick, over: usize, random: &mut dyn Random) -> u32 {
        let slot = self.turn(now);
        self.refused[slot] = self.refused[slot].saturating_add(1);
        let sum = |counts: &[u32; SECONDS]| counts.iter().map(|count| u64::from(*count)).sum::<u64>();
        let ahead = sum(&self.refused).saturating_add(over as u64);
        let counted =
            Duration::from_secs(SECONDS as u64 - 1) + Duration::from_micros(now.as_micros() % SECOND);
        // Less, right after the start.
        let counted = counted.min(Duration::from_micros(now.as_micros()));
        let wait = (counted.as_millis() as u64).saturating_mul(ahead).checked_div(sum(&self.ended));
        let wait = wait.map_or(LONGEST_WAIT, Duration::from_millis).clamp(SHORTEST_WAIT, LONGEST_WAIT);
        let millis = wait.as_millis() as u32;
        let jitter = millis / JITTER;
        (millis - jitter + random.up_to(2 * jitter)).div_ceil(1000)
    }

    /// Forgets the seconds that are too long ago; tells where the present one is counted.
    fn turn(&mut self, now: Tick) -> usize {
        let second = now.as_micros() / SECOND;
        let passed = second.saturating_sub(self.second).min(SECONDS as u64);
        for slot in (0..passed).map(|back| place(second - back)) {
            (self.ended[slot], self.refused[slot]) = (0, 0);
        }
        self.second = self.second.max(second);
        place(self.second)
    }
}

/// Microseconds of a second.
const SECOND: u64 = 1_000_000;

const fn place(second: u64) -> usize {
    (second % SECONDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Always the same: 0 draws the shortest of the drawn waits, `u64::MAX` the longest.
    struct Fixed(u64);

    impl Random for Fixed {
        fn next_u64(&mut self) -> u64 {
            self.0
        }
    }

    const HALF: u64 = u64::MAX / 2;

    const fn at(second: u64) -> Tick {
        Tick::from_micros(second * SECOND)
    }

    /// As many ended in each second from 0 on.
    fn steady(seconds: u64, each: u32) -> Drain {
        let mut drain = Drain::default();
        for second in 0..seconds {
            (0..each).for_each(|_| drain.ended(at(second)));
        }
        drain
    }

    #[test]
    fn the_wait_is_what_stands_before_divided_by_what_ends_in_a_second() {
        // 7 seconds with 10 ends each are counted, and the eighth begins now.
        assert_eq!(steady(7, 10).refused(at(7), 99, &mut Fixed(HALF)), 10);
        let mut drain = steady(7, 10);
        let waits: Vec<_> = (0..200).map(|_| drain.refused(at(7), 99, &mut Fixed(HALF))).collect();
        assert_eq!((waits[0], waits[100], waits[199]), (10, 20, 30), "those refused before come back first");
    }

    #[test]
    fn the_wait_is_bounded_and_the_longest_if_nothing_ends() {
        let bounds = |ended, over, random| steady(7, ended).refused(at(7), over, &mut Fixed(random));
        assert_eq!(bounds(0, 1, HALF), 32);
        assert_eq!(bounds(1, 1_000_000, HALF), 32);
        assert_eq!(bounds(1, usize::MAX, HALF), 32);
        assert_eq!(bounds(1000, 1, HALF), 2);
        assert_eq!([bounds(0, 1, 0), bounds(0, 1, u64::MAX)], [24, 40], "a quarter less, a quarter more");
        assert_eq!([bounds(1000, 1, 0), bounds(1000, 1, u64::MAX)], [2, 3], "1.5 and 2.5 s, rounded up");
    }

    #[test]
    fn what_is_eight_seconds_old_is_forgotten() {
        let mut drain = steady(1, 1000);
        assert_eq!(drain.refused(at(7), 1, &mut Fixed(HALF)), 2);
        assert_eq!(drain.refused(at(8), 1, &mut Fixed(HALF)), 32);
        let mut drain = steady(1, 1000);
        assert_eq!(drain.refused(at(1_000_000), 1, &mut Fixed(HALF)), 32);
        drain.ended(at(1_000_000));
        assert_eq!(drain.refused(at(1_000_000), 0, &mut Fixed(HALF)), 14);
    }
}
