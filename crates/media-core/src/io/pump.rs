//! The pump's thread: sockets, clock, streams.

#![expect(clippy::disallowed_types, reason = "the pump is where the real clock is read")]
#![expect(clippy::disallowed_methods, reason = "the pump is where the real clock is read")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use siphasher::sip::SipHasher13;
use socket2::SockRef;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{AbortHandle, LocalSet};

use super::answers::Answers;
use super::handle::{PumpHandle, Reply};
use super::observer::{DatagramObserver, SeenDatagram, Way};
use super::ports::{Lease, PortPair, PortPool};
use super::{PumpConfig, PumpError};
use crate::hearing::Hearing;
use crate::streams::{DeviceId, PacketKind, StreamCommand, StreamId, StreamOutput, StreamSnapshot, Streams};
use crate::tick::{Cx, Tick};

/// The largest datagram read: more than a 60 ms G.711 packet or any compound report; longer ones are cut, and a cut
/// packet of a negotiated peer is at worst played short.
const MAX_DATAGRAM: usize = 2_048;
/// The datagrams of one socket, and the commands, that are taken in one go before others have their turn.
const BATCH: usize = 32;
/// How long the last summaries may wait for their reader at the end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What the handle asks of the thread.
pub(super) enum PumpCommand {
    Stream(StreamCommand),
    Bind { stream: StreamId, pair: Box<PortPair> },
    Snapshot(StreamId, Reply<Option<StreamSnapshot>>),
    Hearing(DeviceId, Reply<Option<Hearing>>),
    Counters(Reply<PumpCounters>),
}

/// Holds what the pump itself counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PumpCounters {
    /// Streams that have sockets.
    pub bound: usize,
    /// Streams that are open.
    pub streams: usize,
    /// Packets the system did not take, for example because its buffer was full.
    pub send_errors: u64,
    /// Quality reports that were dropped because the answers are not read.
    pub dropped_reports: u64,
    /// Other events that were dropped for that reason.
    pub dropped_events: u64,
    /// Turns of the pump: wake-ups for packets, commands and deadlines.
    pub turns: u64,
}

/// Owns the pump's thread. Dropping it asks the thread to end; [`Pump::shutdown`] also waits for it.
#[derive(Debug)]
pub struct Pump {
    thread: Option<JoinHandle<()>>,
    answers: Option<mpsc::Receiver<StreamOutput>>,
    stop: watch::Sender<bool>,
}

impl Pump {
    /// Starts a pump in its own thread.
    pub fn start(config: PumpConfig) -> Result<(Self, PumpHandle), PumpError> {
        Self::start_with(config, None)
    }

    /// Starts a pump whose datagrams are looked at: every one that the system took, and every one that arrived.
    pub fn start_observed(
        config: PumpConfig,
        observer: DatagramObserver,
    ) -> Result<(Self, PumpHandle), PumpError> {
        Self::start_with(config, Some(observer))
    }

    fn start_with(
        config: PumpConfig,
        observer: Option<DatagramObserver>,
    ) -> Result<(Self, PumpHandle), PumpError> {
        if config.address.is_unspecified() {
            return Err(PumpError::Config("the address is unspecified"));
        }
        if config.command_queue == 0 || config.answer_queue == 0 || config.max_streams == 0 {
            return Err(PumpError::Config("a queue or the number of streams is zero"));
        }
        let pool = PortPool::new(config.address, config.ports.clone(), config.max_streams)?;
        let random = Random::new()?;
        let (commands, command_receiver) = mpsc::channel(config.command_queue);
        let (answer_sender, answers) = mpsc::channel(config.answer_queue);
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(PumpError::Start)?;
        let started = Instant::now();
        let core = Core {
            // One command makes at most two answers that must be kept, so this bounds the backlog.
            answers: Answers::new(answer_sender, config.command_queue),
            streams: Streams::new(config.streams),
            bound: BTreeMap::new(),
            random,
            started,
            unix: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            counters: PumpCounters::default(),
            out: Vec::new(),
            observer,
        };
        let thread = std::thread::Builder::new()
            .name("rtp-pump".to_owned())
            .spawn(move || {
                let local = LocalSet::new();
                runtime.block_on(local.run_until(run(core, command_receiver, stopped)));
            })
            .map_err(PumpError::Start)?;
        let handle = PumpHandle { commands, pool, stop: stop.clone(), started };
        Ok((Self { thread: Some(thread), answers: Some(answers), stop }, handle))
    }

    /// Returns the reader of answers and events, the first time it is asked for. It gets
    /// [`StreamOutput::Applied`], [`StreamOutput::Failed`] and [`StreamOutput::Event`], in their order.
    pub fn answers(&mut self) -> Option<mpsc::Receiver<StreamOutput>> {
        self.answers.take()
    }

