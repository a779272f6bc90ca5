//! What is open: sockets and connections, and how a request finds the one to use.

mod connection;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

pub(crate) use connection::{Connection, Kept, Phase, Queue, Rest};

use crate::{
    address,
    flow::{FlowId, Transport},
};

/// A UDP socket, or one that listens for connections. Port 0 says that connections can be made from the address and none
/// come in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Socket {
    pub(crate) transport: Transport,
    pub(crate) local: SocketAddr,
}

/// The key of a connection to be used again: transport and the other end.
type Target = (Transport, SocketAddr);

/// All sockets and connections.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    sockets: BTreeMap<FlowId, Socket>,
    connections: BTreeMap<FlowId, Connection>,
    /// Connections by the addresses under which requests find them; several of one address differ in the name that was
    /// verified.
    targets: BTreeSet<(Target, FlowId)>,
    /// How many connections came in from a source.
    sources: BTreeMap<IpAddr, OfSource>,
    /// Connections that are only planned: ways that were told to a layer above and are not used yet.
    plans: BTreeSet<FlowId>,
}

/// How many connections came in from one source.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OfSource {
    pub(crate) all: usize,
    /// Those of them that are not ready for messages.
    pub(crate) opening: usize,
}

/// Most planned connections; beyond it the oldest is forgotten, and a request that still wants it goes to its next hop. A
/// plan is a few hundred bytes, and as many targets in five minutes keep each long enough for a request to try all hops
/// before it.
const PLANS: usize = 1024;

impl Flows {
    pub(crate) fn open_socket(&mut self, flow: FlowId, socket: Socket) {
        self.sockets.insert(flow, socket);
    }

    pub(crate) fn close_socket(&mut self, flow: FlowId) -> Option<Socket> {
        self.sockets.remove(&flow)
    }

    pub(crate) fn socket(&self, flow: FlowId) -> Option<Socket> {
        self.sockets.get(&flow).copied()
    }

    pub(crate) fn connection(&self, flow: FlowId) -> Option<&Connection> {
        self.connections.get(&flow)
    }

    pub(crate) fn connection_mut(&mut self, flow: FlowId) -> Option<&mut Connection> {
        self.connections.get_mut(&flow)
    }

    /// The kept connection of that name, or the one that is being opened in its place.
    pub(crate) fn kept_as(&mut self, flow: FlowId) -> Option<&mut Connection> {
        if self.connections.contains_key(&flow) {
            return self.connections.get_mut(&flow);
        }
        self.connections.values_mut().find(|connection| connection.kept.is_some_and(|kept| kept.was == flow))
    }

    /// Our address on a flow.
    pub(crate) fn local(&self, flow: FlowId) -> Option<SocketAddr> {
        self.socket(flow).map(|socket| socket.local).or_else(|| Some(self.connection(flow)?.local))
    }

    /// Connections that are open or being opened.
    pub(crate) fn existing(&self) -> usize {
        self.connections.len() - self.plans.len()
    }

    /// How many connections came in from that address.
    pub(crate) fn of_source(&self, remote: SocketAddr) -> OfSource {
        self.sources.get(&source(remote)).copied().unwrap_or_default()
    }

    /// Adds a connection.
    pub(crate) fn insert(&mut self, flow: FlowId, connection: Connection) {
        self.targets.insert(((connection.transport, connection.remote), flow));
        if !connection.exists() {
            if self.plans.len() >= PLANS
                && let Some(oldest) = self.plans.first().copied()
            {
                self.remove(oldest);
            }
            self.plans.insert(flow);
        }
        if !connection.is_ours() {
            let of_source = self.sources.entry(source(connection.remote)).or_default();
            of_source.all += 1;
            of_source.opening += usize::from(!connection.is_open());
        }
        self.connections.insert(flow, connection);
    }

