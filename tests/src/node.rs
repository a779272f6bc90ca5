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
    engine::{Engine, EngineConfig, Input, MediaMode, Output, Seen, StreamAnswer, StreamRequest, Tap},
};
use sip_transport::{Connect, FlowId, LookupError, Outbound, Tick, Transport, TransportInput};

use crate::seed::Seed;

/// The wall clock at the start of every world, since 1970: it stands in RTCP only.
const UNIX_AT_START: Duration = Duration::from_hours(500_000);

/// The first RTP port that a node is given; each further pair is the next.
const FIRST_RTP_PORT: u16 = 16_384;

/// The names of sockets, and of connections that come in: far above what an engine counts to, as in the driver.
const FIRST_FLOW: u64 = 1 << 48;

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
    /// Write to a connection.
    Stream {
        /// Which.
        flow: FlowId,
        /// Its other end.
        to: SocketAddr,
        /// What.
        bytes: Bytes,
        /// Whether it is a message; else it is a keep-alive.
        message: bool,
    },
    /// Make a connection.
    Connect(Connect),
    /// Close a connection once what was written to it is on its way.
    Close(FlowId),
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
    config: EngineConfig,
    /// None where the engine has no media.
    streams: Option<Streams>,
    random: Seed,
    start: Instant,
    number: usize,
    address: SocketAddr,
    /// The sockets, by transport.
    sockets: Vec<(Transport, FlowId)>,
    last_flow: u64,
    /// How often it has started.
    starts: u64,
    next_port: u16,
    ports: BTreeMap<u16, StreamId>,
    /// When something is due, as of the last step: the world asks far more often than it changes.
    due: Option<Duration>,
}

