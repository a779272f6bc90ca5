//! RTP streams as one reducer: commands, packets and ticks in; packets, answers and events out.
//!
//! A *stream* is one RTP session of a leg: its own SSRC, sequence numbers, timestamps, RTCP and counters. A
//! *device* is what a person has: a microphone and an ear. A device is attached to at most one stream and a stream
//! has at most one device, so a microphone can never be on two legs (TM-016, TM-018).
//!
//! What is sent follows from what was applied last ([`Agreed`]), from the device, and from nothing else (TM-001).

mod device;
mod receive;
mod report;
mod send;
mod session;
#[cfg(test)]
mod tests;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::hearing::Hearing;
use crate::negotiation::Agreed;
use crate::tick::{Cx, Tick};

use device::Device;
use session::{Moving, Session};
pub use values::{
    DeviceId, HoldAudio, Op, PacketKind, QualityKind, QualityReport, StreamCommand, StreamEvent,
    StreamFailure, StreamId, StreamOutput, StreamSnapshot, StreamSummary, StreamsConfig,
};

/// Runs all RTP streams of one user agent; see the module's text.
#[derive(Debug)]
pub struct Streams {
    config: StreamsConfig,
    sessions: BTreeMap<StreamId, Session>,
    devices: BTreeMap<DeviceId, Device>,
    /// The next deadline of every stream that has one.
    deadlines: BTreeSet<(Tick, StreamId)>,
    now: Tick,
    unknown_packets: u64,
    refused_devices: u64,
}

impl Streams {
    /// Creates a set without streams or devices.
    pub fn new(config: StreamsConfig) -> Self {
        Self {
            config,
            sessions: BTreeMap::new(),
            devices: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            now: Tick::default(),
            unknown_packets: 0,
            refused_devices: 0,
        }
    }

    /// Carries out a command. Every command with an `op` is answered by exactly one
    /// [`StreamOutput::Applied`] or [`StreamOutput::Failed`]; a failed command changes nothing.
    pub fn command(&mut self, cx: &mut Cx<'_>, command: StreamCommand, out: &mut Vec<StreamOutput>) {
        self.advance(cx.now);
        let (op, result) = match command {
            StreamCommand::OpenDevice { device, source } => {
                self.open_device(device, source);
                return;
            }
            StreamCommand::CloseDevice { device } => {
                self.close_device(cx.now, device);
                return;
            }
            StreamCommand::Open { op, stream, device } => (op, self.open(cx, stream, device)),
            StreamCommand::Apply { op, stream, agreed } => (op, self.apply(cx, stream, agreed)),
            StreamCommand::Attach { op, stream, device } => (op, self.attach(cx.now, stream, device)),
            StreamCommand::Move { op, from, to } => (op, self.move_device(cx.now, from, to, out)),
            StreamCommand::Close { op, stream } => (op, self.close(cx, stream, out)),
        };
        out.push(match result {
            Ok(()) => StreamOutput::Applied { op },
            Err(failure) => StreamOutput::Failed { op, failure },
        });
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
        let Some(session) = self.sessions.get_mut(&stream) else {
            self.unknown_packets += 1;
            return;
        };
        let source = SocketAddr::new(source.ip().to_canonical(), source.port());
        match kind {
            PacketKind::Rtp => {
                let device = session.device.and_then(|device| self.devices.get_mut(&device));
                session.receive_rtp(&self.config, cx, source, packet, device, out);
            }
            PacketKind::Rtcp => session.receive_rtcp(cx, source, packet),
        }
        self.rearm(stream);
    }

    /// Does everything that is due: frames, reports, silences, digits without an end. Call it at or after
    /// [`Self::next_deadline`]; earlier is harmless.
    pub fn tick(&mut self, cx: &mut Cx<'_>, out: &mut Vec<StreamOutput>) {
        self.advance(cx.now);
        let due: Vec<StreamId> = self
            .deadlines
            .iter()
            .take_while(|(deadline, _)| *deadline <= cx.now)
            .map(|(_, stream)| *stream)
            .collect();
        for stream in due {
            if let Some(session) = self.sessions.get_mut(&stream) {
                let device = session.device.and_then(|device| self.devices.get_mut(&device));
                session.send_frames(cx.now, device, out);
                session.expire(&self.config, cx, out);
            }
            self.rearm(stream);
        }
    }

    /// Returns when [`Self::tick`] has something to do.
    pub fn next_deadline(&self) -> Option<Tick> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Returns counters and qualities of a stream; `None` when there is no such stream.
    pub fn snapshot(&self, stream: StreamId) -> Option<StreamSnapshot> {
        self.sessions.get(&stream).map(Session::snapshot)
    }

    /// Returns what a device's ear hears, as of the last step; `None` when there is no such device.
    pub fn hearing(&self, device: DeviceId) -> Option<Hearing> {
        self.hearing_at(device, self.now)
    }

    /// Returns what a device's ear hears at `now`, which may be later than the last step: packets that stopped coming
    /// make no step.
    pub fn hearing_at(&self, device: DeviceId, now: Tick) -> Option<Hearing> {
        self.devices.get(&device).map(|device| device.ear.hearing(now.max(self.now)))
    }

    /// Returns the stream a device is attached to.
    pub fn attached(&self, device: DeviceId) -> Option<StreamId> {
        self.devices.get(&device).and_then(|device| device.stream)
    }

    /// Returns the streams there are, in the order of their ids.
    pub fn streams(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.sessions.keys().copied()
    }

