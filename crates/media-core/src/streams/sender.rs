//! What a stream sends: its source, its sequence numbers and timestamps, and from where its frames come.

use std::time::Duration;

use super::clock::MediaClock;
use super::config::HoldAudio;
use super::device::Device;
use super::figures::ContinuityMarks;
use super::keys::Keys;
use super::moments::{Moment, Patience};
use super::outlet::Outlet;
use super::pace::Pace;
use super::receiver::{Payload, Received};
use super::relay::Relay;
use super::seat::Seat;
use super::step::Step;
use super::voice::Voice;
use crate::codec::Codec;
use crate::dtmf::Slot;
use crate::mixer::Mixer;
use crate::negotiation::Agreed;
use crate::rtp::RtpHeader;
use crate::source::Player;
use crate::tick::Tick;

/// The first sequence number is below this, so that a receiver of SRTP that misses the first packets finds the roll-over
/// counter all the same (RFC 3711 §3.3.1).
const FIRST_SEQUENCE: u16 = 1 << 15;

/// Where the samples of the next frame come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nothing is sent (TM-001).
    Closed,
    Device,
    Hold,
    /// Packets of the paired stream pass as they come.
    Relay,
    /// What the others of a mix say.
    Mix,
}

/// Sends one RTP source.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) ssrc: u32,
    sequence: u16,
    clock: MediaClock,
    gate: Gate,
    pace: Pace,
    /// The moment that the pace has taken.
    moment: Option<Moment>,
    /// Somebody waits for the next frame.
    awaited: bool,
    /// A talkspurt starts with the next packet (TM-007).
    marker: bool,
    hold: Option<Player>,
    voice: Voice,
    keys: Keys,
    relay: Relay,
    pub(super) packets: u64,
    pub(super) octets: u64,
    /// What was sent under sources that were given up: reports count from zero then (RFC 3550 §8.2).
    former: (u64, u64),
    pub(super) last_sent: Option<Tick>,
}

/// What a frame is taken from, besides hold audio.
pub(super) struct Speakers<'a> {
    pub(super) device: Option<&'a mut Device>,
    pub(super) mix: Option<(&'a mut Mixer, Seat)>,
}

impl Sender {
    /// Everything about the source is random (RFC 3550 §5.1, TM-004).
    pub(super) fn open(step: &mut Step<'_, '_>) -> Self {
        let now = step.now();
        let ssrc = step.random() as u32;
        let sequence = step.random() as u16 % FIRST_SEQUENCE;
        let timestamp = step.random() as u32;
        Self {
            ssrc,
            sequence,
            clock: MediaClock::new(now, timestamp, Codec::CLOCK_RATE),
            gate: Gate::Closed,
            pace: Pace::new(now),
            moment: None,
            awaited: false,
            marker: true,
            hold: step.config.hold_audio.player(),
            voice: Voice::default(),
            keys: Keys::default(),
            relay: Relay::default(),
            packets: 0,
            octets: 0,
            former: (0, 0),
            last_sent: None,
        }
    }

    pub(super) fn gate(&self) -> Gate {
        self.gate
    }

    pub(super) fn next_frame(&self) -> Option<Tick> {
        self.pace.next()
    }

    /// The timestamp of a moment, for a report.
    pub(super) fn timestamp(&self, at: Tick) -> u32 {
        self.clock.at(at)
    }

    /// Where the source stands.
    pub(super) fn marks(&self, at: Tick) -> ContinuityMarks {
        ContinuityMarks { at, ssrc: self.ssrc, sequence: self.sequence, timestamp: self.timestamp(at) }
    }

    pub(super) fn has_hold_audio(&self) -> bool {
        self.hold.is_some()
    }

    pub(super) fn set_hold_audio(&mut self, audio: &HoldAudio) {
        self.hold = audio.player();
    }

    /// The digits that are to be sent.
    pub(super) fn keys_mut(&mut self) -> &mut Keys {
        &mut self.keys
    }

    /// Another agreement is in force: another codec begins anew, its clock goes on (TM-006).
    pub(super) fn apply(&mut self, now: Tick, agreed: &Agreed) {
        self.clock.set_rate(now.max(self.pace.end()), agreed.codec.clock_rate());
        self.voice.apply(agreed);
        self.keys.apply(agreed);
    }

    /// A device was switched to this stream: its first frame does not wait for a better moment.
    pub(super) fn hurry(&mut self) {
        self.awaited = true;
    }

