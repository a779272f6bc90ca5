//! The moments at which streams send: spread over the time of a frame, so that at each of them few are due together.
//!
//! What is due together is worked and sent one stream after the other, and the last of them is late by all the others. A
//! stream keeps its moment from frame to frame, so it is enough to choose it well once, when the stream begins to send.

use std::time::Duration;

use crate::tick::Tick;

/// Frames of most streams come this often; those of 30 ms have two moments in turn, of which the first is counted.
const FRAME_MICROS: u64 = 20_000;
/// A finer grid costs a wake-up for each stream, and no wake-up is as exact.
const FINEST_MICROS: u64 = 100;
/// So many streams share a moment before others are looked for: what they send takes less time than a wake-up is off.
const ROOM: usize = 2;

/// What somebody hears already waits no longer than this behind the next moment: one who resumes, and who is switched to.
const SWITCH_MICROS: u64 = 750;

/// Tells how long a stream that begins may wait for a moment with few others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// A whole frame: nobody misses it yet.
    Frame,
    /// Less than a millisecond.
    Switch,
}

/// Counts the streams that send at each moment of a frame's time.
#[derive(Debug)]
pub(super) struct Moments {
    grid: u64,
    counts: Vec<usize>,
    taken: usize,
}

/// A moment of a frame's time that a stream sends at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Moment(usize);

impl Moments {
    /// Divides the time of a frame into moments that are so far apart.
    pub(super) fn new(grid: Duration) -> Self {
        let grid = u64::try_from(grid.as_micros()).unwrap_or(u64::MAX).clamp(FINEST_MICROS, FRAME_MICROS);
        Self { grid, counts: vec![0; FRAME_MICROS.div_ceil(grid) as usize], taken: 0 }
    }

    /// Returns the first moment from `from` on, whoever sends at it.
    pub(super) fn next(&self, from: Tick) -> Tick {
        let (frame, within) = (from.0 / FRAME_MICROS, from.0 % FRAME_MICROS);
        Tick(frame * FRAME_MICROS + (within.div_ceil(self.grid) * self.grid).min(FRAME_MICROS))
    }

    /// Takes the first moment from `from` on that is not crowded, or the least crowded of those that it may wait for.
    ///
    /// Crowded is a moment with a quarter more streams than there are on average, and [`ROOM`]: so the next one is rarely
    /// far, and no stream waits a whole frame.
    pub(super) fn take(&mut self, from: Tick, patience: Patience) -> (Tick, Moment) {
        let most = self.taken * 5 / 4 / self.counts.len() + ROOM;
        let mut next = self.next(from);
        let wait = match patience {
            Patience::Frame => FRAME_MICROS - self.grid,
            Patience::Switch => SWITCH_MICROS,
        };
        let (mut best, last) = (next, next.0.saturating_add(wait));
        while next.0 <= last && self.count(best) >= most {
            if self.count(next) < self.count(best) {
                best = next;
            }
            next = self.next(Tick(next.0 + 1));
        }
        let place = self.place(best);
        self.counts[place] += 1;
        self.taken += 1;
        (best, Moment(place))
    }

    /// Gives a moment back.
    pub(super) fn leave(&mut self, Moment(place): Moment) {
        self.counts[place] -= 1;
        self.taken -= 1;
    }

    fn count(&self, at: Tick) -> usize {
        self.counts[self.place(at)]
    }

    fn place(&self, at: Tick) -> usize {
        (at.0 % FRAME_MICROS / self.grid) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Duration = Duration::from_micros(250);

    #[test]
    fn a_moment_is_on_the_grid_and_not_before_its_time() {
        let mut moments = Moments::new(GRID);
        assert_eq!(moments.take(Tick(1_000_001), Patience::Frame), (Tick(1_000_250), Moment(1)));
        assert_eq!(moments.take(Tick(1_019_751), Patience::Frame), (Tick(1_020_000), Moment(0)));
        assert_eq!(moments.next(Tick(1_000_250)), Tick(1_000_250));
        // Seven does not divide twenty: the moments begin anew with each frame's time.
        let moments = Moments::new(Duration::from_millis(7));
        assert_eq!(
            [0, 1, 7_001, 14_001].map(|from| moments.next(Tick(from))),
            [0, 7_000, 14_000, 20_000].map(Tick)
        );
        for (grid, moments) in [(Duration::ZERO, 200), (Duration::MAX, 1)] {
            assert_eq!(Moments::new(grid).counts.len(), moments);
        }
    }

    #[test]
    fn streams_that_begin_together_are_spread_and_few_wait() {
        let mut moments = Moments::new(GRID);
        let begin = Tick(1_000_000);
        assert_eq!(moments.take(begin, Patience::Frame).0, begin);
        assert_eq!(moments.take(begin, Patience::Frame).0, begin);
        assert_eq!(moments.take(begin, Patience::Frame).0, begin + GRID);
        let taken: Vec<_> = (3..1_000).map(|_| moments.take(begin, Patience::Frame)).collect();
        assert!(taken.iter().all(|(at, _)| at.since(begin) < Duration::from_millis(20)));
        // 1,000 streams at 80 moments are 12.5 each.
        assert!(moments.counts.iter().all(|count| *count <= 17), "{:?}", moments.counts);
    }

    #[test]
    fn a_moment_that_was_left_is_free_for_the_next() {
        let mut moments = Moments::new(GRID);
        let begin = Tick(1_000_000);
        let [(_, first), _, (later, _)] = std::array::from_fn(|_| moments.take(begin, Patience::Frame));
        assert_eq!(later, begin + GRID);
        moments.leave(first);
        assert_eq!((moments.take(begin, Patience::Frame).0, moments.taken), (begin, 3));
    }

    #[test]
    fn who_is_heard_already_does_not_wait_where_all_is_crowded() {
        let mut moments = Moments::new(GRID);
        let begin = Tick(1_000_000);
        // At the first ten moments there are four, at the others none.
        for moment in 0..40 {
            moments.counts[moment / 4] += 1;
        }
        assert_eq!(moments.take(begin, Patience::Frame).0, begin + GRID * 10);
        moments.counts[2] -= 1;
        assert_eq!(moments.take(begin, Patience::Switch).0, begin + GRID * 2);
        let waited = |(at, _): (Tick, Moment)| at.since(begin);
        for _ in 0..100 {
            assert!(waited(moments.take(begin + Duration::from_micros(1), Patience::Switch)) <= GRID * 4);
        }
    }

    #[test]
    fn streams_that_come_and_go_find_a_moment_at_once() {
        let mut moments = Moments::new(GRID);
        let mut sending = std::collections::VecDeque::new();
        let mut waited = Vec::new();
        for number in 0..20_000u64 {
            // One call in 1.3 ms or so, of 1,000 at a time.
            let now = Tick(number * 1_301);
            let (at, moment) = moments.take(now, Patience::Frame);
            waited.push(at.since(now));
            sending.push_back(moment);
            if sending.len() > 1_000 {
                moments.leave(sending.pop_front().expect("just filled"));
            }
        }
        waited.sort_unstable();
        assert!(waited[waited.len() / 2] <= GRID, "{:?}", waited[waited.len() / 2]);
        assert!(waited[waited.len() * 99 / 100] <= GRID * 8, "{:?}", waited[waited.len() * 99 / 100]);
    }
}
