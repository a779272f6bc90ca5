//! The caller's end of the pump.

#![expect(clippy::disallowed_types, reason = "the pump's ticks are told in real time")]

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::RecvTimeoutError;
use tokio::sync::{mpsc, oneshot};

use super::application::{self, ApplicationAudio, ApplicationEnd};
use super::core::PumpCounters;
use super::ports::{PortPair, PortPool};
use super::pump::Stop;
use super::{ANSWER_WAIT, PumpError};
use crate::codec::SampleRate;
use crate::hearing::Hearing;
use crate::streams::{DeviceId, DeviceSnapshot, RecordingId, StreamCommand, StreamId, StreamSnapshot};

/// Places in the command queue that are left for questions by other threads.
const ROOM_FOR_QUESTIONS: usize = 64;

/// Talks to a pump; cheap to clone. No method waits for the pump except the questions, which wait at most
/// [`ANSWER_WAIT`].
#[derive(Clone)]
pub struct PumpHandle {
    pub(super) commands: Commands,
    pub(super) pool: Arc<PortPool>,
    pub(super) stop: Stop,
    pub(super) started: Instant,
}

/// What the handle asks of the thread.
pub(super) enum PumpCommand {
    Stream(StreamCommand),
    Bind { stream: StreamId, pair: Box<PortPair> },
    Record { recording: RecordingId, file: Box<File> },
    Forget(RecordingId),
    Application(Box<ApplicationEnd>),
    Discard(DeviceId),
    Snapshot(StreamId, Reply<Option<StreamSnapshot>>),
    Device(DeviceId, Reply<Option<DeviceSnapshot>>),
    Hearing(DeviceId, Reply<Option<Hearing>>),
    Counters(Reply<PumpCounters>),
}

/// The queue of commands; it wakes the thread for each, and when the last one who could ask is gone.
#[derive(Clone)]
pub(super) struct Commands {
    sender: Option<mpsc::Sender<PumpCommand>>,
    waker: Arc<mio::Waker>,
}

impl Commands {
    pub(super) fn new(sender: mpsc::Sender<PumpCommand>, waker: Arc<mio::Waker>) -> Self {
        Self { sender: Some(sender), waker }
    }

    fn send(&self, command: PumpCommand) -> Result<(), PumpError> {
        let sender = self.sender.as_ref().ok_or(PumpError::Stopped)?;
        sender.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PumpError::QueueFull,
            mpsc::error::TrySendError::Closed(_) => PumpError::Stopped,
        })?;
        // A thread that cannot be woken has ended, and the next command finds that out.
        let _ = self.waker.wake();
        Ok(())
    }

    fn has_room(&self, places: usize) -> bool {
        self.sender.as_ref().is_none_or(|sender| sender.capacity() > places || sender.is_closed())
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.sender = None;
        let _ = self.waker.wake();
    }
}

impl std::fmt::Debug for PumpHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PumpHandle").finish_non_exhaustive()
    }
}

impl PumpHandle {
    /// Binds a pair of ports and holds it for a stream to come, so that the SDP can name it.
    pub fn reserve(&self) -> Result<PortPair, PumpError> {
        self.pool.reserve()
    }

    /// Gives back a pair that no stream will use; dropping it does the same.
    pub fn release(&self, pair: PortPair) {
        drop(pair);
    }

    /// Hands a pair to a stream. Give it before that stream's [`StreamCommand::Open`]; the pair is freed when the
    /// stream closes. On error the pair is freed.
    pub fn open(&self, stream: StreamId, pair: PortPair) -> Result<(), PumpError> {
        self.send(PumpCommand::Bind { stream, pair: Box::new(pair) })
    }

    /// Whether a command will be taken: there is room for it and for the questions that may come in between.
    pub fn has_room(&self) -> bool {
        self.commands.has_room(ROOM_FOR_QUESTIONS)
    }

    /// Gives a command to the streams; never blocks.
    pub fn command(&self, command: StreamCommand) -> Result<(), PumpError> {
        self.send(PumpCommand::Stream(command))
    }

