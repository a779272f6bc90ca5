//! The media of a transfer's calls, kept together from its begin to its end: who takes part, how good each call was,
//! and the switch of the user's audio. The automatic path and the application's commands use the same steps.

use media_core::{DeviceId, Op, QualityReport, StreamCommand, StreamFailure};
use smallvec::SmallVec;
use transfer::{TransferId, TransferRefusal};

use super::{
    CommandError, CommandId, Engine, Reply, Seen, Tap,
    media_boundary::{MediaCommand, MediaFailure, MonitorSummary, SessionMediaState},
    session::StreamState,
};
use crate::{
    MediaError, TransferError,
    error::{SessionError, SessionState},
    event::{EventKind, SessionId},
};

/// The calls of one transfer: transferor's, transferee's, the consultation and the new one. No kind has more.
const MAX_CALLS: usize = 4;

/// The calls of one live transfer, each with what was measured of it meanwhile (TM-084).
#[derive(Debug, Default)]
pub(super) struct Coordination {
    calls: SmallVec<[(SessionId, MonitorSummary); 3]>,
    /// The application has let go of it: no event of the transfer brings a call in again, only a command does.
    released: bool,
}

impl Coordination {
    fn has(&self, session: SessionId) -> bool {
        self.calls.iter().any(|(member, _)| *member == session)
    }
}

/// What the streams were asked and have not answered.
#[derive(Debug)]
pub(super) enum Awaited {
    /// A call gets ready to give its audio away.
    Preparation { command: CommandId, session: SessionId },
    /// The user's audio moves, by command or in the course of a transfer.
    Switch {
        command: Option<CommandId>,
        from: SessionId,
        to: SessionId,
        /// What the target has until the streams have done it.
        displaced: Option<DeviceId>,
    },
    /// A call gets audio of its own.
    Attachment { session: SessionId },
}

impl Awaited {
    fn command(&self) -> Option<CommandId> {
        match self {
            Self::Preparation { command, .. } => Some(*command),
            Self::Switch { command, .. } => *command,
            Self::Attachment { .. } => None,
        }
    }

    fn concerns(&self, call: SessionId) -> bool {
        match self {
            Self::Preparation { session, .. } | Self::Attachment { session } => *session == call,
            Self::Switch { from, to, .. } => *from == call || *to == call,
        }
    }
}

impl<T: Tap> Engine<T> {
    pub(super) fn media_command(&mut self, id: CommandId, command: MediaCommand) {
        let result = match command {
            MediaCommand::Coordinate { source, target, transfer } => {
                self.coordinate(source, target, transfer)
            }
            MediaCommand::Monitor { session, transfer } => {
                self.join(transfer, session, |engine| engine.require_media(session))
            }
            MediaCommand::Prepare { session, transfer } => return self.prepare(id, session, transfer),
            MediaCommand::Hold { session, transfer, held } => {
                return match self.require_transfer(transfer) {
                    Ok(()) => self.change_hold(id, session, held),
                    Err(error) => self.reply(id, Err(error)),
                };
            }
            MediaCommand::Execute { source, target, transfer } => {
                let coordinated = self
                    .coordinations
                    .get(&transfer)
                    .is_some_and(|coordination| coordination.has(source) && coordination.has(target));
                let checked = self.require_transfer(transfer).and_then(|()| {
                    coordinated.then_some(()).ok_or_else(|| MediaError::NotCoordinated.into())
                });
                return self.switch(id, source, target, checked);
            }
            MediaCommand::Move { source, target, transfer } => {
                let checked = self.require_transfer(transfer).and_then(|()| {
                    self.in_state(source, SessionState::Established)?;
                    self.in_state(target, SessionState::Established)?;
                    Ok(())
                });
                return self.switch(id, source, target, checked);
            }
            MediaCommand::Update { transfer } => {
                let states = self.require_transfer(transfer).map(|()| self.update(transfer));
                return self.reply(id, states.map(Reply::MediaStates));
            }
            MediaCommand::Cleanup { transfer } => {
                if let Some(coordination) = self.coordinations.get_mut(&transfer) {
                    coordination.released = true;
                }
                self.sum_up(transfer);
                Ok(())
            }
        };
        self.reply(id, result.map(|()| Reply::Done));
    }

    /// An event of a transfer names a call: it is watched until the transfer ends, or the application lets go of it.
    pub(super) fn takes_part(&mut self, transfer: TransferId, session: SessionId) {
        if !self.coordinations.get(&transfer).is_some_and(|coordination| coordination.released) {
            self.enter(transfer, session);
        }
    }

    fn enter(&mut self, transfer: TransferId, session: SessionId) {
        if let Some(member) = self.sessions.get_mut(&session) {
            member.media.monitored_by = Some(transfer);
        }
        let coordination = self.coordinations.entry(transfer).or_default();
        coordination.released = false;
        if !coordination.has(session) && coordination.calls.len() < MAX_CALLS {
            coordination.calls.push((session, MonitorSummary::default()));
        }
        self.show_part(transfer, session);
    }

