//! One connection: TCP, TLS or WebSocket, opened by us or by the other side.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use sip_message::{
    Limits, ParseError,
    framing::{Frame, Framer, StreamEnd},
};

use crate::{
    config::Config,
    flow::{FlowId, Hop, Origin, Outbound, PeerIdentity, Transport},
    step::Tick,
    targets::Target,
};

/// How far a connection has come.
#[derive(Debug)]
pub(crate) enum Phase {
    /// A way that was told to a layer above; nothing was sent on it yet, so nothing is open.
    Planned,
    /// Being made, or in its handshakes; what is to be written waits.
    Opening(Queue),
    /// Ready for messages.
    Open,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) transport: Transport,
    /// The other end.
    pub(crate) remote: SocketAddr,
    /// Our address as messages name it: that of the socket on which we listen for such connections; else our end.
    pub(crate) local: SocketAddr,
    /// Client, if we opened it.
    pub(crate) end: StreamEnd,
    /// Of one that we open: the domain or address of the URI it was opened for.
    pub(crate) name: Box<str>,
    pub(crate) phase: Phase,
    /// Who the other side is, as far as TLS has verified it.
    pub(crate) peer: Option<PeerIdentity>,
    /// Whether a layer above knows the flow, so that it has to be told of its end.
    pub(crate) told: bool,
    /// When something arrived last.
    pub(crate) heard: Tick,
    /// Whether our Via says that requests back to us may use it (RFC 5923 §8.1).
    pub(crate) offers_alias: bool,
    /// The address other than its remote under which requests find it (RFC 5923 §8.2).
    pub(crate) alias: Option<SocketAddr>,
    pub(crate) beat: Beat,
    /// The flow that this one takes the place of, if it is kept; itself, if it is the first.
    pub(crate) kept: Option<Kept>,
    stream: Stream,
}

/// What is known of the other side's answers to our pings.
#[derive(Debug, Default)]
pub(crate) struct Beat {
    /// When the ping was sent that waits for its answer.
    pub(crate) waiting: Option<Tick>,
    /// The other side has answered one, so it will answer the next if it lives.
    pub(crate) answers: bool,
}

/// What is remembered of a connection that is kept (RFC 5626 §4.5).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// The flow that ended last, and by whose name the reconnection goes.
    pub(crate) was: FlowId,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// Longest time between two pings, where it is another than the setting.
    pub(crate) every: Option<Duration>,
}

/// What arrived and is no whole message yet.
#[derive(Debug)]
struct Stream {
    framer: Framer,
    received: BytesMut,
    /// Messages in a row that could not be read.
    faults: u8,
    /// Whether the time for the rest of a message runs.
    timed: bool,
}

/// Unreadable messages in a row after which a connection is closed: whoever sends that many does not speak SIP.
pub(crate) const FAULTS: u8 = 16;

/// What is to become of the timer for the rest of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// A message has begun.
    Begun,
    /// Nothing is begun any more.
    Done,
    /// As before.
    Same,
}

