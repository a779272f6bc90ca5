//! The driver: the only reader of the clock, the owner of the SIP sockets, and one thread of its own.
//!
//! Each turn does timers first, then up to [`INPUTS_PER_TURN`] inputs of each kind, then what the engine wants done.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the driver is the one place that reads the clock and starts a thread"
)]

mod capture;
mod random;
mod start;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::poll_fn,
    task::Poll,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use dialog_core::IncomingCall;
use media_core::{Op, PortPair, PumpHandle, StreamCommand, StreamOutput};
use sip_message::{NameAddrBuf, StatusCode, UriBuf};
use sip_transport::{
    CloseCause, FlowId, IdMint, Transport, TransportInput,
    io::{Datagram, SendError, UdpFlow},
};
use tokio::{
    sync::{mpsc, oneshot, watch as channel},
    time::sleep_until,
};
use transfer::{Decision, TransferId};

pub use self::capture::{Capture, CaptureReport};
pub(crate) use self::{
    random::SystemRandom,
    start::{Plan, Started, start},
    watch::{CallStatus, Observer, TransferWatch},
};
use crate::{
    engine::{
        Command, CommandError, CommandId, Delivery, Engine, EngineConfig, Input, Output, Reply, StreamAnswer,
        StreamRequest,
    },
    error::MediaError,
    event::SessionId,
};

/// Inputs of one kind that are handled before timers get their turn again.
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

/// What comes from the facade.
pub(crate) enum Request {
    /// A command of the engine's.
    Command { command: Command, reply: oneshot::Sender<Answer> },
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
    pub(crate) sockets: Vec<UdpFlow>,
    pub(crate) media: Option<MediaEnds>,
    pub(crate) capture: Option<Capture>,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) decisions: mpsc::Sender<Delivered>,
    pub(crate) bus: event_bus::Publisher<crate::SessionEvent>,
}

struct Driver {
    engine: Engine<Observer>,
    sockets: Vec<(FlowId, UdpFlow)>,
    pump: Option<PumpHandle>,
    stream_answers: Option<mpsc::Receiver<StreamOutput>>,
    capture: Option<Capture>,
    /// Bound ports that the engine knows and has not used yet.
    ports: BTreeMap<u16, PortPair>,
    requests: mpsc::Receiver<Request>,
    decisions: mpsc::Sender<Delivered>,
    resolved: (mpsc::Sender<TransportInput>, mpsc::Receiver<TransportInput>),
    waiting: BTreeMap<CommandId, oneshot::Sender<Answer>>,
    commands: IdMint,
    stopping: Option<(Instant, Vec<oneshot::Sender<()>>)>,
    /// Streams that are being closed: each gives its summary, then its answer.
    closing: BTreeSet<Op>,
    /// Received in this turn; kept for its room.
    datagrams: Vec<Datagram>,
    /// The socket that was read last.
    served: usize,
    /// What the pump had no room for, in order.
    unsent: VecDeque<StreamRequest>,
}

/// Runs the driver until it is shut down, or every handle is gone and its calls are ended. The sockets are closed when it
/// returns; those who asked for the end are still to be told.
pub(crate) async fn run(parts: Parts) -> Vec<oneshot::Sender<()>> {
    let Parts { config, sockets, media, capture, requests, decisions, bus } = parts;
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let engine =
        Engine::new(config, Instant::now(), unix, Box::new(SystemRandom::default()), Observer::new(bus));
    let mut flows = IdMint::default();
    let sockets = sockets.into_iter().map(|socket| (flows.mint(), socket)).collect();
    let (pump, stream_answers) = media.unzip();
    let mut driver = Driver {
        engine,
        sockets,
        pump,
        stream_answers,
        capture,
        ports: BTreeMap::new(),
        requests,
        decisions,
        resolved: mpsc::channel(INPUTS_PER_TURN),
        waiting: BTreeMap::new(),
        commands: IdMint::default(),
        stopping: None,
        closing: BTreeSet::new(),
        datagrams: Vec::with_capacity(INPUTS_PER_TURN),
        served: 0,
        unsent: VecDeque::new(),
    };
    driver.open();
    driver.turns().await;
    driver.engine.abandon();
    driver.deliver();
    driver.stopping.map(|(_, waiting)| waiting).unwrap_or_default()
}

