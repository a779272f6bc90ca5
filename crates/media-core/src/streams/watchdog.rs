//! Whether RTP arrives where it should.

use std::time::Duration;

use super::names::StreamId;
use super::output::StreamEvent;
use super::step::Step;
use crate::direction::Direction;
use crate::negotiation::Agreed;
use crate::tick::Tick;

/// Watches the arrival of one stream's RTP; it rests while nothing needs to arrive (TM-003).
#[derive(Debug, Clone, Default)]
pub(super) struct Watchdog {
    flowing: bool,
    /// Since when RTP is expected; `None` while it is not, or when its absence was told.
    expecting: Option<Tick>,
}

impl Watchdog {
    pub(super) fn is_flowing(&self) -> bool {
        self.flowing
    }

    /// Another agreement is in force.
    pub(super) fn apply(&mut self, now: Tick, before: Option<&Agreed>, agreed: &Agreed) {
        if !expects_rtp(agreed) {
            (self.expecting, self.flowing) = (None, false);
        } else if !before.is_some_and(expects_rtp) {
            self.expecting = Some(now);
        }
    }

    /// RTP came that our direction lets in.
    pub(super) fn arrived(&mut self, step: &mut Step<'_, '_>, stream: StreamId, agreed: &Agreed) {
        if !self.flowing {
            self.flowing = true;
            if expects_rtp(agreed) {
                self.expecting = self.expecting.or(Some(step.now()));
            }
            step.tell(StreamEvent::Flowing { stream, at: step.now() });
        }
    }

    /// Returns when the silence is to be told.
    pub(super) fn deadline(&self, last_packet: Option<Tick>, after: Duration) -> Option<Tick> {
        self.expecting.map(|since| last_packet.map_or(since, |last| last.max(since)) + after)
    }

    pub(super) fn expire(&mut self, step: &mut Step<'_, '_>, stream: StreamId, last_packet: Option<Tick>) {
        let deadline = self.deadline(last_packet, step.config.silent_after);
        if deadline.is_some_and(|deadline| deadline <= step.now()) {
            (self.expecting, self.flowing) = (None, false);
            step.tell(StreamEvent::Silent { stream, at: step.now() });
        }
    }
}

/// Only a call that talks both ways expects packets: a side on hold may get music or nothing (RFC 6337 §5.3).
fn expects_rtp(agreed: &Agreed) -> bool {
    agreed.remote_valid && agreed.direction == Direction::SendRecv && !agreed.held
}
