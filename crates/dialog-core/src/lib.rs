//! SIP dialogs with usages (RFC 3261 §12-15, RFC 5057) as one reducer.

mod boundary;
mod timer;

pub use boundary::{
    DialogCommand, DialogEvent, DialogOutput,
    leg::{
        By, DialogIdentity, EndCause, EndReason, Established, IncomingCall, Invite, LegCommand, LegEvent, LegId, Misuse, Peer,
        ReofferError, Turn,
    },
    subscription::{
        IncomingRefer, Notification, NotifiedState, ReferAnswer, SubscriptionCommand, SubscriptionEnd, SubscriptionEvent,
        SubscriptionId,
    },
};
pub use timer::{DialogTimer, LegTimer, SubscriptionTimer};
