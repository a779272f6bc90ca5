//! What the application decides about: incoming calls and transfers, by a bounded lossless queue.

use std::net::SocketAddr;

use dialog_core::IncomingCall as Call;
use media_core::Source;
use sip_message::{NameAddrBuf, StatusCode, UriBuf};
use tokio::sync::{mpsc, oneshot, watch};
use transfer::{Decision, TransferId};

use super::{
    session::Session,
    session_manager::{SessionManager, ask, session_error, transfer_error},
};
use crate::{
    driver::{CallStatus, Delivered, Request},
    engine::Command,
    error::{SessionError, TransferError},
    event::SessionId,
};

/// The queue of decisions. While it is full, calls are refused with 503 and transfers with 603.
#[derive(Debug)]
pub struct IncomingQueue {
    decisions: mpsc::Receiver<Delivered>,
    requests: mpsc::WeakSender<Request>,
}

/// Something to decide about.
#[derive(Debug)]
pub enum Incoming {
    /// A call.
    Call(IncomingCall),
    /// A transfer, under [`ReferPolicy::Ask`](transfer::ReferPolicy::Ask).
    Transfer(IncomingTransfer),
}

impl IncomingQueue {
    pub(super) fn new(decisions: mpsc::Receiver<Delivered>, requests: &mpsc::Sender<Request>) -> Self {
        Self { decisions, requests: requests.downgrade() }
    }

    /// The next; `None` when the manager has stopped.
    pub async fn next(&mut self) -> Option<Incoming> {
        let delivered = self.decisions.recv().await?;
        Some(Incoming::new(delivered, self.requests.upgrade()?))
    }
}

impl Drop for IncomingQueue {
    /// Refuses what nobody will decide about any more.
    fn drop(&mut self) {
        self.decisions.close();
        let Some(requests) = self.requests.upgrade() else { return };
        while let Ok(delivered) = self.decisions.try_recv() {
            drop(Incoming::new(delivered, requests.clone()));
        }
    }
}

impl Incoming {
    fn new(delivered: Delivered, requests: mpsc::Sender<Request>) -> Self {
        match delivered {
            Delivered::Call { session, call, status } => {
                Self::Call(IncomingCall { session, call, status, requests: Some(requests), accepted: false })
            }
            Delivered::Transfer { transfer, session, target, referred_by } => {
                Self::Transfer(IncomingTransfer {
                    transfer,
                    session,
                    target,
                    referred_by,
                    undecided: Some(requests),
                })
            }
        }
    }
}

/// An incoming call. Dropped without an answer it is refused with 480.
#[derive(Debug)]
pub struct IncomingCall {
    session: SessionId,
    call: Box<Call>,
    status: watch::Receiver<CallStatus>,
    requests: Option<mpsc::Sender<Request>>,
    /// It was accepted, but nobody has got the call yet.
    accepted: bool,
}

impl IncomingCall {
    /// Its identifier.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The caller: unverified.
    pub fn from(&self) -> &NameAddrBuf {
        &self.call.from
    }

    /// The called party.
    pub fn to(&self) -> &NameAddrBuf {
        &self.call.to
    }

    /// Where it came from.
    pub fn source(&self) -> SocketAddr {
        self.call.source
    }

    /// Who referred the caller to us: unverified.
    pub fn referred_by(&self) -> Option<&NameAddrBuf> {
        self.call.referred_by.as_ref()
    }

    /// Waits until the caller gives up, or the call ends otherwise.
    pub async fn ended(&self) {
        let mut status = self.status.clone();
        // An error means that the manager has stopped.
        status.wait_for(|status| matches!(status, CallStatus::Ended(_))).await.map(drop).unwrap_or_default();
    }

    /// Sends 180 Ringing.
    pub async fn ring(&self) -> Result<(), SessionError> {
        let session = self.session;
        self.ask(Command::Ring { session }).await
    }

