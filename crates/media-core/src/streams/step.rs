//! What one step works with: the settings, the moment, room to work in, and the out-list.

use super::arena::Arena;
use super::config::StreamsConfig;
use super::names::{PacketKind, StreamId};
use super::output::{StreamEvent, StreamOutput};
use crate::dtmf::Digit;
use crate::rtp::RtpHeader;
use crate::tick::{Cx, Tick};

/// Holds buffers that all streams share, so that a warm step allocates nothing.
#[derive(Debug)]
pub(super) struct Bench {
    arena: Arena,
    /// Samples of the frame that is sent or heard.
    pub(super) samples: Vec<i16>,
    /// The payload that is sent.
    pub(super) payload: Vec<u8>,
    packet: Vec<u8>,
    pub(super) digits: Vec<Digit>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            arena: Arena::new(),
            samples: Vec::new(),
            payload: Vec::new(),
            packet: Vec::new(),
            digits: Vec::new(),
        }
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
        self.out.extend(digits.map(|Digit { digit, duration_ms }| {
            StreamOutput::Event(StreamEvent::Digit { stream, digit, duration_ms })
        }));
    }

    pub(super) fn send_rtp(
        &mut self,
        stream: StreamId,
        to: std::net::SocketAddr,
        header: &RtpHeader,
        payload: &[u8],
        due: Tick,
    ) {
        self.bench.packet.clear();
        header.write(payload, &mut self.bench.packet);
        let packet = self.bench.arena.put(&self.bench.packet);
        self.out.push(StreamOutput::Send { stream, kind: PacketKind::Rtp, to, packet, due });
    }

    pub(super) fn send_rtcp(&mut self, stream: StreamId, to: std::net::SocketAddr, compound: &[u8]) {
        let packet = self.bench.arena.put(compound);
        let due = self.cx.now;
        self.out.push(StreamOutput::Send { stream, kind: PacketKind::Rtcp, to, packet, due });
    }
}
