//! One RTP session: what is in force, and the three parts that act on it: sender, receiver, reporter.

use std::net::SocketAddr;
use std::time::Duration;

use super::device::Device;
use super::figures::{StreamSnapshot, StreamSummary};
use super::names::{DeviceId, StreamId};
use super::output::StreamEvent;
use super::receiver::{Payload, Received, Receiver};
use super::reporter::{self, Reporter};
use super::sender::{Gate, Sender};
use super::step::Step;
use super::watchdog::Watchdog;
use crate::negotiation::Agreed;
use crate::reception::Arrival;
use crate::rtcp::parse_compound;
use crate::rtp::RtpPacket;
use crate::tick::Tick;

/// How long a move waits for audio before it is reported without a gap.
const MOVE_WAIT: Duration = Duration::from_secs(2);

/// A device that came from another stream and has not heard this one yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moving {
    pub(super) from: StreamId,
    pub(super) at: Tick,
}

/// The stream that a stream is paired with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) with: StreamId,
    /// True when packets pass as they are: codec and packet time agree.
    pub(super) alike: bool,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: StreamId,
    pub(super) device: Option<DeviceId>,
    pub(super) moving: Option<Moving>,
    pub(super) pair: Option<Pair>,
    pub(super) agreed: Option<Agreed>,
    pub(super) sender: Sender,
    receiver: Receiver,
    reporter: Reporter,
    watchdog: Watchdog,
}

impl Session {
    pub(super) fn open(step: &mut Step<'_, '_>, id: StreamId) -> Self {
        Self {
            id,
            device: None,
            moving: None,
            pair: None,
            agreed: None,
            sender: Sender::open(step, id),
            receiver: Receiver::open(id),
            reporter: Reporter::open(id, step.now()),
            watchdog: Watchdog::default(),
        }
    }

    /// Puts an agreement in force. SSRC, sequence numbers and the timestamp's clock go on (TM-004..TM-006).
    pub(super) fn apply(&mut self, step: &mut Step<'_, '_>, agreed: Agreed) {
        let before = self.agreed.as_ref();
        self.receiver.admission.apply(step.now(), before, &agreed);
        self.receiver.sources.signalled();
        self.watchdog.apply(step.now(), before, &agreed);
        self.reporter.apply(step, &agreed);
        self.sender.apply(step.now(), &agreed);
        self.agreed = Some(agreed);
        self.open_gate(step);
    }

    /// Decides anew whether packets are sent, and from where: the one place that does (TM-001, TM-018).
    pub(super) fn open_gate(&mut self, step: &mut Step<'_, '_>) {
        let gate = match &self.agreed {
            Some(agreed) if agreed.remote_valid && agreed.direction.sends() => {
                match (agreed.held, self.pair, self.device) {
                    (true, _, _) if self.sender.has_hold_audio() => Gate::Hold,
                    (true, _, _) => Gate::Closed,
                    (false, Some(Pair { alike: true, .. }), _) => Gate::Relay,
                    (false, Some(Pair { alike: false, .. }), _) => Gate::Closed,
                    (false, None, Some(_)) => Gate::Device,
                    (false, None, None) => Gate::Closed,
                }
            }
            Some(_) | None => Gate::Closed,
        };
        self.sender.set_gate(step, gate, self.agreed.as_ref());
    }

    pub(super) fn next_deadline(&self, silent_after: Duration) -> Option<Tick> {
        let moved = self.moving.map(|moving| moving.at + MOVE_WAIT);
        let silent = self.watchdog.deadline(self.receiver.sources.last_packet, silent_after);
        [self.sender.next_frame(), silent, self.reporter.deadline(), moved, self.receiver.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn send_frames(&mut self, step: &mut Step<'_, '_>, device: Option<&mut Device>) {
        if let Some(agreed) = &self.agreed {
            self.sender.send_frames(step, agreed, device);
        }
    }

    /// Does what is due besides frames.
    pub(super) fn expire(&mut self, step: &mut Step<'_, '_>) {
        let now = step.now();
        self.receiver.expire(step, now);
        if self.moving.is_some_and(|moving| moving.at + MOVE_WAIT <= now) {
            self.end_move(step);
        }
        self.watchdog.expire(step, self.id, self.receiver.sources.last_packet);
        self.reporter.expire(step, self.agreed.as_ref(), &self.sender, &mut self.receiver);
    }

    /// Takes an RTP packet. What is to pass to the paired stream is returned.
    pub(super) fn receive_rtp<'a>(
        &mut self,
        step: &mut Step<'_, '_>,
        source: SocketAddr,
        bytes: &'a [u8],
        device: Option<&mut Device>,
    ) -> Option<Received<'a>> {
        if !self.receiver.admission.admits_rtp(self.agreed.as_ref(), source, step.now()) {
            return None;
        }
        let agreed = self.agreed.as_ref()?;
        let Ok(packet) = RtpPacket::parse(bytes) else {
            self.receiver.malformed += 1;
            return None;
        };
        if packet.header.ssrc == self.sender.ssrc {
            self.collide(step);
            return None;
        }
        let received = self.receiver.take(step, agreed, &packet)?;
        if self.receiver.sources.has_changed() {
            self.reporter.forget_source();
        }
        if !agreed.direction.receives() {
            return None;
        }
        self.watchdog.arrived(step, self.id, agreed);
        if self.pair.is_some() {
            if received.kind == Payload::Unknown {
                self.receiver.malformed += 1;
            }
            let passes = !matches!(received.arrival, Arrival::Jump | Arrival::Duplicate);
            return passes.then_some(received);
        }
        if self.receiver.play(step, &received, device) {
            self.heard(step);
        }
        None
    }

