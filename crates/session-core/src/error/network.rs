//! Why the network did not carry a call.

use dialog_core::EndReason;
use sip_transport::{CloseCause, RouteError};
use thiserror::Error;

use super::RecoveryAction;

/// Why the network did not carry a call; [`SessionError::network`](super::SessionError::network) has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The host has no address (RFC 3263 §4.2).
    #[error("the host does not resolve; {advice}", advice = self.recovery())]
    Resolution,
    /// The scheme is none that SIP is sent over.
    #[error("the URI scheme cannot be routed; {advice}", advice = self.recovery())]
    Scheme,
    /// The URI asks for a transport that we do not have.
    #[error("the URI asks for a transport that is not offered here; {advice}", advice = self.recovery())]
    NoTransport,
    /// None of our addresses reaches the host's family.
    #[error("no listening address is of the host's family; {advice}", advice = self.recovery())]
    NoFamily,
    /// The URI has an `maddr`, which is not followed.
    #[error("the URI has an maddr, which is not followed; {advice}", advice = self.recovery())]
    Maddr,
    /// A table is full: calls, names that are looked up, connections.
    #[error("too much is under way at once; {advice}", advice = self.recovery())]
    Overload,
    /// The host refuses the connection.
    #[error("the connection was refused; {advice}", advice = self.recovery())]
    ConnectionRefused,
    /// The host did not answer the connection.
    #[error("the connection was not answered in time; {advice}", advice = self.recovery())]
    ConnectionTimeout,
    /// There is no way to the host.
    #[error("there is no way to the host; {advice}", advice = self.recovery())]
    NoWay,
    /// The connection ended before an answer came.
    #[error("the connection was lost; {advice}", advice = self.recovery())]
    ConnectionLost,
    /// The TLS handshake failed.
    #[error("the TLS handshake failed; {advice}", advice = self.recovery())]
    TlsHandshake,
    /// The host's certificate is not trusted.
    #[error("the host's certificate is not trusted; {advice}", advice = self.recovery())]
    TlsUntrusted,
    /// The host's certificate is that of somebody else (RFC 5922 §7).
    #[error("the host's certificate is of another domain; {advice}", advice = self.recovery())]
    TlsWrongName,
    /// The WebSocket handshake failed (RFC 7118 §4).
    #[error("the WebSocket handshake failed; {advice}", advice = self.recovery())]
    WebSocket,
    /// What the host sends is not SIP.
    #[error("what came over the connection is not SIP; {advice}", advice = self.recovery())]
    NotSip,
    /// Messages could not be sent.
    #[error("the host cannot be reached; {advice}", advice = self.recovery())]
    Unreachable,
    /// The network failed in a way that has no name here.
    #[error("the network failed: {0}; {advice}", advice = self.recovery())]
    Other(RouteError),
}

impl NetworkError {
    /// The network's part in the end of a call; `None` where the other side, or we, ended it.
    pub fn of(reason: &EndReason) -> Option<Self> {
        Some(match reason {
            EndReason::NoRoute(error) => Self::route(*error),
            EndReason::Unreachable => Self::Unreachable,
            EndReason::Overload => Self::Overload,
            EndReason::Bye
            | EndReason::Cancelled
            | EndReason::Refused(_)
            | EndReason::Redirected { .. }
            | EndReason::NoAnswer
            | EndReason::Gone
            | EndReason::NoAck
            | EndReason::NoPrack
            | EndReason::SessionExpired
            | EndReason::NotAcceptable => return None,
        })
    }

    fn route(error: RouteError) -> Self {
        match error {
            RouteError::Unresolved => Self::Resolution,
            RouteError::Scheme => Self::Scheme,
            RouteError::Transport => Self::NoTransport,
            RouteError::Family => Self::NoFamily,
            RouteError::Maddr => Self::Maddr,
            RouteError::Overload => Self::Overload,
            RouteError::Unreachable(cause) => match cause {
                CloseCause::Refused => Self::ConnectionRefused,
                CloseCause::TimedOut | CloseCause::WriteQueue => Self::ConnectionTimeout,
                CloseCause::NoRoute => Self::NoWay,
                CloseCause::Closed | CloseCause::Lost => Self::ConnectionLost,
                CloseCause::Handshake => Self::TlsHandshake,
                CloseCause::Untrusted => Self::TlsUntrusted,
                CloseCause::WrongName => Self::TlsWrongName,
                CloseCause::WebSocket => Self::WebSocket,
                CloseCause::Malformed => Self::NotSip,
                _ => Self::Other(error),
            },
            _ => Self::Other(error),
        }
    }

    /// What can be done about it.
    pub const fn recovery(&self) -> RecoveryAction {
        match self {
            Self::Resolution | Self::Scheme | Self::Maddr => RecoveryAction::FixInput,
            Self::NoTransport | Self::NoFamily | Self::TlsUntrusted | Self::TlsHandshake => {
                RecoveryAction::FixConfiguration
            }
            Self::TlsWrongName | Self::WebSocket | Self::NotSip => RecoveryAction::TryOtherTarget,
            Self::Overload
            | Self::ConnectionRefused
            | Self::ConnectionTimeout
            | Self::NoWay
            | Self::ConnectionLost
            | Self::Unreachable
            | Self::Other(_) => RecoveryAction::RetryLater,
        }
    }
}
