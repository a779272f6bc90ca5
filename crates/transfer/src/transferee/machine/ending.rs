//! The ends: the rows of Cancelling, Connected, Failed and `WaitBye`.

use smallvec::SmallVec;

use super::{Action, Cause, Event, Facts, New, Old, SUCCEEDED, State, Step, Timer, fail, finish, to};

pub(super) fn cancelling(cause: Cause, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::New(
            New::Redirected | New::Failed(_) | New::Barred(_) | New::NoAnswer | New::Cancelled | New::Over,
        )
        | Event::Timer(Timer::Cancel)
        | Event::Old(Old::Closing) => fail(&[], cause, facts),
        // A 2xx that crossed the CANCEL is ended by the dialog layer.
        Event::New(New::Provisional(_) | New::EarlyEnded | New::Up)
        | Event::Old(Old::HungUp)
        | Event::Delivered
        | Event::Unsubscribed => to(State::Cancelling(cause), &[]),
        Event::Request { .. }
        | Event::Accept
        | Event::Reject
        | Event::Manual(_)
        | Event::Cancel
        | Event::Timer(Timer::Decision | Timer::Ring | Timer::Delivery | Timer::Watchdog) => None,
    }
}

pub(super) fn connected(event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Delivered | Event::Unsubscribed | Event::Timer(Timer::Delivery) => {
            if facts.old {
                to(State::WaitBye, &[Action::Wait(Timer::Watchdog)])
            } else {
                to(State::Ended, &[Action::Finish(SUCCEEDED)])
            }
        }
        // TR-254: hung up right after the answer, and still a success. TR-252: the report is waited for in any case.
        Event::New(
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
        | Event::Old(Old::HungUp | Old::Closing) => to(State::Connected, &[]),
        Event::Request { .. }
        | Event::Accept
        | Event::Reject
        | Event::Manual(_)
        | Event::Cancel
        | Event::Timer(Timer::Decision | Timer::Ring | Timer::Cancel | Timer::Watchdog) => None,
    }
}

pub(super) fn failed(cause: Cause, event: Event, facts: Facts) -> Option<Step> {
    match event {
        Event::Delivered | Event::Unsubscribed | Event::Timer(Timer::Delivery) => {
            finish(SmallVec::new(), cause, facts)
        }
        Event::New(
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
        | Event::Old(Old::HungUp | Old::Closing) => to(State::Failed(cause), &[]),
        Event::Request { .. }
        | Event::Accept
        | Event::Reject
        | Event::Manual(_)
        | Event::Cancel
        | Event::Timer(Timer::Decision | Timer::Ring | Timer::Cancel | Timer::Watchdog) => None,
    }
}

pub(super) fn wait_bye(event: Event) -> Option<Step> {
    match event {
        Event::Old(Old::HungUp | Old::Closing) => to(State::Ended, &[Action::Finish(SUCCEEDED)]),
        // D5: nobody waits for ever.
        Event::Timer(Timer::Watchdog) => to(State::Ended, &[Action::HangUpOld, Action::Finish(SUCCEEDED)]),
        Event::New(
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
        | Event::Unsubscribed => to(State::WaitBye, &[]),
        Event::Request { .. }
        | Event::Accept
        | Event::Reject
        | Event::Manual(_)
        | Event::Cancel
        | Event::Timer(Timer::Decision | Timer::Ring | Timer::Cancel | Timer::Delivery) => None,
    }
}
