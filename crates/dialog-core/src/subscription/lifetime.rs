//! How long a subscription of ours lasts: what was granted, refreshes, the end of the call.

use std::time::Duration;

use sip_transport::Tick;

use crate::{
    boundary::{leg::Misuse, subscription::SubscriptionId},
    dialog::Dialog,
    step::Step,
    timer::SubscriptionTimer,
};

use super::{LONGEST, Role, referring::Subscriber, subscriber::State};

/// Seconds that a subscription lasts if the peer does not say (RFC 3515 leaves it to the notifier; TR-041).
pub(super) const DEFAULT_DURATION: u32 = 180;

/// Shortest duration that is worth a refresh.
const REFRESHED_FROM: u32 = 20;

impl Dialog {
    /// The subscription whose refresh is over; `None` once we have unsubscribed, where the last SUBSCRIBE decides.
    pub(super) fn refreshed(&mut self, id: SubscriptionId) -> Option<&mut Subscriber> {
        self.subscriber(id).filter(|subscriber| subscriber.state != State::Closing)
    }

    /// A refresh has failed without ending the subscription, which lasts as long as was granted (TR-048): one more try in
    /// half of the time that is left, until that is not worth it.
    pub(super) fn refresh_later(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        let kept = step.timeout();
        let now = step.cx.now;
        let Some(subscriber) = self.subscriber(id).filter(|it| !it.is_refer() && it.state != State::Closing)
        else {
            return;
        };
        let left = subscriber.until.map_or(Duration::ZERO, |until| until.since(now).saturating_sub(kept));
        if left >= Duration::from_secs(REFRESHED_FROM.into()) {
            step.arm_subscription(id, SubscriptionTimer::Refresh, left / 2);
        }
    }

    /// Counts the duration anew. The usage is kept for 64*T1 longer, in which the peer repeats its last
    /// NOTIFY.
    pub(super) fn extend(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, granted: Option<u32>) {
        let before = self.subscriber(id).and_then(|subscriber| subscriber.granted);
        let seconds = granted.or(before).unwrap_or(DEFAULT_DURATION).min(LONGEST);
        let whole = Duration::from_secs(seconds.into());
        let wanted = step.after(whole + step.timeout());
        let kept = self.subscriber(id).is_some_and(|subscriber| subscriber.kept);
        let until = self.grace.filter(|_| !kept).map_or(wanted, |grace| grace.min(wanted));
        self.expire_at(step, id, until);
        let may_refresh = step.config.refresh && seconds >= REFRESHED_FROM && self.is_held();
        if may_refresh && self.subscriber(id).is_some_and(|it| it.is_refreshable()) {
            step.arm_subscription(
                id,
                SubscriptionTimer::Refresh,
                whole.saturating_sub((whole / 4).min(step.timeout())),
            );
        } else {
            step.disarm_subscription(id, SubscriptionTimer::Refresh);
        }
    }

    /// Nobody waits in the call for the outcome, and it is of interest all the same (TR-165).
    pub(super) fn keep_subscription(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        match self.subscriber(id) {
            Some(subscriber) => subscriber.kept = true,
            None => Self::subscription_misused(step, id, Misuse::State),
        }
    }

    fn expire_at(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, until: Tick) {
        if let Some(subscriber) = self.subscriber(id) {
            subscriber.until = Some(until);
        }
        step.arm_subscription(id, SubscriptionTimer::Expiry, until.since(step.cx.now));
    }

    /// The call has ended. Its subscriptions go on (TR-240), but only as long as a last NOTIFY of the peer may be on
    /// its way: 64*T1, whatever it granted and however often it notifies (TR-165, TR-258).
    pub(crate) fn begin_grace(&mut self, step: &mut Step<'_, '_, '_>) {
        let grace = step.after(step.timeout());
        self.grace = Some(grace);
        let ours: Vec<(SubscriptionId, Tick)> = self
            .subscriptions
            .iter()
            .filter_map(|subscription| match &subscription.role {
                Role::Subscriber(it) if it.kept => None,
                Role::Subscriber(it) => {
                    Some((subscription.id, it.until.map_or(grace, |until| until.min(grace))))
                }
                Role::Notifier(_) => None,
            })
            .collect();
        for (id, until) in ours {
            step.disarm_subscription(id, SubscriptionTimer::Refresh);
            self.expire_at(step, id, until);
        }
    }
}
