//! What the pump's thread holds: the streams, their sockets, and where everything goes that comes out of a step.

#![expect(clippy::disallowed_types, reason = "the pump is where the real clock is read")]
#![expect(clippy::disallowed_methods, reason = "the pump is where the real clock is read")]

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::{Registry, Token};
use tokio::sync::mpsc;

use super::answers::Answers;
use super::application::ApplicationEnd;
use super::handle::PumpCommand;
use super::lateness::Lateness;
use super::observer::{Hooks, SeenDatagram, Way};
use super::random::Random;
use super::recording::{RecordingEnd, Recordings};
use super::sockets::Sockets;
use super::{PumpConfig, PumpError};
use crate::streams::{
    DeviceId, PacketKind, RecordingFailure, StreamCommand, StreamEvent, StreamId, StreamOutput, Streams,
};
use crate::tick::{Cx, Tick};

/// The largest datagram read: more than 60 ms of L16 at 48 kHz; longer ones are cut, and a cut packet of a negotiated peer
/// is at worst played short.
const MAX_DATAGRAM: usize = 8_192;
/// How often an application's rings are looked at.
const EXCHANGE: Duration = Duration::from_millis(10);

/// Holds what the pump itself counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PumpCounters {
    /// Streams that have sockets.
    pub bound: usize,
    /// Streams that are open.
    pub streams: usize,
    /// Packets the system did not take, for example because its buffer was full.
    pub send_errors: u64,
    /// Reads that failed for another reason than that nothing was there.
    pub receive_errors: u64,
    /// Quality reports that were dropped because the answers are not read.
    pub dropped_reports: u64,
    /// Other events that were dropped for that reason.
    pub dropped_events: u64,
    /// Blocks of recordings that the disk was too slow for; they are silence in the file.
    pub dropped_blocks: u64,
    /// Samples that applications did not take in time.
    pub dropped_samples: u64,
    /// Turns of the pump: wake-ups for packets, commands and deadlines.
    pub turns: u64,
    /// How late packets were sent.
    pub lateness: Lateness,
}

pub(super) struct Core {
    pub(super) streams: Streams,
    sockets: Sockets,
    pub(super) answers: Answers,
    random: Random,
    started: Instant,
    unix: Duration,
    counters: PumpCounters,
    out: Vec<StreamOutput>,
    buffer: Box<[u8]>,
    hooks: Hooks,
    waker: Arc<mio::Waker>,
    recordings: Option<Recordings>,
    applications: BTreeMap<DeviceId, ApplicationEnd>,
    next_exchange: Instant,
}

/// Whether a socket may have more to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Perhaps,
}

impl Core {
    pub(super) fn new(
        config: PumpConfig,
        registry: Registry,
        waker: Arc<mio::Waker>,
        answers: mpsc::Sender<StreamOutput>,
        hooks: Hooks,
        started: Instant,
    ) -> Result<Self, PumpError> {
        Ok(Self {
            // One command makes at most two answers that must be kept, so this bounds the backlog.
            answers: Answers::new(answers, config.command_queue),
            streams: Streams::new(config.streams),
            sockets: Sockets::new(registry),
            random: Random::new()?,
            started,
            unix: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            counters: PumpCounters::default(),
            out: Vec::new(),
            buffer: vec![0; MAX_DATAGRAM].into(),
            hooks,
            waker,
            recordings: None,
            applications: BTreeMap::new(),
            next_exchange: started,
        })
    }