impl Connection {
    /// Makes a connection; `limits` bound what arrives on it.
    pub(crate) fn new(
        transport: Transport,
        remote: SocketAddr,
        local: SocketAddr,
        end: StreamEnd,
        limits: &Limits,
    ) -> Self {
        let stream =
            Stream { framer: Framer::new(end, limits), received: BytesMut::new(), faults: 0, timed: false };
        Self {
            transport,
            remote,
            local,
            end,
            name: Box::default(),
            phase: Phase::Planned,
            peer: None,
            told: false,
            heard: Tick::default(),
            offers_alias: false,
            alias: None,
            beat: Beat::default(),
            kept: None,
            stream,
        }
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// Is ready from now on; tells what waited for that. `None` if it was not being opened.
    pub(crate) fn open(&mut self) -> Option<Queue> {
        match std::mem::replace(&mut self.phase, Phase::Open) {
            Phase::Opening(queue) => Some(queue),
            phase @ (Phase::Planned | Phase::Open) => {
                self.phase = phase;
                None
            }
        }
    }

    /// Whether something exists outside: it is open or being opened.
    pub(crate) const fn exists(&self) -> bool {
        !matches!(self.phase, Phase::Planned)
    }

    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self.end, StreamEnd::Client)
    }

    pub(crate) fn origin(&self, flow: FlowId) -> Origin {
        Origin {
            flow,
            transport: self.transport,
            source: self.remote,
            local: self.local,
            peer: self.peer.clone(),
        }
    }

    /// The way to its other end.
    pub(crate) const fn hop(&self, flow: FlowId) -> Hop {
        Hop {
            flow,
            transport: self.transport,
            remote: self.remote,
            local: self.local,
            above: None,
            alias: self.offers_alias,
        }
    }

    /// How many responses wait for it to be open.
    pub(crate) fn waiting_responses(&self) -> u64 {
        match &self.phase {
            Phase::Opening(Queue { messages, .. }) => {
                messages.iter().filter(|outbound| outbound.wire.starts_with(b"SIP/")).count() as u64
            }
            Phase::Planned | Phase::Open => 0,
        }
    }

    /// Its other end, as a target of requests.
    pub(crate) fn target(&self) -> Target {
        Target::new(self.transport, self.remote)
    }

    /// Appends what arrived on a stream.
    pub(crate) fn append(&mut self, bytes: Bytes) {
        if self.stream.received.is_empty() {
            self.stream.received = bytes.try_into_mut().unwrap_or_else(|bytes| BytesMut::from(&bytes[..]));
        } else {
            self.stream.received.extend_from_slice(&bytes);
        }
    }

    /// Whether anything has arrived that was not taken yet.
    pub(crate) fn holds_any(&self) -> bool {
        !self.stream.received.is_empty()
    }

    /// The next whole message, ping or pong.
    pub(crate) fn frame(&mut self) -> Result<Option<Frame>, ParseError> {
        self.stream.framer.poll_frame(&mut self.stream.received)
    }

    /// Tells whether the time for the rest of a message starts or ends now; called when there is no whole one left.
    pub(crate) fn rest(&mut self, took_any: bool) -> Rest {
        let begun = self.holds_any();
        if !begun {
            // Gives the room of a long message back.
            self.stream.received = BytesMut::new();
        }
        let was = std::mem::replace(&mut self.stream.timed, begun);
        match (was, begun) {
            (_, true) if !was || took_any => Rest::Begun,
            (true, false) => Rest::Done,
            (_, _) => Rest::Same,
        }
    }

    /// Notes a message that could, or could not, be read; tells whether there were too many of the latter in a row.
    pub(crate) fn note_fault(&mut self, fault: bool) -> bool {
        self.stream.faults = if fault { self.stream.faults + 1 } else { 0 };
        self.stream.faults >= FAULTS
    }
}

/// What waits for a connection to be ready, in order.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    messages: VecDeque<Outbound>,
    bytes: usize,
}

impl Queue {
    /// Adds a message; gives it back if there is no room.
    pub(crate) fn push(&mut self, outbound: Outbound, config: &Config) -> Result<(), Outbound> {
        let bytes = self.bytes + outbound.wire.len();
        if self.messages.len() >= config.queue_messages || bytes > config.queue_bytes {
            return Err(outbound);
        }
        self.bytes = bytes;
        self.messages.push_back(outbound);
        Ok(())
    }

    /// Takes a message out; tells whether it was there.
    pub(crate) fn take_back(&mut self, outbound: &Outbound) -> bool {
        let at = self.messages.iter().position(|waiting| waiting.wire == outbound.wire);
        let taken = at.and_then(|at| self.messages.remove(at));
        self.bytes -= taken.as_ref().map_or(0, |taken| taken.wire.len());
        taken.is_some()
    }

    /// All of them, in order.
    pub(crate) fn into_messages(self) -> impl Iterator<Item = Outbound> {
        self.messages.into_iter()
    }
}