impl Node {
    /// The address of the node with this number: 192.0.2.1, 192.0.2.2 …, port 5060.
    pub fn address_of(number: usize) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, number as u8 + 1)), 5060)
    }

    /// Where the node with this number listens by a transport.
    pub fn listens_at(number: usize, transport: Transport) -> SocketAddr {
        SocketAddr::new(Self::address_of(number).ip(), transport.default_port())
    }

    /// Makes a node whose sockets are open. `start` is the origin of the world's time.
    pub fn new(
        name: &str,
        number: usize,
        config: EngineConfig,
        listens: &[Transport],
        start: Instant,
        seed: u64,
    ) -> Box<Self> {
        let flows = FIRST_FLOW..;
        let mut node = Box::new(Self {
            name: name.to_owned(),
            engine: engine(&config, start, number, 0, seed),
            streams: streams(&config),
            config,
            random: Seed::new(seed, 0x101 + number as u64 * 2),
            start,
            number,
            address: Self::address_of(number),
            sockets: listens.iter().copied().zip(flows.map(FlowId::from)).collect(),
            last_flow: FIRST_FLOW + listens.len() as u64,
            starts: 1,
            next_port: FIRST_RTP_PORT,
            ports: BTreeMap::new(),
            due: None,
        });
        node.open_sockets(Duration::ZERO);
        node
    }

    /// Forgets everything and starts anew.
    pub fn restart(&mut self, start: Instant, now: Duration, seed: u64) {
        self.engine = engine(&self.config, start, self.number, self.starts, seed);
        self.streams = streams(&self.config);
        self.starts += 1;
        self.next_port = FIRST_RTP_PORT;
        self.ports.clear();
        self.open_sockets(now);
    }

    fn open_sockets(&mut self, now: Duration) {
        for (transport, flow) in self.sockets.clone() {
            let local = Self::listens_at(self.number, transport);
            let opened = TransportInput::Opened { flow, transport, local };
            self.engine.handle(self.start + now, Input::Transport(opened));
        }
        self.look();
    }

    /// The socket that listens by a transport.
    pub fn listener(&self, transport: Transport) -> Option<FlowId> {
        self.sockets.iter().find(|(own, _)| *own == transport).map(|(_, flow)| *flow)
    }

    /// A name for a connection that comes in.
    pub fn mint_flow(&mut self) -> FlowId {
        self.last_flow += 1;
        FlowId::from(self.last_flow)
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
        self.due
    }

    /// Looks when something is due next.
    fn look(&mut self) {
        let engine = self.engine.next_deadline().map(|at| at.saturating_duration_since(self.start));
        let streams = self.streams.as_ref().and_then(Streams::next_deadline);
        let streams = streams.map(|tick| Duration::from_micros(tick.0));
        self.due = [engine, streams].into_iter().flatten().min();
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Duration, wishes: &mut Vec<Wish>) {
        if self.engine.next_deadline().is_some_and(|at| at <= self.start + now) {
            self.engine.handle_timeout(self.start + now);
        }
        let streams = self.streams.as_ref().and_then(Streams::next_deadline);
        if streams.is_some_and(|at| at <= tick(now)) {
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
        let Some(flow) = self.listener(Transport::Udp) else { return };
        let input = TransportInput::Bytes { flow, source, bytes };
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

    /// The RTP streams, of an engine with media.
    pub fn streams(&self) -> Option<&Streams> {
        self.streams.as_ref()
    }

    fn media(
        &mut self,
        now: Duration,
        step: impl FnOnce(&mut Streams, &mut Cx<'_>, &mut Vec<StreamOutput>),
    ) -> Vec<StreamOutput> {
        let mut out = Vec::new();
        let Some(streams) = &mut self.streams else { return out };
        let random = &mut self.random;
        let mut draw = || random.draw();
        let mut cx = Cx { now: tick(now), unix: UNIX_AT_START + now, random: &mut draw };
        step(streams, &mut cx, &mut out);
        out
    }

    fn drain(&mut self, now: Duration, wishes: &mut Vec<Wish>) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Write(Outbound { hop, wire }) if hop.transport == Transport::Udp => {
                    wishes.push(Wish::Sip { to: hop.remote, message: wire });
                }
                Output::Write(Outbound { hop, wire }) => {
                    wishes.push(Wish::Stream { flow: hop.flow, to: hop.remote, bytes: wire, message: true });
                }
                Output::KeepAlive { hop, wire } if hop.transport == Transport::Udp => {
                    wishes.push(Wish::Sip { to: hop.remote, message: wire });
                }
                Output::KeepAlive { hop, wire } => {
                    wishes.push(Wish::Stream { flow: hop.flow, to: hop.remote, bytes: wire, message: false });
                }
                Output::Connect(connect) => wishes.push(Wish::Connect(connect)),
                Output::Close(flow) => wishes.push(Wish::Close(flow)),
                Output::Again(flow) => {
                    self.engine.handle(self.start + now, Input::Transport(TransportInput::Again(flow)));
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
        self.look();
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
                StreamOutput::Send { stream, kind, to, packet, due: _ } => {
                    let port = self.ports.iter().find(|(_, owner)| **owner == stream).map(|(port, _)| *port);
                    if let Some(port) = port {
                        let port = if kind == PacketKind::Rtcp { port + 1 } else { port };
                        wishes.push(Wish::Rtp { port, to, packet });
                    }
                    continue;
                }
                // No party of the world records.
                StreamOutput::Recorded { .. } => continue,
                StreamOutput::Applied { op } => StreamAnswer::Applied(op),
                StreamOutput::Failed { op, failure } => StreamAnswer::Failed(op, failure),
                StreamOutput::Event(event) => StreamAnswer::Event(event),
            };
            self.engine.handle(self.start + now, Input::Stream(answer));
        }
    }
}

fn engine(config: &EngineConfig, start: Instant, number: usize, starts: u64, seed: u64) -> Engine<EventTap> {
    let random = Seed::new(seed, 0x100 + number as u64 * 2 + (starts << 16));
    Engine::new(config.clone(), start, UNIX_AT_START, Box::new(random), EventTap::default())
}

fn streams(config: &EngineConfig) -> Option<Streams> {
    let with_ears = || Streams::new(StreamsConfig { ears: true, ..StreamsConfig::default() });
    (config.media == MediaMode::On).then(with_ears)
}

fn tick(now: Duration) -> media_core::Tick {
    media_core::Tick(now.as_micros() as u64)
}
