//! The rows of a REFER that waits for the application's answer, and of a transfer that the application carries out itself.

use sip_message::{StatusCode, SubReason};

use super::{Action, Cause, Event, Facts, New, Old, SUCCEEDED, State, Step, Timer, fail, invite, to};

/// What the application does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Manual {
    /// A REFER that is admitted, to be answered by the application.
    Ask,
    /// It takes everything upon itself.
    Handle,
    /// It refuses with this status.
    Refuse(StatusCode),
    /// Its last report.
    Conclude(StatusCode),
}

/// The REFER is not answered yet. A final response waits for nobody (TR-007): the timer accepts it as one that is still to
/// be approved.
pub(super) fn unanswered(event: Event, facts: Facts) -> Option<Step> {
    let refuse = |status, cause: Cause| {
        to(State::Ended, &[Action::Refuse(status), Action::Finish(cause.outcome(facts.old))])
    };
    match event {
        Event::Accept if facts.reporting => invite(Action::Accept { pending: false }, facts),
        Event::Manual(Manual::Handle) if facts.reporting => {
            to(State::Handling, &[Action::Accept { pending: false }, Action::Wait(Timer::Ring)])
        }
        Event::Timer(Timer::Decision) if facts.reporting => {
            to(State::Deciding, &[Action::Accept { pending: true }, Action::Wait(Timer::Decision)])
        }
        // The layer below has declined it, because its T1 is shorter or the call is over.
        Event::Timer(Timer::Decision) => {
            to(State::Ended, &[Action::Finish(Cause::Undecided.outcome(facts.old))])
        }
        Event::Reject => refuse(StatusCode::DECLINE, Cause::Rejected),
        Event::Manual(Manual::Refuse(status)) => refuse(status, Cause::Refused(status)),
        Event::Cancel => refuse(StatusCode::DECLINE, Cause::Rejected),
        Event::Old(Old::HungUp) => refuse(StatusCode::DECLINE, Cause::PeerHungUp),
        Event::Old(Old::Closing) => refuse(StatusCode::DECLINE, Cause::UserHungUp),
        Event::Unsubscribed => to(State::Unanswered, &[]),
        Event::Accept
        | Event::Request { .. }
        | Event::Manual(Manual::Ask | Manual::Handle | Manual::Conclude(_))
        | Event::New(_)
        | Event::Delivered
        | Event::Timer(Timer::Ring | Timer::Cancel | Timer::Delivery | Timer::Watchdog) => None,
    }
}

/// Accepted by "handle it myself": the application calls whom it likes and reports; T-RING limits it.
pub(super) fn handling(event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Manual(Manual::Conclude(status)) => conclude(status, facts),
        Event::Timer(Timer::Ring) => fail(&[], Cause::NoAnswer(StatusCode::REQUEST_TERMINATED), facts),
        Event::Cancel => fail(&[], Cause::Withdrawn, facts),
        // TR-256.
        Event::Old(Old::Closing) => fail(&[], Cause::UserHungUp, facts),
        // TR-253; and who does not want to hear about it has not withdrawn the request (TR-022).
        Event::Old(Old::HungUp) | Event::Unsubscribed => to(State::Handling, &[]),
        Event::Request { .. }
        | Event::Accept
        | Event::Reject
        | Event::Manual(Manual::Ask | Manual::Handle | Manual::Refuse(_))
        | Event::New(
            New::Provisional(_)
            | New::EarlyEnded
            | New::Up
            | New::Redirected
            | New::Failed(_)
            | New::Barred(_)
            | New::NoAnswer
            | New::Cancelled
            | New::Over,
        )
        | Event::Delivered
        | Event::Timer(Timer::Decision | Timer::Cancel | Timer::Delivery | Timer::Watchdog) => None,
    }
}

/// The application's last report. After a success the transferor is to hang up, as after one of our own.
fn conclude(status: StatusCode, facts: Facts) -> Option<Step> {
    if !status.is_success() {
        return fail(&[], Cause::Target(status), facts);
    }
    if facts.reporting {
        to(
            State::Connected,
            &[Action::ReportLast(status, SubReason::Noresource), Action::Wait(Timer::Delivery)],
        )
    } else if facts.old {
        to(State::WaitBye, &[Action::Wait(Timer::Watchdog)])
    } else {
        to(State::Ended, &[Action::Finish(SUCCEEDED)])
    }
}
