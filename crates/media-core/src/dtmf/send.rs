//! Sending digits as telephone events (RFC 4733 §2.5.1).

use std::fmt;
use std::time::Duration;

use super::Event;
use super::queue::{DigitError, DigitQueue, MIN_PAUSE, units};

/// The longest duration one segment can say (RFC 4733 §2.5.1.3).
const SEGMENT: u32 = 0xFFFF;
/// The final packet of an event or segment is sent three times (RFC 4733 §2.5.1.4): twice more.
const REPEATS: u8 = 2;
/// The volume in -dBm0 that events claim (RFC 4733 §2.3.4); 10 is that of the tones of [`super::ToneSender`].
const VOLUME: u8 = 10;
/// The E bit (RFC 4733 §2.3.2).
const END: u8 = 0x80;

/// Holds what goes into one RTP packet besides payload type, sequence number and SSRC, which are the stream's own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    /// The marker bit: the first packet of an event only (RFC 4733 §2.2.2).
    pub marker: bool,
    /// The timestamp: that of the start of the event or segment (RFC 4733 §2.2.1).
    pub timestamp: u32,
    /// The payload.
    pub payload: [u8; 4],
}

impl EventPacket {
    fn new(event: Event, marker: bool, end: bool, timestamp: u32, duration: u32) -> Self {
        // Volume is defined for tones only; for the flash it is zero (RFC 4733 §2.3.4).
        let volume = if event == Event::FLASH { 0 } else { VOLUME };
        let [high, low] = (duration.min(SEGMENT) as u16).to_be_bytes();
        let payload = [event.code(), volume | if end { END } else { 0 }, high, low];
        Self { marker, timestamp, payload }
    }

    /// Returns true when the E bit is set.
    pub fn end(&self) -> bool {
        self.payload[1] & END != 0
    }

    /// Returns the duration since [`Self::timestamp`], in timestamp units.
    pub fn duration(&self) -> u16 {
        u16::from_be_bytes([self.payload[2], self.payload[3]])
    }
}

impl fmt::Debug for EventPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventPacket")
            .field("marker", &self.marker)
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}

/// Tells what becomes of the audio of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The frame carries audio, besides packets that repeat an end.
    Audio,
    /// An event takes the place of the frame's audio; the timestamp of the audio goes on.
    Event,
}

#[derive(Clone, Copy)]
enum State {
    Idle,
    Running(Running),
    /// The next digit may begin at this timestamp.
    Pause(u32),
}

#[derive(Clone, Copy)]
struct Running {
    event: Event,
    /// The timestamp of the segment.
    segment: u32,
    /// The units of the event from the segment's start to its end.
    remaining: u32,
    last: Option<EventPacket>,
}

#[derive(Clone, Copy)]
struct Repeat {
    packet: EventPacket,
    left: u8,
}

/// Sends queued digits, one at a time, in the frames of a stream.
///
/// It is asked once per frame of the stream with the timestamp that the frame's audio would have. Each update comes with
/// its frame, so the interval of the updates is the packet time (RFC 4733 §2.5.1.2). A digit lasts a whole number of
/// frames, rounded up; the audio goes on right behind it, while the end is repeated twice beside it.
#[derive(Clone)]
pub struct DigitSender {
    clock_rate: u32,
    queue: DigitQueue,
    state: State,
    /// The finals of the last event and of a segment shortly before it.
    repeats: [Option<Repeat>; 2],
}

impl DigitSender {
    /// Creates a sender for timestamps of this many units per second: the clock of the `telephone-event` payload,
    /// which is that of the audio (RFC 4733 §2.5.1.2, TM-046).
    pub fn new(clock_rate: u32) -> Self {
        Self { clock_rate, queue: DigitQueue::default(), state: State::Idle, repeats: [None; 2] }
    }

    /// Queues a digit behind those that wait.
    pub fn push(&mut self, event: Event, duration: Duration) -> Result<(), DigitError> {
        self.queue.push(event, duration)
    }

