//! What a stream reports and is told: sender and receiver reports, BYE, and the quality they reveal.

use std::net::SocketAddr;
use std::time::Duration;

use super::figures::{QualityKind, QualityReport};
use super::names::StreamId;
use super::output::StreamEvent;
use super::receiver::Receiver;
use super::sender::Sender;
use super::step::Step;
use crate::codec::Codec;
use crate::emodel;
use crate::negotiation::Agreed;
use crate::reception::{IntervalLoss, Reception};
use crate::rtcp::{
    INITIAL_SIZE, NtpTime, ReportBlock, RtcpPacket, SDES_CNAME, Schedule, SdesChunk, SenderInfo,
    print_compound, round_trip,
};
use crate::tick::Tick;

/// Sends one stream's reports and keeps what the peer's say.
#[derive(Debug)]
pub(super) struct Reporter {
    stream: StreamId,
    opened: Tick,
    schedule: Option<Schedule>,
    /// When the last two reports were sent, the newest first.
    times: [Option<Tick>; 2],
    pub(super) sent: u64,
    pub(super) received: u64,
    last_sr: Option<(u32, Tick)>,
    block: Option<ReportBlock>,
    last_block_highest: Option<u32>,
    pub(super) rtt: Option<Duration>,
    pub(super) local: Option<QualityReport>,
    pub(super) remote: Option<QualityReport>,
    /// The packets sent when the peer's last block was told.
    told_packets: u64,
}

impl Reporter {
    pub(super) fn open(stream: StreamId, opened: Tick) -> Self {
        Self {
            stream,
            opened,
            schedule: None,
            times: [None; 2],
            sent: 0,
            received: 0,
            last_sr: None,
            block: None,
            last_block_highest: None,
            rtt: None,
            local: None,
            remote: None,
            told_packets: 0,
        }
    }

    /// Another agreement is in force: reports go on in a hold (TM-002), but not to nowhere.
    pub(super) fn apply(&mut self, step: &mut Step<'_, '_>, agreed: &Agreed) {
        if remote(Some(agreed)).is_none() {
            self.schedule = None;
        } else if self.schedule.is_none() {
            let (now, interval) = (step.now(), step.config.rtcp_interval);
            self.schedule = Some(Schedule::start(now, interval, INITIAL_SIZE, step.random()));
        }
    }

    pub(super) fn deadline(&self) -> Option<Tick> {
        self.schedule.as_ref().map(Schedule::next)
    }

    /// Sends a report when one is due, and tells the quality of the interval that ends with it.
    pub(super) fn expire(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: Option<&Agreed>,
        sender: &Sender,
        receiver: &mut Receiver,
    ) {
        let now = step.now();
        let Some(schedule) = self.schedule.as_mut().filter(|schedule| schedule.next() <= now) else { return };
        if !schedule.expire(now, step.random()) {
            return;
        }
        let interval = now.since(self.times[0].unwrap_or(self.opened));
        let loss = receiver.sources.take_interval();
        self.send(step, agreed, sender, receiver, loss, false);
        self.times = [Some(now), self.times[0]];
        self.tell_local(step, agreed, receiver, interval, loss);
        self.tell_remote(step, agreed, sender, interval);
    }

    /// Says that our source leaves, unless it never sent anything (RFC 3550 §6.3.7, TM-009).
    pub(super) fn bye(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: Option<&Agreed>,
        sender: &Sender,
        receiver: &mut Receiver,
    ) {
        if sender.packets > 0 || self.sent > 0 {
            let loss = receiver.sources.take_interval();
            self.send(step, agreed, sender, receiver, loss, true);
        }
    }

    fn send(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: Option<&Agreed>,
        sender: &Sender,
        receiver: &Receiver,
        loss: Option<IntervalLoss>,
        bye: bool,
    ) {
        let Some(to) = remote(agreed) else { return };
        let now = step.now();
        let reports: Vec<ReportBlock> = self.report_block(now, receiver, loss).into_iter().collect();
        let ssrc = sender.ssrc;
        // A sender is who sent RTP since the report before the last (RFC 3550 §6.4).
        let first = if self.is_recent(sender.last_sent) {
            let info = SenderInfo {
                ntp: NtpTime::from_unix(step.cx.unix),
                rtp_timestamp: sender.timestamp(now),
                packets: sender.packets as u32,
                octets: sender.octets as u32,
            };
            RtcpPacket::SenderReport { ssrc, info, reports }
        } else {
            RtcpPacket::ReceiverReport { ssrc, reports }
        };
        let cname = SdesChunk { ssrc, items: vec![(SDES_CNAME, step.config.cname.as_bytes().to_vec())] };
        let mut packets = vec![first, RtcpPacket::SourceDescription(vec![cname])];
        if bye {
            packets.push(RtcpPacket::Bye { sources: vec![ssrc], reason: None });
        }
        let compound = print_compound(&packets);
        if let Some(schedule) = &mut self.schedule {
            schedule.note_size(compound.len());
        }
        self.sent += 1;
        step.send_rtcp(self.stream, to, &compound);
    }

    /// Returns true for a moment within the last two report intervals.
    fn is_recent(&self, at: Option<Tick>) -> bool {
        at.is_some_and(|at| self.times[1].is_none_or(|before_last| at >= before_last))
    }

