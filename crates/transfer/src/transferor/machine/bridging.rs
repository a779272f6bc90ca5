//! The fallback: the party cannot or will not be referred, and the two calls are joined here instead (RFC 5589 §7.4, §7.7;
//! TR-170, TR-173).

use super::{
    super::event::{CallEnd, Consult, Event, Reoffer, Timer},
    Action, Alive, Cause, Facts, Held, Outcome, Plan, Side, State, Step, Tell, Wait, after, bridged,
    call_ended, lose, peer_hung_up, recover, to,
};

/// Both calls are resumed and joined; the target of a blind transfer is called first. Where there is nobody to be joined
/// with, the party is taken back.
pub(super) fn fall_back(before: &[Action], cause: Cause, facts: Facts) -> Option<Step> {
    let mut all = super::Actions::from_slice(before);
    match facts.plan {
        Plan::Blind => {
            all.push(Action::Tell(Tell::Bridging));
            after(&all, State::Placing(cause), &[Action::Call, Action::Wait(Wait::Consult)])
        }
        Plan::Consult | Plan::Attended if facts.alive.primary && facts.alive.consultation => {
            all.push(Action::Tell(Tell::Bridging));
            resume(&all, cause, facts)
        }
        Plan::Consult | Plan::Attended => recover(before, cause, facts),
    }
}

/// Resumes what is held, by whomever of us: who is joined talks.
fn resume(before: &[Action], cause: Cause, facts: Facts) -> Option<Step> {
    let left =
        Alive { primary: facts.held != Held::Nobody, consultation: facts.consultation_held != Held::Nobody };
    let mut all = super::Actions::from_slice(before);
    for side in SIDES {
        if left.has(side) {
            all.push(Action::Resume(side));
        }
    }
    all.push(Action::Wait(Wait::Resume));
    join_when_resumed(&all, cause, left)
}

fn join_when_resumed(before: &[Action], cause: Cause, left: Alive) -> Option<Step> {
    if left.any() {
        after(before, State::Bridging(cause, left), &[])
    } else {
        after(before, State::Joining(cause), &[Action::Join])
    }
}

const SIDES: [Side; 2] = [Side::Primary, Side::Consultation];

