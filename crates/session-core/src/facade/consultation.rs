//! A handle to a transfer whose target is asked first.

use std::sync::Arc;

use transfer::{Outcome, TransferId};

use super::{session::Session, session_manager::SessionManager, transfer::Transfer};
use crate::{
    error::{SessionError, TransferError},
    event::EventKind,
    report::TransferReport,
};

/// A consultation: the first party waits, the target is asked, then [`complete`](Self::complete) or
/// [`abort`](Self::abort). Dropping the handle changes nothing.
///
/// While it rings and while both are up, [`TransferPolicy::attended`](transfer::TransferPolicy) says how long that may
/// take; then the first party is taken back.
#[derive(Debug)]
pub struct Consultation {
    manager: SessionManager,
    call: Session,
    transfer: Transfer,
}

impl Consultation {
    pub(super) fn new(manager: SessionManager, call: Session, transfer: Transfer) -> Self {
        Self { manager, call, transfer }
    }

    pub(super) fn into_parts(self) -> (SessionManager, Session, Transfer) {
        (self.manager, self.call, self.transfer)
    }

    /// The transfer's identifier, as in events.
    pub fn id(&self) -> TransferId {
        self.transfer.id()
    }

    /// The call to the target.
    pub fn call(&self) -> &Session {
        &self.call
    }

    /// Waits until the target has answered; an error says why it never will.
    pub async fn answered(&self) -> Result<(), SessionError> {
        self.call.established().await
    }

    /// The next step; `None` once there are no more.
    pub async fn progress(&mut self) -> Option<EventKind> {
        self.transfer.progress().await
    }

    /// Moves the first party to the target. While the target only rings, the policy of semi-attended transfers says what
    /// that means (RFC 5589 §7.6). Gives the transfer, whose outcome is still to come; where it is refused nothing has
    /// changed, and the consultation goes on.
    ///
    /// # Errors
    ///
    /// The consultation itself, with [`TransferError::WrongState`] before the target is called, while it rings if the policy
    /// wants an answer first, while a swap is under way, and once it was completed;
    /// [`NoReplaces`](transfer::TransferRefusal::NoReplaces) if the target cannot replace a call (RFC 3891 §6.2);
    /// [`UnknownTransfer`](transfer::TransferRefusal::UnknownTransfer) when it has ended.
    pub async fn complete(self) -> Result<Transfer, (Self, TransferError)> {
        match self.manager.complete(self.id()).await {
            Ok(()) => Ok(self.transfer),
            Err(error) => Err((self, error)),
        }
    }

    /// Turns to the other of the two parties; the one that is left is held. Returns once it has begun; the event
    /// [`EventKind::ConsultSwapped`] tells that it is done.
    ///
    /// # Errors
    ///
    /// [`TransferError::WrongState`] before the target has answered, while another swap is under way, and once it was completed.
    pub async fn swap(&self) -> Result<(), TransferError> {
        self.manager.swap(self.id()).await
    }

    /// Hangs up on the target and takes the first party back; returns when that is done. Its errors are those of
    /// [`SessionManager::cancel_transfer`].
    pub async fn abort(mut self) -> Result<Outcome, TransferError> {
        self.transfer.cancel().await?;
        self.transfer.outcome().await
    }

    /// Waits for the end, which may come without a word of ours: a party hangs up, or a time limit passes.
    pub async fn outcome(&mut self) -> Result<Outcome, TransferError> {
        self.transfer.outcome().await
    }

    /// Waits for the end and gives the report, as [`Transfer::report`] does.
    pub async fn report(&mut self) -> Result<Arc<TransferReport>, TransferError> {
        self.transfer.report().await
    }
}
