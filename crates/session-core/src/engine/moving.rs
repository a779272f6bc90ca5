//! What the application asks for to move a call: a transfer of each kind, with what the engine knows of its calls.

use dialog_core::LegId;
use sip_message::{NameAddrBuf, UriBuf};
use transfer::{
    AttendedOptions, Completion, Hold, ReferOptions, Role, TransferCommand, TransferId, TransferRefusal,
};

use super::{CommandId, Engine, Tap, session::MAX_WAITERS, transfers::Asked};
use crate::{
    TransferError,
    error::{SessionError, SessionState},
    event::SessionId,
};

impl<T: Tap> Engine<T> {
    pub(super) fn blind(
        &mut self,
        id: CommandId,
        session: SessionId,
        target: UriBuf,
        options: Option<ReferOptions>,
    ) {
        let Some(leg) = self.established(id, session) else { return };
        let command = TransferCommand::Blind {
            transfer: self.surroundings.ids.mint(),
            leg,
            target,
            hold: self.hold_of(session),
            referred_by: Some(self.referrer_in(session)),
            options: options.unwrap_or_else(|| self.config.refer.clone()),
        };
        self.ask_transfer(id, command, Asked::transfer);
    }

    /// The transfer, where the transfer layer was asked.
    pub(super) fn consult(
        &mut self,
        id: CommandId,
        session: SessionId,
        target: UriBuf,
        options: AttendedOptions,
        completion: Completion,
    ) -> Option<TransferId> {
        let leg = self.established(id, session)?;
        let limit = self.config.max_calls;
        if self.sessions.len() >= limit {
            self.reply(id, Err(TransferError::Session(SessionError::TooManyCalls { limit }).into()));
            return None;
        }
        let transfer = self.surroundings.ids.mint();
        let command = TransferCommand::Consult {
            transfer,
            leg,
            consultation: self.mint_leg(),
            target,
            hold: self.hold_of(session),
            // The target knows us by that: the consultation call goes out as the call it is asked in.
            referred_by: Some(self.referrer_in(session)),
            options,
            refer: self.config.refer.clone(),
            completion,
        };
        self.ask_transfer(id, command, Asked::until_placed);
        Some(transfer)
    }

    pub(super) fn attended(
        &mut self,
        id: CommandId,
        session: SessionId,
        consultation: SessionId,
        options: AttendedOptions,
    ) {
        let hold = self.hold_of(session);
        let refer = self.config.refer.clone();
        self.attended_as(id, (session, consultation), (options, refer), hold, Asked::transfer);
    }

    /// As [`attended`](Self::attended), with the first call held in this way, and this to be replied.
    pub(super) fn attended_as(
        &mut self,
        id: CommandId,
        (session, consultation): (SessionId, SessionId),
        (options, refer): (AttendedOptions, ReferOptions),
        hold: Hold,
        asked: impl Fn(TransferId, CommandId) -> Asked,
    ) {
        if let Some(transfer) = self.consultation_of(session, consultation) {
            self.ask_transfer(id, TransferCommand::Complete { transfer, fallback: None }, asked);
            return;
        }
        if session == consultation {
            self.reply(id, Err(TransferError::Refused(TransferRefusal::SameCall).into()));
            return;
        }
        let Some(leg) = self.established(id, session) else { return };
        let Some(other) = self.established(id, consultation) else { return };
        // Who gets the INVITE with Replaces asks whether it was sent by whom the replaced call is with (decision D9).
        let replaced = if options.protect_target { session } else { consultation };
        let command = TransferCommand::Attended {
            transfer: self.surroundings.ids.mint(),
            leg,
            consultation: other,
            hold,
            consultation_held: self.is_held(consultation),
            referred_by: Some(self.referrer_in(replaced)),
            options,
            refer,
        };
        self.ask_transfer(id, command, asked);
    }

    /// Gives a transfer up; replied when it has ended.
    pub(super) fn cancel_transfer(&mut self, id: CommandId, transfer: TransferId) {
        if self.cancellers.get(&transfer).is_some_and(|waiting| waiting.len() >= MAX_WAITERS) {
            return self.reply(id, Err(SessionError::Busy.into()));
        }
        self.ask_transfer(id, TransferCommand::Cancel { transfer }, Asked::until_ended);
    }

    /// The transfer in which the target of the one call is asked in the other.
    pub(super) fn consultation_of(&self, session: SessionId, consultation: SessionId) -> Option<TransferId> {
        let is_this =
            |leg: Option<LegId>, wanted: SessionId| leg.is_some_and(|leg| leg.number() == wanted.number());
        let mut transfers = self.transfers.transfers();
        let found = transfers.find(|info| {
            info.role == Role::Transferor
                && is_this(Some(info.leg), session)
                && is_this(info.consultation, consultation)
        });
        found.map(|info| info.id)
    }

    /// Referred-By as the party of a call knows us: the address of the account that the call goes by (TR-140).
    pub(super) fn referrer_in(&self, session: SessionId) -> NameAddrBuf {
        self.identity_of(self.sessions.get(&session).and_then(|session| session.registration))
    }

    /// The leg of a call that is up, for a transfer that begins; otherwise the command is answered here.
    pub(super) fn established(&mut self, id: CommandId, session: SessionId) -> Option<LegId> {
        match self.takes_new().and_then(|()| self.in_state(session, SessionState::Established)) {
            Ok(leg) => Some(leg),
            Err(error) => {
                self.reply(id, Err(TransferError::Session(error).into()));
                None
            }
        }
    }

    /// Wished for is held enough: a transfer that fails must not resume what the application holds.
    pub(super) fn is_held(&self, session: SessionId) -> bool {
        let negotiation = self.sessions.get(&session).and_then(|session| session.negotiation.as_ref());
        negotiation.is_some_and(media_core::Negotiation::desired_hold)
    }

    pub(super) fn hold_of(&self, session: SessionId) -> Hold {
        match (self.config.hold_before_transfer, self.is_held(session)) {
            (_, true) => Hold::Already,
            (true, false) => Hold::First,
            (false, false) => Hold::No,
        }
    }
}
