//! Connections in the world: how they are made, what they bring and how they end.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use session_core::engine::Input;
use sip_transport::{CloseCause, Connect, FlowId, PeerIdentity, TransportInput};

use super::{Happening, Member, Told, World, scripts::flow};
use crate::{
    connections::{Arrival, CALLER, Connection, Known, LISTENER, Sent},
    journal::{self, StreamNews, What},
    network::Fate,
    node::Node,
    scripted::Way,
};

/// The first port from which a connection is opened; each further one has the next (RFC 6335 §6).
const FIRST_PORT: u16 = 49_152;

/// Between the two parts of a message that is cut in two.
const BETWEEN_PARTS: Duration = Duration::from_millis(1);

impl World {
    /// Lets connections break and parties start anew when the faults of the network say so.
    pub fn plan_faults(&mut self) {
        let faults = self.network.faults();
        let breaks = faults.breaks.iter().map(|planned| (planned.at, planned.between));
        let partitions = faults.partitions.iter().map(|partition| (partition.from, partition.between));
        let parted = breaks.chain(partitions).map(|(at, (one, other))| (at, Happening::Part { one, other }));
        let restarts = faults.restarts.iter().map(|restart| (restart.at, restart.party));
        let restarts = restarts.map(|(at, node)| (at, Happening::Restart { node }));
        let stops = faults.stops.iter().map(|stop| (stop.at, Happening::Stop { node: stop.party }));
        let planned: Vec<_> = parted.chain(restarts).chain(stops).collect();
        for (at, happening) in planned {
            self.enqueue(at, happening);
        }
    }

    /// How many connections a party has, those being opened included.
    pub fn connections_of(&self, node: usize) -> usize {
        self.connections.known_to(node).count()
    }

    /// Closes all connections, each at both ends.
    pub fn close_connections(&mut self) {
        for connection in 0..self.connections.len() {
            let lost = self.connections.break_off(connection);
            self.lose(lost);
            for end in [CALLER, LISTENER] {
                self.over(connection, end, CloseCause::Closed);
            }
        }
    }

    pub(super) fn connect(&mut self, node: usize, connect: &Connect) {
        let target = self.member_at(|member| member.ip() == connect.remote.ip());
        let port = FIRST_PORT + self.connections.len() as u16;
        let address = SocketAddr::new(Node::address_of(node).ip(), port);
        let habits = [self.network.habit(), self.network.habit()];
        // Nobody is behind an address that no party has: the end is never told anything.
        let parties = [(node, address), (target.unwrap_or(node), connect.remote)];
        let connection = self.connections.add(connect.transport, connect.flow, parties, habits);
        self.note_stream(node, connection, CALLER, StreamNews::Opens);
        let after = self.network.stream_delay() + self.network.stream_delay();
        if target.is_some_and(|target| !self.network.is_cut(self.now, node, target)) {
            self.enqueue(self.now + after, Happening::Answered { connection });
        }
    }

    /// The answer to the opening of a connection is there.
    pub(super) fn answered(&mut self, connection: usize) {
        let Connection { transport, ends: [caller, listener], broken } = self.connections.get(connection);
        let (Known::As(flow), false) = (caller.known, broken) else { return };
        let (node, local, other) = (caller.node, caller.address, listener.node);
        if !self.listens(other, *transport, listener.address) {
            self.over(connection, CALLER, CloseCause::Refused);
            return;
        }
        self.note_stream(node, connection, CALLER, StreamNews::IsThere);
        let peer = self.identity(connection, LISTENER);
        let at = self.now + self.network.stream_delay();
        self.connections.announce(connection, at);
        self.enqueue(at, Happening::Arrive { connection, end: LISTENER });
        self.tell(node, TransportInput::Connected { flow, local, peer });
        self.write_unsent(connection);
    }

