//! How the process ends.

use std::process::ExitCode;

use session_core::{SessionError, StartError, TransferError};

/// The exit code; usage errors (2) mostly end the process while the command line is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for is done.
    Done,
    /// The call or the transfer failed.
    Failed,
    /// The command line is wrong.
    Usage,
    /// The machine does not allow it.
    Environment,
}

impl Exit {
    /// The code as the shell sees it.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Environment => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a verb did not do what it was asked to: one line for people, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// One line.
    pub(crate) reason: String,
}

impl Failure {
    /// The call or transfer failed.
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, reason: reason.into() }
    }

    /// The command line asks for something that cannot be.
    pub(crate) fn usage(reason: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, reason: reason.into() }
    }

    /// The machine does not allow it.
    pub(crate) fn environment(reason: impl Into<String>) -> Self {
        Self { exit: Exit::Environment, reason: reason.into() }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Listen { .. } | StartError::Certificate(_) | StartError::Identity(_) => {
                Self::usage(error.to_string())
            }
            _ => Self::environment(error.to_string()),
        }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        Self::failed(error.to_string())
    }
}

/// Tells a failure on stderr.
pub(crate) fn tell(failure: &Failure) -> Exit {
    say(&failure.reason);
    failure.exit
}

/// Says one line on stderr.
pub(crate) fn say(line: &str) {
    // Nothing is left to do where even stderr cannot be written; the exit code still tells.
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("patchcord: {line}\n"));
}
