//! Reports: sender and receiver reports, BYE, and the quality they tell.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::session::Session;
use super::values::{PacketKind, QualityKind, QualityReport, StreamEvent, StreamOutput, StreamsConfig};
use crate::codec::Codec;
use crate::emodel;
use crate::reception::IntervalLoss;
use crate::rtcp::{
    NtpTime, ReportBlock, RtcpPacket, SDES_CNAME, SdesChunk, SenderInfo, parse_compound, print_compound,
    round_trip,
};
use crate::tick::{Cx, Tick};

impl Session {
    /// Sends a report and tells the quality of the interval that ends with it.
    pub(super) fn send_report(
        &mut self,
        config: &StreamsConfig,
        cx: &mut Cx<'_>,
        out: &mut Vec<StreamOutput>,
    ) {
        let since = self.report_times[0].unwrap_or(self.opened);
        let loss = self.reception.as_mut().map(crate::reception::Reception::take_interval);
        self.send_compound(config, cx, loss, false, out);
        self.report_times = [Some(cx.now), self.report_times[0]];
        self.tell_local(config, cx.now, cx.now.since(since), loss, out);
        self.tell_remote(config, cx.now, cx.now.since(since), out);
    }

    /// Says that our source leaves, unless it never sent anything (RFC 3550 §6.3.7, TM-009).
    pub(super) fn send_bye(&mut self, config: &StreamsConfig, cx: &mut Cx<'_>, out: &mut Vec<StreamOutput>) {
        if self.sent == 0 && self.reports_sent == 0 {
            return;
        }
        let loss = self.reception.as_mut().map(crate::reception::Reception::take_interval);
        self.send_compound(config, cx, loss, true, out);
    }

    fn send_compound(
        &mut self,
        config: &StreamsConfig,
        cx: &Cx<'_>,
        loss: Option<IntervalLoss>,
        bye: bool,
        out: &mut Vec<StreamOutput>,
    ) {
        let Some(to) = self.rtcp_remote() else { return };
        let reports: Vec<ReportBlock> = self.report_block(cx.now, loss).into_iter().collect();
        let ssrc = self.ssrc;
        // A sender is who sent RTP since the report before the last (RFC 3550 §6.4).
        let first = if self.is_recent(self.last_sent) {
            let info = SenderInfo {
                ntp: NtpTime::from_unix(cx.unix),
                rtp_timestamp: self.timestamp(cx.now),
                packets: self.sent as u32,
                octets: self.octets_sent as u32,
            };
            RtcpPacket::SenderReport { ssrc, info, reports }
        } else {
            RtcpPacket::ReceiverReport { ssrc, reports }
        };
        let cname = SdesChunk { ssrc, items: vec![(SDES_CNAME, config.cname.as_bytes().to_vec())] };
        let mut packets = vec![first, RtcpPacket::SourceDescription(vec![cname])];
        if bye {
            packets.push(RtcpPacket::Bye { sources: vec![ssrc], reason: None });
        }
        let packet = print_compound(&packets);
        if let Some(schedule) = &mut self.schedule {
            schedule.note_size(packet.len());
        }
        self.reports_sent += 1;
        out.push(StreamOutput::Send {
            stream: self.id,
            kind: PacketKind::Rtcp,
            to,
            packet: Bytes::from(packet),
        });
    }

    fn rtcp_remote(&self) -> Option<SocketAddr> {
        let agreed = self.agreed.as_ref()?;
        (agreed.remote_valid && agreed.remote_rtcp.port() != 0).then_some(agreed.remote_rtcp)
    }

    /// Returns true for a moment within the last two report intervals.
    fn is_recent(&self, at: Option<Tick>) -> bool {
        at.is_some_and(|at| self.report_times[1].is_none_or(|before_last| at >= before_last))
    }

