use proptest::prelude::*;

use super::*;
use crate::codec::SampleRate;

fn generated(generator: &mut NoiseGenerator, count: usize) -> Vec<i16> {
    let mut samples = Vec::new();
    generator.generate(count, &mut samples);
    samples
}

fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64
}

/// In dBov.
fn level(samples: &[i16]) -> f64 {
    10.0 * (power(samples).max(1e-12) / 32_768.0_f64.powi(2)).log10()
}

/// The correlation of neighbours: positive for dark noise, negative for bright.
fn neighbours(samples: &[i16]) -> f64 {
    let products = samples.windows(2).map(|pair| f64::from(pair[0]) * f64::from(pair[1]));
    products.sum::<f64>() / (samples.len() - 1) as f64 / power(samples)
}

fn parsed(payload: &[u8]) -> ComfortNoise {
    ComfortNoise::parse(payload).expect("not empty")
}

#[test]
fn a_payload_is_a_level_and_coefficients() {
    assert_eq!(ComfortNoise::parse(&[]), None);
    assert_eq!(parsed(&[60]), ComfortNoise::white(60));
    let coloured = parsed(&[60, 127, 0, 254]);
    assert_eq!(coloured.level(), 60);
    // RFC 3389 §3.2: 258 * (N - 127) / 32768.
    let reflection: Vec<f64> = coloured.reflection().collect();
    assert_eq!(reflection, [0.0, -32_766.0 / 32_768.0, 32_766.0 / 32_768.0]);
    let mut printed = Vec::new();
    coloured.print(&mut printed);
    assert_eq!(printed, [60, 127, 0, 254]);
}

#[test]
fn what_has_no_meaning_in_a_payload_is_left_out() {
    assert_eq!(parsed(&[128 + 60]), ComfortNoise::white(60));
    assert_eq!(parsed(&[60, 255, 3]), ComfortNoise::white(60));
    assert_eq!(parsed(&[60, 3, 255, 4]).reflection().count(), 1);
    assert_eq!(ComfortNoise::white(200).level(), MAX_LEVEL);
    let mut longest = vec![60];
    longest.extend([100; MAX_ORDER]);
    assert_eq!(parsed(&longest).reflection().count(), MAX_ORDER);
    longest.push(100);
    assert_eq!(parsed(&longest), parsed(&longest[..=MAX_ORDER]));
}

#[test]
fn noise_has_the_level_that_was_described() {
    for rate in SampleRate::ALL {
        for wanted in (10..=80).step_by(5) {
            let mut generator = NoiseGenerator::new(rate, 42);
            generator.describe(&ComfortNoise::white(wanted));
            let off = level(&generated(&mut generator, 16_000)) + f64::from(wanted);
            assert!(off.abs() < 0.5, "{rate}, -{wanted} dBov: {off} dB off");
        }
    }
}

#[test]
fn noise_is_silent_before_it_is_described_and_at_the_lowest_level() {
    let mut generator = NoiseGenerator::new(SampleRate::Hz8000, 0);
    assert_eq!(generated(&mut generator, 160), [0; 160]);
    generator.describe(&ComfortNoise::white(MAX_LEVEL));
    assert_eq!(generated(&mut generator, 160), [0; 160]);
}

#[test]
fn the_level_goes_over_to_the_next_without_a_step() {
    let mut generator = NoiseGenerator::new(SampleRate::Hz8000, 3);
    let mut last = None;
    for (wanted, described) in [(50.0, 50), (30.0, 30), (60.0, 60)] {
        generator.describe(&ComfortNoise::white(described));
        for _ in 0..30 {
            let now = level(&generated(&mut generator, 160));
            // Up goes fastest at first, in amplitude; the spread of 160 samples of noise comes on top.
            let step: f64 = now - last.unwrap_or(now);
            assert!(step < 14.0 && step > -6.0, "{step} dB in 20 ms");
            last = Some(now);
        }
        let reached = last.map_or(f64::NAN, |last| last + wanted);
        assert!(reached.abs() < 1.5, "{reached} dB off {wanted}");
    }
}