    /// Something arrives at an end.
    pub(super) fn arrive(&mut self, connection: usize, end: usize) {
        let (habit, there) = self.connections.there(connection, end, self.now);
        let (most, pause) = if there > 0 { self.network.piece(habit, there) } else { (0, Duration::ZERO) };
        let arrival = self.connections.take(connection, end, self.now, most, self.now + pause);
        if let Some(next) = self.connections.next(connection, end).filter(|_| arrival.is_some()) {
            self.enqueue(next.max(self.now), Happening::Arrive { connection, end });
        }
        let Connection { transport, ends, .. } = self.connections.get(connection);
        let transport = *transport;
        let (node, known) = (ends[end].node, ends[end].known);
        let (from, source) = (ends[1 - end].node, ends[1 - end].address);
        match (arrival, known) {
            (Some(Arrival::Opened), Known::Nothing) => self.accept(connection),
            (Some(Arrival::Piece(bytes, messages)), Known::As(flow)) => {
                let way = Way { transport, address: source };
                for Sent { bytes: message, .. } in messages {
                    self.note(node, || What::Received {
                        from,
                        message: message.clone(),
                        connection: Some(connection + 1),
                    });
                    self.came(node, way, &message);
                }
                self.tell(node, TransportInput::Bytes { flow, source, bytes });
            }
            (Some(Arrival::Closed), Known::As(_)) => self.over(connection, end, CloseCause::Closed),
            (Some(_) | None, _) => {}
        }
    }

    fn accept(&mut self, connection: usize) {
        let Connection { transport, ends: [caller, listener], .. } = self.connections.get(connection);
        let (node, remote, local) = (listener.node, caller.address, listener.address);
        let (flow, by) = match self.members.get_mut(node) {
            Some(Member::Engine(engine)) => {
                let Some(by) = engine.listener(*transport) else { return };
                (engine.mint_flow(), by)
            }
            Some(Member::Scripted(..)) => (flow(connection), flow(connection)),
            Some(Member::Gone) | None => return,
        };
        self.connections.name(connection, LISTENER, flow);
        self.note_stream(node, connection, LISTENER, StreamNews::IsThere);
        let peer = self.identity(connection, CALLER);
        self.tell(node, TransportInput::Accepted { flow, listener: by, remote });
        self.tell(node, TransportInput::Connected { flow, local, peer });
    }

    /// A party writes to a connection: a message, or a keep-alive.
    pub(super) fn write(
        &mut self,
        node: usize,
        flow: FlowId,
        address: SocketAddr,
        wire: Bytes,
        message: bool,
    ) {
        let found = self.connections.find(node, flow);
        let open = found.filter(|(connection, end)| self.connections.works(*connection, 1 - end));
        let to = found.map(|(connection, end)| self.connections.get(connection).ends[1 - end].node);
        let to = to.or_else(|| self.member_at(|member| member.ip() == address.ip()));
        let entry = self.journal.as_ref().filter(|_| message).map(|journal| journal.entries.len());
        if message {
            let copies = usize::from(open.is_some());
            let connection = found.map(|(connection, _)| connection + 1);
            self.note(node, || What::Sent { to, address, message: wire.clone(), copies, connection });
        }
        let Some((connection, end)) = open else { return };
        let kind = if self.network.looks_inside() && message { journal::kind(&wire) } else { String::new() };
        let fate = if message { self.network.fate(node, &kind, wire.len()) } else { Fate::Whole };
        let (to, sent) = (1 - end, message.then(|| Sent { entry, bytes: wire.clone() }));
        match fate {
            Fate::Whole => {
                self.put(connection, to, wire, sent);
            }
            Fate::InTwo(at) => {
                let first = self.put(connection, to, wire.slice(..at), None);
                let then =
                    self.connections.put(connection, to, first + BETWEEN_PARTS, wire.slice(at..), sent);
                self.enqueue(then, Happening::Arrive { connection, end: to });
            }
            Fate::Breaks(at) => {
                let (arrives, lost) = if at == wire.len() { (sent, None) } else { (None, sent) };
                // Nothing of it: the connection breaks at once.
                let when =
                    if at > 0 { self.put(connection, to, wire.slice(..at), arrives) } else { self.now };
                self.lose(lost);
                self.connections.cut(connection, to);
                self.enqueue(when, Happening::Break { connection });
            }
        }
    }

    fn put(&mut self, connection: usize, end: usize, bytes: Bytes, message: Option<Sent>) -> Duration {
        let (after, joins) = (self.network.stream_delay(), self.network.joins());
        let soonest = self.now + self.network.faults().delay.from;
        let before = self.connections.last(connection, end).filter(|before| joins && *before >= soonest);
        let at = before.unwrap_or(self.now + after);
        let at = self.connections.put(connection, end, at, bytes, message);
        self.enqueue(at, Happening::Arrive { connection, end });
        at
    }