    /// Runs one step of the streams and sends what it gave.
    pub(super) fn step(&mut self, step: impl FnOnce(&mut Streams, &mut Cx<'_>, &mut Vec<StreamOutput>)) {
        let elapsed = self.started.elapsed();
        let mut out = std::mem::take(&mut self.out);
        let random = &mut self.random;
        let mut cx =
            Cx { now: Tick::default() + elapsed, unix: self.unix + elapsed, random: &mut || random.next() };
        step(&mut self.streams, &mut cx, &mut out);
        for output in out.drain(..) {
            match output {
                StreamOutput::Send { stream, kind, to, packet, due } => {
                    self.send(stream, kind, to, &packet, due);
                }
                StreamOutput::Recorded { recording, block } => {
                    if let Some(recordings) = &mut self.recordings {
                        recordings.write(recording, block);
                    }
                }
                StreamOutput::Applied { .. } | StreamOutput::Failed { .. } | StreamOutput::Event(_) => {
                    self.answers.push(output);
                }
            }
        }
        self.out = out;
    }

    /// Does what is due: frames, and the exchange with applications before them.
    pub(super) fn tick(&mut self) {
        self.counters.turns += 1;
        let now = Instant::now();
        if !self.applications.is_empty() && now >= self.next_exchange {
            self.next_exchange = now + EXCHANGE;
            let (streams, counters) = (&mut self.streams, &mut self.counters);
            self.applications.retain(|_, application| {
                let goes_on = application.exchange(streams);
                counters.dropped_samples += std::mem::take(&mut application.dropped);
                goes_on
            });
        }
        if self.next_frame().is_some_and(|deadline| deadline <= now) {
            self.step(Streams::tick);
        }
    }

    /// A packet the system does not take is lost, as it could be anywhere on its way.
    fn send(&mut self, stream: StreamId, kind: PacketKind, to: SocketAddr, packet: &[u8], due: Tick) {
        let Some(bound) = self.sockets.of(stream) else {
            self.counters.send_errors += 1;
            return;
        };
        let at = Instant::now();
        self.counters.lateness.count((Tick::default() + at.duration_since(self.started)).since(due));
        if self.hooks.loss.as_mut().is_some_and(|loses| loses(Way::Sent)) {
            return;
        }
        if bound.socket(kind).send_to(packet, to).is_err() {
            self.counters.send_errors += 1;
        } else if let Some(observer) = self.hooks.observer.as_mut() {
            let local = bound.local(kind);
            observer(SeenDatagram { at, way: Way::Sent, kind, local, remote: to, bytes: packet });
        }
    }

    /// Reads one datagram of a socket. Frames that became due meanwhile do not wait for the rest.
    pub(super) fn read(&mut self, token: Token) -> Left {
        let Some((bound, kind)) = self.sockets.at(token) else { return Left::Nothing };
        let mut buffer = std::mem::take(&mut self.buffer);
        let left = match bound.socket(kind).recv_from(&mut buffer) {
            Ok(_) if self.hooks.loss.as_mut().is_some_and(|loses| loses(Way::Received)) => Left::Perhaps,
            Ok((length, source)) => {
                let (stream, packet) = (bound.stream, &buffer[..length]);
                if let Some(observer) = &mut self.hooks.observer {
                    let (at, local) = (Instant::now(), bound.local(kind));
                    let way = Way::Received;
                    observer(SeenDatagram { at, way, kind, local, remote: source, bytes: packet });
                }
                self.step(|streams, cx, out| {
                    streams.packet(cx, stream, kind, source, packet, out);
                    if streams.next_deadline().is_some_and(|deadline| deadline <= cx.now) {
                        streams.tick(cx, out);
                    }
                });
                Left::Perhaps
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Left::Perhaps,
            Err(error) => {
                if error.kind() != io::ErrorKind::WouldBlock {
                    self.counters.receive_errors += 1;
                }
                Left::Nothing
            }
        };
        self.buffer = buffer;
        left
    }

    pub(super) fn carry_out(&mut self, command: PumpCommand) {
        match command {
            PumpCommand::Stream(command) => self.command(command),
            // Without sockets the stream's packets are counted as send errors.
            PumpCommand::Bind { stream, pair } => {
                if self.sockets.bind(stream, *pair).is_err() {
                    self.counters.receive_errors += 1;
                }
            }
            PumpCommand::Record { recording, file } => self.record(recording, *file),
            PumpCommand::Forget(recording) => {
                if let Some(recordings) = &mut self.recordings {
                    recordings.forget(recording);
                }
            }
            PumpCommand::Application(end) => {
                self.applications.insert(end.device(), *end);
            }
            PumpCommand::Discard(device) => {
                if let Some(application) = self.applications.get_mut(&device) {
                    application.discard();
                }
                self.command(StreamCommand::FallSilent { device });
            }
            PumpCommand::Snapshot(stream, reply) => reply(self.streams.snapshot(stream)),
            PumpCommand::Device(device, reply) => reply(self.streams.device(device)),
            PumpCommand::Hearing(device, reply) => {
                let now = Tick::default() + self.started.elapsed();
                reply(self.streams.hearing_at(device, now));
            }
            PumpCommand::Counters(reply) => reply(self.counters()),
        }
    }

    fn command(&mut self, command: StreamCommand) {
        let ended = match &command {
            StreamCommand::Open { stream, .. } | StreamCommand::Close { stream, .. } => Some(*stream),
            _ => None,
        };
        self.step(|streams, cx, out| streams.command(cx, command, out));
        // Closed, or never opened: its ports go to rest.
        if let Some(stream) = ended.filter(|stream| self.streams.snapshot(*stream).is_none()) {
            self.sockets.close(stream);
        }
    }

    fn record(&mut self, recording: crate::streams::RecordingId, file: std::fs::File) {
        let opened = match &self.recordings {
            Some(recordings) => recordings.open(recording, file),
            None => match Recordings::start(Arc::clone(&self.waker)) {
                Ok(recordings) => self.recordings.insert(recordings).open(recording, file),
                Err(error) => Err(RecordingFailure::Writer(error.kind())),
            },
        };
        if opened.is_err() {
            self.tell_end(RecordingEnd { recording, result: opened });
        }
    }

    fn tell_end(&mut self, RecordingEnd { recording, result }: RecordingEnd) {
        let event = StreamEvent::RecordingEnded { recording, result };
        self.answers.push(StreamOutput::Event(event));
    }

    /// Hears from the thread that writes recordings.
    pub(super) fn hear_of_recordings(&mut self) {
        if let Some(recordings) = &mut self.recordings {
            recordings.retry();
        }
        while let Some(end) = self.recordings.as_mut().and_then(Recordings::ended) {
            self.tell_end(end);
        }
    }

    /// Closes every stream and every file.
    pub(super) fn close(&mut self) {
        self.step(Streams::close_all);
        self.applications.clear();
        if let Some(recordings) = self.recordings.take() {
            for end in recordings.finish() {
                self.tell_end(end);
            }
        }
    }

    fn counters(&self) -> PumpCounters {
        PumpCounters {
            bound: self.sockets.len(),
            streams: self.streams.streams().count(),
            dropped_reports: self.answers.dropped_reports,
            dropped_events: self.answers.dropped_events,
            dropped_blocks: self.recordings.as_ref().map_or(0, |recordings| recordings.dropped_blocks),
            ..self.counters
        }
    }

    fn next_frame(&self) -> Option<Instant> {
        // A deadline beyond what the clock can say never comes.
        self.started.checked_add(Duration::from_micros(self.streams.next_deadline()?.0))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let exchange = (!self.applications.is_empty()).then_some(self.next_exchange);
        [self.next_frame(), exchange].into_iter().flatten().min()
    }
}
