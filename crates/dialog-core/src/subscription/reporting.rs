//! What the notifier's table asks for: the response to the REFER, NOTIFYs, responses to SUBSCRIBE.

use std::time::Duration;

use sip_message::{HeaderId, Message, Method, StatusCode, SubReason, sipfrag};
use sip_transport::{Hops, Inbound, RouteError, Tick};
use transaction_core::TxId;

use crate::{
    boundary::{
        leg::Misuse,
        subscription::{SubscriptionEnd, SubscriptionEvent, SubscriptionId},
    },
    dialog::Dialog,
    pending::{Ask, Client},
    scope::ends_subscription,
    step::Step,
    timer::SubscriptionTimer,
};

use super::{
    LONGEST,
    notifier::{Action, Event, State, next},
    pacing::Pacing,
    referring::event,
    whole_seconds,
};

/// The time between two NOTIFYs (RFC 3515 §3.10).
const SPACING: Duration = Duration::from_secs(1);

/// The shortest duration that is granted, and the unit to which durations are rounded up (catalogue T-SUB).
const MINUTE: u32 = 60;

/// The statuses with which a REFER in a dialog may be refused, because they leave the dialog alone (TR-265).
const REFUSALS: [u16; 10] = [400, 401, 403, 420, 429, 488, 491, 500, 503, 603];

/// A subscription that their REFER makes.
#[derive(Debug)]
pub(crate) struct Notifier {
    state: State,
    /// The REFER, until it was answered.
    request: Option<Box<(TxId, Inbound)>>,
    /// The number of the REFER; it is the event id.
    pub(crate) refer: u32,
    /// Whether it is the first REFER that came in the dialog, which has no event id.
    pub(crate) first: bool,
    /// The newest status, complete in itself (TR-013).
    status: StatusCode,
    /// For the last NOTIFY.
    reason: SubReason,
    end: SubscriptionEnd,
    /// Seconds granted at first; a refresh gets no more.
    granted: u32,
    until: Tick,
    pacing: Pacing,
    /// Whether the last NOTIFY was sent once more.
    repeated: bool,
}

/// What an event brings along for the actions.
#[derive(Default)]
struct Facts<'a> {
    refusal: Option<StatusCode>,
    subscribe: Option<(TxId, &'a Inbound, u32)>,
}

impl Notifier {
    pub(crate) fn new(tx: TxId, inbound: Inbound, refer: u32, first: bool) -> Self {
        Self {
            state: State::Deciding,
            request: Some(Box::new((tx, inbound))),
            refer,
            first,
            status: StatusCode::TRYING,
            reason: SubReason::Noresource,
            end: SubscriptionEnd::Terminated,
            granted: 0,
            until: Tick::default(),
            pacing: Pacing::default(),
            repeated: false,
        }
    }
}

impl Dialog {
    pub(crate) fn accept_refer(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        pending: bool,
        lifetime: Duration,
    ) {
        let wanted = whole_seconds(lifetime.saturating_add(step.timeout())).min(LONGEST);
        if let Some(notifier) = self.notifier(id).filter(|notifier| notifier.state == State::Deciding) {
            // Longer than the referred request may take (TR-017).
            notifier.granted = wanted.max(MINUTE).next_multiple_of(MINUTE);
        }
        self.notifier_command(
            step,
            id,
            if pending { Event::AcceptPending } else { Event::Accept },
            &Facts::default(),
        );
    }

    pub(crate) fn refuse_refer(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        status: StatusCode,
    ) {
        if !REFUSALS.contains(&status.as_u16()) {
            return Self::subscription_misused(step, id, Misuse::State);
        }
        self.notifier_command(step, id, Event::Refuse, &Facts { refusal: Some(status), ..Facts::default() });
    }

    pub(crate) fn approve_refer(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        self.notifier_command(step, id, Event::Approve, &Facts::default());
    }

