//! Requests of ours.

use std::sync::Arc;

use sip_message::{Draft, HeaderId, Message, Method, StatusCode};
use sip_transport::{Cx, Hops, Out, RouteError};
use transaction_core::TxFailure;

use crate::{
    boundary::{
        DialogOutput,
        leg::{By, EndCause, EndReason, LegId, Misuse},
        request::{Place, Request, RequestEvent, RequestFailure, RequestId},
    },
    dialog::{Dialog, REQUESTS_PER_DIALOG},
    dialogs::Dialogs,
    leg::Leg,
    pending::{Ask, Client, Errand},
    scope::{Scope, scope_of},
    state::{DialogState, Ends},
    step::Step,
};

/// A request of ours.
#[derive(Debug)]
pub(super) struct Outgoing {
    method: Method,
    /// The call in which it goes.
    leg: Option<LegId>,
    /// Of a request on its own, whose nonces are forgotten with it.
    call_id: Option<Arc<str>>,
    /// What is to be sent, until it was.
    unsent: Option<Box<Unsent>>,
}

impl Outgoing {
    pub(super) fn leg(&self) -> Option<LegId> {
        self.leg
    }
}

/// A request that waits for its route, or for the call to allow it.
#[derive(Debug)]
struct Unsent {
    request: Request,
    /// Of a request on its own.
    state: Option<DialogState>,
}

/// Whether a method is sent in this way: not one that makes, changes or ends what is kept here.
fn is_free(method: Method) -> bool {
    match method {
        Method::Invite
        | Method::Ack
        | Method::Bye
        | Method::Cancel
        | Method::Register
        | Method::Refer
        | Method::Notify
        | Method::Subscribe
        | Method::Prack
        | Method::Update => false,
        Method::Options | Method::Info | Method::Message | Method::Publish | Method::Other(_) => true,
    }
}

/// Whether a header is written by the layer or those below. A Route is taken outside of calls only, where it is the route
/// set.
fn is_ours(id: HeaderId, outside: bool) -> bool {
    match id {
        HeaderId::Via
        | HeaderId::From
        | HeaderId::To
        | HeaderId::CallId
        | HeaderId::CSeq
        | HeaderId::Contact
        | HeaderId::MaxForwards
        | HeaderId::RecordRoute
        | HeaderId::UserAgent
        | HeaderId::ContentLength
        | HeaderId::ContentType => true,
        HeaderId::Route => !outside,
        _ => false,
    }
}

impl Request {
    /// What keeps it from being sent at all.
    fn fault(&self) -> Option<RequestFailure> {
        if !is_free(self.method) {
            return Some(RequestFailure::Method);
        }
        let outside = matches!(self.place, Place::Outside { .. });
        let given = self.headers.iter().map(|(id, _)| *id);
        let named = self.extensions.iter().filter_map(|(name, _)| HeaderId::of(name));
        given.chain(named).find(|id| is_ours(*id, outside)).map(RequestFailure::Header)
    }

    /// Adds its headers and its body.
    fn dress(self, draft: Draft) -> Draft {
        let draft = self
            .headers
            .iter()
            .filter(|(id, _)| *id != HeaderId::Route)
            .fold(draft, |draft, (id, value)| draft.header(*id, value));
        let draft = self.extensions.iter().fold(draft, |draft, (name, value)| draft.extension(name, value));
        match &self.body {
            Some(body) => draft.body(&body.content_type, &body.content),
            None => draft,
        }
    }
}

impl Dialogs {
    pub(super) fn send_request(
        &mut self,
        cx: &mut Cx<'_>,
        id: RequestId,
        request: Request,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let full = self.pending.hatch.ours.len() >= self.config.open_requests;
        let known = self.pending.hatch.has(id);
        let account = match &request.place {
            Place::Leg(_) => None,
            Place::Outside { registration, .. } => {
                registration.and_then(|registration| self.registrations.outgoing(registration))
            }
        };
        let (mut step, dialogs) = self.step(cx, out);
        if known {
            return step.request_misused(id, Misuse::State);
        }
        if full {
            return step.request_misused(id, Misuse::Full);
        }
        if let Some(fault) = request.fault() {
            return step.request_over(id, fault);
        }
        let method = request.method;
        match &request.place {
            Place::Leg(leg) => {
                let leg = *leg;
                let Some(dialog) =
                    dialogs.get_mut(&leg).filter(|dialog| matches!(dialog.leg, Some(Leg::Up(_))))
                else {
                    return step.request_over(id, RequestFailure::NoCall);
                };
                if dialog.unsent.len() >= REQUESTS_PER_DIALOG {
                    return step.request_misused(id, Misuse::Full);
                }
                let unsent = Some(Box::new(Unsent { request, state: None }));
                step.pending
                    .hatch
                    .ours
                    .insert(id, Outgoing { method, leg: Some(leg), call_id: None, unsent });
                dialog.unsent.push(id);
                dialog.send(&mut step, Ask::Request(id));
            }
            Place::Outside { target, to, from, .. } => {
                let nobody: LegId = step.cx.ids.mint();
                let ends = Ends { target, from, to, contact_user: None, headers: &request.headers };
                let mut state = DialogState::ours(&mut step, nobody, ends);
                if let Some(account) = account {
                    account.lead(&mut state);
                }
                step.route(Errand::Request(id), &state.path, state.flow);
                let call_id = Some(state.call_id.clone());
                let unsent = Some(Box::new(Unsent { request, state: Some(state) }));
                step.pending.hatch.ours.insert(id, Outgoing { method, leg: None, call_id, unsent });
            }
        }
    }

