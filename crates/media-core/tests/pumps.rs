//! Pumps over real sockets on the loopback interface. Nothing sleeps: tests wait for events, with a limit.

use std::net::SocketAddr;
use std::time::Duration;

use media_core::io::{SeenDatagram, Way};
use media_core::rtcp::{RtcpPacket, parse_compound};
use media_core::{
    Agreed, DeviceId, LocalMedia, Negotiation, Op, PacketKind, PortPair, Pump, PumpConfig, PumpError,
    PumpHandle, QualityKind, RecordLayout, RecordingFailure, RecordingId, SampleRate, Source, StreamCommand,
    StreamEvent, StreamFailure, StreamId, StreamOutput, StreamsConfig,
};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::Receiver;

/// Far longer than anything here takes, on any machine.
const LIMIT: Duration = Duration::from_secs(20);
const STREAM: StreamId = StreamId(1);
const DEVICE: DeviceId = DeviceId(1);

struct Party {
    pump: Pump,
    handle: PumpHandle,
    answers: Receiver<StreamOutput>,
    negotiation: Negotiation,
    pair: Option<PortPair>,
}

impl Party {
    fn start(session_id: u64) -> Self {
        Self::start_by(session_id, Pump::start)
    }

    fn start_by(
        session_id: u64,
        start: impl FnOnce(PumpConfig) -> Result<(Pump, PumpHandle), PumpError>,
    ) -> Self {
        let streams = StreamsConfig {
            rtcp_interval: Duration::from_millis(200),
            ears: true,
            ..StreamsConfig::default()
        };
        let config = PumpConfig { streams, ..PumpConfig::default() };
        let (mut pump, handle) = start(config.clone()).expect("the pump starts");
        let answers = pump.answers().expect("the first time");
        assert!(pump.answers().is_none());
        let pair = handle.reserve().expect("a free pair");
        let negotiation = Negotiation::new(LocalMedia::new(config.address, pair.rtp, session_id));
        Self { pump, handle, answers, negotiation, pair: Some(pair) }
    }

    fn command(&self, command: StreamCommand) {
        self.handle.command(command).expect("room in the queue");
    }

    fn open(&mut self, source: Source) {
        let pair = self.pair.take().expect("opened once");
        self.handle.open(STREAM, pair).expect("room in the queue");
        self.command(StreamCommand::OpenDevice { device: DEVICE, source });
        self.command(StreamCommand::Open { op: Op(1), stream: STREAM, device: Some(DEVICE) });
        let agreed: Agreed = self.negotiation.in_force().expect("answered").clone();
        self.command(StreamCommand::Apply { op: Op(2), stream: STREAM, agreed });
    }

    async fn next(&mut self) -> StreamOutput {
        let output = tokio::time::timeout(LIMIT, self.answers.recv()).await;
        output.expect("within the limit").expect("the pump lives")
    }

    async fn wait_for(&mut self, wanted: impl Fn(&StreamOutput) -> bool) -> StreamOutput {
        loop {
            let output = self.next().await;
            if wanted(&output) {
                return output;
            }
        }
    }

    /// Looks at what is heard each time a quality report comes.
    async fn wait_for_tone(&mut self, tone: u16) {
        loop {
            self.wait_for(|output| matches!(output, StreamOutput::Event(StreamEvent::Quality(_)))).await;
            let hearing =
                self.handle.hearing(DEVICE).await.expect("the pump lives").expect("the device is open");
            if hearing.tone == Some(tone) {
                return;
            }
        }
    }
}

fn call() -> (Party, Party) {
    call_between(Party::start(1), Party::start(2))
}

fn call_between(mut alice: Party, mut bob: Party) -> (Party, Party) {
    let offer = alice.negotiation.offer();
    bob.negotiation.offered(&offer).expect("acceptable");
    let answer = bob.negotiation.answer();
    alice.negotiation.answered(&answer).expect("acceptable");
    (alice, bob)
}

