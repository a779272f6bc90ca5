//! Requests of the peers: the checks that come first, and whom they are for (RFC 3261 §8.2, §12.2.2).

use std::sync::Arc;

use sip_message::{HeaderId, Message, Method, Scheme, StatusCode};
use sip_transport::{Cx, Inbound, Out};
use transaction_core::TxId;

use crate::{
    boundary::{
        DialogOutput,
        leg::LegId,
        refer::{EXPLICIT_SUBSCRIPTION, NO_SUBSCRIPTION},
    },
    config::DialogConfig,
    demand::Caller,
    dialog::Dialog,
    dialogs::Dialogs,
    leg::{
        answering::{NewCall, unreadable},
        session_timer,
    },
    registration::Called,
    replacing::{self, Match},
    respond::{OVERLOAD_RETRY, SDP, is_known},
    step::Step,
    subscription::{event_server::Named, requested::known_event},
};

/// Most option tags named in one Unsupported; the rest of a longer Require changes nothing.
const UNSUPPORTED: usize = 16;

impl Dialogs {
    /// A new request, not ACK and not CANCEL.
    pub(crate) fn request(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        inbound: Inbound,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let owner = self.owner(cx, &inbound.message);
        let full = self.dialogs.len() >= self.config.legs;
        let (mut step, dialogs) = self.step(cx, out);
        let Some(method) = checked(&mut step, tx, &inbound) else {
            if let Some(dialog) = owner.and_then(|leg| dialogs.get_mut(&leg)) {
                dialog.note_refer(&inbound.message);
            }
            return;
        };
        let within = inbound.message.to_tag().is_some();
        // A tag that is no live dialog's has its answer already, whoever sent it.
        let caller = if owner.is_some() || !within {
            step.identify(tx, &inbound, method, within)
        } else {
            Caller::Known(None)
        };
        let user = match caller {
            Caller::Known(user) => user,
            Caller::Challenged => {
                if let Some(dialog) = owner.and_then(|leg| dialogs.get_mut(&leg)) {
                    dialog.note_refer(&inbound.message);
                }
                return;
            }
        };
        // A NOTIFY that nobody owns may make the dialog that our SUBSCRIBE or REFER has asked for.
        let owner = match owner {
            None if method == Method::Notify => self.adopt(cx, &inbound, out),
            owner => owner,
        };
        let known = owner.is_none() && self.has_asked_for(cx, &inbound.message);
        let (mut step, _) = self.step(cx, out);
        match (owner, within) {
            (Some(leg), _) => {
                self.with(cx, leg, out, |dialog, step| dialog.request(step, tx, inbound, method, user));
            }
            (None, true) => step.outside_dead(tx, &inbound, method, known),
            (None, false) if method == Method::Invite => self.invited(cx, tx, inbound, full, user, out),
            (None, false) if method == Method::Refer => self.referred_outside(cx, tx, inbound, user, out),
            (None, false) if method == Method::Subscribe && step.is_published(&inbound) => {
                self.subscribed_outside(cx, tx, inbound, user, out);
            }
            (None, false) if method == Method::Subscribe => match self.event_state(&inbound) {
                Named::State(of) => self.subscribed_to_state(cx, tx, inbound, of, out),
                Named::Forgotten => self.step(cx, out).0.refuse_outside(tx, &inbound, StatusCode::NOT_FOUND),
                Named::Other => self.step(cx, out).0.outside(tx, &inbound, method),
            },
            (None, false) if step.config.passes_up(method) => step.passed_up(tx, inbound, method, None, user),
            (None, false) => step.outside(tx, &inbound, method),
        }
    }
}

impl Dialogs {
    /// An INVITE outside a dialog: a new call, on its own or in the place of one that there is.
    fn invited(
        &mut self,
        cx: &mut Cx<'_>,
        tx: TxId,
        inbound: Inbound,
        full: bool,
        user: Option<Arc<str>>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let matched = self.replaced(cx, &inbound.message);
        let replaced = matched.leg();
        let called = self.registrations.called(&inbound);
        let (mut step, dialogs) = self.step(cx, out);
        let Some((leg, dialog)) = step.new_call(tx, inbound, full, user, matched, called) else { return };
        if let Some(replaced) = replaced.and_then(|replaced| dialogs.get_mut(&replaced)) {
            replaced.replaced_by = Some(leg);
        }
        dialogs.insert(leg, Box::new(dialog));
    }
}

