//! Packets of any content through the parsers and through a stream in force: no panic.
//!
//! The input is a list of packets: one byte (bit 0: RTCP, bit 1: from a stranger), two bytes of length, two of
//! milliseconds since the packet before.
#![no_main]

use std::net::SocketAddr;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use media_core::rtcp::{parse_compound, print_compound};
use media_core::rtp::RtpPacket;
use media_core::{
    Agreed, Codec, Cx, DeviceId, Op, PacketKind, Source, StreamCommand, StreamId, Streams, StreamsConfig,
    Tick,
};

fuzz_target!(|bytes: &[u8]| {
    let peer = SocketAddr::from(([192, 0, 2, 9], 5_000));
    let reports = SocketAddr::from(([192, 0, 2, 9], 5_001));
    let stranger = SocketAddr::from(([203, 0, 113, 1], 5_000));
    let mut agreed = Agreed::plain(SocketAddr::from(([192, 0, 2, 1], 4_000)), peer, Codec::Pcmu);
    agreed.remote_rtcp = reports;
    agreed.dtmf_payload_type = Some(101);
    let mut streams = Streams::new(StreamsConfig::default());
    let mut random = || 7;
    let unix = Duration::from_secs(1_700_000_000);
    let mut cx = Cx { now: Tick(0), unix, random: &mut random };
    let (stream, device) = (StreamId(1), DeviceId(1));
    let mut out = Vec::new();
    streams.command(&mut cx, StreamCommand::OpenDevice { device, source: Source::Echo }, &mut out);
    streams.command(&mut cx, StreamCommand::Open { op: Op(1), stream, device: Some(device) }, &mut out);
    streams.command(&mut cx, StreamCommand::Apply { op: Op(2), stream, agreed }, &mut out);

    let mut rest = bytes;
    while let Some((head, behind)) = rest.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([head[1], head[2]])).min(behind.len());
        let (packet, behind) = behind.split_at(length);
        rest = behind;
        let _ = RtpPacket::parse(packet);
        if let Ok(packets) = parse_compound(packet) {
            assert_eq!(parse_compound(&print_compound(&packets)).as_ref(), Ok(&packets));
        }
        cx.now += Duration::from_millis(u64::from(u16::from_be_bytes([head[3], head[4]])));
        let (kind, source) = match (head[0] & 1, head[0] & 2) {
            (_, 2) => (PacketKind::Rtp, stranger),
            (1, _) => (PacketKind::Rtcp, reports),
            _ => (PacketKind::Rtp, peer),
        };
        streams.packet(&mut cx, stream, kind, source, packet, &mut out);
        streams.tick(&mut cx, &mut out);
        out.clear();
    }
    let _ = streams.hearing(device);
    streams.command(&mut cx, StreamCommand::Close { op: Op(3), stream }, &mut out);
    streams.command(&mut cx, StreamCommand::CloseDevice { device }, &mut out);
    assert!(streams.is_empty());
});
