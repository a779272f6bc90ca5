//! The notifier's machine as a table (catalogue table 2.6).

/// How far a subscription of theirs has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The REFER or SUBSCRIBE waits for the decision of the layer above.
    Deciding,
    /// Accepted, but somebody still has to approve.
    Pending,
    /// Reports flow.
    Active,
    /// The last NOTIFY is wanted or under way.
    Terminating,
    /// Over.
    Terminated,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The REFER or SUBSCRIBE is accepted.
    Accept,
    /// It is accepted until somebody approves.
    AcceptPending,
    /// The REFER is accepted without a subscription, as was asked for (RFC 4488 §4).
    AcceptUnreported,
    /// It is refused.
    Refuse,
    /// Nobody decided in time.
    Undecided,
    /// The call has ended.
    CallEnded,
    /// It is approved.
    Approve,
    /// A status to report.
    Report,
    /// The last status.
    ReportLast,
    /// 2xx to a NOTIFY that was not the last.
    NotifyAccepted,
    /// A failure of such a NOTIFY that leaves the subscription.
    NotifyKept,
    /// A later request overtook the first NOTIFY, for which the subscriber waits (timer N).
    FirstOvertaken,
    /// A failure of such a NOTIFY that ends it (RFC 6665 §4.2.2, TR-047).
    NotifyFatal,
    /// 2xx to the last NOTIFY.
    LastAccepted,
    /// A later request overtook the last NOTIFY, which was refused for its number.
    LastOvertaken,
    /// Any other failure of the last NOTIFY.
    LastFailed,
    /// A SUBSCRIBE that extends.
    Refresh,
    /// A SUBSCRIBE with Expires 0.
    Unsubscribe,
    /// The duration is over.
    Expiry,
}

/// What is to be done, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// 2xx to the REFER or SUBSCRIBE.
    AcceptRefer,
    /// 2xx to the REFER with `Refer-Sub: false`.
    AcceptUnreported,
    /// The status that the layer above gave.
    RefuseRefer,
    /// 603 to the REFER, 500 to the SUBSCRIBE.
    DeclineRefer,
    /// Begins to count the duration.
    Grant,
    /// 200 to the SUBSCRIBE.
    AcceptSubscribe,
    /// 481 to the SUBSCRIBE.
    RefuseSubscribe,
    /// 500 with Retry-After to the SUBSCRIBE.
    PostponeSubscribe,
    /// A NOTIFY when the second is over.
    Notify,
    /// A NOTIFY as soon as none is in flight.
    NotifyNow,
    /// The NOTIFY that says `terminated`.
    NotifyLast,
    /// The same NOTIFY once more, with a new number.
    NotifyAgain,
    /// Sends what is wanted, if it may go.
    Flush,
    /// Tells that the last NOTIFY is over.
    TellDelivered,
    /// Says that the command does not fit.
    Misuse,
    /// Ends the usage because the REFER or SUBSCRIBE was not accepted.
    EndRefused,
    /// Ends the usage because the REFER asked for none.
    EndSuppressed,
    /// Ends the usage because a NOTIFY failed.
    EndFailed,
    /// Ends the usage for the reason for which the last NOTIFY was sent.
    End,
}

