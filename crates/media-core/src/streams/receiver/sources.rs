//! The sources a peer has had: one is counted at a time, and another takes its place only when it has gone.

use std::time::Duration;

use crate::reception::{Arrival, IntervalLoss, Reception};
use crate::rtp::RtpHeader;
use crate::tick::Tick;

/// A source that sent nothing for three frames has gone, as far as another one is concerned. A change of sources inside
/// the peer so costs 60 ms at most; a forged source does not get in between two packets of a live one (SEC-43).
const GONE: Duration = Duration::from_millis(60);
/// How long a source that was taken over from may come back at once.
const RETURN: Duration = Duration::from_secs(1);

/// Counts what comes from a peer, over all its sources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    current: Option<Reception>,
    /// When the current source was last heard; `None` also after a signalled change, which any source may follow.
    alive: Option<Tick>,
    /// The source before, and until when it may come back.
    before: Option<(u32, Tick)>,
    changed: bool,
    /// The loss of sources that are gone.
    lost: i64,
    pub(crate) received: u64,
    pub(crate) octets: u64,
    max_jitter_ms: f64,
    pub(crate) first_packet: Option<Tick>,
    pub(crate) last_packet: Option<Tick>,
    /// The last packet of the source, until it says BYE; RTP after that makes it a source again.
    pub(crate) active: Option<Tick>,
    /// Packets of sources that were not let in.
    pub(crate) intruders: u64,
}

impl Sources {
    /// Signalling has spoken: the next packet may be of any source.
    pub(crate) fn signalled(&mut self) {
        self.alive = None;
    }

    /// Decides whether a packet's source is the one that is counted, or becomes it.
    pub(crate) fn admit(&mut self, header: &RtpHeader, now: Tick) -> bool {
        self.changed = false;
        let current = self.current.as_ref().map(Reception::ssrc);
        if current != Some(header.ssrc) {
            let alive = self.alive.is_some_and(|last| now.since(last) < GONE);
            let returns = self.before.is_some_and(|(before, until)| before == header.ssrc && now < until);
            if alive && !returns {
                self.intruders += 1;
                return false;
            }
            self.before = current.map(|ssrc| (ssrc, now + RETURN));
            self.changed = current.is_some();
            self.change(header);
        }
        self.alive = Some(now);
        true
    }

    /// Returns true when the last packet that was let in began another source.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed
    }

    /// The peer began with another source: counting starts anew, the totals stay.
    fn change(&mut self, header: &RtpHeader) {
        if let Some(gone) = self.current.replace(Reception::new(header.ssrc, header.sequence)) {
            self.lost += gone.lost();
            self.max_jitter_ms = self.max_jitter_ms.max(gone.max_jitter_ms());
        }
    }

    /// Counts a packet that was let in; see [`Reception::receive`].
    pub(crate) fn count(&mut self, header: &RtpHeader, bytes: usize, now: Tick, timed: bool) -> Arrival {
        let reception = self.current.get_or_insert_with(|| Reception::new(header.ssrc, header.sequence));
        let lost_before = reception.lost();
        let arrival = reception.receive(header, now, timed);
        if arrival == Arrival::Restarted {
            self.lost += lost_before;
        }
        if arrival != Arrival::Jump {
            self.received += 1;
            self.octets += bytes as u64;
        }
        self.first_packet.get_or_insert(now);
        (self.last_packet, self.active) = (Some(now), Some(now));
        arrival
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

    pub(crate) fn jitter_ms(&self) -> Option<f64> {
        self.current.as_ref().map(Reception::jitter_ms)
    }

    pub(crate) fn max_jitter_ms(&self) -> f64 {
        self.current.as_ref().map_or(0.0, Reception::max_jitter_ms).max(self.max_jitter_ms)
    }
}
