//! RTCP compared with another implementation, the crate `rtcp-types`.

use media_core::rtcp::{
    Dlrr, NtpTime, ReportBlock, RtcpPacket, SdesChunk, SenderInfo, XrBlock, parse_compound, print_compound,
};
use proptest::collection::vec;
use proptest::prelude::*;
use rtcp_types::prelude::*;
use rtcp_types::{Compound, Packet};

fn their_reports<'a>(blocks: impl Iterator<Item = rtcp_types::ReportBlock<'a>>) -> Vec<ReportBlock> {
    blocks
        .map(|block| ReportBlock {
            ssrc: block.ssrc(),
            fraction_lost: block.fraction_lost(),
            // They leave the sign to their caller.
            cumulative_lost: (block.cumulative_lost() << 8).cast_signed() >> 8,
            highest_sequence: block.extended_sequence_number(),
            jitter: block.interarrival_jitter(),
            last_sr: block.last_sender_report_timestamp(),
            delay_since_last_sr: block.delay_since_last_sender_report_timestamp(),
        })
        .collect()
}

/// What they read, in our words; `None` when they refuse it.
fn theirs(bytes: &[u8]) -> Option<Vec<RtcpPacket>> {
    Compound::parse(bytes)
        .ok()?
        .map(|packet| {
            Some(match packet.ok()? {
                Packet::Sr(report) => RtcpPacket::SenderReport {
                    ssrc: report.ssrc(),
                    info: SenderInfo {
                        ntp: NtpTime(report.ntp_timestamp()),
                        rtp_timestamp: report.rtp_timestamp(),
                        packets: report.packet_count(),
                        octets: report.octet_count(),
                    },
                    reports: their_reports(report.report_blocks()),
                },
                Packet::Rr(report) => RtcpPacket::ReceiverReport {
                    ssrc: report.ssrc(),
                    reports: their_reports(report.report_blocks()),
                },
                Packet::Sdes(sdes) => RtcpPacket::SourceDescription(
                    sdes.chunks()
                        .map(|chunk| SdesChunk {
                            ssrc: chunk.ssrc(),
                            items: chunk.items().map(|item| (item.type_(), item.value().to_vec())).collect(),
                        })
                        .collect(),
                ),
                Packet::Bye(bye) => RtcpPacket::Bye {
                    sources: bye.ssrcs().collect(),
                    reason: bye.reason().map(<[u8]>::to_vec),
                },
                Packet::Xr(report) => RtcpPacket::ExtendedReport {
                    ssrc: report.sender_ssrc(),
                    blocks: report
                        .block_iter()
                        .map(|block| {
                            if let Ok(time) = block.parse_into::<rtcp_types::ReceiverReferenceTime<'_>>() {
                                XrBlock::ReceiverReferenceTime(NtpTime(time.ntp_timestamp()))
                            } else if let Ok(dlrr) =
                                block.parse_into::<rtcp_types::DelaySinceLastReceiverReport<'_>>()
                            {
                                XrBlock::Dlrr(
                                    dlrr.block_iter()
                                        .map(|item| Dlrr {
                                            ssrc: item.ssrc(),
                                            last_rr: item.last_receiver_report(),
                                            delay_since_last_rr: item
                                                .delay_since_last_receiver_report_timestamp(),
                                        })
                                        .collect(),
                                )
                            } else {
                                XrBlock::Other { block_type: block.block_type() }
                            }
                        })
                        .collect(),
                },
                other => RtcpPacket::Other { packet_type: other.type_() },
            })
        })
        .collect()
}

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

fn packet() -> impl Strategy<Value = RtcpPacket> {
    // They do not end a chunk behind an empty text; type 8 (PRIV) has a structure that we leave to the reader.
    let item = (1..8u8, "[a-z]{1,20}").prop_map(|(kind, text)| (kind, text.into_bytes()));
    // They skip zero bytes between chunks, and an SSRC that begins with some among them.
    let chunk = (0x0100_0000..=u32::MAX, vec(item, 0..4)).prop_map(|(ssrc, items)| SdesChunk { ssrc, items });
    let dlrr = any::<(u32, u32, u32)>().prop_map(|(ssrc, last_rr, delay_since_last_rr)| Dlrr {
        ssrc,
        last_rr,
        delay_since_last_rr,
    });
    let block = prop_oneof![
        any::<u64>().prop_map(|time| XrBlock::ReceiverReferenceTime(NtpTime(time))),
        // They refuse blocks of two to four sub-blocks, which RFC 3611 §4.5 allows.
        dlrr.prop_map(|item| XrBlock::Dlrr(vec![item])),
        (8..=255u8).prop_map(|block_type| XrBlock::Other { block_type }),
    ];
    prop_oneof![
        (any::<u32>(), vec(report_block(), 0..31))
            .prop_map(|(ssrc, reports)| RtcpPacket::ReceiverReport { ssrc, reports }),
        vec(chunk, 0..4).prop_map(RtcpPacket::SourceDescription),
        (vec(any::<u32>(), 1..4), proptest::option::of("[a-z]{1,30}")).prop_map(|(sources, reason)| {
            RtcpPacket::Bye { sources, reason: reason.map(String::into_bytes) }
        }),
        // One block each: they read a block up to the end of the packet.
        (any::<u32>(), block)
            .prop_map(|(ssrc, block)| RtcpPacket::ExtendedReport { ssrc, blocks: vec![block] }),
    ]
}