/// One row of the table.
pub(crate) fn next(state: State, event: Event) -> (State, &'static [Action]) {
    use Action::{
        AcceptRefer, AcceptSubscribe, AcceptUnreported, DeclineRefer, End, EndFailed, EndRefused,
        EndSuppressed, Flush, Grant, Misuse, Notify, NotifyAgain, NotifyLast, NotifyNow, PostponeSubscribe,
        RefuseRefer, RefuseSubscribe, TellDelivered,
    };

    match state {
        State::Deciding => match event {
            Event::Accept => (State::Active, &[AcceptRefer, Grant, NotifyNow]),
            Event::AcceptPending => (State::Pending, &[AcceptRefer, Grant, NotifyNow]),
            Event::AcceptUnreported => (State::Terminated, &[AcceptUnreported, EndSuppressed]),
            Event::Refuse => (State::Terminated, &[RefuseRefer, EndRefused]),
            Event::Undecided | Event::CallEnded => (State::Terminated, &[DeclineRefer, EndRefused]),
            Event::Approve | Event::Report | Event::ReportLast => (State::Deciding, &[Misuse]),
            // There is nothing yet that could be extended or ended, but there may be.
            Event::Refresh | Event::Unsubscribe => (State::Deciding, &[PostponeSubscribe]),
            Event::NotifyAccepted
            | Event::NotifyKept
            | Event::FirstOvertaken
            | Event::NotifyFatal
            | Event::LastAccepted
            | Event::LastOvertaken
            | Event::LastFailed
            | Event::Expiry => (State::Deciding, &[]),
        },
        State::Pending => match event {
            Event::Approve => (State::Active, &[Notify]),
            Event::ReportLast | Event::Expiry => (State::Terminating, &[NotifyLast]),
            // A pending subscription says nothing but 100 (TR-014).
            Event::Report
            | Event::Accept
            | Event::AcceptPending
            | Event::AcceptUnreported
            | Event::Refuse => (State::Pending, &[Misuse]),
            Event::NotifyAccepted | Event::NotifyKept => (State::Pending, &[Flush]),
            Event::FirstOvertaken => (State::Pending, &[NotifyNow]),
            Event::NotifyFatal => (State::Terminated, &[EndFailed]),
            Event::Refresh => (State::Pending, &[AcceptSubscribe, Notify]),
            Event::Unsubscribe => (State::Terminating, &[AcceptSubscribe, NotifyLast]),
            Event::Undecided
            | Event::CallEnded
            | Event::LastAccepted
            | Event::LastOvertaken
            | Event::LastFailed => (State::Pending, &[]),
        },
        State::Active => match event {
            Event::Report => (State::Active, &[Notify]),
            Event::ReportLast | Event::Expiry => (State::Terminating, &[NotifyLast]),
            Event::Approve
            | Event::Accept
            | Event::AcceptPending
            | Event::AcceptUnreported
            | Event::Refuse => (State::Active, &[Misuse]),
            Event::NotifyAccepted | Event::NotifyKept => (State::Active, &[Flush]),
            Event::FirstOvertaken => (State::Active, &[NotifyNow]),
            Event::NotifyFatal => (State::Terminated, &[EndFailed]),
            Event::Refresh => (State::Active, &[AcceptSubscribe, Notify]),
            Event::Unsubscribe => (State::Terminating, &[AcceptSubscribe, NotifyLast]),
            Event::Undecided
            | Event::CallEnded
            | Event::LastAccepted
            | Event::LastOvertaken
            | Event::LastFailed => (State::Active, &[]),
        },
        State::Terminating => match event {
            // What was overtaken is said by the last one.
            Event::NotifyAccepted | Event::NotifyKept | Event::FirstOvertaken => {
                (State::Terminating, &[Flush])
            }
            // The last NOTIFY will never go; whoever waits for it must hear.
            Event::NotifyFatal | Event::LastFailed => (State::Terminated, &[TellDelivered, EndFailed]),
            Event::LastAccepted => (State::Terminated, &[TellDelivered, End]),
            Event::LastOvertaken => (State::Terminating, &[NotifyAgain]),
            Event::Accept
            | Event::AcceptPending
            | Event::AcceptUnreported
            | Event::Refuse
            | Event::Approve
            | Event::Report
            | Event::ReportLast => (State::Terminating, &[Misuse]),
            Event::Refresh | Event::Unsubscribe => (State::Terminating, &[RefuseSubscribe]),
            Event::Undecided | Event::CallEnded | Event::Expiry => (State::Terminating, &[]),
        },
        State::Terminated => match event {
            Event::Accept
            | Event::AcceptPending
            | Event::AcceptUnreported
            | Event::Refuse
            | Event::Approve
            | Event::Report
            | Event::ReportLast => (State::Terminated, &[Misuse]),
            Event::Refresh | Event::Unsubscribe => (State::Terminated, &[RefuseSubscribe]),
            Event::Undecided
            | Event::CallEnded
            | Event::NotifyAccepted
            | Event::NotifyKept
            | Event::FirstOvertaken
            | Event::NotifyFatal
            | Event::LastAccepted
            | Event::LastOvertaken
            | Event::LastFailed
            | Event::Expiry => (State::Terminated, &[]),
        },
    }
}

#[cfg(test)]
mod tests;
