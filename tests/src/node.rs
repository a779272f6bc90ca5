//! One party of the world: an engine with its RTP streams, both in virtual time.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use bytes::Bytes;
use media_core::{Cx, PacketKind, StreamCommand, StreamId, StreamOutput, Streams, StreamsConfig};
use session_core::{
    SessionEvent,
    engine::{Engine, EngineConfig, Input, Output, Seen, StreamAnswer, StreamRequest, Tap},
};
use sip_transport::{CloseCause, FlowId, LookupError, Tick, Transport, TransportInput};

use crate::seed::Seed;

/// The wall clock at the start of every world, since 1970: it stands in RTCP only.
const UNIX_AT_START: Duration = Duration::from_hours(500_000);

/// The first RTP port that a node is given; each further pair is the next.
const FIRST_RTP_PORT: u16 = 16_384;

/// Keeps the events of an engine until the world takes them.
#[derive(Debug, Default)]
pub struct EventTap {
    events: Vec<SessionEvent>,
}

impl Tap for EventTap {
    fn seen(&mut self, _at: Tick, seen: Seen<'_>) {
        if let Seen::Event(event) = seen {
            self.events.push(event.clone());
        }
    }
}

/// What a node wants of the world.
#[derive(Debug)]
pub enum Wish {
    /// Send SIP bytes.
    Sip {
        /// To where.
        to: SocketAddr,
        /// One message.
        message: Bytes,
    },
    /// Send an RTP or RTCP packet.
    Rtp {
        /// From which of our ports.
        port: u16,
        /// To where.
        to: SocketAddr,
        /// The packet.
        packet: Bytes,
    },
    /// Something for the application; not one of the above.
    Application(Output),
}

/// A party.
pub struct Node {
    name: String,
    engine: Engine<EventTap>,
    streams: Streams,
    random: Seed,
    start: Instant,
    address: SocketAddr,
    next_port: u16,
    ports: BTreeMap<u16, StreamId>,
}