#[tokio::test]
async fn two_pumps_hear_each_other() {
    let (mut alice, mut bob) = call();
    alice.open(Source::Tone { hz: 440 });
    bob.open(Source::Tone { hz: 1_000 });
    for party in [&mut alice, &mut bob] {
        assert_eq!(party.next().await, StreamOutput::Applied { op: Op(1) });
        assert_eq!(party.next().await, StreamOutput::Applied { op: Op(2) });
        party.wait_for(|output| matches!(output, StreamOutput::Event(StreamEvent::Flowing { .. }))).await;
    }
    alice.wait_for_tone(1_000).await;
    bob.wait_for_tone(440).await;
    let snapshot = alice.handle.snapshot(STREAM).await.expect("the pump lives").expect("the stream is open");
    assert!(snapshot.sent > 0 && snapshot.received > 0 && snapshot.strangers == 0);
    assert!(alice.handle.snapshot(StreamId(9)).await.expect("the pump lives").is_none());

    // Closing frees the sockets and tells the summary.
    alice.command(StreamCommand::Close { op: Op(3), stream: STREAM });
    let summary =
        alice.wait_for(|output| matches!(output, StreamOutput::Event(StreamEvent::Summary(_)))).await;
    let StreamOutput::Event(StreamEvent::Summary(summary)) = summary else {
        unreachable!("it was waited for")
    };
    assert!(summary.received > 0 && summary.mos.is_some());
    alice.wait_for(|output| *output == StreamOutput::Applied { op: Op(3) }).await;
    let counters = alice.handle.counters().await.expect("the pump lives");
    assert_eq!((counters.bound, counters.streams, counters.send_errors), (0, 0, 0));

    alice.pump.shutdown().expect("the thread ends well");
    bob.pump.shutdown().expect("the thread ends well");
    let refused = alice.handle.command(StreamCommand::CloseDevice { device: DEVICE });
    assert!(matches!(refused, Err(PumpError::Stopped)));
    assert!(matches!(bob.handle.snapshot(STREAM).await, Err(PumpError::Stopped)));
}

#[tokio::test]
async fn an_observer_sees_every_datagram_once_with_its_addresses() {
    let (sender, seen) = std::sync::mpsc::channel();
    let observed = Party::start_by(1, |config| {
        let observer = Box::new(move |seen: SeenDatagram<'_>| {
            let SeenDatagram { at, way, kind, local, remote, bytes } = seen;
            // The test may be over.
            let _ = sender.send((at, way, kind, local, remote, bytes.to_vec()));
        });
        Pump::start_observed(config, observer)
    });
    let (mut alice, mut bob) = call_between(observed, Party::start(2));
    let port = |party: &Party| party.pair.as_ref().map(|pair| pair.rtp).expect("reserved");
    let (ours, theirs) = (port(&alice), port(&bob));
    alice.open(Source::Tone { hz: 440 });
    bob.open(Source::Tone { hz: 1_000 });
    alice.wait_for_tone(1_000).await;
    // What the other side says of us comes by RTCP.
    let theirs_of_us = |output: &StreamOutput| matches!(output, StreamOutput::Event(StreamEvent::Quality(report)) if report.kind == QualityKind::Remote);
    alice.wait_for(theirs_of_us).await;
    let counted = alice.handle.snapshot(STREAM).await.expect("the pump lives").expect("the stream is open");
    bob.pump.shutdown().expect("the thread ends well");
    alice.pump.shutdown().expect("the thread ends well");
    let seen: Vec<_> = seen.iter().collect();
    let rtp = |wanted: Way| {
        seen.iter().filter(|(_, way, kind, ..)| (*way, *kind) == (wanted, PacketKind::Rtp)).count() as u64
    };
    assert!(rtp(Way::Sent) >= counted.sent && rtp(Way::Received) >= counted.received);
    assert!(seen.iter().any(|(_, way, kind, ..)| (*way, *kind) == (Way::Received, PacketKind::Rtcp)));
    assert!(seen.is_sorted_by_key(|(at, ..)| *at));
    for (_, way, kind, local, remote, bytes) in &seen {
        let odd = u16::from(*kind == PacketKind::Rtcp);
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port + odd));
        assert_eq!((*local, *remote), (address(ours), address(theirs)), "{way:?} {kind:?}");
        assert!(bytes.len() >= 8 && bytes[0] >> 6 == 2, "{way:?} {kind:?}");
    }
    let numbers: Vec<&[u8]> = seen
        .iter()
        .filter(|(_, way, kind, ..)| (*way, *kind) == (Way::Sent, PacketKind::Rtp))
        .map(|(.., bytes)| &bytes[2..4])
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "each once");
}

