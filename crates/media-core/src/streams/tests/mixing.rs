//! More than two parties, and two who have no codec in common.

use super::*;
use crate::spectrum;

/// Party 0 between two others, of whom the second speaks another codec.
fn three() -> World {
    World::two_legs(|agreed| with_codec(agreed, Codec::G722, 9, 30))
}

fn mix(world: &mut World, streams: &[u64]) -> Result<(), StreamFailure> {
    let streams = streams.iter().copied().map(StreamId).collect();
    world.command(0, StreamCommand::Mix { op: Op(0), streams })
}

fn unmix(world: &mut World, stream: u64) -> Result<(), StreamFailure> {
    world.command(0, StreamCommand::Unmix { op: Op(0), stream: StreamId(stream) })
}

/// The tones in what a party hears over the next second: those that have a fifth of its power.
fn tones(world: &mut World, party: usize) -> Vec<u16> {
    let (op, device, recording) = (Op(0), DeviceId(1), RecordingId(9));
    let layout = RecordLayout::Stereo;
    world.command(party, StreamCommand::Record { op, device, recording, layout }).expect("recording");
    world.run(s(1));
    world.command(party, StreamCommand::StopRecording { op, device }).expect("it was recording");
    let recorded = std::mem::take(&mut world.parties[party].recorded);
    let rate = recorded[0].1.rate;
    let heard: Vec<i16> =
        recorded.iter().flat_map(|(_, block)| block.samples.chunks(2).map(|moment| moment[1])).collect();
    let window = &heard[heard.len() / 4..][..rate.samples_in(500)];
    let energy: f64 = window.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    let share = |hz: u16| spectrum::power(window, rate, hz) * 2.0 / (window.len() as f64 * energy.max(1.0));
    [440, 1_000, 1_500].into_iter().filter(|&hz| share(hz) > 0.2).collect()
}

#[test]
fn three_parties_each_hear_the_other_two() {
    let mut world = three();
    world.run(s(1));
    assert_eq!(world.hearing(2).tone, None);
    mix(&mut world, &[1, 2]).expect("mixed");
    world.run(s(1));
    assert_eq!(tones(&mut world, 0), [1_000, 1_500]);
    assert_eq!(tones(&mut world, 1), [440, 1_500]);
    assert_eq!(tones(&mut world, 2), [440, 1_000]);
    unmix(&mut world, 2).expect("it was mixed");
    world.run(s(1));
    assert_eq!(tones(&mut world, 0), [1_000]);
    assert_eq!(tones(&mut world, 1), [440]);
    assert_eq!(tones(&mut world, 2), []);
    assert_eq!(unmix(&mut world, 1), Err(StreamFailure::NotJoined));
    // Its packets were those of one source all the time.
    let frames = world.rtp(0, 1, Tick::default());
    for pair in frames.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
    }
}

#[test]
fn who_is_held_is_not_in_the_mix() {
    let mut world = three();
    mix(&mut world, &[1, 2]).expect("mixed");
    world.run(s(1));
    world.apply(
        0,
        2,
        Agreed { held: true, ..with_codec(agreed(3, 1, Direction::Inactive), Codec::G722, 9, 30) },
    );
    world.run(s(1));
    assert_eq!(tones(&mut world, 1), [440]);
    assert_eq!(tones(&mut world, 2), []);
}

#[test]
fn mixes_have_two_to_four_streams_that_are_free() {
    let mut world = three();
    for stream in 3..=6 {
        world.open(0, stream, None);
    }
    assert_eq!(mix(&mut world, &[1]), Err(StreamFailure::MixSize));
    assert_eq!(mix(&mut world, &[1, 2, 3, 4, 5]), Err(StreamFailure::MixSize));
    assert_eq!(mix(&mut world, &[1, 1]), Err(StreamFailure::StreamJoined));
    assert_eq!(mix(&mut world, &[1, 9]), Err(StreamFailure::UnknownStream));
    mix(&mut world, &[1, 2, 3, 4]).expect("mixed");
    assert_eq!(mix(&mut world, &[4, 5]), Err(StreamFailure::StreamJoined));
    let pair = StreamCommand::Pair { op: Op(0), a: StreamId(5), b: StreamId(4) };
    assert_eq!(world.command(0, pair), Err(StreamFailure::StreamJoined));
    for stream in [4, 3, 2] {
        world.close(0, stream);
    }
    // The last but one has ended it.
    mix(&mut world, &[1, 5]).expect("free again");
    for stream in [1, 5, 6] {
        world.close(0, stream);
    }
    let device = DeviceId(1);
    world.command(0, StreamCommand::CloseDevice { device }).expect("no answer is no failure");
    assert!(world.parties[0].streams.is_empty());
}

