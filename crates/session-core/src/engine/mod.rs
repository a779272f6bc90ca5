//! The engine: one step at a time it carries values from layer to layer, and it is the only place where `Instant`s are
//! added or subtracted.
//!
//! Every layer keeps the step contract of [`sip_transport::step`]. What a layer pushes is carried out before anything
//! a layer above it pushed earlier, so what must be on the wire first (the 200 to a NOTIFY before the BYE that follows
//! from it, TR-252) is pushed first.

mod accounts;
mod audio;
mod boundary;
mod bridges;
mod commands;
mod config;
mod coordination;
mod counters;
mod legs;
mod manual;
mod media;
mod media_boundary;
mod moving;
mod observing;
mod passing_on;
mod replacing;
mod sent;
mod session;
mod transfer_info;
mod transfers;
mod warm;

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use dialog_core::{
    By, DialogConfig, DialogOutput, DialogTimer, Dialogs, EndCause, EndReason, LegId, RegistrationId,
};
use media_core::{Op, RecordingId};
use sip_transport::{
    Cx, FlowEvent, Guard, IdMint, Outbox, Random, Tick, TimerOp, TransportCommand, TransportOutput,
    TransportTimer, Transports, UnixTime, wheel::Wheel,
};
use smallvec::SmallVec;
use transaction_core::{Transactions, TxOutput, TxTimer};
use transfer::{
    Failure, LearnedFrom, Outcome, OutcomeKind, TransferId, TransferOutput, TransferTimer, Transfers,
};

use self::{observing::summary, session::Session};
use crate::{
    event::{EventKind, SessionId, TracedMessage},
    stage::Stages,
};

pub(crate) use media::PORTS_AHEAD;
pub(crate) use session::RETRY_AFTER as FREED_PORT_RESTS;

pub use accounts::{AccountCommand, RegistrationInfo};
pub use audio::AudioCommand;
pub use boundary::{
    CallOptions, Command, CommandError, CommandId, Delivery, HoldState, Input, Leftovers, NegotiatedMedia,
    Output, Reply, Seen, SessionInfo, StreamAnswer, StreamRequest, Tap,
};
pub use config::{AudioConfig, CallHandling, EngineConfig, MediaMode, UNCONFIRMED_PACKETS};
pub use manual::{ManualCommand, ReferTo};
pub use media_boundary::{HoldBy, MediaCommand, MediaFailure, MonitorSummary, SessionMediaState};
pub use sent::Sent;
#[cfg(test)]
pub(crate) use sent::tests as sent_tests;
pub use transfer_info::{TransferInfo, TransferKind};
pub use warm::{Acceptance, DecidedBy, WarmOptions};

/// Values carried between layers in one call of [`Engine::handle`]; a message causes a dozen. What is left is due at
/// once, so that a flood of values cannot keep the driver from its sockets.
const STEPS_PER_INPUT: usize = 4096;

/// A timer of any layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum EngineTimer {
    Transport(TransportTimer),
    Transaction(TxTimer),
    Dialog(DialogTimer),
    Transfer(TransferTimer),
    /// An incoming call that nobody decides about.
    Undecided(SessionId),
    /// The target of a warm transfer has not decided.
    Warm(TransferId),
    /// Ports that were given back have rested.
    Ports,
}

/// What a [`Cx`] is filled from.
struct Surroundings {
    start: Instant,
    unix_at_start: Duration,
    now: Tick,
    random: Box<dyn Random + Send>,
    ids: IdMint,
    guard: Guard,
}

impl Surroundings {
    fn cx(&mut self) -> Cx<'_> {
        Cx {
            now: self.now,
            unix: UnixTime(self.unix_at_start + Duration::from_micros(self.now.as_micros())),
            random: &mut *self.random,
            ids: &mut self.ids,
            guard: &self.guard,
        }
    }

    fn advance(&mut self, now: Instant) {
        let micros = now.saturating_duration_since(self.start).as_micros();
        let now = Tick::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        self.now = self.now.max(now);
    }
}

/// All signalling of one user agent.
pub struct Engine<T> {
    config: EngineConfig,
    tap: T,
    surroundings: Surroundings,
    timers: Wheel<EngineTimer>,

    transports: Transports,
    transactions: Transactions,
    dialogs: Dialogs,
    transfers: Transfers,

    from_transport: Outbox<TransportOutput>,
    from_transactions: Outbox<TxOutput>,
    from_dialogs: Outbox<DialogOutput>,
    from_transfers: Outbox<TransferOutput>,
    outputs: VecDeque<Output>,

