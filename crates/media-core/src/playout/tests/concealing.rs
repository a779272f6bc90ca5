//! How near a concealed gap comes to what was lost.

use super::*;

/// Loses 20 ms pieces by chance and returns the signal, what is heard with concealment and with zeros instead, and the
/// samples that are the first of a gap or the first behind one.
fn lossy(rate: u32, percent: u64, signal: impl Fn(u64) -> i16) -> ([Vec<i16>; 3], Vec<usize>) {
    let frame = rate as usize / 50;
    let mut concealment = Concealment::new(rate);
    let mut dice = Dice(11);
    let mut all = [Vec::new(), Vec::new(), Vec::new()];
    let mut edges = Vec::new();
    for number in 0..1_500 {
        let mut piece: Vec<i16> = (number * frame..(number + 1) * frame).map(|n| signal(n as u64)).collect();
        all[0].extend(&piece);
        if number > 10 && dice.roll(100) < percent {
            all[2].extend(vec![0; frame]);
            concealment.conceal(&mut piece);
            edges.extend([number * frame, (number + 1) * frame]);
        } else {
            all[2].extend(&piece);
            concealment.pass(&mut piece);
        }
        all[1].extend(piece);
    }
    (all, edges)
}

/// Signal to error in decibels.
fn ratio(signal: &[i16], heard: &[i16]) -> f64 {
    let power: f64 = signal.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    let error: f64 =
        signal.iter().zip(heard).map(|(&one, &other)| (f64::from(one) - f64::from(other)).powi(2)).sum();
    10.0 * (power / error).log10()
}

/// A name, a sample rate, a signal, and how many decibels concealment has to be better than zeros.
type Case = (&'static str, u32, fn(u64) -> i16, f64);

#[test]
fn concealment_comes_nearer_than_zeros() {
    let wide_voice = |n: u64| voice(n / 2).midpoint(voice(n.div_ceil(2)));
    let cases: [Case; 4] = [
        ("tone", 8_000, tone, 14.0),
        ("voice", 8_000, voice, 6.0),
        ("tone", 16_000, |n| tone(n / 2), 14.0),
        ("voice", 16_000, wide_voice, 6.0),
    ];
    for (name, rate, signal, better) in cases {
        let ([sent, concealed, zeros], edges) = lossy(rate, 5, signal);
        let (with, without) = (ratio(&sent, &concealed), ratio(&sent, &zeros));
        let steps = [&sent, &concealed, &zeros].map(|samples| largest_step(samples));
        let at_edges = |samples: &[i16]| {
            let inside = edges.iter().filter(|&&edge| edge < samples.len());
            inside.map(|&edge| largest_step(&samples[edge - 1..=edge])).max()
        };
        let edges = [&sent, &concealed, &zeros].map(|samples| at_edges(samples));
        println!(
            "{name} at {rate}: {with:.1} dB, zeros {without:.1} dB, largest steps {steps:?}, at edges {edges:?}"
        );
        assert!(with >= without + better, "{name} at {rate}: {with:.1} dB, zeros {without:.1} dB");
        assert!(steps[1] <= steps[0] * 110 / 100, "{name} at {rate}: {steps:?}");
    }
}

#[test]
fn a_gap_fades_by_a_fifth_each_10_ms_and_is_silent_after_60() {
    let mut concealment = Concealment::new(8_000);
    let mut heard: Vec<i16> = (0..800).map(|n| tone(n * 25 / 11)).collect();
    concealment.pass(&mut heard);
    let mut gap = vec![0; 800];
    assert_eq!(concealment.conceal(&mut gap), 480);
    let peak = |millis: usize| gap[millis * 8..][..80].iter().map(|sample| sample.unsigned_abs()).max();
    for (millis, share) in [(0, 100), (10, 100), (20, 80), (30, 60), (40, 40), (50, 20), (60, 0)] {
        let expected = 8_192 * share / 100;
        let peak = u32::from(peak(millis).expect("samples"));
        assert!(peak <= expected * 102 / 100, "{millis} ms: {peak}");
        assert!(peak >= expected.saturating_sub(8_192 / 5) * 9 / 10, "{millis} ms: {peak}");
    }
    // In pieces of any size it is the same.
    let mut again = Concealment::new(8_000);
    again.pass(&mut (0..800).map(|n| tone(n * 25 / 11)).collect::<Vec<_>>());
    let mut pieces = vec![0; 800];
    let audible: usize = pieces.chunks_mut(7).map(|piece| again.conceal(piece)).sum();
    assert!(audible == 480 && pieces == gap);
}

#[test]
fn silence_and_full_scale_stay_what_they_are() {
    for rate in [0, 1, 8_000, 11_025, 16_000, 44_100, 48_000] {
        let mut concealment = Concealment::new(rate);
        let mut piece = vec![0; 1_000];
        concealment.conceal(&mut piece);
        assert!(piece.iter().all(|&sample| sample == 0));
        for level in [i16::MIN, i16::MAX] {
            for _ in 0..10 {
                concealment.pass(&mut vec![level; 1_000]);
                let mut piece = vec![0; 90];
                concealment.conceal(&mut piece);
                let between = |sample: i32| (sample.min(0)..=sample.max(0)).contains(&0);
                assert!(piece.iter().all(|&sample| between(i32::from(sample))));
                concealment.conceal(&mut []);
                concealment.pass(&mut []);
            }
        }
    }
}

#[test]
fn a_period_longer_than_is_searched_for_makes_no_click() {
    // 30 Hz: no two pieces within 15 ms are alike, so every seam shows unless it is smoothed.
    let hum = |n: u64| ((n % 800) as f64 * 30.0 * TAU / 8_000.0).sin().mul_add(8_192.0, 0.0).round() as i16;
    let ([sent, concealed, zeros], _) = lossy(8_000, 5, hum);
    let steps = [&sent, &concealed, &zeros].map(|samples| largest_step(samples));
    println!("{steps:?}");
    assert!(steps[1] * 6 <= steps[2], "{steps:?}");
}
