//! Warm transfer: the caller waits, the target is told what it is about, and takes the caller over or does not.
//!
//! A warm transfer is a consultation (table 2.2 of the catalogue) whose completion is decided here: by a digit of the
//! target's, by a word of the application, by the end of the briefing, or by the deadline. Whatever does not end with the two
//! together ends with the caller back, and the target's call over.

use std::{fmt, time::Duration};

use media_core::{HoldAudio, Source, StreamCommand, dtmf::Event};
use sip_message::UriBuf;
use transfer::{AttendedOptions, Completion, Decline, Outcome, TransferCommand, TransferId, TransferRefusal};

use super::{CommandId, Engine, EngineTimer, Reply, Tap, TransferKind};
use crate::{
    TransferError,
    event::{EventKind, SessionId},
};

/// How a caller is handed to somebody who is told first.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WarmOptions {
    /// What the caller hears while it waits; what its call has otherwise where `None`.
    pub hold_audio: Option<HoldAudio>,
    /// What the target hears as soon as it has answered; the caller does not. Where `None` the target hears what the user, or
    /// the application, says.
    pub briefing: Option<Source>,
    /// What makes the target take the caller over.
    pub acceptance: Acceptance,
    /// How long the target may take to decide, from its answer; then the caller is back. How long it may ring is
    /// [`AttendedPolicy::consult_limit`](transfer::AttendedPolicy). 60 s.
    pub deadline: Duration,
    /// How the two are joined.
    pub attended: AttendedOptions,
}

impl Default for WarmOptions {
    fn default() -> Self {
        Self {
            hold_audio: None,
            briefing: None,
            acceptance: Acceptance::default(),
            deadline: Duration::from_mins(1),
            attended: AttendedOptions::default(),
        }
    }
}

/// What makes the target of a warm transfer take the caller over. The application can decide at any time, whichever is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Acceptance {
    /// A digit of the target's.
    Digit {
        /// It takes the caller.
        accept: Event,
        /// It does not.
        decline: Event,
    },
    /// The end of the briefing, or its answer where there is none.
    Briefed,
    /// The application's word only.
    Application,
}

impl Default for Acceptance {
    /// `1` to take the caller, `2` to decline.
    fn default() -> Self {
        Self::Digit { accept: Event::ONE, decline: Event::TWO }
    }
}

/// What decided whether the target of a warm transfer takes the caller over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy {
    /// A key of the target's.
    Digit,
    /// The application.
    Application,
    /// The target has answered and heard the briefing, which was to be enough.
    Answer,
    /// Nobody, in time.
    Deadline,
}

impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digit => "by a key",
            Self::Application => "by the application",
            Self::Answer => "by the answer",
            Self::Deadline => "the time to decide is over",
        })
    }
}

/// One warm transfer that has not ended.
#[derive(Debug)]
pub(super) struct Warm {
    session: SessionId,
    consultation: Option<SessionId>,
    options: WarmOptions,
    stage: Stage,
    /// Whether the target was told something.
    briefed: bool,
    /// What the transfer layer was asked here and has not answered.
    asked: Option<Ask>,
}

/// What is asked of the transfer layer without a command of the application's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Complete,
    Decline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The target has not answered.
    Asking,
    /// It has, and may decide.
    Deciding,
    /// It was decided; the transfer layer does the rest.
    Decided,
}

impl<T: Tap> Engine<T> {
    pub(super) fn begin_warm(
        &mut self,
        id: CommandId,
        session: SessionId,
        target: UriBuf,
        options: WarmOptions,
    ) {
        let begun = self.consult(id, session, target, options.attended, Completion::OnCommand);
        let Some(transfer) = begun else { return };
        let (consultation, stage) = (None, Stage::Asking);
        let warm = Warm { session, consultation, options, stage, briefed: false, asked: None };
        self.warm.insert(transfer, warm);
    }

