//! Payloads of any content through decoders that live on, comfort noise, and resampling: no panic, no more than 200 ms.
//!
//! The input is a byte that chooses the codec, a byte that chooses the rate to convert to, and then a list of payloads,
//! each behind two bytes of length.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media_core::comfort_noise::{ComfortNoise, NoiseGenerator};
use media_core::{Codec, MAX_PACKET_MS, Resampler, SampleRate};

fuzz_target!(|bytes: &[u8]| {
    let [codec, to, rest @ ..] = bytes else { return };
    let codecs = Codec::PREFERENCE;
    let codec = codecs[usize::from(*codec) % codecs.len()];
    let rate = codec.sample_rate();
    let to = SampleRate::ALL[usize::from(*to) % SampleRate::ALL.len()];
    let (mut encoder, mut decoder) = (codec.encoder(), codec.decoder());
    let mut resampler = Resampler::new(rate, to);
    let mut generator = NoiseGenerator::new(rate, 1);
    let (mut samples, mut converted, mut payload) = (Vec::new(), Vec::new(), Vec::new());

    let mut rest = rest;
    while let Some((head, behind)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*head)).min(behind.len());
        let (packet, behind) = behind.split_at(length);
        rest = behind;
        samples.clear();
        payload.clear();
        converted.clear();
        let decoded = decoder.decode(packet, &mut samples);
        assert!(samples.len() <= rate.samples_in(MAX_PACKET_MS));
        assert!(decoded.is_ok() || samples.is_empty());
        encoder.encode(&samples, &mut payload);
        resampler.process(&samples, &mut converted);
        assert!(converted.len() <= to.samples_in(MAX_PACKET_MS) + 1);
        if let Some(noise) = ComfortNoise::parse(packet) {
            generator.describe(&noise);
            generator.generate(160, &mut samples);
        }
    }
});
