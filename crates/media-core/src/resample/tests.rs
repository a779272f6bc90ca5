use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;

fn pairs() -> impl Iterator<Item = (SampleRate, SampleRate)> {
    SampleRate::ALL
        .into_iter()
        .flat_map(|from| SampleRate::ALL.into_iter().map(move |to| (from, to)))
        .filter(|(from, to)| from != to)
}

fn tone(rate: SampleRate, hz: f64, peak: f64, count: usize) -> Vec<i16> {
    let step = TAU * hz / f64::from(rate.hz());
    (0..count).map(|index| ((index as f64 * step).sin() * peak).round() as i16).collect()
}

fn convert(from: SampleRate, to: SampleRate, samples: &[i16]) -> Vec<i16> {
    let mut out = Vec::new();
    Resampler::new(from, to).process(samples, &mut out);
    out
}

/// The part of the output behind the beginning, a whole number of periods of every multiple of 20 Hz.
fn settled(to: SampleRate, out: &[i16]) -> &[i16] {
    &out[to.samples_in(50)..to.samples_in(250)]
}

fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64
}

/// The power of the tone in it, and of everything else.
fn split(rate: SampleRate, hz: f64, samples: &[i16]) -> (f64, f64) {
    let step = TAU * hz / f64::from(rate.hz());
    let (mut cosine, mut sine) = (0.0, 0.0);
    for (index, &sample) in samples.iter().enumerate() {
        let phase = index as f64 * step;
        cosine += f64::from(sample) * phase.cos();
        sine += f64::from(sample) * phase.sin();
    }
    let count = samples.len() as f64;
    let tone = 2.0 * (cosine * cosine + sine * sine) / (count * count);
    (tone, power(samples) - tone)
}

fn decibels(ratio: f64) -> f64 {
    10.0 * ratio.max(1e-30).log10()
}

#[test]
fn the_pass_band_is_flat_and_holds_the_tone_only() {
    for (from, to) in pairs() {
        let lower = f64::from(from.hz().min(to.hz()));
        for part in [0.02, 0.1, 0.2, 0.3, 0.4, 0.425, 0.437] {
            let hz = (lower * part / 20.0).round() * 20.0;
            let input = tone(from, hz, 20_000.0, from.samples_in(300));
            let out = convert(from, to, &input);
            let (tone, rest) = split(to, hz, settled(to, &out));
            let gain = decibels(tone / (20_000.0_f64.powi(2) / 2.0));
            assert!(gain.abs() < 0.002, "{from} to {to}, {hz} Hz: {gain} dB");
            let rest = decibels(rest / tone);
            assert!(rest < -82.0, "{from} to {to}, {hz} Hz: the rest is at {rest} dB");
        }
    }
}

/// Upwards, a tone near half of the rate below has its image just beyond it; downwards, a tone beyond half of the rate
/// below would come back as another.
#[test]
fn what_lies_beyond_half_of_the_lower_rate_is_79_db_down() {
    for (from, to) in pairs() {
        let lower = f64::from(from.hz().min(to.hz()));
        let half_of_input = f64::from(from.hz()) / 2.0;
        if from > to {
            for part in [0.5, 0.51, 0.55, 0.6, 0.75, 0.9, 1.0, 1.3, 2.0, 2.4] {
                let hz = (lower * part / 20.0).ceil() * 20.0;
                if hz < half_of_input {
                    let input = tone(from, hz, 30_000.0, from.samples_in(300));
                    let out = convert(from, to, &input);
                    let left = decibels(power(settled(to, &out)) / (30_000.0_f64.powi(2) / 2.0));
                    assert!(left < -79.0, "{from} to {to}, {hz} Hz: {left} dB");
                }
            }
        } else {
            for part in [0.45, 0.48, 0.499] {
                let hz = (lower * part / 20.0).floor() * 20.0;
                let input = tone(from, hz, 30_000.0, from.samples_in(300));
                let out = convert(from, to, &input);
                let (_, images) = split(to, hz, settled(to, &out));
                let images = decibels(images / (30_000.0_f64.powi(2) / 2.0));
                assert!(images < -79.0, "{from} to {to}, {hz} Hz: {images} dB");
            }
        }
    }
}

#[test]
fn a_constant_comes_out_as_it_went_in_and_silence_stays_silent() {
    for (from, to) in pairs() {
        let out = convert(from, to, &vec![12_345; from.samples_in(100)]);
        assert!(out[to.samples_in(20)..].iter().all(|&sample| sample == 12_345), "{from} to {to}");
        assert!(convert(from, to, &vec![0; 1_000]).iter().all(|&sample| sample == 0));
    }
}

