//! The driver: the only reader of the clock, the owner of the SIP sockets, and one thread of its own.
//!
//! Each turn does timers first, then up to [`INPUTS_PER_TURN`] inputs of each kind, then what the engine wants done.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the driver is the one place that reads the clock and starts a thread"
)]

mod capture;
mod draining;
mod impairment;
mod media;
mod notified;
mod resolving;
mod start;
mod tally;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use dialog_core::{Account, IncomingCall};
use media_core::{Op, PortPair, PumpHandle, StreamOutput};
use sip_message::{NameAddrBuf, StatusCode, UriBuf};
use sip_transport::{
    IdMint, Outbound, Transport, TransportInput,
    io::{Resolver, Sockets, SystemRandom, Written},
};
use tokio::{
    sync::{mpsc, oneshot, watch as channel},
    time::sleep_until,
};
use transfer::{Decision, TransferId};

pub use self::{
    capture::{Capture, CaptureReport},
    impairment::Impairment,
    tally::EventCounters,
};
use self::{
    draining::Draining,
    notified::{Notified, Untaken},
};
pub(crate) use self::{
    start::{Plan, Started, start},
    tally::Tally,
    watch::{CallStatus, Ended, Observer, TransferWatch},
};
use crate::{
    engine::{
        AccountCommand, Command, CommandError, CommandId, Delivery, Engine, EngineConfig, Input,
        ManualCommand, Output, Reply, StreamRequest,
    },
    error::MediaError,
    event::SessionId,
    report::{Reporter, TransferReport},
};

/// Inputs of one kind that are handled before timers get their turn again; those of the sockets have the same bound
/// ([`sip_transport::io::INPUTS_PER_TURN`]).
const INPUTS_PER_TURN: usize = 64;
/// Commands that wait for the driver; a caller beyond it waits itself.
pub(crate) const COMMANDS: usize = 1024;
/// Decisions that wait for the application. Beyond it calls are refused with 503 and transfers with 603: an
/// application that is so far behind answers none of them in time.
pub(crate) const DECISIONS: usize = 256;
/// How soon a pump without room is asked again: a quarter of a frame.
const UNSENT: Duration = Duration::from_millis(5);
/// How long a shutdown waits for the other sides' answers.
const SHUTDOWN: Duration = Duration::from_secs(4);
/// How long it waits then for connections to be closed in order.
const FAREWELL: Duration = Duration::from_secs(1);

/// What comes from the facade.
pub(crate) enum Request {
    /// A command of the engine's.
    Command { command: Command, reply: oneshot::Sender<Answer> },
    /// The report of a transfer that has ended.
    Report { transfer: TransferId, reply: oneshot::Sender<Option<Arc<TransferReport>>> },
    /// Take no new calls, let transfers finish, then end all calls and stop.
    Drain { limit: Duration, done: oneshot::Sender<()> },
    /// End all calls and stop.
    Shutdown { done: oneshot::Sender<()> },
}

/// A command's answer, with what a handle needs to wait further.
pub(crate) type Answer = Result<Answered, CommandError>;

/// What a command brought.
pub(crate) enum Answered {
    /// As the engine replied.
    Reply(Reply),
    /// A call with its state.
    Session(SessionId, channel::Receiver<CallStatus>),
    /// A NOTIFY, which stays for the next who asks until it is taken.
    Notified(Notified),
    /// A transfer with its progress.
    Transfer(TransferId, TransferWatch),
    /// A transfer with its progress, and the call in which its target is asked with its state.
    Consultation(TransferId, TransferWatch, SessionId, channel::Receiver<CallStatus>),
}

/// A delivery with what a handle needs.
pub(crate) enum Delivered {
    Call { session: SessionId, call: Box<IncomingCall>, status: channel::Receiver<CallStatus> },
    Transfer { transfer: TransferId, session: SessionId, target: UriBuf, referred_by: Option<NameAddrBuf> },
}

/// The pump's two ends.
pub(crate) type MediaEnds = (PumpHandle, mpsc::Receiver<StreamOutput>);

/// What the driver is started with.
pub(crate) struct Parts {
    pub(crate) config: EngineConfig,
    pub(crate) sockets: Sockets,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) media: Option<MediaEnds>,
    pub(crate) capture: Option<Capture>,
    pub(crate) impairment: Option<Impairment>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) decisions: mpsc::Sender<Delivered>,
    pub(crate) bus: event_bus::Publisher<crate::SessionEvent>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) reporter: Reporter,
}

