//! Server transactions (RFC 3261 §17.2).
//!
//! A transport error leaves a server transaction in its state, so that it goes on absorbing repeated requests (RFC 6026
//! §7.1, §8.8); its timers end it. The machines therefore have no such event. The end of a flow leaves what is not answered,
//! too: the response goes over a new connection (RFC 3261 §18.2.2).

pub(crate) mod invite;
pub(crate) mod non_invite;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sip_message::{Message, Method, Response, StatusCode};
use sip_transport::Hop;

use crate::boundary::{TimerName, TxFailure};

/// What a server machine asks to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the response of the layer above and keep it.
    Answer,
    /// Send the response of the layer above.
    Forward,
    /// Do not send the response of the layer above.
    Withhold,
    /// Send the kept response again, the same bytes.
    Resend,
    /// Make, send and keep a response without the layer above.
    Make(StatusCode),
    /// Pass the ACK up.
    PassAck,
    /// Start a timer at its first length.
    Arm(TimerName),
    /// Start a repeating timer at its next length.
    Again(TimerName),
    /// Stop a timer.
    Disarm(TimerName),
    /// Tell the failure.
    Fail(TxFailure),
}

/// What can happen to a server transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    /// A timer fired.
    Timer(TimerName),
    /// The request came again.
    Request,
    /// An ACK came on the request's branch.
    Ack,
    /// The layer above answers 1xx, which may be sent now.
    Provisional,
    /// The layer above gives what must not be sent (RFC 4320 §4).
    Forbidden,
    /// The layer above answers 2xx.
    Success,
    /// The layer above answers 300 to 699.
    Failure,
    /// The flow is gone.
    FlowEnded,
}

/// A machine in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machine {
    Invite(invite::State),
    NonInvite(non_invite::State),
}

/// A request that may have to be answered without the layer above.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) message: Arc<Message>,
    /// Its top Via for responses.
    pub(crate) via: Option<Arc<str>>,
}

/// What a server transaction keeps of its responses.
#[derive(Debug)]
pub(crate) enum Kept {
    /// There is none yet.
    Nothing,
    /// The last response.
    Response(Bytes),
    /// Once no response will be sent any more: the To tag of the last one, which the response to a late CANCEL has too.
    Tag(Option<Box<str>>),
}

impl Kept {
    /// The To tag of our response, where there is one already.
    pub(crate) fn tag(&self) -> Option<Box<str>> {
        match self {
            Self::Nothing => None,
            Self::Response(wire) => Response::tag_in(wire).map(Box::from),
            Self::Tag(tag) => tag.clone(),
        }
    }
}

/// One server transaction.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) machine: Machine,
    /// Whether the layer above was told of a CANCEL.
    pub(crate) cancelled: bool,
    pub(crate) method: Method,
    /// Where responses go.
    pub(crate) reply: Hop,
    /// The key under which repeated requests find it.
    pub(crate) key: u128,
    /// The key under which the same request on another path finds it; only for requests without a To tag.
    pub(crate) merge: Option<u128>,
    /// The last length of timer G.
    pub(crate) interval: Duration,
    /// As long as it may be answered here: by 100, or, an INVITE, by 408.
    pub(crate) request: Option<Request>,
    pub(crate) kept: Kept,
}

impl Server {
    /// Runs the machine; tells what to do and whether the transaction is over.
    pub(crate) fn step(&mut self, happening: Happening) -> (&'static [Action], bool) {
        match &mut self.machine {
            Machine::Invite(state) => {
                let Some(event) = invite::Event::of(happening) else { return (&[], false) };
                let step = invite::step(*state, event);
                *state = step.next.unwrap_or(*state);
                (step.actions, step.next.is_none())
            }
            Machine::NonInvite(state) => {
                let Some(event) = non_invite::Event::of(happening) else { return (&[], false) };
                let step = non_invite::step(*state, event);
                *state = step.next.unwrap_or(*state);
                (step.actions, step.next.is_none())
            }
        }
    }

    /// Frees what its state has no use for: the request once nothing will be made of it here, and the response of an accepted
    /// or confirmed INVITE, which is not answered again.
    pub(crate) fn free(&mut self) {
        match self.machine {
            Machine::Invite(invite::State::Trying | invite::State::Proceeding)
            | Machine::NonInvite(non_invite::State::Trying) => {}
            Machine::Invite(invite::State::Completed | invite::State::GivenUp)
            | Machine::NonInvite(non_invite::State::Proceeding | non_invite::State::Completed) => {
                self.request = None;
            }
            Machine::Invite(invite::State::Accepted | invite::State::Confirmed) => {
                self.request = None;
                if !matches!(self.kept, Kept::Tag(_)) {
                    self.kept = Kept::Tag(self.kept.tag());
                }
            }
        }
    }

    /// Whether a CANCEL still has something to cancel: an INVITE without a final response (RFC 3261 §9.2).
    pub(crate) const fn can_be_cancelled(&self) -> bool {
        matches!(self.machine, Machine::Invite(invite::State::Trying | invite::State::Proceeding))
    }

    pub(crate) const fn is_invite(&self) -> bool {
        matches!(self.machine, Machine::Invite(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_small() {
        // 65,536 of them, with a message of 1 kB each, stay near 100 MB.
        assert!(size_of::<Server>() <= 320, "{}", size_of::<Server>());
    }
}
