//! Another master key in the middle of a call.

use super::*;

const SUITE: Suite = Suite::AesCm128HmacSha1_80;

/// A pair that has gone on until the counter is 1.
fn pair_with_counter_1(suite: Suite) -> (SrtpSender, SrtpReceiver) {
    let (mut sender, mut receiver) = pair(&line(suite, 1));
    for number in 0xFFF0..0x1_0010_u32 {
        assert_eq!(take(&mut receiver, &protected(&mut sender, 9, number as u16)), Ok(()));
        assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut sender, 9)), Ok(()));
    }
    (sender, receiver)
}

#[test]
fn a_new_key_keeps_the_counters_of_a_stream() {
    // covers: TM-103
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair_with_counter_1(SUITE);
        let next = line(suite, 2);
        assert_eq!(sender.rekey(&next, Rollover::Keep), Ok(()));
        assert_eq!(receiver.rekey(&next, Rollover::Keep), Ok(()));
        assert_eq!((sender.suite(), receiver.suite()), (suite, suite));
        let packet = protected(&mut sender, 9, 0x0010);
        // One who has the counter 0 cannot open it, one who has 1 can.
        let (mut fresh, _) = pair(&next);
        assert_ne!(protected(&mut fresh, 9, 0x0010), packet);
        assert_eq!(take(&mut receiver, &packet), Ok(()));
        assert_eq!(take(&mut receiver, &packet), Err(SrtpError::Replayed));
        let report = protected_rtcp(&mut sender, 9);
        let index = &report[8..][if suite.is_aead() { 16..20 } else { 0..4 }];
        assert_eq!(index, (0x8000_0020_u32).to_be_bytes(), "{suite}");
        assert_eq!(take_rtcp(&mut receiver, &report), Ok(()));
    }
}

#[test]
fn a_peer_that_begins_at_0_with_a_new_key_is_found() {
    // covers: TM-103
    let (_, mut receiver) = pair_with_counter_1(SUITE);
    let next = line(SUITE, 2);
    assert_eq!(receiver.rekey(&next, Rollover::Keep), Ok(()));
    let (mut sender, _) = pair(&next);
    let packet = protected(&mut sender, 9, 0x0010);
    assert_eq!(take(&mut receiver, &packet), Ok(()));
    assert_eq!(take(&mut receiver, &packet), Err(SrtpError::Replayed));
    for number in 0x11..0x40 {
        assert_eq!(take(&mut receiver, &protected(&mut sender, 9, number)), Ok(()));
    }
    assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut sender, 9)), Ok(()));
}

#[test]
fn a_peer_that_kept_its_counter_cannot_fall_back_to_0() {
    let (mut sender, mut receiver) = pair_with_counter_1(SUITE);
    let next = line(SUITE, 2);
    sender.rekey(&next, Rollover::Keep).expect("a new key");
    receiver.rekey(&next, Rollover::Keep).expect("a new key");
    assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 0x0010)), Ok(()));
    let (mut fresh, _) = pair(&next);
    assert_eq!(take(&mut receiver, &protected(&mut fresh, 9, 0x0011)), Err(SrtpError::Unauthentic));
}

#[test]
fn a_new_address_begins_at_0() {
    // covers: TM-101
    let (mut sender, mut receiver) = pair_with_counter_1(SUITE);
    let next = line(SUITE, 2);
    sender.rekey(&next, Rollover::Restart).expect("a new key");
    receiver.rekey(&next, Rollover::Restart).expect("a new key");
    let packet = protected(&mut sender, 9, 0x0010);
    let (mut fresh, _) = pair(&next);
    assert_eq!(packet, protected(&mut fresh, 9, 0x0010));
    assert_eq!(take(&mut receiver, &packet), Ok(()));
    assert_eq!(take(&mut receiver, &packet), Err(SrtpError::Replayed));
}

#[test]
fn a_restart_needs_a_new_key() {
    // covers: TM-101
    let (mut sender, mut receiver) = pair_with_counter_1(SUITE);
    assert_eq!(sender.rekey(&line(SUITE, 1), Rollover::Restart), Err(SrtpError::KeyReused));
    assert_eq!(receiver.rekey(&line(SUITE, 1), Rollover::Restart), Err(SrtpError::KeyReused));
    assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 0x0010)), Ok(()));
}