/// The target of a blind transfer is called.
pub(super) fn placing(cause: Cause, event: Event, facts: Facts) -> Option<Step> {
    let stay = |actions: &[Action]| to(State::Placing(cause), actions);
    match event {
        Event::Consult(Consult::Ringing(status)) => stay(&[Action::Tell(Tell::ConsultRinging(status))]),
        Event::Consult(Consult::Up) => resume(&[], cause, facts),
        Event::Consult(Consult::Failed(code)) => {
            recover(&[Action::Tell(Tell::ConsultFailed(code))], Cause::Consult(code), facts)
        }
        // Ended from here by the application, or by the ring limit below.
        Event::Call(Side::Consultation, CallEnd::Closing) => stay(&[]),
        Event::Call(Side::Consultation, CallEnd::Local | CallEnd::HungUp | CallEnd::Lost) => {
            recover(&[Action::Tell(Tell::ConsultFailed(None))], Cause::Consult(None), facts)
        }
        Event::Timer(Timer::Consult) => {
            give_back(&[Action::Tell(Tell::ConsultFailed(None))], Cause::Consult(None), facts)
        }
        Event::Cancel => give_back(&[], Cause::Cancelled, facts),
        Event::Call(Side::Primary, end) => primary_over(&[], end, facts),
        Event::Reoffer(..) | Event::Answer(_) | Event::Notify(_) | Event::Subscription(_) => stay(&[]),
        Event::Timer(
            Timer::Hold
            | Timer::Talk
            | Timer::Guard
            | Timer::Retry
            | Timer::Final
            | Timer::Resume
            | Timer::Closing
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Complete
        | Event::Swap => None,
    }
}

/// The calls that are `left` are being resumed.
pub(super) fn resuming(cause: Cause, left: Alive, event: Event, facts: Facts) -> Option<Step> {
    let stay = || to(State::Bridging(cause, left), &[]);
    match event {
        Event::Reoffer(side, Reoffer::Done) if left.has(side) => {
            // What the application holds is held again if this comes to nothing.
            let note = [Action::NoteHeld(side, Held::Nobody)];
            let note: &[Action] = if facts.held_of(side) == Held::Us { &note } else { &[] };
            join_when_resumed(note, cause, left.without(side))
        }
        Event::Reoffer(Side::Consultation, Reoffer::Gone(_)) if left.consultation => {
            undo(&[Action::HangUp(Side::Consultation)], Cause::Bridge, left, facts)
        }
        // The dialog layer ends it next.
        Event::Reoffer(Side::Primary, Reoffer::Gone(_)) if left.primary => {
            primary_lost(&[Action::HangUp(Side::Primary)], Cause::Bridge.outcome(false), facts)
        }
        Event::Reoffer(side, Reoffer::AsBefore(_) | Reoffer::Silent | Reoffer::Unreachable)
            if left.has(side) =>
        {
            undo(&[], Cause::Bridge, left, facts)
        }
        Event::Timer(Timer::Resume) => undo(&[], Cause::Bridge, left, facts),
        Event::Cancel => undo(&[], Cause::Cancelled, left, facts),
        Event::Call(Side::Primary, end) => primary_over(&[], end, facts),
        Event::Call(Side::Consultation, _) => undo(&[], Cause::ConsultEnded, left, facts),
        Event::Reoffer(..)
        | Event::Consult(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_) => stay(),
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
        | Event::Swap => None,
    }
}

/// Both are resumed, and their media are being joined.
pub(super) fn joining(cause: Cause, event: Event, facts: Facts) -> Option<Step> {
    let part = [Action::Part];
    match event {
        Event::Joined(true) => to(State::Ended, &[Action::NoteBridged, Action::Finish(bridged(cause))]),
        Event::Joined(false) => undo(&[], Cause::Bridge, NONE, facts),
        Event::Timer(Timer::Resume) => undo(&part, Cause::Bridge, NONE, facts),
        Event::Cancel => undo(&part, Cause::Cancelled, NONE, facts),
        Event::Call(Side::Primary, end) => primary_over(&part, end, facts),
        Event::Call(Side::Consultation, _) => undo(&part, Cause::ConsultEnded, NONE, facts),
        Event::Reoffer(..)
        | Event::Consult(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_) => to(State::Joining(cause), &[]),
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
        | Event::Complete
        | Event::Swap => None,
    }
}

const NONE: Alive = Alive { primary: false, consultation: false };

/// Hangs up on the target that is being called; nothing was resumed yet.
fn give_back(before: &[Action], cause: Cause, facts: Facts) -> Option<Step> {
    let mut actions = super::Actions::from_slice(before);
    if facts.alive.consultation {
        actions.push(Action::HangUp(Side::Consultation));
    }
    recover(&actions, cause, facts)
}

/// Back to what was before: a target that was called for the bridge is hung up on, as is one that was called for a transfer
/// which is given up; what the application held is held again. The calls `in_flight` are being resumed.
fn undo(before: &[Action], cause: Cause, in_flight: Alive, facts: Facts) -> Option<Step> {
    let mut actions = super::Actions::from_slice(before);
    let drops = match facts.plan {
        Plan::Blind => true,
        Plan::Consult => cause == Cause::Cancelled,
        Plan::Attended => false,
    };
    let hang_up = Action::HangUp(Side::Consultation);
    if drops && facts.alive.consultation && !actions.contains(&hang_up) {
        actions.push(hang_up);
    }
    for side in SIDES {
        let goes_on = facts.alive.has(side) && !(side == Side::Consultation && actions.contains(&hang_up));
        if goes_on && facts.held_of(side) == Held::Application {
            actions.push(Action::Hold(side));
        }
    }
    // It may talk when its answer comes, and is to wait on hold.
    let facts =
        if facts.plan == Plan::Consult && in_flight.consultation && facts.consultation_held == Held::Us {
            facts.with_held(Side::Consultation, Held::Nobody)
        } else {
            facts
        };
    recover(&actions, cause, facts)
}

fn primary_over(before: &[Action], end: CallEnd, facts: Facts) -> Option<Step> {
    let outcome = match end {
        CallEnd::HungUp => peer_hung_up(),
        CallEnd::Closing | CallEnd::Local | CallEnd::Lost => call_ended(),
    };
    primary_lost(before, outcome, facts)
}

/// The party that was to be moved is gone. A target that was called for the bridge is hung up on; any other call is the
/// application's.
fn primary_lost(before: &[Action], outcome: Outcome, facts: Facts) -> Option<Step> {
    match facts.plan {
        Plan::Blind if facts.alive.consultation => {
            let mut all = super::Actions::from_slice(before);
            all.push(Action::HangUp(Side::Consultation));
            lose(&all, outcome, facts)
        }
        Plan::Blind | Plan::Consult | Plan::Attended => lose(before, outcome, facts),
    }
}
