//! One RTP session: what is in force, and the parts that act on it.

use std::net::SocketAddr;
use std::time::Duration;

use super::command::StreamFailure;
use super::figures::{ContinuityMarks, StreamSnapshot, StreamSummary};
use super::incoming::{Foreign, Incoming};
use super::meter;
use super::names::{DeviceId, PacketKind, StreamId};
use super::outlet::Outlet;
use super::output::StreamEvent;
use super::receiver::{Notice, PULL_MS, Payload, Received, Receiver};
use super::reporter::{Parts, Reporter};
use super::seat::Seat;
use super::sender::{Gate, Sender, Speakers};
use super::step::Step;
use super::watchdog::Watchdog;
use crate::dtmf::Event;
use crate::negotiation::Agreed;
use crate::reception::{Arrival, Reception};
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

/// What a stream is joined with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    None,
    /// Packets of the other stream pass as they are: codec and packet time agree.
    Relay {
        with: StreamId,
    },
    /// The other stream's audio is decoded and encoded anew.
    Transcode {
        with: StreamId,
        seat: Seat,
    },
    /// A conference.
    Mix(Seat),
}

impl Link {
    /// The stream that it is paired with.
    pub(super) fn pair(self) -> Option<StreamId> {
        match self {
            Self::Relay { with } | Self::Transcode { with, .. } => Some(with),
            Self::None | Self::Mix(_) => None,
        }
    }

