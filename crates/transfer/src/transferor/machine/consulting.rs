//! While the target is asked: the rows of table 2.2 from the consultation call to the REFER.

use super::{
    super::event::{CallEnd, Consult, Event, Reoffer, Timer},
    Action, Cause, Facts, Held, Side, State, Step, Tell, Wait, after, bridging, give_up, lose, primary_over,
    recover, refer, to,
};
use crate::policy::attended::{SemiAttendedPolicy, WithoutReplaces};

pub(super) fn consulting(ringing: bool, complete: bool, event: Event, facts: Facts) -> Option<Step> {
    let stay = |actions: &[Action]| to(State::Consulting { ringing, complete }, actions);
    match event {
        Event::Consult(Consult::Ringing(status)) => {
            to(State::Consulting { ringing: true, complete }, &[Action::Tell(Tell::ConsultRinging(status))])
        }
        Event::Consult(Consult::Up) => answered(complete, facts),
        Event::Consult(Consult::Failed(code)) => {
            recover(&[Action::Tell(Tell::ConsultFailed(code))], Cause::Consult(code), facts)
        }
        // Ended from here by the application, or by the ring limit below.
        Event::Call(Side::Consultation, CallEnd::Closing) => stay(&[]),
        Event::Call(Side::Consultation, CallEnd::Local | CallEnd::HungUp | CallEnd::Lost) => {
            recover(&[Action::Tell(Tell::ConsultFailed(None))], Cause::Consult(None), facts)
        }
        Event::Timer(Timer::Consult) => {
            give_up(&[Action::Tell(Tell::ConsultFailed(None))], Cause::Consult(None), facts)
        }
        Event::Complete => match facts.may.semi_attended {
            SemiAttendedPolicy::WaitForAnswer => to(State::Consulting { ringing, complete: true }, &[]),
            SemiAttendedPolicy::CancelThenBlind => drop_call(&[], facts),
            SemiAttendedPolicy::Refuse => None,
        },
        Event::Cancel => give_up(&[], Cause::Cancelled, facts),
        Event::Call(Side::Primary, end) => primary_over(end, facts),
        Event::Reoffer(..) => stay(&[]),
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
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Swap => None,
    }
}

fn answered(complete: bool, facts: Facts) -> Option<Step> {
    let before = [Action::MoveTo(Side::Consultation), Action::Tell(Tell::ConsultAnswered)];
    if !complete {
        return after(&before, State::ConsultTalk(Side::Consultation), &[Action::Wait(Wait::Talk)]);
    }
    match facts.may.without_replaces {
        _ if facts.may.replaces => before_refer(&before, Side::Consultation, facts),
        WithoutReplaces::Blind => drop_call(&before, facts),
        WithoutReplaces::Refuse if facts.may.bridge => bridging::fall_back(&before, Cause::NoReplaces, facts),
        WithoutReplaces::Refuse => recover(&before, Cause::NoReplaces, facts),
    }
}

pub(super) fn talking(active: Side, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Complete => match facts.may.without_replaces {
            _ if facts.may.replaces => before_refer(&[], active, facts),
            WithoutReplaces::Blind => drop_call(&[], facts),
            WithoutReplaces::Refuse if facts.may.bridge => bridging::fall_back(&[], Cause::NoReplaces, facts),
            // The command is refused with the reason, and nothing is lost (TR-173).
            WithoutReplaces::Refuse => None,
        },
        Event::Swap => to(
            State::Swapping { from: active, held: false },
            &[Action::Hold(active), Action::Wait(Wait::Hold)],
        ),
        Event::Cancel => give_up(&[], Cause::Cancelled, facts),
        Event::Timer(Timer::Talk) => give_up(&[], Cause::TalkLimit, facts),
        Event::Call(Side::Consultation, _) => recover(&[], Cause::ConsultEnded, facts),
        Event::Call(Side::Primary, end) => primary_over(end, facts),
        Event::Reoffer(..) | Event::Consult(_) => to(State::ConsultTalk(active), &[]),
        Event::Timer(
            Timer::Hold
            | Timer::Consult
            | Timer::Guard
            | Timer::Retry
            | Timer::Final
            | Timer::Resume
            | Timer::Closing
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_) => None,
    }
}

