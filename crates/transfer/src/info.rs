//! What can be seen of a transfer from outside.

use dialog_core::LegId;
use sip_message::{StatusCode, UriBuf};
use sip_transport::Tick;

use crate::{Role, TransferId};

/// Which kind of transfer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferKind {
    /// The target was not asked.
    Blind,
    /// There is a call with the target, which the party that is moved takes over (RFC 5589 §7).
    Attended,
    /// It was completed while the target only rang (RFC 5589 §7.6).
    SemiAttended,
    /// The target gets the REFER, and takes over the call of the party that is moved, whose address it need not be told
    /// (RFC 5589 §7.4).
    ProtectedTarget,
}

/// One transfer that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferInfo {
    /// The transfer.
    pub id: TransferId,
    /// Our role.
    pub role: Role,
    /// The call that is moved, or on which we were asked to move.
    pub leg: LegId,
    /// Transferee: the new call, once it was placed.
    pub new_leg: Option<LegId>,
    /// Transferor: our call with the target, which is or was asked first, or is called to be bridged with.
    pub consultation: Option<LegId>,
    /// Which kind it is.
    pub kind: TransferKind,
    /// Where the party goes, or we go.
    pub target: UriBuf,
    /// The state by its name in the catalogue's tables (§2.1 to §2.3).
    pub state: &'static str,
    /// The last status that was heard of the referred call or of the REFER.
    pub last_code: Option<StatusCode>,
    /// Whether the application does its steps.
    pub by_hand: bool,
    /// When it began.
    pub started: Tick,
}