#[test]
fn reflection_coefficients_colour_the_noise_and_leave_its_level() {
    // A first coefficient of -0.5 is that of low-pass noise, whose neighbours are alike.
    for (index, colour) in [(64, 0.5), (127, 0.0), (190, -0.5)] {
        let mut generator = NoiseGenerator::new(SampleRate::Hz8000, 5);
        generator.describe(&parsed(&[40, index]));
        let samples = generated(&mut generator, 80_000);
        assert!((neighbours(&samples) - colour).abs() < 0.02, "{}", neighbours(&samples));
        assert!((level(&samples) + 40.0).abs() < 0.3, "{}", level(&samples));
    }
    let mut generator = NoiseGenerator::new(SampleRate::Hz8000, 5);
    generator.describe(&parsed(&[40, 40, 190, 100, 150, 90, 160, 120, 130, 127, 140]));
    let samples = generated(&mut generator, 80_000);
    assert!((level(&samples) + 40.0).abs() < 0.5, "{}", level(&samples));
}

#[test]
fn the_same_seed_gives_the_same_noise_and_another_one_does_not() {
    let noise = |seed| {
        let mut generator = NoiseGenerator::new(SampleRate::Hz16000, seed);
        generator.describe(&ComfortNoise::white(30));
        generated(&mut generator, 320)
    };
    assert_eq!(noise(1), noise(1));
    assert_ne!(noise(1), noise(2));
}

fn room(level: u8, seed: u32, count: usize) -> Vec<i16> {
    let mut generator = NoiseGenerator::new(SampleRate::Hz8000, seed);
    generator.describe(&ComfortNoise::white(level));
    generated(&mut generator, count)
}

#[test]
fn steady_noise_is_measured_to_a_decibel() {
    for level in [20, 40, 50, 65, 75] {
        let mut estimator = NoiseEstimator::new(SampleRate::Hz8000);
        estimator.observe(&room(level, 9, 16_000));
        assert!(estimator.noise().level().abs_diff(level) <= 1, "{level}: {:?}", estimator.noise());
    }
    assert_eq!(NoiseEstimator::new(SampleRate::Hz8000).noise(), ComfortNoise::white(MAX_LEVEL));
}

#[test]
fn speech_is_not_taken_for_noise() {
    let mut estimator = NoiseEstimator::new(SampleRate::Hz8000);
    for word in 0..20 {
        estimator.observe(&room(50, 2 * word + 1, 2_400));
        let pause = estimator.noise().level();
        assert!(pause.abs_diff(50) <= 2, "word {word}: {pause}");
        estimator.observe(&room(20, 2 * word + 2, 4_000));
    }
}

#[test]
fn a_louder_room_is_followed_slowly_and_the_end_of_mute_at_once() {
    let mut estimator = NoiseEstimator::new(SampleRate::Hz8000);
    estimator.observe(&[0; 800]);
    assert_eq!(estimator.noise().level(), MAX_LEVEL);
    estimator.observe(&room(60, 1, 4_000));
    assert!(estimator.noise().level().abs_diff(60) <= 1);
    // 6 dB a second.
    estimator.observe(&room(40, 2, 8_000));
    assert!(estimator.noise().level().abs_diff(54) <= 1);
    estimator.observe(&room(40, 3, 24_000));
    assert!(estimator.noise().level().abs_diff(40) <= 2);
}

proptest! {
    #[test]
    fn any_payload_is_read_and_printed_the_same(payload in prop::collection::vec(any::<u8>(), 1..64)) {
        let noise = parsed(&payload);
        let mut printed = Vec::new();
        noise.print(&mut printed);
        prop_assert_eq!(ComfortNoise::parse(&printed), Some(noise));
        prop_assert!(noise.reflection().all(|coefficient| coefficient.abs() < 1.0));
    }

    #[test]
    fn no_description_is_louder_than_it_says(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..16), 1..6),
    ) {
        let mut generator = NoiseGenerator::new(SampleRate::Hz8000, 11);
        let mut loudest: f64 = -200.0;
        for payload in &payloads {
            let noise = parsed(payload);
            generator.describe(&noise);
            loudest = loudest.max(-f64::from(noise.level()));
            let heard = level(&generated(&mut generator, 8_000));
            prop_assert!(heard < loudest.max(-85.0) + 14.0, "{heard} dBov of {loudest}");
        }
    }

    #[test]
    fn the_estimate_does_not_depend_on_where_the_samples_are_cut(
        samples in prop::collection::vec(any::<i16>(), 0..2_000),
        cut in 1_usize..500,
    ) {
        let mut whole = NoiseEstimator::new(SampleRate::Hz8000);
        whole.observe(&samples);
        let mut parts = NoiseEstimator::new(SampleRate::Hz8000);
        samples.chunks(cut).for_each(|part| parts.observe(part));
        prop_assert_eq!(whole.noise(), parts.noise());
    }
}
