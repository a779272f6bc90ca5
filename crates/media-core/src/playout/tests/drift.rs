//! The sender's clock is not ours.

use super::*;

/// An hour of a tone from a sender whose clock is off by so many millionths.
fn hour(ppm: i64) -> Scene {
    let mut scene = Scene::new(PlayoutSettings::default());
    let mut dice = Dice(5);
    let natural = largest_step(&(0..8_000).map(tone).collect::<Vec<_>>());
    let payload =
        |packet: u64| (packet * 160..(packet + 1) * 160).flat_map(|n| tone(n).to_be_bytes()).collect();
    let mut packet = 0u64;
    let mut delays = (Duration::MAX, Duration::ZERO);
    for frame in 0..180_000u64 {
        let now = START + ms(frame * 20);
        loop {
            let sent = 20_000 * packet * (1_000_000 - ppm) as u64 / 1_000_000;
            let at = START + Duration::from_micros(sent) + ms(dice.roll(5));
            if at > now + ms(40) {
                break;
            }
            scene.arrive(at, header(packet as u16, (packet as u32).wrapping_mul(160)), payload(packet));
            packet += 1;
        }
        scene.pull();
        // Memory of a minute is enough.
        if frame % 3_000 == 2_999 {
            let step = largest_step(&scene.heard[800..]);
            assert!(step <= natural * 105 / 100, "{ppm} ppm: {step} beside {natural}");
            let keep = scene.heard.len() - 1_600;
            scene.heard.drain(..keep);
            scene.puts.clear();
        }
        if frame > 500 {
            let delay = scene.report().delay;
            delays = (delays.0.min(delay), delays.1.max(delay));
        }
    }
    let report = scene.report();
    let packets = report.packets;
    assert_eq!((packets.lost, packets.late, packets.discarded), (0, 0, 0), "{ppm} ppm");
    assert_eq!(report.concealed, Duration::ZERO, "{ppm} ppm");
    assert!(delays.0 >= ms(10) && delays.1 <= ms(70), "{ppm} ppm: {delays:?}");
    println!("{ppm} ppm: {delays:?} {report:?}");
    scene
}

#[test]
fn an_hour_of_a_fast_clock_keeps_the_delay_and_the_tone() {
    for ppm in [200, 500] {
        let report = hour(ppm).report();
        // The surplus is left out: 720 ms for 200 ppm in an hour.
        let surplus = 3_600_000 * ppm as u64 / 1_000_000;
        assert!(
            (surplus / 15..=surplus / 5 + 6).contains(&(report.shortened - report.lengthened)),
            "{report:?}"
        );
    }
}

#[test]
fn an_hour_of_a_slow_clock_keeps_the_delay_and_the_tone() {
    for ppm in [-200, -500] {
        let report = hour(ppm).report();
        let missing = 3_600_000 * ppm.unsigned_abs() / 1_000_000;
        assert!(
            (missing / 15 - 6..=missing / 5).contains(&(report.lengthened - report.shortened)),
            "{report:?}"
        );
    }
}
