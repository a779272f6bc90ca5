//! A device: a microphone, an ear, and the one stream they are attached to.

use super::values::{StreamFailure, StreamId};
use crate::hearing::Ear;
use crate::source::{Player, Source};
use crate::tick::Tick;

#[derive(Debug)]
pub(super) struct Device {
    pub(super) player: Player,
    pub(super) ear: Ear,
    pub(super) stream: Option<StreamId>,
}

impl Device {
    pub(super) fn new(source: Source, silence_level: f64) -> Self {
        Self { player: Player::new(source), ear: Ear::new(silence_level), stream: None }
    }

    pub(super) fn change_source(&mut self, source: Source) {
        self.player = Player::new(source);
    }

    pub(super) fn attach(&mut self, stream: StreamId) -> Result<(), StreamFailure> {
        if self.stream.is_some() {
            return Err(StreamFailure::DeviceBusy);
        }
        self.stream = Some(stream);
        Ok(())
    }

    pub(super) fn detach(&mut self) {
        self.stream = None;
        self.player.detach();
        self.ear.detach();
    }

    pub(super) fn hear(&mut self, samples: &[i16], now: Tick) {
        self.ear.play(samples, now);
        self.player.hear(samples);
    }
}
