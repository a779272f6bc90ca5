//! From the REFER to what it brought: the rows of `ReferPending`, Accepted and Progress.

use super::{
    super::event::{Answer, CallEnd, End, Event, Report, Timer},
    Action, Cause, Facts, Moved, Parted, Plan, Side, State, StatusCode, Step, Tell, Wait, arrived, bridging,
    call_ended, complete, finish, give_up, lose, peer_hung_up, recover, take_back, to, unreported,
};

/// As [`recover`] when the refusal makes the call itself doubtful: a re-INVITE tells whether it lives (TR-266).
fn recover_doubtful(cause: Cause, facts: Facts) -> Option<Step> {
    // Where the target is protected, what is refused is its call: the other one is not in doubt.
    take_back(&[], cause, facts, !facts.protect)
}

pub(super) fn refer_pending(early: Option<Report>, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Notify(report) => to(State::ReferPending(Some(outweigh(early, report))), &[]),
        Event::Answer(Answer::Accepted(status)) => {
            let accepted = Action::Tell(Tell::Accepted(status));
            match early {
                None if facts.detached => unreported::let_go(&[accepted], facts),
                None => to(State::Accepted, &[accepted]),
                Some(report) => {
                    let mut step = reported(report, facts)?;
                    step.actions.insert(0, accepted);
                    Some(step)
                }
            }
        }
        // TR-029: not followed.
        Event::Answer(Answer::Redirected(code)) => recover(&[], Cause::Refused(Some(code)), facts),
        // Row "401/407": the dialog layer has tried with what keys there are; what comes up here stands.
        Event::Answer(Answer::Challenged(code)) => recover(&[], Cause::Refused(Some(code)), facts),
        // Row "420": the dialog layer has left out what could be left out.
        Event::Answer(Answer::BadExtension(code)) => recover(&[], Cause::Refused(Some(code)), facts),
        // The fallback chain (TR-170): the other of the two is asked.
        Event::Answer(Answer::NoRefer(_)) if facts.may.reverse => {
            to(State::ReferPending(None), &[Action::Protect, Action::Refer])
        }
        Event::Answer(Answer::NoRefer(code)) => fall_back(Cause::NotSupported(Some(code)), facts),
        Event::Answer(Answer::Declined(code)) if code == StatusCode::DECLINE => {
            fall_back(Cause::Refused(Some(code)), facts)
        }
        Event::Answer(Answer::NoCall(code) | Answer::Doubted(code)) => {
            recover_doubtful(Cause::Refused(Some(code)), facts)
        }
        Event::Answer(Answer::Glare(code) | Answer::TryLater(code, _))
            if facts.retried || facts.names_nothing() =>
        {
            recover(&[], Cause::Refused(Some(code)), facts)
        }
        Event::Answer(Answer::Glare(_)) => to(State::BackingOff, &[Action::Wait(Wait::Retry(None))]),
        Event::Answer(Answer::TryLater(_, seconds)) => {
            to(State::BackingOff, &[Action::Wait(Wait::Retry(Some(seconds)))])
        }
        Event::Answer(Answer::Declined(code)) => recover(&[], Cause::Refused(Some(code)), facts),
        // D3: a REFER that is not answered says nothing about the call. A NOTIFY says that it arrived and was accepted.
        Event::Answer(Answer::TimedOut) => {
            early.map_or_else(|| recover(&[], Cause::ReferTimeout, facts), |report| reported(report, facts))
        }
        Event::Answer(Answer::Unreachable) => {
            early.map_or_else(|| recover(&[], Cause::Unreachable, facts), |report| reported(report, facts))
        }
        Event::Answer(Answer::Misused) => recover(&[], Cause::Unreachable, facts),
        // The subscription can be over before the answer to the REFER has come.
        Event::Subscription(End::Terminated) => result_or(early, &[], Cause::NoResult, facts),
        // Only an answer brings it.
        Event::Subscription(End::Suppressed) => to(State::ReferPending(early), &[]),
        Event::Subscription(End::Refused) => recover(&[], Cause::Refused(None), facts),
        Event::Subscription(End::NoNotify) => result_or(early, &[], Cause::NoNotify, facts),
        Event::Subscription(End::Expired) => result_or(early, &[], Cause::Expired, facts),
        Event::Call(side, end) => call_over(State::ReferPending(early), early, side, end, facts),
        Event::Cancel => match early {
            Some(Report::Success { .. } | Report::Failure { .. }) => {
                result_or(early, &[Action::Unsubscribe], Cause::Cancelled, facts)
            }
            Some(Report::Pending | Report::Provisional(_) | Report::Nothing | Report::Empty) | None => {
                give_up(&[Action::Unsubscribe], Cause::Cancelled, facts)
            }
        },
        Event::Timer(Timer::Guard) => result_or(early, &[Action::Unsubscribe], Cause::Guard, facts),
        Event::Reoffer(Side::Consultation, _) | Event::Consult(_) => to(State::ReferPending(early), &[]),
        Event::Timer(
            Timer::Hold
            | Timer::Consult
            | Timer::Talk
            | Timer::Retry
            | Timer::Final
            | Timer::Resume
            | Timer::Closing
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Reoffer(Side::Primary, _)
        | Event::Complete
        | Event::Swap => None,
    }
}

