//! Codecs, resampling and comfort noise allocate nothing once warm.

use std::alloc::System;

use media_core::comfort_noise::{ComfortNoise, NoiseEstimator, NoiseGenerator};
use media_core::{Codec, Resampler, SampleRate};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts allocations; hands everything on to the system's allocator.
#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The test harness may allocate in a thread of its own while a count is taken. It does so seldom, so that the least of
/// some counts is that of the code alone.
const COUNTS: usize = 8;

fn allocations(mut work: impl FnMut()) -> Option<usize> {
    work();
    let count = |_| {
        let region = Region::new(ALLOCATIONS);
        work();
        let change = region.change();
        change.allocations + change.reallocations
    };
    (0..COUNTS).map(count).min()
}

#[test]
fn nothing_is_allocated_once_warm() {
    for codec in Codec::PREFERENCE {
        let frame = vec![1_000; codec.sample_rate().samples_in(20)];
        let (mut encoder, mut decoder) = (codec.encoder(), codec.decoder());
        let (mut payload, mut samples) = (Vec::new(), Vec::new());
        let frames = allocations(|| {
            payload.clear();
            samples.clear();
            encoder.encode(&frame, &mut payload);
            decoder.decode(&payload, &mut samples).expect("a packet of 20 ms");
        });
        assert_eq!(frames, Some(0), "{codec}");
    }
    for from in SampleRate::ALL {
        for to in SampleRate::ALL {
            let frame = vec![1_000; from.samples_in(20)];
            let mut resampler = Resampler::new(from, to);
            let mut samples = Vec::new();
            let frames = allocations(|| {
                samples.clear();
                resampler.process(&frame, &mut samples);
            });
            assert_eq!(frames, Some(0), "{from} to {to}");
        }
    }
    let mut estimator = NoiseEstimator::new(SampleRate::Hz8000);
    let mut generator = NoiseGenerator::new(SampleRate::Hz8000, 1);
    let (mut payload, mut samples) = (Vec::new(), Vec::new());
    let pauses = allocations(|| {
        payload.clear();
        samples.clear();
        estimator.observe(&[100; 160]);
        estimator.noise().print(&mut payload);
        generator.describe(&ComfortNoise::parse(&payload).expect("our own payload"));
        generator.generate(160, &mut samples);
    });
    assert_eq!(pauses, Some(0));
}
