//! The errors a user of the facade meets, each with advice what to do.

mod failure;
mod network;
mod recovery;

use std::net::SocketAddr;

use dialog_core::{AccountFault, EndCause, RegistrationFailure};
use thiserror::Error;
use transfer::{Outcome, TransferRefusal};

use self::failure::is_passing;
pub use self::{failure::TransferFailure, network::NetworkError, recovery::RecoveryAction};
use crate::{
    describe::{describe_cause, describe_outcome},
    engine::FREED_PORT_RESTS,
};

/// A state in which a call can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// An INVITE of ours is out.
    Calling,
    /// A call came in and is not answered.
    Incoming,
    /// It is up.
    Established,
    /// It is being ended.
    Ending,
}

/// Why something asked of a call is not done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// No such call; it ended or never was.
    #[error("the call is unknown or has ended; {advice}", advice = self.recovery())]
    Unknown,
    /// The call is in another state.
    #[error("the call is {state:?}, but has to be {wanted:?}; {advice}", advice = self.recovery())]
    WrongState {
        /// Its state.
        state: SessionState,
        /// The state that is needed.
        wanted: SessionState,
    },
    /// The target is not a URI that can be called.
    #[error("not a URI that can be called: {0}; {advice}", advice = self.recovery())]
    Target(String),
    /// The call is to go by a registration that is unknown or over.
    #[error("the account of the call is not registered; {advice}", advice = self.recovery())]
    UnknownAccount,
    /// All calls that are allowed at once are up.
    #[error("the limit of {limit} calls is reached; {advice}", advice = self.recovery())]
    TooManyCalls {
        /// The limit.
        limit: usize,
    },
    /// The call ended; its cause.
    #[error("{}; {advice}", describe_cause(.0), advice = self.recovery())]
    Ended(EndCause),
    /// A hold or resume was refused or not answered; the session is as it was.
    #[error("the new session description was not accepted: {0}; {advice}", advice = self.recovery())]
    Reoffer(ReofferFailure),
    /// Too many commands of this kind wait for this call.
    #[error("too many commands are waiting for this call; {advice}", advice = self.recovery())]
    Busy,
    /// Media.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The manager has been shut down.
    #[error("the session manager has been shut down; {advice}", advice = self.recovery())]
    Closed,
    /// The manager is being drained: no new calls and no new transfers.
    #[error("no new calls and transfers begin any more, because the session manager is being drained; {advice}", advice = self.recovery())]
    Draining,
    /// Not offered in this release.
    #[error("{0} is not supported in this release; {advice}", advice = self.recovery())]
    Unsupported(&'static str),
}

/// Why a new offer came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReofferFailure {
    /// Refused with this status.
    #[error("refused with {0}")]
    Refused(u16),
    /// No answer, or only 491, until the limit.
    #[error("no answer in time")]
    TimedOut,
    /// The peer cannot be reached.
    #[error("the peer cannot be reached")]
    Unreachable,
    /// No usable description.
    #[error("no usable session description")]
    Description,
    /// The call ended.
    #[error("the call ended")]
    Ended,
}

/// Why something asked of a transfer is not done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The transfer layer refuses; nothing was sent.
    #[error("{0}; {advice}", advice = self.recovery())]
    Refused(TransferRefusal),
    /// The transfer, or the call that is to be moved, is in another state than the operation needs; nothing was changed. A
    /// call that a transfer is moving needs `Idle` for the next one. Of a transfer that has ended nothing is known any more:
    /// that is [`TransferRefusal::UnknownTransfer`].
    #[error("the transfer is in {state}, but this needs {wanted}; {advice}", advice = self.recovery())]
    WrongState {
        /// Its state by the catalogue's name, or what keeps the step from being done.
        state: &'static str,
        /// What is needed.
        wanted: &'static str,
    },
    /// The call underneath.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The transfer has ended without what was asked for; everything is as the outcome says.
    #[error("{}; {advice}", ended(*.0), advice = self.recovery())]
    Ended(Outcome),
    /// There is no report: the transfer has not ended, or its report is not kept any more.
    #[error("there is no report of this transfer: it has not ended, or its report is not kept any more; {advice}", advice = self.recovery())]
    NoReport,
}

/// Why something asked of a registration is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// No such registration; it is over or never was.
    #[error("the registration is unknown or over; {advice}", advice = self.recovery())]
    Unknown,
    /// The account cannot be used.
    #[error("the account cannot be used: {0}; {advice}", advice = self.recovery())]
    Account(AccountFault),
    /// A REGISTER came to nothing.
    #[error("{failure}; {advice}", advice = self.recovery())]
    Failed {
        /// Why.
        failure: RegistrationFailure,
        /// After what time it is tried again by itself; `None` if it is over.
        retry_after: Option<std::time::Duration>,
    },
    /// It was taken back in the meantime.
    #[error("the registration was taken back; {advice}", advice = self.recovery())]
    Ended,
    /// Too many commands wait for it.
    #[error("too many commands are waiting for this registration; {advice}", advice = self.recovery())]
    Busy,
    /// The manager has been shut down.
    #[error("the session manager has been shut down; {advice}", advice = self.recovery())]
    Closed,
}

