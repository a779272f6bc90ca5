//! What can be done about an error.

use std::{fmt, time::Duration};

/// What can be done about an error. `Display` is the advice, with which the message of each error ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveryAction {
    /// The same call may succeed after this time.
    RetryAfter(Duration),
    /// The same call may succeed later.
    RetryLater,
    /// Correct the argument; the same call will fail again.
    FixInput,
    /// Wait for the call or transfer to reach the state that is named.
    WaitForState,
    /// Change the machine or the configuration: another port, more descriptors, permissions, certificates.
    FixConfiguration,
    /// Try another target; this one cannot or will not take the call.
    TryOtherTarget,
    /// Try another way; the peer will not do this.
    TryAlternative,
    /// Join the two calls here; the peer cannot be moved.
    FallBackToBridge,
    /// The party is still on hold, because it refused to be taken back: resume the call, or hang up.
    ResumeCall,
    /// The call is as it was; whether to try again is for the user to say.
    AskUser,
    /// Nothing can be done with this call any more.
    GiveUp,
}

impl RecoveryAction {
    /// The same, at the time that the other side asks for.
    pub(super) fn after(self, wait: Option<Duration>) -> Self {
        match (self, wait) {
            (Self::RetryLater, Some(wait)) => Self::RetryAfter(wait),
            (advice, _) => advice,
        }
    }
}

impl fmt::Display for RecoveryAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RetryAfter(wait) => return write!(f, "try again in {} s", wait.as_secs()),
            Self::RetryLater => "try again later",
            Self::FixInput => "correct what was given",
            Self::WaitForState => "wait for the state that is needed",
            Self::FixConfiguration => "correct the configuration or the machine",
            Self::TryOtherTarget => "try another target",
            Self::TryAlternative => "try another way",
            Self::FallBackToBridge => "join the two calls here instead",
            Self::ResumeCall => "resume the call or hang up",
            Self::AskUser => "ask the user what to do",
            Self::GiveUp => "give it up; a new one can be begun",
        })
    }
}
