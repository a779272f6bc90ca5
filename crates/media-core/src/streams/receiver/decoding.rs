//! Payloads of whatever type as samples: the codecs and the comfort noise of one stream.

use crate::codec::{Codec, Decoder, SampleRate};
use crate::comfort_noise::{ComfortNoise, NoiseGenerator};
use crate::negotiation::MediaFormat;
use crate::playout::{Content, Decode, Format};

/// Decodes what a peer sends.
#[derive(Debug)]
pub(crate) struct Decoding {
    formats: Vec<(u8, MediaFormat)>,
    decoder: Option<(Codec, Box<dyn Decoder>)>,
    /// The codec of the last audio, in whose pauses there may be noise.
    codec: Codec,
    noise: Option<NoiseGenerator>,
    seed: u32,
    samples: Vec<i16>,
    /// Payloads that no decoder took.
    pub(crate) broken: u64,
}

impl Decoding {
    pub(crate) fn new(seed: u32) -> Self {
        Self {
            formats: Vec::new(),
            decoder: None,
            codec: Codec::Pcmu,
            noise: None,
            seed,
            samples: Vec::new(),
            broken: 0,
        }
    }

    /// Takes what the payload types mean.
    pub(crate) fn apply(&mut self, formats: &[(u8, MediaFormat)], codec: Codec) {
        if self.formats != formats {
            self.formats = formats.to_vec();
        }
        if self.decoder.is_none() {
            self.codec = codec;
        }
    }

    pub(crate) fn meaning(&self, payload_type: u8) -> Option<MediaFormat> {
        self.formats.iter().find(|(number, _)| *number == payload_type).map(|(_, format)| *format)
    }

    /// Returns the clocks of a packet of audio or noise, which goes with the audio around it.
    pub(crate) fn clocks(&mut self, format: MediaFormat) -> Option<Format> {
        match format {
            MediaFormat::Audio(codec) => self.codec = codec,
            MediaFormat::ComfortNoise if self.codec.clock_rate() == 8_000 => {}
            _ => return None,
        }
        Some(Format { clock_rate: self.codec.clock_rate(), sample_rate: self.codec.sample_rate().hz() })
    }
}

impl Decode for Decoding {
    fn decode(&mut self, payload_type: u8, payload: &[u8], samples: &mut Vec<i16>) -> Content {
        match self.meaning(payload_type) {
            Some(MediaFormat::Audio(codec)) => {
                if self.decoder.as_ref().is_some_and(|(before, _)| *before != codec) {
                    (self.decoder, self.noise) = (None, None);
                }
                let (_, decoder) = self.decoder.get_or_insert_with(|| (codec, codec.decoder()));
                if decoder.decode(payload, samples).is_ok() {
                    return Content::Audio;
                }
                self.broken += 1;
                Content::Unknown
            }
            Some(MediaFormat::ComfortNoise) => {
                let Some(described) = ComfortNoise::parse(payload) else { return Content::Unknown };
                let rate: SampleRate = self.codec.sample_rate();
                self.noise.get_or_insert_with(|| NoiseGenerator::new(rate, self.seed)).describe(&described);
                Content::ComfortNoise
            }
            Some(_) | None => Content::Unknown,
        }
    }

    fn comfort_noise(&mut self, samples: &mut [i16]) {
        let Some(noise) = &mut self.noise else {
            samples.fill(0);
            return;
        };
        self.samples.clear();
        noise.generate(samples.len(), &mut self.samples);
        samples.copy_from_slice(&self.samples);
    }

    fn restart(&mut self) {
        (self.decoder, self.noise) = (None, None);
    }
}
