//! The simulated world: parties, the network between them and one virtual clock, all in one thread.

mod scripts;
mod streams;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use session_core::{
    SessionEvent,
    engine::{Command, CommandId, EngineConfig, Input, Output},
};

use sip_transport::{CloseCause, Transport};

use crate::{
    connections::Connections,
    journal::{self, Entry, Journal, What},
    network::{Faults, Network},
    node::{Node, Wish},
    scripted::{Came, Scripted, Way},
};

/// Something that is told to whoever plays the applications.
#[derive(Debug)]
pub struct News {
    /// The party.
    pub node: usize,
    /// What it is told.
    pub what: Told,
}

/// What an application is told.
#[derive(Debug)]
pub enum Told {
    /// An event.
    Event(SessionEvent),
    /// A delivery or a reply.
    Output(Output),
    /// A message came to a scripted party that it was not sent before.
    Came(Came),
    /// The party has started anew.
    Restarted,
    /// The party is gone.
    Stopped,
    /// A time has come that was asked for by [`World::wake`].
    Woken(usize),
}

/// The world.
pub struct World {
    start: Instant,
    seed: u64,
    now: Duration,
    members: Vec<Member>,
    network: Network,
    connections: Connections,
    /// What scripted parties write once a connection is there, by its number.
    unsent: BTreeMap<usize, Vec<Bytes>>,
    queue: BinaryHeap<Reverse<Due>>,
    queued: u64,
    news: std::collections::VecDeque<News>,
    journal: Option<Journal>,
    last_command: u64,
    /// What an engine wishes for in its step; kept for its room.
    wishes: Vec<Wish>,
}

/// Who takes part.
enum Member {
    Engine(Box<Node>),
    /// With what it listens by.
    Scripted(Scripted, Vec<Transport>),
    /// It was an engine.
    Gone,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Duration,
    // Ties are broken by the order of queueing, never by the contents.
    order: u64,
    happening: Happening,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Datagram {
        node: usize,
        from: usize,
        bytes: Bytes,
    },
    Packet {
        node: usize,
        port: u16,
        source: SocketAddr,
        bytes: Bytes,
    },
    Wake {
        node: usize,
        token: usize,
    },
    /// A party that wants a connection has its answer.
    Answered {
        connection: usize,
    },
    /// Something arrives at an end of a connection.
    Arrive {
        connection: usize,
        end: usize,
    },
    /// A connection breaks.
    Break {
        connection: usize,
    },
    /// The party at an end notices that its connection is broken.
    Lost {
        connection: usize,
        end: usize,
    },
    /// The connections between two parties break.
    Part {
        one: usize,
        other: usize,
    },
    Restart {
        node: usize,
    },
    Stop {
        node: usize,
    },
}

impl World {
    /// Makes an empty world. Without `keep` nothing is written to the journal, for measurements.
    pub fn new(seed: u64, faults: Faults, keep: bool) -> Self {
        Self {
            start: Instant::now(),
            seed,
            now: Duration::ZERO,
            members: Vec::new(),
            network: Network::new(faults, seed),
            connections: Connections::default(),
            unsent: BTreeMap::new(),
            queue: BinaryHeap::new(),
            queued: 0,
            news: std::collections::VecDeque::new(),
            journal: keep.then(Journal::default),
            last_command: 0,
            wishes: Vec::new(),
        }
    }

    /// Adds a party with an engine that listens by these transports; its number is the next, from 0.
    pub fn add(&mut self, name: &str, config: EngineConfig, listens: &[Transport]) -> usize {
        let number = self.members.len();
        let node = Node::new(name, number, config, listens, self.start, self.seed);
        self.members.push(Member::Engine(node));
        self.with_engine(number, Node::tick);
        number
    }

    /// The time since the start.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// The parties with engines, with their numbers.
    pub fn engines(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.members.iter().enumerate().filter_map(|(number, member)| match member {
            Member::Engine(node) => Some((number, &**node)),
            Member::Scripted(..) | Member::Gone => None,
        })
    }

    /// Whether a party has stopped.
    pub fn is_gone(&self, number: usize) -> bool {
        matches!(self.members.get(number), Some(Member::Gone))
    }

    /// The journal, empty if it is not kept.
    pub fn take_journal(&mut self) -> Journal {
        self.journal.take().unwrap_or_default()
    }

    /// Writes a line of the application's into the journal.
    pub fn note(&mut self, node: usize, what: impl FnOnce() -> What) {
        let at = self.now;
        if let Some(journal) = &mut self.journal {
            journal.entries.push(Entry { at, node, what: what() });
        }
    }

    /// Gives a party's engine a command.
    pub fn command(&mut self, node: usize, command: Command) -> CommandId {
        self.last_command += 1;
        let id = CommandId::from(self.last_command);
        self.with_engine(node, |node, now, wishes| node.input(now, Input::Command { id, command }, wishes));
        id
    }

    /// Asks to be told [`Told::Woken`] after a time.
    pub fn wake(&mut self, node: usize, after: Duration, token: usize) {
        self.enqueue(self.now + after, Happening::Wake { node, token });
    }

    /// The next thing that an application is told.
    pub fn news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Duration> {
        let queued = self.queue.peek().map(|Reverse(due)| due.at);
        self.engines().filter_map(|(_, node)| node.deadline()).chain(queued).min()
    }

