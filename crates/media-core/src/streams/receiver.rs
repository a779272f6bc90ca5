//! What a stream receives: who may send it, how it is counted, what it means.

mod admission;
mod sources;

use super::device::Device;
use super::names::StreamId;
use super::step::Step;
use crate::codec::{Codec, Decoder};
use crate::dtmf::DigitReceiver;
use crate::negotiation::Agreed;
use crate::reception::Arrival;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::tick::Tick;

pub(super) use admission::Admission;
pub(super) use sources::Sources;

/// What a payload type means on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    Audio(Codec),
    Event,
    Unknown,
}

/// A packet that was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received<'a> {
    pub(super) header: RtpHeader,
    pub(super) payload: &'a [u8],
    pub(super) kind: Payload,
    pub(super) arrival: Arrival,
}

/// Receives what one peer sends.
#[derive(Debug)]
pub(super) struct Receiver {
    stream: StreamId,
    pub(super) admission: Admission,
    pub(super) sources: Sources,
    digits: DigitReceiver,
    decoder: Option<(Codec, Box<dyn Decoder>)>,
    pub(super) late: u64,
    pub(super) malformed: u64,
    pub(super) looped: u64,
}

impl Receiver {
    pub(super) fn open(stream: StreamId) -> Self {
        Self {
            stream,
            admission: Admission::default(),
            sources: Sources::default(),
            digits: DigitReceiver::default(),
            decoder: None,
            late: 0,
            malformed: 0,
            looped: 0,
        }
    }

    /// Reads and counts a packet of the peer's; `None` when it is of no further use.
    pub(super) fn take<'a>(
        &mut self,
        step: &mut Step<'_, '_>,
        agreed: &Agreed,
        packet: &RtpPacket<'a>,
    ) -> Option<Received<'a>> {
        let RtpPacket { header, payload, .. } = *packet;
        let kind = payload_kind(agreed, header.payload_type);
        let audio = matches!(kind, Payload::Audio(_));
        if !self.sources.admit(&header, step.now()) {
            return None;
        }
        if self.sources.has_changed() {
            self.digits.expire(Tick(u64::MAX), &mut step.bench.digits);
            step.tell_digits(self.stream);
            self.digits = DigitReceiver::default();
        }
        let arrival = self.sources.count(&header, payload.len(), step.now(), audio);
        Some(Received { header, payload, kind, arrival })
    }

    /// Plays a packet to the ear, or collects the digit it is part of. Returns true when audio reached the ear.
    pub(super) fn play(
        &mut self,
        step: &mut Step<'_, '_>,
        received: &Received<'_>,
        device: Option<&mut Device>,
    ) -> bool {
        match (received.kind, received.arrival) {
            (_, Arrival::Jump | Arrival::Duplicate) => {}
            (Payload::Unknown, _) => self.malformed += 1,
            (Payload::Event, _) => {
                let timestamp = received.header.timestamp;
                self.digits.receive(timestamp, received.payload, step.now(), &mut step.bench.digits);
                step.tell_digits(self.stream);
            }
            (Payload::Audio(_), Arrival::Older) => self.late += 1,
            (Payload::Audio(codec), Arrival::Newest | Arrival::Restarted) => {
                let Some(device) = device else { return false };
                let mut samples = std::mem::take(&mut step.bench.samples);
                samples.clear();
                let decoded = self.decoder(codec).decode(received.payload, &mut samples).is_ok();
                if decoded {
                    device.hear(codec.sample_rate(), &samples, step.now(), step.out);
                } else {
                    self.malformed += 1;
                }
                step.bench.samples = samples;
                return decoded;
            }
        }
        false
    }

    /// The decoder of a codec; the peer's change to another one begins it anew.
    fn decoder(&mut self, codec: Codec) -> &mut dyn Decoder {
        if self.decoder.as_ref().is_some_and(|(before, _)| *before != codec) {
            self.decoder = None;
        }
        let (_, decoder) = self.decoder.get_or_insert_with(|| (codec, codec.decoder()));
        &mut **decoder
    }

    pub(super) fn deadline(&self) -> Option<Tick> {
        self.digits.deadline()
    }

    /// Ends digits whose end was lost; at `Tick(u64::MAX)` every one.
    pub(super) fn expire(&mut self, step: &mut Step<'_, '_>, now: Tick) {
        self.digits.expire(now, &mut step.bench.digits);
        step.tell_digits(self.stream);
    }
}

/// The static numbers are taken besides the agreed one: the peer may switch to any codec we offered (RFC 3264 §7).
fn payload_kind(agreed: &Agreed, payload_type: u8) -> Payload {
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
