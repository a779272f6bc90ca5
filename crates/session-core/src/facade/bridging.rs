//! Calls that are bridged here: the back-to-back form of an attended transfer, and a bridge that is handed over.

use transfer::TransferId;

use super::{
    session_manager::{SessionManager, transfer_error},
    transfer::Transfer,
};
use crate::{
    driver::Answered,
    engine::Command,
    error::{SessionError, TransferError},
    event::SessionId,
};

impl SessionManager {
    /// Hands a bridge over to its two parties: the party of this call is referred to the party of the one that it is bridged
    /// with (REFER with Replaces), so that they talk without us. They go on talking through us meanwhile, and stay bridged
    /// if that fails: the outcome is then [`Recovered`](transfer::OutcomeKind::Recovered). Where a party has said that it takes no
    /// REFER or no Replaces nothing is sent. Returns once the engine has begun.
    ///
    /// The other party can be referred instead, by naming its call.
    ///
    /// # Errors
    ///
    /// [`NotBridged`](transfer::TransferRefusal::NotBridged); [`PeerCannot`](transfer::TransferRefusal::PeerCannot) and
    /// [`NoReplaces`](transfer::TransferRefusal::NoReplaces) by what the parties have said; `WrongState` if the call is not up,
    /// or is being moved.
    pub async fn hand_over(&self, session: &SessionId) -> Result<Transfer, TransferError> {
        self.begin(Command::HandOver { session: *session }).await
    }

    /// The back-to-back form of [`complete_attended_transfer`](Self::complete_attended_transfer). The engine ends the
    /// transferor's call; here its end is only waited for.
    pub(super) async fn complete_between(
        &self,
        transferor: SessionId,
        transferee: SessionId,
        consultation: SessionId,
    ) -> Result<TransferId, TransferError> {
        let command = Command::AttendedBetween { transferor, transferee, consultation };
        let id = self.begin(command).await?.succeeded().await?;
        match self.hang_up(transferor).await {
            // It may have hung up by itself, or have ended with the call that it was bridged with.
            Ok(()) | Err(SessionError::Unknown) => Ok(id),
            Err(error) => Err(error.into()),
        }
    }

    /// Begins a transfer.
    pub(super) async fn begin(&self, command: Command) -> Result<Transfer, TransferError> {
        match self.ask(command).await {
            Ok(Answered::Transfer(id, watch)) => Ok(Transfer::new(self.clone(), id, watch)),
            Ok(_) => Err(SessionError::Closed.into()),
            Err(error) => Err(transfer_error(error)),
        }
    }
}

impl Transfer {
    /// Waits for the outcome, which is an error unless the party talks to the target.
    pub(super) async fn succeeded(mut self) -> Result<TransferId, TransferError> {
        let outcome = self.outcome().await?;
        if outcome.kind.is_success() { Ok(self.id()) } else { Err(TransferError::Ended(outcome)) }
    }
}