impl RegistrationError {
    /// What can be done about it.
    pub fn recovery(&self) -> RecoveryAction {
        match self {
            Self::Unknown | Self::Ended | Self::Closed => RecoveryAction::GiveUp,
            Self::Account(_) => RecoveryAction::FixInput,
            Self::Busy => RecoveryAction::RetryLater,
            Self::Failed { retry_after: Some(_), .. } => RecoveryAction::WaitForState,
            Self::Failed { failure, retry_after: None } => match failure {
                RegistrationFailure::Unauthorized
                | RegistrationFailure::Account(_)
                | RegistrationFailure::Unencodable => RecoveryAction::FixInput,
                RegistrationFailure::Overload => RecoveryAction::RetryLater,
                _ => RecoveryAction::TryAlternative,
            },
        }
    }
}

/// Why media of a call cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MediaError {
    /// No RTP port is free.
    #[error("no RTP port is free; {advice}", advice = self.recovery())]
    NoPorts,
    /// The call has no media yet.
    #[error("the call has no media; {advice}", advice = self.recovery())]
    NotConfigured,
    /// The calls do not both take part in the transfer;
    /// [`setup_transfer_media_coordination`](crate::SessionManager::setup_transfer_media_coordination) comes first.
    #[error("the media of the two calls is not coordinated; {advice}", advice = self.recovery())]
    NotCoordinated,
    /// The call has no audio of the application's that could be moved.
    #[error("the call does not have the application's audio; {advice}", advice = self.recovery())]
    NoAudio,
    /// The RTP streams refuse; nothing was changed.
    #[error("the RTP streams refuse: {0}; {advice}", advice = self.recovery())]
    Streams(media_core::StreamFailure),
    /// This is nothing that can be dialled.
    #[error("{0:?} cannot be dialled; {advice}", advice = self.recovery())]
    Digit(char),
    /// A recording's file cannot be created.
    #[error("the recording cannot be created: {0}; {advice}", advice = self.recovery())]
    File(std::io::ErrorKind),
    /// The media pump did not answer.
    #[error("the media pump does not answer; {advice}", advice = self.recovery())]
    Pump,
}

/// Why the session manager cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is in use; choose another port.
    #[error("{0} is in use by another program; {advice}", advice = self.recovery())]
    AddressInUse(SocketAddr),
    /// The address cannot be used: not of this machine, or no permission.
    #[error("cannot listen on {address}: {source}; {advice}", advice = self.recovery())]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The listen address is not understood.
    #[error("{value}: {reason}; {advice}", advice = self.recovery())]
    Listen {
        /// What was given.
        value: String,
        /// What is allowed.
        reason: &'static str,
    },
    /// Listening by TLS or WSS needs a certificate of ours; see [`Builder::tls`](crate::Builder::tls).
    #[error("listening by {0} needs a certificate and its key; {advice}", advice = self.recovery())]
    Certificate(sip_transport::Transport),
    /// The identity is not a `sip:` URI.
    #[error("the identity {0} is not a SIP URI; {advice}", advice = self.recovery())]
    Identity(String),
    /// Too few file descriptors for the calls that are allowed.
    #[error(
        "{limit} file descriptors are allowed, {wanted} are needed; raise the limit (ulimit -n) or lower the number of calls; {advice}",
        advice = self.recovery()
    )]
    Descriptors {
        /// The soft limit.
        limit: u64,
        /// What the configuration needs.
        wanted: u64,
    },
    /// The media pump cannot start.
    #[error("media cannot start: {0}; {advice}", advice = self.recovery())]
    Media(String),
    /// The operating system gives no random numbers or no threads.
    #[error("the operating system refuses: {0}; {advice}", advice = self.recovery())]
    System(std::io::Error),
}

impl SessionError {
    /// What can be done about it.
    pub fn recovery(&self) -> RecoveryAction {
        match self {
            Self::Unknown | Self::Closed | Self::Draining => RecoveryAction::GiveUp,
            Self::WrongState { .. } => RecoveryAction::WaitForState,
            Self::Target(_) | Self::UnknownAccount => RecoveryAction::FixInput,
            Self::TooManyCalls { .. } | Self::Busy => RecoveryAction::RetryLater,
            Self::Ended(cause) => recovery_of_end(cause),
            Self::Reoffer(failure) => match failure {
                ReofferFailure::Refused(_) | ReofferFailure::Description => RecoveryAction::TryAlternative,
                ReofferFailure::TimedOut | ReofferFailure::Unreachable => RecoveryAction::RetryLater,
                ReofferFailure::Ended => RecoveryAction::GiveUp,
            },
            Self::Media(error) => error.recovery(),
            Self::Unsupported(_) => RecoveryAction::TryAlternative,
        }
    }
}