/// Bridges the two calls if that is wanted and both are there, otherwise takes the party back.
fn fall_back(cause: Cause, facts: Facts) -> Option<Step> {
    if facts.may.bridge { bridging::fall_back(&[], cause, facts) } else { recover(&[], cause, facts) }
}

/// What a NOTIFY said before the answer to the REFER counts when that answer cannot come any more (D4); otherwise the
/// transfer fails for the given cause.
fn result_or(early: Option<Report>, before: &[Action], cause: Cause, facts: Facts) -> Option<Step> {
    match early {
        Some(Report::Success { code, last }) => complete(Moved::Reported(code), last, facts),
        Some(Report::Failure { code, .. }) => recover(before, Cause::Target(code), facts),
        Some(Report::Pending | Report::Provisional(_) | Report::Nothing | Report::Empty) | None => {
            recover(before, cause, facts)
        }
    }
}

/// Which of two NOTIFYs is kept: a final status is not outdone, otherwise the newest.
const fn outweigh(early: Option<Report>, newer: Report) -> Report {
    match early {
        Some(kept @ (Report::Success { .. } | Report::Failure { .. })) => kept,
        Some(Report::Pending | Report::Provisional(_) | Report::Nothing | Report::Empty) | None => newer,
    }
}

pub(super) fn backing_off(event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Timer(Timer::Retry) => to(State::ReferPending(None), &[Action::Refer]),
        Event::Timer(Timer::Guard) => recover(&[], Cause::Guard, facts),
        Event::Cancel => give_up(&[], Cause::Cancelled, facts),
        // Nothing is under way that could still bring an outcome.
        Event::Call(Side::Primary, CallEnd::HungUp) => lose(&[], peer_hung_up(), facts),
        Event::Call(Side::Primary, CallEnd::Closing | CallEnd::Local | CallEnd::Lost) => {
            lose(&[], call_ended(), facts)
        }
        Event::Call(Side::Consultation, _) if facts.plan != Plan::Blind => {
            recover(&[], Cause::ConsultEnded, facts)
        }
        Event::Call(Side::Consultation, _) | Event::Reoffer(Side::Consultation, _) | Event::Consult(_) => {
            to(State::BackingOff, &[])
        }
        Event::Timer(
            Timer::Hold
            | Timer::Consult
            | Timer::Talk
            | Timer::Final
            | Timer::Resume
            | Timer::Closing
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Reoffer(Side::Primary, _)
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Subscription(_)
        | Event::Complete
        | Event::Swap => None,
    }
}

