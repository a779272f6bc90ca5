//! Table 2.4 of the catalogue from check 10 on: a call that is to take the place of another one.
//!
//! [`step`] is a pure function of state and event. Checks 1 to 9 are those of the dialog layer, which makes no call of what
//! they refuse; check 11 is the offer, which shows as the end of the new call. There is no timer: every wait of a leg is
//! bounded by the dialog layer, and each leg has its end.

use sip_message::StatusCode;
use smallvec::SmallVec;

/// The states of table 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing was done yet.
    Checking,
    /// The new call is being answered.
    Preparing,
    /// Its 2xx has left; the old call is being ended.
    Answered,
    /// The new call is one like any other, or was refused.
    Over,
}

/// The events of table 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// An INVITE that names a call of ours; what check 10 says.
    Asked(Verdict),
    /// The new call is up: its 2xx was sent.
    Up,
    /// Its 2xx was acknowledged.
    Acknowledged,
    /// The new call has ended.
    NewEnded(NewEnd),
    /// The old call is being ended, or has ended.
    OldEnded,
}

/// The result of check 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Permitted,
    /// Refused with this status.
    Forbidden(StatusCode),
}

/// How the new call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NewEnd {
    /// No ACK came for 64*T1.
    Unacknowledged,
    /// Otherwise; the status that tells it best, if it never was up.
    Other(StatusCode),
}

/// What a step asks for, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Answer,
    Reject(StatusCode),
    MoveMedia,
    HangUpOld,
    TellReplaced,
    TellRefused(StatusCode),
    TellUnacknowledged,
}

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) next: State,
    pub(super) actions: SmallVec<[Action; 2]>,
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of the table has this type")]
fn to(next: State, actions: &[Action]) -> Option<Step> {
    Some(Step { next, actions: SmallVec::from_slice(actions) })
}

/// One row of the table; `None` if the event means nothing in the state and is ignored.
pub(super) fn step(state: State, event: Event) -> Option<Step> {
    match (state, event) {
        // RFC 3891 §3: no alerting, the new call is answered at once (TR-112, TR-114).
        (State::Checking, Event::Asked(Verdict::Permitted)) => to(State::Preparing, &[Action::Answer]),
        (State::Checking, Event::Asked(Verdict::Forbidden(status))) => {
            to(State::Over, &[Action::Reject(status), Action::TellRefused(status)])
        }
        // The 2xx has been handed down, so the old call may go: BYE, or CANCEL where it was early (RFC 3891 §3; TR-109,
        // TR-110). The media first, because the end of a call stops them.
        (State::Preparing, Event::Up) => to(State::Answered, &[Action::MoveMedia, Action::HangUpOld]),
        // RFC 3891 §3: what was just terminated is not replaced (TR-107).
        (State::Preparing, Event::OldEnded) => {
            let status = StatusCode::DECLINE;
            to(State::Over, &[Action::Reject(status), Action::TellRefused(status)])
        }
        // CANCEL, an offer that cannot be answered, no resources: the old call is as it was (RFC 3891 §3, TR-113).
        (State::Preparing, Event::NewEnded(NewEnd::Other(status))) => {
            to(State::Over, &[Action::TellRefused(status)])
        }
        (State::Preparing, Event::NewEnded(NewEnd::Unacknowledged)) => {
            to(State::Over, &[Action::TellUnacknowledged])
        }
        (State::Answered, Event::Acknowledged) => to(State::Over, &[Action::TellReplaced]),
        // The dialog layer has sent BYE by itself (RFC 3261 §13.3.1.4); the old call is gone (TR-126).
        (State::Answered, Event::NewEnded(NewEnd::Unacknowledged)) => {
            to(State::Over, &[Action::TellUnacknowledged])
        }
        // Hung up by one of the two before the ACK came; it was up, however shortly.
        (State::Answered, Event::NewEnded(NewEnd::Other(_))) => to(State::Over, &[Action::TellReplaced]),
        // By our BYE or CANCEL, or by theirs that crossed it.
        (State::Answered, Event::OldEnded) => to(State::Answered, &[]),
        (State::Checking, Event::Up | Event::Acknowledged | Event::NewEnded(_) | Event::OldEnded)
        | (State::Preparing, Event::Asked(_) | Event::Acknowledged)
        | (State::Answered, Event::Asked(_) | Event::Up)
        | (
            State::Over,
            Event::Asked(_) | Event::Up | Event::Acknowledged | Event::NewEnded(_) | Event::OldEnded,
        ) => None,
    }
}
