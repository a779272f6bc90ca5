//! What the application asks for.

use std::time::Duration;

use dialog_core::{DialogCommand, Invite, LegCommand};
use sip_message::{NameAddrBuf, StatusCode, UriBuf};
use transfer::TransferCommand;

use super::{
    CallOptions, Command, CommandError, CommandId, Engine, NegotiatedMedia, Reply, SessionInfo, Tap,
    TransferInfo,
    session::{MAX_WAITERS, Session, Waiter, Wish},
    transfers::Asked,
};
use crate::{
    error::{SessionError, SessionState},
    event::{EventKind, SessionId},
    stage::TransferStage,
};

impl<T: Tap> Engine<T> {
    pub(super) fn command(&mut self, id: CommandId, command: Command) {
        match command {
            Command::Call { target, options } => {
                let result = self.place(&target, options).map(Reply::Session).map_err(CommandError::from);
                self.reply(id, result);
            }
            Command::Ring { session } => self.ask_incoming(id, session, LegCommand::Ring),
            Command::Answer { session, source } => {
                let incoming =
                    self.sessions.get_mut(&session).filter(|session| session.state == SessionState::Incoming);
                if let (Some(source), Some(session)) = (source, incoming) {
                    session.source = source;
                }
                let contact_user = self.config.contact_user.clone();
                self.ask_incoming(id, session, LegCommand::Accept { contact_user });
            }
            Command::Reject { session, status } => {
                self.ask_incoming(id, session, LegCommand::Reject { status, retry_after: None });
            }
            Command::HangUp { session } => self.hang_up(id, session),
            Command::Drain => {
                self.draining = true;
                self.transfers.drain();
                self.reply(id, Ok(Reply::Done));
            }
            Command::HangUpAll => {
                self.stopping = true;
                // Before the calls end, whose BYEs and CANCELs have nothing to do with what was asked for.
                self.ask_dialog(DialogCommand::Deactivate);
                self.unregister_all();
                let all: Vec<SessionId> = self.sessions.keys().copied().collect();
                for session in all {
                    match self.in_state(session, SessionState::Incoming) {
                        // Nobody has declined it: we are only not there any more.
                        Ok(leg) => {
                            let status = StatusCode::TEMPORARILY_UNAVAILABLE;
                            self.ask_leg(leg, LegCommand::Reject { status, retry_after: None });
                        }
                        Err(_) => self.end(session),
                    }
                }
                self.reply(id, Ok(Reply::Done));
            }
            Command::Hold { session } => self.change_hold(id, session, true),
            Command::Resume { session } => self.change_hold(id, session, false),
            Command::Blind { session, target } => self.blind(id, session, target, None),
            Command::BlindWith { session, target, options } => {
                self.blind(id, session, target, Some(*options));
            }
            Command::Consult { session, target, options, completion } => {
                // The transfer's id is in its reply.
                let _ = self.consult(id, session, target, options, completion);
            }
            Command::Warm { session, target, options } => self.begin_warm(id, session, target, *options),
            Command::DecideWarm { transfer, accept } => self.decide_warm(id, transfer, accept),
            Command::Attended { session, consultation, options } => {
                self.attended(id, session, consultation, options);
            }
            Command::AttendedBetween { transferor, transferee, consultation } => {
                self.attended_between(id, transferor, transferee, consultation);
            }
            Command::HandOver { session } => self.hand_over(id, session),
            Command::Complete { transfer } => {
                let command = TransferCommand::Complete { transfer, fallback: None };
                self.ask_transfer(id, command, Asked::done);
            }
            Command::Swap { transfer } => {
                self.ask_transfer(id, TransferCommand::Swap { transfer }, Asked::done);
            }
            Command::Detach { transfer } => {
                self.ask_transfer(id, TransferCommand::Detach { transfer }, Asked::done);
            }
            Command::CancelTransfer { transfer } => self.cancel_transfer(id, transfer),
            Command::Decide { transfer, decision } => {
                self.ask_transfer(id, TransferCommand::Decide { transfer, decision }, Asked::done);
            }
            Command::Manual(command) => self.manual_command(id, command),
            Command::ListTransfers => {
                let transfers = self.transfer_infos();
                self.reply(id, Ok(Reply::Transfers(transfers)));
            }
            Command::ListSessions => {
                let sessions = self.sessions.values().filter(|session| session.unseen.is_none());
                let sessions = sessions.map(|session| SessionInfo {
                    session: session.id(),
                    state: session.state,
                    peer: session.party.to_string(),
                });
                let sessions = sessions.collect();
                self.reply(id, Ok(Reply::Sessions(sessions)));
            }
            Command::Find { session } => {
                let found = self.sessions.contains_key(&session).then_some(Reply::Session(session));
                self.reply(id, found.ok_or(SessionError::Unknown.into()));
            }
            Command::MediaInfo { session } => {
                let result = self.negotiated(session).map(|media| Reply::Media(Box::new(media)));
                self.reply(id, result.ok_or(SessionError::Unknown.into()));
            }
            Command::Media(command) => self.media_command(id, command),
            Command::Audio(command) => self.audio_command(id, command),
            Command::Account(command) => self.account_command(id, command),
        }
    }

