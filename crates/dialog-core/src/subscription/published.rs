//! SUBSCRIBE of theirs to an event package, and what the layers above do with the subscription (RFC 6665 §4.2).

use std::{sync::Arc, time::Duration};

use sip_message::{HeaderId, Message, StatusCode, SubReason};
use sip_transport::{Cx, Inbound, Out};
use transaction_core::TxId;

use crate::{
    boundary::{
        DialogOutput,
        leg::Misuse,
        package::{Body, IncomingSubscribe},
        subscription::{SubscriptionEnd, SubscriptionEvent, SubscriptionId},
    },
    dialog::{Birth, Dialog, SUBSCRIPTIONS_PER_DIALOG},
    dialogs::Dialogs,
    pending::Server,
    respond::REFER_PACKAGE,
    state::DialogState,
    step::Step,
    timer::SubscriptionTimer,
};

use super::{
    LONGEST, Role,
    explicit::Required,
    notification::body,
    notifier::{Event, State},
    referring::TOO_BRIEF,
    reporting::{Facts, Notifier},
    whole_seconds,
};

/// A SUBSCRIBE from which on its duration is never too brief (RFC 6665 §4.2.1.1).
const HOUR: u32 = 3_600;

/// What the NOTIFYs of a subscription say besides its state.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub(crate) package: Box<str>,
    pub(crate) id: Option<Box<str>>,
    /// The newest state, complete in itself.
    pub(crate) body: Option<Body>,
    /// For the last NOTIFY.
    pub(crate) retry_after: Option<u32>,
    /// Seconds that were asked for.
    asked: Option<u32>,
}

impl Published {
    /// Of a REFER.
    pub(crate) fn refer(id: Option<Box<str>>, fragment: Body) -> Self {
        Self { package: REFER_PACKAGE.into(), id, body: Some(fragment), retry_after: None, asked: None }
    }

    /// Of a SUBSCRIBE with this Event, before there is a state.
    pub(crate) fn asked(event: &sip_message::Event<'_>, expires: Option<u32>) -> Self {
        Self {
            package: event.package.into(),
            id: event.id.map(Into::into),
            body: None,
            retry_after: None,
            asked: expires,
        }
    }

    /// Whether an Event is that of this subscription.
    pub(crate) fn is(&self, package: &str, id: Option<&str>) -> bool {
        self.package.eq_ignore_ascii_case(package) && self.id.as_deref() == id
    }
}

impl Dialogs {
    /// A SUBSCRIBE outside any dialog to a package that goes up.
    pub(crate) fn subscribed_outside(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        inbound: Inbound,
        user: Option<Arc<str>>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let full = self.is_full();
        let (mut step, dialogs) = self.step(cx, out);
        if full {
            return step.refuse_overloaded(tx, &inbound);
        }
        let id = step.cx.ids.mint();
        let Some(state) = DialogState::theirs(&mut step, id, &inbound) else {
            return step.refuse_outside(tx, &inbound, StatusCode::BAD_REQUEST);
        };
        dialogs.insert(id, Box::new(Dialog::without_leg(id, state, Birth::Theirs)));
        self.with(cx, id, out, |dialog, step| dialog.subscribe_begun(step, tx, inbound, user));
    }
}

/// Whether a duration that is asked for is too brief: not none at all, which fetches or ends, and below an hour, which is
/// never refused (RFC 6665 §4.2.1.1).
pub(super) fn is_brief(step: &Step<'_, '_, '_>, message: &Message) -> bool {
    message.expires().is_some_and(|asked| asked > 0 && asked < step.config.min_expires && asked < HOUR)
}

impl Dialog {
    /// A SUBSCRIBE that begins a subscription, to a package that goes up; in a dialog of its own or, as older peers do, in
    /// a call (TR-054).
    pub(crate) fn subscribe_begun(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: Inbound,
        user: Option<Arc<str>>,
    ) {
        let message = inbound.message.clone();
        let tag = self.state.local_tag.clone();
        let (Ok(Some(event)), Ok(from), Ok(to), Ok(uri), Ok(Some(_))) =
            (message.event(), message.from(), message.to(), message.request_target(), message.contact())
        else {
            step.respond(tx, &inbound, StatusCode::BAD_REQUEST, &tag, |response| response);
            return;
        };
        if is_brief(step, &message) {
            return step.too_brief(tx, &inbound, &tag);
        }
        if self.subscriptions.len() >= SUBSCRIPTIONS_PER_DIALOG
            || step.pending.subscriptions.len() >= step.config.subscriptions
        {
            return step.respond_overloaded(tx, &inbound, &tag);
        }
        let published = Published::asked(&event, message.expires());
        let asked = IncomingSubscribe {
            leg: (self.birth == Birth::Invite).then_some(self.id),
            request_uri: uri.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            source: inbound.origin.source,
            verified_name: inbound.origin.verified_name(),
            verified_user: user,
            package: published.package.clone(),
            id: published.id.clone(),
            accept: message.items(HeaderId::Accept).map(Into::into).collect(),
            expires: message.expires(),
            body: body(&message),
        };
        let id: SubscriptionId = step.cx.ids.mint();
        let number = self.state.remote_cseq.unwrap_or_default();
        let mut notifier = Notifier::new(tx, inbound, number, false);
        notifier.published = Some(Box::new(published));
        self.add(step, id, Role::Notifier(Box::new(notifier)));
        step.pending.servers.insert(tx, Server::Refer(id));
        step.arm_subscription(id, SubscriptionTimer::Decision, step.config.answer_limit);
        step.subscription(id, SubscriptionEvent::Subscribed(Box::new(asked)));
    }

