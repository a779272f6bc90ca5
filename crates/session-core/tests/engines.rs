//! Engines wired to each other in virtual time, without loss: what the facade's commands do on the wire.

#![expect(clippy::disallowed_methods, reason = "the origin of virtual time")]

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use session_core::{
    EventKind, MediaMode, OutcomeKind, ReferPolicy, SessionEvent, SessionId, StatusCode, TransferPolicy,
    engine::{
        Command, CommandError, CommandId, Delivery, Engine, EngineConfig, Input, Output, Reply, Seen, Tap,
    },
};
use sip_transport::{FlowId, Random, Tick, Transport, TransportInput};

struct Seeded(u64);

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
struct Record {
    events: Vec<SessionEvent>,
    sent: Vec<String>,
}

impl Tap for Record {
    fn seen(&mut self, _at: Tick, seen: Seen<'_>) {
        match seen {
            Seen::Event(event) => self.events.push(event.clone()),
            Seen::Sent(outbound) => {
                let text = String::from_utf8_lossy(&outbound.wire);
                self.sent.push(text.lines().next().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }
}

struct Party {
    address: SocketAddr,
    engine: Engine<Record>,
    /// Answers calls by itself with this; `None` leaves them ringing.
    answers: Option<StatusCode>,
    replies: Vec<(CommandId, Result<Reply, CommandError>)>,
}

struct Net {
    now: Instant,
    parties: Vec<Party>,
    wire: VecDeque<(SocketAddr, SocketAddr, bytes::Bytes)>,
    commands: u64,
}

impl Net {
    fn new(names: &[(&str, Option<StatusCode>)]) -> Self {
        let now = Instant::now();
        let parties = names.iter().zip(1u8..).map(|((name, answers), number)| {
            let address = SocketAddr::from(([192, 0, 2, number], 5060));
            let identity = format!("<sip:{name}@{address}>").parse().expect("test identity");
            let mut config = EngineConfig::new(identity);
            config.media = MediaMode::Off;
            config.policy = TransferPolicy { refer: ReferPolicy::Allow, ..TransferPolicy::default() };
            config.policy.targets.networks = vec!["192.0.2.0/24".parse().expect("test network")];
            let random = Box::new(Seeded(u64::from(number)));
            let mut engine =
                Engine::new(config, now, Duration::from_secs(1_700_000_000), random, Record::default());
            let opened =
                TransportInput::Opened { flow: FlowId::from(1), transport: Transport::Udp, local: address };
            engine.handle(now, Input::Transport(opened));
            Party { address, engine, answers: *answers, replies: Vec::new() }
        });
        Self { now, parties: parties.collect(), wire: VecDeque::new(), commands: 0 }
    }

    fn ask(&mut self, party: usize, command: Command) -> CommandId {
        self.commands += 1;
        let id = CommandId::from(self.commands);
        self.parties[party].engine.handle(self.now, Input::Command { id, command });
        self.settle();
        id
    }

    /// Carries what is on the wire, in no time.
    fn settle(&mut self) {
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

    fn output(&mut self, index: usize, output: Output) {
        let party = &mut self.parties[index];
        match output {
            Output::Write(outbound) => {
                self.wire.push_back((outbound.hop.local, outbound.hop.remote, outbound.wire));
            }
            Output::Reply { id, result } => party.replies.push((id, result)),
            Output::Deliver(Delivery::Call { session, .. }) => {
                let command = match party.answers {
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
    fn run(&mut self, limit: Duration) {
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

    fn call(&mut self, party: usize, target: usize) -> SessionId {
        let target = format!("sip:x@{}", self.parties[target].address).parse().expect("test URI");
        let id = self.ask(party, Command::Call { target, options: session_core::CallOptions::default() });
        self.run(Duration::from_millis(100));
        match self.reply(party, id) {
            Some(Ok(Reply::Session(session))) => *session,
            other => panic!("no call: {other:?}"),
        }
    }

    fn reply(&self, party: usize, id: CommandId) -> Option<&Result<Reply, CommandError>> {
        self.parties[party].replies.iter().find(|(reply, _)| *reply == id).map(|(_, result)| result)
    }

    fn outcomes(&mut self, party: usize) -> Vec<(OutcomeKind, Option<u16>, bool)> {
        let events = &self.parties[party].engine.tap().events;
        let outcomes = events.iter().filter_map(|event| match &event.kind {
            EventKind::TransferEnded(outcome) => {
                Some((outcome.kind, outcome.code.map(StatusCode::as_u16), outcome.call_kept))
            }
            _ => None,
        });
        outcomes.collect()
    }

    fn sent(&mut self, party: usize) -> Vec<String> {
        let sent = &self.parties[party].engine.tap().sent;
        sent.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    fn nothing_is_left(&mut self) {
        self.run(Duration::from_mins(5));
        for party in &self.parties {
            let left = party.engine.leftovers();
            assert!(left.is_empty(), "{}: {left:?}", party.address);
        }
    }
}

const OK: Option<StatusCode> = Some(StatusCode::OK);

#[test]
fn a_call_comes_up_is_held_resumed_and_ended() {
    let mut net = Net::new(&[("alice", OK), ("bob", OK)]);
    let call = net.call(0, 1);
    let hold = net.ask(0, Command::Hold { session: call });
    assert!(matches!(net.reply(0, hold), Some(Ok(Reply::Hold(state))) if state.local && !state.remote));
    let resume = net.ask(0, Command::Resume { session: call });
    assert!(matches!(net.reply(0, resume), Some(Ok(Reply::Hold(state))) if !state.local));
    let end = net.ask(0, Command::HangUp { session: call });
    assert!(matches!(net.reply(0, end), Some(Ok(Reply::Done))));
    net.nothing_is_left();
}

#[test]
fn a_blind_transfer_moves_the_party_and_ends_our_call() {
    // covers: TR-161, TR-162
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(2));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Succeeded, Some(200), false)], "{:#?}", net.sent(0));
    assert_eq!(net.outcomes(1).len(), 1);
    let requests: Vec<String> = net.sent(0).into_iter().filter(|line| !line.starts_with("SIP")).collect();
    let methods: Vec<&str> = requests.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(methods, ["INVITE", "ACK", "INVITE", "ACK", "REFER", "BYE"]);
    let id = net.parties[1].engine.tap().events.iter().find_map(|event| match event.kind {
        EventKind::TransferConnected { to } => Some(to),
        _ => None,
    });
    net.ask(1, Command::HangUp { session: id.expect("the new call") });
    net.nothing_is_left();
}

#[test]
fn a_busy_target_gives_the_party_back() {
    // covers: TR-163, TR-178
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", Some(StatusCode::BUSY_HERE))]);
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(5));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Recovered, Some(486), true)]);
    let end = net.ask(0, Command::HangUp { session: call });
    net.run(Duration::from_secs(1));
    assert!(matches!(net.reply(0, end), Some(Ok(Reply::Done))));
    net.nothing_is_left();
}

#[test]
fn a_silent_target_is_cancelled_and_gives_the_party_back() {
    // covers: TR-164
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", None)]);
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(70));
    assert_eq!(net.outcomes(0), [(OutcomeKind::Recovered, Some(487), true)]);
    assert!(net.sent(1).iter().any(|line| line.starts_with("CANCEL")));
    net.ask(0, Command::HangUp { session: call });
    net.nothing_is_left();
}

#[test]
fn who_hangs_up_while_being_moved_reports_before_the_bye() {
    // covers: TR-256
    let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", None)]);
    let call = net.call(0, 1);
    let target = format!("sip:carol@{}", net.parties[2].address).parse().expect("test URI");
    net.ask(0, Command::Blind { session: call, target });
    net.run(Duration::from_secs(2));
    let moved = net.parties[1].engine.tap().events.iter().find_map(|event| match event.kind {
        EventKind::Established { .. } => event.session,
        _ => None,
    });
    net.ask(1, Command::HangUp { session: moved.expect("the call with Alice") });
    net.run(Duration::from_secs(2));
    let sent = net.sent(1);
    let at = |method: &str| sent.iter().rposition(|line| line.starts_with(method)).expect(method);
    assert!(at("CANCEL") < at("BYE") && at("NOTIFY") < at("BYE"), "{sent:#?}");
    assert_eq!(net.outcomes(0).len(), 1);
    net.nothing_is_left();
}

/// A step of a random run.
#[derive(Debug, Clone)]
enum Step {
    Call(usize, usize),
    Blind(usize, usize),
    Hold(usize),
    Resume(usize),
    HangUp(usize),
    Cancel(usize),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3usize, 0..3usize).prop_map(|(from, to)| Step::Call(from, to)),
        (0..3usize, 0..3usize).prop_map(|(who, to)| Step::Blind(who, to)),
        (0..3usize).prop_map(Step::Hold),
        (0..3usize).prop_map(Step::Resume),
        (0..3usize).prop_map(Step::HangUp),
        (0..3usize).prop_map(Step::Cancel),
        (0..9000u16).prop_map(Step::Wait),
    ]
}

