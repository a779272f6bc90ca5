//! What a media session holds besides the frames of its playout: a stream and its device, warm, as the allocator sees it.
//! A program of its own with one test, so that nothing else allocates meanwhile.

use std::alloc::System;
use std::net::SocketAddr;
use std::time::Duration;

use media_core::playout::{Content, Format, Playout, PlayoutSettings};
use media_core::rtp::RtpHeader;
use media_core::{
    Agreed, Codec, Cx, DeviceId, Op, PacketKind, Source, StreamCommand, StreamId, StreamOutput, Streams,
    StreamsConfig, Tick,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What twice as many hold more is theirs; the rest is shared by all.
const STREAMS: u64 = 64;
/// 5 s: reports are sent, the playout has changed its length.
const FRAMES: u32 = 250;
/// The most bytes of a session, secured or not, and what an ear adds.
const MOST: f64 = 8_000.0;
const EAR: std::ops::Range<f64> = 4_000.0..7_000.0;

struct Calls {
    streams: Streams,
    now: Tick,
    out: Vec<StreamOutput>,
    sent: usize,
    seed: u64,
}

fn remote(stream: u64) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 10_000 + 2 * stream as u16))
}

fn header(frame: u32) -> RtpHeader {
    RtpHeader { marker: false, payload_type: 0, sequence: frame as u16, timestamp: frame * 160, ssrc: 77 }
}

impl Calls {
    fn step(&mut self, step: impl FnOnce(&mut Streams, &mut Cx<'_>, &mut Vec<StreamOutput>)) {
        // Knuth's MMIX constants: streams report at moments of their own, as real ones do.
        let seed = &mut self.seed;
        let mut random = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *seed ^ *seed >> 29
        };
        let unix = Duration::from_secs(1_700_000_000) + self.now.since(Tick::default());
        let mut cx = Cx { now: self.now, unix, random: &mut random };
        step(&mut self.streams, &mut cx, &mut self.out);
        for output in self.out.drain(..) {
            match output {
                StreamOutput::Send { kind: PacketKind::Rtp, .. } => self.sent += 1,
                StreamOutput::Failed { failure, .. } => panic!("{failure}"),
                _ => {}
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.streams.next_deadline().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.step(Streams::tick);
        }
        self.now = end;
    }

    fn receive(&mut self, stream: u64, packet: &[u8]) {
        self.step(|streams, cx, out| {
            streams.packet(cx, StreamId(stream), PacketKind::Rtp, remote(stream), packet, out);
        });
    }
}

/// The bytes of each warm session.
fn session_bytes(config: &StreamsConfig, packets: &[Vec<u8>], agreed: &dyn Fn(Agreed) -> Agreed) -> f64 {
    let [few, many] = [STREAMS, 2 * STREAMS].map(|count| bytes(count, config, packets, agreed));
    (many - few) as f64 / STREAMS as f64
}

/// The bytes of so many warm sessions, each of which receives these packets.
fn bytes(
    count: u64,
    config: &StreamsConfig,
    packets: &[Vec<u8>],
    agreed: &dyn Fn(Agreed) -> Agreed,
) -> usize {
    let region = Region::new(ALLOCATIONS);
    let mut calls = Calls {
        streams: Streams::new(config.clone()),
        now: Tick(1_000_000),
        out: Vec::new(),
        sent: 0,
        seed: 1,
    };
    let op = Op(0);
    for number in 1..=count {
        let (stream, device) = (StreamId(number), DeviceId(number));
        let local = SocketAddr::from(([192, 0, 2, 2], remote(number).port()));
        let agreed = agreed(Agreed::plain(local, remote(number), Codec::Pcmu));
        for command in [
            StreamCommand::OpenDevice { device, source: Source::Tone { hz: 440 } },
            StreamCommand::Open { op, stream, device: Some(device) },
            StreamCommand::Apply { op, stream, agreed },
        ] {
            calls.step(|streams, cx, out| streams.command(cx, command, out));
        }
    }
    for packet in packets {
        for stream in 1..=count {
            calls.receive(stream, packet);
        }
        calls.run(Duration::from_millis(20));
    }
    assert!(calls.sent as u64 >= count * u64::from(FRAMES), "{}", calls.sent);
    let heard = calls.streams.snapshot(StreamId(1)).expect("open");
    assert_eq!((heard.received, heard.unauthentic), (packets.len() as u64, 0));
    let change = region.change();
    change.bytes_allocated - change.bytes_deallocated
}

/// What a playout allocates for the packets that wait and for the samples that were decoded or may be needed again.
fn frame_bytes() -> f64 {
    let mut playout = Playout::new(PlayoutSettings::default(), Format::NARROWBAND);
    let mut decoder = |_: u8, payload: &[u8], samples: &mut Vec<i16>| {
        samples.resize(samples.len() + payload.len(), 0);
        Content::Audio
    };
    let mut samples = [0; 160];
    for frame in 0..FRAMES {
        let now = Tick::default() + Duration::from_millis(20) * frame;
        playout.put(&header(frame), &[0xFF; 160], Format::NARROWBAND, now);
        playout.pull(now, &mut samples, &mut decoder);
    }
    (playout.bytes() - size_of::<Playout>()) as f64
}

fn packets() -> Vec<Vec<u8>> {
    (0..FRAMES)
        .map(|frame| {
            let mut packet = Vec::new();
            header(frame).write(&[0x20; 160], &mut packet);
            packet
        })
        .collect()
}

/// The same packets under a key of the suite, and an agreement on it.
#[cfg(feature = "srtp")]
fn secured(
    suite: media_core::srtp::Suite,
    mut packets: Vec<Vec<u8>>,
) -> (Vec<Vec<u8>>, impl Fn(Agreed) -> Agreed) {
    use media_core::srtp::{KeyMaterial, SrtpSender, sdes::Crypto};

    let line = move |byte: u8| {
        let material = KeyMaterial::new(suite, &vec![byte; suite.material_bytes()]);
        Crypto::new(1, material.expect("as many bytes as it wants"))
    };
    let mut sender = SrtpSender::new(&line(2)).expect("a usable line");
    for packet in &mut packets {
        sender.protect_rtp(packet).expect("a packet");
    }
    let agreed = move |mut agreed: Agreed| {
        agreed.srtp = Some(Box::new(media_core::AgreedSrtp { local: line(1), remote: line(2) }));
        agreed
    };
    (packets, agreed)
}

#[test]
fn a_session_holds_less_than_eight_kilobytes_besides_its_frames() {
    let (config, frames, clear) = (StreamsConfig::default(), frame_bytes(), packets());
    let session = session_bytes(&config, &clear, &|agreed| agreed) - frames;
    println!("in the clear: {session:.0} bytes, and {frames} of frames");
    assert!(session < MOST, "{session}");
    // What is measured is what there is: an ear shows.
    let ears = StreamsConfig { ears: true, ..config.clone() };
    let ear = session_bytes(&ears, &clear, &|agreed| agreed) - frames - session;
    println!("an ear: {ear:.0} bytes");
    assert!(EAR.contains(&ear), "{ear}");
    #[cfg(feature = "srtp")]
    for suite in [media_core::srtp::Suite::AesCm128HmacSha1_80, media_core::srtp::Suite::AeadAes256Gcm] {
        let (packets, agreed) = secured(suite, clear.clone());
        let session = session_bytes(&config, &packets, &agreed) - frames;
        println!("{suite:?}: {session:.0} bytes");
        assert!(session < MOST, "{suite:?}: {session}");
    }
}
