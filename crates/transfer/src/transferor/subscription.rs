//! What is told of the subscription to the progress, besides the progress.

use dialog_core::{Notification, SubscriptionEnd, SubscriptionEvent};
use sip_transport::Out;

use super::Transferor;
use crate::{TransferEventKind, TransferOutput};

impl Transferor {
    /// Tells that no NOTIFY came, or that none will come any more.
    pub(super) fn note_subscription(&mut self, event: &SubscriptionEvent, out: &mut Out<'_, TransferOutput>) {
        match event {
            SubscriptionEvent::Notified(Notification { reason, .. }) => self.ended_for = *reason,
            SubscriptionEvent::Ended(end) => match end {
                SubscriptionEnd::NoNotify => self.tell(TransferEventKind::NotifyTimeout, out),
                // Without the REFER, or as was asked for, there never was one.
                SubscriptionEnd::Suppressed => {}
                SubscriptionEnd::Refused if self.facts.accepted.is_none() => {}
                SubscriptionEnd::Terminated
                | SubscriptionEnd::Refused
                | SubscriptionEnd::Expired
                | SubscriptionEnd::NotifyFailed
                | SubscriptionEnd::Unsubscribed => {
                    let (end, reason) = (*end, self.ended_for.take());
                    self.tell(TransferEventKind::SubscriptionEnded { end, reason }, out);
                }
            },
            SubscriptionEvent::Answered(_)
            | SubscriptionEvent::EventsAt(_)
            | SubscriptionEvent::Package(_)
            | SubscriptionEvent::Forked { .. }
            | SubscriptionEvent::Requested(_)
            | SubscriptionEvent::Subscribed(_)
            | SubscriptionEvent::Reported
            | SubscriptionEvent::Delivered
            | SubscriptionEvent::Misused(_) => {}
        }
    }
}
