//! Receiving digits as telephone events (RFC 4733 §2.5.2).

use std::fmt;
use std::time::Duration;

use super::{Digit, Event};
use crate::tick::Tick;

/// The events read from one packet: sixteen events in a row of 40 ms would be 640 ms of speech delay already.
pub const MAX_EVENTS_PER_PACKET: usize = 16;
/// The digits of one source that are told within a second. Digits of 40 ms with as much between them are twelve a second; a
/// packet full of events fits twice.
pub const MAX_DIGITS_PER_SECOND: u8 = 32;
const SECOND: Duration = Duration::from_secs(1);
/// An event without its end is over after three update intervals of 50 ms (RFC 4733 §2.5.2.2).
const LOST_END: Duration = Duration::from_millis(150);
/// The longest duration one segment can say (RFC 4733 §2.5.1.3).
const SEGMENT: u32 = 0xFFFF;
/// A timestamp further behind than this many seconds is no late packet: the sender began with another base, or half a
/// circle of the timestamp has passed without a digit.
const LATEST_SECONDS: u32 = 10;

/// Collects event packets into digits: one per event timestamp, however many packets of it arrive (TM-045).
#[derive(Clone)]
pub struct DigitReceiver {
    clock_rate: u32,
    running: Option<Running>,
    /// The newest event that was reported; its late packets are ignored.
    reported: Option<Reported>,
    /// When the second began in which digits are counted, and how many began in it.
    second: (Tick, u8),
    ignored: u64,
}

#[derive(Clone, Copy)]
struct Running {
    timestamp: u32,
    event: Event,
    /// Timestamp units of the segments before this one.
    earlier: u32,
    duration: u32,
    deadline: Tick,
}

#[derive(Clone, Copy)]
struct Reported {
    timestamp: u32,
    event: Event,
    /// False when the end was taken for lost: a further segment still belongs to the event.
    ended: bool,
}

/// Where a timestamp lies from another one.
enum Place {
    /// At or behind it.
    Old,
    /// Ahead by so many units.
    Ahead(u32),
    /// So far behind that it belongs to another time base.
    Elsewhere,
}

impl Default for DigitReceiver {
    /// Receives events with the clock of narrow-band audio, 8,000 Hz.
    fn default() -> Self {
        Self::new(8_000)
    }
}

impl DigitReceiver {
    /// Creates a receiver for a `telephone-event` payload of this clock rate (TM-046); zero counts as one.
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate: clock_rate.max(1),
            running: None,
            reported: None,
            second: (Tick::default(), 0),
            ignored: 0,
        }
    }

    /// Another source follows, or one of another clock: what ran or was reported is forgotten, what was counted is not.
    pub fn restart(&mut self, clock_rate: u32) {
        let Self { second, ignored, .. } = *self;
        *self = Self { second, ignored, ..Self::new(clock_rate) };
    }

    /// Takes an event payload with its packet's timestamp and pushes the digits that ended with it.
    ///
    /// Further events in the payload follow each other without a pause (RFC 4733 §2.5.1.5); beyond
    /// [`MAX_EVENTS_PER_PACKET`] they are ignored. A payload shorter than one event is ignored whole.
    pub fn receive(&mut self, mut timestamp: u32, payload: &[u8], now: Tick, out: &mut Vec<Digit>) {
        for chunk in payload.chunks_exact(4).take(MAX_EVENTS_PER_PACKET) {
            let &[code, flags, high, low] = chunk else { continue };
            let duration = u32::from(u16::from_be_bytes([high, low]));
            // Digits are no states, so "forever" is not for them (RFC 4733 §2.3.5).
            if let Some(event) = Event::from_code(code).filter(|_| duration > 0) {
                self.event(timestamp, event, flags & 0x80 != 0, duration, now, out);
            }
            timestamp = timestamp.wrapping_add(duration);
        }
    }

    fn event(
        &mut self,
        timestamp: u32,
        event: Event,
        end: bool,
        duration: u32,
        now: Tick,
        out: &mut Vec<Digit>,
    ) {
        let mut next = Running { timestamp, event, earlier: 0, duration, deadline: now + LOST_END };
        if let Some(reported) = self.reported {
            match self.place(timestamp, reported.timestamp) {
                Place::Old => return,
                Place::Ahead(ahead)
                    if ahead.is_multiple_of(SEGMENT) && reported.event == event && !reported.ended =>
                {
                    // The rest of a digit that was reported when its packets stayed away.
                    self.reported = Some(Reported { timestamp, ended: end, ..reported });
                    return;
                }
                Place::Ahead(_) | Place::Elsewhere => {}
            }
        }
        if let Some(running) = self.running {
            let ahead = timestamp.wrapping_sub(running.timestamp);
            if ahead == 0 {
                next.earlier = running.earlier;
                next.duration = duration.max(running.duration);
            } else {
                match self.place(timestamp, running.timestamp) {
                    Place::Old => return,
                    // A long event goes on in its next segment (RFC 4733 §2.5.2.3), also when the report that filled
                    // the one before is lost: two keys are never pressed so far apart without an end between them.
                    Place::Ahead(ahead) if ahead.is_multiple_of(SEGMENT) && running.event == event => {
                        next.earlier = running.earlier.saturating_add(ahead);
                    }
                    Place::Ahead(_) | Place::Elsewhere => self.finish(true, out),
                }
            }
        }
        if self.running.is_none() && !self.may_begin(now) {
            return;
        }
        self.running = Some(next);
        if end {
            self.finish(true, out);
        }
    }

    /// Counts a digit that begins.
    fn may_begin(&mut self, now: Tick) -> bool {
        if now.since(self.second.0) >= SECOND {
            self.second = (now, 0);
        }
        let allowed = self.second.1 < MAX_DIGITS_PER_SECOND;
        self.second.1 += u8::from(allowed);
        self.ignored += u64::from(!allowed);
        allowed
    }

    /// Returns how many event packets were ignored because more than [`MAX_DIGITS_PER_SECOND`] came.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    fn place(&self, timestamp: u32, from: u32) -> Place {
        let behind = from.wrapping_sub(timestamp);
        if behind <= self.clock_rate.saturating_mul(LATEST_SECONDS) {
            Place::Old
        } else if behind.cast_signed() < 0 {
            Place::Ahead(timestamp.wrapping_sub(from))
        } else {
            Place::Elsewhere
        }
    }

    /// Returns when a running event counts as ended without its end packet.
    pub fn deadline(&self) -> Option<Tick> {
        self.running.map(|running| running.deadline)
    }

    /// Ends a running event whose deadline has come.
    pub fn expire(&mut self, now: Tick, out: &mut Vec<Digit>) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.finish(false, out);
        }
    }

    fn finish(&mut self, ended: bool, out: &mut Vec<Digit>) {
        if let Some(Running { timestamp, event, earlier, duration, .. }) = self.running.take() {
            self.reported = Some(Reported { timestamp, event, ended });
            let units = u64::from(earlier) + u64::from(duration);
            let duration_ms = u32::try_from(units * 1_000 / u64::from(self.clock_rate)).unwrap_or(u32::MAX);
            out.push(Digit { digit: event.to_char(), duration_ms });
        }
    }
}