    /// Closes every stream, with RTCP BYE where due, and waits for the thread to end.
    pub fn shutdown(mut self) -> Result<(), PumpError> {
        self.stop.send_replace(true);
        // The last summaries are not for a reader that was never taken.
        self.answers = None;
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(PumpError::Stopped),
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Numbers nobody outside can guess: SSRCs and first sequence numbers should not be predictable (RFC 3550 §5.1).
struct Random {
    key: [u64; 2],
    count: u64,
}

impl Random {
    fn new() -> Result<Self, PumpError> {
        let key =
            [getrandom::u64().map_err(PumpError::Random)?, getrandom::u64().map_err(PumpError::Random)?];
        Ok(Self { key, count: 0 })
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        let mut hasher = SipHasher13::new_with_keys(self.key[0], self.key[1]);
        hasher.write_u64(self.count);
        hasher.finish()
    }
}

/// A stream's sockets with the tasks that read them.
struct Bound {
    rtp: Arc<UdpSocket>,
    rtcp: Arc<UdpSocket>,
    readers: [AbortHandle; 2],
    lease: Lease,
}

impl Bound {
    fn local(&self, kind: PacketKind) -> SocketAddr {
        match kind {
            PacketKind::Rtp => self.lease.rtp(),
            PacketKind::Rtcp => self.lease.rtcp(),
        }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        for reader in &self.readers {
            reader.abort();
        }
    }
}

struct Core {
    streams: Streams,
    bound: BTreeMap<StreamId, Bound>,
    answers: Answers,
    random: Random,
    started: Instant,
    unix: Duration,
    counters: PumpCounters,
    out: Vec<StreamOutput>,
    observer: Option<DatagramObserver>,
}

impl Core {
    /// Runs one step of the streams and sends what it gave.
    fn step(&mut self, step: impl FnOnce(&mut Streams, &mut Cx<'_>, &mut Vec<StreamOutput>)) {
        self.counters.turns += 1;
        let elapsed = self.started.elapsed();
        let mut out = std::mem::take(&mut self.out);
        let random = &mut self.random;
        let mut cx =
            Cx { now: Tick::default() + elapsed, unix: self.unix + elapsed, random: &mut || random.next() };
        step(&mut self.streams, &mut cx, &mut out);
        for output in out.drain(..) {
            match output {
                StreamOutput::Send { stream, kind, to, packet } => self.send(stream, kind, to, &packet),
                StreamOutput::Applied { .. } | StreamOutput::Failed { .. } | StreamOutput::Event(_) => {
                    self.answers.push(output);
                }
            }
        }
        self.out = out;
    }

    /// A packet the system does not take is lost, as it could be anywhere on its way.
    fn send(&mut self, stream: StreamId, kind: PacketKind, to: SocketAddr, packet: &[u8]) {
        let Some(bound) = self.bound.get(&stream) else {
            self.counters.send_errors += 1;
            return;
        };
        let socket = match kind {
            PacketKind::Rtp => &bound.rtp,
            PacketKind::Rtcp => &bound.rtcp,
        };
        let observed = self.observer.as_mut().map(|observer| (observer, Instant::now()));
        // Past the runtime: it would not send before it has seen the socket writable once.
        if SockRef::from(&**socket).send_to(packet, &to.into()).is_err() {
            self.counters.send_errors += 1;
        } else if let Some((observer, at)) = observed {
            let local = bound.local(kind);
            observer(SeenDatagram { at, way: Way::Sent, kind, local, remote: to, bytes: packet });
        }
    }

    fn received(&mut self, stream: StreamId, kind: PacketKind, source: SocketAddr, packet: &[u8]) {
        if let Some(observer) = &mut self.observer
            && let Some(bound) = self.bound.get(&stream)
        {
            let (at, local) = (Instant::now(), bound.local(kind));
            observer(SeenDatagram { at, way: Way::Received, kind, local, remote: source, bytes: packet });
        }
        self.step(|streams, cx, out| streams.packet(cx, stream, kind, source, packet, out));
    }

    fn command(&mut self, command: StreamCommand) {
        let ended = match &command {
            StreamCommand::Open { stream, .. } | StreamCommand::Close { stream, .. } => Some(*stream),
            StreamCommand::OpenDevice { .. }
            | StreamCommand::CloseDevice { .. }
            | StreamCommand::Apply { .. }
            | StreamCommand::Attach { .. }
            | StreamCommand::Move { .. } => None,
        };
        self.step(|streams, cx, out| streams.command(cx, command, out));
        // Closed, or never opened: its ports go to rest.
        if let Some(stream) = ended.filter(|stream| self.streams.snapshot(*stream).is_none()) {
            self.bound.remove(&stream);
        }
    }

    fn counters(&self) -> PumpCounters {
        PumpCounters {
            bound: self.bound.len(),
            streams: self.streams.streams().count(),
            dropped_reports: self.answers.dropped_reports,
            dropped_events: self.answers.dropped_events,
            ..self.counters
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        // A deadline beyond what the clock can say never comes.
        self.started.checked_add(Duration::from_micros(self.streams.next_deadline()?.0))
    }
}

async fn run(core: Core, mut commands: mpsc::Receiver<PumpCommand>, mut stopped: watch::Receiver<bool>) {
    let answers = core.answers.sender();
    let core = Rc::new(RefCell::new(core));
    let wake = Rc::new(Notify::new());
    loop {
        core.borrow_mut().step(Streams::tick);
        let (deadline, full, waiting) = {
            let core = core.borrow();
            (core.next_deadline(), core.answers.is_full(), core.answers.has_backlog())
        };
        tokio::select! {
            biased;
            // An error means that the pump and all handles are gone.
            _ = stopped.wait_for(|stop| *stop) => break,
            // Before the deadline, so that a pump that is late still takes commands; due frames come with every turn.
            command = commands.recv(), if !full => {
                let Some(command) = command else { break };
                carry_out(&core, &wake, command);
                for _ in 1..BATCH {
                    if core.borrow().answers.is_full() {
                        break;
                    }
                    let Ok(command) = commands.try_recv() else { break };
                    carry_out(&core, &wake, command);
                }
            }
            () = sleep_until(deadline) => {}
            permit = answers.reserve(), if waiting => match permit {
                Ok(permit) => {
                    if let Some(output) = core.borrow_mut().answers.pop() {
                        permit.send(output);
                    }
                }
                Err(_) => while core.borrow_mut().answers.pop().is_some() {},
            },
            () = wake.notified() => {}
        }
    }
    core.borrow_mut().step(Streams::close_all);
    let last_words = async {
        while let Some(output) = { core.borrow_mut().answers.pop() } {
            if answers.send(output).await.is_err() {
                return;
            }
        }
    };
    if tokio::time::timeout(LAST_WORDS, last_words).await.is_err() {
        core.borrow_mut().counters.dropped_events += 1;
    }
    core.borrow_mut().bound.clear();
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

fn carry_out(core: &Rc<RefCell<Core>>, wake: &Rc<Notify>, command: PumpCommand) {
    match command {
        PumpCommand::Stream(command) => core.borrow_mut().command(command),
        PumpCommand::Bind { stream, pair } => bind(core, wake, stream, *pair),
        PumpCommand::Snapshot(stream, reply) => reply(core.borrow().streams.snapshot(stream)),
        PumpCommand::Hearing(device, reply) => {
            let core = core.borrow();
            let now = Tick::default() + core.started.elapsed();
            reply(core.streams.hearing_at(device, now));
        }
        PumpCommand::Counters(reply) => reply(core.borrow().counters()),
    }
}

/// Registers the sockets and starts their readers. If the system refuses, the stream stays without sockets: its packets
/// are counted as send errors and its pair goes to rest.
fn bind(core: &Rc<RefCell<Core>>, wake: &Rc<Notify>, stream: StreamId, pair: PortPair) {
    let PortPair { sockets, lease, .. } = pair;
    let (Ok(rtp), Ok(rtcp)) = (UdpSocket::from_std(sockets.rtp), UdpSocket::from_std(sockets.rtcp)) else {
        core.borrow_mut().counters.send_errors += 1;
        return;
    };
    let (rtp, rtcp) = (Arc::new(rtp), Arc::new(rtcp));
    let reader = |kind, socket: &Arc<UdpSocket>| {
        let (core, wake, socket) = (Rc::clone(core), Rc::clone(wake), Arc::clone(socket));
        tokio::task::spawn_local(read(core, wake, stream, kind, socket)).abort_handle()
    };
    let readers = [reader(PacketKind::Rtp, &rtp), reader(PacketKind::Rtcp, &rtcp)];
    core.borrow_mut().bound.insert(stream, Bound { rtp, rtcp, readers, lease });
}

async fn read(
    core: Rc<RefCell<Core>>,
    wake: Rc<Notify>,
    stream: StreamId,
    kind: PacketKind,
    socket: Arc<UdpSocket>,
) {
    let mut buffer = [0; MAX_DATAGRAM];
    while socket.readable().await.is_ok() {
        for _ in 0..BATCH {
            // An error is "nothing left", or an ICMP answer to what was sent, which says nothing about receiving.
            let Ok((length, source)) = socket.try_recv_from(&mut buffer) else { break };
            let mut core = core.borrow_mut();
            let before = core.streams.next_deadline();
            core.received(stream, kind, source, &buffer[..length]);
            let sooner = core.streams.next_deadline().is_some_and(|next| before.is_none_or(|old| next < old));
            if sooner || core.answers.has_backlog() {
                wake.notify_one();
            }
        }
        tokio::task::yield_now().await;
    }
}
