//! The connections of the simulated world: who is at their ends, and what is on its way.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use bytes::Bytes;
use sip_transport::{FlowId, Transport};

use crate::network::Habit;

/// The end that opened a connection.
pub const CALLER: usize = 0;

/// The end that listened.
pub const LISTENER: usize = 1;

/// What a party knows of its end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing yet.
    Nothing,
    /// Its name there.
    As(FlowId),
    /// That it is over.
    Over,
}

/// One end.
#[derive(Debug)]
pub struct End {
    /// The party, by its number.
    pub node: usize,
    /// What the party knows of it.
    pub known: Known,
    /// Its address.
    pub address: SocketAddr,
    /// What is on its way to it, in order.
    coming: VecDeque<Coming>,
    /// When the last of that arrives.
    last: Duration,
    /// In what pieces it arrives.
    habit: Habit,
    /// Whether nothing more comes behind that.
    cut: bool,
}

/// Something on its way to an end.
#[derive(Debug)]
struct Coming {
    at: Duration,
    what: Carried,
}

#[derive(Debug)]
enum Carried {
    Opened,
    Bytes { rest: Bytes, message: Option<Sent> },
    Closed,
}

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its place in the journal, if that is kept.
    pub entry: Option<usize>,
    /// The message.
    pub bytes: Bytes,
}

/// What arrives at an end.
#[derive(Debug)]
pub enum Arrival {
    /// The connection, at the end that listened.
    Opened,
    /// A piece of the stream, with the messages whose last byte is in it.
    Piece(Bytes, Vec<Sent>),
    /// The other side has closed the connection.
    Closed,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// TCP or TLS.
    pub transport: Transport,
    /// The end that opened it, and the one that listened.
    pub ends: [End; 2],
    /// Whether it works no more; its ends may not have noticed.
    pub broken: bool,
}

/// All connections of a world, by their numbers.
#[derive(Debug, Default)]
pub struct Connections {
    all: Vec<Connection>,
    flows: BTreeMap<(usize, FlowId), (usize, usize)>,
}

impl Connections {
    /// Adds one that a party has begun to open, between two parties and their addresses.
    pub fn add(
        &mut self,
        transport: Transport,
        flow: FlowId,
        parties: [(usize, SocketAddr); 2],
        habits: [Habit; 2],
    ) -> usize {
        let number = self.all.len();
        let end = |side: usize| {
            let (node, address) = parties[side];
            let coming = VecDeque::new();
            End {
                node,
                known: Known::Nothing,
                address,
                coming,
                last: Duration::ZERO,
                habit: habits[side],
                cut: false,
            }
        };
        self.all.push(Connection { transport, ends: [end(CALLER), end(LISTENER)], broken: false });
        self.name(number, CALLER, flow);
        number
    }

    /// A connection.
    pub fn get(&self, connection: usize) -> &Connection {
        &self.all[connection]
    }

    /// How many there have been.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there has been none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Which connection, and which end of it, a party knows by this name.
    pub fn find(&self, node: usize, flow: FlowId) -> Option<(usize, usize)> {
        self.flows.get(&(node, flow)).copied()
    }

    /// The ends that a party knows.
    pub fn known_to(&self, node: usize) -> impl Iterator<Item = (FlowId, usize, usize)> {
        let known = self.flows.iter().filter(move |((owner, _), _)| *owner == node);
        known.map(|((_, flow), (connection, end))| (*flow, *connection, *end))
    }

    /// Gives an end the name by which its party knows it.
    pub fn name(&mut self, connection: usize, end: usize, flow: FlowId) {
        let known = &mut self.all[connection].ends[end];
        known.known = Known::As(flow);
        self.flows.insert((known.node, flow), (connection, end));
    }

    /// An end is over for its party, whose name for it is returned. What was on its way to it is lost.
    pub fn end(&mut self, connection: usize, end: usize) -> (Option<FlowId>, Vec<Sent>) {
        let over = &mut self.all[connection].ends[end];
        let lost = over.coming.drain(..).filter_map(Coming::message).collect();
        match std::mem::replace(&mut over.known, Known::Over) {
            Known::As(flow) => {
                self.flows.remove(&(over.node, flow));
                (Some(flow), lost)
            }
            Known::Nothing | Known::Over => (None, lost),
        }
    }

