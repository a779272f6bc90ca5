//! Tables 2.1 and 2.2 of the catalogue: a transfer, seen from the transferor. Blind, or to somebody who was asked first.
//!
//! [`step`] is a pure function of state, event and [`Facts`]; what it asks for is carried out elsewhere. Rows that are not
//! implemented are arms of their own that end in a typed failure: redirection of the REFER. Challenges and 420 are tried again
//! by the dialog layer; what comes up here stands.

mod bridging;
mod consulting;
mod ending;
mod holding;
mod referring;
mod unreported;

use sip_message::StatusCode;
use smallvec::SmallVec;

use super::{
    action::{Action, Side, Tell, Wait},
    event::{CallEnd, Event, Report},
    outcome::{Cause, Moved, bridged, call_ended, peer_hung_up},
};
use crate::{
    Outcome, TransferTimerName,
    policy::{
        ByeOwner,
        attended::{SemiAttendedPolicy, WithoutReplaces},
    },
};

pub(super) use self::unreported::detach;

/// The states of tables 2.1 and 2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    /// The hold re-INVITE is under way; `HoldPrimary` of table 2.2.
    Holding,
    /// Given up while the hold was under way, which has to be settled before it can be taken back.
    Releasing(Cause),
    /// The consultation call is placed.
    Consulting {
        /// Whether the target is alerted; `ConsultEarly` of table 2.2.
        ringing: bool,
        /// Whether the transfer is completed as soon as it answers.
        complete: bool,
    },
    /// The target has answered; the user talks to this side.
    ConsultTalk(Side),
    /// The user turns away from this side.
    Swapping {
        from: Side,
        /// Whether it is held already, and the other one is being resumed.
        held: bool,
    },
    /// The consultation call, or after a swap the first one, is being held before the REFER.
    HoldConsult(Side),
    /// The consultation call is being ended; when it is over the party is referred blind (TR-166, TR-169).
    Dropping,
    /// The REFER is under way; the NOTIFY that overtook its answer is kept (EC-01).
    ReferPending(Option<Report>),
    /// The REFER is to be sent once more.
    BackingOff,
    /// 2xx, no NOTIFY yet.
    Accepted,
    /// At least one NOTIFY.
    Progress,
    /// 2xx, and there will be no NOTIFY: that a call is ended tells that the party was moved.
    Unreported,
    /// The application has let go: our BYE is sent, and NOTIFYs are awaited.
    Detached,
    /// The call ended before the outcome was known, which may still come: T-FINAL.
    Parting(Parted),
    /// Success; these calls are not over yet.
    Completing(Moved, Alive),
    /// The party could not be moved for this cause, and the target is being called for a bridge.
    Placing(Cause),
    /// The party could not be moved for this cause; these calls are being resumed before the two are joined.
    Bridging(Cause, Alive),
    /// The two calls are being joined.
    Joining(Cause),
    /// The call is being taken back, or found out about.
    Recovering(Cause),
    /// The peer refused to be taken back and will be asked again.
    Waiting(Cause),
    /// The consultation call, which the application had before the transfer, is being taken back.
    Restoring(Cause),
    Ended,
}

/// How a call ended before the outcome was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parted {
    HungUp,
    Lost,
    /// By a peer that reports nothing; the other call may tell.
    Unreported,
}

/// Who holds a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Nobody,
    /// This transfer, or it may be so.
    Us,
    /// This transfer, whose offer to take it back was refused.
    Refused,
    /// The application, before the transfer and after it.
    Application,
}

/// What kind of transfer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    Blind,
    /// The target is asked first, in a call that is placed for the transfer.
    Consult,
    /// Both calls are the application's.
    Attended,
}

/// Which of the two calls are not over and are not being ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alive {
    pub(super) primary: bool,
    pub(super) consultation: bool,
}

impl Alive {
    const fn has(self, side: Side) -> bool {
        match side {
            Side::Primary => self.primary,
            Side::Consultation => self.consultation,
        }
    }

    pub(super) const fn without(self, side: Side) -> Self {
        match side {
            Side::Primary => Self { primary: false, ..self },
            Side::Consultation => Self { consultation: false, ..self },
        }
    }

    const fn any(self) -> bool {
        self.primary || self.consultation
    }
}

