//! Packets that arrive: where they belong, and when everything begins anew (TM-060).

use std::time::Duration;

use super::{JitterBuffer, Suspect, micros};
use crate::playout::entry::{Entry, Kind, MAX_PACKETS, MAX_PAYLOAD_BYTES};
use crate::playout::sequence::{Place, Sequence};
use crate::playout::settings::{Format, MAX_DELAY};
use crate::playout::transit::Transit;
use crate::playout::values::{Put, ResetCause};
use crate::rtp::RtpHeader;
use crate::tick::Tick;

/// A source that was silent for longer begins anew: nothing that was held before is to be heard (TM-060), and the time it
/// was silent is neither loss nor jitter (TM-061).
const PAUSE: Duration = MAX_DELAY;
/// A talkspurt that begins after such a pause and is late all the same comes from a clock that stood still in the pause,
/// which TM-006 tolerates.
const CLOCK_PAUSE: Duration = Duration::from_millis(200);
/// So many late packets in a row are not late: the way or the clock of the source has changed.
const LATE_RUN: u32 = 10;
/// A packet later than the maximum delay by more than this is not worth waiting for; with less it is played and the delay
/// is shortened again.
pub(super) const EXCESS: Duration = Duration::from_millis(100);

impl JitterBuffer {
    /// Takes an audio packet (or comfort noise) that arrived `now` and whose payload type has this format.
    ///
    /// The buffer follows every source it is given: who may send is decided before (SEC-40, SEC-43).
    pub fn put(&mut self, header: &RtpHeader, payload: &[u8], format: Format, now: Tick) -> Put {
        let format = format.sane();
        self.counters.received += 1;
        if payload.len() > MAX_PAYLOAD_BYTES {
            self.counters.discarded += 1;
            return Put::TooLong;
        }
        let Some((sequence, known)) = self.sequence.zip(self.format) else {
            self.begin(header, format);
            return self.hold(header, payload, self.next, now);
        };
        if header.ssrc != self.ssrc {
            return self.restart(ResetCause::Source, header, payload, format, now);
        }
        if format != known {
            return self.restart(ResetCause::Format, header, payload, format, now);
        }
        match sequence.place(header.sequence) {
            Place::Duplicate => {
                self.counters.duplicated += 1;
                Put::Duplicate
            }
            Place::Newer(number) if now.since(self.arrived) > PAUSE => {
                self.resume(header, number);
                self.hold(header, payload, number, now);
                Put::Reset(ResetCause::Pause)
            }
            Place::Newer(number) if self.is_near(header, now) => {
                self.hold_newer(header, payload, number, now)
            }
            Place::Newer(_) if header.marker => {
                self.restart(ResetCause::Timestamp, header, payload, format, now)
            }
            Place::Newer(_) => self.doubt(ResetCause::Timestamp, header, payload, format, now),
            Place::Older(number) => self.hold(header, payload, number, now),
            Place::Jump => self.doubt(ResetCause::Sequence, header, payload, format, now),
        }
    }

    /// Notes a packet of the same source that was not audio, such as a telephone event: its number is not missing, and
    /// nothing is concealed in its place.
    pub fn skip(&mut self, header: &RtpHeader, now: Tick) {
        let Some(mut sequence) = self.sequence.filter(|_| header.ssrc == self.ssrc) else { return };
        let (Place::Newer(number) | Place::Older(number)) = sequence.place(header.sequence) else { return };
        self.counters.skipped += 1;
        sequence.note(number);
        self.sequence = Some(sequence);
        self.arrived = now;
        if number >= self.next {
            self.insert(header, Kind::Other, number, self.newest.1, &[]);
        } else {
            self.found(number);
        }
    }

