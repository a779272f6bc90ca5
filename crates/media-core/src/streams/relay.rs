//! Packets that pass from one stream to its pair: sequence numbers and timestamps of any number of sources made one
//! (RFC 3550 §7.1, TM-022). What is lost before the pair is missing behind it, too; what is left out by us is not.

use crate::dtmf::EventPacket;
use crate::rtp::RtpHeader;

/// The numbers behind the newest of which it is known whether they were left out; what is further behind than 100 is no
/// late packet (RFC 3550 A.1).
const REMEMBERED: u16 = 128;

/// Follows one direction of a pair.
#[derive(Debug, Clone, Default)]
pub(super) struct Relay {
    origin: Option<Origin>,
    event: Option<Event>,
}

/// The source that is passed on, and what is added to its numbers.
#[derive(Debug, Clone, Copy)]
struct Origin {
    ssrc: u32,
    first: u16,
    newest: u16,
    /// What is added to the newest number and to those after it.
    sequence: u16,
    timestamp: u32,
    /// The numbers that were left out: bit n stands for `newest - n`.
    left_out: u128,
}

impl Origin {
    /// Takes note of a number that is newer than all before it.
    fn advance(&mut self, sequence: u16) {
        let ahead = sequence.wrapping_sub(self.newest);
        self.left_out = self.left_out.checked_shl(u32::from(ahead)).unwrap_or(0);
        self.newest = sequence;
        // The first packet is forgotten before its number comes round again.
        if sequence.wrapping_sub(self.first) > 0x4000 {
            self.first = sequence.wrapping_sub(0x4000);
        }
    }

    /// What is added to a number that lies so far behind the newest: those left out since are not missing there yet.
    fn added(&self, behind: u16) -> u16 {
        let since = self.left_out & !(u128::MAX << behind);
        self.sequence.wrapping_add(since.count_ones() as u16)
    }
}

/// A telephone event that has not ended (RFC 4733).
#[derive(Debug, Clone, Copy)]
struct Event {
    timestamp: u32,
    payload: [u8; 4],
}

/// The place of a packet in what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    /// The number of a packet after the newest.
    pub(super) next: u16,
    /// True for the first packet of a source.
    pub(super) first: bool,
    /// True when no packet after it was sent.
    pub(super) newest: bool,
}

impl Relay {
    /// Finds a packet's place; `next` are the sequence number and the timestamp that a new source starts with. A packet from
    /// before its source was taken has no place.
    pub(super) fn place(&mut self, header: &RtpHeader, next: (u16, u32)) -> Option<Place> {
        let first = self.origin.is_none_or(|origin| origin.ssrc != header.ssrc);
        if first {
            self.origin = Some(Origin {
                ssrc: header.ssrc,
                first: header.sequence,
                newest: header.sequence,
                sequence: next.0.wrapping_sub(header.sequence),
                timestamp: next.1.wrapping_sub(header.timestamp),
                left_out: 0,
            });
        }
        let origin = self.origin.as_mut()?;
        let newest = header.sequence.wrapping_sub(origin.newest).cast_signed() >= 0;
        if newest {
            origin.advance(header.sequence);
        }
        let behind = origin.newest.wrapping_sub(header.sequence);
        if behind >= REMEMBERED || header.sequence.wrapping_sub(origin.first).cast_signed() < 0 {
            return None;
        }
        Some(Place {
            sequence: header.sequence.wrapping_add(origin.added(behind)),
            timestamp: header.timestamp.wrapping_add(origin.timestamp),
            next: origin.newest.wrapping_add(origin.sequence).wrapping_add(1),
            first,
            newest,
        })
    }

    /// Takes note of a packet that is not passed on: what comes after it closes up. One that is late was counted as lost.
    pub(super) fn leave_out(&mut self, header: &RtpHeader) {
        let Some(origin) = self.origin.as_mut().filter(|origin| origin.ssrc == header.ssrc) else { return };
        if header.sequence.wrapping_sub(origin.newest).cast_signed() > 0 {
            origin.advance(header.sequence);
            origin.left_out |= 1;
            origin.sequence = origin.sequence.wrapping_sub(1);
        }
    }

    /// Takes note of an event packet that is passed on.
    pub(super) fn note_event(&mut self, timestamp: u32, payload: &[u8]) {
        let Some(&payload) = payload.first_chunk::<4>() else { return };
        let ended = payload[1] & 0x80 != 0;
        let earlier =
            self.event.is_some_and(|event| timestamp.wrapping_sub(event.timestamp).cast_signed() < 0);
        if !earlier {
            self.event = (!ended).then_some(Event { timestamp, payload });
        }
    }

    /// The next packet is that of a new source, whatever it says.
    pub(super) fn forget_source(&mut self) {
        self.origin = None;
    }

    /// Ends the relay; returns the end of an event that is cut off by it, three times, because one may be lost (RFC 4733
    /// §2.5.1.4).
    pub(super) fn end(&mut self) -> Option<[EventPacket; 3]> {
        self.origin = None;
        self.event.take().map(|Event { timestamp, payload: [event, flags, high, low] }| {
            [EventPacket { marker: false, timestamp, payload: [event, flags | 0x80, high, low] }; 3]
        })
    }
}
