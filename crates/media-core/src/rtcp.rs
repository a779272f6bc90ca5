//! RTCP packets (RFC 3550 §6): compound parsing with every count bounded, and the packets we write.

mod cname;
mod interval;
mod parse;
mod print;
#[cfg(test)]
mod tests;
mod xr;

use std::time::Duration;

pub use cname::cname;
pub use interval::{INITIAL_SIZE, Schedule, reduced_minimum};
pub use parse::parse_compound;
pub use print::print_compound;
pub use xr::{Concealment, Dlrr, JitterBufferKind, MAX_XR_BLOCKS, VoipMetrics, XrBlock};

/// The most packets read from one compound: two members never send more than a handful.
pub const MAX_COMPOUND_PACKETS: usize = 16;
/// The most SDES items read per chunk.
pub const MAX_SDES_ITEMS: usize = 16;
/// The most report blocks or sources in one packet: the count field has five bits.
pub const MAX_COUNT: usize = 31;

/// The seconds between the NTP era (1900) and the Unix era (1970).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// Tells why bytes are not an RTCP compound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtcpError {
    /// A packet is longer than the bytes that are left, or shorter than its count asks for.
    #[error("the packet is truncated")]
    Truncated,
    /// A version is not 2.
    #[error("the version is not 2")]
    Version,
    /// The first packet is neither a sender nor a receiver report (RFC 3550 A.2).
    #[error("the compound does not start with a report")]
    NoReport,
    /// The padding count is impossible, or a packet before the last has padding.
    #[error("the padding is impossible")]
    Padding,
    /// There are more packets than [`MAX_COMPOUND_PACKETS`].
    #[error("more than {MAX_COMPOUND_PACKETS} packets in one compound")]
    TooManyPackets,
    /// An SDES chunk has more items than [`MAX_SDES_ITEMS`].
    #[error("more than {MAX_SDES_ITEMS} items in one chunk")]
    TooManyItems,
    /// An extended report has more blocks than [`MAX_XR_BLOCKS`], or one of them more than [`MAX_COUNT`] sub-blocks.
    #[error("more than {MAX_XR_BLOCKS} blocks or {MAX_COUNT} sub-blocks in one extended report")]
    TooManyBlocks,
}

/// Holds a moment on the wall clock as NTP writes it: seconds since 1900 and a 32-bit fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// Returns the moment that lies `unix` after 1970; the era wraps as NTP's does.
    pub fn from_unix(unix: Duration) -> Self {
        let seconds = unix.as_secs().wrapping_add(NTP_TO_UNIX);
        let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
        Self(seconds << 32 | fraction)
    }

    /// Returns the middle 32 bits, in units of 1/65536 s: what LSR carries.
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// Holds what a sender report says of the sender's own stream (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// The wall clock of this report.
    pub ntp: NtpTime,
    /// The same moment in timestamp units of the stream.
    pub rtp_timestamp: u32,
    /// RTP packets sent since the stream began.
    pub packets: u32,
    /// Payload bytes sent since the stream began.
    pub octets: u32,
}

/// Holds a report block: what a receiver says of one source (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source the block is about.
    pub ssrc: u32,
    /// The share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// The packets lost since the stream began; 24 bits signed on the wire.
    pub cumulative_lost: i32,
    /// The highest sequence number received, with the count of cycles above it.
    pub highest_sequence: u32,
    /// The interarrival jitter in timestamp units.
    pub jitter: u32,
    /// The middle bits of the last sender report's NTP time, 0 when there was none.
    pub last_sr: u32,
    /// The time since that sender report in 1/65536 s.
    pub delay_since_last_sr: u32,
}

/// Holds one RTCP packet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RtcpPacket {
    /// Packet type 200.
    SenderReport {
        /// The sender of the report.
        ssrc: u32,
        /// What it sent.
        info: SenderInfo,
        /// What it received; at most 31 blocks.
        reports: Vec<ReportBlock>,
    },
    /// Packet type 201.
    ReceiverReport {
        /// The sender of the report.
        ssrc: u32,
        /// What it received; at most 31 blocks.
        reports: Vec<ReportBlock>,
    },
    /// Packet type 202.
    SourceDescription(Vec<SdesChunk>),
    /// Packet type 203.
    Bye {
        /// The sources that leave; at most 31.
        sources: Vec<u32>,
        /// Why, as UTF-8 or whatever the peer wrote; at most 255 bytes.
        reason: Option<Vec<u8>>,
    },
    /// Packet type 207 (RFC 3611).
    ExtendedReport {
        /// The sender of the report.
        ssrc: u32,
        /// What it says; at most [`MAX_XR_BLOCKS`].
        blocks: Vec<XrBlock>,
    },
    /// Any other packet type; its content is skipped.
    Other {
        /// The packet type.
        packet_type: u8,
    },
}

impl RtcpPacket {
    /// Returns the source whose report this is; descriptions and BYE may be about others, too, which a mixer passes on
    /// (RFC 3550 §7.3).
    pub fn reporter(&self) -> Option<u32> {
        match self {
            Self::SenderReport { ssrc, .. }
            | Self::ReceiverReport { ssrc, .. }
            | Self::ExtendedReport { ssrc, .. } => Some(*ssrc),
            Self::SourceDescription(_) | Self::Bye { .. } | Self::Other { .. } => None,
        }
    }
}

/// Holds what SDES says of one source (RFC 3550 §6.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdesChunk {
    /// The source.
    pub ssrc: u32,
    /// The items as type and text, in their order; each at most 255 bytes.
    pub items: Vec<(u8, Vec<u8>)>,
}

/// The SDES item type of the canonical name.
pub const SDES_CNAME: u8 = 1;

/// Returns the round-trip time a report block reveals (RFC 3550 §6.4.1): `arrival - LSR - DLSR` in 1/65536 s.
///
/// `None` without a previous sender report, for a negative result (the peer's clock ran on wrongly) and for one
/// over 30 s, which no call survives and a forged block would claim.
pub fn round_trip(arrival: NtpTime, last_sr: u32, delay_since_last_sr: u32) -> Option<Duration> {
    if last_sr == 0 {
        return None;
    }
    let units = arrival.middle().wrapping_sub(last_sr).wrapping_sub(delay_since_last_sr);
    // A negative difference shows up in the upper half of the circle.
    if units >= 1 << 31 || units > 30 << 16 {
        return None;
    }
    Some(Duration::from_nanos(u64::from(units) * 1_000_000_000 / 65_536))
}
