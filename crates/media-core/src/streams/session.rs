//! One RTP session: its identity, what is in force, its gate, its deadlines.

use std::net::SocketAddr;
use std::time::Duration;

use super::values::{
    DeviceId, HoldAudio, QualityReport, StreamEvent, StreamId, StreamOutput, StreamSnapshot, StreamSummary,
    StreamsConfig,
};
use crate::direction::Direction;
use crate::dtmf::DigitReceiver;
use crate::negotiation::Agreed;
use crate::reception::Reception;
use crate::rtcp::{INITIAL_SIZE, ReportBlock, Schedule};
use crate::source::{Player, Source};
use crate::tick::{Cx, Tick};

/// How long the old address is still heard after a change, for a peer that switches late (TM-014).
const LATE_SWITCH: Duration = Duration::from_secs(3);
/// How long a move waits for audio before it is reported without a gap.
const MOVE_WAIT: Duration = Duration::from_secs(2);

/// Where the samples of the next frame come from; `Closed` sends nothing (TM-001).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Closed,
    Device,
    Hold,
}

/// A device that came from another stream and has not heard this one yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moving {
    pub(super) from: StreamId,
    pub(super) at: Tick,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: StreamId,
    pub(super) device: Option<DeviceId>,
    pub(super) moving: Option<Moving>,
    /// The deadline that stands in the index of [`super::Streams`].
    pub(super) armed: Option<Tick>,
    pub(super) agreed: Option<Agreed>,
    pub(super) previous: Option<(SocketAddr, Tick)>,

    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) timestamp_base: u32,
    pub(super) opened: Tick,
    pub(super) gate: Gate,
    pub(super) hold: Option<Player>,
    pub(super) next_frame: Option<Tick>,
    pub(super) last_frame_end: Tick,
    pub(super) marker: bool,
    pub(super) sent: u64,
    pub(super) octets_sent: u64,
    pub(super) last_sent: Option<Tick>,

    pub(super) reception: Option<Reception>,
    /// The loss of intervals that were taken already and of sources that are gone.
    pub(super) lost: i64,
    pub(super) received: u64,
    pub(super) octets_received: u64,
    pub(super) late: u64,
    pub(super) max_jitter_ms: f64,
    pub(super) first_packet: Option<Tick>,
    pub(super) last_packet: Option<Tick>,
    pub(super) strangers: u64,
    pub(super) malformed: u64,
    pub(super) looped: u64,
    pub(super) collided: bool,
    pub(super) digits: DigitReceiver,
    pub(super) flowing: bool,
    /// Since when RTP is expected; `None` while it is not, or when its absence was reported.
    pub(super) expecting: Option<Tick>,

    pub(super) schedule: Option<Schedule>,
    /// When the last two reports were sent, the newest first.
    pub(super) report_times: [Option<Tick>; 2],
    pub(super) reports_sent: u64,
    pub(super) reports_received: u64,
    pub(super) last_sr: Option<(u32, Tick)>,
    /// The last packet of the source, until it says BYE; RTP after that makes it a source again.
    pub(super) source_active: Option<Tick>,
    pub(super) block: Option<ReportBlock>,
    pub(super) last_block_highest: Option<u32>,
    pub(super) rtt: Option<Duration>,
    pub(super) local: Option<QualityReport>,
    pub(super) remote: Option<QualityReport>,
    pub(super) reported_sent: u64,
}

