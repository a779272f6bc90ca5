//! A handle to a warm transfer.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

use transfer::{Outcome, TransferId};

use super::{
    session::Session,
    session_manager::{SessionManager, transfer_error},
    transfer::Transfer,
};
use crate::{
    engine::{Command, WarmOptions},
    error::TransferError,
    event::EventKind,
    report::TransferReport,
};

/// A warm transfer: the caller waits, the target is called and told what it is about, and takes the caller over or does not.
/// Dropping the handle changes nothing; the transfer goes on by its [`WarmOptions`].
#[derive(Debug)]
pub struct WarmTransfer {
    manager: SessionManager,
    call: Session,
    transfer: Transfer,
}

impl Session {
    /// Hands the other party to a target that is told first. Returns when the target is being called.
    ///
    /// The caller is held and hears [`WarmOptions::hold_audio`]; the target hears the briefing, or what the user says in
    /// [`WarmTransfer::call`], and the caller hears none of it. When the target takes the caller over, by a digit or by
    /// [`WarmTransfer::accept`], the two are joined as in an attended transfer (RFC 5589 §7). In every other case the caller is
    /// back, two-way: the target is busy, does not answer, declines, hangs up, or does not decide in time. A caller that hangs
    /// up meanwhile ends the target's call.
    pub async fn warm(&self, to: &str, options: WarmOptions) -> Result<WarmTransfer, TransferError> {
        let consultation = self.manager().warm(self.id(), to, options).await?;
        let (manager, call, transfer) = consultation.into_parts();
        Ok(WarmTransfer { manager, call, transfer })
    }
}

impl WarmTransfer {
    /// The transfer's identifier, as in events.
    pub fn id(&self) -> TransferId {
        self.transfer.id()
    }

    /// The call to the target.
    pub fn call(&self) -> &Session {
        &self.call
    }

    /// The next step; `None` once there are no more.
    pub async fn progress(&mut self) -> Option<EventKind> {
        self.transfer.progress().await
    }

    /// The target takes the caller over, as the application knows by other means than a digit.
    ///
    /// # Errors
    ///
    /// [`TransferError::WrongState`] before the target has answered, and once it was decided;
    /// [`UnknownTransfer`](transfer::TransferRefusal::UnknownTransfer) when the transfer has ended.
    pub async fn accept(&self) -> Result<(), TransferError> {
        self.decide(true).await
    }

    /// The target does not take the caller over: its call ends and the caller is back. Its errors are those of
    /// [`accept`](Self::accept).
    pub async fn decline(&self) -> Result<(), TransferError> {
        self.decide(false).await
    }

    /// Gives it up at any time before the two are joined; returns when the caller is back, or is gone. Its errors are those of
    /// [`SessionManager::cancel_transfer`].
    pub async fn cancel(&self) -> Result<(), TransferError> {
        self.transfer.cancel().await
    }

    /// Waits for the outcome.
    pub async fn outcome(&mut self) -> Result<Outcome, TransferError> {
        self.transfer.outcome().await
    }

    /// Waits for the end and gives the report, as [`Transfer::report`] does.
    pub async fn report(&mut self) -> Result<Arc<TransferReport>, TransferError> {
        self.transfer.report().await
    }

    async fn decide(&self, accept: bool) -> Result<(), TransferError> {
        let command = Command::DecideWarm { transfer: self.id(), accept };
        self.manager.ask(command).await.map(drop).map_err(transfer_error)
    }
}

impl IntoFuture for WarmTransfer {
    type Output = Result<Outcome, TransferError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move { self.outcome().await })
    }
}