fn recovery_of_end(cause: &EndCause) -> RecoveryAction {
    use dialog_core::EndReason;
    match &cause.reason {
        EndReason::Refused(status) if is_passing(*status) => {
            RecoveryAction::RetryLater.after(transfer::retry_after(cause))
        }
        EndReason::Refused(_) | EndReason::Redirected { .. } => RecoveryAction::TryOtherTarget,
        EndReason::NotAcceptable => RecoveryAction::TryAlternative,
        EndReason::NoRoute(_) | EndReason::Unreachable | EndReason::Overload => {
            NetworkError::of(&cause.reason).map_or(RecoveryAction::RetryLater, |error| error.recovery())
        }
        EndReason::NoAnswer => RecoveryAction::RetryLater,
        EndReason::Bye
        | EndReason::Cancelled
        | EndReason::Gone
        | EndReason::NoAck
        | EndReason::NoPrack
        | EndReason::SessionExpired => RecoveryAction::GiveUp,
    }
}

impl From<TransferRefusal> for TransferError {
    fn from(refusal: TransferRefusal) -> Self {
        match refusal {
            TransferRefusal::WrongState { state, wanted } => Self::WrongState { state, wanted },
            refusal => Self::Refused(refusal),
        }
    }
}

/// An outcome as the error that it is, without the advice.
fn ended(outcome: Outcome) -> String {
    let Some(failure) = TransferFailure::of(&outcome) else { return describe_outcome(&outcome) };
    let words = failure.to_string();
    words.strip_suffix(&format!("; {}", failure.recovery())).unwrap_or(&words).to_owned()
}

impl SessionError {
    /// The network's part in the end of a call, where it had one.
    pub fn network(&self) -> Option<NetworkError> {
        match self {
            Self::Ended(cause) => NetworkError::of(&cause.reason),
            _ => None,
        }
    }
}

impl TransferError {
    /// Why a transfer that had begun did not come to pass.
    pub fn failure(&self) -> Option<TransferFailure> {
        match self {
            Self::Ended(outcome) => TransferFailure::of(outcome),
            Self::Refused(_) | Self::WrongState { .. } | Self::Session(_) | Self::NoReport => None,
        }
    }

    /// What can be done about it.
    pub fn recovery(&self) -> RecoveryAction {
        match self {
            Self::Refused(refusal) => match refusal {
                TransferRefusal::UnknownLeg | TransferRefusal::UnknownTransfer => RecoveryAction::GiveUp,
                TransferRefusal::NotEstablished => RecoveryAction::WaitForState,
                TransferRefusal::Scheme
                | TransferRefusal::TargetForm
                | TransferRefusal::SameCall
                | TransferRefusal::OtherCall
                | TransferRefusal::Status
                | TransferRefusal::MayFork
                | TransferRefusal::HeaderName
                | TransferRefusal::HeaderValue
                | TransferRefusal::TooManyHeaders
                | TransferRefusal::TelHeaders => RecoveryAction::FixInput,
                TransferRefusal::Full => RecoveryAction::RetryLater,
                TransferRefusal::PeerCannot | TransferRefusal::NoReplaces => RecoveryAction::FallBackToBridge,
                _ => RecoveryAction::TryAlternative,
            },
            Self::WrongState { .. } => RecoveryAction::WaitForState,
            Self::Session(error) => error.recovery(),
            Self::NoReport => RecoveryAction::WaitForState,
            Self::Ended(outcome) if outcome.on_hold => RecoveryAction::ResumeCall,
            // There is no call left that could be moved.
            Self::Ended(outcome) if !outcome.call_kept => RecoveryAction::GiveUp,
            Self::Ended(outcome) => TransferFailure::of(outcome)
                .map_or(RecoveryAction::GiveUp, |failure| failure.recovery().after(outcome.retry_after)),
        }
    }
}

impl MediaError {
    /// What can be done about it.
    pub fn recovery(&self) -> RecoveryAction {
        match self {
            Self::NoPorts => RecoveryAction::RetryAfter(FREED_PORT_RESTS),
            Self::Pump => RecoveryAction::RetryLater,
            Self::NotConfigured | Self::NotCoordinated | Self::NoAudio => RecoveryAction::WaitForState,
            Self::Streams(_) => RecoveryAction::TryAlternative,
            Self::File(_) => RecoveryAction::FixConfiguration,
            Self::Digit(_) => RecoveryAction::FixInput,
        }
    }
}

impl StartError {
    /// What can be done about it.
    pub fn recovery(&self) -> RecoveryAction {
        match self {
            Self::Listen { .. } | Self::Certificate(_) | Self::Identity(_) => RecoveryAction::FixInput,
            Self::AddressInUse(_)
            | Self::Bind { .. }
            | Self::Descriptors { .. }
            | Self::Media(_)
            | Self::System(_) => RecoveryAction::FixConfiguration,
        }
    }
}

#[cfg(test)]
mod tests;
