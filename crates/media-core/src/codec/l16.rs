//! L16: linear samples in network byte order (RFC 3551 §4.5.11).

use super::{Codec, DecodeError, Decoder, Encoder, MAX_PACKET_MS, SampleRate};

#[derive(Debug)]
pub(super) struct L16Encoder;

impl Encoder for L16Encoder {
    fn encode(&mut self, samples: &[i16], payload: &mut Vec<u8>) {
        payload.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
    }
}

#[derive(Debug)]
pub(super) struct L16Decoder {
    longest: usize,
}

impl L16Decoder {
    pub(super) fn new(rate: SampleRate) -> Self {
        Self { longest: Codec::L16(rate).payload_length(MAX_PACKET_MS) }
    }
}

impl Decoder for L16Decoder {
    fn decode(&mut self, payload: &[u8], samples: &mut Vec<i16>) -> Result<(), DecodeError> {
        if payload.len() > self.longest {
            return Err(DecodeError::TooLong);
        }
        let (pairs, rest) = payload.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(DecodeError::CutSample);
        }
        samples.extend(pairs.iter().map(|&pair| i16::from_be_bytes(pair)));
        Ok(())
    }
}
