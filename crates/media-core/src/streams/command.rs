//! What streams and devices can be told to do, and why they refuse.

use std::time::Duration;

use super::config::HoldAudio;
use super::names::{DeviceId, Op, RecordingId, StreamId};
use crate::dtmf::{DigitError, Event};
use crate::mixer::MAX_PARTIES;
use crate::negotiation::Agreed;
use crate::sink::RecordLayout;
use crate::source::Source;

/// The most streams of a mix, each with a device.
pub const MAX_MIXED_STREAMS: usize = MAX_PARTIES / 2;

/// Names what [`super::Streams`] can be told to do.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamCommand {
    /// Opens a device; one that is open gets the new source and keeps its stream and its ear. Beyond the limit
    /// of devices nothing is opened, and attaching it fails.
    OpenDevice {
        /// The device.
        device: DeviceId,
        /// What its microphone gives.
        source: Source,
    },
    /// Mutes a device's microphone, or opens it again: packets go on, with silence.
    Mute {
        /// The device.
        device: DeviceId,
        /// True for silence.
        muted: bool,
    },
    /// Drops what an application's device has not said yet.
    FallSilent {
        /// The device.
        device: DeviceId,
    },
    /// Records what a device says and hears from now on, in blocks of [`super::StreamOutput::Recorded`].
    Record {
        /// The name of this command.
        op: Op,
        /// The device; it records one thing at a time.
        device: DeviceId,
        /// The recording.
        recording: RecordingId,
        /// How the parties share it.
        layout: RecordLayout,
    },
    /// Ends a device's recording. Closing the device ends it as well.
    StopRecording {
        /// The name of this command.
        op: Op,
        /// The device.
        device: DeviceId,
    },
    /// Closes a device and takes it from its stream.
    CloseDevice {
        /// The device.
        device: DeviceId,
    },
    /// Opens a stream: a new RTP session with random SSRC, sequence number and timestamp (TM-004).
    Open {
        /// The name of this command.
        op: Op,
        /// The stream.
        stream: StreamId,
        /// A device that is attached to no stream yet.
        device: Option<DeviceId>,
    },
    /// Puts an agreement in force: addresses, codec, direction (TM-001, TM-015).
    Apply {
        /// The name of this command.
        op: Op,
        /// The stream.
        stream: StreamId,
        /// What was agreed.
        agreed: Agreed,
    },
    /// Attaches a free device to a stream that has none.
    Attach {
        /// The name of this command.
        op: Op,
        /// The stream.
        stream: StreamId,
        /// The device.
        device: DeviceId,
    },
    /// Moves the device of one stream to another in one step (TM-016).
    Move {
        /// The name of this command.
        op: Op,
        /// The stream that has the device.
        from: StreamId,
        /// The stream that gets it; it has none.
        to: StreamId,
    },
    /// As [`Self::Move`], to a stream that may have a device of its own: that one is closed in the same step, as by
    /// [`Self::CloseDevice`], and told by [`Displaced`](super::StreamEvent::Displaced).
    Replace {
        /// The name of this command.
        op: Op,
        /// The stream that has the device.
        from: StreamId,
        /// The stream that gets it.
        to: StreamId,
    },
    /// Chooses what the party on this stream hears when we hold it.
    SetHoldAudio {
        /// The name of this command.
        op: Op,
        /// The stream.
        stream: StreamId,
        /// What is played.
        audio: HoldAudio,
    },
    /// Presses keys, one after the other: sent as telephone events, or as tones where the peer has no events. A hold, a
    /// move or an end of the stream drops what was not sent (TM-044).
    Press {
        /// The name of this command.
        op: Op,
        /// The stream.
        stream: StreamId,
        /// The keys; all of them are taken or none.
        events: Vec<Event>,
        /// How long each lasts.
        duration: Duration,
    },
    /// Gets a stream ready to give its device away: the key that is down ends and those that wait are dropped, as by a hold
    /// (TM-044), and it is noted where its source stands ([`super::ContinuityMarks`]). Audio goes on.
    Prepare {
        /// The name of this command.
        op: Op,
        /// The stream.
        stream: StreamId,
    },
    /// Pairs two streams: what one receives the other sends, without decoding when codec, packet time and
    /// the clock of telephone events agree; else audio is encoded anew, and keys are pressed again. Their devices stay attached and neither speak nor hear meanwhile.
    Pair {
        /// The name of this command.
        op: Op,
        /// A stream that is joined with no other.
        a: StreamId,
        /// Another one.
        b: StreamId,
    },
    /// Ends a pair.
    Unpair {
        /// The name of this command.
        op: Op,
        /// One of the two streams.
        stream: StreamId,
    },
    /// Mixes streams with each other and with the devices that are attached to them: each party hears all others.
    Mix {
        /// The name of this command.
        op: Op,
        /// Two to [`MAX_MIXED_STREAMS`] streams that are joined with no others.
        streams: Vec<StreamId>,
    },
    /// Takes a stream from its mix; with the last but one the mix ends.
    Unmix {
        /// The name of this command.
        op: Op,
        /// The stream.
        stream: StreamId,
    },
    /// Closes a stream: RTCP BYE where due (TM-009), a last summary; its device is free again.
    Close {
        /// The name of this command.
        op: Op,
        /// The stream.
        stream: StreamId,
    },
}

/// Tells why a command was refused; nothing has changed, except with [`Self::Protection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamFailure {
    /// There is no such stream.
    #[error("there is no such stream")]
    UnknownStream,
    /// The stream is open already.
    #[error("the stream is open already")]
    StreamExists,
    /// [`StreamsConfig::max_streams`](super::StreamsConfig::max_streams) are open.
    #[error("too many streams")]
    TooManyStreams,
    /// There is no such device.
    #[error("there is no such device")]
    UnknownDevice,
    /// The device is attached to another stream (TM-018).
    #[error("the device is attached to another stream")]
    DeviceBusy,
    /// The stream has a device already.
    #[error("the stream has a device already")]
    StreamHasDevice,
    /// The stream has no device to move.
    #[error("the stream has no device")]
    NoDevice,
    /// The stream is joined with another one already, or would be with itself.
    #[error("the stream is joined already")]
    StreamJoined,
    /// The stream is not joined in this way.
    #[error("the stream is not joined")]
    NotJoined,
    /// A mix has two to [`MAX_MIXED_STREAMS`] streams.
    #[error("a mix has 2 to {MAX_MIXED_STREAMS} streams")]
    MixSize,
    /// Nothing of ours is sent now, so keys would not be heard.
    #[error("nothing is sent at the moment")]
    NotSending,
    /// The keys cannot be sent.
    #[error(transparent)]
    Digits(DigitError),
    /// A key cannot be used: the stream is stopped, and nothing of it is ever in clear (TM-105).
    #[error("the stream cannot be protected and was stopped")]
    Protection,
    /// The device is recording already.
    #[error("the device is recording already")]
    Recording,
    /// The device is not recording.
    #[error("the device is not recording")]
    NotRecording,
}
