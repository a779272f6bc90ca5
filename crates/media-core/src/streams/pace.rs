//! The pace of frames: absolute deadlines, so that late steps do not shift what follows.

use std::time::Duration;

use crate::tick::Tick;

/// The most frames that are sent in one step: after a longer stall the rest is skipped, because a burst would only
/// be dropped by the peer's jitter buffer.
const MAX_CATCH_UP_FRAMES: u32 = 5;

/// Says when the next frame is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    next: Option<Tick>,
    /// Where the last frame ended: no moment is sent twice.
    end: Tick,
}

/// A frame that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// When its first sample is sampled.
    pub(super) at: Tick,
    /// True when frames before it were skipped.
    pub(super) skipped: bool,
}

impl Pace {
    pub(super) fn new(now: Tick) -> Self {
        Self { next: None, end: now }
    }

    pub(super) fn next(&self) -> Option<Tick> {
        self.next
    }

    /// Returns the first moment that a frame may begin at.
    pub(super) fn ready(&self, now: Tick) -> Tick {
        now.max(self.end)
    }

    /// Begins with a frame at a moment, or goes on.
    pub(super) fn start(&mut self, at: Tick) {
        self.next.get_or_insert(at);
    }

    pub(super) fn stop(&mut self) {
        self.next = None;
    }

    /// Returns where the last frame ended.
    pub(super) fn end(&self) -> Tick {
        self.end
    }

    /// A frame of another origin was sent that ends there.
    pub(super) fn passed(&mut self, end: Tick) {
        self.end = self.end.max(end);
    }

    /// Returns the next frame that is due. After a stall it moves on by whole frames.
    pub(super) fn take(&mut self, now: Tick, frame: Duration) -> Option<Due> {
        let next = self.next.filter(|next| *next <= now)?;
        let late = now.since(next);
        let skipped = late >= frame * MAX_CATCH_UP_FRAMES;
        let frames = if skipped { late.as_micros() / frame.as_micros() } else { 0 };
        let at = next + frame * frames as u32;
        self.end = at + frame;
        self.next = Some(self.end);
        Some(Due { at, skipped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(20);

    #[test]
    fn a_pace_goes_on_from_where_it_began() {
        let mut pace = Pace::new(Tick(0));
        pace.start(pace.ready(Tick(1_001_000)));
        assert_eq!(pace.next(), Some(Tick(1_001_000)));
        pace.start(Tick(1_001_250));
        assert_eq!(pace.next(), Some(Tick(1_001_000)), "it goes on");
        assert_eq!(pace.take(Tick(1_000_999), FRAME), None);
        assert_eq!(pace.take(Tick(1_009_000), FRAME), Some(Due { at: Tick(1_001_000), skipped: false }));
        pace.stop();
        pace.start(pace.ready(Tick(1_010_500)));
        assert_eq!(pace.next(), Some(Tick(1_021_000)), "no moment is sent twice");
        pace.stop();
        assert_eq!(pace.ready(Tick(2_000_000)), Tick(2_000_000));
    }
}
