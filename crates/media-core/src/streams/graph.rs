//! Commands: which streams and devices there are, and what is attached to what.

use super::config::HoldAudio;
use super::session::{Moving, Pair, Session};
use super::step::Step;
use super::{
    Agreed, Cx, Device, DeviceId, Op, RecordingId, StreamCommand, StreamFailure, StreamId, StreamOutput,
    Streams,
};
use crate::codec::SampleRate;
use crate::sink::RecordLayout;
use crate::source::Source;

/// What a command came to.
type Done = Result<(), StreamFailure>;

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
        StreamCommand::SetHoldAudio { op, stream, audio } => (op, graph.set_hold_audio(stream, &audio)),
        StreamCommand::Pair { op, a, b } => (op, graph.pair(a, b)),
        StreamCommand::Unpair { op, stream } => (op, graph.unpair(stream)),
        StreamCommand::Close { op, stream } => (op, graph.close(stream)),
    })
}

/// The streams within one command.
struct Graph<'a, 'c> {
    streams: &'a mut Streams,
    cx: &'a mut Cx<'c>,
    out: &'a mut Vec<StreamOutput>,
}

impl<'c> Graph<'_, 'c> {
    fn open_device(&mut self, device: DeviceId, source: Source) {
        let Streams { devices, config, refused_devices, .. } = &mut *self.streams;
        if let Some(open) = devices.get_mut(&device) {
            open.change_source(source);
        } else if devices.len() >= config.max_devices {
            *refused_devices += 1;
        } else {
            devices.insert(device, Device::new(device, source, config.silence_level));
        }
    }

    fn with_device(&mut self, device: DeviceId, change: impl FnOnce(&mut Device)) {
        if let Some(device) = self.streams.devices.get_mut(&device) {
            change(device);
        }
    }

    fn close_device(&mut self, device: DeviceId) {
        let Some(mut closed) = self.streams.devices.remove(&device) else { return };
        // Most record nothing.
        let _ = closed.stop_recording(self.cx.now, self.out);
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
        device.stop_recording(self.cx.now, self.out)
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
        let mut session = Session::open(&mut self.step(), stream);
        session.device = device;
        let key = self.streams.sessions.insert(session);
        self.streams.keys.insert(stream, key);
        Ok(())
    }

    fn apply(&mut self, stream: StreamId, agreed: Agreed) -> Done {
        let key = self.key(stream)?;
        self.change(key, |session, step| session.apply(step, agreed));
        self.match_pair(stream);
        Ok(())
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
            session.moving = Some(Moving { from, at: step.now() });
            session.open_gate(step);
        });
        Ok(())
    }

    fn set_hold_audio(&mut self, stream: StreamId, audio: &HoldAudio) -> Done {
        let key = self.key(stream)?;
        self.change(key, |session, step| {
            session.sender.set_hold_audio(audio);
            session.open_gate(step);
        });
        Ok(())
    }

    fn pair(&mut self, a: StreamId, b: StreamId) -> Done {
        let keys = [self.key(a)?, self.key(b)?];
        if a == b || keys.iter().any(|key| self.streams.sessions[*key].pair.is_some()) {
            return Err(StreamFailure::StreamPaired);
        }
        for (key, with) in keys.into_iter().zip([b, a]) {
            self.streams.sessions[key].pair = Some(Pair { with, alike: false });
        }
        self.match_pair(a);
        Ok(())
    }

    fn unpair(&mut self, stream: StreamId) -> Done {
        let pair = self.streams.sessions[self.key(stream)?].pair.ok_or(StreamFailure::NotPaired)?;
        for stream in [stream, pair.with] {
            let key = self.key(stream)?;
            self.change(key, |session, step| {
                session.pair = None;
                session.open_gate(step);
            });
        }
        Ok(())
    }

    /// Decides how a pair's packets pass: as they are, or decoded and encoded.
    fn match_pair(&mut self, stream: StreamId) {
        let Ok(key) = self.key(stream) else { return };
        let Some(pair) = self.streams.sessions[key].pair else { return };
        let Ok(other) = self.key(pair.with) else { return };
        let alike = match [key, other].map(|key| self.streams.sessions[key].agreed.as_ref()) {
            [Some(one), Some(other)] => one.codec == other.codec && one.ptime_ms == other.ptime_ms,
            [_, _] => false,
        };
        for (key, with) in [(key, pair.with), (other, stream)] {
            self.change(key, |session, step| {
                session.pair = Some(Pair { with, alike });
                session.open_gate(step);
            });
        }
    }

    fn close(&mut self, stream: StreamId) -> Done {
        let key = self.key(stream)?;
        if self.streams.sessions[key].pair.is_some() {
            self.unpair(stream)?;
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

    fn key(&self, stream: StreamId) -> Result<usize, StreamFailure> {
        self.streams.keys.get(&stream).copied().ok_or(StreamFailure::UnknownStream)
    }

    fn step(&mut self) -> Step<'_, 'c> {
        let Streams { config, bench, .. } = &mut *self.streams;
        Step { config, cx: self.cx, bench, out: self.out }
    }

    fn change(&mut self, key: usize, change: impl FnOnce(&mut Session, &mut Step<'_, '_>)) {
        let Streams { config, sessions, bench, .. } = &mut *self.streams;
        let mut step = Step { config, cx: self.cx, bench, out: self.out };
        change(&mut sessions[key], &mut step);
        self.streams.rearm(key);
    }
}