    fn place(&mut self, target: &UriBuf, options: CallOptions) -> Result<SessionId, SessionError> {
        let uri = target.as_uri();
        if !uri.is_sip() || uri.headers().next().is_some() || uri.param("method").is_some() {
            return Err(SessionError::Target(target.to_string()));
        }
        self.takes_new()?;
        if self.sessions.len() >= self.config.max_calls {
            return Err(SessionError::TooManyCalls { limit: self.config.max_calls });
        }
        let registration =
            self.registration_for(options.registration).map_err(|_| SessionError::UnknownAccount)?;
        let leg = self.mint_leg();
        let id = SessionId::from(leg.number());
        let source = options.source.unwrap_or_else(|| self.config.source.clone());
        let mut session = Session::new(leg, SessionState::Calling, target.clone(), source);
        session.device = Some(Self::own_device(id));
        session.registration = registration;
        self.sessions.insert(id, Box::new(session));
        let invite = Invite {
            to: NameAddrBuf::from(target.clone()),
            target: target.clone(),
            from: self.identity_of(registration),
            contact_user: self.config.contact_user.clone(),
            registration,
            headers: Vec::new(),
            extensions: Vec::new(),
            ring_limit: options.ring_limit.unwrap_or(self.config.ring_limit),
            redirects: Invite::REDIRECTS,
            offerless: false,
        };
        self.tell(Some(id), None, EventKind::Calling { to: target.as_str().to_owned() });
        self.ask_dialog(DialogCommand::Place { leg, invite: Box::new(invite) });
        Ok(id)
    }

    /// Whether calls and transfers may begin.
    pub(super) fn takes_new(&self) -> Result<(), SessionError> {
        match (self.stopping, self.draining) {
            (true, _) => Err(SessionError::Closed),
            (false, true) => Err(SessionError::Draining),
            (false, false) => Ok(()),
        }
    }

    /// A command that only an incoming call takes.
    fn ask_incoming(&mut self, id: CommandId, session: SessionId, command: LegCommand) {
        match self.in_state(session, SessionState::Incoming) {
            Ok(leg) => {
                self.ask_leg(leg, command);
                self.reply(id, Ok(Reply::Done));
            }
            Err(error) => self.reply(id, Err(error.into())),
        }
    }

    pub(super) fn in_state(
        &self,
        id: SessionId,
        wanted: SessionState,
    ) -> Result<dialog_core::LegId, SessionError> {
        let session = self.sessions.get(&id).ok_or(SessionError::Unknown)?;
        if session.state == wanted {
            Ok(session.leg)
        } else {
            Err(SessionError::WrongState { state: session.state, wanted })
        }
    }