fn compound() -> impl Strategy<Value = Vec<RtcpPacket>> {
    let first = (any::<(u32, u64, u32, u32, u32)>(), vec(report_block(), 0..4)).prop_map(
        |((ssrc, ntp, rtp_timestamp, packets, octets), reports)| RtcpPacket::SenderReport {
            ssrc,
            info: SenderInfo { ntp: NtpTime(ntp), rtp_timestamp, packets, octets },
            reports,
        },
    );
    (first, vec(packet(), 0..4)).prop_map(|(first, rest)| std::iter::once(first).chain(rest).collect())
}

fn without_contents(packets: Vec<RtcpPacket>) -> Vec<RtcpPacket> {
    packets
        .into_iter()
        .map(|packet| match packet {
            RtcpPacket::ExtendedReport { ssrc, blocks } => {
                let blocks = blocks
                    .into_iter()
                    .map(|block| match block {
                        XrBlock::ReceiverReferenceTime(_) => XrBlock::Other { block_type: 4 },
                        XrBlock::Dlrr(_) => XrBlock::Other { block_type: 5 },
                        XrBlock::VoipMetrics(_) => XrBlock::Other { block_type: 7 },
                        other => other,
                    })
                    .collect();
                RtcpPacket::ExtendedReport { ssrc, blocks }
            }
            other => other,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn they_read_what_we_write(packets in compound()) {
        prop_assert_eq!(theirs(&print_compound(&packets)), Some(packets));
    }

    /// With some bytes changed: whatever both accept, both read alike; of extended reports only the types of the blocks are
    /// compared, because they do not check the lengths of the blocks.
    #[test]
    fn what_both_accept_both_read_alike(
        packets in compound(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = print_compound(&packets);
        for (at, value) in changes {
            let index = at.index(bytes.len());
            bytes[index] = value;
        }
        if let (Ok(ours), Some(theirs)) = (parse_compound(&bytes), theirs(&bytes)) {
            prop_assert_eq!(without_contents(ours), without_contents(theirs));
        }
    }

    #[test]
    fn we_read_what_they_write(
        (ssrc, ntp, rtp_timestamp, packets, octets) in any::<(u32, u64, u32, u32, u32)>(),
        block in report_block(),
        name in "[a-z]{1,40}",
        reason in "[a-z]{1,40}",
    ) {
        let report = rtcp_types::ReportBlock::builder(block.ssrc)
            .fraction_lost(block.fraction_lost)
            .cumulative_lost(block.cumulative_lost.cast_unsigned() & 0xFF_FFFF)
            .extended_sequence_number(block.highest_sequence)
            .interarrival_jitter(block.jitter)
            .last_sender_report_timestamp(block.last_sr)
            .delay_since_last_sender_report_timestamp(block.delay_since_last_sr);
        let sender = rtcp_types::SenderReport::builder(ssrc)
            .ntp_timestamp(ntp)
            .rtp_timestamp(rtp_timestamp)
            .packet_count(packets)
            .octet_count(octets)
            .add_report_block(report);
        let item = rtcp_types::SdesItem::builder(rtcp_types::SdesItem::CNAME, &name);
        let sdes = rtcp_types::Sdes::builder().add_chunk(rtcp_types::SdesChunk::builder(ssrc).add_item(item));
        let bye = rtcp_types::Bye::builder().add_source(ssrc).reason(&reason);
        let compound = Compound::builder().add_packet(sender).add_packet(sdes).add_packet(bye);
        let mut bytes = vec![0; compound.calculate_size().expect("it fits")];
        compound.write_into(&mut bytes).expect("it fits");
        let expected = vec![
            RtcpPacket::SenderReport {
                ssrc,
                info: SenderInfo { ntp: NtpTime(ntp), rtp_timestamp, packets, octets },
                reports: vec![block],
            },
            RtcpPacket::SourceDescription(vec![SdesChunk { ssrc, items: vec![(1, name.as_bytes().to_vec())] }]),
            RtcpPacket::Bye { sources: vec![ssrc], reason: Some(reason.as_bytes().to_vec()) },
        ];
        prop_assert_eq!(parse_compound(&bytes), Ok(expected));
    }
}
