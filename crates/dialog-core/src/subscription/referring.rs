//! What the subscriber's table asks for: our REFER or first SUBSCRIBE, its response, NOTIFYs, SUBSCRIBE.

use sip_message::{Draft, HeaderId, Message, Method, RetryAfter, StatusCode, UriBuf};
use sip_transport::{Hops, Inbound, Origin, RouteError, Tick};
use transaction_core::{TxFailure, TxId};

use crate::{
    boundary::{
        leg::Misuse,
        refer::{Refer, ReferSubscription},
        subscription::{NotifiedState, ReferAnswer, SubscriptionEvent, SubscriptionId},
    },
    dialog::{Birth, Dialog, SUBSCRIPTIONS_PER_DIALOG},
    leg::Leg,
    pending::{Ask, Client},
    respond::REFER_PACKAGE,
    retry::Slot,
    scope::ends_subscription,
    step::Step,
    timer::SubscriptionTimer,
};

use super::{
    LONGEST, Role,
    lifetime::DEFAULT_DURATION,
    notification::{self, Told},
    subject::{Referral, Subject},
    subscriber::{Action, Event, State, next},
};

/// 423 Interval Too Brief (RFC 6665 §4.1.2.1).
pub(crate) const TOO_BRIEF: StatusCode = StatusCode::INTERVAL_TOO_BRIEF;

/// Most refreshes of one subscription: a transfer is over long before, and a peer that never ends must not
/// keep us busy.
const REFRESHES: u8 = 16;

/// A subscription that our REFER or SUBSCRIBE makes.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of the peer and its past, beside the state and not of it"
)]
pub(crate) struct Subscriber {
    pub(super) state: State,
    pub(crate) subject: Subject,
    /// The number of the REFER or first SUBSCRIBE, once it was sent; of a REFER it is the event id.
    pub(crate) refer: Option<u32>,
    /// Whether it is the first REFER that we sent in the dialog, which has no event id.
    pub(crate) first: bool,
    /// Whether the peer has written the id, be it the first or not.
    pub(super) peer_writes_id: bool,
    refreshes: u8,
    /// Whether the final status was told; nothing more is to come then, though the peer may not say so.
    reported: bool,
    /// When its time runs out, once that is known.
    pub(super) until: Option<Tick>,
    /// Seconds that the last 2xx to a SUBSCRIBE has granted, for a NOTIFY that does not say.
    pub(super) granted: Option<u32>,
    /// Whether the notifier has asked for longer than we did (423).
    lengthened: bool,
    /// Whether it outlives its call for as long as it was granted.
    pub(super) kept: bool,
}

impl Subscriber {
    pub(crate) fn new(subject: Subject) -> Self {
        Self {
            state: State::Referring,
            subject,
            refer: None,
            first: false,
            peer_writes_id: false,
            refreshes: 0,
            reported: false,
            until: None,
            granted: None,
            lengthened: false,
            kept: false,
        }
    }

    pub(crate) fn is_refer(&self) -> bool {
        matches!(self.subject, Subject::Refer(_))
    }

    /// Whether it may be refreshed once more.
    pub(super) fn is_refreshable(&self) -> bool {
        match &self.subject {
            Subject::Refer(_) => self.refreshes < REFRESHES && !self.reported,
            Subject::Package(subscribe) => subscribe.expires > 0,
        }
    }

    /// Seconds that a refresh asks for.
    fn asks_for(&self) -> u32 {
        match &self.subject {
            Subject::Refer(_) => DEFAULT_DURATION,
            Subject::Package(subscribe) => subscribe.expires,
        }
    }

    /// Whether the first request has no response yet.
    pub(super) fn awaits_response(&self) -> bool {
        matches!(self.state, State::Referring | State::Early | State::EarlyEnded | State::Withdrawing)
    }

    /// Takes over the duration that the notifier insists on, once (RFC 3261 §10.2.8); `false` if it is not to be had.
    fn lengthen(&mut self, message: &Message) -> bool {
        let Subject::Package(subscribe) = &mut self.subject else { return false };
        let longer = message
            .min_expires()
            .filter(|least| *least > subscribe.expires && *least <= LONGEST && subscribe.expires > 0);
        match longer {
            Some(least) if !std::mem::replace(&mut self.lengthened, true) => {
                subscribe.expires = least;
                true
            }
            Some(_) | None => false,
        }
    }
}

/// What an event brings along for the actions.
#[derive(Default)]
struct Facts<'a> {
    answer: Option<ReferAnswer>,
    /// Where the state of the REFER is to be had.
    events_at: Option<UriBuf>,
    notify: Option<(TxId, &'a Inbound, &'a Told)>,
    /// Seconds granted.
    granted: Option<u32>,
}

