//! A handle to one transfer of ours.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
};

use transfer::{Outcome, TransferId};

use super::session_manager::SessionManager;
use crate::{
    driver::TransferWatch,
    error::{SessionError, TransferError},
    event::EventKind,
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

    /// Waits for the outcome.
    pub async fn outcome(&mut self) -> Result<Outcome, TransferError> {
        match self.watch.outcome.wait_for(Option::is_some).await.map(|outcome| *outcome) {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) | Err(_) => Err(SessionError::Closed.into()),
        }
    }

    /// Lets go of it (RFC 5589 §6): hangs up as soon as its REFER is accepted, and leaves the rest to the other two. The
    /// outcome is still told, but the call cannot be taken back. Returns when that is noted.
    pub async fn detach(&self) -> Result<(), TransferError> {
        self.manager.detach(self.id).await
    }

    /// Gives it up; returns when the held call is two-way again, or is gone.
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
