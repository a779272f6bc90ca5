//! When RTCP is sent (RFC 3550 §6.2, §6.3, A.7) in a session of two members.

use std::time::Duration;

use crate::tick::Tick;

/// RTCP bytes per second: 5 % of the 64 kbit/s of G.711 (RFC 3550 §6.2).
const RTCP_BYTES_PER_SECOND: f64 = 64_000.0 * 0.05 / 8.0;
/// A call has two members.
const MEMBERS: f64 = 2.0;
/// e - 3/2: makes up for timer reconsideration, which makes intervals longer (RFC 3550 §6.3.1).
const COMPENSATION: f64 = 1.218_28;
/// A member that was not heard of for this many intervals is gone (RFC 3550 §6.3.5).
const TIMEOUT_INTERVALS: u32 = 5;
/// The recommended minimum interval (RFC 3550 §6.2).
const MINIMUM: Duration = Duration::from_secs(5);
/// The bytes of the first compound (report with a block, SDES, UDP and IP headers), before any was seen.
pub const INITIAL_SIZE: f64 = 128.0;

/// Returns the reduced minimum interval for a session bandwidth in kilobits per second: 360 s divided by it, never more
/// than the usual 5 s (RFC 3550 §6.2). It is shorter from 72 kbit/s on; the first report may then go out at once.
pub fn reduced_minimum(kilobits_per_second: u32) -> Duration {
    (Duration::from_mins(6) / kilobits_per_second.max(1)).min(MINIMUM)
}

/// Draws the moments at which one stream sends its reports.
#[derive(Debug, Clone)]
pub struct Schedule {
    minimum: Duration,
    average_size: f64,
    initial: bool,
    last: Tick,
    next: Tick,
}

impl Schedule {
    /// Starts at `now` with a minimum interval and the bytes of the first compound ([`INITIAL_SIZE`]); the first interval
    /// is half as long (RFC 3550 §6.2).
    pub fn start(now: Tick, minimum: Duration, average_size: f64, random: u64) -> Self {
        let mut schedule = Self { minimum, average_size, initial: true, last: now, next: now };
        schedule.next = now + schedule.interval(random);
        schedule
    }

    /// Returns the moment to call [`Self::expire`].
    pub fn next(&self) -> Tick {
        self.next
    }

    /// Takes note of the length of a compound that was sent or received; 28 bytes of UDP and IP headers are added.
    pub fn note_size(&mut self, bytes: usize) {
        self.average_size = (bytes as f64 + 28.0) / 16.0 + self.average_size * 15.0 / 16.0;
    }

    /// The timer ran out: returns true when a report is to be sent now, false when reconsideration moved the moment
    /// (RFC 3550 §6.3.6).
    pub fn expire(&mut self, now: Tick, random: u64) -> bool {
        let reconsidered = self.last + self.interval(random);
        if reconsidered > now {
            self.next = reconsidered;
            return false;
        }
        self.last = now;
        self.initial = false;
        self.next = now + self.interval(random.rotate_left(32));
        true
    }

    /// Returns true when a member of whom nothing was heard since `last_heard`, neither RTP nor RTCP, counts as gone
    /// (RFC 3550 §6.3.5): what was counted of its source can be forgotten.
    pub fn timed_out(&self, last_heard: Tick, now: Tick) -> bool {
        now.since(last_heard) > self.deterministic() * TIMEOUT_INTERVALS
    }

    /// Returns the deterministic interval without the random factor: what "two intervals" is measured in.
    pub fn deterministic(&self) -> Duration {
        let floor = if self.initial { self.minimum / 2 } else { self.minimum };
        floor.max(Duration::from_secs_f64(self.average_size * MEMBERS / RTCP_BYTES_PER_SECOND))
    }

    fn interval(&self, random: u64) -> Duration {
        // 53 bits make an even fraction of [0, 1).
        let fraction = (random >> 11) as f64 / (1u64 << 53) as f64;
        self.deterministic().mul_f64((fraction + 0.5) / COMPENSATION)
    }
}