    /// Lets time pass in which nothing happens.
    pub fn pass(&mut self, until: Duration) {
        if self.next().is_none_or(|next| next > until) {
            self.now = self.now.max(until);
        }
    }

    /// Does what happens next; time goes on to it. Does nothing in a world in which nothing will happen.
    pub fn step(&mut self) {
        let Some(at) = self.next() else { return };
        self.now = self.now.max(at);
        if self.queue.peek().is_some_and(|Reverse(due)| due.at <= self.now) {
            if let Some(Reverse(due)) = self.queue.pop() {
                self.happen(due.happening);
            }
            return;
        }
        let due = self.engines().find(|(_, node)| node.deadline().is_some_and(|at| at <= self.now));
        if let Some(number) = due.map(|(number, _)| number) {
            self.with_engine(number, Node::tick);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Datagram { node, from, bytes } => {
                self.note(node, || What::Received { from, message: bytes.clone(), connection: None });
                let source = Node::address_of(from);
                if self.scripted(node).is_some() {
                    self.came(node, Way { transport: Transport::Udp, address: source }, &bytes);
                } else {
                    self.with_engine(node, |node, now, wishes| node.datagram(now, source, bytes, wishes));
                }
            }
            Happening::Packet { node, port, source, bytes } => {
                self.with_engine(node, |node, now, wishes| node.packet(now, port, source, &bytes, wishes));
            }
            Happening::Wake { node, token } => self.news.push_back(News { node, what: Told::Woken(token) }),
            Happening::Answered { connection } => self.answered(connection),
            Happening::Arrive { connection, end } => self.arrive(connection, end),
            Happening::Break { connection } => self.break_off(connection),
            Happening::Lost { connection, end } => self.over(connection, end, CloseCause::Lost),
            Happening::Part { one, other } => self.part(one, other),
            Happening::Restart { node } => self.restart(node),
            Happening::Stop { node } => self.stop(node),
        }
    }

    /// Lets an engine take a step, and carries out what it wishes for. A scripted party takes none.
    fn with_engine(&mut self, number: usize, step: impl FnOnce(&mut Node, Duration, &mut Vec<Wish>)) {
        let Some(Member::Engine(node)) = self.members.get_mut(number) else { return };
        let mut wishes = std::mem::take(&mut self.wishes);
        step(node, self.now, &mut wishes);
        let events = node.take_events();
        for event in events {
            self.note(number, || What::Event(Box::new(event.clone())));
            self.news.push_back(News { node: number, what: Told::Event(event) });
        }
        self.carry_out(number, &mut wishes);
        self.wishes = wishes;
    }

    fn carry_out(&mut self, node: usize, wishes: &mut Vec<Wish>) {
        for wish in wishes.drain(..) {
            match wish {
                Wish::Sip { to, message } => self.send(node, to, message),
                Wish::Stream { flow, to, bytes, message } => self.write(node, flow, to, bytes, message),
                Wish::Connect(connect) => self.connect(node, &connect),
                Wish::Close(flow) => self.close(node, flow),
                Wish::Rtp { port, to, packet } => {
                    let Some(target) = self.member_at(|address| address.ip() == to.ip()) else { continue };
                    let Some(after) = self.network.carry_rtp(self.now, node, target) else { continue };
                    let source = SocketAddr::new(Node::address_of(node).ip(), port);
                    let happening =
                        Happening::Packet { node: target, port: to.port(), source, bytes: packet };
                    self.enqueue(self.now + after, happening);
                }
                Wish::Application(output) => self.news.push_back(News { node, what: Told::Output(output) }),
            }
        }
    }

    fn send(&mut self, node: usize, address: SocketAddr, message: Bytes) {
        let to = self.member_at(|member| member == address);
        let to = to.filter(|to| self.listens(*to, Transport::Udp, address));
        let mut copies = 0;
        if let Some(target) = to {
            let kind = if self.network.looks_inside() { journal::kind(&message) } else { String::new() };
            for after in self.network.carry(self.now, node, target, &kind) {
                copies += 1;
                self.enqueue(
                    self.now + after,
                    Happening::Datagram { node: target, from: node, bytes: message.clone() },
                );
            }
        }
        self.note(node, || What::Sent { to, address, message, copies, connection: None });
    }

    fn member_at(&self, fits: impl Fn(SocketAddr) -> bool) -> Option<usize> {
        (0..self.members.len()).find(|number| fits(Node::address_of(*number)))
    }

    /// Whether a party listens by a transport at an address of its.
    fn listens(&self, number: usize, transport: Transport, address: SocketAddr) -> bool {
        match self.members.get(number) {
            Some(Member::Engine(node)) => {
                node.listener(transport).is_some() && Node::listens_at(number, transport) == address
            }
            Some(Member::Scripted(_, listens)) => {
                listens.contains(&transport) && Node::listens_at(number, transport) == address
            }
            Some(Member::Gone) | None => false,
        }
    }

    fn enqueue(&mut self, at: Duration, happening: Happening) {
        self.queued += 1;
        self.queue.push(Reverse(Due { at, order: self.queued, happening }));
    }
}
