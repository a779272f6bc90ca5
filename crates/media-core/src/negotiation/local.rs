//! What our side brings into a session.

use std::net::IpAddr;
use std::sync::Arc;

use crate::codec::Codec;

/// Tells whose order of codecs counts when we answer. When we offer, the peer decides: what it names first is sent
/// (RFC 3264 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodecPreference {
    /// The first codec of the offer that we have: what RFC 3264 §6.1 recommends.
    #[default]
    Theirs,
    /// The first of our codecs that the offer has.
    Ours,
}

/// Tells what our side brings into the session; all but address and port is fixed for the session's life.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalMedia {
    /// The address of the RTP socket, for `o=` and `c=`; never unspecified on the wire (TR-216).
    pub address: IpAddr,
    /// The RTP port, not 0, from which is sent, too (RFC 4961); RTCP is received on the next one, or here with rtcp-mux.
    pub port: u16,
    /// The id of the `o=` line: fresh for every session (TR-220).
    pub session_id: u64,
    /// The codecs, most wanted first; none means [`Codec::ALL`].
    pub codecs: Arc<[Codec]>,
    /// Whose order of codecs counts when we answer.
    pub preference: CodecPreference,
    /// Whether telephone-event (RFC 4733) is offered and answered.
    pub dtmf: bool,
    /// Whether comfort noise (RFC 3389) is offered and answered.
    pub comfort_noise: bool,
    /// Whether RTP and RTCP on one port (RFC 5761) is offered and answered.
    pub rtcp_mux: bool,
    /// The packet time asked for and used when the peer asks for none: 10 to 60 in steps of 10, anything else
    /// means 20.
    pub ptime_ms: u8,
}

impl LocalMedia {
    /// Returns the usual set: PCMU, PCMA, telephone-event, 20 ms.
    pub fn new(address: IpAddr, port: u16, session_id: u64) -> Self {
        Self {
            address,
            port,
            session_id,
            codecs: Arc::default(),
            preference: CodecPreference::default(),
            dtmf: true,
            comfort_noise: false,
            rtcp_mux: false,
            ptime_ms: 20,
        }
    }

    pub(super) fn codecs(&self) -> &[Codec] {
        if self.codecs.is_empty() { &Codec::ALL } else { &self.codecs }
    }

    pub(super) fn ptime_ms(&self) -> u8 {
        if super::select::is_packet_time(u32::from(self.ptime_ms)) { self.ptime_ms } else { 20 }
    }
}

/// Tells how a local hold is offered (TR-213).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HoldDirection {
    /// `sendonly`: there is, or may be, something to play to the held party.
    #[default]
    SendOnly,
    /// `inactive`: there is nothing to play.
    Inactive,
}
