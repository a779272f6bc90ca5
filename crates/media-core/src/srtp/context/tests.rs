//! Contexts among themselves; the vectors stand beside what they prove.

mod identity;
mod limits;
mod rekeying;
mod rollover;

use super::*;
use crate::srtp::sdes::Crypto;

/// The bytes of a hexadecimal text, blanks left out.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|sign| !sign.is_whitespace())
        .map(|sign| sign.to_digit(16).expect("hex") as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A line with one key, all of whose bytes are `fill`.
fn line(suite: Suite, fill: u8) -> Crypto {
    Crypto::new(
        1,
        KeyMaterial::new(suite, &vec![fill; suite.material_bytes()]).expect("the length of the suite"),
    )
}

fn pair(line: &Crypto) -> (SrtpSender, SrtpReceiver) {
    (SrtpSender::new(line).expect("a usable line"), SrtpReceiver::new(line).expect("a usable line"))
}

/// An RTP packet whose payload tells its sequence number.
fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
    let header = crate::rtp::RtpHeader { marker: false, payload_type: 0, sequence, timestamp: 160, ssrc };
    header.packet(&sequence.to_be_bytes().repeat(80))
}

fn protected(sender: &mut SrtpSender, ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = rtp(ssrc, sequence);
    sender.protect_rtp(&mut packet).expect("a fresh packet");
    packet
}

/// Opens a copy and compares it with what was sent.
fn take(receiver: &mut SrtpReceiver, packet: &[u8]) -> Result<(), SrtpError> {
    let mut copy = packet.to_vec();
    let length = receiver.unprotect_rtp(&mut copy)?;
    copy.truncate(length);
    let head = packet::RtpHead::parse(&copy).expect("an RTP packet");
    assert_eq!(copy, rtp(head.ssrc, head.sequence));
    Ok(())
}

/// An empty receiver report.
fn rtcp(ssrc: u32) -> Vec<u8> {
    [&[0x80, 201, 0, 1][..], &ssrc.to_be_bytes()].concat()
}

fn protected_rtcp(sender: &mut SrtpSender, ssrc: u32) -> Vec<u8> {
    let mut packet = rtcp(ssrc);
    sender.protect_rtcp(&mut packet).expect("an index left");
    packet
}

fn take_rtcp(receiver: &mut SrtpReceiver, packet: &[u8]) -> Result<(), SrtpError> {
    let mut copy = packet.to_vec();
    let length = receiver.unprotect_rtcp(&mut copy)?;
    assert_eq!(copy[..length], packet[..8]);
    Ok(())
}
