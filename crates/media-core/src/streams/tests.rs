//! A small world for streams: parties on one virtual clock, a wire with 10 ms delay between them.

mod devices;
mod gate;
mod hold;
mod keys;
mod learning;
mod mixing;
mod moving;
mod network;
mod paired_digits;
mod pairs;
mod playing;
mod quality;
mod reports;
#[cfg(feature = "srtp")]
mod secured;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::codec::{Codec, SampleRate};
use crate::direction::Direction;
use crate::dtmf::{DigitError, Event, EventSet};
use crate::negotiation::MediaFormat;
use crate::rtcp::{RtcpPacket, parse_compound};
use crate::rtp::{RtpHeader, RtpPacket};
use crate::sink::{RecordLayout, RecordedBlock};
use crate::source::Source;
use crate::wav::Wav;

const DELAY: Duration = Duration::from_millis(10);
const RATE: SampleRate = SampleRate::Hz8000;
const UNIX: Duration = Duration::from_secs(1_700_000_000);

/// One packet on the wire.
#[derive(Debug, Clone)]
struct Flight {
    at: Tick,
    from: SocketAddr,
    to: SocketAddr,
    kind: PacketKind,
    packet: Bytes,
}

impl Flight {
    fn rtp(&self) -> RtpHeader {
        RtpPacket::parse(&self.packet).expect("our own packet").header
    }

    fn rtcp(&self) -> Vec<RtcpPacket> {
        parse_compound(&self.packet).expect("our own compound")
    }
}

/// One user agent's streams; its stream `n` has the RTP port `10_000 + 2n`.
struct Party {
    streams: Streams,
    host: u8,
    events: Vec<(Tick, StreamEvent)>,
    answers: Vec<Result<Op, (Op, StreamFailure)>>,
    recorded: Vec<(RecordingId, RecordedBlock)>,
}

struct World {
    now: Tick,
    seed: u64,
    parties: Vec<Party>,
    wire: VecDeque<Flight>,
    log: Vec<Flight>,
}

fn address(host: u8, stream: StreamId, kind: PacketKind) -> SocketAddr {
    let port = 10_000 + 2 * stream.0 as u16 + u16::from(kind == PacketKind::Rtcp);
    SocketAddr::from(([192, 0, 2, host], port))
}

impl Party {
    fn ip(&self) -> std::net::IpAddr {
        std::net::IpAddr::from([192, 0, 2, self.host])
    }
}

impl World {
    fn new(parties: u8) -> Self {
        Self::with(parties, &StreamsConfig::default())
    }

    fn with(parties: u8, config: &StreamsConfig) -> Self {
        let parties = (1..=parties)
            .map(|host| Party {
                streams: Streams::new(StreamsConfig { ears: true, ..config.clone() }),
                host,
                events: Vec::new(),
                answers: Vec::new(),
                recorded: Vec::new(),
            })
            .collect();
        Self { now: Tick(1_000_000), seed: 1, parties, wire: VecDeque::new(), log: Vec::new() }
    }

    /// Two parties in a call on stream 1 of each, with tones of 440 Hz and 1,000 Hz.
    fn call() -> Self {
        Self::call_with(&StreamsConfig::default())
    }

    fn call_with(config: &StreamsConfig) -> Self {
        let mut world = Self::with(2, config);
        world.device(0, 1, Source::Tone { hz: 440 });
        world.device(1, 1, Source::Tone { hz: 1_000 });
        for party in 0..2 {
            world.open(party, 1, Some(1));
            world.apply(party, 1, agreed(2 - party as u8, 1, Direction::SendRecv));
        }
        world
    }

