//! Two legs joined: packets pass from one to the other.

use super::*;

/// Party 0 stands between party 1, on its stream 1, and party 2, on its stream 2, and has a device on each.
pub(super) fn between() -> World {
    between_with(&StreamsConfig::default())
}

pub(super) fn between_with(config: &StreamsConfig) -> World {
    let mut world = World::with(3, config);
    for (party, hz) in [(1, 1_000), (2, 1_500)] {
        world.device(party, 1, Source::Tone { hz });
        world.open(party, 1, Some(1));
    }
    for (stream, hz) in [(1, 440), (2, 550)] {
        world.device(0, stream, Source::Tone { hz });
        world.open(0, stream, Some(stream));
    }
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    world.apply(0, 2, agreed(3, 1, Direction::SendRecv));
    world.apply(1, 1, agreed(1, 1, Direction::SendRecv));
    world.apply(2, 1, agreed(1, 2, Direction::SendRecv));
    world
}

pub(super) fn pair(world: &mut World, a: u64, b: u64) -> Result<(), StreamFailure> {
    world.command(0, StreamCommand::Pair { op: Op(0), a: StreamId(a), b: StreamId(b) })
}

fn unpair(world: &mut World, stream: u64) -> Result<(), StreamFailure> {
    world.command(0, StreamCommand::Unpair { op: Op(0), stream: StreamId(stream) })
}

/// The headers that party 0 sent to a party are those of one source without a gap.
pub(super) fn assert_one_source(frames: &[RtpHeader]) {
    for pair in frames.windows(2) {
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!((1..80_000).contains(&step), "{step}");
    }
}

#[test]
fn paired_legs_hear_each_other_and_devices_rest() {
    let mut world = between();
    world.run(s(1));
    assert_eq!((world.hearing(1).tone, world.hearing(2).tone), (Some(440), Some(550)));
    pair(&mut world, 1, 2).expect("paired");
    world.run(s(1));
    assert_eq!((world.hearing(1).tone, world.hearing(2).tone), (Some(1_500), Some(1_000)));
    assert_eq!(world.snapshot(0, 1).paired, Some(StreamId(2)));
    // The device on stream 1 hears nobody meanwhile.
    assert_eq!(world.hearing(0).tone, None);
    // Payloads pass as they are.
    let sent = world.sent(1, 1, PacketKind::Rtp, Tick::default());
    let passed = world.sent(0, 2, PacketKind::Rtp, Tick::default());
    let last = &passed.last().expect("packets passed").packet[12..];
    assert!(sent.iter().any(|flight| flight.packet[12..] == *last));
    unpair(&mut world, 2).expect("it was paired");
    world.run(s(1));
    assert_eq!((world.hearing(1).tone, world.hearing(2).tone), (Some(440), Some(550)));
    for stream in [1, 2] {
        assert_one_source(&world.rtp(0, stream, Tick::default()));
    }
}

#[test]
fn three_sources_upstream_are_one_downstream() {
    // covers: TM-022
    let mut world = between();
    world.run(ms(505));
    pair(&mut world, 1, 2).expect("paired");
    world.run(ms(500));
    let downstream = world.snapshot(0, 2).ssrc;
    let mut starts = vec![world.now];
    // The upstream peer changes its source twice, and its clock with it, with a pause.
    for random in [77, 78] {
        let key = world.parties[1].streams.keys[&StreamId(1)];
        world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
        world.run(ms(200));
        world.parties[1].streams.sessions[key].sender.change_ssrc(random);
        world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
        world.apply(1, 1, agreed(1, 1, Direction::SendRecv));
        starts.push(world.now);
        world.run(ms(500));
    }
    let flights = world.sent(0, 2, PacketKind::Rtp, Tick::default());
    let frames: Vec<RtpHeader> = flights.iter().map(|flight| flight.rtp()).collect();
    assert!(frames.iter().all(|frame| frame.ssrc == downstream));
    assert_one_source(&frames);
    for start in &starts[1..] {
        let first = flights.iter().position(|flight| flight.at >= *start).expect("packets passed");
        assert!(frames[first].marker && !frames[first + 1].marker);
        let wall = flights[first].at.since(flights[first - 1].at).as_micros() as u32 / 125;
        let jump = frames[first].timestamp.wrapping_sub(frames[first - 1].timestamp);
        assert!(jump.abs_diff(wall) <= 160, "{jump} for {wall}");
    }
}

#[test]
fn loss_and_reordering_upstream_are_passed_on() {
    let mut world = between();
    world.run(ms(105));
    pair(&mut world, 1, 2).expect("paired");
    world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
    world.run(ms(100));
    // Another source may follow.
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    let (peer, since) = (address(2, StreamId(1), PacketKind::Rtp), world.now);
    let packet = |sequence: u16| RtpHeader {
        marker: false,
        payload_type: 0,
        sequence,
        timestamp: 5_000 + 160 * u32::from(sequence),
        ssrc: 9,
    };
    for sequence in [10, 11, 11, 14, 13, 9, 15, 9_000, 16] {
        let bytes = packet(sequence).packet(&[sequence as u8; 160]);
        world.inject(0, 1, PacketKind::Rtp, peer, &bytes);
    }
    let passed = world.rtp(0, 2, since);
    let numbers: Vec<u16> =
        passed.iter().map(|frame| frame.sequence.wrapping_sub(passed[0].sequence)).collect();
    // A packet from before the switch has no place, and a far jump waits for its confirmation.
    assert_eq!(numbers, [0, 1, 4, 3, 5, 6]);
    let times: Vec<u32> =
        passed.iter().map(|frame| frame.timestamp.wrapping_sub(passed[0].timestamp)).collect();
    assert_eq!(times, numbers.iter().map(|number| u32::from(*number) * 160).collect::<Vec<_>>());
}

