//! Before anything is sent to the others: the rows of Idle and Holding (table 2.1), and of `HoldPrimary` (table 2.2).

use super::{
    super::event::{CallEnd, Event, Reoffer, Timer},
    Action, Cause, Facts, Held, Plan, Side, State, Step, Tell, Wait, after, bridging, consulting, finish,
    lose, primary_over, recover, refer, to,
};
use crate::Hold;

pub(super) fn idle(event: Event, facts: Facts) -> Option<Step> {
    match event {
        // Nobody is referred, and for a bridge nobody need be held.
        Event::Begin(Hold::First) if facts.plan == Plan::Attended && facts.unreferable().is_some() => {
            held(&[], facts)
        }
        Event::Begin(Hold::First) => {
            to(State::Holding, &[Action::Hold(Side::Primary), Action::Wait(Wait::Hold)])
        }
        Event::Begin(Hold::Already | Hold::No) => held(&[], facts),
        Event::Begin(Hold::Done) => {
            held(&[Action::NoteHeld(Side::Primary, Held::Us)], facts.with_held(Side::Primary, Held::Us))
        }
        Event::Reoffer(..)
        | Event::Consult(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Call(..)
        | Event::Complete
        | Event::Swap
        | Event::Cancel
        | Event::Joined(_)
        | Event::Timer(_) => None,
    }
}

/// What follows when the first call is held, or need not be.
fn held(before: &[Action], facts: Facts) -> Option<Step> {
    match facts.plan {
        // The dialog layer sends the REFER when no INVITE is in its way (TR-251); T-GUARD limits that wait, too.
        Plan::Blind => match facts.unreferable() {
            Some(cause) => bridging::fall_back(before, cause, facts),
            None => refer(before),
        },
        Plan::Consult => after(
            before,
            State::Consulting { ringing: false, complete: facts.on_answer },
            &[Action::Place, Action::Wait(Wait::Consult)],
        ),
        Plan::Attended => consulting::before_refer(before, Side::Consultation, facts),
    }
}

pub(super) fn holding(event: Event, facts: Facts) -> Option<Step> {
    let note = [Action::NoteHeld(Side::Primary, Held::Us)];
    let ours = facts.with_held(Side::Primary, Held::Us);
    let unheld = |code| {
        if facts.may.go_on { held(&[], facts) } else { finish(Cause::Hold(code).outcome(true)) }
    };
    match event {
        Event::Reoffer(Side::Primary, Reoffer::Done) => held(&note, ours),
        Event::Reoffer(Side::Primary, Reoffer::AsBefore(code)) => unheld(code),
        Event::Reoffer(Side::Primary, Reoffer::Unreachable) => unheld(None),
        Event::Reoffer(Side::Primary, Reoffer::Gone(code)) => {
            lose(&[Action::HangUp(Side::Primary)], Cause::Hold(Some(code)).outcome(false), facts)
        }
        Event::Reoffer(Side::Primary, Reoffer::Over) | Event::Reoffer(Side::Consultation, _) => {
            to(State::Holding, &[])
        }
        // Nobody knows what became of it: the call may be held, and is treated so.
        Event::Reoffer(Side::Primary, Reoffer::Silent) | Event::Timer(Timer::Hold) if facts.may.go_on => {
            held(&note, ours)
        }
        Event::Reoffer(Side::Primary, Reoffer::Silent) | Event::Timer(Timer::Hold) => {
            recover(&note, Cause::Hold(None), ours)
        }
        Event::Cancel => to(State::Releasing(Cause::Cancelled), &[Action::Tell(Tell::Recovering)]),
        Event::Call(Side::Primary, end) => primary_over(end, facts),
        // It was hung up on, and the party is to be referred blind.
        Event::Call(Side::Consultation, _) if facts.plan == Plan::Blind => to(State::Holding, &[]),
        Event::Call(
            Side::Consultation,
            CallEnd::Closing | CallEnd::Local | CallEnd::HungUp | CallEnd::Lost,
        ) => to(State::Releasing(Cause::ConsultEnded), &[Action::Tell(Tell::Recovering)]),
        Event::Timer(
            Timer::Consult
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
        | Event::Consult(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Complete
        | Event::Swap => None,
    }
}

/// The row "app cancel" of Holding: resume "if hold done later".
pub(super) fn releasing(cause: Cause, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Reoffer(Side::Primary, Reoffer::Done | Reoffer::Silent) | Event::Timer(Timer::Hold) => to(
            State::Recovering(cause),
            &[
                Action::NoteHeld(Side::Primary, Held::Us),
                Action::Resume(Side::Primary),
                Action::Wait(Wait::Resume),
            ],
        ),
        Event::Reoffer(Side::Primary, Reoffer::AsBefore(_) | Reoffer::Unreachable) => {
            finish(cause.outcome(true))
        }
        Event::Reoffer(Side::Primary, Reoffer::Gone(_)) => {
            lose(&[Action::HangUp(Side::Primary)], cause.outcome(false), facts)
        }
        Event::Reoffer(Side::Primary, Reoffer::Over)
        | Event::Reoffer(Side::Consultation, _)
        | Event::Call(Side::Consultation, _) => to(State::Releasing(cause), &[]),
        Event::Call(Side::Primary, _) => lose(&[], cause.outcome(false), facts),
        Event::Timer(
            Timer::Consult
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
        | Event::Consult(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Complete
        | Event::Swap
        | Event::Cancel => None,
    }
}
