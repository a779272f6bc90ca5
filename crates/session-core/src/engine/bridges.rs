//! The engine's side of a bridge: two calls whose streams are paired, so that the two parties hear each other through us
//! and not our user.

use dialog_core::LegId;
use media_core::{Op, StreamCommand, StreamFailure};
use transfer::{AttendedOptions, Fallback, Hold, TransferCommand, TransferRefusal};

use super::{CommandId, Engine, Tap, config::MediaMode, transfers::Asked};
use crate::{TransferError, error::SessionState, event::SessionId};

/// Two calls that are being paired. The streams have not answered.
#[derive(Debug)]
pub(super) struct Join {
    a: SessionId,
    b: SessionId,
    /// The pairs that make room.
    before: [Option<(SessionId, SessionId)>; 2],
    /// The transfer layer does not want it any more.
    dropped: bool,
}

impl<T: Tap> Engine<T> {
    /// Pairs the streams of two calls, and answers the transfer layer when the streams have done it or refuse.
    pub(super) fn bridge(&mut self, a: LegId, b: LegId) {
        let (a, b) = (SessionId::from(a.number()), SessionId::from(b.number()));
        if self.config.media == MediaMode::Off {
            self.bridged(a, b, true);
            return;
        }
        let (Some(one), Some(other)) = (self.stream_of(a), self.stream_of(b)) else {
            self.bridged(a, b, false);
            return;
        };
        let before = [self.unpair(a), self.unpair(b)];
        let op = self.op(a);
        self.joins.insert(op, Join { a, b, before, dropped: false });
        self.stream(StreamCommand::Pair { op, a: one, b: other });
    }

    /// What is being paired is not to be, whatever the streams answer.
    pub(super) fn unbridge(&mut self, a: LegId, b: LegId) {
        let pair = (SessionId::from(a.number()), SessionId::from(b.number()));
        self.joins.values_mut().filter(|join| (join.a, join.b) == pair).for_each(|join| join.dropped = true);
    }

    /// A pairing that the streams have answered; true when `op` was one.
    pub(super) fn joined(&mut self, op: Op, result: Result<(), StreamFailure>) -> bool {
        let Some(join) = self.joins.remove(&op) else { return false };
        let Join { a, b, before, dropped } = join;
        if result.is_ok() {
            self.pair(a, b);
        }
        if result.is_ok() && dropped {
            self.unpair(a);
        }
        if result.is_err() || dropped {
            self.restore(before);
        }
        if let Err(failure) = result {
            tracing::warn!(%a, %b, %failure, "two calls could not be joined");
        }
        if !dropped {
            self.bridged(a, b, result.is_ok());
        }
        true
    }

    /// Tells the transfer layer. Our user is with neither of the two calls any more.
    fn bridged(&mut self, a: SessionId, b: SessionId, joined: bool) {
        if joined {
            for id in [a, b] {
                let device = self.sessions.get_mut(&id).and_then(|session| session.device.take());
                if let Some(device) = device.filter(|_| self.config.media == MediaMode::On) {
                    self.stream(StreamCommand::CloseDevice { device });
                }
            }
        }
        let legs = [a, b].map(|id| LegId::from(id.number()));
        let before = legs.map(|leg| self.transfers.bridged_with(leg));
        let [one, other] = legs;
        self.transfers.bridged(
            &mut self.surroundings.cx(),
            one,
            other,
            joined,
            &mut self.from_transfers.out(),
        );
        for leg in before.into_iter().flatten().chain(legs) {
            self.follow_bridge(SessionId::from(leg.number()));
        }
    }

    /// A call's media are over: who was paired with it is alone, and what it was to be paired with has back what it had.
    pub(super) fn forget_pairs(&mut self, id: SessionId) {
        if let Some(with) = self.sessions.get_mut(&id).and_then(|session| session.paired.take())
            && let Some(with) = self.sessions.get_mut(&with)
        {
            with.paired = None;
        }
        let is_of = |join: &Join| join.a == id || join.b == id;
        let over: Vec<Op> = self.joins.iter().filter(|(_, join)| is_of(join)).map(|(op, _)| *op).collect();
        for join in over.into_iter().filter_map(|op| self.joins.remove(&op)).collect::<Vec<_>>() {
            self.restore(join.before);
        }
    }

    /// Pairs again what made room, where both calls have media.
    fn restore(&mut self, before: [Option<(SessionId, SessionId)>; 2]) {
        for (a, b) in before.into_iter().flatten() {
            if let (Some(one), Some(other)) = (self.stream_of(a), self.stream_of(b)) {
                let op = self.op(a);
                self.stream(StreamCommand::Pair { op, a: one, b: other });
                self.pair(a, b);
            }
        }
    }

    fn pair(&mut self, a: SessionId, b: SessionId) {
        for (id, with) in [(a, b), (b, a)] {
            if let Some(session) = self.sessions.get_mut(&id) {
                session.paired = Some(with);
            }
        }
    }

    /// Ends the pair that a call is in; gives the two calls.
    fn unpair(&mut self, id: SessionId) -> Option<(SessionId, SessionId)> {
        let stream = self.stream_of(id)?;
        let with = self.sessions.get_mut(&id)?.paired.take()?;
        if let Some(with) = self.sessions.get_mut(&with) {
            with.paired = None;
        }
        let op = self.op(id);
        self.stream(StreamCommand::Unpair { op, stream });
        Some((id, with))
    }

    /// Refers the party of a bridged call to the party of the other one. Neither is held: the two go on talking until the
    /// new call is up.
    pub(super) fn hand_over(&mut self, id: CommandId, session: SessionId) {
        let Some(leg) = self.established(id, session) else { return };
        let Some(consultation) = self.transfers.bridged_with(leg) else {
            self.reply(id, Err(TransferError::Refused(TransferRefusal::NotBridged).into()));
            return;
        };
        let replaced = SessionId::from(consultation.number());
        let command = TransferCommand::Attended {
            transfer: self.surroundings.ids.mint(),
            leg,
            consultation,
            hold: if self.is_held(session) { Hold::Already } else { Hold::No },
            consultation_held: self.is_held(replaced),
            referred_by: Some(self.referrer_in(replaced)),
            options: AttendedOptions { fallback: Some(Fallback::None), ..AttendedOptions::default() },
            refer: self.config.refer.clone(),
        };
        self.ask_transfer(id, command, Asked::transfer);
    }

    /// Moves the transferee of a back-to-back user agent to the party of the consultation call. The transferor, who is in
    /// a third call, only has to be there: its call is ended by the success, whoever waits for it. A transfer that has begun
    /// falls back to a bridge only if it is completed with this.
    pub(super) fn attended_between(
        &mut self,
        id: CommandId,
        transferor: SessionId,
        transferee: SessionId,
        consultation: SessionId,
    ) {
        if transferor == consultation {
            self.reply(id, Err(TransferError::Refused(TransferRefusal::SameCall).into()));
            return;
        }
        if let Err(error) = self.in_state(transferor, SessionState::Established) {
            self.reply(id, Err(TransferError::Session(error).into()));
            return;
        }
        let fallback = Some(Fallback::Bridge);
        let asked = |transfer, command| Asked::between(transfer, command, transferor);
        if let Some(transfer) = self.consultation_of(transferee, consultation) {
            self.ask_transfer(id, TransferCommand::Complete { transfer, fallback }, asked);
            return;
        }
        let options = AttendedOptions { fallback, ..AttendedOptions::default() };
        let (refer, hold) = (self.config.refer.clone(), self.hold_of(transferee));
        self.attended_as(id, (transferee, consultation), (options, refer), hold, asked);
    }
}