    /// Blocks stop when the source is silent for two intervals or has said BYE (RFC 3550 §6.4, TM-002).
    fn report_block(&self, now: Tick, loss: Option<IntervalLoss>) -> Option<ReportBlock> {
        let reception = self.reception.as_ref()?;
        let loss = loss?;
        if !self.is_recent(self.source_active) {
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

    /// Takes a compound from the peer's RTCP address.
    pub(super) fn receive_rtcp(&mut self, cx: &Cx<'_>, source: SocketAddr, bytes: &[u8]) {
        if self.rtcp_remote() != Some(source) {
            self.strangers += 1;
            return;
        }
        let Ok(packets) = parse_compound(bytes) else {
            self.malformed += 1;
            return;
        };
        self.reports_received += 1;
        if let Some(schedule) = &mut self.schedule {
            schedule.note_size(bytes.len());
        }
        for packet in packets {
            match packet {
                RtcpPacket::SenderReport { ssrc, info, reports } => {
                    let known = self.reception.as_ref().map(crate::reception::Reception::ssrc);
                    if known.is_none_or(|known| known == ssrc) {
                        self.last_sr = Some((info.ntp.middle(), cx.now));
                    }
                    self.take_blocks(cx, &reports);
                }
                RtcpPacket::ReceiverReport { reports, .. } => self.take_blocks(cx, &reports),
                RtcpPacket::Bye { sources, .. } => {
                    let known = self.reception.as_ref().map(crate::reception::Reception::ssrc);
                    if known.is_some_and(|known| sources.contains(&known)) {
                        self.source_active = None;
                    }
                }
                RtcpPacket::SourceDescription(_)
                | RtcpPacket::ExtendedReport { .. }
                | RtcpPacket::Other { .. } => {}
            }
        }
    }

    fn take_blocks(&mut self, cx: &Cx<'_>, reports: &[ReportBlock]) {
        let Some(block) = reports.iter().find(|report| report.ssrc == self.ssrc) else { return };
        let arrival = NtpTime::from_unix(cx.unix);
        self.rtt = round_trip(arrival, block.last_sr, block.delay_since_last_sr).or(self.rtt);
        self.block = Some(*block);
    }

    fn tell_local(
        &mut self,
        config: &StreamsConfig,
        at: Tick,
        interval: Duration,
        loss: Option<IntervalLoss>,
        out: &mut Vec<StreamOutput>,
    ) {
        let packets = loss.map_or(0, |loss| loss.received);
        let loss_percent = loss.map_or(0.0, |loss| loss.percent());
        let r_factor = (packets > 0).then(|| self.r_factor(config, loss_percent));
        let report = QualityReport {
            stream: self.id,
            kind: QualityKind::Local,
            at,
            interval,
            packets,
            loss_percent,
            total_lost: self.total_lost(),
            jitter_ms: self.reception.as_ref().map_or(0.0, crate::reception::Reception::jitter_ms),
            rtt: self.rtt,
            r_factor,
            mos: r_factor.map(emodel::mos),
        };
        self.local = Some(report);
        out.push(StreamOutput::Event(StreamEvent::Quality(report)));
    }

    /// Tells what the peer reported since the last time, if anything.
    fn tell_remote(
        &mut self,
        config: &StreamsConfig,
        at: Tick,
        interval: Duration,
        out: &mut Vec<StreamOutput>,
    ) {
        let packets = self.sent - self.reported_sent;
        let Some(block) = self.block.take() else { return };
        self.reported_sent = self.sent;
        let loss_percent = f64::from(block.fraction_lost) * 100.0 / 256.0;
        // A peer that reports the same number as before has received nothing of ours (TM-091).
        let received =
            self.last_block_highest.replace(block.highest_sequence) != Some(block.highest_sequence);
        let r_factor = received.then(|| self.r_factor(config, loss_percent));
        let report = QualityReport {
            stream: self.id,
            kind: QualityKind::Remote,
            at,
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
        out.push(StreamOutput::Event(StreamEvent::Quality(report)));
    }

    /// One-way delay is half the round trip as far as it is known, plus playout, plus one packet (TM-085).
    pub(super) fn r_factor(&self, config: &StreamsConfig, loss_percent: f64) -> f64 {
        let ptime = self.agreed.as_ref().map_or(0.0, |agreed| f64::from(agreed.ptime_ms));
        let half_trip = self.rtt.map_or(0.0, |rtt| rtt.as_secs_f64() * 500.0);
        let delay = half_trip + config.playout_delay.as_secs_f64() * 1_000.0 + ptime;
        emodel::r_factor(&config.emodel, loss_percent, delay)
    }
}