/// The checks that every request passes; answers it and gives `None` where it fails one.
fn checked(step: &mut Step<'_, '_, '_>, tx: TxId, inbound: &Inbound) -> Option<Method> {
    let message = &inbound.message;
    let capabilities = step.capabilities;
    if let Err(error) = message.check() {
        let status = kept_by_refer(message, error.status());
        step.respond_outside(tx, inbound, status, |response| response);
        return None;
    }
    let method = message.method()?;
    // What was not advertised is refused, but a REFER says more by a refusal that leaves the call alone
    // (TR-265).
    if !step.config.allow().any(|allowed| allowed == method) && method != Method::Refer {
        let status =
            if is_known(method) { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::NOT_IMPLEMENTED };
        step.respond_outside(tx, inbound, status, |response| capabilities.allow(response));
        return None;
    }
    let scheme = message.request_target().map(|uri| uri.scheme());
    if !matches!(scheme, Ok(Scheme::Sip | Scheme::Sips | Scheme::Tel)) {
        let status = kept_by_refer(message, StatusCode::UNSUPPORTED_URI_SCHEME);
        step.respond_outside(tx, inbound, status, |response| response);
        return None;
    }
    if step.config.replaces() && !replacing::is_well_formed(message) {
        step.respond_outside(tx, inbound, StatusCode::BAD_REQUEST, |response| response);
        return None;
    }
    let unsupported: Vec<&str> =
        message.require().filter(|tag| !step.supports(method, tag)).take(UNSUPPORTED).collect();
    if !unsupported.is_empty() {
        let tags = unsupported.join(", ");
        step.respond_outside(tx, inbound, StatusCode::BAD_EXTENSION, |response| {
            response.header(HeaderId::Unsupported, tags)
        });
        return None;
    }
    Some(method)
}

/// The option tags that a new call has to support and this one does not.
fn missing<'c>(config: &'c DialogConfig, message: &Message) -> Vec<&'c str> {
    let has = |wanted: &str| {
        message.supported().chain(message.require()).any(|tag| tag.eq_ignore_ascii_case(wanted))
    };
    config.demanded.iter().map(|tag| &**tag).filter(|tag| !has(tag)).collect()
}

/// The status for a request that fails a check. A REFER in a dialog is refused only in ways that leave the call alone;
/// at 416, say, a peer that follows RFC 5057 §5.1 would end the whole dialog (TR-265).
fn kept_by_refer(message: &Message, status: StatusCode) -> StatusCode {
    if message.method() == Some(Method::Refer) && message.to_tag().is_some() {
        StatusCode::BAD_REQUEST
    } else {
        status
    }
}

impl Dialog {
    /// A REFER that failed a check counts as the first in the dialog all the same: the peer tells the next one apart
    /// by its number (RFC 3515 §2.4.6, TR-020).
    fn note_refer(&mut self, message: &Message) {
        let rising =
            message.cseq().is_ok_and(|cseq| self.state.remote_cseq.is_none_or(|last| cseq.number > last));
        if message.method() == Some(Method::Refer) && rising {
            self.was_referred = true;
        }
    }

    /// A request within this dialog.
    fn request(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        tx: TxId,
        inbound: Inbound,
        method: Method,
        user: Option<Arc<str>>,
    ) {
        if self.is_unconfirmed() {
            return self.early_update(step, tx, inbound);
        }
        let rising = inbound.message.cseq().is_ok_and(|cseq| self.state.take_cseq(cseq.number));
        if !rising {
            let tag = self.state.local_tag.clone();
            step.respond(tx, &inbound, StatusCode::SERVER_INTERNAL_ERROR, &tag, |response| response);
            return;
        }
        self.state.heard(&inbound.origin);
        if user.is_some() {
            self.verified_user.clone_from(&user);
        }
        match method {
            Method::Invite => self.reinvited(step, tx, inbound),
            Method::Bye => self.bye_received(step, tx, &inbound),
            Method::Refer => self.refer_received(step, tx, inbound, user),
            Method::Notify => self.notified(step, tx, &inbound),
            Method::Subscribe => self.subscribed(step, tx, inbound, user),
            _ if step.config.passes_up(method) => {
                step.passed_up(
                    tx,
                    inbound,
                    method,
                    Some((self.leg.is_some().then_some(self.id), &self.state)),
                    user,
                );
            }
            Method::Options => step.answer_options(tx, &inbound, Some(&self.state.local_tag.clone())),
            Method::Prack => self.prack_received(step, tx, inbound),
            Method::Update => self.update_received(step, tx, inbound, None),
            // ACK and CANCEL never come as requests, and the others were refused before.
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Info
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {}
        }
    }
}

