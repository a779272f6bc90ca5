//! What the notifier's table asks for: the response to the REFER, NOTIFYs, responses to SUBSCRIBE.

use std::time::Duration;

use sip_message::{HeaderId, Message, Method, StatusCode, SubReason};
use sip_transport::{Hops, Inbound, RouteError, Tick};
use transaction_core::TxId;

use crate::{
    boundary::{
        leg::Misuse,
        subscription::{SubscriptionEnd, SubscriptionEvent, SubscriptionId},
    },
    config::DialogConfig,
    dialog::{Birth, Dialog},
    pending::{Ask, Client},
    scope::ends_subscription,
    step::Step,
    timer::SubscriptionTimer,
};

use super::{
    event_states::Subscribed,
    notifier::{Action, Event, State, next},
    pacing::Pacing,
    published::Published,
    subject::event,
    told::Told,
    whole_seconds,
};

/// The time between two NOTIFYs (RFC 3515 §3.10).
const SPACING: Duration = Duration::from_secs(1);

/// Which NOTIFY is still sent once more if a later request overtakes it (decision 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeats {
    /// The first, because none was accepted yet; and the last.
    First,
    /// The last.
    Last,
    /// None: the last one was.
    Nothing,
}

/// A subscription that their REFER or SUBSCRIBE makes.
#[derive(Debug)]
pub(crate) struct Notifier {
    pub(crate) state: State,
    /// The REFER or SUBSCRIBE, until it was answered.
    pub(crate) request: Option<Box<(TxId, Inbound)>>,
    /// What a SUBSCRIBE is about; `None` after a REFER.
    pub(crate) published: Option<Box<Published>>,
    /// The number of the REFER; it is the event id.
    pub(crate) refer: u32,
    /// Whether it is the first REFER that came in the dialog, which has no event id.
    pub(crate) first: bool,
    pub(super) told: Told,
    /// For the last NOTIFY.
    pub(crate) reason: SubReason,
    pub(crate) end: SubscriptionEnd,
    /// Seconds granted at first; a refresh gets no more.
    pub(crate) granted: u32,
    until: Tick,
    pacing: Pacing,
    repeats: Repeats,
    /// Whether nobody is told, because the REFER requires so (`nosub` and `explicitsub`, RFC 7614).
    pub(super) quiet: bool,
    /// To the state of which REFER it is a subscription; the layer above is told nothing of it.
    pub(super) subscribed: Option<Subscribed>,
}

/// What an event brings along for the actions.
#[derive(Default)]
pub(crate) struct Facts<'a> {
    pub(super) refusal: Option<StatusCode>,
    pub(super) subscribe: Option<(TxId, &'a Inbound, u32)>,
}

impl Notifier {
    pub(crate) fn new(tx: TxId, inbound: Inbound, refer: u32, first: bool) -> Self {
        Self {
            state: State::Deciding,
            request: Some(Box::new((tx, inbound))),
            published: None,
            refer,
            first,
            told: Told::TRYING,
            reason: SubReason::Noresource,
            end: SubscriptionEnd::Terminated,
            granted: 0,
            until: Tick::default(),
            pacing: Pacing::default(),
            repeats: Repeats::First,
            quiet: false,
            subscribed: None,
        }
    }

    pub(crate) fn is_refer(&self) -> bool {
        self.published.is_none()
    }

    /// What the next NOTIFY says besides its state.
    fn content(&self) -> Published {
        if let Some(published) = &self.published {
            return (**published).clone();
        }
        let event_id = (!self.first).then(|| self.refer.to_string().into());
        Published::refer(event_id, self.told.body())
    }

    /// The status that accepts the REFER or SUBSCRIBE, and the one that answers it when nobody has decided.
    fn statuses(&self, config: &DialogConfig) -> (StatusCode, StatusCode) {
        if self.is_refer() {
            (config.refer_acceptance.status(), StatusCode::DECLINE)
        } else {
            // Nobody has refused it: it may be sent again.
            (StatusCode::OK, StatusCode::SERVER_INTERNAL_ERROR)
        }
    }

    /// Whether an Event is that of this package subscription.
    pub(crate) fn is_package(&self, package: &str, id: Option<&str>) -> bool {
        self.published.as_ref().is_some_and(|published| published.is(package, id))
    }
}