    pub(super) fn seat(self) -> Option<Seat> {
        match self {
            Self::Transcode { seat, .. } | Self::Mix(seat) => Some(seat),
            Self::None | Self::Relay { .. } => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: StreamId,
    pub(super) device: Option<DeviceId>,
    pub(super) moving: Option<Moving>,
    pub(super) link: Link,
    pub(super) agreed: Option<Agreed>,
    pub(super) sender: Sender,
    receiver: Receiver,
    reporter: Reporter,
    watchdog: Watchdog,
    outlet: Outlet,
    foreign: Foreign,
    marks: Option<ContinuityMarks>,
}

impl Session {
    pub(super) fn open(step: &mut Step<'_, '_>, id: StreamId) -> Self {
        Self {
            id,
            device: None,
            moving: None,
            link: Link::None,
            agreed: None,
            sender: Sender::open(step),
            receiver: Receiver::open(step, id),
            reporter: Reporter::open(step, id),
            watchdog: Watchdog::new(step, id),
            outlet: Outlet::new(id),
            foreign: Foreign::default(),
            marks: None,
        }
    }

    /// Puts an agreement in force. SSRC, sequence numbers and the timestamp's clock go on (TM-004..TM-006). When a key
    /// cannot be used, the stream is stopped: nothing leaves or is taken any more (TM-105).
    pub(super) fn apply(&mut self, step: &mut Step<'_, '_>, agreed: Agreed) -> Result<(), StreamFailure> {
        let before = self.agreed.replace(agreed);
        let (before, gate) = (before.as_ref(), self.gate());
        // What has to be ended still goes to where it was sent until now.
        if gate != self.sender.gate() {
            self.sender.set_gate(step, &mut self.outlet, Gate::Closed, before);
        }
        let Self { agreed: Some(agreed), sender, receiver, reporter, watchdog, outlet, .. } = self else {
            return Ok(());
        };
        sender.end_events(step, outlet, before, agreed);
        reporter.meter.apply(step, before, agreed, receiver, reporter.rtt);
        let (to, taken) = receiver.apply(step, before, agreed);
        let done = taken.and(outlet.apply(before, agreed, to));
        if done.is_err() {
            receiver.stop();
            outlet.stop();
        }
        watchdog.apply(step.now(), agreed);
        reporter.apply(step, outlet);
        sender.apply(step.now(), agreed);
        sender.set_gate(step, outlet, gate, Some(agreed));
        done
    }

    /// Joins the stream with others, or takes it from them.
    pub(super) fn set_link(&mut self, step: &mut Step<'_, '_>, link: Link) {
        if matches!(link, Link::Relay { .. }) {
            self.receiver.rest();
        }
        self.link = link;
        self.open_gate(step);
    }

    /// Decides anew whether packets are sent, and from where.
    pub(super) fn open_gate(&mut self, step: &mut Step<'_, '_>) {
        let gate = self.gate();
        let Self { agreed, sender, outlet, .. } = self;
        sender.set_gate(step, outlet, gate, agreed.as_ref());
    }

    /// Presses keys.
    pub(super) fn press(&mut self, events: &[Event], duration: Duration) -> Result<(), StreamFailure> {
        match self.sender.gate() {
            Gate::Device | Gate::Mix => self.sender.keys_mut().press(events, duration),
            // Nobody hears them, and they are not kept for later (TM-044).
            Gate::Closed | Gate::Hold | Gate::Relay => Err(StreamFailure::NotSending),
        }
    }

    /// Ends the key that is down, drops those that wait (TM-044), and notes where the source stands.
    pub(super) fn prepare(&mut self, step: &mut Step<'_, '_>) {
        self.sender.end_keys(step, &mut self.outlet, self.agreed.as_ref());
        self.marks = Some(self.sender.marks(step.now()));
    }

    /// The one place that says who is sent (TM-001, TM-018).
    fn gate(&self) -> Gate {
        let sends = |agreed: &&Agreed| agreed.remote_valid && agreed.direction.sends();
        let Some(agreed) = self.agreed.as_ref().filter(sends) else { return Gate::Closed };
        match (agreed.held, self.link, self.device) {
            (true, _, _) if self.sender.has_hold_audio() => Gate::Hold,
            (true, _, _) => Gate::Closed,
            (false, Link::Relay { .. }, _) => Gate::Relay,
            (false, Link::Transcode { .. } | Link::Mix(_), _) => Gate::Mix,
            (false, Link::None, Some(_)) => Gate::Device,
            (false, Link::None, None) => Gate::Closed,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Tick> {
        let moved = self.moving.map(|moving| moving.at + MOVE_WAIT);
        let [frame, silent] = [self.sender.next_frame(), self.watchdog.deadline()];
        [frame, silent, self.reporter.deadline(), moved, self.receiver.deadline()].into_iter().flatten().min()
    }

    /// Hears and says what is due.
    pub(super) fn frames(&mut self, step: &mut Step<'_, '_>, speakers: &mut Speakers<'_>) {
        self.play(step, speakers);
        if let Some(agreed) = &self.agreed {
            self.sender.send_frames(step, &mut self.outlet, agreed, speakers);
        }
    }

    fn play(&mut self, step: &mut Step<'_, '_>, speakers: &mut Speakers<'_>) {
        let mut samples = std::mem::take(&mut step.bench.samples);
        while let Some((at, rate, pulled)) = self.receiver.pull(step, &mut samples) {
            if pulled.received > 0 && is_audible(&samples, step.config.silence_level) {
                self.watchdog.sounded(step);
            }
            let device = speakers.device.as_deref_mut();
            match (&mut speakers.mix, device) {
                (None, Some(device)) => device.hear(rate, &samples, at, step.out),
                (Some((mixer, seat)), device) => {
                    mixer.say(seat.stream, rate, &samples);
                    if let (Some(device), Some(seat)) = (device, seat.device) {
                        samples.clear();
                        mixer.hear(seat, rate, PULL_MS, &mut samples);
                        device.hear(rate, &samples, at, step.out);
                    }
                }
                (None, None) => continue,
            }
            if pulled.received > 0 {
                self.heard(step, at);
            }
        }
        step.bench.samples = samples;
    }

    /// Does what is due besides frames.
    pub(super) fn expire(&mut self, step: &mut Step<'_, '_>) {
        self.receiver.expire(step);
        if self.moving.is_some_and(|moving| moving.at + MOVE_WAIT <= step.now()) {
            self.end_move(step);
        }
        self.watchdog.expire(step);
        self.receiver.rest_when_silent(step);
        let Self { agreed, sender, receiver, outlet, .. } = self;
        self.reporter.expire(step, &mut Parts { agreed: agreed.as_ref(), sender, receiver, outlet });
    }

    /// Takes a datagram of one of the stream's sockets. What is to pass to the paired stream is given to `pass`.
    pub(super) fn receive(
        &mut self,
        step: &mut Step<'_, '_>,
        kind: PacketKind,
        source: SocketAddr,
        datagram: &[u8],
        pass: impl FnOnce(&mut Step<'_, '_>, &Received<'_>),
    ) {
        let muxed = self.agreed.as_ref().is_some_and(|agreed| agreed.rtcp_mux);
        let rtcp = match (Incoming::of(datagram), kind) {
            (Incoming::Stun, _) => return self.foreign.stun += 1,
            (Incoming::Dtls, _) => return self.foreign.dtls += 1,
            (Incoming::Rtcp, PacketKind::Rtp) if muxed => true,
            (_, PacketKind::Rtcp) => true,
            (Incoming::Rtp | Incoming::Rtcp, PacketKind::Rtp) => false,
            (Incoming::Other, PacketKind::Rtp) => return self.foreign.other += 1,
        };
        let admitted = if rtcp {
            self.receiver.admission.admits_rtcp(self.outlet.takes_rtcp_from(source))
        } else {
            self.receiver.admission.may_admit(source, step.now())
        };
        if !admitted {
            return;
        }
        if !self.receiver.is_secured() {
            return if rtcp {
                self.receive_rtcp(step, source, datagram);
            } else {
                self.receive_rtp(step, source, datagram, pass);
            };
        }
        let mut packet = std::mem::take(&mut step.bench.incoming);
        packet.clear();
        packet.extend_from_slice(datagram);
        if let Some(length) = self.receiver.open_packet(step, rtcp, &mut packet) {
            let opened = packet.get(..length).unwrap_or_default();
            if rtcp {
                self.receive_rtcp(step, source, opened);
            } else {
                self.receive_rtp(step, source, opened, pass);
            }
        }
        step.bench.incoming = packet;
    }

    fn receive_rtp(
        &mut self,
        step: &mut Step<'_, '_>,
        source: SocketAddr,
        bytes: &[u8],
        pass: impl FnOnce(&mut Step<'_, '_>, &Received<'_>),
    ) {
        let Ok(packet) = RtpPacket::parse(bytes) else {
            self.receiver.malformed += 1;
            return;
        };
        let mut notices = [None; 3];
        let mut count = 0;
        let received = self.receiver.take(step, self.sender.ssrc, source, &packet, &mut |notice| {
            if let Some(place) = notices.get_mut(count) {
                *place = Some(notice);
                count += 1;
            }
        });
        for notice in notices.into_iter().flatten() {
            match notice {
                Notice::Learned(address) => self.outlet.learned(address),
                Notice::Collision => self.collide(step),
                Notice::Changed => self.reporter.forget_source(),
            }
        }
        let Some(received) = received else { return };
        self.outlet.confirmed(source);
        if !self.agreed.as_ref().is_some_and(|agreed| agreed.direction.receives()) {
            return;
        }
        self.watchdog.arrived(step);
        if let Link::Relay { .. } = self.link {
            if received.arrival != Arrival::Jump && !received.copy {
                self.receiver.collect(step, &received);
                pass(step, &received);
            }
            return;
        }
        let beat = self.sender.next_frame();
        self.receiver.put(step, &received, beat);
    }

    /// Sends what the paired stream received. False for audio of another codec than ours, and for events that our peer does
    /// not take as they are: they cannot pass.
    pub(super) fn pass_on(&mut self, step: &mut Step<'_, '_>, received: &Received<'_>) -> bool {
        let Some(agreed) = &self.agreed else { return true };
        if received.arrival == Arrival::Restarted {
            self.sender.relay_anew();
        }
        let payload_type = match received.kind {
            Payload::Audio(codec) if codec == agreed.codec => Some(agreed.payload_type),
            Payload::Noise => agreed.comfort_noise_payload_type,
            Payload::Event { clock_rate } if clock_rate == agreed.dtmf_clock_rate => agreed.dtmf_payload_type,
            Payload::Audio(_) | Payload::Event { .. } | Payload::Unknown => None,
        };
        if let Some(payload_type) = payload_type {
            self.sender.relay(step, &mut self.outlet, agreed, received, payload_type);
        } else {
            self.sender.leave_out(&received.header);
        }
        payload_type.is_some() || matches!(received.kind, Payload::Noise | Payload::Unknown)
    }

    /// The paired stream receives nothing for now: what comes later is as of another source, and a key that is down there
    /// is released here (TM-023).
    pub(super) fn rest_relay(&mut self, step: &mut Step<'_, '_>) {
        self.sender.end_relay(step, &mut self.outlet, self.agreed.as_ref());
    }

    /// Tells the event that is received, which is over as far as the pair is concerned; late packets of it are ignored.
    pub(super) fn end_event(&mut self, step: &mut Step<'_, '_>) {
        self.receiver.end_event(step);
    }

    fn receive_rtcp(&mut self, step: &mut Step<'_, '_>, source: SocketAddr, bytes: &[u8]) {
        let Ok(packets) = parse_compound(bytes) else {
            self.receiver.malformed += 1;
            return;
        };
        if packets.iter().any(|packet| packet.reporter() == Some(self.sender.ssrc)) {
            if self.receiver.collides(step, source) {
                self.collide(step);
            }
            return;
        }
        self.outlet.heard_rtcp(source);
        self.reporter.receive(step, self.sender.ssrc, &mut self.receiver, &packets, bytes.len());
    }

    /// The peer uses our SSRC (RFC 3550 §8.2): say BYE for it and take another.
    fn collide(&mut self, step: &mut Step<'_, '_>) {
        self.bye(step);
        let random = step.random();
        self.sender.change_ssrc(random);
    }

    fn bye(&mut self, step: &mut Step<'_, '_>) {
        let Self { agreed, sender, receiver, outlet, .. } = self;
        self.reporter.bye(step, &mut Parts { agreed: agreed.as_ref(), sender, receiver, outlet });
    }

    /// A device came from another stream.
    pub(super) fn moved_here(&mut self, step: &mut Step<'_, '_>, from: StreamId) {
        self.moving = Some(Moving { from, at: step.now() });
        self.sender.hurry();
        self.watchdog.moved_here(step.now());
    }

    /// The device that was moved here heard its first audio (TM-017).
    fn heard(&mut self, step: &mut Step<'_, '_>, at: Tick) {
        if let Some(moving) = self.moving.take() {
            let gap = Some(at.since(moving.at));
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
        self.receiver.end_digits(step);
        self.end_move(step);
        self.sender.set_gate(step, &mut self.outlet, Gate::Closed, self.agreed.as_ref());
        self.bye(step);
        let rtt = self.reporter.rtt;
        self.reporter.meter.end(step, self.agreed.as_ref(), &self.receiver, rtt);
        step.tell(StreamEvent::Summary(Box::new(self.summary(step))));
    }

    fn summary(&self, step: &Step<'_, '_>) -> StreamSummary {
        let sources = &self.receiver.sources;
        let lost = sources.total_lost();
        let expected = i64::try_from(sources.received).unwrap_or(i64::MAX).saturating_add(lost);
        let loss = if expected > 0 { lost.max(0) as f64 * 100.0 / expected as f64 } else { 0.0 };
        let (agreed, rtt) = (self.agreed.as_ref(), self.reporter.rtt);
        let r = meter::r_factor(step, agreed, self.receiver.playout_delay(), loss, rtt);
        let mos =
            agreed.map_or_else(|| crate::emodel::mos(r), |agreed| step.config.profile(agreed.codec).mos(r));
        let (local, remote) = self.reporter.meter.summaries(step);
        StreamSummary {
            stream: self.id,
            ssrc: self.sender.ssrc,
            sent: self.sender.packets,
            received: sources.received,
            lost,
            late: self.receiver.late,
            jitter_ms: sources.jitter_ms().unwrap_or(0.0),
            max_jitter_ms: sources.max_jitter_ms(),
            rtt,
            mos: (sources.received > 0).then_some(mos),
            local,
            remote,
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
            remote_ssrc: sources.current().map(Reception::ssrc),
            device: self.device,
            paired: self.link.pair(),
            direction: agreed.map(|agreed| agreed.direction),
            codec: agreed.map(|agreed| agreed.codec),
            remote: self.outlet.rtp().or(agreed.map(|agreed| agreed.remote_rtp)),
            secured: self.receiver.is_secured(),
            sending: self.sender.gate() != Gate::Closed,
            flowing: self.watchdog.is_flowing(),
            sent: self.sender.packets,
            octets_sent: self.sender.octets,
            withheld: self.outlet.withheld,
            received: sources.received,
            octets_received: sources.octets,
            lost: sources.total_lost(),
            late: self.receiver.late,
            playout: self.receiver.playout().report(),
            reports_sent: self.reporter.sent,
            reports_received: self.reporter.received,
            strangers: self.receiver.admission.strangers,
            intruders: sources.intruders,
            unauthentic: self.receiver.unauthentic,
            malformed: self.receiver.malformed,
            looped: self.receiver.looped,
            ignored_digits: self.receiver.ignored_digits(),
            stun: self.foreign.stun,
            dtls: self.foreign.dtls,
            foreign: self.foreign.other,
            marks: self.marks,
            jitter_ms: sources.jitter_ms(),
            rtt: self.reporter.rtt,
            local: self.reporter.meter.local(),
            remote_quality: self.reporter.meter.remote(),
            first_packet_at: sources.first_packet,
            last_packet_at: sources.last_packet,
        }
    }
}

/// Whether a frame is louder than what an ear takes for silence.
fn is_audible(samples: &[i16], level: f64) -> bool {
    let energy: u64 = samples.iter().map(|&sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
    energy as f64 >= level * level * samples.len() as f64
}
