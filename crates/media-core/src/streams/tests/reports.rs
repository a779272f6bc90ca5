//! RTCP: when, what, and the quality it tells.

use super::*;

fn is_sender_report(flight: &Flight) -> bool {
    matches!(flight.rtcp()[0], RtcpPacket::SenderReport { .. })
}

fn blocks(flight: &Flight) -> usize {
    match &flight.rtcp()[0] {
        RtcpPacket::SenderReport { reports, .. } | RtcpPacket::ReceiverReport { reports, .. } => {
            reports.len()
        }
        other => panic!("a compound starts with {other:?}"),
    }
}

#[test]
fn intervals_are_those_of_rfc_3550() {
    // covers: TM-011
    let mut world = World::call();
    for party in 0..2 {
        world.device(party, 1, Source::Silence);
    }
    let started = world.now;
    world.run(s(300));
    for party in 0..2 {
        let times: Vec<Tick> =
            world.sent(party, 1, PacketKind::Rtcp, Tick::default()).iter().map(|flight| flight.at).collect();
        let first = times[0].since(started);
        assert!((ms(1_000)..=ms(3_100)).contains(&first), "{first:?}");
        for pair in times.windows(2) {
            let interval = pair[1].since(pair[0]);
            assert!((ms(2_000)..=ms(6_200)).contains(&interval), "{interval:?}");
        }
        assert!(times.len() > 50);
    }
}

#[test]
fn reports_go_on_in_a_hold_without_a_bye() {
    // covers: TM-002, TM-010
    let mut world = World::call();
    world.run(s(20));
    assert!(
        world.sent(0, 1, PacketKind::Rtcp, Tick::default()).iter().all(|flight| is_sender_report(flight))
    );
    let held = world.now;
    for party in 0..2 {
        let inactive = agreed(2 - party as u8, 1, Direction::Inactive);
        world.apply(party, 1, inactive);
    }
    world.run(s(60));
    for party in 0..2 {
        let reports = world.sent(party, 1, PacketKind::Rtcp, held);
        assert!(reports.len() >= 9, "{}", reports.len());
        for flight in &reports {
            assert!(!flight.rtcp().iter().any(|packet| matches!(packet, RtcpPacket::Bye { .. })));
        }
        // Sender for two reports more, then a receiver; blocks end likewise.
        for flight in &reports[3..] {
            assert!(!is_sender_report(flight));
            assert_eq!(blocks(flight), 0);
        }
        assert!(is_sender_report(reports[0]));
        assert_eq!(blocks(reports[0]), 1);
    }
}

#[test]
fn a_session_ends_with_one_bye() {
    // covers: TM-009
    let mut world = World::call();
    world.run(s(1));
    let ssrc = world.snapshot(0, 1).ssrc;
    let closed = world.now;
    world.close(0, 1);
    let compounds = world.sent(0, 1, PacketKind::Rtcp, closed);
    assert_eq!(compounds.len(), 1);
    let packets = compounds[0].rtcp();
    assert!(matches!(packets[0], RtcpPacket::SenderReport { .. }));
    assert!(matches!(packets[1], RtcpPacket::SourceDescription(_)));
    assert_eq!(packets[2], RtcpPacket::Bye { sources: vec![ssrc], reason: None });
    // The peer's blocks about a source that left end at once.
    let left = world.now + DELAY;
    world.run(s(20));
    let after = world.sent(1, 1, PacketKind::Rtcp, left + ms(1));
    assert!(!after.is_empty() && after.iter().all(|flight| blocks(flight) == 0));
    // Who never sent anything says nothing.
    world.open(0, 2, None);
    world.apply(0, 2, agreed(2, 2, Direction::SendRecv));
    let opened = world.now;
    world.close(0, 2);
    assert!(world.sent(0, 2, PacketKind::Rtcp, opened).is_empty());
}

