//! The engine's side of transfer: what the transfer layer wants done, and its events for the application.

use dialog_core::{DialogCommand, DialogEvent, Invite, LegEvent, LegId};
use sip_message::{NameAddrBuf, UriBuf};
use transfer::{
    Outcome, Purpose, Role, TransferCommand, TransferEvent, TransferEventKind, TransferId, TransferOutput,
};

use super::{
    CommandId, Delivery, Engine, EngineTimer, Output, Reply, Tap, TransferKind, arm,
    manual::Due,
    session::{Session, StreamState, Waiter},
};
use crate::{
    error::{SessionState, TransferError},
    event::{EventKind, SessionId},
};

/// A command that waits for the transfer layer to accept or refuse it, within the same step.
#[derive(Debug)]
pub(super) struct Asked {
    transfer: TransferId,
    command: CommandId,
    then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    ReplyTransfer,
    /// As that; and this call is ended by the success.
    ReplyTransferOf(SessionId),
    ReplyDone,
    WaitForCall,
    WaitForEnd,
    WaitForStep(Due),
    WaitForCallEnd(SessionId),
}

impl Asked {
    pub(super) fn new(transfer: TransferId, command: CommandId, then: Then) -> Self {
        Self { transfer, command, then }
    }

    /// Replies with the transfer.
    pub(super) fn transfer(transfer: TransferId, command: CommandId) -> Self {
        Self { transfer, command, then: Then::ReplyTransfer }
    }

    /// Replies with the transfer, whose success ends the call of the transferor.
    pub(super) fn between(transfer: TransferId, command: CommandId, transferor: SessionId) -> Self {
        Self { transfer, command, then: Then::ReplyTransferOf(transferor) }
    }

    /// Replies that it is done.
    pub(super) fn done(transfer: TransferId, command: CommandId) -> Self {
        Self { transfer, command, then: Then::ReplyDone }
    }

    /// Replies when the consultation call is placed.
    pub(super) fn until_placed(transfer: TransferId, command: CommandId) -> Self {
        Self { transfer, command, then: Then::WaitForCall }
    }

    /// Replies when the transfer has ended.
    pub(super) fn until_ended(transfer: TransferId, command: CommandId) -> Self {
        Self { transfer, command, then: Then::WaitForEnd }
    }
}

impl<T: Tap> Engine<T> {
    pub(super) fn ask_transfer(
        &mut self,
        id: CommandId,
        command: TransferCommand,
        asked: impl Fn(TransferId, CommandId) -> Asked,
    ) {
        let (TransferCommand::Blind { transfer, .. }
        | TransferCommand::Attended { transfer, .. }
        | TransferCommand::Consult { transfer, .. }
        | TransferCommand::Complete { transfer, .. }
        | TransferCommand::Swap { transfer }
        | TransferCommand::Detach { transfer }
        | TransferCommand::Cancel { transfer }
        | TransferCommand::Decline { transfer, .. }
        | TransferCommand::Decide { transfer, .. }
        | TransferCommand::Step { transfer, .. }) = &command;
        self.asked.push_back(asked(*transfer, id));
        self.command_transfers(command);
    }

    pub(super) fn command_transfers(&mut self, command: TransferCommand) {
        self.transfers.command(&mut self.surroundings.cx(), command, &mut self.from_transfers.out());
    }

    /// Whether a transfer that the other side of a call asked for has not ended.
    pub(super) fn is_being_moved(&self, leg: LegId) -> bool {
        self.transfers.transfers().any(|info| info.role == Role::Transferee && info.leg == leg)
    }

