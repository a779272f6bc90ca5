//! Digits that wait to be sent.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::Event;

/// The most digits that wait: a card number, its date, its code and a PIN are some thirty.
pub const MAX_QUEUED: usize = 64;
/// The shortest digit: what every receiver must accept (ITU-T Q.24 table A-1).
pub const MIN_DURATION: Duration = Duration::from_millis(40);
/// The longest digit: a key held down for a menu takes seconds, not minutes.
pub const MAX_DURATION: Duration = Duration::from_mins(1);
/// The pause after a digit: receivers must accept 40 ms (ITU-T Q.24 table A-1), one frame more is kept.
pub const MIN_PAUSE: Duration = Duration::from_millis(60);

/// Tells why a digit was not queued; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigitError {
    /// [`MAX_QUEUED`] digits wait.
    #[error("more than {MAX_QUEUED} digits wait")]
    QueueFull,
    /// The duration is below [`MIN_DURATION`] or above [`MAX_DURATION`].
    #[error("a digit lasts 40 ms to 60 s")]
    Duration,
    /// The peer has said which events it takes, and this is none of them (RFC 4733 §2.4.1).
    #[error("the other side does not take this key")]
    NotTaken,
    /// The flash has no tone and can be sent as a telephone event only.
    #[error("the flash has no tone")]
    NoTone,
}

#[derive(Clone, Default)]
pub(super) struct DigitQueue {
    waiting: VecDeque<(Event, Duration)>,
}

impl DigitQueue {
    pub(super) fn push(&mut self, event: Event, duration: Duration) -> Result<(), DigitError> {
        if !(MIN_DURATION..=MAX_DURATION).contains(&duration) {
            return Err(DigitError::Duration);
        }
        if self.waiting.len() == MAX_QUEUED {
            return Err(DigitError::QueueFull);
        }
        self.waiting.push_back((event, duration));
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<(Event, Duration)> {
        self.waiting.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl fmt::Debug for DigitQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigitQueue").finish_non_exhaustive()
    }
}

/// Returns a duration in units of a clock, saturating.
pub(super) fn units(duration: Duration, clock_rate: u32) -> u32 {
    u32::try_from(duration.as_micros() * u128::from(clock_rate) / 1_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_and_the_durations_end_at_their_limits() {
        let mut queue = DigitQueue::default();
        let ms = Duration::from_millis;
        assert_eq!(queue.push(Event(1), ms(39)), Err(DigitError::Duration));
        assert_eq!(queue.push(Event(1), ms(60_001)), Err(DigitError::Duration));
        assert_eq!(queue.push(Event(1), MIN_DURATION), Ok(()));
        assert_eq!(queue.pop(), Some((Event(1), ms(40))));
        assert_eq!(queue.push(Event(1), MAX_DURATION), Ok(()));
        for _ in 1..MAX_QUEUED {
            assert_eq!(queue.push(Event(2), MIN_DURATION), Ok(()));
        }
        assert_eq!(queue.push(Event(3), MIN_DURATION), Err(DigitError::QueueFull));
        assert_eq!(queue.pop(), Some((Event(1), MAX_DURATION)));
        assert_eq!(queue.push(Event(3), MIN_DURATION), Ok(()));
        queue.clear();
        assert!(queue.is_empty());
    }
}
