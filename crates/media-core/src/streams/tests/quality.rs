//! Thresholds, sums per leg, extended reports, reports on the port of RTP.

use super::*;
use crate::playout::PlayoutSettings;
use crate::quality::{Metric, QualityChange};
use crate::rtcp::{VoipMetrics, XrBlock};

/// Loses every so-many-th packet to party 0 for a time.
fn lossy(world: &mut World, time: Duration, one_in: usize) {
    let end = world.now + time;
    while world.now < end {
        world.run(ms(20));
        let count = world.rtp(1, 1, Tick::default()).len();
        if count.is_multiple_of(one_in) {
            let to = world.parties[0].ip();
            world.wire.retain(|flight| flight.kind == PacketKind::Rtcp || flight.to.ip() != to);
        }
    }
}

fn loss_changes(world: &World, party: usize, wanted: QualityKind) -> Vec<(Tick, QualityChange)> {
    let change = |event: &StreamEvent| match event {
        StreamEvent::QualityChanged { kind, at, change, .. } if *kind == wanted => match change {
            QualityChange::Degraded { metric: Metric::Loss, .. }
            | QualityChange::Recovered { metric: Metric::Loss, .. } => Some((*at, *change)),
            _ => None,
        },
        _ => None,
    };
    world.events(party).into_iter().filter_map(change).collect()
}

#[test]
fn loss_over_the_threshold_is_told_once_and_its_end_after_two_good_intervals() {
    // covers: TM-083
    let mut world = World::call();
    world.run(s(30));
    lossy(&mut world, s(40), 20);
    let ended = world.now;
    world.run(s(60));
    for (party, kind) in [(0, QualityKind::Local), (1, QualityKind::Remote)] {
        let changes = loss_changes(&world, party, kind);
        let [(_, QualityChange::Degraded { value, .. }), (at, QualityChange::Recovered { .. })] = changes[..]
        else {
            panic!("{kind:?}: {changes:?}")
        };
        assert!((3.0..8.0).contains(&value), "{value}");
        assert!(at.since(ended) >= s(4) && at.since(ended) <= s(20), "{:?}", at.since(ended));
    }
    assert!(loss_changes(&world, 1, QualityKind::Local).is_empty());
}

#[test]
fn a_summary_leaves_out_the_hold_and_mixes_no_legs() {
    // covers: TM-061, TM-084
    let mut world = World::call();
    world.open(0, 2, None);
    world.run(s(20));
    for party in 0..2 {
        world.apply(party, 1, agreed(2 - party as u8, 1, Direction::Inactive));
    }
    world.run(s(600));
    for party in 0..2 {
        world.apply(party, 1, agreed(2 - party as u8, 1, Direction::SendRecv));
    }
    world.run(s(20));
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
    let [other, call] = summaries[..] else { panic!("two summaries") };
    assert_eq!((other.received, other.mos, other.local.expected), (0, None, 0));
    assert_eq!(call.local.talked.as_secs(), 40);
    assert_eq!(call.local.held.as_secs(), 600);
    assert!((1_995..=2_005).contains(&call.local.expected), "{}", call.local.expected);
    assert_eq!((call.local.lost, call.lost), (0, 0));
    assert!(call.local.mean_mos.is_some_and(|mos| mos > 4.3), "{:?}", call.local);
    assert!(call.remote.mean_mos.is_some_and(|mos| mos > 4.3), "{:?}", call.remote);
    assert_eq!(call.local.mean_round_trip.map(|rtt| rtt.as_millis()), Some(20));
}

#[test]
fn a_hold_without_music_makes_nothing_worse() {
    // covers: TM-061
    // A report comes at some moment of the five seconds after the hold.
    for talked in 4..12 {
        let mut world = World::call();
        world.run(ms(500 * talked));
        world.apply(0, 1, Agreed { held: true, ..agreed(2, 1, Direction::SendOnly) });
        world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
        world.run(s(10));
        for party in 0..2 {
            let events = world.events(party);
            let changed = events.iter().find(|event| matches!(event, StreamEvent::QualityChanged { .. }));
            assert_eq!(changed, None);
        }
    }
}

#[test]
fn the_score_knows_of_the_jitter_buffer_and_of_the_codec() {
    // covers: TM-085, TM-086
    let mos = |playout: Duration, codec: Codec, payload_type: u8| {
        let config = StreamsConfig { playout: PlayoutSettings::fixed(playout), ..StreamsConfig::default() };
        let mut world = World::call_with(&config);
        for party in 0..2u8 {
            let base = agreed(2 - party, 1, Direction::SendRecv);
            world.apply(usize::from(party), 1, with_codec(base, codec, payload_type, 20));
        }
        world.run(s(30));
        let report = *world.qualities(0, QualityKind::Local).last().expect("reports were sent");
        report.mos.expect("packets came")
    };
    let [quick, slow] = [ms(40), ms(400)].map(|playout| mos(playout, Codec::Pcmu, 0));
    assert!(quick > 4.3 && slow < quick - 0.5, "{quick} and {slow}");
    let wide = mos(ms(40), Codec::G722, 9);
    assert!((4.2..4.36).contains(&wide), "{wide}");
}

/// The blocks of the last extended report that a party sent on a stream.
fn extended(world: &World, party: usize, stream: u64) -> Vec<XrBlock> {
    let reports = world.sent(party, stream, PacketKind::Rtcp, Tick::default());
    let blocks =
        reports.last().expect("reports were sent").rtcp().into_iter().find_map(|packet| match packet {
            RtcpPacket::ExtendedReport { blocks, .. } => Some(blocks),
            _ => None,
        });
    blocks.expect("an extended report")
}

