//! Parties with an engine each, and what carries their datagrams.

#![expect(clippy::disallowed_methods, reason = "the origin of virtual time")]

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use session_core::{
    EventKind, MediaMode, OutcomeKind, ReferPolicy, SessionEvent, SessionId, StatusCode, TransferId,
    TransferPolicy,
    engine::{
        Command, CommandError, CommandId, Delivery, Engine, EngineConfig, Input, Output, Reply, Seen, Tap,
    },
    report::Reporter,
};
use sip_transport::{FlowId, Random, Tick, Transport, TransportInput};

pub(crate) const OK: Option<StatusCode> = Some(StatusCode::OK);

pub(crate) struct Seeded(u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[derive(Default)]
pub(crate) struct Record {
    pub(crate) events: Vec<SessionEvent>,
    pub(crate) sent: Vec<String>,
    /// The same messages as a whole.
    pub(crate) wire: Vec<String>,
    pub(crate) reports: Reporter,
}

impl Tap for Record {
    fn seen(&mut self, at: Tick, seen: Seen<'_>) {
        match &seen {
            Seen::Event(event) => self.events.push((*event).clone()),
            Seen::Sent(sent) => {
                let text = String::from_utf8_lossy(&sent.outbound.wire);
                self.sent.push(text.lines().next().unwrap_or_default().to_owned());
                self.wire.push(text.into_owned());
            }
            _ => {}
        }
        self.reports.seen(at, seen);
    }
}

pub(crate) struct Party {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Engine<Record>,
    /// Answers calls by itself with this; 100 decides nothing, `None` leaves them ringing.
    answers: Option<StatusCode>,
    pub(crate) replies: Vec<(CommandId, Result<Reply, CommandError>)>,
    /// Transfers that it was asked to decide about.
    pub(crate) asked: Vec<TransferId>,
}

pub(crate) struct Net {
    now: Instant,
    pub(crate) parties: Vec<Party>,
    wire: VecDeque<(SocketAddr, SocketAddr, bytes::Bytes)>,
    pub(crate) commands: u64,
    /// Messages that begin so are lost.
    pub(crate) loses: Option<&'static str>,
}

impl Net {
    pub(crate) fn new(names: &[(&str, Option<StatusCode>)]) -> Self {
        Self::configured(names, |_| {})
    }

    /// With a policy for all, but for who may refer and where to.
    pub(crate) fn with(names: &[(&str, Option<StatusCode>)], policy: &TransferPolicy) -> Self {
        Self::configured(names, |config| {
            let permitted = (config.policy.refer, config.policy.targets.clone());
            config.policy = policy.clone();
            (config.policy.refer, config.policy.targets) = permitted;
        })
    }

    /// With a configuration of its own for all.
    pub(crate) fn configured(
        names: &[(&str, Option<StatusCode>)],
        change: impl Fn(&mut EngineConfig),
    ) -> Self {
        let now = Instant::now();
        let parties = names.iter().zip(1u8..).map(|((name, answers), number)| {
            let address = SocketAddr::from(([192, 0, 2, number], 5060));
            let identity = format!("<sip:{name}@{address}>").parse().expect("test identity");
            let mut config = EngineConfig::new(identity);
            config.media = MediaMode::Off;
            config.policy = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
            config.policy.targets.networks = vec!["192.0.2.0/24".parse().expect("test network")];
            change(&mut config);
            let random = Box::new(Seeded(u64::from(number)));
            let mut engine =
                Engine::new(config, now, Duration::from_secs(1_700_000_000), random, Record::default());
            let opened =
                TransportInput::Opened { flow: FlowId::from(1), transport: Transport::Udp, local: address };
            engine.handle(now, Input::Transport(opened));
            Party { address, engine, answers: *answers, replies: Vec::new(), asked: Vec::new() }
        });
        Self { now, parties: parties.collect(), wire: VecDeque::new(), commands: 0, loses: None }
    }

    pub(crate) fn ask(&mut self, party: usize, command: Command) -> CommandId {
        self.commands += 1;
        let id = CommandId::from(self.commands);
        self.parties[party].engine.handle(self.now, Input::Command { id, command });
        self.settle();
        id
    }

    /// Commands of two parties at the same time: both act before either hears of the other.
    pub(crate) fn ask_both(&mut self, asked: [(usize, Command); 2]) -> [CommandId; 2] {
        let ids = asked.map(|(party, command)| {
            self.commands += 1;
            let id = CommandId::from(self.commands);
            self.parties[party].engine.handle(self.now, Input::Command { id, command });
            id
        });
        self.settle();
        ids
    }

    /// Carries what is on the wire, in no time.
    pub(crate) fn settle(&mut self) {
        loop {
            for index in 0..self.parties.len() {
                while let Some(output) = self.parties[index].engine.poll_output() {
                    self.output(index, output);
                }
            }
            let Some((from, to, bytes)) = self.wire.pop_front() else { return };
            if let Some(party) = self.parties.iter_mut().find(|party| party.address == to) {
                let input = TransportInput::Bytes { flow: FlowId::from(1), source: from, bytes };
                party.engine.handle(self.now, Input::Transport(input));
            }
        }
    }

    pub(crate) fn output(&mut self, index: usize, output: Output) {
        let party = &mut self.parties[index];
        match output {
            Output::Write(outbound) => {
                if self.loses.is_some_and(|start| outbound.wire.starts_with(start.as_bytes())) {
                    return;
                }
                self.wire.push_back((outbound.hop.local, outbound.hop.remote, outbound.wire));
            }
            Output::Deliver(Delivery::Transfer { transfer, .. }) => party.asked.push(transfer),
            Output::Reply { id, result } => party.replies.push((id, result)),
            Output::Deliver(Delivery::Call { session, .. }) => {
                let command = match party.answers {
                    Some(StatusCode::TRYING) => return,
                    Some(StatusCode::OK) => Command::Answer { session, source: None },
                    Some(status) => Command::Reject { session, status },
                    None => Command::Ring { session },
                };
                self.commands += 1;
                let id = CommandId::from(self.commands);
                party.engine.handle(self.now, Input::Command { id, command });
            }
            other => panic!("not expected without media and names: {other:?}"),
        }
    }

    /// Lets time pass until nothing is left to happen or the time is over.
    pub(crate) fn run(&mut self, limit: Duration) {
        let end = self.now + limit;
        self.settle();
        loop {
            let next = self.parties.iter().filter_map(|party| party.engine.next_deadline()).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            for party in &mut self.parties {
                if party.engine.next_deadline().is_some_and(|deadline| deadline <= self.now) {
                    party.engine.handle_timeout(self.now);
                }
            }
            self.settle();
        }
        self.now = end;
    }

    pub(crate) fn call(&mut self, party: usize, target: usize) -> SessionId {
        let target = format!("sip:x@{}", self.parties[target].address).parse().expect("test URI");
        let id = self.ask(party, Command::Call { target, options: session_core::CallOptions::default() });
        self.run(Duration::from_millis(100));
        match self.reply(party, id) {
            Some(Ok(Reply::Session(session))) => *session,
            other => panic!("no call: {other:?}"),
        }
    }

    pub(crate) fn reply(&self, party: usize, id: CommandId) -> Option<&Result<Reply, CommandError>> {
        self.parties[party].replies.iter().find(|(reply, _)| *reply == id).map(|(_, result)| result)
    }

    pub(crate) fn outcomes(&mut self, party: usize) -> Vec<(OutcomeKind, Option<u16>, bool)> {
        let events = &self.parties[party].engine.tap().events;
        let outcomes = events.iter().filter_map(|event| match &event.kind {
            EventKind::TransferEnded(outcome) => {
                Some((outcome.kind, outcome.code.map(StatusCode::as_u16), outcome.call_kept))
            }
            _ => None,
        });
        outcomes.collect()
    }

    pub(crate) fn sent(&mut self, party: usize) -> Vec<String> {
        let sent = &self.parties[party].engine.tap().sent;
        sent.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    pub(crate) fn nothing_is_left(&mut self) {
        self.run(Duration::from_mins(5));
        for party in &self.parties {
            let left = party.engine.leftovers();
            assert!(left.is_empty(), "{}: {left:?}", party.address);
        }
    }
}
