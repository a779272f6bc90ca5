//! RTP packets (RFC 3550 §5.1): a checked view over received bytes, and the header we write.

/// The bytes of a header without contributing sources or extension.
pub const RTP_HEADER_BYTES: usize = 12;

/// Tells why bytes are not an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    /// The bytes end inside the header, its sources, its extension or its padding.
    #[error("the packet is truncated")]
    Truncated,
    /// The version is not 2.
    #[error("the version is not 2")]
    Version,
    /// The padding count is zero or longer than the payload.
    #[error("the padding count is impossible")]
    Padding,
}

/// Holds the fields of an RTP header that an endpoint uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// The marker bit: for audio the first packet of a talkspurt (RFC 3551 §4.1).
    pub marker: bool,
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp in units of the payload's clock.
    pub timestamp: u32,
    /// The synchronisation source.
    pub ssrc: u32,
}

impl RtpHeader {
    /// Returns a packet with this header (no sources, extension or padding) and this payload.
    pub fn packet(&self, payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(RTP_HEADER_BYTES + payload.len());
        packet.push(0x80);
        packet.push(u8::from(self.marker) << 7 | self.payload_type & 0x7F);
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&self.timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        packet
    }
}

/// Holds a parsed RTP packet; the payload borrows from the received bytes, without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// The header.
    pub header: RtpHeader,
    /// The number of contributing sources, 0 to 15.
    pub contributors: u8,
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> RtpPacket<'a> {
    /// Parses a packet; sources and extension are skipped, padding is removed.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtpError> {
        let (head, mut rest) = bytes.split_first_chunk::<RTP_HEADER_BYTES>().ok_or(RtpError::Truncated)?;
        if head[0] >> 6 != 2 {
            return Err(RtpError::Version);
        }
        let padded = head[0] & 0x20 != 0;
        let extended = head[0] & 0x10 != 0;
        let contributors = head[0] & 0x0F;
        rest = rest.get(usize::from(contributors) * 4..).ok_or(RtpError::Truncated)?;
        if extended {
            let (extension, behind) = rest.split_first_chunk::<4>().ok_or(RtpError::Truncated)?;
            let words = usize::from(u16::from_be_bytes([extension[2], extension[3]]));
            rest = behind.get(words * 4..).ok_or(RtpError::Truncated)?;
        }
        if padded {
            let count = usize::from(*rest.last().ok_or(RtpError::Padding)?);
            if count == 0 || count > rest.len() {
                return Err(RtpError::Padding);
            }
            rest = &rest[..rest.len() - count];
        }
        let header = RtpHeader {
            marker: head[1] & 0x80 != 0,
            payload_type: head[1] & 0x7F,
            sequence: u16::from_be_bytes([head[2], head[3]]),
            timestamp: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
            ssrc: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
        };
        Ok(Self { header, contributors, payload: rest })
    }
}
