//! ITU-T G.722 at 64 kbit/s (mode 1): two sub-bands of 8,000 samples a second, ADPCM with six bits in the lower one and
//! two in the higher.
//!
//! The names are those of the Recommendation's functional blocks. All arithmetic is that of its fixed-point
//! description, so the output is the same bit by bit wherever it runs.

mod band;
mod qmf;
mod quantize;

use band::Band;
use qmf::Delay;

use super::{Codec, DecodeError, Decoder, Encoder, MAX_PACKET_MS};

/// The lower sub-band's scale factor at the start (DETL), 32 in the Recommendation's table of reset values.
const LOWER_START: i32 = 32;
/// The higher sub-band's scale factor at the start (DETH).
const HIGHER_START: i32 = 8;
/// Reconstructed sub-band samples have 15 bits (RECONS followed by LIMIT).
const SUB_BAND: (i32, i32) = (-16_384, 16_383);

#[derive(Debug)]
pub(super) struct G722Encoder {
    delay: Delay,
    lower: Band,
    higher: Band,
    /// The first sample of a pair whose second one has not come yet.
    first: Option<i16>,
}

impl Default for G722Encoder {
    fn default() -> Self {
        Self {
            delay: Delay::default(),
            lower: Band::new(LOWER_START),
            higher: Band::new(HIGHER_START),
            first: None,
        }
    }
}

impl Encoder for G722Encoder {
    fn encode(&mut self, samples: &[i16], payload: &mut Vec<u8>) {
        let mut samples = samples;
        if let (Some(first), [second, rest @ ..]) = (self.first, samples) {
            payload.push(self.pair(first, *second));
            self.first = None;
            samples = rest;
        }
        let (pairs, rest) = samples.as_chunks::<2>();
        payload.extend(pairs.iter().map(|&[first, second]| self.pair(first, second)));
        self.first = rest.first().copied().or(self.first);
    }
}

impl G722Encoder {
    fn pair(&mut self, first: i16, second: i16) -> u8 {
        let (odd, even) = self.delay.push(first, second);
        let lower = (even + odd) >> 14;
        let higher = (even - odd) >> 14;
        let low = quantize::lower(difference(lower, &self.lower), self.lower.scale());
        let high = quantize::higher(difference(higher, &self.higher), self.higher.scale());
        adapt_lower(&mut self.lower, low);
        adapt_higher(&mut self.higher, high);
        high << 6 | low
    }
}

#[derive(Debug)]
pub(super) struct G722Decoder {
    delay: Delay,
    lower: Band,
    higher: Band,
}

impl Default for G722Decoder {
    fn default() -> Self {
        Self { delay: Delay::default(), lower: Band::new(LOWER_START), higher: Band::new(HIGHER_START) }
    }
}

impl Decoder for G722Decoder {
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), DecodeError> {
        if payload.len() > Codec::G722.payload_length(MAX_PACKET_MS) {
            return Err(DecodeError::TooLong);
        }
        samples.extend(payload.iter().flat_map(|&byte| self.pair(byte)));
        Ok(())
    }
}

impl G722Decoder {
    fn pair(&mut self, byte: u8) -> [i16; 2] {
        let (low, high) = (byte & 0x3F, byte >> 6);
        let lower = quantize::lower_value(low, self.lower.scale()) + self.lower.estimate();
        adapt_lower(&mut self.lower, low);
        let lower = lower.clamp(SUB_BAND.0, SUB_BAND.1);
        let higher = adapt_higher(&mut self.higher, high).clamp(SUB_BAND.0, SUB_BAND.1);
        // Two 15-bit values: their sum and difference have 16 bits.
        let (odd, even) = self.delay.push((lower + higher) as i16, (lower - higher) as i16);
        [saturate(even >> 11) as i16, saturate(odd >> 11) as i16]
    }
}

fn difference(sample: i32, band: &Band) -> i32 {
    saturate(sample - band.estimate())
}

/// The lower band is predicted from the four upper bits only, so that the lower two may be used for data on the way.
fn adapt_lower(band: &mut Band, code: u8) {
    let core = code >> 2;
    band.adapt(quantize::lower_core_value(core, band.scale()), quantize::lower_step(core));
}

/// Returns the reconstructed sample before its limit.
fn adapt_higher(band: &mut Band, code: u8) -> i32 {
    let value = quantize::higher_value(code, band.scale());
    let sample = value + band.estimate();
    band.adapt(value, quantize::higher_step(code));
    sample
}

/// Limits to 16 bits, as the Recommendation's additions do.
fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}
