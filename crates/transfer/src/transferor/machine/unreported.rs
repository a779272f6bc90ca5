//! Transfers that nobody reports on, and those that the application has let go of: the rows "2xx with Refer-Sub: false" and
//! Detached of table 2.1.

use super::{
    super::event::{Answer, CallEnd, End, Event, Report, Timer},
    Action, Cause, Facts, Moved, Parted, Plan, Side, State, Step, Tell, Wait, after, arrived, call_ended,
    complete, finish, give_up, lose, recover, to,
};
use crate::policy::ByeOwner;

/// The 2xx said that there will be no report (TR-077). Where nobody else can tell, we hang up and call it accepted; where
/// the target ends the other call, or the peer is to hang up, that is waited for, and the call is taken back if it does not
/// come.
pub(super) fn suppressed(facts: Facts) -> Option<Step> {
    match (facts.plan, facts.may.bye) {
        (Plan::Blind, _) if facts.detached => finish(Moved::Unreported { seen: false }.outcome(facts)),
        (Plan::Blind, ByeOwner::Transferor) => complete(Moved::Unreported { seen: false }, true, facts),
        (Plan::Blind, ByeOwner::Peer) | (Plan::Consult | Plan::Attended, _) => to(State::Unreported, &[]),
    }
}

pub(super) fn unreported(event: Event, facts: Facts) -> Option<Step> {
    let referred = facts.referred();
    let seen = Moved::Unreported { seen: true };
    match event {
        // Our own BYE.
        Event::Call(Side::Primary, _) if facts.detached => to(State::Unreported, &[]),
        // The peer ends the call because it has the other one; a blind transfer has no better sign.
        Event::Call(Side::Primary, CallEnd::HungUp | CallEnd::Lost) if facts.plan == Plan::Blind => {
            finish(seen.outcome(facts))
        }
        // The target has let the new call replace this one.
        Event::Call(side, CallEnd::HungUp) if side != referred => complete(seen, true, facts),
        Event::Call(side, CallEnd::Lost) if side != referred && facts.alive.primary => {
            to(State::Unreported, &[])
        }
        Event::Call(side, CallEnd::Closing | CallEnd::Local)
            if side != referred && side == Side::Consultation =>
        {
            to(State::Unreported, &[])
        }
        Event::Call(Side::Primary, CallEnd::HungUp | CallEnd::Lost) => {
            if facts.alive.consultation {
                to(State::Parting(Parted::Unreported), &[Action::Wait(Wait::Final)])
            } else {
                finish(seen.outcome(facts))
            }
        }
        Event::Call(Side::Primary, CallEnd::Closing | CallEnd::Local) => lose(&[], call_ended(), facts),
        Event::Call(Side::Consultation, _) if facts.alive.primary => recover(&[], Cause::ConsultEnded, facts),
        Event::Call(Side::Consultation, CallEnd::HungUp | CallEnd::Lost) => finish(seen.outcome(facts)),
        Event::Call(Side::Consultation, CallEnd::Closing | CallEnd::Local) => finish(call_ended()),
        Event::Cancel if facts.detached => None,
        Event::Cancel => give_up(&[], Cause::Cancelled, facts),
        Event::Timer(Timer::Guard) => recover(&[], Cause::Guard, facts),
        Event::Reoffer(Side::Consultation, _) | Event::Consult(_) | Event::Subscription(_) => {
            to(State::Unreported, &[])
        }
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
        | Event::Answer(_)
        | Event::Notify(_)
        | Event::Complete
        | Event::Swap => None,
    }
}

/// The column "detach": the application lets go. The BYE waits for the 2xx; NOTIFYs are answered and tell the outcome, but
/// there is nothing left to be taken back (TR-165, TR-180).
pub(in super::super) fn detach(state: State, facts: Facts) -> Option<Step> {
    match state {
        // The call that is left would be that of the party which is to be moved, with nobody to take it back.
        _ if facts.protect => None,
        State::ReferPending(_) | State::BackingOff if facts.detached => None,
        State::ReferPending(_) | State::BackingOff => to(state, &[Action::Detach]),
        State::Accepted | State::Progress => let_go(&[Action::Detach], facts),
        State::Unreported if facts.plan == Plan::Blind => {
            complete(Moved::Unreported { seen: false }, true, facts)
        }
        State::Unreported if facts.detached => None,
        State::Unreported => to(State::Unreported, &[Action::Detach, Action::HangUp(facts.referred())]),
        State::Idle
        | State::Holding
        | State::Releasing(_)
        | State::Consulting { .. }
        | State::ConsultTalk(_)
        | State::Swapping { .. }
        | State::HoldConsult(_)
        | State::Dropping
        | State::Detached
        | State::Parting(_)
        | State::Completing(..)
        | State::Placing(_)
        | State::Bridging(..)
        | State::Joining(_)
        | State::Recovering(_)
        | State::Waiting(_)
        | State::Restoring(_)
        | State::Ended => None,
    }
}

/// Hangs up on the party that was referred; its subscription lives on.
pub(super) fn let_go(before: &[Action], facts: Facts) -> Option<Step> {
    after(before, State::Detached, &[Action::Keep, Action::HangUp(facts.referred())])
}

pub(super) fn detached(event: Event, facts: Facts) -> Option<Step> {
    let stay = |actions: &[Action]| to(State::Detached, actions);
    match event {
        Event::Notify(Report::Pending) => stay(&[Action::Tell(Tell::AwaitingApproval)]),
        Event::Notify(Report::Provisional(code)) => stay(&[Action::Tell(Tell::Progress(code))]),
        Event::Notify(Report::Nothing) => stay(&[]),
        Event::Notify(Report::Success { code, .. }) => arrived(Moved::Reported(code), facts),
        Event::Notify(Report::Failure { code, .. }) => lose(&[], Cause::Target(code).outcome(false), facts),
        Event::Notify(Report::Empty) | Event::Subscription(End::Terminated | End::Refused) => {
            lose(&[], Cause::NoResult.outcome(false), facts)
        }
        Event::Subscription(End::NoNotify) => lose(&[], Cause::NoNotify.outcome(false), facts),
        Event::Subscription(End::Expired) => lose(&[], Cause::Expired.outcome(false), facts),
        Event::Subscription(End::Suppressed) => suppressed(facts),
        Event::Timer(Timer::Guard) => lose(&[Action::Unsubscribe], Cause::Guard.outcome(false), facts),
        // Our BYE; and the normal result of Replaces.
        Event::Call(..) | Event::Reoffer(..) | Event::Consult(_) => stay(&[]),
        Event::Answer(
            Answer::Accepted(_)
            | Answer::Redirected(_)
            | Answer::Challenged(_)
            | Answer::BadExtension(_)
            | Answer::NoRefer(_)
            | Answer::NoCall(_)
            | Answer::Doubted(_)
            | Answer::Glare(_)
            | Answer::TryLater(..)
            | Answer::Declined(_)
            | Answer::TimedOut
            | Answer::Unreachable
            | Answer::Misused,
        ) => stay(&[]),
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
        | Event::Complete
        | Event::Swap
        | Event::Cancel => None,
    }
}
