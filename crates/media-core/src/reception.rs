//! What arrived from one source: sequence numbers, loss and jitter (RFC 3550 A.1, A.3, A.8).

use std::time::Duration;

use crate::rtp::RtpHeader;
use crate::tick::Tick;

/// A jump forward below this is loss, above it a restarted source (RFC 3550 A.1).
const MAX_DROPOUT: u16 = 3_000;
/// A jump backward below this is reordering (RFC 3550 A.1).
const MAX_MISORDER: u16 = 100;
/// A pause after which transit times are compared anew, so that a hold is not counted as jitter (TM-061).
const REBASE_PAUSE: Duration = Duration::from_secs(1);

/// Tells what a packet's sequence number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The newest packet so far.
    Newest,
    /// A packet older than the newest: reordered, late, or a duplicate.
    Older,
    /// The same number as the newest.
    Duplicate,
    /// A far jump that has not been confirmed by the next number yet; not counted.
    Jump,
    /// The second packet in a row after a far jump: the source has restarted and counting began anew.
    Restarted,
}

/// Counts what one source sends.
#[derive(Debug, Clone)]
pub struct Reception {
    clock_rate: u32,
    ssrc: u32,
    base: u16,
    max: u16,
    cycles: u32,
    bad: Option<u16>,
    received: u64,
    expected_prior: i64,
    received_prior: u64,
    jitter: f64,
    max_jitter: f64,
    transit: Option<Transit>,
}

#[derive(Debug, Clone, Copy)]
struct Transit {
    at: Tick,
    timestamp: u32,
}

/// Holds the loss since the last report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntervalLoss {
    /// Packets expected by sequence numbers.
    pub expected: i64,
    /// Packets received, duplicates included.
    pub received: u64,
    /// Expected minus received; negative with duplicates.
    pub lost: i64,
    /// The share in 1/256, zero if nothing was lost.
    pub fraction: u8,
}

impl IntervalLoss {
    /// Returns the share lost in percent, 0 to 100.
    pub fn percent(&self) -> f64 {
        if self.expected <= 0 {
            0.0
        } else {
            (self.lost.max(0) as f64 * 100.0 / self.expected as f64).min(100.0)
        }
    }
}

impl Reception {
    /// Starts counting with the first packet of a source, which is still to be given to [`Self::receive`].
    ///
    /// There is no probation: the packet's address was negotiated, which proves more than two numbers in a row.
    ///
    /// The clock is that of narrow-band audio, 8,000 Hz.
    pub fn new(ssrc: u32, first: u16) -> Self {
        Self::with_clock(ssrc, first, 8_000)
    }

    /// Starts counting as [`Self::new`] does, for timestamps of this many units per second; zero counts as one.
    pub fn with_clock(ssrc: u32, first: u16, clock_rate: u32) -> Self {
        Self {
            clock_rate: clock_rate.max(1),
            ssrc,
            base: first,
            max: first.wrapping_sub(1),
            cycles: if first == 0 { 0u32.wrapping_sub(1 << 16) } else { 0 },
            bad: None,
            received: 0,
            expected_prior: 0,
            received_prior: 0,
            jitter: 0.0,
            max_jitter: 0.0,
            transit: None,
        }
    }

    /// Goes on with timestamps of another clock: jitter is the same in time, and transit times are compared anew.
    pub fn set_clock(&mut self, clock_rate: u32) {
        let clock_rate = clock_rate.max(1);
        if clock_rate != self.clock_rate {
            let units = f64::from(clock_rate) / f64::from(self.clock_rate);
            (self.jitter, self.max_jitter) = (self.jitter * units, self.max_jitter * units);
            (self.clock_rate, self.transit) = (clock_rate, None);
        }
    }

