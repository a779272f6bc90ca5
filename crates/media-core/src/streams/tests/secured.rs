//! Streams under SRTP.

use super::*;
use crate::latch::LatchPolicy;
use crate::negotiation::AgreedSrtp;
use crate::srtp::sdes::Crypto;
use crate::srtp::{KeyMaterial, SrtpReceiver, SrtpSender, Suite};

/// The line of a key that a party sends with; another number is another key.
fn line(suite: Suite, number: u8) -> Crypto {
    let bytes: Vec<u8> = (0..suite.material_bytes()).map(|place| place as u8 ^ number).collect();
    Crypto::new(1, KeyMaterial::new(suite, &bytes).expect("as many bytes as the suite wants"))
}

/// What a party agreed, its own key and the other's.
fn secured(agreed: Agreed, suite: Suite, keys: (u8, u8)) -> Agreed {
    let (local, remote) = (line(suite, keys.0), line(suite, keys.1));
    Agreed { srtp: Some(Box::new(AgreedSrtp { local, remote })), ..agreed }
}

/// Two parties in a call whose keys are 1 and 2.
fn call(suite: Suite) -> World {
    let mut world = World::new(2);
    world.device(0, 1, Source::Tone { hz: 440 });
    world.device(1, 1, Source::Tone { hz: 1_000 });
    for party in 0..2 {
        world.open(party, 1, Some(1));
        apply(&mut world, party, suite, Direction::SendRecv, [1, 2]);
    }
    world
}

fn apply(world: &mut World, party: usize, suite: Suite, direction: Direction, keys: [u8; 2]) {
    let keys = (keys[party], keys[1 - party]);
    world.apply(party, 1, secured(agreed(2 - party as u8, 1, direction), suite, keys));
}

fn tones(world: &World) -> (Option<u16>, Option<u16>) {
    (world.hearing(0).tone, world.hearing(1).tone)
}

const BOTH: (Option<u16>, Option<u16>) = (Some(1_000), Some(440));

#[test]
fn a_key_that_may_protect_no_more_packets_is_told_once_on_each_side() {
    let mut world = call(Suite::ALL[0]);
    for party in 0..2 {
        let mut agreed =
            secured(agreed(2 - party as u8, 1, Direction::SendRecv), Suite::ALL[0], [(3, 4), (4, 3)][party]);
        let srtp = agreed.srtp.as_mut().expect("secured");
        // Party 0 uses key 3, for a hundred packets.
        let line = if party == 0 { &mut srtp.local } else { &mut srtp.remote };
        line.keys[0].lifetime = Some(100);
        world.apply(party, 1, agreed);
    }
    world.run(s(10));
    let expired = |world: &World, party: usize| -> Vec<StreamEvent> {
        let events = world.events(party).into_iter();
        events.filter(|event| matches!(event, StreamEvent::KeyExpired { .. })).cloned().collect()
    };
    let told = |sending| StreamEvent::KeyExpired { stream: StreamId(1), sending };
    assert_eq!(expired(&world, 0), [told(true)]);
    assert_eq!(expired(&world, 1), [], "what does not come is no expired key");
    // Party 1 is told of a shorter life than party 0 keeps to.
    let mut world = call(Suite::ALL[0]);
    let mut agreed = secured(agreed(1, 1, Direction::SendRecv), Suite::ALL[0], (2, 1));
    agreed.srtp.as_mut().expect("secured").remote.keys[0].lifetime = Some(100);
    world.apply(1, 1, agreed);
    world.run(s(10));
    assert_eq!((expired(&world, 0), expired(&world, 1)), (vec![], vec![told(false)]));
    assert!(world.snapshot(1, 1).unauthentic > 300);
}

