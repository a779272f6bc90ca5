//! A handle to one transfer of ours.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

use transfer::{Outcome, TransferId};

use super::session_manager::SessionManager;
use crate::{
    driver::{Ended, TransferWatch},
    error::{SessionError, TransferError},
    event::EventKind,
    report::TransferReport,
};

/// A transfer: its progress, then its one outcome. Dropping the handle changes nothing.
#[derive(Debug)]
pub struct Transfer {
    manager: SessionManager,
    id: TransferId,
    watch: TransferWatch,
}

impl Transfer {
    pub(super) fn new(manager: SessionManager, id: TransferId, watch: TransferWatch) -> Self {
        Self { manager, id, watch }
    }

    /// Its identifier, as in events.
    pub fn id(&self) -> TransferId {
        self.id
    }

    /// The next step; `None` once there are no more, and [`Transfer::outcome`] says what came of it.
    pub async fn progress(&mut self) -> Option<EventKind> {
        self.watch.progress.recv().await
    }

    /// Waits for the outcome; a transfer that failed is an outcome, too. An error only if the manager has stopped before.
    pub async fn outcome(&mut self) -> Result<Outcome, TransferError> {
        self.ended().await.map(|ended| ended.outcome)
    }

    /// Waits for the end and gives the report: what happened, for people and for machines. It stays at hand for as long as
    /// this handle does, also after a shutdown; [`SessionManager::transfer_report`] has the last ones without a handle.
    ///
    /// [`TransferError::NoReport`] if none are kept ([`Builder::transfer_reports`](crate::Builder::transfer_reports)).
    pub async fn report(&mut self) -> Result<Arc<TransferReport>, TransferError> {
        let ended = self.ended().await?.report.ok_or(TransferError::NoReport)?;
        Ok(Arc::clone(ended.report()))
    }

    async fn ended(&mut self) -> Result<Ended, TransferError> {
        match self.watch.ended.wait_for(Option::is_some).await.map(|ended| ended.clone()) {
            Ok(Some(ended)) => Ok(ended),
            Ok(None) | Err(_) => Err(SessionError::Closed.into()),
        }
    }

    /// Lets go of it (RFC 5589 §6): hangs up as soon as its REFER is accepted, and leaves the rest to the other two. The
    /// outcome is still told, but the call cannot be taken back. Returns when that is noted.
    ///
    /// # Errors
    ///
    /// [`TransferError::WrongState`] before the REFER and once the outcome is known, if it was let go of already, and with a
    /// protected target, whose party nobody else could take back.
    pub async fn detach(&self) -> Result<(), TransferError> {
        self.manager.detach(self.id).await
    }

    /// Gives it up; returns when the held call is two-way again, or is gone. Its errors are those of
    /// [`SessionManager::cancel_transfer`].
    pub async fn cancel(&self) -> Result<(), TransferError> {
        self.manager.cancel_transfer(&self.id).await
    }
}

impl IntoFuture for Transfer {
    type Output = Result<Outcome, TransferError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move { self.outcome().await })
    }
}