impl Dialog {
    /// Sends a REFER in the dialog (RFC 3515 §2.4.1).
    pub(crate) fn refer(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, refer: Refer) {
        let up = matches!(self.leg, Some(Leg::Up(_)));
        if !up || step.pending.subscriptions.contains_key(&id) {
            return self.misused(step, Misuse::State);
        }
        if self.subscriptions.len() >= SUBSCRIPTIONS_PER_DIALOG
            || step.pending.subscriptions.len() >= step.config.subscriptions
        {
            return self.misused(step, Misuse::Full);
        }
        let subject = Subject::Refer(Box::new(Referral::inside(refer)));
        self.add(step, id, Role::Subscriber(Box::new(Subscriber::new(subject))));
        self.send(step, Ask::Refer(id));
    }

    pub(crate) fn refer_routed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        result: Result<Hops, RouteError>,
    ) {
        let first = !self.referred;
        let held = self.is_held();
        let Some((subject, wanted)) =
            self.subscriber(id).map(|it| (it.subject.clone(), it.state == State::Referring))
        else {
            return;
        };
        // Without a route, without a call or without interest it is not sent at all.
        let (Ok(hops), true, true) = (result, held, wanted) else { return self.refer_unsent(step, id) };
        let Some(draft) = self.next(subject.method()) else { return self.refer_unsent(step, id) };
        let draft = self.state.contact.on_request(step.capable(draft));
        let draft = match &subject {
            Subject::Refer(_) => subject.dress(draft),
            Subject::Package(subscribe) => subject.dress(draft).header(HeaderId::Expires, subscribe.expires),
        };
        let cseq = self.state.local_cseq;
        self.referred |= matches!(subject, Subject::Refer(_));
        if let Some(subscriber) = self.subscriber(id) {
            subscriber.refer = Some(cseq);
            subscriber.first = first;
        }
        step.request(Client::Refer(id), hops, draft);
    }

    /// Our REFER or first SUBSCRIBE in flight, if what it goes in is alive and somebody still wants it.
    pub(crate) fn refer_slot(&mut self, id: SubscriptionId) -> Option<Slot<'_>> {
        let held = self.is_held();
        let wanted = |it: &&mut Subscriber| held && matches!(it.state, State::Referring | State::Early);
        self.subscriber(id).filter(wanted).map(|it| Slot::Refer(&mut it.refer))
    }

    /// Whether a SUBSCRIBE in flight is still wanted: the last one, or a refresh while the call is up and nobody has
    /// unsubscribed.
    pub(crate) fn wants_subscribe(&mut self, id: SubscriptionId, last: bool) -> bool {
        let held = self.is_held();
        self.subscriber(id).is_some_and(|it| if it.state == State::Closing { last } else { held && !last })
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
        origin: &Origin,
        message: &Message,
    ) {
        let Some(status) = message.status().filter(|status| status.is_final()) else { return };
        if status == TOO_BRIEF
            && self.subscriber(id).is_some_and(|it| it.awaits_response() && it.lengthen(message))
        {
            return self.send(step, Ask::Refer(id));
        }
        let mut events_at = None;
        let (event, answer) = if status.is_success() {
            self.establish_by_response(step, message);
            // A fork whose NOTIFY came first has made the dialog; this 2xx is another one's.
            if message.to_tag().unwrap_or_default() == &*self.state.remote_tag {
                self.state.refresh(message);
                if self.birth != Birth::Invite {
                    self.state.heard(origin);
                }
            }
            let Some(subscriber) = self.subscriber(id) else { return };
            subscriber.granted = message.expires();
            if subscriber.asked_for() == ReferSubscription::Explicit {
                // One that cannot be read leads nowhere: the REFER is accepted, and nothing will be heard of it.
                let named = message.refer_events_at().ok().flatten();
                events_at = named.filter(|at| at.uri.is_sip()).map(|at| at.uri.to_owned());
            }
            let event =
                if subscriber.is_suppressed(message) { Event::ReferSuppressed } else { Event::ReferAccepted };
            (event, ReferAnswer::Accepted(status))
        } else {
            let retry_after = message.retry_after().ok().flatten().map(|retry: RetryAfter<'_>| retry.seconds);
            (Event::ReferRefused, ReferAnswer::Refused { status, retry_after })
        };
        self.subscriber_event(
            step,
            id,
            event,
            &Facts { answer: Some(answer), events_at, ..Facts::default() },
        );
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
        let Some(subscriber) = self.subscriber(id) else { return };
        subscriber.peer_writes_id |= writes_id;
        let told = if subscriber.subject.follows_refer() {
            if let (Subject::Package(own), Ok(Some(event))) =
                (&mut subscriber.subject, inbound.message.event())
            {
                own.id = event.id.map(Into::into);
            }
            Told::Refer(notification::read(&inbound.message, closing))
        } else {
            // One without a state was refused before.
            let Some(read) = notification::read_package(&inbound.message) else { return };
            Told::Package(Box::new(read))
        };
        if self.establish(step, &inbound.message).is_err() {
            return self.refuse_event(step, tx, inbound, StatusCode::BAD_REQUEST);
        }
        let event = match told.state() {
            NotifiedState::Pending => Event::NotifyPending,
            NotifiedState::Active => Event::NotifyActive,
            NotifiedState::Terminated => Event::NotifyTerminated,
        };
        let facts = Facts { notify: Some((tx, inbound, &told)), granted: told.expires(), ..Facts::default() };
        self.subscriber_event(step, id, event, &facts);
    }

    pub(crate) fn subscribe_routed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        result: Result<Hops, RouteError>,
    ) {
        let held = self.is_held();
        let Some(subscriber) = self.subscriber(id) else { return };
        if !held && subscriber.state != State::Closing {
            // The call ended while the refresh looked for its route.
            return;
        }
        let expires = if subscriber.state == State::Closing { 0 } else { subscriber.asks_for() };
        let event_id = subscriber.refer.filter(|_| !subscriber.first || subscriber.peer_writes_id);
        let subject = subscriber.subject.clone();
        let (Ok(hops), Some(draft)) = (result, self.next(Method::Subscribe)) else {
            if expires == 0 {
                self.unsubscribe_over(step, id, None);
            } else {
                self.subscribe_failed(step, id);
            }
            return;
        };
        let draft = match &subject {
            Subject::Refer(_) => event(draft, event_id),
            Subject::Package(_) => subject.dress_again(draft),
        };
        let draft = self.state.contact.on_request(draft).header(HeaderId::Expires, expires);
        let client = if expires == 0 { Client::Unsubscribe(id) } else { Client::Subscribe(id) };
        step.request(client, hops, draft);
    }

    pub(crate) fn subscribe_response(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        message: &Message,
    ) {
        let Some(status) = message.status().filter(|status| status.is_final()) else { return };
        let Some(subscriber) = self.refreshed(id) else { return };
        if status == TOO_BRIEF && subscriber.lengthen(message) {
            return self.send(step, Ask::Subscribe(id));
        }
        let event = if status.is_success() {
            subscriber.granted = message.expires();
            self.state.refresh(message);
            Event::SubscribeAccepted
        } else if ends_subscription(status) {
            Event::SubscribeFatal
        } else {
            Event::SubscribeFailed
        };
        self.subscriber_event(step, id, event, &Facts::default());
        if event == Event::SubscribeFailed {
            self.refresh_later(step, id);
        }
    }

    /// Our last SUBSCRIBE was answered, or was not.
    pub(crate) fn unsubscribe_over(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        status: Option<StatusCode>,
    ) {
        let event = match status {
            Some(status) if !status.is_final() => return,
            Some(status) if status.is_success() => Event::SubscribeAccepted,
            // Whichever it is, there was nothing to be kept.
            Some(_) | None => Event::SubscribeFailed,
        };
        self.subscriber_event(step, id, event, &Facts::default());
    }

    pub(crate) fn subscribe_failed(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        if self.refreshed(id).is_none() {
            return;
        }
        self.subscriber_event(step, id, Event::SubscribeFailed, &Facts::default());
        self.refresh_later(step, id);
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
            SubscriptionTimer::Spacing | SubscriptionTimer::Decision | SubscriptionTimer::Retained => return,
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
                if let Some(at) = &facts.events_at {
                    step.subscription(id, SubscriptionEvent::EventsAt(at.clone()));
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
                if let Some((_, _, told)) = facts.notify {
                    step.subscription(id, told.event());
                }
            }
            Action::ArmN => step.arm_subscription(id, SubscriptionTimer::N, step.timeout()),
            Action::DisarmN => step.disarm_subscription(id, SubscriptionTimer::N),
            Action::Extend => {
                let last = facts.notify.is_some_and(|(_, _, told)| told.tells_the_end());
                if let Some(subscriber) = self.subscriber(id).filter(|_| last) {
                    subscriber.reported = true;
                }
                self.extend(step, id, facts.granted);
            }
            // Nobody waits for reports beyond a call that has ended (TR-258).
            Action::Refresh if !self.is_held() => {}
            Action::Refresh => {
                if let Some(subscriber) = self.subscriber(id) {
                    subscriber.refreshes = subscriber.refreshes.saturating_add(1);
                }
                step.arm_subscription(id, SubscriptionTimer::N, step.timeout());
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
}

/// Adds `Event: refer`, with the id where it has one (TR-012, TR-020).
pub(crate) fn event(draft: Draft, event_id: Option<u32>) -> Draft {
    match event_id {
        Some(number) => draft.header(HeaderId::Event, format_args!("{REFER_PACKAGE};id={number}")),
        None => draft.header(HeaderId::Event, REFER_PACKAGE),
    }
}