/// What policies and peers permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent answer to a question of one row")]
pub(super) struct May {
    /// The transfer goes on when a hold fails.
    pub(super) go_on: bool,
    /// The consultation call is held before the REFER.
    pub(super) hold_consultation: bool,
    /// Who would get the INVITE with Replaces supports it (TR-173).
    pub(super) replaces: bool,
    /// Who is to get the REFER takes it.
    pub(super) refer: bool,
    /// The two calls can be joined here instead (TR-170).
    pub(super) bridge: bool,
    /// The target can be named by another address, which was not tried (TR-171).
    pub(super) reroute: bool,
    /// The roles of the other two can be exchanged (TR-170).
    pub(super) reverse: bool,
    pub(super) semi_attended: SemiAttendedPolicy,
    pub(super) without_replaces: WithoutReplaces,
    /// Who hangs up after a success.
    pub(super) bye: ByeOwner,
    /// Whether a success is followed by our BYE at once.
    pub(super) bye_at_once: bool,
}

/// What a step depends on besides the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact that some row asks for")]
pub(super) struct Facts {
    pub(super) plan: Plan,
    pub(super) held: Held,
    /// Who holds the consultation call.
    pub(super) consultation_held: Held,
    pub(super) alive: Alive,
    /// Whether the REFER goes to the target, and Replaces names the first call (TR-168).
    pub(super) protect: bool,
    /// Whether the two calls are bridged, and are to be handed over.
    pub(super) bridged: bool,
    /// Whether a consultation is completed by its answer.
    pub(super) on_answer: bool,
    /// Whether the REFER was sent a second time.
    pub(super) retried: bool,
    /// How often the call was asked back.
    pub(super) resumes: u8,
    /// How often the consultation call was asked back after a failure.
    pub(super) restores: u8,
    /// The 2xx to the last REFER.
    pub(super) accepted: Option<StatusCode>,
    /// Whether the application has let go.
    pub(super) detached: bool,
    pub(super) may: May,
}

impl Facts {
    /// The call in which the REFER is sent.
    pub(super) const fn referred(&self) -> Side {
        if self.protect { Side::Consultation } else { Side::Primary }
    }

    /// Whether the REFER would name a call that is over.
    const fn names_nothing(&self) -> bool {
        match self.plan {
            Plan::Blind => false,
            Plan::Consult | Plan::Attended => !self.alive.has(self.referred().other()),
        }
    }

    /// Why nobody is referred and the two calls are bridged at once: whoever is to get the REFER or the INVITE with Replaces
    /// has said that it does not take it (TR-170, TR-173).
    const fn unreferable(&self) -> Option<Cause> {
        match self.plan {
            _ if !self.may.bridge => None,
            _ if !self.may.refer => Some(Cause::NotSupported(None)),
            Plan::Consult | Plan::Attended if !self.may.replaces => Some(Cause::NoReplaces),
            Plan::Blind | Plan::Consult | Plan::Attended => None,
        }
    }

    const fn held_of(&self, side: Side) -> Held {
        match side {
            Side::Primary => self.held,
            Side::Consultation => self.consultation_held,
        }
    }

    const fn with_held(self, side: Side, held: Held) -> Self {
        match side {
            Side::Primary => Self { held, ..self },
            Side::Consultation => Self { consultation_held: held, ..self },
        }
    }
}

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) next: State,
    pub(super) actions: Actions,
}

/// What a step asks for; the longest row has eight.
pub(super) type Actions = SmallVec<[Action; 8]>;

