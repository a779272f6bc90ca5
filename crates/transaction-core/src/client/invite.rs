//! INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 figure 5), with CANCEL (RFC 3261 §9.1) as states of its own.

use super::{
    Action::{
        self, Again, Arm, Avoid, Disarm, Fail, NextHop, Report, Send, SendAck, SendCancel, Supersede,
        Withdraw,
    },
    Happening,
};
use crate::{
    boundary::{
        TimerName::{self, A, B, Cancel, D, M},
        TxFailure::{Flow, Timeout},
    },
    machine::{Step, end, to},
};

/// The states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Sent, no response yet.
    Calling,
    /// As Calling, with a CANCEL to send once a provisional response is there.
    CancelWaiting,
    /// A provisional response came.
    Proceeding,
    /// As Proceeding, with the CANCEL sent.
    Cancelling,
    /// 300 to 699 came and was acknowledged.
    Completed,
    /// 2xx came; more may follow.
    Accepted,
}

/// The events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    TimerA,
    TimerB,
    TimerD,
    TimerM,
    TimerCancel,
    Cancel,
    Provisional,
    Success,
    Failure,
    Unavailable,
    Unreachable,
    FlowEnded,
}

impl Event {
    pub(crate) const fn of(happening: Happening) -> Option<Self> {
        Some(match happening {
            Happening::Timer(TimerName::A) => Self::TimerA,
            Happening::Timer(TimerName::B) => Self::TimerB,
            Happening::Timer(TimerName::D) => Self::TimerD,
            Happening::Timer(TimerName::M) => Self::TimerM,
            Happening::Timer(TimerName::Cancel) => Self::TimerCancel,
            Happening::Timer(_) => return None,
            Happening::Cancel => Self::Cancel,
            Happening::Provisional => Self::Provisional,
            Happening::Success => Self::Success,
            Happening::Failure => Self::Failure,
            Happening::Unavailable => Self::Unavailable,
            Happening::Unreachable => Self::Unreachable,
            Happening::FlowEnded => Self::FlowEnded,
        })
    }
}

/// What a new transaction does.
pub(crate) const START: &[Action] = &[Send, Arm(A), Arm(B)];