    /// Changes where the frames come from; what is on its way from the one before ends in good order, as the agreement
    /// until now lets it.
    pub(super) fn set_gate(
        &mut self,
        step: &mut Step<'_, '_>,
        outlet: &mut Outlet,
        gate: Gate,
        before: Option<&Agreed>,
    ) {
        if gate == self.gate {
            return;
        }
        match self.gate {
            Gate::Relay => self.end_relay(step, outlet, before),
            Gate::Device | Gate::Mix => self.end_keys(step, outlet, before),
            Gate::Closed | Gate::Hold => {}
        }
        match gate {
            Gate::Closed | Gate::Relay => {
                self.pace.stop();
                if let Some(moment) = self.moment.take() {
                    step.bench.moments.leave(moment);
                }
            }
            Gate::Device | Gate::Hold | Gate::Mix if self.moment.is_none() => {
                let awaited = std::mem::take(&mut self.awaited) || self.packets > 0;
                let patience = if awaited { Patience::Switch } else { Patience::Frame };
                let (at, moment) = step.bench.moments.take(self.pace.ready(step.now()), patience);
                self.pace.start(at);
                self.moment = Some(moment);
            }
            Gate::Device | Gate::Hold | Gate::Mix => {}
        }
        // A pause or another source: a talkspurt starts (TM-007).
        self.marker = true;
        self.gate = gate;
    }

    /// Sends every frame whose moment has come.
    pub(super) fn send_frames(
        &mut self,
        step: &mut Step<'_, '_>,
        outlet: &mut Outlet,
        agreed: &Agreed,
        speakers: &mut Speakers<'_>,
    ) {
        let frame = Duration::from_millis(u64::from(agreed.ptime_ms));
        while let Some(due) = self.pace.take(step.now(), frame) {
            let mut samples = std::mem::take(&mut step.bench.samples);
            samples.clear();
            let muted = self.fill(step, agreed, speakers, due.at, &mut samples);
            self.marker |= due.skipped;
            self.send_frame(step, outlet, agreed, due.at, &mut samples, muted);
            step.bench.samples = samples;
        }
    }

    /// Appends the samples of a frame; true when the microphone is muted.
    fn fill(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: &Agreed,
        speakers: &mut Speakers<'_>,
        at: Tick,
        samples: &mut Vec<i16>,
    ) -> bool {
        let (rate, milliseconds) = (agreed.codec.sample_rate(), u32::from(agreed.ptime_ms));
        let device = speakers.device.as_deref_mut();
        match self.gate {
            Gate::Device => {
                let Some(device) = device else { return false };
                device.pull(rate, milliseconds, at, samples, step.out);
                return device.is_muted();
            }
            Gate::Hold => {
                if let Some(player) = &mut self.hold {
                    player.pull(rate, milliseconds, samples);
                }
            }
            Gate::Mix => {
                let Some((mixer, seat)) = &mut speakers.mix else { return false };
                if let (Some(device), Some(seat)) = (device, seat.device) {
                    device.pull(rate, milliseconds, at, samples, step.out);
                    mixer.say(seat, rate, samples);
                    samples.clear();
                }
                mixer.hear(seat.stream, rate, milliseconds, samples);
            }
            Gate::Closed | Gate::Relay => {}
        }
        false
    }

    fn send_frame(
        &mut self,
        step: &mut Step<'_, '_>,
        outlet: &mut Outlet,
        agreed: &Agreed,
        at: Tick,
        samples: &mut [i16],
        muted: bool,
    ) {
        let mut events = std::mem::take(&mut step.bench.events);
        events.clear();
        let slot = self.keys.frame(self.clock, at, agreed, samples, &mut events);
        for event in events.drain(..) {
            self.send_event(step, outlet, agreed, event, at);
        }
        step.bench.events = events;
        if slot == Slot::Event {
            return;
        }
        let mut payload = std::mem::take(&mut step.bench.payload);
        payload.clear();
        if let Some(payload_type) = self.voice.encode(agreed, samples, muted, &mut payload) {
            // Comfort noise begins no talkspurt; the speech behind it does (TM-020).
            let noise = Some(payload_type) == agreed.comfort_noise_payload_type;
            let marker = !noise && std::mem::take(&mut self.marker);
            self.marker |= noise;
            let header = self.header(marker, payload_type, self.clock.at(at));
            self.send_next(step, outlet, &header, &payload, at);
        }
        step.bench.payload = payload;
    }

    /// The header of the packet of the next number.
    fn header(&self, marker: bool, payload_type: u8, timestamp: u32) -> RtpHeader {
        RtpHeader { marker, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc }
    }

    /// Sends the packet of the next number. One that is withheld leaves no number out (TM-005), and a talkspurt starts behind
    /// it.
    fn send_next(
        &mut self,
        step: &mut Step<'_, '_>,
        outlet: &mut Outlet,
        header: &RtpHeader,
        payload: &[u8],
        due: Tick,
    ) {
        if self.send(step, outlet, header, payload, due) {
            self.sequence = self.sequence.wrapping_add(1);
        } else {
            self.marker = true;
        }
    }

