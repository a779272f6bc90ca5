//! The quality of both directions of a stream: by interval, over thresholds, and in sum without the holds.

use std::time::Duration;

use super::figures::{QualityKind, QualityReport};
use super::names::StreamId;
use super::output::StreamEvent;
use super::receiver::Receiver;
use super::sender::Sender;
use super::step::Step;
use crate::codec::Codec;
use crate::direction::Direction;
use crate::emodel;
use crate::negotiation::Agreed;
use crate::quality::{LegMeter, LegSummary, Measured, QualityChange, QualityWatch};
use crate::reception::IntervalLoss;
use crate::rtcp::ReportBlock;

/// Measures one stream.
#[derive(Debug)]
pub(super) struct Meter {
    stream: StreamId,
    local: Side,
    remote: Side,
    /// What was expected, lost and late when the local leg was last added up.
    counted: [i64; 3],
    /// The packets sent when the peer's last block was told, and what the block said.
    told_packets: u64,
    told_block: Option<ReportBlock>,
    talking: bool,
    changes: Vec<QualityChange>,
}

/// One direction.
#[derive(Debug)]
struct Side {
    watch: QualityWatch,
    leg: LegMeter,
    last: Option<QualityReport>,
}

impl Meter {
    pub(super) fn new(step: &Step<'_, '_>, stream: StreamId) -> Self {
        let side = || {
            let mut leg = LegMeter::start(step.now());
            // Until something is agreed nobody talks.
            leg.hold(step.now());
            Side { watch: QualityWatch::new(step.config.thresholds), leg, last: None }
        };
        Self {
            stream,
            local: side(),
            remote: side(),
            counted: [0; 3],
            told_packets: 0,
            told_block: None,
            talking: false,
            changes: Vec::new(),
        }
    }

    pub(super) fn local(&self) -> Option<QualityReport> {
        self.local.last
    }

    pub(super) fn remote(&self) -> Option<QualityReport> {
        self.remote.last
    }

    /// The sums of what we measured and of what the peer reported.
    pub(super) fn summaries(&self, step: &Step<'_, '_>) -> (LegSummary, LegSummary) {
        (self.local.leg.summary(step.now()), self.remote.leg.summary(step.now()))
    }

    /// Another agreement is in force: a hold is no part of the sums (TM-061, TM-084).
    pub(super) fn apply(
        &mut self,
        step: &Step<'_, '_>,
        before: Option<&Agreed>,
        agreed: &Agreed,
        receiver: &Receiver,
        rtt: Option<Duration>,
    ) {
        let talking = agreed.remote_valid && agreed.direction == Direction::SendRecv && !agreed.held;
        if talking == self.talking {
            return;
        }
        self.talking = talking;
        if talking {
            self.count(receiver);
            self.local.leg.resume(step.now());
            self.remote.leg.resume(step.now());
        } else {
            let measured = self.measure(step, before, receiver, rtt);
            self.local.leg.interval(&measured);
            self.local.leg.hold(step.now());
            self.remote.leg.hold(step.now());
        }
    }

    /// The stream ends: what was counted since the last report belongs to its sum.
    pub(super) fn end(
        &mut self,
        step: &Step<'_, '_>,
        agreed: Option<&Agreed>,
        receiver: &Receiver,
        rtt: Option<Duration>,
    ) {
        let measured = self.measure(step, agreed, receiver, rtt);
        self.local.leg.interval(&measured);
    }

    /// Returns what was expected, lost and late since the last time.
    fn count(&mut self, receiver: &Receiver) -> [u64; 3] {
        let late = i64::try_from(receiver.late).unwrap_or(i64::MAX);
        let now = [receiver.sources.total_expected(), receiver.sources.total_lost(), late];
        let before = std::mem::replace(&mut self.counted, now);
        std::array::from_fn(|index| u64::try_from(now[index] - before[index]).unwrap_or(0))
    }

    fn measure(
        &mut self,
        step: &Step<'_, '_>,
        agreed: Option<&Agreed>,
        receiver: &Receiver,
        rtt: Option<Duration>,
    ) -> Measured {
        let [expected, lost, discarded] = self.count(receiver);
        let jitter = receiver.sources.jitter_ms().map(|jitter| Duration::from_secs_f64(jitter / 1_000.0));
        let measured = Measured { expected, lost, discarded, jitter, round_trip: rtt, ..Measured::default() };
        let mos = measured.loss_percent().map(|loss| {
            let r = r_factor(step, agreed, receiver.playout_delay(), loss, rtt);
            profile(step, agreed).mos(r)
        });
        Measured { mos, ..measured }
    }

