//! What a call's party says and hears: source, mute, music on hold, recordings. The device follows the user from call to
//! call, and what is set here stays with it.

use std::time::Duration;

use media_core::{
    DeviceId, HoldAudio, Op, RecordLayout, RecordingId, Source, StreamCommand, StreamEvent, StreamFailure,
    dtmf::Event,
};

use super::{CommandError, CommandId, Engine, Reply, Tap};
use crate::{
    MediaError,
    error::SessionError,
    event::{EventKind, SessionId},
};

/// What the application can ask of the audio of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum AudioCommand {
    /// Says something else from the next frame on.
    Play {
        /// The call.
        session: SessionId,
        /// What is said.
        source: Source,
    },
    /// Says nothing, or goes on; packets go on either way.
    Mute {
        /// The call.
        session: SessionId,
        /// True for silence.
        muted: bool,
    },
    /// Chooses what the other party hears while we hold it.
    HoldAudio {
        /// The call.
        session: SessionId,
        /// What is heard.
        audio: HoldAudio,
    },
    /// Records what is said and heard, in a file that the streams know by this name.
    Record {
        /// The call.
        session: SessionId,
        /// The recording.
        recording: RecordingId,
        /// How the parties share it.
        layout: RecordLayout,
    },
    /// Dials: telephone events (RFC 4733), or tones where the other side takes none.
    SendDigits {
        /// The call.
        session: SessionId,
        /// The digits, in their order.
        digits: Vec<Event>,
        /// How long each is pressed.
        duration: Duration,
    },
    /// Ends the recording.
    StopRecording {
        /// The call.
        session: SessionId,
    },
}

impl<T: Tap> Engine<T> {
    pub(super) fn audio_command(&mut self, id: CommandId, command: AudioCommand) {
        let recording = match &command {
            AudioCommand::Record { recording, .. } => Some(*recording),
            _ => None,
        };
        match self.begin_audio(command) {
            Ok(Some(op)) => {
                self.audio_asked.insert(op, (id, recording));
            }
            Ok(None) => self.reply(id, Ok(Reply::Done)),
            Err(error) => self.reply(id, Err(error)),
        }
    }

    /// Asks the streams; the op that is answered, if one is.
    fn begin_audio(&mut self, command: AudioCommand) -> Result<Option<Op>, CommandError> {
        Ok(match command {
            AudioCommand::Play { session, source } => {
                let device = self.device_of(session)?;
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.source = source.clone();
                }
                self.stream(StreamCommand::OpenDevice { device, source });
                None
            }
            AudioCommand::Mute { session, muted } => {
                let device = self.device_of(session)?;
                self.stream(StreamCommand::Mute { device, muted });
                None
            }
            AudioCommand::HoldAudio { session, audio } => {
                let stream = self.stream_of(session).ok_or_else(|| self.without_stream(session))?;
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.hold_audio = Some(audio.clone());
                }
                let op = self.op(session);
                self.stream(StreamCommand::SetHoldAudio { op, stream, audio });
                Some(op)
            }
            AudioCommand::Record { session, recording, layout } => {
                let device = self.device_of(session)?;
                self.recordings.insert(recording, session);
                let op = self.op(session);
                self.stream(StreamCommand::Record { op, device, recording, layout });
                Some(op)
            }
            AudioCommand::SendDigits { session, digits, duration } => {
                let stream = self.stream_of(session).ok_or_else(|| self.without_stream(session))?;
                let op = self.op(session);
                self.stream(StreamCommand::Press { op, stream, events: digits, duration });
                Some(op)
            }
            AudioCommand::StopRecording { session } => {
                let device = self.device_of(session)?;
                let op = self.op(session);
                self.stream(StreamCommand::StopRecording { op, device });
                Some(op)
            }
        })
    }

    /// An answer to an audio command; true when `op` was one.
    pub(super) fn audio_answered(&mut self, op: Op, result: Result<(), StreamFailure>) -> bool {
        let Some((command, recording)) = self.audio_asked.remove(&op) else { return false };
        if let (Some(recording), Err(_)) = (recording, &result) {
            // It never began, so its end is not told.
            self.recordings.remove(&recording);
        }
        let result = result.map(|()| Reply::Done).map_err(|failure| MediaError::Streams(failure).into());
        self.reply(command, result);
        true
    }

    /// Tells what became of a source or a recording.
    pub(super) fn audio_event(&mut self, event: &StreamEvent) -> Option<(SessionId, EventKind)> {
        match event {
            StreamEvent::SourceEnded { device, .. } => {
                let mut sessions = self.sessions.values();
                let session = sessions.find(|session| session.device == Some(*device))?.id();
                Some((session, EventKind::SourceEnded))
            }
            StreamEvent::RecordingEnded { recording, result } => {
                let session = self.recordings.remove(recording)?;
                Some((session, EventKind::RecordingEnded { recording: *recording, result: *result }))
            }
            _ => None,
        }
    }

    /// The user's microphone and loudspeaker, where they are on this call.
    fn device_of(&self, session: SessionId) -> Result<DeviceId, CommandError> {
        self.stream_of(session).ok_or_else(|| self.without_stream(session))?;
        let device = self.sessions.get(&session).and_then(|session| session.device);
        device.ok_or_else(|| MediaError::NoAudio.into())
    }

    fn without_stream(&self, session: SessionId) -> CommandError {
        if self.sessions.contains_key(&session) {
            MediaError::NotConfigured.into()
        } else {
            SessionError::Unknown.into()
        }
    }
}