    /// A party closes its end: what it wrote before still arrives at the other one.
    pub(super) fn close(&mut self, node: usize, flow: FlowId) {
        let Some((connection, end)) = self.connections.find(node, flow) else { return };
        self.note_stream(node, connection, end, StreamNews::Closes);
        let (_, lost) = self.connections.end(connection, end);
        self.lose(lost);
        if self.connections.works(connection, 1 - end) {
            let at = self.now + self.network.stream_delay();
            let at = self.connections.put_close(connection, 1 - end, at);
            self.enqueue(at, Happening::Arrive { connection, end: 1 - end });
        }
    }

    /// A connection works no more; each end notices that after a while.
    pub(super) fn break_off(&mut self, connection: usize) {
        if self.connections.get(connection).broken {
            return;
        }
        let lost = self.connections.break_off(connection);
        self.lose(lost);
        for end in [CALLER, LISTENER] {
            let after = self.network.until_noticed();
            self.enqueue(self.now + after, Happening::Lost { connection, end });
        }
    }

    /// All connections between two parties break.
    pub(super) fn part(&mut self, one: usize, other: usize) {
        for connection in 0..self.connections.len() {
            let [caller, listener] = &self.connections.get(connection).ends;
            if [(one, other), (other, one)].contains(&(caller.node, listener.node)) {
                self.break_off(connection);
            }
        }
    }

    /// A party starts anew: nobody knows its connections any more but the other sides, until they notice.
    pub(super) fn restart(&mut self, node: usize) {
        self.forsake(node);
        let (start, now, seed) = (self.start, self.now, self.seed);
        if let Some(Member::Engine(engine)) = self.members.get_mut(node) {
            engine.restart(start, now, seed);
            self.news.push_back(super::News { node, what: Told::Restarted });
            self.note(node, || What::Asked("restart".to_owned()));
            self.with_engine(node, Node::tick);
        }
    }

    /// A party is gone: whatever is sent to it is lost.
    pub(super) fn stop(&mut self, node: usize) {
        self.forsake(node);
        if let Some(member @ Member::Engine(_)) = self.members.get_mut(node) {
            *member = Member::Gone;
            self.news.push_back(super::News { node, what: Told::Stopped });
            self.note(node, || What::Asked("stop".to_owned()));
        }
    }

    /// A party's connections break, and it is told nothing about it.
    fn forsake(&mut self, node: usize) {
        let ends: Vec<_> = self.connections.known_to(node).collect();
        for (_, connection, end) in ends {
            self.break_off(connection);
            let (_, lost) = self.connections.end(connection, end);
            self.lose(lost);
        }
    }

    /// A connection ends for the party at one of its ends, which is told if it knew it.
    pub(super) fn over(&mut self, connection: usize, end: usize, cause: CloseCause) {
        let node = self.connections.get(connection).ends[end].node;
        let (flow, lost) = self.connections.end(connection, end);
        self.lose(lost);
        self.unsent.remove(&connection);
        if let Some(flow) = flow {
            self.note_stream(node, connection, end, StreamNews::Over(cause));
            self.tell(node, TransportInput::Closed { flow, cause });
        }
    }

    fn tell(&mut self, node: usize, input: TransportInput) {
        self.with_engine(node, |node, now, wishes| node.input(now, Input::Transport(input), wishes));
    }

    /// Writes into the journal what happens to a party's end of a connection.
    fn note_stream(&mut self, node: usize, connection: usize, end: usize, news: StreamNews) {
        let Connection { transport, ends, .. } = self.connections.get(connection);
        let (with, transport) = (ends[1 - end].node, *transport);
        self.note(node, || What::Stream { connection: connection + 1, transport, with, news });
    }

    /// Writes into the journal that messages did not arrive.
    fn lose(&mut self, messages: impl IntoIterator<Item = Sent>) {
        let Some(journal) = &mut self.journal else { return };
        for entry in messages.into_iter().filter_map(|message| message.entry) {
            if let What::Sent { copies, .. } = &mut journal.entries[entry].what {
                *copies = 0;
            }
        }
    }

    /// Who is at an end, as TLS verifies it: the party's name.
    fn identity(&self, connection: usize, end: usize) -> Option<PeerIdentity> {
        let connection = self.connections.get(connection);
        let name = match self.members.get(connection.ends[end].node)? {
            Member::Engine(node) => node.name(),
            Member::Scripted(scripted, _) => scripted.name(),
            Member::Gone => return None,
        };
        PeerIdentity::new(connection.transport.is_secure().then(|| name.into()))
    }
}
