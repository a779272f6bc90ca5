//! Table 2.3 of the catalogue: a transfer that somebody asks of us.
//!
//! [`step`] is a pure function of state, event and [`Facts`]. The refusals of the state `InCall` stand in
//! [`admission`](super::admission), because they make no transfer; its `Accepted` is passed through in one step, because
//! the new call is placed at once.

mod ending;
mod manual;

use sip_message::{StatusCode, SubReason};
use smallvec::SmallVec;

pub(super) use self::manual::Manual;

use crate::{Failure, LearnedFrom, Outcome, OutcomeKind, TransferTimerName};

/// The states of table 2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    InCall,
    /// The REFER waits for the application's answer.
    Unanswered,
    /// The application decides.
    Deciding,
    /// The new call was placed.
    Inviting,
    /// A provisional response came.
    Ringing,
    /// The application does it by itself and reports.
    Handling,
    /// The new call is given up.
    Cancelling(Cause),
    /// The new call is up; the success report is on its way.
    Connected,
    /// The failure report is on its way.
    Failed(Cause),
    /// The success was reported; the transferor is to hang up.
    WaitBye,
    Ended,
}

/// Why a transfer asked of us did not come to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// By decision.
    Rejected,
    /// By decision, with this status.
    Refused(StatusCode),
    /// No decision in time.
    Undecided,
    /// The application withdrew.
    Withdrawn,
    /// The new call was ended by our user while it rang.
    Abandoned,
    /// The transferor hung up before we began.
    PeerHungUp,
    /// Our user hung up the old call.
    UserHungUp,
    /// The new call failed.
    Target(StatusCode),
    /// The new call was sent somewhere where it must not go.
    Barred(StatusCode),
    /// It rang too long, or was never answered.
    NoAnswer(StatusCode),
}

/// What a step depends on besides the state; brought up to date before the step.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and every combination can be")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whether the old call lives.
    pub(super) old: bool,
    /// Whether the subscription lives.
    pub(super) reporting: bool,
    /// Whether success is reported as soon as the REFER is followed (EC-30).
    pub(super) at_once: bool,
    /// Whether the transferor is called back after a failure (TR-181).
    pub(super) recall: bool,
}

/// The events of table 2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A REFER that is admitted; whether the application is to decide.
    Request {
        ask: bool,
    },
    Accept,
    Reject,
    Manual(Manual),
    Cancel,
    New(New),
    Old(Old),
    /// The last report was answered or given up on.
    Delivered,
    /// The subscription is over.
    Unsubscribed,
    Timer(Timer),
}

/// Of the new call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum New {
    Provisional(StatusCode),
    /// 199: an early dialog ended, which says nothing about the call (RFC 6228, TR-260).
    EarlyEnded,
    Up,
    /// Sent elsewhere, and there is somewhere to go.
    Redirected,
    /// Failed with this status.
    Failed(StatusCode),
    /// Sent elsewhere with this status, where it must not go.
    Barred(StatusCode),
    NoAnswer,
    Cancelled,
    /// Ended after it was up.
    Over,
}

/// Of the old call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Old {
    /// Ended by the transferor, or found to be dead.
    HungUp,
    /// Being ended by our user.
    Closing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    Decision,
    Ring,
    Cancel,
    Delivery,
    Watchdog,
}

/// What a step asks for, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Answers the REFER 2xx; whether the subscription is pending.
    Accept {
        pending: bool,
    },
    Approve,
    /// Asks the application for an answer to the REFER.
    Ask,
    /// Refuses the REFER.
    Refuse(StatusCode),
    /// Places the new call at the next target, and arms T-RING.
    Place,
    HangUpNew,
    HangUpOld,
    MoveMedia,
    TellProgress(StatusCode),
    TellConnected,
    Report(StatusCode),
    ReportLast(StatusCode, SubReason),
    /// Reports success before it is known, as the last report.
    ReportAtOnce,
    /// Calls the transferor back.
    Recall,
    Wait(Timer),
    Finish(Outcome),
}

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) next: State,
    pub(super) actions: SmallVec<[Action; 6]>,
}

impl State {
    /// The timers that may run in a state; every other one is disarmed on entry.
    pub(super) const fn timers(self) -> &'static [TransferTimerName] {
        match self {
            Self::InCall | Self::Ended => &[],
            Self::Unanswered | Self::Deciding => &[TransferTimerName::Decision],
            Self::Inviting | Self::Ringing | Self::Handling => &[TransferTimerName::Ring],
            Self::Cancelling(_) => &[TransferTimerName::Cancel],
            Self::Connected | Self::Failed(_) => &[TransferTimerName::Delivery],
            Self::WaitBye => &[TransferTimerName::Watchdog],
        }
    }

    /// The state's name in the catalogue.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::InCall => "InCall",
            Self::Unanswered => "Unanswered",
            Self::Deciding => "Deciding",
            Self::Inviting => "Inviting",
            Self::Ringing => "Ringing",
            Self::Handling => "Handling",
            Self::Cancelling(_) => "Cancelling",
            Self::Connected => "Connected",
            Self::Failed(_) => "Failed",
            Self::WaitBye => "WaitBye",
            Self::Ended => "Ended",
        }
    }
}