impl Step<'_, '_, '_> {
    /// Whether a request may require this. `nosub` and `explicitsub` are known in a REFER and nowhere else, Supported included
    /// (RFC 7614 §6, TR-085).
    fn supports(&self, method: Method, tag: &str) -> bool {
        let explicit = self.config.explicit.is_some() && tag.eq_ignore_ascii_case(EXPLICIT_SUBSCRIPTION);
        let of_refer = explicit || tag.eq_ignore_ascii_case(NO_SUBSCRIPTION);
        self.config.supports(tag) || method == Method::Refer && of_refer
    }

    /// Whether a SUBSCRIBE is to a package that goes up.
    fn is_published(&self, inbound: &Inbound) -> bool {
        matches!(inbound.message.event(), Ok(Some(event)) if self.config.notifies(event.package))
    }

    /// A request with a tag that is no live dialog's: 481, except that an event package that is not known, by what was asked
    /// for either, is said to be unknown (TR-044).
    fn outside_dead(&mut self, tx: TxId, inbound: &Inbound, method: Method, known: bool) {
        let status = match (method, known_event(self.config, &inbound.message)) {
            (Method::Notify | Method::Subscribe, Err(status)) if !known => status,
            _ => StatusCode::CALL_DOES_NOT_EXIST,
        };
        self.refuse_outside(tx, inbound, status);
    }

    /// A request outside any dialog, other than INVITE.
    fn outside(&mut self, tx: TxId, inbound: &Inbound, method: Method) {
        let event = known_event(self.config, &inbound.message);
        match method {
            Method::Options => self.answer_options(tx, inbound, None),
            // Only a REFER makes a refer subscription, or what is sent to the address that its 200 gave (TR-023).
            Method::Subscribe => {
                self.refuse_outside(tx, inbound, event.err().unwrap_or(StatusCode::FORBIDDEN));
            }
            Method::Notify => {
                self.refuse_outside(tx, inbound, event.err().unwrap_or(StatusCode::CALL_DOES_NOT_EXIST));
            }
            // INVITE, REFER and what is passed up were taken before.
            Method::Bye
            | Method::Refer
            | Method::Invite
            | Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Message
            | Method::Publish
            | Method::Other(_) => self.refuse_outside(tx, inbound, StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    pub(crate) fn refuse_outside(&mut self, tx: TxId, inbound: &Inbound, status: StatusCode) {
        let capabilities = self.capabilities;
        self.respond_outside(tx, inbound, status, |response| match status {
            StatusCode::BAD_EVENT => capabilities.allow_events(response),
            _ => response,
        });
    }

    /// A new call; answers it and gives `None` where it cannot become one.
    fn new_call(
        &mut self,
        tx: TxId,
        inbound: Inbound,
        full: bool,
        user: Option<Arc<str>>,
        matched: Match,
        called: Option<Called>,
    ) -> Option<(LegId, Dialog)> {
        // What is to replace a call is told about that first: being full is the last of its checks (table 2.4).
        if full && matches!(matched, Match::Nothing) {
            self.refuse_overloaded(tx, &inbound);
            return None;
        }
        let missing = missing(self.config, &inbound.message);
        if !missing.is_empty() {
            let tags = missing.join(", ");
            self.respond_outside(tx, &inbound, StatusCode::EXTENSION_REQUIRED, |response| {
                response.header(HeaderId::Require, tags)
            });
            return None;
        }
        if unreadable(&inbound.message) {
            self.respond_outside(tx, &inbound, StatusCode::UNSUPPORTED_MEDIA_TYPE, |response| {
                response.header(HeaderId::Accept, SDP).header(HeaderId::AcceptEncoding, "identity")
            });
            return None;
        }
        if session_timer::is_too_short(self.config, &inbound.message) {
            let least = session_timer::least(self.config);
            self.respond_outside(tx, &inbound, StatusCode::SESSION_INTERVAL_TOO_SMALL, |response| {
                response.header(HeaderId::MinSe, least)
            });
            return None;
        }
        let leg = self.cx.ids.mint();
        let Some(mut new) = NewCall::read(self, leg, &inbound) else {
            self.refuse_outside(tx, &inbound, StatusCode::BAD_REQUEST);
            return None;
        };
        if let Some(called) = called {
            new.called(called);
        }
        new.verified(user);
        match matched {
            Match::Nothing => {}
            Match::Refused(status) => {
                self.refuse_outside(tx, &inbound, status);
                return None;
            }
            Match::Dialog(_) if full => {
                self.refuse_overloaded(tx, &inbound);
                return None;
            }
            Match::Dialog(replacing) => new.replacing(*replacing),
        }
        Some((leg, Dialog::incoming(self, leg, tx, inbound, new)))
    }

    pub(crate) fn refuse_overloaded(&mut self, tx: TxId, inbound: &Inbound) {
        self.pending.counters.refused_overloaded += 1;
        self.respond_outside(tx, inbound, StatusCode::SERVICE_UNAVAILABLE, |response| {
            response.header(HeaderId::RetryAfter, OVERLOAD_RETRY)
        });
    }

    pub(crate) fn respond_overloaded(&mut self, tx: TxId, inbound: &Inbound, local_tag: &str) {
        self.pending.counters.refused_overloaded += 1;
        self.respond(tx, inbound, StatusCode::SERVICE_UNAVAILABLE, local_tag, |response| {
            response.header(HeaderId::RetryAfter, OVERLOAD_RETRY)
        });
    }
}
