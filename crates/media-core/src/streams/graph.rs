//! Commands: which streams and devices there are, and what is attached to what.

use std::time::Duration;

use super::config::HoldAudio;
use super::session::{Link, Session};
use super::step::Step;
use super::{
    Agreed, Cx, Device, DeviceId, Op, RecordingId, StreamCommand, StreamEvent, StreamFailure, StreamId,
    StreamOutput, Streams,
};
use crate::codec::SampleRate;
use crate::dtmf::Event;
use crate::hearing::Ear;
use crate::rtcp::cname;
use crate::sink::RecordLayout;
use crate::source::Source;

/// What a command came to.
pub(super) type Done = Result<(), StreamFailure>;

/// Carries out a command and returns its answer, if it has one.
pub(super) fn carry_out(
    streams: &mut Streams,
    cx: &mut Cx<'_>,
    command: StreamCommand,
    out: &mut Vec<StreamOutput>,
) -> Option<(Op, Done)> {
    let mut graph = Graph { streams, cx, out };
    Some(match command {
        StreamCommand::OpenDevice { device, source } => {
            graph.open_device(device, source);
            return None;
        }
        StreamCommand::Mute { device, muted } => {
            graph.with_device(device, |device| device.mute(muted));
            return None;
        }
        StreamCommand::FallSilent { device } => {
            graph.with_device(device, Device::fall_silent);
            return None;
        }
        StreamCommand::CloseDevice { device } => {
            graph.close_device(device);
            return None;
        }
        StreamCommand::Record { op, device, recording, layout } => {
            (op, graph.record(device, recording, layout))
        }
        StreamCommand::StopRecording { op, device } => (op, graph.stop_recording(device)),
        StreamCommand::Open { op, stream, device } => (op, graph.open(stream, device)),
        StreamCommand::Apply { op, stream, agreed } => (op, graph.apply(stream, agreed)),
        StreamCommand::Attach { op, stream, device } => (op, graph.attach(stream, device)),
        StreamCommand::Move { op, from, to } => (op, graph.move_device(from, to)),
        StreamCommand::Replace { op, from, to } => (op, graph.replace_device(from, to)),
        StreamCommand::SetHoldAudio { op, stream, audio } => (op, graph.set_hold_audio(stream, &audio)),
        StreamCommand::Press { op, stream, events, duration } => (op, graph.press(stream, &events, duration)),
        StreamCommand::Prepare { op, stream } => (op, graph.prepare(stream)),
        StreamCommand::Pair { op, a, b } => (op, graph.pair(a, b)),
        StreamCommand::Unpair { op, stream } => (op, graph.unpair(stream)),
        StreamCommand::Mix { op, streams } => (op, graph.mix(&streams)),
        StreamCommand::Unmix { op, stream } => (op, graph.unmix(stream)),
        StreamCommand::Close { op, stream } => (op, graph.close(stream)),
    })
}

/// The streams within one command.
pub(super) struct Graph<'a, 'c> {
    pub(super) streams: &'a mut Streams,
    pub(super) cx: &'a mut Cx<'c>,
    pub(super) out: &'a mut Vec<StreamOutput>,
}