struct Driver {
    engine: Engine<Observer>,
    sockets: Sockets,
    resolver: Arc<dyn Resolver>,
    pump: Option<PumpHandle>,
    stream_answers: Option<mpsc::Receiver<StreamOutput>>,
    capture: Option<Capture>,
    impairment: Option<Impairment>,
    /// Bound ports that the engine knows and has not used yet.
    ports: BTreeMap<u16, PortPair>,
    requests: mpsc::Receiver<Request>,
    decisions: mpsc::Sender<Delivered>,
    resolved: (mpsc::Sender<TransportInput>, mpsc::Receiver<TransportInput>),
    waiting: BTreeMap<CommandId, Waiting>,
    untaken: Untaken,
    commands: IdMint,
    draining: Option<Draining>,
    stopping: Option<(Instant, Vec<oneshot::Sender<()>>)>,
    /// Streams that are being closed: each gives its summary, then its answer.
    closing: BTreeSet<Op>,
    /// What the sockets brought in this turn; kept for its room.
    inputs: Vec<TransportInput>,
    /// What the pump had no room for, in order.
    unsent: VecDeque<StreamRequest>,
}

/// Runs the driver until it is shut down, or every handle is gone and its calls are ended. The sockets are closed when it
/// returns; those who asked for the end are still to be told.
pub(crate) async fn run(parts: Parts) -> Vec<oneshot::Sender<()>> {
    let Parts {
        config,
        sockets,
        resolver,
        media,
        capture,
        impairment,
        accounts,
        requests,
        decisions,
        bus,
        tally,
        reporter,
    } = parts;
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let engine = Engine::new(
        config,
        Instant::now(),
        unix,
        Box::new(SystemRandom::default()),
        Observer::new(bus, tally, reporter),
    );
    let (pump, stream_answers) = media.unzip();
    let mut driver = Driver {
        engine,
        sockets,
        resolver,
        pump,
        stream_answers,
        capture,
        impairment,
        ports: BTreeMap::new(),
        requests,
        decisions,
        resolved: mpsc::channel(INPUTS_PER_TURN),
        waiting: BTreeMap::new(),
        untaken: Untaken::default(),
        commands: IdMint::default(),
        draining: None,
        stopping: None,
        closing: BTreeSet::new(),
        inputs: Vec::with_capacity(INPUTS_PER_TURN),
        unsent: VecDeque::new(),
    };
    driver.open().await;
    driver.register(accounts);
    driver.turns().await;
    driver.engine.abandon();
    driver.deliver();
    driver.sockets.shutdown(FAREWELL).await;
    driver.stopping.map(|(_, waiting)| waiting).unwrap_or_default()
}

/// Who waits for a command's answer.
struct Waiting {
    reply: oneshot::Sender<Answer>,
    /// The transfer whose next NOTIFY is asked for.
    notify_of: Option<TransferId>,
}

enum Woken {
    Sockets,
    Request(Option<Request>),
    Stream(Option<StreamOutput>),
    Resolved(Option<TransportInput>),
    Timer,
}

impl Driver {
    /// Lets the engine know its sockets before anything is asked of it.
    async fn open(&mut self) {
        loop {
            tokio::select! {
                biased;
                () = self.sockets.next(&mut self.inputs) => {}
                () = std::future::ready(()) => return,
            }
            let told = self.inputs.iter().any(|input| matches!(input, TransportInput::Opened { .. }));
            self.transport_inputs();
            if !told {
                return;
            }
        }
    }

    /// Registers the accounts that are there from the start. One that cannot be used is told by an event or the log.
    fn register(&mut self, accounts: Vec<Account>) {
        for account in accounts {
            let (id, aor) = (self.commands.mint(), account.aor.uri.to_string());
            if let Some(fault) = account.fault() {
                tracing::error!(%fault, account = aor, "an account cannot be used");
            }
            let command = Command::Account(AccountCommand::Register(Box::new(account)));
            self.engine.handle(Instant::now(), Input::Command { id, command });
            self.deliver();
        }
    }

