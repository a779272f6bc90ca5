//! Properties over arbitrary bytes: nothing panics, and what is printed is parsed.

use std::time::Duration;

use media_core::rtcp::{
    Concealment, Dlrr, JitterBufferKind, NtpTime, ReportBlock, RtcpPacket, SdesChunk, SenderInfo,
    VoipMetrics, XrBlock, parse_compound, print_compound,
};
use media_core::rtp::{RtpHeader, RtpPacket};
use media_core::{Agreed, Codec, Cx, Op, PacketKind, StreamCommand, StreamId, Streams, StreamsConfig, Tick};
use proptest::collection::vec;
use proptest::prelude::*;

fn report_block() -> impl Strategy<Value = ReportBlock> {
    (any::<(u32, u8, u32, u32, u32, u32)>(), -0x80_0000..=0x7F_FFFF).prop_map(
        |((ssrc, fraction_lost, highest_sequence, jitter, last_sr, delay_since_last_sr), cumulative_lost)| {
            ReportBlock {
                ssrc,
                fraction_lost,
                cumulative_lost,
                highest_sequence,
                jitter,
                last_sr,
                delay_since_last_sr,
            }
        },
    )
}

fn voip_metrics() -> impl Strategy<Value = VoipMetrics> {
    let rates = any::<(u32, u8, u8, u8, u8, u8)>();
    let delays = any::<(u16, u16, u16, u16, u16, u16, u16)>();
    let level = || proptest::option::of(-128..=126i8);
    let loss = proptest::option::of(0..=126u8);
    let r = || proptest::option::of(0..=100u8);
    let mos = || proptest::option::of(10..=50u8);
    let concealment = prop_oneof![
        Just(Concealment::Unspecified),
        Just(Concealment::Disabled),
        Just(Concealment::Enhanced),
        Just(Concealment::Standard)
    ];
    let kind = prop_oneof![
        Just(JitterBufferKind::Unknown),
        Just(JitterBufferKind::Reserved),
        Just(JitterBufferKind::Fixed),
        Just(JitterBufferKind::Adaptive)
    ];
    (rates, delays, (level(), level(), loss), (r(), r(), mos(), mos()), (concealment, kind, 0..16u8))
        .prop_map(|(rates, delays, levels, scores, configuration)| VoipMetrics {
            ssrc: rates.0,
            loss_rate: rates.1,
            discard_rate: rates.2,
            burst_density: rates.3,
            gap_density: rates.4,
            burst_duration_ms: delays.0,
            gap_duration_ms: delays.1,
            round_trip_ms: delays.2,
            end_system_delay_ms: delays.3,
            signal_level: levels.0,
            noise_level: levels.1,
            residual_echo_return_loss: levels.2,
            gmin: rates.5,
            r_factor: scores.0,
            external_r_factor: scores.1,
            mos_lq: scores.2,
            mos_cq: scores.3,
            concealment: configuration.0,
            jitter_buffer: configuration.1,
            jitter_buffer_rate: configuration.2,
            nominal_delay_ms: delays.4,
            maximum_delay_ms: delays.5,
            absolute_maximum_delay_ms: delays.6,
        })
}

fn xr_block() -> impl Strategy<Value = XrBlock> {
    let dlrr = any::<(u32, u32, u32)>().prop_map(|(ssrc, last_rr, delay_since_last_rr)| Dlrr {
        ssrc,
        last_rr,
        delay_since_last_rr,
    });
    prop_oneof![
        any::<u64>().prop_map(|time| XrBlock::ReceiverReferenceTime(NtpTime(time))),
        vec(dlrr, 1..5).prop_map(XrBlock::Dlrr),
        voip_metrics().prop_map(XrBlock::VoipMetrics),
        (8..=255u8).prop_map(|block_type| XrBlock::Other { block_type }),
    ]
}

fn rtcp_packet() -> impl Strategy<Value = RtcpPacket> {
    let chunk = (any::<u32>(), vec((1..=255u8, vec(any::<u8>(), 0..20)), 0..4))
        .prop_map(|(ssrc, items)| SdesChunk { ssrc, items });
    prop_oneof![
        vec(chunk, 0..4).prop_map(RtcpPacket::SourceDescription),
        (vec(any::<u32>(), 0..4), proptest::option::of(vec(any::<u8>(), 0..20)))
            .prop_map(|(sources, reason)| RtcpPacket::Bye { sources, reason })
            // A reason of no bytes behind nothing is the padding of a BYE without one.
            .prop_filter(
                "ambiguous",
                |bye| !matches!(bye, RtcpPacket::Bye { reason: Some(text), .. } if text.is_empty())
            ),
        // 207 is the extended report.
        (204..=255u8)
            .prop_filter("known", |packet_type| *packet_type != 207)
            .prop_map(|packet_type| RtcpPacket::Other { packet_type }),
        (any::<u32>(), vec(xr_block(), 0..6))
            .prop_map(|(ssrc, blocks)| RtcpPacket::ExtendedReport { ssrc, blocks }),
        (any::<u32>(), vec(report_block(), 0..31))
            .prop_map(|(ssrc, reports)| RtcpPacket::ReceiverReport { ssrc, reports }),
    ]
}