/// The table.
pub(crate) fn step(state: State, event: Event) -> Step<State, Action> {
    use State::{Accepted, Calling, CancelWaiting, Cancelling, Completed, Proceeding};
    match (state, event) {
        (Calling, Event::TimerA) => to(Calling, &[Send, Again(A)]),
        (Calling, Event::TimerB) => end(&[Disarm(A), Avoid, NextHop(Timeout)]),
        // What has not gone yet needs no CANCEL; it is told as unreachable.
        (Calling, Event::Cancel) => to(CancelWaiting, &[Withdraw]),
        (Calling, Event::Provisional) => to(Proceeding, &[Disarm(A), Disarm(B), Report]),
        (Calling, Event::Success) => to(Accepted, &[Disarm(A), Disarm(B), Arm(M), Report]),
        (Calling, Event::Failure) => to(Completed, &[Disarm(A), Disarm(B), SendAck, Arm(D), Report]),
        // RFC 3263 §4.3: 503 is a failure of the hop, not of the request.
        (Calling, Event::Unavailable) => to(Completed, &[Disarm(A), Disarm(B), SendAck, Avoid, Supersede]),
        (Calling, Event::Unreachable | Event::FlowEnded) => end(&[Disarm(A), Disarm(B), NextHop(Flow)]),
        (Calling, Event::TimerD | Event::TimerM | Event::TimerCancel) => to(Calling, &[]),

        (CancelWaiting, Event::TimerA) => to(CancelWaiting, &[Send, Again(A)]),
        (CancelWaiting, Event::TimerB) => end(&[Disarm(A), Avoid, Fail(Timeout)]),
        (CancelWaiting, Event::Cancel) => to(CancelWaiting, &[]),
        // RFC 3261 §9.1: only now is it certain that the CANCEL cannot overtake the INVITE.
        (CancelWaiting, Event::Provisional) => {
            to(Cancelling, &[Disarm(A), Disarm(B), Report, SendCancel, Arm(Cancel)])
        }
        (CancelWaiting, Event::Success) => to(Accepted, &[Disarm(A), Disarm(B), Arm(M), Report]),
        (CancelWaiting, Event::Failure | Event::Unavailable) => {
            to(Completed, &[Disarm(A), Disarm(B), SendAck, Arm(D), Report])
        }
        (CancelWaiting, Event::Unreachable | Event::FlowEnded) => end(&[Disarm(A), Disarm(B), Fail(Flow)]),
        (CancelWaiting, Event::TimerD | Event::TimerM | Event::TimerCancel) => to(CancelWaiting, &[]),

        (Proceeding, Event::Cancel) => to(Cancelling, &[SendCancel, Arm(Cancel)]),
        (Proceeding, Event::Provisional) => to(Proceeding, &[Report]),
        (Proceeding, Event::Success) => to(Accepted, &[Arm(M), Report]),
        (Proceeding, Event::Failure) => to(Completed, &[SendAck, Arm(D), Report]),
        (Proceeding, Event::Unavailable) => to(Completed, &[SendAck, Avoid, Supersede]),
        // Nothing of this transaction is being sent; the error belongs to another message.
        (Proceeding, Event::Unreachable) => to(Proceeding, &[]),
        // The answer may come over a new connection (RFC 3261 §18.2.2).
        (Proceeding, Event::FlowEnded) => to(Proceeding, &[]),
        (Proceeding, Event::TimerA | Event::TimerB | Event::TimerD | Event::TimerM | Event::TimerCancel) => {
            to(Proceeding, &[])
        }

        // RFC 3261 §9.1: an RFC 2543 server never answers the INVITE.
        (Cancelling, Event::TimerCancel) => end(&[Fail(Timeout)]),
        (Cancelling, Event::Cancel) => to(Cancelling, &[]),
        (Cancelling, Event::Provisional) => to(Cancelling, &[Report]),
        (Cancelling, Event::Success) => to(Accepted, &[Disarm(Cancel), Arm(M), Report]),
        (Cancelling, Event::Failure | Event::Unavailable) => {
            to(Completed, &[Disarm(Cancel), SendAck, Arm(D), Report])
        }
        (Cancelling, Event::Unreachable) => to(Cancelling, &[]),
        (Cancelling, Event::FlowEnded) => to(Cancelling, &[]),
        (Cancelling, Event::TimerA | Event::TimerB | Event::TimerD | Event::TimerM) => to(Cancelling, &[]),

        (Completed, Event::TimerD) => end(&[]),
        (Completed, Event::Failure | Event::Unavailable) => to(Completed, &[SendAck]),
        // The layer above has its final response already, so it is not told.
        (Completed, Event::Unreachable | Event::FlowEnded) => end(&[Disarm(D)]),
        (Completed, Event::Cancel | Event::Provisional | Event::Success) => to(Completed, &[]),
        (Completed, Event::TimerA | Event::TimerB | Event::TimerM | Event::TimerCancel) => to(Completed, &[]),

        (Accepted, Event::TimerM) => end(&[]),
        // RFC 6026 §7.2: repeated 2xx and those of other forks; the ACK is the layer above's.
        (Accepted, Event::Success) => to(Accepted, &[Report]),
        // The callee repeats its 2xx over a new connection until it is acknowledged (RFC 3261 §18.2.2, §13.3.1.4).
        (Accepted, Event::FlowEnded) => to(Accepted, &[]),
        (
            Accepted,
            Event::Cancel | Event::Provisional | Event::Failure | Event::Unavailable | Event::Unreachable,
        ) => to(Accepted, &[]),
        (Accepted, Event::TimerA | Event::TimerB | Event::TimerD | Event::TimerCancel) => to(Accepted, &[]),
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
            "client-invite.txt",
            START,
            &[S::Calling, S::CancelWaiting, S::Proceeding, S::Cancelling, S::Completed, S::Accepted],
            &[
                E::TimerA,
                E::TimerB,
                E::TimerD,
                E::TimerM,
                E::TimerCancel,
                E::Cancel,
                E::Provisional,
                E::Success,
                E::Failure,
                E::Unavailable,
                E::Unreachable,
                E::FlowEnded,
            ],
            step,
        );
    }
}