    /// Blocks stop when the source is silent for two intervals or has said BYE (RFC 3550 §6.4, TM-002).
    fn report_block(
        &self,
        now: Tick,
        receiver: &Receiver,
        loss: Option<IntervalLoss>,
    ) -> Option<ReportBlock> {
        let (reception, loss) = (receiver.sources.current()?, loss?);
        if !self.is_recent(receiver.sources.active) {
            return None;
        }
        let (last_sr, delay) = match self.last_sr {
            Some((middle, arrived)) => (middle, now.since(arrived).as_micros() * 65_536 / 1_000_000),
            None => (0, 0),
        };
        Some(ReportBlock {
            ssrc: reception.ssrc(),
            fraction_lost: loss.fraction,
            cumulative_lost: reception.lost().clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest_sequence: reception.extended_max(),
            jitter: reception.jitter() as u32,
            last_sr,
            delay_since_last_sr: u32::try_from(delay).unwrap_or(u32::MAX),
        })
    }

    /// The peer began with another source.
    pub(super) fn forget_source(&mut self) {
        self.last_sr = None;
    }

    /// Takes a compound of the peer's.
    pub(super) fn receive(
        &mut self,
        step: &Step<'_, '_>,
        sender: &Sender,
        receiver: &mut Receiver,
        packets: &[RtcpPacket],
        bytes: usize,
    ) {
        self.received += 1;
        if let Some(schedule) = &mut self.schedule {
            schedule.note_size(bytes);
        }
        let known = receiver.sources.current().map(Reception::ssrc);
        for packet in packets {
            match packet {
                RtcpPacket::SenderReport { ssrc, info, reports } => {
                    if known.is_none_or(|known| known == *ssrc) {
                        self.last_sr = Some((info.ntp.middle(), step.now()));
                    }
                    self.take_blocks(step, sender, reports);
                }
                RtcpPacket::ReceiverReport { reports, .. } => self.take_blocks(step, sender, reports),
                RtcpPacket::Bye { sources, .. } => {
                    if known.is_some_and(|known| sources.contains(&known)) {
                        receiver.sources.active = None;
                    }
                }
                RtcpPacket::SourceDescription(_)
                | RtcpPacket::ExtendedReport { .. }
                | RtcpPacket::Other { .. } => {}
            }
        }
    }

    fn take_blocks(&mut self, step: &Step<'_, '_>, sender: &Sender, reports: &[ReportBlock]) {
        let Some(block) = reports.iter().find(|report| report.ssrc == sender.ssrc) else { return };
        let arrival = NtpTime::from_unix(step.cx.unix);
        self.rtt = round_trip(arrival, block.last_sr, block.delay_since_last_sr).or(self.rtt);
        self.block = Some(*block);
    }

    fn tell_local(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: Option<&Agreed>,
        receiver: &Receiver,
        interval: Duration,
        loss: Option<IntervalLoss>,
    ) {
        let packets = loss.map_or(0, |loss| loss.received);
        let loss_percent = loss.map_or(0.0, |loss| loss.percent());
        let r_factor = (packets > 0).then(|| self.r_factor(step, agreed, loss_percent));
        let report = QualityReport {
            stream: self.stream,
            kind: QualityKind::Local,
            at: step.now(),
            interval,
            packets,
            loss_percent,
            total_lost: receiver.sources.total_lost(),
            jitter_ms: receiver.sources.jitter_ms().unwrap_or(0.0),
            rtt: self.rtt,
            r_factor,
            mos: r_factor.map(emodel::mos),
        };
        self.local = Some(report);
        step.tell(StreamEvent::Quality(report));
    }

    /// Tells what the peer reported since the last time, if anything.
    fn tell_remote(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: Option<&Agreed>,
        sender: &Sender,
        interval: Duration,
    ) {
        let packets = sender.packets - self.told_packets;
        let Some(block) = self.block.take() else { return };
        self.told_packets = sender.packets;
        let loss_percent = f64::from(block.fraction_lost) * 100.0 / 256.0;
        // A peer that reports the same number as before has received nothing of ours (TM-091).
        let received =
            self.last_block_highest.replace(block.highest_sequence) != Some(block.highest_sequence);
        let r_factor = received.then(|| self.r_factor(step, agreed, loss_percent));
        let report = QualityReport {
            stream: self.stream,
            kind: QualityKind::Remote,
            at: step.now(),
            interval,
            packets,
            loss_percent,
            total_lost: i64::from(block.cumulative_lost),
            jitter_ms: f64::from(block.jitter) * 1_000.0 / f64::from(Codec::CLOCK_RATE),
            rtt: self.rtt,
            r_factor,
            mos: r_factor.map(emodel::mos),
        };
        self.remote = Some(report);
        step.tell(StreamEvent::Quality(report));
    }

    /// One-way delay is half the round trip as far as it is known, plus playout, plus one packet (TM-085).
    pub(super) fn r_factor(&self, step: &Step<'_, '_>, agreed: Option<&Agreed>, loss_percent: f64) -> f64 {
        let ptime = agreed.map_or(0.0, |agreed| f64::from(agreed.ptime_ms));
        let half_trip = self.rtt.map_or(0.0, |rtt| rtt.as_secs_f64() * 500.0);
        let delay = half_trip + step.config.playout_delay.as_secs_f64() * 1_000.0 + ptime;
        emodel::r_factor(&step.config.emodel, loss_percent, delay)
    }
}

/// Where reports go to and come from; nowhere without an agreement, an address or a port.
pub(super) fn remote(agreed: Option<&Agreed>) -> Option<SocketAddr> {
    let agreed = agreed?;
    (agreed.remote_valid && agreed.remote_rtcp.port() != 0).then_some(agreed.remote_rtcp)
}
