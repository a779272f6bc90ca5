//! A handle to one call.

use dialog_core::EndCause;
use tokio::sync::watch;

use transfer::{AttendedOptions, Completion, ReferOptions};

use super::{
    consultation::Consultation, media_info::SessionMediaInfo, session_manager::SessionManager,
    transfer::Transfer,
};
use crate::{
    driver::CallStatus,
    engine::HoldState,
    error::{SessionError, TransferError},
    event::SessionId,
};

/// A call. Dropping the handle changes nothing.
#[derive(Debug, Clone)]
pub struct Session {
    manager: SessionManager,
    id: SessionId,
    status: watch::Receiver<CallStatus>,
}

impl Session {
    pub(super) fn new(manager: SessionManager, id: SessionId, status: watch::Receiver<CallStatus>) -> Self {
        Self { manager, id, status }
    }

    pub(super) fn manager(&self) -> &SessionManager {
        &self.manager
    }

    /// Its identifier, as in events.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Waits until it is up; an error says why it never will be.
    pub async fn established(&self) -> Result<(), SessionError> {
        let mut status = self.status.clone();
        let settled = status.wait_for(|status| *status != CallStatus::Pending).await;
        match settled.map(|status| status.clone()) {
            Ok(CallStatus::Ended(cause)) => Err(SessionError::Ended(EndCause::clone(&cause))),
            Ok(CallStatus::Up | CallStatus::Pending) => Ok(()),
            Err(_) => Err(SessionError::Closed),
        }
    }

    /// Waits until it is over.
    pub async fn ended(&self) -> Result<EndCause, SessionError> {
        let mut status = self.status.clone();
        let settled = status.wait_for(|status| matches!(status, CallStatus::Ended(_))).await;
        match settled.map(|status| status.clone()) {
            Ok(CallStatus::Ended(cause)) => Ok(EndCause::clone(&cause)),
            Ok(CallStatus::Up | CallStatus::Pending) | Err(_) => Err(SessionError::Closed),
        }
    }

    /// Ends it; returns when the other side has answered or was given up on.
    pub async fn hang_up(&self) -> Result<(), SessionError> {
        self.manager.hang_up(self.id).await
    }

    /// Holds it.
    pub async fn hold(&self) -> Result<HoldState, SessionError> {
        self.manager.change_hold(self.id, true).await
    }

    /// Resumes it.
    pub async fn resume(&self) -> Result<HoldState, SessionError> {
        self.manager.change_hold(self.id, false).await
    }

    /// Moves the other party to a target without asking it first.
    pub async fn blind(&self, to: &str) -> Result<Transfer, TransferError> {
        self.manager.blind(self.id, to).await
    }

    /// As [`Session::blind`], with options of its own for the REFER.
    pub async fn blind_with(&self, to: &str, options: ReferOptions) -> Result<Transfer, TransferError> {
        self.manager.blind_with(self.id, to, options).await
    }

    /// Moves the other party to the party of another call that is up: both are held, then REFER with Replaces. If the
    /// transfer fails, both calls are what they were.
    pub async fn attended(&self, other: &Session) -> Result<Transfer, TransferError> {
        self.manager.attended(self.id, other.id(), AttendedOptions::default()).await
    }

    /// As [`Session::attended`], with options of its own.
    pub async fn attended_with(
        &self,
        other: &Session,
        options: AttendedOptions,
    ) -> Result<Transfer, TransferError> {
        self.manager.attended(self.id, other.id(), options).await
    }

    /// Asks a target first: holds this call and calls the target. Returns when the target is being called.
    pub async fn consult(&self, to: &str) -> Result<Consultation, TransferError> {
        self.manager.consult(self.id, to, AttendedOptions::default(), Completion::OnCommand).await
    }

    /// As [`Session::consult`], with options of its own.
    pub async fn consult_with(
        &self,
        to: &str,
        options: AttendedOptions,
        completion: Completion,
    ) -> Result<Consultation, TransferError> {
        self.manager.consult(self.id, to, options, completion).await
    }

    /// What is negotiated, sent, received and heard.
    pub async fn media_info(&self) -> Result<SessionMediaInfo, SessionError> {
        self.manager.get_session_media_info(&self.id).await
    }
}