#[test]
fn the_loudest_square_is_limited_and_never_wraps() {
    for (from, to) in pairs() {
        let period = from.samples_in(10);
        let square: Vec<i16> = (0..from.samples_in(300))
            .map(|index| if index % period < period / 2 { i16::MAX } else { i16::MIN })
            .collect();
        let out = convert(from, to, &square);
        let delay = (Resampler::new(from, to).delay().as_secs_f64() * f64::from(to.hz())) as usize;
        let half = to.samples_in(10) / 2;
        // The middle of every half wave, where the transitions have faded.
        for (index, middle) in out.iter().skip(delay + half / 2).step_by(half).enumerate() {
            assert!(if index % 2 == 0 { *middle > 30_000 } else { *middle < -30_000 }, "{from} to {to}");
        }
    }
}

#[test]
fn ten_milliseconds_in_are_ten_milliseconds_out() {
    for (from, to) in pairs() {
        let mut resampler = Resampler::new(from, to);
        let mut out = Vec::new();
        for frame in 1..=100 {
            resampler.process(&vec![7; from.samples_in(10)], &mut out);
            assert_eq!(out.len(), frame * to.samples_in(10), "{from} to {to}");
        }
    }
}

#[test]
fn a_click_comes_out_after_the_delay() {
    for (from, to) in pairs() {
        let mut click = vec![0; from.samples_in(50)];
        click[0] = 30_000;
        let out = convert(from, to, &click);
        let loudest = (0..out.len()).max_by_key(|&index| out[index]).expect("samples");
        let delay = Resampler::new(from, to).delay();
        assert!(delay <= Duration::from_micros(5_100), "{from} to {to}: {delay:?}");
        let late = loudest as f64 / f64::from(to.hz()) - delay.as_secs_f64();
        assert!(late.abs() <= 0.5 / f64::from(to.hz()) + 1e-9, "{from} to {to}: {late} s off");
    }
}

#[test]
fn there_and_back_again_gives_the_same_sound_later() {
    for (low, high) in pairs().filter(|(low, high)| low < high && high.hz() % low.hz() == 0) {
        let wave = |hz: f64| tone(low, hz * f64::from(low.hz()), 8_000.0, low.samples_in(500));
        let sound: Vec<i16> =
            wave(0.03).iter().zip(wave(0.21)).zip(wave(0.42)).map(|((a, b), c)| a + b + c).collect();
        let back = convert(high, low, &convert(low, high, &sound));
        // Both filters delay by 40 samples of the lower rate.
        let pairs = sound.iter().zip(&back[80..]).skip(200);
        let worst = pairs.map(|(&one, &other)| one.abs_diff(other)).max().expect("samples");
        assert!(worst <= 4, "{low} to {high} and back: {worst}");
    }
}

#[test]
fn after_a_reset_nothing_of_before_is_heard() {
    for (from, to) in pairs() {
        let sound = tone(from, 400.0, 9_000.0, from.samples_in(30) + 1);
        let mut resampler = Resampler::new(from, to);
        resampler.process(&vec![30_000; 777], &mut Vec::new());
        resampler.reset();
        let mut out = Vec::new();
        resampler.process(&sound, &mut out);
        assert_eq!(out, convert(from, to, &sound), "{from} to {to}");
    }
}

#[test]
fn equal_rates_copy() {
    let mut resampler = Resampler::new(SampleRate::Hz16000, SampleRate::Hz16000);
    let mut out = vec![1];
    resampler.process(&[i16::MIN, 5, i16::MAX], &mut out);
    assert_eq!(out, [1, i16::MIN, 5, i16::MAX]);
    assert_eq!(resampler.delay(), Duration::ZERO);
}

proptest! {
    #[test]
    fn the_output_does_not_depend_on_where_the_input_is_cut(
        from in prop::sample::select(&SampleRate::ALL[..]),
        to in prop::sample::select(&SampleRate::ALL[..]),
        samples in prop::collection::vec(any::<i16>(), 0..3_000),
        cuts in prop::collection::vec(0_usize..700, 1..20),
    ) {
        let mut resampler = Resampler::new(from, to);
        let room = resampler.input.capacity();
        let mut out = Vec::new();
        let mut rest = &samples[..];
        for &cut in cuts.iter().cycle().take(40) {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            resampler.process(now, &mut out);
            rest = later;
        }
        resampler.process(rest, &mut out);
        prop_assert_eq!(resampler.input.capacity(), room);
        let due = (samples.len() as u64 * u64::from(to.hz())).div_ceil(u64::from(from.hz()));
        prop_assert_eq!(out.len() as u64, due);
        prop_assert_eq!(out, convert(from, to, &samples));
    }
}