    /// Sends what the paired stream received. Another codec than ours does not pass.
    pub(super) fn pass_on(&mut self, step: &mut Step<'_, '_>, received: &Received<'_>) {
        let Some(agreed) = &self.agreed else { return };
        if received.arrival == Arrival::Restarted {
            self.sender.relay_anew();
        }
        let payload_type = match received.kind {
            Payload::Audio(codec) if codec == agreed.codec => agreed.payload_type,
            Payload::Event => match agreed.dtmf_payload_type {
                Some(payload_type) => payload_type,
                None => return,
            },
            Payload::Audio(_) | Payload::Unknown => return,
        };
        self.sender.relay(step, agreed, received, payload_type);
    }

    /// Takes a compound from the peer's RTCP address.
    pub(super) fn receive_rtcp(&mut self, step: &Step<'_, '_>, source: SocketAddr, bytes: &[u8]) {
        if !self.receiver.admission.admits_rtcp(reporter::remote(self.agreed.as_ref()), source) {
            return;
        }
        match parse_compound(bytes) {
            Ok(packets) => {
                self.reporter.receive(step, &self.sender, &mut self.receiver, &packets, bytes.len());
            }
            Err(_) => self.receiver.malformed += 1,
        }
    }

    /// The peer uses our SSRC (RFC 3550 §8.2): say BYE for it and take another, once.
    fn collide(&mut self, step: &mut Step<'_, '_>) {
        self.receiver.looped += 1;
        if self.sender.collide() {
            self.reporter.bye(step, self.agreed.as_ref(), &self.sender, &mut self.receiver);
            let random = step.random();
            self.sender.change_ssrc(random);
        }
    }

    /// The device that was moved here heard its first audio (TM-017).
    fn heard(&mut self, step: &mut Step<'_, '_>) {
        if let Some(moving) = self.moving.take() {
            let gap = Some(step.now().since(moving.at));
            step.tell(StreamEvent::Moved { from: moving.from, to: self.id, gap });
        }
    }

    /// Tells a move that ended without audio.
    pub(super) fn end_move(&mut self, step: &mut Step<'_, '_>) {
        if let Some(moving) = self.moving.take() {
            step.tell(StreamEvent::Moved { from: moving.from, to: self.id, gap: None });
        }
    }

    pub(super) fn close(&mut self, step: &mut Step<'_, '_>) {
        self.receiver.expire(step, Tick(u64::MAX));
        self.end_move(step);
        self.sender.set_gate(step, Gate::Closed, self.agreed.as_ref());
        self.reporter.bye(step, self.agreed.as_ref(), &self.sender, &mut self.receiver);
        step.tell(StreamEvent::Summary(self.summary(step)));
    }

    fn summary(&self, step: &Step<'_, '_>) -> StreamSummary {
        let sources = &self.receiver.sources;
        let lost = sources.total_lost();
        let expected = i64::try_from(sources.received).unwrap_or(i64::MAX).saturating_add(lost);
        let loss = if expected > 0 { lost.max(0) as f64 * 100.0 / expected as f64 } else { 0.0 };
        let r_factor = self.reporter.r_factor(step, self.agreed.as_ref(), loss);
        StreamSummary {
            stream: self.id,
            ssrc: self.sender.ssrc,
            sent: self.sender.packets,
            received: sources.received,
            lost,
            jitter_ms: sources.jitter_ms().unwrap_or(0.0),
            max_jitter_ms: sources.max_jitter_ms(),
            rtt: self.reporter.rtt,
            mos: (sources.received > 0).then(|| crate::emodel::mos(r_factor)),
            first_packet_at: sources.first_packet,
            last_packet_at: sources.last_packet,
            strangers: self.receiver.admission.strangers,
        }
    }

    pub(super) fn snapshot(&self) -> StreamSnapshot {
        let agreed = self.agreed.as_ref();
        let sources = &self.receiver.sources;
        StreamSnapshot {
            stream: self.id,
            ssrc: self.sender.ssrc,
            device: self.device,
            paired: self.pair.map(|pair| pair.with),
            direction: agreed.map(|agreed| agreed.direction),
            codec: agreed.map(|agreed| agreed.codec),
            remote: agreed.map(|agreed| agreed.remote_rtp),
            sending: self.sender.sends(),
            flowing: self.watchdog.is_flowing(),
            sent: self.sender.packets,
            octets_sent: self.sender.octets,
            received: sources.received,
            octets_received: sources.octets,
            lost: sources.total_lost(),
            late: self.receiver.late,
            reports_sent: self.reporter.sent,
            reports_received: self.reporter.received,
            strangers: self.receiver.admission.strangers,
            intruders: sources.intruders,
            malformed: self.receiver.malformed,
            looped: self.receiver.looped,
            jitter_ms: sources.jitter_ms(),
            rtt: self.reporter.rtt,
            local: self.reporter.local,
            remote_quality: self.reporter.remote,
            first_packet_at: sources.first_packet,
            last_packet_at: sources.last_packet,
        }
    }
}
