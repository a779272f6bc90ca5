//! Strangers, broken packets, late switches, collisions, digits.

use super::*;
use crate::rtcp::{NtpTime, SdesChunk, SenderInfo, print_compound};

fn stranger() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 66], 10_002))
}

fn packet(ssrc: u32, sequence: u16, payload_type: u8, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    RtpHeader { marker: false, payload_type, sequence, timestamp, ssrc }.packet(payload)
}

#[test]
fn strangers_neither_redirect_nor_count() {
    // covers: SEC-40
    let mut world = World::call();
    world.run(s(1));
    let before = world.snapshot(0, 1);
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let other_port = SocketAddr::new(peer.ip(), 40_000);
    let spoofed = *world.rtp(1, 1, Tick::default()).last().expect("frames were sent");
    for count in 1..=100u16 {
        let sequence = spoofed.sequence.wrapping_add(count);
        let bytes = packet(spoofed.ssrc, sequence, 0, spoofed.timestamp, &[0; 160]);
        world.inject(0, 1, PacketKind::Rtp, stranger(), &bytes);
        world.inject(0, 1, PacketKind::Rtp, other_port, &bytes);
        let report =
            world.sent(1, 1, PacketKind::Rtcp, Tick::default()).first().map(|flight| flight.packet.clone());
        world.inject(0, 1, PacketKind::Rtcp, stranger(), report.as_deref().unwrap_or_default());
    }
    let after = world.snapshot(0, 1);
    let expected = StreamSnapshot { strangers: 300, ..before.clone() };
    assert_eq!(after, expected);
    let since = world.now + ms(1);
    world.run(s(1));
    assert_eq!(world.hearing(0).tone, Some(1_000));
    assert!(world.sent(0, 1, PacketKind::Rtp, since).iter().all(|flight| flight.to == peer));
    assert_eq!(world.snapshot(0, 1).lost, 0);
}

#[test]
fn packets_for_unknown_streams_are_counted() {
    let mut world = World::call();
    world.inject(0, 9, PacketKind::Rtp, stranger(), &[0; 12]);
    assert_eq!(world.parties[0].streams.unknown_packets(), 1);
}

#[test]
fn a_peer_that_switches_late_is_heard_on_its_old_address() {
    // covers: TM-014
    let mut world = World::call();
    world.run(s(1));
    let mut elsewhere = agreed(2, 1, Direction::SendRecv);
    elsewhere.remote_rtp.set_port(20_000);
    world.apply(0, 1, elsewhere);
    world.run(s(2));
    assert_eq!(world.hearing(0).tone, Some(1_000));
    assert_eq!(world.snapshot(0, 1).strangers, 0);
    // The first packet from the new address ends it.
    let new = SocketAddr::from(([192, 0, 2, 2], 20_000));
    let next = world.rtp(1, 1, Tick::default()).last().expect("frames were sent").sequence.wrapping_add(1);
    let ssrc = world.snapshot(1, 1).ssrc;
    world.inject(0, 1, PacketKind::Rtp, new, &packet(ssrc, next, 0, 0, &[0xFF; 160]));
    world.run(s(1));
    assert!(world.snapshot(0, 1).strangers >= 49);
}

#[test]
fn the_old_address_ends_after_three_seconds() {
    let mut world = World::call();
    world.run(s(1));
    let mut elsewhere = agreed(2, 1, Direction::SendRecv);
    elsewhere.remote_rtp.set_port(20_000);
    world.apply(0, 1, elsewhere);
    world.run(s(4));
    assert!((45..=55).contains(&world.snapshot(0, 1).strangers));
    assert_eq!(world.hearing(0).tone, None);
}

#[test]
fn packets_out_of_order_are_heard_in_order_and_late_ones_are_not() {
    let mut world = World::call();
    world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
    world.run(s(2));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let before = world.snapshot(0, 1);
    let send = |world: &mut World, sequence: u16| {
        let timestamp = 160 * u32::from(sequence);
        world.inject(0, 1, PacketKind::Rtp, peer, &packet(7, sequence, 0, timestamp, &[0xFF; 160]));
    };
    for sequences in [&[100][..], &[101, 101], &[103, 102], &[]] {
        for &sequence in sequences {
            send(&mut world, sequence);
        }
        world.run(ms(20));
    }
    // 104 is missing for too long.
    for sequence in 105..125 {
        send(&mut world, sequence);
        world.run(ms(20));
    }
    send(&mut world, 104);
    let after = world.snapshot(0, 1);
    assert_eq!((after.received - before.received, after.late), (26, 1));
    assert_eq!((after.playout.packets.duplicated, after.playout.packets.late), (1, 1));
    assert!(after.playout.packets.played >= 20, "{:?}", after.playout);
}

