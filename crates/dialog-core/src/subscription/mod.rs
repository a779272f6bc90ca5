//! Subscriptions: the usages that a REFER or SUBSCRIBE makes in a dialog (RFC 3515, RFC 6665).

pub(crate) mod asked;
pub(crate) mod beside;
mod deactivating;
pub(crate) mod deciding;
pub(crate) mod event_server;
pub(crate) mod event_states;
pub(crate) mod explicit;
pub(crate) mod lifetime;
mod lost;
pub(crate) mod matching;
pub(crate) mod notification;
pub(crate) mod notifier;
pub(crate) mod outset;
pub(crate) mod pacing;
pub(crate) mod published;
pub(crate) mod referring;
pub(crate) mod refusal;
pub(crate) mod reporting;
pub(crate) mod requested;
pub(crate) mod stranger;
pub(crate) mod subject;
pub(crate) mod subscriber;
mod told;
pub(crate) mod wishes;

use std::time::Duration;

use crate::{
    boundary::{
        leg::Misuse,
        subscription::{SubscriptionCommand, SubscriptionEnd, SubscriptionEvent, SubscriptionId},
    },
    dialog::Dialog,
    step::Step,
    timer::SubscriptionTimer,
};

use self::{referring::Subscriber, reporting::Notifier, told::Told};

/// Longest duration of a subscription in seconds, ours or theirs: an hour, which is beyond any transfer and what most
/// packages have as their default. Longer ones are cut, so that no dialog is kept for days because a peer wrote a large number.
pub(crate) const LONGEST: u32 = 3_600;

/// A subscription.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) role: Role,
}

/// Our side of it.
#[derive(Debug)]
pub(crate) enum Role {
    /// We sent the REFER or SUBSCRIBE (table 2.5).
    Subscriber(Box<Subscriber>),
    /// We got the REFER or SUBSCRIBE (table 2.6).
    Notifier(Box<Notifier>),
}

impl Dialog {
    pub(crate) fn subscriber(&mut self, id: SubscriptionId) -> Option<&mut Subscriber> {
        self.subscriptions.iter_mut().find(|subscription| subscription.id == id).and_then(|found| {
            match &mut found.role {
                Role::Subscriber(subscriber) => Some(&mut **subscriber),
                Role::Notifier(_) => None,
            }
        })
    }

    pub(crate) fn notifier(&mut self, id: SubscriptionId) -> Option<&mut Notifier> {
        self.subscriptions.iter_mut().find(|subscription| subscription.id == id).and_then(|found| {
            match &mut found.role {
                Role::Notifier(notifier) => Some(&mut **notifier),
                Role::Subscriber(_) => None,
            }
        })
    }

    pub(crate) fn subscription_command(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        command: SubscriptionCommand,
    ) {
        match command {
            // These make a subscription; the id is one that there is already.
            SubscriptionCommand::Subscribe(_) | SubscriptionCommand::ReferTo(_) => {
                Self::subscription_misused(step, id, Misuse::State);
            }
            SubscriptionCommand::Unsubscribe => self.unsubscribe(step, id),
            SubscriptionCommand::Keep => self.keep_subscription(step, id),
            SubscriptionCommand::Accept { pending, lifetime } => {
                self.accept_refer(step, id, pending, lifetime);
            }
            SubscriptionCommand::AcceptUnreported => self.accept_unreported(step, id),
            SubscriptionCommand::Grant { pending, longest, body } => {
                self.grant_subscribe(step, id, pending, longest, body);
            }
            SubscriptionCommand::Notify { body } => self.publish(step, id, body),
            SubscriptionCommand::Terminate { reason, retry_after, body } => {
                self.terminate(step, id, reason, retry_after, body);
            }
            SubscriptionCommand::Refuse { status } => self.refuse_refer(step, id, status),
            SubscriptionCommand::Approve => self.approve_refer(step, id),
            SubscriptionCommand::Report { status, headers, last } => {
                self.report(step, id, Told { status, headers }, last);
            }
        }
    }

    pub(crate) fn subscription_expired(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        timer: SubscriptionTimer,
    ) {
        if self.subscriber(id).is_some() {
            self.subscriber_timer(step, id, timer);
        } else {
            self.notifier_timer(step, id, timer);
        }
    }

    /// The usage is over: its timers, its waiting requests, its id (TR-240).
    pub(crate) fn end_subscription(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        end: SubscriptionEnd,
    ) {
        for timer in SubscriptionTimer::ALL {
            step.disarm_subscription(id, timer);
        }
        self.waiting.retain(|ask| ask.subscription() != Some(id));
        if end == SubscriptionEnd::Terminated {
            self.keep_fetch(step);
        }
        step.retire_state(id, end);
        let to_state = self.notifier(id).and_then(|notifier| notifier.subscribed);
        self.subscriptions.retain(|subscription| subscription.id != id);
        step.pending.subscriptions.remove(&id);
        match to_state {
            // Nobody above knows of it.
            Some(by) => step.pending.event_states.leave(by, id),
            None => step.subscription(id, SubscriptionEvent::Ended(end)),
        }
    }

    pub(crate) fn subscription_misused(step: &mut Step<'_, '_, '_>, id: SubscriptionId, misuse: Misuse) {
        step.count_misuse(misuse);
        step.subscription(id, SubscriptionEvent::Misused(misuse));
    }
}

/// Whole seconds, rounded up.
pub(crate) fn whole_seconds(duration: Duration) -> u32 {
    let seconds = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