fn compound() -> impl Strategy<Value = Vec<RtcpPacket>> {
    let info = any::<(u64, u32, u32, u32)>().prop_map(|(ntp, rtp_timestamp, packets, octets)| SenderInfo {
        ntp: NtpTime(ntp),
        rtp_timestamp,
        packets,
        octets,
    });
    let first = (any::<u32>(), info, vec(report_block(), 0..4))
        .prop_map(|(ssrc, info, reports)| RtcpPacket::SenderReport { ssrc, info, reports });
    (first, vec(rtcp_packet(), 0..4)).prop_map(|(first, rest)| std::iter::once(first).chain(rest).collect())
}

const PEER: ([u8; 4], u16) = ([192, 0, 2, 9], 5_000);

/// Streams with one that is open and in force towards [`PEER`].
fn streams() -> (Streams, Agreed) {
    let mut agreed = Agreed::plain(([192, 0, 2, 1], 4_000).into(), PEER.into(), Codec::Pcmu);
    agreed.dtmf_payload_type = Some(101);
    (Streams::new(StreamsConfig::default()), agreed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn rtp_headers_are_parsed_as_written(
        (marker, sequence, timestamp, ssrc) in any::<(bool, u16, u32, u32)>(),
        payload_type in 0..128u8,
        payload in vec(any::<u8>(), 0..50),
    ) {
        let header = RtpHeader { marker, payload_type, sequence, timestamp, ssrc };
        let bytes = header.packet(&payload);
        let packet = RtpPacket::parse(&bytes).expect("our own packet");
        prop_assert_eq!((packet.header, packet.payload), (header, &payload[..]));
    }

    #[test]
    fn compounds_are_parsed_as_written(packets in compound()) {
        prop_assert_eq!(parse_compound(&print_compound(&packets)), Ok(packets));
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_parsed(mut bytes in vec(any::<u8>(), 0..200), version in any::<bool>()) {
        if version && !bytes.is_empty() {
            bytes[0] = bytes[0] & 0x3F | 0x80;
        }
        let _ = RtpPacket::parse(&bytes);
        let _ = parse_compound(&bytes);
    }

    /// Packets of any content, order and time from the negotiated peer: no panic, counters add up.
    #[test]
    fn streams_survive_any_packets(
        packets in vec((any::<bool>(), 0..3u8, any::<(bool, u16, u32)>(), vec(any::<u8>(), 0..40), 0..100_000u64), 0..60),
    ) {
        let (mut streams, agreed) = streams();
        let mut seed = 1u64;
        let mut random = || { seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1); seed };
        let mut out = Vec::new();
        let mut now = Tick(0);
        let stream = StreamId(1);
        let unix = Duration::from_secs(1_700_000_000);
        let mut cx = Cx { now, unix, random: &mut random };
        streams.command(&mut cx, StreamCommand::Open { op: Op(1), stream, device: None }, &mut out);
        streams.command(&mut cx, StreamCommand::Apply { op: Op(2), stream, agreed: agreed.clone() }, &mut out);
        let total = packets.len() as u64;
        for (reports, shape, (marker, sequence, timestamp), payload, later) in packets {
            now += Duration::from_micros(later);
            cx.now = now;
            let payload_type = [0, 101, 96][usize::from(shape)];
            let header = RtpHeader { marker, payload_type, sequence, timestamp, ssrc: 5 };
            if reports {
                let mut bytes = payload;
                bytes.splice(0..0, [0x81, 201, 0, 7]);
                streams.packet(&mut cx, stream, PacketKind::Rtcp, agreed.remote_rtcp, &bytes, &mut out);
            } else {
                streams.packet(&mut cx, stream, PacketKind::Rtp, agreed.remote_rtp, &header.packet(&payload), &mut out);
            }
            streams.tick(&mut cx, &mut out);
        }
        let snapshot = streams.snapshot(stream).expect("the stream is open");
        prop_assert!(snapshot.received + snapshot.reports_received <= total);
        prop_assert_eq!(snapshot.strangers, 0);
        streams.command(&mut cx, StreamCommand::Close { op: Op(3), stream }, &mut out);
        prop_assert!(streams.is_empty());
    }
}
