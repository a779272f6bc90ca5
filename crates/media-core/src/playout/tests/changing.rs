//! The delay follows the jitter.

use super::*;

#[test]
fn the_delay_rises_with_the_jitter_and_falls_after_it() {
    let mut scene = Scene::new(PlayoutSettings::default());
    let mut dice = Dice(3);
    let mut last = 0;
    let mut in_order = |packet: u64, jitter: u64| {
        let at = (packet * 20 + jitter).max(last);
        last = at;
        at - packet * 20
    };
    scene.talk(0, 500, voice, |packet| in_order(packet, 0));
    scene.talk(500, 500, voice, |packet| in_order(packet, dice.roll(100)));
    scene.talk(1_000, 1_000, voice, |packet| in_order(packet, 0));
    scene.run_until(START + ms(10_000));
    assert_eq!((scene.report().target, scene.report().delay), (ms(25), ms(40)));
    scene.run_until(START + ms(20_000));
    let jittery = scene.report();
    assert!((ms(100)..=ms(125)).contains(&jittery.target), "{jittery:?}");
    assert!((ms(95)..=ms(150)).contains(&jittery.delay), "{jittery:?}");
    scene.run_until(START + ms(40_000));
    let report = scene.report();
    assert_eq!(report.target, ms(25));
    assert!(report.delay <= ms(46), "{report:?}");
    // In order, so nothing is ever dropped, only stretched.
    assert_eq!((report.packets.lost, report.packets.late, report.packets.discarded), (0, 0, 0));
    assert!(report.shortened > 0);
}

#[test]
fn a_fixed_delay_plays_all_that_is_in_time_and_drops_what_is_not() {
    let mut scene = Scene::new(PlayoutSettings::fixed(ms(80)));
    let mut dice = Dice(9);
    // Any order within 60 ms; every 50th is 100 ms too late.
    scene.talk(0, 3_000, tone, |packet| if packet % 50 == 49 { 160 } else { dice.roll(60) });
    scene.run_until(START + ms(60_200));
    let report = scene.report();
    assert_eq!((report.packets.lost, report.packets.late, report.packets.played), (0, 60, 2_940));
    assert!((ms(80)..=ms(101)).contains(&report.delay), "{report:?}");
}

#[test]
fn a_change_is_not_heard_on_a_tone() {
    let natural = largest_step(&(0..8_000).map(tone).collect::<Vec<_>>());
    let mut scene = Scene::new(PlayoutSettings::default());
    // The way gets shorter by 200 ms, then longer by as much again.
    scene.talk(0, 2_000, tone, |packet| match packet {
        0..500 => 200,
        500..1_500 => 0,
        _ => 40,
    });
    scene.run_until(START + ms(30_000));
    let shortened = scene.report();
    assert!(shortened.shortened >= 10, "{shortened:?}");
    assert_eq!(shortened.concealed, Duration::ZERO);
    let step = largest_step(&scene.heard[2_400..]);
    assert!(step <= natural * 105 / 100, "{step} beside {natural}");
    // In the end the delay has to rise again, by underruns that are concealed and by repeated periods.
    scene.run_until(START + ms(40_000));
    assert_eq!(scene.report().packets.lost, 0);
    let step = largest_step(&scene.heard[2_400..scene.heard.len() - 800]);
    assert!(step <= natural * 110 / 100, "{step} beside {natural}");
}