    /// Begins anew with the next packet, whatever its source: the remote address or the owner changed (TM-060).
    pub fn reset(&mut self) {
        if let Some(sequence) = self.sequence {
            self.flush(sequence.newest() + 1);
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.counters.resets += 1;
        self.sequence = None;
        self.transit = Transit::new();
        self.stop();
    }

    /// Nothing that was heard gives the next packet its time.
    pub(super) fn stop(&mut self) {
        self.point = None;
        self.late_run = 0;
    }

    fn begin(&mut self, header: &RtpHeader, format: Format) {
        let sequence = Sequence::new(header.sequence);
        self.format = Some(format);
        self.ssrc = header.ssrc;
        self.next = sequence.newest();
        self.first = self.next;
        self.unheard = true;
        self.newest = (header.timestamp, i64::from(header.timestamp));
        self.sequence = Some(sequence);
        self.stop();
    }

    /// The source goes on after a pause: its numbers do, its time may not.
    fn resume(&mut self, header: &RtpHeader, number: u64) {
        self.counters.resets += 1;
        self.flush(number);
        self.transit.rebase();
        self.newest = (header.timestamp, i64::from(header.timestamp));
        self.unheard = false;
        self.stop();
    }

    fn restart(
        &mut self,
        cause: ResetCause,
        header: &RtpHeader,
        payload: &[u8],
        format: Format,
        now: Tick,
    ) -> Put {
        self.reset();
        self.begin(header, format);
        self.hold(header, payload, self.next, now);
        Put::Reset(cause)
    }

    /// Keeps a packet that is far from the others aside, until the next in sequence is so too (RFC 3550 A.1,
    /// `MIN_SEQUENTIAL` 2).
    fn doubt(
        &mut self,
        cause: ResetCause,
        header: &RtpHeader,
        payload: &[u8],
        format: Format,
        now: Tick,
    ) -> Put {
        match self.suspect.take() {
            Some(first) if first.header.sequence.wrapping_add(1) == header.sequence => {
                self.restart(cause, &first.header, &first.payload, format, first.arrived);
                self.entries.recycle(first.payload);
                if self.is_near(header, now) {
                    self.hold(header, payload, self.next + 1, now);
                } else {
                    self.suspect(header, payload, now);
                }
                Put::Reset(cause)
            }
            other => {
                self.suspect = other;
                self.suspect(header, payload, now);
                Put::Suspect
            }
        }
    }

    fn suspect(&mut self, header: &RtpHeader, payload: &[u8], now: Tick) {
        self.acquit();
        let payload = self.entries.buffer(payload);
        self.suspect = Some(Suspect { header: *header, payload, arrived: now });
    }

    /// The packet that was kept aside was a stray one.
    fn acquit(&mut self) {
        if let Some(stray) = self.suspect.take() {
            self.counters.discarded += 1;
            self.entries.recycle(stray.payload);
        }
    }

    /// Holds a packet, or begins anew with it if the lateness of those before shows that the time of the source changed.
    fn hold_newer(&mut self, header: &RtpHeader, payload: &[u8], number: u64, now: Tick) -> Put {
        let late = self.is_late(header, now);
        let paused = header.marker && now.since(self.arrived) > CLOCK_PAUSE;
        if late && (paused || self.late_run + 1 >= LATE_RUN) {
            let format = self.format.unwrap_or(Format::NARROWBAND);
            return self.restart(ResetCause::Timestamp, header, payload, format, now);
        }
        self.late_run = if late { self.late_run + 1 } else { 0 };
        self.hold(header, payload, number, now)
    }

    fn hold(&mut self, header: &RtpHeader, payload: &[u8], number: u64, now: Tick) -> Put {
        self.acquit();
        // An older number with a time of another world is of no use, whatever it is.
        let near = self.is_near(header, now);
        let late = !near || self.is_late(header, now);
        let timestamp = self.extended(header.timestamp);
        if let Some(sequence) = &mut self.sequence {
            if number > sequence.newest() {
                self.newest = (header.timestamp, timestamp);
            }
            sequence.note(number);
        }
        self.arrived = now;
        if near {
            self.transit.observe(self.transit_of(timestamp, now), now);
        }
        if number < self.next {
            if !self.unheard {
                self.counters.late += 1;
                self.found(number);
                return Put::Late;
            }
            self.next = number;
            self.first = number;
        }
        if late {
            self.counters.late += 1;
            self.insert(header, Kind::Late, number, self.newest.1, &[]);
            return Put::Late;
        }
        if self.insert(header, Kind::Audio, number, timestamp, payload) { Put::Overflow } else { Put::Queued }
    }

    /// Returns true if the packet's time is over, or so nearly that it would never be worth the delay.
    fn is_late(&self, header: &RtpHeader, now: Tick) -> bool {
        let timestamp = self.extended(header.timestamp);
        let over = self.point.is_some_and(|point| point.passed && timestamp < point.timestamp);
        over || self.transit.fastest().is_some()
            && self.delay_at(timestamp, now) > micros(self.settings.maximum + EXCESS)
    }

    /// Returns true if the packet's timestamp fits to the moment of its arrival.
    fn is_near(&self, header: &RtpHeader, now: Tick) -> bool {
        let off = self.delay_at(self.extended(header.timestamp), now);
        self.transit.fastest().is_none() || off.unsigned_abs() <= micros(MAX_DELAY) as u64
    }

    fn extended(&self, timestamp: u32) -> i64 {
        let (raw, extended) = self.newest;
        extended + i64::from(timestamp.wrapping_sub(raw).cast_signed())
    }

    /// A number that was passed over as lost came after all.
    fn found(&mut self, number: u64) {
        if number >= self.first {
            self.counters.lost = self.counters.lost.saturating_sub(1);
        }
    }

    /// Inserts a number and returns true if others had to go for it.
    fn insert(
        &mut self,
        header: &RtpHeader,
        kind: Kind,
        number: u64,
        timestamp: i64,
        payload: &[u8],
    ) -> bool {
        let payload = if payload.is_empty() { Vec::new() } else { self.entries.buffer(payload) };
        let &RtpHeader { payload_type, marker, .. } = header;
        self.entries.insert(Entry { number, kind, payload_type, marker, timestamp, payload });
        let longest = i64::from(self.format.unwrap_or(Format::NARROWBAND).units_of_micros(micros(MAX_DELAY)));
        let mut dropped = false;
        while self.entries.len() > MAX_PACKETS || self.entries.span() > longest {
            self.drop_first();
            dropped = true;
        }
        dropped
    }

    /// Drops the first number that is held, and with it what is missing before it.
    pub(super) fn drop_first(&mut self) {
        let Some(entry) = self.entries.pop() else { return };
        self.counters.discarded += u64::from(entry.kind == Kind::Audio);
        self.counters.lost += entry.number - self.next;
        self.next = entry.number + 1;
        self.unheard = false;
        self.entries.recycle(entry.payload);
    }

    /// Drops all that is held; the next number is `until`, behind all of them.
    fn flush(&mut self, until: u64) {
        while self.entries.len() > 0 {
            self.drop_first();
        }
        self.acquit();
        self.counters.lost += until - self.next;
        self.next = until;
    }
}
