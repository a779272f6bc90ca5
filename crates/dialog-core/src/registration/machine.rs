//! The machine of a registration as a table (RFC 3261 §10.2, RFC 5626 §4.5).

/// How far a registration has come. A REGISTER is under way in `Registering`, `Refreshing`, `Leaving` and
/// `Unregistering`, and in no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// A REGISTER is under way and no binding is counted on.
    Registering,
    /// The binding stands.
    Registered,
    /// The binding stands and a REGISTER is under way.
    Refreshing,
    /// The binding stands, its refresh failed, and it waits for the next try.
    Holding,
    /// No binding is counted on, and it waits for the next try.
    Waiting,
    /// It is to be over, and an earlier REGISTER is still under way.
    Leaving,
    /// A REGISTER that removes the binding is under way.
    Unregistering,
    /// Over.
    Over,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The layer above wants a REGISTER now.
    Refresh,
    /// The layer above wants it over.
    Unregister,
    /// The same, and no binding of ours can stand at the registrar.
    Abandon,
    /// 2xx, and our binding is there or was to be removed.
    Accepted,
    /// A response that asks for another try, by another way or with another value.
    Again,
    /// A response that may be another one later.
    Refused,
    /// A response that stays as it is.
    Rejected,
    /// No response, or no way to send.
    Failed,
    /// It is time for a refresh or the next try.
    Due,
    /// The binding's time is over.
    Expired,
    /// Its connection is gone after it had stood for a while.
    FlowLost,
    /// Its connection is gone soon after it was made.
    FlowBroken,
}

/// What is to be done, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Sends a REGISTER.
    Register,
    /// Sends a REGISTER that removes the binding.
    Remove,
    /// Takes what the registrar granted, arms both timers and tells.
    Settle,
    /// Counts the failure, arms the next try and tells.
    Wait,
    /// Tells of a failure that is the last.
    GiveUp,
    /// Forgets what was learnt and tells.
    Lapse,
    /// Tells that the connection is gone.
    TellFlow,
    /// Disarms the time for the next REGISTER.
    DisarmDue,
    /// Disarms the time of the binding.
    DisarmExpiry,
    /// Says that the command does not fit.
    Misuse,
    /// Tells that it is over and the registrar holds no binding.
    Unregistered,
    /// Tells that it is over, and whether the registrar may hold a binding.
    Left,
}

/// One row of the table.
pub(crate) fn next(state: State, event: Event) -> (State, &'static [Action]) {
    use Action::{
        DisarmDue, DisarmExpiry, GiveUp, Lapse, Left, Misuse, Register, Remove, Settle, TellFlow,
        Unregistered, Wait,
    };

    match state {
        State::Registering => match event {
            Event::Accepted => (State::Registered, &[Settle]),
            Event::Again => (State::Registering, &[Register]),
            Event::Refused | Event::Failed => (State::Waiting, &[Wait]),
            Event::Rejected => (State::Over, &[GiveUp]),
            Event::Unregister | Event::Abandon => (State::Leaving, &[]),
            // The request under way fails by itself.
            Event::FlowLost | Event::FlowBroken | Event::Refresh | Event::Due | Event::Expired => {
                (State::Registering, &[])
            }
        },
        State::Registered => match event {
            Event::Due | Event::Refresh => (State::Refreshing, &[DisarmDue, Register]),
            Event::Unregister | Event::Abandon => (State::Unregistering, &[DisarmDue, DisarmExpiry, Remove]),
            // The refresh is due soon: a registrar that grants less than we may ask anew is not asked more often.
            Event::Expired => (State::Waiting, &[Lapse]),
            Event::FlowLost => (State::Registering, &[TellFlow, DisarmDue, DisarmExpiry, Register]),
            Event::FlowBroken => (State::Waiting, &[TellFlow, DisarmExpiry, Wait]),
            Event::Accepted | Event::Again | Event::Refused | Event::Rejected | Event::Failed => {
                (State::Registered, &[])
            }
        },
        State::Refreshing => match event {
            Event::Accepted => (State::Registered, &[Settle]),
            Event::Again => (State::Refreshing, &[Register]),
            Event::Refused | Event::Failed => (State::Holding, &[Wait]),
            Event::Rejected => (State::Over, &[DisarmExpiry, GiveUp]),
            Event::Unregister | Event::Abandon => (State::Leaving, &[DisarmExpiry]),
            Event::Expired => (State::Registering, &[Lapse]),
            Event::FlowLost | Event::FlowBroken => (State::Registering, &[TellFlow, DisarmExpiry]),
            Event::Refresh | Event::Due => (State::Refreshing, &[]),
        },
        State::Holding => match event {
            Event::Due | Event::Refresh => (State::Refreshing, &[DisarmDue, Register]),
            Event::Unregister | Event::Abandon => (State::Unregistering, &[DisarmDue, DisarmExpiry, Remove]),
            Event::Expired => (State::Waiting, &[Lapse]),
            Event::FlowLost => (State::Registering, &[TellFlow, DisarmDue, DisarmExpiry, Register]),
            Event::FlowBroken => (State::Waiting, &[TellFlow, DisarmExpiry]),
            Event::Accepted | Event::Again | Event::Refused | Event::Rejected | Event::Failed => {
                (State::Holding, &[])
            }
        },
        State::Waiting => match event {
            Event::Due | Event::Refresh => (State::Registering, &[DisarmDue, Register]),
            // The registrar may hold one that we do not count on, or do not know of (RFC 3261 §10.2.2).
            Event::Unregister => (State::Unregistering, &[DisarmDue, Remove]),
            Event::Abandon => (State::Over, &[DisarmDue, Unregistered]),
            Event::Accepted
            | Event::Again
            | Event::Refused
            | Event::Rejected
            | Event::Failed
            | Event::Expired
            | Event::FlowLost
            | Event::FlowBroken => (State::Waiting, &[]),
        },
        State::Leaving => match event {
            // Whether there is a binding or not, the registrar answers.
            Event::Accepted | Event::Again | Event::Refused => (State::Unregistering, &[Remove]),
            // It would not take a second one, or not answer it.
            Event::Rejected | Event::Failed => (State::Over, &[Left]),
            Event::Refresh | Event::Unregister | Event::Abandon => (State::Leaving, &[Misuse]),
            Event::Due | Event::Expired | Event::FlowLost | Event::FlowBroken => (State::Leaving, &[]),
        },
        State::Unregistering => match event {
            Event::Accepted => (State::Over, &[Unregistered]),
            Event::Again => (State::Unregistering, &[Remove]),
            Event::Refused | Event::Rejected | Event::Failed => (State::Over, &[Left]),
            Event::Refresh | Event::Unregister | Event::Abandon => (State::Unregistering, &[Misuse]),
            Event::Due | Event::Expired | Event::FlowLost | Event::FlowBroken => (State::Unregistering, &[]),
        },
        State::Over => match event {
            Event::Refresh
            | Event::Unregister
            | Event::Abandon
            | Event::Accepted
            | Event::Again
            | Event::Refused
            | Event::Rejected
            | Event::Failed
            | Event::Due
            | Event::Expired
            | Event::FlowLost
            | Event::FlowBroken => (State::Over, &[]),
        },
    }
}

impl State {
    /// Whether the binding stands.
    pub(crate) fn is_bound(self) -> bool {
        match self {
            Self::Registered | Self::Refreshing | Self::Holding => true,
            Self::Registering | Self::Waiting | Self::Leaving | Self::Unregistering | Self::Over => false,
        }
    }
}

#[cfg(test)]
mod tests;
