//! Which kind of transfer it is, and when it becomes one of another kind.

use sip_transport::Out;

use super::Transferor;
use crate::{TransferEventKind, TransferKind, TransferOutput};

impl Transferor {
    /// The kind as things are now. One that began without a consultation stays blind, whoever is called for a bridge.
    const fn kind_now(&self) -> TransferKind {
        match self.kind {
            TransferKind::Blind => TransferKind::Blind,
            TransferKind::Attended | TransferKind::SemiAttended | TransferKind::ProtectedTarget => {
                if self.facts.protect {
                    TransferKind::ProtectedTarget
                } else if self.early {
                    TransferKind::SemiAttended
                } else {
                    TransferKind::Attended
                }
            }
        }
    }

    /// Tells the kind, if it is another one.
    pub(super) fn tell_kind(&mut self, out: &mut Out<'_, TransferOutput>) {
        let kind = self.kind_now();
        if kind != self.kind {
            self.kind = kind;
            self.tell(TransferEventKind::KindChanged { kind }, out);
        }
    }
}
