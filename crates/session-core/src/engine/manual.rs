//! The steps of transfers that the application drives itself: to the transfer layer, and what came of them back.

use sip_message::{StatusCode, UriBuf};
use smallvec::SmallVec;
use transfer::{
    AttendedOptions, Decision, Hold, ManualStep, ReferOptions, StepDone, TransferCommand, TransferHandling,
    TransferId, TransferRefusal,
};

use super::{
    CommandError, CommandId, Engine, Reply, Tap,
    session::MAX_WAITERS,
    transfers::{Asked, Then},
};
use crate::{
    error::{SessionError, SessionState, TransferError},
    event::SessionId,
};

/// A step of the application's.
#[derive(Debug)]
pub enum ManualCommand {
    /// Says who handles the transfers of one call that begin from now on.
    Handling {
        /// The call.
        session: SessionId,
        /// Who.
        handling: TransferHandling,
    },
    /// Sends a REFER; replied with [`Reply::Stepped`] when it has its final response, or will have none.
    SendRefer {
        /// The call to the party that is to be moved.
        session: SessionId,
        /// Where to.
        to: ReferTo,
        /// How the REFER is made; the configuration's options where `None`.
        refer: Option<Box<ReferOptions>>,
        /// How it is done to the party of another call.
        options: AttendedOptions,
    },
    /// Decides by table 2.1 about the response; replied with [`Reply::Decided`].
    ProcessResponse {
        /// The transfer.
        transfer: TransferId,
    },
    /// Takes the next NOTIFY; replied with [`Reply::Progress`].
    TakeNotify {
        /// The transfer.
        transfer: TransferId,
    },
    /// Follows a REFER; replied when the NOTIFY that follows the 2xx is answered or given up on.
    AcceptRefer {
        /// The transfer.
        transfer: TransferId,
    },
    /// Reports; replied when the NOTIFY is answered or given up on.
    Notify {
        /// The transfer.
        transfer: TransferId,
        /// The status for the sipfrag.
        status: StatusCode,
        /// Whether it is the last report.
        last: bool,
    },
    /// Ends the call in which a REFER that led to a success was sent; replied when it has ended.
    Terminate {
        /// The call.
        session: SessionId,
        /// The transfer.
        transfer: TransferId,
    },
}

/// Where a party is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferTo {
    /// To a target that is not asked: `sip`, `sips` or `tel`, without headers and `method`.
    Target(UriBuf),
    /// To the party of another call: the REFER names that call in Replaces (RFC 5589 §7).
    Call(SessionId),
}

/// What a command waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Answered,
    Decided,
    Notified,
    Reported,
}

/// The commands that wait for steps of one transfer; at most [`MAX_WAITERS`].
pub(super) type Stepping = SmallVec<[(CommandId, Due); 2]>;

impl<T: Tap> Engine<T> {
    pub(super) fn manual_command(&mut self, id: CommandId, command: ManualCommand) {
        match command {
            ManualCommand::Handling { session, handling } => {
                let result = self.set_handling(session, handling).map(|()| Reply::Done);
                self.reply(id, result.map_err(CommandError::from));
            }
            ManualCommand::SendRefer { session, to, refer, options } => {
                self.send_refer(id, session, to, refer.map(|refer| *refer), options);
            }
            ManualCommand::ProcessResponse { transfer } => {
                self.step(id, transfer, ManualStep::ProcessResponse, Due::Decided);
            }
            ManualCommand::TakeNotify { transfer } => {
                self.step(id, transfer, ManualStep::TakeNotify, Due::Notified);
            }
            ManualCommand::AcceptRefer { transfer } => self.accept_refer(id, transfer),
            ManualCommand::Notify { transfer, status, last } => {
                self.step(id, transfer, ManualStep::Report { status, last }, Due::Reported);
            }
            ManualCommand::Terminate { session, transfer } => self.terminate(id, session, transfer),
        }
    }

    fn set_handling(&mut self, session: SessionId, handling: TransferHandling) -> Result<(), SessionError> {
        let leg = self.sessions.get(&session).ok_or(SessionError::Unknown)?.leg;
        if self.transfers.handling_for(leg, handling) { Ok(()) } else { Err(SessionError::Busy) }
    }

    /// One REFER, in a call that the application has held itself where the policy wants it.
    fn send_refer(
        &mut self,
        id: CommandId,
        session: SessionId,
        to: ReferTo,
        refer: Option<ReferOptions>,
        options: AttendedOptions,
    ) {
        let hold = match self.ready_for_refer(session, &to) {
            Ok(hold) => hold,
            Err(error) => return self.reply(id, Err(error)),
        };
        let begun = match &to {
            ReferTo::Call(consultation) => self.consultation_of(session, *consultation),
            ReferTo::Target(_) => None,
        };
        // A transfer that has begun keeps the options it began with.
        if begun.is_some() && (refer.is_some() || options != AttendedOptions::default()) {
            return self.reply(id, Err(TransferError::Refused(TransferRefusal::Unsupported).into()));
        }
        let refer = refer.unwrap_or_else(|| self.config.refer.clone());
        let asked = |transfer, command| Asked::new(transfer, command, Then::WaitForStep(Due::Answered));
        match to {
            ReferTo::Call(consultation) => {
                self.attended_as(id, (session, consultation), (options, refer), hold, asked);
            }
            ReferTo::Target(target) => {
                let Some(leg) = self.established(id, session) else { return };
                let command = TransferCommand::Blind {
                    transfer: self.surroundings.ids.mint(),
                    leg,
                    target,
                    hold,
                    referred_by: Some(self.referrer_in(session)),
                    options: refer,
                };
                self.ask_transfer(id, command, asked);
            }
        }
    }

