//! The RTP sockets: a pump that owns them, the clock and one [`Streams`](crate::Streams).
//!
//! The pump runs in its own thread. It sleeps until a packet, a command or a deadline comes; deadlines are absolute,
//! so 20 ms frames do not drift. Nothing a caller does blocks on it.

mod alarm;
mod answers;
mod application;
mod core;
mod handle;
mod lateness;
mod observer;
mod ports;
mod pump;
mod random;
mod recording;
mod sockets;
mod turn;
mod wav;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::streams::StreamsConfig;

pub use application::{APPLICATION_RING_MS, ApplicationAudio};
pub use core::PumpCounters;
pub use handle::PumpHandle;
pub use lateness::{LATENESS_BOUNDS, Lateness};
pub use observer::{DatagramLoss, DatagramObserver, Hooks, SeenDatagram, Way};
pub use ports::{PORT_REST, PortPair};
pub use pump::Pump;
pub use wav::{load_wav, read_wav};

pub use crate::wav::WavError;

/// How long a question to the pump waits for its answer: far longer than any step of the pump takes.
pub const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// The descriptors one stream needs: an RTP and an RTCP socket. A process limit of 1,024, usual on Linux, so allows
/// some 500 streams; whoever configures more raises the limit first. A pair that cannot be bound is
/// [`PumpError::NoPorts`], never a crash.
pub const DESCRIPTORS_PER_STREAM: usize = 2;

/// Holds the settings of a pump.
#[derive(Debug, Clone, PartialEq)]
pub struct PumpConfig {
    /// The address the sockets are bound to; not unspecified, because it stands in the SDP.
    pub address: IpAddr,
    /// The ports for RTP (even) and RTCP (the next odd one); `0..=0` takes pairs the system chooses.
    pub ports: RangeInclusive<u16>,
    /// The class that packets are marked with (RFC 2474), 0 to 63.
    pub dscp: u8,
    /// The most pairs in use at a time.
    pub max_streams: usize,
    /// The settings of the streams.
    pub streams: StreamsConfig,
    /// The commands that can wait for the pump.
    pub command_queue: usize,
    /// The answers and events that can wait for their reader, before the pump's own backlog is used.
    pub answer_queue: usize,
}

impl Default for PumpConfig {
    /// Loopback, ports the system chooses, expedited forwarding (RFC 4594 §4.1), 256 streams, 1,024 commands, 1,024 answers.
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: 0..=0,
            dscp: 46,
            max_streams: 256,
            streams: StreamsConfig::default(),
            command_queue: 1_024,
            answer_queue: 1_024,
        }
    }
}

/// Tells what the pump could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PumpError {
    /// A setting makes no sense; the text names it.
    #[error("invalid setting: {0}")]
    Config(&'static str),
    /// The thread or its runtime could not be started.
    #[error("the pump could not be started: {0}")]
    Start(#[source] io::Error),
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
    /// The file of a recording could not be created.
    #[error("the recording could not be created: {0}")]
    Recording(#[source] io::Error),
    /// No pair of ports is free; pairs in rest become free within [`PORT_REST`].
    #[error("no pair of ports is free")]
    NoPorts,
    /// The command queue is full: the pump is overloaded or its answers are not read.
    #[error("the command queue is full")]
    QueueFull,
    /// The pump has ended.
    #[error("the pump has ended")]
    Stopped,
    /// The pump did not answer within [`ANSWER_WAIT`].
    #[error("the pump did not answer in time")]
    NoAnswer,
}