    /// Party 0 has party 1 on its stream 1, with the device, and party 2 on its stream 2, by `second`; every party has a tone.
    fn two_legs(second: impl Fn(Agreed) -> Agreed) -> Self {
        let mut world = Self::new(3);
        for (party, hz) in [(0, 440), (1, 1_000), (2, 1_500)] {
            world.device(party, 1, Source::Tone { hz });
        }
        world.open(0, 1, Some(1));
        world.open(0, 2, None);
        world.open(1, 1, Some(1));
        world.open(2, 1, Some(1));
        world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
        world.apply(1, 1, agreed(1, 1, Direction::SendRecv));
        world.apply(0, 2, second(agreed(3, 1, Direction::SendRecv)));
        world.apply(2, 1, second(agreed(1, 2, Direction::SendRecv)));
        world
    }

    fn step(&mut self, party: usize, step: impl FnOnce(&mut Streams, &mut Cx<'_>, &mut Vec<StreamOutput>)) {
        let seed = &mut self.seed;
        let mut random = || {
            // Knuth's MMIX constants; the high bits are mixed down.
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *seed ^ *seed >> 29
        };
        let mut cx = Cx { now: self.now, unix: UNIX + self.now.since(Tick::default()), random: &mut random };
        let mut out = Vec::new();
        let party = &mut self.parties[party];
        step(&mut party.streams, &mut cx, &mut out);
        for output in out {
            match output {
                StreamOutput::Send { stream, kind, to, packet, .. } => {
                    let from = address(party.host, stream, kind);
                    let flight = Flight { at: self.now, from, to, kind, packet };
                    self.wire.push_back(flight.clone());
                    self.log.push(flight);
                }
                StreamOutput::Applied { op } => party.answers.push(Ok(op)),
                StreamOutput::Failed { op, failure } => party.answers.push(Err((op, failure))),
                StreamOutput::Recorded { recording, block } => party.recorded.push((recording, block)),
                StreamOutput::Event(event) => party.events.push((self.now, event)),
            }
        }
    }

    fn command(&mut self, party: usize, command: StreamCommand) -> Result<(), StreamFailure> {
        let before = self.parties[party].answers.len();
        self.step(party, |streams, cx, out| streams.command(cx, command, out));
        match &self.parties[party].answers[before..] {
            [] | [Ok(Op(0))] => Ok(()),
            [Err((Op(0), failure))] => Err(*failure),
            other => panic!("answered by {other:?}"),
        }
    }

    fn device(&mut self, party: usize, device: u64, source: Source) {
        let device = DeviceId(device);
        self.command(party, StreamCommand::OpenDevice { device, source }).expect("no answer is no failure");
    }

    fn open(&mut self, party: usize, stream: u64, device: Option<u64>) {
        let (stream, device) = (StreamId(stream), device.map(DeviceId));
        self.command(party, StreamCommand::Open { op: Op(0), stream, device }).expect("opened");
    }

    fn apply(&mut self, party: usize, stream: u64, agreed: Agreed) {
        let stream = StreamId(stream);
        self.command(party, StreamCommand::Apply { op: Op(0), stream, agreed }).expect("applied");
    }

    fn move_device(&mut self, party: usize, from: u64, to: u64) {
        let (from, to) = (StreamId(from), StreamId(to));
        self.command(party, StreamCommand::Move { op: Op(0), from, to }).expect("moved");
    }

    /// Presses keys for 100 ms each.
    fn press(&mut self, party: usize, stream: u64, digits: &str) -> Result<(), StreamFailure> {
        let events = digits.chars().map(|digit| Event::from_char(digit).expect("a digit")).collect();
        let stream = StreamId(stream);
        self.command(party, StreamCommand::Press { op: Op(0), stream, events, duration: ms(100) })
    }

    fn close(&mut self, party: usize, stream: u64) {
        self.command(party, StreamCommand::Close { op: Op(0), stream: StreamId(stream) }).expect("closed");
    }

    /// Lets bytes arrive at a party's stream from any address.
    fn inject(&mut self, party: usize, stream: u64, kind: PacketKind, source: SocketAddr, bytes: &[u8]) {
        self.step(party, |streams, cx, out| streams.packet(cx, StreamId(stream), kind, source, bytes, out));
    }

    /// Runs everything that is due in the next `time`, in the order of its moments.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let arrival = self.wire.front().map(|flight| flight.at + DELAY);
            let deadline = self.parties.iter().filter_map(|party| party.streams.next_deadline()).min();
            let Some(next) = [arrival, deadline].into_iter().flatten().min().filter(|next| *next <= end)
            else {
                break;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let flight = self.wire.pop_front().expect("the arrival is that of the first");
                let target = (0..self.parties.len()).find_map(|party| {
                    let host = self.parties[party].host;
                    let stream = self.parties[party]
                        .streams
                        .streams()
                        .find(|stream| address(host, *stream, flight.kind) == flight.to)?;
                    Some((party, stream))
                });
                if let Some((party, stream)) = target {
                    self.inject(party, stream.0, flight.kind, flight.from, &flight.packet);
                }
            }
            for party in 0..self.parties.len() {
                self.step(party, Streams::tick);
            }
        }
        self.now = end;
        for party in 0..self.parties.len() {
            self.step(party, Streams::tick);
        }
    }

    fn sent(&self, party: usize, stream: u64, kind: PacketKind, since: Tick) -> Vec<&Flight> {
        let from = address(self.parties[party].host, StreamId(stream), kind);
        self.log
            .iter()
            .filter(|flight| flight.from == from && flight.kind == kind && flight.at >= since)
            .collect()
    }

    fn rtp(&self, party: usize, stream: u64, since: Tick) -> Vec<RtpHeader> {
        self.sent(party, stream, PacketKind::Rtp, since).into_iter().map(Flight::rtp).collect()
    }

    fn hearing(&self, party: usize) -> Hearing {
        self.parties[party].streams.hearing_at(DeviceId(1), self.now).expect("device 1 is open")
    }

    fn snapshot(&self, party: usize, stream: u64) -> StreamSnapshot {
        self.parties[party].streams.snapshot(StreamId(stream)).expect("the stream is open")
    }

    fn events(&self, party: usize) -> Vec<&StreamEvent> {
        self.parties[party].events.iter().map(|(_, event)| event).collect()
    }

    fn qualities(&self, party: usize, kind: QualityKind) -> Vec<QualityReport> {
        let quality = |event: &StreamEvent| match event {
            StreamEvent::Quality(report) if report.kind == kind => Some(*report),
            _ => None,
        };
        self.parties[party].events.iter().filter_map(|(_, event)| quality(event)).collect()
    }
}

