//! Bytes to RTCP packets.

use super::xr::parse_blocks;
use super::{
    MAX_COMPOUND_PACKETS, MAX_SDES_ITEMS, NtpTime, ReportBlock, RtcpError, RtcpPacket, SdesChunk, SenderInfo,
};

/// Parses a compound packet (RFC 3550 §6.1, A.2): it starts with a report, only the last packet may be padded,
/// and every length and count stays inside the bytes that were received.
pub fn parse_compound(mut bytes: &[u8]) -> Result<Vec<RtcpPacket>, RtcpError> {
    let mut packets = Vec::new();
    loop {
        let (head, rest) = bytes.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
        if head[0] >> 6 != 2 {
            return Err(RtcpError::Version);
        }
        let count = usize::from(head[0] & 0x1F);
        let packet_type = head[1];
        let length = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
        let (mut body, behind) = rest.split_at_checked(length).ok_or(RtcpError::Truncated)?;
        if head[0] & 0x20 != 0 {
            if !behind.is_empty() {
                return Err(RtcpError::Padding);
            }
            let padding = usize::from(*body.last().ok_or(RtcpError::Padding)?);
            if padding == 0 || padding > body.len() {
                return Err(RtcpError::Padding);
            }
            body = &body[..body.len() - padding];
        }
        if packets.is_empty() && !matches!(packet_type, 200 | 201) {
            return Err(RtcpError::NoReport);
        }
        if packets.len() == MAX_COMPOUND_PACKETS {
            return Err(RtcpError::TooManyPackets);
        }
        packets.push(parse_packet(packet_type, count, body)?);
        if behind.is_empty() {
            return Ok(packets);
        }
        bytes = behind;
    }
}

fn parse_packet(packet_type: u8, count: usize, body: &[u8]) -> Result<RtcpPacket, RtcpError> {
    let mut reader = Reader { bytes: body };
    match packet_type {
        200 => {
            let ssrc = reader.word()?;
            let ntp = NtpTime(u64::from(reader.word()?) << 32 | u64::from(reader.word()?));
            let info = SenderInfo {
                ntp,
                rtp_timestamp: reader.word()?,
                packets: reader.word()?,
                octets: reader.word()?,
            };
            Ok(RtcpPacket::SenderReport { ssrc, info, reports: reader.reports(count)? })
        }
        201 => Ok(RtcpPacket::ReceiverReport { ssrc: reader.word()?, reports: reader.reports(count)? }),
        202 => {
            (0..count).map(|_| reader.chunk()).collect::<Result<_, _>>().map(RtcpPacket::SourceDescription)
        }
        203 => {
            let sources = (0..count).map(|_| reader.word()).collect::<Result<_, _>>()?;
            let reason = match reader.bytes.split_first() {
                None => None,
                Some((&length, rest)) => {
                    Some(rest.get(..usize::from(length)).ok_or(RtcpError::Truncated)?.to_vec())
                }
            };
            Ok(RtcpPacket::Bye { sources, reason })
        }
        207 => Ok(RtcpPacket::ExtendedReport { ssrc: reader.word()?, blocks: parse_blocks(reader.bytes)? }),
        packet_type => Ok(RtcpPacket::Other { packet_type }),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn word(&mut self) -> Result<u32, RtcpError> {
        let (word, rest) = self.bytes.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
        self.bytes = rest;
        Ok(u32::from_be_bytes(*word))
    }

    fn reports(&mut self, count: usize) -> Result<Vec<ReportBlock>, RtcpError> {
        (0..count).map(|_| self.report()).collect()
    }

    fn report(&mut self) -> Result<ReportBlock, RtcpError> {
        let ssrc = self.word()?;
        let lost = self.word()?;
        Ok(ReportBlock {
            ssrc,
            fraction_lost: (lost >> 24) as u8,
            // The shift left and back carries the sign of the 24-bit field.
            cumulative_lost: (lost << 8).cast_signed() >> 8,
            highest_sequence: self.word()?,
            jitter: self.word()?,
            last_sr: self.word()?,
            delay_since_last_sr: self.word()?,
        })
    }

    /// Reads one SDES chunk: items up to a zero byte, then zero bytes to the next multiple of four.
    fn chunk(&mut self) -> Result<SdesChunk, RtcpError> {
        let ssrc = self.word()?;
        let whole = self.bytes;
        let mut items = Vec::new();
        loop {
            let (&kind, rest) = self.bytes.split_first().ok_or(RtcpError::Truncated)?;
            if kind == 0 {
                let used = whole.len() - rest.len();
                self.bytes = whole.get(used.next_multiple_of(4)..).ok_or(RtcpError::Truncated)?;
                return Ok(SdesChunk { ssrc, items });
            }
            if items.len() == MAX_SDES_ITEMS {
                return Err(RtcpError::TooManyItems);
            }
            let (&length, rest) = rest.split_first().ok_or(RtcpError::Truncated)?;
            let (text, rest) = rest.split_at_checked(usize::from(length)).ok_or(RtcpError::Truncated)?;
            items.push((kind, text.to_vec()));
            self.bytes = rest;
        }
    }
}