    /// Returns the digits that wait, without the one that is sent now.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Returns false once every digit, its end and its repetitions were sent.
    pub fn is_active(&self) -> bool {
        !self.queue.is_empty()
            || matches!(self.state, State::Running(_))
            || self.repeats.iter().any(Option::is_some)
    }

    /// Pushes the event packets of the frame that begins at `timestamp` and lasts `frame` units, oldest first.
    pub fn frame(&mut self, timestamp: u32, frame: u32, out: &mut Vec<EventPacket>) -> Slot {
        self.repeat(out);
        let running = match self.state {
            State::Running(running) => running,
            State::Pause(until) if timestamp.wrapping_sub(until).cast_signed() < 0 => return Slot::Audio,
            State::Idle | State::Pause(_) => {
                let Some((event, duration)) = self.queue.pop() else {
                    self.state = State::Idle;
                    return Slot::Audio;
                };
                let asked = units(duration, self.clock_rate).max(1);
                let remaining = asked.div_ceil(frame.max(1)).saturating_mul(frame.max(1));
                Running { event, segment: timestamp, remaining, last: None }
            }
        };
        self.update(running, timestamp.wrapping_add(frame), out);
        Slot::Event
    }

    /// Hold and transfer: drops the digits that wait and ends a running event at once, with its three E packets, because
    /// no frame may follow (TM-044).
    pub fn cancel(&mut self, out: &mut Vec<EventPacket>) {
        self.queue.clear();
        while self.repeats.iter().any(Option::is_some) {
            self.repeat(out);
        }
        if let State::Running(Running { last: Some(mut packet), .. }) = self.state {
            packet.marker = false;
            packet.payload[1] |= END;
            out.extend([packet; 1 + REPEATS as usize]);
        }
        self.state = State::Idle;
    }

    fn repeat(&mut self, out: &mut Vec<EventPacket>) {
        for slot in &mut self.repeats {
            if let Some(repeat) = slot {
                out.push(repeat.packet);
                repeat.left -= 1;
                if repeat.left == 0 {
                    *slot = None;
                }
            }
        }
    }

    /// Reports the event as it stands at `now`, the end of a frame.
    fn update(&mut self, mut running: Running, now: u32, out: &mut Vec<EventPacket>) {
        let Running { event, .. } = running;
        loop {
            // Capped by what is left, so that a clock that jumps ends the event and nothing else.
            let elapsed = now.wrapping_sub(running.segment).min(running.remaining);
            let marker = running.last.is_none();
            if elapsed < running.remaining && elapsed < SEGMENT
                || elapsed <= SEGMENT && elapsed == running.remaining
            {
                if elapsed == 0 {
                    break;
                }
                let end = elapsed == running.remaining;
                let packet = EventPacket::new(event, marker, end, running.segment, elapsed);
                out.push(packet);
                running.last = Some(packet);
                if end {
                    self.finish(packet);
                    let pause = units(MIN_PAUSE, self.clock_rate);
                    self.state = State::Pause(running.segment.wrapping_add(elapsed).wrapping_add(pause));
                    return;
                }
                break;
            }
            // The segment is full: say so, and go on in the next one (RFC 4733 §2.5.1.3).
            let packet = EventPacket::new(event, marker, false, running.segment, SEGMENT);
            out.push(packet);
            running.last = Some(packet);
            self.finish(packet);
            running.segment = running.segment.wrapping_add(SEGMENT);
            running.remaining -= SEGMENT;
        }
        self.state = State::Running(running);
    }

    /// Takes note of a final packet; when two wait already, the older one is given up, because the newer says more.
    fn finish(&mut self, packet: EventPacket) {
        let repeat = Repeat { packet: EventPacket { marker: false, ..packet }, left: REPEATS };
        if self.repeats[1].is_some() {
            self.repeats[0] = self.repeats[1];
        }
        self.repeats[1] = Some(repeat);
    }
}

impl fmt::Debug for DigitSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigitSender").field("clock_rate", &self.clock_rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
