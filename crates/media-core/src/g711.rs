//! G.711 companding: µ-law and A-law bytes to 16-bit linear samples and back.
//!
//! Decoding is a table look-up; the tables are computed at compile time from the segment formulas of
//! ITU-T G.711 (sign, three segment bits, four step bits; µ-law inverted, A-law with even bits inverted).

/// The largest linear magnitude µ-law can carry before its bias is added.
const ULAW_CLIP: i32 = 32_635;
/// The bias µ-law adds so that every segment starts at a power of two.
const ULAW_BIAS: i32 = 0x84;

use crate::codec::{Codec, DecodeError, Decoder, Encoder, MAX_PACKET_MS};

static ULAW: [i16; 256] = table(Law::Mu);
static ALAW: [i16; 256] = table(Law::A);

/// Returns the linear sample a µ-law byte stands for; 0xFF is silence.
pub fn linear_from_ulaw(byte: u8) -> i16 {
    ULAW[usize::from(byte)]
}

/// Returns the linear sample an A-law byte stands for; 0xD5 is the value nearest to silence.
pub fn linear_from_alaw(byte: u8) -> i16 {
    ALAW[usize::from(byte)]
}

/// Returns the µ-law byte of a linear sample, by the decision values of G.711 table 2.
pub fn ulaw_from_linear(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(ULAW_CLIP) + ULAW_BIAS;
    let segment = 31 - magnitude.leading_zeros() - 7;
    let step = (magnitude >> (segment + 3)) & 0x0F;
    !(sign | (segment as u8) << 4 | step as u8)
}

/// Returns the A-law byte of a linear sample, by the decision values of G.711 table 1.
pub fn alaw_from_linear(sample: i16) -> u8 {
    let (sign, magnitude) =
        if sample < 0 { (0x00, -(i32::from(sample) + 1)) } else { (0x80, i32::from(sample)) };
    let magnitude = magnitude >> 4;
    let code = if magnitude < 32 {
        // The first two segments have the same step.
        magnitude
    } else {
        let segment = 31 - magnitude.leading_zeros().cast_signed() - 3;
        segment << 4 | (magnitude >> (segment - 1)) & 0x0F
    };
    (sign | code as u8) ^ 0x55
}

/// PCMU in either direction: there is no state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ulaw;

/// PCMA in either direction: there is no state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alaw;

impl Encoder for Ulaw {
    fn encode(&mut self, samples: &[i16], payload: &mut Vec<u8>) {
        payload.extend(samples.iter().map(|&sample| ulaw_from_linear(sample)));
    }
}

impl Encoder for Alaw {
    fn encode(&mut self, samples: &[i16], payload: &mut Vec<u8>) {
        payload.extend(samples.iter().map(|&sample| alaw_from_linear(sample)));
    }
}

impl Decoder for Ulaw {
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), DecodeError> {
        expand(&ULAW, payload, samples)
    }
}

impl Decoder for Alaw {
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), DecodeError> {
        expand(&ALAW, payload, samples)
    }
}

fn expand(table: &[i16; 256], payload: &[u8], samples: &mut Vec<i16>) -> Result<(), DecodeError> {
    if payload.len() > Codec::Pcmu.payload_length(MAX_PACKET_MS) {
        return Err(DecodeError::TooLong);
    }
    samples.extend(payload.iter().map(|&byte| table[usize::from(byte)]));
    Ok(())
}

