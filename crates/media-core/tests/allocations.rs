//! Warm streams allocate nothing per packet: not for one that is sent, not for one that is heard or passed on. A program of
//! its own, so that nothing else allocates meanwhile.

use std::alloc::System;
use std::net::SocketAddr;
use std::time::Duration;

use media_core::rtp::RtpHeader;
use media_core::{
    Agreed, Codec, Cx, DeviceId, Op, PacketKind, SampleRate, Source, StreamCommand, StreamId, StreamOutput,
    Streams, StreamsConfig, Tick,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const STREAMS: u64 = 100;
/// The streams that are paired, two and two; the others have devices.
const PAIRED: u64 = 20;
/// Allocations that are not a packet's: a watchdog that is put off every two seconds moves in an ordered set.
const ASIDE: usize = 50;
const FRAME: Duration = Duration::from_millis(20);

struct Calls {
    streams: Streams,
    now: Tick,
    out: Vec<StreamOutput>,
    packet: Vec<u8>,
    frame: u32,
    sent: usize,
}

fn remote(stream: u64) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 10_000 + 2 * stream as u16))
}

impl Calls {
    fn step(&mut self, step: impl FnOnce(&mut Streams, &mut Cx<'_>, &mut Vec<StreamOutput>)) {
        let mut random = || 4;
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

    fn command(&mut self, command: StreamCommand) {
        self.step(|streams, cx, out| streams.command(cx, command, out));
    }

    /// Every stream gets a packet and has a frame due.
    fn frame(&mut self) {
        self.now += FRAME;
        self.step(Streams::tick);
        for stream in 1..=STREAMS {
            let mut packet = std::mem::take(&mut self.packet);
            packet.clear();
            let header = RtpHeader {
                marker: false,
                payload_type: 0,
                sequence: self.frame as u16,
                timestamp: self.frame * 160,
                ssrc: 77 + stream as u32,
            };
            // A square wave of 1,000 Hz.
            let payload: [u8; 160] =
                std::array::from_fn(|sample| if sample / 4 % 2 == 0 { 0x20 } else { 0xA0 });
            header.write(&payload, &mut packet);
            self.step(|streams, cx, out| {
                streams.packet(cx, StreamId(stream), PacketKind::Rtp, remote(stream), &packet, out);
            });
            self.packet = packet;
        }
        self.frame += 1;
    }
}

#[test]
fn warm_streams_allocate_nothing_per_packet() {
    // Reports are rare and may allocate; here none is due.
    let config = StreamsConfig { rtcp_interval: Duration::from_secs(100_000), ..StreamsConfig::default() };
    let mut calls = Calls {
        streams: Streams::new(config),
        now: Tick(1_000_000),
        out: Vec::new(),
        packet: Vec::new(),
        frame: 0,
        sent: 0,
    };
    let op = Op(0);
    for number in 1..=STREAMS {
        let (stream, device) = (StreamId(number), DeviceId(number));
        let source = match number % 3 {
            0 => Source::Echo,
            1 => Source::Tone { hz: 440 },
            _ => Source::Application { rate: SampleRate::Hz8000 },
        };
        calls.command(StreamCommand::OpenDevice { device, source });
        calls.command(StreamCommand::Open { op, stream, device: Some(device) });
        let local = SocketAddr::from(([192, 0, 2, 2], remote(number).port()));
        let agreed = Agreed::plain(local, remote(number), Codec::Pcmu);
        calls.command(StreamCommand::Apply { op, stream, agreed });
    }
    for number in (1..=PAIRED).step_by(2) {
        calls.command(StreamCommand::Pair { op, a: StreamId(number), b: StreamId(number + 1) });
    }
    for _ in 0..100 {
        calls.frame();
    }
    calls.sent = 0;
    let region = Region::new(ALLOCATIONS);
    for _ in 0..500 {
        calls.frame();
    }
    let change = region.change();
    assert_eq!(calls.sent as u64, 500 * STREAMS);
    // 50,000 packets each way.
    assert!(change.allocations <= ASIDE, "{}", change.allocations);
    assert_eq!(change.reallocations, 0);
}