    async fn turns(&mut self) {
        let sleep = sleep_until(Instant::now().into());
        tokio::pin!(sleep);
        loop {
            let now = Instant::now();
            if self.engine.next_deadline().is_some_and(|deadline| deadline <= now) {
                self.engine.handle_timeout(now);
            }
            self.deliver();
            self.stop_when_drained(now);
            if self.is_done(now) {
                return;
            }
            let again = (!self.unsent.is_empty()).then(|| now + UNSENT);
            let draining = self.draining.as_ref().and_then(|draining| draining.deadline);
            let stopping = self.stopping.as_ref().map(|(deadline, _)| *deadline);
            let deadline = [self.engine.next_deadline(), draining, stopping, again];
            let deadline = deadline.into_iter().flatten().min();
            let deadline = deadline.unwrap_or(now + Duration::from_hours(1)).into();
            // To move a timer of the runtime costs more than to look.
            if sleep.deadline() != deadline {
                sleep.as_mut().reset(deadline);
            }
            let streams = &mut self.stream_answers;
            let woken = tokio::select! {
                () = self.sockets.next(&mut self.inputs) => Woken::Sockets,
                request = self.requests.recv(), if self.stopping.is_none() || !self.requests.is_closed() => Woken::Request(request),
                output = async { match streams { Some(streams) => streams.recv().await, None => std::future::pending().await } } => {
                    Woken::Stream(output)
                }
                input = self.resolved.1.recv() => Woken::Resolved(input),
                () = &mut sleep => Woken::Timer,
            };
            match woken {
                Woken::Sockets => self.transport_inputs(),
                Woken::Request(request) => self.requests(request),
                Woken::Stream(output) => self.stream_outputs(output),
                Woken::Resolved(Some(input)) => self.engine.handle(Instant::now(), Input::Transport(input)),
                Woken::Resolved(None) | Woken::Timer => {}
            }
        }
    }

    fn transport_inputs(&mut self) {
        let mut inputs = std::mem::take(&mut self.inputs);
        for input in inputs.drain(..) {
            if let (TransportInput::Bytes { flow, .. }, Some(impairment)) = (&input, &self.impairment)
                && self.sockets.local(*flow).is_some()
                && impairment.takes()
            {
                continue;
            }
            if let (TransportInput::Bytes { flow, source, bytes }, Some(capture)) = (&input, &self.capture)
                && let Some(local) = self.sockets.local(*flow)
            {
                capture.received(local, *source, bytes);
            }
            self.engine.handle(Instant::now(), Input::Transport(input));
            self.deliver();
        }
        self.inputs = inputs;
    }

    fn requests(&mut self, first: Option<Request>) {
        let Some(first) = first else {
            // Every handle is gone: nobody can end the calls any more.
            self.requests.close();
            self.stop(None);
            return;
        };
        let mut next = Some(first);
        for _ in 0..INPUTS_PER_TURN {
            let Some(request) = next.take() else { return };
            self.request(request);
            next = self.requests.try_recv().ok();
        }
        if let Some(request) = next {
            self.request(request);
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Command { command: Command::Manual(ManualCommand::TakeNotify { transfer }), reply } => {
                self.take_notify(transfer, reply);
            }
            Request::Command { command, reply } => self.command(command, Waiting { reply, notify_of: None }),
            Request::Report { transfer, reply } => {
                if reply.send(self.engine.tap().report(transfer)).is_err() {
                    tracing::trace!(%transfer, "nobody waits for the report");
                }
            }
            Request::Drain { limit, done } => self.drain(limit, done),
            Request::Shutdown { done } => self.stop(Some(done)),
        }
    }

    fn command(&mut self, command: Command, waiting: Waiting) {
        let id = self.commands.mint();
        self.waiting.insert(id, waiting);
        self.engine.handle(Instant::now(), Input::Command { id, command });
        self.deliver();
    }

    /// Asks for a transfer's next NOTIFY. Whoever asked before and has gone away has left one, or a command that goes on.
    fn take_notify(&mut self, transfer: TransferId, reply: oneshot::Sender<Answer>) {
        if let Some(notified) = self.untaken.of(transfer) {
            if reply.send(Ok(Answered::Notified(notified))).is_err() {
                tracing::trace!(%transfer, "nobody waits for the NOTIFY");
            }
            return;
        }
        let left = |waiting: &&mut Waiting| waiting.notify_of == Some(transfer) && waiting.reply.is_closed();
        if let Some(waiting) = self.waiting.values_mut().find(left) {
            waiting.reply = reply;
            return;
        }
        let command = Command::Manual(ManualCommand::TakeNotify { transfer });
        self.command(command, Waiting { reply, notify_of: Some(transfer) });
    }

