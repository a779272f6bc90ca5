//! Digits between two legs that are joined, and what is left out of a relay.

use super::keys::digits;
use super::pairs::{assert_one_source, between, between_with, pair};
use super::*;

fn without_events(agreed: Agreed) -> Agreed {
    let mut agreed = Agreed { dtmf_payload_type: None, ..agreed };
    agreed.receive.retain(|(_, format)| !matches!(format, MediaFormat::TelephoneEvent { .. }));
    agreed
}

fn with_events_at_16_khz(agreed: Agreed) -> Agreed {
    let mut agreed =
        Agreed { dtmf_payload_type: Some(102), dtmf_clock_rate: 16_000, ..without_events(agreed) };
    agreed.receive.push((102, MediaFormat::TelephoneEvent { clock_rate: 16_000 }));
    agreed
}

/// A pair whose second leg has agreed on something else; tones are found by everybody.
fn between_and_then(second: impl Fn(Agreed) -> Agreed) -> World {
    let mut world = between_with(&StreamsConfig { find_tones: true, ..StreamsConfig::default() });
    world.device(1, 1, Source::Silence);
    world.device(2, 1, Source::Silence);
    world.apply(0, 2, second(agreed(3, 1, Direction::SendRecv)));
    world.apply(2, 1, second(agreed(1, 2, Direction::SendRecv)));
    pair(&mut world, 1, 2).expect("paired");
    world.run(s(1));
    world
}

/// Sends packets of a source of the peer on party 0's stream 1: sequence number, payload type and payload.
fn inject(world: &mut World, packets: &[(u16, u8, &[u8])]) {
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    for (sequence, payload_type, payload) in packets {
        let timestamp = if *payload_type == 101 { 9_000 } else { 160 * u32::from(*sequence) };
        let (sequence, payload_type) = (*sequence, *payload_type);
        let header = RtpHeader { marker: false, payload_type, sequence, timestamp, ssrc: 9 };
        world.inject(0, 1, PacketKind::Rtp, peer, &header.packet(payload));
    }
}

/// A pair whose first peer is about to send by [`inject`].
fn between_with_another_source() -> World {
    let mut world = between();
    world.run(ms(105));
    pair(&mut world, 1, 2).expect("paired");
    world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
    world.run(ms(100));
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    world
}

#[test]
fn digits_reach_a_leg_without_events_as_tones_and_its_tones_the_other_once() {
    let mut world = between_and_then(without_events);
    world.press(1, 1, "57").expect("room");
    world.run(s(2));
    assert_eq!((digits(&world, 0), digits(&world, 2)), ("57".to_owned(), "57".to_owned()));
    world.press(2, 1, "3").expect("room");
    world.run(s(2));
    // In the audio, as they came, and not as an event besides.
    assert_eq!(digits(&world, 1), "3");
    assert!(world.rtp(0, 1, Tick::default()).iter().all(|frame| frame.payload_type == 0));
}

#[test]
fn digits_reach_a_leg_whose_events_have_another_clock() {
    let mut world = between_and_then(with_events_at_16_khz);
    world.press(1, 1, "5").expect("room");
    world.press(2, 1, "8").expect("room");
    world.run(s(2));
    assert_eq!((digits(&world, 1), digits(&world, 2)), ("8".to_owned(), "5".to_owned()));
    assert!(world.rtp(0, 2, Tick::default()).iter().all(|frame| [0, 102].contains(&frame.payload_type)));
}