impl State {
    /// The timers that may run in a state; every other one is disarmed on entry.
    pub(super) const fn timers(self) -> &'static [TransferTimerName] {
        match self {
            Self::Idle | Self::Ended => &[],
            Self::Holding | Self::Releasing(_) | Self::HoldConsult(_) => &[TransferTimerName::Hold],
            Self::Consulting { .. } | Self::Placing(_) => &[TransferTimerName::Consult],
            Self::ConsultTalk(_) => &[TransferTimerName::Talk],
            Self::Swapping { .. } => &[TransferTimerName::Talk, TransferTimerName::Hold],
            Self::Dropping => &[TransferTimerName::Closing],
            Self::ReferPending(_) | Self::Accepted | Self::Progress | Self::Unreported | Self::Detached => {
                &[TransferTimerName::Guard]
            }
            Self::BackingOff => &[TransferTimerName::Guard, TransferTimerName::Retry],
            Self::Parting(_) => &[TransferTimerName::Final],
            Self::Completing(..) => {
                &[TransferTimerName::Closing, TransferTimerName::Final, TransferTimerName::Bye]
            }
            Self::Bridging(..) | Self::Joining(_) | Self::Recovering(_) => &[TransferTimerName::Resume],
            Self::Waiting(_) | Self::Restoring(_) => &[TransferTimerName::Resume, TransferTimerName::Retry],
        }
    }

    /// The state's name in the catalogue.
    pub(super) const fn name(self, plan: Plan) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Holding => match plan {
                Plan::Blind => "Holding",
                Plan::Consult | Plan::Attended => "HoldPrimary",
            },
            Self::Releasing(_) => "Releasing",
            Self::Consulting { ringing: false, .. } => "Consulting",
            Self::Consulting { ringing: true, .. } => "ConsultEarly",
            Self::ConsultTalk(_) | Self::Swapping { .. } => "ConsultTalk",
            Self::HoldConsult(_) => "HoldConsult",
            Self::Dropping => "CancelWait",
            Self::ReferPending(_) => "ReferPending",
            Self::BackingOff => "BackingOff",
            Self::Accepted => "Accepted",
            Self::Progress => "Progress",
            Self::Parting(_) => "Parting",
            Self::Unreported | Self::Completing(..) => "Completing",
            Self::Detached => "Detached",
            Self::Placing(_) | Self::Bridging(..) | Self::Joining(_) => "Bridging",
            Self::Recovering(_) | Self::Waiting(_) | Self::Restoring(_) => "Recovering",
            Self::Ended => "Ended",
        }
    }
}

/// One row of the tables; `None` if the event means nothing in the state and is ignored.
pub(super) fn step(state: State, event: Event, facts: Facts) -> Option<Step> {
    match state {
        State::Idle => holding::idle(event, facts),
        State::Holding => holding::holding(event, facts),
        State::Releasing(cause) => holding::releasing(cause, event, facts),
        State::Consulting { ringing, complete } => consulting::consulting(ringing, complete, event, facts),
        State::ConsultTalk(active) => consulting::talking(active, event, facts),
        State::Swapping { from, held } => consulting::swapping(from, held, event, facts),
        State::HoldConsult(side) => consulting::holding(side, event, facts),
        State::Dropping => consulting::dropping(event, facts),
        State::ReferPending(early) => referring::refer_pending(early, event, facts),
        State::BackingOff => referring::backing_off(event, facts),
        State::Accepted | State::Progress => referring::under_way(state, event, facts),
        State::Unreported => unreported::unreported(event, facts),
        State::Detached => unreported::detached(event, facts),
        State::Parting(parted) => referring::parting(parted, event, facts),
        State::Completing(moved, left) => ending::completing(moved, left, event, facts),
        State::Placing(cause) => bridging::placing(cause, event, facts),
        State::Bridging(cause, left) => bridging::resuming(cause, left, event, facts),
        State::Joining(cause) => bridging::joining(cause, event, facts),
        State::Recovering(cause) => ending::recovering(cause, event, facts),
        State::Waiting(cause) => ending::waiting(cause, event, facts),
        State::Restoring(cause) => ending::restoring(cause, event, facts),
        State::Ended => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn to(next: State, actions: &[Action]) -> Option<Step> {
    Some(Step { next, actions: SmallVec::from_slice(actions) })
}

/// As [`to`], with what comes before.
#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn after(before: &[Action], next: State, actions: &[Action]) -> Option<Step> {
    let mut all = Actions::from_slice(before);
    all.extend_from_slice(actions);
    Some(Step { next, actions: all })
}

fn finish(outcome: Outcome) -> Option<Step> {
    to(State::Ended, &[Action::Finish(outcome)])
}

/// Sends the REFER.
fn refer(before: &[Action]) -> Option<Step> {
    after(before, State::ReferPending(None), &[Action::Refer, Action::Wait(Wait::Guard)])
}

/// The entry rows of Recovering. A call that we hold is taken back; one that we do not hold goes on as it is. The call to a
/// target that was asked waits on hold for what the application does about it, unless it is being ended; where both calls
/// are the application's, both become what they were. Where the target is protected, the first call can be over already.
fn recover(before: &[Action], cause: Cause, facts: Facts) -> Option<Step> {
    take_back(before, cause, facts, false)
}

/// As [`recover`]; a first call that is in doubt is found out about even if nothing has to be taken back.
fn take_back(before: &[Action], cause: Cause, facts: Facts, doubtful: bool) -> Option<Step> {
    if !facts.alive.primary {
        return lose(before, cause.outcome(false), facts);
    }
    let mut actions = Actions::from_slice(before);
    let keeps = keeps_target(before, facts);
    let restores = keeps && facts.plan == Plan::Attended && facts.consultation_held == Held::Us;
    if facts.plan == Plan::Consult {
        actions.push(Action::MoveTo(Side::Primary));
        if keeps && facts.consultation_held == Held::Nobody {
            actions
                .extend([Action::Hold(Side::Consultation), Action::NoteHeld(Side::Consultation, Held::Us)]);
        }
    }
    let primary = facts.held == Held::Us;
    if primary || restores || doubtful {
        actions.push(Action::Tell(Tell::Recovering));
    }
    if restores {
        actions.push(Action::Resume(Side::Consultation));
    }
    let next = if primary {
        actions.extend([Action::Resume(Side::Primary), Action::Wait(Wait::Resume)]);
        State::Recovering(cause)
    } else if doubtful {
        actions.extend([Action::Probe, Action::Wait(Wait::Resume)]);
        State::Recovering(cause)
    } else if restores {
        actions.push(Action::Wait(Wait::Resume));
        State::Restoring(cause)
    } else {
        actions.push(Action::Finish(cause.outcome(true)));
        State::Ended
    };
    Some(Step { next, actions })
}

/// As [`recover`], for what the application or a time limit gives up: the call that was placed for it ends, too (TR-177).
fn give_up(before: &[Action], cause: Cause, facts: Facts) -> Option<Step> {
    let mut actions = Actions::from_slice(before);
    if facts.plan == Plan::Consult && facts.alive.consultation {
        actions.push(Action::HangUp(Side::Consultation));
    }
    recover(&actions, cause, facts)
}

/// The call to the party that was to be moved is over. The other one goes on as a call like any other.
#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn lose(before: &[Action], outcome: Outcome, facts: Facts) -> Option<Step> {
    let mut actions = Actions::from_slice(before);
    if keeps_target(before, facts) && facts.plan != Plan::Blind && !facts.bridged {
        actions.extend([Action::Tell(Tell::PrimaryLost), Action::MoveTo(Side::Consultation)]);
        match facts.consultation_held {
            Held::Us | Held::Refused => actions.push(Action::Resume(Side::Consultation)),
            Held::Nobody | Held::Application => {}
        }
    }
    actions.push(Action::Finish(outcome));
    Some(Step { next: State::Ended, actions })
}

