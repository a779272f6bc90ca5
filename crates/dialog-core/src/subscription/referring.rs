//! What the subscriber's table asks for: our REFER, its response, NOTIFYs, SUBSCRIBE.

use std::time::Duration;

use sip_message::{HeaderId, Message, Method, NameAddrBuf, RetryAfter, StatusCode, UriBuf};
use sip_transport::{Hops, Inbound, RouteError, Tick};
use transaction_core::{TxFailure, TxId};

use crate::{
    boundary::{
        leg::Misuse,
        subscription::{NotifiedState, ReferAnswer, SubscriptionEvent, SubscriptionId},
    },
    dialog::{Dialog, SUBSCRIPTIONS_PER_DIALOG},
    leg::Leg,
    pending::{Ask, Client},
    respond::REFER_PACKAGE,
    retry::Slot,
    scope::ends_subscription,
    step::Step,
    timer::SubscriptionTimer,
};

use super::{
    LONGEST, Role, Subscription,
    notification::{self, Read},
    subscriber::{Action, Event, State, next},
};

/// Seconds that a subscription lasts if the peer does not say (RFC 3515 leaves it to the notifier; TR-041).
const DEFAULT_DURATION: u32 = 180;

/// Shortest duration that is worth a refresh.
const REFRESHED_FROM: u32 = 20;

/// Most refreshes of one subscription: a transfer is over long before, and a peer that never ends must not
/// keep us busy.
const REFRESHES: u8 = 16;

/// A subscription that our REFER makes.
#[derive(Debug)]
pub(crate) struct Subscriber {
    state: State,
    refer_to: UriBuf,
    referred_by: Option<NameAddrBuf>,
    /// The number of the REFER, once it was sent; it is the event id.
    pub(crate) refer: Option<u32>,
    /// Whether it is the first REFER that we sent in the dialog, which has no event id.
    pub(crate) first: bool,
    /// Whether the peer writes the id although it is the first.
    peer_writes_id: bool,
    refreshes: u8,
    /// Whether the final status was told; nothing more is to come then, though the peer may not say so.
    reported: bool,
    /// When its time runs out, once that is known.
    until: Option<Tick>,
}

/// What an event brings along for the actions.
#[derive(Default)]
struct Facts<'a> {
    answer: Option<ReferAnswer>,
    notify: Option<(TxId, &'a Inbound, &'a Read)>,
    /// Seconds granted.
    granted: Option<u32>,
}

impl Dialog {
    /// Sends a REFER in the dialog (RFC 3515 §2.4.1).
    pub(crate) fn refer(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        refer_to: UriBuf,
        referred_by: Option<NameAddrBuf>,
    ) {
        let up = matches!(self.leg, Some(Leg::Up(_)));
        if !up || step.pending.subscriptions.contains_key(&id) {
            return self.misused(step, Misuse::State);
        }
        if self.subscriptions.len() >= SUBSCRIPTIONS_PER_DIALOG
            || step.pending.subscriptions.len() >= step.config.subscriptions
        {
            return self.misused(step, Misuse::Full);
        }
        let subscriber = Subscriber {
            state: State::Referring,
            refer_to,
            referred_by,
            refer: None,
            first: false,
            peer_writes_id: false,
            refreshes: 0,
            reported: false,
            until: None,
        };
        self.subscriptions.push(Subscription { id, role: Role::Subscriber(Box::new(subscriber)) });
        step.pending.subscriptions.insert(id, self.id);
        self.send(step, Ask::Refer(id));
    }

