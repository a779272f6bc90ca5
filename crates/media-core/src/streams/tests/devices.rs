//! What devices say and hear: mute, recordings played once, applications, recording, hold audio of a stream.

use super::*;

#[test]
fn a_muted_microphone_sends_silence_in_the_same_packets() {
    let mut world = World::call();
    world.run(s(1));
    let device = DeviceId(1);
    world.command(0, StreamCommand::Mute { device, muted: true }).expect("no answer is no failure");
    let muted = world.now + ms(1);
    world.run(s(1));
    assert_eq!((world.hearing(1).tone, world.hearing(0).tone), (None, Some(1_000)));
    let packets = world.sent(0, 1, PacketKind::Rtp, muted);
    assert_eq!(packets.len(), 50);
    assert!(packets.iter().all(|flight| flight.packet[12..] == [0xFF; 160] && !flight.rtp().marker));
    world.command(0, StreamCommand::Mute { device, muted: false }).expect("no answer is no failure");
    world.run(s(1));
    assert_eq!(world.hearing(1).tone, Some(440));
    let frames = world.rtp(0, 1, Tick::default());
    for pair in frames.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
    }
}

#[test]
fn the_end_of_a_recording_that_is_played_once_is_told() {
    let mut world = World::call();
    let started = world.now;
    world.device(0, 1, Source::Wav(Wav::new(vec![9_000; 400], RATE).once()));
    world.run(s(1));
    let ends: Vec<_> = world
        .events(0)
        .into_iter()
        .filter_map(|event| match event {
            StreamEvent::SourceEnded { device, at } => Some((*device, at.since(started))),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [(DeviceId(1), ms(40))]);
    assert_eq!(world.rtp(0, 1, started).len(), 51);
    assert!(world.hearing(1).level < 1.0);
}

#[test]
fn an_application_speaks_and_hears() {
    let mut world = World::call();
    world.device(0, 1, Source::Application { rate: RATE });
    let (device, mut tone) = (DeviceId(1), crate::source::Player::new(Source::Tone { hz: 700 }));
    let mut heard = Vec::new();
    for count in 0..100 {
        let mut samples = Vec::new();
        tone.pull(RATE, 20, &mut samples);
        if count == 0 {
            // A frame ahead, so that each is there when it is due.
            world.parties[0].streams.speak(device, &[0; 160]);
        }
        assert_eq!(world.parties[0].streams.speak(device, &samples), 160);
        world.run(ms(20));
        world.parties[0].streams.listen(device, &mut heard);
    }
    assert_eq!(world.hearing(1).tone, Some(700));
    assert_eq!(world.hearing(1).longest_silence, Duration::ZERO);
    assert_eq!(crate::spectrum::dominant(&heard[heard.len() - 1_600..], RATE), Some(1_000));
    assert!((98..=101).contains(&(heard.len() / 160)), "{}", heard.len());
    let counted = world.parties[0].streams.device(device).expect("the device is open");
    assert_eq!((counted.under_runs, counted.refused_speech, counted.dropped_heard), (0, 0, 0));
}

#[test]
fn an_application_that_is_late_is_silent_and_one_that_does_not_listen_misses_the_oldest() {
    let mut world = World::call();
    world.device(0, 1, Source::Application { rate: RATE });
    let device = DeviceId(1);
    assert_eq!(world.parties[0].streams.speak(device, &vec![5_000; 9_000]), 8_000);
    world.run(ms(995));
    world.command(0, StreamCommand::FallSilent { device }).expect("no answer is no failure");
    assert_eq!(world.parties[0].streams.device(device).expect("open").waiting_speech, 0);
    world.parties[0].streams.speak(device, &[5_000; 200]);
    world.run(s(1));
    let counted = world.parties[0].streams.device(device).expect("the device is open");
    assert_eq!((counted.under_runs, counted.refused_speech), (1, 1_000));
    assert_eq!(counted.waiting_heard, 8_000);
    assert!((7_000..9_000).contains(&counted.dropped_heard), "{}", counted.dropped_heard);
    // Other devices take no speech.
    assert_eq!(world.parties[1].streams.speak(device, &[1]), 0);
    assert_eq!(world.parties[1].streams.speak(DeviceId(9), &[1]), 0);
    assert_eq!(world.parties[1].streams.listen(device, &mut Vec::new()), 0);
}

/// The moments of a recording, `[said, heard]`.
fn moments(world: &World, party: usize) -> Vec<[i16; 2]> {
    let mut moments = Vec::new();
    for (recording, block) in &world.parties[party].recorded {
        assert_eq!((*recording, block.layout, block.rate), (RecordingId(3), RecordLayout::Stereo, RATE));
        moments.extend(block.samples.chunks(2).map(|moment| [moment[0], moment[1]]));
        moments.extend(std::iter::repeat_n([0, 0], block.silence as usize));
    }
    moments
}

#[test]
fn a_recording_has_one_party_per_channel_through_a_hold() {
    let mut world = World::call();
    world.run(s(1));
    let (op, device, recording) = (Op(0), DeviceId(1), RecordingId(3));
    let record = StreamCommand::Record { op, device, recording, layout: RecordLayout::Stereo };
    world.command(0, record.clone()).expect("recording");
    assert_eq!(world.command(0, record), Err(StreamFailure::Recording));
    assert_eq!(world.parties[0].streams.device(device).expect("open").recording, Some(recording));
    world.run(s(2));
    for party in 0..2 {
        world.apply(party, 1, agreed(2 - party as u8, 1, Direction::Inactive));
    }
    world.run(s(60));
    for party in 0..2 {
        world.apply(party, 1, agreed(2 - party as u8, 1, Direction::SendRecv));
    }
    world.run(s(2));
    world.command(0, StreamCommand::StopRecording { op, device }).expect("it was recording");
    let stop = StreamCommand::StopRecording { op, device };
    assert_eq!(world.command(0, stop), Err(StreamFailure::NotRecording));
    let moments = moments(&world, 0);
    assert!(moments.len().abs_diff(64 * 8_000) <= 320, "{}", moments.len());
    let tone = |from: usize, channel: usize| {
        let samples: Vec<i16> =
            moments[from * 8_000..][..8_000].iter().map(|moment| moment[channel]).collect();
        crate::spectrum::dominant(&samples, RATE)
    };
    for from in [0, 1, 62, 63] {
        let from = if from == 63 { 62 } else { from };
        assert_eq!((tone(from, 0), tone(from, 1)), (Some(440), Some(1_000)), "{from} s");
    }
    assert_eq!((tone(30, 0), tone(30, 1)), (None, None));
    // A hold takes no memory: it is a number in a block.
    assert!(world.parties[0].recorded.iter().any(|(_, block)| block.silence > 59 * 8_000));
    let last = world.parties[0].recorded.iter().filter(|(_, block)| block.last).count();
    assert!(last == 1 && world.parties[0].recorded.last().is_some_and(|(_, block)| block.last));
}

#[test]
fn a_device_that_is_closed_ends_its_recording() {
    let mut world = World::call();
    let (op, device, recording) = (Op(0), DeviceId(1), RecordingId(3));
    let unknown = StreamCommand::Record { op, device: DeviceId(9), recording, layout: RecordLayout::Mono };
    assert_eq!(world.command(0, unknown), Err(StreamFailure::UnknownDevice));
    world
        .command(0, StreamCommand::Record { op, device, recording, layout: RecordLayout::Mono })
        .expect("recording");
    world.run(ms(500));
    world.command(0, StreamCommand::CloseDevice { device }).expect("no answer is no failure");
    let (_, last) = world.parties[0].recorded.last().expect("blocks were given out");
    assert!(last.last && last.layout.channels() == 1);
}

#[test]
fn each_stream_may_have_hold_audio_of_its_own() {
    // covers: TM-019
    let mut world = World::call();
    world.run(s(1));
    let (op, stream) = (Op(0), StreamId(1));
    let audio = HoldAudio::Tone { hz: 600 };
    world.command(0, StreamCommand::SetHoldAudio { op, stream, audio }).expect("the stream is open");
    world.run(s(1));
    assert_eq!(world.hearing(1).tone, Some(440));
    world.apply(0, 1, Agreed { held: true, ..agreed(2, 1, Direction::SendOnly) });
    world.run(s(1));
    assert_eq!(world.hearing(1).tone, Some(600));
    let audio = HoldAudio::Nothing;
    world.command(0, StreamCommand::SetHoldAudio { op, stream, audio }).expect("the stream is open");
    let silent = world.now + ms(1);
    world.run(s(1));
    assert!(world.rtp(0, 1, silent).is_empty());
    world.apply(0, 1, agreed(2, 1, Direction::SendRecv));
    let resumed = world.now;
    world.run(s(1));
    assert_eq!(world.hearing(1).tone, Some(440));
    assert!(world.hearing(1).changes.iter().all(|(tone, at)| *tone != Some(600) || *at < resumed));
}
