//! The jitter buffer: packets in, what is to be heard next out.

mod arrival;
mod due;

use std::time::Duration;

use super::entry::{Entries, Entry, Kind};
use super::report::BufferCounters;
use super::sequence::Sequence;
use super::settings::{Format, PlayoutSettings};
use super::transit::Transit;
use super::values::Play;
use crate::rtp::RtpHeader;
use crate::tick::Tick;
use due::Next;

/// Tells in which direction the delay should change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Keep,
    Shorten,
    Lengthen,
}

/// What the last pull returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pulled {
    Packet,
    Lost,
    Underrun,
    Silence,
}

/// Holds packets until they are due.
///
/// A packet is due when it is [`Self::target`] behind the arrival that the fastest packets of late would have had in its
/// place. That point moves only at a start and behind a pause of the sender, and when the reader plays more or less than
/// the packets carry: the reader compares [`Self::delay`] with [`Self::target`] and changes the length of what it plays.
#[derive(Debug, Clone)]
pub struct JitterBuffer {
    settings: PlayoutSettings,
    format: Option<Format>,
    ssrc: u32,
    sequence: Option<Sequence>,
    entries: Entries,
    transit: Transit,
    /// The newest raw timestamp and its extension.
    newest: (u32, i64),
    arrived: Tick,
    suspect: Option<Suspect>,
    /// Packets in a row that came too late.
    late_run: u32,
    /// The next sequence number to be heard.
    next: u64,
    /// The first sequence number of this beginning.
    first: u64,
    /// Nothing of this beginning was heard, so that a number before the first still has a place.
    unheard: bool,
    /// Set while something is heard; not at a start.
    point: Option<Point>,
    pulled: Pulled,
    /// The moment until which what was pulled lasts.
    due: Tick,
    current: Option<Entry>,
    counters: BufferCounters,
}

/// Where the listener is.
#[derive(Debug, Clone, Copy)]
struct Point {
    /// The timestamp of the next sample to be heard.
    timestamp: i64,
    /// It was moved over missing packets since the last packet.
    passed: bool,
    /// Timestamp units played since the last packet that did not move it.
    withheld: i64,
    /// The last number that was passed was not audio.
    other: bool,
}

/// A packet far from the others.
#[derive(Debug, Clone)]
struct Suspect {
    header: RtpHeader,
    payload: Vec<u8>,
    arrived: Tick,
}

impl JitterBuffer {
    /// Creates an empty buffer. Settings beyond [`MAX_DELAY`](super::MAX_DELAY) are cut down to it.
    pub fn new(settings: PlayoutSettings) -> Self {
        Self {
            settings: settings.bounded(),
            format: None,
            ssrc: 0,
            sequence: None,
            entries: Entries::default(),
            transit: Transit::new(),
            newest: (0, 0),
            arrived: Tick::default(),
            suspect: None,
            late_run: 0,
            next: 0,
            first: 0,
            unheard: true,
            point: None,
            pulled: Pulled::Silence,
            due: Tick::default(),
            current: None,
            counters: BufferCounters::default(),
        }
    }

    /// Returns what is to be heard at the moment `due`, which does not go back from pull to pull.
    ///
    /// The reader pulls when it has nothing left to play, not by the clock: a packet may carry more or less than one of
    /// its frames.
    pub fn pull(&mut self, due: Tick) -> Play<'_> {
        let next = self.next_due(due);
        self.pulled = match next {
            Next::Packet { .. } => Pulled::Packet,
            Next::Lost(_) => Pulled::Lost,
            Next::Underrun => Pulled::Underrun,
            Next::Wait(_) | Next::Empty => Pulled::Silence,
        };
        match next {
            Next::Lost(units) => Play::Lost { units },
            Next::Wait(units) => Play::Wait { units },
            Next::Underrun => Play::Underrun,
            Next::Empty => Play::Empty,
            Next::Packet { continues } => self.take(continues),
        }
    }

    /// Says how many timestamp units were played: of the packet that the last pull returned, or in place of one.
    pub fn advance(&mut self, units: u32) {
        let units = i64::from(units);
        let exhausted = self.delay() >= self.settings.maximum;
        let format = self.format.unwrap_or(Format::NARROWBAND);
        self.due += Duration::from_micros(format.micros_of_units(units) as u64);
        let Some(point) = &mut self.point else { return };
        match self.pulled {
            Pulled::Packet => {
                point.timestamp += units;
                self.pulled = Pulled::Silence;
            }
            Pulled::Lost => {
                point.timestamp += units;
                point.passed = true;
            }
            // What did not come in time is late once the delay cannot grow any more.
            Pulled::Underrun if exhausted => {
                point.timestamp += units;
                point.passed = true;
            }
            Pulled::Underrun | Pulled::Silence => point.withheld += units,
        }
    }

    /// Returns the delay of what is heard at the last pull behind the arrival of the fastest packets; zero before the
    /// first packet is heard.
    pub fn delay(&self) -> Duration {
        let delay = self.point.map_or(0, |point| self.delay_at(point.timestamp, self.due));
        Duration::from_micros(delay.max(0) as u64)
    }

    /// Returns the delay that the jitter of late calls for.
    pub fn target(&self) -> Duration {
        let PlayoutSettings { minimum, maximum, frame, .. } = self.settings;
        (self.transit.jitter() + frame).clamp(minimum, maximum)
    }

    /// Returns the counters.
    pub fn counters(&self) -> &BufferCounters {
        &self.counters
    }

    /// Returns the number of packets that are held, at most [`MAX_PACKETS`](super::MAX_PACKETS).
    pub fn held(&self) -> usize {
        self.entries.len()
    }

    /// Returns the time from the earliest packet that is held to the latest, at most [`MAX_DELAY`](super::MAX_DELAY).
    pub fn span(&self) -> Duration {
        let format = self.format.unwrap_or(Format::NARROWBAND);
        Duration::from_micros(format.micros_of_units(self.entries.span()).max(0) as u64)
    }

    /// Returns the bytes that the buffer has allocated, itself included.
    pub fn bytes(&self) -> usize {
        let aside = self.suspect.as_ref().map(|suspect| suspect.payload.capacity());
        let current = self.current.as_ref().map(|entry| entry.payload.capacity());
        size_of::<Self>() + self.entries.bytes() + aside.unwrap_or(0) + current.unwrap_or(0)
    }

    /// Returns true if the next packet is there and continues the last one, so that a pull returns it.
    pub(super) fn continues(&self) -> bool {
        self.entries.first().zip(self.point).is_some_and(|(entry, point)| {
            entry.kind == Kind::Audio && entry.number == self.next && entry.timestamp == point.timestamp
        })
    }

    /// Returns how the delay should change, if what is pulled next is heard at the moment `due`.
    pub(super) fn wish(&self, due: Tick) -> Wish {
        let Some(point) = self.point else { return Wish::Keep };
        let delay = self.delay_at(point.timestamp, due);
        let target = micros(self.target());
        if delay < target {
            Wish::Lengthen
        } else if delay > target + micros(self.settings.frame) {
            Wish::Shorten
        } else {
            Wish::Keep
        }
    }

    /// Returns the delay of a timestamp that is heard at the moment `due`, in microseconds.
    fn delay_at(&self, timestamp: i64, due: Tick) -> i64 {
        self.transit_of(timestamp, due).saturating_sub(self.transit.fastest().unwrap_or(0))
    }

    fn transit_of(&self, timestamp: i64, at: Tick) -> i64 {
        let format = self.format.unwrap_or(Format::NARROWBAND);
        i64::try_from(at.0).unwrap_or(i64::MAX).saturating_sub(format.micros_of_units(timestamp))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
