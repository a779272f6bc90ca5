//! The subscriber's machine as a table (catalogue table 2.5).

use crate::boundary::subscription::SubscriptionEnd;

/// How far a subscription of ours has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The REFER is under way and nothing came yet.
    Referring,
    /// A NOTIFY came before the REFER's response (TR-011).
    Early,
    /// The last NOTIFY came before the REFER's response.
    EarlyEnded,
    /// The layer above has lost interest before the REFER's response.
    Withdrawing,
    /// The REFER was accepted and no NOTIFY came yet.
    NotifyWait,
    /// Somebody over there has to approve.
    Pending,
    /// Reports flow.
    Active,
    /// We have unsubscribed.
    Closing,
    /// Over.
    Terminated,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// 2xx to the REFER, or to the SUBSCRIBE that asks for the subscription.
    ReferAccepted,
    /// 2xx to a REFER that grants that there is no subscription (RFC 4488 §4).
    ReferSuppressed,
    /// A final response of 300 or more to that request.
    ReferRefused,
    /// That request was not answered, or could not be sent.
    ReferFailed,
    /// NOTIFY with `pending`.
    NotifyPending,
    /// NOTIFY with `active`.
    NotifyActive,
    /// NOTIFY with `terminated`.
    NotifyTerminated,
    /// The layer above unsubscribes.
    Unsubscribe,
    /// It is time for a refresh.
    RefreshDue,
    /// 2xx to a SUBSCRIBE.
    SubscribeAccepted,
    /// A response to a SUBSCRIBE that ends the subscription (RFC 6665 §4.1.2.2).
    SubscribeFatal,
    /// Another failure of a SUBSCRIBE.
    SubscribeFailed,
    /// Timer N.
    TimerN,
    /// The duration, and the time for a last NOTIFY, are over.
    Expiry,
}

/// What is to be done, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Tells how the REFER was answered.
    TellAnswer,
    /// Answers the NOTIFY 200.
    Accept,
    /// Answers the NOTIFY 481.
    Refuse,
    /// Tells of the NOTIFY.
    TellNotify,
    /// Arms timer N.
    ArmN,
    /// Disarms timer N.
    DisarmN,
    /// Counts the duration anew from what the peer granted.
    Extend,
    /// Sends a SUBSCRIBE that extends, and arms timer N (RFC 6665 §4.1.2.2).
    Refresh,
    /// Sends a SUBSCRIBE with Expires 0.
    Unsubscribe,
    /// Says that the command does not fit.
    Misuse,
    /// Ends the usage.
    End(SubscriptionEnd),
}

