//! Who may send to a stream: the negotiated address, and for a while the one before (SEC-40, TM-014).

use std::net::SocketAddr;
use std::time::Duration;

use crate::negotiation::Agreed;
use crate::tick::Tick;

/// How long the old address is still heard after a change, for a peer that switches late (TM-014).
const LATE_SWITCH: Duration = Duration::from_secs(3);

/// Checks where packets come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Admission {
    previous: Option<(SocketAddr, Tick)>,
    /// Packets from other addresses.
    pub(crate) strangers: u64,
}

impl Admission {
    /// Another agreement is in force.
    pub(crate) fn apply(&mut self, now: Tick, before: Option<&Agreed>, agreed: &Agreed) {
        if !agreed.remote_valid {
            self.previous = None;
        } else if let Some(before) = before
            && before.remote_valid
            && before.remote_rtp != agreed.remote_rtp
        {
            self.previous = Some((before.remote_rtp, now + LATE_SWITCH));
        }
    }

    /// Returns true for RTP of the peer; what is not its is counted.
    pub(crate) fn admits_rtp(&mut self, agreed: Option<&Agreed>, source: SocketAddr, now: Tick) -> bool {
        let remote = agreed.filter(|agreed| agreed.remote_valid).map(|agreed| agreed.remote_rtp);
        if remote == Some(source) {
            // The peer has switched.
            self.previous = None;
            return true;
        }
        let late = self.previous.is_some_and(|(address, until)| address == source && now < until);
        if !late {
            self.strangers += 1;
        }
        late
    }

    /// Returns true for RTCP of the peer; what is not its is counted.
    pub(crate) fn admits_rtcp(&mut self, remote: Option<SocketAddr>, source: SocketAddr) -> bool {
        let known = remote == Some(source);
        if !known {
            self.strangers += 1;
        }
        known
    }
}