impl Session {
    pub(super) fn open(config: &StreamsConfig, cx: &mut Cx<'_>, id: StreamId) -> Self {
        let hold = match &config.hold_audio {
            HoldAudio::Nothing => None,
            HoldAudio::Tone { hz } => Some(Player::new(Source::Tone { hz: *hz })),
            HoldAudio::Wav(samples) => Some(Player::new(Source::Wav(samples.clone()))),
        };
        Self {
            id,
            device: None,
            moving: None,
            armed: None,
            agreed: None,
            previous: None,
            ssrc: (cx.random)() as u32,
            sequence: (cx.random)() as u16,
            timestamp_base: (cx.random)() as u32,
            opened: cx.now,
            gate: Gate::Closed,
            hold,
            next_frame: None,
            last_frame_end: cx.now,
            marker: true,
            sent: 0,
            octets_sent: 0,
            last_sent: None,
            reception: None,
            lost: 0,
            received: 0,
            octets_received: 0,
            late: 0,
            max_jitter_ms: 0.0,
            first_packet: None,
            last_packet: None,
            strangers: 0,
            malformed: 0,
            looped: 0,
            collided: false,
            digits: DigitReceiver::default(),
            flowing: false,
            expecting: None,
            schedule: None,
            report_times: [None; 2],
            reports_sent: 0,
            reports_received: 0,
            last_sr: None,
            source_active: None,
            block: None,
            last_block_highest: None,
            rtt: None,
            local: None,
            remote: None,
            reported_sent: 0,
        }
    }

    /// Puts an agreement in force. SSRC, sequence numbers and the timestamp's clock go on (TM-004..TM-006).
    pub(super) fn apply(&mut self, config: &StreamsConfig, cx: &mut Cx<'_>, agreed: Agreed) {
        if let Some(before) = &self.agreed
            && before.remote_valid
            && before.remote_rtp != agreed.remote_rtp
            && agreed.remote_valid
        {
            self.previous = Some((before.remote_rtp, cx.now + LATE_SWITCH));
        }
        if !agreed.remote_valid {
            self.previous = None;
        }
        let expected = self.agreed.as_ref().is_some_and(Self::expects_rtp);
        if Self::expects_rtp(&agreed) {
            if !expected {
                self.expecting = Some(cx.now);
            }
        } else {
            // The watchdog rests while nothing needs to arrive (TM-003).
            self.expecting = None;
            self.flowing = false;
        }
        let reports = agreed.remote_valid && agreed.remote_rtcp.port() != 0;
        if !reports {
            self.schedule = None;
        } else if self.schedule.is_none() {
            let random = (cx.random)();
            self.schedule = Some(Schedule::start(cx.now, config.rtcp_interval, INITIAL_SIZE, random));
        }
        self.agreed = Some(agreed);
        self.open_gate(cx.now);
    }

    /// Only a call that talks both ways expects packets: a side on hold may get music or nothing (RFC 6337 §5.3).
    pub(super) fn expects_rtp(agreed: &Agreed) -> bool {
        agreed.remote_valid && agreed.direction == Direction::SendRecv && !agreed.held
    }

    /// Decides anew whether frames are sent, and from where: the one place that does (TM-001, TM-018).
    pub(super) fn open_gate(&mut self, now: Tick) {
        let gate = match &self.agreed {
            Some(agreed) if agreed.remote_valid && agreed.direction.sends() => {
                match (agreed.held, &self.hold, self.device) {
                    (true, Some(_), _) => Gate::Hold,
                    (true, None, _) => Gate::Closed,
                    (false, _, Some(_)) => Gate::Device,
                    (false, _, None) => Gate::Closed,
                }
            }
            Some(_) | None => Gate::Closed,
        };
        if gate == Gate::Closed {
            self.next_frame = None;
        } else if self.next_frame.is_none() {
            self.next_frame = Some(now.max(self.last_frame_end));
        }
        if gate != self.gate {
            // A pause or another source: a talkspurt starts (TM-007).
            self.marker = true;
            self.gate = gate;
        }
    }

    pub(super) fn next_deadline(&self, config: &StreamsConfig) -> Option<Tick> {
        let silent = self.expecting.map(|since| self.quiet_since(since) + config.silent_after);
        let report = self.schedule.as_ref().map(Schedule::next);
        let moved = self.moving.map(|moving| moving.at + MOVE_WAIT);
        [self.next_frame, silent, report, moved, self.digits.deadline()].into_iter().flatten().min()
    }