#[tokio::test]
async fn an_idle_pump_sleeps() {
    let (mut alice, _bob) = call();
    let before = alice.handle.counters().await.expect("the pump lives").turns;
    // Nothing happens, so nothing is told.
    assert!(tokio::time::timeout(Duration::from_millis(300), alice.answers.recv()).await.is_err());
    let after = alice.handle.counters().await.expect("the pump lives").turns;
    assert!(after - before <= 3, "{} turns", after - before);
}

#[tokio::test]
async fn unread_answers_are_kept_and_push_back_on_commands() {
    let config = PumpConfig { command_queue: 2, answer_queue: 1, ..PumpConfig::default() };
    let (mut pump, handle) = Pump::start(config).expect("the pump starts");
    let mut answers = pump.answers().expect("the first time");
    let mut accepted = 0;
    let refused = loop {
        match handle.command(StreamCommand::Close { op: Op(accepted), stream: STREAM }) {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 1_000, "the queue never fills");
    };
    assert!(matches!(refused, PumpError::QueueFull));
    for op in 0..accepted {
        let answer = tokio::time::timeout(LIMIT, answers.recv()).await.expect("within the limit");
        assert!(matches!(answer, Some(StreamOutput::Failed { op: Op(failed), .. }) if failed == op));
    }
    pump.shutdown().expect("the thread ends well");
}

/// A peer made of bare sockets: the first stream says BYE to it before its ports are given up.
#[tokio::test]
async fn a_moved_call_has_two_pairs_until_the_first_said_bye() {
    // covers: TM-016
    let (mut alice, _bob) = call();
    let first = alice.pair.as_ref().map(|pair| pair.rtp).expect("reserved");
    alice.open(Source::Tone { hz: 440 });
    let second = alice.handle.reserve().expect("another pair");
    assert_ne!(first, second.rtp);
    let (rtp, rtcp) = (UdpSocket::bind("127.0.0.1:0").await, UdpSocket::bind("127.0.0.1:0").await);
    let (rtp, rtcp) = (rtp.expect("a port"), rtcp.expect("a port"));
    let mut agreed = alice.negotiation.in_force().expect("answered").clone();
    agreed.remote_rtp = rtp.local_addr().expect("bound");
    agreed.remote_rtcp = rtcp.local_addr().expect("bound");
    let next = StreamId(2);
    let ports = (second.rtp, second.rtp + 1);
    alice.handle.open(next, second).expect("room in the queue");
    alice.command(StreamCommand::Open { op: Op(3), stream: next, device: None });
    alice.command(StreamCommand::Apply { op: Op(4), stream: next, agreed: agreed.clone() });
    alice.command(StreamCommand::Move { op: Op(5), from: STREAM, to: next });
    alice.wait_for(|output| *output == StreamOutput::Applied { op: Op(5) }).await;
    assert_eq!(alice.handle.counters().await.expect("the pump lives").bound, 2);

    let mut buffer = [0; 2_048];
    let (length, source) = receive(&rtp, &mut buffer).await;
    assert_eq!((length, source.port()), (172, ports.0));
    alice.command(StreamCommand::Close { op: Op(6), stream: next });
    loop {
        let (length, source) = receive(&rtcp, &mut buffer).await;
        assert_eq!(source.port(), ports.1);
        let packets = parse_compound(&buffer[..length]).expect("a compound");
        if matches!(packets.last(), Some(RtcpPacket::Bye { .. })) {
            break;
        }
    }
    alice.wait_for(|output| *output == StreamOutput::Applied { op: Op(6) }).await;
    assert_eq!(alice.handle.counters().await.expect("the pump lives").bound, 1);
}

async fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> (usize, SocketAddr) {
    let received = tokio::time::timeout(LIMIT, socket.recv_from(buffer)).await;
    received.expect("within the limit").expect("the socket works")
}

#[tokio::test]
async fn a_stream_that_was_refused_keeps_no_sockets() {
    let mut alice = Party::start(1);
    let pair = alice.pair.take().expect("reserved");
    let port = pair.rtp;
    alice.handle.open(STREAM, pair).expect("room in the queue");
    alice.command(StreamCommand::Open { op: Op(1), stream: STREAM, device: Some(DEVICE) });
    assert!(matches!(alice.next().await, StreamOutput::Failed { op: Op(1), .. }));
    assert_eq!(alice.handle.counters().await.expect("the pump lives").bound, 0);
    // The pair is in rest, so it is not given out again.
    let next = alice.handle.reserve().expect("another pair");
    assert_ne!(next.rtp, port);
    alice.handle.release(next);
    assert!(alice.handle.hearing_blocking(DEVICE).expect("the pump lives").is_none());
    assert!(alice.handle.snapshot_blocking(STREAM).expect("the pump lives").is_none());
    assert_eq!(alice.handle.counters_blocking().expect("the pump lives").streams, 0);
}

#[tokio::test]
async fn the_end_of_a_pump_ends_its_streams() {
    let (mut alice, mut bob) = call();
    alice.open(Source::Tone { hz: 440 });
    bob.open(Source::Silence);
    for party in [&mut alice, &mut bob] {
        party.wait_for(|output| matches!(output, StreamOutput::Event(StreamEvent::Flowing { .. }))).await;
    }
    alice.handle.shutdown();
    alice.wait_for(|output| matches!(output, StreamOutput::Event(StreamEvent::Summary(_)))).await;
    alice.pump.shutdown().expect("the thread ends well");
}