    fn stop(&mut self, done: Option<oneshot::Sender<()>>) {
        let first = self.stopping.is_none();
        let (_, waiting) = self.stopping.get_or_insert_with(|| (Instant::now() + SHUTDOWN, Vec::new()));
        waiting.extend(done);
        if first {
            let id = self.commands.mint();
            self.engine.handle(Instant::now(), Input::Command { id, command: Command::HangUpAll });
        }
    }

    fn is_done(&self, now: Instant) -> bool {
        let Some((deadline, _)) = &self.stopping else { return false };
        let left = self.engine.leftovers();
        let media = self.closing.len() + self.unsent.len() + left.recordings;
        now >= *deadline || left.sessions + left.transfers + left.registrations + media == 0
    }

    /// Does what the engine wants done.
    fn deliver(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Write(outbound) => self.write(&outbound),
                Output::KeepAlive { hop, wire } => self.write(&Outbound { hop, wire }),
                Output::Connect(connect) => self.sockets.connect(connect),
                Output::Close(flow) => self.sockets.close(flow),
                Output::Again(flow) => self.sockets.again(flow),
                Output::Resolve { route, question } => self.look_up(route, question),
                Output::Stream(request) => self.unsent.push_back(request),
                // Dropping the pair gives it back to the pool.
                Output::ReleasePort(port) => drop(self.ports.remove(&port)),
                Output::MorePorts { wanted } => self.more_ports(wanted),
                Output::Deliver(delivery) => self.hand_over(delivery),
                Output::Reply { id, result } => self.answer(id, result),
            }
        }
        self.ask_streams();
        self.engine.tap().purge();
    }

    fn write(&mut self, outbound: &Outbound) {
        let hop = &outbound.hop;
        if hop.transport == Transport::Udp && self.impairment.as_ref().is_some_and(Impairment::takes) {
            // It is lost on its way: we have sent it.
            if let Some(capture) = &self.capture {
                capture.sent(Instant::now(), hop.local, hop.remote, &outbound.wire);
            }
            return;
        }
        let capture = self.capture.as_ref().filter(|_| hop.transport == Transport::Udp);
        let capture = capture.map(|capture| (capture, Instant::now()));
        let written = self.sockets.write(outbound);
        if let (Written::Sent, Some((capture, at))) = (&written, capture) {
            capture.sent(at, hop.local, hop.remote, &outbound.wire);
        }
        self.written(written);
    }

    fn written(&mut self, written: Written) {
        match written {
            // What is lost here is lost as it might be in the network: its transaction's timer sends it again.
            Written::Sent | Written::Lost => {}
            Written::Failed(input) => self.engine.handle(Instant::now(), Input::Transport(input)),
        }
    }

    fn hand_over(&mut self, delivery: Delivery) {
        let (delivered, refusal) = match delivery {
            Delivery::Call { session, call } => {
                let status = self.engine.tap().call(session);
                let refusal = Command::Reject { session, status: StatusCode::SERVICE_UNAVAILABLE };
                (Delivered::Call { session, call, status }, refusal)
            }
            Delivery::Transfer { transfer, session, target, referred_by } => {
                let refusal = Command::Decide { transfer, decision: Decision::Reject };
                (Delivered::Transfer { transfer, session, target, referred_by }, refusal)
            }
        };
        if self.decisions.try_send(delivered).is_err() {
            tracing::warn!("the application takes no more decisions; refused");
            let id = self.commands.mint();
            self.engine.handle(Instant::now(), Input::Command { id, command: refusal });
        }
    }

    fn answer(&mut self, id: CommandId, result: Result<Reply, CommandError>) {
        let Some(Waiting { reply: waiting, notify_of }) = self.waiting.remove(&id) else { return };
        let answer = result.map(|reply| match (reply, notify_of) {
            (Reply::Session(session), _) => Answered::Session(session, self.engine.tap().call(session)),
            (Reply::Transfer(transfer), _) => {
                Answered::Transfer(transfer, self.engine.tap().transfer(transfer))
            }
            (Reply::Consultation(transfer, session), _) => {
                let (watch, status) = (self.engine.tap().transfer(transfer), self.engine.tap().call(session));
                Answered::Consultation(transfer, watch, session, status)
            }
            (Reply::Progress(progress), Some(transfer)) => {
                Answered::Notified(self.untaken.hand_over(transfer, progress))
            }
            (other, _) => Answered::Reply(other),
        });
        if waiting.send(answer).is_err() {
            tracing::trace!(command = %id, "nobody waits for the reply");
        }
    }
}

impl From<MediaError> for CommandError {
    fn from(error: MediaError) -> Self {
        Self::Session(error.into())
    }
}
