//! What a stream reports and is told: sender and receiver reports, extended reports, BYE.

use std::time::Duration;

use super::meter::Meter;
use super::names::StreamId;
use super::outlet::Outlet;
use super::receiver::Receiver;
use super::sender::Sender;
use super::step::Step;
use crate::negotiation::Agreed;
use crate::quality::GMIN;
use crate::reception::{IntervalLoss, Reception};
use crate::rtcp::{
    Concealment, Dlrr, INITIAL_SIZE, JitterBufferKind, NtpTime, ReportBlock, RtcpPacket, SDES_CNAME,
    Schedule, SdesChunk, SenderInfo, VoipMetrics, XrBlock, print_compound, round_trip,
};
use crate::tick::Tick;

/// Sends one stream's reports and keeps what the peer's say.
#[derive(Debug)]
pub(super) struct Reporter {
    schedule: Option<Schedule>,
    /// When the last two reports were sent, the newest first.
    times: [Option<Tick>; 2],
    opened: Tick,
    pub(super) sent: u64,
    pub(super) received: u64,
    last_sr: Option<(u32, Tick)>,
    /// The last reference time of a peer that only receives, and whose it is.
    last_reference: Option<(u32, u32, Tick)>,
    block: Option<ReportBlock>,
    pub(super) rtt: Option<Duration>,
    pub(super) meter: Meter,
}

/// The parts of a stream that a report is about.
pub(super) struct Parts<'a> {
    pub(super) agreed: Option<&'a Agreed>,
    pub(super) sender: &'a Sender,
    pub(super) receiver: &'a mut Receiver,
    pub(super) outlet: &'a mut Outlet,
}

impl Reporter {
    pub(super) fn open(step: &Step<'_, '_>, stream: StreamId) -> Self {
        Self {
            schedule: None,
            times: [None; 2],
            opened: step.now(),
            sent: 0,
            received: 0,
            last_sr: None,
            last_reference: None,
            block: None,
            rtt: None,
            meter: Meter::new(step, stream),
        }
    }

