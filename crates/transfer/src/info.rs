//! What can be seen of a transfer from outside.

use dialog_core::LegId;
use sip_message::{StatusCode, UriBuf};
use sip_transport::Tick;

use crate::{Role, TransferId};

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
    /// Transferor: whether the target is or was asked first.
    pub asks_first: bool,
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
