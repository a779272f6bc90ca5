//! What of a packet is in clear: SRTP works on bytes, and leaves their meaning to `rtp` and `rtcp`.

use super::SrtpError;
use crate::rtp::RTP_HEADER_BYTES;

/// The longest packet. A datagram has no more, and the block counter of 16 bits (RFC 3711 §4.1.1) is good for a
/// mebibyte.
pub const MAX_PACKET_BYTES: usize = 65_535;

/// The most bytes that protection adds to a packet: index word, tag, and the longest master key identifier.
pub const MAX_TRAILER_BYTES: usize = 4 + 16 + super::Mki::MAX_BYTES as usize;

/// The first bytes of an RTCP packet, which are never encrypted (RFC 3711 §3.4).
pub(super) const RTCP_CLEAR_BYTES: usize = 8;

/// The bytes of encryption flag and SRTCP index.
pub(super) const INDEX_BYTES: usize = 4;

/// Holds what SRTP needs of an RTP header.
pub(super) struct RtpHead {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    /// Where the payload begins: behind sources and extension.
    pub(super) payload: usize,
}

impl RtpHead {
    pub(super) fn parse(packet: &[u8]) -> Result<Self, SrtpError> {
        let (head, rest) = packet.split_first_chunk::<RTP_HEADER_BYTES>().ok_or(SrtpError::Malformed)?;
        checked(packet, head[0])?;
        let mut payload = RTP_HEADER_BYTES + usize::from(head[0] & 0x0F) * 4;
        if head[0] & 0x10 != 0 {
            let extension = rest.get(payload - RTP_HEADER_BYTES..).and_then(<[u8]>::first_chunk::<4>);
            let [_, _, high, low] = *extension.ok_or(SrtpError::Malformed)?;
            payload += 4 + usize::from(u16::from_be_bytes([high, low])) * 4;
        }
        if payload > packet.len() {
            return Err(SrtpError::Malformed);
        }
        Ok(Self {
            ssrc: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
            sequence: u16::from_be_bytes([head[2], head[3]]),
            payload,
        })
    }
}

/// Returns the SSRC of a compound packet's sender.
pub(super) fn rtcp_ssrc(packet: &[u8]) -> Result<u32, SrtpError> {
    let head = packet.first_chunk::<RTCP_CLEAR_BYTES>().ok_or(SrtpError::Malformed)?;
    checked(packet, head[0])?;
    Ok(u32::from_be_bytes([head[4], head[5], head[6], head[7]]))
}

fn checked(packet: &[u8], first: u8) -> Result<(), SrtpError> {
    if packet.len() > MAX_PACKET_BYTES {
        Err(SrtpError::TooLong)
    } else if first >> 6 != 2 {
        Err(SrtpError::Malformed)
    } else {
        Ok(())
    }
}