impl Cause {
    /// The status and the reason of the last report.
    const fn report(self) -> (StatusCode, SubReason) {
        match self {
            // TR-026.
            Self::Rejected | Self::Undecided => (StatusCode::DECLINE, SubReason::Rejected),
            Self::Refused(code) => (code, SubReason::Rejected),
            Self::Withdrawn | Self::Abandoned | Self::PeerHungUp | Self::UserHungUp => {
                (StatusCode::REQUEST_TERMINATED, SubReason::Noresource)
            }
            Self::Target(code) | Self::Barred(code) | Self::NoAnswer(code) => (code, SubReason::Noresource),
        }
    }

    /// Whether our user still wants to talk to somebody, and has nobody when the transferor is gone.
    const fn leaves_alone(self) -> bool {
        match self {
            Self::Target(_) | Self::Barred(_) | Self::NoAnswer(_) => true,
            Self::Rejected
            | Self::Refused(_)
            | Self::Undecided
            | Self::Withdrawn
            | Self::Abandoned
            | Self::PeerHungUp
            | Self::UserHungUp => false,
        }
    }

    pub(super) const fn outcome(self, call_kept: bool) -> Outcome {
        let (failure, learned_from) = match self {
            Self::Rejected | Self::Refused(_) => (Failure::Rejected, LearnedFrom::Local),
            Self::Undecided => (Failure::Rejected, LearnedFrom::Guard),
            Self::Withdrawn | Self::Abandoned => (Failure::Cancelled, LearnedFrom::Local),
            Self::PeerHungUp => (Failure::CallEnded, LearnedFrom::Bye),
            Self::UserHungUp => (Failure::CallEnded, LearnedFrom::Local),
            Self::Target(_) | Self::NoAnswer(_) => (Failure::Target, LearnedFrom::Local),
            Self::Barred(_) => (Failure::Policy, LearnedFrom::Local),
        };
        let kind = match self {
            Self::Withdrawn | Self::Abandoned => OutcomeKind::Cancelled,
            Self::PeerHungUp => OutcomeKind::PeerHungUp,
            Self::Rejected
            | Self::Refused(_)
            | Self::Undecided
            | Self::UserHungUp
            | Self::Target(_)
            | Self::Barred(_)
            | Self::NoAnswer(_) => {
                if call_kept {
                    OutcomeKind::Recovered
                } else {
                    OutcomeKind::Failed
                }
            }
        };
        Outcome {
            kind,
            learned_from,
            code: Some(self.report().0),
            failure: Some(failure),
            call_kept,
            on_hold: false,
            retry_after: None,
        }
    }
}

const SUCCEEDED: Outcome = Outcome {
    kind: OutcomeKind::Succeeded,
    learned_from: LearnedFrom::Local,
    code: Some(StatusCode::OK),
    failure: None,
    call_kept: false,
    on_hold: false,
    retry_after: None,
};

/// One row of the table; `None` if the event means nothing in the state and is ignored.
pub(super) fn step(state: State, event: Event, facts: Facts) -> Option<Step> {
    match state {
        State::InCall => in_call(event, facts),
        State::Unanswered => manual::unanswered(event, facts),
        State::Deciding => deciding(event, facts),
        State::Inviting | State::Ringing => inviting(state, event, facts),
        State::Handling => manual::handling(event, facts),
        State::Cancelling(cause) => ending::cancelling(cause, event, facts),
        State::Connected => ending::connected(event, facts),
        State::Failed(cause) => ending::failed(cause, event, facts),
        State::WaitBye => ending::wait_bye(event),
        State::Ended => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn to(next: State, actions: &[Action]) -> Option<Step> {
    Some(Step { next, actions: SmallVec::from_slice(actions) })
}

/// Places the new call; and reports at once what some peers wait for before they let go of theirs (EC-30).
#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn invite(before: Action, facts: Facts) -> Option<Step> {
    let mut actions = SmallVec::from_slice(&[before, Action::Place]);
    if facts.at_once {
        actions.push(Action::ReportAtOnce);
    }
    Some(Step { next: State::Inviting, actions })
}

/// The last row after a failure. The subscription and the old call are over or left alone.
#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn finish(mut actions: SmallVec<[Action; 6]>, cause: Cause, facts: Facts) -> Option<Step> {
    if facts.recall && !facts.old && cause.leaves_alone() {
        actions.push(Action::Recall);
    }
    actions.push(Action::Finish(cause.outcome(facts.old)));
    Some(Step { next: State::Ended, actions })
}