    /// Lets the observer know whose messages a transfer's are.
    pub(super) fn show_part(&mut self, transfer: TransferId, session: SessionId) {
        let Some(member) = self.sessions.get(&session) else { return };
        let Some(call_id) = self.dialogs.call_id(member.leg) else { return };
        let seen = Seen::TakesPart { transfer, session, call_id, peer: &member.party.to_string() };
        self.tap.seen(self.surroundings.now, seen);
    }

    /// The transfer that a call was made for takes it in before it is there.
    pub(super) fn awaited_by(&self, session: SessionId) -> Option<TransferId> {
        let mut coordinations = self.coordinations.iter();
        coordinations.find(|(_, calls)| calls.has(session)).map(|(transfer, _)| *transfer)
    }

    /// A quality report of a call; the transfer that watches it.
    pub(super) fn measured(&mut self, session: SessionId, report: &QualityReport) -> Option<TransferId> {
        let transfer = self.sessions.get(&session)?.media.monitored_by?;
        let coordination = self.coordinations.get_mut(&transfer)?;
        let (_, summary) = coordination.calls.iter_mut().find(|(member, _)| *member == session)?;
        summary.add(report);
        Some(transfer)
    }

    /// The transfer is over: nothing of it is kept.
    pub(super) fn release(&mut self, transfer: TransferId) {
        self.sum_up(transfer);
        self.coordinations.remove(&transfer);
    }

    /// Nobody watches the calls any more: a summary for each (TM-084).
    fn sum_up(&mut self, transfer: TransferId) {
        let Some(coordination) = self.coordinations.get_mut(&transfer) else { return };
        for (session, summary) in std::mem::take(&mut coordination.calls) {
            if let Some(member) = self.sessions.get_mut(&session)
                && member.media.monitored_by == Some(transfer)
            {
                member.media.monitored_by = None;
            }
            self.tell(Some(session), Some(transfer), EventKind::MediaMonitored(summary));
        }
    }

    /// Something that the streams have answered; true when `op` was one.
    pub(super) fn switched(&mut self, op: Op, result: Result<(), StreamFailure>) -> bool {
        let Some(awaited) = self.switches.remove(&op) else { return false };
        let command = awaited.command();
        let done = match (result, &awaited) {
            (Ok(()), Awaited::Preparation { session, .. }) => self.prepared(*session),
            (Ok(()), Awaited::Switch { .. } | Awaited::Attachment { .. }) => Ok(Reply::Done),
            (Err(failure), _) => Err(MediaError::Streams(failure).into()),
        };
        let refused = result.err().and_then(|failure| Some((self.undo(&awaited)?, failure)));
        match (command, refused) {
            (Some(command), _) => self.reply(command, done),
            (None, Some((session, failure))) => {
                let failure = MediaFailure::Streams(failure);
                self.tell(Some(session), None, EventKind::MediaFailed { failure });
            }
            (None, None) => {}
        }
        true
    }

    /// The streams refused and changed nothing: the audio is where it was. Returns the call that goes without.
    fn undo(&mut self, awaited: &Awaited) -> Option<SessionId> {
        match *awaited {
            Awaited::Preparation { session, .. } => Some(session),
            Awaited::Switch { from, to, displaced, .. } => {
                let device = std::mem::replace(&mut self.sessions.get_mut(&to)?.device, displaced);
                if let Some(session) = self.sessions.get_mut(&from) {
                    session.device = session.device.or(device);
                }
                Some(to)
            }
            Awaited::Attachment { session } => {
                if let Some(device) = self.sessions.get_mut(&session)?.device.take() {
                    self.stream(StreamCommand::CloseDevice { device });
                }
                Some(session)
            }
        }
    }

    fn coordinate(
        &mut self,
        source: SessionId,
        target: SessionId,
        transfer: TransferId,
    ) -> Result<(), CommandError> {
        self.require_transfer(transfer)?;
        if source == target {
            return Err(TransferError::Refused(TransferRefusal::SameCall).into());
        }
        self.require_media(source)?;
        self.require_media(target)?;
        let members = self.coordinations.get(&transfer);
        let joining = [source, target]
            .into_iter()
            .filter(|session| !members.is_some_and(|members| members.has(*session)))
            .count();
        if members.map_or(0, |members| members.calls.len()) + joining > MAX_CALLS {
            return Err(SessionError::Busy.into());
        }
        self.enter(transfer, source);
        self.enter(transfer, target);
        Ok(())
    }

    fn join(
        &mut self,
        transfer: TransferId,
        session: SessionId,
        check: impl Fn(&Self) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        self.require_transfer(transfer)?;
        check(self)?;
        let members = self.coordinations.get(&transfer);
        if members.is_some_and(|members| !members.has(session) && members.calls.len() >= MAX_CALLS) {
            return Err(SessionError::Busy.into());
        }
        self.enter(transfer, session);
        Ok(())
    }