    /// The transfer layer has answered the command that began a transfer; one that is no warm one is none of ours.
    pub(super) fn warm_begun(&mut self, transfer: TransferId, begun: bool) {
        if !begun {
            self.warm.remove(&transfer);
        } else if let Some(warm) = self.warm.get(&transfer)
            && let Some(audio) = warm.options.hold_audio.clone()
        {
            self.play_on_hold(warm.session, audio);
        }
    }

    /// The application's decision.
    pub(super) fn decide_warm(&mut self, id: CommandId, transfer: TransferId, accept: bool) {
        let wrong = |wanted| match self.transfers.state(transfer) {
            Some(state) => TransferRefusal::WrongState { state, wanted },
            None => TransferRefusal::UnknownTransfer,
        };
        let refusal = match self.warm.get(&transfer).map(|warm| warm.stage) {
            Some(Stage::Deciding) if self.transfers.is_asking(transfer) => None,
            Some(Stage::Asking | Stage::Deciding | Stage::Decided) => Some(wrong("ConsultTalk")),
            None => Some(wrong("a warm transfer")),
        };
        if let Some(refusal) = refusal {
            return self.reply(id, Err(TransferError::from(refusal).into()));
        }
        self.decided(transfer, accept, DecidedBy::Application);
        self.reply(id, Ok(Reply::Done));
    }

    /// The call in which the target is asked was placed.
    pub(super) fn warm_consulting(&mut self, transfer: TransferId, consultation: SessionId) {
        if let Some(warm) = self.warm.get_mut(&transfer) {
            warm.consultation = Some(consultation);
        }
    }

    /// The target has answered: it is told what it is about, and has its time to decide.
    pub(super) fn warm_answered(&mut self, transfer: TransferId) {
        let Some(warm) = self.warm.get_mut(&transfer).filter(|warm| warm.stage == Stage::Asking) else {
            return;
        };
        warm.stage = Stage::Deciding;
        let (deadline, briefing) = (warm.options.deadline, warm.options.briefing.clone());
        let (consultation, acceptance) = (warm.consultation, warm.options.acceptance);
        warm.briefed = briefing.is_some() && consultation.is_some();
        self.timers.arm(self.surroundings.now, EngineTimer::Warm(transfer), deadline);
        match (briefing, consultation) {
            (Some(source), Some(consultation)) => self.say(consultation, source),
            (None, _) if acceptance == Acceptance::Briefed => {
                self.decided(transfer, true, DecidedBy::Answer);
            }
            (Some(_) | None, _) => {}
        }
    }

    /// The target has pressed a key.
    pub(super) fn warm_digit(&mut self, session: SessionId, digit: Event) {
        let Some((transfer, acceptance)) = self.deciding_in(session) else { return };
        if let Acceptance::Digit { accept, decline } = acceptance
            && (digit == accept || digit == decline)
        {
            self.decided(transfer, digit == accept, DecidedBy::Digit);
        }
    }

    /// What was played to the end in a call was perhaps the briefing.
    pub(super) fn warm_briefed(&mut self, session: SessionId) {
        if let Some((transfer, Acceptance::Briefed)) = self.deciding_in(session) {
            self.decided(transfer, true, DecidedBy::Answer);
        }
    }

    /// The target has not decided in time.
    pub(super) fn warm_overdue(&mut self, transfer: TransferId) {
        let deciding = self.warm.get(&transfer).is_some_and(|warm| warm.stage == Stage::Deciding);
        // The application may have given the transfer up, or completed it by another way.
        if deciding && self.transfers.is_asking(transfer) {
            self.decided(transfer, false, DecidedBy::Deadline);
        }
    }

    /// The transfer layer has answered what was asked of it here. What it does not complete nobody takes over; a decline that
    /// is refused comes too late, and the outcome is on its way.
    pub(super) fn warm_asked(&mut self, transfer: TransferId, done: bool) {
        let asked = self.warm.get_mut(&transfer).and_then(|warm| warm.asked.take());
        if let (Some(Ask::Complete), false) = (asked, done) {
            self.ask_warm(transfer, Ask::Decline, Decline::Impossible);
        }
    }

