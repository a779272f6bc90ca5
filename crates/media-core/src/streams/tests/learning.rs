//! Where packets may come from and go to.

use super::*;
use crate::latch::LatchPolicy;

fn somewhere() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], 40_000))
}

fn inject_tone(world: &mut World, source: SocketAddr, ssrc: u32, numbers: std::ops::Range<u16>) {
    for sequence in numbers {
        let header = RtpHeader {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp: 160 * u32::from(sequence),
            ssrc,
        };
        world.inject(0, 1, PacketKind::Rtp, source, &header.packet(&[0x20; 160]));
        world.run(ms(20));
    }
}

#[test]
fn an_address_is_learned_only_where_that_is_allowed_and_once() {
    // covers: SEC-40, TM-024
    for policy in [LatchPolicy::Negotiated, LatchPolicy::Learn] {
        let config = StreamsConfig { latch: policy, ..StreamsConfig::default() };
        let mut world = World::with(2, &config);
        world.device(0, 1, Source::Tone { hz: 440 });
        world.open(0, 1, Some(1));
        world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
        let peer = address(2, StreamId(1), PacketKind::Rtp);
        inject_tone(&mut world, somewhere(), 5, 0..3);
        assert_eq!(world.snapshot(0, 1).remote, Some(peer), "{policy:?}");
        inject_tone(&mut world, somewhere(), 5, 3..20);
        let learned = policy == LatchPolicy::Learn;
        let expected = if learned { somewhere() } else { peer };
        assert_eq!(world.snapshot(0, 1).remote, Some(expected), "{policy:?}");
        let since = world.now + ms(1);
        // Another stranger comes too late, whatever it sends.
        let other = SocketAddr::from(([203, 0, 113, 9], 6_000));
        inject_tone(&mut world, other, 6, 0..50);
        assert!(world.sent(0, 1, PacketKind::Rtp, since).iter().all(|flight| flight.to == expected));
        // A hold keeps what was learned; another address in a description does not.
        world.apply(0, 1, Agreed { held: true, ..agreed(2, 1, Direction::SendOnly) });
        world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
        assert_eq!(world.snapshot(0, 1).remote, Some(expected), "{policy:?}");
        let mut elsewhere = agreed(2, 1, Direction::SendRecv);
        elsewhere.remote_rtp.set_port(20_000);
        world.apply(0, 1, elsewhere.clone());
        assert_eq!(world.snapshot(0, 1).remote, Some(elsewhere.remote_rtp), "{policy:?}");
    }
}

#[test]
fn who_never_answers_gets_a_limited_number_of_packets() {
    // covers: SEC-44
    let config = StreamsConfig { unconfirmed_packets: Some(250), ..StreamsConfig::default() };
    let mut world = World::with(2, &config);
    world.device(0, 1, Source::Tone { hz: 440 });
    world.open(0, 1, Some(1));
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    world.run(s(10));
    assert_eq!(world.rtp(0, 1, Tick::default()).len(), 250);
    assert_eq!(world.snapshot(0, 1).withheld, 251);
    // A hold does not buy more, and neither does a stranger.
    world.apply(0, 1, agreed(2, 1, Direction::Inactive));
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    inject_tone(&mut world, somewhere(), 5, 0..20);
    assert_eq!(world.rtp(0, 1, Tick::default()).len(), 250);
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    inject_tone(&mut world, peer, 7, 0..2);
    world.run(s(10));
    let all = world.rtp(0, 1, Tick::default());
    assert!(all.len() > 740);
    // covers: TM-005
    for pair in all.windows(2) {
        assert_eq!(
            pair[1].sequence,
            pair[0].sequence.wrapping_add(1),
            "what is withheld leaves no number out"
        );
    }
    assert!(all[250].marker && !all[249].marker, "a talkspurt starts after the pause");
    // Another address is another one that may not want them.
    let mut elsewhere = agreed(2, 1, Direction::SendRecv);
    elsewhere.remote_rtp.set_port(20_000);
    world.apply(0, 1, elsewhere);
    let since = world.now + ms(1);
    world.run(s(10));
    assert!((249..=250).contains(&world.rtp(0, 1, since).len()));
}

#[test]
fn the_host_that_signals_is_sent_to_without_a_limit_and_another_is_not() {
    // covers: SEC-44
    for (signalling, limited) in [([192, 0, 2, 2], false), ([198, 51, 100, 7], true)] {
        let config = StreamsConfig { unconfirmed_packets: Some(50), ..StreamsConfig::default() };
        let mut world = World::with(2, &config);
        world.device(0, 1, Source::Tone { hz: 440 });
        world.open(0, 1, Some(1));
        let signalling = Some(std::net::IpAddr::from(signalling));
        world.apply(0, 1, Agreed { signalling, ..agreed(2, 1, Direction::SendRecv) });
        world.run(s(3));
        assert_eq!(world.rtp(0, 1, Tick::default()).len() == 50, limited);
        assert_eq!(world.snapshot(0, 1).withheld > 0, limited);
    }
}