    /// Returns true when neither stream nor device nor deadline is left.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.devices.is_empty() && self.deadlines.is_empty()
    }

    /// Returns the packets that came for streams that do not exist.
    pub fn unknown_packets(&self) -> u64 {
        self.unknown_packets
    }

    /// Returns the devices that were refused at the limit of [`StreamsConfig::max_devices`].
    pub fn refused_devices(&self) -> u64 {
        self.refused_devices
    }

    fn advance(&mut self, now: Tick) {
        self.now = self.now.max(now);
    }

    fn open_device(&mut self, device: DeviceId, source: crate::source::Source) {
        if let Some(open) = self.devices.get_mut(&device) {
            open.change_source(source);
        } else if self.devices.len() >= self.config.max_devices {
            self.refused_devices += 1;
        } else {
            self.devices.insert(device, Device::new(source, self.config.silence_level));
        }
    }

    fn close_device(&mut self, now: Tick, device: DeviceId) {
        let Some(closed) = self.devices.remove(&device) else { return };
        if let Some(stream) = closed.stream
            && let Some(session) = self.sessions.get_mut(&stream)
        {
            session.device = None;
            session.open_gate(now);
            self.rearm(stream);
        }
    }

    fn open(
        &mut self,
        cx: &mut Cx<'_>,
        stream: StreamId,
        device: Option<DeviceId>,
    ) -> Result<(), StreamFailure> {
        if self.sessions.contains_key(&stream) {
            return Err(StreamFailure::StreamExists);
        }
        if self.sessions.len() >= self.config.max_streams {
            return Err(StreamFailure::TooManyStreams);
        }
        if let Some(device) = device {
            let device = self.devices.get_mut(&device).ok_or(StreamFailure::UnknownDevice)?;
            device.attach(stream)?;
        }
        let mut session = Session::open(&self.config, cx, stream);
        session.device = device;
        self.sessions.insert(stream, session);
        Ok(())
    }

    fn apply(&mut self, cx: &mut Cx<'_>, stream: StreamId, agreed: Agreed) -> Result<(), StreamFailure> {
        let session = self.sessions.get_mut(&stream).ok_or(StreamFailure::UnknownStream)?;
        session.apply(&self.config, cx, agreed);
        self.rearm(stream);
        Ok(())
    }

    fn attach(&mut self, now: Tick, stream: StreamId, device: DeviceId) -> Result<(), StreamFailure> {
        let session = self.sessions.get_mut(&stream).ok_or(StreamFailure::UnknownStream)?;
        if session.device.is_some() {
            return Err(StreamFailure::StreamHasDevice);
        }
        self.devices.get_mut(&device).ok_or(StreamFailure::UnknownDevice)?.attach(stream)?;
        session.device = Some(device);
        session.open_gate(now);
        self.rearm(stream);
        Ok(())
    }

    /// Everything is checked before anything changes, so a refused move leaves the device where it was.
    fn move_device(
        &mut self,
        now: Tick,
        from: StreamId,
        to: StreamId,
        out: &mut Vec<StreamOutput>,
    ) -> Result<(), StreamFailure> {
        let target = self.sessions.get(&to).ok_or(StreamFailure::UnknownStream)?;
        let target_has_device = target.device.is_some();
        let origin = self.sessions.get_mut(&from).ok_or(StreamFailure::UnknownStream)?;
        let device = origin.device.ok_or(StreamFailure::NoDevice)?;
        if target_has_device {
            return Err(StreamFailure::StreamHasDevice);
        }
        origin.end_move(out);
        origin.device = None;
        origin.open_gate(now);
        if let Some(device) = self.devices.get_mut(&device) {
            device.detach();
            device.stream = Some(to);
        }
        if let Some(target) = self.sessions.get_mut(&to) {
            target.device = Some(device);
            target.open_gate(now);
            target.moving = Some(Moving { from, at: now });
        }
        self.rearm(from);
        self.rearm(to);
        Ok(())
    }

    fn close(
        &mut self,
        cx: &mut Cx<'_>,
        stream: StreamId,
        out: &mut Vec<StreamOutput>,
    ) -> Result<(), StreamFailure> {
        let mut session = self.sessions.remove(&stream).ok_or(StreamFailure::UnknownStream)?;
        if let Some(armed) = session.armed {
            self.deadlines.remove(&(armed, stream));
        }
        if let Some(device) = session.device.and_then(|device| self.devices.get_mut(&device)) {
            device.detach();
        }
        session.close(&self.config, cx, out);
        Ok(())
    }

    /// Closes every stream and device, as at the end of a program: BYE where due and summaries, no answers.
    pub fn close_all(&mut self, cx: &mut Cx<'_>, out: &mut Vec<StreamOutput>) {
        self.advance(cx.now);
        self.devices.clear();
        self.deadlines.clear();
        for mut session in std::mem::take(&mut self.sessions).into_values() {
            session.close(&self.config, cx, out);
        }
    }

    /// Brings the index of deadlines in line with a stream that may have changed.
    fn rearm(&mut self, stream: StreamId) {
        let Some(session) = self.sessions.get_mut(&stream) else { return };
        let deadline = session.next_deadline(&self.config);
        if session.armed == deadline {
            return;
        }
        if let Some(armed) = session.armed {
            self.deadlines.remove(&(armed, stream));
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, stream));
        }
        session.armed = deadline;
    }
}
