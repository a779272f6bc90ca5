//! A SUBSCRIBE or REFER of ours outside of calls as its further notifiers find it, to which a proxy has forked it (RFC 6665
//! §4.1.2.4, §4.4.1).

use sip_message::Message;
use sip_transport::Tick;

use crate::{
    boundary::subscription::SubscriptionId,
    dialog::{Birth, Dialog},
    state::DialogState,
    step::Step,
    timer::LegTimer,
};

use super::{Role, referring::Subscriber, subscriber::State};

/// What a notifier beyond the first begins with.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// When it was asked for.
    pub(crate) at: Tick,
    /// The subscription of the first notifier.
    pub(crate) of: SubscriptionId,
    /// The dialog of the first notifier.
    pub(crate) state: DialogState,
    /// The subscription of the next one.
    pub(crate) subscriber: Subscriber,
}

impl Asked {
    /// Whether the NOTIFY may have come of it, from another notifier than the first.
    pub(crate) fn expects(&self, notify: &Message) -> bool {
        let Ok(Some(event)) = notify.event() else { return false };
        notify.call_id().is_ok_and(|call_id| call_id == &*self.state.call_id)
            && notify.from_tag().unwrap_or_default() != &*self.state.remote_tag
            && self.subscriber.subject.expects(event.package, event.id)
    }
}

impl Subscriber {
    /// The one that a fork of the first request has made: accepted there, as its NOTIFY shows.
    pub(crate) fn forked(&self) -> Self {
        let mut fork = Self::new(self.subject.clone());
        (fork.state, fork.refer, fork.first) = (State::NotifyWait, self.refer, self.first);
        fork
    }
}

impl Dialog {
    /// What was asked for in this dialog, the first of its request. `None` once nobody wants it any more: a further notifier
    /// learns that from our 481.
    pub(crate) fn asked(&self) -> Option<Asked> {
        let Birth::Ours { tag, at, .. } = self.birth else { return None };
        let subscription = self.subscriptions.first().filter(|_| tag == self.id)?;
        let Role::Subscriber(subscriber) = &subscription.role else { return None };
        (!matches!(subscriber.state, State::Withdrawing | State::Closing)).then(|| Asked {
            at,
            of: subscription.id,
            state: self.state.clone(),
            subscriber: subscriber.forked(),
        })
    }

    /// The first notifier of a fetch has answered, which is its end; others may answer for 64*T1 from the SUBSCRIBE.
    pub(crate) fn keep_fetch(&self, step: &mut Step<'_, '_, '_>) {
        let Some(asked) = self.asked().filter(|asked| asked.subscriber.subject.is_fetch()) else { return };
        let left = step.timeout().saturating_sub(step.cx.now.since(asked.at));
        if left.is_zero() {
            return;
        }
        if step.pending.fetched.len() >= step.config.subscriptions {
            step.pending.counters.fetches_forgotten += 1;
        } else {
            step.pending.fetched.insert(self.id, asked);
            step.arm_leg(self.id, LegTimer::Forks, left);
        }
    }
}
