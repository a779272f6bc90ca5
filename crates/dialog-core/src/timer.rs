//! The timers of the dialog layer, by what they limit.

use crate::boundary::{
    leg::LegId, registration::RegistrationId, request::RequestId, subscription::SubscriptionId,
};

/// A timer of a leg, a subscription, a registration or a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DialogTimer {
    /// Of a leg.
    Leg(LegId, LegTimer),
    /// Of a subscription.
    Subscription(SubscriptionId, SubscriptionTimer),
    /// Of a registration.
    Registration(RegistrationId, RegistrationTimer),
    /// Of a request of theirs that nobody has answered yet.
    Request(RequestId),
}

/// What limits a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegTimer {
    /// Our INVITE rings too long (catalogue T-RING).
    Ring,
    /// 180 is repeated while their INVITE rings here (RFC 3261 §13.3.1.1, catalogue T-100).
    Alert,
    /// Our 2xx is repeated until its ACK comes (RFC 3261 §13.3.1.4).
    Answer,
    /// No ACK for 64*T1 (RFC 3261 §13.3.1.4).
    Ack,
    /// The delay after 491 (RFC 3261 §14.1).
    Glare,
    /// A wish for a new offer has waited too long.
    Reoffer,
    /// 64*T1 in which further 2xx of forks are acknowledged and ended (RFC 3261 §13.2.2.4).
    Forks,
    /// How long an ended dialog is remembered (catalogue T-TOMB).
    Tombstone,
    /// A reliable provisional response of ours is repeated until its PRACK comes (RFC 3262 §3).
    Reliable,
    /// No PRACK for 64*T1 (RFC 3262 §3).
    Prack,
    /// An UPDATE with an offer of theirs that no description was given for (RFC 3311 §5.2).
    Update,
    /// The delay before our next UPDATE, after 491 or a 500 that passes (RFC 3311 §5.3).
    UpdateGlare,
    /// The time for a refresh of the session, and then that of its end (RFC 4028 §10).
    Session,
}

/// What limits a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubscriptionTimer {
    /// Subscriber: the first NOTIFY (RFC 6665 §4.1.2.4).
    N,
    /// Its granted duration; for the subscriber with the time in which the last NOTIFY is repeated.
    Expiry,
    /// Subscriber: the time for a refresh (RFC 6665 §4.1.2.2).
    Refresh,
    /// Notifier: a REFER or SUBSCRIBE that the layer above did not decide on.
    Decision,
    /// Notifier: a second between NOTIFYs (RFC 3515 §3.10).
    Spacing,
    /// Notifier: what has become of a REFER is kept for those who subscribe to it (catalogue T-EXPL, RFC 7614 §4.7).
    Retained,
}

/// What limits a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistrationTimer {
    /// The next REGISTER: a refresh, or the next try (RFC 5626 §4.5).
    Due,
    /// The granted duration (RFC 3261 §10.2.4).
    Expiry,
}

impl SubscriptionTimer {
    /// Those that end with the subscription.
    pub(crate) const ALL: [Self; 5] = [Self::N, Self::Expiry, Self::Refresh, Self::Decision, Self::Spacing];
}