#[tokio::test]
async fn a_recording_is_a_file_with_a_party_in_each_channel() {
    let (mut alice, mut bob) = call();
    let path = std::env::temp_dir().join(format!("patchcord-recording-{}.wav", std::process::id()));
    let recording = RecordingId(7);
    alice.handle.open_recording(recording, &path).expect("the file can be created");
    alice.open(Source::Tone { hz: 440 });
    bob.open(Source::Tone { hz: 1_000 });
    alice.wait_for_tone(1_000).await;
    let layout = RecordLayout::Stereo;
    alice.command(StreamCommand::Record { op: Op(3), device: DEVICE, recording, layout });
    alice.wait_for(|output| *output == StreamOutput::Applied { op: Op(3) }).await;
    for _ in 0..8 {
        alice.wait_for(|output| matches!(output, StreamOutput::Event(StreamEvent::Quality(_)))).await;
    }
    alice.command(StreamCommand::StopRecording { op: Op(4), device: DEVICE });
    let ended = StreamEvent::RecordingEnded { recording, result: Ok(()) };
    alice.wait_for(|output| *output == StreamOutput::Event(ended.clone())).await;
    let mut file = hound::WavReader::open(&path).expect("a WAV file");
    assert_eq!((file.spec().channels, file.spec().sample_rate), (2, 8_000));
    let samples: Vec<i16> = file.samples().collect::<Result<_, _>>().expect("whole");
    // Zero crossings of half a second in the middle: two for each period.
    let crossings = |channel: usize| {
        let middle = samples.len() / 4 * 2;
        let channel: Vec<i16> =
            samples[middle..].chunks(2).map(|moment| moment[channel]).take(4_000).collect();
        assert_eq!(channel.len(), 4_000);
        channel.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count()
    };
    assert!((430..=450).contains(&crossings(0)), "{}", crossings(0));
    assert!((970..=1_010).contains(&crossings(1)), "{}", crossings(1));
    std::fs::remove_file(&path).expect("it is there");
    assert!(matches!(
        alice.handle.open_recording(recording, std::path::Path::new("/nonexistent/x.wav")),
        Err(PumpError::Recording(_))
    ));
    assert_eq!(alice.handle.counters().await.expect("the pump lives").dropped_blocks, 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_recording_that_finds_no_room_says_so() {
    let (mut alice, _bob) = call();
    let recording = RecordingId(9);
    alice.handle.open_recording(recording, std::path::Path::new("/dev/full")).expect("it can be opened");
    alice.open(Source::Tone { hz: 440 });
    let layout = RecordLayout::Mono;
    alice.command(StreamCommand::Record { op: Op(3), device: DEVICE, recording, layout });
    alice.wait_for(|output| *output == StreamOutput::Applied { op: Op(3) }).await;
    let result = Err(RecordingFailure::File(std::io::ErrorKind::StorageFull));
    let ended = StreamOutput::Event(StreamEvent::RecordingEnded { recording, result });
    alice.wait_for(|output| *output == ended).await;
}

#[tokio::test]
async fn a_recording_that_is_refused_leaves_its_file_as_it_was() {
    let path = std::env::temp_dir().join(format!("patchcord-refused-{}.wav", std::process::id()));
    std::fs::write(&path, b"what was there before").expect("a file");
    let (mut alice, _bob) = call();
    alice.open(Source::Tone { hz: 440 });
    let recording = RecordingId(9);
    alice.handle.open_recording(recording, &path).expect("it can be opened");
    let (device, layout) = (DeviceId(99), RecordLayout::Mono);
    alice.command(StreamCommand::Record { op: Op(3), device, recording, layout });
    let refused = StreamOutput::Failed { op: Op(3), failure: StreamFailure::UnknownDevice };
    alice.wait_for(|output| *output == refused).await;
    alice.handle.forget_recording(recording).expect("the pump lives");
    // The end of the pump waits for its files.
    alice.pump.shutdown().expect("the thread ends well");
    assert_eq!(std::fs::read(&path).expect("still there"), b"what was there before");
    std::fs::remove_file(&path).expect("still there");
}

/// Both sockets are full before the pump looks at them: that of the first stream with far more than is read in one go.
#[tokio::test]
async fn a_socket_that_is_flooded_does_not_keep_the_others_waiting() {
    /// What a socket's buffer holds for certain, and what may be read before another socket has its turn: two goes of 32, as
    /// the pump may be told of the second stream only in the first of them.
    const FLOOD: usize = 200;
    const GOES: usize = 64;
    let (sender, seen) = std::sync::mpsc::channel();
    let (told, both) = std::sync::mpsc::channel::<()>();
    let observer = Box::new(move |seen: SeenDatagram<'_>| {
        // The pump stands still at the first datagram until it was told of both; then nobody tells any more.
        let _ = both.recv();
        // The test may be over.
        let _ = sender.send(seen.local.port());
    });
    let (pump, handle) = Pump::start_observed(PumpConfig::default(), observer).expect("the pump starts");
    let [flooded, other] = [(); 2].map(|()| handle.reserve().expect("a free pair"));
    let ports = [flooded.rtp, other.rtp];
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    for port in std::iter::repeat_n(ports[0], FLOOD).chain([ports[1]]) {
        socket.send_to(&[0x80; 12], ("127.0.0.1", port)).await.expect("sent");
    }
    handle.open(StreamId(1), flooded).expect("room in the queue");
    handle.open(StreamId(2), other).expect("room in the queue");
    drop(told);
    let seen: Vec<u16> =
        std::iter::repeat_with(|| seen.recv_timeout(LIMIT).expect("in time")).take(FLOOD + 1).collect();
    let first = seen.iter().position(|port| *port == ports[1]).expect("it is read");
    assert!(first <= GOES, "{first} before it");
    pump.shutdown().expect("the thread ends well");
}

#[tokio::test]
async fn a_recording_whose_pump_ends_is_complete() {
    let (mut alice, _bob) = call();
    let path = std::env::temp_dir().join(format!("patchcord-last-words-{}.wav", std::process::id()));
    let recording = RecordingId(8);
    alice.handle.open_recording(recording, &path).expect("the file can be created");
    alice.open(Source::Tone { hz: 440 });
    let layout = RecordLayout::Mono;
    alice.command(StreamCommand::Record { op: Op(3), device: DEVICE, recording, layout });
    for _ in 0..3 {
        alice.wait_for(|output| matches!(output, StreamOutput::Event(StreamEvent::Quality(_)))).await;
    }
    alice.handle.shutdown();
    let ended = StreamEvent::RecordingEnded { recording, result: Ok(()) };
    alice.wait_for(|output| *output == StreamOutput::Event(ended.clone())).await;
    let file = hound::WavReader::open(&path).expect("a WAV file");
    assert!(file.spec().channels == 1 && file.len() > 800, "{}", file.len());
    std::fs::remove_file(&path).expect("it is there");
}

#[tokio::test]
async fn an_application_talks_to_the_other_side() {
    let (mut alice, mut bob) = call();
    let rate = SampleRate::Hz16000;
    let mut audio = alice.handle.application(DEVICE, rate).expect("room in the queue");
    alice.open(Source::Application { rate });
    bob.open(Source::Echo);
    // What is said comes back, at 16,000 samples a second both ways.
    let mut tone = (0..).map(|number: u32| {
        let turn = f64::from(number % 16_000) / 16_000.0 * 700.0 * std::f64::consts::TAU;
        (turn.sin() * 8_000.0) as i16
    });
    let speech: Vec<i16> = tone.by_ref().take(16_000 * 3).collect();
    assert!(tokio::time::timeout(LIMIT, audio.speak(&speech)).await.expect("within the limit"));
    let mut heard = Vec::new();
    while heard.len() < 16_000 * 2 {
        let count = tokio::time::timeout(LIMIT, audio.hear(&mut heard)).await.expect("within the limit");
        assert!(count > 0, "the device lives");
    }
    let second = &heard[16_000..32_000];
    let crossings = second.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    assert!((1_350..=1_450).contains(&crossings), "{crossings}");
    assert_eq!(
        bob.handle.hearing(DEVICE).await.expect("the pump lives").and_then(|heard| heard.tone),
        Some(700)
    );
    // What is interrupted is not said.
    audio.try_speak(&speech);
    alice.handle.discard_speech(DEVICE).expect("room in the queue");
    let device = alice.handle.device(DEVICE).await.expect("the pump lives").expect("the device is open");
    assert_eq!(device.waiting_speech, 0);
    // The end of the device is the end of its application.
    alice.command(StreamCommand::CloseDevice { device: DEVICE });
    while tokio::time::timeout(LIMIT, audio.hear(&mut heard)).await.expect("within the limit") > 0 {}
    assert!(!tokio::time::timeout(LIMIT, audio.speak(&speech)).await.expect("within the limit"));
}

#[tokio::test]
async fn the_pace_of_sent_packets_is_published() {
    let (mut alice, mut bob) = call();
    alice.open(Source::Tone { hz: 440 });
    bob.open(Source::Silence);
    bob.wait_for_tone(440).await;
    let counters = alice.handle.counters().await.expect("the pump lives");
    let snapshot = alice.handle.snapshot(STREAM).await.expect("the pump lives").expect("the stream is open");
    assert!(counters.lateness.total() >= snapshot.sent && snapshot.sent > 0);
    assert!(counters.lateness.percentile(50.0).is_some_and(|half| half < Duration::from_millis(20)));
    assert_eq!((counters.receive_errors, counters.send_errors), (0, 0));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for config in [
        PumpConfig { address: [0, 0, 0, 0].into(), ..PumpConfig::default() },
        PumpConfig { ports: 5_000..=5_000, ..PumpConfig::default() },
        PumpConfig { command_queue: 0, ..PumpConfig::default() },
        PumpConfig { answer_queue: 0, ..PumpConfig::default() },
        PumpConfig { max_streams: 0, ..PumpConfig::default() },
        PumpConfig { dscp: 64, ..PumpConfig::default() },
    ] {
        assert!(matches!(Pump::start(config), Err(PumpError::Config(_))));
    }
}