#[test]
fn every_suite_carries_audio_and_reports() {
    for suite in Suite::ALL {
        let mut world = call(suite);
        world.run(s(20));
        assert_eq!(tones(&world), BOTH, "{suite}");
        for party in 0..2 {
            let after = world.snapshot(party, 1);
            assert!(after.secured && after.reports_received > 2, "{suite}: {after:?}");
            assert_eq!(
                (after.unauthentic, after.malformed, after.withheld, after.lost),
                (0, 0, 0, 0),
                "{suite}"
            );
        }
        // Nothing on the wire is in clear: no payload is the µ-law of a tone, no report ends as one in clear does.
        for flight in &world.log {
            match flight.kind {
                PacketKind::Rtp => assert!(flight.packet.len() > 172, "{suite}"),
                PacketKind::Rtcp => {
                    let bye = parse_compound(&flight.packet);
                    assert!(bye.is_err() || bye.is_ok_and(|packets| packets.len() == 1), "{suite}");
                }
            }
        }
    }
}

#[test]
fn a_hold_of_ten_minutes_and_a_wrap_keep_the_context() {
    // covers: TM-101, TM-103
    let suite = Suite::AesCm128HmacSha1_80;
    let mut world = call(suite);
    // 1,400 s are 70,000 packets: every sequence number comes round once.
    world.run(s(1_400));
    assert_eq!(tones(&world), BOTH);
    let wrapped = |world: &World, party: usize| {
        let frames = world.rtp(party, 1, Tick::default());
        frames.windows(2).any(|pair| pair[0].sequence == u16::MAX && pair[1].sequence == 0)
    };
    assert!(wrapped(&world, 0) && wrapped(&world, 1));
    for direction in [Direction::Inactive, Direction::SendRecv] {
        for party in 0..2 {
            apply(&mut world, party, suite, direction, [1, 2]);
        }
        world.run(s(600));
    }
    assert_eq!(tones(&world), BOTH);
    // A new key in the same place goes on with the counter.
    for party in 0..2 {
        apply(&mut world, party, suite, Direction::SendRecv, [3, 4]);
    }
    world.run(s(2));
    assert_eq!(tones(&world), BOTH);
    for party in 0..2 {
        assert_eq!(world.snapshot(party, 1).lost, 0);
        assert!(world.snapshot(party, 1).unauthentic <= 1, "one may be on its way at the change");
    }
}

#[test]
fn another_address_brings_another_key_and_a_counter_of_zero() {
    // covers: TM-101
    let suite = Suite::AesCm128HmacSha1_80;
    let mut world = call(suite);
    world.run(s(1_400));
    // Party 0 says that it is somewhere else, with a new key; both sides follow.
    let mut ours = secured(agreed(2, 1, Direction::SendRecv), suite, (5, 2));
    ours.local.set_port(30_000);
    world.apply(0, 1, ours);
    let since = world.now + ms(1);
    world.run(ms(100));
    let flight = world.sent(0, 1, PacketKind::Rtp, since)[0].clone();
    let mut fresh = SrtpReceiver::new(&line(suite, 5)).expect("a usable line");
    let mut packet = flight.packet.to_vec();
    // Who begins with the key opens the packet, though the sequence numbers have come round.
    assert!(fresh.unprotect_rtp(&mut packet).is_ok());
}

#[test]
fn a_stream_whose_key_fails_is_stopped_and_never_in_clear() {
    // covers: TM-105
    let suite = Suite::AesCm128HmacSha1_80;
    let mut world = call(suite);
    world.run(s(1));
    // Authentication is switched off in the line: no context obeys it.
    let mut broken = secured(agreed(2, 1, Direction::SendRecv), suite, (1, 2));
    let mut srtp = broken.srtp.take().expect("keys");
    srtp.local.params.unauthenticated_srtp = true;
    broken.srtp = Some(srtp);
    let apply = |agreed| StreamCommand::Apply { op: Op(0), stream: StreamId(1), agreed };
    assert_eq!(world.command(0, apply(broken)), Err(StreamFailure::Protection));
    let stopped = world.now + ms(1);
    world.run(s(20));
    assert!(world.sent(0, 1, PacketKind::Rtp, stopped).is_empty());
    assert!(world.sent(0, 1, PacketKind::Rtcp, stopped).is_empty());
    assert!(world.snapshot(0, 1).withheld >= 1_000);
    // A description without keys, or with good ones, does not bring it back.
    for agreed in
        [agreed(2, 1, Direction::SendRecv), secured(agreed(2, 1, Direction::SendRecv), suite, (1, 2))]
    {
        assert_eq!(world.command(0, apply(agreed)), Err(StreamFailure::Protection));
    }
    world.run(s(20));
    world.close(0, 1);
    assert!(world.sent(0, 1, PacketKind::Rtp, stopped).is_empty());
    assert!(world.sent(0, 1, PacketKind::Rtcp, stopped).is_empty());
    assert_eq!(world.hearing(0).tone, None);
}