enum Woken {
    Socket(usize),
    Request(Option<Request>),
    Stream(Option<StreamOutput>),
    Resolved(Option<TransportInput>),
    Timer,
}

impl Driver {
    fn open(&mut self) {
        for index in 0..self.sockets.len() {
            let (flow, socket) = &self.sockets[index];
            let input =
                TransportInput::Opened { flow: *flow, transport: Transport::Udp, local: socket.local() };
            self.engine.handle(Instant::now(), Input::Transport(input));
        }
        self.deliver();
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
            if self.is_done(now) {
                return;
            }
            let again = (!self.unsent.is_empty()).then(|| now + UNSENT);
            let deadline =
                [self.engine.next_deadline(), self.stopping.as_ref().map(|(deadline, _)| *deadline), again];
            let deadline = deadline.into_iter().flatten().min();
            sleep.as_mut().reset(deadline.unwrap_or(now + Duration::from_hours(1)).into());
            let (sockets, served) = (&self.sockets, self.served);
            let streams = &mut self.stream_answers;
            let woken = tokio::select! {
                index = poll_fn(|cx| {
                    // Behind the one that was served last, so that a flood on one leaves the others their turn.
                    let mut turn = (served + 1..sockets.len()).chain(0..sockets.len().min(served + 1));
                    let ready = turn.find(|index| sockets[*index].1.poll_readable(cx).is_ready());
                    ready.map_or(Poll::Pending, Poll::Ready)
                }) => Woken::Socket(index),
                request = self.requests.recv(), if self.stopping.is_none() || !self.requests.is_closed() => Woken::Request(request),
                output = async { match streams { Some(streams) => streams.recv().await, None => std::future::pending().await } } => {
                    Woken::Stream(output)
                }
                input = self.resolved.1.recv() => Woken::Resolved(input),
                () = &mut sleep => Woken::Timer,
            };
            match woken {
                Woken::Socket(index) => self.read(index),
                Woken::Request(request) => self.requests(request),
                Woken::Stream(output) => self.stream_outputs(output),
                Woken::Resolved(Some(input)) => self.engine.handle(Instant::now(), Input::Transport(input)),
                Woken::Resolved(None) | Woken::Timer => {}
            }
        }
    }

    fn read(&mut self, index: usize) {
        self.served = index;
        let (flow, socket) = &mut self.sockets[index];
        let flow = *flow;
        let mut datagrams = std::mem::take(&mut self.datagrams);
        let local = socket.local();
        let taken = socket.try_receive(INPUTS_PER_TURN, |datagram| {
            if let Some(capture) = &self.capture {
                capture.received(local, datagram.source, &datagram.bytes);
            }
            datagrams.push(datagram);
        });
        if let Err(error) = taken {
            tracing::error!(%error, %local, "a SIP socket is gone");
            self.sockets.remove(index);
            self.engine.handle(
                Instant::now(),
                Input::Transport(TransportInput::Closed { flow, cause: CloseCause::Lost }),
            );
        }
        for Datagram { source, bytes } in datagrams.drain(..) {
            self.engine
                .handle(Instant::now(), Input::Transport(TransportInput::Bytes { flow, source, bytes }));
            self.deliver();
        }
        self.datagrams = datagrams;
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
            match next {
                Some(Request::Command { command, reply }) => {
                    let id = self.commands.mint();
                    self.waiting.insert(id, reply);
                    self.engine.handle(Instant::now(), Input::Command { id, command });
                    self.deliver();
                }
                Some(Request::Shutdown { done }) => self.stop(Some(done)),
                None => return,
            }
            next = self.requests.try_recv().ok();
        }
        if let Some(Request::Command { command, reply }) = next {
            let id = self.commands.mint();
            self.waiting.insert(id, reply);
            self.engine.handle(Instant::now(), Input::Command { id, command });
        } else if let Some(Request::Shutdown { done }) = next {
            self.stop(Some(done));
        }
    }

    fn stream_outputs(&mut self, first: Option<StreamOutput>) {
        let Some(first) = first else {
            self.stream_answers = None;
            self.closing.clear();
            return;
        };
        let mut next = Some(first);
        while let Some(output) = next {
            let answer = match output {
                StreamOutput::Applied { op } => {
                    self.closing.remove(&op);
                    StreamAnswer::Applied(op)
                }
                StreamOutput::Failed { op, failure } => {
                    self.closing.remove(&op);
                    StreamAnswer::Failed(op, failure)
                }
                StreamOutput::Event(event) => StreamAnswer::Event(event),
                // The pump sends packets itself.
                StreamOutput::Send { .. } => return,
            };
            self.engine.handle(Instant::now(), Input::Stream(answer));
            next = self.stream_answers.as_mut().and_then(|answers| answers.try_recv().ok());
        }
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
        let left = self.engine.leftovers();
        let Some((deadline, _)) = &self.stopping else { return false };
        now >= *deadline || left.sessions + left.transfers + self.closing.len() + self.unsent.len() == 0
    }

    /// Does what the engine wants done.
    fn deliver(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Write(outbound) => self.write(&outbound.hop, &outbound.wire),
                Output::KeepAlive { .. } | Output::Connect(_) | Output::Close(_) => {}
                Output::Resolve { route, question } => {
                    let answers = self.resolved.0.clone();
                    tokio::spawn(async move {
                        let result = sip_transport::io::lookup(&question).await;
                        if answers.send(TransportInput::Resolved { route, question, result }).await.is_err() {
                            tracing::trace!(%route, "a late answer of the resolver");
                        }
                    });
                }
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

    fn write(&mut self, hop: &sip_transport::Hop, wire: &Bytes) {
        let socket = self.sockets.iter().find(|(flow, _)| *flow == hop.flow);
        let Some((flow, socket)) = socket else { return };
        let capture = self.capture.as_ref().map(|capture| (capture, Instant::now()));
        match socket.try_send(hop.remote, wire) {
            Ok(()) => {
                if let Some((capture, at)) = capture {
                    capture.sent(at, socket.local(), hop.remote, wire);
                }
            }
            // The datagram is lost as it might be in the network; its transaction's timer sends it again.
            Err(SendError::Full) => tracing::debug!(remote = %hop.remote, "the send buffer is full"),
            Err(SendError::Refused(error)) => {
                tracing::debug!(%error, remote = %hop.remote, "a datagram is refused");
            }
            Err(SendError::Unreachable(error)) => {
                tracing::debug!(%error, remote = %hop.remote, "sending failed");
                let input = TransportInput::SendFailed { flow: *flow, remote: hop.remote };
                self.engine.handle(Instant::now(), Input::Transport(input));
            }
        }
    }

    /// Gives the pump what it has room for, in order; the rest waits for the next turn. It is bounded by the calls.
    fn ask_streams(&mut self) {
        let Some(pump) = &self.pump else {
            self.unsent.clear();
            return;
        };
        while pump.has_room() {
            let Some(request) = self.unsent.pop_front() else { return };
            let result = match request {
                StreamRequest::OpenPort { stream, port } => {
                    self.ports.remove(&port).map_or(Ok(()), |pair| pump.open(stream, pair))
                }
                StreamRequest::Command(command) => {
                    let closes =
                        if let StreamCommand::Close { op, .. } = &command { Some(*op) } else { None };
                    let result = pump.command(command);
                    if result.is_ok() {
                        self.closing.extend(closes);
                    }
                    result
                }
            };
            if let Err(error) = result {
                tracing::error!(%error, "the media pump takes no commands");
            }
        }
    }

    fn more_ports(&mut self, wanted: usize) {
        let Some(pump) = &self.pump else { return };
        let mut ports = Vec::with_capacity(wanted);
        for _ in 0..wanted {
            match pump.reserve() {
                Ok(pair) => {
                    ports.push(pair.rtp);
                    self.ports.insert(pair.rtp, pair);
                }
                Err(error) => {
                    tracing::warn!(%error, "no more RTP ports");
                    break;
                }
            }
        }
        self.engine.handle(Instant::now(), Input::Ports(ports));
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
        let Some(waiting) = self.waiting.remove(&id) else { return };
        let answer = result.map(|reply| match reply {
            Reply::Session(session) => Answered::Session(session, self.engine.tap().call(session)),
            Reply::Transfer(transfer) => Answered::Transfer(transfer, self.engine.tap().transfer(transfer)),
            Reply::Consultation(transfer, session) => {
                let (watch, status) = (self.engine.tap().transfer(transfer), self.engine.tap().call(session));
                Answered::Consultation(transfer, watch, session, status)
            }
            other => Answered::Reply(other),
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