    /// Boxed, because the nodes of the tree are half empty.
    sessions: BTreeMap<SessionId, Box<Session>>,
    registrations: BTreeMap<RegistrationId, accounts::Registration>,
    ports: media::Ports,
    /// The calls of each live transfer.
    coordinations: BTreeMap<TransferId, coordination::Coordination>,
    /// Warm transfers that have not ended.
    warm: BTreeMap<TransferId, warm::Warm>,
    /// What the streams were asked for the sake of a transfer and have not answered; at most one for each command that waits
    /// and for each transfer.
    switches: BTreeMap<Op, coordination::Awaited>,
    /// Calls that are being paired.
    joins: BTreeMap<Op, bridges::Join>,
    /// Audio commands that wait for the streams.
    audio_asked: BTreeMap<Op, (CommandId, Option<RecordingId>)>,
    /// Recordings that have not ended, with the calls they were begun in; a device has one at a time.
    recordings: BTreeMap<RecordingId, SessionId>,
    // Commands that wait: for the end of a transfer, for a consultation call to be placed, for a manual step.
    cancellers: BTreeMap<TransferId, SmallVec<[CommandId; 1]>>,
    consulting: BTreeMap<TransferId, CommandId>,
    stepping: BTreeMap<TransferId, manual::Stepping>,
    /// The transferor's call of a back-to-back transfer, which the success ends.
    leaving: BTreeMap<TransferId, SessionId>,
    /// Transfer commands whose acceptance is awaited within this step.
    asked: VecDeque<transfers::Asked>,
    /// How far each live transfer is, as its events have told.
    stages: Stages,
    events: u64,
    stream_ops: u32,
    /// No new calls are taken, and no transfers begun; what is live goes on.
    draining: bool,
    /// No new calls are taken any more, of nobody.
    stopping: bool,
}

impl<T: Tap> Engine<T> {
    /// Makes an engine at rest.
    ///
    /// `start` is the origin of its time, `unix` the wall clock at that moment as the time since 1970.
    pub fn new(
        config: EngineConfig,
        start: Instant,
        unix: Duration,
        mut random: Box<dyn Random + Send>,
        tap: T,
    ) -> Self {
        let guard = Guard::new(&mut *random);
        let dialogs = DialogConfig {
            timing: config.timing,
            user_agent: config.user_agent.clone(),
            refer_acceptance: config.refer_acceptance,
            explicit: config.explicit_subscriptions,
            keys: config.keys.clone(),
            // A call may be in one that takes its place.
            legs: DialogConfig::LEGS.max(config.max_calls.saturating_mul(2)),
            authentication: config.authentication.clone(),
            reliability: config.reliability,
            session_timers: config.session_timers,
            refuse_offer: |offer, address| media_core::refusal(offer, address).ok().map(Into::into),
            ..DialogConfig::default()
        };
        let transactions = config.of_transactions();
        Self {
            transports: Transports::new(config.transport),
            transactions: Transactions::new(transactions),
            dialogs: Dialogs::new(dialogs),
            transfers: Transfers::new(config.of_transfers()),
            ports: media::Ports::new(config.media),
            surroundings: Surroundings {
                start,
                unix_at_start: unix,
                now: Tick::default(),
                random,
                ids: IdMint::default(),
                guard,
            },
            timers: Wheel::new(),
            from_transport: Outbox::default(),
            from_transactions: Outbox::default(),
            from_dialogs: Outbox::default(),
            from_transfers: Outbox::default(),
            outputs: VecDeque::new(),
            sessions: BTreeMap::new(),
            registrations: BTreeMap::new(),
            coordinations: BTreeMap::new(),
            switches: BTreeMap::new(),
            joins: BTreeMap::new(),
            warm: BTreeMap::new(),
            audio_asked: BTreeMap::new(),
            recordings: BTreeMap::new(),
            cancellers: BTreeMap::new(),
            consulting: BTreeMap::new(),
            stepping: BTreeMap::new(),
            leaving: BTreeMap::new(),
            asked: VecDeque::new(),
            stages: Stages::default(),
            events: 0,
            stream_ops: 0,
            draining: false,
            stopping: false,
            config,
            tap,
        }
    }