/// One row of the table.
pub(crate) fn next(state: State, event: Event) -> (State, &'static [Action]) {
    use Action::{
        Accept, ArmN, DisarmN, End, Extend, Misuse, Refresh, Refuse, TellAnswer, TellNotify, Unsubscribe,
    };
    use SubscriptionEnd::{Expired, NoNotify, Refused, Suppressed, Terminated as Ended};

    match state {
        State::Referring => match event {
            Event::ReferAccepted => (State::NotifyWait, &[TellAnswer, ArmN]),
            Event::ReferSuppressed => (State::Terminated, &[TellAnswer, End(Suppressed)]),
            Event::ReferRefused | Event::ReferFailed => (State::Terminated, &[TellAnswer, End(Refused)]),
            Event::NotifyPending | Event::NotifyActive => (State::Early, &[Accept, Extend, TellNotify]),
            Event::NotifyTerminated => (State::EarlyEnded, &[Accept, TellNotify]),
            Event::Unsubscribe => (State::Withdrawing, &[]),
            Event::RefreshDue
            | Event::SubscribeAccepted
            | Event::SubscribeFatal
            | Event::SubscribeFailed
            | Event::TimerN
            | Event::Expiry => (State::Referring, &[]),
        },
        State::Early => match event {
            // A NOTIFY has come, so that there is a subscription, whatever the 2xx says.
            Event::ReferAccepted | Event::ReferSuppressed => (State::Active, &[TellAnswer]),
            // The response is trusted, whatever the NOTIFY said.
            Event::ReferRefused => (State::Terminated, &[TellAnswer, End(Refused)]),
            // The NOTIFY shows that the REFER arrived and was accepted; only its response is lost.
            Event::ReferFailed => (State::Active, &[TellAnswer]),
            Event::NotifyPending | Event::NotifyActive => (State::Early, &[Accept, Extend, TellNotify]),
            Event::NotifyTerminated => (State::EarlyEnded, &[Accept, TellNotify]),
            Event::Unsubscribe => (State::Withdrawing, &[]),
            Event::Expiry => (State::EarlyEnded, &[]),
            Event::RefreshDue
            | Event::SubscribeAccepted
            | Event::SubscribeFatal
            | Event::SubscribeFailed
            | Event::TimerN => (State::Early, &[]),
        },
        State::EarlyEnded => match event {
            Event::ReferAccepted | Event::ReferSuppressed | Event::ReferFailed => {
                (State::Terminated, &[TellAnswer, End(Ended)])
            }
            Event::ReferRefused => (State::Terminated, &[TellAnswer, End(Refused)]),
            Event::NotifyPending | Event::NotifyActive | Event::NotifyTerminated => {
                (State::EarlyEnded, &[Refuse])
            }
            Event::Unsubscribe => (State::EarlyEnded, &[Misuse]),
            Event::RefreshDue
            | Event::SubscribeAccepted
            | Event::SubscribeFatal
            | Event::SubscribeFailed
            | Event::TimerN
            | Event::Expiry => (State::EarlyEnded, &[]),
        },
        State::Withdrawing => match event {
            Event::ReferAccepted => (State::Closing, &[TellAnswer, ArmN, Unsubscribe]),
            Event::ReferSuppressed => (State::Terminated, &[TellAnswer, End(Suppressed)]),
            Event::ReferRefused | Event::ReferFailed => (State::Terminated, &[TellAnswer, End(Refused)]),
            Event::NotifyPending | Event::NotifyActive => (State::Withdrawing, &[Accept, TellNotify]),
            Event::NotifyTerminated => (State::EarlyEnded, &[Accept, TellNotify]),
            Event::Unsubscribe => (State::Withdrawing, &[Misuse]),
            Event::RefreshDue
            | Event::SubscribeAccepted
            | Event::SubscribeFatal
            | Event::SubscribeFailed
            | Event::TimerN
            | Event::Expiry => (State::Withdrawing, &[]),
        },
        State::NotifyWait => match event {
            Event::NotifyPending => (State::Pending, &[Accept, DisarmN, Extend, TellNotify]),
            Event::NotifyActive => (State::Active, &[Accept, DisarmN, Extend, TellNotify]),
            Event::NotifyTerminated => (State::Terminated, &[Accept, TellNotify, End(Ended)]),
            Event::TimerN => (State::Terminated, &[End(NoNotify)]),
            Event::Unsubscribe => (State::Closing, &[ArmN, Unsubscribe]),
            Event::ReferAccepted
            | Event::ReferSuppressed
            | Event::ReferRefused
            | Event::ReferFailed
            | Event::RefreshDue
            | Event::SubscribeAccepted
            | Event::SubscribeFatal
            | Event::SubscribeFailed
            | Event::Expiry => (State::NotifyWait, &[]),
        },
        State::Pending => match event {
            Event::NotifyPending => (State::Pending, &[Accept, DisarmN, Extend, TellNotify]),
            Event::NotifyActive => (State::Active, &[Accept, DisarmN, Extend, TellNotify]),
            Event::NotifyTerminated => (State::Terminated, &[Accept, TellNotify, End(Ended)]),
            Event::Unsubscribe => (State::Closing, &[ArmN, Unsubscribe]),
            Event::RefreshDue => (State::Pending, &[Refresh]),
            Event::SubscribeAccepted => (State::Pending, &[Extend]),
            Event::SubscribeFatal => (State::Terminated, &[End(Ended)]),
            // It lasts as long as was granted, whoever does not answer.
            Event::SubscribeFailed => (State::Pending, &[DisarmN]),
            Event::TimerN => (State::Terminated, &[End(NoNotify)]),
            Event::Expiry => (State::Terminated, &[End(Expired)]),
            Event::ReferAccepted | Event::ReferSuppressed | Event::ReferRefused | Event::ReferFailed => {
                (State::Pending, &[])
            }
        },
        State::Active => match event {
            // A peer that takes its approval back is only reported.
            Event::NotifyPending | Event::NotifyActive => {
                (State::Active, &[Accept, DisarmN, Extend, TellNotify])
            }
            Event::NotifyTerminated => (State::Terminated, &[Accept, TellNotify, End(Ended)]),
            Event::Unsubscribe => (State::Closing, &[ArmN, Unsubscribe]),
            Event::RefreshDue => (State::Active, &[Refresh]),
            Event::SubscribeAccepted => (State::Active, &[Extend]),
            Event::SubscribeFatal => (State::Terminated, &[End(Ended)]),
            // It lasts as long as was granted, whoever does not answer.
            Event::SubscribeFailed => (State::Active, &[DisarmN]),
            Event::TimerN => (State::Terminated, &[End(NoNotify)]),
            Event::Expiry => (State::Terminated, &[End(Expired)]),
            Event::ReferAccepted | Event::ReferSuppressed | Event::ReferRefused | Event::ReferFailed => {
                (State::Active, &[])
            }
        },
        State::Closing => match event {
            Event::NotifyPending | Event::NotifyActive => (State::Closing, &[Accept, TellNotify]),
            Event::NotifyTerminated => (State::Terminated, &[Accept, TellNotify, End(Ended)]),
            Event::TimerN => (State::Terminated, &[End(NoNotify)]),
            Event::SubscribeFatal | Event::SubscribeFailed => (State::Terminated, &[End(Ended)]),
            Event::Unsubscribe => (State::Closing, &[Misuse]),
            Event::SubscribeAccepted
            | Event::ReferAccepted
            | Event::ReferSuppressed
            | Event::ReferRefused
            | Event::ReferFailed
            | Event::RefreshDue
            | Event::Expiry => (State::Closing, &[]),
        },
        State::Terminated => match event {
            Event::NotifyPending | Event::NotifyActive | Event::NotifyTerminated => {
                (State::Terminated, &[Refuse])
            }
            Event::Unsubscribe => (State::Terminated, &[Misuse]),
            Event::ReferAccepted
            | Event::ReferSuppressed
            | Event::ReferRefused
            | Event::ReferFailed
            | Event::RefreshDue
            | Event::SubscribeAccepted
            | Event::SubscribeFatal
            | Event::SubscribeFailed
            | Event::TimerN
            | Event::Expiry => (State::Terminated, &[]),
        },
    }
}

#[cfg(test)]
mod tests;
