//! RTP streams as one reducer: commands, packets and ticks in; packets, answers and events out.
//!
//! A *stream* is one RTP session of a leg: its own SSRC, sequence numbers, timestamps, RTCP and counters. A
//! *device* is what a person has: a microphone and an ear. A device is attached to at most one stream and a stream
//! has at most one device, so a microphone can never be on two legs (TM-016, TM-018).
//!
//! What is sent follows from what was applied last ([`Agreed`]), from the device or the paired stream, and from nothing
//! else (TM-001).

mod arena;
mod clock;
mod command;
mod config;
mod deadlines;
mod device;
mod figures;
mod graph;
mod incoming;
mod joining;
mod keys;
mod meter;
mod moments;
mod names;
mod outlet;
mod output;
mod pace;
mod protection;
mod receiver;
mod relay;
mod reporter;
mod seat;
mod sender;
mod session;

mod step;
#[cfg(test)]
mod tests;
mod voice;
mod watchdog;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use slab::Slab;

use crate::dtmf::{MAX_DURATION, MIN_DURATION};
use crate::hearing::Hearing;
use crate::mixer::Mixer;
use crate::negotiation::Agreed;
use crate::tick::{Cx, Tick};

pub use command::{MAX_MIXED_STREAMS, StreamCommand, StreamFailure};
pub use config::{HoldAudio, StreamsConfig};
use deadlines::Deadlines;
use device::Device;
pub use figures::{
    ContinuityMarks, DeviceSnapshot, QualityKind, QualityReport, StreamSnapshot, StreamSummary,
};
use graph::Graph;
pub use names::{DeviceId, Op, PacketKind, RecordingId, StreamId};
pub use output::{RecordingFailure, StreamEvent, StreamOutput};
use sender::Speakers;
use session::{Link, Session};
use step::{Bench, Step};

/// Runs all RTP streams of one user agent; see the module's text.
#[derive(Debug)]
pub struct Streams {
    config: StreamsConfig,
    sessions: Slab<Session>,
    /// Where a stream is in the slab.
    keys: BTreeMap<StreamId, usize>,
    /// Boxed: half of the room in a map's nodes is empty.
    devices: BTreeMap<DeviceId, Box<Device>>,
    mixes: Slab<Mixer>,
    deadlines: Deadlines,
    bench: Bench,
    due: Vec<(Tick, usize)>,
    now: Tick,
    unknown_packets: u64,
    refused_devices: u64,
}

impl Streams {
    /// Creates a set without streams or devices.
    pub fn new(config: StreamsConfig) -> Self {
        Self {
            bench: Bench::new(&config),
            config,
            sessions: Slab::new(),
            keys: BTreeMap::new(),
            devices: BTreeMap::new(),
            mixes: Slab::new(),
            deadlines: Deadlines::new(),
            due: Vec::new(),
            now: Tick::default(),
            unknown_packets: 0,
            refused_devices: 0,
        }
    }

    /// Carries out a command. Every command with an `op` is answered by exactly one
    /// [`StreamOutput::Applied`] or [`StreamOutput::Failed`]; a failed command changes nothing.
    pub fn command(&mut self, cx: &mut Cx<'_>, command: StreamCommand, out: &mut Vec<StreamOutput>) {
        self.advance(cx.now);
        let answer = graph::carry_out(self, cx, command, out);
        out.extend(answer.map(|(op, result)| match result {
            Ok(()) => StreamOutput::Applied { op },
            Err(failure) => StreamOutput::Failed { op, failure },
        }));
    }