    /// Returns the source.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Counts a packet that arrived `at`. `timed` is false for packets whose timestamp is not the moment of sampling
    /// (DTMF events keep that of their start), which say nothing of jitter.
    pub fn receive(&mut self, header: &RtpHeader, at: Tick, timed: bool) -> Arrival {
        let arrival = self.count(header.sequence);
        match arrival {
            Arrival::Newest | Arrival::Restarted => {
                if timed {
                    self.measure(header, at);
                }
            }
            Arrival::Older => {
                if timed {
                    self.measure(header, at);
                }
            }
            Arrival::Duplicate | Arrival::Jump => {}
        }
        arrival
    }

    fn count(&mut self, sequence: u16) -> Arrival {
        let delta = sequence.wrapping_sub(self.max);
        if delta == 0 {
            self.received += 1;
            return Arrival::Duplicate;
        }
        if delta < MAX_DROPOUT {
            if sequence < self.max {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.max = sequence;
            self.received += 1;
            self.bad = None;
            return Arrival::Newest;
        }
        if delta <= 0u16.wrapping_sub(MAX_MISORDER) {
            if self.bad != Some(sequence) {
                self.bad = Some(sequence.wrapping_add(1));
                return Arrival::Jump;
            }
            let restarted = Self::with_clock(self.ssrc, sequence, self.clock_rate);
            *self = Self { jitter: self.jitter, max_jitter: self.max_jitter, ..restarted };
            self.count(sequence);
            return Arrival::Restarted;
        }
        self.received += 1;
        Arrival::Older
    }

    /// RFC 3550 A.8 with the pause rule of TM-061.
    fn measure(&mut self, header: &RtpHeader, at: Tick) {
        let now = Transit { at, timestamp: header.timestamp };
        let Some(before) = self.transit.replace(now) else { return };
        if header.marker || at.since(before.at) > REBASE_PAUSE {
            return;
        }
        let units = f64::from(self.clock_rate) / 1e6;
        let arrival = at.since(before.at).as_micros() as f64 * units;
        let sent = f64::from(header.timestamp.wrapping_sub(before.timestamp).cast_signed());
        let difference = (arrival - sent).abs();
        self.jitter += (difference - self.jitter) / 16.0;
        self.max_jitter = self.max_jitter.max(self.jitter);
    }

    /// Returns the packets received, duplicates included.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Returns the highest sequence number with its cycles.
    pub fn extended_max(&self) -> u32 {
        self.cycles.wrapping_add(u32::from(self.max))
    }

    /// Returns the packets expected by sequence numbers so far.
    pub fn expected(&self) -> i64 {
        if self.received == 0 { 0 } else { i64::from(self.extended_max()) - i64::from(self.base) + 1 }
    }

    /// Returns expected minus received; negative with duplicates.
    pub fn lost(&self) -> i64 {
        self.expected() - i64::try_from(self.received).unwrap_or(i64::MAX)
    }

    /// Returns the jitter in timestamp units.
    pub fn jitter(&self) -> f64 {
        self.jitter
    }

    /// Returns the jitter in milliseconds.
    pub fn jitter_ms(&self) -> f64 {
        self.jitter * 1_000.0 / f64::from(self.clock_rate)
    }

    /// Returns the largest jitter so far in milliseconds.
    pub fn max_jitter_ms(&self) -> f64 {
        self.max_jitter * 1_000.0 / f64::from(self.clock_rate)
    }

    /// Returns the loss since the last call and starts a new interval (RFC 3550 A.3).
    pub fn take_interval(&mut self) -> IntervalLoss {
        let expected = self.expected() - self.expected_prior;
        let received = self.received - self.received_prior;
        self.expected_prior = self.expected();
        self.received_prior = self.received;
        let lost = expected - i64::try_from(received).unwrap_or(i64::MAX);
        let fraction = if expected <= 0 || lost <= 0 { 0 } else { ((lost << 8) / expected).min(255) as u8 };
        IntervalLoss { expected, received, lost, fraction }
    }
}

#[cfg(test)]
mod tests;