    /// Does what is due besides frames.
    pub(super) fn expire(&mut self, config: &StreamsConfig, cx: &mut Cx<'_>, out: &mut Vec<StreamOutput>) {
        let now = cx.now;
        let mut digits = Vec::new();
        self.digits.expire(now, &mut digits);
        self.push_digits(&digits, out);
        if self.moving.is_some_and(|moving| moving.at + MOVE_WAIT <= now) {
            self.end_move(out);
        }
        if let Some(since) = self.expecting
            && self.quiet_since(since) + config.silent_after <= now
        {
            self.expecting = None;
            self.flowing = false;
            out.push(StreamOutput::Event(StreamEvent::Silent { stream: self.id, at: now }));
        }
        if self.schedule.as_ref().is_some_and(|schedule| schedule.next() <= now) {
            let random = (cx.random)();
            if self.schedule.as_mut().is_some_and(|schedule| schedule.expire(now, random)) {
                self.send_report(config, cx, out);
            }
        }
    }

    fn quiet_since(&self, expecting: Tick) -> Tick {
        self.last_packet.map_or(expecting, |last| last.max(expecting))
    }

    /// Reports a move that ended without audio.
    pub(super) fn end_move(&mut self, out: &mut Vec<StreamOutput>) {
        if let Some(moving) = self.moving.take() {
            let event = StreamEvent::Moved { from: moving.from, to: self.id, gap: None };
            out.push(StreamOutput::Event(event));
        }
    }

    pub(super) fn close(&mut self, config: &StreamsConfig, cx: &mut Cx<'_>, out: &mut Vec<StreamOutput>) {
        let mut digits = Vec::new();
        self.digits.expire(Tick(u64::MAX), &mut digits);
        self.push_digits(&digits, out);
        self.end_move(out);
        self.send_bye(config, cx, out);
        out.push(StreamOutput::Event(StreamEvent::Summary(self.summary(config))));
    }

    fn summary(&self, config: &StreamsConfig) -> StreamSummary {
        let lost = self.total_lost();
        let expected = i64::try_from(self.received).unwrap_or(i64::MAX).saturating_add(lost);
        let loss = if expected > 0 { lost.max(0) as f64 * 100.0 / expected as f64 } else { 0.0 };
        StreamSummary {
            stream: self.id,
            ssrc: self.ssrc,
            sent: self.sent,
            received: self.received,
            lost,
            jitter_ms: self.jitter_ms().unwrap_or(0.0),
            max_jitter_ms: self.max_jitter(),
            rtt: self.rtt,
            mos: (self.received > 0).then(|| crate::emodel::mos(self.r_factor(config, loss))),
            first_packet_at: self.first_packet,
            last_packet_at: self.last_packet,
            strangers: self.strangers,
        }
    }

    pub(super) fn snapshot(&self) -> StreamSnapshot {
        let agreed = self.agreed.as_ref();
        StreamSnapshot {
            stream: self.id,
            ssrc: self.ssrc,
            device: self.device,
            direction: agreed.map(|agreed| agreed.direction),
            codec: agreed.map(|agreed| agreed.codec),
            remote: agreed.map(|agreed| agreed.remote_rtp),
            sending: self.next_frame.is_some(),
            flowing: self.flowing,
            sent: self.sent,
            octets_sent: self.octets_sent,
            received: self.received,
            octets_received: self.octets_received,
            lost: self.total_lost(),
            late: self.late,
            reports_sent: self.reports_sent,
            reports_received: self.reports_received,
            strangers: self.strangers,
            malformed: self.malformed,
            looped: self.looped,
            jitter_ms: self.jitter_ms(),
            rtt: self.rtt,
            local: self.local,
            remote_quality: self.remote,
            first_packet_at: self.first_packet,
            last_packet_at: self.last_packet,
        }
    }

    pub(super) fn total_lost(&self) -> i64 {
        self.lost + self.reception.as_ref().map_or(0, Reception::lost)
    }

    fn jitter_ms(&self) -> Option<f64> {
        self.reception.as_ref().map(Reception::jitter_ms)
    }

    fn max_jitter(&self) -> f64 {
        self.reception.as_ref().map_or(0.0, Reception::max_jitter_ms).max(self.max_jitter_ms)
    }
}