#[test]
fn keys_taken_out_of_the_agreement_stop_the_stream() {
    // covers: TM-105
    let mut world = call(Suite::AeadAes128Gcm);
    world.run(s(1));
    let plain =
        StreamCommand::Apply { op: Op(0), stream: StreamId(1), agreed: agreed(2, 1, Direction::SendRecv) };
    assert_eq!(world.command(0, plain), Err(StreamFailure::Protection));
    let stopped = world.now + ms(1);
    world.run(s(5));
    assert!(world.sent(0, 1, PacketKind::Rtp, stopped).is_empty());
}

#[test]
fn packets_that_are_not_authentic_or_come_again_are_counted_and_no_more() {
    // covers: TM-107
    let mut world = call(Suite::AesCm128HmacSha1_80);
    world.run(s(1));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let before = world.snapshot(0, 1);
    let genuine = world.sent(1, 1, PacketKind::Rtp, Tick::default()).last().expect("sent").packet.clone();
    let mut forged = genuine.to_vec();
    forged[20] ^= 1;
    let clear =
        RtpHeader { marker: false, payload_type: 0, sequence: 9, timestamp: 9, ssrc: 9 }.packet(&[0; 160]);
    world.run(DELAY);
    let counted = world.snapshot(0, 1).received;
    for bytes in [&forged[..], &clear, &genuine, &[0x80; 3]] {
        world.inject(0, 1, PacketKind::Rtp, peer, bytes);
    }
    let reports = address(2, StreamId(1), PacketKind::Rtcp);
    world.inject(0, 1, PacketKind::Rtcp, reports, &[0x80, 201, 0, 1, 0, 0, 0, 7]);
    let after = world.snapshot(0, 1);
    assert_eq!((after.unauthentic - before.unauthentic, after.received), (5, counted));
    world.run(s(1));
    assert_eq!(tones(&world), BOTH);
}

#[test]
fn only_an_authentic_packet_moves_the_address() {
    // covers: SEC-41
    let config = StreamsConfig { latch: LatchPolicy::Learn, ..StreamsConfig::default() };
    let mut world = World::with(2, &config);
    let suite = Suite::AesCm128HmacSha1_80;
    for (party, hz) in [(0, 440), (1, 1_000)] {
        world.device(party, 1, Source::Tone { hz });
        world.open(party, 1, Some(1));
        apply(&mut world, party, suite, Direction::SendRecv, [1, 2]);
    }
    world.run(s(1));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let elsewhere = SocketAddr::from(([198, 51, 100, 7], 40_000));
    let remote = |world: &World| world.snapshot(0, 1).remote;
    for sequence in 0..50 {
        let header = RtpHeader { marker: false, payload_type: 0, sequence, timestamp: 0, ssrc: 9 };
        world.inject(0, 1, PacketKind::Rtp, elsewhere, &header.packet(&[0; 170]));
    }
    assert_eq!(remote(&world), Some(peer));
    // The peer's own packets come from another address from now on, as behind a NAT that forgot it.
    let since = world.now;
    world.apply(1, 1, secured(agreed(1, 1, Direction::SendRecv), suite, (2, 1)));
    for _ in 0..10 {
        world.wire.clear();
        let known = world.sent(1, 1, PacketKind::Rtp, since).len();
        world.now += ms(20);
        world.step(1, Streams::tick);
        let packets: Vec<Bytes> = world.sent(1, 1, PacketKind::Rtp, since)[known..]
            .iter()
            .map(|flight| flight.packet.clone())
            .collect();
        world.wire.clear();
        for packet in packets {
            world.inject(0, 1, PacketKind::Rtp, elsewhere, &packet);
        }
    }
    assert_eq!(remote(&world), Some(elsewhere));
}

