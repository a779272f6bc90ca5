//! Hold and resume on the wire.

use super::*;
use crate::playout::PlayoutSettings;

/// Party 0 holds: it may send, party 1 may receive.
fn hold(world: &mut World) {
    world.apply(0, 1, Agreed { held: true, ..agreed(2, 1, Direction::SendOnly) });
    world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
}

fn resume(world: &mut World) {
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    world.apply(1, 1, agreed(1, 1, Direction::SendRecv));
}

#[test]
fn a_hold_stops_packets_both_ways_and_a_resume_brings_them_back() {
    let mut world = World::call();
    world.run(s(1));
    hold(&mut world);
    let held = world.now + ms(1);
    world.run(s(3));
    assert!(world.rtp(0, 1, held).is_empty());
    assert!(world.rtp(1, 1, held).is_empty());
    assert_eq!((world.hearing(0).tone, world.hearing(1).tone), (None, None));
    resume(&mut world);
    world.run(s(1));
    assert_eq!((world.hearing(0).tone, world.hearing(1).tone), (Some(1_000), Some(440)));
    let silence = world.hearing(0).longest_silence;
    assert!(silence >= ms(2_900) && silence <= ms(3_100), "{silence:?}");
    let heard: Vec<_> = world.hearing(0).changes.iter().map(|(tone, _)| *tone).collect();
    assert_eq!(heard, [Some(1_000), None, Some(1_000)]);
}

#[test]
fn the_session_goes_on_over_a_hold() {
    // covers: TM-004, TM-005, TM-006
    let mut world = World::call();
    world.run(s(1));
    let last = *world.rtp(1, 1, Tick::default()).last().expect("frames were sent");
    hold(&mut world);
    world.run(s(10));
    resume(&mut world);
    let resumed = world.now;
    world.run(ms(200));
    let after = world.rtp(1, 1, resumed);
    assert_eq!(after[0].ssrc, last.ssrc);
    assert_eq!(after[0].sequence, last.sequence.wrapping_add(1));
    let gap = after[0].timestamp.wrapping_sub(last.timestamp);
    assert!((80_000 - 160..=80_000 + 160).contains(&gap), "{gap}");
    // A new session has its own identity.
    world.device(1, 2, Source::Silence);
    world.open(1, 2, Some(2));
    world.apply(1, 2, agreed(1, 2, Direction::SendRecv));
    world.run(ms(100));
    let other = world.rtp(1, 2, Tick::default())[0];
    assert_ne!(other.ssrc, last.ssrc);
    assert_ne!(other.sequence, after.last().expect("frames were sent").sequence.wrapping_add(1));
}

#[test]
fn the_first_packet_after_a_resume_has_the_marker() {
    // covers: TM-007
    let mut world = World::call();
    world.run(s(1));
    hold(&mut world);
    world.run(s(2));
    resume(&mut world);
    let resumed = world.now;
    world.run(s(1));
    for party in 0..2 {
        let markers: Vec<bool> = world.rtp(party, 1, resumed).iter().map(|frame| frame.marker).collect();
        assert!(markers[0] && markers[1..].iter().all(|marker| !marker));
    }
}

#[test]
fn hold_and_resume_within_a_frame_repeat_no_timestamp() {
    // covers: EC-79
    let mut world = World::call();
    world.run(ms(105));
    for _ in 0..10 {
        hold(&mut world);
        world.run(ms(3));
        resume(&mut world);
        world.run(ms(3));
    }
    world.run(s(1));
    let frames = world.rtp(0, 1, Tick::default());
    for pair in frames.windows(2) {
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert!(pair[1].timestamp.wrapping_sub(pair[0].timestamp) >= 160);
    }
}

#[test]
fn hold_audio_replaces_the_microphone() {
    let config = StreamsConfig { hold_audio: HoldAudio::Tone { hz: 300 }, ..StreamsConfig::default() };
    let mut world = World::call_with(&config);
    world.run(s(1));
    hold(&mut world);
    let held = world.now;
    world.run(s(1));
    assert_eq!(world.rtp(0, 1, held + ms(1)).len(), 50);
    assert_eq!(world.hearing(1).tone, Some(300));
    resume(&mut world);
    world.run(s(1));
    assert_eq!(world.hearing(1).tone, Some(440));
}