    /// Opens or creates the file of a recording, before [`StreamCommand::Record`] begins it; what it holds is lost with the
    /// first sample. One that is created is for its owner alone, because it holds what people said. The file is complete when [`StreamEvent::RecordingEnded`](crate::StreamEvent::RecordingEnded) says so.
    pub fn open_recording(&self, recording: RecordingId, path: &Path) -> Result<(), PumpError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = Box::new(options.open(path).map_err(PumpError::Recording)?);
        self.send(PumpCommand::Record { recording, file })
    }

    /// Takes back [`open_recording`](Self::open_recording), because nothing is to be recorded after all: the file is closed
    /// as it was.
    pub fn forget_recording(&self, recording: RecordingId) -> Result<(), PumpError> {
        self.send(PumpCommand::Forget(recording))
    }

    /// Gives an application its end of a device that was opened, or is about to be, with
    /// [`Source::Application`](crate::Source::Application) of the same rate.
    pub fn application(&self, device: DeviceId, rate: SampleRate) -> Result<ApplicationAudio, PumpError> {
        let (audio, end) = application::ends(device, rate);
        self.send(PumpCommand::Application(Box::new(end)))?;
        Ok(audio)
    }

    /// Drops what an application has said and nobody has heard yet, as when it is interrupted.
    pub fn discard_speech(&self, device: DeviceId) -> Result<(), PumpError> {
        self.send(PumpCommand::Discard(device))
    }

    /// Asks for a device's state; `None` when there is no such device.
    pub async fn device(&self, device: DeviceId) -> Result<Option<DeviceSnapshot>, PumpError> {
        self.ask(|reply| PumpCommand::Device(device, reply)).await
    }

    /// Asks for a stream's numbers; `None` when there is no such stream.
    pub async fn snapshot(&self, stream: StreamId) -> Result<Option<StreamSnapshot>, PumpError> {
        self.ask(|reply| PumpCommand::Snapshot(stream, reply)).await
    }

    /// Asks for a stream's numbers from a thread that may block.
    pub fn snapshot_blocking(&self, stream: StreamId) -> Result<Option<StreamSnapshot>, PumpError> {
        self.ask_blocking(|reply| PumpCommand::Snapshot(stream, reply))
    }

    /// Asks what a device hears; `None` when there is no such device, or it has no ear
    /// ([`StreamsConfig::ears`](crate::StreamsConfig::ears)).
    pub async fn hearing(&self, device: DeviceId) -> Result<Option<Hearing>, PumpError> {
        self.ask(|reply| PumpCommand::Hearing(device, reply)).await
    }

    /// Asks what a device hears from a thread that may block.
    pub fn hearing_blocking(&self, device: DeviceId) -> Result<Option<Hearing>, PumpError> {
        self.ask_blocking(|reply| PumpCommand::Hearing(device, reply))
    }

    /// Asks for the pump's own counters.
    pub async fn counters(&self) -> Result<PumpCounters, PumpError> {
        self.ask(PumpCommand::Counters).await
    }

    /// Asks for the pump's own counters from a thread that may block.
    pub fn counters_blocking(&self) -> Result<PumpCounters, PumpError> {
        self.ask_blocking(PumpCommand::Counters)
    }

    /// Returns the moment that `Tick(0)` of the pump's events and hearings stands for.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Asks the pump to close every stream and end; does not wait.
    pub fn shutdown(&self) {
        self.stop.ask();
    }

    fn send(&self, command: PumpCommand) -> Result<(), PumpError> {
        self.commands.send(command)
    }

    async fn ask<T: Send + 'static>(
        &self,
        command: impl FnOnce(Reply<T>) -> PumpCommand,
    ) -> Result<T, PumpError> {
        let (sender, receiver) = oneshot::channel();
        self.send(command(Box::new(move |answer| drop(sender.send(answer)))))?;
        match tokio::time::timeout(ANSWER_WAIT, receiver).await {
            Ok(answer) => answer.map_err(|_| PumpError::Stopped),
            Err(_) => Err(PumpError::NoAnswer),
        }
    }

    fn ask_blocking<T: Send + 'static>(
        &self,
        command: impl FnOnce(Reply<T>) -> PumpCommand,
    ) -> Result<T, PumpError> {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        self.send(command(Box::new(move |answer| drop(sender.send(answer)))))?;
        receiver.recv_timeout(ANSWER_WAIT).map_err(|error| match error {
            RecvTimeoutError::Timeout => PumpError::NoAnswer,
            RecvTimeoutError::Disconnected => PumpError::Stopped,
        })
    }
}

/// Where an answer goes; one that nobody waits for any more is dropped.
pub(super) type Reply<T> = Box<dyn FnOnce(T) + Send>;