    /// Returns false when the packet was withheld.
    fn send(
        &mut self,
        step: &mut Step<'_, '_>,
        outlet: &mut Outlet,
        header: &RtpHeader,
        payload: &[u8],
        due: Tick,
    ) -> bool {
        let sent = outlet.send_rtp(step, header, payload, due);
        if sent {
            self.packets += 1;
            self.octets += payload.len() as u64;
            self.last_sent = Some(step.now());
        }
        sent
    }

    fn send_event(
        &mut self,
        step: &mut Step<'_, '_>,
        outlet: &mut Outlet,
        agreed: &Agreed,
        event: crate::dtmf::EventPacket,
        due: Tick,
    ) {
        let Some(payload_type) = agreed.dtmf_payload_type else { return };
        let header = self.header(event.marker, payload_type, event.timestamp);
        self.send_next(step, outlet, &header, &event.payload, due);
    }

    /// Ends, as the agreement before lets it, the events that cannot go on under another one.
    pub(super) fn end_events(
        &mut self,
        step: &mut Step<'_, '_>,
        outlet: &mut Outlet,
        before: Option<&Agreed>,
        agreed: &Agreed,
    ) {
        if before.is_some_and(|before| before.event_clock() != agreed.event_clock()) {
            self.end_keys(step, outlet, before);
            self.end_relay(step, outlet, before);
        }
    }

    /// Drops digits that wait; a running event gets its end (TM-044).
    pub(super) fn end_keys(&mut self, step: &mut Step<'_, '_>, outlet: &mut Outlet, before: Option<&Agreed>) {
        let mut events = std::mem::take(&mut step.bench.events);
        events.clear();
        self.keys.cancel(&mut events);
        if let Some(agreed) = before.filter(|agreed| agreed.remote_valid) {
            for event in events.drain(..) {
                let now = step.now();
                self.send_event(step, outlet, agreed, event, now);
            }
        }
        step.bench.events = events;
    }

    /// Takes another source: the peer uses ours (RFC 3550 §8.2). What is sent is counted from zero.
    pub(super) fn change_ssrc(&mut self, random: u64) {
        let old = self.ssrc;
        self.ssrc = random as u32;
        if self.ssrc == old {
            self.ssrc = !old;
        }
        self.former = (self.packets, self.octets);
        self.marker = true;
    }

    /// The packets and payload bytes of the source as it is now.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.packets - self.former.0, self.octets - self.former.1)
    }

    /// Passes on a packet of the paired stream, as one continuous source (TM-022).
    pub(super) fn relay(
        &mut self,
        step: &mut Step<'_, '_>,
        outlet: &mut Outlet,
        agreed: &Agreed,
        received: &Received<'_>,
        payload_type: u8,
    ) {
        if self.gate != Gate::Relay {
            return;
        }
        let Received { header, payload, kind, .. } = received;
        let now = step.now();
        let next = (self.sequence, self.clock.at(now.max(self.pace.end())));
        let Some(place) = self.relay.place(header, next) else { return };
        if matches!(kind, Payload::Event { .. }) {
            self.relay.note_event(place.timestamp, payload);
        } else if place.newest {
            self.clock.set(now, place.timestamp);
            self.pace.passed(now + Duration::from_millis(u64::from(agreed.ptime_ms)));
        }
        let relayed = RtpHeader {
            marker: std::mem::take(&mut self.marker) || place.first || header.marker,
            payload_type,
            sequence: place.sequence,
            timestamp: place.timestamp,
            ssrc: self.ssrc,
        };
        if self.send(step, outlet, &relayed, payload, now) {
            self.sequence = place.next;
        } else if place.newest {
            // What passes next follows what was sent last.
            self.relay.forget_source();
        }
    }

    /// A packet of the paired stream does not pass.
    pub(super) fn leave_out(&mut self, header: &RtpHeader) {
        self.relay.leave_out(header);
    }

    /// The paired stream's source has begun anew.
    pub(super) fn relay_anew(&mut self) {
        self.relay.forget_source();
    }

    /// An event that is cut off gets its end (TM-023).
    pub(super) fn end_relay(
        &mut self,
        step: &mut Step<'_, '_>,
        outlet: &mut Outlet,
        before: Option<&Agreed>,
    ) {
        let end = self.relay.end();
        let Some(agreed) = before.filter(|agreed| agreed.remote_valid) else { return };
        for event in end.into_iter().flatten() {
            let now = step.now();
            self.send_event(step, outlet, agreed, event, now);
        }
    }
}
