//! Where a stream's packets leave: protected, addressed, counted.

use std::net::{IpAddr, SocketAddr};

use super::command::StreamFailure;
use super::names::{PacketKind, StreamId};
use super::protection::{Protection, Sealing};
use super::step::Step;
use crate::negotiation::Agreed;
use crate::rtp::RtpHeader;
use crate::tick::Tick;

/// Sends the packets of one stream.
#[derive(Debug)]
pub(super) struct Outlet {
    stream: StreamId,
    /// Where RTP goes: the negotiated address, or the one that was learned (SEC-40).
    rtp: Option<SocketAddr>,
    rtcp: Option<SocketAddr>,
    muxed: bool,
    signalling: Option<IpAddr>,
    protection: Protection<Sealing>,
    /// The RTP packets sent to an address from which nothing came; `None` once something did.
    unconfirmed: Option<u64>,
    /// Packets that could not be protected, or may not be sent yet.
    pub(super) withheld: u64,
}

impl Outlet {
    pub(super) fn new(stream: StreamId) -> Self {
        let protection = Protection::default();
        Self {
            stream,
            rtp: None,
            rtcp: None,
            muxed: false,
            signalling: None,
            protection,
            unconfirmed: Some(0),
            withheld: 0,
        }
    }

    /// Takes the addresses and the key of an agreement. On failure nothing is sent any more (TM-105).
    pub(super) fn apply(
        &mut self,
        before: Option<&Agreed>,
        agreed: &Agreed,
        rtp: SocketAddr,
    ) -> Result<(), StreamFailure> {
        self.signalling = agreed.signalling;
        self.send_to(agreed.remote_valid.then_some(rtp));
        self.muxed = agreed.rtcp_mux;
        let rtcp = if agreed.rtcp_mux { rtp } else { agreed.remote_rtcp };
        self.rtcp = (agreed.remote_valid && rtcp.port() != 0).then_some(rtcp);
        self.protection.apply(before, agreed)
    }

    fn send_to(&mut self, rtp: Option<SocketAddr>) {
        if rtp.is_some() && rtp != self.rtp {
            // Who signals from there wants it (SEC-44).
            let known = rtp.is_some_and(|rtp| self.signalling == Some(rtp.ip()));
            // One address after the other has no more than one.
            self.unconfirmed = (!known).then(|| self.unconfirmed.unwrap_or(0));
        }
        self.rtp = rtp;
    }

    /// The peer's address was learned.
    pub(super) fn learned(&mut self, rtp: SocketAddr) {
        self.send_to(Some(rtp));
        if self.muxed {
            self.rtcp = Some(rtp);
        }
    }

    /// Something came from the peer. Where it came from the host that we send to, that one is there and wants it; whoever
    /// else sends can speak for himself only.
    pub(super) fn confirmed(&mut self, source: SocketAddr) {
        if self.rtp.is_some_and(|rtp| rtp.ip() == source.ip()) {
            self.unconfirmed = None;
        }
    }

    pub(super) fn stop(&mut self) {
        self.protection.stop();
    }

    /// Where RTP goes to.
    pub(super) fn rtp(&self) -> Option<SocketAddr> {
        self.rtp
    }

    /// Where RTCP goes to; nowhere without an agreement, an address or a port.
    pub(super) fn rtcp(&self) -> Option<SocketAddr> {
        self.rtcp
    }

    /// Sends an RTP packet; false when it was withheld.
    pub(super) fn send_rtp(
        &mut self,
        step: &mut Step<'_, '_>,
        header: &RtpHeader,
        payload: &[u8],
        due: Tick,
    ) -> bool {
        let Some(to) = self.rtp else { return false };
        let sent = step.bench.packet(|packet| header.write(payload, packet));
        let allowed = self.is_allowed(step.config.unconfirmed_packets);
        if !allowed || !self.protection.seal(false, sent) {
            self.withheld += 1;
            return false;
        }
        step.send(self.stream, PacketKind::Rtp, to, due);
        true
    }

    /// Counts what is sent to somebody who may not want it (SEC-44).
    fn is_allowed(&mut self, limit: Option<u64>) -> bool {
        let (Some(sent), Some(limit)) = (&mut self.unconfirmed, limit) else { return true };
        *sent += 1;
        *sent <= limit
    }

    /// Sends a compound, and returns its length with what protection adds; `None` when it was withheld.
    pub(super) fn send_rtcp(&mut self, step: &mut Step<'_, '_>, compound: &[u8]) -> Option<usize> {
        let to = self.rtcp?;
        let sent = step.bench.packet(|packet| packet.extend_from_slice(compound));
        if !self.protection.seal(true, sent) {
            self.withheld += 1;
            return None;
        }
        let length = sent.len();
        let kind = if self.muxed { PacketKind::Rtp } else { PacketKind::Rtcp };
        let now = step.now();
        step.send(self.stream, kind, to, now);
        Some(length)
    }
}
