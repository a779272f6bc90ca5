//! SUBSCRIBE of theirs to what becomes of a REFER, at the address that its 200 gave (RFC 7614 §4.5).

use std::time::Duration;

use sip_message::{HeaderId, StatusCode, SubReason};
use sip_transport::{Cx, Inbound, Out};
use transaction_core::TxId;

use crate::{
    boundary::{
        DialogOutput,
        subscription::{SubscriptionEnd, SubscriptionId},
    },
    dialog::{Birth, Dialog},
    dialogs::Dialogs,
    respond::REFER_PACKAGE,
    state::DialogState,
    step::Step,
    timer::SubscriptionTimer,
};

use super::{
    Role,
    event_states::{Phase, Subscribed, read},
    explicit::ExplicitSubscriptions,
    notifier::{Event, State},
    published::{Published, is_brief},
    reporting::{Facts, Notifier},
};

/// What a SUBSCRIBE outside any dialog is about.
pub(crate) enum Named {
    /// Something else than a REFER.
    Other,
    /// What becomes of this REFER.
    State(SubscriptionId),
    /// What has become of a REFER that nothing is known of, or not any more.
    Forgotten,
}

impl Dialogs {
    /// What a SUBSCRIBE outside any dialog is about, as its Request-URI says.
    pub(crate) fn event_state(&self, inbound: &Inbound) -> Named {
        let refers = matches!(inbound.message.event(), Ok(Some(event)) if event.is(REFER_PACKAGE));
        let target = inbound.message.request_target().ok();
        let user = target.and_then(|uri| uri.user()).filter(|user| read(user).is_some());
        match user {
            Some(user) if refers && self.config.explicit.is_some() => {
                self.pending.event_states.named(user).map_or(Named::Forgotten, Named::State)
            }
            Some(_) | None => Named::Other,
        }
    }

    /// A SUBSCRIBE to the state of a REFER. Whoever knows the address may have it (RFC 7614 §8), by a way that is as strong
    /// as that on which it was given.
    pub(crate) fn subscribed_to_state(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        inbound: Inbound,
        of: SubscriptionId,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let full = self.is_full();
        let source = inbound.origin.source.ip().to_canonical();
        let (mut step, dialogs) = self.step(cx, out);
        let Some(offer) = step.config.explicit else { return };
        let states = &step.pending.event_states;
        let weaker = |secured: bool| secured && !inbound.origin.transport.is_secure();
        let taken = states.get(of).map_or(0, |state| state.subscribers.len()) >= offer.subscribers;
        if states.get(of).is_some_and(|state| weaker(state.secured)) {
            return step.refuse_outside(tx, &inbound, StatusCode::FORBIDDEN);
        }
        if full || taken || states.count_of(source) >= offer.per_source {
            return step.refuse_overloaded(tx, &inbound);
        }
        let id = step.cx.ids.mint();
        let Some(state) = DialogState::theirs(&mut step, id, &inbound) else {
            return step.refuse_outside(tx, &inbound, StatusCode::BAD_REQUEST);
        };
        dialogs.insert(id, Box::new(Dialog::without_leg(id, state, Birth::Theirs)));
        self.with(cx, id, out, |dialog, step| {
            dialog.state_subscribed(step, tx, inbound, Subscribed { of, source });
        });
    }

    /// Has everybody told who has subscribed to a REFER of which there is news.
    pub(crate) fn tell_subscribers(&mut self, cx: &mut Cx<'_>, out: &mut Out<'_, DialogOutput>) {
        while let Some((of, subscribers)) = self.pending.event_states.take_news() {
            for id in subscribers {
                self.with_subscription(cx, id, out, |dialog, step| dialog.state_changed(step, id, of));
            }
        }
    }
}

