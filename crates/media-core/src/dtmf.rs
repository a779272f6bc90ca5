//! Receiving DTMF digits as telephone events (RFC 4733 §2.5.2).

use std::time::Duration;

use crate::codec::Codec;
use crate::tick::Tick;

/// An event without its end is over after three update intervals of 50 ms (RFC 4733 §2.5.2.2).
const LOST_END: Duration = Duration::from_millis(150);
/// The longest duration one segment can say (RFC 4733 §2.5.1.3).
const SEGMENT: u32 = 0xFFFF;

/// The characters of events 0 to 15 (RFC 4733 §3.2).
const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// Holds a digit that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digit {
    pub(crate) digit: char,
    pub(crate) duration_ms: u32,
}

/// Collects event packets into digits: one per event timestamp, however many packets of it arrive (TM-045).
#[derive(Debug, Clone, Default)]
pub(crate) struct DigitReceiver {
    running: Option<Running>,
    /// The timestamp of the newest event that was reported; its late packets are ignored.
    reported: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    timestamp: u32,
    digit: char,
    /// Timestamp units of the segments before this one.
    earlier: u32,
    duration: u32,
    deadline: Tick,
}

impl Running {
    fn digit(self) -> Digit {
        let units = u64::from(self.earlier) + u64::from(self.duration);
        Digit { digit: self.digit, duration_ms: (units * 1_000 / u64::from(Codec::CLOCK_RATE)) as u32 }
    }
}

impl DigitReceiver {
    /// Takes an event payload with its packet's timestamp and pushes the digits that ended with it.
    pub(crate) fn receive(&mut self, timestamp: u32, payload: &[u8], now: Tick, out: &mut Vec<Digit>) {
        let Some(&[event, flags, high, low]) = payload.first_chunk::<4>() else { return };
        let Some(&digit) = DIGITS.get(usize::from(event)) else { return };
        let end = flags & 0x80 != 0;
        let duration = u32::from(u16::from_be_bytes([high, low]));
        if self.reported.is_some_and(|reported| timestamp.wrapping_sub(reported).cast_signed() <= 0) {
            return;
        }
        let mut next = Running { timestamp, digit, earlier: 0, duration, deadline: now + LOST_END };
        if let Some(running) = self.running {
            let ahead = timestamp.wrapping_sub(running.timestamp);
            if ahead.cast_signed() < 0 {
                return;
            }
            if ahead == 0 {
                next.earlier = running.earlier;
                next.duration = duration.max(running.duration);
            } else if ahead == SEGMENT && running.duration == SEGMENT && running.digit == digit {
                // A long event goes on in its next segment (RFC 4733 §2.5.1.3).
                next.earlier = running.earlier.saturating_add(SEGMENT);
            } else {
                self.finish(out);
            }
        }
        self.running = Some(next);
        if end {
            self.finish(out);
        }
    }

    /// Returns when a running event counts as ended without its end packet.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.running.map(|running| running.deadline)
    }

    /// Ends a running event whose deadline has come.
    pub(crate) fn expire(&mut self, now: Tick, out: &mut Vec<Digit>) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.finish(out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Digit>) {
        if let Some(running) = self.running.take() {
            self.reported = Some(running.timestamp);
            out.push(running.digit());
        }
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
    }

    #[test]
    fn other_events_and_short_payloads_are_ignored() {
        let (receiver, out) = receive(&[(0, packet(16, true, 400), 0)]);
        assert!(out.is_empty() && receiver.deadline().is_none());
        let (mut receiver, mut out) = receive(&[]);
        receiver.receive(0, &[1, 2, 3], Tick(0), &mut out);
        assert!(out.is_empty());
    }
}