    pub(crate) fn refer_routed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        result: Result<Hops, RouteError>,
    ) {
        let first = !self.referred;
        let up = matches!(self.leg, Some(Leg::Up(_)));
        let Some((refer_to, referred_by, wanted)) = self
            .subscriber(id)
            .map(|it| (it.refer_to.clone(), it.referred_by.clone(), it.state == State::Referring))
        else {
            return;
        };
        // Without a route, without a call or without interest it is not sent at all.
        let (Ok(hops), true, true) = (result, up, wanted) else { return self.refer_unsent(step, id) };
        let Some(draft) = self.next(Method::Refer) else { return self.refer_unsent(step, id) };
        let draft = self
            .state
            .contact
            .on_request(step.capable(draft))
            .header(HeaderId::ReferTo, format_args!("<{refer_to}>"));
        let draft = match referred_by {
            Some(by) => draft.header(HeaderId::ReferredBy, by),
            None => draft,
        };
        let cseq = self.state.local_cseq;
        self.referred = true;
        if let Some(subscriber) = self.subscriber(id) {
            subscriber.refer = Some(cseq);
            subscriber.first = first;
        }
        step.request(Client::Refer(id), hops, draft);
    }

    /// Our REFER in flight, if the call is up and somebody still wants it.
    pub(crate) fn refer_slot(&mut self, id: SubscriptionId) -> Option<Slot<'_>> {
        let up = matches!(self.leg, Some(Leg::Up(_)));
        let wanted = |it: &&mut Subscriber| up && matches!(it.state, State::Referring | State::Early);
        self.subscriber(id).filter(wanted).map(|it| Slot::Refer(&mut it.refer))
    }

    /// Whether a SUBSCRIBE in flight is still wanted: the last one, or a refresh while the call is up and nobody has
    /// unsubscribed.
    pub(crate) fn wants_subscribe(&mut self, id: SubscriptionId, last: bool) -> bool {
        let up = matches!(self.leg, Some(Leg::Up(_)));
        self.subscriber(id).is_some_and(|it| if it.state == State::Closing { last } else { up && !last })
    }

    fn refer_unsent(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        let facts = Facts { answer: Some(ReferAnswer::Unreachable), ..Facts::default() };
        self.subscriber_event(step, id, Event::ReferFailed, &facts);
    }

    /// The call ends: a REFER that was not sent yet never will be.
    pub(crate) fn abandon_unsent(&mut self, step: &mut Step<'_, '_, '_>) {
        let unsent: Vec<SubscriptionId> = self.waiting.iter().filter_map(|ask| ask.refer()).collect();
        for id in unsent {
            self.refer_unsent(step, id);
        }
    }

    pub(crate) fn refer_response(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        message: &Message,
    ) {
        let Some(status) = message.status().filter(|status| status.is_final()) else { return };
        let (event, answer) = if status.is_success() {
            self.state.refresh(message);
            (Event::ReferAccepted, ReferAnswer::Accepted(status))
        } else {
            let retry_after = message.retry_after().ok().flatten().map(|retry: RetryAfter<'_>| retry.seconds);
            (Event::ReferRefused, ReferAnswer::Refused { status, retry_after })
        };
        self.subscriber_event(step, id, event, &Facts { answer: Some(answer), ..Facts::default() });
    }

    pub(crate) fn refer_failed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        failure: TxFailure,
    ) {
        let answer = match failure {
            TxFailure::Timeout => ReferAnswer::TimedOut,
            _ => ReferAnswer::Unreachable,
        };
        self.subscriber_event(
            step,
            id,
            Event::ReferFailed,
            &Facts { answer: Some(answer), ..Facts::default() },
        );
    }

    pub(crate) fn unsubscribe(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        if self.subscriber(id).is_none() {
            return Self::subscription_misused(step, id, Misuse::State);
        }
        if self.waiting.contains(&Ask::Refer(id)) {
            return self.refer_unsent(step, id);
        }
        self.subscriber_event(step, id, Event::Unsubscribe, &Facts::default());
    }

    /// A NOTIFY that was matched to this subscription.
    pub(crate) fn notify_received(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        tx: TxId,
        inbound: &Inbound,
        writes_id: bool,
    ) {
        let closing = self
            .subscriber(id)
            .is_some_and(|subscriber| matches!(subscriber.state, State::Withdrawing | State::Closing));
        let read = notification::read(&inbound.message, closing);
        let event = match read.notification.state {
            NotifiedState::Pending => Event::NotifyPending,
            NotifiedState::Active => Event::NotifyActive,
            NotifiedState::Terminated => Event::NotifyTerminated,
        };
        if let Some(subscriber) = self.subscriber(id) {
            subscriber.peer_writes_id |= writes_id;
        }
        let facts = Facts { notify: Some((tx, inbound, &read)), granted: read.expires, ..Facts::default() };
        self.subscriber_event(step, id, event, &facts);
    }

    pub(crate) fn subscribe_routed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        result: Result<Hops, RouteError>,
    ) {
        let up = matches!(self.leg, Some(Leg::Up(_)));
        let Some(subscriber) = self.subscriber(id) else { return };
        if !up && subscriber.state != State::Closing {
            // The call ended while the refresh looked for its route.
            return;
        }
        let expires = if subscriber.state == State::Closing { 0 } else { DEFAULT_DURATION };
        let event_id = subscriber.refer.filter(|_| !subscriber.first || subscriber.peer_writes_id);
        let (Ok(hops), Some(draft)) = (result, self.next(Method::Subscribe)) else {
            return self.subscriber_event(step, id, Event::SubscribeFailed, &Facts::default());
        };
        let draft = self.state.contact.on_request(event(draft, event_id)).header(HeaderId::Expires, expires);
        step.request(Client::Subscribe(id), hops, draft);
    }

    pub(crate) fn subscribe_response(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        message: &Message,
    ) {
        let Some(status) = message.status().filter(|status| status.is_final()) else { return };
        let event = if status.is_success() {
            self.state.refresh(message);
            Event::SubscribeAccepted
        } else if ends_subscription(status) {
            Event::SubscribeFatal
        } else {
            Event::SubscribeFailed
        };
        self.subscriber_event(step, id, event, &Facts { granted: message.expires(), ..Facts::default() });
    }

    pub(crate) fn subscribe_failed(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        self.subscriber_event(step, id, Event::SubscribeFailed, &Facts::default());
    }

    pub(crate) fn subscriber_timer(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        timer: SubscriptionTimer,
    ) {
        let event = match timer {
            SubscriptionTimer::N => Event::TimerN,
            SubscriptionTimer::Expiry => Event::Expiry,
            SubscriptionTimer::Refresh => Event::RefreshDue,
            SubscriptionTimer::Spacing | SubscriptionTimer::Decision => return,
        };
        self.subscriber_event(step, id, event, &Facts::default());
    }

    fn subscriber_event(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        event: Event,
        facts: &Facts<'_>,
    ) {
        let Some(subscriber) = self.subscriber(id) else { return };
        let (state, actions) = next(subscriber.state, event);
        subscriber.state = state;
        for action in actions {
            self.subscriber_action(step, id, *action, facts);
        }
    }

    fn subscriber_action(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        action: Action,
        facts: &Facts<'_>,
    ) {
        match action {
            Action::TellAnswer => {
                if let Some(answer) = facts.answer {
                    step.subscription(id, SubscriptionEvent::Answered(answer));
                }
            }
            Action::Accept => {
                if let Some((tx, inbound, _)) = facts.notify {
                    self.state.refresh(&inbound.message);
                    step.respond(tx, inbound, StatusCode::OK, &self.state.local_tag, |response| response);
                }
            }
            Action::Refuse => {
                if let Some((tx, inbound, _)) = facts.notify {
                    let status = StatusCode::CALL_DOES_NOT_EXIST;
                    step.respond(tx, inbound, status, &self.state.local_tag, |response| response);
                }
            }
            Action::TellNotify => {
                if let Some((_, _, read)) = facts.notify {
                    step.subscription(id, SubscriptionEvent::Notified(read.notification.clone()));
                }
            }
            Action::ArmN => step.arm_subscription(id, SubscriptionTimer::N, step.timeout()),
            Action::DisarmN => step.disarm_subscription(id, SubscriptionTimer::N),
            Action::Extend => {
                let last = facts.notify.is_some_and(|(_, _, read)| read.tells_the_end());
                if let Some(subscriber) = self.subscriber(id).filter(|_| last) {
                    subscriber.reported = true;
                }
                self.extend(step, id, facts.granted);
            }
            // Nobody waits for reports beyond a call that has ended (TR-258).
            Action::Refresh if !matches!(self.leg, Some(Leg::Up(_))) => {}
            Action::Refresh => {
                if let Some(subscriber) = self.subscriber(id) {
                    subscriber.refreshes += 1;
                }
                self.send(step, Ask::Subscribe(id));
            }
            Action::Unsubscribe => {
                step.disarm_subscription(id, SubscriptionTimer::Refresh);
                step.disarm_subscription(id, SubscriptionTimer::Expiry);
                self.send(step, Ask::Subscribe(id));
            }
            Action::Misuse => Self::subscription_misused(step, id, Misuse::State),
            Action::End(end) => self.end_subscription(step, id, end),
        }
    }

    /// Counts the duration anew. The usage is kept for 64*T1 longer, in which the peer repeats its last
    /// NOTIFY.
    fn extend(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, granted: Option<u32>) {
        let seconds = granted.unwrap_or(DEFAULT_DURATION).min(LONGEST);
        let whole = Duration::from_secs(seconds.into());
        let wanted = step.after(whole + step.timeout());
        let until = self.grace.map_or(wanted, |grace| grace.min(wanted));
        self.expire_at(step, id, until);
        let may_refresh =
            step.config.refresh && seconds >= REFRESHED_FROM && matches!(self.leg, Some(Leg::Up(_)));
        if may_refresh && self.subscriber(id).is_some_and(|it| it.refreshes < REFRESHES && !it.reported) {
            step.arm_subscription(
                id,
                SubscriptionTimer::Refresh,
                whole.saturating_sub((whole / 4).min(step.timeout())),
            );
        } else {
            step.disarm_subscription(id, SubscriptionTimer::Refresh);
        }
    }
}

impl Dialog {
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

/// Adds `Event: refer`, with the id where it has one (TR-012, TR-020).
pub(crate) fn event(draft: sip_message::Draft, event_id: Option<u32>) -> sip_message::Draft {
    match event_id {
        Some(number) => draft.header(HeaderId::Event, format_args!("{REFER_PACKAGE};id={number}")),
        None => draft.header(HeaderId::Event, REFER_PACKAGE),
    }
}