impl<'c> Graph<'_, 'c> {
    fn open_device(&mut self, device: DeviceId, source: Source) {
        let Streams { devices, config, refused_devices, .. } = &mut *self.streams;
        if let Some(open) = devices.get_mut(&device) {
            open.change_source(source);
        } else if devices.len() >= config.max_devices {
            *refused_devices += 1;
        } else {
            let ear = config.ears.then(|| Ear::new(config.silence_level));
            devices.insert(device, Box::new(Device::new(device, source, ear)));
        }
    }

    fn with_device(&mut self, device: DeviceId, change: impl FnOnce(&mut Device)) {
        if let Some(device) = self.streams.devices.get_mut(&device) {
            change(device);
        }
    }

    fn close_device(&mut self, device: DeviceId) {
        let Some(mut closed) = self.streams.devices.remove(&device) else { return };
        closed.end_recording(self.cx.now, self.out);
        if let Some(key) = closed.stream.and_then(|stream| self.key(stream).ok()) {
            self.change(key, |session, step| {
                session.device = None;
                session.open_gate(step);
            });
        }
    }

    fn record(&mut self, device: DeviceId, recording: RecordingId, layout: RecordLayout) -> Done {
        let stream = self.streams.devices.get(&device).ok_or(StreamFailure::UnknownDevice)?.stream;
        let agreed = stream
            .and_then(|stream| self.key(stream).ok())
            .and_then(|key| self.streams.sessions[key].agreed.as_ref());
        // The rate of the call as it is now; what comes at another one is brought to it.
        let rate = agreed.map_or(SampleRate::Hz8000, |agreed| agreed.codec.sample_rate());
        let device = self.streams.devices.get_mut(&device).ok_or(StreamFailure::UnknownDevice)?;
        device.start_recording(recording, layout, rate, self.cx.now)
    }

    fn stop_recording(&mut self, device: DeviceId) -> Done {
        let device = self.streams.devices.get_mut(&device).ok_or(StreamFailure::UnknownDevice)?;
        if device.end_recording(self.cx.now, self.out) { Ok(()) } else { Err(StreamFailure::NotRecording) }
    }

    /// Names who all the streams are of (RFC 7022 §4.2), unless the settings do.
    fn draw_cname(&mut self) {
        if self.streams.config.cname.is_empty() {
            let bits = u128::from((self.cx.random)()) << 64 | u128::from((self.cx.random)());
            let [random @ .., _, _, _, _] = bits.to_be_bytes();
            self.streams.config.cname = cname(random);
        }
    }

    fn open(&mut self, stream: StreamId, device: Option<DeviceId>) -> Done {
        if self.streams.keys.contains_key(&stream) {
            return Err(StreamFailure::StreamExists);
        }
        if self.streams.sessions.len() >= self.streams.config.max_streams {
            return Err(StreamFailure::TooManyStreams);
        }
        if let Some(device) = device {
            let device = self.streams.devices.get_mut(&device).ok_or(StreamFailure::UnknownDevice)?;
            device.attach(stream)?;
        }
        self.draw_cname();
        let mut session = Session::open(&mut self.step(), stream);
        session.device = device;
        let key = self.streams.sessions.insert(session);
        self.streams.keys.insert(stream, key);
        Ok(())
    }

    fn apply(&mut self, stream: StreamId, agreed: Agreed) -> Done {
        let key = self.key(stream)?;
        let done = self.change(key, |session, step| session.apply(step, agreed));
        self.match_pair(stream);
        done
    }

    fn attach(&mut self, stream: StreamId, device: DeviceId) -> Done {
        let key = self.key(stream)?;
        if self.streams.sessions[key].device.is_some() {
            return Err(StreamFailure::StreamHasDevice);
        }
        self.streams.devices.get_mut(&device).ok_or(StreamFailure::UnknownDevice)?.attach(stream)?;
        self.change(key, |session, step| {
            session.device = Some(device);
            session.open_gate(step);
        });
        Ok(())
    }

    /// Everything is checked before anything changes, so a refused move leaves the device where it was.
    fn move_device(&mut self, from: StreamId, to: StreamId) -> Done {
        let (target, origin) = (self.key(to)?, self.key(from)?);
        let device = self.streams.sessions[origin].device.ok_or(StreamFailure::NoDevice)?;
        if self.streams.sessions[target].device.is_some() {
            return Err(StreamFailure::StreamHasDevice);
        }
        self.change(origin, |session, step| {
            session.end_move(step);
            session.device = None;
            session.open_gate(step);
        });
        if let Some(device) = self.streams.devices.get_mut(&device) {
            device.detach();
            device.stream = Some(to);
        }
        self.change(target, |session, step| {
            session.device = Some(device);
            session.moved_here(step, from);
            session.open_gate(step);
        });
        Ok(())
    }

    /// The device that makes room is closed only when nothing can refuse the move any more.
    fn replace_device(&mut self, from: StreamId, to: StreamId) -> Done {
        let (target, origin) = (self.key(to)?, self.key(from)?);
        if self.streams.sessions[origin].device.is_none() {
            return Err(StreamFailure::NoDevice);
        }
        if from == to {
            return Err(StreamFailure::StreamHasDevice);
        }
        if let Some(device) = self.streams.sessions[target].device {
            self.close_device(device);
            self.out.push(StreamOutput::Event(StreamEvent::Displaced { device, stream: to }));
        }
        self.move_device(from, to)
    }

    fn set_hold_audio(&mut self, stream: StreamId, audio: &HoldAudio) -> Done {
        let key = self.key(stream)?;
        self.change(key, |session, step| {
            session.sender.set_hold_audio(audio);
            session.open_gate(step);
        });
        Ok(())
    }

    fn press(&mut self, stream: StreamId, events: &[Event], duration: Duration) -> Done {
        let key = self.key(stream)?;
        self.change(key, |session, _| session.press(events, duration))
    }

    fn prepare(&mut self, stream: StreamId) -> Done {
        let key = self.key(stream)?;
        self.change(key, Session::prepare);
        Ok(())
    }

    fn close(&mut self, stream: StreamId) -> Done {
        let key = self.key(stream)?;
        match self.streams.sessions[key].link {
            Link::None => {}
            Link::Relay { .. } | Link::Transcode { .. } => self.unpair(stream)?,
            Link::Mix(_) => self.unmix(stream)?,
        }
        self.streams.keys.remove(&stream);
        self.streams.deadlines.set(key, None);
        let mut session = self.streams.sessions.remove(key);
        if let Some(device) = session.device.and_then(|device| self.streams.devices.get_mut(&device)) {
            device.detach();
        }
        session.close(&mut self.step());
        Ok(())
    }

    pub(super) fn key(&self, stream: StreamId) -> Result<usize, StreamFailure> {
        self.streams.keys.get(&stream).copied().ok_or(StreamFailure::UnknownStream)
    }

    fn step(&mut self) -> Step<'_, 'c> {
        let Streams { config, bench, .. } = &mut *self.streams;
        Step { config, cx: self.cx, bench, out: self.out }
    }

    pub(super) fn change<R>(
        &mut self,
        key: usize,
        change: impl FnOnce(&mut Session, &mut Step<'_, '_>) -> R,
    ) -> R {
        let Streams { config, sessions, bench, .. } = &mut *self.streams;
        let mut step = Step { config, cx: self.cx, bench, out: self.out };
        let result = change(&mut sessions[key], &mut step);
        self.streams.rearm(key);
        result
    }
}