#[test]
fn digits_pass_with_their_timestamp_and_are_closed_when_the_pair_ends() {
    // covers: TM-023
    let mut world = between();
    world.apply(0, 2, Agreed { dtmf_payload_type: Some(96), ..agreed(3, 1, Direction::SendRecv) });
    world.run(ms(105));
    pair(&mut world, 1, 2).expect("paired");
    world.run(ms(100));
    world.apply(1, 1, agreed(1, 1, Direction::RecvOnly));
    world.run(ms(30));
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let last = *world.rtp(1, 1, Tick::default()).last().expect("frames were sent");
    let since = world.now;
    for (count, duration) in [(1, 160u16), (2, 320), (3, 480)] {
        let header = RtpHeader {
            marker: count == 1,
            payload_type: 101,
            sequence: last.sequence.wrapping_add(count),
            timestamp: last.timestamp.wrapping_add(160),
            ssrc: last.ssrc,
        };
        let [high, low] = duration.to_be_bytes();
        world.inject(0, 1, PacketKind::Rtp, peer, &header.packet(&[5, 0x0A, high, low]));
    }
    world.apply(
        0,
        2,
        Agreed { held: true, dtmf_payload_type: Some(96), ..agreed(3, 1, Direction::SendOnly) },
    );
    world.run(ms(200));
    let events: Vec<_> = world.sent(0, 2, PacketKind::Rtp, since).into_iter().cloned().collect();
    let payloads: Vec<&[u8]> = events.iter().map(|flight| &flight.packet[12..]).collect();
    let open = |low| [5, 0x0A, u8::from(low == 64), low];
    let end: &[u8] = &[5, 0x8A, 1, 0xE0];
    assert_eq!(payloads[..1], [&open(160)[..]]);
    assert_eq!(payloads[1..3], [&open(64)[..], &[5, 0x0A, 1, 0xE0]]);
    assert_eq!(payloads[3..], [end, end, end]);
    let frames: Vec<RtpHeader> = events.iter().map(Flight::rtp).collect();
    assert!(frames.iter().all(|frame| frame.payload_type == 96 && frame.timestamp == frames[0].timestamp));
    let markers: Vec<bool> = frames.iter().map(|frame| frame.marker).collect();
    assert_eq!(markers, [true, false, false, false, false, false]);
    for pair in frames.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
    }
}

#[test]
fn a_held_leg_gets_hold_audio_and_not_the_other_leg() {
    let mut world = between();
    pair(&mut world, 1, 2).expect("paired");
    let audio = HoldAudio::Tone { hz: 300 };
    world
        .command(0, StreamCommand::SetHoldAudio { op: Op(0), stream: StreamId(2), audio })
        .expect("the stream is open");
    world.run(s(1));
    world.apply(0, 2, Agreed { held: true, ..agreed(3, 1, Direction::SendOnly) });
    world.apply(2, 1, agreed(1, 2, Direction::RecvOnly));
    world.run(s(1));
    assert_eq!((world.hearing(1).tone, world.hearing(2).tone), (None, Some(300)));
    world.apply(0, 2, agreed(3, 1, Direction::SendRecv));
    world.apply(2, 1, agreed(1, 2, Direction::SendRecv));
    world.run(s(1));
    assert_eq!((world.hearing(1).tone, world.hearing(2).tone), (Some(1_500), Some(1_000)));
    assert_one_source(&world.rtp(0, 2, Tick::default()));
}

#[test]
fn a_pair_ends_with_either_stream_and_cannot_be_made_twice() {
    let mut world = between();
    world.open(0, 3, None);
    assert_eq!(pair(&mut world, 1, 1), Err(StreamFailure::StreamJoined));
    assert_eq!(pair(&mut world, 1, 9), Err(StreamFailure::UnknownStream));
    assert_eq!(unpair(&mut world, 1), Err(StreamFailure::NotJoined));
    pair(&mut world, 1, 2).expect("paired");
    assert_eq!(pair(&mut world, 3, 2), Err(StreamFailure::StreamJoined));
    world.close(0, 2);
    assert_eq!(world.snapshot(0, 1).paired, None);
    world.run(s(1));
    assert_eq!(world.hearing(1).tone, Some(440));
}

#[test]
fn a_packet_that_comes_twice_passes_once_and_what_follows_goes_on() {
    // covers: TM-022
    let mut world = between();
    world.run(s(1));
    pair(&mut world, 1, 2).expect("paired");
    world.close(1, 1);
    let peer = address(2, StreamId(1), PacketKind::Rtp);
    let since = world.now + s(2);
    world.run(s(3));
    for sequence in [100, 101, 102, 100, 101, 103, 104] {
        let timestamp = 160 * u32::from(sequence);
        let header = RtpHeader { marker: false, payload_type: 0, sequence, timestamp, ssrc: 7 };
        world.inject(0, 1, PacketKind::Rtp, peer, &header.packet(&[0x20; 160]));
        world.run(ms(20));
    }
    let passed = world.rtp(0, 2, since);
    assert_eq!(
        passed.iter().map(|header| header.marker).collect::<Vec<_>>(),
        [true, false, false, false, false]
    );
    for pair in passed.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
    }
}
