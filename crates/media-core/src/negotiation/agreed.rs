//! What both sides agreed on.

use std::net::{IpAddr, SocketAddr};

use super::format::MediaFormat;
use crate::codec::Codec;
use crate::direction::Direction;
use crate::dtmf::EventSet;
use crate::srtp::sdes::Crypto;

/// Holds what both sides agreed on for the audio stream: everything that the streams obey.
///
/// A learned address of the peer may be learned anew only when `remote_rtp` differs from what was in force before
/// (SEC-40).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed {
    /// Where we told the peer to send RTP to, and send it from (RFC 4961). When it changes, the old address is heard
    /// until media arrives on the new one (TR-222, TM-014).
    pub local: SocketAddr,
    /// Where RTP goes to and must come from.
    pub remote_rtp: SocketAddr,
    /// Where RTCP goes to and must come from: the RTP address with rtcp-mux, else `a=rtcp` (RFC 3605), else the port
    /// after RTP's; port 0 means that there is none.
    pub remote_rtcp: SocketAddr,
    /// True when RTP and RTCP share a port, in both directions (RFC 5761).
    pub rtcp_mux: bool,
    /// The codec that is sent.
    pub codec: Codec,
    /// The payload type the codec is sent with.
    pub payload_type: u8,
    /// The payload type telephone-event is sent with, if both have it: with the codec's clock, else with 8 kHz.
    pub dtmf_payload_type: Option<u8>,
    /// The timestamp units per second of the events that are sent, in Hz.
    pub dtmf_clock_rate: u32,
    /// The events that the peer takes.
    pub dtmf_events: EventSet,
    /// The payload type comfort noise is sent with, if both have it (TM-020).
    pub comfort_noise_payload_type: Option<u8>,
    /// What the payload types mean that the peer may send: every one that we ever offered or answered in this session,
    /// for their meaning never changes (TR-212) and a peer may be late with a change (TR-222).
    pub receive: Vec<(u8, MediaFormat)>,
    /// The packet time that is sent, 10 to 60 ms in steps of 10.
    pub ptime_ms: u8,
    /// Our negotiated direction.
    pub direction: Direction,
    /// False when nothing may be sent, neither RTP nor RTCP: address unspecified or port 0 (TR-216, TR-223).
    pub remote_valid: bool,
    /// True when our side put the stream on hold: the device's audio is not sent even where the direction has
    /// "send", only hold audio is.
    pub held: bool,
    /// The host that the peer's signalling comes from, where that is known: media to another one is limited until something
    /// comes back (SEC-44), and in clear no third one is learned (SEC-40).
    pub signalling: Option<IpAddr>,
    /// The keys; `None` when RTP is in clear.
    pub srtp: Option<Box<AgreedSrtp>>,
}

/// Holds the keys of both directions.
///
/// A direction whose key is as before goes on with its context. With a new key its packet index goes on, too, unless the
/// author of the line has given another address of its own as well: then its rollover counter begins at 0 (RFC 4568 §7.1.4,
/// TM-101, TM-103).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedSrtp {
    /// The line with the key that we send with.
    pub local: Crypto,
    /// The line with the keys that the peer sends with; of the same suite.
    pub remote: Crypto,
}

impl Agreed {
    /// Returns an agreement on one codec, both ways and in clear, that needs no negotiation: 20 ms, no DTMF, RTCP on the
    /// next port. A codec without a payload type of its own gets 96.
    pub fn plain(local: SocketAddr, remote: SocketAddr, codec: Codec) -> Self {
        let payload_type = MediaFormat::Audio(codec).static_payload_type().unwrap_or(96);
        Self {
            local,
            remote_rtp: remote,
            remote_rtcp: SocketAddr::new(remote.ip(), remote.port().checked_add(1).unwrap_or(0)),
            rtcp_mux: false,
            codec,
            payload_type,
            dtmf_payload_type: None,
            dtmf_clock_rate: Codec::CLOCK_RATE,
            dtmf_events: EventSet::DTMF,
            comfort_noise_payload_type: None,
            receive: vec![(payload_type, MediaFormat::Audio(codec))],
            ptime_ms: 20,
            direction: Direction::SendRecv,
            remote_valid: true,
            held: false,
            signalling: None,
            srtp: None,
        }
    }

    /// Returns true when the stream was rejected with port 0 rather than held (TR-223).
    pub fn rejected(&self) -> bool {
        self.remote_rtp.port() == 0
    }

    /// Returns what a received payload type means; `None` for one that we never named.
    pub fn format(&self, payload_type: u8) -> Option<MediaFormat> {
        self.receive.iter().find(|(number, _)| *number == payload_type).map(|(_, format)| *format)
    }

    /// Returns the clock of the events that are sent, in Hz; `None` where keys are tones in the audio.
    pub(crate) fn event_clock(&self) -> Option<u32> {
        self.dtmf_payload_type.map(|_| self.dtmf_clock_rate)
    }

    /// Port 0 ends the flow but not the session: the rest of the agreement stays for the events that name it.
    pub(super) fn reject(&mut self) {
        self.remote_rtp.set_port(0);
        self.remote_rtcp.set_port(0);
        self.remote_valid = false;
        self.direction = Direction::Inactive;
    }
}