    /// Whether what is written to a connection now can arrive at an end.
    pub fn works(&self, connection: usize, end: usize) -> bool {
        let connection = &self.all[connection];
        !connection.broken && !connection.ends[end].cut
    }

    /// Nothing more comes to an end behind what is on its way.
    pub fn cut(&mut self, connection: usize, end: usize) {
        self.all[connection].ends[end].cut = true;
    }

    /// Breaks a connection: nothing more arrives at either end. What was on its way is lost.
    pub fn break_off(&mut self, connection: usize) -> Vec<Sent> {
        let broken = &mut self.all[connection];
        broken.broken = true;
        let coming = broken.ends.iter_mut().flat_map(|end| end.coming.drain(..));
        coming.filter_map(Coming::message).collect()
    }

    /// Puts the news of the connection itself on its way to the end that listened.
    pub fn announce(&mut self, connection: usize, at: Duration) {
        self.all[connection].ends[LISTENER].put(at, Carried::Opened);
    }

    /// Puts bytes on their way to an end; when they arrive. `message` has arrived with the last of them.
    pub fn put(
        &mut self,
        connection: usize,
        end: usize,
        at: Duration,
        bytes: Bytes,
        message: Option<Sent>,
    ) -> Duration {
        self.all[connection].ends[end].put(at, Carried::Bytes { rest: bytes, message })
    }

    /// Puts the word that the connection is closed on its way to an end.
    pub fn put_close(&mut self, connection: usize, end: usize, at: Duration) -> Duration {
        self.all[connection].ends[end].put(at, Carried::Closed)
    }

    /// When the last of what is on its way to an end arrives.
    pub fn last(&self, connection: usize, end: usize) -> Option<Duration> {
        let end = &self.all[connection].ends[end];
        end.coming.back().map(|coming| coming.at)
    }

    /// How many bytes have arrived at an end by now and are not taken, up to what is no byte.
    pub fn there(&self, connection: usize, end: usize, now: Duration) -> (Habit, usize) {
        let end = &self.all[connection].ends[end];
        let due = end.coming.iter().take_while(|coming| coming.at <= now);
        let bytes = due.map_while(|coming| match &coming.what {
            Carried::Bytes { rest, .. } => Some(rest.len()),
            Carried::Opened | Carried::Closed => None,
        });
        (end.habit, bytes.sum())
    }

    /// Takes what has arrived at an end: of bytes at most `most`. The rest arrives at `later`.
    pub fn take(
        &mut self,
        connection: usize,
        end: usize,
        now: Duration,
        most: usize,
        later: Duration,
    ) -> Option<Arrival> {
        let end = &mut self.all[connection].ends[end];
        if end.coming.front().is_none_or(|coming| coming.at > now) {
            return None;
        }
        let (mut piece, mut whole) = (Vec::new(), Vec::new());
        while let Some(coming) = end.coming.front_mut().filter(|coming| coming.at <= now) {
            match &mut coming.what {
                Carried::Bytes { rest, message } if piece.len() < most => {
                    piece.extend_from_slice(&rest.split_to(rest.len().min(most - piece.len())));
                    if rest.is_empty() {
                        whole.extend(message.take());
                        end.coming.pop_front();
                    }
                }
                Carried::Bytes { .. } => {
                    // Whatever is behind this comes behind it.
                    end.last = end.last.max(later);
                    for coming in &mut end.coming {
                        coming.at = coming.at.max(later);
                    }
                    break;
                }
                Carried::Opened | Carried::Closed if !piece.is_empty() => break,
                Carried::Opened => {
                    end.coming.pop_front();
                    return Some(Arrival::Opened);
                }
                Carried::Closed => {
                    end.coming.pop_front();
                    return Some(Arrival::Closed);
                }
            }
        }
        Some(Arrival::Piece(piece.into(), whole))
    }

    /// When something that is on its way to an end arrives next.
    pub fn next(&self, connection: usize, end: usize) -> Option<Duration> {
        self.all[connection].ends[end].coming.front().map(|coming| coming.at)
    }
}

impl End {
    fn put(&mut self, at: Duration, what: Carried) -> Duration {
        self.last = self.last.max(at);
        self.coming.push_back(Coming { at: self.last, what });
        self.last
    }
}

impl Coming {
    fn message(self) -> Option<Sent> {
        match self.what {
            Carried::Bytes { message, .. } => message,
            Carried::Opened | Carried::Closed => None,
        }
    }
}