#[test]
fn broken_and_unknown_payloads_are_counted_only() {
    let mut world = World::call();
    world.run(s(1));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let before = world.snapshot(0, 1).malformed;
    let ssrc = world.snapshot(1, 1).ssrc;
    let next = world.rtp(1, 1, Tick::default()).last().expect("frames were sent").sequence.wrapping_add(1);
    let fits = packet(ssrc, next, 0, 0, &[0xFF; 1_600]);
    let too_long = packet(ssrc, next.wrapping_add(1), 0, 0, &[0xFF; 1_601]);
    let unknown = packet(ssrc, next.wrapping_add(2), 96, 0, &[0; 160]);
    world.inject(0, 1, PacketKind::Rtp, peer, &fits);
    assert_eq!(world.snapshot(0, 1).malformed, before);
    for bytes in [&too_long[..], &unknown, &[0x80; 3]] {
        world.inject(0, 1, PacketKind::Rtp, peer, bytes);
    }
    world.inject(0, 1, PacketKind::Rtcp, address(2, StreamId(1), PacketKind::Rtcp), &[0x80; 5]);
    // What is too long is found out when it would be heard.
    world.run(s(1));
    assert_eq!(world.snapshot(0, 1).malformed, before + 4);
}

#[test]
fn other_protocols_are_counted_apart() {
    // covers: SEC-42
    let mut world = World::call();
    world.run(s(1));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let before = world.snapshot(0, 1);
    for kind in [PacketKind::Rtp, PacketKind::Rtcp] {
        for source in [peer, stranger()] {
            // A binding request, and a handshake record.
            world.inject(0, 1, kind, source, &[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42]);
            world.inject(0, 1, kind, source, &[22, 254, 253, 0]);
        }
    }
    world.inject(0, 1, PacketKind::Rtp, peer, &[64, 0, 0, 0]);
    world.inject(0, 1, PacketKind::Rtp, peer, &[]);
    let after = world.snapshot(0, 1);
    assert_eq!(after, StreamSnapshot { stun: 4, dtls: 4, foreign: 2, ..before });
}

#[test]
fn our_own_packets_coming_back_change_the_source_once() {
    // covers: TM-008
    let mut world = World::call();
    world.run(s(1));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let old = world.snapshot(0, 1).ssrc;
    let last = world.rtp(0, 1, Tick::default()).last().expect("frames were sent").sequence;
    let collided = world.now;
    world.inject(0, 1, PacketKind::Rtp, peer, &packet(old, 1, 0, 0, &[0xFF; 160]));
    let new = world.snapshot(0, 1).ssrc;
    assert_ne!(new, old);
    let compounds = world.sent(0, 1, PacketKind::Rtcp, collided);
    let bye = RtcpPacket::Bye { sources: vec![old], reason: None };
    assert_eq!(compounds[0].rtcp().last(), Some(&bye));
    // The loop goes on with the new source; it is not changed again.
    for _ in 0..10 {
        world.inject(0, 1, PacketKind::Rtp, peer, &packet(new, 1, 0, 0, &[0xFF; 160]));
    }
    assert_eq!(world.snapshot(0, 1).ssrc, new);
    assert_eq!(world.snapshot(0, 1).looped, 11);
    let since = world.now + ms(1);
    world.run(ms(100));
    let next = world.rtp(0, 1, since)[0];
    assert_eq!((next.ssrc, next.sequence), (new, last.wrapping_add(1)));
}