/// Whether the call to the target goes on after these actions.
fn keeps_target(before: &[Action], facts: Facts) -> bool {
    facts.alive.consultation && !before.contains(&Action::HangUp(Side::Consultation))
}

/// The rows "BYE on d1" and "d1 terminated locally" before the REFER.
fn primary_over(end: CallEnd, facts: Facts) -> Option<Step> {
    match end {
        CallEnd::HungUp => lose(&[], peer_hung_up(), facts),
        CallEnd::Closing | CallEnd::Local | CallEnd::Lost => lose(&[], call_ended(), facts),
    }
}

/// D5: the NOTIFY was answered before it was told, so the BYE may go (TR-252). A subscription that its notifier did not
/// end is ended from here (EC-09). The call that Replaces names is ended by the other side, or by us after T-FINAL.
#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn complete(moved: Moved, last: bool, facts: Facts) -> Option<Step> {
    let referred = facts.referred();
    let left = if facts.plan == Plan::Blind { facts.alive.without(Side::Consultation) } else { facts.alive };
    let mut actions = Actions::new();
    if !last {
        actions.push(Action::Unsubscribe);
    }
    if !left.any() {
        actions.push(Action::Finish(moved.outcome(facts)));
        return Some(Step { next: State::Ended, actions });
    }
    if left.has(referred) {
        actions.push(if facts.may.bye_at_once { Action::HangUp(referred) } else { Action::Wait(Wait::Bye) });
    }
    if left.has(referred.other()) {
        actions.push(Action::Wait(Wait::Final));
    }
    actions.push(Action::Wait(Wait::Closing));
    Some(Step { next: State::Completing(moved, left), actions })
}

/// The party was moved, and its call is over: what is left is the consultation call, which the target ends.
fn arrived(moved: Moved, facts: Facts) -> Option<Step> {
    let alive = facts.alive.without(Side::Primary);
    match facts.plan {
        Plan::Blind => finish(moved.outcome(facts)),
        Plan::Consult | Plan::Attended => complete(moved, true, Facts { alive, ..facts }),
    }
}
