//! Packets of any content through the parsers and through streams in force, alone, paired, mixed and under SRTP: no panic,
//! nothing is left at the end, and what leaves the secured stream can be opened.
//!
//! To the secured stream what its peer could protect comes protected, the rest as it is. The input is a list of packets: one byte (bit 0: RTCP, bit 1: from a stranger, bits 2 and 3: to which stream, bits 4 to 6:
//! a command before it), two bytes of length, two of milliseconds since the packet before.
#![no_main]

use std::net::SocketAddr;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use media_core::dtmf::Event;
use media_core::latch::LatchPolicy;
use media_core::rtcp::{parse_compound, print_compound};
use media_core::rtp::RtpPacket;
use media_core::srtp::sdes::Crypto;
use media_core::srtp::{KeyMaterial, SrtpReceiver, SrtpSender, Suite};
use media_core::{
    Agreed, AgreedSrtp, Codec, Cx, DeviceId, Direction, MediaFormat, Op, PacketKind, RecordLayout,
    RecordingId, Source, StreamCommand, StreamId, StreamOutput, Streams, StreamsConfig, Tick,
};

fn agreed(stream: u64, codec: Codec, direction: Direction, muxed: bool) -> Agreed {
    let peer = SocketAddr::from(([192, 0, 2, 9], 5_000 + 2 * stream as u16));
    let mut agreed = Agreed::plain(SocketAddr::from(([192, 0, 2, 1], 4_000)), peer, codec);
    agreed.dtmf_payload_type = Some(101);
    agreed.comfort_noise_payload_type = Some(13);
    agreed.direction = direction;
    agreed.rtcp_mux = muxed;
    if muxed {
        agreed.remote_rtcp = peer;
    }
    agreed.receive = vec![
        (0, MediaFormat::Audio(Codec::Pcmu)),
        (8, MediaFormat::Audio(Codec::Pcma)),
        (9, MediaFormat::Audio(Codec::G722)),
        (13, MediaFormat::ComfortNoise),
        (101, MediaFormat::TelephoneEvent { clock_rate: 8_000 }),
    ];
    if stream == SECURED {
        let (local, remote) = (line(1), line(2));
        agreed.srtp = Some(Box::new(AgreedSrtp { local, remote }));
    }
    agreed
}

/// The stream under SRTP.
const SECURED: u64 = 4;

fn line(fill: u8) -> Crypto {
    let suite = Suite::AesCm128HmacSha1_80;
    Crypto::new(
        1,
        KeyMaterial::new(suite, &vec![fill; suite.material_bytes()]).expect("the length of the suite"),
    )
}

fn command(number: u8, stream: StreamId, device: DeviceId) -> Option<StreamCommand> {
    let op = Op(9);
    let apply = |codec, direction, muxed| StreamCommand::Apply {
        op,
        stream,
        agreed: agreed(stream.0, codec, direction, muxed),
    };
    Some(match number {
        1 => apply(Codec::Pcmu, Direction::Inactive, false),
        2 => apply(Codec::Pcmu, Direction::SendRecv, stream.0 == 2),
        3 => apply(Codec::G722, Direction::SendRecv, false),
        4 => StreamCommand::Press {
            op,
            stream,
            events: vec![Event::FLASH; 3],
            duration: Duration::from_millis(90),
        },
        5 if stream.0 == 1 => {
            StreamCommand::Record { op, device, recording: RecordingId(1), layout: RecordLayout::Stereo }
        }
        5 if stream.0 == 2 => StreamCommand::Pair { op, a: StreamId(2), b: StreamId(3) },
        5 if stream.0 == SECURED => StreamCommand::Pair { op, a: StreamId(SECURED), b: StreamId(3) },
        5 => StreamCommand::Mix { op, streams: vec![StreamId(1), StreamId(2), StreamId(3)] },
        6 if stream.0 == 1 => StreamCommand::Unmix { op, stream },
        6 => StreamCommand::Unpair { op, stream },
        7 => StreamCommand::Mute { device, muted: stream.0 == 1 },
        _ => return None,
    })
}

fuzz_target!(|bytes: &[u8]| {
    let stranger = SocketAddr::from(([203, 0, 113, 1], 5_000));
    let config = StreamsConfig {
        latch: LatchPolicy::Learn,
        xr: true,
        find_tones: true,
        soundless_after: Some(Duration::from_secs(5)),
        ears: true,
        ..StreamsConfig::default()
    };
    let mut streams = Streams::new(config);
    let mut next = 7_u64;
    // Knuth's MMIX constants; the high bits are mixed down.
    let mut random = || {
        next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        next ^ next >> 29
    };
    let mut peer_of_secured = SrtpSender::new(&line(2)).expect("a usable line");
    let mut ear_of_secured = SrtpReceiver::new(&line(1)).expect("a usable line");
    let unix = Duration::from_secs(1_700_000_000);
    let mut cx = Cx { now: Tick(0), unix, random: &mut random };
    let device = DeviceId(1);
    let mut out = Vec::new();
    streams.command(&mut cx, StreamCommand::OpenDevice { device, source: Source::Echo }, &mut out);
    for number in 1..=SECURED {
        let (stream, op) = (StreamId(number), Op(number));
        let device = (number == 1).then_some(device);
        streams.command(&mut cx, StreamCommand::Open { op, stream, device }, &mut out);
        let agreed = agreed(number, Codec::Pcmu, Direction::SendRecv, number == 2);
        streams.command(&mut cx, StreamCommand::Apply { op, stream, agreed }, &mut out);
    }

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
        let number = u64::from(head[0] >> 2 & 3) + 1;
        let stream = StreamId(number);
        if let Some(command) = command(head[0] >> 4 & 7, stream, device) {
            streams.command(&mut cx, command, &mut out);
        }
        let peer = SocketAddr::from(([192, 0, 2, 9], 5_000 + 2 * number as u16));
        let (kind, source) = match (head[0] & 1, head[0] & 2) {
            (_, 2) => (PacketKind::Rtp, stranger),
            (1, _) if number != 2 => (PacketKind::Rtcp, SocketAddr::new(peer.ip(), peer.port() + 1)),
            _ => (PacketKind::Rtp, peer),
        };
        let mut protected = packet.to_vec();
        let secured = number == SECURED
            && source != stranger
            && match kind {
                PacketKind::Rtp => peer_of_secured.protect_rtp(&mut protected).is_ok(),
                PacketKind::Rtcp => peer_of_secured.protect_rtcp(&mut protected).is_ok(),
            };
        let packet = if secured { &protected } else { packet };
        streams.packet(&mut cx, stream, kind, source, packet, &mut out);
        streams.tick(&mut cx, &mut out);
        assert!(streams.next_deadline().is_none_or(|deadline| deadline > cx.now));
        for output in out.drain(..) {
            if let StreamOutput::Send { stream: StreamId(SECURED), kind, packet, .. } = output {
                let mut packet = packet.to_vec();
                let opened = match kind {
                    PacketKind::Rtp => ear_of_secured.unprotect_rtp(&mut packet),
                    PacketKind::Rtcp => ear_of_secured.unprotect_rtcp(&mut packet),
                };
                assert!(opened.is_ok(), "{opened:?}");
            }
        }
    }
    let _ = streams.hearing(device);
    for number in 1..=SECURED {
        let close = StreamCommand::Close { op: Op(number), stream: StreamId(number) };
        streams.command(&mut cx, close, &mut out);
    }
    streams.command(&mut cx, StreamCommand::CloseDevice { device }, &mut out);
    assert!(streams.is_empty());
});