#[test]
fn our_own_source_in_reports_of_the_peer_changes_it_as_well() {
    // covers: TM-008
    let peer = address(2, StreamId(1), PacketKind::Rtcp);
    let chunk = |ssrc| RtcpPacket::SourceDescription(vec![SdesChunk { ssrc, items: Vec::new() }]);
    let receives = |ssrc| RtcpPacket::ReceiverReport { ssrc, reports: Vec::new() };
    let compounds: [fn(u32) -> RtcpPacket; 2] = [
        |ssrc| {
            let ntp = NtpTime::from_unix(UNIX);
            let info = SenderInfo { ntp, rtp_timestamp: 0, packets: 1, octets: 160 };
            RtcpPacket::SenderReport { ssrc, info, reports: Vec::new() }
        },
        |ssrc| RtcpPacket::ReceiverReport { ssrc, reports: Vec::new() },
    ];
    for ours in compounds {
        let mut world = World::call();
        world.run(s(1));
        let (old, theirs) = (world.snapshot(0, 1).ssrc, world.snapshot(1, 1).ssrc);
        let collided = world.now;
        let compound = |ssrc| print_compound(&[receives(theirs), chunk(theirs), ours(ssrc)]);
        world.inject(0, 1, PacketKind::Rtcp, peer, &compound(old));
        let new = world.snapshot(0, 1).ssrc;
        assert_ne!(new, old);
        let bye = RtcpPacket::Bye { sources: vec![old], reason: None };
        assert_eq!(world.sent(0, 1, PacketKind::Rtcp, collided)[0].rtcp().last(), Some(&bye));
        world.inject(0, 1, PacketKind::Rtcp, peer, &compound(new));
        let after = world.snapshot(0, 1);
        assert_eq!((after.ssrc, after.looped), (new, 2), "and a loop changes it no more");
    }
    // What a mixer passes on of us is none.
    let mut world = World::call();
    world.run(s(1));
    let (ours, theirs) = (world.snapshot(0, 1).ssrc, world.snapshot(1, 1).ssrc);
    let left = RtcpPacket::Bye { sources: vec![ours], reason: None };
    let passed_on = print_compound(&[receives(theirs), chunk(theirs), chunk(ours), left]);
    world.inject(0, 1, PacketKind::Rtcp, peer, &passed_on);
    let after = world.snapshot(0, 1);
    assert_eq!((after.ssrc, after.looped, after.reports_received), (ours, 0, 1));
    // A report about our source is none either.
    let mut world = World::call();
    world.run(s(20));
    assert!(world.snapshot(0, 1).reports_received > 2);
    assert_eq!(world.snapshot(0, 1).looped, 0);
}

#[test]
fn a_forged_source_does_not_displace_a_live_one() {
    // covers: SEC-43
    let mut world = World::call();
    world.run(s(1));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    // Fifty packets within a second, between those of the source that is there.
    for count in 0..50u16 {
        world.inject(0, 1, PacketKind::Rtp, peer, &packet(7, count, 0, 0, &[0x55; 160]));
        world.run(ms(20));
    }
    let after = world.snapshot(0, 1);
    assert_eq!((after.intruders, after.lost), (50, 0));
    assert_eq!(world.hearing(0).changes.len(), 1);
    assert!(world.qualities(0, QualityKind::Local).iter().all(|report| report.total_lost == 0));
}

#[test]
fn another_source_is_heard_when_signalling_or_a_bye_said_so() {
    // covers: SEC-43, TM-107
    let mut world = World::call();
    world.run(s(1));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let received = |world: &World| world.snapshot(0, 1).received;
    let before = received(&world);
    world.inject(0, 1, PacketKind::Rtp, peer, &packet(7, 1, 0, 0, &[0xFF; 160]));
    assert_eq!(received(&world), before);
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    world.inject(0, 1, PacketKind::Rtp, peer, &packet(7, 2, 0, 0, &[0xFF; 160]));
    assert_eq!(received(&world), before + 1);
    let bye = [
        RtcpPacket::ReceiverReport { ssrc: 7, reports: Vec::new() },
        RtcpPacket::Bye { sources: vec![7], reason: None },
    ];
    let reports = address(2, StreamId(1), PacketKind::Rtcp);
    world.inject(0, 1, PacketKind::Rtcp, reports, &crate::rtcp::print_compound(&bye));
    world.inject(0, 1, PacketKind::Rtp, peer, &packet(8, 2, 0, 0, &[0xFF; 160]));
    assert_eq!(received(&world), before + 2);
}

#[test]
fn a_key_pressed_by_the_peer_is_one_digit() {
    let mut world = World::call();
    world.run(s(1));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let next = world.rtp(1, 1, Tick::default()).last().expect("frames were sent").sequence;
    let ssrc = world.snapshot(1, 1).ssrc;
    for (offset, payload) in [
        (1, [5, 0x0A, 0x01, 0x40]),
        (2, [5, 0x0A, 0x02, 0x80]),
        (3, [5, 0x8A, 0x03, 0x20]),
        (4, [5, 0x8A, 0x03, 0x20]),
        (5, [5, 0x8A, 0x03, 0x20]),
    ] {
        let bytes = packet(ssrc, next.wrapping_add(offset), 101, 55_000, &payload);
        world.inject(0, 1, PacketKind::Rtp, peer, &bytes);
    }
    // One whose end is lost.
    let bytes = packet(ssrc, next.wrapping_add(6), 101, 60_000, &[11, 0x0A, 0x01, 0x40]);
    world.inject(0, 1, PacketKind::Rtp, peer, &bytes);
    world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
    world.run(ms(200));
    let digits: Vec<_> = world
        .events(0)
        .into_iter()
        .filter_map(|event| match event {
            StreamEvent::Digit { stream: StreamId(1), digit, duration_ms } => {
                Some((digit.to_char(), *duration_ms))
            }
            _ => None,
        })
        .collect();
    assert_eq!(digits, [('5', 100), ('#', 40)]);
    assert_eq!(world.snapshot(0, 1).malformed, 0);
}
