//! The keys that our side presses: as telephone events where both have them, else as tones in the audio.

use std::time::Duration;

use super::clock::MediaClock;
use super::command::StreamFailure;
use crate::dtmf::{DigitError, DigitSender, Event, EventPacket, EventSet, MAX_QUEUED, Slot, ToneSender};
use crate::negotiation::Agreed;
use crate::tick::Tick;

/// Sends the digits of a stream.
#[derive(Debug, Default)]
pub(super) struct Keys {
    how: How,
}

#[derive(Debug, Default)]
enum How {
    #[default]
    Nothing,
    /// With the units per second of the events' timestamps.
    Events(u32, EventSet, DigitSender),
    Tones(u32, ToneSender),
}

impl Keys {
    /// Another agreement is in force. What waits for the way before is dropped when that way is closed.
    pub(super) fn apply(&mut self, agreed: &Agreed) {
        let (clock, rate) = (agreed.dtmf_clock_rate, agreed.codec.sample_rate().hz());
        match (&mut self.how, agreed.dtmf_payload_type) {
            (How::Events(before, taken, _), Some(_)) if *before == clock => *taken = agreed.dtmf_events,
            (How::Tones(before, _), None) if *before == rate => {}
            (_, Some(_)) => self.how = How::Events(clock, agreed.dtmf_events, DigitSender::new(clock)),
            (_, None) => self.how = How::Tones(rate, ToneSender::new(rate)),
        }
    }

    /// Queues digits, all of them or none.
    pub(super) fn press(&mut self, events: &[Event], duration: Duration) -> Result<(), StreamFailure> {
        let waiting = match &self.how {
            How::Nothing => return Err(StreamFailure::NotSending),
            How::Events(_, _, sender) => sender.waiting(),
            How::Tones(_, sender) => sender.waiting(),
        };
        if events.len() > MAX_QUEUED - waiting.min(MAX_QUEUED) {
            return Err(StreamFailure::Digits(DigitError::QueueFull));
        }
        match &self.how {
            How::Events(_, taken, _) if !events.iter().all(|event| taken.contains(*event)) => {
                return Err(StreamFailure::Digits(DigitError::NotTaken));
            }
            How::Tones(..) if events.contains(&Event::FLASH) => {
                return Err(StreamFailure::Digits(DigitError::NoTone));
            }
            How::Nothing | How::Events(..) | How::Tones(..) => {}
        }
        // There is room for all, so only the duration can be wrong, and that of the first is.
        for &event in events {
            match &mut self.how {
                How::Nothing => {}
                How::Events(_, _, sender) => sender.push(event, duration).map_err(StreamFailure::Digits)?,
                How::Tones(_, sender) => sender.push(event, duration).map_err(StreamFailure::Digits)?,
            }
        }
        Ok(())
    }

    /// Takes part in a frame of audio: pushes the event packets that are sent with it or in its place, or puts tones in
    /// its samples.
    pub(super) fn frame(
        &mut self,
        clock: MediaClock,
        at: Tick,
        agreed: &Agreed,
        samples: &mut [i16],
        out: &mut Vec<EventPacket>,
    ) -> Slot {
        match &mut self.how {
            How::Nothing => Slot::Audio,
            How::Events(rate, _, sender) => {
                let units = u32::from(agreed.ptime_ms) * *rate / 1_000;
                sender.frame(clock.at_rate(at, *rate), units, out)
            }
            How::Tones(_, sender) => {
                sender.replace(samples);
                Slot::Audio
            }
        }
    }

    /// Drops what waits and ends what runs (TM-044).
    pub(super) fn cancel(&mut self, out: &mut Vec<EventPacket>) {
        match &mut self.how {
            How::Nothing => {}
            How::Events(_, _, sender) => sender.cancel(out),
            How::Tones(_, sender) => sender.cancel(),
        }
    }
}