    /// Takes a packet that arrived at a stream's socket. Bytes of any content are safe; what is not from the
    /// negotiated address is counted and has no other effect (SEC-40).
    pub fn packet(
        &mut self,
        cx: &mut Cx<'_>,
        stream: StreamId,
        kind: PacketKind,
        source: SocketAddr,
        packet: &[u8],
        out: &mut Vec<StreamOutput>,
    ) {
        self.advance(cx.now);
        let Some(&key) = self.keys.get(&stream) else {
            self.unknown_packets += 1;
            return;
        };
        let source = SocketAddr::new(source.ip().to_canonical(), source.port());
        let told = out.len();
        let (link, alike) = self.receive(cx, key, kind, source, packet, out);
        match link {
            Link::Relay { with } if !alike => Graph { streams: self, cx, out }.transcode(stream, with),
            Link::Transcode { with, .. } => self.pass_digits(with, &out[told..]),
            Link::None | Link::Relay { .. } | Link::Mix(_) => {}
        }
        // A packet puts silences off, over and over: the deadline that stands is kept, and looked at when it comes.
        let deadline = self.deadline(key);
        if deadline.is_some_and(|deadline| self.deadlines.of(key).is_none_or(|armed| deadline < armed)) {
            self.deadlines.set(key, deadline);
        }
    }

    /// Has a stream take a datagram. Returns how it is joined, and false when what it received cannot pass as it is.
    fn receive(
        &mut self,
        cx: &mut Cx<'_>,
        key: usize,
        kind: PacketKind,
        source: SocketAddr,
        packet: &[u8],
        out: &mut Vec<StreamOutput>,
    ) -> (Link, bool) {
        let Self { config, sessions, keys, bench, .. } = self;
        let mut step = Step { config, cx, bench, out };
        let Some(session) = sessions.get_mut(key) else { return (Link::None, true) };
        let (link, mut alike) = (session.link, true);
        let other = match link {
            Link::Relay { with } => keys.get(&with).copied(),
            Link::None | Link::Transcode { .. } | Link::Mix(_) => None,
        };
        match other.and_then(|other| sessions.get2_mut(key, other)) {
            Some((session, other)) => session.receive(&mut step, kind, source, packet, |step, received| {
                alike = other.pass_on(step, received);
            }),
            None => sessions[key].receive(&mut step, kind, source, packet, |_, _| {}),
        }
        (link, alike)
    }

    /// Telephone events do not pass where audio is encoded anew: the keys are pressed again when they were released.
    fn pass_digits(&mut self, to: StreamId, told: &[StreamOutput]) {
        let Some(session) = self.keys.get(&to).and_then(|key| self.sessions.get_mut(*key)) else { return };
        for output in told {
            if let StreamOutput::Event(StreamEvent::Digit { digit, duration_ms, .. }) = output {
                let duration =
                    Duration::from_millis(u64::from(*duration_ms)).clamp(MIN_DURATION, MAX_DURATION);
                // What finds no room, or nobody who listens, is lost, as keys pressed too fast are.
                let _ = session.press(&[*digit], duration);
            }
        }
    }

    /// Does everything that is due: frames, reports, silences, digits without an end. Call it at or after
    /// [`Self::next_deadline`]; earlier is harmless.
    pub fn tick(&mut self, cx: &mut Cx<'_>, out: &mut Vec<StreamOutput>) {
        self.advance(cx.now);
        let mut due = std::mem::take(&mut self.due);
        self.deadlines.take_due(cx.now, &mut due);
        for (_, key) in due.drain(..) {
            let Self { config, sessions, devices, mixes, bench, .. } = self;
            let mut told = out.len();
            let mut step = Step { config, cx, bench, out };
            let mut link = Link::None;
            if let Some(session) = sessions.get_mut(key) {
                link = session.link;
                let device = match link {
                    // The device of a paired stream rests.
                    Link::Relay { .. } | Link::Transcode { .. } => None,
                    Link::None | Link::Mix(_) => {
                        session.device.and_then(|device| devices.get_mut(&device).map(Box::as_mut))
                    }
                };
                let mix = link.seat().and_then(|seat| Some((mixes.get_mut(seat.mix)?, seat)));
                session.frames(&mut step, &mut Speakers { device, mix });
                // Digits that are found in the audio pass with it.
                told = step.out.len();
                session.expire(&mut step);
            }
            if let Link::Transcode { with, .. } = link {
                self.pass_digits(with, &out[told..]);
            }
            self.rearm(key);
        }
        self.due = due;
    }

