//! A device: a microphone, an ear, and the one stream they are attached to.

use super::command::StreamFailure;
use super::figures::DeviceSnapshot;
use super::names::{DeviceId, RecordingId, StreamId};
use super::output::{StreamEvent, StreamOutput};
use crate::codec::SampleRate;
use crate::hearing::{Ear, Hearing};
use crate::sink::{Listening, RecordLayout, Recorder, Track};
use crate::source::{Play, Player, Source, Speech};
use crate::tick::Tick;

/// Speaks and hears for one party.
#[derive(Debug)]
pub(super) struct Device {
    id: DeviceId,
    pub(super) stream: Option<StreamId>,
    player: Player,
    muted: bool,
    /// What few devices have is boxed.
    ear: Option<Box<Ear>>,
    /// What the application hears, of a device whose source is one.
    listening: Option<Box<Listening>>,
    recorder: Option<Box<(RecordingId, Recorder)>>,
}

impl Device {
    pub(super) fn new(id: DeviceId, source: Source, ear: Option<Ear>) -> Self {
        let mut device = Self {
            id,
            stream: None,
            player: Player::new(Source::Silence),
            muted: false,
            ear: ear.map(Box::new),
            listening: None,
            recorder: None,
        };
        device.change_source(source);
        device
    }

    pub(super) fn change_source(&mut self, source: Source) {
        self.listening = match &source {
            Source::Application { rate } => Some(Box::new(Listening::new(*rate))),
            Source::Silence | Source::Tone { .. } | Source::Wav(_) | Source::Echo => None,
        };
        self.player = Player::new(source);
    }

    pub(super) fn attach(&mut self, stream: StreamId) -> Result<(), StreamFailure> {
        if self.stream.is_some() {
            return Err(StreamFailure::DeviceBusy);
        }
        self.stream = Some(stream);
        Ok(())
    }

    pub(super) fn detach(&mut self) {
        self.stream = None;
        self.player.detach();
        if let Some(ear) = &mut self.ear {
            ear.detach();
        }
    }

    /// A muted microphone goes on with its source, unheard: packets and their clock go on.
    pub(super) fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    pub(super) fn is_muted(&self) -> bool {
        self.muted
    }

    /// Appends the next samples of the microphone.
    pub(super) fn pull(
        &mut self,
        rate: SampleRate,
        milliseconds: u32,
        at: Tick,
        samples: &mut Vec<i16>,
        out: &mut Vec<StreamOutput>,
    ) {
        let start = samples.len();
        if self.player.pull(rate, milliseconds, samples) == Play::Ended {
            out.push(StreamOutput::Event(StreamEvent::SourceEnded { device: self.id, at }));
        }
        if self.muted {
            samples[start..].fill(0);
        }
        self.record(Track::Said, rate, &samples[start..], at, out);
    }

    /// Gives the device what the stream plays.
    pub(super) fn hear(&mut self, rate: SampleRate, samples: &[i16], now: Tick, out: &mut Vec<StreamOutput>) {
        if let Some(ear) = &mut self.ear {
            ear.play(rate, samples, now);
        }
        self.player.hear(rate, samples);
        if let Some(listening) = &mut self.listening {
            listening.hear(rate, samples);
        }
        self.record(Track::Heard, rate, samples, now, out);
    }

    fn record(
        &mut self,
        track: Track,
        rate: SampleRate,
        samples: &[i16],
        at: Tick,
        out: &mut Vec<StreamOutput>,
    ) {
        if let Some((recording, recorder)) = self.recorder.as_deref_mut()
            && let Some(block) = recorder.write(track, rate, samples, at)
        {
            out.push(StreamOutput::Recorded { recording: *recording, block });
        }
    }

    /// Begins a recording at a rate.
    pub(super) fn start_recording(
        &mut self,
        recording: RecordingId,
        layout: RecordLayout,
        rate: SampleRate,
        now: Tick,
    ) -> Result<(), StreamFailure> {
        if self.recorder.is_some() {
            return Err(StreamFailure::Recording);
        }
        self.recorder = Some(Box::new((recording, Recorder::new(rate, layout, now))));
        Ok(())
    }

    /// Ends a recording, whose last block says so; false when there is none.
    pub(super) fn end_recording(&mut self, now: Tick, out: &mut Vec<StreamOutput>) -> bool {
        let Some((recording, recorder)) = self.recorder.take().map(|recorder| *recorder) else {
            return false;
        };
        out.push(StreamOutput::Recorded { recording, block: recorder.finish(now) });
        true
    }

    pub(super) fn hearing(&self, now: Tick) -> Option<Hearing> {
        self.ear.as_ref().map(|ear| ear.hearing(now))
    }

    pub(super) fn speak(&mut self, samples: &[i16]) -> usize {
        self.player.speech_mut().map_or(0, |speech| speech.speak(samples))
    }

    pub(super) fn fall_silent(&mut self) {
        if let Some(speech) = self.player.speech_mut() {
            speech.fall_silent();
        }
    }

    pub(super) fn listen(&mut self, heard: &mut Vec<i16>) -> usize {
        self.listening.as_mut().map_or(0, |listening| listening.take(heard))
    }

    pub(super) fn snapshot(&self) -> DeviceSnapshot {
        let speech = self.player.speech();
        DeviceSnapshot {
            device: self.id,
            stream: self.stream,
            muted: self.muted,
            recording: self.recorder.as_ref().map(|recorder| recorder.0),
            waiting_speech: speech.map_or(0, Speech::waiting),
            under_runs: speech.map_or(0, |speech| speech.under_runs),
            refused_speech: speech.map_or(0, |speech| speech.refused),
            waiting_heard: self.listening.as_ref().map_or(0, |listening| listening.waiting()),
            dropped_heard: self.listening.as_ref().map_or(0, |listening| listening.dropped),
        }
    }
}