/// The rows of Accepted and Progress.
pub(super) fn under_way(state: State, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Notify(report) => reported(report, facts),
        Event::Subscription(End::Suppressed) => unreported::suppressed(facts),
        // The SUBSCRIBE of an explicit subscription was accepted; one that was refused ends it.
        Event::Answer(_) => to(state, &[]),
        Event::Subscription(End::NoNotify) => recover(&[], Cause::NoNotify, facts),
        Event::Subscription(End::Expired) => recover(&[], Cause::Expired, facts),
        Event::Subscription(End::Terminated | End::Refused) => recover(&[], Cause::NoResult, facts),
        Event::Call(side, end) => call_over(state, None, side, end, facts),
        Event::Cancel => give_up(&[Action::Unsubscribe], Cause::Cancelled, facts),
        Event::Timer(Timer::Guard) => recover(&[Action::Unsubscribe], Cause::Guard, facts),
        Event::Reoffer(Side::Consultation, _) | Event::Consult(_) => to(state, &[]),
        Event::Timer(
            Timer::Hold
            | Timer::Consult
            | Timer::Talk
            | Timer::Retry
            | Timer::Final
            | Timer::Resume
            | Timer::Closing
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Reoffer(Side::Primary, _)
        | Event::Complete
        | Event::Swap => None,
    }
}

/// A call ended while the REFER or what follows from it is under way.
fn call_over(state: State, early: Option<Report>, side: Side, end: CallEnd, facts: Facts) -> Option<Step> {
    match (side, facts.protect) {
        (Side::Primary, false) => match end {
            // A 2xx and a NOTIFY may cross the BYE (D4); what was told already counts at once.
            CallEnd::HungUp => part(early, Parted::HungUp, facts),
            CallEnd::Lost => part(early, Parted::Lost, facts),
            // The subscription lives on and its NOTIFYs are answered (TR-165), but the call cannot be taken back.
            CallEnd::Closing | CallEnd::Local => match early {
                Some(Report::Success { code, .. }) => arrived(Moved::Reported(code), facts),
                Some(
                    Report::Failure { .. }
                    | Report::Pending
                    | Report::Provisional(_)
                    | Report::Nothing
                    | Report::Empty,
                )
                | None => lose(&[], call_ended(), facts),
            },
        },
        // The normal result of Replaces; if the target's user has hung up instead, the sipfrag will say so.
        (Side::Consultation, false) => to(state, &[]),
        // The same with exchanged roles (TR-168).
        (Side::Primary, true) => match end {
            CallEnd::HungUp | CallEnd::Lost => to(state, &[]),
            CallEnd::Closing | CallEnd::Local => match early {
                Some(Report::Success { code, last }) => complete(Moved::Reported(code), last, facts),
                Some(
                    Report::Failure { .. }
                    | Report::Pending
                    | Report::Provisional(_)
                    | Report::Nothing
                    | Report::Empty,
                )
                | None => lose(&[], call_ended(), facts),
            },
        },
        (Side::Consultation, true) => match (early, end) {
            (Some(Report::Success { code, last }), _) => complete(Moved::Reported(code), last, facts),
            (_, _) if facts.alive.primary => recover(&[], Cause::ConsultEnded, facts),
            // Both are over, as after a success: its report may cross the BYE here, too.
            (_, CallEnd::HungUp) => part(early, Parted::HungUp, facts),
            (_, CallEnd::Lost) => part(early, Parted::Lost, facts),
            (_, CallEnd::Closing | CallEnd::Local) => finish(call_ended()),
        },
    }
}

