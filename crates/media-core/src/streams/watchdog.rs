//! Whether audio arrives where it should.

use super::names::StreamId;
use super::output::StreamEvent;
use super::step::Step;
use crate::direction::Direction;
use crate::negotiation::Agreed;
use crate::quality::{Silence, SilenceChange, SilenceWatch};
use crate::tick::Tick;

/// Watches the arrival of one stream's audio; it rests while nothing needs to arrive (TM-003).
#[derive(Debug, Clone)]
pub(super) struct Watchdog {
    stream: StreamId,
    watch: SilenceWatch,
    expecting: bool,
    flowing: bool,
}

impl Watchdog {
    pub(super) fn new(step: &Step<'_, '_>, stream: StreamId) -> Self {
        let watch = SilenceWatch::new(step.config.silent_after, step.config.soundless_after);
        Self { stream, watch, expecting: false, flowing: false }
    }

    pub(super) fn is_flowing(&self) -> bool {
        self.flowing
    }

    /// Another agreement is in force.
    pub(super) fn apply(&mut self, now: Tick, agreed: &Agreed) {
        // Only a call that talks both ways expects packets: a side on hold may get music or nothing (RFC 6337 §5.3).
        let expects = agreed.remote_valid && agreed.direction == Direction::SendRecv && !agreed.held;
        if !expects {
            self.watch.suspend();
            self.flowing = false;
        } else if !self.expecting {
            self.watch.expect(now);
        }
        self.expecting = expects;
    }

    /// A device came from another stream: what it waits for is waited for anew (TM-017).
    pub(super) fn moved_here(&mut self, now: Tick) {
        if self.expecting {
            self.watch.expect(now);
        }
    }

    /// RTP came that our direction lets in.
    pub(super) fn arrived(&mut self, step: &mut Step<'_, '_>) {
        if !self.flowing {
            self.flowing = true;
            step.tell(StreamEvent::Flowing { stream: self.stream, at: step.now() });
        }
        let mut changes = std::mem::take(&mut step.bench.silences);
        self.watch.packet(step.now(), false, &mut changes);
        self.tell(step, changes);
    }

    /// Something is to be heard.
    pub(super) fn sounded(&mut self, step: &mut Step<'_, '_>) {
        let mut changes = std::mem::take(&mut step.bench.silences);
        self.watch.packet(step.now(), true, &mut changes);
        self.tell(step, changes);
    }

    pub(super) fn deadline(&self) -> Option<Tick> {
        self.watch.deadline()
    }

    /// Tells what is missing.
    pub(super) fn expire(&mut self, step: &mut Step<'_, '_>) {
        let mut changes = std::mem::take(&mut step.bench.silences);
        self.watch.expire(step.now(), &mut changes);
        self.tell(step, changes);
    }

    fn tell(&mut self, step: &mut Step<'_, '_>, mut changes: Vec<SilenceChange>) {
        let (stream, at) = (self.stream, step.now());
        for change in changes.drain(..) {
            match change {
                SilenceChange::Silent { what: Silence::Packets, .. } => {
                    self.flowing = false;
                    step.tell(StreamEvent::Silent { stream, at });
                }
                SilenceChange::Silent { what: Silence::Sound, since } => {
                    step.tell(StreamEvent::Soundless { stream, since });
                }
                // Told as flowing when the packet came.
                SilenceChange::Heard { what: Silence::Packets, .. } => {}
                SilenceChange::Heard { what: Silence::Sound, gap } => {
                    step.tell(StreamEvent::SoundAgain { stream, gap });
                }
            }
        }
        step.bench.silences = changes;
    }
}
