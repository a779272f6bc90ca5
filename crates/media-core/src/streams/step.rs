//! What one step works with: the settings, the moment, room to work in, and the out-list.

use std::net::SocketAddr;

use super::arena::Arena;
use super::config::StreamsConfig;
use super::moments::Moments;
use super::names::{PacketKind, StreamId};
use super::output::{StreamEvent, StreamOutput};
use crate::dtmf::{Digit, Event, EventPacket};
use crate::quality::SilenceChange;
use crate::tick::{Cx, Tick};

/// Holds what all streams share: the moments at which they send, and buffers, so that a warm step allocates nothing.
#[derive(Debug)]
pub(super) struct Bench {
    arena: Arena,
    pub(super) moments: Moments,
    /// Samples of the frame that is sent or heard.
    pub(super) samples: Vec<i16>,
    /// The payload that is sent.
    pub(super) payload: Vec<u8>,
    packet: Vec<u8>,
    /// A packet that was received, to be opened in place.
    pub(super) incoming: Vec<u8>,
    pub(super) digits: Vec<Digit>,
    pub(super) events: Vec<EventPacket>,
    pub(super) silences: Vec<SilenceChange>,
}

impl Bench {
    pub(super) fn new(config: &StreamsConfig) -> Self {
        Self {
            arena: Arena::new(),
            moments: Moments::new(config.frame_grid),
            samples: Vec::new(),
            payload: Vec::new(),
            packet: Vec::new(),
            incoming: Vec::new(),
            digits: Vec::new(),
            events: Vec::new(),
            silences: Vec::new(),
        }
    }

    /// Writes the packet that is to be sent next.
    pub(super) fn packet(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Vec<u8> {
        self.packet.clear();
        write(&mut self.packet);
        &mut self.packet
    }
}

/// Holds what one step works with.
pub(super) struct Step<'a, 'c> {
    pub(super) config: &'a StreamsConfig,
    pub(super) cx: &'a mut Cx<'c>,
    pub(super) bench: &'a mut Bench,
    pub(super) out: &'a mut Vec<StreamOutput>,
}

impl Step<'_, '_> {
    pub(super) fn now(&self) -> Tick {
        self.cx.now
    }

    pub(super) fn random(&mut self) -> u64 {
        (self.cx.random)()
    }

    pub(super) fn tell(&mut self, event: StreamEvent) {
        self.out.push(StreamOutput::Event(event));
    }

    /// Tells the digits that have ended.
    pub(super) fn tell_digits(&mut self, stream: StreamId) {
        let digits = self.bench.digits.drain(..);
        self.out.extend(digits.filter_map(|Digit { digit, duration_ms }| {
            let digit = Event::from_char(digit)?;
            Some(StreamOutput::Event(StreamEvent::Digit { stream, digit, duration_ms }))
        }));
    }

    /// Sends what [`Bench::packet`] wrote last.
    pub(super) fn send(&mut self, stream: StreamId, kind: PacketKind, to: SocketAddr, due: Tick) {
        let packet = self.bench.arena.put(&self.bench.packet);
        self.out.push(StreamOutput::Send { stream, kind, to, packet, due });
    }
}
