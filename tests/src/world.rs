//! The simulated world: parties, the network between them and one virtual clock, all in one thread.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use session_core::{
    SessionEvent,
    engine::{Command, CommandId, EngineConfig, Input, Output},
};

use crate::{
    journal::{self, Entry, Journal, What},
    network::{Faults, Network},
    node::{Node, Wish},
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
    /// A time has come that was asked for by [`World::wake`].
    Woken(usize),
}

/// The world.
pub struct World {
    start: Instant,
    seed: u64,
    now: Duration,
    nodes: Vec<Node>,
    network: Network,
    queue: BinaryHeap<Reverse<Due>>,
    queued: u64,
    news: std::collections::VecDeque<News>,
    journal: Option<Journal>,
    last_command: u64,
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
    Datagram { node: usize, from: usize, bytes: Bytes },
    Packet { node: usize, port: u16, source: SocketAddr, bytes: Bytes },
    Wake { node: usize, token: usize },
}

impl World {
    /// Makes an empty world. Without `keep` nothing is written to the journal, for measurements.
    pub fn new(seed: u64, faults: Faults, keep: bool) -> Self {
        Self {
            start: Instant::now(),
            seed,
            now: Duration::ZERO,
            nodes: Vec::new(),
            network: Network::new(faults, seed),
            queue: BinaryHeap::new(),
            queued: 0,
            news: std::collections::VecDeque::new(),
            journal: keep.then(Journal::default),
            last_command: 0,
        }
    }

    /// Adds a party; its number is the next, from 0.
    pub fn add(&mut self, name: &str, config: EngineConfig) -> usize {
        let number = self.nodes.len();
        self.nodes.push(Node::new(name, number, config, self.start, self.seed));
        let mut wishes = Vec::new();
        self.nodes[number].tick(self.now, &mut wishes);
        self.carry_out(number, wishes);
        number
    }

    /// The time since the start.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// The parties.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The journal, empty if it is not kept.
    pub fn take_journal(&mut self) -> Journal {
        self.journal.take().unwrap_or_default()
    }

    /// Writes a line of the application's into the journal.
    pub fn note(&mut self, node: usize, what: What) {
        let at = self.now;
        if let Some(journal) = &mut self.journal {
            journal.entries.push(Entry { at, node, what });
        }
    }

    /// Gives a party's engine a command.
    pub fn command(&mut self, node: usize, command: Command) -> CommandId {
        self.last_command += 1;
        let id = CommandId::from(self.last_command);
        let mut wishes = Vec::new();
        self.nodes[node].input(self.now, Input::Command { id, command }, &mut wishes);
        self.carry_out(node, wishes);
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
        self.nodes.iter().filter_map(Node::deadline).chain(queued).min()
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
        let due = |node: &Node| node.deadline().is_some_and(|at| at <= self.now);
        if let Some(number) = self.nodes.iter().position(due) {
            let mut wishes = Vec::new();
            self.nodes[number].tick(self.now, &mut wishes);
            self.carry_out(number, wishes);
        }
    }

    fn happen(&mut self, happening: Happening) {
        let mut wishes = Vec::new();
        match happening {
            Happening::Datagram { node, from, bytes } => {
                self.note(node, What::Received { from, message: bytes.clone() });
                let source = self.nodes[from].address();
                self.nodes[node].datagram(self.now, source, bytes, &mut wishes);
                self.carry_out(node, wishes);
            }
            Happening::Packet { node, port, source, bytes } => {
                self.nodes[node].packet(self.now, port, source, &bytes, &mut wishes);
                self.carry_out(node, wishes);
            }
            Happening::Wake { node, token } => self.news.push_back(News { node, what: Told::Woken(token) }),
        }
    }

    fn carry_out(&mut self, node: usize, wishes: Vec<Wish>) {
        for event in self.nodes[node].take_events() {
            self.note(node, What::Event(Box::new(event.clone())));
            self.news.push_back(News { node, what: Told::Event(event) });
        }
        for wish in wishes {
            match wish {
                Wish::Sip { to, message } => self.send(node, to, message),
                Wish::Rtp { port, to, packet } => {
                    let Some(target) = self.nodes.iter().position(|other| other.address().ip() == to.ip())
                    else {
                        continue;
                    };
                    let Some(after) = self.network.carry_rtp(self.now, node, target) else { continue };
                    let source = SocketAddr::new(self.nodes[node].address().ip(), port);
                    let happening =
                        Happening::Packet { node: target, port: to.port(), source, bytes: packet };
                    self.enqueue(self.now + after, happening);
                }
                Wish::Application(output) => self.news.push_back(News { node, what: Told::Output(output) }),
            }
        }
    }

    fn send(&mut self, node: usize, address: SocketAddr, message: Bytes) {
        let to = self.nodes.iter().position(|other| other.address() == address);
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
        self.note(node, What::Sent { to, address, message, copies });
    }

    fn enqueue(&mut self, at: Duration, happening: Happening) {
        self.queued += 1;
        self.queue.push(Reverse(Due { at, order: self.queued, happening }));
    }
}