const fn ulaw_to_linear(byte: u8) -> i16 {
    let byte = !byte;
    let segment = (byte >> 4) & 0x07;
    let magnitude = ((((byte & 0x0F) as i32) << 3) + ULAW_BIAS) << segment;
    let magnitude = magnitude - ULAW_BIAS;
    (if byte & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

const fn alaw_to_linear(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let segment = (byte >> 4) & 0x07;
    let step = ((byte & 0x0F) as i32) << 4;
    let magnitude = match segment {
        0 => step + 8,
        1 => step + 0x108,
        _ => (step + 0x108) << (segment - 1),
    };
    (if byte & 0x80 != 0 { magnitude } else { -magnitude }) as i16
}

/// Function pointers cannot be called in constants, so the law is named.
#[derive(Clone, Copy)]
enum Law {
    Mu,
    A,
}

const fn table(law: Law) -> [i16; 256] {
    let mut values = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        values[byte] = match law {
            Law::Mu => ulaw_to_linear(byte as u8),
            Law::A => alaw_to_linear(byte as u8),
        };
        byte += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points_of_the_laws() {
        // ITU-T G.711 tables 1 and 2, scaled to 16 bits.
        assert_eq!(linear_from_ulaw(0xFF), 0);
        assert_eq!(linear_from_ulaw(0x7F), 0);
        assert_eq!(linear_from_ulaw(0x80), 32_124);
        assert_eq!(linear_from_ulaw(0x00), -32_124);
        assert_eq!(linear_from_alaw(0xD5), 8);
        assert_eq!(linear_from_alaw(0x55), -8);
        assert_eq!(linear_from_alaw(0xAA), 32_256);
        assert_eq!(linear_from_alaw(0x2A), -32_256);
        assert_eq!(ulaw_from_linear(0), 0xFF);
        assert_eq!(alaw_from_linear(0), 0xD5);
    }

    /// Where the intervals of ITU-T G.711 begin, for one sign in 16-bit units: `steps` of one width, then sixteen of
    /// twice the width, and so on.
    fn decision_values(first: &[i32], steps: usize, width: i32) -> Vec<i32> {
        let mut values = first.to_vec();
        let (mut steps, mut width) = (steps, width);
        while values.len() < 128 {
            for _ in 0..steps {
                values.push(values.last().expect("not empty") + width);
            }
            (steps, width) = (16, width * 2);
        }
        values.truncate(128);
        values
    }

    #[test]
    fn every_sample_is_encoded_by_the_decision_values_of_the_recommendation() {
        // µ-law: 0, 1, 3, 5 .. 31, then wider, of 14 bits; A-law: 0, 2, 4 .. 64, then wider, of 13 bits.
        let mu = decision_values(&[0, 4], 15, 8);
        let a = decision_values(&[0], 32, 16);
        assert_eq!((mu[16], mu[32], mu[112], mu[127]), (31 * 4, 95 * 4, 4_063 * 4, 7_903 * 4));
        assert_eq!((a[32], a[48], a[112], a[127]), (64 * 8, 128 * 8, 2_048 * 8, 3_968 * 8));
        let place =
            |values: &[i32], magnitude| (values.partition_point(|&value| value <= magnitude) - 1) as u8;
        for sample in i16::MIN..=i16::MAX {
            let (sign, linear) = (if sample < 0 { 0 } else { 0x80 }, i32::from(sample));
            // A sample at a decision value goes away from zero in µ-law, upwards in A-law.
            let expected = 0x7F ^ (sign | place(&mu, linear.abs()));
            assert_eq!(ulaw_from_linear(sample), expected, "{sample}");
            let magnitude = if sample < 0 { !linear } else { linear };
            assert_eq!(alaw_from_linear(sample), 0x55 ^ (sign | place(&a, magnitude)), "{sample}");
        }
    }

    #[test]
    fn every_byte_survives_decoding_and_encoding() {
        for byte in 0..=255u8 {
            // µ-law has two zeros; the negative one is not produced.
            if byte != 0x7F {
                assert_eq!(ulaw_from_linear(linear_from_ulaw(byte)), byte);
            }
            assert_eq!(alaw_from_linear(linear_from_alaw(byte)), byte);
        }
    }

    #[test]
    fn every_sample_stays_within_its_quantisation_step() {
        for sample in i16::MIN..=i16::MAX {
            let magnitude = i32::from(sample).abs();
            let step = (magnitude / 16).max(16) + 8;
            for back in
                [linear_from_ulaw(ulaw_from_linear(sample)), linear_from_alaw(alaw_from_linear(sample))]
            {
                let clipped = magnitude.min(32_256);
                let off = (i32::from(back).abs() - clipped).abs();
                assert!(off <= step, "{sample} came back as {back}");
                assert!(magnitude < 16 || (back < 0) == (sample < 0));
            }
        }
    }
}