impl Dialog {
    pub(crate) fn report(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        told: Told,
        last: Option<SubReason>,
    ) {
        let Some(notifier) = self.notifier(id).filter(|notifier| notifier.is_refer()) else {
            return Self::subscription_misused(step, id, Misuse::State);
        };
        let takes = match (notifier.state, last) {
            (State::Active, _) | (State::Pending, Some(_)) => true,
            (State::Pending, None) | (State::Deciding | State::Terminating | State::Terminated, _) => false,
        };
        if takes {
            notifier.told = told;
            notifier.reason = last.unwrap_or(notifier.reason);
        }
        let event = if last.is_some() { Event::ReportLast } else { Event::Report };
        self.notifier_command(step, id, event, &Facts::default());
    }

    /// The call ended: a REFER that nobody has decided on is answered 603, because 487 is none of the statuses that
    /// leave a dialog alone (TR-197, TR-265).
    pub(crate) fn decline_undecided(&mut self, step: &mut Step<'_, '_, '_>) {
        let all: Vec<SubscriptionId> =
            self.subscriptions.iter().map(|subscription| subscription.id).collect();
        for id in all {
            self.notifier_event(step, id, Event::CallEnded, &Facts::default());
        }
    }

    /// The REFER's transaction is over without a decision.
    pub(crate) fn refer_undecided(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        self.notifier_event(step, id, Event::Undecided, &Facts::default());
    }

    /// A SUBSCRIBE that was matched to this subscription (TR-024).
    pub(crate) fn subscribe_received(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        tx: TxId,
        inbound: &Inbound,
    ) {
        let asked = inbound.message.expires();
        if self.refuses_as_brief(step, id, tx, inbound) {
            return;
        }
        let Some(notifier) = self.notifier(id) else { return };
        // A refresh may shorten what was granted and never lengthens what was asked (TR-053).
        let granted = asked.unwrap_or(notifier.granted).min(notifier.granted);
        let event = if granted == 0 { Event::Unsubscribe } else { Event::Refresh };
        if event == Event::Unsubscribe && matches!(notifier.state, State::Pending | State::Active) {
            notifier.reason = SubReason::Timeout;
            notifier.end = SubscriptionEnd::Unsubscribed;
        }
        self.notifier_event(
            step,
            id,
            event,
            &Facts { subscribe: Some((tx, inbound, granted)), ..Facts::default() },
        );
    }

