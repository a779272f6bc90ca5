//! RTCP packets to bytes.

use super::xr::print_blocks;
use super::{MAX_COUNT, ReportBlock, RtcpPacket};

/// Writes a compound packet. Lists longer than [`MAX_COUNT`] and texts longer than 255 bytes are cut, because
/// their count fields end there; [`RtcpPacket::Other`] becomes an empty packet of its type.
pub fn print_compound(packets: &[RtcpPacket]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    for packet in packets {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        let (packet_type, count) = print_body(packet, &mut out);
        while !out.len().is_multiple_of(4) {
            out.push(0);
        }
        let words = ((out.len() - start) / 4 - 1) as u16;
        out[start] = 0x80 | count as u8;
        out[start + 1] = packet_type;
        out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
    }
    out
}

fn print_body(packet: &RtcpPacket, out: &mut Vec<u8>) -> (u8, usize) {
    match packet {
        RtcpPacket::SenderReport { ssrc, info, reports } => {
            out.extend_from_slice(&ssrc.to_be_bytes());
            out.extend_from_slice(&info.ntp.0.to_be_bytes());
            for word in [info.rtp_timestamp, info.packets, info.octets] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            (200, print_reports(reports, out))
        }
        RtcpPacket::ReceiverReport { ssrc, reports } => {
            out.extend_from_slice(&ssrc.to_be_bytes());
            (201, print_reports(reports, out))
        }
        RtcpPacket::SourceDescription(chunks) => {
            let chunks = &chunks[..chunks.len().min(MAX_COUNT)];
            for chunk in chunks {
                let start = out.len();
                out.extend_from_slice(&chunk.ssrc.to_be_bytes());
                for (kind, text) in &chunk.items {
                    print_text(Some(*kind), text, out);
                }
                out.push(0);
                while !(out.len() - start).is_multiple_of(4) {
                    out.push(0);
                }
            }
            (202, chunks.len())
        }
        RtcpPacket::Bye { sources, reason } => {
            let sources = &sources[..sources.len().min(MAX_COUNT)];
            for source in sources {
                out.extend_from_slice(&source.to_be_bytes());
            }
            if let Some(reason) = reason {
                print_text(None, reason, out);
            }
            (203, sources.len())
        }
        RtcpPacket::ExtendedReport { ssrc, blocks } => {
            out.extend_from_slice(&ssrc.to_be_bytes());
            print_blocks(blocks, out);
            (207, 0)
        }
        RtcpPacket::Other { packet_type } => (*packet_type, 0),
    }
}

fn print_text(kind: Option<u8>, text: &[u8], out: &mut Vec<u8>) {
    let text = &text[..text.len().min(255)];
    out.extend(kind);
    out.push(text.len() as u8);
    out.extend_from_slice(text);
}

fn print_reports(reports: &[ReportBlock], out: &mut Vec<u8>) -> usize {
    let reports = &reports[..reports.len().min(MAX_COUNT)];
    for report in reports {
        let lost = report.cumulative_lost.clamp(-0x80_0000, 0x7F_FFFF) as u32 & 0x00FF_FFFF;
        let words = [
            report.ssrc,
            u32::from(report.fraction_lost) << 24 | lost,
            report.highest_sequence,
            report.jitter,
            report.last_sr,
            report.delay_since_last_sr,
        ];
        for word in words {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
    reports.len()
}
