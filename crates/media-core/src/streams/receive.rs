//! Received RTP: who may send it, how it is counted, whose ear it reaches.

use std::net::SocketAddr;

use super::device::Device;
use super::session::Session;
use super::values::{StreamEvent, StreamOutput, StreamsConfig};
use crate::codec::Codec;
use crate::dtmf::{Digit, DigitReceiver};
use crate::reception::{Arrival, Reception};
use crate::rtp::{RtpHeader, RtpPacket};
use crate::tick::{Cx, Tick};

/// The longest payload that is played: 200 ms. Nobody sends more, and one packet must not fill an ear.
const MAX_AUDIO_BYTES: usize = 1_600;

/// What a payload type means on a stream.
enum Payload {
    Audio(Codec),
    Event,
    Unknown,
}

impl Session {
    pub(super) fn receive_rtp(
        &mut self,
        config: &StreamsConfig,
        cx: &mut Cx<'_>,
        source: SocketAddr,
        bytes: &[u8],
        device: Option<&mut Device>,
        out: &mut Vec<StreamOutput>,
    ) {
        if !self.accepts_rtp(source, cx.now) {
            self.strangers += 1;
            return;
        }
        let Ok(packet) = RtpPacket::parse(bytes) else {
            self.malformed += 1;
            return;
        };
        let header = packet.header;
        if header.ssrc == self.ssrc {
            self.collide(config, cx, out);
            return;
        }
        let payload = self.payload(header.payload_type);
        if matches!(payload, Payload::Audio(_)) && packet.payload.len() > MAX_AUDIO_BYTES {
            self.malformed += 1;
            return;
        }
        self.source_active = Some(cx.now);
        let timed = matches!(payload, Payload::Audio(_));
        let arrival = self.count(&header, packet.payload.len(), cx.now, timed, out);
        let receives = self.agreed.as_ref().is_some_and(|agreed| agreed.direction.receives());
        if receives {
            self.flow(cx.now, out);
        }
        match (payload, arrival) {
            (_, Arrival::Jump | Arrival::Duplicate) => {}
            (Payload::Unknown, _) => self.malformed += 1,
            (Payload::Event, _) => {
                if receives {
                    let mut digits = Vec::new();
                    self.digits.receive(header.timestamp, packet.payload, cx.now, &mut digits);
                    self.push_digits(&digits, out);
                }
            }
            (Payload::Audio(_), Arrival::Older) => self.late += 1,
            (Payload::Audio(codec), Arrival::Newest | Arrival::Restarted) => {
                if let Some(device) = device.filter(|_| receives) {
                    let mut samples = Vec::with_capacity(packet.payload.len());
                    if codec.decode(packet.payload, &mut samples).is_err() {
                        self.malformed += 1;
                        return;
                    }
                    device.hear(&samples, cx.now);
                    self.heard(cx.now, out);
                }
            }
        }
    }

    /// Only the negotiated address and port count, and for a while the ones before (SEC-40, TM-014).
    fn accepts_rtp(&mut self, source: SocketAddr, now: Tick) -> bool {
        let Some(agreed) = self.agreed.as_ref().filter(|agreed| agreed.remote_valid) else { return false };
        if source == agreed.remote_rtp {
            self.previous = None;
            return true;
        }
        self.previous.is_some_and(|(address, until)| address == source && now < until)
    }

    /// The static numbers are taken besides the agreed one: the peer may switch to any codec we offered (RFC 3264 §7).
    fn payload(&self, payload_type: u8) -> Payload {
        let Some(agreed) = &self.agreed else { return Payload::Unknown };
        if payload_type == agreed.payload_type {
            Payload::Audio(agreed.codec)
        } else if Some(payload_type) == agreed.dtmf_payload_type {
            Payload::Event
        } else {
            Codec::from_static_payload_type(payload_type)
                .filter(|codec| Codec::ALL.contains(codec))
                .map_or(Payload::Unknown, Payload::Audio)
        }
    }

    fn count(
        &mut self,
        header: &RtpHeader,
        bytes: usize,
        now: Tick,
        timed: bool,
        out: &mut Vec<StreamOutput>,
    ) -> Arrival {
        if self.reception.as_ref().is_none_or(|reception| reception.ssrc() != header.ssrc) {
            self.change_source(header, out);
        }
        let reception = self.reception.get_or_insert_with(|| Reception::new(header.ssrc, header.sequence));
        let lost_before = reception.lost();
        let arrival = reception.receive(header, now, timed);
        if arrival == Arrival::Restarted {
            self.lost += lost_before;
        }
        if arrival != Arrival::Jump {
            self.received += 1;
            self.octets_received += bytes as u64;
        }
        self.first_packet.get_or_insert(now);
        self.last_packet = Some(now);
        arrival
    }

    /// The peer began with another source: counting starts anew, the totals stay.
    fn change_source(&mut self, header: &RtpHeader, out: &mut Vec<StreamOutput>) {
        if let Some(gone) = self.reception.replace(Reception::new(header.ssrc, header.sequence)) {
            self.lost += gone.lost();
            self.max_jitter_ms = self.max_jitter_ms.max(gone.max_jitter_ms());
            self.last_sr = None;
            let mut digits = Vec::new();
            self.digits.expire(Tick(u64::MAX), &mut digits);
            self.push_digits(&digits, out);
            self.digits = DigitReceiver::default();
        }
    }

    fn flow(&mut self, now: Tick, out: &mut Vec<StreamOutput>) {
        if !self.flowing {
            self.flowing = true;
            if self.agreed.as_ref().is_some_and(Self::expects_rtp) {
                self.expecting = self.expecting.or(Some(now));
            }
            out.push(StreamOutput::Event(StreamEvent::Flowing { stream: self.id, at: now }));
        }
    }

    /// The device that was moved here heard its first audio (TM-017).
    fn heard(&mut self, now: Tick, out: &mut Vec<StreamOutput>) {
        if let Some(moving) = self.moving.take() {
            let gap = Some(now.since(moving.at));
            out.push(StreamOutput::Event(StreamEvent::Moved { from: moving.from, to: self.id, gap }));
        }
    }

    pub(super) fn push_digits(&self, digits: &[Digit], out: &mut Vec<StreamOutput>) {
        out.extend(digits.iter().map(|&Digit { digit, duration_ms }| {
            StreamOutput::Event(StreamEvent::Digit { stream: self.id, digit, duration_ms })
        }));
    }

    /// The peer uses our SSRC (RFC 3550 §8.2): say BYE for it and take another. When it happens again it is a loop, not
    /// chance, and the packets are only counted.
    fn collide(&mut self, config: &StreamsConfig, cx: &mut Cx<'_>, out: &mut Vec<StreamOutput>) {
        self.looped += 1;
        if self.collided {
            return;
        }
        self.collided = true;
        self.send_bye(config, cx, out);
        let old = self.ssrc;
        self.ssrc = (cx.random)() as u32;
        if self.ssrc == old {
            self.ssrc = !old;
        }
        self.marker = true;
    }
}
