//! SUBSCRIBE and REFER of ours outside of calls: the dialogs that they make, by NOTIFY (RFC 6665 §4.4.1, TR-051).

use sip_message::{Message, TargetDialog};
use sip_transport::{Cx, Inbound, Out, Purpose};

use crate::{
    boundary::{
        DialogOutput,
        leg::{LegId, Misuse},
        subscription::{SubscriptionEvent, SubscriptionId},
    },
    dialog::{Birth, Dialog},
    dialogs::Dialogs,
    leg::Leg,
    path::{Path, RouteSetFault},
    pending::Ask,
    state::DialogState,
    step::Step,
    timer::SubscriptionTimer,
};

use super::{Role, Subscription, asked::Asked, beside::Way, referring::Subscriber, subject::Subject};

impl Dialogs {
    /// Begins a subscription in a dialog of its own.
    pub(crate) fn begin(
        &mut self,
        cx: &mut Cx<'_>,
        id: SubscriptionId,
        subject: Subject,
        out: &mut Out<'_, DialogOutput>,
    ) {
        self.begin_on(cx, id, subject, None, out);
    }

    /// As [`begin`](Self::begin), by the way of a call unless it is that of an account.
    pub(crate) fn begin_on(
        &mut self,
        cx: &mut Cx<'_>,
        id: SubscriptionId,
        mut subject: Subject,
        way: Option<Way>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let full = self.is_full();
        let about = subject.about().map(|leg| self.named_by_peer(leg));
        let outgoing = subject.registration().and_then(|id| self.registrations.outgoing(id));
        let (mut step, dialogs) = self.step(cx, out);
        let misuse = match about {
            _ if step.pending.subscriptions.contains_key(&id) => Some(Misuse::State),
            Some(None) => Some(Misuse::Unknown),
            _ if full => Some(Misuse::Full),
            Some(Some(_)) | None => None,
        };
        if let Some(misuse) = misuse {
            return Dialog::subscription_misused(&mut step, id, misuse);
        }
        if let (Subject::Refer(referral), Some(named)) = (&mut subject, about) {
            referral.about = named;
        }
        let dialog: LegId = step.cx.ids.mint();
        let Some(ends) = subject.ends() else { return };
        let mut state = DialogState::ours(&mut step, dialog, ends);
        match (outgoing, way) {
            // One that fails is not repeated by another proxy: whoever subscribes or refers is told, and may do so.
            (Some(outgoing), _) => drop(outgoing.lead(&mut state)),
            (None, Some(way)) => way.take(&mut state),
            (None, None) => {}
        }
        let birth = Birth::Ours { tag: dialog, at: step.cx.now, noted: false };
        let mut new = Dialog::without_leg(dialog, state, birth);
        new.add(&mut step, id, Role::Subscriber(Box::new(Subscriber::new(subject))));
        new.send(&mut step, Ask::Refer(id));
        dialogs.insert(dialog, Box::new(new));
    }

    /// Whether there is no room for one more subscription with a dialog of its own.
    pub(crate) fn is_full(&self) -> bool {
        self.dialogs.len() >= self.config.legs
            || self.pending.subscriptions.len() >= self.config.subscriptions
    }

    /// How the peer of a call names it in a Target-Dialog that it gets: its own tag is the local one (RFC 4538 §3, TR-151);
    /// and whether it has said that it knows that header (TR-152).
    fn named_by_peer(&self, leg: LegId) -> Option<(TargetDialog, bool)> {
        let dialog = self.dialogs.get(&leg).filter(|dialog| matches!(dialog.leg, Some(Leg::Up(_))))?;
        let state = &dialog.state;
        let named = TargetDialog::new(&state.call_id, &state.remote_tag, &state.local_tag).ok()?;
        Some((named, state.peer.target_dialog))
    }

