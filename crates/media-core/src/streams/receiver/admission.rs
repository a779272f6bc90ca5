//! Who may send to a stream, by address (SEC-40, SEC-41, TM-014).

use std::net::SocketAddr;

use crate::latch::{Latch, LatchPolicy, Verdict};
use crate::negotiation::Agreed;
use crate::rtp::RtpHeader;
use crate::tick::Tick;

/// Checks where packets come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Admission {
    latch: Option<Latch>,
    /// False while the peer has given no address.
    open: bool,
    /// Packets from other addresses.
    pub(crate) strangers: u64,
}

impl Admission {
    /// Another agreement is in force; returns where RTP goes.
    pub(crate) fn apply(&mut self, now: Tick, agreed: &Agreed, policy: LatchPolicy) -> SocketAddr {
        self.open = agreed.remote_valid;
        if !agreed.remote_valid {
            return agreed.remote_rtp;
        }
        let policy = match policy {
            LatchPolicy::Learn if agreed.srtp.is_some() => LatchPolicy::LearnAuthenticated,
            LatchPolicy::Negotiated | LatchPolicy::Learn | LatchPolicy::LearnAuthenticated => policy,
        };
        let latch = self.latch.get_or_insert_with(|| Latch::new(agreed.remote_rtp, policy));
        latch.obey(policy);
        latch.signalled_from(agreed.signalling);
        latch.renegotiated(agreed.remote_rtp, now);
        latch.remote()
    }

    /// Returns false, and counts, when an RTP packet from there cannot be the peer's.
    pub(crate) fn may_admit(&mut self, source: SocketAddr, now: Tick) -> bool {
        let admits = self.open && self.latch.as_ref().is_some_and(|latch| latch.may_accept(source, now));
        self.strangers += u64::from(!admits);
        admits
    }

    /// Judges an RTP packet; a stranger's is counted.
    pub(crate) fn admit(
        &mut self,
        source: SocketAddr,
        header: &RtpHeader,
        authenticated: bool,
        now: Tick,
    ) -> Verdict {
        let latch = self.latch.as_mut().filter(|_| self.open);
        let verdict =
            latch.map_or(Verdict::Stranger, |latch| latch.packet(source, header, authenticated, now));
        self.strangers += u64::from(verdict == Verdict::Stranger);
        verdict
    }

    /// RTCP came from an address that is known as the peer's, or not, and then is counted.
    pub(crate) fn admits_rtcp(&mut self, known: bool) -> bool {
        self.strangers += u64::from(!known);
        known
    }
}
