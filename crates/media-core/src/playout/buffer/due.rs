//! What is to be heard next.

use std::time::Duration;

use super::arrival::EXCESS;
use super::{JitterBuffer, Point, micros};
use crate::playout::entry::Kind;
use crate::playout::settings::Format;
use crate::playout::values::{Packet, Play};
use crate::tick::Tick;

/// A reader that did not pull for longer was away, and begins anew with the newest packets.
const AWAY: Duration = Duration::from_millis(200);
/// Less than this between two timestamps is no pause but a sender that counts carelessly.
const SHORTEST_PAUSE_MICROS: i64 = 5_000;

/// [`Play`] without the packet.
pub(super) enum Next {
    Packet { continues: bool },
    Lost(u32),
    Wait(u32),
    Underrun,
    Empty,
}

impl JitterBuffer {
    pub(super) fn next_due(&mut self, due: Tick) -> Next {
        if due.since(self.due) > AWAY {
            self.stop();
        }
        self.due = due;
        self.drop_old();
        let format = self.format.unwrap_or(Format::NARROWBAND);
        let Some(audio) = self.entries.first_audio() else {
            self.pass_others();
            return if self.point.is_some_and(|point| !point.other) { Next::Underrun } else { Next::Empty };
        };
        let delay = self.delay_at(audio.timestamp, due);
        let wait = |target: i64, continues| {
            if delay < target {
                Next::Wait(format.units_of_micros(target - delay))
            } else {
                Next::Packet { continues }
            }
        };
        let Some(point) = self.point else { return wait(self.start_target(), false) };
        let gap = audio.timestamp - point.timestamp;
        let missing = audio.number - self.next - self.entries.others();
        if gap <= 0 {
            Next::Packet { continues: gap == 0 }
        } else if missing == 0 || audio.marker {
            // Nothing was sent in the gap, so the delay may change in it. A marker alone does not move the point: without
            // a gap it is no start of a talkspurt (TM-063).
            if format.micros_of_units(gap) < SHORTEST_PAUSE_MICROS {
                Next::Packet { continues: true }
            } else {
                wait(micros(self.target()), false)
            }
        } else {
            // What was played while nothing was there was played in place of what is now known to be lost.
            match u32::try_from(gap - point.withheld) {
                Ok(units) if units > 0 => Next::Lost(units),
                _ => Next::Packet { continues: false },
            }
        }
    }

    /// Takes the first audio out; what is missing before it is lost.
    pub(super) fn take(&mut self, continues: bool) -> Play<'_> {
        while self.entries.first().is_some_and(|entry| entry.kind != Kind::Audio) {
            self.drop_first();
        }
        let Some(entry) = self.entries.pop() else { return Play::Empty };
        if let Some(old) = self.current.take() {
            self.entries.recycle(old.payload);
        }
        self.counters.played += 1;
        self.counters.lost += entry.number - self.next;
        self.next = entry.number + 1;
        self.point = Some(Point { timestamp: entry.timestamp, passed: false, withheld: 0, other: false });
        self.unheard = false;
        let entry = self.current.insert(entry);
        Play::Packet(Packet {
            payload_type: entry.payload_type,
            marker: entry.marker,
            continues,
            payload: &entry.payload,
        })
    }

    fn start_target(&self) -> i64 {
        micros(self.target().max(self.settings.start))
    }

    /// Drops what is too old to be heard: beyond the maximum, and at a start all but the newest that is due.
    fn drop_old(&mut self) {
        let most = micros(self.settings.maximum + EXCESS);
        while let Some(audio) = self.entries.first_audio() {
            let is_due = |timestamp| self.delay_at(timestamp, self.due) >= self.start_target();
            let superseded = self.point.is_none()
                && self.entries.second_audio().is_some_and(|next| is_due(next.timestamp));
            if !superseded && self.delay_at(audio.timestamp, self.due) <= most {
                break;
            }
            let number = audio.number;
            while self.next <= number {
                self.drop_first();
            }
        }
    }

    /// Passes what is in its turn and not audio.
    fn pass_others(&mut self) {
        while let Some(entry) = self.entries.first().filter(|entry| entry.number == self.next) {
            if let Some(point) = self.point.as_mut().filter(|_| entry.kind == Kind::Other) {
                point.other = true;
            }
            self.drop_first();
        }
    }
}
