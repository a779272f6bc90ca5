//! Properties over arbitrary bytes: nothing panics, and what is printed is parsed.

use std::time::Duration;

use media_core::rtcp::{
    NtpTime, ReportBlock, RtcpPacket, SdesChunk, SenderInfo, parse_compound, print_compound,
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
        (204..=255u8).prop_map(|packet_type| RtcpPacket::Other { packet_type }),
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