impl Dialog {
    /// Begins the subscription, which nobody above has to decide on: it gets the state at once, and if that is the last, it is
    /// over with it (RFC 7614 §4.7).
    fn state_subscribed(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: Inbound, by: Subscribed) {
        let message = inbound.message.clone();
        if is_brief(step, &message) {
            return step.too_brief(tx, &inbound, &self.state.local_tag.clone());
        }
        let (Ok(Some(event)), Some(state)) = (message.event(), step.pending.event_states.get(by.of)) else {
            return;
        };
        let (phase, body) = (state.phase, state.body.clone());
        let longest = Duration::from_secs(state.lasts.into());
        let published = Published::asked(&event, message.expires());
        let id: SubscriptionId = step.cx.ids.mint();
        let number = self.state.remote_cseq.unwrap_or_default();
        let mut notifier = Notifier::new(tx, inbound, number, false);
        notifier.published = Some(Box::new(published));
        notifier.subscribed = Some(by);
        self.add(step, id, Role::Notifier(Box::new(notifier)));
        step.pending.event_states.join(by, id);
        self.grant_subscribe(step, id, phase == Phase::Pending, longest, body);
        if let (Phase::Over(_), Some(notifier)) = (phase, self.notifier(id)) {
            notifier.reason = SubReason::Noresource;
            // One that only fetches has its last NOTIFY already.
            if notifier.state == State::Active {
                self.notifier_event(step, id, Event::ReportLast, &Facts::default());
            }
        }
    }

    /// Tells a subscriber the newest state of a REFER.
    fn state_changed(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, of: SubscriptionId) {
        let (Some(state), Some(notifier)) = (step.pending.event_states.get(of), self.notifier(id)) else {
            return;
        };
        let event = match (notifier.state, state.phase) {
            (State::Pending | State::Active, Phase::Over(reason)) => {
                notifier.reason = reason;
                Event::ReportLast
            }
            (State::Pending, Phase::Active) => Event::Approve,
            (State::Active, Phase::Active) => Event::Report,
            (State::Pending | State::Active, Phase::Pending)
            | (State::Deciding | State::Terminating | State::Terminated, _) => return,
        };
        if let Some(published) = &mut notifier.published {
            published.body.clone_from(&state.body);
        }
        self.notifier_event(step, id, event, &Facts::default());
    }

    /// Keeps what is reported of a REFER for those who subscribe to it.
    pub(super) fn keep_state(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        let Some(notifier) = self.notifier(id) else { return };
        let phase = match notifier.state {
            State::Deciding | State::Pending => Phase::Pending,
            State::Active => Phase::Active,
            State::Terminating | State::Terminated => Phase::Over(notifier.reason),
        };
        step.pending.event_states.tell(id, notifier.granted, phase, notifier.told.body());
    }
}

impl Step<'_, '_, '_> {
    /// Whether there is no room for the state of one more REFER.
    pub(crate) fn is_full_of_states(&self) -> bool {
        let most = self.config.explicit.map_or(0, |offer| offer.referrals);
        self.pending.event_states.len() >= most
    }

    /// A REFER is over. What has become of it stays for a while, unless it was refused and nobody was told the address.
    pub(super) fn retire_state(&mut self, of: SubscriptionId, end: SubscriptionEnd) {
        if self.pending.event_states.get(of).is_none() {
            return;
        }
        if end == SubscriptionEnd::Refused {
            self.pending.event_states.forget(of);
        } else {
            let kept = self.config.explicit.map_or(ExplicitSubscriptions::KEPT, |offer| offer.kept);
            self.arm_subscription(of, SubscriptionTimer::Retained, kept.max(self.timeout() * 2));
        }
    }

    /// The address in a 200 to a REFER that requires an explicit subscription: ours on the hop that the 200 takes, with a user
    /// part of its own (RFC 7614 §4.3).
    pub(super) fn events_at(&self, of: SubscriptionId, inbound: &Inbound) -> Option<(HeaderId, String)> {
        let user = self.pending.event_states.user(of)?;
        Some((HeaderId::ReferEventsAt, crate::contact::on_hop(inbound, Some(&user))))
    }
}
