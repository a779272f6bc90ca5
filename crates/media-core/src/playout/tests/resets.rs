//! When everything begins anew (TM-060 to TM-063).

use super::*;

/// A call of two seconds over an even way.
fn call() -> Scene {
    let mut scene = Scene::new(PlayoutSettings::default());
    scene.talk(0, 100, tone, |_| 0);
    scene.run_until(START + ms(2_000));
    assert_eq!((scene.report().packets.lost, scene.concealed()), (0, 0));
    scene
}

/// The time from the arrival of the first packet, `arrival` after the start, to the first sample that is heard of it.
fn silence_before(scene: &mut Scene, arrival: Tick) -> Duration {
    let pulls = scene.pulls.len();
    let heard = scene.heard.len();
    scene.run_until(arrival + ms(200));
    let silent = scene.pulls[pulls..].iter().take_while(|pulled| pulled.received == 0).count();
    let partly = scene.pulls[pulls + silent];
    let first = heard + silent * 160 + partly.silent + partly.concealed;
    let moment = START + Duration::from_micros(first as u64 * 125);
    moment.since(arrival)
}

#[test]
fn after_a_hold_the_delay_is_that_of_the_start_and_nothing_old_is_heard() {
    // covers: TM-060, TM-061, EC-84
    let mut scene = call();
    let before = scene.report();
    // The peer stops in the middle: what it had sent until then is heard, and nothing for a minute.
    scene.run_until(START + ms(62_000));
    let held = scene.report();
    assert_eq!(held.packets.lost, 0);
    assert!(scene.heard[scene.heard.len() - 400_000..].iter().all(|&sample| sample == 0));
    // The sequence goes on; the timestamp does as well (TM-006), or stood still, which is tolerated.
    let arrival = START + ms(62_005);
    scene.talk(3_100, 1, voice, |_| 5);
    scene.way.clear();
    for packet in 0..50 {
        scene.say(arrival + ms(packet * 20), 100 + packet as u16, 496_000 + packet * 160, 160, voice);
    }
    assert_eq!(silence_before(&mut scene, arrival), ms(40));
    assert!(scene.puts.contains(&Put::Reset(ResetCause::Pause)));
    scene.run_until(START + ms(63_000));
    let after = scene.report();
    assert_eq!((after.packets.lost, after.packets.late, after.packets.discarded), (0, 0, 0));
    assert_eq!((after.target, after.delay), (before.target, ms(40)));
    assert_eq!(after.packets.resets, 1);
}

#[test]
fn a_clock_that_stood_still_in_a_hold_is_tolerated() {
    // covers: TM-060
    for pause in [250, 700, 990, 1_100, 60_000] {
        let mut scene = call();
        let arrival = START + ms(2_005 + pause);
        scene.run_until(arrival - ms(5));
        for packet in 0..100 {
            let payload = (0..160).flat_map(|_| 1_000i16.to_be_bytes()).collect();
            let header =
                RtpHeader { marker: packet == 0, ..header(100 + packet, u32::from(100 + packet) * 160) };
            scene.arrive(arrival + ms(u64::from(packet) * 20), header, payload);
        }
        scene.run_until(arrival + ms(1_995));
        let report = scene.report();
        assert_eq!(report.packets.lost, 0, "a pause of {pause} ms");
        assert!(report.packets.late + report.packets.discarded == 0, "a pause of {pause} ms: {report:?}");
        assert!(report.delay <= ms(400), "a pause of {pause} ms: {report:?}");
        assert!(scene.heard[scene.heard.len() - 8_000..].iter().all(|&sample| sample == 1_000));
    }
}

#[test]
fn a_hold_with_a_jump_of_the_sequence_counts_no_loss() {
    // covers: TM-060, TM-061
    let mut scene = call();
    scene.run_until(START + ms(12_000));
    let arrival = START + ms(12_005);
    for packet in 0..50 {
        scene.say(arrival + ms(packet * 20), 40_000 + packet as u16, 9_000_000 + packet * 160, 160, tone);
    }
    scene.run_until(arrival + ms(995));
    assert_eq!(scene.puts[100..103], [Put::Suspect, Put::Reset(ResetCause::Sequence), Put::Queued]);
    let packets = scene.report().packets;
    // The first of the two that prove the jump is heard as well.
    assert_eq!((packets.lost, packets.discarded, packets.played), (0, 0, 148));
}

#[test]
fn another_source_begins_anew() {
    // covers: TM-060
    let mut scene = call();
    let arrival = START + ms(2_001);
    for packet in 0..50u16 {
        let payload = (0..160).flat_map(|_| 1_000i16.to_be_bytes()).collect();
        let header = RtpHeader { ssrc: 8, ..header(30_000 + packet, u32::from(packet) * 160) };
        scene.arrive(arrival + ms(u64::from(packet) * 20), header, payload);
    }
    scene.pull();
    let from = scene.heard.len();
    assert_eq!(silence_before(&mut scene, arrival), ms(40));
    assert_eq!(scene.puts[100], Put::Reset(ResetCause::Source));
    let packets = scene.report().packets;
    // Of the old source one packet was still held.
    assert_eq!((packets.lost, packets.resets, packets.discarded), (0, 1, 1));
    // The old one fades out: 4 ms after the next pull nothing of it is heard.
    assert!(scene.heard[from + 32..from + 160].iter().all(|&sample| sample == 0));
    let natural = largest_step(&scene.heard[1_000..from]);
    assert!(largest_step(&scene.heard[from - 1..]) <= natural);
}

