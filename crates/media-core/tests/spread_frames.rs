//! Of many streams few send at the same moment, and each keeps its own: what is sent together waits for each other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use media_core::rtp::RtpPacket;
use media_core::{
    Agreed, Codec, Cx, DeviceId, Op, PacketKind, Source, StreamCommand, StreamId, StreamOutput, Streams,
    StreamsConfig, Tick,
};

const STREAMS: u64 = 1_000;
const FRAME: Duration = Duration::from_millis(20);
/// The most packets of one moment: 1,000 streams at 80 moments are 12.5 each, and a moment is crowded with a quarter
/// more and two.
const MOST: usize = 17;

/// A packet that was sent.
struct Sent {
    at: Tick,
    due: Tick,
    stream: StreamId,
    timestamp: u32,
    sequence: u16,
}

struct Calls {
    streams: Streams,
    now: Tick,
    sent: Vec<Sent>,
}

impl Calls {
    fn new() -> Self {
        // Reports have moments of their own.
        let config =
            StreamsConfig { rtcp_interval: Duration::from_secs(100_000), ..StreamsConfig::default() };
        Self { streams: Streams::new(config), now: Tick(1_000_000), sent: Vec::new() }
    }

    fn step(&mut self, step: impl FnOnce(&mut Streams, &mut Cx<'_>, &mut Vec<StreamOutput>)) {
        let mut random = || 4;
        let unix = Duration::from_secs(1_700_000_000) + self.now.since(Tick::default());
        let mut cx = Cx { now: self.now, unix, random: &mut random };
        let mut out = Vec::new();
        step(&mut self.streams, &mut cx, &mut out);
        for output in out {
            match output {
                StreamOutput::Send { stream, kind: PacketKind::Rtp, packet, due, .. } => {
                    let header = RtpPacket::parse(&packet).expect("ours").header;
                    let (at, timestamp, sequence) = (self.now, header.timestamp, header.sequence);
                    self.sent.push(Sent { at, due, stream, timestamp, sequence });
                }
                StreamOutput::Failed { failure, .. } => panic!("{failure}"),
                _ => {}
            }
        }
    }

    fn command(&mut self, command: StreamCommand) {
        self.step(|streams, cx, out| streams.command(cx, command, out));
    }

    fn open(&mut self, number: u64, device: Option<DeviceId>) {
        let (stream, op) = (StreamId(number), Op(0));
        if let Some(device) = device {
            self.command(StreamCommand::OpenDevice { device, source: Source::Silence });
        }
        self.command(StreamCommand::Open { op, stream, device });
        let address = |host, number| SocketAddr::from(([192, 0, 2, host], 10_000 + 2 * number as u16));
        let agreed = Agreed::plain(address(2, number), address(1, number), Codec::Pcmu);
        self.command(StreamCommand::Apply { op, stream, agreed });
    }

    /// Ticks whenever something is due, as the pump does.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.streams.next_deadline().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.step(Streams::tick);
        }
        self.now = end;
    }

    /// The most packets that left in one step, of those from a moment on.
    fn most_at_once(&self, from: Tick) -> usize {
        let mut moments: BTreeMap<Tick, usize> = BTreeMap::new();
        for sent in self.sent.iter().filter(|sent| sent.at >= from) {
            *moments.entry(sent.at).or_default() += 1;
        }
        moments.into_values().max().unwrap_or(0)
    }

    /// Each packet leaves when it is due, a frame after the one before, with the timestamp of that moment.
    fn assert_even(&self) {
        let mut before: BTreeMap<StreamId, &Sent> = BTreeMap::new();
        for sent in &self.sent {
            assert_eq!(sent.at, sent.due);
            if let Some(before) = before.insert(sent.stream, sent) {
                assert_eq!(sent.due.since(before.due), FRAME);
                assert_eq!(sent.timestamp.wrapping_sub(before.timestamp), 160);
                assert_eq!(sent.sequence, before.sequence.wrapping_add(1));
            }
        }
        assert_eq!(before.len() as u64, STREAMS);
    }
}

#[test]
fn streams_that_begin_at_one_moment_are_spread_over_a_frame() {
    let mut calls = Calls::new();
    for number in 1..=STREAMS {
        calls.open(number, Some(DeviceId(number)));
    }
    let begin = calls.now;
    calls.run(Duration::from_secs(2));
    assert!(calls.most_at_once(begin) <= MOST, "{}", calls.most_at_once(begin));
    calls.assert_even();
    let first = calls.sent.iter().take(STREAMS as usize);
    assert!(first.into_iter().all(|sent| sent.at.since(begin) < FRAME * 2), "none waits for long");
    assert!(calls.sent.len() as u64 >= STREAMS * 100, "{}", calls.sent.len());
}

#[test]
fn streams_that_begin_one_after_the_other_are_spread_as_well() {
    let mut calls = Calls::new();
    for number in 1..=STREAMS {
        calls.open(number, Some(DeviceId(number)));
        // Three calls, and then three again a whole frame later: left alone, all would meet.
        calls.run(if number % 3 == 0 { FRAME } else { Duration::ZERO });
    }
    let begun = calls.now;
    calls.run(Duration::from_secs(1));
    assert!(calls.most_at_once(begun) <= MOST, "{}", calls.most_at_once(begun));
    calls.assert_even();
}

#[test]
fn a_switch_among_a_thousand_streams_waits_no_longer_than_a_millisecond() {
    // covers: TM-016
    let mut calls = Calls::new();
    for number in 1..=STREAMS {
        calls.open(number, Some(DeviceId(number)));
    }
    calls.run(Duration::from_secs(1));
    for number in 1..=100 {
        let (from, to) = (StreamId(number), StreamId(STREAMS + number));
        calls.open(to.0, None);
        calls.run(Duration::from_micros(7_130));
        calls.command(StreamCommand::Move { op: Op(0), from, to });
        let moved = calls.now;
        calls.run(FRAME);
        let first = calls.sent.iter().find(|sent| sent.stream == to).expect("it sends");
        assert!(first.at.since(moved) <= Duration::from_millis(1), "{:?}", first.at.since(moved));
        assert!(calls.sent.iter().all(|sent| sent.stream != from || sent.at <= moved));
    }
}