#[test]
fn a_pair_without_a_common_codec_is_encoded_anew() {
    // covers: TM-025
    let mut world = three();
    world.run(s(1));
    let pair = StreamCommand::Pair { op: Op(0), a: StreamId(1), b: StreamId(2) };
    world.command(0, pair).expect("paired");
    world.run(s(1));
    assert_eq!((world.hearing(1).tone, world.hearing(2).tone), (Some(1_500), Some(1_000)));
    assert_eq!(world.hearing(0).tone, None);
    // The clocks of both legs are their own.
    let frames = world.rtp(0, 2, Tick::default());
    assert!(frames.iter().all(|frame| frame.payload_type == 9));
    for pair in frames.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(240));
    }
    // Keys are pressed again on the other side.
    world.press(1, 1, "42").expect("room");
    world.run(s(2));
    let digits: String = world
        .events(2)
        .into_iter()
        .filter_map(|event| match event {
            StreamEvent::Digit { digit, .. } => Some(digit.to_char()),
            _ => None,
        })
        .collect();
    assert_eq!(digits, "42");
    // The same codec on both legs, and packets pass as they are.
    world.apply(0, 2, agreed(3, 1, Direction::SendRecv));
    world.apply(2, 1, agreed(1, 2, Direction::SendRecv));
    world.run(s(1));
    assert_eq!((world.hearing(1).tone, world.hearing(2).tone), (Some(1_500), Some(1_000)));
    let sent = world.sent(1, 1, PacketKind::Rtp, Tick::default());
    let passed = world.sent(0, 2, PacketKind::Rtp, Tick::default());
    let last = &passed.last().expect("packets passed").packet[12..];
    assert!(sent.iter().any(|flight| flight.packet[12..] == *last));
}

#[test]
fn a_peer_that_changes_the_codec_by_itself_is_encoded_anew() {
    let mut world = three();
    world.apply(0, 2, agreed(3, 1, Direction::SendRecv));
    world.apply(2, 1, agreed(1, 2, Direction::SendRecv));
    let pair = StreamCommand::Pair { op: Op(0), a: StreamId(1), b: StreamId(2) };
    world.command(0, pair).expect("paired");
    world.run(s(1));
    assert_eq!(world.hearing(2).tone, Some(1_000));
    // It may: the other codec was agreed on as well (RFC 3264 §7).
    world.apply(1, 1, with_codec(agreed(1, 1, Direction::SendRecv), Codec::Pcma, 8, 20));
    world.run(s(1));
    assert_eq!((world.hearing(1).tone, world.hearing(2).tone), (Some(1_500), Some(1_000)));
    let frames = world.rtp(0, 2, Tick::default());
    assert!(frames.iter().all(|frame| frame.payload_type == 0));
    for pair in frames.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
    }
}

#[test]
fn nobody_hears_a_third_party() {
    // covers: TM-018
    let mut world = three();
    let same = |world: &mut World| {
        world.apply(0, 2, agreed(3, 1, Direction::SendRecv));
        world.apply(2, 1, agreed(1, 2, Direction::SendRecv));
    };
    same(&mut world);
    world.run(s(1));
    let (one, two) = (StreamId(1), StreamId(2));
    world.move_device(0, 1, 2);
    world.run(s(1));
    world.command(0, StreamCommand::Pair { op: Op(0), a: one, b: two }).expect("paired");
    world.run(s(1));
    world.command(0, StreamCommand::Unpair { op: Op(0), stream: one }).expect("it was paired");
    world.move_device(0, 2, 1);
    world.run(s(1));
    let heard = |party: usize| -> Vec<u16> {
        let changes = world.hearing(party).changes;
        changes.into_iter().filter_map(|(tone, _)| tone).collect()
    };
    // Each hears the device while it has it, and the other party while they are paired; never anything in between.
    assert_eq!(heard(0), [1_000, 1_500, 1_000]);
    assert_eq!(heard(1), [440, 1_500, 440]);
    assert_eq!(heard(2), [440, 1_000]);
}