    pub(crate) fn notify_routed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        result: Result<Hops, RouteError>,
    ) {
        let now = step.cx.now;
        let Some(notifier) = self.notifier(id) else { return };
        let last = notifier.pacing.sent();
        let left = whole_seconds(notifier.until.since(now)).max(1);
        let state = match notifier.state {
            State::Pending => format!("pending;expires={left}"),
            State::Deciding | State::Active => format!("active;expires={left}"),
            State::Terminating | State::Terminated if last => {
                let after = notifier.published.as_ref().and_then(|published| published.retry_after);
                let after = after.map(|seconds| format!(";retry-after={seconds}")).unwrap_or_default();
                match notifier.reason.as_str() {
                    "" => format!("terminated{after}"),
                    reason => format!("terminated;reason={reason}{after}"),
                }
            }
            State::Terminating | State::Terminated => format!("active;expires={left}"),
        };
        let content = notifier.content();
        let (Ok(hops), Some(draft)) = (result, self.next(Method::Notify)) else {
            return self.notify_over(step, id, Event::NotifyFatal);
        };
        let draft = event(draft, &content.package, content.id.as_deref());
        let draft = self.state.contact.on_request(draft).header(HeaderId::SubscriptionState, state);
        let draft = match &content.body {
            Some(body) => draft.body(&body.content_type, &body.content),
            None => draft,
        };
        step.request(Client::Notify(id), hops, draft);
        step.arm_subscription(id, SubscriptionTimer::Spacing, SPACING);
    }

    pub(crate) fn notify_response(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        message: &Message,
    ) {
        let Some(status) = message.status().filter(|status| status.is_final()) else { return };
        let event = if status.is_success() {
            self.state.refresh(message);
            Event::NotifyAccepted
        } else if ends_subscription(status) {
            Event::NotifyFatal
        } else if status == StatusCode::SERVER_INTERNAL_ERROR && self.overtaken(message) {
            Event::LastOvertaken
        } else {
            Event::NotifyKept
        };
        self.notify_over(step, id, event);
    }

    /// Whether another request of ours was sent since, which the peer may have got first (RFC 3261 §12.2.2).
    fn overtaken(&self, response: &Message) -> bool {
        response.cseq().is_ok_and(|cseq| cseq.number < self.state.local_cseq)
    }

    /// A NOTIFY that was not answered or not sent ends the subscription (RFC 6665 §4.2.2, TR-047).
    pub(crate) fn notify_failed(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        self.notify_over(step, id, Event::NotifyFatal);
    }

    fn notify_over(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, event: Event) {
        let Some(notifier) = self.notifier(id) else { return };
        let event = match (notifier.pacing.landed(), event) {
            // Without it the subscription is not there yet (RFC 6665 §4.1.2.4), and the next one may come too late.
            (false, Event::LastOvertaken) if notifier.repeats == Repeats::First => Event::FirstOvertaken,
            // A report in between is not repeated; the next one says more.
            (false, Event::LastOvertaken) => Event::NotifyKept,
            (false, event) => event,
            (true, Event::NotifyAccepted) => Event::LastAccepted,
            (true, Event::LastOvertaken) if notifier.repeats != Repeats::Nothing => Event::LastOvertaken,
            (true, _) => Event::LastFailed,
        };
        if notifier.repeats == Repeats::First
            && matches!(event, Event::NotifyAccepted | Event::FirstOvertaken)
        {
            notifier.repeats = Repeats::Last;
        }
        let settled = notifier.is_refer() && notifier.pacing.is_settled();
        if settled && matches!(event, Event::NotifyAccepted | Event::NotifyKept) {
            step.subscription(id, SubscriptionEvent::Reported);
        }
        self.notifier_event(step, id, event, &Facts::default());
    }

    pub(crate) fn notifier_timer(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        timer: SubscriptionTimer,
    ) {
        let Some(notifier) = self.notifier(id) else { return };
        match timer {
            SubscriptionTimer::Spacing => {
                notifier.pacing.rested();
                self.flush_notify(step, id);
            }
            SubscriptionTimer::Expiry => {
                if matches!(notifier.state, State::Pending | State::Active) {
                    notifier.reason = SubReason::Timeout;
                    notifier.end = SubscriptionEnd::Expired;
                }
                self.notifier_event(step, id, Event::Expiry, &Facts::default());
            }
            SubscriptionTimer::Decision => self.notifier_event(step, id, Event::Undecided, &Facts::default()),
            SubscriptionTimer::N | SubscriptionTimer::Refresh | SubscriptionTimer::Retained => {}
        }
    }

    pub(crate) fn notifier_command(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        event: Event,
        facts: &Facts<'_>,
    ) {
        if self.notifier(id).is_some() {
            self.notifier_event(step, id, event, facts);
        } else {
            Self::subscription_misused(step, id, Misuse::State);
        }
    }

    pub(crate) fn notifier_event(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        event: Event,
        facts: &Facts<'_>,
    ) {
        let Some(notifier) = self.notifier(id) else { return };
        let (state, actions) = next(notifier.state, event);
        notifier.state = state;
        for action in actions {
            self.notifier_action(step, id, *action, facts);
        }
    }

    fn notifier_action(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        action: Action,
        facts: &Facts<'_>,
    ) {
        if self.tells_nobody(step, id, action) {
            return;
        }
        match action {
            Action::AcceptRefer => {
                let Some((accepted, _)) = self.notifier(id).map(|it| it.statuses(step.config)) else {
                    return;
                };
                // One that requires an explicit subscription is always accepted by 200 (RFC 7614 §4.3).
                let explicit = step.pending.event_states.get(id).is_some();
                self.answer_refer(step, id, if explicit { StatusCode::OK } else { accepted }, false);
            }
            Action::AcceptUnreported => {
                // What was required is granted by any 2xx.
                let says_so = self.notifier(id).is_some_and(|notifier| !notifier.quiet);
                self.answer_refer(step, id, step.config.refer_acceptance.status(), says_so);
            }
            Action::RefuseRefer => {
                self.answer_refer(step, id, facts.refusal.unwrap_or(StatusCode::DECLINE), false);
            }
            Action::DeclineRefer => {
                let Some((_, declined)) = self.notifier(id).map(|it| it.statuses(step.config)) else {
                    return;
                };
                self.answer_refer(step, id, declined, false);
            }
            Action::Grant => {
                let granted = self.notifier(id).map_or(0, |notifier| notifier.granted);
                self.grant(step, id, granted);
            }
            Action::AcceptSubscribe => {
                if let Some((tx, inbound, granted)) = facts.subscribe {
                    self.accept_subscribe(step, id, tx, inbound, granted);
                }
            }
            Action::RefuseSubscribe | Action::PostponeSubscribe => {
                let Some((tx, inbound, _)) = facts.subscribe else { return };
                if action == Action::PostponeSubscribe {
                    return self.refuse_overlap(step, tx, inbound);
                }
                let status = StatusCode::CALL_DOES_NOT_EXIST;
                step.respond(tx, inbound, status, &self.state.local_tag, |response| response);
            }
            Action::Notify => self.want(step, id, Pacing::want),
            Action::NotifyNow => self.want(step, id, Pacing::want_now),
            Action::NotifyLast => {
                step.disarm_subscription(id, SubscriptionTimer::Expiry);
                self.want(step, id, Pacing::want_last);
            }
            Action::NotifyAgain => {
                if let Some(notifier) = self.notifier(id) {
                    notifier.repeats = Repeats::Nothing;
                }
                self.want(step, id, Pacing::want_last);
            }
            Action::Flush => self.flush_notify(step, id),
            Action::TellDelivered => {
                if self.notifier(id).is_some_and(|notifier| notifier.subscribed.is_none()) {
                    step.subscription(id, SubscriptionEvent::Delivered);
                }
            }
            Action::Misuse => Self::subscription_misused(step, id, Misuse::State),
            Action::EndRefused => self.end_subscription(step, id, SubscriptionEnd::Refused),
            Action::EndSuppressed => self.end_subscription(step, id, SubscriptionEnd::Suppressed),
            Action::EndFailed => self.end_subscription(step, id, SubscriptionEnd::NotifyFailed),
            Action::End => {
                let end = self.notifier(id).map_or(SubscriptionEnd::Terminated, |notifier| notifier.end);
                self.end_subscription(step, id, end);
            }
        }
    }

    /// Answers the REFER or SUBSCRIBE; a 2xx carries Contact (TR-006) and refreshes the target (TR-236).
    fn answer_refer(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        status: StatusCode,
        unreported: bool,
    ) {
        let Some(notifier) = self.notifier(id) else { return };
        let Some(request) = notifier.request.take() else { return };
        let (tx, inbound) = *request;
        let granted = (!notifier.is_refer()).then_some(notifier.granted);
        let quiet = notifier.quiet;
        step.pending.servers.remove(&tx);
        step.disarm_subscription(id, SubscriptionTimer::Decision);
        let contact = status.is_success().then(|| self.state.contact.on_response(&inbound));
        let makes_dialog = self.birth == Birth::Theirs && !quiet;
        let events_at = step.events_at(id, &inbound).filter(|_| status.is_success());
        step.respond(tx, &inbound, status, &self.state.local_tag, |response| {
            let Some(contact) = contact else { return response };
            let mut response = if makes_dialog { response.dialog_forming() } else { response };
            response.push(HeaderId::Contact, contact);
            if unreported {
                response.push(HeaderId::ReferSub, false);
            }
            if let Some((name, value)) = events_at {
                response.push(name, value);
            }
            if let Some(granted) = granted {
                response.push(HeaderId::Expires, granted);
            }
            response
        });
        if status.is_success() {
            self.state.refresh(&inbound.message);
        }
    }

    fn accept_subscribe(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        tx: TxId,
        inbound: &Inbound,
        granted: u32,
    ) {
        let contact = self.state.contact.on_response(inbound);
        step.respond(tx, inbound, StatusCode::OK, &self.state.local_tag, |response| {
            response.contact(&contact).header(HeaderId::Expires, granted)
        });
        self.state.refresh(&inbound.message);
        if granted > 0 {
            self.grant(step, id, granted);
        }
    }

    fn grant(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, seconds: u32) {
        let whole = Duration::from_secs(seconds.into());
        let until = step.after(whole);
        if let Some(notifier) = self.notifier(id) {
            notifier.until = until;
        }
        step.arm_subscription(id, SubscriptionTimer::Expiry, whole);
    }

    fn want(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, how: fn(&mut Pacing)) {
        if let Some(notifier) = self.notifier(id) {
            how(&mut notifier.pacing);
        }
        self.flush_notify(step, id);
    }

    fn flush_notify(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        if self.notifier(id).is_some_and(|notifier| notifier.pacing.take()) {
            self.send(step, Ask::Notify(id));
        }
    }
}