#[test]
fn a_pair_passes_packets_under_the_keys_of_each_leg() {
    // covers: TM-100
    let mut world = World::new(3);
    let suite = Suite::AesCm128HmacSha1_80;
    for (party, hz) in [(1, 1_000), (2, 1_500)] {
        world.device(party, 1, Source::Tone { hz });
        world.open(party, 1, Some(1));
    }
    world.open(0, 1, None);
    world.open(0, 2, None);
    world.apply(0, 1, secured(agreed(2, 1, Direction::SendRecv), suite, (1, 2)));
    world.apply(1, 1, secured(agreed(1, 1, Direction::SendRecv), suite, (2, 1)));
    world.apply(0, 2, secured(agreed(3, 1, Direction::SendRecv), Suite::AeadAes256Gcm, (3, 4)));
    world.apply(2, 1, secured(agreed(1, 2, Direction::SendRecv), Suite::AeadAes256Gcm, (4, 3)));
    world.command(0, StreamCommand::Pair { op: Op(0), a: StreamId(1), b: StreamId(2) }).expect("paired");
    world.run(s(2));
    assert_eq!((world.hearing(1).tone, world.hearing(2).tone), (Some(1_500), Some(1_000)));
    for stream in [1, 2] {
        assert_eq!((world.snapshot(0, stream).unauthentic, world.snapshot(0, stream).withheld), (0, 0));
    }
}

#[test]
fn no_text_shows_a_key() {
    // covers: TM-100
    let mut world = call(Suite::AesCm128HmacSha1_80);
    world.run(s(1));
    let agreed = secured(agreed(2, 1, Direction::SendRecv), Suite::AesCm128HmacSha1_80, (1, 2));
    let printed = agreed.srtp.as_ref().map(|srtp| srtp.local.print()).expect("keys");
    let key = printed.split("inline:").nth(1).expect("a key").to_owned();
    let command = StreamCommand::Apply { op: Op(0), stream: StreamId(1), agreed };
    for text in [format!("{command:?}"), format!("{:?}", world.parties[0].streams)] {
        assert!(!text.contains(&key) && !text.contains("key: ["), "{text}");
    }
}

#[test]
fn a_call_that_is_secured_later_learns_only_from_authentic_packets() {
    // covers: SEC-41
    let config = StreamsConfig { latch: LatchPolicy::Learn, ..StreamsConfig::default() };
    let mut world = World::with(2, &config);
    world.device(0, 1, Source::Tone { hz: 440 });
    world.open(0, 1, Some(1));
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let stranger = SocketAddr::from(([198, 51, 100, 7], 40_000));
    let header = |sequence: u16| RtpHeader {
        marker: false,
        payload_type: 0,
        sequence,
        timestamp: 160 * u32::from(sequence),
        ssrc: 5,
    };
    for sequence in 0..4 {
        world.inject(0, 1, PacketKind::Rtp, stranger, &header(sequence).packet(&[0x20; 160]));
    }
    assert_eq!(world.snapshot(0, 1).remote, Some(stranger));
    let suite = Suite::AesCm128HmacSha1_80;
    apply(&mut world, 0, suite, Direction::SendRecv, [1, 2]);
    // What was learned without proof is given up.
    assert_eq!(world.snapshot(0, 1).remote, Some(peer));
    // Whoever has the key is the peer, wherever it is.
    let moved = SocketAddr::from(([203, 0, 113, 9], 6_000));
    let mut sender = SrtpSender::new(&line(suite, 2)).expect("a usable line");
    for sequence in 100..104 {
        world.inject(0, 1, PacketKind::Rtp, stranger, &header(sequence).packet(&[0x20; 160]));
        let mut packet = header(sequence).packet(&[0x20; 160]);
        sender.protect_rtp(&mut packet).expect("a fresh packet");
        world.inject(0, 1, PacketKind::Rtp, moved, &packet);
    }
    assert_eq!(world.snapshot(0, 1).remote, Some(moved));
    assert_eq!(world.snapshot(0, 1).unauthentic, 4);
}
