//! What scripted parties get and send, by datagrams and over connections.

use bytes::Bytes;
use sip_transport::{Connect, FlowId, Transport};

use super::{Member, News, Told, World};
use crate::{
    node::Node,
    scripted::{Scripted, Way},
};

impl World {
    /// Adds a party without an engine that listens by these transports.
    pub fn add_scripted(&mut self, name: &str, listens: &[Transport]) -> usize {
        let number = self.members.len();
        let scripted = Scripted::new(name, Node::address_of(number));
        self.members.push(Member::Scripted(scripted, listens.to_vec()));
        number
    }

    /// A scripted party.
    pub fn scripted(&mut self, number: usize) -> Option<&mut Scripted> {
        match self.members.get_mut(number) {
            Some(Member::Scripted(scripted, _)) => Some(scripted),
            Some(Member::Engine(_) | Member::Gone) | None => None,
        }
    }

    /// Sends what a scripted party wants to send.
    pub fn send_scripted(&mut self, node: usize, to: Way, message: Bytes) {
        if to.transport == Transport::Udp {
            return self.send(node, to.address, message);
        }
        let Some(connection) = self.connection_to(node, to).or_else(|| self.open(node, to)) else { return };
        match self.unsent.get_mut(&connection) {
            Some(unsent) => unsent.push(message),
            None => self.write(node, flow(connection), to.address, message, true),
        }
    }

    /// A message came to a scripted party.
    pub(super) fn came(&mut self, node: usize, source: Way, message: &Bytes) {
        let Some((at_once, came)) = self.scripted(node).map(|scripted| scripted.take(source, message)) else {
            return;
        };
        if let Some((to, message)) = at_once {
            self.send_scripted(node, to, message);
        }
        self.news.extend(came.map(|came| News { node, what: Told::Came(came) }));
    }

    /// A connection that a scripted party has opened is there, and takes what has waited for it.
    pub(super) fn write_unsent(&mut self, connection: usize) {
        let Some(unsent) = self.unsent.remove(&connection) else { return };
        let [caller, listener] = &self.connections.get(connection).ends;
        let (node, address) = (caller.node, listener.address);
        for message in unsent {
            self.write(node, flow(connection), address, message, true);
        }
    }

    /// The connection that a party has with another one's address, or else with its party.
    fn connection_to(&self, node: usize, to: Way) -> Option<usize> {
        let works = |connection: usize, end: usize| {
            self.connections.get(connection).transport == to.transport
                && self.connections.works(connection, 1 - end)
        };
        let all = self.connections.known_to(node).filter(|(_, connection, end)| works(*connection, *end));
        let all: Vec<_> = all
            .map(|(_, connection, end)| (connection, self.connections.get(connection).ends[1 - end].address))
            .collect();
        let same = all.iter().find(|(_, address)| *address == to.address);
        same.or_else(|| all.iter().find(|(_, address)| address.ip() == to.address.ip()))
            .map(|(connection, _)| *connection)
    }

    /// Opens one to where that party listens, whatever the port was that its own connection came from.
    fn open(&mut self, node: usize, to: Way) -> Option<usize> {
        let connection = self.connections.len();
        let target = self.member_at(|member| member.ip() == to.address.ip())?;
        let remote = Node::listens_at(target, to.transport);
        let name = remote.ip().to_string().into();
        self.unsent.insert(connection, Vec::new());
        self.connect(
            node,
            &Connect { flow: flow(connection), transport: to.transport, remote, local: None, name },
        );
        Some(connection)
    }
}

/// The name that a scripted party has for its end of a connection.
pub(super) fn flow(connection: usize) -> FlowId {
    FlowId::from(connection as u64 + 1)
}
