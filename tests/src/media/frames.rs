//! Frames of 20 ms through each codec.

use std::hint::black_box;

use media_core::{Codec, SampleRate};

use super::Case;
use crate::seed::Seed;

const FRAME_MS: u32 = 20;
/// The frames that are gone through again and again: one second.
const FRAMES: usize = 50;

/// Returns the codec of a name in cases.
pub(super) fn codec(name: &str) -> Option<Codec> {
    Some(match name {
        "pcmu" => Codec::Pcmu,
        "pcma" => Codec::Pcma,
        "g722" => Codec::G722,
        "l16" => Codec::L16(SampleRate::Hz16000),
        _ => return None,
    })
}

/// A second of two tones, of noise, and of a level that goes up and down as that of speech does.
fn second(rate: SampleRate) -> Vec<i16> {
    let mut noise = Seed::new(1, 0);
    let samples = rate.samples_in(1_000);
    (0..samples)
        .map(|number| {
            let time = number as f64 / samples as f64;
            let wave = |hz: f64| (time * hz * std::f64::consts::TAU).sin();
            let noise = (noise.draw() % 2_048) as f64 - 1_024.0;
            let level = wave(3.0).mul_add(0.5, 0.5);
            (wave(270.0).mul_add(9_000.0, wave(2_300.0) * 3_000.0) + noise).mul_add(level, noise / 8.0) as i16
        })
        .collect()
}

pub(super) fn encode(codec: Codec) -> Case {
    let samples = second(codec.sample_rate());
    let (mut encoder, mut payload) = (codec.encoder(), Vec::new());
    let mut number = 0;
    Box::new(move || {
        let length = samples.len() / FRAMES;
        let start = number % FRAMES * length;
        number += 1;
        payload.clear();
        encoder.encode(black_box(&samples[start..start + length]), &mut payload);
        black_box(&payload).len() == codec.payload_length(FRAME_MS)
    })
}

pub(super) fn decode(codec: Codec) -> Case {
    let samples = second(codec.sample_rate());
    let mut encoder = codec.encoder();
    let payloads: Vec<Vec<u8>> = samples
        .chunks(samples.len() / FRAMES)
        .map(|frame| {
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload);
            payload
        })
        .collect();
    let length = codec.sample_rate().samples_in(FRAME_MS);
    let (mut decoder, mut heard) = (codec.decoder(), Vec::new());
    let mut number = 0;
    Box::new(move || {
        heard.clear();
        let payload = &payloads[number % FRAMES];
        number += 1;
        decoder.decode(black_box(payload), &mut heard).is_ok() && black_box(&heard).len() == length
    })
}
