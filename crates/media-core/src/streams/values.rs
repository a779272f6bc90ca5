//! The plain values that go in and out of [`super::Streams`].

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::codec::Codec;
use crate::direction::Direction;
use crate::emodel::EModelProfile;
use crate::negotiation::Agreed;
use crate::source::Source;
use crate::tick::Tick;

/// Names a stream; chosen by the caller, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// Names a device; chosen by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u64);

/// Names a command for its answer; chosen by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Op(pub u64);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream-{}", self.0)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "device-{}", self.0)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op-{}", self.0)
    }
}

/// Tells which of a stream's two sockets a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketKind {
    /// The media itself.
    Rtp,
    /// Its reports.
    Rtcp,
}

/// Names what a party on our hold gets to hear where the direction lets us send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HoldAudio {
    /// No packets.
    #[default]
    Nothing,
    /// A sine of this frequency.
    Tone {
        /// The frequency in hertz.
        hz: u16,
    },
    /// Linear samples, 8 kHz mono, in a loop.
    Wav(Arc<[i16]>),
}

/// Holds the settings of a set of streams.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamsConfig {
    /// The minimum RTCP interval; RFC 3550 §6.2 asks for 5 s, tests and demonstrations may take less.
    pub rtcp_interval: Duration,
    /// The canonical name in our reports; at most 255 bytes are sent.
    pub cname: String,
    /// A stream without RTP for this long is silent.
    pub silent_after: Duration,
    /// Blocks of audio below this root mean square (of 16-bit samples) are silence to an ear.
    pub silence_level: f64,
    /// What a party on our hold hears.
    pub hold_audio: HoldAudio,
    /// The numbers of the E-model.
    pub emodel: EModelProfile,
    /// What the playout adds to the one-way delay; nothing while packets are played at arrival.
    pub playout_delay: Duration,
    /// The most streams at a time.
    pub max_streams: usize,
    /// The most devices at a time.
    pub max_devices: usize,
}

impl Default for StreamsConfig {
    /// 5 s RTCP interval, silence after 2 s or below -54 dBFS, no hold audio, 4,096 streams and devices.
    fn default() -> Self {
        Self {
            rtcp_interval: Duration::from_secs(5),
            cname: "patchcord".to_owned(),
            silent_after: Duration::from_secs(2),
            silence_level: 64.0,
            hold_audio: HoldAudio::Nothing,
            emodel: EModelProfile::G711,
            playout_delay: Duration::ZERO,
            max_streams: 4_096,
            max_devices: 4_096,
        }
    }
}

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
    /// Closes a stream: RTCP BYE where due (TM-009), a last summary; its device is free again.
    Close {
        /// The name of this command.
        op: Op,
        /// The stream.
        stream: StreamId,
    },
}

/// Tells why a command was refused; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamFailure {
    /// There is no such stream.
    #[error("there is no such stream")]
    UnknownStream,
    /// The stream is open already.
    #[error("the stream is open already")]
    StreamExists,
    /// [`StreamsConfig::max_streams`] are open.
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
}

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

/// Names what happens to streams.
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
    /// The peer pressed a key.
    Digit {
        /// The stream.
        stream: StreamId,
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        digit: char,
        /// How long it was pressed.
        duration_ms: u32,
    },
    /// A report, at most one of each kind per RTCP interval (TM-083).
    Quality(QualityReport),
    /// The stream was closed; its last numbers (TM-084).
    Summary(StreamSummary),
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

/// Tells who measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QualityKind {
    /// We, on what we receive.
    Local,
    /// The peer, on what it receives from us.
    Remote,
}

/// Holds the quality of one direction of a stream over one RTCP interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QualityReport {
    /// The stream.
    pub stream: StreamId,
    /// Who measured.
    pub kind: QualityKind,
    /// When the interval ended.
    pub at: Tick,
    /// How long the interval was.
    pub interval: Duration,
    /// The packets received (local) or sent (remote) in the interval.
    pub packets: u64,
    /// The share lost in the interval, 0 to 100.
    pub loss_percent: f64,
    /// The packets lost since the stream began.
    pub total_lost: i64,
    /// The interarrival jitter.
    pub jitter_ms: f64,
    /// The round trip, once a report from the peer revealed it.
    pub rtt: Option<Duration>,
    /// The R factor; `None` when there was no RTP in the interval (TM-091).
    pub r_factor: Option<f64>,
    /// The mean opinion score; `None` when there was no RTP in the interval (TM-091).
    pub mos: Option<f64>,
}

/// Holds the last numbers of a closed stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamSummary {
    /// The stream.
    pub stream: StreamId,
    /// Our source.
    pub ssrc: u32,
    /// RTP packets sent.
    pub sent: u64,
    /// RTP packets received from the negotiated address.
    pub received: u64,
    /// Packets expected by sequence numbers that did not come; negative with duplicates.
    pub lost: i64,
    /// The last jitter.
    pub jitter_ms: f64,
    /// The largest jitter.
    pub max_jitter_ms: f64,
    /// The last round trip.
    pub rtt: Option<Duration>,
    /// The score of the whole stream by its loss; `None` when nothing was received.
    pub mos: Option<f64>,
    /// When the first RTP packet came.
    pub first_packet_at: Option<Tick>,
    /// When the last RTP packet came.
    pub last_packet_at: Option<Tick>,
    /// Packets from addresses that were not negotiated (SEC-40).
    pub strangers: u64,
}

/// Holds what a stream is and counts at the moment.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSnapshot {
    /// The stream.
    pub stream: StreamId,
    /// Our source.
    pub ssrc: u32,
    /// The device attached.
    pub device: Option<DeviceId>,
    /// Our direction in force; `None` before the first [`StreamCommand::Apply`].
    pub direction: Option<Direction>,
    /// The codec in force.
    pub codec: Option<Codec>,
    /// Where RTP goes to.
    pub remote: Option<SocketAddr>,
    /// True while frames are due.
    pub sending: bool,
    /// True when RTP arrives.
    pub flowing: bool,
    /// RTP packets sent.
    pub sent: u64,
    /// RTP payload bytes sent.
    pub octets_sent: u64,
    /// RTP packets received from the negotiated address.
    pub received: u64,
    /// RTP payload bytes received.
    pub octets_received: u64,
    /// Packets lost so far.
    pub lost: i64,
    /// Packets that came after a newer one and were not played.
    pub late: u64,
    /// RTCP compounds sent.
    pub reports_sent: u64,
    /// RTCP compounds received from the negotiated address.
    pub reports_received: u64,
    /// Packets from addresses that were not negotiated (SEC-40).
    pub strangers: u64,
    /// Packets that could not be parsed or carry a payload that was not negotiated.
    pub malformed: u64,
    /// Our own packets that came back (RFC 3550 §8.2).
    pub looped: u64,
    /// The jitter at the moment; `None` when nothing was received.
    pub jitter_ms: Option<f64>,
    /// The last round trip.
    pub rtt: Option<Duration>,
    /// The last local report.
    pub local: Option<QualityReport>,
    /// The last remote report.
    pub remote_quality: Option<QualityReport>,
    /// When the first RTP packet came.
    pub first_packet_at: Option<Tick>,
    /// When the last RTP packet came.
    pub last_packet_at: Option<Tick>,
}