    /// Starts to open a planned connection.
    pub(crate) fn start(&mut self, flow: FlowId) -> Option<&mut Connection> {
        let connection = self.connections.get_mut(&flow)?;
        if !connection.exists() {
            connection.phase = Phase::Opening(Queue::default());
            self.plans.remove(&flow);
        }
        Some(connection)
    }

    /// A connection that was being opened is ready: it, and what waited for that. `None` if it is not one of these.
    pub(crate) fn opened(&mut self, flow: FlowId) -> Option<(&mut Connection, Queue)> {
        let connection = self.connections.get_mut(&flow)?;
        let queue = connection.open()?;
        if !connection.is_ours()
            && let Some(of_source) = self.sources.get_mut(&source(connection.remote))
        {
            of_source.opening -= 1;
        }
        Some((connection, queue))
    }

    pub(crate) fn remove(&mut self, flow: FlowId) -> Option<Connection> {
        let connection = self.connections.remove(&flow)?;
        for remote in [Some(connection.remote), connection.alias].into_iter().flatten() {
            self.targets.remove(&((connection.transport, remote), flow));
        }
        self.plans.remove(&flow);
        if !connection.is_ours() {
            let source = source(connection.remote);
            if let Some(of_source) = self.sources.get_mut(&source) {
                of_source.all -= 1;
                of_source.opening -= usize::from(!connection.is_open());
                if of_source.all == 0 {
                    self.sources.remove(&source);
                }
            }
        }
        Some(connection)
    }

    /// Lets requests to `alias` use the connection.
    pub(crate) fn alias(&mut self, flow: FlowId, alias: SocketAddr) {
        let Some(connection) = self.connections.get_mut(&flow) else { return };
        if alias == connection.remote || connection.alias == Some(alias) {
            return;
        }
        let transport = connection.transport;
        if let Some(old) = connection.alias.replace(alias) {
            self.targets.remove(&((transport, old), flow));
        }
        self.targets.insert(((transport, alias), flow));
    }

    /// The connection, existing or planned, for requests to that address and name; of several the oldest.
    ///
    /// Over TLS it has to be one that was opened for the name, or whose other side was verified to have it (RFC 5923 §5);
    /// what TLS does not protect goes by the address alone.
    pub(crate) fn find(&self, transport: Transport, remote: SocketAddr, name: &str) -> Option<FlowId> {
        let target = (transport, remote);
        let first = (target, FlowId::from(0));
        let last = (target, FlowId::from(u64::MAX));
        self.targets.range(first..=last).map(|(_, flow)| *flow).find(|flow| {
            self.connections.get(flow).is_some_and(|connection| {
                !transport.is_secure()
                    || (connection.is_ours() && *connection.name == *name)
                    || connection.peer.as_ref().is_some_and(|peer| peer.is(name))
            })
        })
    }

    /// The socket of that transport whose address fits the remote best, and of equals the oldest. One that listens comes
    /// before one that does not.
    pub(crate) fn best_socket(&self, transport: Transport, remote: IpAddr) -> Option<(FlowId, SocketAddr)> {
        self.sockets
            .iter()
            .rev()
            .filter(|(_, socket)| {
                socket.transport == transport && address::reaches(socket.local.ip(), remote)
            })
            .max_by_key(|(_, socket)| (address::fit(socket.local.ip(), remote), socket.local.port() != 0))
            .map(|(flow, socket)| (*flow, socket.local))
    }

    /// All sockets.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = &Socket> {
        self.sockets.values()
    }

    /// Whether a request of ours can have had this sent-by (RFC 3261 §18.1.2).
    pub(crate) fn is_ours(&self, (ip, port): (IpAddr, u16)) -> bool {
        let own = |local: SocketAddr| local.ip().to_canonical() == ip && local.port() == port;
        port != 0 && self.sockets.values().any(|socket| own(socket.local))
    }
}

/// What counts as one source: an IPv4 address, or the 64 bits of IPv6 that one host or house is given.
fn source(remote: SocketAddr) -> IpAddr {
    match remote.ip().to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        ip @ IpAddr::V4(_) => ip,
    }
}