    /// Returns when [`Self::tick`] has something to do.
    pub fn next_deadline(&self) -> Option<Tick> {
        self.deadlines.first()
    }

    /// Gives an application's device something to say, and returns how many samples there was room for: at most
    /// [`crate::MAX_SPEECH_MS`] wait. None for a device that is not an application's.
    pub fn speak(&mut self, device: DeviceId, samples: &[i16]) -> usize {
        self.devices.get_mut(&device).map_or(0, |device| device.speak(samples))
    }

    /// Appends what an application's device has heard since the last time, and returns how many samples that are: at most
    /// [`crate::MAX_HEARD_MS`] wait, the oldest are dropped.
    pub fn listen(&mut self, device: DeviceId, heard: &mut Vec<i16>) -> usize {
        self.devices.get_mut(&device).map_or(0, |device| device.listen(heard))
    }

    /// Returns counters and qualities of a stream; `None` when there is no such stream.
    pub fn snapshot(&self, stream: StreamId) -> Option<StreamSnapshot> {
        self.keys.get(&stream).and_then(|key| self.sessions.get(*key)).map(Session::snapshot)
    }

    /// Returns the state and the counters of a device; `None` when there is no such device.
    pub fn device(&self, device: DeviceId) -> Option<DeviceSnapshot> {
        self.devices.get(&device).map(|device| device.snapshot())
    }

    /// Returns what a device's ear hears, as of the last step; `None` when there is no such device, or it has no ear
    /// ([`StreamsConfig::ears`]).
    pub fn hearing(&self, device: DeviceId) -> Option<Hearing> {
        self.hearing_at(device, self.now)
    }

    /// Returns what a device's ear hears at `now`, which may be later than the last step: packets that stopped coming
    /// make no step.
    pub fn hearing_at(&self, device: DeviceId, now: Tick) -> Option<Hearing> {
        self.devices.get(&device).and_then(|device| device.hearing(now.max(self.now)))
    }

    /// Returns the stream a device is attached to.
    pub fn attached(&self, device: DeviceId) -> Option<StreamId> {
        self.devices.get(&device).and_then(|device| device.stream)
    }

    /// Returns the streams there are, in the order of their ids.
    pub fn streams(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.keys.keys().copied()
    }

    /// Returns true when neither stream nor device nor deadline is left.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
            && self.devices.is_empty()
            && self.mixes.is_empty()
            && self.deadlines.first().is_none()
    }

    /// Returns the packets that came for streams that do not exist.
    pub fn unknown_packets(&self) -> u64 {
        self.unknown_packets
    }

    /// Returns the devices that were refused at the limit of [`StreamsConfig::max_devices`].
    pub fn refused_devices(&self) -> u64 {
        self.refused_devices
    }

    /// Closes every stream and device, as at the end of a program: BYE where due and summaries, no answers.
    pub fn close_all(&mut self, cx: &mut Cx<'_>, out: &mut Vec<StreamOutput>) {
        self.advance(cx.now);
        for device in std::mem::take(&mut self.devices).values_mut() {
            device.end_recording(cx.now, out);
        }
        self.mixes.clear();
        for (_, key) in std::mem::take(&mut self.keys) {
            self.deadlines.set(key, None);
            let mut session = self.sessions.remove(key);
            session.link = Link::None;
            session.close(&mut Step { config: &self.config, cx, bench: &mut self.bench, out });
        }
    }

    fn advance(&mut self, now: Tick) {
        self.now = self.now.max(now);
    }

    /// Brings the deadlines in line with a stream that may have changed.
    fn rearm(&mut self, key: usize) {
        self.deadlines.set(key, self.deadline(key));
    }

    fn deadline(&self, key: usize) -> Option<Tick> {
        self.sessions.get(key).and_then(Session::next_deadline)
    }
}