    /// Another agreement is in force: reports go on in a hold (TM-002), but not to nowhere.
    pub(super) fn apply(&mut self, step: &mut Step<'_, '_>, outlet: &Outlet) {
        if outlet.rtcp().is_none() {
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
    pub(super) fn expire(&mut self, step: &mut Step<'_, '_>, parts: &mut Parts<'_>) {
        let now = step.now();
        let Some(schedule) = self.schedule.as_mut().filter(|schedule| schedule.next() <= now) else { return };
        if !schedule.expire(now, step.random()) {
            return;
        }
        let interval = now.since(self.times[0].unwrap_or(self.opened));
        let loss = parts.receiver.sources.take_interval();
        self.send(step, parts, loss, false);
        self.times = [Some(now), self.times[0]];
        self.meter.tell_local(step, parts.agreed, parts.receiver, interval, loss, self.rtt);
        if let Some(block) = self.block.take() {
            self.meter.tell_remote(step, parts.agreed, parts.sender, interval, &block, self.rtt);
        }
    }

    /// Says that our source leaves, unless it never sent anything (RFC 3550 §6.3.7, TM-009).
    pub(super) fn bye(&mut self, step: &mut Step<'_, '_>, parts: &mut Parts<'_>) {
        if parts.sender.packets > 0 || self.sent > 0 {
            let loss = parts.receiver.sources.take_interval();
            self.send(step, parts, loss, true);
        }
    }

    fn send(
        &mut self,
        step: &mut Step<'_, '_>,
        parts: &mut Parts<'_>,
        loss: Option<IntervalLoss>,
        bye: bool,
    ) {
        let now = step.now();
        let reports: Vec<ReportBlock> = self.report_block(now, parts.receiver, loss).into_iter().collect();
        let ssrc = parts.sender.ssrc;
        // A sender is who sent RTP since the report before the last (RFC 3550 §6.4).
        let sends = self.is_recent(parts.sender.last_sent);
        let first = if sends {
            let (packets, octets) = parts.sender.counts();
            let info = SenderInfo {
                ntp: NtpTime::from_unix(step.cx.unix),
                rtp_timestamp: parts.sender.timestamp(now),
                packets: packets as u32,
                octets: octets as u32,
            };
            RtcpPacket::SenderReport { ssrc, info, reports }
        } else {
            RtcpPacket::ReceiverReport { ssrc, reports }
        };
        let cname = SdesChunk { ssrc, items: vec![(SDES_CNAME, step.config.cname.as_bytes().to_vec())] };
        let mut packets = vec![first, RtcpPacket::SourceDescription(vec![cname])];
        let blocks = if step.config.xr { self.extended(step, parts, sends) } else { Vec::new() };
        if !blocks.is_empty() {
            packets.push(RtcpPacket::ExtendedReport { ssrc, blocks });
        }
        if bye {
            packets.push(RtcpPacket::Bye { sources: vec![ssrc], reason: None });
        }
        if let Some(length) = parts.outlet.send_rtcp(step, &print_compound(&packets)) {
            self.sent += 1;
            if let Some(schedule) = &mut self.schedule {
                schedule.note_size(length);
            }
        }
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
        let (last_sr, delay) = self.last_sr.map_or((0, 0), |(middle, arrived)| (middle, age(now, arrived)));
        Some(ReportBlock {
            ssrc: reception.ssrc(),
            fraction_lost: loss.fraction,
            cumulative_lost: reception.lost().clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest_sequence: reception.extended_max(),
            jitter: reception.jitter() as u32,
            last_sr,
            delay_since_last_sr: delay,
        })
    }

    /// The voice metrics (RFC 3611 §4.7), and reference times for who sends no sender reports (§4.4, §4.5).
    fn extended(&self, step: &Step<'_, '_>, parts: &Parts<'_>, sends: bool) -> Vec<XrBlock> {
        let now = step.now();
        let mut blocks = Vec::new();
        if !sends {
            blocks.push(XrBlock::ReceiverReferenceTime(NtpTime::from_unix(step.cx.unix)));
        }
        if let Some((ssrc, last_rr, arrived)) = self.last_reference {
            let delay_since_last_rr = age(now, arrived);
            blocks.push(XrBlock::Dlrr(vec![Dlrr { ssrc, last_rr, delay_since_last_rr }]));
        }
        let reception =
            parts.receiver.sources.current().filter(|_| self.is_recent(parts.receiver.sources.active));
        if let (Some(agreed), Some(reception)) = (parts.agreed, reception) {
            blocks.push(XrBlock::VoipMetrics(self.metrics(step, agreed, reception.ssrc(), parts.receiver)));
        }
        blocks
    }

    fn metrics(&self, step: &Step<'_, '_>, agreed: &Agreed, ssrc: u32, receiver: &Receiver) -> VoipMetrics {
        // `as` saturates at the largest value of a field.
        let milliseconds = |time: Duration| time.as_millis() as u16;
        let packet = Duration::from_millis(u64::from(agreed.ptime_ms));
        let profile = step.config.profile(agreed.codec);
        let delay = receiver.playout_delay();
        let bursts = receiver.fates.bursts();
        let loss = (bursts.loss_rate + bursts.discard_rate) * 100.0;
        let listening = crate::emodel::r_factor(&profile, loss, 0.0);
        let talking = crate::emodel::r_factor(&profile, loss, profile.delay_ms(self.rtt, packet, delay));
        let tenths = |r: f64| Some((profile.mos(r) * 10.0).round() as u8);
        let mut metrics = VoipMetrics {
            ssrc,
            round_trip_ms: self.rtt.map_or(0, milliseconds),
            end_system_delay_ms: milliseconds(delay + packet + profile.look_ahead),
            r_factor: Some(profile.narrow_band(talking).round() as u8),
            mos_lq: tenths(listening),
            mos_cq: tenths(talking),
            concealment: Concealment::Standard,
            jitter_buffer: JitterBufferKind::Adaptive,
            nominal_delay_ms: milliseconds(receiver.playout().report().target),
            maximum_delay_ms: milliseconds(delay),
            absolute_maximum_delay_ms: milliseconds(step.config.playout.maximum),
            ..VoipMetrics::default()
        };
        bursts.fill(packet, GMIN, &mut metrics);
        metrics
    }

    /// The peer began with another source.
    pub(super) fn forget_source(&mut self) {
        (self.last_sr, self.last_reference) = (None, None);
    }

    /// Takes a compound of the peer's.
    pub(super) fn receive(
        &mut self,
        step: &Step<'_, '_>,
        ssrc: u32,
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
                RtcpPacket::SenderReport { ssrc: of, info, reports } => {
                    if known.is_none_or(|known| known == *of) {
                        self.last_sr = Some((info.ntp.middle(), step.now()));
                    }
                    self.take_blocks(step, ssrc, reports);
                }
                RtcpPacket::ReceiverReport { reports, .. } => self.take_blocks(step, ssrc, reports),
                RtcpPacket::Bye { sources, .. } => {
                    if known.is_some_and(|known| sources.contains(&known)) {
                        receiver.sources.left(step.now());
                    }
                }
                RtcpPacket::ExtendedReport { ssrc: of, blocks } => {
                    self.take_extended(step, ssrc, *of, blocks);
                }
                RtcpPacket::SourceDescription(_) | RtcpPacket::Other { .. } => {}
            }
        }
    }

    fn take_blocks(&mut self, step: &Step<'_, '_>, ssrc: u32, reports: &[ReportBlock]) {
        let Some(block) = reports.iter().find(|report| report.ssrc == ssrc) else { return };
        self.measure(step, block.last_sr, block.delay_since_last_sr);
        self.block = Some(*block);
    }

    fn take_extended(&mut self, step: &Step<'_, '_>, ssrc: u32, of: u32, blocks: &[XrBlock]) {
        for block in blocks {
            match block {
                XrBlock::ReceiverReferenceTime(time) => {
                    self.last_reference = Some((of, time.middle(), step.now()));
                }
                XrBlock::Dlrr(items) => {
                    if let Some(answer) = items.iter().find(|item| item.ssrc == ssrc) {
                        self.measure(step, answer.last_rr, answer.delay_since_last_rr);
                    }
                }
                XrBlock::VoipMetrics(_) | XrBlock::Other { .. } => {}
            }
        }
    }

    fn measure(&mut self, step: &Step<'_, '_>, last: u32, delay: u32) {
        self.rtt = round_trip(NtpTime::from_unix(step.cx.unix), last, delay).or(self.rtt);
    }
}

/// The time since a moment in 1/65536 s.
fn age(now: Tick, moment: Tick) -> u32 {
    u32::try_from(now.since(moment).as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX)
}