/// What a party agreed with stream `stream` of host `host`.
fn agreed(host: u8, stream: u64, direction: Direction) -> Agreed {
    let (local, remote) =
        (address(0, StreamId(stream), PacketKind::Rtp), address(host, StreamId(stream), PacketKind::Rtp));
    Agreed {
        remote_rtcp: address(host, StreamId(stream), PacketKind::Rtcp),
        dtmf_payload_type: Some(101),
        dtmf_events: EventSet::parse("0-16"),
        receive: vec![
            (0, MediaFormat::Audio(Codec::Pcmu)),
            (8, MediaFormat::Audio(Codec::Pcma)),
            (9, MediaFormat::Audio(Codec::G722)),
            (101, MediaFormat::TelephoneEvent { clock_rate: 8_000 }),
        ],
        direction,
        ..Agreed::plain(local, remote, Codec::Pcmu)
    }
}

/// The same with another codec, its payload type and the time of its packets.
fn with_codec(agreed: Agreed, codec: Codec, payload_type: u8, ptime_ms: u8) -> Agreed {
    let mut agreed = Agreed { codec, payload_type, ptime_ms, ..agreed };
    agreed.receive.retain(|(number, _)| *number != payload_type);
    agreed.receive.push((payload_type, MediaFormat::Audio(codec)));
    agreed
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
