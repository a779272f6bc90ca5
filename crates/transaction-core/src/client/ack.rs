//! The ACK to a 2xx that went by a stream for its size alone, until its way has proved good (RFC 3261 §18.1.1). It is no
//! transaction of the RFC's: nothing answers an ACK.

use super::{
    Action::{self, Arm, Disarm, NextHop, Send},
    Happening,
};
use crate::{
    boundary::{
        TimerName::{self, M},
        TxFailure::Flow,
    },
    machine::{Step, end},
};

/// The states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Sent, or waiting for the connection.
    Sent,
}

/// The events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    TimerM,
    Unreachable,
    FlowEnded,
}

impl Event {
    pub(crate) const fn of(happening: Happening) -> Option<Self> {
        Some(match happening {
            Happening::Timer(TimerName::M) => Self::TimerM,
            Happening::Unreachable => Self::Unreachable,
            Happening::FlowEnded => Self::FlowEnded,
            Happening::Timer(_)
            | Happening::Cancel
            | Happening::Provisional
            | Happening::Success
            | Happening::Failure
            | Happening::Unavailable => return None,
        })
    }
}

/// What a new one does. M is how long the callee repeats its 2xx.
pub(crate) const START: &[Action] = &[Send, Arm(M)];

/// The table.
pub(crate) fn step(state: State, event: Event) -> Step<State, Action> {
    match (state, event) {
        (State::Sent, Event::TimerM) => end(&[]),
        (State::Sent, Event::Unreachable | Event::FlowEnded) => end(&[Disarm(M), NextHop(Flow)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::table;

    #[test]
    fn the_machine_is_as_committed() {
        let events = [Event::TimerM, Event::Unreachable, Event::FlowEnded];
        table::check("client-ack.txt", START, &[State::Sent], &events, step);
    }
}