    fn hang_up(&mut self, id: CommandId, session: SessionId) {
        let Some(waiting) = self.sessions.get_mut(&session) else {
            self.reply(id, Err(SessionError::Unknown.into()));
            return;
        };
        if waiting.enders.len() >= MAX_WAITERS {
            self.reply(id, Err(SessionError::Busy.into()));
            return;
        }
        waiting.enders.push(id);
        self.end(session);
    }

    /// Ends a call; one that is being transferred by the other side ends when that has been reported (TR-256).
    pub(super) fn end(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let (leg, state) = (session.leg, session.state);
        if state == SessionState::Ending {
            return;
        }
        self.transfers.before_hang_up(&mut self.surroundings.cx(), leg, &mut self.from_transfers.out());
        if self.is_being_moved(leg) {
            // The BYE waits until the last report was answered or given up on (TR-252, TR-256); for the user it is over.
            if let Some(session) = self.sessions.get_mut(&id) {
                session.state = SessionState::Ending;
                session.ends_after_transfer = true;
            }
            self.close_media(id);
        } else {
            self.hang_up_leg(leg);
        }
    }

    pub(super) fn change_hold(&mut self, id: CommandId, session: SessionId, held: bool) {
        let limit = self.config.hold_limit;
        let result = self.in_state(session, SessionState::Established).map_err(CommandError::from);
        if let Err(error) = result.and_then(|_| self.wish_hold(session, held, Waiter::Command(id), limit)) {
            self.reply(id, Err(error));
        }
    }

    /// Wishes for hold or for its end. Whoever waits is told when it is in force, at once if it is already.
    pub(super) fn wish_hold(
        &mut self,
        id: SessionId,
        held: bool,
        waiter: Waiter,
        limit: Duration,
    ) -> Result<(), CommandError> {
        let session = self.sessions.get_mut(&id).ok_or(SessionError::Unknown)?;
        let in_force = session.hold_state();
        let negotiation =
            session.negotiation.as_mut().ok_or(SessionError::Media(crate::MediaError::NotConfigured))?;
        let settled = session.wishes.is_empty() && negotiation.desired_hold() == held;
        // A transfer asks in any case: the answer also tells whether the call still lives (TR-266).
        if let (true, Some(state), Waiter::Command(command)) = (settled, in_force, waiter)
            && state.local == held
        {
            self.reply(command, Ok(Reply::Hold(state)));
            return Ok(());
        }
        if session.wishes.len() >= MAX_WAITERS {
            return Err(SessionError::Busy.into());
        }
        negotiation.desire(held);
        session.wishes.push(Wish { waiter, held: Some(held), covered: false });
        let leg = session.leg;
        self.ask_leg(leg, LegCommand::Reoffer { limit });
        Ok(())
    }

    fn transfer_infos(&self) -> Vec<TransferInfo> {
        let now = self.surroundings.now;
        let infos = self.transfers.transfers().map(|info| TransferInfo {
            transfer: info.id,
            session: SessionId::from(info.leg.number()),
            new_session: info.new_leg.map(|leg| SessionId::from(leg.number())),
            consultation: info.consultation.map(|leg| SessionId::from(leg.number())),
            role: info.role,
            kind: self.kind_of(info.id, info.kind),
            // One that has not told anything has just begun.
            stage: self.stages.of(info.id).unwrap_or(TransferStage::Initiated),
            state: info.state,
            target: info.target.to_string(),
            last_code: info.last_code,
            age: now.since(info.started),
        });
        infos.collect()
    }

    fn negotiated(&self, id: SessionId) -> Option<NegotiatedMedia> {
        let session = self.sessions.get(&id)?;
        let negotiation = session.negotiation.as_ref();
        Some(NegotiatedMedia {
            state: session.state,
            media: session.media_state(),
            local: negotiation
                .map(|negotiation| (negotiation.local().address, negotiation.local().port).into()),
            agreed: negotiation.and_then(|negotiation| negotiation.in_force().cloned()),
            local_hold: negotiation.is_some_and(media_core::Negotiation::local_hold),
            remote_hold: negotiation.is_some_and(media_core::Negotiation::remote_hold),
            stream: self.stream_of(id),
            device: session.device,
        })
    }
}
