//! What a stream sends: its source, its sequence numbers and timestamps, and from where its frames come.

use std::time::Duration;

use super::clock::MediaClock;
use super::config::HoldAudio;
use super::device::Device;
use super::names::StreamId;
use super::pace::Pace;
use super::receiver::{Payload, Received};
use super::relay::Relay;
use super::step::Step;
use crate::codec::{Codec, Encoder};
use crate::negotiation::Agreed;
use crate::rtp::RtpHeader;
use crate::source::Player;
use crate::tick::Tick;

/// Where the samples of the next frame come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nothing is sent (TM-001).
    Closed,
    Device,
    Hold,
    /// Packets of the paired stream pass as they come.
    Relay,
}

/// Sends one RTP source.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) stream: StreamId,
    pub(super) ssrc: u32,
    sequence: u16,
    clock: MediaClock,
    gate: Gate,
    pace: Pace,
    /// A talkspurt starts with the next packet (TM-007).
    marker: bool,
    hold: Option<Player>,
    encoder: Option<(Codec, Box<dyn Encoder>)>,
    relay: Relay,
    pub(super) packets: u64,
    pub(super) octets: u64,
    pub(super) last_sent: Option<Tick>,
    collided: bool,
}

impl Sender {
    /// Everything about the source is random (RFC 3550 §5.1, TM-004).
    pub(super) fn open(step: &mut Step<'_, '_>, stream: StreamId) -> Self {
        let now = step.now();
        let ssrc = step.random() as u32;
        let sequence = step.random() as u16;
        let timestamp = step.random() as u32;
        Self {
            stream,
            ssrc,
            sequence,
            clock: MediaClock::new(now, timestamp, Codec::CLOCK_RATE),
            gate: Gate::Closed,
            pace: Pace::new(now),
            marker: true,
            hold: step.config.hold_audio.player(),
            encoder: None,
            relay: Relay::default(),
            packets: 0,
            octets: 0,
            last_sent: None,
            collided: false,
        }
    }

    /// Returns true when frames are due, or packets pass.
    pub(super) fn sends(&self) -> bool {
        self.gate != Gate::Closed
    }

    pub(super) fn next_frame(&self) -> Option<Tick> {
        self.pace.next()
    }

    /// The timestamp of a moment, for a report.
    pub(super) fn timestamp(&self, at: Tick) -> u32 {
        self.clock.at(at)
    }

    pub(super) fn has_hold_audio(&self) -> bool {
        self.hold.is_some()
    }

    pub(super) fn set_hold_audio(&mut self, audio: &HoldAudio) {
        self.hold = audio.player();
    }

    /// Another agreement is in force: another codec begins anew, its clock goes on (TM-006).
    pub(super) fn apply(&mut self, now: Tick, agreed: &Agreed) {
        self.clock.set_rate(now.max(self.pace.end()), agreed.codec.clock_rate());
        if self.encoder.as_ref().is_none_or(|(codec, _)| *codec != agreed.codec) {
            self.encoder = Some((agreed.codec, agreed.codec.encoder()));
        }
    }

    /// Changes where the frames come from; the one before ends in good order.
    pub(super) fn set_gate(&mut self, step: &mut Step<'_, '_>, gate: Gate, agreed: Option<&Agreed>) {
        match gate {
            Gate::Closed | Gate::Relay => self.pace.stop(),
            Gate::Device | Gate::Hold => self.pace.start(step.now(), step.config.frame_grid),
        }
        if gate != self.gate {
            if self.gate == Gate::Relay {
                self.end_relay(step, agreed);
            }
            // A pause or another source: a talkspurt starts (TM-007).
            self.marker = true;
            self.gate = gate;
        }
    }

    /// Sends every frame whose moment has come.
    pub(super) fn send_frames(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: &Agreed,
        mut device: Option<&mut Device>,
    ) {
        let frame = Duration::from_millis(u64::from(agreed.ptime_ms));
        let (rate, milliseconds) = (agreed.codec.sample_rate(), u32::from(agreed.ptime_ms));
        while let Some(due) = self.pace.take(step.now(), frame) {
            let mut samples = std::mem::take(&mut step.bench.samples);
            samples.clear();
            match self.gate {
                Gate::Device => {
                    if let Some(device) = &mut device {
                        device.pull(rate, milliseconds, due.at, &mut samples, step.out);
                    }
                }
                Gate::Hold => {
                    if let Some(player) = &mut self.hold {
                        player.pull(rate, milliseconds, &mut samples);
                    }
                }
                Gate::Closed | Gate::Relay => {}
            }
            self.marker |= due.skipped;
            self.send_audio(step, agreed, due.at, &samples);
            step.bench.samples = samples;
        }
    }

    fn send_audio(&mut self, step: &mut Step<'_, '_>, agreed: &Agreed, at: Tick, samples: &[i16]) {
        let mut payload = std::mem::take(&mut step.bench.payload);
        payload.clear();
        if let Some((_, encoder)) = &mut self.encoder {
            encoder.encode(samples, &mut payload);
        }
        let header = RtpHeader {
            marker: std::mem::take(&mut self.marker),
            payload_type: agreed.payload_type,
            sequence: self.sequence,
            timestamp: self.clock.at(at),
            ssrc: self.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.send(step, agreed, &header, &payload, at);
        step.bench.payload = payload;
    }

    fn send(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: &Agreed,
        header: &RtpHeader,
        payload: &[u8],
        due: Tick,
    ) {
        step.send_rtp(self.stream, agreed.remote_rtp, header, payload, due);
        self.packets += 1;
        self.octets += payload.len() as u64;
        self.last_sent = Some(step.now());
    }

    /// Takes another source because the peer uses ours (RFC 3550 §8.2). When it happens again it is a loop, not chance,
    /// and false is returned.
    pub(super) fn collide(&mut self) -> bool {
        !std::mem::replace(&mut self.collided, true)
    }

    pub(super) fn change_ssrc(&mut self, random: u64) {
        let old = self.ssrc;
        self.ssrc = random as u32;
        if self.ssrc == old {
            self.ssrc = !old;
        }
        self.marker = true;
    }

    /// Passes on a packet of the paired stream, as one continuous source (TM-022).
    pub(super) fn relay(
        &mut self,
        step: &mut Step<'_, '_>,
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
        self.sequence = place.next;
        if *kind == Payload::Event {
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
        self.send(step, agreed, &relayed, payload, now);
    }

    /// The paired stream's source has begun anew.
    pub(super) fn relay_anew(&mut self) {
        self.relay.forget_source();
    }

    /// An event that is cut off gets its end (TM-023).
    fn end_relay(&mut self, step: &mut Step<'_, '_>, agreed: Option<&Agreed>) {
        let event = self.relay.end();
        let sendable = agreed.filter(|agreed| agreed.remote_valid);
        let (Some((timestamp, payload)), Some(agreed)) = (event, sendable) else { return };
        let Some(payload_type) = agreed.dtmf_payload_type else { return };
        // Three times, because one may be lost (RFC 4733 §2.5.1.4).
        for _ in 0..3 {
            let header = RtpHeader {
                marker: false,
                payload_type,
                sequence: self.sequence,
                timestamp,
                ssrc: self.ssrc,
            };
            self.sequence = self.sequence.wrapping_add(1);
            self.send(step, agreed, &header, &payload, step.now());
        }
    }
}
