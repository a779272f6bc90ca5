//! Which subscription of a dialog a NOTIFY or SUBSCRIBE belongs to, by its `Event` (RFC 3515 §2.4.6, RFC 5057
//! §5.3).

use sip_message::Event;
use smallvec::SmallVec;

use crate::{boundary::subscription::SubscriptionId, dialog::Dialog, respond::REFER_PACKAGE};

use super::{Role, Subscription};

/// The end of the subscription that the request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// A NOTIFY: we are the subscriber.
    Subscriber,
    /// A SUBSCRIBE: we are the notifier.
    Notifier,
}

impl Dialog {
    /// Finds the subscription that an event names: of a package by both words, of a REFER by the id (TR-242).
    pub(crate) fn named(&self, side: Side, event: &Event<'_>) -> Option<SubscriptionId> {
        if event.is(REFER_PACKAGE)
            && let Some(id) = self.named_refer(side, event.id)
        {
            return Some(id);
        }
        let is_named = |subscription: &&Subscription| subscription.is_of(side, event);
        self.subscriptions.iter().find(is_named).map(|subscription| subscription.id)
    }

    /// Whether we have a subscription to this package, with whatever id.
    pub(crate) fn subscribes_to(&self, package: &str) -> bool {
        self.subscriptions.iter().any(|subscription| match &subscription.role {
            Role::Subscriber(subscriber) => subscriber.subject.package().eq_ignore_ascii_case(package),
            Role::Notifier(_) => false,
        })
    }

    /// Finds the subscription of a REFER.
    ///
    /// The id is the `CSeq` number of the REFER (TR-020); a first REFER may be named by it too (TR-021).
    /// Without an id the first REFER is meant, or, because many peers never write one, the only subscription
    /// there is: unless its peer has written its id, for then what has none is late and belongs to one that is over.
    fn named_refer(&self, side: Side, event_id: Option<&str>) -> Option<SubscriptionId> {
        let mut candidates = self.subscriptions.iter().filter_map(|subscription| subscription.key(side));
        let Some(text) = event_id else {
            let all: SmallVec<[_; 4]> = candidates.collect();
            return match all.as_slice() {
                [] => None,
                [(only, key)] => (key.first || !key.written).then_some(*only),
                several => several.iter().find(|(_, key)| key.first).map(|(id, _)| *id),
            };
        };
        // Compared as it is written: `id=007` is nothing that we or a peer would have sent.
        let number = text.parse::<u32>().ok().filter(|number| number.to_string() == text)?;
        candidates.find(|(_, key)| key.cseq == number).map(|(id, _)| id)
    }
}

/// What tells the subscriptions of one dialog apart.
#[derive(Debug, Clone, Copy)]
struct Key {
    cseq: u32,
    first: bool,
    /// Whether the peer writes the id.
    written: bool,
}

impl Subscription {
    /// Whether it is that of an event package with this `Event`.
    fn is_of(&self, side: Side, event: &Event<'_>) -> bool {
        match (&self.role, side) {
            (Role::Subscriber(subscriber), Side::Subscriber) => {
                subscriber.subject.is_package(event.package, event.id)
            }
            (Role::Notifier(notifier), Side::Notifier) => notifier.is_package(event.package, event.id),
            (Role::Subscriber(_), Side::Notifier) | (Role::Notifier(_), Side::Subscriber) => false,
        }
    }

    fn key(&self, side: Side) -> Option<(SubscriptionId, Key)> {
        let key = match (&self.role, side) {
            (Role::Subscriber(subscriber), Side::Subscriber) => {
                subscriber.is_refer().then_some(())?;
                Key { cseq: subscriber.refer?, first: subscriber.first, written: subscriber.peer_writes_id }
            }
            (Role::Notifier(notifier), Side::Notifier) => {
                (notifier.is_refer() && !notifier.quiet).then_some(())?;
                Key { cseq: notifier.refer, first: notifier.first, written: false }
            }
            (Role::Subscriber(_), Side::Notifier) | (Role::Notifier(_), Side::Subscriber) => return None,
        };
        Some((self.id, key))
    }
}