    /// The dialog that a NOTIFY makes which no dialog owns: that of our SUBSCRIBE or REFER, or one more where it was forked
    /// (RFC 6665 §4.1.4, §4.4.1).
    pub(crate) fn adopt(
        &mut self,
        cx: &mut Cx<'_>,
        inbound: &Inbound,
        out: &mut Out<'_, DialogOutput>,
    ) -> Option<LegId> {
        let notify = &inbound.message;
        let tag = LegId::from(cx.guard.read(Purpose::Tag, notify.to_tag()?)?);
        let forks = self.config.subscription_forks;
        let full = self.is_full();
        let (mut step, dialogs) = self.step(cx, out);
        if let Some(first) = dialogs.get_mut(&tag).filter(|dialog| dialog.asked_for(notify))
            && matches!(first.birth, Birth::Ours { noted: false, .. })
        {
            first.state.remote_tag = notify.from_tag().unwrap_or_default().into();
            // One that was malformed may have been counted for another notifier.
            first.state.remote_cseq = None;
            return Some(tag);
        }
        let asked = match dialogs.get(&tag) {
            Some(dialog) => dialog.asked(),
            None => step.pending.fetched.get(&tag).cloned(),
        };
        let Asked { at, of, state, subscriber } = asked.filter(|asked| asked.expects(notify))?;
        // Later than timer N nobody can have been reached by the first request (RFC 6665 §4.1.2.4).
        let late = step.cx.now.since(at) >= step.timeout();
        let sisters = step.pending.sisters.get(&tag).map_or(0, Vec::len);
        if late {
            return None;
        }
        if full || sisters >= forks {
            step.pending.counters.notifiers_refused += 1;
            return None;
        }
        let remote_tag = notify.from_tag().unwrap_or_default().into();
        let state = DialogState { remote_tag, remote_cseq: None, ..state };
        let (sister, id): (LegId, SubscriptionId) = (step.cx.ids.mint(), step.cx.ids.mint());
        let mut new = Dialog::without_leg(sister, state, Birth::Ours { tag, at, noted: false });
        new.add(&mut step, id, Role::Subscriber(Box::new(subscriber)));
        step.arm_subscription(id, SubscriptionTimer::N, step.timeout());
        step.pending.sisters.entry(tag).or_default().push(sister);
        step.subscription(id, SubscriptionEvent::Forked { of });
        dialogs.insert(sister, Box::new(new));
        Some(sister)
    }
}

impl Dialogs {
    /// Whether a NOTIFY that nobody takes is of an event that our request in its To tag has asked for.
    pub(crate) fn has_asked_for(&self, cx: &Cx<'_>, notify: &Message) -> bool {
        let tag = notify.to_tag().and_then(|tag| cx.guard.read(Purpose::Tag, tag)).map(LegId::from);
        tag.and_then(|tag| self.dialogs.get(&tag)).is_some_and(|dialog| dialog.asked_for(notify))
    }
}

impl Dialog {
    /// Adds a usage.
    pub(crate) fn add(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, role: Role) {
        self.subscriptions.push(Subscription { id, role });
        step.pending.subscriptions.insert(id, self.id);
    }

    /// Whether a NOTIFY may have come of the request that this dialog was begun with.
    fn asked_for(&self, notify: &Message) -> bool {
        let Ok(Some(event)) = notify.event() else { return false };
        notify.call_id().is_ok_and(|call_id| call_id == &*self.state.call_id)
            && self.subscriptions.iter().any(|subscription| match &subscription.role {
                Role::Subscriber(subscriber) => subscriber.subject.expects(event.package, event.id),
                Role::Notifier(_) => false,
            })
    }

    /// The first NOTIFY makes the dialog: its Record-Route is the route set, its Contact the target (TR-051).
    pub(crate) fn establish(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        notify: &Message,
    ) -> Result<(), RouteSetFault> {
        let Birth::Ours { noted: noted @ false, .. } = &mut self.birth else { return Ok(()) };
        let routes = step.recorded(notify)?;
        *noted = true;
        self.state.refresh(notify);
        self.state.path = Path::new(&self.state.path.target, routes);
        Ok(())
    }

    /// A 2xx says who will notify, unless a NOTIFY has said it: enough to unsubscribe.
    /// Where its route set cannot be used, only a NOTIFY can.
    pub(crate) fn establish_by_response(&mut self, step: &mut Step<'_, '_, '_>, response: &Message) {
        if !matches!(self.birth, Birth::Ours { noted: false, .. }) {
            return;
        }
        let Ok(routes) = step.recorded(response) else { return };
        self.state.remote_tag = response.to_tag().unwrap_or_default().into();
        self.state.refresh(response);
        self.state.path = Path::new(&self.state.path.target, routes.into_iter().rev());
    }
}