    /// Accepts it.
    pub async fn answer(self, manager: &SessionManager) -> Result<Session, SessionError> {
        self.answer_with(manager, None).await
    }

    /// Accepts it and sends this.
    pub async fn answer_with(
        mut self,
        manager: &SessionManager,
        source: Option<Source>,
    ) -> Result<Session, SessionError> {
        let session = self.session;
        self.accepted = true;
        self.ask(Command::Answer { session, source }).await?;
        self.requests = None;
        Ok(Session::new(manager.clone(), session, self.status.clone()))
    }

    /// Refuses it with 300 to 699.
    pub async fn reject(mut self, status: StatusCode) -> Result<(), SessionError> {
        let session = self.session;
        let result = self.ask(Command::Reject { session, status }).await;
        self.requests = None;
        result
    }

    async fn ask(&self, command: Command) -> Result<(), SessionError> {
        let Some(requests) = &self.requests else { return Err(SessionError::Closed) };
        ask(requests, command).await.map(drop).map_err(session_error)
    }
}

impl Drop for IncomingCall {
    fn drop(&mut self) {
        if let Some(requests) = self.requests.take() {
            let session = self.session;
            let command = if self.accepted {
                Command::HangUp { session }
            } else {
                Command::Reject { session, status: StatusCode::TEMPORARILY_UNAVAILABLE }
            };
            last_word(&requests, command);
        }
    }
}

/// An incoming transfer that awaits a decision, here or by
/// [`SessionManager::handle_refer_request`]. Dropped without one it is rejected.
#[derive(Debug)]
pub struct IncomingTransfer {
    transfer: TransferId,
    session: SessionId,
    target: UriBuf,
    referred_by: Option<NameAddrBuf>,
    undecided: Option<mpsc::Sender<Request>>,
}

impl IncomingTransfer {
    /// Its identifier.
    pub fn transfer(&self) -> TransferId {
        self.transfer
    }

    /// The call in which it was asked.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Whom we are to call.
    pub fn target(&self) -> &UriBuf {
        &self.target
    }

    /// Who asks: unverified.
    pub fn referred_by(&self) -> Option<&NameAddrBuf> {
        self.referred_by.as_ref()
    }

    /// Follows it: 2xx and NOTIFY, and the target is called (RFC 3515 §2.4.2). Its errors are those of
    /// [`SessionManager::handle_refer_request`].
    pub async fn accept(self) -> Result<(), TransferError> {
        self.decide(Decision::Accept).await
    }

    /// Refuses it with 603, by NOTIFY if the REFER was accepted already. Its errors are those of
    /// [`SessionManager::handle_refer_request`].
    pub async fn reject(self) -> Result<(), TransferError> {
        self.decide(Decision::Reject).await
    }

    /// Accepts it and leaves the rest to the application: it calls the target or not, and reports by
    /// [`SessionManager::send_transfer_notify`]. The transfer ends with the last report, or by the ring limit.
    /// Its errors are those of [`SessionManager::handle_refer_request`].
    pub async fn handle_myself(self) -> Result<(), TransferError> {
        self.decide(Decision::HandleMyself).await
    }

    async fn decide(mut self, decision: Decision) -> Result<(), TransferError> {
        let Some(requests) = self.undecided.take() else { return Err(SessionError::Closed.into()) };
        let command = Command::Decide { transfer: self.transfer, decision };
        ask(&requests, command).await.map(drop).map_err(transfer_error)
    }
}

impl Drop for IncomingTransfer {
    fn drop(&mut self) {
        if let Some(requests) = self.undecided.take() {
            last_word(&requests, Command::Decide { transfer: self.transfer, decision: Decision::Reject });
        }
    }
}

/// Asks without waiting. A driver whose queue is full or gone ends the call by its own limits.
fn last_word(requests: &mpsc::Sender<Request>, command: Command) {
    let (reply, _) = oneshot::channel();
    if requests.try_send(Request::Command { command, reply }).is_err() {
        tracing::warn!("a decision was dropped while the driver was busy");
    }
}