    pub(super) fn carry_transfer(&mut self, output: TransferOutput) {
        self.tap.seen(self.surroundings.now, super::Seen::Step { from: "transfer", value: &output });
        match output {
            TransferOutput::Dialog(command) => self.ask_dialog(command),
            TransferOutput::Hold { leg, limit } => self.transfer_hold(leg, true, limit),
            TransferOutput::Resume { leg, limit } => self.transfer_hold(leg, false, limit),
            TransferOutput::Place { leg, beside, purpose, target, from, headers, extensions, ring_limit } => {
                self.place_beside(leg, beside, purpose, &target);
                let beside = self.sessions.get(&SessionId::from(beside.number()));
                let transfer = beside.and_then(|session| session.media.monitored_by);
                let registration = beside.and_then(|session| session.registration);
                let invite = Invite {
                    to: NameAddrBuf::from(target.clone()),
                    target,
                    from: from.unwrap_or_else(|| self.identity_of(registration)),
                    contact_user: self.config.contact_user.clone(),
                    registration,
                    headers,
                    extensions,
                    ring_limit,
                    // The transferee looks at each target itself, by its policy (TR-200).
                    redirects: 0,
                    offerless: false,
                };
                self.ask_dialog(DialogCommand::Place { leg, invite: Box::new(invite) });
                if let Some(transfer) = transfer {
                    self.show_part(transfer, SessionId::from(leg.number()));
                }
            }
            TransferOutput::Answer { leg, replaced } => self.answer_in_place(leg, replaced),
            TransferOutput::Replacement(told) => self.tell_replacement(*told),
            TransferOutput::MoveMedia { from, to } => {
                self.move_media(SessionId::from(from.number()), SessionId::from(to.number()));
            }
            TransferOutput::Bridge { a, b } => self.bridge(a, b),
            TransferOutput::Unbridge { a, b } => self.unbridge(a, b),
            TransferOutput::Event(event) => self.transfer_event(event),
            TransferOutput::Accepted { transfer } => self.transfer_asked(transfer, Ok(())),
            TransferOutput::Refused { transfer, error } => self.transfer_asked(transfer, Err(error)),
            TransferOutput::Stepped { transfer, step } => self.stepped(transfer, &step),
            TransferOutput::Timer(op) => {
                arm(&mut self.timers, self.surroundings.now, op, EngineTimer::Transfer);
            }
        }
    }

    /// The session of a call that the transfer layer places, with the audio of the one beside it.
    fn place_beside(&mut self, leg: LegId, beside: LegId, purpose: Purpose, target: &UriBuf) {
        let other = self.sessions.get(&SessionId::from(beside.number()));
        let source = other.map_or_else(|| self.config.source.clone(), |session| session.source.clone());
        // Without audio beside it that could be moved, the new call brings its own.
        let moves =
            other.is_some_and(|session| session.stream == StreamState::Open && session.device.is_some());
        let id = SessionId::from(leg.number());
        let mut session = Session::new(leg, SessionState::Calling, target.clone(), source);
        session.registration = other.and_then(|session| session.registration);
        session.referred = matches!(purpose, Purpose::Referred | Purpose::Recall);
        session.device = (!moves).then(|| Self::own_device(id));
        session.media.monitored_by = self.awaited_by(id);
        self.sessions.insert(id, Box::new(session));
        self.tell(Some(id), None, EventKind::Calling { to: target.to_string() });
    }