/// The entry row of Failed: one last report, if anybody still listens. The old call is left alone (TR-178).
fn fail(before: &[Action], cause: Cause, facts: Facts) -> Option<Step> {
    let mut actions = SmallVec::from_slice(before);
    if !facts.reporting {
        return finish(actions, cause, facts);
    }
    let (code, reason) = cause.report();
    actions.extend([Action::ReportLast(code, reason), Action::Wait(Timer::Delivery)]);
    Some(Step { next: State::Failed(cause), actions })
}

fn in_call(event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Request { ask: false } => invite(Action::Accept { pending: false }, facts),
        Event::Request { ask: true } => {
            to(State::Deciding, &[Action::Accept { pending: true }, Action::Wait(Timer::Decision)])
        }
        Event::Manual(Manual::Ask) => to(State::Unanswered, &[Action::Ask]),
        Event::Accept
        | Event::Reject
        | Event::Manual(Manual::Handle | Manual::Refuse(_) | Manual::Conclude(_))
        | Event::Cancel
        | Event::New(_)
        | Event::Old(_)
        | Event::Delivered
        | Event::Unsubscribed
        | Event::Timer(_) => None,
    }
}

fn deciding(event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Accept => invite(Action::Approve, facts),
        Event::Reject => fail(&[], Cause::Rejected, facts),
        Event::Manual(Manual::Handle) => to(State::Handling, &[Action::Approve, Action::Wait(Timer::Ring)]),
        Event::Manual(Manual::Refuse(code)) => fail(&[], Cause::Refused(code), facts),
        Event::Timer(Timer::Decision) => fail(&[], Cause::Undecided, facts),
        Event::Cancel => fail(&[], Cause::Withdrawn, facts),
        // The subscription outlives the call (TR-240), so the report can still be made.
        Event::Old(Old::HungUp) => fail(&[], Cause::PeerHungUp, facts),
        Event::Old(Old::Closing) => fail(&[], Cause::UserHungUp, facts),
        // Who does not want to hear about it has not withdrawn the request (TR-022).
        Event::Unsubscribed => to(State::Deciding, &[]),
        Event::Request { .. }
        | Event::Manual(Manual::Ask | Manual::Conclude(_))
        | Event::New(_)
        | Event::Delivered
        | Event::Timer(Timer::Ring | Timer::Cancel | Timer::Delivery | Timer::Watchdog) => None,
    }
}

/// The rows of Inviting and Ringing.
fn inviting(state: State, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::New(New::Provisional(code)) => {
            to(State::Ringing, &[Action::TellProgress(code), Action::Report(code)])
        }
        Event::New(New::EarlyEnded) => to(state, &[]),
        Event::New(New::Up) => connect(facts),
        Event::New(New::Redirected) => to(State::Inviting, &[Action::Place]),
        Event::New(New::Failed(code)) => fail(&[], Cause::Target(code), facts),
        Event::New(New::Barred(code)) => fail(&[], Cause::Barred(code), facts),
        // Rang too long: its INVITE was cancelled (TR-164). Silent all along: a timeout.
        Event::New(New::NoAnswer) => {
            let code = if state == State::Ringing {
                StatusCode::REQUEST_TERMINATED
            } else {
                StatusCode::REQUEST_TIMEOUT
            };
            fail(&[], Cause::NoAnswer(code), facts)
        }
        Event::New(New::Cancelled | New::Over) => fail(&[], Cause::Abandoned, facts),
        Event::Cancel => {
            to(State::Cancelling(Cause::Withdrawn), &[Action::HangUpNew, Action::Wait(Timer::Cancel)])
        }
        Event::Timer(Timer::Ring) => to(
            State::Cancelling(Cause::NoAnswer(StatusCode::REQUEST_TERMINATED)),
            &[Action::HangUpNew, Action::Wait(Timer::Cancel)],
        ),
        // TR-253: the transferor may go; the new call is what it asked for.
        Event::Old(Old::HungUp) => to(state, &[]),
        // TR-256: the report leaves before the BYE does.
        Event::Old(Old::Closing) => fail(&[Action::HangUpNew], Cause::UserHungUp, facts),
        // TR-022; and success was reported at once.
        Event::Unsubscribed | Event::Delivered => to(state, &[]),
        Event::Request { .. }
        | Event::Accept
        | Event::Reject
        | Event::Manual(_)
        | Event::Timer(Timer::Decision | Timer::Cancel | Timer::Delivery | Timer::Watchdog) => None,
    }
}

/// The new call is up: reported on its 2xx, once (TR-255).
#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn connect(facts: Facts) -> Option<Step> {
    let both = [Action::MoveMedia, Action::TellConnected];
    let mut actions = SmallVec::from_slice(&both);
    let next = if facts.reporting {
        actions.extend([
            Action::ReportLast(StatusCode::OK, SubReason::Noresource),
            Action::Wait(Timer::Delivery),
        ]);
        State::Connected
    } else if facts.old {
        actions.push(Action::Wait(Timer::Watchdog));
        State::WaitBye
    } else {
        actions.push(Action::Finish(SUCCEEDED));
        State::Ended
    };
    Some(Step { next, actions })
}
