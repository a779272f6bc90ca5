//! A tone as a capture of RTP, for a sipp that plays captures.

use std::{fs, path::Path};

use media_core::{Codec, rtp::RtpHeader};

use super::{PeerError, wav};

/// Samples a second of PCMU.
const RATE: u32 = 8_000;
/// The length of a packet in samples, and in microseconds.
const PACKET: usize = 160;
const PACKET_MICROS: u32 = 20_000;
/// What stands in a file before the first packet: microseconds, little-endian, Ethernet.
const FILE: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0xffff, 1];
/// Two addresses, and that IPv4 follows.
const ETHERNET: [u8; 14] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 8, 0];
/// IPv4 without options, carrying UDP. sipp sends the UDP packet alone, from its own address to the other side's.
const IP: [u8; 20] = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
const UDP_HEADER: usize = 8;
const PORT: u16 = 10_000;
const SSRC: u32 = 0x1234_5678;

/// Writes `seconds` of a tone as PCMU, one packet each 20 ms.
pub fn write_tone(path: &Path, hz: u16, seconds: u32) -> Result<(), PeerError> {
    let samples: Vec<i16> = wav::tone(hz, RATE, seconds).collect();
    let mut encoder = Codec::Pcmu.encoder();
    let mut file: Vec<u8> = FILE.into_iter().flat_map(u32::to_le_bytes).collect();
    for (number, samples) in (0u32..).zip(samples.chunks_exact(PACKET)) {
        let header = RtpHeader {
            marker: number == 0,
            payload_type: 0,
            sequence: number as u16,
            timestamp: number * PACKET as u32,
            ssrc: SSRC,
        };
        let mut payload = Vec::with_capacity(PACKET);
        encoder.encode(samples, &mut payload);
        let frame = frame(&header.packet(&payload));
        let (at, length) = (number * PACKET_MICROS, frame.len() as u32);
        file.extend([at / 1_000_000, at % 1_000_000, length, length].into_iter().flat_map(u32::to_le_bytes));
        file.extend(frame);
    }
    fs::write(path, file)
        .map_err(|source| PeerError::Environment { what: path.display().to_string(), source })
}

/// A packet with the headers below it.
fn frame(packet: &[u8]) -> Vec<u8> {
    let datagram = (UDP_HEADER + packet.len()) as u16;
    let mut ip = IP;
    ip[2..4].copy_from_slice(&(IP.len() as u16 + datagram).to_be_bytes());
    // Without a checksum.
    let udp = [PORT, PORT, datagram, 0];
    [&ETHERNET[..], &ip, &udp.map(u16::to_be_bytes).concat(), packet].concat()
}
