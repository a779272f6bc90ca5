//! Non-INVITE server transaction (RFC 3261 §17.2.2, figure 8, with RFC 4320 §4).

use sip_message::StatusCode;

use super::{
    Action::{self, Answer, Arm, Disarm, Fail, Make, Resend, Withhold},
    Happening,
};
use crate::{
    boundary::{
        TimerName::{self, J, Silence, Trying as Late},
        TxFailure::TuSilent,
    },
    machine::{Step, end, to},
};

/// The states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing was sent.
    Trying,
    /// 100 was sent.
    Proceeding,
    /// The final response was sent.
    Completed,
}

/// The events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    TimerTrying,
    TimerSilence,
    TimerJ,
    Request,
    Provisional,
    Forbidden,
    Final,
    FlowEnded,
}

impl Event {
    pub(crate) const fn of(happening: Happening) -> Option<Self> {
        Some(match happening {
            Happening::Timer(TimerName::Trying) => Self::TimerTrying,
            Happening::Timer(TimerName::Silence) => Self::TimerSilence,
            Happening::Timer(TimerName::J) => Self::TimerJ,
            Happening::Timer(_) | Happening::Ack => return None,
            Happening::Request => Self::Request,
            Happening::Provisional => Self::Provisional,
            Happening::Forbidden => Self::Forbidden,
            Happening::Success | Happening::Failure => Self::Final,
            Happening::FlowEnded => Self::FlowEnded,
        })
    }
}

/// What a new transaction does.
pub(crate) const START: &[Action] = &[Arm(Late), Arm(Silence)];

/// The table.
pub(crate) fn step(state: State, event: Event) -> Step<State, Action> {
    use State::{Completed, Proceeding, Trying};
    match (state, event) {
        // RFC 4320 §4.1: a 100 not before a client's timer E is at T2, but then always (catalogue TR-008).
        (Trying, Event::TimerTrying) => to(Proceeding, &[Make(StatusCode::TRYING)]),
        (Trying, Event::Provisional) => to(Proceeding, &[Disarm(Late), Answer]),
        (Trying, Event::Forbidden) => to(Trying, &[Withhold]),
        (Trying, Event::Final) => to(Completed, &[Disarm(Late), Disarm(Silence), Answer, Arm(J)]),
        // RFC 4320 §4.2: too late for a final response; 408 would be worse than none (catalogue TR-009).
        (Trying, Event::TimerSilence) => end(&[Disarm(Late), Fail(TuSilent)]),
        // RFC 3261 §18.2.2: the response goes over a new connection.
        (Trying, Event::FlowEnded) => to(Trying, &[]),
        (Trying, Event::Request | Event::TimerJ) => to(Trying, &[]),

        (Proceeding, Event::Request) => to(Proceeding, &[Resend]),
        (Proceeding, Event::Provisional | Event::Forbidden) => to(Proceeding, &[Withhold]),
        (Proceeding, Event::Final) => to(Completed, &[Disarm(Silence), Answer, Arm(J)]),
        (Proceeding, Event::TimerSilence) => end(&[Fail(TuSilent)]),
        (Proceeding, Event::FlowEnded) => to(Proceeding, &[]),
        (Proceeding, Event::TimerTrying | Event::TimerJ) => to(Proceeding, &[]),

        (Completed, Event::TimerJ) => end(&[]),
        (Completed, Event::Request) => to(Completed, &[Resend]),
        (Completed, Event::FlowEnded) => end(&[Disarm(J)]),
        (Completed, Event::Provisional | Event::Forbidden | Event::Final) => to(Completed, &[]),
        (Completed, Event::TimerTrying | Event::TimerSilence) => to(Completed, &[]),
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
            "server-non-invite.txt",
            START,
            &[S::Trying, S::Proceeding, S::Completed],
            &[
                E::TimerTrying,
                E::TimerSilence,
                E::TimerJ,
                E::Request,
                E::Provisional,
                E::Forbidden,
                E::Final,
                E::FlowEnded,
            ],
            step,
        );
    }
}
