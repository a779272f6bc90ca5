//! The steps of a transfer that the application drives itself ([`TransferHandling::Manual`]).
//!
//! They go through the machine and the commands of the automatic path. A step that is not due returns
//! [`TransferError::WrongState`] and changes nothing; in an automatic transfer none is, but for
//! [`terminate_transferor_session`](SessionManager::terminate_transferor_session) after a success. Whoever stops taking steps
//! loses no call: the limits of [`TransferPolicy`](transfer::TransferPolicy) go on, and at the latest T-GUARD takes the party
//! back.

use sip_message::{StatusCode, UriBuf};
use transfer::{
    AttendedOptions, Decision, ReferDecision, ReferOptions, TransferHandling, TransferId, TransferProgress,
};

use super::session_manager::{SessionManager, transfer_error};
use crate::{
    driver::Answered,
    engine::{Command, ManualCommand, ReferTo, Reply},
    error::{SessionError, TransferError},
    event::SessionId,
};

/// Where a REFER sends the other party, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refer {
    /// The target, or the call whose party is the target.
    pub to: ReferTo,
    /// What the REFER says besides, and which subscription it asks for; the builder's options where `None`.
    pub options: Option<ReferOptions>,
    /// How it is done to the party of another call; of no meaning for a target.
    pub attended: AttendedOptions,
}

impl Refer {
    /// To a target that is not asked: a `sip`, `sips` or `tel` URI without headers and `method`.
    pub fn to_target(target: UriBuf) -> Self {
        Self { to: ReferTo::Target(target), options: None, attended: AttendedOptions::default() }
    }

    /// To the party of another call, named by Replaces (RFC 5589 §7).
    pub fn to_call(call: SessionId) -> Self {
        Self { to: ReferTo::Call(call), options: None, attended: AttendedOptions::default() }
    }
}

/// Which report of a transfer a NOTIFY is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferNotify {
    /// It goes on: a status of 100 to 199.
    Progress,
    /// The last one: a status of 200 to 699. The subscription ends with it (RFC 3515 §2.4.7).
    Final,
}

impl SessionManager {
    /// Says who handles the transfers of one call that begin from now on, ours and those that its party asks for; one under
    /// way stays as it is. Legal at any time of the call.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unknown`]; [`SessionError::Busy`] if the table of calls is full.
    pub async fn set_transfer_handling(
        &self,
        session: &SessionId,
        handling: TransferHandling,
    ) -> Result<(), SessionError> {
        self.done(Command::Manual(ManualCommand::Handling { session: *session, handling })).await
    }

    /// Sends one REFER (RFC 3515 §2.4.1), and returns when its final response has come or will not come; what that is,
    /// [`process_refer_response`](Self::process_refer_response) decides next.
    ///
    /// The call has to be up, and to be held by [`Session::hold`](crate::Session::hold) if
    /// [`Builder::hold_before_transfer`](crate::Builder::hold_before_transfer) wants that; it is resumed if the transfer fails. To
    /// the party of a call that [`create_consultation_call`](Self::create_consultation_call) made, the REFER belongs to that
    /// transfer, which holds that call, too. 401, 407 and 420 are answered below with what keys and options there are.
    /// A future that is dropped stops nothing: the transfer stands in
    /// [`get_sessions_with_transfers`](Self::get_sessions_with_transfers).
    ///
    /// # Errors
    ///
    /// `WrongState` in an automatic call, one that is not up or not held, and one that is being moved already;
    /// [`TransferError::Refused`] where nothing was sent, and [`TransferError::Ended`] if the transfer ended before a response
    /// came.
    pub async fn send_refer_request(
        &self,
        session: &SessionId,
        refer: Refer,
    ) -> Result<TransferId, TransferError> {
        let Refer { to, options: refer, attended: options } = refer;
        let command = ManualCommand::SendRefer { session: *session, to, refer: refer.map(Box::new), options };
        match self.ask(Command::Manual(command)).await {
            Ok(Answered::Reply(Reply::Stepped(transfer))) => Ok(transfer),
            Ok(_) => Err(SessionError::Closed.into()),
            Err(error) => Err(transfer_error(error)),
        }
    }

    /// Decides about the response to the REFER: after 2xx it goes on; after 491, or 500 with a Retry-After in time, it is sent
    /// once more; after anything else the party is taken back (RFC 3515 §2.4.2, RFC 5057 §5.1).
    ///
    /// After [`ReferDecision::Retry`] it is due again at once, and waits for the response to the second REFER.
    /// A future that is dropped may have decided: the next call is then refused with the state that came of it.
    ///
    /// # Errors
    ///
    /// `WrongState` before the response has come, and once it was decided about.
    pub async fn process_refer_response(
        &self,
        transfer: &TransferId,
    ) -> Result<ReferDecision, TransferError> {
        match self.manual(ManualCommand::ProcessResponse { transfer: *transfer }).await? {
            Reply::Decided(decision) => Ok(decision),
            _ => Err(SessionError::Closed.into()),
        }
    }

