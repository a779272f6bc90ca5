//! REFER, NOTIFY and SUBSCRIBE of the peer: what is checked before a machine sees them.

use std::sync::Arc;

use sip_message::{HeaderId, Message, ParseError, StatusCode};
use sip_transport::Inbound;
use transaction_core::TxId;

use crate::{
    boundary::{
        leg::LegId,
        subscription::{IncomingRefer, SubscriptionEvent, SubscriptionId},
    },
    config::DialogConfig,
    dialog::{Birth, Dialog, SUBSCRIPTIONS_PER_DIALOG},
    leg::Leg,
    pending::Server,
    respond::REFER_PACKAGE,
    step::Step,
    timer::SubscriptionTimer,
};

use super::{Role, explicit::Required, matching::Side, notification, reporting::Notifier};

/// What is known of who sends a REFER.
pub(crate) struct Referrer {
    /// The call that it is about.
    pub(crate) about: Option<LegId>,
    /// Who has proved to have sent it.
    pub(crate) user: Option<Arc<str>>,
}

impl Dialog {
    /// A REFER in this dialog (table 2.3, first rows).
    pub(crate) fn refer_received(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: Inbound,
        user: Option<Arc<str>>,
    ) {
        let refuse = |step: &mut Step<'_, '_, '_>, tag: &str, status| {
            step.respond(tx, &inbound, status, tag, |response| response);
        };
        let tag = self.state.local_tag.clone();
        // Also one that is refused counts: the peer gives the next one's number with its event (TR-020).
        let first = !std::mem::replace(&mut self.was_referred, true);
        match &self.leg {
            Some(Leg::Up(_)) => {}
            // Before the call is up nobody can be transferred (TR-249).
            Some(Leg::Placing(_) | Leg::Answering(_)) => return refuse(step, &tag, StatusCode::FORBIDDEN),
            Some(Leg::Ending(_)) | None => return refuse(step, &tag, StatusCode::CALL_DOES_NOT_EXIST),
        }
        let leg = self.id;
        self.take_refer(step, tx, inbound, Referrer { about: Some(leg), user }, first);
    }

    /// A REFER that makes this dialog.
    pub(crate) fn refer_taken(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: Inbound,
        referrer: Referrer,
    ) {
        self.was_referred = true;
        self.take_refer(step, tx, inbound, referrer, true);
    }

    fn take_refer(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: Inbound,
        referrer: Referrer,
        first: bool,
    ) {
        let Referrer { about, user } = referrer;
        let tag = self.state.local_tag.clone();
        let refuse = |step: &mut Step<'_, '_, '_>, tag: &str, status| {
            step.respond(tx, &inbound, status, tag, |response| response);
        };
        // Both are checked by one count, because each is the peer's mistake in the same way (TR-002, TR-006).
        if inbound.message.contact_count() != 1 || inbound.message.contact().is_err() {
            return refuse(step, &tag, StatusCode::BAD_REQUEST);
        }
        let Some(required) = Required::of(&inbound.message) else {
            return refuse(step, &tag, StatusCode::BAD_REQUEST);
        };
        let Ok(mut refer) = self.read_refer(&inbound, about, required) else {
            return refuse(step, &tag, StatusCode::BAD_REQUEST);
        };
        refer.verified_user = user;
        if self.subscriptions.len() >= SUBSCRIPTIONS_PER_DIALOG
            || step.pending.subscriptions.len() >= step.config.subscriptions
            || required == Required::Explicit && step.is_full_of_states()
        {
            return step.respond_overloaded(tx, &inbound, &tag);
        }
        let id = step.cx.ids.mint();
        let number = self.state.remote_cseq.unwrap_or_default();
        if required == Required::Explicit {
            let secured = inbound.origin.transport.is_secure();
            step.pending.event_states.begin(step.cx, id, secured);
        }
        let mut notifier = Notifier::new(tx, inbound, number, first);
        notifier.quiet = required != Required::Nothing;
        self.add(step, id, Role::Notifier(Box::new(notifier)));
        step.pending.servers.insert(tx, Server::Refer(id));
        // The layer above answers within this step. Should it not, the REFER is declined before T1 has
        // passed, because a final response must not wait for anybody (TR-007).
        step.arm_subscription(id, SubscriptionTimer::Decision, step.config.timing.t1 / 2);
        step.subscription(id, SubscriptionEvent::Requested(Box::new(refer)));
    }

    fn read_refer(
        &self,
        inbound: &Inbound,
        about: Option<LegId>,
        required: Required,
    ) -> Result<IncomingRefer, ParseError> {
        let message = &inbound.message;
        let refer_to = message.refer_to()?;
        let referred_by = message.referred_by()?.map(|by| by.to_owned());
        Ok(IncomingRefer {
            leg: about,
            in_dialog: self.birth == Birth::Invite,
            from: message.from()?.to_owned(),
            source: inbound.origin.source,
            verified_name: inbound.origin.verified_name(),
            verified_user: None,
            target: refer_to.target(),
            method: refer_to.method.as_deref().map(Into::into),
            headers: refer_to.uri_headers().map(|(name, value)| (name.into(), value.into())).collect(),
            replaces: refer_to.replaces,
            referred_by,
            referred_by_text: message.first(HeaderId::ReferredBy).map(Into::into),
            // Anything but `false` asks for the subscription (TR-073).
            privacy: message.first(HeaderId::Privacy).map(Into::into),
            reports_to: self.state.path.next_hop().as_uri().host().ip(),
            suppress: required.may_suppress(message),
        })
    }

    /// A NOTIFY in this dialog; it goes on after the call's end (TR-240).
    pub(crate) fn notified(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: &Inbound) {
        let (status, found) = match self.event_of(step, &inbound.message, Side::Subscriber) {
            Ok(found) => (StatusCode::CALL_DOES_NOT_EXIST, found),
            Err(status) => (status, None),
        };
        match found {
            Some((id, _)) if self.is_malformed(step, id, &inbound.message) => {
                self.refuse_event(step, tx, inbound, StatusCode::BAD_REQUEST);
            }
            Some((id, writes_id)) => self.notify_received(step, id, tx, inbound, writes_id),
            None => self.refuse_event(step, tx, inbound, status),
        }
    }

    /// Whether a NOTIFY lacks its Subscription-State; of a REFER's it can be read all the same (TR-040).
    fn is_malformed(&mut self, step: &Step<'_, '_, '_>, id: SubscriptionId, notify: &Message) -> bool {
        if self.subscriber(id).is_some_and(|subscriber| subscriber.subject.follows_refer()) {
            !step.config.lenient && !notify.has(HeaderId::SubscriptionState)
        } else {
            notification::read_package(notify).is_none()
        }
    }

    /// A SUBSCRIBE in this dialog. One for `refer` that matches nothing would be a new subscription, which only a REFER
    /// makes (RFC 3515 §2.4.4, TR-023).
    pub(crate) fn subscribed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: Inbound,
        user: Option<Arc<str>>,
    ) {
        let new = matches!(inbound.message.event(), Ok(Some(event)) if step.config.notifies(event.package));
        let (status, found) = match self.event_of(step, &inbound.message, Side::Notifier) {
            Ok(found) => (StatusCode::FORBIDDEN, found),
            Err(status) => (status, None),
        };
        match found {
            Some((id, _)) => self.subscribe_received(step, id, tx, &inbound),
            None if new => self.subscribe_begun(step, tx, inbound, user),
            None => self.refuse_event(step, tx, &inbound, status),
        }
    }

    pub(super) fn refuse_event(
        &self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: &Inbound,
        status: StatusCode,
    ) {
        let capabilities = step.capabilities;
        step.respond(tx, inbound, status, &self.state.local_tag, |response| match status {
            StatusCode::BAD_EVENT => capabilities.allow_events(response),
            _ => response,
        });
    }

    /// The subscription that `Event` names and whether it was named by id; a status where the header itself
    /// is at fault.
    fn event_of(
        &self,
        step: &Step<'_, '_, '_>,
        message: &Message,
        side: Side,
    ) -> Result<Option<(SubscriptionId, bool)>, StatusCode> {
        let event = message.event().map_err(|error| error.status())?.ok_or(StatusCode::BAD_EVENT)?;
        match self.named(side, &event) {
            Some(id) => Ok(Some((id, event.id.is_some()))),
            None if self.subscribes_to(event.package) => Ok(None),
            None => known_event(step.config, message).map(|()| None),
        }
    }
}

/// Whether an Event that matches nothing is one that is known here; 489 for another package or none (TR-044), 400 for one that
/// cannot be read.
pub(crate) fn known_event(config: &DialogConfig, message: &Message) -> Result<(), StatusCode> {
    match message.event() {
        Ok(Some(event)) if event.is(REFER_PACKAGE) || config.notifies(event.package) => Ok(()),
        Ok(Some(_) | None) => Err(StatusCode::BAD_EVENT),
        Err(error) => Err(error.status()),
    }
}
