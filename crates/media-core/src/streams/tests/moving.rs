//! A device that goes from one stream to another.

use super::*;

/// Party 0 talks to party 1 and gets a second stream to party 2.
fn two_legs() -> World {
    World::two_legs(|agreed| agreed)
}

#[test]
fn the_microphone_is_never_on_two_legs() {
    // covers: TM-018
    let mut world = two_legs();
    world.run(s(1));
    assert!(world.rtp(0, 2, Tick::default()).is_empty());
    world.move_device(0, 1, 2);
    let moved = world.now;
    world.run(s(1));
    // The frame of the moment itself went out before the move; nothing follows on the old leg.
    assert!(world.rtp(0, 1, moved + ms(1)).is_empty());
    assert_eq!(world.rtp(0, 2, moved).len(), 51);
    assert_eq!(world.hearing(2).tone, Some(440));
    assert_eq!(world.hearing(1).tone, None);
    assert_eq!(world.snapshot(0, 1).device, None);
    assert_eq!(world.parties[0].streams.attached(DeviceId(1)), Some(StreamId(2)));
}

#[test]
fn a_stream_without_the_device_reaches_no_ear() {
    let mut world = two_legs();
    world.run(s(1));
    // Party 2 sends to stream 2 all the time; the device is on stream 1.
    assert!(world.snapshot(0, 2).received > 40);
    let heard = world.hearing(0);
    assert_eq!(heard.changes.iter().map(|(tone, _)| *tone).collect::<Vec<_>>(), [Some(1_000)]);
    world.move_device(0, 1, 2);
    world.run(s(1));
    assert!(world.snapshot(0, 1).received > 90);
    let heard = world.hearing(0);
    assert_eq!(heard.tone, Some(1_500));
    assert_eq!(heard.changes.iter().map(|(tone, _)| *tone).collect::<Vec<_>>(), [Some(1_000), Some(1_500)]);
}

#[test]
fn the_switch_is_at_most_three_frames_of_silence() {
    // covers: TM-017
    for offset in 0..20 {
        let mut world = two_legs();
        world.run(s(1) + ms(offset));
        world.move_device(0, 1, 2);
        world.run(s(1));
        let gap = world.events(0).into_iter().find_map(|event| match event {
            StreamEvent::Moved { from: StreamId(1), to: StreamId(2), gap } => Some(*gap),
            _ => None,
        });
        assert!(gap.flatten().is_some_and(|gap| gap <= ms(60)), "{gap:?}");
        assert!(world.hearing(0).longest_silence <= ms(60));
        // The others' ears: one falls silent, the other hears the microphone within three frames as well.
        assert!(world.rtp(0, 2, Tick::default())[0].marker);
    }
}

#[test]
fn a_move_without_audio_is_reported_without_a_gap() {
    let mut world = World::call();
    world.open(0, 2, None);
    world.run(s(1));
    world.move_device(0, 1, 2);
    let moved = world.now;
    world.run(s(3));
    let event = StreamEvent::Moved { from: StreamId(1), to: StreamId(2), gap: None };
    assert!(world.parties[0].events.contains(&(moved + s(2), event.clone())));
    // Back again: the device and the call are as before, and each move is told once.
    world.move_device(0, 2, 1);
    world.run(s(3));
    assert_eq!(world.hearing(0).tone, Some(1_000));
    assert_eq!(world.hearing(1).tone, Some(440));
    assert_eq!(world.events(0).into_iter().filter(|told| **told == event).count(), 1);
}

#[test]
fn a_device_is_free_after_its_stream_closed() {
    let mut world = two_legs();
    world.run(s(1));
    world.close(0, 1);
    let attach = StreamCommand::Attach { op: Op(0), stream: StreamId(2), device: DeviceId(1) };
    world.command(0, attach).expect("the device is free");
    world.run(s(1));
    assert_eq!(world.hearing(0).tone, Some(1_500));
    assert_eq!(world.hearing(2).tone, Some(440));
}

#[test]
fn an_echo_does_not_carry_audio_from_one_leg_to_the_other() {
    let mut world = two_legs();
    world.device(0, 1, Source::Echo);
    world.run(s(1));
    world.apply(2, 1, agreed(1, 2, Direction::RecvOnly));
    // Until nothing of its own is left in the jitter buffer.
    world.run(ms(200));
    world.move_device(0, 1, 2);
    world.run(s(1));
    assert!(world.hearing(2).changes.is_empty());
    assert_eq!(world.hearing(2).first_audible, None);
}

/// Party 0's second stream has a device of its own, which records.
fn two_devices() -> World {
    let mut world = two_legs();
    world.device(0, 2, Source::Tone { hz: 700 });
    let (op, device, recording) = (Op(0), DeviceId(2), RecordingId(3));
    world.command(0, StreamCommand::Attach { op, stream: StreamId(2), device }).expect("both are free");
    let record = StreamCommand::Record { op, device, recording, layout: RecordLayout::Mono };
    world.command(0, record).expect("it records nothing yet");
    world.run(s(1));
    world
}

#[test]
fn a_device_takes_the_place_of_another_and_ends_its_recording() {
    let mut world = two_devices();
    assert_eq!(world.hearing(2).tone, Some(700));
    let (op, from, to) = (Op(0), StreamId(1), StreamId(2));
    let refused = world.command(0, StreamCommand::Move { op, from, to });
    assert_eq!(refused, Err(StreamFailure::StreamHasDevice));
    world.command(0, StreamCommand::Replace { op, from, to }).expect("the other one makes room");
    let moved = world.now;
    let displaced = StreamEvent::Displaced { device: DeviceId(2), stream: to };
    assert_eq!(world.parties[0].events.last(), Some(&(moved, displaced)));
    let (recording, last) = world.parties[0].recorded.last().expect("blocks were given out");
    assert!(*recording == RecordingId(3) && last.last);
    assert!(world.parties[0].streams.device(DeviceId(2)).is_none());
    world.run(s(1));
    assert_eq!((world.hearing(2).tone, world.hearing(1).tone), (Some(440), None));
    assert_eq!(world.hearing(0).tone, Some(1_500));
    let (before, after) = (world.rtp(0, 2, Tick::default()), world.rtp(0, 2, moved));
    assert!(before.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
    assert_eq!(after.len(), 51, "no frame is missing or doubled");
}

#[test]
fn a_device_that_cannot_be_moved_takes_no_place() {
    let mut world = two_devices();
    let replace = |from, to| StreamCommand::Replace { op: Op(0), from: StreamId(from), to: StreamId(to) };
    world.open(0, 3, None);
    for (from, to, failure) in [
        (3, 2, StreamFailure::NoDevice),
        (2, 2, StreamFailure::StreamHasDevice),
        (1, 9, StreamFailure::UnknownStream),
        (9, 2, StreamFailure::UnknownStream),
    ] {
        assert_eq!(world.command(0, replace(from, to)), Err(failure));
    }
    world.run(s(1));
    assert_eq!((world.hearing(1).tone, world.hearing(2).tone), (Some(440), Some(700)));
    assert_eq!(world.parties[0].streams.device(DeviceId(2)).expect("open").recording, Some(RecordingId(3)));
    // Where there is nothing to make room it is a move.
    world.command(0, replace(1, 3)).expect("moved");
    assert_eq!(world.parties[0].streams.attached(DeviceId(1)), Some(StreamId(3)));
    assert!(!world.events(0).iter().any(|event| matches!(event, StreamEvent::Displaced { .. })));
}