impl Net {
    fn last_session(&self, party: usize) -> Option<SessionId> {
        let mut replies = self.parties[party].replies.iter().rev();
        replies.find_map(|(_, result)| if let Ok(Reply::Session(id)) = result { Some(*id) } else { None })
    }

    fn last_transfer(&self, party: usize) -> Option<session_core::TransferId> {
        let mut replies = self.parties[party].replies.iter().rev();
        replies.find_map(|(_, result)| if let Ok(Reply::Transfer(id)) = result { Some(*id) } else { None })
    }

    fn take(&mut self, step: &Step) {
        let uri =
            |net: &Self, to: usize| format!("sip:x@{}", net.parties[to].address).parse().expect("test URI");
        match *step {
            Step::Call(from, to) => {
                let target = uri(self, to);
                self.ask(from, Command::Call { target, options: session_core::CallOptions::default() });
            }
            Step::Blind(who, to) => {
                if let Some(session) = self.last_session(who) {
                    let target = uri(self, to);
                    self.ask(who, Command::Blind { session, target });
                }
            }
            Step::Hold(who) => {
                if let Some(session) = self.last_session(who) {
                    self.ask(who, Command::Hold { session });
                }
            }
            Step::Resume(who) => {
                if let Some(session) = self.last_session(who) {
                    self.ask(who, Command::Resume { session });
                }
            }
            Step::HangUp(who) => {
                if let Some(session) = self.last_session(who) {
                    self.ask(who, Command::HangUp { session });
                }
            }
            Step::Cancel(who) => {
                if let Some(transfer) = self.last_transfer(who) {
                    self.ask(who, Command::CancelTransfer { transfer });
                }
            }
            Step::Wait(millis) => self.run(Duration::from_millis(u64::from(millis))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_asked_every_command_is_answered_every_transfer_ends_once_and_nothing_is_left(
        steps in proptest::collection::vec(step(), 1..25),
    ) {
        // covers: TR-258
        let mut net = Net::new(&[("alice", OK), ("bob", OK), ("carol", OK)]);
        for step in &steps {
            net.take(step);
        }
        net.run(Duration::from_secs(200));
        for party in 0..3 {
            net.ask(party, Command::HangUpAll);
        }
        net.nothing_is_left();
        let asked = net.commands;
        let replies = net.parties.iter().map(|party| party.replies.len() as u64).sum::<u64>();
        prop_assert_eq!(asked, replies);
        for party in &mut net.parties {
            let mut ended = std::collections::BTreeMap::new();
            for event in &party.engine.tap().events {
                let Some(transfer) = event.transfer else { continue };
                let count: &mut u32 = ended.entry(transfer).or_default();
                prop_assert_eq!(*count, 0, "{} after its end: {:?}", transfer, event);
                *count += u32::from(matches!(event.kind, EventKind::TransferEnded(_)));
            }
            prop_assert!(ended.values().all(|count| *count == 1), "{ended:?}");
        }
    }
}
