//! Engines that hand each other their datagrams in virtual time, without sockets, delays and RTP: what is measured with them is
//! what they cost themselves.

use std::time::{Duration, Instant};

use session_core::{
    EventKind, SessionEvent, SessionId,
    engine::{Command, CommandId, Delivery, Engine, EngineConfig, Input, MediaMode, Output, Seen, Tap},
};
use sip_message::{NameAddr, UriBuf};
use sip_transport::{FlowId, Outbound, Tick, Transport, TransportInput};
use transfer::OutcomeKind;

use crate::{node::Node, seed::Seed};

/// The wall clock at the start, since 1970.
const UNIX_AT_START: Duration = Duration::from_hours(500_000);

/// How long whatever a call leaves behind may be remembered: longer than 64*T1.
pub const FORGOTTEN: Duration = Duration::from_secs(40);

/// The one socket of each engine.
const FLOW: u64 = 1 << 48;

/// The users, by the number of their engine.
const NAMES: [&str; 3] = ["alice", "bob", "carol"];

/// What an engine has told.
#[derive(Debug, Default)]
pub struct Told {
    /// The call that came up last.
    pub up: Option<SessionId>,
    /// Calls that have ended.
    pub ended: u64,
    /// Transfers that have succeeded.
    pub moved: u64,
}

impl Tap for Told {
    fn seen(&mut self, _at: Tick, seen: Seen<'_>) {
        let Seen::Event(SessionEvent { session, kind, .. }) = seen else { return };
        match kind {
            EventKind::Established { .. } => self.up = *session,
            EventKind::CallEnded { .. } => self.ended += 1,
            EventKind::TransferEnded(outcome) if outcome.kind == OutcomeKind::Succeeded => self.moved += 1,
            _ => {}
        }
    }
}

/// So many engines and their virtual time. Each of them answers every call.
pub struct Exchange<const N: usize> {
    engines: [Engine<Told>; N],
    start: Instant,
    now: Duration,
    commands: u64,
}

impl<const N: usize> Exchange<N> {
    /// Makes engines whose sockets are open, of settings that `adapt` changes. `None` where there are more than there are names.
    pub fn new(adapt: impl Fn(&mut EngineConfig)) -> Option<Self> {
        let start = Instant::now();
        let mut engines = Vec::with_capacity(N);
        for (number, name) in NAMES.iter().enumerate().take(N) {
            let address = format!("<sip:{name}@{}>", Node::address_of(number).ip());
            let mut config = EngineConfig::new(NameAddr::parse(&address).ok()?.to_owned());
            config.media = MediaMode::Off;
            adapt(&mut config);
            let random = Box::new(Seed::new(1, number as u64));
            let mut engine = Engine::new(config, start, UNIX_AT_START, random, Told::default());
            let local = Node::address_of(number);
            let opened =
                TransportInput::Opened { flow: FlowId::from(FLOW), transport: Transport::Udp, local };
            engine.handle(start, Input::Transport(opened));
            engines.push(engine);
        }
        Some(Self { engines: engines.try_into().ok()?, start, now: Duration::ZERO, commands: 0 })
    }

    /// How to call the user of an engine.
    pub fn uri(number: usize) -> Option<UriBuf> {
        UriBuf::parse(&format!("sip:{}@{}", NAMES.get(number)?, Node::address_of(number).ip())).ok()
    }

    /// What an engine has told.
    pub fn told(&mut self, number: usize) -> &mut Told {
        self.engines[number].tap()
    }

    /// Calls that have ended, by engine.
    pub fn ended(&mut self) -> [u64; N] {
        self.engines.each_mut().map(|engine| engine.tap().ended)
    }

    /// An engine.
    pub fn engine(&self, number: usize) -> &Engine<Told> {
        &self.engines[number]
    }

    /// Gives an engine a command, and carries what follows from it until all are silent.
    pub fn command(&mut self, number: usize, command: Command) {
        self.ask(number, command);
        self.exchange();
    }

    /// Lets time pass, and what is due happen.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.engines.iter().filter_map(Engine::next_deadline).min()
            && at <= self.start + until
        {
            self.now = at.saturating_duration_since(self.start).max(self.now);
            for engine in &mut self.engines {
                engine.handle_timeout(self.start + self.now);
            }
            self.exchange();
        }
        self.now = until;
    }

    fn ask(&mut self, number: usize, command: Command) {
        self.commands += 1;
        let id = CommandId::from(self.commands);
        self.engines[number].handle(self.start + self.now, Input::Command { id, command });
    }

    /// Hands over what each engine sends until all are silent.
    fn exchange(&mut self) {
        let mut silent = false;
        while !silent {
            silent = true;
            for from in 0..N {
                while let Some(output) = self.engines[from].poll_output() {
                    silent = false;
                    self.output(from, output);
                }
            }
        }
    }

    fn output(&mut self, from: usize, output: Output) {
        match output {
            Output::Write(Outbound { hop, wire }) => {
                let Some(to) = (0..N).find(|number| Node::address_of(*number) == hop.remote) else { return };
                let source = Node::address_of(from);
                let input = TransportInput::Bytes { flow: FlowId::from(FLOW), source, bytes: wire };
                self.engines[to].handle(self.start + self.now, Input::Transport(input));
            }
            Output::Deliver(Delivery::Call { session, .. }) => {
                self.ask(from, Command::Ring { session });
                self.ask(from, Command::Answer { session, source: None });
            }
            // Replies are of no interest, and nothing else is asked for without RTP and names.
            _ => {}
        }
    }
}
