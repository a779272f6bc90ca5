//! The datagrams in a capture of ours: who sent what to whom, in order.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use media_core::rtp::RtpPacket;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
const IP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// What.
    pub payload: Vec<u8>,
}

impl Datagram {
    /// Whether it is audio by G.711 between two ports that are none of SIP's: RTP with its payload type.
    pub fn is_audio(&self) -> bool {
        RtpPacket::parse(&self.payload).is_ok_and(|packet| matches!(packet.header.payload_type, 0 | 8))
    }

    /// Whether it is a SIP request with this method.
    pub fn is(&self, method: &str) -> bool {
        self.payload.strip_prefix(method.as_bytes()).is_some_and(|rest| rest.starts_with(b" "))
    }
}

/// Reads a capture of IPv4 without links, as `Capture` writes it.
///
/// # Panics
///
/// If it is none.
pub fn read(capture: &[u8]) -> Vec<Datagram> {
    let mut rest = &capture[FILE_HEADER..];
    let mut datagrams = Vec::new();
    while let Some((header, behind)) = rest.split_at_checked(RECORD_HEADER) {
        let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        let (packet, behind) = behind.split_at(length);
        datagrams.push(datagram(packet));
        rest = behind;
    }
    datagrams
}

fn datagram(packet: &[u8]) -> Datagram {
    assert_eq!(packet[0], 0x45, "IPv4 without options");
    let port = |at: usize| u16::from_be_bytes([packet[IP_HEADER + at], packet[IP_HEADER + at + 1]]);
    let ip = |at: usize| Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
    Datagram {
        from: SocketAddrV4::new(ip(12), port(0)).into(),
        to: SocketAddrV4::new(ip(16), port(2)).into(),
        payload: packet[IP_HEADER + UDP_HEADER..].to_vec(),
    }
}
