//! The errors a user of the facade meets, each with advice what to do.

use std::net::SocketAddr;

use dialog_core::{AccountFault, EndCause, RegistrationFailure};
use thiserror::Error;
use transfer::{Outcome, TransferRefusal};

use crate::describe::{describe_cause, describe_outcome};

/// What can be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveryAction {
    /// The same call may succeed later.
    RetryLater,
    /// Correct the argument; the same call will fail again.
    FixInput,
    /// Wait for the call or transfer to reach the state that is named.
    WaitForState,
    /// Change the machine or the configuration: another port, more descriptors, permissions.
    FixEnvironment,
    /// Try another target or another way; the peer will not do this.
    TryAlternative,
    /// Nothing can be done with this call any more.
    GiveUp,
}

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
    #[error("the call is unknown or has ended")]
    Unknown,
    /// The call is in another state.
    #[error("the call is {state:?}, but has to be {wanted:?}")]
    WrongState {
        /// Its state.
        state: SessionState,
        /// The state that is needed.
        wanted: SessionState,
    },
    /// The target is not a URI that can be called.
    #[error("not a URI that can be called: {0}")]
    Target(String),
    /// The call is to go by a registration that is unknown or over.
    #[error("the account of the call is not registered")]
    UnknownAccount,
    /// All calls that are allowed at once are up.
    #[error("the limit of {limit} calls is reached")]
    TooManyCalls {
        /// The limit.
        limit: usize,
    },
    /// The call ended; its cause.
    #[error("{}", describe_cause(.0))]
    Ended(EndCause),
    /// A hold or resume was refused or not answered; the session is as it was.
    #[error("the new session description was not accepted: {0}")]
    Reoffer(ReofferFailure),
    /// Too many commands of this kind wait for this call.
    #[error("too many commands are waiting for this call")]
    Busy,
    /// Media.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The manager has been shut down.
    #[error("the session manager has been shut down")]
    Closed,
    /// The manager is being drained: no new calls and no new transfers.
    #[error("no new calls and transfers begin any more, because the session manager is being drained")]
    Draining,
    /// Not offered in this release.
    #[error("{0} is not supported in this release")]
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
    #[error(transparent)]
    Refused(#[from] TransferRefusal),
    /// The call underneath.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The transfer has ended without what was asked for; everything is as the outcome says.
    #[error("the transfer has ended: {}", describe_outcome(.0))]
    Ended(Outcome),
    /// There is no report: the transfer has not ended, or its report is not kept any more.
    #[error("there is no report of this transfer: it has not ended, or its report is not kept any more")]
    NoReport,
}

/// Why something asked of a registration is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// No such registration; it is over or never was.
    #[error("the registration is unknown or over")]
    Unknown,
    /// The account cannot be used.
    #[error("the account cannot be used: {0}")]
    Account(AccountFault),
    /// A REGISTER came to nothing.
    #[error("{failure}")]
    Failed {
        /// Why.
        failure: RegistrationFailure,
        /// After what time it is tried again by itself; `None` if it is over.
        retry_after: Option<std::time::Duration>,
    },
    /// It was taken back in the meantime.
    #[error("the registration was taken back")]
    Ended,
    /// Too many commands wait for it.
    #[error("too many commands are waiting for this registration")]
    Busy,
    /// The manager has been shut down.
    #[error("the session manager has been shut down")]
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
    #[error("no RTP port is free")]
    NoPorts,
    /// The call has no media yet.
    #[error("the call has no media")]
    NotConfigured,
    /// The calls do not both take part in the transfer;
    /// [`setup_transfer_media_coordination`](crate::SessionManager::setup_transfer_media_coordination) comes first.
    #[error("the media of the two calls is not coordinated")]
    NotCoordinated,
    /// The call has no audio of the application's that could be moved.
    #[error("the call does not have the application's audio")]
    NoAudio,
    /// The RTP streams refuse; nothing was changed.
    #[error("the RTP streams refuse: {0}")]
    Streams(media_core::StreamFailure),
    /// This is nothing that can be dialled.
    #[error("{0:?} cannot be dialled")]
    Digit(char),
    /// A recording's file cannot be created.
    #[error("the recording cannot be created: {0}")]
    File(std::io::ErrorKind),
    /// The media pump did not answer.
    #[error("the media pump does not answer")]
    Pump,
}