#[test]
fn another_suite_does_not_make_a_new_key() {
    // covers: TM-101
    let (mut sender, mut receiver) = pair(&line(Suite::AesCm128HmacSha1_80, 1));
    let (packet, report) = (protected(&mut sender, 9, 1), protected_rtcp(&mut sender, 9));
    assert_eq!(take(&mut receiver, &packet), Ok(()));
    assert_eq!(take_rtcp(&mut receiver, &report), Ok(()));
    let next = line(Suite::AesCm128HmacSha1_32, 1);
    assert_eq!(sender.rekey(&next, Rollover::Restart), Err(SrtpError::KeyReused));
    assert_eq!(receiver.rekey(&next, Rollover::Restart), Err(SrtpError::KeyReused));
    assert_eq!(sender.rekey(&next, Rollover::Keep), Ok(()));
    assert_eq!(receiver.rekey(&next, Rollover::Keep), Ok(()));
    // The short tag is the left of the long one, and the tag of reports is the same.
    assert_eq!(take(&mut receiver, &packet[..packet.len() - 6]), Err(SrtpError::Replayed));
    assert_eq!(take_rtcp(&mut receiver, &report), Err(SrtpError::Replayed));
    assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 2)), Ok(()));
}

#[test]
fn the_same_key_again_changes_nothing() {
    // covers: TM-101
    let mut first = line(SUITE, 1);
    first.keys[0].lifetime = Some(4);
    let (mut sender, mut receiver) = pair(&first);
    let packets = [protected(&mut sender, 9, 1), protected(&mut sender, 9, 2)];
    let report = protected_rtcp(&mut sender, 9);
    assert_eq!(take(&mut receiver, &packets[0]), Ok(()));
    assert_eq!(take_rtcp(&mut receiver, &report), Ok(()));
    sender.rekey(&first, Rollover::Keep).expect("the same key");
    receiver.rekey(&first, Rollover::Keep).expect("the same key");
    assert_eq!(take(&mut receiver, &packets[0]), Err(SrtpError::Replayed));
    assert_eq!(take_rtcp(&mut receiver, &report), Err(SrtpError::Replayed));
    assert_eq!(take(&mut receiver, &packets[1]), Ok(()));
    let mut again = rtp(9, 2);
    assert_eq!(sender.protect_rtp(&mut again), Err(SrtpError::Replayed));
    // The lifetime goes on where it was.
    protected(&mut sender, 9, 3);
    protected(&mut sender, 9, 4);
    assert_eq!(sender.protect_rtp(&mut rtp(9, 5)), Err(SrtpError::KeyExpired));
}

#[test]
fn packets_under_way_are_taken_until_the_new_key_is_in_use() {
    // covers: TM-103
    for rollover in [Rollover::Keep, Rollover::Restart] {
        let (mut old, mut receiver) = pair_with_counter_1(SUITE);
        let mut new = old.clone();
        let next = line(Suite::AeadAes256Gcm, 2);
        new.rekey(&next, rollover).expect("a new key");
        receiver.rekey(&next, rollover).expect("a new key");
        let seen = protected(&mut old, 9, 0x0010);
        assert_eq!(take(&mut receiver, &seen), Ok(()));
        assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut old, 9)), Ok(()));
        for number in 1..PREVIOUS_KEY_PACKETS as u16 {
            assert_eq!(take(&mut receiver, &protected(&mut new, 9, 0x0100 + number)), Ok(()));
        }
        assert!(take(&mut receiver, &seen).is_err());
        assert_eq!(take(&mut receiver, &protected(&mut old, 9, 0x0011)), Ok(()));
        assert_eq!(take(&mut receiver, &protected(&mut new, 9, 0x0200)), Ok(()));
        assert!(take(&mut receiver, &protected(&mut old, 9, 0x0012)).is_err());
        assert!(take_rtcp(&mut receiver, &protected_rtcp(&mut old, 9)).is_err());
    }
}

#[test]
fn a_key_that_stays_beside_a_new_one_keeps_what_was_seen() {
    let (mut first, mut second, mut third) = (line(SUITE, 1), line(SUITE, 2), line(SUITE, 3));
    for (line, mki) in [(&mut first, 1), (&mut second, 2), (&mut third, 3)] {
        line.keys[0].mki = Mki::new(mki, 1);
    }
    let mut both = first.clone();
    both.keys.extend(second.keys.clone());
    let mut receiver = SrtpReceiver::new(&both).expect("a usable line");
    let (mut sender, _) = pair(&second);
    let (before, report) = (protected(&mut sender, 9, 1), protected_rtcp(&mut sender, 9));
    assert_eq!(take(&mut receiver, &before), Ok(()));
    assert_eq!(take_rtcp(&mut receiver, &report), Ok(()));
    let mut both = second.clone();
    both.keys.extend(third.keys.clone());
    receiver.rekey(&both, Rollover::Keep).expect("another set of keys");
    assert_eq!(take(&mut receiver, &before), Err(SrtpError::Replayed));
    assert_eq!(take_rtcp(&mut receiver, &report), Err(SrtpError::Replayed));
    let after = protected(&mut sender, 9, 2);
    assert_eq!(take(&mut receiver, &after), Ok(()));
    assert_eq!(take(&mut receiver, &after), Err(SrtpError::Replayed));
    // The key that left is good for what was under way.
    let (mut sender, _) = pair(&first);
    assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 3)), Ok(()));
}