impl Node {
    /// The address of the node with this number: 192.0.2.1, 192.0.2.2 …, port 5060.
    pub fn address_of(number: usize) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, number as u8 + 1)), 5060)
    }

    /// Makes a node whose socket is open. `start` is the origin of the world's time.
    pub fn new(name: &str, number: usize, config: EngineConfig, start: Instant, seed: u64) -> Self {
        let purpose = number as u64 * 2;
        let address = Self::address_of(number);
        let random = Box::new(Seed::new(seed, 0x100 + purpose));
        let mut engine = Engine::new(config, start, UNIX_AT_START, random, EventTap::default());
        let opened =
            TransportInput::Opened { flow: FlowId::from(1), transport: Transport::Udp, local: address };
        engine.handle(start, Input::Transport(opened));
        Self {
            name: name.to_owned(),
            engine,
            streams: Streams::new(StreamsConfig::default()),
            random: Seed::new(seed, 0x101 + purpose),
            start,
            address,
            next_port: FIRST_RTP_PORT,
            ports: BTreeMap::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its SIP address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// When something is due in it, since the start of the world.
    pub fn deadline(&self) -> Option<Duration> {
        let engine = self.engine.next_deadline().map(|at| at.saturating_duration_since(self.start));
        let streams = self.streams.next_deadline().map(|tick| Duration::from_micros(tick.0));
        match (engine, streams) {
            (Some(engine), Some(streams)) => Some(engine.min(streams)),
            (engine, streams) => engine.or(streams),
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Duration, wishes: &mut Vec<Wish>) {
        if self.engine.next_deadline().is_some_and(|at| at <= self.start + now) {
            self.engine.handle_timeout(self.start + now);
        }
        if self.streams.next_deadline().is_some_and(|at| at <= tick(now)) {
            let out = self.media(now, Streams::tick);
            self.stream_outputs(now, out, wishes);
        }
        self.drain(now, wishes);
    }

    /// Gives the engine an input.
    pub fn input(&mut self, now: Duration, input: Input, wishes: &mut Vec<Wish>) {
        self.engine.handle(self.start + now, input);
        self.drain(now, wishes);
    }

    /// A SIP datagram arrived.
    pub fn datagram(&mut self, now: Duration, source: SocketAddr, bytes: Bytes, wishes: &mut Vec<Wish>) {
        let input = TransportInput::Bytes { flow: FlowId::from(1), source, bytes };
        self.input(now, Input::Transport(input), wishes);
    }

    /// A packet arrived at one of our RTP or RTCP ports.
    pub fn packet(
        &mut self,
        now: Duration,
        port: u16,
        source: SocketAddr,
        packet: &[u8],
        wishes: &mut Vec<Wish>,
    ) {
        let Some(&stream) = self.ports.get(&(port & !1)) else { return };
        let kind = if port.is_multiple_of(2) { PacketKind::Rtp } else { PacketKind::Rtcp };
        let out = self.media(now, |streams, cx, out| streams.packet(cx, stream, kind, source, packet, out));
        self.stream_outputs(now, out, wishes);
        self.drain(now, wishes);
    }

    /// The events that were told since this was last asked.
    pub fn take_events(&mut self) -> Vec<SessionEvent> {
        std::mem::take(&mut self.engine.tap().events)
    }

    /// The engine.
    pub fn engine(&self) -> &Engine<EventTap> {
        &self.engine
    }

    /// The RTP streams.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    fn media(
        &mut self,
        now: Duration,
        step: impl FnOnce(&mut Streams, &mut Cx<'_>, &mut Vec<StreamOutput>),
    ) -> Vec<StreamOutput> {
        let mut out = Vec::new();
        let random = &mut self.random;
        let mut draw = || random.draw();
        let mut cx = Cx { now: tick(now), unix: UNIX_AT_START + now, random: &mut draw };
        step(&mut self.streams, &mut cx, &mut out);
        out
    }

    fn drain(&mut self, now: Duration, wishes: &mut Vec<Wish>) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Write(outbound) => {
                    wishes.push(Wish::Sip { to: outbound.hop.remote, message: outbound.wire });
                }
                Output::Stream(request) => self.stream_request(now, request, wishes),
                Output::MorePorts { wanted } => {
                    let first = self.next_port;
                    self.next_port += 2 * wanted as u16;
                    let ports = (0..wanted as u16).map(|pair| first + 2 * pair).collect();
                    self.engine.handle(self.start + now, Input::Ports(ports));
                }
                // A port that was not used is a number here; no socket is behind it.
                Output::ReleasePort(_) => {}
                // There are no connections in this world.
                Output::KeepAlive { .. } | Output::Close(_) => {}
                Output::Connect(connect) => {
                    let (flow, cause) = (connect.flow, CloseCause::Refused);
                    let answer = TransportInput::Closed { flow, cause };
                    self.engine.handle(self.start + now, Input::Transport(answer));
                }
                Output::Resolve { route, question } => {
                    let answer =
                        TransportInput::Resolved { route, question, result: Err(LookupError::NotFound) };
                    self.engine.handle(self.start + now, Input::Transport(answer));
                }
                output @ (Output::Deliver(_) | Output::Reply { .. }) => {
                    wishes.push(Wish::Application(output));
                }
            }
        }
    }

    fn stream_request(&mut self, now: Duration, request: StreamRequest, wishes: &mut Vec<Wish>) {
        match request {
            StreamRequest::OpenPort { stream, port } => {
                self.ports.insert(port, stream);
            }
            StreamRequest::Command(command) => {
                let closed = match &command {
                    StreamCommand::Close { stream, .. } => Some(*stream),
                    _ => None,
                };
                let out = self.media(now, |streams, cx, out| streams.command(cx, command, out));
                self.stream_outputs(now, out, wishes);
                if let Some(closed) = closed {
                    self.ports.retain(|_, stream| *stream != closed);
                }
            }
        }
    }

    fn stream_outputs(&mut self, now: Duration, out: Vec<StreamOutput>, wishes: &mut Vec<Wish>) {
        for output in out {
            let answer = match output {
                StreamOutput::Send { stream, kind, to, packet } => {
                    let port = self.ports.iter().find(|(_, owner)| **owner == stream).map(|(port, _)| *port);
                    if let Some(port) = port {
                        let port = if kind == PacketKind::Rtcp { port + 1 } else { port };
                        wishes.push(Wish::Rtp { port, to, packet });
                    }
                    continue;
                }
                StreamOutput::Applied { op } => StreamAnswer::Applied(op),
                StreamOutput::Failed { op, failure } => StreamAnswer::Failed(op, failure),
                StreamOutput::Event(event) => StreamAnswer::Event(event),
            };
            self.engine.handle(self.start + now, Input::Stream(answer));
        }
    }
}

fn tick(now: Duration) -> media_core::Tick {
    media_core::Tick(now.as_micros() as u64)
}
