//! The media of a transfer's calls, by the operations' names: who takes part, hold, the switch, what is measured.
//!
//! The stack does all of it by itself for the transfers it carries out. The operations are for applications that do a step
//! of their own, and go through the same engine commands; each names the transfer, which has to be alive.

use media_core::DeviceId;
use transfer::TransferId;

use super::{
    media_info::SessionMediaInfo,
    session_manager::{SessionManager, session_error, transfer_error},
};
use crate::{
    driver::Answered,
    engine::{Command, HoldState, MediaCommand, NegotiatedMedia, Reply, SessionMediaState},
    error::{MediaError, SessionError, TransferError},
    event::SessionId,
};

impl SessionManager {
    /// Makes two calls take part in a transfer: both have media, both are watched from now on, and the audio can be switched
    /// between them. Nothing is sent. Asking again changes nothing; an error reserves nothing.
    pub async fn setup_transfer_media_coordination(
        &self,
        source: &SessionId,
        target: &SessionId,
        transfer: &TransferId,
    ) -> Result<(), TransferError> {
        let command = MediaCommand::Coordinate { source: *source, target: *target, transfer: *transfer };
        self.media_done(command).await
    }

    /// Gets a call ready to give its audio away: digits under way are ended (TM-044), it is noted where its stream stands
    /// ([`StreamSnapshot::marks`](media_core::StreamSnapshot::marks)), and it is held where the policy says so. Returns the
    /// hold state that is in force.
    pub async fn prepare_session_for_media_transfer(
        &self,
        session: &SessionId,
        transfer: &TransferId,
    ) -> Result<HoldState, TransferError> {
        self.media_hold(MediaCommand::Prepare { session: *session, transfer: *transfer }).await
    }

    /// Switches the user's audio from one call to another, both of which take part in the transfer: the next frame goes
    /// out on the target, none on the source. Returns when the streams have done it; an error changes nothing.
    /// [`MediaSwitched`](crate::EventKind::MediaSwitched) tells the gap that was heard, once audio comes.
    pub async fn execute_media_transfer(
        &self,
        source: &SessionId,
        target: &SessionId,
        transfer: &TransferId,
    ) -> Result<(), TransferError> {
        self.media_done(MediaCommand::Execute { source: *source, target: *target, transfer: *transfer }).await
    }

    /// Moves the application's audio, both ways, from one call that is up to another. What the other has of its own makes
    /// room: it is closed, told by [`AudioReplaced`](crate::EventKind::AudioReplaced), and a recording of it ends complete.
    /// Returns when the streams have done it; an error changes nothing.
    pub async fn transfer_rtp_streams(
        &self,
        source: &SessionId,
        target: &SessionId,
        transfer: &TransferId,
    ) -> Result<(), TransferError> {
        self.media_done(MediaCommand::Move { source: *source, target: *target, transfer: *transfer }).await
    }

    /// Holds a call of a transfer. Returns when the answer is in force, with the negotiated direction (TR-224).
    pub async fn hold_session_media(
        &self,
        session: &SessionId,
        transfer: &TransferId,
    ) -> Result<HoldState, TransferError> {
        let command = MediaCommand::Hold { session: *session, transfer: *transfer, held: true };
        self.media_hold(command).await
    }

    /// Resumes a call of a transfer. Returns when the answer is in force, with the negotiated direction (TR-224).
    pub async fn resume_session_media(
        &self,
        session: &SessionId,
        transfer: &TransferId,
    ) -> Result<HoldState, TransferError> {
        let command = MediaCommand::Hold { session: *session, transfer: *transfer, held: false };
        self.media_hold(command).await
    }

    /// Watches a call for a transfer: its [`MediaQuality`](crate::EventKind::MediaQuality) events carry the transfer, and
    /// [`MediaMonitored`](crate::EventKind::MediaMonitored) sums up at the transfer's end.
    pub async fn start_transfer_media_monitoring(
        &self,
        session: &SessionId,
        transfer: &TransferId,
    ) -> Result<(), TransferError> {
        self.media_done(MediaCommand::Monitor { session: *session, transfer: *transfer }).await
    }

    /// What is negotiated, sent, received and heard in a call.
    pub async fn get_session_media_info(
        &self,
        session: &SessionId,
    ) -> Result<SessionMediaInfo, SessionError> {
        let negotiated = self.negotiated(*session).await?;
        let (mut snapshot, mut hearing) = (None, None);
        if let Some(pump) = self.pump() {
            if let Some(stream) = negotiated.stream {
                snapshot = pump.snapshot(stream).await.map_err(|_| MediaError::Pump)?;
            }
            if let Some(device) = negotiated.device {
                hearing = pump.hearing(device).await.map_err(|_| MediaError::Pump)?;
            }
        }
        Ok(SessionMediaInfo::new(*session, *negotiated, snapshot, hearing))
    }

    /// Compares the media of every call of a transfer with what is negotiated, corrects what differs, and returns the
    /// states; each correction is an event too.
    pub async fn update_transfer_media_states(
        &self,
        transfer: &TransferId,
    ) -> Result<Vec<(SessionId, SessionMediaState)>, TransferError> {
        match self.ask(Command::Media(MediaCommand::Update { transfer: *transfer })).await {
            Ok(Answered::Reply(Reply::MediaStates(states))) => Ok(states),
            Ok(_) => Err(SessionError::Closed.into()),
            Err(error) => Err(transfer_error(error)),
        }
    }

    /// Lets go of a transfer's media: its calls are watched no more, and each is summed up. The calls themselves go on; their
    /// ports and streams end with them. No error when there is nothing to let go of.
    pub async fn cleanup_transfer_media_coordination(
        &self,
        transfer: &TransferId,
    ) -> Result<(), TransferError> {
        self.media_done(MediaCommand::Cleanup { transfer: *transfer }).await
    }

    /// The device that is on a call.
    pub(super) async fn device_of(&self, session: SessionId) -> Result<Option<DeviceId>, SessionError> {
        Ok(self.negotiated(session).await?.device)
    }

    async fn negotiated(&self, session: SessionId) -> Result<Box<NegotiatedMedia>, SessionError> {
        match self.ask(Command::MediaInfo { session }).await {
            Ok(Answered::Reply(Reply::Media(negotiated))) => Ok(negotiated),
            Ok(_) => Err(SessionError::Closed),
            Err(error) => Err(session_error(error)),
        }
    }

    async fn media_done(&self, command: MediaCommand) -> Result<(), TransferError> {
        self.ask(Command::Media(command)).await.map(drop).map_err(transfer_error)
    }

    async fn media_hold(&self, command: MediaCommand) -> Result<HoldState, TransferError> {
        match self.ask(Command::Media(command)).await {
            Ok(Answered::Reply(Reply::Hold(state))) => Ok(state),
            Ok(_) => Err(SessionError::Closed.into()),
            Err(error) => Err(transfer_error(error)),
        }
    }
}
