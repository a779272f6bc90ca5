//! What is protected comes out as it went in, and nothing else comes out.

use proptest::prelude::*;

use super::*;
use crate::srtp::sdes::SessionParams;

prop_compose! {
    /// Any packet that RTP allows: sources, an extension, padding.
    fn any_rtp()(
        contributors in prop::collection::vec(any::<u32>(), 0..=15),
        extension in prop::option::of(prop::collection::vec(any::<u32>(), 0..5)),
        second in any::<u8>(),
        rest in any::<[u8; 10]>(),
        payload in prop::collection::vec(any::<u8>(), 0..400),
        padding in prop::option::of(1..=255_u8),
    ) -> Vec<u8> {
        let flags = u8::from(padding.is_some()) << 5 | u8::from(extension.is_some()) << 4;
        let mut packet = vec![0x80 | flags | contributors.len() as u8, second];
        packet.extend(rest);
        packet.extend(contributors.into_iter().flat_map(u32::to_be_bytes));
        if let Some(words) = extension {
            packet.extend([0xBE, 0xDE, 0, words.len() as u8]);
            packet.extend(words.into_iter().flat_map(u32::to_be_bytes));
        }
        packet.extend(payload);
        if let Some(padding) = padding {
            packet.extend(vec![0; usize::from(padding) - 1]);
            packet.push(padding);
        }
        packet
    }
}

prop_compose! {
    /// A line of any suite, with or without an identifier, in clear or not.
    fn any_line()(
        suite in prop::sample::select(&Suite::ALL[..]),
        fill in any::<u8>(),
        mki in prop::option::of((any::<u64>(), 1..=128_u8)),
        unencrypted_srtp in any::<bool>(),
        unencrypted_srtcp in any::<bool>(),
    ) -> Crypto {
        let mut line = line(suite, fill);
        line.keys[0].mki = mki.and_then(|(value, bytes)| Mki::new(value, bytes));
        line.params = SessionParams { unencrypted_srtp, unencrypted_srtcp, ..SessionParams::default() };
        line
    }
}

proptest! {
    #[test]
    fn rtp_comes_out_as_it_went_in_and_once(line in any_line(), plain in any_rtp()) {
        let (mut sender, mut receiver) = pair(&line);
        let mut packet = plain.clone();
        sender.protect_rtp(&mut packet).expect("an RTP packet");
        prop_assert_eq!(packet.len(), plain.len() + sender.rtp_overhead());
        let payload = packet::RtpHead::parse(&plain).expect("an RTP packet").payload;
        // A payload of 8 bytes or more is not by chance the same.
        if !line.params.unencrypted_srtp && plain.len() >= payload + 8 {
            prop_assert_ne!(&packet[payload..plain.len()], &plain[payload..]);
        }
        let mut copy = packet.clone();
        let length = receiver.unprotect_rtp(&mut copy).expect("authentic");
        prop_assert_eq!(&copy[..length], &plain[..]);
        prop_assert_eq!(receiver.unprotect_rtp(&mut packet.clone()), Err(SrtpError::Replayed));
    }

    #[test]
    fn rtcp_comes_out_as_it_went_in_and_once(
        line in any_line(),
        body in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let (mut sender, mut receiver) = pair(&line);
        let plain = [rtcp(7), body].concat();
        for _ in 0..3 {
            let mut packet = plain.clone();
            sender.protect_rtcp(&mut packet).expect("an RTCP packet");
            prop_assert_eq!(packet.len(), plain.len() + sender.rtcp_overhead());
            let mut copy = packet.clone();
            let length = receiver.unprotect_rtcp(&mut copy).expect("authentic");
            prop_assert_eq!(&copy[..length], &plain[..]);
            prop_assert_eq!(receiver.unprotect_rtcp(&mut packet), Err(SrtpError::Replayed));
        }
    }

    #[test]
    fn a_changed_bit_is_refused_and_changes_nothing(line in any_line(), plain in any_rtp(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let (mut sender, mut receiver) = pair(&line);
        let mut packet = plain.clone();
        sender.protect_rtp(&mut packet).expect("an RTP packet");
        let mut report = [rtcp(7), plain].concat();
        sender.protect_rtcp(&mut report).expect("an RTCP packet");

        let mut forged = packet.clone();
        forged[at.index(packet.len())] ^= 1 << bit;
        prop_assert!(receiver.unprotect_rtp(&mut forged).is_err());
        let mut forged = report.clone();
        forged[at.index(report.len())] ^= 1 << bit;
        prop_assert!(receiver.unprotect_rtcp(&mut forged).is_err());

        prop_assert!(receiver.unprotect_rtp(&mut packet).is_ok());
        prop_assert!(receiver.unprotect_rtcp(&mut report).is_ok());
    }

    #[test]
    fn any_bytes_are_refused(line in any_line(), mut bytes in prop::collection::vec(any::<u8>(), 0..200), rtp_like in any::<bool>()) {
        let (mut sender, mut receiver) = pair(&line);
        if let Some(first) = bytes.first_mut().filter(|_| rtp_like) {
            *first = *first & 0x3F | 0x80;
        }
        prop_assert!(receiver.unprotect_rtp(&mut bytes.clone()).is_err());
        prop_assert!(receiver.unprotect_rtcp(&mut bytes.clone()).is_err());
        // What is sent is our own, but must not bring a relay down either.
        let (mut packet, mut report) = (bytes.clone(), bytes);
        prop_assert_eq!(sender.protect_rtp(&mut packet).is_err(), packet.is_empty());
        prop_assert_eq!(sender.protect_rtcp(&mut report).is_err(), report.is_empty());
    }
}

#[test]
fn every_changed_byte_is_refused() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(&line(suite, 3));
        let packet = protected(&mut sender, 9, 1);
        let report = protected_rtcp(&mut sender, 9);
        for at in 0..packet.len() {
            let mut forged = packet.clone();
            forged[at] ^= 0x40;
            assert!(receiver.unprotect_rtp(&mut forged).is_err(), "{suite} {at}");
        }
        for at in 0..report.len() {
            let mut forged = report.clone();
            forged[at] ^= 0x40;
            assert!(receiver.unprotect_rtcp(&mut forged).is_err(), "{suite} {at}");
        }
        for length in 0..packet.len() {
            assert!(receiver.unprotect_rtp(&mut packet[..length].to_vec()).is_err(), "{suite} {length}");
        }
        for length in 0..report.len() {
            assert!(receiver.unprotect_rtcp(&mut report[..length].to_vec()).is_err(), "{suite} {length}");
        }
        assert_eq!(take(&mut receiver, &packet), Ok(()));
        assert_eq!(take_rtcp(&mut receiver, &report), Ok(()));
    }
}

#[test]
fn another_key_opens_nothing() {
    for suite in Suite::ALL {
        let (mut sender, _) = pair(&line(suite, 3));
        let (_, mut receiver) = pair(&line(suite, 4));
        assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 1)), Err(SrtpError::Unauthentic));
        assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut sender, 9)), Err(SrtpError::Unauthentic));
    }
}

#[test]
fn contexts_show_no_secrets() {
    // covers: TM-100
    let (sender, receiver) = pair(&line(Suite::AesCm128HmacSha1_80, 3));
    assert_eq!(format!("{sender:?}"), "SrtpSender { suite: AesCm128HmacSha1_80, .. }");
    assert_eq!(format!("{receiver:?}"), "SrtpReceiver { suite: AesCm128HmacSha1_80, .. }");
}