#[test]
fn another_clock_begins_anew_and_gives_samples_of_its_rate() {
    // covers: TM-060
    let mut scene = call();
    scene.format = Format { clock_rate: 8_000, sample_rate: 16_000 };
    scene.samples = 320;
    for packet in 100..200u64 {
        let payload = (0..320).flat_map(|_| 1_000i16.to_be_bytes()).collect();
        let header = header(packet as u16, packet as u32 * 160);
        scene.arrive(START + ms(packet * 20 + 5), header, payload);
    }
    scene.run_until(START + ms(4_000));
    assert_eq!(scene.puts[100], Put::Reset(ResetCause::Format));
    assert_eq!(scene.playout.format().sample_rate, 16_000);
    assert_eq!((scene.report().packets.lost, scene.report().packets.resets), (0, 1));
    assert!(scene.heard[scene.heard.len() - 24_000..].iter().all(|&sample| sample == 1_000));
}

#[test]
fn a_reset_of_the_owner_drops_what_is_held() {
    // covers: TM-060
    let mut scene = call();
    scene.playout.reset();
    assert_eq!(scene.playout.buffer().held(), 0);
    scene.pull();
    scene.pull();
    assert!(scene.heard[scene.heard.len() - 160..].iter().all(|&sample| sample == 0));
    let arrival = START + ms(2_041);
    for packet in 0..50 {
        scene.say(arrival + ms(packet * 20), packet as u16, packet * 160, 160, tone);
    }
    assert_eq!(silence_before(&mut scene, arrival), ms(40));
    assert_eq!((scene.report().packets.resets, scene.report().packets.lost), (1, 0));
}

#[test]
fn the_sequence_may_jump_as_far_as_rfc_3550_says() {
    // covers: TM-060
    let put = |scene: &mut Scene, number: u16| {
        let header = header(number, 16_000);
        scene.playout.put(&header, &[0; 320], Format::NARROWBAND, scene.now)
    };
    let mut scene = call();
    assert_eq!(put(&mut scene, 99 + 2_999), Put::Queued);
    let mut scene = call();
    assert_eq!(put(&mut scene, 99 + 3_000), Put::Suspect);
    assert_eq!(put(&mut scene, 99 + 3_002), Put::Suspect);
    assert_eq!(put(&mut scene, 99 + 3_003), Put::Reset(ResetCause::Sequence));
    let mut scene = call();
    assert_eq!(put(&mut scene, 65_534), Put::Suspect);
    assert_eq!(put(&mut scene, 65_535), Put::Reset(ResetCause::Sequence));
}

#[test]
fn a_stray_packet_changes_nothing() {
    let mut scene = call();
    scene.arrive(START + ms(2_006), header(40_000, 16_000), vec![1; 320]);
    // The right number with a timestamp of another world.
    scene.arrive(START + ms(2_007), header(101, 3_000_000_000), vec![1; 320]);
    scene.talk(100, 100, tone, |packet| if packet == 101 { 6 } else { 5 });
    scene.run_until(START + ms(3_900));
    let packets = scene.report().packets;
    assert_eq!((packets.resets, packets.lost, packets.discarded, packets.duplicated), (0, 0, 2, 0));
    assert_eq!(scene.concealed(), 0);
}

#[test]
fn a_jump_of_the_timestamp_begins_anew_with_the_second_packet() {
    // covers: TM-060
    let mut scene = call();
    for packet in 100..200u64 {
        scene.say(START + ms(packet * 20 + 5), packet as u16, 3_000_000_000 + packet * 160, 160, tone);
    }
    scene.run_until(START + ms(3_990));
    assert_eq!(scene.puts[100..103], [Put::Suspect, Put::Reset(ResetCause::Timestamp), Put::Queued]);
    assert_eq!((scene.report().packets.lost, scene.report().packets.late), (0, 0));
}

#[test]
fn a_marker_moves_the_playout_only_at_the_start_of_a_talkspurt() {
    // covers: TM-063
    // The jitter calls for more delay than that of the start: whatever moves the point makes a silence.
    let settings = PlayoutSettings { start: ms(20), ..PlayoutSettings::default() };
    let mut plain = Scene::new(settings);
    let mut marked = Scene::new(settings);
    for packet in 0..200u64 {
        for (scene, marker) in [(&mut plain, false), (&mut marked, true)] {
            let payload = (packet * 160..(packet + 1) * 160).flat_map(|n| voice(n).to_be_bytes()).collect();
            let header = RtpHeader { marker, ..header(packet as u16, packet as u32 * 160) };
            scene.arrive(START + ms(packet * 20 + packet * 7 % 31), header, payload);
        }
    }
    plain.run_until(START + ms(4_000));
    marked.run_until(START + ms(4_000));
    assert!(plain.heard == marked.heard);
    assert!(marked.report().lengthened > 0 && marked.report().packets.lost == 0);

    // Two packets are lost in a pause of 100 ms. With a marker behind it the pause may change: the delay is its target.
    // Without one it is concealed, and the delay stays.
    for marker in [false, true] {
        let mut scene = call();
        let delay = scene.report().delay;
        let target = scene.report().target;
        assert!(delay > target);
        for packet in 0..20u64 {
            let first = 16_000 + 800 + packet * 160;
            let payload = (first..first + 160).flat_map(|n| tone(n).to_be_bytes()).collect();
            let header =
                RtpHeader { marker: marker && packet == 0, ..header(102 + packet as u16, first as u32) };
            scene.arrive(START + ms(2_100 + packet * 20), header, payload);
        }
        scene.run_until(START + ms(2_300));
        assert_eq!(scene.report().packets.lost, 2);
        assert_eq!(scene.report().delay, if marker { target } else { delay });
    }
}
