//! The ends: the rows of Completing and Recovering.

use std::time::Duration;

use super::{
    super::event::{CallEnd, Event, Reoffer, Report, Timer},
    Action, Alive, Cause, Facts, Held, Moved, Outcome, Plan, Side, State, Step, Wait, complete, finish, lose,
    to,
};

/// How long is waited after each try to take the call back that was refused, before the next one; afterwards the call
/// stays as it is. All of it fits into T-RESUME, and the spaces grow as those of a 2xx do that waits for its lost ACK (RFC
/// 3261 §13.3.1.4): until that ACK has come the peer refuses every offer with 500 (§14.2).
const AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// The wait after so many tries; `None` after the last.
fn wait_before(tries: u8) -> Option<Action> {
    let after = usize::from(tries).checked_sub(1).and_then(|tries| AGAIN.get(tries))?;
    Some(Action::Wait(Wait::Again(*after)))
}

pub(super) fn completing(moved: Moved, left: Alive, event: Event, facts: Facts) -> Option<Step> {
    let named = facts.referred().other();
    match event {
        // Our BYE was answered or given up on, or crossed the peer's.
        Event::Call(side, end @ (CallEnd::Local | CallEnd::HungUp | CallEnd::Lost)) => {
            let (left, moved) = (left.without(side), moved.or_seen(end));
            if left.any() { to(State::Completing(moved, left), &[]) } else { finish(moved.outcome(facts)) }
        }
        // The peer was to hang up and has not, or was given the time that it wanted.
        Event::Timer(Timer::Bye) if left.has(named.other()) && facts.alive.has(named.other()) => {
            to(State::Completing(moved, left), &[Action::HangUp(named.other()), Action::Wait(Wait::Closing)])
        }
        // The other side did not end the call that was replaced, nor did the application.
        Event::Timer(Timer::Final) if left.has(named) && facts.alive.has(named) => {
            to(State::Completing(moved, left), &[Action::HangUp(named)])
        }
        Event::Timer(Timer::Closing) => finish(moved.outcome(facts)),
        Event::Call(_, CallEnd::Closing)
        | Event::Timer(Timer::Final | Timer::Bye)
        | Event::Consult(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Answer(_)
        | Event::Reoffer(..) => to(State::Completing(moved, left), &[]),
        Event::Timer(
            Timer::Hold | Timer::Consult | Timer::Talk | Timer::Guard | Timer::Retry | Timer::Resume,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Complete
        | Event::Swap
        | Event::Cancel => None,
    }
}

pub(super) fn recovering(cause: Cause, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Reoffer(Side::Primary, Reoffer::Done) => back(cause, facts),
        // Alive, and as it was before. If we hold it, that is no state to leave a party in.
        Event::Reoffer(Side::Primary, Reoffer::AsBefore(_)) if facts.held != Held::Us => back(cause, facts),
        Event::Reoffer(Side::Primary, Reoffer::AsBefore(_)) => match wait_before(facts.resumes) {
            Some(wait) => to(State::Waiting(cause), &[wait]),
            None => stay_on_hold(cause, facts),
        },
        Event::Reoffer(Side::Primary, Reoffer::Gone(_) | Reoffer::Silent | Reoffer::Unreachable)
        | Event::Timer(Timer::Resume) => lost(cause, facts),
        Event::Call(Side::Primary, _) => lose(&[], cause.outcome(false), facts),
        Event::Notify(report) => moved_after_all(report, State::Recovering(cause), facts),
        Event::Reoffer(Side::Consultation, reoffer) => {
            other_settled(reoffer, State::Recovering(cause), facts)
        }
        Event::Reoffer(Side::Primary, Reoffer::Over)
        | Event::Call(Side::Consultation, _)
        | Event::Consult(_)
        | Event::Subscription(_)
        | Event::Answer(_) => to(State::Recovering(cause), &[]),
        Event::Timer(
            Timer::Hold
            | Timer::Consult
            | Timer::Talk
            | Timer::Guard
            | Timer::Retry
            | Timer::Final
            | Timer::Closing
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Complete
        | Event::Swap
        | Event::Cancel => None,
    }
}

pub(super) fn waiting(cause: Cause, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Timer(Timer::Retry) => to(State::Recovering(cause), &[Action::Resume(Side::Primary)]),
        // It has answered the last offer. No timer is left for the other call: it is asked once more, because nobody else would.
        Event::Timer(Timer::Resume)
            if facts.alive.consultation && matches!(facts.consultation_held, Held::Us | Held::Refused) =>
        {
            to(State::Ended, &[Action::Resume(Side::Consultation), Action::Finish(cause.on_hold())])
        }
        Event::Timer(Timer::Resume) => finish(cause.on_hold()),
        Event::Call(Side::Primary, _) => lose(&[], cause.outcome(false), facts),
        Event::Notify(report) => moved_after_all(report, State::Waiting(cause), facts),
        Event::Reoffer(Side::Consultation, reoffer) => other_settled(reoffer, State::Waiting(cause), facts),
        Event::Reoffer(Side::Primary, _)
        | Event::Call(Side::Consultation, _)
        | Event::Consult(_)
        | Event::Subscription(_)
        | Event::Answer(_) => to(State::Waiting(cause), &[]),
        Event::Timer(
            Timer::Hold
            | Timer::Consult
            | Timer::Talk
            | Timer::Guard
            | Timer::Final
            | Timer::Closing
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Complete
        | Event::Swap
        | Event::Cancel => None,
    }
}

/// The consultation call that is taken back, too, is settled: it talks again, or is the application's as it is.
fn other_settled(reoffer: Reoffer, stay: State, facts: Facts) -> Option<Step> {
    if facts.plan != Plan::Attended {
        return to(stay, &[]);
    }
    let held = match reoffer {
        Reoffer::Over => return to(stay, &[]),
        Reoffer::Done => Held::Nobody,
        Reoffer::AsBefore(Some(_)) => Held::Refused,
        // Perhaps because the application wants it otherwise.
        Reoffer::AsBefore(None) | Reoffer::Gone(_) | Reoffer::Silent | Reoffer::Unreachable => {
            Held::Application
        }
    };
    to(stay, &[Action::NoteHeld(Side::Consultation, held)])
}

/// The party has refused the last offer, too, and has not said that the call is gone: no failure of a transfer ends such a
/// call (invariant 5 of the catalogue's §2.7, TR-241; decision 13). The description in force holds it, and the next offer
/// of either side ends that, because the hold is not wished for any more.
fn stay_on_hold(cause: Cause, facts: Facts) -> Option<Step> {
    let mut step = back(cause, facts.with_held(Side::Primary, Held::Refused))?;
    step.actions.insert(0, Action::NoteHeld(Side::Primary, Held::Refused));
    Some(step)
}

/// The outcome with the first call as it is now: as it was before, or refusing to be.
const fn settled(cause: Cause, facts: Facts) -> Outcome {
    match facts.held {
        Held::Refused => cause.on_hold(),
        Held::Nobody | Held::Us | Held::Application => cause.outcome(true),
    }
}

/// The first call is settled. Where the other one is being taken back, too, that is waited for: only then both are what
/// they were.
fn back(cause: Cause, facts: Facts) -> Option<Step> {
    match facts.consultation_held {
        Held::Us if facts.plan == Plan::Attended && facts.alive.consultation => {
            to(State::Restoring(cause), &[])
        }
        Held::Refused if facts.alive.consultation => restore_later(cause, facts),
        Held::Us | Held::Refused | Held::Nobody | Held::Application => finish(settled(cause, facts)),
    }
}

/// The other call refuses to be taken back: it is asked again like the first one, and left to the application in the end.
fn restore_later(cause: Cause, facts: Facts) -> Option<Step> {
    match wait_before(facts.restores) {
        Some(wait) => {
            to(State::Restoring(cause), &[Action::NoteHeld(Side::Consultation, Held::Refused), wait])
        }
        None => finish(settled(cause, facts)),
    }
}

/// Both calls are the application's, and the first one is what it was: only the other one has to be taken back.
pub(super) fn restoring(cause: Cause, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Reoffer(Side::Consultation, Reoffer::Over) => to(State::Restoring(cause), &[]),
        Event::Reoffer(Side::Consultation, Reoffer::AsBefore(Some(_))) => restore_later(cause, facts),
        Event::Timer(Timer::Retry) => to(
            State::Restoring(cause),
            &[Action::NoteHeld(Side::Consultation, Held::Us), Action::Resume(Side::Consultation)],
        ),
        // Whatever came of it, the first call is as it was.
        Event::Reoffer(
            Side::Consultation,
            Reoffer::Done
            | Reoffer::AsBefore(None)
            | Reoffer::Gone(_)
            | Reoffer::Silent
            | Reoffer::Unreachable,
        )
        | Event::Call(Side::Consultation, _)
        | Event::Timer(Timer::Resume) => finish(settled(cause, facts)),
        // It is asked once more, because nobody else would.
        Event::Call(Side::Primary, _) if facts.consultation_held == Held::Refused => {
            to(State::Ended, &[Action::Resume(Side::Consultation), Action::Finish(cause.outcome(false))])
        }
        Event::Call(Side::Primary, _) => finish(cause.outcome(false)),
        Event::Notify(report) => moved_after_all(report, State::Restoring(cause), facts),
        Event::Reoffer(Side::Primary, _) | Event::Consult(_) | Event::Subscription(_) | Event::Answer(_) => {
            to(State::Restoring(cause), &[])
        }
        Event::Timer(
            Timer::Hold
            | Timer::Consult
            | Timer::Talk
            | Timer::Guard
            | Timer::Final
            | Timer::Closing
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Complete
        | Event::Swap
        | Event::Cancel => None,
    }
}

/// A call whose party does not answer or says that it is gone is ended rather than left on hold (invariant 4 of the
/// catalogue's §2.7).
fn lost(cause: Cause, facts: Facts) -> Option<Step> {
    lose(&[Action::HangUp(Side::Primary)], cause.outcome(false), facts)
}

/// The race of the last row: the party was moved although its call was being taken back.
pub(super) fn moved_after_all(report: Report, stay: State, facts: Facts) -> Option<Step> {
    match report {
        Report::Success { code, last } => complete(Moved::Reported(code), last, facts),
        Report::Pending
        | Report::Provisional(_)
        | Report::Nothing
        | Report::Failure { .. }
        | Report::Empty => to(stay, &[]),
    }
}
