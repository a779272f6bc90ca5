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

/// A second that sounds like speech to whoever measures it: four syllables, each with a voiced part, whose pitch glides and
/// goes through two formants, and a hissed part, with a short pause behind.
pub(super) fn second(rate: SampleRate) -> Vec<i16> {
    let mut noise = Seed::new(1, 0);
    let hz = f64::from(rate.hz());
    let mut formants = [Formant::new(550.0, 90.0, hz), Formant::new(1_600.0, 140.0, hz)];
    let mut phase = 0.0;
    (0..rate.samples_in(1_000))
        .map(|number| {
            let time = f64::from(number as u32) / hz;
            let syllable = (time * 4.0).fract();
            let noise = (noise.draw() % 2_048) as f64 - 1_024.0;
            phase += (30.0f64).mul_add((time * 5.0).sin(), 125.0) / hz;
            let pulse = if phase >= 1.0 { 9_000.0 } else { 0.0 };
            phase = phase.fract();
            let voiced: f64 = formants.iter_mut().map(|formant| formant.ring(pulse)).sum();
            match syllable {
                part if part < 0.55 => ((part / 0.55 * std::f64::consts::PI).sin() * voiced) as i16,
                part if part < 0.8 => noise as i16,
                _ => (noise / 64.0) as i16,
            }
        })
        .collect()
}

/// A resonance: a filter with two poles.
struct Formant {
    coefficients: [f64; 2],
    last: [f64; 2],
}

impl Formant {
    fn new(hz: f64, bandwidth: f64, rate: f64) -> Self {
        let radius = (-std::f64::consts::PI * bandwidth / rate).exp();
        let angle = std::f64::consts::TAU * hz / rate;
        Self { coefficients: [2.0 * radius * angle.cos(), -radius * radius], last: [0.0; 2] }
    }

    fn ring(&mut self, pulse: f64) -> f64 {
        let next = pulse + self.coefficients[0] * self.last[0] + self.coefficients[1] * self.last[1];
        self.last = [next, self.last[0]];
        next
    }
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
