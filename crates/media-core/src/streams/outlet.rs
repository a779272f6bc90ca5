//! Where a stream's packets leave: protected, addressed, counted.

use std::net::{IpAddr, SocketAddr};

use super::command::StreamFailure;
use super::names::{PacketKind, StreamId};
use super::output::StreamEvent;
use super::protection::{Barred, Protection, Sealing};
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
    /// The address that was learned, and where its RTCP comes from (RFC 4961).
    learned: Option<(SocketAddr, Option<SocketAddr>)>,
    signalling: Option<IpAddr>,
    protection: Protection<Sealing>,
    /// That the key has expired was told.
    expired: bool,
    /// The RTP packets sent to where they go now; `None` once something came from there.
    unconfirmed: Option<u64>,
    /// Those sent to addresses before, from which nothing came either.
    unanswered: u64,
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
            learned: None,
            signalling: None,
            protection,
            expired: false,
            unconfirmed: Some(0),
            unanswered: 0,
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
        // A hold without an address forgets nothing.
        self.learned = self.learned.filter(|(at, _)| !agreed.remote_valid || *at == rtp);
        self.send_to(agreed.remote_valid.then_some(rtp));
        self.muxed = agreed.rtcp_mux;
        let learned = self.learned.and_then(|(_, rtcp)| rtcp);
        let rtcp = if agreed.rtcp_mux { rtp } else { learned.unwrap_or(agreed.remote_rtcp) };
        self.rtcp = (agreed.remote_valid && rtcp.port() != 0).then_some(rtcp);
        self.expired = false;
        self.protection.apply(before, agreed)
    }

    fn send_to(&mut self, rtp: Option<SocketAddr>) {
        if rtp.is_some() && rtp != self.rtp {
            // Who signals from there wants it (SEC-44).
            let known = rtp.is_some_and(|rtp| self.signalling == Some(rtp.ip()));
            // All of them together have no more than one, whoever answers in between.
            self.unanswered += self.unconfirmed.unwrap_or(0);
            self.unconfirmed = (!known).then_some(0);
        }
        self.rtp = rtp;
    }

    /// The peer's address was learned.
    pub(super) fn learned(&mut self, rtp: SocketAddr) {
        self.send_to(Some(rtp));
        self.learned = Some((rtp, None));
        if self.muxed {
            self.rtcp = Some(rtp);
        }
    }

    /// Whether RTCP from there can be the peer's: it comes from where ours goes, or, where the peer's description does not know
    /// its address, from any port of the host that was learned, which is then the one.
    pub(super) fn takes_rtcp_from(&self, source: SocketAddr) -> bool {
        self.rtcp.is_some_and(|rtcp| rtcp == source || self.may_learn_rtcp(source))
    }

    /// RTCP of the peer came.
    pub(super) fn heard_rtcp(&mut self, source: SocketAddr) {
        self.confirmed(source);
        if self.may_learn_rtcp(source) {
            self.learned = self.learned.map(|(at, _)| (at, Some(source)));
            self.rtcp = Some(source);
        }
    }

    fn may_learn_rtcp(&self, source: SocketAddr) -> bool {
        let of_host = |(at, rtcp): (SocketAddr, Option<SocketAddr>)| rtcp.is_none() && at.ip() == source.ip();
        !self.muxed && self.learned.is_some_and(of_host)
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
        if !self.is_allowed(step.config.unconfirmed_packets) {
            self.withheld += 1;
            return false;
        }
        if let Err(barred) = self.protection.seal(false, sent) {
            self.withhold(step, barred);
            return false;
        }
        step.send(self.stream, PacketKind::Rtp, to, due);
        true
    }

    /// A packet could not be protected; that its key has expired is told once.
    fn withhold(&mut self, step: &mut Step<'_, '_>, barred: Barred) {
        self.withheld += 1;
        if barred == Barred::KeyExpired && !std::mem::replace(&mut self.expired, true) {
            step.tell(StreamEvent::KeyExpired { stream: self.stream, sending: true });
        }
    }

    /// Counts what is sent to somebody who may not want it (SEC-44).
    fn is_allowed(&mut self, limit: Option<u64>) -> bool {
        let (Some(sent), Some(limit)) = (&mut self.unconfirmed, limit) else { return true };
        let allowed = self.unanswered + *sent < limit;
        *sent += u64::from(allowed);
        allowed
    }

    /// Sends a compound, and returns its length with what protection adds; `None` when it was withheld.
    pub(super) fn send_rtcp(&mut self, step: &mut Step<'_, '_>, compound: &[u8]) -> Option<usize> {
        let to = self.rtcp?;
        let sent = step.bench.packet(|packet| packet.extend_from_slice(compound));
        if let Err(barred) = self.protection.seal(true, sent) {
            self.withhold(step, barred);
            return None;
        }
        let length = sent.len();
        let kind = if self.muxed { PacketKind::Rtp } else { PacketKind::Rtcp };
        let now = step.now();
        step.send(self.stream, kind, to, now);
        Some(length)
    }
}
