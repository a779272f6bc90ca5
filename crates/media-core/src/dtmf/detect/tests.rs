use super::*;
use crate::dtmf::DualTone;
use crate::g711;

const KEYS: &str = "0123456789*#ABCD";

/// A small generator of noise: the same on every machine.
struct Noise(u32);

impl Noise {
    /// Even between -1 and 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

fn event(digit: char) -> Event {
    Event::from_char(digit).expect("a digit")
}

fn samples(rate: u32, milliseconds: u32) -> usize {
    (rate / 1_000 * milliseconds) as usize
}

/// Silence, a tone and silence; `offset` samples shift it against the windows.
fn around(tone: &mut DualTone, rate: u32, milliseconds: u32, offset: usize) -> Vec<i16> {
    let (lead, length) = (samples(rate, 20) + offset, samples(rate, milliseconds));
    let mut audio = vec![0; lead + length + samples(rate, 60)];
    tone.add(&mut audio[lead..lead + length]);
    audio
}

fn heard(rate: u32, audio: &[i16]) -> String {
    let mut out = Vec::new();
    DtmfDetector::new(rate).expect("a usual rate").listen(audio, &mut out);
    out.iter().map(|digit| digit.digit).collect()
}

/// What is heard of a tone for every eighth of a hop between windows that it may be shifted by.
fn at_every_offset(rate: u32, milliseconds: u32, tone: impl Fn() -> DualTone) -> Vec<String> {
    let step = samples(rate, HOP_MS) / 8;
    (0..8).map(|shift| heard(rate, &around(&mut tone(), rate, milliseconds, shift * step))).collect()
}

#[test]
fn every_digit_of_40_ms_is_heard_at_every_rate() {
    for rate in [8_000, 16_000, 48_000] {
        for digit in KEYS.chars() {
            let tone = || DualTone::new(event(digit), rate, -10.0, 2.0).expect("has a tone");
            assert_eq!(at_every_offset(rate, 40, tone), vec![digit.to_string(); 8], "{rate}");
        }
    }
}

#[test]
fn a_number_is_heard_in_pieces_of_any_length_with_its_durations() {
    let mut audio = vec![0; 100];
    for digit in "1999*#D".chars() {
        let from = audio.len();
        audio.resize(from + samples(8_000, 80), 0);
        DualTone::new(event(digit), 8_000, -12.0, 0.0).expect("has a tone").add(&mut audio[from..]);
        audio.resize(audio.len() + samples(8_000, 40), 0);
    }
    for piece in [1, 7, 64, 160, 4_000] {
        let mut detector = DtmfDetector::new(8_000).expect("a usual rate");
        let mut out = Vec::new();
        for piece in audio.chunks(piece) {
            detector.listen(piece, &mut out);
        }
        detector.finish(&mut out);
        assert_eq!(out.iter().map(|digit| digit.digit).collect::<String>(), "1999*#D");
        assert!(out.iter().all(|digit| digit.duration_ms.abs_diff(80) <= 16), "{out:?}");
    }
}

#[test]
fn frequencies_within_1_5_percent_are_heard_and_beyond_3_5_percent_not() {
    for rate in [8_000, 16_000] {
        for digit in KEYS.chars() {
            let (low, high) = event(digit).frequencies().expect("has a tone");
            for twist in [-8.0, 0.0, 4.0] {
                let at = |low_off: f64, high_off: f64| {
                    let (low, high) = (low * (1.0 + low_off / 100.0), high * (1.0 + high_off / 100.0));
                    at_every_offset(rate, 45, || DualTone::of(low, high, rate, -12.0, twist))
                };
                for (low_off, high_off) in [(1.5, 1.5), (-1.5, -1.5), (1.5, -1.5), (-1.5, 1.5)] {
                    let found = at(low_off, high_off);
                    assert_eq!(
                        found,
                        vec![digit.to_string(); 8],
                        "{rate} {digit} {low_off} {high_off} {twist}"
                    );
                }
                for off in [3.5, -3.5] {
                    for (low_off, high_off) in [(off, 0.0), (0.0, off), (off, off)] {
                        let found = at(low_off, high_off);
                        assert_eq!(found, vec![""; 8], "{rate} {digit} {low_off} {high_off} {twist}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_low_tone_may_be_8_db_louder_and_the_high_one_4_db() {
    for digit in KEYS.chars() {
        let twisted = |twist| {
            at_every_offset(8_000, 45, || DualTone::new(event(digit), 8_000, -12.0, twist).expect("tone"))
        };
        for twist in [-8.0, 4.0] {
            assert_eq!(twisted(twist), vec![digit.to_string(); 8], "{digit} {twist}");
        }
        for twist in [-11.0, 7.0] {
            assert_eq!(twisted(twist), vec![""; 8], "{digit} {twist}");
        }
    }
}

#[test]
fn tones_of_23_ms_are_no_digit() {
    for digit in KEYS.chars() {
        let tone = || DualTone::new(event(digit), 8_000, -10.0, 0.0).expect("has a tone");
        assert_eq!(at_every_offset(8_000, 23, tone), vec![""; 8], "{digit}");
    }
}

#[test]
fn a_pause_of_40_ms_divides_and_a_break_of_10_ms_does_not() {
    for (pause, digits) in [(40, "55"), (10, "5")] {
        for shift in 0..8 {
            let mut audio = vec![0; 8_000];
            let mut tone = DualTone::new(event('5'), 8_000, -10.0, 0.0).expect("has a tone");
            let (first, second) = (160 + shift * 8, 160 + shift * 8 + samples(8_000, 60 + pause));
            tone.add(&mut audio[first..first + samples(8_000, 60)]);
            tone.add(&mut audio[second..second + samples(8_000, 60)]);
            assert_eq!(heard(8_000, &audio), digits, "{pause} {shift}");
        }
    }
}

#[test]
fn digits_without_a_pause_are_told_apart() {
    let mut audio = vec![0; 4_000];
    for (index, digit) in "159D".chars().enumerate() {
        DualTone::new(event(digit), 8_000, -10.0, 0.0).expect("tone").add(&mut audio[index * 640..][..640]);
    }
    assert_eq!(heard(8_000, &audio), "159D");
}

#[test]
fn weak_digits_are_heard_down_to_their_limit() {
    for digit in KEYS.chars() {
        let tone = |level| {
            at_every_offset(8_000, 45, || DualTone::new(event(digit), 8_000, level, 0.0).expect("tone"))
        };
        assert_eq!(tone(-29.0), vec![digit.to_string(); 8]);
        assert_eq!(tone(-36.0), vec![""; 8]);
    }
}

#[test]
fn noise_and_g_711_do_not_hide_a_digit() {
    let mut noise = Noise(1);
    for digit in KEYS.chars() {
        let mut audio =
            around(&mut DualTone::new(event(digit), 8_000, -13.0, 0.0).expect("tone"), 8_000, 50, 3);
        for sample in &mut audio {
            // 15 dB below the two tones: even noise of peak p has the power p²/3.
            let peak = 32_767.0 * 10f64.powf((-13.0 - FULL_SCALE_DBM0) / 20.0) * (3.0 / 31.6f64).sqrt();
            let noisy = f64::from(*sample) + noise.next() * peak;
            *sample = g711::linear_from_alaw(g711::alaw_from_linear(noisy as i16));
        }
        assert_eq!(heard(8_000, &audio), digit.to_string());
    }
}

/// A voice: the harmonics of a pitch that wanders, shaped by formants that move, with pauses and breath.
fn voice(rate: u32, pitch: f64, seconds: u32, seed: u32) -> Vec<i16> {
    let mut noise = Noise(seed);
    let (mut phase, mut formants) = (0.0f64, [500.0, 1_500.0, 2_500.0]);
    let (mut pitch_now, mut pitch_next) = (pitch, pitch);
    let mut loud = 1.0;
    (0..rate * seconds)
        .map(|index| {
            if index.is_multiple_of(rate / 8) {
                pitch_next = pitch * (1.0 + noise.next() * 0.2);
                formants = [
                    500.0 + noise.next() * 250.0,
                    1_400.0 + noise.next() * 500.0,
                    2_500.0 + noise.next() * 400.0,
                ];
                loud = if noise.next() > 0.6 { 0.0 } else { 1.0 };
            }
            // The pitch glides towards the next one and trembles by a percent, as voices do.
            pitch_now += (pitch_next - pitch_now) * 12.0 / f64::from(rate);
            let trembling = pitch_now * (1.0 + 0.01 * (TAU * 5.0 * f64::from(index) / f64::from(rate)).sin());
            phase = (phase + trembling / f64::from(rate)) % 1.0;
            let mut sum = noise.next() * 0.05;
            let mut harmonic = 1.0;
            while harmonic * pitch_now < 3_400.0 {
                let hz = harmonic * pitch_now;
                // Each formant is a resonance of 80 Hz: low frequencies pass, high ones are attenuated.
                let resonance = |f: &f64| f * f / ((f * f - hz * hz).powi(2) + (80.0 * hz).powi(2)).sqrt();
                let gain: f64 = formants.iter().map(resonance).product();
                // Glottis and lips together take 6 dB an octave.
                sum += gain / harmonic * (phase * harmonic * TAU).sin();
                harmonic += 1.0;
            }
            (sum * loud * 2_000.0) as i16
        })
        .collect()
}

#[test]
fn voices_are_no_digits() {
    let mut seed = 1;
    for rate in [8_000, 16_000] {
        for pitch in [85.0, 110.0, 140.0, 175.0, 210.0, 260.0, 320.0, 400.0] {
            seed += 1;
            assert_eq!(heard(rate, &voice(rate, pitch, 30, seed)), "", "{rate} {pitch}");
        }
    }
}

#[test]
fn noise_music_and_single_tones_are_no_digits() {
    let mut noise = Noise(9);
    let white: Vec<i16> = (0..160_000).map(|_| (noise.next() * 20_000.0) as i16).collect();
    assert_eq!(heard(8_000, &white), "");
    // Two notes of every pair of a scale, each with three harmonics as strings have them.
    for low in 0..24 {
        for high in low..24 {
            let hz = |note: i32| 220.0 * 2f64.powf(f64::from(note) / 12.0);
            let audio: Vec<i16> = (0..2_400)
                .map(|index| {
                    let time = f64::from(index) / 8_000.0;
                    let note = |note: i32| -> f64 {
                        (1..=4).map(|k| (TAU * hz(note) * f64::from(k) * time).sin() / f64::from(k)).sum()
                    };
                    ((note(low) + note(high)) * 4_000.0) as i16
                })
                .collect();
            assert_eq!(heard(8_000, &audio), "", "{low} {high}");
        }
    }
    for hz in (300..2_000).step_by(10) {
        let mut audio = vec![0; 2_000];
        DualTone::of(f64::from(hz), 0.0, 8_000, -6.0, 0.0).add(&mut audio);
        assert_eq!(heard(8_000, &audio), "", "{hz}");
    }
    // A sweep and a dial tone.
    let mut phase = 0.0;
    let sweep: Vec<i16> = (0..40_000)
        .map(|index| {
            phase += TAU * (300.0 + f64::from(index) / 20.0) / 8_000.0;
            (phase.sin() * 12_000.0) as i16
        })
        .collect();
    assert_eq!(heard(8_000, &sweep), "");
    let mut dial = vec![0; 8_000];
    DualTone::of(350.0, 440.0, 8_000, -10.0, 0.0).add(&mut dial);
    assert_eq!(heard(8_000, &dial), "");
}

#[test]
fn odd_sample_rates_are_refused() {
    for (rate, fits) in
        [(7_000, false), (8_000, true), (11_025, false), (48_000, true), (49_000, false), (0, false)]
    {
        assert_eq!(DtmfDetector::new(rate).is_ok(), fits, "{rate}");
    }
}