#[test]
fn neither_rtcp_from_elsewhere_nor_one_new_address_after_another_buys_more_packets() {
    // covers: SEC-44
    let config = StreamsConfig { unconfirmed_packets: Some(50), ..StreamsConfig::default() };
    let mut world = World::with(2, &config);
    world.device(0, 1, Source::Tone { hz: 440 });
    world.open(0, 1, Some(1));
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    let receiver_report = [&[0x80, 201, 0, 1][..], &7u32.to_be_bytes()].concat();
    let answers_by_rtcp = |world: &mut World, source: SocketAddr| {
        world.inject(0, 1, PacketKind::Rtcp, source, &receiver_report);
        world.run(s(3));
        world.rtp(0, 1, Tick::default()).len()
    };
    assert_eq!(answers_by_rtcp(&mut world, somewhere()), 50);
    // RTCP may be agreed for another host than RTP; that one speaks for itself only.
    let elsewhere = Agreed { remote_rtcp: somewhere(), ..agreed(2, 1, Direction::SendRecv) };
    world.apply(0, 1, elsewhere);
    assert_eq!(answers_by_rtcp(&mut world, somewhere()), 50);
    assert_eq!(world.snapshot(0, 1).reports_received, 1);
    for port in 20_000..20_010 {
        let mut next = agreed(2, 1, Direction::SendRecv);
        next.remote_rtp.set_port(port);
        world.apply(0, 1, next);
        world.run(s(2));
    }
    assert_eq!(world.rtp(0, 1, Tick::default()).len(), 50);
    // The host that is sent to answers, by RTCP alone.
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    assert!(answers_by_rtcp(&mut world, address(2, StreamId(1), PacketKind::Rtcp)) > 150);
}

#[test]
fn moving_to_the_signalling_host_and_away_again_buys_no_more_packets() {
    // covers: SEC-44
    let config = StreamsConfig { unconfirmed_packets: Some(50), ..StreamsConfig::default() };
    let mut world = World::with(2, &config);
    world.device(0, 1, Source::Tone { hz: 440 });
    world.open(0, 1, Some(1));
    let signalling = Some(somewhere().ip());
    let own = Agreed { signalling, remote_rtp: somewhere(), ..agreed(2, 1, Direction::SendRecv) };
    let victim = Agreed { signalling, ..agreed(2, 1, Direction::SendRecv) };
    for _ in 0..5 {
        world.apply(0, 1, own.clone());
        world.run(s(1));
        world.apply(0, 1, victim.clone());
        world.run(s(5));
    }
    let sent = world.sent(0, 1, PacketKind::Rtp, Tick::default());
    assert_eq!(sent.iter().filter(|flight| flight.to == victim.remote_rtp).count(), 50);
}

#[test]
fn a_pair_whose_packets_are_withheld_goes_on_without_a_gap() {
    // covers: SEC-44, TM-005
    let config = StreamsConfig { unconfirmed_packets: Some(50), ..StreamsConfig::default() };
    let mut world = pairs::between_with(&config);
    world.close(2, 1);
    pairs::pair(&mut world, 1, 2).expect("paired");
    world.run(s(5));
    let peer = address(3, StreamId(1), PacketKind::Rtp);
    assert_eq!(world.rtp(0, 2, Tick::default()).len(), 50);
    let header = RtpHeader { marker: false, payload_type: 0, sequence: 1, timestamp: 0, ssrc: 5 };
    world.inject(0, 2, PacketKind::Rtp, peer, &header.packet(&[0x20; 160]));
    world.run(s(1));
    let passed = world.rtp(0, 2, Tick::default());
    assert!(passed.len() > 90, "{}", passed.len());
    pairs::assert_one_source(&passed);
}

#[test]
fn rtcp_of_a_host_that_was_learned_is_taken_and_answered_there() {
    // covers: SEC-40
    let config = StreamsConfig { latch: LatchPolicy::Learn, ..StreamsConfig::default() };
    let mut world = World::with(2, &config);
    world.device(0, 1, Source::Tone { hz: 440 });
    world.open(0, 1, Some(1));
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    let report = [&[0x80, 201, 0, 1][..], &5u32.to_be_bytes()].concat();
    let (mapped, other) = (SocketAddr::new(somewhere().ip(), 40_777), SocketAddr::new(somewhere().ip(), 9));
    world.inject(0, 1, PacketKind::Rtcp, mapped, &report);
    assert_eq!(world.snapshot(0, 1).reports_received, 0, "nothing was learned yet");
    inject_tone(&mut world, somewhere(), 5, 0..20);
    for source in [mapped, other, SocketAddr::from(([203, 0, 113, 9], 40_777)), mapped] {
        world.inject(0, 1, PacketKind::Rtcp, source, &report);
    }
    assert_eq!(world.snapshot(0, 1).reports_received, 2, "of one port of that host, the first");
    let since = world.now + ms(1);
    world.run(s(20));
    let reports = world.sent(0, 1, PacketKind::Rtcp, since);
    assert!(reports.len() > 2 && reports.iter().all(|flight| flight.to == mapped));
    // A hold without an address and the same description keep it, another one does not.
    world.apply(0, 1, Agreed { remote_valid: false, ..agreed(2, 1, Direction::Inactive) });
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    world.inject(0, 1, PacketKind::Rtcp, mapped, &report);
    assert_eq!(world.snapshot(0, 1).reports_received, 3);
    let mut elsewhere = agreed(2, 1, Direction::SendRecv);
    elsewhere.remote_rtp.set_port(20_000);
    world.apply(0, 1, elsewhere);
    world.inject(0, 1, PacketKind::Rtcp, mapped, &report);
    assert_eq!(world.snapshot(0, 1).reports_received, 3);
}
