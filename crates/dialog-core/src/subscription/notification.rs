//! Reads a NOTIFY, that of a refer subscription with the tolerance that peers in the field need.

use sip_message::{Message, SubReason, SubState, sipfrag};

use crate::boundary::{
    package::{Body, PackageNotification, Resubscription},
    subscription::{Notification, NotifiedState, SubscriptionEvent},
};

/// Seconds for a state that RFC 6665 does not name (catalogue §8).
const UNKNOWN_STATE: u32 = 60;

/// A NOTIFY that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) notification: Notification,
    /// The seconds that `expires` gives; `None` if it is absent or has no meaning.
    pub(crate) expires: Option<u32>,
}

/// A NOTIFY of either kind.
#[derive(Debug)]
pub(crate) enum Told {
    /// Of a REFER.
    Refer(Read),
    /// Of an event package.
    Package(Box<PackageNotification>),
}

impl Told {
    pub(crate) fn state(&self) -> NotifiedState {
        match self {
            Self::Refer(read) => read.notification.state,
            Self::Package(notification) => notification.state,
        }
    }

    /// The seconds that it gives.
    pub(crate) fn expires(&self) -> Option<u32> {
        match self {
            Self::Refer(read) => read.expires,
            Self::Package(notification) => notification.expires,
        }
    }

    /// Whether nothing more is to come, whatever it says of the subscription.
    pub(crate) fn tells_the_end(&self) -> bool {
        match self {
            Self::Refer(read) => read.tells_the_end(),
            Self::Package(_) => false,
        }
    }

    pub(crate) fn event(&self) -> SubscriptionEvent {
        match self {
            Self::Refer(read) => SubscriptionEvent::Notified(read.notification.clone()),
            Self::Package(notification) => SubscriptionEvent::Package(notification.clone()),
        }
    }
}

/// The body of a message with its type, if it has one.
pub(crate) fn body(message: &Message) -> Option<Body> {
    (!message.body().is_empty()).then(|| Body {
        content_type: message.content_type().unwrap_or_default().into(),
        content: message.body_bytes(),
    })
}

/// Reads a NOTIFY of an event package; `None` if its Subscription-State is missing or cannot be read, which makes it
/// malformed (RFC 6665 §4.1.3, TR-040).
pub(crate) fn read_package(message: &Message) -> Option<PackageNotification> {
    let given = message.subscription_state().ok().flatten()?;
    let (state, expires) = match given.state {
        SubState::Active => (NotifiedState::Active, given.expires),
        SubState::Pending => (NotifiedState::Pending, given.expires),
        SubState::Other => {
            (NotifiedState::Active, Some(given.expires.unwrap_or(UNKNOWN_STATE).min(UNKNOWN_STATE)))
        }
        SubState::Terminated => (NotifiedState::Terminated, None),
    };
    let ended = state == NotifiedState::Terminated;
    let reason = given.reason.filter(|_| ended);
    let retry_after = given.retry_after.filter(|_| ended);
    Some(PackageNotification {
        state,
        expires,
        reason,
        again: Resubscription::of(reason, retry_after),
        body: body(message),
    })
}

impl Read {
    /// Whether it holds the final status of the referred request, whatever it says of the subscription.
    pub(crate) fn tells_the_end(&self) -> bool {
        self.notification.status.is_some_and(|status| !status.is_provisional())
    }
}

/// Reads state and sipfrag; never fails.
///
/// - Without a readable Subscription-State the sipfrag decides: a final status ends the subscription
///   (TR-040).
/// - `terminated` beside a provisional status is taken for active, because some peers write it into every NOTIFY and
///   ending at `100 Trying` would lose the outcome. They give no reason or `noresource`; any other reason is meant
///   (a notifier that gives up or shuts down, TR-257), and so is every `terminated` after we have unsubscribed.
/// - A body of another type, too large or broken gives no status and is not an error (TR-093, TR-095).
pub(crate) fn read(message: &Message, closing: bool) -> Read {
    let status = match message.first(sip_message::HeaderId::ContentEncoding) {
        Some(coding) if !coding.eq_ignore_ascii_case("identity") => None,
        Some(_) | None => sipfrag::status(message.content_type(), message.body()).ok(),
    };
    let sipfrag = message.body_bytes();
    let last = status.is_some_and(|status| !status.is_provisional());
    let Ok(Some(given)) = message.subscription_state() else {
        let state = if last { NotifiedState::Terminated } else { NotifiedState::Active };
        return Read { notification: Notification { state, status, reason: None, sipfrag }, expires: None };
    };
    let (state, expires, reason) = match given.state {
        SubState::Active => (NotifiedState::Active, given.expires, None),
        SubState::Pending => (NotifiedState::Pending, given.expires, None),
        SubState::Other => {
            (NotifiedState::Active, Some(given.expires.unwrap_or(UNKNOWN_STATE).min(UNKNOWN_STATE)), None)
        }
        SubState::Terminated
            if status.is_some()
                && !last
                && !closing
                && matches!(given.reason, None | Some(SubReason::Noresource)) =>
        {
            (NotifiedState::Active, None, given.reason)
        }
        // `expires` beside `terminated` means nothing (TR-042).
        SubState::Terminated => (NotifiedState::Terminated, None, given.reason),
    };
    Read { notification: Notification { state, status, reason, sipfrag }, expires }
}