    /// Takes the next NOTIFY of the subscription in order, or waits for it. It was answered 200 when it came (RFC 3515
    /// §2.4.4). Of more than 16 that wait only the newest provisional one is kept.
    ///
    /// A final status that is no success takes the party back with this step; or the REFER is sent once more, to the target's
    /// other address (TR-171), and its response is to be processed like the first one. After a success the call is ended by
    /// [`terminate_transferor_session`](Self::terminate_transferor_session). A subscription that ends by itself is a progress
    /// that is `terminated`, without a status.
    ///
    /// Can be cancelled: of a future that is dropped the NOTIFY stays for the next call, even if the transfer is over by then.
    ///
    /// # Errors
    ///
    /// `WrongState` before the REFER was accepted, after a success, and while another task waits for the same;
    /// [`TransferError::Ended`] if the transfer ends first.
    pub async fn handle_transfer_notify(
        &self,
        transfer: &TransferId,
    ) -> Result<TransferProgress, TransferError> {
        loop {
            match self.ask(Command::Manual(ManualCommand::TakeNotify { transfer: *transfer })).await {
                // Another task may have taken it meanwhile.
                Ok(Answered::Notified(notified)) => {
                    if let Some(progress) = notified.take() {
                        return Ok(progress);
                    }
                }
                Ok(_) => return Err(SessionError::Closed.into()),
                Err(error) => return Err(transfer_error(error)),
            }
        }
    }

    /// Ends the call in which the REFER was sent with a BYE, after a success (RFC 5589 §6.1; TR-252: its NOTIFY was answered
    /// before it was taken), and returns when that is answered or has timed out; RTCP BYE is sent and the media's ports are free.
    ///
    /// What is said outright counts more than the policy: the BYE goes at once, also where
    /// [`ByeOwner::Peer`](transfer::ByeOwner::Peer) or [`bye_delay`](transfer::TransferPolicy::bye_delay) let it wait. So it is of
    /// use in an automatic transfer, too; where the BYE is under way already it is waited for.
    ///
    /// # Errors
    ///
    /// `WrongState` before a success: in a manual transfer until
    /// [`handle_transfer_notify`](Self::handle_transfer_notify) gave one. [`OtherCall`](transfer::TransferRefusal::OtherCall) for a
    /// call in which the REFER was not sent, [`SessionError::Unknown`] and
    /// [`UnknownTransfer`](transfer::TransferRefusal::UnknownTransfer) once the call or the transfer is over.
    pub async fn terminate_transferor_session(
        &self,
        session: &SessionId,
        transfer: &TransferId,
    ) -> Result<(), TransferError> {
        self.manual(ManualCommand::Terminate { session: *session, transfer: *transfer }).await.map(drop)
    }

    /// Decides on a transfer that somebody asks of us: in a manual call, or under
    /// [`ReferPolicy::Ask`](transfer::ReferPolicy::Ask). Returns when the response is sent.
    ///
    /// - [`Decision::Accept`]: 2xx and NOTIFY, and the target is called. The reports are the application's in a manual call.
    /// - [`Decision::Reject`], [`Decision::RejectWith`]: the REFER is refused, by 603 or a status that leaves the call alone
    ///   (RFC 5057 §5.1): 400, 401, 403, 420, 429, 488, 491, 500, 503, 603.
    /// - [`Decision::HandleMyself`]: 2xx and NOTIFY, and nobody is called.
    ///
    /// A response to a REFER waits for nobody (RFC 3515 §2.4.2): one that is undecided after 200 ms is accepted as one that
    /// is still to be approved, and the decision goes by NOTIFY. After
    /// [`TransferPolicy::decision`](transfer::TransferPolicy::decision) it is rejected.
    ///
    /// # Errors
    ///
    /// `WrongState` once it is decided and for a transfer of ours,
    /// [`TransferRefusal::Status`](transfer::TransferRefusal::Status) for another status,
    /// [`UnknownTransfer`](transfer::TransferRefusal::UnknownTransfer) when it has ended.
    pub async fn handle_refer_request(
        &self,
        transfer: &TransferId,
        decision: Decision,
    ) -> Result<(), TransferError> {
        let command = Command::Decide { transfer: *transfer, decision };
        self.ask(command).await.map(drop).map_err(transfer_error)
    }

    /// Accepts a REFER in a manual call: 202, or 200 where [`Builder::refer_acceptance`](crate::Builder::refer_acceptance)
    /// says so, with Contact, then NOTIFY with 100, and the target is called. As [`Decision::Accept`], but returns when that
    /// NOTIFY was answered or has timed out.
    ///
    /// # Errors
    ///
    /// `WrongState` in an automatic call, and once it is decided.
    pub async fn send_refer_accepted_response(&self, transfer: &TransferId) -> Result<(), TransferError> {
        self.manual(ManualCommand::AcceptRefer { transfer: *transfer }).await.map(drop)
    }

    /// Reports by NOTIFY with a sipfrag (RFC 3515 §2.4.5), and returns when it was answered or has timed out.
    ///
    /// At most one goes out in a second, of those that wait only the newest, and the last one is never dropped; there is one
    /// last report, and nothing after it (RFC 3515 §3.10, §2.4.7). In a manual transfer progress can be reported while the new
    /// call is set up, and the last one when it is up or has failed: a success as a 2xx, a failure as any other status.
    ///
    /// # Errors
    ///
    /// `WrongState` where the transfer was accepted neither by [`Decision::HandleMyself`] nor in a manual call, or a report of
    /// this kind is not due; [`TransferRefusal::Status`](transfer::TransferRefusal::Status) for a status that does not fit.
    pub async fn send_transfer_notify(
        &self,
        transfer: &TransferId,
        status: StatusCode,
        notify: TransferNotify,
    ) -> Result<(), TransferError> {
        let last = notify == TransferNotify::Final;
        self.manual(ManualCommand::Notify { transfer: *transfer, status, last }).await.map(drop)
    }

    async fn manual(&self, command: ManualCommand) -> Result<Reply, TransferError> {
        match self.ask(Command::Manual(command)).await {
            Ok(Answered::Reply(reply)) => Ok(reply),
            Ok(_) => Err(SessionError::Closed.into()),
            Err(error) => Err(transfer_error(error)),
        }
    }
}