fn voice_metrics(world: &World, party: usize, stream: u64) -> VoipMetrics {
    match extended(world, party, stream).pop() {
        Some(XrBlock::VoipMetrics(metrics)) => metrics,
        other => panic!("{other:?}"),
    }
}

#[test]
fn voice_metrics_count_each_packet_once() {
    // covers: TM-089
    let config = StreamsConfig { xr: true, ..StreamsConfig::default() };
    // Packets that pass to a pair are received like others, and so are key presses.
    let mut world = pairs::between_with(&config);
    pairs::pair(&mut world, 1, 2).expect("paired");
    world.run(s(20));
    let rates = |metrics: &VoipMetrics| (metrics.loss_rate, metrics.discard_rate);
    assert_eq!(rates(&voice_metrics(&world, 0, 1)), (0, 0));
    // One packet is lost among them.
    let ours = address(1, StreamId(1), PacketKind::Rtp);
    let place = std::iter::repeat_with(|| {
        world.run(ms(1));
        world.wire.iter().position(|flight| flight.to == ours)
    });
    let place = place.take(100).flatten().next().expect("a packet is on its way");
    world.wire.remove(place);
    world.run(s(20));
    let paired = voice_metrics(&world, 0, 1);
    assert_eq!(
        (rates(&paired), world.snapshot(0, 1).lost),
        ((0, 0), 1),
        "one in two thousand is less than 1/256"
    );
    assert!(paired.mos_lq.is_some_and(|mos| mos >= 43), "{paired:?}");
    // Every other packet of a peer is overtaken by the next one.
    let mut world = World::with(2, &config);
    world.device(0, 1, Source::Tone { hz: 440 });
    world.open(0, 1, Some(1));
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    for pair in 0..500u16 {
        // The first one comes first.
        let order = if pair == 0 { [0, 1] } else { [2 * pair + 1, 2 * pair] };
        for sequence in order {
            let timestamp = 160 * u32::from(sequence);
            let header = RtpHeader { marker: false, payload_type: 0, sequence, timestamp, ssrc: 7 };
            world.inject(0, 1, PacketKind::Rtp, peer, &header.packet(&[0xFF; 160]));
            world.run(ms(20));
        }
    }
    let overtaken = voice_metrics(&world, 0, 1);
    assert_eq!(world.snapshot(0, 1).lost, 0);
    assert_eq!(overtaken.loss_rate, 0);
}

#[test]
fn extended_reports_have_the_voice_metrics_where_they_are_wanted() {
    // covers: TM-089
    let config = StreamsConfig { xr: true, ..StreamsConfig::default() };
    let mut world = World::call_with(&config);
    // Party 1 only listens: it sends no sender reports, and learns the round trip all the same.
    world.apply(0, 1, agreed(2, 1, Direction::SendOnly));
    world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
    world.run(s(60));
    assert_eq!(world.snapshot(1, 1).rtt.map(|rtt| (rtt.as_secs_f64() * 1e3).round() as u64), Some(20));
    let ssrc = world.snapshot(0, 1).ssrc;
    let blocks = extended(&world, 1, 1);
    assert!(matches!(blocks[0], XrBlock::ReceiverReferenceTime(_)));
    let metrics = voice_metrics(&world, 1, 1);
    assert_eq!((metrics.ssrc, metrics.loss_rate, metrics.discard_rate), (ssrc, 0, 0));
    assert_eq!(metrics.round_trip_ms, 20);
    assert!(metrics.r_factor.is_some_and(|r| r >= 90) && metrics.mos_lq.is_some_and(|mos| mos >= 43));
    assert!((20..=100).contains(&metrics.end_system_delay_ms), "{metrics:?}");
    assert_eq!((metrics.gmin, metrics.absolute_maximum_delay_ms), (16, 400));
    // Nobody gets them unasked.
    let mut plain = World::call();
    plain.run(s(20));
    let reports = plain.sent(0, 1, PacketKind::Rtcp, Tick::default());
    assert!(!reports.is_empty());
    for flight in reports {
        assert!(!flight.rtcp().iter().any(|packet| matches!(packet, RtcpPacket::ExtendedReport { .. })));
    }
}

#[test]
fn reports_share_the_port_of_rtp_where_that_was_agreed() {
    // covers: TM-013
    let mut world = World::call();
    for party in 0..2 {
        let mut agreed = agreed(2 - party as u8, 1, Direction::SendRecv);
        (agreed.rtcp_mux, agreed.remote_rtcp) = (true, agreed.remote_rtp);
        world.apply(party, 1, agreed);
    }
    let since = world.now;
    world.run(s(30));
    for party in 0..2 {
        assert!(world.sent(party, 1, PacketKind::Rtcp, since).is_empty());
        let after = world.snapshot(party, 1);
        assert!(after.reports_sent > 4 && after.reports_received > 4, "{after:?}");
        assert_eq!((after.malformed, after.strangers, after.lost), (0, 0, 0));
        assert!(after.rtt.is_some());
    }
    assert_eq!(world.hearing(0).tone, Some(1_000));
    // Without the agreement they are nothing on that port.
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    let (before, reports) = (world.snapshot(0, 1).malformed, world.snapshot(0, 1).reports_received);
    world.run(s(20));
    let after = world.snapshot(0, 1);
    assert!(after.malformed > before && after.reports_received == reports);
}
