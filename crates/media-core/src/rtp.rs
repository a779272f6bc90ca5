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
        self.write(payload, &mut packet);
        packet
    }

    /// Appends a packet with this header (no sources, extension or padding) and this payload.
    pub fn write(&self, payload: &[u8], out: &mut Vec<u8>) {
        out.push(0x80);
        out.push(u8::from(self.marker) << 7 | self.payload_type & 0x7F);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(payload);
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

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: RtpHeader = RtpHeader {
        marker: true,
        payload_type: 101,
        sequence: 0xFFFE,
        timestamp: 0x0102_0304,
        ssrc: 0xA0B0_C0D0,
    };

    #[test]
    fn a_header_has_the_layout_of_rfc_3550() {
        let bytes = HEADER.packet(&[9, 8]);
        assert_eq!(bytes, [0x80, 0xE5, 0xFF, 0xFE, 1, 2, 3, 4, 0xA0, 0xB0, 0xC0, 0xD0, 9, 8]);
        let packet = RtpPacket::parse(&bytes).expect("our own packet");
        assert_eq!((packet.header, packet.contributors, packet.payload), (HEADER, 0, &[9, 8][..]));
    }

    #[test]
    fn sources_extension_and_padding_are_skipped() {
        let mut bytes = HEADER.packet(&[]);
        bytes[0] = 0x80 | 0x20 | 0x10 | 2;
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&[0xBE, 0xDE, 0, 1, 1, 2, 3, 4]);
        bytes.extend_from_slice(&[7, 7, 7, 0, 2]);
        let packet = RtpPacket::parse(&bytes).expect("well formed");
        assert_eq!((packet.contributors, packet.payload), (2, &[7, 7, 7][..]));
    }

    #[test]
    fn broken_packets_are_refused() {
        let good = HEADER.packet(&[]);
        assert_eq!(RtpPacket::parse(&good[..11]), Err(RtpError::Truncated));
        let with = |first: u8, rest: &[u8]| {
            let mut bytes = good.clone();
            bytes[0] = first;
            bytes.extend_from_slice(rest);
            bytes
        };
        assert_eq!(RtpPacket::parse(&with(0x40, &[])), Err(RtpError::Version));
        assert_eq!(RtpPacket::parse(&with(0x81, &[0; 3])), Err(RtpError::Truncated));
        assert_eq!(RtpPacket::parse(&with(0x90, &[0, 0, 0])), Err(RtpError::Truncated));
        assert_eq!(RtpPacket::parse(&with(0x90, &[0, 0, 0, 1, 0])), Err(RtpError::Truncated));
        assert_eq!(RtpPacket::parse(&with(0xA0, &[])), Err(RtpError::Padding));
        assert_eq!(RtpPacket::parse(&with(0xA0, &[0])), Err(RtpError::Padding));
        assert_eq!(RtpPacket::parse(&with(0xA0, &[1, 3])), Err(RtpError::Padding));
        assert!(RtpPacket::parse(&with(0xA0, &[1, 2])).is_ok());
    }
}
