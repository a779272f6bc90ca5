//! What a step asks for or tells.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::command::StreamFailure;
use super::figures::{QualityKind, QualityReport, StreamSummary};
use super::names::{DeviceId, Op, PacketKind, RecordingId, StreamId};
use crate::dtmf::Event;
use crate::quality::QualityChange;
use crate::sink::RecordedBlock;
use crate::tick::Tick;

/// Names what a step asks for or tells.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamOutput {
    /// Send a packet from the stream's socket of this kind.
    Send {
        /// The stream.
        stream: StreamId,
        /// Which socket.
        kind: PacketKind,
        /// Where to.
        to: SocketAddr,
        /// The bytes.
        packet: Bytes,
        /// When it was due: of a frame its moment on the pace, of anything else the moment of the step.
        due: Tick,
    },
    /// Write a block to a recording; blocks come in their order.
    Recorded {
        /// The recording.
        recording: RecordingId,
        /// What follows what was given before.
        block: RecordedBlock,
    },
    /// A command was carried out.
    Applied {
        /// The command.
        op: Op,
    },
    /// A command was refused.
    Failed {
        /// The command.
        op: Op,
        /// Why.
        failure: StreamFailure,
    },
    /// Something happened.
    Event(StreamEvent),
}

/// Names what happens to streams. No text of it shows a key (SEC-45).
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// RTP began to arrive: the first time, after a silence, or after a direction that did not receive.
    Flowing {
        /// The stream.
        stream: StreamId,
        /// When.
        at: Tick,
    },
    /// No RTP arrived for a while although the direction is sendrecv; a hold of either side is no silence (TM-003).
    Silent {
        /// The stream.
        stream: StreamId,
        /// When this was found.
        at: Tick,
    },
    /// Packets come, and nothing has been heard in them since then.
    Soundless {
        /// The stream.
        stream: StreamId,
        /// Since when.
        since: Tick,
    },
    /// Something is heard again.
    SoundAgain {
        /// The stream.
        stream: StreamId,
        /// How long there was nothing.
        gap: Duration,
    },
    /// A key of SRTP has protected as many packets as it may (RFC 3711 §8.2): nothing passes in this direction until a description
    /// brings another one. Told once a description.
    KeyExpired {
        /// The stream.
        stream: StreamId,
        /// Whether it is our own key, with which we send.
        sending: bool,
    },
    /// The peer pressed a key.
    Digit {
        /// The stream.
        stream: StreamId,
        /// The key; what it is, only [`Event::to_char`] says.
        digit: Event,
        /// How long it was pressed.
        duration_ms: u32,
    },
    /// A device's recording that is played once came to its end; silence follows.
    SourceEnded {
        /// The device.
        device: DeviceId,
        /// When its last frame began.
        at: Tick,
    },
    /// A device was closed because another one took its place.
    Displaced {
        /// The device that was closed.
        device: DeviceId,
        /// The stream that it was on.
        stream: StreamId,
    },
    /// The file of a recording was closed. Only a pump tells this: it is who writes.
    RecordingEnded {
        /// The recording.
        recording: RecordingId,
        /// Whether everything is in the file, otherwise why not.
        result: Result<(), RecordingFailure>,
    },
    /// A report, at most one of each kind per RTCP interval (TM-083).
    Quality(QualityReport),
    /// The quality of a direction has crossed a threshold.
    QualityChanged {
        /// The stream.
        stream: StreamId,
        /// Who measured.
        kind: QualityKind,
        /// When the interval ended.
        at: Tick,
        /// What has changed.
        change: QualityChange,
    },
    /// The stream was closed; its last numbers (TM-084).
    Summary(Box<StreamSummary>),
    /// The first audio came from the stream a device was moved to, or none came for 2 s.
    Moved {
        /// The stream the device was on.
        from: StreamId,
        /// The stream it is on.
        to: StreamId,
        /// The time from the move to the first audio; `None` when none came.
        gap: Option<Duration>,
    },
}

/// Tells why a recording's file does not have everything. What was written before stays in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingFailure {
    /// The operating system gives no thread that could write.
    #[error("nothing can write the recording: {0}")]
    Writer(std::io::ErrorKind),
    /// So much waits for the disk that another recording cannot begin.
    #[error("the disk is too slow for another recording")]
    Busy,
    /// The file cannot be written.
    #[error("the file cannot be written: {0}")]
    File(std::io::ErrorKind),
    /// There is more than a WAV file can hold: 4 GiB.
    #[error("the file is full")]
    Full,
}
