//! REFER, NOTIFY and SUBSCRIBE of the peer within a dialog: what is checked before a machine sees them.

use std::{net::SocketAddr, sync::Arc};

use sip_message::{HeaderId, Message, ParseError, StatusCode};
use sip_transport::Inbound;
use transaction_core::TxId;

use crate::{
    boundary::subscription::{IncomingRefer, SubscriptionEvent},
    dialog::{Dialog, SUBSCRIPTIONS_PER_DIALOG},
    leg::Leg,
    pending::Server,
    respond::{OVERLOAD_RETRY, REFER_PACKAGE},
    step::Step,
    timer::SubscriptionTimer,
};

use super::{Role, Subscription, matching::Side, reporting::Notifier};

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
        // Both are checked by one count, because each is the peer's mistake in the same way (TR-002, TR-006).
        if inbound.message.contact_count() != 1 || inbound.message.contact().is_err() {
            return refuse(step, &tag, StatusCode::BAD_REQUEST);
        }
        let Ok(mut refer) = self.read_refer(inbound.origin.source, &inbound.message) else {
            return refuse(step, &tag, StatusCode::BAD_REQUEST);
        };
        refer.verified_user = user;
        if self.subscriptions.len() >= SUBSCRIPTIONS_PER_DIALOG
            || step.pending.subscriptions.len() >= step.config.subscriptions
        {
            step.respond(tx, &inbound, StatusCode::SERVICE_UNAVAILABLE, &tag, |response| {
                response.header(HeaderId::RetryAfter, OVERLOAD_RETRY)
            });
            return;
        }
        let id = step.cx.ids.mint();
        let number = self.state.remote_cseq.unwrap_or_default();
        let notifier = Notifier::new(tx, inbound, number, first);
        self.subscriptions.push(Subscription { id, role: Role::Notifier(Box::new(notifier)) });
        step.pending.subscriptions.insert(id, self.id);
        step.pending.servers.insert(tx, Server::Refer(id));
        // The layer above answers within this step. Should it not, the REFER is declined before T1 has
        // passed, because a final response must not wait for anybody (TR-007).
        step.arm_subscription(id, SubscriptionTimer::Decision, step.config.timing.t1 / 2);
        step.subscription(id, SubscriptionEvent::Requested(Box::new(refer)));
    }

    fn read_refer(&self, source: SocketAddr, message: &Message) -> Result<IncomingRefer, ParseError> {
        let refer_to = message.refer_to()?;
        let referred_by = message.referred_by()?.map(|by| by.to_owned());
        Ok(IncomingRefer {
            leg: self.id,
            source,
            verified_user: None,
            target: refer_to.target(),
            method: refer_to.method.as_deref().map(Into::into),
            headers: refer_to.uri_headers().map(|(name, value)| (name.into(), value.into())).collect(),
            replaces: refer_to.replaces,
            referred_by,
            referred_by_text: message.first(HeaderId::ReferredBy).map(Into::into),
            // Anything but `false` asks for the subscription (TR-073).
            suppress: matches!(message.refer_sub(), Ok(Some(false))),
        })
    }

    /// A NOTIFY in this dialog; it goes on after the call's end (TR-240).
    pub(crate) fn notified(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: &Inbound) {
        let (status, found) = match self.event_of(&inbound.message, Side::Subscriber) {
            Ok(found) => (StatusCode::CALL_DOES_NOT_EXIST, found),
            Err(status) => (status, None),
        };
        match found {
            Some(_) if !step.config.lenient && !inbound.message.has(HeaderId::SubscriptionState) => {
                self.refuse_event(step, tx, inbound, StatusCode::BAD_REQUEST);
            }
            Some((id, writes_id)) => self.notify_received(step, id, tx, inbound, writes_id),
            None => self.refuse_event(step, tx, inbound, status),
        }
    }

    /// A SUBSCRIBE in this dialog. One that matches nothing would be a new subscription, which only a REFER
    /// makes (RFC 3515 §2.4.4, TR-023).
    pub(crate) fn subscribed(&mut self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: &Inbound) {
        let (status, found) = match self.event_of(&inbound.message, Side::Notifier) {
            Ok(found) => (StatusCode::FORBIDDEN, found),
            Err(status) => (status, None),
        };
        match found {
            Some((id, _)) => self.subscribe_received(step, id, tx, inbound),
            None => self.refuse_event(step, tx, inbound, status),
        }
    }

    fn refuse_event(&self, step: &mut Step<'_, '_, '_>, tx: TxId, inbound: &Inbound, status: StatusCode) {
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
        message: &Message,
        side: Side,
    ) -> Result<Option<(crate::boundary::subscription::SubscriptionId, bool)>, StatusCode> {
        let event_id = refer_event(message)?;
        Ok(self.named(side, event_id).map(|id| (id, event_id.is_some())))
    }
}

/// The id of an `Event: refer`; 489 for another package or none (TR-044), 400 for one that cannot be read.
pub(crate) fn refer_event(message: &Message) -> Result<Option<&str>, StatusCode> {
    match message.event() {
        Ok(Some(event)) if event.is(REFER_PACKAGE) => Ok(event.id),
        Ok(Some(_) | None) => Err(StatusCode::BAD_EVENT),
        Err(error) => Err(error.status()),
    }
}
