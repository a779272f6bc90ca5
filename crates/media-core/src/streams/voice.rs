//! The audio of a stream's frames as payloads: a codec, and comfort noise while the microphone is muted.

use crate::codec::{Codec, Encoder};
use crate::comfort_noise::NoiseEstimator;
use crate::negotiation::Agreed;

/// How often the noise is described anew while nothing is said: as often as keeps a watchdog quiet (TM-021).
const NOISE_MS: u32 = 200;

/// Encodes what is said.
#[derive(Debug, Default)]
pub(super) struct Voice {
    encoder: Option<(Codec, Box<dyn Encoder>)>,
    noise: Option<NoiseEstimator>,
    /// The milliseconds since the last description, while muted.
    quiet_ms: Option<u32>,
}

impl Voice {
    /// Another agreement is in force: another codec begins anew.
    pub(super) fn apply(&mut self, agreed: &Agreed) {
        let codec = agreed.codec;
        if self.encoder.as_ref().is_none_or(|(before, _)| *before != codec) {
            self.encoder = Some((codec, codec.encoder()));
            self.noise = None;
        }
        if agreed.comfort_noise_payload_type.is_some() {
            self.noise.get_or_insert_with(|| NoiseEstimator::new(codec.sample_rate()));
        } else {
            self.noise = None;
        }
    }

    /// Appends the payload of a frame and returns its type; `None` for a frame that is not sent.
    pub(super) fn encode(
        &mut self,
        agreed: &Agreed,
        samples: &[i16],
        muted: bool,
        payload: &mut Vec<u8>,
    ) -> Option<u8> {
        if let (Some(noise), Some(payload_type)) = (&mut self.noise, agreed.comfort_noise_payload_type) {
            if muted {
                let since = self.quiet_ms.unwrap_or(NOISE_MS);
                let due = since >= NOISE_MS;
                self.quiet_ms = Some(if due { 0 } else { since } + u32::from(agreed.ptime_ms));
                if due {
                    noise.noise().print(payload);
                }
                return due.then_some(payload_type);
            }
            noise.observe(samples);
        }
        self.quiet_ms = None;
        let (_, encoder) = self.encoder.as_mut()?;
        encoder.encode(samples, payload);
        Some(agreed.payload_type)
    }
}