impl fmt::Debug for DigitReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigitReceiver").field("clock_rate", &self.clock_rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(event: u8, end: bool, duration: u16) -> [u8; 4] {
        let [high, low] = duration.to_be_bytes();
        [event, if end { 0x8A } else { 0x0A }, high, low]
    }

    fn receive(packets: &[(u32, [u8; 4], u64)]) -> (DigitReceiver, Vec<Digit>) {
        let mut receiver = DigitReceiver::default();
        let mut out = Vec::new();
        for (timestamp, payload, at) in packets {
            receiver.receive(*timestamp, payload, Tick(*at), &mut out);
        }
        (receiver, out)
    }

    #[test]
    fn three_end_packets_are_one_digit() {
        // covers: TM-045
        let end = packet(5, true, 800);
        let (_, out) =
            receive(&[(1_000, packet(5, false, 400), 0), (1_000, end, 1), (1_000, end, 2), (1_000, end, 3)]);
        assert_eq!(out, [Digit { digit: '5', duration_ms: 100 }]);
        let (_, only_the_last_end) = receive(&[(1_000, end, 3)]);
        assert_eq!(only_the_last_end, [Digit { digit: '5', duration_ms: 100 }]);
    }

    #[test]
    fn a_lost_end_ends_after_three_intervals() {
        let (mut receiver, mut out) = receive(&[(1_000, packet(11, false, 400), 0)]);
        receiver.expire(Tick(149_999), &mut out);
        assert!(out.is_empty());
        assert_eq!(receiver.deadline(), Some(Tick(150_000)));
        receiver.expire(Tick(150_000), &mut out);
        assert_eq!(out, [Digit { digit: '#', duration_ms: 50 }]);
        receiver.receive(1_000, &packet(11, true, 800), Tick(160_000), &mut out);
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn the_next_digit_ends_the_one_before() {
        let (_, out) =
            receive(&[(u32::MAX - 10, packet(1, false, 400), 0), (1_600, packet(1, true, 160), 1)]);
        let ones = [Digit { digit: '1', duration_ms: 50 }, Digit { digit: '1', duration_ms: 20 }];
        assert_eq!(out, ones);
    }

    #[test]
    fn a_long_event_in_segments_is_one_digit() {
        let (_, out) = receive(&[
            (0, packet(9, false, 0xFFFF), 0),
            (0xFFFF, packet(9, false, 400), 1),
            (0xFFFF, packet(9, true, 14_465), 2),
        ]);
        assert_eq!(out, [Digit { digit: '9', duration_ms: 10_000 }]);
        // Every report that filled the first segment is lost.
        let (_, out) = receive(&[(0, packet(9, false, 60_000), 0), (0xFFFF, packet(9, true, 14_465), 1)]);
        assert_eq!(out, [Digit { digit: '9', duration_ms: 10_000 }]);
    }

    #[test]
    fn segments_of_a_digit_that_was_reported_already_are_not_another_one() {
        let (mut receiver, mut out) = receive(&[(0, packet(9, false, 60_000), 0)]);
        receiver.expire(Tick(150_000), &mut out);
        assert_eq!(out.len(), 1);
        receiver.receive(0xFFFF, &packet(9, false, 0xFFFF), Tick(160_000), &mut out);
        // One segment is lost whole.
        receiver.receive(3 * 0xFFFF, &packet(9, true, 400), Tick(170_000), &mut out);
        assert_eq!(out.len(), 1);
        // After its end the same distance is a digit of its own.
        receiver.receive(4 * 0xFFFF, &packet(9, true, 400), Tick(180_000), &mut out);
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn the_clock_of_the_payload_tells_the_duration() {
        // covers: TM-046
        for clock_rate in [8_000, 16_000, 48_000] {
            let mut receiver = DigitReceiver::new(clock_rate);
            let mut out = Vec::new();
            receiver.receive(0, &packet(2, true, (clock_rate / 10) as u16), Tick(0), &mut out);
            assert_eq!(out, [Digit { digit: '2', duration_ms: 100 }]);
        }
    }

    #[test]
    fn a_late_packet_is_old_and_another_time_base_is_not() {
        let (_, out) = receive(&[(80_001, packet(1, true, 400), 0), (1, packet(2, true, 400), 1)]);
        assert_eq!(out.len(), 1, "ten seconds behind are late");
        let (_, out) = receive(&[(80_002, packet(1, true, 400), 0), (1, packet(2, true, 400), 1)]);
        assert_eq!(out.len(), 2, "beyond, the sender has another base");
        let (_, out) = receive(&[(80_002, packet(1, false, 400), 0), (1, packet(2, true, 400), 1)]);
        assert_eq!(out.len(), 2, "and what ran there has ended");
    }

    #[test]
    fn events_in_one_packet_follow_each_other() {
        let both = [packet(1, true, 400), packet(2, true, 800)].concat();
        let mut receiver = DigitReceiver::default();
        let mut out = Vec::new();
        for _ in 0..3 {
            receiver.receive(1_000, &both, Tick(0), &mut out);
        }
        let digits = [Digit { digit: '1', duration_ms: 50 }, Digit { digit: '2', duration_ms: 100 }];
        assert_eq!(out, digits);
        for (count, digits) in
            [(MAX_EVENTS_PER_PACKET, MAX_EVENTS_PER_PACKET), (MAX_EVENTS_PER_PACKET + 1, 16)]
        {
            let mut out = Vec::new();
            DigitReceiver::default().receive(0, &packet(3, true, 400).repeat(count), Tick(0), &mut out);
            assert_eq!(out.len(), digits);
        }
    }

    #[test]
    fn more_digits_than_anybody_presses_are_ignored_and_counted() {
        let mut receiver = DigitReceiver::default();
        let mut told = |packets: std::ops::Range<u32>, now: Tick| {
            let mut out = Vec::new();
            for number in packets {
                let sixteen = packet(3, true, 1).repeat(MAX_EVENTS_PER_PACKET);
                receiver.receive(100_000 * (number + 1), &sixteen, now, &mut out);
            }
            (out.len(), receiver.ignored())
        };
        let second = 1_000_000;
        assert_eq!(told(0..2, Tick(0)), (32, 0), "as many as may be");
        assert_eq!(told(2..3, Tick(second - 1)), (0, 16), "and none beyond, before the second is over");
        assert_eq!(told(3..6, Tick(second)), (32, 32));
        assert_eq!(told(6..7, Tick(2 * second)), (16, 32));
        receiver.restart(16_000);
        let mut out = Vec::new();
        for timestamp in 1..=20 {
            receiver.receive(1_000 * timestamp, &packet(3, true, 1), Tick(2 * second + 1), &mut out);
        }
        assert_eq!((out.len(), receiver.ignored()), (16, 36), "another clock is no way round it");
    }

    #[test]
    fn other_events_no_duration_and_short_payloads_are_ignored() {
        for ignored in [packet(17, true, 400), packet(1, true, 0)] {
            let (receiver, out) = receive(&[(0, ignored, 0)]);
            assert!(out.is_empty() && receiver.deadline().is_none());
        }
        let (mut receiver, mut out) = receive(&[]);
        receiver.receive(0, &[1, 2, 3], Tick(0), &mut out);
        assert!(out.is_empty());
        let (_, flash) = receive(&[(0, packet(16, true, 400), 0)]);
        assert_eq!(flash, [Digit { digit: '!', duration_ms: 50 }]);
    }
}
