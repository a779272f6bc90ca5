//! Whole calls through two engines that hand each other their datagrams, without sockets and without RTP: each turn is
//! INVITE, 180, 200, ACK, BYE, 200 beside so many calls that stay up.

use std::time::{Duration, Instant};

use bytes::Bytes;
use session_core::{
    EventKind, SessionEvent, SessionId, SessionTimers,
    engine::{
        CallOptions, Command, CommandId, Delivery, Engine, EngineConfig, Input, MediaMode, Output, Seen, Tap,
    },
};
use sip_message::{NameAddr, UriBuf};
use sip_transport::{FlowId, Tick, Transport, TransportInput};

use crate::{node::Node, seed::Seed};

/// The wall clock at the start, since 1970.
const UNIX_AT_START: Duration = Duration::from_hours(500_000);

/// The number of the caller's engine; the other is the callee's.
const CALLER: usize = 0;

/// How long whatever a call leaves behind may be remembered: longer than 64*T1.
const FORGOTTEN: Duration = Duration::from_secs(40);

/// The time from call to call while those come up that stay.
const BETWEEN: Duration = Duration::from_millis(10);

/// The one socket of each engine.
const FLOW: u64 = 1 << 48;

/// Sees which calls come up and how many end.
#[derive(Debug, Default)]
struct Calls {
    up: Option<SessionId>,
    ended: u64,
}

impl Tap for Calls {
    fn seen(&mut self, _at: Tick, seen: Seen<'_>) {
        match seen {
            Seen::Event(SessionEvent { session, kind: EventKind::Established { .. }, .. }) => {
                self.up = *session;
            }
            Seen::Event(SessionEvent { kind: EventKind::CallEnded { .. }, .. }) => self.ended += 1,
            _ => {}
        }
    }
}

/// Two engines and their virtual time.
pub struct Rig {
    engines: [Engine<Calls>; 2],
    target: UriBuf,
    start: Instant,
    now: Duration,
    commands: u64,
}

impl Rig {
    /// Makes a rig in which so many calls are up. `None` where one of them does not come up.
    pub fn new(alive: u32) -> Option<Self> {
        let start = Instant::now();
        let mut rig = Self {
            engines: [engine(0, alive, start)?, engine(1, alive, start)?],
            target: UriBuf::parse("sip:bob@192.0.2.2").ok()?,
            start,
            now: Duration::ZERO,
            commands: 0,
        };
        for number in 0..rig.engines.len() {
            let local = Node::address_of(number);
            let opened =
                TransportInput::Opened { flow: FlowId::from(FLOW), transport: Transport::Udp, local };
            rig.input(number, Input::Transport(opened));
        }
        for _ in 0..alive {
            rig.call()?;
            // So that what the calls before have left behind below does not fill the tables.
            rig.pass(BETWEEN);
        }
        rig.pass(FORGOTTEN);
        Some(rig)
    }

    /// One whole call, until nothing of it is left; tells whether it went as it should.
    pub fn turn(&mut self) -> bool {
        let ended = self.engines.each_mut().map(|engine| engine.tap().ended);
        let Some(session) = self.call() else { return false };
        self.command(CALLER, Command::HangUp { session });
        self.pass(FORGOTTEN);
        self.engines.each_mut().map(|engine| engine.tap().ended) == ended.map(|before| before + 1)
    }

    /// Calls that are alive in the caller's engine.
    pub fn alive(&self) -> usize {
        self.engines[CALLER].leftovers().sessions
    }

    fn call(&mut self) -> Option<SessionId> {
        for engine in &mut self.engines {
            engine.tap().up = None;
        }
        let call = Command::Call { target: self.target.clone(), options: CallOptions::default() };
        self.command(CALLER, call);
        self.engines[1].tap().up.and(self.engines[CALLER].tap().up)
    }

    fn command(&mut self, engine: usize, command: Command) {
        self.commands += 1;
        let id = CommandId::from(self.commands);
        self.input(engine, Input::Command { id, command });
    }

    fn input(&mut self, engine: usize, input: Input) {
        self.engines[engine].handle(self.start + self.now, input);
        self.exchange();
    }

    /// Lets time pass, and what is due happen.
    fn pass(&mut self, time: Duration) {
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

    /// Hands over what each engine sends until both are silent.
    fn exchange(&mut self) {
        let mut silent = false;
        while !silent {
            silent = true;
            for from in 0..self.engines.len() {
                while let Some(output) = self.engines[from].poll_output() {
                    silent = false;
                    self.output(from, output);
                }
            }
        }
    }

    fn output(&mut self, from: usize, output: Output) {
        match output {
            Output::Write(outbound) => self.arrive(1 - from, outbound.wire),
            Output::Deliver(Delivery::Call { session, .. }) => {
                for command in [Command::Ring { session }, Command::Answer { session, source: None }] {
                    self.commands += 1;
                    let id = CommandId::from(self.commands);
                    self.engines[from].handle(self.start + self.now, Input::Command { id, command });
                }
            }
            // Replies are of no interest, and nothing else is asked for without RTP and names.
            _ => {}
        }
    }

    fn arrive(&mut self, at: usize, bytes: Bytes) {
        let source = Node::address_of(1 - at);
        let input = TransportInput::Bytes { flow: FlowId::from(FLOW), source, bytes };
        self.engines[at].handle(self.start + self.now, Input::Transport(input));
    }
}

fn engine(number: usize, alive: u32, start: Instant) -> Option<Engine<Calls>> {
    let name = ["alice", "bob"][number];
    let address = format!("<sip:{name}@{}>", Node::address_of(number).ip());
    let identity = NameAddr::parse(&address).ok()?.to_owned();
    let config = EngineConfig {
        media: MediaMode::Off,
        max_calls: alive as usize + 16,
        // The calls that are up are idle; their refreshes would be counted with the one that comes and goes.
        session_timers: SessionTimers::Off,
        ..EngineConfig::new(identity)
    };
    let random = Box::new(Seed::new(1, number as u64));
    Some(Engine::new(config, start, UNIX_AT_START, random, Calls::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_and_go_beside_those_that_stay_up() {
        let mut rig = Rig::new(10).expect("ten calls come up");
        assert_eq!(rig.alive(), 10);
        assert!((0..20).all(|_| rig.turn()));
        assert_eq!(rig.alive(), 10);
    }
}
