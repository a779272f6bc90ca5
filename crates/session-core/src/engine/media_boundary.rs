//! The media operations as values: what the application asks, the state of a call's media, what was measured of it.

use std::{fmt, time::Duration};

use media_core::{QualityKind, QualityReport, StreamFailure};
use transfer::TransferId;

use crate::event::SessionId;

/// What the application can ask of the media of a transfer's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaCommand {
    /// Both calls take part in the transfer: they are watched, and audio can be switched between them. Asking again changes
    /// nothing.
    Coordinate {
        /// Where the audio is.
        source: SessionId,
        /// Where it is to go.
        target: SessionId,
        /// The transfer.
        transfer: TransferId,
    },
    /// The call takes part and is watched: quality events carry the transfer, a summary comes at its end.
    Monitor {
        /// The call.
        session: SessionId,
        /// The transfer.
        transfer: TransferId,
    },
    /// Stops digits under way, notes where the stream stands, and holds where that is the policy; replied with [`Reply::Hold`](super::Reply::Hold).
    Prepare {
        /// The call.
        session: SessionId,
        /// The transfer.
        transfer: TransferId,
    },
    /// Holds or resumes; replied with [`Reply::Hold`](super::Reply::Hold) when the answer is in force.
    Hold {
        /// The call.
        session: SessionId,
        /// The transfer.
        transfer: TransferId,
        /// Hold, or its end.
        held: bool,
    },
    /// Switches the audio between two calls that were coordinated; replied when the streams have done it.
    Execute {
        /// Where the audio is.
        source: SessionId,
        /// Where it is to go.
        target: SessionId,
        /// The transfer.
        transfer: TransferId,
    },
    /// Moves the application's audio between two calls that are up; replied when the streams have done it.
    Move {
        /// Where the audio is.
        source: SessionId,
        /// Where it is to go.
        target: SessionId,
        /// The transfer.
        transfer: TransferId,
    },
    /// Compares each call with what is negotiated and corrects what differs; replied with
    /// [`Reply::MediaStates`](super::Reply::MediaStates).
    Update {
        /// The transfer.
        transfer: TransferId,
    },
    /// Watches the transfer's calls no more, with a summary for each; no error when it was done before.
    Cleanup {
        /// The transfer.
        transfer: TransferId,
    },
}

/// Who holds a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldBy {
    /// We do.
    Local,
    /// The other side does.
    Remote,
    /// Both do.
    Both,
}

/// The state of a call's media. It follows from what is negotiated and from nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SessionMediaState {
    /// There is no description yet.
    #[default]
    None,
    /// An offer is out or in, and nothing is in force.
    Negotiating,
    /// An answer is in force; no packet has come yet, or none comes any more.
    Configured,
    /// An answer is in force, nobody holds, and packets come.
    Active,
    /// An answer is in force that holds the call.
    Paused(HoldBy),
    /// There is no media, or none that works.
    Failed(MediaFailure),
}

/// Why a call has no media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaFailure {
    /// Their answer cannot be used.
    Description,
    /// They rejected the stream with port 0 (RFC 3264 §6).
    Rejected,
    /// The RTP streams refuse.
    Streams(StreamFailure),
}

impl fmt::Display for MediaFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Description => f.write_str("their answer is not usable"),
            Self::Rejected => f.write_str("they rejected the audio stream"),
            Self::Streams(failure) => failure.fmt(f),
        }
    }
}

impl HoldBy {
    /// Its name: `local`, `remote`, `both`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Both => "both",
        }
    }
}

impl SessionMediaState {
    /// Its name in logs and in `--json` output, without who holds and why it failed.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Negotiating => "negotiating",
            Self::Configured => "configured",
            Self::Active => "active",
            Self::Paused(_) => "paused",
            Self::Failed(_) => "failed",
        }
    }
}

impl fmt::Display for SessionMediaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused(HoldBy::Local) => f.write_str("paused (held by us)"),
            Self::Paused(HoldBy::Remote) => f.write_str("paused (held by them)"),
            Self::Paused(HoldBy::Both) => f.write_str("paused (held by both)"),
            Self::Failed(failure) => write!(f, "failed: {failure}"),
            Self::None | Self::Negotiating | Self::Configured | Self::Active => f.write_str(self.name()),
        }
    }
}

/// What was measured of one call while it took part in a transfer: reception here only, by RTCP intervals. Intervals without
/// a packet, as on hold, count for nothing (TM-061, TM-084).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MonitorSummary {
    /// Intervals in which packets came.
    pub intervals: u32,
    /// Packets received in them.
    pub packets: u64,
    /// The loss over them in percent, weighed by packets; `None` when nothing came.
    pub loss_percent: Option<f64>,
    /// The largest jitter at an interval's end, in milliseconds.
    pub max_jitter_ms: Option<f64>,
    /// The last round trip.
    pub rtt: Option<Duration>,
    /// The lowest score of an interval.
    pub worst_mos: Option<f64>,
    /// The mean score of the intervals.
    pub mean_mos: Option<f64>,
}

impl MonitorSummary {
    /// Takes one interval in.
    pub(super) fn add(&mut self, report: &QualityReport) {
        if report.kind != QualityKind::Local || report.packets == 0 {
            return;
        }
        let (before, now) = (self.packets as f64, report.packets as f64);
        let weighed = self.loss_percent.unwrap_or(0.0) * before + report.loss_percent * now;
        self.loss_percent = Some(weighed / (before + now));
        self.packets += report.packets;
        self.max_jitter_ms = Some(self.max_jitter_ms.unwrap_or(0.0).max(report.jitter_ms));
        self.rtt = report.rtt.or(self.rtt);
        if let Some(mos) = report.mos {
            let scored = f64::from(self.intervals);
            self.worst_mos = Some(self.worst_mos.map_or(mos, |worst| worst.min(mos)));
            self.mean_mos = Some((self.mean_mos.unwrap_or(0.0) * scored + mos) / (scored + 1.0));
        }
        self.intervals += 1;
    }
}

#[cfg(test)]
mod tests {
    use media_core::{StreamId, Tick};

    use super::*;

    fn report(packets: u64, loss_percent: f64, mos: Option<f64>) -> QualityReport {
        QualityReport {
            stream: StreamId(1),
            kind: QualityKind::Local,
            at: Tick(0),
            interval: Duration::from_secs(5),
            packets,
            loss_percent,
            total_lost: 0,
            jitter_ms: 3.0,
            rtt: None,
            r_factor: None,
            mos,
        }
    }

    #[test]
    fn intervals_without_packets_count_for_nothing() {
        let mut summary = MonitorSummary::default();
        summary.add(&report(0, 0.0, None));
        assert_eq!(summary, MonitorSummary::default());
        summary.add(&report(100, 4.0, Some(4.0)));
        summary.add(&report(0, 0.0, None));
        summary.add(&report(300, 0.0, Some(4.4)));
        assert_eq!((summary.intervals, summary.packets), (2, 400));
        assert_eq!(summary.loss_percent, Some(1.0));
        assert_eq!(summary.worst_mos, Some(4.0));
        assert!(summary.mean_mos.is_some_and(|mean| (mean - 4.2).abs() < 1e-9));
    }

    #[test]
    fn what_the_other_side_measured_is_not_ours() {
        let mut summary = MonitorSummary::default();
        summary.add(&QualityReport { kind: QualityKind::Remote, ..report(50, 1.0, Some(4.0)) });
        assert_eq!(summary, MonitorSummary::default());
    }
}