    /// Refuses a refresh that is too brief; `false` if it is not.
    pub(crate) fn refuses_as_brief(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        tx: TxId,
        inbound: &Inbound,
    ) -> bool {
        let refused = self.notifier(id).is_some_and(|notifier| !notifier.is_refer())
            && is_brief(step, &inbound.message);
        if refused {
            step.too_brief(tx, inbound, &self.state.local_tag.clone());
        }
        refused
    }

    fn published(&mut self, id: SubscriptionId) -> Option<&mut Notifier> {
        self.notifier(id).filter(|notifier| !notifier.is_refer())
    }

    /// The layer above takes the subscription.
    pub(crate) fn grant_subscribe(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        pending: bool,
        longest: Duration,
        body: Option<Body>,
    ) {
        let Some(notifier) = self.published(id).filter(|notifier| notifier.state == State::Deciding) else {
            return Self::subscription_misused(step, id, Misuse::State);
        };
        let longest = whole_seconds(longest).clamp(1, LONGEST);
        let mut asked = None;
        if let Some(published) = &mut notifier.published {
            published.body = body;
            asked = published.asked;
        }
        let fetch = asked == Some(0);
        notifier.granted = asked.unwrap_or(longest).min(longest);
        self.notifier_event(
            step,
            id,
            if pending { Event::AcceptPending } else { Event::Accept },
            &Facts::default(),
        );
        if fetch {
            // The first NOTIFY is the last one (RFC 6665 §4.4.3).
            if let Some(notifier) = self.notifier(id) {
                notifier.reason = SubReason::Timeout;
                notifier.end = SubscriptionEnd::Expired;
            }
            self.notifier_event(step, id, Event::Expiry, &Facts::default());
        }
    }

    /// The state of the resource has changed.
    pub(crate) fn publish(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId, body: Option<Body>) {
        let Some(notifier) = self.published(id) else {
            return Self::subscription_misused(step, id, Misuse::State);
        };
        if let (State::Active, Some(published)) = (notifier.state, &mut notifier.published) {
            published.body = body;
        }
        self.notifier_command(step, id, Event::Report, &Facts::default());
    }

    /// The layer above ends the subscription.
    pub(crate) fn terminate(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: SubscriptionId,
        reason: SubReason,
        retry_after: Option<u32>,
        body: Option<Body>,
    ) {
        let Some(notifier) = self.published(id) else {
            return Self::subscription_misused(step, id, Misuse::State);
        };
        if let State::Pending | State::Active = notifier.state {
            notifier.reason = reason;
            if let Some(published) = &mut notifier.published {
                published.retry_after = retry_after;
                published.body = body.or_else(|| published.body.take());
            }
        }
        self.notifier_command(step, id, Event::ReportLast, &Facts::default());
    }

    /// The layer above takes a REFER that asked for no subscription, and grants that.
    pub(crate) fn accept_unreported(&mut self, step: &mut Step<'_, '_, '_>, id: SubscriptionId) {
        let asked =
            self.notifier(id).and_then(|notifier| notifier.request.as_deref()).is_some_and(|(_, refer)| {
                Required::of(&refer.message).is_some_and(|required| required.may_suppress(&refer.message))
            });
        if asked {
            self.notifier_command(step, id, Event::AcceptUnreported, &Facts::default());
        } else {
            Self::subscription_misused(step, id, Misuse::State);
        }
    }
}

impl Step<'_, '_, '_> {
    pub(super) fn too_brief(&mut self, tx: TxId, inbound: &Inbound, local_tag: &str) {
        let least = self.config.min_expires;
        self.respond(tx, inbound, TOO_BRIEF, local_tag, |response| {
            response.header(HeaderId::MinExpires, least)
        });
    }
}