    fn transfer_asked(&mut self, transfer: TransferId, result: Result<(), transfer::TransferRefusal>) {
        let Some(at) = self.asked.iter().position(|asked| asked.transfer == transfer) else {
            return self.warm_asked(transfer, result.is_ok());
        };
        let Some(asked) = self.asked.remove(at) else { return };
        if asked.then == Then::WaitForCall {
            self.warm_begun(transfer, result.is_ok());
        }
        match (result, asked.then) {
            (Err(refusal), _) => self.reply(asked.command, Err(TransferError::from(refusal).into())),
            (Ok(()), Then::ReplyTransfer) => self.reply(asked.command, Ok(Reply::Transfer(transfer))),
            (Ok(()), Then::ReplyTransferOf(transferor)) => {
                self.leaving.insert(transfer, transferor);
                self.reply(asked.command, Ok(Reply::Transfer(transfer)));
            }
            (Ok(()), Then::ReplyDone) => self.reply(asked.command, Ok(Reply::Done)),
            (Ok(()), Then::WaitForCall) => {
                self.consulting.insert(transfer, asked.command);
            }
            (Ok(()), Then::WaitForStep(due)) => {
                self.stepping.entry(transfer).or_default().push((asked.command, due));
            }
            (Ok(()), Then::WaitForCallEnd(session)) => {
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.enders.push(asked.command);
                }
            }
            (Ok(()), Then::WaitForEnd) => self.cancellers.entry(transfer).or_default().push(asked.command),
        }
    }

    /// Holds or resumes on behalf of a transfer. What cannot even be asked is told to it as a failed offer.
    fn transfer_hold(&mut self, leg: LegId, held: bool, limit: std::time::Duration) {
        let id = SessionId::from(leg.number());
        if self.wish_hold(id, held, Waiter::Transfer, limit).is_err() {
            let event =
                DialogEvent::Leg(leg, LegEvent::Reoffered(Err(dialog_core::ReofferError::Description)));
            self.transfers.receive(&mut self.surroundings.cx(), &event, &mut self.from_transfers.out());
        }
    }

    fn transfer_event(&mut self, event: TransferEvent) {
        let TransferEvent { transfer, leg, kind, .. } = event;
        let session = SessionId::from(leg.number());
        self.takes_part(transfer, session);
        let kind = match kind {
            TransferEventKind::Initiated { target, kind } => {
                let kind = self.kind_of(transfer, kind);
                EventKind::TransferInitiated { target: target.to_string(), kind }
            }
            TransferEventKind::KindChanged { kind } => match self.kind_of(transfer, kind) {
                // It is that all the time.
                TransferKind::Warm => return,
                kind => EventKind::TransferKindChanged { kind },
            },
            TransferEventKind::Requested { target, referred_by, verified, decide, kind } => {
                let told = EventKind::TransferRequested {
                    target: target.to_string(),
                    referred_by: referred_by.as_ref().map(|who| who.uri.to_string()),
                    referred_by_name: referred_by
                        .as_ref()
                        .and_then(|who| who.display.as_deref().map(Into::into)),
                    verified,
                    decide,
                    kind: kind.into(),
                };
                if decide {
                    let delivery = Delivery::Transfer { transfer, session, target, referred_by };
                    self.outputs.push_back(Output::Deliver(delivery));
                }
                told
            }
            TransferEventKind::Consulting { consultation } => {
                let consultation = SessionId::from(consultation.number());
                self.takes_part(transfer, consultation);
                self.warm_consulting(transfer, consultation);
                if let Some(command) = self.consulting.remove(&transfer) {
                    self.reply(command, Ok(Reply::Consultation(transfer, consultation)));
                }
                EventKind::TransferConsulting { consultation }
            }
            TransferEventKind::ConsultRinging { status } => EventKind::ConsultRinging { status },
            TransferEventKind::ConsultAnswered => {
                self.tell(Some(session), Some(transfer), EventKind::ConsultAnswered);
                return self.warm_answered(transfer);
            }
            TransferEventKind::ConsultFailed { status } => EventKind::ConsultFailed { status },
            TransferEventKind::NotifyTimeout => EventKind::NotifyTimeout,
            TransferEventKind::SubscriptionEnded { end, reason } => {
                EventKind::SubscriptionEnded { end, reason }
            }
            TransferEventKind::Swapped { active } => {
                EventKind::ConsultSwapped { active: SessionId::from(active.number()) }
            }
            TransferEventKind::PrimaryLost => EventKind::PrimaryLost,
            TransferEventKind::ReferSent => EventKind::ReferSent,
            TransferEventKind::Accepted { status } => EventKind::TransferAccepted { status },
            TransferEventKind::AwaitingApproval => EventKind::TransferAwaitingApproval,
            TransferEventKind::Progress { status } => EventKind::TransferProgress { status },
            TransferEventKind::Bridging => EventKind::TransferBridging,
            TransferEventKind::Recovering => EventKind::TransferRecovering,
            TransferEventKind::Connected { to } => {
                let to = SessionId::from(to.number());
                self.takes_part(transfer, to);
                EventKind::TransferConnected { to }
            }
            TransferEventKind::Recalling { to } => {
                EventKind::TransferRecalling { to: SessionId::from(to.number()) }
            }
            TransferEventKind::Ended(outcome) => return self.transfer_ended(transfer, session, outcome),
        };
        self.tell(Some(session), Some(transfer), kind);
    }

    /// Tells the one outcome of a transfer, and lets go of what waited for it.
    pub(super) fn transfer_ended(&mut self, transfer: TransferId, session: SessionId, outcome: Outcome) {
        for command in self.cancellers.remove(&transfer).unwrap_or_default() {
            self.reply(command, Ok(Reply::Done));
        }
        if let Some(command) = self.consulting.remove(&transfer) {
            self.reply(command, Err(TransferError::Ended(outcome).into()));
        }
        if let Some(waiting) = self.sessions.get(&session).filter(|session| session.ends_after_transfer) {
            let leg = waiting.leg;
            self.hang_up_leg(leg);
        }
        if let Some(transferor) = self.leaving.remove(&transfer).filter(|_| outcome.kind.is_success()) {
            self.end(transferor);
        }
        self.warm_ended(transfer, outcome);
        self.forget_steps(transfer, outcome);
        self.release(transfer);
        self.tell(Some(session), Some(transfer), EventKind::TransferEnded(outcome));
    }
}