    fn ready_for_refer(&self, session: SessionId, to: &ReferTo) -> Result<Hold, CommandError> {
        let leg = self.in_state(session, SessionState::Established)?;
        let begun = match to {
            ReferTo::Call(consultation) => self.consultation_of(session, *consultation),
            ReferTo::Target(_) => None,
        };
        let by_hand = match begun {
            Some(transfer) => self.is_by_hand(transfer),
            None => self.transfers.handling_of(leg) == TransferHandling::Manual,
        };
        if !by_hand {
            return Err(wrong("Automatic", "Manual"));
        }
        // The transfer that asks the target first has held the call.
        if begun.is_some() {
            return Ok(Hold::No);
        }
        let held = self.sessions.get(&session).and_then(|session| session.hold_state());
        match held.is_some_and(|state| state.local) {
            true => Ok(Hold::Done),
            false if self.config.hold_before_transfer => Err(wrong("Unheld", "Held")),
            false => Ok(Hold::No),
        }
    }

    fn accept_refer(&mut self, id: CommandId, transfer: TransferId) {
        let live = self.transfers.transfers().any(|info| info.id == transfer);
        if live && !self.is_by_hand(transfer) {
            return self.reply(id, Err(wrong("Automatic", "Manual")));
        }
        let command = TransferCommand::Decide { transfer, decision: Decision::Accept };
        self.ask_and_wait(id, transfer, command, Due::Reported);
    }

    /// Whether the application does the steps of a transfer, as was settled when it began.
    fn is_by_hand(&self, transfer: TransferId) -> bool {
        self.transfers.transfers().any(|info| info.id == transfer && info.by_hand)
    }

    fn terminate(&mut self, id: CommandId, session: SessionId, transfer: TransferId) {
        let Some(ending) = self.sessions.get(&session) else {
            return self.reply(id, Err(SessionError::Unknown.into()));
        };
        if ending.enders.len() >= MAX_WAITERS {
            return self.reply(id, Err(SessionError::Busy.into()));
        }
        let step = ManualStep::Terminate { leg: ending.leg };
        self.ask_transfer(id, TransferCommand::Step { transfer, step }, |transfer, command| {
            Asked::new(transfer, command, Then::WaitForCallEnd(session))
        });
    }

    fn step(&mut self, id: CommandId, transfer: TransferId, step: ManualStep, due: Due) {
        self.ask_and_wait(id, transfer, TransferCommand::Step { transfer, step }, due);
    }

    fn ask_and_wait(&mut self, id: CommandId, transfer: TransferId, command: TransferCommand, due: Due) {
        if self.stepping.get(&transfer).is_some_and(|waiting| waiting.len() >= MAX_WAITERS) {
            return self.reply(id, Err(SessionError::Busy.into()));
        }
        self.ask_transfer(id, command, |transfer, command| {
            Asked::new(transfer, command, Then::WaitForStep(due))
        });
    }

    /// Something came of a step, or is to be known before the next one.
    pub(super) fn stepped(&mut self, transfer: TransferId, step: &StepDone) {
        let due = match step {
            StepDone::Answered => Due::Answered,
            StepDone::Decided(_) => Due::Decided,
            StepDone::Notified(_) => Due::Notified,
            StepDone::Reported => Due::Reported,
        };
        let Some(waiting) = self.stepping.get_mut(&transfer) else { return };
        let done: Stepping = waiting.iter().filter(|(_, waits)| *waits == due).copied().collect();
        waiting.retain(|(_, waits)| *waits != due);
        for (command, _) in done {
            let reply = match step {
                StepDone::Answered => Reply::Stepped(transfer),
                StepDone::Decided(decision) => Reply::Decided(*decision),
                StepDone::Notified(progress) => Reply::Progress(progress.clone()),
                StepDone::Reported => Reply::Done,
            };
            self.reply(command, Ok(reply));
        }
    }

    /// The transfer is over: nothing comes of its steps any more.
    pub(super) fn forget_steps(&mut self, transfer: TransferId, outcome: transfer::Outcome) {
        for (command, _) in self.stepping.remove(&transfer).unwrap_or_default() {
            self.reply(command, Err(TransferError::Ended(outcome).into()));
        }
    }
}

fn wrong(state: &'static str, wanted: &'static str) -> CommandError {
    TransferError::from(TransferRefusal::WrongState { state, wanted }).into()
}