#[test]
fn a_direction_that_only_sends_without_a_hold_carries_the_microphone() {
    let mut world = World::call();
    world.apply(0, 1, agreed(2, 1, Direction::SendOnly));
    world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
    world.run(s(1));
    assert_eq!(world.hearing(1).tone, Some(440));
    assert_eq!(world.hearing(0).tone, None);
}

#[test]
fn what_arrives_against_the_direction_is_counted_but_not_heard() {
    let mut world = World::call();
    world.run(s(1));
    // Party 1 has not noticed the hold.
    world.apply(0, 1, Agreed { held: true, ..agreed(2, 1, Direction::SendOnly) });
    world.run(s(1));
    assert_eq!(world.hearing(0).tone, None);
    assert!(world.snapshot(0, 1).received > 90);
    assert!(!world.snapshot(0, 1).flowing);
}

#[test]
fn ten_minutes_of_hold_are_no_silence_to_report() {
    // covers: TM-003
    let mut world = World::call();
    world.run(s(1));
    hold(&mut world);
    world.run(s(600));
    for party in 0..2 {
        assert!(!world.events(party).iter().any(|event| matches!(event, StreamEvent::Silent { .. })));
    }
    // The watchdog is armed again by the resume: only party 0 resumes, so only it misses something.
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    let resumed = world.now;
    world.run(s(5));
    let silent = StreamEvent::Silent { stream: StreamId(1), at: resumed + s(2) };
    assert_eq!(world.events(0).iter().filter(|event| **event == &silent).count(), 1);
}

#[test]
fn a_stream_that_stops_is_silent_once_and_flows_again() {
    let mut world = World::call();
    world.run(s(1));
    world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
    world.run(s(5));
    world.apply(1, 1, agreed(1, 1, Direction::SendRecv));
    world.run(s(1));
    let kinds: Vec<_> = world
        .events(0)
        .into_iter()
        .filter_map(|event| match event {
            StreamEvent::Flowing { .. } => Some("flowing"),
            StreamEvent::Silent { .. } => Some("silent"),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, ["flowing", "silent", "flowing"]);
}

#[test]
fn a_hold_is_neither_loss_nor_jitter() {
    // covers: TM-061
    let mut world = World::call();
    world.run(s(10));
    hold(&mut world);
    world.run(s(60));
    let jitter = world.snapshot(0, 1).jitter_ms;
    resume(&mut world);
    world.run(ms(15));
    assert_eq!(world.snapshot(0, 1).jitter_ms, jitter);
    world.run(s(10));
    assert_eq!(world.snapshot(0, 1).lost, 0);
    assert!(world.qualities(0, QualityKind::Local).iter().all(|report| report.loss_percent == 0.0));
}

#[test]
fn what_was_buffered_is_dropped_with_a_hold_and_never_heard() {
    // covers: EC-84
    let playout = PlayoutSettings::fixed(ms(200));
    let mut world = World::with(2, &StreamsConfig { playout, ..StreamsConfig::default() });
    let device = DeviceId(1);
    world.device(0, 1, Source::Application { rate: RATE });
    world.device(1, 1, Source::Tone { hz: 1_000 });
    for party in 0..2 {
        world.open(party, 1, Some(1));
        world.apply(party, 1, agreed(2 - party as u8, 1, Direction::SendRecv));
    }
    world.run(s(1));
    let before = world.snapshot(0, 1).playout.packets;
    assert!(before.received - before.played >= 8, "{before:?}");
    world.parties[0].streams.listen(device, &mut Vec::new());
    hold(&mut world);
    world.run(s(10));
    let mut heard = Vec::new();
    world.parties[0].streams.listen(device, &mut heard);
    assert!(heard.iter().all(|sample| *sample == 0), "nothing is heard in the hold");
    let held = world.snapshot(0, 1).playout.packets;
    assert_eq!(held.discarded - before.discarded, before.received - before.played - before.late);
    assert_eq!((held.played, held.lost), (before.played, before.lost));
    resume(&mut world);
    world.run(ms(150));
    heard.clear();
    world.parties[0].streams.listen(device, &mut heard);
    assert!(heard.iter().all(|sample| *sample == 0), "nothing of before the hold");
    world.run(s(1));
    world.parties[0].streams.listen(device, &mut heard);
    assert_eq!(crate::spectrum::dominant(&heard[heard.len() - 1_600..], RATE), Some(1_000));
}
