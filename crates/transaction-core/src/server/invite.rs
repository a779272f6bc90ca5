//! INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 figure 7).

use sip_message::StatusCode;

use super::{
    Action::{self, Again, Answer, Arm, Disarm, Fail, Forward, Make, PassAck, Resend},
    Happening,
};
use crate::{
    boundary::{
        TimerName::{self, G, H, I, L, Silence, Trying as Soon},
        TxFailure::{Timeout, TuSilent},
    },
    machine::{Step, end, to},
};

/// The states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The RFC's Proceeding, before anything was sent.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// 300 to 699 was sent; waits for its ACK.
    Completed,
    /// As Completed, with a 408 of ours, because the layer above was silent; it has been told.
    GivenUp,
    /// The ACK came.
    Confirmed,
    /// 2xx was sent.
    Accepted,
}

/// The events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    TimerTrying,
    TimerSilence,
    TimerG,
    TimerH,
    TimerI,
    TimerL,
    Request,
    Ack,
    Provisional,
    Success,
    Failure,
    FlowEnded,
}

impl Event {
    pub(crate) const fn of(happening: Happening) -> Option<Self> {
        Some(match happening {
            Happening::Timer(TimerName::Trying) => Self::TimerTrying,
            Happening::Timer(TimerName::Silence) => Self::TimerSilence,
            Happening::Timer(TimerName::G) => Self::TimerG,
            Happening::Timer(TimerName::H) => Self::TimerH,
            Happening::Timer(TimerName::I) => Self::TimerI,
            Happening::Timer(TimerName::L) => Self::TimerL,
            Happening::Timer(_) | Happening::Forbidden => return None,
            Happening::Request => Self::Request,
            Happening::Ack => Self::Ack,
            Happening::Provisional => Self::Provisional,
            Happening::Success => Self::Success,
            Happening::Failure => Self::Failure,
            Happening::FlowEnded => Self::FlowEnded,
        })
    }
}

/// What a new transaction does.
pub(crate) const START: &[Action] = &[Arm(Soon), Arm(Silence)];

/// The table.
pub(crate) fn step(state: State, event: Event) -> Step<State, Action> {
    use State::{Accepted, Completed, Confirmed, GivenUp, Proceeding, Trying};
    match (state, event) {
        (Trying, Event::TimerTrying) => to(Proceeding, &[Make(StatusCode::TRYING)]),
        (Trying, Event::TimerSilence) => {
            to(GivenUp, &[Disarm(Soon), Make(StatusCode::REQUEST_TIMEOUT), Arm(G), Arm(H), Fail(TuSilent)])
        }
        (Trying, Event::Provisional) => to(Proceeding, &[Disarm(Soon), Answer, Arm(Silence)]),
        (Trying, Event::Success) => to(Accepted, &[Disarm(Soon), Disarm(Silence), Answer, Arm(L)]),
        (Trying, Event::Failure) => to(Completed, &[Disarm(Soon), Disarm(Silence), Answer, Arm(G), Arm(H)]),
        // RFC 3261 §18.2.2: the response goes over a new connection.
        (Trying, Event::FlowEnded) => to(Trying, &[]),
        (Trying, Event::Request | Event::Ack) => to(Trying, &[]),
        (Trying, Event::TimerG | Event::TimerH | Event::TimerI | Event::TimerL) => to(Trying, &[]),

        // Nobody would end it else: the client waits as long as somebody seems to work on it.
        (Proceeding, Event::TimerSilence) => {
            to(GivenUp, &[Make(StatusCode::REQUEST_TIMEOUT), Arm(G), Arm(H), Fail(TuSilent)])
        }
        (Proceeding, Event::Request) => to(Proceeding, &[Resend]),
        (Proceeding, Event::Provisional) => to(Proceeding, &[Answer, Arm(Silence)]),
        (Proceeding, Event::Success) => to(Accepted, &[Disarm(Silence), Answer, Arm(L)]),
        (Proceeding, Event::Failure) => to(Completed, &[Disarm(Silence), Answer, Arm(G), Arm(H)]),
        (Proceeding, Event::FlowEnded) => to(Proceeding, &[]),
        (Proceeding, Event::Ack) => to(Proceeding, &[]),
        (Proceeding, Event::TimerTrying | Event::TimerG | Event::TimerH | Event::TimerI | Event::TimerL) => {
            to(Proceeding, &[])
        }

        (Completed, Event::TimerG) => to(Completed, &[Resend, Again(G)]),
        (Completed, Event::TimerH) => end(&[Disarm(G), Fail(Timeout)]),
        (Completed, Event::Request) => to(Completed, &[Resend]),
        (Completed, Event::Ack) => to(Confirmed, &[Disarm(G), Disarm(H), Arm(I)]),
        (Completed, Event::FlowEnded) => to(Completed, &[]),
        (Completed, Event::Provisional | Event::Success | Event::Failure) => to(Completed, &[]),
        (Completed, Event::TimerTrying | Event::TimerSilence | Event::TimerI | Event::TimerL) => {
            to(Completed, &[])
        }

        (GivenUp, Event::TimerG) => to(GivenUp, &[Resend, Again(G)]),
        (GivenUp, Event::TimerH) => end(&[Disarm(G)]),
        (GivenUp, Event::Request) => to(GivenUp, &[Resend]),
        (GivenUp, Event::Ack) => to(Confirmed, &[Disarm(G), Disarm(H), Arm(I)]),
        (GivenUp, Event::FlowEnded) => to(GivenUp, &[]),
        (GivenUp, Event::Provisional | Event::Success | Event::Failure) => to(GivenUp, &[]),
        (GivenUp, Event::TimerTrying | Event::TimerSilence | Event::TimerI | Event::TimerL) => {
            to(GivenUp, &[])
        }

        (Confirmed, Event::TimerI) => end(&[]),
        (Confirmed, Event::FlowEnded) => end(&[Disarm(I)]),
        (Confirmed, Event::Request | Event::Ack | Event::Provisional | Event::Success | Event::Failure) => {
            to(Confirmed, &[])
        }
        (
            Confirmed,
            Event::TimerTrying | Event::TimerSilence | Event::TimerG | Event::TimerH | Event::TimerL,
        ) => to(Confirmed, &[]),

        (Accepted, Event::TimerL) => end(&[]),
        // RFC 6026 §7.1: absorbed, not answered; the layer above repeats its 2xx by itself.
        (Accepted, Event::Request) => to(Accepted, &[]),
        (Accepted, Event::Ack) => to(Accepted, &[PassAck]),
        (Accepted, Event::Success) => to(Accepted, &[Forward]),
        (Accepted, Event::FlowEnded) => end(&[Disarm(L)]),
        (Accepted, Event::Provisional | Event::Failure) => to(Accepted, &[]),
        (
            Accepted,
            Event::TimerTrying | Event::TimerSilence | Event::TimerG | Event::TimerH | Event::TimerI,
        ) => to(Accepted, &[]),
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
            "server-invite.txt",
            START,
            &[S::Trying, S::Proceeding, S::Completed, S::GivenUp, S::Confirmed, S::Accepted],
            &[
                E::TimerTrying,
                E::TimerSilence,
                E::TimerG,
                E::TimerH,
                E::TimerI,
                E::TimerL,
                E::Request,
                E::Ack,
                E::Provisional,
                E::Success,
                E::Failure,
                E::FlowEnded,
            ],
            step,
        );
    }
}