    /// Gets a call ready to give its audio away: no digit is under way any more (TM-044), it is noted where its stream stands,
    /// and it is held where that is the policy. Replied with the hold state that is in force.
    fn prepare(&mut self, id: CommandId, session: SessionId, transfer: TransferId) {
        let checked = self
            .require_transfer(transfer)
            .and_then(|()| self.in_state(session, SessionState::Established).map_err(CommandError::from))
            .and_then(|_| self.require_media(session));
        if let Err(error) = checked {
            return self.reply(id, Err(error));
        }
        self.enter(transfer, session);
        let holds = self.config.hold_before_transfer;
        if let Some(stream) = self.stream_of(session) {
            let op = self.op(session);
            if !holds {
                self.switches.insert(op, Awaited::Preparation { command: id, session });
            }
            self.stream(StreamCommand::Prepare { op, stream });
        } else if !holds {
            let state = self.prepared(session);
            return self.reply(id, state);
        }
        if holds {
            self.change_hold(id, session, true);
        }
    }

    fn prepared(&self, session: SessionId) -> Result<Reply, CommandError> {
        let state = self.sessions.get(&session).and_then(|session| session.hold_state());
        state.map(Reply::Hold).ok_or_else(|| MediaError::NotConfigured.into())
    }

    /// Moves the user's audio, and replies when the streams have done it or refuse.
    fn switch(&mut self, id: CommandId, from: SessionId, to: SessionId, checked: Result<(), CommandError>) {
        match checked.and_then(|()| self.begin_switch(from, to)) {
            Ok((op, displaced)) => {
                self.switches.insert(op, Awaited::Switch { command: Some(id), from, to, displaced });
            }
            Err(error) => self.reply(id, Err(error)),
        }
    }

    /// The audio takes the place of what the target has of its own, which the streams close in the same step.
    fn begin_switch(
        &mut self,
        from: SessionId,
        to: SessionId,
    ) -> Result<(Op, Option<DeviceId>), CommandError> {
        if from == to {
            return Err(TransferError::Refused(TransferRefusal::SameCall).into());
        }
        let source = self.stream_of(from).ok_or(MediaError::NotConfigured)?;
        let target = self.stream_of(to).ok_or(MediaError::NotConfigured)?;
        let device = self.sessions.get(&from).and_then(|session| session.device);
        let device = device.ok_or(MediaError::NoAudio)?;
        if let Some(session) = self.sessions.get_mut(&from) {
            session.device = None;
        }
        let displaced = self.sessions.get_mut(&to).and_then(|session| session.device.replace(device));
        let op = self.op(to);
        self.stream(StreamCommand::Replace { op, from: source, to: target });
        Ok((op, displaced))
    }

    /// Compares every call of a transfer with what is negotiated and corrects what differs.
    fn update(&mut self, transfer: TransferId) -> Vec<(SessionId, SessionMediaState)> {
        let calls: SmallVec<[SessionId; 3]> = self
            .coordinations
            .get(&transfer)
            .map(|coordination| coordination.calls.iter().map(|(session, _)| *session).collect())
            .unwrap_or_default();
        let mut states = Vec::with_capacity(calls.len());
        for session in calls {
            let unconfirmed = self
                .sessions
                .get(&session)
                .is_some_and(|session| session.stream == StreamState::Open && !session.media.confirmed());
            if unconfirmed {
                self.apply_media(session);
            }
            self.mend_hold(session);
            self.tell_media_state(session);
            if let Some(session) = self.sessions.get(&session) {
                states.push((session.id(), session.media_state()));
            }
        }
        states
    }

    fn require_transfer(&self, transfer: TransferId) -> Result<(), CommandError> {
        let live = self.transfers.transfers().any(|info| info.id == transfer);
        live.then_some(()).ok_or(TransferError::Refused(TransferRefusal::UnknownTransfer).into())
    }

    /// A call that is not over and has a description of its media.
    fn require_media(&self, session: SessionId) -> Result<(), CommandError> {
        let session = self.sessions.get(&session).ok_or(SessionError::Unknown)?;
        if session.state == SessionState::Ending {
            let (state, wanted) = (session.state, SessionState::Established);
            return Err(SessionError::WrongState { state, wanted }.into());
        }
        session.negotiation.as_ref().map(drop).ok_or_else(|| MediaError::NotConfigured.into())
    }

    /// What waits for the streams.
    pub(super) fn switching(&self) -> usize {
        self.switches.len()
    }

    /// The call's media is closed: what was asked for it will not be answered.
    pub(super) fn forget_switches(&mut self, session: SessionId) {
        let gone: SmallVec<[Op; 2]> = self
            .switches
            .iter()
            .filter(|(_, awaited)| awaited.concerns(session))
            .map(|(op, _)| *op)
            .collect();
        for op in gone {
            if let Some(command) = self.switches.remove(&op).and_then(|awaited| awaited.command()) {
                self.reply(command, Err(SessionError::Unknown.into()));
            }
        }
    }
}
