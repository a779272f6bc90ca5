//! The numbers of a stream: of an interval, of the moment, at the end.

use std::net::SocketAddr;
use std::time::Duration;

use super::names::{DeviceId, RecordingId, StreamId};
use crate::codec::Codec;
use crate::direction::Direction;
use crate::playout::PlayoutReport;
use crate::quality::LegSummary;
use crate::tick::Tick;

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
    /// Packets that came too late to be heard.
    pub late: u64,
    /// The last jitter.
    pub jitter_ms: f64,
    /// The largest jitter.
    pub max_jitter_ms: f64,
    /// The last round trip.
    pub rtt: Option<Duration>,
    /// The score of the whole stream by its loss; `None` when nothing was received.
    pub mos: Option<f64>,
    /// What we measured over the time that was talked, holds left out.
    pub local: LegSummary,
    /// What the peer reported of it.
    pub remote: LegSummary,
    /// When the first RTP packet came.
    pub first_packet_at: Option<Tick>,
    /// When the last RTP packet came.
    pub last_packet_at: Option<Tick>,
    /// Packets from addresses that were not negotiated (SEC-40).
    pub strangers: u64,
}

/// Holds where our source stood when a stream was prepared to give its device away
/// ([`StreamCommand::Prepare`](super::StreamCommand::Prepare)): what is sent later goes on from there, whoever speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContinuityMarks {
    /// The moment.
    pub at: Tick,
    /// Our source, which stays (TM-004).
    pub ssrc: u32,
    /// The sequence number of the next packet (TM-005).
    pub sequence: u16,
    /// The timestamp of the moment, in units of the codec's clock; it runs on (TM-006).
    pub timestamp: u32,
}

/// Holds what a stream is and counts at the moment.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSnapshot {
    /// The stream.
    pub stream: StreamId,
    /// Our source.
    pub ssrc: u32,
    /// The peer's source, the last one that was heard.
    pub remote_ssrc: Option<u32>,
    /// The device attached.
    pub device: Option<DeviceId>,
    /// The stream it is paired with.
    pub paired: Option<StreamId>,
    /// Our direction in force; `None` before the first [`StreamCommand::Apply`](super::StreamCommand::Apply).
    pub direction: Option<Direction>,
    /// The codec in force.
    pub codec: Option<Codec>,
    /// Where RTP goes to: what was negotiated, or learned.
    pub remote: Option<SocketAddr>,
    /// True when packets are protected.
    pub secured: bool,
    /// True while frames are due, or packets of the paired stream pass.
    pub sending: bool,
    /// True when RTP arrives.
    pub flowing: bool,
    /// RTP packets sent.
    pub sent: u64,
    /// RTP payload bytes sent.
    pub octets_sent: u64,
    /// Packets that could not be protected, or were too many for an address from which nothing came.
    pub withheld: u64,
    /// RTP packets received from the negotiated address.
    pub received: u64,
    /// RTP payload bytes received.
    pub octets_received: u64,
    /// Packets lost so far.
    pub lost: i64,
    /// Packets that came too late to be heard.
    pub late: u64,
    /// The jitter buffer and what it made up.
    pub playout: PlayoutReport,
    /// RTCP compounds sent.
    pub reports_sent: u64,
    /// RTCP compounds received from the negotiated address.
    pub reports_received: u64,
    /// Packets from addresses that were not negotiated (SEC-40).
    pub strangers: u64,
    /// Packets of a source that would have displaced a live one (SEC-43).
    pub intruders: u64,
    /// Packets that are not authentic, or came again.
    pub unauthentic: u64,
    /// Packets that could not be parsed or carry a payload that was not negotiated.
    pub malformed: u64,
    /// Our own packets that came back (RFC 3550 §8.2).
    pub looped: u64,
    /// Packets of key presses that were more than anybody can make
    /// ([`MAX_DIGITS_PER_SECOND`](crate::dtmf::MAX_DIGITS_PER_SECOND)).
    pub ignored_digits: u64,
    /// STUN messages, which nobody here answers.
    pub stun: u64,
    /// DTLS records, which nobody here answers.
    pub dtls: u64,
    /// Datagrams of no protocol that is known.
    pub foreign: u64,
    /// Where our source stood when the stream was prepared last to give its device away; `None` when it never was.
    pub marks: Option<ContinuityMarks>,
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

/// Holds what a device is and counts at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceSnapshot {
    /// The device.
    pub device: DeviceId,
    /// The stream it is attached to.
    pub stream: Option<StreamId>,
    /// True while its microphone is muted.
    pub muted: bool,
    /// The recording that runs.
    pub recording: Option<RecordingId>,
    /// The samples of an application that were not sent yet.
    pub waiting_speech: usize,
    /// How often an application's speech ran out; silence was sent.
    pub under_runs: u64,
    /// The samples of an application that were not taken.
    pub refused_speech: u64,
    /// The samples that an application has not taken yet.
    pub waiting_heard: usize,
    /// The samples that were dropped because an application did not take them.
    pub dropped_heard: u64,
}
