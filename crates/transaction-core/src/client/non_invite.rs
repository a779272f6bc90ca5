//! Non-INVITE client transaction (RFC 3261 §17.1.2, figure 6).

use super::{
    Action::{self, Again, Arm, Avoid, Disarm, Fail, NextHop, Report, Send, Slow},
    Happening,
};
use crate::{
    boundary::{
        TimerName::{self, E, F, K},
        TxFailure::{Flow, Timeout},
    },
    machine::{Step, end, to},
};

/// The states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Sent, no response yet.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// The final response came.
    Completed,
}

/// The events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    TimerE,
    TimerF,
    TimerK,
    Provisional,
    Final,
    Unavailable,
    Unreachable,
    FlowEnded,
}

impl Event {
    pub(crate) const fn of(happening: Happening) -> Option<Self> {
        Some(match happening {
            Happening::Timer(TimerName::E) => Self::TimerE,
            Happening::Timer(TimerName::F) => Self::TimerF,
            Happening::Timer(TimerName::K) => Self::TimerK,
            // Only INVITE is cancelled (RFC 3261 §9.1; RFC 6665 §4.6, catalogue TR-052).
            Happening::Timer(_) | Happening::Cancel => return None,
            Happening::Provisional => Self::Provisional,
            Happening::Success | Happening::Failure => Self::Final,
            Happening::Unavailable => Self::Unavailable,
            Happening::Unreachable => Self::Unreachable,
            Happening::FlowEnded => Self::FlowEnded,
        })
    }
}

/// What a new transaction does.
pub(crate) const START: &[Action] = &[Send, Arm(E), Arm(F)];

/// The table.
pub(crate) fn step(state: State, event: Event) -> Step<State, Action> {
    use State::{Completed, Proceeding, Trying};
    match (state, event) {
        (Trying, Event::TimerE) => to(Trying, &[Send, Again(E)]),
        (Trying, Event::TimerF) => end(&[Disarm(E), Avoid, NextHop(Timeout)]),
        // E runs on, in steps of T2 from its next end.
        (Trying, Event::Provisional) => to(Proceeding, &[Report]),
        (Trying, Event::Final) => to(Completed, &[Disarm(E), Disarm(F), Arm(K), Report]),
        // RFC 3263 §4.3; a repeated 503 is a stray response.
        (Trying, Event::Unavailable) => end(&[Disarm(E), Disarm(F), Avoid, NextHop(Flow)]),
        (Trying, Event::Unreachable | Event::FlowEnded) => end(&[Disarm(E), Disarm(F), NextHop(Flow)]),
        (Trying, Event::TimerK) => to(Trying, &[]),

        (Proceeding, Event::TimerE) => to(Proceeding, &[Send, Slow(E)]),
        // The hop answered, so it has not failed in the sense of RFC 3263 §4.3.
        (Proceeding, Event::TimerF) => end(&[Disarm(E), Fail(Timeout)]),
        (Proceeding, Event::Provisional) => to(Proceeding, &[Report]),
        (Proceeding, Event::Final) => to(Completed, &[Disarm(E), Disarm(F), Arm(K), Report]),
        (Proceeding, Event::Unavailable) => end(&[Disarm(E), Disarm(F), Avoid, NextHop(Flow)]),
        (Proceeding, Event::Unreachable | Event::FlowEnded) => end(&[Disarm(E), Disarm(F), Fail(Flow)]),
        (Proceeding, Event::TimerK) => to(Proceeding, &[]),

        (Completed, Event::TimerK) => end(&[]),
        (Completed, Event::FlowEnded) => end(&[Disarm(K)]),
        (Completed, Event::Provisional | Event::Final | Event::Unavailable | Event::Unreachable) => {
            to(Completed, &[])
        }
        (Completed, Event::TimerE | Event::TimerF) => to(Completed, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::table;

    #[test]
    fn the_machine_is_as_committed() {
        use Event as E;
        use State as S;
        table::check(
            "client-non-invite.txt",
            START,
            &[S::Trying, S::Proceeding, S::Completed],
            &[
                E::TimerE,
                E::TimerF,
                E::TimerK,
                E::Provisional,
                E::Final,
                E::Unavailable,
                E::Unreachable,
                E::FlowEnded,
            ],
            step,
        );
    }
}
