//! Client transactions (RFC 3261 §17.1).

pub(crate) mod ack;
pub(crate) mod invite;
pub(crate) mod non_invite;

use std::time::Duration;

use bytes::Bytes;
use sip_message::{Draft, Method};
use sip_transport::{Hop, Hops};

use crate::boundary::{TimerName, TxFailure, TxId};

/// What a client machine asks to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the request, the same bytes each time.
    Send,
    /// Send the ACK to the final response, the same bytes each time.
    SendAck,
    /// Start the CANCEL's own transaction.
    SendCancel,
    /// Take the request back if it still waits for its connection, which is told as unreachable then.
    Withdraw,
    /// Pass the response up.
    Report,
    /// Start a timer at its first length.
    Arm(TimerName),
    /// Start a repeating timer at its next length.
    Again(TimerName),
    /// Start a repeating timer at T2.
    Slow(TimerName),
    /// Stop a timer.
    Disarm(TimerName),
    /// The hop has failed: others come before it for a while.
    Avoid,
    /// Start over with the next hop; without one, tell the failure.
    NextHop(TxFailure),
    /// Go on as a transaction that nobody hears of, which only repeats the ACK, and start over with the next hop.
    Supersede,
    /// Tell the failure.
    Fail(TxFailure),
}

/// What can happen to a client transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    /// A timer fired.
    Timer(TimerName),
    /// The layer above cancels.
    Cancel,
    /// 1xx.
    Provisional,
    /// 2xx.
    Success,
    /// 300 to 699.
    Failure,
    /// 503 while there is another hop to try.
    Unavailable,
    /// The hop cannot be reached.
    Unreachable,
    /// The hop's flow is gone.
    FlowEnded,
}

/// A machine in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machine {
    Ack(ack::State),
    Invite(invite::State),
    NonInvite(non_invite::State),
}

/// For whom a client transaction runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// For the layer above.
    User,
    /// A CANCEL; nobody hears of it.
    Cancel,
    /// An ACK, to the 2xx to this INVITE.
    Ack(TxId),
    /// A refused attempt whose final response may come again; nobody hears of it.
    Superseded,
}

/// What is needed to try the next hop.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) draft: Draft,
    /// Never empty.
    pub(crate) hops: Hops,
}

/// One client transaction.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) machine: Machine,
    pub(crate) role: Role,
    /// Whether `wire` is the ACK already.
    pub(crate) acknowledged: bool,
    pub(crate) method: Method,
    /// The number in our branch: the transaction's for the first hop, a fresh one for each later hop.
    pub(crate) branch: u64,
    pub(crate) hop: Hop,
    /// A digest of the hop's flow and remote address: narrow, so that its table stays small; equality is checked where it is
    /// used.
    pub(crate) peer: u64,
    /// The request; after a refusal of an INVITE the ACK; empty once nothing will be sent any more.
    pub(crate) wire: Bytes,
    /// The last length of timer A or E.
    pub(crate) interval: Duration,
    pub(crate) spare: Option<Box<Spare>>,
    pub(crate) cancel_reason: Option<Box<str>>,
}

impl Client {
    /// Runs the machine; tells what to do and whether the transaction is over.
    pub(crate) fn step(&mut self, happening: Happening) -> (&'static [Action], bool) {
        match &mut self.machine {
            Machine::Ack(state) => {
                let Some(event) = ack::Event::of(happening) else { return (&[], false) };
                let step = ack::step(*state, event);
                *state = step.next.unwrap_or(*state);
                (step.actions, step.next.is_none())
            }
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

    /// Frees what its state has no use for: once there is a final response, everything but the ACK to a refusal.
    pub(crate) fn free(&mut self) {
        let over = match self.machine {
            Machine::Invite(invite::State::Accepted) | Machine::NonInvite(non_invite::State::Completed) => {
                true
            }
            Machine::Invite(invite::State::Completed) => false,
            Machine::Invite(
                invite::State::Calling
                | invite::State::CancelWaiting
                | invite::State::Proceeding
                | invite::State::Cancelling,
            )
            | Machine::NonInvite(non_invite::State::Trying | non_invite::State::Proceeding)
            | Machine::Ack(ack::State::Sent) => return,
        };
        (self.spare, self.cancel_reason) = (None, None);
        if over {
            self.wire = Bytes::new();
        }
    }

    /// The hop by UDP beside a hop for large requests is for when no connection can be made (RFC 3261 §18.1.1): an element
    /// that is silent, or answers 503, is no better there.
    pub(crate) fn drop_sibling(&mut self) {
        let Some(spare) = self.spare.as_mut().filter(|_| self.hop.above.is_some()) else { return };
        if spare.hops.first().is_some_and(|next| next.remote == self.hop.remote) {
            spare.hops.remove(0);
        }
        if spare.hops.is_empty() {
            self.spare = None;
        }
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
        assert!(size_of::<Client>() <= 320, "{}", size_of::<Client>());
    }
}