#[test]
fn a_summary_ends_each_stream_with_its_own_numbers() {
    let mut world = World::call();
    world.run(s(30));
    world.open(0, 2, None);
    world.close(0, 2);
    world.close(0, 1);
    let summaries: Vec<StreamSummary> = world
        .events(0)
        .into_iter()
        .filter_map(|event| match event {
            StreamEvent::Summary(summary) => Some(**summary),
            _ => None,
        })
        .collect();
    let [empty, full] = summaries[..] else { panic!("two summaries") };
    assert_eq!((empty.stream, empty.sent, empty.received, empty.mos), (StreamId(2), 0, 0, None));
    assert_eq!((full.stream, full.lost, full.strangers), (StreamId(1), 0, 0));
    assert!(full.sent >= 1_500 && full.received >= 1_499);
    assert!(full.mos.is_some_and(|mos| mos > 4.3));
    assert_eq!(full.rtt.map(|rtt| (rtt.as_secs_f64() * 1e3).round() as u64), Some(20));
    assert_eq!(full.first_packet_at, Some(Tick(1_000_000) + DELAY));
}

#[test]
fn quality_is_told_by_both_sides() {
    let mut world = World::call();
    // One of ten packets from party 1 to party 0 is lost.
    for _ in 0..1_000 {
        world.run(ms(20));
        let count = world.rtp(1, 1, Tick::default()).len();
        if count.is_multiple_of(10) {
            world.wire.retain(|flight| {
                flight.kind == PacketKind::Rtcp
                    || flight.to.port() != 10_002
                    || flight.from.ip() == std::net::Ipv4Addr::new(192, 0, 2, 1)
            });
        }
    }
    let local = world.qualities(0, QualityKind::Local);
    let last = local.last().expect("reports were sent");
    assert!((8.0..=12.0).contains(&last.loss_percent), "{}", last.loss_percent);
    assert!(last.packets > 50 && last.mos.is_some_and(|mos| mos < 3.6));
    let remote = world.qualities(1, QualityKind::Remote);
    let last = remote.last().expect("reports came");
    assert!((8.0..=12.0).contains(&last.loss_percent), "{}", last.loss_percent);
    assert_eq!(last.rtt.map(|rtt| (rtt.as_secs_f64() * 1e3).round() as u64), Some(20));
    // The other direction is clean, and legs do not mix.
    assert!(world.qualities(1, QualityKind::Local).iter().all(|report| report.total_lost == 0));
    // At most one of each kind per interval.
    for party in 0..2 {
        let reports = world.sent(party, 1, PacketKind::Rtcp, Tick::default()).len();
        assert_eq!(world.qualities(party, QualityKind::Local).len(), reports);
        assert!(world.qualities(party, QualityKind::Remote).len() <= reports);
    }
}

#[test]
fn without_rtp_there_is_no_score() {
    // covers: TM-091
    let mut world = World::call();
    world.run(s(10));
    for party in 0..2 {
        world.apply(party, 1, agreed(2 - party as u8, 1, Direction::Inactive));
    }
    world.run(s(10));
    let held = world.now;
    world.run(s(60));
    let mut count = 0;
    for party in 0..2 {
        for kind in [QualityKind::Local, QualityKind::Remote] {
            for report in world.qualities(party, kind).into_iter().filter(|report| report.at > held) {
                assert_eq!((report.packets, report.mos, report.r_factor), (0, None, None));
                count += 1;
            }
        }
        assert!(world.snapshot(party, 1).local.is_some_and(|report| report.mos.is_none()));
    }
    assert!(count >= 20);
}

#[test]
fn a_source_that_changes_its_clock_has_no_more_jitter_than_before() {
    let mut world = World::call();
    world.run(s(2));
    for party in 0..2u8 {
        let base = agreed(2 - party, 1, Direction::SendRecv);
        world.apply(usize::from(party), 1, with_codec(base, Codec::L16(SampleRate::Hz16000), 98, 20));
    }
    world.run(s(5));
    for party in 0..2 {
        let jitter = world.snapshot(party, 1).jitter_ms.expect("packets came");
        assert!(jitter < 0.5, "{jitter}");
    }
}