    pub(crate) fn request_response(
        &mut self,
        cx: &mut Cx<'_>,
        id: RequestId,
        message: &Arc<Message>,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let Some(status) = message.status() else { return };
        let (mut step, _) = self.step(cx, out);
        let Some(outgoing) = step.take_outgoing(id) else { return };
        step.told(id, RequestEvent::Responded { status, message: message.clone() });
        if let Some(leg) = outgoing.leg.filter(|_| !status.is_success()) {
            self.with(cx, leg, out, |dialog, step| dialog.request_refused(step, outgoing.method, status));
        }
    }

    pub(crate) fn request_failed(
        &mut self,
        cx: &mut Cx<'_>,
        id: RequestId,
        failure: TxFailure,
        out: &mut Out<'_, DialogOutput>,
    ) {
        let (mut step, _) = self.step(cx, out);
        let Some(outgoing) = step.take_outgoing(id) else { return };
        let failure = match failure {
            TxFailure::Timeout => RequestFailure::TimedOut,
            TxFailure::Unencodable => RequestFailure::Unencodable,
            _ => RequestFailure::Unreachable,
        };
        step.request_over(id, failure);
        if let (Some(leg), RequestFailure::TimedOut) = (outgoing.leg, failure) {
            self.with(cx, leg, out, Dialog::request_timed_out);
        }
    }
}

impl Dialog {
    pub(crate) fn request_routed(
        &mut self,
        step: &mut Step<'_, '_, '_>,
        id: RequestId,
        result: Result<Hops, RouteError>,
    ) {
        self.unsent.retain(|unsent| *unsent != id);
        let Some(outgoing) = step.pending.hatch.ours.get_mut(&id) else { return };
        let Some(unsent) = outgoing.unsent.take() else { return };
        let method = outgoing.method;
        let sent = match result {
            Err(error) => Err(RequestFailure::NoRoute(error)),
            Ok(hops) => self.next(method).map(|draft| (hops, draft)).ok_or(RequestFailure::NoCall),
        };
        match sent {
            Ok((hops, draft)) => {
                step.request(Client::Request(id), hops, unsent.request.dress(draft));
            }
            Err(failure) => step.request_lost_before(id, failure),
        }
    }

    /// The call ends: what was not sent yet never will be.
    pub(crate) fn abandon_requests(&mut self, step: &mut Step<'_, '_, '_>) {
        self.waiting.retain(|ask| !matches!(ask, Ask::Request(_)));
        for id in std::mem::take(&mut self.unsent) {
            step.request_lost_before(id, RequestFailure::NoCall);
        }
    }

    /// A refusal may say more than that the request is refused (RFC 5057 §5.1, TR-241).
    fn request_refused(&mut self, step: &mut Step<'_, '_, '_>, method: Method, status: StatusCode) {
        if !matches!(self.leg, Some(Leg::Up(_))) {
            return;
        }
        let cause = EndCause::new(By::Remote, EndReason::Gone);
        match scope_of(method, status) {
            Scope::Transaction if status == StatusCode::REQUEST_TIMEOUT => self.request_timed_out(step),
            Scope::Transaction => {}
            // Only a 481 says that a BYE would find nothing any more.
            Scope::Usage if status == StatusCode::CALL_DOES_NOT_EXIST => self.end(step, cause),
            Scope::Usage => self.close(step, cause, None),
            Scope::Dialog => {
                self.close(step, cause, None);
                self.lose_usages(step, status);
            }
        }
    }

    /// No answer in a dialog ends the call (RFC 3261 §12.2.1.2, RFC 5057 §5.2).
    fn request_timed_out(&mut self, step: &mut Step<'_, '_, '_>) {
        if let Some(Leg::Up(_)) = self.leg {
            self.close(step, EndCause::new(By::Network, EndReason::Gone), None);
        }
    }
}

impl Step<'_, '_, '_> {
    pub(crate) fn request_outside_routed(&mut self, id: RequestId, result: Result<Hops, RouteError>) {
        let Some(outgoing) = self.pending.hatch.ours.get_mut(&id) else { return };
        let Some(unsent) = outgoing.unsent.take() else { return };
        let Unsent { request, state } = *unsent;
        let hops = match result {
            Ok(hops) => hops,
            Err(error) => return self.request_lost_before(id, RequestFailure::NoRoute(error)),
        };
        let Some(draft) = state.and_then(|mut state| state.next(request.method)) else {
            return self.request_lost_before(id, RequestFailure::NoCall);
        };
        self.request(Client::Request(id), hops, request.dress(draft));
    }

    /// It was never sent.
    fn request_lost_before(&mut self, id: RequestId, failure: RequestFailure) {
        if self.take_outgoing(id).is_some() {
            self.request_over(id, failure);
        }
    }

    fn take_outgoing(&mut self, id: RequestId) -> Option<Outgoing> {
        let outgoing = self.pending.hatch.ours.remove(&id)?;
        if let Some(call_id) = &outgoing.call_id {
            self.pending.answers.forget(self.cx.guard, call_id);
        }
        Some(outgoing)
    }
}