/// Why the session manager cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is in use; choose another port.
    #[error("{0} is in use by another program")]
    AddressInUse(SocketAddr),
    /// The address cannot be used: not of this machine, or no permission.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The listen address is not understood.
    #[error("{value}: {reason}")]
    Listen {
        /// What was given.
        value: String,
        /// What is allowed.
        reason: &'static str,
    },
    /// Listening by TLS or WSS needs a certificate of ours; see [`Builder::tls`](crate::Builder::tls).
    #[error("listening by {0} needs a certificate and its key")]
    Certificate(sip_transport::Transport),
    /// The identity is not a `sip:` URI.
    #[error("the identity {0} is not a SIP URI")]
    Identity(String),
    /// Too few file descriptors for the calls that are allowed.
    #[error(
        "{limit} file descriptors are allowed, {wanted} are needed; raise the limit (ulimit -n) or lower the number of calls"
    )]
    Descriptors {
        /// The soft limit.
        limit: u64,
        /// What the configuration needs.
        wanted: u64,
    },
    /// The media pump cannot start.
    #[error("media cannot start: {0}")]
    Media(String),
    /// The operating system gives no random numbers or no threads.
    #[error("the operating system refuses: {0}")]
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
        EndReason::Refused(status) if matches!(status.as_u16(), 480 | 486 | 500 | 503 | 504 | 600) => {
            RecoveryAction::RetryLater
        }
        EndReason::Refused(_) | EndReason::Redirected { .. } | EndReason::NotAcceptable => {
            RecoveryAction::TryAlternative
        }
        EndReason::NoRoute(_) => RecoveryAction::FixInput,
        EndReason::NoAnswer | EndReason::Unreachable | EndReason::Overload => RecoveryAction::RetryLater,
        EndReason::Bye
        | EndReason::Cancelled
        | EndReason::Gone
        | EndReason::NoAck
        | EndReason::NoPrack
        | EndReason::SessionExpired => RecoveryAction::GiveUp,
    }
}

impl TransferError {
    /// What can be done about it.
    pub fn recovery(&self) -> RecoveryAction {
        match self {
            Self::Refused(refusal) => match refusal {
                TransferRefusal::UnknownLeg | TransferRefusal::UnknownTransfer => RecoveryAction::GiveUp,
                TransferRefusal::NotEstablished | TransferRefusal::Busy | TransferRefusal::State => {
                    RecoveryAction::WaitForState
                }
                TransferRefusal::Scheme | TransferRefusal::TargetForm | TransferRefusal::SameCall => {
                    RecoveryAction::FixInput
                }
                TransferRefusal::Full => RecoveryAction::RetryLater,
                _ => RecoveryAction::TryAlternative,
            },
            Self::Session(error) => error.recovery(),
            Self::NoReport => RecoveryAction::WaitForState,
            Self::Ended(outcome) if outcome.call_kept => RecoveryAction::TryAlternative,
            Self::Ended(_) => RecoveryAction::GiveUp,
        }
    }
}

impl MediaError {
    /// What can be done about it.
    pub fn recovery(&self) -> RecoveryAction {
        match self {
            Self::NoPorts | Self::Pump => RecoveryAction::RetryLater,
            Self::NotConfigured | Self::NotCoordinated | Self::NoAudio => RecoveryAction::WaitForState,
            Self::Streams(_) => RecoveryAction::TryAlternative,
            Self::File(_) => RecoveryAction::FixEnvironment,
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
            | Self::System(_) => RecoveryAction::FixEnvironment,
        }
    }
}