    /// Tells what we received in an interval.
    pub(super) fn tell_local(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: Option<&Agreed>,
        receiver: &Receiver,
        interval: Duration,
        loss: Option<IntervalLoss>,
        rtt: Option<Duration>,
    ) {
        let packets = loss.map_or(0, |loss| loss.received);
        let loss_percent = loss.map_or(0.0, |loss| loss.percent());
        let measured = self.measure(step, agreed, receiver, rtt);
        // What came too late is as bad as what did not come.
        let missing = measured.loss_percent().unwrap_or(loss_percent);
        let r = (packets > 0).then(|| r_factor(step, agreed, receiver.playout_delay(), missing, rtt));
        let report = QualityReport {
            stream: self.stream,
            kind: QualityKind::Local,
            at: step.now(),
            interval,
            packets,
            loss_percent,
            total_lost: receiver.sources.total_lost(),
            jitter_ms: receiver.sources.jitter_ms().unwrap_or(0.0),
            rtt,
            r_factor: r,
            mos: r.map(|r| profile(step, agreed).mos(r)),
        };
        let measured = if packets > 0 { measured } else { Measured::default() };
        self.tell(step, report, &measured);
    }

    /// Tells what the peer reported since the last time.
    pub(super) fn tell_remote(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: Option<&Agreed>,
        sender: &Sender,
        interval: Duration,
        block: &ReportBlock,
        rtt: Option<Duration>,
    ) {
        let packets = sender.packets.saturating_sub(self.told_packets);
        self.told_packets = sender.packets;
        let loss_percent = f64::from(block.fraction_lost) * 100.0 / 256.0;
        let before = self.told_block.replace(*block).filter(|before| before.ssrc == block.ssrc);
        // A peer that reports the same number as before has received nothing of ours (TM-091).
        let received = before.is_none_or(|before| before.highest_sequence != block.highest_sequence);
        // What the peer's buffer holds is not known.
        let r = received.then(|| r_factor(step, agreed, Duration::ZERO, loss_percent, rtt));
        let clock = agreed.map_or(Codec::CLOCK_RATE, |agreed| agreed.codec.clock_rate());
        let report = QualityReport {
            stream: self.stream,
            kind: QualityKind::Remote,
            at: step.now(),
            interval,
            packets,
            loss_percent,
            total_lost: i64::from(block.cumulative_lost),
            jitter_ms: f64::from(block.jitter) * 1_000.0 / f64::from(clock),
            rtt,
            r_factor: r,
            mos: r.map(|r| profile(step, agreed).mos(r)),
        };
        let expected =
            before.map_or(0, |before| block.highest_sequence.wrapping_sub(before.highest_sequence));
        let lost = before.map_or(0, |before| block.cumulative_lost.saturating_sub(before.cumulative_lost));
        let measured = Measured {
            // A number behind the one before is no interval.
            expected: u64::from(expected.cast_signed().max(0).cast_unsigned()),
            lost: u64::try_from(lost).unwrap_or(0),
            discarded: 0,
            jitter: Some(Duration::from_secs_f64(report.jitter_ms / 1_000.0)),
            round_trip: rtt,
            mos: report.mos,
        };
        let measured = if received { measured } else { Measured::default() };
        self.tell(step, report, &measured);
    }

    fn tell(&mut self, step: &mut Step<'_, '_>, report: QualityReport, measured: &Measured) {
        let side = match report.kind {
            QualityKind::Local => &mut self.local,
            QualityKind::Remote => &mut self.remote,
        };
        side.last = Some(report);
        side.leg.interval(measured);
        side.watch.interval(measured, &mut self.changes);
        step.tell(StreamEvent::Quality(report));
        for change in self.changes.drain(..) {
            let QualityReport { stream, kind, at, .. } = report;
            step.tell(StreamEvent::QualityChanged { stream, kind, at, change });
        }
    }
}

fn profile(step: &Step<'_, '_>, agreed: Option<&Agreed>) -> emodel::EModelProfile {
    step.config.profile(agreed.map_or(Codec::Pcmu, |agreed| agreed.codec))
}

/// The R factor of a loss in percent, with the delay from mouth to ear (TM-085).
pub(super) fn r_factor(
    step: &Step<'_, '_>,
    agreed: Option<&Agreed>,
    jitter_buffer: Duration,
    loss_percent: f64,
    rtt: Option<Duration>,
) -> f64 {
    let profile = profile(step, agreed);
    let packet = agreed.map_or(Duration::ZERO, |agreed| Duration::from_millis(u64::from(agreed.ptime_ms)));
    emodel::r_factor(&profile, loss_percent, profile.delay_ms(rtt, packet, jitter_buffer))
}
