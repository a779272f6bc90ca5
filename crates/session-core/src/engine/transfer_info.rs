//! What can be seen of a live transfer.

use std::time::Duration;

use sip_message::StatusCode;
use transfer::TransferId;

use crate::{event::SessionId, stage::TransferStage};

/// Which kind of transfer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferKind {
    /// The target was not asked.
    Blind,
    /// There is a call with the target, which the party that is moved takes over (RFC 5589 §7).
    Attended,
    /// The same, completed while the target only rang (RFC 5589 §7.6).
    SemiAttended,
    /// The target gets the REFER and takes over the call of the party that is moved (RFC 5589 §7.4).
    ProtectedTarget,
    /// The target is told first what it is about, and takes the party over or does not ([`WarmOptions`](crate::WarmOptions)).
    Warm,
}

impl From<transfer::TransferKind> for TransferKind {
    /// The kind of a transfer that nobody decides on at its other end.
    fn from(kind: transfer::TransferKind) -> Self {
        match kind {
            transfer::TransferKind::Blind => Self::Blind,
            transfer::TransferKind::Attended => Self::Attended,
            transfer::TransferKind::SemiAttended => Self::SemiAttended,
            transfer::TransferKind::ProtectedTarget => Self::ProtectedTarget,
        }
    }
}

impl TransferKind {
    /// Its name as the public interfaces spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Attended => "attended",
            Self::SemiAttended => "semi-attended",
            Self::ProtectedTarget => "protect-target",
            Self::Warm => "warm",
        }
    }
}

/// A live transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferInfo {
    /// The transfer.
    pub transfer: TransferId,
    /// The call that is moved, or in which we were asked.
    pub session: SessionId,
    /// Transferee: the new call.
    pub new_session: Option<SessionId>,
    /// Transferor: our call with the target, which is or was asked first, or is called to be bridged with.
    pub consultation: Option<SessionId>,
    /// Our role.
    pub role: transfer::Role,
    /// Which kind it is.
    pub kind: TransferKind,
    /// How far it is, as its events have told.
    pub stage: TransferStage,
    /// Its state, by the catalogue's name.
    pub state: &'static str,
    /// The target.
    pub target: String,
    /// The last status that was heard or reported.
    pub last_code: Option<StatusCode>,
    /// How long it has been going on.
    pub age: Duration,
}
