//! What a dialog takes with it that its peer has lost (RFC 5057 §5.1).

use sip_message::StatusCode;

use crate::{
    boundary::subscription::{SubscriptionEnd, SubscriptionId},
    dialog::Dialog,
    scope::{Scope, scope},
    step::Step,
};

use super::Role;

impl Dialog {
    /// Ends the subscriptions of a dialog that a refusal has destroyed "and all usages sharing it": nothing more is sent in
    /// them. A REFER or SUBSCRIBE of ours that is under way is ended by its own response.
    pub(crate) fn lose_usages(&mut self, step: &mut Step<'_, '_, '_>, status: StatusCode) {
        if scope(status) != Scope::Dialog {
            return;
        }
        let lost: Vec<(SubscriptionId, SubscriptionEnd)> = self
            .subscriptions
            .iter()
            .filter_map(|subscription| match &subscription.role {
                Role::Subscriber(subscriber) if subscriber.awaits_response() => None,
                Role::Subscriber(_) => Some((subscription.id, SubscriptionEnd::Terminated)),
                Role::Notifier(_) => Some((subscription.id, SubscriptionEnd::NotifyFailed)),
            })
            .collect();
        for (id, end) in lost {
            self.end_subscription(step, id, end);
        }
    }
}
