//! The roll-over counter: 22 minutes of audio, and what the network does to them.

use proptest::prelude::*;

use super::*;

#[test]
fn the_counter_survives_wraps() {
    // covers: TM-103
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(&line(suite, 1));
        for number in (0..3 * 0x1_0000_u32).step_by(0x7FF) {
            assert_eq!(
                take(&mut receiver, &protected(&mut sender, 9, number as u16)),
                Ok(()),
                "{suite} {number}"
            );
        }
    }
}

#[test]
fn packets_may_change_places_at_a_wrap() {
    // covers: TM-103
    let (mut sender, mut receiver) = pair(&line(Suite::AeadAes128Gcm, 1));
    let packets: Vec<Vec<u8>> =
        (0xFFF0..0x1_0010_u32).map(|number| protected(&mut sender, 9, number as u16)).collect();
    for pair in packets.chunks(2) {
        assert_eq!(take(&mut receiver, &pair[1]), Ok(()));
        assert_eq!(take(&mut receiver, &pair[0]), Ok(()));
    }
    for packet in &packets {
        assert_eq!(take(&mut receiver, packet), Err(SrtpError::Replayed));
    }
}

#[test]
fn the_window_ends_where_it_says() {
    let (mut sender, mut receiver) = pair(&line(Suite::AesCm128HmacSha1_80, 1));
    let packets: Vec<Vec<u8>> =
        (0xFFC0..0x1_0041_u32).map(|number| protected(&mut sender, 9, number as u16)).collect();
    assert_eq!(packets.len(), 129);
    assert_eq!(take(&mut receiver, &packets[128]), Ok(()));
    assert_eq!(take(&mut receiver, &packets[0]), Err(SrtpError::Replayed));
    assert_eq!(take(&mut receiver, &packets[1]), Ok(()));
    assert_eq!(take(&mut receiver, &packets[1]), Err(SrtpError::Replayed));

    let reports: Vec<Vec<u8>> = (0..=128).map(|_| protected_rtcp(&mut sender, 9)).collect();
    assert_eq!(take_rtcp(&mut receiver, &reports[128]), Ok(()));
    assert_eq!(take_rtcp(&mut receiver, &reports[0]), Err(SrtpError::Replayed));
    assert_eq!(take_rtcp(&mut receiver, &reports[1]), Ok(()));
    assert_eq!(take_rtcp(&mut receiver, &reports[1]), Err(SrtpError::Replayed));
}

#[test]
fn half_of_all_numbers_may_be_lost() {
    let (mut sender, mut receiver) = pair(&line(Suite::AesCm128HmacSha1_80, 1));
    assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 0xC000)), Ok(()));
    assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 0x4000)), Ok(()));
    assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 0xC000)), Ok(()));
}

#[test]
fn a_receiver_that_misses_the_first_packets_finds_the_counter() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(&line(suite, 1));
        for sequence in 0xFFF0..=0xFFFF {
            protected(&mut sender, 9, sequence);
        }
        assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 100)), Ok(()));
        assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 101)), Ok(()));
    }
}

#[test]
fn a_source_that_changes_begins_anew() {
    // covers: TM-107
    let (mut sender, mut receiver) = pair(&line(Suite::AesCm128HmacSha1_32, 1));
    for number in 0xFF00..0x1_0100_u32 {
        assert_eq!(take(&mut receiver, &protected(&mut sender, 9, number as u16)), Ok(()));
    }
    // The new source has counter 0, the same numbers, and a window of its own; the old one goes on.
    assert_eq!(take(&mut receiver, &protected(&mut sender, 10, 0x0100)), Ok(()));
    assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 0x0100)), Ok(()));
    assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut sender, 9)), Ok(()));
    assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut sender, 10)), Ok(()));
}

#[test]
fn the_last_index_ends_the_key() {
    // covers: TM-109
    let (mut sender, mut receiver) = pair(&line(Suite::AesCm128HmacSha1_80, 1));
    // One step of 2^15 at a time is what a sender may leave out: 2^33 steps are too many, so both begin at the end.
    sender.begin_at(9, (1 << 48) - 2, (1 << 31) - 1);
    receiver.begin_at(9, (1 << 48) - 2, (1 << 31) - 2);
    assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 0xFFFF)), Ok(()));
    assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut sender, 9)), Ok(()));
    let (mut packet, mut report) = (rtp(9, 0), rtcp(9));
    assert_eq!(receiver.unprotect_rtp(&mut [&packet[..], &[0; 10]].concat()), Err(SrtpError::KeyExpired));
    assert_eq!(sender.protect_rtp(&mut packet), Err(SrtpError::KeyExpired));
    assert_eq!(sender.protect_rtcp(&mut report), Err(SrtpError::KeyExpired));
    assert!(packet.is_empty() && report.is_empty());
}

proptest! {
    /// Loss, duplication and disorder within the window: each packet comes out once, whatever wraps.
    #[test]
    fn each_packet_comes_out_once(
        suite in prop::sample::select(&Suite::ALL[..]),
        first in any::<u16>(),
        gaps in prop::collection::vec(prop_oneof![9 => 1..3_u32, 1 => 1..0x4000_u32], 1..200),
        fates in prop::collection::vec((0..40_usize, 0..3_u8), 200),
    ) {
        let (mut sender, mut receiver) = pair(&line(suite, 1));
        let mut number = u32::from(first);
        let mut arrivals = Vec::new();
        // The first is not lost or late: it tells where the sender began.
        let packet = protected(&mut sender, 9, first);
        prop_assert_eq!(take(&mut receiver, &packet), Ok(()));
        for (place, (gap, (delay, copies))) in gaps.into_iter().zip(fates).enumerate() {
            number += gap;
            let packet = protected(&mut sender, 9, number as u16);
            for _ in 0..copies {
                arrivals.push((place + delay, number, packet.clone()));
            }
        }
        arrivals.sort_by_key(|(at, ..)| *at);
        let mut highest = u32::from(first);
        let mut taken = vec![u32::from(first)];
        for (_, number, packet) in arrivals {
            let expected = if taken.contains(&number) || number + 128 <= highest { Err(SrtpError::Replayed) } else { Ok(()) };
            let result = take(&mut receiver, &packet);
            if highest.abs_diff(number) < 0x8000 {
                prop_assert_eq!(result, expected, "{} after {}", number, highest);
            }
            if result.is_ok() {
                taken.push(number);
                highest = highest.max(number);
            }
        }
    }
}