    /// Takes one input and carries what follows from it.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.surroundings.advance(now);
        match input {
            Input::Transport(input) => {
                self.transports.receive(&mut self.surroundings.cx(), input, &mut self.from_transport.out());
            }
            Input::Ports(ports) => self.ports.add(&ports),
            Input::Command { id, command } => self.command(id, command),
            Input::Stream(answer) => self.stream_answer(answer),
        }
        self.carry();
    }

    /// Fires the timers that are due and carries what follows.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.surroundings.advance(now);
        while let Some(timer) = self.timers.pop(self.surroundings.now) {
            let cx = &mut self.surroundings.cx();
            match timer {
                EngineTimer::Undecided(session) => self.give_up_undecided(session),
                EngineTimer::Warm(transfer) => self.warm_overdue(transfer),
                EngineTimer::Ports => self.ports.rested(),
                EngineTimer::Transport(timer) => {
                    self.transports.expire(cx, timer, &mut self.from_transport.out());
                }
                EngineTimer::Transaction(timer) => {
                    self.transactions.expire(cx, timer, &mut self.from_transactions.out());
                }
                EngineTimer::Dialog(timer) => self.dialogs.expire(cx, timer, &mut self.from_dialogs.out()),
                EngineTimer::Transfer(timer) => {
                    self.transfers.expire(cx, timer, &mut self.from_transfers.out());
                }
            }
            self.carry();
        }
        self.carry();
    }

    /// The next thing that is to be done outside.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Engine::handle_timeout`] is to be called, if nothing comes before.
    pub fn next_deadline(&self) -> Option<Instant> {
        let tick = if self.is_carrying() { Some(self.surroundings.now) } else { self.timers.next() };
        tick.map(|tick| self.surroundings.start + Duration::from_micros(tick.as_micros()))
    }

    /// What is alive.
    pub fn leftovers(&self) -> Leftovers {
        let waiting =
            self.sessions.values().map(|session| session.wishes.len() + session.enders.len()).sum::<usize>();
        Leftovers {
            sessions: self.sessions.len(),
            registrations: self.registrations.len(),
            transactions: self.transactions.len(),
            dialogs: self.dialogs.len() + self.dialogs.tombstones(),
            transfers: self.transfers.len().max(self.stages.len()) + self.transfers.replacements(),
            timers: self.timers.len(),
            routes: usize::from(!self.transports.is_idle()),
            ports: self.ports.in_use(),
            commands: waiting
                + self.registrations.values().map(accounts::Registration::waiting).sum::<usize>()
                + self.cancellers.len()
                + self.consulting.len()
                + self.leaving.len()
                + self.asked.len()
                + self.stepping.values().map(SmallVec::len).sum::<usize>()
                + self.switching()
                + self.joins.len()
                + self.audio_asked.len(),
            coordinations: self.coordinations.len() + self.warm_transfers(),
            recordings: self.recordings.len(),
        }
    }

    /// Ends what is still alive without waiting for the other sides, because the engine is about to be dropped: every
    /// transfer, every call and every registration gets its last event.
    pub fn abandon(&mut self) {
        let transfers: Vec<_> = self.transfers.transfers().map(|info| (info.id, info.leg)).collect();
        for (transfer, leg) in transfers {
            let outcome = Outcome {
                kind: OutcomeKind::TimedOut,
                learned_from: LearnedFrom::Guard,
                code: None,
                failure: Some(Failure::Guard),
                call_kept: false,
                on_hold: false,
                retry_after: None,
            };
            self.transfer_ended(transfer, SessionId::from(leg.number()), outcome);
        }
        let cause =
            EndCause { by: By::Network, reason: EndReason::Unreachable, header: None, details: Vec::new() };
        let sessions: Vec<_> = self.sessions.keys().copied().collect();
        for session in sessions {
            self.ended(session, &cause);
        }
        self.abandon_registrations();
    }

    /// The observer.
    pub fn tap(&mut self) -> &mut T {
        &mut self.tap
    }

    fn is_carrying(&self) -> bool {
        !(self.from_transport.is_empty()
            && self.from_transactions.is_empty()
            && self.from_dialogs.is_empty()
            && self.from_transfers.is_empty())
    }

    /// Carries values between the layers until none is left or the budget is spent.
    fn carry(&mut self) {
        for _ in 0..STEPS_PER_INPUT {
            if let Some(output) = self.from_transport.pop() {
                self.carry_transport(output);
            } else if let Some(output) = self.from_transactions.pop() {
                self.carry_transaction(output);
            } else if let Some(output) = self.from_dialogs.pop() {
                self.carry_dialog(output);
            } else if let Some(output) = self.from_transfers.pop() {
                self.carry_transfer(output);
            } else {
                break;
            }
        }
        if let Some(wanted) = self.ports.wanted() {
            self.outputs.push_back(Output::MorePorts { wanted });
        }
    }

    fn carry_transport(&mut self, output: TransportOutput) {
        // Messages are seen as such, and time is nobody's news.
        if !matches!(
            output,
            TransportOutput::Flow(FlowEvent::Inbound(_))
                | TransportOutput::Write(_)
                | TransportOutput::Timer(_)
        ) {
            self.tap.seen(self.surroundings.now, Seen::Step { from: "transport", value: &output });
        }
        match output {
            TransportOutput::Flow(event) => {
                if let FlowEvent::Inbound(inbound) = &event {
                    let seen = Seen::Received { origin: &inbound.origin, message: &inbound.message };
                    self.tap.seen(self.surroundings.now, seen);
                    if self.config.trace {
                        let origin = &inbound.origin;
                        self.tell_message(TracedMessage {
                            sent: false,
                            transport: origin.transport,
                            local: origin.local,
                            remote: origin.source,
                            summary: summary(&inbound.message),
                            bytes: inbound.message.bytes().clone(),
                        });
                    }
                }
                if let FlowEvent::Ended { cause, .. } = event {
                    self.tell(None, None, EventKind::ConnectionEnded { cause });
                }
                self.transactions.receive(
                    &mut self.surroundings.cx(),
                    event,
                    &mut self.from_transactions.out(),
                );
            }
            TransportOutput::Write(outbound) => {
                let sent = Sent::new(&outbound);
                self.tap.seen(self.surroundings.now, Seen::Sent(&sent));
                if self.config.trace
                    && let Some(message) = sent.message()
                {
                    self.tell_message(TracedMessage {
                        sent: true,
                        transport: outbound.hop.transport,
                        local: outbound.hop.local,
                        remote: outbound.hop.remote,
                        summary: summary(message),
                        bytes: outbound.wire.clone(),
                    });
                }
                self.outputs.push_back(Output::Write(outbound));
            }
            TransportOutput::KeepAlive { hop, wire } => {
                self.outputs.push_back(Output::KeepAlive { hop, wire });
            }
            TransportOutput::Connect(connect) => self.outputs.push_back(Output::Connect(connect)),
            TransportOutput::Close(flow) => self.outputs.push_back(Output::Close(flow)),
            TransportOutput::Again(flow) => self.outputs.push_back(Output::Again(flow)),
            TransportOutput::Resolve { route, question } => {
                self.outputs.push_back(Output::Resolve { route, question });
            }
            TransportOutput::Timer(op) => {
                arm(&mut self.timers, self.surroundings.now, op, EngineTimer::Transport);
            }
        }
    }

    fn carry_transaction(&mut self, output: TxOutput) {
        match output {
            TxOutput::Route(route) => self.transport(TransportCommand::Route(route)),
            TxOutput::Send(outbound) => self.transport(TransportCommand::Send(outbound)),
            TxOutput::Withdraw(outbound) => self.transport(TransportCommand::Withdraw(outbound)),
            TxOutput::Avoid(hop) => self.transport(TransportCommand::Avoid(hop)),
            TxOutput::Keep { flow, remote, every } => {
                self.transport(TransportCommand::Keep { flow, remote, every });
            }
            TxOutput::LetGo { flow, remote } => self.transport(TransportCommand::LetGo { flow, remote }),
            TxOutput::Event(event) => {
                self.tap.seen(self.surroundings.now, Seen::Step { from: "transaction", value: &event });
                self.dialogs.receive(&mut self.surroundings.cx(), event, &mut self.from_dialogs.out());
            }
            TxOutput::Timer(op) => arm(&mut self.timers, self.surroundings.now, op, EngineTimer::Transaction),
        }
    }

    fn carry_dialog(&mut self, output: DialogOutput) {
        match output {
            DialogOutput::Transaction(command) => {
                self.transactions.command(
                    &mut self.surroundings.cx(),
                    command,
                    &mut self.from_transactions.out(),
                );
            }
            DialogOutput::Event(event) => {
                self.tap.seen(self.surroundings.now, Seen::Step { from: "dialog", value: &event });
                self.dialog_event(&event);
            }
            DialogOutput::Timer(op) => arm(&mut self.timers, self.surroundings.now, op, EngineTimer::Dialog),
        }
    }

    fn transport(&mut self, command: TransportCommand) {
        self.transports.command(&mut self.surroundings.cx(), command, &mut self.from_transport.out());
    }

    fn reply(&mut self, id: CommandId, result: Result<Reply, CommandError>) {
        self.outputs.push_back(Output::Reply { id, result });
    }

    fn mint_leg(&mut self) -> LegId {
        self.surroundings.ids.mint()
    }
}

fn arm<K>(timers: &mut Wheel<EngineTimer>, now: Tick, op: TimerOp<K>, name: impl Fn(K) -> EngineTimer) {
    match op {
        TimerOp::Arm(key, after) => timers.arm(now, name(key), after),
        TimerOp::Disarm(key) => timers.disarm(&name(key)),
    }
}