    pub(crate) fn report(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        status: StatusCode,
        last: Option<SubReason>,
    ) {
        let Some(notifier) = self.notifier(id) else {
            return Self::subscription_misused(step, id, Misuse::State);
        };
        let takes = match (notifier.state, last) {
            (State::Active, _) | (State::Pending, Some(_)) => true,
            (State::Pending, None) | (State::Deciding | State::Terminating | State::Terminated, _) => false,
        };
        if takes {
            notifier.status = status;
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
            State::Terminating | State::Terminated if last => match notifier.reason.as_str() {
                "" => "terminated".to_owned(),
                reason => format!("terminated;reason={reason}"),
            },
            State::Terminating | State::Terminated => format!("active;expires={left}"),
        };
        let body = sipfrag::write_status(notifier.status, notifier.status.reason_phrase());
        let event_id = (!notifier.first).then_some(notifier.refer);
        let (Ok(hops), Some(draft)) = (result, self.next(Method::Notify)) else {
            return self.notify_over(step, id, Event::NotifyFatal);
        };
        let draft = self
            .state
            .contact
            .on_request(event(draft, event_id))
            .header(HeaderId::SubscriptionState, state)
            .body(sipfrag::CONTENT_TYPE, body);
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
            // A report that is not the last is not repeated; the next one says more.
            (false, Event::LastOvertaken) => Event::NotifyKept,
            (false, event) => event,
            (true, Event::NotifyAccepted) => Event::LastAccepted,
            (true, Event::LastOvertaken) if !notifier.repeated => Event::LastOvertaken,
            (true, _) => Event::LastFailed,
        };
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
            SubscriptionTimer::N | SubscriptionTimer::Refresh => {}
        }
    }

    fn notifier_command(
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

    fn notifier_event(
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
        match action {
            Action::AcceptRefer => self.answer_refer(step, id, step.config.refer_acceptance.status()),
            Action::RefuseRefer => self.answer_refer(step, id, facts.refusal.unwrap_or(StatusCode::DECLINE)),
            Action::DeclineRefer => self.answer_refer(step, id, StatusCode::DECLINE),
            Action::Grant => {
                let granted = self.notifier(id).map_or(0, |notifier| notifier.granted);
                self.grant(step, id, granted);
            }
            Action::AcceptSubscribe => {
                if let Some((tx, inbound, granted)) = facts.subscribe {
                    self.accept_subscribe(step, id, tx, inbound, granted);
                }
            }
            Action::RefuseSubscribe => {
                if let Some((tx, inbound, _)) = facts.subscribe {
                    let status = StatusCode::CALL_DOES_NOT_EXIST;
                    step.respond(tx, inbound, status, &self.state.local_tag, |response| response);
                }
            }
            Action::Notify => self.want(step, id, Pacing::want),
            Action::NotifyNow => self.want(step, id, Pacing::want_now),
            Action::NotifyLast => {
                step.disarm_subscription(id, SubscriptionTimer::Expiry);
                self.want(step, id, Pacing::want_last);
            }
            Action::NotifyAgain => {
                if let Some(notifier) = self.notifier(id) {
                    notifier.repeated = true;
                }
                self.want(step, id, Pacing::want_last);
            }
            Action::Flush => self.flush_notify(step, id),
            Action::TellDelivered => step.subscription(id, SubscriptionEvent::Delivered),
            Action::Misuse => Self::subscription_misused(step, id, Misuse::State),
            Action::EndRefused => self.end_subscription(step, id, SubscriptionEnd::Refused),
            Action::EndFailed => self.end_subscription(step, id, SubscriptionEnd::NotifyFailed),
            Action::End => {
                let end = self.notifier(id).map_or(SubscriptionEnd::Terminated, |notifier| notifier.end);
                self.end_subscription(step, id, end);
            }
        }
    }

    /// Answers the REFER; a 2xx carries Contact (TR-006) and refreshes the target (TR-236).
    fn answer_refer(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, status: StatusCode) {
        let Some(request) = self.notifier(id).and_then(|notifier| notifier.request.take()) else { return };
        let (tx, inbound) = *request;
        step.pending.servers.remove(&tx);
        step.disarm_subscription(id, SubscriptionTimer::Decision);
        let contact = status.is_success().then(|| self.state.contact.on_response(&inbound));
        step.respond(tx, &inbound, status, &self.state.local_tag, |response| match contact {
            Some(contact) => response.contact(&contact),
            None => response,
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