/// A NOTIFY after the 2xx.
fn reported(report: Report, facts: Facts) -> Option<Step> {
    match report {
        Report::Pending if facts.detached => {
            unreported::let_go(&[Action::Tell(Tell::AwaitingApproval)], facts)
        }
        Report::Provisional(code) if facts.detached => {
            unreported::let_go(&[Action::Tell(Tell::Progress(code))], facts)
        }
        Report::Nothing if facts.detached => unreported::let_go(&[], facts),
        Report::Pending => to(State::Progress, &[Action::Tell(Tell::AwaitingApproval)]),
        Report::Provisional(code) => to(State::Progress, &[Action::Tell(Tell::Progress(code))]),
        Report::Nothing => to(State::Progress, &[]),
        Report::Success { code, last } => complete(Moved::Reported(code), last, facts),
        // The target is still there, so it was looked for at the wrong place (TR-171).
        Report::Failure { code, .. } if facts.may.reroute && leads_nowhere(code) => {
            to(State::ReferPending(None), &[Action::Reroute, Action::Refer])
        }
        // The target is in the consultation call, and whoever refused, it was not for want of somebody to talk to (TR-173).
        Report::Failure { code, .. } if facts.plan != Plan::Blind => fall_back(Cause::Target(code), facts),
        // A subscription that its notifier leaves active runs out by itself: a peer was seen that ends the whole call on a
        // SUBSCRIBE in it, and the call is what is to be saved.
        Report::Failure { code, .. } => recover(&[], Cause::Target(code), facts),
        Report::Empty => recover(&[], Cause::NoResult, facts),
    }
}

/// Statuses of a target that was not reached, or that does not know the call which Replaces names.
const fn leads_nowhere(code: StatusCode) -> bool {
    matches!(code.as_u16(), 403 | 404 | 408 | 420 | 480 | 481 | 503)
}

fn part(early: Option<Report>, parted: Parted, facts: Facts) -> Option<Step> {
    match early {
        Some(Report::Success { code, .. }) => arrived(Moved::Reported(code), facts),
        Some(Report::Failure { code, .. }) => lose(&[], Cause::Target(code).outcome(false), facts),
        Some(Report::Pending | Report::Provisional(_) | Report::Nothing | Report::Empty) | None => {
            to(State::Parting(parted), &[Action::Wait(Wait::Final)])
        }
    }
}

pub(super) fn parting(parted: Parted, event: Event, facts: Facts) -> Option<Step> {
    let unknown = || {
        let outcome = match parted {
            Parted::HungUp => peer_hung_up(),
            Parted::Lost => call_ended(),
            Parted::Unreported => peer_hung_up(),
        };
        lose(&[], outcome, facts)
    };
    let stay = |actions: &[Action]| to(State::Parting(parted), actions);
    match event {
        Event::Answer(Answer::Accepted(status)) => stay(&[Action::Tell(Tell::Accepted(status))]),
        Event::Answer(
            Answer::Redirected(_)
            | Answer::Challenged(_)
            | Answer::BadExtension(_)
            | Answer::NoRefer(_)
            | Answer::NoCall(_)
            | Answer::Doubted(_)
            | Answer::Glare(_)
            | Answer::TryLater(_, _)
            | Answer::Declined(_)
            | Answer::TimedOut
            | Answer::Unreachable
            | Answer::Misused,
        ) => unknown(),
        Event::Notify(Report::Pending) => stay(&[Action::Tell(Tell::AwaitingApproval)]),
        Event::Notify(Report::Provisional(code)) => stay(&[Action::Tell(Tell::Progress(code))]),
        Event::Notify(Report::Nothing) => stay(&[]),
        Event::Notify(Report::Success { code, .. }) => arrived(Moved::Reported(code), facts),
        Event::Notify(Report::Failure { code, .. }) => lose(&[], Cause::Target(code).outcome(false), facts),
        Event::Notify(Report::Empty) | Event::Subscription(_) | Event::Timer(Timer::Final) => unknown(),
        Event::Call(Side::Consultation, CallEnd::HungUp) if parted == Parted::Unreported => {
            finish(Moved::Unreported { seen: true }.outcome(facts))
        }
        Event::Call(Side::Consultation, _) | Event::Reoffer(Side::Consultation, _) | Event::Consult(_) => {
            stay(&[])
        }
        Event::Timer(
            Timer::Hold
            | Timer::Consult
            | Timer::Talk
            | Timer::Guard
            | Timer::Retry
            | Timer::Resume
            | Timer::Closing
            | Timer::Bye,
        )
        | Event::Begin(_)
        | Event::Joined(_)
        | Event::Reoffer(Side::Primary, _)
        | Event::Call(Side::Primary, _)
        | Event::Complete
        | Event::Swap
        | Event::Cancel => None,
    }
}