#[test]
fn a_key_that_we_take_back_goes_on_behind_what_it_has_protected() {
    // covers: TM-101
    for rollover in [Rollover::Keep, Rollover::Restart] {
        let (a, b) = (line(SUITE, 1), line(SUITE, 2));
        let (mut sender, mut receiver) = pair(&a);
        for number in 10..20 {
            assert_eq!(take(&mut receiver, &protected(&mut sender, 9, number)), Ok(()));
            assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut sender, 9)), Ok(()));
        }
        sender.rekey(&b, rollover).expect("a new key");
        receiver.rekey(&b, rollover).expect("a new key");
        assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 20)), Ok(()));
        assert_eq!(sender.rekey(&a, Rollover::Restart), Err(SrtpError::KeyReused), "after {rollover:?}");
        sender.rekey(&a, Rollover::Keep).expect("it goes on");
        receiver.rekey(&a, Rollover::Keep).expect("it goes on");
        // What was sent under it is not sent again, and the reports count on.
        assert!(sender.protect_rtp(&mut rtp(9, 19)).is_err(), "after {rollover:?}");
        assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 21)), Ok(()));
        assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut sender, 9)), Ok(()));
    }
}

#[test]
fn a_key_that_comes_back_does_not_open_old_packets_again() {
    for rollover in [Rollover::Keep, Rollover::Restart] {
        let (a, b) = (line(SUITE, 1), line(SUITE, 2));
        let (mut sender, mut receiver) = pair(&a);
        let old: Vec<_> = (10..20).map(|number| protected(&mut sender, 9, number)).collect();
        let report = protected_rtcp(&mut sender, 9);
        for packet in &old {
            assert_eq!(take(&mut receiver, packet), Ok(()));
        }
        assert_eq!(take_rtcp(&mut receiver, &report), Ok(()));
        receiver.rekey(&b, rollover).expect("a new key");
        let (mut other, _) = pair(&b);
        for number in 20..20 + PREVIOUS_KEY_PACKETS as u16 {
            assert_eq!(take(&mut receiver, &protected(&mut other, 9, number)), Ok(()));
        }
        // A key that was used cannot begin anew; it goes on.
        assert_eq!(receiver.rekey(&a, Rollover::Restart), Err(SrtpError::KeyReused));
        receiver.rekey(&a, Rollover::Keep).expect("it goes on");
        for packet in &old {
            assert_eq!(take(&mut receiver, packet), Err(SrtpError::Replayed), "{rollover:?}");
        }
        assert_eq!(take_rtcp(&mut receiver, &report), Err(SrtpError::Replayed));
        // What is new under it is heard, and what was under way under the other one, once.
        assert_eq!(take(&mut receiver, &protected(&mut other, 9, 90)), Ok(()));
        let next = protected(&mut sender, 9, 100);
        assert_eq!(take(&mut receiver, &next), Ok(()));
        assert_eq!(take(&mut receiver, &next), Err(SrtpError::Replayed));
        assert_eq!(take_rtcp(&mut receiver, &protected_rtcp(&mut sender, 9)), Ok(()));
        // Gone and back once more, everything of both times is known.
        receiver.rekey(&b, Rollover::Keep).expect("it goes on");
        receiver.rekey(&a, Rollover::Keep).expect("it goes on");
        for packet in old.iter().chain([&next]) {
            assert_eq!(take(&mut receiver, packet), Err(SrtpError::Replayed), "{rollover:?}");
        }
        assert_eq!(take(&mut receiver, &protected(&mut sender, 9, 101)), Ok(()));
    }
}

#[test]
fn so_many_former_keys_are_known_and_none_beyond() {
    for (others, known) in [(FORMER_KEYS, true), (FORMER_KEYS + 1, false)] {
        let a = line(SUITE, 1);
        let (mut sender, mut receiver) = pair(&a);
        let old = protected(&mut sender, 9, 10);
        assert_eq!(take(&mut receiver, &old), Ok(()));
        for number in 0..others {
            let next = line(SUITE, 2 + number as u8);
            receiver.rekey(&next, Rollover::Restart).expect("a new key");
            sender.rekey(&next, Rollover::Restart).expect("a new key");
        }
        receiver.rekey(&a, Rollover::Keep).expect("any key");
        assert_eq!(take(&mut receiver, &old).is_ok(), !known, "{others}");
        sender.rekey(&a, Rollover::Keep).expect("any key");
        assert_eq!(sender.protect_rtp(&mut rtp(9, 10)).is_ok(), !known, "{others}");
    }
}
