//! Bounds, each at the bound and one beyond; what cannot be protected does not leave.

use super::*;
use crate::srtp::sdes::SessionParams;

#[test]
fn a_key_protects_as_many_packets_as_its_lifetime_says() {
    // covers: TM-109
    for suite in Suite::ALL {
        let mut line = line(suite, 1);
        line.keys[0].lifetime = Some(3);
        let (mut sender, mut receiver) = pair(&line);
        for sequence in 0..3 {
            assert_eq!(take(&mut receiver, &protected(&mut sender, 9, sequence)), Ok(()));
            assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut sender, 9)), Ok(()));
        }
        let (mut packet, mut report) = (rtp(9, 3), rtcp(9));
        assert_eq!(sender.protect_rtp(&mut packet), Err(SrtpError::KeyExpired));
        assert_eq!(sender.protect_rtcp(&mut report), Err(SrtpError::KeyExpired));
        // A peer that goes on is not listened to (RFC 4568 §6.1).
        line.keys[0].lifetime = None;
        let mut endless = SrtpSender::new(&line).expect("a usable line");
        assert_eq!(take(&mut receiver, &protected(&mut endless, 9, 3)), Err(SrtpError::KeyExpired));
        assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut endless, 9)), Err(SrtpError::KeyExpired));
    }
}

#[test]
fn nothing_is_sent_in_clear_when_protection_fails() {
    // covers: TM-105
    let mut line = line(Suite::AesCm128HmacSha1_80, 1);
    line.keys[0].lifetime = Some(1);
    let (mut sender, _) = pair(&line);
    protected(&mut sender, 9, 0);
    protected_rtcp(&mut sender, 9);
    let (mut packet, mut report) = (rtp(9, 1), rtcp(9));
    assert!(sender.protect_rtp(&mut packet).is_err() && packet.is_empty());
    assert!(sender.protect_rtcp(&mut report).is_err() && report.is_empty());
    // Neither can a restart with the old key be had, nor a line that asks for less.
    assert_eq!(sender.rekey(&line, Rollover::Restart), Err(SrtpError::KeyReused));
    line.params = SessionParams { unauthenticated_srtp: true, ..SessionParams::default() };
    assert_eq!(sender.rekey(&line, Rollover::Keep), Err(SrtpError::Unusable));
    assert_eq!(SrtpSender::new(&line).err(), Some(SrtpError::Unusable));
    assert_eq!(SrtpReceiver::new(&line).err(), Some(SrtpError::Unusable));
    line.params = SessionParams { kdr: Some(24), ..SessionParams::default() };
    assert_eq!(SrtpReceiver::new(&line).err(), Some(SrtpError::Unusable));
    let mut packet = rtp(9, 1);
    assert!(sender.protect_rtp(&mut packet).is_err() && packet.is_empty());
}

#[test]
fn a_number_is_not_protected_twice() {
    let (mut sender, _) = pair(&line(Suite::AeadAes128Gcm, 1));
    protected(&mut sender, 9, 1_000);
    protected(&mut sender, 9, 1_002);
    protected(&mut sender, 9, 1_001);
    for sequence in [1_000, 1_001, 1_002, 1_002 - 128] {
        let mut packet = rtp(9, sequence);
        assert_eq!(sender.protect_rtp(&mut packet), Err(SrtpError::Replayed), "{sequence}");
        assert!(packet.is_empty());
    }
    protected(&mut sender, 9, 1_002 - 127);
    // Another source has its own numbers.
    protected(&mut sender, 10, 1_000);
}

#[test]
fn the_table_of_sources_has_a_bound() {
    let (mut sender, mut receiver) = pair(&line(Suite::AesCm128HmacSha1_80, 1));
    for ssrc in 0..MAX_SOURCES as u32 {
        assert_eq!(take(&mut receiver, &protected(&mut sender, ssrc, 1)), Ok(()));
    }
    let mut packet = rtp(1_000, 1);
    assert_eq!(sender.protect_rtp(&mut packet), Err(SrtpError::TooManySources));
    let mut report = rtcp(1_000);
    assert_eq!(sender.protect_rtcp(&mut report), Err(SrtpError::TooManySources));
    let mut other = SrtpSender::new(&line(Suite::AesCm128HmacSha1_80, 1)).expect("a usable line");
    assert_eq!(take(&mut receiver, &protected(&mut other, 1_000, 1)), Err(SrtpError::TooManySources));
    assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut other, 1_000)), Err(SrtpError::TooManySources));
    // The known ones go on, and a new key gives room again.
    assert_eq!(take(&mut receiver, &protected(&mut sender, 0, 2)), Ok(()));
    let next = line(Suite::AesCm128HmacSha1_80, 2);
    assert_eq!(sender.rekey(&next, Rollover::Keep), Ok(()));
    assert_eq!(receiver.rekey(&next, Rollover::Keep), Ok(()));
    assert_eq!(take(&mut receiver, &protected(&mut sender, 1_000, 1)), Ok(()));
}