    fn ask_warm(&mut self, transfer: TransferId, ask: Ask, reason: Decline) {
        if let Some(warm) = self.warm.get_mut(&transfer) {
            warm.asked = Some(ask);
        }
        self.command_transfers(match ask {
            Ask::Complete => TransferCommand::Complete { transfer, fallback: None },
            Ask::Decline => TransferCommand::Decline { transfer, reason },
        });
    }

    /// The transfer has ended. Where the two are not together the target's call is over, and the caller hears what it heard
    /// before.
    pub(super) fn warm_ended(&mut self, transfer: TransferId, outcome: Outcome) {
        let Some(warm) = self.warm.remove(&transfer) else { return };
        self.timers.disarm(&EngineTimer::Warm(transfer));
        if outcome.kind.is_success() {
            return;
        }
        if let Some(consultation) = warm.consultation {
            self.end(consultation);
        }
        if warm.options.hold_audio.is_some() {
            let before = self.sessions.get(&warm.session).and_then(|session| session.hold_audio.clone());
            self.play_on_hold(warm.session, before.unwrap_or_else(|| self.config.audio.hold_audio.clone()));
        }
        if warm.briefed
            && let Some(source) = self.sessions.get(&warm.session).map(|session| session.source.clone())
        {
            self.say(warm.session, source);
        }
    }

    /// The kind of a transfer, of which the transfer layer knows only how the calls are.
    pub(super) fn kind_of(&self, transfer: TransferId, kind: transfer::TransferKind) -> TransferKind {
        if self.warm.contains_key(&transfer) { TransferKind::Warm } else { kind.into() }
    }

    /// Warm transfers that have not ended.
    pub(super) fn warm_transfers(&self) -> usize {
        self.warm.len()
    }

    fn deciding_in(&self, session: SessionId) -> Option<(TransferId, Acceptance)> {
        let mut warm = self.warm.iter();
        let found =
            warm.find(|(_, warm)| warm.consultation == Some(session) && warm.stage == Stage::Deciding);
        let found = found.filter(|(transfer, _)| self.transfers.is_asking(**transfer));
        found.map(|(transfer, warm)| (*transfer, warm.options.acceptance))
    }

    fn decided(&mut self, transfer: TransferId, accept: bool, by: DecidedBy) {
        let Some(warm) = self.warm.get_mut(&transfer) else { return };
        warm.stage = Stage::Decided;
        let session = warm.session;
        self.timers.disarm(&EngineTimer::Warm(transfer));
        let (kind, ask, reason) = match (accept, by) {
            (true, _) => (EventKind::TargetAccepted { by }, Ask::Complete, Decline::Impossible),
            (false, DecidedBy::Deadline) => {
                (EventKind::TargetDeclined { by }, Ask::Decline, Decline::TimedOut)
            }
            (false, DecidedBy::Digit | DecidedBy::Application | DecidedBy::Answer) => {
                (EventKind::TargetDeclined { by }, Ask::Decline, Decline::Declined)
            }
        };
        self.tell(Some(session), Some(transfer), kind);
        self.ask_warm(transfer, ask, reason);
    }

    /// What the party of a call hears when we hold it.
    fn play_on_hold(&mut self, session: SessionId, audio: HoldAudio) {
        if let Some(stream) = self.stream_of(session) {
            let op = self.op(session);
            self.stream(StreamCommand::SetHoldAudio { op, stream, audio });
        }
    }

    /// Lets a call's own device say something else, now or as soon as it has one.
    fn say(&mut self, session: SessionId, source: Source) {
        let open = self.stream_of(session).is_some();
        let Some(entry) = self.sessions.get_mut(&session) else { return };
        entry.source = source.clone();
        if let Some(device) = entry.device.filter(|_| open) {
            self.stream(StreamCommand::OpenDevice { device, source });
        }
    }
}
