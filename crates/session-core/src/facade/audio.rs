//! What a call's party says and hears, for applications: sources, mute, music on hold, recordings, and samples both ways.

use std::{path::Path, time::Duration};

use media_core::{
    HoldAudio, RecordLayout, RecordingId, SampleRate, Source,
    dtmf::Event,
    io::{ApplicationAudio, PumpError},
};

use super::session::Session;
use crate::{
    engine::{AudioCommand, Command},
    error::{MediaError, SessionError},
};

/// How long a digit is pressed: four times what every detector has to hear (ITU-T Q.24).
const PRESSED: Duration = Duration::from_millis(160);

impl Session {
    /// Says something else from the next frame on. A recording that is played once ends with
    /// [`SourceEnded`](crate::EventKind::SourceEnded).
    pub async fn play(&self, source: Source) -> Result<(), SessionError> {
        self.ask_audio(AudioCommand::Play { session: self.id(), source }).await
    }

    /// Says nothing, or goes on. Packets go on either way, so that nobody takes the call for dead.
    pub async fn mute(&self, muted: bool) -> Result<(), SessionError> {
        self.ask_audio(AudioCommand::Mute { session: self.id(), muted }).await
    }

    /// Chooses what the other party hears while we hold it; the builder's
    /// [`hold_audio`](crate::Builder::hold_audio) otherwise.
    pub async fn hold_audio(&self, audio: HoldAudio) -> Result<(), SessionError> {
        self.ask_audio(AudioCommand::HoldAudio { session: self.id(), audio }).await
    }

    /// Records what is said and heard in a WAV file, until [`stop_recording`](Self::stop_recording) or the end of the
    /// user's last call: a recording goes along when the audio moves to another call. The file is complete when
    /// [`RecordingEnded`](crate::EventKind::RecordingEnded) says so.
    pub async fn record(&self, path: &Path, layout: RecordLayout) -> Result<RecordingId, SessionError> {
        let pump = self.manager().pump().ok_or(MediaError::NotConfigured)?;
        let recording = self.manager().mint_recording();
        pump.open_recording(recording, path).map_err(|error| match error {
            PumpError::Recording(error) => MediaError::File(error.kind()),
            _ => MediaError::Pump,
        })?;
        let begun = self.ask_audio(AudioCommand::Record { session: self.id(), recording, layout }).await;
        if begun.is_err() {
            // A pump that is gone has closed its files by itself.
            let _ = pump.forget_recording(recording);
        }
        begun.map(|()| recording)
    }

    /// Dials digits, as telephone events (RFC 4733) or, where the other side takes none, as tones: `0` to `9`, `*`, `#`, `A` to `D`, `!` for a flash, each pressed for
    /// 160 ms. Returns when they are queued; nothing is dialled on hold (TM-044).
    pub async fn send_digits(&self, digits: &str) -> Result<(), SessionError> {
        let digits = digits.chars().map(|digit| Event::from_char(digit).ok_or(MediaError::Digit(digit)));
        let digits = digits.collect::<Result<Vec<_>, _>>()?;
        self.ask_audio(AudioCommand::SendDigits { session: self.id(), digits, duration: PRESSED }).await
    }

    /// Ends the recording.
    pub async fn stop_recording(&self) -> Result<(), SessionError> {
        self.ask_audio(AudioCommand::StopRecording { session: self.id() }).await
    }

    /// Lets the application speak and listen: samples of one channel at `rate`, both ways, bounded; the door for speech
    /// services. It takes the place of what the call said before, and goes along when the audio moves to another call.
    pub async fn application_audio(&self, rate: SampleRate) -> Result<ApplicationAudio, SessionError> {
        let pump = self.manager().pump().ok_or(MediaError::NotConfigured)?;
        let device = self.manager().device_of(self.id()).await?.ok_or(MediaError::NoAudio)?;
        let audio = pump.application(device, rate).map_err(|_| MediaError::Pump)?;
        self.play(Source::Application { rate }).await?;
        Ok(audio)
    }

    async fn ask_audio(&self, command: AudioCommand) -> Result<(), SessionError> {
        self.manager().done(Command::Audio(command)).await
    }
}
