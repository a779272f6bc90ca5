//! A pump as its owner sees it: start, answers, end.

#![expect(clippy::disallowed_types, reason = "the pump is where the real clock is read")]
#![expect(clippy::disallowed_methods, reason = "the pump is where the real clock is read")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use mio::Poll;
use tokio::sync::mpsc;

use super::alarm::Alarm;
use super::core::Core;
use super::handle::{Commands, PumpHandle};
use super::observer::{DatagramObserver, Hooks};
use super::ports::PortPool;
use super::turn::{self, ALARM, WAKE};
use super::{PumpConfig, PumpError};
use crate::streams::StreamOutput;

/// Owns the pump's thread. Dropping it asks the thread to end; [`Pump::shutdown`] also waits for it.
#[derive(Debug)]
pub struct Pump {
    thread: Option<JoinHandle<()>>,
    answers: Option<mpsc::Receiver<StreamOutput>>,
    stop: Stop,
}

/// Asks the thread to end.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    asked: Arc<AtomicBool>,
    waker: Arc<mio::Waker>,
}

impl Stop {
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        // A thread that cannot be woken has ended.
        let _ = self.waker.wake();
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }
}

impl Pump {
    /// Starts a pump in its own thread.
    pub fn start(config: PumpConfig) -> Result<(Self, PumpHandle), PumpError> {
        Self::start_with(config, Hooks::default())
    }

    /// Starts a pump whose datagrams are looked at: every one that the system took, and every one that arrived.
    pub fn start_observed(
        config: PumpConfig,
        observer: DatagramObserver,
    ) -> Result<(Self, PumpHandle), PumpError> {
        Self::start_with(config, Hooks { observer: Some(observer), ..Hooks::default() })
    }

    /// Starts a pump with what is let into its thread.
    pub fn start_with(config: PumpConfig, hooks: Hooks) -> Result<(Self, PumpHandle), PumpError> {
        if config.address.is_unspecified() {
            return Err(PumpError::Config("the address is unspecified"));
        }
        if config.command_queue == 0 || config.answer_queue == 0 || config.max_streams == 0 {
            return Err(PumpError::Config("a queue or the number of streams is zero"));
        }
        if config.dscp > 63 {
            return Err(PumpError::Config("a DSCP has six bits"));
        }
        let pool = PortPool::new(config.address, config.ports.clone(), config.max_streams, config.dscp)?;
        let poll = Poll::new().map_err(PumpError::Start)?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKE).map_err(PumpError::Start)?);
        let alarm = Alarm::new(poll.registry(), ALARM).map_err(PumpError::Start)?;
        let stop = Stop { asked: Arc::default(), waker: Arc::clone(&waker) };
        let (commands, received) = mpsc::channel(config.command_queue);
        let (answer_sender, answers) = mpsc::channel(config.answer_queue);
        let started = Instant::now();
        let registry = poll.registry().try_clone().map_err(PumpError::Start)?;
        let core = Core::new(config, registry, Arc::clone(&waker), answer_sender, hooks, started)?;
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("rtp-pump".to_owned())
            .spawn(move || turn::run(core, poll, alarm, received, &stopped))
            .map_err(PumpError::Start)?;
        let handle =
            PumpHandle { commands: Commands::new(commands, waker), pool, stop: stop.clone(), started };
        Ok((Self { thread: Some(thread), answers: Some(answers), stop }, handle))
    }

    /// Returns the reader of answers and events, the first time it is asked for. It gets
    /// [`StreamOutput::Applied`], [`StreamOutput::Failed`] and [`StreamOutput::Event`], in their order.
    pub fn answers(&mut self) -> Option<mpsc::Receiver<StreamOutput>> {
        self.answers.take()
    }

    /// Closes every stream, with RTCP BYE where due, and waits for the thread to end.
    pub fn shutdown(mut self) -> Result<(), PumpError> {
        self.stop.ask();
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
        self.stop.ask();
    }
}
