//! The sources a peer has had: one is counted at a time, and the totals are of all.

use crate::reception::{Arrival, IntervalLoss, Reception};
use crate::rtp::RtpHeader;
use crate::ssrc_guard::{SsrcGuard, SsrcVerdict};
use crate::tick::Tick;

/// Counts what comes from a peer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    guard: SsrcGuard,
    current: Option<Reception>,
    /// The loss of sources that are gone.
    lost: i64,
    expected: i64,
    pub(crate) received: u64,
    pub(crate) octets: u64,
    max_jitter_ms: f64,
    pub(crate) first_packet: Option<Tick>,
    pub(crate) last_packet: Option<Tick>,
    /// The last packet of the source, until it says BYE; RTP after that makes it a source again.
    pub(crate) active: Option<Tick>,
    /// Packets of sources that were not let in (SEC-43).
    pub(crate) intruders: u64,
}

impl Sources {
    /// A description came into force: the next packet may be of any source.
    pub(crate) fn signalled(&mut self, now: Tick) {
        self.guard.signalled(now);
    }

    /// The source has said BYE.
    pub(crate) fn left(&mut self, now: Tick) {
        self.active = None;
        self.guard.signalled(now);
    }

    /// Decides whether a packet is of the source that is counted, or of one that takes its place.
    pub(crate) fn admit(&mut self, header: &RtpHeader, now: Tick) -> SsrcVerdict {
        let verdict = self.guard.packet(header.ssrc, header.sequence, now);
        self.intruders += u64::from(verdict == SsrcVerdict::Stranger);
        verdict
    }

    /// Counts a packet that was let in; see [`Reception::receive`].
    pub(crate) fn count(
        &mut self,
        header: &RtpHeader,
        bytes: usize,
        clock_rate: u32,
        now: Tick,
        timed: bool,
    ) -> Arrival {
        if self.current.as_ref().is_some_and(|current| current.ssrc() != header.ssrc) {
            self.close();
        }
        let begin = || Reception::with_clock(header.ssrc, header.sequence, clock_rate);
        let reception = self.current.get_or_insert_with(begin);
        if timed {
            reception.set_clock(clock_rate);
        }
        let (lost, expected) = (reception.lost(), reception.expected());
        let arrival = reception.receive(header, now, timed);
        if arrival == Arrival::Restarted {
            self.lost += lost;
            self.expected += expected;
        }
        if arrival != Arrival::Jump {
            self.received += 1;
            self.octets += bytes as u64;
        }
        self.first_packet.get_or_insert(now);
        (self.last_packet, self.active) = (Some(now), Some(now));
        arrival
    }

    /// The source is gone; its totals stay.
    fn close(&mut self) {
        if let Some(gone) = self.current.take() {
            self.lost += gone.lost();
            self.expected += gone.expected();
            self.max_jitter_ms = self.max_jitter_ms.max(gone.max_jitter_ms());
        }
    }

    /// Returns the source that is counted.
    pub(crate) fn current(&self) -> Option<&Reception> {
        self.current.as_ref()
    }

    pub(crate) fn take_interval(&mut self) -> Option<IntervalLoss> {
        self.current.as_mut().map(Reception::take_interval)
    }

    pub(crate) fn total_lost(&self) -> i64 {
        self.lost + self.current.as_ref().map_or(0, Reception::lost)
    }

    pub(crate) fn total_expected(&self) -> i64 {
        self.expected + self.current.as_ref().map_or(0, Reception::expected)
    }

    pub(crate) fn jitter_ms(&self) -> Option<f64> {
        self.current.as_ref().map(Reception::jitter_ms)
    }

    pub(crate) fn max_jitter_ms(&self) -> f64 {
        self.current.as_ref().map_or(0.0, Reception::max_jitter_ms).max(self.max_jitter_ms)
    }
}