#[test]
fn strangers_fill_no_table() {
    let (mut sender, mut receiver) = pair(&line(Suite::AeadAes256Gcm, 1));
    let mut stranger = SrtpSender::new(&line(Suite::AeadAes256Gcm, 2)).expect("a usable line");
    for ssrc in 0..MAX_SOURCES as u32 {
        assert_eq!(take(&mut receiver, &protected(&mut stranger, ssrc, 1)), Err(SrtpError::Unauthentic));
    }
    assert_eq!(take(&mut receiver, &protected(&mut sender, 1_000, 1)), Ok(()));
}

#[test]
fn packets_have_a_longest_size() {
    let (mut sender, mut receiver) = pair(&line(Suite::AesCm128HmacSha1_80, 1));
    for (length, fits) in [(MAX_PACKET_BYTES, true), (MAX_PACKET_BYTES + 1, false)] {
        let (mut packet, mut report) = (rtp(9, 1), rtcp(9));
        packet.resize(length, 0);
        report.resize(length, 0);
        let error = |fits| if fits { Ok(()) } else { Err(SrtpError::TooLong) };
        assert_eq!(receiver.unprotect_rtp(&mut packet.clone()) == Err(SrtpError::TooLong), !fits);
        assert_eq!(receiver.unprotect_rtcp(&mut report.clone()) == Err(SrtpError::TooLong), !fits);
        assert_eq!(sender.protect_rtp(&mut packet), error(fits));
        assert_eq!(sender.protect_rtcp(&mut report), error(fits));
    }
}

#[test]
fn an_identifier_of_the_longest_size_fits_the_longest_trailer() {
    let mut line = line(Suite::AeadAes256Gcm, 1);
    line.keys[0].mki = Mki::new(u64::MAX, Mki::MAX_BYTES);
    let (sender, _) = pair(&line);
    assert_eq!(sender.rtcp_overhead(), MAX_TRAILER_BYTES);
}

#[test]
fn reports_in_clear_are_taken_only_when_agreed() {
    // covers: TM-105
    for suite in Suite::ALL {
        let secret = line(suite, 1);
        let mut clear = secret.clone();
        clear.params.unencrypted_srtcp = true;
        let (mut sender, mut open) = pair(&clear);
        let report = protected_rtcp(&mut sender, 9);
        assert_eq!(report[..8], rtcp(9));
        assert_eq!(take_rtcp(&mut open, &report), Ok(()));
        let (_, mut strict) = pair(&secret);
        assert_eq!(take_rtcp(&mut strict, &report), Err(SrtpError::Unencrypted));
        // RTP of the same line is encrypted all the same.
        assert_ne!(protected(&mut sender, 9, 1)[12..172], rtp(9, 1)[12..172]);
    }
}

#[test]
fn keys_are_told_apart_by_their_identifiers() {
    // covers: TM-109
    for suite in Suite::ALL {
        let (mut first, mut second) = (line(suite, 1), line(suite, 2));
        first.keys[0].mki = Mki::new(0x0102, 4);
        second.keys[0].mki = Mki::new(0x0103, 4);
        let mut both = first.clone();
        both.keys.extend(second.keys.clone());
        let mut receiver = SrtpReceiver::new(&both).expect("a usable line");
        let (mut one, _) = pair(&first);
        let (mut two, _) = pair(&second);
        let packet = protected(&mut one, 9, 1);
        let mki_ends = if suite.is_aead() { packet.len() } else { packet.len() - suite.rtp_tag_bytes() };
        assert_eq!(packet[mki_ends - 4..mki_ends], [0, 0, 1, 2]);
        assert_eq!(take(&mut receiver, &packet), Ok(()));
        assert_eq!(take(&mut receiver, &protected(&mut two, 9, 2)), Ok(()));
        assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut one, 9)), Ok(()));
        assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut two, 10)), Ok(()));
        second.keys[0].mki = Mki::new(0x0104, 4);
        let (mut unknown, _) = pair(&second);
        assert_eq!(take(&mut receiver, &protected(&mut unknown, 9, 3)), Err(SrtpError::UnknownKey));
        assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut unknown, 9)), Err(SrtpError::UnknownKey));
    }
}