#[test]
fn what_does_not_pass_leaves_no_hole_and_what_is_lost_does() {
    let mut world = between_with_another_source();
    let mut with_noise = agreed(2, 1, Direction::SendRecv);
    with_noise.receive.push((13, MediaFormat::ComfortNoise));
    world.apply(0, 1, with_noise);
    let since = world.now;
    let (audio, noise): (&[u8], &[u8]) = (&[0x20; 160], &[40]);
    let packets = [
        (10, 0, audio),
        (11, 0, audio),
        (12, 13, noise),
        (14, 0, audio),
        (13, 0, audio),
        (15, 13, noise),
        (17, 0, audio),
        (16, 0, audio),
        (18, 0, audio),
        (20, 13, noise),
        (21, 0, audio),
        (19, 0, audio),
        // One is lost.
        (23, 77, audio),
        (24, 0, audio),
    ];
    inject(&mut world, &packets);
    let passed = world.rtp(0, 2, since);
    let numbers: Vec<u16> =
        passed.iter().map(|frame| frame.sequence.wrapping_sub(passed[0].sequence)).collect();
    assert_eq!(numbers, [0, 1, 3, 2, 5, 4, 6, 8, 7, 10]);
    let times: Vec<u32> =
        passed.iter().map(|frame| frame.timestamp.wrapping_sub(passed[0].timestamp) / 160).collect();
    assert_eq!(times, [0, 1, 4, 3, 7, 6, 8, 11, 9, 14]);
}

#[test]
fn packets_further_behind_than_is_remembered_do_not_pass() {
    let mut world = between_with_another_source();
    let since = world.now;
    let audio: &[u8] = &[0x20; 160];
    // 99 behind is late, 100 a jump that waits for its confirmation.
    inject(&mut world, &[(200, 0, audio), (400, 0, audio), (301, 0, audio), (300, 0, audio)]);
    let passed = world.rtp(0, 2, since);
    let numbers: Vec<u16> =
        passed.iter().map(|frame| frame.sequence.wrapping_sub(passed[0].sequence)).collect();
    assert_eq!(numbers, [0, 200, 101]);
}

#[test]
fn a_leg_that_does_not_receive_for_a_while_leaves_no_hole_in_the_other() {
    // covers: TM-023
    let mut world = between_with_another_source();
    let since = world.now;
    let audio: &[u8] = &[0x20; 160];
    inject(&mut world, &[(10, 0, audio), (11, 101, &[5, 0x0A, 0, 160])]);
    world.run(ms(20));
    world.apply(0, 1, agreed(2, 1, Direction::SendOnly));
    inject(&mut world, &[(12, 0, audio), (13, 0, audio), (14, 0, audio)]);
    world.run(ms(20));
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    inject(&mut world, &[(15, 0, audio), (16, 0, audio)]);
    let frames = world.rtp(0, 2, since);
    let types: Vec<u8> = frames.iter().map(|frame| frame.payload_type).collect();
    // The key that was down when the leg fell silent is released for the other one.
    assert_eq!(types, [0, 101, 101, 101, 101, 0, 0]);
    for pair in frames.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
    }
    assert!(frames[5].marker);
}

#[test]
fn a_key_that_is_down_when_the_other_leg_loses_events_is_heard_once() {
    // covers: TM-023
    let mut world = between_and_then(|agreed| agreed);
    let last = *world.rtp(1, 1, Tick::default()).last().expect("frames were sent");
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let event = |count: u16, flags: u8| {
        let header = RtpHeader {
            marker: count == 1,
            payload_type: 101,
            sequence: last.sequence.wrapping_add(count),
            timestamp: last.timestamp.wrapping_add(160),
            ssrc: last.ssrc,
        };
        let [high, low] = (160 * count).to_be_bytes();
        header.packet(&[5, flags, high, low])
    };
    world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
    for count in 1..4 {
        world.inject(0, 1, PacketKind::Rtp, peer, &event(count, 0x0A));
    }
    let changed = world.now;
    world.apply(0, 2, without_events(agreed(3, 1, Direction::SendRecv)));
    let ends = world.sent(0, 2, PacketKind::Rtp, changed);
    let ends: Vec<_> = ends.iter().filter(|flight| flight.packet[13] & 0x80 != 0).collect();
    assert_eq!(ends.len(), 3);
    assert!(ends.iter().all(|flight| flight.rtp().payload_type == 101));
    for count in 4..7 {
        world.inject(0, 1, PacketKind::Rtp, peer, &event(count, 0x8A));
    }
    world.run(s(1));
    assert_eq!((digits(&world, 0), digits(&world, 2)), ("5".to_owned(), "5".to_owned()));
    assert_one_source(&world.rtp(0, 2, changed + ms(1)));
}