/// The row "swap()": first the one is held, then the other is resumed, so that the user is never with both.
pub(super) fn swapping(from: Side, held: bool, event: Event, facts: Facts) -> Option<Step> {
    let other = from.other();
    let back = |actions: &[Action]| to(State::ConsultTalk(from), actions);
    // What is in flight may succeed: either call may be held when it is needed again.
    let unsure = facts.with_held(Side::Primary, Held::Us).with_held(from, Held::Us);
    match event {
        Event::Reoffer(side, Reoffer::Done) if side == from && !held => to(
            State::Swapping { from, held: true },
            &[
                Action::NoteHeld(from, Held::Us),
                Action::MoveTo(other),
                Action::Resume(other),
                Action::Wait(Wait::Hold),
            ],
        ),
        Event::Reoffer(side, Reoffer::Done) if side == other && held => to(
            State::ConsultTalk(other),
            &[Action::NoteHeld(other, Held::Nobody), Action::Tell(Tell::Swapped(other))],
        ),
        Event::Reoffer(side, Reoffer::AsBefore(_) | Reoffer::Gone(_) | Reoffer::Unreachable)
            if side == from && !held =>
        {
            back(&[])
        }
        Event::Reoffer(side, Reoffer::Silent) if side == from && !held => back(&[Action::Resume(from)]),
        Event::Timer(Timer::Hold) if !held => back(&[Action::Resume(from)]),
        Event::Reoffer(
            side,
            Reoffer::AsBefore(_) | Reoffer::Gone(_) | Reoffer::Unreachable | Reoffer::Silent,
        ) if side == other && held => {
            back(&[Action::NoteHeld(from, Held::Nobody), Action::MoveTo(from), Action::Resume(from)])
        }
        Event::Timer(Timer::Hold) => {
            back(&[Action::NoteHeld(from, Held::Nobody), Action::MoveTo(from), Action::Resume(from)])
        }
        Event::Reoffer(..) | Event::Consult(_) => to(State::Swapping { from, held }, &[]),
        Event::Cancel if from == Side::Primary && !held => release(Cause::Cancelled, facts),
        Event::Timer(Timer::Talk) if from == Side::Primary && !held => release(Cause::TalkLimit, facts),
        Event::Call(Side::Consultation, _) if from == Side::Primary && !held => {
            release(Cause::ConsultEnded, facts)
        }
        Event::Cancel => give_up(&[], Cause::Cancelled, unsure),
        Event::Timer(Timer::Talk) => give_up(&[], Cause::TalkLimit, unsure),
        Event::Call(Side::Consultation, _) => recover(&[], Cause::ConsultEnded, unsure),
        Event::Call(Side::Primary, end) => primary_over(end, unsure.with_held(Side::Consultation, Held::Us)),
        Event::Timer(
            Timer::Consult
            | Timer::Guard
            | Timer::Retry
            | Timer::Final
            | Timer::Resume
            | Timer::Closing
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Complete
        | Event::Swap => None,
    }
}

/// Holds the call that the user is with, then sends the REFER: both are held (TR-167).
pub(super) fn before_refer(before: &[Action], active: Side, facts: Facts) -> Option<Step> {
    if let Some(cause) = facts.unreferable() {
        return bridging::fall_back(before, cause, facts);
    }
    let wanted = match active {
        Side::Primary => true,
        Side::Consultation => facts.may.hold_consultation,
    };
    if wanted && facts.held_of(active) == Held::Nobody {
        return after(before, State::HoldConsult(active), &[Action::Hold(active), Action::Wait(Wait::Hold)]);
    }
    refer(before)
}

pub(super) fn holding(side: Side, event: Event, facts: Facts) -> Option<Step> {
    let note = [Action::NoteHeld(side, Held::Us)];
    let ours = facts.with_held(side, Held::Us);
    let unheld = |code| {
        if facts.may.go_on { refer(&[]) } else { recover(&[], Cause::Hold(code), facts) }
    };
    match event {
        Event::Reoffer(settled, Reoffer::Done) if settled == side => refer(&note),
        Event::Reoffer(settled, Reoffer::AsBefore(code)) if settled == side => unheld(code),
        Event::Reoffer(settled, Reoffer::Unreachable) if settled == side => unheld(None),
        Event::Reoffer(settled, Reoffer::Gone(code)) if settled == side => match side {
            Side::Primary => {
                lose(&[Action::HangUp(Side::Primary)], Cause::Hold(Some(code)).outcome(false), facts)
            }
            Side::Consultation => recover(&[Action::HangUp(Side::Consultation)], Cause::ConsultEnded, facts),
        },
        // Nobody knows what became of it: the call may be held, and is treated so.
        Event::Reoffer(settled, Reoffer::Silent) if settled == side => {
            if facts.may.go_on {
                refer(&note)
            } else {
                recover(&note, Cause::Hold(None), ours)
            }
        }
        Event::Timer(Timer::Hold) => {
            if facts.may.go_on {
                refer(&note)
            } else {
                recover(&note, Cause::Hold(None), ours)
            }
        }
        Event::Reoffer(..) | Event::Consult(_) => to(State::HoldConsult(side), &[]),
        Event::Cancel if side == Side::Primary => release(Cause::Cancelled, facts),
        Event::Call(Side::Consultation, _) if side == Side::Primary => release(Cause::ConsultEnded, facts),
        Event::Cancel => give_up(&note, Cause::Cancelled, ours),
        Event::Call(Side::Consultation, _) => recover(&note, Cause::ConsultEnded, ours),
        Event::Call(Side::Primary, end) => primary_over(end, ours),
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
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Complete
        | Event::Swap => None,
    }
}

/// Gives up while the first call is being held once more: its answer would pass for that of the resumption.
fn release(cause: Cause, facts: Facts) -> Option<Step> {
    let before: &[Action] =
        if facts.alive.consultation { &[Action::HangUp(Side::Consultation)] } else { &[] };
    after(before, State::Releasing(cause), &[Action::Tell(Tell::Recovering)])
}

/// Ends the consultation call; no REFER leaves before that is settled (TR-166, TR-169).
fn drop_call(before: &[Action], facts: Facts) -> Option<Step> {
    // The application may have hung up on it already.
    let all: &[Action] = if facts.alive.consultation {
        &[Action::HangUp(Side::Consultation), Action::Wait(Wait::Closing)]
    } else {
        &[Action::Wait(Wait::Closing)]
    };
    after(before, State::Dropping, all)
}

pub(super) fn dropping(event: Event, facts: Facts) -> Option<Step> {
    // It is hung up on already.
    let facts = Facts { alive: facts.alive.without(Side::Consultation), ..facts };
    match event {
        Event::Consult(Consult::Failed(_))
        | Event::Call(Side::Consultation, CallEnd::Local | CallEnd::HungUp | CallEnd::Lost)
        | Event::Timer(Timer::Closing) => {
            let blind = [Action::GoBlind, Action::MoveTo(Side::Primary)];
            match facts.held {
                // After a swap the user is with the party that is to be moved.
                Held::Nobody => {
                    after(&blind, State::Holding, &[Action::Hold(Side::Primary), Action::Wait(Wait::Hold)])
                }
                Held::Us | Held::Refused | Held::Application => refer(&blind),
            }
        }
        Event::Cancel => recover(&[], Cause::Cancelled, facts),
        Event::Call(Side::Primary, end) => primary_over(end, facts),
        Event::Call(Side::Consultation, CallEnd::Closing) | Event::Reoffer(..) | Event::Consult(_) => {
            to(State::Dropping, &[])
        }
        Event::Timer(
            Timer::Hold
            | Timer::Consult
            | Timer::Talk
            | Timer::Guard
            | Timer::Retry
            | Timer::Final
            | Timer::Resume
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Complete
        | Event::Swap => None,
    }
}
